//! The language-neutral program that front ends produce and the engine interprets.
//!
//! It is a *structured* tree, not a control-flow graph: `if`, loops and `try` stay what they are, so that the abstract
//! interpreter can branch, join and leave scopes by plain recursion, and a front end lowers in one walk. What
//! languages hide is made explicit here: name resolution is done (locals are slots, closures list what they capture),
//! hoisting is spelled out as assignments at the start of a block, imports are references into [`Module::imports`].
//!
//! Conventions for front ends
//! * JavaScript function declarations become `Let` statements at the start of their block (hoisted).
//! * A reference to an imported binding is [`Expr::Import`] at *every use* (imports are live bindings, and modules may
//!   import each other in circles).
//! * TypeScript types vanish, except annotations that name a class, interface or alias value: see [`Param::annotation`].
//! * Python: `self` is the first parameter of a method like any other; the engine passes the receiver.
//! * `with a as b` is `Let b = Enter(a)`; comprehensions are [`Expr::Comprehension`]; `match` becomes a chain of `If`;
//!   `f`-strings and template literals are [`Expr::Template`]; decorators are [`Expr::Decorated`].

use std::sync::Arc;

use manta_core::{FileId, Span};

pub use crate::symbol::Symbol;

/// Source language of a module; the engine uses it to pick built-in semantics (methods of strings, truthiness).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lang {
    /// JavaScript or TypeScript.
    JavaScript,
    /// Python 3.
    Python,
}

/// Index of an expression in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// Index of a function in its module; 0 is the module's top level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncId(pub u32);

/// Index of a class in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u32);

/// Index into [`Module::imports`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportId(pub u32);

/// One source file after lowering.
#[derive(Debug)]
pub struct Module {
    /// The file in the source map.
    pub file: FileId,
    /// Path relative to the target, `/`-separated.
    pub path: Arc<str>,
    /// Source language.
    pub lang: Lang,
    /// Expressions, addressed by [`ExprId`].
    pub exprs: Vec<Expr>,
    /// Byte span of each expression, parallel to `exprs`.
    pub spans: Vec<Span>,
    /// Functions; `funcs[0]` is the module's top level.
    pub funcs: Vec<Func>,
    /// Classes.
    pub classes: Vec<Class>,
    /// Everything the file imports, requires or re-exports from.
    pub imports: Vec<Import>,
    /// What other modules can see. For Python: every top-level name.
    pub exports: Vec<Export>,
    /// Slots of the CommonJS pseudo-variables `module`, `exports` in the top-level function, if the file uses them.
    pub commonjs: Option<CommonJs>,
}

/// Slots through which a CommonJS module publishes its value.
#[derive(Clone, Copy, Debug)]
pub struct CommonJs {
    /// Slot of `module` (an object with the field `exports`).
    pub module: u32,
    /// Slot of `exports` (initially the same object as `module.exports`).
    pub exports: u32,
}

/// An import of another module, by its specifier as written.
#[derive(Clone, Debug)]
pub struct Import {
    /// `./util.js`, `node:fs`, `@scope/pkg/sub`; Python: `a.b.c`, `..pkg.mod` (leading dots for relative imports).
    pub request: Arc<str>,
    /// Where it is written.
    pub span: Span,
    /// True for `import type` and imports under `if TYPE_CHECKING` (followed for class lookup, not executed).
    pub type_only: bool,
}

/// Which part of an imported module a reference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportName {
    /// The module object: `import * as m`, `require("m")`, Python `import m`.
    Namespace,
    /// `import d from "m"`.
    Default,
    /// `import { n } from "m"`, Python `from m import n` (a name or a submodule).
    Named(Symbol),
}

/// A name visible to importers.
#[derive(Clone, Debug)]
pub enum Export {
    /// `export { slot as name }`; the default export is named `default`.
    Local {
        /// Public name.
        name: Symbol,
        /// Slot in the top-level function.
        slot: u32,
    },
    /// `export { imported as name } from "m"`.
    From {
        /// Public name.
        name: Symbol,
        /// The other module.
        import: ImportId,
        /// What of it.
        imported: ImportName,
    },
    /// `export * from "m"`, Python `from m import *`.
    Star {
        /// The other module.
        import: ImportId,
    },
}

