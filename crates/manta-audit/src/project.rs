//! From the files of a target to a linked program: entry points, import closure, what stays outside it.

mod computed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use manta_core::{FileId, ProjectInput, ScanReport, SkipReason, SkippedFile};
use manta_flow::engine::program::Program;
use manta_flow::frontend::{FrontEnd, Lowered, ProjectFiles, Resolution, Resolver};
use manta_flow::ir::{Export, Expr, ImportName, Lang, Module};

use crate::Settings;
use crate::memory::Memory;

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
    settings: &Settings,
    extent: Extent,
    report: &mut ScanReport,
) -> Option<Program> {
    let files = Files::of(input);
    settings.memory.keep_only(&input.sources);
    let mut modules: Vec<Arc<Module>> = Vec::new();
    let mut resolver_of = Vec::new();
    let mut computed = Vec::new();
    let mut absent: BTreeSet<String> = BTreeSet::new();
    // Where modules are loaded by names of which nothing is known.
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut resolvers: Vec<Arc<dyn Resolver>> = Vec::new();
    let mut entries = Vec::new();
    let mut claimed: BTreeSet<FileId> = BTreeSet::new();
    let mut read: BTreeSet<FileId> = BTreeSet::new();
    let mut expressions = 0;
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
        let mut wave: Vec<String> = starts.iter().map(|entry| entry.path.clone()).collect();
        if extent == Extent::Everything {
            wave.extend(own.iter().map(|(_, path)| (*path).to_owned()).filter(|path| !set_aside(path)));
        }
        let mut seen: BTreeSet<String> = wave.iter().cloned().collect();
        // Breadth first: the files of one wave don't depend on each other, and what they import is the next.
        while !wave.is_empty() {
            let known = std::mem::take(&mut wave).into_iter().filter(|path| front_end.claims(path));
            let unread = known.filter_map(|path| Source::of(path, input));
            let sources = unread.filter(|source| read.insert(source.id));
            let sources: Vec<Source> = sources.collect();
            let mut lowering = Lowering::new(front_end.as_ref(), settings, sources);
            while let Some((path, lowered)) = lowering.next(expressions <= MAX_EXPRESSIONS) {
                let Some(lowered) = lowered else {
                    let limit = format!("the files before it have more than {MAX_EXPRESSIONS} expressions in all");
                    report.completeness.files_skipped.push(SkippedFile { path, reason: SkipReason::TooLarge(limit) });
                    continue;
                };
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
                expressions += module.exprs.len();
                let named =
                    requests(&module).into_iter().filter_map(|request| match resolver.resolve(&path, &request) {
                        Resolution::File(target) => Some(target),
                        _ => None,
                    });
                absent.extend(missing(&module, &path, resolver.as_ref()));
                let mut by_chance = computed::files(&module, resolver.as_ref());
                if by_chance.is_empty() && computed::is_asked_for(&module) {
                    let text = |path: &str| Some(Arc::clone(&input.sources.get(input.sources.find(path)?)?.text));
                    by_chance = computed::files_alike(&module, resolver.as_ref(), text);
                    if by_chance.is_empty() {
                        open.insert(path.clone());
                    }
                }
                if by_chance.len() > computed::MAX_FILES {
                    let (all, most) = (by_chance.len(), computed::MAX_FILES);
                    let cut =
                        format!("{path}: of {all} files that it may load by names that it computes, {most} were read");
                    report.completeness.exhausted_budgets.push(cut);
                    by_chance.truncate(most);
                }
                let wanted = named.chain(resolver.parent(&path)).chain(by_chance.iter().cloned());
                wave.extend(wanted.filter(|target| seen.insert(target.clone())).collect::<Vec<_>>());
                computed.push(by_chance);
                modules.push(module);
                resolver_of.push(resolvers.len());
            }
        }
        entries.extend(starts);
        resolvers.push(resolver);
    }
    report.completeness.files_analysed = modules.len();
    report.completeness.notes.extend(told("modules that are not here were not read", &absent));
    report
        .completeness
        .notes
        .extend(told("modules are loaded by names that nothing here tells, and were not read", &open));
    for id in claimed.difference(&read) {
        let Some(file) = input.sources.get(*id) else { continue };
        let reason = input.set_aside.get(id).cloned().unwrap_or(SkipReason::NotImported);
        report.completeness.files_skipped.push(SkippedFile { path: file.path.clone(), reason });
    }
    (!modules.is_empty()).then(|| Program::link(modules, resolvers, resolver_of, &computed, entries))
}

