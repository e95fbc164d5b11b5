//! Small pieces of English that several formats share.

use manta_core::{Finding, ScanReport, SinkClass, Summary, ToolInfo, Untrusted};

/// Whether what is wrong with a tool in one class is only in findings that the report does not show: then the table says so
/// and not `vulnerable`, which nothing above or below it would explain.
pub(crate) fn is_not_shown(report: &ScanReport, tool: &ToolInfo, class: SinkClass) -> bool {
    let explains = |finding: &Finding| {
        finding.disposition.is_shown() && finding.rule.class == Some(class) && finding.tools.contains(&tool.name)
    };
    !report.findings.iter().any(explains)
}

/// `1 file`, `2 files`. Takes the plural in `-s`, or in `-ies` for words in `-y`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}

/// `Command execution in shell_exec`: the headline of a finding after its severity. A sink that many tools share
/// is headed by the first few of them; reports list all elsewhere.
pub(crate) fn headline(finding: &Finding, file: &str) -> String {
    /// More names than this and the headline stops being one line.
    const MOST: usize = 4;
    let title = finding.rule.title;
    match finding.tools.as_slice() {
        [] => format!("{title} in {}", Untrusted(file).for_terminal()),
        tools if tools.len() <= MOST => format!("{title} in {}", names(tools)),
        tools => {
            let (first, rest) = tools.split_at(MOST - 1);
            format!("{title} in {} and {} more tools", names(first), rest.len())
        }
    }
}

/// All names of tools, made safe for a terminal: `a, b, c`.
pub(crate) fn names(tools: &[String]) -> String {
    let names: Vec<_> = tools.iter().map(|tool| Untrusted(tool).for_terminal()).collect();
    names.join(", ")
}

/// `CWE-78`.
pub(crate) fn cwe(number: u16) -> String {
    format!("CWE-{number}")
}

/// What isn't shown, each with the way to see it; `None` when everything is.
pub(crate) fn hidden(summary: &Summary) -> Option<String> {
    let parts = [
        (summary.below_threshold, "below the threshold (--min-severity info)"),
        (summary.other_persona, "for auditors (--persona auditor)"),
        (summary.not_selected, "of rules not selected (--only, --skip)"),
        (summary.suppressed, "suppressed (--no-config)"),
        (summary.baselined, "in the baseline (shown without --baseline and --diff)"),
    ];
    let mut parts: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if summary.rules_not_run > 0 {
        parts.push(format!("{} not run (--only, --skip)", count(summary.rules_not_run, "rule")));
    }
    (!parts.is_empty()).then(|| format!("not shown: {}", parts.join(", ")))
}