/// A function, method, lambda or module top level.
#[derive(Debug)]
pub struct Func {
    /// Declared or inferred name.
    pub name: Option<Symbol>,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// Number of local slots.
    pub slots: u32,
    /// For each capture, where the *enclosing* function finds the variable when it creates the closure.
    pub captures: Vec<Captured>,
    /// Statements.
    pub body: Block,
    /// Span of the whole function.
    pub span: Span,
    /// `async`.
    pub is_async: bool,
    /// `function*` or a Python function containing `yield`.
    pub is_generator: bool,
    /// Arrow functions see the `this` of the function that creates them.
    pub is_arrow: bool,
    /// Python docstring; for JavaScript the leading `/** */` comment if cheap to get.
    pub doc: Option<Arc<str>>,
    /// Slot of JavaScript's `arguments` object, if used.
    pub arguments: Option<u32>,
    /// Python return annotation.
    pub returns: Option<ExprId>,
}

/// A variable seen from the creating function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captured {
    /// A slot of the creating function.
    Local(u32),
    /// A capture of the creating function.
    Capture(u32),
}

/// How an argument reaches a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Positional (Python: also by name).
    Normal,
    /// `...rest`, `*args`.
    Rest,
    /// Python keyword-only.
    KeywordOnly,
    /// Python `**kwargs`.
    KeywordRest,
}

/// One parameter.
#[derive(Debug)]
pub struct Param {
    /// What the argument is bound to.
    pub pat: Pat,
    /// The name if the pattern is a plain variable.
    pub name: Option<Symbol>,
    /// Default value.
    pub default: Option<ExprId>,
    /// How it is filled.
    pub kind: ParamKind,
    /// Python: the annotation as an expression (evaluated lazily, e.g. `Annotated[str, Field(pattern=…)]`; a string
    /// annotation is parsed). TypeScript: a reference to the class, interface or import the type names, if it is a
    /// plain type reference; otherwise none.
    pub annotation: Option<ExprId>,
    /// TypeScript parameter property (`constructor(private x: X)`): also assigned to `this.name`.
    pub is_property: bool,
    /// Where it is written.
    pub span: Span,
}

/// A class.
#[derive(Debug)]
pub struct Class {
    /// Declared name.
    pub name: Option<Symbol>,
    /// `extends` expression, or Python bases in order.
    pub bases: Vec<ExprId>,
    /// Python keyword arguments of the class statement (`metaclass=…`), evaluated but otherwise ignored.
    pub keywords: Vec<(Symbol, ExprId)>,
    /// Members in order. The JavaScript constructor is the method `constructor`, the Python one `__init__`.
    pub members: Vec<Member>,
    /// Class decorators, outermost first.
    pub decorators: Vec<ExprId>,
    /// Span of the whole class.
    pub span: Span,
    /// Docstring.
    pub doc: Option<Arc<str>>,
}

/// What a class member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// Instance method.
    Method,
    /// `static` method, `@staticmethod`.
    StaticMethod,
    /// `@classmethod`: receives the class.
    ClassMethod,
    /// `get x()`, `@property`.
    Getter,
    /// `set x(v)`, `@x.setter`.
    Setter,
    /// `static get x()` (JavaScript only).
    StaticGetter,
    /// `static set x(v)` (JavaScript only).
    StaticSetter,
    /// Instance field initialiser (evaluated with `this`; its value is a function of no parameters).
    Field,
    /// `static x = …`, Python class attribute (also how dataclass and pydantic fields are declared).
    StaticField,
    /// `static { … }`.
    StaticBlock,
}

/// A class member.
#[derive(Debug)]
pub struct Member {
    /// Kind.
    pub kind: MemberKind,
    /// Name. JavaScript private names keep their `#`.
    pub key: Key,
    /// Method body, field initialiser (as a zero-parameter function for `Field`, `StaticBlock`), or none for a bare
    /// annotated declaration.
    pub func: Option<FuncId>,
    /// Value expression of a `StaticField`, evaluated where the class is created.
    pub value: Option<ExprId>,
    /// Type annotation, as for [`Param::annotation`].
    pub annotation: Option<ExprId>,
    /// Member decorators, outermost first (`@property`, `@staticmethod`, `@classmethod`, `@x.setter` are consumed).
    pub decorators: Vec<ExprId>,
    /// Span of the member.
    pub span: Span,
}

