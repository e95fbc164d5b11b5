"""Commands that are told in another spelling: base64 for PowerShell, JSON in a script, words that are quoted."""
import base64
import json
import os
import shlex
import subprocess
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("encoded")


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def encoded(script: str) -> str:
    return base64.b64encode(script.encode("utf-16le")).decode("ascii")


def shown(*arguments, **options):
    with subprocess.Popen(*arguments, **options) as process:
        return process.communicate()[0]


@mcp.tool()
def toast(title: str) -> str:
    script = f"$title = {quoted(title)}\nShow-Toast $title"
    return shown(["powershell", "-NoProfile", "-EncodedCommand", encoded(script)], stdout=subprocess.PIPE)


@mcp.tool()
def toast_badly(title: str) -> str:
    script = f"$title = {title}\nShow-Toast $title"
    return str(subprocess.run(["pwsh", "-enc", encoded(script)], capture_output=True).stdout)  # error: command-injection in toast_badly


@mcp.tool()
def toast_of_anything(script: str) -> str:
    return str(subprocess.run(["powershell.exe", "-e", encoded(script)], capture_output=True).stdout)  # error: command-execution in toast_of_anything


@mcp.tool()
def notify(message: str, title: str | None = None) -> str:
    script = f"display notification {json.dumps(message, ensure_ascii=False)}"
    if title:
        script += f" with title {json.dumps(title)}"
    return subprocess.run(["osascript", "-e", script], capture_output=True, text=True).stdout


@mcp.tool()
def notify_badly(message: str) -> str:
    return subprocess.run(["osascript", "-e", f'display notification "{message}"'], text=True).stdout  # error: code-injection in notify_badly


@mcp.tool()
def told(data: dict) -> str:
    return subprocess.run(["node", "-e", f"show({json.dumps(data)})"], capture_output=True, text=True).stdout


@mcp.tool()
def told_in_quotes(data: dict) -> str:
    return subprocess.run(["node", "-e", f"show('{json.dumps(data)}')"], capture_output=True, text=True).stdout  # error: code-injection in told_in_quotes


@mcp.tool()
def shown_file(path: str) -> str:
    return os.popen(f"cat -- {shlex.quote(path)}").read()  # error: path-traversal in shown_file


@mcp.tool()
def listed_file(path: str) -> str:
    return os.popen(f"ls -l -- {shlex.quote(path)}").read()


@mcp.tool()
def fetched(url: str) -> str:
    return subprocess.getoutput("curl -s -- " + shlex.quote(url))  # error: ssrf in fetched
