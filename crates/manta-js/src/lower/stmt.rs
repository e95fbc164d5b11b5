//! Statements.

use manta_flow::ir::{Block, Expr, ExprId, Handler, Pat, Stmt, StmtKind};
use oxc_ast::ast::{
    Declaration, ExportDefaultDeclarationKind, Expression, ForStatement, ForStatementInit, ForStatementLeft, Function,
    IfStatement, ModuleDeclaration, Statement, SwitchStatement, TryStatement, VariableDeclaration,
    VariableDeclarationKind, VariableDeclarator,
};
use oxc_span::GetSpan;

use super::{Lowerer, stmt};

impl<'a> Lowerer<'a> {
    /// Statements of one block; function declarations come first.
    pub(super) fn block(&mut self, statements: &[Statement<'a>]) -> Block {
        let mut out = Vec::with_capacity(statements.len());
        self.statements(statements, &mut out);
        out
    }

    pub(super) fn statements(&mut self, statements: &[Statement<'a>], out: &mut Block) {
        for statement in statements {
            self.hoist(statement, out);
        }
        for statement in statements {
            self.statement(statement, out);
        }
    }

    /// Emits function declarations ahead of the block.
    fn hoist(&mut self, statement: &Statement<'a>, out: &mut Block) {
        match statement {
            Statement::FunctionDeclaration(function) => self.function_declaration(function, function.span.start, out),
            Statement::ExportDeclaration(export) => {
                if let Declaration::FunctionDeclaration(function) = &export.declaration {
                    self.function_declaration(function, export.span.start, out);
                }
            }
            Statement::ExportDefaultDeclaration(export) => {
                if let ExportDefaultDeclarationKind::FunctionDeclaration(function) = &export.declaration {
                    self.export_default_function(function, export.span.start, out);
                }
            }
            _ => {}
        }
    }

    pub(super) fn function_declaration(&mut self, function: &Function<'a>, start: u32, out: &mut Block) {
        let Some(id) = function.id.as_ref().filter(|_| function.body.is_some() && !function.declare) else { return };
        let doc = self.docs.before(start);
        let pat = self.declared(id);
        let func = self.function(function, None, doc);
        let value = self.add(Expr::Func(func), function.span);
        out.push(stmt(StmtKind::Let { pat, value: Some(value) }, function.span));
    }

    /// A statement in a list.
    pub(super) fn statement(&mut self, statement: &Statement<'a>, out: &mut Block) {
        let at = statement.span();
        if self.depth >= super::MAX_DEPTH {
            self.too_deep.get_or_insert(super::span(at));
            return;
        }
        self.depth += 1;
        self.statement_inner(statement, at, out);
        self.depth -= 1;
    }

    fn statement_inner(&mut self, statement: &Statement<'a>, at: oxc_span::Span, out: &mut Block) {
        match statement {
            Statement::BlockStatement(block) => {
                let body = self.block(&block.body);
                out.push(stmt(StmtKind::Block(body), at));
            }
            Statement::BreakStatement(jump) => {
                let label = jump.label.as_ref().map(|label| self.name(label.name));
                out.push(stmt(StmtKind::Break(label), at));
            }
            Statement::ContinueStatement(jump) => {
                let label = jump.label.as_ref().map(|label| self.name(label.name));
                out.push(stmt(StmtKind::Continue(label), at));
            }
            Statement::DebuggerStatement(_) | Statement::EmptyStatement(_) => {}
            Statement::ExpressionStatement(statement) => {
                let value = self.expr(&statement.expression);
                out.push(stmt(StmtKind::Expr(value), at));
            }
            Statement::IfStatement(statement) => self.if_statement(statement, at, out),
            Statement::ReturnStatement(statement) => {
                let value = statement.argument.as_ref().map(|value| self.expr(value));
                out.push(stmt(StmtKind::Return(value), at));
            }
            Statement::ThrowStatement(statement) => {
                let value = self.expr(&statement.argument);
                out.push(stmt(StmtKind::Throw(Some(value)), at));
            }
            Statement::SwitchStatement(statement) => self.switch(statement, out),
            Statement::TryStatement(statement) => self.try_statement(statement, out),
            Statement::LabeledStatement(labeled) => {
                let label = self.name(labeled.label.name);
                let body = self.branch(&labeled.body);
                out.push(stmt(StmtKind::Labeled(label, body), at));
            }
            Statement::WithStatement(with) => {
                let object = self.expr(&with.object);
                out.push(stmt(StmtKind::Expr(object), at));
                let body = self.branch(&with.body);
                out.push(stmt(StmtKind::Block(body), at));
            }
            Statement::ForStatement(_)
            | Statement::ForInStatement(_)
            | Statement::ForOfStatement(_)
            | Statement::WhileStatement(_)
            | Statement::DoWhileStatement(_) => self.loop_statement(statement, at, out),
            other => {
                if let Some(declaration) = other.as_declaration() {
                    self.declaration(declaration, out);
                } else if let Some(declaration) = other.as_module_declaration() {
                    self.module_declaration(declaration, out);
                }
            }
        }
    }

    /// A declaration whose hoisted part has been emitted.
    pub(super) fn declaration(&mut self, declaration: &Declaration<'a>, out: &mut Block) {
        match declaration {
            Declaration::VariableDeclaration(variables) => self.variables(variables, out),
            Declaration::FunctionDeclaration(_) => {}
            Declaration::ClassDeclaration(class) if !class.declare => self.class_declaration(class, None, out),
            Declaration::TSEnumDeclaration(declaration) if !declaration.declare => {
                self.enum_declaration(declaration, out);
            }
            Declaration::TSNamespaceDeclaration(namespace) if !namespace.declare => self.namespace(namespace, out),
            Declaration::TSImportEqualsDeclaration(import) => self.import_equals(import, out),
            _ => {}
        }
    }

    fn module_declaration(&mut self, declaration: &ModuleDeclaration<'a>, out: &mut Block) {
        match declaration {
            ModuleDeclaration::ImportDeclaration(import) => self.import_effect(import, out),
            ModuleDeclaration::ExportDeclaration(export) => {
                self.declaration(&export.declaration, out);
                self.export_declaration(&export.declaration);
            }
            ModuleDeclaration::ExportDefaultDeclaration(export) => self.export_default(export, out),
            ModuleDeclaration::ExportNamedDeclaration(export) => self.export_named(export),
            ModuleDeclaration::ExportFromDeclaration(export) => self.export_from(export),
            ModuleDeclaration::ExportAllDeclaration(export) => self.export_all(export),
            ModuleDeclaration::TSExportAssignment(export) => self.export_assignment(export, out),
            ModuleDeclaration::TSNamespaceExportDeclaration(_) => {}
        }
    }

    fn variables(&mut self, variables: &VariableDeclaration<'a>, out: &mut Block) {
        if variables.declare {
            return;
        }
        for declarator in &variables.declarations {
            self.declarator(variables.kind, declarator, out);
        }
    }

    fn declarator(&mut self, kind: VariableDeclarationKind, declarator: &VariableDeclarator<'a>, out: &mut Block) {
        let name = self.pattern_name(&declarator.id);
        let value = declarator.init.as_ref().map(|init| self.named_expr(init, name));
        if value.is_none() && kind == VariableDeclarationKind::Var {
            return; // `var x;` does not reset the variable
        }
        let pat = self.binding_pattern(&declarator.id);
        out.push(stmt(StmtKind::Let { pat, value }, declarator.span));
    }

    /// The body of a branch or loop.
    fn branch(&mut self, statement: &Statement<'a>) -> Block {
        match statement {
            Statement::BlockStatement(block) => self.block(&block.body),
            other => {
                let mut out = Vec::new();
                self.hoist(other, &mut out);
                self.statement(other, &mut out);
                out
            }
        }
    }

    fn if_statement(&mut self, statement: &IfStatement<'a>, at: oxc_span::Span, out: &mut Block) {
        let test = self.expr(&statement.test);
        let then = self.branch(&statement.consequent);
        let otherwise = statement.alternate.as_ref().map_or_else(Vec::new, |branch| self.branch(branch));
        out.push(stmt(StmtKind::If { test, then, otherwise }, at));
    }

    fn switch(&mut self, statement: &SwitchStatement<'a>, out: &mut Block) {
        for case in &statement.cases {
            for inner in &case.consequent {
                self.hoist(inner, out);
            }
        }
        let value = self.expr(&statement.discriminant);
        let mut cases = Vec::with_capacity(statement.cases.len());
        for case in &statement.cases {
            let test = case.test.as_ref().map(|test| self.expr(test));
            let mut body = Vec::with_capacity(case.consequent.len());
            for inner in &case.consequent {
                self.statement(inner, &mut body);
            }
            cases.push((test, body));
        }
        out.push(stmt(StmtKind::Switch { value, cases }, statement.span));
    }

    fn try_statement(&mut self, statement: &TryStatement<'a>, out: &mut Block) {
        let body = self.block(&statement.block.body);
        let handlers = statement.handler.iter().map(|handler| {
            let pat = handler.param.as_ref().map(|param| self.binding_pattern(&param.pattern));
            Handler { types: Vec::new(), pat, body: self.block(&handler.body.body) }
        });
        let handlers = handlers.collect();
        let finally = statement.finalizer.as_ref().map_or_else(Vec::new, |block| self.block(&block.body));
        out.push(stmt(StmtKind::Try { body, handlers, otherwise: Vec::new(), finally }, statement.span));
    }

    // ---- loops -----------------------------------------------------------------------------------------------

    fn loop_statement(&mut self, statement: &Statement<'a>, at: oxc_span::Span, out: &mut Block) {
        let mark = self.lexicals.len();
        match statement {
            Statement::ForStatement(statement) => self.for_statement(statement, mark, out),
            Statement::ForInStatement(statement) => {
                let iter = self.expr(&statement.right);
                let pat = self.loop_target(&statement.left);
                let kind = self.for_each(mark, pat, iter, true, &statement.body);
                out.push(stmt(kind, at));
            }
            Statement::ForOfStatement(statement) => {
                let iter = self.expr(&statement.right);
                let pat = self.loop_target(&statement.left);
                let kind = self.for_each(mark, pat, iter, false, &statement.body);
                out.push(stmt(kind, at));
            }
            Statement::WhileStatement(statement) => {
                let test = self.loop_test(&statement.test);
                let body = self.branch(&statement.body);
                let kind = self.while_loop(mark, test, body, None, true);
                out.push(stmt(kind, at));
            }
            Statement::DoWhileStatement(statement) => {
                let body = self.branch(&statement.body);
                let test = self.loop_test(&statement.test);
                let kind = self.while_loop(mark, test, body, None, false);
                out.push(stmt(kind, at));
            }
            _ => {}
        }
    }

    fn for_statement(&mut self, statement: &ForStatement<'a>, mark: usize, out: &mut Block) {
        match &statement.init {
            Some(ForStatementInit::VariableDeclaration(variables)) => self.variables(variables, out),
            Some(init) => {
                if let Some(init) = init.as_expression() {
                    let value = self.expr(init);
                    out.push(stmt(StmtKind::Expr(value), init.span()));
                }
            }
            None => {}
        }
        let test = statement.test.as_ref().and_then(|test| self.loop_test(test));
        let update = statement.update.as_ref().map(|update| self.expr(update));
        let body = self.branch(&statement.body);
        let kind = self.while_loop(mark, test, body, update, true);
        out.push(stmt(kind, statement.span));
    }

    fn while_loop(
        &mut self,
        mark: usize,
        test: Option<ExprId>,
        body: Block,
        update: Option<ExprId>,
        test_first: bool,
    ) -> StmtKind {
        let fresh = self.fresh_since(mark);
        StmtKind::While { test, body, update, test_first, otherwise: Vec::new(), fresh }
    }

    fn for_each(&mut self, mark: usize, pat: Pat, iter: ExprId, keys: bool, body: &Statement<'a>) -> StmtKind {
        let body = self.branch(body);
        let fresh = self.fresh_since(mark);
        StmtKind::ForEach { pat, iter, keys, body, otherwise: Vec::new(), fresh }
    }

    /// `while (true)` has no condition.
    fn loop_test(&mut self, test: &Expression<'a>) -> Option<ExprId> {
        match test {
            Expression::BooleanLiteral(literal) if literal.value => None,
            Expression::NumericLiteral(literal) if literal.value != 0.0 => None,
            other => Some(self.expr(other)),
        }
    }

    fn loop_target(&mut self, left: &ForStatementLeft<'a>) -> Pat {
        match left {
            ForStatementLeft::VariableDeclaration(variables) => match variables.declarations.first() {
                Some(declarator) => self.binding_pattern(&declarator.id),
                None => Pat::Ignore,
            },
            other => match other.as_assignment_target() {
                Some(target) => self.target(target),
                None => Pat::Ignore,
            },
        }
    }

    /// Slots of block-scoped variables declared since `mark` that closures captured.
    fn fresh_since(&mut self, mark: usize) -> Vec<u32> {
        let mut fresh = Vec::new();
        for symbol in self.lexicals.drain(mark..) {
            let state = self.symbols[symbol.index()];
            if let Some(slot) = state.slot.filter(|_| state.captured)
                && !fresh.contains(&slot)
            {
                fresh.push(slot);
            }
        }
        fresh
    }

    /// A statement that evaluates `value`.
    pub(super) fn evaluate(value: ExprId, at: oxc_span::Span) -> Stmt {
        stmt(StmtKind::Expr(value), at)
    }
}
