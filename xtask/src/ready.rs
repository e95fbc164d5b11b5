//! `cargo xtask ready`: everything that needs more than Rust, in one command.
//!
//! Packages of npm and PyPI are fetched into the target directory by the parts that use them; programs of the
//! system are not installed here. What is missing is named at the start, before anything has taken time, and
//! nothing is skipped but a system whose standard library the toolchain lacks, which the report says.

use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::tools::Tools;
use crate::{ready_bundles, ready_guard, ready_harden, ready_pages, ready_start, ready_systems};

/// Programs the parts start, how to ask for a version, and what brings them on Debian.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("node", "--version", "nodejs"),
    ("npm", "--version", "npm"),
    ("python3", "--version", "python3 python3-venv"),
    ("git", "--version", "git"),
    ("unshare", "--version", "util-linux"),
    ("mount", "--version", "mount"),
    ("redis-server", "--version", "redis-server"),
    ("chromium", "--version", "chromium"),
    ("valgrind", "--version", "valgrind"),
];

type Part = (&'static str, fn(&Path) -> Result<String, String>);

/// In order of what they cost.
const PARTS: &[Part] = &[
    ("string domain against Node and Python", runtimes),
    ("the HTML report in Chromium", ready_pages::ready_pages),
    ("what a small scan costs", ready_start::ready_start),
    ("one server through every bundler", ready_bundles::ready_bundles),
    ("compiled for macOS and Windows", ready_systems::ready_systems),
    ("manta-harden and manta serve", ready_harden::ready_harden),
    ("manta guard", ready_guard::ready_guard),
];

/// Runs every part and reports; the first that fails ends it.
///
/// # Errors
/// When a program is missing, or a part fails.
pub(crate) fn ready(root: &Path) -> Result<String, String> {
    let missing: Vec<&str> =
        PROGRAMS.iter().filter(|(name, version, _)| !starts(name, version)).map(|(_, _, package)| *package).collect();
    if !missing.is_empty() {
        return Err(format!("programs are missing; on Debian: apt-get install {}", missing.join(" ")));
    }
    let mut report = String::new();
    let mut fetching = Some(fetch(root));
    for (name, part) in PARTS {
        progress(&format!("{name} …"));
        let start = Instant::now();
        let shown = part(root).map_err(|problem| format!("{name}: {problem}"))?;
        progress(&format!("{name}: {:.0?}", start.elapsed()));
        // The first part needs nothing of it, and takes about as long.
        if let Some(fetching) = fetching.take() {
            let start = Instant::now();
            fetching.join().map_err(|_| "fetching packages: panicked".to_owned())??;
            progress(&format!("waited for packages: {:.0?}", start.elapsed()));
        }
        report.push_str(&format!("{name}\n"));
        for line in shown.lines() {
            report.push_str(&format!("  {line}\n"));
        }
    }
    report.push_str("all parts passed\n");
    Ok(report)
}

/// Fetches what the parts need from npm and PyPI, all at once: most of it is waiting. Each part would do it by itself.
fn fetch(root: &Path) -> JoinHandle<Result<(), String>> {
    let fetches: [fn(&Path) -> Result<(), String>; 4] = [
        |root| Tools::install(root).map(drop),
        ready_pages::fetch,
        |root| ready_bundles::fetch(root).map(drop),
        |root| ready_guard::fetch(root).map(drop),
    ];
    let root = root.to_owned();
    thread::spawn(move || {
        let running = fetches.map(|fetch| {
            let root = root.clone();
            thread::spawn(move || fetch(&root))
        });
        for fetch in running {
            fetch.join().map_err(|_| "a fetch panicked".to_owned())??;
        }
        Ok(())
    })
}

fn starts(program: &str, version: &str) -> bool {
    Command::new(program).arg(version).output().is_ok_and(|output| output.status.success())
}

/// The tests of the string domain, and of whole programs, that ask the real interpreters.
fn runtimes(root: &Path) -> Result<String, String> {
    let output = Command::new("cargo")
        .args([
            "test",
            "-q",
            "--workspace",
            "--test",
            "it",
            "--",
            "--ignored",
            "domain_runtimes::",
            "random_programs::",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    }
    // Other crates have an `it` too, with nothing of that name.
    let ran: Vec<&str> =
        said.lines().filter(|line| line.starts_with("test result") && !line.contains(" 0 passed")).collect();
    // One crate each.
    if ran.len() < 2 {
        Err(format!("tests of `domain_runtimes` or `random_programs` did not run:\n{said}"))
    } else {
        Ok(ran.join("\n"))
    }
}

#[expect(clippy::print_stderr, reason = "progress of a long task")]
fn progress(line: &str) {
    eprintln!("ready: {line}");
}
