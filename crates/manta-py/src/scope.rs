//! Which names a scope binds, and how, found before the scope is lowered.
//!
//! Python decides at compile time whether a name is local: any binding anywhere in a function makes it so. One pass
//! over the statements of a scope (not of the functions nested in it) answers that. A name that only imports bind
//! stays a live reference to the import; any other binding makes it a variable.

use manta_flow::ir::{ImportName, Symbol};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, Parameters, Pattern, Stmt, StmtIf, StmtImport, StmtImportFrom,
};
use ruff_text_size::TextRange;
use rustc_hash::FxHashMap;

use crate::names::Names;

/// How a scope binds a name.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// Only by imports of the same thing.
    Import(Imported),
    /// By assignment, definition, loop, several imports, …
    Assigned,
    /// `global name`.
    Global,
    /// `nonlocal name`.
    Nonlocal,
}

/// What an import statement binds a name to.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    /// Module as written, with the leading dots of a relative import.
    pub(crate) request: String,
    /// The module itself or a name in it.
    pub(crate) name: ImportName,
    /// Written under `if TYPE_CHECKING`.
    pub(crate) type_only: bool,
    /// Where it is written.
    pub(crate) range: TextRange,
}

impl Imported {
    fn same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.request == other.request
    }
}

/// The bindings of one scope, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    order: Vec<Symbol>,
    how: FxHashMap<Symbol, How>,
}

impl Bindings {
    /// Records one binding and merges it with what is known of the name.
    pub(crate) fn add(&mut self, name: Symbol, new: How) {
        let Some(old) = self.how.get_mut(&name) else {
            self.order.push(name);
            self.how.insert(name, new);
            return;
        };
        *old = match (&*old, new) {
            (How::Global, _) | (_, How::Global) => How::Global,
            (How::Nonlocal, _) | (_, How::Nonlocal) => How::Nonlocal,
            (How::Import(a), How::Import(b)) if a.type_only != b.type_only => {
                How::Import(if a.type_only { b } else { a.clone() })
            }
            (How::Import(a), How::Import(b)) if a.same_as(&b) => How::Import(b),
            _ => How::Assigned,
        };
    }

    /// Names and how they are bound, in order of first appearance.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (Symbol, How)> {
        let Self { order, mut how } = self;
        order.into_iter().filter_map(move |name| how.remove(&name).map(|how| (name, how)))
    }
}

/// Collects the bindings of one scope.
pub(crate) struct Collector<'n> {
    names: &'n mut Names,
    bindings: Bindings,
    type_only: bool,
    /// Whether expressions must be searched for `:=` at all.
    walrus: bool,
}

impl<'n> Collector<'n> {
    /// `walrus` says whether the file contains `:=`; if not, expressions are not visited.
    pub(crate) fn new(names: &'n mut Names, walrus: bool) -> Self {
        Self { names, bindings: Bindings::default(), type_only: false, walrus }
    }

    /// Parameters are the first bindings of a function.
    pub(crate) fn parameters(&mut self, parameters: &Parameters) {
        for parameter in parameters {
            self.assigned(parameter.name());
        }
    }

    /// Statements of the scope.
    pub(crate) fn body(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.visit_stmt(stmt);
        }
    }

    /// The target of an assignment, loop or comprehension.
    pub(crate) fn target(&mut self, target: &Expr) {
        match target {
            Expr::Name(name) => self.assigned(&name.id),
            Expr::Starred(starred) => self.target(&starred.value),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.target(item)),
            Expr::List(list) => list.elts.iter().for_each(|item| self.target(item)),
            other => self.walrus_in(other),
        }
    }

    /// The body of a lambda.
    pub(crate) fn value(&mut self, value: &Expr) {
        self.walrus_in(value);
    }

    /// What was found.
    pub(crate) fn finish(self) -> Bindings {
        self.bindings
    }

    fn assigned(&mut self, name: &str) {
        let name = self.names.symbol(name);
        self.bindings.add(name, How::Assigned);
    }

    fn walrus_in(&mut self, expr: &Expr) {
        if self.walrus {
            self.visit_expr(expr);
        }
    }

    fn imports(&mut self, import: &StmtImport) {
        for alias in &import.names {
            let (bound, request) = match &alias.asname {
                Some(asname) => (asname.as_str(), alias.name.as_str()),
                None => {
                    let root = alias.name.split('.').next().unwrap_or_default();
                    (root, root)
                }
            };
            self.import(bound, request.to_owned(), ImportName::Namespace, alias.range);
        }
    }

    fn imports_from(&mut self, import: &StmtImportFrom) {
        let Some(request) = from_request(import) else { return };
        for alias in import.names.iter().filter(|alias| alias.name.as_str() != "*") {
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            let name = ImportName::Named(self.names.symbol(&alias.name));
            self.import(bound, request.clone(), name, alias.range);
        }
    }

    fn import(&mut self, bound: &str, request: String, name: ImportName, range: TextRange) {
        let bound = self.names.symbol(bound);
        self.bindings.add(bound, How::Import(Imported { request, name, type_only: self.type_only, range }));
    }

    /// Under `if TYPE_CHECKING` only the imports exist for us.
    fn type_checking(&mut self, branch: &StmtIf) {
        let outer = std::mem::replace(&mut self.type_only, true);
        for stmt in &branch.body {
            match stmt {
                Stmt::Import(import) => self.imports(import),
                Stmt::ImportFrom(import) => self.imports_from(import),
                _ => {}
            }
        }
        self.type_only = outer;
        for clause in &branch.elif_else_clauses {
            self.body(&clause.body);
        }
    }
}

