//! Imports, exports and CommonJS.

use manta_flow::ir::{Block, Export, Expr, ExprId, ImportName, Pat, StmtKind, Symbol, Var};
use oxc_ast::ast::{
    BindingIdentifier, BindingPattern, Declaration, ExportAllDeclaration, ExportDefaultDeclaration,
    ExportDefaultDeclarationKind, ExportFromDeclaration, ExportNamedDeclaration, Expression, Function,
    ImportDeclaration, ImportDeclarationSpecifier, ImportOrExportKind, ModuleExportName, Statement, TSExportAssignment,
    TSImportEqualsDeclaration, TSModuleReference, VariableDeclaration,
};
use oxc_syntax::symbol::SymbolId;

use super::{Binding, KEY_MODULE, Lowerer, span, stmt};

/// Whether a file has import or export declarations.
pub(super) fn is_esm(body: &[Statement<'_>]) -> bool {
    body.iter().any(|statement| {
        matches!(
            statement,
            Statement::ImportDeclaration(_)
                | Statement::ExportAllDeclaration(_)
                | Statement::ExportDefaultDeclaration(_)
                | Statement::ExportDeclaration(_)
                | Statement::ExportNamedDeclaration(_)
                | Statement::ExportFromDeclaration(_)
        )
    })
}

impl<'a> Lowerer<'a> {
    /// Binds imported names before anything is lowered (imports are hoisted), in the order modules run.
    pub(super) fn collect_imports(&mut self, body: &[Statement<'a>]) {
        for statement in body {
            match statement {
                Statement::ImportDeclaration(import) => self.collect_import(import),
                Statement::ExportFromDeclaration(export) => {
                    let type_only = export.export_kind == ImportOrExportKind::Type;
                    self.b.import(&export.source.value, span(export.source.span), type_only);
                }
                Statement::ExportAllDeclaration(export) => {
                    let type_only = export.export_kind == ImportOrExportKind::Type;
                    self.b.import(&export.source.value, span(export.source.span), type_only);
                }
                Statement::TSImportEqualsDeclaration(import) => {
                    self.bind_import_equals(import);
                }
                _ => {}
            }
        }
        for statement in body {
            match statement {
                Statement::VariableDeclaration(variables) => self.collect_requires(variables),
                Statement::ExportDeclaration(export) => {
                    if let Declaration::VariableDeclaration(variables) = &export.declaration {
                        self.collect_requires(variables);
                    }
                }
                _ => {}
            }
        }
    }

    fn collect_import(&mut self, import: &ImportDeclaration<'a>) {
        let at = span(import.source.span);
        let all_types = import.import_kind == ImportOrExportKind::Type;
        let Some(specifiers) = &import.specifiers else {
            self.b.import(&import.source.value, at, all_types);
            return;
        };
        for specifier in specifiers {
            let (local, name, is_type) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(specifier) => {
                    let name = self.export_name(&specifier.imported);
                    let name = if name.as_str() == "default" { ImportName::Default } else { ImportName::Named(name) };
                    (&specifier.local, name, specifier.import_kind == ImportOrExportKind::Type)
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(specifier) => {
                    (&specifier.local, ImportName::Default, false)
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(specifier) => {
                    (&specifier.local, ImportName::Namespace, false)
                }
            };
            let id = self.b.import(&import.source.value, at, all_types || is_type);
            self.bind(local, Binding::Import(id, name));
        }
    }

    fn bind(&mut self, ident: &BindingIdentifier<'a>, binding: Binding) {
        if let Some(symbol) = ident.symbol_id.get() {
            self.symbols[symbol.index()].binding = binding;
        }
    }

    /// Marks variables that hold a `require` function: `createRequire(…)`, and the shim that esbuild puts into ES
    /// module bundles (recognised by its error message, which survives minification).
    fn collect_requires(&mut self, variables: &VariableDeclaration<'a>) {
        for declarator in &variables.declarations {
            let (BindingPattern::BindingIdentifier(ident), Some(init)) = (&declarator.id, &declarator.init) else {
                continue;
            };
            let is_require = match init {
                Expression::CallExpression(call) => {
                    let text = &self.text[call.span.start as usize..call.span.end as usize];
                    self.is_create_require(call)
                        || (text.len() < 1_000
                            && text.contains("typeof require")
                            && text.contains("Dynamic require of"))
                }
                _ => false,
            };
            if is_require {
                self.bind(ident, Binding::Require);
            }
        }
    }

    /// `import x = require("m")` binds `x` like a namespace import.
    fn bind_import_equals(&mut self, import: &TSImportEqualsDeclaration<'a>) {
        if let TSModuleReference::ExternalModuleReference(module) = &import.module_reference {
            let type_only = import.import_kind == ImportOrExportKind::Type;
            let id = self.b.import(&module.expression.value, span(module.span), type_only);
            self.bind(&import.id, Binding::Import(id, ImportName::Namespace));
        }
    }

    /// `import "./x"` runs a module for its effects.
    pub(super) fn import_effect(&mut self, import: &ImportDeclaration<'a>, out: &mut Block) {
        let nothing_bound = import.specifiers.as_ref().is_none_or(|specifiers| specifiers.is_empty());
        if nothing_bound && import.import_kind == ImportOrExportKind::Value {
            let id = self.b.import(&import.source.value, span(import.source.span), false);
            out.push(stmt(StmtKind::ImportEffect(id), import.span));
        }
    }

    fn export_name(&mut self, name: &ModuleExportName<'a>) -> Symbol {
        match name {
            ModuleExportName::IdentifierName(ident) => self.name(ident.name),
            ModuleExportName::IdentifierReference(ident) => self.name(ident.name),
            ModuleExportName::StringLiteral(text) => Symbol::new(&text.value),
        }
    }

    // ---- exports ---------------------------------------------------------------------------------------------

    /// `export const a = …, function f …, class C …, enum E …`.
    pub(super) fn export_declaration(&mut self, declaration: &Declaration<'a>) {
        match declaration {
            Declaration::VariableDeclaration(variables) if !variables.declare => {
                for declarator in &variables.declarations {
                    for ident in declarator.id.get_binding_identifiers() {
                        self.export_ident(ident);
                    }
                }
            }
            other if !other.declare() => {
                if let Some(ident) = other.id() {
                    self.export_ident(ident);
                }
            }
            _ => {}
        }
    }

    fn export_ident(&mut self, ident: &BindingIdentifier<'a>) {
        let name = self.name(ident.name);
        if let Some(symbol) = ident.symbol_id.get() {
            self.export_symbol(name, symbol);
        }
    }

    fn export_symbol(&mut self, name: Symbol, symbol: SymbolId) {
        if let Binding::Import(import, imported) = self.binding(symbol) {
            self.b.export(Export::From { name, import, imported });
            return;
        }
        let flags = self.scoping.symbol_flags(symbol);
        if !flags.is_value() && !flags.is_namespace_module() {
            return; // an interface or type alias
        }
        if let Some(Var::Local(slot)) = self.variable(symbol) {
            self.b.export(Export::Local { name, slot });
        }
    }

    /// `export { a as b }`.
    pub(super) fn export_named(&mut self, export: &ExportNamedDeclaration<'a>) {
        for specifier in &export.specifiers {
            let name = self.export_name(&specifier.exported);
            let symbol = match &specifier.local {
                ModuleExportName::IdentifierReference(ident) => self.resolve(ident),
                _ => None,
            };
            if let Some(symbol) = symbol {
                self.export_symbol(name, symbol);
            }
        }
    }

    /// `export { a as b } from "m"`.
    pub(super) fn export_from(&mut self, export: &ExportFromDeclaration<'a>) {
        for specifier in &export.specifiers {
            let type_only =
                export.export_kind == ImportOrExportKind::Type || specifier.export_kind == ImportOrExportKind::Type;
            let import = self.b.import(&export.source.value, span(export.source.span), type_only);
            let name = self.export_name(&specifier.exported);
            let local = self.export_name(&specifier.local);
            let imported = if local.as_str() == "default" { ImportName::Default } else { ImportName::Named(local) };
            self.b.export(Export::From { name, import, imported });
        }
    }

    /// `export * from "m"`, `export * as ns from "m"`.
    pub(super) fn export_all(&mut self, export: &ExportAllDeclaration<'a>) {
        let type_only = export.export_kind == ImportOrExportKind::Type;
        let import = self.b.import(&export.source.value, span(export.source.span), type_only);
        match &export.exported {
            Some(name) => {
                let name = self.export_name(name);
                self.b.export(Export::From { name, import, imported: ImportName::Namespace });
            }
            None => self.b.export(Export::Star { import }),
        }
    }

    /// The hoisted half of `export default function …`.
    pub(super) fn export_default_function(&mut self, function: &Function<'a>, start: u32, out: &mut Block) {
        if function.body.is_none() {
            return; // an overload signature
        }
        let name = Symbol::new("default");
        match function.id.as_ref().and_then(|id| id.symbol_id.get()) {
            Some(symbol) => {
                self.function_declaration(function, start, out);
                self.export_symbol(name, symbol);
            }
            None => {
                let doc = self.docs.before(start);
                let func = self.function(function, Some(name), doc);
                let value = self.add(Expr::Func(func), function.span);
                self.default_slot(value, function.span, out);
            }
        }
    }

    fn default_slot(&mut self, value: ExprId, at: oxc_span::Span, out: &mut Block) {
        let slot = self.b.temp();
        out.push(stmt(StmtKind::Let { pat: Pat::Var(Var::Local(slot)), value: Some(value) }, at));
        self.b.export(Export::Local { name: Symbol::new("default"), slot });
    }

    /// `export default …`, except the function that is already hoisted.
    pub(super) fn export_default(&mut self, export: &ExportDefaultDeclaration<'a>, out: &mut Block) {
        let name = Symbol::new("default");
        match &export.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(_)
            | ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => {}
            ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                match class.id.as_ref().and_then(|id| id.symbol_id.get()) {
                    Some(symbol) => {
                        self.class_declaration(class, Some(name), out);
                        self.export_symbol(name, symbol);
                    }
                    None => {
                        let value = self.class_expr(class, Some(name));
                        self.default_slot(value, class.span, out);
                    }
                }
            }
            other => {
                let Some(expr) = other.as_expression() else { return };
                if let Expression::Identifier(ident) = expr
                    && let Some(symbol) = self.resolve(ident)
                    && !self.scoping.symbol_is_mutated(symbol)
                {
                    self.export_symbol(name, symbol);
                    return;
                }
                let value = self.named_expr(expr, Some(name));
                self.default_slot(value, export.span, out);
            }
        }
    }

    /// `export = value`.
    pub(super) fn export_assignment(&mut self, export: &TSExportAssignment<'a>, out: &mut Block) {
        let module = self.commonjs_var(KEY_MODULE);
        let module = self.add(module, export.span);
        let value = self.expr(&export.expression);
        let target = Box::new(Pat::Member(module, Symbol::new("exports")));
        let assign = self.add(Expr::Assign { target, value }, export.span);
        out.push(Self::evaluate(assign, export.span));
    }

    /// `import a = b.c` copies; `import a = require("m")` is bound already (or here, inside a namespace).
    pub(super) fn import_equals(&mut self, import: &TSImportEqualsDeclaration<'a>, out: &mut Block) {
        let value = match &import.module_reference {
            TSModuleReference::ExternalModuleReference(_) => {
                self.bind_import_equals(import);
                return;
            }
            TSModuleReference::IdentifierReference(ident) => self.identifier(ident),
            TSModuleReference::QualifiedName(name) => self.qualified_value(name),
        };
        let pat = self.declared(&import.id);
        out.push(stmt(StmtKind::Let { pat, value: Some(value) }, import.span));
    }
}
