//! Calls that are the same but for who is who.
//!
//! Every handler of a server opens the session anew, builds a client and reads the settings: with other objects, functions
//! and value numbers each time, and to the same end; a parser does the same with every line. So of a call everything is
//! kept that it depended on and that came of it: what it read or wrote of what was there, as it was before, and what it
//! left there. A later call is the same if the present state is that state with other names, which is a search for an
//! isomorphism that never has to guess: receiver and arguments give the first names, and what they hold gives the others.
//! What came of the known call then comes of this one, with the names exchanged and everything made anew that it made.
//!
//! That holds in this run and, where nothing of the caller's is in it, in later ones. What is older than the runs has one
//! name in all of them. Two things are taken more simply than an interpretation would: what is thrown is thrown with the
//! state before and with the state after all writes, and not between them; and of a value that nothing was known about, and
//! that is in nothing that was compared, nothing is known again.

use std::rc::Rc;

use manta_core::Location;
use rustc_hash::{FxHashMap, FxHashSet};

use super::alike::{is_as_sure, is_clean, values};
use super::made::{Copies, Entry, Made, held};
use super::{Callee, Known};
use crate::engine::facts::{Cond, Fact, Refinements};
use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Age, Closure, Content, Loc, Obj, ObjKind, Peek, Store};
use crate::engine::value::{CellId, FnId, Kind, ObjId, Part, StepId, Text, Val, Vn};

/// Most locations that such a call may have read or written.
const MAX_LOCATIONS: usize = 384;
/// Most values in what it wrote, and in what it made.
const MAX_HELD: usize = 1_024;
/// Most values that are compared with those of one known call.
const MAX_COMPARED: usize = 4_096;

/// What a call depended on, and what came of it.
#[derive(Debug)]
pub(super) struct Shape {
    /// Locations older than the call that it read or wrote, as they were before; sorted.
    before: Vec<(Loc, Content)>,
    /// Those that it wrote, as it left them; and whether nothing that a run made is in there.
    after: Vec<(Loc, Content, bool)>,
    /// Functions among all this that a run made before the call.
    closures: FxHashMap<FnId, Closure>,
    /// What it made and is still there.
    made: Made,
    /// What is known beside the store of objects that it made.
    evidence: Vec<(ObjId, Cond)>,
    opened: Vec<(ObjId, Location)>,
    /// Value numbers given out in it that are still there.
    made_vns: Vec<Vn>,
    /// What came of it refers to, of what a run made before.
    needed: Vec<Name>,
    /// Something of the caller's is in it: sources have their numbers in one run only.
    is_callers: bool,
}

/// Something that a run made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    Obj(ObjId),
    Cell(CellId),
    Function(FnId),
}

impl Name {
    fn is_older(self, age: Age) -> bool {
        match self {
            Self::Obj(id) => age.is_older(Loc::Obj(id)),
            Self::Cell(id) => age.is_older(Loc::Cell(id)),
            Self::Function(id) => age.is_older_closure(id),
        }
    }

    fn is_among(self, made: &Made) -> bool {
        match self {
            Self::Obj(id) => made.has_obj(id),
            Self::Cell(id) => made.has_cell(id),
            Self::Function(id) => made.has_closure(id),
        }
    }

    fn has_other(self, names: &Copies) -> bool {
        match self {
            Self::Obj(id) => names.objs.contains_key(&id),
            Self::Cell(id) => names.cells.contains_key(&id),
            Self::Function(id) => names.closures.contains_key(&id),
        }
    }
}

/// What a call left, to be kept.
pub(super) struct Outcome<'c> {
    pub(super) callee: Callee,
    pub(super) this: Option<&'c Val>,
    pub(super) args: &'c Args,
    pub(super) result: &'c Val,
    pub(super) thrown: &'c [Val],
    pub(super) learnt: &'c [(Vn, Rc<Fact>)],
    /// Locations that it read, and facts that it changed, with what was known before.
    pub(super) reads: &'c [Loc],
    pub(super) facts_before: &'c FxHashMap<Vn, Option<Rc<Fact>>>,
    /// Locations older than it that it wrote, with what they held before.
    pub(super) overwritten: &'c [(Loc, Content)],
    pub(super) entry: Entry,
}

