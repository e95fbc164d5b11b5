//! The abstract store: variables, heap objects and facts, with a trail.
//!
//! Branches need the state as it was before them, and joins need to know what each branch changed. Copying the store
//! would cost its size at every `if`; instead every write notes the old content on a trail. Leaving a branch collects
//! the changed locations into a [`Snapshot`] and rolls the trail back; joining writes the joined contents. The cost of
//! a branch is what it wrote.
//!
//! Invariants that everything outside this file relies on:
//! * Contents change only through [`Store::set_cell`], [`Store::obj_mut`], [`Store::assume`] and [`Store::write`]; what
//!   goes around them survives a rollback (`closures` are like that on purpose: they are never changed by branches).
//! * Marks nest like calls: the innermost open mark is the one released next.
//! * A location is noted once per open mark, by its *stamp*; so the trail grows with what a region touches and not with
//!   how often it does, and filling an array of n elements copies it once and not n times.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::engine::facts::{Cond, Fact};
use crate::engine::value::{CellId, FnId, Kind, ModId, ObjId, Val, Vn};
use crate::ir::{ClassId, FuncId, Symbol};

/// What a cell, an object and a value in it take up, bookkeeping and texts included. In bytes.
const CELL_BYTES: usize = 96;
const OBJECT_BYTES: usize = 256;
const FIELD_BYTES: usize = 96;

/// Fields by name, in the order in which they were written.
pub(crate) type Fields = IndexMap<Symbol, Val, FxBuildHasher>;

/// A heap object.
#[derive(Clone, Debug)]
pub(crate) struct Obj {
    pub(crate) kind: ObjKind,
    /// Named fields or dict keys, in insertion order.
    pub(crate) fields: Fields,
    /// What fields not in `fields` may hold; none: they are absent.
    pub(crate) any: Option<Val>,
    /// Elements of a sequence, while known exactly.
    pub(crate) items: Vec<Val>,
    /// Sequence elements whose position is unknown.
    pub(crate) more: Option<Val>,
    /// A list that holds what a setting says, which nobody sets by default: `process.env.HOSTS.split(",")`.
    pub(crate) is_configured: bool,
    /// What is in it on some of the paths that met here only; none: all that it holds is there.
    pub(crate) doubts: Option<Rc<Doubts>>,
    /// Changes with every write and comes back when a write is undone: one object with one version has one content.
    pub(crate) version: u32,
}

/// What may be in an object or not, and what its presence tells: `if (bad) errors.push("no")` before `if (errors.length)`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubts {
    /// Whether there is anything in it, where that is open.
    pub(crate) is_filled: Option<Cond>,
    /// Fields that may be missing.
    pub(crate) has: Vec<(Symbol, Cond)>,
}

/// What an object is.
#[derive(Clone, Debug)]
pub(crate) enum ObjKind {
    /// Object literal, or created by unknown means.
    Plain,
    /// Python dict: keys are not attributes.
    Dict,
    /// Array, list, tuple.
    Array,
    /// `Set`.
    Set,
    /// `Map`.
    Map,
    /// A class of the target.
    Class(Rc<ClassVal>),
    /// An instance of a class of the target.
    Instance(ObjId),
    /// State of something outside the target: arguments of the call that made it are in `items`.
    External,
}

/// A class value.
#[derive(Debug)]
pub(crate) struct ClassVal {
    pub(crate) module: ModId,
    pub(crate) class: ClassId,
    /// Evaluated bases, in order.
    pub(crate) bases: Vec<Val>,
    /// The class itself and what it inherits from, in the order in which names are looked up.
    pub(crate) order: Rc<[Val]>,
    /// Methods, accessors (instance side), by name.
    pub(crate) methods: Fields,
    /// Names in `methods` that receive the class.
    pub(crate) class_methods: Vec<Symbol>,
    /// Instance field initialisers in order.
    pub(crate) field_inits: Vec<(Symbol, Option<FnId>)>,
}

/// The field that holds a named argument, apart from those that are assigned.
fn given(name: &str) -> Symbol {
    Symbol::new(&format!("${name}"))
}

impl Obj {
    pub(crate) fn new(kind: ObjKind) -> Self {
        Self {
            kind,
            fields: Fields::default(),
            any: None,
            items: Vec::new(),
            more: None,
            is_configured: false,
            doubts: None,
            version: 0,
        }
    }

    pub(crate) fn array(items: Vec<Val>) -> Self {
        Self { items, ..Self::new(ObjKind::Array) }
    }

