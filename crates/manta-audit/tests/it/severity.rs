//! How bad a flow is, decided from the program: twins that differ in what the caller gains.

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput, Severity};
use manta_flow::engine::Limits;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// Rules of findings at high or critical that the regular persona sees, with the tools they name.
fn loud(path: &str, text: &str) -> Vec<String> {
    loud_within(Limits::default(), path, text)
}

fn loud_within(limits: Limits, path: &str, text: &str) -> Vec<String> {
    let input = ProjectInput::from_texts("server", [(path, text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings { limits, ..Settings::default() });
    let is_loud = |severity: Severity| matches!(severity, Severity::High | Severity::Critical);
    let findings = report.findings.iter();
    let loud = findings.filter(|finding| finding.persona == Persona::Regular && is_loud(finding.severity));
    let mut loud: Vec<String> =
        loud.map(|finding| format!("{} in {}", finding.rule.id, finding.tools.join(", "))).collect();
    loud.dedup();
    loud
}

/// A JavaScript server whose tool `t` has the parameter `p` and does `body`.
fn js(before: &str, body: &str) -> Vec<String> {
    loud(
        "index.js",
        &format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import path from "node:path";
import os from "node:os";
import fs from "node:fs";
const server = new McpServer({{ name: "x", version: "1" }});
const ROOT = process.env.ROOT || "/data";
const text = (text) => ({{ content: [{{ type: "text", text }}] }});
{before}
server.tool("t", {{ p: z.string(), q: z.string() }}, async ({{ p, q }}) => {{
  {body}
}});
"#
        ),
    )
}

/// A Python server whose tool `t` has the parameters `p` and `q` and does `body`.
fn py(before: &str, body: &str) -> Vec<String> {
    let body = body.replace('\n', "\n    ");
    loud(
        "server.py",
        &format!(
            r#"
import json, os, re
from pathlib import Path
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
ROOT = Path(os.environ.get("ROOT", "/data"))
{before}
@mcp.tool()
def t(p: str, q: str) -> str:
    {body}
"#
        ),
    )
}

const QUIET: Vec<String> = Vec::new();

#[test]
fn a_file_handed_out_as_it_is_is_worse_than_one_of_a_format() {
    assert_eq!(js("", r#"return text(fs.readFileSync(p, "utf8"));"#), ["path-traversal in t"]);
    assert_eq!(js("", r#"return text(JSON.stringify(Object.keys(JSON.parse(fs.readFileSync(p, "utf8")))));"#), QUIET);
    assert_eq!(js("", r#"return text(String(fs.readFileSync(p).length));"#), QUIET);
    assert_eq!(py("", "with open(p) as f:\n    return f.read()"), ["path-traversal in t"]);
    assert_eq!(py("", "with open(p) as f:\n    return f\"{len(json.load(f))} entries\""), QUIET);
}

#[test]
fn what_a_program_prints_of_a_file_is_handed_out() {
    let run = "import { execFileSync, spawnSync } from \"node:child_process\";";
    assert_eq!(js(run, r#"return text(execFileSync("cat", ["--", p]).toString());"#), ["path-traversal in t"]);
    assert_eq!(js(run, r#"return text(spawnSync("head", ["-n", "5", "--", p]).stdout);"#), ["path-traversal in t"]);
    assert_eq!(js(run, r#"return text(String(spawnSync("grep", ["-e", "x", "--", p]).status));"#), QUIET);
    let run = "import subprocess";
    assert_eq!(
        py(run, "return subprocess.run([\"cat\", \"--\", p], capture_output=True).stdout"),
        ["path-traversal in t"]
    );
    assert_eq!(py(run, "return str(subprocess.run([\"cat\", \"--\", p]).returncode)"), QUIET);
}

#[test]
fn leaving_the_directory_that_the_program_names_is_bad_whatever_is_read() {
    assert_eq!(
        js("", r#"JSON.parse(fs.readFileSync(path.join(ROOT, p), "utf8")); return text("ok");"#),
        ["path-traversal in t"]
    );
    assert_eq!(
        js("", r#"JSON.parse(fs.readFileSync(path.resolve(process.cwd(), p), "utf8")); return text("ok");"#),
        QUIET
    );
    assert_eq!(py("", "json.loads((ROOT / p).read_text())\nreturn \"ok\""), ["path-traversal in t"]);
}

#[test]
fn a_directory_of_the_callers_is_less_than_a_file_of_the_callers() {
    assert_eq!(js("", r#"return text(fs.readFileSync(path.join(p, "package.json"), "utf8"));"#), QUIET);
    assert_eq!(js("", r#"return text(fs.readFileSync(path.join(p, q), "utf8"));"#), ["path-traversal in t"]);
    assert_eq!(py("", "return (Path(p) / \"pyproject.toml\").read_text()"), QUIET);
    assert_eq!(py("", "return (Path(p) / q).read_text()"), ["path-traversal in t"]);
}

#[test]
fn an_ending_that_the_program_asks_for_limits_what_can_be_meant() {
    let checked = r#"if (!p.endsWith(".csv")) throw new Error("csv only");"#;
    assert_eq!(js("", &format!(r#"{checked} return text(fs.readFileSync(p, "utf8"));"#)), QUIET);
    assert_eq!(
        js("", r#"if (!p.startsWith("/")) throw new Error("no"); return text(fs.readFileSync(p, "utf8"));"#),
        ["path-traversal in t"]
    );
}

#[test]
fn a_file_that_the_caller_fills_is_worse_than_one_that_the_program_fills() {
    assert_eq!(js("", r#"fs.writeFileSync(p, q); return text("ok");"#), ["path-traversal in t"]);
    assert_eq!(js("", r#"fs.writeFileSync(p, JSON.stringify(os.cpus())); return text("ok");"#), QUIET);
    assert_eq!(js("", r#"fs.rmSync(p, { recursive: true }); return text("ok");"#), ["path-traversal in t"]);
    assert_eq!(py("", "with open(p, \"w\") as f:\n    f.write(q)\nreturn \"ok\""), ["path-traversal in t"]);
    assert_eq!(py("", "with open(p, \"w\") as f:\n    json.dump({\"a\": 1}, f)\nreturn \"ok\""), QUIET);
    assert_eq!(
        py("", "with open(p, \"w\") as f:\n    json.dump({\"a\": q}, f)\nreturn \"ok\""),
        ["path-traversal in t"]
    );
}

/// A server with a pool of database connections; `tools` use `run(statement)`.
fn database(tools: &str) -> Vec<String> {
    loud(
        "index.js",
        &format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import pg from "pg";
const server = new McpServer({{ name: "x", version: "1" }});
const pool = new pg.Pool();
const run = async (text) => ({{ content: [{{ type: "text", text: JSON.stringify(await pool.query(text)) }}] }});
{tools}
"#
        ),
    )
}

#[test]
fn breaking_out_of_a_statement_gains_nothing_where_any_statement_is_run() {
    let drop = r#"server.tool("drop", { name: z.string() }, ({ name }) => run(`DROP TABLE ${name}`));"#;
    let any = r#"server.tool("any", { sql: z.string() }, ({ sql }) => run(sql));"#;
    assert_eq!(database(drop), ["sql-injection in drop"]);
    assert_eq!(database(&format!("{drop}\n{any}")), QUIET);
}

#[test]
fn breaking_out_of_a_remote_command_gains_nothing_where_any_command_is_run_there() {
    const IMPORT: &str = r#"import { execFileSync } from "node:child_process";"#;
    let device = r#"execFileSync("adb", ["shell", "rm", p]); return text("ok");"#;
    let whole = |program: &str, args: &str| {
        let before = r#"server.tool("run", { command: z.string() }, async ({ command }) =>
            text(execFileSync(PROGRAM, [ARGS, command]).toString()));"#;
        let before = before.replace("PROGRAM", program).replace("ARGS", args);
        js(&format!("{IMPORT}\n{before}"), device)
    };
    assert_eq!(js(IMPORT, device), ["command-injection in t"]);
    assert_eq!(whole(r#""adb""#, r#""shell""#), QUIET);
    assert_eq!(whole(r#""ssh""#, r#""host.example""#), ["command-injection in t"]);
}

#[test]
fn a_library_for_remote_commands_is_no_other_way_there() {
    let server = |run: &str| {
        let text = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ Client }} from "ssh2";
const server = new McpServer({{ name: "x", version: "1" }});
const client = new Client();
const run = (command) => {{ client.exec(command, () => {{}}); return {{ content: [] }}; }};
server.tool("tail", {{ file: z.string() }}, async ({{ file }}) => run(`tail -n 5 "${{file}}"`));
server.tool("run", {{ command: z.string(), folder: z.string() }}, async ({{ command, folder }}) => run({run}));
"#
        );
        loud("index.js", &text)
    };
    for whole in ["command", "`cd /srv && ${command}`", "`cd ${folder} && ${command}`"] {
        assert!(server(whole).is_empty(), "{whole}: {:?}", server(whole));
    }
    // One of a list is not the caller's to write, whose folder is.
    let listed = "`cd ${folder} && ${command === 'up' ? 'make up' : 'make down'}`";
    for part in [listed, "`systemctl status ${command}`", "`cd '${folder}' && make ${command}`"] {
        assert_eq!(server(part), ["command-injection in run", "command-injection in tail"], "{part}");
    }
}

#[test]
fn a_statement_inside_a_statement_is_a_statement() {
    let explain = r#"server.tool("t", { q: z.string() }, ({ q }) => run(`EXPLAIN ${q}`));"#;
    let count = r#"server.tool("t", { q: z.string() }, ({ q }) => run(`SELECT count(*) FROM (${q}) AS x`));"#;
    let table = r#"server.tool("t", { q: z.string() }, ({ q }) => run(`SELECT count(*) FROM ${q}`));"#;
    assert_eq!(database(explain), QUIET);
    assert_eq!(database(count), QUIET);
    assert_eq!(database(table), ["sql-injection in t"]);
}

#[test]
fn a_check_that_only_an_option_turns_off_is_a_check() {
    let check = |skip: &str| {
        format!(
            r#"function inside(f) {{ {skip}
              if (!path.resolve(f).startsWith("/data/")) throw new Error("outside"); }}"#
        )
    };
    let body = r#"inside(p); return text(fs.readFileSync(path.resolve(p), "utf8"));"#;
    assert_eq!(js(&check(r#"if (process.env.ALLOW_ANY === "true") return;"#), body), QUIET);
    assert_eq!(js(&check("if (process.env.ALLOW_ANY) return;"), body), QUIET);
    // Here it is the other way round: nothing is checked unless somebody asks for it.
    assert_eq!(js(&check(r#"if (process.env.CHECK_PATHS !== "true") return;"#), body), ["path-traversal in t"]);
    assert_eq!(js(&check("if (!process.env.ROOT) return;"), body), ["path-traversal in t"]);
}

#[test]
fn a_function_that_always_throws_ends_the_path() {
    let fail = r#"function fail(why) { throw new Error(why); } function note(why) { console.error(why); }
        const inside = (f) => f.startsWith("/data/");"#;
    let read = r#"const f = path.resolve(p); CHECK return text(fs.readFileSync(f, "utf8"));"#;
    let check = |check: &str| js(fail, &read.replace("CHECK", check));
    assert_eq!(check(r#"if (!inside(f)) { fail("outside"); }"#), QUIET);
    assert_eq!(check(r#"inside(f) || fail("outside");"#), QUIET);
    assert_eq!(check(r#"inside(f) || note("outside");"#), ["path-traversal in t"]);
}

#[test]
fn what_passed_a_filter_passed_its_test() {
    let before = r#"const roots = process.argv.slice(2).map((r) => path.resolve(r));
        const inside = (r, f) => f === r || f.startsWith(r + path.sep);"#;
    let read = r#"const f = path.resolve(p); const roots_of = roots.filter((r) => TEST);
        if (!roots_of[0]) throw new Error("outside"); return text(fs.readFileSync(f, "utf8"));"#;
    assert_eq!(js(before, &read.replace("TEST", "inside(r, f)")), QUIET);
    assert_eq!(
        js(before, &read.replace("!roots_of[0]", "roots_of.length === 0").replace("TEST", "inside(r, f)")),
        QUIET
    );
    assert_eq!(js(before, &read.replace("TEST", "r.length > 0")), ["path-traversal in t"]);
}

#[test]
fn the_nearest_directory_that_exists_stands_for_the_file() {
    let before = |check: &str| {
        format!(
            r#"function real(f) {{ const r = path.resolve(f);
              try {{ return path.join(fs.realpathSync(path.dirname(r)), path.basename(r)); }} catch {{ return r; }} }}
            const roots = [os.tmpdir(), process.cwd()];
            function inside(f, root) {{ const rel = path.relative(root, f);
              if (path.isAbsolute(rel)) return false; {check} return true; }}"#
        )
    };
    let body = r#"const f = real(p); if (!roots.some((root) => inside(f, root))) throw new Error("outside");
        return text(fs.readFileSync(p, "utf8"));"#;
    assert_eq!(js(&before(r#"if (rel.startsWith("..")) return false;"#), body), QUIET);
    assert_eq!(js(&before(""), body), ["path-traversal in t"]);
}

#[test]
fn a_resource_of_a_fixed_address_is_asked_for_by_it() {
    let resource = |uri: &str| {
        loud(
            "index.js",
            &format!(
                r#"
import {{ McpServer, ResourceTemplate }} from "@modelcontextprotocol/sdk/server/mcp.js";
const server = new McpServer({{ name: "x", version: "1" }});
server.resource("r", {uri}, async (uri) => {{
  const answer = await fetch(`https://${{uri.host}}${{uri.pathname}}`);
  return {{ contents: [{{ uri: uri.href, text: await answer.text() }}] }};
}});
"#
            ),
        )
    };
    assert_eq!(resource(r#""https://docs.example/a""#), QUIET);
    assert_eq!(resource(r#"new ResourceTemplate("https://{host}/{page}", { list: undefined })"#), ["ssrf in r"]);
}

#[test]
fn what_a_match_is_made_of_tells_whether_it_matched() {
    let before = "ID = re.compile(r\"^[0-9]{4}$\")\ndef valid(s):\n    return bool(ID.match(s))\n";
    assert_eq!(py(before, "if not valid(p):\n    return \"no\"\nreturn (ROOT / p).read_text()"), QUIET);
    assert_eq!(py(before, "valid(p)\nreturn (ROOT / p).read_text()"), ["path-traversal in t"]);
}

#[test]
fn a_single_instance_is_made_when_it_is_asked_for() {
    let class = r#"class Runner { static instance; static get() { if (!Runner.instance) { Runner.instance = new Runner(); }
          return Runner.instance; }
        read(f) { return fs.readFileSync(f, "utf8"); } }"#;
    assert_eq!(js(class, "return text(Runner.get().read(p));"), ["path-traversal in t"]);
}

#[test]
fn a_filter_of_the_callers_is_the_tool_and_a_field_of_one_is_not() {
    let mongo = |shape: &str, filter: &str| {
        loud(
            "index.js",
            &format!(
                r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ MongoClient }} from "mongodb";
const server = new McpServer({{ name: "x", version: "1" }});
const users = new MongoClient("mongodb://localhost").db("a").collection("users");
server.tool("t", {{ {shape} }}, async (args) => ({{
  content: [{{ type: "text", text: JSON.stringify(await users.find({filter}).toArray()) }}],
}}));
"#
            ),
        )
    };
    assert_eq!(mongo("filter: z.record(z.any())", "args.filter"), QUIET);
    assert_eq!(mongo("name: z.any()", "{ name: args.name }"), ["nosql-injection in t"]);
}

#[test]
fn an_address_without_a_host_goes_nowhere() {
    let fetch = |url: &str| js("", &format!("return text(await (await fetch({url})).text());"));
    assert_eq!(fetch("`/api/${p}`"), QUIET);
    assert_eq!(fetch("`https://${p}/api`"), ["ssrf in t"]);
}

#[test]
fn rights_of_a_file_are_harmless_unless_the_caller_chooses_them() {
    assert_eq!(py("", "os.chmod(p, 0o600)\nreturn \"ok\""), QUIET);
    assert_eq!(py("", "os.chmod(p, int(q, 8) if q else q)\nreturn \"ok\""), ["path-traversal in t"]);
}

#[test]
fn a_program_that_runs_in_a_container_is_not_one_that_runs_here() {
    let run = |argv: &str| {
        js(
            r#"import { execFileSync } from "node:child_process";"#,
            &format!(r#"return text(execFileSync("kubectl", {argv}, {{ encoding: "utf8" }}));"#),
        )
    };
    assert_eq!(run(r#"["exec", "web", "--", p]"#), QUIET);
    assert_eq!(run(r#"["get", p]"#), ["argument-injection in t"]);
}

#[test]
fn a_symbol_is_a_key_of_its_own() {
    let before = r#"const URLS = Symbol("urls"); const BODIES = Symbol("bodies");
        class Request { constructor(url, body) { this[URLS] = url; this[BODIES] = body; }
          send() { return fetch(this[URLS], { method: "POST", body: this[BODIES] }); } }"#;
    assert_eq!(
        js(before, r#"return text(await (await new Request("https://api.example/", p).send()).text());"#),
        QUIET
    );
    assert_eq!(js(before, r#"return text(await (await new Request(p, "x").send()).text());"#), ["ssrf in t"]);
}

#[test]
fn a_generic_base_class_is_its_base() {
    let server = r#"
from mcp.server.fastmcp import FastMCP
class Server(FastMCP[dict]):
    pass
mcp = Server("x")
@mcp.tool()
def t(p: str) -> str:
    return open(p).read()
"#;
    assert_eq!(loud("server.py", server), ["path-traversal in t"]);
}

#[test]
fn tools_that_register_tools_are_no_trouble() {
    let again = |name: &str| {
        format!(
            r#"server.tool("{name}", {{ p: z.string() }}, async ({{ p }}) => {{ add(() => text(p)); return text(fs.readFileSync(p, "utf8")); }});"#
        )
    };
    let before = format!(
        "const add = (handler) => server.tool(\"late\", {{ p: z.string() }}, async ({{ p }}) => handler(p));\n{}\n{}",
        again("a"),
        again("b")
    );
    assert_eq!(js(&before, "add(() => q); return text(p);"), ["path-traversal in a", "path-traversal in b"]);
}

#[test]
fn what_the_transport_carries_is_set_by_the_client_and_not_by_the_model() {
    let server = |host: &str| {
        format!(
            r#"
import httpx
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_http_headers

mcp = FastMCP("x")

@mcp.tool
async def t(p: str) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"https://{{{host}}}/items")).text
"#
        )
    };
    assert_eq!(loud("server.py", &server("p")), ["ssrf in t"]);
    assert_eq!(loud("server.py", &server("get_http_headers()['x-host']")), Vec::<String>::new());
}

#[test]
fn breaking_out_of_a_statement_is_less_where_whole_ones_are_sent() {
    let server = |whole: &str| {
        let before = format!(
            r#"
import {{ Grail }} from "some-warehouse";
const grail = new Grail();
const send = (body, bound) => grail.queryExecute(body, bound);
server.tool("whole", {{ p: z.string() }}, async ({{ p }}) => {{ {whole}; return text("ok"); }});
"#
        );
        js(&before, "await send({ query: `SELECT a FROM b WHERE c = '${p}'` }); return text(\"ok\");")
    };
    assert_eq!(server("await send({ query: p })"), QUIET);
    assert_eq!(server("await send({ query: 'SELECT a FROM b' }, p)"), ["sql-injection in t"]);
}

#[test]
fn what_no_input_was_followed_to_is_less_certain() {
    let server = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "node:fs";
import path from "node:path";
const server = new McpServer({ name: "x", version: "1" });
server.tool("t", { p: z.string() }, async ({ p }) => {
  const names = ["a", "b", "c"].map((name) => name.toUpperCase()).filter((name) => name !== "B");
  const file = path.join("/data", names.join("/"), p);
  return { content: [{ type: "text", text: fs.readFileSync(file, "utf8") }] };
});
"#;
    assert_eq!(loud("index.js", server), ["path-traversal in t"]);
    let limits = Limits { fuel_per_witness: 20, ..Limits::default() };
    assert!(loud_within(limits, "index.js", server).is_empty());
}

/// A look whether the file is there leaves what is known of how its path was put together.
#[test]
fn an_ending_stays_fixed_where_the_file_is_looked_for() {
    let head = "import { existsSync, unlinkSync } from \"node:fs\";\nimport { resolve } from \"node:path\";\n";
    let path =
        "const file = process.env.ROOT ? resolve(process.env.ROOT, p) : resolve(p);\nconst more = `${file}.import`;";
    assert_eq!(js(head, &format!("{path}\nunlinkSync(more);")), [""; 0]);
    assert_eq!(js(head, &format!("{path}\nif (existsSync(more)) unlinkSync(more);")), [""; 0]);
    assert_eq!(js(head, &format!("{path}\nif (existsSync(file)) unlinkSync(file);")), ["path-traversal in t"]);
}
