//! Prints what the resolver makes of a directory: entries, and imports that lead nowhere.
//!
//! `cargo run -p manta-py --example resolution -- DIR…`
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use manta_core::FileId;
use manta_flow::frontend::{FrontEnd as _, ProjectFiles, Resolution};
use manta_py::Python;

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
    for root in std::env::args().skip(1) {
        let mut texts = BTreeMap::new();
        collect(Path::new(&root), "", &mut texts);
        let files = Files { paths: texts.keys().cloned().collect(), texts };
        report(&root, &files);
    }
}

fn report(root: &str, files: &Files) {
    let resolver = Python.project(files);
    println!("== {root}");
    for entry in resolver.entries() {
        println!("   {} ({}) of {:?}", entry.path, entry.reason, resolver.package(&entry.path));
    }
    let (mut inside, mut external, mut missing) = (0, BTreeSet::new(), BTreeSet::new());
    for (path, text) in files.texts.iter().filter(|(path, _)| Python.claims(path)) {
        let Some(module) = Python.lower(FileId(0), path, text).module else { continue };
        for import in &module.imports {
            match resolver.resolve(path, &import.request) {
                Resolution::External { root, .. } => {
                    let version = resolver.dependency(path, root.as_str());
                    external.insert(format!("{root} {}", version.unwrap_or_default()));
                }
                Resolution::Missing => {
                    missing.insert(format!("{path}: {}", import.request));
                }
                _ => inside += 1,
            }
        }
    }
    println!("   {inside} inside; outside: {external:?}; missing: {missing:?}");
}

fn collect(dir: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && name != "node_modules" => collect(&entry.path(), &path, texts),
            Ok(kind) if kind.is_file() => {
                if let Ok(text) = std::fs::read_to_string(entry.path()) {
                    texts.insert(path, text);
                }
            }
            _ => {}
        }
    }
}
