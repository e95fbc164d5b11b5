//! Paths inside a target: relative, `/`-separated, normalised.

/// The directory of a file (`""` at the root of the target).
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The last component.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// `request` seen from directory `dir`, without `.` and `..`. None when it leaves the target.
pub(crate) fn join(dir: &str, request: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in request.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// `path` below `dir`, if it is.
pub(crate) fn below<'p>(dir: &str, path: &'p str) -> Option<&'p str> {
    if dir.is_empty() {
        return Some(path);
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}

/// `dir` and all directories above it, innermost first, ending with the root `""`.
pub(crate) fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(dir);
    std::iter::from_fn(move || {
        let current = next?;
        next = (!current.is_empty()).then(|| parent(current));
        Some(current)
    })
}

/// Source code of this language; declaration files are not.
pub(crate) fn is_source(path: &str) -> bool {
    let Some((stem, extension)) = file_name(path).rsplit_once('.') else { return false };
    matches!(extension, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") && !stem.ends_with(".d")
}

/// TypeScript by its extension.
pub(crate) fn is_typescript(path: &str) -> bool {
    matches!(path.rsplit('.').next(), Some("ts" | "mts" | "cts" | "tsx"))
}

/// The path without its source extension.
pub(crate) fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx")) => stem,
        _ => path,
    }
}

/// Tests, examples, benchmarks, documentation and build configuration: code that does not run in the server.
pub(crate) fn is_peripheral(path: &str) -> bool {
    let mut outside = true; // of the directories that hold the program itself
    parent(path).split('/').any(|dir| {
        outside &= !matches!(dir, "src" | "source" | "lib" | "dist" | "build" | "out" | "app" | "tools" | "server");
        is_test_dir(dir) || (outside && is_side_dir(dir))
    }) || is_peripheral_name(file_name(path))
}

fn is_test_dir(dir: &str) -> bool {
    let dir = dir.to_ascii_lowercase();
    let name = dir.trim_matches('_').replace(['-', '_'], "");
    matches!(
        name.as_str(),
        "test" | "tests" | "spec" | "specs" | "e2e" | "testing" | "testutils" | "testhelpers" | "mocks" | "fixtures"
    )
}

fn is_side_dir(dir: &str) -> bool {
    let dirs = "example examples sample samples demo demos bench benches benchmark benchmarks evals doc docs website \
                scripts coverage templates .github .storybook";
    dirs.split_ascii_whitespace().any(|side| side == dir)
}

/// Tests and configuration by the name of the file alone.
pub(crate) fn is_peripheral_name(name: &str) -> bool {
    let stem = stem(name).to_ascii_lowercase();
    let marked = [".test", ".spec", ".bench", ".e2e", ".config", ".stories", ".setup", ".mock", "-test", "_test"];
    marked.iter().any(|mark| stem.ends_with(mark))
        || stem.starts_with("test-")
        || stem.starts_with("test_")
        || matches!(
            stem.as_str(),
            "test"
                | "tests"
                | "setuptests"
                | "gulpfile"
                | "gruntfile"
                | ".eslintrc"
                | "build"
                | "esbuild"
                | "postinstall"
        )
}

/// Installed packages, which are analysed by their name and not by their code.
pub(crate) fn is_vendored(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "node_modules" | "bower_components" | ".yarn" | ".git"))
}
