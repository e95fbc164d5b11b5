//! The words of `src/injection/sense/words/`, a table for each language.

use std::fmt::Write as _;

#[path = "../src/injection/sense/words/concepts.rs"]
#[macro_use]
mod concepts;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

concepts!(names);

/// The tables, in the order in which languages are numbered.
pub(crate) const LANGUAGES: [&str; 10] =
    ["english", "others", "german", "french", "spanish", "portuguese", "italian", "dutch", "polish", "turkish"];

/// Writes the words of all tables, sorted. A line without a concept is an error, and so is a concept that is not known.
pub(crate) fn sorted(table: impl Fn(&str) -> String) -> String {
    let tables: Vec<String> = LANGUAGES.iter().map(|language| table(language)).collect();
    let mut words: Vec<(&str, String)> =
        tables.iter().enumerate().flat_map(|(language, table)| of_table(language, table)).collect();
    // In the order of tables where a text is in several.
    words.sort_by_key(|(text, _)| *text);
    let mut code =
        format!("/// How many languages there are.\npub(super) const LANGUAGES: usize = {};\n", LANGUAGES.len());
    code.push_str("static SORTED: &[Word] = &[\n");
    for (_, word) in words {
        writeln!(code, "{word},").expect("a String takes it");
    }
    code.push_str("];\n");
    code
}

fn of_table(language: usize, table: &str) -> impl Iterator<Item = (&str, String)> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let lines = lines.map(|line| line.split_once(':').unwrap_or_else(|| panic!("{line}: no concept")));
    lines.flat_map(move |(name, words)| {
        let (name, is_order) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        let concept = concept(name);
        words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(move |word| {
            let text = word.trim_end_matches('*');
            let is_open = text.len() < word.len();
            let code = format!(
                "Word {{ text: {text:?}, concept: {concept}, language: {language}, is_open: {is_open}, is_order: {is_order} }}"
            );
            (text, code)
        })
    })
}

fn concept(name: &str) -> String {
    if name == "marks" {
        return "None".to_owned();
    }
    let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
    format!("Some({})", known.unwrap_or_else(|| panic!("{name}: no such concept")))
}
