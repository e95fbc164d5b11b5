//! What collections hold: elements, keys, values, and how more is put in.

use crate::domain::{CharSet, StrProps};
use crate::engine::api::ApiStep;
use crate::engine::facts::Fact;
use crate::engine::interp::{Args, Interp, MAX_UNROLL};
use crate::engine::store::{Obj, ObjKind, is_same};
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};
use manta_core::Span;

/// One list for several of which each has everything that the one before it has, and more in one place
/// (`["build", *rest]` and `["build", "--quiet", *rest]`): the longest. An argument list stays readable that way: a value
/// keeps the option it follows. None when they differ in another way.
pub(super) fn merged_lists<'v>(mut lists: impl Iterator<Item = &'v [Val]>) -> Option<Vec<Val>> {
    let first = lists.next()?.to_vec();
    lists.try_fold(first, |merged, list| {
        let (short, long) = if merged.len() <= list.len() { (&*merged, list) } else { (list, &*merged) };
        let before = short.iter().zip(long).take_while(|(a, b)| is_same(a, b)).count();
        let behind = short[before..].iter().rev().zip(long.iter().rev()).take_while(|(a, b)| is_same(a, b)).count();
        (before + behind == short.len()).then(|| long.to_vec())
    })
}

/// What a loop meets.
pub(crate) struct Rounds {
    /// Known one by one.
    pub(crate) items: Vec<Val>,
    /// One value for any number of others.
    pub(crate) more: Option<Val>,
    /// The items are from lists of which there is one or another, so that not every round comes after the ones before.
    pub(crate) is_of_either: bool,
}

