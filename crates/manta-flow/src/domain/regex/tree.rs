//! The dialect-neutral regular expression tree.

use crate::domain::charset::CharSet;

/// A set of characters known from both sides: `must` ⊆ the real set ⊆ `may`.
///
/// ASCII is usually exact; the two differ where a class holds some, but not all, characters outside ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) may: CharSet,
    /// Its non-ASCII bit means that *all* characters outside ASCII are in.
    pub(super) must: CharSet,
}

impl Class {
    pub(super) const NONE: Self = Self::exact(CharSet::NONE);
    pub(super) const ALL: Self = Self::exact(CharSet::ALL);

    /// A set that is all or nothing outside ASCII.
    pub(super) const fn exact(set: CharSet) -> Self {
        Self { may: set, must: set }
    }

    /// `ascii` and some characters outside ASCII.
    pub(super) const fn and_some_non_ascii(ascii: CharSet) -> Self {
        Self { may: ascii.union(CharSet::NON_ASCII), must: ascii }
    }

    /// Code points from `low` to `high`, where `greatest` is the greatest there is.
    pub(super) fn range(low: u32, high: u32, greatest: u32) -> Self {
        let byte = |code: u32| u8::try_from(code.min(255)).unwrap_or(255);
        let ascii = if low < 128 { CharSet::range(byte(low), byte(high).min(127)) } else { CharSet::NONE };
        if high < 128 {
            Self::exact(ascii)
        } else if low <= 128 && high >= greatest {
            Self::exact(ascii.union(CharSet::NON_ASCII))
        } else {
            Self::and_some_non_ascii(ascii)
        }
    }

    pub(super) const fn union(self, with: Self) -> Self {
        Self { may: self.may.union(with.may), must: self.must.union(with.must) }
    }

    pub(super) const fn complement(self) -> Self {
        Self { may: self.must.complement(), must: self.may.complement() }
    }

    /// The class under case folding. `crossing`: folding relates ASCII and other characters (`K` and the Kelvin sign).
    pub(super) fn fold_case(self, crossing: bool) -> Self {
        const CROSSING: CharSet = CharSet::of("iksIKS");
        let mut may = self.may.both_cases();
        if crossing && may.has_non_ascii() {
            may = may.union(CROSSING);
        }
        if crossing && may.meets(CROSSING) {
            may = may.union(CharSet::NON_ASCII);
        }
        Self { may, must: self.must.both_cases() }
    }
}

/// A condition on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    /// Start of the subject.
    Start,
    /// End of the subject.
    End,
    /// End, or before a final newline (`$` in Python).
    EndOrFinalNewline,
    /// Start, or after a character of this class.
    LineStart(Class),
    /// End, or before a character of this class.
    LineEnd(Class),
    /// Between a word character and none; the class says which are word characters.
    WordBoundary(Class),
    /// The opposite.
    NotWordBoundary(Class),
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// The empty string.
    Empty,
    /// One character.
    Class(Class),
    /// One after the other.
    Concat(Vec<Node>),
    /// Any of them.
    Alt(Vec<Node>),
    /// Repeated.
    Repeat { node: Box<Node>, min: u32, max: Option<u32> },
    /// A zero-width condition.
    Assert(Assertion),
    /// Look-ahead.
    Ahead { node: Box<Node>, negative: bool },
    /// Something whose matches are among those of the inner expression: atomic groups, look-behind, back-references.
    AtMost(Box<Node>),
}

impl Node {
    /// Any string.
    pub(super) fn anything() -> Self {
        Self::Repeat { node: Box::new(Self::Class(Class::ALL)), min: 0, max: None }
    }
}
