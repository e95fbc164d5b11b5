//! How a server may read the URI of a resource.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

use crate::paths::{is_ignorable, separator};

/// Rounds of decoding after which a URI that still changes counts as unreadable.
const ROUNDS: usize = 8;

/// The one form under which two spellings of a URI count as equal: percent codes decoded as often as anybody
/// may decode them, folded, without empty and `.` segments. `None` when bytes come out that are no text, or
/// when there is no end.
pub(super) fn read(uri: &str) -> Option<String> {
    let mut text = uri.to_owned();
    for _ in 0..ROUNDS {
        let decoded = decode(&text)?;
        if decoded == text {
            let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
            return Some(without_detours(&folded.replace('\\', "/")));
        }
        text = decoded;
    }
    None
}

/// Whether what follows an allowed prefix leads out of it in any reading: `..`, also behind percent codes,
/// look-alikes, `;` parameters and characters that parsers drop; a separator in code, which is none for who finds the
/// template (`notes://{name}`) and one for who opens the file; a path that begins anew (`docs//etc/passwd`), which is all
/// that is left when it is joined to a directory (CWE-36).
pub(super) fn climbs(prefix: &str, rest: &str) -> bool {
    let begins_anew = rest.starts_with('/') && prefix.ends_with('/') && !prefix.ends_with("://");
    let Some(read) = read(rest) else { return true };
    let separators = |text: &str| text.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    if begins_anew || separators(&decoded(rest)) != separators(rest) {
        return true;
    }
    let is_dropped = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let is_parent = |segment: &str| segment.split(';').next().unwrap_or_default().trim() == "..";
    let seen: String = read.chars().filter(|c| !is_ignorable(*c)).map(separator).collect();
    read.contains(is_dropped) || seen.split(['/', '?', '#', '&', '=']).any(is_parent)
}

/// As often decoded as anybody may decode it, as far as it is text.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        match decode(&text) {
            Some(next) if next != text => text = next,
            _ => break,
        }
    }
    text
}

/// One round of percent decoding; `None` when the bytes are not UTF-8, as overlong codes are not.
fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

fn without_detours(text: &str) -> String {
    let (head, path) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let mut out = head;
    let mut segments = path.split('/').peekable();
    let mut is_first = true;
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if is_first || is_last || !matches!(segment, "" | ".") {
            if !is_first {
                out.push('/');
            }
            out.push_str(segment);
        }
        is_first = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_uri_are_read_alike() {
        let plain = "file:///data/secret/key.pem";
        for other in [
            "file:///data/%73ecret/key.pem",
            "file:///data/%2573ecret/key.pem",
            "FILE:///data//secret/./key.pem",
            "file:///data/SECRET/key.pem",
            "file:///data\\secret/key.pem",
            "file:///data/\u{ff53}ecret/key.pem",
        ] {
            assert_eq!(read(other).as_deref(), Some(plain), "{other}");
        }
        assert_ne!(read("file:///data/secrets/key.pem").as_deref(), Some(plain));
        assert_eq!(read("x:%ff"), None);
        assert_eq!(read("x:%+1%-1% 1").as_deref(), Some("x:%+1%-1% 1"), "no codes");
        assert_eq!(read(&format!("x:%{}41", "25".repeat(40))), None);
    }

    #[test]
    fn detours_upwards_are_seen_in_every_spelling() {
        for rest in [
            "..",
            "a/../b",
            "%2e%2e/b",
            "%252E%252e/b",
            "%25252e%25252e/b",
            "..%2fb",
            "..\\b",
            "..%5cb",
            "..;x=1/b",
            ".\t./b",
            "%2e%00%2e/b",
            "\u{2025}/b",
            "\u{ff0e}\u{ff0e}/b",
            ".\u{200b}./b",
            ".\u{ad}./b",
            "..\u{fe0f}/b",
            "..\u{2215}b",
            "a%e2%81%84..%e2%81%84b",
            "%c0%ae%c0%ae/b",
            "?x=../b",
        ] {
            assert!(climbs("file:///data/", rest), "{rest:?}");
        }
        for rest in ["", "a/b", "a..b", "...", "a%20b", "100%", "caf\u{e9}.txt", "a?b=c#d"] {
            assert!(!climbs("file:///data/", rest), "{rest:?}");
        }
    }

    #[test]
    fn separators_in_code_and_paths_that_begin_anew_lead_out() {
        for (prefix, rest) in [
            ("notes://", "%2fetc%2fpasswd"),
            ("notes://", "a%252Fb"),
            ("notes://", "a%5cb"),
            ("notes://docs/", "/etc/passwd"),
            ("file:///data/", "//etc/passwd"),
        ] {
            assert!(climbs(prefix, rest), "{prefix}{rest}");
        }
        for (prefix, rest) in [
            ("file://", "/data/a"),
            ("notes://", "a/b%20c"),
            ("notes://docs", "/a"),
            ("https://h/", "a?x=1/2"),
            ("notes://docs/", "a//b"),
        ] {
            assert!(!climbs(prefix, rest), "{prefix}{rest}");
        }
    }
}
