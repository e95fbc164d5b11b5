//! Flows: twins that differ in one detail, through the whole scanner.

use crate::common;

use manta_audit::{Settings, audit};
use manta_core::ProjectInput;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// What is found in a program of one file.
fn found(path: &str, text: &str) -> Vec<String> {
    common::found([(path, text)])
}

/// A server whose tool `t` reads the file that `check` gives for its parameter.
fn reads(check: &str) -> Vec<String> {
    found(
        "index.ts",
        &format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import path from "path";
import fs from "fs/promises";
const server = new McpServer({{ name: "x", version: "1" }});
const ROOT = process.env.ROOT || "/safe";
const dirs = process.argv.slice(2).map((d) => path.resolve(d));
{check}
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  const q = await valid(p);
  return {{ content: [{{ type: "text", text: await fs.readFile(q, "utf8") }}] }};
}});
"#
        ),
    )
}

const QUIET: Vec<String> = Vec::new();

#[test]
fn a_prefix_with_separator_contains_and_one_without_does_not() {
    let with = r#"function valid(p: string) { const f = path.resolve(ROOT, p);
        if (!f.startsWith(path.resolve(ROOT) + path.sep)) throw new Error("no"); return f; }"#;
    let without = r#"function valid(p: string) { const f = path.resolve(ROOT, p);
        if (!f.startsWith(ROOT)) throw new Error("no"); return f; }"#;
    assert_eq!(reads(with), QUIET);
    assert_eq!(reads(without), ["path-prefix-bypass in t"]);
}

#[test]
fn a_check_of_the_raw_path_contains_nothing() {
    let raw = r#"function valid(p: string) { if (!p.startsWith("/safe/")) throw new Error("no"); return p; }"#;
    assert_eq!(reads(raw), ["path-traversal in t"]);
}

#[test]
fn checks_in_other_functions_count_when_they_decide() {
    let predicate = r#"function inside(f: string) { return dirs.some((d) => f === d || f.startsWith(d + path.sep)); }
        function valid(p: string) { const f = path.resolve(p); if (!inside(f)) throw new Error("no"); return f; }"#;
    let record = r#"function check(p: string) { const f = path.resolve(ROOT, p);
          if (!f.startsWith(path.resolve(ROOT) + path.sep)) { return { ok: false, error: "no" }; }
          return { ok: true, path: f }; }
        function valid(p: string) { const r = check(p); if (!r.ok) throw new Error("no"); return r.path; }"#;
    let throwing = r#"function check(p: string): void { const f = path.resolve(p);
          for (const d of dirs) { if (f === d || f.startsWith(d + path.sep)) return; } throw new Error("no"); }
        function valid(p: string) { check(p); return p; }"#;
    let ignored = r#"function inside(f: string) { return dirs.some((d) => f === d || f.startsWith(d + path.sep)); }
        function valid(p: string) { const f = path.resolve(p); inside(f); return f; }"#;
    assert_eq!(reads(predicate), QUIET);
    assert_eq!(reads(record), QUIET);
    assert_eq!(reads(throwing), QUIET);
    assert_eq!(reads(ignored), ["path-traversal in t"]);
}

#[test]
fn relative_paths_are_judged_by_their_climb() {
    let relative = r#"function valid(p: string) { const f = path.resolve(ROOT, p); const r = path.relative(ROOT, f);
        if (r.startsWith("..") || path.isAbsolute(r)) throw new Error("no"); return f; }"#;
    assert_eq!(reads(relative), QUIET);
}

