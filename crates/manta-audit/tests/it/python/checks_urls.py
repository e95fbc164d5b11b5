"""Host checks, and what they miss."""
import asyncio
import ipaddress
import json
import os
import socket
from pathlib import Path
from urllib.parse import quote, urljoin, urlparse, urlencode, urlunparse
import aiohttp
import httpx
import requests
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("urls")
HOSTS = {"api.example.com", "docs.example.com"}
API = "https://api.example.com"


@mcp.tool()
def anything(url: str) -> str:
    return requests.get(url).text  # error: ssrf in anything


@mcp.tool()
def listed(url: str) -> str:
    if urlparse(url).hostname not in HOSTS:
        raise ValueError("host")
    return requests.get(url, allow_redirects=False).text


@mcp.tool()
def suffix_with_dot(url: str) -> str:
    host = urlparse(url).hostname or ""
    if host != "example.com" and not host.endswith(".example.com"):
        raise ValueError("host")
    return requests.get(url).text


@mcp.tool()
def suffix_without_dot(url: str) -> str:
    host = urlparse(url).hostname or ""
    if not host.endswith("example.com"):
        raise ValueError("host")
    return requests.get(url).text  # error: weak-host-check in suffix_without_dot


@mcp.tool()
def beginning_of_the_host(url: str) -> str:
    if not urlparse(url).netloc.startswith("api.example.com"):
        raise ValueError("host")
    return requests.get(url).text  # error: weak-host-check in beginning_of_the_host


@mcp.tool()
def contained(url: str) -> str:
    if "example.com" not in url:
        raise ValueError("host")
    return requests.get(url).text  # error: weak-host-check in contained


@mcp.tool()
def prefix_without_slash(url: str) -> str:
    if not url.startswith("https://api.example.com"):
        raise ValueError("host")
    return requests.get(url).text  # error: weak-host-check in prefix_without_slash


@mcp.tool()
def prefix_with_slash(url: str) -> str:
    if not url.startswith("https://api.example.com/"):
        raise ValueError("host")
    return requests.get(url).text


@mcp.tool()
def scheme_only(url: str) -> str:
    if urlparse(url).scheme not in ("http", "https"):
        raise ValueError("scheme")
    return requests.get(url).text  # error: ssrf in scheme_only


def refuse_internal(url: str) -> str:
    host = urlparse(url).hostname
    if not host:
        raise ValueError("host")
    for info in socket.getaddrinfo(host, None):
        address = ipaddress.ip_address(info[4][0])
        if address.is_private or address.is_loopback or address.is_link_local or address.is_reserved:
            raise ValueError("internal address")
    return url


@mcp.tool()
def resolved(url: str) -> str:
    return requests.get(refuse_internal(url), allow_redirects=False).text


@mcp.tool()
def resolved_discarded(url: str) -> str:
    refuse_internal(url)
    return requests.get(url, allow_redirects=False).text


def literal_only(url: str) -> None:
    host = urlparse(url).hostname or ""
    if host in ("localhost", "127.0.0.1"):
        raise ValueError("internal address")


@mcp.tool()
def two_names(url: str) -> str:
    literal_only(url)
    return requests.get(url).text  # error: ssrf in two_names


@mcp.tool()
def fixed_host(path: str, q: str) -> str:
    return requests.get(f"{API}/items/{path}", params={"q": q}).text  # error: request-path-traversal in fixed_host


@mcp.tool()
def fixed_host_no_slash(path: str) -> str:
    return requests.get(f"{API}{path}").text  # error: ssrf in fixed_host_no_slash


@mcp.tool()
def joined(path: str) -> str:
    return requests.get(urljoin(API, path)).text  # error: ssrf in joined


@mcp.tool()
def joined_quoted(path: str) -> str:
    return requests.get(urljoin(API, quote(path, safe=""))).text


@mcp.tool()
async def client_with_base(path: str) -> str:
    async with httpx.AsyncClient(base_url=API) as client:
        return (await client.get(f"/items/{path}")).text  # error: request-path-traversal in client_with_base


