//! Which files around a script are its code.
//!
//! An installed package is code as a whole. A script of somebody's own often stands among their data: in a project
//! with notes and keys beside it, or right in a home directory. Of such a place the server gets the files that
//! look like code and the directories that hold some, and everything else has to be granted (CWE-276).

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use manta_harden::paths::{DEFAULT_DENIED, DeniedNames};

use crate::sandbox::{Access, Exec, Grant};

/// Endings of files that a runtime loads.
const ENDINGS: &[&str] =
    &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "node", "wasm", "py", "pyc", "pyi", "pth", "so"];

/// Files that runtimes look for by name.
const NAMES: &[&str] = &["package.json", "tsconfig.json", "pyproject.toml", "pyvenv.cfg"];

/// Entries of one directory tree that are looked at; a tree in which so many are no code is no code.
const MOST: usize = 2000;

/// The code in `directory`, in which a script lies.
pub(crate) fn around(directory: &Path, home: Option<&Path>) -> Vec<Grant> {
    let mut grants = vec![Grant { path: directory.to_owned(), access: Access::List, exec: Exec::No }];
    let denied = DeniedNames::new(DEFAULT_DENIED.iter().copied());
    let with_directories = !is_shared(directory, home);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let Ok(kind) = fs::metadata(&path) else { continue };
        if name.to_str().is_none_or(|name| denied.contains(name)) {
            continue;
        }
        let is_code = match kind.is_dir() {
            true => name == "node_modules" || (with_directories && !is_dotted(&name) && holds_code(&path)),
            false => is_code(&name),
        };
        if is_code {
            grants.push(if name == "node_modules" { Grant::run(path) } else { Grant::load(path) });
        }
    }
    grants
}

/// What lies in the directories of a server's scripts and was not granted, by the grants there are: whoever misses a
/// template or a page can be told where it is. Names that are denied by default, and what lies in a home directory or
/// its like, are not offered.
pub(crate) fn left_out(grants: &[Grant], home: Option<&Path>) -> Vec<PathBuf> {
    let denied = DeniedNames::new(DEFAULT_DENIED.iter().copied());
    let is_granted =
        |path: &Path| grants.iter().any(|grant| grant.access >= Access::Read && path.starts_with(&grant.path));
    let listed = grants.iter().filter(|grant| grant.access == Access::List && !is_shared(&grant.path, home));
    let entries = listed.flat_map(|grant| fs::read_dir(&grant.path).into_iter().flatten().flatten());
    let is_offered = |name: &OsStr| !is_dotted(name) && name.to_str().is_some_and(|name| !denied.contains(name));
    let mut left: Vec<PathBuf> = entries
        .filter(|entry| is_offered(&entry.file_name()))
        .map(|entry| entry.path())
        .filter(|path| !is_granted(path))
        .collect();
    left.sort();
    left.dedup();
    left
}

/// Directories of the system that hold what many programs and users keep.
const SHARED: &[&str] = &[
    "/", "/data", "/etc", "/home", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/var", "/var/tmp",
    "/Users", "/Volumes",
];

/// Places that hold much besides one project: a home directory and what is above it, a directory for temporary
/// files, and their like. `/app` of a container is a project.
pub(crate) fn is_shared(directory: &Path, home: Option<&Path>) -> bool {
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    let is_users = home.is_some_and(|home| home.starts_with(directory) || directory == home.join(".local"));
    is_users || directory == std::env::temp_dir() || SHARED.iter().any(|shared| directory == Path::new(shared))
}

fn is_dotted(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_code(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.contains(&ending)) || name.to_str().is_some_and(|name| NAMES.contains(&name))
}

fn holds_code(directory: &Path) -> bool {
    let mut queue = std::collections::VecDeque::from([directory.to_owned()]);
    let mut seen = 0;
    while let Some(directory) = queue.pop_front() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            seen += 1;
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            if kind.is_file() && is_code(&name) {
                return true;
            }
            if seen > MOST {
                return false;
            }
            if kind.is_dir() && !is_dotted(&name) && name != "node_modules" {
                queue.push_back(entry.path());
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        directory
    }

    fn readable(grants: &[Grant], directory: &Path, file: &str) -> bool {
        let path = directory.join(file);
        grants.iter().any(|grant| grant.access >= Access::Read && path.starts_with(&grant.path))
    }

    #[test]
    fn a_script_gets_its_code_and_not_what_lies_beside_it() {
        let files = [
            "server.py",
            "helper.py",
            "package.json",
            "notes.txt",
            "secret.json",
            ".env",
            ".git/hooks/x.py",
            ".ssh/id_rsa",
            "lib/deep/er/part.js",
            "lib/page.html",
            "node_modules/a/data.bin",
            "data/flag.txt",
            "data/more/flag.csv",
        ];
        let stage = stage(&files);
        let grants = around(stage.path(), None);
        let given: Vec<&str> = files.into_iter().filter(|file| readable(&grants, stage.path(), file)).collect();
        let code = [
            "server.py",
            "helper.py",
            "package.json",
            "lib/deep/er/part.js",
            "lib/page.html",
            "node_modules/a/data.bin",
        ];
        assert_eq!(given, code);
        // What may be missed is named, and what nobody should grant without thinking is not.
        let left = left_out(&grants, None);
        let names: Vec<_> =
            left.iter().map(|path| path.strip_prefix(stage.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["data", "notes.txt", "secret.json"]);
        assert!(left_out(&grants, Some(stage.path())).is_empty(), "a home directory is not offered");
    }

    #[test]
    fn of_a_home_directory_only_files_of_code_count() {
        let stage = stage(&["server.js", "projects/a/index.js", "node_modules/a/index.js", "letter.txt"]);
        let home = fs::canonicalize(stage.path()).unwrap();
        let grants = around(&home, Some(&home));
        assert!(readable(&grants, &home, "server.js") && readable(&grants, &home, "node_modules/a/index.js"));
        assert!(!readable(&grants, &home, "projects/a/index.js") && !readable(&grants, &home, "letter.txt"));
    }

    #[test]
    fn a_container_has_its_project_below_the_root() {
        let home = Path::new("/home/somebody");
        assert!(!is_shared(Path::new("/app"), Some(home)) && !is_shared(Path::new("/srv/server"), Some(home)));
        assert!(["/", "/srv", "/tmp", "/var/tmp"].iter().all(|path| is_shared(Path::new(path), Some(home))));
    }

    #[test]
    fn a_tree_in_which_no_code_is_found_in_time_is_none() {
        let stage = stage(&[]);
        for number in 0..MOST + 10 {
            fs::write(stage.path().join(format!("{number}.txt")), "").unwrap();
        }
        fs::create_dir(stage.path().join("z")).unwrap();
        fs::write(stage.path().join("z/x.py"), "").unwrap();
        assert!(!holds_code(stage.path()));
    }
}
