//! Lowers every JavaScript and TypeScript file below the given directories and prints what it cost next to the bare
//! parse and scope analysis of the same files, and every problem. `--print` prints the IR instead.
//!
//! `cargo run --release -p manta-js --example lower -- DIR…`
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use manta_core::FileId;
use manta_flow::frontend::FrontEnd;
use manta_js::JavaScript;

fn main() {
    let (flags, roots): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let mut files = Vec::new();
    for root in &roots {
        collect(Path::new(root), &mut files);
    }
    files.sort();
    let texts: Vec<_> = files
        .iter()
        .filter_map(|path| Some((path.to_string_lossy().into_owned(), std::fs::read_to_string(path).ok()?)))
        .collect();
    if flags.iter().any(|flag| flag == "--print") {
        for (path, text) in &texts {
            let lowered = JavaScript.lower(FileId(0), path, text);
            println!(
                "{path}\n{:?}\n{}",
                lowered.problems,
                lowered.module.as_deref().map_or_else(String::new, manta_flow::print::print)
            );
        }
        return;
    }
    report(&texts);
}

fn report(texts: &[(String, String)]) {
    let mut problems = 0;
    let mut exprs = 0;
    for (path, text) in texts {
        let lowered = JavaScript.lower(FileId(0), path, text);
        for problem in &lowered.problems {
            println!("{path}: {problem}");
        }
        problems += lowered.problems.len();
        exprs += lowered.module.map_or(0, |module| module.exprs.len());
    }
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let bare = best(|| texts.iter().for_each(|(path, text)| manta_js::bench::parse_only(path, text)));
    let full = best(|| {
        for (path, text) in texts {
            std::hint::black_box(JavaScript.lower(FileId(0), path, text));
        }
    });
    println!(
        "{} files, {:.2} MB, {exprs} expressions, {problems} problems\nparse + scopes {bare:?}, with lowering {full:?} ({:.2}x)",
        texts.len(),
        bytes as f64 / 1e6,
        full.as_secs_f64() / bare.as_secs_f64(),
    );
}

fn best(mut run: impl FnMut()) -> Duration {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            if entry.file_name() != "node_modules" && entry.file_name() != ".git" {
                collect(&entry.path(), files);
            }
        }
    } else if JavaScript.claims(&path.to_string_lossy()) {
        files.push(path.to_path_buf());
    }
}
