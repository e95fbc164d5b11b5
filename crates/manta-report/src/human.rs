//! The report for people: what a reviewer would write in the margin, worst first, and a table at the end.

use std::fmt::Write as _;

use manta_core::{
    Completeness, Disposition, Finding, Language, Location, Safety, ScanReport, SinkClass, SkipReason, ToolInfo,
    ToolKind, Untrusted, Verdict,
};
use unicode_width::UnicodeWidthStr as _;

use crate::Options;
use crate::paint::Paint;
use crate::place::Place;
use crate::snippet::{self, Snippet};
use crate::words::{self, count};

/// Columns text is wrapped at.
const WIDTH: usize = 100;
/// Entries of a list shown before "and n more"; the JSON report has them all.
const MOST: usize = 8;

/// Renders one report.
#[must_use]
pub fn render(report: &ScanReport, options: &Options) -> String {
    let (paint, quiet) = (Paint { color: options.color }, options.quiet);
    let mut out = String::new();
    if !quiet {
        let _ = writeln!(out, "{}\n", header(report, paint));
    }
    for finding in report.shown() {
        out.push_str(&headline(finding, report, paint));
        if !quiet {
            out.push_str(&body(finding, report, paint));
            out.push('\n');
        }
    }
    if !quiet {
        out.push_str(&table(report, paint));
    }
    out.push_str(&conclusion(report, paint, quiet));
    out
}

/// `🔍 Scanning MCP server ./my-mcp-server (TypeScript, 2 tools, 3 files)`
fn header(report: &ScanReport, paint: Paint) -> String {
    let mut facts: Vec<String> = Vec::new();
    let languages = languages(report);
    if !languages.is_empty() {
        facts.push(languages.join(" + "));
    }
    let is_configuration = report.servers.is_empty() && !report.configured.is_empty();
    for kind in [ToolKind::Tool, ToolKind::Resource, ToolKind::Prompt] {
        let number = report.tools().filter(|tool| tool.kind == kind).count();
        if number > 0 || kind == ToolKind::Tool && !is_configuration {
            facts.push(count(number, kind.as_str()));
        }
    }
    if report.servers.len() > 1 {
        facts.push(count(report.servers.len(), "server"));
    }
    if !report.configured.is_empty() {
        facts.push(count(report.configured.len(), "configured server"));
    }
    facts.push(count(report.completeness.files_analysed, "file"));
    let target = Untrusted(&report.target).for_terminal();
    let what = if is_configuration { "configuration" } else { "MCP server" };
    format!("🔍 Scanning {what} {} ({})", paint.bold(&target), facts.join(", "))
}

fn languages(report: &ScanReport) -> Vec<&'static str> {
    let mut languages: Vec<Language> = report.servers.iter().map(|server| server.language).collect();
    languages.retain(|language| *language != Language::Unknown);
    languages.sort_unstable();
    languages.dedup();
    languages.into_iter().map(Language::as_str).collect()
}

/// `[!] CRITICAL: Command execution in shell_exec`
fn headline(finding: &Finding, report: &ScanReport, paint: Paint) -> String {
    let severity = finding.severity.as_str().to_uppercase();
    let place = Place::of(finding.location, report);
    let label = paint.severity(finding.severity, &format!("[!] {severity}:"));
    format!("{label} {}\n", paint.bold(&words::headline(finding, &place.file)))
}

fn body(finding: &Finding, report: &ScanReport, paint: Paint) -> String {
    let mut out = String::new();
    out.push_str(&wrapped(&finding.message, "    ", "    "));
    out.push_str(&excerpt(finding, report, paint));
    out.push_str(&trace(finding, report, paint));
    if finding.tools.len() > 1 {
        out.push_str(&wrapped(&format!("tools: {}", finding.tools.join(", ")), "    ", "           "));
    }
    if !finding.help.is_empty() {
        let help = wrapped(&finding.help, "          ", "          ");
        let _ = write!(out, "    {} {}", paint.good("help:"), help.trim_start());
    }
    if let Some(fix) = &finding.fix {
        let (flag, title) = (if fix.safety == Safety::Safe { "" } else { " --unsafe" }, &fix.title);
        out.push_str(&wrapped(&format!("`manta fix{flag}`: {title}"), "    ", "          "));
    }
    let _ = writeln!(out, "    {}", paint.dim(&footer(finding)));
    out
}

/// The source line of the sink, with a caret under what matters.
fn excerpt(finding: &Finding, report: &ScanReport, paint: Paint) -> String {
    let mut out = String::new();
    let margin = paint.dim("│");
    let _ = writeln!(out, "    {} {}", paint.dim("╭─"), paint.accent(&reference(finding.location, report)));
    if let Some(Snippet { line, text, indent, width }) = snippet::at(finding.location, report) {
        let carets = paint.severity(finding.severity, &"^".repeat(width));
        let gutter = line.to_string();
        let blank = " ".repeat(gutter.len());
        let _ = writeln!(out, "    {margin} {} {margin} {text}", paint.dim(&gutter));
        let _ = writeln!(out, "    {margin} {blank} {margin} {}{carets}", " ".repeat(indent));
    }
    let _ = writeln!(out, "    {}", paint.dim("╰─"));
    out
}

