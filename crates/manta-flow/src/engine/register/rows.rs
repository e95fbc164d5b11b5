//! Calls by which an SDK registers something, by the rows of the models.

use std::rc::Rc;

use manta_core::{Location, Span};

use crate::engine::api::ApiStep;
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs, RegisterRow};
use crate::engine::report::Registration;
use crate::engine::schema::{Schema, Ty};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// Most objects whose method takes all calls and is looked at once for each.
const MAX_RECEIVERS: usize = 3;

impl Interp<'_> {
    pub(crate) fn register(&mut self, row: &RegisterRow, data: Option<ObjId>, args: &Args, span: Span) {
        if row.handler == "decorated" && !args.pos.iter().any(|value| self.is_callable(value)) {
            // `@mcp.tool(...)`: the registration happens when the result decorates a function.
            return;
        }
        if row.args == HandlerArgs::HttpReceiver {
            // Classes derived from it are what answers.
            return;
        }
        let handler = match row.handler.as_str() {
            "last" => args.pos.iter().rev().find(|value| self.is_callable(value)).cloned(),
            "decorated" => args.pos.iter().find(|value| self.is_callable(value)).cloned(),
            selector => self.select(selector, args, None),
        };
        if handler.as_ref().is_some_and(|handler| self.is_of_a_tool(handler)) {
            return;
        }
        if handler.is_none() && row.handler.starts_with("kw:") {
            // An optional handler (`Server(on_call_tool=…)`) that this server does not have.
            return;
        }
        // `=text` is a constant: the method is said by the row, not by an argument.
        let name = row.name.as_ref().and_then(|selector| match selector.strip_prefix('=') {
            Some(text) => Some(Val::str(text)),
            None => self.select(selector, args, None),
        });
        if row.handler.starts_with("kw:") && name.as_ref().is_some_and(|name| self.tool_names(name).is_empty()) {
            // Made of an object whose name is not known: one wrapper for all tools, which are not known here.
            return;
        }
        let description = row.description.as_ref().and_then(|selector| self.select(selector, args, None));
        self.note_promises(name.as_ref(), handler.as_ref(), args);
        self.note_server(data, span);
        let schema = self.registered_schema(row, args);
        if row.args == HandlerArgs::ObjectIfSchema && schema.is_none() {
            // Without a schema the callback receives no arguments, only the request context.
            self.add_registration(row, name, description, None, handler, span, true, data);
            return;
        }
        if row.exposes == Exposes::Handler {
            let method = name.as_ref().and_then(|name| self.request_method(name));
            self.register_handler(row, method.as_deref(), handler, span);
            return;
        }
        if let Some(list) = handler.as_ref().filter(|value| matches!(value.kind, Kind::Obj(_)))
            && row.name.is_none()
        {
            self.register_objects(row, &list.clone(), span);
            return;
        }
        let before = self.found.registrations.len();
        self.add_registration(row, name, description, schema, handler, span, false, data);
        if row.args == HandlerArgs::UriVariables
            && let Some(uri) = args.get(1).and_then(Val::literal).filter(|uri| !uri.contains('{'))
        {
            for registration in &mut self.found.registrations[before..] {
                registration.uri = Some(uri.to_owned());
            }
        }
    }

    /// Whether a handler belongs to what was registered when the SDK made it: `add_tool(tool.fn, tool.name)` of a
    /// `tool = Tool.from_function(…)`.
    fn is_of_a_tool(&mut self, handler: &Val) -> bool {
        let Kind::Api(field, _) = handler.kind else { return false };
        let Some(made) = self.apis.parent(field) else { return false };
        let maker = if self.apis.last(made) == ApiStep::Call { self.apis.parent(made) } else { None };
        let models = self.models;
        maker
            .and_then(|maker| self.model_index(maker))
            .is_some_and(|index| models.get(index).registers.iter().any(|row| row.exposes == Exposes::Tool))
    }

    fn registered_schema(&mut self, row: &RegisterRow, args: &Args) -> Option<Schema> {
        match row.schema.as_deref() {
            // Overloaded: the first argument between name and handler that is a schema or a shape of schemas.
            Some("any") => {
                let handler = args.pos.iter().rposition(|value| self.is_callable(value)).unwrap_or(args.pos.len());
                let between: Vec<Val> = args.pos[..handler].iter().skip(1).cloned().collect();
                let read = between.iter().find_map(|value| {
                    (self.may_be_shape(value) && !self.is_annotations(value)).then(|| self.as_schema(value)).flatten()
                });
                // One that cannot be read (of another package, made by a function that is not followed) takes anything.
                read.or_else(|| {
                    let takes_arguments = args.pos.get(handler).is_some_and(|handler| self.takes_parameters(handler));
                    let is_unread = |(at, value): (usize, &Val)| {
                        self.may_hold_shape(value) && !self.is_annotations(value) && (at > 0 || takes_arguments)
                    };
                    between.iter().enumerate().any(is_unread).then(|| Schema::new(Ty::Object(Rc::default(), true)))
                })
            }
            Some(selector) => {
                let value = self.select(selector, args, None)?;
                self.as_schema(&value)
                    .or_else(|| (!value.is_nullish()).then(|| Schema::new(Ty::Object(Rc::default(), true))))
            }
            None => None,
        }
    }

    /// Whether a value is a schema or an object of them, or may be: one of several of which one is.
    fn may_be_shape(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Obj(_) | Kind::Schema(_) => true,
            Kind::Union(values) => values.iter().any(|value| self.may_be_shape(value)),
            _ => false,
        }
    }

    /// Whether a value is no text and no list, so that it may be a schema that is not understood.
    fn may_hold_shape(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Unknown | Kind::Api(..) | Kind::Schema(_) => true,
            Kind::Obj(id) => !self.store.obj(*id).is_sequence(),
            Kind::Union(values) => values.iter().any(|value| self.may_hold_shape(value)),
            _ => false,
        }
    }

    /// Whether a handler does anything with what it is given.
    fn takes_parameters(&self, handler: &Val) -> bool {
        self.closure_of(handler).is_some_and(|id| {
            let closure = self.store.closure(self.wrapped(id));
            let func = self.program.module(closure.module).func(closure.func);
            func.params.len() > closure.bound.len()
        })
    }

    /// `{ readOnlyHint: true }` is no parameter shape; `{ title: z.string() }` is one.
    pub(super) fn is_annotations(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj(id);
                let is_annotation = |(key, value): (&Symbol, &Val)| {
                    (key.as_str().ends_with("Hint") || key.as_str() == "title")
                        && !matches!(value.kind, Kind::Schema(_))
                };
                !obj.fields.is_empty() && obj.fields.iter().all(is_annotation)
            }
            _ => false,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a registration is what it is")]
    pub(super) fn add_registration(
        &mut self,
        row: &RegisterRow,
        name: Option<Val>,
        description: Option<Val>,
        schema: Option<Schema>,
        handler: Option<Val>,
        span: Span,
        no_args: bool,
        server: Option<ObjId>,
    ) {
        let names = match &name {
            Some(name) => self.name_texts(name),
            None => vec![handler.as_ref().and_then(|handler| self.function_name(handler))],
        };
        let validates = row.validates && self.version_validates(row);
        for name in names {
            let at = self.found.decorated_at.unwrap_or_else(|| self.here(span));
            let args = if no_args { HandlerArgs::ObjectIfSchema } else { row.args };
            let module = self.frame().module;
            let registration = Registration {
                name: name.or_else(|| handler.as_ref().and_then(|handler| self.function_name(handler))),
                description: description
                    .as_ref()
                    .and_then(said)
                    .or_else(|| handler.as_ref().and_then(|handler| self.function_doc(handler))),
                schema: schema.clone(),
                validates,
                server,
                ..Registration::handler(row.exposes, &row.sdk, module, at, handler.clone(), args)
            };
            self.push_registration(registration);
        }
    }

    /// The names a tool may have, as far as they are constant.
    pub(crate) fn tool_names(&self, name: &Val) -> Vec<String> {
        self.name_texts(name).into_iter().flatten().collect()
    }

    /// The texts a name may have. No tool is called nothing: where a name comes out empty (what is left of a base class's
    /// own, where the classes below it are the tools), it is not known.
    fn name_texts(&self, name: &Val) -> Vec<Option<String>> {
        self.said_names(name).into_iter().map(|name| name.filter(|name| !name.is_empty())).collect()
    }

    /// The texts a name may have as the program says them; a computed part is shown as `*`.
    fn said_names(&self, name: &Val) -> Vec<Option<String>> {
        if let Some(names) = name.literals() {
            return names.iter().map(|name| Some(name.to_string())).collect();
        }
        // `process.env.NAME || "search"`: the name it has unless configured otherwise.
        let known: Vec<Option<String>> =
            name.alternatives().iter().filter_map(Val::literal).map(|name| Some(name.to_owned())).collect();
        if !known.is_empty() {
            return known;
        }
        let parts = name.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
        if parts.is_empty() {
            return vec![None];
        }
        let text: String = parts
            .iter()
            .map(|part| match part {
                crate::engine::value::Part::Lit(text) => text.to_string(),
                crate::engine::value::Part::Hole(_) => "*".to_owned(),
            })
            .collect();
        vec![Some(text)]
    }

    /// Keeps a registration, once.
    pub(crate) fn push_registration(&mut self, registration: Registration) {
        // What a handler registers while it runs is gone with its run.
        if self.found.is_running_handler {
            return;
        }
        self.mark_effect();
        let function = |interp: &Self, value: &Option<Val>| {
            value.as_ref().and_then(|value| interp.closure_of(value)).map(|id| {
                let closure = interp.store.closure(id);
                (closure.module, closure.func, closure.captures.first().copied())
            })
        };
        let own = function(self, &registration.handler);
        let same = self.found.registrations.iter().filter(|known| {
            known.exposes == registration.exposes
                && known.name == registration.name
                && known.at == registration.at
                && function(self, &known.handler) == own
        });
        // A method that takes all calls does with each object what that one was made with.
        let takes_all = registration.sdk == crate::engine::jsonrpc::SDK;
        let is_known = if takes_all {
            let receivers: Vec<Option<ObjId>> = same.map(receiver).collect();
            receivers.contains(&receiver(&registration)) || receivers.len() >= MAX_RECEIVERS
        } else {
            same.count() > 0
        };
        if !is_known && self.found.registrations.len() < 5_000 {
            self.found.registrations.push(registration);
        }
    }

    pub(super) fn version_validates(&self, row: &RegisterRow) -> bool {
        let Some(rule) = &row.validates_since else { return true };
        let Some((package, since)) = rule.split_once(">=") else { return true };
        let module = self.frame().module;
        let path = self.program.module(module).path.clone();
        match self.program.resolver(module).dependency(&path, package.trim()) {
            Some(version) => at_least(&version, since.trim()),
            None => false,
        }
    }

    /// `CallToolRequestSchema`, `"tools/call"`, `types.CallToolRequest`, a bundled zod schema with a method literal.
    pub(super) fn request_method(&self, value: &Val) -> Option<String> {
        if let Some(text) = value.literal() {
            return Some(text.to_owned());
        }
        match &value.kind {
            Kind::Api(api, _) => match self.apis.last(*api) {
                ApiStep::Field(name) => Some(method_of_schema(name.as_str())?.to_owned()),
                _ => None,
            },
            Kind::Schema(schema) => schema
                .fields()
                .iter()
                .find(|(name, _)| name.as_str() == "method")
                .and_then(|(_, field)| field.props.as_literal().map(str::to_owned)),
            _ => None,
        }
    }

    pub(super) fn register_handler(
        &mut self,
        row: &RegisterRow,
        method: Option<&str>,
        handler: Option<Val>,
        span: Span,
    ) {
        let exposes = match method {
            Some("tools/call") => Exposes::Tool,
            Some("resources/read") => Exposes::Resource,
            Some("prompts/get") => Exposes::Prompt,
            Some("completion/complete") => Exposes::Completion,
            Some("tools/list") => {
                if let Some(handler) = handler {
                    self.read_tool_list(&handler, span);
                }
                return;
            }
            _ => return,
        };
        let args = match row.args {
            HandlerArgs::ContextParams => HandlerArgs::ContextParams,
            _ => HandlerArgs::Request,
        };
        let (module, at) = (self.frame().module, self.here(span));
        self.push_registration(Registration::handler(exposes, &row.sdk, module, at, handler, args));
    }

    /// Runs a list handler and keeps what it announces. Lists are read again when the program is loaded.
    pub(crate) fn read_tool_list(&mut self, handler: &Val, span: Span) {
        self.found.list_handlers.push((handler.clone(), self.here(span), self.frame().module));
    }

    /// Reads the tools of a list result.
    pub(crate) fn read_listed(&mut self, result: &Val, at: Location) {
        let tools = match result.kind {
            Kind::Obj(id) if self.store.obj(id).is_sequence() => result.clone(),
            // The answer of a server without an SDK is a whole message.
            Kind::Obj(id) if self.store.obj(id).fields.contains_key(&Symbol::new("jsonrpc")) => {
                let inner = self.get_index(result, &Val::str("result"), Span::default());
                self.get_index(&inner, &Val::str("tools"), Span::default())
            }
            _ => self.get_index(result, &Val::str("tools"), Span::default()),
        };
        let (items, more) = self.elements_of(&tools, Span::default());
        for item in items.into_iter().chain(more) {
            for item in item.alternatives().to_vec() {
                self.read_listed_tool(&item, at);
            }
        }
    }

    fn read_listed_tool(&mut self, item: &Val, at: Location) {
        let field = |interp: &mut Self, names: &[&str]| {
            names.iter().find_map(|name| {
                let value = match &item.kind {
                    // `Tool(name=…)` of the Python SDK keeps its arguments.
                    Kind::Api(_, Some(data)) => interp.store.obj(*data).given(name).cloned(),
                    Kind::Obj(id) => interp.store.obj(*id).fields.get(&Symbol::new(name)).cloned(),
                    _ => None,
                };
                value.filter(|value| !value.is_nullish())
            })
        };
        let Some(name) = field(self, &["name"]) else { return };
        self.note_promises_of(item, Span::default());
        let description = field(self, &["description"]).as_ref().and_then(said);
        let schema =
            field(self, &["inputSchema", "input_schema", "parameters"]).and_then(|value| self.as_schema(&value));
        for name in self.name_texts(&name).into_iter().flatten() {
            if !self.found.listed.iter().any(|(known, ..)| *known == name) {
                self.found.listed.push((name, description.clone(), schema.clone(), at));
            }
        }
    }
}

