//! Prints the entry files of each given directory, how much of it their import closure covers, and the imports that
//! lead nowhere.
//!
//! `cargo run -p manta-js --example project -- DIR…`
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use manta_core::FileId;
use manta_flow::frontend::{FrontEnd, ProjectFiles, Resolution};
use manta_js::JavaScript;

struct Files {
    paths: Vec<String>,
    texts: BTreeMap<String, String>,
}

impl ProjectFiles for Files {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }
}

fn main() {
    let verbose = std::env::args().any(|arg| arg == "--files");
    for root in std::env::args().skip(1).filter(|arg| !arg.starts_with("--")) {
        let mut texts = BTreeMap::new();
        collect(Path::new(&root), "", &mut texts);
        let files = Files { paths: texts.keys().cloned().collect(), texts };
        describe(&root, &files, verbose);
    }
}

fn describe(root: &str, files: &Files, verbose: bool) {
    let start = std::time::Instant::now();
    let resolver = JavaScript.project(files);
    let took = start.elapsed();
    let sources = files.paths.iter().filter(|path| JavaScript.claims(path)).count();
    println!("{root}: {sources} source files, project read in {took:?}");
    let mut reached = BTreeSet::new();
    let mut work = Vec::new();
    for entry in resolver.entries() {
        println!("  entry {} ({})", entry.path, entry.reason);
        work.push(entry.path);
    }
    while let Some(path) = work.pop() {
        if !reached.insert(path.clone()) {
            continue;
        }
        let Some(text) = files.text(&path) else { continue };
        let lowered = JavaScript.lower(FileId(0), &path, text);
        for problem in &lowered.problems {
            println!("  problem {path}: {problem}");
        }
        for import in lowered.module.iter().flat_map(|module| &module.imports) {
            match resolver.resolve(&path, &import.request) {
                Resolution::File(file) => work.push(file),
                Resolution::Missing => println!("  missing {:?} in {path}", import.request),
                _ => {}
            }
        }
    }
    println!("  reached {} files", reached.len());
    if verbose {
        for path in files.paths.iter().filter(|path| JavaScript.claims(path)) {
            println!("  {} {path}", if reached.contains(path) { "+" } else { "-" });
        }
    }
}

fn collect(dir: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if entry.path().is_dir() {
            if name != "node_modules" && name != ".git" {
                collect(&entry.path(), &path, texts);
            }
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            texts.insert(path, text);
        }
    }
}
