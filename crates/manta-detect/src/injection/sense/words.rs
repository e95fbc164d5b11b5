//! Words, and the concepts they stand for. `words/` holds a table for each language.

use std::sync::OnceLock;

/// Defines the concepts, and what the tables call them: their names in any case.
macro_rules! concepts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a word may stand for in an order. One sentence seldom needs more than five of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Concept {
            $($(#[$doc])* $name,)*
        }

        const NAMES: &[(&str, Concept)] = &[$((stringify!($name), Concept::$name),)*];
    };
}

concepts! {
    /// The person at the other end, or anybody.
    Human,
    /// A human and a denial in one.
    Nobody,
    /// Denies what stands near it.
    Not,
    /// Comes to know.
    Know,
    /// Makes known.
    Tell,
    /// Keeps from others, in a phrase that needs no other word.
    Hush,
    /// Has to be.
    Must,
    /// What opens doors.
    Secret,
    /// Where things are kept.
    Store,
    /// What was said between the model and its user.
    Dialogue,
    /// All of something.
    Whole,
    /// What only the model knows: its prompt, its thoughts.
    Inner,
    /// Moves something elsewhere.
    Move,
    /// A parameter or field whose name tells nothing of what belongs in it.
    Field,
    /// An address outside.
    Away,
    /// Whoever wrote the text.
    Us,
    /// Looks into something.
    Read,
    /// Starts something.
    Run,
    /// What is started.
    Program,
    /// Ends or weakens something.
    Off,
    /// What protects.
    Guard,
    /// What a model was told to follow.
    Rules,
    /// No longer in force.
    Void,
    /// The model.
    You,
    /// This text, or this moment.
    Here,
    /// Follows somebody's orders.
    Obey,
    /// Nobody else.
    Only,
    /// Said yes.
    Agreed,
    /// Goes ahead without a question.
    Unasked,
    /// Other tools, and what is made with them later.
    Other,
    /// Puts something into what others make.
    Insert,
    /// Not to be believed.
    Distrust,
    /// Says what is not so.
    Lie,
    /// Against the facts.
    Contrary,
    /// Puts something forward as true.
    Claim,
    /// Takes away.
    Wipe,
    /// What shows later what was done.
    Trace,
    /// Ahead of everything else.
    Before,
    /// What gives power: rights, keys that are trusted.
    Power,
    /// What a model or its program keeps for later sessions.
    Memory,
    /// Something done on the side.
    Deed,
    /// Says no.
    Refusal,
    /// In spite of that.
    Anyway,
    /// Not this one.
    Else,
    /// Whatever serves a model.
    Tools,
    /// Whom one works for.
    Loyal,
    /// Stands above others.
    Rank,
    /// As though somebody with a say had said it.
    AsIf,
    /// Beside what was asked for.
    Along,
    /// What was just spoken of.
    That,
    /// Under a condition.
    If,
    /// Moves something, told of somebody.
    Moves,
    /// Says yes.
    Accept,
    /// A question of consent.
    Prompt,
    /// What a model makes with other tools.
    Product,
    /// From now on.
    Later,
    /// Whatever the facts.
    EvenIf,
    /// A parameter whose name says that a secret or a conversation belongs in it.
    Fits,
    /// Words to be used as they are.
    Quote,
    /// A parameter whose name says that a question or a text belongs in it.
    Asks,
    /// Brings something about.
    Make,
    /// Announces words to be used as they are.
    Literal,
    /// What decides where money, names or packages go or come from.
    Target,
    /// Says that something is so.
    Assert,
    /// In what is only read.
    Inside,
}

fn concept(name: &str) -> Option<Concept> {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, concept)| *concept)
}

/// One table: lines of a concept and its words. A `!` behind the concept marks forms that are orders wherever they stand;
/// others are one only at the beginning of a clause. A `*` behind a word stands for any ending. `marks` are words by which
/// the language is known.
const TABLES: &[&str] = &[
    include_str!("words/english.txt"),
    include_str!("words/others.txt"),
    include_str!("words/german.txt"),
    include_str!("words/french.txt"),
    include_str!("words/spanish.txt"),
    include_str!("words/portuguese.txt"),
    include_str!("words/italian.txt"),
    include_str!("words/dutch.txt"),
    include_str!("words/polish.txt"),
    include_str!("words/turkish.txt"),
];
/// How many languages there are.
pub(super) const LANGUAGES: usize = TABLES.len();

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
    static SORTED: OnceLock<Vec<Word>> = OnceLock::new();
    let mut longer: &[Word] = SORTED.get_or_init(|| {
        let tables = TABLES.iter().enumerate();
        let mut words: Vec<Word> = tables.flat_map(|(language, table)| of_table(language, table)).collect();
        words.sort_by_key(|word| word.text);
        words
    });
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

fn of_table(language: usize, table: &'static str) -> impl Iterator<Item = Word> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    lines.flat_map(move |(name, words)| {
        let (name, is_order) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        let concept = concept(name);
        words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(move |word| {
            let text = word.trim_end_matches('*');
            Word { text, concept, language, is_open: text.len() < word.len(), is_order }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_concept() {
        for line in TABLES.iter().flat_map(|table| table.lines()).filter(|line| !line.starts_with('#')) {
            let name = line.split_once(':').map(|(name, _)| name.trim_end_matches('!'));
            let is_known = |name: &str| name == "marks" || concept(name).is_some();
            assert!(name.is_some_and(is_known), "{line}");
        }
    }

    #[test]
    fn the_words_are_those_that_a_comparison_with_every_word_finds() {
        let all: Vec<Word> =
            TABLES.iter().enumerate().flat_map(|(language, table)| of_table(language, table)).collect();
        let key = |word: &Word| (word.text, word.language, word.concept, word.is_open, word.is_order);
        let texts = all.iter().flat_map(|word| {
            let shorter = word.text.char_indices().last().map_or("", |(at, _)| &word.text[..at]);
            [word.text.to_owned(), format!("{} and so on", word.text), shorter.to_owned()]
        });
        for text in texts {
            let mut found: Vec<_> = beginning(&text).map(key).collect();
            let mut known: Vec<_> = all.iter().filter(|word| text.starts_with(word.text)).map(key).collect();
            found.sort_unstable();
            known.sort_unstable();
            assert_eq!(found, known, "{text}");
        }
    }

    #[test]
    fn every_word_is_written_as_texts_are_folded() {
        let words = TABLES.iter().enumerate().flat_map(|(language, table)| of_table(language, table));
        let folded = |text: &str| crate::injection::fold::Folded::new(text).text;
        let others: Vec<_> =
            words.filter(|word| folded(word.text) != word.text).map(|word| (word.text, folded(word.text))).collect();
        assert!(others.is_empty(), "{others:?}");
    }
}
