//! Checks that only a concrete value shows to hold: twins of which one refuses the value and the other does not.

use crate::common;

const QUIET: Vec<String> = Vec::new();

/// What is found in a JavaScript server whose tool `t` has the parameters `p`, `q` and `n` and does `body`.
fn js(before: &str, body: &str) -> Vec<String> {
    let text = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import path from "node:path";
import fs from "node:fs";
import {{ execFileSync }} from "node:child_process";
const server = new McpServer({{ name: "x", version: "1" }});
const text = (text) => ({{ content: [{{ type: "text", text }}] }});
const run = (args) => text(execFileSync("kubectl", args).toString());
const REFUSED = new Set(["server", "kubeconfig", "as"]);
function flag(word) {{
  const name = word.replace(/^-+/, "");
  const at = name.indexOf("=");
  return (at === -1 ? name : name.slice(0, at)).toLowerCase();
}}
{before}
const shape = {{ p: z.string(), q: z.string(), n: z.union([z.string(), z.number()]), m: z.string().optional() }};
server.tool("t", shape, async ({{ p, q, n, m }}) => {{
  {body}
}});
"#
    );
    common::found([("index.js", text.as_str())])
}

/// Every word of an argument list is looked at, after `skip`.
fn checked(skip: &str, call: &str) -> Vec<String> {
    let before = format!(
        r#"
function check(args) {{
  {skip}
  for (let i = 0; i < args.length; i++) {{
    const word = args[i];
    if (typeof word !== "string") continue;
    if (!word.startsWith("-")) continue;
    if (REFUSED.has(flag(word))) throw new Error("no");
  }}
}}"#
    );
    js(&before, call)
}

