//! `plain-http`: servers reached without encryption.

use manta_core::Finding;
use manta_mcp::clients::{Configured, Word};

use super::Config;
use crate::rules;

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    // Bridges such as `mcp-remote` take the address as an argument.
    for word in server.url.iter().chain(&server.command) {
        let Some((scheme, rest)) = word.text.split_once("://") else { continue };
        let safe = match scheme.to_ascii_lowercase().as_str() {
            "http" => "https",
            "ws" => "wss",
            _ => continue,
        };
        if !is_own(rest) {
            findings.push(finding(config, server, word, &format!("{safe}://{}", shown(rest))));
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

/// Host and path of an address, without what may be a credential in it.
fn shown(rest: &str) -> String {
    let (address, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{host}{path}{}", if query.is_empty() { "" } else { "…" })
}

fn finding(config: &Config, server: &Configured, word: &Word, fixed: &str) -> Finding {
    let message = format!("server `{}` is reached without encryption", server.name);
    let mut finding = config.finding(rules::known("plain-http"), server, word.at, message);
    finding.help = format!("use an encrypted connection: \"{fixed}\"");
    finding
}

#[cfg(test)]
mod tests {
    use super::{is_own, shown};

    #[test]
    fn an_address_is_shown_without_credentials() {
        assert_eq!(shown("ada:secret@host.example:8080/mcp?key=secret#x"), "host.example:8080/mcp…");
        assert_eq!(shown("host.example"), "host.example");
    }

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
