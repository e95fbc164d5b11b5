//! `cargo xtask refresh-advisories`: writes what checkouts of the public databases know about MCP packages into the
//! table that comes with the scanner. Facts only: identifier, package, versions; what it is about is said in our words,
//! by the weakness.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use manta_mcp::document::{self, Node, Notation};

/// Where from and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct AdvisoriesArgs {
    /// Checkouts of databases in OSV form, JSON or YAML (github/advisory-database, pypa/advisory-database).
    #[arg(long, required = true, num_args = 1..)]
    from: Vec<PathBuf>,
    /// The day the checkouts are from, as 2026-11-28.
    #[arg(long)]
    date: String,
    /// The table.
    #[arg(long, default_value = "crates/manta-audit/advisories.toml")]
    table: PathBuf,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    package: String,
    id: String,
    registry: &'static str,
    affected: Vec<String>,
    fixed: Option<String>,
    about: &'static str,
    /// The advisory as its database names it.
    source: String,
}

/// Adds what is new and sets the date.
///
/// # Errors
/// When a directory or the table can't be read or written.
pub(crate) fn run(args: &AdvisoriesArgs) -> Result<String, String> {
    let table =
        fs::read_to_string(&args.table).map_err(|error| format!("cannot read {}: {error}", args.table.display()))?;
    let known = table.clone();
    let mut entries = BTreeSet::new();
    let mut files = 0;
    let mut unread = Vec::new();
    for root in &args.from {
        let mut pending = vec![root.clone()];
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                let list = fs::read_dir(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                pending.extend(list.filter_map(Result::ok).map(|entry| entry.path()));
            } else if let Some(notation) = Notation::of(&path.to_string_lossy()) {
                files += 1;
                match read(&path, notation) {
                    Ok(found) => entries.extend(found),
                    Err(problem) => unread.push(format!("not read: {}: {problem}\n", path.display())),
                }
            }
        }
    }
    // A table that says it is of today and knows nothing new would be a lie.
    if files == 0 {
        let roots: Vec<String> = args.from.iter().map(|root| root.display().to_string()).collect();
        return Err(format!("no advisories in {}", roots.join(", ")));
    }
    entries.retain(|entry: &Entry| !known.contains(&format!("\"{}\"", entry.id)));
    let mut out: String = table
        .lines()
        .map(
            |line| {
                if line.starts_with("date = ") { format!("date = \"{}\"\n", args.date) } else { format!("{line}\n") }
            },
        )
        .collect();
    for entry in &entries {
        out.push_str(&entry.to_toml());
    }
    fs::write(&args.table, out).map_err(|error| format!("cannot write {}: {error}", args.table.display()))?;
    Ok(format!("{}{files} files read, {} advisories added\n", unread.concat(), entries.len()))
}

/// The entries of a file. One that does not speak of this field is not looked at: the checkouts hold a lot of others.
fn read(path: &Path, notation: Notation) -> Result<Vec<Entry>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    if !text.contains("mcp") && !text.contains("modelcontextprotocol") {
        return Ok(Vec::new());
    }
    let documents = document::read(&text, notation).map_err(|problem| problem.to_string())?;
    Ok(documents.iter().flat_map(advisory).collect())
}

/// The facts of one advisory about packages of this field.
fn advisory(node: &Node) -> Vec<Entry> {
    let Some(own) = node.text_of("id") else { return Vec::new() };
    if node.get("withdrawn").is_some() {
        return Vec::new();
    }
    let aliases = node.get("aliases").map(Node::items).unwrap_or_default();
    let id = aliases.iter().filter_map(Node::text).find(|alias| alias.starts_with("CVE-")).unwrap_or(own);
    let about = about(node);
    let affected = node.get("affected").map(Node::items).unwrap_or_default();
    affected
        .iter()
        .filter_map(|affected| {
            let package = affected.at(&["package", "name"])?.text()?;
            let registry = match affected.at(&["package", "ecosystem"])?.text()? {
                "npm" => "npm",
                "PyPI" => "pypi",
                _ => return None,
            };
            if !is_of_this_field(package) {
                return None;
            }
            let (ranges, fixed) = ranges(affected);
            (!ranges.is_empty()).then(|| Entry {
                package: package.to_owned(),
                id: id.to_owned(),
                registry,
                affected: ranges,
                fixed,
                about,
                source: own.to_owned(),
            })
        })
        .collect()
}

/// Whether a package is a server, an SDK or a bridge: `mcp` is a part of its name.
fn is_of_this_field(package: &str) -> bool {
    package.starts_with("@modelcontextprotocol/")
        || package.split(['-', '_', '.', '/', '@']).any(|part| matches!(part, "mcp" | "fastmcp"))
}

