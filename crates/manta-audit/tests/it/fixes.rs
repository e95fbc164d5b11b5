//! Fixes as people write them: each twin differs from its sound or unsound brother in one detail.

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput, ScanReport};
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

fn scan(text: &str) -> ScanReport {
    let input = ProjectInput::from_texts("server", [("index.ts", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript)];
    audit(&input, &front_ends, &Models::builtin(), &Settings::default())
}

/// `rule in tools` of every finding that the regular persona sees.
fn found(text: &str) -> Vec<String> {
    let report = scan(text);
    let regular = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    let mut found: Vec<String> =
        regular.map(|finding| format!("{} in {}", finding.rule.id, finding.tools.join(", "))).collect();
    found.dedup();
    found
}

const QUIET: Vec<String> = Vec::new();

const HEAD: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import path from "node:path";
import os from "node:os";
import fs from "node:fs";
import fsp from "node:fs/promises";
import { execFile, execFileSync } from "node:child_process";
const server = new McpServer({ name: "x", version: "1" });
"#;

/// A server whose tool `t` writes the file that `place` gives for its parameter.
fn writes(place: &str) -> Vec<String> {
    found(&format!(
        r#"{HEAD}
{place}
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  const file = await place(p);
  fs.writeFileSync(file, "data");
  return {{ content: [] }};
}});
"#
    ))
}

#[test]
fn a_list_of_forbidden_directories_contains_nothing() {
    let forbidden = r#"
const FORBIDDEN = ["/etc", "/sys", "/proc"];
function validate(p: string): { valid: boolean } {
  const resolved = path.resolve(p);
  if (path.normalize(p).includes("..")) return { valid: false };
  for (const dir of FORBIDDEN) { if (resolved.startsWith(dir)) return { valid: false }; }
  return { valid: true };
}
function place(p: string) { if (!validate(p).valid) throw new Error("no"); return p; }"#;
    assert_eq!(writes(forbidden), ["path-traversal in t"]);
}

/// The usual way to find the real path of a file that is yet to be made: of its nearest directory that exists.
const REAL: &str = r#"
function real(input: string): string {
  let current = path.resolve(input);
  const tail: string[] = [];
  for (;;) {
    try {
      const found = fs.realpathSync(current);
      return tail.length ? path.join(found, ...tail.reverse()) : found;
    } catch {
      const parent = path.dirname(current);
      if (parent === current) return path.resolve(input);
      tail.push(path.basename(current));
      current = parent;
    }
  }
}
function roots(): string[] {
  const configured = process.env.ROOTS;
  const list = configured ? configured.split(path.delimiter).map((r) => path.resolve(r)) : [];
  return list.length ? list : [process.cwd(), os.tmpdir()];
}
function inside(file: string, dirs: string[]) {
  return dirs.some((dir) => file === dir || file.startsWith(dir + path.sep));
}
"#;

#[test]
fn the_real_path_of_a_file_to_be_made_is_compared_with_a_list_of_roots() {
    let checked = format!(
        r#"{REAL}
function place(p: string) {{
  const file = real(p);
  const dirs = roots().map(real);
  if (dirs.length > 0 && !inside(file, dirs)) throw new Error("outside");
  return file;
}}"#
    );
    let ignored = format!(
        r#"{REAL}
function place(p: string) {{
  const file = real(p);
  const dirs = roots().map(real);
  if (dirs.length > 0 && !inside(file, dirs)) console.error("outside");
  return file;
}}"#
    );
    assert_eq!(writes(&checked), QUIET);
    assert_eq!(writes(&ignored), ["path-traversal in t"]);
}

