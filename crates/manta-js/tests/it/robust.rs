//! No input makes lowering panic, hang or overflow the stack, and nothing is left out silently.

use std::fmt::Write as _;
use std::path::Path;

use manta_core::FileId;
use manta_flow::frontend::{FrontEnd, Lowered};
use manta_flow::ir::{Expr, Module};
use manta_js::JavaScript;

fn lower(path: &str, text: &str) -> Lowered {
    JavaScript.lower(FileId(0), path, text)
}

/// A small deterministic generator; tests must not differ from run to run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("below a usize")
    }
}

fn samples() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut samples: Vec<_> = std::fs::read_dir(dir)
        .expect("golden directory")
        .map(|entry| entry.expect("directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "ir"))
        .map(|path| {
            let name = path.file_name().expect("file name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("sample"))
        })
        .collect();
    samples.sort();
    samples
}

/// Every span must lie in the file on character boundaries: reports cut the text at spans.
fn check(module: &Module, text: &str) {
    for span in &module.spans {
        assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} of {} bytes", text.len());
    }
}

#[test]
fn truncated_files_never_panic() {
    for (name, text) in samples() {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let lowered = lower(&name, &text[..end]);
            if let Some(module) = &lowered.module {
                check(module, &text[..end]);
            }
            assert!(lowered.module.is_some() || !lowered.problems.is_empty(), "{name} cut at {end}");
        }
    }
}

#[test]
fn mutated_files_never_panic() {
    let mut random = Random(0x9e37_79b9);
    let pieces =
        ["(", ")", "{", "}", "[", "]", "`", "${", "'", "/", "=>", "\n", ";", "class ", "\u{e9}", "#", "@", "<", "\0"];
    for (name, text) in samples() {
        for _ in 0..60 {
            let mut mutated: Vec<char> = text.chars().collect();
            for _ in 0..=random.below(4) {
                let at = random.below(mutated.len() + 1);
                match random.below(3) {
                    0 => {
                        let to = (at + random.below(20)).min(mutated.len());
                        mutated.drain(at.min(to)..to);
                    }
                    1 => {
                        let piece = pieces[random.below(pieces.len())];
                        mutated.splice(at..at, piece.chars());
                    }
                    _ => {
                        let other = random.below(mutated.len().max(1));
                        if at < mutated.len() && other < mutated.len() {
                            mutated.swap(at, other);
                        }
                    }
                }
            }
            let mutated: String = mutated.into_iter().collect();
            let lowered = lower(&name, &mutated);
            if let Some(module) = &lowered.module {
                check(module, &mutated);
            }
            assert!(lowered.module.is_some() || !lowered.problems.is_empty(), "{name}: {mutated}");
        }
    }
}

#[test]
fn deep_nesting_is_bounded_and_reported() {
    let nests = [
        ("a.js", "(", "1", ")"),
        ("a.js", "[", "", "]"),
        ("a.js", "{", "", "}"),
        ("a.js", "f(function(){", "", "})"),
        ("a.js", "`${", "1", "}`"),
        ("a.js", "!", "1", ""),
        ("a.js", "a=>", "1", ""),
        ("a.js", "async a=>", "1", ""),
        ("a.js", "a?b:", "1", ""),
        ("a.js", "a=", "1", ""),
        ("a.js", "if(a){}else ", ";", ""),
        ("a.js", "if(a)b;else ", ";", ""),
        ("a.js", "for(;;)", ";", ""),
        ("a.js", "new ", "a", ""),
        ("a.js", "a**", "a", ""),
        ("a.js", "class A{m(){", "", "}}"),
        ("a.js", "try{", "", "}finally{}"),
        ("a.ts", "B<", "C", ">"),
        ("a.ts", "namespace a{", "", "}"),
        ("a.jsx", "<a>{", "", "}</a>"),
        ("a.jsx", "<a>'{", "", "}'</a>"),
        ("a.js", "<a>'{", "", "}'</a>"),
    ];
    for (path, open, middle, close) in nests {
        for depth in [50, 300, 2_000, 30_000] {
            let start = if open == "B<" { "type A = " } else { "" };
            let text = start.to_owned() + &open.repeat(depth) + middle + &close.repeat(depth);
            let problems = lower(path, &text).problems;
            match depth {
                50 => assert_eq!(problems, Vec::<String>::new(), "{open}"),
                2_000.. if open != "B<" => assert_eq!(problems.len(), 1, "{open} × {depth}"),
                // Some constructs nest more than one level each.
                _ => {}
            }
        }
    }
}

