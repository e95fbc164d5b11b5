//! Calls that were made before.
//!
//! Loops, alternatives and helpers of helpers make the interpreter meet the same call again and again, and most of what a
//! handler runs has nothing to do with its caller: settings are read, connections opened, events logged, by every tool
//! anew. A call is remembered with its receiver and arguments, and with every older location that was read until it came
//! back. There are two reasons not to interpret it again:
//!
//! * **It would be the same.** Receiver and arguments are the same, and every location it read has the content it had; it
//!   wrote to nothing older than itself. That is exact. What it learnt about values is learnt again, and plain objects that
//!   it made are made anew, since two calls of `makeOptions()` give two objects; instances of classes are shared as long as
//!   nobody has written to them.
//! * **Only the server's own state differs.** It was interpreted [`ROUNDS`] times in this run with the same data of the
//!   caller's, if any, and what has changed in the locations it read held none and holds none: caches, counters, sessions.
//!   That is taken as it was found last, and what the call gave is given again. This is the widening of loops, over calls.
//!
//! Hits at sinks need not be repeated: they would be the same hits of the same run. A call with hits counts only at the same
//! place, since the place is part of the trace. The first kind also holds for later runs, if nothing of the caller's is in
//! it and everything it is about is older than the runs.
//!
//! Invariants that other parts of the engine keep for this:
//! * cells, objects and facts are read and changed only through the store, which notes the reads and gives every content
//!   its version;
//! * whatever else influences a call is constant during a run, part of [`Known`], or only grows with use (value numbers of
//!   fields and elements, access paths, formats met);
//! * effects outside of the store call [`Interp::mark_effect`]; those that matter every time, and not only to whoever runs
//!   first, [`Interp::mark_repeated_effect`].
//!
//! `Limits::memo` switches it off, for tests that compare.

use std::rc::Rc;

use manta_core::Location;
use rustc_hash::FxHashMap;

use crate::engine::controls::Place;
use crate::engine::facts::Fact;
use crate::engine::interp::{Args, Interp, NOT_TAKEN};
use crate::engine::promises::Act;
use crate::engine::store::{Age, Content, Loc, Mark, Obj, ObjKind, Peek, Watch};
use crate::engine::value::{FnId, Kind, ObjId, Val, Vn};

/// How often a call that does not concern the caller is interpreted in one run.
const ROUNDS: u32 = 2;
/// Most calls remembered of one function.
const MAX_KNOWN: usize = 8;
/// Most arguments of a remembered call.
const MAX_ARGS: usize = 24;
/// Most locations that a remembered call may have read.
const MAX_READS: usize = 2_048;
/// Most objects that a remembered call may have made.
const MAX_MADE: usize = 128;
/// What takes fewer steps is interpreted in the time it takes to find it.
const MIN_STEPS: u64 = 12;
/// Reads that are looked at in the time of one step.
const READS_PER_STEP: usize = 16;
/// How deep objects are searched for data of the caller's.
const DEPTH: usize = 2;
/// Most values looked at in such a search.
const MAX_SEARCHED: usize = 2_048;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Callee {
    /// A function, and how often it is running already: recursion is cut short.
    Function(FnId, usize),
    /// The constructor of a class.
    Class(ObjId),
}

/// Calls that were made.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    known: FxHashMap<Callee, Vec<Rc<Known>>>,
    /// What was there before the first run, and is there in all of them.
    base: Age,
    run: u32,
    /// How often a result depended on what led to the call, or something happened that the store does not know.
    effects: u32,
    repeated_effects: u32,
    /// The fewest `try` statements that were open when something was thrown.
    pub(crate) least_tries: usize,
}

impl Memo {
    /// A run begins, and so much is there.
    pub(crate) fn begin_run(&mut self, age: Age) {
        if self.run == 0 {
            self.base = age;
        }
        self.run += 1;
        self.least_tries = usize::MAX;
    }
}

