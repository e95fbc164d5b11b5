//! Checks of the addresses a host has, in the forms that servers use: one that holds beside one that does not.

use crate::common::found;

const PYTHON: &str = r#"
import asyncio, ipaddress, socket
from urllib.parse import urlparse
import httpx, requests
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

class Refused(Exception):
    pass
"#;

fn python(helpers: &str, body: &str) -> Vec<String> {
    let server = format!("{PYTHON}{helpers}\n@mcp.tool()\nasync def get(url: str) -> str:\n{body}");
    found([("server.py", server.as_str())])
}

const TYPESCRIPT: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import dns from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, isIPv4, isIPv6, BlockList } from "node:net";
import ipaddr from "ipaddr.js";
const server = new McpServer({ name: "x", version: "1.0.0" });
"#;

fn typescript(helpers: &str, check: &str) -> Vec<String> {
    let server = format!(
        "{TYPESCRIPT}{helpers}\nserver.tool(\"get\", {{ url: z.string() }}, async ({{ url }}) => {{\n  const parsed = new URL(url);\n{check}\n  return fetch(parsed, {{ redirect: \"error\" }});\n}});\n"
    );
    found([
        ("package.json", r#"{"name":"x","version":"1.0.0","type":"module","main":"server.ts"}"#),
        ("server.ts", server.as_str()),
    ])
}

const NOTHING: [&str; 0] = [];
const FOUND: [&str; 1] = ["ssrf in get"];

#[test]
fn candidates_are_gathered_and_then_checked() {
    let check = |refuses: &str| {
        format!(
            r#"
def is_internal(ip):
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        ip = mapped
    return {refuses}

def check(url):
    host = urlparse(url).hostname
    try:
        candidates = [ipaddress.ip_address(host)]
    except ValueError:
        candidates = []
        for info in socket.getaddrinfo(host, None):
            try:
                candidates.append(ipaddress.ip_address(info[4][0].split("%")[0]))
            except ValueError:
                continue
        if not candidates:
            raise Refused(host)
    for ip in candidates:
        if is_internal(ip):
            raise Refused(host)
"#
        )
    };
    let body = "    check(url)\n    return requests.get(url, allow_redirects=False).text\n";
    assert_eq!(python(&check("ip.is_private or ip.is_loopback or ip.is_link_local"), body), NOTHING);
    assert_eq!(python(&check("ip.is_loopback or ip.is_multicast"), body), FOUND);
}

#[test]
fn the_running_loop_resolves() {
    let check = |test: &str| {
        format!(
            r#"
async def check(url):
    loop = asyncio.get_running_loop()
    for info in await loop.getaddrinfo(urlparse(url).hostname, None):
        ip = ipaddress.ip_address(info[4][0])
        if {test}:
            raise Refused(url)
"#
        )
    };
    let body = "    await check(url)\n    return requests.get(url, allow_redirects=False).text\n";
    assert_eq!(python(&check("not ip.is_global"), body), NOTHING);
    assert_eq!(python(&check("ip.version == 6 and ip.is_private"), body), FOUND);
    assert_eq!(python(&check("ip.version == 4 and ip.is_private"), body), FOUND);
    assert_eq!(python(&check("ip.version == 6 or ip.is_private"), body), NOTHING);
}

#[test]
fn a_family_is_told_by_its_constant() {
    let check = |family: &str| {
        format!(
            r#"
def check(url):
    for family, _, _, _, sockaddr in socket.getaddrinfo(urlparse(url).hostname, None):
        if family == socket.{family}:
            if ipaddress.ip_address(sockaddr[0]).is_private:
                raise Refused(url)
        elif family == socket.AF_INET6:
            raise Refused(url)
"#
        )
    };
    let body = "    check(url)\n    return requests.get(url, allow_redirects=False).text\n";
    assert_eq!(python(&check("AF_INET"), body), NOTHING);
    assert_eq!(python(&check("AF_INET6"), body), FOUND);
}

#[test]
fn ranges_that_a_library_names() {
    let check = |test: &str| {
        format!(
            r#"  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const refuses = (text: string) => {test};
  if (isIP(host)) {{
    if (refuses(host)) throw new Error("internal");
  }} else {{
    const all = await dns.promises.lookup(host, {{ all: true, verbatim: true }});
    if (all.length === 0 || all.some((one) => refuses(one.address))) throw new Error("internal");
  }}"#
        )
    };
    assert_eq!(typescript("", &check("ipaddr.process(text).range() !== \"unicast\"")), NOTHING);
    assert_eq!(typescript("", &check("ipaddr.parse(text).range() === \"loopback\"")), FOUND);
    let network = |bits: u8| format!("ipaddr.parse(text).match(ipaddr.parseCIDR(\"127.0.0.0/{bits}\"))");
    assert_eq!(typescript("", &check(&network(0))), NOTHING);
    assert_eq!(typescript("", &check(&network(8))), FOUND);
}

#[test]
fn a_block_list_blocks_what_it_was_given() {
    let list = |networks: &str| {
        format!(
            "const blocked = new BlockList();\nblocked.addAddress(\"127.0.0.1\");\nblocked.addRange(\"192.168.0.0\", \"192.168.255.255\");\nfor (const [base, bits] of {networks} as const) blocked.addSubnet(base, bits, \"ipv4\");\n"
        )
    };
    let check = r#"  const { address, family } = await lookup(parsed.hostname);
  if (blocked.check(address, family === 6 ? "ipv6" : "ipv4")) throw new Error("internal");"#;
    assert_eq!(typescript(&list("[[\"10.0.0.0\", 8], [\"169.254.0.0\", 16]]"), check), NOTHING);
    assert_eq!(typescript(&list("[[\"10.0.0.0\", 8], [\"169.250.0.0\", 16]]"), check), FOUND);
}

#[test]
fn numbers_of_an_address_are_compared_for_its_family() {
    let check = |second: &str| {
        format!(
            r#"  const isInternal = (text: string) => {{
    const [a, b] = text.split(".").map(Number);
    return a === 10 || a === 127 || (a === 192 && b === 168) || (a === 169 && b === {second});
  }};
  const all = await lookup(parsed.hostname, {{ all: true }});
  if (all.some((one) => (one.family === 4 ? isInternal(one.address) : one.address === "::1"))) throw new Error("internal");"#
        )
    };
    assert_eq!(typescript("", &check("254")), NOTHING);
    assert_eq!(typescript("", &check("255")), FOUND);
}

