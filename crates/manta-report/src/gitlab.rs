//! A Code Quality report for GitLab merge requests: a list of objects, one per finding.
//!
//! GitLab's other formats carry the time of the run, and a report that differs every time can't be compared.

use manta_core::{Finding, ScanReport, Severity, Untrusted};
use serde_json::{Value, json};

use crate::place::Place;
use crate::{Frame, json_text, words};

/// One list for the whole run.
pub(crate) const FRAME: Frame = Frame { before: "[\n", between: ",\n", after: "\n]\n" };

/// The entries of one target, without the brackets around them.
pub(crate) fn render(report: &ScanReport) -> String {
    let entries = report.shown().into_iter().map(|finding| json_text::pretty(&entry(finding, report)));
    let entries: Vec<String> = entries.map(|entry| entry.trim_end().to_owned()).collect();
    entries.join(",\n")
}

fn entry(finding: &Finding, report: &ScanReport) -> Value {
    let place = Place::of(finding.location, report);
    let base = report.base.as_deref().unwrap_or("");
    let description = format!("{}: {}", words::headline(finding, &place.file), finding.message);
    json!({
        "description": Untrusted(&description).for_terminal(),
        "check_name": finding.rule.id,
        "fingerprint": finding.fingerprint.to_string(),
        "severity": severity(finding.severity),
        "categories": ["Security"],
        "location": {
            "path": format!("{base}{}", place.file),
            "positions": {
                "begin": { "line": place.line, "column": place.column },
                "end": { "line": place.end_line, "column": place.end_column },
            },
        },
    })
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
