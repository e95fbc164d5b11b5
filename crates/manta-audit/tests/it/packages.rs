//! What importing from a Python package runs.

use crate::common::found;

/// Tools that a decorator of the package collects, each in a module of its own; `server.py` offers them.
fn server(imports: &str) -> Vec<String> {
    let registry = r#"
import functools

collected = []

def tool(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    collected.append((function.__name__, wrapper))
    return wrapper

def offer_all(mcp):
    for _name, wrapper in collected:
        mcp.tool()(wrapper)
"#;
    let server = r#"
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes")

def offer():
    IMPORTS
    from notes.registry import offer_all
    offer_all(mcp)

offer()
mcp.run()
"#;
    // Long enough that running it while modules load would not be worth it.
    let work = "    x = 1\n".repeat(45_000);
    let module = |name: &str| {
        format!(
            "from .registry import tool\n\n@tool\ndef {name}(path: str) -> str:\n{work}    return open(path).read()\n"
        )
    };
    let (server, first, second) = (server.replace("IMPORTS", imports), module("first"), module("second"));
    found([
        ("server.py", server.as_str()),
        ("notes/__init__.py", ""),
        ("notes/registry.py", registry),
        ("notes/one.py", first.as_str()),
        ("notes/two.py", second.as_str()),
    ])
}

/// The function that `functools.wraps` is given is looked at and not called, whatever it would do.
#[test]
fn a_module_that_is_imported_from_its_package_runs() {
    assert_eq!(server("from notes import one"), ["path-traversal in first"]);
    assert_eq!(server("from notes import one, two"), ["path-traversal in first", "path-traversal in second"]);
    assert_eq!(server("from notes import (  # noqa\n        two as other,\n    )"), ["path-traversal in second"]);
    assert_eq!(server("pass"), [""; 0]);
}

#[test]
fn a_package_imports_its_own_module_by_name() {
    let registry = r#"
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes")

@mcp.tool()
def read(path: str) -> str:
    return open(path).read()

def main():
    mcp.run(transport="sse")
"#;
    let listening = |package: &str| found([("notes/__init__.py", package), ("notes/server.py", registry)]);
    let both = ["dns-rebinding in ", "path-traversal in read"];
    assert_eq!(listening("from . import server\n\nserver.main()\n"), both);
    assert_eq!(listening("from notes import server as own\n\ndef main():\n    own.main()\n"), both);
}
