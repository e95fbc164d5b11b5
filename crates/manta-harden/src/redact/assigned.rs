//! Secrets that a text gives to a name: `DB_PASS=…`, `pw: '…'`, `?sid=…`, `environ["TOKEN"] = "…"`.
//!
//! Source code and prose are full of such names, so what they get counts only where it can be a secret: a literal, or a
//! word that is no type, no call and no other name. Names that mean something else as well (`key`, `session`, `sid`)
//! count where their value looks drawn by lot.

use std::ops::Range;

use super::argv::looks_made;

/// How much a name tells of its value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    Nothing,
    /// A secret, if its value looks drawn by lot.
    IfDrawn,
    /// A secret, if its value looks like a password.
    IfMade,
    /// A secret.
    Surely,
}

impl Says {
    /// Whether a value is one that the name may have, apart from those which surely has one.
    pub(super) fn fits(self, value: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::IfDrawn => looks_drawn(value),
            Self::IfMade | Self::Surely => looks_made(value),
        }
    }
}

/// Longest name that is looked at.
const LONGEST: usize = 64;

/// Three letters of every name that says something. Most texts have few of them, so that nothing else is looked at.
const STEMS: &[&[u8; 3]] = &[
    b"pas", b"pwd", b"sec", b"tok", b"key", b"cre", b"aut", b"coo", b"ses", b"sid", b"csr", b"xsr", b"non", b"pin",
    b"otp", b"mfa", b"jwt", b"cvv", b"cvc", b"ssn", b"dsn", b"psk", b"pat", b"sal", b"see", b"mne", b"bea", b"cod",
    b"nne", b"nns", b"sse", b"rif", b"phr", b"ken", b"tra", b"sen",
];

/// A bit for three letters, whatever their case.
const fn bit_of(a: u8, b: u8, c: u8) -> (usize, u64) {
    let number = (a as usize & 31) << 10 | (b as usize & 31) << 5 | (c as usize & 31);
    (number / 64, 1 << (number % 64))
}

static SEEN: [u64; 512] = {
    let mut seen = [0; 512];
    let mut at = 0;
    while at < STEMS.len() {
        let [a, b, c] = *STEMS[at];
        let (word, bit) = bit_of(a, b, c);
        seen[word] |= bit;
        at += 1;
    }
    // `pw` is a name of its own.
    let mut last = 0;
    while last < 32 {
        let (word, bit) = bit_of(b'p', b'w', last);
        seen[word] |= bit;
        last += 1;
    }
    seen
};

/// Whether a name that says something may begin around there. Of other alphabets every letter may be one.
fn may_be_name(bytes: &[u8]) -> bool {
    let [a, b] = [bytes[0], bytes.get(1).copied().unwrap_or(0)];
    let (word, bit) = bit_of(a, b, bytes.get(2).copied().unwrap_or(0));
    SEEN[word] & bit != 0 || a >= 0x80
}

/// A name in a text.
pub(super) struct Name {
    range: Range<usize>,
    says: Says,
}

/// The names in a text that say something.
pub(super) fn names(text: &str, says: &dyn Fn(&str) -> Says) -> Vec<Name> {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    let mut names = Vec::new();
    let mut end = 0;
    for at in 0..text.len() {
        if at < end || !may_be_name(&text.as_bytes()[at..]) {
            continue;
        }
        let Some((before, behind)) = text.split_at_checked(at) else { continue };
        let start = before[end..]
            .rfind(|c| !of_name(c))
            .map_or(end, |at| end + at + before[end + at..].chars().next().map_or(1, char::len_utf8));
        end = at + behind.find(|c| !of_name(c)).unwrap_or(behind.len());
        let word = &text[start..end];
        let name = word.trim_start_matches(['-', '.', '$']).trim_end_matches(['-', '.']);
        let says = if name.len() <= LONGEST { says(name) } else { Says::Nothing };
        if says > Says::Nothing {
            let start = end - word.trim_start_matches(['-', '.', '$']).len();
            names.push(Name { range: start..start + name.len(), says });
        }
    }
    names
}

