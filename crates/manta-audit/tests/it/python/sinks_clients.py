"""Programs whose options take code and whose operands do not, and options that are given more than once."""
import json
import shlex
import subprocess
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("clients")


@mcp.tool()
def shell_of_a_database(code: str) -> str:
    return subprocess.check_output(["mysqlsh", "--js", "-e", code])  # error: code-injection in shell_of_a_database


@mcp.tool()
def text_in_code(name: str) -> str:
    return subprocess.check_output(["mysqlsh", "--js", "-e", f"print('{name}')"])  # error: code-injection in text_in_code


@mcp.tool()
def quoted_in_code(name: str) -> str:
    return subprocess.check_output(["mysqlsh", "--js", "-e", f"print({json.dumps(name)})"])


@mcp.tool()
def behind_an_address(query: str) -> str:
    return subprocess.check_output(["mongosh", "mongodb://db/notes", "--eval", f"db.{query}.find()"])  # error: code-injection in behind_an_address


@mcp.tool()
def only_the_host(host: str) -> str:
    return subprocess.check_output(["mongosh", "mongodb://db/" + host, "--eval", "db.notes.find()"])


@mcp.tool()
def second_option(text: str) -> str:
    lines = ["osascript", "-e", 'tell application "Notes"', "-e", f'make new note with data "{text}"', "-e", "end tell"]
    return subprocess.check_output(lines)  # error: code-injection in second_option


@mcp.tool()
def parameter_of_code(text: str) -> str:
    return subprocess.check_output(["python3", "-c", "import sys; print(sys.argv[1])", text])


@mcp.tool()
def debugger(symbol: str) -> str:
    return subprocess.check_output(["gdb", "-batch", "-ex", "set pagination off", "-ex", "print " + symbol, "--args", "/bin/true"])  # error: code-injection in debugger


@mcp.tool()
def debugged(name: str) -> str:
    return subprocess.check_output(["gdb", "-batch", "-ex", "info functions", "/srv/programs/" + str(int(name))])


@mcp.tool()
def expression(code: str) -> str:
    return subprocess.check_output(["blender", "-b", "--python-expr", code])  # error: code-injection in expression


@mcp.tool()
def query(text: str) -> str:
    return subprocess.check_output(["duckdb", "/srv/a.db", "-c", f"SELECT * FROM t WHERE name = '{text}'"])  # error: code-injection in query


@mcp.tool()
def quoted_for_the_shell(code: str) -> str:
    return subprocess.check_output("mysqlsh --js -e " + shlex.quote(code), shell=True)  # error: code-injection in quoted_for_the_shell


mcp.run()
