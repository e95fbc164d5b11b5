//! Strings inside JSON text, cleaned where they stand: everything but the changed strings keeps its bytes.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::{Hidden, ResponseSettings};

/// What cleaning a text did.
#[derive(Debug, Default)]
pub(super) struct Cleaned {
    /// The new text; `None` when nothing changed.
    pub(super) text: Option<String>,
    /// Secrets replaced.
    pub(super) redactions: usize,
    /// Invisible characters found, whether they were removed or not.
    pub(super) hidden: usize,
    /// How many strings of JSON this JSON stands in.
    depth: u8,
}

/// Deepest JSON in strings of JSON that is looked into.
const MAX_DEPTH: u8 = 4;

impl ResponseSettings {
    /// Whether any string of this JSON text can hold something the settings care about. Most can't: plain
    /// ASCII without `\u` escapes has no invisible characters.
    pub(super) fn concern(self, json: &str) -> bool {
        self.redact_secrets || (self.hidden != Hidden::Pass && (!json.is_ascii() || json.contains("\\u")))
    }

    /// The same for JSON in a string of JSON.
    fn nested(self, json: &str, depth: u8) -> Cleaned {
        self.clean_from(json, &[], Cleaned { depth, ..Cleaned::default() })
    }

    /// Cleans every string, keys included, of a valid JSON text. What stands in `keep` is left as it is.
    pub(super) fn clean(self, json: &str, keep: &[Range<usize>]) -> Cleaned {
        let (joined, keep, redactions) = match self.redact_secrets.then(|| without_parted(json, keep)).flatten() {
            Some((joined, keep, redactions)) => (Cow::Owned(joined), keep, redactions),
            None => (Cow::Borrowed(json), keep.to_vec(), 0),
        };
        let cleaned = self.clean_from(&joined, &keep, Cleaned { redactions, ..Cleaned::default() });
        match joined {
            Cow::Owned(joined) => Cleaned { text: cleaned.text.or(Some(joined)), ..cleaned },
            Cow::Borrowed(_) => cleaned,
        }
    }

    fn clean_from(self, json: &str, keep: &[Range<usize>], mut cleaned: Cleaned) -> Cleaned {
        if !self.concern(json) {
            return cleaned;
        }
        let mut out = String::new();
        let (mut at, mut copied) = (0, 0);
        let mut key: Option<Cow<'_, str>> = None;
        while let Some(offset) = memchr::memchr(b'"', &json.as_bytes()[at..]) {
            let start = at + offset;
            let end = end_of_string(json.as_bytes(), start);
            at = end;
            if let Some(keep) = keep.iter().find(|keep| keep.contains(&start)) {
                at = keep.end.max(end);
                continue;
            }
            let quoted = &json[start..end];
            // A key belongs to the string that follows it at once, and to nothing behind a number or a bracket.
            let named = key.take().filter(|_| is_value_of_key(&json[..start]));
            let is_key = json[end..].trim_start().starts_with(':');
            if let Some(new) = self.string(quoted, named.as_deref(), is_key, &mut cleaned) {
                out.push_str(&json[copied..start]);
                out.push_str(&serde_json::Value::String(new).to_string());
                copied = end;
            }
            if is_key {
                key = manta_mcp::decode_string(quoted);
            }
        }
        if copied > 0 {
            out.push_str(&json[copied..]);
            cleaned.text = Some(out);
        }
        cleaned
    }

