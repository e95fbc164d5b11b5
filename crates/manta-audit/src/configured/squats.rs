//! `lookalike-package`: names that differ from a well-known server's by what a person doesn't notice.

use manta_core::Finding;
use manta_detect::disguise::skeleton;
use manta_mcp::clients::Configured;

use super::Config;
use super::packages::{Package, Registry, package};
use crate::rules;

/// Servers and bridges that many people run, by registry; a name on this list is what it claims to be.
const NPM: &[&str] = &[
    "@modelcontextprotocol/inspector",
    "@modelcontextprotocol/server-brave-search",
    "@modelcontextprotocol/server-everything",
    "@modelcontextprotocol/server-filesystem",
    "@modelcontextprotocol/server-github",
    "@modelcontextprotocol/server-gitlab",
    "@modelcontextprotocol/server-google-maps",
    "@modelcontextprotocol/server-memory",
    "@modelcontextprotocol/server-postgres",
    "@modelcontextprotocol/server-puppeteer",
    "@modelcontextprotocol/server-sequential-thinking",
    "@modelcontextprotocol/server-slack",
    "@notionhq/notion-mcp-server",
    "@playwright/mcp",
    "@upstash/context7-mcp",
    "@supabase/mcp-server-supabase",
    "@sentry/mcp-server",
    "@stripe/mcp",
    "@cloudflare/mcp-server-cloudflare",
    "@azure/mcp",
    "@heroku/mcp-server",
    "@mongodb-js/mongodb-mcp-server",
    "mongodb-mcp-server",
    "chrome-devtools-mcp",
    "firecrawl-mcp",
    "tavily-mcp",
    "exa-mcp-server",
    "figma-developer-mcp",
    "mcp-remote",
    "mcp-server-kubernetes",
    "supergateway",
];
const PYPI: &[&str] = &[
    "mcp-server-fetch",
    "mcp-server-git",
    "mcp-server-sqlite",
    "mcp-server-time",
    "mcp-proxy",
    "mcp-atlassian",
    "awslabs-core-mcp-server",
    "awslabs-aws-documentation-mcp-server",
    "duckduckgo-mcp-server",
    "blender-mcp",
    "serena-agent",
    "fastmcp",
];

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    let Some(package) = package(server) else { return };
    let Some(known) = imitated(&package) else { return };
    let message = format!("server `{}` runs `{}`, whose name looks like `{known}`", server.name, package.name);
    let mut finding = config.finding(rules::known("lookalike-package"), server, package.word.at, message);
    finding.help = format!("if `{known}` is meant, write that; otherwise look at who publishes `{}`", package.name);
    findings.push(finding);
}

/// The well-known package that a name imitates.
fn imitated(package: &Package) -> Option<&'static str> {
    let (list, name) = match package.registry {
        Registry::Npm => (NPM, package.name.clone()),
        Registry::PyPi => (PYPI, package.name.to_ascii_lowercase().replace(['_', '.'], "-")),
        Registry::Image | Registry::Repository => return None,
    };
    if list.contains(&name.as_str()) {
        return None;
    }
    list.iter().copied().find(|known| is_like(&name, known))
}

/// Equal but for separators, scope marks and letters that look alike, or one slip of the keys away.
fn is_like(name: &str, known: &str) -> bool {
    const SHORTEST: usize = 9;
    known.len() >= SHORTEST && (skeleton(name) == skeleton(known) || is_one_slip(name, known))
}

/// Whether one letter was left out, added, changed or swapped with its neighbour. A digit that counts (`server2`) is
/// another name and no slip.
fn is_one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let rest = |list: &[char]| list[start..].to_vec();
    let (a, b) = (rest(&a), rest(&b));
    let is_letter = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() && !(c.is_ascii_digit() && a.len() == 1));
    match (a.len(), b.len()) {
        (x, y) if x == y && x > 0 => {
            a[1..] == b[1..] && is_letter(a.first()) || x > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..]
        }
        (x, y) if x == y + 1 => a[1..] == b[..] && is_letter(a.first()),
        (x, y) if x + 1 == y => a[..] == b[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_lookalikes_are_told_from_other_names() {
        for (name, known) in [
            ("@modelcontextprotocl/server-filesystem", "@modelcontextprotocol/server-filesystem"),
            ("@modelcontextprotocol/server-filesytem", "@modelcontextprotocol/server-filesystem"),
            ("modelcontextprotocol-server-filesystem", "@modelcontextprotocol/server-filesystem"),
            ("mcp-remtoe", "mcp-remote"),
            ("mcp_server_git_", "mcp-server-git"),
        ] {
            assert!(is_like(name, known), "{name}");
        }
        for (name, known) in [
            ("mcp-remote", "@stripe/mcp"),
            ("mcp-server-gitea", "mcp-server-git"),
            ("mcp-server-kubernetes2", "mcp-server-kubernetes"),
            ("@acme/server-filesystem", "@modelcontextprotocol/server-filesystem"),
        ] {
            assert!(!is_like(name, known), "{name}");
        }
    }
}
