"""The official Python client talks to a published server, directly or through the guard.

Usage: python client.py CASE.json; prints one JSON object of what it saw.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        case = json.load(file)
    command, *args = case["command"]
    server = StdioServerParameters(command=command, args=args, cwd=case["cwd"], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = sorted(tool.name for tool in (await session.list_tools()).tools)
        calls = []
        for call in case["calls"]:
            result = await session.call_tool(call["name"], call["arguments"])
            text = "\n".join(getattr(part, "text", part.type) for part in result.content)
            is_error = getattr(result, "isError", getattr(result, "is_error", False))
            calls.append({"name": call["name"], "isError": bool(is_error), "text": text})
    print(json.dumps({"tools": tools, "calls": calls}))


asyncio.run(main())
