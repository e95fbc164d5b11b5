"""Handlers that enter a registry when their class is made; the base class declares what each of them overrides."""
import sqlite3
from typing import ClassVar

from mcp import Tool
from mcp.server.lowlevel import Server


class Registry:
    tools: ClassVar[dict[str, "Handler"]] = {}

    @classmethod
    def register(cls, made: type["Handler"]) -> None:
        handler = made()
        cls.tools[handler.name] = handler

    @classmethod
    def named(cls, name: str) -> "Handler":
        if name not in cls.tools:
            raise ValueError(name)
        return cls.tools[name]


class Handler:
    name: str = ""
    description: str = ""
    limit: int = 10

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.name:
            Registry.register(cls)

    def described(self) -> Tool:
        raise NotImplementedError

    async def run(self, arguments: dict) -> list:
        raise NotImplementedError


class Describe(Handler):
    name = "describe"
    description = "says what a table is about"

    def described(self) -> Tool:
        schema = {"type": "object", "properties": {"table": {"type": "string"}}}
        return Tool(name=self.name, description=self.description, inputSchema=schema)

    async def run(self, arguments: dict) -> list:
        names = [name.strip() for name in arguments["table"].split(",")]
        listed = "','".join(names)
        statement = f"SELECT comment FROM tables WHERE name IN ('{listed}') LIMIT {self.limit}"
        return sqlite3.connect("db").execute(statement).fetchall()  # error: sql-injection in describe


class Count(Handler):
    name = "count"

    def described(self) -> Tool:
        schema = {"type": "object", "properties": {"table": {"type": "string"}}}
        return Tool(name=self.name, description=self.description, inputSchema=schema)

    async def run(self, arguments: dict) -> list:
        bound = (arguments["table"],)
        return sqlite3.connect("db").execute("SELECT n FROM tables WHERE name = ?", bound).fetchall()


class Search(Handler):
    name = "search"

    def described(self) -> Tool:
        schema = {"type": "object", "properties": {"comment": {"type": "string"}}}
        return Tool(name=self.name, description=self.description, inputSchema=schema)

    async def run(self, arguments: dict) -> list:
        comment = arguments["comment"]
        return run_all(f"SELECT name FROM tables WHERE comment LIKE '%{comment}%';")


def run_all(statements: str) -> list:
    rows = []
    for statement in [each.strip() for each in statements.split(";") if each.strip()]:
        rows += sqlite3.connect("db").execute(statement).fetchall()  # error: sql-injection in search
    return rows


app = Server("registry")


@app.list_tools()
async def list_tools() -> list[Tool]:
    return [handler.described() for handler in Registry.tools.values()]


@app.call_tool()
async def call_tool(name: str, arguments: dict) -> list:
    return await Registry.named(name).run(arguments)