impl Interp<'_> {
    pub(crate) fn push_array(&mut self, id: ObjId, value: Val) {
        if self.store.obj(id).more.is_none() && self.store.obj(id).items.len() < 512 {
            let text = value.literal().filter(|_| self.store.obj(id).doubts.is_some()).map(Symbol::new);
            self.store.obj_mut(id).items.push(value);
            self.fill(id, text);
        } else {
            self.add_more(id, value);
        }
    }

    /// Appends what belongs together. Behind elements of an unknown number the order is forgotten, but the value of an
    /// option (`["--name", name]`) stays one: no operand that could be an option itself.
    pub(crate) fn push_all(&mut self, id: ObjId, values: impl IntoIterator<Item = Val>) {
        let mut is_option_before = false;
        for value in values {
            let is_option = value
                .literal()
                .is_some_and(|word| word.len() > 1 && word.starts_with('-') && word != "--" && !word.contains('='));
            let is_value = is_option_before && self.store.obj(id).more.is_some() && value.is_tainted();
            let value = if is_value { self.without_dash(&value) } else { value };
            self.push_array(id, value);
            is_option_before = is_option;
        }
    }

    /// The text where it cannot be read as an option.
    pub(super) fn without_dash(&self, value: &Val) -> Val {
        let mut props = StrProps::default();
        props.first = props.first.minus(CharSet::of("-"));
        self.refined(value, &Fact::props(props, self.here(Span::default())))
    }

    pub(crate) fn add_more(&mut self, id: ObjId, value: Val) {
        let joined = match self.store.obj(id).more.clone() {
            Some(more) => self.join(&more, &value),
            None => value,
        };
        self.store.obj_mut(id).more = Some(joined);
    }

    pub(crate) fn extend_array(&mut self, id: ObjId, value: &Val, span: Span) {
        let filled = [self.holds_any(id), self.value_holds_any(value)];
        let (items, more) = self.elements_of(value, span);
        self.push_all(id, items);
        if let Some(more) = more {
            self.add_more(id, more);
        }
        self.fill_from(id, &filled);
    }

    /// Whether a value is the text of an input that is followed.
    pub(crate) fn is_witness(&self, value: &Val) -> bool {
        self.found.replay.is_some() && value.is_tainted() && value.literal().is_some()
    }

    /// What iterating a value yields: elements known one by one, then one value for any number of others.
    pub(crate) fn elements_of(&mut self, collection: &Val, span: Span) -> (Vec<Val>, Option<Val>) {
        match &collection.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                match obj.kind {
                    ObjKind::Array | ObjKind::Set => (obj.items.clone(), obj.more.clone()),
                    ObjKind::Dict => self.keys_of(collection),
                    ObjKind::Map => {
                        let pairs: Vec<Val> = obj
                            .fields
                            .iter()
                            .map(|(key, value)| {
                                let pair = vec![Val::str(key.as_str()), value.clone()];
                                self.new_array(pair, None)
                            })
                            .collect();
                        let more = obj.any.clone().map(|any| {
                            let key = Val { taint: any.taint, step: any.step, ..Val::unknown() };
                            self.new_array(vec![key, any], None)
                        });
                        (pairs, more)
                    }
                    ObjKind::Class(_) => (self.enum_members(*id), None),
                    ObjKind::Instance(_) => {
                        let iterator = self.get_member(collection, Symbol::new("__iter__"), span);
                        if let Some(elements) = self.elements_given(collection, &iterator, span) {
                            return elements;
                        }
                        if let Some(collection) = self.collection_in(collection) {
                            return self.elements_of(&collection, span);
                        }
                        (Vec::new(), Some(Val::unknown().tainted_by(collection)))
                    }
                    ObjKind::Plain if obj.fields.contains_key(&Symbol::new("__iter__")) => {
                        let iterator = obj.fields[&Symbol::new("__iter__")].clone();
                        let elements = self.elements_given(collection, &iterator, span);
                        elements.unwrap_or_else(|| (Vec::new(), Some(Val::unknown().tainted_by(collection))))
                    }
                    ObjKind::Plain | ObjKind::External => {
                        let more = obj.more.clone().or_else(|| obj.any.clone());
                        (obj.items.clone(), more.or_else(|| Some(Val::unknown().tainted_by(collection))))
                    }
                }
            }
            Kind::Union(values) => {
                let lists: Vec<(Vec<Val>, Option<Val>)> = values
                    .iter()
                    .filter(|value| !value.is_nullish())
                    .map(|value| self.elements_of(value, span))
                    .collect();
                // What all alternatives have in one place stays there: the program of a command line, its options. An
                // empty one (`x if c else []`) moves nothing.
                let lists: Vec<_> =
                    lists.into_iter().filter(|(items, more)| !items.is_empty() || more.is_some()).collect();
                let mores: Vec<Option<&Val>> = lists.iter().map(|(_, more)| more.as_ref()).collect();
                let is_alike = |pair: &[Option<&Val>]| match (pair[0], pair[1]) {
                    (None, None) => true,
                    (Some(a), Some(b)) => is_same(a, b),
                    _ => false,
                };
                if mores.windows(2).all(is_alike)
                    && let Some(merged) = merged_lists(lists.iter().map(|(items, _)| items.as_slice()))
                {
                    return (merged, mores.first().copied().flatten().cloned());
                }
                let common = lists.iter().map(|(items, _)| items.len()).min().unwrap_or(0);
                let mut known = Vec::with_capacity(common);
                for at in 0..common {
                    let column: Vec<Val> = lists.iter().map(|(items, _)| items[at].clone()).collect();
                    known.extend(self.join_all(column));
                }
                let rest = lists.into_iter().flat_map(|(items, more)| items.into_iter().skip(common).chain(more));
                let rest: Vec<Val> = rest.collect();
                (known, self.join_all(rest))
            }
            Kind::Undefined | Kind::Null => (Vec::new(), None),
            Kind::Api(api, _) => {
                let next = self.apis.step(*api, ApiStep::Element);
                let vn = self.element_vn(collection.vn);
                let element =
                    Val { taint: collection.taint, step: collection.step, vn, ..Val::of(Kind::Api(next, None)) };
                (Vec::new(), Some(element))
            }
            Kind::Str => self.characters_of(collection),
            _ => {
                if let (Kind::Unknown, true, Some(asked)) =
                    (&collection.kind, collection.is_tainted(), self.found.asked())
                {
                    asked.is_list = true;
                }
                let vn = self.element_vn(collection.vn);
                let mut element = Val { vn, ..Val::unknown().tainted_by(collection) };
                if element.is_tainted() {
                    let at = self.here(span);
                    element.step = self.trace.add(element.step, at, StepKind::Through("iteration".to_owned()));
                }
                (Vec::new(), Some(element))
            }
        }
    }

    /// What an object's own `__iter__` gives: an iterator, or something with elements.
    fn elements_given(&mut self, object: &Val, iterator: &Val, span: Span) -> Option<(Vec<Val>, Option<Val>)> {
        if !matches!(iterator.kind, Kind::Bound(_) | Kind::Fn(_)) {
            return None;
        }
        let given = self.call_value(iterator, Some(object.clone()), Args::default(), span);
        if let Some(elements) = self.elements_of_iterator(&given, span) {
            return Some(elements);
        }
        let is_itself = matches!((&given.kind, &object.kind), (Kind::Obj(given), Kind::Obj(own)) if given == own);
        if is_itself { None } else { self.inside(|interp| interp.elements_of(&given, span)) }
    }

    /// What an object with a method `next` (Python: `__next__`) gives, any number of times.
    fn elements_of_iterator(&mut self, iterator: &Val, span: Span) -> Option<(Vec<Val>, Option<Val>)> {
        let Kind::Obj(id) = iterator.kind else { return None };
        if !matches!(self.store.obj(id).kind, ObjKind::Plain | ObjKind::Instance(_)) {
            return None;
        }
        let is_python = self.lang() == Lang::Python;
        let next = self.get_member(iterator, Symbol::new(if is_python { "__next__" } else { "next" }), span);
        if !matches!(next.kind, Kind::Bound(_) | Kind::Fn(_)) {
            return None;
        }
        let mut given = Vec::new();
        self.in_branch(|interp| {
            for _ in 0..2 {
                let step = interp.call_value(&next, Some(iterator.clone()), Args::default(), span);
                let value = if is_python { step } else { interp.get_member(&step, Symbol::new("value"), span) };
                given.push(value);
            }
        });
        given.retain(|value| !value.is_nullish());
        // What it gives later is something of what it has.
        let (taint, step) = self.deep_taint(iterator, 3);
        let any =
            self.join_all(given).unwrap_or_else(|| Val { taint, step, vn: self.store.fresh_vn(), ..Val::unknown() });
        Some((Vec::new(), Some(any)))
    }

    /// What a loop meets one by one. Of lists of which there is one or another (`slim ? few : all`), those of objects and
    /// functions come one after the other: each is one of its own (a tool, a route), whatever else stands in its place
    /// in the other list. Texts stay together by their place, which says something in a command line.
    pub(crate) fn rounds_of(&mut self, collection: &Val, span: Span) -> Rounds {
        let (items, more) = self.elements_of(collection, span);
        let whole = Rounds { items, more, is_of_either: false };
        let Kind::Union(lists) = &collection.kind else { return whole };
        let mut all: Vec<Val> = Vec::new();
        let mut open = Vec::new();
        for list in lists.iter().filter(|list| !list.is_nullish()) {
            let (items, more) = self.elements_of(list, span);
            open.extend(more);
            for item in items {
                if !all.iter().any(|known| is_same(known, &item)) {
                    all.push(item);
                }
            }
        }
        let is_definitions = !all.is_empty() && all.iter().all(|item| self.is_definition(item));
        if is_definitions && all.len() <= MAX_UNROLL {
            Rounds { items: all, more: self.join_all(open), is_of_either: true }
        } else {
            whole
        }
    }

    /// Whether a value is known by what it is and not by what it says: an object, a function.
    fn is_definition(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Obj(id) => !self.store.obj(*id).is_sequence(),
            Kind::Fn(_) | Kind::Bound(_) => true,
            Kind::Union(alternatives) => alternatives.iter().all(|value| self.is_definition(value)),
            _ => false,
        }
    }

    /// Property keys.
    pub(crate) fn keys_of(&mut self, value: &Val) -> (Vec<Val>, Option<Val>) {
        match &value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                let keys = obj.fields.keys().map(|key| Val::str(key.as_str())).collect();
                let more = obj.any.as_ref().map(|any| {
                    let vn = self.store.fresh_vn();
                    Val { vn, taint: any.taint, step: any.step, ..Val::with_props(StrProps::default()) }
                });
                (keys, more)
            }
            Kind::Module(module) => {
                let names = self.export_names(*module, 0);
                (names.iter().map(|name| Val::str(name.as_str())).collect(), None)
            }
            Kind::Undefined | Kind::Null => (Vec::new(), None),
            _ => {
                let vn = self.store.fresh_vn();
                (Vec::new(), Some(Val { vn, ..Val::with_props(StrProps::default()) }.tainted_by(value)))
            }
        }
    }

    /// Field values.
    pub(crate) fn values_of(&mut self, value: &Val) -> (Vec<Val>, Option<Val>) {
        match &value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                if obj.is_sequence() {
                    return (obj.items.clone(), obj.more.clone());
                }
                let values = obj.fields.values().cloned().map(|field| self.read_field(field, value, Span::default()));
                let values: Vec<Val> = values.collect();
                (values, obj.any.clone())
            }
            Kind::Module(module) => {
                let module = *module;
                let names = self.export_names(module, 0);
                let values = names.iter().filter_map(|name| self.export(module, *name, 0)).collect();
                (values, None)
            }
            Kind::Union(alternatives) => {
                let mut all = Vec::new();
                for value in alternatives.iter() {
                    let (known, more) = self.values_of(value);
                    all.extend(known);
                    all.extend(more);
                }
                (Vec::new(), self.join_all(all))
            }
            _ => (Vec::new(), Some(Val { vn: self.element_vn(value.vn), ..Val::unknown().tainted_by(value) })),
        }
    }

    /// Members of a Python `Enum` class, in order.
    pub(crate) fn enum_members(&mut self, class: ObjId) -> Vec<Val> {
        let obj = self.store.obj_rc(class);
        obj.fields
            .iter()
            .filter(|(name, _)| !name.as_str().starts_with('_'))
            .map(|(name, value)| {
                let mut member = Obj::new(ObjKind::External);
                member.fields.insert(Symbol::new("value"), value.clone());
                member.fields.insert(Symbol::new("name"), Val::str(name.as_str()));
                Val::of(Kind::Obj(self.store.new_obj(member)))
            })
            .collect()
    }
}
