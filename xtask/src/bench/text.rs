//! `cargo xtask bench-text`: how many poisoned texts the scanner finds, and how often it is wrong about honest ones.
//!
//! Two kinds of attacks: our own (`corpus/said/poisoned`, every entry of which is one) and public collections in a
//! local checkout, of which a file of facts says which tools are poisoned. Their text never enters this repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::scan::{self, Finding, Scan};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct TextArgs {
    /// Our own attacks and honest look-alikes.
    #[arg(long, default_value = "corpus/said")]
    own: PathBuf,
    /// Public attack collections: a directory of checkouts.
    #[arg(long, requires = "truth")]
    attacks: Option<PathBuf>,
    /// Which of their tools are poisoned: lines of `path<TAB>tool`, `#` for remarks; a tool `*` is the server itself.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Directories whose sub-directories or JSON files are one honest server each (repeatable).
    #[arg(long, num_args = 1..)]
    benign: Vec<PathBuf>,
    /// The scanner [default: the `manta` built beside this program].
    #[arg(long)]
    manta: Option<PathBuf>,
}

/// Rules about what a server says.
const RULES: [&str; 5] =
    ["tool-poisoning", "hidden-characters", "encoded-instructions", "tool-shadowing", "name-collision"];

/// Poisoned entries of one collection, and which were found.
#[derive(Debug, Default)]
struct Recall {
    found: usize,
    missed: Vec<String>,
}

impl Recall {
    fn count(&mut self, is_found: bool, name: String) {
        if is_found { self.found += 1 } else { self.missed.push(name) }
    }

    fn all(&self) -> usize {
        self.found + self.missed.len()
    }
}

/// Measures both numbers.
///
/// # Errors
/// When the scanner or a directory is not there.
pub(crate) fn run(args: &TextArgs) -> Result<String, String> {
    let manta = scan::manta_binary(args.manta.as_deref())?;
    let mut recalls: BTreeMap<String, Recall> = BTreeMap::new();
    for path in entries(&args.own.join("poisoned"))? {
        own(&manta, &path, recalls.entry(format!("own: {}", stem(&path))).or_default())?;
    }
    if let (Some(root), Some(truth)) = (&args.attacks, &args.truth) {
        public(&manta, root, truth, &mut recalls)?;
    }
    let mut honest = vec![("own".to_owned(), entries(&args.own.join("clean"))?)];
    for dir in &args.benign {
        honest.push((stem(dir), entries(dir)?));
    }
    let mut report = String::new();
    let (mut found, mut all) = (0, 0);
    for (name, recall) in &recalls {
        found += recall.found;
        all += recall.all();
        let _ = writeln!(report, "{name:50} {:4} of {:4} found", recall.found, recall.all());
        for missed in &recall.missed {
            let _ = writeln!(report, "    missed: {missed}");
        }
    }
    let (mut servers, mut tools, mut alarms) = (0, 0, 0);
    for path in honest.iter().flat_map(|(_, paths)| paths) {
        let scan = scan::scan(&manta, path);
        if let Some(problem) = scan.outcome.as_ref().err() {
            let _ = writeln!(report, "{}: FAILED: {problem}", path.display());
        }
        servers += usize::from(scan.tools() > 0);
        tools += scan.tools();
        for finding in said(&scan) {
            alarms += 1;
            let _ = writeln!(
                report,
                "alarm in {}: {} {}: {}",
                path.display(),
                finding.rule,
                finding.severity,
                finding.message
            );
        }
    }
    let _ = writeln!(
        report,
        "\nrecall {:.1} % ({found} of {all}); {alarms} alarms on {tools} tools of {servers} honest servers, {:.2} per 1,000",
        percent(found, all),
        percent(alarms, tools) * 10.0
    );
    Ok(report)
}

/// Every entry of the file is poisoned.
fn own(manta: &Path, path: &Path, recall: &mut Recall) -> Result<(), String> {
    let scan = scan::scan(manta, path);
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let document: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if document.get("instructions").is_some() {
        recall.count(said(&scan).any(|finding| finding.tools.is_empty()), "instructions".to_owned());
    }
    for list in ["tools", "prompts", "resources"] {
        for entry in document.get(list).and_then(serde_json::Value::as_array).into_iter().flatten() {
            let name = entry.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
            recall.count(said(&scan).any(|finding| finding.tools.iter().any(|tool| tool == name)), name.to_owned());
        }
    }
    Ok(())
}

/// Poisoned tools of public collections; a file is scanned once.
fn public(manta: &Path, root: &Path, truth: &Path, recalls: &mut BTreeMap<String, Recall>) -> Result<(), String> {
    let text = fs::read_to_string(truth).map_err(|error| format!("cannot read {}: {error}", truth.display()))?;
    let mut scans: BTreeMap<&str, Scan> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (path, tool) = line.split_once('\t').ok_or_else(|| format!("not `path<TAB>tool`: {line}"))?;
        let scan = scans.entry(path).or_insert_with(|| scan::scan(manta, &root.join(path)));
        if let Some(problem) = scan.outcome.as_ref().err() {
            return Err(format!("{path}: {problem}"));
        }
        let is_found = said(scan).any(|finding| match tool {
            "*" => finding.tools.is_empty(),
            tool => finding.tools.iter().any(|named| named == tool),
        });
        let collection = path.split('/').next().unwrap_or(path);
        recalls.entry(format!("public: {collection}")).or_default().count(is_found, line.replace('\t', " "));
    }
    Ok(())
}

/// What the scanner says about the words of a server, as a user sees it by default.
fn said(scan: &Scan) -> impl Iterator<Item = &Finding> {
    scan.findings().iter().filter(|finding| RULES.contains(&finding.rule.as_str()))
}

/// Sub-directories and JSON files of a directory, sorted.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("cannot read {}: {error}", dir.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand tools")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_counts() {
        let finding = |rule: &str| Finding { rule: rule.into(), ..Finding::default() };
        let findings = vec![finding("tool-poisoning"), finding("command-injection")];
        let report = super::super::scan::Report { findings, ..Default::default() };
        let scan = Scan { outcome: Ok(report), took: std::time::Duration::ZERO };
        assert_eq!(said(&scan).count(), 1);
        assert!((percent(1, 4) - 25.0).abs() < 1e-9);
        assert!(percent(0, 0).abs() < 1e-9);
    }
}