/// A call, and what came of it.
#[derive(Debug)]
struct Known {
    this: Option<Val>,
    args: Args,
    at: Option<Location>,
    mode: Mode,
    /// How often it was interpreted because of the loops around it: loops in it were unrolled accordingly.
    rounds: usize,
    run: u32,
    /// How often it was interpreted in that run.
    times: u32,
    reads: Vec<Read>,
    result: Val,
    /// Objects it made and that its result reaches, as they were when it returned; none when they can't be made anew.
    made: Option<Vec<(ObjId, Rc<Obj>)>>,
    learnt: Vec<(Vn, Rc<Fact>)>,
    acts: Vec<Act>,
    met: Rc<[Place]>,
    throws: bool,
    /// It throws on every path.
    fails: bool,
    has_hits: bool,
    /// It wrote to nothing older than itself.
    is_pure: bool,
    /// Nothing of the caller's is in it.
    is_clean: bool,
    /// Everything that it is about is older than any run.
    is_timeless: bool,
}

/// What kind of run it is; they judge conditions differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Replay,
    Follow,
}

/// A location that was read, and what was found there.
#[derive(Clone, Debug)]
struct Read {
    loc: Loc,
    seen: Seen,
    /// Nothing of the caller's was there.
    is_clean: bool,
}

#[derive(Clone, Debug)]
enum Seen {
    Version(u32),
    Fact(Option<Rc<Fact>>),
}

/// State before a call, to tell afterwards what came of it.
struct Before {
    mark: Mark,
    watch: Watch,
    age: Age,
    acts: Vec<Act>,
    met: usize,
    effects: (u32, u32),
    least_tries: usize,
    tries: usize,
    hits: usize,
    steps: u64,
}

