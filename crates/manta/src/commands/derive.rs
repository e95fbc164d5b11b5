//! A policy out of a scan: what is known of each parameter becomes its rule.
//!
//! A parameter that reaches a file is a path below a root, one that reaches an address a URL of a listed host, one
//! that reaches a command or an interpreter makes its tool refused until a person grants it. Every line says where
//! it comes from. What the scan could not follow is said too: the policy is a proposal, not a proof.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use manta_core::{Finding, ParamInfo, ScanReport, SinkClass, ToolInfo, ToolKind, Untrusted, Verdict};

/// What a parameter is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Path,
    Url,
}

/// Proposes a policy for the server that was scanned.
pub(crate) fn propose(report: &ScanReport) -> String {
    let mut tables = String::new();
    let (mut has_paths, mut has_urls) = (false, false);
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
            let used = used_as(report, tool, param);
            has_paths |= used == Some(Use::Path);
            has_urls |= used == Some(Use::Url);
            let _ = writeln!(tables, "args.{} = {}", key(&param.name), rule(param, used));
        }
    }
    let mut text = String::from(HEAD);
    if has_paths {
        text.push_str(ROOT);
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

const ROOT: &str = "
# Where the paths below may lead.
[roots.files]
at = \".\"
mode = \"r\" # \"rw\" where tools change files, here and at their arguments
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

/// What the flow says about a parameter; where the flow stops at the tool, its name and description.
fn used_as(report: &ScanReport, tool: &ToolInfo, param: &ParamInfo) -> Option<Use> {
    let is_text = matches!(param.ty.as_str(), "" | "string" | "string[]" | "unknown" | "any");
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
    let is_path =
        matches!(last, "path" | "paths" | "file" | "files" | "filename" | "filepath" | "dir" | "directory" | "folder");
    let is_url = matches!(last, "url" | "urls" | "uri" | "endpoint" | "href");
    match (is_path || name.ends_with("path"), is_url || name.ends_with("url")) {
        (true, _) if may(SinkClass::Path) => Some(Use::Path),
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

fn rule(param: &ParamInfo, used: Option<Use>) -> String {
    let choices = param.constraints.iter().find_map(|text| text.strip_prefix("one of ").or(text.strip_prefix("enum ")));
    let item = match (used, param.ty.trim_end_matches("[]"), choices) {
        (Some(Use::Path), ..) => "kind = \"path\", roots = [\"files\"], mode = \"r\"".to_owned(),
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
    let required = if param.required { ", required = true" } else { "" };
    match param.ty.ends_with("[]") {
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

    #[test]
    fn the_proposal_loads_and_binds_what_the_scan_found() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("server.js"),
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
        )
        .unwrap();
        let analysis = Analysis::new(&[]).unwrap();
        let input = collect::collect(directory.path().to_str().unwrap(), &Limits::default()).unwrap();
        let text = propose(&analysis.run(&input));
        let file = directory.path().join("manta.toml");
        std::fs::write(&file, &text).unwrap();
        let policy =
            Policy::compile(PolicyFile::load(&file).unwrap()).unwrap_or_else(|error| panic!("{error}\n{text}"));
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
