"""Code written as text for another interpreter, and what other servers answer."""
import re
from pathlib import Path
from contextlib import AsyncExitStack
import aiofiles
from jupyter_client.manager import KernelManager
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("generated")
OUT = Path("/srv/generated")

TEMPLATE = '''
NAME = "{name}"
'''


@mcp.tool()
def module(name: str, title: str) -> str:
    if not name.isidentifier():
        raise ValueError("name")
    path = OUT / f"{name}.py"
    path.write_text(TEMPLATE.format(name=title))  # error: code-injection in module
    return str(path)


@mcp.tool()
def module_repr(name: str, title: str) -> str:
    if not name.isidentifier():
        raise ValueError("name")
    (OUT / f"{name}.py").write_text(f"NAME = {title!r}\n")
    return ""


@mcp.tool()
def page(title: str) -> str:
    (OUT / "page.html").write_text(f"<h1>{title}</h1>")
    return ""


@mcp.tool()
async def opened(title: str) -> str:
    async with aiofiles.open(OUT / "settings.py", "w") as file:
        await file.write("TITLE = '" + title + "'\n")  # error: code-injection in opened
    return ""


@mcp.tool()
def kernel(path: str) -> str:
    client = KernelManager().client()
    client.execute(f"import pandas as pd\ndf = pd.read_csv('{path}')")  # error: code-injection in kernel
    return ""


@mcp.tool()
def kernel_repr(path: str) -> str:
    client = KernelManager().client()
    client.execute(f"import pandas as pd\ndf = pd.read_csv({path!r})")
    return ""


class Peer:
    def __init__(self, command: str) -> None:
        self.command = command
        self.session: ClientSession | None = None
        self.stack = AsyncExitStack()

    async def __aenter__(self):
        read, write = await self.stack.enter_async_context(stdio_client(StdioServerParameters(command=self.command)))
        self.session = await self.stack.enter_async_context(ClientSession(read, write))
        return self

    async def __aexit__(self, *exc):
        await self.stack.aclose()

    async def tools(self) -> list:
        return (await self.session.list_tools()).tools


@mcp.tool()
async def wrap(n: int) -> str:
    async with Peer("other-server") as peer:
        for tool in await peer.tools():
            name = re.sub(r"[^a-z0-9_]", "_", tool.name)
            (OUT / f"{name}.py").write_text(f'"""{tool.description}"""\n')  # error: code-injection in wrap
            (OUT / f"{name}_safe.py").write_text(f"DESCRIPTION = {tool.description!r}\n")
            (OUT / tool.name).write_text("")  # error: path-traversal in wrap
    return ""