impl Interp<'_> {
    /// Something happened that a repeated call has to repeat.
    pub(crate) fn mark_effect(&mut self) {
        self.memo.effects += 1;
    }

    /// Something happened that any call has to repeat.
    pub(crate) fn mark_repeated_effect(&mut self) {
        self.memo.repeated_effects += 1;
    }

    /// Gives what a call gave before, or makes it.
    pub(crate) fn remembered(
        &mut self,
        callee: Callee,
        this: Option<Val>,
        args: Args,
        at: Option<Location>,
        run: impl FnOnce(&mut Self, Option<Val>, Args) -> Val,
    ) -> Val {
        let is_used = self.limits.memo && self.found.is_running_handler && !self.is_not_taken();
        let can_be_compared = || {
            args.pos.len() + args.named.len() <= MAX_ARGS && args.all().chain(&this).all(|value| value.cond.is_none())
        };
        if !is_used || !can_be_compared() {
            return run(self, this, args);
        }
        if let Some(result) = self.recall(callee, this.as_ref(), &args, at) {
            return result;
        }
        let before = Before {
            mark: self.store.mark(),
            watch: self.store.watch(),
            age: self.store.age(),
            acts: self.found.conduct.take_acts(),
            met: self.found.met.len(),
            effects: (self.memo.effects, self.memo.repeated_effects),
            least_tries: std::mem::replace(&mut self.memo.least_tries, usize::MAX),
            tries: self.tries.len(),
            hits: self.found.hits.len(),
            steps: self.fuel_used,
        };
        let result = run(self, this.clone(), args.clone());
        self.remember(callee, this, args, at, before, &result);
        result
    }

    fn mode(&self) -> Mode {
        if self.found.followed.is_some() {
            Mode::Follow
        } else if self.found.replay.is_some() {
            Mode::Replay
        } else {
            Mode::Plain
        }
    }

    // ------------------------------------------------------------------ recalling

    fn recall(&mut self, callee: Callee, this: Option<&Val>, args: &Args, at: Option<Location>) -> Option<Val> {
        let list = self.memo.known.get(&callee)?;
        let here = list.iter().enumerate().rev().filter(|(_, known)| {
            let is_this_run = known.run == self.memo.run;
            known.mode == self.mode() && known.rounds <= self.rounds && (is_this_run || known.is_timeless)
        });
        for (index, known) in here {
            let is_same = known.is_call(this, args, &is_identical) && self.is_same(known, this, args, at);
            let is_settled = self.is_settled(known, this, args, at);
            if is_same || is_settled {
                let known = Rc::clone(known);
                return self.again(callee, index, &known, is_same, is_settled);
            }
        }
        None
    }

    /// Whether a call with the same receiver and arguments would be the same call.
    fn is_same(&self, known: &Known, this: Option<&Val>, args: &Args, at: Option<Location>) -> bool {
        known.is_pure
            && self.is_led_here(known, this, args, at)
            && known.reads.iter().all(|read| self.is_unchanged(read))
    }

    /// Whether the way to a call makes no difference to what it gives: it is part of traces.
    fn is_led_here(&self, known: &Known, this: Option<&Val>, args: &Args, at: Option<Location>) -> bool {
        known.is_clean
            || known.at == at && known.is_call(this, args, &|a, b| a.step == b.step)
            || !known.has_hits && self.is_plain_text(&known.result)
    }

    /// Whether a call differs only in the server's own state, and has been interpreted often enough.
    fn is_settled(&self, known: &Known, this: Option<&Val>, args: &Args, at: Option<Location>) -> bool {
        known.run == self.memo.run
            && known.times >= ROUNDS
            && known.is_call(this, args, &|a, b| self.is_equivalent(a, b, DEPTH))
            && self.is_led_here(known, this, args, at)
            && known.reads.iter().all(|read| self.is_unchanged(read) || read.is_clean && self.is_deep_clean(read.loc))
            && (!known.is_clean || self.is_clean_inside(&known.result))
    }

    /// Whether two values are the same but for the identity of what is none of the caller's: plain objects count by what
    /// they hold.
    fn is_equivalent(&self, a: &Val, b: &Val, depth: usize) -> bool {
        if a.taint.is_some() && a.vn != b.vn {
            return false;
        }
        if let (Kind::Obj(x), Kind::Obj(y)) = (&a.kind, &b.kind)
            && x != y
            && a.taint == b.taint
            && depth > 0
        {
            let (Peek::Obj(x), Peek::Obj(y)) = (self.store.peek(Loc::Obj(*x)), self.store.peek(Loc::Obj(*y))) else {
                return false;
            };
            let is_plain = |obj: &Obj| matches!(obj.kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array);
            let same = |a: &Val, b: &Val| self.is_equivalent(a, b, depth - 1);
            let either = |a: &Option<Val>, b: &Option<Val>| match (a, b) {
                (Some(a), Some(b)) => same(a, b),
                (a, b) => a.is_none() && b.is_none(),
            };
            return is_plain(x)
                && std::mem::discriminant(&x.kind) == std::mem::discriminant(&y.kind)
                && x.fields.len() == y.fields.len()
                && x.items.len() == y.items.len()
                && x.fields.iter().zip(&y.fields).all(|((name, a), (other, b))| name == other && same(a, b))
                && x.items.iter().zip(&y.items).all(|(a, b)| same(a, b))
                && either(&x.any, &y.any)
                && either(&x.more, &y.more);
        }
        is_equal(a, b, &|a, b| self.is_equivalent(a, b, depth))
    }

    fn is_unchanged(&self, read: &Read) -> bool {
        match (self.store.peek(read.loc), &read.seen) {
            (Peek::Cell(_, version), Seen::Version(seen)) => version == *seen,
            (Peek::Obj(obj), Seen::Version(seen)) => obj.version == *seen,
            (Peek::Fact(fact), Seen::Fact(seen)) => match (fact, seen) {
                (None, None) => true,
                (Some(fact), Some(seen)) => {
                    Rc::ptr_eq(fact, seen)
                        || fact.is_listed == seen.is_listed
                            && fact.notes.len() == seen.notes.len()
                            && fact.props == seen.props
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn is_clean_now(&self, loc: Loc) -> bool {
        match self.store.peek(loc) {
            Peek::Cell(value, _) => is_clean(value),
            Peek::Obj(obj) => values(obj).all(is_clean),
            Peek::Fact(_) => true,
        }
    }

    fn is_deep_clean(&self, loc: Loc) -> bool {
        let mut left = MAX_SEARCHED;
        match self.store.peek(loc) {
            Peek::Cell(value, _) => self.is_clean_to(value, DEPTH, &mut left),
            Peek::Obj(obj) => values(obj).all(|value| self.is_clean_to(value, DEPTH, &mut left)),
            Peek::Fact(_) => true,
        }
    }

    fn is_clean_inside(&self, value: &Val) -> bool {
        self.is_clean_to(value, DEPTH, &mut { MAX_SEARCHED })
    }

    /// Whether nothing of the caller's is in a value or what it reaches; false as well when that is too much to look at.
    fn is_clean_to(&self, value: &Val, depth: usize, left: &mut usize) -> bool {
        if value.taint.is_some() || *left == 0 {
            return false;
        }
        *left -= 1;
        match &value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) if depth > 0 => match self.store.peek(Loc::Obj(*id)) {
                Peek::Obj(obj) if matches!(obj.kind, ObjKind::Class(_)) => true,
                Peek::Obj(obj) => values(obj).all(|value| self.is_clean_to(value, depth - 1, left)),
                _ => true,
            },
            Kind::Union(values) => values.iter().all(|value| self.is_clean_to(value, depth, left)),
            Kind::Bound(bound) => self.is_clean_to(&bound.0, depth, left),
            Kind::Method(method) => self.is_clean_to(&method.0, depth, left),
            _ => true,
        }
    }

    /// Text, or a list of text.
    fn is_plain_text(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Str => value.cond.is_none(),
            Kind::Obj(id) => {
                let obj = self.store.obj(id);
                matches!(obj.kind, ObjKind::Array) && values(obj).all(|value| matches!(value.kind, Kind::Str))
            }
            _ => false,
        }
    }

    /// What a call gave, given again.
    fn again(
        &mut self,
        callee: Callee,
        index: usize,
        known: &Rc<Known>,
        is_same: bool,
        is_settled: bool,
    ) -> Option<Val> {
        let is_this_run = known.run == self.memo.run;
        let all = known.made.as_deref()?;
        let is_as_it_was = |(id, obj): &(ObjId, Rc<Obj>)| matches!(self.store.peek(Loc::Obj(*id)), Peek::Obj(now) if Rc::ptr_eq(now, obj));
        let is_shared = is_settled
            || is_this_run && known.is_clean && self.is_instance(&known.result) && all.iter().all(is_as_it_was);
        if is_settled {
            // On another path these may not have come into being, or something has been done with them since.
            let others: Vec<_> = all.iter().filter(|made| !is_as_it_was(made)).cloned().collect();
            others.into_iter().for_each(|(id, obj)| self.store.write(Loc::Obj(id), Content::Obj(obj)));
        }
        let made = if is_shared { &[] } else { all };
        self.charge(known.reads.len() * crate::engine::interp::COPIES_PER_STEP as usize / READS_PER_STEP);
        self.store.note_reads(known.reads.iter().map(|read| read.loc));
        self.last_call_failed = known.fails;
        known.acts.iter().for_each(|act| self.found.conduct.act(act.kind, act.at, &act.api));
        self.found.met.again(&known.met);
        if is_same {
            known.learnt.iter().for_each(|(vn, fact)| self.store.assume(*vn, fact));
        }
        if known.throws {
            self.throw(Val::unknown());
        }
        if made.is_empty() {
            return Some(known.result.clone());
        }
        let (result, made) = self.make_anew(&known.result, made, is_this_run);
        if !is_this_run && let Some(place) = self.memo.known.get_mut(&callee).and_then(|list| list.get_mut(index)) {
            // From here on in this run, what was made now is what the call gives.
            let run = self.memo.run;
            *place = Rc::new(Known { run, times: 1, result: result.clone(), made: Some(made), ..known.copy() });
        }
        Some(result)
    }

    fn is_instance(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Obj(id) => matches!(self.store.obj(id).kind, ObjKind::Instance(_) | ObjKind::External),
            _ => false,
        }
    }

    /// A copy of a value and the objects it reaches, which are returned as well.
    fn make_anew(&mut self, value: &Val, made: &[(ObjId, Rc<Obj>)], is_this_run: bool) -> (Val, Vec<(ObjId, Rc<Obj>)>) {
        let anew: FxHashMap<ObjId, ObjId> =
            made.iter().map(|(id, obj)| (*id, self.store.new_obj((**obj).clone()))).collect();
        for (before, _) in made {
            let now = anew[before];
            let obj = self.store.obj_mut(now);
            let inside = obj.fields.values_mut().chain(&mut obj.any).chain(&mut obj.items).chain(&mut obj.more);
            for value in inside {
                rename(value, &anew);
            }
            if let ObjKind::Instance(class) = &mut obj.kind {
                *class = anew.get(class).copied().unwrap_or(*class);
            }
            // Numbers of objects are given out anew in every run.
            if !is_this_run {
                continue;
            }
            if let Some(evidence) = self.evidence.get(before).cloned() {
                self.evidence.insert(now, evidence);
            }
            if let Some(at) = self.found.opened.get(before).copied() {
                self.found.opened.insert(now, at);
            }
        }
        let mut value = value.clone();
        rename(&mut value, &anew);
        let made = made.iter().map(|(before, _)| (anew[before], self.store.obj_rc(anew[before]))).collect();
        (value, made)
    }

    // ------------------------------------------------------------------ remembering

    fn remember(
        &mut self,
        callee: Callee,
        this: Option<Val>,
        args: Args,
        at: Option<Location>,
        before: Before,
        result: &Val,
    ) {
        let acts = self.found.conduct.put_back(before.acts);
        let throws = before.tries > 0 && self.memo.least_tries <= before.tries;
        self.memo.least_tries = self.memo.least_tries.min(before.least_tries);
        let is_telling = !self.out_of_fuel
            && !self.is_decided
            && self.memo.repeated_effects == before.effects.1
            && self.fuel_used - before.steps >= MIN_STEPS;
        let reads = self.store.unwatch(before.watch, is_telling);
        let is_pure = self.memo.effects == before.effects.0 && self.store.is_pure(before.mark);
        let known_before = if is_telling { self.store.learnt(before.mark) } else { FxHashMap::default() };
        self.store.release(before.mark);
        if !is_telling || reads.len() > MAX_READS || known_before.contains_key(&NOT_TAKEN) {
            return;
        }
        let mut learnt: Vec<(Vn, Rc<Fact>)> = known_before
            .keys()
            .filter_map(|vn| match self.store.peek(Loc::Fact(*vn)) {
                Peek::Fact(fact) => Some((*vn, fact?.clone())),
                _ => None,
            })
            .collect();
        learnt.sort_unstable_by_key(|(vn, _)| *vn);
        let mut made = Vec::new();
        let made = self.collect_made(result, before.mark, before.age, &mut made).map(|()| made);
        let has_hits = self.found.hits.len() != before.hits;
        let is_given_clean = args.all().chain(&this).all(is_clean);
        let is_clean = is_given_clean
            && !has_hits
            && is_clean(result)
            && reads.iter().all(|loc| self.is_clean_now(*loc))
            && made.iter().flatten().all(|(_, obj)| values(obj).all(is_clean));
        let mode = self.mode();
        let is_timeless = is_clean && is_pure && mode != Mode::Follow && {
            let old = self.memo.base;
            let made = made.as_deref().unwrap_or(&[]);
            let is_old = |value: &Val| is_old(value, old, made);
            let is_callee_old = match callee {
                Callee::Function(id, _) => old.is_older_closure(id),
                Callee::Class(id) => old.is_older(Loc::Obj(id)),
            };
            let is_older = |loc: &Loc| matches!(loc, Loc::Fact(_)) || old.is_older(*loc);
            is_callee_old
                && args.all().chain(&this).chain([result]).all(is_old)
                && made.iter().all(|(id, obj)| {
                    let is_marked = self.evidence.contains_key(id) || self.found.opened.contains_key(id);
                    !is_marked && values(obj).all(is_old)
                })
                && reads.iter().all(is_older)
        };
        let reads = reads
            .into_iter()
            .map(|loc| {
                let seen = match self.store.peek(loc) {
                    Peek::Cell(_, version) => Seen::Version(version),
                    Peek::Obj(obj) => Seen::Version(obj.version),
                    Peek::Fact(fact) => match loc {
                        Loc::Fact(vn) if known_before.contains_key(&vn) => Seen::Fact(known_before[&vn].clone()),
                        _ => Seen::Fact(fact.cloned()),
                    },
                };
                Read { loc, seen, is_clean: self.is_clean_now(loc) }
            })
            .collect();
        let met = self.found.met.since(before.met);
        let run = self.memo.run;
        let is_earlier = |known: &Rc<Known>| {
            known.run == run
                && known.mode == mode
                && known.is_call(this.as_ref(), &args, &|a, b| self.is_equivalent(a, b, DEPTH))
        };
        let earlier = self.memo.known.get(&callee).and_then(|list| list.iter().position(is_earlier));
        let list = self.memo.known.entry(callee).or_default();
        let times = earlier.map_or(1, |earlier| list.remove(earlier).times + 1);
        if list.len() >= MAX_KNOWN {
            list.remove(0);
        }
        list.push(Rc::new(Known {
            this,
            args,
            at,
            mode,
            rounds: self.rounds,
            run,
            times,
            reads,
            result: result.clone(),
            made,
            learnt,
            acts,
            met,
            throws,
            fails: self.last_call_failed,
            has_hits,
            is_pure,
            is_clean,
            is_timeless,
        }));
    }

    /// Objects younger than `entry` that a value reaches; none when there are too many, or functions among them.
    fn collect_made(&self, value: &Val, entry: Mark, age: Age, made: &mut Vec<(ObjId, Rc<Obj>)>) -> Option<()> {
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
                values(&obj).try_for_each(|value| self.collect_made(value, entry, age, made))
            }
            Kind::Fn(id) => age.is_older_closure(*id).then_some(()),
            Kind::Accessor(..) | Kind::Resolver(_) => None,
            Kind::Bound(bound) => {
                self.collect_made(&bound.0, entry, age, made)?;
                self.collect_made(&bound.1, entry, age, made)
            }
            Kind::Method(method) => self.collect_made(&method.0, entry, age, made),
            Kind::Union(values) => values.iter().try_for_each(|value| self.collect_made(value, entry, age, made)),
            _ => Some(()),
        }
    }
}

