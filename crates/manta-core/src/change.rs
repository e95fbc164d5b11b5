//! What differs between two states of a tree that is being edited.

use crate::project::ProjectInput;
use crate::source::{FileId, Location, Span};

/// A change inside one file, and how places move with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextChange {
    /// The file.
    pub file: FileId,
    /// What was replaced, in the old text.
    pub old: Span,
    /// What it was replaced with, in the new one.
    pub new: Span,
}

impl TextChange {
    /// The change between two states; none when more than one file differs, or another file is there.
    #[must_use]
    pub fn between(before: &ProjectInput, after: &ProjectInput) -> Option<Self> {
        let (old, new) = (&before.sources, &after.sources);
        if old.len() != new.len() || !old.iter().zip(new.iter()).all(|((_, old), (_, new))| old.path == new.path) {
            return None;
        }
        let mut changed = old.iter().zip(new.iter()).filter(|((_, old), (_, new))| old.text != new.text);
        let ((file, old), (_, new)) = changed.next()?;
        if changed.next().is_some() {
            return None;
        }
        let (old, new) = (old.text.as_bytes(), new.text.as_bytes());
        let before = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let (old_rest, new_rest) = (&old[before..], &new[before..]);
        let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
        let span = |text: &[u8]| Some(Span::new(u32::try_from(before).ok()?, u32::try_from(text.len() - after).ok()?));
        Some(Self { file, old: span(old)?, new: span(new)? })
    }

    /// Where it is in the new text.
    #[must_use]
    pub fn at(&self) -> Location {
        Location::new(self.file, self.new)
    }

    /// Where a place of the old text is in the new one; none when it was replaced, wholly or in part.
    #[must_use]
    pub fn place(&self, at: Location) -> Option<Location> {
        if at.file != self.file || at.span.end <= self.old.start {
            return Some(at);
        }
        let moved = |offset: u32| offset - self.old.end + self.new.end;
        if at.span.start >= self.old.end {
            return Some(Location::new(at.file, Span::new(moved(at.span.start), moved(at.span.end))));
        }
        // Around the change.
        at.span.contains(self.old).then(|| Location::new(at.file, Span::new(at.span.start, moved(at.span.end))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(old: &str, new: &str) -> Option<TextChange> {
        let input = |text| ProjectInput::from_texts("t", [("a.py", "same"), ("b.py", text)]);
        TextChange::between(&input(old), &input(new))
    }

    #[test]
    fn a_change_is_what_differs() {
        let span = Span::new;
        let of = |old, new| change(old, new).map(|change| (change.old, change.new));
        assert_eq!(of("one two three", "one 2 three"), Some((span(4, 7), span(4, 5))));
        assert_eq!(of("aa", "aaa"), Some((span(2, 2), span(2, 3))));
        assert_eq!(of("aaa", "aa"), Some((span(2, 3), span(2, 2))));
        assert_eq!(of("same", "same"), None);
        let two = ProjectInput::from_texts("t", [("a.py", "x"), ("b.py", "y")]);
        let other = ProjectInput::from_texts("t", [("a.py", "y"), ("b.py", "x")]);
        let fewer = ProjectInput::from_texts("t", [("a.py", "x")]);
        assert_eq!(TextChange::between(&two, &other), None);
        assert_eq!(TextChange::between(&two, &fewer), None);
    }

    #[test]
    fn places_move_with_the_text() {
        let change = change("one two three", "one 2 three").unwrap();
        let at = |start, end| change.place(Location::new(FileId(1), Span::new(start, end))).map(|at| at.span);
        assert_eq!(at(0, 3), Some(Span::new(0, 3)));
        assert_eq!(at(8, 13), Some(Span::new(6, 11)));
        assert_eq!(at(0, 13), Some(Span::new(0, 11)), "around the change");
        assert_eq!(at(5, 9), None);
        let elsewhere = Location::new(FileId(0), Span::new(5, 6));
        assert_eq!(change.place(elsewhere), Some(elsewhere));
    }
}
