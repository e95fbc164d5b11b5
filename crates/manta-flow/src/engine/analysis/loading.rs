//! Runs what a program runs before anybody calls it, and settles what it registers.

use super::CallInfo;
use crate::engine::interp::{Args, Interp};
use crate::engine::models::Exposes;
use crate::engine::report::Registration;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{FnId, Kind, ModId, ObjId, Val};
use crate::ir::Expr;
use crate::ir::{FuncId, Symbol};
use manta_core::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Names of functions that build or start a server without being called by the module itself.
const STARTERS: [&str; 14] = [
    "main",
    "serve",
    "run",
    "start",
    "createServer",
    "create_server",
    "cli",
    "startServer",
    "runServer",
    "app",
    "build_server",
    "get_server",
    "setup",
    "register",
];

/// Most times that one function is analysed as tools of one name: with other checks each time, or as a wrapper that forgets
/// the names of what it wraps.
const MAX_VARIANTS: usize = 32;

/// Method names that registrations are written with, and those that hand a request to the protocol.
const REGISTRATION_METHODS: [&str; 19] = [
    "tool",
    "registerTool",
    "addTool",
    "addTools",
    "setRequestHandler",
    "registerResource",
    "registerPrompt",
    "resource",
    "prompt",
    "add_tool",
    "call_tool",
    "list_tools",
    "mcp_tool",
    "custom_route",
    "addResource",
    "addPrompt",
    "handleRequest",
    "handlePostMessage",
    "handle_request",
];

/// `register_cli_tools`, `registerAllHandlers`.
fn is_registrar(name: &str) -> bool {
    const WHAT: [&str; 5] = ["tool", "resource", "prompt", "handler", "builtin"];
    let name = name.trim_start_matches('_').to_ascii_lowercase();
    let what = name.strip_prefix("register").map(|rest| rest.trim_start_matches('_'));
    what.is_some_and(|rest| rest == "all" || WHAT.iter().any(|what| rest.contains(what)))
}

impl<'p> Interp<'p> {
    /// Runs all entry modules, then what would register tools but was not reached from them.
    pub(super) fn load_program(&mut self) {
        let entries: Vec<ModId> = self.program.entries.iter().map(|(id, _)| *id).collect();
        self.fuel = self.limits.fuel_total / 10;
        self.sparing_below = self.fuel / 4;
        self.is_loading = true;
        self.found.globals = Some(self.store.new_obj(Obj::new(ObjKind::Plain)));
        for entry in &entries {
            self.load(*entry);
        }
        for entry in &entries {
            self.call_starters(*entry);
        }
        self.call_unreached();
        self.register_tool_classes();
        self.register_tool_files();
        self.forget_unserved();
        self.register_tool_hierarchy();
        self.register_message_handlers();
        self.register_responders();
        self.is_loading = false;
        self.is_load_cut = self.out_of_fuel;
        self.dear.forget();
        self.start_lifespan();
        self.found.environment = Some(self.store.new_obj(Obj::new(ObjKind::Plain)));
        self.found.files = Some(self.store.new_obj(Obj::new(ObjKind::Plain)));
        self.found.written_before = std::mem::take(&mut self.found.written);
        self.weight_before = self.store.weight();
        let lists = std::mem::take(&mut self.found.list_handlers);
        for (handler, at, module) in lists {
            self.fuel = self.limits.fuel_per_tool;
            let mark = self.store.mark();
            self.in_module(module, |interp| {
                let args = Args { rest: Some(Val::unknown()), ..Args::default() };
                let result = interp.call_value(&handler, None, args, Span::default());
                for result in result.alternatives().to_vec() {
                    interp.read_listed(&result, at);
                }
            });
            self.store.rollback(mark);
            self.store.release(mark);
        }
    }

    /// `export function createServer()` in an entry module: called by whoever imports the package.
    fn call_starters(&mut self, module: ModId) {
        for name in self.export_names(module, 0) {
            let is_starter = STARTERS.contains(&name.as_str()) || name.as_str() == "default";
            if !is_starter {
                continue;
            }
            let Some(value) = self.export(module, name, 0) else { continue };
            let Some(closure) = self.closure_of(&value) else { continue };
            let closure = self.store.closure(closure);
            if !self.entered.contains(&(closure.module, closure.func)) {
                self.call_with_unknowns(module, &value);
            }
        }
    }

    fn call_with_unknowns(&mut self, module: ModId, value: &Val) {
        self.fuel = self.fuel.max(self.limits.fuel_per_tool);
        let value = value.clone();
        self.in_module(module, |interp| {
            let args = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
            interp.call_value(&value, None, args, Span::default());
        });
    }

