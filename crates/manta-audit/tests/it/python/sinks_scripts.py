"""Code that reaches an interpreter past its command line: through its input, or in a file that it then runs."""
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
import paramiko
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("scripts")


@mcp.tool()
def run_temporary(code: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(code)
        name = file.name
    return subprocess.run([sys.executable, name], capture_output=True, text=True).stdout  # error: code-injection in run_temporary


@mcp.tool()
def run_descriptor(code: str) -> str:
    handle, path = tempfile.mkstemp(suffix=".rb")
    with os.fdopen(handle, "w") as file:
        file.write(code)
    return subprocess.check_output(f"ruby {path}", shell=True, text=True)  # error: code-injection in run_descriptor


def keep(text: str, path: str) -> None:
    with open(path, "w") as file:
        file.write(text)


@mcp.tool()
def run_program(script: str) -> str:
    path = os.path.join(tempfile.mkdtemp(), "job")
    keep("#!/bin/sh\n" + script, path)
    os.chmod(path, 0o755)
    return subprocess.run([path], capture_output=True, text=True).stdout  # error: command-injection in run_program


@mcp.tool()
def run_in_directory(code: str) -> str:
    folder = Path(tempfile.mkdtemp())
    (folder / "job.py").write_text(code)
    return subprocess.run("timeout 5 python job.py", cwd=folder, shell=True, text=True).stdout  # error: code-injection in run_in_directory


@mcp.tool()
async def run_input(script: str) -> str:
    child = await asyncio.create_subprocess_exec("bash", stdin=asyncio.subprocess.PIPE)
    out, _ = await child.communicate(script.encode())  # error: command-execution in run_input
    return str(out)


@mcp.tool()
def run_template(title: str) -> str:
    child = subprocess.Popen(["python3", "-"], stdin=subprocess.PIPE, text=True)
    child.stdin.write(f"print('{title}')\n")  # error: code-injection in run_template
    return ""


@mcp.tool()
def run_literal(title: str) -> str:
    path = os.path.join(tempfile.mkdtemp(), "job.py")
    keep(f"print({title!r})\n", path)
    return subprocess.run(["python3", path], capture_output=True, text=True).stdout


@mcp.tool()
def run_with_data(text: str) -> str:
    path = os.path.join(tempfile.mkdtemp(), "data.json")
    keep(json.dumps({"text": text}), path)
    return subprocess.run(["python3", "/srv/job.py", path], capture_output=True, text=True).stdout


@mcp.tool()
def run_filter(text: str) -> str:
    return subprocess.run(["jq", "."], input=text, capture_output=True, text=True).stdout


@mcp.tool()
async def run_reader(text: str) -> str:
    child = await asyncio.create_subprocess_exec("python3", "/srv/reader.py", stdin=asyncio.subprocess.PIPE)
    out, _ = await child.communicate(text.encode())
    return str(out)


@mcp.tool()
def run_number(count: int) -> str:
    path = os.path.join(tempfile.mkdtemp(), "job.py")
    keep(f"print({count})\n", path)
    return subprocess.run(["python3", path], capture_output=True, text=True).stdout


def escaped(text: str, first: str, second: str) -> str:
    return text.replace(first, "\\" + first).replace(second, "\\" + second)


def called(name: str) -> str:
    if not name:
        return ""
    return "".join(c for c in name if c != "'")


def asked(name: str) -> str:
    return f'''
    tell application "Messages"
        -- it isn't there yet
        if "{name}" contains "1" or "{name}" contains "2" or "{name}" contains "3" then return "{name}"
        if "{name}" contains "4" or "{name}" contains "5" then return "{name}"
        send "hello" to participant "{name}" of service "{name}"
    end tell
    '''


@mcp.tool()
def greet(name: str) -> str:
    return subprocess.check_output(["osascript", "-e", asked(escaped(called(name), "\\", "\""))], text=True)


@mcp.tool()
def greet_badly(name: str) -> str:
    return subprocess.check_output(["osascript", "-e", asked(escaped(called(name), "\"", "\\"))], text=True)  # error: code-injection in greet_badly


@mcp.tool()
def run_elsewhere(name: str) -> str:
    client = paramiko.SSHClient()
    client.connect("build")
    stdin, stdout, _ = client.exec_command("bash -s", timeout=30)
    stdin.write("ls " + name)  # error: command-injection in run_elsewhere
    stdin.close()
    return stdout.read().decode()


@mcp.tool()
def count_elsewhere(text: str) -> str:
    client = paramiko.SSHClient()
    client.connect("build")
    streams = client.exec_command("wc -l")
    streams[0].write(text)
    return streams[1].read().decode()


@mcp.tool()
def run_line(name: str) -> str:
    return subprocess.run("bash", shell=True, input="ls " + name, text=True).stdout  # error: command-injection in run_line


@mcp.tool()
def run_as_another(name: str) -> str:
    return subprocess.run(["sudo", "bash", "-s"], input="ls " + name, text=True).stdout  # error: command-injection in run_as_another
