//! Which patterns a text needs, and where: compiling every one takes longer than a usual scan.

use std::collections::BTreeMap;

use memchr::memmem;
use regex_automata::{Anchored, Input, Match};

use super::rules::{RULES, source};
use crate::pattern::Pattern;

/// What the build script found in the patterns.
mod words {
    include!(concat!(env!("OUT_DIR"), "/injection_words.rs"));
}

#[expect(clippy::declare_interior_mutable_const, reason = "only the beginning of each place, never read")]
const NOT_YET: Pattern = Pattern::new();
static PATTERNS: [Pattern; RULES.len()] = [NOT_YET; RULES.len()];

/// At how many places, and in texts of which length, a pattern is tried one by one.
const FEW: usize = 8;
const SHORT: usize = 16_384;

/// Where matches of a pattern may begin.
enum Places {
    Anywhere,
    At(Vec<usize>),
}

/// Every match of every pattern, with the pattern's number: by number, and then in order and apart.
pub(super) fn matches(text: &[u8]) -> Vec<(usize, Match)> {
    let mut found = Vec::new();
    for (number, places) in candidates(text) {
        match places {
            Places::At(places) if places.len() <= FEW && text.len() <= SHORT => {
                found.extend(at_places(number, &places, text).map(|m| (number, m)));
            }
            _ => found.extend(PATTERNS[number].fast(|| of_rule(number)).find_iter(text).map(|m| (number, m))),
        }
    }
    found
}

fn at_places(number: usize, places: &[usize], text: &[u8]) -> impl Iterator<Item = Match> {
    let pattern = PATTERNS[number].plain(|| of_rule(number));
    let mut end = 0;
    places.iter().filter_map(move |at| {
        let input = Input::new(text).anchored(Anchored::Yes).range(*at..);
        let found = (*at >= end).then(|| pattern.search(&input))??;
        end = found.end();
        Some(found)
    })
}

fn of_rule(number: usize) -> String {
    source(RULES[number].1)
}

/// The patterns that may match somewhere in the text, and where. None that matches is left out.
fn candidates(text: &[u8]) -> BTreeMap<usize, Places> {
    let mut candidates: BTreeMap<usize, Places> =
        words::OPEN.iter().map(|number| (*number, Places::Anywhere)).collect();
    for (at, number) in begun(text) {
        if let Places::At(places) = candidates.entry(number).or_insert_with(|| Places::At(Vec::new())) {
            // Of several words that begin a pattern one may begin another.
            places.extend((places.last() != Some(&at)).then_some(at));
        }
    }
    candidates.retain(|number, _| has_words(*number, text));
    candidates
}

/// Where some match can begin in the text, in order, with the number of its pattern.
fn begun(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let starts = (0..text.len().saturating_sub(1)).filter(|at| !is_inside_word(text, *at));
    starts.flat_map(move |at| {
        let of_key = words::BEGINNINGS.binary_search_by_key(&[text[at], text[at + 1]], |(key, _)| *key);
        let of_key = of_key.map_or(&[] as &[_], |found| words::BEGINNINGS[found].1);
        of_key
            .iter()
            .filter(move |(beginning, _)| text[at..].starts_with(beginning))
            .map(move |(_, number)| (at, *number))
    })
}

/// Patterns that begin with a letter begin a word; the build script has seen to it.
fn is_inside_word(text: &[u8], at: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    at > 0 && is_word(text[at]) && is_word(text[at - 1])
}

/// Whether every other part of the pattern finds its words in the text.
fn has_words(number: usize, text: &[u8]) -> bool {
    let has = |word: &&[u8]| memmem::find(text, word).is_some();
    words::NEEDED[number].iter().all(|set| set.iter().any(has))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_pattern_compiles_and_most_are_known_by_their_beginnings() {
        for (number, pattern) in PATTERNS.iter().enumerate() {
            pattern.plain(|| of_rule(number));
            pattern.fast(|| of_rule(number));
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

    /// Patterns of which other matches are found than by searching for each in the whole text.
    fn found_otherwise(text: &[u8]) -> Vec<&'static str> {
        let found = matches(text);
        let of = |number: usize| found.iter().filter(move |(of, _)| *of == number).map(|(_, found)| *found);
        let all = |number: usize| PATTERNS[number].fast(|| of_rule(number)).find_iter(text);
        (0..RULES.len()).filter(|number| !of(*number).eq(all(*number))).map(|number| RULES[number].1).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_is_found_is_what_every_pattern_finds(parts in proptest::collection::vec((piece(), " |  ?|, |"), 1..14)) {
            let text: String = parts.into_iter().flat_map(|(piece, gap)| [piece, gap]).collect();
            prop_assert_eq!(found_otherwise(text.as_bytes()), [""; 0], "{}", text);
        }
    }

    /// The generated texts above match few patterns; these match many.
    #[test]
    fn nor_in_texts_that_match() {
        for (text, _) in super::super::tests::ATTACKS {
            let folded = super::super::fold::Folded::new(text);
            assert_eq!(found_otherwise(folded.text.as_bytes()), [""; 0], "{text}");
        }
    }
}
