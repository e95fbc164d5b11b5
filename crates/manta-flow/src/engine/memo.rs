//! Calls that were made before.
//!
//! Loops, alternatives and helpers of helpers make the interpreter meet the same call again and again: the same function
//! with the same arguments in the same state. Such a call gives what it gave before, so it is interpreted once.
//!
//! *The same* is decided by [`Interp::call_id`]: function, receiver, arguments and captured variables with everything
//! they reach, by content: value numbers, taint, texts, trace steps, known facts, and objects by version. Everything that
//! is older than the run has one version together, since a run rarely changes it. What reaches too far, or holds
//! something that has no content to compare, is not identified and simply interpreted.
//!
//! Only calls without effects are remembered: they wrote to nothing older than themselves, loaded no module, and were
//! not cut short by recursion or fuel. What they learnt about values is learnt again when they are recalled, and what
//! they made is made anew, since two calls of `makeOptions()` give two objects. Hits at sinks need not be repeated: they
//! would be the same hits of the same run.
//!
//! Invariants that other parts of the engine keep for this:
//! * whatever influences a call is reachable from the values above, constant during a run, or only grows with use (value
//!   numbers of fields and elements, access paths, formats met);
//! * cells, objects and facts change only through the store, which gives every content its version;
//! * effects outside of the store that matter beyond the first time call [`Interp::mark_effect`].
//!
//! The state lives for one run of one handler. `Limits::memo` switches it off, for tests that compare.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::engine::facts::Fact;
use crate::engine::interp::{Args, Interp, NOT_TAKEN};
use crate::engine::store::{Loc, Mark, Obj, ObjKind};
use crate::engine::value::{FnId, Kind, ObjId, Part, Text, Val, Vn};
use crate::ir::FuncId;

/// Most values looked at to identify a call.
const MAX_VALUES: usize = 192;
/// Most objects that a remembered call may have made.
const MAX_MADE: usize = 32;

/// Calls of a run.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// Functions that have been called: a first call is not worth identifying.
    called: FxHashMap<(u32, FuncId), u32>,
    known: FxHashMap<CallId, Known>,
    /// How often a result depended on what led to the call, or something happened that the store does not know.
    pub(crate) context_dependent: u32,
    /// The fewest `try` statements that were open when something was thrown.
    pub(crate) least_tries: usize,
}

/// The content of a call, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallId(u64);

/// What came of a call.
#[derive(Debug)]
struct Known {
    result: Val,
    /// Objects it made and that its result reaches, as they were when it returned.
    made: Vec<(ObjId, Rc<Obj>)>,
    learnt: Vec<(Vn, Rc<Fact>)>,
    throws: bool,
    /// It throws on every path.
    fails: bool,
}

/// State before a call, to tell afterwards what it depended on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    context_dependent: u32,
    least_tries: usize,
    closures: usize,
    tries: usize,
}

