//! Parses the files named on standard input and does nothing else: what `cargo xtask bench-speed` compares a scan with.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Ok(list) = io::read_to_string(io::stdin()) else { return ExitCode::from(2) };
    for path in list.lines() {
        let Ok(bytes) = std::fs::read(path) else { return ExitCode::from(2) };
        let text = String::from_utf8_lossy(&bytes);
        if path.ends_with(".py") {
            manta_py::bench::parse_only(&text);
        } else {
            manta_js::bench::parse_only(path, &text);
        }
    }
    ExitCode::SUCCESS
}
