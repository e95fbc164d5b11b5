//! Golden lowering: Python in, the IR as text out. A parser upgrade or a change of lowering shows as a diff.
//!
//! `MANTA_BLESS=1 cargo test -p manta-py --test it golden` rewrites the expected texts; read the diff before committing.

use std::fs;
use std::path::Path;

use manta_core::FileId;
use manta_flow::frontend::FrontEnd as _;
use manta_flow::print::print;
use manta_py::Python;

#[test]
fn lowering_matches_the_golden_texts() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(&dir).expect("the directory of golden files") {
        let source = entry.expect("a directory entry").path();
        if source.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        seen += 1;
        let name = source.file_name().expect("a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&source).expect("readable source");
        let lowered = Python.lower(FileId(0), &name, &text);
        let mut got: String = lowered.problems.iter().map(|problem| format!("problem: {problem}\n")).collect();
        got.push_str(&lowered.module.as_deref().map(print).unwrap_or_default());
        let expected = source.with_extension("ir");
        if std::env::var_os("MANTA_BLESS").is_some() {
            fs::write(&expected, &got).expect("writable golden file");
        } else if fs::read_to_string(&expected).unwrap_or_default() != got {
            wrong.push(format!("{name} lowers to\n{got}"));
        }
    }
    assert!(seen >= 10, "only {seen} golden files found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
