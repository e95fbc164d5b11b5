# Functions that are handed over to be called later, with what they are to be called with.
import asyncio
import os
import subprocess
import threading

import anyio
import httpx
import trio
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("scheduling")


async def get(url, path):
    async with httpx.AsyncClient() as client:
        await client.get(url)  # error: ssrf in starts_with_address


@mcp.tool()
async def starts_with_path(path: str) -> str:
    async with anyio.create_task_group() as group:
        for item in await listed():
            group.start_soon(get, item.address, path)
    return "done"


@mcp.tool()
async def starts_with_address(address: str) -> str:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(get, address, "/srv/data/file")
    return "done"


def run(program, argument):
    subprocess.run([program, "--", argument])  # error: command-execution in later_the_program


@mcp.tool()
async def later_the_argument(argument: str) -> str:
    asyncio.get_running_loop().call_later(5, run, "uptime", argument)
    return "done"


@mcp.tool()
async def later_the_program(program: str) -> str:
    asyncio.get_running_loop().call_soon(run, program, "x")
    return "done"


def breaks(reason):
    raise RuntimeError(reason)


@mcp.tool()
async def beside_what_breaks(command: str) -> str:
    threading.Thread(target=breaks, args=("no index",), daemon=True).start()
    asyncio.get_running_loop().call_later(5, breaks, "no clock")
    os.system(command)  # error: command-execution in beside_what_breaks
    return "done"