/// The parameter and the numbered steps to the sink.
fn trace(finding: &Finding, report: &ScanReport, paint: Paint) -> String {
    let mut out = String::new();
    if let Some(source) = &finding.source {
        let (tool, param) = (Untrusted(&source.tool).for_terminal(), Untrusted(&source.param).for_terminal());
        let place = reference(source.location, report);
        let _ =
            writeln!(out, "    parameter {} of {} ({})", paint.bold(&param), paint.bold(&tool), paint.accent(&place));
    }
    let digits = finding.trace.len().to_string().len();
    let mut last_line = None;
    for (number, step) in (1..).zip(&finding.trace) {
        let place = paint.accent(&reference(step.location, report));
        let message = Untrusted(&step.message).for_terminal();
        let _ = writeln!(out, "      {number:>digits$}. {message}  {place}");
        let line = (step.location.file, Place::of(step.location, report).line);
        if last_line != Some(line)
            && let Some(snippet) = snippet::at(step.location, report)
            // A line with nothing but a bracket tells nothing.
            && snippet.text.contains(char::is_alphanumeric)
        {
            let _ = writeln!(out, "      {:digits$}  {}", "", paint.dim(&format!("│ {}", snippet.text)));
        }
        last_line = Some(line);
    }
    out
}

fn footer(finding: &Finding) -> String {
    let mut facts = vec![finding.rule.id.to_owned()];
    facts.extend(finding.rule.cwe.iter().map(|number| words::cwe(*number)));
    facts.push(format!("confidence {}", finding.confidence));
    if let Disposition::Newer { since } = finding.disposition {
        facts.push(format!("newer than the ruleset (since {since})"));
    }
    facts.push(format!("manta explain {}", finding.rule.id));
    facts.join(" · ")
}

/// `src/index.ts:12:5`
fn reference(location: Location, report: &ScanReport) -> String {
    let Place { file, line, column, .. } = Place::of(location, report);
    format!("{}:{line}:{column}", Untrusted(&file).for_terminal())
}

/// Tools × classes.
fn table(report: &ScanReport, paint: Paint) -> String {
    // Of a list without code nothing is known about any class, so there is nothing to tabulate.
    let judged = report.tools().filter(|tool| !tool.verdicts.is_empty());
    let tools: Vec<(String, &ToolInfo)> = judged.map(|tool| (label(tool), tool)).collect();
    if tools.is_empty() {
        return String::new();
    }
    let cell_width = |class: &SinkClass| {
        let cells = tools.iter().map(|(_, tool)| cell(tool, *class, report).width());
        cells.max().unwrap_or(0).max(class.as_str().width())
    };
    let widths: Vec<usize> = SinkClass::ALL.iter().map(cell_width).collect();
    let name_width = tools.iter().map(|(name, _)| name.width()).max().unwrap_or(0).max("tool".len());

    let mut heading = pad("tool", name_width);
    for (class, width) in SinkClass::ALL.iter().zip(&widths) {
        let _ = write!(heading, "   {}", pad(class.as_str(), *width));
    }
    let mut out = format!("  {}\n", paint.dim(heading.trim_end()));
    for (name, tool) in &tools {
        let mut row = pad(name, name_width);
        for (class, width) in SinkClass::ALL.iter().zip(&widths) {
            let text = cell(tool, *class, report);
            let padding = " ".repeat(width - text.width());
            let _ = write!(row, "   {}{padding}", painted(text, paint));
        }
        let _ = writeln!(out, "  {}", row.trim_end());
    }
    out
}

fn label(tool: &ToolInfo) -> String {
    let name = Untrusted(&tool.name).for_terminal();
    if tool.kind == ToolKind::Tool { name } else { format!("{name} ({})", tool.kind.as_str()) }
}

fn cell(tool: &ToolInfo, class: SinkClass, report: &ScanReport) -> &'static str {
    match tool.verdicts.get(&class) {
        Some(Verdict::Vulnerable) if words::is_not_shown(report, tool, class) => "not shown",
        Some(Verdict::Vulnerable) => "vulnerable",
        Some(Verdict::Guarded { .. }) => "guarded",
        Some(Verdict::NotReached) => "-",
        Some(Verdict::Unknown) | None => "?",
    }
}

