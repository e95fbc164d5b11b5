//! State that one tool sets and another uses.

use crate::common;

use manta_audit::{Settings, audit};
use manta_core::ProjectInput;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// A server with `state`, whose tools are `set` and `use`: what they do.
fn server(state: &str, set: &str, used: &str) -> String {
    format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync, execFileSync }} from "child_process";
import fs from "fs/promises";
import path from "path";
const text = (t: unknown) => ({{ content: [{{ type: "text" as const, text: String(t) }}] }});
export function createServer() {{
  const server = new McpServer({{ name: "x", version: "1" }});
  {state}
  server.tool("set", {{ p: z.string(), k: z.string() }}, async ({{ p, k }}) => {{ {set} return text("set"); }});
  server.tool("use", {{ k: z.string() }}, async ({{ k }}) => text({used}));
  return server;
}}
createServer();
"#
    )
}

fn found(state: &str, set: &str, used: &str) -> Vec<String> {
    common::found([("index.ts", server(state, set, used).as_str())])
}

const QUIET: Vec<String> = Vec::new();
const INJECTED: [&str; 1] = ["command-injection in use"];

#[test]
fn variables_fields_and_entries_are_kept() {
    let run = "execSync(`make -C ${root}`)";
    assert_eq!(found("let root = '/srv';", "root = p;", run), INJECTED);
    assert_eq!(found("const s = { root: '/srv' };", "s.root = p;", "execSync(`make -C ${s.root}`)"), INJECTED);
    assert_eq!(found("const s: any = {};", "Object.assign(s, { root: p });", "execSync(`ls ${s.root}`)"), INJECTED);
    assert_eq!(found("let s = { root: '/srv' };", "s = { ...s, root: p };", "execSync(`ls ${s.root}`)"), INJECTED);
    assert_eq!(found("const m = new Map();", "m.set(k, { cwd: p });", "execSync(`ls ${m.get(k)?.cwd}`)"), INJECTED);
    assert_eq!(found("const t: any = { a: 'x' };", "t[k] = p;", "execSync(`ls ${t.a}`)"), INJECTED);
    let list = "const list: any[] = [];";
    let chosen = "execSync(`ls ${list.find((one) => one.k === k)!.cwd}`)";
    assert_eq!(found(list, "list.push({ k, cwd: p });", chosen), INJECTED);
    assert_eq!(found("", "process.env.BUILD_DIR = p;", "execSync(`ls ${process.env.BUILD_DIR}`)"), INJECTED);
}

#[test]
fn instances_classes_and_functions_are_kept() {
    let class = "class Shell { private dir = '/srv'; setDir(d: string) { this.dir = d; }
        run() { return execSync(`make -C ${this.dir}`); } } const shell = new Shell();";
    assert_eq!(found(class, "shell.setDir(p);", "shell.run()"), INJECTED);
    let single =
        "class Config { static one: Config; #dir = '/srv'; static get() { return (Config.one ??= new Config()); }
        set(d: string) { this.#dir = d; } get dir() { return this.#dir; } }";
    assert_eq!(found(single, "Config.get().set(p);", "execSync(`ls ${Config.get().dir}`)"), INJECTED);
    let fixed = "class Config { static dir = '/srv'; }";
    assert_eq!(found(fixed, "Config.dir = p;", "execSync(`ls ${Config.dir}`)"), INJECTED);
    let made = "class Client { constructor(private base: string) {} get() { return fetch(this.base + '/items'); } }
        let client: Client | null = null;";
    assert_eq!(found(made, "client = new Client(p);", "await client!.get()"), ["ssrf in use"]);
    let later = "const jobs = new Map<string, () => unknown>();";
    assert_eq!(found(later, "jobs.set(k, () => execSync(p));", "jobs.get(k)!()"), ["command-execution in use"]);
}

