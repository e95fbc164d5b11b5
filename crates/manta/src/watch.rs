//! `--watch`: the same work again whenever a file changes.
//!
//! Changes are seen by looking, a few times a second, at the names, sizes and times of files: that works on every file
//! system, needs no limit of the kernel, and costs less than one scan.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::collect;
use crate::exit::{Exit, Failure};
use crate::output;

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_millis(400);
/// Most entries that are looked at; a tree that is larger is watched in part, which is said.
const MOST: usize = 100_000;

/// Does the work, and again after every change below `paths`, but for the files that the work itself writes. Ends only
/// when it is interrupted.
pub(crate) fn run(
    paths: &[PathBuf],
    written: &[&Path],
    mut work: impl FnMut() -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let state = |paths: &[PathBuf]| state(paths, written);
    loop {
        let mut seen = state(paths);
        if let Err(failure) = work() {
            // What is wrong is usually what is being edited.
            let _ = failure.print();
        }
        let whole = if seen.entries > MOST { format!(" (the first {MOST} files)") } else { String::new() };
        output::remark(&format!("watching for changes{whole}; Ctrl-C ends"));
        // A change that is still going on is waited for: editors and builds write many files.
        loop {
            thread::sleep(INTERVAL);
            let now = state(paths);
            if now.hash != seen.hash {
                let mut last = now;
                loop {
                    thread::sleep(INTERVAL / 4);
                    let now = state(paths);
                    if now.hash == last.hash {
                        break;
                    }
                    last = now;
                }
                break;
            }
            seen = now;
        }
    }
}

/// What is known of files without opening them.
struct State {
    hash: u64,
    entries: usize,
}

fn state(paths: &[PathBuf], written: &[&Path]) -> State {
    let mut hasher = DefaultHasher::new();
    // Each with the place it has below the path that was named.
    let mut pending: Vec<(PathBuf, String)> = paths.iter().map(|path| (path.clone(), String::new())).collect();
    let mut entries = 0;
    while let Some((path, place)) = pending.pop() {
        entries += 1;
        if entries > MOST {
            break;
        }
        // A file that is gone is a state, too.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        // A report that is written into the tree must not be the reason for the next one.
        let is_read = metadata.is_dir() || place.is_empty() || collect::is_read(&place);
        if !is_read || written.iter().any(|written| is_same(&path, written)) {
            continue;
        }
        path.hash(&mut hasher);
        if metadata.is_dir() {
            pending.extend(below(&path, &place));
        } else {
            (metadata.len(), metadata.modified().ok()).hash(&mut hasher);
        }
    }
    State { hash: hasher.finish(), entries }
}

fn is_same(path: &Path, other: &Path) -> bool {
    let is_one = || Some(path.canonicalize().ok()? == other.canonicalize().ok()?);
    path.file_name() == other.file_name() && is_one() == Some(true)
}

/// What lies in a directory, in the order of names, but for what no scan reads.
fn below(directory: &Path, place: &str) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let below = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_read = !collect::is_closed(&name);
        let place = if place.is_empty() { name } else { format!("{place}/{name}") };
        is_read.then(|| (entry.path(), place))
    };
    let mut paths: Vec<(PathBuf, String)> = entries.filter_map(Result::ok).filter_map(below).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scan_reads_changes_the_state_and_nothing_else_does() {
        let tree = tempfile::tempdir().unwrap();
        let report = tree.path().join("src").join("..").join("findings.json");
        let now = || state(&[tree.path().to_owned(), tree.path().join("manta.toml")], &[&report]).hash;
        let write = |name: &str, text: &str| {
            let path = tree.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/a.py", "a");
        let first = now();
        assert_eq!(first, now());
        write("src/a.py", "ab");
        let second = now();
        assert_ne!(first, second);
        write("src/node_modules/x.js", "x");
        assert_eq!(second, now());
        for report in ["findings.json", "report.html", "out/findings.sarif", "report.md", "junit.xml", "log.txt"] {
            write(report, "1 finding");
            let before = now();
            write(report, "2 findings");
            assert_eq!(before, now(), "{report}");
        }
        let second = now();
        write("manta.toml", "[scan]");
        assert_ne!(second, now());
    }
}
