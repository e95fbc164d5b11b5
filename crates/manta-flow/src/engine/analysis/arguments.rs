//! What handlers are called with.

use super::{HandlerCall, ParamFacts};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs, parse_path};
use crate::engine::report::Registration;
use crate::engine::schema::{Schema, Ty};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{FnId, Kind, Taint, Val};
use crate::ir::{Lang, ParamKind, Pat, Symbol};
use manta_core::{Location, Span};

pub(super) fn schema_params(schema: &Schema) -> Vec<ParamFacts> {
    schema
        .fields()
        .iter()
        .map(|(name, field)| ParamFacts {
            name: name.as_str().to_owned(),
            ty: field.type_name().to_owned(),
            constraints: field.constraints.clone(),
            is_optional: field.is_optional,
            description: field.description.clone(),
        })
        .collect()
}

impl<'p> Interp<'p> {
    /// Calls a handler with untrusted arguments; returns the parameters of Python-style handlers, and the answer.
    pub(crate) fn call_handler(&mut self, call: &HandlerCall<'_>) -> (Vec<ParamFacts>, Val) {
        let registration = call.registration;
        let Some(handler) = registration.handler.clone() else { return (Vec::new(), Val::undefined()) };
        let at = registration.at;
        self.in_module(registration.module, |interp| {
            let (args, params) =
                interp.handler_args(registration, &handler, call.dispatched.as_deref(), call.schema.as_ref(), at);
            let this = interp.handler_this(registration);
            let answer = interp.call_value(&handler, this, args, Span::default());
            (params, answer)
        })
    }

    fn handler_this(&mut self, registration: &Registration) -> Option<Val> {
        let this = registration.this.clone()?;
        // A decorated method was seen while its class was made: its receiver is some instance.
        if let Kind::Obj(id) = this.kind
            && matches!(self.store.obj(id).kind, ObjKind::Class(_))
        {
            if let Some(known) = self.found.instances.get(&id) {
                return Some(known.clone());
            }
            let args = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
            return Some(self.construct(&this, args, Span::default()));
        }
        Some(this)
    }