#[test]
fn the_real_parent_of_a_file_to_be_made_counts_for_the_file() {
    let checked = r#"
const dirs = process.argv.slice(2).map((d) => path.resolve(d));
async function place(p: string) {
  const absolute = path.resolve(p);
  if (!dirs.some((d) => absolute === d || absolute.startsWith(d + path.sep))) throw new Error("outside");
  try {
    const found = await fsp.realpath(absolute);
    if (!dirs.some((d) => found === d || found.startsWith(d + path.sep))) throw new Error("link leads outside");
    return found;
  } catch (error) {
    const parent = await fsp.realpath(path.dirname(absolute));
    if (!dirs.some((d) => parent === d || parent.startsWith(d + path.sep))) throw new Error("outside");
    return absolute;
  }
}"#;
    assert_eq!(writes(checked), QUIET);
    // A throwing validator whose own result nobody uses still decides.
    let throwing = r#"
function underRoot(file: string, root: string) {
  const relative = path.relative(root, file);
  if (relative === "" || path.isAbsolute(relative)) return false;
  return !relative.startsWith("..");
}
function validate(p: string): void {
  const resolved = path.resolve(p);
  let real = resolved;
  try { real = path.join(fs.realpathSync(path.dirname(resolved)), path.basename(resolved)); } catch { real = resolved; }
  const windows = process.platform === "win32";
  const ok = [os.tmpdir(), process.cwd()].map((r) => path.resolve(r)).some((root) => {
    if (windows) return underRoot(real.toLowerCase(), root.toLowerCase());
    return underRoot(real, root);
  });
  if (!ok) throw new Error(`"${path.dirname(real)}" is not allowed`);
}
function place(p: string) { validate(p); return p; }"#;
    assert_eq!(writes(throwing), QUIET);
    let unused = throwing.replace("if (!ok) throw", "if (!ok) console.error");
    assert_eq!(writes(&unused.replace("new Error(`", "(`")), ["path-traversal in t"]);
}

/// A server that opens a URL on a device after `check`.
fn opens(check: &str) -> Vec<String> {
    found(&format!(
        r#"{HEAD}
server.tool("t", {{ url: z.string() }}, async ({{ url }}) => {{
  {check}
  execFileSync("xdg-open", [url]);
  return {{ content: [] }};
}});
"#
    ))
}

