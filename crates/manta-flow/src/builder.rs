//! What a front end uses to build a [`Module`]: expression ids, function frames and closure conversion.
//!
//! A front end gives every variable a key (a symbol id of its own scope analysis) and says which function frame owns
//! it; the builder assigns slots and threads captures through the functions in between.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use manta_core::{FileId, Span};

use crate::ir::{
    Block, Captured, Class, ClassId, CommonJs, Export, Expr, ExprId, Func, FuncId, Import, ImportId, Lang, Module,
    Param, Symbol, Var,
};

/// A front end's own identity of a variable.
pub type VarKey = u32;

/// Builds one module.
#[derive(Debug)]
pub struct Builder {
    module: Module,
    frames: Vec<Frame>,
}

type KeyMap = HashMap<VarKey, u32, BuildHasherDefault<KeyHasher>>;

/// Hashes a variable key by one multiplication: keys are small numbers given out by the front end itself, so nobody
/// can choose them to collide.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, key: u32) {
        let mixed = (self.0 ^ u64::from(key)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[derive(Debug)]
struct Frame {
    func: FuncId,
    slots: KeyMap,
    captures: KeyMap,
    capture_list: Vec<Captured>,
    next_slot: u32,
    arguments: Option<u32>,
}

/// What [`Builder::leave_function`] needs to know beyond slots and captures.
#[derive(Debug, Default)]
pub struct FuncParts {
    /// Declared or inferred name.
    pub name: Option<Symbol>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Body.
    pub body: Block,
    /// Span of the function.
    pub span: Span,
    /// `async`.
    pub is_async: bool,
    /// Generator.
    pub is_generator: bool,
    /// Arrow function.
    pub is_arrow: bool,
    /// Documentation text.
    pub doc: Option<Arc<str>>,
    /// Return annotation.
    pub returns: Option<ExprId>,
}

impl Builder {
    /// Starts a module; frame 0 (its top level) is open.
    #[must_use]
    pub fn new(file: FileId, path: &str, lang: Lang) -> Self {
        let module = Module {
            file,
            path: Arc::from(path),
            lang,
            exprs: Vec::new(),
            spans: Vec::new(),
            funcs: Vec::new(),
            classes: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            commonjs: None,
        };
        let mut builder = Self { module, frames: Vec::new() };
        builder.enter_function();
        builder
    }

    /// Makes room for about this many expressions; growing a large module piece by piece copies it many times.
    pub fn reserve(&mut self, exprs: usize) {
        self.module.exprs.reserve(exprs);
        self.module.spans.reserve(exprs);
    }

    /// Adds an expression.
    pub fn expr(&mut self, expr: Expr, span: Span) -> ExprId {
        let id = ExprId(u32::try_from(self.module.exprs.len()).expect("fewer than 2^32 expressions in a file"));
        self.module.exprs.push(expr);
        self.module.spans.push(span);
        id
    }

    /// Reads back an expression, e.g. to see whether a callee is a member access.
    #[must_use]
    pub fn get(&self, id: ExprId) -> &Expr {
        self.module.expr(id)
    }

    /// Where an expression is written.
    #[must_use]
    pub fn span(&self, id: ExprId) -> Span {
        self.module.span(id)
    }

    /// Opens a function and returns its depth (the module's top level has depth 0).
    pub fn enter_function(&mut self) -> usize {
        let func = FuncId(u32::try_from(self.module.funcs.len()).expect("fewer than 2^32 functions in a file"));
        self.module.funcs.push(Func {
            name: None,
            params: Vec::new(),
            slots: 0,
            captures: Vec::new(),
            body: Vec::new(),
            span: Span::default(),
            is_async: false,
            is_generator: false,
            is_arrow: false,
            doc: None,
            arguments: None,
            returns: None,
        });
        self.frames.push(Frame {
            func,
            slots: KeyMap::default(),
            captures: KeyMap::default(),
            capture_list: Vec::new(),
            next_slot: 0,
            arguments: None,
        });
        self.frames.len() - 1
    }

    /// Closes the innermost function.
    ///
    /// # Panics
    /// If no function is open; the front end pairs every enter with a leave.
    pub fn leave_function(&mut self, parts: FuncParts) -> FuncId {
        let frame = self.frames.pop().expect("leave_function pairs with enter_function");
        self.module.funcs[frame.func.0 as usize] = Func {
            name: parts.name,
            params: parts.params,
            slots: frame.next_slot,
            captures: frame.capture_list,
            body: parts.body,
            span: parts.span,
            is_async: parts.is_async,
            is_generator: parts.is_generator,
            is_arrow: parts.is_arrow,
            doc: parts.doc,
            arguments: frame.arguments,
            returns: parts.returns,
        };
        frame.func
    }

    /// Depth of the innermost open function.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.frames.len() - 1
    }

    /// A slot in the innermost function for `key` (the same one when declared twice).
    pub fn declare(&mut self, key: VarKey) -> u32 {
        let depth = self.depth();
        self.declare_at(key, depth)
    }

    /// A slot for `key` in the function at `depth`.
    pub fn declare_at(&mut self, key: VarKey, depth: usize) -> u32 {
        let frame = &mut self.frames[depth];
        *frame.slots.entry(key).or_insert_with(|| {
            frame.next_slot += 1;
            frame.next_slot - 1
        })
    }

    /// A slot of the innermost function that no source name refers to.
    pub fn temp(&mut self) -> u32 {
        let frame = self.frames.last_mut().expect("a function is open");
        frame.next_slot += 1;
        frame.next_slot - 1
    }

    /// The slot of JavaScript's `arguments` in the function at `depth`.
    pub fn arguments_at(&mut self, depth: usize, key: VarKey) -> Var {
        let slot = self.declare_at(key, depth);
        self.frames[depth].arguments = Some(slot);
        self.var_at(key, depth)
    }

    /// The variable `key` that belongs to the function at depth `owner`, seen from the innermost function; captures
    /// are added to every function in between.
    pub fn var_at(&mut self, key: VarKey, owner: usize) -> Var {
        let innermost = self.depth();
        let slot = self.declare_at(key, owner);
        if owner == innermost {
            return Var::Local(slot);
        }
        let mut seen = Captured::Local(slot);
        for frame in &mut self.frames[owner + 1..=innermost] {
            let index = *frame.captures.entry(key).or_insert_with(|| {
                frame.capture_list.push(seen);
                u32::try_from(frame.capture_list.len() - 1).expect("fewer than 2^32 captures")
            });
            seen = Captured::Capture(index);
        }
        match seen {
            Captured::Capture(index) => Var::Capture(index),
            Captured::Local(slot) => Var::Local(slot),
        }
    }

    /// The variable `key` if some open function declared it, searching outwards.
    pub fn lookup(&mut self, key: VarKey) -> Option<Var> {
        let owner = self.frames.iter().rposition(|frame| frame.slots.contains_key(&key))?;
        Some(self.var_at(key, owner))
    }

    /// Adds a class.
    pub fn class(&mut self, class: Class) -> ClassId {
        self.module.classes.push(class);
        ClassId(u32::try_from(self.module.classes.len() - 1).expect("fewer than 2^32 classes"))
    }

    /// Adds an import (one entry per specifier and type-only flag).
    pub fn import(&mut self, request: &str, span: Span, type_only: bool) -> ImportId {
        let known = self.module.imports.iter().position(|i| &*i.request == request && i.type_only == type_only);
        let index = known.unwrap_or_else(|| {
            self.module.imports.push(Import { request: Arc::from(request), span, type_only });
            self.module.imports.len() - 1
        });
        ImportId(u32::try_from(index).expect("fewer than 2^32 imports"))
    }

    /// The specifier of an import, as written.
    #[must_use]
    pub fn import_request(&self, id: ImportId) -> &str {
        &self.module.imports[id.0 as usize].request
    }

    /// Adds an export.
    pub fn export(&mut self, export: Export) {
        self.module.exports.push(export);
    }

    /// Marks the file as CommonJS.
    pub fn commonjs(&mut self, slots: CommonJs) {
        self.module.commonjs = Some(slots);
    }

    /// Closes the top level and returns the module.
    #[must_use]
    pub fn finish(mut self, top: FuncParts) -> Module {
        self.leave_function(top);
        self.module
    }
}
