//! `npm:NAME[@VERSION]` and `pypi:NAME[==VERSION]`: fetched by the user's own npm and pip, so that registry,
//! certificates and credentials are what the user configured. Nothing of the package runs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use manta_core::ProjectInput;

use crate::collect::{self, Limits};
use crate::exit::Failure;

/// A package as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// The whole word.
    pub(crate) given: String,
    is_npm: bool,
    /// Name and version in the registry client's notation.
    specifier: String,
}

impl Package {
    /// The package that a word names; `None` when it is no such word.
    pub(crate) fn parse(given: &str) -> Result<Option<Self>, Failure> {
        let (is_npm, specifier) = match given.split_once(':') {
            Some(("npm", rest)) => (true, rest),
            Some(("pypi", rest)) => (false, rest),
            _ => return Ok(None),
        };
        // The clients also take addresses, paths and options here; only a name is meant.
        if !if is_npm { is_npm_name(specifier) } else { is_pypi_name(specifier) } {
            let form = if is_npm { "npm:NAME or npm:NAME@VERSION" } else { "pypi:NAME or pypi:NAME==VERSION" };
            return Err(Failure::new(format!("{given} names no package")).hint(format!("write {form}")));
        }
        Ok(Some(Self { given: given.to_owned(), is_npm, specifier: specifier.to_owned() }))
    }

    /// Fetches the archive and reads it.
    pub(super) fn collect(&self, limits: &Limits) -> Result<ProjectInput, Failure> {
        let scratch = scratch()?;
        let archive = self.fetch(scratch.path())?;
        let mut input = collect::collect(&archive.to_string_lossy(), limits)?;
        input.target.clone_from(&self.given);
        Ok(input)
    }

    /// The version that the registry answers the word with.
    pub(crate) fn version(&self) -> Result<String, Failure> {
        let scratch = scratch()?;
        let archive = self.fetch(scratch.path())?;
        let name = archive.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let version = if self.is_npm { npm_version(name, &self.specifier) } else { name.split('-').nth(1) };
        let version = version.filter(|version| is_version(version)).map(str::to_owned);
        version.ok_or_else(|| Failure::new(format!("failed to find the version of {}: it came as {name}", self.given)))
    }

    /// Fetches the archive into a directory.
    fn fetch(&self, directory: &Path) -> Result<PathBuf, Failure> {
        let mut command = if self.is_npm { self.npm(directory) } else { self.pip(directory) };
        // An empty directory: settings of whatever project the user stands in don't count.
        command.current_dir(directory).stdin(Stdio::null());
        let program = command.get_program().to_string_lossy().into_owned();
        let output = command.output().map_err(|error| Failure::new(format!("failed to start {program}: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let failure = Failure::new(format!("failed to fetch {}: {}", self.given, reason(&said)));
            return Err(if self.is_npm {
                failure
            } else {
                failure.hint("only wheels are fetched: building a source distribution would run its code")
            });
        }
        only_file(directory)
            .ok_or_else(|| Failure::new(format!("failed to fetch {}: {program} left no archive", self.given)))
    }

    fn npm(&self, directory: &Path) -> Command {
        let mut command = Command::new("npm");
        command.args(["pack", "--ignore-scripts", "--pack-destination"]).arg(directory).arg("--").arg(&self.specifier);
        command
    }

    fn pip(&self, directory: &Path) -> Command {
        let mut command = Command::new("python3");
        command
            .args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "-d"])
            .arg(directory)
            .arg("--")
            .arg(&self.specifier);
        command
    }
}

fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|error| Failure::new(format!("failed to create a directory for packages: {error}")))
}

/// The version in the name that `npm pack` gives an archive: `scope-name-1.2.3.tgz`.
fn npm_version<'a>(archive: &'a str, specifier: &str) -> Option<&'a str> {
    let name = specifier.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(specifier, |(at, _)| &specifier[..at]);
    let flat = name.trim_start_matches('@').replace('/', "-");
    archive.strip_prefix(flat.as_str())?.strip_prefix('-')?.strip_suffix(".tgz")
}

fn is_npm_name(specifier: &str) -> bool {
    let (name, version) = match specifier.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (&specifier[..at], Some(&specifier[at + 1..])),
        None => (specifier, None),
    };
    let parts: Vec<&str> = match name.strip_prefix('@') {
        Some(scoped) => scoped.split('/').collect(),
        None => vec![name],
    };
    let is_part = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~'))
    };
    parts.len() == 1 + usize::from(name.starts_with('@')) && parts.iter().all(is_part) && version.is_none_or(is_version)
}

fn is_pypi_name(specifier: &str) -> bool {
    let (name, version) = specifier.split_once("==").map_or((specifier, None), |(name, version)| (name, Some(version)));
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && version.is_none_or(is_version)
}

fn is_version(version: &str) -> bool {
    !version.is_empty()
        && version.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '!'))
}

fn only_file(directory: &Path) -> Option<PathBuf> {
    let paths = fs::read_dir(directory).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|kind| ["tgz", "whl"].map(OsStr::new).contains(&kind))).max()
}

/// Why a package manager ended: what it says last, but for the log it has written and what it says of itself.
fn reason(said: &str) -> String {
    let is_reason =
        |line: &&str| !line.is_empty() && !line.contains("complete log of this run") && !line.contains("notice");
    let line = said.lines().map(str::trim).rev().filter(is_reason);
    let mut lines: Vec<&str> = line.filter(|line| *line != "npm error" && !line.ends_with("npm error 404")).collect();
    // npm begins with the code and the request, and goes on with advice.
    if let Some(first) = lines.iter().position(|line| line.starts_with("npm error code")) {
        lines.truncate(first);
        lines.reverse();
    }
    let line = lines.first().map_or("no reason given", |line| line.trim_start_matches("npm error "));
    manta_core::Untrusted(line).for_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_of_npm_name_their_version() {
        assert_eq!(npm_version("s-a-b-1.2.3-rc.1.tgz", "@s/a-b"), Some("1.2.3-rc.1"));
        assert_eq!(npm_version("a-1.2.3.tgz", "a@latest"), Some("1.2.3"));
        assert_eq!(npm_version("other-1.2.3.tgz", "a"), None);
    }

    #[test]
    fn only_names_are_taken() {
        for given in ["npm:a", "npm:@s/a", "npm:@s/a@1.2.3", "npm:a@latest", "pypi:a-b_c", "pypi:a==1.0"] {
            assert!(Package::parse(given).unwrap().is_some(), "{given}");
        }
        for given in [
            "npm:",
            "npm:--registry=x",
            "npm:../x",
            "npm:git+ssh://x/y",
            "npm:@s",
            "npm:a/b",
            "npm:http://x/y.tgz",
            "pypi:-r",
            "pypi:a @ file:///x",
            "pypi:",
            "npm:a@file:x",
            "npm:a@",
        ] {
            assert!(Package::parse(given).is_err(), "{given}");
        }
        assert_eq!(Package::parse("./server").unwrap(), None);
    }

    #[test]
    fn the_reason_is_what_helps() {
        let npm = "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/x\nnpm error 404\nnpm error 404  'x@*' is not in this registry.\nnpm error A complete log of this run can be found in: /x.log\n";
        assert_eq!(reason(npm), "404 Not Found - GET https://registry.example/x");
        let pip = "ERROR: Could not find a version\nERROR: No matching distribution found for x\n\n[notice] A new release of pip\n";
        assert_eq!(reason(pip), "ERROR: No matching distribution found for x");
        assert_eq!(reason(""), "no reason given");
    }
}
