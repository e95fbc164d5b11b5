//! `cargo xtask bench-speed`: what a scan costs beside the bare parse of the same files, in instructions.
//!
//! Times on a busy machine say little; instructions are counted by `perf` where the processor lets it, and else by
//! valgrind, which takes a while. The cost of starting either program is measured on an empty list and subtracted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::scan::manta_binary;
use crate::instructions::Counter;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct SpeedArgs {
    /// Directories that are one server each (repeatable).
    #[arg(long, required = true, num_args = 1..)]
    dir: Vec<PathBuf>,
    /// The scanner [default: the `manta` built beside this program].
    #[arg(long)]
    manta: Option<PathBuf>,
    /// The program that only parses [default: `examples/bare_parse` beside the scanner: `cargo build --release -p manta
    /// --example bare_parse`].
    #[arg(long)]
    parse: Option<PathBuf>,
}

/// Measures every directory.
///
/// # Errors
/// When a program is missing or fails, or nothing can count instructions.
pub(crate) fn run(args: &SpeedArgs) -> Result<String, String> {
    let manta = manta_binary(args.manta.as_deref())?;
    let parse = args.parse.clone().unwrap_or_else(|| manta.with_file_name("examples").join("bare_parse"));
    if !parse.is_file() {
        return Err(format!("no parser at {}: cargo build --release -p manta --example bare_parse", parse.display()));
    }
    let counter = Counter::find(&manta)?;
    let empty = tempdir()?;
    let scan_start = counter.count(&manta, &scan_args(&empty), "")?;
    let parse_start = counter.count(&parse, &[], "")?;
    fs::remove_dir(&empty).map_err(|error| error.to_string())?;
    let mut text =
        format!("instructions by {}, in millions; starting manta takes {:.1}\n", counter.name(), mega(scan_start));
    let _ = writeln!(text, "{:50} {:>9} {:>9} {:>7}", "server", "parse", "scan", "ratio");
    for dir in &args.dir {
        let list = analysed_files(&manta, dir)?;
        let parsing = counter.count(&parse, &[], &list)?.saturating_sub(parse_start);
        let scanning = counter.count(&manta, &scan_args(dir), "")?.saturating_sub(scan_start);
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = scanning as f64 / parsing.max(1) as f64;
        let _ = writeln!(text, "{name:50} {:9.1} {:9.1} {ratio:7.2}", mega(parsing), mega(scanning));
    }
    Ok(text)
}

fn scan_args(dir: &Path) -> Vec<String> {
    ["scan", "--jobs", "1", "-q", "-o", "json=/dev/null"]
        .map(str::to_owned)
        .into_iter()
        .chain([dir.display().to_string()])
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn mega(count: u64) -> f64 {
    count as f64 / 1e6
}

fn tempdir() -> Result<PathBuf, String> {
    let path = std::env::temp_dir().join(format!("manta-speed-{}", std::process::id()));
    fs::create_dir_all(&path).map_err(|error| format!("cannot create {}: {error}", path.display()))?;
    Ok(path)
}

/// The source files of a directory that the scan did not leave out, one per line.
fn analysed_files(manta: &Path, dir: &Path) -> Result<String, String> {
    let output = Command::new(manta)
        .args(["scan", "-o", "json"])
        .arg(dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {}: {error}", manta.display()))?;
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("unreadable report: {error}"))?;
    let skipped = report["completeness"]["files_skipped"].as_array().cloned().unwrap_or_default();
    let skipped: BTreeSet<String> =
        skipped.iter().filter_map(|file| file["file"].as_str().map(str::to_owned)).collect();
    let mut files = Vec::new();
    sources(dir, "", &skipped, &mut files)?;
    files.sort();
    Ok(files.join("\n"))
}

fn sources(root: &Path, below: &str, skipped: &BTreeSet<String>, files: &mut Vec<String>) -> Result<(), String> {
    const EXTENSIONS: [&str; 9] = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".py"];
    let directory = root.join(below);
    let entries = fs::read_dir(&directory).map_err(|error| format!("cannot read {}: {error}", directory.display()))?;
    for entry in entries.flatten() {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(|error| error.to_string())?;
        if kind.is_dir() && !skipped.contains(&format!("{name}/")) {
            sources(root, &format!("{name}/"), skipped, files)?;
        } else if kind.is_file()
            && EXTENSIONS.iter().any(|extension| name.ends_with(extension))
            && !skipped.contains(&name)
        {
            files.push(root.join(&name).display().to_string());
        }
    }
    Ok(())
}
