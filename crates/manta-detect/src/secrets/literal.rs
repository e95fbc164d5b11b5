//! Credentials that nobody gave a shape, written into a program: a text between quotes that no person made up, under a name
//! that says what it is, and passwords in addresses.

use std::ops::Range;

use super::{entropy, is_name, is_placeholder};

/// Fewest and most characters of a credential that is told by its randomness.
const LENGTHS: Range<usize> = 20..200;
/// Bits per character of what was drawn and not thought of.
const RANDOM: f64 = 3.6;

/// Values of constants, settings and defaults: `API_KEY = "…"`, `apiKey: "…"`, `getenv("API_KEY", "…")`.
pub(super) fn assigned(text: &str) -> impl Iterator<Item = Range<usize>> {
    literals(text).filter(|range| {
        let value = &text[range.clone()];
        let name = || name_before(&text[..range.start - 1]);
        is_random(value) && !is_public(value) && name().is_some_and(|name| is_name(name) && !may_be_known(name))
    })
}

/// Keys that programs on other people's machines are made with, to count what is done there.
fn is_public(value: &str) -> bool {
    ["phc_", "pk_", "pub"].iter().any(|prefix| value.starts_with(prefix))
}

fn may_be_known(name: &str) -> bool {
    const KNOWN: [&str; 5] = ["write", "telemetry", "analytics", "ingest", "tracking"];
    super::words(name).iter().any(|word| KNOWN.contains(&word.as_str()))
}

/// Texts between quotes on one line that are as long as a credential and have only its characters.
fn literals(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(open) = memchr::memchr3(b'"', b'\'', b'`', &bytes[at..]).map(|found| at + found) {
            let start = open + 1;
            let is_part = |byte: &&u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'~')
            };
            let length = bytes[start..].iter().take(LENGTHS.end).take_while(is_part).count();
            at = start + length;
            if LENGTHS.contains(&length) && bytes.get(at) == Some(&bytes[open]) {
                at += 1;
                return Some(start..start + length);
            }
        }
        None
    })
}

/// Letters and digits without any order, as no word, path, version or identifier of a program has them.
fn is_random(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let signs = value.len() - digits - letters;
    // A word of a language.
    let has_word = value.split(|c: char| !c.is_ascii_lowercase()).any(|letters| letters.len() > 6);
    digits > 1
        && letters > 1
        && !has_word
        && signs * 6 <= value.len()
        && entropy(value) >= RANDOM
        && !is_placeholder(value)
}

/// The name that a text stands behind, whatever puts it there: `name =`, `"name":`, `name ||`, `get("name",`.
fn name_before(before: &str) -> Option<&str> {
    let before = before.trim_end_matches([' ', '\t']);
    let is_set = [":=", "=>", "||", "??", "=", ":"].iter().find_map(|sign| before.strip_suffix(sign));
    let rest = match is_set {
        // `==` compares.
        Some(rest) if rest.ends_with(['=', '!', '<', '>']) => return None,
        Some(rest) => rest,
        // The default of what is asked for by name.
        None => before
            .strip_suffix(',')?
            .trim_end()
            .strip_suffix(['"', '\''])
            .map(|_| before.trim_end_matches([',', ' ']))?,
    };
    // A type stands between the name and the sign: `key: str =`.
    let rest = rest.trim_end_matches([' ', '\t', '"', '\'', ']']);
    let rest = [": str", ": string", ":str", ":string", ": &str", ": Final"]
        .iter()
        .find_map(|kind| rest.strip_suffix(kind))
        .unwrap_or(rest);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let length: usize = rest.chars().rev().take_while(|c| is_part(*c)).map(char::len_utf8).sum();
    Some(&rest[rest.len() - length..]).filter(|name| !name.is_empty())
}

