"""Modules that are loaded by a name or by a path."""
import importlib
import importlib.util
import os
import re
import runpy
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("modules")
PLUGINS = "/srv/plugins"


@mcp.tool()
def of_a_package(name: str) -> str:
    return str(importlib.import_module(f"plugins.{name}").run())


@mcp.tool()
def of_any_package(name: str) -> str:
    return str(importlib.import_module(name).run())  # error: code-injection in of_any_package


@mcp.tool()
def of_a_list(name: str) -> str:
    if name not in ("disk", "memory"):
        raise ValueError("unknown")
    return str(importlib.import_module(name).run())


@mcp.tool()
def of_a_file(path: str) -> str:
    spec = importlib.util.spec_from_file_location("plugin", path)  # error: code-injection in of_a_file
    return str(spec)


@mcp.tool()
def of_a_file_somewhere(name: str) -> str:
    return str(runpy.run_path(os.path.join(PLUGINS, name)))  # error: code-injection in of_a_file_somewhere


@mcp.tool()
def of_a_file_in_there(name: str) -> str:
    if not re.fullmatch(r"[a-z_]+", name):
        raise ValueError("no name")
    return str(runpy.run_path(os.path.join(PLUGINS, name + ".py")))


@mcp.tool()
def of_a_file_that_lies_there(path: str) -> str:
    full = os.path.realpath(os.path.join(PLUGINS, path))
    if os.path.commonpath([PLUGINS, full]) != PLUGINS:
        raise ValueError("outside")
    return str(runpy.run_path(full))
