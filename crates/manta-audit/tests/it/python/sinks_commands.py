"""Programs and shells."""
import asyncio
import os
import shlex
import subprocess
import docker
import git
import paramiko
import pexpect
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("commands")


@mcp.tool()
def shell_string(x: str) -> str:
    return subprocess.check_output(f"ls {x}", shell=True).decode()  # error: command-injection in shell_string


@mcp.tool()
def shell_list(x: str) -> str:
    return subprocess.run(["ls " + x], shell=True, capture_output=True).stdout  # error: command-injection in shell_list


@mcp.tool()
def list_form(x: str) -> str:
    return subprocess.run(["ls", "--", x], capture_output=True, text=True).stdout


@mcp.tool()
def quoted(x: str) -> str:
    return subprocess.getoutput("ls -- " + shlex.quote(x))


@mcp.tool()
def quoted_in_quotes(x: str) -> str:
    return subprocess.getoutput(f"ls '{shlex.quote(x)}'")  # error: command-injection in quoted_in_quotes


@mcp.tool()
def popen(x: str) -> str:
    return os.popen("ls " + x).read()  # error: command-injection in popen


@mcp.tool()
async def async_shell(x: str) -> str:
    process = await asyncio.create_subprocess_shell(f"ls {x}", stdout=asyncio.subprocess.PIPE)  # error: command-injection in async_shell
    out, _ = await process.communicate()
    return out.decode()


@mcp.tool()
async def async_exec(x: str) -> str:
    process = await asyncio.create_subprocess_exec("ls", "--", x)
    await process.wait()
    return ""


@mcp.tool()
def bash_c(x: str) -> str:
    return subprocess.run(["bash", "-c", f"ls {x}"]).stdout  # error: command-injection in bash_c


@mcp.tool()
def python_c(x: str) -> str:
    code = f"print(open('{x}').read())"
    return subprocess.run(["python", "-c", code]).stdout  # error: code-injection in python_c


@mcp.tool()
def python_c_repr(x: str) -> str:
    code = f"print(open({x!r}).read())"
    return subprocess.run(["python", "-c", code]).stdout


@mcp.tool()
def python_stdin(x: str) -> str:
    code = f"print('{x}')"
    return subprocess.run(["python", "-"], input=code, text=True).stdout  # error: code-injection in python_stdin


@mcp.tool()
def program(x: str) -> str:
    return subprocess.run([x, "--version"]).stdout  # error: command-execution in program


@mcp.tool()
def split(x: str) -> str:
    return subprocess.run(shlex.split(x)).stdout  # error: command-execution in split


@mcp.tool()
def option(ref: str) -> str:
    return subprocess.run(["git", "log", ref]).stdout  # error: argument-injection in option


@mcp.tool()
def option_checked(ref: str) -> str:
    if ref.startswith("-"):
        raise ValueError("ref")
    return subprocess.run(["git", "log", ref]).stdout


@mcp.tool()
def option_ended(path: str) -> str:
    return subprocess.run(["git", "log", "--", path]).stdout


@mcp.tool()
def options(words: str) -> str:
    command = ["git", "log"]
    for word in words.split():
        command.append(word)
    return subprocess.run(command).stdout  # error: argument-injection in options


@mcp.tool()
def options_checked(words: str) -> str:
    command = ["git", "log"]
    parts = words.split()
    if any(part.startswith("-") for part in parts):
        raise ValueError("words")
    command.extend(parts)
    return subprocess.run(command).stdout


@mcp.tool()
def replaced(x: str) -> str:
    return os.popen("ls " + x.replace(";", "")).read()  # error: command-injection in replaced


@mcp.tool()
def spawned(x: str) -> str:
    child = pexpect.spawn(f"bash -c 'ls {x}'")  # error: command-injection in spawned
    return child.before


@mcp.tool()
def remote(x: str) -> str:
    client = paramiko.SSHClient()
    client.connect("host.example.com")
    _, out, _ = client.exec_command(f"ls {x}")  # error: command-injection in remote
    return out.read()


@mcp.tool()
def repo_log(path: str, ref: str) -> str:
    repo = git.Repo("/srv/repo")
    return repo.git.log(ref, "--", path)  # error: argument-injection in repo_log


@mcp.tool()
def repo_log_checked(ref: str) -> str:
    if ref.startswith("-"):
        raise ValueError("ref")
    repo = git.Repo("/srv/repo")
    return repo.git.log(ref)


def run(command: str, *args: str) -> str:
    return subprocess.run([command, *args], capture_output=True, text=True).stdout  # error: argument-injection in helper_option


@mcp.tool()
def helper(x: str) -> str:
    return run("ls", "--", x)


@mcp.tool()
def helper_option(x: str) -> str:
    return run("git", "log", x)


@mcp.tool()
def in_a_container(x: str) -> str:
    return docker.from_env().containers.get("db").exec_run(["sh", "-c", "cat " + x]).output  # error: command-injection in in_a_container


@mcp.tool()
def line_in_a_container(x: str) -> str:
    return docker.from_env().containers.run("alpine", f"sh -c 'ls {x}'")  # error: command-injection in line_in_a_container


@mcp.tool()
def code_for_a_container(x: str) -> str:
    container = docker.from_env().containers.get("sandbox")
    return container.exec_run(["sh", "-c", x]).output + container.exec_run(["cat", x]).output


@mcp.tool()
def quoted_in_a_container(x: str) -> str:
    return docker.from_env().containers.get("db").exec_run(["sh", "-c", "cat " + shlex.quote(x)]).output


# -- a script that is looked at and one that is run

@mcp.tool()
def script_checked(script: str) -> str:
    return subprocess.run(["bash", "-n", "--", script], capture_output=True, text=True).stderr


@mcp.tool()
def script_run(script: str) -> str:
    return subprocess.run(["bash", "-e", "--", script], capture_output=True, text=True).stderr  # error: command-execution in script_run
