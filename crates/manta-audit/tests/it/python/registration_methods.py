"""A low-level server that picks the method of a tool by its name."""
import os

from mcp.server import Server
from mcp.types import TextContent


class Tools:
    def __init__(self) -> None:
        self.server = Server("methods")
        self.register()

    def register(self) -> None:
        @self.server.call_tool()
        async def call(name: str, arguments: dict | None) -> list[TextContent]:
            method = getattr(self, f"tool_{name}", None)
            if method is None:
                raise ValueError(name)
            return await method(**(arguments or {}))

    async def tool_list(self, directory: str) -> list[TextContent]:
        return [TextContent(type="text", text=os.popen("ls " + directory).read())]  # error: command-injection in list

    async def tool_now(self) -> list[TextContent]:
        return [TextContent(type="text", text=os.popen("date").read())]


Tools()