#[test]
fn a_dispatcher_names_the_tool_and_only_that_tool() {
    let text = r#"
import { z } from "zod";
import { exec } from "child_process";
import { promisify } from "util";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
const run = promisify(exec);
const Args = z.object({ url: z.string().optional(), id: z.string().optional() });
async function fetchIt(args: any) {
  const { url, id } = Args.parse(args);
  if (url && id) throw new Error("one of them");
  if (!url && !id) throw new Error("one of them");
  if (url) await run(`curl -L "${url}"`);
}
async function harmless(args: any) { return String(args.url).length; }
const handlers: Record<string, any> = { fetch_it: fetchIt, harmless };
const server = new Server({ name: "x", version: "1" }, {});
server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: [{ name: "fetch_it" }, { name: "harmless" }] }));
server.setRequestHandler(CallToolRequestSchema, async (request) => {
  const { name, arguments: args } = request.params;
  if (name in handlers) return handlers[name](args);
  throw new Error("unknown tool");
});
"#;
    assert_eq!(found("index.ts", text), ["command-injection in fetch_it"]);
}

#[test]
fn an_anchored_pattern_stops_what_an_open_one_lets_through() {
    let server = |pattern: &str| {
        format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "child_process";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  if (!{pattern}.test(p)) throw new Error("no");
  execSync(`ls ${{p}}`);
  return {{ content: [] }};
}});
"#
        )
    };
    assert_eq!(found("index.ts", &server("/^[a-z]+$/")), QUIET);
    assert_eq!(found("index.ts", &server("/[a-z]+/")), ["command-injection in t"]);
    assert_eq!(found("index.ts", &server("/^[a-z]+$/m")), ["command-injection in t"]);
}

#[test]
fn python_containment_by_every_usual_form() {
    let server = |body: &str| {
        format!(
            "from mcp.server.fastmcp import FastMCP\nfrom pathlib import Path\nimport os\nmcp = FastMCP(\"x\")\n\
             @mcp.tool()\ndef t(name: str) -> str:\n    root = Path(\"/data\").resolve()\n{body}"
        )
    };
    let good = [
        "    full = (root / name).resolve()\n    if not str(full).startswith(str(root) + os.sep):\n        return 'no'\n    return full.read_text()\n",
        "    full = (root / name).resolve()\n    try:\n        full.relative_to(root)\n    except ValueError:\n        raise ValueError('no')\n    return full.read_text()\n",
        "    full = (root / name).resolve()\n    if not full.is_relative_to(root):\n        raise ValueError('no')\n    return full.read_text()\n",
        "    base = os.path.realpath('/data')\n    full = os.path.realpath(os.path.join(base, name))\n    if os.path.commonpath([base, full]) != base:\n        raise ValueError('no')\n    return open(full).read()\n",
    ];
    for body in good {
        assert_eq!(found("server.py", &server(body)), QUIET, "{body}");
    }
    let bad = [
        "    return (root / name).read_text()\n",
        "    (root / name).resolve()\n    return (root / name).read_text()\n",
        "    full = os.path.join('/data', name)\n    if '..' in name:\n        raise ValueError('no')\n    return open(full).read()\n",
    ];
    for body in bad {
        assert_eq!(found("server.py", &server(body)), ["path-traversal in t"], "{body}");
    }
}

/// Rules whose pages are run: every marked line is found, and no block under "Use instead" is.
const PAGES: [&str; 19] = [
    "command-execution",
    "command-injection",
    "argument-injection",
    "code-injection",
    "path-traversal",
    "path-prefix-bypass",
    "symlink-escape",
    "ssrf",
    "weak-host-check",
    "request-path-traversal",
    "sql-injection",
    "nosql-injection",
    "template-injection",
    "unsafe-deserialization",
    "archive-extraction",
    "unsafe-regex",
    "prototype-pollution",
    "unrestricted-url-scheme",
    "dangerous-by-design",
];

