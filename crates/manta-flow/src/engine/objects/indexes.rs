//! `receiver[key]`: elements of sequences, entries of tables.

use crate::engine::api::ApiStep;
use crate::engine::facts::Cond;
use crate::engine::interp::{Args, Interp, key_name};
use crate::engine::slices::key_index;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};
use manta_core::Span;
use std::rc::Rc;

impl Interp<'_> {
    /// `receiver[key]`.
    pub(crate) fn get_index(&mut self, receiver: &Val, key: &Val, span: Span) -> Val {
        if self.is_answer(receiver) {
            return self.get_index(&Self::as_record(receiver), key, span);
        }
        if let Kind::Union(values) = &receiver.kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let results: Vec<Val> = values.iter().map(|value| self.get_index(value, key, span)).collect();
            return self.join_all(results).unwrap_or_else(Val::undefined);
        }
        if self.lang() == Lang::Python && self.is_generic_class(receiver, key) {
            return receiver.clone();
        }
        if let Kind::Obj(id) = receiver.kind {
            let obj = self.store.obj_rc(id);
            if matches!(obj.kind, ObjKind::Array | ObjKind::Set) {
                if let Some(group) = self.match_method(id, "__getitem__", &Args::of(vec![key.clone()])) {
                    return group;
                }
                let element = self.array_element(receiver, &obj, key, span);
                return match self.evidence.get(&id) {
                    // The first of what passed a test: when there is one, the test was passed.
                    Some(evidence) if matches!(key.kind, Kind::Num(Some(0.0))) => {
                        let when_true = evidence.when_true.clone();
                        Val { cond: Some(Rc::new(Cond { when_true, ..Cond::default() })), ..element }
                    }
                    _ => match self.open_list(receiver) {
                        Some(filled) if self.lang() == Lang::JavaScript && key_index(key).is_some() => {
                            self.maybe_element(element, &filled, key_index(key) == Some(0))
                        }
                        _ => element,
                    },
                };
            }
            if let ObjKind::Instance(class) = obj.kind
                && let Some(value) = self.asked_for(receiver, class, "__getitem__", key, span)
            {
                return value;
            }
            if let Some(collection) = self.indexed_collection(receiver, key) {
                let value = self.get_index(&collection, key, span);
                let ObjKind::Instance(class) = obj.kind else { return value };
                let missing =
                    if value.is_nullish() { self.asked_for(receiver, class, "__missing__", key, span) } else { None };
                return missing.unwrap_or(value);
            }
            if let Some(name) = key_name(key) {
                if let Some(value) = obj.fields.get(&name) {
                    return self.read_field(value.clone(), receiver, span);
                }
                return match (&obj.any, &obj.kind) {
                    (Some(any), _) => self.read_any(receiver, id, any.clone(), name, span),
                    (None, ObjKind::Dict | ObjKind::Map) => Val::undefined(),
                    (None, _) => self.get_member(receiver, name, span),
                };
            }
            if let Some(names) = key.literals() {
                let values: Vec<Val> =
                    names.iter().filter_map(|name| obj.fields.get(&Symbol::new(name)).cloned()).collect();
                let values: Vec<Val> = values.into_iter().chain(obj.any.clone()).collect();
                return self.join_all(values).unwrap_or_else(Val::undefined);
            }
            // Any field. A lookup in the program's own table by an untrusted key picks one of the table's values.
            if obj.fields.values().any(|value| self.is_callable(value)) {
                self.learn_names(key, id);
            }
            if let (ObjKind::Instance(_), Lang::Python) = (&obj.kind, self.lang()) {
                // What is kept in a class of tables is no attribute of it.
                return obj.any.clone().unwrap_or_else(|| Val::unknown().tainted_by(receiver));
            }
            return self.member_by_key(receiver, key, span);
        }
        if let Some(kept) = self.kept_outside(receiver) {
            return kept;
        }
        match (&receiver.kind, key_name(key)) {
            (Kind::Str, _) if matches!(key.kind, Kind::Num(_)) => self.character(receiver, key),
            (Kind::Str, Some(name)) if self.lang() == Lang::JavaScript => self.get_member(receiver, name, span),
            (Kind::Api(api, data), Some(name)) if !matches!(key.kind, Kind::Num(_)) => {
                if self.lang() == Lang::Python {
                    let next = self.apis.step(*api, ApiStep::Element);
                    let next = self.apis.step(next, ApiStep::Field(name));
                    let _ = data;
                    let value = Val { taint: receiver.taint, step: receiver.step, ..Val::of(Kind::Api(next, None)) };
                    return if receiver.is_tainted() {
                        self.field_of_untrusted(receiver, name, value, span)
                    } else if self.is_environment(receiver) {
                        self.or_set(value, name)
                    } else {
                        value
                    };
                }
                self.get_member(receiver, name, span)
            }
            (Kind::Api(..), _) if self.is_environment(receiver) && key.is_tainted() => self.variable(key),
            (Kind::Api(api, _), _) => {
                let next = self.apis.step(*api, ApiStep::Element);
                let value = Val { taint: receiver.taint, step: receiver.step, ..Val::of(Kind::Api(next, None)) };
                self.element_of(receiver, value, span)
            }
            (Kind::Module(_), Some(name)) => self.get_member(receiver, name, span),
            (Kind::Unknown, Some(name)) if receiver.is_tainted() && !matches!(key.kind, Kind::Num(_)) => {
                let value = Val { taint: receiver.taint, step: receiver.step, ..Val::unknown() };
                self.field_of_untrusted(receiver, name, value, span)
            }
            (Kind::Schema(_), Some(name)) => self.get_member(receiver, name, span),
            _ => {
                if let Some(header) = self.header_of_request(receiver, key) {
                    return header;
                }
                if let (Kind::Unknown, Kind::Num(Some(_))) = (&receiver.kind, &key.kind)
                    && receiver.is_tainted()
                    && let Some(asked) = self.found.asked()
                {
                    asked.is_list = true;
                }
                let value = Val { taint: receiver.taint, step: receiver.step, ..Val::unknown() };
                let element = self.element_of(receiver, value, span);
                self.picked_by(key, element)
            }
        }
    }

    /// `config["section"]`: something of what an object of a library was given to keep, where that is the caller's.
    fn kept_outside(&mut self, receiver: &Val) -> Option<Val> {
        let Kind::Api(_, Some(data)) = receiver.kind else { return None };
        let kept = self.store.obj(data).more.clone()?;
        let (taint, step) = self.deep_taint(&kept, 2);
        taint.is_some().then(|| Val { taint, step, vn: self.store.fresh_vn(), ..Val::unknown() })
    }

    /// `Definition[Name]`, `FastMCP[Context]`: a class with its type arguments is the class. (`Colour["RED"]` is not.)
    pub(super) fn is_generic_class(&self, receiver: &Val, key: &Val) -> bool {
        match receiver.kind {
            Kind::Obj(id) => matches!(self.store.obj(id).kind, ObjKind::Class(_)) && key.literal().is_none(),
            Kind::Api(api, None) => {
                let is_class = matches!(self.apis.last(api), ApiStep::Field(name) if name.as_str().starts_with(char::is_uppercase));
                let is_type = |value: &Val| match value.kind {
                    Kind::Api(_, None) | Kind::Null => true,
                    Kind::Obj(id) => matches!(self.store.obj(id).kind, ObjKind::Class(_)),
                    _ => false,
                };
                let are_types = match key.kind {
                    Kind::Obj(id) if self.store.obj(id).is_sequence() => self.store.obj(id).items.iter().all(is_type),
                    _ => is_type(key),
                };
                is_class && are_types
            }
            _ => false,
        }
    }

    /// `object[key]` with a key of the caller: the object is the program's own, but may be its prototype.
    pub(super) fn picked_by(&mut self, key: &Val, value: Val) -> Val {
        if self.lang() != Lang::JavaScript || self.taint_now(key).is_none() {
            return value;
        }
        let vn = if value.vn == 0 { self.store.fresh_vn() } else { value.vn };
        self.found.picked.insert(vn);
        Val { vn, ..value }
    }

    pub(super) fn element_of(&mut self, receiver: &Val, value: Val, _span: Span) -> Val {
        let vn = self.element_vn(receiver.vn);
        Val { vn, ..value }
    }

    pub(super) fn array_element(&mut self, receiver: &Val, obj: &Obj, key: &Val, span: Span) -> Val {
        if let Some(index) = key_index(key) {
            let at =
                if index < 0 { obj.items.len().checked_sub(index.unsigned_abs()) } else { usize::try_from(index).ok() };
            if let Some(value) = at.and_then(|at| obj.items.get(at))
                && (index >= 0 || obj.more.is_none())
            {
                return value.clone();
            }
            return match &obj.more {
                Some(more) => more.clone(),
                None if obj.items.is_empty() => Val::unknown().tainted_by(receiver),
                None => Val::undefined(),
            };
        }
        if let Some(name) = key.literal()
            && self.lang() == Lang::JavaScript
        {
            return self.get_member(receiver, Symbol::new(name), span);
        }
        let all: Vec<Val> = obj.items.iter().cloned().chain(obj.more.clone()).collect();
        self.join_all(all).unwrap_or_else(Val::undefined)
    }

    /// `target[key] = value`.
    pub(crate) fn set_index(&mut self, target: &Val, key: &Val, value: Val, span: Span) {
        if key.is_tainted() {
            self.computed_key_assigned(target, key, &value, span);
        }
        let Kind::Obj(id) = target.kind else {
            if let Some(name) = key_name(key) {
                self.set_member(target, name, value, span);
            } else {
                self.handler_assigned(target, key, &value, span);
            }
            return;
        };
        if let ObjKind::Instance(class) = self.store.obj(id).kind {
            if self.lang() == Lang::Python
                && let Some((method, _)) = self.find_method(class, Symbol::new("__setitem__"))
            {
                self.call_value(&method, Some(target.clone()), Args::of(vec![key.clone(), value]), span);
                return;
            }
            if let Some(collection) = self.indexed_collection(target, key) {
                return self.set_index(&collection, key, value, span);
            }
        }
        if self.store.obj(id).is_sequence() {
            match key_index(key).and_then(|index| usize::try_from(index).ok()) {
                Some(at) if at < self.store.obj(id).items.len() => self.store.obj_mut(id).items[at] = value,
                _ => self.add_more(id, value),
            }
            return;
        }
        match key_name(key) {
            Some(name) if !matches!(self.store.obj(id).kind, ObjKind::Dict | ObjKind::Map) => {
                self.set_member(target, name, value, span);
            }
            Some(name) => {
                self.message_method_set(name, &value, span);
                self.store.obj_mut(id).fields.insert(name, value);
            }
            None => {
                if let Some(names) = key.literals() {
                    for name in names {
                        let name = Symbol::new(&name);
                        let joined = match self.store.obj(id).fields.get(&name).cloned() {
                            Some(before) => self.join(&before, &value),
                            None => value.clone(),
                        };
                        self.store.obj_mut(id).fields.insert(name, joined);
                    }
                    return;
                }
                // Keys are untrusted data too: they come out again through iteration.
                let kept = Val { taint: value.taint.union(key.taint), ..value.clone() };
                let names = self.props(key);
                self.write_any(id, &kept, |name| value.is_tainted() && names.admits(name.as_str()));
            }
        }
    }

    /// A member whose name is not known: `getattr(self, name)`, `this[name]`.
    pub(crate) fn member_by_key(&mut self, receiver: &Val, key: &Val, span: Span) -> Val {
        let Kind::Obj(id) = receiver.kind else { return self.get_index(receiver, key, span) };
        let obj = self.store.obj_rc(id);
        let fields = obj.fields.values().filter(|value| !matches!(value.kind, Kind::Accessor(..)));
        let mut values: Vec<Val> = fields.cloned().chain(obj.any.clone()).collect();
        if let ObjKind::Instance(class) = obj.kind {
            let method = self.dispatch_by_key(receiver, class, key);
            if obj.fields.is_empty() {
                return method;
            }
            values.push(method);
        }
        let values = self.first_apiece(values);
        let picked = self.join_all(values).unwrap_or_else(Val::undefined);
        self.picked_by(key, picked)
    }

    /// A tainted key on an instance: `getattr(self, name)`, `this[name]()`. Any method may be meant.
    pub(super) fn dispatch_by_key(&mut self, receiver: &Val, class: ObjId, key: &Val) -> Val {
        let Some(class_val) = self.class_val(class) else { return Val::unknown() };
        let prefix = key.text.as_deref().and_then(|text| match text.parts.first() {
            Some(crate::engine::value::Part::Lit(prefix)) => Some(prefix.clone()),
            _ => None,
        });
        let prefix = prefix.as_deref();
        // `getattr(self, f"tool_{name}")`: what comes behind the prefix are names of tools.
        let is_name = key.text.as_deref().is_some_and(|text| match text.parts.as_slice() {
            [_, crate::engine::value::Part::Hole(name)] => self.found.is_name(name.vn),
            _ => false,
        });
        let methods: Vec<(Symbol, Val)> = class_val
            .methods
            .iter()
            .filter(|(name, value)| {
                matches!(value.kind, Kind::Fn(_)) && prefix.is_some_and(|prefix| name.as_str().starts_with(prefix))
            })
            .map(|(name, method)| (*name, method.clone()))
            .collect();
        for (name, _) in methods.iter().filter(|_| is_name) {
            self.found.add_name(name.as_str().strip_prefix(prefix.unwrap_or_default()).unwrap_or_default());
        }
        let methods: Vec<Val> =
            methods.into_iter().map(|(_, method)| Val::of(Kind::Bound(Rc::new((receiver.clone(), method))))).collect();
        let methods = self.first_apiece(methods);
        self.join_all(methods).unwrap_or_else(|| Val::unknown().tainted_by(key))
    }
}
