//! How a tool is written down, times how it is registered: every way to define tools is put before every way to hand them
//! to an SDK, with the ways a handler gets to its argument in turn. Each is a server of its own with a tool that runs what
//! it is given, and whichever way is taken, that has to be said of this tool. Pairs of real servers hardly show that a way
//! to define tools is understood before one way to register them and not before another; most flows that were missed in
//! unseen servers were missed because their tools were not there, or had no arguments.

use std::path::Path;

use manta_core::Severity;

use crate::common::{Part, comment_of, parts, report_of};

/// A part of the file, with the files that belong to it.
struct Way<'t> {
    part: Part<'t>,
    files: Vec<Part<'t>>,
}

impl Way<'_> {
    /// What stands behind the colon of its name.
    fn says(&self) -> &str {
        self.part.says.split_once(": ").map_or("", |(_, says)| says)
    }
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/wiring").join(name);
    std::fs::read_to_string(path).expect("a file of this test")
}

fn ways<'t>(name: &str, text: &'t str, kinds: &[&str]) -> Vec<Way<'t>> {
    let mut ways: Vec<Way<'t>> = Vec::new();
    for part in parts(text, comment_of(name), &[kinds, &["file"]].concat()).into_iter().skip(1) {
        match (part.kind, ways.last_mut()) {
            ("file", Some(way)) => way.files.push(part),
            _ => ways.push(Way { part, files: Vec::new() }),
        }
    }
    ways
}

fn of<'w, 't>(ways: &'w [Way<'t>], kind: &str) -> Vec<&'w Way<'t>> {
    ways.iter().filter(|way| way.part.kind == kind).collect()
}

/// Whether the worst that can be said is said of the tool.
fn is_found(files: &[(String, String)]) -> bool {
    let report = report_of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    report.findings.iter().any(|finding| {
        matches!(finding.rule.id, "command-execution" | "command-injection")
            && finding.severity >= Severity::High
            && finding.tools.iter().any(|tool| tool == "run_it")
    })
}

const MANIFEST: &str = r#"{"name": "s", "type": "module", "main": "index.js", "dependencies": {"@modelcontextprotocol/sdk": "^1.20.0", "zod": "^3.25.0"}}"#;

const SHARED: &str = r#"
import { exec } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
export { z };
export const sh = promisify(exec);
export function requireString(args, key) {
  const value = args[key];
  if (typeof value !== "string") throw new Error(`${key} must be a string`);
  return value;
}
"#;

const INDEX: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
function listing() {
  const server = new Server({ name: "s", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: TOOLS.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
  }));
  return server;
}
"#;

/// What both tools take, as an SDK is told.
fn schemas(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "shape" => ("RunSchema.shape", "{}"),
        "full" => ("RunSchema", "z.object({})"),
        "json" => (
            r#"{ type: "object", properties: { cmd: { type: "string" } }, required: ["cmd"] }"#,
            r#"{ type: "object", properties: {} }"#,
        ),
        other => panic!("no such schema: {other}"),
    }
}

fn javascript_server(
    schema: &Way<'_>,
    argument: &Way<'_>,
    definition: &Way<'_>,
    registration: &Way<'_>,
) -> Vec<(String, String)> {
    let (takes, nothing) = schemas(registration.says());
    let body = format!(
        "{} const {{ stdout }} = await sh(cmd); return {{ content: [{{ type: \"text\", text: stdout }}] }};",
        argument.part.text
    );
    let filled = |text: &str| {
        text.replace(
            "RUN",
            r#"{ name: "run_it", description: "Runs it", inputSchema: SCHEMA, handler: async (ARGS) => { BODY } }"#,
        )
        .replace(
            "PING",
            r#"{ name: "ping", description: "Answers", inputSchema: NOTHING, handler: async () => ({ content: [] }) }"#,
        )
        .replace("SCHEMA", takes)
        .replace("NOTHING", nothing)
        .replace("ARGS", argument.says())
        .replace("BODY", &body)
    };
    let needed = |path: &str| {
        let up = if path.contains('/') { "../" } else { "./" };
        format!("import {{ RunSchema, requireString, sh, z }} from \"{up}shared.js\";\n")
    };
    let mut files = vec![
        ("package.json".to_owned(), MANIFEST.to_owned()),
        ("shared.js".to_owned(), format!("{SHARED}{}", schema.part.text)),
        (
            "index.js".to_owned(),
            format!("{}{INDEX}{}{}", needed("index.js"), filled(&definition.part.text), registration.part.text),
        ),
    ];
    for file in definition.files.iter().chain(&registration.files) {
        files.push((file.says.to_owned(), needed(file.says) + &filled(&file.text)));
    }
    files
}

