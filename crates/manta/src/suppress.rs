//! Suppressions: in source code and in the user's configuration ([`listed`]).
//!
//! In source code: `// manta: allow[rule] reason`, on the line of a finding or alone on the line above.
//!
//! They are the word of whoever wrote the code, so they count only for the user's own tree. Elsewhere they are
//! counted and not obeyed. One that hides nothing is a finding itself.

pub(crate) mod listed;

use manta_core::{
    Confidence, Disposition, FileId, Finding, Location, Persona, RuleMeta, ScanReport, Severity, SourceFile, Span,
};

/// The rule for suppressions that hide nothing or don't say what they should.
pub static UNUSED: RuleMeta = RuleMeta {
    id: "unused-suppression",
    title: "Unused suppression",
    aliases: &[],
    since: "0.1",
    summary: "suppressions that hide no finding, name no rule or give no reason",
    severity: Severity::Low,
    confidence: Confidence::High,
    persona: Persona::Regular,
    class: None,
    cwe: &[],
    page: include_str!("../rules/unused-suppression.md"),
};

const HELP: &str = "write `manta: allow[rule] reason` on the line of the finding or alone above it, or remove it";
const MARK: &str = "manta: allow[";

/// One suppression as it stands in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Suppression {
    location: Location,
    /// The line it speaks about, 1-based.
    line: u32,
    rules: Vec<String>,
    reason: String,
}

