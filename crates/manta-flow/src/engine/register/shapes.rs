//! Registration without an SDK: objects and classes that look like a tool.

use manta_core::Span;

use super::SCHEMA_NAMES;
use crate::engine::api::ApiId;
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs, RegisterRow};
use crate::engine::report::Registration;
use crate::engine::schema::{Schema, Ty};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};

/// Members that run a tool in home-made registries.
const HANDLER_NAMES: [&str; 8] = ["execute", "handler", "run", "invoke", "call", "callback", "handle", "cb"];

impl Interp<'_> {
    /// Called for every object literal: tools are often plain data.
    pub(crate) fn object_built(&mut self, id: ObjId, span: Span) {
        if self.found.is_running_handler {
            return;
        }
        self.message_table_built(id, span);
        let obj = self.store.obj(id);
        if obj.fields.len() < 2 && !obj.fields.contains_key(&Symbol::new("tools")) {
            return;
        }
        if let Some(name) = obj.fields.get(&Symbol::new("name"))
            && let Some(name) = name.literal().map(str::to_owned)
            && is_tool_name(&name)
        {
            self.shape_candidate(id, name, span);
            return;
        }
        // `{ read_file: { description, parameters, execute } }`: the key is the name.
        let inner: Vec<(Symbol, ObjId)> = obj
            .fields
            .iter()
            .filter_map(|(key, value)| match value.kind {
                Kind::Obj(inner) if !self.store.obj(inner).fields.contains_key(&Symbol::new("name")) => {
                    Some((*key, inner))
                }
                _ => None,
            })
            .collect();
        for (key, inner) in inner {
            let has_description = self.store.obj(inner).fields.contains_key(&Symbol::new("description"));
            if has_description {
                self.shape_candidate(inner, key.as_str().to_owned(), span);
            }
        }
    }

    fn shape_candidate(&mut self, id: ObjId, name: String, span: Span) {
        let obj = self.store.obj_rc(id);
        let Some(handler) = HANDLER_NAMES
            .iter()
            .find_map(|name| obj.fields.get(&Symbol::new(name)).filter(|value| self.is_callable(value)))
        else {
            return;
        };
        let handler = handler.clone();
        let schema_value = SCHEMA_NAMES.iter().find_map(|name| obj.fields.get(&Symbol::new(name)).cloned());
        let schema = schema_value.and_then(|value| self.as_schema(&value));
        let description = obj.fields.get(&Symbol::new("description")).and_then(super::rows::said);
        let registration = Registration {
            description,
            schema,
            is_structural: true,
            this: Some(Val::of(Kind::Obj(id))),
            ..Registration::tool("structural", &name, self.frame().module, self.here(span), handler)
        };
        self.push_registration(registration);
    }

    /// Objects given to `addTool`, `addTools`: name, schema and handler are members.
    pub(super) fn register_objects(&mut self, row: &RegisterRow, list: &Val, span: Span) {
        let is_list = matches!(list.kind, Kind::Obj(id) if self.store.obj(id).is_sequence());
        let items = if is_list {
            let (items, more) = self.elements_of(list, span);
            items.into_iter().chain(more).collect()
        } else {
            vec![list.clone()]
        };
        for item in items {
            if matches!(item.kind, Kind::Fn(_) | Kind::Bound(_)) {
                // `FastMCP("s", tools=[search])`: a function that says itself what it is.
                self.add_registration(row, None, None, None, Some(item), span, false, None);
                continue;
            }
            if !matches!(item.kind, Kind::Obj(_)) {
                continue;
            }
            self.note_promises_of(&item, span);
            let name = self.get_member(&item, Symbol::new("name"), span);
            let description = self.get_member(&item, Symbol::new("description"), span);
            let schema = self.schema_of(&item, span);
            let handler = HANDLER_NAMES.iter().chain(&["load"]).find_map(|name| {
                let value = self.get_member(&item, Symbol::new(name), span);
                self.is_callable(&value).then_some(value)
            });
            self.add_registration(row, Some(name), Some(description), schema, handler, span, false, None);
        }
    }

    /// A method call on something unknown that looks like a registration (`server.tool("x", …, fn)` where the type of
    /// `server` was lost, or a bundled SDK).
    pub(crate) fn structural_method(&mut self, _receiver: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        if self.found.is_running_handler {
            return None;
        }
        self.registration_shape(name.as_str(), args, span).then(Val::unknown)
    }

    /// The same for calls below an unmodelled package (wrappers published as libraries).
    pub(crate) fn structural_call(&mut self, path: &str, _api: ApiId, _data: Option<ObjId>, args: &Args, span: Span) {
        if self.found.is_running_handler {
            return;
        }
        if let Some(method) = path.rsplit('.').next() {
            self.registration_shape(method, args, span);
        }
    }

    pub(crate) fn registration_shape(&mut self, method: &str, args: &Args, span: Span) -> bool {
        let function = args.pos.iter().rev().find(|value| matches!(value.kind, Kind::Fn(_) | Kind::Bound(_))).cloned();
        match method {
            "tool" | "registerTool" | "addTool" | "defineTool" | "register_tool" | "add_tool" => {
                // `server.tool({ name, description, schema }, handler)`
                if let Some(definition @ Val { kind: Kind::Obj(_), .. }) = args.get(0).cloned()
                    && let Some(handler) = function.clone()
                {
                    return self.register_definition(&definition, handler, span);
                }
                let (Some(name), Some(handler)) = (args.get(0).cloned(), function) else {
                    if let Some(value @ Val { kind: Kind::Obj(_), .. }) = args.get(0).cloned() {
                        let row = structural_row(Exposes::Tool);
                        self.register_objects(&row, &value, span);
                        return true;
                    }
                    return false;
                };
                if name.literals().is_none() && !matches!(name.kind, Kind::Str) {
                    return false;
                }
                let row = structural_row(Exposes::Tool);
                let mut schema = None;
                for value in args.pos.iter().skip(1) {
                    if let Kind::Obj(_) = value.kind {
                        let inner = self.get_index(value, &Val::str("inputSchema"), span);
                        if !inner.is_nullish() && !matches!(inner.kind, Kind::Method(_)) {
                            schema = self.as_schema(&inner);
                            break;
                        }
                    }
                    if matches!(value.kind, Kind::Obj(_) | Kind::Schema(_)) && !self.is_annotations(value) {
                        schema = self.as_schema(value);
                        if schema.is_some() {
                            break;
                        }
                    }
                }
                let before = self.found.registrations.len();
                self.add_registration(&row, Some(name), None, schema.clone(), Some(handler), span, false, None);
                for registration in &mut self.found.registrations[before..] {
                    registration.is_structural = true;
                    registration.validates = schema.is_some();
                }
                true
            }
            "setRequestHandler" => {
                let (Some(name), Some(handler)) = (args.get(0).cloned(), function) else { return false };
                let method = self.request_method(&name);
                let row = RegisterRow { args: HandlerArgs::Request, ..structural_row(Exposes::Handler) };
                self.register_handler(&row, method.as_deref(), Some(handler), span);
                true
            }
            "registerResource" | "addResource" | "registerPrompt" | "addPrompt" => {
                let (Some(name), Some(handler)) = (args.get(0).cloned(), function) else { return false };
                let exposes = if method.ends_with("Prompt") { Exposes::Prompt } else { Exposes::Resource };
                let row = RegisterRow {
                    args: if exposes == Exposes::Prompt { HandlerArgs::Object } else { HandlerArgs::UriVariables },
                    ..structural_row(exposes)
                };
                let before = self.found.registrations.len();
                self.add_registration(&row, Some(name), None, None, Some(handler), span, false, None);
                let uri = args.get(1).and_then(Val::literal).filter(|uri| !uri.contains('{')).map(str::to_owned);
                for registration in &mut self.found.registrations[before..] {
                    registration.is_structural = true;
                    registration.uri.clone_from(&uri);
                }
                true
            }
            _ => false,
        }
    }

    /// The schema among the members of a definition, by the names that it goes by.
    fn schema_of(&mut self, definition: &Val, span: Span) -> Option<Schema> {
        SCHEMA_NAMES.iter().find_map(|name| {
            let value = self.get_index(definition, &Val::str(name), span);
            if value.is_nullish() || matches!(value.kind, Kind::Method(_)) { None } else { self.as_schema(&value) }
        })
    }

    /// A tool whose name and schema are members of one object, and whose handler comes beside it.
    fn register_definition(&mut self, definition: &Val, handler: Val, span: Span) -> bool {
        let name = self.get_member(definition, Symbol::new("name"), span);
        if name.literals().is_none() && !matches!(name.kind, Kind::Str) {
            return false;
        }
        let description = self.get_member(definition, Symbol::new("description"), span);
        let schema = self.schema_of(definition, span);
        let before = self.found.registrations.len();
        let row = structural_row(Exposes::Tool);
        self.add_registration(&row, Some(name), Some(description), schema.clone(), Some(handler), span, false, None);
        for registration in &mut self.found.registrations[before..] {
            registration.is_structural = true;
            registration.validates = schema.is_some();
        }
        true
    }

    /// A class was defined: frameworks that discover tool classes by base class.
    pub(crate) fn class_created(&mut self, class: ObjId) {
        if self.is_tool_subclass(class) || self.is_toolset(class) {
            self.found.tool_classes.push(class);
            return;
        }
        let Some(base) = self.external_base(class) else { return };
        let base = self.apis.name(base);
        let is_tool =
            matches!(&*base, "mcp-framework.MCPTool" | "mcp-framework.MCPResource" | "mcp-framework.MCPPrompt")
                || base.ends_with(".MCPTool")
                || base.ends_with(".BaseTool");
        if is_tool {
            self.found.tool_classes.push(class);
        }
    }

    /// `class X(Tool): async def run(self, arguments)` of FastMCP for Python: an instance is a tool whose arguments
    /// arrive as a dictionary. The base may be the package's or, in the framework itself, a class of the target.
    fn is_tool_subclass(&self, class: ObjId) -> bool {
        let Some(own) = self.class_val(class) else { return false };
        let code = self.program.module(own.module);
        if code.lang != Lang::Python {
            return false;
        }
        let takes_arguments =
            own.methods.get(&Symbol::new("run")).and_then(|method| self.closure_of(method)).is_some_and(|id| {
                let func = code.func(self.store.closure(id).func);
                func.params.get(1).and_then(|param| param.name).is_some_and(|name| name.as_str() == "arguments")
            });
        takes_arguments
            && own.bases.iter().any(|base| match base.kind {
                Kind::Api(api, _) => &*self.apis.name(api) == "fastmcp.tools.Tool",
                Kind::Obj(id) => self.class_val(id).is_some_and(|base| {
                    let name = self.program.module(base.module).class(base.class).name;
                    name.is_some_and(|name| name.as_str() == "Tool")
                }),
                _ => false,
            })
    }

    /// Registers the classes found by base class; run when modules are loaded.
    pub(crate) fn register_tool_classes(&mut self) {
        for class in std::mem::take(&mut self.found.tool_classes) {
            if self.is_toolset(class) {
                self.register_toolset(class);
                continue;
            }
            let Some(class_val) = self.class_val(class) else { continue };
            let span = self.program.module(class_val.module).class(class_val.class).span;
            self.in_module(class_val.module, |interp| {
                let is_dynamic = interp.is_tool_subclass(class);
                let args = if is_dynamic {
                    Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() }
                } else {
                    Args::default()
                };
                let instance = interp.construct(&Val::of(Kind::Obj(class)), args, span);
                let handler = ["execute", "_run", "run", "read", "generateMessages"].iter().find_map(|name| {
                    let value = interp.get_member(&instance, Symbol::new(name), span);
                    matches!(value.kind, Kind::Bound(_)).then_some(value)
                });
                let Some(handler) = handler else { return };
                let name = interp.get_member(&instance, Symbol::new("name"), span);
                let name = match name.literal() {
                    Some(name) => name.to_owned(),
                    // Made from data at run time, one tool per entry.
                    None if is_dynamic => "*".to_owned(),
                    None => return,
                };
                let schema = interp.get_member(&instance, Symbol::new("schema"), span);
                let schema = if is_dynamic { None } else { interp.framework_schema(&schema) };
                let registration = Registration {
                    validates: schema.is_some(),
                    schema,
                    this: Some(instance),
                    ..Registration::tool("class", &name, class_val.module, interp.here(span), handler)
                };
                interp.push_registration(registration);
            });
        }
    }

    /// mcp-framework: `schema = { field: { type: z.string(), description } }` or a zod object.
    fn framework_schema(&mut self, value: &Val) -> Option<Schema> {
        if let Kind::Obj(id) = value.kind {
            let obj = self.store.obj_rc(id);
            let mut fields = Vec::new();
            for (name, field) in &obj.fields {
                let ty = self.get_index(field, &Val::str("type"), Span::default());
                fields.push((*name, self.as_schema(&ty)?));
            }
            return Some(Schema::new(Ty::Object(fields.into(), false)));
        }
        self.as_schema(value)
    }

    /// Runs something as if it were written at the top level of a module.
    pub(crate) fn in_module<T>(&mut self, module: crate::engine::value::ModId, run: impl FnOnce(&mut Self) -> T) -> T {
        self.load(module);
        self.push_module_frame(module);
        let result = run(self);
        self.pop_module_frame();
        result
    }

    /// A base class outside the target received its arguments: `class S extends Server { constructor() { super(…) } }`.
    pub(crate) fn external_constructed(&mut self, _base: ApiId, _this: &Val, _args: &Args, _span: Span) {}

    /// `server.fallbackRequestHandler = …`, `request_handlers[CallToolRequest] = handler`.
    pub(crate) fn member_assigned(&mut self, target: &Val, name: Symbol, value: &Val, span: Span) {
        if name.as_str() == "fallbackRequestHandler" && self.is_callable(value) {
            let row = RegisterRow { args: HandlerArgs::Request, ..structural_row(Exposes::Handler) };
            self.register_handler(&row, Some("tools/call"), Some(value.clone()), span);
        } else if name.as_str().starts_with("on")
            && matches!(target.kind, Kind::Api(..) | Kind::Unknown)
            && self.is_callable(value)
        {
            // `server.oninitialized = () => …`: the library calls it, as it does what `on("…", …)` is given.
            self.call_closures(&Args::of(vec![value.clone()]), None, span);
        }
    }

    /// `server.request_handlers[types.CallToolRequest] = handler`.
    pub(crate) fn handler_assigned(&mut self, target: &Val, key: &Val, value: &Val, span: Span) {
        let Kind::Api(api, _) = target.kind else { return };
        let is_table = self.apis.name(api).ends_with(".request_handlers");
        if is_table
            && self.is_callable(value)
            && let Some(method) = self.request_method(key)
        {
            let row = RegisterRow {
                sdk: "mcp-py-lowlevel".to_owned(),
                args: HandlerArgs::Request,
                ..structural_row(Exposes::Handler)
            };
            self.register_handler(&row, Some(&method), Some(value.clone()), span);
        }
    }

    /// `target[key] = value` with an untrusted key.
    pub(crate) fn computed_key_assigned(&mut self, target: &Val, key: &Val, value: &Val, span: Span) {
        self.check_prototype(target, key, value, span);
    }
}

fn structural_row(exposes: Exposes) -> RegisterRow {
    RegisterRow {
        sdk: "structural".to_owned(),
        call: Vec::new(),
        exposes,
        name: None,
        description: None,
        schema: None,
        handler: "last".to_owned(),
        args: HandlerArgs::Object,
        validates: false,
        validates_since: None,
    }
}

fn is_tool_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':'))
}
