//! Secrets that a text introduces: what follows `Authorization:`, `--password`, `the password is`.
//!
//! The detectors of manta-detect want a value that looks random, because they also read source code. A record of a
//! call is no code: what stands where a secret belongs is hidden there, whatever it looks like.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Group 1 is the secret. The value is what a shell, a header or a sentence would take for it.
const PATTERNS: &[&str] = &[
    // A header with credentials; of `Authorization` the scheme may stay. A cookie has a name.
    r"(?i)(?-u:\b)(?:proxy-)?authorization[\x22']?\s*[:=]\s*[\x22']?(?:[A-Za-z]{3,12}\s+)?([^\s\x22',;]{3,})",
    r"(?i)(?-u:\b)(?:set-)?cookie[\x22']?\s*[:=]\s*[\x22']?([^\s\x22'=;]+=[^\r\n\x22']+)",
    r"(?i)(?-u:\b)x-[a-z-]{0,24}(?:key|token|secret)[\x22']?\s*[:=]\s*[\x22']?([^\s\x22',;]{3,})",
    // A statement that makes an account, and a function that makes a password of one.
    r"(?i)(?-u:\b)identified\s+(?:with\s+\S+\s+)?(?:by|as)\s+[\x22']([^\x22']+)",
    r"(?i)(?-u:\b)password\s+[\x22']([^\x22'\r\n]+)[\x22']",
    r"(?i)(?:password|passwd|passphrase)\(\s*[\x22']([^\x22'\s:]{3,})[\x22']",
    // A file that puts a value behind its name without a sign.
    r"(?mi)(?-u:\b)(?:requirepass|masterauth)[ \t]+(\S+)[ \t\r]*$",
    // Files whose columns have no names: of passwords for databases, of cookies, of accounts.
    r"(?m)^[^:\s]+:(?:[0-9]{1,5}|\*):[^:\s]+:[^:\s]+:([^\s:]*[^\s:0-9][^\s:]*)[ \t\r]*$",
    r"(?m)^\S+\t(?:TRUE|FALSE)\t\S+\t(?:TRUE|FALSE)\t[0-9]+\t[^\t\r\n]+\t(\S+)",
    r"(\$(?:1|5|6|7|y|gy|2[abxy]?|apr1|sha1|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]{0,12})\$[A-Za-z0-9./=,$+-]{12,})",
    // A part of a form.
    r"(?i)name=[\x22']?[^\s\x22']{0,40}(?:password|passwd|secret|token|api_?key)[\x22']?[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n([^\r\n]+)",
    // What a program reads in place of somebody who types.
    r"(?-u:\b)echo\s+(?:-n\s+)?[\x22']?([^\s\x22'|$]+)[\x22']?\s*\|\s*(?:[^|\r\n]{1,80}\s--?password-stdin|sudo\s(?:[^|\r\n]*\s)?-[A-Za-z]*S(?-u:\b)|(?:sudo\s+)?passwd\s+--stdin)",
    // JSON inside JSON.
    r"(?i)(?:password|passwd|passphrase|secret|token|api_?key)\\+[\x22']\s*[:=]\s*\\*[\x22']([^\x22'\\]+)",
    // A sentence.
    r"(?i)(?-u:\b)(?:password|passphrase|passcode|passwort|kennwort|contraseña|mot de passe|api[ -]?key|secret key|access token)(?:\s+(?:is|was|ist|es|est)(?-u:\b)|\s*[=:])\s*[\x22'`]?([^\s\x22'`,;]{3,})",
];

/// What netrc has, at the beginning of a line: in the middle of one the same words are prose.
static NETRC: LazyLock<Regex> = LazyLock::new(|| {
    let entry = r"(?m)^[ \t]*(?:machine\s+\S+|default)\s+login\s+\S+\s+(?:account\s+\S+\s+)?password\s+(\S+)";
    Regex::new(entry).expect("compiled by a test")
});

static EACH: LazyLock<Vec<Regex>> =
    LazyLock::new(|| PATTERNS.iter().map(|pattern| Regex::new(pattern).expect("compiled by a test")).collect());

/// One of these is in every match; without any nobody has to look further.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i-u)authorization|cookie|passw|passphrase|passcode|kennwort|contrase|mot de passe|secret|token|api[ _-]?key|identified|x-|requirepass|masterauth|TRUE\t|FALSE\t|\$[0-9a-z-]{1,16}\$|:[0-9*]{1,5}:|echo";
    Regex::new(words).expect("compiled by a test")
});

/// Where the secrets are that words before them introduce.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let introduces = |b: u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b':' | b'=' | b'\\' | b'$' | b'(');
    if !text.bytes().any(introduces) || !WORDS.is_match(text) {
        return;
    }
    let netrc = text.contains("login").then(|| &*NETRC);
    let secrets =
        EACH.iter().chain(netrc).flat_map(|pattern| pattern.captures_iter(text).filter_map(|captures| captures.get(1)));
    found.extend(secrets.map(|secret| secret.range()).filter(|range| !is_code(&text[range.clone()])));
}

/// `password: string;`, `password = getpass()`, `password=args.password`: a type, a call or a name, no value.
fn is_code(value: &str) -> bool {
    let bare = value.trim_end_matches([')', ']', '}', '.', '?', '|']);
    super::assigned::is_nothing(bare.rsplit('.').next().unwrap_or(bare), "") || value.contains('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        find(text, &mut found);
        found
    }

    #[test]
    fn what_stands_where_a_secret_belongs_is_found() {
        for text in [
            "Authorization: Bearer hunter2",
            "authorization: hunter2",
            "-H 'Authorization: Basic hunter2'",
            "Cookie: session=hunter2",
            "X-Api-Key: hunter2",
            r#"{\"password\":\"hunter2\"}"#,
            "my password is hunter2",
            "CREATE USER a IDENTIFIED BY 'hunter2'",
            "create user a identified with mysql_native_password by \"hunter2\"",
            "ALTER ROLE a WITH PASSWORD 'hunter2'",
            "Das Passwort ist hunter2",
            "API key: hunter2",
        ] {
            let found = found(text);
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
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
