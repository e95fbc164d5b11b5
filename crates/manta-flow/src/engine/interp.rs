//! The abstract interpreter: statements, expressions, scopes and joins.

mod binding;
pub(crate) mod branching;
mod calling;
mod classes;
mod dear;
mod exceptions;
mod expressions;
mod growth;
mod inheritance;
mod loading;
mod over;
mod receivers;
mod statements;

pub(crate) use dear::Dear;
pub(crate) use growth::shortest_of;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use manta_core::{Location, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::domain::StrProps;
use crate::engine::analysis::{Arrivals, Carried};
use crate::engine::api::{ApiId, ApiTable};
use crate::engine::congruence::Operand;
use crate::engine::credentials::Credential;
use crate::engine::facts::Cond;
use crate::engine::memo::Memo;
use crate::engine::models::Models;
use crate::engine::program::Program;
use crate::engine::report::Findings;
use crate::engine::stage::Observer;
use crate::engine::store::{ClassVal, Loc, Mark, Snapshot, Store};
use crate::engine::trace::{StepKind, Trace};
use crate::engine::value::{CellId, Kind, ModId, ObjId, PathShape, Text, Transform, Val, Vn};
use crate::ir::{FuncId, ImportId, Lang, Module, Symbol, UnaryOp};

/// Limits of one run (design §9.2). Reaching one is reported, never hidden.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Expressions evaluated for one tool.
    pub fuel_per_tool: u64,
    /// Expressions evaluated for one concrete input that is followed to a sink.
    pub fuel_per_witness: u64,
    /// Expressions evaluated for the whole target, of which each handler has its part.
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
        Self {
            fuel_per_tool: 1_000_000,
            fuel_per_witness: 400_000,
            fuel_total: 12_000_000,
            call_depth: 48,
            memo: true,
            store_bytes: 384 << 20,
        }
    }
}

/// The fact under this number says that the present path is not taken. Facts meet at joins, so a join with a path that
/// is taken is taken.
pub(crate) const NOT_TAKEN: Vn = Vn::MAX;

/// Most rounds in which a loop over known elements is unrolled.
pub(crate) const MAX_UNROLL: usize = 96;

/// Most values, one inside the other, that are looked into.
const MAX_NESTING: usize = 4;

/// Values that are copied in the time of one step.
pub(crate) const COPIES_PER_STEP: u64 = 16;

/// What it costs to look inside a value, in values copied.
const INSIDE: usize = 256;

/// How often it is asked which of the running calls takes too much.
const STEPS_PER_LOOK: u64 = 4_096;

/// What a step of a trace takes up, its text included. In bytes.
const TRACE_BYTES: usize = 192;

/// What the calls of a function cost while modules load.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoadCost {
    calls: u32,
    steps: u64,
    /// Whether something was registered in one of them.
    registers: bool,
    /// Whether a server was started in the last of them, in a way that was not known.
    starts: bool,
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
    /// States in which the program ended here while modules load.
    dead_ends: Vec<Snapshot>,
    /// Branches entered that only a configuration leads to.
    configured: u32,
    /// Whether the function ends where the administrator has configured nothing: no check, but a feature that is off.
    has_end_by_default: bool,
    pub(crate) entry: Mark,
    yielded: Option<Val>,
    jumps: Vec<JumpTarget>,
    /// Steps that were used when it began; none for what is no call of a function.
    entered: Option<u64>,
    /// How much had been discovered then.
    discovered: usize,
    /// Steps of calls inside of it that were given up.
    spared: u64,
    /// Whether it is known to have something of the caller's in it.
    concerns_caller: bool,
}

impl Frame {
    /// The activation of a module's top level, or the beginning of that of a function.
    fn new(module: ModId, func: FuncId, locals: Vec<CellId>, entry: Mark) -> Self {
        Self {
            module,
            func,
            locals,
            captures: Rc::from([]),
            this: None,
            home: None,
            called_at: None,
            returns: Vec::new(),
            dead_ends: Vec::new(),
            configured: 0,
            has_end_by_default: false,
            entry,
            yielded: None,
            jumps: Vec::new(),
            entered: None,
            discovered: 0,
            spared: 0,
            concerns_caller: false,
        }
    }
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
    /// Whether the positional ones are there at all: they come out of a list that may be empty (`push(...problems)`).
    pub(crate) of_list: Option<Val>,
    pub(crate) named: Vec<(Symbol, Val)>,
    /// Keyword arguments of unknown name.
    pub(crate) named_rest: Option<Val>,
}

impl Args {
    pub(crate) fn of(pos: Vec<Val>) -> Self {
        Self { pos, ..Self::default() }
    }

