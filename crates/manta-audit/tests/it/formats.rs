//! Texts that the program takes apart: a path alone gets through none of the checks here, and does as a piece of what the
//! program expects. Each way to take a text apart is tried with the piece as it is, and with two checks that hold: one of
//! the piece, and one of the whole text.

use crate::common;

const QUIET: Vec<String> = Vec::new();

/// What is found in a JavaScript server whose tool `t` has the parameter `p` and does `body`, where `out` reads a file and
/// `ok` says that its argument is a name.
fn js(body: &str) -> Vec<String> {
    let text = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import fs from "node:fs";
const server = new McpServer({{ name: "x", version: "1" }});
const none = () => ({{ content: [] }});
const ok = (name) => {{ if (!/^[\w-]+$/.test(name)) throw new Error("no name"); }};
const out = (name) => ({{ content: [{{ type: "text", text: fs.readFileSync("/srv/data/" + name, "utf8") }}] }});
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  {body}
}});
"#
    );
    common::found([("index.js", text.as_str())])
}

/// The same in Python.
fn py(body: &str) -> Vec<String> {
    let text = format!(
        r#"
import re
from urllib.parse import urlparse
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")

def ok(name):
    if not re.fullmatch(r"[\w-]+", name):
        raise ValueError("no name")

def out(name):
    with open("/srv/data/" + name) as file:
        return file.read()

@mcp.tool()
def t(p: str) -> str:
    {}
"#,
        body.replace('\n', "\n    ")
    );
    common::found([("server.py", text.as_str())])
}

/// Says of every way, as code and the piece that is read, that it is found, and that it is not where the piece or the whole
/// text is checked.
fn all_are_found(scan: fn(&str) -> Vec<String>, ways: &[(&str, &str)], whole: &str, end: &str) {
    for (code, piece) in ways {
        let (read, check) = (format!("return out({piece}){end}"), format!("ok({piece}){end}"));
        assert_eq!(scan(&format!("{code}\n{read}")), ["path-traversal in t"], "{code}");
        assert_eq!(scan(&format!("{code}\n{check}\n{read}")), QUIET, "{code}, with the piece checked");
        assert_eq!(scan(&format!("{whole}\n{code}\n{read}")), QUIET, "{code}, with the whole checked");
    }
}

