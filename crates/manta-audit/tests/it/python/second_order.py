"""Sources other than tool arguments, and tools that are classes or mounted."""
import ipaddress
import socket
from typing import Any
from urllib.parse import quote, urljoin, urlparse
import httpx
from atlassian import Jira
from fastmcp import Context, FastMCP
from fastmcp.server.dependencies import get_http_headers, get_http_request
from fastmcp.tools import Tool

main = FastMCP("main")
sub = FastMCP("sub")


def client() -> Jira:
    request = get_http_request()
    headers = getattr(request.state, "service_headers", {})
    url = headers.get("X-Service-Url")
    if url:
        return Jira(url=url, token=headers.get("X-Service-Token"))  # error: ssrf in sub_issue
    return Jira(url="https://jira.example.com")


@sub.tool()
async def issue(ctx: Context, key: str) -> str:
    return client().issue(key)


@sub.tool
async def header(n: int) -> str:
    host = get_http_headers()["x-host"]
    return httpx.get(f"https://{host}/items/{n}").text  # error: ssrf in sub_header


main.mount("sub", sub)


class Operation(Tool):
    """A tool made from one operation of an API description."""

    def __init__(self, client: httpx.AsyncClient, base: str, path: str, **options: Any) -> None:
        super().__init__(**options)
        self.client = client
        self.base = base
        self.path = path

    async def run(self, arguments: dict[str, Any]) -> str:
        path = self.path
        for name, value in arguments.items():
            path = path.replace("{" + name + "}", str(value))
        url = urljoin(self.base.rstrip("/") + "/", path.lstrip("/"))
        return (await self.client.send(httpx.Request("GET", url))).text  # error: ssrf in *


class QuotedOperation(Operation):
    async def run(self, arguments: dict[str, Any]) -> str:
        path = self.path
        for name, value in arguments.items():
            path = path.replace("{" + name + "}", quote(str(value), safe="").replace(".", "%2E"))
        url = urljoin(self.base.rstrip("/") + "/", path.lstrip("/"))
        return (await self.client.send(httpx.Request("GET", url))).text
