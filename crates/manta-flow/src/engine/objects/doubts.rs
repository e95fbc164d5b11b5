//! What may be in an object or not, where paths met that differ in it.

use std::collections::BTreeSet;
use std::rc::Rc;

use manta_core::Span;

use crate::engine::facts::{Cond, Refinements};
use crate::engine::interp::Interp;
use crate::engine::interp::branching::learnt;
use crate::engine::store::{Doubts, Obj, ObjKind, Snapshot};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// Most texts of a list that are told apart.
const MOST_TEXTS: usize = 64;

fn is_list(obj: &Obj) -> bool {
    matches!(obj.kind, ObjKind::Array | ObjKind::Set)
}

impl Interp<'_> {
    /// Whether there is anything in a list, set or table, and what that tells; none where nothing is known of it.
    pub(crate) fn holds_any(&self, id: ObjId) -> Option<Val> {
        if let Some(evidence) = self.evidence.get(&id) {
            return Some(self.bool_with(None, evidence.clone()));
        }
        self.holds_any_inside(self.store.obj(id))
    }

    /// Whether there is anything in a value, where it is a collection.
    pub(crate) fn value_holds_any(&self, value: &Val) -> Option<Val> {
        match value.kind {
            Kind::Obj(id) => self.holds_any(id),
            _ => None,
        }
    }

    fn holds_any_inside(&self, obj: &Obj) -> Option<Val> {
        if let Some(cond) = obj.doubts.as_deref().and_then(|doubts| doubts.is_filled.as_ref()) {
            return Some(self.bool_with(None, cond.clone()));
        }
        let is_collection =
            matches!(obj.kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array | ObjKind::Set | ObjKind::Map);
        match obj.size() {
            _ if !is_collection || obj.is_configured => None,
            0 if obj.any.is_none() && obj.more.is_none() => Some(Val::bool(false)),
            0 => None,
            _ => Some(Val::bool(true)),
        }
    }

    /// What it tells that a collection has something in it, where it may have nothing.
    pub(crate) fn open_cond(&self, id: ObjId) -> Option<&Cond> {
        let of_paths = || self.store.obj(id).doubts.as_deref().and_then(|doubts| doubts.is_filled.as_ref());
        self.evidence.get(&id).or_else(of_paths)
    }

    /// The same of a list that paths left differently, and not of what passed a test.
    pub(crate) fn open_list(&self, list: &Val) -> Option<Cond> {
        match list.kind {
            Kind::Obj(id) => self.store.obj(id).doubts.as_deref()?.is_filled.clone(),
            _ => None,
        }
    }

    /// How many are in a collection, where that is open and tells something.
    pub(crate) fn doubtful_length(&self, id: ObjId) -> Option<Val> {
        let cond = Rc::new(self.open_cond(id)?.clone());
        // A length has a text, a position has none.
        Some(Val { cond: Some(cond), text: Some(Rc::default()), ..Val::of(Kind::Num(None)) })
    }

    /// An element of a list that may be empty. The first is there where any is.
    pub(crate) fn maybe_element(&mut self, element: Val, filled: &Cond, is_first: bool) -> Val {
        let joined = self.join(&Val::undefined(), &element);
        let is_sure = element.truth() == Some(true) || matches!(element.kind, Kind::Obj(_));
        let cond = match is_first && is_sure {
            true => filled.clone(),
            false => Cond { when_false: Vec::new(), ..filled.clone() },
        };
        Val { cond: (!cond.is_trivial()).then(|| Rc::new(cond)), ..joined }
    }

    /// What a method answers for a list that may be empty.
    pub(crate) fn answer_of_maybe(&mut self, name: &str, answer: Val, filled: &Cond) -> Val {
        let own = answer.cond.as_deref().cloned().unwrap_or_default();
        match name {
            "some" => self.bool_with(answer.truth().filter(|truth| !truth), filled.and(&own)),
            "every" => self.bool_with(answer.truth().filter(|truth| *truth), filled.not().or(&own)),
            "find" | "findLast" => self.maybe_element(answer, &filled.and(&own), true),
            _ => answer,
        }
    }

    /// Whether an object has a field, where that is known or tells something.
    pub(crate) fn has_field(&self, obj: &Obj, name: Symbol) -> Option<Val> {
        let doubt = obj.doubts.as_deref().and_then(|doubts| doubts.has.iter().find(|(of, _)| *of == name));
        if let Some((_, cond)) = doubt {
            return Some(self.bool_with(None, cond.clone()));
        }
        match obj.fields.contains_key(&name) {
            true => Some(Val::bool(true)),
            false if obj.any.is_none() => Some(Val::bool(false)),
            false => None,
        }
    }

    /// Whether a list or set has this text as an element, where that is known or tells something.
    fn has_element(&self, obj: &Obj, text: Symbol) -> Option<Val> {
        let doubt = obj.doubts.as_deref().and_then(|doubts| doubts.has.iter().find(|(of, _)| *of == text));
        if let Some((_, cond)) = doubt {
            return Some(self.bool_with(None, cond.clone()));
        }
        match obj.items.iter().any(|item| item.literal() == Some(text.as_str())) {
            true => Some(Val::bool(true)),
            false if obj.more.is_none() => Some(Val::bool(false)),
            false => None,
        }
    }

    /// Whether a text is in a collection, where it is in there on some paths only.
    pub(crate) fn doubt_of_element(&mut self, collection: &Val, text: &str, span: Span) -> Option<Val> {
        match &collection.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj(*id);
                let doubts = obj.doubts.as_deref().filter(|_| is_list(obj))?;
                let told = self.has_element(obj, Symbol::new(text)).filter(|has| has.truth().is_none());
                told.or_else(|| doubts.is_filled.is_some().then(Val::any_bool))
            }
            // One list or another.
            Kind::Union(lists) => {
                let answers: Vec<Val> =
                    lists.clone().iter().map(|list| self.membership(&Val::str(text), list, span)).collect();
                self.join_all(answers)
            }
            _ => None,
        }
    }

    /// What is in doubt of an object that two paths left differently.
    pub(crate) fn doubts_of_joined(
        &self,
        (a, paths_a): (&Obj, &[Snapshot]),
        (b, path_b): (&Obj, &Snapshot),
    ) -> Option<Rc<Doubts>> {
        let mut facts = None;
        let mut told = |one: Option<Val>, other: Option<Val>| match (one, other) {
            (Some(one), Some(other)) if one.truth().is_none() || one.truth() != other.truth() => {
                let facts = facts.get_or_insert_with(|| learnt(paths_a, path_b));
                Some(self.outcome_cond(&[one, other], facts).unwrap_or_default())
            }
            _ => None,
        };
        let is_filled = told(self.holds_any_inside(a), self.holds_any_inside(b));
        let is_record = |obj: &Obj| matches!(obj.kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Map);
        let mut has: Vec<(Symbol, Cond)> = Vec::new();
        if is_record(a) && is_record(b) {
            for name in a.fields.keys().chain(b.fields.keys().filter(|name| !a.fields.contains_key(*name))) {
                has.extend(told(self.has_field(a, *name), self.has_field(b, *name)).map(|cond| (*name, cond)));
            }
        }
        if is_list(a) && is_list(b) {
            let texts =
                |obj: &Obj| obj.items.iter().take(MOST_TEXTS).filter_map(Val::literal).map(Symbol::new).collect();
            let (ours, theirs): (BTreeSet<Symbol>, BTreeSet<Symbol>) = (texts(a), texts(b));
            let in_doubt = a.doubts.iter().chain(&b.doubts).flat_map(|doubts| doubts.has.iter().map(|(text, _)| text));
            let open: BTreeSet<Symbol> = ours.symmetric_difference(&theirs).chain(in_doubt).copied().collect();
            for text in open {
                has.extend(told(self.has_element(a, text), self.has_element(b, text)).map(|cond| (text, cond)));
            }
        }
        // How many there are is in doubt where nothing else is.
        let is_uncounted = a.is_sequence() && a.items.len() != b.items.len();
        (is_filled.is_some() || is_uncounted || !has.is_empty()).then(|| Rc::new(Doubts { is_filled, has }))
    }

    /// The same of the fields of records that became one.
    pub(crate) fn doubts_of_records(&self, records: &[Rc<Obj>], facts: &[Refinements]) -> Option<Rc<Doubts>> {
        let mut has: Vec<(Symbol, Cond)> = Vec::new();
        for name in records.iter().flat_map(|record| record.fields.keys()) {
            if has.iter().any(|(known, _)| known == name) {
                continue;
            }
            let there: Option<Vec<Val>> = records.iter().map(|record| self.has_field(record, *name)).collect();
            let Some(there) = there else { continue };
            if there.iter().any(|there| there.truth() != Some(true)) {
                has.push((*name, self.outcome_cond(&there, facts).unwrap_or_default()));
            }
        }
        (!has.is_empty()).then(|| Rc::new(Doubts { is_filled: None, has }))
    }

    /// Notes that something is in a collection for certain now, under a name if it is a record.
    pub(crate) fn fill(&mut self, id: ObjId, name: Option<Symbol>) {
        if let Some(doubts) = self.store.obj(id).doubts.clone() {
            let has: Vec<_> = doubts.has.iter().filter(|(of, _)| Some(*of) != name).cloned().collect();
            self.store.obj_mut(id).doubts = Some(Rc::new(Doubts { is_filled: None, has }));
        }
    }

    /// Notes that something was taken out of a list, so that it tells nothing any more whether it is empty.
    pub(crate) fn take_out(&mut self, id: ObjId) {
        if self.evidence.contains_key(&id) {
            self.evidence.insert(id, Cond::default());
        }
        let doubts = Doubts { is_filled: Some(Cond::default()), has: Vec::new() };
        self.store.obj_mut(id).doubts = Some(Rc::new(doubts));
    }

    /// A field of one object, copied to another. What may be missing there leaves what is here, or is in doubt here too.
    pub(crate) fn copied_field(&mut self, from: &Obj, into: ObjId, name: Symbol, value: Val) -> Val {
        let doubt = from.doubts.as_deref().and_then(|doubts| doubts.has.iter().find(|(of, _)| *of == name)).cloned();
        let Some(doubt) = doubt else {
            self.fill(into, Some(name));
            return value;
        };
        let before = self.store.obj(into).fields.get(&name).cloned();
        if let Some(before) = before {
            let there = from.where_there(name, &value).into_owned();
            return self.join(&before, &there);
        }
        let mut doubts = self.store.obj(into).doubts.as_deref().cloned().unwrap_or_default();
        doubts.has.push(doubt);
        self.store.obj_mut(into).doubts = Some(Rc::new(doubts));
        value
    }

    /// Notes that a collection has what is in several, each of which may be empty.
    pub(crate) fn fill_from(&mut self, id: ObjId, several: &[Option<Val>]) {
        let is_open = |filled: &Option<Val>| filled.as_ref().is_some_and(|filled| filled.truth().is_none());
        let is_there = |filled: &Option<Val>| filled.as_ref().is_some_and(|filled| filled.truth() == Some(true));
        if several.iter().any(is_there) || !several.iter().any(is_open) {
            return;
        }
        let not_empty = several.iter().filter(|filled| filled.as_ref().is_none_or(|filled| filled.truth().is_none()));
        let conds = not_empty.map(|filled| filled.as_ref().and_then(|filled| filled.cond.as_deref().cloned()));
        let is_filled = conds.map(Option::unwrap_or_default).reduce(|one, other| one.or(&other));
        self.store.obj_mut(id).doubts = Some(Rc::new(Doubts { is_filled, has: Vec::new() }));
    }

    /// A list of what is in another collection.
    pub(crate) fn filled_array(&mut self, items: Vec<Val>, more: Option<Val>, filled: Option<Val>) -> Val {
        let list = self.new_array(items, more);
        if let Kind::Obj(id) = list.kind {
            self.fill_from(id, &[filled]);
        }
        list
    }
}
