//! Statements.

use std::sync::Arc;

use manta_core::Span;
use manta_flow::ir::{Block, Expr as Ir, ExprId, Handler, Pat, Stmt, StmtKind, UnaryOp, Var};
use ruff_python_ast::{
    ElifElseClause, ExceptHandler, Expr, Stmt as PyStmt, StmtAssign, StmtAugAssign, StmtFor, StmtIf, StmtTry,
    StmtWhile, StmtWith, WithItem,
};
use ruff_text_size::Ranged;

use super::{Lowerer, span_of};
use crate::scope::is_type_checking;

impl Lowerer<'_> {
    pub(super) fn block(&mut self, body: &[PyStmt]) -> Block {
        let mut out = Block::with_capacity(body.len());
        self.block_into(body, &mut out);
        out
    }

    pub(super) fn block_into(&mut self, body: &[PyStmt], out: &mut Block) {
        for stmt in body {
            self.stmt(stmt, out);
        }
    }

    pub(super) fn stmt(&mut self, stmt: &PyStmt, out: &mut Block) {
        self.deeper(|this| this.stmt_inner(stmt, out));
    }

    fn stmt_inner(&mut self, stmt: &PyStmt, out: &mut Block) {
        let kind = match stmt {
            PyStmt::FunctionDef(def) => {
                let decorators = self.decorators(&def.decorator_list);
                let func = self.function(def);
                let function = self.expr(Ir::Func(func), def.range());
                let value = self.decorated(function, &decorators);
                self.let_name(&def.name, value)
            }
            PyStmt::ClassDef(def) => {
                let value = self.class(def);
                self.let_name(&def.name, value)
            }
            PyStmt::Return(result) => StmtKind::Return(result.value.as_ref().map(|value| self.value(value))),
            PyStmt::Delete(delete) => {
                delete.targets.iter().for_each(|target| self.delete(target, out));
                return;
            }
            PyStmt::TypeAlias(alias) => {
                let value = Some(self.annotation(&alias.value));
                StmtKind::Let { pat: self.target(&alias.name), value }
            }
            PyStmt::Assign(assign) => return self.assign(assign, out),
            PyStmt::AugAssign(assign) => StmtKind::Expr(self.aug_assign(assign)),
            PyStmt::AnnAssign(assign) => {
                let Some(value) = &assign.value else { return };
                let value = Some(self.value(value));
                StmtKind::Let { pat: self.target(&assign.target), value }
            }
            PyStmt::For(each) => self.for_each(each),
            PyStmt::While(each) => self.while_loop(each),
            PyStmt::If(branch) if is_type_checking(&branch.test) => {
                self.type_checking(branch, out);
                let otherwise = self.otherwise(&branch.elif_else_clauses);
                out.extend(otherwise);
                return;
            }
            PyStmt::If(branch) => self.branch(branch),
            PyStmt::With(with) => self.with(with),
            PyStmt::Match(matching) => return self.matching(matching, out),
            PyStmt::Raise(raise) => StmtKind::Throw(raise.exc.as_ref().map(|value| self.value(value))),
            PyStmt::Try(attempt) => self.attempt(attempt),
            PyStmt::Assert(assert) => StmtKind::Assert(self.value(&assert.test)),
            PyStmt::Import(import) => return self.import(import, false, out),
            PyStmt::ImportFrom(import) => return self.import_from(import, false, out),
            PyStmt::Expr(expr) => match &*expr.value {
                Expr::StringLiteral(_) | Expr::EllipsisLiteral(_) => return,
                value => StmtKind::Expr(self.value(value)),
            },
            PyStmt::Break(_) => StmtKind::Break(None),
            PyStmt::Continue(_) => StmtKind::Continue(None),
            PyStmt::Global(_) | PyStmt::Nonlocal(_) | PyStmt::Pass(_) | PyStmt::IpyEscapeCommand(_) => return,
        };
        out.push(Stmt { kind, span: span_of(stmt) });
    }

    fn let_name(&mut self, name: &str, value: ExprId) -> StmtKind {
        let name = self.names.symbol(name);
        StmtKind::Let { pat: Pat::Var(self.assigned(name, false)), value: Some(value) }
    }

    fn delete(&mut self, target: &Expr, out: &mut Block) {
        let kind = match target {
            Expr::Name(_) => StmtKind::Let { pat: self.target(target), value: None },
            Expr::Tuple(tuple) => return tuple.elts.iter().for_each(|target| self.delete_inner(target, out)),
            Expr::List(list) => return list.elts.iter().for_each(|target| self.delete_inner(target, out)),
            other => {
                let value = self.value(other);
                StmtKind::Expr(self.expr(Ir::Unary(UnaryOp::Delete, value), other.range()))
            }
        };
        out.push(Stmt { kind, span: span_of(target) });
    }

    fn delete_inner(&mut self, target: &Expr, out: &mut Block) {
        self.deeper(|this| this.delete(target, out));
    }

    /// `a = b = value` evaluates the value once and assigns from left to right.
    fn assign(&mut self, assign: &StmtAssign, out: &mut Block) {
        let (value, span) = (self.value(&assign.value), span_of(assign));
        let Some((first, more)) = assign.targets.split_first() else { return };
        let mut pat = self.target(first);
        let shared = match (&pat, more.is_empty()) {
            (_, true) => None,
            (Pat::Var(var), false) => Some(*var),
            (_, false) => {
                let temp = Var::Local(self.builder.temp());
                out.push(Stmt { kind: StmtKind::Let { pat: Pat::Var(temp), value: Some(value) }, span });
                Some(temp)
            }
        };
        let mut source = match (&pat, shared) {
            (Pat::Var(_), _) | (_, None) => value,
            (_, Some(temp)) => self.expr(Ir::Var(temp), assign.value.range()),
        };
        let mut rest = more.iter();
        loop {
            out.push(Stmt { kind: StmtKind::Let { pat, value: Some(source) }, span });
            let (Some(next), Some(var)) = (rest.next(), shared) else { return };
            source = self.expr(Ir::Var(var), assign.value.range());
            pat = self.target(next);
        }
    }

    fn aug_assign(&mut self, assign: &StmtAugAssign) -> ExprId {
        let current = self.value(&assign.target);
        let value = self.value(&assign.value);
        let target = Box::new(self.target(&assign.target));
        match super::expr::binary_op(assign.op) {
            Some(op) => self.expr(Ir::AugAssign { op, target, current, value }, assign.range()),
            None => {
                let value = self.expr(Ir::Opaque(vec![current, value]), assign.range());
                self.expr(Ir::Assign { target, value }, assign.range())
            }
        }
    }

    fn for_each(&mut self, each: &StmtFor) -> StmtKind {
        let iter = self.value(&each.iter);
        let pat = self.target(&each.target);
        let body = self.block(&each.body);
        let otherwise = self.block(&each.orelse);
        StmtKind::ForEach { pat, iter, keys: false, body, otherwise, fresh: Vec::new() }
    }

    fn while_loop(&mut self, each: &StmtWhile) -> StmtKind {
        let forever = matches!(&*each.test, Expr::BooleanLiteral(literal) if literal.value);
        let test = if forever { None } else { Some(self.value(&each.test)) };
        let body = self.block(&each.body);
        let otherwise = self.block(&each.orelse);
        StmtKind::While { test, body, update: None, test_first: true, otherwise, fresh: Vec::new() }
    }

    fn branch(&mut self, branch: &StmtIf) -> StmtKind {
        let test = self.value(&branch.test);
        let then = self.block(&branch.body);
        StmtKind::If { test, then, otherwise: self.otherwise(&branch.elif_else_clauses) }
    }

    /// `elif` nests in the `else` of what precedes it.
    fn otherwise(&mut self, clauses: &[ElifElseClause]) -> Block {
        let lowered = self.alternatives(clauses, |this, clause| {
            let test = clause.test.as_ref().map(|test| this.value(test));
            (test, this.block(&clause.body), span_of(clause))
        });
        chain(lowered)
    }

    /// Lowers alternatives that nest in each other, each at the depth it will have.
    pub(super) fn alternatives<T>(
        &mut self,
        alternatives: &[T],
        mut lower: impl FnMut(&mut Self, &T) -> Alternative,
    ) -> Vec<Alternative> {
        let depth = self.depth;
        let mut lowered = Vec::with_capacity(alternatives.len());
        for (at, alternative) in alternatives.iter().enumerate() {
            lowered.push(lower(self, alternative));
            self.depth += u32::from(at < LONG_CHAIN);
        }
        self.depth = depth;
        lowered
    }

    /// `with contextlib.suppress(E):` is a `try` that ignores `E`; any other manager is entered.
    fn with(&mut self, with: &StmtWith) -> StmtKind {
        let mut block = Block::new();
        let mut suppressed = Vec::new();
        for item in &with.items {
            match suppressed_types(item) {
                Some(types) => suppressed.extend(types.iter().map(|kind| self.value(kind))),
                None => self.enter(item, &mut block),
            }
        }
        self.block_into(&with.body, &mut block);
        if suppressed.is_empty() {
            return StmtKind::Block(block);
        }
        let handlers = vec![Handler { types: suppressed, pat: None, body: Block::new() }];
        StmtKind::Try { body: block, handlers, otherwise: Block::new(), finally: Block::new() }
    }

    fn enter(&mut self, item: &WithItem, out: &mut Block) {
        let manager = self.value(&item.context_expr);
        let value = self.expr(Ir::Enter(manager), item.context_expr.range());
        let kind = match &item.optional_vars {
            Some(target) => StmtKind::Let { pat: self.target(target), value: Some(value) },
            None => StmtKind::Expr(value),
        };
        out.push(Stmt { kind, span: span_of(item) });
    }

    fn attempt(&mut self, attempt: &StmtTry) -> StmtKind {
        let body = self.block(&attempt.body);
        let mut handlers = Vec::with_capacity(attempt.handlers.len());
        for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            let types = match handler.type_.as_deref() {
                None => Vec::new(),
                Some(Expr::Tuple(tuple)) => tuple.elts.iter().map(|kind| self.value(kind)).collect(),
                Some(kind) => vec![self.value(kind)],
            };
            let pat = handler.name.as_ref().map(|name| {
                let name = self.names.symbol(name);
                Pat::Var(self.assigned(name, false))
            });
            handlers.push(Handler { types, pat, body: self.block(&handler.body) });
        }
        let otherwise = self.block(&attempt.orelse);
        let finally = self.block(&attempt.finalbody);
        StmtKind::Try { body, handlers, otherwise, finally }
    }
}

