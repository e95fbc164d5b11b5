//! `receiver.name`: fields, methods, attributes of classes and of what lies outside.

use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::Cond;
use crate::engine::interp::{Args, Interp};
use crate::engine::ops::is_error_class;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{FnId, Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};
use manta_core::Span;
use std::rc::Rc;

/// Attributes that Python paths have and strings do not.
const PATH_PARTS: [&str; 7] = ["parent", "parents", "parts", "name", "stem", "suffix", "suffixes"];

/// Methods of pydantic's models that give the data of a model in another form.
const DATA_METHODS: [&str; 6] = ["model_dump", "model_dump_json", "model_copy", "dict", "json", "copy"];

/// Methods of functions, which classes are.
pub(super) fn is_function_method(name: Symbol) -> bool {
    matches!(name.as_str(), "bind" | "call" | "apply" | "toString" | "length")
}

/// The length of a list that is empty unless the administrator fills it.
pub(super) fn usually_none() -> Val {
    let cond = Cond { by_default: Some(false), ..Cond::default() };
    Val { cond: Some(Rc::new(cond)), text: Some(Rc::default()), ..Val::of(Kind::Num(None)) }
}

impl Interp<'_> {
    /// Whether an error of the language, made of a text, has no such member: `error.response` is that of another one.
    pub(super) fn is_missing_in_error(&self, api: ApiId, name: Symbol) -> bool {
        const OWN: [&str; 9] =
            ["message", "stack", "cause", "name", "errors", "toString", "valueOf", "constructor", "hasOwnProperty"];
        self.lang() == Lang::JavaScript && !OWN.contains(&name.as_str()) && {
            self.apis.name(api).strip_suffix("()").is_some_and(is_error_class)
        }
    }

    /// `receiver.name`.
    pub(crate) fn get_member(&mut self, receiver: &Val, name: Symbol, span: Span) -> Val {
        if let Some(made) = self.lifespan_context(receiver, name) {
            return made;
        }
        if self.is_answer(receiver) && !self.is_builtin_method(name) {
            return self.get_member(&Self::as_record(receiver), name, span);
        }
        // `(async () => {}).constructor` compiles code as `Function` does.
        if matches!(receiver.kind, Kind::Fn(_)) && name.as_str() == "constructor" && self.lang() == Lang::JavaScript {
            let global = self.apis.root(Symbol::new("globalThis"));
            return Val::of(Kind::Api(self.apis.step(global, ApiStep::Field(Symbol::new("Function"))), None));
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
                if let Some(value) = self
                    .found
                    .globals
                    .filter(|_| self.is_global_object(*api))
                    .and_then(|globals| self.store.obj(globals).fields.get(&name).cloned())
                {
                    return value;
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
                    // A list that may be empty is followed as the empty one where that is what nobody configured.
                    let lengths = results.iter().map(|length| match length.kind {
                        Kind::Num(Some(length)) => Some(length),
                        _ => None,
                    });
                    if let Some(lengths) = lengths.collect::<Option<Vec<f64>>>()
                        && let Some(least) = lengths.into_iter().reduce(f64::min)
                        && (least > 0.0 || self.is_of_configuration(&values))
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
                // An answer of `dns.resolver`, which reads like its text.
                ("address", Lang::Python) => receiver.clone(),
                (_, Lang::Python) if PATH_PARTS.contains(&name.as_str()) => self.path_part(receiver, name.as_str()),
                // A witness stands for what nobody declared, too, which may be an object that has it there.
                (_, Lang::JavaScript)
                    if self.found.replay.is_some()
                        && receiver.is_tainted()
                        && receiver.literal().is_some()
                        && !self.is_builtin_method(name)
                        && !self.is_object_method(name) =>
                {
                    receiver.clone()
                }
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
                    "prototype" if self.lang() == Lang::JavaScript => self.new_prototype(*id),
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
                if self.lang() == Lang::Python
                    && matches!(name.as_str(), "parent" | "parents" | "parts" | "stem" | "suffix")
                {
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
            "stem" | "suffix" => {
                let own = self.props(path);
                let props = if name == "stem" { own.path_stem() } else { own.path_suffix() };
                self.text_val(props, path)
            }
            _ => {
                let props = self.props(path).basename();
                self.text_val(props, path)
            }
        }
    }

    /// Reading the same field of the same untrusted object twice gives the same value, so that a check of
    /// `args.path` holds for a later `args.path`.
    pub(super) fn field_of_untrusted(&mut self, receiver: &Val, name: Symbol, value: Val, span: Span) -> Val {
        if receiver.vn != 0
            && let Some(known) = self.field_vns.get(&(receiver.vn, name))
        {
            return known.clone();
        }
        // How a program ended is nothing that it printed.
        if self.found.followed.is_some()
            && matches!(name.as_str(), "returncode" | "exitCode" | "status" | "code" | "pid")
        {
            return Val::of(Kind::Num(None));
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

    /// How many elements a list or set has, where that is known.
    pub(crate) fn exact_length(&self, id: ObjId) -> Option<u32> {
        let obj = self.store.obj(id);
        let is_exact = matches!(obj.kind, ObjKind::Array | ObjKind::Set)
            && obj.more.is_none()
            && obj.any.is_none()
            && !obj.is_configured
            && obj.doubts.is_none()
            && !self.evidence.contains_key(&id);
        is_exact.then(|| u32::try_from(obj.items.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn object_member(&mut self, receiver: &Val, id: ObjId, name: Symbol, span: Span) -> Val {
        let obj = self.store.obj(id);
        match &obj.kind {
            ObjKind::Dict => return Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
            ObjKind::Set if name.as_str() == "size" && obj.is_configured => return usually_none(),
            ObjKind::Set | ObjKind::Map if name.as_str() == "size" && self.lang() == Lang::JavaScript => {
                return match self.doubtful_length(id) {
                    Some(length) => length,
                    None => Val::of(Kind::Num(self.exact_length(id).map(f64::from))),
                };
            }
            ObjKind::Array if name.as_str() == "length" => {
                if let Some(length) = self.doubtful_length(id) {
                    return length;
                }
                return if obj.is_configured {
                    if self.found.replay.is_some() { Val::num(0.0) } else { usually_none() }
                } else if let Some(length) = self.exact_length(id) {
                    Val::num(f64::from(length))
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
                if let Some(value) = self.asked_for(receiver, class, "__getattr__", &Val::str(name.as_str()), span) {
                    return value;
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
    pub(super) fn read_any(&mut self, receiver: &Val, id: ObjId, any: Val, name: Symbol, span: Span) -> Val {
        // A copy of the environment: `dict(os.environ)["NAME"]`.
        if self.is_environment(&any) {
            return self.environment(name.as_str());
        }
        if any.is_tainted() {
            let at = self.here(span);
            // What is known of every field is known of this one.
            let of_each = self.store.fact(any.vn).cloned();
            let value = self.name_source(receiver, name, any, at);
            let value = Val { vn: self.store.fresh_vn(), ..value };
            let value = of_each.map_or(value.clone(), |fact| self.refined(&value, &fact));
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
            "__dict__" if self.lang() == Lang::Python => {
                let Kind::Obj(id) = receiver.kind else { return None };
                let fields = self.store.obj(id).fields.clone();
                let entries = Obj { fields, ..Obj::new(ObjKind::Dict) };
                return Some(Val::of(Kind::Obj(self.store.new_obj(entries))));
            }
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
        if let Some(collection) = self.collection_in(receiver) {
            let is_data = name.as_str() == "data" && self.lang() == Lang::Python;
            return Some(if is_data { collection } else { self.get_member(&collection, name, span) });
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

    /// Python: what a method of the class itself gives for a name or key that is asked for.
    pub(super) fn asked_for(&mut self, this: &Val, class: ObjId, method: &str, key: &Val, span: Span) -> Option<Val> {
        let asks_itself = key.literal().is_some_and(|name| name.starts_with("__"));
        if self.lang() != Lang::Python || asks_itself {
            return None;
        }
        let (method, _) = self.find_method(class, Symbol::new(method))?;
        Some(self.call_value(&method, Some(this.clone()), Args::of(vec![key.clone()]), span))
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
            // Whatever the class inherits from.
            "__subclasses__" => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
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

    fn is_global_object(&self, api: ApiId) -> bool {
        matches!(&*self.apis.name(api), "globalThis" | "globalThis.globalThis" | "globalThis.global")
    }

    /// What a function puts into the global object is there for others.
    fn set_global(&mut self, name: Symbol, value: Val) {
        if let Some(globals) = self.found.globals {
            self.store.obj_mut(globals).fields.insert(name, value);
        }
    }

    /// What a constructor function gives its objects, as far as anything was put there: `Pool.prototype.get = …`.
    pub(crate) fn prototype_of(&self, constructor: FnId) -> Option<Val> {
        let props = self.store.closure(constructor).props?;
        self.store.obj(props).fields.get(&Symbol::new("prototype")).cloned()
    }

    fn new_prototype(&mut self, constructor: FnId) -> Val {
        let prototype = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Plain))));
        let props = self.props_of(constructor);
        self.store.obj_mut(props).fields.insert(Symbol::new("prototype"), prototype.clone());
        prototype
    }

    /// The object that holds the properties of a function.
    fn props_of(&mut self, function: FnId) -> ObjId {
        self.store.closure(function).props.unwrap_or_else(|| {
            let props = self.store.give_props(function);
            self.mark_effect();
            props
        })
    }

    pub(super) fn read_field(&mut self, value: Val, receiver: &Val, span: Span) -> Val {
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
                if self.lang() == Lang::JavaScript {
                    self.set_url_part(id, name, &value, span);
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
                let props = self.props_of(*id);
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
            Kind::Module(module) => self.set_in_module(*module, name, value),
            Kind::Api(_, None) if self.is_environment(target) => self.set_environment(name, &value),
            Kind::Api(api, None) if self.is_global_object(*api) => self.set_global(name, value),
            _ => self.member_assigned(target, name, &value, span),
        }
    }
}
