"""Wrappers around handlers: what they ask for themselves, what they pass on, and what they check."""
import functools
import inspect
import subprocess
from functools import wraps
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("wrappers")


class Repo:
    def __init__(self, path: str) -> None:
        self.path = path

    def log(self) -> str:
        return subprocess.check_output(f"git -C {self.path} log", shell=True, text=True)  # error: command-injection in log


# -- a wrapper that asks for something and passes on what it makes of it

def with_repo(func):
    @wraps(func)
    def wrapper(path: str, *args, **kwargs):
        return func(Repo(path), *args, **kwargs)
    return wrapper


@mcp.tool()
@with_repo
def log(repo: Repo) -> str:
    return repo.log()


def with_checked_repo(func):
    @wraps(func)
    def wrapper(path: str, *args, **kwargs):
        if not path.isalnum():
            raise ValueError("a name")
        return func(Repo(path), *args, **kwargs)
    return wrapper


@mcp.tool()
@with_checked_repo
def checked_status(repo: Repo) -> str:
    return subprocess.check_output(f"git -C {repo.path} status", shell=True, text=True)


def with_signature(func):
    @functools.wraps(func)
    async def wrapper(*args, **kwargs):
        kwargs["repo"] = Repo(kwargs.pop("path"))
        return await func(*args, **kwargs)
    wrapper.__signature__ = inspect.signature(func)
    return wrapper


@mcp.tool()
@with_signature
async def show(repo: Repo) -> str:
    return subprocess.check_output("git -C " + repo.path + " show", shell=True, text=True)  # error: command-injection in show


def renamed(func):
    @wraps(func)
    def wrapper(folder: str):
        return func(directory=folder)
    return wrapper


@mcp.tool()
@renamed
def look(directory: str) -> str:
    return subprocess.check_output("ls " + directory, shell=True, text=True)  # error: command-injection in look


# -- what only the wrapper gives is none of the caller's

def inject(**given):
    def decorator(func):
        @wraps(func)
        def wrapper(*args, retries=3, **kwargs):
            return func(*args, **{**kwargs, **given})
        return wrapper
    return decorator


@mcp.tool()
@inject(prefix="ls ")
def named(name: str, prefix: str) -> str:
    return subprocess.check_output(prefix + name, shell=True, text=True)  # error: command-injection in named


@mcp.tool()
@inject(prefix="ls ")
def fixed(prefix: str) -> str:
    return subprocess.check_output(prefix, shell=True, text=True)


# -- a wrapper that takes the name by hand

def plain(func):
    def wrapper(*args, **kwargs):
        return func(*args, **kwargs)
    wrapper.__name__ = func.__name__
    wrapper.__annotations__ = func.__annotations__
    return wrapper


@mcp.tool()
@plain
def plainly(cmd: str) -> str:
    return subprocess.check_output(cmd, shell=True, text=True)  # error: command-execution in plainly


# -- a registration of the program's own around the one of the SDK

def tool(name):
    def register(func):
        @wraps(func)
        async def run(**kwargs):
            try:
                return await func(**kwargs)
            except OSError as error:
                return str(error)
        mcp.add_tool(run, name=name)
        return func
    return register


@tool("own")
async def own_tool(cmd: str) -> str:
    return subprocess.check_output(cmd, shell=True, text=True)  # error: command-execution in own


# -- a wrapper that looks the arguments up by the names that the handler has for them

def stripped(signature, args, kwargs):
    if "name" not in signature.parameters:
        return args, kwargs
    given = signature.bind_partial(*args, **kwargs)
    name = given.arguments.get("name")
    if isinstance(name, str):
        given.arguments["name"] = name.strip()
    return given.args, given.kwargs


def bound(func):
    signature = inspect.signature(func)

    @wraps(func)
    def run(*args, **kwargs):
        args, kwargs = stripped(signature, args, kwargs)
        return func(*args, **kwargs)
    return run


@mcp.tool()
@bound
def bound_open(name: str) -> str:
    with open(f"/srv/notes/{name}", encoding="utf-8") as file:  # error: path-traversal in bound_open
        return file.read()


@mcp.tool()
@bound
def bound_checked(name: str) -> str:
    if "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError("a name")
    with open(f"/srv/notes/{name}", encoding="utf-8") as file:
        return file.read()


# -- wrappers around methods: the instance comes first, whoever wrote the function

def timed(method):
    @wraps(method)
    def wrapper(self, *args, **kwargs):
        return method(self, *args, **kwargs)
    return wrapper


def numbered(method):
    @wraps(method)
    def wrapper(self, *args, **kwargs):
        return method(self, *(int(value) for value in args), **kwargs)
    return wrapper


def passed_on(method):
    def wrapper(*args, **kwargs):
        return method(*args, **kwargs)
    return wrapper


def listing(self, branch: str) -> str:
    return subprocess.check_output(f"{self.program} branch {branch}", shell=True, text=True)  # error: command-injection in branches


class Shell:
    def __init__(self) -> None:
        self.program = "git"

    @timed
    def fetch(self, remote: str) -> str:
        return subprocess.check_output(f"{self.program} fetch {remote}", shell=True, text=True)  # error: command-injection in fetch

    @numbered
    def depth(self, depth: int) -> str:
        return subprocess.check_output(f"{self.program} fetch --depth {depth}", shell=True, text=True)

    @passed_on
    def pull(self, remote: str) -> str:
        return subprocess.check_output(f"{self.program} pull {remote}", shell=True, text=True)  # error: command-injection in pull

    @classmethod
    @timed
    def clone(cls, url: str) -> str:
        return subprocess.check_output(f"git clone {url}", shell=True, text=True)  # error: command-injection in clone

    branches = listing


shell = Shell()


@mcp.tool()
def fetch(remote: str) -> str:
    return shell.fetch(remote)


@mcp.tool()
def fetch_depth(depth: str) -> str:
    return shell.depth(depth)


@mcp.tool()
def pull(remote: str) -> str:
    return shell.pull(remote)


@mcp.tool()
def clone(url: str) -> str:
    return Shell.clone(url)


@mcp.tool()
def branches(branch: str) -> str:
    return shell.branches(branch)
