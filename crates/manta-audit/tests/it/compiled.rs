//! Servers as compilers and bundlers leave them: helpers around async functions and imports, and the SDK and zod inside
//! the program.

use crate::common;

/// What is found in a program of one file.
fn found(text: &str) -> Vec<String> {
    common::found([("index.js", text)])
}

#[test]
fn an_async_function_that_a_helper_drives_is_one() {
    let server = |helper: &str| {
        let text = r#"
const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js");
const { z } = require("zod");
const { execSync } = require("node:child_process");
const fs = __importStar(require("node:fs/promises"));
const path = __importStar(require("node:path"));
const inside = (p) => HELPER(function* () {
  const full = yield fs.realpath(path.resolve("/srv", p));
  if (!full.startsWith("/srv" + path.sep)) throw new Error("no");
  return full;
});
const server = new McpServer({ name: "x", version: "1" });
server.tool("any", { p: z.string() }, (_a) => HELPER2(function* ({ p }) {
  const text = yield fs.readFile(p, "utf8");
  return { content: [{ type: "text", text }] };
}));
server.tool("kept", { p: z.string() }, (_a) => HELPER2(function* ({ p }) {
  const full = yield inside(p);
  return { content: [{ type: "text", text: yield fs.readFile(full, "utf8") }] };
}));
server.tool("short", { p: z.string().regex(/^[a-z]+$/) }, (_a) => HELPER2(function* ({ p }) {
  try { return { content: [{ type: "text", text: execSync(`host ${p}`).toString() }] }; } catch (e) { return { content: [] }; }
}));
"#;
        let (plain, given) = match helper {
            "__awaiter" => ("__awaiter(void 0, void 0, void 0, ", "__awaiter(void 0, [_a], void 0, "),
            _ => ("q(this, null, ", "q(this, [_a], "),
        };
        text.replace("HELPER2(", given).replace("HELPER(", plain)
    };
    for helper in ["__awaiter", "q"] {
        assert_eq!(found(&server(helper)), ["path-traversal in any"], "{helper}");
    }
}

#[test]
fn a_wrapped_import_is_the_module() {
    let server = |import: &str| {
        found(&format!(
            r#"
const {{ McpServer }} = require("@modelcontextprotocol/sdk/server/mcp.js");
const {{ z }} = require("zod");
var fs = {import};
const server = new McpServer({{ name: "x", version: "1" }});
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => ({{ content: [{{ type: "text", text: fs.readFileSync(p, "utf8") }}] }}));
"#
        ))
    };
    for import in ["require(\"fs\")", "__toESM(require(\"fs\"), 1)", "Q(require(\"fs\"),1)"] {
        assert_eq!(server(import), ["path-traversal in t"], "{import}");
    }
    assert_eq!(server("__toESM(require(\"./fake\"), 1)"), Vec::<String>::new());
}

/// A server with the SDK's own class inside, under a name that a minifier gave, and what it hands to clients.
fn bundled(zod: &str) -> Vec<String> {
    found(&format!(
        r#"
import {{ readFileSync }} from "node:fs";
var A = class {{
  constructor(info) {{ this._tools = {{}}; }}
  setToolRequestHandlers() {{ this.server.setRequestHandler(L, () => ({{ tools: Object.keys(this._tools) }})); }}
  setResourceRequestHandlers() {{ this.server.setRequestHandler(R, () => ({{ resources: [] }})); }}
  registerTool(name, config, run) {{ this._tools[name] = {{ config, run }}; return this._tools[name]; }}
}};
{zod}
var s = new A({{ name: "x", version: "1" }});
s.registerTool("any", {{ inputSchema: {{ name: text() }} }}, async ({{ name }}) => ({{ content: [{{ type: "text", text: readFileSync(name, "utf8") }}] }}));
s.registerTool("one", {{ inputSchema: {{ name: oneOf(["a", "b"]) }} }}, async ({{ name }}) => ({{ content: [{{ type: "text", text: readFileSync(`/srv/${{name}}`, "utf8") }}] }}));
"#
    ))
}

