//! What the program asks of untrusted text: what a concrete input has to look like to come through its checks, or be a
//! part of to come to the place where that part is used.
//!
//! `const [kind, name] = id.split(":"); if (kind !== "file") …; read(name)` is reached by `file:/etc/passwd` and by no
//! path. So the run that finds a flow notes what text is split at, compared with and matched against, and inputs are put
//! together of that. None of it is believed: every input is followed, and counts when it arrives.

use std::rc::Rc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::regex::Regex;
use crate::engine::interp::Interp;
use crate::engine::value::{Val, Vn};

/// Most texts that one is tested for at an end.
const MOST_ENDS: usize = 3;
/// Most separators, words and patterns.
const MOST_MARKS: usize = 3;
const MOST_WORDS: usize = 10;
const MOST_PATTERNS: usize = 4;
/// Longest text at an end, separator and word, in bytes.
const LONGEST_END: usize = 63;
const LONGEST_MARK: usize = 3;
const LONGEST_WORD: usize = 32;
/// Words for pieces of which nothing is known but what letters or digits they are to have.
const ANY_WORDS: [&str; 2] = ["a", "1"];
/// Most inputs that have another one as their part.
const MOST_WHOLES: usize = 32;

/// A concrete input in place of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Witness {
    pub(crate) text: String,
    /// What of it does the harm: all of it, or a piece that the program takes out.
    pub(crate) core: String,
    /// It comes as the only element of a list, where nothing says that the parameter is none.
    pub(crate) is_listed: bool,
}

impl Witness {
    /// A text that does harm as it is.
    pub(crate) fn alone(text: &str) -> Self {
        Self { text: text.to_owned(), core: text.to_owned(), is_listed: false }
    }

    pub(crate) fn is_alone(&self) -> bool {
        !self.is_listed && self.core == self.text
    }
}

/// The formats that a run asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Formats {
    /// Constant beginnings and endings that untrusted values were tested for.
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    /// What is done to untrusted text that a witness has to allow for.
    pub(crate) changes: Changes,
    /// What it is split at, and what its place in it is asked for.
    marks: Vec<String>,
    /// What it, or a piece of it, was compared with.
    words: Vec<String>,
    /// What it, or a piece of it, was tested with.
    tests: Vec<Rc<Regex>>,
    /// What pieces were taken out of it with.
    patterns: Vec<Rc<Regex>>,
    /// Whether it was asked for its elements (`files[0]`, `for name in names`).
    pub(crate) is_list: bool,
}

/// What is done to untrusted text before it is used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    /// It is read as it is written in URLs: what is checked before may come encoded.
    pub(crate) decodes: bool,
    /// `../` is taken out of it, once: `....//` leaves it there.
    pub(crate) strips: bool,
}

impl Changes {
    fn and(&mut self, other: Self) {
        self.decodes |= other.decodes;
        self.strips |= other.strips;
    }

    /// What a witness looks like that comes out of them as it is.
    pub(crate) fn disguises(self, witness: &str) -> Vec<String> {
        let encoded = self.decodes.then(|| utf8_percent_encode(witness, NON_ALPHANUMERIC).to_string());
        let doubled = (self.strips && witness.contains("../")).then(|| witness.replace("../", "....//"));
        encoded.into_iter().chain(doubled).collect()
    }
}

impl Formats {
    /// It is tested whether text begins so, or has this somewhere.
    pub(crate) fn prefix(&mut self, text: &str) {
        keep(&mut self.prefixes, text, MOST_ENDS, LONGEST_END);
    }

    /// It is tested whether text ends so.
    pub(crate) fn suffix(&mut self, text: &str) {
        keep(&mut self.suffixes, text, MOST_ENDS, LONGEST_END);
    }

    /// A part of text is compared with an extension.
    pub(crate) fn extension(&mut self, text: &str) {
        let is_extension = text.len() > 1 && text.len() < 12 && text.starts_with('.') && !text.contains(['/', ' ']);
        if is_extension && text[1..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            self.suffix(text);
        }
    }