fn ranges(affected: &Node) -> (Vec<String>, Option<String>) {
    let mut ranges = Vec::new();
    let mut fixed = None;
    for range in affected.get("ranges").map(Node::items).unwrap_or_default() {
        if range.text_of("type") == Some("GIT") {
            continue;
        }
        let mut from = None;
        for event in range.get("events").map(Node::items).unwrap_or_default() {
            let lower = |from: &Option<String>| match from.as_deref() {
                None | Some("0") => String::new(),
                Some(from) => format!(">={from}, "),
            };
            if let Some(version) = version(event, "introduced") {
                from = Some(version);
            } else if let Some(version) = version(event, "fixed") {
                ranges.push(format!("{}<{version}", lower(&from)));
                fixed = Some(version);
                from = None;
            } else if let Some(version) = version(event, "last_affected") {
                ranges.push(format!("{}<={version}", lower(&from)));
                from = None;
            }
        }
        if let Some(from) = from {
            ranges.push(format!(">={from}"));
        }
    }
    (ranges, fixed)
}

/// A version may look like a number.
fn version(event: &Node, name: &str) -> Option<String> {
    match &event.get(name)?.value {
        document::Value::Text(text) | document::Value::Number(text) => Some(text.clone()),
        _ => None,
    }
}

/// What an advisory is about, by the first weakness we have a word for.
fn about(node: &Node) -> &'static str {
    const WORDS: [(&str, &str); 14] = [
        ("CWE-78", "command injection"),
        ("CWE-77", "command injection"),
        ("CWE-88", "argument injection"),
        ("CWE-94", "code injection"),
        ("CWE-22", "path traversal"),
        ("CWE-59", "symbolic links that lead outside"),
        ("CWE-918", "requests to internal addresses"),
        ("CWE-89", "SQL injection"),
        ("CWE-306", "missing authentication"),
        ("CWE-862", "missing authorization"),
        ("CWE-346", "missing check of the origin"),
        ("CWE-79", "script injection"),
        ("CWE-400", "resource exhaustion"),
        ("CWE-506", "malicious code"),
    ];
    let weaknesses = node.at(&["database_specific", "cwe_ids"]).map(Node::items).unwrap_or_default();
    let names: Vec<&str> = weaknesses.iter().filter_map(Node::text).collect();
    WORDS.iter().find(|(cwe, _)| names.contains(cwe)).map_or("see the advisory", |(_, words)| words)
}

impl Entry {
    fn to_toml(&self) -> String {
        let list: Vec<String> = self.affected.iter().map(|range| format!("{range:?}")).collect();
        let mut out = String::new();
        let Self { id, registry, package, about, source, .. } = self;
        let _ = write!(
            out,
            "\n[[advisory]]\nid = {id:?}\nregistry = {registry:?}\npackage = {package:?}\naffected = [{}]\n",
            list.join(", ")
        );
        if let Some(fixed) = &self.fixed {
            let _ = writeln!(out, "fixed = {fixed:?}");
        }
        let _ = writeln!(out, "about = {about:?}\nsource = {source:?}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advisory_becomes_facts() {
        let text = r#"{"id": "GHSA-0", "aliases": ["CVE-2026-1"], "database_specific": {"cwe_ids": ["CWE-22"]},
            "affected": [
                {"package": {"ecosystem": "npm", "name": "notes-mcp"}, "ranges": [{"type": "SEMVER",
                 "events": [{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"last_affected": "2.0.3"}]}]},
                {"package": {"ecosystem": "npm", "name": "left-pad"}, "ranges": []}]}"#;
        let documents = document::read(text, Notation::Json).unwrap();
        let entries = advisory(&documents[0]);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].affected, ["<1.2.0", ">=2.0.0, <=2.0.3"]);
        let toml = entries[0].to_toml();
        assert!(toml.contains("id = \"CVE-2026-1\"") && toml.contains("about = \"path traversal\""), "{toml}");
        assert!(document::read(&toml, Notation::Toml).is_ok());
    }

    #[test]
    fn only_this_field_is_taken() {
        for name in ["mcp", "mcp-remote", "@scope/mcp-server", "server_mcp", "fastmcp", "@modelcontextprotocol/sdk"] {
            assert!(is_of_this_field(name), "{name}");
        }
        for name in ["mcpe-tools", "xmcp", "left-pad"] {
            assert!(!is_of_this_field(name), "{name}");
        }
    }
}