fn painted(cell: &str, paint: Paint) -> String {
    match cell {
        "vulnerable" => paint.bad(cell),
        "guarded" => paint.good(cell),
        "?" | "not shown" => paint.warning(cell),
        _ => paint.dim(cell),
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// What was and what wasn't looked at, and the last line. A count of nothing never stands alone.
fn conclusion(report: &ScanReport, paint: Paint, quiet: bool) -> String {
    let summary = report.summary();
    let found = summary.reported() + summary.newer;
    let vulnerabilities = count(found, "vulnerability");
    let coverage = coverage(report);
    let mut out = String::new();
    if !quiet {
        let left_out = left_out(&report.completeness, paint);
        if !left_out.is_empty() && !report.is_empty() {
            out.push('\n');
        }
        out.push_str(&left_out);
    }
    if report.is_empty() {
        let _ = writeln!(out, "{}", paint.warning(&format!("⚠ Nothing to scan — no MCP server found ({coverage})")));
    } else if !report.completeness.is_complete() {
        let line = format!("⚠ Scan incomplete — {vulnerabilities} found ({coverage})");
        let _ = writeln!(out, "{}", paint.warning(&line));
    } else if found == 0 {
        let _ = writeln!(out, "{} ({coverage})", paint.good("✓ Scan complete — 0 vulnerabilities found"));
    } else {
        let _ = writeln!(out, "{}", paint.bold(&format!("✓ Scan complete — {vulnerabilities} found")));
        if !quiet {
            let _ = writeln!(out, "  {}", paint.dim(&coverage));
        }
    }
    if let Some(hidden) = words::hidden(&summary) {
        let _ = writeln!(out, "  {}", paint.dim(&hidden));
    }
    out
}

/// `2 of 2 handlers resolved, 3 files analysed, 4 left out`
fn coverage(report: &ScanReport) -> String {
    let with_code = report.servers.iter().filter(|server| server.language != Language::Unknown);
    let handlers = with_code.map(|server| server.tools.len()).sum::<usize>();
    let unresolved = report.completeness.unresolved_handlers.len();
    // An unresolved handler may or may not have made it into the inventory, so it can't be subtracted blindly.
    let resolved = handlers.saturating_sub(unresolved);
    let mut facts = Vec::new();
    if !report.configured.is_empty() {
        facts.push(count(report.configured.len(), "configured server"));
    }
    if report.configured.is_empty() || !report.servers.is_empty() {
        facts.push(count(report.tools().count(), "tool"));
    }
    if report.configured.is_empty() && report.servers.iter().all(|server| server.language != Language::Unknown)
        || handlers.max(unresolved) > 0
    {
        facts.push(format!("{resolved} of {} resolved", count(handlers.max(unresolved), "handler")));
    }
    facts.push(format!("{} analysed", count(report.completeness.files_analysed, "file")));
    let left_out = report.completeness.files_skipped.len();
    if left_out > 0 {
        facts.push(format!("{left_out} left out"));
    }
    facts.join(", ")
}

fn left_out(completeness: &Completeness, paint: Paint) -> String {
    let mut out = String::new();
    let on_purpose: Vec<_> = completeness.files_skipped.iter().filter(|file| file.reason.is_on_purpose()).collect();
    if !on_purpose.is_empty() {
        let mut reasons: Vec<(&SkipReason, usize)> = Vec::new();
        for file in on_purpose {
            match reasons.iter_mut().find(|(reason, _)| *reason == &file.reason) {
                Some((_, number)) => *number += 1,
                None => reasons.push((&file.reason, 1)),
            }
        }
        reasons.sort();
        let reasons: Vec<_> = reasons.into_iter().map(|(reason, number)| format!("{number} × {reason}")).collect();
        let _ = writeln!(out, "  {}", paint.dim(&format!("left out: {}", reasons.join(", "))));
    }
    let failed = completeness.files_skipped.iter().filter(|file| !file.reason.is_on_purpose());
    let failed: Vec<String> = failed.map(|file| format!("{}: {}", file.path, file.reason)).collect();
    out.push_str(&list("not analysed", &failed, paint));
    out.push_str(&list("handler not resolved", &completeness.unresolved_handlers, paint));
    out.push_str(&list("limit reached", &completeness.exhausted_budgets, paint));
    out.push_str(&list("note", &completeness.notes, paint));
    out
}

fn list(what: &str, entries: &[String], paint: Paint) -> String {
    let mut out = String::new();
    for entry in entries.iter().take(MOST) {
        let label = if what == "note" { paint.dim("note:") } else { paint.warning(&format!("{what}:")) };
        let _ = writeln!(out, "  {label} {}", Untrusted(entry).for_terminal());
    }
    if entries.len() > MOST {
        let _ = writeln!(out, "  {}", paint.dim(&format!("… and {} more, all in `-o json`", entries.len() - MOST)));
    }
    out
}

/// Text wrapped between words, its own line ends kept.
fn wrapped(text: &str, first: &str, others: &str) -> String {
    let safe = Untrusted(text).for_terminal_lines();
    let mut out = String::new();
    for line in safe.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let mut current = format!("{}{}", if out.is_empty() { first } else { others }, " ".repeat(indent));
        let mut is_fresh = true;
        for word in line.split_whitespace() {
            if !is_fresh && current.width() + 1 + word.width() > WIDTH {
                let _ = writeln!(out, "{current}");
                current = format!("{others}{}", " ".repeat(indent));
                is_fresh = true;
            }
            if !is_fresh {
                current.push(' ');
            }
            current.push_str(word);
            is_fresh = false;
        }
        let _ = writeln!(out, "{}", current.trim_end());
    }
    out
}
