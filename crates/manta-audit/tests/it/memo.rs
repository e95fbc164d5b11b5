//! Remembering calls changes how long an analysis takes and nothing else.
#![expect(clippy::unwrap_used, reason = "a test that can't go on may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use manta_audit::{Settings, audit};
use manta_core::ProjectInput;
use manta_flow::engine::Limits;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// Findings and inventory, with or without memory.
fn report(files: &[(String, String)], memo: bool) -> String {
    let input = ProjectInput::from_texts("server", files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let limits = Limits { memo, ..Limits::default() };
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings { limits, ..Settings::default() });
    format!("{:#?}\n{:#?}\n{:#?}", report.findings, report.servers, report.completeness)
}

fn is_the_same(name: &str, files: &[(String, String)]) {
    let (with, without) = (report(files, true), report(files, false));
    let differing = with.lines().zip(without.lines()).find(|(a, b)| a != b);
    assert!(with == without, "{name}: {differing:?}");
}

fn read(directory: &Path, below: &str, files: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{below}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push((name, text));
        }
    }
}

#[test]
fn examples_give_the_same_findings() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for entry in fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let mut files = Vec::new();
            read(&path, "", &mut files);
            is_the_same(&path.display().to_string(), &files);
        }
    }
}

fn one(name: &str, text: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), text.to_owned())]
}

