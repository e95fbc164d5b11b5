"""What a server makes when it starts, and what its tools reach through the context."""
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mcp.server.fastmcp import Context, FastMCP


class Runner:
    def listing(self, directory: str) -> str:
        return os.popen("ls " + directory).read()  # error: command-injection in list_directory

    def count(self, directory: str) -> str:
        return os.popen("ls -" + str(len(directory))).read()


@dataclass
class Shared:
    runner: Runner


@asynccontextmanager
async def lifespan(server: FastMCP) -> AsyncIterator[Shared]:
    runner = Runner()
    try:
        yield Shared(runner=runner)
    finally:
        pass


mcp = FastMCP("lifespan", lifespan=lifespan)


@mcp.tool()
async def list_directory(ctx: Context, directory: str) -> str:
    shared = ctx.request_context.lifespan_context
    return shared.runner.listing(directory)


@mcp.tool()
async def count_entries(ctx: Context, directory: str) -> str:
    return ctx.request_context.lifespan_context.runner.count(directory)


@mcp.tool()
def with_options(options: dict[str, str]) -> str:
    settings = {"directory": "."}
    settings.update(options)
    return os.popen("ls " + settings["directory"]).read()  # error: command-injection in with_options


@mcp.tool()
def with_fixed_directory(options: dict[str, str]) -> str:
    settings = dict(options)
    settings["directory"] = "."
    return os.popen("ls " + settings["directory"]).read()
