//! `vulnerable-package`: versions that a public advisory names, by the table that comes with manta.

use std::cmp::Ordering;
use std::sync::LazyLock;

use manta_core::{Finding, Severity};
use manta_mcp::clients::Configured;
use manta_mcp::document::{self, Node, Notation};

use super::Config;
use super::packages::{Package, Registry, package};
use crate::rules;

/// One entry of the table.
struct Advisory {
    id: String,
    registry: Registry,
    package: String,
    affected: Vec<String>,
    fixed: Option<String>,
    about: String,
}

struct Table {
    /// The day the table was last written.
    date: String,
    advisories: Vec<Advisory>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let documents = document::read(include_str!("../../advisories.toml"), Notation::Toml);
    let documents = documents.expect("the table is read by a test");
    let root = documents.first().expect("TOML is one document");
    Table {
        date: root.text_of("date").unwrap_or_default().to_owned(),
        advisories: root.get("advisory").map(Node::items).unwrap_or_default().iter().filter_map(entry).collect(),
    }
});

fn entry(node: &Node) -> Option<Advisory> {
    Some(Advisory {
        id: node.text_of("id")?.to_owned(),
        registry: match node.text_of("registry")? {
            "npm" => Registry::Npm,
            "pypi" => Registry::PyPi,
            _ => return None,
        },
        package: node.text_of("package")?.to_owned(),
        affected: node.get("affected")?.items().iter().filter_map(|range| range.text().map(str::to_owned)).collect(),
        fixed: node.text_of("fixed").map(str::to_owned),
        about: node.text_of("about")?.to_owned(),
    })
}

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    let Some(package) = package(server) else { return };
    for advisory in TABLE.advisories.iter().filter(|advisory| advisory.is_about(&package)) {
        let Some(version) = package.exact().filter(|version| advisory.affects(version)) else { continue };
        let message = format!(
            "server `{}` runs `{}` {version}, which {} is about: {} (table of {})",
            server.name, package.name, advisory.id, advisory.about, TABLE.date
        );
        let mut finding = config.finding(rules::known("vulnerable-package"), server, package.word.at, message);
        finding.help = match &advisory.fixed {
            Some(fixed) => format!("use {fixed} or later"),
            None => {
                finding.severity = Severity::Critical;
                "remove the package, and change every credential it was given".to_owned()
            }
        };
        findings.push(finding);
    }
}

impl Advisory {
    fn is_about(&self, package: &Package) -> bool {
        let canonical = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
        self.registry == package.registry
            && match self.registry {
                Registry::PyPi => canonical(&self.package) == canonical(&package.name),
                _ => self.package == package.name,
            }
    }

    fn affects(&self, version: &str) -> bool {
        self.affected.iter().any(|range| is_within(version, range))
    }
}

/// Whether a version satisfies every bound of `>=1.0, <1.2`.
fn is_within(version: &str, range: &str) -> bool {
    range.split(',').map(str::trim).all(|bound| {
        let (operator, limit) = bound.split_at(bound.find(|c: char| !matches!(c, '<' | '>' | '=')).unwrap_or(0));
        let order = compare(version, limit.trim());
        match operator {
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            ">=" => order != Ordering::Less,
            ">" => order == Ordering::Greater,
            _ => order == Ordering::Equal,
        }
    })
}

/// Compares numbers between dots; a pre-release comes before its release.
fn compare(a: &str, b: &str) -> Ordering {
    let split = |version: &str| -> (Vec<u64>, String) {
        let version = version.split('+').next().unwrap_or("");
        let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
        let mut numbers: Vec<u64> = version[..end].split('.').filter_map(|part| part.parse().ok()).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        (numbers, version[end..].to_owned())
    };
    let ((a_numbers, a_rest), (b_numbers, b_rest)) = (split(a), split(b));
    a_numbers.cmp(&b_numbers).then_with(|| match (a_rest.is_empty(), b_rest.is_empty()) {
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => a_rest.cmp(&b_rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let written = include_str!("../../advisories.toml").matches("[[advisory]]").count();
        assert_eq!(TABLE.advisories.len(), written);
        let sources = include_str!("../../advisories.toml").matches("\nsource = \"").count();
        assert_eq!(sources, written, "each entry names the advisory that it was compared with");
        assert_eq!(TABLE.date.len(), 10);
        for advisory in &TABLE.advisories {
            assert!(advisory.affected.iter().all(|range| range.starts_with(['<', '>', '='])), "{}", advisory.id);
            if let Some(fixed) = &advisory.fixed {
                assert!(!advisory.affects(fixed), "{}", advisory.id);
            }
        }
    }

    #[test]
    fn ranges_are_read_as_the_databases_mean_them() {
        for (version, range, is_in) in [
            ("0.1.15", ">=0.0.5, <0.1.16", true),
            ("0.1.16", ">=0.0.5, <0.1.16", false),
            ("0.0.4", ">=0.0.5, <0.1.16", false),
            ("0.1.9", "<0.1.10", true),
            ("2025.7.1", "<2025.7.1", false),
            ("2025.3.28", "<2025.7.1", true),
            ("1.0", "<=1.0.0", true),
            ("1.0.0-rc.1", "<1.0.0", true),
        ] {
            assert_eq!(is_within(version, range), is_in, "{version} {range}");
        }
    }
}
