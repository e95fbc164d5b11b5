//! Answers of services that are not known: what is read out of them is not the caller's, what they are made of may be.

use crate::common;

const QUIET: Vec<String> = Vec::new();

/// What is found in a Python server whose tool `t` has the parameters `p` and `q` and does `body`.
fn py(body: &str) -> Vec<String> {
    let body = body.replace('\n', "\n    ");
    let text = format!(
        r#"
import os
from cloudstore import Client
from textkit import Layout, tidy
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
client = Client(os.environ["TOKEN"])
layout = Layout("wide")
@mcp.tool()
def t(p: str, q: str) -> str:
    {body}
"#
    );
    common::found([("server.py", text.as_str())])
}

#[test]
fn fields_of_what_a_client_got_for_a_key_are_not_the_key() {
    let reads = |path: &str| py(&format!("return open({path}).read()"));
    assert_eq!(reads(r#"client.get(p)["path"]"#), QUIET);
    assert_eq!(reads("client.get_item(p).path"), QUIET);
    assert_eq!(reads(r#"client.items().list(key=p).execute().get("path")"#), QUIET);
    assert_eq!(reads(r#"client.get(p).get("path", q)"#), ["path-traversal in t"]);
    assert_eq!(reads("client.get(p)"), ["path-traversal in t"]);
}

#[test]
fn fields_of_what_is_made_of_a_text_are_of_it() {
    let reads = |path: &str| py(&format!("return open({path}).read()"));
    assert_eq!(reads("layout.parse(p).path"), ["path-traversal in t"]);
    assert_eq!(reads("tidy(p).path"), ["path-traversal in t"]);
    assert_eq!(reads(r#"client.get({"path": p})["path"]"#), ["path-traversal in t"]);
}

/// What is found in a JavaScript server whose tool `t` has the parameter `p` and does `body`.
fn js(body: &str) -> Vec<String> {
    let text = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "node:child_process";
import {{ Cloud }} from "cloudstore";
const server = new McpServer({{ name: "x", version: "1" }});
const cloud = new Cloud(process.env.TOKEN);
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  {body}
  return {{ content: [{{ type: "text", text: "ok" }}] }};
}});
"#
    );
    common::found([("index.js", text.as_str())])
}

#[test]
fn an_answer_that_is_awaited_is_one() {
    assert_eq!(js("const app = await cloud.info(p); execSync(`git remote add x ${app.url}`);"), QUIET);
    assert_eq!(js("const { url } = await cloud.apps.getApp(p); execSync(`git remote add x ${url}`);"), QUIET);
    assert_eq!(
        js("const app = await cloud.info(p); execSync(`git remote add x ${app.url} ${p}`);"),
        ["command-injection in t"]
    );
    assert_eq!(js("const app = await cloud.resolve(p); execSync(`git add ${app.url}`);"), ["command-injection in t"]);
}

/// The helper is interpreted once and remembered for the other calls, which are the same under other names.
#[test]
fn an_answer_is_one_however_often_it_was_asked_for() {
    let helper = "const load = async (key) => { const all = []; for (const part of [1, 2, 3, 4, 5, 6]) all.push(part + key); \
                  return cloud.getApp(key); }; const asked = async (key) => load(key.slice(1));";
    let body = |used: &str| {
        format!(
            "{helper} await asked(p); await asked(p); await asked(p); const app = await asked(p); execSync({used});"
        )
    };
    assert_eq!(js(&body("`git remote add x ${app.url}`")), QUIET);
    assert_eq!(js(&body("`git remote add x ${app.url} ${p}`")), ["command-injection in t"]);
}
