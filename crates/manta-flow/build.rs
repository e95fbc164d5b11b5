//! Embeds the model files, after checking that each is TOML, so that a broken model never ships.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("models"), &mut files);
    files.sort();
    let mut code = String::from("/// Model files by name.\npub static BUILTIN_MODELS: &[(&str, &str)] = &[\n");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a model file is readable UTF-8");
        if let Err(error) = text.parse::<toml::Table>() {
            panic!("{}: {error}", file.display());
        }
        let name = file.strip_prefix(&root).expect("models are below the crate").display().to_string();
        writeln!(code, "    ({name:?}, include_str!({:?})),", file.display().to_string()).expect("a string grows");
    }
    code.push_str("];\n");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("builtin_models.rs"), code).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed=models");
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
