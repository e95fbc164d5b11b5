//! Secrets that a text introduces: what follows `Authorization:`, `--password`, `the password is`.
//!
//! The detectors of manta-detect want a value that looks random, because they also read source code. A record of a
//! call is no code: what stands where a secret belongs is hidden there, whatever it looks like.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Group 1 is the secret. The value is what a shell, a header or a sentence would take for it.
const PATTERNS: &[&str] = &[
    // A header with credentials; of `Authorization` the scheme may stay.
    r"(?i)\b(?:proxy-)?authorization[\x22']?\s*[:=]\s*[\x22']?(?:[A-Za-z]{3,12}\s+)?([^\s\x22',;]{3,})",
    r"(?i)\b(?:set-)?cookie[\x22']?\s*[:=]\s*[\x22']?([^\r\n\x22']{3,})",
    r"(?i)\bx-[a-z-]{0,24}(?:key|token|secret)[\x22']?\s*[:=]\s*[\x22']?([^\s\x22',;]{3,})",
    // A flag and its value, apart.
    r"(?i)(?:^|[\s\x22'])--?[a-z][a-z-]{0,24}(?:password|passwd|passphrase|secret|token|api-?key)\s+[\x22']?([^\s\x22']+)",
    r"(?i)(?:^|[\s\x22'])--?(?:password|passwd|passphrase|pass|secret|token|api-?key)\s+[\x22']?([^\s\x22']+)",
    r"(?:^|[\s\x22'])(?:-u|-U|--user|--proxy-user)[\s=]+[\x22']?[^\s:\x22']+:([^\s\x22']+)",
    r"\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b[^\r\n|;]*?\s-p\s?[\x22']?([^\s\x22']+)",
    r"\b(?:curl|wget)\b[^\r\n|;]*?\s-[uU][\x22']?[^\s:\x22']+:([^\s\x22']+)",
    // A statement that makes an account.
    r"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+[\x22']([^\x22']+)",
    r"(?i)\bpassword\s+[\x22']([^\x22'\r\n]+)[\x22']",
    // Markup, and JSON inside JSON.
    r"(?i)<[\w:.-]{0,40}(?:password|passwd|secret|token|apikey|api_key)(?:\s[^<>]*)?>([^<]+)</",
    r"(?i)(?:password|passwd|passphrase|secret|token|api_?key)\\+[\x22']\s*[:=]\s*\\*[\x22']([^\x22'\\]+)",
    // A sentence.
    r"(?i)\b(?:password|passphrase|passcode|passwort|kennwort|contraseña|mot de passe|api[ -]?key|secret key|access token)(?:\s+(?:is|was|ist|es|est)\b|\s*[=:])\s*[\x22'`]?([^\s\x22'`,;]{3,})",
];

static EACH: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().map(|pattern| Regex::new(pattern).expect("compiled by a test")).collect());

/// One of these is in every match; without any nobody has to look further.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i-u)authorization|cookie|passw|passphrase|passcode|kennwort|contrase|mot de passe|secret|token|api[ _-]?key|identified|-pass|x-|-u|--user|--proxy-user|mysql|mariadb|sshpass";
    Regex::new(words).expect("compiled by a test")
});

/// Where the secrets are, sorted, without overlaps.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let introduces = |b: u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b':' | b'=' | b'<' | b'\\');
    if !text.bytes().any(introduces) || !WORDS.is_match(text) {
        return Vec::new();
    }
    let secrets = EACH.iter().flat_map(|pattern| pattern.captures_iter(text).filter_map(|captures| captures.get(1)));
    let mut found: Vec<Range<usize>> = secrets.map(|secret| secret.range()).collect();
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|range| {
        let is_apart = range.start >= end;
        end = end.max(range.end);
        is_apart
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_where_a_secret_belongs_is_found() {
        for text in [
            "Authorization: Bearer hunter2",
            "authorization: hunter2",
            "-H 'Authorization: Basic hunter2'",
            "Cookie: session=hunter2",
            "X-Api-Key: hunter2",
            "curl -u admin:hunter2 http://x",
            "curl --user admin:hunter2",
            "mysql -uroot -phunter2 db",
            "sshpass -p hunter2 ssh x",
            "login --password hunter2",
            "tool --auth-token hunter2 x",
            "<password>hunter2</password>",
            "<db:Password enc='none'>hunter2</db:Password>",
            r#"{\"password\":\"hunter2\"}"#,
            "my password is hunter2",
            "curl -uadmin:hunter2 http://x",
            "CREATE USER a IDENTIFIED BY 'hunter2'",
            "create user a identified with mysql_native_password by \"hunter2\"",
            "ALTER ROLE a WITH PASSWORD 'hunter2'",
            "Das Passwort ist hunter2",
            "API key: hunter2",
        ] {
            let found = find(text);
            assert!(found.iter().any(|range| text[range.clone()].contains("hunter2")), "{text}");
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in [
            "grep -u x",
            "the user asked about tokens and secrets",
            "docker run -p 80:80 -u 1000 img",
            "read the cookies policy",
            "make -p",
            "password reset instructions",
            "<b>token</b>",
            "the user is identified by its number",
            "rename the field password to 'secret'",
            "",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }
}
