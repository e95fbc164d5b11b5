//! `manta fix`: repairs what can be repaired, and proves it by scanning again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manta_core::{Finding, Fix, Persona, ProjectInput, Safety, ScanReport, SourceFile, SourceMap, Untrusted, fix};

use crate::analyse::Analysis;
use crate::collect::{self, Limits};
use crate::config::{Config, Configs};
use crate::exit::{Exit, Failure};
use crate::targets::Package;
use crate::{output, suppress};

/// Repair findings in your own source, showing every change
///
/// Each repair is made in memory first and the result is scanned: one that doesn't clear its finding, or brings
/// another, is dropped and named. Only safe repairs are made unless `--unsafe` is given.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A directory, a source file or a configuration
    #[arg(default_value = ".", value_name = "TARGET")]
    target: String,

    /// Also make repairs that change behaviour for somebody; each says how
    #[arg(long = "unsafe")]
    is_unsafe: bool,

    /// Whose findings are repaired: regular, pedantic, or auditor, who also wants narrower schemas
    #[arg(long, default_value_t = Persona::Regular)]
    persona: Persona,

    /// Also pin packages of client configurations to the version there is now, which your own npm and pip are asked for;
    /// nothing of a package is run
    #[arg(long)]
    online: bool,

    /// Only show the changes
    #[arg(long)]
    dry_run: bool,

    /// Also read models of sinks, checks and registrations (*.toml) from this directory; may be repeated
    #[arg(long, value_name = "DIR")]
    models: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  manta fix                        make the safe repairs
  manta fix --unsafe --dry-run     show everything that could be done
  manta fix --online               pin what client configurations run, too

Exit codes: 0 nothing left that can be repaired this way, 1 repairs are left, 2 manta failed, 3 nothing to scan";

/// A repair that was tried and did not hold.
struct Dropped {
    headline: String,
    why: &'static str,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    super::on_deep_stack(|| run_here(args))
}

fn run_here(args: &Args) -> Result<Exit, Failure> {
    let root = directory(&args.target)?;
    // Each repair is scanned; what it leaves alone is not parsed again.
    let mut analysis = Analysis::new(&args.models)?.remembering();
    let configs = Configs::find(None, false)?;
    let config = configs.own().map(AsRef::as_ref);
    let mut before = collect::collect(&args.target, &Limits::default())?;
    if let Some(config) = config {
        config.exclude(&mut before);
    }
    if args.online {
        analysis = analysis.knowing(current(&before)?);
    }
    let scope = Scope { is_unsafe: args.is_unsafe, persona: args.persona };
    let mut repair = Repair::of(before.clone(), &analysis, config, scope);
    if repair.report.is_empty() {
        return Ok(Exit::Incomplete);
    }
    while repair.step() {}
    let changed = changed(&before.sources, &repair.input.sources);
    output::print(&diff(&changed))?;
    if !args.dry_run {
        for (path, old, new) in &changed {
            write(&root.join(path), old, new)?;
        }
    }
    output::print(&repair.summary(args.dry_run, changed.len()))?;
    Ok(if repair.left().next().is_some() || !repair.dropped.is_empty() { Exit::Findings } else { Exit::Clean })
}

/// The versions that packages of the target's configurations have now.
fn current(input: &ProjectInput) -> Result<BTreeMap<String, String>, Failure> {
    let mut current = BTreeMap::new();
    for word in manta_audit::unpinned(input) {
        // A name that is no name of a package stays as it is.
        if let Ok(Some(package)) = Package::parse(&word) {
            current.insert(word, package.version()?);
        }
    }
    Ok(current)
}

/// Where the paths of the target start; archives can't be repaired.
fn directory(target: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(target);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    if path.is_file() && !collect::is_archive(target) {
        return Ok(path.parent().unwrap_or_else(|| Path::new("")).to_owned());
    }
    Err(Failure::new(format!("failed to repair {target}: it is neither a directory nor a file that can be edited"))
        .hint("unpack an archive first"))
}

