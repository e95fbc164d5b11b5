//! Code that reaches an interpreter past its command line: through its input, or in a file that it then runs. The same in
//! Python is in `python/sinks_scripts.py`.

use crate::common::found;

const HEAD: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { exec, execFile, execFileSync, execSync, spawn, spawnSync } from "node:child_process";
import { Client } from "ssh2";
const server = new McpServer({ name: "x", version: "1" });
const file = (name: string) => path.join(os.tmpdir(), name);
"#;

/// What is found in a tool `run` with this body.
fn run(body: &str) -> Vec<String> {
    let tool = format!(
        "server.tool(\"run\", {{ text: z.string() }}, async ({{ text }}) => {{\n{body}\nreturn {{ content: [] }};\n}});\n"
    );
    found([("server.ts", format!("{HEAD}{tool}").as_str())])
}

#[test]
fn a_file_that_is_run_is_code() {
    for body in [
        "const f = file(`x-${Date.now()}.mjs`); await fs.writeFile(f, text); spawn(process.execPath, [f]);",
        "const f = file(\"x.py\"); await fs.writeFile(f, text); execFileSync(\"python3\", [\"-u\", f]);",
        "await fs.writeFile(file(\"x.py\"), text); execFileSync(\"python3\", [file(\"x.py\")]);",
        "const f = file(\"x.py\"); await fs.writeFile(f, `print(\"${text}\")`); execSync(`timeout 5 python3 ${f}`);",
    ] {
        assert_eq!(run(body), ["code-injection in run"], "{body}");
    }
    for body in [
        "const f = file(\"x.sh\"); await fs.writeFile(f, `#!/bin/sh\n${text}`); await fs.chmod(f, 0o755); exec(f);",
        "const f = file(\"x\"); await fs.writeFile(f, `#!/bin/sh\n${text}`); execFile(\"sudo\", [\"bash\", f]);",
    ] {
        assert_eq!(run(body), ["command-injection in run"], "{body}");
    }
    let whole =
        "const f = file(\"x.ps1\"); await fs.writeFile(f, text); spawn(\"pwsh\", [\"-NoProfile\", \"-File\", f]);";
    assert_eq!(run(whole), ["command-execution in run"], "what it holds is the caller's command");
}

#[test]
fn a_file_that_is_read_is_data() {
    for body in [
        "const f = file(\"x.json\"); await fs.writeFile(f, text); execFileSync(\"python3\", [\"/srv/job.py\", f]);",
        "const f = file(\"x.txt\"); await fs.writeFile(f, text); execSync(`wc -l ${f}`);",
        "const f = file(\"x.py\"); await fs.writeFile(f, text); execFileSync(\"python3\", [file(\"y.py\")]);",
        "const f = file(\"x.py\"); await fs.writeFile(f, `print(${JSON.stringify(text)})`); execFileSync(\"python3\", [f]);",
        "const f = file(\"x.js\"); await fs.writeFile(f, `run(${text.length})`); spawn(process.execPath, [f]);",
    ] {
        assert!(run(body).is_empty(), "{body}: {:?}", run(body));
    }
}

#[test]
fn the_input_of_an_interpreter_is_code() {
    for body in [
        "const p = spawn(\"python3\", [\"-\"]); p.stdin.write(text); p.stdin.end();",
        "const p = spawn(\"node\"); p.stdin.end(`console.log('${text}')`);",
        "spawnSync(\"python3\", [], { input: text });",
    ] {
        assert!(run(body).iter().all(|one| one == "code-injection in run"), "{body}");
        assert!(!run(body).is_empty(), "{body}");
    }
    for shell in [
        "const p = spawn(\"bash\", [\"-i\"]); p.stdin.write(text + \"\\n\");",
        "execSync(\"bash -s\", { input: `ls ${text}` });",
        "spawnSync(\"sudo\", [\"-u\", \"web\", \"sh\"], { input: `ls ${text}` });",
        "spawnSync(\"docker\", [\"exec\", \"-i\", \"web\", \"bash\"], { input: `ls ${text}` });",
        "const c = new Client(); c.exec(\"bash -s\", (error, stream) => { stream.write(`ls ${text}`); stream.end(); });",
        "const c = new Client(); c.exec(\"sh\", (error, stream) => { if (error) throw error; stream.end(`ls ${text}`); });",
        "const c = new Client(); c.shell((error, stream) => { stream.write(`ls ${text}\\n`); stream.end(\"exit\\n\"); });",
    ] {
        assert_eq!(run(shell), ["command-injection in run"], "{shell}");
    }
}

