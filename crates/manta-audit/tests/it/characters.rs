//! Checks of a text character by character, and what a match hands out: a form that holds beside one that does not.

use crate::common::found;

const NOTHING: [&str; 0] = [];
const FOUND: [&str; 1] = ["command-injection in run"];

/// A Python tool that runs what `body` leaves in `name`.
fn python(body: &str) -> Vec<String> {
    let server = format!(
        r#"
import os, re
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("x")
SIGNS = ";&|`$<>\\\"'(){{}}[]!#*?~\n\r\t "
BAD = set(SIGNS)
LETTERS = set("abcdefghijklmnopqrstuvwxyz0123456789-_")

@mcp.tool()
def run(name: str) -> str:
{body}
    return os.popen("id x" + name).read()
"#
    );
    found([("server.py", server.as_str())])
}

/// The same in TypeScript.
fn typescript(body: &str) -> Vec<String> {
    let server = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execSync }} from "node:child_process";
const server = new McpServer({{ name: "x", version: "1.0.0" }});
const SIGNS = ";&|`$<>\\\"'(){{}}[]!#*?~\n\r\t ";
const BAD = new Set(SIGNS);
server.tool("run", {{ name: z.string() }}, async ({{ name }}) => {{
  {body}
  return execSync("id x" + name).toString();
}});
"#
    );
    let package = r#"{"name":"x","version":"1.0.0","type":"module","main":"server.ts"}"#;
    found([("package.json", package), ("server.ts", server.as_str())])
}

/// `raise` when a test holds.
fn unless(test: &str) -> String {
    format!("    if {test}:\n        raise ValueError(name)")
}

#[test]
fn every_character_is_tested_in_python() {
    for holds in [
        "any(c in SIGNS for c in name)",
        "any(c in BAD for c in name)",
        "any(c in name for c in BAD)",
        "not all(c.isalnum() and c.isascii() or c in '-_' for c in name)",
        "set(name) & BAD",
        "not BAD.isdisjoint(name)",
        "not set(name) <= LETTERS",
        "not LETTERS.issuperset(name)",
        "set(name) - LETTERS",
    ] {
        assert_eq!(python(&unless(holds)), NOTHING, "{holds}");
    }
    for fails in [
        "all(c in BAD for c in name)",
        "any(c in '|&' for c in name)",
        "not any(c.isalnum() for c in name)",
        "not set(name) & LETTERS",
        "BAD.isdisjoint(name)",
        "set(name) <= LETTERS",
        "not LETTERS.issubset(name)",
    ] {
        assert_eq!(python(&unless(fails)), FOUND, "{fails}");
    }
    let listed = |test: &str| python(&format!("    bad = [c for c in name if {test}]\n{}", unless("bad")));
    assert_eq!(listed("c in BAD"), NOTHING);
    assert_eq!(listed("c in LETTERS"), FOUND);
    let each = |then: &str| format!("    for c in name:\n        if c in BAD:\n            {then}");
    assert_eq!(python(&each("raise ValueError(name)")), NOTHING);
    assert_eq!(python(&each("break")), FOUND);
}

#[test]
fn every_character_is_tested_in_javascript() {
    for holds in [
        "[...name].some((c) => SIGNS.includes(c))",
        "[...name].some((c) => BAD.has(c))",
        "SIGNS.split(\"\").some((c) => name.includes(c))",
        "!name.split(\"\").every((c) => /[a-z0-9]/.test(c))",
        "!Array.from(name).every((c) => \"abc\".indexOf(c) >= 0)",
    ] {
        assert_eq!(typescript(&format!("if ({holds}) throw new Error(name);")), NOTHING, "{holds}");
    }
    for fails in [
        "[...name].every((c) => SIGNS.includes(c))",
        "!name.split(\"\").some((c) => /[a-z0-9]/.test(c))",
        "!name.split(\",\").every((c) => /[a-z0-9]/.test(c))",
    ] {
        assert_eq!(typescript(&format!("if ({fails}) throw new Error(name);")), FOUND, "{fails}");
    }
    assert_eq!(typescript("for (const c of name) if (BAD.has(c)) throw new Error(name);"), NOTHING);
    let first = |test: &str| {
        typescript(&format!("const bad = [...name].find((c) => SIGNS.includes(c)); if ({test}) throw new Error(name);"))
    };
    assert_eq!(first("bad"), NOTHING);
    assert_eq!(first("bad !== undefined"), NOTHING);
    assert_eq!(first("bad === undefined"), FOUND);
}