#[test]
fn pages_say_what_is_found() {
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let models = Models::builtin();
    let mut wrong = Vec::new();
    for id in PAGES {
        let page = manta_audit::rules::find(id).expect("a rule").page;
        let (bad, rest) = page.split_once("## Use instead").expect("a page has both kinds of example");
        let good = rest.split("## Not flagged").next().unwrap_or_default();
        for (section, is_bad) in [(bad, true), (good, false)] {
            let blocks = section.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
            for (language, code) in blocks {
                let marked = |line: &str| line.ends_with("// error") || line.ends_with("# error");
                let expected: Vec<u32> =
                    code.lines().zip(1..).filter(|(line, _)| marked(line)).map(|(_, line)| line).collect();
                assert_eq!(is_bad, !expected.is_empty(), "{id}: an example marks its line");
                let path = if language == "py" { "server.py" } else { "index.ts" };
                let input = ProjectInput::from_texts("server", [(path, code)]);
                let report = audit(&input, &front_ends, &models, &Settings::default());
                let own = report.findings.iter().filter(|finding| finding.rule.id == id);
                let mut lines: Vec<u32> = own
                    .map(|finding| {
                        let file = report.sources.get(finding.location.file).expect("a file of the target");
                        file.line_column(finding.location.span.start).line
                    })
                    .collect();
                lines.dedup();
                if lines != expected {
                    wrong.push(format!("{id} {language}: expected {expected:?}, found {lines:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_typescript_only_declares_exists_elsewhere() {
    let server = |declared: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
{declared}
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ u: z.string() }}, async ({{ u }}) => fetch(u));
"#
            ),
        )
    };
    assert_eq!(server("declare const fetch: any;"), ["ssrf in t"]);
    assert_eq!(server("const fetch = (u: string) => u.length;"), QUIET);
}

#[test]
fn the_shell_of_either_platform_is_a_shell() {
    let server = |words: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execFileSync }} from "child_process";