@mcp.tool()
async def client_without_base(url: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text  # error: ssrf in client_without_base


@mcp.tool()
def host_parameter(host: str) -> str:
    return requests.get(f"https://{host}/status").text  # error: ssrf in host_parameter


@mcp.tool()
def subdomain(tenant: str) -> str:
    return requests.get(f"https://{tenant}.example.com/status").text  # error: ssrf in subdomain


@mcp.tool()
def subdomain_checked(tenant: str) -> str:
    if not tenant.isalnum():
        raise ValueError("tenant")
    return requests.get(f"https://{tenant}.example.com/status").text


@mcp.tool()
def query(q: str) -> str:
    return requests.get(API + "/search?" + urlencode({"q": q})).text


# -- a URL put together again goes where its parts say

def robots(url: str) -> str:
    parts = urlparse(url)
    return urlunparse((parts.scheme, parts.netloc, "/robots.txt", "", "", ""))


@mcp.tool()
def rebuilt(url: str) -> str:
    target = robots(url)
    resolved_host(target)
    return requests.get(target, allow_redirects=False).text


@mcp.tool()
def rebuilt_unchecked(url: str) -> str:
    return requests.get(robots(url), allow_redirects=False).text  # error: ssrf in rebuilt_unchecked


@mcp.tool()
def rebuilt_with_own_host(url: str) -> str:
    parts = urlparse(url)
    target = urlunparse(("https", "api.example.com", parts.path, "", parts.query, ""))
    return requests.get(target, allow_redirects=False).text


def resolved_host(url: str) -> None:
    host = urlparse(url).hostname
    if not host:
        raise ValueError("host")
    for info in socket.getaddrinfo(host, None):
        if not ipaddress.ip_address(info[4][0]).is_global:
            raise ValueError("address")


def filled(values: dict, encode) -> str:
    path = json.loads(Path("api.json").read_text())["path"]
    for name, value in values.items():
        placeholder = f"{{{name}}}"
        if placeholder in path:
            path = path.replace(placeholder, encode(str(value)))
    return urljoin(os.environ["API"].rstrip("/") + "/", path.lstrip("/"))


@mcp.tool()
def template(values: dict) -> str:
    return requests.get(filled(values, lambda value: quote(value, safe="")), allow_redirects=False).text


@mcp.tool()
def template_as_it_is(values: dict) -> str:
    return requests.get(filled(values, lambda value: value), allow_redirects=False).text  # error: ssrf in template_as_it_is


@mcp.tool()
def alert(id: str) -> str:
    return requests.get(f"https://api.example.com/v1/alerts/{id}", timeout=5).text  # error: request-path-traversal in alert


@mcp.tool()
def alert_quoted(id: str) -> str:
    return requests.get(f"https://api.example.com/v1/alerts/{quote(id, safe='')}", timeout=5).text


@mcp.tool()
def alert_quoted_with_slashes(id: str) -> str:
    return requests.get(f"{API}/alerts/{quote(id)}", timeout=5).text  # error: request-path-traversal in alert_quoted_with_slashes


@mcp.tool()
def alert_number(id: int) -> str:
    return requests.get(f"{API}/alerts/{id}", timeout=5).text


@mcp.tool()
def alert_without_dots(id: str) -> str:
    if ".." in id:
        raise ValueError("id")
    return requests.get(f"{API}/alerts/{id}", timeout=5).text


@mcp.tool()
def whatever_the_service_offers(path: str) -> str:
    return requests.get(f"https://api.example.com/v1/{path}", timeout=5).text


@mcp.tool()
def notes_of_an_alert(id: str) -> str:
    return requests.get(f"https://api.example.com/v1/alerts/{id}/notes", timeout=5).text


@mcp.tool()
def alert_with_options(id: str) -> str:
    return requests.get(f"https://api.example.com/v1/alerts/{id}?path=a/b", timeout=5).text  # error: request-path-traversal in alert_with_options


@mcp.tool()
def search(words: str) -> str:
    return requests.get(f"https://api.example.com/v1/search?q={words}", timeout=5).text


service = httpx.Client(base_url=os.environ["API"])


@mcp.tool()
def table(catalog: str, name: str) -> str:
    return service.get(f"/api/catalogs/{quote(catalog, safe='')}/tables/{name}").text  # error: request-path-traversal in table


@mcp.tool()
def checked_and_redirected(url: str) -> str:
    resolved_host(url)
    return httpx.get(url, follow_redirects=True).text  # error: ssrf in checked_and_redirected


@mcp.tool()
def checked_and_redirected_by_the_client(url: str) -> str:
    resolved_host(url)
    with httpx.Client(follow_redirects=True) as client:
        return client.get(url).text  # error: ssrf in checked_and_redirected_by_the_client


@mcp.tool()
def redirected_but_for_this_request(url: str) -> str:
    resolved_host(url)
    with httpx.Client(follow_redirects=True) as client:
        return client.get(url, follow_redirects=False).text


@mcp.tool()
def checked_and_not_redirected(url: str) -> str:
    resolved_host(url)
    return httpx.get(url, follow_redirects=False).text


@mcp.tool()
def checked_and_redirected_as_the_client_does(url: str) -> str:
    refuse_internal(url)
    return requests.get(url).text  # error: ssrf in checked_and_redirected_as_the_client_does


@mcp.tool()
def checked_and_not_redirected_by_the_client(url: str) -> str:
    refuse_internal(url)
    return requests.get(url, allow_redirects=False).text


class Checked(aiohttp.abc.AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        return []

    async def close(self):
        return None


@mcp.tool()
async def checked_by_what_dials(url: str) -> str:
    refuse_internal(url)
    connector = aiohttp.TCPConnector(resolver=Checked())
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(url) as answer:
            return await answer.text()


@mcp.tool()
async def checked_and_dialled_by_anyone(url: str) -> str:
    refuse_internal(url)
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:  # error: ssrf in checked_and_dialled_by_anyone
            return await answer.text()


@mcp.tool()
def listed_and_redirected(url: str) -> str:
    if urlparse(url).hostname not in HOSTS:
        raise ValueError("host")
    return httpx.get(url, follow_redirects=True).text


@mcp.tool()
def without_the_last_mark(name: str, pages: dict[str, str] | None = None) -> str:
    url = f"{API}/v1/{quote(name)}?"
    for key in (pages or {}):
        url += f"{quote(key)}=1&"
    url = url[:-1]
    return requests.get(url).text


@mcp.tool()
def without_the_first_part(name: str, pages: dict[str, str] | None = None) -> str:
    url = f"{API}/v1/{name}?"
    for key in (pages or {}):
        url += f"{key}=1&"
    return requests.get(url[len(API):]).text  # error: ssrf in without_the_first_part


@mcp.tool()
def of_a_scheme_in_lower_case(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("scheme")
    if urlparse(url).hostname not in HOSTS:
        raise ValueError("host")
    return requests.get(url, allow_redirects=False).text


@mcp.tool()
def of_a_host_in_lower_case(url: str) -> str:
    if not url.lower().startswith(("http://api.example.com", "https://api.example.com")):
        raise ValueError("host")
    return requests.get(url, allow_redirects=False).text  # error: weak-host-check in of_a_host_in_lower_case


@mcp.tool()
def no_private_address(url: str) -> str:
    try:
        if ipaddress.ip_address(urlparse(url).hostname).is_private:
            raise PermissionError("private")
    except ValueError:
        pass
    return httpx.get(url, follow_redirects=False).text  # error: ssrf in no_private_address


@mcp.tool()
def no_private_address_behind_a_name(url: str) -> str:
    if ipaddress.ip_address(socket.gethostbyname(urlparse(url).hostname)).is_private:
        raise PermissionError("private")
    return httpx.get(url, follow_redirects=False).text


@mcp.tool()
def without_blanks(source: str) -> str:
    source = source.strip()
    if source.startswith("http"):
        return requests.get(source).text  # error: ssrf in without_blanks
    return ""


@mcp.tool()
def of_a_host_without_blanks(url: str) -> str:
    host = urlparse(url).hostname.strip().lower()
    if not host.endswith(".example.com"):
        raise ValueError("host")
    return requests.get(url, allow_redirects=False).text


async def public_addresses(hostname: str) -> list[str]:
    infos = await asyncio.get_running_loop().run_in_executor(None, socket.getaddrinfo, hostname, None)
    addresses = []
    for info in infos:
        if not ipaddress.ip_address(info[4][0]).is_global:
            raise PermissionError(hostname)
        addresses.append(info[4][0])
    return addresses


def pinned(parsed, address: str, user: str) -> str:
    port = f":{parsed.port}" if parsed.port is not None else ""
    return urlunparse((parsed.scheme, f"{user}{address}{port}", parsed.path or "/", parsed.params, parsed.query, ""))


@mcp.tool()
async def of_the_checked_address(url: str) -> str:
    parsed = urlparse(url)
    user = f"{parsed.username}@" if parsed.username is not None else ""
    for address in await public_addresses(parsed.hostname):
        async with httpx.AsyncClient(follow_redirects=False) as client:
            return (await client.send(client.build_request("GET", pinned(parsed, address, user)))).text


@mcp.tool()
async def of_an_address_behind_what_is_given(url: str, user: str) -> str:
    async with httpx.AsyncClient(follow_redirects=False) as client:
        address = pinned(urlparse(url), "203.0.113.7", user)
        return (await client.send(client.build_request("GET", address))).text  # error: ssrf in of_an_address_behind_what_is_given


def rebuilt(parsed, address: str) -> str:
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    user = ""
    if parsed.username is not None:
        user = parsed.username
        if parsed.password is not None:
            user += f":{parsed.password}"
        user += "@"
    port = f":{parsed.port}" if parsed.port is not None else ""
    return urlunparse((parsed.scheme, f"{user}{host}{port}", parsed.path or "/", parsed.params, parsed.query, ""))


@mcp.tool()
async def of_the_servers_own_address(url: str) -> str:
    return httpx.get(rebuilt(urlparse(url), os.environ["ADDRESS"]), follow_redirects=False).text


@mcp.tool()
async def of_an_address_that_is_given(url: str, address: str) -> str:
    return httpx.get(rebuilt(urlparse(url), address), follow_redirects=False).text  # error: ssrf in of_an_address_that_is_given
