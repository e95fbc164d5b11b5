//! What string operations do to [`StrProps`].
//!
//! Literals are computed through, everything else is widened just enough to stay sound. Operations that are no
//! sanitizers (removing a character sequence, replacing once) deliberately prove nothing.

use super::charset::CharSet;
use super::path::{self, DotDot, PathState};
use super::props::{Part, Quoting, StrProps, utf16_len};
use super::url;

impl StrProps {
    /// The concatenation of `parts`: template, f-string, `+`, `join`.
    #[must_use]
    pub fn concat(parts: &[Part<'_>]) -> Self {
        if let [only] = parts
            && let Some(props) = only.props()
        {
            return props.clone();
        }
        let mut whole = Run::of_text("");
        let mut lits = Some(vec![String::new()]);
        for part in parts {
            match *part {
                Part::Lit(text) => {
                    whole = whole.followed_by(&Run::of_text(text));
                    lits.iter_mut().flatten().for_each(|lit| lit.push_str(text));
                }
                Part::Hole(props) | Part::Trusted(props) => {
                    if props.is_bottom() {
                        lits = Some(Vec::new());
                        break;
                    }
                    whole = whole.followed_by(&Run::of_props(props));
                    lits = lits.zip(props.lits.as_deref()).and_then(|(before, next)| followed_by(&before, next));
                }
            }
        }
        let characters = lits.map_or_else(|| whole.props(), Self::one_of);
        Self { path: path::state_of(parts, characters.charset), url: url::state_of(parts), ..characters }.normalized()
    }

    /// `toLowerCase`, `lower`.
    #[must_use]
    pub fn lower(&self) -> Self {
        let mapped = |set: CharSet| set.to_lower();
        self.map_literals(|text| text.to_lowercase()).unwrap_or_else(|| self.map_case(mapped))
    }

    /// `toUpperCase`, `upper`.
    #[must_use]
    pub fn upper(&self) -> Self {
        let mapped = |set: CharSet| set.to_upper();
        self.map_literals(|text| text.to_uppercase()).unwrap_or_else(|| self.map_case(mapped))
    }

    fn map_case(&self, map: impl Fn(CharSet) -> CharSet) -> Self {
        let charset = map(self.charset);
        // A character outside ASCII may become several, so the ends are no longer those of the original.
        let ends = if self.charset.has_non_ascii() { charset } else { CharSet::NONE };
        Self {
            first: map(self.first).union(ends),
            last: map(self.last).union(ends),
            min_len: if self.charset.has_non_ascii() { self.min_len.min(1) } else { self.min_len },
            max_len: if self.charset.has_non_ascii() {
                self.max_len.map(|max| max.saturating_mul(3))
            } else {
                self.max_len
            },
            path: self.path.raw_components(),
            ..Self::of_charset(charset)
        }
        .normalized()
    }

    /// `trim`, `strip()`: white space removed at both ends.
    #[must_use]
    pub fn trim(&self) -> Self {
        let inner = self.charset.minus(CharSet::SPACE);
        let trimmed = |end: CharSet| if end.meets(CharSet::SPACE.union(CharSet::NON_ASCII)) { inner } else { end };
        let may_shrink = self.charset.meets(CharSet::SPACE.union(CharSet::NON_ASCII));
        self.map_literals(|text| text.trim().to_owned()).unwrap_or_else(|| {
            Self {
                first: trimmed(self.first),
                last: trimmed(self.last),
                min_len: if may_shrink { 0 } else { self.min_len },
                max_len: self.max_len,
                ..Self::of_charset(self.charset)
            }
            .normalized()
        })
    }

    /// `lstrip(chars)`, `rstrip`, `strip`, `replace(/^\/+/, "")`: every character of `chars` is gone from that end.
    ///
    /// Characters outside ASCII count only if all of them are stripped.
    #[must_use]
    pub fn strip_chars(&self, chars: CharSet, start: bool, end: bool) -> Self {
        let matches = |c: char| c.is_ascii() && chars.contains(c);
        if !chars.has_non_ascii()
            && let Some(exact) = self.map_literals(|text| {
                let text = if start { text.trim_start_matches(matches) } else { text };
                if end { text.trim_end_matches(matches) } else { text }.to_owned()
            })
        {
            return exact;
        }
        let stripped =
            |set: CharSet, strips: bool| if strips && set.meets(chars) { self.charset.minus(chars) } else { set };
        let shrinks = (start && self.first.meets(chars)) || (end && self.last.meets(chars));
        let mut props = Self {
            first: stripped(self.first, start),
            last: stripped(self.last, end),
            min_len: if shrinks { 0 } else { self.min_len },
            max_len: self.max_len,
            ..Self::of_charset(self.charset)
        };
        // Separators at the ends are no part of a component, so the components stay as they are.
        if chars == CharSet::of("/") {
            props.path.dotdot = self.path.dotdot;
            props.path.norm = self.path.norm;
        }
        props.normalized()
    }

    /// Any substring: `slice`, `substring`, indexing, one match of an unknown pattern.
    #[must_use]
    pub fn slice(&self) -> Self {
        Self { max_len: self.max_len, ..Self::of_charset(self.charset) }.normalized()
    }

    /// One piece of `split(separator)`: a single-character separator is gone, a longer one proves nothing.
    #[must_use]
    pub fn split_removing(&self, separator: &str) -> Self {
        let mut characters = separator.chars();
        let charset = match (characters.next(), characters.next()) {
            (Some(c), None) if c.is_ascii() => self.charset.minus(CharSet::single(c)),
            _ => self.charset,
        };
        Self { max_len: self.max_len, ..Self::of_charset(charset) }.normalized()
    }

    /// All characters of `removed` replaced by `replacement` (a global replace of a character class).
    ///
    /// `removed` must be an under-approximation: characters outside ASCII count only if all of them are removed.
    #[must_use]
    pub fn replace_all_chars(&self, removed: CharSet, replacement: &str) -> Self {
        let added = CharSet::of(replacement);
        let gone = |set: CharSet| if set.meets(removed) { set.minus(removed).union(added) } else { set };
        // An empty replacement uncovers what comes next.
        let uncovered = self.charset.minus(removed);
        let end = |set: CharSet| if set.meets(removed) && replacement.is_empty() { uncovered } else { gone(set) };
        let longer = utf16_len(replacement).max(1);
        Self {
            first: end(self.first),
            last: end(self.last),
            min_len: if replacement.is_empty() { 0 } else { self.min_len.min(1) },
            max_len: self.max_len.map(|max| max.saturating_mul(longer)),
            quoted: self.quoted.after_replacing(removed, replacement),
            ..Self::of_charset(gone(self.charset))
        }
        .normalized()
    }

    /// Any other replacement (a sequence, a pattern that is not understood, or only the first match): nothing is known
    /// to be gone, and the characters of the replacement may be new.
    #[must_use]
    pub fn replace_some(&self, replacement: &Self) -> Self {
        Self::of_charset(self.charset.union(replacement.charset))
    }

    /// `replaceAll(needle, replacement)` with constant text: removes a single character, computes literals through, and
    /// proves nothing for longer needles (`....//` still yields `../`). An exception is `..`: from a run of dots at most
    /// one is left, so no `..` can reassemble.
    #[must_use]
    pub fn replace_all_text(&self, needle: &str, replacement: &str) -> Self {
        if let Some(exact) = self.map_literals(|text| text.replace(needle, replacement)) {
            return exact;
        }
        let mut characters = needle.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) if c.is_ascii() && !replacement.contains(c) => {
                self.replace_all_chars(CharSet::single(c), replacement)
            }
            (Some(c), None) if c.is_ascii() => {
                self.escape_char(c, replacement).unwrap_or_else(|| self.replace_some(&Self::exact(replacement)))
            }
            _ if needle == ".." => self.without_double_dots(replacement),
            _ => self.replace_some(&Self::exact(replacement)),
        }
    }

    /// The value after every run of at least two dots, and perhaps text after it, has been replaced by `replacement`.
    #[must_use]
    pub(super) fn without_double_dots(&self, replacement: &str) -> Self {
        let mut props = self.replace_some(&Self::exact(replacement));
        if !replacement.contains('.') {
            props.path.dotdot = super::path::DotDot::No;
        }
        props
    }

    /// `encodeURIComponent`, `urllib.parse.quote(safe="")`.
    #[must_use]
    pub fn encode_uri_component(&self) -> Self {
        Self { quoted: Quoting::Url, ..self.percent_encode(CharSet::URI_COMPONENT.minus(CharSet::of("%"))) }
    }

    /// `encodeURI`: the delimiters of a URL survive.
    #[must_use]
    pub fn encode_uri(&self) -> Self {
        self.percent_encode(CharSet::URI.minus(CharSet::of("%")))
    }

    /// Percent-encoding of everything outside `kept`. `urllib.parse.quote` keeps `/` by default: pass it in `kept`.
    #[must_use]
    pub fn percent_encode(&self, kept: CharSet) -> Self {
        let kept = kept.intersect(CharSet::ASCII);
        if let Some(exact) = self.map_literals(|text| percent_encode(text, kept)) {
            return exact;
        }
        let escapes = !self.charset.is_subset(kept);
        let output = |set: CharSet, escape: CharSet| {
            set.intersect(kept).union(if set.is_subset(kept) { CharSet::NONE } else { escape })
        };
        let upper_hex = CharSet::DIGITS.union(CharSet::range(b'A', b'F'));
        Self {
            first: output(self.first, CharSet::of("%")),
            last: output(self.last, upper_hex),
            min_len: self.min_len,
            max_len: if escapes { self.max_len.map(|max| max.saturating_mul(9)) } else { self.max_len },
            ..Self::of_charset(output(self.charset, CharSet::of("%").union(upper_hex)))
        }
        .normalized()
    }

    /// `JSON.stringify`, `json.dumps` of a string: a quoted literal. Not a shell quoting: `$` and backticks survive.
    #[must_use]
    pub fn json_stringify(&self) -> Self {
        let added = CharSet::of("\"\\u").union(CharSet::HEX).union(CharSet::of("bfnrt"));
        Self {
            first: CharSet::of("\""),
            last: CharSet::of("\""),
            min_len: self.min_len.saturating_add(2),
            quoted: Quoting::Json,
            ..Self::of_charset(self.charset.minus(CharSet::range(0, 31)).union(added))
        }
        .normalized()
    }

    /// `JSON.stringify` of a value that need not be a text.
    #[must_use]
    pub fn json_value() -> Self {
        Self { quoted: Quoting::Json, ..Self::of_charset(CharSet::ALL) }
    }

    /// `shlex.quote` and its like: one word for a POSIX shell.
    #[must_use]
    pub fn shell_quote(&self) -> Self {
        let added = CharSet::of("'\"\\");
        Self {
            first: self.first.union(added),
            last: self.last.union(added),
            min_len: 1,
            quoted: Quoting::ShellWord,
            ..Self::of_charset(self.charset.union(added))
        }
        .normalized()
    }

    /// `html.escape` and its like: `<`, `>`, `&`, `"` and `'` only as entities.
    #[must_use]
    pub fn html_escape(&self) -> Self {
        let charset = self.charset.minus(CharSet::of("<>\"'")).union(CharSet::of("&#;x").union(CharSet::ALNUM));
        Self { quoted: Quoting::Html, ..Self::of_charset(charset) }
    }

    /// `decodeURIComponent`, base-64 and other decoders: whatever was known of the encoded text is void.
    #[must_use]
    pub fn decode(&self) -> Self {
        Self::top()
    }

    /// Hexadecimal text (`toString("hex")`, `hexdigest`), lower case.
    #[must_use]
    pub fn hex() -> Self {
        Self::of_charset(CharSet::DIGITS.union(CharSet::range(b'a', b'f')))
    }

    /// `repeat`, `padStart` with these characters, reversal, sorting: same characters, nothing else kept.
    #[must_use]
    pub fn rearranged(&self) -> Self {
        Self::of_charset(self.charset)
    }

    /// The last path component (`path.basename`, `os.path.basename`, `Path.name`).
    #[must_use]
    pub fn basename(&self) -> Self {
        if let Some(exact) = self.map_literals(|text| text.rsplit('/').next().unwrap_or_default().to_owned()) {
            return exact;
        }
        let charset = self.charset.minus(CharSet::of("/"));
        let name = Self { max_len: self.max_len, path: PathState::of_charset(charset), ..Self::of_charset(charset) };
        if !self.is_nonempty() || self.last.contains('/') {
            return name.normalized();
        }
        // What does not end with a separator ends with its last component.
        let mut name = Self { last: self.last, min_len: 1, ..name };
        if !name.last.contains('.') {
            name.path.dotdot = DotDot::No;
            name.path.is_not_parent = true;
        }
        name.normalized()
    }

    /// The last component of a path without its extension (`PurePath.stem`).
    #[must_use]
    pub fn path_stem(&self) -> Self {
        self.map_literals(|text| split_extension(text).0.to_owned()).unwrap_or_else(|| self.basename())
    }

    /// The extension of the last component of a path (`PurePath.suffix`): empty, or one dot and what follows it.
    #[must_use]
    pub fn path_suffix(&self) -> Self {
        self.map_literals(|text| split_extension(text).1.to_owned()).unwrap_or_else(|| {
            let mut suffix = self.basename();
            suffix.path.dotdot = super::path::DotDot::No;
            suffix
        })
    }

    /// Applies `map` to every literal, when the value has only literals.
    fn map_literals(&self, map: impl Fn(&str) -> String) -> Option<Self> {
        self.lits.as_ref().map(|lits| Self::one_of(lits.iter().map(|lit| map(lit))))
    }
}

