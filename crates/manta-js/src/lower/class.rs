//! Classes.
//!
//! Static initialisers run while the class is created, when its name is already bound. Where they use that name (or
//! `this`), they become assignments *after* the class is bound, which is the same order made explicit.

use manta_flow::builder::FuncParts;
use manta_flow::ir::{Arg, Block, Class, Expr, ExprId, FuncId, Key, Member, MemberKind, Pat, StmtKind, Symbol};
use oxc_ast::ast::{
    AccessorProperty, Class as ClassNode, ClassElement, Decorator, Expression, MethodDefinition, MethodDefinitionKind,
    PropertyDefinition, StaticBlock, TSTypeAnnotation,
};
use oxc_span::GetSpan;
use oxc_syntax::symbol::SymbolId;

use super::{Lowerer, span, stmt};

/// A static initialiser waiting for its place.
struct Static {
    member: usize,
    key: Option<Key>,
    value: ExprId,
    at: oxc_span::Span,
}

impl<'a> Lowerer<'a> {
    /// `class C {}` as a statement.
    pub(super) fn class_declaration(&mut self, class: &ClassNode<'a>, name: Option<Symbol>, out: &mut Block) {
        let Some(symbol) = class.id.as_ref().and_then(|id| id.symbol_id.get()) else {
            let value = self.class_expr(class, name);
            out.push(Self::evaluate(value, class.span));
            return;
        };
        if self.scoping.symbol_flags(symbol).is_block_scoped() {
            self.lexicals.push(symbol);
        }
        let (value, deferred) = self.class_value(class, Some(symbol), name);
        let pat = Self::var_pat(self.variable(symbol));
        out.push(stmt(StmtKind::Let { pat, value: Some(value) }, class.span));
        for effect in self.static_effects(symbol, deferred) {
            out.push(Self::evaluate(effect, class.span));
        }
    }

    /// A class expression.
    pub(super) fn class_expr(&mut self, class: &ClassNode<'a>, name: Option<Symbol>) -> ExprId {
        let own_name = class.id.as_ref().and_then(|id| id.symbol_id.get());
        let used = own_name.filter(|symbol| !self.scoping.get_resolved_reference_ids(*symbol).is_empty());
        let Some(symbol) = used else {
            return self.class_value(class, None, name).0;
        };
        self.own_here(symbol);
        let (value, deferred) = self.class_value(class, Some(symbol), name);
        let target = Box::new(Self::var_pat(self.variable(symbol)));
        let bound = self.add(Expr::Assign { target, value }, class.span);
        if deferred.is_empty() {
            return bound;
        }
        let mut steps = vec![bound];
        steps.extend(self.static_effects(symbol, deferred));
        if let Some(var) = self.variable(symbol) {
            steps.push(self.add(Expr::Var(var), class.span));
        }
        self.add(Expr::Sequence(steps), class.span)
    }

    /// The class itself, and the static initialisers that have to wait until `symbol` is bound to it.
    fn class_value(
        &mut self,
        class: &ClassNode<'a>,
        symbol: Option<SymbolId>,
        name: Option<Symbol>,
    ) -> (ExprId, Vec<Static>) {
        let own_name = class.id.as_ref().map(|id| self.name(id.name));
        let decorators = self.decorators(&class.decorators);
        let bases = class.heritage.iter().map(|heritage| self.expr(&heritage.expression)).collect();
        let mut members = Vec::with_capacity(class.body.body.len());
        let mut statics = Vec::new();
        let outer = (self.static_class.take(), self.static_depth);
        let mut mentioned = false;
        for element in &class.body.body {
            if is_static_initialiser(element) {
                self.static_class = symbol.map(|symbol| (symbol, false));
                self.static_depth = self.b.depth();
                self.static_initialiser(element, &mut members, &mut statics);
                mentioned |= self.static_class.take().is_some_and(|(_, mentioned)| mentioned);
            } else {
                self.element(element, &mut members);
            }
        }
        (self.static_class, self.static_depth) = outer;
        if !mentioned {
            for initialiser in statics.drain(..) {
                self.static_in_place(&initialiser, &mut members);
            }
        }
        let class = Class {
            name: own_name.or(name),
            bases,
            keywords: Vec::new(),
            members,
            decorators,
            span: span(class.span),
            doc: self.docs.before(class.span.start),
        };
        let at = class.span;
        let id = self.b.class(class);
        (self.b.expr(Expr::Class(id), at), statics)
    }

