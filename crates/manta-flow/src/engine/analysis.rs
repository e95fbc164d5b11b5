//! The driver: load modules, collect registrations, run every handler, confirm what was found.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{FileId, Location, Span};

use crate::engine::config::{FunctionFacts, Made};
use crate::engine::controls::Way;
use crate::engine::credentials::{Credential, HandedOut};
use crate::engine::interp::{Args, Interp, Limits};
use crate::engine::models::{Exposes, HandlerArgs, Models, SinkKind};
use crate::engine::program::Program;
use crate::engine::promises::{Act, Promises};
use crate::engine::report::{FlowRule, Hit, Limit, Outcome, REQUEST_STATE, Registration, Replay, TRANSPORT};
use crate::engine::schema::Schema;
use crate::engine::stage::{Observer, Stage};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::trace::{StepKind, TraceStep};
use crate::engine::value::{FnId, Kind, ModId, ObjId, Taint, Val};
use crate::ir::{FuncId, Lang, ParamKind, Pat, Symbol};

/// Everything the engine learnt about a target.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What the server exposes.
    pub tools: Vec<ToolFacts>,
    /// Flows of untrusted data into sinks.
    pub flows: Vec<Flow>,
    /// Calls that configuration rules look at.
    pub calls: Vec<CallInfo>,
    /// Handlers that could not be found: registered name or place, and why.
    pub unresolved: Vec<(String, Location)>,
    /// Budgets that ran out, in words.
    pub exhausted: Vec<String>,
    /// Expressions evaluated.
    pub steps: u64,
    /// Files in the import closure, in order of loading.
    pub files: Vec<manta_core::FileId>,
}

/// One exposed tool, resource, prompt or route.
#[derive(Clone, Debug)]
pub struct ToolFacts {
    /// What it is.
    pub exposes: Exposes,
    /// Its name; `*` stands for computed parts.
    pub name: String,
    /// Its description as far as it is constant.
    pub description: Option<String>,
    /// The SDK, framework or `structural`.
    pub sdk: String,
    /// Language of the registration.
    pub lang: Lang,
    /// Where it is registered.
    pub at: Location,
    /// Whether arguments are validated before the handler runs.
    pub validates: bool,
    /// Declared parameters.
    pub params: Vec<ParamFacts>,
    /// Found by shape only.
    pub is_structural: bool,
    /// Whether its handler was found and run.
    pub is_resolved: bool,
    /// Checks that stopped untrusted data, by class, with the place of the check if known.
    pub guarded: BTreeMap<&'static str, Option<Location>>,
    /// The run ended early.
    pub is_incomplete: bool,
    /// What its annotations promise.
    pub promises: Promises,
    /// What its handler does, once per kind, whoever decides about the arguments.
    pub acts: Vec<Act>,
    /// What a call of it meets on its way.
    pub way: Way,
    /// Credentials in what it answers.
    pub handed_out: Vec<HandedOut>,
}

/// A declared parameter.
#[derive(Clone, Debug)]
pub struct ParamFacts {
    /// Name.
    pub name: String,
    /// Type in words.
    pub ty: String,
    /// Constraints as declared.
    pub constraints: Vec<String>,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Description.
    pub description: Option<String>,
}

/// Untrusted data that does harm.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The rule.
    pub rule: FlowRule,
    /// What the sink does.
    pub kind: SinkKind,
    /// Indices into [`Analysis::tools`], in order.
    pub tools: Vec<usize>,
    /// The sink.
    pub at: Location,
    /// Access path of the sink.
    pub api: String,
    /// The parameter and where it enters.
    pub source: (String, Location),
    /// From source to sink.
    pub trace: Vec<(Location, String)>,
    /// An input that shows it.
    pub example: Option<String>,
    /// One clause.
    pub reason: String,
    /// Where the values of other tools take another way to the same sink.
    pub others: Vec<(Location, String)>,
    /// Checks met that do not hold.
    pub notes: Vec<(Location, String)>,
    /// What keeps the harm small.
    pub limit: Option<Limit>,
    /// Whether a concrete input was followed to the sink.
    pub is_confirmed: bool,
}

