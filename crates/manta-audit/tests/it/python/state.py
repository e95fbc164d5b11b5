"""State that one tool sets and another uses, and what is checked on the way."""
import os
import re
import shlex
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse
import httpx
import mcp.types as types
from mcp.server import Server
import pandas as pd
from mcp.server.fastmcp import Context, FastMCP


@dataclass
class App:
    root: str = "/srv"


@asynccontextmanager
async def lifespan(server):
    app = App()
    yield app


mcp = FastMCP("state", lifespan=lifespan)
low = Server("low")



# -- variables of the module

root = "/srv"
checked = "/srv"
used = "/srv"
constant = "a"


@mcp.tool()
def set_root(path: str) -> str:
    global root
    root = path
    return "set"


@mcp.tool()
def build() -> str:
    return subprocess.check_output("make -C " + root, shell=True, text=True)  # error: command-injection in build


@mcp.tool()
def set_checked(path: str) -> str:
    global checked
    if not re.fullmatch(r"[a-z0-9_]+", path):
        raise ValueError("a name")
    checked = path
    return "set"


@mcp.tool()
def build_checked() -> str:
    return subprocess.check_output("make -C " + checked, shell=True, text=True)


@mcp.tool()
def set_used(path: str) -> str:
    global used
    used = path
    return "set"


@mcp.tool()
def build_used() -> str:
    return subprocess.check_output("make -C " + shlex.quote(used), shell=True, text=True)


@mcp.tool()
def set_constant(flag: bool) -> str:
    global constant
    constant = "x" if flag else os.environ["CONSTANT"]
    return "set"


@mcp.tool()
def build_constant() -> str:
    return subprocess.check_output("make -C " + constant, shell=True, text=True)


# -- fields of an object of the module, and what is below them

@dataclass
class State:
    cwd: str = "/srv"
    env: dict = field(default_factory=dict)


state = State()


@mcp.tool()
def cd(cwd: str) -> str:
    state.cwd = cwd
    return "set"


@mcp.tool()
def ls() -> str:
    return subprocess.check_output(f"ls {state.cwd}", shell=True, text=True)  # error: command-injection in ls


@mcp.tool()
def set_base(path: str) -> str:
    state.env["base"] = path
    return "set"


@mcp.tool()
def read_base() -> str:
    return Path(state.env["base"]).read_text()  # error: path-traversal in read_base


class Shared:
    where = "/srv"


@mcp.tool()
def set_where(path: str) -> str:
    Shared.where = path
    return "set"


@mcp.tool()
def list_where() -> str:
    return subprocess.check_output(f"ls {Shared.where}", shell=True, text=True)  # error: command-injection in list_where


# -- entries of tables and lists, by names of the caller's too

sessions: dict[str, dict] = {}
history: list[str] = []
settings = {"editor": "vi"}
jobs: list[dict] = []


@mcp.tool()
def start(name: str, cwd: str) -> str:
    sessions[name] = {"cwd": cwd}
    return "started"


@mcp.tool()
def use(name: str) -> str:
    session = sessions.get(name)
    if not session:
        return "none"
    return subprocess.check_output(f"ls {session['cwd']}", shell=True, text=True)  # error: command-injection in use


@mcp.tool()
def remember(command: str) -> str:
    history.append(command)
    return "kept"


@mcp.tool()
def again() -> str:
    out = ""
    for command in history:
        out += subprocess.check_output(command, shell=True, text=True)  # error: command-execution in again
    return out


@mcp.tool()
def set_setting(key: str, value: str) -> str:
    settings[key] = value
    return "set"


@mcp.tool()
def edit() -> str:
    return subprocess.check_output(settings["editor"] + " file", shell=True, text=True)  # error: command-injection in edit


@mcp.tool()
def add_job(name: str, command: str) -> str:
    jobs.append({"name": name, "command": command})
    return "added"


@mcp.tool()
def run_job(name: str) -> str:
    for job in jobs:
        if job["name"] == name:
            return subprocess.check_output(job["command"], shell=True, text=True)  # error: command-execution in run_job
    return "none"


# -- an object that is made of it

class Project:
    def __init__(self, path: str):
        self.path = path


current: Project | None = None
client = None


@mcp.tool()
def open_project(path: str) -> str:
    global current
    current = Project(path)
    return "open"


@mcp.tool()
def build_project() -> str:
    if current is None:
        return "no project"
    return subprocess.check_output(f"make -C {current.path}", shell=True, text=True)  # error: command-injection in build_project


@mcp.tool()
def login(base_url: str) -> str:
    global client
    client = httpx.Client(base_url=base_url)  # error: ssrf in login
    return "in"


@mcp.tool()
def items() -> str:
    if client is None:
        return "log in first"
    return client.get("/items").text  # error: ssrf in items


# -- directories and hosts, checked where they are set

BASE = Path("/srv/projects")
workdir = BASE
kept_dir = BASE
host = "https://api.example.com"
kept_host = "https://api.example.com"


@mcp.tool()
def set_dir(path: str) -> str:
    global workdir
    if not Path(path).is_dir():
        raise ValueError("no directory")
    workdir = Path(path)
    return "set"


@mcp.tool()
def read_in_dir() -> str:
    return (workdir / "notes.txt").read_text()  # error: path-traversal in read_in_dir


@mcp.tool()
def read_dir(name: str) -> str:
    target = (workdir / name).resolve()
    if not target.is_relative_to(workdir):
        raise ValueError("outside")
    return target.read_text()  # error: path-traversal in read_dir


