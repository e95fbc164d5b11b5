//! Reads a target into memory: a directory, one file, or an archive.
//!
//! A target may have been prepared by an attacker, so everything here is bounded ([`limits`]), nothing is written
//! or executed, links are not followed, and whatever isn't read is named with the reason.

mod archive;
mod decode;
mod limits;
mod names;
mod revision;
mod tracked;
mod walk;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manta_core::{FileKind, ProjectInput, SkipReason, SkippedFile, SourceFile, SourceMap};

pub use limits::Limits;

use crate::exit::Failure;
use names::Place;

/// Reads the target named `target` on the command line.
///
/// # Errors
/// When there is no such target, or it is neither directory nor readable file. What goes wrong inside the target
/// is no error but part of the result.
pub fn collect(target: &str, limits: &Limits) -> Result<ProjectInput, Failure> {
    if target == STDIN {
        return collect_stdin(limits);
    }
    let path = Path::new(target);
    let metadata = fs::metadata(path).map_err(|error| Failure::new(format!("failed to read {target}: {error}")))?;
    let mut collection = Collection::new(limits);
    let base = if metadata.is_dir() {
        walk::read(path, &mut collection);
        base_of(path)
    } else if !metadata.is_file() {
        return Err(Failure::new(format!("{target} is neither a directory nor a file")));
    } else if archive::is_named_like_one(target) {
        archive::read(path, &mut collection)
            .map_err(|error| Failure::new(format!("failed to read {target}: {error}")))?;
        None
    } else {
        read_single(path, &mut collection)?;
        path.parent().and_then(base_of)
    };
    Ok(collection.finish(target, base))
}

/// Reads a directory that is known to its caller by another name than its path, as an open handle is.
#[must_use]
pub fn collect_directory(name: &str, path: &Path, limits: &Limits) -> ProjectInput {
    let mut collection = Collection::new(limits);
    walk::read(path, &mut collection);
    collection.finish(name, None)
}

/// Reads a directory as it was at a commit of the git repository it lies in.
///
/// # Errors
/// When there is no such directory, repository or commit, or no git.
pub fn collect_revision(target: &str, revision: &str, limits: &Limits) -> Result<ProjectInput, Failure> {
    let path = Path::new(target);
    if !path.is_dir() {
        return Err(Failure::new(format!("failed to compare {target} with {revision}: it is no directory")));
    }
    let mut collection = Collection::new(limits);
    revision::read(path, revision, &mut collection).map_err(|problem| {
        Failure::new(format!("failed to read {target} at {revision}: {problem}")).hint(
            "in a shallow checkout, fetch it first: `fetch-depth: 0` of actions/checkout, or `git fetch --unshallow`",
        )
    })?;
    Ok(collection.finish(target, None))
}

/// Whether nothing below a directory of this name is read.
pub(crate) fn is_closed(directory: &str) -> bool {
    names::closed_directory(directory).is_some()
}

/// Whether a file at this place of a target is read, or counted at least.
pub(crate) fn is_read(path: &str) -> bool {
    !matches!(names::place(path), names::Place::Irrelevant)
}

/// Whether a file of this name is an archive.
pub(crate) fn is_archive(target: &str) -> bool {
    archive::is_named_like_one(target)
}

/// The target that is read from standard input.
const STDIN: &str = "-";

/// Reads a list of tools from standard input.
fn collect_stdin(limits: &Limits) -> Result<ProjectInput, Failure> {
    let mut collection = Collection::new(limits);
    let mut bytes = Vec::new();
    io::stdin()
        .take(limits.file_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("failed to read standard input: {error}")))?;
    let name = "stdin.json";
    if collection.admits(name, bytes.len() as u64) {
        collection.add(name.to_owned(), bytes, None);
    }
    Ok(collection.finish("standard input", None))
}

/// Reads an archive that is already in memory; its name decides nothing. For embedders and fuzz targets.
///
/// # Errors
/// When the bytes are no archive.
pub fn collect_archive(name: &str, bytes: &[u8], limits: &Limits) -> Result<ProjectInput, Failure> {
    let mut collection = Collection::new(limits);
    archive::read_bytes(bytes, &mut collection)
        .map_err(|error| Failure::new(format!("failed to read {name}: {error}")))?;
    Ok(collection.finish(name, None))
}

/// A file the user named is read whatever its name says about tests or assets.
fn read_single(path: &Path, collection: &mut Collection<'_>) -> Result<(), Failure> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if !FileKind::of(&name).is_source() && !names::is_read_alone(&name) {
        return Err(Failure::new(format!("{} is no file manta can read", path.display())).hint(
            "it reads .js .mjs .cjs .jsx .ts .mts .cts .tsx .py, lists of tools and configurations (.json .jsonc .toml \
             .yaml), directories, and .tgz .tar.gz .tar .zip .whl",
        ));
    }
    walk::read_file(path, &name, None, collection);
    Ok(())
}

