"""The official Python client against `manta serve`: exits 0 when every answer is the expected one.

usage: client.py stdio PROGRAM ARG…   |   client.py http URL TOKEN
"""

import asyncio
import sys

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


async def exercise(target, mode):
    async with Client(target, mode=mode) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"read_file", "write_file", "list_directory"}, tools

        async def call(tool, **args):
            try:
                result = await client.call_tool(tool, args)
            except Exception as error:  # what is not listed is an error of the protocol
                return (False, str(error))
            return (not result.is_error, result.content[0].text)

        name = f"python-{mode}.txt"
        ok, text = await call("write_file", path=name, content="from Python\n")
        assert ok, text
        assert await call("read_file", path=name) == (True, "from Python\n")
        ok, text = await call("list_directory", path=".")
        assert ok and name in text, text
        for path in ("../audit.jsonl", "/etc/passwd", "up/audit.jsonl"):
            ok, text = await call("read_file", path=path)
            assert not ok and "tools.read_file.args.path" in text, text
        ok, text = await call("run_command", command="id")
        assert not ok and "denied by default" in text, text
        refused = [text for ok, text in [await call("read_file", path=name) for _ in range(6)] if not ok]
        assert refused and "5 calls in 3600 s" in refused[0] and "retry in" in refused[0], refused


async def main():
    kind, mode, target, *rest = sys.argv[1:]
    if kind == "stdio":
        await exercise(StdioServerParameters(command=target, args=rest), mode)
        return
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {rest[0]}"}) as http:
        await exercise(streamable_http_client(target, http_client=http), mode)


asyncio.run(main())
print("ok")
