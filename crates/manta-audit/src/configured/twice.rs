//! `duplicate-server`: one server configured twice.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{Finding, ScanReport, Severity, Untrusted};

use super::Config;
use crate::rules;

/// Two entries with one name in one file, or with one command or address in one or several files.
pub(super) fn findings(configs: &[Config], report: &ScanReport, findings: &mut Vec<Finding>) {
    let rule = rules::known("duplicate-server");
    for config in configs {
        // Each project of a client has servers of its own.
        let mut names: BTreeSet<(u32, &str)> = BTreeSet::new();
        let mut commands: BTreeMap<(u32, String), &str> = BTreeMap::new();
        for server in config.servers.iter().filter(|server| !server.is_off) {
            let place = server.within.start;
            if !server.name.is_empty() && !names.insert((place, &server.name)) {
                let path = report.sources.get(config.file).map_or("", |file| file.path.as_str());
                let message = format!(
                    "server `{}` is configured twice in {}; clients differ in which one they start",
                    server.name,
                    Untrusted(path).raw()
                );
                let mut finding = config.finding(rule, server, server.at, message);
                finding.severity = Severity::Medium;
                finding.help = "keep one entry, or give the other a name of its own".to_owned();
                findings.push(finding);
                continue;
            }
            if let Some(first) = commands.insert((place, identity(server)), &server.name) {
                let message = format!("server `{}` is the same as `{first}`: its tools are there twice", server.name);
                let mut finding = config.finding(rule, server, server.at, message);
                finding.help = "keep one entry".to_owned();
                findings.push(finding);
            }
        }
    }
}

/// What is run and with what: the environment belongs to it, since it selects accounts.
fn identity(server: &manta_mcp::clients::Configured) -> String {
    let mut identity = String::new();
    let words = server.command.iter().chain(&server.url).map(|word| word.text.as_str());
    let pairs = server.env.iter().chain(&server.headers).flat_map(|(name, word)| [name.as_str(), word.text.as_str()]);
    for part in words.chain(pairs) {
        identity.push_str(&format!("{}:{part}", part.len()));
    }
    identity
}