#[test]
fn long_chains_are_read_completely_without_deep_trees() {
    let chains = [
        ("a", "+b"),
        ("'x'", "+\n  'y'"),
        ("a", "||b"),
        ("a", "&&b"),
        ("a", "|b"),
        ("a", "-b"),
        ("a", ",b"),
        ("[a", ",b"),
    ];
    for (first, more) in chains {
        let close = if first.starts_with('[') { "]" } else { "" };
        let text = format!("x = ({first}{}{close})", more.repeat(10_000));
        let lowered = lower("a.js", &text);
        assert_eq!(lowered.problems, Vec::<String>::new(), "{more}");
        let module = lowered.module.expect("lowered");
        assert!(module.exprs.len() > 10_000, "{more}");
        assert!(depth(&module) < 200, "{more}: {}", depth(&module));
    }
}

/// Depth of the deepest expression. Children come before their parents in a module.
fn depth(module: &Module) -> usize {
    let mut depths: Vec<usize> = Vec::with_capacity(module.exprs.len());
    for expr in &module.exprs {
        let children: Vec<usize> = match expr {
            Expr::Binary(_, left, right) | Expr::Logical(_, left, right) => vec![left.0 as usize, right.0 as usize],
            Expr::Sequence(parts) | Expr::Opaque(parts) => parts.iter().map(|part| part.0 as usize).collect(),
            _ => Vec::new(),
        };
        depths.push(1 + children.into_iter().map(|child| depths[child]).max().unwrap_or(0));
    }
    depths.into_iter().max().unwrap_or(0)
}

#[test]
fn many_statements_are_no_nesting() {
    let mut text = String::new();
    for index in 0..20_000 {
        let _ = writeln!(text, "if (a{index}) {{ run(\"(\", /[(]/, `${{a}}`) }} // (((");
    }
    let lowered = lower("a.js", &text);
    assert!(lowered.problems.is_empty(), "{:?}", lowered.problems);
}

#[test]
fn broken_regions_are_left_out_and_the_rest_is_read() {
    let text = "import { server } from './server.js';\nserver.tool('first', run);\nfunction broken(a, { {\n  return 1;\n}\n\
                server.tool('second', run);\n";
    let lowered = lower("a.ts", text);
    let printed = manta_flow::print::print(&lowered.module.expect("most of the file is read"));
    assert!(printed.contains("\"first\"") && printed.contains("\"second\""), "{printed}");
    assert!(lowered.problems.iter().any(|problem| problem.contains("partially analysed")), "{:?}", lowered.problems);
}

#[test]
fn hopeless_files_say_so() {
    for text in ["(", "}", "\u{0}", "const = = 1", "`${", "class {", "/*", "'", "import"] {
        let lowered = lower("a.js", text);
        assert!(lowered.module.is_some() || lowered.problems.len() == 1, "{text}: {:?}", lowered.problems);
    }
    let large = " ".repeat(17 << 20);
    assert!(lower("a.js", &large).problems[0].contains("16 MiB"));
}

#[test]
fn other_dialects_than_the_extension_are_read() {
    for (path, text) in [
        ("a.js", "const v = <b onClick={() => run(x)}>{y}</b>;"),
        ("a.js", "enum A { B } const x: string = y;"),
        ("a.mjs", "with (a) { b() }"),
        ("a.js", "return 1;"),
        ("a.cjs", "import x from 'y'; await x;"),
        ("a.js", "#!/usr/bin/env node\nmodule.exports = await x;"),
        ("a.ts", "const v = <b>{y}</b>;"),
        ("a", "const x = 1"),
        ("a.js", "\u{feff}const x = 1"),
    ] {
        let lowered = lower(path, text);
        assert!(lowered.module.is_some(), "{path} {text}: {:?}", lowered.problems);
    }
}
