//! What a call made, and how it is made anew.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::MAX_MADE;
use super::alike::values;
use crate::engine::facts::{Cond, Refinements};
use crate::engine::interp::Interp;
use crate::engine::store::{Age, Closure, Content, Doubts, Loc, Mark, Obj, ObjKind, Peek};
use crate::engine::value::{CellId, FnId, Kind, ObjId, Part, StepId, Text, Val, Vn};

/// What a call made and its result reaches, as it was when the call returned.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) objs: Vec<(ObjId, Rc<Obj>)>,
    /// Variables that functions among it share with the call that made them, with their versions.
    pub(super) cells: Vec<(CellId, Val, u32)>,
    /// With what they hold: the store forgets them after the run.
    pub(super) closures: Vec<(FnId, Closure)>,
}

/// What was there before a call.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) age: Age,
}

/// Other names for what is in a value: the copies of what a call made, by what they are copies of.
#[derive(Default)]
pub(super) struct Copies {
    pub(super) objs: FxHashMap<ObjId, ObjId>,
    pub(super) cells: FxHashMap<CellId, CellId>,
    pub(super) closures: FxHashMap<FnId, FnId>,
    pub(super) vns: FxHashMap<Vn, Vn>,
    pub(super) steps: FxHashMap<StepId, StepId>,
}

impl Made {
    pub(super) fn is_empty(&self) -> bool {
        self.objs.is_empty() && self.closures.is_empty() && self.cells.is_empty()
    }

    /// Every value in it.
    pub(super) fn values(&self) -> impl Iterator<Item = &Val> {
        let held = self.closures.iter().flat_map(|(_, closure)| held(closure));
        self.objs
            .iter()
            .flat_map(|(_, obj)| values(obj))
            .chain(self.cells.iter().map(|(_, value, _)| value))
            .chain(held)
    }

    /// Whether nothing in it refers to anything else that a run made.
    pub(super) fn is_of_old(&self, old: Age) -> bool {
        let is_old_cell = |id: &CellId| old.is_older(Loc::Cell(*id)) || self.has_cell(*id);
        self.values().all(|value| is_old(value, old, self))
            && self.closures.iter().all(|(_, closure)| closure.captures.iter().all(is_old_cell))
    }

    pub(super) fn has_obj(&self, id: ObjId) -> bool {
        self.objs.iter().any(|(known, _)| *known == id)
    }

    pub(super) fn has_cell(&self, id: CellId) -> bool {
        self.cells.iter().any(|(known, ..)| *known == id)
    }

    pub(super) fn has_closure(&self, id: FnId) -> bool {
        self.closures.iter().any(|(known, _)| *known == id)
    }

    fn len(&self) -> usize {
        self.objs.len() + self.cells.len() + self.closures.len()
    }
}

