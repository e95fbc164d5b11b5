//! The proxy alone, for hosts where the whole `manta` is too much: `manta-guard [OPTIONS] -- CMD ARGS…`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // First, before any thread exists.
    if let Some(code) = manta_guard::command::run_if_asked(&arguments) {
        return code;
    }
    manta_guard::command::main(&arguments)
}
