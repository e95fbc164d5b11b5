//! Things of libraries that keep what they are given: queues, buffers, parameters, stores of a context; and emitters,
//! which hand it to whoever listens.

use manta_core::Span;

use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// Under which an emitter keeps the listeners of an event.
const LISTENERS: &str = "$on:";

impl Interp<'_> {
    /// Where the thing keeps it: in its own state, or in the list that a function is given.
    fn keeper(&self, this: Option<&Val>, args: &Args) -> Option<ObjId> {
        let state = |value: &Val| match value.kind {
            Kind::Api(_, data) => data,
            Kind::Obj(id) => Some(id),
            _ => None,
        };
        this.and_then(state).or_else(|| args.get(0).and_then(state))
    }

    /// `queue.put(x)`, `params.append(key, x)`: it is kept.
    pub(super) fn put(&mut self, this: Option<&Val>, args: &Args, value: Val) {
        if let Some(id) = self.keeper(this, args) {
            self.add_more(id, value);
        }
    }

    /// `queue.get()`, `params.get(key)`: something of what was kept, or of what it was made of.
    pub(super) fn take(&mut self, this: Option<&Val>, args: &Args) -> Val {
        let Some(id) = self.keeper(this, args) else { return Val::unknown() };
        let kept = self.store.obj(id).more.clone();
        let mut made_of = Val::unknown();
        for item in self.store.obj(id).items.clone() {
            let (taint, step) = self.deep_taint(&item, 3);
            if taint.is_some() {
                made_of.taint = made_of.taint.union(taint);
                made_of.step = if made_of.step == 0 { step } else { made_of.step };
            }
        }
        if let Some(this) = this.filter(|this| this.is_tainted()) {
            made_of = made_of.tainted_by(this);
        }
        if made_of.is_tainted() {
            made_of.vn = self.store.fresh_vn();
            return kept.map_or(made_of.clone(), |kept| self.join(&kept, &made_of));
        }
        kept.unwrap_or(made_of)
    }

    /// What `Promise.allSettled` says of one promise.
    pub(super) fn outcome(&mut self, value: Val) -> Val {
        let mut outcome = Obj::new(ObjKind::Plain);
        outcome.fields.insert(Symbol::new("status"), Val::unknown());
        outcome.fields.insert(Symbol::new("value"), value);
        outcome.fields.insert(Symbol::new("reason"), Val::unknown());
        Val::of(Kind::Obj(self.store.new_obj(outcome)))
    }

    /// `emitter.on(event, listener)`.
    pub(super) fn listen(&mut self, this: Option<&Val>, args: &Args, span: Span) -> Val {
        let chained = this.cloned().unwrap_or_else(Val::unknown);
        if let Some(id) = this.and_then(|this| self.keeper(Some(this), args))
            && let Some(listener) = args.pos.iter().find(|value| self.is_callable(value)).cloned()
        {
            let event = args.get(0).and_then(Val::literal).unwrap_or_default();
            let name = Symbol::new(&format!("{LISTENERS}{event}"));
            let known = match self.store.obj(id).fields.get(&name).map(|value| &value.kind) {
                Some(Kind::Obj(list)) => Some(*list),
                _ => None,
            };
            match known {
                Some(list) => self.push_array(list, listener),
                None => {
                    let list = self.new_array(vec![listener], None);
                    self.store.obj_mut(id).fields.insert(name, list);
                }
            }
        }
        self.call_closures(args, None, span);
        chained
    }

    /// `emitter.emit(event, …)`: whoever listens to it is called.
    pub(super) fn emit(&mut self, this: Option<&Val>, args: &Args, span: Span) -> Val {
        let Some(id) = this.and_then(|this| self.keeper(Some(this), args)) else { return Val::any_bool() };
        let event = args.get(0).and_then(Val::literal).map(|event| format!("{LISTENERS}{event}"));
        let fields = self.store.obj_rc(id);
        let lists = fields.fields.iter().filter(|(name, _)| match &event {
            Some(event) => name.as_str() == event || name.as_str() == LISTENERS,
            None => name.as_str().starts_with(LISTENERS),
        });
        let lists: Vec<Val> = lists.map(|(_, list)| list.clone()).collect();
        let given =
            Args { pos: args.pos.iter().skip(1).cloned().collect(), rest: args.rest.clone(), ..Args::default() };
        for list in lists {
            let (listeners, more) = self.elements_of(&list, span);
            for listener in listeners.into_iter().chain(more).take(16) {
                self.call_value(&listener, None, given.clone(), span);
            }
        }
        Val::any_bool()
    }
}
