//! Where credentials go: twins that differ in what reaches an answer, a log or another service.

use crate::common::found;

/// A server whose tool `show` answers with an expression over its settings.
fn typescript(answer: &str) -> String {
    format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ createHash }} from "node:crypto";
const token = process.env.SERVICE_TOKEN ?? "";
const settings = {{ url: process.env.SERVICE_URL, auth: {{ token }} }};
function text(value) {{ return {{ content: [{{ type: "text", text: value }}] }}; }}
const server = new McpServer({{ name: "settings", version: "1.0.0" }});
server.tool("show", "Shows the settings", {{ name: z.string() }}, async ({{ name }}) => text({answer}));
"#
    )
}

#[test]
fn a_credential_in_an_answer_is_exposed_however_it_gets_there() {
    for answer in [
        "token",
        "`token: ${token}`",
        "JSON.stringify(settings)",
        "JSON.stringify({ name, settings: { ...settings } }, null, 2)",
        "[settings.url, settings.auth.token].join(\"\\n\")",
        "String(process.env.SERVICE_TOKEN).trim()",
        "JSON.stringify(process.env)",
        "process.env[name]",
        "Object.entries(settings.auth).map(([key, value]) => `${key}=${value}`).join(\"\\n\")",
    ] {
        let server = typescript(answer);
        assert_eq!(found([("server.ts", server.as_str())]), ["secret-exposure in show"], "{answer}");
    }
}

#[test]
fn what_is_computed_from_a_credential_is_none() {
    for answer in [
        "token ? \"set\" : \"not set\"",
        "`${token.length} characters`",
        "token.slice(-4)",
        "`${token.substring(0, 4)}…`",
        "token.replace(/./g, \"*\")",
        "createHash(\"sha256\").update(token).digest(\"hex\")",
        "JSON.stringify({ ...settings, auth: { token: \"***\" } })",
        "settings.url",
        "process.env[`SERVICE_${name}_LABEL`]",
        "[\"REGION\", \"SERVICE_URL\"].includes(name) ? process.env[name] : \"\"",
        "await (await fetch(\"https://api.example.com/me\", { headers: { authorization: token } })).text()",
    ] {
        let server = typescript(answer);
        assert_eq!(found([("server.ts", server.as_str())]), [""; 0], "{answer}");
    }
}

/// A Python server whose tool `show` runs some lines.
fn python(lines: &str) -> String {
    format!(
        r#"
import json, logging, os
import httpx
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_access_token

logger = logging.getLogger(__name__)
password = os.environ["SERVICE_PASSWORD"]
settings = {{"user": os.getenv("SERVICE_USER"), "password": password}}
mcp = FastMCP("settings")

@mcp.tool
def show(name: str) -> str:
    {lines}
"#
    )
}

#[test]
fn python_answers_logs_and_requests_are_seen() {
    for (lines, rule) in [
        ("return json.dumps(settings)", "secret-exposure"),
        ("return f'{settings}'", "secret-exposure"),
        ("return os.environ.get(name, '')", "secret-exposure"),
        ("return json.dumps(dict(os.environ))", "secret-exposure"),
        ("logger.info('connecting with %s', password)", "secret-exposure"),
        ("logger.debug(f'connecting with {password}')", "secret-exposure"),
        (
            "return httpx.get('https://api.example.com', headers={'Authorization': f'Bearer {get_access_token().token}'}).text",
            "token-passthrough",
        ),
    ] {
        let server = python(lines);
        assert_eq!(found([("server.py", server.as_str())]), [format!("{rule} in show")], "{lines}");
    }
    for lines in [
        "return settings['user']",
        "return json.dumps({**settings, 'password': '***'})",
        "return f'{password[:2]}…'",
        "return str(bool(password))",
        "logger.info('connecting as %s', settings['user'])",
        "return httpx.get('https://api.example.com', auth=('user', password)).text",
        "return httpx.post('https://login.example.com/token', data={'subject_token': get_access_token().token}).text",
    ] {
        let server = python(lines);
        assert_eq!(found([("server.py", server.as_str())]), [""; 0], "{lines}");
    }
}

#[test]
fn the_header_of_the_client_is_its_token() {
    for (value, is_passed_on) in [
        ("extra.requestInfo.headers.authorization", true),
        ("extra.requestInfo?.headers[\"authorization\"]", true),
        ("`Bearer ${extra.authInfo.token}`", true),
        ("`Bearer ${extra.requestInfo.headers.authorization.split(\" \")[1]}`", true),
        ("`Bearer ${await exchange(extra.authInfo.token)}`", false),
        ("`Bearer ${process.env.SERVICE_TOKEN}`", false),
    ] {
        let server = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import axios from "axios";
async function exchange(token) {{
  const answer = await axios.post("https://login.example.com/token", {{ subject_token: token }});
  return answer.data.access_token;
}}
const server = new McpServer({{ name: "issues", version: "1.0.0" }});
server.registerTool("issues", {{ description: "Lists issues" }}, async (extra) => {{
  const answer = await axios.get("https://tracker.example.com", {{ headers: {{ Authorization: {value} }} }});
  return {{ content: [{{ type: "text", text: JSON.stringify(answer.data) }}] }};
}});
"#
        );
        let expected: &[&str] = if is_passed_on { &["token-passthrough in issues"] } else { &[] };
        assert_eq!(found([("server.ts", server.as_str())]), expected, "{value}");
    }
}

#[test]
fn a_secret_in_the_body_goes_where_the_caller_says() {
    let server = python("httpx.post(name, json={'password': password})");
    assert_eq!(found([("server.py", server.as_str())]), ["credential-forwarding in show", "ssrf in show"]);
    let server = python("httpx.post(name, json={'user': 'manta'})");
    assert_eq!(found([("server.py", server.as_str())]), ["ssrf in show"]);
}
