//! Where execution starts: manifests first, then build settings, then convention.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use memchr::memmem;

use manta_flow::frontend::{Entry, ProjectFiles, Resolution};

use super::manifest::{Package, is_mcp_package};
use super::{Project, is_source, mentions, paths, resolve};

/// Larger files are bundles for a browser, or declared in a manifest.
const MAX_STANDALONE: usize = 512 << 10;

/// Names a program's main file usually has, best first.
const MAIN_NAMES: [&str; 6] = ["index", "server", "main", "app", "cli", "mcp"];

/// Finds the entry files of a target, sorted.
pub(super) fn find(project: &Project, files: &dyn ProjectFiles) -> Vec<Entry> {
    let mut found = Found { project, files, reasons: BTreeMap::new() };
    let members = members(project);
    for package in &members {
        found.package(package);
    }
    if members.is_empty() {
        found.conventional("");
    }
    found.standalone(&members);
    if found.reasons.is_empty() {
        found.roots(|path| !paths::is_peripheral(path));
    }
    if found.reasons.is_empty() {
        found.roots(|_| true);
    }
    found.without_twins()
}

/// The packages whose entries count: those that use MCP, or all when none does; tests and examples only when there is
/// nothing else.
fn members(project: &Project) -> Vec<&Package> {
    let mut packages: Vec<_> = project.packages.iter().collect();
    packages.sort_by(|a, b| a.dir.cmp(&b.dir));
    let chosen = |filter: &dyn Fn(&Package) -> bool| -> Vec<&Package> {
        packages.iter().copied().filter(|package| filter(package)).collect()
    };
    let is_peripheral =
        |package: &Package| !package.dir.is_empty() && paths::is_peripheral(&format!("{}/x", package.dir));
    let using = chosen(&|package| package.uses_mcp() && !is_peripheral(package));
    if !using.is_empty() {
        return using;
    }
    let core = chosen(&|package| !is_peripheral(package));
    if core.is_empty() { packages } else { core }
}

struct Found<'p> {
    project: &'p Project,
    files: &'p dyn ProjectFiles,
    reasons: BTreeMap<String, &'static str>,
}

