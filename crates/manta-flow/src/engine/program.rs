//! The modules of a target, linked: which module every import means.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::value::ModId;
use crate::frontend::{Entry, Resolution, Resolver, around_missing};
use crate::ir::{ImportId, Lang, Module, Symbol};

/// A linked program.
pub struct Program {
    /// Shared with whoever keeps them for the next program.
    modules: Vec<Arc<Module>>,
    by_path: HashMap<Arc<str>, ModId>,
    /// For each module, where each of its imports leads.
    links: Vec<Vec<Link>>,
    /// For each module, the package that is loaded before it.
    parents: Vec<Option<ModId>>,
    /// For each module, what it may load by names that it computes.
    computed: Vec<Vec<ModId>>,
    /// Where execution starts, in order.
    pub(crate) entries: Vec<(ModId, Entry)>,
    /// Import resolution of each language, for dynamic imports and package facts.
    resolvers: Vec<Arc<dyn Resolver>>,
    /// Which resolver each module uses.
    resolver_of: Vec<usize>,
}

/// Where an import leads.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// A module of the target.
    Module(ModId),
    /// Outside the target.
    External(Symbol, Vec<Symbol>),
    /// A Python package directory without code of its own.
    Namespace,
    /// Nothing behind it.
    Missing,
    /// Not code.
    Asset,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("modules", &self.modules.len()).field("entries", &self.entries).finish()
    }
}

/// Models name modules of a package without `.js`: both `@scope/sdk/server/mcp.js` and `@scope/sdk/server/mcp` are met.
/// Package names may end in `.js` themselves (`discord.js`).
fn model_root(root: Symbol) -> Symbol {
    let text = root.as_str();
    let package_parts = if text.starts_with('@') { 2 } else { 1 };
    match text.strip_suffix(".js") {
        Some(bare) if text.split('/').count() > package_parts => Symbol::new(bare),
        _ => root,
    }
}

impl Program {
    /// Links modules. `resolver_of[i]` says which resolver module `i` uses, `computed[i]` which files it may load by
    /// names that it computes.
    #[must_use]
    pub fn link(
        modules: Vec<Arc<Module>>,
        resolvers: Vec<Arc<dyn Resolver>>,
        resolver_of: Vec<usize>,
        computed: &[Vec<String>],
        entries: Vec<Entry>,
    ) -> Self {
        let by_path: HashMap<Arc<str>, ModId> = modules
            .iter()
            .enumerate()
            .map(|(index, module)| (module.path.clone(), ModId(u32::try_from(index).unwrap_or(u32::MAX))))
            .collect();
        let entries =
            entries.into_iter().filter_map(|entry| by_path.get(entry.path.as_str()).map(|id| (*id, entry))).collect();
        let found = |paths: &Vec<String>| paths.iter().filter_map(|path| by_path.get(path.as_str()).copied()).collect();
        let computed = computed.iter().map(found).collect();
        let mut program = Self {
            modules,
            by_path,
            links: Vec::new(),
            parents: Vec::new(),
            computed,
            entries,
            resolvers,
            resolver_of,
        };
        program.links = (0..program.modules.len())
            .map(|index| {
                let id = ModId(u32::try_from(index).unwrap_or(u32::MAX));
                let imports = &program.modules[index].imports;
                imports.iter().map(|import| program.resolve(id, &import.request)).collect()
            })
            .collect();
        program.parents = program
            .modules()
            .map(|(id, module)| {
                program.find(&program.resolver(id).parent(&module.path)?).filter(|parent| *parent != id)
            })
            .collect();
        program
    }

    /// The module of a file, if the file is part of the program.
    #[must_use]
    pub fn module_of(&self, file: manta_core::FileId) -> Option<&Module> {
        self.modules.iter().find(|module| module.file == file).map(AsRef::as_ref)
    }

    /// What the module of a file belongs to.
    pub(crate) fn home_of_file(&self, file: manta_core::FileId) -> Option<(Lang, String)> {
        let (id, _) = self.modules().find(|(_, module)| module.file == file)?;
        Some(self.home_of(id))
    }

    /// Resolves a specifier as if it were written in `from`.
    pub(crate) fn resolve(&self, from: ModId, request: &str) -> Link {
        let index = from.0 as usize;
        match self.resolver(from).resolve(&self.modules[index].path, request) {
            Resolution::File(path) => self.find(&path).map_or(Link::Missing, Link::Module),
            Resolution::External { root, path } => Link::External(model_root(root), path),
            Resolution::Namespace(_) => Link::Namespace,
            Resolution::Missing => Link::Missing,
            Resolution::Asset(_) => Link::Asset,
        }
    }

    /// What a module may load by names that it computes.
    pub(crate) fn computed(&self, module: ModId) -> &[ModId] {
        self.computed.get(module.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The modules that stand around one that `from` imports from another directory and that is not there: what a build
    /// lists in an index that it writes.
    pub(crate) fn listed(&self, from: ModId, request: &str) -> Vec<ModId> {
        let around = around_missing(self.resolver(from).as_ref(), &self.modules[from.0 as usize].path, request);
        around.iter().filter_map(|path| self.find(path)).collect()
    }

    /// A program of nothing.
    pub(crate) fn empty() -> Self {
        Self::link(Vec::new(), Vec::new(), Vec::new(), &[], Vec::new())
    }

    /// Puts a module in the place of one that imports the same.
    pub(crate) fn replace(&mut self, id: ModId, module: Arc<Module>) {
        self.modules[id.0 as usize] = module;
    }

    pub(crate) fn find(&self, path: &str) -> Option<ModId> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn resolver(&self, module: ModId) -> &Arc<dyn Resolver> {
        &self.resolvers[self.resolver_of[module.0 as usize]]
    }

    pub(crate) fn module(&self, id: ModId) -> &Module {
        &self.modules[id.0 as usize]
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = (ModId, &Module)> {
        let numbered = self.modules.iter().enumerate();
        numbered.map(|(index, module)| (ModId(u32::try_from(index).unwrap_or(u32::MAX)), module.as_ref()))
    }

    pub(crate) fn len(&self) -> usize {
        self.modules.len()
    }

    /// The package that is loaded before a module.
    pub(crate) fn parent(&self, module: ModId) -> Option<ModId> {
        self.parents[module.0 as usize]
    }

    /// Where all imports of a module lead.
    pub(crate) fn links_of(&self, module: ModId) -> &[Link] {
        &self.links[module.0 as usize]
    }

    pub(crate) fn link_of(&self, module: ModId, import: ImportId) -> &Link {
        &self.links[module.0 as usize][import.0 as usize]
    }
}

impl Program {
    /// Root directory and name of the package that contains a file.
    #[must_use]
    pub fn package_of(&self, path: &str) -> (String, Option<String>) {
        match self.find(path) {
            Some(module) => self.resolver(module).package(path),
            None => (String::new(), None),
        }
    }

    /// What a module belongs to: the language and the root directory of its package.
    pub(crate) fn home_of(&self, module: ModId) -> (Lang, String) {
        let code = self.module(module);
        (code.lang, self.resolver(module).package(&code.path).0)
    }
}
