//! Classes of the program that extend a collection of the language: `class Registry extends Map`, `class Config(dict)`.
//!
//! An instance holds the collection, and whatever its own classes do not define is done on that.

use crate::engine::interp::{Args, Interp};
use crate::engine::models::Effect;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};
use manta_core::Span;
use std::rc::Rc;

/// The field of an instance that holds its collection.
const HELD: &str = "$held";

impl Interp<'_> {
    /// The collection that an instance holds because its class extends one.
    pub(crate) fn collection_in(&self, value: &Val) -> Option<Val> {
        let Kind::Obj(id) = value.kind else { return None };
        let obj = self.store.obj(id);
        if matches!(obj.kind, ObjKind::Instance(_)) { obj.fields.get(&Symbol::new(HELD)).cloned() } else { None }
    }

    /// Gives a new instance the collection that its class extends, if it extends one: an empty one.
    pub(crate) fn give_collection(&mut self, class: ObjId, this: ObjId) {
        let Some(kind) = self.collection_base(class) else { return };
        let held = self.store.new_obj(Obj::new(kind));
        self.store.obj_mut(this).fields.insert(Symbol::new(HELD), Val::of(Kind::Obj(held)));
    }

    fn collection_base(&mut self, class: ObjId) -> Option<ObjKind> {
        let order = self.class_val(class)?.order.clone();
        order.iter().find_map(|base| {
            let Kind::Api(api, _) = base.kind else { return None };
            if *self.apis.name(api) == *"globalThis.Array" {
                return Some(ObjKind::Array);
            }
            let index = self.model_index(api)?;
            match self.models.get(index).effect.as_ref()?.effect {
                Effect::Map => Some(ObjKind::Map),
                Effect::Set => Some(ObjKind::Set),
                Effect::Dict | Effect::DefaultDict => Some(ObjKind::Dict),
                Effect::List => Some(ObjKind::Array),
                _ => None,
            }
        })
    }

    /// What the constructor of the collection is given: entries of a table, elements of a list.
    pub(crate) fn fill_collection(&mut self, this: &Val, args: &Args, span: Span) {
        let Some(held @ Val { kind: Kind::Obj(id), .. }) = self.collection_in(this) else { return };
        let first = args.get(0).cloned();
        match self.store.obj(id).kind {
            ObjKind::Map => {
                if let Some(entries) = first {
                    let made = self.new_map(&entries, span);
                    self.copy_fields(&made, id);
                }
            }
            ObjKind::Array if self.lang() == Lang::JavaScript => self.push_all(id, array_items(args)),
            ObjKind::Dict => {
                self.call_method(&held, Symbol::new("update"), args.clone(), span);
            }
            _ => {
                if let Some(elements) = first {
                    self.extend_array(id, &elements, span);
                }
            }
        }
    }

    /// The collection that `instance[key]` is about: in JavaScript only of an array, and by a number.
    pub(super) fn indexed_collection(&self, instance: &Val, key: &Val) -> Option<Val> {
        let collection = self.collection_in(instance)?;
        let is_meant = match collection.kind {
            Kind::Obj(id) => self.store.obj(id).is_array() && !matches!(key.kind, Kind::Str),
            _ => false,
        };
        (self.lang() == Lang::Python || is_meant).then_some(collection)
    }

    /// A method that a class inherits from the collection it extends.
    pub(crate) fn collection_method(&self, this: &Val, name: Symbol) -> Option<Val> {
        let collection = self.collection_in(this)?;
        let is_list = matches!(collection.kind, Kind::Obj(id) if self.store.obj(id).is_array());
        // Made with what it is given: an empty one to which that is added.
        let name = match name.as_str() {
            "__init__" if is_list => Symbol::new("extend"),
            "__init__" => Symbol::new("update"),
            _ => name,
        };
        Some(Val::of(Kind::Method(Rc::new((collection, name)))))
    }
}

/// What `new Array(…)` is given; one number is a length, and that many times nothing.
pub(crate) fn array_items(args: &Args) -> Vec<Val> {
    match args.pos.as_slice() {
        [Val { kind: Kind::Num(_), .. }] => Vec::new(),
        items => items.to_vec(),
    }
}