#[test]
fn what_is_checked_where_it_is_set_or_used_does_no_harm() {
    let run = "execSync(`make -C ${root}`)";
    let checked = "if (!/^[a-z]+$/.test(p)) throw new Error('a name'); root = p;";
    assert_eq!(found("let root = '/srv';", checked, run), QUIET);
    let unanchored = "if (!/[a-z]+/.test(p)) throw new Error('a name'); root = p;";
    assert_eq!(found("let root = '/srv';", unanchored, run), INJECTED);
    assert_eq!(found("let root = '/srv';", "root = p;", "execFileSync('make', ['-C', root])"), QUIET);
    let put_together = "if (!/^[a-z]+$/.test(p)) throw new Error('a name'); root = '/srv/' + p;";
    assert_eq!(found("let root = '/srv';", put_together, run), QUIET);
    let in_entry = "if (!/^[a-z]+$/.test(p)) throw new Error('a name'); m.set(k, { cwd: p });";
    assert_eq!(found("const m = new Map();", in_entry, "execSync(`ls ${m.get(k)?.cwd}`)"), QUIET);
    let inside = "const f = path.resolve('/srv', p); if (!f.startsWith('/srv/')) throw new Error('no'); root = f;";
    assert_eq!(found("let root = '/srv/a';", inside, "await fs.readFile(root, 'utf8')"), QUIET);
    let beside = "const f = path.resolve('/srv', p); if (!f.startsWith('/srv')) throw new Error('no'); root = f;";
    assert_eq!(found("let root = '/srv/a';", beside, "await fs.readFile(root, 'utf8')"), ["path-prefix-bypass in use"]);
    let named = "if (new URL(p).hostname !== 'api.example.com') throw new Error('no'); root = p;";
    assert_eq!(found("let root = 'https://api.example.com';", named, "await fetch(root)"), QUIET);
    assert_eq!(found("let root = 'https://api.example.com';", "root = p;", "await fetch(root)"), ["ssrf in use"]);
}

#[test]
fn what_the_program_stores_itself_is_no_data_of_the_caller() {
    let run = "execSync(`make -C ${root}`)";
    assert_eq!(found("let root = '/srv';", "root = k === 'a' ? '/a' : process.env.ROOT!;", run), QUIET);
    assert_eq!(found("let root = '/srv'; let last = '';", "last = p;", run), QUIET);
    assert_eq!(found("let count = 0;", "count = p.length;", "execSync(`head -n ${count} file`)"), QUIET);
}

#[test]
fn the_finding_names_the_tool_at_the_sink_and_its_steps_begin_at_the_other() {
    let text = server("let root = '/srv';", "root = p;", "execSync(`make -C ${root}`)");
    let input = ProjectInput::from_texts("server", [("index.ts", text.as_str())]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let finding = report.findings.iter().find(|finding| finding.rule.id == "command-injection").expect("it is found");
    assert_eq!(finding.tools, ["use"]);
    let source = finding.source.as_ref().expect("it has a source");
    assert_eq!((source.tool.as_str(), source.param.as_str()), ("set", "p"));
    let steps: Vec<&str> = finding.trace.iter().map(|step| step.message.as_str()).collect();
    assert_eq!(steps.first(), Some(&"`p` of `set` comes from the caller"));
    assert!(steps.contains(&"is kept, and there when `use` is called"), "{steps:?}");
    assert!(finding.message.starts_with("`p` of `set`, which is kept, becomes part"), "{}", finding.message);
}

#[test]
fn members_of_modules_are_variables() {
    let settings = "ROOT = '/srv'\nCHECKED = 'a'\n";
    let server = r#"
import subprocess
import settings
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

@mcp.tool()
def set_root(path: str) -> str:
    settings.ROOT = path
    return "set"

@mcp.tool()
def build() -> str:
    return subprocess.check_output("make -C " + settings.ROOT, shell=True, text=True)

@mcp.tool()
def set_checked(name: str) -> str:
    if not name.isalnum():
        raise ValueError("a name")
    settings.CHECKED = name
    return "set"

@mcp.tool()
def build_checked() -> str:
    return subprocess.check_output("make -C " + settings.CHECKED, shell=True, text=True)

mcp.run()
"#;
    let found = common::found([("server.py", server), ("settings.py", settings)]);
    assert_eq!(found, ["command-injection in build"]);
}

#[test]
fn a_class_that_one_handler_makes_is_gone_when_the_next_one_runs() {
    let server = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { execSync } from "node:child_process";
import { z } from "zod";
const server = new McpServer({ name: "x", version: "1.0.0" });
server.tool("first", { q: z.string() }, async ({ q }) => { const Kind = class { made = execSync(q); }; return new Kind(); });
server.tool("second", { q: z.string() }, async ({ q }) => { const Kind = { made: 1 }; return new (class extends Kind {})(); });
"#;
    assert_eq!(common::found([("server.js", server)]), ["command-execution in first"]);
}
