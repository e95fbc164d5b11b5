//! Lowers every Python file below the given directories: CPU cost next to the bare parse, and the problems.
//!
//! `cargo run --release -p manta-py --example lowering -- DIR…`
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use manta_core::FileId;
use manta_flow::frontend::FrontEnd as _;
use manta_py::Python;
use ruff_python_ast::PySourceType;
use ruff_python_parser::parse_unchecked_source;

/// Repetitions; the best one counts.
const ROUNDS: usize = 5;

fn main() {
    let mut files = Vec::new();
    for root in std::env::args_os().skip(1) {
        collect(Path::new(&root), &mut files);
    }
    files.sort();
    let texts: Vec<(PathBuf, String)> =
        files.into_iter().filter_map(|path| std::fs::read_to_string(&path).ok().map(|text| (path, text))).collect();
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let parse =
        best(|| texts.iter().map(|(_, text)| parse_unchecked_source(text, PySourceType::Python).suite().len()).sum());
    let lower = best(|| {
        texts
            .iter()
            .filter_map(|(path, text)| Python.lower(FileId(0), &path.to_string_lossy(), text).module)
            .map(|m| m.exprs.len())
            .sum()
    });
    let (mut partial, mut lost, mut exprs, mut funcs) = (0, 0, 0, 0);
    for (path, text) in &texts {
        let lowered = Python.lower(FileId(0), &path.to_string_lossy(), text);
        for problem in &lowered.problems {
            println!("{}: {problem}", path.display());
        }
        partial += usize::from(!lowered.problems.is_empty());
        lost += usize::from(lowered.module.is_none());
        exprs += lowered.module.as_ref().map_or(0, |module| module.exprs.len());
        funcs += lowered.module.as_ref().map_or(0, |module| module.funcs.len());
    }
    println!(
        "{} files, {} bytes, {funcs} functions, {exprs} expressions; {partial} with problems, {lost} not analysed",
        texts.len(),
        bytes
    );
    println!("parse {parse:?}, parse and lower {lower:?} ({:.2}x)", lower.as_secs_f64() / parse.as_secs_f64());
}

fn best(mut work: impl FnMut() -> usize) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::hint::black_box(work());
        best = best.min(start.elapsed());
    }
    best
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        entries
            .flatten()
            .filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_symlink()))
            .for_each(|entry| collect(&entry.path(), files));
    } else if Python.claims(&path.to_string_lossy()) {
        files.push(path.to_owned());
    }
}