    /// Functions and classes nothing has run although their code registers tools.
    pub(super) fn call_unreached(&mut self) {
        // Where a command line has used up everything, what registers is there to be run all the same.
        self.fuel = self.fuel.max(self.limits.fuel_per_tool);
        let modules: Vec<ModId> = self.program.modules().map(|(id, _)| id).collect();
        for module in modules {
            self.load(module);
            let code = self.program.module(module);
            for name in self.export_names(module, 0) {
                let Some(value) = self.export(module, name, 0) else { continue };
                self.run_if_registering(module, &value);
            }
            // Top-level functions that are not exported.
            for slot in 0..code.func(FuncId(0)).slots {
                let value = self.module_slot(module, slot);
                if matches!(value.kind, Kind::Fn(_) | Kind::Obj(_)) {
                    self.run_if_registering(module, &value);
                }
            }
        }
    }

    fn run_if_registering(&mut self, module: ModId, value: &Val) {
        match &value.kind {
            Kind::Fn(id) => {
                let closure = self.store.closure(*id);
                let place = (closure.module, closure.func);
                if !self.entered.contains(&place) && self.mentions_registration(place.0, place.1) {
                    self.call_with_unknowns(module, value);
                }
            }
            Kind::Obj(id) => {
                let Some(class) = self.class_val(*id) else { return };
                if !matches!(self.store.obj(*id).kind, ObjKind::Class(_)) {
                    return;
                }
                let methods: Vec<(Symbol, Val)> =
                    class.methods.iter().map(|(name, value)| (*name, value.clone())).collect();
                let registering: Vec<(Symbol, Val)> = methods
                    .into_iter()
                    .filter(|(_, method)| {
                        self.closure_of(method).is_some_and(|id| {
                            let closure = self.store.closure(id);
                            let place = (closure.module, closure.func);
                            !self.entered.contains(&place) && self.mentions_registration(place.0, place.1)
                        })
                    })
                    .collect();
                if registering.is_empty() {
                    return;
                }
                let class = value.clone();
                self.fuel = self.fuel.max(self.limits.fuel_per_tool);
                self.in_module(module, |interp| {
                    let args = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
                    let instance = interp.construct(&class, args.clone(), Span::default());
                    for (name, method) in registering {
                        let is_constructor = matches!(name.as_str(), "constructor" | "__init__");
                        let reached = interp.closure_of(&method).is_some_and(|id| {
                            let closure = interp.store.closure(id);
                            interp.entered.contains(&(closure.module, closure.func))
                        });
                        if !is_constructor && !reached {
                            interp.call_value(&method, Some(instance.clone()), args.clone(), Span::default());
                        }
                    }
                });
            }
            _ => {}
        }
    }

    /// Whether a function's own code, or a function created in it, contains a call that looks like a registration, or the
    /// function's name says that it registers tools: with a registry of the program's own.
    fn mentions_registration(&mut self, module: ModId, func: FuncId) -> bool {
        let code = self.program.module(module);
        if code.func(func).name.is_some_and(|name| is_registrar(name.as_str())) {
            return true;
        }
        let mentions = self.registration_spans.entry(module).or_insert_with(|| {
            let calls = code.exprs.iter().zip(&code.spans);
            calls
                .filter(|(expr, _)| {
                    matches!(expr, crate::ir::Expr::Member { name, .. } if REGISTRATION_METHODS.contains(&name.as_str()))
                })
                .map(|(_, span)| *span)
                .collect()
        });
        let span = code.func(func).span;
        mentions.iter().any(|at| at.start >= span.start && at.end <= span.end)
    }

    /// The modules whose code registers tools where no tool was found: what leads there, or what it is given, was not
    /// understood. Only the name that says no other thing is looked for.
    fn silent_registrations(&self, all: &[Registration]) -> BTreeSet<String> {
        let known: BTreeSet<(ModId, u32)> = all.iter().map(|one| (one.module, one.at.span.start)).collect();
        let mut silent = BTreeSet::new();
        for (id, module) in self.program.modules() {
            let calls = module.exprs.iter().zip(&module.spans).filter(|(expr, _)| match expr {
                Expr::Call { callee, args, .. } => {
                    let is_named = |expr| matches!(module.expr(expr), Expr::Member { name, .. } if name.as_str() == "registerTool");
                    args.len() > 1 && is_named(*callee)
                }
                _ => false,
            });
            if calls.into_iter().any(|(_, span)| !known.contains(&(id, span.start))) {
                silent.insert(module.path.to_string());
            }
        }
        silent
    }

    /// The routes of a web application that a library offers as tools: FastAPI's, called by their operation.
    pub(super) fn name_operations(&self, all: &mut [Registration]) {
        let offers = |call: &CallInfo| call.api.ends_with("FastApiMCP") || call.api.ends_with("FastMCP.from_fastapi");
        if !self.found.calls.iter().any(offers) {
            return;
        }
        for route in all.iter_mut().filter(|one| one.exposes == Exposes::Route && one.sdk == "fastapi") {
            let Some(handler) = route.handler.as_ref().and_then(|handler| self.closure_of(handler)) else { continue };
            let closure = self.store.closure(handler);
            let function = self.program.module(closure.module).func(closure.func).name;
            let given = self.found.operations.get(&handler).cloned();
            let Some(name) = given.or_else(|| function.map(|name| name.as_str().to_owned())) else { continue };
            route.exposes = Exposes::Tool;
            route.name = Some(name);
        }
    }