/// A property key.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// A literal name.
    Static(Symbol),
    /// `[expr]`.
    Computed(ExprId),
}

/// Where a variable lives, seen from the current function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Var {
    /// A slot of this function.
    Local(u32),
    /// A captured variable of this closure.
    Capture(u32),
    /// Not bound in the file: a global or built-in (or, in Python, possibly a name from a star import).
    Global(Symbol),
}

/// A sequence of statements.
pub type Block = Vec<Stmt>;

/// A statement with its span.
#[derive(Debug)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it is.
    pub span: Span,
}

/// Statements.
#[derive(Debug)]
pub enum StmtKind {
    /// Evaluate and drop.
    Expr(ExprId),
    /// Bind a pattern. Without a value the variables become undefined.
    Let {
        /// Target.
        pat: Pat,
        /// Value.
        value: Option<ExprId>,
    },
    /// Two-way branch.
    If {
        /// Condition.
        test: ExprId,
        /// Taken when true.
        then: Block,
        /// Taken when false.
        otherwise: Block,
    },
    /// `while`, `do … while` (`test_first` false) and C-style `for` (`update` runs after the body and on `continue`).
    While {
        /// Condition; none means forever.
        test: Option<ExprId>,
        /// Body.
        body: Block,
        /// Step expression.
        update: Option<ExprId>,
        /// Whether the test runs before the first round.
        test_first: bool,
        /// Python `else` of a loop (runs when no `break`).
        otherwise: Block,
        /// Slots that get a fresh variable each round because closures capture them.
        fresh: Vec<u32>,
    },
    /// `for … of`, `for … in` (`keys` true), Python `for`, `for await`.
    ForEach {
        /// Bound to each element.
        pat: Pat,
        /// What is iterated.
        iter: ExprId,
        /// Iterates property keys instead of elements (JavaScript `for in`).
        keys: bool,
        /// Body.
        body: Block,
        /// Python `else`.
        otherwise: Block,
        /// Slots that get a fresh variable each round because closures capture them.
        fresh: Vec<u32>,
    },
    /// JavaScript `switch`, with fall-through. A case without a test is `default`.
    Switch {
        /// The compared value.
        value: ExprId,
        /// Cases in order.
        cases: Vec<(Option<ExprId>, Block)>,
    },
    /// Leave the function.
    Return(Option<ExprId>),
    /// `throw`, `raise` (none: re-raise).
    Throw(Option<ExprId>),
    /// `break`, with an optional label.
    Break(Option<Symbol>),
    /// `continue`, with an optional label.
    Continue(Option<Symbol>),
    /// A nested block.
    Block(Block),
    /// `label: …`.
    Labeled(Symbol, Block),
    /// `try`.
    Try {
        /// Protected statements.
        body: Block,
        /// Handlers in order.
        handlers: Vec<Handler>,
        /// Python `else`.
        otherwise: Block,
        /// `finally`.
        finally: Block,
    },
    /// Python `assert` (removed under `-O`, so not a check to rely on; the engine decides).
    Assert(ExprId),
    /// Python `from m import *`: names of `m` become visible as globals of this module.
    ImportStar(ImportId),
    /// Execute the imported module for its side effects (`import "./x"`). Imports run in order of first mention anyway.
    ImportEffect(ImportId),
}

/// A `catch` or `except` clause.
#[derive(Debug)]
pub struct Handler {
    /// Python exception types; empty catches everything.
    pub types: Vec<ExprId>,
    /// Bound to the exception.
    pub pat: Option<Pat>,
    /// Body.
    pub body: Block,
}