/// Hides the findings that suppressions of the tree name, and reports the suppressions that are of no use.
pub fn obey(report: &mut ScanReport, rules: &[&'static RuleMeta]) {
    let suppressions = find(report);
    let mut complaints = Vec::new();
    for suppression in &suppressions {
        if let Some(problem) = problem(suppression, rules) {
            complaints.push(complaint(suppression.location, &problem, HELP));
        } else if hide(report, suppression) == 0 {
            complaints.push(complaint(suppression.location, "the suppression hides no finding", HELP));
        }
    }
    if !complaints.is_empty() {
        report.findings.append(&mut complaints);
        report.settle();
    }
}

/// Says that the suppressions of a tree that isn't the user's were not obeyed.
pub fn note(report: &mut ScanReport) {
    let number = find(report).len();
    if number > 0 {
        let note =
            format!("suppressions in the scanned code that were not obeyed: {number} (--trust-config obeys them)");
        report.completeness.notes.push(note);
    }
}

fn find(report: &ScanReport) -> Vec<Suppression> {
    let sources = report.sources.iter().filter(|(_, file)| file.kind.is_source());
    sources.flat_map(|(id, file)| file.text.match_indices(MARK).filter_map(move |(at, _)| read(id, file, at))).collect()
}

/// Reads the suppression whose mark begins at byte `at`; `None` when it isn't in a comment.
fn read(id: FileId, file: &SourceFile, at: usize) -> Option<Suppression> {
    let start = u32::try_from(at).ok()?;
    let line = file.line_column(start).line;
    let text = file.line_text(line);
    let (before, after) = text.split_once(MARK)?;
    let code = before.trim_end().strip_suffix("//").or_else(|| before.trim_end().strip_suffix('#'))?;
    let (rules, reason) = after.split_once(']').unwrap_or((after, ""));
    let is_alone = code.trim().is_empty();
    let end = start + u32::try_from(MARK.len() + after.len()).ok()?;
    Some(Suppression {
        location: Location::new(id, Span::new(start, end)),
        line: if is_alone { line + 1 } else { line },
        rules: rules.split(',').map(|rule| rule.trim().to_owned()).collect(),
        reason: reason.trim().to_owned(),
    })
}

fn problem(suppression: &Suppression, rules: &[&'static RuleMeta]) -> Option<String> {
    let unknown = suppression.rules.iter().find(|name| !rules.iter().any(|rule| rule.is_called(name)));
    if let Some(unknown) = unknown {
        return Some(format!("there is no rule `{unknown}`"));
    }
    suppression.reason.is_empty().then(|| "the suppression gives no reason".to_owned())
}

fn complaint(at: Location, problem: &str, help: &str) -> Finding {
    let mut finding = Finding::at(&UNUSED, at, problem);
    finding.help = help.to_owned();
    finding
}

/// Hides what the suppression names, and says how many findings that were.
fn hide(report: &mut ScanReport, suppression: &Suppression) -> usize {
    let sources = std::sync::Arc::clone(&report.sources);
    let is_meant = |finding: &&mut Finding| {
        finding.location.file == suppression.location.file
            && suppression.rules.iter().any(|name| finding.rule.is_called(name))
            && sources
                .get(finding.location.file)
                .is_some_and(|file| file.line_column(finding.location.span.start).line == suppression.line)
    };
    let mut hidden = 0;
    for finding in report.findings.iter_mut().filter(is_meant) {
        finding.disposition = Disposition::Suppressed { by: suppression.location, reason: suppression.reason.clone() };
        hidden += 1;
    }
    hidden
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use manta_core::SourceMap;

    use super::*;

    static RULE: RuleMeta = RuleMeta {
        id: "command-execution",
        title: "Command execution",
        aliases: &["shell"],
        since: "0.1",
        summary: "",
        severity: Severity::Critical,
        confidence: Confidence::High,
        persona: Persona::Regular,
        class: None,
        cwe: &[78],
        page: "",
    };

    /// What becomes of a finding at each `exec(` of the text, and what is said about suppressions.
    fn outcome(text: &str) -> Vec<String> {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.ts", text));
        let at = |start| Location::new(FileId(0), Span::new(start, start + 5));
        let places = text.match_indices("exec(").map(|(start, _)| u32::try_from(start).unwrap());
        let findings = places.map(|start| Finding::at(&RULE, at(start), "")).collect();
        let mut report = ScanReport { findings, sources: Arc::new(sources), ..ScanReport::default() };
        obey(&mut report, &[&RULE]);
        let word = |finding: &Finding| match finding.rule.id {
            "unused-suppression" => finding.message.clone(),
            _ => finding.disposition.as_str().to_owned(),
        };
        report.findings.iter().map(word).collect()
    }

    #[test]
    fn the_same_line_and_the_line_above_count_and_no_other() {
        assert_eq!(outcome("exec(a) // manta: allow[command-execution] set by the operator\n"), ["suppressed"]);
        assert_eq!(outcome("  // manta: allow[shell] set by the operator\n  exec(a)\n"), ["suppressed"]);
        assert_eq!(
            outcome("f() // manta: allow[shell] set by the operator\nexec(a)\n"),
            ["the suppression hides no finding", "reported"]
        );
        assert_eq!(
            outcome("// manta: allow[shell] set by the operator\n\nexec(a)\n"),
            ["the suppression hides no finding", "reported"]
        );
    }

    #[test]
    fn a_suppression_names_a_rule_and_a_reason() {
        assert_eq!(outcome("exec(a) // manta: allow[shell]\n"), ["reported", "the suppression gives no reason"]);
        assert_eq!(outcome("exec(a) // manta: allow[shel] why\n"), ["reported", "there is no rule `shel`"]);
        assert_eq!(outcome("exec(a) // manta: allow[\n"), ["reported", "there is no rule ``"]);
    }

    #[test]
    fn words_outside_a_comment_are_words() {
        assert_eq!(outcome("exec(\"manta: allow[shell] x\")\n"), ["reported"]);
    }

    #[test]
    fn a_tree_of_somebody_else_is_only_counted() {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.py", "x()  # manta: allow[shell] trust me\n"));
        let mut report = ScanReport { sources: Arc::new(sources), ..ScanReport::default() };
        note(&mut report);
        assert_eq!(
            report.completeness.notes,
            ["suppressions in the scanned code that were not obeyed: 1 (--trust-config obeys them)"]
        );
    }
}
