//! A policy out of a scan: what is known of each parameter becomes its rule.
//!
//! A parameter that reaches a file is a path below a root, one that reaches an address a URL of a listed host, one
//! that reaches a command or an interpreter makes its tool refused until a person grants it. Every line says where
//! it comes from. What the scan could not follow is said too: the policy is a proposal, not a proof.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use manta_core::{
    Enforcement, Finding, ParamInfo, Power, ScanReport, SinkClass, ToolInfo, ToolKind, Untrusted, Verdict,
};
use manta_guard::learn::{is_about_a_repository, root_section};

/// What a parameter is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Path,
    Url,
}

/// Proposes a policy for the server that was scanned.
pub(crate) fn propose(report: &ScanReport) -> String {
    let mut tables = String::new();
    let (mut modes, mut has_urls, mut has_repositories) = (BTreeSet::new(), false, false);
    let touches_files = report.tools().any(touches_files);
    let mut seen = BTreeMap::new();
    for tool in report.tools().filter(|tool| tool.kind != ToolKind::Resource) {
        if tool.name.is_empty() || seen.insert((tool.kind, tool.name.clone()), ()).is_some() {
            continue;
        }
        let table = if tool.kind == ToolKind::Prompt { "prompts" } else { "tools" };
        let file = report.sources.get(tool.location.file);
        let place = file.map(|file| (file.path.as_str(), file.line_column(tool.location.span.start).line));
        let (path, line) = place.unwrap_or_default();
        let _ = writeln!(tables, "\n# {}:{line}", Untrusted(path).for_terminal());
        let _ = writeln!(tables, "[{table}.{}]", key(&tool.name));
        if let Some(why) = dangerous(tool) {
            let _ = writeln!(tables, "# {why}: grant it knowingly, with rules for every argument\naccess = \"deny\"");
            continue;
        }
        for param in &tool.params {
            let used = used_as(report, tool, param, touches_files);
            let mode = mode_of(tool);
            if used == Some(Use::Path) {
                modes.insert((mode.len(), mode));
                has_repositories |= is_about_a_repository(&tool.name, &param.name);
            }
            has_urls |= used == Some(Use::Url);
            let _ = writeln!(tables, "args.{} = {}", key(&param.name), rule(param, used, mode));
        }
    }
    let mut text = String::from(HEAD);
    // The widest is the longest: `r`, `rw`, `rwd`.
    if let Some((_, mode)) = modes.last() {
        text.push_str("\n# Where the paths below may lead.\n");
        text.push_str(&root_section("files", ".", mode, has_repositories));
    }
    if has_urls {
        text.push_str(HOSTS);
    }
    text.push_str(&tables);
    if !report.completeness.is_complete() {
        text.push_str("\n# The scan is incomplete: what it did not see has no rule here and is refused.\n");
    }
    text
}

const HEAD: &str = "\
# Proposed by `manta policy init --from-scan`. Read it before you use it: roots, hosts and modes are guesses.
version = 1
";

const HOSTS: &str = "
# Where the URLs below may lead. Nothing is listed yet.
[hosts.web]
allow = []
";

/// Why a tool is refused until somebody has thought about it.
fn dangerous(tool: &ToolInfo) -> Option<&'static str> {
    let is_open = |class| matches!(tool.verdicts.get(&class), Some(Verdict::Vulnerable));
    match (is_open(SinkClass::Command), is_open(SinkClass::Code)) {
        (true, _) => Some("what a caller sends is run as a command"),
        (_, true) => Some("what a caller sends is run as code"),
        _ => None,
    }
}

/// Whether a tool reads or changes files, as far as the scan knows. Where it gets past a check, nothing of a caller's
/// reaches the file; the tool is about it all the same.
fn touches_files(tool: &ToolInfo) -> bool {
    tool.powers.contains_key(&Power::ReadFiles)
        || tool.powers.contains_key(&Power::WriteFiles)
        || !matches!(tool.verdicts.get(&SinkClass::Path), None | Some(Verdict::NotReached))
}

/// What a tool may do where its paths lead: by its name, and no less than what its code does.
fn mode_of(tool: &ToolInfo) -> &'static str {
    match manta_guard::learn::mode_of(&tool.name) {
        "r" if tool.powers.contains_key(&Power::WriteFiles) => "rw",
        "r" => "r",
        "rwc" => "rw",
        _ => "rwd",
    }
}