#[test]
fn the_input_of_other_programs_is_data() {
    for body in [
        "const p = spawn(\"jq\", [\".\"]); p.stdin.write(text); p.stdin.end();",
        "const p = spawn(\"python3\", [\"/srv/job.py\"]); p.stdin.end(text);",
        "spawnSync(\"pandoc\", [\"-f\", \"markdown\"], { input: text });",
        "execSync(\"cat\", { input: text });",
        "spawnSync(\"docker\", [\"exec\", \"-i\", \"web\", \"bash\", \"/srv/job.sh\"], { input: text });",
        "const c = new Client(); c.exec(\"wc -l\", (error, stream) => { stream.write(text); stream.end(); });",
        "const c = new Client(); c.exec(\"bash /srv/job.sh\", (error, stream) => stream.end(text));",
    ] {
        assert!(run(body).is_empty(), "{body}: {:?}", run(body));
    }
}

/// What is found in a tool `run` whose scripts are put together by these.
fn scripted(body: &str) -> Vec<String> {
    let tool = format!(
        r#"{HEAD}
const escaped = (text: string) => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"');
const quotes = (text: string) => text.replace(/"/g, '\\"');
const html = (text: string) => escaped(text).replace(/\n/g, "<br>");
const shell = (script: string) => script.replace(/'/g, "'\\''");
const osascript = (script: string) => execSync(`osascript -e '${{shell(`with timeout of 5 seconds\n${{script.trim()}}\nend`)}}'`);
server.tool("run", {{ name: z.string(), text: z.string(), kind: z.string() }}, async ({{ name, text, kind }}) => {{
{body}
return {{ content: [] }};
}});
"#
    );
    found([("server.ts", tool.as_str())])
}

#[test]
fn what_is_escaped_for_a_script_stays_so_behind_the_quotes_of_the_shell() {
    for body in [
        r#"osascript(`set body of note "${escaped(name)}" to "${escaped(text)}"`);"#,
        r#"osascript(`set body of note "${escaped(name)}" to "<p>${html(text)}</p>" -- Notes's own`);"#,
        // More ways to put it together than are spelled out.
        r#"
const body = kind === "html" ? `"${escaped(text)}"` : `"<div>${html(name)}</div><div>${html(text)}</div>"`;
const place = kind ? `notes of folder "${escaped(kind)}"` : "notes";
const limit = text.length > 5 ? `if count > ${text.length} then exit` : "";
const account = name ? `account "${escaped(name)}"` : "account";
osascript(`tell ${account} to set ${place} to ${body}\n${limit}`);"#,
    ] {
        assert!(scripted(body).is_empty(), "{body}: {:?}", scripted(body));
    }
    for body in [
        r#"osascript(`set body of note "${escaped(name)}" to "${text}"`);"#,
        // A backslash before the quote escapes the escaping.
        r#"osascript(`set body of note "${escaped(name)}" to "${quotes(text)}"`);"#,
        r#"osascript(`set body of note "${escaped(name)}" to ${escaped(text)}`);"#,
        r#"
const body = kind === "html" ? `"${escaped(text)}"` : `"<div>${html(name)}</div><div>${html(text)}</div>"`;
const place = kind ? `notes of folder "${kind}"` : "notes";
const limit = text.length > 5 ? `if count > ${text.length} then exit` : "";
const account = name ? `account "${escaped(name)}"` : "account";
osascript(`tell ${account} to set ${place} to ${body}\n${limit}`);"#,
    ] {
        assert_eq!(scripted(body), ["code-injection in run"], "{body}");
    }
}