impl Found<'_> {
    fn add(&mut self, path: String, reason: &'static str) -> bool {
        self.reasons.entry(path).or_insert(reason);
        true
    }

    /// Entries of one package.
    fn package(&mut self, package: &Package) {
        let declared = package.declared_entries();
        let (patterns, files): (Vec<_>, Vec<_>) = declared.iter().partition(|(path, _)| path.contains('*'));
        let mut any = false;
        for (path, reason) in &files {
            any |= self.declared(package, path, reason);
        }
        let found_all = any || files.is_empty();
        // Patterns open every file of a library; a program has its own start.
        if !files.iter().any(|(_, reason)| *reason == "bin") {
            for (pattern, reason) in &patterns {
                any |= self.pattern(package, pattern, reason);
            }
        }
        let mut text = package.command_text();
        for path in self.settings(&package.dir) {
            text.push_str(self.files.text(&path).unwrap_or(""));
            text.push('\n');
        }
        let words: BTreeSet<&str> = mentions::source_files(&text).collect();
        for word in words {
            any |= self.mentioned(package, word);
        }
        any |= self.framework(package);
        if !found_all || !any {
            self.conventional(&package.dir);
        }
    }

    /// A file named in a manifest: itself, its source, or every match of a pattern.
    fn declared(&mut self, package: &Package, path: &str, reason: &'static str) -> bool {
        let Some(path) = paths::join(&package.dir, path) else { return false };
        match resolve::probe(self.project, &path, false) {
            Some(Resolution::File(file)) => {
                let file = resolve::prefer_source(self.project, file, "");
                self.add(file, reason)
            }
            Some(_) => false,
            None => match resolve::source_of(self.project, &path) {
                Some(source) => self.add(source, reason),
                None => false,
            },
        }
    }

    fn pattern(&mut self, package: &Package, pattern: &str, reason: &'static str) -> bool {
        let Some(pattern) = paths::join(&package.dir, pattern) else { return false };
        let Some((before, after)) = pattern.split_once('*') else { return false };
        let matching: Vec<String> = self
            .project
            .below(paths::parent(before))
            .filter(|path| path.starts_with(before) && path.ends_with(after) && is_source(path))
            .filter(|path| !paths::is_peripheral(path))
            .map(|path| resolve::prefer_source(self.project, path.to_owned(), ""))
            .collect();
        let matching = if matching.is_empty() { self.sources_of_pattern(before, after) } else { matching };
        let any = !matching.is_empty();
        for path in matching {
            self.add(path, reason);
        }
        any
    }

    /// The sources behind a pattern over build output that is not there.
    fn sources_of_pattern(&self, before: &str, after: &str) -> Vec<String> {
        let Some(dir) = resolve::source_dir(self.project, paths::parent(before)) else { return Vec::new() };
        let suffix = paths::stem(after);
        let sources = self.project.below(&dir).filter(|path| is_source(path) && !paths::is_peripheral(path));
        sources.filter(|path| paths::stem(path).ends_with(suffix)).map(str::to_owned).collect()
    }

    /// A file named in a script or in build settings. Names that do not exist mean nothing here.
    fn mentioned(&mut self, package: &Package, word: &str) -> bool {
        let builds = matches!(paths::stem(paths::file_name(word)), "build" | "esbuild" | "bundle" | "postinstall");
        if word.contains("..") || paths::is_peripheral(word) || builds {
            return false;
        }
        let Some(path) = paths::join(&package.dir, word) else { return false };
        let file = if self.project.exists(&path) {
            resolve::prefer_source(self.project, path, "")
        } else if let Some(source) = resolve::source_of(self.project, &path) {
            source
        } else {
            return false;
        };
        self.add(file, "script")
    }

    /// Files next to the manifest that say what is built or deployed.
    fn settings(&self, dir: &str) -> Vec<String> {
        let is_setting = |name: &str| {
            let lower = name.to_ascii_lowercase();
            let bundlers = [
                "tsup.",
                "vite.",
                "rollup.",
                "esbuild",
                "webpack.",
                "rspack.",
                "rslib.",
                "tsdown.",
                "rolldown.",
                "build.",
            ];
            (bundlers.iter().any(|start| lower.starts_with(start)) && is_source(name))
                || lower.starts_with("dockerfile")
                || lower.starts_with("wrangler.")
                || matches!(lower.as_str(), "smithery.yaml" | "manifest.json" | "deno.json" | "deno.jsonc" | "procfile")
        };
        self.project
            .below(dir)
            .filter(|path| paths::below(dir, path).is_some_and(|rest| !rest.contains('/') && is_setting(rest)))
            .map(str::to_owned)
            .collect()
    }

    /// Frameworks that load files by their place.
    fn framework(&mut self, package: &Package) -> bool {
        let tools = package.depends_on("xmcp") || package.depends_on("mcp-framework");
        let routes = package.depends_on("next")
            || package.depends_on("mcp-handler")
            || package.depends_on("@vercel/mcp-adapter");
        if !tools && !routes {
            return false;
        }
        let loaded = |rest: &str| {
            let rest = rest.strip_prefix("src/").unwrap_or(rest);
            let is_tool = ["tools/", "prompts/", "resources/"].iter().any(|dir| rest.starts_with(dir));
            let stem = paths::stem(paths::file_name(rest));
            let is_route = (rest.starts_with("app/") && stem == "route")
                || rest.starts_with("pages/api/")
                || rest.starts_with("api/");
            (tools && is_tool) || (routes && is_route)
        };
        let found: Vec<String> = self
            .project
            .below(&package.dir)
            .filter(|path| is_source(path) && !paths::is_peripheral(path))
            .filter(|path| paths::below(&package.dir, path).is_some_and(loaded))
            .map(str::to_owned)
            .collect();
        let any = !found.is_empty();
        for path in found {
            self.add(path, "convention");
        }
        any
    }

    /// A file with a usual name; the first directory that has one wins.
    fn conventional(&mut self, dir: &str) {
        for source in ["src", "", "source", "server", "src/server", "app", "lib", "dist", "build"] {
            let Some(place) = paths::join(dir, source) else { continue };
            for name in MAIN_NAMES {
                let path = if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
                let extensions = ["ts", "mts", "js", "mjs", "cjs", "tsx", "cts", "jsx"];
                let mut files = extensions.iter().map(|extension| format!("{path}.{extension}"));
                if let Some(file) = files.find(|file| self.project.exists(file)) {
                    self.add(file, "convention");
                    return;
                }
            }
        }
    }

    /// Programs that use an MCP library but that no entry reaches.
    fn standalone(&mut self, members: &[&Package]) {
        let is_candidate = |path: &&String| {
            is_source(path)
                && !paths::is_peripheral(path)
                && (members.is_empty()
                    || self.project.package_of(path).is_none_or(|package| members.iter().any(|m| m.dir == package.dir)))
                && self.files.text(path).is_some_and(|text| {
                    let names = |word: &[u8]| memmem::find(text.as_bytes(), word).is_some();
                    text.len() <= MAX_STANDALONE && (names(b"mcp") || names(b"modelcontextprotocol"))
                })
        };
        let uses_mcp = |path: &&String| {
            let text = self.files.text(path).unwrap_or("");
            mentions::specifiers(text).into_iter().any(is_server_library)
        };
        let is_new = |path: &&String| !self.reasons.contains_key(*path);
        let candidates: Vec<&String> =
            self.project.files.iter().filter(is_new).filter(is_candidate).filter(uses_mcp).collect();
        if candidates.is_empty() {
            return;
        }
        let reached = self.closure();
        let is_output = |path: &str| resolve::prefer_source(self.project, path.to_owned(), "") != path;
        let unreached: Vec<String> = candidates
            .into_iter()
            .filter(|path| !reached.contains(*path) && !is_output(path) && !self.is_built_copy(path))
            .cloned()
            .collect();
        let imported = self.imported_by(&unreached);
        for path in unreached {
            if !imported.contains(&path) {
                self.add(path, "convention");
            }
        }
    }

    /// The entries without those that are the same file built for another module system.
    fn without_twins(self) -> Vec<Entry> {
        let rank = |entry: &Entry| {
            let by_reason = ["bin", "main", "exports", "script"].iter().position(|reason| *reason == entry.reason);
            (by_reason.unwrap_or(4), entry.path.ends_with(".cjs") || entry.path.contains("cjs/"))
        };
        let mut best: BTreeMap<String, Entry> = BTreeMap::new();
        for (path, reason) in self.reasons {
            let key = resolve::without_format(&path);
            let entry = Entry { path, reason };
            match best.get(&key) {
                Some(known) if rank(known) <= rank(&entry) => {}
                _ => {
                    best.insert(key, entry);
                }
            }
        }
        let mut entries: Vec<Entry> = best.into_values().collect();
        entries.sort();
        entries
    }

    /// Output of a build whose source is analysed: the package has entries outside of its output directory.
    fn is_built_copy(&self, path: &str) -> bool {
        let dir = self.project.package_of(path).map_or("", |package| &package.dir);
        let first = |path: &str| paths::below(dir, path).unwrap_or("").split('/').next().unwrap_or("").to_owned();
        let is_output = |dir: &str| dir.starts_with("dist") || matches!(dir, "build" | "out" | "output" | "bundle");
        is_output(&first(path)) && self.reasons.keys().any(|entry| !is_output(&first(entry)))
    }

    /// Files that any of `paths` imports directly.
    fn imported_by(&self, paths: &[String]) -> HashSet<String> {
        paths.iter().flat_map(|path| self.imports_of(path).into_iter().filter(move |to| to != path)).collect()
    }

    /// Files reachable from the entries found so far, by a textual scan.
    fn closure(&self) -> HashSet<String> {
        let mut reached: HashSet<String> = self.reasons.keys().cloned().collect();
        let mut work: Vec<String> = reached.iter().cloned().collect();
        while let Some(path) = work.pop() {
            for next in self.imports_of(&path) {
                if reached.insert(next.clone()) {
                    work.push(next);
                }
            }
        }
        reached
    }

    fn imports_of(&self, path: &str) -> Vec<String> {
        let Some(text) = self.files.text(path) else { return Vec::new() };
        let resolved = mentions::specifiers(text).into_iter().filter_map(|request| {
            match resolve::resolve(self.project, path, request) {
                Resolution::File(file) => Some(file),
                _ => None,
            }
        });
        resolved.collect()
    }

    /// Without any manifest or usual name: every source file that no other file imports.
    fn roots(&mut self, accept: fn(&str) -> bool) {
        let sources: Vec<String> =
            self.project.files.iter().filter(|path| is_source(path) && accept(path)).cloned().collect();
        let imported = self.imported_by(&sources);
        let mut roots: Vec<String> = sources.iter().filter(|path| !imported.contains(*path)).cloned().collect();
        if roots.is_empty() {
            roots = sources; // every file is in a circle
        }
        for path in roots {
            self.add(path, "convention");
        }
    }
}

/// Whether an import says that a file is a server: an MCP library, but not its client or its types.
fn is_server_library(request: &str) -> bool {
    let beside = ["/client", "/types", "/shared/", "inspector"];
    !request.starts_with(['.', '/', '#'])
        && is_mcp_package(request)
        && !beside.iter().any(|part| request.contains(part))
}
