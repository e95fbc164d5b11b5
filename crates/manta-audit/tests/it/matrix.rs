//! What is done about a value, times what is then done with it. Each file of `matrix` has checks that hold and checks that
//! fail, and uses: every use behind every check is a tool. None behind a check that holds may be loud, and each behind one
//! that fails has to be found. So a check that is understood for one use is understood for all, and the other way round.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use manta_core::{Persona, Severity};

use crate::common::report_of;

/// A part of a file: what it is, its name, what stands behind its colon, and its text.
struct Section<'a> {
    is_check: bool,
    name: &'a str,
    says: &'a str,
    text: String,
}

/// A file of the folder: the parameter that all is about, what its servers begin with, and its parts.
struct Matrix<'a> {
    param: &'a str,
    head: String,
    sections: Vec<Section<'a>>,
}

impl<'a> Matrix<'a> {
    fn read(text: &'a str, comment: &str) -> Self {
        let mut matrix = Self { param: "", head: String::new(), sections: Vec::new() };
        for line in text.lines() {
            let mark = line.strip_prefix(comment).map(str::trim_start);
            if let Some(param) = mark.and_then(|mark| mark.strip_prefix("parameter ")) {
                matrix.param = param;
                continue;
            }
            let check = mark.and_then(|mark| mark.strip_prefix("check "));
            let started = check.or_else(|| mark.and_then(|mark| mark.strip_prefix("use ")));
            if let Some(started) = started {
                let (name, says) = started.split_once(": ").unwrap_or((started, ""));
                matrix.sections.push(Section { is_check: check.is_some(), name, says, text: String::new() });
                continue;
            }
            let text = matrix.sections.last_mut().map_or(&mut matrix.head, |section| &mut section.text);
            text.push_str(line);
            text.push('\n');
        }
        matrix
    }

    fn parts(&self, checks: bool) -> impl Iterator<Item = &Section<'a>> {
        self.sections.iter().filter(move |section| section.is_check == checks)
    }
}

/// A server with one tool for each use, all behind one check.
fn server(matrix: &Matrix<'_>, check: &Section<'_>, is_python: bool) -> String {
    let mut text = matrix.head.clone();
    let param = matrix.param;
    for usage in matrix.parts(false) {
        let (name, check, usage, kind) = (usage.name, &check.text, &usage.text, usage.says);
        let written = if is_python {
            let head = if kind == "async" { "async def" } else { "def" };
            write!(text, "\n@mcp.tool()\n{head} t_{name}({param}: str) -> str:\n{check}{usage}")
        } else {
            let schema = format!("{{ {param}: z.string() }}");
            write!(text, "server.tool(\"t_{name}\", {schema}, async ({{ {param} }}) => {{\n{check}{usage}}});\n")
        };
        written.expect("a text");
    }
    text
}

/// The worst that is said of each tool.
fn found(text: &str, is_python: bool) -> BTreeMap<String, Severity> {
    let files: &[(&str, &str)] = match is_python {
        true => &[("server.py", text)],
        false => &[("index.js", text), ("package.json", r#"{"name": "m", "type": "module", "main": "index.js"}"#)],
    };
    let report = report_of(files.iter().copied());
    assert!(report.completeness.exhausted_budgets.is_empty(), "{:?}", report.completeness.exhausted_budgets);
    assert_eq!(report.completeness.unresolved_handlers, Vec::<String>::new());
    let mut worst = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.persona == Persona::Regular) {
        for tool in &finding.tools {
            let known = worst.entry(tool.clone()).or_insert(finding.severity);
            *known = (*known).max(finding.severity);
        }
    }
    worst
}

fn verify(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/matrix").join(name);
    let text = std::fs::read_to_string(path).expect("a file of this test");
    let is_python = name.ends_with(".py");
    let matrix = Matrix::read(&text, if is_python { "#" } else { "//" });
    assert!(matrix.parts(true).count() > 0 && matrix.parts(false).count() > 5, "{name} has both");
    let mut wrong = Vec::new();
    for check in matrix.parts(true) {
        let found = found(&server(&matrix, check, is_python), is_python);
        for usage in matrix.parts(false) {
            let severity = found.get(&format!("t_{}", usage.name)).copied();
            let is_wrong = match check.says {
                "holds" => severity.is_some_and(|severity| severity >= Severity::High),
                "fails" => severity.is_none_or(|severity| severity < Severity::Medium),
                other => panic!("{name}: a check holds or fails: {other}"),
            };
            if is_wrong {
                wrong.push(format!("{name}: {} behind {}, which {}: {severity:?}", usage.name, check.name, check.says));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! matrices {
    ($($test:ident: $file:literal,)*) => {
        $(#[test]
        fn $test() {
            verify($file);
        })*

        #[test]
        fn every_file_is_tested() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/matrix");
            let entries = std::fs::read_dir(folder).expect("the folder of this test");
            let mut names: Vec<String> =
                entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            assert_eq!(names, [$($file),*]);
        }
    };
}

matrices! {
    bound_in_javascript: "bound.js",
    bound_in_python: "bound.py",
    commands_in_javascript: "commands.js",
    commands_in_python: "commands.py",
    flows_in_javascript: "flows.js",
    flows_in_python: "flows.py",
    paths_in_javascript: "paths.js",
    paths_in_python: "paths.py",
    statements_in_javascript: "statements.js",
    statements_in_python: "statements.py",
    urls_in_javascript: "urls.js",
    urls_in_python: "urls.py",
}