#[test]
fn brackets_are_no_part_of_an_address() {
    // `new URL("http://[::1]/").hostname` keeps them, so this never looks at an IPv6 address; an IPv4 one it stops.
    let check = |test: &str| format!("  if ({test}(parsed.hostname)) throw new Error(\"address\");");
    assert_eq!(typescript("", &check("isIPv6")), FOUND);
    assert_eq!(typescript("", &check("isIPv4")), typescript("", &check("isIP")));
    // Patterns for the addresses themselves, of which no `[::1]` is one.
    let patterns = |host: &str| {
        format!(
            r#"
  const host = {host};
  const internal = [/^127\./, /^10\./, /^192\.168\./, /^169\.254\./, /^172\.(1[6-9]|2\d|3[01])\./, /^0\./];
  const local = [/^::1$/, /^::$/, /^f[cd]/i, /^fe[89ab]/i, /^::ffff:/i];
  const refused = (name: string) => name === "localhost" || [...internal, ...local].some((form) => form.test(name));
  if (refused(host)) throw new Error("address");
  if (!host.includes(":")) {{
    for (const {{ address }} of await lookup(host, {{ all: true }})) if (refused(address)) throw new Error("address");
  }}"#
        )
    };
    assert_eq!(typescript("", &patterns("parsed.hostname")), FOUND);
    assert_eq!(typescript("", &patterns("parsed.hostname.toLowerCase()")), FOUND);
    assert_eq!(typescript("", &patterns(r"parsed.hostname.replace(/^\[|\]$/g, '')")), NOTHING);
    assert_eq!(typescript("", &patterns(r"parsed.hostname").replace(r"/^f[cd]", r"/^\[/, /^f[cd]")), NOTHING);
    // No look-up finds such a name.
    let looked_up = r"
  const { address } = await lookup(parsed.hostname);
  if (/^(127|10|0)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^::1$|^f[cde]/.test(address)) throw new Error('address');";
    assert_eq!(typescript("", looked_up), NOTHING);
    assert_eq!(typescript("", &looked_up.replace("127|10", "10")), FOUND);
}

