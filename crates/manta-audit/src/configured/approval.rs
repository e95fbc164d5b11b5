//! `blanket-approval`: tools that run without a question, and commands that run without a tool.

use manta_core::{Finding, Location};
use manta_mcp::document::Value;

use super::Config;
use crate::rules;

/// Settings of a whole client that take questions away.
const SETTINGS: &[(&[&str], &str)] = &[
    (&["enableAllProjectMcpServers"], "every server that a project brings along is started"),
    (&["chat.tools.autoApprove"], "every tool call is approved"),
    (&["chat.tools.global.autoApprove"], "every tool call is approved"),
    (&["chat", "tools", "autoApprove"], "every tool call is approved"),
    (&["agent", "always_allow_tool_actions"], "every tool call is approved"),
];

pub(super) fn findings(config: &Config, findings: &mut Vec<Finding>) {
    let rule = rules::known("blanket-approval");
    for (path, what) in SETTINGS {
        if let Some(node) = config.document.at(path).filter(|node| node.bool() == Some(true)) {
            let mut finding = Finding::at(rule, Location::new(config.file, node.span), (*what).to_owned());
            finding.help = format!("set `{}` to false and approve tools by name", path.join("."));
            findings.push(finding);
        }
    }
    let mode = config.document.at(&["permissions", "defaultMode"]);
    if let Some(node) = mode.filter(|node| node.text() == Some("bypassPermissions")) {
        let message = "every action of the agent is approved";
        let mut finding = Finding::at(rule, Location::new(config.file, node.span), message);
        finding.help = "use \"default\" or \"acceptEdits\"".to_owned();
        findings.push(finding);
    }
    for node in config.document.at(&["permissions", "allow"]).map(|node| node.items()).unwrap_or_default() {
        let Value::Text(text) = &node.value else { continue };
        if matches!(text.as_str(), "Bash" | "Bash(*)" | "Bash(:*)" | "*" | "mcp__*") {
            let message = format!("`{text}` approves every command or tool there is");
            let mut finding = Finding::at(rule, Location::new(config.file, node.span), message);
            finding.help = "name the commands: \"Bash(npm test)\"".to_owned();
            findings.push(finding);
        }
    }
    for server in &config.servers {
        for word in &server.approvals {
            let message = format!("every tool of server `{}` runs without a question (`{}`)", server.name, word.text);
            let mut finding = config.finding(rule, server, word.at, message);
            finding.help = "list the tools that only read, by name".to_owned();
            findings.push(finding);
        }
    }
}