/// What the flow says about a parameter; where the flow stops at the tool, or at a check of the server's own, its name.
/// `among_files`: the server has to do with files.
fn used_as(report: &ScanReport, tool: &ToolInfo, param: &ParamInfo, among_files: bool) -> Option<Use> {
    let is_text = matches!(param.ty.as_str(), "" | "string" | "string[]" | "array" | "list" | "unknown" | "any");
    if !is_text {
        return None;
    }
    let reaches = |class: SinkClass| report.findings.iter().any(|finding| is_about(finding, tool, param, class));
    if reaches(SinkClass::Path) {
        return Some(Use::Path);
    }
    if reaches(SinkClass::Network) {
        return Some(Use::Url);
    }
    let may = |class| !matches!(tool.verdicts.get(&class), Some(Verdict::NotReached));
    let name = param.name.to_ascii_lowercase();
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or("");
    let words = manta_guard::learn::is_called_like_a_path;
    let is_end_of_a_move =
        words(&tool.name) && matches!(last, "source" | "destination" | "src" | "dst" | "dest" | "from" | "to");
    // What is in a list is not known: `files` may be objects with more than a path, `paths` are paths.
    let is_list = matches!(param.ty.as_str(), "array" | "list");
    let is_of_texts = name.ends_with("paths") || name.ends_with("names");
    let is_path = words(&param.name) && (!is_list || is_of_texts) || is_end_of_a_move;
    let is_url = matches!(last, "url" | "urls" | "uri" | "endpoint" | "href");
    match (is_path || name.ends_with("path"), is_url || name.ends_with("url")) {
        (true, _) if may(SinkClass::Path) || among_files => Some(Use::Path),
        (_, true) if may(SinkClass::Network) => Some(Use::Url),
        _ => None,
    }
}

fn is_about(finding: &Finding, tool: &ToolInfo, param: &ParamInfo, class: SinkClass) -> bool {
    finding.rule.class == Some(class)
        && finding.source.as_ref().is_some_and(|source| {
            source.tool == tool.name && source.param.split(['.', '[']).next() == Some(param.name.as_str())
        })
}

