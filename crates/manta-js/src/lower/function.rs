//! Functions, arrow functions and parameters.

use std::sync::Arc;

use manta_flow::builder::FuncParts;
use manta_flow::ir::{Block, Expr, ExprId, FuncId, Param, ParamKind, Pat, StmtKind, Symbol};
use oxc_ast::ast::{ArrowFunctionBody, ArrowFunctionExpression, BindingPattern, FormalParameters, Function};

use super::{Lowerer, span, stmt};

impl<'a> Lowerer<'a> {
    /// A generator that a helper drives to its end as an async function is run.
    pub(super) fn driven(&mut self, function: &Function<'a>) -> ExprId {
        self.driven.push(self.arrows.len() + 1);
        let func = self.function(function, None, None);
        self.driven.pop();
        self.add(Expr::Func(func), function.span)
    }

    /// Whether the innermost open function is such a generator.
    pub(super) fn is_driven(&self) -> bool {
        self.driven.last() == Some(&self.arrows.len())
    }

    /// Lowers a function with a body.
    pub(super) fn function(&mut self, function: &Function<'a>, name: Option<Symbol>, doc: Option<Arc<str>>) -> FuncId {
        let name = function.id.as_ref().map(|id| self.name(id.name)).or(name);
        let entered = self.enter(function.scope_id.get(), false);
        let is_driven = self.is_driven();
        let params = self.params(&function.params);
        let body = match &function.body {
            Some(body) => self.block(&body.statements),
            None => Vec::new(),
        };
        self.leave(
            entered,
            FuncParts {
                name,
                params,
                body,
                span: span(function.span),
                is_async: function.r#async || is_driven,
                is_generator: function.generator && !is_driven,
                is_arrow: false,
                doc,
                returns: None,
            },
        )
    }

    /// A function expression. Its own name, if used inside, is a variable of the function around it.
    pub(super) fn function_expr(&mut self, function: &Function<'a>, name: Option<Symbol>) -> ExprId {
        let own_name = function.id.as_ref().and_then(|id| id.symbol_id.get());
        let used = own_name.filter(|symbol| !self.scoping.get_resolved_reference_ids(*symbol).is_empty());
        if let Some(symbol) = used {
            self.own_here(symbol);
        }
        let doc = self.docs.before(function.span.start);
        let func = self.function(function, name, doc);
        let value = self.add(Expr::Func(func), function.span);
        match used.and_then(|symbol| self.variable(symbol)) {
            Some(var) => self.add(Expr::Assign { target: Box::new(Pat::Var(var)), value }, function.span),
            None => value,
        }
    }

    /// An arrow function.
    pub(super) fn arrow(&mut self, arrow: &ArrowFunctionExpression<'a>, name: Option<Symbol>) -> ExprId {
        let entered = self.enter(arrow.scope_id.get(), true);
        let params = self.params(&arrow.params);
        let body = self.arrow_body(&arrow.body);
        let parts = FuncParts {
            name,
            params,
            body,
            span: span(arrow.span),
            is_async: arrow.r#async,
            is_arrow: true,
            doc: self.docs.before(arrow.span.start),
            ..FuncParts::default()
        };
        let func = self.leave(entered, parts);
        self.add(Expr::Func(func), arrow.span)
    }

    fn arrow_body(&mut self, body: &ArrowFunctionBody<'a>) -> Block {
        match body {
            ArrowFunctionBody::FunctionBody(body) => self.block(&body.statements),
            other => match other.as_expression() {
                Some(expr) => {
                    let at = oxc_span::GetSpan::span(expr);
                    let value = self.expr(expr);
                    vec![stmt(StmtKind::Return(Some(value)), at)]
                }
                None => Vec::new(),
            },
        }
    }

    fn params(&mut self, params: &FormalParameters<'a>) -> Vec<Param> {
        let mut lowered = Vec::with_capacity(params.items.len() + 1);
        for item in &params.items {
            let (pattern, inner_default) = split_default(&item.pattern);
            let name = self.pattern_name(pattern);
            let pat = self.binding_pattern(pattern);
            let default = item.initializer.as_deref().or(inner_default).map(|init| self.named_expr(init, name));
            let annotation = item.type_annotation.as_ref().and_then(|ty| self.annotation(ty));
            let is_property = item.accessibility.is_some() || item.readonly || item.r#override;
            let kind = ParamKind::Normal;
            lowered.push(Param { pat, name, default, kind, annotation, is_property, span: span(item.span) });
        }
        if let Some(rest) = &params.rest {
            let name = self.pattern_name(&rest.rest.argument);
            let pat = self.binding_pattern(&rest.rest.argument);
            let kind = ParamKind::Rest;
            lowered.push(Param {
                pat,
                name,
                default: None,
                kind,
                annotation: None,
                is_property: false,
                span: span(rest.span),
            });
        }
        lowered
    }

    pub(super) fn pattern_name(&mut self, pattern: &BindingPattern<'a>) -> Option<Symbol> {
        match pattern {
            BindingPattern::BindingIdentifier(ident) => Some(self.name(ident.name)),
            _ => None,
        }
    }
}

/// Separates `pattern = default`.
fn split_default<'p, 'a>(
    pattern: &'p BindingPattern<'a>,
) -> (&'p BindingPattern<'a>, Option<&'p oxc_ast::ast::Expression<'a>>) {
    match pattern {
        BindingPattern::AssignmentPattern(assignment) => (&assignment.left, Some(&assignment.right)),
        other => (other, None),
    }
}