/// An assignment target.
#[derive(Debug)]
pub enum Pat {
    /// A variable.
    Var(Var),
    /// `obj.name`.
    Member(ExprId, Symbol),
    /// `obj[index]`.
    Index(ExprId, ExprId),
    /// `{ a, b: c = 1, ...rest }`.
    Object {
        /// Fields: key, target, default.
        fields: Vec<(Key, Pat, Option<ExprId>)>,
        /// Remaining fields.
        rest: Option<Box<Pat>>,
    },
    /// `[a, , b = 1, ...rest]`, Python tuple targets.
    Array {
        /// Elements; none for a hole.
        items: Vec<Option<(Pat, Option<ExprId>)>>,
        /// Position of the starred target counted in `items`, and the target (Python allows it in the middle).
        rest: Option<(usize, Box<Pat>)>,
    },
    /// Value is dropped.
    Ignore,
}

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its value.
    pub value: ExprId,
    /// How it is passed.
    pub kind: ArgKind,
}

/// How an argument is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// By position.
    Positional,
    /// `...xs`, `*xs`.
    Spread,
    /// `name=value`.
    Named(Symbol),
    /// `**mapping`.
    SpreadNamed,
}

/// What a sequence literal builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeqKind {
    /// JavaScript array, Python list.
    List,
    /// Python tuple.
    Tuple,
    /// Python set.
    Set,
}

