//! From the files of a target to a linked program: entry points, import closure, what stays outside it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use manta_core::{FileId, ProjectInput, ScanReport, SkipReason, SkippedFile};
use manta_flow::engine::program::Program;
use manta_flow::frontend::{FrontEnd, ProjectFiles, Resolution, Resolver};
use manta_flow::ir::{Export, Expr, ImportName, Lang, Module};

/// The files as front ends see them.
struct Files<'a> {
    paths: Vec<String>,
    texts: BTreeMap<&'a str, &'a str>,
}

impl<'a> Files<'a> {
    fn of(input: &'a ProjectInput) -> Self {
        let texts: BTreeMap<&str, &str> =
            input.sources.iter().map(|(_, file)| (file.path.as_str(), &*file.text)).collect();
        let paths = texts.keys().map(|path| (*path).to_owned()).collect();
        Self { paths, texts }
    }
}

impl ProjectFiles for Files<'_> {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).copied()
    }
}

/// Which files are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What the entry points import.
    Imported,
    /// Everything that is not set aside: programs that load their modules by computed names.
    Everything,
}

/// Lowers the import closure of the entry points, or more, and links it; none when there is no source file.
pub(crate) fn load(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    extent: Extent,
    report: &mut ScanReport,
) -> Option<Program> {
    let files = Files::of(input);
    let mut modules: Vec<Module> = Vec::new();
    let mut resolver_of = Vec::new();
    let mut resolvers: Vec<Arc<dyn Resolver>> = Vec::new();
    let mut entries = Vec::new();
    let mut claimed: BTreeSet<FileId> = BTreeSet::new();
    let mut read: BTreeSet<FileId> = BTreeSet::new();
    for front_end in front_ends {
        let own: Vec<(FileId, &str)> = input
            .sources
            .iter()
            .filter(|(_, file)| front_end.claims(&file.path))
            .map(|(id, file)| (id, file.path.as_str()))
            .collect();
        if own.is_empty() {
            continue;
        }
        claimed.extend(own.iter().map(|(id, _)| *id));
        let resolver: Arc<dyn Resolver> = Arc::from(front_end.project(&files));
        let set_aside = |path: &str| input.sources.find(path).is_some_and(|id| input.set_aside.contains_key(&id));
        let mut starts = resolver.entries();
        starts.retain(|entry| !set_aside(&entry.path) || starts_nowhere_else(&own, input));
        let mut queue: VecDeque<String> = starts.iter().map(|entry| entry.path.clone()).collect();
        if extent == Extent::Everything {
            queue.extend(own.iter().map(|(_, path)| (*path).to_owned()).filter(|path| !set_aside(path)));
        }
        let mut seen: BTreeSet<String> = queue.iter().cloned().collect();
        while let Some(path) = queue.pop_front() {
            let Some(id) = input.sources.find(&path) else { continue };
            if !front_end.claims(&path) || !read.insert(id) {
                continue;
            }
            let text = files.text(&path).unwrap_or_default();
            let lowered = front_end.lower(id, &path, text);
            let is_lost = lowered.module.is_none();
            for problem in lowered.problems {
                if is_lost {
                    let reason = SkipReason::Unparsed(problem);
                    report.completeness.files_skipped.push(SkippedFile { path: path.clone(), reason });
                } else {
                    report.completeness.exhausted_budgets.push(format!("{path}: {problem}"));
                }
            }
            let Some(module) = lowered.module else { continue };
            for request in requests(&module) {
                if let Resolution::File(target) = resolver.resolve(&path, &request)
                    && seen.insert(target.clone())
                {
                    queue.push_back(target);
                }
            }
            modules.push(module);
            resolver_of.push(resolvers.len());
        }
        entries.extend(starts);
        resolvers.push(resolver);
    }
    report.completeness.files_analysed = modules.len();
    for id in claimed.difference(&read) {
        let Some(file) = input.sources.get(*id) else { continue };
        let reason = input.set_aside.get(id).cloned().unwrap_or(SkipReason::NotImported);
        report.completeness.files_skipped.push(SkippedFile { path: file.path.clone(), reason });
    }
    (!modules.is_empty()).then(|| Program::link(modules, resolvers, resolver_of, entries))
}

/// Everything a module may load: its imports and, in Python, names imported from a package that may be its modules.
fn requests(module: &Module) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = module.imports.iter().map(|import| import.request.to_string()).collect();
    if module.lang != Lang::Python {
        return all;
    }
    let used = module.exprs.iter().filter_map(|expr| match expr {
        Expr::Import(import, ImportName::Named(name)) => Some((*import, *name)),
        _ => None,
    });
    let exported = module.exports.iter().filter_map(|export| match export {
        Export::From { import, imported: ImportName::Named(name), .. } => Some((*import, *name)),
        _ => None,
    });
    for (import, name) in used.chain(exported) {
        let package = &module.imports[import.0 as usize].request;
        let dot = if package.ends_with('.') { "" } else { "." };
        all.insert(format!("{package}{dot}{name}"));
    }
    all
}

/// Whether a target consists of files that are set aside by name (a folder called `test` that is the server).
fn starts_nowhere_else(own: &[(FileId, &str)], input: &ProjectInput) -> bool {
    own.iter().all(|(id, _)| input.set_aside.contains_key(id))
}
