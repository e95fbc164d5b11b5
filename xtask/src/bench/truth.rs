//! The facts about known vulnerabilities: one pair per line of a JSON Lines file.
//!
//! A pair is a published server just before and at the fix of a disclosed vulnerability; its flows
//! were verified by reading the code.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// One server before (`<id>/vuln`) and at (`<id>/fixed`) a fix.
#[derive(Debug, Deserialize)]
pub(super) struct Pair {
    pub id: String,
    pub language: String,
    pub flows: Vec<Flow>,
}

/// One vulnerable flow, placed in the vulnerable tree.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Flow {
    pub class: String,
    /// Such as `CWE-78`.
    pub cwe: String,
    /// None where the source is not one tool's argument.
    pub tool: Option<String>,
    pub sink_file: String,
    pub sink_line: u32,
    pub difficulty: Difficulty,
    /// The fixed tree rightly still has a finding of this class.
    #[serde(default)]
    pub fixed_still_flags: bool,
}

/// How hard a flow is to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Difficulty {
    /// An argument reaches a sink.
    Normal,
    /// The point is what a check really stops, or the source is not a tool argument.
    Hard,
    /// Reviewers may disagree: left out of every score.
    Contested,
}

/// The languages a measurement can be restricted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    /// TypeScript and JavaScript.
    Ts,
    /// Python.
    Py,
}

impl Pair {
    /// The language group the pair is reported under.
    pub(super) fn group(&self) -> Language {
        if self.language == "python" { Language::Py } else { Language::Ts }
    }

    /// A flaw that another pair already has, as the published, compiled package: counted apart.
    pub(super) fn is_dist(&self) -> bool {
        self.id.ends_with("--dist")
    }

    /// The flows that count.
    pub(super) fn scored(&self) -> Vec<&Flow> {
        self.flows.iter().filter(|flow| flow.difficulty != Difficulty::Contested).collect()
    }
}

impl Flow {
    /// The CWE numbers whose findings count for this flow. Command, argument and code injection
    /// count for each other, so do path traversal and file write, and so do rebinding and missing
    /// authentication: each of them is one flaw that reviewers file under either name. A class
    /// without a family counts by its own number alone.
    pub(super) fn family(&self) -> Vec<u32> {
        match self.class.as_str() {
            "command-injection" | "arg-injection" | "code-injection" => vec![78, 77, 88, 94, 95],
            "path-traversal" | "file-write" => vec![22, 23, 36, 59, 73, 434],
            "ssrf" => vec![918, 441, 601],
            "sql-injection" => vec![89, 943],
            "dns-rebinding" | "no-auth" => vec![346, 350, 1385, 942, 306, 862, 287],
            "deserialization" => vec![502],
            _ => cwe_number(&self.cwe).into_iter().collect(),
        }
    }
}

/// The number of `CWE-78`.
pub(super) fn cwe_number(name: &str) -> Option<u32> {
    name.strip_prefix("CWE-")?.parse().ok()
}

/// Reads a JSON Lines file of pairs.
///
/// # Errors
/// When the file, or a line of it, cannot be read.
pub(super) fn load(file: &Path) -> Result<Vec<Pair>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| format!("{}:{}: {error}", file.display(), index + 1))
        })
        .collect()
}
