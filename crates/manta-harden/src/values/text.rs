//! What a string may be.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Characters that a string may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// Any but controls (line feed, carriage return and tab are admitted), direction changes and
    /// characters that nobody can see (CWE-117, CWE-150, CWE-1007).
    #[default]
    Text,
    /// The same on one line.
    Line,
    /// Printable ASCII and the space.
    Ascii,
    /// ASCII letters, digits, `_`, `-`, `.`; not starting with `-` or `.`.
    Identifier,
    /// Anything JSON can carry.
    Any,
}

impl Charset {
    /// The first character of `text` that doesn't belong, with its byte offset.
    #[must_use]
    pub fn first_refused(self, text: &str) -> Option<(usize, char)> {
        text.char_indices().find(|&(at, c)| !self.admits(c, at == 0))
    }

    fn admits(self, c: char, is_first: bool) -> bool {
        match self {
            Self::Text => matches!(c, '\n' | '\r' | '\t') || is_visible(c),
            Self::Line => is_visible(c),
            Self::Ascii => matches!(c, ' '..='~'),
            Self::Identifier => c.is_ascii_alphanumeric() || c == '_' || (!is_first && matches!(c, '-' | '.')),
            Self::Any => true,
        }
    }
}

/// Joiners inside words and emoji are admitted: several scripts need them.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Length, characters and form of a string.
#[derive(Debug, Clone)]
pub struct TextRule {
    min_len: usize,
    max_len: usize,
    charset: Charset,
    pattern: Option<Regex>,
}

impl Default for TextRule {
    /// Up to 10,000 visible characters, line breaks admitted.
    fn default() -> Self {
        Self { min_len: 0, max_len: 10_000, charset: Charset::Text, pattern: None }
    }
}

impl TextRule {
    /// Up to 10,000 visible characters on one line.
    #[must_use]
    pub fn line() -> Self {
        Self { charset: Charset::Line, ..Self::default() }
    }

    /// Up to 255 characters of a name: letters, digits, `_`, `-`, `.`.
    #[must_use]
    pub fn identifier() -> Self {
        Self { min_len: 1, max_len: 255, charset: Charset::Identifier, pattern: None }
    }

    /// Fewest characters (code points).
    #[must_use]
    pub const fn min_len(mut self, characters: usize) -> Self {
        self.min_len = characters;
        self
    }

    /// Most characters (code points).
    #[must_use]
    pub const fn max_len(mut self, characters: usize) -> Self {
        self.max_len = characters;
        self
    }

    /// Which characters.
    #[must_use]
    pub const fn charset(mut self, charset: Charset) -> Self {
        self.charset = charset;
        self
    }

    /// An expression that the whole text must match. It runs in linear time; look-around and
    /// back-references don't exist (CWE-1333).
    ///
    /// # Errors
    /// A sentence when the expression is not valid or needs more than 1 MiB.
    pub fn pattern(mut self, pattern: &str) -> Result<Self, String> {
        let build = |text: &str| RegexBuilder::new(text).size_limit(1 << 20).build().map_err(|error| error.to_string());
        // Alone first, so that `a)|(?:b` can't close the group around it.
        build(pattern)?;
        self.pattern = Some(build(&format!(r"\A(?:{pattern})\z"))?);
        Ok(self)
    }

    /// Whether `text` is admitted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, text: &str) -> Result<(), TextProblem> {
        // Bytes bound characters from above, so a huge text is refused without being read.
        let length = if text.len() <= self.max_len { text.len() } else { text.chars().take(self.max_len + 1).count() };
        if length > self.max_len {
            return Err(TextProblem::TooLong(self.max_len));
        }
        if text.len() < self.min_len || text.chars().take(self.min_len).count() < self.min_len {
            return Err(TextProblem::TooShort(self.min_len));
        }
        if let Some((at, c)) = self.charset.first_refused(text) {
            return Err(TextProblem::Character { at, code: c.into() });
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(text) => Err(TextProblem::Form),
            _ => Ok(()),
        }
    }
}

/// What is wrong with a text. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextProblem {
    /// Fewer characters than this.
    TooShort(usize),
    /// More characters than this.
    TooLong(usize),
    /// A character that is not admitted.
    Character {
        /// Byte offset.
        at: usize,
        /// Code point.
        code: u32,
    },
    /// The pattern does not match.
    Form,
}

impl fmt::Display for TextProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(min) => write!(f, "expected at least {min} characters"),
            Self::TooLong(max) => write!(f, "expected at most {max} characters"),
            Self::Character { at, code } => write!(f, "the character U+{code:04X} at byte {at} is not allowed"),
            Self::Form => f.write_str("the text does not have the required form"),
        }
    }
}
