//! Checks as servers write them: twins of which one holds and the other does not.

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput};
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

const QUIET: Vec<String> = Vec::new();

/// Rules that the regular persona sees in a server whose tool `t` has the parameters `p` and `q` and does `body`.
fn found(before: &str, body: &str) -> Vec<String> {
    let text = format!(
        r#"
import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import path from "node:path";
import fs from "node:fs";
import {{ execFileSync, execSync }} from "node:child_process";
const server = new McpServer({{ name: "x", version: "1" }});
const ROOT = process.env.ROOT ?? "/srv/data";
const text = (text: string) => ({{ content: [{{ type: "text" as const, text }}] }});
{before}
server.tool("t", {{ p: z.string(), q: z.string().optional() }}, async ({{ p, q }}) => {{
  {body}
}});
"#
    );
    let input = ProjectInput::from_texts("server", [("index.ts", text.as_str())]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let regular = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    let mut found: Vec<String> = regular.map(|finding| finding.rule.id.to_owned()).collect();
    found.dedup();
    found
}

/// What is found when a file is written below [`ROOT`] whose name is put together from several values.
fn writes(check: &str) -> Vec<String> {
    let before = format!("function check(name: string) {{ {check} }}");
    found(
        &before,
        r#"let name = `${p}.${q}`; if (!name.endsWith(".json")) name = `${name}.json`;
        check(name); fs.writeFileSync(path.join(ROOT, name), p); return text("done");"#,
    )
}

#[test]
fn a_check_of_a_whole_name_covers_what_it_is_made_of() {
    assert_eq!(writes(r#"if (name.includes("..") || name.includes("/")) throw new Error("no");"#), QUIET);
    assert_eq!(writes(r#"if (name.includes("~") || name.includes("\\")) throw new Error("no");"#), ["path-traversal"]);
}

#[test]
fn a_normalised_relative_path_that_does_not_climb_stays() {
    let write = |check: &str| {
        let body = r#"const n = path.normalize(p); if (CHECK) throw new Error("no");
            fs.writeFileSync(path.join(n, "x.zip"), p); return text("done");"#;
        found("", &body.replace("CHECK", check))
    };
    assert_eq!(write(r#"path.isAbsolute(n) || n === ".." || n.startsWith(".." + path.sep)"#), QUIET);
    assert_eq!(write(r#"n === ".." || n.startsWith(".." + path.sep)"#), ["path-traversal"]);
    assert_eq!(write(r#"path.isAbsolute(n) || n.startsWith("." + path.sep)"#), ["path-traversal"]);
}

#[test]
fn one_of_several_paths_is_normalised_as_it_is() {
    let write = |check: &str| {
        let body = r#"const n = path.normalize(q ? q : p.slice(1)); if (CHECK) throw new Error("no");
            fs.writeFileSync(path.join(n, `${encodeURIComponent(p)}.zip`), "x"); return text("done");"#;
        found("", &body.replace("CHECK", check))
    };
    assert_eq!(write(r#"path.isAbsolute(n) || n === ".." || n.startsWith(".." + path.sep)"#), QUIET);
    assert_eq!(write(r#"n === ".." || n.startsWith(".." + path.sep)"#), ["path-traversal"]);
}

#[test]
fn a_check_of_a_value_that_is_there_covers_every_use_of_it() {
    let write = |test: &str| {
        let body = r#"if (TEST && (p.includes("..") || path.isAbsolute(p))) throw new Error("no");
            if (p) { const dir = path.resolve(p); fs.writeFileSync(path.join(dir, `${p.length}.zip`), "x"); }
            return text("done");"#;
        found("", &body.replace("TEST", test))
    };
    assert_eq!(write("p"), QUIET);
    assert_eq!(write("q"), ["path-traversal"]);

    let later = |test: &str| {
        let before = r#"function inside(file: string) { const full = path.resolve(file);
            if (!full.startsWith(ROOT + path.sep)) throw new Error("no"); }"#;
        let body = r#"if (TEST) { inside(q!); } const listing = execFileSync("ls").toString();
            if (q === undefined) return text(listing); fs.writeFileSync(q, p); return text("done");"#;
        found(before, &body.replace("TEST", test))
    };
    assert_eq!(later("q"), QUIET);
    assert_eq!(later("q !== undefined"), QUIET);
    assert_eq!(later("p"), ["path-traversal"]);
}

#[test]
fn an_ending_without_separator_stays_in_the_directory() {
    let write = |prefix: &str| {
        let body = r#"const full = fs.realpathSync(path.resolve(ROOT, p));
            if (!full.startsWith(PREFIX)) throw new Error("no");
            fs.writeFileSync(`${full}.${randomBytes(8).toString("hex")}.tmp`, "x"); return text("done");"#;
        found(r#"import { randomBytes } from "node:crypto";"#, &body.replace("PREFIX", prefix))
    };
    assert_eq!(write("ROOT + path.sep"), QUIET);
    assert_eq!(write("path.sep"), ["path-traversal"]);
}

#[test]
fn the_directory_itself_is_inside() {
    let write = |test: &str| {
        let before = r#"function inside(full: string, base: string) { const r = path.relative(base, full);
            return TEST; }"#;
        let body = r#"const base = fs.realpathSync(ROOT); const full = fs.realpathSync(path.resolve(base, p));
            if (!inside(full, base)) throw new Error("no");
            fs.writeFileSync(path.join(full, "x.zip"), p); return text("done");"#;
        found(&before.replace("TEST", test), body)
    };
    assert_eq!(write(r#"r === "" || (!r.startsWith("..") && !path.isAbsolute(r))"#), QUIET);
    assert_eq!(write(r#"r === "" || !path.isAbsolute(r)"#), ["path-traversal"]);
}

#[test]
fn a_command_that_runs_in_a_container_is_what_the_tool_is_for() {
    assert_eq!(found("", r#"return text(execFileSync("docker", ["exec", "box", "sh", "-c", p]).toString());"#), QUIET);
    assert_eq!(
        found("", r#"return text(execFileSync("env", ["LANG=C", "sh", "-c", p]).toString());"#),
        ["command-execution"]
    );
}

#[test]
fn an_encoding_says_which_characters_come_out() {
    let run = |encoding: &str| {
        let body = r#"const b = Buffer.from(p).toString("ENCODING"); execSync(`echo ${b}`); return text(b);"#;
        found("", &body.replace("ENCODING", encoding))
    };
    assert_eq!(run("base64"), QUIET);
    assert_eq!(run("hex"), QUIET);
    assert_eq!(run("latin1"), ["command-injection"]);
}

#[test]
fn a_list_that_is_empty_until_configured_checks_nothing() {
    let fetch = |check: &str| {
        let before =
            r#"const HOSTS = (process.env.HOSTS ?? "").split(",").map((h) => h.trim()).filter((h) => h.length > 0);"#;
        let body = r#"const url = new URL(p); CHECK
            const answer = await fetch(url); return text(await answer.text());"#;
        found(before, &body.replace("CHECK", check))
    };
    let refuse = r#"throw new Error("no");"#;
    assert_eq!(fetch(&format!("if (!HOSTS.includes(url.hostname)) {refuse}")), QUIET);
    assert_eq!(fetch(&format!("if (HOSTS.length > 0 && !HOSTS.includes(url.hostname)) {refuse}")), ["ssrf"]);
    assert_eq!(fetch(&format!("if (HOSTS.length === 0 || !HOSTS.includes(url.hostname)) {refuse}")), QUIET);
}

#[test]
fn a_value_is_one_of_a_list_that_the_program_makes() {
    let read = |schema: &str| {
        let before = r#"const NAMES: string[] = JSON.parse(fs.readFileSync("names.json", "utf8")).map((n: any) => n.id);
            server.tool("read", { name: SCHEMA }, async ({ name }) => text(fs.readFileSync(`/srv/${name}.md`, "utf8")));"#;
        found(&before.replace("SCHEMA", schema), r#"return text("");"#)
    };
    assert_eq!(read("z.enum([NAMES[0], ...NAMES.slice(1)])"), QUIET);
    assert_eq!(read("z.string().min(NAMES.length)"), ["path-traversal"]);
}

#[test]
fn what_begins_with_a_dash_is_refused_text_by_text() {
    let run = |guard: &str| {
        let before = format!(
            r#"const isOff = () => process.env.UNSAFE === "true";
            function guard(v: unknown) {{ {guard} throw new Error("an option"); }}"#
        );
        found(&before, r#"guard(p); return text(execFileSync("git", ["fetch", p]).toString());"#)
    };
    assert_eq!(run(r#"if (isOff()) return; if (typeof v !== "string" || !v.startsWith("-")) return;"#), QUIET);
    assert_eq!(
        run(r#"if (isOff()) return; if (typeof v !== "string" || !v.endsWith("-")) return;"#),
        ["argument-injection"]
    );
}

#[test]
fn a_value_follows_one_of_several_options() {
    let search = |option: &str| {
        let body = r#"const args = ["--files"];
            for (const glob of p.split("|").map((g) => g.trim()).filter(Boolean)) {
              if (q) args.push("-g", glob); else args.push(OPTION, glob);
            }
            return text(execFileSync("rg", args).toString());"#;
        found("", &body.replace("OPTION", option))
    };
    assert_eq!(search(r#"q === "" ? "--iglob" : "--glob""#), QUIET);
    // Behind a switch they are operands: the second one is a place to search in.
    assert_eq!(search(r#"q === "" ? "--iglob" : "--files""#), ["argument-injection", "path-traversal"]);
}

#[test]
fn a_function_fills_the_places_of_a_template() {
    let get = |value: &str| {
        let body = r#"const url = "https://api.example.com/items/{id}?limit=1".replace(/\{(\w+)\}/g, () => VALUE);
            return text(await (await fetch(url)).text());"#;
        found("", &body.replace("VALUE", value))
    };
    assert_eq!(get("p"), ["request-path-traversal"], "the host stays");
    assert_eq!(get("encodeURIComponent(p)"), QUIET);
    let run = |value: &str| {
        let body =
            r#"const line = "du {{dir}}".replace("{{dir}}", () => VALUE); return text(execSync(line).toString());"#;
        found("", &body.replace("VALUE", value))
    };
    assert_eq!(run("p"), ["command-injection"]);
    assert_eq!(run(r#"p.replace(/[^a-z]/g, "")"#), QUIET);
    assert_eq!(run(r#"q ? "/srv" : "/tmp""#), QUIET);
}

#[test]
fn what_a_service_answers_may_be_a_list_with_something_in_it() {
    let write = |gather: &str, name: &str| {
        let before = r#"function names(parts: any) { GATHER }"#.replace("GATHER", gather);
        let body = r#"const answer = await (await fetch("https://mail.example.com/parts")).json();
            if (names(answer.parts).length === 0) return text("nothing");
            fs.writeFileSync(path.join("/srv/mail", `kept-${NAME}`), "x"); return text("done");"#;
        found(&before, &body.replace("NAME", name))
    };
    let gather = "if (!parts) return []; const all: any[] = []; for (const part of parts) { if (part.name) all.push(part.name); } return all;";
    let nested = "if (!parts) return []; const all: any[] = []; for (const part of parts) { all.push(part.name, ...names(part.parts)); } return all;";
    for gather in [gather, nested] {
        assert_eq!(write(gather, "p"), ["path-traversal"]);
        assert_eq!(write(gather, r#"p.replace(/[^\w-]/g, "_")"#), QUIET);
    }
    assert_eq!(write("return [];", "p"), QUIET);
}

#[test]
fn what_happens_without_an_argument_is_followed() {
    let reads = |check: &str| {
        let register = r#"server.tool("u", { p: z.string(), list: z.array(z.string()).optional(), n: z.number().nullish() },
            async ({ p, list, n }) => { if (CHECK) return text("no"); return text(fs.readFileSync(p, "utf8")); });"#;
        found(&register.replace("CHECK", check), r#"return text("");"#)
    };
    assert_eq!(reads("list !== undefined"), ["path-traversal"]);
    assert_eq!(reads("list != null"), ["path-traversal"]);
    assert_eq!(reads("n !== null"), ["path-traversal"]);
    assert_eq!(reads("[] != null"), QUIET);
}

#[test]
fn below_a_directory_of_the_callers_is_anywhere() {
    let inside = "function inside(base: string, name: string): string {
          const root = path.resolve(base);
          const target = path.resolve(root, name);
          const way = path.relative(root, target);
          if (way === '..' || way.startsWith(`..${path.sep}`) || path.isAbsolute(way)) throw new Error('outside');
          return target;
        }";
    for (body, expected) in [
        ("return text(fs.readFileSync(inside(q ?? ROOT, p), 'utf8'));", vec!["path-traversal".to_owned()]),
        ("return text(fs.readFileSync(inside(ROOT, p), 'utf8'));", QUIET),
        ("return text(fs.readFileSync(inside(inside(ROOT, q ?? '.'), p), 'utf8'));", QUIET),
    ] {
        let found: Vec<String> = found(inside, body).into_iter().filter(|rule| rule != "symlink-escape").collect();
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn what_a_schema_says_is_a_text_is_no_list() {
    let read = |value: &str| {
        let body = format!(
            r#"const value = {value}; if (Array.isArray(value)) return text(fs.readFileSync(value.join("/")));
            return text("");"#
        );
        found("", &body)
    };
    assert_eq!(read("p"), QUIET);
    assert_eq!(read("JSON.parse(p)"), ["path-traversal"]);
}

/// What is a text by its schema is no error and nothing that a class of the program's made.
#[test]
fn a_text_is_no_instance_of_a_class() {
    let run = |value: &str, class: &str| {
        let body = format!(
            r#"const it: any = {value}; if (it instanceof {class}) execSync(`x ${{it.name ?? it}}`); return text("");"#
        );
        found("class Job { constructor(readonly name: string) {} }", &body)
    };
    assert_eq!(run("p", "Error"), QUIET);
    assert_eq!(run("p", "Job"), QUIET);
    assert_eq!(run("q ?? p", "Job"), QUIET);
    assert_eq!(run("new Job(p)", "Job"), ["command-injection"]);
}

/// `dir.endsWith(sep) ? dir.slice(0, -1) : dir` takes nothing from a path but the slash at its end.
#[test]
fn a_path_without_the_slash_at_its_end_is_as_normal_as_before() {
    let read = |cut: &str, allowed: &str| {
        let before = format!(
            r#"const plain = (p: string) => {{ const n = path.normalize(p); return {cut}; }};
const allowed = process.argv.slice(2).map((dir) => plain(path.resolve(dir)));
const inside = (p: string) => allowed.some((dir) => {allowed});"#
        );
        found(
            &before,
            r#"const n = plain(path.resolve(p));
  if (!inside(n)) throw new Error("no");
  return text(fs.readFileSync(n, "utf8"));"#,
        )
    };
    let cut = "n.length > 1 && n.endsWith(path.sep) ? n.slice(0, -1) : n";
    assert_eq!(read(cut, "p === dir || p.startsWith(dir + path.sep)"), QUIET);
    assert_eq!(read(cut, "p.startsWith(dir)"), ["path-prefix-bypass"]);
}

/// The directory that the program runs in, or the user's, is always there, so a check that asks for it first is made.
/// Twins: a directory that nobody has to set.
#[test]
fn a_directory_of_the_machine_is_always_there() {
    let read = |root: &str| {
        let before = format!(
            r#"import os from "node:os"; const root: string | undefined = {root};
            function inside(p: string) {{ const full = path.resolve(root!, p);
                return full === path.resolve(root!) || full.startsWith(path.resolve(root!) + path.sep); }}"#
        );
        let body = r#"if (root) { if (!inside(p)) throw new Error("outside"); }
            return text(fs.readFileSync(path.resolve(root ?? "/", p), "utf8"));"#;
        found(&before, body)
    };
    for there in [
        "process.cwd()",
        "os.homedir()",
        "process.env.DIR || process.cwd()",
        "process.argv[2] || process.cwd()",
        "process.env.DIR || process.env.HOME || os.tmpdir()",
    ] {
        assert_eq!(read(there), QUIET, "{there}");
    }
    let otherwise = "process.env.DIR ? path.resolve(process.env.DIR) : undefined";
    for unset in ["process.env.DIR", r#"process.env.DIR || """#, otherwise] {
        assert_eq!(read(unset), ["path-traversal"], "{unset}");
    }
}

#[test]
fn modules_that_are_not_there_are_named() {
    let text = r#"import { tools } from "./generated.js"; import type { Made } from "./made.js"; import "zod";"#;
    let input = ProjectInput::from_texts("server", [("index.ts", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let told = "modules that are not here were not read: `./generated.js`, imported by index.ts";
    assert_eq!(report.completeness.notes, [told]);
}