/// Which repairs are wanted.
#[derive(Debug, Clone, Copy)]
struct Scope {
    is_unsafe: bool,
    persona: Persona,
}

impl Scope {
    /// Whether a finding is in this reader's report.
    fn shows(self, finding: &Finding) -> bool {
        finding.is_reported() && finding.persona <= self.persona
    }
}

/// The state between two repairs.
struct Repair<'a> {
    analysis: &'a Analysis,
    /// Findings that it accepts are not repaired.
    config: Option<&'a Config>,
    scope: Scope,
    input: ProjectInput,
    report: ScanReport,
    made: usize,
    /// Fingerprints of findings whose repair did not hold.
    tried: BTreeSet<String>,
    dropped: Vec<Dropped>,
}

impl<'a> Repair<'a> {
    fn of(input: ProjectInput, analysis: &'a Analysis, config: Option<&'a Config>, scope: Scope) -> Self {
        let report = scan(&input, analysis, config);
        Self { analysis, config, scope, input, report, made: 0, tried: BTreeSet::new(), dropped: Vec::new() }
    }

    /// Tries the next repair; `false` when there is none left.
    fn step(&mut self) -> bool {
        let wanted = |finding: &&Finding| {
            self.scope.shows(finding)
                && finding.fix.as_ref().is_some_and(|fix| self.scope.is_unsafe || fix.safety == Safety::Safe)
                && !self.tried.contains(&finding.fingerprint.to_string())
        };
        let Some(finding) = self.report.findings.iter().find(wanted).cloned() else { return false };
        self.tried.insert(finding.fingerprint.to_string());
        let Some(input) = finding.fix.as_ref().and_then(|fix| with(&self.input, fix)) else {
            self.give_up(&finding, "the code it was made for is another");
            return true;
        };
        let report = scan(&input, self.analysis, self.config);
        match refusal(&self.report, &report, &finding) {
            Some(why) => self.give_up(&finding, why),
            None => {
                self.made += 1;
                (self.input, self.report) = (input, report);
            }
        }
        true
    }

    fn give_up(&mut self, finding: &Finding, why: &'static str) {
        let tools = finding.tools.join(", ");
        self.dropped.push(Dropped { headline: format!("{} in {tools}", finding.rule.title), why });
    }

    /// Findings with a repair that only `--unsafe` makes.
    fn left(&self) -> impl Iterator<Item = &Finding> {
        let scope = self.scope;
        self.report
            .findings
            .iter()
            .filter(move |finding| scope.shows(finding) && !scope.is_unsafe)
            .filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safety == Safety::Unsafe))
    }

    fn summary(&self, dry_run: bool, files: usize) -> String {
        let verb = if dry_run { "would be made" } else { "made" };
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        let mut out = format!("{} repair{} {verb} in {files} file{}\n", self.made, plural(self.made), plural(files));
        for Dropped { headline, why } in &self.dropped {
            out.push_str(&format!("not repaired: {}: {why}\n", Untrusted(headline).for_terminal()));
        }
        for finding in self.left() {
            if let Some(fix) = &finding.fix {
                let headline = format!("{} in {}", finding.rule.title, finding.tools.join(", "));
                out.push_str(&format!(
                    "with --unsafe: {}: {} ({})\n",
                    Untrusted(&headline).for_terminal(),
                    fix.title,
                    fix.reason
                ));
            }
        }
        let is_left = |finding: &&Finding| self.scope.shows(finding) && finding.fix.is_none();
        let rest = self.report.findings.iter().filter(is_left).count();
        if rest > 0 {
            let need = if rest == 1 { " needs" } else { "s need" };
            out.push_str(&format!("{rest} finding{need} a person; `manta scan` shows them\n"));
        }
        out
    }
}

/// A scan of the user's own tree.
fn scan(input: &ProjectInput, analysis: &Analysis, config: Option<&Config>) -> ScanReport {
    let mut report = analysis.run(input);
    suppress::obey(&mut report, &crate::analyse::rules());
    if let Some(config) = config {
        suppress::listed::obey(&mut report, config);
    }
    report
}

