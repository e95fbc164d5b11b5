//! AST → IR in one walk.
//!
//! Name resolution comes from the parser's scope analysis; this module maps a symbol to the function frame that owns
//! it and leaves slots and captures to [`Builder`]. Everything below is split by syntactic category.

mod class;
mod expr;
mod function;
mod module;
mod pattern;
mod stmt;
mod typescript;

use std::collections::HashMap;
use std::sync::Arc;

use manta_core::{FileId, Span};
use manta_flow::builder::{Builder, FuncParts};
use manta_flow::ir::{CommonJs, Expr, ExprId, ImportId, ImportName, Key, Lang, Module, Stmt, StmtKind, Symbol, Var};
use oxc_ast::ast::{IdentifierReference, Program, PropertyKey};
use oxc_semantic::Scoping;
use oxc_str::{Ident, IdentBuildHasher};
use oxc_syntax::{scope::ScopeId, symbol::SymbolId};

use crate::docs::Docs;

/// How deep statements and expressions may nest before the rest is left out; the engine recurses as deep as this.
pub(crate) const MAX_DEPTH: u32 = 400;

/// Source bytes per expression in dense (minified) code, to size the module in one go.
const BYTES_PER_EXPR: usize = 12;

/// Keys of pseudo-variables that are no symbols of the scope analysis.
const KEY_MODULE: u32 = u32::MAX - 1;
const KEY_EXPORTS: u32 = u32::MAX - 2;
const KEY_ARGUMENTS: u32 = u32::MAX - 3;

const NO_FRAME: u32 = u32::MAX;

/// Lowers a parsed program.
pub(crate) fn lower(file: FileId, path: &str, program: &Program<'_>, scoping: &Scoping) -> (Module, Vec<String>) {
    let mut lowerer = Lowerer::new(file, path, program, scoping);
    lowerer.b.reserve(program.source_text.len() / BYTES_PER_EXPR);
    lowerer.collect_imports(&program.body);
    let body = lowerer.block(&program.body);
    lowerer.note_depth();
    let parts = FuncParts { body, span: span(program.span), ..FuncParts::default() };
    (lowerer.b.finish(parts), lowerer.problems)
}

/// What a symbol is bound to.
#[derive(Clone, Copy, Debug)]
enum Binding {
    /// Not looked at yet.
    Unknown,
    /// A variable of the function at this depth.
    Variable(u32),
    /// An imported name.
    Import(ImportId, ImportName),
    /// A `require` function made by `createRequire` or a bundler.
    Require,
}

/// State of one symbol.
#[derive(Clone, Copy, Debug)]
struct SymbolState {
    binding: Binding,
    /// Slot in the owning function, once declared.
    slot: Option<u32>,
    /// Some function inside the owner uses it.
    captured: bool,
}

struct Lowerer<'a> {
    b: Builder,
    scoping: &'a Scoping,
    text: &'a str,
    symbols: Vec<SymbolState>,
    /// Depth of the open function that a scope belongs to, for scopes that are functions.
    scope_depths: Vec<u32>,
    /// For each open function whether it is an arrow function.
    arrows: Vec<bool>,
    /// Depths of the open functions that are generators driven by a helper.
    driven: Vec<usize>,
    /// Block-scoped variables declared so far in the current function; loops take theirs off the end.
    lexicals: Vec<SymbolId>,
    /// The class whose static initialisers are being lowered, and whether they mentioned it.
    static_class: Option<(SymbolId, bool)>,
    /// Depth of the function in which `this` means [`Self::static_class`].
    static_depth: usize,
    names: HashMap<Ident<'a>, Symbol, IdentBuildHasher>,
    docs: Docs<'a>,
    depth: u32,
    /// Where nesting went beyond [`MAX_DEPTH`].
    too_deep: Option<Span>,
    problems: Vec<String>,
    /// The file has import or export declarations.
    is_esm: bool,
    /// An ES module replaces CommonJS; `export =` brings it back.
    commonjs: Option<CommonJs>,
}

