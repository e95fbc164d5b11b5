//! A Python project in memory: which packages it consists of, where execution starts, and where imports lead.
//!
//! Nothing is executed and no file system is asked: roots come from the manifests where they say something, from the
//! layout where they don't, and as a last resort a module is found by the tail of its path.

mod dependencies;
mod entries;
mod manifest;
mod modules;

use std::collections::BTreeMap;

use manta_flow::frontend::{Entry, ProjectFiles, Resolution, Resolver};
use manta_flow::ir::Symbol;

use self::dependencies::Versions;
use self::manifest::Package;
use self::modules::{Found, Modules};

/// What the resolver knows of a target.
#[derive(Debug)]
pub(crate) struct Project {
    modules: Modules,
    /// Sorted by directory, so that an inner package comes after the one around it.
    packages: Vec<Package>,
    entries: Vec<Entry>,
    /// Dependencies that single-file programs declare in a comment, by file.
    inline: BTreeMap<String, Versions>,
    /// What the target is imported as, where it is a package itself.
    own_name: Option<String>,
}

impl Project {
    /// Reads manifests and finds roots and entries.
    pub(crate) fn read(files: &dyn ProjectFiles) -> Self {
        let modules = Modules::new(files.paths());
        let packages = manifest::packages(files);
        let scripts = modules.iter().filter_map(|path| Some((path, dependencies::inline_script(files.text(path)?)?)));
        let inline = scripts.map(|(path, versions)| (path.to_owned(), versions)).collect();
        let own_name = own_name(&modules, files);
        let mut project = Self { modules, packages, entries: Vec::new(), inline, own_name };
        project.entries = entries::find(&project, files);
        project
    }

    /// The innermost package around a file.
    fn package_of(&self, from: &str) -> Option<&Package> {
        self.packages.iter().filter(|package| modules::is_below(from, &package.dir)).max_by_key(|p| p.dir.len())
    }

    /// Where an absolute import leads.
    fn absolute(&self, from: &str, request: &str) -> Resolution {
        let root = request.split('.').next().unwrap_or_default();
        if root.is_empty() {
            return Resolution::Missing;
        }
        let library = self.is_library(from, root);
        match self.find(from, request, library) {
            Some(Found::File(path)) => Resolution::File(path),
            Some(Found::Namespace(dir)) => Resolution::Namespace(dir),
            // A package of ours has no such module; a namespace may have parts that are installed elsewhere.
            None if !library && matches!(self.find(from, root, library), Some(Found::File(_))) => Resolution::Missing,
            None => external(request),
        }
    }

    /// Searches the roots in the order in which Python would have them, then everything. A name that belongs to the
    /// standard library or to a dependency is only ours if the very module exists where Python looks first.
    fn find(&self, from: &str, request: &str, library: bool) -> Option<Found> {
        let mut namespace = None;
        for root in self.roots(from, library) {
            match self.modules.lookup(&root, request) {
                Some(Found::File(path)) if path != from || !library => return Some(Found::File(path)),
                Some(Found::Namespace(dir)) if !library => namespace = namespace.or(Some(Found::Namespace(dir))),
                _ => {}
            }
        }
        if library {
            return None;
        }
        namespace
            .or_else(|| self.modules.by_tail(from, request).map(Found::File))
            .or_else(|| self.in_target_itself(request))
    }

    fn in_target_itself(&self, request: &str) -> Option<Found> {
        let (root, rest) = request.split_once('.').unwrap_or((request, ""));
        if self.own_name.as_deref() == Some(root) { self.modules.lookup("", rest) } else { None }
    }

    fn roots(&self, from: &str, library: bool) -> Vec<String> {
        let mut roots: Vec<String> = Vec::new();
        let mut add = |root: &str| {
            if !roots.iter().any(|known| known == root) {
                roots.push(root.to_owned());
            }
        };
        add(self.modules.import_root(from));
        if let Some(package) = self.package_of(from) {
            package.roots.iter().for_each(|root| add(root));
        }
        if !library {
            modules::ancestors(modules::dir(from)).for_each(&mut add);
            self.packages.iter().flat_map(|package| &package.roots).for_each(|root| add(root));
        }
        roots
    }

    /// Whether a top-level name means an installed package: of the standard library, an MCP SDK, or a dependency. What
    /// one package of a target needs of another is beside it.
    fn is_library(&self, from: &str, root: &str) -> bool {
        modules::STANDARD_LIBRARY.binary_search(&root).is_ok()
            || entries::SDKS.contains(&root)
            || !self.is_beside(root) && self.dependency(from, root).is_some()
    }

