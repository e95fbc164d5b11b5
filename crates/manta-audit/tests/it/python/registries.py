"""Registries that classes enter themselves, and parameters that the program fills."""
import subprocess
from dataclasses import dataclass
from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel

mcp = FastMCP("registries")
REGISTRY: dict = {}


class Command:
    name = ""

    def __init_subclass__(cls, **options) -> None:
        super().__init_subclass__(**options)
        REGISTRY[cls.name] = cls


class Ping(Command):
    name = "ping"

    def __call__(self, host: str) -> str:
        return subprocess.run(f"ping -c1 {host}", shell=True).stdout  # error: command-injection in ping, command-injection in x_ping


class Echo(Command):
    name = "echo"

    def __call__(self, host: str) -> str:
        return subprocess.run(["echo", "--", host]).stdout


def make(cls):
    instance = cls()

    def run(host: str) -> str:
        return instance(host)

    return run


for name, cls in REGISTRY.items():
    mcp.add_tool(make(cls), name=name)


for cls in Command.__subclasses__():
    mcp.add_tool(make(cls), name="x_" + cls.name)


# -- a parameter of a class that no JSON makes is no argument

class Provider:
    def __init__(self, command: str) -> None:
        self.command = command


@dataclass
class Context:
    provider: Provider


class Options(BaseModel):
    command: str


@mcp.tool()
def injected(context: Context) -> str:
    return subprocess.run(context.provider.command, shell=True).stdout


@mcp.tool()
def sent(options: Options) -> str:
    return subprocess.run(options.command, shell=True).stdout  # error: command-execution in sent
