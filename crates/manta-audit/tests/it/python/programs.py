"""Options of programs, and programs that are settings."""
import os
import shlex
import subprocess
from dataclasses import dataclass
from mcp.server.fastmcp import FastMCP
from pydantic import Field

mcp = FastMCP("programs")


@dataclass
class Config:
    git_path: str
    dbt_path: str


def load() -> Config:
    return Config(git_path=os.environ["GIT_PATH"], dbt_path=os.environ["DBT_PATH"])


config = load()


class Runner:
    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, *words: str) -> str:
        return subprocess.run([self.config.git_path, *words], capture_output=True).stdout  # error: argument-injection in configured


def serve(server: FastMCP, config: Config) -> None:
    runner = Runner(config)

    @server.tool()
    def configured(ref: str) -> str:
        return runner.run("log", ref)

    @server.tool()
    def configured_ended(path: str) -> str:
        return runner.run("log", "--", path)


serve(mcp, config)


@mcp.tool()
def selection(words: str | None = Field(default=None)) -> str:
    command = ["build"]
    if words and isinstance(words, str):
        command.extend(["--select"] + words.split(" "))
    args = [config.dbt_path, "--no-use-colors", *command]
    return subprocess.Popen(args=args).communicate()[0]  # error: argument-injection in selection


@mcp.tool()
def selection_checked(words: str | None = Field(default=None)) -> str:
    command = ["build"]
    if words and isinstance(words, str):
        tokens = words.split()
        if any(token.startswith("-") for token in tokens):
            raise ValueError("words")
        command.extend(["--select"] + tokens)
    args = [config.dbt_path, "--no-use-colors", *command]
    return subprocess.Popen(args=args).communicate()[0]


def check_ref(ref: str) -> None:
    if not ref or not ref.strip():
        raise ValueError("empty")
    if ref.strip().startswith("-"):
        raise ValueError("an option")


@mcp.tool()
def stripped(ref: str) -> str:
    try:
        check_ref(ref)
    except ValueError as error:
        return str(error)
    return subprocess.run(["git", "diff", ref, "--"]).stdout


ALLOWED = {"git", "ls"}


def check_program(command: str) -> None:
    words = shlex.split(command)
    if not words or words[0].lower() != "git":
        raise ValueError("only git")


@mcp.tool()
def program_checked(command: str) -> str:
    check_program(command)
    command = f"{command} --no-pager"
    return subprocess.run(shlex.split(command)).stdout


@mcp.tool()
def program_listed(command: str) -> str:
    words = command.split()
    if words[0] not in ALLOWED:
        raise ValueError("program")
    return subprocess.run(words).stdout


@mcp.tool()
def program_contained(command: str) -> str:
    words = command.split()
    if "git" not in words:
        raise ValueError("program")
    return subprocess.run(words).stdout  # error: command-execution in program_contained


@mcp.tool()
def shell_of_the_platform(x: str) -> str:
    command = ["cmd.exe", "/c"] if os.name == "nt" else ["sh", "-c"]
    command.append(f"echo {x}")
    return subprocess.run(command).stdout  # error: command-injection in shell_of_the_platform


@mcp.tool()
def shell_by_branches(x: str) -> str:
    command = []
    if os.name == "nt":
        command.append("cmd")
        command.append("/c")
    else:
        command.append("bash")
        command.append("-c")
    command.append("echo " + x)
    return subprocess.run(command).stdout  # error: command-injection in shell_by_branches


@mcp.tool()
def program_of_the_platform(x: str) -> str:
    command = ["where", "/q"] if os.name == "nt" else ["which", "-a"]
    command.append(f"./{x}")
    return subprocess.run(command).stdout


# -- a value keeps the option it follows, however the list was put together

def log_with(steps: list, author: str = "", pattern: str = "") -> list:
    """Each step of the way may make the list longer, in front or behind."""
    if author:
        steps.extend(["--author", author])
    if pattern:
        steps.extend(["--grep", pattern])
    if steps and steps[0] in {"log", "show"}:
        steps = [steps[0], "--oneline", *steps[1:]]
    return ["git", "--no-pager", *steps]


@mcp.tool()
def option_kept(author: str = "", pattern: str = "") -> str:
    return subprocess.run(log_with(["log"], author, pattern)).stdout


def log_of(steps: list, revision: str = "") -> list:
    if revision:
        steps.append(revision)
    if steps and steps[0] in {"log", "show"}:
        steps = [steps[0], "--oneline", *steps[1:]]
    return ["git", "--no-pager", *steps]


@mcp.tool()
def operand_kept(revision: str = "") -> str:
    return subprocess.run(log_of(["log"], revision)).stdout  # error: argument-injection in operand_kept


def inside(path: str) -> str:
    full = os.path.realpath(os.path.join("/srv/scripts", path))
    if os.path.commonpath(["/srv/scripts", full]) != "/srv/scripts":
        raise ValueError("outside")
    return full


@mcp.tool()
def script(path: str) -> str:
    return subprocess.run(["python", path], capture_output=True, text=True).stdout  # error: command-execution in script


@mcp.tool()
def script_inside(path: str) -> str:
    return subprocess.run(["python", inside(path)], capture_output=True, text=True).stdout


@mcp.tool()
def words_of_git(line: str) -> str:
    return subprocess.run(["git", *shlex.split(line)], capture_output=True, text=True).stdout  # error: argument-injection in words_of_git


@mcp.tool()
def reference_of_git(reference: str) -> str:
    return subprocess.run(["git", "-C", "/srv", "switch", "--", reference], capture_output=True, text=True).stdout


@mcp.tool()
def behind_a_command(name: str) -> str:
    return subprocess.run(["powershell", "-Command", "Get-Item", name], capture_output=True).stdout  # error: command-execution in behind_a_command


@mcp.tool()
def behind_a_script(name: str) -> str:
    return subprocess.run(["powershell", "-File", "item.ps1", name], capture_output=True).stdout


@mcp.tool()
def chosen_script(name: str) -> str:
    return subprocess.run(["powershell", "-ExecutionPolicy", "Bypass", "-File", name], capture_output=True).stdout  # error: command-execution in chosen_script


@mcp.tool()
def behind_cmd(name: str) -> str:
    return subprocess.run(["cmd", "/c", "dir", name], capture_output=True).stdout  # error: command-execution in behind_cmd
