//! Takes secrets out of values before they are written down or handed on (CWE-532).
//!
//! A value is replaced because of its *name* (`password`, `Authorization`, a schema mark), because of what
//! it *looks like* (detectors of manta-detect), or because of its *size*. Large values leave a keyed digest:
//! equal values can be recognised in the log, and short or likely ones cannot be guessed from it. A text that
//! is JSON is looked into like JSON, and one that is encoded (base64, hexadecimal, escapes) like the text it stands
//! for. A secret that is cut into pieces, or written in a code of somebody's own, is not recognised.
//!
//! Redaction happens before hashing and is idempotent: a mark is never redacted again.

mod argv;
mod assigned;
mod marks;
mod markup;
mod spoken;
mod sql;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use manta_detect::{disguise, hidden, secrets};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::digest::{hex, hmac_sha256};
use assigned::{Says, looks_drawn};
pub use marks::Sensitive;
use marks::{Marks, NO_MARKS};

/// What starts every mark.
const MARK: &str = "[redacted:";
/// Values nested deeper are replaced; nothing a tool takes is that deep.
const MAX_DEPTH: usize = 64;

/// How often a text is looked through again because something in it was hidden.
const MOST_PASSES: usize = 8;

/// Longest text that may be a name among values.
const MAX_NAME: usize = 64;

/// Names that end in one of these, or are one of these, hold a secret. Compared in lower case without
/// `-`, `_`, `.` and spaces.
const SECRET_ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "sshkey",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "sessionid",
    "clientsecret",
    "secrets",
    "passwords",
    "apikeys",
    "privatekeypem",
    "bearer",
    "connectionstring",
    "onetimecode",
    "securitycode",
    "recoverycode",
    "recoverycodes",
    "backupcode",
    "backupcodes",
    "otpcode",
    "passcode",
    "seedphrase",
    "recoveryphrase",
    "codeverifier",
    "clientassertion",
    "authheader",
    "connstring",
    "connstr",
    "accountkey",
    "adminkey",
    "authkey",
    "certkey",
    "consumerkey",
    "deploykey",
    "hmackey",
    "licensekey",
    "masterkey",
    "servicekey",
    "sessionkey",
    "sharedkey",
    "storagekey",
    "creds",
    "passwort",
    "kennwort",
    "contraseña",
    "contrasena",
    "motdepasse",
    "senha",
    "пароль",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
];
/// Names whose last word is one of these hold a secret: `MYSQL_PWD`, `githubPat`. In `lowpw` or `compat` it is no word.
const SECRET_WORDS: &[&str] = &["pwd", "pw", "pat", "otp", "psk"];
/// Whose `pass` is a password: `DB_PASS`, `smtpPass`. That of a renderer, or one for boarding, is not.
const WITH_PASS: &[&str] = &[
    "account", "admin", "app", "auth", "client", "db", "database", "email", "ftp", "imap", "ldap", "login", "mail",
    "mongo", "mqtt", "mysql", "pg", "postgres", "rabbitmq", "redis", "root", "server", "smtp", "sql", "ssh", "sudo",
    "user", "vpn", "wifi",
];
/// What may follow such an ending and changes nothing: `token_value`, `access_token_v2`.
const SECRET_TAILS: &[&str] = &["value", "string", "text", "plain", "raw", "old", "new", "v"];
/// Names with one of these anywhere in them hold a secret: `password_confirmation`, `smtpPasswordAgain`.
const SECRET_PARTS: &[&str] =
    &["password", "passwd", "passphrase", "apikey", "privatekey", "secretkey", "clientsecret"];
/// Names that hold a secret only when nothing else is in them.
const SECRET_NAMES: &[&str] = &[
    "pwd", "pass", "pw", "pin", "otp", "mfa", "totp", "key", "auth", "jwt", "cvv", "cvc", "ssn", "dsn", "psk", "salt",
    "seed", "mnemonic",
];
/// Those of them that mean something else as often: in a text their values count where they look like passwords, or
/// drawn by lot.
const VAGUE_NAMES: &[&str] = &["pass", "pin", "otp", "mfa", "totp", "ssn", "cvv", "cvc"];
const VAGUER_NAMES: &[&str] = &["key", "auth", "salt", "seed", "mnemonic"];
/// Names whose last word is one of these hold what proves a session, or a meeting: their values have to look like it.
const SESSION_WORDS: &[&str] =
    &["session", "sess", "sid", "sessid", "phpsessid", "jsessionid", "sessionid", "csrf", "xsrf", "nonce"];
