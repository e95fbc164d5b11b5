//! The abstract interpreter: statements, expressions, scopes and joins.

use std::rc::Rc;
use std::sync::Arc;

use manta_core::{Location, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::domain::StrProps;
use crate::engine::api::{ApiId, ApiStep, ApiTable};
use crate::engine::facts::{Cond, Fact, Refinements};
use crate::engine::memo::Memo;
use crate::engine::models::Models;
use crate::engine::program::{Link, Program};
use crate::engine::report::Findings;
use crate::engine::store::{ClassVal, Closure, Content, Fields, Loc, Mark, Obj, ObjKind, Snapshot, Store, is_same};
use crate::engine::trace::{StepKind, Trace};
use crate::engine::value::{CellId, FnId, Kind, ModId, ObjId, Part, RegexVal, Taint, Text, Transform, Val, Vn};
use crate::ir::{
    ArgKind, BinaryOp, Block, Captured, ClassId, Expr, ExprId, FuncId, Handler, ImportId, ImportName, Key, Lang,
    LogicalOp, MemberKind, Module, Pat, Prop, SeqKind, Stmt, StmtKind, Symbol, UnaryOp, Var,
};

/// Limits of one run (design §9.2). Reaching one is reported, never hidden.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Expressions evaluated for one tool.
    pub fuel_per_tool: u64,
    /// Expressions evaluated for the whole target.
    pub fuel_total: u64,
    /// Nested calls.
    pub call_depth: usize,
    /// Whether a call like one before gives what that gave, without being interpreted. Off only in tests that compare.
    pub memo: bool,
    /// Memory for values in bytes: half for what modules make when they load, half for a run of a handler.
    pub store_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel_per_tool: 1_000_000, fuel_total: 40_000_000, call_depth: 48, memo: true, store_bytes: 384 << 20 }
    }
}

/// The fact under this number says that the present path is not taken. Facts meet at joins, so a join with a path that
/// is taken is taken.
pub(crate) const NOT_TAKEN: Vn = Vn::MAX;
/// Most alternatives of one value; beyond, they are merged.
const MAX_ALTERNATIVES: usize = 12;
/// Most rounds in which a loop over known elements is unrolled.
const MAX_UNROLL: usize = 96;
/// How often one statement is interpreted at most because of the loops around it, those of callers included; while
/// modules load and in handlers. Rounds multiply along calls, so that loops over loops would otherwise use up all fuel on
/// their innermost statements. Beyond, a loop over known elements takes them as one, and any loop runs once.
const MAX_ROUNDS_LOADING: usize = 8_192;
const MAX_ROUNDS_RUNNING: usize = 256;

/// From how many steps on, in all and per call, a function is no longer called while modules load.
const DEAR_IN_ALL: u64 = 40_000;
const DEAR_PER_CALL: u64 = 1_500;
/// Values that are copied in the time of one step.
const COPIES_PER_STEP: u64 = 16;
/// What a step of a trace takes up, its text included. In bytes.
const TRACE_BYTES: usize = 192;
/// Most elements of a sequence that are known one by one.
const MAX_ITEMS: usize = 2_048;

/// What the calls of a function cost while modules load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoadCost {
    calls: u32,
    steps: u64,
    /// Whether something was registered in one of them.
    discovers: bool,
}

/// State of a module.
#[derive(Clone, Debug)]
pub(crate) enum ModState {
    Unloaded,
    Loaded(Rc<[CellId]>),
}

/// A result of a function.
#[derive(Clone, Debug)]
pub(crate) struct Returned {
    value: Val,
    /// The state it leaves; none means the present one, and then there is no other result.
    pub(crate) state: Option<Snapshot>,
    /// Whether no configuration is needed to get there.
    by_default: bool,
}

/// An activation.
pub(crate) struct Frame {
    pub(crate) module: ModId,
    pub(crate) func: FuncId,
    pub(crate) locals: Vec<CellId>,
    pub(crate) captures: Rc<[CellId]>,
    pub(crate) this: Option<Val>,
    pub(crate) home: Option<ObjId>,
    /// Where it was called.
    pub(crate) called_at: Option<Location>,
    pub(crate) returns: Vec<Returned>,
    /// Branches entered that only a configuration leads to.
    configured: u32,
    pub(crate) entry: Mark,
    yielded: Option<Val>,
    jumps: Vec<JumpTarget>,
}

/// A construct that `break` or `continue` can leave.
struct JumpTarget {
    label: Option<Symbol>,
    is_loop: bool,
    is_breakable: bool,
    mark: Mark,
    breaks: Vec<Snapshot>,
    continues: Vec<Snapshot>,
}

/// A `try` under execution.
pub(crate) struct TryFrame {
    mark: Mark,
    throws: Vec<(Val, Snapshot)>,
    /// Whether what may fail in the body is known to succeed (while a witness is followed).
    succeeds: bool,
}

/// Arguments of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    pub(crate) pos: Vec<Val>,
    /// Positional arguments of unknown number after `pos`.
    pub(crate) rest: Option<Val>,
    pub(crate) named: Vec<(Symbol, Val)>,
    /// Keyword arguments of unknown name.
    pub(crate) named_rest: Option<Val>,
}

impl Args {
    pub(crate) fn of(pos: Vec<Val>) -> Self {
        Self { pos, ..Self::default() }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Val> {
        self.pos.get(index).or(self.rest.as_ref())
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Val> {
        self.named.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Val> {
        self.pos.iter().chain(&self.rest).chain(self.named.iter().map(|(_, value)| value)).chain(&self.named_rest)
    }
}

/// The interpreter.
pub(crate) struct Interp<'p> {
    pub(crate) program: &'p Program,
    pub(crate) models: &'p Models,
    pub(crate) store: Store,
    pub(crate) apis: ApiTable,
    pub(crate) trace: Trace,
    pub(crate) frames: Vec<Frame>,
    pub(crate) mods: Vec<ModState>,
    pub(crate) found: Findings,
    pub(crate) tries: Vec<TryFrame>,
    classes: FxHashMap<ObjId, Rc<ClassVal>>,
    /// Functions entered at least once, for the pass over code nothing reaches.
    pub(crate) entered: FxHashSet<(ModId, FuncId)>,
    pub(crate) limits: Limits,
    pub(crate) fuel: u64,
    pub(crate) fuel_used: u64,
    pub(crate) out_of_fuel: bool,
    /// A run ended for want of memory.
    pub(crate) is_heavy: bool,
    /// The run has shown what it was for; what is left of it makes no difference.
    pub(crate) is_decided: bool,
    /// Whether the call that ended last throws on every path.
    pub(crate) last_call_failed: bool,
    /// Whether the run that starts is a replay, which keeps what the run before it learnt of formats.
    pub(crate) is_replaying: bool,
    /// For each module, where its code mentions a registration method.
    pub(crate) registration_spans: FxHashMap<ModId, Vec<Span>>,
    /// How often callbacks were run while modules load.
    pub(crate) callback_runs: FxHashMap<(ModId, FuncId), u32>,
    /// Calls of this run, and what came of them.
    pub(crate) memo: Memo,
    /// Whether modules are loading: registrations are what matters.
    pub(crate) is_loading: bool,
    load_costs: FxHashMap<(ModId, FuncId), LoadCost>,
    /// Weight of the store when the run began.
    pub(crate) weight_before: usize,
    /// How often the present statement is interpreted because of the loops around it.
    pub(crate) rounds: usize,
    /// Steps left for following witnesses in the present tool.
    pub(crate) replay_budget: u64,
    api_cache: FxHashMap<ApiId, Option<usize>>,
    element_vns: FxHashMap<Vn, Vn>,
    universal: FxHashSet<Vn>,
    star_imports: FxHashMap<ModId, Vec<ImportId>>,
    /// Patterns met so far.
    pub(crate) regexes: std::collections::HashMap<String, Option<Rc<crate::domain::regex::Regex>>>,
    /// The same for patterns that are run on concrete texts.
    pub(crate) runnable: std::collections::HashMap<String, Option<Rc<fancy_regex::Regex>>>,
    /// Field reads of untrusted objects, so that reading twice gives one value number.
    pub(crate) field_vns: FxHashMap<(Vn, Symbol), Val>,
    /// For values computed by functions that keep the file or URL: what they were computed from.
    pub(crate) derivations: FxHashMap<Vn, (Vn, Transform)>,
    /// Results of `path.relative(root, x)`: the `x` they describe.
    pub(crate) relative_paths: FxHashMap<Vn, Val>,
    /// For lists of what passed a test: what it means that there is something in them.
    pub(crate) evidence: FxHashMap<ObjId, Refinements>,
    /// Results of `commonpath([root, x])`: the `x`, and whether whole components were compared.
    pub(crate) common_paths: FxHashMap<Vn, (Val, bool)>,
    /// Value numbers of the first piece of a split text, by text and separator.
    pub(crate) first_pieces: FxHashMap<(Vn, Box<str>), Vn>,
    /// Extensions of joined paths, where the last operand says it.
    pub(crate) extensions: FxHashMap<Vn, Rc<str>>,
    /// Results of calls that did nothing else, in the present run.
    pub(crate) pure_calls: FxHashMap<PureCall, Val>,
    /// Results of `x.parents`: the `x`.
    pub(crate) parent_lists: FxHashMap<Vn, Val>,
    /// Value numbers of joined paths, by what was joined: the same operands name the same file.
    pub(crate) joined_paths: FxHashMap<Vec<PathOperand>, Vn>,
}

/// A call by function and arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PureCall {
    module: ModId,
    func: FuncId,
    captures: Rc<[CellId]>,
    args: Vec<PathOperand>,
}

/// What identifies an operand of a path operation, or of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PathOperand {
    Known(Box<str>),
    Value(Vn),
}

impl<'p> Interp<'p> {
    pub(crate) fn new(program: &'p Program, models: &'p Models, limits: Limits) -> Self {
        Self {
            program,
            models,
            store: Store::default(),
            apis: ApiTable::default(),
            trace: Trace::default(),
            frames: Vec::new(),
            mods: vec![ModState::Unloaded; program.len()],
            found: Findings::default(),
            tries: Vec::new(),
            classes: FxHashMap::default(),
            entered: FxHashSet::default(),
            limits,
            fuel: limits.fuel_per_tool,
            fuel_used: 0,
            out_of_fuel: false,
            last_call_failed: false,
            is_heavy: false,
            is_decided: false,
            is_loading: false,
            load_costs: FxHashMap::default(),
            weight_before: 0,
            memo: Memo::default(),
            rounds: 1,
            replay_budget: 0,
            is_replaying: false,
            callback_runs: FxHashMap::default(),
            registration_spans: FxHashMap::default(),
            api_cache: FxHashMap::default(),
            element_vns: FxHashMap::default(),
            universal: FxHashSet::default(),
            star_imports: FxHashMap::default(),
            regexes: std::collections::HashMap::new(),
            runnable: std::collections::HashMap::new(),
            field_vns: FxHashMap::default(),
            derivations: FxHashMap::default(),
            relative_paths: FxHashMap::default(),
            evidence: FxHashMap::default(),
            common_paths: FxHashMap::default(),
            first_pieces: FxHashMap::default(),
            extensions: FxHashMap::default(),
            pure_calls: FxHashMap::default(),
            parent_lists: FxHashMap::default(),
            joined_paths: FxHashMap::default(),
        }
    }

    // ------------------------------------------------------------------ modules

