//! Python packages whose modules enter themselves into a registry when they are loaded.

use crate::common::{found, report_of};

/// Names of the tools of all servers, sorted.
fn tools<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let servers = report_of(files).servers;
    let mut names: Vec<String> =
        servers.iter().flat_map(|server| &server.tools).map(|tool| tool.name.clone()).collect();
    names.sort();
    names
}

const REGISTRY: &str = r#"
class Registry:
    tools: dict[str, "Base"] = {}

    @classmethod
    def register(cls, kind):
        tool = kind()
        cls.tools[tool.name] = tool

    @classmethod
    def listing(cls):
        return [tool.describe() for tool in cls.tools.values()]

class Base:
    name: str = ""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.name:
            Registry.register(cls)

    def describe(self):
        return Tool(name=self.name, description="", inputSchema={"type": "object"})
"#;

const SERVER: &str = r#"
from mcp.server.lowlevel import Server
from .tools.registry import Registry

app = Server("registry")

@app.list_tools()
async def listing():
    return Registry.listing()

@app.call_tool()
async def call(name, arguments):
    return await Registry.tools[name].run(arguments)
"#;

const PING: &str = r#"
import subprocess
from .registry import Base

class Ping(Base):
    name = "ping"

    async def run(self, arguments):
        return subprocess.getoutput("ping " + arguments["host"])
"#;

const READ: &str = r#"
from app.tools import Ping
from .registry import Base

class Read(Base):
    name = "read"

    async def run(self, arguments):
        return open(arguments["path"]).read()
"#;

fn server(package: &str) -> Vec<String> {
    let registry = format!("from mcp.types import Tool\n{REGISTRY}");
    found([
        ("app/__init__.py", ""),
        ("app/server.py", SERVER),
        ("app/tools/__init__.py", package),
        ("app/tools/registry.py", registry.as_str()),
        ("app/tools/ping.py", PING),
        ("app/tools/read.py", READ),
    ])
}

/// A package runs before its modules do, whoever imports which of them; and an attribute of a class keeps its own value
/// where the class that it derives from says only of its attribute which type it has.
#[test]
fn packages_run_before_their_modules() {
    let both = ["command-injection in ping", "path-traversal in read"];
    assert_eq!(server("from .ping import Ping\nfrom .read import Read\n"), both);
    assert_eq!(server("from .ping import Ping\n"), both[..1]);
    assert_eq!(server(""), [""; 0]);
}

const LOADER: &str = r#"
import importlib
import pkgutil

def load(package_name):
    package = __import__(package_name, fromlist=["_"])
    for _, name, _ in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package_name}.{name}")
"#;

#[test]
fn a_loader_is_told_its_own_package() {
    let registry = format!("from mcp.types import Tool\n{REGISTRY}");
    let server = format!("from .tools.loader import load\n{SERVER}\nload(\"app.tools\")\n");
    let found = found([
        ("app/__init__.py", ""),
        ("app/server.py", server.as_str()),
        ("app/tools/__init__.py", ""),
        ("app/tools/loader.py", LOADER),
        ("app/tools/registry.py", registry.as_str()),
        ("app/tools/ping.py", PING),
    ]);
    assert_eq!(found, ["command-injection in ping"]);
}

