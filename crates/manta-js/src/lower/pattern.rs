//! Binding patterns (declarations) and assignment targets.

use manta_flow::ir::{Expr, ExprId, Key, Pat, Symbol, Var};
use oxc_ast::ast::{
    ArrayAssignmentTarget, AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, BindingIdentifier,
    BindingPattern, IdentifierReference, MemberExpression, ObjectAssignmentTarget, SimpleAssignmentTarget,
};

use super::Lowerer;

impl<'a> Lowerer<'a> {
    /// The target of a declaration.
    pub(super) fn binding_pattern(&mut self, pattern: &BindingPattern<'a>) -> Pat {
        match pattern {
            BindingPattern::BindingIdentifier(ident) => self.declared(ident),
            BindingPattern::ObjectPattern(object) => {
                let at = object.span;
                self.deeper(
                    at,
                    |this| {
                        let mut fields = Vec::with_capacity(object.properties.len());
                        for property in &object.properties {
                            let key = this.key(&property.key);
                            let (target, default) = this.with_default(&property.value);
                            fields.push((key, target, default));
                        }
                        let rest = object.rest.as_ref().map(|rest| Box::new(this.binding_pattern(&rest.argument)));
                        Pat::Object { fields, rest }
                    },
                    |_| Pat::Ignore,
                )
            }
            BindingPattern::ArrayPattern(array) => {
                let at = array.span;
                self.deeper(
                    at,
                    |this| {
                        let items: Vec<_> = array
                            .elements
                            .iter()
                            .map(|item| item.as_ref().map(|item| this.with_default(item)))
                            .collect();
                        let rest = array.rest.as_ref().map(|rest| Box::new(this.binding_pattern(&rest.argument)));
                        let position = items.len();
                        Pat::Array { items, rest: rest.map(|rest| (position, rest)) }
                    },
                    |_| Pat::Ignore,
                )
            }
            // A default outside a field, an element or a parameter does not exist in the grammar.
            BindingPattern::AssignmentPattern(assignment) => self.binding_pattern(&assignment.left),
        }
    }

    fn with_default(&mut self, pattern: &BindingPattern<'a>) -> (Pat, Option<ExprId>) {
        match pattern {
            BindingPattern::AssignmentPattern(assignment) => {
                let name = self.pattern_name(&assignment.left);
                let target = self.binding_pattern(&assignment.left);
                (target, Some(self.named_expr(&assignment.right, name)))
            }
            other => (self.binding_pattern(other), None),
        }
    }

    /// The variable that a declaration introduces.
    pub(super) fn declared(&mut self, ident: &BindingIdentifier<'a>) -> Pat {
        let Some(symbol) = ident.symbol_id.get() else { return Pat::Ignore };
        if self.scoping.symbol_flags(symbol).is_block_scoped() {
            self.lexicals.push(symbol);
        }
        self.variable(symbol).map_or(Pat::Ignore, Pat::Var)
    }

    /// The target of an assignment.
    pub(super) fn target(&mut self, target: &AssignmentTarget<'a>) -> Pat {
        match target {
            AssignmentTarget::ArrayAssignmentTarget(array) => {
                self.deeper(array.span, |this| this.array_target(array), |_| Pat::Ignore)
            }
            AssignmentTarget::ObjectAssignmentTarget(object) => {
                self.deeper(object.span, |this| this.object_target(object), |_| Pat::Ignore)
            }
            other => match other.as_simple_assignment_target() {
                Some(simple) => self.simple_target(simple).0,
                None => Pat::Ignore,
            },
        }
    }

    fn array_target(&mut self, array: &ArrayAssignmentTarget<'a>) -> Pat {
        let items: Vec<_> =
            array.elements.iter().map(|item| item.as_ref().map(|item| self.target_with_default(item))).collect();
        let rest = array.rest.as_ref().map(|rest| (items.len(), Box::new(self.target(&rest.target))));
        Pat::Array { items, rest }
    }

