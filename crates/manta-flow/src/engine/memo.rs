//! Calls that were made before.
//!
//! Loops, alternatives and helpers of helpers make the interpreter meet the same call again and again, and most of what a
//! handler runs has nothing to do with its caller: settings are read, connections opened, events logged, by every tool
//! anew. A call is remembered with its receiver and arguments, and with every older location that was read until it came
//! back. There are four reasons not to interpret it again:
//!
//! * **It would be the same.** Receiver and arguments are the same, and every location it read has the content it had; it
//!   wrote to nothing older than itself. That is exact. What it learnt about values is learnt again, and plain objects that
//!   it made are made anew, since two calls of `makeOptions()` give two objects; instances of classes are shared as long as
//!   nobody has written to them.
//! * **It would be the same under other names**: of the objects, functions and value numbers that a run makes. That is exact
//!   too, and also for calls that write; see [`shape`].
//! * **Only the server's own state differs.** It was interpreted [`ROUNDS`] times in this run with the same data of the
//!   caller's, if any, and what has changed in the locations it read held none and holds none: caches, counters, sessions.
//!   That is taken as it was found last, and what the call gave is given again. This is the widening of loops, over calls.
//! * **Only what the server itself passes differs.** [`VARIANTS`] calls of the function were interpreted in this run that had
//!   nothing of the caller's in them, this one has none either, and what those gave is of one kind: messages that are
//!   formatted, requests that are sent, errors that are made. What the calls gave is generalised and given. A function whose
//!   results are of different kinds (a table of handlers, a loader of modules) is interpreted for whatever it is asked, and
//!   so is one that gives a number or a truth value. Where a concrete input is followed, nothing is generalised.
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
//! * what depends on the activations around a call says so with [`Interp::mark_dependence`];
//! * effects outside of the store call [`Interp::mark_effect`]; those that matter every time, and not only to whoever runs
//!   first, [`Interp::mark_repeated_effect`].
//!
//! `Limits::memo` switches it off, for tests that compare.

mod alike;
mod calls;
mod made;
mod shape;

use std::rc::Rc;

use manta_core::Location;
use rustc_hash::FxHashMap;

use crate::engine::controls::Place;
use crate::engine::facts::Fact;
use crate::engine::interp::{Args, Interp, NOT_TAKEN};
use crate::engine::promises::Act;
use crate::engine::store::{Age, Loc, Mark, Peek, Watch, is_same};
use crate::engine::value::{FnId, Kind, ModId, ObjId, Val, Vn};
use crate::ir::FuncId;
use alike::{is_clean, is_identical};
use calls::{Calls, Print};
use made::{Copies, Entry, Made, is_old};
use shape::{Outcome, Shape};

/// How often a call that does not concern the caller is interpreted in one run.
const ROUNDS: u32 = 2;
/// How many calls that don't concern the caller, and differ in the server's own data, are interpreted in one run.
const VARIANTS: usize = 6;
/// Most arguments of a remembered call.
const MAX_ARGS: usize = 24;
/// Most locations that a remembered call may have read.
const MAX_READS: usize = 2_048;
/// Most objects that a remembered call may have made.
const MAX_MADE: usize = 512;
/// What takes fewer steps is interpreted in the time it takes to find it.
const MIN_STEPS: u64 = 12;
/// What takes fewer is interpreted in the time it takes to compare it with calls under other names.
const MIN_STEPS_OF_SHAPE: u64 = 32;
/// Reads that are looked at in the time of one step.
const READS_PER_STEP: usize = 16;
/// Most different values that a remembered call may have thrown.
const MAX_THROWN: usize = 8;
/// How deep objects are searched for data of the caller's.
const DEPTH: usize = 2;
/// How deep they are before a call is not interpreted that differs from those before it.
const REACH: usize = 4;
/// How many functions with one body are told apart that differ in the server's own data only.
const TWINS: usize = 3;
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

/// A call to be made, unless it was made before.
struct Call {
    key: Key,
    print: Print,
    callee: Callee,
    this: Option<Val>,
    args: Args,
    at: Option<Location>,
}

/// Calls that are looked for among each other: those of one function, whatever made it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Function(ModId, FuncId, usize),
    Class(ObjId),
}

