//! JSON strings: decoding, case folding as decoders do it, and line separators.

use std::borrow::Cow;

/// Decodes a JSON string given with its quotes; `None` when it isn't one or holds a lone surrogate.
/// Borrows when nothing was escaped.
#[must_use]
pub fn decode_string(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr2(b'\\', b'"', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(quoted).ok().map(Cow::Owned)
}

/// Folds a key as case-insensitive decoders do (Unicode simple folding: `ſ` is `s`, `K` is `k`).
pub fn fold_key(key: &str) -> impl Iterator<Item = char> + '_ {
    key.chars().map(fold_char)
}

pub(crate) fn fold_char(c: char) -> char {
    match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        '\0'..='\x7f' => c,
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => {
            // Characters whose lower case is more than one character don't fold simply.
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(single), None) => single,
                _ => c,
            }
        }
    }
}

/// Characters that some line readers take for the end of a line although JSON allows them inside a
/// string: Node's `readline` splits at U+2028 and U+2029, Python's `splitlines` also at U+0085.
pub(crate) const LINE_SEPARATORS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Writes `frame` with every such separator as a `\u` escape: the same JSON value, and one line for
/// every reader. Without it a string argument could carry a second message past the check.
#[must_use]
pub fn escape_line_separators(frame: &str) -> String {
    let mut out = String::with_capacity(frame.len() + 16);
    let mut rest = frame;
    while let Some(at) = rest.find(LINE_SEPARATORS) {
        out.push_str(&rest[..at]);
        let separator = rest[at..].chars().next().expect("find returns the start of a character");
        out.push_str(match separator {
            '\u{85}' => "\\u0085",
            '\u{2028}' => "\\u2028",
            _ => "\\u2029",
        });
        rest = &rest[at + separator.len_utf8()..];
    }
    out.push_str(rest);
    out
}

/// A message on one line. Bodies and events may be formatted, and white space between tokens means nothing: line breaks
/// there become blanks. One inside a string is no JSON and stays, so that the message is refused as what it is.
#[must_use]
pub fn one_line(message: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\n', b'\r', message).is_none() {
        return Cow::Borrowed(message);
    }
    let (mut in_string, mut is_escaped) = (false, false);
    let blank = |byte: &u8| {
        match byte {
            b'\n' | b'\r' if !in_string => return b' ',
            b'"' if !is_escaped => in_string = !in_string,
            _ => {}
        }
        is_escaped = in_string && *byte == b'\\' && !is_escaped;
        *byte
    };
    Cow::Owned(message.iter().map(blank).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_between_tokens_are_blanks_and_inside_strings_they_stay() {
        for (message, line) in [
            ("{\"a\":1}", "{\"a\":1}"),
            ("{\r\n  \"a\":\n1\r}", "{    \"a\": 1 }"),
            ("{\"a\":\"x\ny\"}", "{\"a\":\"x\ny\"}"),
            ("{\"a\\\"\n\":\n1}", "{\"a\\\"\n\": 1}"),
            ("{\"a\\\\\"\n:1}", "{\"a\\\\\" :1}"),
        ] {
            assert_eq!(&*one_line(message.as_bytes()), line.as_bytes(), "{message:?}");
        }
    }

    #[test]
    fn separators_are_escaped_and_the_value_stays_the_same() {
        let frame = "{\"a\":\"x\u{2028}y\u{85}z\u{2029}\"}";
        let escaped = escape_line_separators(frame);
        assert!(!escaped.contains(LINE_SEPARATORS));
        let before: serde_json::Value = serde_json::from_str(frame).unwrap();
        let after: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn folding_follows_decoders_that_ignore_case() {
        assert!(fold_key("Name").eq(fold_key("name")));
        assert!(fold_key("param\u{17f}").eq(fold_key("params")));
        assert!(fold_key("\u{212a}ey").eq(fold_key("key")));
        assert!(!fold_key("na me").eq(fold_key("name")));
    }
}
