//! The abstract store: variables, heap objects and facts, with a trail.
//!
//! Branches need the state as it was before them, and joins need to know what each branch changed. Copying the store
//! would cost its size at every `if`; instead every write notes the old content on a trail. Leaving a branch collects
//! the changed locations into a [`Snapshot`] and rolls the trail back; joining writes the joined contents. The cost of
//! a branch is what it wrote.

use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::engine::facts::Fact;
use crate::engine::value::{CellId, FnId, Kind, ModId, ObjId, Val, Vn};
use crate::ir::{ClassId, FuncId, Symbol};

/// A heap object.
#[derive(Clone, Debug)]
pub(crate) struct Obj {
    pub(crate) kind: ObjKind,
    /// Named fields or dict keys, in insertion order.
    pub(crate) fields: IndexMap<Symbol, Val>,
    /// What fields not in `fields` may hold; none: they are absent.
    pub(crate) any: Option<Val>,
    /// Elements of a sequence, while known exactly.
    pub(crate) items: Vec<Val>,
    /// Sequence elements whose position is unknown.
    pub(crate) more: Option<Val>,
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
    /// Methods, accessors (instance side), by name.
    pub(crate) methods: IndexMap<Symbol, Val>,
    /// Names in `methods` that receive the class.
    pub(crate) class_methods: Vec<Symbol>,
    /// Instance field initialisers in order.
    pub(crate) field_inits: Vec<(Symbol, Option<FnId>)>,
}

impl Obj {
    pub(crate) fn new(kind: ObjKind) -> Self {
        Self { kind, fields: IndexMap::new(), any: None, items: Vec::new(), more: None }
    }

    pub(crate) fn array(items: Vec<Val>) -> Self {
        Self { items, ..Self::new(ObjKind::Array) }
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
    Cell(Val),
    Obj(Rc<Obj>),
    Fact(Option<Rc<Fact>>),
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

/// A point to which the store can be rolled back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    trail: usize,
    cells: u32,
    objs: u32,
}

/// How much the store held at some time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    cells: u32,
    objs: u32,
    vn: Vn,
}

impl Extent {
    /// Whether a snapshot changes nothing, and says nothing, of what existed then.
    pub(crate) fn is_unchanged_by(self, end: &Snapshot) -> bool {
        end.changes.iter().all(|(loc, _)| match loc {
            Loc::Cell(id) => id.0 >= self.cells,
            Loc::Obj(id) => id.0 >= self.objs,
            Loc::Fact(vn) => *vn > self.vn && *vn != Vn::MAX,
        })
    }
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct Store {
    cells: Vec<Val>,
    objs: Vec<Rc<Obj>>,
    pub(crate) closures: Vec<Closure>,
    facts: HashMap<Vn, Rc<Fact>>,
    trail: Vec<(Loc, Content)>,
    marks: Vec<Mark>,
    next_vn: Vn,
}

impl Store {
    pub(crate) fn fresh_vn(&mut self) -> Vn {
        self.next_vn += 1;
        self.next_vn
    }

    pub(crate) fn new_cell(&mut self, value: Val) -> CellId {
        self.cells.push(value);
        CellId(u32::try_from(self.cells.len() - 1).expect("fuel ends a run long before 2^32 cells"))
    }

    pub(crate) fn cell(&self, id: CellId) -> &Val {
        &self.cells[id.0 as usize]
    }

    pub(crate) fn set_cell(&mut self, id: CellId, value: Val) {
        let old = std::mem::replace(&mut self.cells[id.0 as usize], value);
        if self.marks.last().is_some_and(|mark| id.0 < mark.cells) {
            self.trail.push((Loc::Cell(id), Content::Cell(old)));
        }
    }

    pub(crate) fn new_obj(&mut self, obj: Obj) -> ObjId {
        self.objs.push(Rc::new(obj));
        ObjId(u32::try_from(self.objs.len() - 1).expect("fuel ends a run long before 2^32 objects"))
    }

    pub(crate) fn obj(&self, id: ObjId) -> &Obj {
        &self.objs[id.0 as usize]
    }

