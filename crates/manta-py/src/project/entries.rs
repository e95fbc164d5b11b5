//! Where execution starts.
//!
//! Manifests name scripts; servers without one are started as a file. A file that uses an MCP SDK counts even if
//! nothing seems to import it, because plugin folders and `mcp run FILE` leave no trace in the source.

use std::collections::BTreeMap;

use manta_flow::frontend::{Entry, ProjectFiles};

use super::Project;
use super::modules::{Found, dir};

/// Top-level names of the SDKs with which servers are written.
pub(crate) const SDKS: [&str; 3] = ["fastapi_mcp", "fastmcp", "mcp"];

/// Directories whose programs are not the product.
const ASIDE: [&str; 22] = [
    "__tests__",
    "bench",
    "benchmark",
    "benchmarks",
    "cookbook",
    "demo",
    "demos",
    "doc",
    "docs",
    "e2e",
    "evals",
    "example",
    "examples",
    "fixtures",
    "integration_tests",
    "node_modules",
    "sample",
    "samples",
    "test",
    "testing",
    "tests",
    "tutorials",
];

/// File names by which servers are started.
const STARTERS: [&str; 4] = ["app.py", "main.py", "server.py", "mcp_server.py"];

/// All entries, sorted by path, each with its best reason.
pub(crate) fn find(project: &Project, files: &dyn ProjectFiles) -> Vec<Entry> {
    let ours = |path: &&str| !is_aside(path) && !is_installed(path);
    let product: Vec<&str> = project.modules.iter().filter(ours).collect();
    let all: Vec<&str> = project.modules.iter().collect();
    let candidates = if product.is_empty() { &all } else { &product };
    let mut found = scripts(project);
    for path in candidates {
        if let Some(text) = files.text(path)
            && let Some(reason) = reason(path, text)
        {
            found.entry((*path).to_owned()).or_insert(reason);
        }
    }
    if found.is_empty() {
        found.extend(candidates.iter().map(|path| ((*path).to_owned(), "convention")));
    }
    found.into_iter().map(|(path, reason)| Entry { path, reason }).collect()
}

/// The files that contain the functions named by scripts.
fn scripts(project: &Project) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for package in &project.packages {
        for target in &package.scripts {
            let module = target.split([':', '[', ' ']).next().unwrap_or_default();
            let module = package.roots.iter().find_map(|root| match project.modules.lookup(root, module)? {
                Found::File(path) => Some(path),
                Found::Namespace(_) => None,
            });
            if let Some(path) = module {
                found.insert(path, "script");
            }
        }
    }
    found
}

fn reason(path: &str, text: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "__main__.py" {
        return Some("__main__");
    }
    let started = text.contains("__name__") && text.contains("__main__");
    (STARTERS.contains(&name) || started || imports_sdk(text)).then_some("convention")
}

/// Whether a line imports an SDK. Done on the text: it decides which files are parsed first.
fn imports_sdk(text: &str) -> bool {
    if !text.contains("mcp") {
        return false;
    }
    text.lines().any(|line| {
        let line = line.trim_start();
        let Some(rest) = line.strip_prefix("from ").or_else(|| line.strip_prefix("import ")) else { return false };
        rest.split(',').any(|module| {
            let root = module.trim().split(['.', ' ', ';']).next().unwrap_or_default();
            SDKS.contains(&root)
        })
    })
}

/// Tests, examples, documentation.
pub(crate) fn is_aside(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("test_")
        || name.ends_with("_test.py")
        || matches!(name, "conftest.py" | "setup.py" | "noxfile.py")
        || dir(path).split('/').any(|part| ASIDE.contains(&part))
}

/// Packages of other people inside a virtual environment.
fn is_installed(path: &str) -> bool {
    dir(path).split('/').any(|part| matches!(part, "site-packages" | ".venv" | "venv" | ".tox"))
}