/// A condition (none for `else`), what it guards, and where both are.
pub(super) type Alternative = (Option<ExprId>, Block, Span);

/// Alternatives in a row that exclude each other by nesting. What follows them is tested as if none of it had
/// matched before, which only adds ways through the program.
const LONG_CHAIN: usize = 100;

/// `if … else if … else …`.
pub(super) fn chain(mut alternatives: Vec<Alternative>) -> Block {
    let many = alternatives.split_off(alternatives.len().min(LONG_CHAIN));
    let mut rest = Block::new();
    for (test, then, span) in many {
        match test {
            Some(test) => rest.push(Stmt { kind: StmtKind::If { test, then, otherwise: Block::new() }, span }),
            None => rest.extend(then),
        }
    }
    alternatives.into_iter().rev().fold(rest, |otherwise, (test, then, span)| match test {
        Some(test) => vec![Stmt { kind: StmtKind::If { test, then, otherwise }, span }],
        None => then,
    })
}

/// The exception types of `contextlib.suppress(…)`.
fn suppressed_types(item: &WithItem) -> Option<&[Expr]> {
    let Expr::Call(call) = &item.context_expr else { return None };
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return None,
    };
    let plain = call.arguments.args.iter().all(|arg| !matches!(arg, Expr::Starred(_)));
    (name == "suppress" && plain && !call.arguments.args.is_empty()).then_some(&*call.arguments.args)
}

/// The string that documents a module, class or function.
pub(super) fn docstring(body: &[PyStmt]) -> Option<Arc<str>> {
    match body.first() {
        Some(PyStmt::Expr(expr)) => match &*expr.value {
            Expr::StringLiteral(string) => Some(Arc::from(string.value.to_str())),
            _ => None,
        },
        _ => None,
    }
}
