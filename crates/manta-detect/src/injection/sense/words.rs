//! Words, and the concepts they stand for. `words/` holds a table for each language: lines of a concept and its words. A `!`
//! behind the concept marks forms that are orders wherever they stand; others are one only at the beginning of a clause. A `*`
//! behind a word stands for any ending. `marks` are words by which the language is known.
//!
//! The build script reads the tables and writes their words down, sorted: that took a fifth of a small scan.

#[macro_use]
mod concepts;

use self::Concept::*;

macro_rules! enumeration {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a word may stand for in an order. One sentence seldom needs more than five of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Concept {
            $($(#[$doc])* $name,)*
        }
    };
}

concepts!(enumeration);

include!(concat!(env!("OUT_DIR"), "/order_words.rs"));

/// A word or a few that stand for something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) text: &'static str,
    /// Only says which language it is of.
    pub(super) concept: Option<Concept>,
    pub(super) language: usize,
    /// Any ending may follow.
    pub(super) is_open: bool,
    /// Its form makes it an order.
    pub(super) is_order: bool,
}

/// The words with which a text begins.
pub(super) fn beginning(text: &str) -> impl Iterator<Item = &'static Word> {
    let mut longer: &[Word] = SORTED;
    // Byte by byte, what is left are the longer words that begin like the text so far.
    let ended_at = move |(at, byte): (usize, u8)| {
        let of_word = |word: &Word| word.text.as_bytes()[at];
        let alike = &longer[longer.partition_point(|word| of_word(word) < byte)..];
        let alike = &alike[..alike.partition_point(|word| of_word(word) == byte)];
        // A word that ends here sorts before those that go on.
        let (ended, rest) = alike.split_at(alike.partition_point(|word| word.text.len() == at + 1));
        longer = rest;
        (!alike.is_empty()).then_some(ended)
    };
    text.bytes().enumerate().map_while(ended_at).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_that_a_comparison_with_every_word_finds() {
        let key = |word: &Word| (word.text, word.language, word.concept, word.is_open, word.is_order);
        let texts = SORTED.iter().flat_map(|word| {
            let shorter = word.text.char_indices().last().map_or("", |(at, _)| &word.text[..at]);
            [word.text.to_owned(), format!("{} and so on", word.text), shorter.to_owned()]
        });
        for text in texts {
            let mut found: Vec<_> = beginning(&text).map(key).collect();
            let mut known: Vec<_> = SORTED.iter().filter(|word| text.starts_with(word.text)).map(key).collect();
            found.sort_unstable();
            known.sort_unstable();
            assert_eq!(found, known, "{text}");
        }
    }

    #[test]
    fn every_word_is_written_as_texts_are_folded() {
        let folded = |text: &str| crate::injection::fold::Folded::new(text).text;
        let others: Vec<_> = SORTED
            .iter()
            .filter(|word| folded(word.text) != word.text)
            .map(|word| (word.text, folded(word.text)))
            .collect();
        assert!(others.is_empty(), "{others:?}");
    }
}
