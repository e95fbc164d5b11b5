//! Whatever a file contains, lowering ends, does not panic, and yields a program whose references are all valid.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use manta_core::FileId;
use manta_flow::frontend::{FrontEnd as _, Lowered};
use manta_flow::ir::{Captured, Module};
use manta_flow::print::print;
use manta_py::Python;

fn lower(text: &str) -> Lowered {
    Python.lower(FileId(0), "m.py", text)
}

/// Checks every slot, capture and closure by reading the printed program: in the section of a function only its own
/// variables may appear, and a closure may only be created where everything it captures is at hand.
///
/// Returns how many closures were looked at.
fn assert_valid(module: &Module, source: &str) -> usize {
    let text = without_strings(&print(module));
    let mut created: HashMap<usize, usize> = HashMap::new();
    let mut sections: Vec<(Option<usize>, Vec<&str>)> = vec![(None, Vec::new())];
    for line in text.lines() {
        if !line.starts_with([' ', '@']) {
            let func = line.find("fn ").filter(|_| line.ends_with(':')).and_then(|at| number(&line[at + 3..]));
            sections.push((func, Vec::new()));
        }
        if let Some((_, lines)) = sections.last_mut() {
            lines.push(line);
        }
    }
    for (func, lines) in &sections {
        let Some(func) = *func else { continue };
        let code = &module.funcs[func];
        let (head, body) = lines.split_first().expect("a section starts with its head");
        let own = head.split(" captures [").next().unwrap_or(head).to_owned() + "\n" + &body.join("\n");
        for slot in references(&own, '%') {
            assert!(slot < code.slots as usize, "slot {slot} of function {func} in\n{text}\nfrom\n{source}");
        }
        for capture in references(&own, '^') {
            assert!(capture < code.captures.len(), "capture {capture} of function {func} in\n{text}\nfrom\n{source}");
        }
        for closure in body.iter().flat_map(|line| line.match_indices("fn ").map(|(at, _)| &line[at + 3..])) {
            if let Some(closure) = number(closure) {
                created.insert(closure, func);
            }
        }
    }
    for (&closure, &creator) in &created {
        let creator = &module.funcs[creator];
        for captured in &module.funcs[closure].captures {
            let valid = match *captured {
                Captured::Local(slot) => slot < creator.slots,
                Captured::Capture(index) => (index as usize) < creator.captures.len(),
            };
            assert!(valid, "function {closure} captures what its creator lacks in\n{text}\nfrom\n{source}");
        }
    }
    created.len()
}

fn number(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The numbers behind a sigil, leaving out operators (`a % b`, `a ^ b`).
fn references(text: &str, sigil: char) -> Vec<usize> {
    text.match_indices(sigil).filter_map(|(at, _)| number(&text[at + 1..])).collect()
}

fn without_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        match (inside, c) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (_, '"') => inside = !inside,
            (true, _) => {}
            (false, c) => out.push(c),
        }
    }
    out
}

fn samples() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let files = fs::read_dir(dir).expect("the directory of golden files").filter_map(Result::ok);
    let mut sources: Vec<_> =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "py")).collect();
    sources.sort();
    sources.iter().map(|path| fs::read_to_string(path).expect("readable source")).collect()
}

/// A small generator of reproducible numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).expect("below a usize")
    }
}

#[test]
fn samples_are_valid_programs() {
    let mut closures = 0;
    for source in samples() {
        let lowered = lower(&source);
        closures += assert_valid(lowered.module.as_ref().expect("a module"), &source);
    }
    assert!(closures > 20, "only {closures} closures checked");
}