    fn is_beside(&self, root: &str) -> bool {
        let name = dependencies::normalized(root);
        let mut names = self.packages.iter().filter(|package| package.is_package).filter_map(|p| p.name.as_deref());
        names.any(|known| dependencies::normalized(known) == name)
    }

    fn relative(&self, from: &str, request: &str) -> Resolution {
        let rest = request.trim_start_matches('.');
        let mut base = modules::dir(from);
        for _ in 1..request.len() - rest.len() {
            if base.is_empty() {
                return Resolution::Missing;
            }
            base = modules::dir(base);
        }
        match self.modules.lookup(base, rest) {
            Some(Found::File(path)) => Resolution::File(path),
            Some(Found::Namespace(dir)) => Resolution::Namespace(dir),
            None => Resolution::Missing,
        }
    }
}

impl Resolver for Project {
    fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }

    fn resolve(&self, from: &str, request: &str) -> Resolution {
        if request.starts_with('.') { self.relative(from, request) } else { self.absolute(from, request) }
    }

    fn parent(&self, path: &str) -> Option<String> {
        let dir = modules::dir(path);
        let package = if path.ends_with("__init__.py") { modules::dir(dir) } else { dir };
        match self.modules.lookup(package, "") {
            Some(Found::File(init)) if init != path => Some(init),
            _ => None,
        }
    }

    fn dependency(&self, from: &str, package: &str) -> Option<String> {
        let name = dependencies::normalized(package);
        let around = || self.packages.iter().rev().filter(|package| modules::is_below(from, &package.dir));
        let locked = || around().find_map(|package| package.locked.get(&name));
        let inline = || self.inline.get(from).and_then(|versions| versions.get(&name));
        let declared = || around().find_map(|package| package.declared.get(&name));
        inline().or_else(locked).or_else(declared).cloned()
    }

    fn package(&self, from: &str) -> (String, Option<String>) {
        let named = self.packages.iter().filter(|package| package.is_package && modules::is_below(from, &package.dir));
        named.max_by_key(|p| p.dir.len()).map_or_else(Default::default, |p| (p.dir.clone(), p.name.clone()))
    }

    fn siblings(&self, dir: &str) -> Vec<String> {
        self.modules.below(dir).filter(|path| !entries::is_aside(path)).map(str::to_owned).collect()
    }

    fn folder(&self, from: &str, prefix: &str) -> Vec<String> {
        let Some((package, _)) = prefix.rsplit_once('.') else { return Vec::new() };
        // `.name` is beside the file, `..name` one above it.
        let package =
            if package.trim_start_matches('.').is_empty() { format!("{package}.") } else { package.to_owned() };
        let dir = match self.resolve(from, &package) {
            Resolution::File(path) if path.ends_with("/__init__.py") => modules::dir(&path).to_owned(),
            Resolution::Namespace(dir) => dir,
            _ if package == "." => modules::dir(from).to_owned(),
            _ => return Vec::new(),
        };
        let is_direct = |path: &&String| {
            let rest = path.strip_prefix(dir.as_str()).unwrap_or(path).trim_start_matches('/');
            rest.split('/').count() == 1 || rest.split('/').count() == 2 && rest.ends_with("/__init__.py")
        };
        let all = self.siblings(&dir);
        all.iter().filter(is_direct).filter(|path| *path != from).cloned().collect()
    }
}

/// The name of a target that is a package: as a rule that of its directory, which a checkout may have changed and a scan
/// does not see. So it is what the modules in it are imported from, by files of the target: `from my_server.tools import …`
/// beside `tools/`.
fn own_name(modules: &Modules, files: &dyn ProjectFiles) -> Option<String> {
    if !matches!(modules.lookup("", ""), Some(Found::File(_))) {
        return None;
    }
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for line in modules.iter().filter_map(|path| files.text(path)).flat_map(str::lines) {
        let Some(imported) = line.trim_start().strip_prefix("from ").or_else(|| line.strip_prefix("import ")) else {
            continue;
        };
        let request = imported.split_whitespace().next().unwrap_or_default();
        let Some((root, rest)) = request.split_once('.').filter(|(root, _)| !root.is_empty()) else { continue };
        let is_here = modules.lookup("", rest).is_some() && modules.lookup("", root).is_none();
        if is_here && modules::STANDARD_LIBRARY.binary_search(&root).is_err() {
            *named.entry(root).or_default() += 1;
        }
    }
    named.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.to_owned())
}

fn external(request: &str) -> Resolution {
    let mut names = request.split('.');
    let root = Symbol::new(names.next().unwrap_or_default());
    Resolution::External { root, path: names.map(Symbol::new).collect() }
}
