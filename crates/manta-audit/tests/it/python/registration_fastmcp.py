"""FastMCP 2 to 4."""
import os
from fastmcp import Context, FastMCP
from fastmcp.contrib.mcp_mixin import MCPMixin, mcp_tool
from fastmcp.dependencies import Depends
from fastmcp.tools import Tool, tool

def given(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in given
    return ""


def given_made(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in given_made
    return ""


mcp = FastMCP("fast", tools=[given, Tool.from_function(given_made)])
sub = FastMCP("sub")


@mcp.tool
def bare(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in bare
    return ""


@mcp.tool()
def called(x: str, ctx: Context) -> str:
    os.system("ls " + x)  # error: command-injection in called
    return ""


@mcp.tool("named")
def by_name(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in named
    return ""


@sub.tool
def mounted(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in sub_mounted
    return ""


mcp.mount(sub, prefix="sub")


def direct(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in direct
    return ""


mcp.tool(direct)


def tooled(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in tooled
    return ""


mcp.add_tool(Tool.from_function(tooled))


@tool
def standalone(x: str) -> str:
    os.system("ls " + x)  # error: command-injection in standalone
    return ""


mcp.add_tool(standalone)


def settings() -> str:
    return "."


@mcp.tool
def depends(n: int, where: str = Depends(settings)) -> str:
    os.system(f"ls {n} {where}")
    return ""


class Mixed(MCPMixin):
    @mcp_tool(name="mixed")
    def run(self, x: str) -> str:
        os.system("ls " + x)  # error: command-injection in mixed
        return ""


Mixed().register_all(mcp)


@mcp.resource("data://{name}")
def data(name: str) -> str:
    os.system("cat " + name)  # error: command-injection
    return ""


@mcp.prompt
def ask(topic: str) -> str:
    os.system("cat " + topic)  # error: command-injection
    return ""


@mcp.tool
async def sampled(ctx: Context) -> str:
    answer = await ctx.sample("which directory?")
    os.system("ls " + answer.text)  # error: command-injection in sampled
    reply = await ctx.elicit("which file?", response_type=str)
    if reply.action == "accept":
        os.system("ls " + reply.data)  # error: command-injection in sampled
    return ""


served = FastMCP.from_openapi(openapi_spec={}, client=None, name="served")


@served.tool
def beside_what_is_generated(path: str) -> str:
    os.system("cat " + path)  # error: command-injection in beside_what_is_generated
    return ""
