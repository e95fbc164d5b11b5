"""Scripts in filters of document databases."""
import pymongo
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("documents")
items = pymongo.MongoClient()["shop"]["items"]


@mcp.tool()
def script(name: str) -> list:
    return list(items.find({"$where": f"this.name == '{name}'"}))  # error: nosql-injection in script


@mcp.tool()
def script_number(count: int) -> list:
    return list(items.find({"$where": f"this.count > {count}"}))


@mcp.tool()
def field(name: str) -> list:
    return list(items.find({"name": name}))