/// Names with such an ending that are positions in a list, not credentials.
const NOT_SECRET: &[&str] =
    &["pagetoken", "nextpagetoken", "continuationtoken", "synctoken", "progresstoken", "nexttoken"];

/// Decides what is replaced.
#[derive(Clone)]
pub struct Redactor {
    names: BTreeSet<String>,
    finds_secrets: bool,
    max_value: usize,
    max_total: usize,
    key: [u8; 32],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("max_value", &self.max_value).finish_non_exhaustive()
    }
}

/// A value without its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted {
    /// The value.
    pub value: Value,
    /// How many parts were replaced.
    pub count: u64,
}

impl Redactor {
    /// Longest text that is kept, in bytes.
    pub const MAX_VALUE: usize = 1024;
    /// Largest value that is kept after redaction, serialised, in bytes.
    pub const MAX_TOTAL: usize = 16 << 10;

    /// Names, shapes and sizes as by default. `key` makes digests unguessable; it belongs to one log and
    /// stays with it.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            names: BTreeSet::new(),
            finds_secrets: true,
            max_value: Self::MAX_VALUE,
            max_total: Self::MAX_TOTAL,
            key,
        }
    }

    /// Also treats these field names as secret.
    #[must_use]
    pub fn names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.names.extend(names.into_iter().map(folded));
        self
    }

    /// Whether secrets are recognised by their shape. On unless switched off.
    #[must_use]
    pub fn finds_secrets(mut self, on: bool) -> Self {
        self.finds_secrets = on;
        self
    }

    /// Longest text that is kept, in bytes; at least 64, which is room for every mark.
    #[must_use]
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.max(64);
        self
    }

    /// The value without its secrets, within the size that a record may have.
    #[must_use]
    pub fn redact(&self, value: &Value) -> Redacted {
        self.redact_marked(value, &Sensitive::default())
    }

    /// The same with the members that a schema or a policy marks as sensitive.
    #[must_use]
    pub fn redact_marked(&self, value: &Value, sensitive: &Sensitive) -> Redacted {
        let mut room = self.most_parts();
        if !has_room(value, &mut room) {
            return self.whole_by_size(value);
        }
        let mut count = 0;
        let value = self.value(value, &sensitive.root, 0, &mut count);
        self.settled(value, count)
    }

    /// The same for members of a call that two sides may mark: the tool's schema and the policy.
    #[must_use]
    pub fn redact_members(&self, members: &Map<String, Value>, marks: [&Sensitive; 2]) -> Redacted {
        let mut room = self.most_parts();
        if !members.values().all(|value| has_room(value, &mut room)) {
            return self.whole_by_size(members);
        }
        let mut count = 0;
        let [first, second] = marks;
        let mut value = Value::Object(self.object(members, &first.root, 0, &mut count));
        if !second.is_empty() {
            value = self.value(&value, &second.root, 0, &mut count);
        }
        self.settled(value, count)
    }

    /// More elements and members than this don't fit, whatever becomes of them: each takes two bytes at least. Looking for
    /// secrets in all of them would only keep the others waiting (CWE-400).
    fn most_parts(&self) -> usize {
        self.max_total / 2
    }

    fn whole_by_size(&self, value: &impl serde::Serialize) -> Redacted {
        let text = serde_json::to_string(value).unwrap_or_default();
        Redacted { value: Value::String(self.by_size(text.as_bytes())), count: 1 }
    }

    /// What was hidden may make a secret of what stands beside it, so that a record holds what a further look leaves as it
    /// is. Where nothing was hidden, there is none.
    fn settled(&self, mut value: Value, mut count: u64) -> Redacted {
        if count == 0 {
            return self.bounded(value, count);
        }
        for _ in 0..MOST_PASSES {
            let next = self.value(&value, &NO_MARKS, 0, &mut 0);
            if next == value {
                return self.bounded(value, count);
            }
            (value, count) = (next, count + 1);
        }
        // What goes on like that was made to.
        self.whole_by_size(&value)
    }

    fn bounded(&self, value: Value, count: u64) -> Redacted {
        // A glance at the lengths shows for most values that they fit.
        let surely = value.as_object().and_then(|members| crate::digest::at_most(members, 64));
        let fits = surely.is_some_and(|bytes| bytes <= self.max_total as u64)
            || crate::digest::serialised_len(&value).is_some_and(|length| length <= self.max_total);
        if fits {
            return Redacted { value, count };
        }
        Redacted { value: Value::String(self.by_size(value.to_string().as_bytes())), count: count + 1 }
    }

    /// A text without secrets of known shape, at full length: for messages and results.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> (Cow<'a, str>, u64) {
        if !self.finds_secrets {
            return (Cow::Borrowed(text), 0);
        }
        let mut found = secrets::find(text);
        let mut text = Cow::Borrowed(text);
        if !text.is_ascii() {
            let seen = as_read(&text);
            let more = if seen == *text { Vec::new() } else { secrets::find(&seen) };
            if more.len() > found.len() {
                (text, found) = (Cow::Owned(seen), more);
            }
        }
        if found.is_empty() {
            return (text, 0);
        }
        let mut out = String::with_capacity(text.len());
        let mut position = 0;
        for secret in &found {
            out.push_str(&text[position..secret.range.start]);
            out.push_str(&format!("{MARK}secret:{}]", secret.rule));
            position = secret.range.end;
        }
        out.push_str(&text[position..]);
        (Cow::Owned(out), found.len() as u64)
    }

    /// A text without secrets and no longer than a record may carry.
    #[must_use]
    pub fn message<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut count = 0;
        self.string(text, 0, &mut count)
    }

    fn value(&self, value: &Value, marks: &Marks, depth: usize, count: &mut u64) -> Value {
        if marks.here && !value.is_null() {
            return replaced("key", count);
        }
        if depth > MAX_DEPTH {
            return replaced("depth", count);
        }
        match value {
            Value::String(text) => Value::String(self.string(text, depth, count).into_owned()),
            Value::Array(items) => Value::Array(self.array(items, marks, depth, count)),
            Value::Object(members) => Value::Object(self.object(members, marks, depth, count)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn string<'a>(&self, text: &'a str, depth: usize, count: &mut u64) -> Cow<'a, str> {
        // Without its secrets it would still be too long to be kept, so nobody needs to look for them: a large
        // argument costs a digest and no search.
        if text.len() > self.max_value.saturating_mul(8) {
            *count += 1;
            return Cow::Owned(self.by_size(text.as_bytes()));
        }
        if let Some(inner) = self.json_inside(text, depth, count) {
            return self.short(Cow::Owned(inner), text, count);
        }
        if self.finds_secrets
            && let Some((inner, encoding)) = disguise::decode_text(text)
            && disguise::holds_secret(&inner)
        {
            *count += 1;
            return Cow::Owned(format!("{MARK}secret:{}]", encoding.replace(' ', "-")));
        }
        let mut clean = Cow::Borrowed(text);
        for _ in 0..MOST_PASSES {
            match self.pass(&clean, count) {
                Some(cleaner) => clean = Cow::Owned(cleaner),
                None => return self.short(clean, text, count),
            }
        }
        // What goes on like that was made to.
        *count += 1;
        Cow::Owned(format!("{MARK}secret:introduced]"))
    }

    /// A text without what looks like a secret in it; `None` when nothing does. What is hidden may make a value of what
    /// follows, so that a record holds what a further pass leaves as it is.
    fn pass(&self, text: &str, count: &mut u64) -> Option<String> {
        if !self.finds_secrets {
            return None;
        }
        // Whoever sends a text in the form of a mark gets it back as it is: there is nothing to hide.
        let (clean, found) = self.text(text);
        *count += found;
        let clean = without_encoded(&clean, count).map_or(clean, Cow::Owned);
        let clean = self.without_introduced(&clean, count).map_or(clean, Cow::Owned);
        (*clean != *text).then(|| clean.into_owned())
    }

    /// The cleaned text where it is short enough to be kept, else what stands for the original.
    fn short<'a>(&self, clean: Cow<'a, str>, original: &str, count: &mut u64) -> Cow<'a, str> {
        if clean.len() <= self.max_value {
            return clean;
        }
        *count += 1;
        Cow::Owned(self.by_size(original.as_bytes()))
    }

    /// A text that is an object or a list in JSON, without its secrets; `None` when it is none or has none.
    fn json_inside(&self, text: &str, depth: usize, count: &mut u64) -> Option<String> {
        if !text.trim_start().starts_with(['{', '[']) || depth > MAX_DEPTH {
            return None;
        }
        let inner: Value = serde_json::from_str(text).ok()?;
        let mut found = 0;
        let clean = self.value(&inner, &NO_MARKS, depth + 1, &mut found);
        *count += found;
        // Its values were looked at one by one, also when that was the last time.
        if found == 0 && text.contains(MARK) {
            return Some(text.to_owned());
        }
        (found > 0).then(|| clean.to_string())
    }

    fn by_size(&self, bytes: &[u8]) -> String {
        let digest = hex(&hmac_sha256(&self.key, bytes)[..16]);
        format!("{MARK}size:{}:hmac-sha256:{digest}]", bytes.len())
    }

    /// In an argument vector the secret follows its flag, and in a list of headers its name: `["--password", "hunter2"]`,
    /// `["Authorization", "Basic …"]`.
    fn array(&self, items: &[Value], marks: &Marks, depth: usize, count: &mut u64) -> Vec<Value> {
        let of_commands =
            argv::in_words(items.iter().map(|item| item.as_str().unwrap_or_default()), &|name| self.says(name));
        let mut follows_name = false;
        let each = items.iter().zip(of_commands);
        each.map(|(item, of_command)| {
            let is_secret = std::mem::take(&mut follows_name) && item.is_string();
            let text = item.as_str().unwrap_or_default();
            // What something was taken out of names nothing: its secret is gone already.
            let may_be_name = text.len() <= MAX_NAME && !text.contains('=') && !text.contains(MARK);
            follows_name = may_be_name && !argv::is_program(text) && self.is_secret_name(text);
            match of_command {
                _ if is_secret => replaced("key", count),
                Some(secret) if !is_marked(text, &secret) => {
                    *count += 1;
                    let clean = format!("{}{MARK}key]{}", &text[..secret.start], &text[secret.end..]);
                    Value::String(self.string(&clean, depth + 1, count).into_owned())
                }
                _ => self.value(item, marks.item(), depth + 1, count),
            }
        })
        .collect()
    }

    fn object(&self, members: &Map<String, Value>, marks: &Marks, depth: usize, count: &mut u64) -> Map<String, Value> {
        // `{"name": "API_KEY", "value": "…"}`, as headers and environment variables are often given.
        let of_pair =
            |name: &str, value: &Value| value.as_str().is_some_and(|text| names_one(name) && self.is_secret_name(text));
        let names_a_secret = members.iter().any(|(name, value)| of_pair(name, value));
        members
            .iter()
            .map(|(name, value)| {
                let is_pair_value = names_a_secret && is_of_one(name);
                let is_pair_name = names_a_secret && of_pair(name, value);
                let is_secret = (self.is_secret_name(name) && !is_pair_name || is_pair_value) && !value.is_null();
                let is_session = || value.as_str().is_some_and(looks_drawn) && ends_in_word(name, SESSION_WORDS);
                let value = match is_secret && !is_mark(value) || is_session() {
                    true => replaced("key", count),
                    false if ends_with(name, "cookies") => self.cookies(value, marks.member(name), depth + 1, count),
                    false => self.value(value, marks.member(name), depth + 1, count),
                };
                (self.string(name, depth, count).into_owned(), value)
            })
            .collect()
    }

    /// Cookies by their names, each beside its name, or as a browser sends them.
    fn cookies(&self, value: &Value, marks: &Marks, depth: usize, count: &mut u64) -> Value {
        let clean = |value: &Value, count: &mut u64| match value {
            Value::String(text) if text.contains('=') && !text.contains(MARK) => replaced("key", count),
            Value::Object(members)
                if members.keys().any(|name| names_one(name)) && members.keys().any(|name| is_of_one(name)) =>
            {
                let hidden = members.iter().map(|(name, value)| match value {
                    Value::String(text) if is_of_one(name) && !text.starts_with(MARK) => {
                        (name.clone(), replaced("key", count))
                    }
                    _ => (name.clone(), value.clone()),
                });
                Value::Object(hidden.collect())
            }
            Value::Object(members) => {
                let hidden = members.iter().map(|(name, value)| match value {
                    Value::String(text) if !text.starts_with(MARK) => (name.clone(), replaced("key", count)),
                    _ => (name.clone(), value.clone()),
                });
                Value::Object(hidden.collect())
            }
            _ => value.clone(),
        };
        let without = match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| clean(item, count)).collect()),
            _ => clean(value, count),
        };
        self.value(&without, marks, depth, count)
    }

    /// What a name in a text tells of what it gets there.
    fn says(&self, name: &str) -> Says {
        if self.is_secret_name(name) {
            let plain = folded(name);
            return match plain.as_str() {
                plain if VAGUER_NAMES.contains(&plain) => Says::IfDrawn,
                plain if VAGUE_NAMES.contains(&plain) => Says::IfMade,
                // `api_key_header`, `PASSWORD_FILE`: about one.
                plain if self.names.contains(plain) || SECRET_ENDINGS.iter().any(|end| plain.ends_with(end)) => {
                    Says::Surely
                }
                _ if ends_in_word(name, SECRET_WORDS) || plain.ends_with("pass") || secrets::is_name(name) => {
                    Says::Surely
                }
                _ => Says::IfMade,
            };
        }
        if ends_in_word(name, SESSION_WORDS) { Says::IfDrawn } else { Says::Nothing }
    }

    /// The text without what it introduces as a secret; `None` when there is nothing of that kind.
    fn without_introduced(&self, text: &str, count: &mut u64) -> Option<String> {
        let mut found = Vec::new();
        spoken::find(text, &mut found);
        let says = |name: &str| if name.len() <= MAX_NAME { self.says(name) } else { Says::Nothing };
        argv::find(text, &says, &mut found);
        let names = assigned::names(text, &says);
        if !names.is_empty() {
            assigned::find(text, &names, &mut found);
            markup::find(text, &says, &mut found);
            sql::find(text, &|name| self.says(name) == Says::Surely, &mut found);
        }
        if found.is_empty() {
            return None;
        }
        // What stands in a mark or around one is no secret any more.
        found.retain(|range| !range.is_empty() && !is_marked(text, range));
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            if range.start >= end {
                *count += 1;
                out.push_str(&text[end..range.start]);
                out.push_str(&format!("{MARK}secret:introduced]"));
                end = range.end;
            }
        }
        out.push_str(&text[end..]);
        Some(out)
    }

    pub(crate) fn is_secret_name(&self, original: &str) -> bool {
        let name = folded(original);
        // `password2` is one as well.
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let name =
            SECRET_TAILS.iter().find_map(|tail| name.strip_suffix(tail).filter(|rest| rest.len() > 3)).unwrap_or(name);
        if NOT_SECRET.contains(&name) {
            return self.names.contains(name);
        }
        self.names.contains(name)
            || SECRET_NAMES.contains(&name)
            || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
            || SECRET_PARTS.iter().any(|part| has_part(name, part))
            || name.strip_suffix("pass").is_some_and(|whose| WITH_PASS.iter().any(|known| whose.ends_with(known)))
            || ends_in_word(original, SECRET_WORDS)
    }
}

