//! Finds the configurations of clients below a home directory.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manta_core::{ProjectInput, SkipReason, SkippedFile, SourceFile, SourceMap};
use manta_mcp::clients;
use manta_mcp::document::{self, Notation};

use super::Target;
use crate::collect::Limits;
use crate::exit::Failure;

/// Whose configurations are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// The user's own; variables of the environment say where else they are.
    Own,
    /// A directory that was named.
    Named,
}

/// Every configuration below `home`, in the places of all three systems, as one target: a server that two clients
/// start should be seen together.
pub(crate) fn configurations(home: &Path, whose: Home, limits: &Limits) -> Result<Target, Failure> {
    if !home.is_dir() {
        return Err(Failure::new(format!("{} is no directory", home.display())));
    }
    let below_home = clients::all().iter().flat_map(|client| client.below_home());
    let mut files: BTreeMap<String, PathBuf> =
        below_home.flat_map(|place| expanded(home, &place)).map(|path| (name(home, &path), path)).collect();
    if whose == Home::Own {
        // A variable may name where the files are anyway.
        let known: BTreeSet<PathBuf> = files.values().filter_map(|path| path.canonicalize().ok()).collect();
        let is_new = |path: &PathBuf| path.canonicalize().is_ok_and(|path| !known.contains(&path));
        files.extend(moved().into_iter().filter(|(_, path)| is_new(path)));
        files.extend(of_machine());
    }
    let mut sources = SourceMap::default();
    let mut skipped = Vec::new();
    for (name, path) in files {
        match read(&path, limits) {
            Ok(text) => {
                sources.add(SourceFile::new(name, text));
            }
            Err(reason) => skipped.push(SkippedFile { path: name, reason }),
        }
    }
    let writable = writable(&sources);
    Ok(Target::Ready(ProjectInput {
        writable,
        target: format!("client configurations below {}", home.display()),
        sources: Arc::new(sources),
        skipped,
        ..ProjectInput::default()
    }))
}

/// Configurations of the whole machine, called by their whole paths.
fn of_machine() -> impl Iterator<Item = (String, PathBuf)> {
    let places = clients::all().iter().flat_map(|client| &client.system);
    places.map(|place| (place.clone(), PathBuf::from(place))).filter(|(_, path)| path.is_absolute() && path.is_file())
}

/// Configurations below directories that variables of the environment name, called by these.
fn moved() -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for (variable, rest) in clients::all().iter().flat_map(|client| client.moved()) {
        let Some(directory) = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute()) else {
            continue;
        };
        let found = expanded(&directory, rest);
        files.extend(found.into_iter().map(|path| (format!("${variable}/{}", name(&directory, &path)), path)));
    }
    files
}

/// A path below a directory, as reports write it.
fn name(directory: &Path, path: &Path) -> String {
    path.strip_prefix(directory).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Programs and files that the configurations among the sources name and that everybody may replace.
pub(super) fn writable(sources: &SourceMap) -> BTreeSet<String> {
    let documents = sources.iter().filter_map(|(_, file)| {
        let documents = document::read(&file.text, Notation::of(&file.path)?).ok()?;
        Some(documents.iter().flat_map(clients::read).collect::<Vec<_>>())
    });
    let words = documents.flatten().flat_map(|server| server.command).map(|word| word.text);
    words.filter(|word| is_writable(Path::new(word))).collect()
}

/// Whether everybody may write to the file, or put another in its place. A directory in which only owners may delete
/// (`/tmp`) still lets everybody create what isn't there.
#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    const OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let mode = |path: &Path| fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if !path.is_absolute() || !path.is_file() {
        return false;
    }
    let own = mode(path).is_ok_and(|mode| mode & OTHERS != 0);
    let above = path.parent().and_then(|parent| mode(parent).ok());
    own || above.is_some_and(|mode| mode & OTHERS != 0 && mode & STICKY == 0)
}

#[cfg(not(unix))]
fn is_writable(_: &Path) -> bool {
    false
}

/// The files that a place with `*` stands for; none when there is none.
fn expanded(home: &Path, place: &str) -> Vec<PathBuf> {
    let mut paths = vec![home.to_path_buf()];
    for part in place.split('/') {
        paths = match part.split_once('*') {
            None => paths.into_iter().map(|path| path.join(part)).collect(),
            Some((before, after)) => paths.iter().flat_map(|path| matching(path, before, after)).collect(),
        };
    }
    paths.retain(|path| path.is_file());
    paths
}

fn matching(directory: &Path, before: &str, after: &str) -> Vec<PathBuf> {
    // A directory that isn't there has no entries; one that can't be read has none either for its owner.
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let is_match = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        })
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_match).collect();
    paths.sort();
    paths
}

fn read(path: &Path, limits: &Limits) -> Result<String, SkipReason> {
    let unreadable = |error: std::io::Error| SkipReason::Unreadable(error.to_string());
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > limits.file_bytes {
        return Err(SkipReason::TooLarge(format!("larger than {} MiB", limits.file_bytes >> 20)));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same server in the place of one client on each system, a second client with a list, and a profile.
    #[test]
    fn every_layout_is_found() {
        let home = tempfile::tempdir().unwrap();
        let server = r#"{"mcpServers":{"notes":{"command":"notes-server"}}}"#;
        for (path, text) in [
            (".config/Claude/claude_desktop_config.json", server),
            ("Library/Application Support/Claude/claude_desktop_config.json", server),
            ("AppData/Roaming/Claude/claude_desktop_config.json", server),
            (".continue/mcpServers/notes.yaml", "mcpServers:\n  - name: notes\n    command: notes-server\n"),
            (".config/Code/User/profiles/a1/mcp.json", r#"{"servers":{"notes":{"command":"notes-server"}}}"#),
            ("notes/mcp.json", server),
        ] {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let Target::Ready(input) = configurations(home.path(), Home::Named, &Limits::default()).unwrap() else {
            panic!("read")
        };
        let mut found: Vec<&str> = input.sources.iter().map(|(_, file)| file.path.as_str()).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ".config/Claude/claude_desktop_config.json",
                ".config/Code/User/profiles/a1/mcp.json",
                ".continue/mcpServers/notes.yaml",
                "AppData/Roaming/Claude/claude_desktop_config.json",
                "Library/Application Support/Claude/claude_desktop_config.json",
            ]
        );
    }
}
