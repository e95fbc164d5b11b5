//! JUnit XML, which every build service shows: a test suite per target, a failed test per finding, an error where the
//! analysis is incomplete, and one passed test when all is well.

use std::fmt::Write as _;

use manta_core::{Finding, ScanReport, Untrusted};

use crate::Frame;
use crate::place::Place;
use crate::words;

/// One document for the whole run.
pub(crate) const FRAME: Frame = Frame {
    before: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"manta\">\n",
    between: "",
    after: "</testsuites>\n",
};

/// The suite of one target.
pub(crate) fn render(report: &ScanReport) -> String {
    let shown = report.shown();
    let incomplete = report.is_empty() || !report.completeness.is_complete();
    let mut cases: String = shown.iter().map(|finding| failure(finding, report)).collect();
    if incomplete {
        cases.push_str(&case(
            "completeness",
            "manta",
            "    <error message=\"the analysis is incomplete or found no server\"/>\n",
        ));
    } else if shown.is_empty() {
        cases.push_str(&case("no findings", "manta", ""));
    }
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n{cases}  </testsuite>\n",
        text(&report.target),
        shown.len() + usize::from(incomplete || shown.is_empty()),
        shown.len(),
        u8::from(incomplete),
    )
}

fn failure(finding: &Finding, report: &ScanReport) -> String {
    let place = Place::of(finding.location, report);
    let headline = words::headline(finding, &place.file);
    let mut body = format!("{}:{}:{}\n", place.file, place.line, place.column);
    for (number, step) in (1..).zip(&finding.trace) {
        let Place { file, line, column, .. } = Place::of(step.location, report);
        let _ = writeln!(body, "{number}. {} ({file}:{line}:{column})", step.message);
    }
    if !finding.help.is_empty() {
        let _ = writeln!(body, "help: {}", finding.help);
    }
    let failure = format!(
        "      <failure type=\"{}\" message=\"{}: {}\">{}</failure>\n",
        finding.rule.id,
        finding.severity,
        text(&finding.message),
        text(&body),
    );
    case(&headline, &format!("{}.{}", finding.rule.id, place.file), &failure)
}

fn case(name: &str, class: &str, content: &str) -> String {
    format!("    <testcase name=\"{}\" classname=\"{}\">\n{content}    </testcase>\n", text(name), text(class))
}

/// Invisible characters are named, so what is left is always allowed in XML 1.0.
fn text(text: &str) -> String {
    Untrusted(text).for_html()
}
