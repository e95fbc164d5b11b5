//! Options and operands by which an ordinary program runs what it is told.
//!
//! `git`, `tar`, `find` and their like are safe to call as long as these stay out of their entries. An entry that lists
//! one with a free value is a shell in disguise (CWE-88), whoever wrote it: the entry is refused, as that of an
//! interpreter is. Fixed values (`enum zstd|xz`) are the operator's own words and pass.

use manta_core::programs::{CodeOperands, CodeOption, Place, code_operands, code_options};

use super::grammar::{EndOfOptions, Grammar};
use super::value::Value;

/// Programs that take a first word without a dash for options: `tar cIf id x.tar a`.
const OLD_STYLE: &[&str] = &["tar", "gtar", "bsdtar"];

/// What in an entry makes its program run something: a flag, or what stands after a subcommand.
pub(super) fn opening(program: &str, grammar: &Grammar, end: EndOfOptions) -> Option<String> {
    let is_old_style = OLD_STYLE.contains(&program) && end == EndOfOptions::None;
    let is_open = grammar.operands.first().is_some_and(|operand| operand.max > 0 && is_free(Some(&operand.value)));
    if is_old_style && is_open {
        return Some("a first operand that may be its options (write end_of_options = \"--\")".to_owned());
    }
    below(grammar, &mut Vec::new(), code_options(program), code_operands(program))
}

/// The same at one level; `way` are the subcommands that lead to it.
fn below<'g>(
    grammar: &'g Grammar,
    way: &mut Vec<&'g str>,
    options: &[CodeOption],
    operands: &[CodeOperands],
) -> Option<String> {
    let is_here = |option: &CodeOption| match option.place {
        Place::Anywhere => true,
        Place::First => way.is_empty(),
        Place::After(subs) => way.iter().any(|sub| subs.contains(sub)),
    };
    let runs = |name: &str| options.iter().any(|option| option.option == name && is_here(option));
    let flag = grammar.flags.iter().find(|(name, flag)| runs(name) && is_free(flag.value.as_ref()));
    if let Some((name, _)) = flag {
        return Some(name.clone());
    }
    let most: usize = grammar.operands.iter().map(|operand| operand.max).fold(0, usize::saturating_add);
    let may_be = |word: &str| match grammar.operands.first().map(|operand| &operand.value) {
        Some(Value::Enum(values)) => values.iter().any(|value| value == word) || word.is_empty(),
        first => first.is_some(),
    };
    // To the program a subcommand of a subcommand is one more operand.
    let are_run = |row: &&CodeOperands| {
        let after = way.iter().position(|sub| *sub == row.after).map(|at| &way[at + 1..]);
        after.is_some_and(|words| {
            let is_word =
                words.first().map_or_else(|| may_be(row.word), |first| row.word.is_empty() || *first == row.word);
            is_word && grammar.sub.is_empty() && most.saturating_add(words.len()) >= row.fewest
        })
    };
    if let Some(row) = operands.iter().find(are_run) {
        return Some(format!("{} {}", row.after, row.word).trim_end().to_owned());
    }
    grammar.sub.iter().find_map(|(name, sub)| {
        way.push(name);
        let found = below(sub, way, options, operands);
        way.pop();
        found
    })
}

/// Whether a value is the caller's.
fn is_free(value: Option<&Value>) -> bool {
    !matches!(value, Some(Value::Enum(_) | Value::Int { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Flag, Operand};

    fn grammar(flags: &[(&str, &str)]) -> Grammar {
        let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), Flag::parse(value).unwrap()));
        Grammar { flags: flags.collect(), ..Grammar::default() }
    }

    fn under(name: &str, sub: Grammar) -> Grammar {
        Grammar { sub: [(name.to_owned(), sub)].into(), ..Grammar::default() }
    }

    #[test]
    fn flags_that_run_programs_make_an_entry_an_interpreters() {
        for (program, flags, found) in [
            ("tar", grammar(&[("--list", "none"), ("--to-command", "text")]), "--to-command"),
            ("TAR.EXE", grammar(&[("--checkpoint-action", "pattern exec=.*")]), "--checkpoint-action"),
            ("find", grammar(&[("-exec", "none")]), "-exec"),
            ("rsync", grammar(&[("-e", "word")]), "-e"),
            ("git", grammar(&[("-c", "text")]), "-c"),
            ("git", under("fetch", grammar(&[("--upload-pack", "text")])), "--upload-pack"),
            ("git", under("remote", under("x", grammar(&[("--exec", "word")]))), "--exec"),
            ("git", under("rebase", grammar(&[("-x", "word")])), "-x"),
        ] {
            assert_eq!(opening(program, &flags, EndOfOptions::DoubleDash).as_deref(), Some(found), "{program}");
        }
        for (program, flags) in [
            ("tar", grammar(&[("--use-compress-program", "enum zstd|xz"), ("--file", "text")])),
            ("git", under("switch", grammar(&[("-c", "word")]))),
            ("git", under("push", grammar(&[("-u", "none")]))),
            ("grep", grammar(&[("-e", "text 500")])),
            ("prog", grammar(&[("-exec", "text")])),
        ] {
            assert_eq!(opening(program, &flags, EndOfOptions::DoubleDash), None, "{program}");
        }
    }

    fn operands(values: &[&str]) -> Grammar {
        let operand = |text: &&str| Operand { value: Value::parse(text).unwrap(), min: 0, max: 1 };
        Grammar { operands: values.iter().map(operand).collect(), ..Grammar::default() }
    }

    #[test]
    fn subcommands_that_run_their_operands_make_an_entry_an_interpreters() {
        let found = |sub: &str, values: &[&str]| opening("git", &under(sub, operands(values)), EndOfOptions::Git);
        assert_eq!(found("bisect", &["text", "text"]).as_deref(), Some("bisect run"));
        assert_eq!(found("submodule", &["enum init|foreach", "text"]).as_deref(), Some("submodule foreach"));
        assert_eq!(found("config", &["word", "text"]).as_deref(), Some("config"));
        assert_eq!(found("bisect", &["enum good|bad", "git-ref"]), None);
        assert_eq!(found("config", &["word"]), None, "it only reads");
        let nested = |outer: &str, sub: &str, values: &[&str]| {
            opening("git", &under(outer, under(sub, operands(values))), EndOfOptions::Git)
        };
        assert_eq!(nested("submodule", "foreach", &["text"]).as_deref(), Some("submodule foreach"));
        assert_eq!(nested("bisect", "run", &["text"]).as_deref(), Some("bisect run"));
        assert_eq!(nested("submodule", "status", &["text"]), None);
        assert_eq!(nested("config", "get", &[]), None, "a name alone");
        let flags = under("rebase", under("onto", grammar(&[("-x", "word")])));
        assert_eq!(opening("git", &flags, EndOfOptions::Git).as_deref(), Some("-x"));
        assert_eq!(found("log", &["text", "text"]), None);
    }

    #[test]
    fn a_first_word_that_tar_takes_for_options_is_no_operand() {
        let bare = |end| opening("tar", &operands(&["text", "text"]), end);
        assert!(bare(EndOfOptions::None).unwrap().contains("first operand"));
        assert_eq!(bare(EndOfOptions::DoubleDash), None);
        assert_eq!(opening("tar", &operands(&["enum tf", "text"]), EndOfOptions::None), None);
    }
}
