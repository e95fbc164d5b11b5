//! `plain-http`: servers reached without encryption.

use manta_core::Finding;
use manta_mcp::clients::{Configured, Word};

use super::Config;
use crate::rules;

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    // Bridges such as `mcp-remote` take the address as an argument.
    for word in server.url.iter().chain(&server.command) {
        let Some(rest) = word.text.strip_prefix("http://").or_else(|| word.text.strip_prefix("ws://")) else {
            continue;
        };
        if !is_own(rest) {
            findings.push(finding(config, server, word));
        }
    }
}

/// Whether the host is this machine, where nobody listens in.
fn is_own(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let host = host.to_ascii_lowercase();
    let is_v4_loopback =
        host.strip_prefix("127.").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "::1"
        || is_v4_loopback
        || host == "host.docker.internal"
        || host.starts_with(['$', '{'])
}

fn finding(config: &Config, server: &Configured, word: &Word) -> Finding {
    let message = format!("server `{}` is reached without encryption", server.name);
    let mut finding = config.finding(rules::known("plain-http"), server, word.at, message);
    let fixed = word.text.replacen("http://", "https://", 1).replacen("ws://", "wss://", 1);
    finding.help = format!("use an encrypted connection: \"{fixed}\"");
    finding
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_this_machine_is_trusted() {
        for host in ["localhost:3000/mcp", "127.0.0.1", "127.9.9.9:1", "[::1]:80/x", "api.localhost"] {
            assert!(is_own(host), "{host}");
        }
        for host in ["127.evil.example", "localhost.evil.example", "10.0.0.1", "localhost@evil.example", "0.0.0.0"] {
            assert!(!is_own(host), "{host}");
        }
    }
}