/// Where the values of these names stand.
pub(super) fn find(text: &str, names: &[Name], found: &mut Vec<Range<usize>>) {
    for Name { range, says } in names {
        let name = &text[range.clone()];
        // `environ["TOKEN"]`, `'token'`, and `{\"token\"` inside another text.
        let behind = text[range.end..].trim_start_matches([']', '"', '\'', '\\', '`']);
        let is_apart = behind.starts_with([' ', '\t']);
        let behind = behind.trim_start_matches([' ', '\t']);
        let separator = match behind.as_bytes() {
            // `==` and `=~` compare, in `a::b` nothing is given to anybody.
            [b'=', b'=' | b'~', ..] | [b':', b':', ..] | [] => 0,
            [b':', b'=', ..] | [b'=', b'>', ..] => 2,
            [b'=' | b':', ..] => 1,
            [b'%', b'3', b'D' | b'd', ..] => 3,
            _ => 0,
        };
        let from = text.len() - behind.len() + separator;
        if separator == 0 {
            if *says == Says::Surely {
                compared(text, from, found);
            }
            in_line(text, range, *says, found);
            continue;
        }
        // What stands apart from its name is code or prose as often as it is a value, and so is what follows a colon.
        let is_glued = !is_apart && !behind.starts_with(':') && !text[from..].starts_with([' ', '\t']);
        found.extend(value_after(text, from, name, *says, is_glued, separator == 3));
    }
}

/// `token IN ('…', '…')`, `password <> '…'`, as statements compare.
fn compared(text: &str, from: usize, found: &mut Vec<Range<usize>>) {
    let rest = &text[from..];
    let word = |rest: &str, word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let rest = if word(rest, "not ") { rest[4..].trim_start() } else { rest };
    let Some(operator) =
        ["in (", "in(", "like ", "ilike ", "<>", "!="].into_iter().find(|operator| word(rest, operator))
    else {
        return;
    };
    let bytes = text.as_bytes();
    let mut at = text.len() - rest.len() + operator.len();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => {
                let end = super::sql::literal_end(bytes, at);
                found.push(at + 1..end);
                at = end;
            }
            b',' | b' ' => {}
            _ => return,
        }
        at += 1;
    }
}

/// Lines and cells of a table that end in a name and its value, with nothing but a blank between: `set password …`.
fn in_line(text: &str, name: &Range<usize>, says: Says, found: &mut Vec<Range<usize>>) {
    let line = &text[name.end..];
    let line = &line[..line.find(['\r', '\n']).unwrap_or(line.len()).min(line.len())];
    if !line.starts_with([' ', '\t']) || text[..name.start].ends_with('-') {
        return;
    }
    let is_sign = |c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')');
    // `enable secret 5 …`: the kind of hash.
    let mut words = line.split(is_sign).filter(|word| !word.is_empty());
    let value = words.find(|word| word.len() > 1 || !word.bytes().all(|b| b.is_ascii_digit()));
    let Some(value) = value.filter(|value| words.next().is_none() && looks_made(value)) else { return };
    let is_alone = || text[..name.start].ends_with('\n') || name.start == 0;
    if says == Says::Surely || is_alone() {
        let start = value.as_ptr() as usize - text.as_ptr() as usize;
        found.push(start..start + value.len());
    }
}

fn value_after(
    text: &str,
    from: usize,
    name: &str,
    says: Says,
    is_glued: bool,
    is_encoded: bool,
) -> Option<Range<usize>> {
    let rest = &text[from..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let opening = rest[blank..].trim_start_matches('\\');
    // SQL and Python write letters before a literal.
    let literal = opening.strip_prefix(['N', 'E', 'r', 'b', 'f', 'u']).filter(|inner| inner.starts_with(['"', '\'']));
    let literal = literal.unwrap_or(opening);
    let start = text.len() - literal.len();
    if let Some(quote) = literal.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let escapes = rest.len() - blank - opening.len();
        let (value, is_whole) = quoted(&literal[1..], quote, escapes);
        let counts = match says {
            Says::Surely if is_whole => is_literal(value, name),
            other => other.fits(value),
        };
        return counts.then_some(start + 1..start + 1 + value.len());
    }
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(c, '&' | ';' | ',' | '"' | '\'' | ')' | '}' | ']' | '<' | '>' | '|' | '`')
            || is_encoded && c == '%'
    };
    let value = &literal[..literal.find(ends).unwrap_or(literal.len())];
    let counts = match says {
        Says::Surely => is_word(value, name) && (is_glued || looks_made(value)),
        other => other.fits(value),
    };
    counts.then_some(start..start + value.len())
}

