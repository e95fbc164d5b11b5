//! Registration by decorators.

use manta_core::Span;

use super::SCHEMA_NAMES;
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs, RegisterRow};
use crate::engine::report::{Mount, Registration};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
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
                let result = self.call_decorator(decorator, &target, span);
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
                let result = self.call_decorator(decorator, &target, span);
                if self.is_callable(&result) { result } else { target }
            }
            _ => target,
        }
    }

    /// Calls a decorator of the program's own. What it registers is registered where it is used: there may be a hundred
    /// tools below one wrapper.
    fn call_decorator(&mut self, decorator: &Val, target: &Val, span: Span) -> Val {
        let outer = self.found.decorated_at;
        self.found.decorated_at = outer.or_else(|| Some(self.here(span)));
        let result = self.call_value(decorator, None, Args::of(vec![target.clone()]), span);
        self.found.decorated_at = outer;
        result
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
        let server = match (self.apis.last(api), data) {
            (ApiStep::Call, Some(state)) => self.made_on(state),
            (_, data) => data,
        };
        self.note_server(server, span);
        if row.exposes == Exposes::Handler {
            let method = row.name.clone();
            let name = self.apis.name(row_api);
            let method = method.as_deref().or_else(|| decorated_method(&name));
            self.register_python_handler(&row, method, target, span);
            return Some(target.clone());
        }
        if let (Some(handler), Some(operation)) = (self.closure_of(target), call_args.named("operation_id")) {
            self.found.operations.extend(operation.literal().map(|name| (handler, name.to_owned())));
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
        let (module, at) = (self.frame().module, self.here(span));
        let registration = Registration {
            validates: row.validates && self.version_validates(row),
            ..Registration::handler(exposes, &row.sdk, module, at, Some(target.clone()), row.args)
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
        let result = match self.decorate_legacy(decorator, &value, class, name, span) {
            Some(result) => result,
            None => self.decorate(decorator, value, span),
        };
        for registration in &mut self.found.registrations[before..] {
            registration.this = Some(Val::of(Kind::Obj(class)));
        }
        result
    }

    /// TypeScript before the standard: `(target, key, descriptor) => …`, which may put another method into the
    /// descriptor or give another one.
    fn decorate_legacy(&mut self, decorator: &Val, value: &Val, class: ObjId, name: Symbol, span: Span) -> Option<Val> {
        let closure = self.store.closure(self.closure_of(decorator)?);
        let asks_for = self.program.module(closure.module).func(closure.func).params.len();
        if self.lang() != Lang::JavaScript || asks_for < 3 {
            return None;
        }
        let field = Symbol::new("value");
        let mut descriptor = Obj::new(ObjKind::Plain);
        descriptor.fields.insert(field, value.clone());
        let descriptor = self.store.new_obj(descriptor);
        let target = Val::of(Kind::Obj(class));
        let args = Args::of(vec![target, Val::str(name.as_str()), Val::of(Kind::Obj(descriptor))]);
        let given = self.call_value(decorator, None, args, span);
        let holder = match given.kind {
            Kind::Obj(id) => id,
            _ => descriptor,
        };
        self.store.obj(holder).fields.get(&field).cloned().filter(|value| self.is_callable(value))
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
        let name = text.as_deref().unwrap_or(name.as_str());
        let sdk = path.split('.').next().unwrap_or("decorator");
        let registration = Registration {
            validates: schema.is_some() || is_python,
            schema,
            args: if is_python { HandlerArgs::Named } else { HandlerArgs::Object },
            this: Some(Val::of(Kind::Obj(class))),
            ..Registration::tool(sdk, name, self.frame().module, self.here(span), value.clone())
        };
        self.push_registration(registration);
    }
}

/// `server.call_tool` → `call_tool`.
fn decorated_method(path: &str) -> Option<&'static str> {
    ["call_tool", "list_tools", "read_resource", "get_prompt", "completion"]
        .into_iter()
        .find(|method| path.ends_with(&format!(".{method}")))
}
