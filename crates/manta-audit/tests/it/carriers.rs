//! How a value travels, times whether it was checked before. Each carrier of the folder is a step or two that hand a parameter
//! on: through a collection, a class, a promise, a format. What nothing checks has to be found behind it, and what a check has
//! settled has to stay settled. What is known to go wrong stands beside the carrier, and a test fails as well where that is no
//! longer so.

use std::collections::BTreeSet;
use std::path::Path;

use manta_core::{Persona, Severity};

use crate::common::{Part, comment_of, parts, report_of};

/// Whether the tool of a server is reported at high or critical.
fn is_loud(file: &str, text: &str) -> bool {
    let package = ("package.json", r#"{"name": "m", "type": "module", "main": "carriers.js"}"#);
    let report = report_of([(file, text), package]);
    assert_eq!(report.completeness.unresolved_handlers, Vec::<String>::new(), "{text}");
    let told = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    told.filter(|finding| !finding.tools.is_empty()).any(|finding| finding.severity >= Severity::High)
}

/// A text in the place of a line that names it, each of its lines as far in as that one.
fn put_in(server: &str, place: &str, text: &str) -> String {
    let put = |line: &str| match line.trim() == place {
        true => {
            let blanks = &line[..line.len() - place.len()];
            text.lines().map(|line| format!("{blanks}{line}\n")).collect()
        }
        false => format!("{line}\n"),
    };
    server.lines().map(put).collect()
}

fn verify(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/carriers").join(file);
    let text = std::fs::read_to_string(path).expect("a file of this test");
    let parts = parts(&text, comment_of(file), &["head", "check", "carrier"]);
    let of_kind = |kind: &'static str| parts.iter().filter(move |part: &&Part<'_>| part.kind == kind);
    let [head, check] = ["head", "check"].map(|kind| &of_kind(kind).next().expect("a part of this file").text);
    let (mut expected, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for carrier in of_kind("carrier") {
        let (name, known) = carrier.says.split_once(": ").unwrap_or((carrier.says, ""));
        expected.extend(known.split(", ").filter(|fault| !fault.is_empty()).map(|fault| format!("{name}: {fault}")));
        let server = put_in(head, "CARRIER", &carrier.text);
        if !is_loud(file, &put_in(&server, "CHECK", "")) {
            seen.insert(format!("{name}: missed"));
        }
        if is_loud(file, &put_in(&server, "CHECK", check)) {
            seen.insert(format!("{name}: loud"));
        }
    }
    assert!(of_kind("carrier").count() > 180, "{file} has carriers");
    assert_eq!(seen, expected, "{file}");
}

#[test]
fn in_javascript() {
    verify("carriers.js");
}

#[test]
fn in_python() {
    verify("carriers.py");
}
