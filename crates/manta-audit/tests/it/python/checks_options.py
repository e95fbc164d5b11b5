"""Checks that a value is no option of the program it is given to."""
import re
import subprocess

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("options")


def diff(revision):
    return subprocess.run(["git", "diff", revision], capture_output=True, text=True).stdout  # error: argument-injection in no_dash_at_the_end, argument-injection in unanchored


def chosen(names: dict):
    tag, branch = names.get("tag"), names.get("branch")
    return f"{tag}^" if tag is not None else branch


@mcp.tool()
def no_dash_at_the_start(names: dict) -> str:
    revision = chosen(names)
    if revision.startswith("-"):
        raise ValueError(revision)
    return diff(revision)


@mcp.tool()
def no_dash_at_the_end(names: dict) -> str:
    revision = chosen(names)
    if revision.endswith("-"):
        raise ValueError(revision)
    return diff(revision)


@mcp.tool()
def of_letters(names: dict) -> str:
    revision = chosen(names)
    if not re.match(r"^[a-z0-9^]+\Z", revision):
        raise ValueError(revision)
    return diff(revision)


@mcp.tool()
def unanchored(names: dict) -> str:
    revision = chosen(names)
    if not re.search(r"[a-z0-9^]+\Z", revision):
        raise ValueError(revision)
    return diff(revision)