#[test]
fn javascript_takes_texts_apart() {
    let ways = [
        (r#"const m = p.match(/^file:(.+)$/); if (!m) throw new Error("no");"#, "m[1]"),
        (
            r#"const m = /^(?<kind>[a-z]+):(?<name>.*)$/.exec(p); if (!m || m.groups.kind !== "file") throw new Error("no");"#,
            "m.groups.name",
        ),
        (r#"const [k, v] = p.split("="); if (k !== "path") return none();"#, "v"),
        (r#"const [a, b] = p.split(":"); if (!/^[a-z]+$/.test(a)) throw new Error("no");"#, "b"),
        (r#"const [first, ...rest] = p.split(":"); if (first !== "x") throw new Error("no");"#, r#"rest.join(":")"#),
        (r#"if (!p.includes(":")) throw new Error("no");"#, r#"p.split(":")[1]"#),
        (
            r#"const i = p.indexOf(":"); const k = p.slice(0, i), v = p.slice(i + 1); if (k !== "file") throw new Error("no");"#,
            "v",
        ),
        (r#"const i = p.indexOf(":"); if (i < 0) throw new Error("no"); const v = p.slice(i + 1);"#, "v"),
        (
            r#"const [cmd, arg] = p.split("\n")[0].split(" "); if (!["read", "show"].includes(cmd)) return none();"#,
            "arg",
        ),
        (
            r#"const u = new URL(p); if (u.protocol !== "notes:") throw new Error("no");"#,
            "decodeURIComponent(u.pathname)",
        ),
    ];
    all_are_found(js, &ways, r#"if (p.includes("..") || p.includes("%")) throw new Error("up");"#, ";");
    let by_kind = |read: &str| {
        js(&format!(
            r#"const [kind, id] = p.split(":");
switch (kind) {{ case "none": return none(); case "file": {read} default: throw new Error("no"); }}"#
        ))
    };
    assert_eq!(by_kind("return out(id);"), ["path-traversal in t"]);
    assert_eq!(by_kind("ok(id); return out(id);"), QUIET);
}

#[test]
fn python_takes_texts_apart() {
    let ways = [
        ("kind, _, name = p.partition(\":\")\nif kind != \"file\":\n    raise ValueError()", "name"),
        ("head, _, tail = p.rpartition(\"#\")\nif head != \"x\":\n    return \"\"", "tail"),
        ("kind, name = p.split(\":\", 1)\nif not kind.isalpha():\n    raise ValueError()", "name"),
        ("kind, name = p.split(\":\")\nif kind not in (\"file\", \"note\"):\n    raise ValueError()", "name"),
        (
            "m = re.match(r\"^([a-z]+):(.*)$\", p)\nif not m or m.group(1) != \"file\":\n    raise ValueError()",
            "m.group(2)",
        ),
        ("u = urlparse(p)\nif u.scheme != \"notes\":\n    raise ValueError()", "u.path"),
        ("i = p.find(\":\")\nif i < 0 or p[:i] != \"file\":\n    raise ValueError()\nname = p[i + 1:]", "name"),
    ];
    all_are_found(py, &ways, "if \"..\" in p:\n    raise ValueError()", "");
    let matched = |read: &str| {
        py(&format!(
            "match p.split(\":\"):\n    case [\"file\", name]:\n        {read}\n    case _:\n        raise ValueError()"
        ))
    };
    assert_eq!(matched("return out(name)"), ["path-traversal in t"]);
    assert_eq!(matched("ok(name)\n        return out(name)"), QUIET);
}

/// An address of which the program looks at one part and asks another.
#[test]
fn hosts_are_pieces_too() {
    let fetches = |body: &str| {
        let text = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  {body}
}});
"#
        );
        common::found([("index.js", text.as_str())])
    };
    let parted = r#"const [kind, where] = p.split("|"); if (kind !== "site") throw new Error("no");"#;
    let fetched = "const got = await fetch(where); return { content: [{ type: 'text', text: await got.text() }] };";
    assert_eq!(fetches(&format!("{parted} {fetched}")), ["ssrf in t"]);
    let first = r#"const i = p.indexOf(":"); const where = p.slice(i + 1); if (p.slice(0, i) !== "site") throw new Error("no");"#;
    assert_eq!(fetches(&format!("{first} {fetched}")), ["ssrf in t"]);
    let checked = r#"if (new URL(where).hostname !== "api.example.com") throw new Error("no");"#;
    assert_eq!(fetches(&format!("{parted} {checked} {fetched}")), QUIET);
}

/// What is asked for its first element may be a list, where nothing says that it is none.
#[test]
fn elements_are_pieces_too() {
    let typescript = |read: &str| {
        let text = format!(
            r#"
import {{ Server }} from "@modelcontextprotocol/sdk/server/index.js";
import {{ CallToolRequestSchema }} from "@modelcontextprotocol/sdk/types.js";
import fs from "node:fs";
const server = new Server({{ name: "x", version: "1" }}, {{ capabilities: {{ tools: {{}} }} }});
server.setRequestHandler(CallToolRequestSchema, async (request) => {{
  const {{ name, arguments: args }} = request.params;
  if (name !== "t") throw new Error("no");
  {read}
}});
"#
        );
        common::found([("index.js", text.as_str())])
    };
    let python = |read: &str| {
        let text = format!(
            r#"
from mcp.server import Server
app = Server("x")

@app.call_tool()
async def call(name: str, arguments: dict):
    if name != "t":
        raise ValueError()
    {}
"#,
            read.replace('\n', "\n    ")
        );
        common::found([("server.py", text.as_str())])
    };
    let read = r#"return { content: [{ type: "text", text: fs.readFileSync(args.files[0], "utf8") }] };"#;
    assert_eq!(typescript(read), ["path-traversal in t"]);
    assert_eq!(typescript(&format!(r#"if (!/^\w+$/.test(args.files[0])) throw new Error("no"); {read}"#)), QUIET);
    for element in [r#"arguments["files"][0]"#, r#"arguments.get("files", [""])[0]"#] {
        assert_eq!(python(&format!("return open({element}).read()")), ["path-traversal in t"], "{element}");
        let checked =
            format!("file = {element}\nif not file.isalnum():\n    raise ValueError()\nreturn open(file).read()");
        assert_eq!(python(&checked), QUIET, "{element}");
    }
}
