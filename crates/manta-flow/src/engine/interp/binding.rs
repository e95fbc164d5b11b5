//! Patterns and variables.

use std::rc::Rc;

use manta_core::Span;

use crate::engine::api::ApiStep;
use crate::engine::interp::Interp;
use crate::engine::program::Link;
use crate::engine::store::Obj;
use crate::engine::value::{CellId, Kind, Text, Val};
use crate::ir::{ExprId, Key, Lang, Pat, Symbol, Var};

impl<'p> Interp<'p> {
    pub(crate) fn bind(&mut self, pat: &'p Pat, value: Val) {
        match pat {
            Pat::Ignore => {}
            Pat::Var(var) => self.set_var(*var, value),
            Pat::Member(object, name) => {
                let target = self.eval(*object);
                let span = self.code().span(*object);
                self.set_member(&target, *name, value, span);
            }
            Pat::Index(object, index) => {
                let target = self.eval(*object);
                let key = self.eval(*index);
                let span = self.code().span(*object);
                self.set_index(&target, &key, value, span);
            }
            Pat::Object { fields, rest } => {
                let span = Span::default();
                let mut taken = Vec::new();
                for (key, pat, default) in fields {
                    let name = match key {
                        Key::Static(name) => Some(*name),
                        Key::Computed(expr) => {
                            let key = self.eval(*expr);
                            key.literal().map(Symbol::new)
                        }
                    };
                    let field = match name {
                        Some(name) => {
                            taken.push(name);
                            self.get_member(&value, name, span)
                        }
                        None => Val::unknown().tainted_by(&value),
                    };
                    let field = self.or_default(field, *default);
                    self.bind(pat, field);
                }
                if let Some(rest) = rest {
                    let remaining = self.without_fields(&value, &taken);
                    self.bind(rest, remaining);
                }
            }
            Pat::Array { items, rest } => {
                let (known, more) = self.elements_of(&value, Span::default());
                let open = self.open_list(&value).filter(|_| self.lang() == Lang::JavaScript);
                for (at, item) in items.iter().enumerate() {
                    let Some((pat, default)) = item else { continue };
                    let is_after_rest = rest.as_ref().is_some_and(|(position, _)| at >= *position);
                    let element = if is_after_rest {
                        known.get((known.len() + at).saturating_sub(items.len())).cloned()
                    } else {
                        known.get(at).cloned()
                    };
                    let element = element.or_else(|| more.clone()).unwrap_or_else(|| {
                        if known.is_empty() { Val::unknown().tainted_by(&value) } else { Val::undefined() }
                    });
                    let element = match &open {
                        Some(filled) => self.maybe_element(element, filled, at == 0),
                        None => element,
                    };
                    let element = self.or_default(element, *default);
                    self.bind(pat, element);
                }
                if let Some((position, pat)) = rest {
                    let end = known.len().saturating_sub(items.len() - position);
                    let items = known.get(*position..end.max(*position)).map(<[Val]>::to_vec).unwrap_or_default();
                    let obj = Obj { more, ..Obj::array(items) };
                    let taint = value.taint;
                    let list = Val { taint, step: value.step, ..Val::of(Kind::Obj(self.store.new_obj(obj))) };
                    self.bind(pat, list);
                }
            }
        }
    }

    pub(super) fn or_default(&mut self, value: Val, default: Option<ExprId>) -> Val {
        let Some(default) = default else { return value };
        if matches!(value.kind, Kind::Undefined) {
            return self.eval(default);
        }
        let is_left_out = matches!(value.kind, Kind::Api(api, _) if is_setting(&self.apis.name(api)));
        let may_be_missing = matches!(value.kind, Kind::Unknown | Kind::Str | Kind::Union(_) | Kind::Num(None));
        if !may_be_missing && !is_left_out {
            return value;
        }
        let other = self.eval(default);
        if is_left_out {
            return self.join(&value, &other);
        }
        if matches!(other.kind, Kind::Obj(_)) && !matches!(value.kind, Kind::Unknown) {
            return value;
        }
        self.join_default(value, &other)
    }

    /// Join with a default value, which adds no fresh identity when the default is a constant.
    pub(super) fn join_default(&mut self, value: Val, default: &Val) -> Val {
        // A constant default is harmless; keeping the identity keeps the facts of checks made on the parameter.
        if default.taint.is_none()
            && value.is_tainted()
            && matches!(default.kind, Kind::Str | Kind::Num(_) | Kind::Bool(_) | Kind::Null | Kind::Undefined)
        {
            let mut joined = value;
            if let Some(text) = &joined.text {
                let props = text.props().join(&self.props(default));
                joined.text = Some(Rc::new(Text { known: props.into(), ..(**text).clone() }));
            }
            return joined;
        }
        self.join(&value, default)
    }

    pub(crate) fn cell_of(&self, var: Var) -> Option<CellId> {
        match var {
            Var::Local(slot) => self.frame().locals.get(slot as usize).copied(),
            Var::Capture(index) => self.frame().captures.get(index as usize).copied(),
            Var::Global(_) => None,
        }
    }

    fn set_var(&mut self, var: Var, value: Val) {
        if let Some(cell) = self.cell_of(var) {
            self.store.set_cell(cell, value);
        }
    }

    pub(super) fn get_var(&mut self, var: Var) -> Val {
        match var {
            Var::Global(name) => self.global(name),
            _ => match self.cell_of(var) {
                Some(cell) => self.store.cell(cell).clone(),
                None => Val::unknown(),
            },
        }
    }

    pub(crate) fn global(&mut self, name: Symbol) -> Val {
        let module = self.frame().module;
        if let Some(stars) = self.star_imports.get(&module).cloned() {
            for import in stars {
                match self.program.link_of(module, import).clone() {
                    Link::Module(target) => {
                        if let Some(value) = self.export(target, name, 0) {
                            return value;
                        }
                    }
                    Link::External(root, path) if !self.models.is_builtin(self.lang(), name) => {
                        let mut api = self.apis.root(root);
                        for field in path {
                            api = self.apis.step(api, ApiStep::Field(field));
                        }
                        let api = self.apis.step(api, ApiStep::Field(name));
                        return Val::of(Kind::Api(api, None));
                    }
                    _ => {}
                }
            }
        }
        match name.as_str() {
            "undefined" => Val::undefined(),
            "NaN" | "Infinity" => Val::of(Kind::Num(None)),
            _ => {
                let root = Symbol::new(if self.lang() == Lang::Python { "builtins" } else { "globalThis" });
                let root = self.apis.root(root);
                let is_self = matches!(name.as_str(), "globalThis" | "window" | "global" | "self")
                    && self.lang() == Lang::JavaScript;
                let api = if is_self { root } else { self.apis.step(root, ApiStep::Field(name)) };
                let api = self.models.canonical(&mut self.apis, api);
                Val::of(Kind::Api(api, None))
            }
        }
    }
}

/// Whether an access path is a variable of the environment or an option of the command line, which may be left out.
fn is_setting(api: &str) -> bool {
    api.starts_with("$env.") || api.contains(".opts().")
}
