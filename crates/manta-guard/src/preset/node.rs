//! JavaScript programs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::program::interpreter;
use super::{Prepared, Surroundings, is_script};
use crate::code;
use crate::sandbox::Grant;

pub(super) fn node(prepared: &mut Prepared, arguments: &[String], at: &Surroundings<'_>) {
    prepared.env.insert("NODE_USE_ENV_PROXY".into(), "1".into());
    let own = PathBuf::from(&prepared.command[0]);
    let named = if is_script(&own) { None } else { node_script(arguments, at.cwd) };
    for script in named.into_iter().chain(interpreter(&own).map(|_| own)) {
        grant_package(&mut prepared.grants, &script, at.home);
    }
}

/// The script that Node is told to run.
fn node_script(arguments: &[String], cwd: &Path) -> Option<PathBuf> {
    const WITH_VALUE: &[&str] = &[
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "-C",
        "--conditions",
        "--env-file",
        "--env-file-if-exists",
    ];
    const INSTEAD: &[&str] = &["-e", "--eval", "-p", "--print", "-pe"];
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            _ if INSTEAD.contains(&word) => return None,
            _ if WITH_VALUE.contains(&word) => drop(words.next()),
            _ if word.starts_with('-') => {}
            // A word that names nothing is a command, as in `bun run server.ts`, or belongs to an option.
            _ if cwd.join(word).exists() => return Some(cwd.join(word)),
            _ => {}
        }
    }
    None
}

/// The package a script belongs to: code is read, and native parts of it loaded. What is installed is code as a
/// whole, in which programs are started as well (a search, a bundler): they do what a native part could do just as well. Of
/// a directory of somebody's own only the code in it is.
pub(super) fn grant_package(grants: &mut Vec<Grant>, script: &Path, home: Option<&Path>) {
    let Ok(real) = fs::canonicalize(script) else { return };
    // The outermost `node_modules` holds the dependencies of everything inside it.
    let modules = real.ancestors().filter(|path| path.file_name() == Some(OsStr::new("node_modules"))).last();
    match modules {
        Some(modules) => {
            grants.push(Grant::run(modules));
            let manifest = modules.parent().map(|parent| parent.join("package.json"));
            grants.extend(manifest.filter(|file| file.is_file()).map(Grant::read));
        }
        None => {
            // `node .` runs what the directory's manifest names.
            let own = if real.is_dir() { Some(&*real) } else { real.parent() };
            let package = real.ancestors().find(|path| path.join("package.json").is_file());
            for directory in own.into_iter().chain(package) {
                grants.extend(code::around(directory, home));
            }
            if real.is_file() {
                grants.push(Grant::read(&real));
            }
        }
    }
    if script != real && real.is_file() {
        grants.push(Grant::read(script));
    }
}
