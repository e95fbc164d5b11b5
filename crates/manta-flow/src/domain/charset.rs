//! Sets of characters, the smallest fact a sanitizer leaves behind.
//!
//! ASCII is exact, because every metacharacter of every sink is ASCII. Everything above it is one
//! bit: "may contain some character outside ASCII".

use std::fmt;

/// The characters a string may contain: 128 ASCII bits and one bit for all of the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CharSet {
    ascii: u128,
    other: bool,
}

impl CharSet {
    /// No character at all.
    pub const NONE: Self = Self { ascii: 0, other: false };
    /// Every character.
    pub const ALL: Self = Self { ascii: u128::MAX, other: true };
    /// Every ASCII character.
    pub const ASCII: Self = Self { ascii: u128::MAX, other: false };
    /// Every character outside ASCII.
    pub const NON_ASCII: Self = Self { ascii: 0, other: true };
    /// `0`–`9`.
    pub const DIGITS: Self = Self::range(b'0', b'9');
    /// `0`–`9`, `a`–`f`, `A`–`F`.
    pub const HEX: Self = Self::DIGITS.union(Self::range(b'a', b'f')).union(Self::range(b'A', b'F'));
    /// `a`–`z`.
    pub const LOWER: Self = Self::range(b'a', b'z');
    /// `A`–`Z`.
    pub const UPPER: Self = Self::range(b'A', b'Z');
    /// ASCII letters.
    pub const ALPHA: Self = Self::LOWER.union(Self::UPPER);
    /// ASCII letters and digits.
    pub const ALNUM: Self = Self::ALPHA.union(Self::DIGITS);
    /// What `\w` means without Unicode: letters, digits, `_`.
    pub const WORD: Self = Self::ALNUM.union(Self::of("_"));
    /// ASCII white space: space, tab, newline, carriage return, vertical tab, form feed.
    pub const SPACE: Self = Self::of(" \t\n\r\x0b\x0c");
    /// Line feed and carriage return.
    pub const NEWLINES: Self = Self::of("\n\r");
    /// What a decimal number may print as, `NaN` and `Infinity` left out (see [`Self::JS_NUMBER`]).
    pub const NUMBER: Self = Self::DIGITS.union(Self::of("+-.eE"));
    /// What `String(number)` may print in JavaScript, `NaN` and `Infinity` included.
    pub const JS_NUMBER: Self = Self::NUMBER.union(Self::of("NaInfity"));
    /// The output alphabet of `encodeURIComponent`.
    pub const URI_COMPONENT: Self = Self::ALNUM.union(Self::of("-_.!~*'()%"));
    /// The output alphabet of `encodeURI`.
    pub const URI: Self = Self::URI_COMPONENT.union(Self::of(";/?:@&=+$,#"));
    /// The URL-safe and the plain base-64 alphabet together.
    pub const BASE64: Self = Self::ALNUM.union(Self::of("+/=-_"));
    /// Path separators of POSIX and Windows.
    pub const PATH_SEPARATORS: Self = Self::of("/\\");

    /// The ASCII characters of `text`; a character outside ASCII sets the non-ASCII bit.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut set = Self::NONE;
        let mut i = 0;
        while i < bytes.len() {
            if bytes[i] < 128 {
                set.ascii |= 1 << bytes[i];
            } else {
                set.other = true;
            }
            i += 1;
        }
        set
    }

    /// All ASCII characters from `low` to `high`, both included. Bytes above 127 are ignored.
    #[must_use]
    pub const fn range(low: u8, high: u8) -> Self {
        let mut set = Self::NONE;
        let mut byte = low;
        while byte <= high && byte < 128 {
            set.ascii |= 1 << byte;
            byte += 1;
        }
        set
    }

    /// The set of one character; one outside ASCII stands for all of them.
    #[must_use]
    pub const fn single(c: char) -> Self {
        if c.is_ascii() { Self { ascii: 1 << (c as u32), other: false } } else { Self::NON_ASCII }
    }

    /// Characters in either set.
    #[must_use]
    pub const fn union(self, with: Self) -> Self {
        Self { ascii: self.ascii | with.ascii, other: self.other || with.other }
    }

    /// Characters in both sets.
    #[must_use]
    pub const fn intersect(self, with: Self) -> Self {
        Self { ascii: self.ascii & with.ascii, other: self.other && with.other }
    }

    /// Characters of this set that are not in `without`.
    #[must_use]
    pub const fn minus(self, without: Self) -> Self {
        Self { ascii: self.ascii & !without.ascii, other: self.other && !without.other }
    }

    /// Every character that is not in this set.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self::ALL.minus(self)
    }

    /// Whether the set admits `c`.
    #[must_use]
    pub const fn contains(self, c: char) -> bool {
        if c.is_ascii() { self.ascii & (1 << (c as u32)) != 0 } else { self.other }
    }

    /// Whether characters outside ASCII are admitted.
    #[must_use]
    pub const fn has_non_ascii(self) -> bool {
        self.other
    }

    /// Whether no character is admitted.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.ascii == 0 && !self.other
    }

    /// Whether every character of this set is in `of`.
    #[must_use]
    pub const fn is_subset(self, of: Self) -> bool {
        self.minus(of).is_empty()
    }

    /// Whether the sets share a character.
    #[must_use]
    pub const fn meets(self, with: Self) -> bool {
        !self.intersect(with).is_empty()
    }

    /// Whether no character of `text` is in the set.
    #[must_use]
    pub const fn excludes(self, text: &str) -> bool {
        !self.meets(Self::of(text))
    }

    /// Whether every character of `text` is in the set.
    #[must_use]
    pub fn admits(self, text: &str) -> bool {
        text.chars().all(|c| self.contains(c))
    }

    /// Number of ASCII members.
    #[must_use]
    pub const fn ascii_len(self) -> u32 {
        self.ascii.count_ones()
    }

    /// The ASCII members in code order.
    pub fn ascii_chars(self) -> impl Iterator<Item = char> {
        (0u8..128).map(char::from).filter(move |&c| self.contains(c))
    }

    /// The set after lower-casing. `İ` and the Kelvin sign become ASCII letters on the way.
    #[must_use]
    pub fn to_lower(self) -> Self {
        let folded = CharSet { ascii: (self.ascii & Self::UPPER.ascii) << 32, other: false };
        let from_other = if self.other { Self::of("ik") } else { Self::NONE };
        self.minus(Self::UPPER).union(folded).union(from_other)
    }

    /// The set after upper-casing. `ß`, ligatures and others become ASCII letters on the way.
    #[must_use]
    pub fn to_upper(self) -> Self {
        let folded = CharSet { ascii: (self.ascii & Self::LOWER.ascii) >> 32, other: false };
        let from_other = if self.other { Self::UPPER } else { Self::NONE };
        self.minus(Self::LOWER).union(folded).union(from_other)
    }

    /// The set with both cases of every ASCII letter in it.
    #[must_use]
    pub const fn both_cases(self) -> Self {
        let down = (self.ascii & Self::UPPER.ascii) << 32;
        let up = (self.ascii & Self::LOWER.ascii) >> 32;
        Self { ascii: self.ascii | down | up, other: self.other }
    }

    /// One member, chosen for how well it reads in an example: letters first, control characters
    /// last. `None` for the empty set.
    #[must_use]
    pub fn example(self) -> Option<char> {
        const BY_READABILITY: [CharSet; 5] =
            [CharSet::LOWER, CharSet::UPPER, CharSet::DIGITS, CharSet::range(b'!', b'~'), CharSet::ASCII];
        let pick = |class: &Self| self.intersect(*class).ascii_chars().next();
        BY_READABILITY.iter().find_map(pick).or(self.other.then_some('é'))
    }
}