fn rule(param: &ParamInfo, used: Option<Use>, mode: &str) -> String {
    let choices = param.constraints.iter().find_map(|text| text.strip_prefix("one of ").or(text.strip_prefix("enum ")));
    let item = match (used, param.ty.trim_end_matches("[]"), choices) {
        (Some(Use::Path), ..) => format!("kind = \"path\", roots = [\"files\"], mode = \"{mode}\""),
        (Some(Use::Url), ..) => "kind = \"url\", hosts = [\"web\"]".to_owned(),
        (None, _, Some(choices)) => {
            let values: Vec<String> =
                choices.split([',', '|']).map(|value| quoted(value.trim().trim_matches('"'))).collect();
            format!("kind = \"enum\", values = [{}]", values.join(", "))
        }
        (None, "string", _) => "kind = \"string\"".to_owned(),
        (None, "number", _) => "kind = \"number\"".to_owned(),
        (None, "integer" | "int", _) => "kind = \"int\"".to_owned(),
        (None, "boolean" | "bool", _) => "kind = \"bool\"".to_owned(),
        _ => "kind = \"any\"".to_owned(),
    };
    // What an SDK only advertises may be left out, whatever the schema says of it.
    let is_required = param.required && param.enforced == Enforcement::Enforced;
    let required = if is_required { ", required = true" } else { "" };
    let is_list = param.ty.ends_with("[]") || used.is_some() && matches!(param.ty.as_str(), "array" | "list");
    match is_list {
        true => format!("{{ kind = \"list\", items = {{ {item} }}{required} }}"),
        false => format!("{{ {item}{required} }}"),
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML. Names come from the scanned server.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || manta_core::Untrusted(&c.to_string()).for_terminal().starts_with('⟨') => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::Analysis;
    use crate::collect::{self, Limits};
    use manta_harden::policy::{Policy, PolicyFile};

    /// What is proposed for a server of one file, in the directory in which it stands.
    fn proposed(server: &str) -> (tempfile::TempDir, String, Policy) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("server.js"), server).unwrap();
        let analysis = Analysis::new(&[]).unwrap();
        let input = collect::collect(directory.path().to_str().unwrap(), &Limits::default()).unwrap();
        let text = propose(&analysis.run(&input));
        let file = directory.path().join("manta.toml");
        std::fs::write(&file, &text).unwrap();
        let policy =
            Policy::compile(PolicyFile::load(&file).unwrap()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        (directory, text, policy)
    }

    #[test]
    fn paths_that_the_server_checks_itself_are_bound_as_paths_all_the_same() {
        let (_directory, text, policy) = proposed(
            r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "node:fs";
const server = new McpServer({ name: "s", version: "1" });
const names = { a: "/srv/a.txt" };
server.tool("read_file", { path: z.string() }, async ({ path }) => ({ content: [{ type: "text", text: fs.readFileSync(names[path] ?? "/srv/b.txt", "utf8") }] }));
server.tool("write_file", { filePath: z.string(), content: z.string() }, async ({ content }) => { fs.writeFileSync("/srv/c.txt", content); return { content: [] }; });
server.tool("move_file", { source: z.string(), destination: z.string() }, async () => ({ content: [] }));
server.tool("read_many", { paths: z.array(z.string()) }, async () => ({ content: [] }));
server.tool("read_parts", { files: z.array(z.object({ path: z.string(), from: z.number() })) }, async () => ({ content: [] }));
"#,
        );
        let is_ok = |tool: &str, args: serde_json::Value| policy.decide(tool, args.as_object().unwrap()).is_allowed();
        for (tool, honest, attack) in [
            ("read_file", serde_json::json!({ "path": "server.js" }), serde_json::json!({ "path": "../x" })),
            (
                "write_file",
                serde_json::json!({ "filePath": "new.txt", "content": "x" }),
                serde_json::json!({ "filePath": "/etc/cron.d/x", "content": "x" }),
            ),
            (
                "move_file",
                serde_json::json!({ "source": "server.js", "destination": "b.js" }),
                serde_json::json!({ "source": "/etc/passwd", "destination": "b.js" }),
            ),
            (
                "read_many",
                serde_json::json!({ "paths": ["server.js"] }),
                serde_json::json!({ "paths": ["/etc/passwd"] }),
            ),
        ] {
            assert!(is_ok(tool, honest), "{tool}\n{text}");
            assert!(!is_ok(tool, attack), "{tool}\n{text}");
        }
        assert!(is_ok("read_parts", serde_json::json!({ "files": [{ "path": "server.js", "from": 1 }] })), "{text}");
        assert!(text.contains("mode = \"rwd\""), "the root lets files be moved\n{text}");
    }

    #[test]
    fn the_proposal_loads_and_binds_what_the_scan_found() {
        let (_directory, text, policy) = proposed(
            r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import fs from "node:fs";
import { exec } from "node:child_process";
const server = new McpServer({ name: "s", version: "1" });
server.tool("load", { document: z.string(), lines: z.number().optional() }, async ({ document }) => ({ content: [{ type: "text", text: fs.readFileSync(document, "utf8") }] }));
server.tool("get", { address: z.string() }, async ({ address }) => ({ content: [{ type: "text", text: await (await fetch(address)).text() }] }));
server.tool("shell \"quoted\"", { line: z.string() }, async ({ line }) => { exec(line); return { content: [] }; });
"#,
        );
        assert!(text.contains("args.document = { kind = \"path\""), "{text}");
        assert!(text.contains("args.address = { kind = \"url\""), "{text}");
        let args = |json: serde_json::Value| json.as_object().unwrap().clone();
        assert!(policy.decide("load", &args(serde_json::json!({ "document": "server.js", "lines": 3 }))).is_allowed());
        assert!(!policy.decide("load", &args(serde_json::json!({ "document": "/etc/passwd" }))).is_allowed());
        assert!(!policy.decide("get", &args(serde_json::json!({ "address": "https://x.example/" }))).is_allowed());
        assert!(!policy.decide("shell \"quoted\"", &args(serde_json::json!({ "line": "id" }))).is_allowed());
        assert!(!policy.decide("unknown", &args(serde_json::json!({}))).is_allowed());
    }
}
