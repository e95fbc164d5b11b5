//! What is done about a value, times what is then done with it. Each file of `matrix` has checks that hold and checks that
//! fail, and uses: every use behind every check is a tool. None behind a check that holds may be loud, and each behind one
//! that fails has to be found. So a check that is understood for one use is understood for all, and the other way round.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use manta_core::{Persona, Severity};

use crate::common::{Part, comment_of, parts, report_of};

/// A file of the folder: the parameter that all is about, what its servers begin with, and its parts.
struct Matrix<'a> {
    param: &'a str,
    head: String,
    parts: Vec<Part<'a>>,
}

impl<'a> Matrix<'a> {
    fn read(name: &str, text: &'a str) -> Self {
        let mut parts = parts(text, comment_of(name), &["parameter", "check", "use"]);
        let head = parts.remove(1);
        assert_eq!(head.kind, "parameter", "{name} says first what it is about");
        Self { param: head.says, head: head.text, parts }
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(move |part| part.kind == kind)
    }
}

/// The name of a part, and what stands behind its colon.
fn named<'a>(part: &Part<'a>) -> (&'a str, &'a str) {
    part.says.split_once(": ").unwrap_or((part.says, ""))
}

/// A server with one tool for each use, all behind one check.
fn server(matrix: &Matrix<'_>, check: &Part<'_>, is_python: bool) -> String {
    let (mut text, param, check) = (matrix.head.clone(), matrix.param, &check.text);
    for usage in matrix.of("use") {
        let ((name, kind), usage) = (named(usage), &usage.text);
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
    let matrix = Matrix::read(name, &text);
    assert!(matrix.of("check").count() > 0 && matrix.of("use").count() > 5, "{name} has both");
    let mut wrong = Vec::new();
    for check in matrix.of("check") {
        let found = found(&server(&matrix, check, is_python), is_python);
        let (of, says) = named(check);
        for (usage, _) in matrix.of("use").map(named) {
            let severity = found.get(&format!("t_{usage}")).copied();
            let is_wrong = match says {
                "holds" => severity.is_some_and(|severity| severity >= Severity::High),
                "fails" => severity.is_none_or(|severity| severity < Severity::Medium),
                other => panic!("{name}: a check holds or fails: {other}"),
            };
            if is_wrong {
                wrong.push(format!("{name}: {usage} behind {of}, which {says}: {severity:?}"));
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
