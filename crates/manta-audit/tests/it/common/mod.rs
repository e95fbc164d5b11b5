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
