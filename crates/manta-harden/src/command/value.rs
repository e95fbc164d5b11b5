//! Types of flag values and operands.

use std::fmt;
use std::path::Path;

use regex::Regex;

use super::error::{CommandError, CommandRule};
use crate::net::{CheckedUrl, UrlPolicy};
use crate::paths::{Access, Roots};

/// What one value may be. Text is never matched against a shell's idea of danger; it is matched
/// against what the program needs there.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// A decimal whole number.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// One of these, exactly.
    Enum(Vec<String>),
    /// A letter, digit or `_`, then up to 255 of those and `.`, `+`, `-`.
    Word,
    /// `2026-11-24`, `2026-11-24T10:00:00Z`, `3 days ago`.
    Date,
    /// A branch, tag or commit, with `~N` and `^N`; no ranges, no `ref:path`, no `@{…}`.
    GitRef,
    /// An expression that must match the whole value.
    Pattern(Regex),
    /// Any printable text up to so many bytes.
    Text {
        /// Most bytes.
        max: usize,
    },
    /// A path below one of the roots. The program opens it again by name, so nobody else should be
    /// able to change the tree meanwhile; links on the way are refused.
    Path {
        /// Where.
        roots: Roots,
        /// What the program does there.
        access: Access,
    },
    /// A URL that the policy admits. The program resolves the name again: keep it in a network
    /// sandbox, or fetch with the library's client instead.
    Url(UrlPolicy),
}