/// Whether a member says what another beside it is: `name`, `Key`, `ParameterKey`.
fn names_one(member: &str) -> bool {
    ["name", "key", "header", "variable", "field"].iter().any(|end| ends_with(member, end)) || member == "k"
}

/// Whether a member is what another says: `value`, `Value`, `ParameterValue`.
fn is_of_one(member: &str) -> bool {
    ends_with(member, "value") || member.eq_ignore_ascii_case("val") || member == "v"
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..)).is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// Whether the last word of a name is one of these: it stands alone, behind a separator, or begins with the one capital.
fn ends_in_word(name: &str, words: &[&str]) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '-'));
    words.iter().filter(|word| ends_with(name, word)).any(|word| {
        let (before, last) = name.split_at(name.len() - word.len());
        let begins_anew =
            before.ends_with(|c: char| c.is_ascii_lowercase()) && last.starts_with(|c: char| c.is_ascii_uppercase());
        before.is_empty() || before.ends_with(['_', '-', '.', ' ']) || begins_anew
    })
}

/// A text without what nobody can see, in letters of the usual width: neither makes a secret another.
#[must_use]
pub fn as_read(text: &str) -> String {
    hidden::strip(text).nfkc().collect()
}

/// Whether a value has no more parts than there is room for.
fn has_room(value: &Value, room: &mut usize) -> bool {
    let Some(left) = room.checked_sub(1) else { return false };
    *room = left;
    match value {
        Value::Array(items) => items.iter().all(|item| has_room(item, room)),
        Value::Object(members) => members.values().all(|member| has_room(member, room)),
        _ => true,
    }
}

