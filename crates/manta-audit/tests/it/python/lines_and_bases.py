"""Command lines without a shell, clients with a base, escapes behind escapes, copies of the environment."""
import os
import re
import subprocess
from pathlib import Path

import httpx
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("lines")
TOOL = os.environ["SEARCH_TOOL"]
BASE = os.environ["API"]
fixed = httpx.Client(base_url="https://api.example.com")


class Api:
    def __init__(self, base_url: str):
        self.base_url = base_url.rstrip("/")
        self.client = httpx.Client(base_url=self.base_url)

    def get(self, path: str) -> str:
        return self.client.get(path).text


def settings(given: dict | None = None) -> str | None:
    table = given if given is not None else dict(os.environ)
    return table.get("PUBLIC_URL") or None


URL = settings()


@mcp.tool()
def line_of_a_program(text: str) -> str:
    # One text without a shell: Windows starts the program that it begins with, and no other system has one of that name.
    line = " ".join([f'"{TOOL}"', "-n", text])
    return str(subprocess.run(line, capture_output=True))


@mcp.tool()
def line_of_the_caller(text: str) -> str:
    line = " ".join([text, "-n", f'"{TOOL}"'])
    return str(subprocess.run(line, capture_output=True))  # error: command-execution in line_of_the_caller


@mcp.tool()
def directory_with_a_blank(name: str) -> str:
    return str(subprocess.run(f"/Program Files/{name}/run", capture_output=True))  # error: command-execution in directory_with_a_blank


@mcp.tool()
def base_and_a_tested_path(path: str) -> str:
    if not path.startswith("/api/v1/"):
        return "no"
    return Api(BASE).get(path)


@mcp.tool()
def known_base_and_a_tested_path(path: str) -> str:
    if not path.startswith("/api/v1/"):
        return "no"
    return fixed.get(path).text


@mcp.tool()
def base_and_any_path(path: str) -> str:
    return fixed.get(path).text  # error: ssrf in base_and_any_path


@mcp.tool()
def document_that_is_opened(name: str, text: str) -> str:
    path = Path("/srv/notes") / f"{re.sub(r'[^a-z]', '', name)}.ino"
    path.write_text("// " + text)
    os.startfile(str(path))
    return "ok"


@mcp.tool()
def script_that_is_opened(name: str, text: str) -> str:
    path = Path("/srv/notes") / f"{re.sub(r'[^a-z]', '', name)}.bat"
    path.write_text("rem " + text)
    os.startfile(str(path))  # error: command-injection in script_that_is_opened
    return "ok"


@mcp.tool()
def escapes_behind_escapes(text: str) -> str:
    said = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return str(subprocess.run(["osascript", "-e", f'display dialog "{said}"'], capture_output=True))


@mcp.tool()
def backslashes_behind_escapes(text: str) -> str:
    said = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\")
    return str(subprocess.run(["osascript", "-e", f'display dialog "{said}"'], capture_output=True))  # error: code-injection in backslashes_behind_escapes


@mcp.tool()
def escapes_in_the_wrong_order(text: str) -> str:
    said = text.replace('"', '\\"').replace("\\", "\\\\")
    return str(subprocess.run(["osascript", "-e", f'display dialog "{said}"'], capture_output=True))  # error: code-injection in escapes_in_the_wrong_order


@mcp.tool()
def entry_of_a_copy() -> str:
    return f"{URL}/metrics"


@mcp.tool()
def any_entry_of_a_copy(name: str) -> str:
    return dict(os.environ).get(name) or ""  # error: secret-exposure in any_entry_of_a_copy


if __name__ == "__main__":
    mcp.run()
