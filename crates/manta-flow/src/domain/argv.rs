//! Argument vectors: what can a value do as one element of the arguments of a program?
//!
//! No shell is involved, so it stays one argument. But the program may read it as an option (`--upload-pack=…`), as code
//! (`node -e`), as another program (`env`, `sudo`), or hand it to a shell on another machine (`ssh host cmd`).

use manta_core::programs::{CodeOption, Place, code_options};

use super::code::CodeVerdict;
use super::path::Abs;
use super::props::{Part, StrProps};
use super::shell;

mod operands;
mod programs;
mod wrappers;

pub use operands::{Operand, operand};
pub use programs::{Effect, Language};
use programs::{FIRST, Program, generic_switch, program};

/// One element of an argument vector; element 0 is the program.
pub type Word<'a> = Vec<Part<'a>>;

/// Deepest nesting of shells in shells (`sh -c "ssh host 'sh -c …'"`) that is followed.
const MAX_NESTING: u32 = 4;

/// What a value can do as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgVerdict {
    /// It stays data.
    Safe,
    /// It names the program or script to run.
    Program {
        /// A value that runs something else.
        example: String,
    },
    /// It is, or is part of, code that `program` runs.
    Code {
        /// The interpreter, by name.
        program: String,
        /// The language of the code.
        language: Language,
        /// A value that runs something of its own.
        example: String,
    },
    /// It is text of a shell command that `program` runs (`sh -c`, `ssh host …`).
    Shell {
        /// The program that starts the shell.
        program: String,
        /// What the value does in there; never safe.
        verdict: Box<shell::Verdict>,
        /// Whether the command begins with the judged word, and is not just a line the word is an operand in.
        is_command: bool,
    },
    /// `program` reads it as an option, or as something else than a plain operand (`host:path` of `scp`).
    Option {
        /// The program, by name; empty when it is not known.
        program: String,
        /// A value that is such an option.
        example: String,
        /// What the option does; `None` when no dangerous option of the program fits or is known.
        effect: Option<Effect>,
    },
}