    /// Runs a module's top level once.
    pub(crate) fn load(&mut self, id: ModId) {
        if !matches!(self.mods[id.0 as usize], ModState::Unloaded) {
            return;
        }
        self.mark_effect();
        let module = self.program.module(id);
        let slots = module.func(FuncId(0)).slots;
        let cells: Vec<CellId> = (0..slots).map(|_| self.store.new_cell(Val::undefined())).collect();
        self.mods[id.0 as usize] = ModState::Loaded(Rc::from(cells.as_slice()));
        if let Some(slots) = module.commonjs {
            let exports = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Plain))));
            let mut holder = Obj::new(ObjKind::Plain);
            holder.fields.insert(Symbol::new("exports"), exports.clone());
            let holder = Val::of(Kind::Obj(self.store.new_obj(holder)));
            self.store.set_cell(cells[slots.exports as usize], exports);
            self.store.set_cell(cells[slots.module as usize], holder);
        }
        for import in 0..module.imports.len() {
            if let Link::Module(target) = self.program.link_of(id, ImportId(u32::try_from(import).unwrap_or(0)))
                && !module.imports[import].type_only
            {
                self.load(*target);
            }
        }
        self.entered.insert((id, FuncId(0)));
        let entry = self.store.mark();
        self.frames.push(Frame {
            module: id,
            func: FuncId(0),
            locals: cells,
            captures: Rc::from([]),
            this: None,
            home: None,
            called_at: None,
            returns: Vec::new(),
            configured: 0,
            entry,
            yielded: None,
            jumps: Vec::new(),
        });
        self.block(&module.func(FuncId(0)).body);
        self.frames.pop();
        self.store.release(entry);
    }

    pub(crate) fn module_slot(&mut self, module: ModId, slot: u32) -> Val {
        self.load(module);
        match &self.mods[module.0 as usize] {
            ModState::Loaded(cells) => self.store.cell(cells[slot as usize]).clone(),
            ModState::Unloaded => Val::unknown(),
        }
    }

    /// What `module` exports as `name`.
    pub(crate) fn export(&mut self, module: ModId, name: Symbol, depth: usize) -> Option<Val> {
        if depth > 24 {
            return None;
        }
        self.load(module);
        let code = self.program.module(module);
        if let Some(slots) = code.commonjs {
            let exports = self.commonjs_value(module, slots.module);
            if name.as_str() == "default" {
                // Interoperation: `import d from "cjs"` is `module.exports` unless the file marks itself as ES.
                if let Kind::Obj(id) = exports.kind
                    && let Some(value) = self.store.obj(id).fields.get(&name)
                {
                    return Some(value.clone());
                }
                if code.exports.is_empty() {
                    return Some(exports);
                }
            }
            if let Kind::Obj(id) = exports.kind
                && let Some(value) = self.store.obj(id).fields.get(&name)
            {
                return Some(value.clone());
            }
            if code.exports.is_empty() {
                return Some(self.get_member(&exports, name, Span::default()));
            }
        }
        for export in &code.exports {
            match export {
                crate::ir::Export::Local { name: public, slot } if *public == name => {
                    let value = self.module_slot(module, *slot);
                    // A name that is both re-exported and assigned (fallback imports) prefers a real value.
                    if !value.is_nullish() {
                        return Some(value);
                    }
                }
                crate::ir::Export::From { name: public, import, imported } if *public == name => {
                    return Some(self.import(module, *import, *imported, depth + 1));
                }
                _ => {}
            }
        }
        for export in &code.exports {
            if let crate::ir::Export::Star { import } = export {
                match self.program.link_of(module, *import).clone() {
                    Link::Module(target) if target != module => {
                        if let Some(value) = self.export(target, name, depth + 1) {
                            return Some(value);
                        }
                    }
                    _ => {}
                }
            }
        }
        let declared = code
            .exports
            .iter()
            .any(|export| matches!(export, crate::ir::Export::Local { name: public, .. } if *public == name));
        if declared {
            return Some(Val::undefined());
        }
        if code.lang == Lang::Python {
            // `import pkg.sub` makes `sub` an attribute of `pkg`.
            if let Link::Module(target) = self.program.resolve(module, &format!(".{name}")) {
                return Some(Val::of(Kind::Module(target)));
            }
        }
        None
    }

    fn commonjs_value(&mut self, module: ModId, slot: u32) -> Val {
        let holder = self.module_slot(module, slot);
        match holder.kind {
            Kind::Obj(id) => {
                self.store.obj(id).fields.get(&Symbol::new("exports")).cloned().unwrap_or_else(Val::unknown)
            }
            _ => Val::unknown(),
        }
    }

    /// The value of an import.
    pub(crate) fn import(&mut self, module: ModId, import: ImportId, name: ImportName, depth: usize) -> Val {
        match self.program.link_of(module, import).clone() {
            Link::Module(target) => {
                self.load(target);
                let code = self.program.module(target);
                match name {
                    ImportName::Namespace => match code.commonjs {
                        Some(slots) if code.exports.is_empty() => self.commonjs_value(target, slots.module),
                        _ => Val::of(Kind::Module(target)),
                    },
                    ImportName::Default => {
                        self.export(target, Symbol::new("default"), depth).unwrap_or_else(Val::unknown)
                    }
                    ImportName::Named(name) => self.export(target, name, depth).unwrap_or_else(|| {
                        match self.program.resolve(target, &format!(".{name}")) {
                            Link::Module(sub) if code.lang == Lang::Python => {
                                self.load(sub);
                                Val::of(Kind::Module(sub))
                            }
                            _ => Val::unknown(),
                        }
                    }),
                }
            }
            Link::External(root, path) => {
                let mut api = self.apis.root(root);
                for field in path {
                    api = self.apis.step(api, ApiStep::Field(field));
                }
                match name {
                    ImportName::Namespace | ImportName::Default => {}
                    ImportName::Named(name) if name.as_str() == "default" => {}
                    ImportName::Named(name) => api = self.apis.step(api, ApiStep::Field(name)),
                }
                let api = self.models.canonical(&mut self.apis, api);
                Val::of(Kind::Api(api, None))
            }
            Link::Namespace => match name {
                ImportName::Named(name) => {
                    let base = &self.program.module(module).imports[import.0 as usize].request;
                    let dot = if base.ends_with('.') { "" } else { "." };
                    let request = format!("{base}{dot}{name}");
                    match self.program.resolve(module, &request) {
                        Link::Module(target) => {
                            self.load(target);
                            Val::of(Kind::Module(target))
                        }
                        _ => Val::unknown(),
                    }
                }
                _ => Val::unknown(),
            },
            Link::Missing | Link::Asset => Val::unknown(),
        }
    }

    // ------------------------------------------------------------------ context

    pub(crate) fn frame(&self) -> &Frame {
        self.frames.last().expect("code runs inside a frame")
    }

    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("code runs inside a frame")
    }

    pub(crate) fn code(&self) -> &'p Module {
        self.program.module(self.frame().module)
    }

    pub(crate) fn lang(&self) -> Lang {
        self.frames.last().map_or(Lang::JavaScript, |frame| self.program.module(frame.module).lang)
    }

    pub(crate) fn here(&self, span: Span) -> Location {
        Location::new(self.code().file, span)
    }

    fn step(&mut self, value: Val, span: Span, what: StepKind) -> Val {
        if value.taint.is_none() {
            return value;
        }
        let at = self.here(span);
        let step = self.trace.add(value.step, at, what);
        Val { step, ..value }
    }

    pub(crate) fn through(&mut self, value: Val, span: Span, what: &str) -> Val {
        if value.taint.is_none() {
            return value;
        }
        self.step(value, span, StepKind::Through(what.to_owned()))
    }

    fn burn(&mut self) -> bool {
        if self.is_decided {
            return false;
        }
        if self.fuel == 0 || self.fuel_used >= self.limits.fuel_total {
            self.out_of_fuel = true;
            return false;
        }
        // Copying values takes time as well, and a step may copy many.
        let steps = 1 + self.store.take_copied() / COPIES_PER_STEP;
        self.fuel = self.fuel.saturating_sub(steps);
        self.fuel_used += steps;
        if self.fuel_used.is_multiple_of(1_024) || steps > 1 {
            let weight = self.store.weight() + self.trace.len() * TRACE_BYTES;
            if weight > self.weight_before + self.limits.store_bytes / 2 {
                self.is_heavy = true;
                self.out_of_fuel = true;
                return false;
            }
        }
        true
    }

    /// Counts work that one step does on so many values.
    pub(crate) fn charge(&mut self, values: usize) {
        let steps = values as u64 / COPIES_PER_STEP;
        self.fuel = self.fuel.saturating_sub(steps);
        self.fuel_used += steps;
    }

    // ------------------------------------------------------------------ branching

    /// Runs several alternatives from the same state and joins their effects. Each returns whether it ends normally.
    pub(crate) fn branches(&mut self, alternatives: &mut [&mut dyn FnMut(&mut Self) -> bool]) -> bool {
        let mark = self.store.mark();
        let mut ends = Vec::new();
        let last = alternatives.len().saturating_sub(1);
        for (index, alternative) in alternatives.iter_mut().enumerate() {
            if alternative(self) {
                // `if (bad) return …`: what is left is the only way on.
                if index == last && ends.is_empty() {
                    self.store.release(mark);
                    return true;
                }
                ends.push(self.store.snapshot(mark));
            }
            self.store.rollback(mark);
        }
        let alive = !ends.is_empty();
        self.store.release(mark);
        self.join_into_store(ends);
        alive
    }

    /// The outcome of a test unless the administrator configures otherwise; none when it asks for something else.
    fn by_default(&self, value: &Val, test: ExprId) -> Option<bool> {
        if value.is_tainted() {
            return None;
        }
        self.condition(value).by_default.or_else(|| self.is_option(value, test).then_some(false))
    }

    /// Whether an expression reads an option of the administrator's: a variable of the environment, or a member that no
    /// code of the target gives a value.
    pub(crate) fn is_option(&self, value: &Val, expr: ExprId) -> bool {
        match &value.kind {
            Kind::Api(api, _) => self.apis.name(*api).starts_with("$env."),
            Kind::Unknown => {
                !value.is_tainted() && value.text.is_none() && matches!(self.code().expr(expr), Expr::Member { .. })
            }
            _ => false,
        }
    }

    /// Writes the join of several end states that all start from the current one.
    pub(crate) fn join_into_store(&mut self, mut ends: Vec<Snapshot>) {
        if ends.len() <= 1 {
            if let Some(only) = ends.pop() {
                self.store.apply(only);
            }
            return;
        }
        let mut locs: Vec<Loc> = ends.iter().flat_map(|end| end.changes.iter().map(|(loc, _)| *loc)).collect();
        locs.sort_unstable();
        locs.dedup();
        self.charge(locs.len());
        let mut writes = Vec::with_capacity(locs.len());
        for loc in locs {
            let base = self.store.content(loc);
            let mut joined: Option<Content> = None;
            for (index, end) in ends.iter().enumerate() {
                let content = end.get(loc).unwrap_or(&base);
                joined = Some(match joined {
                    None => content.clone(),
                    Some(before) => self.join_content(before, content, &ends[..index], end),
                });
            }
            if let Some(content) = joined {
                writes.push((loc, content));
            }
        }
        for (loc, content) in writes {
            self.store.write(loc, content);
        }
    }

    fn join_content(&mut self, a: Content, b: &Content, paths_a: &[Snapshot], path_b: &Snapshot) -> Content {
        match (a, b) {
            (Content::Cell(x), Content::Cell(y)) => {
                if is_same(&x, y) {
                    return Content::Cell(x);
                }
                let cond = self.told_apart(&x, y, paths_a, path_b);
                let x = self.materialise(&x, paths_a);
                let y = self.materialise(y, std::slice::from_ref(path_b));
                let joined = self.join(&x, &y);
                Content::Cell(if cond.is_some() { Val { cond, ..joined } } else { joined })
            }
            (Content::Obj(x), Content::Obj(y)) => {
                if Rc::ptr_eq(&x, y) {
                    return Content::Obj(x);
                }
                let mut joined = self.join_obj(&x, y, paths_a, path_b);
                joined.version = self.store.fresh_version();
                Content::Obj(Rc::new(joined))
            }
            (Content::Fact(Some(x)), Content::Fact(Some(y))) => {
                Content::Fact(Some(if Rc::ptr_eq(&x, y) { x } else { Rc::new(x.or(y)) }))
            }
            (Content::Fact(_), Content::Fact(_)) => Content::Fact(None),
            (other, _) => other,
        }
    }

    /// What the truth of a variable tells of the path that set it: `ok = False` … `ok = True` in a branch with a check,
    /// `error = None` beside `error = "outside"`.
    fn told_apart(&self, a: &Val, b: &Val, paths_a: &[Snapshot], path_b: &Snapshot) -> Option<Rc<Cond>> {
        let tells = |value: &Val| value.truth().is_some() || value.cond.is_some();
        if !(tells(a) && tells(b)) || (a.truth().is_some() && a.truth() == b.truth()) {
            return None;
        }
        let facts = |path: &Snapshot| path.facts().map(|(vn, fact)| (vn, fact.clone())).collect::<Refinements>();
        let facts_a = paths_a.iter().map(facts).reduce(|one, other| crate::engine::facts::either(&one, &other));
        let cond = self.outcome_cond(&[a.clone(), b.clone()], &[facts_a.unwrap_or_default(), facts(path_b)])?;
        Some(Rc::new(cond))
    }

    fn join_obj(&mut self, a: &Obj, b: &Obj, paths_a: &[Snapshot], path_b: &Snapshot) -> Obj {
        let mut joined = a.clone();
        for (key, theirs) in &b.fields {
            let ours = a.fields.get(key).cloned().or_else(|| a.any.clone());
            let value = match ours {
                Some(ours) if is_same(&ours, theirs) => continue,
                Some(ours) => {
                    let ours = self.materialise(&ours, paths_a);
                    let theirs = self.materialise(theirs, std::slice::from_ref(path_b));
                    self.join(&ours, &theirs)
                }
                None => theirs.clone(),
            };
            joined.fields.insert(*key, value);
        }
        joined.any = match (&a.any, &b.any) {
            (Some(x), Some(y)) => Some(self.join(x, y)),
            (x, y) => x.clone().or_else(|| y.clone()),
        };
        let more = match (&a.more, &b.more) {
            (Some(x), Some(y)) => Some(self.join(x, y)),
            (x, y) => x.clone().or_else(|| y.clone()),
        };
        if a.items.len() == b.items.len() {
            joined.items = a.items.iter().zip(&b.items).map(|(x, y)| self.join(x, y)).collect();
        } else {
            // `if (x) args.push("--x", x)`: what only one path appended is kept in its place, as if it were always
            // there. Argument lists stay readable that way: a value keeps the option it follows.
            let common = a.items.iter().zip(&b.items).take_while(|(x, y)| is_same(x, y)).count();
            let mut items: Vec<Val> = a.items.clone();
            items.extend(b.items[common..].iter().cloned());
            items.truncate(512);
            joined.items = items;
        }
        joined.more = more;
        joined
    }

    /// The value with the facts that its own path established folded in, for joins of values that differ.
    fn materialise(&self, value: &Val, paths: &[Snapshot]) -> Val {
        if value.vn == 0 || paths.len() != 1 {
            return value.clone();
        }
        match paths[0].get(Loc::Fact(value.vn)) {
            Some(Content::Fact(Some(fact))) => self.refined(value, fact),
            _ => match self.store.fact(value.vn) {
                Some(fact) => self.refined(value, fact),
                None => value.clone(),
            },
        }
    }

    /// The value with a fact folded into its text.
    pub(crate) fn refined(&self, value: &Val, fact: &Fact) -> Val {
        let mut refined = value.clone();
        if fact.is_listed {
            refined.taint = Taint::NONE;
        }
        if let Kind::Union(values) = &value.kind {
            refined.kind = Kind::Union(values.iter().map(|value| self.refined(value, fact)).collect());
            return refined;
        }
        if matches!(value.kind, Kind::Str | Kind::Unknown | Kind::Num(_) | Kind::Api(..)) {
            let mut text = value.text.as_deref().cloned().unwrap_or_default();
            text.props = text.props.refine(&fact.props).into();
            if matches!(value.kind, Kind::Unknown) && fact.props.lits.is_some() {
                refined.kind = Kind::Str;
            }
            refined.text = Some(Rc::new(text));
        }
        refined
    }

    /// The value as it is now: facts known at this point folded in.
    pub(crate) fn current(&self, value: &Val) -> Val {
        let own = match self.store.fact(value.vn) {
            Some(fact) => self.refined(value, fact),
            None => value.clone(),
        };
        match &own.kind {
            Kind::Union(values) if values.iter().any(|value| self.store.fact(value.vn).is_some()) => {
                let values: Vec<Val> = values.iter().map(|value| self.current(value)).collect();
                let taint = values.iter().fold(Taint::NONE, |taint, value| taint.union(value.taint));
                Val {
                    kind: Kind::Union(values.into()),
                    taint: if own.taint.is_none() { own.taint } else { taint },
                    ..own
                }
            }
            _ => own,
        }
    }

    /// The properties of the value as a string, facts included.
    pub(crate) fn props(&self, value: &Val) -> StrProps {
        let own = match (&value.kind, value.text.as_deref()) {
            (Kind::Union(values), _) => values
                .iter()
                .filter(|value| !value.is_nullish())
                .map(|value| self.props(value))
                .reduce(|a, b| a.join(&b))
                .unwrap_or_default(),
            (_, Some(text)) => (*text.props).clone(),
            (Kind::Num(Some(value)), None) => StrProps::exact(&number_text(*value)),
            (Kind::Num(None), None) => StrProps::number(),
            (Kind::Bool(_), None) => StrProps::one_of(["true", "false", "True", "False"]),
            (Kind::Null | Kind::Undefined, None) => StrProps::one_of(["null", "undefined", "None"]),
            _ => StrProps::default(),
        };
        match self.store.fact(value.vn) {
            Some(fact) => own.refine(&fact.props),
            None => own,
        }
    }

    /// Whether the caller controls the value, given what is known now.
    pub(crate) fn taint_now(&self, value: &Val) -> Taint {
        if self.store.fact(value.vn).is_some_and(|fact| fact.is_listed) {
            return Taint::NONE;
        }
        match &value.kind {
            Kind::Union(values) => values.iter().fold(Taint::NONE, |taint, value| taint.union(self.taint_now(value))),
            _ => value.taint,
        }
    }

    /// Either value.
    pub(crate) fn join(&mut self, a: &Val, b: &Val) -> Val {
        if is_same(a, b) {
            return a.clone();
        }
        // Nothing is learnt from "or missing": a string that may be absent is a string.
        if a.is_nullish() && matches!(b.kind, Kind::Str | Kind::Unknown) {
            return b.clone();
        }
        if b.is_nullish() && matches!(a.kind, Kind::Str | Kind::Unknown) {
            return a.clone();
        }
        let taint = a.taint.union(b.taint);
        let step = if a.taint.is_some() { a.step } else { b.step };
        let mut values: Vec<Val> = Vec::new();
        for value in a.alternatives().iter().chain(b.alternatives()) {
            let value = if value.vn == a.vn || value.vn == b.vn { self.current(value) } else { value.clone() };
            if !values.iter().any(|known| is_same(known, &value)) {
                values.push(value);
            }
        }
        if let (Kind::Bool(_), Kind::Bool(_)) = (&a.kind, &b.kind) {
            return Val { taint, step, ..Val::any_bool() };
        }
        let are_plain_text = values.iter().all(|value| {
            matches!(value.kind, Kind::Str | Kind::Num(_))
                && value.text.as_deref().is_none_or(|text| {
                    !text.parts.iter().any(|part| matches!(part, Part::Hole(hole) if hole.is_tainted()))
                })
        });
        let same_taint = values.windows(2).all(|pair| pair[0].taint == pair[1].taint);
        if are_plain_text && (same_taint || values.len() > MAX_ALTERNATIVES) {
            if values.iter().all(|value| matches!(value.kind, Kind::Num(_))) {
                return Val { taint, step, ..Val::of(Kind::Num(None)) };
            }
            let props = values.iter().map(|value| self.props(value)).reduce(|a, b| a.join(&b)).unwrap_or_default();
            let base = |value: &Val| value.text.as_deref().and_then(|text| text.base);
            let first = base(&values[0]);
            let common = first.filter(|_| values.iter().all(|value| base(value) == first));
            let shape = self.path_shape_of(&values);
            // A program looked for in several places keeps its name.
            let parts = match crate::engine::sinks::common_program(&self.apis, &values) {
                Some(program) => {
                    let dir = Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) };
                    vec![Part::Hole(dir), Part::Lit(arc(&format!("/{program}")))]
                }
                None => Vec::new(),
            };
            let text = Text { props: props.into(), parts, base: common, shape };
            let vn = self.store.fresh_vn();
            return Val { taint, step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
        }
        if values.len() > MAX_ALTERNATIVES {
            let (texts, others): (Vec<Val>, Vec<Val>) =
                values.into_iter().partition(|value| matches!(value.kind, Kind::Str | Kind::Num(_) | Kind::Unknown));
            let mut kept = others;
            kept.truncate(MAX_ALTERNATIVES - 1);
            if !texts.is_empty() {
                let props = texts.iter().map(|value| self.props(value)).reduce(|a, b| a.join(&b)).unwrap_or_default();
                let taint = texts.iter().fold(Taint::NONE, |taint, value| taint.union(value.taint));
                let step = texts.iter().find(|value| value.is_tainted()).map_or(0, |value| value.step);
                kept.push(Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) });
            }
            values = kept;
        }
        if values.len() == 1
            && let Some(only) = values.pop()
        {
            return Val { taint, ..only };
        }
        let vn = self.store.fresh_vn();
        Val { kind: Kind::Union(values.into()), taint, vn, step, text: None, cond: None }
    }

    pub(crate) fn join_all(&mut self, values: impl IntoIterator<Item = Val>) -> Option<Val> {
        let mut joined: Option<Val> = None;
        for value in values {
            joined = Some(match joined {
                None => value,
                Some(before) => self.join(&before, &value),
            });
        }
        joined
    }

    pub(crate) fn assume(&mut self, refinements: &Refinements) {
        for (vn, fact) in refinements {
            self.store.assume(*vn, fact);
        }
    }

    /// Whether the refinements contradict what is known: the branch cannot be taken.
    fn is_impossible(&self, refinements: &Refinements) -> bool {
        refinements.iter().any(|(vn, fact)| {
            fact.props.lits.is_some()
                && self.store.fact(*vn).is_some_and(|known| known.props.refine(&fact.props).is_bottom())
        })
    }

    // ------------------------------------------------------------------ statements

    /// Runs statements; false when control does not reach the end.
    pub(crate) fn block(&mut self, block: &'p Block) -> bool {
        for stmt in block {
            if !self.stmt(stmt) {
                return false;
            }
        }
        true
    }

    fn stmt(&mut self, stmt: &'p Stmt) -> bool {
        if !self.burn() {
            return false;
        }
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                self.last_call_failed = false;
                let value = self.eval(*expr);
                !self.is_never(&value, *expr) && !self.is_not_taken()
            }
            StmtKind::Let { pat, value } => {
                let value = match value {
                    Some(expr) => {
                        let value = self.eval(*expr);
                        let span = self.code().span(*expr);
                        self.step(value, span, StepKind::Assign)
                    }
                    None => Val::undefined(),
                };
                self.bind(pat, value);
                !self.is_not_taken()
            }
            StmtKind::If { test, then, otherwise } => self.if_else(*test, then, otherwise),
            StmtKind::While { test, body, update, test_first, otherwise, fresh } => {
                self.while_loop(*test, body, *update, *test_first, fresh) && self.block(otherwise)
            }
            StmtKind::ForEach { pat, iter, keys, body, otherwise, fresh } => {
                self.for_each(pat, *iter, *keys, body, fresh) && self.block(otherwise)
            }
            StmtKind::Switch { value, cases } => self.switch(*value, cases),
            StmtKind::Return(expr) => {
                let value = match expr {
                    Some(expr) => {
                        let value = self.eval(*expr);
                        let span = self.code().span(*expr);
                        self.step(value, span, StepKind::Return)
                    }
                    None => self.nothing(),
                };
                if self.is_not_taken() {
                    return false;
                }
                let value = self.current(&value);
                let (entry, is_first) = (self.frame().entry, self.frame().returns.is_empty());
                // A return that no branch surrounds is the last thing its function does: the state stays as it is.
                let is_final = is_first && self.store.is_innermost(entry);
                let state = if is_final { None } else { Some(self.store.snapshot(entry)) };
                let by_default = self.frame().configured == 0;
                self.frame_mut().returns.push(Returned { value, state, by_default });
                false
            }
            StmtKind::Throw(expr) => {
                let value = expr.map_or_else(Val::unknown, |expr| self.eval(expr));
                self.throw(value);
                false
            }
            StmtKind::Break(label) => {
                self.jump(*label, true);
                false
            }
            StmtKind::Continue(label) => {
                self.jump(*label, false);
                false
            }
            StmtKind::Block(block) => self.block(block),
            StmtKind::Labeled(label, block) => {
                // A labelled loop handles its own `continue label`.
                if let [only] = block.as_slice()
                    && matches!(only.kind, StmtKind::While { .. } | StmtKind::ForEach { .. })
                {
                    self.next_label(*label, only)
                } else {
                    let target = self.open_jump(Some(*label), false, false);
                    let alive = self.block(block);
                    self.close_jump(target, alive)
                }
            }
            StmtKind::Try { body, handlers, otherwise, finally } => self.try_catch(body, handlers, otherwise, finally),
            StmtKind::Assert(test) => {
                let value = self.eval(*test);
                if let Some(cond) = value.cond.clone() {
                    self.assume(&cond.when_true);
                }
                value.truth() != Some(false)
            }
            StmtKind::ImportStar(import) => {
                let module = self.frame().module;
                self.star_imports.entry(module).or_default().push(*import);
                true
            }
            StmtKind::ImportEffect(_) => true,
        }
    }

    fn nothing(&self) -> Val {
        if self.lang() == Lang::Python { Val::null() } else { Val::undefined() }
    }

    /// A call that does not come back: `process.exit()`, `sys.exit()`, a function that throws on every path.
    fn is_never(&self, value: &Val, expr: ExprId) -> bool {
        matches!(self.code().expr(expr), Expr::Call { .. } | Expr::Await(_) | Expr::Logical(..))
            && (self.last_call_failed
                || matches!(&value.kind, Kind::Api(api, _) if self.models.is_never(&self.apis.name(*api))))
    }

    pub(crate) fn throw(&mut self, value: Val) {
        self.memo.least_tries = self.memo.least_tries.min(self.tries.len());
        if let Some(mark) = self.tries.last().map(|frame| frame.mark) {
            let snapshot = self.store.snapshot(mark);
            if let Some(frame) = self.tries.last_mut()
                && frame.throws.len() < 64
            {
                frame.throws.push((value, snapshot));
            }
        }
    }

    /// The operation under way does what it is asked: the handlers of the `try` around it have nothing to do.
    pub(crate) fn expect_success(&mut self) {
        if let Some(frame) = self.tries.last_mut() {
            frame.succeeds = true;
        }
    }

    /// The operation under way raises: handlers see the state here, and the normal path is marked as not taken.
    pub(crate) fn raise_here(&mut self) {
        self.throw(Val::unknown());
        self.leave_path();
    }

    /// Control does not come back from the operation under way.
    fn leave_path(&mut self) {
        let at = self.here(Span::default());
        self.store.assume(NOT_TAKEN, &Rc::new(Fact::listed(at)));
    }

    /// Whether the present path goes on after something that surely raised.
    pub(crate) fn is_not_taken(&self) -> bool {
        self.store.fact(NOT_TAKEN).is_some()
    }

    fn if_else(&mut self, test: ExprId, then: &'p Block, otherwise: &'p Block) -> bool {
        let value = self.eval(test);
        if self.is_not_taken() {
            return false;
        }
        let (yes, no) = self.outcomes(&value);
        match (yes, no) {
            (Some(facts), None) => {
                self.assume(&facts);
                self.block(then)
            }
            (None, Some(facts)) => {
                self.assume(&facts);
                self.block(otherwise)
            }
            (Some(when_true), Some(when_false)) => {
                let (then, otherwise) = ((when_true, then), (when_false, otherwise));
                match self.by_default(&value, test) {
                    Some(true) => self.configured(then, otherwise),
                    Some(false) => self.configured(otherwise, then),
                    None => self.branches(&mut [
                        &mut |interp: &mut Self| {
                            interp.assume(&then.0);
                            interp.block(then.1)
                        },
                        &mut |interp: &mut Self| {
                            interp.assume(&otherwise.0);
                            interp.block(otherwise.1)
                        },
                    ]),
                }
            }
            (None, None) => false,
        }
    }

    /// Two branches between which the administrator's configuration decides, the usual one first. What the usual one
    /// checks counts behind them: that an administrator may switch a check off does not make it none.
    fn configured(&mut self, usual: (Refinements, &'p Block), other: (Refinements, &'p Block)) -> bool {
        let mark = self.store.mark();
        let mut ends = Vec::new();
        self.assume(&usual.0);
        let is_usual_alive = self.block(usual.1);
        if is_usual_alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        // A witness that a check in the usual branch refuses is not followed around it. A branch that always leaves is no
        // check but the end of what is not configured.
        let is_refused = self.found.replay.is_some() && !is_usual_alive && !always_leaves(usual.1);
        if !is_refused {
            self.assume(&other.0);
            self.frame_mut().configured += 1;
            let is_alive = self.block(other.1);
            self.frame_mut().configured -= 1;
            if is_alive {
                ends.push(self.store.snapshot(mark));
            }
            self.store.rollback(mark);
        }
        self.store.release(mark);
        let facts: Vec<(Loc, Content)> = match ends.first() {
            Some(end) if is_usual_alive => {
                end.changes.iter().filter(|(loc, _)| matches!(loc, Loc::Fact(_))).cloned().collect()
            }
            _ => Vec::new(),
        };
        let alive = !ends.is_empty();
        self.join_into_store(ends);
        for (loc, content) in facts {
            self.store.write(loc, content);
        }
        alive
    }

    /// Facts of the true and of the false outcome; none when that outcome is impossible.
    pub(crate) fn outcomes(&self, value: &Val) -> (Option<Refinements>, Option<Refinements>) {
        let truth = value.truth();
        let cond = value.cond.as_deref().cloned().unwrap_or_default();
        let yes = (truth != Some(false) && !self.is_impossible(&cond.when_true)).then_some(cond.when_true);
        let no = (truth != Some(true) && !self.is_impossible(&cond.when_false)).then_some(cond.when_false);
        match (yes, no) {
            // Contradiction on both sides means that we know less than we think: take both.
            (None, None) => (Some(Vec::new()), Some(Vec::new())),
            outcomes => outcomes,
        }
    }

    fn open_jump(&mut self, label: Option<Symbol>, is_loop: bool, is_breakable: bool) -> Mark {
        let mark = self.store.mark();
        self.frame_mut().jumps.push(JumpTarget {
            label,
            is_loop,
            is_breakable,
            mark,
            breaks: Vec::new(),
            continues: Vec::new(),
        });
        mark
    }

    /// Joins the normal end (if alive) with all breaks.
    fn close_jump(&mut self, mark: Mark, alive: bool) -> bool {
        let target = self.frame_mut().jumps.pop().expect("close_jump pairs with open_jump");
        let mut ends = target.breaks;
        if ends.is_empty() && alive {
            self.store.release(mark);
            return true;
        }
        if alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        self.store.release(mark);
        let reached = !ends.is_empty();
        self.join_into_store(ends);
        reached
    }

    fn jump(&mut self, label: Option<Symbol>, is_break: bool) {
        let found = self.frame().jumps.iter().rposition(|target| match label {
            Some(label) => target.label == Some(label),
            None if is_break => target.is_breakable,
            None => target.is_loop,
        });
        let Some(at) = found else { return };
        let snapshot = self.store.snapshot(self.frame().jumps[at].mark);
        let target = &mut self.frame_mut().jumps[at];
        if is_break {
            target.breaks.push(snapshot);
        } else {
            target.continues.push(snapshot);
        }
    }

    fn next_label(&mut self, label: Symbol, stmt: &'p Stmt) -> bool {
        self.pending_label(label);
        let alive = self.stmt(stmt);
        self.frame_mut().jumps.retain(|target| target.label != Some(label) || target.is_loop);
        alive
    }

    /// Loops read their label from here when they open.
    fn pending_label(&mut self, label: Symbol) {
        self.found.pending_label = Some(label);
    }

    /// Whether a loop may run so many rounds here.
    pub(crate) fn admits_rounds(&self, rounds: usize) -> bool {
        let most = if self.found.is_running_handler { MAX_ROUNDS_RUNNING } else { MAX_ROUNDS_LOADING };
        self.rounds.saturating_mul(rounds) <= most
    }

    /// Enters a loop of so many rounds, or of one when that is all that is admitted; returns what [`Self::rounds`] is to
    /// be afterwards.
    pub(crate) fn enter_loop(&mut self, rounds: usize) -> usize {
        let outer = self.rounds;
        if self.admits_rounds(rounds) {
            self.rounds = outer * rounds.max(1);
        }
        outer
    }

    pub(crate) fn leave_loop(&mut self, outer: usize) {
        self.rounds = outer;
    }

    /// One round of a loop body; joins `continue`s into its end.
    fn round(&mut self, body: &'p Block) -> bool {
        let alive = self.block(body);
        let continues = std::mem::take(&mut self.frame_mut().jumps.last_mut().expect("inside a loop").continues);
        if continues.is_empty() {
            return alive;
        }
        let mark = self.frame().jumps.last().expect("inside a loop").mark;
        let mut ends = continues;
        if alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        self.join_into_store(ends);
        true
    }

    fn fresh_cells(&mut self, slots: &[u32]) {
        for slot in slots {
            let old = self.frame().locals[*slot as usize];
            let value = self.store.cell(old).clone();
            let cell = self.store.new_cell(value);
            self.frame_mut().locals[*slot as usize] = cell;
        }
    }

    fn while_loop(
        &mut self,
        test: Option<ExprId>,
        body: &'p Block,
        update: Option<ExprId>,
        test_first: bool,
        fresh: &[u32],
    ) -> bool {
        let label = self.found.pending_label.take();
        let outer = self.open_jump(label, true, true);
        let mut exits: Vec<Snapshot> = Vec::new();
        let mut endless = false;
        // A witness is followed round by round, as long as it is sure that the loop goes on.
        if self.found.replay.is_some() {
            for round in 0..MAX_UNROLL {
                let goes_on = match test {
                    Some(test) if test_first || round > 0 => self.eval(test).truth() == Some(true),
                    _ => true,
                };
                if !goes_on {
                    break;
                }
                self.fresh_cells(fresh);
                if !self.round(body) {
                    endless = true;
                    break;
                }
                if let Some(update) = update {
                    self.eval(update);
                }
            }
        }
        // Two abstract rounds: the second sees what the first wrote, joined with the entry state.
        let outer_rounds = self.enter_loop(2);
        for round in 0..self.rounds / outer_rounds {
            if endless {
                break;
            }
            let mut when_true = Vec::new();
            if let Some(test) = test
                && (test_first || round > 0)
            {
                let value = self.eval(test);
                let (yes, no) = self.outcomes(&value);
                if let Some(facts) = no {
                    let inner = self.store.mark();
                    self.assume(&facts);
                    exits.push(self.store.snapshot(outer));
                    self.store.rollback(inner);
                    self.store.release(inner);
                }
                let Some(facts) = yes else {
                    endless = true;
                    break;
                };
                when_true = facts;
            }
            self.fresh_cells(fresh);
            self.assume(&when_true);
            let before = self.store.snapshot(outer);
            if !self.round(body) {
                endless = true;
                break;
            }
            if let Some(update) = update {
                self.eval(update);
            }
            let after = self.store.snapshot(outer);
            self.store.rollback(outer);
            self.join_into_store(vec![before, after]);
        }
        self.leave_loop(outer_rounds);
        if !endless && test.is_some() {
            exits.push(self.store.snapshot(outer));
        }
        self.store.rollback(outer);
        let target = self.frame_mut().jumps.pop().expect("loop target is innermost");
        exits.extend(target.breaks);
        self.store.release(outer);
        let reached = !exits.is_empty();
        self.join_into_store(exits);
        reached
    }

    fn for_each(&mut self, pat: &'p Pat, iter: ExprId, keys: bool, body: &'p Block, fresh: &[u32]) -> bool {
        let label = self.found.pending_label.take();
        let collection = self.eval(iter);
        if self.is_not_taken() {
            return false;
        }
        let span = self.code().span(iter);
        let (items, rest) = if keys { self.keys_of(&collection) } else { self.elements_of(&collection, span) };
        let outer = self.open_jump(label, true, true);
        let mut alive = true;
        if items.len() <= MAX_UNROLL && self.admits_rounds(items.len()) {
            let outer_rounds = self.enter_loop(items.len());
            for item in items {
                self.fresh_cells(fresh);
                self.bind(pat, item);
                alive = self.round(body);
                if !alive {
                    break;
                }
            }
            self.leave_loop(outer_rounds);
        } else if let Some(joined) = self.join_all(items) {
            alive = self.repeat(pat, &joined, body, fresh, outer);
        }
        if alive && let Some(element) = rest {
            alive = self.repeat(pat, &element, body, fresh, outer);
        }
        self.close_jump(outer, alive)
    }

    /// Any number of rounds with an unknown element.
    fn repeat(&mut self, pat: &'p Pat, element: &Val, body: &'p Block, fresh: &[u32], outer: Mark) -> bool {
        let outer_rounds = self.enter_loop(2);
        let alive = self.repeat_rounds(pat, element, body, fresh, outer, self.rounds / outer_rounds);
        self.leave_loop(outer_rounds);
        alive
    }

    fn repeat_rounds(
        &mut self,
        pat: &'p Pat,
        element: &Val,
        body: &'p Block,
        fresh: &[u32],
        outer: Mark,
        rounds: usize,
    ) -> bool {
        for _ in 0..rounds {
            let before = self.store.snapshot(outer);
            self.fresh_cells(fresh);
            self.bind(pat, element.clone());
            let breaks = self.frame().jumps.last().map_or(0, |target| target.breaks.len());
            if !self.round(body) {
                self.store.rollback(outer);
                self.store.apply(before);
                return true;
            }
            let after = self.store.snapshot(outer);
            // A fact about every element holds after the loop, also when there was none to check.
            let universal = self.frame().jumps.last().map_or(0, |target| target.breaks.len()) == breaks;
            let element_fact = match after.get(Loc::Fact(element.vn)) {
                Some(Content::Fact(Some(fact))) if universal && self.universal.contains(&element.vn) => {
                    Some(fact.clone())
                }
                _ => None,
            };
            self.store.rollback(outer);
            self.join_into_store(vec![before, after]);
            if let Some(fact) = element_fact {
                self.store.assume(element.vn, &fact);
            }
        }
        true
    }

    fn switch(&mut self, value: ExprId, cases: &'p [(Option<ExprId>, Block)]) -> bool {
        let subject = self.eval(value);
        let span = self.code().span(value);
        let outer = self.open_jump(None, false, true);
        // Facts of "none of the cases before".
        let mut not_before: Refinements = Vec::new();
        let mut fall_through: Option<Snapshot> = None;
        let mut default_reachable = true;
        let mut default_at = None;
        for (index, (test, body)) in cases.iter().enumerate() {
            let mut entries: Vec<Snapshot> = fall_through.take().into_iter().collect();
            match test {
                None => {
                    default_at = Some(index);
                    // The default runs last unless it falls through; approximated by its own entry below.
                    if let Some(entry) = entries.pop() {
                        self.store.apply(entry);
                        let alive = self.block(body);
                        fall_through = alive.then(|| self.store.snapshot(outer));
                        self.store.rollback(outer);
                    }
                    continue;
                }
                Some(test) => {
                    let inner = self.store.mark();
                    self.assume(&not_before);
                    let case = self.eval(*test);
                    let equal = self.compare(BinaryOp::Eq, &subject, &case, span);
                    let (yes, no) = self.outcomes(&equal);
                    if let Some(facts) = yes {
                        self.assume(&facts);
                        entries.push(self.store.snapshot(outer));
                    }
                    self.store.rollback(inner);
                    self.store.release(inner);
                    match no {
                        Some(facts) => not_before = crate::engine::facts::both(&not_before, &facts),
                        None => default_reachable = false,
                    }
                }
            }
            if entries.is_empty() {
                continue;
            }
            self.join_into_store(entries);
            let alive = self.block(body);
            fall_through = alive.then(|| self.store.snapshot(outer));
            self.store.rollback(outer);
            if !default_reachable && fall_through.is_none() {
                break;
            }
        }
        let mut ends: Vec<Snapshot> = fall_through.into_iter().collect();
        if default_reachable {
            self.assume(&not_before);
            let mut alive = true;
            if let Some(at) = default_at {
                for (_, body) in &cases[at..] {
                    alive = self.block(body);
                    if !alive {
                        break;
                    }
                }
            }
            if alive {
                ends.push(self.store.snapshot(outer));
            }
            self.store.rollback(outer);
        }
        let target = self.frame_mut().jumps.pop().expect("switch target is innermost");
        ends.extend(target.breaks);
        self.store.release(outer);
        let reached = !ends.is_empty();
        self.join_into_store(ends);
        reached
    }

    fn try_catch(
        &mut self,
        body: &'p Block,
        handlers: &'p [Handler],
        otherwise: &'p Block,
        finally: &'p Block,
    ) -> bool {
        let mark = self.store.mark();
        let depth = self.frames.len();
        self.tries.push(TryFrame { mark, throws: Vec::new(), succeeds: false });
        let mut alive = self.block(body);
        debug_assert_eq!(depth, self.frames.len());
        let (throws, succeeds) = self.tries.pop().map(|frame| (frame.throws, frame.succeeds)).unwrap_or_default();
        let handlers = if succeeds && throws.is_empty() { &[] } else { handlers };
        let end_of_body = self.store.snapshot(mark);
        if alive {
            alive = self.block(otherwise);
        }
        let mut ends = Vec::new();
        if alive {
            ends.push(self.store.snapshot(mark));
        }
        self.store.rollback(mark);
        // Anything in the body may fail: the handlers see the state before it, after it, and at each throw, without
        // the facts that the failing operation would have established.
        for handler in handlers {
            let mut starts: Vec<Snapshot> = throws.iter().map(|(_, at)| at.clone()).collect();
            starts.push(without_facts(&end_of_body));
            starts.push(Snapshot::default());
            self.join_into_store(starts);
            if let Some(pat) = &handler.pat {
                let thrown: Vec<Val> = throws.iter().map(|(value, _)| value.clone()).collect();
                let mut error = self.join_all(thrown).unwrap_or_else(Val::unknown);
                if error.taint.is_none() && !matches!(error.kind, Kind::Obj(_)) {
                    error = Val::unknown();
                }
                self.bind(pat, error);
            }
            if self.block(&handler.body) {
                ends.push(self.store.snapshot(mark));
            }
            self.store.rollback(mark);
        }
        if handlers.is_empty() {
            // `try … finally`: the exception goes on to the next handler outwards.
            for (value, at) in throws {
                self.store.apply(at);
                self.block(finally);
                self.throw(value);
                self.store.rollback(mark);
            }
        }
        self.store.release(mark);
        let reached = !ends.is_empty();
        self.join_into_store(ends);
        if reached || !finally.is_empty() { self.block(finally) && reached } else { false }
    }

    // ------------------------------------------------------------------ patterns

    pub(crate) fn bind(&mut self, pat: &'p Pat, value: Val) {
        match pat {
            Pat::Ignore => {}
            Pat::Var(var) => self.set_var(*var, value),
            Pat::Member(object, name) => {
                let target = self.eval(*object);
                let span = self.code().span(*object);
                self.set_member(&target, *name, value, span);
            }
            Pat::Index(object, index) => {
                let target = self.eval(*object);
                let key = self.eval(*index);
                let span = self.code().span(*object);
                self.set_index(&target, &key, value, span);
            }
            Pat::Object { fields, rest } => {
                let span = Span::default();
                let mut taken = Vec::new();
                for (key, pat, default) in fields {
                    let name = match key {
                        Key::Static(name) => Some(*name),
                        Key::Computed(expr) => {
                            let key = self.eval(*expr);
                            key.literal().map(Symbol::new)
                        }
                    };
                    let field = match name {
                        Some(name) => {
                            taken.push(name);
                            self.get_member(&value, name, span)
                        }
                        None => Val::unknown().tainted_by(&value),
                    };
                    let field = self.or_default(field, *default);
                    self.bind(pat, field);
                }
                if let Some(rest) = rest {
                    let remaining = self.without_fields(&value, &taken);
                    self.bind(rest, remaining);
                }
            }
            Pat::Array { items, rest } => {
                let (known, more) = self.elements_of(&value, Span::default());
                for (at, item) in items.iter().enumerate() {
                    let Some((pat, default)) = item else { continue };
                    let is_after_rest = rest.as_ref().is_some_and(|(position, _)| at >= *position);
                    let element = if is_after_rest {
                        known.get((known.len() + at).saturating_sub(items.len())).cloned()
                    } else {
                        known.get(at).cloned()
                    };
                    let element = element.or_else(|| more.clone()).unwrap_or_else(|| {
                        if known.is_empty() { Val::unknown().tainted_by(&value) } else { Val::undefined() }
                    });
                    let element = self.or_default(element, *default);
                    self.bind(pat, element);
                }
                if let Some((position, pat)) = rest {
                    let end = known.len().saturating_sub(items.len() - position);
                    let items = known.get(*position..end.max(*position)).map(<[Val]>::to_vec).unwrap_or_default();
                    let obj = Obj { more, ..Obj::array(items) };
                    let taint = value.taint;
                    let list = Val { taint, step: value.step, ..Val::of(Kind::Obj(self.store.new_obj(obj))) };
                    self.bind(pat, list);
                }
            }
        }
    }

    fn or_default(&mut self, value: Val, default: Option<ExprId>) -> Val {
        let Some(default) = default else { return value };
        if matches!(value.kind, Kind::Undefined) {
            return self.eval(default);
        }
        let may_be_missing = matches!(value.kind, Kind::Unknown | Kind::Str | Kind::Union(_) | Kind::Num(None));
        if !may_be_missing {
            return value;
        }
        let other = self.eval(default);
        if matches!(other.kind, Kind::Obj(_)) && !matches!(value.kind, Kind::Unknown) {
            return value;
        }
        self.join_default(value, &other)
    }

    /// Join with a default value, which adds no fresh identity when the default is a constant.
    fn join_default(&mut self, value: Val, default: &Val) -> Val {
        // A constant default is harmless; keeping the identity keeps the facts of checks made on the parameter.
        if default.taint.is_none()
            && value.is_tainted()
            && matches!(default.kind, Kind::Str | Kind::Num(_) | Kind::Bool(_) | Kind::Null | Kind::Undefined)
        {
            let mut joined = value;
            if let Some(text) = &joined.text {
                let props = text.props.join(&self.props(default));
                joined.text = Some(Rc::new(Text { props: props.into(), ..(**text).clone() }));
            }
            return joined;
        }
        self.join(&value, default)
    }

    pub(crate) fn cell_of(&self, var: Var) -> Option<CellId> {
        match var {
            Var::Local(slot) => self.frame().locals.get(slot as usize).copied(),
            Var::Capture(index) => self.frame().captures.get(index as usize).copied(),
            Var::Global(_) => None,
        }
    }

    fn set_var(&mut self, var: Var, value: Val) {
        if let Some(cell) = self.cell_of(var) {
            self.store.set_cell(cell, value);
        }
    }

    fn get_var(&mut self, var: Var) -> Val {
        match var {
            Var::Global(name) => self.global(name),
            _ => match self.cell_of(var) {
                Some(cell) => self.store.cell(cell).clone(),
                None => Val::unknown(),
            },
        }
    }

    fn global(&mut self, name: Symbol) -> Val {
        let module = self.frame().module;
        if let Some(stars) = self.star_imports.get(&module).cloned() {
            for import in stars {
                match self.program.link_of(module, import).clone() {
                    Link::Module(target) => {
                        if let Some(value) = self.export(target, name, 0) {
                            return value;
                        }
                    }
                    Link::External(root, path) if !self.models.is_builtin(self.lang(), name) => {
                        let mut api = self.apis.root(root);
                        for field in path {
                            api = self.apis.step(api, ApiStep::Field(field));
                        }
                        let api = self.apis.step(api, ApiStep::Field(name));
                        return Val::of(Kind::Api(api, None));
                    }
                    _ => {}
                }
            }
        }
        match name.as_str() {
            "undefined" => Val::undefined(),
            "NaN" | "Infinity" => Val::of(Kind::Num(None)),
            _ => {
                let root = Symbol::new(if self.lang() == Lang::Python { "builtins" } else { "globalThis" });
                let root = self.apis.root(root);
                let is_self = matches!(name.as_str(), "globalThis" | "window" | "global" | "self")
                    && self.lang() == Lang::JavaScript;
                let api = if is_self { root } else { self.apis.step(root, ApiStep::Field(name)) };
                let api = self.models.canonical(&mut self.apis, api);
                Val::of(Kind::Api(api, None))
            }
        }
    }

    // ------------------------------------------------------------------ expressions

    pub(crate) fn eval(&mut self, id: ExprId) -> Val {
        if !self.burn() {
            return Val::unknown();
        }
        let code = self.code();
        let span = code.span(id);
        match code.expr(id) {
            Expr::Undefined => Val::undefined(),
            Expr::Null => Val::null(),
            Expr::Bool(value) => Val::bool(*value),
            Expr::Num(value) => Val::num(*value),
            Expr::Str(text) => Val::arc_str(text.clone()),
            Expr::Regex { pattern, flags } => {
                Val::of(Kind::Regex(Rc::new(RegexVal { pattern: pattern.clone(), flags: flags.clone() })))
            }
            Expr::Template(parts) => {
                let values: Vec<Val> = parts.iter().map(|part| self.eval(*part)).collect();
                self.concat(&values, span)
            }
            Expr::Tagged { tag, parts } => {
                let tag_value = self.eval(*tag);
                let values: Vec<Val> = parts.iter().map(|part| self.eval(*part)).collect();
                self.call_tagged(&tag_value, &values, span)
            }
            Expr::Var(var) => self.get_var(*var),
            Expr::Import(import, name) => {
                let module = self.frame().module;
                self.import(module, *import, *name, 0)
            }
            Expr::This => self.frame().this.clone().unwrap_or_else(Val::unknown),
            Expr::Super => self.super_value(),
            Expr::Member { object, name, .. } => {
                if matches!(code.expr(*object), Expr::Super) {
                    return self.super_member(*name, span);
                }
                let receiver = self.eval(*object);
                let value = self.get_member(&receiver, *name, span);
                self.named_setting(value, *name)
            }
            Expr::Index { object, index } => {
                let receiver = self.eval(*object);
                let key = self.eval(*index);
                self.get_index(&receiver, &key, span)
            }
            Expr::Slice { object, lower, upper, step } => {
                let receiver = self.eval(*object);
                let lower = lower.map(|expr| self.eval(expr));
                let upper = upper.map(|expr| self.eval(expr));
                if let Some(step) = step {
                    self.eval(*step);
                }
                self.slice(&receiver, lower.as_ref(), upper.as_ref(), span)
            }
            Expr::Call { callee, args, is_new, .. } => self.eval_call(*callee, args, *is_new, span),
            Expr::DynamicImport(expr) => {
                let request = self.eval(*expr);
                self.dynamic_import(&request, span)
            }
            Expr::Object { props, is_dict } => self.eval_object(props, *is_dict, span),
            Expr::Seq { kind, items } => self.eval_seq(*kind, items, span),
            Expr::Comprehension { kind, element, value, clauses } => {
                self.eval_comprehension(*kind, *element, *value, clauses)
            }
            Expr::Func(func) => self.make_closure(*func, None, false),
            Expr::Class(class) => self.make_class(*class),
            Expr::Unary(op, operand) => {
                let value = self.eval(*operand);
                let asks = *op == UnaryOp::Not && self.is_option(&value, *operand);
                let result = self.unary(*op, value);
                if asks {
                    let cond = result.cond.as_deref().cloned().unwrap_or_default();
                    return Val { cond: Some(Rc::new(Cond { by_default: Some(true), ..cond })), ..result };
                }
                result
            }
            Expr::Binary(op, left, right) => {
                let a = self.eval(*left);
                let b = self.eval(*right);
                self.binary(*op, &a, &b, span)
            }
            Expr::Logical(op, left, right) => self.logical(*op, *left, *right),
            Expr::Conditional(test, yes, no) => self.conditional(*test, *yes, *no),
            Expr::Assign { target, value } => {
                let value = self.eval(*value);
                let value = self.step(value, span, StepKind::Assign);
                self.bind(target, value.clone());
                value
            }
            Expr::AugAssign { op, target, current, value } => {
                let a = self.eval(*current);
                let b = self.eval(*value);
                // `list += more` changes the list in place.
                if *op == BinaryOp::Add
                    && let Kind::Obj(id) = a.kind
                    && self.store.obj(id).is_sequence()
                {
                    self.extend_array(id, &b, span);
                    return a;
                }
                let result = self.binary(*op, &a, &b, span);
                let result = self.step(result, span, StepKind::Assign);
                self.bind(target, result.clone());
                result
            }
            Expr::LogicalAssign { op, target, current, value } => {
                let result = self.logical(*op, *current, *value);
                self.bind(target, result.clone());
                result
            }
            Expr::Await(expr) | Expr::Enter(expr) => {
                let value = self.eval(*expr);
                if matches!(code.expr(id), Expr::Enter(_)) { self.enter_context(&value, span) } else { value }
            }
            Expr::Yield { value, delegate } => {
                let value = value.map_or_else(Val::undefined, |expr| self.eval(expr));
                let value = if *delegate {
                    let (items, more) = self.elements_of(&value, span);
                    self.join_all(items.into_iter().chain(more)).unwrap_or_else(Val::undefined)
                } else {
                    value
                };
                let joined = match self.frame_mut().yielded.take() {
                    Some(before) => self.join(&before, &value),
                    None => value,
                };
                self.frame_mut().yielded = Some(joined);
                Val::unknown()
            }
            Expr::Sequence(exprs) => {
                let mut last = Val::undefined();
                for expr in exprs {
                    last = self.eval(*expr);
                }
                last
            }
            Expr::Decorated { decorator, target } => {
                let decorator = self.eval(*decorator);
                let target = self.eval(*target);
                self.decorate(&decorator, target, span)
            }
            Expr::Opaque(parts) => {
                let mut result = Val::unknown();
                for part in parts {
                    let value = self.eval(*part);
                    if let Kind::Fn(_) = value.kind {
                        self.call_value(&value, None, Args { rest: Some(Val::unknown()), ..Args::default() }, span);
                    }
                    result = result.tainted_by(&value);
                }
                result
            }
        }
    }

    /// A setting of which only the name is known, where the name says which program it holds (`config.git_path`).
    fn named_setting(&mut self, value: Val, name: Symbol) -> Val {
        let is_open = matches!(value.kind, Kind::Unknown) && value.taint.is_none() && value.text.is_none();
        if !is_open || crate::domain::argv::program_kept_as(name.as_str()).is_none() {
            return value;
        }
        let root = self.apis.root(Symbol::new("$config"));
        let api = self.apis.step(root, ApiStep::Field(name));
        Val { kind: Kind::Api(api, None), ..value }
    }

    pub(crate) fn push_module_frame(&mut self, module: ModId) {
        let locals = match &self.mods[module.0 as usize] {
            ModState::Loaded(cells) => cells.to_vec(),
            ModState::Unloaded => Vec::new(),
        };
        let entry = self.store.mark();
        self.frames.push(Frame {
            module,
            func: FuncId(0),
            locals,
            captures: Rc::from([]),
            this: None,
            home: None,
            called_at: None,
            returns: Vec::new(),
            configured: 0,
            entry,
            yielded: None,
            jumps: Vec::new(),
        });
    }

    pub(crate) fn pop_module_frame(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.store.release(frame.entry);
        }
    }

    fn eval_object(&mut self, props: &'p [Prop], is_dict: bool, span: Span) -> Val {
        let id = self.store.new_obj(Obj::new(if is_dict { ObjKind::Dict } else { ObjKind::Plain }));
        let object = Val::of(Kind::Obj(id));
        for prop in props {
            match prop {
                Prop::Init(key, value) => {
                    let key = self.eval_key(*key);
                    let value = self.eval(*value);
                    match key {
                        Ok(name) => {
                            if let Kind::Resolver(cell) = value.kind {
                                self.found.kept_resolvers.insert(cell);
                            }
                            self.name_function(&value, name);
                            self.store.obj_mut(id).fields.insert(name, value);
                        }
                        Err(key) => self.set_index(&object, &key, value, span),
                    }
                }
                Prop::Spread(value) => {
                    let value = self.eval(*value);
                    self.copy_fields(&value, id);
                }
                Prop::Getter(key, func) => {
                    if let (Ok(name), Kind::Fn(getter)) =
                        (self.eval_key(*key), self.make_closure(*func, None, false).kind)
                    {
                        let setter = match self.store.obj(id).fields.get(&name).map(|value| &value.kind) {
                            Some(Kind::Accessor(_, setter)) => *setter,
                            _ => None,
                        };
                        let accessor = Val::of(Kind::Accessor(Some(getter), setter));
                        self.store.obj_mut(id).fields.insert(name, accessor);
                    }
                }
                Prop::Setter(key, func) => {
                    if let (Ok(name), Kind::Fn(setter)) =
                        (self.eval_key(*key), self.make_closure(*func, None, false).kind)
                    {
                        let getter = match self.store.obj(id).fields.get(&name).map(|value| &value.kind) {
                            Some(Kind::Accessor(getter, _)) => *getter,
                            _ => None,
                        };
                        let accessor = Val::of(Kind::Accessor(getter, Some(setter)));
                        self.store.obj_mut(id).fields.insert(name, accessor);
                    }
                }
            }
        }
        self.object_built(id, span);
        object
    }

    fn eval_key(&mut self, key: Key) -> Result<Symbol, Val> {
        match key {
            Key::Static(name) => Ok(name),
            Key::Computed(expr) => {
                let value = self.eval(expr);
                match key_name(&value) {
                    Some(name) => Ok(name),
                    None => Err(value),
                }
            }
        }
    }

    /// Later reports name a handler after the property it was stored in.
    fn name_function(&mut self, _value: &Val, _name: Symbol) {}

    fn eval_seq(&mut self, kind: SeqKind, items: &'p [(ExprId, bool)], span: Span) -> Val {
        let id = self.store.new_obj(Obj::new(if kind == SeqKind::Set { ObjKind::Set } else { ObjKind::Array }));
        for (item, is_spread) in items {
            let value = self.eval(*item);
            if *is_spread {
                self.extend_array(id, &value, span);
            } else {
                // An argument list is written over many lines: the line of the element is the one to look at.
                let at = self.code().span(*item);
                let value = self.step(value, at, StepKind::Element);
                self.push_array(id, value);
            }
        }
        let taint = self
            .store
            .obj(id)
            .items
            .iter()
            .chain(&self.store.obj(id).more)
            .fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = self
            .store
            .obj(id)
            .items
            .iter()
            .chain(&self.store.obj(id).more)
            .find(|value| value.is_tainted())
            .map_or(0, |value| value.step);
        Val { taint, step, ..Val::of(Kind::Obj(id)) }
    }

    pub(crate) fn new_array(&mut self, mut items: Vec<Val>, mut more: Option<Val>) -> Val {
        self.charge(items.len());
        if items.len() > MAX_ITEMS {
            let rest = items.split_off(MAX_ITEMS);
            more = self.join_all(more.into_iter().chain(rest));
        }
        let taint = items.iter().chain(&more).fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = items.iter().chain(&more).find(|value| value.is_tainted()).map_or(0, |value| value.step);
        let id = self.store.new_obj(Obj { more, ..Obj::array(items) });
        Val { taint, step, ..Val::of(Kind::Obj(id)) }
    }

    fn eval_comprehension(
        &mut self,
        kind: crate::ir::CompKind,
        element: ExprId,
        value: Option<ExprId>,
        clauses: &'p [crate::ir::CompClause],
    ) -> Val {
        let id = self.store.new_obj(Obj::new(match kind {
            crate::ir::CompKind::Dict => ObjKind::Dict,
            crate::ir::CompKind::Set => ObjKind::Set,
            _ => ObjKind::Array,
        }));
        self.comprehension_clause(id, element, value, clauses);
        let obj = self.store.obj(id);
        let taint = obj.items.iter().chain(&obj.more).fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = obj.items.iter().chain(&obj.more).find(|value| value.is_tainted()).map_or(0, |value| value.step);
        Val { taint, step, ..Val::of(Kind::Obj(id)) }
    }

    fn comprehension_clause(
        &mut self,
        into: ObjId,
        element: ExprId,
        value: Option<ExprId>,
        clauses: &'p [crate::ir::CompClause],
    ) {
        let Some((clause, inner)) = clauses.split_first() else {
            let key = self.eval(element);
            match value {
                Some(value) => {
                    let value = self.eval(value);
                    let target = Val::of(Kind::Obj(into));
                    self.set_index(&target, &key, value, Span::default());
                }
                None => self.push_array(into, key),
            }
            return;
        };
        let collection = self.eval(clause.iter);
        let span = self.code().span(clause.iter);
        let (items, rest) = self.elements_of(&collection, span);
        let (items, rest) = if items.len() > MAX_UNROLL || !self.admits_rounds(items.len()) {
            let joined = self.join_all(items);
            (
                Vec::new(),
                match (joined, rest) {
                    (Some(a), Some(b)) => Some(self.join(&a, &b)),
                    (a, b) => a.or(b),
                },
            )
        } else {
            (items, rest)
        };
        let known = items.len();
        let outer_rounds = self.enter_loop(known);
        for (at, item) in items.into_iter().chain(rest).enumerate() {
            let is_exact = at < known;
            let before = self.store.obj(into).items.len();
            let mark = self.store.mark();
            self.bind(&clause.pat, item);
            let mut possible = true;
            for condition in &clause.conditions {
                let test = self.eval(*condition);
                match self.outcomes(&test).0 {
                    Some(facts) => self.assume(&facts),
                    None => possible = false,
                }
            }
            if possible {
                self.comprehension_clause(into, element, value, inner);
            }
            // The filter holds for the element that was added, not for what follows.
            let snapshot = without_facts(&self.store.snapshot(mark));
            self.store.rollback(mark);
            self.store.release(mark);
            self.store.apply(snapshot);
            // A filter may drop a known element; it stays in the list, since what is in doubt is only its presence.
            if !is_exact && self.store.obj(into).items.len() > before {
                // How often is unknown.
                let added: Vec<Val> = self.store.obj_mut(into).items.drain(before..).collect();
                let more = self.store.obj(into).more.clone();
                let joined = self.join_all(more.into_iter().chain(added));
                self.store.obj_mut(into).more = joined;
            }
        }
        self.leave_loop(outer_rounds);
    }

    pub(crate) fn make_closure(&mut self, func: FuncId, home: Option<ObjId>, takes_self: bool) -> Val {
        let frame = self.frame();
        let code = self.code();
        let captures: Vec<CellId> = code
            .func(func)
            .captures
            .iter()
            .map(|captured| match captured {
                Captured::Local(slot) => frame.locals[*slot as usize],
                Captured::Capture(index) => frame.captures[*index as usize],
            })
            .collect();
        let this = if code.func(func).is_arrow { frame.this.clone() } else { None };
        let home = home.or(if code.func(func).is_arrow { frame.home } else { None });
        let closure = Closure {
            module: frame.module,
            func,
            captures: captures.into(),
            this,
            home,
            takes_self,
            bound: Rc::from([]),
            bound_named: Rc::from([]),
            props: None,
        };
        Val::of(Kind::Fn(self.store.new_closure(closure)))
    }

    fn logical(&mut self, op: LogicalOp, left: ExprId, right: ExprId) -> Val {
        let a = self.eval(left);
        let truth = match op {
            LogicalOp::Coalesce => {
                if a.is_nullish() {
                    Some(false)
                } else if matches!(a.kind, Kind::Unknown | Kind::Union(_) | Kind::Api(..)) || a.is_tainted() {
                    None
                } else {
                    Some(true)
                }
            }
            _ => a.truth(),
        };
        match (op, truth) {
            (LogicalOp::And, Some(false)) | (LogicalOp::Or | LogicalOp::Coalesce, Some(true)) => return a,
            (LogicalOp::And, Some(true)) | (LogicalOp::Or | LogicalOp::Coalesce, Some(false)) => {
                let facts = self.outcomes(&a);
                if op == LogicalOp::And
                    && let Some(facts) = facts.0
                {
                    self.assume(&facts);
                }
                let b = self.eval(right);
                return match (op, &a.cond) {
                    (LogicalOp::And, Some(cond)) => {
                        let theirs = b.cond.as_deref().cloned().unwrap_or_default();
                        Val { cond: Some(Rc::new(cond.and(&theirs))), ..b }
                    }
                    _ => b,
                };
            }
            _ => {}
        }
        let cond_a = self.condition(&a);
        let facts = if op == LogicalOp::And { cond_a.when_true.clone() } else { cond_a.when_false.clone() };
        // The right side runs only on one outcome of the left, with its facts.
        let mark = self.store.mark();
        self.assume(&facts);
        self.last_call_failed = false;
        let b = self.eval(right);
        if self.is_never(&b, right) {
            // `inside(path) || fail()`: whoever goes on has passed the test.
            self.store.rollback(mark);
            self.store.release(mark);
            self.last_call_failed = false;
            let passed = if op == LogicalOp::And { cond_a.when_false.clone() } else { cond_a.when_true.clone() };
            self.assume(&passed);
            return a;
        }
        let b = self.current(&b);
        let end = without_facts(&self.store.snapshot(mark));
        self.store.rollback(mark);
        self.store.release(mark);
        self.join_into_store(vec![Snapshot::default(), end]);
        let cond_a = Cond { by_default: self.by_default(&a, left), ..cond_a };
        let cond_b = self.condition(&b);
        let cond_b = Cond { by_default: self.by_default(&b, right), ..cond_b };
        // A witness is followed as far as the server lets it by default.
        let leaves_it = match op {
            LogicalOp::And => Some(true),
            LogicalOp::Or => Some(false),
            LogicalOp::Coalesce => None,
        };
        if self.found.replay.is_some() && leaves_it.is_some() {
            if cond_a.by_default == leaves_it && matches!(b.kind, Kind::Bool(_)) {
                return b;
            }
            if cond_b.by_default == leaves_it && matches!(a.kind, Kind::Bool(_)) {
                return a;
            }
        }
        let cond = if op == LogicalOp::And { cond_a.and(&cond_b) } else { cond_a.or(&cond_b) };
        let mut value = match op {
            // The value of `a && b` is `b`, or something false.
            LogicalOp::And if b.truth() == Some(true) && !matches!(b.kind, Kind::Bool(_)) => {
                Val { kind: Kind::Union(Rc::from([b.clone(), Val::undefined()])), text: None, cond: None, ..b }
            }
            LogicalOp::And if !matches!(b.kind, Kind::Bool(_)) => b,
            LogicalOp::And => Val { taint: Taint::NONE, ..Val::any_bool() },
            LogicalOp::Or | LogicalOp::Coalesce => {
                if matches!((&a.kind, &b.kind), (Kind::Bool(_), Kind::Bool(_))) {
                    Val::any_bool()
                } else {
                    self.join_default(a, &b)
                }
            }
        };
        value.cond = (!cond.is_trivial()).then(|| Rc::new(cond));
        value
    }

    fn conditional(&mut self, test: ExprId, yes: ExprId, no: ExprId) -> Val {
        let value = self.eval(test);
        let outcomes = self.outcomes(&value);
        match outcomes {
            (Some(facts), None) => {
                self.assume(&facts);
                self.eval(yes)
            }
            (None, Some(facts)) => {
                self.assume(&facts);
                self.eval(no)
            }
            (when_true, when_false) => {
                let mut results: Vec<Val> = Vec::new();
                let facts = [(when_true.unwrap_or_default(), yes), (when_false.unwrap_or_default(), no)];
                let mark = self.store.mark();
                let mut ends = Vec::new();
                let mut paths: Vec<Refinements> = Vec::new();
                for (facts, expr) in facts {
                    self.assume(&facts);
                    self.last_call_failed = false;
                    let value = self.eval(expr);
                    if !self.is_never(&value, expr) {
                        results.push(self.current(&value));
                        ends.push(self.store.snapshot(mark));
                        paths.push(facts);
                    }
                    self.store.rollback(mark);
                }
                self.store.release(mark);
                self.last_call_failed = false;
                if results.is_empty() {
                    return Val::unknown();
                }
                self.join_into_store(ends);
                self.join_outcomes(&results, &paths)
            }
        }
    }

    // ------------------------------------------------------------------ calls

    fn eval_call(&mut self, callee: ExprId, args: &'p [crate::ir::Arg], is_new: bool, span: Span) -> Val {
        let code = self.code();
        let (target, receiver) = match code.expr(callee) {
            Expr::Super => {
                let args = self.eval_args(args);
                return self.super_call(args, span);
            }
            Expr::Member { object, name, optional } => {
                if matches!(code.expr(*object), Expr::Super) {
                    let method = self.super_member(*name, span);
                    let this = self.frame().this.clone();
                    let args = self.eval_args(args);
                    return self.call_value(&method, this, args, span);
                }
                let mut receiver = self.eval(*object);
                let args = self.eval_args(args);
                if receiver.is_nullish() {
                    // A call on what is missing does not happen. One that is met nevertheless is on the promise of a
                    // function that returns nothing, or on something set where we did not look; a witness ends there.
                    let is_promise =
                        code.lang == Lang::JavaScript && matches!(name.as_str(), "then" | "catch" | "finally");
                    if !is_promise && (*optional || self.found.replay.is_some()) {
                        return Val::unknown();
                    }
                    receiver = Val::unknown();
                }
                return self.call_member(&receiver, *name, args, is_new, span);
            }
            Expr::Index { object, index } => {
                let receiver = self.eval(*object);
                let key = self.eval(*index);
                let args = self.eval_args(args);
                // In JavaScript `o[k](…)` calls a method of `o`; in Python an element is a value like any other.
                if let Some(name) = key_name(&key)
                    && self.lang() == Lang::JavaScript
                {
                    return self.call_member(&receiver, name, args, is_new, span);
                }
                if self.lang() == Lang::Python {
                    let target = self.get_index(&receiver, &key, span);
                    return self.call_value(&target, None, args, span);
                }
                let target = self.get_index(&receiver, &key, span);
                return self.call_value(&target, Some(receiver), args, span);
            }
            _ => (self.eval(callee), None),
        };
        let args = self.eval_args(args);
        if is_new { self.construct(&target, args, span) } else { self.call_value(&target, receiver, args, span) }
    }

    fn call_member(&mut self, receiver: &Val, name: Symbol, args: Args, is_new: bool, span: Span) -> Val {
        if let Kind::Union(values) = &receiver.kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            return self.each_alternative(&values, |interp, value| {
                interp.call_member(value, name, args.clone(), is_new, span)
            });
        }
        let target = self.get_member(receiver, name, span);
        if is_new {
            return self.construct(&target, args, span);
        }
        self.call_value(&target, Some(receiver.clone()), args, span)
    }

    /// Runs `each` for every alternative in its own branch and joins results and effects.
    pub(crate) fn each_alternative(&mut self, values: &[Val], mut each: impl FnMut(&mut Self, &Val) -> Val) -> Val {
        match values {
            [] => Val::unknown(),
            [only] => each(self, only),
            _ => {
                let mark = self.store.mark();
                let outer_rounds = self.enter_loop(values.len());
                let mut ends = Vec::new();
                let mut results = Vec::new();
                for value in values {
                    let result = each(self, value);
                    results.push(self.current(&result));
                    ends.push(self.store.snapshot(mark));
                    self.store.rollback(mark);
                }
                self.leave_loop(outer_rounds);
                self.store.release(mark);
                self.join_into_store(ends);
                self.join_all(results).unwrap_or_else(Val::unknown)
            }
        }
    }

    pub(crate) fn eval_args(&mut self, args: &'p [crate::ir::Arg]) -> Args {
        let mut all = Args::default();
        for arg in args {
            let value = self.eval(arg.value);
            match arg.kind {
                ArgKind::Positional if all.rest.is_some() => {
                    let rest = all.rest.take().expect("checked");
                    all.rest = Some(self.join(&rest, &value));
                }
                ArgKind::Positional => all.pos.push(value),
                ArgKind::Spread => {
                    let span = self.code().span(arg.value);
                    let (items, more) = self.elements_of(&value, span);
                    all.pos.extend(items);
                    all.rest = more;
                }
                ArgKind::Named(name) => all.named.push((name, value)),
                ArgKind::SpreadNamed => match &value.kind {
                    Kind::Obj(id) => {
                        let obj = self.store.obj_rc(*id);
                        for (key, value) in &obj.fields {
                            all.named.push((*key, value.clone()));
                        }
                        all.named_rest = obj.any.clone();
                    }
                    _ => all.named_rest = Some(Val::unknown().tainted_by(&value)),
                },
            }
        }
        all
    }

    /// Calls any value.
    pub(crate) fn call_value(&mut self, target: &Val, this: Option<Val>, args: Args, span: Span) -> Val {
        match &target.kind {
            Kind::Fn(id) => self.call_closure(*id, this, args, span),
            Kind::Bound(bound) => {
                let (receiver, method) = (&bound.0, &bound.1);
                self.call_value(method, Some(receiver.clone()), args, span)
            }
            Kind::Method(method) => {
                let (receiver, name) = (&method.0, method.1);
                self.call_method(receiver, name, args, span)
            }
            Kind::Api(api, data) => self.call_api(*api, *data, this, args, span, false),
            Kind::Obj(id) => match &self.store.obj(*id).kind {
                ObjKind::Class(_) => self.construct(target, args, span),
                ObjKind::Instance(_) => {
                    let method = self.get_member(target, Symbol::new("__call__"), span);
                    if matches!(method.kind, Kind::Bound(_)) {
                        self.call_value(&method, None, args, span)
                    } else {
                        self.call_unknown(target, &args, span)
                    }
                }
                _ => {
                    // A module namespace with a callable default (interoperation helpers).
                    match self.store.obj(*id).fields.get(&Symbol::new("default")).cloned() {
                        Some(default) => self.call_value(&default, this, args, span),
                        None => self.call_unknown(target, &args, span),
                    }
                }
            },
            Kind::Module(module) => match self.export(*module, Symbol::new("default"), 0) {
                Some(default) => self.call_value(&default, this, args, span),
                None => self.call_unknown(target, &args, span),
            },
            Kind::Union(values) => {
                let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
                self.each_alternative(&values, |interp, value| {
                    interp.call_value(value, this.clone(), args.clone(), span)
                })
            }
            Kind::Schema(schema) => {
                let schema = schema.clone();
                self.call_schema(&schema, &args, span)
            }
            Kind::Resolver(cell) => {
                let value = args.get(0).cloned().unwrap_or_else(Val::undefined);
                let before = self.store.cell(*cell).clone();
                let joined = if matches!(before.kind, Kind::Undefined) { value } else { self.join(&before, &value) };
                self.store.set_cell(*cell, joined);
                Val::undefined()
            }
            _ => self.call_unknown(target, &args, span),
        }
    }

    /// Calls a closure of the target.
    pub(crate) fn call_closure(&mut self, id: FnId, this: Option<Val>, args: Args, span: Span) -> Val {
        let closure = self.store.closure(id).clone();
        let depth = self.frames.len();
        let on_stack =
            self.frames.iter().filter(|frame| frame.func == closure.func && frame.module == closure.module).count();
        if depth >= self.limits.call_depth || on_stack >= 2 {
            if depth >= self.limits.call_depth {
                self.found.depth_exceeded = true;
            }
            return self.summary(&args, this.as_ref());
        }
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let place = (closure.module, closure.func);
        if self.is_loading && self.is_not_worth_it(place, func.name) {
            return self.summary(&args, this.as_ref());
        }
        let cost_before = (self.fuel_used, self.discoveries());
        self.entered.insert(place);
        let memo = self.pure_call_key(&closure, this.as_ref(), &args);
        if let Some(known) = memo.as_ref().and_then(|key| self.pure_calls.get(key)) {
            let known = known.clone();
            self.last_call_failed = false;
            return self.same_again(&known);
        }
        let (hits, youngest) = (self.found.hits.len(), self.store.last_vn());
        let called_at = (!self.frames.is_empty() && span != Span::default()).then(|| self.here(span));
        let args = self.mark_arguments(args, func.name, span);
        let call = if on_stack == 0 { self.call_id(id, this.as_ref(), &args) } else { None };
        if let Some(result) = call.and_then(|call| self.recall(call)) {
            return result;
        }
        let entry = self.store.mark();
        let locals: Vec<CellId> = (0..func.slots).map(|_| self.store.new_cell(Val::undefined())).collect();
        let this = if func.is_arrow { closure.this.clone() } else { this };
        let frame = Frame {
            module: closure.module,
            func: closure.func,
            locals,
            captures: closure.captures.clone(),
            this: this.clone(),
            home: closure.home,
            called_at,
            returns: Vec::new(),
            configured: 0,
            entry,
            yielded: None,
            jumps: Vec::new(),
        };
        self.frames.push(frame);
        self.bind_params(&closure, this, args);
        let before = self.watch();
        let alive = self.block(&func.body);
        let learnt = if call.is_some() || memo.is_some() { self.effects_of_call() } else { None };
        let result = self.leave(func.is_generator, alive);
        if self.is_loading {
            let discovers = self.discoveries() != cost_before.1;
            let cost = self.load_costs.entry(place).or_default();
            cost.calls += 1;
            cost.steps += self.fuel_used - cost_before.0;
            cost.discovers |= discovers;
        }
        let throws = self.unwatch(before);
        if let (Some(call), Some(learnt)) = (call, &learnt) {
            self.remember(call, before, throws, entry, &result, learnt);
        }
        // It says nothing of what existed before.
        let says_nothing = learnt.is_some_and(|learnt| learnt.iter().all(|vn| *vn > youngest));
        if let Some(key) = memo
            && says_nothing
            && self.found.hits.len() == hits
            && !self.out_of_fuel
            && self.is_plain_text(&result)
        {
            self.pure_calls.insert(key, result.clone());
        }
        result
    }

    /// Whether a function has cost so much while modules load, without registering anything, that calling it once more
    /// is left out: parsers, indexers and schema compilers that a server runs when it starts say nothing about its tools.
    /// A first call is always made, and constructors are, since what they make would lack its fields.
    fn is_not_worth_it(&self, place: (ModId, FuncId), name: Option<Symbol>) -> bool {
        let Some(cost) = self.load_costs.get(&place) else { return false };
        let is_dear = cost.steps > DEAR_IN_ALL && cost.steps / u64::from(cost.calls.max(1)) > DEAR_PER_CALL;
        is_dear && !cost.discovers && !name.is_some_and(|name| matches!(name.as_str(), "constructor" | "__init__"))
    }

    /// How much has been discovered.
    fn discoveries(&self) -> usize {
        self.found.registrations.len() + self.found.list_handlers.len() + self.found.tool_classes.len()
    }

    /// What identifies a call of a function of the program whose arguments are all known by value number: the same
    /// call again gives the same value, and what was learnt of one result holds for the other. Where something was
    /// learnt of an argument before, the result depends on that too, and is not shared.
    fn pure_call_key(&self, closure: &Closure, this: Option<&Val>, args: &Args) -> Option<PureCall> {
        let is_open = args.rest.is_some() || !args.named.is_empty() || args.named_rest.is_some() || this.is_some();
        if !self.found.is_running_handler || is_open || args.pos.is_empty() || !closure.bound.is_empty() {
            return None;
        }
        let operand = |value: &Val| match value.literal() {
            Some(text) if value.taint.is_none() => Some(PathOperand::Known(text.into())),
            _ if value.vn == 0 || self.store.fact(value.vn).is_some() => None,
            _ => matches!(value.kind, Kind::Str | Kind::Unknown).then_some(PathOperand::Value(value.vn)),
        };
        let args: Option<Vec<PathOperand>> = args.pos.iter().map(operand).collect();
        Some(PureCall { module: closure.module, func: closure.func, captures: closure.captures.clone(), args: args? })
    }

    /// Whether a result can be given out twice: text, or a list of text.
    fn is_plain_text(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Str => value.cond.is_none(),
            Kind::Obj(id) => {
                let obj = self.store.obj(id);
                let is_text = |value: &Val| matches!(value.kind, Kind::Str);
                matches!(obj.kind, ObjKind::Array) && obj.items.iter().chain(&obj.more).all(is_text)
            }
            _ => false,
        }
    }

    /// The result of a call that was made before: lists are new, their elements are the same.
    fn same_again(&mut self, known: &Val) -> Val {
        match known.kind {
            Kind::Obj(id) => {
                let copy = (*self.store.obj_rc(id)).clone();
                Val { kind: Kind::Obj(self.store.new_obj(copy)), ..known.clone() }
            }
            _ => known.clone(),
        }
    }

    fn mark_arguments(&mut self, mut args: Args, name: Option<Symbol>, span: Span) -> Args {
        let mut values = args.pos.iter().chain(&args.rest).chain(args.named.iter().map(|(_, value)| value));
        if self.frames.is_empty() || span == Span::default() || !values.any(Val::is_tainted) {
            return args;
        }
        let label = name.map_or_else(|| "a callback".to_owned(), |name| format!("`{name}`"));
        let what = StepKind::Argument(label);
        for value in args.pos.iter_mut().chain(&mut args.rest).chain(args.named.iter_mut().map(|(_, value)| value)) {
            if value.is_tainted() {
                let at = self.here(span);
                value.step = self.trace.add(value.step, at, what.clone());
            }
        }
        args
    }

    fn bind_params(&mut self, closure: &Closure, this: Option<Val>, args: Args) {
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let Args { pos, rest, mut named, named_rest } = args;
        if let Some(slot) = func.arguments {
            let list = self.new_array(pos.clone(), rest.clone());
            let cell = self.frame().locals[slot as usize];
            self.store.set_cell(cell, list);
        }
        let mut positional = std::collections::VecDeque::from(pos);
        for bound in closure.bound.iter().rev() {
            positional.push_front(bound.clone());
        }
        if closure.takes_self
            && let Some(this) = this
        {
            positional.push_front(this);
        }
        named.splice(0..0, closure.bound_named.iter().cloned());
        for param in &func.params {
            let value = match param.kind {
                crate::ir::ParamKind::Rest => {
                    let items: Vec<Val> = positional.drain(..).collect();
                    self.new_array(items, rest.clone())
                }
                crate::ir::ParamKind::KeywordRest => {
                    let mut obj = Obj::new(ObjKind::Dict);
                    for (name, value) in named.drain(..) {
                        obj.fields.insert(name, value);
                    }
                    obj.any = named_rest.clone();
                    let taint =
                        obj.fields.values().chain(&obj.any).fold(Taint::NONE, |taint, value| taint.union(value.taint));
                    Val { taint, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
                }
                crate::ir::ParamKind::Normal | crate::ir::ParamKind::KeywordOnly => {
                    let by_name = param
                        .name
                        .and_then(|name| named.iter().position(|(key, _)| *key == name))
                        .map(|at| named.remove(at).1);
                    let by_position =
                        if param.kind == crate::ir::ParamKind::Normal { positional.pop_front() } else { None };
                    let given = by_name
                        .or(by_position)
                        .or_else(|| if param.kind == crate::ir::ParamKind::Normal { rest.clone() } else { None });
                    let given = given.or_else(|| named_rest.clone());
                    match given {
                        Some(value) => self.or_default_param(value, param.default),
                        None => match param.default {
                            Some(default) => self.eval_default(default),
                            None => Val::undefined(),
                        },
                    }
                }
            };
            let value = self.typed(value, param.annotation);
            if param.is_property
                && let (Some(name), Some(this)) = (param.name, self.frame().this.clone())
            {
                self.set_member(&this, name, value.clone(), param.span);
            }
            self.bind(&param.pat, value);
        }
    }

    /// JavaScript defaults apply to `undefined`; Python defaults only to missing arguments.
    fn or_default_param(&mut self, value: Val, default: Option<ExprId>) -> Val {
        if self.lang() == Lang::Python { value } else { self.or_default(value, default) }
    }

    fn eval_default(&mut self, default: ExprId) -> Val {
        let value = self.eval(default);
        // pydantic's `Field(default=…)` and FastAPI's `Query(…)` stand for their default.
        self.field_default(&value).unwrap_or(value)
    }

    /// An argument of unknown kind whose parameter names a class of the target is an instance of that class.
    fn typed(&mut self, value: Val, annotation: Option<ExprId>) -> Val {
        let Some(annotation) = annotation else { return value };
        let is_opaque = matches!(value.kind, Kind::Unknown | Kind::Undefined) && value.text.is_none();
        if !is_opaque || value.is_tainted() {
            return value;
        }
        self.instance_of_annotation(annotation).unwrap_or(value)
    }

    /// Ends the innermost call: joins the returns and their states.
    fn leave(&mut self, is_generator: bool, alive: bool) -> Val {
        let nothing = self.nothing();
        let mut returns = std::mem::take(&mut self.frame_mut().returns);
        let entry = self.frame().entry;
        let frame = self.frames.pop().expect("leave pairs with call_closure");
        // The only way out needs no join.
        let only = match returns.as_mut_slice() {
            [] if alive => Some(nothing.clone()),
            [Returned { value, state: None, .. }] => Some(value.clone()),
            _ => None,
        };
        if let Some(value) = only {
            self.store.release(entry);
            self.last_call_failed = false;
            return if is_generator { self.new_array(Vec::new(), frame.yielded) } else { value };
        }
        if alive {
            let by_default = frame.configured == 0;
            returns.push(Returned { value: nothing, state: Some(self.store.snapshot(entry)), by_default });
        }
        self.store.rollback(entry);
        self.store.release(entry);
        let is_default: Vec<bool> = returns.iter().map(|returned| returned.by_default).collect();
        let (values, ends): (Vec<Val>, Vec<Snapshot>) =
            returns.into_iter().map(|returned| (returned.value, returned.state.unwrap_or_default())).unzip();
        let facts: Vec<Refinements> = ends.iter().map(facts_of).collect();
        // What is checked unless the administrator turned the check off is checked.
        let defaults = facts.iter().zip(&is_default).filter(|(_, by_default)| **by_default).map(|(facts, _)| facts);
        let by_default = if is_default.contains(&false) {
            defaults.cloned().reduce(|a, b| crate::engine::facts::either(&a, &b)).unwrap_or_default()
        } else {
            Vec::new()
        };
        self.last_call_failed = false;
        if ends.is_empty() {
            if is_generator {
                return self.new_array(Vec::new(), frame.yielded);
            }
            // Every path raises: a validator that refuses this value. A method that only raises is a placeholder for
            // what subclasses define, and fuel that ran out says nothing.
            // While modules load, what raises is a missing setting more often than a check.
            let says_something = self.found.is_running_handler && !self.out_of_fuel;
            let is_placeholder = frame.home.is_some() && self.is_placeholder(frame.module, frame.func);
            if says_something && !is_placeholder {
                self.last_call_failed = true;
                self.leave_path();
            }
            return Val::unknown();
        }
        self.join_into_store(ends);
        self.assume(&by_default);
        if is_generator {
            return self.new_array(Vec::new(), frame.yielded);
        }
        let mut joined = self.join_outcomes(&values, &facts);
        if is_default.contains(&false) && is_default.contains(&true) {
            // An answer that only a configuration gives tells nothing of what the same answer means otherwise.
            let is_usual = |index: usize, value: &Val| {
                let others = values.iter().zip(&is_default).filter(|(_, by_default)| **by_default);
                let has_same =
                    others.map(|(other, _)| other.truth()).any(|truth| truth.is_none() || truth == value.truth());
                is_default[index] || !is_constant(value) || !has_same
            };
            let usual: Vec<usize> = (0..values.len()).filter(|index| is_usual(*index, &values[*index])).collect();
            let values: Vec<Val> = usual.iter().map(|index| values[*index].clone()).collect();
            let facts: Vec<Refinements> = usual.iter().map(|index| facts[*index].clone()).collect();
            if values.len() > 1 || facts.len() == 1 {
                joined.cond = self.outcome_cond(&values, &facts).map(Rc::new);
            }
        }
        joined
    }

    /// Whether a function does nothing but raise: an abstract method.
    fn is_placeholder(&self, module: ModId, func: FuncId) -> bool {
        let code = self.program.module(module);
        let body = &code.func(func).body;
        let is_text =
            |stmt: &Stmt| matches!(stmt.kind, StmtKind::Expr(expr) if matches!(code.expr(expr), Expr::Str(_)));
        body.iter().find(|stmt| !is_text(stmt)).is_some_and(|stmt| matches!(stmt.kind, StmtKind::Throw(_)))
    }

    /// Joins results of several paths; where the results differ in truth, truth tells which path was taken and so
    /// carries that path's facts (predicate validators, `{ ok: false }` results, `null` on failure).
    pub(crate) fn join_outcomes(&mut self, values: &[Val], facts: &[Refinements]) -> Val {
        if values.len() == 1 {
            return values[0].clone();
        }
        let cond = self.outcome_cond(values, facts);
        let mut joined = self.join_records(values, facts).unwrap_or_else(|| {
            let all: Vec<Val> = values.to_vec();
            self.join_all(all).unwrap_or_else(Val::undefined)
        });
        if let Some(cond) = cond {
            joined.cond = Some(Rc::new(cond));
        }
        joined
    }

    fn outcome_cond(&self, values: &[Val], facts: &[Refinements]) -> Option<Cond> {
        let mut when_true: Option<Refinements> = None;
        let mut when_false: Option<Refinements> = None;
        for (value, path) in values.iter().zip(facts) {
            let cond = value.cond.as_deref().cloned().unwrap_or_default();
            let truth = value.truth();
            if truth != Some(false) {
                let here = crate::engine::facts::both(path, &cond.when_true);
                when_true = Some(match when_true {
                    Some(before) => crate::engine::facts::either(&before, &here),
                    None => here,
                });
            }
            if truth != Some(true) {
                let here = crate::engine::facts::both(path, &cond.when_false);
                when_false = Some(match when_false {
                    Some(before) => crate::engine::facts::either(&before, &here),
                    None => here,
                });
            }
        }
        let cond = Cond {
            when_true: when_true.unwrap_or_default(),
            when_false: when_false.unwrap_or_default(),
            by_default: None,
        };
        (!cond.is_trivial()).then_some(cond)
    }

    /// Results that are fresh records (`{ valid: false, error }`) join field by field, so that a test of one field
    /// tells the path.
    fn join_records(&mut self, values: &[Val], facts: &[Refinements]) -> Option<Val> {
        let mut objects = Vec::new();
        for value in values {
            match value.kind {
                Kind::Obj(id) if matches!(self.store.obj(id).kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array) => {
                    objects.push(self.store.obj_rc(id));
                }
                _ => return None,
            }
        }
        let is_tuple = objects.iter().all(|obj| matches!(obj.kind, ObjKind::Array));
        if is_tuple {
            let len = objects[0].items.len();
            if len == 0 || len > 4 || objects.iter().any(|obj| obj.items.len() != len || obj.more.is_some()) {
                return None;
            }
            let items = (0..len)
                .map(|at| {
                    let column: Vec<Val> = objects.iter().map(|obj| obj.items[at].clone()).collect();
                    self.join_column(&column, facts)
                })
                .collect();
            return Some(self.new_array(items, None));
        }
        if objects.iter().any(|obj| matches!(obj.kind, ObjKind::Array)) {
            return None;
        }
        let mut joined = Obj::new(objects[0].kind.clone());
        for obj in &objects {
            for key in obj.fields.keys() {
                if joined.fields.contains_key(key) {
                    continue;
                }
                let column: Vec<Val> = objects
                    .iter()
                    .map(|obj| obj.fields.get(key).cloned().or_else(|| obj.any.clone()).unwrap_or_else(Val::undefined))
                    .collect();
                let value = self.join_column(&column, facts);
                joined.fields.insert(*key, value);
            }
        }
        let anys: Vec<Val> = objects.iter().filter_map(|obj| obj.any.clone()).collect();
        joined.any = self.join_all(anys);
        let taint = joined.fields.values().fold(Taint::NONE, |taint, value| taint.union(value.taint));
        Some(Val { taint, ..Val::of(Kind::Obj(self.store.new_obj(joined))) })
    }

    fn join_column(&mut self, column: &[Val], facts: &[Refinements]) -> Val {
        let cond = self.outcome_cond(column, facts);
        let mut value = self.join_all(column.to_vec()).unwrap_or_else(Val::undefined);
        if cond.is_some() {
            value.cond = cond.map(Rc::new);
        }
        value
    }

    /// Recursion, depth limit: the result depends on everything passed in.
    fn summary(&mut self, args: &Args, this: Option<&Val>) -> Val {
        // What led here is part of the answer.
        self.memo.context_dependent += 1;
        let mut result = Val::unknown();
        for value in args.all().chain(this) {
            result = result.tainted_by(value);
        }
        result.vn = self.store.fresh_vn();
        result
    }

    // ------------------------------------------------------------------ classes

    fn make_class(&mut self, id: ClassId) -> Val {
        let module = self.frame().module;
        let code = self.program.module(module);
        let class = code.class(id);
        // `class Server(FastMCP[Context])`: the parameters of a generic base are of no matter.
        let plain = |base: &ExprId| match self.code().expr(*base) {
            Expr::Index { object, .. } if self.lang() == Lang::Python => *object,
            _ => *base,
        };
        let bases: Vec<ExprId> = class.bases.iter().map(plain).collect();
        let bases: Vec<Val> = bases.into_iter().map(|base| self.eval(base)).collect();
        for (_, value) in &class.keywords {
            self.eval(*value);
        }
        let obj = self.store.new_obj(Obj::new(ObjKind::Plain));
        let is_python = code.lang == Lang::Python;
        let mut class_val = ClassVal {
            module,
            class: id,
            bases,
            methods: Fields::default(),
            class_methods: Vec::new(),
            field_inits: Vec::new(),
        };
        let mut statics: Vec<(Symbol, Val)> = Vec::new();
        let mut static_blocks = Vec::new();
        for member in &class.members {
            let Ok(name) = self.eval_key(member.key) else { continue };
            let closure = |interp: &mut Self, takes_self| match member.func {
                Some(func) => interp.make_closure(func, Some(obj), takes_self),
                None => Val::undefined(),
            };
            match member.kind {
                MemberKind::Method => {
                    let mut value = closure(self, is_python);
                    for decorator in member.decorators.iter().rev() {
                        let decorator = self.eval(*decorator);
                        value = self.decorate_member(&decorator, value, obj, name, member.span);
                    }
                    class_val.methods.insert(name, value);
                }
                MemberKind::ClassMethod => {
                    class_val.class_methods.push(name);
                    let value = closure(self, true);
                    class_val.methods.insert(name, value);
                }
                MemberKind::StaticMethod => {
                    let mut value = closure(self, false);
                    for decorator in member.decorators.iter().rev() {
                        let decorator = self.eval(*decorator);
                        value = self.decorate_member(&decorator, value, obj, name, member.span);
                    }
                    statics.push((name, value));
                }
                MemberKind::Getter => {
                    if let Kind::Fn(getter) = closure(self, is_python).kind {
                        class_val.methods.insert(name, Val::of(Kind::Accessor(Some(getter), None)));
                    }
                }
                MemberKind::StaticGetter => {
                    if let Kind::Fn(getter) = closure(self, false).kind {
                        statics.push((name, Val::of(Kind::Accessor(Some(getter), None))));
                    }
                }
                MemberKind::StaticSetter => {
                    closure(self, false);
                }
                MemberKind::Setter => {
                    if let Kind::Fn(setter) = closure(self, is_python).kind {
                        let getter = match class_val.methods.get(&name).map(|value| &value.kind) {
                            Some(Kind::Accessor(getter, _)) => *getter,
                            _ => None,
                        };
                        class_val.methods.insert(name, Val::of(Kind::Accessor(getter, Some(setter))));
                    }
                }
                MemberKind::Field => {
                    let func = match closure(self, false).kind {
                        Kind::Fn(func) => Some(func),
                        _ => None,
                    };
                    class_val.field_inits.push((name, func));
                }
                MemberKind::StaticField => {
                    let value = match (member.value, member.func) {
                        (Some(expr), _) => self.eval(expr),
                        (None, Some(_)) => {
                            let init = closure(self, false);
                            self.call_value(&init, Some(Val::of(Kind::Obj(obj))), Args::default(), Span::default())
                        }
                        (None, None) if is_python => continue,
                        (None, None) => Val::undefined(),
                    };
                    statics.push((name, value.clone()));
                    if is_python && matches!(value.kind, Kind::Fn(_)) {
                        // `method = function` in a class body makes a method.
                        class_val.methods.insert(name, value);
                    }
                }
                MemberKind::StaticBlock if is_python => {
                    // A statement of the class body; the fields behind it read what it bound.
                    let block = closure(self, false);
                    self.call_value(&block, None, Args::default(), member.span);
                }
                MemberKind::StaticBlock => static_blocks.push(closure(self, false)),
            }
        }
        let class_val = Rc::new(class_val);
        self.classes.insert(obj, class_val.clone());
        let holder = self.store.obj_mut(obj);
        holder.kind = ObjKind::Class(class_val);
        for (name, value) in statics {
            holder.fields.insert(name, value);
        }
        let mut value = Val::of(Kind::Obj(obj));
        for block in static_blocks {
            self.call_value(&block, Some(value.clone()), Args::default(), Span::default());
        }
        for decorator in class.decorators.iter().rev() {
            let decorator = self.eval(*decorator);
            value = self.decorate(&decorator, value, class.span);
        }
        self.class_created(obj);
        value
    }

    pub(crate) fn class_val(&self, id: ObjId) -> Option<Rc<ClassVal>> {
        match &self.store.obj(id).kind {
            ObjKind::Class(class) => Some(class.clone()),
            _ => self.classes.get(&id).cloned(),
        }
    }

    /// Finds a method or accessor along the bases; also the object of the class that has it.
    pub(crate) fn find_method(&self, class: ObjId, name: Symbol, depth: usize) -> Option<(Val, ObjId)> {
        if depth > 16 {
            return None;
        }
        let class_val = self.class_val(class)?;
        if let Some(method) = class_val.methods.get(&name) {
            return Some((method.clone(), class));
        }
        class_val.bases.iter().find_map(|base| match base.kind {
            Kind::Obj(base) => self.find_method(base, name, depth + 1),
            _ => None,
        })
    }

    /// Finds a static field or method along the bases.
    pub(crate) fn find_static(&self, class: ObjId, name: Symbol, depth: usize) -> Option<Val> {
        if depth > 16 {
            return None;
        }
        if let Some(value) = self.store.obj(class).fields.get(&name) {
            return Some(value.clone());
        }
        self.class_val(class)?.bases.iter().find_map(|base| match base.kind {
            Kind::Obj(base) => self.find_static(base, name, depth + 1),
            _ => None,
        })
    }

    /// The first base outside the target, along the bases.
    pub(crate) fn external_base(&self, class: ObjId, depth: usize) -> Option<ApiId> {
        if depth > 16 {
            return None;
        }
        self.class_val(class)?.bases.iter().find_map(|base| match base.kind {
            Kind::Api(api, _) => Some(api),
            Kind::Obj(base) => self.external_base(base, depth + 1),
            _ => None,
        })
    }

    pub(crate) fn construct(&mut self, target: &Val, args: Args, span: Span) -> Val {
        match &target.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => self.instantiate(*id, args, span),
            Kind::Fn(id) => {
                // A constructor function.
                let this = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Plain))));
                let result = self.call_closure(*id, Some(this.clone()), args, span);
                if matches!(result.kind, Kind::Obj(_)) { result } else { this }
            }
            Kind::Api(api, data) => self.call_api(*api, *data, None, args, span, true),
            Kind::Union(values) => {
                let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
                self.each_alternative(&values, |interp, value| interp.construct(value, args.clone(), span))
            }
            Kind::Bound(bound) => {
                let method = bound.1.clone();
                self.construct(&method, args, span)
            }
            Kind::Module(module) => match self.export(*module, Symbol::new("default"), 0) {
                Some(default) => self.construct(&default, args, span),
                None => self.call_unknown(target, &args, span),
            },
            _ => self.call_unknown(target, &args, span),
        }
    }

    fn instantiate(&mut self, class: ObjId, args: Args, span: Span) -> Val {
        let is_python =
            self.class_val(class).is_some_and(|class| self.program.module(class.module).lang == Lang::Python);
        if is_python && let Some(value) = self.instantiate_python(class, &args, span) {
            return value;
        }
        let this = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Instance(class)))));
        self.construct_into(class, &this, args, span);
        this
    }

    /// Runs field initialisers and the constructor of `class` on `this`.
    pub(crate) fn construct_into(&mut self, class: ObjId, this: &Val, args: Args, span: Span) {
        let Some(class_val) = self.class_val(class) else { return };
        let is_python = self.program.module(class_val.module).lang == Lang::Python;
        let name = Symbol::new(if is_python { "__init__" } else { "constructor" });
        let own = class_val.methods.get(&name).cloned();
        if is_python {
            match self.find_method(class, name, 0) {
                Some((init, _)) => {
                    self.call_value(&init, Some(this.clone()), args, span);
                }
                None => self.external_init(class, this, args, span),
            }
            return;
        }
        match own {
            Some(constructor) => {
                let inherits = !class_val.bases.is_empty();
                if !inherits {
                    self.init_fields(class, this);
                }
                // A derived class initialises its fields when `super()` returns; see `super_call`.
                self.call_value(&constructor, Some(this.clone()), args, span);
            }
            None => {
                match class_val.bases.first() {
                    Some(Val { kind: Kind::Obj(base), .. }) => self.construct_into(*base, this, args, span),
                    Some(_) => self.external_init(class, this, args, span),
                    None => {}
                }
                self.init_fields(class, this);
            }
        }
    }

    fn init_fields(&mut self, class: ObjId, this: &Val) {
        let Some(class_val) = self.class_val(class) else { return };
        for (name, init) in &class_val.field_inits {
            let value = match init {
                Some(init) => self.call_closure(*init, Some(this.clone()), Args::default(), Span::default()),
                None => match self.declared_field(&class_val, *name) {
                    Some(value) => value,
                    None => continue,
                },
            };
            if let Kind::Obj(id) = this.kind {
                // A bare declaration does not overwrite what a base constructor assigned.
                if init.is_some() || !self.store.obj(id).fields.contains_key(name) {
                    self.store.obj_mut(id).fields.insert(*name, value);
                }
            }
        }
    }

    /// Arguments given to a base class outside the target are kept on the instance.
    fn external_init(&mut self, class: ObjId, this: &Val, args: Args, span: Span) {
        if let (Some(api), Kind::Obj(id)) = (self.external_base(class, 0), &this.kind) {
            let id = *id;
            for (index, value) in args.pos.iter().enumerate() {
                self.store.obj_mut(id).fields.insert(Symbol::new(&format!("$arg{index}")), value.clone());
            }
            for (name, value) in &args.named {
                self.store.obj_mut(id).fields.insert(*name, value.clone());
            }
            self.external_constructed(api, this, &args, span);
        }
    }

    fn super_value(&mut self) -> Val {
        self.frame().this.clone().unwrap_or_else(Val::unknown)
    }

    fn super_base(&self) -> Option<Val> {
        let home = self.frame().home?;
        self.class_val(home)?.bases.first().cloned()
    }

    fn super_member(&mut self, name: Symbol, span: Span) -> Val {
        let this = self.python_self().or_else(|| self.frame().this.clone()).unwrap_or_else(Val::unknown);
        let bases = self.frame().home.and_then(|home| self.class_val(home)).map(|class| class.bases.clone());
        for base in bases.unwrap_or_default() {
            if let Kind::Obj(base) = base.kind
                && let Some((method, _)) = self.find_method(base, name, 0)
            {
                return match method.kind {
                    Kind::Accessor(Some(getter), _) => self.call_closure(getter, Some(this), Args::default(), span),
                    _ => Val::of(Kind::Bound(Rc::new((this, method)))),
                };
            }
            if let Kind::Api(api, _) = base.kind {
                let data = match this.kind {
                    Kind::Obj(id) => Some(id),
                    _ => None,
                };
                let made = self.apis.step(api, ApiStep::Call);
                let api = self.apis.step(made, ApiStep::Field(name));
                return Val::of(Kind::Api(api, data));
            }
        }
        Val::unknown()
    }

    /// In Python the receiver is the first local, not `this`.
    fn python_self(&self) -> Option<Val> {
        self.frames.iter().rev().find_map(|frame| {
            let code = self.program.module(frame.module);
            if code.lang != Lang::Python {
                return None;
            }
            match code.func(frame.func).params.first().map(|param| &param.pat) {
                Some(Pat::Var(Var::Local(slot))) if frame.home.is_some() => {
                    frame.locals.get(*slot as usize).map(|cell| self.store.cell(*cell).clone())
                }
                _ => None,
            }
        })
    }

    fn super_call(&mut self, args: Args, span: Span) -> Val {
        if self.lang() == Lang::Python {
            return self.python_self().unwrap_or_else(Val::unknown);
        }
        let this = self.frame().this.clone().unwrap_or_else(Val::unknown);
        let home = self.frame().home;
        match self.super_base() {
            Some(Val { kind: Kind::Obj(base), .. }) => self.construct_into(base, &this, args, span),
            Some(Val { kind: Kind::Fn(base), .. }) => {
                self.call_closure(base, Some(this.clone()), args, span);
            }
            Some(_) => {
                if let Some(home) = home {
                    self.external_init(home, &this, args, span);
                }
            }
            None => {}
        }
        if let Some(home) = home {
            self.init_fields(home, &this);
        }
        this
    }

    // ------------------------------------------------------------------ identities

    /// The value number of "an element of" a collection: one per collection, so that a check made on every element is
    /// known wherever an element is used.
    pub(crate) fn element_vn(&mut self, collection: Vn) -> Vn {
        if collection == 0 {
            return self.store.fresh_vn();
        }
        if let Some(vn) = self.element_vns.get(&collection) {
            return *vn;
        }
        let vn = self.store.fresh_vn();
        self.element_vns.insert(collection, vn);
        self.universal.insert(vn);
        vn
    }

    pub(crate) fn model_index(&mut self, api: ApiId) -> Option<usize> {
        if let Some(index) = self.api_cache.get(&api) {
            return *index;
        }
        let index = self.models.find(&self.apis.name(api));
        self.api_cache.insert(api, index);
        index
    }

    pub(crate) fn text_val(&mut self, props: StrProps, from: &Val) -> Val {
        Val { taint: self.taint_now(from), step: from.step, vn: self.store.fresh_vn(), ..Val::with_props(props) }
    }

    /// A string derived from another by a function that keeps the file or URL it means.
    pub(crate) fn derived(&mut self, props: StrProps, from: &Val, transform: Transform) -> Val {
        let base = (from.vn != 0).then_some((from.vn, transform));
        let vn = self.store.fresh_vn();
        if let Some(base) = base {
            self.derivations.insert(vn, base);
        }
        let shape = self.path_shape(from);
        let text = Text { props: props.into(), parts: Vec::new(), base, shape };
        Val { taint: self.taint_now(from), step: from.step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) }
    }
}

