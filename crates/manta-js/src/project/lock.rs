//! Exact versions of dependencies from lock files, in one pass over the text.

use std::collections::HashMap;

use manta_flow::frontend::ProjectFiles;

/// Installed version of each package; the first one mentioned (the hoisted one) wins.
pub(crate) fn versions(files: &dyn ProjectFiles, dir: &str) -> HashMap<String, String> {
    let text = |name: &str| files.text(&if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") });
    let mut found = HashMap::new();
    if let Some(lock) = text("package-lock.json").or_else(|| text("npm-shrinkwrap.json")) {
        npm(lock, &mut found);
    } else if let Some(lock) = text("pnpm-lock.yaml") {
        pnpm(lock, &mut found);
    } else if let Some(lock) = text("yarn.lock") {
        yarn(lock, &mut found);
    }
    found
}

/// `"node_modules/NAME": { "version": "1.2.3"`.
fn npm(lock: &str, found: &mut HashMap<String, String>) {
    let mut package: Option<&str> = None;
    for line in lock.lines() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("\"node_modules/") {
            package = rest.split_once('"').map(|(name, _)| name).filter(|name| !name.contains("node_modules/"));
        } else if let Some(rest) = line.strip_prefix("\"version\": \"")
            && let (Some(name), Some((version, _))) = (package.take(), rest.split_once('"'))
        {
            found.entry(name.to_owned()).or_insert_with(|| version.to_owned());
        }
    }
}

/// Keys `NAME@1.2.3:` or `/NAME@1.2.3:` of the section `packages`.
fn pnpm(lock: &str, found: &mut HashMap<String, String>) {
    for line in lock.lines() {
        let Some(key) = line.strip_prefix("  ").filter(|key| !key.starts_with(' ')) else { continue };
        let Some(key) = key.trim_end().strip_suffix(':') else { continue };
        let key = key.trim_matches('\'').trim_start_matches('/');
        let key = key.split_once('(').map_or(key, |(key, _)| key);
        if let Some((name, version)) = key.rsplit_once('@').filter(|(name, _)| !name.is_empty())
            && version.starts_with(|c: char| c.is_ascii_digit())
        {
            found.entry(name.to_owned()).or_insert_with(|| version.to_owned());
        }
    }
}

/// `"NAME@range", "NAME@range":` followed by `version "1.2.3"` (berry: `version: 1.2.3`).
fn yarn(lock: &str, found: &mut HashMap<String, String>) {
    let mut package: Option<&str> = None;
    for line in lock.lines() {
        if !line.starts_with([' ', '#']) {
            let key = line.trim_start_matches('"');
            let at = key.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
            package = at.map(|at| &key[..at]);
        } else if let Some(version) = line.trim_start().strip_prefix("version")
            && let Some(name) = package.take()
        {
            let version = version.trim_matches([' ', ':', '"']);
            found.entry(name.to_owned()).or_insert_with(|| version.to_owned());
        }
    }
}
