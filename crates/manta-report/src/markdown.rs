//! Markdown for a comment on a pull request: the table first, each finding folded below it.

use std::fmt::Write as _;

use manta_core::{Finding, ScanReport, SinkClass, ToolInfo, Untrusted, Verdict};

use crate::place::Place;
use crate::snippet;
use crate::words::{self, count};

/// The comment for one target.
pub(crate) fn render(report: &ScanReport) -> String {
    let mut out = format!("## {}\n\n", conclusion(report));
    let shown = report.shown();
    for finding in &shown {
        out.push_str(&section(finding, report));
    }
    out.push_str(&table(report));
    let completeness = &report.completeness;
    let failed = completeness.files_skipped.iter().filter(|file| !file.reason.is_on_purpose());
    let missing: Vec<String> = failed
        .map(|file| format!("not analysed: {}: {}", file.path, file.reason))
        .chain(completeness.unresolved_handlers.iter().map(|tool| format!("handler not resolved: {tool}")))
        .chain(completeness.exhausted_budgets.iter().map(|limit| format!("limit reached: {limit}")))
        .collect();
    for line in &missing {
        let _ = writeln!(out, "- {}", text(line));
    }
    if !missing.is_empty() {
        out.push('\n');
    }
    if let Some(hidden) = words::hidden(&report.summary()) {
        let _ = writeln!(out, "{}\n", text(&hidden));
    }
    out
}

fn conclusion(report: &ScanReport) -> String {
    let summary = report.summary();
    let found = count(summary.reported() + summary.newer, "vulnerability");
    let target = text(&report.target);
    let scanned =
        format!("{}, {}", count(report.tools().count(), "tool"), count(report.completeness.files_analysed, "file"));
    if report.is_empty() {
        format!("manta: no MCP server found in {target}")
    } else if report.completeness.is_complete() {
        format!("manta: {found} in {target} ({scanned})")
    } else {
        format!("manta: {found} in {target}, scan incomplete ({scanned})")
    }
}

fn section(finding: &Finding, report: &ScanReport) -> String {
    let place = Place::of(finding.location, report);
    let severity = finding.severity.as_str().to_uppercase();
    let headline = text(&words::headline(finding, &place.file));
    let mut out = format!("<details>\n<summary><b>{severity}</b> {headline}</summary>\n\n");
    let _ = writeln!(out, "{}\n", text(&finding.message));
    let _ = writeln!(out, "{}\n", text(&format!("{}:{}:{}", place.file, place.line, place.column)));
    if let Some(snippet) = snippet::at(finding.location, report) {
        let _ = writeln!(out, "{}\n", fenced(&snippet.text));
    }
    for (number, step) in (1..).zip(&finding.trace) {
        let Place { file, line, column, .. } = Place::of(step.location, report);
        let _ =
            writeln!(out, "{number}. {} \u{2014} {}", text(&step.message), text(&format!("{file}:{line}:{column}")));
    }
    if finding.tools.len() > 1 {
        let _ = writeln!(out, "\n**Tools:** {}", text(&finding.tools.join(", ")));
    }
    if !finding.help.is_empty() {
        let _ = writeln!(out, "\n**Help:** {}", text(&finding.help));
    }
    let cwe: Vec<String> = finding.rule.cwe.iter().map(|number| words::cwe(*number)).collect();
    let facts = [finding.rule.id.to_owned(), cwe.join(", "), format!("confidence {}", finding.confidence)];
    let _ = writeln!(out, "\n{}\n\n</details>\n", text(&facts.join(" · ")));
    out
}

/// A code block whose fence is longer than any run of backticks in it.
fn fenced(line: &str) -> String {
    let longest = line.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{line}\n{fence}")
}

fn table(report: &ScanReport) -> String {
    if report.tools().next().is_none() {
        return String::new();
    }
    let classes: Vec<&str> = SinkClass::ALL.iter().map(|class| class.as_str()).collect();
    let mut out = format!("| tool | {} |\n|---{}|\n", classes.join(" | "), "|---".repeat(classes.len()));
    for tool in report.tools() {
        let cells: Vec<&str> = SinkClass::ALL.iter().map(|class| cell(tool, *class, report)).collect();
        let _ = writeln!(out, "| {} | {} |", text(&tool.name), cells.join(" | "));
    }
    out.push('\n');
    out
}

fn cell(tool: &ToolInfo, class: SinkClass, report: &ScanReport) -> &'static str {
    match tool.verdicts.get(&class) {
        Some(Verdict::Vulnerable) if words::is_not_shown(report, tool, class) => "not shown",
        Some(Verdict::Vulnerable) => "**vulnerable**",
        Some(Verdict::Guarded { .. }) => "guarded",
        Some(Verdict::NotReached) => "–",
        Some(Verdict::Unknown) | None => "?",
    }
}

fn text(text: &str) -> String {
    Untrusted(text).for_markdown()
}