impl Interp<'_> {
    /// Keeps what is needed to tell the same call under other names; none where that is too much, and where it learnt
    /// something of the caller's data that it gave a number itself.
    pub(super) fn shape(&self, outcome: &Outcome<'_>) -> Option<Shape> {
        let Outcome { callee, this, args, result, thrown, learnt, reads, facts_before, overwritten, entry } = *outcome;
        let size = |(_, content): &(Loc, Content)| match content {
            Content::Obj(obj) => obj.size(),
            _ => 1,
        };
        if reads.len() + overwritten.len() > MAX_LOCATIONS || overwritten.iter().map(size).sum::<usize>() > MAX_HELD {
            return None;
        }
        let mut before: FxHashMap<Loc, Content> = overwritten.iter().cloned().collect();
        for loc in reads {
            let known = match loc {
                Loc::Fact(vn) => facts_before.get(vn).map(|fact| Content::Fact(fact.clone())),
                _ => None,
            };
            before.entry(*loc).or_insert_with(|| known.unwrap_or_else(|| self.store.content(*loc)));
        }
        let mut before: Vec<(Loc, Content)> = before.into_iter().collect();
        before.sort_unstable_by_key(|(loc, _)| *loc);
        let after: Vec<(Loc, Content)> = overwritten.iter().map(|(loc, _)| (*loc, self.store.content(*loc))).collect();
        let contents = || before.iter().chain(&after).flat_map(|(_, content)| held_by(content));
        let inputs = || this.into_iter().chain(args.all()).chain(contents());
        let mut made = Made::default();
        let outputs = || {
            let written = after.iter().flat_map(|(_, content)| held_by(content));
            std::iter::once(result).chain(thrown).chain(written)
        };
        outputs().try_for_each(|value| self.collect_made(value, entry, &mut made))?;
        if made.values().take(MAX_HELD + 1).count() > MAX_HELD {
            return None;
        }
        let is_callers = !inputs().chain(outputs()).chain(made.values()).all(is_clean);
        // Members of what the caller gives have names of their own, which other code may know them by.
        if is_callers && learnt.iter().any(|(vn, _)| !entry.age.is_older(Loc::Fact(*vn))) {
            return None;
        }
        let made_objs = || made.objs.iter().map(|(id, _)| *id);
        let evidence = made_objs().filter_map(|id| Some((id, self.evidence.get(&id)?.clone()))).collect();
        let opened = made_objs().filter_map(|id| Some((id, *self.found.opened.get(&id)?))).collect();
        let mut closures = FxHashMap::default();
        if let Callee::Function(id, _) = callee {
            self.keep_closure(id, entry, &mut closures)?;
        }
        for value in inputs().chain(made.values()) {
            self.keep_closures(value, entry, &mut closures)?;
        }
        let mut referred = Referred::new();
        outputs().chain(made.values()).try_for_each(|value| referred.add(value))?;
        let Referred { mut names, mut vns, .. } = referred;
        vns.extend(learnt.iter().map(|(vn, _)| *vn));
        let mut made_vns: Vec<Vn> = vns.into_iter().filter(|vn| !entry.age.is_older(Loc::Fact(*vn))).collect();
        made_vns.sort_unstable();
        let base = self.memo.base;
        for (_, closure) in &made.closures {
            names.extend(closure.captures.iter().map(|cell| Name::Cell(*cell)));
            names.extend(closure.home.map(Name::Obj));
        }
        let objects = after.iter().filter_map(|(_, content)| match content {
            Content::Obj(obj) => Some(obj),
            _ => None,
        });
        names.extend(objects.chain(made.objs.iter().map(|(_, obj)| obj)).filter_map(|obj| match obj.kind {
            ObjKind::Instance(class) => Some(Name::Obj(class)),
            _ => None,
        }));
        let is_needed = |name: &Name| !name.is_older(base) && !name.is_among(&made);
        let needed: Vec<Name> = names.into_iter().filter(is_needed).collect();
        let is_plain = |content: &Content| {
            let mut referred = Referred::new();
            held_by(content).try_for_each(|value| referred.add(value)).is_some()
                && referred.names.iter().all(|name| name.is_older(base))
                && referred.vns.iter().all(|vn| base.is_older(Loc::Fact(*vn)))
        };
        let after = after
            .into_iter()
            .map(|(loc, content)| {
                let is_plain = is_plain(&content);
                (loc, content, is_plain)
            })
            .collect();
        Some(Shape { before, after, closures, made, evidence, opened, made_vns, needed, is_callers })
    }

    /// Keeps functions that a run made before the call, for the store forgets them after the run.
    fn keep_closures(&self, value: &Val, entry: Entry, into: &mut FxHashMap<FnId, Closure>) -> Option<()> {
        match &value.kind {
            Kind::Fn(id) => self.keep_closure(*id, entry, into),
            Kind::Accessor(get, set) => get.iter().chain(set).try_for_each(|id| self.keep_closure(*id, entry, into)),
            Kind::Bound(bound) => {
                self.keep_closures(&bound.0, entry, into)?;
                self.keep_closures(&bound.1, entry, into)
            }
            Kind::Method(method) => self.keep_closures(&method.0, entry, into),
            Kind::Union(values) => values.iter().try_for_each(|value| self.keep_closures(value, entry, into)),
            _ => Some(()),
        }
    }

    fn keep_closure(&self, id: FnId, entry: Entry, into: &mut FxHashMap<FnId, Closure>) -> Option<()> {
        let is_elsewhere = self.memo.base.is_older_closure(id) || !entry.age.is_older_closure(id);
        if is_elsewhere || into.contains_key(&id) {
            return Some(());
        }
        if into.len() >= MAX_LOCATIONS {
            return None;
        }
        let closure = self.store.closure(id);
        into.insert(id, closure.clone());
        held(closure).try_for_each(|value| self.keep_closures(value, entry, into))
    }

    /// The names under which a known call is the present one; none where it is another call.
    pub(super) fn naming(&mut self, known: &Known, callee: Callee, this: Option<&Val>, args: &Args) -> Option<Copies> {
        let shape = known.shape.as_deref()?;
        let is_other_run = known.run != self.memo.run;
        if is_other_run && shape.is_callers {
            return None;
        }
        let mut search = Search::new(&self.store, shape, self.memo.base, is_other_run);
        let is_match = search.is_match(known, callee, this, args);
        let (names, compared) = (search.names, MAX_COMPARED - search.left);
        self.charge(compared);
        is_match.then_some(names)
    }

    /// What came of a known call comes of the present one, which is that call under other names.
    pub(super) fn again_as(&mut self, known: &Known, mut names: Copies) -> Val {
        let Some(shape) = known.shape.clone() else { return Val::unknown() };
        for vn in &shape.made_vns {
            let fresh = self.store.fresh_vn();
            names.vns.insert(*vn, fresh);
        }
        for vn in &shape.made_vns {
            self.carry_over(*vn, &names);
        }
        self.store.note_reads(shape.before.iter().map(|(loc, _)| names.loc(*loc)));
        if shape.is_callers {
            self.lead_here(&shape, known, &mut names);
        }
        self.copy_made(&shape.made, &mut names);
        for (id, cond) in &shape.evidence {
            self.evidence.insert(names.obj(*id), names.renamed_cond(cond));
        }
        for (id, at) in &shape.opened {
            self.found.opened.insert(names.obj(*id), *at);
        }
        let result = names.renamed(&known.result);
        let thrown: Vec<Val> = known.thrown.iter().map(|value| names.renamed(value)).collect();
        // What is thrown leaves before all is written, or after it.
        thrown.iter().for_each(|value| self.throw(value.clone()));
        for (loc, content, is_plain) in &shape.after {
            let content = if *is_plain { content.clone() } else { self.content_as(content, &names) };
            self.store.write(names.loc(*loc), content);
        }
        for (vn, fact) in &known.learnt {
            self.store.assume(names.vn(*vn), fact);
        }
        self.last_call_failed = known.fails;
        known.acts.iter().for_each(|act| self.found.conduct.act(act.kind, act.at, &act.api));
        self.found.met.again(&known.met);
        thrown.into_iter().for_each(|value| self.throw(value));
        if known.is_last {
            self.leave_path();
        }
        result
    }

    /// Gives the steps names that lead from what a known call was given to what came of it, so that a trace leads through
    /// the present call.
    fn lead_here(&mut self, shape: &Shape, known: &Known, names: &mut Copies) {
        let mut last = FxHashSet::default();
        let written = shape.after.iter().flat_map(|(_, content, _)| held_by(content));
        let outputs = known.thrown.iter().chain([&known.result]).chain(written).chain(shape.made.values());
        outputs.for_each(|value| collect_steps(value, &mut last));
        for step in last {
            let way = self.trace.path(step);
            let mut at = step;
            let mut passed = Vec::new();
            while at != 0 && !names.steps.contains_key(&at) && passed.len() < way.len() {
                passed.push(at);
                at = self.trace.previous(at);
            }
            let Some(mut led) = names.steps.get(&at).copied() else { continue };
            for (index, step) in passed.iter().rev().enumerate() {
                let made = &way[way.len() - passed.len() + index];
                led = self.trace.add(led, made.at, made.what.clone());
                names.steps.insert(*step, led);
            }
        }
    }

    /// Content with other names in it, which is another content.
    fn content_as(&mut self, content: &Content, names: &Copies) -> Content {
        let version = self.store.fresh_version();
        match content {
            Content::Cell(value, _) => Content::Cell(names.renamed(value), version),
            Content::Obj(obj) => {
                let mut obj = Obj { version, ..(**obj).clone() };
                names.rename_inside(&mut obj);
                Content::Obj(Rc::new(obj))
            }
            Content::Fact(fact) => Content::Fact(fact.clone()),
        }
    }

    /// What is known beside the store of a value that is made anew.
    fn carry_over(&mut self, vn: Vn, names: &Copies) {
        let now = names.vn(vn);
        if self.answers.contains(&vn) {
            self.answers.insert(now);
        }
        if let Some((from, how)) = self.derivations.get(&vn).copied() {
            self.derivations.insert(now, (names.vn(from), how));
        }
        if let Some(extension) = self.extensions.get(&vn).cloned() {
            self.extensions.insert(now, extension);
        }
        if let Some((path, by_component)) = self.common_paths.get(&vn).cloned() {
            self.common_paths.insert(now, (names.renamed(&path), by_component));
        }
        if let Some((text, part)) = self.searches.get(&vn).cloned() {
            self.searches.insert(now, (names.renamed(&text), names.renamed(&part)));
        }
        let tables = [
            &mut self.relative_paths,
            &mut self.parents,
            &mut self.typeofs,
            &mut self.encoded,
            &mut self.parent_lists,
            &mut self.component_lists,
        ];
        for table in tables {
            if let Some(value) = table.get(&vn).cloned() {
                table.insert(now, names.renamed(&value));
            }
        }
    }
}

