//! State that one tool sets and another uses: `set_workspace(path)` first, `build()` afterwards.
//!
//! Every handler runs from the state that loading the program left, and what it leaves itself is undone. Where it left data
//! of its caller's in something older than its run (a variable of a module, a field of an object, an entry of a table),
//! and some handler reads that, there is more to do: the setter runs again for what it leaves, and the reader runs again
//! from a state in which any of the setters may have been called before, or none. Such a state is the join of
//! alternatives, like that behind an `if`, so what a setter checked holds of what it keeps.
//!
//! What a handler leaves may be made of what another one left; that is followed [`ROUNDS`] times.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::running::Suspect;
use super::witnesses::Arrivals;
use super::{Analysis, Found, HandlerCall, Run};
use crate::engine::facts::Cond;
use crate::engine::formats::Formats;
use crate::engine::interp::Interp;
use crate::engine::report::{FlowRule, Hit, SourceInfo};
use crate::engine::store::{Content, Loc, Mark, Obj, Peek, Snapshot};
use crate::engine::trace::{StepKind, TraceStep};
use crate::engine::value::{Kind, ObjId, Taint, Val, Vn};
use manta_core::Location;

/// How many setters in a row are followed.
const ROUNDS: usize = 2;
/// The part of all steps that this may take beyond those of the handlers by themselves.
const SHARE: u64 = 4;
/// Most sources that are kept for later calls; the rest of [`Taint`] is for the parameters of these.
const MAX_KEPT: usize = 48;
/// Most setters of one place; more than that run through the same code.
const MAX_SETTERS: usize = 4;
/// How deep things that a handler made are searched for data of the caller's.
const DEPTH: usize = 6;

/// What every run starts with, beside the store.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) sources: Vec<SourceInfo>,
    pub(crate) answers: FxHashSet<Vn>,
    pub(crate) evidence: FxHashMap<ObjId, Cond>,
    pub(crate) written: FxHashMap<Vn, Val>,
    /// The youngest value that was there before any handler ran.
    known_before: Vn,
}

/// What a handler leaves for others.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    /// Where data of its caller's is.
    pub(super) locs: Vec<Loc>,
    /// What was nothing or false before, and is something now.
    pub(super) opened: Vec<Loc>,
    /// Tables and lists that were empty before, and have something in them now.
    pub(super) filled: Vec<Loc>,
    /// The parameters that are left.
    pub(super) params: Vec<String>,
}

/// The state that a handler leaves.
struct Kept {
    /// Index of the run.
    run: usize,
    state: Snapshot,
}

/// A call that is made before another, for what it leaves.
pub(super) struct Before<'b> {
    /// The call whose parameter is followed, with its index; none if that is one of the other's own.
    pub(super) setter: Option<(&'b Run<'b>, usize)>,
    /// What may have been called before that.
    kept: &'b [Kept],
}

/// What a reader showed, until it can be confirmed.
struct Pending {
    run: usize,
    suspects: Vec<Suspect>,
    /// What was asked of the values.
    formats: Formats,
    /// Whether more than one call has to be made before.
    is_chained: bool,
}

