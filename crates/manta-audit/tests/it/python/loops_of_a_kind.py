"""Loops over many values of which nothing is known but that they are the server's: what the first ones do counts, and what
any of them may be."""
import os
import shlex
import subprocess
from urllib.parse import quote
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("of-a-kind")

FORMS = [
    quote(os.environ["A"]),
    quote(os.environ["B"]),
    quote(os.environ["C"]),
    quote(os.environ["D"]),
    quote(os.environ["E"]),
    quote(os.environ["F"]),
    quote(os.environ["G"]),
    quote(os.environ["H"]),
]


@mcp.tool()
def without_them(text: str) -> str:
    for form in FORMS:
        text = text.replace(form, "")
    return subprocess.run("grep -e " + text, shell=True).stdout  # error: command-injection in without_them


@mcp.tool()
def without_them_and_quoted(text: str) -> str:
    for form in FORMS:
        text = text.replace(form, "")
    return subprocess.run("grep -e " + shlex.quote(text), shell=True).stdout


@mcp.tool()
def one_of_them(text: str) -> str:
    for form in FORMS:
        if text == form:
            return open(text).read()
    return ""


@mcp.tool()
def none_of_them(text: str) -> str:
    for form in FORMS:
        if text == form:
            return ""
    return open(text).read()  # error: path-traversal in none_of_them


@mcp.tool()
def last_of_all(text: str) -> str:
    values = [*FORMS, text]
    found = ""
    for value in values:
        found = value
    return open(found).read()  # error: path-traversal in last_of_all
