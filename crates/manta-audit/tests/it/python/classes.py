"""How methods and arguments are found: orders of inheritance, `super()`, arguments by name."""
import os
from typing import Any, Protocol
from mcp.server import Server
from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel, Field

mcp = FastMCP("classes")
low = Server("low")


# -- a class that only declares a method does not hide the one that defines it

class Uploads(Protocol):
    def upload(self, file_path: str) -> str: ...


class Client:
    def __init__(self) -> None:
        self.url = "https://example.com"


class Issues(Client, Uploads):
    def update(self, key: str, fields: dict | None = None, **options: Any) -> str:
        if "attachment" in options:
            return self.upload(options["attachment"])
        return key


class Attachments(Client, Uploads):
    def upload(self, file_path: str) -> str:
        with open(file_path) as file:  # error: path-traversal in attach
            return file.read()


class Fetcher(Issues, Attachments):
    pass


@mcp.tool()
def attach(key: str, attachment: str) -> str:
    changes = {"summary": "new"}
    changes["attachment"] = attachment
    return Fetcher().update(key, **changes)


class Constant(Client, Uploads):
    def upload(self, file_path: str) -> str:
        with open("/data/fixed") as file:
            return file.read()


class FixedFetcher(Issues, Constant):
    pass


@mcp.tool()
def attach_fixed(key: str, attachment: str) -> str:
    return FixedFetcher().update(key, attachment=attachment)


# -- `super()` goes on in the order of the object's class

class Store:
    def load(self, name: str) -> str:
        return open(name).read()  # error: path-traversal in direct


class Checked(Store):
    def load(self, name: str) -> str:
        if os.sep in name or name == "..":
            raise ValueError(name)
        return super().load(name)


class Logged(Store):
    def load(self, name: str) -> str:
        return super().load(name)


class Direct(Logged):
    pass


class Both(Logged, Checked):
    pass


@mcp.tool()
def direct(name: str) -> str:
    return Direct().load(name)


@mcp.tool()
def checked(name: str) -> str:
    return Both().load(name)


# -- arguments that a model takes by name

class Read(BaseModel):
    path: str = Field(description="what to read")
    lines: int = 10


@low.list_tools()
async def list_tools():
    return []


@low.call_tool()
async def call_tool(name: str, arguments: dict) -> list:
    request = Read(**arguments)
    if name == "read":
        return [open(request.path).read()]  # error: path-traversal in read
    if name == "read_safely":
        full = os.path.realpath(os.path.join("/data", request.path))
        if os.path.commonpath(["/data", full]) != "/data":
            raise ValueError(name)
        return [open(full).read()]
    return []