/// A search for the names under which two states are one.
struct Search<'s> {
    store: &'s Store,
    shape: &'s Shape,
    /// What has one name in all runs.
    old: Age,
    /// Whether the known call was made in another run.
    is_other_run: bool,
    names: Copies,
    /// Names that are given to something already: two things that differ in one state do in the other.
    taken: Copies,
    /// Locations that were given a name, and whose content is still to be compared.
    open: Vec<Loc>,
    left: usize,
}

impl<'s> Search<'s> {
    fn new(store: &'s Store, shape: &'s Shape, old: Age, is_other_run: bool) -> Self {
        Self {
            store,
            shape,
            old,
            is_other_run,
            names: Copies::default(),
            taken: Copies::default(),
            open: Vec::new(),
            left: MAX_COMPARED,
        }
    }

    fn is_match(&mut self, known: &Known, callee: Callee, this: Option<&Val>, args: &Args) -> bool {
        let is_callee = match (known.callee, callee) {
            (Callee::Function(a, x), Callee::Function(b, y)) => x == y && self.is_function(a, b),
            (Callee::Class(a), Callee::Class(b)) => a == b && self.old.is_older(Loc::Obj(a)),
            _ => false,
        };
        if !is_callee || !self.is_option(known.this.as_ref(), this) || !self.is_args(&known.args, args) {
            return false;
        }
        let shape = self.shape;
        let is_old = |loc: Loc| self.old.is_older(loc);
        let (old, young): (Vec<_>, Vec<_>) = shape.before.iter().partition(|(loc, _)| is_old(*loc));
        for (loc, content) in old {
            if !self.is_content(*loc, content, *loc) {
                return false;
            }
        }
        while let Some(loc) = self.open.pop() {
            let Ok(at) = shape.before.binary_search_by_key(&loc, |(loc, _)| *loc) else { continue };
            if !self.is_content(loc, &shape.before[at].1, self.names.loc(loc)) {
                return false;
            }
        }
        let has = |loc: Loc| match loc {
            Loc::Cell(id) => Name::Cell(id).has_other(&self.names),
            Loc::Obj(id) => Name::Obj(id).has_other(&self.names),
            Loc::Fact(vn) => self.names.vns.contains_key(&vn),
        };
        // Of what is in no content that was compared, nothing is to be known.
        let is_found = |(loc, content): &(Loc, Content)| has(*loc) || matches!(content, Content::Fact(None));
        young.into_iter().all(is_found) && shape.needed.iter().all(|name| name.has_other(&self.names))
    }

