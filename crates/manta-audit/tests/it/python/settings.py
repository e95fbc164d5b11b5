"""What the administrator sets: a check that only an option turns off is a check, one that only an option turns on is
none."""
import argparse
import os
from pathlib import Path
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("settings")
parser = argparse.ArgumentParser()
parser.add_argument("--dir", default=os.getcwd())
parser.add_argument("--allow-all", action="store_true")
parser.add_argument("--no-check", dest="check", action="store_false")
limits = parser.add_argument_group("limits")
limits.add_argument("--open", type=bool, default=True)
limits.add_argument("--strict", action="store_true")
args, rest = parser.parse_known_args()
WORKING = Path(args.dir).absolute()
ALLOW_SYSTEM = os.environ.get("ALLOW_SYSTEM", "false").lower() in ("true", "1", "yes")
ALLOW_USUALLY = os.environ.get("ALLOW_USUALLY", "true").lower() in ("true", "1", "yes")


def is_inside(path: Path) -> bool:
    try:
        path.resolve().relative_to(WORKING.resolve())
        return True
    except ValueError:
        return False


@mcp.tool()
def allowed_by_option(name: str) -> str:
    path = WORKING / name
    if not args.allow_all and not is_inside(path):
        return "outside"
    return path.read_text()


@mcp.tool()
def allowed_by_default(name: str) -> str:
    path = WORKING / name
    if not args.open and not is_inside(path):
        return "outside"
    return path.read_text()  # error: path-traversal in allowed_by_default


@mcp.tool()
def checked_unless_told_otherwise(name: str) -> str:
    path = WORKING / name
    if args.check and not is_inside(path):
        return "outside"
    return path.read_text()


@mcp.tool()
def checked_when_told(name: str) -> str:
    path = WORKING / name
    if args.strict and not is_inside(path):
        return "outside"
    return path.read_text()  # error: path-traversal in checked_when_told


def is_allowed(path: Path) -> bool:
    if ALLOW_SYSTEM:
        return True
    return is_inside(path)


@mcp.tool()
def environment(file_path: str) -> str:
    path = Path(file_path)
    if not path.is_absolute():
        path = WORKING / path
    if not is_allowed(path):
        return "outside"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.read_text()


def is_usually_allowed(path: Path) -> bool:
    if ALLOW_USUALLY:
        return True
    return is_inside(path)


@mcp.tool()
def environment_by_default(file_path: str) -> str:
    path = WORKING / file_path
    if not is_usually_allowed(path):
        return "outside"
    return path.read_text()  # error: path-traversal in environment_by_default