    /// Leaves a static initialiser to the moment the class is created.
    fn static_in_place(&mut self, initialiser: &Static, members: &mut [Member]) {
        let member = &mut members[initialiser.member];
        match (self.b.get(initialiser.value), member.kind) {
            (Expr::Func(func), MemberKind::StaticBlock) => member.func = Some(*func),
            _ => member.value = Some(initialiser.value),
        }
    }

    /// The assignments that replace static initialisers.
    fn static_effects(&mut self, symbol: SymbolId, statics: Vec<Static>) -> Vec<ExprId> {
        let mut effects = Vec::with_capacity(statics.len());
        for initialiser in statics {
            let Static { key, value, at, .. } = initialiser;
            let Some(var) = self.variable(symbol) else { continue };
            let expr = match key {
                Some(key) => {
                    let class = self.add(Expr::Var(var), at);
                    let target = match key {
                        Key::Static(name) => Pat::Member(class, name),
                        Key::Computed(index) => Pat::Index(class, index),
                    };
                    Expr::Assign { target: Box::new(target), value }
                }
                None => Expr::Call { callee: value, args: Vec::<Arg>::new(), is_new: false, optional: false },
            };
            effects.push(self.add(expr, at));
        }
        effects
    }

    fn static_initialiser(&mut self, element: &ClassElement<'a>, members: &mut Vec<Member>, statics: &mut Vec<Static>) {
        let at = element.span();
        let member = members.len();
        match element {
            ClassElement::StaticBlock(block) => {
                let value = self.static_block(block);
                members.push(bare_member(MemberKind::StaticBlock, Key::Static(Symbol::new("")), at));
                statics.push(Static { member, key: None, value, at });
            }
            ClassElement::PropertyDefinition(field) => {
                let Some(init) = &field.value else { return };
                let key = self.key(&field.key);
                let value = self.named_expr(init, Self::static_name(key));
                let annotation = field.type_annotation.as_deref();
                members.push(self.field_member(MemberKind::StaticField, key, &field.decorators, annotation, at));
                statics.push(Static { member, key: Some(key), value, at });
            }
            ClassElement::AccessorProperty(field) => {
                let Some(init) = &field.value else { return };
                let key = self.key(&field.key);
                let value = self.named_expr(init, Self::static_name(key));
                let annotation = field.type_annotation.as_deref();
                members.push(self.field_member(MemberKind::StaticField, key, &field.decorators, annotation, at));
                statics.push(Static { member, key: Some(key), value, at });
            }
            _ => {}
        }
    }

    /// The block as a function without parameters (an arrow function, because `this` has been resolved).
    fn static_block(&mut self, block: &StaticBlock<'a>) -> ExprId {
        let is_arrow = self.static_class.is_some();
        let entered = self.enter(block.scope_id.get(), is_arrow);
        let outer = std::mem::replace(&mut self.static_depth, self.b.depth());
        let body = self.block(&block.body);
        self.static_depth = outer;
        let parts = FuncParts { body, span: span(block.span), is_arrow, ..FuncParts::default() };
        let func = self.leave(entered, parts);
        self.add(Expr::Func(func), block.span)
    }

    fn element(&mut self, element: &ClassElement<'a>, members: &mut Vec<Member>) {
        match element {
            ClassElement::MethodDefinition(method) => self.method(method, members),
            ClassElement::PropertyDefinition(field) => self.field(field, members),
            ClassElement::AccessorProperty(field) => self.accessor(field, members),
            ClassElement::StaticBlock(_) | ClassElement::TSIndexSignature(_) => {}
        }
    }

