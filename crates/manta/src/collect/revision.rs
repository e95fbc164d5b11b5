//! Reads a directory as it was at a commit, out of git's object store.
//!
//! Objects are read with `ls-tree` and `cat-file`, which run no hook, no filter and no attribute of the repository;
//! `archive` and `checkout` would. Nothing is fetched: a partial clone may name a transport that is a program.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use manta_core::SkipReason;

use super::{Collection, names, walk};

/// A regular file of the tree.
struct Blob {
    path: String,
    object: String,
    set_aside: Option<SkipReason>,
}

/// Reads what `directory` held at `revision`.
///
/// # Errors
/// Words for the user when git is missing, the directory is in no repository, or there is no such commit.
pub(super) fn read(directory: &Path, revision: &str, collection: &mut Collection<'_>) -> Result<(), String> {
    let tree = tree(directory, revision)?;
    let blobs = blobs(directory, &tree, collection)?;
    contents(directory, blobs, collection)
}

fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(directory).args(["-c", "core.fsmonitor=false"]).env("GIT_NO_LAZY_FETCH", "1");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF"] {
        git.env_remove(variable);
    }
    git
}

/// The commit, resolved once so that a branch that moves meanwhile makes no mixture.
fn tree(directory: &Path, revision: &str) -> Result<String, String> {
    let output = git(directory)
        .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
        .arg(format!("{revision}^{{commit}}"))
        .output()
        .map_err(|error| format!("failed to run git: {error}"))?;
    let tree = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || tree.is_empty() {
        return Err(format!("there is no commit `{revision}` in the repository of {}", directory.display()));
    }
    Ok(tree)
}

/// The files worth reading, in the order of git, which is that of paths.
fn blobs(directory: &Path, tree: &str, collection: &mut Collection<'_>) -> Result<Vec<Blob>, String> {
    let output = git(directory)
        .args(["ls-tree", "-r", "-z", tree])
        .output()
        .map_err(|error| format!("failed to run git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let mut blobs = Vec::new();
    let mut closed = BTreeMap::new();
    for entry in output.stdout.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = String::from_utf8_lossy(entry);
        let Some((facts, path)) = entry.split_once('\t') else { continue };
        if !collection.count_entry(path) {
            break;
        }
        let mut facts = facts.split(' ');
        let (mode, object) = (facts.next().unwrap_or_default(), facts.nth(1).unwrap_or_default());
        // Regular files; a link (120000) leads to a file that is found anyway, a submodule (160000) is another target.
        if !mode.starts_with("100") {
            continue;
        }
        if let Some((directory, reason)) = closed_directory(path) {
            closed.insert(directory.to_owned(), reason);
        } else if let Some(set_aside) = collection.place(path) {
            blobs.push(Blob { path: path.to_owned(), object: object.to_owned(), set_aside });
        }
    }
    for (directory, reason) in closed {
        collection.skip(directory, reason);
    }
    Ok(blobs)
}

/// The first directory on the way that the walk of a directory would not enter.
fn closed_directory(path: &str) -> Option<(&str, SkipReason)> {
    path.match_indices('/').find_map(|(at, _)| {
        let name = path[..at].rsplit('/').next()?;
        Some((&path[..=at], names::closed_directory(name)?))
    })
}

/// Asks one process for all contents.
fn contents(directory: &Path, blobs: Vec<Blob>, collection: &mut Collection<'_>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("failed to run git: {error}");
    let mut process = git(directory)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (Some(mut ask), Some(answer)) = (process.stdin.take(), process.stdout.take()) else {
        return Err("failed to run git: it has no standard streams".to_owned());
    };
    let mut answer = BufReader::new(answer);
    for Blob { path, object, set_aside } in blobs {
        writeln!(ask, "{object}").and_then(|()| ask.flush()).map_err(failed)?;
        let mut head = String::new();
        answer.read_line(&mut head).map_err(failed)?;
        // `<object> blob <size>`, or `<object> missing` in a partial clone.
        let Some(size) = head.trim_end().rsplit_once(" blob ").and_then(|(_, size)| size.parse::<u64>().ok()) else {
            collection.skip(path, SkipReason::Unreadable("git has no such object here".to_owned()));
            continue;
        };
        if walk::fits(&path, size, set_aside.as_ref(), collection) {
            let mut bytes = Vec::new();
            answer.by_ref().take(size).read_to_end(&mut bytes).map_err(failed)?;
            collection.add(path, bytes, set_aside);
        } else {
            std::io::copy(&mut answer.by_ref().take(size), &mut std::io::sink()).map_err(failed)?;
        }
        answer.read_line(&mut String::new()).map_err(failed)?;
    }
    drop(ask);
    let _ = process.wait();
    Ok(())
}