const server = new McpServer({{ name: "x", version: "1" }});
const isWindows = process.platform === "win32";
server.tool("t", {{ x: z.string() }}, async ({{ x }}) => {{
  const [program, option] = isWindows ? {words};
  return execFileSync(program, [option, `echo ${{x}}`]);
}});
"#
            ),
        )
    };
    assert_eq!(server(r#"["cmd.exe", "/c"] : ["/bin/sh", "-c"]"#), ["command-injection in t"]);
    assert_eq!(server(r#"["where", "/q"] : ["which", "-a"]"#), QUIET);
}

#[test]
fn properties_that_a_run_gave_a_function_end_with_it() {
    let server = r#"
import os
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

def shared(x):
    return x

@mcp.tool()
def first(x: str) -> str:
    shared.last = x
    return os.popen("ls " + shared.last).read()

@mcp.tool()
def second(x: str) -> str:
    shared.last = {"value": x}
    return os.popen("ls " + shared.last["value"]).read()
"#;
    assert_eq!(found("server.py", server), ["command-injection in first", "command-injection in second"]);
}

/// Servers that speak the protocol without an SDK, by where their messages come from.
#[test]
fn messages_that_a_program_reads_itself_call_tools() {
    let python = |read: &str, tool: &str| {
        format!(
            r#"
import json, os, sys
from flask import Flask, request
from fastapi import FastAPI, Request

flask_app = Flask("x")
fastapi_app = FastAPI()

class Server:
    def list_files(self, path):
        return {tool}

    def handle(self, name, arguments):
        table = {{"list_files": self.list_files}}
        handler = table.get(name)
        return handler(**arguments) if handler else None

server = Server()

{read}
        params = message.get("params", {{}})
        print(json.dumps(server.handle(params.get("name"), params.get("arguments", {{}}))))
"#
        )
    };
    let stdin = r#"
def main():
    for line in sys.stdin:
      message = json.loads(line.strip())
      if message.get("method") == "tools/call":"#;
    let flask = r#"
@flask_app.route("/mcp", methods=["POST"])
def endpoint():
    message = request.get_json()
    if message["method"] == "tools/call":"#;
    let fastapi = r#"
@fastapi_app.post("/mcp")
async def endpoint(request: Request):
    message = await request.json()
    if message.get("method") == "tools/call":"#;
    for read in [stdin, flask, fastapi] {
        let bad = found("server.py", &python(read, r#"os.popen("ls " + path).read()"#));
        assert!(
            bad.iter().any(|found| found.starts_with("command-injection") && found.contains("list_files")),
            "{bad:?}"
        );
        let good = found("server.py", &python(read, r#"os.popen("ls " + str(len(path))).read()"#));
        assert!(!good.iter().any(|found| found.starts_with("command-injection")), "{good:?}");
    }
    let javascript = |operand: &str| {
        found(
            "index.js",
            &format!(
                r#"
const readline = require("readline");
const {{ execSync }} = require("child_process");
const handlers = {{ list_files: (args) => execSync("ls " + {operand}) }};
readline.createInterface({{ input: process.stdin }}).on("line", async (line) => {{
  const message = JSON.parse(line.trim());
  if (message.method === "tools/call") {{
    const handler = handlers[message.params.name];
    process.stdout.write(JSON.stringify(await handler(message.params.arguments)));
  }}
}});
"#
            ),
        )
    };
    assert_eq!(javascript("args.path"), ["command-injection in list_files"]);
    assert_eq!(javascript("Number(args.path)"), QUIET);
    // A table of methods hands on the parameters alone.
    let table = |operand: &str| {
        found(
            "index.js",
            &format!(
                r#"
const readline = require("readline");
const {{ execSync }} = require("child_process");
const tools = {{ list_files: {{ run: ({{ path }}) => execSync("ls " + {operand}) }} }};
const methods = {{
  "tools/list": () => ({{ tools: Object.keys(tools).map((name) => ({{ name }})) }}),
  "tools/call": ({{ name, arguments: given }}) => tools[name].run(given),
}};
readline.createInterface({{ input: process.stdin }}).on("line", (line) => {{
  const message = JSON.parse(line);
  process.stdout.write(JSON.stringify({{ id: message.id, result: methods[message.method](message.params) }}));
}});
"#
            ),
        )
    };
    assert_eq!(table("path"), ["command-injection in list_files"]);
    assert_eq!(table("Number(path)"), QUIET);
}

#[test]
fn methods_bound_to_their_object_are_handlers() {
    let server = |handler: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "child_process";
abstract class Tool {{
  abstract execute(args: any): Promise<any>;
  async invoke(args: any) {{ return await this.execute(args); }}
  register(server: McpServer) {{ server.registerTool("t", {{ inputSchema: {{ x: z.string() }} }}, {handler}); }}
}}
class List extends Tool {{
  async execute({{ x }}) {{ return execSync("ls " + x); }}
}}
new List().register(new McpServer({{ name: "x", version: "1" }}));
"#
            ),
        )
    };
    assert_eq!(server("this.invoke.bind(this)"), ["command-injection in t"]);
    assert_eq!(server("(args) => this.invoke.call(this, args)"), ["command-injection in t"]);
    assert_eq!(server("(args) => this.invoke.apply(this, [args])"), ["command-injection in t"]);
    assert_eq!(server("this.invoke.bind({ execute: async () => null })"), QUIET);
}

#[test]
fn what_is_spread_later_wins() {
    let server = |options: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ Server }} from "@modelcontextprotocol/sdk/server/index.js";
import {{ CallToolRequestSchema }} from "@modelcontextprotocol/sdk/types.js";
import {{ execSync }} from "child_process";
const server = new Server({{ name: "x", version: "1" }}, {{}});
server.setRequestHandler(CallToolRequestSchema, async (request) => {{
  const {{ name, arguments: args }} = request.params;
  if (name === "t") {{
    const options = {options};
    return execSync("ls " + options.directory);
  }}
}});
"#
            ),
        )
    };
    assert_eq!(server(r#"{ directory: ".", ...args }"#), ["command-injection in t"]);
    assert_eq!(server(r#"{ ...args, directory: "." }"#), QUIET);
}

#[test]
fn the_home_directory_is_not_the_configured_one() {
    // What a function nobody knows makes of the path is not known either: whether the check before it holds decides.
    let server = |check: &str| {
        reads(&format!(
            r#"
import os from "os";
import {{ tidy }} from "tidy-paths";
const home = (p: string) => (p.startsWith("~/") ? path.join(os.homedir(), p.slice(1)) : p);
const inside = (p: string) => dirs.some((d) => p === d || p.startsWith(d + path.sep));
async function valid(p: string) {{
  const full = path.resolve(home(p));
  {check}
  return tidy(full);
}}"#
        ))
    };
    assert_eq!(server(r#"if (!inside(full)) throw new Error("outside");"#), QUIET);
    assert_eq!(server(""), ["path-traversal in t"]);
}

#[test]
fn a_handler_without_names_runs_what_is_announced_beside_it() {
    let server = |tool: &str, body: &str| {
        format!(
            r#"
import os
from mcp.server import Server
from mcp.types import Tool
app = Server("{tool}")

@app.list_tools()
async def tools():
    return [Tool(name="{tool}", description="d", inputSchema={{"type": "object"}})]

@app.call_tool()
async def call(name, arguments):
    return {body}
"#
        )
    };
    let (bad, good) = (server("list", r#"os.popen("ls " + arguments["x"]).read()"#), server("now", r#""12:00""#));
    let mut found = common::found([("list/server.py", &*bad), ("now/server.py", &*good)]);
    found.retain(|found| found.starts_with("command-injection"));
    assert_eq!(found, ["command-injection in list"]);
}

/// A server whose tool `t` runs `body` with the untrusted text `name`, where `sh(…)` is a shell.
fn runs(body: &str) -> Vec<String> {
    found(
        "index.js",
        &format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ exec }} from "node:child_process";
import {{ EventEmitter }} from "node:events";
import {{ AsyncLocalStorage }} from "node:async_hooks";
const sh = (command) => exec(command);
const bus = new EventEmitter();
bus.on("ping", (host) => sh("ping " + host));
const context = new AsyncLocalStorage();
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ name: z.string() }}, async ({{ name }}) => {{ {body} return {{ content: [] }}; }});
"#
        ),
    )
}

#[test]
fn what_keeps_a_value_gives_it_back() {
    let found = ["command-injection in t"];
    for body in [
        r#"const p = new URLSearchParams(name); sh("ping " + p.get("host"));"#,
        r#"const p = new URLSearchParams(); p.set("host", name); sh("ping " + p.get("host"));"#,
        r#"const u = new URL("http://x/?" + name); sh("ping " + u.searchParams.get("host"));"#,
        r#"const h = new Headers({ host: name }); sh("ping " + h.get("host"));"#,
        r#"bus.emit("ping", name);"#,
        r#"const own = new EventEmitter(); own.once("x", (host) => sh("ping " + host)); own.emit("x", name);"#,
        r#"context.run({ host: name }, () => sh("ping " + context.getStore().host));"#,
        r#"const [one] = await Promise.allSettled([Promise.resolve(name)]); sh("ping " + one.value);"#,
        r#"setTimeout(sh, 10, "ping " + name);"#,
        r#"const m = name.match(/(?<host>.*)/); if (m) sh("ping " + m.groups.host);"#,
        r#"class Hosts { constructor(v) { this.v = v; } *[Symbol.iterator]() { yield this.v; } }
           for (const host of new Hosts(name)) sh("ping " + host);"#,
        r#"exec.call(undefined, "ping " + name);"#,
        r#"exec.apply(null, ["ping " + name]);"#,
        r#"const run = exec.bind(null); run("ping " + name);"#,
        r#"Reflect.apply(exec, null, ["ping " + name]);"#,
    ] {
        assert_eq!(runs(body), found, "{body}");
    }
    for body in [
        r#"const p = new URLSearchParams(); p.set("host", "localhost"); sh("ping " + p.get("host"));"#,
        r#"bus.emit("pong", name);"#,
        r#"bus.emit("ping", "localhost");"#,
        r#"setTimeout(sh, 10, "ping localhost");"#,
        r#"exec.apply(null, ["ping localhost", name]);"#,
        r#"Reflect.apply(exec, null, ["ping localhost"]);"#,
    ] {
        assert_eq!(runs(body), QUIET, "{body}");
    }
}

#[test]
fn a_witness_that_lacks_the_format_is_no_proof() {
    let split = |check: &str| {
        reads(&format!(
            r#"function valid(p: string) {{ const [kind, rest] = p.split("://", 2);
                 const [name, query] = rest ? rest.split("?", 2) : ["", ""];
                 if (kind !== "note") throw new Error("no"); {check} return path.join(ROOT, name); }}"#
        ))
    };
    assert_eq!(split(""), ["path-traversal in t"]);
    assert_eq!(split(r#"if (!/^\w+$/.test(name)) throw new Error("no");"#), QUIET);
}

#[test]
fn a_path_of_two_arguments_is_followed_for_either() {
    let joined = |schema: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import fs from "fs/promises";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ folder: {schema}, name: {schema} }}, async ({{ folder, name }}) => {{
  return {{ content: [{{ type: "text", text: await fs.readFile(`${{folder}}/notes/${{name}}`, "utf8") }}] }};
}});
"#
            ),
        )
    };
    assert_eq!(joined("z.string()"), ["path-traversal in t"]);
    assert_eq!(joined(r"z.string().regex(/^\w+$/)"), QUIET);
}

