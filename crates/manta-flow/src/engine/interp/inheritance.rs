//! In which order classes are asked for what they inherit.

use std::rc::Rc;

use manta_core::Span;

use super::{Args, Interp};
use crate::engine::api::ApiId;
use crate::engine::store::{ClassVal, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// Most classes that one class inherits from; what a generator of code piles up beyond is left out.
const MAX_ANCESTORS: usize = 64;

impl Interp<'_> {
    /// A class and what it inherits from, in the order in which names are looked up: the C3 linearisation, as Python's
    /// `type.mro` defines it. Bases that contradict each other, which Python refuses, follow in the order written.
    pub(super) fn resolution_order(&self, class: ObjId, bases: &[Val]) -> Vec<Val> {
        let is_class = |base: &&Val| matches!(base.kind, Kind::Obj(_) | Kind::Api(..));
        let bases: Vec<Val> = bases.iter().filter(is_class).cloned().collect();
        let mut lists: Vec<Vec<Val>> = bases.iter().map(|base| self.order_of(base)).collect();
        lists.push(bases);
        let mut order = vec![Val::of(Kind::Obj(class))];
        while order.len() < MAX_ANCESTORS {
            lists.retain(|list| !list.is_empty());
            let is_behind =
                |class: &Val| lists.iter().any(|list| list[1..].iter().any(|other| is_same_class(class, other)));
            let heads = || lists.iter().map(|list| &list[0]);
            let Some(next) = heads().find(|head| !is_behind(head)).or_else(|| heads().next()).cloned() else { break };
            for list in &mut lists {
                list.retain(|class| !is_same_class(class, &next));
            }
            order.push(next);
        }
        order
    }

    fn order_of(&self, base: &Val) -> Vec<Val> {
        match base.kind {
            Kind::Obj(id) => self.class_val(id).map(|class| class.order.to_vec()).unwrap_or_default(),
            _ => vec![base.clone()],
        }
    }

    /// The classes of the target among a class and its ancestors, in order.
    pub(crate) fn own_ancestors(&self, class: ObjId) -> impl Iterator<Item = ObjId> {
        let order = self.class_val(class).map(|class| class.order.clone()).unwrap_or_default();
        (0..order.len()).filter_map(move |at| match order[at].kind {
            Kind::Obj(id) => Some(id),
            _ => None,
        })
    }

    /// Finds a method or accessor of a class or its ancestors; also the object of the class that has it.
    pub(crate) fn find_method(&self, class: ObjId, name: Symbol) -> Option<(Val, ObjId)> {
        self.own_ancestors(class).find_map(|id| Some((self.class_val(id)?.methods.get(&name)?.clone(), id)))
    }

    /// Finds a static field or method of a class or its ancestors.
    pub(crate) fn find_static(&self, class: ObjId, name: Symbol) -> Option<Val> {
        self.own_ancestors(class).find_map(|id| self.store.obj(id).fields.get(&name).cloned())
    }

    /// The first ancestor outside the target; one that only says what a class is for (`ABC`, `Generic`, `Protocol`)
    /// where there is no other.
    pub(crate) fn external_base(&self, class: ObjId) -> Option<ApiId> {
        let class = self.class_val(class)?;
        let external = || {
            class.order.iter().filter_map(|class| match class.kind {
                Kind::Api(api, _) => Some(api),
                _ => None,
            })
        };
        external().find(|api| !self.is_marker(*api)).or_else(|| external().next())
    }

    /// Whether a base outside the target only says what a class is for.
    pub(crate) fn is_marker(&self, api: ApiId) -> bool {
        let name = self.apis.name(api);
        ["abc.", "typing.", "typing_extensions.", "builtins."].iter().any(|package| name.starts_with(package))
    }

    /// `Class.__subclasses__()`: the classes made so far that name it as a base, in the order they were made.
    pub(crate) fn subclasses(&self, class: ObjId) -> Vec<ObjId> {
        let is_base = |base: &Val| matches!(base.kind, Kind::Obj(id) if id == class);
        self.known_classes()
            .into_iter()
            .filter(|(_, class)| class.bases.iter().any(is_base))
            .map(|(id, _)| id)
            .collect()
    }

    /// All classes of the target that exist, in the order they were made.
    pub(crate) fn known_classes(&self) -> Vec<(ObjId, Rc<ClassVal>)> {
        // What a handler made is gone with its run.
        let (_, objects) = self.store.sizes();
        let exists = |id: &ObjId| (id.0 as usize) < objects && matches!(self.store.obj(*id).kind, ObjKind::Class(_));
        let mut found: Vec<(ObjId, Rc<ClassVal>)> =
            self.classes.iter().filter(|(id, _)| exists(id)).map(|(id, class)| (*id, class.clone())).collect();
        found.sort_unstable_by_key(|(id, _)| *id);
        found
    }

    /// `__init_subclass__` of an ancestor runs when a class is made: registries fill themselves so.
    pub(super) fn announce_subclass(&mut self, class: ObjId, span: Span) {
        let name = Symbol::new("__init_subclass__");
        let hook = self.own_ancestors(class).skip(1).find_map(|id| self.class_val(id)?.methods.get(&name).cloned());
        if let Some(hook) = hook {
            let args = Args { named_rest: Some(Val::unknown()), ..Args::default() };
            self.call_value(&hook, Some(Val::of(Kind::Obj(class))), args, span);
        }
    }

    /// What follows `home` when names are looked up on an object of `class`: where `super()` goes on. A class that
    /// `home` does not belong to says nothing, and `home` itself does.
    pub(super) fn order_behind(&self, home: ObjId, class: Option<ObjId>) -> Vec<Val> {
        let behind = |class: ObjId| {
            let order = self.class_val(class)?.order.clone();
            let at = order.iter().position(|class| matches!(class.kind, Kind::Obj(id) if id == home))?;
            Some(order[at + 1..].to_vec())
        };
        let mut order = class.and_then(behind).or_else(|| behind(home)).unwrap_or_default();
        order.retain(|class| !matches!(class.kind, Kind::Api(api, _) if self.is_marker(api)));
        order
    }
}

fn is_same_class(a: &Val, b: &Val) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Obj(a), Kind::Obj(b)) => a == b,
        (Kind::Api(a, _), Kind::Api(b, _)) => a == b,
        _ => false,
    }
}