impl Interp<'_> {
    pub(super) fn is_instance(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Obj(id) => matches!(self.store.obj(id).kind, ObjKind::Instance(_) | ObjKind::External),
            _ => false,
        }
    }

    /// What is different now from what it was when the call that made it returned.
    pub(super) fn changed(&self, made: &Made) -> Vec<(Loc, Content)> {
        let objs = made.objs.iter().filter_map(|(id, obj)| match self.store.peek(Loc::Obj(*id)) {
            Peek::Obj(now) if Rc::ptr_eq(now, obj) => None,
            _ => Some((Loc::Obj(*id), Content::Obj(obj.clone()))),
        });
        let cells = made.cells.iter().filter_map(|(id, value, version)| match self.store.peek(Loc::Cell(*id)) {
            Peek::Cell(_, now) if now == *version => None,
            _ => Some((Loc::Cell(*id), Content::Cell(value.clone(), *version))),
        });
        objs.chain(cells).collect()
    }

    /// A copy of a value and of what it reaches, which is returned as well.
    pub(super) fn make_anew(&mut self, value: &Val, made: &Made, is_this_run: bool) -> (Val, Made) {
        let mut copies = Copies::default();
        self.copy_made(made, &mut copies);
        // Numbers of objects are given out anew in every run.
        for (before, _) in made.objs.iter().filter(|_| is_this_run) {
            let now = copies.objs[before];
            if let Some(evidence) = self.evidence.get(before).cloned() {
                self.evidence.insert(now, evidence);
            }
            if let Some(at) = self.found.opened.get(before).copied() {
                self.found.opened.insert(now, at);
            }
        }
        let value = copies.renamed(value);
        let cells = made.cells.iter().map(|(before, ..)| {
            let now = copies.cells[before];
            match self.store.peek(Loc::Cell(now)) {
                Peek::Cell(value, version) => (now, value.clone(), version),
                _ => (now, Val::unknown(), 0),
            }
        });
        let anew = Made {
            cells: cells.collect(),
            objs: made.objs.iter().map(|(id, _)| (copies.objs[id], self.store.obj_rc(copies.objs[id]))).collect(),
            closures: made.closures.iter().map(|(id, _)| self.closure_of_copy(&copies, *id)).collect(),
        };
        (value, anew)
    }

    /// Copies what a call made, and gives the copies as names.
    pub(super) fn copy_made(&mut self, made: &Made, copies: &mut Copies) {
        for (id, obj) in &made.objs {
            copies.objs.insert(*id, self.store.new_obj((**obj).clone()));
        }
        for (id, value, _) in &made.cells {
            copies.cells.insert(*id, self.store.new_cell(value.clone()));
        }
        for (id, closure) in &made.closures {
            copies.closures.insert(*id, self.store.new_closure(closure.clone()));
        }
        let copies = &*copies;
        let renamed = |value: &Val| copies.renamed(value);
        for (before, _) in &made.closures {
            let closure = &mut self.store.closures[copies.closures[before].0 as usize];
            closure.captures = closure.captures.iter().map(|cell| copies.cell(*cell)).collect();
            closure.this = closure.this.as_ref().map(renamed);
            closure.bound = closure.bound.iter().map(renamed).collect();
            closure.bound_named = closure.bound_named.iter().map(|(name, value)| (*name, renamed(value))).collect();
            closure.home = closure.home.map(|class| copies.obj(class));
        }
        for (before, value, _) in &made.cells {
            self.store.set_cell(copies.cells[before], renamed(value));
        }
        for (before, _) in &made.objs {
            copies.rename_inside(self.store.obj_mut(copies.objs[before]));
        }
    }

    fn closure_of_copy(&self, copies: &Copies, id: FnId) -> (FnId, Closure) {
        let id = copies.closure(id);
        (id, self.store.closure(id).clone())
    }

    /// What a value reaches that is younger than `entry`; none when there is too much of it, or a class.
    pub(super) fn collect_made(&self, value: &Val, entry: Entry, made: &mut Made) -> Option<()> {
        match &value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) => {
                if !entry.mark.is_younger(Loc::Obj(*id)) || made.has_obj(*id) {
                    return Some(());
                }
                let obj = self.store.obj_rc(*id);
                if made.len() >= MAX_MADE || matches!(obj.kind, ObjKind::Class(_)) {
                    return None;
                }
                if let ObjKind::Instance(class) = obj.kind
                    && entry.mark.is_younger(Loc::Obj(class))
                {
                    return None;
                }
                made.objs.push((*id, obj.clone()));
                values(&obj).try_for_each(|value| self.collect_made(value, entry, made))
            }
            Kind::Fn(id) => self.collect_closure(*id, entry, made),
            Kind::Accessor(get, set) => get.iter().chain(set).try_for_each(|id| self.collect_closure(*id, entry, made)),
            Kind::Resolver(id) => self.collect_cell(*id, entry, made),
            Kind::Bound(bound) => {
                self.collect_made(&bound.0, entry, made)?;
                self.collect_made(&bound.1, entry, made)
            }
            Kind::Method(method) => self.collect_made(&method.0, entry, made),
            Kind::Union(values) => values.iter().try_for_each(|value| self.collect_made(value, entry, made)),
            _ => Some(()),
        }
    }

    fn collect_closure(&self, id: FnId, entry: Entry, made: &mut Made) -> Option<()> {
        if entry.age.is_older_closure(id) || made.has_closure(id) {
            return Some(());
        }
        let closure = self.store.closure(id);
        let is_of_younger = closure.home.is_some_and(|class| entry.mark.is_younger(Loc::Obj(class)));
        if made.len() >= MAX_MADE || is_of_younger || closure.props.is_some() {
            return None;
        }
        made.closures.push((id, closure.clone()));
        closure.captures.iter().try_for_each(|cell| self.collect_cell(*cell, entry, made))?;
        held(closure).try_for_each(|value| self.collect_made(value, entry, made))
    }

    fn collect_cell(&self, id: CellId, entry: Entry, made: &mut Made) -> Option<()> {
        if !entry.mark.is_younger(Loc::Cell(id)) || made.has_cell(id) {
            return Some(());
        }
        if made.len() >= MAX_MADE {
            return None;
        }
        let Peek::Cell(value, version) = self.store.peek(Loc::Cell(id)) else { return None };
        made.cells.push((id, value.clone(), version));
        self.collect_made(value, entry, made)
    }
}

/// Values that a function holds beside its variables.
pub(super) fn held(closure: &Closure) -> impl Iterator<Item = &Val> {
    closure.this.iter().chain(closure.bound.iter()).chain(closure.bound_named.iter().map(|(_, value)| value))
}

