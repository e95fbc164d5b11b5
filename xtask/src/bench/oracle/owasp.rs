//! OWASP `BenchmarkPython`: one file per case, each a route of a Flask application. The framework is replaced by a
//! stand-in whose requests are filled from the parameters of a tool; the file of expected results says which cases are
//! real.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::scan::scratch;
use super::{Case, Outcome, findings, read, write};

/// Categories of the suite that are rules of ours, with their CWEs.
const CATEGORIES: [(&str, &[u32]); 5] = [
    ("cmdi", &[77, 78, 88, 94, 95]),
    ("codeinj", &[77, 78, 88, 94, 95]),
    ("deserialization", &[502]),
    ("pathtraver", &[22, 23, 36, 59, 73, 434]),
    ("sqli", &[89, 943]),
];

/// A line of the expected results.
struct Expected<'a> {
    name: &'a str,
    category: &'a str,
    cwes: &'static [u32],
    is_real: bool,
}

pub(super) fn run(manta: &Path, dir: &Path) -> Result<Outcome, String> {
    let table = read(&dir.join("expectedresults-0.1.csv"))?;
    let expected: Vec<Expected<'_>> = table.lines().filter_map(expected).collect();
    let project = scratch()?;
    write_project(project.path(), dir, &expected)?;
    let found: BTreeSet<(String, u32)> = findings(manta, project.path())?
        .iter()
        .flat_map(|finding| {
            let names = finding.tools.iter().filter_map(|tool| tool.rsplit('/').next());
            names.flat_map(|name| finding.cwe.iter().filter_map(|cwe| Some((name.to_owned(), number(cwe)?))))
        })
        .collect();
    let case = |expected: &Expected<'_>| Case {
        class: expected.category.to_owned(),
        name: expected.name.to_owned(),
        is_flow: expected.is_real,
        is_found: expected.cwes.iter().any(|cwe| found.contains(&(expected.name.to_owned(), *cwe))),
    };
    Ok(Outcome { cases: expected.iter().map(case).collect(), left_out: Vec::new() })
}

/// `BenchmarkTest00001,pathtraver,true,22`, when the category is one of ours.
fn expected(line: &str) -> Option<Expected<'_>> {
    let mut fields = line.split(',');
    let (name, category, is_real) = (fields.next()?, fields.next()?, fields.next()?);
    let (_, cwes) = CATEGORIES.iter().find(|(known, _)| *known == category)?;
    Some(Expected { name, category, cwes, is_real: is_real == "true" })
}

fn number(cwe: &str) -> Option<u32> {
    cwe.strip_prefix("CWE-")?.parse().ok()
}

/// One server with a tool for each case, beside the stand-in and the suite's own helpers.
fn write_project(project: &Path, dir: &Path, expected: &[Expected<'_>]) -> Result<(), String> {
    write(&project.join("flask.py"), include_str!("flask.py"))?;
    let helpers = std::fs::read_dir(dir.join("helpers"))
        .map_err(|error| format!("read {}: {error}", dir.join("helpers").display()))?;
    for helper in helpers.flatten().filter(|helper| helper.path().extension().is_some_and(|kind| kind == "py")) {
        write(&project.join("helpers").join(helper.file_name()), &read(&helper.path())?)?;
    }
    let mut server = include_str!("owasp_server.py").to_owned();
    for Expected { name, .. } in expected {
        let file = format!("{name}.py");
        write(&project.join("testcode").join(&file), &read(&dir.join("testcode").join(&file))?)?;
        server.push_str(&format!("import testcode.{name}\ntestcode.{name}.init(app)\n"));
    }
    write(&project.join("server.py"), &server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_categories_and_the_heading_are_no_cases() {
        assert!(expected("# test name, category, real vulnerability, cwe, Benchmark version: 0.1").is_none());
        assert!(expected("BenchmarkTest00012,xss,true,79").is_none());
        let case = expected("BenchmarkTest00003,sqli,false,89").unwrap();
        assert_eq!((case.name, case.is_real, case.cwes), ("BenchmarkTest00003", false, &[89, 943][..]));
    }
}