/// Modules of its own that a module imports and that are not there, such as those that a build makes.
fn missing(module: &Module, path: &str, resolver: &dyn Resolver) -> BTreeSet<String> {
    let code = module.imports.iter().filter(|import| !import.type_only);
    let absent = code.filter(|import| matches!(resolver.resolve(path, &import.request), Resolution::Missing));
    absent.map(|import| format!("`{}`, imported by {path}", import.request)).collect()
}

/// What is said of modules that were not read: the first few, and how many.
fn told(why: &str, which: &BTreeSet<String>) -> Option<String> {
    const NAMED: usize = 3;
    let named: Vec<&str> = which.iter().take(NAMED).map(String::as_str).collect();
    let more = which.len().checked_sub(NAMED).filter(|more| *more > 0);
    let more = more.map(|more| format!("; and {more} more")).unwrap_or_default();
    (!named.is_empty()).then(|| format!("{why}: {}{more}", named.join("; ")))
}

/// Most expressions of all files together; each takes some 150 bytes, and a scan has to stay below 1 GiB. Servers have
/// tens of thousands, the largest bundles a million.
const MAX_EXPRESSIONS: usize = 3_500_000;

/// A file to be lowered.
struct Source {
    id: FileId,
    path: String,
    text: Arc<str>,
}

impl Source {
    fn of(path: String, input: &ProjectInput) -> Option<Self> {
        let id = input.sources.find(&path)?;
        let text = Arc::clone(&input.sources.get(id)?.text);
        Some(Self { id, path, text })
    }
}

/// Files of one wave that are smaller than this together are lowered at once; starting a thread takes as long as
/// lowering a page of code. In bytes.
const WORTH_A_THREAD: usize = 48 << 10;
/// Front ends recurse as deep as code nests and leave the worst to stacks of their own. In bytes.
const STACK: usize = 8 << 20;

/// Files of one wave that are lowered before anybody looks whether there is room for more. In bytes.
const PORTION: usize = 6 << 20;

/// The files of a wave with their modules, in order, lowered portion by portion.
struct Lowering<'f> {
    front_end: &'f dyn FrontEnd,
    memory: &'f Memory,
    waiting: VecDeque<Source>,
    ready: VecDeque<(Source, Lowered)>,
    threads: usize,
}

impl<'f> Lowering<'f> {
    fn new(front_end: &'f dyn FrontEnd, settings: &'f Settings, sources: Vec<Source>) -> Self {
        let (memory, threads) = (&settings.memory, settings.threads);
        Self { front_end, memory, waiting: sources.into(), ready: VecDeque::new(), threads }
    }

    /// The path of the next file, and what became of it; nothing does when there is no room.
    fn next(&mut self, has_room: bool) -> Option<(String, Option<Lowered>)> {
        if !has_room {
            let next = self.ready.pop_front().map(|(source, _)| source).or_else(|| self.waiting.pop_front());
            return next.map(|source| (source.path, None));
        }
        if self.ready.is_empty() {
            let mut portion = vec![self.waiting.pop_front()?];
            let mut bytes = portion[0].text.len();
            while let Some(next) = self.waiting.front()
                && bytes + next.text.len() <= PORTION
            {
                bytes += next.text.len();
                portion.extend(self.waiting.pop_front());
            }
            self.ready = lower(self.front_end, self.memory, portion, self.threads).into();
        }
        self.ready.pop_front().map(|(source, lowered)| (source.path, Some(lowered)))
    }
}

/// Lowers files on several threads; the results are in the order of the files, whoever was faster.
fn lower(front_end: &dyn FrontEnd, memory: &Memory, sources: Vec<Source>, threads: usize) -> Vec<(Source, Lowered)> {
    let lower = |source: &Source| memory.lower(front_end, source.id, &source.path, &source.text);
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    let threads = threads.min(sources.len()).min(bytes / WORTH_A_THREAD);
    if threads < 2 {
        let lowered: Vec<Lowered> = sources.iter().map(lower).collect();
        return sources.into_iter().zip(lowered).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<Lowered>> = sources.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        while let Some((source, result)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            sources.get(index).zip(results.get(index))
        } {
            // Each index is handed out once, so nobody has been here.
            let _ = result.set(lower(source));
        }
    };
    std::thread::scope(|scope| {
        let spawn = |_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let helpers: Vec<_> = (1..threads).filter_map(|number| spawn(number).ok()).collect();
        work();
        for helper in helpers {
            if let Err(panic) = helper.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let lowered = results.into_iter().map(|result| result.into_inner().expect("every index was handed out"));
    sources.into_iter().zip(lowered).collect()
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
