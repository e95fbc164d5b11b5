//! Finding files by name and lines by content, in linear time and within limits.

use std::io::{BufRead as _, BufReader, Read as _};

use regex::{Regex, RegexBuilder};
use serde::Serialize;

use super::error::{PathError, PathRule};
use super::ops::{Entry, Kind};
use super::walk::WalkLimits;
use super::{PathText, Root};

/// A file-name pattern: `*` and `?` within a component, `**` across them, `{a,b}`, `[a-z]`.
///
/// One without `/` is compared with the name alone, otherwise with the path below the start of the
/// search. It compiles to a linear-time expression, so no pattern can be slow (CWE-1333).
#[derive(Debug, Clone)]
pub struct Glob {
    regex: Regex,
    whole_path: bool,
}

impl Glob {
    /// Reads a pattern of at most 1024 bytes.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() || pattern.len() > 1024 {
            return Err("a file pattern has 1 to 1024 bytes".to_owned());
        }
        let regex = RegexBuilder::new(&translate(pattern)?)
            .size_limit(1 << 20)
            .build()
            .map_err(|_| "the file pattern is not valid or too complex".to_owned())?;
        Ok(Self { regex, whole_path: pattern.contains('/') })
    }

    /// Whether an entry's name, or its path below the start, matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let text = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.regex.is_match(text)
    }
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut regex = String::from(r"\A(?s:");
    let mut chars = pattern.chars().peekable();
    let mut braces = 0_u32;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => match chars.next_if_eq(&'/') {
                Some(_) => regex.push_str("(?:[^/]*/)*"),
                None => regex.push_str(".*"),
            },
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                braces += 1;
                regex.push_str("(?:");
            }
            ',' if braces > 0 => regex.push('|'),
            '}' if braces > 0 => {
                braces -= 1;
                regex.push(')');
            }
            '[' => push_class(&mut regex, &mut chars)?,
            c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    if braces > 0 {
        return Err("`{` without `}` in the file pattern".to_owned());
    }
    regex.push_str(r")\z");
    Ok(regex)
}

/// `[a-z]`, `[!0-9]`: every character but `-` between the brackets is taken literally.
fn push_class(regex: &mut String, chars: &mut impl Iterator<Item = char>) -> Result<(), String> {
    let unclosed = || "`[` without `]` in the file pattern".to_owned();
    regex.push('[');
    let mut is_first = true;
    loop {
        match chars.next().ok_or_else(unclosed)? {
            '!' | '^' if is_first => regex.push('^'),
            ']' if !is_first => break,
            '-' => regex.push('-'),
            c => {
                regex.push('\\');
                if c.is_alphanumeric() {
                    regex.pop();
                }
                regex.push(c);
            }
        }
        is_first = false;
    }
    regex.push_str("&&[^/]]");
    Ok(())
}

/// What to look for. With neither `name` nor `text` every entry matches.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Pattern of the name or path.
    pub name: Option<Glob>,
    /// Expression that a line of a text file must match; directories then don't match.
    pub text: Option<Regex>,
    /// Most matches; 0 means 1000.
    pub most: usize,
}

/// One match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Relative to the root.
    pub path: String,
    /// Line number from 1, when text was searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// That line, at most 400 characters of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a search found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Found {
    /// The matches in the order of the walk.
    pub hits: Vec<Hit>,
    /// A limit ended the search; there may be more.
    pub truncated: bool,
    /// Files that were not searched for text: too large, binary or unreadable.
    pub skipped: usize,
}

const MAX_LINE: u64 = 1 << 20;
const SHOWN: usize = 400;

impl Root {
    /// Searches below a directory.
    ///
    /// # Errors
    /// Names the rule that refused the start. Limits reached are in the answer.
    pub fn search(&self, path: impl PathText, query: &Query, limits: WalkLimits) -> Result<Found, PathError> {
        let start = self.admit(path.path_text(), super::Access::READ)?;
        let prefix = if start.is_root() { String::new() } else { format!("{}/", start.as_str()) };
        let most = if query.most == 0 { 1000 } else { query.most };
        let deadline = std::time::Instant::now() + limits.time;
        let mut found = Found::default();
        for entry in self.walk(start.as_str(), limits)? {
            match entry {
                Ok(entry) => {
                    let below = entry.path.strip_prefix(&prefix).unwrap_or(&entry.path);
                    if query.name.as_ref().is_none_or(|name| name.matches(below)) {
                        self.examine(&entry, query, most, &mut found);
                    }
                }
                Err(error) if error.rule() == PathRule::TooMany => found.truncated = true,
                Err(_) => found.skipped += 1,
            }
            if found.hits.len() >= most || std::time::Instant::now() > deadline {
                found.truncated = true;
                break;
            }
        }
        Ok(found)
    }

    fn examine(&self, entry: &Entry, query: &Query, most: usize, found: &mut Found) {
        let Some(text) = &query.text else {
            found.hits.push(Hit { path: entry.path.clone(), line: None, text: None });
            return;
        };
        if entry.kind == Kind::File && self.grep(entry, text, most, found).is_none() {
            found.skipped += 1;
        }
    }

    /// `None` when the file can't be searched as text.
    fn grep(&self, entry: &Entry, text: &Regex, most: usize, found: &mut Found) -> Option<()> {
        let mut reader = BufReader::new(self.open_file(entry.path.as_str()).ok()?);
        if reader.fill_buf().ok()?.contains(&0) {
            return None;
        }
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).ok()? == 0 {
                break;
            }
            let content = String::from_utf8_lossy(&line);
            let content = content.trim_end_matches(['\r', '\n']);
            if text.is_match(content) {
                let shown = content.chars().take(SHOWN).collect();
                found.hits.push(Hit { path: entry.path.clone(), line: Some(number), text: Some(shown) });
            }
            if found.hits.len() >= most {
                break;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_shells_do() {
        for (pattern, path, expected) in [
            ("*.rs", "src/lib.rs", true),
            ("*.rs", "src/lib.rsx", false),
            ("src/*.rs", "src/a/lib.rs", false),
            ("src/**/*.rs", "src/a/b/lib.rs", true),
            ("src/**/*.rs", "src/lib.rs", true),
            ("**/test?.py", "x/test1.py", true),
            ("*.{ts,tsx}", "a.tsx", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("a.b", "aXb", false),
            ("(a|b)+", "(a|b)+", true),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
        for pattern in ["", "{a", "[a", "[z-a]"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
    }
}
