//! `cargo xtask bench-around`: what a scan takes beside its rules about code, in processor time.
//!
//! Whatever looks at texts, configurations and shipped files runs in every scan. What the rules about code would take
//! alone is measured on a copy that holds nothing but code and manifests, without the part of the scan that looks around.
//! Each is scanned several times, and the cheapest run counts: a busy machine only adds. What every scan takes to start is
//! measured on an empty directory and is part of both.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use manta_core::FileKind;

use super::scan::{manta_binary, scratch};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct AroundArgs {
    /// Directories that are one server each (repeatable).
    #[arg(long, required = true, num_args = 1..)]
    dir: Vec<PathBuf>,
    /// The scanner [default: the `manta` built beside this program].
    #[arg(long)]
    manta: Option<PathBuf>,
    /// How often each is scanned.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Most that everything may take, as a multiple of the rules about code alone.
const WANTED: f64 = 1.3;

/// Measures every directory.
///
/// # Errors
/// When the scanner is missing or fails, or a directory can't be copied.
pub(crate) fn run(args: &AroundArgs) -> Result<String, String> {
    let manta = manta_binary(args.manta.as_deref())?;
    let least = |dir: &Path, part: fn(&Spent) -> f64| -> Result<f64, String> {
        let runs = (0..args.runs.max(1)).map(|_| Spent::by(&manta, dir).map(|spent| part(&spent)));
        runs.reduce(|one, other| Ok(one?.min(other?))).unwrap_or(Ok(0.0))
    };
    let start = least(scratch()?.path(), |spent| spent.clock)?;
    let mut text = format!("starting takes {start:.1} ms\n");
    let _ = writeln!(text, "{:50} {:>9} {:>9} {:>7}", "server", "code, ms", "all, ms", "ratio");
    let (mut code, mut all, mut over) = (0.0, 0.0, 0);
    for dir in &args.dir {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        eprint_progress(&name);
        let copy = scratch()?;
        copy_code(dir, copy.path()).map_err(|error| format!("cannot copy {}: {error}", dir.display()))?;
        let own_all = start + least(dir, |spent| spent.all)?;
        let own_code = start + least(copy.path(), |spent| spent.all - spent.around)?;
        let ratio = own_all / own_code;
        over += usize::from(ratio > WANTED);
        (code, all) = (code + own_code, all + own_all);
        let _ = writeln!(text, "{name:50} {own_code:9.1} {own_all:9.1} {ratio:7.2}");
    }
    let _ = writeln!(text, "{:50} {code:9.1} {all:9.1} {:7.2}", "together", all / code.max(1.0));
    let _ = writeln!(text, "{over} of {} take more than {WANTED} times as long", args.dir.len());
    Ok(text)
}

#[expect(clippy::print_stderr, reason = "progress goes to the person at the terminal")]
fn eprint_progress(name: &str) {
    eprintln!("{name}");
}

/// What one scan took, in milliseconds of processor time.
#[derive(Debug, Default, PartialEq)]
struct Spent {
    all: f64,
    around: f64,
    /// In all, on the clock.
    clock: f64,
}

impl Spent {
    fn by(manta: &Path, dir: &Path) -> Result<Self, String> {
        let output = Command::new(manta)
            .args(["scan", "--jobs", "1", "--no-config", "--timings", "-o", "json=/dev/null"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| format!("cannot start {}: {error}", manta.display()))?;
        Self::read(&String::from_utf8_lossy(&output.stderr))
            .ok_or_else(|| format!("no timings of {}: {}", dir.display(), output.status))
    }

    /// Reads what `--timings` says. What it says of all is time on the clock, so the parts are added.
    fn read(text: &str) -> Option<Self> {
        let mut spent = Self::default();
        let mut parts = 0;
        for line in text.lines().filter_map(|line| line.strip_prefix("note: ")) {
            let Some((what, rest)) = line.split_once(": ") else { continue };
            let Some(time) = rest.split_once(" ms").and_then(|(time, _)| time.parse::<f64>().ok()) else { continue };
            if what == "in all" {
                spent.clock = time;
                continue;
            }
            parts += 1;
            spent.all += time;
            if what == "looking around the code" {
                spent.around += time;
            }
        }
        (parts > 0).then_some(spent)
    }
}

/// Copies the files that rules about code need.
fn copy_code(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let target = to.join(&name);
        if kind.is_dir() {
            if name != ".git" {
                fs::create_dir(&target)?;
                copy_code(&entry.path(), &target)?;
            }
        } else if kind.is_file() && FileKind::of(&name.to_string_lossy()) != FileKind::Other {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_are_added() {
        let text = "note: reading files: 1.5 ms\nnote: running handlers: 2.0 ms, 300 steps\n\
                    note: looking around the code: 0.5 ms\nnote: in all: 9.0 ms on the clock\nsomething else\n";
        assert_eq!(Spent::read(text), Some(Spent { all: 4.0, around: 0.5, clock: 9.0 }));
        assert_eq!(Spent::read("error: no such file\n"), None);
    }
}