impl<'a> Lowerer<'a> {
    fn new(file: FileId, path: &str, program: &'a Program<'a>, scoping: &'a Scoping) -> Self {
        let unknown = SymbolState { binding: Binding::Unknown, slot: None, captured: false };
        let mut scope_depths = vec![NO_FRAME; scoping.scopes_len()];
        scope_depths[scoping.root_scope_id().index()] = 0;
        Self {
            b: Builder::new(file, path, Lang::JavaScript),
            scoping,
            text: program.source_text,
            symbols: vec![unknown; scoping.symbols_len()],
            scope_depths,
            arrows: vec![false],
            driven: Vec::new(),
            lexicals: Vec::new(),
            static_class: None,
            static_depth: 0,
            names: HashMap::with_capacity_and_hasher(program.source_text.len() / 80, IdentBuildHasher),
            docs: Docs::new(program),
            depth: 0,
            too_deep: None,
            problems: Vec::new(),
            is_esm: module::is_esm(&program.body),
            commonjs: None,
        }
    }

    fn note_depth(&mut self) {
        if let Some(at) = self.too_deep {
            let line = 1 + self.text.as_bytes()[..at.start as usize].iter().filter(|byte| **byte == b'\n').count();
            self.problems
                .push(format!("nested more than {MAX_DEPTH} levels deep at line {line}; the inner part was left out"));
        }
    }

    /// Runs `walk` one level deeper, or gives up with `otherwise` at the limit.
    fn deeper<T>(
        &mut self,
        at: oxc_span::Span,
        walk: impl FnOnce(&mut Self) -> T,
        otherwise: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if self.depth >= MAX_DEPTH {
            self.too_deep.get_or_insert(span(at));
            return otherwise(self);
        }
        self.depth += 1;
        let result = walk(self);
        self.depth -= 1;
        result
    }

    fn add(&mut self, expr: Expr, at: oxc_span::Span) -> ExprId {
        self.b.expr(expr, span(at))
    }

    fn string(&mut self, text: &str, at: oxc_span::Span) -> ExprId {
        self.add(Expr::Str(Arc::from(text)), at)
    }

    /// Interns an identifier; the parser's precomputed hash makes repeats cheap.
    fn name(&mut self, ident: Ident<'a>) -> Symbol {
        *self.names.entry(ident).or_insert_with(|| Symbol::new(ident.as_str()))
    }

    // ---- variables -------------------------------------------------------------------------------------------

    /// What `symbol` is bound to; computes the owning function on first use.
    fn binding(&mut self, symbol: SymbolId) -> Binding {
        let known = self.symbols[symbol.index()].binding;
        if !matches!(known, Binding::Unknown) {
            return known;
        }
        let mut scope = Some(self.scoping.symbol_scope_id(symbol));
        let mut depth = 0;
        while let Some(id) = scope {
            if self.scope_depths[id.index()] != NO_FRAME {
                depth = self.scope_depths[id.index()];
                break;
            }
            scope = self.scoping.scope_parent_id(id);
        }
        let binding = Binding::Variable(depth);
        self.symbols[symbol.index()].binding = binding;
        binding
    }

    /// Makes `symbol` a variable of the innermost function even if its scope says otherwise (names of function and
    /// class expressions live where the expression is evaluated).
    fn own_here(&mut self, symbol: SymbolId) {
        let depth = u32::try_from(self.b.depth()).expect("function nesting is limited");
        self.symbols[symbol.index()].binding = Binding::Variable(depth);
    }

    /// The variable behind `symbol`, seen from the innermost function. None for imports.
    fn variable(&mut self, symbol: SymbolId) -> Option<Var> {
        let Binding::Variable(owner) = self.binding(symbol) else { return None };
        let owner = owner as usize;
        let key = u32::try_from(symbol.index()).expect("fewer than 2^32 symbols");
        if owner < self.b.depth() {
            self.symbols[symbol.index()].captured = true;
            return Some(self.b.var_at(key, owner));
        }
        if let Some(slot) = self.symbols[symbol.index()].slot {
            return Some(Var::Local(slot));
        }
        let slot = self.b.declare_at(key, owner);
        self.symbols[symbol.index()].slot = Some(slot);
        Some(Var::Local(slot))
    }

    /// The symbol an identifier resolves to. What TypeScript only declares (`declare const process: any`) exists
    /// elsewhere: a global.
    fn resolve(&self, ident: &IdentifierReference<'_>) -> Option<SymbolId> {
        let symbol = self.scoping.get_reference(ident.reference_id.get()?).symbol_id()?;
        (!self.scoping.symbol_flags(symbol).is_ambient()).then_some(symbol)
    }

    /// Lowers the use of a name as a value.
    fn identifier(&mut self, ident: &IdentifierReference<'a>) -> ExprId {
        let expr = match self.resolve(ident) {
            Some(symbol) => self.symbol_value(symbol, ident.name),
            None => self.global(ident.name),
        };
        self.add(expr, ident.span)
    }