/// Judges every element. A word without a hole is safe.
#[must_use]
pub fn judge_all(words: &[Word<'_>]) -> Vec<ArgVerdict> {
    (0..words.len()).map(|index| judge(words, index)).collect()
}

/// Judges the holes of the element at `index`.
#[must_use]
pub fn judge(words: &[Word<'_>], index: usize) -> ArgVerdict {
    judge_nested(words, index, 0)
}

pub(super) fn judge_nested(words: &[Word<'_>], index: usize, depth: u32) -> ArgVerdict {
    let Some(word) = words.get(index) else { return ArgVerdict::Safe };
    if !word.iter().any(is_open_hole) || depth > MAX_NESTING {
        return ArgVerdict::Safe;
    }
    if index == 0 {
        return program_chosen(word);
    }
    let name = words.first().and_then(|first| literal(first)).map(|path| program_name(&path)).unwrap_or_default();
    let known = program(&name);
    if let Some(verdict) = wrappers::judge_inner(&name, words, index, depth) {
        return verdict;
    }
    if let Some(known) = known
        && let Some(verdict) = interpreted(known, &name, words, index, depth)
    {
        return verdict;
    }
    option_injection(known, &name, words, index, depth)
}

/// Whether the part is a value somebody else chooses from more than a fixed list.
fn is_open_hole(part: &Part<'_>) -> bool {
    matches!(part, Part::Hole(props) if !props.is_finite())
}

/// The text of a word made of constants only.
pub(super) fn literal(word: &[Part<'_>]) -> Option<String> {
    let pieces: Option<Vec<&str>> = word
        .iter()
        .map(|part| match part {
            Part::Lit(text) => Some(*text),
            Part::Hole(props) | Part::Trusted(props) => props.as_literal(),
        })
        .collect();
    pieces.map(|pieces| pieces.concat())
}

/// `/usr/bin/Git.exe` → `git`.
fn program_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(&name).to_owned()
}

/// A value in the place of the program. Below a fixed directory it must be able to leave it.
fn program_chosen(word: &[Part<'_>]) -> ArgVerdict {
    let below_directory = matches!(word.first(), Some(Part::Lit(text)) if text.contains('/'));
    let holes = word.iter().filter(|part| is_open_hole(part)).filter_map(Part::props);
    let free = holes.filter(|props| !below_directory || props.charset.contains('/'));
    for props in free {
        let candidates: &[&str] =
            if below_directory { &["../../bin/sh", "../x", "x/y"] } else { &["/bin/sh", "sh", "id", "x"] };
        if let Some(example) = candidates.iter().find_map(|text| props.witness(text)) {
            return ArgVerdict::Program { example };
        }
    }
    ArgVerdict::Safe
}

// ---- interpreters --------------------------------------------------------------------------------------------------

/// The program that a setting of this name holds: `dbt_path`, `GIT_BIN`, `ffmpegExecutable`.
#[must_use]
pub fn program_kept_as(setting: &str) -> Option<&'static str> {
    const ENDINGS: [&str; 8] = ["executable", "command", "binary", "path", "bin", "exe", "cmd", "cli"];
    let lower = setting.to_ascii_lowercase();
    let stem = ENDINGS.iter().find_map(|ending| lower.strip_suffix(ending))?.trim_end_matches(['_', '-']);
    programs::known_name(stem)
}

/// The option that takes as a text what `option` of `program` takes in base64. Options of PowerShell can be cut short.
///
/// Source: `about_PowerShell_exe` and `about_pwsh`, `-EncodedCommand`.
#[must_use]
pub fn plain_option(program: &str, option: &str) -> Option<&'static str> {
    let option = option.strip_prefix(['-', '/'])?.to_ascii_lowercase();
    let is_encoded = matches!(option.as_str(), "e" | "ec") || option.len() > 1 && "encodedcommand".starts_with(&option);
    (is_encoded && matches!(program_name(program).as_str(), "powershell" | "pwsh")).then_some("-Command")
}

/// For words that start an interpreter which reads its program from its standard input, because none of its arguments names
/// one (`python -`, `bash`, `sudo bash -s`, `docker exec -i web node`): the interpreter with its options, the last of which
/// would take the program as an argument. Words that are not known are empty.
#[must_use]
pub fn reader(words: &[String]) -> Option<Vec<&str>> {
    (0..words.len()).find_map(|at| {
        let option = code_option_of_reader(&words[at..])?;
        let own = words[at..].iter().map(String::as_str).filter(|word| !matches!(*word, "" | "-"));
        (at == 0 || starts_program(words, at)).then(|| own.chain([option]).collect())
    })
}

/// Whether the word at an index is a program that the words before it start: `sudo bash`, `ssh host bash`.
fn starts_program(words: &[String], index: usize) -> bool {
    let any = StrProps::top();
    let line: Vec<Word<'_>> = words[..=index]
        .iter()
        .enumerate()
        .map(|(at, word)| vec![if at == index { Part::Hole(&any) } else { Part::Lit(word) }])
        .collect();
    matches!(judge(&line, index), ArgVerdict::Program { .. } | ArgVerdict::Shell { is_command: true, .. })
}

/// The option that would take as an argument what an interpreter reads from its standard input.
fn code_option_of_reader(words: &[String]) -> Option<&'static str> {
    let interpreter = program(&program_name(words.first()?))?.interpreter.as_ref()?;
    let is_value = |at: usize| at > 1 && interpreter.takes_value(&words[at - 1]);
    let is_script = |at: usize| {
        words[at] != "-" && (!words[at].starts_with('-') && !is_value(at) || interpreter.takes_code(&words[at]))
    };
    let names_program = (1..words.len()).any(is_script);
    if names_program || interpreter.language == Language::Sql { None } else { interpreter.code.first().copied() }
}

/// Options whose value is a file of code: of which program, and what runs the code.
const SCRIPT_OPTIONS: [(&str, &str, &str); 8] = [
    ("powershell", "-file", "powershell"),
    ("pwsh", "-file", "powershell"),
    ("psql", "-f", "psql"),
    ("psql", "--file", "psql"),
    ("blender", "--python", "python"),
    ("blender", "-P", "python"),
    ("freecadcmd", "-c", "python"),
    ("expect", "-f", "expect"),
];

/// For an argument list that makes an interpreter run the file at `index` (`python x.py`, `timeout 5 bash x`, `./x.sh`):
/// the interpreter, and its option that would take the content as an argument. `extension` is the file's. Words that are
/// not known are empty.
#[must_use]
pub fn runs_file(words: &[String], index: usize, extension: &str) -> Option<(&'static str, &'static str)> {
    let by_name = |name: &str| {
        let known = program(name)?;
        Some((*known.names.first()?, *known.interpreter.as_ref()?.code.first()?))
    };
    if index == 0 {
        return interpreter_of(extension).and_then(by_name);
    }
    let name = program_name(words.first()?);
    let option = words[index - 1].as_str();
    let given =
        SCRIPT_OPTIONS.iter().find(|(program, before, _)| *program == name && before.eq_ignore_ascii_case(option));
    if let Some((.., runs)) = given {
        return by_name(runs);
    }
    let any = StrProps::top();
    let line: Vec<Word<'_>> = words
        .iter()
        .enumerate()
        .map(|(at, word)| vec![if at == index { Part::Hole(&any) } else { Part::Lit(word) }])
        .collect();
    let is_run = matches!(judge(&line, index), ArgVerdict::Program { .. });
    is_run.then(|| words[..index].iter().rev().find_map(|word| by_name(&program_name(word)))).flatten()
}

/// The program that runs files of an extension, by themselves: a shell where there is none, and nothing where it is one of
/// documents.
fn interpreter_of(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "py" => "python",
        "js" | "mjs" | "cjs" | "ts" | "mts" => "node",
        "rb" => "ruby",
        "pl" => "perl",
        "php" => "php",
        "ps1" => "powershell",
        "bat" | "cmd" => "cmd",
        "" | "sh" | "bash" | "zsh" | "ksh" | "command" | "run" | "tool" | "bin" | "out" => "sh",
        _ => return None,
    })
}

