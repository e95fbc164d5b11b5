"""How values travel: what the language offers, each form once."""
import asyncio
import contextlib
import functools
import os
import typing
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("language")


@dataclass
class Request:
    target: str
    flags: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        return f"ls {self.target}"

    @classmethod
    def make(cls, target: str) -> "Request":
        return cls(target=target)


@mcp.tool()
def through_dataclass(x: str) -> str:
    os.system(Request.make(x).line)  # error: command-injection in through_dataclass
    return ""


class Pair(NamedTuple):
    first: str
    second: str


@mcp.tool()
def through_tuple(x: str) -> str:
    first, second = Pair("ls ", x)
    os.system(first + second)  # error: command-injection in through_tuple
    return ""


def run(prefix: str, *, target: str) -> None:
    os.system(prefix + target)  # error: command-injection in through_partial, command-injection in through_keywords


@mcp.tool()
def through_partial(x: str) -> str:
    functools.partial(run, "ls ")(target=x)
    return ""


@mcp.tool()
async def through_thread(x: str) -> str:
    await asyncio.to_thread(os.system, f"ls {x}")  # error: command-injection in through_thread
    return ""


@mcp.tool()
async def through_executor(x: str) -> str:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, lambda: os.system(f"ls {x}"))  # error: command-injection in through_executor
    with ThreadPoolExecutor() as pool:
        pool.submit(os.system, "ls " + x)  # error: command-injection in through_executor
    return ""


@mcp.tool()
async def through_gather(xs: list[str]) -> str:
    async def one(x: str) -> None:
        os.system(f"ls {x}")  # error: command-injection in through_gather

    await asyncio.gather(*(one(x) for x in xs))
    return ""


def lines(xs: list[str]):
    for x in xs:
        yield f"ls {x}"


@mcp.tool()
def through_generator(xs: list[str]) -> str:
    for line in lines(xs):
        os.system(line)  # error: command-injection in through_generator
    return ""


@contextlib.contextmanager
def prepared(x: str):
    yield f"ls {x}"


@mcp.tool()
def through_context(x: str) -> str:
    with prepared(x) as line:
        os.system(line)  # error: command-injection in through_context
    return ""


class Base:
    def command(self, x: str) -> str:
        raise NotImplementedError

    def run(self, x: str) -> None:
        os.system(self.command(x))  # error: command-injection in through_override


class Quoting:
    pass


class List(Quoting, Base):
    def command(self, x: str) -> str:
        return f"ls {x}"


class Constant(Base):
    def command(self, x: str) -> str:
        return "ls"


@mcp.tool()
def through_override(x: str) -> str:
    List().run(x)
    return ""


@mcp.tool()
def through_constant(x: str) -> str:
    Constant().run(x)
    return ""


@mcp.tool()
def through_comprehension(xs: list[str]) -> str:
    options = {x: f"--{x}" for x in xs if x}
    os.system("ls " + " ".join(options.values()))  # error: command-injection in through_comprehension
    return ""


@mcp.tool()
def through_match(mode: str, x: str) -> str:
    match mode:
        case "list":
            line = "ls " + x
        case "date":
            line = "date"
        case _:
            return "no"
    os.system(line)  # error: command-injection in through_match
    return ""


@mcp.tool()
def through_walrus(x: str | None = None) -> str:
    if (target := x) is not None:
        os.system(f"ls {target}")  # error: command-injection in through_walrus
    return ""


@mcp.tool()
def through_getattr(x: str) -> str:
    getattr(os, "system")("ls " + x)  # error: command-injection in through_getattr
    return ""


@mcp.tool()
def through_global(x: str) -> str:
    global last
    last = x
    os.system("ls " + last)  # error: command-injection in through_global
    return ""


@mcp.tool()
def through_exception(x: str) -> str:
    try:
        raise ValueError(x)
    except ValueError as error:
        os.system(f"echo {error}")  # error: command-injection in through_exception
    return ""


@mcp.tool()
def through_keywords(x: str) -> str:
    options = {"target": x}
    run("ls ", **options)
    return ""


@mcp.tool()
def length_only(x: str) -> str:
    os.system(f"head -c {len(x)} /etc/hostname")
    return ""


@mcp.tool()
def through_percent(x: str) -> str:
    os.system("ls %s" % x)  # error: command-injection in through_percent
    os.system("ls %d" % len(x))
    return ""


@mcp.tool()
def through_format(x: str) -> str:
    os.system("ls {target}".format(target=x))  # error: command-injection in through_format
    return ""


@mcp.tool()
def cut_off_again(x: str) -> str:
    padded = "start" + x + "end"
    return open(f"./data/{padded[5:-3]}").read()  # error: path-traversal in cut_off_again


@mcp.tool()
def cut_down_to_the_constant(x: str) -> str:
    padded = "start" + x + "end"
    return open(f"./data/{padded[:5]}").read()


@mcp.tool()
def without_the_first_character(x: str) -> str:
    return open("./data/" + x[1:]).read()  # error: path-traversal in without_the_first_character


@mcp.tool()
def moved_to_the_front(x: str) -> str:
    words = ["safe"]
    words.append(x)
    words.append("also safe")
    words.pop(0)
    os.system("ls " + words[0])  # error: command-injection in moved_to_the_front
    os.system("ls " + words[1])
    return ""


@mcp.tool()
def chosen_by_a_constant(x: str) -> str:
    match "ABC"[1]:
        case "A":
            target = x
        case "B":
            target = "bob"
        case _:
            target = x
    os.system("ls " + target)
    return ""


@mcp.tool()
def second_piece(x: str) -> str:
    pieces = f"/api/{x}".split("/")
    os.system("ls " + pieces[1])
    os.system("ls " + pieces[2])  # error: command-injection in second_piece
    return ""


# -- what a checker of types or of characters is given comes back

@mcp.tool()
def through_cast(x: object) -> str:
    os.system("ls " + typing.cast(str, x))  # error: command-injection in through_cast
    return ""


@mcp.tool()
def through_named_cast(x: object) -> str:
    os.system("ls " + typing.cast("str", val=x))  # error: command-injection in through_named_cast
    return ""


@mcp.tool()
def through_normalize(x: str) -> str:
    os.system("ls " + unicodedata.normalize("NFC", x))  # error: command-injection in through_normalize
    return ""


@mcp.tool()
def only_named(x: str) -> str:
    os.system("ls " + str(typing.cast(x, "/srv")))
    return ""
