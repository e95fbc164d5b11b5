//! The words that a match of each pattern of `src/injection/rules.rs` must have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

#[path = "../src/injection/rules.rs"]
#[expect(unreachable_pub, reason = "the kinds are public in the library, which this is not")]
mod rules;

/// Longer beginnings only make the table longer: the words a match needs tell the rest.
const LONGEST_BEGINNING: usize = 12;
/// Shorter words are in every text.
const SHORTEST_NEEDED: usize = 3;

/// Writes them as tables of the module that looks for them.
pub(crate) fn tables() -> String {
    let mut beginnings: BTreeMap<[u8; 2], BTreeSet<(Vec<u8>, usize)>> = BTreeMap::new();
    let mut open = Vec::new();
    let mut needed = Vec::new();
    for (number, (_, pattern)) in rules::RULES.iter().enumerate() {
        let syntax = ParserBuilder::new().unicode(false).utf8(false).build().parse(&rules::source(pattern));
        let syntax = syntax.unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert!(branches(&syntax).iter().all(begins_at_word), "{pattern}: begins inside a word");
        assert!(
            !branches(&syntax).iter().any(begins_anywhere),
            "{pattern}: begins with any word, and searching it takes long"
        );
        match literals(&syntax, 2) {
            Some(literals) => {
                for mut literal in literals {
                    literal.truncate(LONGEST_BEGINNING);
                    beginnings.entry([literal[0], literal[1]]).or_default().insert((literal, number));
                }
            }
            None => open.push(number),
        }
        needed.push(needed_words(&syntax));
    }
    let beginnings: Vec<_> = beginnings.into_iter().map(|(key, set)| (key, without_longer(set))).collect();
    let mut code = String::new();
    write!(code, "pub(super) static BEGINNINGS: &[([u8; 2], &[(&[u8], usize)])] = &[").expect("a String takes it");
    for (key, of_key) in beginnings {
        write!(code, "({key:?}, &[").expect("a String takes it");
        for (literal, number) in of_key {
            write!(code, "(&{literal:?}, {number}),").expect("a String takes it");
        }
        code.push_str("]),\n");
    }
    writeln!(code, "];\npub(super) static OPEN: &[usize] = &{open:?};").expect("a String takes it");
    code.push_str("pub(super) static NEEDED: &[&[&[&[u8]]]] = &[\n");
    for sets in needed {
        code.push_str("&[");
        for set in sets {
            code.push_str("&[");
            for word in set {
                write!(code, "&{word:?},").expect("a String takes it");
            }
            code.push_str("],");
        }
        code.push_str("],\n");
    }
    code.push_str("];\n");
    code
}

fn branches(syntax: &Hir) -> &[Hir] {
    match syntax.kind() {
        HirKind::Alternation(branches) => branches,
        _ => std::slice::from_ref(syntax),
    }
}

/// Whether matches do not begin in the middle of a word.
fn begins_at_word(branch: &Hir) -> bool {
    let letters_first =
        || literals(branch, 1).is_none_or(|literals| literals.iter().any(|literal| is_word(literal[0])));
    branch.properties().look_set_prefix().contains(Look::WordAscii) || !letters_first()
}

/// Whether a match may begin at any word: then every word of a text is a possible beginning, and the states of the search
/// multiply.
fn begins_anywhere(branch: &Hir) -> bool {
    /// Letters of which a class is no longer a few.
    const MANY: usize = 16;
    let is_many = |class: &Hir| match class.kind() {
        HirKind::Class(Class::Bytes(bytes)) => {
            bytes.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum::<usize>() > MANY
        }
        _ => false,
    };
    match branch.kind() {
        HirKind::Concat(parts) => {
            parts.iter().find(|part| !matches!(part.kind(), HirKind::Look(_))).is_some_and(begins_anywhere)
        }
        HirKind::Repetition(repeated) => repeated.min > 0 && is_many(&repeated.sub),
        HirKind::Class(_) => is_many(branch),
        _ => false,
    }
}

/// Texts of which every match has one at its beginning, if they all have some length.
fn literals(syntax: &Hir, shortest: usize) -> Option<Vec<Vec<u8>>> {
    let found = Extractor::new().extract(syntax);
    let found: Vec<Vec<u8>> = found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    (!found.is_empty() && found.iter().all(|literal| literal.len() >= shortest)).then_some(found)
}

/// For each part of a pattern that only a few words fill, these words: a match has one of each set. The first such part
/// is what matches begin with.
fn needed_words(syntax: &Hir) -> Vec<BTreeSet<Vec<u8>>> {
    let HirKind::Concat(parts) = syntax.kind() else { return Vec::new() };
    let sets = parts.iter().filter_map(|part| literals(part, SHORTEST_NEEDED));
    sets.skip(1).map(|set| without_longer(set.into_iter().map(|word| (word, 0)).collect())).map(words).collect()
}

fn words(set: Vec<(Vec<u8>, usize)>) -> BTreeSet<Vec<u8>> {
    set.into_iter().map(|(word, _)| word).collect()
}

/// Leaves out what begins with another text of the same owner: where one is, so is the other.
fn without_longer(set: BTreeSet<(Vec<u8>, usize)>) -> Vec<(Vec<u8>, usize)> {
    let has_shorter = |(text, owner): &(Vec<u8>, usize)| {
        set.iter().any(|(other, of)| of == owner && other.len() < text.len() && text.starts_with(other))
    };
    set.iter().filter(|entry| !has_shorter(entry)).cloned().collect()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
