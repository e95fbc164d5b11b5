//! JSON as people write it in `tsconfig.json`: comments and trailing commas.

use serde_json::Value;

/// Parses JSON; comments and trailing commas are dropped first. None when it is still not JSON.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&strict(text)).ok())
}

/// The text without comments and trailing commas.
fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let rest = &text[at..];
        if c == '"' {
            let end = string_end(rest);
            out.push_str(&rest[..end]);
            skip_to(&mut chars, at + end);
        } else if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            skip_to(&mut chars, at + end);
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            skip_to(&mut chars, at + end);
        } else {
            if matches!(c, '}' | ']')
                && let Some(kept) = out.trim_end().strip_suffix(',').map(str::len)
            {
                out.truncate(kept);
            }
            out.push(c);
        }
    }
    out
}

/// Length of the string literal that `text` starts with.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn skip_to(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>, to: usize) {
    while chars.next_if(|(at, _)| *at < to).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_dropped() {
        let value = parse("{ // a\n \"url\": \"http://x/*no*/\", /* b */ \"list\": [1, 2,],\n}").expect("parses");
        assert_eq!(value["url"], "http://x/*no*/");
        assert_eq!(value["list"][1], 2);
    }

    #[test]
    fn broken_text_is_none() {
        for text in ["", "{", "{\"a\": \"", "/*", "{\"a\": 1,,}", "\u{feff}nope"] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