    /// Registrations in a fixed order; shapes only where no SDK call registered the same handler or name.
    pub(super) fn settled_registrations(&mut self) -> Vec<Registration> {
        let mut all = std::mem::take(&mut self.found.registrations);
        self.found.silent_registrations = self.silent_registrations(&all);
        self.name_operations(&mut all);
        let function = |interp: &Self, registration: &Registration| {
            registration.handler.as_ref().and_then(|handler| interp.closure_of(handler)).map(|id| {
                let closure = interp.store.closure(id);
                (closure.module, closure.func)
            })
        };
        let is_real = |registration: &Registration| !registration.is_structural && registration.sdk != "structural";
        let mut known_names: BTreeSet<(Exposes, String)> = BTreeSet::new();
        let mut known_functions: Vec<(ModId, FuncId)> = Vec::new();
        for registration in all.iter().filter(|registration| is_real(registration)) {
            known_names.extend(registration.name.clone().map(|name| (registration.exposes, name)));
            // A route may take the messages of the protocol, and is what runs tools then.
            if registration.exposes != Exposes::Route {
                known_functions.extend(function(self, registration));
            }
        }
        let of_sdk = all.iter().filter(|registration| is_real(registration) && registration.exposes == Exposes::Tool);
        let homes: BTreeSet<_> = of_sdk.map(|registration| self.program.home_of(registration.module)).collect();
        // What a tool with a name keeps to call is a part of that tool.
        let mut parts: BTreeSet<ObjId> = BTreeSet::new();
        for registration in all.iter().filter(|one| is_real(one) && one.name.is_some()) {
            if let Some(handler) = registration.handler.as_ref().and_then(|handler| self.closure_of(handler)) {
                self.kept_objects(handler, &mut parts, 3);
            }
        }
        let mut settled: Vec<Registration> = Vec::new();
        for mut registration in all {
            if registration.exposes == Exposes::Tool {
                registration.name = registration.name.map(|name| self.mounted_name(&name, registration.server));
            }
            if !is_real(&registration) {
                let named = registration
                    .name
                    .as_ref()
                    .is_some_and(|name| known_names.contains(&(registration.exposes, name.clone())));
                let same = function(self, &registration).is_some_and(|place| known_functions.contains(&place));
                // With an SDK in use in the package, a bare shape without schema and description is some other registry.
                let is_bare = registration.schema.is_none() && registration.description.is_none();
                let is_other = is_bare && homes.contains(&self.program.home_of(registration.module));
                let is_part = registration.this.as_ref().is_some_and(|this| match this.kind {
                    Kind::Obj(id) => parts.contains(&id),
                    _ => false,
                });
                if named || same || is_part || is_other {
                    continue;
                }
            }
            settled.push(registration);
        }
        settled.sort_by_key(|registration| (registration.at.file, registration.at.span.start));
        // The same tool registered by an ESM and a CommonJS copy, or twice by branches, is one tool; but not what one function
        // makes of two checks.
        let mut seen: BTreeMap<_, Vec<Option<FnId>>> = BTreeMap::new();
        let mut is_cut = false;
        settled.retain(|registration| {
            let handler = registration.handler.as_ref().and_then(|handler| self.closure_of(handler));
            let key = (registration.exposes, registration.name.clone(), function(self, registration));
            let known = seen.entry(key).or_default();
            let is_twin = |other: &Option<FnId>| match (*other, handler) {
                (Some(other), Some(own)) => self.are_twins(own, other),
                (other, own) => other == own,
            };
            let is_other = !known.iter().any(is_twin);
            let is_new = is_other && known.len() < MAX_VARIANTS;
            if is_new {
                known.push(handler);
            }
            let is_left_out = !is_new && registration.name.is_some();
            is_cut |= is_left_out && is_other;
            !is_left_out
        });
        self.found.is_table_cut |= is_cut;
        settled
    }

    /// Objects in variables that a function closes over, and what the functions in those variables close over in turn.
    pub(super) fn kept_objects(&self, function: FnId, kept: &mut BTreeSet<ObjId>, depth: usize) {
        for cell in self.store.closure(function).captures.iter() {
            match self.store.cell(*cell).kind {
                Kind::Obj(id) => {
                    kept.insert(id);
                    let functions = self.store.obj(id).fields.values().filter_map(|field| match field.kind {
                        Kind::Fn(inner) if depth > 0 => Some(inner),
                        _ => None,
                    });
                    functions.for_each(|inner| self.kept_objects(inner, kept, depth - 1));
                }
                Kind::Fn(inner) if depth > 0 => self.kept_objects(inner, kept, depth - 1),
                _ => {}
            }
        }
    }
}
