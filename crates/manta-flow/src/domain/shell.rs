//! Shell command strings: can a value leave the word it was put into?
//!
//! A command string is a concatenation of constant text and holes. An automaton for the POSIX shell grammar (with the
//! common extensions of bash) walks the text and knows for each hole the quoting context and the position in the
//! command. A hole is safe if no admitted character has a meaning there. A value that stays inside its word is then
//! judged as an argument of the program ([`super::argv`]).

use super::argv::{self, ArgVerdict};
use super::charset::CharSet;
use super::props::{Part, Quoting, StrProps};

mod lexer;

pub use lexer::{Context, Position};

/// What a hole of a command string can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoleReport {
    /// Index of the part.
    pub part: usize,
    /// The quoting around it.
    pub context: Context,
    /// Its place in the command.
    pub position: Position,
    /// What it can do.
    pub verdict: Verdict,
}

/// What a value can do in a shell command string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays one argument, and that argument does no harm.
    Safe,
    /// It stays one word, but the program gives that word a meaning (an option, code, another program).
    Argument(ArgVerdict),
    /// It becomes several words or file names: more arguments for the same program.
    Splits {
        /// A value that does.
        example: String,
        /// Whether file name patterns, not only blanks, do it.
        globs: bool,
    },
    /// It runs commands of its own, or changes where the surrounding quotes end.
    BreaksOut {
        /// A value that does.
        example: String,
        /// Why, as a clause: "`;` ends the command".
        why: &'static str,
    },
}

impl Verdict {
    /// Orders verdicts by what they allow; 0 is safe.
    #[must_use]
    pub fn severity(&self) -> u8 {
        match self {
            Self::Safe => 0,
            Self::Argument(ArgVerdict::Option { effect: None, .. }) => 1,
            Self::Argument(ArgVerdict::Option { .. }) => 2,
            Self::Splits { .. } => 3,
            Self::Argument(ArgVerdict::Safe) => 0,
            Self::Argument(ArgVerdict::Shell { verdict, .. }) => verdict.severity().max(2),
            Self::Argument(ArgVerdict::Program { .. } | ArgVerdict::Code { .. }) => 4,
            Self::BreaksOut { .. } => 5,
        }
    }
}

