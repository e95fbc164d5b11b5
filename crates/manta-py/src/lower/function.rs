//! Functions, lambdas and their parameters.

use manta_core::Span;
use manta_flow::builder::FuncParts;
use manta_flow::ir::{Block, Expr as Ir, ExprId, FuncId, Param, ParamKind, Pat, Stmt, StmtKind, Symbol, Var};
use ruff_python_ast::{Decorator, Expr, ExprLambda, Parameter, Parameters, Stmt as PyStmt, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::stmt::docstring;
use super::{Binding, Lowerer, ScopeKind, span, span_of};
use crate::scope::Collector;

/// Decorators nest in each other; nobody writes more.
const MANY_DECORATORS: usize = 50;

/// What a function consists of, for `def` and `lambda` alike.
struct Parts<'a> {
    name: Option<Symbol>,
    parameters: Option<&'a Parameters>,
    returns: Option<&'a Expr>,
    body: Body<'a>,
    is_async: bool,
    span: Span,
}

#[derive(Clone, Copy)]
enum Body<'a> {
    Block(&'a [PyStmt]),
    Value(&'a Expr),
}

impl Lowerer<'_> {
    /// The function of a `def`, without its decorators.
    pub(super) fn function(&mut self, def: &StmtFunctionDef) -> FuncId {
        let name = Some(self.names.symbol(&def.name));
        self.func(&Parts {
            name,
            parameters: Some(&def.parameters),
            returns: def.returns.as_deref(),
            body: Body::Block(&def.body),
            is_async: def.is_async,
            span: self.definition_span(&def.decorator_list, span_of(def)),
        })
    }

    pub(super) fn lambda(&mut self, lambda: &ExprLambda) -> FuncId {
        self.func(&Parts {
            name: None,
            parameters: lambda.parameters.as_deref(),
            returns: None,
            body: Body::Value(&lambda.body),
            is_async: false,
            span: span_of(lambda),
        })
    }

    /// Defaults and annotations belong to the scope around the function, but are expressions of its frame, so that
    /// the engine can evaluate them when it binds arguments: what they mention is captured.
    fn func(&mut self, parts: &Parts<'_>) -> FuncId {
        self.builder.enter_function();
        self.generators.push(false);
        let outer: Vec<_> = parts.parameters.map(|list| self.outer_parts(list)).unwrap_or_default();
        let returns = parts.returns.map(|returns| self.annotation(returns));
        let mut collector = Collector::new(&mut self.names, self.walrus);
        if let Some(parameters) = parts.parameters {
            collector.parameters(parameters);
        }
        match parts.body {
            Body::Block(body) => collector.body(body),
            Body::Value(value) => collector.value(value),
        }
        let bindings = collector.finish();
        self.open_scope(ScopeKind::Function, bindings.into_iter());
        let params = outer.into_iter().map(|outer| self.param(outer)).collect();
        let (body, doc) = match parts.body {
            Body::Block(body) => (self.block(body), docstring(body)),
            Body::Value(value) => (vec![self.return_of(value)], None),
        };
        self.close_scope();
        let is_generator = self.generators.pop().unwrap_or(false);
        self.builder.leave_function(FuncParts {
            name: parts.name,
            params,
            body,
            span: parts.span,
            is_async: parts.is_async,
            is_generator,
            is_arrow: false,
            doc,
            returns,
        })
    }

    fn return_of(&mut self, value: &Expr) -> Stmt {
        let returned = self.value(value);
        Stmt { kind: StmtKind::Return(Some(returned)), span: span_of(value) }
    }

    fn outer_parts(&mut self, parameters: &Parameters) -> Vec<Outer> {
        let mut list = Vec::new();
        let mut add = |this: &mut Self, parameter: &Parameter, default: Option<&Expr>, kind| {
            let name = this.names.symbol(&parameter.name);
            let default = default.map(|default| this.value(default));
            let annotation = parameter.annotation.as_deref().map(|annotation| this.annotation(annotation));
            list.push(Outer { name, default, annotation, kind, span: span_of(parameter) });
        };
        for item in parameters.posonlyargs.iter().chain(&parameters.args) {
            add(self, &item.parameter, item.default.as_deref(), ParamKind::Normal);
        }
        if let Some(rest) = &parameters.vararg {
            add(self, rest, None, ParamKind::Rest);
        }
        for item in &parameters.kwonlyargs {
            add(self, &item.parameter, item.default.as_deref(), ParamKind::KeywordOnly);
        }
        if let Some(rest) = &parameters.kwarg {
            add(self, rest, None, ParamKind::KeywordRest);
        }
        list
    }

    fn param(&mut self, outer: Outer) -> Param {
        let Outer { name, default, annotation, kind, span } = outer;
        let pat = Pat::Var(self.assigned(name, false));
        Param { pat, name: Some(name), default, kind, annotation, is_property: false, span }
    }

    /// Wraps a value in decorators, the last one innermost.
    pub(super) fn decorated(&mut self, target: ExprId, decorators: &[ExprId]) -> ExprId {
        decorators.iter().rev().fold(target, |target, &decorator| {
            let span = self.builder.span(decorator);
            self.builder.expr(Ir::Decorated { decorator, target }, span)
        })
    }

    pub(super) fn decorators(&mut self, decorators: &[Decorator]) -> Vec<ExprId> {
        self.too_deep |= decorators.len() > MANY_DECORATORS;
        decorators.iter().take(MANY_DECORATORS).map(|decorator| self.value(&decorator.expression)).collect()
    }

    /// A definition without its decorators.
    pub(super) fn definition_span(&self, decorators: &[Decorator], whole: Span) -> Span {
        let Some(last) = decorators.last() else { return whole };
        let after = span(last.range()).end;
        let rest = self.source.get(after as usize..whole.end as usize).unwrap_or_default();
        let skipped = rest.len() - rest.trim_start().len();
        Span::new(after + u32::try_from(skipped).unwrap_or_default(), whole.end)
    }

    /// Statements run where a class is created, as a function without parameters. The names they bind are variables
    /// of the class body.
    pub(super) fn static_block(&mut self, stmt: &PyStmt) -> FuncId {
        self.builder.enter_function();
        self.generators.push(false);
        let mut body = Block::new();
        self.stmt(stmt, &mut body);
        self.generators.pop();
        self.builder.leave_function(FuncParts { body, span: span_of(stmt), ..FuncParts::default() })
    }

    /// The variable of a name of the class body, declared there if need be.
    pub(super) fn class_variable(&mut self, name: Symbol) -> Var {
        let fresh = self.fresh_key();
        let Some(scope) = self.scopes.last_mut() else { return Var::Global(name) };
        let new = || Binding::Slot(fresh, self.builder.declare_at(fresh, scope.frame));
        let key = match scope.names.entry(name).or_insert_with(new) {
            Binding::Slot(key, _) => *key,
            Binding::Field(key) | Binding::Method { key, .. } => *key.get_or_insert(fresh),
            Binding::Import(..) | Binding::Global | Binding::Nonlocal => return Var::Global(name),
        };
        let frame = scope.frame;
        self.builder.var_at(key, frame)
    }
}

/// The parts of a parameter that are evaluated outside the function.
struct Outer {
    name: Symbol,
    default: Option<ExprId>,
    annotation: Option<ExprId>,
    kind: ParamKind,
    span: Span,
}
