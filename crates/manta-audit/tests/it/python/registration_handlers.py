"""Handlers assigned to the low-level server, not decorated."""
import os
from mcp.server.lowlevel import Server
import mcp.types as types

server = Server("assigned")


async def on_call(request: types.CallToolRequest) -> types.ServerResult:
    name = request.params.name
    arguments = request.params.arguments or {}
    if name == "run":
        os.system("ls " + arguments["x"])  # error: command-injection in run
    return types.ServerResult(types.CallToolResult(content=[]))


server.request_handlers[types.CallToolRequest] = on_call
