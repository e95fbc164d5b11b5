//! `install-script`: commands that run when a package is installed, before anybody has looked at it.

use manta_core::{FileId, Finding, Location, Persona, Severity, SourceFile};
use manta_mcp::document::{self, Notation};

use super::is_hostile;
use crate::rules;

/// Scripts that npm runs on the machine of whoever installs the package.
const ON_INSTALL: &[&str] = &["preinstall", "install", "postinstall"];

pub(super) fn findings(id: FileId, file: &SourceFile, findings: &mut Vec<Finding>) {
    if file.path == "setup.py" || file.path.ends_with("/setup.py") {
        program(id, file, findings);
    }
    let is_package = file.path == "package.json" || file.path.ends_with("/package.json");
    if !is_package || !file.text.contains("install\"") {
        return;
    }
    // A manifest that can't be read is the business of the front end.
    let Ok(documents) = document::read(&file.text, Notation::Json) else { return };
    let Some(scripts) = documents.first().and_then(|document| document.get("scripts")) else { return };
    for (key, script) in scripts.members() {
        let Some(command) = script.text().filter(|_| ON_INSTALL.contains(&key.text.as_str())) else { continue };
        let is_hostile = is_hostile(command);
        let what = if is_hostile { "fetches and runs, or sends away" } else { "runs a command" };
        let message = format!("`{}` {what} when the package is installed", key.text);
        let mut finding = Finding::at(rules::known("install-script"), Location::new(id, script.span), message);
        if !is_hostile {
            finding.severity = Severity::Low;
            finding.persona = Persona::Auditor;
        }
        finding.help =
            "do the work when the package is built, or on first use; install with `--ignore-scripts`".to_owned();
        findings.push(finding);
    }
}

/// Lines of the program that pip runs to build a package from its source. All of it runs, so only what is hostile counts.
fn program(id: FileId, file: &SourceFile, findings: &mut Vec<Finding>) {
    for number in 1..=file.line_count() {
        let line = file.line_text(number);
        if line.trim_start().starts_with('#') || !is_hostile(line) {
            continue;
        }
        let message = "a line fetches and runs, or sends away, when the package is installed".to_owned();
        let at = Location::new(id, file.line_span(number));
        let mut finding = Finding::at(rules::known("install-script"), at, message);
        finding.help =
            "leave out what building doesn't need; install wheels only, with `--only-binary :all:`".to_owned();
        findings.push(finding);
    }
}
