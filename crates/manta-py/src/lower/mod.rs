//! Lowering of one file: the syntax tree to the neutral program, in one walk.

mod class;
mod expr;
mod function;
mod imports;
mod matching;
mod stmt;
mod strings;
mod target;
mod types;

use manta_core::{FileId, Span};
use manta_flow::builder::{Builder, FuncParts, VarKey};
use manta_flow::ir::{Export, Expr as Ir, ExprId, FuncId, ImportId, ImportName, Lang, Module, Symbol, Var};
use ruff_python_ast::{PySourceType, Stmt, visitor::Visitor};
use ruff_python_parser::{ParseError, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::names::Names;
use crate::scope::{Collector, Globals, How, Imported};

/// Deepest expression or statement that gets a meaning of its own; everything below depends on nothing.
const MAX_DEPTH: u32 = 200;

/// Lowers a file. The problems say what was left out.
pub(crate) fn module(file: FileId, path: &str, text: &str) -> (Module, Vec<String>) {
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let mut problems = syntax_problems(text, parsed.errors());
    let mut lowerer = Lowerer::new(file, path, text);
    lowerer.open_module(parsed.suite());
    let mut body = Vec::new();
    lowerer.block_into(parsed.suite(), &mut body);
    lowerer.exports();
    if lowerer.too_deep {
        problems.push("partially analysed: an expression is nested too deeply".to_owned());
    }
    let span = Span::new(0, u32::try_from(text.len()).unwrap_or(u32::MAX));
    let doc = stmt::docstring(parsed.suite());
    let module = lowerer.builder.finish(FuncParts { body, span, doc, ..FuncParts::default() });
    (module, problems)
}

/// Parses without lowering; what benchmarks compare a scan with.
pub(crate) fn parse_only(text: &str) {
    std::hint::black_box(parse_unchecked_source(text, PySourceType::Python).suite().len());
}

/// What the parser complained about, as one line for the report.
fn syntax_problems(text: &str, errors: &[ParseError]) -> Vec<String> {
    let Some(first) = errors.first() else { return Vec::new() };
    let offset = first.location.start().to_usize().min(text.len());
    let line = text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1;
    let more = if errors.len() > 1 { format!(" (and {} more)", errors.len() - 1) } else { String::new() };
    if is_python2(text, errors) {
        return vec![format!("partially analysed: Python 2 syntax, first in line {line}{more}")];
    }
    vec![format!("partially analysed: syntax error in line {line}: {}{more}", first.error)]
}

/// Whether a line with an error is one that Python 2 accepts: `print x`, `exec x`, `except A, e`, `raise A, "x"`.
fn is_python2(text: &str, errors: &[ParseError]) -> bool {
    errors.iter().any(|error| {
        let offset = text.floor_char_boundary(error.location.start().to_usize());
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default().trim_start();
        let after = |word: &str| line.strip_prefix(word).filter(|rest| rest.starts_with([' ', '\t']));
        let statement = ["print", "exec"].iter().find_map(|word| after(word));
        let pair = after("except").or_else(|| after("raise"));
        statement.is_some_and(|rest| !rest.trim_start().starts_with(['=', '(', '.', ',']))
            || pair.is_some_and(|rest| rest.contains(',') && !rest.contains('('))
    })
}

/// What a name means in a scope.
#[derive(Clone, Debug)]
enum Binding {
    /// A variable, and its slot in the function of the scope.
    Slot(VarKey, u32),
    Import(ImportId, ImportName),
    Global,
    Nonlocal,
    /// A field of the class being lowered; it gets a variable when the class body reads it.
    Field(Option<VarKey>),
    /// A method of the class being lowered, with its decorators; a variable as for a field.
    Method {
        func: FuncId,
        decorators: Vec<ExprId>,
        key: Option<VarKey>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScopeKind {
    Module,
    Function,
    Class,
    Comprehension,
}

#[derive(Debug)]
struct Scope {
    kind: ScopeKind,
    /// Depth of the function that holds the variables of this scope.
    frame: usize,
    names: FxHashMap<Symbol, Binding>,
    /// Names in order of declaration; exports follow it.
    order: Vec<Symbol>,
}

/// What a name refers to, seen from the place of use.
enum Reference {
    Var(Var),
    Import(ImportId, ImportName),
    /// A method of the class whose body is being lowered, in the frame that creates the class.
    Method(FuncId, Vec<ExprId>),
}

struct Lowerer<'s> {
    builder: Builder,
    source: &'s str,
    names: Names,
    scopes: Vec<Scope>,
    next_key: VarKey,
    /// Modules imported by a dotted name (`import a.b`), so that `a.b` in an expression means that module.
    dotted: FxHashSet<String>,
    /// For each open function, whether it contains `yield`.
    generators: Vec<bool>,
    /// The file contains `:=`.
    walrus: bool,
    depth: u32,
    too_deep: bool,
}

impl<'s> Lowerer<'s> {
    fn new(file: FileId, path: &str, source: &'s str) -> Self {
        Self {
            builder: Builder::new(file, path, Lang::Python),
            source,
            names: Names::default(),
            scopes: Vec::new(),
            next_key: 0,
            dotted: FxHashSet::default(),
            generators: vec![false],
            walrus: source.contains(":="),
            depth: 0,
            too_deep: false,
        }
    }

    fn open_module(&mut self, body: &[Stmt]) {
        let mut collector = Collector::new(&mut self.names, self.walrus);
        collector.body(body);
        let mut bindings = collector.finish();
        if self.source.contains("global ") {
            let mut globals = Globals::default();
            globals.visit_body(body);
            for name in &globals.0 {
                bindings.add(self.names.symbol(name), How::Assigned);
            }
        }
        self.open_scope(ScopeKind::Module, bindings.into_iter());
    }

    /// Opens a scope whose variables live in the innermost function.
    fn open_scope(&mut self, kind: ScopeKind, bindings: impl Iterator<Item = (Symbol, How)>) {
        let frame = self.builder.depth();
        let mut scope = Scope { kind, frame, names: FxHashMap::default(), order: Vec::new() };
        for (name, how) in bindings {
            let binding = match how {
                How::Import(imported) => self.import_binding(&imported),
                How::Global => Binding::Global,
                How::Nonlocal => Binding::Nonlocal,
                How::Assigned => {
                    let key = self.fresh_key();
                    Binding::Slot(key, self.builder.declare(key))
                }
            };
            scope.names.insert(name, binding);
            scope.order.push(name);
        }
        self.scopes.push(scope);
    }

    fn close_scope(&mut self) -> Scope {
        self.scopes.pop().expect("every scope that is closed was opened")
    }

    fn import_binding(&mut self, imported: &Imported) -> Binding {
        let id = self.builder.import(&imported.request, span(imported.range), imported.type_only);
        Binding::Import(id, imported.name)
    }

    fn fresh_key(&mut self) -> VarKey {
        self.next_key += 1;
        self.next_key
    }

    /// Looks a name up by the rules of Python: local, enclosing functions, module; class bodies are only visible to
    /// their own statements.
    fn resolve(&mut self, name: Symbol) -> Reference {
        let innermost = self.scopes.len() - 1;
        let mut at = self.scopes.len();
        let mut module_only = false;
        while at > 0 {
            at -= 1;
            let scope = &self.scopes[at];
            let hidden = match scope.kind {
                ScopeKind::Class => at != innermost || module_only,
                ScopeKind::Module => false,
                _ => module_only,
            };
            if hidden {
                continue;
            }
            match scope.names.get(&name) {
                None | Some(Binding::Nonlocal) => {}
                Some(Binding::Global) => module_only = true,
                Some(_) => return self.reference(at, name),
            }
        }
        Reference::Var(Var::Global(name))
    }

    /// The reference to a name bound in the scope at `at`.
    fn reference(&mut self, at: usize, name: Symbol) -> Reference {
        let (frame, here) = (self.scopes[at].frame, self.builder.depth());
        let next = self.next_key + 1;
        let key = match self.scopes[at].names.get_mut(&name) {
            Some(Binding::Slot(_, slot)) if frame == here => return Reference::Var(Var::Local(*slot)),
            Some(Binding::Slot(key, _)) => *key,
            Some(Binding::Import(id, imported)) => return Reference::Import(*id, *imported),
            Some(Binding::Method { func, decorators, .. }) if frame == here => {
                return Reference::Method(*func, decorators.clone());
            }
            Some(Binding::Field(key) | Binding::Method { key, .. }) => *key.get_or_insert_with(|| {
                self.next_key = next;
                next
            }),
            Some(Binding::Global | Binding::Nonlocal) | None => return Reference::Var(Var::Global(name)),
        };
        Reference::Var(self.builder.var_at(key, frame))
    }

    /// The variable that an assignment to `name` in the current scope sets. `:=` skips comprehensions.
    fn assigned(&mut self, name: Symbol, walrus: bool) -> Var {
        let at = self.scopes.iter().rposition(|scope| !(walrus && scope.kind == ScopeKind::Comprehension));
        let at = at.unwrap_or(0);
        let declared = !matches!(self.scopes[at].names.get(&name), None | Some(Binding::Import(..)));
        if !declared {
            let key = self.fresh_key();
            let slot = self.builder.declare_at(key, self.scopes[at].frame);
            self.scopes[at].names.insert(name, Binding::Slot(key, slot));
            self.scopes[at].order.push(name);
        }
        if matches!(self.scopes[at].names.get(&name), Some(Binding::Slot(..))) {
            return match self.reference(at, name) {
                Reference::Var(var) => var,
                _ => Var::Global(name),
            };
        }
        match self.resolve(name) {
            Reference::Var(var) => var,
            _ => Var::Global(name),
        }
    }

    /// What importers of this file see.
    fn exports(&mut self) {
        let module = &self.scopes[0];
        for &name in &module.order {
            match module.names.get(&name) {
                Some(Binding::Slot(_, slot)) => self.builder.export(Export::Local { name, slot: *slot }),
                Some(Binding::Import(import, imported)) => {
                    self.builder.export(Export::From { name, import: *import, imported: *imported });
                }
                _ => {}
            }
        }
    }

    fn expr(&mut self, expr: Ir, range: TextRange) -> ExprId {
        self.builder.expr(expr, span(range))
    }

    fn global(&mut self, name: &str, range: TextRange) -> ExprId {
        let name = self.names.symbol(name);
        self.expr(Ir::Var(Var::Global(name)), range)
    }

    /// Runs `work` one level deeper, unless that is too deep.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.too_deep = true;
            return None;
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        Some(result)
    }
}

fn span(range: TextRange) -> Span {
    Span::new(range.start().to_u32(), range.end().to_u32())
}

fn span_of(node: &impl Ranged) -> Span {
    span(node.range())
}
