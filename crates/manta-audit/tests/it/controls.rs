//! Missing controls: what counts as one is what the code does, and not how it is called.

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput, Severity};
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

const RULES: [&str; 3] = ["no-rate-limit", "no-audit-log", "unbounded-input"];

/// `rule tool` of the findings about controls.
fn missing(path: &str, text: &str) -> Vec<String> {
    let manifest = if path.ends_with("py") {
        ("pyproject.toml", "[project]\nname = \"server\"\ndependencies = [\"mcp>=1.2.0\"]\n")
    } else {
        (
            "package.json",
            r#"{"name":"server","main":"index.ts","dependencies":{"@modelcontextprotocol/sdk":"^1.24.0"}}"#,
        )
    };
    let input = ProjectInput::from_texts("server", [(path, text), manifest]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let about = report.findings.iter().filter(|finding| RULES.contains(&finding.rule.id));
    let mut found: Vec<String> = about
        .map(|finding| {
            assert_eq!((finding.severity, finding.persona), (Severity::Low, Persona::Auditor));
            format!("{} {}", finding.rule.id, finding.tools.join(","))
        })
        .collect();
    found.sort();
    found
}

/// A TypeScript server whose tool `run` starts a program after what is given.
fn ts(before: &str, inside: &str) -> Vec<String> {
    missing(
        "index.ts",
        &format!(
            r#"import {{ spawn }} from "node:child_process";
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
{before}
const server = new McpServer({{ name: "s", version: "1" }});
server.tool("run", {{ page: z.number() }}, async ({{ page }}) => {{
  {inside}
  spawn("convert", [String(page)]);
  return {{ content: [] }};
}});
server.tool("add", {{ a: z.number() }}, async ({{ a }}) => ({{ content: [{{ type: "text", text: String(a + 1) }}] }}));
"#
        ),
    )
}

/// The same in Python.
fn py(before: &str, decorator: &str, inside: &str) -> Vec<String> {
    missing(
        "server.py",
        &format!(
            "import subprocess\nimport time\nfrom mcp.server.fastmcp import FastMCP\n{before}\nmcp = FastMCP('s')\n\n\n\
             @mcp.tool()\n{decorator}async def run(page: int) -> str:\n    {inside}\n    return subprocess.run(['convert', str(page)]).stdout\n"
        ),
    )
}

const BOTH: [&str; 2] = ["no-audit-log run", "no-rate-limit run"];
const LIMITED: [&str; 1] = ["no-audit-log run"];
const RECORDED: [&str; 1] = ["no-rate-limit run"];

#[test]
fn nothing_on_the_way_is_said_of_tools_that_cost_something_and_of_no_others() {
    assert_eq!(ts("", ""), BOTH);
    assert_eq!(py("", "", "pass"), BOTH);
}

#[test]
fn a_clock_that_turns_calls_away_is_a_limiter_and_one_that_measures_is_none() {
    let class = r"
class Gate {
  private last = 0;
  pass(): boolean {
    const now = Date.now();
    if (now - this.last < 1000) return false;
    this.last = now;
    return true;
  }
}
const gate = new Gate();";
    assert_eq!(ts(class, "if (!gate.pass()) throw new Error('later');"), LIMITED);
    assert_eq!(ts("", "const began = Date.now(); if (page > 3) { page = 3; } const took = Date.now() - began;"), BOTH);
    let function = "
times = []

def admit():
    now = time.monotonic()
    recent = [t for t in times if now - t < 60]
    if len(recent) > 10:
        raise RuntimeError('later')
    times.append(now)
";
    assert_eq!(py(function, "", "admit()"), LIMITED);
    assert_eq!(py("", "", "began = time.time()"), BOTH);
}

#[test]
fn limiters_of_libraries_count_in_the_handler_and_around_it() {
    assert_eq!(ts("import pLimit from \"p-limit\";\nconst few = pLimit(2);", "await few(() => page);"), LIMITED);
    assert_eq!(
        ts(
            "import express from \"express\";\nimport rateLimit from \"express-rate-limit\";\nconst app = express();\napp.use(rateLimit({ max: 5 }));",
            ""
        ),
        LIMITED
    );
    assert_eq!(py("import asyncio\nfew = asyncio.Semaphore(2)", "", "await few.acquire()"), LIMITED);
    assert_eq!(py("from ratelimit import limits", "@limits(calls=5, period=60)\n", "pass"), LIMITED);
}

#[test]
fn any_record_counts_whatever_writes_it() {
    assert_eq!(ts("", "console.error('run', page);"), RECORDED);
    assert_eq!(
        ts("import { appendFile } from \"node:fs/promises\";", "await appendFile('calls.log', String(page));"),
        RECORDED
    );
    assert_eq!(
        ts("import winston from \"winston\";\nconst log = winston.createLogger({});", "log.info('run');"),
        RECORDED
    );
    assert_eq!(ts("", "const half = Math.log(page);"), BOTH);
    assert_eq!(py("import logging\nlog = logging.getLogger('s')", "", "log.info('run %d', page)"), RECORDED);
    assert_eq!(py("import math", "", "math.log(page)"), BOTH);
}

#[test]
fn a_length_counts_where_it_is_enforced_or_compared() {
    let tool = |schema: &str, inside: &str| {
        let all = missing(
            "index.ts",
            &format!(
                r#"import {{ writeFile }} from "node:fs/promises";
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
const server = new McpServer({{ name: "s", version: "1" }});
server.tool("keep", {{ text: {schema} }}, async ({{ text }}) => {{
  {inside}
  await writeFile("/srv/last.txt", text);
  return {{ content: [] }};
}});
"#
            ),
        );
        all.iter().any(|found| found == "unbounded-input keep")
    };
    assert!(tool("z.string()", ""));
    assert!(tool("z.string().min(1)", ""));
    assert!(tool("z.string()", "const half = text.length / 2;"));
    assert!(!tool("z.string().max(1000)", ""));
    assert!(!tool("z.enum(['a', 'b'])", ""));
    assert!(!tool("z.string()", "if (text.length > 1000) throw new Error('too long');"));
}
