//! The abstract string: every fact a check or sanitizer has established about a value.

use std::rc::Rc;

use super::charset::CharSet;
use super::path::{DotDot, PathState};
use super::url::UrlState;

/// Most literals kept per value; beyond, only the other properties describe it.
pub const MAX_LITERALS: usize = 16;

/// An over-approximation of the strings a value may be.
///
/// The values of this type form a lattice: [`join`](Self::join) is used where paths merge, [`refine`](Self::refine)
/// where a check adds knowledge. [`admits`](Self::admits) gives the meaning of the parts that talk about characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StrProps {
    /// Every character of the string is in here.
    pub charset: CharSet,
    /// The first character, if there is one, is in here. Subset of `charset`.
    pub first: CharSet,
    /// The last character, if there is one, is in here. Subset of `charset`.
    pub last: CharSet,
    /// When present, the string is one of these: sorted, at most [`MAX_LITERALS`]. Empty means unreachable.
    pub lits: Option<Rc<[Rc<str>]>>,
    /// Least length, in UTF-16 code units.
    pub min_len: u32,
    /// Greatest length, in UTF-16 code units; `None` is unbounded.
    pub max_len: Option<u32>,
    /// Whether a newline, if there is one, is the last character.
    pub newline_last: bool,
    /// How the text has been quoted or encoded as a whole.
    pub quoted: Quoting,
    /// What is known of the string as a file path.
    pub path: PathState,
    /// What is known of the string as a URL.
    pub url: UrlState,
}

/// The quoting that produced a string, so that it can be matched with the context it is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quoting {
    /// Not quoted as a whole.
    None,
    /// One shell word (`shlex.quote`): safe outside quotes, and only there.
    ShellWord,
    /// Text to stand inside shell single quotes: every `'` became `'\\''` or `'"'"'`. What the shell makes of it is the
    /// text before, in which these characters were preceded by a backslash.
    ShellSingle(CharSet),
    /// Each of these characters is preceded by a backslash. Without `\\` in the set the escaping can be escaped.
    Backslash(CharSet),
    /// Each of these characters is doubled (`''` in SQL).
    Doubled(CharSet),
    /// `encodeURIComponent` or `urllib.parse.quote(safe="")`.
    Url,
    /// `JSON.stringify`, `json.dumps`: a JavaScript or JSON literal.
    Json,
    /// An escaped SQL literal or identifier, quotes included.
    Sql,
    /// HTML-escaped text.
    Html,
}