    fn is_args(&mut self, known: &Args, now: &Args) -> bool {
        known.pos.len() == now.pos.len()
            && known.named.len() == now.named.len()
            && known.pos.iter().zip(&now.pos).all(|(a, b)| self.is_value(a, b))
            && known.named.iter().zip(&now.named).all(|((name, a), (other, b))| name == other && self.is_value(a, b))
            && self.is_option(known.rest.as_ref(), now.rest.as_ref())
            && self.is_option(known.named_rest.as_ref(), now.named_rest.as_ref())
    }

    /// Whether a location of the known state holds what one of the present state does.
    fn is_content(&mut self, loc: Loc, known: &Content, now: Loc) -> bool {
        match (known, self.store.peek(now)) {
            (Content::Cell(a, version), Peek::Cell(b, present)) => {
                self.is_unchanged(loc, *version, present) || self.is_value(a, b)
            }
            (Content::Obj(a), Peek::Obj(b)) => self.is_unchanged(loc, a.version, b.version) || self.is_object(a, b),
            (Content::Fact(a), Peek::Fact(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => is_one_fact(a, b),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether content of a location older than the runs is as it was. In another run, nothing of that run can be in it.
    fn is_unchanged(&self, loc: Loc, known: u32, now: u32) -> bool {
        self.is_other_run && known == now && self.old.is_older(loc)
    }

    fn is_object(&mut self, a: &Obj, b: &Obj) -> bool {
        let is_kind = match (&a.kind, &b.kind) {
            (ObjKind::Instance(a), ObjKind::Instance(b)) => self.is_one_object(*a, *b),
            (ObjKind::Class(a), ObjKind::Class(b)) => Rc::ptr_eq(a, b),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        };
        is_kind
            && a.is_configured == b.is_configured
            && is_as_sure(a, b)
            && a.fields.len() == b.fields.len()
            && a.items.len() == b.items.len()
            && a.fields.iter().zip(&b.fields).all(|((name, a), (other, b))| name == other && self.is_value(a, b))
            && a.items.iter().zip(&b.items).all(|(a, b)| self.is_value(a, b))
            && self.is_option(a.any.as_ref(), b.any.as_ref())
            && self.is_option(a.more.as_ref(), b.more.as_ref())
    }

    fn is_option(&mut self, a: Option<&Val>, b: Option<&Val>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => self.is_value(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    fn is_value(&mut self, a: &Val, b: &Val) -> bool {
        // Members of what the caller gives have names of their own, which other code may know them by.
        let is_one = a.vn == b.vn || a.alternatives().iter().all(is_text_or_list);
        if self.left == 0 || a.taint != b.taint || a.taint.is_some() && !is_one {
            return false;
        }
        self.left -= 1;
        if a.step != b.step {
            self.names.steps.entry(a.step).or_insert(b.step);
        }
        self.is_kind(&a.kind, &b.kind)
            && self.is_number(a.vn, b.vn)
            && self.is_text(a.text.as_ref(), b.text.as_ref())
            && match (&a.cond, &b.cond) {
                (None, None) => true,
                (Some(a), Some(b)) => Rc::ptr_eq(a, b) || self.is_cond(a, b),
                _ => false,
            }
    }

    fn is_cond(&mut self, a: &Cond, b: &Cond) -> bool {
        let mut are_facts = |a: &Refinements, b: &Refinements| {
            a.len() == b.len()
                && a.iter().zip(b).all(|((a, known), (b, now))| self.is_number(*a, *b) && is_one_fact(known, now))
        };
        a.by_default == b.by_default && are_facts(&a.when_true, &b.when_true) && are_facts(&a.when_false, &b.when_false)
    }

    fn is_kind(&mut self, a: &Kind, b: &Kind) -> bool {
        match (a, b) {
            (Kind::Unknown, Kind::Unknown)
            | (Kind::Undefined, Kind::Undefined)
            | (Kind::Null, Kind::Null)
            | (Kind::Str, Kind::Str) => true,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Num(a), Kind::Num(b)) => a.map(f64::to_bits) == b.map(f64::to_bits),
            (Kind::Obj(a), Kind::Obj(b)) => self.is_one_object(*a, *b),
            (Kind::Fn(a), Kind::Fn(b)) => self.is_function(*a, *b),
            (Kind::Bound(a), Kind::Bound(b)) => self.is_value(&a.0, &b.0) && self.is_value(&a.1, &b.1),
            (Kind::Method(a), Kind::Method(b)) => a.1 == b.1 && self.is_value(&a.0, &b.0),
            (Kind::Api(a, None), Kind::Api(b, None)) => a == b,
            (Kind::Api(a, Some(state)), Kind::Api(b, Some(other))) => a == b && self.is_one_object(*state, *other),
            (Kind::Module(a), Kind::Module(b)) => a == b,
            (Kind::Regex(a), Kind::Regex(b)) => Rc::ptr_eq(a, b) || a.pattern == b.pattern && a.flags == b.flags,
            (Kind::Schema(a), Kind::Schema(b)) => Rc::ptr_eq(a, b),
            (Kind::Union(a), Kind::Union(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| self.is_value(a, b))
            }
            (Kind::Accessor(a, x), Kind::Accessor(b, y)) => {
                let mut is_one = |a: Option<FnId>, b: Option<FnId>| match (a, b) {
                    (Some(a), Some(b)) => self.is_function(a, b),
                    (a, b) => a.is_none() && b.is_none(),
                };
                is_one(*a, *b) && is_one(*x, *y)
            }
            (Kind::Resolver(a), Kind::Resolver(b)) => self.is_cell(*a, *b),
            _ => false,
        }
    }

    fn is_text(&mut self, a: Option<&Rc<Text>>, b: Option<&Rc<Text>>) -> bool {
        let (a, b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_none() && b.is_none(),
        };
        if Rc::ptr_eq(a, b) {
            return true;
        }
        let is_base = match (a.base, b.base) {
            (Some((a, how)), Some((b, other))) => how == other && self.is_number(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let is_part = |search: &mut Self, a: &Part, b: &Part| match (a, b) {
            (Part::Lit(a), Part::Lit(b)) => a == b,
            (Part::Hole(a), Part::Hole(b)) => search.is_value(a, b),
            _ => false,
        };
        // What a text is follows from its parts, unless something more is known of it.
        let follows = |text: &Text| !text.parts.is_empty() && text.known.get().is_none();
        is_base
            && a.shape == b.shape
            && a.parts.len() == b.parts.len()
            && a.parts.iter().zip(b.parts.iter()).all(|(a, b)| is_part(self, a, b))
            && (follows(a) && follows(b) || a.props() == b.props())
    }

    fn is_number(&mut self, a: Vn, b: Vn) -> bool {
        let is_shared = |vn: Vn| self.old.is_older(Loc::Fact(vn));
        if is_shared(a) || is_shared(b) {
            return a == b;
        }
        give_name(&mut self.names.vns, &mut self.taken.vns, a, b) != Naming::Conflict
    }

    fn is_one_object(&mut self, a: ObjId, b: ObjId) -> bool {
        if self.old.is_older(Loc::Obj(a)) || self.old.is_older(Loc::Obj(b)) {
            return a == b;
        }
        let naming = give_name(&mut self.names.objs, &mut self.taken.objs, a, b);
        if naming == Naming::New {
            self.open.push(Loc::Obj(a));
        }
        naming != Naming::Conflict
    }

    fn is_cell(&mut self, a: CellId, b: CellId) -> bool {
        if self.old.is_older(Loc::Cell(a)) || self.old.is_older(Loc::Cell(b)) {
            return a == b;
        }
        let naming = give_name(&mut self.names.cells, &mut self.taken.cells, a, b);
        if naming == Naming::New {
            self.open.push(Loc::Cell(a));
        }
        naming != Naming::Conflict
    }

    fn is_function(&mut self, a: FnId, b: FnId) -> bool {
        if self.old.is_older_closure(a) || self.old.is_older_closure(b) {
            return a == b;
        }
        match give_name(&mut self.names.closures, &mut self.taken.closures, a, b) {
            Naming::Known => return true,
            Naming::Conflict => return false,
            Naming::New => {}
        }
        let Some(known) = self.shape.closures.get(&a) else { return false };
        let now = self.store.closure(b);
        let is_object = |search: &mut Self, a: Option<ObjId>, b: Option<ObjId>| match (a, b) {
            (Some(a), Some(b)) => search.is_one_object(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        known.module == now.module
            && known.func == now.func
            && known.takes_self == now.takes_self
            && known.captures.len() == now.captures.len()
            && known.bound.len() == now.bound.len()
            && known.bound_named.len() == now.bound_named.len()
            && known.captures.iter().zip(now.captures.iter()).all(|(a, b)| self.is_cell(*a, *b))
            && self.is_option(known.this.as_ref(), now.this.as_ref())
            && is_object(self, known.home, now.home)
            && is_object(self, known.props, now.props)
            && known.bound.iter().zip(now.bound.iter()).all(|(a, b)| self.is_value(a, b))
            && known
                .bound_named
                .iter()
                .zip(now.bound_named.iter())
                .all(|((x, a), (y, b))| x == y && self.is_value(a, b))
    }
}

/// What came of giving something a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    New,
    Known,
    /// It has another one, or the name is that of something else.
    Conflict,
}

fn give_name<T: Copy + Eq + std::hash::Hash>(
    names: &mut FxHashMap<T, T>,
    taken: &mut FxHashMap<T, T>,
    known: T,
    now: T,
) -> Naming {
    match (names.get(&known), taken.get(&now)) {
        (None, None) => {
            names.insert(known, now);
            taken.insert(now, known);
            Naming::New
        }
        (Some(name), Some(of)) if *name == now && *of == known => Naming::Known,
        _ => Naming::Conflict,
    }
}

fn is_one_fact(a: &Rc<Fact>, b: &Rc<Fact>) -> bool {
    Rc::ptr_eq(a, b) || a.is_listed == b.is_listed && a.notes.len() == b.notes.len() && a.props == b.props
}

/// Values that a location holds.
fn held_by(content: &Content) -> impl Iterator<Item = &Val> {
    let (cell, obj) = match content {
        Content::Cell(value, _) => (Some(value), None),
        Content::Obj(obj) => (None, Some(&**obj)),
        Content::Fact(_) => (None, None),
    };
    cell.into_iter().chain(obj.into_iter().flat_map(values))
}

/// Texts and lists: they have no members but their elements.
fn is_text_or_list(value: &Val) -> bool {
    value.taint.is_none() || matches!(value.kind, Kind::Str | Kind::Obj(_) | Kind::Num(_) | Kind::Bool(_))
}

/// The last steps of a value and of those in it.
fn collect_steps(value: &Val, into: &mut FxHashSet<StepId>) {
    if value.taint.is_some() {
        into.insert(value.step);
    }
    value.alternatives().iter().filter(|one| one.taint.is_some()).for_each(|one| {
        into.insert(one.step);
    });
    for part in value.text.iter().flat_map(|text| text.parts.iter()) {
        if let Part::Hole(hole) = part {
            collect_steps(hole, into);
        }
    }
}

/// What values refer to, as far as [`Copies`] renames it.
struct Referred {
    names: FxHashSet<Name>,
    vns: FxHashSet<Vn>,
    /// How many values may still be looked at.
    left: usize,
}

impl Referred {
    fn new() -> Self {
        Self { names: FxHashSet::default(), vns: FxHashSet::default(), left: MAX_COMPARED }
    }

    /// Adds what a value refers to; none where that is too much to look at.
    fn add(&mut self, value: &Val) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        if value.vn != 0 {
            self.vns.insert(value.vn);
        }
        match &value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) => {
                self.names.insert(Name::Obj(*id));
            }
            Kind::Fn(id) => {
                self.names.insert(Name::Function(*id));
            }
            Kind::Accessor(get, set) => self.names.extend(get.iter().chain(set).map(|id| Name::Function(*id))),
            Kind::Resolver(id) => {
                self.names.insert(Name::Cell(*id));
            }
            Kind::Bound(bound) => {
                self.add(&bound.0)?;
                self.add(&bound.1)?;
            }
            Kind::Method(method) => self.add(&method.0)?,
            Kind::Union(values) => values.iter().try_for_each(|value| self.add(value))?,
            _ => {}
        }
        if let Some(text) = &value.text {
            self.vns.extend(text.base.map(|(vn, _)| vn));
            for part in text.parts.iter() {
                if let Part::Hole(hole) = part {
                    self.add(hole)?;
                }
            }
        }
        if let Some(cond) = &value.cond {
            self.vns.extend(cond.when_true.iter().chain(&cond.when_false).map(|(vn, _)| *vn));
        }
        Some(())
    }
}
