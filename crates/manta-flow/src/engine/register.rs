//! How servers announce what the model can call: SDK calls, decorators, and plain shapes.

use manta_core::{Location, Span};

use crate::engine::api::{ApiId, ApiStep};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs, RegisterRow};
use crate::engine::report::{Mount, Registration, SourceInfo};
use crate::engine::schema::{Schema, Ty};
use crate::engine::store::{Closure, Obj, ObjKind};
use crate::engine::trace::StepKind;
use crate::engine::value::{FnId, Kind, ObjId, Taint, Val};
use crate::ir::{Expr, ExprId, Lang, Symbol};

/// Members that run a tool in home-made registries.
const HANDLER_NAMES: [&str; 8] = ["execute", "handler", "run", "invoke", "call", "callback", "handle", "cb"];
/// Members that describe its parameters.
const SCHEMA_NAMES: [&str; 7] =
    ["inputSchema", "parameters", "schema", "input_schema", "paramsSchema", "args", "params"];

impl Interp<'_> {
    // ------------------------------------------------------------------ SDK rows

    pub(crate) fn register(&mut self, row: &RegisterRow, api: ApiId, data: Option<ObjId>, args: &Args, span: Span) {
        if row.handler == "decorated" && !args.pos.iter().any(|value| self.is_callable(value)) {
            // `@mcp.tool(...)`: the registration happens when the result decorates a function.
            return;
        }
        let handler = match row.handler.as_str() {
            "last" => args.pos.iter().rev().find(|value| self.is_callable(value)).cloned(),
            "decorated" => args.pos.iter().find(|value| self.is_callable(value)).cloned(),
            selector => self.select(selector, args, None),
        };
        let _ = api;
        if handler.is_none() && row.handler.starts_with("kw:") {
            // An optional handler (`Server(on_call_tool=…)`) that this server does not have.
            return;
        }
        // `=text` is a constant: the method is said by the row, not by an argument.
        let name = row.name.as_ref().and_then(|selector| match selector.strip_prefix('=') {
            Some(text) => Some(Val::str(text)),
            None => self.select(selector, args, None),
        });
        let description = row.description.as_ref().and_then(|selector| self.select(selector, args, None));
        self.note_promises(name.as_ref(), handler.as_ref(), args);
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

    fn registered_schema(&mut self, row: &RegisterRow, args: &Args) -> Option<Schema> {
        match row.schema.as_deref() {
            // Overloaded: the first argument between name and handler that is a schema or a shape of schemas.
            Some("any") => {
                let values: Vec<Val> = args.pos.iter().skip(1).cloned().collect();
                values.iter().find_map(|value| {
                    let is_shape = matches!(value.kind, Kind::Obj(_) | Kind::Schema(_));
                    if !is_shape || self.is_annotations(value) {
                        return None;
                    }
                    self.as_schema(value)
                })
            }
            Some(selector) => {
                let value = self.select(selector, args, None)?;
                self.as_schema(&value)
                    .or_else(|| (!value.is_nullish()).then(|| Schema::new(Ty::Object(Vec::new(), true))))
            }
            None => None,
        }
    }

    /// `{ readOnlyHint: true }` is no parameter shape.
    fn is_annotations(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj(id);
                !obj.fields.is_empty()
                    && obj.fields.keys().all(|key| key.as_str().ends_with("Hint") || key.as_str() == "title")
            }
            _ => false,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a registration is what it is")]
    fn add_registration(
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
            let registration = Registration {
                exposes: row.exposes,
                name: name.or_else(|| handler.as_ref().and_then(|handler| self.function_name(handler))),
                description: description
                    .as_ref()
                    .and_then(|text| text.literal().map(str::to_owned))
                    .or_else(|| handler.as_ref().and_then(|handler| self.function_doc(handler))),
                sdk: row.sdk.clone(),
                at: self.here(span),
                module: self.frame().module,
                schema: schema.clone(),
                handler: handler.clone(),
                args: if no_args { HandlerArgs::ObjectIfSchema } else { row.args },
                validates,
                is_structural: false,
                this: None,
                uri: None,
                server,
            };
            self.push_registration(registration);
        }
    }

    /// The names a tool may have, as far as they are constant.
    pub(crate) fn tool_names(&self, name: &Val) -> Vec<String> {
        self.name_texts(name).into_iter().flatten().collect()
    }

    /// The texts a name may have; a computed part is shown as `*`.
    fn name_texts(&self, name: &Val) -> Vec<Option<String>> {
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
        let is_known = self.found.registrations.iter().any(|known| {
            known.exposes == registration.exposes
                && known.name == registration.name
                && known.at == registration.at
                && function(self, &known.handler) == own
        });
        if !is_known && self.found.registrations.len() < 5_000 {
            self.found.registrations.push(registration);
        }
    }

    fn version_validates(&self, row: &RegisterRow) -> bool {
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
    fn request_method(&self, value: &Val) -> Option<String> {
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

    fn register_handler(&mut self, row: &RegisterRow, method: Option<&str>, handler: Option<Val>, span: Span) {
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
        let registration = Registration {
            exposes,
            name: None,
            description: None,
            sdk: row.sdk.clone(),
            at: self.here(span),
            module: self.frame().module,
            schema: None,
            handler,
            args: if row.args == HandlerArgs::ContextParams {
                HandlerArgs::ContextParams
            } else {
                HandlerArgs::Request
            },
            validates: false,
            is_structural: false,
            this: None,
            uri: None,
            server: None,
        };
        self.push_registration(registration);
    }

    /// Runs a list handler and keeps what it announces. Lists are read again when the program is loaded.
    pub(crate) fn read_tool_list(&mut self, handler: &Val, span: Span) {
        self.found.list_handlers.push((handler.clone(), self.here(span), self.frame().module));
    }

    /// Reads the tools of a list result.
    pub(crate) fn read_listed(&mut self, result: &Val, at: Location) {
        let tools = match result.kind {
            Kind::Obj(id) if self.store.obj(id).is_sequence() => result.clone(),
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
                    Kind::Api(_, Some(data)) => {
                        interp.store.obj(*data).fields.get(&Symbol::new(&format!("${name}"))).cloned()
                    }
                    Kind::Obj(id) => interp.store.obj(*id).fields.get(&Symbol::new(name)).cloned(),
                    _ => None,
                };
                value.filter(|value| !value.is_nullish())
            })
        };
        let Some(name) = field(self, &["name"]) else { return };
        self.note_promises_of(item, Span::default());
        let description = field(self, &["description"]).and_then(|text| text.literal().map(str::to_owned));
        let schema =
            field(self, &["inputSchema", "input_schema", "parameters"]).and_then(|value| self.as_schema(&value));
        for name in self.name_texts(&name).into_iter().flatten() {
            if !self.found.listed.iter().any(|(known, ..)| *known == name) {
                self.found.listed.push((name, description.clone(), schema.clone(), at));
            }
        }
    }

    // ------------------------------------------------------------------ decorators

    /// `@decorator` on a function or class.
    pub(crate) fn decorate(&mut self, decorator: &Val, target: Val, span: Span) -> Val {
        match &decorator.kind {
            Kind::Api(api, data) => {
                let (api, data) = (*api, *data);
                if &*self.apis.name(api) == "functools.wraps()"
                    && let Some(inner) = data.and_then(|data| self.store.obj(data).items.first().cloned())
                    && self.closure_of(&inner) != self.closure_of(&target)
                {
                    self.set_member(&target, Symbol::new("__wrapped__"), inner, span);
                    return target;
                }
                if let Some(registered) = self.register_decorated(api, data, &target, span) {
                    return registered;
                }
                // An unknown decorator gives back what it decorates.
                target
            }
            Kind::Fn(_) | Kind::Bound(_) => {
                let result = self.call_value(decorator, None, Args::of(vec![target.clone()]), span);
                let is_useful = matches!(result.kind, Kind::Fn(_) | Kind::Bound(_) | Kind::Union(_))
                    || matches!(result.kind, Kind::Obj(_));
                if is_useful { result } else { target }
            }
            Kind::Union(values) => {
                let values: Vec<Val> = values.to_vec();
                for value in &values {
                    self.decorate(value, target.clone(), span);
                }
                target
            }
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_) | ObjKind::Instance(_)) => {
                let result = self.call_value(decorator, None, Args::of(vec![target.clone()]), span);
                if self.is_callable(&result) { result } else { target }
            }
            _ => target,
        }
    }

    /// `@mcp.tool`, `@mcp.tool(name=…)`, `@server.call_tool()`, `@app.get("/x")`.
    pub(crate) fn register_decorated(
        &mut self,
        api: ApiId,
        data: Option<ObjId>,
        target: &Val,
        span: Span,
    ) -> Option<Val> {
        let (row_api, call_args) = match self.apis.last(api) {
            ApiStep::Call => {
                let state = data.map(|data| self.store.obj_rc(data));
                let mut args = Args::default();
                if let Some(state) = state {
                    args.pos = state.items.clone();
                    for (name, value) in &state.fields {
                        if let Some(name) = name.as_str().strip_prefix('$') {
                            args.named.push((Symbol::new(name), value.clone()));
                        }
                    }
                }
                (self.apis.parent(api)?, args)
            }
            _ => (api, Args::default()),
        };
        let index = self.model_index(row_api)?;
        let rows = self.models.get(index).registers.clone();
        let row = rows.iter().find(|row| row.handler == "decorated")?;
        let row = self.register_row(row);
        if row.exposes == Exposes::Handler {
            let method = row.name.clone();
            let name = self.apis.name(row_api);
            let method = method.as_deref().or_else(|| decorated_method(&name));
            self.register_python_handler(&row, method, target, span);
            return Some(target.clone());
        }
        let name = row.name.as_ref().and_then(|selector| self.select(selector, &call_args, None));
        let description = row.description.as_ref().and_then(|selector| self.select(selector, &call_args, None));
        let name = name.filter(|name| name.literals().is_some() || matches!(name.kind, Kind::Str));
        let own = match target.kind {
            // Decorating a class of an agent framework registers its methods elsewhere.
            Kind::Obj(_) => return None,
            _ => target.clone(),
        };
        self.note_promises(name.as_ref(), Some(&own), &call_args);
        let server = match (self.apis.last(api), data) {
            (ApiStep::Call, Some(state)) => self.made_on(state),
            (_, data) => data,
        };
        self.add_registration(&row, name, description, None, Some(own), span, false, server);
        Some(target.clone())
    }

    /// What the method was called on whose call has this state.
    fn made_on(&self, state: ObjId) -> Option<ObjId> {
        match self.store.obj(state).fields.get(&Symbol::new("$of")).map(|value| &value.kind) {
            Some(Kind::Obj(id)) => Some(*id),
            _ => None,
        }
    }

    /// `main.mount(sub, prefix="x")`, `main.mount("x", sub)`, `import_server`: the tools of `sub` are called `x_name`.
    pub(crate) fn note_mount(&mut self, path: &str, data: Option<ObjId>, args: &Args) {
        let is_mount = path.ends_with("FastMCP().mount") || path.ends_with("FastMCP().import_server");
        if !is_mount {
            return;
        }
        let child = args.all().find_map(|value| match value.kind {
            Kind::Api(_, Some(id)) => Some(id),
            Kind::Obj(id) if matches!(self.store.obj(id).kind, ObjKind::Instance(_)) => Some(id),
            _ => None,
        });
        let named = args.named("prefix").or_else(|| args.named("namespace"));
        let prefix = named.or_else(|| args.pos.iter().find(|value| matches!(value.kind, Kind::Str)));
        if let (Some(child), Some(prefix)) = (child, prefix.and_then(Val::literal)) {
            self.found.mounts.push(Mount { parent: data, child, prefix: prefix.to_owned() });
        }
    }

    /// The name under which a tool of a mounted server is called.
    pub(crate) fn mounted_name(&self, name: &str, server: Option<ObjId>) -> String {
        let mut name = name.to_owned();
        let mut server = server;
        for _ in 0..4 {
            let Some(mount) = self.found.mounts.iter().find(|mount| Some(mount.child) == server) else { break };
            name = format!("{}_{name}", mount.prefix);
            server = mount.parent;
        }
        name
    }

    fn register_python_handler(&mut self, row: &RegisterRow, method: Option<&str>, target: &Val, span: Span) {
        match method {
            Some("tools/list" | "list_tools") => self.read_tool_list(target, span),
            Some("call_tool" | "tools/call") => self.push_handler(row, Exposes::Tool, target, span),
            Some("read_resource" | "resources/read") => self.push_handler(row, Exposes::Resource, target, span),
            Some("get_prompt" | "prompts/get") => self.push_handler(row, Exposes::Prompt, target, span),
            Some("completion" | "completion/complete") => self.push_handler(row, Exposes::Completion, target, span),
            _ => {}
        }
    }

    fn push_handler(&mut self, row: &RegisterRow, exposes: Exposes, target: &Val, span: Span) {
        let validates = row.validates && self.version_validates(row);
        let registration = Registration {
            exposes,
            name: None,
            description: None,
            sdk: row.sdk.clone(),
            at: self.here(span),
            module: self.frame().module,
            schema: None,
            handler: Some(target.clone()),
            args: row.args,
            validates,
            is_structural: false,
            this: None,
            uri: None,
            server: None,
        };
        self.push_registration(registration);
    }

    /// A decorator on a method of a class: registers with an instance as receiver when the class is instantiated, which
    /// is approximated by an instance of unknown state.
    pub(crate) fn decorate_member(
        &mut self,
        decorator: &Val,
        value: Val,
        class: ObjId,
        name: Symbol,
        span: Span,
    ) -> Val {
        let before = self.found.registrations.len();
        if let Kind::Api(api, data) = &decorator.kind {
            let path = self.apis.name(*api);
            let is_tool = path.ends_with(".Tool()") || path.ends_with(".mcp_tool()") || path.ends_with(".tool()");
            if is_tool && self.model_index(self.apis.parent(*api).unwrap_or(*api)).is_none() {
                self.register_method_tool(&path, *data, &value, class, name, span);
                return value;
            }
        }
        let result = self.decorate(decorator, value, span);
        for registration in &mut self.found.registrations[before..] {
            registration.this = Some(Val::of(Kind::Obj(class)));
        }
        result
    }

    fn register_method_tool(
        &mut self,
        path: &str,
        data: Option<ObjId>,
        value: &Val,
        class: ObjId,
        name: Symbol,
        span: Span,
    ) {
        let options = data.map(|data| self.store.obj_rc(data));
        let first = options.as_ref().and_then(|state| state.items.first().cloned());
        let mut tool_name = options.as_ref().and_then(|state| state.fields.get(&Symbol::new("$name")).cloned());
        let mut schema = None;
        if let Some(first) = first {
            if let Kind::Obj(_) = first.kind {
                tool_name = Some(self.get_index(&first, &Val::str("name"), span));
                for field in SCHEMA_NAMES {
                    let value = self.get_index(&first, &Val::str(field), span);
                    if let Some(found) = self.as_schema(&value) {
                        schema = Some(found);
                        break;
                    }
                }
            } else {
                tool_name = tool_name.or(Some(first));
            }
        }
        let text = tool_name.and_then(|name| name.literal().map(str::to_owned));
        let is_python = self.lang() == Lang::Python;
        let registration = Registration {
            exposes: Exposes::Tool,
            name: Some(text.unwrap_or_else(|| name.as_str().to_owned())),
            description: None,
            sdk: path.split('.').next().unwrap_or("decorator").to_owned(),
            at: self.here(span),
            module: self.frame().module,
            validates: schema.is_some() || is_python,
            schema,
            handler: Some(value.clone()),
            args: if is_python { HandlerArgs::Named } else { HandlerArgs::Object },
            is_structural: false,
            this: Some(Val::of(Kind::Obj(class))),
            uri: None,
            server: None,
        };
        self.push_registration(registration);
    }

    // ------------------------------------------------------------------ shapes

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
        let description =
            obj.fields.get(&Symbol::new("description")).and_then(|text| text.literal().map(str::to_owned));
        let registration = Registration {
            exposes: Exposes::Tool,
            name: Some(name),
            description,
            sdk: "structural".to_owned(),
            at: self.here(span),
            module: self.frame().module,
            schema,
            handler: Some(handler),
            args: HandlerArgs::Object,
            validates: false,
            is_structural: true,
            this: Some(Val::of(Kind::Obj(id))),
            uri: None,
            server: None,
        };
        self.push_registration(registration);
    }

    /// Objects given to `addTool`, `addTools`: name, schema and handler are members.
    fn register_objects(&mut self, row: &RegisterRow, list: &Val, span: Span) {
        let is_list = matches!(list.kind, Kind::Obj(id) if self.store.obj(id).is_sequence());
        let items = if is_list {
            let (items, more) = self.elements_of(list, span);
            items.into_iter().chain(more).collect()
        } else {
            vec![list.clone()]
        };
        for item in items {
            let Kind::Obj(id) = item.kind else { continue };
            let _ = id;
            self.note_promises_of(&item, span);
            let name = self.get_member(&item, Symbol::new("name"), span);
            let description = self.get_member(&item, Symbol::new("description"), span);
            let schema = SCHEMA_NAMES.iter().find_map(|name| {
                let value = self.get_index(&item, &Val::str(name), span);
                if value.is_nullish() || matches!(value.kind, Kind::Method(_)) { None } else { self.as_schema(&value) }
            });
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

    /// A class was defined: frameworks that discover tool classes by base class.
    pub(crate) fn class_created(&mut self, class: ObjId) {
        if self.is_tool_subclass(class) {
            self.found.tool_classes.push(class);
            return;
        }
        let Some(base) = self.external_base(class, 0) else { return };
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
                    exposes: Exposes::Tool,
                    name: Some(name),
                    description: None,
                    sdk: "class".to_owned(),
                    at: interp.here(span),
                    module: class_val.module,
                    validates: schema.is_some(),
                    schema,
                    handler: Some(handler),
                    args: HandlerArgs::Object,
                    is_structural: false,
                    this: Some(instance),
                    uri: None,
                    server: None,
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
            return Some(Schema::new(Ty::Object(fields, false)));
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
    pub(crate) fn member_assigned(&mut self, _target: &Val, name: Symbol, value: &Val, span: Span) {
        if name.as_str() == "fallbackRequestHandler" && self.is_callable(value) {
            let row = RegisterRow { args: HandlerArgs::Request, ..structural_row(Exposes::Handler) };
            self.register_handler(&row, Some("tools/call"), Some(value.clone()), span);
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

    // ------------------------------------------------------------------ sources

    /// An untrusted field gets a source of its own, so that a finding names the parameter.
    pub(crate) fn named_source(&mut self, name: Symbol, taint: Taint, step: u32, depth: usize) -> (Taint, u32) {
        if depth > 2 || taint.is_none() {
            return (taint, step);
        }
        let parent = self.found.sources.get(taint.0.trailing_zeros() as usize).cloned();
        let Some(parent) = parent else { return (taint, step) };
        let param = if depth <= 1 || parent.param.is_empty() || parent.param == "arguments" {
            name.as_str().to_owned()
        } else {
            format!("{}.{name}", parent.param)
        };
        self.source(param, parent.at)
    }

    /// A field read from an untrusted object of unknown shape.
    pub(crate) fn name_source(&mut self, receiver: &Val, name: Symbol, value: Val, at: Location) -> Val {
        // A copy of the arguments (`{ ...args }`) is as untrusted as what it was made from.
        let taint = if receiver.taint.is_some() { receiver.taint } else { value.taint };
        let index = taint.0.trailing_zeros() as usize;
        let is_root = taint.0.count_ones() == 1
            && self.found.sources.get(index).is_some_and(|source| source.param == "arguments");
        if !is_root
            || self.is_builtin_method(name)
                && !matches!(
                    name.as_str(),
                    "path"
                        | "url"
                        | "command"
                        | "format"
                        | "index"
                        | "replace"
                        | "match"
                        | "search"
                        | "count"
                        | "filter"
                        | "sort"
                        | "title"
                        | "values"
                        | "keys"
                        | "items"
                        | "find"
                        | "add"
                        | "set"
                        | "get"
                        | "copy"
                        | "update"
                        | "dict"
                        | "json"
                        | "group"
                        | "groups"
                        | "open"
                        | "rename"
                        | "resolve"
                        | "glob"
                        | "split"
                        | "join"
                        | "test"
                        | "exec"
                )
        {
            return value;
        }
        // Destructuring has no place of its own; the registration is the next best.
        let at = if at.span == Span::default() { self.found.sources[index].at } else { at };
        let (taint, step) = self.source(name.as_str().to_owned(), at);
        self.replayed(Val { taint, step, ..value }, name.as_str())
    }

    /// A new source of the current run.
    pub(crate) fn source(&mut self, param: String, at: Location) -> (Taint, u32) {
        if self.found.followed.is_some() {
            return (Taint::NONE, 0);
        }
        let known = self.found.sources.iter().position(|source| source.param == param);
        let index = known.unwrap_or_else(|| {
            self.found.sources.push(SourceInfo { param: param.clone(), at });
            self.found.sources.len() - 1
        });
        let step = self.trace.add(0, at, StepKind::Source(param));
        (Taint::source(index), step)
    }

    // ------------------------------------------------------------------ helpers

    pub(crate) fn is_callable(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Fn(_) | Kind::Bound(_) => true,
            Kind::Union(values) => values.iter().any(|value| self.is_callable(value)),
            _ => false,
        }
    }

    pub(crate) fn closure_of(&self, value: &Val) -> Option<FnId> {
        match &value.kind {
            Kind::Fn(id) => Some(*id),
            Kind::Bound(bound) => self.closure_of(&bound.1),
            Kind::Union(values) => values.iter().find_map(|value| self.closure_of(value)),
            _ => None,
        }
    }

    pub(crate) fn function_name(&self, value: &Val) -> Option<String> {
        let closure = self.store.closure(self.wrapped(self.closure_of(value)?));
        let func = self.program.module(closure.module).func(closure.func);
        func.name.map(|name| name.as_str().to_owned())
    }

    /// The function that a wrapper stands for (`functools.wraps`): its name and its parameters are what callers see.
    pub(crate) fn wrapped(&self, id: FnId) -> FnId {
        let mut id = id;
        for _ in 0..8 {
            let inner = self.store.closure(id).props.and_then(|props| {
                self.store.obj(props).fields.get(&Symbol::new("__wrapped__")).and_then(|inner| self.closure_of(inner))
            });
            match inner {
                Some(inner) => id = inner,
                None => break,
            }
        }
        id
    }

    fn function_doc(&self, value: &Val) -> Option<String> {
        let closure = self.store.closure(self.wrapped(self.closure_of(value)?));
        let func = self.program.module(closure.module).func(closure.func);
        func.doc.as_deref().map(str::to_owned)
    }

    /// Tagged templates: ``$`git clone ${url}` `` quotes its holes; ``sql`…${x}` `` binds them.
    pub(crate) fn call_tagged(&mut self, tag: &Val, parts: &[Val], span: Span) -> Val {
        if let Kind::Fn(id) = tag.kind {
            let strings: Vec<Val> = parts.iter().filter(|part| part.literal().is_some()).cloned().collect();
            let values: Vec<Val> = parts.iter().filter(|part| part.literal().is_none()).cloned().collect();
            let strings = self.new_array(strings, None);
            let mut pos = vec![strings];
            pos.extend(values);
            return self.call_closure(id, None, Args::of(pos), span);
        }
        let mut result = Val::unknown();
        for part in parts {
            if let Kind::Fn(_) = part.kind {
                self.call_closures(&Args::of(vec![part.clone()]), None, span);
            }
            result = result.tainted_by(part);
        }
        if let Kind::Api(api, _) = &tag.kind {
            let name = self.apis.name(*api);
            if name.ends_with("String.raw") || name.ends_with(".html") || name.ends_with(".gql") {
                return self.concat(parts, span);
            }
            let made = self.apis.step(*api, ApiStep::Call);
            return Val { taint: Taint::NONE, step: 0, ..Val::of(Kind::Api(made, None)) };
        }
        result
    }

    /// The value a `with` statement binds.
    pub(crate) fn enter_context(&mut self, value: &Val, span: Span) -> Val {
        match &value.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Instance(_)) => {
                for name in ["__enter__", "__aenter__"] {
                    let method = self.get_member(value, Symbol::new(name), span);
                    if matches!(method.kind, Kind::Bound(_)) {
                        return self.call_value(&method, None, Args::default(), span);
                    }
                }
                value.clone()
            }
            // A generator wrapped by `contextmanager` is the list of what it yields.
            Kind::Obj(id) if self.store.obj(*id).is_sequence() => {
                let (items, more) = self.elements_of(value, span);
                self.join_all(items.into_iter().chain(more)).unwrap_or_else(|| value.clone())
            }
            _ => value.clone(),
        }
    }

    /// `import(expr)`: literal specifiers resolve; computed ones load what a directory holds.
    pub(crate) fn dynamic_import(&mut self, request: &Val, span: Span) -> Val {
        self.check_dynamic_import(request, span);
        let module = self.frame().module;
        if let Some(names) = request.literals() {
            let values: Vec<Val> = names
                .iter()
                .map(|name| match self.program.resolve(module, name) {
                    crate::engine::program::Link::Module(target) => {
                        self.load(target);
                        Val::of(Kind::Module(target))
                    }
                    crate::engine::program::Link::External(root, path) => {
                        let mut api = self.apis.root(root);
                        for field in path {
                            api = self.apis.step(api, ApiStep::Field(field));
                        }
                        let api = self.models.canonical(&mut self.apis, api);
                        Val::of(Kind::Api(api, None))
                    }
                    _ => Val::unknown(),
                })
                .collect();
            return self.join_all(values).unwrap_or_else(Val::unknown);
        }
        Val::unknown()
    }

    // ------------------------------------------------------------------ Python classes

    /// Classes whose construction is not what `__init__` says: enums, pydantic models, dataclasses, named tuples.
    pub(crate) fn instantiate_python(&mut self, class: ObjId, args: &Args, _span: Span) -> Option<Val> {
        let base = self.external_base(class, 0).map(|base| self.apis.name(base)).unwrap_or_default();
        if self.is_enum(class, 0) {
            // `Kind(value)` is the member with that value, or an exception.
            let members = self.enum_members(class);
            if let Some(text) = args.get(0).and_then(|value| value.literal().map(str::to_owned)) {
                let value = Symbol::new("value");
                let of = |member: &Val| match member.kind {
                    Kind::Obj(id) => self.store.obj(id).fields.get(&value).and_then(Val::literal) == Some(&text),
                    _ => false,
                };
                if let Some(member) = members.iter().find(|member| of(member)) {
                    return Some(member.clone());
                }
            }
            return self.join_all(members);
        }
        if self.find_method(class, Symbol::new("__init__"), 0).is_some() {
            return None;
        }
        let fields = self.class_fields(class, 0);
        if fields.is_empty() {
            return None;
        }
        let this = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Instance(class)))));
        let Kind::Obj(id) = this.kind else { return None };
        let mut taint = Taint::NONE;
        let is_settings = base.contains("BaseSettings");
        let is_pydantic = base.contains("BaseModel") || is_settings;
        let validators = if is_pydantic { self.class_validators(class, 0) } else { Validators::default() };
        for (index, (name, annotation, default)) in fields.iter().enumerate() {
            let given = args
                .named
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
                .or_else(|| args.pos.get(index).cloned().filter(|_| !is_pydantic))
                .or_else(|| args.named_rest.as_ref().map(|rest| Val { vn: 0, ..rest.clone() }));
            // Settings are read from the environment; the default is what they are without it.
            let given = match given {
                None if is_settings => {
                    let configured = self.environment(&name.as_str().to_ascii_uppercase());
                    let default =
                        default.as_ref().map(|value| self.field_default(value).unwrap_or_else(|| value.clone()));
                    let value = default.map_or_else(|| configured.clone(), |default| self.join(&configured, &default));
                    self.store.obj_mut(id).fields.insert(*name, value);
                    continue;
                }
                given => given,
            };
            let value = match given {
                Some(value) if is_pydantic => {
                    let schema = annotation.and_then(|(module, expr)| self.annotation_schema(module, expr, 0));
                    let mut schema = schema.unwrap_or_else(|| Schema::new(Ty::Any));
                    if let Some(default) = default {
                        self.add_field_constraints(&mut schema, default);
                    }
                    schema.steps.extend(validators.of_field(*name));
                    self.conform(&value, &schema, 0)
                }
                Some(value) => value,
                None => match default {
                    Some(value) => self.field_default(value).unwrap_or_else(|| value.clone()),
                    None => Val::unknown(),
                },
            };
            let value =
                if value.is_tainted() && value.vn == 0 { Val { vn: self.store.fresh_vn(), ..value } } else { value };
            taint = taint.union(value.taint);
            self.store.obj_mut(id).fields.insert(*name, value);
        }
        for validator in &validators.of_model {
            self.call_value(validator, None, Args::of(vec![this.clone()]), Span::default());
        }
        let post = self.get_member(&this, Symbol::new("__post_init__"), Span::default());
        if matches!(post.kind, Kind::Bound(_)) {
            self.call_value(&post, None, Args::default(), Span::default());
        }
        Some(Val { taint, ..this })
    }

    /// Whether a class is an enumeration: `class Colour(str, Enum)`.
    fn is_enum(&self, class: ObjId, depth: usize) -> bool {
        depth < 8
            && self.class_val(class).is_some_and(|class| {
                class.bases.iter().any(|base| match base.kind {
                    Kind::Api(api, _) => self.apis.name(api).starts_with("enum."),
                    Kind::Obj(id) => self.is_enum(id, depth + 1),
                    _ => false,
                })
            })
    }

    /// Annotated fields along the bases: name, annotation, default.
    #[expect(clippy::type_complexity, reason = "an annotation is an expression of a module")]
    pub(crate) fn class_fields(
        &self,
        class: ObjId,
        depth: usize,
    ) -> Vec<(Symbol, Option<(crate::engine::value::ModId, ExprId)>, Option<Val>)> {
        let mut fields = Vec::new();
        if depth > 8 {
            return fields;
        }
        let Some(class_val) = self.class_val(class) else { return fields };
        for base in &class_val.bases {
            if let Kind::Obj(base) = base.kind {
                fields.extend(self.class_fields(base, depth + 1));
            }
        }
        let code = self.program.module(class_val.module).class(class_val.class);
        for member in &code.members {
            if let (crate::ir::Key::Static(name), Some(annotation), crate::ir::MemberKind::StaticField) =
                (member.key, member.annotation, member.kind)
            {
                let default = self.store.obj(class).fields.get(&name).cloned();
                fields.retain(|(known, ..)| *known != name);
                fields.push((name, Some((class_val.module, annotation)), default));
            }
        }
        fields
    }

    /// A field that only its annotation declares: an instance of the class it names.
    pub(crate) fn annotated_field(&mut self, class: ObjId, name: Symbol) -> Option<Val> {
        let class_val = self.class_val(class)?;
        let code = self.program.module(class_val.module).class(class_val.class);
        let member = code.members.iter().find(|member| {
            matches!(member.key, crate::ir::Key::Static(key) if key == name) && member.annotation.is_some()
        })?;
        let annotation = member.annotation?;
        self.in_module(class_val.module, |interp| interp.instance_of_annotation(annotation))
    }

    pub(crate) fn declared_field(&mut self, class: &crate::engine::store::ClassVal, name: Symbol) -> Option<Val> {
        let code = self.program.module(class.module).class(class.class);
        let member = code.members.iter().find(|member| {
            matches!(member.key, crate::ir::Key::Static(key) if key == name) && member.annotation.is_some()
        })?;
        let annotation = member.annotation?;
        self.in_module(class.module, |interp| interp.instance_of_annotation(annotation))
    }

    /// An instance of what an annotation names, when it is a class of the target or of a modelled package.
    pub(crate) fn instance_of_annotation(&mut self, annotation: ExprId) -> Option<Val> {
        let is_name = matches!(self.code().expr(annotation), Expr::Var(_) | Expr::Import(..) | Expr::Member { .. });
        if !is_name {
            return None;
        }
        let class = self.eval(annotation);
        match &class.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => {
                let id = *id;
                if let Some(known) = self.found.instances.get(&id) {
                    return Some(known.clone());
                }
                let this = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Instance(id)))));
                self.found.instances.insert(id, this.clone());
                // Its constructor runs once with unknown arguments, so that fields have their kinds.
                if self.found.instances.len() < 64 {
                    let args = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
                    self.construct_into(id, &this, args, Span::default());
                }
                Some(this)
            }
            Kind::Api(api, _) => {
                let name = self.apis.name(*api);
                if name.starts_with("builtins.") || name.starts_with("globalThis.") || name.starts_with("typing.") {
                    return None;
                }
                let made = self.apis.step(*api, ApiStep::Call);
                let state = self.store.new_obj(Obj::new(ObjKind::External));
                Some(Val::of(Kind::Api(made, Some(state))))
            }
            _ => None,
        }
    }

    /// `Field(default=x)`, `Field(x)`, `Query(x)`: the default they stand for.
    pub(crate) fn field_default(&mut self, value: &Val) -> Option<Val> {
        let Kind::Api(api, Some(data)) = &value.kind else { return None };
        let name = self.apis.name(*api);
        let is_field = ["Field()", "Query()", "Body()", "Path()", "Form()", "Header()", "field()"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
        if !is_field {
            return None;
        }
        let state = self.store.obj_rc(*data);
        let default = state.fields.get(&Symbol::new("$default")).or_else(|| state.items.first()).cloned();
        if let Some(factory) = state.fields.get(&Symbol::new("$default_factory")).cloned() {
            return Some(self.call_value(&factory, None, Args::default(), Span::default()));
        }
        Some(default.unwrap_or_else(Val::null))
    }

    /// The schema of a class used as a parameter type.
    pub(crate) fn class_schema(&mut self, class: &Val, depth: usize) -> Option<Schema> {
        let Kind::Obj(id) = class.kind else { return None };
        if depth > 6 {
            return None;
        }
        if self.is_enum(id, 0) {
            let members = self.store.obj_rc(id);
            let texts: Vec<String> =
                members.fields.values().filter_map(|value| value.literal().map(str::to_owned)).collect();
            let props = if texts.is_empty() {
                crate::domain::StrProps::number()
            } else {
                crate::domain::StrProps::one_of(&texts)
            };
            return Some(Schema::with_props(props, &format!("one of {}", texts.join(", "))));
        }
        let mut fields = Vec::new();
        let validators = self.class_validators(id, 0);
        for (name, annotation, default) in self.class_fields(id, 0) {
            let mut schema = annotation
                .and_then(|(module, expr)| self.annotation_schema(module, expr, depth + 1))
                .unwrap_or_else(|| Schema::new(Ty::Any));
            if let Some(default) = default {
                self.add_field_constraints(&mut schema, &default);
            }
            schema.steps.extend(validators.of_field(name));
            fields.push((name, schema));
        }
        let steps = validators.of_model.into_iter().map(|validator| (validator, false)).collect();
        Some(Schema { steps, ..Schema::new(Ty::Class(class.clone(), fields)) })
    }

    /// The validators of a pydantic model along the bases: `@field_validator("a", "b")`, `@model_validator(mode="after")`.
    fn class_validators(&mut self, class: ObjId, depth: usize) -> Validators {
        let mut all = Validators::default();
        let Some(class_val) = self.class_val(class).filter(|_| depth < 8) else { return all };
        for base in &class_val.bases {
            if let Kind::Obj(base) = base.kind {
                let inherited = self.class_validators(base, depth + 1);
                all.of_fields.extend(inherited.of_fields);
                all.of_model.extend(inherited.of_model);
            }
        }
        let code = self.program.module(class_val.module);
        for member in &code.class(class_val.class).members {
            let crate::ir::Key::Static(name) = member.key else { continue };
            let Some(method) = class_val.methods.get(&name).cloned() else { continue };
            for decorator in &member.decorators {
                let Some(kind) = called_name(code, *decorator) else { continue };
                if !matches!(kind.as_str(), "field_validator" | "validator" | "model_validator") {
                    continue;
                }
                let decorator = self.in_module(class_val.module, |interp| interp.eval(*decorator));
                let Kind::Api(_, Some(data)) = decorator.kind else { continue };
                let options = self.store.obj_rc(data);
                if kind.as_str() == "model_validator" {
                    // With `before` the raw input is seen, which need not be what fields are made of.
                    let mode = options.fields.get(&Symbol::new("$mode")).and_then(Val::literal);
                    if mode == Some("after") {
                        all.of_model.push(method.clone());
                    }
                    continue;
                }
                let receiver = Val::of(Kind::Obj(class));
                let bound = Val::of(Kind::Bound(std::rc::Rc::new((receiver, method.clone()))));
                let names = options.items.iter().filter_map(Val::literal).map(Symbol::new);
                all.of_fields.extend(names.map(|name| (name, bound.clone())));
            }
        }
        all
    }

    /// Reads a Python annotation as a schema.
    pub(crate) fn annotation_schema(
        &mut self,
        module: crate::engine::value::ModId,
        annotation: ExprId,
        depth: usize,
    ) -> Option<Schema> {
        if depth > 8 {
            return None;
        }
        self.in_module(module, |interp| interp.annotation_schema_here(annotation, depth))
    }

    fn annotation_schema_here(&mut self, annotation: ExprId, depth: usize) -> Option<Schema> {
        let module = self.frame().module;
        let code = self.program.module(module);
        match code.expr(annotation) {
            Expr::Null => Some(Schema::new(Ty::Null)),
            Expr::Binary(crate::ir::BinaryOp::BitOr, a, b) => {
                let members: Vec<Schema> =
                    [*a, *b].into_iter().filter_map(|member| self.annotation_schema_here(member, depth + 1)).collect();
                Some(union_schema(members))
            }
            Expr::Index { object, index } => {
                let generic = self.eval(*object);
                let name = match &generic.kind {
                    Kind::Api(api, _) => self.apis.name(*api),
                    _ => std::rc::Rc::default(),
                };
                let name = name.rsplit('.').next().unwrap_or_default().to_owned();
                let args: Vec<ExprId> = match code.expr(*index) {
                    Expr::Seq { items, .. } => items.iter().map(|(item, _)| *item).collect(),
                    _ => vec![*index],
                };
                match name.as_str() {
                    "Optional" | "Union" => {
                        let members: Vec<Schema> =
                            args.iter().filter_map(|arg| self.annotation_schema_here(*arg, depth + 1)).collect();
                        Some(Schema { is_optional: name == "Optional", ..union_schema(members) })
                    }
                    "Literal" => {
                        let texts: Vec<String> =
                            args.iter().filter_map(|arg| self.eval(*arg).literal().map(str::to_owned)).collect();
                        Some(Schema::with_props(
                            crate::domain::StrProps::one_of(&texts),
                            &format!("one of {}", texts.join(", ")),
                        ))
                    }
                    "Annotated" => {
                        let (first, rest) = args.split_first()?;
                        let mut schema =
                            self.annotation_schema_here(*first, depth + 1).unwrap_or_else(|| Schema::new(Ty::Any));
                        for extra in rest {
                            let value = self.eval(*extra);
                            self.add_field_constraints(&mut schema, &value);
                        }
                        Some(schema)
                    }
                    "list" | "List" | "Sequence" | "Iterable" | "set" | "Set" | "tuple" | "Tuple" | "frozenset" => {
                        let element = args
                            .first()
                            .and_then(|arg| self.annotation_schema_here(*arg, depth + 1))
                            .unwrap_or_else(|| Schema::new(Ty::Any));
                        Some(Schema::new(Ty::Array(Box::new(element))))
                    }
                    "dict" | "Dict" | "Mapping" => {
                        let element = args
                            .get(1)
                            .and_then(|arg| self.annotation_schema_here(*arg, depth + 1))
                            .unwrap_or_else(|| Schema::new(Ty::Any));
                        Some(Schema::new(Ty::Record(Box::new(element))))
                    }
                    _ => None,
                }
            }
            Expr::Str(_) => None,
            _ => {
                let value = self.eval(annotation);
                match &value.kind {
                    Kind::Api(api, _) => {
                        let name = self.apis.name(*api);
                        match name.rsplit('.').next().unwrap_or_default() {
                            "str" | "AnyUrl" | "HttpUrl" | "AnyHttpUrl" | "FilePath" | "DirectoryPath" | "Path"
                            | "EmailStr" | "SecretStr" | "bytes" => Some(Schema::new(Ty::Str)),
                            "int" | "float" | "PositiveInt" | "NonNegativeInt" | "PositiveFloat" | "Decimal" => {
                                Some(Schema::new(Ty::Num))
                            }
                            "bool" => Some(Schema::new(Ty::Bool)),
                            "UUID" | "UUID4" => Some(Schema::with_props(crate::domain::StrProps::uuid(), "uuid")),
                            "list" | "List" | "set" | "tuple" => {
                                Some(Schema::new(Ty::Array(Box::new(Schema::new(Ty::Any)))))
                            }
                            "dict" | "Dict" => Some(Schema::new(Ty::Record(Box::new(Schema::new(Ty::Any))))),
                            "datetime" | "date" | "timedelta" | "time" => Some(Schema::new(Ty::Num)),
                            _ => None,
                        }
                    }
                    Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => {
                        self.class_schema(&value, depth + 1)
                    }
                    _ => None,
                }
            }
        }
    }

    /// `Field(pattern=…, max_length=…)`, `StringConstraints(…)`, `AfterValidator(f)`.
    pub(crate) fn add_field_constraints(&mut self, schema: &mut Schema, value: &Val) {
        let Kind::Api(api, Some(data)) = &value.kind else {
            if let Some(text) = value.literal() {
                schema.description.get_or_insert_with(|| text.to_owned());
            }
            return;
        };
        let name = self.apis.name(*api);
        let state = self.store.obj_rc(*data);
        let get = |name: &str| state.fields.get(&Symbol::new(&format!("${name}"))).cloned();
        if name.ends_with("AfterValidator()") || name.ends_with("BeforeValidator()") {
            if let Some(function) = state.items.first() {
                schema.steps.push((function.clone(), false));
            }
            return;
        }
        for key in ["pattern", "regex"] {
            if let Some(pattern) = get(key).and_then(|value| value.literal().map(str::to_owned)) {
                schema.constraints.push(format!("/{pattern}/"));
                if let Some(props) = self.regex_full_match(&pattern, "", Lang::Python) {
                    schema.props = schema.props.refine(&props);
                }
            }
        }
        if let Some(Val { kind: Kind::Num(Some(max)), .. }) = get("max_length")
            && (0.0..1e9).contains(&max)
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
            let max = max as u32;
            schema.props.max_len = Some(max);
            schema.constraints.push(format!("max_length {max}"));
        }
        for key in ["ge", "gt", "le", "lt", "min_length", "multiple_of"] {
            if get(key).is_some() {
                schema.constraints.push(key.to_owned());
            }
        }
        if let Some(text) = get("description").and_then(|value| value.literal().map(str::to_owned)) {
            schema.description = Some(text);
        }
    }

    /// Whether a Python parameter is injected by the framework and not sent by the model.
    pub(crate) fn is_injected(
        &mut self,
        function: &Closure,
        annotation: Option<ExprId>,
        default: Option<&Val>,
    ) -> bool {
        if let Some(Val { kind: Kind::Api(api, _), .. }) = default {
            let name = self.apis.name(*api);
            if ["Depends()", "CurrentContext()", "Resolve()", "Security()", "CurrentFastMCP()", "CurrentRequest()"]
                .iter()
                .any(|suffix| name.ends_with(suffix))
            {
                return true;
            }
        }
        let Some(annotation) = annotation else { return false };
        self.in_signature(function, |interp| interp.names_context(annotation, 0))
    }

    /// Evaluates part of a function's signature: what it names was captured when the function was made.
    pub(crate) fn in_signature<T>(&mut self, function: &Closure, run: impl FnOnce(&mut Self) -> T) -> T {
        self.in_module(function.module, |interp| {
            interp.frame_mut().captures = function.captures.clone();
            run(interp)
        })
    }

    fn names_context(&mut self, annotation: ExprId, depth: usize) -> bool {
        if depth > 4 {
            return false;
        }
        let code = self.code();
        match code.expr(annotation) {
            Expr::Index { object, index } => {
                if self.names_context(*object, depth + 1) {
                    return true;
                }
                match code.expr(*index) {
                    Expr::Seq { items, .. } => items.iter().any(|(item, _)| self.names_context(*item, depth + 1)),
                    _ => self.names_context(*index, depth + 1),
                }
            }
            Expr::Binary(_, a, b) => self.names_context(*a, depth + 1) || self.names_context(*b, depth + 1),
            Expr::Call { callee, .. } => match self.eval(*callee).kind {
                Kind::Api(api, _) => {
                    let name = self.apis.name(api);
                    name.ends_with(".Depends") || name.ends_with(".Resolve") || name.ends_with("InjectedToolArg")
                }
                _ => false,
            },
            Expr::Var(_) | Expr::Import(..) | Expr::Member { .. } => match self.eval(annotation).kind {
                Kind::Api(api, _) => {
                    let name = self.apis.name(api);
                    let last = name.rsplit('.').next().unwrap_or_default();
                    matches!(
                        last,
                        "Context"
                            | "Request"
                            | "ServerSession"
                            | "RequestContext"
                            | "FastMCP"
                            | "BackgroundTasks"
                            | "Response"
                            | "WebSocket"
                            | "ToolContext"
                            | "AsyncSession"
                            | "Session"
                    )
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// A pydantic model or dataclass as a parameter, or anything else a schema cannot say.
    pub(crate) fn param_schema(
        &mut self,
        function: &Closure,
        annotation: Option<ExprId>,
        default: Option<&Val>,
    ) -> Option<Schema> {
        let mut schema = annotation
            .and_then(|annotation| self.in_signature(function, |interp| interp.annotation_schema_here(annotation, 0)));
        if let Some(default) = default
            && let Some(schema) = schema.as_mut()
        {
            self.add_field_constraints(schema, default);
        }
        schema
    }
}

/// Validators of a pydantic model.
#[derive(Default)]
struct Validators {
    /// By field; `*` stands for all.
    of_fields: Vec<(Symbol, Val)>,
    /// Of whole instances.
    of_model: Vec<Val>,
}

impl Validators {
    /// The validators of a field, as steps of its schema.
    fn of_field(&self, name: Symbol) -> Vec<(Val, bool)> {
        let concerns = |field: &Symbol| *field == name || field.as_str() == "*";
        self.of_fields
            .iter()
            .filter(|(field, _)| concerns(field))
            .map(|(_, validator)| (validator.clone(), false))
            .collect()
    }
}

/// The last name of what a decorator calls: `field_validator` for `@pydantic.field_validator("x")`.
fn called_name(code: &crate::ir::Module, decorator: ExprId) -> Option<Symbol> {
    let Expr::Call { callee, .. } = code.expr(decorator) else { return None };
    match code.expr(*callee) {
        Expr::Member { name, .. } | Expr::Import(_, crate::ir::ImportName::Named(name)) => Some(*name),
        _ => None,
    }
}

fn union_schema(mut members: Vec<Schema>) -> Schema {
    let is_optional = members.iter().any(|member| matches!(member.ty, Ty::Null));
    members.retain(|member| !matches!(member.ty, Ty::Null));
    match members.len() {
        1 => Schema { is_optional, ..members.remove(0) },
        _ => Schema { is_optional, ..Schema::new(Ty::Union(members)) },
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

/// `server.call_tool` → `call_tool`.
fn decorated_method(path: &str) -> Option<&'static str> {
    ["call_tool", "list_tools", "read_resource", "get_prompt", "completion"]
        .into_iter()
        .find(|method| path.ends_with(&format!(".{method}")))
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

fn is_tool_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':'))
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