/// Judges every hole of the command string that `parts` spell together.
#[must_use]
pub fn analyze(parts: &[Part<'_>]) -> Vec<HoleReport> {
    analyze_nested(parts, 0)
}

/// As [`analyze`], inside `depth` other shells.
pub(super) fn analyze_nested(parts: &[Part<'_>], depth: u32) -> Vec<HoleReport> {
    let lexed = lexer::lex(parts);
    let mut reports: Vec<HoleReport> = Vec::new();
    for site in &lexed.sites {
        let Part::Hole(props) = parts[site.part] else { continue };
        let verdict = if props.is_finite() || props.charset.is_empty() {
            Verdict::Safe
        } else {
            match leaves_word(props, site) {
                Verdict::Safe => as_argument(&lexed, site, depth),
                verdict => verdict,
            }
        };
        reports.push(HoleReport { part: site.part, context: site.context, position: site.position, verdict });
    }
    reports
}

// ---- characters ----------------------------------------------------------------------------------------------------

/// Whether an admitted character has a meaning in the context of the hole.
fn leaves_word(props: &StrProps, site: &lexer::Site) -> Verdict {
    let escaped = props.quoted.backslashed();
    let free = props.charset.minus(escaped);
    match site.context {
        Context::Unquoted if props.quoted == Quoting::ShellWord => Verdict::Safe,
        Context::Unquoted => unquoted(props, free, site),
        Context::DoubleQuoted => match first_break(props, free, DOUBLE_QUOTED) {
            Verdict::Safe if free.contains('\\') => swallowed_quote(props, site),
            verdict => verdict,
        },
        Context::SingleQuoted if matches!(props.quoted, Quoting::ShellSingle(_)) => Verdict::Safe,
        // A backslash is an ordinary character between single quotes, so it escapes nothing.
        Context::SingleQuoted => first_break(props, props.charset, SINGLE_QUOTED),
        Context::AnsiQuoted => first_break(props, free, ANSI_QUOTED),
        Context::Comment => newline_break(props),
        Context::HereDoc { expands: true } => match first_break(props, free, HERE_DOC) {
            Verdict::Safe => ends_here_doc(props, site),
            verdict => verdict,
        },
        Context::HereDoc { expands: false } => ends_here_doc(props, site),
        Context::Expansion => first_break(props, free, EXPANSION),
        Context::Arithmetic => first_break(props, free, ARITHMETIC),
    }
}

/// A character, a text that shows its effect, and the reason. A character may have several texts, the best first.
type Break = (char, &'static str, &'static str);

const VARIABLE: &str = "`$` expands variables";

const UNQUOTED: &[Break] = &[
    (';', "; id", "`;` ends the command and starts another"),
    ('|', "| id", "`|` pipes into another command"),
    ('&', "& id", "`&` starts another command"),
    ('$', "$(id)", "`$` expands variables and runs `$(…)`"),
    ('$', "$HOME", VARIABLE),
    ('$', "$$", VARIABLE),
    ('`', "`id`", "backticks run a command"),
    ('\n', "\nid\n", "a newline ends the command and starts another"),
    ('>', ">/tmp/x", "`>` writes the output to a file"),
    ('<', "</etc/passwd", "`<` reads a file as input"),
    ('(', "(id)", "a parenthesis is shell syntax"),
    (')', ")", "a parenthesis is shell syntax"),
    ('"', "\"", "a quote changes which text is quoted"),
    ('\'', "'", "a quote changes which text is quoted"),
    ('\\', "\\", "a backslash takes the meaning of the next character"),
];

const DOUBLE_QUOTED: &[Break] = &[
    ('$', "$(id)", "`$(…)` is run inside double quotes"),
    ('`', "`id`", "backticks are run inside double quotes"),
    ('"', "\"; id; \"", "`\"` ends the quotes"),
    ('$', "$HOME", VARIABLE),
    ('$', "$$", VARIABLE),
];

const SINGLE_QUOTED: &[Break] = &[('\'', "'; id; '", "`'` ends the quotes")];

const ANSI_QUOTED: &[Break] =
    &[('\'', "'; id; '", "`'` ends the quotes"), ('\\', "\\", "a backslash escapes the closing quote")];

const HERE_DOC: &[Break] = &[
    ('$', "$(id)", "`$(…)` is run in a here-document"),
    ('`', "`id`", "backticks are run in a here-document"),
    ('$', "$HOME", VARIABLE),
    ('$', "$$", VARIABLE),
    ('\\', "\\", "a backslash changes the next character"),
];

const EXPANSION: &[Break] = &[
    ('}', "}; id; #", "`}` ends the expansion"),
    ('$', "$(id)", "`$(…)` is run inside an expansion"),
    ('`', "`id`", "backticks are run inside an expansion"),
    ('"', "\"", "a quote changes which text is quoted"),
    ('\'', "'", "a quote changes which text is quoted"),
    ('\\', "\\", "a backslash takes the meaning of the next character"),
];

const ARITHMETIC: &[Break] = &[
    ('$', "$(id)", "`$(…)` is run inside arithmetic"),
    ('`', "`id`", "backticks are run inside arithmetic"),
    (')', "0)); id; ((0", "`)` ends the arithmetic"),
    ('[', "a[$(id)]", "a subscript is expanded inside arithmetic"),
];

/// The first of `breaks` whose character is free, preferring one whose whole text is admitted.
fn first_break(props: &StrProps, free: CharSet, breaks: &[Break]) -> Verdict {
    let possible = || breaks.iter().filter(|(c, ..)| free.contains(*c));
    let telling = possible().find_map(|(_, text, why)| props.witness(text).map(|example| (example, *why)));
    let bare = || {
        let (c, _, why) = possible().next()?;
        Some((props.witness(&c.to_string()).unwrap_or_else(|| c.to_string()), *why))
    };
    match telling.or_else(bare) {
        Some((example, why)) => Verdict::BreaksOut { example, why },
        None => Verdict::Safe,
    }
}

fn newline_break(props: &StrProps) -> Verdict {
    if !props.charset.contains('\n') || props.newline_last {
        return Verdict::Safe;
    }
    let example = props.witness("\nid\n").or_else(|| props.witness("\n")).unwrap_or_else(|| "\n".to_owned());
    Verdict::BreaksOut { example, why: "a newline ends the comment and starts a command" }
}

/// A backslash at the end of a value swallows the closing quote. Alone that only spoils the command; with a second value
/// behind it, that one stands outside the quotes.
fn swallowed_quote(props: &StrProps, site: &lexer::Site) -> Verdict {
    if !(site.before_quote && site.more_follow && props.last.contains('\\')) {
        return Verdict::Safe;
    }
    let example = props.witness("\\").unwrap_or_else(|| "\\".to_owned());
    Verdict::BreaksOut { example, why: "a backslash escapes the closing quote, which puts the next value outside" }
}

/// A line that is the delimiter ends a here-document; what follows are commands.
fn ends_here_doc(props: &StrProps, site: &lexer::Site) -> Verdict {
    let possible = props.charset.admits(&site.delimiter) && props.charset.contains('\n') && !props.newline_last;
    if !possible {
        return Verdict::Safe;
    }
    let attack = format!("\n{}\nid\n", site.delimiter);
    let example = props.witness(&attack).unwrap_or(attack);
    Verdict::BreaksOut { example, why: "a line with the delimiter ends the here-document" }
}

/// Outside quotes nearly everything has a meaning.
fn unquoted(props: &StrProps, free: CharSet, site: &lexer::Site) -> Verdict {
    // A single newline at the very end starts a command, but not one of the caller's choice.
    let free = if props.newline_last { free.minus(CharSet::of("\n")) } else { free };
    if let verdict @ Verdict::BreaksOut { .. } = first_break(props, free, UNQUOTED) {
        return verdict;
    }
    if site.after_dollar && props.first.meets(CharSet::WORD.union(CharSet::of("@*#?!-{"))) {
        let example = props.witness("HOME").or_else(|| props.witness("1")).unwrap_or_else(|| "_".to_owned());
        return Verdict::BreaksOut { example, why: "the text before it ends with `$`, so it names a variable" };
    }
    if site.position == Position::Command && site.word_start && props.charset.contains('=') {
        let example =
            props.witness("PATH=/tmp/evil").or_else(|| props.witness("A=")).unwrap_or_else(|| "A=".to_owned());
        return Verdict::BreaksOut { example, why: "`=` before the command sets a variable of its environment" };
    }
    let splits = |text: &str, globs| props.witness(text).map(|example| Verdict::Splits { example, globs });
    if free.meets(CharSet::of(" \t")) {
        let blank = if free.contains(' ') { " " } else { "\t" };
        let option = format!("x{blank}--help");
        return splits(&option, false)
            .or_else(|| splits(blank, false))
            .unwrap_or(Verdict::Splits { example: blank.to_owned(), globs: false });
    }
    if free.meets(CharSet::of("*?[{")) {
        let pattern = ["*", "?", "[a-z]", "{a,b}", "[", "{"].into_iter().find_map(|text| splits(text, true));
        return pattern.unwrap_or(Verdict::Splits { example: "*".to_owned(), globs: true });
    }
    let start = if site.word_start { props.first } else { CharSet::NONE };
    if start.contains('#') {
        return Verdict::BreaksOut {
            example: props.witness("#").unwrap_or_else(|| "#".to_owned()),
            why: "`#` at the start of a word hides the rest of the command",
        };
    }
    let tilde = start.union(if site.after_colon { props.first } else { CharSet::NONE }).contains('~');
    let tilde_inside = site.position == Position::Assignment && props.charset.contains('~');
    if tilde || tilde_inside {
        return Verdict::Splits { example: props.witness("~root").unwrap_or_else(|| "~".to_owned()), globs: true };
    }
    Verdict::Safe
}

// ---- the word as an argument ---------------------------------------------------------------------------------------

/// The verdict on the word a hole stayed in.
fn as_argument(lexed: &lexer::Lexed, site: &lexer::Site, depth: u32) -> Verdict {
    let Some((command, word)) = site.word else { return Verdict::Safe };
    let words: Vec<argv::Word<'_>> = lexed.commands[command].words();
    match argv::judge_nested(&words, word, depth) {
        ArgVerdict::Safe => Verdict::Safe,
        ArgVerdict::Program { example } => Verdict::BreaksOut { example, why: "it names the program that is run" },
        verdict => Verdict::Argument(verdict),
    }
}