    /// This is done to text.
    pub(crate) fn change(&mut self, changes: Changes) {
        self.changes.and(changes);
    }

    /// Text is split here, or it is asked where this stands in it. What paths are made of is in the inputs as they are.
    pub(crate) fn mark(&mut self, text: &str) {
        let is_of_paths = text.chars().all(|c| matches!(c, '.' | '/' | '\\'));
        if !is_of_paths && !text.contains(char::is_alphanumeric) {
            keep(&mut self.marks, text, MOST_MARKS, LONGEST_MARK);
        }
    }

    /// Text is compared with this.
    pub(crate) fn word(&mut self, text: &str) {
        keep(&mut self.words, text, MOST_WORDS, LONGEST_WORD);
    }

    /// Text is tested with this.
    pub(crate) fn test(&mut self, pattern: &Rc<Regex>) {
        keep_pattern(&mut self.tests, pattern);
    }

    /// Pieces are taken out of text with this.
    pub(crate) fn pattern(&mut self, pattern: &Rc<Regex>) {
        keep_pattern(&mut self.patterns, pattern);
    }

    /// What another run asked for as well.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let Self { prefixes, suffixes, changes, marks, words, tests, patterns, is_list } = std::mem::take(other);
        prefixes.iter().for_each(|text| self.prefix(text));
        suffixes.iter().for_each(|text| self.suffix(text));
        self.change(changes);
        marks.iter().for_each(|text| self.mark(text));
        words.iter().for_each(|text| self.word(text));
        tests.iter().for_each(|pattern| self.test(pattern));
        patterns.iter().for_each(|pattern| self.pattern(pattern));
        self.is_list |= is_list;
    }

    /// Lists of one of these texts, where the program asks for elements.
    pub(crate) fn lists(&self, elements: &[String]) -> Vec<Witness> {
        let listed = |element: &String| Witness { is_listed: true, ..Witness::alone(element) };
        elements.iter().filter(|_| self.is_list).map(listed).collect()
    }

    /// Inputs that have one of these texts, the more important first, as a piece between what the program asks for.
    pub(crate) fn wholes(&self, pieces: &[String]) -> Vec<Witness> {
        let words = self.spoken();
        let mut wholes: Vec<Witness> = Vec::new();
        for piece in pieces {
            let ended = self.words.iter().filter(|word| word.ends_with(':'));
            let ended = ended.map(|word| format!("{word}{piece}"));
            let matched = self.patterns.iter().flat_map(|pattern| matching(pattern, &words, piece));
            let parted = self.marks.iter().flat_map(|mark| {
                // What has the mark itself stays one piece behind the first of them (`site:https://…`).
                let is_parted = piece.contains(mark.as_str());
                words.iter().flat_map(move |word| {
                    let before = format!("{word}{mark}{piece}");
                    let others =
                        (!is_parted).then(|| [format!("{piece}{mark}{word}"), format!("{word}{mark}{before}")]);
                    std::iter::once(before).chain(others.into_iter().flatten())
                })
            });
            for whole in ended.chain(matched).chain(parted) {
                if wholes.len() < MOST_WHOLES && !wholes.iter().any(|known| known.text == whole) {
                    wholes.push(Witness { text: whole, ..Witness::alone(piece) });
                }
            }
        }
        wholes
    }

    /// Words that pieces may have to be: those that they are compared with, and the shortest that a pattern lets pass.
    fn spoken(&self) -> Vec<String> {
        let shortest = self.tests.iter().filter_map(|pattern| pattern.passing_with_prefix(""));
        let mut words = Vec::new();
        for word in self.words.iter().cloned().chain(shortest).chain(ANY_WORDS.map(str::to_owned)) {
            keep(&mut words, &word, MOST_WORDS, LONGEST_WORD);
        }
        words
    }
}