    /// The cleaned form of one string; `None` when it stays.
    fn string(self, quoted: &str, key: Option<&str>, is_key: bool, cleaned: &mut Cleaned) -> Option<String> {
        let looks = self.hidden != Hidden::Pass && (!quoted.is_ascii() || quoted.contains("\\u"));
        if !looks && !self.redact_secrets {
            return None;
        }
        let text = manta_mcp::decode_string(quoted)?;
        // The protocol carries bytes as base64 (`data` of images and sounds); bytes that are text are read like text. What
        // is none of it, or says nothing when it is decoded, may say something as it stands.
        if matches!(key, Some("blob" | "data"))
            && let Some(bytes) = [STANDARD, LENIENT].iter().find_map(|base64| base64.decode(text.as_bytes()).ok())
        {
            let clean = match String::from_utf8(bytes) {
                Ok(inner) => self.text(&inner, None, cleaned).map(String::into_bytes),
                Err(other) => self.bytes(other.as_bytes(), cleaned),
            };
            if let Some(clean) = clean {
                return Some(STANDARD.encode(clean));
            }
        }
        if !is_key {
            return self.text(&text, key, cleaned);
        }
        // Two keys must not become one: what can't be seen is shown, and each mark has a number.
        let visible = Self { hidden: if self.hidden == Hidden::Strip { Hidden::Flag } else { self.hidden }, ..self };
        let (secrets, invisible) = (cleaned.redactions, cleaned.hidden);
        let new = visible.text(&text, key, cleaned);
        let shown = match cleaned.hidden > invisible && self.hidden == Hidden::Strip {
            true => Some(manta_core::Untrusted(new.as_deref().unwrap_or(&text)).for_terminal()),
            false => new,
        };
        shown.map(|key| if cleaned.redactions > secrets { format!("{key}#{}", cleaned.redactions) } else { key })
    }

    /// Bytes that are no text may have one in the middle: a database, an archive.
    fn bytes(self, bytes: &[u8], cleaned: &mut Cleaned) -> Option<Vec<u8>> {
        let only_secrets = Self { hidden: Hidden::Pass, ..self };
        // A character for each byte: what is replaced is ASCII, and the others become again what they were.
        let text: String = bytes.iter().copied().map(char::from).collect();
        let new = only_secrets.text(&text, None, cleaned)?;
        new.chars().map(|c| u8::try_from(c).ok()).collect()
    }

    fn text(self, text: &str, key: Option<&str>, cleaned: &mut Cleaned) -> Option<String> {
        let mut new: Option<String> = None;
        // Most tools hand JSON on as a text: what stands in it is looked at like what stands around it.
        let inside = if cleaned.depth < MAX_DEPTH && is_json(text) {
            let only_secrets = Self { hidden: Hidden::Pass, ..self };
            let inner = only_secrets.nested(text, cleaned.depth + 1);
            cleaned.redactions += inner.redactions;
            inner.text
        } else {
            None
        };
        let text = inside.as_deref().unwrap_or(text);
        if inside.is_some() {
            new.clone_from(&inside);
        }
        if self.hidden != Hidden::Pass {
            let is_plain = |b: u8| (b' '..=b'~').contains(&b) || matches!(b, b'\t' | b'\n' | b'\r');
            let found = if text.bytes().all(is_plain) { 0 } else { manta_detect::hidden::find(text).len() };
            cleaned.hidden += found;
            if found > 0 && self.hidden == Hidden::Strip {
                new = Some(manta_detect::hidden::strip(text));
            }
        }
        if self.redact_secrets {
            let mut current = Cow::Borrowed(new.as_deref().unwrap_or(text));
            let mut secrets = secrets_in(&current, key);
            if !current.is_ascii() {
                let seen = manta_harden::redact::as_read(&current);
                let found = secrets_in(&seen, key);
                if found.len() > secrets.len() {
                    (current, secrets) = (Cow::Owned(seen), found);
                }
            }
            if !secrets.is_empty() {
                cleaned.redactions += secrets.len();
                let mut redacted = current.into_owned();
                for (range, rule) in secrets.into_iter().rev() {
                    redacted.replace_range(range, &format!("[redacted:secret:{}]", rule.replace(' ', "-")));
                }
                new = Some(redacted);
            }
        }
        new
    }
}

/// The member that holds the text of a piece of content.
const TEXT: &str = "\"text\"";