/// Whether a value refers to nothing that a run made, but for what a call made itself.
pub(super) fn is_old(value: &Val, old: Age, made: &Made) -> bool {
    let is_old_closure = |id: &FnId| old.is_older_closure(*id) || made.has_closure(*id);
    match &value.kind {
        Kind::Obj(id) | Kind::Api(_, Some(id)) => old.is_older(Loc::Obj(*id)) || made.has_obj(*id),
        Kind::Fn(id) => is_old_closure(id),
        Kind::Accessor(get, set) => get.iter().chain(set).all(is_old_closure),
        Kind::Resolver(id) => old.is_older(Loc::Cell(*id)) || made.has_cell(*id),
        Kind::Bound(bound) => is_old(&bound.0, old, made) && is_old(&bound.1, old, made),
        Kind::Method(method) => is_old(&method.0, old, made),
        Kind::Union(values) => values.iter().all(|value| is_old(value, old, made)),
        _ => true,
    }
}

impl Copies {
    pub(super) fn obj(&self, id: ObjId) -> ObjId {
        self.objs.get(&id).copied().unwrap_or(id)
    }

    fn cell(&self, id: CellId) -> CellId {
        self.cells.get(&id).copied().unwrap_or(id)
    }

    fn closure(&self, id: FnId) -> FnId {
        self.closures.get(&id).copied().unwrap_or(id)
    }

    pub(super) fn vn(&self, vn: Vn) -> Vn {
        self.vns.get(&vn).copied().unwrap_or(vn)
    }

    pub(super) fn loc(&self, loc: Loc) -> Loc {
        match loc {
            Loc::Cell(id) => Loc::Cell(self.cell(id)),
            Loc::Obj(id) => Loc::Obj(self.obj(id)),
            Loc::Fact(vn) => Loc::Fact(self.vn(vn)),
        }
    }

    pub(super) fn renamed(&self, value: &Val) -> Val {
        let mut value = value.clone();
        self.rename(&mut value);
        value
    }

    /// Points what an object holds at copies.
    pub(super) fn rename_inside(&self, obj: &mut Obj) {
        let inside = obj.fields.values_mut().chain(&mut obj.any).chain(&mut obj.items).chain(&mut obj.more);
        inside.for_each(|value| self.rename(value));
        if let ObjKind::Instance(class) = &mut obj.kind {
            *class = self.obj(*class);
        }
        if let Some(doubts) = &obj.doubts {
            let is_filled = doubts.is_filled.as_ref().map(|cond| self.renamed_cond(cond));
            let has = doubts.has.iter().map(|(name, cond)| (*name, self.renamed_cond(cond))).collect();
            obj.doubts = Some(Rc::new(Doubts { is_filled, has }));
        }
    }

    /// Points a value at copies.
    fn rename(&self, value: &mut Val) {
        match &mut value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) => *id = self.obj(*id),
            Kind::Fn(id) => *id = self.closure(*id),
            Kind::Accessor(get, set) => {
                get.iter_mut().chain(set).for_each(|id| *id = self.closure(*id));
            }
            Kind::Resolver(id) => *id = self.cell(*id),
            Kind::Bound(bound) => *bound = Rc::new((self.renamed(&bound.0), self.renamed(&bound.1))),
            Kind::Method(method) => *method = Rc::new((self.renamed(&method.0), method.1)),
            Kind::Union(values) => *values = values.iter().map(|value| self.renamed(value)).collect(),
            _ => {}
        }
        // The way to what a check found to be nobody's is not told, and a later run has no such steps.
        value.step = match value.taint.is_none() {
            true => 0,
            false => self.steps.get(&value.step).copied().unwrap_or(value.step),
        };
        if self.vns.is_empty() && self.steps.is_empty() {
            return;
        }
        value.vn = self.vn(value.vn);
        if let Some(text) = value.text.as_deref().filter(|text| self.concerns(text)) {
            value.text = Some(Rc::new(self.renamed_text(text)));
        }
        if let Some(cond) = &value.cond {
            value.cond = Some(Rc::new(self.renamed_cond(cond)));
        }
    }

    pub(super) fn renamed_cond(&self, cond: &Cond) -> Cond {
        let renamed = |all: &Refinements| {
            let mut all: Refinements = all.iter().map(|(vn, fact)| (self.vn(*vn), fact.clone())).collect();
            all.sort_unstable_by_key(|(vn, _)| *vn);
            all
        };
        let (when_true, when_false) = (renamed(&cond.when_true), renamed(&cond.when_false));
        Cond { when_true, when_false, by_default: cond.by_default }
    }

    /// Whether a text refers to other values.
    fn concerns(&self, text: &Text) -> bool {
        text.base.is_some() || text.parts.iter().any(|part| matches!(part, Part::Hole(_)))
    }

    fn renamed_text(&self, text: &Text) -> Text {
        let parts: Vec<Part> = text
            .parts
            .iter()
            .map(|part| match part {
                Part::Lit(text) => Part::Lit(text.clone()),
                Part::Hole(hole) => Part::Hole(self.renamed(hole)),
            })
            .collect();
        Text { parts: parts.into(), base: text.base.map(|(vn, how)| (self.vn(vn), how)), ..text.clone() }
    }
}