    /// Whether nothing is given, nor may be.
    pub(crate) fn is_empty(&self) -> bool {
        self.pos.is_empty() && self.named.is_empty() && self.rest.is_none() && self.named_rest.is_none()
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
    pub(crate) observer: Observer,
    pub(crate) store: Store,
    pub(crate) apis: ApiTable,
    pub(crate) trace: Trace,
    pub(crate) frames: Vec<Frame>,
    pub(crate) mods: Vec<ModState>,
    pub(crate) found: Findings,
    pub(crate) carried: Carried,
    pub(crate) arrivals: Arrivals,
    pub(crate) tries: Vec<TryFrame>,
    classes: FxHashMap<ObjId, Rc<ClassVal>>,
    /// Functions entered at least once, for the pass over code nothing reaches.
    pub(crate) entered: FxHashSet<(ModId, FuncId)>,
    /// Those whose run before any handler's left what it wrote.
    pub(crate) ran: FxHashSet<(ModId, FuncId)>,
    /// How many runs are going on that leave nothing.
    pub(crate) trials: usize,
    pub(crate) limits: Limits,
    pub(crate) fuel: u64,
    pub(crate) fuel_used: u64,
    /// With how many steps left calls are given up that took too many; none where nothing is.
    pub(crate) sparing_below: u64,
    /// Calls that took too much of a run.
    pub(crate) dear: Dear,
    /// What may have been used when the run of the present handler ends.
    pub(crate) allowed: u64,
    pub(crate) out_of_fuel: bool,
    /// What modules run when they load was not followed to the end.
    pub(crate) is_load_cut: bool,
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
    /// Names that a module's `__getattr__` is being asked for.
    lazy_exports: Vec<(ModId, Symbol)>,
    /// How many values, one inside the other, are being looked into.
    nesting: usize,
    load_costs: FxHashMap<(ModId, FuncId), LoadCost>,
    /// Weight of the store when the run began.
    pub(crate) weight_before: usize,
    /// How often the present statement is interpreted because of the loops around it.
    pub(crate) rounds: usize,
    /// Steps left for following witnesses in the present tool, and what is left of them for those that are no piece of
    /// anything else.
    pub(crate) replay_budget: u64,
    pub(crate) replay_reserve: u64,
    api_cache: FxHashMap<ApiId, Option<usize>>,
    /// Whether a call outside comes back, as far as asked.
    never: RefCell<FxHashMap<ApiId, bool>>,
    /// The credential that something outside is, as far as asked.
    pub(crate) known_credentials: RefCell<FxHashMap<ApiId, Option<Credential>>>,
    element_vns: FxHashMap<Vn, Vn>,
    universal: FxHashSet<Vn>,
    star_imports: FxHashMap<ModId, Vec<ImportId>>,
    /// Attributes to which code other than constructors assigns, by module, as far as asked.
    pub(crate) set_later: FxHashMap<ModId, FxHashSet<Symbol>>,
    /// Patterns met so far.
    pub(crate) regexes: std::collections::HashMap<String, Option<Rc<crate::domain::regex::Regex>>>,
    /// The same for patterns that are run on concrete texts.
    pub(crate) runnable: std::collections::HashMap<String, Option<Rc<fancy_regex::Regex>>>,
    /// Field reads of untrusted objects, so that reading twice gives one value number.
    pub(crate) field_vns: FxHashMap<(Vn, Symbol), Val>,
    /// Results that are answers of services.
    pub(crate) answers: FxHashSet<Vn>,
    /// For values computed by functions that keep the file or URL: what they were computed from.
    pub(crate) derivations: FxHashMap<Vn, (Vn, Transform)>,
    /// Results of `path.relative(root, x)`: the `x` they describe.
    pub(crate) relative_paths: FxHashMap<Vn, Val>,
    /// Results of `dirname(x)` and `x.parent`: the `x`.
    pub(crate) parents: FxHashMap<Vn, Val>,
    /// Functions that make schemas of a bundled zod, or do not.
    pub(crate) schema_makers: FxHashMap<(ModId, FuncId), bool>,
    /// Results of `typeof x`: the `x` they describe.
    pub(crate) typeofs: FxHashMap<Vn, Val>,
    /// For lists of what passed a test: what it means that there is something in them.
    pub(crate) evidence: FxHashMap<ObjId, Cond>,
    /// Results of `commonpath([root, x])`: the `x`, and whether whole components were compared.
    pub(crate) common_paths: FxHashMap<Vn, (Val, bool)>,
    /// Positions that `indexOf` gave: the text that was searched, and what for.
    pub(crate) searches: FxHashMap<Vn, (Val, Val)>,
    /// Value numbers of the first piece of a split text, by text and separator.
    pub(crate) first_pieces: FxHashMap<(Vn, Box<str>), Vn>,
    /// Extensions of joined paths, where the last operand says it.
    pub(crate) extensions: FxHashMap<Vn, Rc<str>>,
    /// Texts in base64, or quoted as a word for a shell: what they say.
    pub(crate) encoded: FxHashMap<Vn, Val>,
    /// Results of `x.parents`: the `x`.
    pub(crate) parent_lists: FxHashMap<Vn, Val>,
    /// Lists of the components of a path: the path.
    pub(crate) component_lists: FxHashMap<Vn, Val>,
    /// Value numbers of what operations gave; see [`congruence`](crate::engine::congruence).
    pub(crate) operations: FxHashMap<(Symbol, Vec<Operand>), Vn>,
}

impl<'p> Interp<'p> {
    pub(crate) fn new(program: &'p Program, models: &'p Models, limits: Limits) -> Self {
        Self {
            program,
            models,
            observer: Observer::default(),
            store: Store::default(),
            apis: ApiTable::default(),
            trace: Trace::default(),
            frames: Vec::new(),
            mods: vec![ModState::Unloaded; program.len()],
            found: Findings::default(),
            carried: Carried::default(),
            tries: Vec::new(),
            classes: FxHashMap::default(),
            entered: FxHashSet::default(),
            ran: FxHashSet::default(),
            trials: 0,
            limits,
            fuel: limits.fuel_per_tool,
            fuel_used: 0,
            sparing_below: 0,
            dear: Dear::default(),
            allowed: limits.fuel_total,
            out_of_fuel: false,
            is_load_cut: false,
            last_call_failed: false,
            is_heavy: false,
            is_decided: false,
            is_loading: false,
            lazy_exports: Vec::new(),
            nesting: 0,
            load_costs: FxHashMap::default(),
            weight_before: 0,
            arrivals: Arrivals::default(),
            memo: Memo::default(),
            rounds: 1,
            replay_budget: 0,
            replay_reserve: 0,
            is_replaying: false,
            callback_runs: FxHashMap::default(),
            registration_spans: FxHashMap::default(),
            api_cache: FxHashMap::default(),
            never: RefCell::default(),
            known_credentials: RefCell::default(),
            element_vns: FxHashMap::default(),
            universal: FxHashSet::default(),
            star_imports: FxHashMap::default(),
            set_later: FxHashMap::default(),
            regexes: std::collections::HashMap::new(),
            runnable: std::collections::HashMap::new(),
            field_vns: FxHashMap::default(),
            answers: FxHashSet::default(),
            derivations: FxHashMap::default(),
            relative_paths: FxHashMap::default(),
            parents: FxHashMap::default(),
            schema_makers: FxHashMap::default(),
            typeofs: FxHashMap::default(),
            evidence: FxHashMap::default(),
            common_paths: FxHashMap::default(),
            searches: FxHashMap::default(),
            first_pieces: FxHashMap::default(),
            extensions: FxHashMap::default(),
            encoded: FxHashMap::default(),
            parent_lists: FxHashMap::default(),
            component_lists: FxHashMap::default(),
            operations: FxHashMap::default(),
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
        // What is done on behalf of something else has no place of its own.
        if value.taint.is_none() || span == Span::default() {
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
        if self.is_decided || self.dear.is_leaving() {
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
            if self.observer.is_stopped() {
                // Whatever comes now finds nothing left.
                self.limits.fuel_total = self.fuel_used;
                self.out_of_fuel = true;
                return false;
            }
            let weight = self.store.weight() + self.trace.len() * TRACE_BYTES;
            if weight > self.weight_before + self.limits.store_bytes / 2 {
                self.is_heavy = true;
                self.out_of_fuel = true;
                return false;
            }
        }
        if self.fuel_used / STEPS_PER_LOOK != (self.fuel_used - steps) / STEPS_PER_LOOK {
            self.give_up_dear_call();
        }
        true
    }

    /// Counts work that one step does on so many values.
    pub(crate) fn charge(&mut self, values: usize) {
        let steps = values as u64 / COPIES_PER_STEP;
        self.fuel = self.fuel.saturating_sub(steps);
        self.fuel_used += steps;
    }

    /// Looks at what is inside a value. None where that goes too deep, because a value may hold itself, or the same one
    /// twice at every level; and where the budget is spent.
    pub(crate) fn inside<R>(&mut self, look: impl FnOnce(&mut Self) -> R) -> Option<R> {
        if self.fuel == 0 {
            self.out_of_fuel = true;
            return None;
        }
        if self.nesting >= MAX_NESTING {
            return None;
        }
        self.charge(INSIDE);
        self.nesting += 1;
        let seen = look(self);
        self.nesting -= 1;
        Some(seen)
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

    /// A test of this value in a loop is a test of every element.
    pub(crate) fn note_universal(&mut self, vn: Vn) {
        self.universal.insert(vn);
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
        // What is taken out of a path may be what it was put together for.
        let keeps_shape = !matches!(transform, Transform::Without(_));
        let shape = if keeps_shape { self.path_shape(from) } else { PathShape::default() };
        let text = Text { known: props.into(), base, shape, ..Text::default() };
        Val { taint: self.taint_now(from), step: from.step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) }
    }
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