impl fmt::Display for CharSet {
    /// For messages: `` `;`, `a`-`z`, newline ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("any character");
        }
        // A deny-list reads better by what it leaves out.
        if self.ascii_len() > 80 && self.other {
            return write!(f, "all but {}", self.complement());
        }
        let mut separator = "";
        for (low, high) in self.runs() {
            f.write_str(separator)?;
            separator = ", ";
            match (high as u8) - (low as u8) {
                0 => write_char(f, low)?,
                1 => {
                    write_char(f, low)?;
                    f.write_str(", ")?;
                    write_char(f, high)?;
                }
                _ => {
                    write_char(f, low)?;
                    f.write_str("-")?;
                    write_char(f, high)?;
                }
            }
        }
        if self.other {
            write!(f, "{separator}non-ASCII")?;
        }
        if self.is_empty() {
            f.write_str("nothing")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CharSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl CharSet {
    /// Maximal runs of ASCII members. Printed punctuation never hides inside a run with letters.
    fn runs(self) -> Vec<(char, char)> {
        let kind = |c: char| match c {
            '0'..='9' => 0,
            'a'..='z' => 1,
            'A'..='Z' => 2,
            '\0'..='\x1f' if !"\t\n\r".contains(c) => 3,
            _ => 4,
        };
        let mut runs: Vec<(char, char)> = Vec::new();
        for c in self.ascii_chars() {
            match runs.last_mut() {
                Some((_, high)) if *high as u32 + 1 == c as u32 && kind(*high) == kind(c) && kind(c) != 4 => *high = c,
                _ => runs.push((c, c)),
            }
        }
        runs
    }
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\n' => f.write_str("newline"),
        '\r' => f.write_str("carriage return"),
        '\t' => f.write_str("tab"),
        ' ' => f.write_str("space"),
        '`' => f.write_str("backtick"),
        c if c.is_ascii_control() => write!(f, "\\x{:02x}", c as u32),
        c => write!(f, "`{c}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_read_well_in_messages() {
        assert_eq!(CharSet::of(";\n`").to_string(), "newline, `;`, backtick");
        assert_eq!(CharSet::WORD.to_string(), "`0`-`9`, `A`-`Z`, `_`, `a`-`z`");
        assert_eq!(CharSet::NONE.to_string(), "nothing");
        assert_eq!(CharSet::ALL.to_string(), "any character");
        assert_eq!(CharSet::of(";\n").complement().to_string(), "all but newline, `;`");
    }

    #[test]
    fn algebra_agrees_with_membership() {
        let (a, b) = (CharSet::WORD, CharSet::of("_-é"));
        for c in (0u8..128).map(char::from).chain(['é']) {
            assert_eq!(a.union(b).contains(c), a.contains(c) || b.contains(c));
            assert_eq!(a.intersect(b).contains(c), a.contains(c) && b.contains(c));
            assert_eq!(a.minus(b).contains(c), a.contains(c) && !b.contains(c));
            assert_eq!(a.complement().contains(c), !a.contains(c));
        }
    }

    #[test]
    fn case_mapping_covers_characters_that_leave_or_enter_ascii() {
        for c in ('\u{0}'..='\u{ffff}').filter(|c| !c.is_control()) {
            let set = CharSet::single(c);
            assert!(set.to_lower().admits(&c.to_lowercase().to_string()), "{c}");
            assert!(set.to_upper().admits(&c.to_uppercase().to_string()), "{c}");
        }
    }

    #[test]
    fn examples_prefer_readable_characters() {
        assert_eq!(CharSet::ALL.example(), Some('a'));
        assert_eq!(CharSet::of("\n;").example(), Some(';'));
        assert_eq!(CharSet::NON_ASCII.example(), Some('é'));
        assert_eq!(CharSet::NONE.example(), None);
    }
}
