//! Which patterns a text needs: compiling every one takes longer than a usual scan.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};

use super::rules::{RULES, source};

/// What the build script found in the patterns.
mod words {
    include!(concat!(env!("OUT_DIR"), "/injection_words.rs"));
}

#[expect(clippy::declare_interior_mutable_const, reason = "only the beginning of each place, never read")]
const NOT_YET: OnceLock<Regex> = OnceLock::new();
static COMPILED: [OnceLock<Regex>; RULES.len()] = [NOT_YET; RULES.len()];

/// The compiled patterns that may match somewhere in the text, in their order. None that matches is left out.
pub(super) fn candidates(text: &[u8]) -> impl Iterator<Item = (usize, &'static Regex)> {
    let begun = words::OPEN.iter().copied().chain(begun(text)).collect::<BTreeSet<usize>>();
    begun.into_iter().filter(|number| has_needed(*number, text)).map(|number| (number, pattern(number)))
}

/// Numbers of the patterns of which some match can begin in the text.
fn begun(text: &[u8]) -> impl Iterator<Item = usize> {
    let starts = (0..text.len().saturating_sub(1)).filter(|at| !is_inside_word(text, *at));
    starts.flat_map(move |at| {
        let of_key = words::BEGINNINGS.binary_search_by_key(&[text[at], text[at + 1]], |(key, _)| *key);
        let of_key = of_key.map_or(&[] as &[_], |found| words::BEGINNINGS[found].1);
        of_key.iter().filter(move |(beginning, _)| text[at..].starts_with(beginning)).map(|(_, number)| *number)
    })
}

/// Patterns that begin with a letter begin a word; the build script has seen to it.
fn is_inside_word(text: &[u8], at: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    at > 0 && is_word(text[at]) && is_word(text[at - 1])
}

/// Whether every other part of the pattern finds its words in the text. Once a pattern is compiled, it knows faster.
fn has_needed(number: usize, text: &[u8]) -> bool {
    COMPILED[number].get().is_some() || has_words(number, text)
}

fn has_words(number: usize, text: &[u8]) -> bool {
    let has = |word: &&[u8]| memmem::find(text, word).is_some();
    words::NEEDED[number].iter().all(|set| set.iter().any(has))
}

/// The text is folded, so letters are ASCII; the tables of Unicode would make patterns ten times as large.
fn pattern(number: usize) -> &'static Regex {
    COMPILED[number].get_or_init(|| {
        let pattern = RegexBuilder::new(&source(RULES[number].1)).unicode(false).build();
        pattern.expect("every pattern is compiled by a test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_compiles_and_most_are_known_by_their_beginnings() {
        for number in 0..RULES.len() {
            pattern(number);
        }
        assert!(words::OPEN.len() * 10 < RULES.len(), "{:?}", words::OPEN);
    }

    /// A piece that some pattern needs, from its own text: what is between its signs.
    fn piece() -> impl Strategy<Value = String> {
        let pieces: Vec<String> = RULES
            .iter()
            .flat_map(|(_, pattern)| pattern.split(|c: char| "()|[]{}?*+\\^$".contains(c)))
            .filter(|piece| !piece.is_empty())
            .map(str::to_owned)
            .collect();
        proptest::sample::select(pieces)
    }

    /// Patterns that match a text and would not have been tried.
    fn left_out(text: &[u8]) -> Vec<&'static str> {
        let begun: BTreeSet<usize> = words::OPEN.iter().copied().chain(begun(text)).collect();
        let matching = (0..RULES.len()).filter(|number| pattern(*number).is_match(text));
        matching.filter(|number| !begun.contains(number) || !has_words(*number, text)).map(|n| RULES[n].1).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_pattern_that_matches_is_left_out(parts in proptest::collection::vec((piece(), " |  ?|, |"), 1..14)) {
            let text: String = parts.into_iter().flat_map(|(piece, gap)| [piece, gap]).collect();
            prop_assert_eq!(left_out(text.as_bytes()), [""; 0], "{}", text);
        }
    }

    /// The generated texts above match few patterns; these match many.
    #[test]
    fn nor_in_texts_that_match() {
        for (text, _) in super::super::tests::ATTACKS {
            let folded = super::super::fold::Folded::new(text);
            assert_eq!(left_out(folded.text.as_bytes()), [""; 0], "{text}");
        }
    }
}