#[test]
fn a_scheme_that_is_asked_for_first_changes_nothing_of_the_check() {
    let get = |scheme: &str, refuses: &str| {
        let check = format!(
            r#"
def check(url):
    {scheme}
    for found in socket.getaddrinfo(urlparse(url).hostname, None):
        if {refuses}:
            return False
    return True
"#
        );
        let body = r#"
    if not check(url):
        raise Refused(url)
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text
"#;
        python(&check, body)
    };
    let global = "not ipaddress.ip_address(found[4][0]).is_global";
    for scheme in [
        r#"if not url.startswith("http://"): return False"#,
        r#"if not url.startswith(("http://", "https://")): return False"#,
        r#"if "://" not in url: return False"#,
    ] {
        assert_eq!(get(scheme, global), NOTHING, "{scheme}");
        assert_eq!(get(scheme, "ipaddress.ip_address(found[4][0]).is_loopback"), FOUND, "{scheme}");
    }
    // Another text is checked than the one that is used: `https://http://…` leads to a host called `http`.
    assert_eq!(get(r#"if not url.startswith("https"): url = "https://" + url"#, global), FOUND);
}

#[test]
fn a_checker_that_tells_what_is_wrong_or_nothing() {
    let get = |refuses: &str| {
        let check = format!(
            r#"
def what_is_wrong(url):
    host = urlparse(url).hostname
    if not host:
        return "no host"
    try:
        if {refuses}:
            return f"{{host}} is internal"
    except ValueError:
        pass
    for found in socket.getaddrinfo(host, None):
        if not ipaddress.ip_address(found[4][0]).is_global:
            return "leads to an internal address"
    return None
"#
        );
        let body = r#"
    wrong = what_is_wrong(url)
    if wrong is not None:
        return wrong
    return requests.get(url, allow_redirects=False).text
"#;
        python(&check, body)
    };
    assert_eq!(get("not ipaddress.ip_address(host).is_global"), NOTHING);
    assert_eq!(get("not ipaddress.ip_address(host.strip('.')).is_global"), NOTHING);
}

#[test]
fn a_message_or_nothing_is_no_end_of_the_run() {
    let get = |helper: &str, asks: &str| {
        let body = format!(
            "    wrong = what_is_wrong(url)\n    if {asks}:\n        return wrong\n    return requests.get(url).text\n"
        );
        python(helper, &body)
    };
    let constant = r#"
def what_is_wrong(url):
    if url.startswith("ftp://"):
        return "no ftp"
    return None
"#;
    let computed = r#"
def what_is_wrong(url):
    wrong = None
    if len(url) > LIMIT:
        wrong = f"longer than {LIMIT}"
    return wrong
"#;
    for helper in [constant, computed] {
        assert_eq!(get(helper, "wrong is not None"), FOUND, "{helper}");
        assert_eq!(get(helper, "wrong"), FOUND, "{helper}");
    }
    // A text in any case.
    let always = "\ndef what_is_wrong(url):\n    return \"no ftp\" if url.startswith(\"ftp://\") else \"nothing\"\n";
    assert_eq!(get(always, "wrong is not None"), NOTHING);
}

#[test]
fn prefixes_that_only_a_configuration_has_are_not_the_default() {
    let get = |prefixes: &str| {
        let body = r#"
    if not any(url.startswith(prefix) for prefix in PREFIXES):
        raise Refused(url)
    return requests.get(url, allow_redirects=False).text
"#;
        let helper = format!(
            "\nimport json, os\nfrom dataclasses import dataclass, field\nfrom pydantic import BaseModel, Field\n{prefixes}\n"
        );
        python(&helper, body)
    };
    let settings = |default: &str| {
        format!(
            "@dataclass\nclass Limits:\n    prefixes: list[str] = field(default_factory=lambda: {default})\nclass Settings(BaseModel):\n    limits: Limits = Field(default_factory=Limits)\nPREFIXES = Settings(**json.load(open('settings.json'))).limits.prefixes"
        )
    };
    assert_eq!(get(r#"PREFIXES = json.loads(os.environ["PREFIXES"])"#), NOTHING);
    assert_eq!(get(r#"PREFIXES = json.loads(os.environ["PREFIXES"]) or ["https://api.example.com/"]"#), NOTHING);
    assert_eq!(get(r#"PREFIXES = json.loads(os.environ["PREFIXES"]) or ["http://", "https://"]"#), FOUND);
    assert_eq!(get(&settings(r#"["https://api.example.com/"]"#)), NOTHING);
    assert_eq!(get(&settings(r#"["http://", "https://"]"#)), FOUND);
}

const PERMITTED: &str = r#"
def permitted(address):
    ip = ipaddress.ip_address(address)
    return ip.is_global and not ip.is_multicast

def addresses(url):
    return [info[4][0] for info in socket.getaddrinfo(urlparse(url).hostname, None)]
"#;

#[test]
fn addresses_that_are_refused_are_gathered_first() {
    let gathered = |gather: &str, refuse: &str| {
        let body = format!(
            "    ips = addresses(url)\n{gather}\n    if {refuse}:\n        raise Refused()\n    \
             return requests.get(url, allow_redirects=False).text\n"
        );
        python(PERMITTED, &body)
    };
    let listed = "    bad = [ip for ip in ips if not permitted(ip)]";
    let appended = "    bad = []\n    for ip in ips:\n        if not permitted(ip):\n            bad.append(ip)";
    let filtered = "    bad = list(filter(lambda ip: not permitted(ip), ips))";
    let set = "    bad = {ip for ip in ips if not permitted(ip)}";
    for gather in [listed, appended, filtered, set] {
        for refuse in ["bad", "len(bad) > 0", "bool(bad)"] {
            assert_eq!(gathered(gather, refuse), NOTHING, "{gather} {refuse}");
        }
        assert_eq!(gathered(gather, "not bad"), FOUND, "{gather}");
        assert_eq!(gathered(gather, "len(bad) > 1"), FOUND, "{gather}");
    }
    let good = "    good = [ip for ip in ips if permitted(ip)]";
    assert_eq!(gathered(good, "not good"), NOTHING);
    assert_eq!(gathered(good, "len(good) != len(ips)"), NOTHING);
    assert_eq!(gathered(good, "good"), FOUND);
}

#[test]
fn handlers_catch_what_they_name() {
    let checked = |raised: &str, caught: &str| {
        let body = format!(
            "    try:\n        for ip in addresses(url):\n            if not permitted(ip):\n                \
             raise {raised}('no')\n    except {caught}:\n        pass\n    \
             return requests.get(url, allow_redirects=False).text\n"
        );
        python(&format!("{PERMITTED}\nclass Worse(Refused, ValueError):\n    pass\n"), &body)
    };
    for (raised, caught) in [
        ("PermissionError", "ValueError"),
        ("Refused", "(socket.gaierror, ValueError)"),
        ("ValueError", "Refused"),
        ("Refused", "Worse"),
    ] {
        assert_eq!(checked(raised, caught), NOTHING, "{raised} {caught}");
    }
    for (raised, caught) in [
        ("PermissionError", "OSError"),
        ("Refused", "Exception"),
        ("Worse", "ValueError"),
        ("Worse", "(KeyError, Refused)"),
        ("ValueError", "BaseException"),
    ] {
        assert_eq!(checked(raised, caught), FOUND, "{raised} {caught}");
    }
}

#[test]
fn answers_of_a_resolver_read_like_addresses() {
    for address in ["str(answer)", "answer.to_text()", "answer.address"] {
        let body = |refuse: &str| {
            format!(
                "    for answer in dns.resolver.resolve(urlparse(url).hostname, 'A'):\n        \
                 if {refuse}permitted({address}):\n            raise Refused()\n    \
                 return requests.get(url, allow_redirects=False).text\n"
            )
        };
        let helpers = format!("import dns.resolver\n{PERMITTED}");
        assert_eq!(python(&helpers, &body("not ")), NOTHING, "{address}");
        assert_eq!(python(&helpers, &body("")), FOUND, "{address}");
    }
}

#[test]
fn encryption_alone_is_no_check() {
    let encrypted = "  if (parsed.protocol !== 'https:') throw new Error('no');\n";
    let looked = "  for (const { address } of await lookup(parsed.hostname, { all: true }))\n    \
                  if (ipaddr.process(address).range() !== 'unicast') throw new Error('no');\n";
    assert_eq!(typescript("", encrypted), FOUND);
    assert_eq!(typescript("", &format!("{encrypted}{}", looked.replace("!==", "==="))), FOUND);
    assert_eq!(typescript("", &format!("{encrypted}{looked}")), NOTHING);
    let get = |check: &str| {
        let body = format!(
            "    parsed = urlparse(url)\n    if parsed.scheme != 'https':\n        raise Refused()\n{check}    \
             return requests.get(url, allow_redirects=False).text\n"
        );
        python(PERMITTED, &body)
    };
    assert_eq!(get(""), FOUND);
    let refused = "    if any(not permitted(ip) for ip in addresses(url)):\n        raise Refused()\n";
    assert_eq!(get(refused), NOTHING);
    assert_eq!(get(&refused.replace("not permitted", "permitted")), FOUND);
}

/// A name that every machine has leads to an internal address. What other names lead to is not known here.
#[test]
fn a_list_of_addresses_refuses_no_name() {
    let refuses = |test: &str| typescript("", &format!("  if ({test}) throw new Error('no');\n"));
    assert_eq!(refuses("isIP(parsed.hostname)"), FOUND);
    // The brackets of `[::1]` are no part of an address.
    assert_eq!(refuses("isIP(parsed.hostname) || parsed.hostname === 'localhost'"), FOUND);
    let stripped = r"isIP(parsed.hostname.replace(/^\[|\]$/g, ''))";
    assert_eq!(refuses(&format!("{stripped} || parsed.hostname === 'localhost'")), NOTHING);
}

/// What decides is computed however often it was asked: the range that an input lies in may be the last of a list.
#[test]
fn the_last_range_decides_as_the_first() {
    let ranges = |last: &str| {
        let server = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ isIP }} from "node:net";
import {{ z }} from "zod";
const server = new McpServer({{ name: "x", version: "1" }});
function isInternal(ip: string): boolean {{
  const numbers = ip.split(".").map((part) => parseInt(part, 10));
  if (numbers.length !== 4 || numbers.some((number) => Number.isNaN(number))) return true;
  const value = ((numbers[0] << 24) | (numbers[1] << 16) | (numbers[2] << 8) | numbers[3]) >>> 0;
  const within = (base: string, bits: number): boolean => {{
    const of = base.split(".").map((part) => parseInt(part, 10));
    const start = ((of[0] << 24) | (of[1] << 16) | (of[2] << 8) | of[3]) >>> 0;
    return value >>> (32 - bits) === start >>> (32 - bits);
  }};
  return within("0.0.0.0", 8) || within("224.0.0.0", 8) || within("100.64.0.0", 16) || within("203.0.0.0", 16)
    || within("198.18.0.0", 16) || within("240.0.0.0", 8) || within("172.16.0.0", 16) || within("127.0.0.0", 8)
    || within("192.168.0.0", 16) || within("169.254.0.0", 16){last};
}}
server.tool("get", {{ url: z.string() }}, async ({{ url }}) => {{
  const target = new URL(url);
  const host = target.hostname;
  if (!isIP(host) || isInternal(host)) throw new Error("no");
  await fetch(target, {{ redirect: "error" }});
  return {{ content: [] }};
}});
"#
        );
        found([("index.ts", server.as_str())])
    };
    assert_eq!(ranges(r#" || within("10.0.0.0", 8)"#), [""; 0]);
    assert_eq!(ranges(""), ["ssrf in get"]);
}

#[test]
fn a_client_that_goes_on_to_where_it_is_redirected_was_checked_once() {
    let asked = |request: &str| {
        let server = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ lookup }} from "node:dns/promises";
import axios from "axios";
import ipaddr from "ipaddr.js";
import {{ z }} from "zod";
const server = new McpServer({{ name: "x", version: "1" }});
const quiet = axios.create({{ maxRedirects: 0 }});
server.tool("get", {{ url: z.string() }}, async ({{ url }}) => {{
  for (const {{ address }} of await lookup(new URL(url).hostname, {{ all: true }})) {{
    if (ipaddr.parse(address).range() !== "unicast") throw new Error("internal");
  }}
  await {request};
  return {{ content: [] }};
}});
"#
        );
        found([("index.ts", server.as_str())])
    };
    for request in [
        "fetch(url)",
        r#"fetch(url, { redirect: "follow" })"#,
        "axios.get(url)",
        "axios({ url, timeout: 5 })",
        "axios.create({ timeout: 5 }).get(url)",
    ] {
        assert_eq!(asked(request), FOUND, "{request}");
    }
    for request in [
        r#"fetch(url, { redirect: "manual" })"#,
        "axios.get(url, { maxRedirects: 0 })",
        "axios({ url, maxRedirects: 0 })",
        "quiet.get(url)",
        // What dials may look at every address.
        "fetch(url, { dispatcher: globalThis.careful })",
    ] {
        assert_eq!(asked(request), NOTHING, "{request}");
    }
}

#[test]
fn a_host_that_is_put_into_an_address_is_the_callers_however_it_gets_there() {
    let asked = |body: &str| {
        found([(
            "index.ts",
            format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("get", {{ host: z.string() }}, async ({{ host }}) => {{
  {body}
  return {{ content: [] }};
}});
"#
            )
            .as_str(),
        )])
    };
    for body in [
        "await fetch(new URL(`https://${host}/api`));",
        "const url = new URL(`https://${host}/api`); await fetch(url.href);",
        "const text = `https://${host}/api`; new URL(text); await fetch(text);",
        "const text = `https://${host}/api`; if (!text.startsWith('https://')) return; await fetch(text);",
        "const url = new URL('https://api.example.com/'); url.hostname = host; await fetch(url);",
        "const url = new URL('https://api.example.com/'); url.host = host; await fetch(url.toString());",
        "const url = new URL('https://api.example.com/'); url.href = host; await fetch(url);",
    ] {
        assert_eq!(asked(body), FOUND, "{body}");
    }
    for body in [
        "const url = new URL(host); url.hostname = 'api.example.com'; await fetch(url);",
        "const url = new URL('https://api.example.com/'); url.search = host; url.hash = host; await fetch(url);",
        "const url = new URL(`https://${host}/api`); if (url.hostname !== 'api.example.com') return; await fetch(url);",
        "const text = `https://${host}/api`; if (!['a.example', 'b.example'].includes(host)) return; await fetch(text);",
    ] {
        assert_eq!(asked(body), NOTHING, "{body}");
    }
}

/// A reader that takes a file or an address gets no address where a file of that name is there.
#[test]
fn what_is_there_is_no_address() {
    let server = |check: &str| {
        let text = format!(
            "import os\nfrom pathlib import Path\nimport pandas\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n\n@mcp.tool()\ndef load(name: str) -> str:\n{check}\n    return str(pandas.read_csv(name))\n"
        );
        found([("server.py", text.as_str())]).iter().any(|one| one.starts_with("ssrf"))
    };
    assert!(server("    pass"));
    assert!(server("    if os.path.exists(name):\n        print('there')"));
    for check in [
        "    if not os.path.exists(name):\n        return 'none'",
        "    if not Path(name).is_file():\n        raise ValueError(name)",
        "    if not os.path.isfile(name):\n        return 'none'",
    ] {
        assert!(!server(check), "{check}");
    }
}

#[test]
fn an_address_that_a_pattern_matches_is_refused() {
    const PARTS: &str = r"/^(\d+)\.(\d+)\.(\d+)\.(\d+)$/";
    let names =
        "const host = parsed.hostname; if (host === \"localhost\" || host.startsWith(\"[\")) throw new Error(host);";
    for test in [
        format!("if (host.match({PARTS})) throw new Error(host);"),
        format!("const m = host.match({PARTS}); if (m) throw new Error(host);"),
        format!("const m = {PARTS}.exec(host); if (m && Number(m[1]) > 0) throw new Error(host);"),
        format!("const m = host.match({PARTS}); if (m !== null) throw new Error(host);"),
        format!(
            "const parts = ((m) => m ? {{ first: Number(m[1]) }} : null)(host.match({PARTS})); if (parts) throw new Error(host);"
        ),
    ] {
        assert_eq!(typescript("", &format!("{names} {test}")), NOTHING, "{test}");
    }
    for test in [
        format!("if (!host.match({PARTS})) throw new Error(host);"),
        format!("const m = host.match({PARTS}); if (m && m[1] === \"10\") throw new Error(host);"),
        format!("const known = new Map([[\"10.0.0.1\", {{ a: 1 }}]]); const m = known.get(host); if (m) throw new Error(host); {PARTS};"),
        "const bad = [{ host: \"10.0.0.1\" }, { host: \"10.0.0.2\" }].find((one) => one.host === host); if (bad) throw new Error(host);".to_owned(),
    ] {
        assert_eq!(typescript("", &format!("{names} {test}")), FOUND, "{test}");
    }
}
