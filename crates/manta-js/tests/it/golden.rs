//! Source in, IR out: every construct of the language has a file in `tests/it/golden/`, so an upgrade of the parser or a
//! change of the lowering shows as a difference of text. `UPDATE_GOLDEN=1` rewrites the expectations.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use manta_core::FileId;
use manta_flow::frontend::FrontEnd;
use manta_js::JavaScript;

fn sources() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let entries = std::fs::read_dir(dir).expect("golden directory");
    let mut sources: Vec<_> = entries.map(|entry| entry.expect("directory entry").path()).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension != "ir"));
    sources.sort();
    sources
}

fn lowered(source: &Path) -> String {
    let name = source.file_name().expect("file name").to_string_lossy();
    let text = std::fs::read_to_string(source).expect("golden source");
    let lowered = JavaScript.lower(FileId(0), &name, &text);
    let mut out = String::new();
    for problem in &lowered.problems {
        let _ = writeln!(out, "problem: {problem}");
    }
    out + &lowered.module.as_deref().map_or_else(String::new, manta_flow::print::print)
}

#[test]
fn lowering_matches_the_golden_files() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for source in sources() {
        let golden = source.with_extension("ir");
        let found = lowered(&source);
        if update {
            std::fs::write(&golden, &found).expect("golden file is writable");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if found != expected {
            different.push(format!("--- {}\n{found}", golden.display()));
        }
    }
    assert!(different.is_empty(), "differs from its golden file:\n{}", different.join("\n"));
}

#[test]
fn every_golden_file_has_a_source() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let sources = sources();
    for entry in std::fs::read_dir(dir).expect("golden directory") {
        let path = entry.expect("directory entry").path();
        let has_source = sources.iter().any(|source| source.file_stem() == path.file_stem());
        assert!(has_source, "{} has no source", path.display());
    }
}
