# How tools of Python are written down and registered: whole servers, and for the low-level server every way to tell calls
# apart, with the support it needs (behind the colon), before every way to get to an argument.

# shared
import asyncio
import functools
import subprocess
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import BaseModel, Field


class RunArgs(BaseModel):
    cmd: str = Field(description="what to run")
    timeout: int = 5


@dataclass
class RunData:
    cmd: str
    timeout: int = 5


class RunDict(TypedDict):
    cmd: str


def require(arguments: dict[str, Any], key: str) -> Any:
    value = arguments.get(key)
    if value is None:
        raise ValueError(f"{key} is required")
    return value


def run(cmd: str) -> str:
    return subprocess.run(cmd, shell=True, capture_output=True, text=True).stdout

# argument index
    cmd = arguments["cmd"]
# argument get
    cmd = arguments.get("cmd", "")
# argument walrus
    if not (cmd := arguments.get("cmd")):
        raise ValueError("cmd")
# argument model
    cmd = RunArgs(**arguments).cmd
# argument validate
    cmd = RunArgs.model_validate(arguments).cmd
# argument pop
    args = dict(arguments)
    cmd = args.pop("cmd")
# argument unpack
    cmd, timeout = (arguments.get(key) for key in ("cmd", "timeout"))
# argument helper
    cmd = require(arguments, "cmd")
# argument str
    cmd = str(arguments["cmd"]).strip()
# argument match
    match arguments:
        case {"cmd": str(cmd)}:
            pass
        case _:
            raise ValueError("cmd")
# argument typed
    args: RunDict = arguments
    cmd = args["cmd"]
# argument merge
    args = {"timeout": 5, **arguments}
    cmd = args["cmd"]
# argument dataclass
    cmd = RunData(**arguments).cmd
# argument try
    try:
        cmd = arguments["cmd"]
    except KeyError as error:
        raise ValueError("missing") from error

# support globals
HANDLERS = {"run_it": run_impl, "ping": ping_impl}
# support in
HANDLERS = dict(run_it=run_impl, ping=ping_impl)
# support getattr
class Tools:
    async def handle_run_it(self, arguments):
        return await run_impl(arguments)

    async def handle_ping(self, arguments):
        return await ping_impl(arguments)


TOOLS = Tools()
# support objects
from abc import ABC, abstractmethod


class Tool(ABC):
    name: str

    @abstractmethod
    async def run(self, arguments): ...


class RunTool(Tool):
    name = "run_it"

    async def run(self, arguments):
        return await run_impl(arguments)


class PingTool(Tool):
    name = "ping"

    async def run(self, arguments):
        return await ping_impl(arguments)


OBJECTS = [RunTool(), PingTool()]
# support registry
class Registry:
    def __init__(self) -> None:
        self._tools: dict[str, Any] = {}

    def register(self, name: str):
        def deco(function):
            self._tools[name] = function
            return function
        return deco

    async def dispatch(self, name: str, arguments: dict[str, Any]):
        try:
            function = self._tools[name]
        except KeyError:
            raise ValueError(name)
        return await function(arguments)


REGISTRY = Registry()
REGISTRY.register("run_it")(run_impl)
REGISTRY.register("ping")(ping_impl)
# support enum
from enum import Enum


class ToolName(str, Enum):
    return run(cmd) = "run_it"
    PING = "ping"
# support star
async def run_named(cmd: str, timeout: int = 5):
    return [types.TextContent(type="text", text=run(cmd))]

# dispatch if
    if name == "run_it":
        return await run_impl(arguments)
    elif name == "ping":
        return await ping_impl(arguments)
    raise ValueError(name)
# dispatch match
    match name:
        case "run_it":
            return await run_impl(arguments)
        case "ping":
            return await ping_impl(arguments)
        case _:
            raise ValueError(name)
# dispatch dict
    handlers = {"run_it": run_impl, "ping": ping_impl}
    handler = handlers.get(name)
    if handler is None:
        raise ValueError(name)
    return await handler(arguments or {})
# dispatch globals: globals
    handler = HANDLERS[name]
    try:
        return await handler(arguments)
    except Exception as error:
        return [types.TextContent(type="text", text=str(error))]
# dispatch in: in
    if name not in HANDLERS:
        return [types.TextContent(type="text", text="unknown")]
    return await HANDLERS[name](arguments)
# dispatch getattr: getattr
    handler = getattr(TOOLS, f"handle_{name}", None)
    if not handler:
        raise ValueError(name)
    return await handler(arguments)
# dispatch objects: objects
    for tool in OBJECTS:
        if tool.name == name:
            return await tool.run(arguments)
    raise ValueError(name)