fn replaced(why: &str, count: &mut u64) -> Value {
    *count += 1;
    Value::String(format!("{MARK}{why}]"))
}

/// The text without those of its words that are encoded secrets; `None` when there is nothing of that kind.
fn without_encoded(text: &str, count: &mut u64) -> Option<String> {
    let mut found: Vec<_> =
        disguise::decode_words(text).filter(|(_, inner, _)| disguise::holds_secret(inner)).collect();
    if found.is_empty() {
        return None;
    }
    *count += found.len() as u64;
    let mut out = text.to_owned();
    while let Some((range, _, encoding)) = found.pop() {
        out.replace_range(range, &format!("{MARK}secret:{}]", encoding.replace(' ', "-")));
    }
    Some(out)
}

/// Where marks stand.
fn marks_in(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(MARK).filter_map(|(start, mark)| {
        let rest = &text[start + mark.len()..];
        let end = rest.find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '-' | ':'))?;
        rest[end..].starts_with(']').then(|| start..start + mark.len() + end + 1)
    })
}

/// Whether a value was replaced already.
fn is_mark(value: &Value) -> bool {
    value.as_str().is_some_and(|text| marks_in(text).next().is_some_and(|mark| mark.len() == text.len()))
}

/// Whether a mark and a part of a text have something in common.
fn is_marked(text: &str, part: &Range<usize>) -> bool {
    marks_in(text).any(|mark| mark.start < part.end && part.start < mark.end)
}