    /// Keeps an argument that something outside the target was made with, apart from what is assigned to it since.
    pub(crate) fn give(&mut self, name: Symbol, value: Val) {
        self.fields.insert(given(name.as_str()), value);
    }

    /// The named argument that something outside the target was made with.
    pub(crate) fn given(&self, name: &str) -> Option<&Val> {
        self.fields.get(&given(name))
    }

    /// A field as it is on the paths that set it, where others did not.
    pub(crate) fn where_there<'v>(&self, name: Symbol, value: &'v Val) -> Cow<'v, Val> {
        let may_be_missing =
            || self.doubts.as_deref().is_some_and(|doubts| doubts.has.iter().any(|(of, _)| *of == name));
        match &value.kind {
            Kind::Union(values) if may_be_missing() => {
                let there: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
                Cow::Owned(match there.as_slice() {
                    [only] => Val { taint: value.taint, ..only.clone() },
                    _ => Val { kind: Kind::Union(there.into()), ..value.clone() },
                })
            }
            _ => Cow::Borrowed(value),
        }
    }

    /// Values in it.
    pub(crate) fn size(&self) -> usize {
        self.fields.len() + self.items.len()
    }

    fn weight(&self) -> usize {
        OBJECT_BYTES + self.size() * FIELD_BYTES
    }

    /// Whether it is certainly a table or list with nothing in it.
    pub(crate) fn is_empty_collection(&self) -> bool {
        matches!(self.kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array | ObjKind::Set | ObjKind::Map)
            && self.size() == 0
            && self.any.is_none()
            && self.more.is_none()
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self.kind, ObjKind::Array)
    }

    pub(crate) fn is_sequence(&self) -> bool {
        matches!(self.kind, ObjKind::Array | ObjKind::Set)
    }
}

/// A function with its environment.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    pub(crate) module: ModId,
    pub(crate) func: FuncId,
    pub(crate) captures: Rc<[CellId]>,
    /// `this` of arrow functions.
    pub(crate) this: Option<Val>,
    /// The class whose member this is, for `super`.
    pub(crate) home: Option<ObjId>,
    /// Python: the first parameter receives the instance or class.
    pub(crate) takes_self: bool,
    /// Arguments already given (`bind`, `functools.partial`).
    pub(crate) bound: Rc<[Val]>,
    /// Keyword arguments already given.
    pub(crate) bound_named: Rc<[(Symbol, Val)]>,
    /// Properties assigned to the function object.
    pub(crate) props: Option<ObjId>,
}

/// A location of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Loc {
    Cell(CellId),
    Obj(ObjId),
    Fact(Vn),
}

/// Content of a location.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// With its version: one cell with one version has one content.
    Cell(Val, u32),
    Obj(Rc<Obj>),
    Fact(Option<Rc<Fact>>),
}

/// Content of a location, to look at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peek<'s> {
    Cell(&'s Val, u32),
    Obj(&'s Rc<Obj>),
    Fact(Option<&'s Rc<Fact>>),
}

/// Locations changed since a mark, with their contents, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) changes: Vec<(Loc, Content)>,
}

impl Snapshot {
    pub(crate) fn get(&self, loc: Loc) -> Option<&Content> {
        self.changes.binary_search_by_key(&loc, |(at, _)| *at).ok().map(|at| &self.changes[at].1)
    }

    /// Facts that this path established.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (Vn, &Rc<Fact>)> {
        self.changes.iter().filter_map(|(loc, content)| match (loc, content) {
            (Loc::Fact(vn), Content::Fact(Some(fact))) => Some((*vn, fact)),
            _ => None,
        })
    }
}

/// How much there was at some point: what has a smaller number is older.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Age {
    cells: u32,
    objs: u32,
    closures: u32,
    vn: Vn,
}

impl Age {
    pub(crate) fn is_older(&self, loc: Loc) -> bool {
        match loc {
            Loc::Cell(id) => id.0 < self.cells,
            Loc::Obj(id) => id.0 < self.objs,
            Loc::Fact(vn) => vn <= self.vn,
        }
    }

    pub(crate) fn is_older_closure(&self, id: FnId) -> bool {
        id.0 < self.closures
    }
}

/// Entries of the table that keeps the log of reads short.
const RECENT: usize = 64;

/// What was read since somebody began to watch, as far as it is older than that.
#[derive(Debug)]
struct Reads {
    since: Age,
    log: Vec<Loc>,
    /// Reads that are in the log already, by the low bits of their number, with the watch they belong to.
    recent: [(Loc, u32); RECENT],
    watch: u32,
    last_watch: u32,
}