#[test]
fn characters_are_let_in_one_by_one() {
    let only = |test: &str| python(&format!("    name = ''.join(c for c in name if {test})"));
    assert_eq!(only("c in 'abc-'"), NOTHING);
    assert_eq!(only("c.isalnum() or c in '-_'"), NOTHING);
    assert_eq!(only("c not in '|&'"), FOUND);
    let filtered = |test: &str| typescript(&format!("name = name.split(\"\").filter((c) => {test}).join(\"\");"));
    assert_eq!(filtered("/[a-z0-9]/.test(c)"), NOTHING);
    assert_eq!(filtered("/[^|]/.test(c)"), FOUND);
}

#[test]
fn what_is_left_says_what_was_there() {
    let test = |replaced: &str| python(&unless(&format!("not name{replaced}.isalnum()")));
    assert_eq!(test(".replace('_', '').replace('-', '')"), NOTHING);
    assert_eq!(test(".replace(';', '')"), FOUND);
}

#[test]
fn a_text_equal_to_what_was_made_of_it_is_as_harmless() {
    let made = |made: &str| python(&unless(&format!("{made} != name")));
    assert_eq!(made("re.sub(r'[^a-z-]', '', name)"), NOTHING);
    assert_eq!(made("re.sub(r'[|]', '', name)"), FOUND);
    assert_eq!(made("name.strip()"), FOUND);
    assert_eq!(python(&unless("re.sub(r'[^a-z-]', '', name) == name")), FOUND);
    assert_eq!(typescript("if (name !== name.replace(/[^a-z-]/g, \"\")) throw new Error(name);"), NOTHING);
    assert_eq!(typescript("if (name !== name.trim()) throw new Error(name);"), FOUND);
}

#[test]
fn groups_of_a_match_are_what_their_patterns_say() {
    let with = |pattern: &str, group: &str| {
        python(&format!(
            "    m = re.match(r'{pattern}', name)\n    if not m:\n        raise ValueError(name)\n    name = {group}"
        ))
    };
    assert_eq!(with(r"([\w-]+):(.*)", "m.group(1)"), NOTHING);
    assert_eq!(with(r"([\w-]+):(.*)", "m.group(2)"), FOUND);
    assert_eq!(with(r"(?P<host>[\w-]+):(?P<rest>.*)", "m['host'] + m.groups()[0] + m.groupdict()['host']"), NOTHING);
    assert_eq!(with(r"(?P<host>[\w-]+):(?P<rest>.*)", "m.group('host', 'rest')[1]"), FOUND);
    let js = |take: &str| {
        typescript(&format!(
            "const m = /^(?<id>[\\w-]+):(.*)$/.exec(name); if (m === null) throw new Error(name); name = {take};"
        ))
    };
    assert_eq!(js("m[1] + m.groups.id"), NOTHING);
    assert_eq!(js("m[2]"), FOUND);
    let named = |take: &str| {
        typescript(&format!("const m = name.match(/^(?<id>[\\w-]+):(?<rest>.*)$/); name = m?.groups?.{take} ?? \"\";"))
    };
    assert_eq!(named("id"), NOTHING);
    assert_eq!(named("rest"), FOUND);
    assert_eq!(python("    name = ' '.join(re.findall(r'\\w+', name))"), NOTHING);
    assert_eq!(python("    name = ' '.join(re.findall(r'\\S+', name))"), FOUND);
}

#[test]
fn a_separator_imported_by_name_is_one() {
    let server = |imported: &str, end: &str| {
        let server = format!(
            r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import fs from "node:fs";
{imported}
const server = new McpServer({{ name: "x", version: "1.0.0" }});
const ROOT = fs.realpathSync("/srv/data");
server.tool("read", {{ name: z.string() }}, async ({{ name }}) => {{
  const real = fs.realpathSync(resolve(ROOT, name));
  if (!real.startsWith(ROOT + {end})) throw new Error(name);
  return fs.readFileSync(real, "utf8");
}});
"#
        );
        let package = r#"{"name":"x","version":"1.0.0","type":"module","main":"server.ts"}"#;
        found([("package.json", package), ("server.ts", server.as_str())])
    };
    assert_eq!(server("import { resolve, sep } from \"node:path\";", "sep"), NOTHING);
    assert_eq!(server("import { resolve, sep } from \"node:path\";", "\"\""), ["path-prefix-bypass in read"]);
}

#[test]
fn characters_that_a_loop_gathers_are_a_text() {
    let gather = |test: &str| {
        python(&format!(
            "    kept = ''\n    for c in name:\n        if {test}:\n            kept += c\n    name = kept"
        ))
    };
    assert_eq!(gather("c.isalnum()"), NOTHING);
    assert_eq!(gather("c in {'a', 'b', '-'}"), NOTHING);
    assert_eq!(gather("c in {'a', ';', '-', ' '}"), FOUND);
    assert_eq!(gather("c != '|'"), FOUND);
}