#[test]
fn what_an_administrator_may_switch_off_is_a_check_and_what_they_may_switch_on_is_none() {
    let refuse = r#"throw new Error("web pages only")"#;
    let web = r#"url.startsWith("http://") || url.startsWith("https://")"#;
    let schemes = ["unrestricted-url-scheme in t"];
    assert_eq!(opens(""), schemes);
    assert_eq!(opens(&format!("if (!({web})) {refuse};")), QUIET);
    assert_eq!(opens(&format!(r#"if (process.env.ALLOW_ALL !== "1" && !({web})) {refuse};"#)), QUIET);
    assert_eq!(opens(&format!(r#"const all = process.env.ALLOW_ALL === "1"; if (!all && !({web})) {refuse};"#)), QUIET);
    assert_eq!(opens(&format!("if (!process.env.ALLOW_ALL) {{ if (!({web})) {refuse}; }}")), QUIET);
    assert_eq!(opens(&format!(r#"if (process.env.STRICT === "1" && !({web})) {refuse};"#)), schemes);
    assert_eq!(opens(&format!("if (process.env.STRICT) {{ if (!({web})) {refuse}; }}")), schemes);
}

#[test]
fn a_device_shell_reads_what_one_word_of_its_command_holds() {
    let server = |words: &str| {
        found(&format!(
            r#"{HEAD}
class Device {{
  constructor(private id: string) {{}}
  adb(...args: string[]) {{
    const home = process.env.ANDROID_HOME;
    const adb = home ? path.join(home, "platform-tools", process.platform === "win32" ? "adb.exe" : "adb") : "adb";
    return execFileSync(adb, ["-s", this.id, ...args]);
  }}
}}
server.tool("t", {{ device: z.string(), text: z.string() }}, async ({{ device, text }}) => {{
  new Device(device).adb({words});
  return {{ content: [] }};
}});
"#
        ))
    };
    assert_eq!(server(r#""shell", "input", "text", text"#), ["command-injection in t"]);
    let escaped = r#""shell", "input", "text", text.replace(/[\\'"` \t\n\r|&;()<>{}[\]$*?~#!%^=]/g, "\\$&")"#;
    assert_eq!(server(escaped), QUIET);
    // The tool that runs any command on the device is what it says; it harms the device, not this host.
    assert_eq!(server(r#""shell", text"#), QUIET);
    assert_eq!(server(r#""install", text"#), QUIET);
}

#[test]
fn a_colon_behind_a_separator_is_no_host() {
    let server = |check: &str| {
        found(&format!(
            r#"{HEAD}
function local(p: string) {{
  {check}
}}
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  local(p);
  execFile("scp", ["-o", "BatchMode=yes", "--", p, "backup:/data"], () => {{}});
  return {{ content: [] }};
}});
"#
        ))
    };
    let checked = r#"const colon = p.indexOf(":"); if (colon === -1) return;
  const slash = p.search(/\//); if (slash !== -1 && slash < colon) return;
  throw new Error("another machine");"#;
    assert_eq!(server(checked), QUIET);
    assert_eq!(server(""), ["argument-injection in t"]);
}

#[test]
fn the_trace_shows_the_check_that_does_not_hold() {
    let text = format!(
        r#"{HEAD}
const dirs = ["/data/shared"];
async function place(p: string) {{
  const full = path.resolve(p);
  const ok = dirs.some((dir) => full.startsWith(dir)); // the check
  if (!ok) throw new Error("outside");
  try {{
    const real = await fsp.realpath(full);
    if (!dirs.some((dir) => real.startsWith(dir))) throw new Error("outside");
    return real;
  }} catch {{
    return full;
  }}
}}
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  const file = await place(p);
  return {{ content: [{{ type: "text", text: fs.readFileSync(file, "utf8") }}] }};
}});
"#
    );
    let line = text.lines().position(|line| line.ends_with("// the check")).expect("it is there") + 1;
    let report = scan(&text);
    let finding = report.findings.iter().find(|finding| finding.rule.id == "path-prefix-bypass").expect("found");
    let file = report.sources.get(finding.location.file).expect("a file of the target");
    let lines: Vec<usize> =
        finding.trace.iter().map(|step| file.line_column(step.location.span.start).line as usize).collect();
    assert!(lines.contains(&line), "line {line} in {lines:?}");
}

#[test]
fn every_step_of_a_trace_has_a_place() {
    let text = format!(
        r#"{HEAD}
import {{ execSync }} from "node:child_process";
server.tool("t", {{ p: z.string() }}, async ({{ p }}) => {{
  const line = ["ls", "-l", p].join(" ");
  return {{ content: [{{ type: "text", text: String(execSync(line)) }}] }};
}});
"#
    );
    let report = scan(&text);
    let finding = report.findings.iter().find(|finding| finding.rule.id == "command-injection").expect("found");
    let nowhere = finding.trace.iter().filter(|step| step.location.span == manta_core::Span::default());
    assert_eq!(nowhere.map(|step| &step.message).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn an_operand_of_a_command_line_is_pasted_and_an_option_is_chosen() {
    let program = |body: &str| {
        found(&format!(
            r#"
import {{ Command }} from "commander";
import {{ execSync, spawnSync }} from "node:child_process";
import fs from "node:fs";
const program = new Command();
program.name("checker").version("1.0.0");
program.command("check").description("Checks a repository").argument("<url>", "where it is").option("-f, --format <type>")
  .action(async (url: string) => {{ {body} }});
program.parse();
"#
        ))
    };
    assert_eq!(program("execSync(`git clone --depth 1 ${url} /tmp/x`);"), ["command-injection in command line"]);
    assert_eq!(program(r#"spawnSync("git", ["clone", "--depth", "1", url, "/tmp/x"]);"#), QUIET);
    assert_eq!(program(r#"fs.readFileSync(url, "utf8");"#), QUIET);
}

#[test]
fn what_a_peer_answers_is_not_what_the_program_says() {
    let server = |run: &str| {
        found(&format!(
            r#"
import express from "express";
import {{ WebSocketServer }} from "ws";
import {{ exec, execFile }} from "node:child_process";
const app = express();
const waiting = new Map<string, {{ resolve: (v: any) => void; reject: (e: Error) => void }}>();
const sockets = new WebSocketServer({{ port: 9000 }});
let peer: any = null;
sockets.on("connection", (socket) => {{
  peer = socket;
  socket.on("message", (raw: string) => {{
    const message = JSON.parse(raw);
    waiting.get(message.id)?.resolve(message);
  }});
}});
app.post("/shot", async (req, res) => {{
  const id = Date.now().toString();
  const answer = new Promise<any>((resolve, reject) => {{ waiting.set(id, {{ resolve, reject }}); }});
  peer.send(JSON.stringify({{ type: "shot", id }}));
  const {{ file }} = await answer;
  {run}
  res.end();
}});
app.listen(3000, "127.0.0.1");
"#
        ))
    };
    assert_eq!(server("exec(`convert '${file}' /tmp/out.png`);"), ["command-injection in /shot"]);
    assert_eq!(server("exec(`convert /tmp/in.png /tmp/out.png`); console.error(file);"), QUIET);
}