/// The verdict for an element of an interpreter's arguments, `None` when the interpreter leaves it alone.
fn interpreted(known: &Program, name: &str, words: &[Word<'_>], index: usize, depth: u32) -> Option<ArgVerdict> {
    let interpreter = known.interpreter.as_ref()?;
    let before: Vec<Option<String>> = words[1..index].iter().map(|word| literal(word)).collect();
    let language = interpreter.language_after(before.iter().flatten().map(String::as_str));
    let mut at = 1;
    while at < index {
        let Some(option) = literal(&words[at]) else { return Some(ArgVerdict::Safe) };
        if interpreter.takes_code(&option) {
            // What follows the code are its parameters, unless all of it is one line.
            return if at + 1 == index {
                Some(code(language, name, &words[index], depth))
            } else if interpreter.joins_words(&option) {
                let before = words[at + 1..index].iter().flat_map(|word| word.iter().chain([&Part::Lit(" ")]));
                let before = before.filter(|part| matches!(part, Part::Lit(_)));
                let line: Vec<Part<'_>> = before.chain(&words[index]).cloned().collect();
                Some(code(language, name, &line, depth))
            } else if interpreter.takes_more_code() {
                at += 2;
                continue;
            } else {
                Some(ArgVerdict::Safe)
            };
        }
        if interpreter.only_checks(&option) {
            return Some(ArgVerdict::Safe);
        }
        if option == "-m" && interpreter.language == Language::Python {
            return if at + 1 == index { Some(program_chosen(&words[index])) } else { Some(ArgVerdict::Safe) };
        }
        let is_option = option.starts_with('-') || (option.starts_with('/') && option.len() == 2);
        if !is_option && !interpreter.runs_operand {
            // A database or host, not a script.
            at += 1;
            continue;
        }
        if !is_option {
            // The script; its arguments are its own affair.
            return Some(ArgVerdict::Safe);
        }
        at += if interpreter.takes_value(&option) { 2 } else { 1 };
    }
    let attached = match words[index].first() {
        Some(Part::Lit(text)) => interpreter.attached_code(text),
        _ => None,
    };
    if let Some(code_start) = attached {
        let mut script = words[index].clone();
        if let Some(Part::Lit(text)) = words[index].first() {
            script[0] = Part::Lit(&text[code_start..]);
        }
        return Some(code(language, name, &script, depth));
    }
    if !interpreter.runs_operand {
        return None;
    }
    if at > index || !starts_with_hole(&words[index]) {
        return Some(ArgVerdict::Safe);
    }
    // The value is the script itself.
    Some(program_chosen(&words[index]))
}

/// Code given as text.
fn code(language: Language, program: &str, script: &[Part<'_>], depth: u32) -> ArgVerdict {
    if language == Language::Shell {
        return in_shell(program, script, depth, true);
    }
    let example = super::code::analyze(script, language).into_iter().find_map(|hole| match hole.verdict {
        CodeVerdict::Safe => None,
        CodeVerdict::Program { example } | CodeVerdict::BreaksOut { example, .. } => Some(example),
    });
    match example {
        Some(example) => ArgVerdict::Code { program: program.to_owned(), language, example },
        None => ArgVerdict::Safe,
    }
}

/// Text that a POSIX shell will read.
fn in_shell(program: &str, script: &[Part<'_>], depth: u32, is_command: bool) -> ArgVerdict {
    let worst = shell::analyze_nested(script, depth + 1)
        .into_iter()
        .map(|report| report.verdict)
        .max_by_key(shell::Verdict::severity);
    match worst {
        Some(verdict) if verdict != shell::Verdict::Safe => {
            ArgVerdict::Shell { program: program.to_owned(), verdict: Box::new(verdict), is_command }
        }
        _ => ArgVerdict::Safe,
    }
}

// ---- options -------------------------------------------------------------------------------------------------------

fn starts_with_hole(word: &[Part<'_>]) -> bool {
    let first = word.iter().find(|part| !matches!(part, Part::Lit("")));
    first.is_some_and(is_open_hole)
}

/// The hole that can make the word start with `-`.
fn dash_hole<'a>(word: &[Part<'a>]) -> Option<&'a StrProps> {
    for part in word {
        match *part {
            Part::Lit("") => {}
            Part::Hole(props) if props.first.contains('-') && !props.is_finite() => return Some(props),
            Part::Hole(props) | Part::Trusted(props) if !props.is_nonempty() => {}
            Part::Lit(_) | Part::Hole(_) | Part::Trusted(_) => return None,
        }
    }
    None
}

fn option_injection(known: Option<&Program>, name: &str, words: &[Word<'_>], index: usize, depth: u32) -> ArgVerdict {
    let before: Vec<Option<String>> = words[..index].iter().map(|word| literal(word)).collect();
    if let Some(verdict) = dangerous_value(known, name, &before, &words[index]) {
        return verdict;
    }
    if let Some(verdict) = script_value(known, name, &before, &words[index], depth) {
        return verdict;
    }
    let in_value_position = follows_option(known, &words[index - 1]);
    let after_terminator = before.iter().any(|word| word.as_deref() == Some("--"));
    let dash = dash_hole(&words[index]).filter(|_| !after_terminator && !in_value_position);
    let Some(props) = dash else {
        return remote_operand(known, name, &words[index], in_value_position);
    };
    let in_use = |sub: &str| match sub {
        "" => true,
        FIRST => has_options_only(&before[1..]),
        sub => sub.split(' ').eq(operands_of(known, &before).take(sub.split(' ').count())),
    };
    let others = other_operands(known, words, index);
    // The words of a subcommand are no operands of it.
    let is_lonely = |after: &str| others <= after.split(' ').filter(|word| !matches!(*word, "" | FIRST)).count();
    let fitting = known
        .iter()
        .flat_map(|known| known.options.iter())
        .filter(|option| !(option.needs_operand && is_lonely(option.after)))
        .find(|option| in_use(option.after) && props.admits(option.example));
    let (example, effect) = match fitting {
        Some(option) => (option.example.to_owned(), Some(option.effect)),
        None => {
            let plain = ["--help", "-help", "-x", "-"].into_iter().find(|text| props.admits(text));
            (plain.unwrap_or("-x").to_owned(), None)
        }
    };
    ArgVerdict::Option { program: name.to_owned(), example, effect }
}

/// The words of a line that are no options and no values of options, as far as they are known.
fn operands_of<'w>(known: Option<&Program>, line: &'w [Option<String>]) -> impl Iterator<Item = &'w str> {
    let is_operand = move |at: &usize| {
        let is_option = line[*at].as_deref().is_some_and(|word| word.starts_with('-'));
        !is_option && !is_option_value(known, line[*at - 1].as_deref())
    };
    (1..line.len()).filter(is_operand).map(|at| line[at].as_deref().unwrap_or_default())
}