/// Lines of the way to the only path that is found, where `write` is called in lines 10 and 13 with what `file` says.
fn ways_to_write(write: &str, file: &str) -> Vec<u32> {
    let text = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "fs/promises";
const server = new McpServer({ name: "x", version: "1" });
const write = WRITE;
server.tool("t", { p: z.string(), end: z.boolean() }, async ({ p, end }) => {
  const file = FILE;
  if (end) {
    await write(file, "at the end");
    return { content: [] };
  }
  await write(file, "at the start");
  return { content: [] };
});
"#;
    let text = text.replace("WRITE", write).replace("FILE", file);
    let report = common::report_of([("index.ts", text.as_str())]);
    let mut files = report.findings.iter().filter(|finding| finding.rule.id == "path-traversal");
    let finding = files.next().expect("found");
    assert!(files.next().is_none(), "one finding");
    let file = report.sources.get(finding.location.file).expect("a file of the target");
    let line = |at: manta_core::Location| file.line_column(at.span.start).line;
    finding.trace.iter().map(|step| line(step.location)).collect()
}

#[test]
fn every_way_of_a_parameter_to_one_sink_is_told() {
    let helper = "(file: string, text: string) => fs.writeFile(file, text)";
    // What is wrapped is always called from one place.
    let wrapped = &format!("((inner: any) => async (...args: any[]) => await inner(...args))({helper})");
    // One of several texts has no step of its own where it is passed on.
    let one_of_two = "`/srv/${end ? p : p + `/`}`";
    for (write, file) in [(helper, "p"), (wrapped, "p"), (helper, one_of_two), (wrapped, one_of_two)] {
        let told = ways_to_write(write, file);
        assert!(told.contains(&10) && told.contains(&13), "{told:?} {write} {file}");
    }
}

