"""Version 2 of the Python SDK: handlers are constructor arguments."""
import os
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
import mcp.types as types

mcp = MCPServer("two")


@mcp.tool()
def plain(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in plain
    return ""


async def on_call(ctx, params: types.CallToolRequestParams) -> types.CallToolResult:
    if params.name == "run":
        os.system("ls " + params.arguments["x"])  # error: command-injection in run
    return types.CallToolResult(content=[])


async def on_read(ctx, params) -> None:
    open(params.uri)  # error: path-traversal


server = Server("low", on_call_tool=on_call, on_read_resource=on_read)