    fn method(&mut self, method: &MethodDefinition<'a>, members: &mut Vec<Member>) {
        if method.value.body.is_none() {
            return; // an overload or abstract signature
        }
        let key = self.key(&method.key);
        let decorators = self.decorators(&method.decorators);
        let doc = self.docs.before(method.span.start);
        let func = self.function(&method.value, Self::static_name(key), doc);
        let kind = match (method.kind, method.r#static) {
            (MethodDefinitionKind::Get, false) => MemberKind::Getter,
            (MethodDefinitionKind::Set, false) => MemberKind::Setter,
            (MethodDefinitionKind::Get, true) => MemberKind::StaticGetter,
            (MethodDefinitionKind::Set, true) => MemberKind::StaticSetter,
            (_, true) => MemberKind::StaticMethod,
            (_, false) => MemberKind::Method,
        };
        let span = span(method.span);
        members.push(Member { kind, key, func: Some(func), value: None, annotation: None, decorators, span });
    }

    fn field(&mut self, field: &PropertyDefinition<'a>, members: &mut Vec<Member>) {
        let kind = if field.r#static { MemberKind::StaticField } else { MemberKind::Field };
        let key = self.key(&field.key);
        let annotation = field.type_annotation.as_deref();
        let mut member = self.field_member(kind, key, &field.decorators, annotation, field.span);
        member.func = field.value.as_ref().map(|init| self.field_init(init, Self::static_name(key)));
        members.push(member);
    }

    fn accessor(&mut self, field: &AccessorProperty<'a>, members: &mut Vec<Member>) {
        let kind = if field.r#static { MemberKind::StaticField } else { MemberKind::Field };
        let key = self.key(&field.key);
        let annotation = field.type_annotation.as_deref();
        let mut member = self.field_member(kind, key, &field.decorators, annotation, field.span);
        member.func = field.value.as_ref().map(|init| self.field_init(init, Self::static_name(key)));
        members.push(member);
    }

    fn field_member(
        &mut self,
        kind: MemberKind,
        key: Key,
        decorators: &[Decorator<'a>],
        annotation: Option<&TSTypeAnnotation<'a>>,
        at: oxc_span::Span,
    ) -> Member {
        let annotation = annotation.and_then(|ty| self.annotation(ty));
        let decorators = self.decorators(decorators);
        Member { annotation, decorators, ..bare_member(kind, key, at) }
    }

    /// An instance field's initialiser as a function without parameters.
    fn field_init(&mut self, init: &Expression<'a>, name: Option<Symbol>) -> FuncId {
        let at = init.span();
        let entered = self.enter(None, false);
        let value = self.named_expr(init, name);
        let body = vec![stmt(StmtKind::Return(Some(value)), at)];
        self.leave(entered, FuncParts { body, span: span(at), ..FuncParts::default() })
    }

    fn decorators(&mut self, decorators: &[Decorator<'a>]) -> Vec<ExprId> {
        decorators.iter().map(|decorator| self.expr(&decorator.expression)).collect()
    }

    pub(super) fn static_name(key: Key) -> Option<Symbol> {
        match key {
            Key::Static(name) => Some(name),
            Key::Computed(_) => None,
        }
    }
}

fn is_static_initialiser(element: &ClassElement<'_>) -> bool {
    match element {
        ClassElement::StaticBlock(_) => true,
        ClassElement::PropertyDefinition(field) => field.r#static && field.value.is_some(),
        ClassElement::AccessorProperty(field) => field.r#static && field.value.is_some(),
        _ => false,
    }
}

fn bare_member(kind: MemberKind, key: Key, at: oxc_span::Span) -> Member {
    Member { kind, key, func: None, value: None, annotation: None, decorators: Vec::new(), span: span(at) }
}