impl<'p> Interp<'p> {
    /// Runs handlers once more that read what others leave.
    pub(super) fn follow_state(&mut self, runs: &[Run<'_>], analysis: &mut Analysis, found: &mut Vec<Found>) {
        let left: Vec<(usize, &Left)> = runs.iter().enumerate().map(|(index, run)| (index, &run.left)).collect();
        let budget = self.limits.fuel_total / SHARE;
        self.limits.fuel_total = self.fuel_used + budget;
        // Servers that a target consists of have nothing to do with each other, and what tools share is mostly little.
        for shared in Shared::all(runs, &left, &FxHashSet::default()) {
            self.carried = Carried { known_before: self.store.fresh_vn(), ..Carried::default() };
            self.follow_shared(shared, runs, analysis, found);
        }
        if self.fuel_used >= self.limits.fuel_total {
            analysis.exhausted.push(format!("what tools leave for each other was followed for {budget} steps only"));
        }
    }

    fn follow_shared(&mut self, mut shared: Shared, runs: &[Run<'_>], analysis: &mut Analysis, found: &mut Vec<Found>) {
        let (cells, objs) = self.store.sizes();
        let weight = self.store.weight();
        let closures = self.store.closures.len();
        let steps = self.trace.len();
        let mut known: FxHashSet<Loc> = FxHashSet::default();
        let mut first: Vec<Kept> = Vec::new();
        let mut pending: Vec<Pending> = Vec::new();
        let mut asked = Formats::default();
        let base = self.store.mark();
        for round in 0..ROUNDS {
            let mut kept: Vec<Kept> = Vec::new();
            for (done, setter) in shared.setters.iter().enumerate() {
                if self.carried.sources.len() >= MAX_KEPT {
                    let all = shared.setters.len();
                    let cut = format!("of {all} tools that set what others use, {done} were followed to those");
                    analysis.exhausted.push(cut);
                    break;
                }
                kept.extend(self.left_by(*setter, &runs[*setter]));
                asked.append(&mut self.found.formats);
            }
            self.enter_state(kept.iter().map(|kept| &kept.state));
            if round == 0 {
                first = kept;
            }
            known.extend(&shared.locs);
            let mut left: Vec<(usize, Left)> = Vec::new();
            for reader in &shared.readers {
                let run = &runs[*reader];
                let told = found.iter().filter(|found| found.tool == *reader);
                let told: Vec<(Location, FlowRule)> = told.map(|found| (found.hit.at, found.hit.rule)).collect();
                let (suspects, mut now) = self.run_reader(run, &told);
                // What the server opens is open already.
                now.opened.clear();
                now.filled.clear();
                if self.out_of_fuel && self.fuel == 0 && !analysis.tools[*reader].is_incomplete {
                    analysis.exhausted.push(format!(
                        "`{}` was not analysed to the end with what other tools set: {} steps",
                        run.name, self.limits.fuel_per_tool
                    ));
                }
                left.push((*reader, now));
                if !suspects.is_empty() {
                    let mut formats = asked.clone();
                    formats.append(&mut self.found.formats);
                    pending.push(Pending { run: *reader, suspects, formats, is_chained: round > 0 });
                }
            }
            let left: Vec<(usize, &Left)> = left.iter().map(|(run, left)| (*run, left)).collect();
            match Shared::all(runs, &left, &known).into_iter().reduce(Shared::and) {
                Some(more) => shared = more,
                None => break,
            }
        }
        self.store.rollback(base);
        self.store.release(base);
        for pending in pending {
            self.confirm_pending(pending, runs, &first, found);
        }
        self.store.truncate(cells, objs, closures, weight);
        self.trace.truncate(steps);
        self.forget_made(objs);
    }

    fn confirm_pending(&mut self, pending: Pending, runs: &[Run<'_>], first: &[Kept], found: &mut Vec<Found>) {
        let reader = &runs[pending.run];
        self.found.formats = pending.formats;
        self.allow_replays(self.limits.fuel_per_tool);
        self.arrivals = Arrivals::of(&pending.suspects);
        for suspect in pending.suspects {
            let is_told = |known: &Found| {
                known.tool == pending.run && known.hit.at == suspect.hit.at && known.hit.rule == suspect.hit.rule
            };
            if found.iter().any(is_told) {
                continue;
            }
            if pending.is_chained {
                let Suspect { hit, steps, source, .. } = suspect;
                found.push(Found { tool: pending.run, hit, steps, source, is_confirmed: false });
                continue;
            }
            let before = |source: &SourceInfo| {
                let setter = first.iter().find(|kept| Some(&runs[kept.run].name) == source.setter.as_ref());
                Some(Before { setter: setter.map(|kept| (&runs[kept.run], kept.run)), kept: first })
            };
            found.extend(self.confirm(&reader.call, pending.run, suspect, before));
        }
    }

    /// Calls a handler, after the call that leaves what it uses; gives its answer.
    pub(super) fn call_after(&mut self, before: Option<&Before<'_>>, call: &HandlerCall<'_>) -> Val {
        if let Some(before) = before {
            // While content is followed, nothing else is untrusted.
            let setter = before.setter.map(|(_, index)| index);
            if self.found.followed.is_none() || setter.is_none() {
                let others = before.kept.iter().filter(|kept| Some(kept.run) != setter);
                self.enter_state(others.map(|kept| &kept.state));
            }
            if let Some((run, _)) = before.setter {
                self.call_setter(run);
            }
            if self.is_not_taken() {
                return Val::undefined();
            }
        }
        self.call_handler(call).1
    }

    fn call_setter(&mut self, run: &Run<'_>) {
        self.found.setter = Some(run.name.clone());
        self.found.kept_params.clone_from(&run.left.params);
        self.call_handler(&run.call);
        self.found.setter = None;
    }

    /// Runs a setter from the present state; gives the state it leaves, if it ends.
    fn left_by(&mut self, index: usize, run: &Run<'_>) -> Option<Kept> {
        self.start_run();
        let mark = self.store.mark();
        self.call_setter(run);
        let is_alive = !self.is_not_taken();
        let state = self.store.snapshot(mark);
        self.store.rollback(mark);
        self.store.release(mark);
        self.carried.sources = std::mem::take(&mut self.found.sources);
        self.carried.answers = std::mem::take(&mut self.answers);
        self.carried.evidence = std::mem::take(&mut self.evidence);
        self.carried.written = std::mem::take(&mut self.found.written);
        is_alive.then_some(Kept { run: index, state })
    }

    /// Goes on in a state in which any of these may have been left, or none.
    fn enter_state<'s>(&mut self, left: impl Iterator<Item = &'s Snapshot>) {
        let mut ends: Vec<Snapshot> = left.cloned().collect();
        // A value that came into being in a call exists only after it, and what the call learnt of it holds.
        let learnt = ends.iter().flat_map(Snapshot::facts).filter(|(vn, _)| *vn > self.carried.known_before);
        let learnt: Vec<_> = learnt.map(|(vn, fact)| (vn, fact.clone())).collect();
        ends.insert(0, Snapshot::default());
        self.join_into_store(ends);
        for (vn, fact) in learnt {
            self.store.assume(vn, &fact);
        }
    }

    /// Runs a reader from the present state; gives what does harm because of what others were given, and where the reader
    /// leaves such data.
    fn run_reader(&mut self, run: &Run<'_>, told: &[(Location, FlowRule)]) -> (Vec<Suspect>, Left) {
        let (cells, objs) = self.store.sizes();
        let weight = self.store.weight();
        let closures = self.store.closures.len();
        let boundary = self.trace.len();
        self.start_run();
        let mark = self.store.mark();
        self.call_handler(&run.call);
        let left = self.left(mark);
        let is_kept = |index: usize, source: &SourceInfo| source.setter.is_some() && index < 63;
        let sources = self.found.sources.iter().enumerate();
        let kept = sources.filter(|(index, source)| is_kept(*index, source));
        let kept = kept.fold(Taint::NONE, |taint, (index, _)| taint.union(Taint::source(index)));
        let mut hits = std::mem::take(&mut self.found.hits);
        // Beside what others were given, only what was not reached at all without them.
        let is_new = |hit: &Hit| hit.taint.0 & kept.0 != 0 || !run.places.contains(&hit.at);
        hits.retain(|hit| is_new(hit) && !told.contains(&(hit.at, hit.rule)));
        let first_kept = |taint: Taint| self.found.sources.get((taint.0 & kept.0).trailing_zeros() as usize).cloned();
        let mut suspects = self.suspects(&run.call, hits);
        for suspect in &mut suspects {
            if suspect.hit.taint.0 & kept.0 == 0 {
                continue;
            }
            suspect.others.retain(|other| other.setter.is_some());
            let kept = TraceStep { prev: 0, at: run.call.registration.at, what: StepKind::Kept(run.name.clone()) };
            let older = self.trace.path(self.trace.before(suspect.hit.step, boundary)).len().max(1);
            if suspect.source.setter.is_some() {
                suspect.steps.insert(older.min(suspect.steps.len()), kept);
            } else if let Some(source) = first_kept(suspect.hit.taint) {
                let what = StepKind::Source(source.param.clone(), source.setter.clone());
                let start = TraceStep { prev: 0, at: source.at, what };
                suspect.steps = [start, kept].into_iter().chain(suspect.steps.pop()).collect();
                suspect.source = source;
            }
        }
        self.store.rollback(mark);
        self.store.release(mark);
        self.found.registrations.clear();
        self.store.truncate(cells, objs, closures, weight);
        self.trace.truncate(boundary);
        self.forget_made(objs);
        (suspects, left)
    }

    /// What is older than `mark` and now holds data of the caller's.
    pub(super) fn left(&self, mark: Mark) -> Left {
        // What files hold is followed within a call: their names are those of a run.
        let files = self.found.files.map(Loc::Obj);
        let older = self.store.changed(mark).filter(|(loc, _)| !mark.is_younger(*loc) && Some(*loc) != files);
        let mut changed: Vec<&(Loc, Content)> = older.collect();
        // Stable: what a location held first stays first.
        changed.sort_by_key(|(loc, _)| *loc);
        changed.dedup_by_key(|(loc, _)| *loc);
        let opened = changed.iter().filter(|(loc, before)| self.is_opened(*loc, before)).map(|(loc, _)| *loc).collect();
        let filled = changed.iter().filter(|(loc, before)| self.is_filled(*loc, before)).map(|(loc, _)| *loc).collect();
        let mut locs: Vec<Loc> = changed.into_iter().map(|(loc, _)| *loc).collect();
        let mut all = Taint::NONE;
        locs.retain(|loc| {
            let taint = match self.store.peek(*loc) {
                Peek::Cell(value, _) => self.taint_left(value, mark, DEPTH),
                Peek::Obj(obj) => self.taint_left_in(obj, mark, DEPTH),
                Peek::Fact(_) => Taint::NONE,
            };
            all = all.union(taint);
            taint.is_some()
        });
        let sources = self.found.sources.iter().enumerate();
        let of = sources.filter(|(index, _)| all.0 & Taint::source(*index).0 != 0);
        Left { locs, opened, filled, params: of.map(|(_, source)| source.param.clone()).collect() }
    }

    /// Whether what was certainly nothing or false, before, is something now: connected, started, chosen.
    fn is_opened(&self, loc: Loc, before: &Content) -> bool {
        let is_opened = |before: &Val, now: &Val| before.truth() == Some(false) && now.truth() != Some(false);
        match (before, self.store.peek(loc)) {
            (Content::Cell(before, _), Peek::Cell(now, _)) => is_opened(before, now),
            (Content::Obj(before), Peek::Obj(now)) => now
                .fields
                .iter()
                .any(|(name, now)| before.fields.get(name).is_some_and(|before| is_opened(before, now))),
            _ => false,
        }
    }

    /// Whether a table or list that was certainly empty has something in it: datasets, sessions.
    fn is_filled(&self, loc: Loc, before: &Content) -> bool {
        match (before, self.store.peek(loc)) {
            (Content::Obj(before), Peek::Obj(now)) => before.is_empty_collection() && !now.is_empty_collection(),
            _ => false,
        }
    }

    fn taint_left_in(&self, obj: &Obj, mark: Mark, depth: usize) -> Taint {
        if depth == 0 {
            return Taint::NONE;
        }
        let inside = obj.fields.values().chain(&obj.any).chain(&obj.items).chain(&obj.more);
        inside.fold(Taint::NONE, |taint, value| taint.union(self.taint_left(value, mark, depth)))
    }

    /// Data of the caller's in a value, and in what the run made for it. Numbers do no harm.
    fn taint_left(&self, value: &Val, mark: Mark, depth: usize) -> Taint {
        if depth == 0 || matches!(value.kind, Kind::Num(_) | Kind::Bool(_)) {
            return Taint::NONE;
        }
        let inside = match &value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) if mark.is_younger(Loc::Obj(*id)) => {
                match self.store.peek(Loc::Obj(*id)) {
                    Peek::Obj(obj) => self.taint_left_in(obj, mark, depth - 1),
                    _ => Taint::NONE,
                }
            }
            Kind::Fn(id) => {
                let captures = self.store.closure(*id).captures.iter().map(|cell| Loc::Cell(*cell));
                captures.filter(|cell| mark.is_younger(*cell)).fold(Taint::NONE, |taint, cell| {
                    match self.store.peek(cell) {
                        Peek::Cell(value, _) => taint.union(self.taint_left(value, mark, depth - 1)),
                        _ => taint,
                    }
                })
            }
            Kind::Bound(bound) => {
                self.taint_left(&bound.0, mark, depth - 1).union(self.taint_left(&bound.1, mark, depth - 1))
            }
            Kind::Method(method) => self.taint_left(&method.0, mark, depth - 1),
            Kind::Union(values) => {
                return values
                    .iter()
                    .fold(Taint::NONE, |taint, value| taint.union(self.taint_left(value, mark, depth)));
            }
            _ => Taint::NONE,
        };
        inside.union(self.taint_now(value))
    }
}