/// Calls that were made.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    known: FxHashMap<Key, Calls>,
    /// What was there before the first run, and is there in all of them.
    base: Age,
    run: u32,
    /// The outermost activation that something depended on, or in which something happened, that the store does not know:
    /// by its place among the frames.
    reach: Option<usize>,
    repeated_effects: u32,
    /// What was thrown, with how many `try` statements were open: of calls that returned only what left them.
    thrown: Vec<(usize, Val)>,
}

impl Memo {
    /// A run begins, and so much is there.
    pub(crate) fn begin_run(&mut self, age: Age) {
        if self.run == 0 {
            self.base = age;
        }
        self.run += 1;
        self.thrown.clear();
    }

    /// Whether an object was made in a run, and not when modules were loaded.
    pub(crate) fn is_of_run(&self, id: ObjId) -> bool {
        !self.base.is_older(Loc::Obj(id))
    }

    /// Something is thrown inside of so many `try` statements.
    pub(crate) fn note_throw(&mut self, tries: usize, value: &Val) {
        self.thrown.push((tries, value.clone()));
    }

    /// What was thrown since the log had a length and left the `try` statements that were open then.
    fn thrown_out(&mut self, since: usize, tries: usize) -> Vec<Val> {
        let mut out: Vec<Val> = Vec::new();
        for (_, value) in self.thrown.drain(since.min(self.thrown.len())..).filter(|(inner, _)| *inner <= tries) {
            if !out.iter().any(|known| is_same(known, &value)) {
                out.push(value);
            }
        }
        if out.len() > MAX_THROWN {
            out = vec![Val::unknown()];
        }
        self.thrown.extend(out.iter().map(|value| (tries, value.clone())));
        out
    }
}

/// A call, and what came of it.
#[derive(Debug)]
struct Known {
    print: Print,
    callee: Callee,
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
    /// What it made and its result reaches; none when that can't be made anew.
    made: Option<Rc<Made>>,
    learnt: Vec<(Vn, Rc<Fact>)>,
    acts: Vec<Act>,
    met: Rc<[Place]>,
    /// What it throws, on some path.
    thrown: Vec<Val>,
    /// It throws on every path.
    fails: bool,
    /// Control does not come back from it.
    is_last: bool,
    has_hits: bool,
    /// It wrote to nothing older than itself.
    is_pure: bool,
    /// Nothing of the caller's is in it.
    is_clean: bool,
    /// Everything that it is about is older than any run.
    is_timeless: bool,
    /// What it takes to tell the same call under other names.
    shape: Option<Rc<Shape>>,
}

/// What kind of run it is; they judge conditions differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Modules load, and nothing is remembered.
    Loading,
    /// A dispatcher runs for the names that it tells apart.
    Names,
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
    reach: Option<usize>,
    depth: usize,
    repeated_effects: u32,
    thrown: usize,
    tries: usize,
    hits: usize,
    steps: u64,
    /// Whether it is known under other names, and not interpreted.
    is_recalled: bool,
}