/// A call outside the target, for configuration rules.
#[derive(Clone, Debug)]
pub struct CallInfo {
    /// Access path.
    pub api: String,
    /// Where.
    pub at: Location,
    /// Positional arguments, reduced to what rules ask for.
    pub args: Vec<ArgInfo>,
    /// Keyword arguments.
    pub named: Vec<(String, ArgInfo)>,
    /// Identity of the receiver.
    pub on: Option<u32>,
    /// Identity of the result.
    pub made: Option<u32>,
    /// Positional arguments the receiver was made with.
    pub state_args: Vec<ArgInfo>,
    /// Keyword arguments the receiver was made with, and fields assigned to it since.
    pub state: Vec<(String, ArgInfo)>,
    /// Whether there may be arguments that are not known.
    pub is_open: bool,
    /// Whether a handler ran, and not a module's own code.
    pub in_handler: bool,
    /// Index of the tool whose handler ran, into [`Analysis::tools`].
    pub tool: Option<usize>,
}

/// A value as configuration rules see it.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgInfo {
    /// Not known.
    Unknown,
    /// A constant text.
    Text(String),
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// Missing or null.
    Null,
    /// A record of constants.
    Record(Vec<(String, ArgInfo)>),
    /// A list.
    List(Vec<ArgInfo>),
    /// A function, or a class or instance of the target where middleware is expected.
    Function(std::sync::Arc<FunctionFacts>),
    /// Something outside the target, by access path (`$env.HOST` for the environment).
    Api(String),
    /// Something that a call outside the target made.
    Made(Box<Made>),
    /// A text, or what came with a request, that holds credentials.
    Holds(Vec<Credential>),
    /// One of several; where the administrator's configuration decides, the usual one first.
    OneOf(Vec<ArgInfo>),
}

/// What became of concrete inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replayed {
    /// Judged by characters alone, or there is no time.
    NothingToFollow,
    /// None arrives.
    Stopped,
    /// One arrives.
    Arrives,
    /// One arrives, but only with the ending (`.csv`) that the program asks for.
    ArrivesWithEnding,
}

/// Analyses a linked program.
#[must_use]
pub fn analyse(program: &Program, models: &Models, limits: Limits, observer: &Observer) -> Analysis {
    let mut interp = Interp::new(program, models, limits);
    interp.observer = observer.clone();
    observer.enter(Stage::Loading, 0);
    interp.load_program();
    observer.enter(Stage::Handlers, interp.fuel_used);
    let mut analysis = Analysis::default();
    let registrations = interp.settled_registrations();
    let mut found: Vec<(usize, Hit, Vec<TraceStep>, (String, Location), bool)> = Vec::new();
    for registration in registrations {
        interp.run_registration(&registration, &mut analysis, &mut found);
    }
    analysis.flows = collect_flows(&interp, found);
    analysis.calls = std::mem::take(&mut interp.found.calls);
    analysis.steps = interp.fuel_used;
    analysis.files = program.modules().map(|(_, module)| module.file).collect();
    if interp.fuel_used >= limits.fuel_total {
        analysis.exhausted.push(format!("the analysis stopped after {} steps", limits.fuel_total));
    }
    if interp.is_heavy {
        analysis.exhausted.push(format!("the analysis stopped at {} MiB of values", limits.store_bytes >> 21));
    }
    if interp.found.depth_exceeded {
        analysis.exhausted.push(format!("calls nested deeper than {} were summarised", limits.call_depth));
    }
    analysis
}

/// How control got to the sink from where the value was last passed on. A call that is written around the next one, as
/// `new Promise((resolve) => …)` is, leads nowhere else and says nothing.
fn ways_of_control(hit: &Hit, steps: &[TraceStep]) -> Vec<TraceStep> {
    let is_told = |at: &Location| steps.iter().any(|step| step.at == *at);
    let from = hit.calls.iter().rposition(is_told).map_or(0, |last| last + 1);
    let calls = &hit.calls[from..];
    let next = calls.iter().skip(1).chain([&hit.at]);
    let leads_on = |at: &Location, next: &Location| at.file != next.file || !at.span.contains(next.span);
    let told = calls.iter().zip(next).filter(|(at, next)| leads_on(at, next));
    told.map(|(at, _)| TraceStep { prev: 0, at: *at, what: StepKind::Call }).collect()
}