impl Interp<'_> {
    /// Something happened that a repeated call has to repeat.
    pub(crate) fn mark_effect(&mut self) {
        self.memo.context_dependent += 1;
    }

    /// Identifies a call by its content; none when it is the first of its function, or has too much to compare.
    pub(crate) fn call_id(&mut self, id: FnId, this: Option<&Val>, args: &Args) -> Option<CallId> {
        if !self.limits.memo || !self.found.is_running_handler {
            return None;
        }
        let closure = self.store.closure(id);
        let place = (closure.module.0, closure.func);
        let called = self.memo.called.entry(place).or_insert(0);
        *called += 1;
        if *called < 3 {
            return None;
        }
        let mut content = Content { interp: self, hasher: DefaultHasher::new(), left: MAX_VALUES };
        (place, content.interp.rounds, content.interp.store.old_version()).hash(&mut content.hasher);
        content.closure(id, 3)?;
        content.optional(this, 3)?;
        args.pos.len().hash(&mut content.hasher);
        for value in &args.pos {
            content.value(value, 3)?;
        }
        content.optional(args.rest.as_ref(), 3)?;
        for (name, value) in &args.named {
            name.hash(&mut content.hasher);
            content.value(value, 3)?;
        }
        content.optional(args.named_rest.as_ref(), 3)?;
        content.interp.is_not_taken().hash(&mut content.hasher);
        Some(CallId(content.hasher.finish()))
    }

    /// The result of a call that was made before.
    pub(crate) fn recall(&mut self, call: CallId) -> Option<Val> {
        let known = self.memo.known.get(&call)?;
        let (mut result, made, learnt, throws) =
            (known.result.clone(), known.made.clone(), known.learnt.clone(), known.throws);
        self.last_call_failed = known.fails;
        for (vn, fact) in &learnt {
            self.store.assume(*vn, fact);
        }
        if throws {
            self.throw(Val::unknown());
        }
        if !made.is_empty() {
            let anew: FxHashMap<ObjId, ObjId> =
                made.iter().map(|(id, obj)| (*id, self.store.new_obj((**obj).clone()))).collect();
            for id in anew.values() {
                let obj = self.store.obj_mut(*id);
                let values = obj.fields.values_mut().chain(&mut obj.any).chain(&mut obj.items).chain(&mut obj.more);
                for value in values {
                    rename(value, &anew);
                }
                if let ObjKind::Instance(class) = &mut obj.kind {
                    *class = anew.get(class).copied().unwrap_or(*class);
                }
            }
            rename(&mut result, &anew);
            for (before, now) in &anew {
                if let Some(evidence) = self.evidence.get(before).cloned() {
                    self.evidence.insert(*now, evidence);
                }
                if let Some(at) = self.found.opened.get(before).copied() {
                    self.found.opened.insert(*now, at);
                }
            }
        }
        Some(result)
    }

    pub(crate) fn watch(&mut self) -> Watch {
        let least_tries = std::mem::replace(&mut self.memo.least_tries, usize::MAX);
        Watch {
            context_dependent: self.memo.context_dependent,
            least_tries,
            closures: self.store.closures.len(),
            tries: self.tries.len(),
        }
    }

    /// The values that the call under way has learnt about; none when it has effects.
    pub(crate) fn effects_of_call(&self) -> Option<Vec<Vn>> {
        let frame = self.frame();
        if !self.store.is_pure(frame.entry) {
            return None;
        }
        let mut learnt: Vec<Vn> = self.store.learnt(frame.entry).collect();
        for state in frame.returns.iter().filter_map(|returned| returned.state.as_ref()) {
            for (loc, _) in &state.changes {
                match loc {
                    Loc::Fact(vn) => learnt.push(*vn),
                    loc if !frame.entry.is_younger(*loc) => return None,
                    _ => {}
                }
            }
        }
        learnt.sort_unstable();
        learnt.dedup();
        (!learnt.contains(&NOT_TAKEN)).then_some(learnt)
    }

    /// Keeps what came of a call.
    pub(crate) fn remember(
        &mut self,
        call: CallId,
        before: Watch,
        throws: bool,
        entry: Mark,
        result: &Val,
        learnt: &[Vn],
    ) {
        if self.out_of_fuel || self.is_decided || self.memo.context_dependent != before.context_dependent {
            return;
        }
        let mut made = Vec::new();
        if self.collect_made(result, entry, before.closures, &mut made).is_none() {
            return;
        }
        let learnt = learnt.iter().filter_map(|vn| Some((*vn, self.store.fact(*vn)?.clone()))).collect();
        self.memo
            .known
            .insert(call, Known { result: result.clone(), made, learnt, throws, fails: self.last_call_failed });
    }

    /// Whether the call threw something that a `try` around it catches; its caller is watched on.
    pub(crate) fn unwatch(&mut self, before: Watch) -> bool {
        let throws = before.tries > 0 && self.memo.least_tries <= before.tries;
        self.memo.least_tries = self.memo.least_tries.min(before.least_tries);
        throws
    }

    /// Objects younger than `entry` that a value reaches; none when there are too many, or functions among them.
    fn collect_made(&self, value: &Val, entry: Mark, closures: usize, made: &mut Vec<(ObjId, Rc<Obj>)>) -> Option<()> {
        match &value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) => {
                if !entry.is_younger(Loc::Obj(*id)) || made.iter().any(|(known, _)| known == id) {
                    return Some(());
                }
                let obj = self.store.obj_rc(*id);
                if made.len() >= MAX_MADE || matches!(obj.kind, ObjKind::Class(_)) {
                    return None;
                }
                if let ObjKind::Instance(class) = obj.kind
                    && entry.is_younger(Loc::Obj(class))
                {
                    return None;
                }
                made.push((*id, obj.clone()));
                let mut values = obj.fields.values().chain(&obj.any).chain(&obj.items).chain(&obj.more);
                values.try_for_each(|value| self.collect_made(value, entry, closures, made))
            }
            Kind::Fn(id) => ((id.0 as usize) < closures).then_some(()),
            Kind::Accessor(..) | Kind::Resolver(_) => None,
            Kind::Bound(bound) => {
                self.collect_made(&bound.0, entry, closures, made)?;
                self.collect_made(&bound.1, entry, closures, made)
            }
            Kind::Method(method) => self.collect_made(&method.0, entry, closures, made),
            Kind::Union(values) => values.iter().try_for_each(|value| self.collect_made(value, entry, closures, made)),
            _ => Some(()),
        }
    }
}

/// Points a value at copies.
fn rename(value: &mut Val, anew: &FxHashMap<ObjId, ObjId>) {
    let renamed = |value: &Val| {
        let mut value = value.clone();
        rename(&mut value, anew);
        value
    };
    match &mut value.kind {
        Kind::Obj(id) | Kind::Api(_, Some(id)) => *id = anew.get(id).copied().unwrap_or(*id),
        Kind::Bound(bound) => *bound = Rc::new((renamed(&bound.0), renamed(&bound.1))),
        Kind::Method(method) => *method = Rc::new((renamed(&method.0), method.1)),
        Kind::Union(values) => *values = values.iter().map(renamed).collect(),
        _ => {}
    }
}