# dispatch next: objects
    tool = next((t for t in OBJECTS if t.name == name), None)
    if tool is None:
        raise ValueError(name)
    return await tool.run(arguments)
# dispatch registry: registry
    return await REGISTRY.dispatch(name, arguments)
# dispatch enum: enum
    if name == ToolName.RUN:
        return await run_impl(arguments)
    if name == ToolName.PING.value:
        return await ping_impl(arguments)
    raise ValueError(name)
# dispatch star: star
    if name == "run_it":
        return await run_named(**arguments)
    return await ping_impl(arguments)

# server deco
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool()
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


if __name__ == "__main__":
    mcp.run()
# server deco-bare
from fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


if __name__ == "__main__":
    mcp.run()
# server deco-name
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool(name="run_it", description="x")
def whatever(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


if __name__ == "__main__":
    mcp.run()
# server deco-str
from fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool("run_it")
def whatever(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


if __name__ == "__main__":
    mcp.run()
# server call
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


mcp.tool()(run_it)


if __name__ == "__main__":
    mcp.run()
# server add
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


mcp.add_tool(run_it)


if __name__ == "__main__":
    mcp.run()
# server add-name
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def other(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


mcp.add_tool(other, name="run_it", description="d")


if __name__ == "__main__":
    mcp.run()
# server from-function
from fastmcp import FastMCP
from fastmcp.tools import Tool

mcp = FastMCP("s")

def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


mcp.add_tool(Tool.from_function(run_it))


if __name__ == "__main__":
    mcp.run()
# server ctor-tools
from fastmcp import FastMCP

def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


mcp = FastMCP("s", tools=[run_it])


if __name__ == "__main__":
    mcp.run()
# server loop
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


for tool in [run_it]:
    mcp.tool()(tool)


if __name__ == "__main__":
    mcp.run()
# server loop-dict
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def impl(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


TOOLS = {"run_it": impl}
for name, function in TOOLS.items():
    mcp.add_tool(function, name=name)


if __name__ == "__main__":
    mcp.run()
# server own-deco
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def logged(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        print(function.__name__)
        return function(*args, **kwargs)
    return inner


@mcp.tool()
@logged
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


if __name__ == "__main__":
    mcp.run()
# server own-deco-async
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def retried(times):
    def deco(function):
        @functools.wraps(function)
        async def inner(*args, **kwargs):
            for attempt in range(times):
                try:
                    return await function(*args, **kwargs)
                except OSError:
                    await asyncio.sleep(attempt)
            raise RuntimeError("gave up")
        return inner
    return deco


@mcp.tool()
@retried(3)
async def run_it(cmd: str, timeout: int = 5) -> str:
    """Runs it."""
    proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
    out, _ = await proc.communicate()
    return out.decode()


if __name__ == "__main__":
    mcp.run()
# server helper-deco
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def tool(name):
    def deco(function):
        mcp.tool(name=name)(function)
        return function
    return deco


@tool("run_it")
def impl(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


if __name__ == "__main__":
    mcp.run()
# server collect
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

REGISTRY = []


def tool(function):
    REGISTRY.append(function)
    return function


@tool
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


for function in REGISTRY:
    mcp.add_tool(function)


if __name__ == "__main__":
    mcp.run()
# server collect-dict
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

REGISTRY: dict[str, Any] = {}


def tool(name: str):
    def deco(function):
        REGISTRY[name] = function
        return function
    return deco


@tool("run_it")
def impl(cmd: str) -> str:
    """Runs it."""
    return run(cmd)


for name, function in REGISTRY.items():
    mcp.tool(name=name)(function)


if __name__ == "__main__":
    mcp.run()
# server class-methods
from mcp.server.fastmcp import FastMCP

class App:
    def __init__(self) -> None:
        self.mcp = FastMCP("s")
        self._register()

    def _register(self) -> None:
        self.mcp.tool()(self.run_it)

    async def run_it(self, cmd: str, timeout: int = 5) -> str:
        """Runs it."""
        proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
        out, _ = await proc.communicate()
        return out.decode()

    def run(self) -> None:
        self.mcp.run()


if __name__ == "__main__":
    App().run()
# server class-nested
from mcp.server.fastmcp import FastMCP

class App:
    def __init__(self) -> None:
        self.mcp = FastMCP("s")
        self.setup()

    def setup(self) -> None:
        @self.mcp.tool()
        async def run_it(cmd: str) -> str:
            """Runs it."""
            return await self.execute(cmd)

    async def execute(self, cmd: str, timeout: int = 5) -> str:
        """Runs it."""
        proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
        out, _ = await proc.communicate()
        return out.decode()


def main() -> None:
    App().mcp.run(transport="stdio")


if __name__ == "__main__":
    main()
# server class-loop
from mcp.server.fastmcp import FastMCP

class Tools:
    async def run_it(self, cmd: str, timeout: int = 5) -> str:
        """Runs it."""
        proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
        out, _ = await proc.communicate()
        return out.decode()


mcp = FastMCP("s")
tools = Tools()
for name in ("run_it",):
    mcp.add_tool(getattr(tools, name), name=name)


if __name__ == "__main__":
    mcp.run()
# server class-dir
from mcp.server.fastmcp import FastMCP

class Tools:
    def tool_run_it(self, cmd: str) -> str:
        return run(cmd)


mcp = FastMCP("s")
tools = Tools()
for attr in dir(tools):
    if attr.startswith("tool_"):
        mcp.add_tool(getattr(tools, attr), name=attr.removeprefix("tool_"))


if __name__ == "__main__":
    mcp.run()
# server inspect
import inspect
from mcp.server.fastmcp import FastMCP

class Tools:
    def run_it(self, cmd: str) -> str:
        return run(cmd)


mcp = FastMCP("s")
for name, method in inspect.getmembers(Tools(), inspect.ismethod):
    if not name.startswith("_"):
        mcp.tool(name=name)(method)


if __name__ == "__main__":
    mcp.run()
# server register-fn
from mcp.server.fastmcp import FastMCP

from tools.run import register_run

mcp = FastMCP("s")

register_run(mcp)


if __name__ == "__main__":
    mcp.run()
# file tools/__init__.py

# file tools/run.py
def register_run(mcp) -> None:
    @mcp.tool()
    def run_it(cmd: str) -> str:
        """Runs it."""
        return run(cmd)
# server register-list
from mcp.server.fastmcp import FastMCP

from tools import ALL

mcp = FastMCP("s")

for register in ALL:
    register(mcp)


if __name__ == "__main__":
    mcp.run()
# file tools/__init__.py
from .run import register as register_run

ALL = [register_run]
# file tools/run.py
def register(mcp) -> None:
    mcp.tool(name="run_it")(impl)


def impl(cmd: str) -> str:
    """Runs it."""
    return run(cmd)
# server register-modules
from mcp.server.fastmcp import FastMCP

from tools import run, ping

mcp = FastMCP("s")

for module in (run, ping):
    module.register(mcp)


if __name__ == "__main__":
    mcp.run()
# file tools/__init__.py

# file tools/ping.py
def register(mcp):
    @mcp.tool()
    def ping() -> str:
        return "pong"
# file tools/run.py
def register(mcp) -> None:
    @mcp.tool()
    def run_it(cmd: str) -> str:
        """Runs it."""
        return run(cmd)
# server import-app
from app import mcp
import tools.run


if __name__ == "__main__":
    mcp.run()
# file app.py
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")
# file tools/__init__.py

# file tools/run.py
from app import mcp


@mcp.tool()
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)
# server importlib
import importlib

from app import mcp

for name in ("run", "ping"):
    importlib.import_module(f"tools.{name}")


if __name__ == "__main__":
    mcp.run()
# file app.py
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")
# file tools/__init__.py

# file tools/ping.py
from app import mcp


@mcp.tool()
def ping() -> str:
    return "pong"
# file tools/run.py
from app import mcp


@mcp.tool()
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)
# server pkgutil
import importlib
import pkgutil

import tools
from app import mcp

for info in pkgutil.iter_modules(tools.__path__):
    importlib.import_module(f"tools.{info.name}")


if __name__ == "__main__":
    mcp.run()
# file app.py
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")
# file tools/__init__.py

# file tools/run.py
from app import mcp


@mcp.tool()
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)
# server mount
from fastmcp import FastMCP

from sub import sub

mcp = FastMCP("main")
mcp.mount(sub)


if __name__ == "__main__":
    mcp.run()
# file sub.py
from fastmcp import FastMCP

sub = FastMCP("sub")


@sub.tool
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)
# server singleton
from app import get_app
import run

if __name__ == "__main__":
    get_app().run()
# file app.py
from mcp.server.fastmcp import FastMCP

_app = None


def get_app() -> FastMCP:
    global _app
    if _app is None:
        _app = FastMCP("s")
    return _app
# file run.py
from app import get_app


@get_app().tool()
def run_it(cmd: str) -> str:
    """Runs it."""
    return run(cmd)
# server model-param
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool()
def run_it(args: RunArgs) -> str:
    return run(args.cmd)

if __name__ == "__main__":
    mcp.run()
# server annotated
from typing import Annotated
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool()
def run_it(cmd: Annotated[str, Field(min_length=1, max_length=99)]) -> str:
    return run(cmd)

if __name__ == "__main__":
    mcp.run()
# server ctx
from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("s")

@mcp.tool()
async def run_it(ctx: Context, cmd: str) -> str:
    await ctx.info(cmd)
    return run(cmd)

if __name__ == "__main__":
    mcp.run()
# server partial
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def impl(root: str, cmd: str) -> str:
    return run(cmd)


mcp.add_tool(functools.partial(impl, "/srv"), name="run_it", description="d")


if __name__ == "__main__":
    mcp.run()
# server create
from mcp.server.fastmcp import FastMCP

def create_server() -> FastMCP:
    mcp = FastMCP("s")

    @mcp.tool()
    def run_it(cmd: str) -> str:
        """Runs it."""
        return run(cmd)

    return mcp


def main() -> None:
    create_server().run()


if __name__ == "__main__":
    main()
# server lambda
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

mcp.add_tool(lambda cmd: run(cmd), name="run_it", description="d")


if __name__ == "__main__":
    mcp.run()
# server subclass
from mcp.server.fastmcp import FastMCP

class App(FastMCP):
    def __init__(self) -> None:
        super().__init__("s")
        self.add_tool(self.run_it)

    async def run_it(self, cmd: str, timeout: int = 5) -> str:
        """Runs it."""
        proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
        out, _ = await proc.communicate()
        return out.decode()


if __name__ == "__main__":
    App().run()
# server setattr-name
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def make(name: str, template: str):
    def tool(cmd: str) -> str:
        return run(template.format(cmd))
    tool.__name__ = name
    tool.__doc__ = "d"
    return tool


for name, template in {"run_it": "echo {}", "show": "cat {}"}.items():
    mcp.add_tool(make(name, template))


if __name__ == "__main__":
    mcp.run()
# server executor
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

@mcp.tool()
async def run_it(cmd: str) -> str:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: run(cmd))


if __name__ == "__main__":
    mcp.run()
# server to-thread
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def work(cmd: str) -> str:
    return run(cmd)


@mcp.tool()
async def run_it(cmd: str) -> str:
    return await asyncio.to_thread(work, cmd)


if __name__ == "__main__":
    mcp.run()
# server anyio
import anyio
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def work(cmd: str) -> str:
    return run(cmd)


@mcp.tool()
async def run_it(cmd: str) -> str:
    return await anyio.to_thread.run_sync(work, cmd)


if __name__ == "__main__":
    mcp.run()
# server gather
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

async def work(cmd: str, timeout: int = 5) -> str:
    """Runs it."""
    proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
    out, _ = await proc.communicate()
    return out.decode()


@mcp.tool()
async def run_it(cmds: list[str]) -> str:
    return "\n".join(await asyncio.gather(*(work(cmd) for cmd in cmds)))


if __name__ == "__main__":
    mcp.run()
# server taskgroup
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

async def work(cmd: str, timeout: int = 5) -> str:
    """Runs it."""
    proc = await asyncio.create_subprocess_shell(cmd, stdout=subprocess.PIPE)
    out, _ = await proc.communicate()
    return out.decode()


@mcp.tool()
async def run_it(cmds: list[str]) -> str:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(cmd)) for cmd in cmds]
    return "\n".join(task.result() for task in tasks)