/// The target with the edits made; `None` when they don't fit.
fn with(input: &ProjectInput, repair: &Fix) -> Option<ProjectInput> {
    let file = repair.edits.first()?.at.file;
    if repair.edits.iter().any(|edit| edit.at.file != file) {
        return None;
    }
    let mut sources = SourceMap::default();
    for (id, source) in input.sources.iter() {
        let text = if id == file { fix::apply(&source.text, &repair.edits)?.into() } else { Arc::clone(&source.text) };
        sources.add(SourceFile::new(source.path.clone(), text));
    }
    Some(ProjectInput { sources: Arc::new(sources), ..input.clone() })
}

/// Why a repair doesn't hold, judged by the scans before and after it.
fn refusal(before: &ScanReport, after: &ScanReport, finding: &Finding) -> Option<&'static str> {
    let lost = |report: &ScanReport| {
        let skipped = report.completeness.files_skipped.iter().filter(|file| !file.reason.is_on_purpose()).count();
        skipped + report.completeness.exhausted_budgets.len() + report.completeness.unresolved_handlers.len()
    };
    let (counts_before, counts_after) = (counts(before, finding), counts(after, finding));
    let of = |counts: &BTreeMap<Key, usize>, key: &Key| counts.get(key).copied().unwrap_or(0);
    let own = key(finding);
    if lost(after) > lost(before) {
        Some("the repaired code can't be read completely")
    } else if counts_after.iter().any(|(key, number)| *number > of(&counts_before, key)) {
        Some("it brings another finding")
    } else if of(&counts_after, &own) >= of(&counts_before, &own) {
        Some("the finding stays")
    } else {
        None
    }
}

/// What a finding is about, whatever line it stands in.
type Key = (&'static str, Vec<String>, String);

fn key(finding: &Finding) -> Key {
    let param = finding.source.as_ref().map_or_else(String::new, |source| source.param.clone());
    (finding.rule.id, finding.tools.clone(), param)
}

/// The findings that weigh against a repair. A prefix check that holds shows that links were not resolved, which only
/// auditors want to know: that was so before, behind the worse finding.
fn counts(report: &ScanReport, repaired: &Finding) -> BTreeMap<Key, usize> {
    let weighs = |finding: &&Finding| {
        finding.is_reported() && (finding.persona == Persona::Regular || repaired.persona != Persona::Regular)
    };
    let mut counts = BTreeMap::new();
    for finding in report.findings.iter().filter(weighs) {
        *counts.entry(key(finding)).or_default() += 1;
    }
    counts
}

/// Path, old and new text of every file that differs.
fn changed(before: &SourceMap, after: &SourceMap) -> Vec<(String, Arc<str>, Arc<str>)> {
    let pairs = before.iter().zip(after.iter());
    pairs
        .filter(|((_, old), (_, new))| old.text != new.text)
        .map(|((_, old), (_, new))| (old.path.clone(), Arc::clone(&old.text), Arc::clone(&new.text)))
        .collect()
}

fn diff(changed: &[(String, Arc<str>, Arc<str>)]) -> String {
    let one = |(path, old, new): &(String, Arc<str>, Arc<str>)| {
        let diff = similar::TextDiff::from_lines(&**old, &**new);
        let unified = diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string();
        // Lines of a stranger's file on a terminal; blanks have to stay.
        unified.lines().map(|line| format!("{}\n", Untrusted(line).for_source_line())).collect::<String>()
    };
    changed.iter().map(one).collect()
}

/// Writes a file that still holds what was scanned.
fn write(path: &Path, old: &str, new: &str) -> Result<(), Failure> {
    let name = path.display();
    let now = fs::read(path).map_err(|error| Failure::new(format!("failed to read {name}: {error}")))?;
    if now != old.as_bytes() {
        return Err(Failure::new(format!("{name} is not what was scanned: it was changed meanwhile or isn't UTF-8"))
            .hint("run `manta fix` again"));
    }
    fs::write(path, new).map_err(|error| Failure::new(format!("failed to write {name}: {error}")))
}