/// A walk over everything that a call may depend on.
struct Content<'i, 'p> {
    interp: &'i Interp<'p>,
    hasher: DefaultHasher,
    left: usize,
}

impl Content<'_, '_> {
    fn optional(&mut self, value: Option<&Val>, depth: usize) -> Option<()> {
        value.is_some().hash(&mut self.hasher);
        value.map_or(Some(()), |value| self.value(value, depth))
    }

    fn closure(&mut self, id: FnId, depth: usize) -> Option<()> {
        id.hash(&mut self.hasher);
        if self.interp.store.is_old_closure(id) {
            return Some(());
        }
        let closure = self.interp.store.closure(id);
        if depth == 0 || closure.props.is_some() {
            return None;
        }
        for cell in closure.captures.iter() {
            self.value(self.interp.store.cell(*cell), depth - 1)?;
        }
        for bound in closure.bound.iter().chain(closure.bound_named.iter().map(|(_, value)| value)) {
            self.value(bound, depth - 1)?;
        }
        self.optional(closure.this.as_ref(), depth - 1)
    }

    fn value(&mut self, value: &Val, depth: usize) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        if value.cond.is_some() {
            return None;
        }
        std::mem::discriminant(&value.kind).hash(&mut self.hasher);
        (value.vn, value.taint, value.step).hash(&mut self.hasher);
        self.fact(value.vn);
        if let Some(text) = value.text.as_deref() {
            self.text(text);
        }
        match &value.kind {
            Kind::Unknown | Kind::Undefined | Kind::Null | Kind::Str => {}
            Kind::Bool(flag) => flag.hash(&mut self.hasher),
            Kind::Num(number) => number.map(f64::to_bits).hash(&mut self.hasher),
            Kind::Obj(id) => self.object(*id, depth)?,
            Kind::Fn(id) => self.closure(*id, depth)?,
            Kind::Bound(bound) => {
                self.value(&bound.0, depth)?;
                self.value(&bound.1, depth)?;
            }
            Kind::Method(method) => {
                method.1.hash(&mut self.hasher);
                self.value(&method.0, depth)?;
            }
            Kind::Api(api, data) => {
                api.hash(&mut self.hasher);
                data.is_some().hash(&mut self.hasher);
                if let Some(data) = data {
                    self.object(*data, depth)?;
                }
            }
            Kind::Module(module) => module.hash(&mut self.hasher),
            Kind::Regex(regex) => (&regex.pattern, &regex.flags).hash(&mut self.hasher),
            Kind::Union(values) => {
                values.len().hash(&mut self.hasher);
                for value in values.iter() {
                    self.value(value, depth)?;
                }
            }
            Kind::Schema(_) | Kind::Accessor(..) | Kind::Resolver(_) => return None,
        }
        Some(())
    }

    fn fact(&mut self, vn: Vn) {
        if let Some(fact) = self.interp.store.fact(vn) {
            (fact.is_listed, &fact.props, fact.notes.len()).hash(&mut self.hasher);
        }
    }

    /// An object is what its version says; its fields count because the objects in them have versions of their own.
    fn object(&mut self, id: ObjId, depth: usize) -> Option<()> {
        id.hash(&mut self.hasher);
        if self.interp.store.is_old_obj(id) {
            return Some(());
        }
        let obj = self.interp.store.obj(id);
        obj.version.hash(&mut self.hasher);
        if matches!(obj.kind, ObjKind::Class(_)) {
            return None;
        }
        let mut reached = obj.fields.values().chain(&obj.any).chain(&obj.items).chain(&obj.more);
        if depth == 0 {
            // Further objects could change unseen.
            let is_flat = |value: &Val| {
                let has_no_fact = value.vn == 0 || self.interp.store.fact(value.vn).is_none();
                let reaches_nothing = matches!(
                    value.kind,
                    Kind::Unknown | Kind::Undefined | Kind::Null | Kind::Bool(_) | Kind::Num(_) | Kind::Str
                );
                reaches_nothing && has_no_fact
            };
            return reached.all(is_flat).then_some(());
        }
        reached.try_for_each(|value| self.value(value, depth - 1))
    }

    fn text(&mut self, text: &Text) {
        text.base.hash(&mut self.hasher);
        match text.parts.as_slice() {
            [Part::Lit(only)] => only.hash(&mut self.hasher),
            parts => {
                text.props().hash(&mut self.hasher);
                parts.len().hash(&mut self.hasher);
                for part in parts {
                    match part {
                        Part::Lit(text) => text.hash(&mut self.hasher),
                        Part::Hole(hole) => {
                            (hole.vn, hole.taint, hole.step).hash(&mut self.hasher);
                            self.fact(hole.vn);
                        }
                    }
                }
            }
        }
    }
}
