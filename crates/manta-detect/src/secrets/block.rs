//! Private keys in PEM blocks (RFC 7468), whole or cut off.
//!
//! A bounded repetition of the body in a regular expression costs its bound for every header that a text repeats,
//! so headers and footers are found by expressions and the body between them in one pass.

use std::ops::Range;
use std::sync::LazyLock;

use regex_automata::meta::Regex;

use crate::pattern::fast;

/// Where a private key begins. The pattern of its rule: a header alone is a finding.
pub(super) const HEADER: &str = r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----";
const FOOTER: &str = r"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----";

/// Bytes between header and footer. A key of 16,384 bits has about 13,000.
const LONGEST: usize = 16_384;

/// The blocks in the text, in order and apart: from the header to the footer, to the end of a text that was cut off
/// inside of the body, or the header alone where neither follows. Time is linear in the text.
pub(super) fn find<'t>(text: &'t str, header: &'t Regex) -> impl Iterator<Item = Range<usize>> + 't {
    static END: LazyLock<Regex> = LazyLock::new(|| fast(FOOTER));
    let mut footers = END.find_iter(text).peekable();
    let (mut body_end, mut covered) = (0, 0);
    header.find_iter(text).filter_map(move |begin| {
        if begin.start() < covered {
            return None; // the text between two headers is a body like any other
        }
        while footers.next_if(|footer| footer.start() < begin.end()).is_some() {}
        if body_end < begin.end() {
            let body = text.as_bytes()[begin.end()..].iter().take_while(|byte| is_of_body(**byte));
            body_end = begin.end() + body.count();
        }
        let last = body_end.min(begin.end() + LONGEST);
        covered = match footers.peek() {
            Some(footer) if footer.start() <= last => footer.end(),
            _ if last == text.len() => last,
            _ => begin.end(),
        };
        Some(begin.start()..covered)
    })
}

/// Base64, line ends also as they are escaped in a string, and the header lines of an encrypted key. Footers too are
/// made of these.
fn is_of_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,.-\x0b".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<&str> {
        find(text, &fast(HEADER)).map(|range| &text[range]).collect()
    }

    const BEGIN: &str = "-----BEGIN RSA PRIVATE KEY-----";
    const END: &str = "-----END RSA PRIVATE KEY-----";

    #[test]
    fn a_block_ends_with_its_footer_with_the_text_or_with_its_header() {
        let whole = format!("{BEGIN}\nMIIE+/=\\n\nDEK-Info: AES,00\n{END}");
        let cut = format!("{BEGIN}\nMIIE");
        assert_eq!(blocks(&format!("x {whole} y {whole} {cut}")), [&*whole, &whole, &cut]);
        assert_eq!(blocks(&format!("{BEGIN} <your key> {END}")), [BEGIN], "no body of a key");
        assert_eq!(blocks(&format!("{END} {BEGIN}{BEGIN}{END}")), [format!("{BEGIN}{BEGIN}{END}")]);
    }

    #[test]
    fn a_body_is_at_most_so_long() {
        for (length, is_whole) in [(LONGEST, true), (LONGEST + 1, false)] {
            let body = "A".repeat(length);
            assert_eq!(blocks(&format!("{BEGIN}{body}{END}!"))[0].len() > BEGIN.len(), is_whole, "{length}");
            assert_eq!(blocks(&format!("{BEGIN}{body}"))[0].len() > BEGIN.len(), is_whole, "{length}");
        }
    }

    /// What the rule means, as one expression without the bound.
    #[test]
    fn it_finds_what_one_expression_would() {
        let body = r"[A-Za-z0-9+/=\s\\:,.-]*?";
        let both = fast(&format!("{HEADER}(?:{body}(?:{FOOTER}|$))?"));
        let parts = [BEGIN, END, "-----BEGIN PRIVATE KEY BLOCK-----", "MIIE\n", "<", "-----", "é"];
        for mut seed in 0..7usize.pow(5) {
            let mut text = String::new();
            for _ in 0..5 {
                text.push_str(parts[seed % parts.len()]);
                seed /= parts.len();
            }
            assert_eq!(blocks(&text), both.find_iter(&text).map(|m| &text[m.range()]).collect::<Vec<_>>(), "{text:?}");
        }
    }
}