#[test]
fn a_value_that_ends_a_path_of_a_service_climbs() {
    let get = |url: &str| {
        let text = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
const server = new McpServer({ name: "x", version: "1" });
const API = process.env.API_URL ?? "https://api.example.com";
server.tool("t", { p: z.string() }, async ({ p }) => {
  const response = await fetch(URL_OF_IT, { headers: { Authorization: `Bearer ${process.env.TOKEN}` } });
  return { content: [{ type: "text", text: await response.text() }] };
});
"#;
        found("index.ts", &text.replace("URL_OF_IT", url))
    };
    assert_eq!(get("`${API}/v1/alerts/${p}`"), ["request-path-traversal in t"]);
    assert_eq!(get("`${API}/v1/alerts/${encodeURIComponent(p)}`"), QUIET);
    assert_eq!(get("`${API}/v1/alerts/${p}/notes`"), QUIET);
    assert_eq!(get("`${API}/v1/alerts?name=${p}`"), QUIET);
    assert_eq!(get("new URL(`https://api.example.com/v1/alerts/${p}`).toString()"), ["request-path-traversal in t"]);
    assert_eq!(get("new URL(`https://api.example.com/v1/alerts/${encodeURIComponent(p)}`)"), QUIET);
}

#[test]
fn promises_of_what_comes_from_outside_hand_on_what_they_resolve_to() {
    let visits = |chain: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import puppeteer from "puppeteer";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("visit", {{ url: z.string() }}, async ({{ url }}) => {{
  {chain}
  return {{ content: [] }};
}});
"#
            ),
        )
    };
    let chained = "await puppeteer.launch().then((browser) => browser.newPage()).then((page) => page.goto(url));";
    let awaited = "const page = await puppeteer.launch().then((browser) => browser.newPage())
        .catch(() => null).finally(() => console.error(\"opened\"));
        await page.goto(url);";
    let fixed = "await puppeteer.launch().then((browser) => browser.newPage())
        .then((page) => page.goto(`https://example.com/?q=${encodeURIComponent(url)}`));";
    assert_eq!(visits(chained), ["ssrf in visit"]);
    assert_eq!(visits(awaited), ["ssrf in visit"]);
    assert_eq!(visits(fixed), QUIET);
}

#[test]
fn what_handlers_write_is_not_there_before_a_client_calls_them() {
    let queued = |next: &str| {
        found(
            "index.js",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ exec }} from "node:child_process";
const queue = [];
const drain = () => {{ while (queue.length > 0) {{ const host = {next}; exec("ping " + host); }} }};
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ name: z.string() }}, async ({{ name }}) => {{
  queue.push(name);
  drain();
  return {{ content: [] }};
}});
"#
            ),
        )
    };
    assert_eq!(queued("queue.shift()"), ["command-injection in t"]);
    assert_eq!(queued("queue[0]"), ["command-injection in t"]);
    assert_eq!(queued("queue.shift().length"), QUIET);
}

