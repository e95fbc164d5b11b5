"""Tools that are all classes that inherit from one, which inherits from outside."""
import os
from abc import ABC, abstractmethod

from mcp.server import Server
from mcp.types import TextContent, Tool


class Base(ABC):
    name: str

    @abstractmethod
    async def execute(self, **arguments): ...


class ListFiles(Base):
    name = "list_files"

    async def execute(self, path: str):
        return os.popen("ls " + path).read()  # error: command-injection in list_files


class CountFiles(Base):
    name = "count_files"

    async def execute(self, path: str):
        return os.popen("ls " + str(len(path))).read()


tools = {}
for tool in Base.__subclasses__():
    tools[tool.name] = tool()
server = Server("subclasses")


@server.list_tools()
async def list_tools():
    return [Tool(name=tool.name, description="", inputSchema={"type": "object"}) for tool in tools.values()]


@server.call_tool()
async def call_tool(name: str, arguments: dict):
    return [TextContent(type="text", text=await tools[name].execute(**arguments))]