impl Default for Reads {
    fn default() -> Self {
        let recent = [(Loc::Fact(0), 0); RECENT];
        Self { since: Age::default(), log: Vec::new(), recent, watch: 0, last_watch: 0 }
    }
}

/// A watch over reads; watches nest like calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    outer: Age,
    outer_watch: u32,
    start: usize,
}

/// A point to which the store can be rolled back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Which mark this is.
    epoch: u32,
    trail: usize,
    cells: u32,
    objs: u32,
}

impl Mark {
    /// Whether a location came into being after the mark; facts count as younger.
    pub(crate) fn is_younger(&self, loc: Loc) -> bool {
        match loc {
            Loc::Cell(id) => id.0 >= self.cells,
            Loc::Obj(id) => id.0 >= self.objs,
            Loc::Fact(_) => true,
        }
    }
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Store {
    cells: Vec<Val>,
    cell_versions: Vec<u32>,
    objs: Vec<Rc<Obj>>,
    /// For each cell and object, the mark under which its old content was noted last.
    cell_stamps: Vec<u32>,
    obj_stamps: Vec<u32>,
    pub(crate) closures: Vec<Closure>,
    /// Functions that were given properties, in the order in which the objects that hold them were made.
    with_props: Vec<FnId>,
    facts: FxHashMap<Vn, Rc<Fact>>,
    trail: Vec<(Loc, Content)>,
    marks: Vec<Mark>,
    last_epoch: u32,
    /// Bytes that cells and objects take up, near enough to stop before memory does.
    weight: usize,
    last_version: u32,
    reads: RefCell<Reads>,
    /// Values copied since somebody asked, by writes to large objects and by branches that change much.
    copied: Cell<u64>,
    next_vn: Vn,
}

impl Store {
    pub(crate) fn fresh_vn(&mut self) -> Vn {
        self.next_vn += 1;
        self.next_vn
    }

    pub(crate) fn new_cell(&mut self, value: Val) -> CellId {
        self.weight += CELL_BYTES;
        self.cells.push(value);
        let version = self.fresh_version();
        self.cell_versions.push(version);
        self.cell_stamps.push(0);
        CellId(u32::try_from(self.cells.len() - 1).expect("fuel ends a run long before 2^32 cells"))
    }

    pub(crate) fn cell(&self, id: CellId) -> &Val {
        self.note_read(Loc::Cell(id));
        &self.cells[id.0 as usize]
    }

    pub(crate) fn set_cell(&mut self, id: CellId, value: Val) {
        let version = self.fresh_version();
        self.set_cell_content(id, value, version);
    }

    fn set_cell_content(&mut self, id: CellId, value: Val, version: u32) {
        let at = id.0 as usize;
        let old = std::mem::replace(&mut self.cells[at], value);
        let old_version = std::mem::replace(&mut self.cell_versions[at], version);
        if let Some(mark) = self.marks.last()
            && id.0 < mark.cells
            && self.cell_stamps[at] != mark.epoch
        {
            self.cell_stamps[at] = mark.epoch;
            self.trail.push((Loc::Cell(id), Content::Cell(old, old_version)));
        }
    }

    pub(crate) fn new_obj(&mut self, mut obj: Obj) -> ObjId {
        obj.version = self.fresh_version();
        self.weight += obj.weight();
        self.objs.push(Rc::new(obj));
        self.obj_stamps.push(0);
        ObjId(u32::try_from(self.objs.len() - 1).expect("fuel ends a run long before 2^32 objects"))
    }

    pub(crate) fn obj(&self, id: ObjId) -> &Obj {
        self.note_read(Loc::Obj(id));
        &self.objs[id.0 as usize]
    }

    pub(crate) fn obj_rc(&self, id: ObjId) -> Rc<Obj> {
        self.note_read(Loc::Obj(id));
        self.objs[id.0 as usize].clone()
    }

    pub(crate) fn obj_mut(&mut self, id: ObjId) -> &mut Obj {
        self.note_obj(id);
        // What is written is usually one more value.
        self.weight += FIELD_BYTES;
        let version = self.fresh_version();
        let obj = Rc::make_mut(&mut self.objs[id.0 as usize]);
        obj.version = version;
        obj
    }

    pub(crate) fn fresh_version(&mut self) -> u32 {
        self.last_version += 1;
        self.last_version
    }