/// Most other ways to one sink that are shown.
const MAX_OTHERS: usize = 16;

/// One flow per rule, sink and place where its text was built; the tools that reach it are listed together.
fn collect_flows(interp: &Interp<'_>, found: Vec<(usize, Hit, Vec<TraceStep>, (String, Location), bool)>) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    let mut built: Vec<Option<Location>> = Vec::new();
    // Where the caller runs whole commands by another tool, breaking out of one there gains nothing.
    let by_design = found.iter().filter(|(_, hit, ..)| hit.rule == FlowRule::DangerousByDesign);
    let given: BTreeSet<String> = by_design.filter_map(|(_, hit, ..)| hit.elsewhere.clone()).collect();
    for (tool, mut hit, steps, source, is_confirmed) in found {
        if hit.rule == FlowRule::CommandInjection && hit.elsewhere.as_ref().is_some_and(|there| given.contains(there)) {
            hit.limit = Some(Limit::AlreadyGiven);
        }
        if matches!(hit.rule, FlowRule::SqlInjection | FlowRule::NosqlInjection)
            && interp.found.given_whole.contains(&hit.at)
        {
            hit.limit = Some(Limit::AlreadyGiven);
        }
        let built_at = built_at(hit.rule, &steps);
        let known = (0..flows.len())
            .find(|&index| flows[index].at == hit.at && flows[index].rule == hit.rule && built[index] == built_at);
        if let Some(flow) = known.and_then(|index| flows.get_mut(index)) {
            if !flow.tools.contains(&tool) {
                flow.tools.push(tool);
            }
            flow.is_confirmed |= is_confirmed;
            flow.limit = flow.limit.and(hit.limit);
            // A helper around the sink is called in several places, and each of them is to be mended.
            let call = steps.iter().rev().find(|step| matches!(step.what, StepKind::Argument(_)));
            if let Some(call) = call
                && flow.others.len() < MAX_OTHERS
                && !flow.trace.iter().chain(&flow.others).any(|(at, _)| *at == call.at)
            {
                flow.others.push((call.at, format!("`{}` comes this way", source.0)));
            }
            continue;
        }
        let trace = steps.iter().map(|step| (step.at, describe(&step.what))).collect();
        built.push(built_at);
        flows.push(Flow {
            rule: hit.rule,
            kind: hit.kind,
            tools: vec![tool],
            at: hit.at,
            api: hit.api.clone(),
            source,
            trace,
            example: hit.example.clone(),
            reason: hit.reason.clone(),
            others: Vec::new(),
            notes: hit.notes.iter().map(|(at, text, _)| (*at, text.clone())).collect(),
            limit: hit.limit,
            is_confirmed,
        });
    }
    let _ = interp;
    // Where the server runs any statement for the caller anyway, breaking out of one gains nothing.
    let runs_any = flows
        .iter()
        .any(|flow| flow.rule == FlowRule::DangerousByDesign && matches!(flow.kind, SinkKind::Sql | SinkKind::Query));
    for flow in &mut flows {
        if runs_any && matches!(flow.rule, FlowRule::SqlInjection | FlowRule::NosqlInjection) {
            flow.limit = Some(Limit::AlreadyGiven);
        }
    }
    flows
}

/// Where a value became part of a larger text, for rules about such text: that is the place to mend, and a statement or
/// command line built elsewhere and run by the same function is another flaw.
fn built_at(rule: FlowRule, steps: &[TraceStep]) -> Option<Location> {
    let is_text = matches!(rule.class(), "command" | "sql" | "code");
    let last = steps.iter().rev().find(|step| matches!(step.what, StepKind::Concat));
    last.filter(|_| is_text).map(|step| step.at)
}

fn describe(what: &StepKind) -> String {
    match what {
        StepKind::Source(param) => format!("`{param}` comes from the caller"),
        StepKind::Concat => "becomes part of a larger string".to_owned(),
        StepKind::Assign => "is assigned".to_owned(),
        StepKind::Element => "is put into a list".to_owned(),
        StepKind::Argument(function) => format!("is passed to {function}"),
        StepKind::Return => "is returned".to_owned(),
        StepKind::Through(what) => format!("passes through {what}"),
        StepKind::Call => "is used in the function called here".to_owned(),
    }
}

