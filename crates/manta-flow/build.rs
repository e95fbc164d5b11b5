//! Reads the model files and packs them, so that a broken model never ships and starting manta reads no TOML.

use std::path::{Path, PathBuf};

#[path = "src/engine/models/rows.rs"]
#[expect(unreachable_pub, reason = "the rows are public in the library, which this is not")]
mod rows;

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("models"), &mut paths);
    paths.sort();
    let files: Vec<rows::ModelFile> = paths.iter().map(|path| read(path)).collect();
    let packed = postcard::to_stdvec(&files).expect("rows are plain data");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("models.bin"), packed).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed=models");
    println!("cargo:rerun-if-changed=src/engine/models/rows.rs");
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