/// What a path learnt.
fn facts_of(end: &Snapshot) -> Refinements {
    end.facts().map(|(vn, fact)| (vn, fact.clone())).collect()
}

/// An answer that carries nothing but itself: `true`, `null`, `""`.
fn is_constant(value: &Val) -> bool {
    value.is_nullish() || matches!(value.kind, Kind::Bool(Some(_))) || value.literal().is_some() && !value.is_tainted()
}

/// Whether a block does nothing but leave, whatever is in it: its last statement returns or throws, and no other
/// statement decides.
fn always_leaves(block: &Block) -> bool {
    let leaves = |stmt: &Stmt| matches!(stmt.kind, StmtKind::Return(_) | StmtKind::Throw(_));
    let decides = |stmt: &Stmt| {
        matches!(
            stmt.kind,
            StmtKind::If { .. } | StmtKind::Switch { .. } | StmtKind::Try { .. } | StmtKind::ForEach { .. }
        )
    };
    block.last().is_some_and(leaves) && !block.iter().any(decides)
}

/// What a path wrote, without what it learnt.
pub(crate) fn without_facts(snapshot: &Snapshot) -> Snapshot {
    let changes = snapshot.changes.iter().filter(|(loc, _)| !matches!(loc, Loc::Fact(_))).cloned().collect();
    Snapshot { changes }
}

/// A property name from a key value.
pub(crate) fn key_name(key: &Val) -> Option<Symbol> {
    if let Some(text) = key.literal() {
        return Some(Symbol::new(text));
    }
    match key.kind {
        Kind::Num(Some(value)) => Some(Symbol::new(&number_text(value))),
        _ => None,
    }
}

/// A number as the source languages print it, near enough for keys and messages.
pub(crate) fn number_text(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { value.to_string() }
}

pub(crate) fn arc(text: &str) -> Arc<str> {
    Arc::from(text)
}

pub(crate) fn unary_text(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Not => "not",
        _ => "",
    }
}
