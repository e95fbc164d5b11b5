//! What happens on the way from a call of a tool to its end: which functions of the target run, which of the outside are
//! called, and whether the code decides by the clock or by the size of what it was given.
//!
//! Rules about missing controls ask this. A limiter need not be a library: code that reads a clock and turns a call away
//! by what it reads is one, whatever its name.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use manta_core::Span;

use crate::engine::api::ApiId;
use crate::engine::config::each_stmt;
use crate::engine::interp::Interp;
use crate::engine::value::ModId;
use crate::ir::{Block, Captured, Expr, ExprId, FuncId, ImportName, Module, Pat, StmtKind, Var};

/// Most names of outside functions that are kept for one tool.
const MAX_CALLS: usize = 400;

/// The way of one call through the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// Access paths of functions outside the target that are called, sorted.
    pub calls: Vec<String>,
    /// Whether the code turns a call away by what a clock says.
    pub decides_by_clock: bool,
    /// Whether the code decides by the length of a value.
    pub decides_by_length: bool,
}

/// Something on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Function(ModId, FuncId),
    Call(ApiId),
}

/// What the run that is going on has met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// In the order in which it was met, and more than once.
    log: Vec<Place>,
    /// Decisions of modules, found once.
    decisions: BTreeMap<ModId, Decisions>,
}

impl Met {
    /// A run begins.
    pub(crate) fn start(&mut self) {
        self.log.clear();
    }

    /// A function of the target is entered.
    pub(crate) fn enter(&mut self, module: ModId, func: FuncId) {
        self.log.push(Place::Function(module, func));
    }

    /// A function of the outside is called.
    pub(crate) fn call(&mut self, api: ApiId) {
        self.log.push(Place::Call(api));
    }

    /// How much was met so far.
    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// What was met since there was so much, each once.
    pub(crate) fn since(&mut self, len: usize) -> Rc<[Place]> {
        let mut places = self.log.split_off(len);
        places.sort_unstable();
        places.dedup();
        self.log.extend_from_slice(&places);
        places.into()
    }

    /// All this is met again.
    pub(crate) fn again(&mut self, places: &[Place]) {
        self.log.extend_from_slice(places);
    }
}

impl Interp<'_> {
    /// The way of the run that ends.
    pub(crate) fn way(&mut self) -> Way {
        let mut met = std::mem::take(&mut self.found.met);
        let mut way = Way::default();
        let places = met.since(0);
        let calls = places.iter().filter_map(|place| if let Place::Call(api) = place { Some(*api) } else { None });
        let mut calls: Vec<String> = calls.map(|api| self.apis.name(api).to_string()).collect();
        calls.sort_unstable();
        calls.truncate(MAX_CALLS);
        way.calls = calls;
        let program = self.program;
        for place in places.iter() {
            let Place::Function(module, func) = place else { continue };
            let code = program.module(*module);
            let decisions = met.decisions.entry(*module).or_insert_with(|| Decisions::of(code));
            let span = code.func(*func).span;
            let is_inside = |places: &[Span]| places.iter().any(|place| span.contains(*place));
            way.decides_by_clock |= is_inside(&decisions.by_clock);
            way.decides_by_length |= is_inside(&decisions.by_length);
        }
        self.found.met = met;
        way
    }
}

/// Conditions of one module that matter.
#[derive(Debug, Default)]
struct Decisions {
    by_clock: Vec<Span>,
    by_length: Vec<Span>,
}

impl Decisions {
    fn of(module: &Module) -> Self {
        let mut decisions = Self::default();
        let spans_of = |is_it: &dyn Fn(&Expr) -> bool| -> Vec<Span> {
            let found = module.exprs.iter().zip(&module.spans).filter(|(expr, _)| is_it(expr));
            let mut spans: Vec<Span> = found.map(|(_, span)| *span).collect();
            spans.sort_unstable_by_key(|span| span.start);
            spans
        };
        let clocks = spans_of(&|expr| is_clock(module, expr));
        let lengths = spans_of(&|expr| is_length(module, expr));
        if clocks.is_empty() && lengths.is_empty() {
            return decisions;
        }
        for func in &module.funcs {
            let held = if clocks.is_empty() { Held::default() } else { Held::of(module, &func.body, &clocks) };
            each_stmt(&func.body, &mut |stmt| {
                let (test, ends) = match &stmt.kind {
                    StmtKind::If { test, then, otherwise } => (*test, ends(then) || ends(otherwise)),
                    StmtKind::Return(Some(value)) if is_comparison(module.expr(*value)) => (*value, true),
                    _ => return,
                };
                if ends && held.depends(module, test, &clocks) {
                    decisions.by_clock.push(stmt.span);
                }
                if ends && any_inside(&lengths, module.span(test)) {
                    decisions.by_length.push(stmt.span);
                }
            });
        }
        decisions
    }
}