/// Whether a read gives the bytes of the file, and not what a library makes of them (a workbook, an image, a repository).
fn is_read_as_it_is(api: &str) -> bool {
    const READS: [&str; 10] = [
        "readFile",
        "readFileSync",
        "createReadStream",
        "openAsBlob",
        "read_text",
        "read_bytes",
        "readTextFile",
        "readTextFileSync",
        "getlines",
        "getline",
    ];
    const OPENERS: [&str; 12] = [
        "builtins",
        "io",
        "codecs",
        "aiofiles",
        "anyio",
        "trio",
        "pathlib",
        "fs",
        "fs/promises",
        "fs-extra",
        "gzip",
        "Bun",
    ];
    let (root, name) = (api.split('.').next().unwrap_or_default(), api.rsplit('.').next().unwrap_or_default());
    READS.contains(&name) || matches!(name, "open" | "openSync" | "open_file" | "file") && OPENERS.contains(&root)
}

/// Most further parameters of a flow that are followed when the first one is stopped.
const MAX_SOURCES: usize = 4;

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

impl<'p> Interp<'p> {
    /// Runs all entry modules, then what would register tools but was not reached from them.
    fn load_program(&mut self) {
        let entries: Vec<ModId> = self.program.entries.iter().map(|(id, _)| *id).collect();
        self.fuel = self.limits.fuel_total / 10;
        self.is_loading = true;
        for entry in &entries {
            self.load(*entry);
        }
        for entry in &entries {
            self.call_starters(*entry);
        }
        self.call_unreached();
        self.register_tool_classes();
        self.register_tool_hierarchy();
        self.register_message_handlers();
        self.is_loading = false;
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
    fn call_unreached(&mut self) {
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

    /// Whether a function's own code, or a function created in it, contains a call that looks like a registration.
    fn mentions_registration(&mut self, module: ModId, func: FuncId) -> bool {
        let code = self.program.module(module);
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

    /// The routes of a web application that a library offers as tools: FastAPI's, called by their operation.
    fn name_operations(&self, all: &mut [Registration]) {
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
    fn settled_registrations(&mut self) -> Vec<Registration> {
        let mut all = std::mem::take(&mut self.found.registrations);
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
        let has_real = all.iter().any(|registration| is_real(registration) && registration.exposes == Exposes::Tool);
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
                // With a real SDK in use, a bare shape without schema and description is some other registry.
                let is_bare = registration.schema.is_none() && registration.description.is_none();
                let is_part = registration.this.as_ref().is_some_and(|this| match this.kind {
                    Kind::Obj(id) => parts.contains(&id),
                    _ => false,
                });
                if named || same || is_part || (has_real && is_bare) {
                    continue;
                }
            }
            settled.push(registration);
        }
        settled.sort_by_key(|registration| (registration.at.file, registration.at.span.start));
        // The same tool registered by an ESM and a CommonJS copy, or twice by branches, is one tool.
        let mut seen = BTreeSet::new();
        settled.retain(|registration| {
            registration.name.is_none()
                || seen.insert((registration.exposes, registration.name.clone(), function(self, registration)))
        });
        settled
    }

    /// Objects in variables that a function closes over, and what the functions in those variables close over in turn.
    fn kept_objects(&self, function: FnId, kept: &mut BTreeSet<ObjId>, depth: usize) {
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

    fn run_registration(
        &mut self,
        registration: &Registration,
        analysis: &mut Analysis,
        found: &mut Vec<(usize, Hit, Vec<TraceStep>, (String, Location), bool)>,
    ) {
        let names = if registration.name.is_none() && registration.exposes == Exposes::Tool {
            self.dispatched_names(registration)
        } else {
            Vec::new()
        };
        if names.is_empty() {
            let name = registration.name.clone().unwrap_or_else(|| match registration.exposes {
                Exposes::Tool => "tools/call".to_owned(),
                Exposes::Resource => "resources/read".to_owned(),
                Exposes::Prompt => "prompts/get".to_owned(),
                Exposes::Command => "command line".to_owned(),
                _ => "handler".to_owned(),
            });
            self.run_tool(registration, &name, None, analysis, found);
            return;
        }
        for name in names {
            self.run_tool(registration, &name.clone(), Some(&name), analysis, found);
        }
    }

    /// Names a dispatcher tells apart: what it compares the name with, and what the list handler announces.
    fn dispatched_names(&mut self, registration: &Registration) -> Vec<String> {
        self.found.names.clear();
        self.start_run();
        self.found.is_running_handler = false;
        let mark = self.store.mark();
        self.call_handler(registration, None, None);
        self.store.rollback(mark);
        self.store.release(mark);
        let mut names: Vec<String> = std::mem::take(&mut self.found.names).into_keys().collect();
        // What is announced beside the handler is what it runs; only without that, what is announced anywhere.
        let announced = |only: Option<FileId>| -> Vec<String> {
            let listed = self.found.listed.iter().filter(|(.., at)| only.is_none_or(|file| at.file == file));
            listed.map(|(name, ..)| name.clone()).collect()
        };
        let mut listed = announced(Some(registration.at.file));
        if listed.is_empty() {
            listed = announced(None);
        }
        for name in listed {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.truncate(400);
        names
    }

    pub(crate) fn start_run(&mut self) {
        self.fuel = self.limits.fuel_per_tool;
        self.out_of_fuel = false;
        self.is_decided = false;
        self.memo.begin_run(self.store.age());
        self.weight_before = self.store.weight();
        self.rounds = 1;
        self.found.hits.clear();
        self.found.conduct.take_acts();
        self.found.met.start();
        self.found.sources.clear();
        self.found.weak_checks.clear();
        self.found.written.clear();
        self.found.message = None;
        self.found.lifespan_made = None;
        self.field_vns.clear();
        self.answers.clear();
        self.evidence.clear();
        self.found.opened.clear();
        self.found.filled.clear();
        if self.found.replay.is_none() && !self.is_replaying {
            self.found.prefixes.clear();
            self.found.suffixes.clear();
        }
        self.found.is_running_handler = true;
    }

    fn run_tool(
        &mut self,
        registration: &Registration,
        name: &str,
        dispatched: Option<&str>,
        analysis: &mut Analysis,
        found: &mut Vec<(usize, Hit, Vec<TraceStep>, (String, Location), bool)>,
    ) {
        let listed = dispatched.and_then(|name| self.found.listed.iter().find(|(listed, ..)| listed == name).cloned());
        let schema =
            registration.schema.clone().or_else(|| listed.as_ref().and_then(|(_, _, schema, _)| schema.clone()));
        let at = listed.as_ref().map_or(registration.at, |(.., at)| *at);
        let description = registration.description.clone().or_else(|| listed.and_then(|(_, text, ..)| text));
        self.start_run();
        self.replay_budget = self.limits.fuel_per_tool;
        if matches!(registration.exposes, Exposes::Route | Exposes::Command) {
            // Routes of the server's own HTTP surface mostly set up transports; tools have handlers of their own.
            self.fuel = self.limits.fuel_per_tool / 5;
        }
        let (cells, objs) = self.store.sizes();
        let weight = self.store.weight();
        let closures = self.store.closures.len();
        let steps = self.trace.len();
        let mark = self.store.mark();
        self.found.tool = Some(analysis.tools.len());
        let (params, answer) = self.call_handler(registration, dispatched, schema.as_ref());
        let hits = std::mem::take(&mut self.found.hits);
        let acts = self.found.conduct.take_acts();
        let way = self.way();
        let sources = self.found.sources.clone();
        let is_incomplete = self.out_of_fuel;
        let index = analysis.tools.len();
        let mut guarded: BTreeMap<&'static str, Option<Location>> = BTreeMap::new();
        for hit in hits.iter().filter(|hit| hit.outcome == Outcome::Guarded) {
            let place = guarded.entry(hit.rule.class()).or_insert(None);
            *place = place.or(hit.guard);
        }
        // Whoever types a command may name any file, host or option of theirs; but an operand that runs as code is
        // pasted from elsewhere.
        let is_command = registration.exposes == Exposes::Command;
        let is_of_interest =
            |hit: &Hit| !is_command || matches!(hit.rule, FlowRule::CommandInjection | FlowRule::CodeInjection);
        let mut bad: Vec<(Hit, Vec<TraceStep>)> = hits
            .into_iter()
            .filter(|hit| hit.outcome == Outcome::Vulnerable && is_of_interest(hit))
            .map(|mut hit| {
                // The file was opened here and filled elsewhere.
                if hit.limit == Some(Limit::OwnContent) && self.found.filled.contains(&hit.at) {
                    hit.limit = None;
                }
                let mut steps = self.trace.path(hit.step);
                steps.extend(ways_of_control(&hit, &steps));
                (hit, steps)
            })
            .collect();
        bad.sort_by_key(|(hit, _)| (hit.at.file, hit.at.span.start, hit.rule));
        self.found.tool = None;
        let credentials = self.credentials(&answer);
        self.store.rollback(mark);
        self.store.release(mark);
        let handed_out = self.handed_out(credentials, registration, dispatched, schema.as_ref());
        let module = registration.module;
        analysis.tools.push(ToolFacts {
            exposes: registration.exposes,
            name: name.to_owned(),
            description,
            sdk: registration.sdk.clone(),
            lang: self.program.module(module).lang,
            at,
            validates: registration.validates,
            params: schema.as_ref().map_or(params, schema_params),
            is_structural: registration.is_structural,
            is_resolved: registration.handler.as_ref().is_some_and(|handler| self.closure_of(handler).is_some()),
            guarded,
            is_incomplete,
            promises: self.found.conduct.promises(name),
            acts,
            way,
            handed_out,
        });
        let is_route = matches!(registration.exposes, Exposes::Route | Exposes::Command);
        if !is_route && registration.handler.as_ref().is_none_or(|handler| self.closure_of(handler).is_none()) {
            analysis.unresolved.push((name.to_owned(), at));
        }
        if is_incomplete && !is_route {
            analysis
                .exhausted
                .push(format!("`{name}` was not analysed to the end: {} steps", self.limits.fuel_per_tool));
        }
        for (mut hit, mut steps) in bad {
            let mut source = steps
                .first()
                .map(|step| match &step.what {
                    StepKind::Source(param) => (param.clone(), step.at),
                    _ => (String::new(), step.at),
                })
                .or_else(|| {
                    let index = hit.taint.0.trailing_zeros() as usize;
                    sources.get(index).map(|source| (source.param.clone(), source.at))
                })
                .unwrap_or((String::new(), hit.at));
            self.observer.enter(Stage::Witnesses, self.fuel_used);
            let (mut verdict, mut witness) = self.replay(registration, dispatched, schema.as_ref(), &hit, &source.0);
            // Where several parameters meet, one may be checked and another not; an option is at the start of its word.
            let is_of_parts = matches!(hit.rule.class(), "path" | "network");
            let is_met = |index: usize| is_of_parts && hit.taint.0 & Taint::source(index).0 != 0;
            let others = sources.iter().enumerate().filter(|(index, _)| is_met(*index));
            for (_, other) in others.filter(|(_, other)| other.param != source.0).take(MAX_SOURCES) {
                if verdict != Replayed::Stopped {
                    break;
                }
                (verdict, witness) = self.replay(registration, dispatched, schema.as_ref(), &hit, &other.param);
                if verdict != Replayed::Stopped {
                    let start = TraceStep { prev: 0, at: other.at, what: StepKind::Source(other.param.clone()) };
                    steps = std::iter::once(start).chain(steps.pop()).collect();
                    source = (other.param.clone(), other.at);
                    break;
                }
            }
            if verdict == Replayed::Stopped {
                continue;
            }
            // The usual input was stopped, and another one was not.
            hit.example = witness.or(hit.example);
            if verdict == Replayed::ArrivesWithEnding && hit.limit == Some(Limit::NotHandedOut) {
                hit.limit = Some(Limit::FixedEnd);
            }
            if hit.limit == Some(Limit::NotHandedOut)
                && is_read_as_it_is(&hit.api)
                && self.hands_out(registration, dispatched, schema.as_ref(), hit.at)
            {
                hit.limit = None;
            }
            if source.0 == REQUEST_STATE {
                hit.limit = hit.limit.or(Some(Limit::SetByServer));
            }
            if TRANSPORT.iter().any(|carrier| source.0.starts_with(carrier)) {
                hit.limit = hit.limit.or(Some(Limit::OfTransport));
            }
            let is_confirmed = matches!(verdict, Replayed::Arrives | Replayed::ArrivesWithEnding);
            found.push((index, hit, steps, source, is_confirmed));
        }
        self.observer.enter(Stage::Handlers, self.fuel_used);
        self.found.sources.clear();
        // What a handler registers while it runs refers to closures that are forgotten with the run.
        self.found.registrations.clear();
        self.store.truncate(cells, objs, closures, weight);
        self.trace.truncate(steps);
        self.found.instances.retain(|_, value| match value.kind {
            Kind::Obj(id) => (id.0 as usize) < objs,
            _ => true,
        });
        self.field_vns.clear();
    }

    /// Follows concrete inputs to see whether one of them arrives; which one, if it is not the first.
    fn replay(
        &mut self,
        registration: &Registration,
        dispatched: Option<&str>,
        schema: Option<&Schema>,
        hit: &Hit,
        param: &str,
    ) -> (Replayed, Option<String>) {
        // Where a value may go is decided by comparisons that the string domain cannot always follow; what a value may
        // do to a command line or statement is decided by its characters, which the domain judges exactly.
        let is_followed = matches!(hit.rule.class(), "path" | "network")
            || matches!(hit.rule, FlowRule::ArgumentInjection | FlowRule::UrlScheme);
        if !is_followed {
            return (Replayed::NothingToFollow, None);
        }
        if hit.witnesses.is_empty() || param.is_empty() {
            return (Replayed::NothingToFollow, None);
        }
        let steps = self.trace.len();
        // As it is, and in the formats the program asks for (`mysql://…`, `….png`).
        let plain = hit.witnesses.iter().take(6).cloned();
        let mut witnesses: Vec<String> = plain.collect();
        let first = witnesses.first().cloned().unwrap_or_default();
        // Behind anything else an option is none.
        let is_option = hit.rule == FlowRule::ArgumentInjection && first.starts_with('-');
        let prefixes = if is_option { Vec::new() } else { self.found.prefixes.clone() };
        for prefix in prefixes {
            witnesses.push(format!("{prefix}{first}"));
            if hit.rule.class() == "path" {
                // Through the directory that is asked for, and out of it.
                witnesses.push(format!("{prefix}/../../../../../../../../etc/passwd"));
            }
        }
        let without_ending = witnesses.len();
        for suffix in self.found.suffixes.clone() {
            witnesses.push(format!("{first}{suffix}"));
        }
        for (index, witness) in witnesses.iter().enumerate() {
            if self.replay_budget == 0 {
                return (Replayed::NothingToFollow, None);
            }
            self.is_replaying = true;
            self.start_run();
            self.is_replaying = false;
            // A replay follows one value; what does not arrive within this budget counts as arriving.
            self.fuel = self.limits.fuel_per_tool.min(400_000);
            self.found.replay = Some(Replay {
                param: param.to_owned(),
                witness: witness.clone(),
                at: hit.at,
                rule: hit.rule,
                reached: false,
            });
            let mark = self.store.mark();
            self.call_handler(registration, dispatched, schema);
            self.store.rollback(mark);
            self.store.release(mark);
            self.trace.truncate(steps);
            self.replay_budget = self.replay_budget.saturating_sub(self.limits.fuel_per_tool.min(400_000) - self.fuel);
            let reached = self.found.replay.take().is_some_and(|replay| replay.reached);
            // A run that ended early says nothing.
            if reached || self.out_of_fuel {
                let how = if index < without_ending { Replayed::Arrives } else { Replayed::ArrivesWithEnding };
                return (how, (reached && index > 0).then(|| witness.clone()));
            }
        }
        (Replayed::Stopped, None)
    }

    /// Whether the tool's answer holds what is read at `sink` as it is, and not only what a parser made of it.
    fn hands_out(
        &mut self,
        registration: &Registration,
        dispatched: Option<&str>,
        schema: Option<&Schema>,
        sink: Location,
    ) -> bool {
        if self.replay_budget == 0 {
            return false;
        }
        let steps = self.trace.len();
        self.start_run();
        let budget = self.limits.fuel_per_tool.min(400_000);
        self.fuel = budget;
        self.found.followed = Some(sink);
        let mark = self.store.mark();
        let (_, answer) = self.call_handler(registration, dispatched, schema);
        let is_handed_out = self.holds_content(&answer, 8);
        self.store.rollback(mark);
        self.store.release(mark);
        self.trace.truncate(steps);
        self.found.followed = None;
        self.replay_budget = self.replay_budget.saturating_sub(budget - self.fuel);
        is_handed_out
    }

    /// Whether text that is followed is somewhere in a value. Numbers and conditions computed from it are not the text.
    fn holds_content(&self, value: &Val, depth: usize) -> bool {
        if depth == 0 || matches!(value.kind, Kind::Num(_) | Kind::Bool(_)) {
            return false;
        }
        let inside = |interp: &Self, id| {
            let obj = interp.store.obj(id);
            let all = obj.fields.values().chain(&obj.items).chain(&obj.any).chain(&obj.more);
            all.take(256).any(|value| interp.holds_content(value, depth - 1))
        };
        match &value.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => false,
            Kind::Obj(id) => inside(self, *id),
            Kind::Union(values) => values.iter().any(|value| self.holds_content(value, depth - 1)),
            _ => value.is_tainted(),
        }
    }

    /// Calls a handler with untrusted arguments; returns the parameters of Python-style handlers, and the answer.
    pub(crate) fn call_handler(
        &mut self,
        registration: &Registration,
        dispatched: Option<&str>,
        schema: Option<&Schema>,
    ) -> (Vec<ParamFacts>, Val) {
        let Some(handler) = registration.handler.clone() else { return (Vec::new(), Val::undefined()) };
        let at = registration.at;
        let registration = registration.clone();
        self.in_module(registration.module, |interp| {
            let (args, params) = interp.handler_args(&registration, &handler, dispatched, schema, at);
            let this = interp.handler_this(&registration);
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
                Args { rest: Some(Val { taint, step, vn: self.store.fresh_vn(), ..Val::unknown() }), ..Args::default() }
            }
            HandlerArgs::HttpRequest => {
                let request = self.http_request(at);
                Args { pos: vec![request], rest: Some(Val::unknown()), ..Args::default() }
            }
            HandlerArgs::Message => self.message_args(handler, dispatched, at),
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

    fn untrusted_text(&mut self, param: &str, taint: Taint, step: u32) -> Val {
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
                let any = Val { taint, step, ..Val::unknown() };
                let obj = Obj { any: Some(any), ..Obj::new(kind) };
                Val { taint, step, vn: self.store.fresh_vn(), ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
        };
        // A plain `{}` schema of a low-level server is a dict in Python.
        if self.lang() == Lang::Python
            && let Kind::Obj(id) = value.kind
            && matches!(self.store.obj(id).kind, ObjKind::Plain)
        {
            self.store.obj_mut(id).kind = ObjKind::Dict;
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
        obj.any = Some(Val::unknown());
        Val::of(Kind::Obj(self.store.new_obj(obj)))
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
            let (taint, step) = self.source(name.as_str().to_owned(), param_at);
            let value = self.untrusted(schema.as_ref(), registration.validates, taint, step, 1);
            let value = match schema.as_ref().map(|schema| &schema.ty) {
                None | Some(crate::engine::schema::Ty::Any | crate::engine::schema::Ty::Str) => {
                    self.replayed(value, name.as_str())
                }
                _ => value,
            };
            facts.push(ParamFacts {
                name: name.as_str().to_owned(),
                ty: schema.as_ref().map_or("any", Schema::type_name).to_owned(),
                constraints: schema.as_ref().map(|schema| schema.constraints.clone()).unwrap_or_default(),
                is_optional: param.default.is_some(),
                description: schema.and_then(|schema| schema.description),
            });
            args.named.push((name, value));
        }
        (args, facts)
    }
}

fn schema_params(schema: &Schema) -> Vec<ParamFacts> {
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