    /// Bytes that cells and objects take up, as far as they are counted.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// How many values were copied since the last call.
    pub(crate) fn take_copied(&mut self) -> u64 {
        self.copied.take()
    }

    /// Notes the present content of an object, before it changes.
    fn note_obj(&mut self, id: ObjId) {
        let at = id.0 as usize;
        if let Some(mark) = self.marks.last()
            && id.0 < mark.objs
            && self.obj_stamps[at] != mark.epoch
        {
            self.obj_stamps[at] = mark.epoch;
            self.copied.set(self.copied.get() + self.objs[at].size() as u64);
            self.trail.push((Loc::Obj(id), Content::Obj(self.objs[at].clone())));
        }
    }

    pub(crate) fn new_closure(&mut self, closure: Closure) -> FnId {
        self.closures.push(closure);
        FnId(u32::try_from(self.closures.len() - 1).expect("fuel ends a run long before 2^32 closures"))
    }

    pub(crate) fn closure(&self, id: FnId) -> &Closure {
        &self.closures[id.0 as usize]
    }

    pub(crate) fn fact(&self, vn: Vn) -> Option<&Rc<Fact>> {
        if vn == 0 {
            return None;
        }
        self.note_read(Loc::Fact(vn));
        self.facts.get(&vn)
    }

    /// Adds a fact to what is already known of a value.
    pub(crate) fn assume(&mut self, vn: Vn, fact: &Rc<Fact>) {
        if vn == 0 {
            return;
        }
        let known = self.facts.get(&vn);
        let combined = known.map_or_else(|| fact.clone(), |known| Rc::new(known.and(fact)));
        self.set_fact(vn, Some(combined));
    }

    fn set_fact(&mut self, vn: Vn, fact: Option<Rc<Fact>>) {
        let old = match fact {
            Some(fact) => self.facts.insert(vn, fact),
            None => self.facts.remove(&vn),
        };
        if !self.marks.is_empty() {
            self.trail.push((Loc::Fact(vn), Content::Fact(old)));
        }
    }

    /// Starts a region that can be undone or joined.
    pub(crate) fn mark(&mut self) -> Mark {
        self.last_epoch += 1;
        let mark = Mark {
            epoch: self.last_epoch,
            trail: self.trail.len(),
            cells: u32::try_from(self.cells.len()).unwrap_or(u32::MAX),
            objs: u32::try_from(self.objs.len()).unwrap_or(u32::MAX),
        };
        self.marks.push(mark);
        mark
    }

    /// Whether `mark` is the innermost one that is open.
    pub(crate) fn is_innermost(&self, mark: Mark) -> bool {
        self.marks.last().is_some_and(|last| last.epoch == mark.epoch)
    }

    /// Whether since `mark` only younger cells and objects were written; facts may have been learnt.
    pub(crate) fn is_pure(&self, mark: Mark) -> bool {
        self.trail[mark.trail..].iter().all(|(loc, _)| mark.is_younger(*loc))
    }

    /// Values that something was learnt about since `mark`, with what was known of them then.
    pub(crate) fn learnt(&self, mark: Mark) -> FxHashMap<Vn, Option<Rc<Fact>>> {
        let mut before = FxHashMap::default();
        for (loc, content) in &self.trail[mark.trail..] {
            if let (Loc::Fact(vn), Content::Fact(fact)) = (loc, content) {
                before.entry(*vn).or_insert_with(|| fact.clone());
            }
        }
        before
    }

    /// Cells and objects older than `mark` that were written since, with what they held then.
    pub(crate) fn overwritten(&self, mark: Mark) -> Vec<(Loc, Content)> {
        let mut seen = FxHashSet::default();
        let changes = self.trail[mark.trail..].iter();
        changes.filter(|(loc, _)| !mark.is_younger(*loc) && seen.insert(*loc)).cloned().collect()
    }

    /// Whether anything older than `mark` was written since.
    pub(crate) fn is_unchanged(&self, mark: Mark) -> bool {
        self.trail.len() == mark.trail
    }

    /// Locations that were written since `mark`, with what they held: some of them repeatedly, what came first first.
    pub(crate) fn changed(&self, mark: Mark) -> impl Iterator<Item = &(Loc, Content)> {
        self.trail[mark.trail.min(self.trail.len())..].iter()
    }

