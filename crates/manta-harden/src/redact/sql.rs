//! Secrets in statements: what `INSERT INTO users (name, password) VALUES ('ann', '…')` puts into the second column.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Columns of a statement that are looked at.
const MAX_COLUMNS: usize = 256;

static INSERT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?-u:\b)(?:insert|replace)(?-u:\b)[^()']{1,200}\(([^()]{1,4000})\)\s*(?:overriding\s+\w+\s+value\s+)?values?\s*",
    )
    .expect("compiled by a test")
});

/// Where a column that names a secret gets a literal.
pub(super) fn find(text: &str, is_secret: &dyn Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    for captures in INSERT.captures_iter(text) {
        let (Some(all), Some(columns)) = (captures.get(0), captures.get(1)) else { continue };
        let bare = |column: &str| is_secret(column.trim().trim_matches(['"', '`', '[', ']', '\'']));
        let secret: Vec<bool> = columns.as_str().split(',').take(MAX_COLUMNS).map(bare).collect();
        if secret.contains(&true) {
            rows(text, all.end(), &secret, found);
        }
    }
}

/// The literals of rows of values, `(…), (…)`, in the columns that are secret.
fn rows(text: &str, start: usize, secret: &[bool], found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut column) = (start, 0_usize, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => {
                let end = literal_end(bytes, at);
                if depth > 0 && secret.get(column) == Some(&true) {
                    found.push(at + 1..end);
                }
                at = end;
            }
            b'(' => {
                depth += 1;
                column = if depth == 1 { 0 } else { column };
            }
            b')' if depth == 0 => return,
            b')' => depth -= 1,
            b',' if depth == 1 => column += 1,
            b';' => return,
            // Between rows stands a comma and nothing else.
            b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ if depth == 0 => return,
            _ => {}
        }
        at += 1;
    }
}

/// Where a literal ends that begins with a quote; a doubled or escaped one goes on.
pub(super) fn literal_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' => at += 1,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
