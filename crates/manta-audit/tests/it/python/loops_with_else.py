"""What stands behind a loop for when nothing broke out of it."""
import subprocess

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("loops")
ALLOWED = ["status", "log"]


async def tried(call):
    for attempt in range(3):
        try:
            result = await call()
            break
        except OSError:
            continue
    else:
        raise RuntimeError("tried three times")
    return result


def opened():
    tries = 0
    while tries < 3:
        tries += 1
        if ready():
            break
    else:
        raise RuntimeError("not ready")
    return tries


@mcp.tool()
async def behind_a_loop_that_is_left(command: str) -> str:
    await tried(connect)
    opened()
    return subprocess.check_output(command, shell=True, text=True)  # error: command-execution in behind_a_loop_that_is_left


@mcp.tool()
def one_of_them(command: str) -> str:
    for allowed in ALLOWED:
        if command == allowed:
            break
    else:
        raise ValueError(command)
    return subprocess.check_output(command, shell=True, text=True)


@mcp.tool()
def none_of_them(command: str) -> str:
    for allowed in ALLOWED:
        if command == allowed:
            raise ValueError(command)
    else:
        return subprocess.check_output(command, shell=True, text=True)  # error: command-execution in none_of_them


@mcp.tool()
def breaks_out_of_the_outer_one(command: str, names: list[str]) -> str:
    for name in names:
        for allowed in ALLOWED:
            if name == allowed:
                break
        else:
            break
        subprocess.run([name], check=False)
    return subprocess.check_output(command, shell=True, text=True)  # error: command-execution in breaks_out_of_the_outer_one