@mcp.tool()
def set_kept_dir(path: str) -> str:
    global kept_dir
    inside = (BASE / path).resolve()
    if not inside.is_relative_to(BASE):
        raise ValueError("outside")
    kept_dir = inside
    return "set"


@mcp.tool()
def read_kept_dir() -> str:
    return (kept_dir / "notes.txt").read_text()


@mcp.tool()
def set_host(url: str) -> str:
    global host
    host = url
    return "set"


@mcp.tool()
def status() -> str:
    return httpx.get(host + "/status").text  # error: ssrf in status


@mcp.tool()
def set_kept_host(url: str) -> str:
    global kept_host
    if urlparse(url).hostname not in ("api.example.com", "eu.example.com"):
        raise ValueError("another host")
    kept_host = url
    return "set"


@mcp.tool()
def kept_status() -> str:
    return httpx.get(kept_host).text


# -- what the server makes when it starts, and the environment of its process

@mcp.tool()
def ctx_set(root: str, ctx: Context) -> str:
    ctx.request_context.lifespan_context.root = root
    return "set"


@mcp.tool()
def ctx_use(ctx: Context) -> str:
    app = ctx.request_context.lifespan_context
    return subprocess.check_output(f"ls {app.root}", shell=True, text=True)  # error: command-injection in ctx_use


@mcp.tool()
def set_target(value: str) -> str:
    os.environ["TARGET_DIR"] = value
    return "set"


@mcp.tool()
def use_target() -> str:
    return subprocess.check_output(f"ls {os.environ['TARGET_DIR']}", shell=True, text=True)  # error: command-injection in use_target


@mcp.tool()
def use_other() -> str:
    return subprocess.check_output(f"ls {os.environ['OTHER_DIR']}", shell=True, text=True)


# -- through a third tool; by one tool for both; and what only has to be switched on

first = ""
second = ""
connected = False
place = {"path": "/srv"}


@mcp.tool()
def set_first(text: str) -> str:
    global first
    first = text
    return "set"


@mcp.tool()
def set_second() -> str:
    global second
    second = "make -C " + first
    return "set"


@mcp.tool()
def use_second() -> str:
    return subprocess.check_output(second, shell=True, text=True)  # error: command-injection in use_second


@mcp.tool()
def workspace(action: str, path: str = "") -> str:
    if action == "set":
        place["path"] = path
        return "set"
    return subprocess.check_output(f"ls {place['path']}", shell=True, text=True)  # error: command-injection in workspace


@mcp.tool()
def connect() -> str:
    global connected
    connected = True
    return "connected"


@mcp.tool()
def execute(command: str) -> str:
    if not connected:
        return "not connected"
    return subprocess.check_output(command, shell=True, text=True)  # error: command-execution in execute


# -- the instance whose methods the tools are

class Tools:
    def __init__(self) -> None:
        self._root = "/srv"
        self._checked = "/srv"
        self._target = None
        mcp.tool()(self.tools_set)
        mcp.tool()(self.tools_build)
        mcp.tool()(self.tools_set_checked)
        mcp.tool()(self.tools_build_checked)
        self._register()

    def tools_set(self, path: str) -> str:
        self._root = path
        return "set"

    def tools_build(self) -> str:
        return subprocess.check_output(f"make -C {self._root}", shell=True, text=True)  # error: command-injection in tools_build

    def tools_set_checked(self, path: str) -> str:
        if not re.match(r"^[\w-]+\Z", path):
            raise ValueError("a name")
        self._checked = path
        return "set"

    def tools_build_checked(self) -> str:
        return subprocess.check_output(f"make -C {self._checked}", shell=True, text=True)

    def _register(self) -> None:
        @mcp.tool()
        def dial(target: str) -> str:
            self._target = Target(target)
            return "dialled"

        @mcp.tool()
        def ping() -> str:
            if self._target is None:
                raise RuntimeError("dial first")
            return self._target.ping()


class Target:
    def __init__(self, name: str):
        self.name = name

    def ping(self) -> str:
        return subprocess.check_output("ping " + self.name, shell=True, text=True)  # error: command-injection in ping


Tools()


# -- one handler for all tools

where = {"dir": "/srv"}


@low.call_tool()
async def call_tool(name: str, arguments: dict):
    if name == "go":
        where["dir"] = arguments["dir"]
        return [types.TextContent(type="text", text="gone")]
    if name == "look":
        out = subprocess.check_output("ls " + where["dir"], shell=True, text=True)  # error: command-injection in look
        return [types.TextContent(type="text", text=out)]


@low.list_tools()
async def list_tools():
    return [
        types.Tool(name="go", description="", inputSchema={"type": "object", "properties": {"dir": {"type": "string"}}}),
        types.Tool(name="look", description="", inputSchema={"type": "object", "properties": {}}),
    ]


# -- what one tool loads under a name, others ask for by that name; what is kept is not the caller's

class Frames:
    def __init__(self) -> None:
        self.by_name: dict[str, pd.DataFrame] = {}

    def keep(self, name: str, frame: pd.DataFrame) -> None:
        self.by_name[name] = frame.copy()

    def named(self, name: str) -> pd.DataFrame:
        if name not in self.by_name:
            raise KeyError(name)
        return self.by_name[name]


frames = Frames()


@mcp.tool()
def sample_rows(count: int) -> str:
    frames.keep("sample", pd.DataFrame([[row] for row in range(count)], columns=["row"]))
    return "kept"


@mcp.tool()
def filter_rows(name: str, condition: str) -> str:
    return frames.named(name).query(condition).to_json()  # error: code-injection in filter_rows


@mcp.tool()
def count_rows(name: str) -> str:
    return str(len(frames.named(name)))