#[test]
fn javascript_tools_are_found_however_they_are_wired() {
    let text = read("tools.js");
    let ways = ways("tools.js", &text, &["schema", "argument", "definition", "registration"]);
    let [schemas, arguments, definitions, registrations] =
        ["schema", "argument", "definition", "registration"].map(|kind| of(&ways, kind));
    assert!(definitions.len() > 20 && registrations.len() > 10 && arguments.len() > 10 && schemas.len() > 4);
    let mut missed = Vec::new();
    for (i, registration) in registrations.iter().enumerate() {
        for (j, definition) in definitions.iter().enumerate() {
            let argument = arguments[(5 * i + 7 * j) % arguments.len()];
            let schema = schemas[(i + 2 * j) % schemas.len()];
            let files = javascript_server(schema, argument, definition, registration);
            if !is_found(&files) {
                let names = [schema, argument, definition, registration].map(|way| way.part.says);
                missed.push(names.join(" / "));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

const PYPROJECT: &str = r#"
[project]
name = "s"
version = "1.0.0"
dependencies = ["mcp>=1.9", "fastmcp>=2.5"]
"#;

/// A low-level server with both tools, up to where calls are told apart; the handler of `run_it` begins with how it gets
/// to its argument.
fn low_level(argument: &str) -> String {
    format!(
        r#"
import mcp.types as types
from mcp.server import Server
from mcp.server.stdio import stdio_server

server = Server("s")

@server.list_tools()
async def list_tools() -> list[types.Tool]:
    takes = {{"type": "object", "properties": {{"cmd": {{"type": "string"}}}}, "required": ["cmd"]}}
    run_it = types.Tool(name="run_it", description="Runs it", inputSchema=takes)
    return [run_it, types.Tool(name="ping", description="Answers", inputSchema={{"type": "object"}})]

async def run_impl(arguments: dict[str, Any]) -> list[types.TextContent]:
{argument}
    return [types.TextContent(type="text", text=run(cmd))]

async def ping_impl(arguments: dict[str, Any]) -> list[types.TextContent]:
    return [types.TextContent(type="text", text="pong")]

"#
    )
}

const DISPATCHER: &str = r#"
@server.call_tool()
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
"#;

const LOW_LEVEL_END: &str = r#"
async def main() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())

asyncio.run(main())
"#;

#[test]
fn python_tools_are_found_however_they_are_wired() {
    let text = read("tools.py");
    let ways = ways("tools.py", &text, &["shared", "argument", "support", "dispatch", "server"]);
    let [shared, arguments, supports, dispatches, servers] =
        ["shared", "argument", "support", "dispatch", "server"].map(|kind| of(&ways, kind));
    assert!(arguments.len() > 10 && dispatches.len() > 10 && servers.len() > 40);
    let shared = &shared[0].part.text;
    let is_found = |server: String, others: &[Part<'_>]| {
        let mut files = vec![("pyproject.toml".to_owned(), PYPROJECT.to_owned()), ("server.py".to_owned(), server)];
        // A package has no names of its own, which would hide its modules.
        let needed = |path: &str| if path.ends_with("__init__.py") { "" } else { shared.as_str() };
        files.extend(others.iter().map(|file| (file.says.to_owned(), format!("{}{}", needed(file.says), file.text))));
        is_found(&files)
    };
    let mut wrong = Vec::new();
    for server in servers {
        let is_missed = !is_found(format!("{shared}{}", server.part.text), &server.files);
        if is_missed != (server.says() == "missed") {
            wrong.push(server.part.says.to_owned());
        }
    }
    for argument in arguments {
        for dispatch in &dispatches {
            let support = supports.iter().find(|support| support.part.says == dispatch.says());
            assert_eq!(support.is_none(), dispatch.says().is_empty(), "{}", dispatch.part.says);
            let support = support.map_or("", |support| &support.part.text);
            let server = low_level(&argument.part.text);
            let calls = format!("{support}{DISPATCHER}{}", dispatch.part.text);
            if !is_found(format!("{shared}{server}{calls}{LOW_LEVEL_END}"), &[]) {
                wrong.push(format!("{} / {}", argument.part.says, dispatch.part.says));
            }
        }
    }
    assert!(wrong.is_empty(), "missed, or no longer: {}", wrong.join("\n"));
}
