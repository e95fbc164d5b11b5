"""Arguments that the caller may leave out: what happens without them is followed too."""
import os
from typing import Optional
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("left-out")


@mcp.tool()
def without_a_list(path: str, stages: list[str] | None = None) -> str:
    if stages is not None:
        return ", ".join(stages)
    return open(path).read()  # error: path-traversal in without_a_list


@mcp.tool()
def without_a_table(path: str, options: Optional[dict] = None) -> str:
    if options is None:
        return open(path).read()  # error: path-traversal in without_a_table
    return ""


@mcp.tool()
def without_a_number(path: str, lines: Optional[int] = None) -> str:
    if lines != None:  # noqa: E711
        return str(lines)
    return open(path).read()  # error: path-traversal in without_a_number


@mcp.tool()
def without_a_flag(path: str, whole: Optional[bool] = None) -> str:
    if whole is not None:
        return str(whole)
    return open(path).read()  # error: path-traversal in without_a_flag


@mcp.tool()
def filled_in(names: list[str] | None = None) -> str:
    if names is None:
        names = ["a", "b"]
    if names is None:
        os.system("ls " + "never")
    for name in names:
        os.remove(name)  # error: path-traversal in filled_in
    return ""


@mcp.tool()
def made_here(path: str) -> str:
    options = {"path": "/srv/data"}
    if options is None:
        return open(path).read()
    return open(options["path"]).read()