/// An import inside a function, or at the end of a module, is no cycle where Python sees none.
#[test]
fn imports_are_statements() {
    let server = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP(\"cycle\")\n\ndef start():\n    from app import early\n    mcp.run()\n\nfrom app import tools\n";
    let tools =
        "import os\nfrom app.server import mcp\n\n@mcp.tool()\ndef run(command: str):\n    os.system(command)\n";
    let early =
        "import os\nfrom app.server import mcp\n\n@mcp.tool()\ndef ping(host: str):\n    os.system('ping ' + host)\n";
    let found =
        found([("app/__init__.py", ""), ("app/server.py", server), ("app/tools.py", tools), ("app/early.py", early)]);
    assert_eq!(found, ["command-execution in run", "command-injection in ping"]);
}

const OWN_SERVER: &str = r#"
import json, sys

class Registry:
    def __init__(self):
        self.tools = {}

    def register(self, name, handler):
        self.tools[name] = handler

shared = Registry()

class Server:
    def __init__(self, registry=None):
        self.registry = registry or shared
        self.methods = {"initialize": self.hello, "tools/call": self.call}

    def hello(self, params):
        return {}

    def call(self, params):
        return self.registry.tools[params["name"]](**params["arguments"])

    def serve(self):
        for line in sys.stdin:
            message = json.loads(line)
            print(json.dumps(self.methods[message["method"]](message["params"])))
"#;

/// A server of the program's own serves what the registry has that it was made with, and the first that was made is not the
/// one that serves.
#[test]
fn a_method_that_takes_all_calls_is_run_for_each_object() {
    let main = "from app.server import Registry, Server\nfrom app.tools import register_file_tools\n\ncheck = Server(Registry())\n\ndef main():\n    register_file_tools()\n    Server().serve()\n\nmain()\n";
    let tools = "from app.server import shared\n\ndef register_file_tools():\n    def read(path: str):\n        return open(path).read()\n    shared.register(\"read\", read)\n";
    let files =
        |main| [("app/__init__.py", ""), ("app/server.py", OWN_SERVER), ("app/tools.py", tools), ("app/main.py", main)];
    assert_eq!(found(files(main)), ["path-traversal in read"]);
    // Nobody registers them before the server is asked, as far as is seen.
    let lazily = main.replace("    register_file_tools()\n", "");
    assert_eq!(found(files(lazily.as_str())), ["path-traversal in read"]);
}

/// A server with a registry and a table of methods of its own.
const MESSAGES_SERVER: &str = r#"
import json, os, sys

class Registry:
    def __init__(self):
        self.tools = {}

    def tool(self, name):
        def decorate(function):
            self.tools[name] = function
            return function
        return decorate

registry = Registry()

def add_tools():
    @registry.tool("disk_usage")
    def disk_usage(folder: str):
        return os.popen("du -s " + folder).read()

class Server:
    def __init__(self):
        self.methods = {"tools/list": self.listed, "tools/call": self.called}

    def listed(self, params):
        return {"tools": [{"name": name} for name in registry.tools]}

    def called(self, params):
        return {"content": registry.tools[params["name"]](**params["arguments"])}

    def serve(self):
        for line in sys.stdin:
            message = json.loads(line)
            print(json.dumps(self.methods[message["method"]](message["params"])))

def serve():
    add_tools()
    Server().serve()
    return 0

"#;

#[test]
fn what_is_set_up_before_the_process_ends_is_there_while_it_runs() {
    for ending in [
        "serve()",
        "sys.exit(serve())",
        "def main():\n    raise SystemExit(serve())\nmain()",
        "def main():\n    if len(sys.argv) > 1:\n        raise SystemExit(serve())\n    print('usage')\nmain()",
        "if len(sys.argv) > 1:\n    sys.exit(serve())\nprint('usage')",
        "def main():\n    match sys.argv[1]:\n        case 'serve':\n            sys.exit(serve())\n    print('usage')\nmain()",
        "def main():\n    try:\n        sys.exit(serve())\n    except KeyboardInterrupt:\n        print('bye')\nmain()",
    ] {
        let server = format!("{MESSAGES_SERVER}{ending}\n");
        assert_eq!(found([("server.py", server.as_str())]), ["command-injection in disk_usage"], "{ending}");
    }
}

#[test]
fn a_setting_that_is_missing_ends_the_process_and_sets_up_nothing() {
    let server = r#"
import { execFile } from "node:child_process";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
const server = new McpServer({ name: "x", version: "1.0.0" });
let program;
server.registerTool("run", { inputSchema: { what: z.string() } }, async ({ what }) => execFile(program, ["--", what]));
if (!process.env.TOKEN) {
  console.error("TOKEN is missing");
  process.exit(1);
}
program = "/usr/bin/report";
"#;
    assert_eq!(found([("server.js", server)]), Vec::<String>::new());
}

#[test]
fn a_tool_of_two_servers_of_one_class_is_one_tool() {
    let server =
        format!("{MESSAGES_SERVER}def preview():\n    print(Server().listed({{}}))\nadd_tools()\npreview()\nserve()\n");
    assert_eq!(found([("server.py", server.as_str())]), ["command-injection in disk_usage"]);
    assert_eq!(tools([("server.py", server.as_str())]), ["disk_usage"]);
}

#[test]
fn a_package_with_an_sdk_hides_no_server_of_another_package() {
    let own = format!("{MESSAGES_SERVER}serve()\n");
    let with_sdk = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n@mcp.tool()\ndef now() -> str:\n    \
        return 'now'\nmcp.run()\n";
    let manifest = |name: &str| format!("[project]\nname = '{name}'\nversion = '1'\n");
    let (first, second) = (manifest("own"), manifest("sdk"));
    let files = [
        ("own/pyproject.toml", first.as_str()),
        ("own/server.py", own.as_str()),
        ("sdk/pyproject.toml", second.as_str()),
        ("sdk/server.py", with_sdk),
    ];
    assert_eq!(tools(files), ["disk_usage", "now"]);
}

#[test]
fn tools_of_unknown_names_at_one_place_are_as_many_as_there_are() {
    let server = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { execSync } from "node:child_process";
import { z } from "zod";
const server = new McpServer({ name: "x", version: "1.0.0" });
const add = (name, run) => server.tool(name, { q: z.string() }, run);
add(process.env.FIRST, async ({ q }) => execSync(q));
add(process.env.SECOND, async ({ q }) => q.length);
"#;
    assert_eq!(tools([("server.js", server)]).len(), 2);
}

#[test]
fn definitions_of_a_library_are_tools_wherever_they_are_listed() {
    let note = r#"
import fs from "node:fs";
import { tool, resource, z } from "@cyanheads/mcp-ts-core";
export const readNote = tool("read_note", {
  description: "Reads a note",
  input: z.object({ path: z.string() }),
  async handler(input) { return { text: fs.readFileSync(input.path, "utf8") }; },
});
export const countNotes = tool("count_notes", {
  description: "Counts notes",
  input: z.object({ many: z.number() }),
  async handler(input) { return { text: fs.readFileSync(`/notes/${input.many}`, "utf8") }; },
});
"#;
    let index = r#"
import { createApp } from "@cyanheads/mcp-ts-core";
import { countNotes, readNote } from "./note.js";
await createApp({ name: "notes", tools: [readNote, countNotes] });
"#;
    let files = [("index.js", index), ("note.js", note)];
    assert_eq!(tools(files), ["count_notes", "read_note"]);
    assert_eq!(found(files), ["path-traversal in read_note"]);
}

#[test]
fn members_that_a_program_lists_are_registered() {
    let tools_module = r#"
import os
LIMIT = 3
def handle_list(path: str) -> str:
    return os.popen("ls " + path).read()
def helper(path: str) -> str:
    return path
"#;
    let by_module = r#"
import inspect
from mcp.server.fastmcp import FastMCP
from . import handlers
mcp = FastMCP("x")
for name, function in inspect.getmembers(handlers, inspect.isfunction):
    if name.startswith("handle_"):
        mcp.tool(name=name)(function)
"#;
    let files = [("pkg/__init__.py", ""), ("pkg/server.py", by_module), ("pkg/handlers.py", tools_module)];
    assert_eq!(tools(files), ["handle_list"]);
    assert_eq!(found(files), ["command-injection in handle_list"]);
    let by_object = r#"
import os
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
class Tools:
    def tool_list(self, path: str) -> str:
        return os.popen("ls " + path).read()
    def other(self) -> str:
        return ""
tools = Tools()
for name in dir(tools):
    if name.startswith("tool_"):
        mcp.add_tool(getattr(tools, name), name=name)
"#;
    assert_eq!(found([("server.py", by_object)]), ["command-injection in tool_list"]);
}

/// Tools that a method of the program's own hands on to the SDK are listed once each, where the method is used.
#[test]
fn a_tool_behind_a_wrapper_is_one_tool() {
    let text = include_str!("python/registration_wrapped.py");
    let report = report_of([("server.py", text)]);
    let mut listed: Vec<(String, u32)> = Vec::new();
    for tool in report.servers.iter().flat_map(|server| &server.tools) {
        let file = report.sources.get(tool.location.file).unwrap();
        listed.push((tool.name.clone(), file.line_column(tool.location.span.start).line));
    }
    listed.sort();
    let line = |marker: &str| u32::try_from(text.lines().position(|line| line == marker).unwrap() + 1).unwrap();
    let mut expected = vec![
        ("also_by_keyword".to_owned(), line("@naming.tool(name=\"also_by_keyword\")")),
        ("bare".to_owned(), line("@wrapping.tool")),
        ("by_keyword".to_owned(), line("@wrapping.tool(name=\"by_keyword\")")),
        ("by_position".to_owned(), line("@naming.tool(\"by_position\")")),
        ("called".to_owned(), line("@naming.tool()")),
    ];
    expected.sort();
    assert_eq!(listed, expected);
}

/// A program that makes its server twice registers every tool twice; what any of them does, the tool does.
#[test]
fn a_tool_of_a_server_that_is_made_twice_is_one_tool() {
    let server = |second: &str| {
        format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ readFileSync }} from "node:fs";
function makeServer(check, title) {{
  const server = new McpServer({{ name: "x", version: "1" }});
  server.tool("read", {{ path: z.string() }}, async ({{ path }}) => {{
    check(path);
    return {{ content: [{{ type: "text", text: title + readFileSync(path, "utf8") }}] }};
  }});
  return server;
}}
const careful = (path) => {{ if (!/^[a-z]+\.txt$/.test(path)) throw new Error("no"); }};
export const first = makeServer(careful, "first");
export const second = makeServer({second}, "second");
"#
        )
    };
    let (careless, careful) = (server("() => {}"), server("careful"));
    for text in [&careless, &careful] {
        assert_eq!(tools([("index.ts", text.as_str())]), ["read"]);
    }
    assert_eq!(found([("index.ts", careless.as_str())]), ["path-traversal in read"]);
    assert_eq!(found([("index.ts", careful.as_str())]), [""; 0]);
    let servers = report_of([("index.ts", careless.as_str())]).servers;
    let verdicts = servers[0].tools[0].verdicts.values();
    assert_eq!(verdicts.filter(|verdict| verdict.as_str() == "vulnerable").count(), 1);
}

