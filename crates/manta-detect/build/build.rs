//! Writes down what detectors would otherwise work out at the start of every scan: the words a match of each pattern must
//! have, so that only patterns a text needs are compiled, and the words of all languages in their order.

use std::path::PathBuf;

mod phrases;
mod words;

fn main() {
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    let write = |name: &str, code: String| std::fs::write(out.join(name), code).expect("OUT_DIR is writable");
    write("injection_words.rs", phrases::tables());
    let table = |language: &str| {
        let path = format!("src/injection/sense/words/{language}.txt");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    write("order_words.rs", words::sorted(table));
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=src/injection/rules.rs");
    println!("cargo:rerun-if-changed=src/injection/sense/words");
}
