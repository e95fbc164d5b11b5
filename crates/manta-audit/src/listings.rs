//! Captured lists of tools as a source of servers: read from JSON files of the target.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{
    FileId, Finding, Language, Location, ProjectInput, SaidText, ScanReport, Server, SkipReason, SkippedFile, ToolInfo,
    ToolKind,
};
use manta_mcp::document::{self, Notation};
use manta_mcp::listing::{self, Entry, Listed, Role, Text};

/// A server that a file lists.
pub(crate) struct Capture {
    /// The file.
    pub(crate) file: FileId,
    /// What it says.
    pub(crate) listed: Listed,
}

/// Reads every JSON file of the target that lists tools. In a tree with code the lists are copies of what the code
/// registers; there only those are read that a running server gave.
pub(crate) fn read(input: &ProjectInput, report: &mut ScanReport) -> Vec<Capture> {
    let is_alone = input.sources.len() == 1;
    let has_code = !report.servers.is_empty();
    let mut captures = Vec::new();
    for (id, file) in input.sources.iter().filter(|(_, file)| Notation::of(&file.path) == Some(Notation::Json)) {
        let is_captured = is_alone || input.captured.contains(&id);
        if has_code && !is_captured {
            continue;
        }
        // Among other files, only what has the schemas of `tools/list`: descriptions of HTTP interfaces name things too.
        if !is_captured && !file.text.contains("\"inputSchema\"") {
            continue;
        }
        let documents = match document::read(&file.text, Notation::Json) {
            Ok(documents) => documents,
            Err(problem) => {
                if is_alone {
                    let reason = SkipReason::Unparsed(format!("no JSON: {problem}"));
                    report.completeness.files_skipped.push(SkippedFile { path: file.path.clone(), reason });
                }
                continue;
            }
        };
        let listed = listing::read(&documents);
        if listed.is_empty() {
            continue;
        }
        report.completeness.files_analysed += 1;
        for listed in listed {
            if listed.has_more {
                let unfinished =
                    format!("{}: the list goes on: `nextCursor` names a page that is not there", file.path);
                report.completeness.exhausted_budgets.push(unfinished);
            }
            captures.push(Capture { file: id, listed });
        }
    }
    captures
}

/// Adds the servers to the inventory.
pub(crate) fn describe(captures: &[Capture], report: &mut ScanReport) {
    for Capture { file, listed } in captures {
        let tools = listed.entries.iter().map(|entry| ToolInfo {
            kind: entry.kind,
            name: entry.name.clone(),
            location: Location::new(*file, entry.at),
            params: entry.params.clone(),
            description: entry.description.clone(),
            texts: others(entry, *file),
            verdicts: BTreeMap::new(),
            powers: BTreeMap::new(),
        });
        report.servers.push(Server {
            name: listed.name.clone(),
            sdk: "list of tools".to_owned(),
            language: Language::Unknown,
            tools: tools.collect(),
            texts: listed.texts.iter().map(|text| said(text, *file)).collect(),
        });
    }
}

fn said(text: &Text, file: FileId) -> SaidText {
    SaidText { field: text.field.clone(), text: text.text.clone(), location: Location::new(file, text.at) }
}

/// What an entry says beside its name, its description and its parameters as the inventory has them.
fn others(entry: &Entry, file: FileId) -> Vec<SaidText> {
    const KNOWN: [&str; 7] = ["description", "type", "required", "enum", "pattern", "format", "$schema"];
    let is_other = |text: &&Text| {
        let last = text.field.rsplit('.').next().unwrap_or_default();
        let last = last.split('[').next().unwrap_or_default();
        !matches!(text.role, Role::Name | Role::Parameter) && !KNOWN.contains(&last)
    };
    let promises = [("readOnlyHint", entry.hints.read_only), ("openWorldHint", entry.hints.open_world)];
    let promises = promises.into_iter().filter_map(|(name, promise)| {
        let (field, text) = (format!("annotations.{name}"), if promise? { "true" } else { "false" }.to_owned());
        Some(SaidText { field, text, location: Location::new(file, entry.at) })
    });
    entry.texts.iter().filter(is_other).map(|text| said(text, file)).chain(promises).collect()
}

/// What a running server lists and its code doesn't register, and what it says differently. Call it before the lists
/// join the inventory.
pub(crate) fn compare(captures: &[Capture], report: &mut ScanReport) -> Vec<Finding> {
    let tools = report.tools().filter(|tool| tool.kind == ToolKind::Tool);
    let coded: Vec<(String, String)> = tools.map(|tool| (tool.name.clone(), tool.description.clone())).collect();
    if coded.is_empty() || captures.is_empty() {
        return Vec::new();
    }
    let is_known = coded.iter().all(|(name, _)| is_one(name)) && report.completeness.is_complete();
    let rule = crate::rules::known("unregistered-tool");
    let mut findings = Vec::new();
    let mut listed_names = BTreeSet::new();
    for Capture { file, listed } in captures {
        for entry in listed.entries.iter().filter(|entry| entry.kind == ToolKind::Tool) {
            listed_names.insert(entry.name.as_str());
            let at = Location::new(*file, entry.at);
            let message = match coded.iter().find(|(name, _)| *name == entry.name) {
                None if is_known => format!("the server lists `{}`, which its code does not register", entry.name),
                Some((_, description)) if differs(description, &entry.description) => {
                    format!("the server describes `{}` in other words than its code", entry.name)
                }
                None | Some(_) => continue,
            };
            let mut finding = Finding::at(rule, at, message);
            finding.tools = vec![entry.name.clone()];
            finding.help = "find out where the running server comes from: it is not what the code says".to_owned();
            findings.push(finding);
        }
    }
    let unlisted: Vec<&str> = coded
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| is_one(name) && !listed_names.contains(name))
        .collect();
    if !unlisted.is_empty() {
        let note = format!("registered in the code and not listed by the running server: {}", unlisted.join(", "));
        report.completeness.notes.push(note);
    }
    if !is_known {
        let note = "the code is not known completely, so tools that only the running server knows were not reported";
        report.completeness.notes.push(note.to_owned());
    }
    findings
}

/// Whether a name in the inventory is that of one tool: `*` stands for what code computes, and a handler whose tools
/// aren't known goes by its method.
fn is_one(name: &str) -> bool {
    !name.contains('*') && !matches!(name, "tools/call" | "handler")
}

/// Whether two descriptions say different things; white space doesn't count, and what code computes (`…`) isn't known.
fn differs(coded: &str, listed: &str) -> bool {
    if coded.contains('…') {
        return false;
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    !coded.trim().is_empty() && words(coded) != words(listed)
}
