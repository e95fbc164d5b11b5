//! What a path says about a file before it is opened: part of the server, a test, a dependency, nothing of interest.
//!
//! A name is a hint, not a fact: a server may import what is named like a test. So tests, assets and hidden files
//! are read but set aside, and count again when an entry point imports them. Only dependencies and what tools leave
//! behind are not read at all.

use manta_core::{FileKind, SkipReason};

/// What to do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Read it.
    Server,
    /// Read it, but it counts only if it is imported.
    SetAside(SkipReason),
    /// Don't read it, and say so.
    Skipped(SkipReason),
    /// Source code of a language without front end.
    Foreign(&'static str),
    /// Nothing a scan could use: pictures, licences, prose.
    Irrelevant,
}

/// Directories that hold dependencies.
const DEPENDENCIES: &[&str] =
    &["node_modules", "bower_components", "jspm_packages", "site-packages", "dist-packages", "__pypackages__"];

/// Directories that tools leave behind; never imported from.
const LEFTOVERS: &[&str] = &[
    "__pycache__",
    "__MACOSX",
    "coverage",
    "htmlcov",
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".nox",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".next",
    ".nuxt",
    ".turbo",
    ".cache",
    ".yarn",
    ".pnpm-store",
    ".idea",
    ".eggs",
    ".nyc_output",
];

/// Directories of tests, mocks and benchmarks.
const TESTS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "__mocks__",
    "__fixtures__",
    "spec",
    "specs",
    "e2e",
    "fixtures",
    "mocks",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "cypress",
];

/// Directories of files for browsers and of copied libraries.
const ASSETS: &[&str] = &["public", "static", "assets", "www", "wwwroot", "vendor", "vendored", "third_party"];

/// Extensions of languages MCP servers are written in and manta can't read yet.
const FOREIGN: &[(&str, &str)] = &[
    ("go", "Go"),
    ("rs", "Rust"),
    ("java", "Java"),
    ("kt", "Kotlin"),
    ("cs", "C#"),
    ("rb", "Ruby"),
    ("php", "PHP"),
    ("swift", "Swift"),
];

/// Why nothing below a directory of this name is read, if so.
pub(super) fn closed_directory(name: &str) -> Option<SkipReason> {
    if DEPENDENCIES.contains(&name) {
        Some(SkipReason::Dependency)
    } else if LEFTOVERS.contains(&name) {
        Some(SkipReason::Hidden)
    } else {
        None
    }
}

/// What to do with the file at this relative path.
pub(super) fn place(path: &str) -> Place {
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut directories = directories.split('/').filter(|directory| !directory.is_empty());
    if let Some(reason) = directories.clone().find_map(closed_directory) {
        return Place::Skipped(reason);
    }
    if is_declaration(name) {
        return Place::Skipped(SkipReason::Declaration);
    }
    if manta_mcp::clients::of(path).is_some() || manta_audit::is_agent_file(path) {
        return Place::Server;
    }
    // Whether its settings count is decided later; that there are some is said in any case.
    if path == crate::config::NAME {
        return Place::Server;
    }
    let is_below = |list: &[&str]| directories.clone().any(|directory| list.contains(&directory));
    if manta_audit::is_credential_file(path) {
        return if is_below(TESTS) { Place::SetAside(SkipReason::Test) } else { Place::Server };
    }
    let kind = FileKind::of(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if !kind.is_source() && kind != FileKind::Manifest && !extension.eq_ignore_ascii_case("json") {
        let language = FOREIGN.iter().find(|(foreign, _)| *foreign == extension);
        return language.map_or(Place::Irrelevant, |(_, language)| Place::Foreign(language));
    }
    if is_below(TESTS) || is_test(name) {
        Place::SetAside(SkipReason::Test)
    } else if is_below(ASSETS) && kind != FileKind::Python || is_minified(name) {
        Place::SetAside(SkipReason::BrowserAsset)
    } else if name.starts_with('.') || directories.any(|directory| directory.starts_with('.')) {
        Place::SetAside(SkipReason::Hidden)
    } else {
        Place::Server
    }
}

/// Whether a file that isn't source code is read when it is the target itself: a list of tools, a configuration,
/// instructions for an agent, or credentials.
pub(super) fn is_read_alone(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    ["json", "jsonc", "json5", "jsonl", "ndjson", "toml", "yaml", "yml", "mdc"].contains(&extension.as_str())
        || manta_audit::is_agent_file(name)
        || manta_audit::is_credential_file(name)
}

fn is_declaration(name: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"].iter().any(|suffix| name.ends_with(suffix))
}

fn is_minified(name: &str) -> bool {
    [".min.js", ".min.mjs", ".min.cjs"].iter().any(|suffix| name.ends_with(suffix))
}

fn is_test(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    if extension == "py" {
        return stem.starts_with("test_") || stem.ends_with("_test") || stem == "conftest";
    }
    let marks = [".test", ".tests", ".spec", ".e2e", ".bench", ".stories", ".story", ".mock", ".fixture"];
    FileKind::of(name).is_source() && marks.iter().any(|mark| stem.ends_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_is_for() {
        let cases = [
            ("src/index.ts", Place::Server),
            ("package.json", Place::Server),
            ("tools/list.json", Place::Server),
            ("src/testing.ts", Place::Server),
            ("src/latest.py", Place::Server),
            ("src/index.test.ts", Place::SetAside(SkipReason::Test)),
            ("tests/server.py", Place::SetAside(SkipReason::Test)),
            ("pkg/test_server.py", Place::SetAside(SkipReason::Test)),
            ("web/public/app.js", Place::SetAside(SkipReason::BrowserAsset)),
            ("pkg/static/handlers.py", Place::Server),
            ("jquery.min.js", Place::SetAside(SkipReason::BrowserAsset)),
            (".eslintrc.js", Place::SetAside(SkipReason::Hidden)),
            (".lib/real.js", Place::SetAside(SkipReason::Hidden)),
            ("dist/index.d.ts", Place::Skipped(SkipReason::Declaration)),
            ("node_modules/a/index.js", Place::Skipped(SkipReason::Dependency)),
            (".git/hooks/x.py", Place::Skipped(SkipReason::Hidden)),
            ("main.go", Place::Foreign("Go")),
            (".env", Place::Server),
            (".env.example", Place::Irrelevant),
            ("tests/.env", Place::SetAside(SkipReason::Test)),
            ("manta.toml", Place::Server),
            ("deep/manta.toml", Place::Irrelevant),
            ("README.md", Place::Irrelevant),
            ("LICENSE", Place::Irrelevant),
        ];
        for (path, expected) in cases {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