    fn object_target(&mut self, object: &ObjectAssignmentTarget<'a>) -> Pat {
        let mut fields = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            match property {
                AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(shorthand) => {
                    let name = self.name(shorthand.binding.name);
                    let default = shorthand.init.as_ref().map(|init| self.named_expr(init, Some(name)));
                    fields.push((Key::Static(name), self.identifier_target(&shorthand.binding), default));
                }
                AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
                    let key = self.key(&property.name);
                    let (target, default) = self.target_with_default(&property.binding);
                    fields.push((key, target, default));
                }
            }
        }
        let rest = object.rest.as_ref().map(|rest| Box::new(self.target(&rest.target)));
        Pat::Object { fields, rest }
    }

    fn target_with_default(&mut self, target: &AssignmentTargetMaybeDefault<'a>) -> (Pat, Option<ExprId>) {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(with_default) => {
                let pat = self.target(&with_default.binding);
                (pat, Some(self.expr(&with_default.init)))
            }
            other => match other.as_assignment_target() {
                Some(target) => (self.target(target), None),
                None => (Pat::Ignore, None),
            },
        }
    }

    fn identifier_target(&mut self, ident: &IdentifierReference<'a>) -> Pat {
        match self.resolve(ident) {
            Some(symbol) => self.variable(symbol).map_or(Pat::Ignore, Pat::Var),
            None => match self.global(ident.name) {
                Expr::Var(var) => Pat::Var(var),
                _ => Pat::Ignore,
            },
        }
    }

    /// A variable or member as a target, and the function to read it (for compound assignment).
    pub(super) fn simple_target(&mut self, target: &SimpleAssignmentTarget<'a>) -> (Pat, Expr) {
        match target {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(ident) => {
                let pat = self.identifier_target(ident);
                let read = match &pat {
                    Pat::Var(var) => Expr::Var(*var),
                    _ => Expr::Opaque(Vec::new()),
                };
                (pat, read)
            }
            SimpleAssignmentTarget::TSAsExpression(cast) => self.target_from_expr(&cast.expression),
            SimpleAssignmentTarget::TSSatisfiesExpression(cast) => self.target_from_expr(&cast.expression),
            SimpleAssignmentTarget::TSNonNullExpression(cast) => self.target_from_expr(&cast.expression),
            SimpleAssignmentTarget::TSTypeAssertion(cast) => self.target_from_expr(&cast.expression),
            other => match other.as_member_expression() {
                Some(member) => self.member_target(member),
                None => (Pat::Ignore, Expr::Opaque(Vec::new())),
            },
        }
    }

    /// The target inside a TypeScript cast: `(x as any).y = …`, `(x as any) = …`.
    fn target_from_expr(&mut self, expr: &oxc_ast::ast::Expression<'a>) -> (Pat, Expr) {
        let id = self.expr(expr);
        match *self.b.get(id) {
            Expr::Var(var) => (Pat::Var(var), Expr::Var(var)),
            Expr::Member { object, name, optional } => {
                (Pat::Member(object, name), Expr::Member { object, name, optional })
            }
            Expr::Index { object, index } => (Pat::Index(object, index), Expr::Index { object, index }),
            _ => (Pat::Ignore, Expr::Opaque(vec![id])),
        }
    }

    fn member_target(&mut self, member: &MemberExpression<'a>) -> (Pat, Expr) {
        match self.member(member) {
            Expr::Member { object, name, optional } => {
                (Pat::Member(object, name), Expr::Member { object, name, optional })
            }
            Expr::Index { object, index } => (Pat::Index(object, index), Expr::Index { object, index }),
            other => (Pat::Ignore, other),
        }
    }

    /// Lowers a member access to its expression (not yet added).
    pub(super) fn member(&mut self, member: &MemberExpression<'a>) -> Expr {
        match member {
            MemberExpression::StaticMemberExpression(member) => {
                let object = self.expr(&member.object);
                Expr::Member { object, name: self.name(member.property.name), optional: member.optional }
            }
            MemberExpression::PrivateFieldExpression(member) => {
                let object = self.expr(&member.object);
                let name = Symbol::new(&format!("#{}", member.field.name));
                Expr::Member { object, name, optional: member.optional }
            }
            MemberExpression::ComputedMemberExpression(member) => {
                let object = self.expr(&member.object);
                let index = self.expr(&member.expression);
                match self.b.get(index) {
                    Expr::Str(name) => Expr::Member { object, name: Symbol::new(name), optional: member.optional },
                    _ => Expr::Index { object, index },
                }
            }
        }
    }

    /// A pattern that assigns to a variable of this file, seen from the innermost function.
    pub(super) fn var_pat(var: Option<Var>) -> Pat {
        var.map_or(Pat::Ignore, Pat::Var)
    }
}