/// One piece of a concatenation.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// Constant text of the program.
    Lit(&'a str),
    /// A value an attacker may influence.
    Hole(&'a StrProps),
    /// A value of the program or its administrator that is not known but not attacker-controlled either.
    Trusted(&'a StrProps),
}

/// A text without escapes of characters that are none of `signs`: `\n`, `\t`.
fn without_escapes(text: &str, signs: CharSet) -> String {
    let mut kept = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        let escaped = if c == '\\' { characters.next() } else { None };
        match escaped {
            Some(escaped) if !signs.contains(escaped) => {}
            _ => kept.extend(std::iter::once(c).chain(escaped)),
        }
    }
    kept
}

impl Quoting {
    /// The quoting after `added` has been escaped by backslashes in a text over `charset`.
    ///
    /// Escaping `\\` after other characters breaks their escapes; escaping it first, or where there is none, is right.
    #[must_use]
    pub fn backslash(self, added: CharSet, charset: CharSet) -> Self {
        let backslash = CharSet::of("\\");
        match self {
            Self::Backslash(earlier) if added.meets(backslash) && !earlier.is_empty() => Self::None,
            Self::Backslash(earlier) => Self::Backslash(earlier.union(added)),
            _ if !charset.meets(backslash) => Self::Backslash(added.union(backslash)),
            _ => Self::Backslash(added),
        }
    }

    /// The quoting after all of `removed` became `text`: what has no part in the escaping leaves it as it is, and so do
    /// whole escapes (`\n` for a newline) in a text whose backslashes are escaped.
    #[must_use]
    pub(super) fn after_replacing(self, removed: CharSet, text: &str) -> Self {
        let signs = match self {
            Self::Backslash(set) => set.union(CharSet::of("\\")),
            Self::ShellSingle(set) => set.union(CharSet::of("'\\")),
            Self::Doubled(set) => set,
            _ => return Self::None,
        };
        let added = match self {
            Self::Backslash(set) if set.contains('\\') => CharSet::of(&without_escapes(text, signs)),
            _ => CharSet::of(text),
        };
        if signs.meets(removed) || signs.meets(added) { Self::None } else { self }
    }

    /// The characters that are harmless because they are escaped by a backslash.
    #[must_use]
    pub fn backslashed(self) -> CharSet {
        match self {
            Self::Backslash(set) if set.contains('\\') => set,
            _ => CharSet::NONE,
        }
    }

    /// What holds of a text over `charset` that is quoted like this and of one over `other` that is quoted like `with`.
    ///
    /// A text without any of the characters that are escaped in the other is escaped as well.
    fn join(self, charset: CharSet, with: Self, other: CharSet) -> Self {
        let holds = |quoting: Self, charset: CharSet| match quoting {
            Self::Backslash(set) => set.contains('\\') && !charset.meets(set),
            Self::Doubled(set) => !charset.meets(set),
            Self::ShellSingle(set) => !charset.meets(set.union(CharSet::of("'"))),
            _ => false,
        };
        match (self, with) {
            _ if self == with || holds(self, other) => self,
            _ if holds(with, charset) => with,
            (Self::Backslash(a), Self::Backslash(b)) if a.contains('\\') && b.contains('\\') => {
                Self::Backslash(a.intersect(b))
            }
            (Self::Doubled(a), Self::Doubled(b)) if a.meets(b) => Self::Doubled(a.intersect(b)),
            (Self::ShellSingle(a), Self::ShellSingle(b)) => {
                Self::ShellSingle(Self::Backslash(a.intersect(b)).backslashed())
            }
            _ => Self::None,
        }
    }

    fn meet(self, with: Self) -> Self {
        match (self, with) {
            (Self::None, other) | (other, Self::None) => other,
            // Both hold; keep one, the same whichever comes first.
            (a, b) => {
                if format!("{a:?}") <= format!("{b:?}") {
                    a
                } else {
                    b
                }
            }
        }
    }
}

impl<'a> Part<'a> {
    /// The properties of a hole or trusted value.
    #[must_use]
    pub fn props(&self) -> Option<&'a StrProps> {
        match *self {
            Part::Lit(_) => None,
            Part::Hole(props) | Part::Trusted(props) => Some(props),
        }
    }
}

impl StrProps {
    /// Nothing known: any string.
    #[must_use]
    pub fn top() -> Self {
        Self::of_charset(CharSet::ALL)
    }

    /// Unreachable: no string at all.
    #[must_use]
    pub fn bottom() -> Self {
        Self::one_of(std::iter::empty::<&str>())
    }

    /// Exactly `text`.
    #[must_use]
    pub fn exact(text: &str) -> Self {
        Self::one_of([text])
    }