/// Passwords of addresses: `scheme://user:password@host`.
pub(super) fn in_addresses(text: &str) -> impl Iterator<Item = Range<usize>> {
    /// No user name and password are longer.
    const LONGEST: usize = 160;
    memchr::memmem::find_iter(text.as_bytes(), "://").filter_map(move |at| {
        let start = at + 3;
        let rest = &text.as_bytes()[start..text.len().min(start + LONGEST)];
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'@' | b'/' | b'"' | b'\'' | b'`' | b'<' | b' ' | b'\n' | b'{'))?;
        let (user, host) = (&rest[..end], &rest[end..]);
        let colon = user.iter().position(|byte| *byte == b':').filter(|_| host[0] == b'@')?;
        let value = text.get(start + colon + 1..start + end)?;
        let host = text.get(start + end + 1..)?;
        let is_hard = value.len() > 7
            && value.bytes().any(|byte| byte.is_ascii_digit())
            && value.bytes().any(|byte| byte.is_ascii_alphabetic())
            && value.as_bytes() != &user[..colon]
            && entropy(value) >= 2.75
            && !is_placeholder(value)
            && !is_made_up(value)
            && !value.contains(['$', '%', '*']);
        (is_hard && !is_local(host)).then_some(start + colon + 1..start + end)
    })
}

/// A password that says it is one shows where a password stands.
fn is_made_up(value: &str) -> bool {
    const WORDS: [&str; 8] = ["pass", "pwd", "secret", "key", "token", "user", "admin", "1234"];
    let value = value.to_ascii_lowercase();
    WORDS.iter().any(|word| value.contains(word))
}

/// Hosts of examples and of the machine itself.
fn is_local(host: &str) -> bool {
    const NAMES: [&str; 9] = ["localhost", "127.", "0.0.0.0", "[::1]", "example.", "host", "db:", "postgres:", "your"];
    let end = host.find(['/', '"', '\'', '`', ' ', '\n', '?']).unwrap_or(host.len());
    let host = host[..end].to_ascii_lowercase();
    NAMES.iter().any(|name| host.starts_with(name)) || host.contains(".example") || host.contains("example.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "q8Zr71kLmN02xP4vT6bW3cYd";

    #[test]
    fn random_values_under_telling_names_are_found() {
        for text in [
            format!("API_KEY = \"{VALUE}\""),
            format!("const apiKey: string = '{VALUE}';"),
            format!("{{ \"client_secret\": \"{VALUE}\" }}"),
            format!("api_key=\"{VALUE}\")"),
            format!("os.getenv(\"SEARCH_TOKEN\", \"{VALUE}\")"),
            format!("const token = process.env.SEARCH_TOKEN || \"{VALUE}\""),
            format!("config['auth_token'] = '{VALUE}'"),
        ] {
            let found: Vec<&str> = assigned(&text).map(|range| &text[range]).collect();
            assert_eq!(found, [VALUE], "{text}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            format!("request_id = \"{VALUE}\""),
            format!("if token == \"{VALUE}\":"),
            format!("public_key = \"{VALUE}\""),
            format!("TELEMETRY_WRITE_KEY = \"{VALUE}\""),
            format!("api_key = \"phc_{VALUE}\""),
            "api_key_header = \"X-Custom-Api-Key-2-Header\"".to_owned(),
            "secret = \"projects/x/secrets/my-secret/versions/12\"".to_owned(),
            "token = \"your-token-goes-here-0123456789\"".to_owned(),
            "password = \"aaaaaaaaaaaaaaaaaaaaaaaa11\"".to_owned(),
        ] {
            assert_eq!(assigned(&text).count(), 0, "{text}");
        }
    }

    #[test]
    fn passwords_of_addresses_are_found_where_they_are_some() {
        let text = "url = \"postgres://app:h4nter2-x81@db.notes.io:5432/app\"";
        assert_eq!(in_addresses(text).map(|range| &text[range]).collect::<Vec<_>>(), ["h4nter2-x81"]);
        for text in [
            "postgres://postgres:postgres1@localhost/db",
            "https://user:passw0rd-x@example.com",
            "redis://:${REDIS_PASSWORD_1}@cache.notes.io",
            "https://notes.io:8443/a@b",
            "scheme://user:password@host",
            "vault://:key_1234x@notes.io/a",
        ] {
            assert_eq!(in_addresses(text).count(), 0, "{text}");
        }
    }
}
