//! Walks a directory. Links aren't followed: one that stays inside leads to a file that is found anyway, one that
//! leaves could show the reader's own files to whoever reads the report, and loops can't arise.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use manta_core::SkipReason;

use super::tracked::Index;
use super::{Collection, names};

/// Reads everything below `root` that is worth reading, in the order of names.
pub(super) fn read(root: &Path, collection: &mut Collection<'_>) {
    // Directories still to be read, with their path relative to the root: empty or ending in `/`.
    let index = OnceCell::new();
    let is_untracked =
        |path: &str| index.get_or_init(|| Index::of(root)).as_ref().is_some_and(|index| !index.has(path));
    let mut pending = vec![(root.to_path_buf(), String::new())];
    while let Some((directory, relative)) = pending.pop() {
        let mut entries = match list(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                collection.skip(relative, SkipReason::Unreadable(error.to_string()));
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{relative}{name}");
            if !collection.count_entry(&path) {
                return;
            }
            match entry.file_type() {
                Err(error) => collection.skip(path, SkipReason::Unreadable(error.to_string())),
                Ok(kind) if kind.is_symlink() => link(path, collection),
                Ok(kind) if kind.is_dir() => {
                    if let Some(path) = opened(&entry.path(), &name, path, collection) {
                        pending.push((entry.path(), path));
                    }
                }
                // Where credentials belong: beside the code, and in no commit.
                Ok(kind) if kind.is_file() && manta_audit::is_credential_file(&path) && is_untracked(&path) => {
                    collection.skip(path, SkipReason::Hidden);
                }
                Ok(kind) if kind.is_file() => {
                    if let Some(set_aside) = collection.place(&path) {
                        read_file(&entry.path(), &path, set_aside, collection);
                    }
                }
                Ok(_) => special(path, collection),
            }
        }
    }
}

fn list(directory: &Path) -> io::Result<Vec<fs::DirEntry>> {
    fs::read_dir(directory)?.collect()
}

/// The path to go on with when a directory is entered; `None` when it isn't, which has been recorded.
fn opened(directory: &Path, name: &str, path: String, collection: &mut Collection<'_>) -> Option<String> {
    let path = format!("{path}/");
    let is_environment = || directory.join("pyvenv.cfg").is_file();
    let reason = if let Some(reason) = names::closed_directory(name) {
        reason
    } else if is_environment() {
        SkipReason::Dependency
    } else if path.matches('/').count() > collection.limits.depth {
        SkipReason::TooLarge(format!("more than {} directories deep", collection.limits.depth))
    } else {
        return Some(path);
    };
    collection.skip(path, reason);
    None
}

/// A link is only worth a word when it stands for something that would have been read.
fn link(path: String, collection: &mut Collection<'_>) {
    let name = path.rsplit('/').next().unwrap_or(&path);
    let is_directory_like = !name.contains('.');
    if is_directory_like || !matches!(names::place(&path), names::Place::Irrelevant) {
        collection.skip(path, SkipReason::Symlink);
    }
}

/// A pipe or device named like a source file would block whoever opens it.
fn special(path: String, collection: &mut Collection<'_>) {
    if !matches!(names::place(&path), names::Place::Irrelevant) {
        collection.skip(path, SkipReason::Unreadable("neither a file nor a directory".to_owned()));
    }
}

/// Reads one file if it fits.
pub(super) fn read_file(path: &Path, relative: &str, set_aside: Option<SkipReason>, collection: &mut Collection<'_>) {
    let limit = collection.limits.file_bytes;
    // The size on the label is checked first, but what is read is bounded as well: files can grow and lie.
    match File::open(path).and_then(|file| Ok((file.metadata()?.len(), file))) {
        Ok((size, _)) if !fits(relative, size, set_aside.as_ref(), collection) => {}
        Ok((_, file)) => {
            let mut bytes = Vec::new();
            match file.take(limit + 1).read_to_end(&mut bytes) {
                Ok(_) if fits(relative, bytes.len() as u64, set_aside.as_ref(), collection) => {
                    collection.add(relative.to_owned(), bytes, set_aside);
                }
                Ok(_) => {}
                Err(error) => collection.skip(relative, SkipReason::Unreadable(error.to_string())),
            }
        }
        Err(error) => collection.skip(relative, SkipReason::Unreadable(error.to_string())),
    }
}

/// As [`Collection::admits`], but a test or asset that is too large is left out as a test or asset.
pub(super) fn fits(path: &str, size: u64, set_aside: Option<&SkipReason>, collection: &mut Collection<'_>) -> bool {
    match set_aside {
        Some(reason) if size > collection.limits.file_bytes => {
            collection.skip(path, reason.clone());
            false
        }
        _ => collection.admits(path, size),
    }
}