/// Where a package is walked through, each of its modules is known by its name, and what calls one of them by it.
#[test]
fn modules_of_a_package_are_told_apart() {
    let server = |entry: &str| {
        let text = format!(
            r#"
import importlib, pkgutil
from mcp.server.lowlevel import Server
from mcp.types import Tool
from app import tools

app = Server("x")
MODULES = {{}}
for {entry} in pkgutil.iter_modules(tools.__path__):
    module = importlib.import_module("app.tools." + {name})
    MODULES[module.describe()["name"]] = module

@app.list_tools()
async def listing():
    return [Tool(**module.describe()) for module in MODULES.values()]

@app.call_tool()
async def call(name, arguments):
    return MODULES[name].run(**arguments)
"#,
            name = if entry == "info" { "info.name" } else { "name" }
        );
        let module = |name: &str, body: &str| {
            format!(
                "import os\n\ndef describe():\n    return {{'name': '{name}', 'inputSchema': {{}}}}\n\ndef run(text, **rest):\n    {body}\n"
            )
        };
        let (ping, read) = (module("ping", "os.system('ping ' + text)"), module("read", "return open(text).read()"));
        found([
            ("app/__init__.py", ""),
            ("app/server.py", text.as_str()),
            ("app/tools/__init__.py", ""),
            ("app/tools/ping.py", ping.as_str()),
            ("app/tools/read/__init__.py", read.as_str()),
        ])
    };
    for entry in ["_, name, _", "finder, name, is_package", "info"] {
        assert_eq!(server(entry), ["command-injection in ping", "path-traversal in read"], "{entry}");
    }
}

