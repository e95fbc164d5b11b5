//! Classes: methods, fields, and the statements between them.

use manta_core::Span;
use manta_flow::ir::{Block, Class, Expr as Ir, ExprId, Key, Member, MemberKind, Pat, Symbol};
use ruff_python_ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};

use super::stmt::docstring;
use super::{Binding, Lowerer, ScopeKind, span_of};
use crate::scope::{Collector, How, is_type_checking};

/// Methods that take the class without being told so.
const IMPLICIT_CLASS_METHODS: [&str; 3] = ["__new__", "__init_subclass__", "__class_getitem__"];

impl Lowerer<'_> {
    /// The class of a `class` statement.
    pub(super) fn class(&mut self, def: &StmtClassDef) -> ExprId {
        let decorators = self.decorators(&def.decorator_list);
        let (mut bases, mut keywords) = (Vec::new(), Vec::new());
        if let Some(arguments) = &def.arguments {
            for base in &arguments.args {
                bases.push(self.value(base));
            }
            for keyword in &arguments.keywords {
                let value = self.value(&keyword.value);
                let name = keyword.arg.as_ref().map_or("**", |name| name.as_str());
                keywords.push((self.names.symbol(name), value));
            }
        }
        self.open_scope(ScopeKind::Class, std::iter::empty());
        let mut members = Members::default();
        self.class_body(&def.body, &mut members);
        let members = self.close_class(members);
        let class = Class {
            name: Some(self.names.symbol(&def.name)),
            bases,
            keywords,
            members,
            decorators,
            span: self.definition_span(&def.decorator_list, span_of(def)),
            doc: docstring(&def.body),
        };
        let id = self.builder.class(class);
        self.expr(Ir::Class(id), def.range())
    }

    fn class_body(&mut self, body: &[Stmt], members: &mut Members) {
        for stmt in body {
            self.deeper(|this| this.class_stmt(stmt, members));
        }
    }

    fn class_stmt(&mut self, stmt: &Stmt, members: &mut Members) {
        match stmt {
            Stmt::FunctionDef(def) => self.method(def, members),
            Stmt::ClassDef(def) => {
                let value = self.class(def);
                self.field(&def.name, Some(value), None, def.range(), members);
            }
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [Expr::Name(name)] => {
                    let value = self.value(&assign.value);
                    self.field(&name.id, Some(value), None, assign.range(), members);
                }
                _ => self.other_stmt(stmt, members),
            },
            Stmt::AnnAssign(assign) => match &*assign.target {
                Expr::Name(name) => {
                    let annotation = self.annotation(&assign.annotation);
                    let value = assign.value.as_ref().map(|value| self.value(value));
                    self.field(&name.id, value, Some(annotation), assign.range(), members);
                }
                _ => self.other_stmt(stmt, members),
            },
            // Which branch a class body takes depends on the platform or on versions: members of all branches exist.
            Stmt::If(branch) => {
                if is_type_checking(&branch.test) {
                    self.type_checking(branch, &mut Block::new());
                } else {
                    self.class_body(&branch.body, members);
                }
                branch.elif_else_clauses.iter().for_each(|clause| self.class_body(&clause.body, members));
            }
            Stmt::Try(attempt) => {
                self.class_body(&attempt.body, members);
                for handler in &attempt.handlers {
                    let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                    self.class_body(&handler.body, members);
                }
                self.class_body(&attempt.orelse, members);
                self.class_body(&attempt.finalbody, members);
            }
            Stmt::Pass(_) => {}
            Stmt::Expr(expr) if matches!(&*expr.value, Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)) => {}
            other => self.other_stmt(other, members),
        }
    }

    /// Any other statement runs in a block of its own; the names it binds become fields.
    fn other_stmt(&mut self, stmt: &Stmt, members: &mut Members) {
        let mut collector = Collector::new(&mut self.names, self.walrus);
        collector.body(std::slice::from_ref(stmt));
        let bound: Vec<Symbol> = collector
            .finish()
            .into_iter()
            .filter(|(_, how)| matches!(how, How::Assigned | How::Import(_)))
            .map(|(name, _)| name)
            .collect();
        for name in &bound {
            self.class_variable(*name);
        }
        let func = self.static_block(stmt);
        members
            .list
            .push(Member { func: Some(func), ..member(MemberKind::StaticBlock, self.names.symbol(""), span_of(stmt)) });
        for name in bound {
            let variable = self.class_variable(name);
            let value = Some(self.expr(Ir::Var(variable), stmt.range()));
            members.list.push(Member { value, ..member(MemberKind::StaticField, name, span_of(stmt)) });
        }
    }

    fn field(
        &mut self,
        name: &str,
        value: Option<ExprId>,
        annotation: Option<ExprId>,
        range: TextRange,
        members: &mut Members,
    ) {
        let name = self.names.symbol(name);
        let field = member(MemberKind::StaticField, name, super::span(range));
        members.list.push(Member { value, annotation, ..field });
        if value.is_some() {
            self.define(name, members, Binding::Field);
        }
    }

    /// Makes a name of the class visible to the statements that follow, keeping its variable if it already has one.
    fn define(&mut self, name: Symbol, members: &mut Members, binding: impl FnOnce(Option<u32>) -> Binding) {
        members.defined.push((name, members.list.len() - 1));
        let Some(scope) = self.scopes.last_mut() else { return };
        let key = match scope.names.get(&name) {
            Some(Binding::Field(key) | Binding::Method { key, .. }) => *key,
            Some(Binding::Slot(key, _)) => Some(*key),
            _ => None,
        };
        scope.names.insert(name, binding(key));
    }

    /// Closes the scope of a class. Members that the class body read are also assigned to their variable.
    fn close_class(&mut self, members: Members) -> Vec<Member> {
        let Members { mut list, defined } = members;
        let scope = self.close_scope();
        for (name, at) in defined.into_iter().rev() {
            let (key, callee) = match scope.names.get(&name) {
                Some(Binding::Field(Some(key))) => (*key, None),
                Some(Binding::Method { func, decorators, key: Some(key) }) => (*key, Some((*func, decorators.clone()))),
                _ => continue,
            };
            let target = Box::new(Pat::Var(self.builder.var_at(key, scope.frame)));
            let span = list[at].span;
            match (list[at].value, callee) {
                (Some(value), _) => list[at].value = Some(self.builder.expr(Ir::Assign { target, value }, span)),
                (None, Some((func, decorators))) if list[at].func == Some(func) => {
                    let function = self.builder.expr(Ir::Func(func), span);
                    let value = self.decorated(function, &decorators);
                    let value = Some(self.builder.expr(Ir::Assign { target, value }, span));
                    list.insert(at + 1, Member { value, ..member(MemberKind::StaticField, name, span) });
                }
                _ => {}
            }
        }
        list
    }

    fn method(&mut self, def: &StmtFunctionDef, members: &mut Members) {
        let name = self.names.symbol(&def.name);
        let mut kind = if IMPLICIT_CLASS_METHODS.contains(&def.name.as_str()) {
            MemberKind::ClassMethod
        } else {
            MemberKind::Method
        };
        let mut key = name;
        let mut decorators = Vec::new();
        for decorator in &def.decorator_list {
            match descriptor(&decorator.expression, &def.name) {
                Some(Descriptor::Kind(consumed)) => kind = consumed,
                // `del x.name` runs it; it must not replace the getter of that name.
                Some(Descriptor::Deleter) => key = self.names.symbol(&format!("{}.deleter", def.name)),
                None => decorators.push(self.value(&decorator.expression)),
            }
        }
        let func = self.function(def);
        let span = self.definition_span(&def.decorator_list, span_of(def));
        members.list.push(Member { func: Some(func), decorators: decorators.clone(), ..member(kind, key, span) });
        if matches!(kind, MemberKind::Setter) || key != name {
            return;
        }
        self.define(name, members, |key| Binding::Method { func, decorators, key });
    }
}

