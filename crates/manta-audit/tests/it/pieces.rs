//! What comes in pieces: bodies of requests, and scripts for a page that a value is put into.

use crate::common;

const QUIET: Vec<String> = Vec::new();

/// A server whose page answers with a file named in the body of a request, read by `read`.
fn page(read: &str, serve: &str) -> Vec<String> {
    let page = format!(
        r#"
import {{ createServer }} from "node:http";
import {{ readFile }} from "node:fs/promises";
import {{ basename, join }} from "node:path";
{read}
createServer({serve}).listen(3000);
"#
    );
    let tools = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import "./page.js";
const server = new McpServer({ name: "notes", version: "1" });
server.tool("ping", "Says hello", {}, async () => ({ content: [] }));
"#;
    common::found([("index.js", tools), ("page.js", &*page)])
}

#[test]
fn the_body_of_a_request_comes_in_pieces() {
    let awaited = [
        "async function body(req) { let all = ''; for await (const piece of req) all += piece; return JSON.parse(all); }",
        "async function body(req) {
           const all = [];
           for await (const piece of req) all.push(piece);
           return JSON.parse(Buffer.concat(all).toString('utf8'));
         }",
        "const body = (req) => new Promise((resolve, reject) => {
           let all = '';
           req.on('data', (piece) => { all += piece; });
           req.on('end', () => resolve(JSON.parse(all)));
           req.on('error', reject);
         });",
    ];
    let vulnerable = "async (req, res) => { const { name } = await body(req); res.end(await readFile(name, 'utf8')); }";
    let fixed = "async (req, res) => {
        const { name } = await body(req);
        res.end(await readFile(join('/srv/notes', basename(name)), 'utf8'));
    }";
    for read in awaited {
        assert_eq!(page(read, vulnerable), ["path-traversal in handler"], "{read}");
        assert_eq!(page(read, fixed), QUIET, "{read}");
    }
    let nested = |name: &str| {
        format!(
            "(req, res) => {{
               let all = '';
               req.on('data', (piece) => {{ all += piece; }});
               req.on('end', async () => {{ const {{ name }} = JSON.parse(all); res.end(await readFile({name})); }});
             }}"
        )
    };
    assert_eq!(page("", &nested("name")), ["path-traversal in handler"]);
    assert_eq!(page("", &nested("join('/srv/notes', basename(name))")), QUIET);
}

#[test]
fn a_script_of_ones_own_is_not_the_callers_to_write() {
    let shows = |make: &str, run: &str| {
        let text = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import puppeteer from "puppeteer";
import CDP from "chrome-remote-interface";
const server = new McpServer({{ name: "charts", version: "1" }});
server.tool("show", {{ name: z.string() }}, async ({{ name }}) => {{
  const script = {make};
  {run}
  return {{ content: [] }};
}});
"#
        );
        common::found([("index.js", &*text)])
    };
    let page = "const page = await (await puppeteer.launch()).newPage();";
    let runs = [
        format!("{page} await page.evaluate(script);"),
        format!(
            "{page} const cdp = await page.createCDPSession();
                 await cdp.send('Runtime.evaluate', {{ expression: script }});"
        ),
        "const client = await CDP({ port: 9222 }); await client.Runtime.evaluate({ expression: script });".to_owned(),
    ];
    for run in &runs {
        for make in ["`window.chart.show('${name}')`", "`window.chart.show('{${name}}')`"] {
            assert_eq!(shows(make, run), ["code-injection in show"], "{make} {run}");
        }
        assert_eq!(shows("`window.chart.show(${JSON.stringify(name)})`", run), QUIET, "{run}");
        // A tool that runs a script is what it says.
        for make in ["name", "`(async () => { ${name} })()`", "`return ${name}`"] {
            assert_eq!(shows(make, run), QUIET, "{make} {run}");
        }
    }
    // HTML is no script.
    assert_eq!(shows("`<h1>${name}</h1>`", &format!("{page} await page.setContent(script);")), QUIET);

    let python = |make: &str| {
        let text = format!(
            r#"
from mcp.server.fastmcp import FastMCP
from playwright.async_api import async_playwright
mcp = FastMCP("charts")

@mcp.tool()
async def show(name: str) -> str:
    import json
    async with async_playwright() as p:
        page = await (await p.chromium.launch()).new_page()
        return str(await page.evaluate({make}))
"#
        );
        common::found([("server.py", &*text)])
    };
    assert_eq!(python("f\"window.chart.show('{name}')\""), ["code-injection in show"]);
    assert_eq!(python("f\"window.chart.show({json.dumps(name)})\""), QUIET);
}

/// A tool that builds a command for another machine out of seven optional words, each through `quote`.
fn optional_words(quote: &str) -> Vec<String> {
    let words = ["user", "host", "port", "base", "folder", "mode", "label"];
    let schema: String = words.iter().map(|word| format!("{word}: z.string().optional(), ")).collect();
    let appended: String = words
        .iter()
        .map(|word| format!("  if (given.{word}) command += ` --{word} ${{quote(given.{word})}}`;\n"))
        .collect();
    let server = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ Client }} from "ssh2";
const server = new McpServer({{ name: "hosts", version: "1" }});
const client = new Client();
{quote}
server.tool("report", "Reports", {{ {schema} }}, async (given) => {{
  let command = "report";
{appended}  client.exec(command, () => {{}});
  return {{ content: [] }};
}});
"#
    );
    common::found([("index.js", &*server)])
}

#[test]
fn optional_words_of_a_command_are_each_quoted() {
    for quote in [
        r#"const quote = (word) => "'" + word.replace(/'/g, "'\\''") + "'";"#,
        r#"function quote(word) { if (word === null || word === undefined) return "''"; return "'" + String(word).replace(/'/g, "'\\''") + "'"; }"#,
    ] {
        assert_eq!(optional_words(quote), QUIET, "{quote}");
    }
    for quote in [
        r#"const quote = (word) => '"' + word + '"';"#,
        r#"function quote(word) { if (word === null || word === undefined) return "''"; return "'" + String(word) + "'"; }"#,
        r#"function quote(word) { if (word.length > 40) return word; return "'" + String(word).replace(/'/g, "'\\''") + "'"; }"#,
    ] {
        assert_eq!(optional_words(quote), ["command-injection in report"], "{quote}");
    }
}
