//! What the analysis is given: the files of one target, already read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::inventory::{SkipReason, SkippedFile};
use crate::source::{FileId, FileKind, SourceMap};

/// The files of one scanned target, in memory. Collected by the binary, so that the analysis needs no file
/// system and a test can write one down.
#[derive(Debug, Clone, Default)]
pub struct ProjectInput {
    /// How the user named the target: `./my-mcp-server`, `server-1.2.0.tgz`.
    pub target: String,
    /// The directory that paths are relative to, seen from the working directory and ending in `/`; empty
    /// for the working directory itself, `None` for an archive. Reports that annotate a checkout need it.
    pub base: Option<String>,
    /// Every file that was read: sources, manifests and JSON data, sorted by path.
    pub sources: Arc<SourceMap>,
    /// Files of `sources` that by their name are no part of the server (tests, browser assets). They count only
    /// when an entry point imports them; otherwise they are skipped for the reason given.
    pub set_aside: BTreeMap<FileId, SkipReason>,
    /// What was found but not read, and why.
    pub skipped: Vec<SkippedFile>,
    /// Files that hold what a server answered when it was asked for its lists: they belong to the target and are
    /// compared with its code.
    pub captured: BTreeSet<FileId>,
    /// Paths on this machine that configurations name and that everybody may write to.
    pub writable: BTreeSet<String>,
    /// Remarks for the reader, such as "src/a.py: 3 bytes that aren't UTF-8 were replaced".
    pub notes: Vec<String>,
}

impl ProjectInput {
    /// A target made of texts; for tests and embedders.
    ///
    /// ```
    /// use manta_core::ProjectInput;
    /// let input = ProjectInput::from_texts("demo", [("src/index.ts", "export {}")]);
    /// assert_eq!(input.sources.len(), 1);
    /// ```
    #[must_use]
    pub fn from_texts<'a>(target: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut sources = SourceMap::default();
        for (path, text) in files {
            sources.add(crate::source::SourceFile::new(path, text));
        }
        Self { target: target.to_owned(), sources: Arc::new(sources), ..Self::default() }
    }
}

/// The language a server is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// JavaScript, hand-written or built.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// Python.
    Python,
    /// Not known: only what the server says of itself was read.
    Unknown,
}

impl Language {
    /// The name as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Python => "Python",
            Self::Unknown => "unknown",
        }
    }

    /// The language of a source file; `None` for manifests and others.
    #[must_use]
    pub const fn of(kind: FileKind) -> Option<Self> {
        match kind {
            FileKind::JavaScript => Some(Self::JavaScript),
            FileKind::TypeScript => Some(Self::TypeScript),
            FileKind::Python => Some(Self::Python),
            FileKind::Manifest | FileKind::Other => None,
        }
    }
}