#[test]
fn the_sdk_and_zod_inside_a_bundle_are_what_they_are() {
    let third = r#"
var K = {}; (function (k) { k.ZodString = "ZodString"; k.ZodEnum = "ZodEnum"; })(K);
var T = class { constructor(def) { this._def = def; } };
var S = class extends T {}, E = class extends T {};
S.create = (params) => new S({ checks: [], typeName: K.ZodString, ...params });
E.create = (values, params) => new E({ values, typeName: K.ZodEnum, ...params });
var text = S.create, oneOf = E.create;
"#;
    let fourth = r#"
function make(name, init) { function _(def) { const inst = this; init(inst, def); inst._zod.def = def; return inst; } return _; }
var S = make("ZodString", () => {}), E = make("ZodEnum", () => {});
function text(params) { return new S({ type: "string", ...params }); }
function oneOf(values, params) {
  const entries = Array.isArray(values) ? Object.fromEntries(values.map((v) => [v, v])) : values;
  return new E({ type: "enum", entries, ...params });
}
"#;
    let own = r#"function text() { return "text"; } function oneOf(values) { return values[0]; }"#;
    assert_eq!(bundled(third), ["path-traversal in any"]);
    assert_eq!(bundled(fourth), ["path-traversal in any"]);
    assert_eq!(bundled(own), ["path-traversal in any", "path-traversal in one"]);
}

#[test]
fn modules_that_a_bundler_makes_functions_of_load_each_other() {
    let init = |number: usize| {
        format!("var init_{number} = __esm({{ \"src/{number}.ts\"() {{ init_{}(); }} }});\n", number + 1)
    };
    let inits: String = (0..6).map(init).collect();
    let server = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "node:child_process";
var __getOwnPropNames = Object.getOwnPropertyNames;
var __esm = (fn, res) => function __init() {{
  return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
}};
{inits}
var server;
var init_6 = __esm({{ "src/6.ts"() {{
  server = new McpServer({{ name: "x", version: "1" }});
  server.tool("list", {{ dir: z.string() }}, async ({{ dir }}) => execSync(`ls ${{dir}}`).toString());
}} }});
init_0();
"#
    );
    assert_eq!(found(&server), ["command-injection in list"]);
}

/// A package of two files as TypeScript compiles them for Node: the service behind `import service from "./service.js"`
/// answers with `answer`.
fn compiled_service(answer: &str) -> Vec<String> {
    let service = format!(
        r#""use strict";
Object.defineProperty(exports, "__esModule", {{ value: true }});
async function get(params) {{ return {answer}; }}
exports.default = {{
    get,
}};
"#
    );
    let server = r#""use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
const mcp_js_1 = require("@modelcontextprotocol/sdk/server/mcp.js");
const zod_1 = require("zod");
const child_process_1 = require("child_process");
const service_js_1 = __importDefault(require("./service.js"));
const server = new mcp_js_1.McpServer({ name: "x", version: "1" });
server.tool("clone", { name: zod_1.z.string() }, async ({ name }) => {
    const found = await service_js_1.default.get({ name });
    (0, child_process_1.execFileSync)("git", ["clone", found.address, "copy"]);
    return { content: [] };
});
"#;
    let package = r#"{"name":"x","version":"1.0.0","main":"dist/index.js"}"#;
    common::found([("package.json", package), ("dist/index.js", server), ("dist/service.js", &*service)])
}

#[test]
fn a_default_export_is_found_through_the_helper_of_the_compiler() {
    let asked = r#"(await (await fetch("https://api.example.com/" + encodeURIComponent(params.name))).json())"#;
    assert_eq!(compiled_service(asked), [""; 0]);
    assert_eq!(compiled_service("{ address: params.name }"), ["argument-injection in clone"]);
}