/// Names are short: setting up a search costs more than comparing at every place.
fn has_part(name: &str, part: &str) -> bool {
    name.as_bytes().windows(part.len()).any(|place| place == part.as_bytes())
}

fn folded(name: &str) -> String {
    let is_separator = |b: u8| matches!(b, b'-' | b'_' | b'.' | b' ');
    if name.is_ascii() {
        let letters = name.bytes().filter(|b| !is_separator(*b));
        return letters.map(|b| char::from(b.to_ascii_lowercase())).collect();
    }
    // Full-width letters and characters nobody sees make no other name.
    let plain = crate::paths::fold_name(name);
    plain.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod forms;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    fn redact(value: Value) -> Value {
        redactor().redact(&value).value
    }

    #[test]
    fn names_hide_their_values_however_they_are_written() {
        for name in [
            "password",
            "PASSWORD",
            "db_password",
            "api-key",
            "apiKey",
            "X-Api-Key",
            "access_token",
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "client_secret",
            "aws_secret_access_key",
            "key",
            "pin",
            "privateKey",
            "credentials",
            "password2",
            "new_password_confirmation",
            "api_key_1",
            "MYSQL_PWD",
            "githubPat",
            "GITHUB_PAT_2",
            "login otp",
            "DB_PASS",
            "smtpPass",
            "db-pass",
            "accountKey",
            "AZURE_STORAGE_KEY",
            "recovery_codes",
            "SECRET_KEY_BASE",
            "passcode",
            "pass\u{200b}word",
            "\u{ff50}\u{ff41}ssword",
        ] {
            assert_eq!(redact(json!({ name: "v" })), json!({ name: "[redacted:key]" }), "{name}");
            assert_eq!(redact(json!({ "a": [{ name: { "deep": 1 } }] })), json!({ "a": [{ name: "[redacted:key]" }] }));
        }
    }

    #[test]
    fn other_names_keep_theirs() {
        let value = json!({
            "path": "a/b", "keyboard": "de", "tokens": 5, "max_tokens": 100, "pageToken": "abc", "passage": "x", "monkey": "y",
            "author": "z", "pinned": true, "password": null, "render_pass": "a", "proxy_pass": "http://b", "boardingPass": "b", "compat": "c", "lowpw": "d",
            "primary_key": "e", "cacheKey": "f", "pattern": "g", "stopPattern": "h", "compass": "i", "field": "j", "v": "k",
        });
        assert_eq!(redact(value.clone()), value);
    }

    #[test]
    fn secrets_are_found_in_texts_keys_and_argument_vectors() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let value = redact(json!({
            "text": format!("use {token} now"),
            token.clone(): 1,
            "args": ["--token", "hunter2", "--name", "x", "--password=hunter2", "-v"],
            "env": [{ "name": "API_KEY", "value": "hunter2" }, { "name": "HOME", "value": "/root" }],
            "url": "https://user:hunter2@host/",
        }));
        let text = value.to_string();
        assert!(!text.contains(&token) && !text.contains("hunter2"), "{text}");
        assert_eq!(value["text"], "use [redacted:secret:github-token] now");
        assert_eq!(value["args"][3], "x");
        assert_eq!(value["env"][1]["value"], "/root");
    }

    #[test]
    fn a_value_belongs_to_the_name_beside_it_however_the_two_are_called() {
        for (name, value) in [
            ("name", "value"),
            ("Name", "Value"),
            ("Key", "Value"),
            ("ParameterKey", "ParameterValue"),
            ("k", "v"),
            ("FIELD", "val"),
        ] {
            let clean = redact(json!([{ name: "DbPassword", value: "hunter2" }, { name: "Region", value: "eu-1" }]));
            assert_eq!(clean[0], json!({ name: "DbPassword", value: "[redacted:key]" }));
            assert_eq!(clean[1][value], "eu-1");
        }
        let apart = json!([{ "title": "password", "value": 5 }, { "name": "password", "note": "x" }]);
        assert_eq!(redact(apart.clone()), apart);
    }

    #[test]
    fn what_has_more_parts_than_fit_is_not_searched() {
        let members: Map<String, Value> = (0..300_000).map(|n| (format!("my secret number {n}"), json!(n))).collect();
        for value in
            [redactor().redact_members(&members, [&Sensitive::default(); 2]), redactor().redact(&json!([members]))]
        {
            assert_eq!(value.count, 1);
            assert!(value.value.as_str().unwrap().starts_with("[redacted:size:"));
        }
        let few = json!({ "content": "x".repeat(1 << 20), "path": "a" });
        assert_eq!(redact(few)["path"], "a");
    }

    #[test]
    fn a_mark_in_a_list_is_no_name_of_what_follows() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----";
        let once = redact(json!([key, "what follows"]));
        assert_eq!(once[1], "what follows");
        assert_eq!(redact(once.clone()), once);
    }

    #[test]
    fn a_password_behind_the_letter_p_goes_and_the_program_stays() {
        let value = redact(json!([
            ["sshpass", "-p", "hunter2", "ssh", "-l", "ann", "host"],
            ["/usr/bin/mysql", "-uann", "-phunter2", "shop"],
            ["sshpass", "-phunter2", "scp", "a", "host:b"],
            ["mkdir", "-p", "a/b"],
            ["psql", "-p", "5432"],
        ]));
        assert!(!value.to_string().contains("hunter2"), "{value}");
        assert_eq!(value[0][3], "ssh");
        assert_eq!(value[1][3], "shop");
        assert_eq!(value[2][2], "scp");
        assert_eq!(value[3], json!(["mkdir", "-p", "a/b"]));
        assert_eq!(value[4], json!(["psql", "-p", "5432"]));
        assert_eq!(redact(value.clone()), value);
    }

    #[test]
    fn secrets_are_found_in_headers_however_they_are_listed() {
        let value = redact(json!({
            "pairs": [["Authorization", "Basic YTpodW50ZXIy"], ["Accept", "text/html"]],
            "raw": ["Accept", "text/html", "X-Api-Key", "hunter2", "Cookie", "sid=hunter2"],
            "argv": ["curl", "-H", "Authorization: Basic YTpodW50ZXIy", "-H", "Cookie: theme=dark; sid=hunter2hunter2"],
            "text": "GET / HTTP/1.1\r\nHost: a\r\nauthorization: Bearer hunter2\r\nSet-Cookie: id=hunter2hunter2; Path=/",
            "signed": "https://b.example/x?X-Amz-Credential=AKID&X-Amz-Signature=hunter2hunter2hunter2hunter2&X-Amz-Date=1",
            "words": "a basic biscuit with theme=dark",
        }));
        let text = value.to_string();
        assert!(!text.contains("hunter2") && !text.contains("YTpodW50ZXIy"), "{text}");
        assert_eq!(value["pairs"][1][1], "text/html");
        assert_eq!(value["raw"][1], "text/html");
        assert_eq!(value["words"], "a basic biscuit with theme=dark");
    }

    #[test]
    fn secrets_are_found_in_json_and_base64_inside_texts() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let encoded = |text: &str| {
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let group = |bytes: &[u8]| {
                let word =
                    bytes.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - bytes.len()));
                (0..=bytes.len())
                    .map(|at| char::from(digits[(word >> (18 - 6 * at) & 63) as usize]))
                    .collect::<String>()
            };
            text.as_bytes().chunks(3).map(group).collect::<String>()
        };
        let value = redact(json!({
            "body": r#"{"user":"ann","password":"hunter2"}"#,
            "nested": json!({ "a": json!({ "secret": "hunter2" }).to_string() }).to_string(),
            "list": r#" [{"token":"hunter2"}] "#,
            "code": encoded(&format!("key {token}")),
            "padded": format!("{}==", encoded(&format!("{token} ."))),
            "plain": encoded("nothing to see in here at all"),
            "json": r#"{"user": "ann"}"#,
        }));
        let text = value.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(value["code"], "[redacted:secret:base64]");
        assert_eq!(value["padded"], "[redacted:secret:base64]");
        assert_eq!(value["plain"], encoded("nothing to see in here at all"));
        assert_eq!(value["json"], r#"{"user": "ann"}"#);
    }

    #[test]
    fn secrets_are_found_behind_other_encodings() {
        let secret = format!("password={}", "hunter2".repeat(3));
        let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(redact(json!({ "code": hexadecimal }))["code"], "[redacted:secret:hexadecimal]");
        let plain: String = "nothing to see in here".bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(redact(json!({ "code": plain }))["code"], json!(plain));
    }

    #[test]
    fn what_nobody_sees_and_wide_letters_make_no_other_secret() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let wide: String = token.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
        for text in [
            format!("is {}\u{200b}{}", &token[..9], &token[9..]),
            format!("caf\u{e9} {wide}!"),
            format!("\u{2060}{token}"),
        ] {
            let (clean, found) = redactor().text(&text);
            assert!(found == 1 && clean.contains("[redacted:secret:"), "{text}: {clean}");
            let record = redact(json!({ "x": text }))["x"].as_str().unwrap().to_owned();
            assert!(record.contains("[redacted:secret:") && !record.contains(&token[9..]), "{record}");
        }
        for text in ["caf\u{e9}", "\u{ff21}\u{200b}b"] {
            assert_eq!(redactor().text(text), (Cow::Borrowed(text), 0), "what holds no secret stays as it is");
        }
    }

    #[test]
    fn marks_of_schema_and_policy_count() {
        let schema = json!({ "properties": {
            "note": { "x-manta-sensitive": true },
            "rows": { "items": { "properties": { "iban": { "x-manta-sensitive": true } } } },
        }});
        let mut sensitive = Sensitive::from_schema(&schema);
        sensitive.mark(["list", "*"]);
        let value = json!({ "note": 5, "rows": [{ "iban": "DE", "n": 1 }], "list": ["a"], "free": "b" });
        let redacted = redactor().redact_marked(&value, &sensitive);
        let mark = "[redacted:key]";
        assert_eq!(
            redacted.value,
            json!({ "note": mark, "rows": [{ "iban": mark, "n": 1 }], "list": [mark], "free": "b" })
        );
        assert_eq!(redacted.count, 3);
    }

    #[test]
    fn long_texts_leave_a_keyed_digest() {
        let long = "x".repeat(2000);
        let mine = redact(json!(long));
        assert!(mine.as_str().unwrap().starts_with("[redacted:size:2000:hmac-sha256:"));
        assert_eq!(mine, redact(json!(long)));
        assert_ne!(mine, Redactor::new([8; 32]).redact(&json!(long)).value);
    }

    #[test]
    fn no_value_makes_a_large_record() {
        let wide = redactor().redact(&json!(vec![1; 100_000]));
        assert!(wide.value.to_string().len() < 128);
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert!(redact(deep).to_string().contains("[redacted:depth]"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            "[a-z=: ]{0,8}(password|token|Bearer)[=: ]{1,2}[A-Za-z0-9]{4,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[a-z_]{1,6}|password|name|value|key", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn redacting_twice_changes_nothing(value in any_json()) {
            let once = redactor().redact(&value).value;
            prop_assert_eq!(redactor().redact(&once).value, once.clone());
        }

        #[test]
        fn a_planted_secret_never_survives(value in any_json(), secret in "[A-Za-z0-9]{36}") {
            let secret = format!("ghp_{secret}");
            let planted = json!({ "a": value, "b": [format!("see {secret}.")], secret.clone(): secret.clone() });
            let text = redactor().redact(&planted).value.to_string();
            prop_assert!(!text.contains(&secret), "{}", text);
        }
    }
}
