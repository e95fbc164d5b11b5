"""Variables as a dictionary: `locals()`, `vars()`, `globals()`, `__dict__`; and handlers chosen by a name in them."""
import subprocess
from typing import Any
import mcp.types as types
from mcp.server import Server
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("variables")
low = Server("low")


@mcp.tool()
def by_locals(cmd: str, n: int = 1) -> str:
    args = locals()
    return subprocess.check_output(args["cmd"], shell=True, text=True)  # error: command-execution in by_locals


@mcp.tool()
def by_locals_checked(cmd: str) -> str:
    if not cmd.isalnum():
        raise ValueError("a name")
    args = locals()
    return subprocess.check_output("ls " + args["cmd"], shell=True, text=True)


@mcp.tool()
def passed_on(cmd: str, n: int = 1) -> str:
    return run_it(**locals())


def run_it(cmd: str, n: int) -> str:
    return subprocess.check_output(cmd, shell=True, text=True)  # error: command-execution in passed_on


@mcp.tool()
def by_format(host: str) -> str:
    line = "ping {host}".format(**locals())
    return subprocess.check_output(line, shell=True, text=True)  # error: command-injection in by_format


@mcp.tool()
def by_format_of_another(host: str) -> str:
    count = 3
    line = "ping -c {count} example.com".format(**locals())
    return subprocess.check_output(line, shell=True, text=True)


@mcp.tool()
def by_percent(host: str) -> str:
    return subprocess.check_output("ping %(host)s" % locals(), shell=True, text=True)  # error: command-injection in by_percent


@mcp.tool()
def by_items(host: str, other: str = "") -> str:
    params = {k: v for k, v in locals().items() if v}
    return subprocess.check_output("ping " + params["host"], shell=True, text=True)  # error: command-injection in by_items


@mcp.tool()
def by_format_map(host: str) -> str:
    return subprocess.check_output("ping {host}".format_map(vars()), shell=True, text=True)  # error: command-injection in by_format_map


class Options:
    def __init__(self, cmd: str) -> None:
        self.cmd = cmd
        self.fixed = "ls"


@mcp.tool()
def by_dict(cmd: str) -> str:
    options = Options(cmd)
    return subprocess.check_output(options.__dict__["cmd"], shell=True, text=True)  # error: command-execution in by_dict


@mcp.tool()
def by_dict_of_another(cmd: str) -> str:
    options = Options(cmd)
    return subprocess.check_output(options.__dict__["fixed"], shell=True, text=True)


PLACE = "a"


@mcp.tool()
def set_place(value: str) -> str:
    globals()["PLACE"] = value
    return "set"


@mcp.tool()
def use_place() -> str:
    return subprocess.check_output(f"ls {PLACE}", shell=True, text=True)  # error: command-injection in use_place


@mcp.tool()
def by_globals(cmd: str) -> str:
    return globals()["run_line"](cmd)


def run_line(line: str) -> str:
    return subprocess.check_output(line, shell=True, text=True)  # error: command-execution in by_globals


# -- handlers by name

def do_run(command: str, **rest: Any) -> str:
    return subprocess.check_output(command, shell=True, text=True)  # error: command-execution in t_run


def do_list(path: str, flag: str | None = None) -> str:
    return subprocess.check_output("ls " + path, shell=True, text=True)  # error: command-injection in t_list


class Handlers:
    def tool_open(self, path: str, mode: str = "r") -> str:
        return subprocess.check_output("open " + path, shell=True, text=True)  # error: command-injection in open

    async def handle_grep(self, args: dict) -> str:
        return subprocess.check_output("grep " + args["pattern"], shell=True, text=True)  # error: command-injection in grep


TABLE = {"t_run": do_run, "t_list": do_list}
handlers = Handlers()


@low.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]):
    if name in TABLE:
        out = TABLE[name](**arguments)
        return [types.TextContent(type="text", text=out)]
    method = getattr(handlers, f"tool_{name}", None)
    if method is not None:
        return [types.TextContent(type="text", text=method(**arguments))]
    handler = getattr(handlers, "handle_" + name, None)
    if handler:
        return [types.TextContent(type="text", text=await handler(arguments))]
    match name:
        case "m_one":
            out = subprocess.check_output(arguments["a"], shell=True)  # error: command-execution in m_one
            return [types.TextContent(type="text", text=str(out))]
        case "m_two":
            match arguments:
                case {"path": path, **rest}:
                    subprocess.run(f"ls {path}", shell=True)  # error: command-injection in m_two
        case _:
            raise ValueError(name)


@low.list_tools()
async def list_tools():
    names = ["t_run", "t_list", "open", "grep", "m_one", "m_two"]
    return [types.Tool(name=name, description="", inputSchema={"type": "object"}) for name in names]
