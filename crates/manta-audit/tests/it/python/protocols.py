"""What classes answer to: attributes and elements that they make up, calls through the class."""

import subprocess

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("protocols")


def sh(command: str) -> str:
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout  # error: command-injection in by_name, command-injection in by_key, command-injection in by_class, command-injection in by_base


class Any:
    def __init__(self, value: str):
        self.value = value

    def __getattr__(self, name: str):
        return lambda: sh("ls " + self.value)

    def __getitem__(self, key: str) -> str:
        return self.value


class Fixed:
    def __init__(self, value: str):
        self.value = value

    def __getattr__(self, name: str):
        return lambda: sh("ls /srv")

    def __getitem__(self, key: str) -> str:
        return "/srv"


class Runner:
    def __init__(self, prefix: str):
        self.prefix = prefix

    def run(self, command: str) -> str:
        return sh(self.prefix + command)


class Lister(Runner):
    def __init__(self, path: str):
        Runner.__init__(self, "ls " + path)


@mcp.tool()
def by_name(value: str) -> str:
    return Any(value).list()


@mcp.tool()
def by_key(value: str) -> str:
    return sh("ls " + Any(value)["path"])


@mcp.tool()
def by_class(value: str) -> str:
    return Runner.run(Runner("ls "), value)


@mcp.tool()
def by_base(value: str) -> str:
    return Lister(value).run("")


@mcp.tool()
def by_fixed_name(value: str) -> str:
    return Fixed(value).list()


@mcp.tool()
def by_fixed_key(value: str) -> str:
    return sh("ls " + Fixed(value)["path"])
