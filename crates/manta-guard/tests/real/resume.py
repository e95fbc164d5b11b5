"""The official Python client makes one call over HTTP.

Usage: python resume.py URL; prints the text of the answer.
"""

import asyncio
import sys

import mcp.client.streamable_http as http
from mcp import ClientSession

# The name has changed between versions of the SDK.
connect = getattr(http, "streamable_http_client", None) or http.streamablehttp_client


async def main() -> None:
    async with connect(sys.argv[1]) as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        answer = await asyncio.wait_for(session.call_tool("slow", {}), 30)
        print(answer.content[0].text)


asyncio.run(main())
