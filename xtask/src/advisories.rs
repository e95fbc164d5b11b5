//! `cargo xtask refresh-advisories`: writes what checkouts of the public databases know about MCP packages into the
//! table that comes with the scanner. Facts only: identifier, package, versions; what it is about is said in our words,
//! by the weakness.

use std::collections::BTreeMap;
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
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: Key,
    affected: Vec<String>,
    fixed: Option<String>,
    about: String,
    /// The advisory as its database names it.
    source: String,
}

/// What an entry is about: one advisory may concern several packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    package: String,
    id: String,
    registry: String,
}

/// What checkouts of databases say.
#[derive(Debug, Default)]
struct Facts {
    entries: Vec<Entry>,
    /// Advisories that were taken back, as their database names them.
    withdrawn: Vec<String>,
}

/// Adds what is new, corrects the ranges of what is known, takes out what was taken back, and sets the date.
///
/// # Errors
/// When a directory or the table can't be read or written.
pub(crate) fn run(args: &AdvisoriesArgs) -> Result<String, String> {
    let table =
        fs::read_to_string(&args.table).map_err(|error| format!("cannot read {}: {error}", args.table.display()))?;
    let mut facts = Facts::default();
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
                if let Err(problem) = read(&path, notation, &mut facts) {
                    unread.push(format!("not read: {}: {problem}\n", path.display()));
                }
            }
        }
    }
    // A table that says it is of today and knows nothing new would be a lie.
    if files == 0 {
        let roots: Vec<String> = args.from.iter().map(|root| root.display().to_string()).collect();
        return Err(format!("no advisories in {}", roots.join(", ")));
    }
    let (table, changes) = refreshed(&table, facts, &args.date)?;
    fs::write(&args.table, table).map_err(|error| format!("cannot write {}: {error}", args.table.display()))?;
    Ok(format!("{}{files} files read\n{changes}", unread.concat()))
}

/// The table with what the databases say now, and what that changes.
fn refreshed(table: &str, facts: Facts, date: &str) -> Result<(String, String), String> {
    let (head, known) = entries_of(table)?;
    let mut entries = known.clone();
    for entry in facts.entries {
        match entries.get_mut(&entry.key) {
            None => {
                entries.insert(entry.key.clone(), entry);
            }
            // Databases differ in what they know; the one that an entry names speaks for it. Our own words stay.
            Some(old) if old.source == entry.source => {
                (old.affected, old.fixed) = (entry.affected, entry.fixed);
            }
            Some(_) => {}
        }
    }
    entries.retain(|_, entry| !facts.withdrawn.contains(&entry.source));
    let mut changes = String::new();
    for (key, entry) in &entries {
        let word = match known.get(key) {
            None => "added",
            Some(old) if old != entry => "corrected",
            Some(_) => continue,
        };
        let _ = writeln!(changes, "{word}: {} ({}): {}", key.id, key.package, entry.affected.join(" or "));
    }
    for key in known.keys().filter(|key| !entries.contains_key(key)) {
        let _ = writeln!(changes, "taken out: {} ({})", key.id, key.package);
    }
    if changes.is_empty() {
        changes.push_str("nothing new\n");
    }
    let dated = |line: &str| {
        if line.starts_with("date = ") { format!("date = \"{date}\"\n") } else { format!("{line}\n") }
    };
    let mut out: String = head.trim_end().lines().map(dated).collect();
    out.extend(entries.values().map(Entry::to_toml));
    Ok((out, changes))
}

/// What stands before the entries of the table, and the entries.
fn entries_of(table: &str) -> Result<(&str, BTreeMap<Key, Entry>), String> {
    let start = table.find("[[advisory]]").unwrap_or(table.len());
    let (head, rest) = table.split_at(start);
    let documents =
        document::read(rest, Notation::Toml).map_err(|problem| format!("cannot read the table: {problem}"))?;
    let list = documents.iter().flat_map(|document| document.get("advisory").map(Node::items).unwrap_or_default());
    let entry = |node: &Node| {
        let text = |name| node.text_of(name).map(str::to_owned).ok_or_else(|| format!("an entry has no `{name}`"));
        let affected = node.get("affected").map(Node::items).unwrap_or_default();
        let key = Key { package: text("package")?, id: text("id")?, registry: text("registry")? };
        let entry = Entry {
            key: key.clone(),
            affected: affected.iter().filter_map(Node::text).map(str::to_owned).collect(),
            fixed: node.text_of("fixed").map(str::to_owned),
            about: text("about")?,
            source: text("source")?,
        };
        Ok((key, entry))
    };
    Ok((head, list.map(entry).collect::<Result<_, String>>()?))
}

