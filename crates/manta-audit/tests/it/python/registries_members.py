"""Tools that are all members of something."""
import inspect
import os

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("members")


class Tools:
    def list_files(self, path: str) -> str:
        return os.popen("ls " + path).read()  # error: command-injection in list_files

    def count_files(self, path: str) -> str:
        return os.popen("ls " + str(len(path))).read()

    limit = 10


for name, member in inspect.getmembers(Tools(), predicate=inspect.ismethod):
    if not name.startswith("_"):
        mcp.tool(name=name)(member)
