//! What the tests of this folder have in common.

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput, ScanReport};
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// What a scan of a server reports.
pub(crate) fn report_of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> ScanReport {
    let input = ProjectInput::from_texts("server", files);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    audit(&input, &front_ends, &Models::builtin(), &Settings::default())
}

/// `rule in tool, tool` of what the regular persona sees in a server, sorted, each once.
pub(crate) fn found<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let report = report_of(files);
    let regular = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    let mut found: Vec<String> =
        regular.map(|finding| format!("{} in {}", finding.rule.id, finding.tools.join(", "))).collect();
    found.sort();
    found.dedup();
    found
}

/// A part of a file of parts: what kind it is, what its mark says besides, and its lines.
pub(crate) struct Part<'t> {
    pub(crate) kind: &'t str,
    pub(crate) says: &'t str,
    pub(crate) text: String,
}

/// A file that comments divide into parts, where they begin with the word for a kind: `# check sep: holds`. What stands
/// before the first mark is a part of no kind.
pub(crate) fn parts<'t>(text: &'t str, comment: &str, kinds: &[&str]) -> Vec<Part<'t>> {
    let mut parts = vec![Part { kind: "", says: "", text: String::new() }];
    for line in text.lines() {
        let mark = line.strip_prefix(comment).map(str::trim_start);
        let said = mark.map(|mark| mark.split_once(' ').unwrap_or((mark, "")));
        match (said.filter(|(kind, _)| kinds.contains(kind)), parts.last_mut()) {
            (Some((kind, says)), _) => parts.push(Part { kind, says, text: String::new() }),
            (None, Some(part)) => {
                part.text.push_str(line);
                part.text.push('\n');
            }
            (None, None) => {}
        }
    }
    parts
}

/// The comments of a language, by the end of a file's name.
pub(crate) fn comment_of(file: &str) -> &'static str {
    if file.ends_with(".py") { "#" } else { "//" }
}