    /// What changed since `mark`, in its present state; nothing is undone.
    pub(crate) fn snapshot(&self, mark: Mark) -> Snapshot {
        // Things younger than the mark are included: an object made in this region and filled in a branch of it would
        // otherwise lose that branch's writes when the branch is rolled back.
        if self.is_unchanged(mark) {
            return Snapshot::default();
        }
        let mut locs: Vec<Loc> = self.trail[mark.trail.min(self.trail.len())..].iter().map(|(loc, _)| *loc).collect();
        locs.sort_unstable();
        locs.dedup();
        self.copied.set(self.copied.get() + locs.len() as u64);
        Snapshot { changes: locs.into_iter().map(|loc| (loc, self.content(loc))).collect() }
    }

    /// Undoes everything since `mark`; the mark stays open.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        while self.trail.len() > mark.trail {
            let Some((loc, content)) = self.trail.pop() else { break };
            self.restore(loc, content);
        }
    }

    /// How much there is now.
    pub(crate) fn age(&self) -> Age {
        Age {
            cells: u32::try_from(self.cells.len()).unwrap_or(u32::MAX),
            objs: u32::try_from(self.objs.len()).unwrap_or(u32::MAX),
            closures: u32::try_from(self.closures.len()).unwrap_or(u32::MAX),
            vn: self.next_vn,
        }
    }

    fn note_read(&self, loc: Loc) {
        let reads = &mut *self.reads.borrow_mut();
        if !reads.since.is_older(loc) {
            return;
        }
        let (Loc::Cell(CellId(number)) | Loc::Obj(ObjId(number)) | Loc::Fact(number)) = loc;
        let recent = &mut reads.recent[number as usize % RECENT];
        if *recent != (loc, reads.watch) {
            *recent = (loc, reads.watch);
            reads.log.push(loc);
        }
    }

    /// Begins to watch what is read of what is there now.
    pub(crate) fn watch(&self) -> Watch {
        let since = self.age();
        let reads = &mut *self.reads.borrow_mut();
        let watch = Watch { outer: reads.since, outer_watch: reads.watch, start: reads.log.len() };
        reads.since = since;
        reads.last_watch += 1;
        reads.watch = reads.last_watch;
        watch
    }

    /// Ends the innermost watch, whose reads count for the one around it as well. Returns them, sorted, unless nobody asks.
    pub(crate) fn unwatch(&self, watch: Watch, is_asked: bool) -> Vec<Loc> {
        let reads = &mut *self.reads.borrow_mut();
        let inner = reads.since;
        reads.since = watch.outer;
        reads.watch = watch.outer_watch;
        if !is_asked {
            return Vec::new();
        }
        let mut all: Vec<Loc> = reads.log[watch.start..].iter().copied().filter(|loc| inner.is_older(*loc)).collect();
        all.sort_unstable();
        all.dedup();
        reads.log.truncate(watch.start);
        let outer = watch.outer;
        reads.log.extend(all.iter().filter(|loc| outer.is_older(**loc)));
        all
    }

    /// Reads that a call which is not repeated would have made.
    pub(crate) fn note_reads(&self, locs: impl Iterator<Item = Loc>) {
        locs.for_each(|loc| self.note_read(loc));
    }

    /// What a location holds, without counting as a read.
    pub(crate) fn peek(&self, loc: Loc) -> Peek<'_> {
        match loc {
            Loc::Cell(id) => Peek::Cell(&self.cells[id.0 as usize], self.cell_versions[id.0 as usize]),
            Loc::Obj(id) => Peek::Obj(&self.objs[id.0 as usize]),
            Loc::Fact(vn) => Peek::Fact(self.facts.get(&vn)),
        }
    }

    /// Closes the innermost mark and keeps the changes.
    pub(crate) fn release(&mut self, mark: Mark) {
        self.marks.pop();
        let outer = self.marks.last().copied();
        match outer {
            None => self.trail.truncate(mark.trail),
            // Changes to things younger than the outer mark need no undo any more.
            Some(outer) => {
                let mut kept = mark.trail;
                for at in mark.trail..self.trail.len() {
                    let keep = match self.trail[at].0 {
                        Loc::Cell(id) => id.0 < outer.cells,
                        Loc::Obj(id) => id.0 < outer.objs,
                        Loc::Fact(_) => true,
                    };
                    if keep {
                        self.trail.swap(kept, at);
                        kept += 1;
                    }
                }
                self.trail.truncate(kept);
            }
        }
    }

    /// Writes the contents of a snapshot.
    pub(crate) fn apply(&mut self, snapshot: Snapshot) {
        for (loc, content) in snapshot.changes {
            self.write(loc, content);
        }
    }

    pub(crate) fn content(&self, loc: Loc) -> Content {
        match loc {
            Loc::Cell(id) => Content::Cell(self.cells[id.0 as usize].clone(), self.cell_versions[id.0 as usize]),
            Loc::Obj(id) => Content::Obj(self.objs[id.0 as usize].clone()),
            Loc::Fact(vn) => Content::Fact(self.facts.get(&vn).cloned()),
        }
    }

    pub(crate) fn write(&mut self, loc: Loc, content: Content) {
        match (loc, content) {
            (Loc::Cell(id), Content::Cell(value, version)) => self.set_cell_content(id, value, version),
            (Loc::Obj(id), Content::Obj(obj)) => {
                self.note_obj(id);
                self.objs[id.0 as usize] = obj;
            }
            (Loc::Fact(vn), Content::Fact(fact)) => self.set_fact(vn, fact),
            _ => {}
        }
    }

    fn restore(&mut self, loc: Loc, content: Content) {
        match (loc, content) {
            (Loc::Cell(id), Content::Cell(value, version)) => {
                self.cells[id.0 as usize] = value;
                self.cell_versions[id.0 as usize] = version;
                self.cell_stamps[id.0 as usize] = 0;
            }
            (Loc::Obj(id), Content::Obj(obj)) => {
                self.objs[id.0 as usize] = obj;
                self.obj_stamps[id.0 as usize] = 0;
            }
            (Loc::Fact(vn), Content::Fact(Some(fact))) => {
                self.facts.insert(vn, fact);
            }
            (Loc::Fact(vn), Content::Fact(None)) => {
                self.facts.remove(&vn);
            }
            _ => {}
        }
    }

    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.cells.len(), self.objs.len())
    }

    /// The object for the properties of a function, which has none yet.
    pub(crate) fn give_props(&mut self, id: FnId) -> ObjId {
        let props = self.new_obj(Obj::new(ObjKind::Plain));
        self.closures[id.0 as usize].props = Some(props);
        self.with_props.push(id);
        props
    }

    /// Drops cells, objects and closures made since they had the given sizes (after a run was rolled back).
    pub(crate) fn truncate(&mut self, cells: usize, objs: usize, closures: usize, weight: usize) {
        self.weight = weight;
        self.cells.truncate(cells);
        self.cell_versions.truncate(cells);
        self.cell_stamps.truncate(cells);
        self.objs.truncate(objs);
        self.obj_stamps.truncate(objs);
        self.closures.truncate(closures);
        // Functions that stay lose the properties that they were given since.
        while let Some(id) = self.with_props.last().copied() {
            match self.closures.get_mut(id.0 as usize) {
                Some(closure) if closure.props.is_some_and(|props| (props.0 as usize) < objs) => break,
                Some(closure) => closure.props = None,
                None => {}
            }
            self.with_props.pop();
        }
    }
}