impl Interp<'_> {
    /// Something happened that a repeated call has to repeat.
    pub(crate) fn mark_effect(&mut self) {
        self.mark_dependence(0);
    }

    /// What comes now depends on the activations from this one on: that a function is running, and will not be entered
    /// once more.
    pub(crate) fn mark_dependence(&mut self, outermost: usize) {
        self.memo.reach = Some(self.memo.reach.map_or(outermost, |known| known.min(outermost)));
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
        let is_used = self.limits.memo && self.mode() != Mode::Loading && !self.is_not_taken();
        let can_be_compared = || {
            args.pos.len() + args.named.len() <= MAX_ARGS && args.all().chain(&this).all(|value| value.cond.is_none())
        };
        if !is_used || !can_be_compared() {
            return run(self, this, args);
        }
        let (key, print) = self.print(callee, this.as_ref(), &args);
        let call = Call { key, print, callee, this, args, at };
        if let Some(result) = self.recall(&call) {
            return result;
        }
        let before = Before {
            mark: self.store.mark(),
            watch: self.store.watch(),
            age: self.store.age(),
            acts: self.found.conduct.take_acts(),
            met: self.found.met.len(),
            reach: self.memo.reach.take(),
            depth: self.frames.len(),
            repeated_effects: self.memo.repeated_effects,
            thrown: self.memo.thrown.len(),
            tries: self.tries.len(),
            hits: self.found.hits.len(),
            steps: self.fuel_used,
            is_recalled: false,
        };
        let recalled = self.recall_by_shape(&call);
        let before = Before { is_recalled: recalled.is_some(), ..before };
        let result = recalled.unwrap_or_else(|| run(self, call.this.clone(), call.args.clone()));
        self.remember(call, before, &result);
        result
    }

    fn mode(&self) -> Mode {
        if self.found.is_asking_names {
            Mode::Names
        } else if !self.found.is_running_handler {
            Mode::Loading
        } else if self.found.followed.is_some() {
            Mode::Follow
        } else if self.found.replay.is_some() {
            Mode::Replay
        } else {
            Mode::Plain
        }
    }

    // ------------------------------------------------------------------ recalling

    fn recall(&mut self, call: &Call) -> Option<Val> {
        let Call { key, print, callee, ref args, at, .. } = *call;
        let this = call.this.as_ref();
        let calls = self.memo.known.get(&key)?;
        let mode = self.mode();
        let is_usable = |known: &&Rc<Known>| {
            known.callee == callee
                && known.mode == mode
                && known.rounds <= self.rounds
                && (known.run == self.memo.run || known.is_timeless)
        };
        let is_same =
            |known: &&Rc<Known>| known.is_call(this, args, &is_identical) && self.is_same(known, this, args, at);
        let is_settled = |known: &&Rc<Known>| self.is_settled(known, this, args, at);
        let same = calls.alike(print).filter(is_usable).find(is_same).cloned();
        if let Some(known) = same {
            let is_settled = is_settled(&&known);
            return self.again(key, &known, true, is_settled);
        }
        if let Some(known) = calls.recent.iter().rev().filter(is_usable).find(is_settled) {
            let known = Rc::clone(known);
            return self.again(key, &known, false, true);
        }
        let index = self.typical(&calls.recent, callee, this, args)?;
        let variants = calls.recent.iter().filter(|known| self.is_variant(known));
        let results: Vec<Val> = variants.map(|known| known.result.clone()).collect();
        let known = Rc::clone(&calls.recent[index]);
        self.again(key, &known, false, true)?;
        Some(self.generalised(&results, DEPTH))
    }

    /// What a call gave that is this one under other names.
    fn recall_by_shape(&mut self, call: &Call) -> Option<Val> {
        let Call { key, print, .. } = *call;
        let (mode, rounds) = (self.mode(), self.rounds);
        let calls = self.memo.known.get(&key)?;
        if !calls.is_worth_naming(print) {
            return None;
        }
        let is_usable = |known: &&Rc<Known>| known.shape.is_some() && known.mode == mode && known.rounds <= rounds;
        let alike: Vec<Rc<Known>> = calls.alike(print).filter(is_usable).cloned().collect();
        let result = alike.into_iter().find_map(|known| {
            let names = self.naming(&known, call.callee, call.this.as_ref(), &call.args)?;
            Some(self.again_as(&known, names))
        });
        self.memo.known.entry(key).or_default().note_search(print, result.is_some());
        result
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
            || !known.has_hits && (known.is_last || self.is_plain_text(&known.result))
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

    /// A call of this run that does not concern the caller.
    fn is_variant(&self, known: &Known) -> bool {
        known.run == self.memo.run
            && known.mode == self.mode()
            && known.rounds <= self.rounds
            && known.is_clean
            && known.made.is_some()
    }

    /// Which call stands for one that does not concern the caller, when so many of those were interpreted that nothing
    /// else is to be expected of it: what they gave differs in the server's own data only.
    fn typical(&self, list: &[Rc<Known>], callee: Callee, this: Option<&Val>, args: &Args) -> Option<usize> {
        // What decides something is computed, and so is everything on the way of a concrete input: the tenth range that an
        // address is compared with may be the one it is in.
        let decides = |known: &Known| matches!(known.result.kind, Kind::Bool(_) | Kind::Num(_));
        if list.len() < VARIANTS || self.found.replay.is_some() || list.last().is_some_and(|known| decides(known)) {
            return None;
        }
        let variants = || list.iter().enumerate().filter(|(_, known)| self.is_variant(known));
        let (index, last) = variants().next_back()?;
        let is_one = |a: &Val, b: &Val| self.is_of_a_kind(a, b, DEPTH);
        let is_typical = variants().count() >= VARIANTS
            && self.is_same_code(last.callee, callee)
            && last.is_call(this, args, &|a, b| self.is_argument_of_a_kind(a, b, DEPTH))
            && variants().all(|(_, known)| {
                known.fails == last.fails && known.is_last == last.is_last && is_one(&known.result, &last.result)
            });
        let is_given_clean = || {
            let mut left = MAX_SEARCHED;
            let captured = match callee {
                Callee::Function(id, _) => self.is_clean_closure(id, REACH, &mut left),
                Callee::Class(_) => true,
            };
            captured && args.all().chain(this).all(|value| self.is_clean_to(value, REACH, &mut left))
        };
        let is_clean_read = |read: &Read| self.is_unchanged(read) || self.is_deep_clean(read.loc);
        (is_typical && is_given_clean() && last.reads.iter().all(is_clean_read)).then_some(index)
    }

    fn is_same_code(&self, a: Callee, b: Callee) -> bool {
        match (a, b) {
            (Callee::Function(a, _), Callee::Function(b, _)) => self.is_one_function(a, b),
            _ => a == b,
        }
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

    /// What a call gave, given again.
    fn again(&mut self, key: Key, known: &Rc<Known>, is_same: bool, is_settled: bool) -> Option<Val> {
        let is_this_run = known.run == self.memo.run;
        let made = Rc::clone(known.made.as_ref()?);
        let changed = if is_this_run { self.changed(&made) } else { Vec::new() };
        let is_shared =
            is_settled || is_this_run && known.is_clean && self.is_instance(&known.result) && changed.is_empty();
        if is_settled {
            // On another path these may not have come into being, or something has been done with them since.
            changed.into_iter().for_each(|(loc, content)| self.store.write(loc, content));
        }
        self.charge(known.reads.len() * crate::engine::interp::COPIES_PER_STEP as usize / READS_PER_STEP);
        self.store.note_reads(known.reads.iter().map(|read| read.loc));
        self.last_call_failed = known.fails;
        known.acts.iter().for_each(|act| self.found.conduct.act(act.kind, act.at, &act.api));
        self.found.met.again(&known.met);
        if is_same {
            known.learnt.iter().for_each(|(vn, fact)| self.store.assume(*vn, fact));
        }
        known.thrown.iter().for_each(|value| self.throw(value.clone()));
        if known.is_last {
            self.leave_path();
        }
        if is_shared || made.is_empty() {
            let is_known_here = is_this_run || is_shared;
            return Some(if is_known_here { known.result.clone() } else { Copies::default().renamed(&known.result) });
        }
        let (result, made) = self.make_anew(&known.result, &made, is_this_run);
        if !is_this_run && let Some(calls) = self.memo.known.get_mut(&key) {
            // From here on in this run, what was made now is what the call gives.
            // Its shape has the names of the other run.
            let (run, made) = (self.memo.run, Some(Rc::new(made)));
            let now = Known { run, times: 1, result: result.clone(), made, shape: None, ..known.copy() };
            calls.replace(known, Some(now));
        }
        Some(result)
    }

    // ------------------------------------------------------------------ remembering

    fn remember(&mut self, call: Call, before: Before, result: &Val) {
        let Call { key, print, callee, this, args, at } = call;
        let acts = self.found.conduct.put_back(before.acts);
        let thrown = self.memo.thrown_out(before.thrown, before.tries);
        let has_effects = self.memo.reach.is_some_and(|outermost| outermost < before.depth);
        self.memo.reach = self.memo.reach.into_iter().chain(before.reach).min();
        let is_telling = !self.out_of_fuel
            && !self.is_decided
            && !self.dear.is_leaving()
            && self.memo.repeated_effects == before.repeated_effects
            && (self.fuel_used - before.steps >= MIN_STEPS || before.is_recalled);
        let reads = self.store.unwatch(before.watch, is_telling);
        let is_pure = !has_effects && self.store.is_pure(before.mark);
        let known_before = if is_telling { self.store.learnt(before.mark) } else { FxHashMap::default() };
        // What is called once is not looked for, and neither is what differs every time.
        let is_dear = self.fuel_used - before.steps >= MIN_STEPS_OF_SHAPE || before.is_recalled;
        let calls = self.memo.known.get(&key);
        let is_sought = is_telling && is_dear && calls.is_some_and(|calls| calls.is_worth_naming(print));
        let overwritten = if is_sought { self.store.overwritten(before.mark) } else { Vec::new() };
        self.store.release(before.mark);
        if !is_telling || reads.len() > MAX_READS {
            return;
        }
        let is_last = self.is_not_taken();
        let mut learnt: Vec<(Vn, Rc<Fact>)> = known_before
            .keys()
            .filter(|vn| **vn != NOT_TAKEN)
            .filter_map(|vn| match self.store.peek(Loc::Fact(*vn)) {
                Peek::Fact(fact) => Some((*vn, fact?.clone())),
                _ => None,
            })
            .collect();
        learnt.sort_unstable_by_key(|(vn, _)| *vn);
        let mut made = Made::default();
        let entry = Entry { mark: before.mark, age: before.age };
        let made = self.collect_made(result, entry, &mut made).map(|()| made);
        let has_hits = self.found.hits.len() != before.hits;
        let is_given_clean = args.all().chain(&this).all(is_clean);
        let is_clean = is_given_clean
            && !has_hits
            && is_clean(result)
            && thrown.iter().all(is_clean)
            && reads.iter().all(|loc| self.is_clean_now(*loc))
            && made.iter().flat_map(Made::values).all(is_clean);
        let mode = self.mode();
        let is_timeless = is_clean && is_pure && !matches!(mode, Mode::Names | Mode::Follow) && {
            let old = self.memo.base;
            let nothing = Made::default();
            let made = made.as_ref().unwrap_or(&nothing);
            let is_old = |value: &Val| is_old(value, old, made);
            let is_callee_old = match callee {
                Callee::Function(id, _) => old.is_older_closure(id),
                Callee::Class(id) => old.is_older(Loc::Obj(id)),
            };
            let is_older = |loc: &Loc| matches!(loc, Loc::Fact(_)) || old.is_older(*loc);
            is_callee_old
                && args.all().chain(&this).chain([result]).chain(&thrown).all(is_old)
                && made.is_of_old(old)
                && made
                    .objs
                    .iter()
                    .all(|(id, _)| !self.evidence.contains_key(id) && !self.found.opened.contains_key(id))
                && reads.iter().all(is_older)
        };
        let is_repeatable = is_sought && !has_hits && !has_effects && mode != Mode::Follow;
        let outcome = || Outcome {
            callee,
            this: this.as_ref(),
            args: &args,
            result,
            thrown: &thrown,
            learnt: &learnt,
            reads: &reads,
            facts_before: &known_before,
            overwritten: &overwritten,
            entry,
        };
        let shape = if is_repeatable { self.shape(&outcome()).map(Rc::new) } else { None };
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
            known.callee == callee
                && known.run == run
                && known.mode == mode
                && known.is_call(this.as_ref(), &args, &|a, b| self.is_equivalent(a, b, DEPTH))
        };
        let calls = self.memo.known.get(&key);
        let earlier = calls.and_then(|calls| calls.recent.iter().find(|known| is_earlier(known)).cloned());
        let times = earlier.as_ref().map_or(1, |earlier| earlier.times + 1);
        let known = Known {
            print,
            callee,
            this,
            args,
            at,
            mode,
            rounds: self.rounds,
            run,
            times,
            reads,
            result: result.clone(),
            made: made.map(Rc::new),
            learnt,
            acts,
            met,
            thrown,
            fails: self.last_call_failed,
            is_last,
            has_hits,
            is_pure,
            is_clean,
            is_timeless,
            shape,
        };
        let calls = self.memo.known.entry(key).or_default();
        if let Some(earlier) = earlier {
            calls.replace(&earlier, None);
        }
        calls.remember(known);
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
            thrown: self.thrown.clone(),
            met: Rc::clone(&self.met),
            shape: self.shape.clone(),
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
