# Addresses that are checked or put together, and how they are asked.
# parameter u
import asyncio, ipaddress, json, os, re, socket, urllib.request, urllib.parse
from urllib.parse import urlparse, urljoin, urlsplit, quote, urlencode
import httpx, requests, aiohttp
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("m")
ALLOWED = {"api.example.com", "example.org"}
BASE = "https://api.example.com"
API = os.environ.get("API_URL", "https://api.example.com")
class Client:
    def __init__(self, base):
        self.base = base
        self.http = httpx.Client(base_url=base)
    def get(self, path, **kw):
        return self.http.get(path, **kw).text
client = Client(API)
def check(u):
    h = urlparse(u).hostname
    if h not in ALLOWED:
        raise ValueError("host")
    return u
def ok(u):
    p = urlparse(u)
    return p.scheme == "https" and p.hostname in ALLOWED

# check set: holds
    if urlparse(u).hostname not in ALLOWED:
        raise ValueError("x")
    url = u

# check setret: holds
    p = urlparse(u)
    if p.scheme != "https" or p.hostname not in ALLOWED:
        return "no"
    url = u

# check helper: holds
    url = check(u)

# check bool: holds
    if not ok(u):
        return "no"
    url = u

# check prefix: holds
    if not u.startswith("https://api.example.com/"):
        raise ValueError("x")
    url = u

# check base: holds
    url = f"{BASE}/items/{quote(u, safe='')}"

# check based: holds
    url = f"{BASE}/items/{u}"

# check env: holds
    url = f"{API}/items/{u}"

# check plus: holds
    url = API + "/search?q=" + u

# check pct: holds
    url = "%s/items/%s" % (BASE, u)

# check fmt: holds
    url = "{}/items/{}".format(BASE, u)

# check rstrip: holds
    url = API.rstrip("/") + "/items/" + u

# check lstrip: holds
    url = f"{API}/{u.lstrip('/')}"

# check query: holds
    url = f"{BASE}/search?{urlencode({'q': u})}"

# check table: holds
    url = {"a": "https://a.example/x", "b": "https://b.example/y"}[u]

# check tableget: holds
    url = {"a": "https://a.example/x"}.get(u)
    if url is None:
        return "no"

# check sub: holds
    if not re.fullmatch(r"[a-z0-9-]+", u):
        raise ValueError("x")
    url = f"https://{u}.example.com/api"

# check eq: holds
    if urlsplit(u).netloc != "api.example.com":
        raise ValueError("x")
    url = u

# check endsdot: holds
    h = urlparse(u).hostname or ""
    if not (h == "example.com" or h.endswith(".example.com")):
        raise ValueError("x")
    url = u

# check any: holds
    h = urlparse(u).hostname or ""
    if not any(h == d or h.endswith("." + d) for d in ALLOWED):
        raise ValueError("x")
    url = u

# check int: holds
    url = f"{BASE}/items/{int(u)}"

# check none: fails
    url = u

# check https: fails
    if not u.startswith("https://"):
        raise ValueError("x")
    url = u

# check scheme: fails
    if urlparse(u).scheme not in ("http", "https"):
        raise ValueError("x")
    url = u

# check deny: fails
    if urlparse(u).hostname in ("localhost", "127.0.0.1"):
        raise ValueError("x")
    url = u

# check ends: fails
    if not (urlparse(u).hostname or "").endswith("example.com"):
        raise ValueError("x")
    url = u

# check in: fails
    if "example.com" not in u:
        raise ValueError("x")
    url = u

# check nosep: fails
    url = API + u

# check nosep2: fails
    url = f"https://api.example.com{u}"

# check host: fails
    url = f"https://{u}/api"

# check urljoin: fails
    url = urljoin(BASE, u)

# check startsw: fails
    if not u.startswith("https://api.example.com"):
        raise ValueError("x")
    url = u

# check noraise: fails
    if urlparse(u).hostname not in ALLOWED:
        print("bad")
    url = u

# check join: fails
    url = urljoin(BASE + "/", quote(u))

# use req
    return requests.get(url, timeout=5).text

# use reqm
    return requests.request("GET", url, allow_redirects=False).text

# use post
    return requests.post(url, json={"a": 1}).text

# use sess
    s = requests.Session()
    return s.get(url).text

# use httpx
    return httpx.get(url).text

# use httpxc
    with httpx.Client() as c:
        r = c.get(url)
        r.raise_for_status()
        return r.text

# use urlopen
    return urllib.request.urlopen(url).read().decode()

# use Request
    r = urllib.request.Request(url, headers={"a": "b"})
    with urllib.request.urlopen(r) as f:
        return f.read().decode()

# use kw
    return requests.get(url=url, headers={}, params={"a": "b"}).text

# use dict
    cfg = {"url": url, "t": 1}
    return requests.get(cfg["url"]).text

# use loop
    for i in range(3):
        try:
            return requests.get(url).text
        except Exception:
            continue
    return ""

# use fn
    def go(x):
        return requests.get(x).text
    return go(url)

# use ahttpx: async
    async with httpx.AsyncClient() as c:
        r = await c.get(url, follow_redirects=True)
        return r.text

# use aioh: async
    async with aiohttp.ClientSession() as s:
        async with s.get(url) as r:
            return await r.text()

# use athread: async
    r = await asyncio.to_thread(requests.get, url)
    return r.text
