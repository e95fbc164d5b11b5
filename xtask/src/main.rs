//! Repository tasks: what a contributor runs besides `cargo build` and `cargo test`.
//!
//! A task prints its answer on standard output, its progress on standard error, and exits 0 when it
//! could do its work, 2 when it could not.
#![forbid(unsafe_code)]

mod advisories;
mod bench;
mod built;
mod cut;
mod generate;
mod instructions;
mod ready;
mod ready_bundles;
mod ready_guard;
mod ready_harden;
mod ready_pages;
mod ready_start;
mod ready_systems;
mod suite;
mod tools;

use std::path::{Path, PathBuf};
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
    /// Measures the scanner on a public taint suite, from a local checkout.
    Oracle(bench::OracleArgs),
    /// Counts the instructions of a scan beside those of the bare parse of the same files.
    BenchSpeed(bench::SpeedArgs),
    /// Measures a whole scan beside its rules about code.
    BenchAround(bench::AroundArgs),
    /// Measures how long after a keystroke an editor sees diagnostics.
    BenchEditor(bench::EditorArgs),
    /// Runs everything that needs Node, Python, Redis or a browser; fails where one is missing.
    Ready,
    /// Counts the instructions of the smallest scans; fails where one takes more than it did.
    ReadyStart,
    /// Compiles the program for macOS and Windows.
    ReadySystems,
    /// Shows the HTML report in a real browser.
    ReadyPages,
    /// Puts one server through tsc, esbuild and rspack and requires the same findings of every result.
    ReadyBundles,
    /// Measures the rules about what servers say: poisoned texts found, honest ones left alone.
    BenchText(bench::TextArgs),
    /// Writes the documentation site's pages and the schemas anew from the code.
    Generate,
    /// Brings the table of advisories up to date from checkouts of the public databases.
    RefreshAdvisories(advisories::AdvisoriesArgs),
    /// Shows manta-harden and `manta serve` with real clients, a real Redis and killed writers.
    ReadyHarden,
    /// Shows manta-guard with real clients, published servers and other parsers.
    ReadyGuard,
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::BenchPairs(args) => bench::pairs(&args),
        Task::BenchBenign(args) => bench::benign(&args),
        Task::Oracle(args) => bench::oracle(&args),
        Task::BenchSpeed(args) => bench::speed(&args),
        Task::BenchAround(args) => bench::around(&args),
        Task::BenchEditor(args) => bench::editor(&args),
        Task::ReadyBundles => ready_bundles::ready_bundles(&root()),
        Task::Ready => ready::ready(&root()),
        Task::ReadyStart => ready_start::ready_start(&root()),
        Task::ReadySystems => ready_systems::ready_systems(&root()),
        Task::ReadyPages => ready_pages::ready_pages(&root()),
        Task::ReadyGuard => ready_guard::ready_guard(&root()),
        Task::ReadyHarden => ready_harden::ready_harden(&root()),
        Task::BenchText(args) => bench::text(&args),
        Task::Generate => generate::run(&root()),
        Task::RefreshAdvisories(args) => advisories::run(&args),
    };
    match done {
        Ok(report) => print(&report),
        Err(problem) => fail(&problem),
    }
}

/// The repository, with no `..` in it: child processes are started elsewhere.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| ".".into(), Path::to_owned)
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
