//! Checks that clients run before each request: one that holds beside one that does not.

use crate::common::found;

const NOTHING: [&str; 0] = [];
const FOUND: [&str; 1] = ["ssrf in get"];

const PYTHON: &str = r#"
import ipaddress, socket
from urllib.parse import urlparse
import anyio, httpcore, httpx, requests
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

def look(host):
    for info in socket.getaddrinfo(host, None):
        if REFUSES(ipaddress.ip_address(info[4][0])):
            raise PermissionError("no")

def internal(ip):
    return not ip.is_global or ip.is_multicast

def public(ip):
    return ip.is_global
"#;

fn python(refuses: &str, client: &str) -> Vec<String> {
    let server = format!("{PYTHON}{client}").replace("REFUSES", refuses);
    found([("server.py", server.as_str())])
}

const HOOK: &str = r#"
async def before(request):
    look(request.url.host)

@mcp.tool()
async def get(url: str) -> str:
    async with httpx.AsyncClient(event_hooks={"request": [before]}, follow_redirects=True) as client:
        return (await client.get(url)).text
"#;

const UNRESOLVED: &str = r#"
async def before(request):
    try:
        infos = socket.getaddrinfo(request.url.raw_host.decode("ascii"), None)
    except socket.gaierror:
        return
    for info in infos:
        if REFUSES(ipaddress.ip_address(info[4][0])):
            raise PermissionError(f"no: {request.url}")

@mcp.tool()
async def get(url: str) -> str:
    async with httpx.AsyncClient(follow_redirects=True) as client:
        client.event_hooks = {"request": [before]}
        return (await client.get(url)).text
"#;

const TRANSPORT: &str = r#"
class Transport(httpx.HTTPTransport):
    def handle_request(self, request):
        look(request.url.host)
        return super().handle_request(request)

@mcp.tool()
def get(url: str) -> str:
    with httpx.Client(transport=Transport(), follow_redirects=True) as client:
        return client.get(url).text
"#;

const BACKEND: &str = r#"
class Backend(httpcore.AsyncNetworkBackend):
    def __init__(self):
        self.network = httpcore.AnyIOBackend()

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        look(host)
        return await self.network.connect_tcp(host, port, timeout=timeout)

class Transport(httpx.AsyncHTTPTransport):
    def __init__(self, backend):
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(network_backend=backend)

@mcp.tool()
async def get(url: str) -> str:
    async with httpx.AsyncClient(transport=Transport(Backend())) as client:
        return (await client.get(url)).text
"#;

const ADAPTER: &str = r#"
class Adapter(requests.adapters.HTTPAdapter):
    def send(self, request, **settings):
        look(urlparse(request.url).hostname)
        return super().send(request, **settings)

@mcp.tool()
def get(url: str) -> str:
    session = requests.Session()
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session.get(url).text
"#;

#[test]
fn what_python_clients_run_before_a_request() {
    for client in [HOOK, UNRESOLVED, TRANSPORT, BACKEND, ADAPTER] {
        assert_eq!(python("internal", client), NOTHING, "{client}");
        assert_eq!(python("public", client), FOUND, "{client}");
    }
    // An adapter is for addresses that begin like its name.
    assert_eq!(python("internal", &ADAPTER.replace("session.mount(\"http://\", Adapter())", "pass")), FOUND);
    // Another client has another transport.
    assert_eq!(python("internal", &TRANSPORT.replace("transport=Transport(), ", "")), FOUND);
}

const TYPESCRIPT: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { lookup } from "node:dns/promises";
import ipaddr from "ipaddr.js";
import axios from "axios";
import got from "got";
import ky from "ky";
const server = new McpServer({ name: "x", version: "1.0.0" });
async function look(url) {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  for (const { address } of await lookup(host, { all: true }))
    if (ipaddr.process(address).range() OP "unicast") throw new Error("no");
}
"#;

fn typescript(op: &str, client: &str) -> Vec<String> {
    let server = format!(
        "{}{client}\nserver.tool(\"get\", {{ url: z.string() }}, async ({{ url }}) => ({{ content: [await client.get(url)] }}));\n",
        TYPESCRIPT.replace("OP", op)
    );
    found([
        ("package.json", r#"{"name":"x","version":"1.0.0","type":"module","main":"server.ts"}"#),
        ("server.ts", server.as_str()),
    ])
}

#[test]
fn what_javascript_clients_run_before_a_request() {
    for client in [
        "const client = axios.create({ maxRedirects: 0 });\nclient.interceptors.request.use(async (options) => { await look(options.url); return options; });",
        "const client = got.extend({ followRedirect: false, hooks: { beforeRequest: [async (options) => { await look(options.url.href); }] } });",
        "const client = ky.create({ redirect: 'error', hooks: { beforeRequest: [async (request) => { await look(request.url); }] } });",
    ] {
        assert_eq!(typescript("!==", client), NOTHING, "{client}");
        assert_eq!(typescript("===", client), FOUND, "{client}");
    }
}