/// The members found so far, and which of them define a name.
#[derive(Default)]
struct Members {
    list: Vec<Member>,
    defined: Vec<(Symbol, usize)>,
}

fn member(kind: MemberKind, name: Symbol, span: Span) -> Member {
    let key = Key::Static(name);
    Member { kind, key, func: None, value: None, annotation: None, decorators: Vec::new(), span }
}

enum Descriptor {
    Kind(MemberKind),
    Deleter,
}

/// Decorators that say what kind of member a function is.
fn descriptor(decorator: &Expr, method: &str) -> Option<Descriptor> {
    let kind = match decorator {
        Expr::Name(name) => match name.id.as_str() {
            "property" | "cached_property" => MemberKind::Getter,
            "staticmethod" => MemberKind::StaticMethod,
            "classmethod" => MemberKind::ClassMethod,
            _ => return None,
        },
        Expr::Attribute(attribute) => {
            let of_method = matches!(&*attribute.value, Expr::Name(name) if name.id.as_str() == method);
            match attribute.attr.as_str() {
                "cached_property" | "abstractproperty" => MemberKind::Getter,
                "setter" if of_method => MemberKind::Setter,
                "getter" if of_method => MemberKind::Getter,
                "deleter" if of_method => return Some(Descriptor::Deleter),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Descriptor::Kind(kind))
}
