//! Annotations of a GitHub workflow: one workflow command per finding, which the runner shows at the line of the
//! pull request.

use std::fmt::Write as _;

use manta_core::{Finding, ScanReport, Severity, Untrusted};

use crate::place::Place;
use crate::words::{self, count};

/// One line per finding, then a notice with the result.
#[must_use]
pub fn render(report: &ScanReport) -> String {
    let mut out: String = report.shown().into_iter().map(|finding| annotation(finding, report)).collect();
    out.push_str(&conclusion(report));
    out
}

fn annotation(finding: &Finding, report: &ScanReport) -> String {
    let place = Place::of(finding.location, report);
    let title = format!("{}: {}", finding.severity.as_str().to_uppercase(), words::headline(finding, &place.file));
    let mut message = finding.message.clone();
    if let Some(source) = &finding.source {
        let _ = write!(message, "\nparameter {} of {}", source.param, source.tool);
    }
    for (number, step) in (1..).zip(&finding.trace) {
        let Place { file, line, column, .. } = Place::of(step.location, report);
        let _ = write!(message, "\n{number}. {} ({file}:{line}:{column})", step.message);
    }
    if !finding.help.is_empty() {
        let _ = write!(message, "\nhelp: {}", finding.help);
    }
    let mut properties = vec![format!("title={}", property(&title))];
    // A file inside an archive isn't part of the checkout, so there is no line to show the annotation at.
    if let Some(base) = &report.base {
        properties.push(format!("file={}", property(&format!("{base}{}", place.file))));
        properties.push(format!("line={}", place.line));
        properties.push(format!("endLine={}", place.end_line));
        // The runner ignores columns of a range over several lines.
        if place.line == place.end_line {
            properties.push(format!("col={}", place.column));
            properties.push(format!("endColumn={}", place.end_column));
        }
    }
    format!("::{} {}::{}\n", command(finding.severity), properties.join(","), Untrusted(&message).for_annotation())
}

fn property(text: &str) -> String {
    Untrusted(text).for_annotation_property()
}

const fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    }
}

fn conclusion(report: &ScanReport) -> String {
    let summary = report.summary();
    let (command, state) = if report.is_empty() {
        ("warning", "no MCP server found in")
    } else if report.completeness.is_complete() {
        ("notice", "scan complete of")
    } else {
        ("warning", "scan incomplete of")
    };
    let text = format!(
        "{state} {}: {} found, {}, {} analysed{}",
        report.target,
        count(summary.reported() + summary.newer, "vulnerability"),
        count(report.tools().count(), "tool"),
        count(report.completeness.files_analysed, "file"),
        words::hidden(&summary).map_or_else(String::new, |hidden| format!("; {hidden}")),
    );
    format!("::{command} title=manta::{}\n", Untrusted(&text).for_annotation())
}
