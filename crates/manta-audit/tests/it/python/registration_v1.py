"""Registration forms of the Python SDK, version 1, high level."""
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.tools import Tool

mcp = FastMCP("forms")
NameT = TypeVar("NameT", bound=Enum)


@mcp.tool()
def plain(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in plain
    return ""


@mcp.tool(name="renamed")
async def other_name(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in renamed
    return ""


@mcp.tool("positional")
def positional_name(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in positional
    return ""


@mcp.tool()
def injected(ctx: Context, n: int) -> str:
    os.system(f"ls {n} {ctx.request_id}")
    return ""


def added(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in added
    return ""


mcp.add_tool(added)


def added_named(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in other
    return ""


mcp.add_tool(fn=added_named, name="other", description="d")


def as_tool(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in from_function
    return ""


TOOLS = [Tool.from_function(as_tool, name="from_function")]
# What is added here is registered above, and not another tool.
for tool in TOOLS:
    mcp.add_tool(tool.fn, tool.name, tool.description)


class Files:
    def __init__(self, server: FastMCP) -> None:
        self.prefix = "ls "
        server.tool(name="method")(self.list)
        server.tool()(self.count)

    def list(self, x: str) -> str:
        os.system(self.prefix + x)  # error: command-injection in method
        return ""

    async def count(self, x: str) -> str:
        os.system(self.prefix + x)  # error: command-injection in count
        return ""


Files(mcp)


class Base:
    def register(self, server: FastMCP) -> None:
        for name in self.names():
            server.add_tool(getattr(self, name), name=f"base_{name}")

    def names(self) -> list[str]:
        return []


class Derived(Base):
    def names(self) -> list[str]:
        return ["first", "second"]

    def first(self, x: str) -> str:
        os.system("ls " + x)  # error: command-injection in base_first
        return ""

    def second(self, n: int) -> str:
        os.system("ls " + str(n))
        return ""


Derived().register(mcp)


def logged(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        return await fn(*args, **kwargs)

    return wrapper


@mcp.tool()
@logged
async def wrapped(x: str, n: int) -> str:
    os.system(f"ls {n} {x}")  # error: command-injection in wrapped
    return ""


def tool_factory(**options):
    def decorator(fn):
        @functools.wraps(fn)
        def inner(*args, **kwargs):
            return fn(*args, **kwargs)

        mcp.tool(**options)(inner)
        return fn

    return decorator


@tool_factory(description="made by a factory")
def by_factory(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in by_factory
    return ""


REGISTRY: dict = {}


def register(name: str):
    def decorator(fn):
        REGISTRY[name] = fn
        return fn

    return decorator


@register("from_registry")
def kept(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in from_registry
    return ""


for tool_name, tool_fn in REGISTRY.items():
    mcp.add_tool(tool_fn, name=tool_name)


@mcp.resource("notes://{folder}/{name}")
def note(folder: str, name: str) -> str:
    os.system("cat " + name)  # error: command-injection
    return ""


@mcp.prompt()
def ask(topic: str) -> str:
    os.system("cat " + topic)  # error: command-injection
    return ""


@dataclass
class Definition(Generic[NameT]):
    fn: Callable[..., Any]
    names: type[NameT]
    name: str | None = None

    def get_name(self) -> NameT:
        return self.names((self.name or self.fn.__name__).lower())


class Names(Enum):
    DEFINED = "defined"
    OTHER = "other_defined"


@dataclass
class ServerDefinition(Definition[Names]):
    names: type[Names] = Names


def definition(description: str, names: type[Enum]):
    def decorator(fn):
        return Definition(fn=fn, names=names)

    return decorator


server_definition = functools.partial(definition, names=Names)


def defined(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in defined
    return ""


@server_definition(description="d")
def other_defined(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in other_defined
    return ""


def register_definitions(server: FastMCP, definitions: list[Definition]) -> None:
    for made in definitions:
        server.add_tool(fn=made.fn, name=made.get_name().value)


register_definitions(mcp, [ServerDefinition(fn=defined), other_defined])