/// Each tool calls a helper several times; what differs between the calls must not be forgotten.
#[test]
fn state_between_equal_calls_is_seen() {
    let text = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { execSync } from "child_process";
const server = new McpServer({ name: "x", version: "1" });
let last = "ls";
const cache = { command: "ls", nested: { value: "ls" } };
class Options { constructor() { this.command = "ls"; } }
const make = () => new Options();
const stored = () => cache.nested.value;
const current = () => last;
function checked(p) { if (!/^[a-z]+$/.test(p)) throw new Error("no"); }
server.tool("fresh", { p: z.string() }, async ({ p }) => {
  make(); make(); make(); make();
  const a = make(); a.command = p; const b = make(); b.command = "ls";
  execSync(a.command); execSync(make().command);
});
server.tool("nested", { p: z.string() }, async ({ p }) => {
  stored(); stored(); stored(); stored();
  cache.nested.value = p;
  execSync(stored());
});
server.tool("variable", { p: z.string() }, async ({ p }) => {
  current(); current(); current(); current();
  last = p;
  execSync(current());
});
server.tool("captured", { p: z.string() }, async ({ p }) => {
  let own = "ls"; const read = () => own;
  read(); read(); read(); read();
  own = p;
  execSync(read());
});
server.tool("checked", { p: z.string(), q: z.string() }, async ({ p, q }) => {
  for (const round of [1, 2, 3, 4, 5]) { checked(p); execSync("echo " + p); }
  try { checked(q); checked(q); checked(q); checked(q); } catch { }
  execSync("echo " + q);
});
"#;
    is_the_same("state", &one("index.js", text));
    let input = ProjectInput::from_texts("server", [("index.js", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let mut tools: Vec<&str> = report.findings.iter().flat_map(|finding| &finding.tools).map(String::as_str).collect();
    tools.sort_unstable();
    tools.dedup();
    assert_eq!(tools, ["captured", "checked", "fresh", "nested", "variable"]);
}

/// Every tool makes the same calls of things that it makes anew; where the things differ, so does what comes of the calls.
#[test]
fn calls_under_other_names_are_the_same_calls_and_no_others() {
    let text = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { execSync } from "child_process";
const server = new McpServer({ name: "x", version: "1" });
class Session { constructor(kind) { this.kind = kind; this.log = []; this.command = "ls"; this.next = null; } }
let current = null;
function open(kind) {
  const session = new Session(kind);
  for (const line of ["a", "b", "c"]) { session.log.push(kind + line); session.kind = kind.toLowerCase(); }
  current = session;
  return session;
}
function copy(from, to) {
  to.command = "true";
  for (const line of ["a", "b", "c"]) { to.log.push(line); }
  to.command = from.command;
  return to.log.length;
}
function reader(session) {
  let calls = 0;
  const read = () => { calls = calls + 1; for (const line of ["a", "b", "c"]) { session.log.push(line); } return session.command; };
  return read;
}
function depth(node) {
  if (!node) return 0;
  for (const line of ["a", "b", "c"]) { node.log.push(line); }
  return 1 + depth(node.next);
}
const twice = (read) => { read(); return read(); };
server.tool("clean", { p: z.string() }, async ({ p }) => {
  const a = open("A"); const b = open("A"); copy(a, b); depth(a); twice(reader(a)); execSync(twice(reader(b)));
});
server.tool("copied", { p: z.string() }, async ({ p }) => {
  const a = open("A"); const b = open("A"); copy(a, b); a.command = p; copy(a, b); execSync(b.command);
});
server.tool("other_way", { p: z.string() }, async ({ p }) => {
  const a = open("A"); const b = open("A"); copy(a, b); a.command = p; copy(b, a); execSync(a.command);
});
server.tool("one_for_two", { p: z.string() }, async ({ p }) => {
  const a = open("A"); const b = open("A"); copy(a, b); copy(a, b); a.command = p; copy(a, a); execSync(a.command);
});
server.tool("kept", { p: z.string() }, async ({ p }) => {
  const a = open("A"); open("A"); a.command = p; execSync(current.command);
});
server.tool("set", { p: z.string() }, async ({ p }) => {
  open("A"); open("A"); current.command = p; execSync(twice(reader(current)));
});
server.tool("closed_over", { p: z.string() }, async ({ p }) => {
  const a = open("A"); const b = open("A"); const [x, y] = [reader(a), reader(b)];
  twice(x); twice(y); b.command = p; twice(x); execSync(y());
});
server.tool("nested", { p: z.string() }, async ({ p }) => {
  const a = open("A"); const b = open("A"); a.next = b; depth(a); depth(b); b.command = p; depth(a); execSync(a.next.command);
});
server.tool("listed", { p: z.string() }, async ({ p }) => {
  const a = open("A"); depth(a); a.log.push(p); depth(a); execSync(a.log.join(" "));
});
"#;
    is_the_same("names", &one("index.js", text));
    let input = ProjectInput::from_texts("server", [("index.js", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let commands = report.findings.iter().filter(|finding| finding.rule.id.contains("command"));
    let mut tools: Vec<&str> = commands.flat_map(|finding| &finding.tools).map(String::as_str).collect();
    tools.sort_unstable();
    tools.dedup();
    // `one_for_two` ends with what it begins with: one object is not two.
    assert_eq!(tools, ["closed_over", "copied", "listed", "nested", "set"]);
}

/// What comes again is another thing each time, by whichever way it comes.
#[test]
fn what_comes_again_is_made_anew() {
    let text = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { execSync } from "child_process";
const server = new McpServer({ name: "x", version: "1" });
const settings = { kind: "a" };
function make() {
  const made = { command: "ls", log: [] };
  for (const line of ["a", "b", "c", "d", "e"]) { made.log.push(settings.kind + line); made.last = line + settings.kind; }
  return made;
}
server.tool("first", { p: z.string() }, async ({ p }) => {
  if (p === "x") { settings.kind = "b"; make(); } else { make(); }
  execSync(make().command);
});
server.tool("second", { p: z.string() }, async ({ p }) => {
  const a = make(); settings.kind = "a"; const b = make(); a.command = p; execSync(b.command);
});
server.tool("third", { p: z.string() }, async ({ p }) => {
  const a = make(); settings.kind = "a"; const b = make(); b.command = p; execSync(b.command);
});
"#;
    is_the_same("twice", &one("index.js", text));
    let input = ProjectInput::from_texts("server", [("index.js", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let commands = report.findings.iter().filter(|finding| finding.rule.id.contains("command"));
    let tools: Vec<&str> = commands.flat_map(|finding| &finding.tools).map(String::as_str).collect();
    assert_eq!(tools, ["third"]);
}

/// A parser does the same with every line that the caller gives.
#[test]
fn what_is_parsed_line_by_line_gives_the_same_findings() {
    let text = r##"
import subprocess
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

def words(line, marks):
    out = []
    for word in line.split(" "):
        if word.startswith("*"):
            out.append({"text": word[1:], "marks": marks + ["b"]})
        elif word.startswith("_"):
            out.append({"text": word[1:], "marks": marks + ["i"]})
        else:
            out.append({"text": word, "marks": marks})
    return out

def parse(text):
    nodes = []
    for line in text.split("\n"):
        if line.startswith("# "):
            nodes.append({"type": "head", "content": words(line[2:], [])})
        elif line.startswith("- "):
            nodes.append({"type": "item", "content": words(line[2:], ["li"])})
        else:
            nodes.append({"type": "text", "content": words(line, [])})
    return nodes

@mcp.tool()
def render(text: str, title: str) -> str:
    head = parse(title)
    body = parse(text)
    return subprocess.check_output("render " + body[0]["content"][0]["text"], shell=True)

@mcp.tool()
def count(text: str, title: str) -> str:
    body = parse(text) + parse(title)
    return subprocess.check_output("count " + str(len(body)), shell=True)
"##;
    is_the_same("parser", &one("server.py", text));
}

#[test]
fn loops_over_helpers_give_the_same_findings() {
    let mut text = String::from("import os\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n");
    text.push_str("def h0(p, n):\n    return os.path.join('/srv', p) if n else p\n");
    for depth in 1..5 {
        text.push_str(&format!(
            "def h{depth}(p, n):\n    out = []\n    for x in [p, 'a']:\n        while n:\n            out.append(h{}(x, n))\n            n = n - 1\n    return out[0] if out else h{}(p, n)\n",
            depth - 1,
            depth - 1
        ));
    }
    text.push_str("@mcp.tool()\ndef t(p: str, n: int):\n    return open(h4(p, n)).read()\n");
    is_the_same("loops", &one("server.py", &text));
}

/// Each tool makes many calls that have nothing to do with its caller before the one that matters.
#[test]
fn calls_that_differ_in_the_servers_own_data_hide_none_that_does_not() {
    let mut helpers = String::from(
        r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { execSync } from "child_process";
const server = new McpServer({ name: "x", version: "1" });
class Client {
  constructor(name) { this.name = name; this.send = (text) => this.name + ": " + text; }
  label(text) { return `[${this.name}] ${text}`; }
}
const clients = {};
const kept = { command: "ls" };
const label = (text) => { const parts = []; parts.push(text, "!"); return parts.join(" "); };
const client = (name) => { const made = new Client(name); made.at = 1; made.last = null; return made; };
const run = (what, how) => { const all = what + " " + label(how); return execSync(all); };
const actions = { list: (p) => "ls", shell: (p) => execSync(p) };
const action = (name) => { const found = actions[name] ?? actions.list; const known = found; return known; };
const status = (name) => { const text = name + kept.command; const all = text.trim(); return all.length > 3 ? all : "none"; };
const counter = (start) => { let value = start; return { set: (next) => { value = next; }, get: () => value }; };
function refuse(why) { const text = label(why); const error = new Error(text); error.code = 1; throw error; }
"#,
    );
    let each =
        |call: &str| -> String { (0..9).map(|n| format!("  {};\n", call.replace('#', &n.to_string()))).collect() };
    for (tool, before, last) in [
        ("text", each("label('a#')"), "execSync(label(p))"),
        ("instance", each("client('a#').label('b#')"), "const c = client('z'); c.name = p; execSync(c.label('x'))"),
        ("arrow", each("client('a#').send('b#')"), "const c = client('z'); c.name = p; execSync(c.send('x'))"),
        ("sink", each("run('echo', 'a#')"), "run(p, 'z')"),
        ("table", each("action('a#')"), "action('shell')(p)"),
        ("global", each("status('a#')"), "kept.command = p; execSync(status('z'))"),
        ("closure", each("counter('a#').get()"), "const c = counter('z'); c.set(p); execSync(c.get())"),
        ("apart", each("counter('a#').get()"), "const c = counter('z'), d = counter('y'); d.set(p); execSync(d.get())"),
        ("throws", each("try { refuse('a#'); } catch { }"), "try { refuse('z'); } catch { execSync(p); }"),
    ] {
        helpers.push_str(&format!(
            "server.tool(\"{tool}\", {{ p: z.string() }}, async ({{ p }}) => {{\n{before}  {last};\n}});\n"
        ));
    }
    is_the_same("variants", &one("index.js", &helpers));
    let input = ProjectInput::from_texts("server", [("index.js", helpers.as_str())]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let mut tools: Vec<&str> = report.findings.iter().flat_map(|finding| &finding.tools).map(String::as_str).collect();
    tools.sort_unstable();
    tools.dedup();
    assert_eq!(tools, ["apart", "arrow", "closure", "global", "instance", "sink", "table", "text", "throws"]);
}

/// A call that always raises is remembered, and raises again: what its handler does is followed.
#[test]
fn a_remembered_call_that_raised_raises_again() {
    let text = r#"
import subprocess
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

class Refused(Exception):
    pass

def describe(why):
    words = [why, "is", "refused"]
    return " ".join(words)

def refuse(why):
    text = describe(why)
    error = Refused(text)
    raise error

def check(name):
    if not name.isalnum():
        refuse("name")
    return name

@mcp.tool()
def caught(name: str) -> str:
    for why in ["a", "b", "c", "d", "e", "f", "g", "h"]:
        try:
            refuse(why)
        except Refused:
            pass
    try:
        check(name)
    except Refused:
        pass
    return subprocess.run("echo " + name, shell=True, capture_output=True).stdout
"#;
    let files = one("server.py", text);
    is_the_same("raises", &files);
    let input = ProjectInput::from_texts("server", [("server.py", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_py::Python)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let injections = report.findings.iter().filter(|finding| finding.rule.id == "command-injection");
    let tools: Vec<&str> = injections.flat_map(|finding| &finding.tools).map(String::as_str).collect();
    assert_eq!(tools, ["caught"]);
}