#[test]
fn mutations_neither_panic_nor_dangle() {
    const TOKENS: [&str; 24] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "\n",
        "\n    ",
        "def f(",
        "class C",
        "lambda x:",
        "global x\n",
        "nonlocal y\n",
        "import a.b",
        "from . import *",
        "f'{",
        "'",
        "\"\"\"",
        "yield ",
        "await ",
        ":=",
        "*",
    ];
    let samples = samples();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..3000 {
        let mut text: Vec<char> = samples[round % samples.len()].chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len());
            match random.below(4) {
                0 => {
                    let end = (at + 1 + random.below(40)).min(text.len());
                    text.drain(at..end);
                }
                1 => {
                    text.splice(at..at, TOKENS[random.below(TOKENS.len())].chars());
                }
                2 => {
                    let end = (at + 1 + random.below(80)).min(text.len());
                    let copy = text[at..end].to_vec();
                    let place = random.below(text.len());
                    text.splice(place..place, copy);
                }
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        if let Some(module) = lower(&text).module {
            assert_valid(&module, &text);
        }
    }
}

#[test]
fn hostile_nesting_is_survived_or_refused_and_never_silent() {
    for depth in [90, 150, 390, 1_000, 1_900, 20_000, 200_000] {
        let repeat = |text: &str| text.repeat(depth);
        let mut blocks = String::new();
        for level in 0..depth.min(1_500) {
            let _ = writeln!(blocks, "{}if a:", " ".repeat(level));
        }
        let mut functions = String::new();
        for level in 0..depth.min(1_500) {
            let _ = writeln!(functions, "{}def f(a=x):", " ".repeat(level));
        }
        let mut elifs = "if a: pass\n".to_owned();
        elifs.push_str(&repeat("elif b: pass\n"));
        for text in [
            format!("x = {}y{}", repeat("("), repeat(")")),
            format!("x = {}", repeat("[")),
            format!("x = {}y", repeat("not ")),
            format!("x = {}y", repeat("-")),
            format!("x = {}y", repeat("lambda:")),
            format!("x = {}y", repeat("lambda a=")),
            format!("x = {}y", repeat("await ")),
            format!("x = a{}", repeat(".b")),
            format!("x = a{}", repeat("()")),
            format!("x = a{}", repeat("[0]")),
            format!("x = (a\n{})", repeat("+ b\n")),
            format!("x = a{}", repeat(" - b")),
            format!("x = {}a", repeat("a if b else ")),
            format!("x = {}a", repeat("b ** ")),
            format!("x = '' {}", repeat("f'{a}' ")),
            format!("x: '{}'", repeat("a[")),
            format!("{}a{} = b", repeat("["), repeat("]")),
            format!("match a:\n case {}b{}: pass", repeat("["), repeat("]")),
            format!("match a:\n case {}b{}: pass", repeat("C("), repeat(")")),
            format!("{}pass", repeat("async ")),
            format!("{}def f(): pass", repeat("@d\n")),
            format!("match a:\n case b{}: pass", repeat(" | c")),
            format!("match a:\n case [{}]: pass", repeat("1, ")),
            format!("match a:\n case (b as c){}: pass", repeat(" | (d as c)")),
            format!("x = a{}", repeat(" < b")),
            format!("x = a{}", repeat(" and b")),
            format!("del {}a{}", repeat("("), repeat(",)")),
            blocks,
            functions,
            elifs,
        ] {
            let lowered = lower(&text);
            let whole = lowered.module.is_some() && lowered.problems.is_empty();
            assert!(whole || !lowered.problems.is_empty(), "silently lost: {}", &text[..30.min(text.len())]);
            drop(lowered);
        }
    }
}

#[test]
fn what_is_not_source_is_refused_with_a_reason() {
    let huge = "x = 1\n".repeat(1_000_000);
    let lowered = lower(&huge);
    assert!(lowered.module.is_none());
    assert_eq!(lowered.problems, ["not analysed: larger than 4 MiB"]);
    for text in ["", "\u{feff}x = 1\n", "\0\0\0", "x = 1\r\ny = 2\r", "\u{202e}def f(): pass"] {
        assert!(lower(text).module.is_some());
    }
}
