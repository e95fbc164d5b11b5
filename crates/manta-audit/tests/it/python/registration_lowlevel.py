"""The low-level server: dispatch by name in every usual form."""
import os
from mcp.server import Server
import mcp.types as types

server = Server("low")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [
        types.Tool(name="one", description="", inputSchema={"type": "object", "properties": {"x": {"type": "string"}}}),
        types.Tool(name="two", description="", inputSchema={"type": "object", "properties": {"x": {"type": "string"}}}),
        types.Tool(name="three", description="", inputSchema={"type": "object"}),
        types.Tool(name="four", description="", inputSchema={"type": "object"}),
    ]


class Service:
    async def three(self, arguments: dict) -> str:
        os.system("ls " + arguments["x"])  # error: command-injection in three
        return ""

    async def safe(self, arguments: dict) -> str:
        os.system("ls " + str(int(arguments["x"])))
        return ""


service = Service()
HANDLERS = {"three": service.three, "safe": service.safe}


@server.call_tool()
async def call_tool(name: str, arguments: dict | None) -> list[types.TextContent]:
    arguments = arguments or {}
    if name == "one":
        os.system("ls " + arguments["x"])  # error: command-injection in one
    elif name in HANDLERS:
        await HANDLERS[name](arguments)
    else:
        match name:
            case "two":
                x = arguments.get("x", ".")
                os.system("ls " + x)  # error: command-injection in two
            case "four":
                os.system("ls " + str(int(arguments["x"])))
    return []


@server.read_resource()
async def read_resource(uri) -> str:
    path = str(uri).removeprefix("file://")
    return open(path).read()  # error: path-traversal


@server.get_prompt()
async def get_prompt(name: str, arguments: dict | None) -> types.GetPromptResult:
    os.system("ls " + (arguments or {})["topic"])  # error: command-injection
    return types.GetPromptResult(messages=[])