/// A field of an object or dict literal.
#[derive(Clone, Copy, Debug)]
pub enum Prop {
    /// `key: value`, also methods.
    Init(Key, ExprId),
    /// `...value`, `**value`.
    Spread(ExprId),
    /// `get key() { … }`.
    Getter(Key, FuncId),
    /// `set key(v) { … }`.
    Setter(Key, FuncId),
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`, `not`.
    Not,
    /// `-`.
    Neg,
    /// Unary `+` (JavaScript: to number).
    Plus,
    /// `~`.
    BitNot,
    /// `typeof`.
    TypeOf,
    /// `void`.
    Void,
    /// `delete`, Python `del`.
    Delete,
}

/// Binary operators. Strict and loose equality are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    /// Also Python's string formatting.
    Mod,
    Pow,
    FloorDiv,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    /// JavaScript: key in object. Python: membership (also substring).
    In,
    NotIn,
    /// JavaScript `instanceof`, Python `isinstance` as a pattern.
    InstanceOf,
    /// Python `is`.
    Is,
    IsNot,
}

/// Short-circuit operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicalOp {
    /// `&&`, `and`.
    And,
    /// `||`, `or`.
    Or,
    /// `??`.
    Coalesce,
}

/// What a comprehension builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompKind {
    /// `[…]`.
    List,
    /// `{…}`.
    Set,
    /// `{k: v …}`.
    Dict,
    /// `(…)`.
    Generator,
}

/// One `for … in … if …` of a comprehension.
#[derive(Debug)]
pub struct CompClause {
    /// Bound to each element.
    pub pat: Pat,
    /// What is iterated.
    pub iter: ExprId,
    /// Filters.
    pub conditions: Vec<ExprId>,
}

/// Expressions.
#[derive(Debug)]
pub enum Expr {
    /// `undefined`.
    Undefined,
    /// `null`, `None`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Num(f64),
    /// A string (also Python bytes).
    Str(Arc<str>),
    /// `/pattern/flags`.
    Regex {
        /// Source of the pattern.
        pattern: Arc<str>,
        /// Flags.
        flags: Arc<str>,
    },
    /// Template literal or f-string: literal parts are `Str` expressions.
    Template(Vec<ExprId>),
    /// Tagged template: ``tag`a${b}c` ``; parts as in `Template`.
    Tagged {
        /// The tag function.
        tag: ExprId,
        /// Alternating text and values.
        parts: Vec<ExprId>,
    },
    /// A variable.
    Var(Var),
    /// An imported binding or module.
    Import(ImportId, ImportName),
    /// `this`.
    This,
    /// `super`, Python `super()`.
    Super,
    /// Python `super(Class, object)`: what follows the class when names of the object are looked up.
    SuperOf {
        /// The class that is left behind.
        class: ExprId,
        /// The receiver.
        object: ExprId,
    },
    /// `obj.name`; JavaScript private names keep their `#`.
    Member {
        /// Receiver.
        object: ExprId,
        /// Field.
        name: Symbol,
        /// `?.`.
        optional: bool,
    },
    /// `obj[index]`.
    Index {
        /// Receiver.
        object: ExprId,
        /// Index or key.
        index: ExprId,
    },
    /// Python `obj[lo:hi:step]`.
    Slice {
        /// Receiver.
        object: ExprId,
        /// Start.
        lower: Option<ExprId>,
        /// End.
        upper: Option<ExprId>,
        /// Step.
        step: Option<ExprId>,
    },
    /// `f(…)`, `new F(…)`, `f?.(…)`.
    Call {
        /// Called value; a `Member` or `Index` callee passes its object as receiver.
        callee: ExprId,
        /// Arguments.
        args: Vec<Arg>,
        /// `new`.
        is_new: bool,
        /// `?.(`.
        optional: bool,
    },
    /// `import(expr)`, `require(expr)` with a non-literal argument (a literal one is an [`Expr::Import`] namespace).
    DynamicImport(ExprId),
    /// Object or dict literal.
    Object {
        /// Fields.
        props: Vec<Prop>,
        /// True for Python dicts: keys are not attributes.
        is_dict: bool,
    },
    /// Array, list, tuple or set literal.
    Seq {
        /// What it builds.
        kind: SeqKind,
        /// Elements; true marks a spread.
        items: Vec<(ExprId, bool)>,
    },
    /// Comprehension or generator expression, evaluated in the current function.
    Comprehension {
        /// What it builds.
        kind: CompKind,
        /// Element, or key of a dict.
        element: ExprId,
        /// Value of a dict.
        value: Option<ExprId>,
        /// Loops, outermost first.
        clauses: Vec<CompClause>,
    },
    /// A closure.
    Func(FuncId),
    /// A class value.
    Class(ClassId),
    /// Unary operator.
    Unary(UnaryOp, ExprId),
    /// Binary operator.
    Binary(BinaryOp, ExprId, ExprId),
    /// Short-circuit operator.
    Logical(LogicalOp, ExprId, ExprId),
    /// `test ? a : b`.
    Conditional(ExprId, ExprId, ExprId),
    /// Assignment; its value is the assigned value. Python's walrus too.
    Assign {
        /// Target.
        target: Box<Pat>,
        /// Value.
        value: ExprId,
    },
    /// `target op= value`, `++`, `--`.
    AugAssign {
        /// Operator.
        op: BinaryOp,
        /// Target.
        target: Box<Pat>,
        /// The target read as an expression.
        current: ExprId,
        /// Operand.
        value: ExprId,
    },
    /// `target &&= value`, `||=`, `??=`.
    LogicalAssign {
        /// Operator.
        op: LogicalOp,
        /// Target.
        target: Box<Pat>,
        /// The target read as an expression.
        current: ExprId,
        /// Operand.
        value: ExprId,
    },
    /// `await`.
    Await(ExprId),
    /// `yield`, `yield*`, `yield from`.
    Yield {
        /// Yielded value.
        value: Option<ExprId>,
        /// Delegates to an iterable.
        delegate: bool,
    },
    /// `a, b`: the last value.
    Sequence(Vec<ExprId>),
    /// Python: the value a context manager's `__enter__` gives.
    Enter(ExprId),
    /// `@decorator` applied to a function or class value. An unknown decorator returns its target.
    Decorated {
        /// The decorator expression.
        decorator: ExprId,
        /// What it decorates.
        target: ExprId,
    },
    /// Something without a meaning of its own here (JSX, patterns of `match`); depends on its operands.
    Opaque(Vec<ExprId>),
}

impl Module {
    /// The expression behind an id.
    #[must_use]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// Where an expression is written.
    #[must_use]
    pub fn span(&self, id: ExprId) -> Span {
        self.spans[id.0 as usize]
    }

    /// The function behind an id.
    #[must_use]
    pub fn func(&self, id: FuncId) -> &Func {
        &self.funcs[id.0 as usize]
    }

    /// The class behind an id.
    #[must_use]
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }
}
