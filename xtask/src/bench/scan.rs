//! Runs the scanner on one tree, as a user would: the binary, with a deadline.
//!
//! A crash or a hang of the scanner must not end a measurement of a hundred trees, so every outcome
//! is a value.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

/// What one tree may take. A typical server takes milliseconds; beyond this the scanner hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// How often a running scan is looked at; the granularity of the times we print.
const POLL: Duration = Duration::from_millis(2);

/// The part of `manta/findings/v1` that measuring needs.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Report {
    #[serde(default)]
    pub findings: Vec<Finding>,
    #[serde(default)]
    pub servers: Vec<Server>,
    #[serde(default)]
    pub completeness: Completeness,
}

/// One finding, with paths relative to the scanned tree.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Finding {
    pub rule: String,
    #[serde(default)]
    pub severity: String,
    #[serde(default)]
    pub message: String,
    /// Such as `CWE-78`.
    #[serde(default)]
    pub cwe: Vec<String>,
    /// The names of the tools that reach the place.
    #[serde(default)]
    pub tools: Vec<String>,
    pub location: Place,
    #[serde(default)]
    pub trace: Vec<Place>,
}

/// A line in a file of the scanned tree.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    pub file: String,
    #[serde(default)]
    pub line: u32,
}

/// One MCP server the scanner recognised.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Server {
    #[serde(default)]
    pub tools: Vec<serde::de::IgnoredAny>,
}

/// Whether the scanner saw everything.
#[derive(Debug, Deserialize)]
pub(super) struct Completeness {
    pub complete: bool,
    /// Handlers that were registered but whose code was not found.
    #[serde(default)]
    pub unresolved_handlers: Vec<String>,
    /// Limits the analysis ran into.
    #[serde(default)]
    pub exhausted_budgets: Vec<String>,
}

impl Default for Completeness {
    fn default() -> Self {
        Self { complete: true, unresolved_handlers: Vec::new(), exhausted_budgets: Vec::new() }
    }
}

/// One run: what the scanner said or why it said nothing, and the wall time it took.
#[derive(Debug)]
pub(super) struct Scan {
    pub outcome: Result<Report, String>,
    pub took: Duration,
}

impl Scan {
    /// The findings, none when the scan failed.
    pub(super) fn findings(&self) -> &[Finding] {
        self.outcome.as_ref().map_or(&[], |report| &report.findings)
    }

    /// Why the run cannot be trusted fully: it failed, or the scanner itself says that it did not see everything.
    pub(super) fn trouble(&self) -> Option<String> {
        match &self.outcome {
            Err(problem) => Some(format!("FAILED: {problem}")),
            Ok(Report { completeness: Completeness { complete: true, .. }, .. }) => None,
            Ok(Report { completeness, .. }) => {
                let Completeness { unresolved_handlers, exhausted_budgets, .. } = completeness;
                let handlers = format!("{} handlers unresolved", unresolved_handlers.len());
                Some(format!("incomplete: {handlers}, budgets exhausted: {exhausted_budgets:?}"))
            }
        }
    }

    /// How many tools were recognised.
    pub(super) fn tools(&self) -> usize {
        self.outcome.as_ref().map_or(0, |report| report.servers.iter().map(|server| server.tools.len()).sum())
    }
}

/// The scanner to measure: as given, or the `manta` beside this very program.
///
/// # Errors
/// When there is no such file.
pub(super) fn manta_binary(given: Option<&Path>) -> Result<PathBuf, String> {
    let beside = || {
        let own = std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
        Ok::<_, String>(own.with_file_name(format!("manta{}", std::env::consts::EXE_SUFFIX)))
    };
    let path = given.map_or_else(beside, |path| Ok(path.to_owned()))?;
    if path.is_file() { Ok(path) } else { Err(format!("no scanner at {}: build it or pass --manta", path.display())) }
}

/// Scans `tree` with `manta`, for at most [`DEADLINE`].
pub(super) fn scan(manta: &Path, tree: &Path) -> Scan {
    let started = Instant::now();
    let outcome = scan_within(manta, tree, started + DEADLINE);
    Scan { outcome, took: started.elapsed() }
}

fn scan_within(manta: &Path, tree: &Path, deadline: Instant) -> Result<Report, String> {
    if !tree.exists() {
        return Err(format!("no such tree: {}", tree.display()));
    }
    let scratch = scratch()?;
    let (json, stderr) = (scratch.path().join("findings.json"), scratch.path().join("stderr"));
    let errors = File::create(&stderr).map_err(|error| format!("cannot write {}: {error}", stderr.display()))?;
    let mut command = Command::new(manta);
    command.arg("scan").arg("-o").arg(format!("json={}", json.display())).arg(tree);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
    let status = wait(&mut command, deadline)?;
    let said = || fs::read_to_string(&stderr).unwrap_or_default().lines().next().unwrap_or("").to_owned();
    // 0 is clean, 1 has findings, 3 is incomplete; each of them owes us a report.
    if !matches!(status.code(), Some(0 | 1 | 3)) {
        return Err(format!("{status}: {}", said()));
    }
    let text = fs::read(&json).map_err(|_| format!("{status} without a report: {}", said()))?;
    serde_json::from_slice(&text).map_err(|error| format!("unreadable report: {error}"))
}

fn wait(command: &mut Command, deadline: Instant) -> Result<ExitStatus, String> {
    let mut child = command.spawn().map_err(|error| format!("cannot start: {error}"))?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            unfinished => {
                // Both can only fail when the child is gone already.
                let _ = child.kill();
                let _ = child.wait();
                return Err(match unfinished {
                    Ok(_) => format!("timed out after {} s", DEADLINE.as_secs()),
                    Err(error) => format!("lost sight of it: {error}"),
                });
            }
        }
    }
}

/// A directory of its own that goes away with the value.
///
/// # Errors
/// When it cannot be created.
pub(super) fn scratch() -> Result<TempDir, String> {
    tempfile::tempdir().map_err(|error| format!("cannot create a directory: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_format_version_1_is_read() {
        let report: Report = serde_json::from_str(
            r#"{"schema": "manta/findings/v1", "target": "t", "completeness": {"complete": false, "files": 3},
                "servers": [{"sdk": "mcp", "tools": [{"name": "run"}, {"name": "read"}]}],
                "findings": [{"rule": "command-injection", "severity": "critical", "cwe": ["CWE-78"], "tools": ["run"],
                              "location": {"file": "src/a.ts", "line": 7, "column": 1},
                              "trace": [{"file": "src/b.ts", "line": 2, "message": "m"}]}]}"#,
        )
        .unwrap();
        assert!(!report.completeness.complete);
        assert_eq!(report.findings[0].location.line, 7);
        assert_eq!(report.findings[0].trace[0].file, "src/b.ts");
        let scan = Scan { outcome: Ok(report), took: Duration::ZERO };
        assert_eq!((scan.tools(), scan.findings().len()), (2, 1));
    }

    #[test]
    fn a_missing_tree_is_an_outcome() {
        let scan = scan(Path::new("manta"), Path::new("no/such/tree"));
        assert!(scan.outcome.unwrap_err().contains("no such tree"));
    }
}