impl Value {
    /// Reads the notation of policy files: `int 1..1000`, `enum a|b`, `word`, `date`, `git-ref`,
    /// `text`, `text 200`, `pattern [a-z]+`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let rest = rest.trim();
        match (kind, rest) {
            ("int", "") => Ok(Self::Int { min: i64::MIN, max: i64::MAX }),
            ("int", range) => {
                let bad = || format!("`{range}` is not a range; write `int 1..1000`");
                let (min, max) = range.split_once("..").ok_or_else(bad)?;
                let (min, max) = (min.trim().parse().map_err(|_| bad())?, max.trim().parse().map_err(|_| bad())?);
                if min > max { Err(bad()) } else { Ok(Self::Int { min, max }) }
            }
            ("enum", "") => Err("an enum lists its values: `enum a|b`".to_owned()),
            ("enum", values) => Ok(Self::Enum(values.split('|').map(|value| value.trim().to_owned()).collect())),
            ("word", "") => Ok(Self::Word),
            ("date", "") => Ok(Self::Date),
            ("git-ref", "") => Ok(Self::GitRef),
            ("text", "") => Ok(Self::Text { max: 4096 }),
            ("text", max) => max.parse().map(|max| Self::Text { max }).map_err(|_| format!("`{max}` is not a length")),
            ("pattern", pattern) if !pattern.is_empty() => Self::pattern(pattern),
            _ => Err(format!("unknown value type `{kind}`; use int, enum, word, date, git-ref, text or pattern")),
        }
    }

    /// A pattern that must match the whole value.
    ///
    /// # Errors
    /// A sentence when the expression is not valid.
    pub fn pattern(pattern: &str) -> Result<Self, String> {
        let whole = format!(r"\A(?:{pattern})\z");
        // Compiled alone first, so that `)|(?:` can't close the group around it.
        Regex::new(pattern).and_then(|_| Regex::new(&whole)).map(Self::Pattern).map_err(|error| error.to_string())
    }

    /// Checks `text` and gives the form in which the program receives it.
    pub(super) fn check(&self, text: &str, cwd: &Path) -> Result<String, CommandError> {
        let refuse = |what: &str| Err(CommandError::new(CommandRule::Value, format!("expected {what}")));
        check_shape(text, matches!(self, Self::Int { .. } | Self::Enum(_)), matches!(self, Self::Enum(_)))?;
        match self {
            Self::Int { min, max } => match text.parse::<i64>() {
                // `+5` and `007` parse too; the program may read them differently.
                Ok(number) if (*min..=*max).contains(&number) && number.to_string() == text => Ok(text.to_owned()),
                _ => refuse(&self.to_string()),
            },
            Self::Enum(values) if !values.iter().any(|value| value == text) => refuse(&self.to_string()),
            Self::Word if !is_word(text) => refuse(&self.to_string()),
            Self::Date if !is_date(text) => refuse(&self.to_string()),
            Self::GitRef if !is_git_ref(text) => refuse(&self.to_string()),
            Self::Pattern(pattern) if !pattern.is_match(text) => refuse(&self.to_string()),
            Self::Text { max } if text.len() > *max => refuse(&self.to_string()),
            Self::Path { roots, access } => check_path(text, roots, *access, cwd),
            Self::Url(policy) => policy
                .check(text)
                .map(|url| unexpanded(&url))
                .map_err(|error| CommandError::new(CommandRule::Url(error.rule()), "the URL is refused")),
            _ => Ok(text.to_owned()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int { min: i64::MIN, max: i64::MAX } => f.write_str("a whole number"),
            Self::Int { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Enum(values) => write!(f, "one of {}", values.join(", ")),
            Self::Word => f.write_str("a word of letters, digits, `_`, `.`, `+` and `-`"),
            Self::Date => f.write_str("a date such as 2026-11-24 or `3 days ago`"),
            Self::GitRef => f.write_str("a branch, tag or commit"),
            Self::Pattern(_) => f.write_str("text of the form the policy asks for"),
            Self::Text { max } => write!(f, "text of at most {max} bytes"),
            Self::Path { .. } => f.write_str("a path below an allowed directory"),
            Self::Url(_) => f.write_str("an allowed URL"),
        }
    }
}

/// What no value may be, whatever its type.
fn check_shape(text: &str, may_start_with_dash: bool, may_start_with_at: bool) -> Result<(), CommandError> {
    if text.is_empty() {
        return Err(CommandError::new(CommandRule::Value, "an argument must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(CommandError::new(CommandRule::Characters, "an argument must not contain control characters"));
    }
    if text.starts_with('-') && !may_start_with_dash {
        return Err(CommandError::new(CommandRule::LeadingDash, "a value must not begin with `-`"));
    }
    if text.starts_with('@') && !may_start_with_at {
        return Err(CommandError::new(CommandRule::ResponseFile, "a value must not begin with `@`"));
    }
    // ImageMagick and whatever opens files as Perl does read from, or write to, the program named behind it.
    if text.starts_with('|') && !may_start_with_at {
        return Err(CommandError::new(CommandRule::Characters, "a value must not begin with `|`"));
    }
    Ok(())
}

/// The URL without what curl and its kin expand into many: `[1-9999]`, `{a,b}`. Neither belongs there bare (RFC 3986
/// §3.3), but for the brackets around an address.
fn unexpanded(url: &CheckedUrl) -> String {
    let text = url.to_string();
    let (head, tail) = text.split_at(text.len() - url.url()[url::Position::BeforePath..].len());
    let escaped = tail.chars().map(|c| match c {
        '[' => "%5B".to_owned(),
        ']' => "%5D".to_owned(),
        '{' => "%7B".to_owned(),
        '}' => "%7D".to_owned(),
        other => other.to_string(),
    });
    head.to_owned() + &escaped.collect::<String>()
}

/// `./` in front keeps a name from being read as an option, a `host:path` or a pathspec.
fn check_path(text: &str, roots: &Roots, access: Access, cwd: &Path) -> Result<String, CommandError> {
    let refuse =
        |error: crate::paths::PathError| CommandError::new(CommandRule::Path(error.rule()), "the path is refused");
    let (root, below) = roots.find(text).map_err(refuse)?;
    // Whatever is done with it, a link on the way could be exchanged before the program looks.
    let unlinked = root.without_links();
    let checked = unlinked.check(&below, access).map_err(refuse)?;
    match root.path() == cwd {
        true => Ok(format!("./{}", checked.relative)),
        false => Ok(root.path().join(&checked.relative).to_string_lossy().into_owned()),
    }
}

fn is_word(text: &str) -> bool {
    let is_start = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 256
        && text.bytes().next().is_some_and(is_start)
        && text.bytes().all(|b| is_start(b) || matches!(b, b'.' | b'+' | b'-'))
}

/// By hand: `####-##-##` with an optional time, or a count, a unit and `ago`.
fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let (date, time) = shape.split_at_checked(10).unwrap_or((&shape, ""));
    const TIMES: [&str; 10] = [
        "",
        "T##:##",
        "T##:##:##",
        "T##:##:##Z",
        "T##:##Z",
        "T##:##:##+##:##",
        "T##:##:##-##:##",
        " ##:##",
        " ##:##:##",
        " ##:##:## +####",
    ];
    if date == "####-##-##" && TIMES.contains(&time) {
        return true;
    }
    let words: Vec<&str> = text.split([' ', '.']).collect();
    let [count, unit, "ago"] = words[..] else { return false };
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    (1..=5).contains(&count.len())
        && count.bytes().all(|b| b.is_ascii_digit())
        && matches!(unit, "second" | "minute" | "hour" | "day" | "week" | "month" | "year")
}

/// Stricter than `git check-ref-format`: a name that git could read as an option, a range, a file
/// or an expression is refused.
fn is_git_ref(text: &str) -> bool {
    let name_end = text.find(['~', '^']).unwrap_or(text.len());
    let (name, suffix) = text.split_at(name_end);
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-' | b'+');
    let is_component = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.');
    text.len() <= 255
        && name.bytes().all(is_name_byte)
        && name.split('/').all(is_component)
        && !name.contains("..")
        && !name.ends_with(".lock")
        && suffix.bytes().all(|b| matches!(b, b'~' | b'^') || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_stays_one_url_for_programs_that_expand_patterns() {
        let policy = UrlPolicy::new().host("a.example").unwrap().host("2606:4700::1111").unwrap();
        let value = Value::Url(policy);
        for (given, passed) in [
            (
                "https://a.example/x[1-9999]/{b,c}?q={d,e}&r[]=1",
                "https://a.example/x%5B1-9999%5D/%7Bb,c%7D?q=%7Bd,e%7D&r%5B%5D=1",
            ),
            ("https://[2606:4700::1111]/[a]", "https://[2606:4700::1111]/%5Ba%5D"),
            ("https://a.example", "https://a.example/"),
        ] {
            assert_eq!(value.check(given, Path::new("/")).as_deref(), Ok(passed));
        }
    }

    #[test]
    fn values_take_what_they_say_and_nothing_near_it() {
        for (kind, good, bad) in [
            ("int 1..50", &["1", "50"][..], &["0", "51", "+5", "007", "1e1", "0x1", " 1", "１"][..]),
            ("int -5..5", &["-5", "5"], &["--5", "-6", "-"]),
            ("enum a|b", &["a", "b"], &["A", "a ", "ab", "a|b"]),
            ("word", &["abc-1.2_x", "_x"], &["-x", ".x", "a b", "a/b", "a=b", "é", "a;b", "$x"]),
            (
                "date",
                &["2026-11-24", "2026-11-24T10:00:00Z", "3 days ago", "1.week.ago"],
                &["now|x", "3 days", "2026-1-1", "ago"],
            ),
            (
                "git-ref",
                &["main", "feature/x-1", "v1.2.3", "HEAD~3", "HEAD^2", "abc123"],
                &[
                    "--output=x",
                    "a..b",
                    "HEAD:secret",
                    "@{u}",
                    "refs//x",
                    "/etc/passwd",
                    "x.lock",
                    "a b",
                    ".hidden",
                    "-x",
                    "a/../b",
                    "~1x",
                ],
            ),
            ("text 5", &["a b;$", "a|b"], &["abcdef", "", "-x", "@file", "|id", "a\nb", "a\0"]),
            ("pattern .*", &["x|y"], &["|id"]),
            ("pattern [a-z]+|[0-9]+", &["abc", "123"], &["abc1", "a\n", ""]),
        ] {
            let value = Value::parse(kind).unwrap();
            for text in good {
                assert_eq!(value.check(text, Path::new("/")).as_deref(), Ok(*text), "{kind}");
            }
            for text in bad {
                assert!(value.check(text, Path::new("/")).is_err(), "{kind} must refuse {text:?}");
            }
        }
        for bad in ["", "int 5..1", "int a..b", "enum", "shell", "word x", "pattern [", "pattern", "pattern a)|(?:b"] {
            assert!(Value::parse(bad).is_err(), "{bad}");
        }
    }
}