/// The JSON without secrets that begin in one text of a result and go on in the next, with what is kept and how many they
/// were. Clients put the pieces of a result together, and servers cut files at any place. Only secrets of an issuer's
/// shape: what ends one text and what begins another may say together what neither says.
fn without_parted(json: &str, keep: &[Range<usize>]) -> Option<(String, Vec<Range<usize>>, usize)> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'"', &json.as_bytes()[at..]) {
        let start = at + offset;
        let end = end_of_string(json.as_bytes(), start);
        let is_text = || json[..start].trim_end().strip_suffix(':').is_some_and(|key| key.trim_end().ends_with(TEXT));
        if !keep.iter().any(|keep| keep.contains(&start)) && is_text() {
            places.push(start..end);
        }
        at = end;
    }
    if places.len() < 2 {
        return None;
    }
    let decoded = places.into_iter().map(|place| Some((place.clone(), manta_mcp::decode_string(&json[place])?)));
    let pieces: Vec<(Range<usize>, Cow<'_, str>)> = decoded.collect::<Option<_>>()?;
    let whole: String = pieces.iter().map(|(_, text)| text.as_ref()).collect();
    let mut secrets = manta_detect::secrets::find_issued(&whole);
    let end_of = |end: &mut usize, text: &str| {
        *end += text.len();
        Some(*end)
    };
    let ends: Vec<usize> = pieces.iter().scan(0, |end, (_, text)| end_of(end, text)).collect();
    secrets.retain(|secret| ends.iter().any(|end| secret.range.start < *end && *end < secret.range.end));
    if secrets.is_empty() {
        return None;
    }
    let (mut out, mut copied, mut kept) = (String::with_capacity(json.len()), 0, keep.to_vec());
    for ((place, text), end) in pieces.iter().zip(ends) {
        let begin = end - text.len();
        let mut piece = text.to_string();
        for secret in secrets.iter().rev().filter(|secret| secret.range.start < end && begin < secret.range.end) {
            let inside = secret.range.start.saturating_sub(begin)..secret.range.end.min(end) - begin;
            piece.replace_range(inside, &format!("[redacted:secret:{}]", secret.rule));
        }
        if piece != *text {
            let quoted = serde_json::Value::String(piece).to_string();
            let behind = keep.iter().zip(&mut kept).filter(|(keep, _)| place.end <= keep.start);
            for (_, kept) in behind {
                let moved = |at: usize| at + quoted.len() - place.len();
                *kept = moved(kept.start)..moved(kept.end);
            }
            out.push_str(&json[copied..place.start]);
            out.push_str(&quoted);
            copied = place.end;
        }
    }
    out.push_str(&json[copied..]);
    Some((out, kept, secrets.len()))
}

/// Base64 as many clients take it: in the alphabet for addresses, padded or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Secrets by their own shape, also in another encoding of the whole text, and those that only the name of their member
/// gives away.
fn secrets_in(text: &str, key: Option<&str>) -> Vec<(Range<usize>, &'static str)> {
    let mut own: Vec<_> =
        manta_detect::secrets::find(text).into_iter().map(|found| (found.range, found.rule)).collect();
    if own.is_empty()
        && let Some((inner, encoding)) = manta_detect::disguise::decode_text(text)
        && manta_detect::disguise::holds_secret(&inner)
    {
        return vec![(0..text.len(), encoding)];
    }
    for (place, inner, encoding) in manta_detect::disguise::decode_words(text) {
        let is_apart = own.iter().all(|(range, _)| range.end <= place.start || place.end <= range.start);
        if is_apart && manta_detect::disguise::holds_secret(&inner) {
            own.push((place, encoding));
        }
    }
    own.sort_by_key(|(range, _)| range.start);
    let Some(key) = key.filter(|key| own.is_empty() && key.len() <= 128) else { return own };
    let start = key.len() + 1;
    let assigned = format!("{key}={text}");
    let found = manta_detect::secrets::find(&assigned).into_iter().filter(|found| found.range.start >= start);
    found.map(|found| (found.range.start - start..found.range.end - start, found.rule)).collect()
}

/// Whether a text is an object or a list in JSON with strings in it.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && text.contains('"')
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether the text before a string ends with the colon of its key.
fn is_value_of_key(before: &str) -> bool {
    before.trim_end().ends_with(':')
}