/// Joins two contents of one location, with the facts of either path folded into values that differ.
pub(crate) fn is_same(a: &Val, b: &Val) -> bool {
    if a.vn != b.vn || a.taint != b.taint {
        return false;
    }
    if a.vn != 0 {
        return true;
    }
    match (&a.kind, &b.kind) {
        (Kind::Undefined, Kind::Undefined) | (Kind::Null, Kind::Null) => true,
        (Kind::Unknown, Kind::Unknown) => a.text.is_none() && b.text.is_none(),
        (Kind::Bool(x), Kind::Bool(y)) => x == y && a.cond.is_none() && b.cond.is_none(),
        (Kind::Num(x), Kind::Num(y)) => x == y,
        (Kind::Obj(x), Kind::Obj(y)) => x == y,
        (Kind::Fn(x), Kind::Fn(y)) => x == y,
        (Kind::Module(x), Kind::Module(y)) => x == y,
        (Kind::Api(x, m), Kind::Api(y, n)) => x == y && m == n,
        (Kind::Str, Kind::Str) => match (&a.text, &b.text) {
            (Some(x), Some(y)) => Rc::ptr_eq(x, y) || (a.literal().is_some() && a.literal() == b.literal()),
            (None, None) => true,
            _ => false,
        },
        (Kind::Union(x), Kind::Union(y)) => Rc::ptr_eq(x, y),
        (Kind::Schema(x), Kind::Schema(y)) => Rc::ptr_eq(x, y),
        (Kind::Regex(x), Kind::Regex(y)) => Rc::ptr_eq(x, y),
        _ => false,
    }
}