/// Whether words are options and values of options.
fn has_options_only(words: &[Option<String>]) -> bool {
    let is_option = |word: &Option<String>| word.as_deref().is_some_and(|word| word.starts_with('-'));
    words.iter().enumerate().all(|(at, word)| is_option(word) || at > 0 && is_option(&words[at - 1]))
}

/// `scp -- ${file} …`: no `--` keeps `host:path` from being a file on that host.
fn remote_operand(known: Option<&Program>, name: &str, word: &[Part<'_>], in_value_position: bool) -> ArgVerdict {
    let reads_remote = known.is_some_and(|known| known.reads_remote_operands) && !in_value_position;
    let ([Part::Hole(props)], true) = (word, reads_remote) else { return ArgVerdict::Safe };
    // A separator before the colon makes it a local file.
    let example = ["evil.example:x", "evil:x", "a:x", "x:"].into_iter().find_map(|text| props.witness(text));
    match example {
        Some(example) if props.path.abs != Abs::Abs => {
            ArgVerdict::Option { program: name.to_owned(), example, effect: Some(Effect::Redirects) }
        }
        _ => ArgVerdict::Safe,
    }
}

/// How many operands the line has besides the word at `index`.
fn other_operands(known: Option<&Program>, words: &[Word<'_>], index: usize) -> usize {
    let is_operand = |at: &usize| {
        let is_option = matches!(words[*at].first(), Some(Part::Lit(text)) if text.starts_with('-') && *text != "-");
        !is_option && !is_option_value(known, literal(&words[*at - 1]).as_deref())
    };
    (1..words.len()).filter(|&at| at != index).filter(is_operand).count()
}

/// Whether a word is the value of the one before it, which may be one of several options, or the end of all options.
fn follows_option(known: Option<&Program>, before: &[Part<'_>]) -> bool {
    let takes = |option: &str| option == "--" || is_option_value(known, Some(option));
    match before {
        [Part::Trusted(props)] => {
            props.lits.as_deref().is_some_and(|lits| !lits.is_empty() && lits.iter().all(|option| takes(option)))
        }
        _ => is_option_value(known, literal(before).as_deref()),
    }
}

/// Whether the word after `option` is its value rather than an operand.
///
/// Most options that precede a value in source code take it; the exceptions are listed per program.
fn is_option_value(known: Option<&Program>, option: Option<&str>) -> bool {
    let Some(option) = option else { return false };
    if !option.starts_with('-') || option.len() < 2 || option == "--" || option.contains('=') {
        return false;
    }
    !generic_switch(option) && !known.is_some_and(|known| known.is_switch(option))
}

/// Whether an option after these words stands in its place.
fn fits(place: Place, known: Option<&Program>, before: &[Option<String>]) -> bool {
    let is_plain = |at: usize| {
        let word = before[at].as_deref().filter(|word| !word.starts_with('-'));
        word.filter(|_| at == 1 || !is_option_value(known, before[at - 1].as_deref()))
    };
    let mut plain = (1..before.len()).filter_map(is_plain);
    match place {
        Place::Anywhere => true,
        Place::First => plain.next().is_none(),
        Place::After(subs) => plain.any(|word| subs.contains(&word)),
    }
}

/// The value of an option that runs it: `git -c`, `ssh -o`, `find -exec`, `--upload-pack=`.
fn dangerous_value(
    known: Option<&Program>,
    name: &str,
    before: &[Option<String>],
    word: &[Part<'_>],
) -> Option<ArgVerdict> {
    let attached = match word.first() {
        Some(Part::Lit(text)) => text.strip_suffix('='),
        _ => None,
    };
    let separate = if starts_with_hole(word) { before.last().and_then(Option::as_deref) } else { None };
    let option = attached.or(separate)?;
    let is_it = |row: &&CodeOption| row.option == option && !row.value.is_empty() && fits(row.place, known, before);
    let example = code_options(name).iter().find(is_it)?.value;
    let props = word.iter().filter(|part| is_open_hole(part)).find_map(Part::props)?;
    let example = props.witness(example).or_else(|| props.witness("x"))?;
    Some(ArgVerdict::Code { program: name.to_owned(), language: Language::Shell, example })
}

/// A script of the program's around a value, given to an option whose value a shell reads:
/// `git filter-branch --msg-filter 'echo …'`. A value that starts it is [`dangerous_value`]'s.
fn script_value(
    known: Option<&Program>,
    name: &str,
    before: &[Option<String>],
    word: &[Part<'_>],
    depth: u32,
) -> Option<ArgVerdict> {
    if name != "git" || starts_with_hole(word) {
        return None;
    }
    let option = before.last().and_then(Option::as_deref)?;
    let is_it = |row: &CodeOption| row.option == option && row.value == "id" && fits(row.place, known, before);
    code_options(name).iter().any(is_it).then(|| in_shell(name, word, depth, false))
}
