//! What string tests against constants prove: `startsWith`, `endsWith`, `includes` and their negations.

use super::charset::CharSet;
use super::path::{Abs, DotDot};
use super::props::{StrProps, utf16_len};
use super::url::UrlState;

impl StrProps {
    /// What is known of a string that starts with `text`.
    #[must_use]
    pub fn that_starts_with(text: &str) -> Self {
        let Some(first) = text.chars().next() else { return Self::top() };
        let mut props = Self { min_len: utf16_len(text), ..Self::top() };
        props.first = CharSet::single(first);
        props.path.abs = if first == '/' { Abs::Abs } else { Abs::Rel };
        props.url = UrlState::of_prefix(text, false);
        props.normalized()
    }

    /// What is known of a string that ends with `text`.
    #[must_use]
    pub fn that_ends_with(text: &str) -> Self {
        let Some(last) = text.chars().next_back() else { return Self::top() };
        let mut props = Self { min_len: utf16_len(text), ..Self::top() };
        props.last = CharSet::single(last);
        // A last component that is no `..` leaves the others open.
        props.normalized()
    }

    /// What is known of a string that contains `text`.
    #[must_use]
    pub fn that_includes(text: &str) -> Self {
        Self { min_len: utf16_len(text), ..Self::top() }.normalized()
    }

    /// What is known of a string that does not start with `text`: something only for a single ASCII character.
    #[must_use]
    pub fn that_starts_without(text: &str) -> Self {
        let mut props = Self::top();
        if let Some(only) = single_ascii(text) {
            props.first = props.first.minus(only);
        }
        props.normalized()
    }

    /// What is known of a string that does not end with `text`: something only for a single ASCII character.
    #[must_use]
    pub fn that_ends_without(text: &str) -> Self {
        let mut props = Self::top();
        if let Some(only) = single_ascii(text) {
            props.last = props.last.minus(only);
        }
        props.normalized()
    }

    /// What is known of a string that does not contain `text`: a character is missing, or `..` components are.
    #[must_use]
    pub fn that_excludes(text: &str) -> Self {
        if text.is_empty() {
            return Self::bottom();
        }
        let mut props = match single_ascii(text) {
            Some(only) => Self::of_charset(CharSet::ALL.minus(only)),
            None => Self::top(),
        };
        props.path.dotdot = props.path.dotdot.min(match text {
            "." | ".." => DotDot::No,
            "/" | "../" => DotDot::LastOnly,
            _ => DotDot::May,
        });
        props
    }
}

/// Only one ASCII character can be told apart from all others.
fn single_ascii(text: &str) -> Option<CharSet> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if c.is_ascii() => Some(CharSet::single(c)),
        _ => None,
    }
}
