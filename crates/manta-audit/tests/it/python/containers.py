"""What keeps a value and gives it back: queues, buffers, settings, tables with a default."""
import asyncio
import configparser
import contextvars
import heapq
import io
import queue
import re
import subprocess
from collections import defaultdict

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("containers")
CALLER = contextvars.ContextVar("CALLER")


def ping(host: str) -> str:
    return subprocess.run("ping -c1 " + host, shell=True).stdout  # error: command-injection in through_queue, command-injection in through_async_queue, command-injection in through_buffer, command-injection in through_table, command-injection in through_heap, command-injection in through_settings, command-injection in through_context, command-injection in through_places, command-injection in through_places_of_a_catalogue


@mcp.tool()
def through_queue(host: str) -> str:
    waiting = queue.Queue()
    waiting.put(host)
    return ping(waiting.get())


@mcp.tool()
def another_queue(host: str) -> str:
    waiting, other = queue.Queue(), queue.Queue()
    waiting.put(host)
    other.put("localhost")
    return ping(other.get())


@mcp.tool()
async def through_async_queue(host: str) -> str:
    waiting = asyncio.Queue()
    await waiting.put(host)
    return ping(await waiting.get())


@mcp.tool()
def through_buffer(host: str) -> str:
    text = io.StringIO()
    text.write(host)
    return ping(text.getvalue())


@mcp.tool()
def through_table(host: str) -> str:
    hosts = defaultdict(list)
    hosts["all"].append(host)
    return ping(hosts["all"][0])


@mcp.tool()
def through_heap(host: str) -> str:
    hosts = []
    heapq.heappush(hosts, host)
    return ping(heapq.heappop(hosts))


@mcp.tool()
def through_settings(text: str) -> str:
    settings = configparser.ConfigParser()
    settings.read_string(text)
    return ping(settings.get("main", "host"))


@mcp.tool()
def through_context(host: str) -> str:
    CALLER.set(host)
    return ping(CALLER.get())


# -- places of a text that a function fills

def filled(text: str, values: dict) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda place: values.get(place.group(1), ""), text)


@mcp.tool()
def through_places(host: str) -> str:
    return ping(filled("-4 ${host}", {"host": host}))


@mcp.tool()
def through_places_of_a_catalogue(name: str, values: dict) -> str:
    catalogue = dict(line.split("=", 1) for line in open("/etc/commands"))
    return ping(filled(catalogue.get(name, ""), values))


@mcp.tool()
def places_without_values(host: str) -> str:
    return ping(filled("-4 ${host}", {"host": "localhost"}))
