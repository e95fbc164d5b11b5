//! Whether remembering calls changes anything but the time: `cargo run --release -p manta-audit --example memo -- DIR…`
//! audits each directory with and without memory and prints what differs, ways apart. Where a run is cut short, it may.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that compares has nobody to report errors to")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use manta_audit::{Settings, audit};
use manta_core::{Finding, ProjectInput};
use manta_flow::engine::Limits;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

/// Most bytes of a file that is read.
const LARGEST: u64 = 4 << 20;

fn main() {
    let mut differing = 0;
    for directory in std::env::args().skip(1) {
        let mut files = Vec::new();
        read(Path::new(&directory), "", &mut files);
        let (with, without) = (lines(&files, true), lines(&files, false));
        for line in with.symmetric_difference(&without) {
            println!("{directory}: {} {line}", if with.contains(line) { "with" } else { "without" });
        }
        differing += usize::from(with != without);
        println!(
            "{directory}: {} findings, {}",
            without.len(),
            if with == without { "the same" } else { "NOT the same" }
        );
    }
    std::process::exit(i32::from(differing > 0));
}

/// A line for each finding, and for what was not analysed.
fn lines(files: &[(String, String)], memo: bool) -> BTreeSet<String> {
    let input = ProjectInput::from_texts("server", files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let front_ends: Vec<Box<dyn FrontEnd>> = vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)];
    let limits = Limits { memo, ..Limits::default() };
    let report = audit(&input, &front_ends, &Models::builtin(), &Settings { limits, ..Settings::default() });
    let findings = report.findings.iter().map(|finding| {
        let Finding { rule, severity, confidence, tools, location, message, .. } = finding;
        format!("{} {severity:?} {confidence:?} {tools:?} {location:?} {message}", rule.id)
    });
    findings.chain([format!("cut short: {:?}", report.completeness.exhausted_budgets)]).collect()
}

fn read(directory: &Path, below: &str, files: &mut Vec<(String, String)>) {
    const KINDS: [&str; 9] = ["js", "mjs", "cjs", "ts", "mts", "tsx", "py", "json", "toml"];
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !path.is_symlink() && !matches!(name.as_str(), "node_modules" | ".git") {
            read(&path, &format!("{below}{name}/"), files);
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known))
            && entry.metadata().is_ok_and(|metadata| metadata.len() < LARGEST)
            && let Ok(text) = fs::read_to_string(&path)
        {
            files.push((format!("{below}{name}"), text));
        }
    }
}