    /// One of `texts`. With more than [`MAX_LITERALS`] only what they have in common is kept.
    #[must_use]
    pub fn one_of<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        let mut lits: Vec<Rc<str>> = texts.into_iter().map(|text| Rc::from(text.as_ref())).collect();
        lits.sort_unstable();
        lits.dedup();
        Self::from_sorted(&lits)
    }

    /// Any string over `charset`.
    #[must_use]
    pub fn of_charset(charset: CharSet) -> Self {
        Self {
            charset,
            first: charset,
            last: charset,
            lits: None,
            min_len: 0,
            max_len: None,
            newline_last: false,
            quoted: Quoting::None,
            path: PathState::of_charset(charset),
            url: UrlState::UNKNOWN,
        }
        .normalized()
    }

    /// The text of a number: decimal, possibly with sign, fraction and exponent (`NaN` and `Infinity` included).
    #[must_use]
    pub fn number() -> Self {
        Self {
            first: CharSet::DIGITS.union(CharSet::of("-NI")),
            last: CharSet::DIGITS.union(CharSet::of("Ny")),
            min_len: 1,
            max_len: Some(32),
            ..Self::of_charset(CharSet::JS_NUMBER)
        }
        .normalized()
    }

    /// The text of an integer, without exponent (`int()` and `%d` in Python; JavaScript integers below 1e21).
    #[must_use]
    pub fn integer() -> Self {
        Self {
            first: CharSet::DIGITS.union(CharSet::of("-")),
            last: CharSet::DIGITS,
            min_len: 1,
            ..Self::of_charset(CharSet::DIGITS.union(CharSet::of("-")))
        }
        .normalized()
    }

    /// A UUID in its usual text form, in either case.
    #[must_use]
    pub fn uuid() -> Self {
        Self {
            first: CharSet::HEX,
            last: CharSet::HEX,
            min_len: 36,
            max_len: Some(36),
            ..Self::of_charset(CharSet::HEX.union(CharSet::of("-")))
        }
        .normalized()
    }

    /// Whether no string is admitted: the branch that holds this value cannot be taken.
    #[must_use]
    pub fn is_bottom(&self) -> bool {
        self.lits.as_deref().is_some_and(<[_]>::is_empty)
    }

    /// Whether the empty string is impossible.
    #[must_use]
    pub fn is_nonempty(&self) -> bool {
        self.min_len > 0
    }

    /// The single string this must be, if there is only one.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.lits.as_deref() {
            Some([only]) => Some(only),
            _ => None,
        }
    }

    /// Whether the value is one of finitely many strings that the program itself spells out.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.lits.is_some()
    }

    /// Whether `text` is possible as far as characters, length and literals are concerned.
    ///
    /// This is the concretisation that soundness is tested against.
    #[must_use]
    pub fn admits(&self, text: &str) -> bool {
        let len = utf16_len(text);
        let lits_ok = self.lits.as_deref().is_none_or(|lits| lits.iter().any(|lit| &**lit == text));
        lits_ok && len >= self.min_len && self.max_len.is_none_or(|max| len <= max) && self.admits_characters(text)
    }

    fn admits_characters(&self, text: &str) -> bool {
        self.charset.admits(text)
            && text.chars().next().is_none_or(|c| self.first.contains(c))
            && text.chars().next_back().is_none_or(|c| self.last.contains(c))
            && self.path.admits(text)
            && (!self.newline_last || !text.strip_suffix('\n').unwrap_or(text).contains('\n'))
    }

    /// The least value that admits everything either admits.
    #[must_use]
    pub fn join(&self, with: &Self) -> Self {
        if self.is_bottom() {
            return with.clone();
        }
        if with.is_bottom() || self == with {
            return self.clone();
        }
        let lits = match (&self.lits, &with.lits) {
            (Some(a), Some(b)) => merge_sorted(a, b),
            _ => None,
        };
        Self {
            charset: self.charset.union(with.charset),
            first: self.first.union(with.first),
            last: self.last.union(with.last),
            lits,
            min_len: self.min_len.min(with.min_len),
            max_len: self.max_len.zip(with.max_len).map(|(a, b)| a.max(b)),
            newline_last: self.newline_last && with.newline_last,
            quoted: self.quoted.join(self.charset, with.quoted, with.charset),
            path: self.path.join(&with.path),
            url: self.url.join(&with.url),
        }
    }

    /// What is known once both descriptions hold: the effect of a check that succeeded.
    #[must_use]
    pub fn refine(&self, with: &Self) -> Self {
        let lits = match (&self.lits, &with.lits) {
            (Some(a), Some(b)) => Some(a.iter().filter(|lit| b.contains(lit)).cloned().collect()),
            (Some(lits), None) | (None, Some(lits)) => Some(Rc::clone(lits)),
            (None, None) => None,
        };
        Self {
            charset: self.charset.intersect(with.charset),
            first: self.first.intersect(with.first),
            last: self.last.intersect(with.last),
            lits,
            min_len: self.min_len.max(with.min_len),
            max_len: match (self.max_len, with.max_len) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            newline_last: self.newline_last || with.newline_last,
            quoted: self.quoted.meet(with.quoted),
            path: self.path.meet(&with.path),
            url: self.url.meet(&with.url),
        }
        .normalized()
    }

    /// [`refine`](Self::refine) with a character set only.
    #[must_use]
    pub fn refine_charset(&self, charset: CharSet) -> Self {
        self.refine(&Self::of_charset(charset))
    }

    /// The value once it is known not to be `text`.
    #[must_use]
    pub fn refine_not(&self, text: &str) -> Self {
        let mut refined = self.clone();
        if let Some(lits) = &self.lits {
            refined.lits = Some(lits.iter().filter(|lit| &***lit != text).cloned().collect());
        } else if text.is_empty() {
            refined.min_len = refined.min_len.max(1);
        } else if text == ".." {
            refined.path.is_not_parent = true;
        }
        refined.normalized()
    }

    /// An admitted string that contains `core`, for use as an example; `None` if none was found.
    ///
    /// The core is padded with harmless characters where the ends or the length ask for it.
    #[must_use]
    pub fn witness(&self, core: &str) -> Option<String> {
        if let Some(lits) = &self.lits {
            return lits.iter().find(|lit| lit.contains(core)).map(|lit| lit.to_string());
        }
        let (head, tail) = (pad_with(self.first), pad_with(self.last));
        let mut candidates =
            vec![core.to_owned(), format!("{head}{core}"), format!("{core}{tail}"), format!("{head}{core}{tail}")];
        let missing = self.min_len.saturating_sub(utf16_len(core));
        if (1..=64).contains(&missing)
            && let Some(filler) = self.charset.example()
        {
            let fill = filler.to_string().repeat(missing as usize);
            candidates.push(format!("{head}{fill}{core}{tail}"));
        }
        candidates.into_iter().find(|text| self.admits(text))
    }

    /// Brings the parts in line with each other: literals filtered, ends within the charset, contradictions to bottom.
    #[must_use]
    pub(super) fn normalized(mut self) -> Self {
        self.first = self.first.intersect(self.charset);
        self.last = self.last.intersect(self.charset);
        if let Some(lits) = self.lits.take() {
            return self.with_literals(&lits);
        }
        let no_character = self.charset.is_empty() || self.first.is_empty() || self.last.is_empty();
        self.newline_last |= !self.charset.contains('\n');
        if !self.first.contains('/') {
            self.path.abs = super::path::Abs::Rel;
        } else if self.first == CharSet::of("/") && self.min_len > 0 {
            self.path.abs = super::path::Abs::Abs;
        }
        if no_character || self.max_len == Some(0) {
            return if self.min_len > 0 { Self::bottom() } else { self.with_literals(&[Rc::from("")]) };
        }
        if self.max_len.is_some_and(|max| max < self.min_len) {
            return Self::bottom();
        }
        self.path = self.path.within_charset(self.charset);
        // A single component is `..` only if it begins and ends with a dot.
        let may_be_dots = self.first.contains('.') && self.last.contains('.');
        if !may_be_dots && !self.charset.contains('/') {
            self.path.dotdot = DotDot::No;
        }
        self
    }

    /// Exactly those of `lits` that the other properties admit.
    fn with_literals(self, lits: &[Rc<str>]) -> Self {
        let kept: Vec<Rc<str>> = lits.iter().filter(|lit| self.admits(lit)).cloned().collect();
        let exact = Self::from_sorted(&kept);
        Self { quoted: self.quoted, path: exact.path.meet(&self.path), url: exact.url.meet(&self.url), ..exact }
    }

    fn from_sorted(lits: &[Rc<str>]) -> Self {
        let union = |pick: fn(&str) -> CharSet| lits.iter().fold(CharSet::NONE, |set, lit| set.union(pick(lit)));
        Self {
            charset: union(CharSet::of),
            first: union(|lit| lit.chars().next().map_or(CharSet::NONE, CharSet::single)),
            last: union(|lit| lit.chars().next_back().map_or(CharSet::NONE, CharSet::single)),
            min_len: lits.iter().map(|lit| utf16_len(lit)).min().unwrap_or(0),
            max_len: Some(lits.iter().map(|lit| utf16_len(lit)).max().unwrap_or(0)),
            newline_last: lits.iter().all(|lit| !lit.strip_suffix('\n').unwrap_or(lit).contains('\n')),
            lits: (lits.len() <= MAX_LITERALS).then(|| Rc::from(lits)),
            quoted: Quoting::None,
            path: PathState::of_literals(lits),
            url: UrlState::of_literals(lits),
        }
    }
}

impl Default for StrProps {
    fn default() -> Self {
        Self::top()
    }
}

/// Length in UTF-16 code units, the larger of the counts the two source languages use.
pub(super) fn utf16_len(text: &str) -> u32 {
    let len = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Sorted union, or `None` when it has more than [`MAX_LITERALS`] members.
fn merge_sorted(a: &[Rc<str>], b: &[Rc<str>]) -> Option<Rc<[Rc<str>]>> {
    let mut all: Vec<Rc<str>> = a.iter().chain(b).cloned().collect();
    all.sort_unstable();
    all.dedup();
    (all.len() <= MAX_LITERALS).then(|| Rc::from(all))
}

/// The padding character of a set: empty when none is needed to explain the example.
fn pad_with(set: CharSet) -> String {
    set.example().map(String::from).unwrap_or_default()
}
