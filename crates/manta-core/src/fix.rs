//! Repairs: edits of source text that would make a finding go away.

use crate::source::{Location, Span};

/// Whether a repair may be made without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Safety {
    /// Behaviour changes for somebody; a person has to agree.
    Unsafe,
    /// Only what the finding is about behaves differently.
    Safe,
}

impl Safety {
    /// The word reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsafe => "unsafe",
            Self::Safe => "safe",
        }
    }
}

/// A piece of text to put in the place of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub at: Location,
    /// The new text.
    pub text: String,
}

/// A repair of one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does: an imperative, lowercase, no full stop.
    pub title: String,
    /// Whether it may be made without asking.
    pub safety: Safety,
    /// Why it is not safe, or empty.
    pub reason: String,
    /// All of them or none: half a repair is a new defect. They don't overlap, and stand in one file.
    pub edits: Vec<Edit>,
}

/// Applies edits to the text they were made for. `None` when one lies outside of it, cuts a character, or two
/// overlap: whoever made them looked at another text.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut in_order: Vec<&Edit> = edits.iter().collect();
    in_order.sort();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in in_order {
        let Span { start, end } = edit.at.span;
        let (start, end) = (start as usize, end as usize);
        if start < done || end < start {
            return None;
        }
        out.push_str(text.get(done..start)?);
        text.get(start..end)?;
        out.push_str(&edit.text);
        done = end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn edit(start: u32, end: u32, text: &str) -> Edit {
        Edit { at: Location::new(FileId(0), Span::new(start, end)), text: text.to_owned() }
    }

    #[test]
    fn edits_are_made_whatever_their_order() {
        let edits = [edit(4, 7, "three"), edit(0, 3, "two"), edit(3, 3, ",")];
        assert_eq!(apply("one two", &edits).as_deref(), Some("two, three"));
        assert_eq!(apply("same", &[]).as_deref(), Some("same"));
    }

    #[test]
    fn edits_of_another_text_are_refused() {
        for edits in
            [vec![edit(0, 9, "")], vec![edit(1, 2, "")], vec![edit(0, 3, ""), edit(2, 4, "")], vec![edit(3, 2, "")]]
        {
            assert_eq!(apply("é two", &edits), None, "{edits:?}");
        }
    }
}
