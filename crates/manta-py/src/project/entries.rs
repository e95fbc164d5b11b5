//! Where execution starts.
//!
//! Manifests name scripts; servers without one are started as a file. A file that uses an MCP SDK counts even if
//! nothing imports it, because plugin folders and `mcp run FILE` leave no trace in the source.

use std::collections::{BTreeMap, BTreeSet};

use manta_flow::frontend::{Entry, ProjectFiles, Resolution, Resolver as _};

use super::Project;
use super::modules::{Found, dir};

/// Top-level names of the SDKs with which servers are written.
pub(crate) const SDKS: [&str; 3] = ["fastapi_mcp", "fastmcp", "mcp"];

/// Frameworks on top of them, and those with a server of their own.
const FRAMEWORKS: [&str; 9] = [
    "arcade_mcp_server",
    "arcade_tdk",
    "chuk_mcp_server",
    "claude_agent_sdk",
    "enrichmcp",
    "gradio",
    "langchain_mcp_adapters",
    "mcp_agent",
    "mcp_use",
];

/// Packages with which the program behind the tools takes requests: a server of its own that tools call over HTTP.
const WEB: [&str; 5] = ["bottle", "fastapi", "flask", "quart", "starlette"];

/// Directories of programs that show the product.
const EXAMPLES: [&str; 11] =
    ["cookbook", "demo", "demos", "doc", "docs", "example", "examples", "notebooks", "sample", "samples", "tutorials"];

/// Directories of programs that check the product.
const TESTS: [&str; 11] = [
    "__tests__",
    "bench",
    "benchmark",
    "benchmarks",
    "e2e",
    "evals",
    "fixtures",
    "integration_tests",
    "test",
    "testing",
    "tests",
];

/// File names by which servers are started.
const STARTERS: [&str; 4] = ["app.py", "main.py", "server.py", "mcp_server.py"];

/// All entries, sorted by path. Examples count only where nothing else serves, tests only where there is nothing else: a
/// repository whose server is written in another language does not serve its Python tests.
pub(crate) fn find(project: &Project, files: &dyn ProjectFiles) -> Vec<Entry> {
    let mut search = Search { project, files, entries: scripts(project), reached: BTreeSet::new() };
    let own: Vec<&str> = project.modules.iter().filter(|path| !is_installed(path)).collect();
    let product: Vec<&str> = own.iter().copied().filter(|path| !is_aside(path)).collect();
    if !product.is_empty() {
        search.rounds(&product);
        // A product that is no MCP server itself may come with one that is only an example of its use: then that is
        // the server that people run.
        let examples: Vec<&str> = own.iter().copied().filter(|path| is_aside(path) && !is_test(path)).collect();
        let serves = |path: &&str| files.text(path).is_some_and(uses_sdk);
        if !product.iter().any(serves) && examples.iter().any(serves) && !is_served_elsewhere(files) {
            search.add(&examples, "example", |_, text| uses_sdk(text));
        }
    } else if !files.paths().iter().any(|path| is_other_source(path)) {
        let examples: Vec<&str> = own.iter().copied().filter(|path| !is_test(path)).collect();
        search.rounds(if examples.is_empty() { &own } else { &examples });
    }
    search.entries.into_iter().map(|(path, reason)| Entry { path, reason }).collect()
}

/// Collects entries in rounds; what an earlier round reaches through imports is not an entry of its own.
struct Search<'a> {
    project: &'a Project,
    files: &'a dyn ProjectFiles,
    entries: BTreeMap<String, &'static str>,
    reached: BTreeSet<String>,
}