#[test]
fn a_check_before_a_text_is_decoded_or_stripped_holds_for_what_it_was() {
    let inside = |value: &str, used: &str| {
        format!(
            r#"function valid(p) {{ const name = {value}; const full = path.resolve(ROOT, name);
            if (path.relative(ROOT, full).startsWith("..")) throw new Error("no");
            return {used}; }}"#
        )
    };
    assert_eq!(reads(&inside("p", "path.resolve(ROOT, decodeURIComponent(name))")), ["path-traversal in t"]);
    assert_eq!(reads(&inside("decodeURIComponent(p)", "full")), QUIET);
    let stripped = |pattern: &str| format!("function valid(p) {{ return path.join(ROOT, p.replace({pattern}, '')); }}");
    assert_eq!(reads(&stripped(r"/\.\.\//g")), ["path-traversal in t"], "`....//` leaves `../`");
    assert_eq!(reads(&stripped(r"/\.\./g")), QUIET, "nothing leaves two full stops in a row");
}

/// What stands before the handler is a shape of parameters or says something about the tool.
#[test]
fn a_parameter_may_have_the_name_of_an_annotation() {
    let server = |shape: &str| {
        format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "child_process";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {shape}, async ({{ title }}) => ({{ content: [{{ type: "text", text: `${{execSync(`echo ${{title}}`)}}` }}] }}));
"#
        )
    };
    assert_eq!(found("index.ts", &server("{ title: z.string() }")), ["command-injection in t"]);
    assert_eq!(found("index.ts", &server("{ title: z.enum(['a', 'b']) }")), QUIET);
    assert_eq!(found("index.ts", &server("{ title: 'Says it', readOnlyHint: true }")), QUIET);
}

#[test]
fn a_port_is_no_host_and_no_path_of_a_socket() {
    let connect = |call: &str| {
        found(
            "index.ts",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import net from "node:net";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ port: z.any(), host: z.string() }}, async ({{ port, host }}) => {{
  const socket = new net.Socket();
  {call};
  return {{ content: [] }};
}});
"#
            ),
        )
    };
    assert_eq!(connect("socket.connect(port, '127.0.0.1', () => {})"), QUIET);
    assert_eq!(connect("net.connect(port, host)"), ["ssrf in t"]);
    assert_eq!(connect("net.connect({ port, host }, () => {})"), ["ssrf in t"]);
    assert_eq!(connect("net.connect({ path: host }, () => {})"), ["path-traversal in t"]);
}