    pub(crate) fn obj_rc(&self, id: ObjId) -> Rc<Obj> {
        self.objs[id.0 as usize].clone()
    }

    pub(crate) fn obj_mut(&mut self, id: ObjId) -> &mut Obj {
        if self.marks.last().is_some_and(|mark| id.0 < mark.objs) {
            self.trail.push((Loc::Obj(id), Content::Obj(self.objs[id.0 as usize].clone())));
        }
        Rc::make_mut(&mut self.objs[id.0 as usize])
    }

    pub(crate) fn new_closure(&mut self, closure: Closure) -> FnId {
        self.closures.push(closure);
        FnId(u32::try_from(self.closures.len() - 1).expect("fuel ends a run long before 2^32 closures"))
    }

    pub(crate) fn closure(&self, id: FnId) -> &Closure {
        &self.closures[id.0 as usize]
    }

    pub(crate) fn fact(&self, vn: Vn) -> Option<&Rc<Fact>> {
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
        let mark = Mark {
            trail: self.trail.len(),
            cells: u32::try_from(self.cells.len()).unwrap_or(u32::MAX),
            objs: u32::try_from(self.objs.len()).unwrap_or(u32::MAX),
        };
        self.marks.push(mark);
        mark
    }

    /// What changed since `mark`, in its present state; nothing is undone.
    pub(crate) fn snapshot(&self, mark: Mark) -> Snapshot {
        // Things younger than the mark are included: an object made in this region and filled in a branch of it would
        // otherwise lose that branch's writes when the branch is rolled back.
        let mut locs: Vec<Loc> = self.trail[mark.trail.min(self.trail.len())..].iter().map(|(loc, _)| *loc).collect();
        locs.sort_unstable();
        locs.dedup();
        Snapshot { changes: locs.into_iter().map(|loc| (loc, self.content(loc))).collect() }
    }

    /// Undoes everything since `mark`; the mark stays open.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        while self.trail.len() > mark.trail {
            let Some((loc, content)) = self.trail.pop() else { break };
            self.restore(loc, content);
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
            Loc::Cell(id) => Content::Cell(self.cell(id).clone()),
            Loc::Obj(id) => Content::Obj(self.obj_rc(id)),
            Loc::Fact(vn) => Content::Fact(self.facts.get(&vn).cloned()),
        }
    }

    pub(crate) fn write(&mut self, loc: Loc, content: Content) {
        match (loc, content) {
            (Loc::Cell(id), Content::Cell(value)) => self.set_cell(id, value),
            (Loc::Obj(id), Content::Obj(obj)) => {
                if self.marks.last().is_some_and(|mark| id.0 < mark.objs) {
                    self.trail.push((loc, Content::Obj(self.objs[id.0 as usize].clone())));
                }
                self.objs[id.0 as usize] = obj;
            }
            (Loc::Fact(vn), Content::Fact(fact)) => self.set_fact(vn, fact),
            _ => {}
        }
    }

    fn restore(&mut self, loc: Loc, content: Content) {
        match (loc, content) {
            (Loc::Cell(id), Content::Cell(value)) => self.cells[id.0 as usize] = value,
            (Loc::Obj(id), Content::Obj(obj)) => self.objs[id.0 as usize] = obj,
            (Loc::Fact(vn), Content::Fact(Some(fact))) => {
                self.facts.insert(vn, fact);
            }
            (Loc::Fact(vn), Content::Fact(None)) => {
                self.facts.remove(&vn);
            }
            _ => {}
        }
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent {
            cells: u32::try_from(self.cells.len()).unwrap_or(u32::MAX),
            objs: u32::try_from(self.objs.len()).unwrap_or(u32::MAX),
            vn: self.next_vn,
        }
    }

    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.cells.len(), self.objs.len())
    }

    /// Drops cells, objects and closures made since they had the given sizes (after a run was rolled back).
    pub(crate) fn truncate(&mut self, cells: usize, objs: usize, closures: usize) {
        self.cells.truncate(cells);
        self.objs.truncate(objs);
        self.closures.truncate(closures);
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