/// The facts of a file. One that does not speak of this field is not looked at: the checkouts hold a lot of others.
fn read(path: &Path, notation: Notation, facts: &mut Facts) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    if text.contains("mcp") || text.contains("modelcontextprotocol") {
        let documents = document::read(&text, notation).map_err(|problem| problem.to_string())?;
        for document in &documents {
            match document.text_of("id").filter(|_| document.get("withdrawn").is_some()) {
                Some(id) => facts.withdrawn.push(id.to_owned()),
                None => facts.entries.extend(advisory(document)),
            }
        }
    }
    Ok(())
}

/// The facts of one advisory about packages of this field.
fn advisory(node: &Node) -> Vec<Entry> {
    let Some(own) = node.text_of("id") else { return Vec::new() };
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
                key: Key { package: package.to_owned(), id: id.to_owned(), registry: registry.to_owned() },
                affected: ranges,
                fixed,
                about: about.to_owned(),
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
        let Self { key: Key { id, registry, package }, about, source, .. } = self;
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

    const TABLE: &str = "# Facts.\ndate = \"2026-01-01\"\n\n[[advisory]]\nid = \"CVE-2026-1\"\nregistry = \"npm\"\n\
                         package = \"notes-mcp\"\naffected = [\"<1.0.0\"]\nfixed = \"1.0.0\"\nabout = \"our words\"\n\
                         source = \"GHSA-0\"\n";

    fn facts(id: &str, package: &str, fixed: &str) -> Facts {
        let text = format!(
            r#"{{"id": "{id}", "aliases": ["CVE-2026-1"], "affected": [{{"package": {{"ecosystem": "npm",
            "name": "{package}"}}, "ranges": [{{"type": "SEMVER", "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
        );
        let documents = document::read(&text, Notation::Json).unwrap();
        Facts { entries: advisory(&documents[0]), withdrawn: Vec::new() }
    }

    #[test]
    fn a_known_range_is_corrected_by_the_advisory_it_came_from() {
        let (table, changes) = refreshed(TABLE, facts("GHSA-0", "notes-mcp", "1.0.2"), "2026-02-02").unwrap();
        assert_eq!(changes, "corrected: CVE-2026-1 (notes-mcp): <1.0.2\n");
        let expected = TABLE.replace("1.0.0", "1.0.2").replace("2026-01-01", "2026-02-02");
        assert_eq!(table, expected);
        let (same, changes) = refreshed(&table, facts("GHSA-0", "notes-mcp", "1.0.2"), "2026-02-02").unwrap();
        assert_eq!((same.as_str(), changes.as_str()), (table.as_str(), "nothing new\n"));
        // Another database does not speak for this one.
        let (table, changes) = refreshed(TABLE, facts("PYSEC-0", "notes-mcp", "3.0.0"), "2026-01-01").unwrap();
        assert_eq!((table.as_str(), changes.as_str()), (TABLE, "nothing new\n"));
    }

    #[test]
    fn further_packages_are_added_and_what_was_taken_back_goes() {
        let (table, changes) = refreshed(TABLE, facts("GHSA-0", "a-mcp", "2.0.0"), "2026-01-01").unwrap();
        assert_eq!(changes, "added: CVE-2026-1 (a-mcp): <2.0.0\n");
        assert!(table.find("a-mcp") < table.find("notes-mcp"), "{table}");
        let withdrawn = Facts { entries: Vec::new(), withdrawn: vec!["GHSA-0".to_owned()] };
        let (table, changes) = refreshed(TABLE, withdrawn, "2026-01-01").unwrap();
        assert_eq!(changes, "taken out: CVE-2026-1 (notes-mcp)\n");
        assert_eq!(table, "# Facts.\ndate = \"2026-01-01\"\n");
    }

    #[test]
    fn the_table_is_as_a_refresh_writes_it() {
        let table = include_str!("../../crates/manta-audit/advisories.toml");
        let date = table.lines().find_map(|line| line.strip_prefix("date = \"")?.strip_suffix('"')).unwrap();
        let (again, changes) = refreshed(table, Facts::default(), date).unwrap();
        assert_eq!(changes, "nothing new\n");
        assert!(again == table, "run `cargo xtask refresh-advisories`");
    }
}