impl Search<'_> {
    fn rounds(&mut self, files: &[&str]) {
        self.add(files, "__main__", |path, _| name(path) == "__main__.py");
        self.add(files, "convention", |path, text| STARTERS.contains(&name(path)) || started(text) && uses_sdk(text));
        self.add(files, "convention", |_, text| uses_sdk(text));
        self.add(files, "convention", |_, text| started(text) && imports_any(text, &WEB));
        if self.entries.is_empty() {
            self.add(files, "convention", |_, text| started(text));
        }
        if self.entries.is_empty() {
            self.add(files, "convention", |_, _| true);
        }
    }

    fn add(&mut self, candidates: &[&str], reason: &'static str, wanted: impl Fn(&str, &str) -> bool) {
        let known: Vec<String> = self.entries.keys().cloned().collect();
        known.into_iter().for_each(|path| self.reach(path));
        for path in candidates {
            if !self.reached.contains(*path) && self.files.text(path).is_some_and(|text| wanted(path, text)) {
                self.entries.insert((*path).to_owned(), reason);
            }
        }
    }

    /// Marks a file and everything it imports, however deep.
    fn reach(&mut self, start: String) {
        let mut pending = vec![start];
        while let Some(path) = pending.pop() {
            if self.reached.contains(&path) {
                continue;
            }
            for request in imports(self.files.text(&path).unwrap_or_default()) {
                if let Resolution::File(target) = self.project.resolve(&path, &request) {
                    pending.push(target);
                }
            }
            self.reached.insert(path);
        }
    }
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

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `if __name__ == "__main__":`
fn started(text: &str) -> bool {
    text.contains("__name__") && text.contains("__main__")
}

fn uses_sdk(text: &str) -> bool {
    text.contains("mcp") && (imports_any(text, &SDKS) || imports_any(text, &FRAMEWORKS))
}

/// Whether a text imports from one of these packages.
fn imports_any(text: &str, packages: &[&str]) -> bool {
    imports(text).iter().any(|module| packages.contains(&module.split('.').next().unwrap_or_default()))
}

/// The modules that a text imports, as requests. Done on lines, because it decides which files are worth a parse: a
/// line inside a string may be taken for an import, which does no harm here.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if let Some(list) = line.strip_prefix("import ") {
            found.extend(list.split(',').map(|module| first_word(module).to_owned()));
        } else if let Some((module, names)) = line.strip_prefix("from ").and_then(|rest| rest.split_once(" import")) {
            let module = module.trim();
            found.push(module.to_owned());
            let mut list = names.to_owned();
            while list.contains('(') && !list.contains(')') {
                let Some(next) = lines.next() else { break };
                list.push_str(next.split('#').next().unwrap_or_default());
            }
            let dot = if module.ends_with('.') { "" } else { "." };
            let names = list.split(['(', ')', ',']).map(first_word).filter(|name| !name.is_empty() && *name != "*");
            found.extend(names.map(|name| format!("{module}{dot}{name}")));
        }
    }
    found
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default().trim_end_matches([';', '\\'])
}

/// Tests, examples, documentation, and programs that build the package.
pub(crate) fn is_aside(path: &str) -> bool {
    is_test(path)
        || matches!(name(path), "setup.py" | "noxfile.py" | "conf.py")
        || dir(path).split('/').any(|part| EXAMPLES.contains(&part))
}

fn is_test(path: &str) -> bool {
    let name = name(path);
    name.starts_with("test_")
        || name.ends_with("_test.py")
        || name == "conftest.py"
        || dir(path).split('/').any(|part| TESTS.contains(&part))
}

/// A JavaScript or TypeScript file of the product.
fn is_other_source(path: &str) -> bool {
    let source = [".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx"].iter().any(|suffix| path.ends_with(suffix));
    source && !is_aside(path) && !is_installed(path)
}

/// Whether the product has an MCP server in JavaScript or TypeScript.
fn is_served_elsewhere(files: &dyn ProjectFiles) -> bool {
    let uses_sdk = |path: &&str| files.text(path).is_some_and(|text| text.contains("modelcontextprotocol"));
    files.paths().iter().map(|path| &**path).any(|path| is_other_source(path) && uses_sdk(&path))
}

/// Packages of other people inside a virtual environment.
fn is_installed(path: &str) -> bool {
    dir(path).split('/').any(|part| matches!(part, "site-packages" | ".venv" | "venv" | ".tox" | "node_modules"))
}