/// What stands before the quote that closes a literal, and whether there is one. A quote behind more backslashes than the
/// opening one had belongs to the literal.
fn quoted(inner: &str, quote: char, escapes: usize) -> (&str, bool) {
    let mut run = 0;
    for (at, c) in inner.char_indices() {
        match c {
            '\\' => run += 1,
            '\n' => return (&inner[..at], false),
            c if c == quote && run <= escapes => return (&inner[..at - run], true),
            _ => run = 0,
        }
    }
    (inner, false)
}

/// Words that stand where a value does and are none.
const NO_VALUES: &[&str] = &[
    "string",
    "str",
    "text",
    "varchar",
    "bool",
    "boolean",
    "bytes",
    "int",
    "number",
    "any",
    "object",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "required",
    "optional",
    "default",
    "env",
    "password",
    "token",
    "secret",
];

pub(super) fn is_nothing(value: &str, name: &str) -> bool {
    let alike = |other: &str| value.eq_ignore_ascii_case(other);
    value.is_empty() || alike(name) || NO_VALUES.iter().any(|word| alike(word))
}

/// Whether what stands in quotes is a value, and not one to be put in, a word for it or a line of a form.
fn is_literal(value: &str, name: &str) -> bool {
    let is_put_in =
        value.starts_with(['$', '{', '<', '%', ',', ')', ';']) || value.contains('{') && value.contains('}');
    let is_asked = value.trim_end().ends_with([':', '?', '…']);
    !is_nothing(value, name) && !is_put_in && !is_asked
}

/// The same of a bare word: no number, call, index or path of names either.
fn is_word(value: &str, name: &str) -> bool {
    let is_number = value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    let is_code = value.contains(['(', '[', '{']) || !has_digit && value.contains('.');
    // `token=access_token` hands one variable on as another.
    let is_name = !has_digit && value.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') && ends_alike(value, name);
    let is_sign = value.starts_with([':', '?', '/', '*', '=', '+', '-', '!']);
    value.len() >= 3 && is_literal(value, name) && !is_number && !is_code && !is_name && !is_sign
}

/// Whether two names end in the same few letters: `token` and `accessToken`.
fn ends_alike(one: &str, other: &str) -> bool {
    let last = |name: &str| name.bytes().rev().take(4).map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
    last(one) == last(other)
}

/// Whether a value looks drawn by lot: long, and its kinds of characters change as words and dates don't change them.
pub(super) fn looks_drawn(value: &str) -> bool {
    const SHORTEST: usize = 16;
    if value.len() < SHORTEST || value.len() > 4096 || value.bytes().any(|b| b.is_ascii_whitespace() || b == b'/') {
        return false;
    }
    let kind = |b: u8| match b {
        b'0'..=b'9' => 0_u8,
        b'a'..=b'z' => 1,
        _ => 2,
    };
    let letters: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let has = |of: fn(&u8) -> bool| letters.iter().any(of);
    let changes = letters.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && changes * 10 >= letters.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_dates_are_not_drawn() {
        for value in [
            "q8Zr71kLmN02xP4v",
            "550e8400-e29b-41d4-a716-446655440000",
            "8b322c8d1e2f3a4b5c6d7e8f90a1b2c3",
            "s%3AaB3dE5fG7hI9jK1l.mN2o",
        ] {
            assert!(looks_drawn(value), "{value}");
        }
        for value in [
            "sprint-42-planning-notes",
            "2026-11-02T10:00:00Z",
            "SprintPlanning2026Notes",
            "chapter_2_section_3_figure_4",
            "main",
            "12345678901234567890",
            "an ordinary sentence of some length, 5 words",
        ] {
            assert!(!looks_drawn(value), "{value}");
        }
    }
}
