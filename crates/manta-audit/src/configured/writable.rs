//! `writable-program`: programs that somebody else on the machine may replace.

use manta_core::{Finding, ProjectInput};
use manta_mcp::clients::Configured;

use super::Config;
use crate::rules;

/// Which paths everybody may write to is a fact the binary brings along; nothing is looked up here.
pub(super) fn findings(config: &Config, server: &Configured, input: &ProjectInput, findings: &mut Vec<Finding>) {
    for word in server.command.iter().filter(|word| input.writable.contains(&word.text)) {
        let message =
            format!("everybody on this machine may replace `{}`, which server `{}` runs", word.text, server.name);
        let mut finding = config.finding(rules::known("writable-program"), server, word.at, message);
        finding.help = format!("take the right to write from others: chmod o-w '{}' and its directory", word.text);
        findings.push(finding);
    }
}
