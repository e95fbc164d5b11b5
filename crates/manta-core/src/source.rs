//! Source files, byte spans and their line numbers.
//!
//! Analysis works in byte offsets, people and report formats in lines and columns. The translation lives
//! here, once, and is built lazily: a file without a finding never pays for a line index.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Names one file of a [`SourceMap`]; the index into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A half-open range of byte offsets, `start..end`, in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset just past the last byte.
    pub end: u32,
}

impl Span {
    /// The span `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// Whether `other` lies completely inside this span.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// A span in a file: where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The bytes of that file.
    pub span: Span,
}

impl Location {
    /// `span` in `file`.
    #[must_use]
    pub const fn new(file: FileId, span: Span) -> Self {
        Self { file, span }
    }
}

/// A position for people. Both numbers are 1-based; a column counts Unicode scalar values (SARIF's
/// `unicodeCodePoints`), so it doesn't depend on how a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

/// What a file is to the analysis, decided by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `.js`, `.mjs`, `.cjs`, `.jsx`.
    JavaScript,
    /// `.ts`, `.mts`, `.cts`, `.tsx`, but not declarations (`.d.ts`).
    TypeScript,
    /// `.py`, `.pyw`.
    Python,
    /// A file that describes the package: `package.json`, `tsconfig.json`, `pyproject.toml`, lock files …
    Manifest,
    /// Anything else that was read.
    Other,
}

impl FileKind {
    /// The kind a file of this path has.
    ///
    /// ```
    /// use manta_core::FileKind;
    /// assert_eq!(FileKind::of("src/index.mts"), FileKind::TypeScript);
    /// assert_eq!(FileKind::of("packages/a/package.json"), FileKind::Manifest);
    /// assert_eq!(FileKind::of("index.d.ts"), FileKind::Other);
    /// ```
    #[must_use]
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        if is_manifest(&name) {
            return Self::Manifest;
        }
        if [".d.ts", ".d.mts", ".d.cts"].iter().any(|suffix| name.ends_with(suffix)) {
            return Self::Other;
        }
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js" | "mjs" | "cjs" | "jsx") => Self::JavaScript,
            Some("ts" | "mts" | "cts" | "tsx") => Self::TypeScript,
            Some("py" | "pyw") => Self::Python,
            _ => Self::Other,
        }
    }

    /// Whether a front end can read it.
    #[must_use]
    pub const fn is_source(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript | Self::Python)
    }
}

fn is_manifest(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "package.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "deno.json",
        "deno.jsonc",
        "jsr.json",
        "pyproject.toml",
        "setup.cfg",
        "pipfile",
        "pipfile.lock",
        "poetry.lock",
        "uv.lock",
        "entry_points.txt",
        "metadata",
        "pkg-info",
        "server.json",
        "smithery.yaml",
        "wrangler.toml",
        "wrangler.jsonc",
        "manifest.json",
    ];
    NAMES.contains(&name)
        || (name.starts_with("tsconfig") && name.ends_with(".json"))
        || (name.starts_with("jsconfig") && name.ends_with(".json"))
        || (name.starts_with("requirements") && name.ends_with(".txt"))
}

/// One file of the scanned target, as text. Equality and identity go by [`FileId`], not by content.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path relative to the target, separated by `/` on every platform. Written by a stranger: show it
    /// through [`crate::Untrusted`].
    pub path: String,
    /// What the name says it is.
    pub kind: FileKind,
    /// The content; invalid UTF-8 was replaced by U+FFFD when it was read.
    pub text: Arc<str>,
    /// Offsets at which a line starts, and whether the text is all ASCII; built on first use.
    lines: OnceLock<LineIndex>,
}

#[derive(Debug, Clone)]
struct LineIndex {
    starts: Vec<u32>,
    is_ascii: bool,
}

impl SourceFile {
    /// A file whose kind follows from its path.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let path = path.into();
        Self { kind: FileKind::of(&path), path, text: text.into(), lines: OnceLock::new() }
    }

    /// Line and column of a byte offset. An offset past the end, or inside a character, is moved back to
    /// the nearest one that exists, so this never panics.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let index = self.index();
        let offset = self.floor(offset);
        let line = index.starts.partition_point(|&start| start <= offset).saturating_sub(1);
        let start = index.starts.get(line).copied().unwrap_or(0);
        let characters = if index.is_ascii {
            offset - start
        } else {
            let before = self.text.get(start as usize..offset as usize).unwrap_or("");
            u32::try_from(before.chars().count()).unwrap_or(u32::MAX)
        };
        LineColumn { line: u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1), column: characters + 1 }
    }

    /// The text of a 1-based line without its line ending; empty when there is no such line.
    #[must_use]
    pub fn line_text(&self, line: u32) -> &str {
        let span = self.line_span(line);
        self.slice(span).trim_end_matches(['\n', '\r'])
    }

    /// The bytes of a 1-based line, its line ending included; empty at the end when there is none.
    #[must_use]
    pub fn line_span(&self, line: u32) -> Span {
        let starts = &self.index().starts;
        let at = |line: u32| starts.get(line as usize).copied();
        let end_of_text = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let start = line.checked_sub(1).and_then(at).unwrap_or(end_of_text);
        Span::new(start, at(line).unwrap_or(end_of_text))
    }

    /// Number of lines; an empty file has one.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        u32::try_from(self.index().starts.len()).unwrap_or(u32::MAX)
    }

    /// The text of a span, cut to what exists.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        let (start, end) = (self.floor(span.start), self.floor(span.end));
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// The largest character boundary that is not past `offset`.
    fn floor(&self, offset: u32) -> u32 {
        let mut at = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn index(&self) -> &LineIndex {
        self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            let starts = ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
            LineIndex { starts: std::iter::once(0).chain(starts).collect(), is_ascii: self.text.is_ascii() }
        })
    }
}

/// All files of a target. A [`FileId`] is the position in the list.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    /// The last file added under each path.
    by_path: HashMap<String, FileId>,
}

impl SourceMap {
    /// Adds a file and names it.
    ///
    /// # Panics
    /// With more than `u32::MAX` files, which no collector delivers.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).expect("the collector caps the number of files"));
        self.by_path.insert(file.path.clone(), id);
        self.files.push(file);
        id
    }

    /// The file of this name, when it belongs to this map.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Every file with its name, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// The file with exactly this relative path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let file = SourceFile::new("a.ts", "x\n\u{1f30a} = é;\r\nend");
        let offset = u32::try_from(file.text.find(';').unwrap()).unwrap();
        assert_eq!(file.line_column(offset), LineColumn { line: 2, column: 6 });
        assert_eq!(file.line_text(2), "\u{1f30a} = é;");
        assert_eq!(file.line_text(3), "end");
        assert_eq!(file.line_count(), 3);
    }

    #[test]
    fn offsets_that_do_not_exist_are_moved_back() {
        let file = SourceFile::new("a.ts", "é");
        assert_eq!(file.line_column(1), LineColumn { line: 1, column: 1 });
        assert_eq!(file.line_column(99), LineColumn { line: 1, column: 2 });
        assert_eq!(file.slice(Span::new(1, 99)), "é");
        assert_eq!(file.slice(Span::new(9, 2)), "");
        assert_eq!(file.line_text(0), "");
        assert_eq!(file.line_text(7), "");
    }

    #[test]
    fn a_newline_belongs_to_the_line_it_ends() {
        let file = SourceFile::new("a.ts", "ab\ncd");
        assert_eq!(file.line_column(2), LineColumn { line: 1, column: 3 });
        assert_eq!(file.line_column(3), LineColumn { line: 2, column: 1 });
    }
}
