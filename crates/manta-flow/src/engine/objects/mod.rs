//! Reading and writing fields, elements and collections.

mod doubts;
mod elements;
mod extended;
mod indexes;
mod members;

pub(crate) use elements::Rounds;
pub(crate) use extended::array_items;

use crate::engine::interp::Interp;
use crate::engine::schema::Schema;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ModId, ObjId, Taint, Val};
use crate::ir::{Lang, Symbol};
use manta_core::Span;
use std::rc::Rc;

impl Val {
    fn undefined_or_unknown(lang: Lang) -> Self {
        if lang == Lang::Python { Self::unknown() } else { Self::undefined() }
    }
}

impl Interp<'_> {
    /// Public names of a module.
    pub(crate) fn export_names(&mut self, module: ModId, depth: usize) -> Vec<Symbol> {
        let code = self.program.module(module);
        let mut names = Vec::new();
        if depth > 8 {
            return names;
        }
        for export in &code.exports {
            match export {
                crate::ir::Export::Local { name, .. } | crate::ir::Export::From { name, .. } => names.push(*name),
                crate::ir::Export::Star { import } => {
                    if let crate::engine::program::Link::Module(target) = self.program.link_of(module, *import).clone()
                    {
                        names.extend(self.export_names(target, depth + 1));
                    }
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }

    /// `{ ...value }` into an object.
    pub(crate) fn copy_fields(&mut self, from: &Val, into: ObjId) {
        if let Some(collection) = self.collection_in(from) {
            return self.copy_fields(&collection, into);
        }
        match &from.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                self.charge(obj.fields.len());
                for (key, value) in &obj.fields {
                    let value = self.read_field(value.clone(), from, Span::default());
                    let value = self.copied_field(&obj, into, *key, value);
                    self.store.obj_mut(into).fields.insert(*key, value);
                }
                if let Some(any) = obj.any.clone() {
                    self.write_any(into, &any, |name| !obj.fields.contains_key(&name));
                }
            }
            Kind::Module(module) => {
                let module = *module;
                for name in self.export_names(module, 0) {
                    if let Some(value) = self.export(module, name, 0) {
                        self.store.obj_mut(into).fields.insert(name, value);
                    }
                }
            }
            // One of them, and nobody knows which: `arguments or {}`.
            Kind::Union(values) => {
                for value in values.iter() {
                    if let Kind::Obj(id) = value.kind {
                        let obj = self.store.obj_rc(id);
                        for (key, value) in &obj.fields {
                            let joined = match self.store.obj(into).fields.get(key).cloned() {
                                Some(before) => self.join(&before, value),
                                None => value.clone(),
                            };
                            self.store.obj_mut(into).fields.insert(*key, joined);
                        }
                        if let Some(any) = &obj.any {
                            self.write_any(into, any, |name| !obj.fields.contains_key(&name));
                        }
                    } else if value.is_tainted() {
                        self.write_any(into, &Val { kind: Kind::Unknown, ..value.clone() }, |_| true);
                    }
                }
            }
            _ if from.is_tainted() => {
                self.write_any(into, &Val { kind: Kind::Unknown, ..from.clone() }, |_| true);
            }
            _ => {}
        }
    }

    /// Writes a value to a field nobody knows the name of: to none of the known ones, or to any of those that it may be.
    pub(super) fn write_any(&mut self, into: ObjId, value: &Val, may_be: impl Fn(Symbol) -> bool) {
        let obj = self.store.obj_rc(into);
        let any = match &obj.any {
            Some(before) => self.join(before, value),
            None => value.clone(),
        };
        self.store.obj_mut(into).any = Some(any);
        // What the caller names, the caller overwrites.
        for (name, before) in obj.fields.iter().filter(|(name, _)| value.is_tainted() && may_be(**name)) {
            let joined = self.join(before, value);
            self.store.obj_mut(into).fields.insert(*name, joined);
        }
    }

    /// A table that is looked into by the name of the tool: its keys are names.
    pub(crate) fn learn_names(&mut self, key: &Val, table: ObjId) {
        if self.found.is_name(key.vn) && key.literal().is_none() {
            for name in self.store.obj_rc(table).fields.keys() {
                self.found.add_name(name.as_str());
            }
        }
    }

    /// `{ a, ...rest } = value`: the rest.
    pub(crate) fn without_fields(&mut self, value: &Val, taken: &[Symbol]) -> Val {
        let id = self.store.new_obj(Obj::new(ObjKind::Plain));
        self.copy_fields(value, id);
        for name in taken {
            self.store.obj_mut(id).fields.shift_remove(name);
        }
        Val { taint: value.taint, step: value.step, ..Val::of(Kind::Obj(id)) }
    }

    /// Taint of everything inside a value, to a small depth.
    pub(crate) fn deep_taint(&self, value: &Val, depth: usize) -> (Taint, u32) {
        let own = (self.taint_now(value), value.step);
        if depth == 0 {
            return own;
        }
        let mut inner: Vec<(Taint, u32)> = Vec::new();
        match &value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj(*id);
                if matches!(obj.kind, ObjKind::Class(_)) {
                    return own;
                }
                let fields = obj.fields.values().chain(&obj.items).chain(&obj.any).chain(&obj.more);
                for field in fields.take(64) {
                    inner.push(self.deep_taint(field, depth - 1));
                }
            }
            Kind::Union(values) => inner.extend(values.iter().map(|value| self.deep_taint(value, depth - 1))),
            _ => {}
        }
        inner.into_iter().fold(own, |(taint, step), (other, at)| {
            (taint.union(other), if taint.is_none() && other.is_some() { at } else { step })
        })
    }

    /// A schema kept as a value.
    pub(crate) fn schema_val(&self, schema: Schema) -> Val {
        Val::of(Kind::Schema(Rc::new(schema)))
    }
}