    fn handler_args(
        &mut self,
        registration: &Registration,
        handler: &Val,
        dispatched: Option<&str>,
        schema: Option<&Schema>,
        at: Location,
    ) -> (Args, Vec<ParamFacts>) {
        let enforced = registration.validates;
        let mut facts = Vec::new();
        let args = match registration.args {
            HandlerArgs::ObjectIfSchema if schema.is_none() => Args { rest: Some(Val::unknown()), ..Args::default() },
            HandlerArgs::Object | HandlerArgs::ObjectIfSchema => {
                let object = self.arguments_object(schema, enforced, at);
                Args { pos: vec![object], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::ObjectInContext => {
                let object = self.arguments_object(schema, enforced, at);
                let context = Symbol::new("context");
                if matches!(object.kind, Kind::Obj(id) if !self.store.obj(id).fields.contains_key(&context)) {
                    self.set_member(&object, context, object.clone(), Span::default());
                }
                Args { pos: vec![object], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::Request => {
                let request = self.request_object(registration.exposes, dispatched, schema, enforced, at);
                Args { pos: vec![request], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::ContextParams => {
                let request = self.request_object(registration.exposes, dispatched, schema, enforced, at);
                let params = self.get_member(&request, Symbol::new("params"), Span::default());
                Args::of(vec![Val::unknown(), params])
            }
            HandlerArgs::UriVariables if registration.uri.is_some() => {
                // A resource of a fixed address is asked for by that address.
                let uri = Val::str(registration.uri.as_deref().unwrap_or_default());
                let parsed = self.url_parse(&Args::of(vec![uri]), Span::default());
                Args { pos: vec![parsed], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::UriVariables => {
                let (taint, step) = self.source("uri".to_owned(), at);
                let uri = self.untrusted_text("uri", taint, step);
                let parsed = self.uri_object(&uri);
                let variables = self.arguments_object(None, false, at);
                Args { pos: vec![parsed, variables], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::Uri => {
                let (taint, step) = self.source("uri".to_owned(), at);
                Args::of(vec![self.untrusted_text("uri", taint, step)])
            }
            HandlerArgs::NameArguments => {
                let name = self.tool_name(dispatched);
                let object = self.arguments_object(schema, enforced, at);
                Args::of(vec![name, object])
            }
            HandlerArgs::CommandLine => {
                let (taint, step) = self.source("command line".to_owned(), at);
                // Operands or options: what is asked of them is asked by the name of an option.
                let parsed = Kind::Api(parse_path(&mut self.apis, "commander.Command().opts()"), None);
                Args {
                    rest: Some(Val { taint, step, vn: self.store.fresh_vn(), ..Val::of(parsed) }),
                    ..Args::default()
                }
            }
            HandlerArgs::HttpRequest => {
                let request = self.http_request(at);
                Args { pos: vec![request], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::HttpReceiver => self.received(handler, at),
            HandlerArgs::Message => self.message_args(registration.exposes, handler, dispatched, at),
            HandlerArgs::Named | HandlerArgs::HttpNamed => {
                return self.named_args(registration, handler, at);
            }
        };
        if let Some(schema) = schema {
            facts = schema_params(schema);
        }
        (args, facts)
    }

    pub(crate) fn tool_name(&mut self, dispatched: Option<&str>) -> Val {
        match dispatched {
            Some(name) => Val::str(name),
            None => {
                let vn = self.store.fresh_vn();
                self.found.mark_name(vn);
                Val { vn, taint: Taint::NONE, ..Val::with_props(crate::domain::StrProps::default()) }
            }
        }
    }

    pub(crate) fn untrusted_text(&mut self, param: &str, taint: Taint, step: u32) -> Val {
        let vn = self.store.fresh_vn();
        let value = Val { taint, step, vn, ..Val::with_props(crate::domain::StrProps::default()) };
        self.replayed(value, param)
    }

    /// The object of tool arguments.
    pub(crate) fn arguments_object(&mut self, schema: Option<&Schema>, enforced: bool, at: Location) -> Val {
        let (taint, step) = self.source("arguments".to_owned(), at);
        let value = match schema {
            Some(schema) => self.untrusted(Some(schema), enforced, taint, step, 0),
            None => {
                let kind = if self.lang() == Lang::Python { ObjKind::Dict } else { ObjKind::Plain };
                let vn = self.store.fresh_vn();
                let any = Val { taint, step, vn: self.element_vn(vn), ..Val::unknown() };
                let obj = Obj { any: Some(any), ..Obj::new(kind) };
                Val { taint, step, vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
        };
        // A plain `{}` schema of a low-level server is a dict in Python.
        if self.lang() == Lang::Python
            && let Kind::Obj(id) = value.kind
            && matches!(self.store.obj(id).kind, ObjKind::Plain)
        {
            self.store.obj_mut(id).kind = ObjKind::Dict;
        }
        // Who asks for all arguments meets the input that is followed among them.
        let followed = self.found.replay.as_ref().map(|replay| Symbol::new(&replay.param));
        if let Some(param) = followed.filter(|param| self.is_replayed(param.as_str()) && !param.as_str().contains('.'))
        {
            self.get_index(&value, &Val::str(param.as_str()), Span::default());
        }
        value
    }

    fn request_object(
        &mut self,
        exposes: Exposes,
        dispatched: Option<&str>,
        schema: Option<&Schema>,
        enforced: bool,
        at: Location,
    ) -> Val {
        let mut params = Obj::new(ObjKind::Plain);
        match exposes {
            Exposes::Resource => {
                let (taint, step) = self.source("uri".to_owned(), at);
                params.fields.insert(Symbol::new("uri"), self.untrusted_text("uri", taint, step));
            }
            _ => {
                let name = self.tool_name(dispatched);
                let object = self.arguments_object(schema, enforced, at);
                params.fields.insert(Symbol::new("name"), name);
                params.fields.insert(Symbol::new("arguments"), object);
            }
        }
        let params = Val::of(Kind::Obj(self.store.new_obj(params)));
        let mut request = Obj::new(ObjKind::Plain);
        request.fields.insert(Symbol::new("params"), params);
        request.fields.insert(Symbol::new("method"), Val::unknown());
        Val::of(Kind::Obj(self.store.new_obj(request)))
    }

    /// Resource callbacks get a URL object.
    fn uri_object(&mut self, uri: &Val) -> Val {
        let mut obj = Obj::new(ObjKind::Plain);
        for field in ["href", "pathname", "hostname", "host", "search"] {
            let value = if field == "href" {
                uri.clone()
            } else {
                let vn = self.store.fresh_vn();
                Val { vn, ..uri.clone() }
            };
            obj.fields.insert(Symbol::new(field), value);
        }
        obj.any = Some(Val { taint: uri.taint, step: uri.step, ..Val::unknown() });
        Val { taint: uri.taint, step: uri.step, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
    }

    fn http_request(&mut self, at: Location) -> Val {
        let (taint, step) = self.source("arguments".to_owned(), at);
        let mut obj = Obj::new(ObjKind::Plain);
        for field in ["body", "query", "params", "headers", "url"] {
            let vn = self.store.fresh_vn();
            obj.fields.insert(Symbol::new(field), Val { taint, step, vn, ..Val::unknown() });
        }
        // Its body comes in pieces: `for await (const chunk of req)`, `req.on("data", (chunk) => { … })`.
        for field in ["on", "once", "addListener"] {
            let vn = self.store.fresh_vn();
            obj.fields.insert(Symbol::new(field), Val { taint, step, vn, ..Val::unknown() });
        }
        obj.more = Some(Val { taint, step, vn: self.store.fresh_vn(), ..Val::unknown() });
        obj.any = Some(Val::unknown());
        Val::of(Kind::Obj(self.store.new_obj(obj)))
    }

    /// A request that the receiver of a handler is; what a path has in it comes as arguments.
    fn received(&mut self, handler: &Val, at: Location) -> Args {
        const FIELDS: [&str; 6] = ["path", "headers", "rfile", "requestline", "request", "get_argument"];
        let (taint, step) = self.source("arguments".to_owned(), at);
        if let Kind::Bound(bound) = &handler.kind {
            let receiver = bound.0.clone();
            for field in FIELDS {
                let value = Val { taint, step, vn: self.store.fresh_vn(), ..Val::unknown() };
                self.set_member(&receiver, Symbol::new(field), value, Span::default());
            }
        }
        Args { rest: Some(Val { taint, step, ..Val::unknown() }), ..Args::default() }
    }

    /// Python: each parameter is an argument, validated against its annotation where the SDK does.
    fn named_args(&mut self, registration: &Registration, handler: &Val, at: Location) -> (Args, Vec<ParamFacts>) {
        let mut args = Args::default();
        let mut facts = Vec::new();
        let Some(id) = self.closure_of(handler) else { return (args, facts) };
        let closure = self.store.closure(self.wrapped(id)).clone();
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let has_receiver = closure.takes_self && registration.this.is_some() || matches!(handler.kind, Kind::Bound(_));
        let skip = usize::from(closure.takes_self && has_receiver) + closure.bound.len();
        for param in func.params.iter().skip(skip) {
            let Some(name) = param.name else {
                if matches!(param.pat, Pat::Object { .. }) {
                    let object = self.arguments_object(registration.schema.as_ref(), registration.validates, at);
                    args.pos.push(object);
                }
                continue;
            };
            if matches!(name.as_str(), "self" | "cls" | "ctx" | "context") && param.annotation.is_none() {
                continue;
            }
            let param_at = Location::new(code.file, param.span);
            match param.kind {
                ParamKind::Rest => continue,
                ParamKind::KeywordRest => {
                    let (taint, step) = self.source("arguments".to_owned(), param_at);
                    args.named_rest = Some(Val { taint, step, ..Val::unknown() });
                    continue;
                }
                ParamKind::Normal | ParamKind::KeywordOnly => {}
            }
            let default = param.default.map(|default| self.in_signature(&closure, |interp| interp.eval(default)));
            if self.is_injected(&closure, param.annotation, default.as_ref()) {
                args.named.push((name, Val::unknown()));
                continue;
            }
            let schema = self.param_schema(&closure, param.annotation, default.as_ref());
            let (value, mut fact) = self.named_arg(name, schema, registration.validates, param_at);
            fact.is_optional = param.default.is_some();
            facts.push(fact);
            args.named.push((name, value));
        }
        self.wrapper_args(id, &mut args, &mut facts);
        (args, facts)
    }

    /// One argument by name, and what is declared of it.
    fn named_arg(&mut self, name: Symbol, schema: Option<Schema>, enforced: bool, at: Location) -> (Val, ParamFacts) {
        let (taint, step) = self.source(name.as_str().to_owned(), at);
        let value = self.untrusted(schema.as_ref(), enforced, taint, step, 1);
        let value = match &schema {
            Some(schema) if enforced && matches!(schema.ty, Ty::Any | Ty::Str) && self.is_replayed(name.as_str()) => {
                let witness = self.replayed(value, name.as_str());
                self.admitted(witness, schema)
            }
            None | Some(Schema { ty: Ty::Any | Ty::Str, .. }) => self.replayed(value, name.as_str()),
            _ => value,
        };
        let fact = ParamFacts {
            name: name.as_str().to_owned(),
            ty: schema.as_ref().map_or("any", Schema::type_name).to_owned(),
            constraints: schema.as_ref().map(|schema| schema.constraints.clone()).unwrap_or_default(),
            is_optional: false,
            description: schema.and_then(|schema| schema.description),
        };
        (value, fact)
    }

    /// Whether a signature was given another result and keeps its parameters, which are those of the function in it:
    /// `inspect.signature(function).replace(return_annotation=str)`.
    fn keeps_parameters(&self, signature: &Val) -> bool {
        let Kind::Api(api, Some(data)) = signature.kind else { return false };
        let call = self.store.obj(data);
        let replaces = !call.items.is_empty() || call.fields.contains_key(&Symbol::new("$parameters"));
        &*self.apis.name(api) == "inspect.signature().replace()" && !replaces
    }

    /// What a wrapper asks for itself: the function in it gets something else, made of that (`path` and a repository).
    fn wrapper_args(&mut self, id: FnId, args: &mut Args, facts: &mut Vec<ParamFacts>) {
        if self.wrapped(id) == id {
            return;
        }
        let closure = self.store.closure(id).clone();
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let signature = Symbol::new("__signature__");
        let signature = closure.props.and_then(|props| self.store.obj(props).fields.get(&signature));
        let has_signature = signature.is_some_and(|signature| !self.keeps_parameters(signature));
        for param in func.params.iter().skip(usize::from(closure.takes_self)) {
            let at = Location::new(code.file, param.span);
            match (param.kind, param.name) {
                // Whatever the signature names that was put in its place.
                (ParamKind::KeywordRest, _) if has_signature => {
                    let (taint, step) = self.source("arguments".to_owned(), at);
                    args.named_rest = Some(Val { taint, step, ..Val::unknown() });
                }
                (ParamKind::Normal | ParamKind::KeywordOnly, Some(name))
                    if param.default.is_none() && args.named.iter().all(|(known, _)| *known != name) =>
                {
                    let schema = self.param_schema(&closure, param.annotation, None);
                    let (value, fact) = self.named_arg(name, schema, false, at);
                    args.named.push((name, value));
                    facts.push(fact);
                }
                _ => {}
            }
        }
    }
}
