//! How servers are configured: the files in which clients keep what they start.
//!
//! Such a file decides what runs on a person's machine, with that person's rights, each time a client opens. The
//! rules here need no code of a server: the command line, the environment and the address say enough.

mod access;
mod advisories;
mod approval;
mod commands;
pub(crate) mod packages;
mod secrets;
mod squats;
mod transport;
mod twice;
mod writable;

use std::collections::BTreeMap;

use manta_core::{
    ConfiguredServer, FileId, Finding, Location, ProjectInput, RuleMeta, ScanReport, SkipReason, SkippedFile, Span,
};
use manta_mcp::clients::{self, Configured};
use manta_mcp::document::{self, Node, Notation};

/// A configuration and what it starts.
pub(crate) struct Config {
    /// The file.
    pub(crate) file: FileId,
    /// Its content.
    pub(crate) document: Node,
    /// The servers.
    pub(crate) servers: Vec<Configured>,
}

impl Config {
    /// A finding about a place of the file; its server is named like a tool.
    fn finding(&self, rule: &'static RuleMeta, server: &Configured, at: Span, message: String) -> Finding {
        let mut finding = Finding::at(rule, Location::new(self.file, at), message);
        if !server.name.is_empty() {
            finding.tools = vec![server.name.clone()];
        }
        finding
    }
}

/// Reads the configurations of a target: by their place, and any file that is the whole target.
pub(crate) fn read(input: &ProjectInput, report: &mut ScanReport) -> Vec<Config> {
    let is_alone = input.sources.len() == 1;
    let mut configs = Vec::new();
    for (id, file) in input.sources.iter() {
        let Some(notation) = Notation::of(&file.path) else { continue };
        let client = clients::of(&file.path);
        if client.is_none() && !is_alone && !is_bundle(&file.path) {
            continue;
        }
        let document = match document::read(&file.text, notation) {
            Ok(mut documents) => documents.swap_remove(0),
            Err(problem) => {
                if client.is_some() || notation != Notation::Json {
                    let reason = SkipReason::Unparsed(format!("a configuration that can't be read: {problem}"));
                    report.completeness.files_skipped.push(SkippedFile { path: file.path.clone(), reason });
                }
                continue;
            }
        };
        let servers = clients::read(&document);
        if servers.is_empty() && client.is_none() {
            continue;
        }
        report.completeness.files_analysed += 1;
        let strange = clients::not_understood(&document);
        if !strange.is_empty() {
            let names: Vec<String> = strange.iter().map(|entry| format!("`{}`", entry.text)).collect();
            let note = format!("{}: servers without a command or an address: {}", file.path, names.join(", "));
            report.completeness.notes.push(note);
        }
        report.configured.extend(servers.iter().map(|server| ConfiguredServer {
            client: client.map_or_else(String::new, |client| client.name.clone()),
            name: server.name.clone(),
            location: Location::new(id, server.at),
        }));
        configs.push(Config { file: id, document, servers });
    }
    configs
}

/// The manifest of a server bundle says how the server is started.
fn is_bundle(path: &str) -> bool {
    path == "manifest.json"
}

/// Findings about all configurations. `current` has the versions that packages have now, where they are known.
pub(crate) fn findings(
    configs: &[Config],
    input: &ProjectInput,
    report: &ScanReport,
    current: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for config in configs {
        approval::findings(config, &mut findings);
        for server in &config.servers {
            secrets::findings(config, server, &mut findings);
            transport::findings(config, server, &mut findings);
            packages::findings(config, server, input, current, &mut findings);
            advisories::findings(config, server, &mut findings);
            squats::findings(config, server, &mut findings);
            access::findings(config, server, &mut findings);
            commands::findings(config, server, &mut findings);
            writable::findings(config, server, input, &mut findings);
        }
    }
    twice::findings(configs, report, &mut findings);
    findings
}