impl Interp<'_> {
    pub(crate) fn note_prefix(&mut self, text: &str) {
        if let Some(asked) = self.found.asked() {
            asked.prefix(text);
        }
    }

    pub(crate) fn note_changes(&mut self, changes: Changes) {
        if let Some(asked) = self.found.asked() {
            asked.change(changes);
        }
    }

    /// A value says where something stands in a text.
    pub(crate) fn note_search(&mut self, at: Vn, text: &Val, part: Val) {
        if let (Some(mark), true) = (part.literal(), self.taint_now(text).is_some())
            && let Some(asked) = self.found.asked()
        {
            asked.mark(mark);
        }
        self.searches.insert(at, (text.clone(), part));
    }

    /// Untrusted text is compared with these.
    pub(crate) fn note_words<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        if let Some(asked) = self.found.asked() {
            texts.for_each(|text| {
                asked.extension(text);
                asked.word(text);
            });
        }
    }
}

/// Texts that a pattern lets pass and that have a piece in them, where the shortest one can be parted.
fn matching(pattern: &Regex, words: &[String], piece: &str) -> Vec<String> {
    let starts = std::iter::once("").chain(words.iter().map(String::as_str));
    let shortest =
        starts.filter_map(|start| pattern.passing_with_prefix(start).filter(|text| text.len() <= LONGEST_WORD));
    let mut found = Vec::new();
    for text in shortest {
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let wholes = ends.filter_map(|at| pattern.passing_with_prefix(&format!("{}{piece}", &text[..at])));
        for whole in wholes.filter(|whole| whole != piece).take(2) {
            keep(&mut found, &whole, MOST_WORDS, usize::MAX);
        }
    }
    found
}

fn keep_pattern(list: &mut Vec<Rc<Regex>>, pattern: &Rc<Regex>) {
    if list.len() < MOST_PATTERNS && !list.iter().any(|known| Rc::ptr_eq(known, pattern)) {
        list.push(Rc::clone(pattern));
    }
}

/// Adds a text to a list, unless it is in there, or says nothing, or there are enough.
fn keep(list: &mut Vec<String>, text: &str, most: usize, longest: usize) {
    if !text.is_empty() && list.len() < most && text.len() <= longest && !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::regex::Dialect;

    fn wholes(formats: &Formats) -> Vec<String> {
        formats.wholes(&["/etc/passwd".to_owned()]).into_iter().map(|whole| whole.text).collect()
    }

    #[test]
    fn a_piece_is_put_where_the_program_looks_for_it() {
        let mut formats = Formats::default();
        formats.mark(":");
        formats.word("file");
        let wholes = wholes(&formats);
        for whole in ["file:/etc/passwd", "/etc/passwd:file", "file:file:/etc/passwd", "1:/etc/passwd"] {
            assert!(wholes.iter().any(|known| known == whole), "{whole} is not in {wholes:?}");
        }
    }

    #[test]
    fn a_pattern_says_what_is_around_it() {
        for (pattern, words, whole) in [
            ("^file:(.+)$", &[] as &[&str], "file:/etc/passwd"),
            ("^(?<kind>[a-z]+):(?<name>.*)$", &["note"], "note:/etc/passwd"),
            ("^<(.*)>$", &[], "</etc/passwd>"),
        ] {
            let mut formats = Formats::default();
            formats.pattern(&Rc::new(Regex::new(pattern, &Dialect::JavaScript { flags: "" }).unwrap()));
            words.iter().for_each(|word| formats.word(word));
            let wholes = wholes(&formats);
            assert!(wholes.iter().any(|known| known == whole), "{whole} is not in {wholes:?}");
        }
    }

    #[test]
    fn where_nothing_is_asked_for_there_is_no_whole() {
        assert_eq!(wholes(&Formats::default()), [""; 0]);
        let mut formats = Formats::default();
        formats.mark("/");
        assert_eq!(wholes(&formats), [""; 0], "the piece itself would be parted");
    }

    #[test]
    fn the_number_of_wholes_is_limited() {
        let mut formats = Formats::default();
        [":", "=", "|", "#"].iter().for_each(|mark| formats.mark(mark));
        (0..40).for_each(|number| formats.word(&format!("kind{number}")));
        assert_eq!(wholes(&formats).len(), MOST_WHOLES);
    }
}
