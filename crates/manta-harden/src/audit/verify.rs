//! Checks a log against itself, its head and its checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::chain::{Tip, line_hash};
use super::checkpoint::{Checkpoint, origin_of};
use super::file::read_beside;
use super::read::{Entry, read};
use super::writer::{Head, with_suffix};
use crate::digest::hex;

/// What to check besides the chain.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// File with checkpoints; the one next to the log when left out.
    pub checkpoints: Option<PathBuf>,
    /// Every checkpoint must bear this key's signature.
    #[cfg(feature = "signing")]
    pub public_key: Option<super::PublicKey>,
    /// The oldest files were removed on purpose: a log may begin with a `rotate` record.
    pub allow_pruned: bool,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Whole records.
    pub records: u64,
    /// Number of the first record.
    pub first_seq: u64,
    /// Number of the last record.
    pub last_seq: u64,
    /// Hash of the last record.
    pub last_hash: String,
    /// Checkpoints that were compared.
    pub checkpoints: u64,
    /// Number of the last record that a checkpoint speaks for; 0 when none does. What comes after it, only the chain
    /// and the head hold, and whoever can write the log can write those anew.
    pub vouched: u64,
    /// Torn lines that a `recovered` record names.
    pub recovered: u64,
    /// Bytes of a torn last line that nothing names yet: a crash, not yet followed by a start.
    pub torn_tail: u64,
    /// Calls with an intent and no outcome: their result is unknown.
    pub unfinished: Vec<String>,
    /// Whether what would say so is there: the head, which knows how far the log had come, and, where a key was
    /// given, a checkpoint with its signature. Checkpoints alone say only that it was at least so long.
    pub is_anchored: bool,
    /// What is wrong, in the order of the log.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What it means.
    pub kind: ProblemKind,
    /// In words.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file.display(), self.line, self.kind, self.message)
    }
}

/// What a problem means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A record is not what the next one, the head or a checkpoint says it was.
    Edited,
    /// Records are missing in the middle or at the beginning.
    Missing,
    /// Records are in another order, twice, or from another log.
    Reordered,
    /// Records are missing at the end.
    Truncated,
    /// A line that is no record, and that no `recovered` record names.
    Garbage,
    /// A checkpoint that is unsigned, signed by another key, or changed.
    BadCheckpoint,
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Garbage => "garbage",
            Self::BadCheckpoint => "bad checkpoint",
        })
    }
}

/// Reads the whole log, rotated files included, and checks every link.
///
/// # Errors
/// Only when a file cannot be read; everything wrong with its content is in the report.
pub fn verify(path: &Path, options: &VerifyOptions) -> io::Result<Report> {
    let mut check = Check::new(path, options)?;
    for entry in read(path)? {
        check.entry(entry?);
    }
    Ok(check.end())
}

struct Check<'a> {
    path: &'a Path,
    options: &'a VerifyOptions,
    report: Report,
    tip: Option<Tip>,
    /// Lines since the last record that are none, and where they begin.
    torn: Option<(Torn, PathBuf, usize)>,
    open: BTreeSet<String>,
    head: Option<Head>,
    checkpoints: BTreeMap<u64, Vec<Checkpoint>>,
}

impl<'a> Check<'a> {
    fn new(path: &'a Path, options: &'a VerifyOptions) -> io::Result<Self> {
        let mut check = Self {
            path,
            options,
            report: Report::default(),
            tip: None,
            torn: None,
            open: BTreeSet::new(),
            head: Head::read(path),
            checkpoints: BTreeMap::new(),
        };
        check.load_checkpoints()?;
        Ok(check)
    }