/// Local variables of one function whose values come from a clock.
#[derive(Default)]
struct Held(BTreeSet<u32>);

impl Held {
    fn of(module: &Module, body: &Block, clocks: &[Span]) -> Self {
        let mut held = Self::default();
        each_stmt(body, &mut |stmt| {
            let assigned = match &stmt.kind {
                StmtKind::Let { pat, value: Some(value) } => Some((pat, *value)),
                StmtKind::Expr(expr) => match module.expr(*expr) {
                    Expr::Assign { target, value } => Some((&**target, *value)),
                    _ => None,
                },
                _ => None,
            };
            if let Some((Pat::Var(Var::Local(slot)), value)) = assigned
                && held.depends(module, value, clocks)
            {
                held.0.insert(*slot);
            }
        });
        held
    }

    /// Whether an expression reads a clock, or a variable that holds what one said, also in a function written inside it.
    fn depends(&self, module: &Module, id: ExprId, clocks: &[Span]) -> bool {
        let span = module.span(id);
        if any_inside(clocks, span) {
            return true;
        }
        if self.0.is_empty() {
            return false;
        }
        let is_held = |captured: &Captured| matches!(captured, Captured::Local(slot) if self.0.contains(slot));
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            match module.expr(id) {
                Expr::Var(Var::Local(slot)) if self.0.contains(slot) => return true,
                Expr::Func(func) if module.func(*func).captures.iter().any(is_held) => return true,
                expr => parts(expr, &mut pending),
            }
        }
        false
    }
}

/// Operands through which a value that a clock gave reaches a condition.
fn parts(expr: &Expr, out: &mut Vec<ExprId>) {
    match expr {
        Expr::Member { object, .. } | Expr::Unary(_, object) | Expr::Await(object) => out.push(*object),
        Expr::Index { object, index } => out.extend([*object, *index]),
        Expr::Call { callee, args, .. } => {
            out.push(*callee);
            out.extend(args.iter().map(|arg| arg.value));
        }
        Expr::Binary(_, left, right) | Expr::Logical(_, left, right) => out.extend([*left, *right]),
        Expr::Conditional(test, then, otherwise) => out.extend([*test, *then, *otherwise]),
        Expr::Seq { items, .. } => out.extend(items.iter().map(|(item, _)| *item)),
        Expr::Comprehension { element, clauses, .. } => {
            out.push(*element);
            out.extend(clauses.iter().flat_map(|clause| &clause.conditions));
        }
        _ => {}
    }
}

/// Whether some of the sorted spans lie inside `outer`.
fn any_inside(sorted: &[Span], outer: Span) -> bool {
    let first = sorted.partition_point(|span| span.start < outer.start);
    sorted[first..].iter().take_while(|span| span.start < outer.end).any(|span| outer.contains(*span))
}

/// Whether a block can end the function: `return` or an exception.
fn ends(block: &Block) -> bool {
    let mut found = false;
    each_stmt(block, &mut |stmt| found |= matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_)));
    found
}

fn is_comparison(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(..) | Expr::Logical(..))
}

/// `Date.now()`, `new Date()`, `performance.now()`, `process.hrtime()`, `time.time()`, `time.monotonic()`,
/// `datetime.now()`, the clock of an event loop.
fn is_clock(module: &Module, expr: &Expr) -> bool {
    const CLOCKS: [&str; 8] =
        ["now", "utcnow", "hrtime", "monotonic", "monotonic_ns", "perf_counter", "time_ns", "process_time"];
    let Expr::Call { callee, is_new, args, .. } = expr else { return false };
    match module.expr(*callee) {
        Expr::Var(Var::Global(name)) => *is_new && name.as_str() == "Date" && args.is_empty(),
        Expr::Member { name, .. } => CLOCKS.contains(&name.as_str()) || name.as_str() == "time" && args.is_empty(),
        Expr::Import(_, ImportName::Named(name)) => {
            CLOCKS.contains(&name.as_str()) || name.as_str() == "time" && args.is_empty()
        }
        _ => false,
    }
}

/// `text.length`, `items.size`, `len(text)`.
fn is_length(module: &Module, expr: &Expr) -> bool {
    match expr {
        Expr::Member { name, .. } => matches!(name.as_str(), "length" | "byteLength" | "size"),
        Expr::Call { callee, .. } => {
            matches!(module.expr(*callee), Expr::Var(Var::Global(name)) if name.as_str() == "len")
        }
        _ => false,
    }
}
