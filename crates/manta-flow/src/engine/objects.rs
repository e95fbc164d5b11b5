//! Reading and writing fields, elements and collections.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::{CharSet, StrProps};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::{Cond, Fact};
use crate::engine::interp::{Args, Interp, key_name};
use crate::engine::schema::Schema;
use crate::engine::slices::key_index;
use crate::engine::store::{Obj, ObjKind, is_same};
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, ModId, ObjId, Taint, Val};
use crate::ir::{Lang, Symbol};

/// Attributes that Python paths have and strings do not.
const PATH_PARTS: [&str; 7] = ["parent", "parents", "parts", "name", "stem", "suffix", "suffixes"];

/// Methods of pydantic's models that give the data of a model in another form.
const DATA_METHODS: [&str; 6] = ["model_dump", "model_dump_json", "model_copy", "dict", "json", "copy"];

impl Interp<'_> {
    /// Whether an error of the language, made of a text, has no such member: `error.response` is that of another one.
    fn is_missing_in_error(&self, api: ApiId, name: Symbol) -> bool {
        const OWN: [&str; 9] =
            ["message", "stack", "cause", "name", "errors", "toString", "valueOf", "constructor", "hasOwnProperty"];
        self.lang() == Lang::JavaScript && !OWN.contains(&name.as_str()) && {
            let path = self.apis.name(api);
            path.strip_prefix("globalThis.").is_some_and(|class| !class.contains('.') && class.ends_with("Error()"))
        }
    }

    /// `receiver.name`.
    pub(crate) fn get_member(&mut self, receiver: &Val, name: Symbol, span: Span) -> Val {
        if let Some(made) = self.lifespan_context(receiver, name, span) {
            return made;
        }
        if self.is_answer(receiver) && !self.is_builtin_method(name) {
            return self.get_member(&Self::as_record(receiver), name, span);
        }
        match &receiver.kind {
            Kind::Obj(id) => self.object_member(receiver, *id, name, span),
            Kind::Module(module) => self
                .export(*module, name, 0)
                .unwrap_or_else(|| if name.as_str() == "default" { receiver.clone() } else { Val::unknown() }),
            Kind::Api(api, data) => {
                if let Some(data) = *data {
                    if let Some(value) = self.store.obj(data).fields.get(&name).cloned() {
                        return self.read_field(value, receiver, span);
                    }
                    if let ObjKind::Instance(class) = self.store.obj(data).kind
                        && let Some(value) = self.instance_member(receiver, class, name, span)
                    {
                        return value;
                    }
                }
                if name.as_str() == "default" {
                    return receiver.clone();
                }
                if let Some(value) = self.api_property(*api, *data, receiver, name) {
                    return value;
                }
                if self.is_missing_in_error(*api, name) {
                    return Val::unknown();
                }
                let next = self.apis.step(*api, ApiStep::Field(name));
                let next = self.models.canonical(&mut self.apis, next);
                if let Some(source) = self.source_read(next, span) {
                    return source;
                }
                let value = Val { taint: receiver.taint, step: receiver.step, ..Val::of(Kind::Api(next, *data)) };
                if receiver.is_tainted() { self.field_of_untrusted(receiver, name, value, span) } else { value }
            }
            Kind::Union(values) => {
                let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
                let fact = self.store.fact(receiver.vn).cloned();
                let mut results = Vec::new();
                for value in &values {
                    let value = match &fact {
                        Some(fact) => self.refined(value, fact),
                        None => value.clone(),
                    };
                    results.push(self.get_member(&value, name, span));
                }
                if name.as_str() == "length" && self.found.replay.is_some() {
                    // A list that may be empty is followed as the empty one, which is what nobody configured.
                    let lengths = results.iter().map(|length| match length.kind {
                        Kind::Num(Some(length)) => Some(length),
                        _ => None,
                    });
                    if let Some(lengths) = lengths.collect::<Option<Vec<f64>>>()
                        && let Some(least) = lengths.into_iter().reduce(f64::min)
                    {
                        return Val::num(least);
                    }
                }
                let is_unset = name.as_str() == "length" && self.is_empty_by_default(&values);
                let joined = self.join_all(results).unwrap_or_else(Val::undefined);
                if is_unset { usually_none() } else { joined }
            }
            Kind::Str => match (name.as_str(), self.lang()) {
                ("length", Lang::JavaScript) => Val::of(Kind::Num(None)),
                // A member of a string enumeration, as the SDK hands it over.
                ("value", Lang::Python) if self.props(receiver).is_finite() => receiver.clone(),
                (_, Lang::Python) if PATH_PARTS.contains(&name.as_str()) => self.path_part(receiver, name.as_str()),
                _ => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
            },
            Kind::Fn(id) => {
                if let Some(props) = self.store.closure(*id).props
                    && let Some(value) = self.store.obj(props).fields.get(&name).cloned()
                {
                    return value;
                }
                match name.as_str() {
                    "name" | "__name__" | "__qualname__" => {
                        let closure = self.store.closure(*id);
                        let func = self.program.module(closure.module).func(closure.func);
                        func.name.map_or_else(Val::unknown, |name| Val::str(name.as_str()))
                    }
                    "__doc__" => {
                        let closure = self.store.closure(*id);
                        let func = self.program.module(closure.module).func(closure.func);
                        func.doc.clone().map_or_else(Val::null, Val::arc_str)
                    }
                    _ => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
                }
            }
            Kind::Schema(schema) => self.schema_member(&schema.clone(), receiver, name),
            Kind::Undefined | Kind::Null => Val::undefined(),
            Kind::Unknown if receiver.is_tainted() => {
                let value = Val { taint: receiver.taint, step: receiver.step, ..Val::unknown() };
                if self.is_builtin_method(name) {
                    return Val::of(Kind::Method(Rc::new((receiver.clone(), name))));
                }
                if self.lang() == Lang::Python && matches!(name.as_str(), "parent" | "parents" | "stem" | "suffix") {
                    return self.path_part(receiver, name.as_str());
                }
                self.field_of_untrusted(receiver, name, value, span)
            }
            _ => {
                if let (Kind::Num(_) | Kind::Bool(_), "length") = (&receiver.kind, name.as_str()) {
                    return Val::of(Kind::Num(None));
                }
                Val::of(Kind::Method(Rc::new((receiver.clone(), name))))
            }
        }
    }

    /// Attributes of a Python path.
    fn path_part(&mut self, path: &Val, name: &str) -> Val {
        match name {
            "parent" => self.path_parent(path),
            "parents" => {
                let parent = self.path_parent(path);
                let vn = self.store.fresh_vn();
                self.parent_lists.insert(vn, path.clone());
                Val { vn, ..self.new_array(Vec::new(), Some(parent)) }
            }
            "parts" => self.split_text(path, Some(&Val::str("/")), Span::default()),
            _ => {
                let props = self.props(path).basename();
                self.text_val(props, path)
            }
        }
    }

    /// Reading the same field of the same untrusted object twice gives the same value, so that a check of
    /// `args.path` holds for a later `args.path`.
    fn field_of_untrusted(&mut self, receiver: &Val, name: Symbol, value: Val, span: Span) -> Val {
        if receiver.vn != 0
            && let Some(known) = self.field_vns.get(&(receiver.vn, name))
        {
            return known.clone();
        }
        let at = self.here(span);
        let value = self.state_of_request(receiver, name, at).unwrap_or(value);
        let value = self.name_source(receiver, name, value, at);
        let value = Val { vn: self.store.fresh_vn(), ..value };
        if receiver.vn != 0 {
            self.field_vns.insert((receiver.vn, name), value.clone());
        }
        value
    }

    fn object_member(&mut self, receiver: &Val, id: ObjId, name: Symbol, span: Span) -> Val {
        let obj = self.store.obj(id);
        match &obj.kind {
            ObjKind::Dict => return Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
            ObjKind::Set if name.as_str() == "size" && obj.is_configured => return usually_none(),
            ObjKind::Array if name.as_str() == "length" => {
                if let Some(evidence) = self.evidence.get(&id) {
                    return Val {
                        cond: Some(Rc::new(evidence.clone())),
                        text: Some(Rc::default()),
                        ..Val::of(Kind::Num(None))
                    };
                }
                return if obj.is_configured {
                    if self.found.replay.is_some() { Val::num(0.0) } else { usually_none() }
                } else if obj.more.is_none() && obj.any.is_none() {
                    Val::num(f64::from(u32::try_from(obj.items.len()).unwrap_or(u32::MAX)))
                } else if self.found.replay.is_some()
                    && obj.more.as_ref().is_some_and(|more| !self.is_of_witness(more.taint))
                {
                    // A witness is followed with one entry in each list that it is not in.
                    Val::num(f64::from(u32::try_from(obj.items.len().max(1)).unwrap_or(u32::MAX)))
                } else {
                    Val::of(Kind::Num(None))
                };
            }
            _ => {}
        }
        if let Some(value) = obj.fields.get(&name).cloned() {
            if let (ObjKind::Instance(class), Kind::Null) = (&obj.kind, &value.kind)
                && self.found.is_running_handler
                && self.is_set_later(*class, name)
            {
                return Val::of(Kind::Union(Rc::from([value, Val::unknown()])));
            }
            return self.read_field(value, receiver, span);
        }
        match &obj.kind {
            ObjKind::Instance(class) => {
                let class = *class;
                if let Some(value) = self.instance_member(receiver, class, name, span) {
                    return value;
                }
                if let Some(any) = self.store.obj(id).any.clone() {
                    return any;
                }
                Val::undefined_or_unknown(self.lang())
            }
            ObjKind::Class(_) => self.class_member(receiver, id, name, span),
            ObjKind::Array | ObjKind::Set | ObjKind::Map => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
            ObjKind::Plain | ObjKind::External | ObjKind::Dict => match obj.any.clone() {
                Some(any) => self.read_any(receiver, id, any, name, span),
                None if self.is_object_method(name) => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
                None => Val::undefined(),
            },
        }
    }

    /// Whether an attribute that a constructor leaves at `None` is given a value by other code of its class: by a tool
    /// that ran before, or when a connection was made.
    fn is_set_later(&mut self, class: ObjId, name: Symbol) -> bool {
        let Some(module) = self.class_val(class).map(|class| class.module) else { return false };
        if !self.set_later.contains_key(&module) {
            let code = self.program.module(module);
            let mut names = rustc_hash::FxHashSet::default();
            let is_constructor = |func: &&crate::ir::Func| func.name.is_some_and(|name| name.as_str() == "__init__");
            for func in code.funcs.iter().filter(|func| !is_constructor(func)) {
                crate::engine::config::each_stmt(&func.body, &mut |stmt| {
                    if let crate::ir::StmtKind::Let { pat: crate::ir::Pat::Member(_, name), value: Some(value) } =
                        &stmt.kind
                        && !matches!(code.expr(*value), crate::ir::Expr::Null)
                    {
                        names.insert(*name);
                    }
                });
            }
            self.set_later.insert(module, names);
        }
        self.set_later.get(&module).is_some_and(|names| names.contains(&name))
    }

    /// A field that the object may have: fixed on first reading, so that checks on it are remembered.
    fn read_any(&mut self, receiver: &Val, id: ObjId, any: Val, name: Symbol, span: Span) -> Val {
        if any.is_tainted() {
            let at = self.here(span);
            let value = self.name_source(receiver, name, any, at);
            let value = Val { vn: self.store.fresh_vn(), ..value };
            self.store.obj_mut(id).fields.insert(name, value.clone());
            return value;
        }
        any
    }

    fn instance_member(&mut self, receiver: &Val, class: ObjId, name: Symbol, span: Span) -> Option<Val> {
        if let Some((method, home)) = self.find_method(class, name) {
            let is_class_method = self.class_val(home).is_some_and(|class| class.class_methods.contains(&name));
            return Some(match method.kind {
                Kind::Accessor(Some(getter), _) => {
                    self.call_closure(getter, Some(receiver.clone()), Args::default(), span)
                }
                Kind::Accessor(None, _) => Val::undefined(),
                _ if is_class_method => Val::of(Kind::Bound(Rc::new((Val::of(Kind::Obj(class)), method)))),
                _ => Val::of(Kind::Bound(Rc::new((receiver.clone(), method)))),
            });
        }
        match name.as_str() {
            "constructor" | "__class__" => return Some(Val::of(Kind::Obj(class))),
            _ => {}
        }
        if self.lang() == Lang::Python
            && let Some(value) = self.find_static(class, name)
        {
            return Some(value);
        }
        if let Some(value) = self.annotated_field(class, name) {
            return Some(value);
        }
        // Members inherited from outside the target.
        let base = self.external_base(class)?;
        if DATA_METHODS.contains(&name.as_str()) && self.apis.name(base).starts_with("pydantic") {
            return Some(Val::of(Kind::Method(Rc::new((receiver.clone(), name)))));
        }
        let made = self.apis.step(base, ApiStep::Call);
        let api = self.apis.step(made, ApiStep::Field(name));
        let api = self.models.canonical(&mut self.apis, api);
        let data = match receiver.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) => Some(id),
            _ => None,
        };
        Some(Val::of(Kind::Api(api, data)))
    }

    fn class_member(&mut self, receiver: &Val, class: ObjId, name: Symbol, span: Span) -> Val {
        if let Some(value) = self.find_static(class, name) {
            return self.read_field(value, receiver, span);
        }
        if let Some((method, home)) = self.find_method(class, name) {
            let is_class_method = self.class_val(home).is_some_and(|class| class.class_methods.contains(&name));
            if is_class_method {
                return Val::of(Kind::Bound(Rc::new((Val::of(Kind::Obj(class)), method))));
            }
            return method;
        }
        match name.as_str() {
            "prototype" => {
                let mut proto = Obj::new(ObjKind::Plain);
                if let Some(class) = self.class_val(class) {
                    proto.fields = class.methods.clone();
                }
                Val::of(Kind::Obj(self.store.new_obj(proto)))
            }
            "name" | "__name__" => {
                let text =
                    self.class_val(class).and_then(|class| self.program.module(class.module).class(class.class).name);
                text.map_or_else(Val::unknown, |name| Val::str(name.as_str()))
            }
            _ => match self.external_base(class) {
                Some(base) => {
                    let api = self.apis.step(base, ApiStep::Field(name));
                    Val::of(Kind::Api(api, Some(class)))
                }
                // `if (!Pool.instance) Pool.instance = new Pool()`.
                None if self.lang() == Lang::JavaScript
                    && !self.is_object_method(name)
                    && !is_function_method(name) =>
                {
                    Val::undefined()
                }
                None => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
            },
        }
    }

    fn read_field(&mut self, value: Val, receiver: &Val, span: Span) -> Val {
        match value.kind {
            Kind::Accessor(Some(getter), _) => self.call_closure(getter, Some(receiver.clone()), Args::default(), span),
            Kind::Accessor(None, _) => Val::undefined(),
            _ => value,
        }
    }

    /// `target.name = value`.
    pub(crate) fn set_member(&mut self, target: &Val, name: Symbol, value: Val, span: Span) {
        match &target.kind {
            Kind::Obj(id) => {
                let id = *id;
                if let Some(Kind::Accessor(_, Some(setter))) =
                    self.store.obj(id).fields.get(&name).map(|value| &value.kind)
                {
                    let setter = *setter;
                    self.call_closure(setter, Some(target.clone()), Args::of(vec![value]), span);
                    return;
                }
                if let ObjKind::Instance(class) = self.store.obj(id).kind
                    && let Some((Val { kind: Kind::Accessor(_, Some(setter)), .. }, _)) = self.find_method(class, name)
                {
                    self.call_closure(setter, Some(target.clone()), Args::of(vec![value]), span);
                    return;
                }
                self.store.obj_mut(id).fields.insert(name, value.clone());
                self.member_assigned(target, name, &value, span);
            }
            Kind::Api(_, Some(data)) => {
                let data = *data;
                self.store.obj_mut(data).fields.insert(name, value.clone());
                self.member_assigned(target, name, &value, span);
            }
            Kind::Fn(id) => {
                let id = *id;
                let props = match self.store.closure(id).props {
                    Some(props) => props,
                    None => {
                        let props = self.store.give_props(id);
                        self.mark_effect();
                        props
                    }
                };
                self.store.obj_mut(props).fields.insert(name, value);
            }
            Kind::Union(values) => {
                for target in values.iter() {
                    if let Kind::Obj(id) = target.kind {
                        let before = self.store.obj(id).fields.get(&name).cloned();
                        let joined = match before {
                            Some(before) => self.join(&before, &value),
                            None => value.clone(),
                        };
                        self.store.obj_mut(id).fields.insert(name, joined);
                    }
                }
            }
            _ => self.member_assigned(target, name, &value, span),
        }
    }

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
                    _ => element,
                };
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
            if let ObjKind::Instance(class) = obj.kind
                && obj.fields.is_empty()
            {
                return self.dispatch_by_key(receiver, class, key);
            }
            let mut values: Vec<Val> =
                obj.fields.values().filter(|value| !matches!(value.kind, Kind::Accessor(..))).cloned().collect();
            values.extend(obj.any.clone());
            if let ObjKind::Instance(class) = obj.kind {
                values.push(self.dispatch_by_key(receiver, class, key));
            }
            if values.len() > 64 {
                values.truncate(64);
            }
            let picked = self.join_all(values).unwrap_or_else(Val::undefined);
            return self.picked_by(key, picked);
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
                let value = Val { taint: receiver.taint, step: receiver.step, ..Val::unknown() };
                let element = self.element_of(receiver, value, span);
                self.picked_by(key, element)
            }
        }
    }

    /// `Definition[Name]`, `FastMCP[Context]`: a class with its type arguments is the class. (`Colour["RED"]` is not.)
    fn is_generic_class(&self, receiver: &Val, key: &Val) -> bool {
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
    fn picked_by(&mut self, key: &Val, value: Val) -> Val {
        if self.lang() != Lang::JavaScript || self.taint_now(key).is_none() {
            return value;
        }
        let vn = if value.vn == 0 { self.store.fresh_vn() } else { value.vn };
        self.found.picked.insert(vn);
        Val { vn, ..value }
    }

    fn element_of(&mut self, receiver: &Val, value: Val, _span: Span) -> Val {
        let vn = self.element_vn(receiver.vn);
        Val { vn, ..value }
    }

    fn array_element(&mut self, receiver: &Val, obj: &Obj, key: &Val, span: Span) -> Val {
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
                let before = self.store.obj(id).any.clone();
                // Keys are untrusted data too: they come out again through iteration.
                let value = Val { taint: value.taint.union(key.taint), ..value };
                let joined = match before {
                    Some(before) => self.join(&before, &value),
                    None => value,
                };
                self.store.obj_mut(id).any = Some(joined);
            }
        }
    }

    pub(crate) fn push_array(&mut self, id: ObjId, value: Val) {
        if self.store.obj(id).more.is_none() && self.store.obj(id).items.len() < 512 {
            self.store.obj_mut(id).items.push(value);
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
    fn without_dash(&self, value: &Val) -> Val {
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
        let (items, more) = self.elements_of(value, span);
        self.push_all(id, items);
        if let Some(more) = more {
            self.add_more(id, more);
        }
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
                        if matches!(iterator.kind, Kind::Bound(_)) {
                            let result = self.call_value(&iterator, None, Args::default(), span);
                            if !matches!(&result.kind, Kind::Obj(other) if other == id) {
                                return self.elements_of(&result, span);
                            }
                        }
                        (Vec::new(), Some(Val::unknown().tainted_by(collection)))
                    }
                    ObjKind::Plain | ObjKind::External => {
                        let more = obj.any.clone().or_else(|| obj.more.clone());
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
            // A witness in place of a list is its only element.
            Kind::Str if self.found.replay.is_some() && collection.is_tainted() && collection.literal().is_some() => {
                (vec![collection.clone()], None)
            }
            Kind::Str => self.characters_of(collection),
            _ => {
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
        match &from.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                self.charge(obj.fields.len());
                for (key, value) in &obj.fields {
                    let value = self.read_field(value.clone(), from, Span::default());
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
    fn write_any(&mut self, into: ObjId, value: &Val, may_be: impl Fn(Symbol) -> bool) {
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

    /// A tainted key on an instance: `getattr(self, name)`, `this[name]()`. Any method may be meant.
    fn dispatch_by_key(&mut self, receiver: &Val, class: ObjId, key: &Val) -> Val {
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
            .take(32)
            .map(|(name, method)| (*name, method.clone()))
            .collect();
        for (name, _) in methods.iter().filter(|_| is_name) {
            self.found.add_name(name.as_str().strip_prefix(prefix.unwrap_or_default()).unwrap_or_default());
        }
        let methods: Vec<Val> =
            methods.into_iter().map(|(_, method)| Val::of(Kind::Bound(Rc::new((receiver.clone(), method))))).collect();
        self.join_all(methods).unwrap_or_else(|| Val::unknown().tainted_by(key))
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

impl Val {
    fn undefined_or_unknown(lang: Lang) -> Self {
        if lang == Lang::Python { Self::unknown() } else { Self::undefined() }
    }
}

/// Methods of functions, which classes are.
fn is_function_method(name: Symbol) -> bool {
    matches!(name.as_str(), "bind" | "call" | "apply" | "toString" | "length")
}

/// The length of a list that is empty unless the administrator fills it.
fn usually_none() -> Val {
    let cond = Cond { by_default: Some(false), ..Cond::default() };
    Val { cond: Some(Rc::new(cond)), text: Some(Rc::default()), ..Val::of(Kind::Num(None)) }
}

/// One list for several of which each has everything that the one before it has, and more in one place
/// (`["build", *rest]` and `["build", "--quiet", *rest]`): the longest. An argument list stays readable that way: a value
/// keeps the option it follows. None when they differ in another way.
fn merged_lists<'v>(mut lists: impl Iterator<Item = &'v [Val]>) -> Option<Vec<Val>> {
    let first = lists.next()?.to_vec();
    lists.try_fold(first, |merged, list| {
        let (short, long) = if merged.len() <= list.len() { (&*merged, list) } else { (list, &*merged) };
        let before = short.iter().zip(long).take_while(|(a, b)| is_same(a, b)).count();
        let behind = short[before..].iter().rev().zip(long.iter().rev()).take_while(|(a, b)| is_same(a, b)).count();
        (before + behind == short.len()).then(|| long.to_vec())
    })
}