    fn load_checkpoints(&mut self) -> io::Result<()> {
        let beside = with_suffix(self.path, "checkpoints");
        let (file, bytes) = match &self.options.checkpoints {
            Some(file) => (file.clone(), std::fs::read(file)),
            None => (beside.clone(), read_beside(&beside, u64::MAX)),
        };
        let text = match bytes {
            // Bytes that are no text are no checkpoint, and hide none.
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.options.checkpoints.is_none() => {
                return Ok(());
            }
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", file.display()))),
        };
        // A crash can tear the last line of this file too; it then says nothing.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        // Several logs may share a file of checkpoints, and what was said of another one says nothing about this one:
        // it could be put in its place otherwise, signature and all.
        let origin = origin_of(self.path);
        let mut others = None;
        for (index, line) in whole.lines().enumerate() {
            // What a full disk tore stands before the next one; no string holds its unescaped beginning.
            let line = &line[line.rfind("{\"origin\":").unwrap_or(0)..];
            match serde_json::from_str::<Checkpoint>(line) {
                Ok(checkpoint) if checkpoint.origin != origin => {
                    others = others.or(Some((index + 1, checkpoint.origin)))
                }
                Ok(checkpoint) if self.is_trusted(&checkpoint) => {
                    self.checkpoints.entry(checkpoint.seq).or_default().push(checkpoint);
                }
                Ok(_) => self.problem(&file, index + 1, ProblemKind::BadCheckpoint, "not signed by the given key"),
                // Two processes' lines after a torn one; without a signature nothing can be said about it.
                Err(_) => self.problem(&file, index + 1, ProblemKind::BadCheckpoint, "not a checkpoint"),
            }
        }
        if let Some((line, other)) = others.filter(|_| self.checkpoints.is_empty()) {
            let message = format!("about a log named {other}, and none about {origin}");
            self.problem(&file, line, ProblemKind::BadCheckpoint, message);
        }
        Ok(())
    }

    #[cfg(feature = "signing")]
    fn is_trusted(&self, checkpoint: &Checkpoint) -> bool {
        self.options.public_key.as_ref().is_none_or(|key| checkpoint.is_signed_by(key))
    }

    #[cfg(not(feature = "signing"))]
    #[expect(clippy::unused_self, reason = "asks for the key when the feature is on")]
    fn is_trusted(&self, _: &Checkpoint) -> bool {
        true
    }

    #[cfg(feature = "signing")]
    fn wants_signatures(&self) -> bool {
        self.options.public_key.is_some()
    }

    #[cfg(not(feature = "signing"))]
    #[expect(clippy::unused_self, reason = "asks for the key when the feature is on")]
    fn wants_signatures(&self) -> bool {
        false
    }

    fn problem(&mut self, file: &Path, line: usize, kind: ProblemKind, message: impl Into<String>) {
        self.report.problems.push(Problem { file: file.to_owned(), line, kind, message: message.into() });
    }

    fn entry(&mut self, entry: Entry) {
        let (Some(record), Some(seq)) = (&entry.record, entry.seq()) else {
            return self.not_a_record(entry);
        };
        self.names_what_was_torn(&entry, record);
        let tip = Tip { seq, hash: line_hash(&entry.raw) };
        self.link(&entry, &tip);
        self.outside_witnesses(&entry, &tip);
        self.calls(record);
        self.report.records += 1;
        self.tip = Some(tip);
    }

    fn not_a_record(&mut self, entry: Entry) {
        let (torn, ..) = self.torn.get_or_insert_with(|| (Torn::default(), entry.file, entry.line));
        torn.add(&entry.raw);
        if entry.is_whole {
            torn.add_line_end();
        }
    }

    /// A `recovered` record accounts for what stands between it and the record before.
    fn names_what_was_torn(&mut self, entry: &Entry, record: &Value) {
        let detail = record.get("detail").unwrap_or(&Value::Null);
        if let Some(head) = detail.get("head_seq").and_then(Value::as_u64) {
            let message = format!("the log was cut off before this record: it had come to {head}");
            self.problem(&entry.file, entry.line, ProblemKind::Truncated, message);
        }
        let Some((torn, file, line)) = self.torn.take() else { return };
        let is_named = record.get("kind").and_then(Value::as_str) == Some("recovered")
            && detail.get("torn_sha256").and_then(Value::as_str).is_some_and(|hash| {
                detail.get("torn_bytes").and_then(Value::as_u64).is_some_and(|length| torn.is(length, hash))
            });
        if is_named {
            self.report.recovered += 1;
        } else {
            self.problem(&file, line, ProblemKind::Garbage, "no record, and nothing says how it came here");
        }
    }

