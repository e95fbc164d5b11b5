//! The driver: load modules, collect registrations, run every handler, confirm what was found.

mod arguments;
mod flows;
mod glance;
mod kept;
mod loading;
mod repeated;
mod running;
mod state;
mod statements;
mod witnesses;

pub use glance::{Glance, glance};
pub use kept::{Kept, Remains};
use running::Job;
pub(crate) use state::Carried;
use state::Left;
pub(crate) use witnesses::Arrivals;

use crate::engine::config::{FunctionFacts, Made};
use crate::engine::controls::Way;
use crate::engine::credentials::{Credential, HandedOut};
use crate::engine::interp::{Interp, Limits};
use crate::engine::models::{Exposes, Models, SinkKind};
use crate::engine::program::Program;
use crate::engine::promises::{Act, Promises};
use crate::engine::report::{FlowRule, Hit, Limit, Registration, SourceInfo};
use crate::engine::schema::Schema;
use crate::engine::spoken::OwnText;
use crate::engine::stage::{Observer, Stage};
use crate::engine::store::Loc;
use crate::engine::trace::TraceStep;
use crate::engine::value::ObjId;
use crate::ir::Lang;
use flows::collect_flows;
use manta_core::Location;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Everything the engine learnt about a target.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What the server exposes.
    pub tools: Vec<ToolFacts>,
    /// Flows of untrusted data into sinks.
    pub flows: Vec<Flow>,
    /// Calls that configuration rules look at.
    pub calls: Vec<CallInfo>,
    /// What its servers say of themselves.
    pub own_texts: Vec<OwnText>,
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
    /// Whether the program gives it that name.
    pub is_named: bool,
    /// Its description as far as it is constant.
    pub description: Option<String>,
    /// Its titles, as far as they are constant.
    pub titles: Vec<String>,
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
    /// The tool that it is a parameter of, where that one is called first and the value is kept.
    pub set_by: Option<String>,
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

/// A handler, and what it is called with.
pub(crate) struct HandlerCall<'r> {
    pub(crate) registration: &'r Registration,
    /// The tool that a dispatcher is asked for.
    pub(crate) dispatched: Option<String>,
    pub(crate) schema: Option<Schema>,
}

/// A handler that was run, and what it has to do with the state of the server.
struct Run<'r> {
    call: HandlerCall<'r>,
    name: Rc<str>,
    /// What it read of what was there before.
    reads: Vec<Loc>,
    /// What it left for others.
    left: Left,
    /// Sinks that data of the caller's came to, checked or not.
    places: HashSet<Location>,
}

/// A hit with the way to it.
struct Found {
    /// Index into [`Analysis::tools`].
    tool: usize,
    hit: Hit,
    steps: Vec<TraceStep>,
    source: SourceInfo,
    /// Whether a concrete input was followed to it.
    is_confirmed: bool,
}

/// Analyses a linked program.
#[must_use]
pub fn analyse(program: &Program, models: &Models, limits: Limits, observer: &Observer) -> Analysis {
    let mut interp = Interp::new(program, models, limits);
    let registrations = loaded(&mut interp, observer);
    all_of(&mut interp, &registrations)
}

/// The same, with what glances at later edits need of it.
#[must_use]
pub fn analyse_to_keep(program: &Program, models: &Models, limits: Limits, observer: &Observer) -> (Analysis, Remains) {
    let mut interp = Interp::new(program, models, limits);
    let registrations = loaded(&mut interp, observer);
    let analysis = all_of(&mut interp, &registrations);
    (analysis, Remains::of(interp, registrations))
}

/// Loads the modules; gives what they register.
fn loaded(interp: &mut Interp<'_>, observer: &Observer) -> Vec<Registration> {
    interp.observer = observer.clone();
    observer.enter(Stage::Loading, 0);
    interp.load_program();
    observer.enter(Stage::Handlers, interp.fuel_used);
    interp.settled_registrations()
}

/// Runs everything that is registered.
fn all_of(interp: &mut Interp<'_>, registrations: &[Registration]) -> Analysis {
    let limits = interp.limits;
    let mut analysis = Analysis::default();
    let mut found: Vec<Found> = Vec::new();
    let mut runs: Vec<Run<'_>> = Vec::new();
    let jobs: Vec<Job<'_>> = registrations.iter().flat_map(|registration| interp.jobs_of(registration)).collect();
    let (all, start) = (jobs.len() as u64, interp.fuel_used);
    for (turn, job) in (1..).zip(jobs) {
        interp.allow(turn, all, start);
        runs.push(interp.run_job(job, &mut analysis, &mut found));
    }
    if interp.fuel_used < limits.fuel_total {
        interp.follow_state(&runs, &mut analysis, &mut found);
    } else {
        analysis.exhausted.push(format!("the analysis stopped after {} steps", limits.fuel_total));
    }
    finished(interp, analysis, found)
}

/// What is told when everything was run.
fn finished(interp: &mut Interp<'_>, mut analysis: Analysis, mut found: Vec<Found>) -> Analysis {
    let (program, limits) = (interp.program, interp.limits);
    repeated::join_repeated(program, &mut analysis, &mut found, &mut interp.found.calls);
    analysis.flows = collect_flows(interp, found);
    analysis.calls = std::mem::take(&mut interp.found.calls);
    let made_at = |server: ObjId| analysis.calls.iter().find(|call| call.made == Some(server.0)).map(|call| call.at);
    analysis.own_texts = interp.found.spoken.take_own(made_at);
    analysis.steps = interp.fuel_used;
    analysis.files = program.modules().map(|(_, module)| module.file).collect();
    analysis.exhausted.extend(interp.dear.tell());
    if interp.found.is_calls_cut {
        let told = format!("how the server is set up was looked at in its first {} calls only", analysis.calls.len());
        analysis.exhausted.push(told);
    }
    if interp.is_load_cut {
        let told = "what modules run when they load was not followed to the end, and may register more tools";
        analysis.exhausted.push(told.to_owned());
    }
    let silent = std::mem::take(&mut interp.found.silent_registrations);
    analysis.exhausted.extend(silent.iter().map(|path| format!("no tool was found where {path} registers one")));
    if interp.is_heavy {
        analysis.exhausted.push(format!("the analysis stopped at {} MiB of values", limits.store_bytes >> 21));
    }
    if interp.found.depth_exceeded {
        analysis.exhausted.push(format!("calls nested deeper than {} were summarised", limits.call_depth));
    }
    if interp.found.is_table_cut {
        let told = "of the functions that one call may mean, only the first were followed";
        analysis.exhausted.push(told.to_owned());
    }
    analysis
}
