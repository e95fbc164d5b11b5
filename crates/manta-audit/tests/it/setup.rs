//! Rules about how a server is set up: the code of their pages, and the variations that tell a check from its look.

use manta_audit::{Settings, audit, rules};
use manta_core::ProjectInput;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

const RULES: [&str; 10] = [
    "dns-rebinding",
    "unauthenticated-http",
    "permissive-cors",
    "session-fixation",
    "tls-verification-disabled",
    "credential-forwarding",
    "stdout-logging",
    "no-rate-limit",
    "no-audit-log",
    "unbounded-input",
];

/// `rule:line` of the findings of [`RULES`] in a server of one file and its manifest.
fn found(path: &str, text: &str, manifest: (&str, &str)) -> Vec<String> {
    let input = ProjectInput::from_texts("server", [(path, text), manifest]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let of_setup = report.findings.iter().filter(|finding| RULES.contains(&finding.rule.id));
    let mut found: Vec<String> = of_setup
        .map(|finding| {
            let file = report.sources.get(finding.location.file).expect("findings are in files of the target");
            format!("{}:{}", finding.rule.id, file.line_column(finding.location.span.start).line)
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

fn ts(text: &str) -> Vec<String> {
    found(
        "index.ts",
        text,
        (
            "package.json",
            r#"{"name":"server","main":"index.ts","dependencies":{"@modelcontextprotocol/sdk":"^1.24.0","express":"^5.0.0"}}"#,
        ),
    )
}

fn py(text: &str) -> Vec<String> {
    found("server.py", text, ("pyproject.toml", "[project]\nname = \"server\"\ndependencies = [\"mcp>=1.2.0\"]\n"))
}

/// Code blocks of a section of a page: language and text.
fn blocks(section: &str) -> Vec<(&str, &str)> {
    section.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn pages_say_what_is_found() {
    let mut wrong = Vec::new();
    for id in RULES {
        let page = rules::find(id).expect("a rule").page;
        let (bad, rest) = page.split_once("## Use instead").unwrap();
        let good = rest.split("## Not flagged").next().unwrap();
        for (section, is_bad) in [(bad, true), (good, false)] {
            for (language, code) in blocks(section) {
                let expected: Vec<String> = code
                    .lines()
                    .zip(1..)
                    .filter(|(line, _)| line.ends_with("// error") || line.ends_with("# error"))
                    .map(|(_, line)| format!("{id}:{line}"))
                    .collect();
                assert_eq!(is_bad, !expected.is_empty(), "{id}: an example marks its line");
                let all = if language == "ts" { ts(code) } else { py(code) };
                let own: Vec<String> = all.into_iter().filter(|finding| finding.starts_with(id)).collect();
                if own != expected {
                    wrong.push(format!("{id} {language} bad={is_bad}: expected {expected:?}, found {own:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An Express server with `middleware` before the transport, listening as written.
fn express(middleware: &str, listen: &str) -> Vec<String> {
    served(middleware, "", listen)
}

/// As [`express`], with more options of the transport.
fn served(middleware: &str, options: &str, listen: &str) -> Vec<String> {
    ts(&format!(
        r#"import express from "express";
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ StreamableHTTPServerTransport }} from "@modelcontextprotocol/sdk/server/streamableHttp.js";
const app = express();
const allowed = ["localhost:3000"];
{middleware}
app.post("/mcp", async (req, res) => {{
  const server = new McpServer({{ name: "a", version: "1" }});
  const transport = new StreamableHTTPServerTransport({{ sessionIdGenerator: undefined{options} }});
  await server.connect(transport);
  await transport.handleRequest(req, res, req.body);
}});
{listen}
"#
    ))
}

const LOOPBACK: &str = r#"app.listen(3000, "127.0.0.1");"#;

#[test]
fn a_check_of_the_host_counts_when_it_can_refuse() {
    let refuses = "app.use((req, res, next) => { if (!allowed.includes(req.headers.host)) { res.status(403).end(); return; } next(); });";
    assert_eq!(express(refuses, LOOPBACK), Vec::<String>::new());
    let only_logs = "app.use((req, res, next) => { if (!allowed.includes(req.headers.host)) { console.error(req.headers.host); } next(); });";
    assert_eq!(express(only_logs, LOOPBACK), ["dns-rebinding:9"]);
    let reads = "app.use((req, res, next) => { const url = new URL(req.url, `http://${req.headers.host}`); if (url.pathname === '/x') { res.status(403).end(); return; } next(); });";
    assert_eq!(express(reads, LOOPBACK), ["dns-rebinding:9"]);
}

/// What stands before another page of the same application does not stand before the protocol.
#[test]
fn a_check_counts_where_requests_to_the_protocol_pass_it() {
    let password = "(req, res, next) => { if (req.headers.authorization !== `Basic ${process.env.PASSWORD}`) { res.status(401).end(); return; } next(); }";
    let router = |path: &str, route: &str| {
        format!(
            "const router = express.Router();\nrouter.use({password});\nrouter.get(\"{route}\", (req, res) => res.send(\"\"));\napp.use(\"{path}\", router);"
        )
    };
    assert_eq!(express(&router("/dashboard", "/"), LOOPBACK), ["dns-rebinding:12"]);
    assert_eq!(express(&format!("app.use(\"/dashboard\", {password});"), LOOPBACK), ["dns-rebinding:9"]);
    assert_eq!(express(&format!("app.use(\"/mcp\", {password});"), LOOPBACK), [""; 0]);
    assert_eq!(express(&format!("app.use(\"/\", {password});"), LOOPBACK), [""; 0]);
}

/// Version 2 of the SDK: one handler for all requests, which leaves `Host` and `Origin` to the program.
#[test]
fn the_handler_of_the_second_version_looks_at_no_host() {
    let server = |before: &str, serve: &str| {
        ts(&format!(
            r#"import {{ createServer }} from "node:http";
import {{ createMcpHandler, McpServer }} from "@modelcontextprotocol/server";
import {{ hostHeaderValidation, toNodeHandler }} from "@modelcontextprotocol/node";
const handler = createMcpHandler(() => new McpServer({{ name: "a", version: "1" }}));
const node = toNodeHandler(handler);
const http = createServer(async (req, res) => {{
  {before}
  {serve}
}});
http.listen(3000, "localhost");
"#
        ))
    };
    let fetch = "const response = await handler.fetch(new Request(`http://localhost${req.url}`)); res.writeHead(response.status); res.end(await response.text());";
    assert_eq!(server("", fetch), ["dns-rebinding:4"]);
    let refuses = r#"if (req.headers.host !== "localhost:3000") { res.writeHead(403).end(); return; }"#;
    assert_eq!(server(refuses, fetch), [""; 0]);
    assert_eq!(server("", "void node(req, res);"), ["dns-rebinding:4"]);
    let guard = r#"if (!hostHeaderValidation(["localhost"])(req, res)) return;"#;
    assert_eq!(server(guard, "void node(req, res);"), [""; 0]);
}

#[test]
fn whether_there_is_a_host_is_no_check_of_it() {
    let unless = |test: &str| {
        let start = "app.use((req, res, next) => { const host = req.headers.host;";
        express(&format!("{start} if ({test}) {{ res.status(400).end(); return; }} next(); }});"), LOOPBACK)
    };
    assert_eq!(unless("!host"), ["dns-rebinding:9"]);
    assert_eq!(unless("typeof host !== 'string' || host === ''"), ["dns-rebinding:9"]);
    assert_eq!(unless("host !== 'localhost:3000'"), Vec::<String>::new());
    assert_eq!(unless("!host || !allowed.includes(host.toLowerCase())"), Vec::<String>::new());

    let kept = |header: &str| {
        let start = "app.use((req, res, next) => { const known = allowed.includes(";
        express(
            &format!("{start}req.headers['{header}']); if (!known) return res.status(403).end(); next(); }});"),
            LOOPBACK,
        )
    };
    assert_eq!(kept("host"), Vec::<String>::new());
    assert_eq!(kept("x-forwarded-host"), ["dns-rebinding:9"]);
}

#[test]
fn cross_origin_headers_are_no_check() {
    let cors =
        "app.use((req, res, next) => { res.setHeader('Access-Control-Allow-Origin', req.headers.origin); next(); });";
    assert_eq!(express(cors, LOOPBACK), ["dns-rebinding:9"]);
}

/// Without a question who they are, `*` is enough for a page to read what a server on this machine answers.
#[test]
fn every_origin_may_read_where_nobody_is_asked() {
    let page = |headers: &str, before: &str| {
        ts(&format!(
            "import http from 'node:http';\nconst TOKEN = process.env.TOKEN;\nconst server = http.createServer((req, res) => {{\n\
             {before}\n{headers}\nres.end('[]');\n}});\nserver.listen(3000, '127.0.0.1');"
        ))
    };
    let found = ["permissive-cors:5"];
    assert_eq!(page("res.setHeader('Access-Control-Allow-Origin', '*');", ""), found);
    assert_eq!(page("res.writeHead(200, { 'access-control-allow-origin': '*', vary: 'x' });", ""), found);
    assert_eq!(page("res.headers['Access-Control-Allow-Origin'] = '*';", ""), found);
    assert_eq!(page("res.setHeader('Access-Control-Allow-Origin', 'https://app.example.com');", ""), [""; 0]);
    assert_eq!(page("res.setHeader('Access-Control-Allow-Methods', '*');", ""), [""; 0]);
    let any = "res.setHeader('Access-Control-Allow-Origin', '*');";
    let token = "if (req.headers.authorization !== `Bearer ${TOKEN}`) { res.writeHead(401).end(); return; }";
    assert_eq!(page(any, token), [""; 0]);
    let origin = "if (req.headers.origin !== 'http://localhost:3000') { res.writeHead(403).end(); return; }";
    assert_eq!(page(any, origin), [""; 0]);

    let starlette = |header: &str| {
        py(&format!(
            "import uvicorn\nfrom starlette.applications import Starlette\nfrom starlette.responses import JSONResponse\nfrom \
             starlette.routing import Route\nasync def status(request):\n    answer = JSONResponse([])\n    {header}\n    return \
             answer\napp = Starlette(routes=[Route('/status', status)])\nuvicorn.run(app, host='127.0.0.1')\n"
        ))
    };
    assert_eq!(starlette("answer.headers['Access-Control-Allow-Origin'] = '*'"), ["permissive-cors:7"]);
    assert_eq!(starlette("answer.headers['X-Content-Type-Options'] = '*'"), [""; 0]);

    let cors = |options: &str| {
        ts(&format!(
            "import cors from 'cors'; import express from 'express'; const app = express();\napp.use(cors({options}));\n\
             app.get('/status', (req, res) => res.json([]));\napp.listen(3000, '127.0.0.1');"
        ))
    };
    assert_eq!(cors(""), ["permissive-cors:2"]);
    assert_eq!(cors("{ origin: '*' }"), ["permissive-cors:2"]);
    assert_eq!(cors("{ origin: ['https://app.example.com'] }"), [""; 0]);
}

#[test]
fn every_origin_by_default_is_every_origin() {
    let app = |origins: &str| {
        py(&format!(
            "import os\nfrom fastapi import FastAPI\nfrom fastapi.middleware.cors import CORSMiddleware\n\
             app = FastAPI()\nORIGINS = {origins}\n\
             app.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_credentials=True)\n"
        ))
    };
    assert_eq!(app("os.getenv('ORIGINS', '*').split(',')"), ["permissive-cors:6"]);
    assert_eq!(app("os.getenv('ORIGINS', 'http://localhost:8000').split(',')"), Vec::<String>::new());
    assert_eq!(app("os.environ['ORIGINS'].split(',')"), Vec::<String>::new());

    let cors = |origin: &str| {
        let start = "import cors from 'cors'; import express from 'express'; const app = express();\n";
        ts(&format!("{start}app.use(cors({{ origin: {origin}, credentials: true }}));"))
    };
    assert_eq!(cors("process.env.ORIGIN || true"), ["permissive-cors:2"]);
    assert_eq!(cors("process.env.ORIGIN || 'http://localhost:8000'"), Vec::<String>::new());
    assert_eq!(cors("process.env.ORIGIN"), Vec::<String>::new());
}

#[test]
fn authentication_counts_when_it_is_not_a_choice() {
    let check = "app.use((req, res, next) => { if (req.headers.authorization !== `Bearer ${process.env.TOKEN}`) { res.status(401).end(); return; } next(); });";
    assert_eq!(express(check, r#"app.listen(3000, "0.0.0.0");"#), Vec::<String>::new());
    let optional = format!("if (process.env.TOKEN) {{ {check} }}");
    assert_eq!(express(&optional, LOOPBACK), ["dns-rebinding:9"]);
}

#[test]
fn what_only_a_setting_turns_on_is_off() {
    const CHECK: &str = "(req, res, next) => { if (req.headers.authorization !== `Bearer ${process.env.TOKEN}`) { res.status(401).end(); return; } next(); }";
    const PASS: &str = "(req, res, next) => next()";
    let on_request = format!("app.use(process.env.OAUTH === 'true' ? {CHECK} : {PASS});");
    let off_request = format!("app.use(process.env.OPEN === 'true' ? {PASS} : {CHECK});");
    assert_eq!(express(&on_request, LOOPBACK), ["dns-rebinding:9"]);
    assert_eq!(express(&off_request, LOOPBACK), Vec::<String>::new());

    let without_token = |then: &str| {
        let check = "if (req.headers['x-token'] !== token) { res.status(401).end(); return; } next();";
        let start = "const token = process.env.TOKEN; app.use((req, res, next) =>";
        express(&format!("{start} {{ if (!token) {{ {then} return; }} {check} }});"), LOOPBACK)
    };
    assert_eq!(without_token("next();"), ["dns-rebinding:9"]);
    assert_eq!(without_token("res.status(500).end();"), Vec::<String>::new());

    let protection = |test: &str| {
        let options = format!(", enableDnsRebindingProtection: {test}, allowedHosts: ['127.0.0.1']");
        served("", &options, LOOPBACK)
    };
    assert_eq!(protection("process.env.PROTECT === 'true'"), ["dns-rebinding:9"]);
    assert_eq!(protection("process.env.PROTECT !== 'false'"), Vec::<String>::new());
}

/// `if (KEY && header !== KEY)`: nobody is asked for a token where none is set, unless the program does not start then.
#[test]
fn a_token_asked_for_only_where_one_is_set_is_off() {
    const ASKED: &str = "req.headers.authorization !== `Bearer ${KEY}`";
    const REFUSED: &str = "return res.status(401).json({ error: 'no' });";
    let before = |start: &str, test: &str| {
        let middleware = format!("app.use((req, res, next) => {{ {test} next(); }});");
        express(&format!("const KEY = process.env.KEY; {start} {middleware}"), LOOPBACK)
    };
    let optional = format!("if (KEY && {ASKED}) {REFUSED}");
    assert_eq!(before("", &optional), ["dns-rebinding:9"]);
    let nested = format!("if (KEY) {{ if ({ASKED}) {{ {REFUSED} }} }}");
    assert_eq!(before("", &nested), ["dns-rebinding:9"]);
    let always = format!("if ({ASKED}) {REFUSED}");
    assert_eq!(before("", &always), [""; 0]);
    assert_eq!(before("", &format!("{optional} {always}")), [""; 0]);
    let of_request = format!("if (req.path !== '/health' && {ASKED}) {REFUSED}");
    assert_eq!(before("", &of_request), [""; 0]);

    let required = "if (!KEY) { console.error('KEY is missing'); process.exit(1); }";
    assert_eq!(before(required, &optional), [""; 0]);
    assert_eq!(before("if (!KEY) throw new Error('KEY is missing');", &optional), [""; 0]);
    assert_eq!(before("if (!KEY) console.error('everyone may use this');", &optional), ["dns-rebinding:9"]);
    let passes = format!("if (!KEY) return next(); {always}");
    assert_eq!(before("", &passes), ["dns-rebinding:9"]);
    assert_eq!(before(required, &passes), [""; 0]);

    let starlette = |test: &str| {
        py(&format!(
            r#"import os
import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse
TOKEN = os.environ.get("TOKEN")
mcp = FastMCP("a", transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
class Asks(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if {test}request.headers.get("authorization", "") != f"Bearer {{TOKEN}}":
            return JSONResponse({{"error": "no"}}, status_code=401)
        return await call_next(request)
app = mcp.streamable_http_app()
app.add_middleware(Asks)
uvicorn.run(app, host="127.0.0.1", port=8000)
"#
        ))
    };
    assert_eq!(starlette("TOKEN and "), ["dns-rebinding:16"]);
    assert_eq!(starlette(""), [""; 0]);
}

/// What takes tools and is started with a host and a port is a server, whoever wrote its SDK.
#[test]
fn a_server_of_an_sdk_that_is_not_known_listens_somewhere() {
    let server = |made: &str, started: &str| {
        ts(&format!(
            "import {{ McpApp }} from 'some-mcp-kit';\nconst app = new McpApp({made});\n\
             app.tool('echo', {{ text: 'string' }}, async (input) => input.text);\n{started}"
        ))
    };
    let everywhere = "app.startHttp({ host: process.env.HOST || '0.0.0.0', port: 8000 });";
    assert_eq!(server("{ name: 'a' }", everywhere), ["unauthenticated-http:4"]);
    assert_eq!(server("{ name: 'a' }", "app.startHttp({ host: '127.0.0.1', port: 8000 });"), [""; 0]);
    assert_eq!(server("{ name: 'a' }", "app.startHttp({ host: process.env.HOST, port: 8000 });"), [""; 0]);
    assert_eq!(server("{ name: 'a', auth: { token: process.env.TOKEN } }", everywhere), [""; 0]);
    let no_server =
        "import { connect } from 'some-kit';\nconst db = connect();\ndb.open({ host: '0.0.0.0', port: 8000 });";
    assert_eq!(ts(no_server), [""; 0]);
}

#[test]
fn an_origin_is_compared_to_its_end() {
    let check = |test: &str| {
        let start =
            "const origins = ['http://localhost']; app.use((req, res, next) => { const origin = req.headers.origin;";
        express(&format!("{start} if (origin && !{test}) {{ res.status(403).end(); return; }} next(); }});"), LOOPBACK)
    };
    assert_eq!(check("origins.some((own) => origin.startsWith(own))"), ["dns-rebinding:9"]);
    assert_eq!(check("origins.some((own) => origin === own)"), Vec::<String>::new());
    assert_eq!(check("origins.includes(origin)"), Vec::<String>::new());
}

#[test]
fn all_interfaces_by_default_or_by_name() {
    let both = ["dns-rebinding:9", "unauthenticated-http:13"];
    assert_eq!(express("", "app.listen(3000);"), both);
    assert_eq!(express("", r#"app.listen(3000, process.env.HOST || "0.0.0.0");"#), both);
    assert_eq!(express("", r#"app.listen(3000, process.env.HOST || "127.0.0.1");"#), ["dns-rebinding:9"]);
}

#[test]
fn stdio_servers_have_nothing_to_guard() {
    assert_eq!(
        py(
            "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a', host='0.0.0.0')\n@mcp.tool()\ndef f() -> str:\n    return 'x'\nmcp.run()\n"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn a_recent_python_sdk_guards_loopback() {
    let server = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\nmcp.run(transport='streamable-http')\n";
    assert_eq!(py(server), ["dns-rebinding:3"]);
    let recent = ("pyproject.toml", "[project]\nname = \"server\"\ndependencies = [\"mcp>=1.23\"]\n");
    assert_eq!(found("server.py", server, recent), Vec::<String>::new());
}

#[test]
fn a_server_that_another_program_starts_is_a_server() {
    let class = |check: &str| {
        format!(
            r#"import http from "node:http";
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ StreamableHTTPServerTransport }} from "@modelcontextprotocol/sdk/server/streamableHttp.js";
export class Service {{
  async start() {{
    const listener = http.createServer(async (req, res) => {{
      {check}
      const server = new McpServer({{ name: "x", version: "1" }});
      const transport = new StreamableHTTPServerTransport({{ sessionIdGenerator: undefined }});
      await server.connect(transport);
      await transport.handleRequest(req, res);
    }});
    listener.listen(0, "127.0.0.1");
  }}
}}
"#
        )
    };
    assert_eq!(ts(&class("")), ["dns-rebinding:9"]);
    let checked = r#"if (!["127.0.0.1", "localhost"].includes(req.headers.host?.split(":")[0])) { res.writeHead(403).end(); return; }"#;
    assert_eq!(ts(&class(checked)), Vec::<String>::new());
}

#[test]
fn a_handler_that_asks_before_it_serves_is_as_good_as_one_before_it() {
    // `TOKEN` is made where none is set, and left out only on request.
    let server = |token: &str, gate: &str, late: &str| {
        ts(&format!(
            r#"import {{ createServer }} from "node:http";
import {{ randomUUID, timingSafeEqual }} from "node:crypto";
import {{ Server }} from "@modelcontextprotocol/sdk/server/index.js";
import {{ StreamableHTTPServerTransport }} from "@modelcontextprotocol/sdk/server/streamableHttp.js";
function made() {{
  if (process.argv.includes("--insecure")) return null;
  if (process.env.TOKEN) return process.env.TOKEN;
  return randomUUID();
}}
function allowed(req, expected) {{
  const header = req.headers["authorization"];
  if (typeof header !== "string") return false;
  return timingSafeEqual(Buffer.from(header), Buffer.from(expected));
}}
function limited(req) {{ return req.socket.bytesRead < 1000; }}
const token = {token};
const server = createServer(async (req, res) => {{
  if (req.url === "/health") {{ res.end("ok"); return; }}
  {gate}
  const transport = new StreamableHTTPServerTransport({{ sessionIdGenerator: undefined }});
  await new Server({{ name: "x", version: "1" }}, {{}}).connect(transport);
  await transport.handleRequest(req, res);
  {late}
}});
server.listen(8014, "0.0.0.0");
"#
        ))
    };
    let gate = "if (token !== null && !allowed(req, token)) { res.writeHead(401); res.end(); return; }";
    let open: [&str; 2] = ["dns-rebinding:20", "unauthenticated-http:25"];
    assert_eq!(server("made()", gate, ""), Vec::<String>::new());
    assert_eq!(server("made()", &gate.replace("token !== null && ", ""), ""), Vec::<String>::new());
    // A setting nobody has to make, a gate that comes too late, and one that asks something else.
    assert_eq!(server("process.env.TOKEN ?? null", gate, ""), ["dns-rebinding:20"]);
    assert_eq!(server("made()", "", gate), ["dns-rebinding:20"]);
    assert_eq!(server("made()", &gate.replace("allowed(req, token)", "limited(req)"), "")[0], open[0]);
    assert_eq!(server("made()", "", ""), open);
}

#[test]
fn a_command_line_fills_in_what_its_function_takes() {
    let server = |host: &str| {
        py(&format!(
            r#"import click, uvicorn
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
@click.command()
@click.option("--transport", type=click.Choice(["stdio", "streamable-http"]), default="stdio")
def main(transport: str):
    if transport == "stdio":
        mcp.run(transport="stdio")
    elif transport == "streamable-http":
        uvicorn.run(mcp.streamable_http_app, host={host}, port=4040)
if __name__ == "__main__":
    main()
"#
        ))
    };
    assert_eq!(server("\"0.0.0.0\""), ["dns-rebinding:10", "unauthenticated-http:10"]);
    assert_eq!(server("\"127.0.0.1\""), ["dns-rebinding:10"]);
}

#[test]
fn a_derived_server_makes_its_application_in_a_method() {
    let server = |method: &str, given: &str| {
        py(&format!(
            r#"import uvicorn
from starlette.middleware.authentication import AuthenticationMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.fastmcp import FastMCP
class Logged(FastMCP):
    def {method}(self):
        app = super().streamable_http_app()
        print("made")
        return app
class Asking(FastMCP):
    def {method}(self):
        app = super().streamable_http_app()
        if self._token_verifier:
            app.add_middleware(AuthenticationMiddleware, backend=BearerAuthBackend(self._token_verifier))
        return app
mcp = {given}("x")
uvicorn.run(mcp.{method}, host="0.0.0.0", port=4040)
"#
        ))
    };
    let open = ["dns-rebinding:17", "unauthenticated-http:17"];
    assert_eq!(server("streamable_http_app", "Logged"), open);
    assert_eq!(server("made_app", "Logged"), open);
    assert_eq!(server("streamable_http_app", "Asking"), open[..1]);
}

#[test]
fn middleware_is_given_to_what_starts_the_server() {
    let guarded = |middleware: &str| {
        py(&format!(
            r#"
from fastmcp import FastMCP
from starlette.middleware import Middleware

mcp = FastMCP("x")


@mcp.tool()
def echo(text: str) -> str:
    return text


class Guard:
    def __init__(self, app, names):
        self.app = app
        self.names = names

    def knows(self, host):
        return host in self.names

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        if scope["type"] == "http" and not self.knows(headers.get(b"host")):
            await self.refuse(send, "who?")
            return
        await self.app(scope, receive, send)

    @staticmethod
    async def refuse(send, text):
        await send({{"type": "http.response.start", "status": 403, "headers": []}})
        await send({{"type": "http.response.body", "body": text.encode()}})


mcp.run(transport="http", host="127.0.0.1", port=8000{middleware})
"#
        ))
    };
    assert_eq!(guarded(", middleware=[Middleware(Guard, names=[b'localhost'])]"), [""; 0]);
    assert_eq!(guarded(""), ["dns-rebinding:34"]);
}

/// A command line that starts the server over HTTP in the last of its branches, and `before` it.
fn started_after(before: &str) -> Vec<String> {
    let rows = "rows.append({'limit': str(limit), 'count': len(rows)})\n    ".repeat(6_000);
    let found = py(&format!(
        r#"
import argparse
import threading
from fastmcp import FastMCP

mcp = FastMCP("x")


@mcp.tool()
def echo(text: str) -> str:
    return text


def index(limit):
    rows = []
    {rows}
    return rows


def fails():
    raise RuntimeError("no index")


def serve(transport="stdio", host=None):
    {before}
    if transport == "stdio":
        mcp.run(transport="stdio")
    else:
        mcp.run(transport=transport, host=host, port=8000)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", action="store_true")
    arguments = parser.parse_args()
    if not arguments.http:
        serve()
    else:
        serve("http", "127.0.0.1")


main()
"#
    ));
    found.iter().map(|rule| rule.split(':').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_starts_a_server_is_looked_at_again_however_dear_it_was() {
    for before in ["pass", "index(7)", "threading.Thread(target=fails, daemon=True).start()"] {
        assert_eq!(started_after(before), ["dns-rebinding"], "{before}");
    }
}

/// An address that is left out is every address, and so is an option or a variable that nobody sets.
#[test]
fn what_nobody_sets_is_left_out() {
    let server = |start: &str| {
        ts(&format!(
            r#"import http from "node:http";
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ StreamableHTTPServerTransport }} from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {{ program }} from "commander";
import {{ parseArgs }} from "node:util";
const server = new McpServer({{ name: "x", version: "1" }});
function start(port: number, host?: string) {{
  const app = http.createServer(async (req, res) => {{
    const transport = new StreamableHTTPServerTransport({{ sessionIdGenerator: undefined }});
    await server.connect(transport);
    await transport.handleRequest(req, res);
  }});
  app.listen(port, host);
}}
{start}
"#
        ))
    };
    let is_open = |start: &str| server(start).contains(&"unauthenticated-http:13".to_owned());
    let option = "program.option(\"--port <port>\").option(\"--host <host>\", \"address\")";
    let usual = "program.option(\"--host <host>\", \"address\", \"127.0.0.1\")";
    for start in [
        "start(3000, process.env.HOST);".to_owned(),
        format!("{option}.action(async (options) => {{ start(+options.port, options.host); }}); program.parse();"),
        format!("{option}; program.parse(); start(3000, program.opts().host);"),
        "program.option(\"--host <host>\", \"address\", \"0.0.0.0\").action((options) => start(1, options.host));"
            .to_owned(),
        "const { values } = parseArgs({ options: { host: { type: \"string\" } } }); start(3000, values.host);"
            .to_owned(),
    ] {
        assert!(is_open(&start), "{start}");
    }
    for start in [
        "start(3000, process.env.HOST || \"127.0.0.1\");".to_owned(),
        "const { HOST = \"127.0.0.1\" } = process.env; start(3000, HOST);".to_owned(),
        "const run = (host = \"localhost\") => start(3000, host); run(process.env.HOST);".to_owned(),
        format!("{usual}.action(async (options) => {{ start(3000, options.host); }}); program.parse();"),
        format!("{option}.action(({{ port, host = \"localhost\" }}) => start(port, host)); program.parse();"),
        "program.requiredOption(\"--host <host>\", \"address\"); program.parse(); start(1, program.opts().host);".to_owned(),
        "const { values } = parseArgs({ options: { host: { type: \"string\", default: \"localhost\" } } }); start(3000, values.host);".to_owned(),
    ] {
        assert!(!is_open(&start), "{start}");
    }
}

/// A command line of Python that is described by a signature has its defaults there.
#[test]
fn defaults_of_a_command_are_those_of_its_parameters() {
    let server = |parameter: &str| {
        py(&format!(
            "import typer\nimport uvicorn\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\napp = typer.Typer()\n@app.command()\ndef main({parameter}):\n    uvicorn.run(mcp.streamable_http_app(), host=host, port=1)\napp()\n"
        ))
    };
    let open = "unauthenticated-http:8".to_owned();
    for parameter in ["host: str = '0.0.0.0'", "host: str = typer.Option('0.0.0.0', '--host')"] {
        assert!(server(parameter).contains(&open), "{parameter}: {:?}", server(parameter));
    }
    for parameter in ["host: str = '127.0.0.1'", "host: str = typer.Option('127.0.0.1', '--host')"] {
        assert!(!server(parameter).contains(&open), "{parameter}");
    }
}