    fn link(&mut self, entry: &Entry, tip: &Tip) {
        let prev = entry.text("prev").unwrap_or_default().to_owned();
        let Some(before) = self.tip else {
            self.report.first_seq = tip.seq;
            let is_start = tip.seq == 1 && prev == Tip::default().hash.as_str();
            let is_pruned = self.options.allow_pruned && entry.text("kind") == Some("rotate");
            if !is_start && !is_pruned {
                let message = format!("the log begins with record {}", tip.seq);
                self.problem(&entry.file, entry.line, ProblemKind::Missing, message);
            }
            return;
        };
        let expected = before.seq + 1;
        let (kind, message) = match tip.seq.cmp(&expected) {
            std::cmp::Ordering::Equal if prev == before.hash.as_str() => return,
            std::cmp::Ordering::Equal => {
                (ProblemKind::Edited, format!("record {} is not the one that record {} followed", before.seq, tip.seq))
            }
            std::cmp::Ordering::Greater => {
                (ProblemKind::Missing, format!("records {expected} to {} are missing", tip.seq - 1))
            }
            std::cmp::Ordering::Less => {
                (ProblemKind::Reordered, format!("record {} stands after record {}", tip.seq, before.seq))
            }
        };
        self.problem(&entry.file, entry.line, kind, message);
    }

    fn outside_witnesses(&mut self, entry: &Entry, tip: &Tip) {
        if self.head.as_ref().is_some_and(|head| head.seq == tip.seq && head.hash != tip.hash.as_str()) {
            self.problem(&entry.file, entry.line, ProblemKind::Edited, "not the record that the head names");
        }
        for checkpoint in self.checkpoints.remove(&tip.seq).unwrap_or_default() {
            self.report.checkpoints += 1;
            if checkpoint.hash != tip.hash.as_str() {
                let message = format!("not the record that the checkpoint of {} names", checkpoint.timestamp);
                self.problem(&entry.file, entry.line, ProblemKind::Edited, message);
            } else {
                self.report.vouched = tip.seq;
            }
        }
    }

    fn calls(&mut self, record: &Value) {
        let Some(call) = record.get("call").and_then(Value::as_str) else { return };
        match record.get("kind").and_then(Value::as_str) {
            Some("intent") => _ = self.open.insert(call.to_owned()),
            Some("outcome") => _ = self.open.remove(call),
            _ => {}
        }
    }

    fn end(mut self) -> Report {
        if let Some((torn, file, line)) = self.torn.take() {
            if torn.lines > 0 {
                self.problem(&file, line, ProblemKind::Garbage, "no record, and nothing says how it came here");
            } else {
                self.report.torn_tail = torn.length;
            }
        }
        self.report.is_anchored = self.head.is_some() && (!self.wants_signatures() || self.report.checkpoints > 0);
        let last = self.tip.map_or(0, |tip| tip.seq);
        let path = self.path.to_owned();
        if let Some(head) = self.head.clone().filter(|head| head.seq > last) {
            let message = format!("the log ends with record {last}, its head names record {}", head.seq);
            self.problem(&path, 0, ProblemKind::Truncated, message);
        }
        let first = self.report.first_seq;
        if let Some(seq) = self.checkpoints.keys().copied().find(|seq| *seq > last) {
            let message = format!("the log ends with record {last}, a checkpoint names record {seq}");
            self.problem(&path, 0, ProblemKind::Truncated, message);
        } else if let Some(seq) = self.checkpoints.keys().copied().find(|seq| *seq >= first) {
            self.problem(&path, 0, ProblemKind::Missing, format!("record {seq}, which a checkpoint names, is missing"));
        }
        if let Some(tip) = self.tip {
            (self.report.last_seq, self.report.last_hash) = (tip.seq, tip.hash.as_str().to_owned());
        }
        self.report.unfinished = self.open.into_iter().collect();
        self.report
    }
}

/// Bytes that are no record. Only what a `recovered` record can say of them is kept: a line without an end, in a log that
/// somebody else made, has no bound.
#[derive(Default)]
struct Torn {
    length: u64,
    lines: u64,
    hash: Sha256,
    /// The last byte is the end of a line, which is counted and not hashed yet.
    has_end: bool,
}

impl Torn {
    fn add(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.pass_end();
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
    }

    fn add_line_end(&mut self) {
        self.pass_end();
        self.has_end = true;
        self.length += 1;
        self.lines += 1;
    }

    fn pass_end(&mut self) {
        if std::mem::take(&mut self.has_end) {
            self.hash.update(b"\n");
        }
    }

    /// Whether a record speaks of these bytes. It begins on a line of its own: when they had no end, one was added.
    fn is(&self, length: u64, hash: &str) -> bool {
        let without_end = (self.length - u64::from(self.has_end), self.hash.clone());
        let with_end = (self.length, self.hash.clone().chain_update(if self.has_end { "\n" } else { "" }));
        [without_end, with_end].into_iter().any(|(len, state)| len == length && hex(&state.finalize()) == hash)
    }
}
