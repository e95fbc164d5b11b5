//! Patterns of ECMA-262 on a linear-time engine.

use regex::{Regex, RegexBuilder};

/// Compiles `pattern`, or says why it can't be.
///
/// The dialects differ silently in three places: `\d`, `\w` (ASCII in ECMA-262), and `[`, `&&`,
/// `~~`, `--` inside a class (operators here, characters there). Those are rewritten; what has no
/// counterpart, such as look-around, is an error rather than a check that doesn't happen.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let build = |text: &str| RegexBuilder::new(text).size_limit(2 << 20).build();
    build(&translate(pattern))
        .map_err(|_| "the pattern is not valid, too large, or needs look-around or back-references".to_owned())
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                // Control letters: `\cA` is U+0001.
                Some('c') if chars.peek().is_some_and(char::is_ascii_alphabetic) => {
                    let letter = chars.next().unwrap_or('@') as u32 % 32;
                    out.push_str(&format!(r"\x{{{letter:x}}}"));
                }
                Some('/') => out.push('/'),
                Some('b') if !in_class => out.push_str(r"(?-u:\b)"),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str(r"\["),
            '[' => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            '-' if in_class && chars.peek() == Some(&'-') => out.push_str(r"\-"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecma_patterns_keep_their_meaning() {
        for (pattern, good, bad) in [
            (r"^\d+$", "123", "١٢٣"),
            (r"^\w+$", "ab_1", "é"),
            (r"^[\w.-]+$", "a.b-c", "a b"),
            (r"^[[a]+$", "[a", "b"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^\/x\/$", "/x/", "x"),
            (r"^\cA$", "\u{1}", "A"),
            (r"^\u0041$", "A", "B"),
            (r"^\p{Lu}$", "É", "é"),
            (r"^[^\d]$", "x", "1"),
            (r"a.c", "xabcx", "a\nc"),
        ] {
            let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert!(regex.is_match(good) && !regex.is_match(bad), "{pattern}");
        }
        for pattern in [r"(?=x)", r"(?<!x)y", r"(a)\1", "(", r"a{1000000}"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