if __name__ == "__main__":
    mcp.run()
# server pool
from concurrent.futures import ThreadPoolExecutor
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def work(cmd: str) -> str:
    return run(cmd)


@mcp.tool()
def run_it(cmds: list[str]) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(work, cmd) for cmd in cmds]
        return [future.result() for future in futures]


if __name__ == "__main__":
    mcp.run()
# server pool-map
from concurrent.futures import ThreadPoolExecutor
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def work(cmd: str) -> str:
    return run(cmd)


@mcp.tool()
def run_it(cmds: list[str]) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(work, cmds))


if __name__ == "__main__":
    mcp.run()
# server generator
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

def lines(cmd: str):
    proc = subprocess.Popen(cmd, shell=True, stdout=subprocess.PIPE)
    yield from proc.stdout


@mcp.tool()
def run_it(cmd: str) -> str:
    return b"".join(lines(cmd)).decode()


if __name__ == "__main__":
    mcp.run()
# server queue: missed
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("s")

jobs: asyncio.Queue = asyncio.Queue()


async def worker() -> None:
    while True:
        cmd, future = await jobs.get()
        future.set_result(run(cmd))


@mcp.tool()
async def run_it(cmd: str) -> str:
    asyncio.create_task(worker())
    future = asyncio.get_running_loop().create_future()
    await jobs.put((cmd, future))
    return await future


if __name__ == "__main__":
    mcp.run()