/// Runs that have state in common which no others have.
#[derive(Debug, Default)]
struct Shared {
    setters: BTreeSet<usize>,
    readers: BTreeSet<usize>,
    /// Where the data of callers is that they share.
    locs: Vec<Loc>,
}

impl Shared {
    /// What runs leave for each other in places that are not `known`.
    ///
    /// What many handlers leave in one place a wrapper around them leaves: a log, a cache, a connection. Some stand for
    /// all then, and one that leaves something there itself shows by itself what becomes of it.
    fn all(runs: &[Run<'_>], left: &[(usize, &Left)], known: &FxHashSet<Loc>) -> Vec<Self> {
        let mut of_caller: BTreeMap<Loc, Vec<usize>> = BTreeMap::new();
        let mut of_server: BTreeMap<Loc, Vec<usize>> = BTreeMap::new();
        let mut filled: BTreeMap<Loc, Vec<usize>> = BTreeMap::new();
        for (run, left) in left {
            let new = |loc: &&Loc| !known.contains(*loc);
            left.locs.iter().filter(new).for_each(|loc| of_caller.entry(*loc).or_default().push(*run));
            left.opened.iter().filter(new).for_each(|loc| of_server.entry(*loc).or_default().push(*run));
            left.filled.iter().filter(new).for_each(|loc| filled.entry(*loc).or_default().push(*run));
        }
        // What many fill is a log or a cache, and says nothing of whether they can be called.
        filled.retain(|_, by| by.len() <= MAX_SETTERS);
        if of_caller.is_empty() && of_server.is_empty() && filled.is_empty() {
            return Vec::new();
        }
        let mut readers: BTreeMap<Loc, Vec<usize>> = BTreeMap::new();
        for (reader, run) in runs.iter().enumerate() {
            for loc in &run.reads {
                let is_read = of_caller.get(loc).is_some_and(|by| by.len() <= MAX_SETTERS || !by.contains(&reader));
                // Who opens it goes on with it in the same call.
                let is_opened = of_server.get(loc).is_some_and(|by| !by.contains(&reader));
                let is_filled = filled.get(loc).is_some_and(|by| !by.contains(&reader));
                if is_read || is_opened || is_filled {
                    readers.entry(*loc).or_default().push(reader);
                }
            }
        }
        let mut all: Vec<Self> = Vec::new();
        for (loc, readers) in readers {
            let setters = of_caller.get(&loc).into_iter().chain(of_server.get(&loc)).chain(filled.get(&loc));
            let setters = setters.flat_map(|by| by.iter().take(MAX_SETTERS)).copied();
            let locs = of_caller.contains_key(&loc).then_some(loc).into_iter().collect();
            let one = Self { setters: setters.collect(), readers: readers.into_iter().collect(), locs };
            let (same, others) = all.into_iter().partition(|other| one.meets(other));
            all = others;
            all.push(Vec::into_iter(same).fold(one, Self::and));
        }
        all
    }

    fn meets(&self, other: &Self) -> bool {
        let runs = |one: &Self| one.setters.iter().chain(&one.readers).copied().collect::<BTreeSet<usize>>();
        !runs(self).is_disjoint(&runs(other))
    }

    fn and(mut self, other: Self) -> Self {
        self.setters.extend(other.setters);
        self.readers.extend(other.readers);
        self.locs.extend(other.locs);
        self
    }
}
