//! Import statements.

use manta_core::Span;
use manta_flow::ir::{Block, Export, Expr as Ir, ExprId, ImportId, ImportName, Pat, Stmt, StmtKind, Symbol};
use ruff_python_ast::{Alias, Expr, ExprAttribute, ExprCall, Stmt as PyStmt, StmtIf, StmtImport, StmtImportFrom};
use ruff_text_size::Ranged;

use super::{Binding, Lowerer, Reference, span_of};
use crate::scope::from_request;

impl Lowerer<'_> {
    /// `import a.b.c`, `import a.b as c`.
    pub(super) fn import(&mut self, import: &StmtImport, type_only: bool, out: &mut Block) {
        for alias in &import.names {
            if let Some((name, id)) = self.import_module(alias, type_only, out) {
                let name = self.names.symbol(name);
                self.bind_import(name, id, ImportName::Namespace, alias, type_only, out);
            }
        }
    }

    /// Imports the packages on the way and the module; returns the bound name and the import it stands for.
    fn import_module<'a>(&mut self, alias: &'a Alias, type_only: bool, out: &mut Block) -> Option<(&'a str, ImportId)> {
        let (path, span) = (alias.name.as_str(), span_of(alias));
        if path.is_empty() {
            return None;
        }
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        let (mut first, mut last) = (None, None);
        for end in ends.take(64) {
            let id = self.builder.import(&path[..end], span, type_only);
            first.get_or_insert(id);
            last = Some(id);
            if end < path.len() || path.contains('.') {
                self.dotted.insert(path[..end].to_owned());
            }
            effect(id, span, type_only, out);
        }
        match &alias.asname {
            Some(asname) => Some((asname.as_str(), last?)),
            None => Some((path.split('.').next()?, first?)),
        }
    }

    /// `from a import b as c`, `from a import *`.
    pub(super) fn import_from(&mut self, import: &StmtImportFrom, type_only: bool, out: &mut Block) {
        let Some(request) = from_request(import) else { return };
        let span = span_of(import);
        let id = self.builder.import(&request, span, type_only);
        effect(id, span, type_only, out);
        for alias in &import.names {
            if alias.name.as_str() == "*" {
                self.builder.export(Export::Star { import: id });
                out.push(Stmt { kind: StmtKind::ImportStar(id), span });
                continue;
            }
            let name = self.names.symbol(alias.asname.as_ref().unwrap_or(&alias.name));
            let imported = ImportName::Named(self.names.symbol(&alias.name));
            self.bind_import(name, id, imported, alias, type_only, out);
        }
    }

    /// A name bound by imports alone needs no variable; any other is assigned here.
    fn bind_import(
        &mut self,
        name: Symbol,
        id: ImportId,
        imported: ImportName,
        alias: &Alias,
        type_only: bool,
        out: &mut Block,
    ) {
        let scope = self.scopes.last().and_then(|scope| scope.names.get(&name));
        if type_only {
            return;
        }
        let live = matches!(scope, Some(Binding::Import(..)));
        // `from package import module` runs the module even if the name is never used; classes are no modules.
        let maybe_module =
            matches!(imported, ImportName::Named(name) if !name.as_str().starts_with(char::is_uppercase));
        if live && !maybe_module {
            return;
        }
        let value = self.expr(Ir::Import(id, imported), alias.range());
        let kind = if live {
            StmtKind::Expr(value)
        } else {
            StmtKind::Let { pat: Pat::Var(self.assigned(name, false)), value: Some(value) }
        };
        out.push(Stmt { kind, span: span_of(alias) });
    }

    /// `if TYPE_CHECKING:` never runs; its imports are known to annotations.
    pub(super) fn type_checking(&mut self, branch: &StmtIf, out: &mut Block) {
        for stmt in &branch.body {
            match stmt {
                PyStmt::Import(import) => self.import(import, true, out),
                PyStmt::ImportFrom(import) => self.import_from(import, true, out),
                _ => {}
            }
        }
    }

    /// `a.b.c` where `import a.b` is in the file: the module `a.b`, and `c` of it.
    pub(super) fn dotted_module(&mut self, attribute: &ExprAttribute) -> Option<ExprId> {
        if self.dotted.is_empty() {
            return None;
        }
        let mut names = vec![attribute];
        let root = loop {
            match &*names.last()?.value {
                Expr::Attribute(inner) if names.len() < 32 => names.push(inner),
                Expr::Name(root) => break root,
                _ => return None,
            }
        };
        let root = self.names.symbol(&root.id);
        let Reference::Import(id, ImportName::Namespace) = self.resolve(root) else { return None };
        let mut path = self.builder.import_request(id).to_owned();
        let mut known = None;
        for (used, name) in names.iter().rev().enumerate() {
            path.push('.');
            path.push_str(&name.attr);
            if self.dotted.contains(&path) {
                known = Some((used + 1, path.clone()));
            }
        }
        let (used, module) = known?;
        let depth = names.len() - used;
        let id = self.builder.import(&module, span_of(attribute), false);
        let mut value = self.expr(Ir::Import(id, ImportName::Namespace), names[depth].range());
        for name in names[..depth].iter().rev() {
            let field = self.names.symbol(&name.attr);
            value = self.expr(Ir::Member { object: value, name: field, optional: false }, name.range());
        }
        Some(value)
    }

    /// `importlib.import_module("a.b")` and `__import__("a")` with a literal name are plain imports. The built-in gives the
    /// first part of a dotted name, unless it is told what will be asked of the last.
    pub(super) fn import_call(&mut self, call: &ExprCall) -> Option<ExprId> {
        let (full, callee) = match &*call.func {
            Expr::Name(name) => (name.id.as_str() == "import_module", name.id.as_str()),
            Expr::Attribute(attribute) => (true, attribute.attr.as_str()),
            _ => return None,
        };
        if !matches!(callee, "import_module" | "__import__") {
            return None;
        }
        let Expr::StringLiteral(name) = call.arguments.args.first()? else { return None };
        let path = name.value.to_str();
        let names_last = call.arguments.args.len() > 3
            || call.arguments.keywords.iter().any(|given| given.arg.as_ref().is_some_and(|name| name == "fromlist"));
        let request = if full || names_last { path } else { path.split('.').next().unwrap_or_default() };
        if request.is_empty() {
            return None;
        }
        let id = self.builder.import(request, span_of(call), false);
        Some(self.expr(Ir::Import(id, ImportName::Namespace), call.range()))
    }
}

fn effect(id: ImportId, span: Span, type_only: bool, out: &mut Block) {
    if !type_only {
        out.push(Stmt { kind: StmtKind::ImportEffect(id), span });
    }
}
