//! Functions over collections.

use manta_core::{Location, Span};

use crate::domain::StrProps;
use crate::engine::facts::Cond;
use crate::engine::interp::Interp;
use crate::engine::models::RegisterRow;
use crate::engine::report::SourceInfo;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, Taint, Val};

impl Interp<'_> {
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

    pub(super) fn new_map(&mut self, entries: &Val, span: Span) -> Val {
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
