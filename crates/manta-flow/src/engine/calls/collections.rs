//! Functions over collections.

use manta_core::{Location, Span};

use crate::domain::StrProps;
use crate::engine::facts::Cond;
use crate::engine::interp::Interp;
use crate::engine::models::RegisterRow;
use crate::engine::report::SourceInfo;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, ObjId, Taint, Val};
use crate::ir::Symbol;

impl Interp<'_> {
    /// `inspect.getmembers(value, predicate)`.
    pub(super) fn members_of(&mut self, value: &Val, predicate: Option<&Val>, span: Span) -> Val {
        let Some(names) = self.member_names(value) else { return Val::unknown().tainted_by(value) };
        let asked = predicate.and_then(|predicate| match predicate.kind {
            Kind::Api(api, _) => self.apis.name(api).strip_prefix("inspect.").map(str::to_owned),
            _ => None,
        });
        let mut pairs = Vec::new();
        for name in names {
            let member = self.get_member(value, Symbol::new(name.literal().unwrap_or_default()), span);
            let is_class = matches!(member.kind, Kind::Obj(id) if matches!(self.store.obj(id).kind, ObjKind::Class(_)));
            let is_wanted = match asked.as_deref() {
                Some("isclass") => is_class,
                Some("isfunction" | "ismethod" | "isroutine" | "iscoroutinefunction") => {
                    self.is_callable(&member) && !is_class
                }
                _ => true,
            };
            if is_wanted {
                pairs.push(self.new_array(vec![name, member], None));
            }
        }
        self.new_array(pairs, None)
    }

    /// The names that an object, class or module of the program has, but for those of the language.
    pub(super) fn member_names(&mut self, value: &Val) -> Option<Vec<Val>> {
        let mut names: Vec<Symbol> = match value.kind {
            Kind::Module(module) => self.export_names(module, 0),
            Kind::Obj(id) => {
                let class = match self.store.obj(id).kind {
                    ObjKind::Class(_) => id,
                    ObjKind::Instance(class) => class,
                    _ => return None,
                };
                let classes: Vec<ObjId> = self.own_ancestors(class).collect();
                let mut names: Vec<Symbol> = self.store.obj(id).fields.keys().copied().collect();
                for class in classes {
                    names.extend(self.class_val(class).iter().flat_map(|class| class.methods.keys().copied()));
                    names.extend(self.store.obj(class).fields.keys().copied());
                }
                names
            }
            _ => return None,
        };
        names.sort_unstable_by_key(|name| name.as_str());
        names.dedup();
        Some(names.into_iter().map(|name| name.as_str()).filter(|name| !name.starts_with("__")).map(Val::str).collect())
    }

    pub(crate) fn entries_of(&mut self, value: &Val) -> Val {
        match value.kind {
            Kind::Obj(id) if !self.store.obj(id).is_sequence() => {
                let obj = self.store.obj_rc(id);
                let pairs: Vec<Val> = obj
                    .fields
                    .iter()
                    .map(|(key, value)| self.new_array(vec![Val::str(key.as_str()), value.clone()], None))
                    .collect();
                let more = obj.any.clone().map(|any| {
                    let key = Val {
                        taint: any.taint,
                        step: any.step,
                        vn: self.store.fresh_vn(),
                        ..Val::with_props(StrProps::default())
                    };
                    self.new_array(vec![key, any], None)
                });
                self.new_array(pairs, more)
            }
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(id);
                let pairs: Vec<Val> = obj
                    .items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| {
                        let index = Val::num(f64::from(u32::try_from(index).unwrap_or(0)));
                        self.new_array(vec![index, value.clone()], None)
                    })
                    .collect();
                let more = obj.more.clone().map(|more| self.new_array(vec![Val::of(Kind::Num(None)), more], None));
                self.new_array(pairs, more)
            }
            Kind::Module(_) => {
                let (keys, _) = self.keys_of(value);
                let (values, _) = self.values_of(value);
                let pairs =
                    keys.into_iter().zip(values).map(|(key, value)| self.new_array(vec![key, value], None)).collect();
                self.new_array(pairs, None)
            }
            _ => {
                let key = Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) }.tainted_by(value);
                let item = Val { vn: self.store.fresh_vn(), ..Val::unknown() }.tainted_by(value);
                let pair = self.new_array(vec![key, item], None);
                self.new_array(Vec::new(), Some(pair))
            }
        }
    }

    pub(super) fn from_entries(&mut self, value: &Val, span: Span) -> Val {
        let (items, more) = self.elements_of(value, span);
        let id = self.store.new_obj(Obj::new(ObjKind::Plain));
        let object = Val::of(Kind::Obj(id));
        for pair in items.into_iter().chain(more) {
            let (parts, rest) = self.elements_of(&pair, span);
            let key = parts.first().cloned().or_else(|| rest.clone()).unwrap_or_else(Val::unknown);
            let item = parts.get(1).cloned().or(rest).unwrap_or_else(Val::unknown);
            self.set_index(&object, &key, item, span);
        }
        Val { taint: value.taint, step: value.step, ..object }
    }

    pub(crate) fn new_map(&mut self, entries: &Val, span: Span) -> Val {
        let id = self.store.new_obj(Obj::new(ObjKind::Map));
        let map = Val::of(Kind::Obj(id));
        if !matches!(entries.kind, Kind::Undefined | Kind::Null) {
            let (items, more) = self.elements_of(entries, span);
            for pair in items.into_iter().chain(more) {
                let (parts, rest) = self.elements_of(&pair, span);
                let key = parts.first().cloned().or_else(|| rest.clone()).unwrap_or_else(Val::unknown);
                let item = parts.get(1).cloned().or(rest).unwrap_or_else(Val::unknown);
                self.set_index(&map, &key, item, span);
            }
        }
        map
    }

    /// Python `any(...)`, `all(...)` over a comprehension of conditions.
    pub(super) fn any_all(&mut self, list: &Val, is_all: bool, span: Span) -> Val {
        let (items, more) = self.elements_of(list, span);
        let is_open = more.is_some();
        let answers = self.new_array(items, more);
        let answer = self.quantified(&answers, is_all, span);
        match &answer.cond {
            // Which of an unknown number failed is not known.
            Some(cond) if is_all && is_open => {
                let cond = Cond { when_false: Vec::new(), ..(**cond).clone() };
                self.bool_with(answer.truth(), cond)
            }
            _ => answer,
        }
    }

    pub(crate) fn extra_source(&mut self, what: &str, span: Span) -> Val {
        let at: Location = self.here(span);
        let setter = self.found.setter.clone();
        let index = self.found.sources.len();
        self.found.sources.push(SourceInfo { param: what.to_owned(), at, setter: setter.clone() });
        let step = self.trace.add(0, at, StepKind::Source(what.to_owned(), setter));
        Val { taint: Taint::source(index), step, vn: self.store.fresh_vn(), ..Val::unknown() }
    }

    pub(crate) fn register_row(&self, row: &RegisterRow) -> RegisterRow {
        row.clone()
    }
}