/// One past the closing quote of the string that opens at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(offset) = memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
        at += offset;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: ResponseSettings = ResponseSettings { redact_secrets: true, hidden: Hidden::Strip, mark: false };

    /// Put together here, so that no scanner takes this file for a leak.
    fn key() -> String {
        format!("AKIA{}", "Q3EGRIEDHXGDYXR7")
    }

    fn clean(json: &str) -> String {
        let cleaned = ALL.clean(json, &[]);
        let text = cleaned.text.unwrap_or_else(|| json.to_owned());
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        text
    }

    #[test]
    fn only_the_strings_that_change_are_written_anew() {
        let json = format!(r#"{{ "n": 1.50, "big":12345678901234567890, "s" :"x {} \"y\"", "e":"\u00e9"}}"#, key());
        let text = clean(&json);
        assert!(text.starts_with(r#"{ "n": 1.50, "big":12345678901234567890, "s" :"x [redacted:secret:"#), "{text}");
        assert!(text.ends_with(r#" \"y\"", "e":"\u00e9"}"#), "{text}");
    }

    #[test]
    fn secrets_are_found_in_keys_in_escapes_in_blobs_and_by_the_name_of_their_member() {
        let escaped: String = key().chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let blob = STANDARD.encode(format!("token {}", key()));
        for json in [
            format!(r#"{{"{}":1}}"#, key()),
            format!(r#"{{"{}":1,"AKIA{}":2}}"#, key(), "Q3EGRIEDHXGDYXR8"),
            format!(r#"["{escaped}"]"#),
            format!(r#"{{"blob":"{blob}"}}"#),
            format!(r#"{{"blob":"{}"}}"#, key()),
            format!(r#"{{"blob":"no base64: {}"}}"#, key()),
            format!(
                r#"{{"type":"image","data":"{}"}}"#,
                STANDARD.encode([b"\x89PNG\0", key().as_bytes(), b"\0\xff"].concat())
            ),
            format!(r#"{{"text":"here it is: {}, good luck"}}"#, STANDARD.encode(format!("key {}", key()))),
            format!(r#"{{"text":"{}"}}"#, STANDARD.encode(STANDARD.encode(format!("key {}", key())))),
            format!(
                r#"{{"text":"hex {} is it"}}"#,
                key().bytes().map(|byte| format!("{byte:02x}")).collect::<String>()
            ),
            r#"{"env":{"DB_PASSWORD":"Xk29-vQz71-LmPw"}}"#.to_owned(),
        ] {
            let cleaned = ALL.clean(&json, &[]);
            assert!(cleaned.redactions > 0, "{json}");
            assert!(!clean(&json).contains(&key()), "{json}");
        }
        let twice = clean(&format!(r#"{{"{}":1,"AKIA{}":2}}"#, key(), "Q3EGRIEDHXGDYXR8"));
        assert_eq!(serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&twice).unwrap().len(), 2);
    }

    #[test]
    fn secrets_are_found_in_bytes_in_other_encodings_and_behind_invisible_characters() {
        let flags = ResponseSettings { hidden: Hidden::Flag, ..ALL };
        let binary = [&b"SQLite\0\xff\xfe"[..], key().as_bytes(), b"\x80\0end"].concat();
        let hexed: String = key().bytes().map(|byte| format!("{byte:02x}")).collect();
        let (head, tail) = (&key()[..9], &key()[9..]);
        for json in [
            format!(r#"{{"blob":"{}"}}"#, STANDARD.encode(&binary)),
            format!(r#"{{"blob":"{}"}}"#, LENIENT.encode(&binary).replace('=', "")),
            format!(r#"["{hexed}"]"#),
            format!("[\"is {head}\u{200b}{tail}, caf\u{e9}\"]"),
        ] {
            let cleaned = flags.clean(&json, &[]);
            assert_eq!(cleaned.redactions, 1, "{json}");
            assert!(!cleaned.text.unwrap().contains(tail), "{json}");
        }
        let cleaned = flags.clean(&format!(r#"{{"blob":"{}"}}"#, STANDARD.encode(&binary)), &[]).text.unwrap();
        let blob = cleaned.split('"').nth(3).unwrap();
        let bytes = STANDARD.decode(blob).unwrap();
        assert!(bytes.starts_with(b"SQLite\0\xff\xfe[redacted:secret:") && bytes.ends_with(b"]\x80\0end"));
        assert_eq!(flags.clean(r#"{"blob":"AAECAw=="}"#, &[]).text, None);
    }

    #[test]
    fn secrets_are_found_in_json_that_is_a_text_and_in_wide_letters() {
        let code = STANDARD.encode(format!("token {}", key()));
        let inner = serde_json::json!({ "a": code, "n": 1.0, "env": { "DB_PASSWORD": "Xk29-vQz71-LmPw" } }).to_string();
        let twice = serde_json::json!([inner]).to_string();
        let wide: String = key().chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
        for (text, count) in [(&inner, 2), (&twice, 2), (&wide, 1)] {
            let json = serde_json::json!({ "content": [{ "type": "text", "text": text }] }).to_string();
            let cleaned = ALL.clean(&json, &[]);
            assert_eq!(cleaned.redactions, count, "{json}");
            let new = cleaned.text.unwrap();
            let new: serde_json::Value = serde_json::from_str(&new).unwrap();
            let text = new["content"][0]["text"].as_str().unwrap();
            assert!(!text.contains(&code) && !text.contains("Xk29") && !text.contains(&wide), "{text}");
            assert!(
                !text.starts_with(['{', '[']) || text.starts_with("[redacted") || is_json(text),
                "still JSON: {text}"
            );
        }
        let plain = serde_json::json!({ "text": r#"{"a": "b", "n": 1.50}"# }).to_string();
        assert_eq!(ALL.clean(&plain, &[]).text, None);
    }

    #[test]
    fn hidden_text_in_keys_and_values_is_counted_and_removed() {
        let cleaned = ALL.clean("{\"a\u{200b}b\":\"x\\u200by\"}", &[]);
        assert_eq!((cleaned.hidden, cleaned.text.as_deref()), (2, Some(r#"{"a⟨U+200B⟩b":"xy"}"#)));
    }

    #[test]
    fn a_secret_that_goes_on_in_the_next_text_is_found() {
        let (first, second) = (&key()[..7], &key()[7..]);
        let json = format!(
            r#"{{"content":[{{"type":"text","text":"key: {first}"}},{{"text" : "{second} and \u00e9","type":"text"}}],"requestState":"{second}"}}"#
        );
        let start = json.rfind(':').unwrap() + 1;
        let cleaned = ALL.clean(&json, std::slice::from_ref(&(start..json.len() - 1)));
        let text = cleaned.text.unwrap();
        assert_eq!(cleaned.redactions, 1);
        assert!(!text.contains(first) && text.matches("[redacted:secret:aws-access-key]").count() == 2, "{text}");
        assert!(text.ends_with(&json[start - 16..]), "{text}");
        assert_eq!(text.matches(second).count(), 1, "what is kept stays: {text}");
        let three =
            format!(r#"[{{"text":"{}"}},{{"text":"{}"}},{{"text":"{}"}}]"#, &key()[..3], &key()[3..9], &key()[9..]);
        assert_eq!(ALL.clean(&three, &[]).redactions, 1);
        for json in [
            format!(r#"[{{"text":"{first}"}},{{"name":"{second}"}}]"#),
            format!(r#"[{{"text":"{first}"}},{{"text":"x {second}"}}]"#),
            r#"[{"text":"the password:"},{"text":"Xk29vQz71LmPw"}]"#.to_owned(),
        ] {
            assert_eq!(ALL.clean(&json, &[]).redactions, 0, "{json}");
        }
    }

    #[test]
    fn what_is_kept_is_not_looked_at() {
        let json = format!(r#"{{"requestState":"{0}","x":"{0}"}}"#, key());
        let start = json.find(&key()).unwrap() - 1;
        let cleaned = ALL.clean(&json, std::slice::from_ref(&(start..start + key().len() + 2)));
        assert_eq!(cleaned.redactions, 1);
        assert!(cleaned.text.unwrap().starts_with(&json[..start + 20]));
    }
}