/// The directory seen from the working directory, ending in `/`; `None` when it lies elsewhere.
fn base_of(directory: &Path) -> Option<String> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let here: PathBuf = env::current_dir().ok()?.canonicalize().ok()?;
    let there = directory.canonicalize().ok()?;
    let parts = there.strip_prefix(here).ok()?.components();
    Some(parts.map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect())
}

/// What has been read so far.
struct Collection<'a> {
    limits: &'a Limits,
    /// Path → text and, for files that by their name are no part of the server, why. The map sorts by path.
    files: BTreeMap<String, (Arc<str>, Option<SkipReason>)>,
    skipped: Vec<SkippedFile>,
    notes: Vec<String>,
    /// Bytes of all texts.
    bytes: u64,
    /// Directory entries or archive members seen.
    entries: usize,
    /// Files of languages manta has no front end for, by extension.
    foreign: BTreeMap<&'static str, usize>,
}

impl<'a> Collection<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            files: BTreeMap::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
            bytes: 0,
            entries: 0,
            foreign: BTreeMap::new(),
        }
    }

    fn skip(&mut self, path: impl Into<String>, reason: SkipReason) {
        self.skipped.push(SkippedFile { path: path.into(), reason });
    }

    /// Counts an entry; `false` once there are more than the limit, which is reported the first time.
    fn count_entry(&mut self, path: &str) -> bool {
        self.entries += 1;
        if self.entries == self.limits.entries + 1 {
            let reason = format!("more than {} entries; from here on nothing was read", self.limits.entries);
            self.skip(path, SkipReason::TooLarge(reason));
        }
        self.entries <= self.limits.entries
    }

    /// Whether a file of this size still fits; says so if it doesn't.
    fn admits(&mut self, path: &str, size: u64) -> bool {
        let limits = self.limits;
        let reason = if size > limits.file_bytes {
            format!("larger than {}", limits::megabytes(limits.file_bytes))
        } else if self.bytes.saturating_add(size) > limits.total_bytes {
            format!("all files together are larger than {}", limits::megabytes(limits.total_bytes))
        } else {
            return true;
        };
        self.skip(path, SkipReason::TooLarge(reason));
        false
    }

    /// Takes in the content of a file.
    fn add(&mut self, path: String, bytes: Vec<u8>, set_aside: Option<SkipReason>) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let decoded = match decode::text(bytes) {
            Ok(decoded) => decoded,
            Err(reason) => return self.skip(path, SkipReason::Unreadable(reason.to_owned())),
        };
        if let Some(note) = decoded.note {
            self.notes.push(format!("{path}: {note}"));
        }
        if self.files.insert(path.clone(), (decoded.text.into(), set_aside)).is_some() {
            // Unpackers keep the last one, so that is what runs.
            self.notes.push(format!("{path}: the archive holds it more than once; the last one was read"));
        }
    }

    /// Decides by its path alone whether a file is worth reading; `None` when it isn't, which has been recorded.
    fn place(&mut self, path: &str) -> Option<Option<SkipReason>> {
        match names::place(path) {
            Place::Server => Some(None),
            Place::SetAside(reason) => Some(Some(reason)),
            Place::Skipped(reason) => {
                self.skip(path, reason);
                None
            }
            Place::Foreign(language) => {
                *self.foreign.entry(language).or_default() += 1;
                None
            }
            Place::Irrelevant => None,
        }
    }

    fn finish(mut self, target: &str, base: Option<String>) -> ProjectInput {
        for (language, number) in &self.foreign {
            self.notes.push(format!("{number} files in {language} were not read: manta doesn't know the language yet"));
        }
        // A server that lives in `static/` or `test/` altogether is still a server.
        let is_server =
            |path: &String, set_aside: &Option<SkipReason>| FileKind::of(path).is_source() && set_aside.is_none();
        let has_server = self.files.iter().any(|(path, (_, set_aside))| is_server(path, set_aside));
        let mut sources = SourceMap::default();
        let mut aside = BTreeMap::new();
        for (path, (text, set_aside)) in self.files {
            let id = sources.add(SourceFile::new(path, text));
            if let Some(reason) = set_aside.filter(|_| has_server) {
                aside.insert(id, reason);
            }
        }
        self.skipped.sort();
        self.notes.sort();
        ProjectInput {
            target: target.to_owned(),
            base,
            sources: Arc::new(sources),
            set_aside: aside,
            skipped: self.skipped,
            notes: self.notes,
            ..ProjectInput::default()
        }
    }
}
