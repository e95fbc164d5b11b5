"""The tools of the other examples in Python, with the FastMCP of the official SDK."""

import subprocess
from pathlib import Path

from mcp.server.fastmcp import FastMCP

ALLOWED_DIR = Path("/safe/directory")

mcp = FastMCP("py-fastmcp")


@mcp.tool()
def shell_exec(command: str) -> str:
    """Run a command."""
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout


@mcp.tool()
def read_file(path: str) -> str:
    """Read a file."""
    return Path(path).read_text()


@mcp.tool()
def read_file_prefix(path: str) -> str:
    """Read a file of the safe directory, with the check most tutorials show."""
    resolved = (ALLOWED_DIR / path).resolve()
    if not str(resolved).startswith(str(ALLOWED_DIR)):
        raise ValueError("access denied")
    return resolved.read_text()


@mcp.tool()
def read_file_safely(path: str) -> str:
    """Read a file of the safe directory, with a check that holds."""
    root = ALLOWED_DIR.resolve()
    resolved = (root / path).resolve()
    if not resolved.is_relative_to(root):
        raise ValueError("access denied")
    return resolved.read_text()


def main() -> None:
    """Serve over standard input and output."""
    mcp.run()


if __name__ == "__main__":
    main()