/// The last component of a path, before and from the dot of its extension.
fn split_extension(path: &str) -> (&str, &str) {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => name.split_at(dot),
        _ => (name, ""),
    }
}

/// Characters, ends and length of a text that is put together piece by piece.
struct Run {
    charset: CharSet,
    first: CharSet,
    last: CharSet,
    min_len: u32,
    max_len: Option<u32>,
}

impl Run {
    fn of_text(text: &str) -> Self {
        let end = |c: Option<char>| c.map_or(CharSet::NONE, CharSet::single);
        let mut chars = text.chars();
        let (first, last) = (chars.clone().next(), chars.next_back());
        let len = utf16_len(text);
        Self { charset: CharSet::of(text), first: end(first), last: end(last), min_len: len, max_len: Some(len) }
    }

    fn of_props(props: &StrProps) -> Self {
        let StrProps { charset, first, last, min_len, max_len, .. } = *props;
        Self { charset, first, last, min_len, max_len }
    }

    fn followed_by(&self, next: &Self) -> Self {
        let if_empty = |run: &Self, set: CharSet| if run.min_len > 0 { CharSet::NONE } else { set };
        Self {
            charset: self.charset.union(next.charset),
            first: self.first.union(if_empty(self, next.first)),
            last: next.last.union(if_empty(next, self.last)),
            min_len: self.min_len.saturating_add(next.min_len),
            max_len: self.max_len.zip(next.max_len).map(|(a, b)| a.saturating_add(b)),
        }
    }

    fn props(self) -> StrProps {
        let Self { charset, first, last, min_len, max_len } = self;
        StrProps { first, last, min_len, max_len, ..StrProps::of_charset(charset) }
    }
}

/// Every text of the one list followed by every one of the other; none when there are too many.
fn followed_by(before: &[String], next: &[std::rc::Rc<str>]) -> Option<Vec<String>> {
    if before.len() * next.len() > super::props::MAX_LITERALS {
        return None;
    }
    let mut all: Vec<String> = before.iter().flat_map(|a| next.iter().map(move |b| format!("{a}{b}"))).collect();
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn percent_encode(text: &str, kept: CharSet) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if kept.contains(char::from(byte)) && byte.is_ascii() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