impl<'a> Visitor<'a> for Collector<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => self.assigned(&def.name),
            Stmt::ClassDef(def) => self.assigned(&def.name),
            Stmt::Import(import) => self.imports(import),
            Stmt::ImportFrom(import) => self.imports_from(import),
            Stmt::Global(global) => {
                for name in &global.names {
                    let name = self.names.symbol(name);
                    self.bindings.add(name, How::Global);
                }
            }
            Stmt::Nonlocal(nonlocal) => {
                for name in &nonlocal.names {
                    let name = self.names.symbol(name);
                    self.bindings.add(name, How::Nonlocal);
                }
            }
            Stmt::If(branch) if is_type_checking(&branch.test) => self.type_checking(branch),
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.target(target));
                self.walrus_in(&assign.value);
            }
            Stmt::AugAssign(assign) => {
                self.target(&assign.target);
                self.walrus_in(&assign.value);
            }
            Stmt::AnnAssign(assign) => {
                self.target(&assign.target);
                if let Some(value) = &assign.value {
                    self.walrus_in(value);
                }
            }
            Stmt::TypeAlias(alias) => self.target(&alias.name),
            Stmt::Delete(delete) => delete.targets.iter().for_each(|target| self.target(target)),
            Stmt::For(each) => {
                self.target(&each.target);
                self.walrus_in(&each.iter);
                self.body(&each.body);
                self.body(&each.orelse);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    self.walrus_in(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.target(target);
                    }
                }
                self.body(&with.body);
            }
            other => walk_stmt(self, other),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(handler) = handler;
        if let Some(name) = &handler.name {
            self.assigned(name);
        }
        self.body(&handler.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::MatchAs(capture) => capture.name.iter().for_each(|name| self.assigned(name)),
            Pattern::MatchStar(star) => star.name.iter().for_each(|name| self.assigned(name)),
            Pattern::MatchMapping(mapping) => mapping.rest.iter().for_each(|name| self.assigned(name)),
            _ => {}
        }
        walk_pattern(self, pattern);
    }

    /// Only `:=` binds in an expression; it also does so out of a comprehension, but not out of a lambda.
    fn visit_expr(&mut self, expr: &'a Expr) {
        if !self.walrus {
            return;
        }
        match expr {
            Expr::Lambda(_) => {}
            Expr::Named(named) => {
                self.target(&named.target);
                self.visit_expr(&named.value);
            }
            other => walk_expr(self, other),
        }
    }

    /// Targets of a comprehension are its own.
    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.visit_expr(&comprehension.iter);
        comprehension.ifs.iter().for_each(|test| self.visit_expr(test));
    }
}

/// Names that any function of the file declares `global`: variables of the module even if it never assigns them.
#[derive(Debug, Default)]
pub(crate) struct Globals(pub(crate) Vec<String>);

impl<'a> Visitor<'a> for Globals {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::Global(global) = stmt {
            self.0.extend(global.names.iter().map(|name| name.to_string()));
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// `..pkg.mod` of `from ..pkg.mod import x`; none for `__future__` and for what the parser had to make up.
pub(crate) fn from_request(import: &StmtImportFrom) -> Option<String> {
    let module = import.module.as_ref().map_or("", |module| module.as_str());
    let dots = usize::try_from(import.level).ok().filter(|level| *level <= 64)?;
    if module == "__future__" || (module.is_empty() && dots == 0) {
        return None;
    }
    Some(format!("{}{module}", ".".repeat(dots)))
}

/// `TYPE_CHECKING` or `typing.TYPE_CHECKING`.
pub(crate) fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}