#[test]
fn what_one_loop_met_says_nothing_of_the_next() {
    let server = |finds: &str| {
        python(&format!(
            "    found = False\n    for c in name:\n        if c == '|':\n            found = True\n            break\n    if not found:\n        return ''\n    kept = ''\n    for c in name:\n        if c == '{finds}':\n            continue\n        kept += c\n    name = kept"
        ))
    };
    assert_eq!(server("|"), FOUND);
    assert_eq!(server("x"), FOUND);
}

#[test]
fn what_is_computed_twice_is_one_text() {
    let twice = |tested: &str, used: &str| {
        typescript(&format!("if (!/^[a-z0-9]+$/.test({tested})) throw new Error(name); name = {used};"))
    };
    for made in [
        "name.trim()",
        "name.toLowerCase()",
        "name.slice(1)",
        "name.substring(1, 9)",
        "name.replace(/^@/, \"\")",
        "name.replaceAll(\"-\", \"\")",
        "decodeURIComponent(name)",
        "name.trim().toLowerCase().slice(2)",
    ] {
        assert_eq!(twice(made, made), NOTHING, "{made}");
    }
    for (tested, used) in [
        ("name.trim()", "name.trimStart().repeat(2)"),
        ("name.slice(1)", "name.slice(0)"),
        ("name.slice(1)", "name.slice(0, 1)"),
        ("name.replace(/^@/, \"\")", "name.replace(/@$/, \"\")"),
        ("name.replaceAll(\"|\", \"\")", "name.replaceAll(\"-\", \"\")"),
        ("decodeURIComponent(name)", "name"),
    ] {
        assert_eq!(twice(tested, used), FOUND, "{tested}, {used}");
    }
    let twice = |tested: &str, used: &str| {
        python(&format!("{}\n    name = {used}", unless(&format!("not {tested}.isalnum()"))))
    };
    for made in [
        "name.strip()",
        "name.lower()",
        "name[1:]",
        "name.removeprefix('@')",
        "name.strip().lower()[2:]",
        "name.replace('|', '')",
    ] {
        assert_eq!(twice(made, made), NOTHING, "{made}");
    }
    for (tested, used) in [
        ("name[1:]", "name[:1]"),
        ("name.removeprefix('@')", "name"),
        ("name.replace('|', '')", "name.replace('-', '')"),
    ] {
        assert_eq!(twice(tested, used), FOUND, "{tested}, {used}");
    }
}

/// A tool that puts what `body` leaves in `name` into a literal of SQL.
fn query(body: &str) -> Vec<String> {
    let server = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import Database from "better-sqlite3";
import {{ z }} from "zod";
const server = new McpServer({{ name: "x", version: "1" }});
const db = new Database("x.db");
function isName(text: string) {{ return /^[\w-]+$/.test(text.trim()); }}
const load = async (db: Database | undefined) => (db ? db : Promise.reject(new Error("none")));
server.tool("find", {{ id: z.string().optional(), other: z.string().optional() }}, async ({{ id, other }}) => {{
  let name = id;
  {body}
  return {{ content: [{{ type: "text", text: JSON.stringify((await load(db)).prepare(`SELECT a FROM b WHERE c = '${{name}}'`).all()) }}] }};
}});
"#
    );
    found([("server.ts", server.as_str())])
}

#[test]
fn what_is_known_of_a_trimmed_text_is_known_of_the_text() {
    for kept in [
        r#"if (!/^[\w-]+$/.test(id.trim())) throw new Error("name");"#,
        r#"if (!/^[a-z-]+$/.test(id.toLowerCase())) throw new Error("name");"#,
        r#"if (!/^[a-z-]+$/.test(id.trim().toLowerCase())) throw new Error("name");"#,
        r#"name = id.trim().toLowerCase(); if (!isName(name)) throw new Error("name");"#,
        r#"if (!isName(id)) throw new Error("name"); name = id.slice(1) + "z";"#,
        r#"name = id || other; if (!isName(name)) throw new Error("name");"#,
        r#"name = id?.trim() || other?.trim(); if (!isName(name)) throw new Error("name");"#,
        r#"name = id ?? other; if (!isName(name)) throw new Error("name"); name = name.trim();"#,
    ] {
        assert_eq!(query(kept), NOTHING, "{kept}");
    }
    for open in [
        "name = id.trim();",
        r#"if (!/^[\w' -]+$/.test(id.trim())) throw new Error("name");"#,
        r#"if (!/^[\w-]+$/.test(id.trim().slice(2))) throw new Error("name");"#,
        r#"name = id || other; if (!isName(id)) throw new Error("name"); name = other;"#,
        r#"name = id || other; if (!isName(other)) throw new Error("name"); name = id;"#,
        r#"name = id ?? other; if (isName(name)) throw new Error("name");"#,
    ] {
        assert_eq!(query(open), ["sql-injection in find"], "{open}");
    }
}
