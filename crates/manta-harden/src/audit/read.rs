//! Reads records back: all, the last ones, or as they come.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use manta_core::untrusted::is_invisible;
use serde_json::Value;

use super::chain::seq_of;
use super::file::{open_beside, reading};
use super::time;
use super::writer::rotated;

/// Longest line that is read; the writer's are far shorter.
const MAX_LINE: u64 = 1 << 20;

/// One line of a log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The file it stands in.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// The bytes without the line end.
    pub raw: Vec<u8>,
    /// Whether the line has its end. Only the last line of a file can be without.
    pub is_whole: bool,
    /// The record; `None` when the line is none.
    pub record: Option<Value>,
}

impl Entry {
    /// A member that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.record.as_ref()?.get(name)?.as_str()
    }

    /// The line as it stands, but for what nobody can see, which becomes `\u` escapes: whoever can write the file must not
    /// drive the terminal of whoever reads it (CWE-150). A line of the writer's has none of that.
    #[must_use]
    pub fn to_json(&self) -> String {
        visible(&String::from_utf8_lossy(&self.raw))
    }

    /// The record's number.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        seq_of(self.record.as_ref()?)
    }
}

/// A text of JSON in which everything can be seen, and which means the same.
#[must_use]
pub fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // No string holds these; between the tokens they are white space.
            '\t' | '\n' | '\r' => out.push(' '),
            c if is_invisible(c) => out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            c => out.push(c),
        }
    }
    out
}

/// Which records are wanted. What is left out matches everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exact name of the tool.
    pub tool: Option<String>,
    /// Exact principal.
    pub principal: Option<String>,
    /// `allow`, `deny`, …
    pub decision: Option<String>,
    /// `intent`, `outcome`, …
    pub kind: Option<String>,
    /// Identity of one call.
    pub call: Option<String>,
    /// Only what failed, or only what succeeded.
    pub success: Option<bool>,
    /// Not before this timestamp (RFC 3339 as in the log, or a prefix such as `2026-11-24`).
    pub since: Option<String>,
    /// Before this timestamp.
    pub until: Option<String>,
}

impl Filter {
    /// Whether a record is wanted.
    #[must_use]
    pub fn admits(&self, record: &Value) -> bool {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| text(name) == wanted);
        // One format, one zone, fixed width: comparing text compares time.
        is(&self.tool, "tool")
            && is(&self.principal, "principal")
            && is(&self.decision, "decision")
            && is(&self.kind, "kind")
            && is(&self.call, "call")
            && self.success.is_none_or(|wanted| record.get("success").and_then(Value::as_bool) == Some(wanted))
            && self.since.as_ref().is_none_or(|since| text("timestamp") >= since.as_str())
            && self.until.as_ref().is_none_or(|until| text("timestamp") < until.as_str())
    }
}

/// Every line of a log, rotated files first, oldest first.
///
/// # Errors
/// When the log or one of its files cannot be opened.
pub fn read(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    let open = |file: PathBuf| match open_beside(&reading(), &file) {
        Ok(open) => Ok((file, open)),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", file.display()))),
    };
    let mut opened = rotated(path)?.into_iter().map(open).collect::<io::Result<Vec<_>>>()?;
    if path.exists() || opened.is_empty() {
        // Named by whoever reads, and so what they want to read, be it a pipe.
        opened.push((path.to_owned(), File::open(path)?));
    }
    Ok(opened.into_iter().flat_map(|(path, file)| Lines {
        reader: BufReader::new(file),
        path,
        line: 0,
        is_done: false,
    }))
}

/// The last `count` records that the filter admits.
///
/// # Errors
/// As [`read`].
pub fn last(path: &Path, count: usize, filter: &Filter) -> io::Result<Vec<Entry>> {
    let mut kept = VecDeque::new();
    for entry in read(path)? {
        let entry = entry?;
        if entry.record.as_ref().is_some_and(|record| filter.admits(record)) {
            kept.push_back(entry);
            if kept.len() > count {
                kept.pop_front();
            }
        }
    }
    Ok(kept.into())
}

/// Calls `see` for every new record until it says `false`, asking again after each `pause`. Goes on in the
/// new file when the log is rotated.
///
/// # Errors
/// When the log cannot be read.
pub fn follow(path: &Path, pause: &dyn Fn(), see: &mut dyn FnMut(&Entry) -> bool) -> io::Result<()> {
    let mut seen = last(path, 1, &Filter::default())?.first().and_then(Entry::seq).unwrap_or(0);
    loop {
        pause();
        let mut fresh = Vec::new();
        // From the end of the newest file backwards would be faster; a log that is followed is rotated.
        for entry in read(path)? {
            let entry = entry?;
            if entry.is_whole && entry.seq().is_some_and(|seq| seq > seen) {
                fresh.push(entry);
            }
        }
        for entry in fresh {
            seen = entry.seq().unwrap_or(seen);
            if !see(&entry) {
                return Ok(());
            }
        }
    }
}

/// Milliseconds since 1970 of a record.
pub(super) fn milliseconds(record: &Value) -> Option<u64> {
    time::parse(record.get("timestamp")?.as_str()?)
}

struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    line: usize,
    is_done: bool,
}

impl Iterator for Lines {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let mut raw = Vec::new();
        match (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut raw) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => {
                self.is_done = true;
                return Some(Err(error));
            }
        }
        self.line += 1;
        let is_whole = raw.pop_if(|byte| *byte == b'\n').is_some();
        let record = is_whole.then(|| serde_json::from_slice(&raw).ok()).flatten();
        Some(Ok(Entry { file: self.path.clone(), line: self.line, raw, is_whole, record }))
    }
}
