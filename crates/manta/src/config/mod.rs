//! `[scan]` of `manta.toml`: what a user wants of every scan, written down once.
//!
//! Whoever writes this file decides what a report hides. So one counts only when the user named it, stands beside it,
//! or said that scanned trees are trusted; that of any other tree is mentioned and not obeyed.

mod glob;
mod schema;
mod settings;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manta_core::{FileId, ProjectInput, ScanReport, SkipReason, SkippedFile, SourceFile, SourceMap};

use crate::exit::Failure;

pub use schema::schema;
pub use settings::{SETTINGS, SUPPRESSION, Scan, Setting, Suppression};

/// The name of the file, which the policy of the guard shares.
pub const NAME: &str = "manta.toml";

/// One configuration file with a `[scan]` section.
#[derive(Debug)]
pub struct Config {
    /// How the user named it.
    name: String,
    text: Arc<str>,
    /// Where its paths start; `None` when it came out of the target itself.
    directory: Option<PathBuf>,
    /// Whether it speaks about every target, wherever that lies.
    is_for_all: bool,
    /// The settings.
    pub scan: Scan,
}

impl Config {
    /// Reads a text; `None` when it has no `[scan]`.
    fn parse(name: &str, text: &str, directory: Option<PathBuf>, is_for_all: bool) -> Result<Option<Self>, Failure> {
        let scan = settings::read(name, text)?;
        Ok(scan.map(|scan| Self { name: name.to_owned(), text: text.into(), directory, is_for_all, scan }))
    }

    /// The file that the user named.
    ///
    /// # Errors
    /// When it can't be read, is no TOML, or has settings that don't exist.
    pub fn named(path: &Path) -> Result<Option<Self>, Failure> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| Failure::new(format!("failed to read {name}: {error}")))?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Self::parse(&name, &text, Some(above.to_owned()), true)
    }

    /// The file in a directory that is the user's own, if there is one with settings of scans.
    ///
    /// # Errors
    /// As [`Self::named`].
    pub fn in_directory(directory: &Path) -> Result<Option<Self>, Failure> {
        let path = directory.join(NAME);
        if !path.is_file() {
            return Ok(None);
        }
        let failed = |error| Failure::new(format!("failed to read {}: {error}", path.display()));
        Self::parse(NAME, &fs::read_to_string(&path).map_err(failed)?, Some(directory.to_owned()), false)
    }

    /// Whether it came out of the target itself.
    pub(crate) fn is_of_target(&self) -> bool {
        self.directory.is_none()
    }

    /// What stands before the paths of a target so that they can be compared with those in the file: empty when both
    /// start in one directory. `None` when the file says nothing about paths of this target.
    fn prefix(&self, target: &str) -> Option<String> {
        let Some(directory) = &self.directory else { return Some(String::new()) };
        let inside = || {
            let target = Path::new(target).canonicalize().ok()?;
            let target = if target.is_dir() { target } else { target.parent()?.to_owned() };
            let parts = target.strip_prefix(directory.canonicalize().ok()?).ok()?.to_owned();
            Some(parts.components().map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect())
        };
        // What is in an archive came from somebody else, wherever the archive lies.
        let is_archive = Path::new(target).is_file() && !manta_core::FileKind::of(target).is_source();
        inside().filter(|_| !is_archive).or_else(|| self.is_for_all.then(String::new))
    }

    /// Leaves out the files that `exclude` names, and says so.
    pub fn exclude(&self, input: &mut ProjectInput) {
        let Some(prefix) = self.prefix(&input.target).filter(|_| !self.scan.exclude.is_empty()) else { return };
        let is_excluded = |path: &str| {
            let path = format!("{prefix}{path}");
            self.scan.exclude.iter().any(|pattern| pattern.matches(&path))
        };
        if !input.sources.iter().any(|(_, file)| is_excluded(&file.path))
            && !input.skipped.iter().any(|file| is_excluded(&file.path))
        {
            return;
        }
        let whole = std::mem::take(&mut input.sources);
        let mut kept = SourceMap::default();
        let (set_aside, captured) = (std::mem::take(&mut input.set_aside), std::mem::take(&mut input.captured));
        for (id, file) in whole.iter() {
            if is_excluded(&file.path) {
                input.skipped.push(SkippedFile { path: file.path.clone(), reason: SkipReason::Excluded });
                continue;
            }
            let now = kept.add(SourceFile::new(file.path.clone(), &*file.text));
            if let Some(reason) = set_aside.get(&id) {
                input.set_aside.insert(now, reason.clone());
            }
            if captured.contains(&id) {
                input.captured.insert(now);
            }
        }
        input.sources = Arc::new(kept);
        for file in &mut input.skipped {
            if is_excluded(&file.path) {
                file.reason = SkipReason::Excluded;
            }
        }
        input.skipped.sort();
    }

    /// The suppressions that speak about a target, each with the prefix of its paths.
    pub(crate) fn suppressions(&self, target: &str) -> Option<(String, &[toml::Spanned<Suppression>])> {
        self.prefix(target).map(|prefix| (prefix, self.scan.suppress.as_slice()))
    }

    /// The file as one of the report's sources, so that reports can point at a line of it.
    pub(crate) fn file_in(&self, report: &mut ScanReport) -> FileId {
        let is_it = |file: &SourceFile| *file.text == *self.text && file.path.rsplit('/').next() == Some(NAME);
        if let Some((id, _)) = report.sources.iter().find(|(_, file)| is_it(file)) {
            return id;
        }
        // Paths in reports start at the target, which may lie deeper than the file.
        let prefix = self.prefix(&report.target).filter(|_| !self.is_for_all).unwrap_or_default();
        let path = format!("{}{}", "../".repeat(prefix.matches('/').count()), self.name);
        Arc::make_mut(&mut report.sources).add(SourceFile::new(path, &*self.text))
    }
}