#[test]
fn two_values_in_one_word_are_an_option_as_one_is() {
    assert_eq!(js("", r#"return run(["get", `${p}/${q}`]);"#), ["argument-injection in t"]);
    assert_eq!(js("", r#"return run(["get", `x/${p}/${q}`]);"#), QUIET);
}

#[test]
fn words_are_checked_one_by_one() {
    let unchecked = r#"const args = ["get", `${p}/${q}`]; return run(args);"#;
    let all = r#"const args = ["get", `${p}/${q}`]; check(args); return run(args);"#;
    let others = r#"const args = ["get"]; check(args); args.push(`${p}/${q}`); return run(args);"#;
    assert_eq!(checked("", unchecked), ["argument-injection in t"]);
    assert_eq!(checked("", all), QUIET);
    assert_eq!(checked("", others), ["argument-injection in t"]);
}

#[test]
fn a_check_that_a_setting_turns_off_is_a_check() {
    let call = r#"const args = ["get", `${p}/${q}`]; check(args); return run(args);"#;
    assert_eq!(checked(r#"if (process.env.UNSAFE === "true") return;"#, call), QUIET);
    assert_eq!(checked(r#"if (process.env.CHECKED !== "true") return;"#, call), ["argument-injection in t"]);
}

#[test]
fn a_number_or_text_is_asked_which_it_is() {
    let fetch = |port: &str| {
        let body = format!(
            "const port = {port}; const got = await fetch(`http://localhost:${{port}}/x`); return text(await got.text());"
        );
        js("", &body)
    };
    assert_eq!(fetch(r#"typeof n === "string" ? parseInt(n, 10) : n"#), QUIET);
    assert_eq!(fetch(r#"typeof n === "string" ? n : 3000"#), ["ssrf in t"]);
    assert_eq!(fetch("n"), ["ssrf in t"]);
}

#[test]
fn what_an_error_was_not_given_it_does_not_have() {
    let fetch = |member: &str| {
        let body = format!(
            r#"let next;
            try {{ if (q) throw new Error(`no ${{p}}`); next = {{ link: "https://host.example/" }}; }}
            catch (error) {{ next = error.{member}; }}
            const got = await fetch(next.link ?? next); return text(await got.text());"#
        );
        js("", &body)
    };
    assert_eq!(fetch("response"), QUIET);
    assert_eq!(fetch("message.slice(3)"), ["ssrf in t"]);
}

#[test]
fn an_extension_of_a_file_without_one_is_none() {
    let write = |check: &str| {
        let body = format!(
            r#"if ({check}) throw new Error("no"); fs.writeFileSync("/srv/" + p.replace("~", ""), q); return text("ok");"#
        );
        js("", &body)
    };
    assert_eq!(write(r#"path.extname(p) === "" || p.includes("..") || p.startsWith("/")"#), QUIET);
    assert_eq!(write(r#"path.extname(p) === "x""#), ["path-traversal in t"]);
    assert_eq!(write(r#"!path.extname(p)"#), ["path-traversal in t"]);
    assert_eq!(write(r#"path.extname(p) !== ".csv""#), ["path-traversal in t"]);
    assert_eq!(write(r#"![".csv", ".tsv"].includes(path.extname(p).toLowerCase())"#), ["path-traversal in t"]);
}

/// What is found in a Python server whose tool `t` has the parameters `p` and `q` and does `body`.
fn py(body: &str) -> Vec<String> {
    let body = body.replace('\n', "\n    ");
    let text = format!(
        r#"
import os, tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Union
from cachetools import TTLCache
import httpx
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
cache = TTLCache(maxsize=8, ttl=60)
@mcp.tool()
def t(p: str, q: str, when: Union[str, datetime]) -> str:
    {body}
"#
    );
    common::found([("server.py", text.as_str())])
}

#[test]
fn a_date_is_replaced_by_fields_and_a_file_by_a_file() {
    assert_eq!(py("return str(when.replace(tzinfo=timezone.utc))"), QUIET);
    assert_eq!(py("Path(p).replace(q)\nreturn \"ok\""), ["path-traversal in t"]);
    assert_eq!(py("Path(p).replace(target=q)\nreturn \"ok\""), ["path-traversal in t"]);
}

#[test]
fn what_is_kept_under_a_key_is_not_made_of_it() {
    assert_eq!(py("url = cache.get(p)\nreturn httpx.get(url).text"), QUIET);
    assert_eq!(py("url = cache.get(p) or p\nreturn httpx.get(url).text"), ["ssrf in t"]);
}

/// What is found in a Python server whose tool `t` runs `dbt` with a list of kinds.
fn dbt(check: &str, extend: &str) -> Vec<String> {
    let text = format!(
        r#"
import os
import subprocess
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
KINDS = frozenset({{"model", "seed", "test"}})
@mcp.tool()
def t(kinds: list[str], name: str) -> str:
    command = ["list"] + os.environ["FLAGS"].split()
    {check}
    {extend}
    return subprocess.run(["dbt", "--no-color", *command], capture_output=True, text=True).stdout
"#
    );
    common::found([("server.py", text.as_str())])
}

#[test]
fn a_list_of_the_wrong_ones_that_is_empty_says_that_all_are_right() {
    let all = r#"command.extend(["--resource-type"] + kinds)"#;
    assert_eq!(dbt("", all), ["argument-injection in t"]);
    assert_eq!(dbt("if wrong := [k for k in kinds if k not in KINDS]:\n        raise ValueError(wrong)", all), QUIET);
    assert_eq!(
        dbt("if right := [k for k in kinds if k in KINDS]:\n        raise ValueError(right)", all),
        ["argument-injection in t"]
    );
    let before = r#"const KINDS = ["get", "list"];"#;
    let call = |check: &str| {
        js(before, &format!(r#"const words = p.split(" "); {check} return run(["get", "pods", ...words]);"#))
    };
    let strict =
        r#"const wrong = words.filter((word) => !KINDS.includes(word)); if (wrong.length > 0) throw new Error("no");"#;
    let loose =
        r#"const wrong = words.filter((word) => word.length > 99); if (wrong.length > 0) throw new Error("no");"#;
    assert_eq!(call(strict), QUIET);
    assert_eq!(call(loose), ["argument-injection in t"]);
}

#[test]
fn the_value_of_an_option_stays_one_behind_words_of_an_unknown_number() {
    assert_eq!(dbt("", r#"command.extend(["--selector", name])"#), QUIET);
    assert_eq!(dbt("", "command.extend([name])"), ["argument-injection in t"]);
    assert_eq!(dbt("", r#"command.extend(["--selector", "x", name])"#), ["argument-injection in t"]);
}

/// An absolute path leads nowhere else below a directory; a relative one does, with whatever ending is asked for.
#[test]
fn an_ending_that_is_asked_for_keeps_nothing_inside() {
    let write = |check: &str| {
        js("", &format!(r#"{check} fs.writeFileSync(path.join("/srv/notes", p), q); return text("ok");"#))
    };
    assert_eq!(write(r#"if (!p.endsWith(".md")) throw new Error("no");"#), ["path-traversal in t"]);
    assert_eq!(write(r#"if (!p.endsWith(".md") || p.includes("..")) throw new Error("no");"#), QUIET);
    let listed = r#"if (![p].every((name) => name.endsWith(".md"))) throw new Error("no");"#;
    assert_eq!(write(listed), ["path-traversal in t"]);
}

#[test]
fn a_witness_climbs_out_of_deep_directories_too() {
    let read = |check: &str| {
        js(
            "",
            &format!(
                "{check} return text(fs.readFileSync(path.join(\"/srv/a/b/c/d/e\", `session-${{p}}.json`), \"utf8\"));"
            ),
        )
    };
    assert_eq!(read(""), ["path-traversal in t"]);
    assert_eq!(read("if (!/^[\\w-]+$/.test(p)) throw new Error(\"no\");"), QUIET);
}

/// An input for one field of what a list holds is none for the fields beside it, of which one is compared.
#[test]
fn fields_of_what_is_in_a_list_are_followed_one_by_one() {
    let tool = |shape: &str, body: &str| {
        let text = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import fs from "node:fs";
const server = new McpServer({{ name: "x", version: "1" }});
const entry = z.object({{ kind: z.string(), file: z.string() }});
server.tool("t", {{ {shape} }}, async ({{ files }}) => {{
  {body}
  return {{ content: [{{ type: "text", text: "done" }}] }};
}});
"#
        );
        common::found([("index.js", text.as_str())])
    };
    let each = |asked: &str| {
        format!(
            r#"for (const one of files) {{ if (!["note", "page"].includes({asked})) continue; fs.readFileSync(one.file); }}"#
        )
    };
    assert_eq!(tool("files: z.array(entry)", &each("one.kind")), ["path-traversal in t"]);
    assert_eq!(tool("files: z.array(entry)", &each("one.file")), QUIET);
    let inner = r#"if (files.of.kind !== "note") throw new Error("no"); fs.readFileSync(files.of.file);"#;
    assert_eq!(tool("files: z.object({ of: entry })", inner), ["path-traversal in t"]);
    let of_kinds = r#"files: z.array(z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("note"), file: z.string() }), z.object({ kind: z.literal("page"), n: z.number() })]))"#;
    assert_eq!(tool(of_kinds, &each("one.kind")), ["path-traversal in t"]);
    let list = r#"for (const one of files.list) { if (one.kind === "note") fs.readFileSync(one.file); }"#;
    assert_eq!(tool("files: z.object({ list: z.array(entry) })", list), ["path-traversal in t"]);

    let python_of = |item: &str, asked: &str| {
        let text = format!(
            "from fastmcp import FastMCP\nfrom pydantic import BaseModel\nmcp = FastMCP(\"x\")\n\
             class Entry(BaseModel):\n    kind: str\n    file: str\nclass Other(BaseModel):\n    kind: str\n    n: int\n\
             @mcp.tool\ndef t(files: list[{item}]) -> str:\n    for one in files:\n        if {asked} not in (\"note\", \"page\"):\n            \
             raise ValueError(\"no\")\n        open(one.file).read()\n    return \"done\"\n"
        );
        common::found([("server.py", text.as_str())])
    };
    let python = |asked: &str| python_of("Entry", asked);
    assert_eq!(python("one.kind"), ["path-traversal in t"]);
    assert_eq!(python("one.file"), QUIET);
    assert_eq!(python_of("Entry | Other", "one.kind"), ["path-traversal in t"]);
}

/// What nobody declared may be an object, whatever text an input puts in its place.
#[test]
fn members_of_what_is_not_declared_are_followed() {
    let tool = |shape: &str, body: &str| {
        let text = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import fs from "node:fs";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ {shape} }}, async ({{ o }}) => {{
  {body}
  return {{ content: [{{ type: "text", text: "done" }}] }};
}});
"#
        );
        common::found([("index.js", text.as_str())])
    };
    assert_eq!(tool("o: z.any()", "fs.readFileSync(o.file);"), ["path-traversal in t"]);
    assert_eq!(
        tool("o: z.array(z.any())", "for (const { file } of o) fs.readFileSync(file);"),
        ["path-traversal in t"]
    );
    let one_of = r#"if (!["a", "b"].includes(o.file)) throw new Error("no"); fs.readFileSync(o.file);"#;
    assert_eq!(tool("o: z.any()", one_of), QUIET);
    assert_eq!(tool("o: z.string()", "fs.readFileSync(String(o.length));"), QUIET);
}

/// `arguments or {}` is what the caller sent or nothing, and so is a copy of it.
#[test]
fn a_copy_of_arguments_or_of_nothing_is_as_untrusted() {
    let server = |made: &str| {
        let text = format!(
            r#"
import json, sys
from pathlib import Path

def listed(_params):
    schema = {{"type": "object", "properties": {{"p": {{"type": "string"}}}}}}
    return {{"tools": [{{"name": "t", "description": "d", "inputSchema": schema}}]}}

def called(params):
    if params.get("name") == "t":
        {made}
        return {{"content": [{{"type": "text", "text": Path(payload.get("p", "x")).read_text()}}]}}

HANDLERS = {{"tools/list": listed, "tools/call": called}}

for line in sys.stdin:
    message = json.loads(line)
    result = HANDLERS.get(message["method"])(message.get("params") or {{}})
    print(json.dumps({{"jsonrpc": "2.0", "id": message.get("id"), "result": result}}), flush=True)
"#
        );
        common::found([("server.py", text.as_str())])
    };
    let found = ["path-traversal in t"];
    assert_eq!(server(r#"payload = dict(params.get("arguments") or {})"#), found);
    assert_eq!(server(r#"payload = {**(params.get("arguments") or {})}"#), found);
    assert_eq!(server(r#"payload = {}; payload.update(params.get("arguments") or {})"#), found);
    assert_eq!(server(r#"payload = {**(params.get("arguments") or {}), "p": "fixed"}"#), QUIET);
}

#[test]
fn a_list_that_may_be_left_out_is_left_out_once() {
    let server = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "node:fs";
const server = new McpServer({ name: "x", version: "1.0.0" });
server.tool("undo", { target: z.string().optional(), paths: z.array(z.string()).optional() }, async ({ target, paths }) => {
  if (paths && paths.length > 0) return { content: [] };
  return { content: [{ type: "text", text: fs.readFileSync(target ?? "a", "utf8") }] };
});
"#;
    assert_eq!(common::found([("server.ts", server)]), ["path-traversal in undo"]);
}
