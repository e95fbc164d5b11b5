//! What TypeScript adds to values: enums, namespaces, and annotations that name a class.

use std::sync::Arc;

use manta_flow::ir::{Block, Expr, ExprId, Key, LogicalOp, Pat, Prop, StmtKind, Symbol};
use oxc_ast::ast::{
    Declaration, ModuleDeclaration, Statement, TSEnumDeclaration, TSEnumMember, TSEnumMemberName,
    TSNamespaceDeclaration, TSNamespaceDeclarationBody, TSQualifiedName, TSType, TSTypeAnnotation, TSTypeName,
};
use oxc_syntax::constant_value::ConstantValue;
use oxc_syntax::symbol::SymbolId;

use super::{Binding, Lowerer, number_name, stmt};

impl<'a> Lowerer<'a> {
    /// `enum E { A, B = "b" }` is the object `{ A: 0, 0: "A", B: "b" }`.
    pub(super) fn enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>, out: &mut Block) {
        let at = declaration.span;
        let pat = self.declared(&declaration.id);
        let mut props = Vec::with_capacity(declaration.body.members.len() + 1);
        if let (Pat::Var(var), Some(symbol)) = (&pat, declaration.id.symbol_id.get())
            && !self.scoping.symbol_redeclarations(symbol).is_empty()
        {
            let earlier = self.add(Expr::Var(*var), at);
            props.push(Prop::Spread(earlier));
        }
        for member in &declaration.body.members {
            self.enum_member(declaration, member, &mut props);
        }
        let value = self.add(Expr::Object { props, is_dict: false }, at);
        out.push(stmt(StmtKind::Let { pat, value: Some(value) }, at));
    }

    fn enum_member(&mut self, declaration: &TSEnumDeclaration<'a>, member: &TSEnumMember<'a>, props: &mut Vec<Prop>) {
        let name = enum_member_name(&member.id);
        let ident = oxc_str::Ident::from(name);
        let scope = declaration.body.scope_id.get();
        let symbol = scope.and_then(|scope| self.scoping.get_binding(scope, ident));
        let known = symbol.and_then(|symbol| self.scoping.get_enum_member_value(symbol)).cloned();
        let key = Symbol::new(name);
        let value = match (known, &member.initializer) {
            (Some(ConstantValue::Number(number)), _) => {
                let reverse = self.string(name, member.span);
                props.push(Prop::Init(Key::Static(Symbol::new(&number_name(number))), reverse));
                Expr::Num(number)
            }
            (Some(ConstantValue::String(text)), _) => Expr::Str(Arc::from(text.as_str())),
            (None, Some(initializer)) => {
                let value = self.expr(initializer);
                props.push(Prop::Init(Key::Static(key), value));
                return;
            }
            (None, None) => Expr::Opaque(Vec::new()),
        };
        let value = self.add(value, member.span);
        props.push(Prop::Init(Key::Static(key), value));
    }

    /// The value of an enum member named inside its own enum.
    pub(super) fn enum_member_value(&mut self, symbol: SymbolId) -> Expr {
        match self.scoping.get_enum_member_value(symbol) {
            Some(ConstantValue::Number(number)) => Expr::Num(*number),
            Some(ConstantValue::String(text)) => Expr::Str(Arc::from(text.as_str())),
            None => Expr::Opaque(Vec::new()),
        }
    }

    /// `namespace N { … }`: an object that receives the exported names.
    pub(super) fn namespace(&mut self, namespace: &TSNamespaceDeclaration<'a>, out: &mut Block) {
        let at = namespace.span;
        self.deeper(at, |this| this.namespace_inner(namespace, out), |_| ());
    }

    fn namespace_inner(&mut self, namespace: &TSNamespaceDeclaration<'a>, out: &mut Block) {
        let at = namespace.span;
        let Pat::Var(var) = self.declared(&namespace.id) else { return };
        // It may continue an earlier namespace, function or class of the same name.
        let current = self.add(Expr::Var(var), at);
        let empty = self.add(Expr::Object { props: Vec::new(), is_dict: false }, at);
        let value = self.add(Expr::Logical(LogicalOp::Or, current, empty), at);
        out.push(stmt(StmtKind::Let { pat: Pat::Var(var), value: Some(value) }, at));
        let mut body = Vec::new();
        match &namespace.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.namespace(inner, &mut body);
                self.namespace_export(var, &inner.id, &mut body);
            }
            TSNamespaceDeclarationBody::TSModuleBlock(block) => self.namespace_block(var, &block.body, &mut body),
        }
        out.push(stmt(StmtKind::Block(body), at));
    }

    fn namespace_block(&mut self, object: manta_flow::ir::Var, statements: &[Statement<'a>], out: &mut Block) {
        // `export` inside a namespace is not an export of the file, so statements are taken apart here.
        for statement in statements {
            if let Some(Declaration::FunctionDeclaration(function)) = exported(statement) {
                self.function_declaration(function, function.span.start, out);
                if let Some(id) = &function.id {
                    self.namespace_export(object, id, out);
                }
            }
        }
        let plain = statements.iter().filter(|statement| exported(statement).is_none());
        for statement in plain.clone() {
            if let Statement::FunctionDeclaration(function) = statement {
                self.function_declaration(function, function.span.start, out);
            }
        }
        for statement in statements {
            match exported(statement) {
                Some(Declaration::FunctionDeclaration(_)) => {}
                Some(declaration) => {
                    self.declaration(declaration, out);
                    if let Declaration::VariableDeclaration(variables) = declaration {
                        for declarator in &variables.declarations {
                            for ident in declarator.id.get_binding_identifiers() {
                                self.namespace_export(object, ident, out);
                            }
                        }
                    } else if let Some(ident) = declaration.id().filter(|_| !declaration.is_type()) {
                        self.namespace_export(object, ident, out);
                    }
                }
                None if statement.as_module_declaration().is_some() => {}
                None => self.statement(statement, out),
            }
        }
    }

    /// `N.name = name`.
    fn namespace_export(
        &mut self,
        object: manta_flow::ir::Var,
        ident: &oxc_ast::ast::BindingIdentifier<'a>,
        out: &mut Block,
    ) {
        let Some(var) = ident.symbol_id.get().and_then(|symbol| self.variable(symbol)) else { return };
        let name = self.name(ident.name);
        let object = self.add(Expr::Var(object), ident.span);
        let value = self.add(Expr::Var(var), ident.span);
        let assign = Expr::Assign { target: Box::new(Pat::Member(object, name)), value };
        let assign = self.add(assign, ident.span);
        out.push(Self::evaluate(assign, ident.span));
    }

    // ---- annotations -----------------------------------------------------------------------------------------

    /// The class or import an annotation names, also behind `| null`, `| undefined` and `readonly`.
    pub(super) fn annotation(&mut self, annotation: &TSTypeAnnotation<'a>) -> Option<ExprId> {
        self.type_value(&annotation.type_annotation)
    }

    fn type_value(&mut self, ty: &TSType<'a>) -> Option<ExprId> {
        match ty {
            TSType::TSTypeReference(reference) => self.type_name(&reference.type_name),
            TSType::TSParenthesizedType(inner) => self.type_value(&inner.type_annotation),
            TSType::TSUnionType(union) => {
                let mut named = union
                    .types
                    .iter()
                    .filter(|ty| !matches!(ty, TSType::TSNullKeyword(_) | TSType::TSUndefinedKeyword(_)));
                match (named.next(), named.next()) {
                    (Some(only), None) => self.type_value(only),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn type_name(&mut self, name: &TSTypeName<'a>) -> Option<ExprId> {
        match name {
            TSTypeName::IdentifierReference(ident) => {
                let symbol = self.resolve(ident)?;
                let flags = self.scoping.symbol_flags(symbol);
                let names_value = flags.is_class()
                    || flags.is_namespace_module()
                    || matches!(self.binding(symbol), Binding::Import(..));
                if !names_value {
                    return None;
                }
                let expr = self.symbol_value(symbol, ident.name);
                Some(self.add(expr, ident.span))
            }
            TSTypeName::QualifiedName(name) => {
                let object = self.type_name(&name.left)?;
                let field = self.name(name.right.name);
                Some(self.add(Expr::Member { object, name: field, optional: false }, name.span))
            }
            TSTypeName::ThisExpression(_) => None,
        }
    }

    /// `a.b.c` of `import x = a.b.c`.
    pub(super) fn qualified_value(&mut self, name: &TSQualifiedName<'a>) -> ExprId {
        let object = match &name.left {
            TSTypeName::IdentifierReference(ident) => self.identifier(ident),
            TSTypeName::QualifiedName(inner) => self.qualified_value(inner),
            TSTypeName::ThisExpression(this) => self.add(Expr::This, this.span),
        };
        let field = self.name(name.right.name);
        self.add(Expr::Member { object, name: field, optional: false }, name.span)
    }
}

/// The declaration behind `export` inside a namespace.
fn exported<'s, 'a>(statement: &'s Statement<'a>) -> Option<&'s Declaration<'a>> {
    match statement.as_module_declaration()? {
        ModuleDeclaration::ExportDeclaration(export) => Some(&export.declaration),
        _ => None,
    }
}

fn enum_member_name<'a>(name: &TSEnumMemberName<'a>) -> &'a str {
    match name {
        TSEnumMemberName::Identifier(ident) => ident.name.as_str(),
        TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => text.value.as_str(),
        TSEnumMemberName::ComputedTemplateString(template) => {
            template.quasis.first().and_then(|quasi| quasi.value.cooked).map_or("", |text| text.as_str())
        }
    }
}