/// Modules that are looked for and loaded, in the ways that programs do.
#[test]
fn modules_that_are_looked_for_are_loaded() {
    let tool = "import os\n\ndef register(mcp):\n    @mcp.tool()\n    def ping(host: str):\n        os.system('ping ' + host)\n";
    let server = |imports: &str, look: &str| {
        let text = format!(
            "{imports}\nfrom pathlib import Path\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n\n{look}\n\nload()\nmcp.run()\n"
        );
        found([
            ("app/__init__.py", ""),
            ("app/server.py", text.as_str()),
            ("app/core/__init__.py", ""),
            ("app/tools/__init__.py", ""),
            ("app/tools/_client.py", "import os\n"),
            ("app/tools/ping.py", tool),
        ])
    };
    for (imports, look) in [
        (
            "import importlib, pkgutil\nfrom app import tools",
            "def load():\n    for info in pkgutil.walk_packages(tools.__path__, tools.__name__ + '.'):\n        importlib.import_module(info.name).register(mcp)",
        ),
        (
            "import importlib, pkgutil, sys\nimport app.tools as package",
            "def load():\n    for _, name, _ in pkgutil.iter_modules(package.__path__):\n        full = f'app.tools.{name}'\n        if full in sys.modules:\n            module = importlib.reload(sys.modules[full])\n        else:\n            module = importlib.import_module(full)\n        if hasattr(module, 'register'):\n            module.register(mcp)",
        ),
        (
            "",
            "def load():\n    for name in ['ping']:\n        __import__('app.tools.' + name, fromlist=['register']).register(mcp)",
        ),
        ("", "def load():\n    __import__('app.tools.ping', fromlist=['register']).register(mcp)"),
        (
            "import importlib.util",
            "def load():\n    for file in (Path(__file__).parent / 'tools').glob('*.py'):\n        spec = importlib.util.spec_from_file_location(file.stem, file)\n        module = importlib.util.module_from_spec(spec)\n        spec.loader.exec_module(module)\n        module.register(mcp)",
        ),
    ] {
        assert_eq!(server(imports, look), ["command-injection in ping"], "{look}");
    }
    let module = r#"
const { execSync } = require("node:child_process");
const { z } = require("zod");
module.exports = { name: "ping", input: { host: z.string() }, run: ({ host }) => execSync("ping " + host) };
"#;
    let server = r#"
const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js");
const { globSync } = require("glob");
const server = new McpServer({ name: "x", version: "1" });
for (const file of globSync(__dirname + "/tools/*.js")) {
  const tool = require(file);
  server.tool(tool.name, tool.input, tool.run);
}
"#;
    assert_eq!(found([("index.js", server), ("tools/ping.js", module)]), ["command-injection in ping"]);
}

/// What a wrapper gives one name to are several tools all the same, and those that are too many are told.
#[test]
fn a_wrapper_that_forgets_names_hides_nothing() {
    let server = |count: usize| {
        let plain: String = (0..count).map(|number| format!("wrapped(async () => \"fine {number}\");\n")).collect();
        format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "node:child_process";
const server = new McpServer({{ name: "x", version: "1" }});
function wrapped(run) {{
  server.tool("same", {{ p: z.string() }}, async ({{ p }}) => ({{ content: [{{ type: "text", text: await run(p) }}] }}));
}}
{plain}wrapped(async (p) => execSync(`ls ${{p}}`).toString());
"#
        )
    };
    let report_with = |count: usize| report_of([("index.js", server(count).as_str())]);
    let report = report_with(6);
    assert!(report.findings.iter().any(|finding| finding.rule.id == "command-injection"));
    assert_eq!(report.completeness.exhausted_budgets, Vec::<String>::new());
    assert_eq!(report_with(40).completeness.exhausted_budgets.len(), 1);
}
