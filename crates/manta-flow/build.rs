//! Reads the model files and packs what they say of each access path, so that a broken model never ships and starting
//! manta reads no TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[path = "src/engine/models/rows.rs"]
#[expect(unreachable_pub, reason = "the rows are public in the library, which this is not")]
mod rows;

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("models"), &mut paths);
    paths.sort();
    let mut entries: BTreeMap<String, rows::Entry> = BTreeMap::new();
    let mut aliases: BTreeMap<String, String> = BTreeMap::new();
    for (path, row) in paths.iter().flat_map(|path| read(path).rows()) {
        match row {
            rows::Row::Alias(to) => drop(aliases.insert(path, to)),
            row => entries.entry(path).or_default().add(row),
        }
    }
    let entries: Vec<(String, Bytes)> = entries.into_iter().map(|(path, entry)| (path, Bytes(pack(&entry)))).collect();
    let aliases: Vec<(String, String)> = aliases.into_iter().collect();
    let gaps: Vec<usize> = (0..entries.len()).filter(|at| entries[*at].0.contains("**")).collect();
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("models.bin"), pack(&(entries, gaps, aliases))).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed=models");
    println!("cargo:rerun-if-changed=src/engine/models/rows.rs");
}

/// Packed as bytes and not as a list of numbers, so that they can be borrowed.
struct Bytes(Vec<u8>);

impl serde::Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

fn pack(value: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("rows are plain data")
}

fn read(path: &Path) -> rows::ModelFile {
    let text = std::fs::read_to_string(path).expect("a model file is readable UTF-8");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo:rerun-if-changed={}", dir.display());
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            files.push(path);
        }
    }
}
