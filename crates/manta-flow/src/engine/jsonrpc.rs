//! Servers without an SDK: a function that looks at the method of a message and does what `tools/call` asks for, or
//! `resources/read` or `prompts/get`.

use std::collections::BTreeSet;

use manta_core::{Location, Span};

use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs};
use crate::engine::report::Registration;
use crate::engine::store::{Closure, Obj, ObjKind};
use crate::engine::value::{FnId, Kind, ModId, ObjId, Val};
use crate::ir::{Expr, ExprId, FuncId, ParamKind, Prop, Symbol};

/// What tools of such a server are registered with.
pub(crate) const SDK: &str = "json-rpc";

/// The methods that bring data of the caller's, and what they are for.
const METHODS: [(&str, Exposes); 3] =
    [("tools/call", Exposes::Tool), ("resources/read", Exposes::Resource), ("prompts/get", Exposes::Prompt)];
/// The method that says which there are.
const LIST: &str = "tools/list";

impl Interp<'_> {
    /// Registers the functions that tell such methods from others; only in packages in which no SDK was seen.
    pub(crate) fn register_message_handlers(&mut self) {
        let homes = |interp: &Self, is_of_sdk: bool| -> BTreeSet<_> {
            let tools = interp.found.registrations.iter().filter(|registration| registration.exposes == Exposes::Tool);
            let told = tools.filter(|registration| !(is_of_sdk && registration.is_structural));
            told.map(|registration| interp.program.home_of(registration.module)).collect()
        };
        // What is found by the shape of its tools has no SDK that answers other methods.
        let (of_sdk, homes) = (homes(self, true), homes(self, false));
        for (name, handler, module, span) in std::mem::take(&mut self.found.message_methods) {
            if homes.contains(&self.program.home_of(module)) {
                continue;
            }
            if let Some(exposes) = exposed_by(name.as_str()) {
                self.push_message_handler(exposes, module, handler, span);
            } else {
                let at = Location::new(self.program.module(module).file, span);
                self.found.list_handlers.push((handler, at, module));
            }
        }
        let modules: Vec<ModId> = self.program.modules().map(|(id, _)| id).collect();
        for module in modules {
            for (method, exposes) in METHODS {
                let others = if exposes == Exposes::Tool { &homes } else { &of_sdk };
                if others.contains(&self.program.home_of(module)) {
                    continue;
                }
                for (func, span) in self.functions_that_compare(module, method) {
                    // The closure that was made last has seen the most of the program.
                    let is_one = |known: &Closure| known.module == module && known.func == func;
                    let known = self.store.closures.iter().rposition(is_one);
                    let Some(id) = known.and_then(|index| u32::try_from(index).ok()).map(FnId) else { continue };
                    let handler = self.with_receiver(id);
                    self.push_message_handler(exposes, module, handler, span);
                }
            }
        }
    }

    /// `handlers["tools/call"] = handler`, often in a method that registers any: what such a table is for is known when it
    /// is known that no SDK is.
    pub(crate) fn message_method_set(&mut self, name: Symbol, handler: &Val, span: Span) {
        let is_method = name.as_str() == LIST || exposed_by(name.as_str()).is_some();
        if is_method && self.is_callable(handler) {
            let module = self.frame().module;
            self.found.message_methods.push((name, handler.clone(), module, span));
        }
    }

    /// `{ "tools/call": handler }`.
    pub(crate) fn message_table_built(&mut self, table: ObjId, span: Span) {
        let method = |interp: &Self, name: &str| {
            let handler = interp.store.obj(table).fields.get(&Symbol::new(name))?;
            interp.is_callable(handler).then(|| handler.clone())
        };
        let module = self.frame().module;
        for (name, exposes) in METHODS {
            let Some(handler) = method(self, name) else { continue };
            if let Some(lists) = method(self, LIST).filter(|_| exposes == Exposes::Tool) {
                let at = Location::new(self.program.module(module).file, span);
                self.found.list_handlers.push((lists, at, module));
            }
            self.push_message_handler(exposes, module, handler, span);
        }
    }

    fn push_message_handler(&mut self, exposes: Exposes, module: ModId, handler: Val, span: Span) {
        let at = Location::new(self.program.module(module).file, span);
        // The same function answers `tools/list`.
        if exposes == Exposes::Tool {
            self.found.list_handlers.push((handler.clone(), at, module));
        }
        let registration = Registration {
            is_structural: true,
            ..Registration::handler(exposes, SDK, module, at, Some(handler), HandlerArgs::Message)
        };
        self.push_registration(registration);
    }

    /// A method with an instance of its class.
    fn with_receiver(&mut self, id: FnId) -> Val {
        let handler = Val::of(Kind::Fn(id));
        let closure = self.store.closure(id);
        let (module, home) = (closure.module, closure.home);
        let Some(home) = home else { return handler };
        let args = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
        let class = Val::of(Kind::Obj(home));
        let instance = self.in_module(module, |interp| interp.construct(&class, args, Span::default()));
        Val::of(Kind::Bound(std::rc::Rc::new((instance, handler))))
    }

    /// The innermost functions that compare something with a method's name. A client that sends it has it in an object
    /// or as an argument, which is no comparison.
    fn functions_that_compare(&self, module: ModId, method: &str) -> Vec<(FuncId, Span)> {
        let code = self.program.module(module);
        let is_method = |id: &ExprId| matches!(code.expr(*id), Expr::Str(text) if &**text == method);
        let ids = (0..code.exprs.len()).filter_map(|index| u32::try_from(index).ok()).map(ExprId);
        let named: Vec<ExprId> = ids.filter(is_method).collect();
        if named.is_empty() {
            return Vec::new();
        }
        let mut given: Vec<ExprId> = Vec::new();
        for expr in &code.exprs {
            match expr {
                Expr::Object { props, .. } => given.extend(props.iter().filter_map(|prop| match prop {
                    Prop::Init(_, value) => Some(*value),
                    _ => None,
                })),
                Expr::Call { args, .. } => given.extend(args.iter().map(|arg| arg.value)),
                _ => {}
            }
        }
        let mut found: Vec<(FuncId, Span)> = Vec::new();
        for id in named.into_iter().filter(|id| !given.contains(id)) {
            let at = code.span(id);
            let funcs = (1..code.funcs.len()).filter_map(|index| u32::try_from(index).ok()).map(FuncId);
            let around = funcs.filter(|func| code.func(*func).span.contains(at));
            let innermost = around.min_by_key(|func| {
                let span = code.func(*func).span;
                span.end - span.start
            });
            if let Some(func) = innermost
                && !found.iter().any(|(known, _)| *known == func)
            {
                found.push((func, at));
            }
        }
        found
    }

    /// Arguments for a function that gets a message, or its parts under their usual names.
    pub(crate) fn message_args(
        &mut self,
        exposes: Exposes,
        handler: &Val,
        dispatched: Option<&str>,
        at: Location,
    ) -> Args {
        let Some(id) = self.closure_of(handler) else { return Args::default() };
        let closure = self.store.closure(self.wrapped(id)).clone();
        let code = self.program.module(closure.module);
        let func = code.func(closure.func);
        let skip = usize::from(closure.takes_self) + closure.bound.len();
        let asked = match exposes {
            Exposes::Resource => {
                let (taint, step) = self.source("uri".to_owned(), at);
                vec![("uri", self.untrusted_text("uri", taint, step))]
            }
            _ => vec![("name", self.tool_name(dispatched)), ("arguments", self.arguments_object(None, false, at))],
        };
        let given = |name: &str| asked.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let record = |interp: &mut Self, fields: Vec<(&str, Val)>| {
            let mut obj = Obj::new(if interp.program.module(closure.module).lang == crate::ir::Lang::Python {
                ObjKind::Dict
            } else {
                ObjKind::Plain
            });
            obj.fields.extend(fields.into_iter().map(|(name, value)| (Symbol::new(name), value)));
            Val::of(Kind::Obj(interp.store.new_obj(obj)))
        };
        let params = record(self, asked.clone());
        let called = METHODS.iter().find(|(_, of)| *of == exposes).map_or(METHODS[0].0, |(name, _)| *name);
        let method = Val::str(called);
        let mut fields = vec![
            ("jsonrpc", Val::str("2.0")),
            ("id", Val::unknown()),
            ("method", method.clone()),
            ("params", params.clone()),
        ];
        // For a handler that is given the parameters alone and names none.
        fields.extend(asked.iter().cloned());
        let message = record(self, fields);
        if let Kind::Obj(id) = message.kind {
            // Inside a route the message is the body of a request, which may be a field of a context.
            for name in ["body", "req", "request"] {
                self.store.obj_mut(id).fields.insert(Symbol::new(name), message.clone());
            }
        }
        self.found.message = Some(message.clone());
        let mut args = Args::default();
        let mut has_message = false;
        for param in func.params.iter().skip(skip).filter(|param| param.kind == ParamKind::Normal) {
            let word = param.name.map(|name| name.as_str().to_ascii_lowercase()).unwrap_or_default();
            args.pos.push(match word.as_str() {
                "method" | "method_name" | "methodname" => method.clone(),
                "params" | "parameters" => params.clone(),
                "name" | "tool" | "tool_name" | "toolname" => given("name").unwrap_or_else(Val::unknown),
                "uri" | "resource_uri" | "resourceuri" => given("uri").unwrap_or_else(Val::unknown),
                "arguments" | "args" | "tool_args" | "toolargs" | "input" => {
                    given("arguments").unwrap_or_else(|| params.clone())
                }
                // What `JSON.parse` makes a message of.
                "line" | "data" | "chunk" | "raw" | "text" | "buffer" | "buf" | "event"
                    if func.params.len() == skip + 1 =>
                {
                    Val::unknown()
                }
                "id" | "request_id" | "res" | "response" | "reply" | "ws" | "socket" | "session" | "ctx"
                | "context" => Val::unknown(),
                _ if !has_message => {
                    has_message = true;
                    message.clone()
                }
                _ => Val::unknown(),
            });
        }
        args
    }

    /// `request.json()` in a handler that was given the message as its request.
    pub(crate) fn message_read(&self, receiver: &Val, name: Symbol) -> Option<Val> {
        let message = self.found.message.as_ref()?;
        let (Kind::Obj(given), Kind::Obj(own)) = (&receiver.kind, &message.kind) else { return None };
        let is_body = matches!(name.as_str(), "json" | "text" | "body" | "get_json" | "get_data" | "read");
        (given == own && is_body).then(|| message.clone())
    }
}

/// What a method brings the data of the caller's to, if any.
fn exposed_by(method: &str) -> Option<Exposes> {
    METHODS.iter().find(|(name, _)| *name == method).map(|(_, exposes)| *exposes)
}
