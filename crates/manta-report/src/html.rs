//! One self-contained page: table of tools, every finding with its path through the source. No script, no network,
//! light and dark; filtering by severity is done by the style sheet.
//! Written so that it is well-formed XML too, which lets a test read it strictly.

use std::fmt::Write as _;

use manta_core::{Finding, Location, ScanReport, Severity, SinkClass, ToolInfo, Untrusted, Verdict};

use crate::Frame;
use crate::place::Place;
use crate::snippet;
use crate::words::{self, count};

/// One page for the whole run.
pub(crate) const FRAME: Frame = Frame {
    before: concat!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
        // Should an escape ever be missing, nothing it lets through may run or load.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n",
        "<title>manta</title>\n<style>\n",
        include_str!("html.css"),
        "</style>\n</head>\n<body>\n"
    ),
    between: "",
    after: "</body>\n</html>\n",
};

/// The section of one target.
pub(crate) fn render(report: &ScanReport) -> String {
    let mut out = String::from("<main>\n");
    let _ = writeln!(out, "<h1>{}</h1>\n<p class=\"result\">{}</p>", text(&report.target), conclusion(report));
    out.push_str(&table(report));
    let shown = report.shown();
    if !shown.is_empty() {
        out.push_str(&filters(&shown));
        for finding in shown {
            out.push_str(&article(finding, report));
        }
    }
    out.push_str(&completeness(report));
    out.push_str("</main>\n");
    out
}

fn conclusion(report: &ScanReport) -> String {
    let summary = report.summary();
    let found = count(summary.reported() + summary.newer, "vulnerability");
    let state = if report.is_empty() {
        "no MCP server found".to_owned()
    } else if report.completeness.is_complete() {
        format!("{found} found, scan complete")
    } else {
        format!("{found} found, <strong>scan incomplete</strong>")
    };
    let tools = count(report.tools().count(), "tool");
    let files = count(report.completeness.files_analysed, "file");
    format!(
        "{state}; {tools}, {files} analysed, {} left out{}",
        report.completeness.files_skipped.len(),
        words::hidden(&summary).map_or_else(String::new, |hidden| format!("; {hidden}"))
    )
}

fn table(report: &ScanReport) -> String {
    if report.tools().next().is_none() {
        return String::new();
    }
    let mut out = String::from("<table>\n<thead><tr><th>tool</th>");
    for class in SinkClass::ALL {
        let _ = write!(out, "<th>{}</th>", class.as_str());
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for tool in report.tools() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", text(&tool.name));
        for class in SinkClass::ALL {
            out.push_str(&cell(tool, *class, report));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

fn cell(tool: &ToolInfo, class: SinkClass, report: &ScanReport) -> String {
    match tool.verdicts.get(&class) {
        Some(Verdict::Vulnerable) if words::is_not_shown(report, tool, class) => {
            "<td class=\"unknown\">not shown</td>".to_owned()
        }
        Some(Verdict::Vulnerable) => "<td class=\"vulnerable\">vulnerable</td>".to_owned(),
        Some(Verdict::Guarded { at }) => {
            format!("<td class=\"guarded\" title=\"{}\">guarded</td>", reference(*at, report))
        }
        Some(Verdict::NotReached) => "<td class=\"none\">–</td>".to_owned(),
        Some(Verdict::Unknown) | None => "<td class=\"unknown\">?</td>".to_owned(),
    }
}

/// A box per severity; unticked, the style sheet hides its articles.
fn filters(shown: &[&Finding]) -> String {
    let mut out = String::from("<fieldset><legend>show</legend>\n");
    for severity in Severity::ALL.iter().rev() {
        let number = shown.iter().filter(|finding| finding.severity == *severity).count();
        if number > 0 {
            let _ = writeln!(
                out,
                "<label><input type=\"checkbox\" class=\"show-{severity}\" checked=\"\"/> {severity} ({number})</label>"
            );
        }
    }
    out.push_str("</fieldset>\n");
    out
}

fn article(finding: &Finding, report: &ScanReport) -> String {
    let place = Place::of(finding.location, report);
    let severity = finding.severity;
    let headline = text(&words::headline(finding, &place.file));
    let mut out = format!("<article class=\"{severity}\" id=\"{}\">\n", finding.fingerprint);
    let _ = writeln!(out, "<h2><span class=\"severity\">{severity}</span> {headline}</h2>");
    let _ = writeln!(out, "<p>{}</p>", text(&finding.message));
    let _ = writeln!(out, "{}", excerpt(finding.location, report));
    if let Some(source) = &finding.source {
        let place = reference(source.location, report);
        let _ = writeln!(
            out,
            "<p>parameter <code>{}</code> of <code>{}</code> ({place})</p>",
            text(&source.param),
            text(&source.tool)
        );
    }
    if !finding.trace.is_empty() {
        out.push_str("<details open=\"\"><summary>path</summary>\n<ol>\n");
        for step in &finding.trace {
            let _ = writeln!(out, "<li>{}{}</li>", text(&step.message), excerpt(step.location, report));
        }
        out.push_str("</ol></details>\n");
    }
    if finding.tools.len() > 1 {
        let _ = writeln!(out, "<p>tools: {}</p>", text(&finding.tools.join(", ")));
    }
    if !finding.help.is_empty() {
        let _ = writeln!(out, "<p class=\"help\">{}</p>", text(&finding.help));
    }
    let cwe = finding.rule.cwe.iter().map(|number| {
        format!(" · <a href=\"https://cwe.mitre.org/data/definitions/{number}.html\">{}</a>", words::cwe(*number))
    });
    let cwe: String = cwe.collect();
    let _ = writeln!(out, "<p class=\"facts\">{}{cwe} · confidence {}</p>", finding.rule.id, finding.confidence);
    out.push_str("</article>\n");
    out
}

/// A line of source with the place marked, under its address.
fn excerpt(at: Location, report: &ScanReport) -> String {
    let mut out = format!("<figure><figcaption>{}</figcaption>", reference(at, report));
    if let Some(snippet) = snippet::at(at, report) {
        let _ = write!(out, "<pre>{}</pre>", text(&snippet.text));
    }
    out.push_str("</figure>");
    out
}

fn reference(at: Location, report: &ScanReport) -> String {
    let Place { file, line, column, .. } = Place::of(at, report);
    text(&format!("{file}:{line}:{column}"))
}

fn completeness(report: &ScanReport) -> String {
    let completeness = &report.completeness;
    let skipped = completeness.files_skipped.iter().map(|file| format!("{}: {}", file.path, file.reason));
    let entries: Vec<String> = completeness
        .unresolved_handlers
        .iter()
        .map(|tool| format!("handler not resolved: {tool}"))
        .chain(completeness.exhausted_budgets.iter().map(|limit| format!("limit reached: {limit}")))
        .chain(completeness.notes.iter().cloned())
        .chain(skipped)
        .collect();
    if entries.is_empty() {
        return String::new();
    }
    let mut out = format!("<details><summary>what was left out ({})</summary>\n<ul>\n", entries.len());
    for entry in entries {
        let _ = writeln!(out, "<li>{}</li>", text(&entry));
    }
    out.push_str("</ul></details>\n");
    out
}

fn text(text: &str) -> String {
    Untrusted(text).for_html()
}