impl Known {
    fn copy(&self) -> Self {
        Self {
            this: self.this.clone(),
            args: self.args.clone(),
            reads: self.reads.clone(),
            result: self.result.clone(),
            made: self.made.clone(),
            learnt: self.learnt.clone(),
            acts: self.acts.clone(),
            met: Rc::clone(&self.met),
            ..*self
        }
    }

    /// Whether a call has the receiver and the arguments of this one.
    fn is_call(&self, this: Option<&Val>, args: &Args, is_one: &dyn Fn(&Val, &Val) -> bool) -> bool {
        let is_option = |a: Option<&Val>, b: Option<&Val>| match (a, b) {
            (Some(a), Some(b)) => is_one(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let known = &self.args;
        known.pos.len() == args.pos.len()
            && known.named.len() == args.named.len()
            && is_option(self.this.as_ref(), this)
            && known.pos.iter().zip(&args.pos).all(|(a, b)| is_one(a, b))
            && known.named.iter().zip(&args.named).all(|((name, a), (other, b))| name == other && is_one(a, b))
            && is_option(known.rest.as_ref(), args.rest.as_ref())
            && is_option(known.named_rest.as_ref(), args.named_rest.as_ref())
    }
}

/// Everything an object holds.
fn values(obj: &Obj) -> impl Iterator<Item = &Val> {
    obj.fields.values().chain(&obj.any).chain(&obj.items).chain(&obj.more)
}

/// Whether nothing of the caller's is in a value itself.
fn is_clean(value: &Val) -> bool {
    value.taint.is_none() && value.alternatives().iter().all(|value| value.taint.is_none())
}

/// Whether a value refers to nothing that a run made, but for these objects.
fn is_old(value: &Val, old: Age, made: &[(ObjId, Rc<Obj>)]) -> bool {
    match &value.kind {
        Kind::Obj(id) | Kind::Api(_, Some(id)) => {
            old.is_older(Loc::Obj(*id)) || made.iter().any(|(known, _)| known == id)
        }
        Kind::Fn(id) => old.is_older_closure(*id),
        Kind::Accessor(..) | Kind::Resolver(_) => false,
        Kind::Bound(bound) => is_old(&bound.0, old, made) && is_old(&bound.1, old, made),
        Kind::Method(method) => is_old(&method.0, old, made),
        Kind::Union(values) => values.iter().all(|value| is_old(value, old, made)),
        _ => true,
    }
}

/// Whether two values are one and the same, as far as they themselves go.
fn is_identical(a: &Val, b: &Val) -> bool {
    a.vn == b.vn && is_equal(a, b, &is_identical)
}

fn is_equal(a: &Val, b: &Val, is_one: &dyn Fn(&Val, &Val) -> bool) -> bool {
    if a.taint != b.taint || a.cond.is_some() || b.cond.is_some() {
        return false;
    }
    let has_same_kind = match (&a.kind, &b.kind) {
        (Kind::Unknown, Kind::Unknown)
        | (Kind::Undefined, Kind::Undefined)
        | (Kind::Null, Kind::Null)
        | (Kind::Str, Kind::Str) => true,
        (Kind::Bool(x), Kind::Bool(y)) => x == y,
        (Kind::Num(x), Kind::Num(y)) => x.map(f64::to_bits) == y.map(f64::to_bits),
        (Kind::Obj(x), Kind::Obj(y)) => x == y,
        (Kind::Fn(x), Kind::Fn(y)) => x == y,
        (Kind::Bound(x), Kind::Bound(y)) => Rc::ptr_eq(x, y) || is_one(&x.0, &y.0) && is_one(&x.1, &y.1),
        (Kind::Method(x), Kind::Method(y)) => Rc::ptr_eq(x, y) || x.1 == y.1 && is_one(&x.0, &y.0),
        (Kind::Api(x, m), Kind::Api(y, n)) => x == y && m == n,
        (Kind::Module(x), Kind::Module(y)) => x == y,
        (Kind::Regex(x), Kind::Regex(y)) => x.pattern == y.pattern && x.flags == y.flags,
        (Kind::Schema(x), Kind::Schema(y)) => Rc::ptr_eq(x, y),
        (Kind::Union(x), Kind::Union(y)) => {
            Rc::ptr_eq(x, y) || x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| is_one(x, y))
        }
        _ => false,
    };
    has_same_kind
        && match (&a.text, &b.text) {
            (None, None) => true,
            (Some(x), Some(y)) if Rc::ptr_eq(x, y) => true,
            (Some(x), Some(y)) => match (a.literal(), b.literal()) {
                (Some(x), Some(y)) => x == y,
                (None, None) => x.base == y.base && x.shape == y.shape && x.props() == y.props(),
                _ => false,
            },
            _ => false,
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
