//! Repository tasks: what a contributor runs besides `cargo build` and `cargo test`.
//!
//! A task prints its answer on standard output, its progress on standard error, and exits 0 when it
//! could do its work, 2 when it could not.
#![forbid(unsafe_code)]

mod bench;
mod ready_guard;
mod ready_harden;

use std::process::ExitCode;

use clap::Parser;

/// Repository tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Scores the scanner on a checkout of vulnerable and fixed servers.
    BenchPairs(bench::PairsArgs),
    /// Lists the high and critical findings on servers that are believed to be sound.
    BenchBenign(bench::BenignArgs),
    /// Shows manta-harden and `manta serve` with real clients, a real Redis and killed writers.
    ReadyHarden,
    /// Shows manta-guard with real clients, published servers and other parsers.
    ReadyGuard,
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::BenchPairs(args) => bench::pairs(&args),
        Task::BenchBenign(args) => bench::benign(&args),
        Task::ReadyGuard => ready_guard::ready_guard(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))),
        Task::ReadyHarden => {
            ready_harden::ready_harden(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))
        }
    };
    match done {
        Ok(report) => print(&report),
        Err(problem) => fail(&problem),
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the task was run for")]
fn print(report: &str) -> ExitCode {
    print!("{report}");
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "errors go to the person at the terminal")]
fn fail(problem: &str) -> ExitCode {
    eprintln!("xtask: {problem}");
    ExitCode::from(2)
}
