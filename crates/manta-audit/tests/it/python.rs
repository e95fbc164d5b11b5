//! Python servers of our own writing, one file per topic. A line that ends with `# error: rule in tool` is found, by
//! that rule and with that tool named (`# error: rule` where no tool is meant); no other line is. Forms that hold stand
//! beside forms that differ in a detail and don't.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use manta_audit::{Settings, audit};
use manta_core::{Persona, ProjectInput};
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// Line, rule, tool.
type Found = BTreeSet<(u32, String, Option<String>)>;

fn expected(text: &str) -> Found {
    let mut all = Found::new();
    for (line, number) in text.lines().zip(1..) {
        let Some((_, marks)) = line.split_once("# error: ") else { continue };
        for mark in marks.split(", ") {
            let (rule, tool) = match mark.split_once(" in ") {
                Some((rule, tool)) => (rule, Some(tool.to_owned())),
                None => (mark, None),
            };
            all.insert((number, rule.to_owned(), tool));
        }
    }
    all
}

/// What the regular persona sees, with as much of it as the file asks for.
fn found(text: &str, expected: &Found) -> Found {
    let input = ProjectInput::from_texts("server", [("server.py", text)]);
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_py::Python)];
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings::default());
    assert_eq!(report.completeness.unresolved_handlers, Vec::<String>::new());
    let mut all = Found::new();
    for finding in report.findings.iter().filter(|finding| finding.persona == Persona::Regular) {
        let file = report.sources.get(finding.location.file).expect("a file of the target");
        let line = file.line_column(finding.location.span.start).line;
        let rule = finding.rule.id.to_owned();
        let is_unnamed = expected.contains(&(line, rule.clone(), None));
        if is_unnamed || finding.tools.is_empty() {
            all.insert((line, rule, None));
        } else {
            all.extend(finding.tools.iter().map(|tool| (line, rule.clone(), Some(tool.clone()))));
        }
    }
    all
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/python");
    let entries = std::fs::read_dir(folder).expect("the folder of this test");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn every_marked_line_is_found_and_no_other() {
    let files = files();
    assert!(files.len() >= 10, "the servers are there");
    let mut wrong = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let expected = expected(&text);
        let found = found(&text, &expected);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let describe = |(line, rule, tool): &(u32, String, Option<String>)| {
            format!("{name}:{line} {rule} in {}", tool.as_deref().unwrap_or("anything"))
        };
        wrong.extend(expected.difference(&found).map(|mark| format!("missed  {}", describe(mark))));
        wrong.extend(found.difference(&expected).map(|mark| format!("too much {}", describe(mark))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