    fn symbol_value(&mut self, symbol: SymbolId, name: Ident<'a>) -> Expr {
        if let Some((class, mentioned)) = &mut self.static_class
            && *class == symbol
        {
            *mentioned = true;
        }
        match self.binding(symbol) {
            Binding::Import(import, name) => Expr::Import(import, name),
            Binding::Require => Expr::Var(Var::Global(Symbol::new("require"))),
            _ if self.scoping.symbol_flags(symbol).is_enum_member() => self.enum_member_value(symbol),
            _ => match self.variable(symbol) {
                Some(var) => Expr::Var(var),
                None => Expr::Var(Var::Global(self.name(name))),
            },
        }
    }

    /// A name without a declaration in the file.
    fn global(&mut self, name: Ident<'a>) -> Expr {
        match name.as_str() {
            "undefined" => Expr::Undefined,
            "NaN" => Expr::Num(f64::NAN),
            "Infinity" => Expr::Num(f64::INFINITY),
            "arguments" => match self.arrows.iter().rposition(|is_arrow| !is_arrow) {
                Some(depth) if depth > 0 => Expr::Var(self.b.arguments_at(depth, KEY_ARGUMENTS)),
                _ => Expr::Var(Var::Global(self.name(name))),
            },
            "module" if !self.is_esm => self.commonjs_var(KEY_MODULE),
            "exports" if !self.is_esm => self.commonjs_var(KEY_EXPORTS),
            _ => Expr::Var(Var::Global(self.name(name))),
        }
    }

    /// `module` or `exports`; the first use makes the file a CommonJS module.
    fn commonjs_var(&mut self, key: u32) -> Expr {
        if self.commonjs.is_none() {
            let slots =
                CommonJs { module: self.b.declare_at(KEY_MODULE, 0), exports: self.b.declare_at(KEY_EXPORTS, 0) };
            self.b.commonjs(slots);
            self.commonjs = Some(slots);
        }
        Expr::Var(self.b.var_at(key, 0))
    }

    // ---- function frames -------------------------------------------------------------------------------------

    /// Opens a function whose variables live in `scope`.
    fn enter(&mut self, scope: Option<ScopeId>, is_arrow: bool) -> Entered {
        let depth = self.b.enter_function();
        if let Some(scope) = scope {
            self.scope_depths[scope.index()] = u32::try_from(depth).expect("function nesting is limited");
        }
        self.arrows.push(is_arrow);
        Entered { lexicals: std::mem::take(&mut self.lexicals) }
    }

    /// Closes the function opened by [`Self::enter`].
    fn leave(&mut self, entered: Entered, parts: FuncParts) -> manta_flow::ir::FuncId {
        self.lexicals = entered.lexicals;
        self.arrows.pop();
        self.b.leave_function(parts)
    }

    // ---- small helpers ---------------------------------------------------------------------------------------

    /// A property key in any position. Keys that are literals become static names.
    fn key(&mut self, key: &PropertyKey<'a>) -> Key {
        match key {
            PropertyKey::StaticIdentifier(ident) => Key::Static(self.name(ident.name)),
            PropertyKey::PrivateIdentifier(ident) => Key::Static(Symbol::new(&format!("#{}", ident.name))),
            PropertyKey::StringLiteral(text) => Key::Static(Symbol::new(&text.value)),
            PropertyKey::NumericLiteral(number) => Key::Static(Symbol::new(&number_name(number.value))),
            PropertyKey::TemplateLiteral(template) if template.expressions.is_empty() => {
                let text = template.quasis.first().and_then(|quasi| quasi.value.cooked);
                Key::Static(Symbol::new(text.map_or("", |text| text.as_str())))
            }
            other => match other.as_expression() {
                Some(expr) => Key::Computed(self.expr(expr)),
                None => Key::Static(Symbol::new("")),
            },
        }
    }
}

/// What [`Lowerer::leave`] puts back.
struct Entered {
    lexicals: Vec<SymbolId>,
}

/// The parser's span as ours.
pub(crate) fn span(span: oxc_span::Span) -> Span {
    Span::new(span.start, span.end)
}

fn stmt(kind: StmtKind, at: oxc_span::Span) -> Stmt {
    Stmt { kind, span: span(at) }
}

/// The name a number gets as a property key.
fn number_name(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value}") }
}