/// Which configuration counts for which target of a run: one file, or none.
#[derive(Debug, Default)]
pub struct Configs {
    /// Named by the user, or in the working directory.
    own: Option<Arc<Config>>,
    is_named: bool,
    /// Whether the file of a scanned tree counts.
    trusts: bool,
}

impl Configs {
    /// Finds the files of this run: `named`, else the one in the working directory.
    ///
    /// # Errors
    /// When one that counts is no configuration.
    pub fn find(named: Option<&Path>, trusts: bool) -> Result<Self, Failure> {
        let own = match named {
            Some(path) => Config::named(path)?,
            None => env::current_dir().ok().map(|here| Config::in_directory(&here)).transpose()?.flatten(),
        };
        Ok(Self { own: own.map(Arc::new), is_named: named.is_some(), trusts })
    }

    /// The user's own file.
    #[must_use]
    pub fn own(&self) -> Option<&Arc<Config>> {
        self.own.as_ref()
    }

    /// The file that counts for a target.
    ///
    /// # Errors
    /// When the trusted file of the target is no configuration.
    pub fn of(&self, input: &ProjectInput) -> Result<Option<Arc<Config>>, Failure> {
        if self.trusts
            && !self.is_named
            && let Some(text) = own_file(&input.sources)
            && let Some(config) = Config::parse(&format!("{NAME} of {}", input.target), text, None, true)?
        {
            return Ok(Some(Arc::new(config)));
        }
        Ok(self.own.clone())
    }
}

/// Says that the settings of a scanned tree were not obeyed, if it has any and they weren't.
pub(crate) fn note(report: &mut ScanReport, obeyed: Option<&Config>) {
    let Some(text) = own_file(&report.sources) else { return };
    let is_other = obeyed.is_none_or(|config| *config.text != *text);
    if is_other && settings::has_some(text) {
        let note = format!("settings in {NAME} of the scanned tree were not obeyed (--trust-config obeys them)");
        report.completeness.notes.push(note);
        report.settle();
    }
}

fn own_file(sources: &SourceMap) -> Option<&str> {
    sources.find(NAME).and_then(|id| sources.get(id)).map(|file| &*file.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(NAME, text, None, true).unwrap().unwrap()
    }

    #[test]
    fn excluded_files_are_not_read_and_named() {
        let mut input = ProjectInput::from_texts(
            "demo",
            [("a.py", "import b"), ("legacy/old.py", "x"), ("src/gen/c.ts", ""), ("src/legacy.ts", "")],
        );
        let huge = SkippedFile { path: "legacy/huge.js".to_owned(), reason: SkipReason::TooLarge("16 MiB".to_owned()) };
        input.skipped.push(huge);
        input.captured.insert(input.sources.find("src/legacy.ts").unwrap());
        config("[scan]\nexclude = [\"legacy\", \"**/gen/*.ts\"]").exclude(&mut input);
        let left: Vec<&str> = input.sources.iter().map(|(_, file)| file.path.as_str()).collect();
        assert_eq!(left, ["a.py", "src/legacy.ts"]);
        assert_eq!(input.captured.iter().copied().collect::<Vec<_>>(), [input.sources.find("src/legacy.ts").unwrap()]);
        let named: Vec<String> = input.skipped.iter().map(|file| format!("{}: {}", file.path, file.reason)).collect();
        let excluded = "excluded by the configuration";
        assert_eq!(
            named,
            [
                format!("legacy/huge.js: {excluded}"),
                format!("legacy/old.py: {excluded}"),
                format!("src/gen/c.ts: {excluded}")
            ]
        );
    }

    #[test]
    fn a_file_of_the_working_directory_is_silent_about_trees_elsewhere() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(here.path().join("deep/tree")).unwrap();
        fs::write(here.path().join(NAME), "[scan]\n").unwrap();
        let config = Config::in_directory(here.path()).unwrap().unwrap();
        let prefix = |path: &Path| config.prefix(path.to_str().unwrap());
        assert_eq!(prefix(here.path()).as_deref(), Some(""));
        assert_eq!(prefix(&here.path().join("deep/tree")).as_deref(), Some("deep/tree/"));
        assert_eq!(prefix(elsewhere.path()), None);
        assert_eq!(prefix(Path::new("npm:some-mcp-server")), None);
        let named = Config::named(&here.path().join(NAME)).unwrap().unwrap();
        assert_eq!(named.prefix(elsewhere.path().to_str().unwrap()).as_deref(), Some(""));
    }

    #[test]
    fn the_file_of_a_tree_counts_only_when_trees_are_trusted() {
        let input = ProjectInput::from_texts("demo", [(NAME, "[scan]\nskip = [\"ssrf\"]\n"), ("a.py", "")]);
        let trusting = Configs { trusts: true, ..Configs::default() };
        assert_eq!(trusting.of(&input).unwrap().unwrap().scan.skip, Some(vec!["ssrf".to_owned()]));
        assert!(Configs::default().of(&input).unwrap().is_none());
        let mut report = ScanReport::new(&input);
        note(&mut report, None);
        assert_eq!(
            report.completeness.notes,
            ["settings in manta.toml of the scanned tree were not obeyed (--trust-config obeys them)"]
        );
    }
}