/// Request schemas of the SDKs, by exported name.
fn method_of_schema(name: &str) -> Option<&'static str> {
    Some(match name {
        "CallToolRequestSchema" | "CallToolRequest" => "tools/call",
        "ListToolsRequestSchema" | "ListToolsRequest" => "tools/list",
        "ReadResourceRequestSchema" | "ReadResourceRequest" => "resources/read",
        "GetPromptRequestSchema" | "GetPromptRequest" => "prompts/get",
        "CompleteRequestSchema" | "CompleteRequest" => "completion/complete",
        _ => return None,
    })
}

/// Whether a version or range as written reaches `since` (numeric components; a range counts by its lower bound).
fn at_least(version: &str, since: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        text[start..]
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .next()
            .unwrap_or_default()
            .split('.')
            .map_while(|part| part.parse().ok())
            .collect()
    };
    let version = numbers(version);
    !version.is_empty() && version >= numbers(since)
}

/// A text that is shown to a model, as far as it is constant; what is computed stands as `…`. `None` when nothing is known.
pub(crate) fn said(text: &Val) -> Option<String> {
    use crate::engine::value::Part;

    if let Some(text) = text.literal() {
        return Some(text.to_owned());
    }
    let parts = text.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
    let is_known = |part: &Part| matches!(part, Part::Lit(text) if !text.trim().is_empty());
    parts.iter().any(is_known).then(|| {
        parts.iter().fold(String::new(), |mut all, part| {
            all.push_str(match part {
                Part::Lit(text) => text,
                Part::Hole(_) => "…",
            });
            all
        })
    })
}

/// The object that a handler is a method of.
fn receiver(registration: &Registration) -> Option<ObjId> {
    match &registration.handler.as_ref()?.kind {
        Kind::Bound(bound) => match bound.0.kind {
            Kind::Obj(id) => Some(id),
            _ => None,
        },
        _ => None,
    }
}
