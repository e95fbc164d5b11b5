"""Requests that are made in one place and sent in another, or not at all."""
import io
import httpx
import requests
from mcp.server.fastmcp import FastMCP
from docling.document_converter import DocumentConverter
from docling_core.types.io import DocumentStream

mcp = FastMCP("requests")
client = httpx.AsyncClient()
shop = httpx.AsyncClient(base_url="https://shop.example.com")


@mcp.tool()
async def sent(url: str) -> str:
    request = client.build_request("GET", url)
    response = await client.send(request)  # error: ssrf in sent
    return response.text


@mcp.tool()
def prepared(url: str) -> str:
    with requests.Session() as session:
        request = session.prepare_request(requests.Request("GET", url))
        return session.send(request).text  # error: ssrf in prepared


@mcp.tool()
async def below_the_base(item: int) -> str:
    request = shop.build_request("GET", f"/items/{item}")
    return (await shop.send(request, stream=True)).text


@mcp.tool()
async def made_for_an_error(url: str) -> str:
    raise httpx.HTTPStatusError("too large", request=httpx.Request("GET", url), response=None)


mcp.run()


@mcp.tool()
def converted(html: str) -> str:
    stream = DocumentStream(name="page", stream=io.BytesIO(html.encode("utf-8")))
    return DocumentConverter().convert(stream).document.export_to_markdown()


@mcp.tool()
def converted_there(source: str) -> str:
    return DocumentConverter().convert(source).document.export_to_markdown()  # error: ssrf in converted_there


@mcp.tool()
def named(name: str, html: str) -> str:
    stream = DocumentStream(name=name, stream=io.BytesIO(html.encode("utf-8")))
    return requests.get(stream.name, timeout=5).text  # error: ssrf in named
