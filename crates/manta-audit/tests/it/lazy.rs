//! Names that a Python package makes when they are asked for (PEP 562).

use crate::common::{self, found};

const REGISTRY: &str = r#"
class Registry:
    def __init__(self):
        self._tools = {}

    def register(self, name, handler):
        self._tools[name] = handler

    def get(self, name):
        return self._tools.get(name)

registry = Registry()

def tool(name):
    def keep(handler):
        registry.register(name, handler)
        return handler
    return keep
"#;

const SERVER: &str = r#"
import json, sys
from notes.registry import registry

def call(params):
    handler = registry.get(params.get("name"))
    if handler is None:
        raise ValueError("unknown tool")
    text = handler(**params.get("arguments", {}))
    return {"content": [{"type": "text", "text": text}]}

METHODS = {"initialize": lambda params: {"protocolVersion": "2025-06-18"}, "tools/call": call}

def main():
    from notes import register_all
    register_all()
    for line in sys.stdin:
        message = json.loads(line)
        result = METHODS[message["method"]](message.get("params", {}))
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}))

main()
"#;

fn server(package: &str, name: &str) -> Vec<String> {
    let tools = format!(
        "from .registry import tool\n\ndef register_tools():\n    @tool(\"note\")\n    def note(name: str) -> str:\n        with open(f\"/srv/notes/{name}\") as f:\n            return f.read()\n"
    );
    let tools = tools.replace("{name}", name);
    found([
        ("server.py", SERVER),
        ("notes/__init__.py", package),
        ("notes/tools.py", tools.as_str()),
        ("notes/registry.py", REGISTRY),
    ])
}

#[test]
fn a_package_makes_the_names_it_is_asked_for() {
    let lazy = r#"
def __getattr__(name):
    if name == "register_all":
        from .tools import register_tools
        return register_tools
    raise AttributeError(name)
"#;
    assert_eq!(server(lazy, "{name}"), ["path-traversal in note"]);
    assert_eq!(server(lazy, "{name.replace('/', '')}"), [""; 0]);
    // Asked for by itself, it ends.
    let circular = "def __getattr__(name):\n    from . import register_all\n    return register_all\n";
    assert_eq!(server(circular, "{name}"), [""; 0]);
}

#[test]
fn what_a_cache_gives_may_be_missing() {
    let server = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { execSync } from "node:child_process";
const server = new McpServer({ name: "x", version: "1" });
class Cache {
  kept = new Map();
  get(key) { const entry = this.kept.get(key); return entry ? entry.value : undefined; }
  set(key, value) { this.kept.set(key, { value }); }
}
const cache = new Cache();
server.tool("list", { folder: z.string() }, async ({ folder }) => {
  const known = cache.get(folder);
  if (known) return known;
  const answer = { content: [{ type: "text", text: execSync("ls " + folder).toString() }] };
  cache.set(folder, answer);
  return answer;
});
"#;
    assert_eq!(common::found([("index.js", server)]), ["command-injection in list"]);
}
