//! What the tests of this folder have in common.

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput};
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// `rule in tool, tool` of what the regular persona sees in a server, sorted, each once.
pub(crate) fn found<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let input = ProjectInput::from_texts("server", files);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    let regular = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    let mut found: Vec<String> =
        regular.map(|finding| format!("{} in {}", finding.rule.id, finding.tools.join(", "))).collect();
    found.sort();
    found.dedup();
    found
}
