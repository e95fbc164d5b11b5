//! One package (or workspace) in memory: where imports lead and where execution starts.

mod entries;
mod jsonc;
mod lock;
mod manifest;
mod mentions;
mod paths;
mod resolve;
mod tsconfig;

use std::collections::{HashMap, HashSet};

use manta_flow::frontend::{Entry, ProjectFiles, Resolution, Resolver};

use manifest::Package;
pub(crate) use paths::is_source;
use tsconfig::TsConfig;

/// The JavaScript side of a target.
#[derive(Debug)]
pub(crate) struct Project {
    /// Every file, sorted; installed packages left out.
    files: Vec<String>,
    known: HashSet<String>,
    /// Packages, innermost directories first.
    packages: Vec<Package>,
    /// Package directory by name.
    by_name: HashMap<String, usize>,
    /// Configurations by directory.
    tsconfigs: HashMap<String, TsConfig>,
    /// Exact versions by the directory of the lock file.
    locked: HashMap<String, HashMap<String, String>>,
    entries: Vec<Entry>,
}

impl Project {
    /// Reads all manifests among `files`.
    pub(crate) fn read(files: &dyn ProjectFiles) -> Self {
        let paths: Vec<String> = files.paths().iter().filter(|path| !paths::is_vendored(path)).cloned().collect();
        let mut packages = Vec::new();
        let mut tsconfigs = HashMap::new();
        let mut locked = HashMap::new();
        for path in &paths {
            match paths::file_name(path) {
                "package.json" => {
                    packages.extend(files.text(path).and_then(|text| Package::read(path, text)));
                    let versions = lock::versions(files, paths::parent(path));
                    if !versions.is_empty() {
                        locked.insert(paths::parent(path).to_owned(), versions);
                    }
                }
                "tsconfig.json" | "jsconfig.json" => {
                    if let Some(config) = TsConfig::read(files, path) {
                        tsconfigs.insert(paths::parent(path).to_owned(), config);
                    }
                }
                _ => {}
            }
        }
        packages.sort_by(|a: &Package, b: &Package| b.dir.len().cmp(&a.dir.len()).then_with(|| a.dir.cmp(&b.dir)));
        let named = packages.iter().enumerate().filter_map(|(index, package)| Some((package.name.clone()?, index)));
        let mut project = Self {
            known: paths.iter().cloned().collect(),
            files: paths,
            by_name: named.collect(),
            packages,
            tsconfigs,
            locked,
            entries: Vec::new(),
        };
        project.entries = entries::find(&project, files);
        project
    }

    /// The innermost package that contains `path`.
    fn package_of(&self, path: &str) -> Option<&Package> {
        self.packages.iter().find(|package| paths::below(&package.dir, path).is_some())
    }

    /// The configuration that applies to a file.
    fn tsconfig_of(&self, path: &str) -> Option<&TsConfig> {
        paths::ancestors(paths::parent(path)).find_map(|dir| self.tsconfigs.get(dir))
    }

    fn exists(&self, path: &str) -> bool {
        self.known.contains(path)
    }

    /// Files below a directory, sorted.
    fn below<'p>(&'p self, dir: &str) -> impl Iterator<Item = &'p str> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let start = self.files.partition_point(|path| path.as_str() < prefix.as_str());
        self.files[start..].iter().map(String::as_str).take_while(move |path| path.starts_with(&prefix))
    }
}

impl Resolver for Project {
    fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }

    fn resolve(&self, from: &str, request: &str) -> Resolution {
        resolve::resolve(self, from, request)
    }

    fn dependency(&self, from: &str, package: &str) -> Option<String> {
        let dirs: Vec<_> = paths::ancestors(paths::parent(from)).collect();
        let locked = dirs.iter().find_map(|dir| self.locked.get(*dir)?.get(package));
        locked.cloned().or_else(|| {
            dirs.iter()
                .filter_map(|dir| self.packages.iter().find(|candidate| candidate.dir == **dir))
                .find_map(|candidate| candidate.dependencies.get(package).cloned())
        })
    }

    fn package(&self, from: &str) -> (String, Option<String>) {
        self.package_of(from).map_or_else(Default::default, |package| (package.dir.clone(), package.name.clone()))
    }

    fn siblings(&self, dir: &str) -> Vec<String> {
        let dir = dir.trim_matches('/');
        let direct = self.loadable(dir);
        if direct.is_empty() {
            // The directory a compiled server reads exists in its source repository under another name.
            let mapped = resolve::source_dir(self, dir);
            return mapped.map_or_else(Vec::new, |dir| self.loadable(&dir));
        }
        direct
    }

    fn tree(&self, dir: &str) -> Vec<String> {
        let dir = dir.trim_matches('/');
        let all = |dir: &str| {
            let is_read = |path: &&str| is_source(path) && !paths::is_peripheral(path);
            self.below(dir).filter(is_read).map(str::to_owned).collect::<Vec<_>>()
        };
        let direct = all(dir);
        // As in `siblings`.
        match direct.is_empty() {
            true => resolve::source_dir(self, dir).map_or_else(Vec::new, |dir| all(&dir)),
            false => direct,
        }
    }

    fn folder(&self, from: &str, prefix: &str) -> Vec<String> {
        let Some((dir, _)) = prefix.rsplit_once('/') else { return Vec::new() };
        if !dir.starts_with('.') {
            return Vec::new();
        }
        let around = from.rsplit_once('/').map_or("", |(around, _)| around);
        let Some(dir) = paths::join(around, dir) else { return Vec::new() };
        self.siblings(&dir).into_iter().filter(|path| path != from).collect()
    }
}

impl Project {
    /// Source files of a directory and the index files of its subdirectories.
    fn loadable(&self, dir: &str) -> Vec<String> {
        self.below(dir)
            .filter(|path| is_source(path) && !paths::is_peripheral_name(paths::file_name(path)))
            .filter(|path| {
                let rest = paths::below(dir, path).unwrap_or(path);
                let mut parts = rest.split('/');
                match (parts.next(), parts.next(), parts.next()) {
                    (Some(_), None, _) => true,
                    (Some(_), Some(name), None) => paths::stem(name) == "index",
                    _ => false,
                }
            })
            .map(str::to_owned)
            .collect()
    }
}
