//! Runs what is registered, each with untrusted arguments, and judges what is found.

use super::arguments::schema_params;
use super::flows::ways_of_control;
use super::state::{Before, Left};
use super::witnesses::{Arrivals, Replayed, is_read_as_it_is};
use super::{Analysis, Found, HandlerCall, Run, ToolFacts};
use crate::engine::formats::Formats;
use crate::engine::interp::Interp;
use crate::engine::models::Exposes;
use crate::engine::report::{FlowRule, Hit, Limit, Outcome, REQUEST_STATE, Registration, SourceInfo, TRANSPORT};
use crate::engine::sinks::PUBLIC_URL;
use crate::engine::stage::Stage;
use crate::engine::trace::{StepKind, TraceStep};
use crate::engine::value::{Kind, Taint};
use manta_core::{FileId, Location};
use std::collections::BTreeMap;

/// Most further parameters of a flow that are followed when the first one is stopped.
const MAX_SOURCES: usize = 4;

/// The part of the steps for one run that each may take, whatever those before it took.
const LEAST_PART: u64 = 100;

/// A hit that is not confirmed yet.
pub(super) struct Suspect {
    pub(super) hit: Hit,
    pub(super) steps: Vec<TraceStep>,
    pub(super) source: SourceInfo,
    /// The other sources that it depends on, where they meet.
    pub(super) others: Vec<SourceInfo>,
}

/// A run of a handler.
pub(super) struct Job<'r> {
    registration: &'r Registration,
    name: String,
    /// The tool that a dispatcher is asked for.
    dispatched: Option<String>,
}

impl<'p> Interp<'p> {
    /// What a registration has to be run for: once under its name, and a dispatcher for each name that it tells apart.
    pub(super) fn jobs_of<'r>(&mut self, registration: &'r Registration) -> Vec<Job<'r>> {
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
            return vec![Job { registration, name, dispatched: None }];
        }
        let job = |name: String| Job { registration, dispatched: Some(name.clone()), name };
        names.into_iter().map(job).collect()
    }

    /// Says how many steps the next of all runs may take: what its turn comes to of the steps for all of them, with what
    /// earlier ones left of theirs, and one run's steps in advance. So a dear handler is run to its end where the others
    /// are cheap, and where all are dear each has its part.
    pub(super) fn allow(&mut self, turn: u64, all: u64, start: u64) {
        let in_advance = self.limits.fuel_per_tool;
        let for_all = self.limits.fuel_total.saturating_sub(start + in_advance);
        self.allowed = start + in_advance + for_all / all * turn;
    }

    /// The steps that the present run may still take.
    fn allowance(&self) -> u64 {
        let most = self.limits.fuel_per_tool;
        self.allowed.saturating_sub(self.fuel_used).clamp(most / LEAST_PART, most)
    }

    /// Names a dispatcher tells apart: what it compares the name with, and what the list handler announces.
    fn dispatched_names(&mut self, registration: &Registration) -> Vec<String> {
        self.start_run();
        self.found.is_running_handler = false;
        self.found.is_asking_names = true;
        let mark = self.store.mark();
        self.call_handler(&HandlerCall { registration, dispatched: None, schema: None });
        self.store.rollback(mark);
        self.store.release(mark);
        self.found.is_asking_names = false;
        let mut names: Vec<String> = std::mem::take(&mut self.found.names).into_keys().collect();
        // What is announced beside the handler is what it runs; only without that, what is announced elsewhere in the
        // package.
        let announced = |is_there: &dyn Fn(FileId) -> bool| -> Vec<String> {
            let listed = self.found.listed.iter().filter(|(.., at)| is_there(at.file));
            listed.map(|(name, ..)| name.clone()).collect()
        };
        let mut listed = announced(&|file| file == registration.at.file);
        if listed.is_empty() {
            let home = self.program.home_of(registration.module);
            listed = announced(&|file| self.program.home_of_file(file).is_some_and(|there| there == home));
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
        self.sparing_below = self.fuel / 2;
        self.out_of_fuel = false;
        self.is_decided = false;
        self.memo.begin_run(self.store.age());
        self.weight_before = self.store.weight();
        self.rounds = 1;
        self.found.hits.clear();
        self.found.conduct.take_acts();
        self.found.met.start();
        self.found.sources.clone_from(&self.carried.sources);
        self.found.weak_checks.clear();
        self.found.tests.clear();
        self.found.written.clone_from(&self.carried.written);
        self.found.message = None;
        self.found.forget_names();
        self.field_vns.clear();
        self.answers.clone_from(&self.carried.answers);
        self.evidence.clone_from(&self.carried.evidence);
        self.found.opened.clear();
        self.found.filled.clear();
        if self.found.replay.is_none() && !self.is_replaying {
            self.found.formats = Formats::default();
        }
        self.found.is_running_handler = true;
    }

    pub(super) fn run_job<'r>(&mut self, job: Job<'r>, analysis: &mut Analysis, found: &mut Vec<Found>) -> Run<'r> {
        let Job { registration, name, dispatched } = job;
        let listed = dispatched.as_ref().and_then(|name| self.found.listed.iter().find(|(listed, ..)| listed == name));
        let listed = listed.cloned();
        let schema =
            registration.schema.clone().or_else(|| listed.as_ref().and_then(|(_, _, schema, _)| schema.clone()));
        let at = listed.as_ref().map_or(registration.at, |(.., at)| *at);
        let description = registration.description.clone().or_else(|| listed.and_then(|(_, text, ..)| text));
        let call = HandlerCall { registration, dispatched, schema };
        let is_route = matches!(registration.exposes, Exposes::Route | Exposes::Command);
        self.start_run();
        self.fuel = self.allowance();
        self.sparing_below = self.fuel / 2;
        if is_route {
            // Routes of the server's own HTTP surface mostly set up transports; tools have handlers of their own.
            self.fuel = self.fuel.min(self.limits.fuel_per_tool / 5);
            self.sparing_below = 0;
        }
        let budget = self.fuel;
        let (cells, objs) = self.store.sizes();
        let weight = self.store.weight();
        let closures = self.store.closures.len();
        let steps = self.trace.len();
        let mark = self.store.mark();
        let watch = self.store.watch();
        let index = analysis.tools.len();
        self.found.tool = Some(index);
        let (params, answer) = self.call_handler(&call);
        let reads = self.store.unwatch(watch, !is_route);
        let left = if is_route { Left::default() } else { self.left(mark) };
        let hits = std::mem::take(&mut self.found.hits);
        let places = hits.iter().map(|hit| hit.at).collect();
        let acts = self.found.conduct.take_acts();
        let way = self.way();
        let is_incomplete = self.out_of_fuel;
        let mut guarded: BTreeMap<&'static str, Option<Location>> = BTreeMap::new();
        for hit in hits.iter().filter(|hit| hit.outcome == Outcome::Guarded) {
            let place = guarded.entry(hit.rule.class()).or_insert(None);
            *place = place.or(hit.guard);
        }
        let suspects = self.suspects(&call, hits);
        self.found.tool = None;
        let credentials = self.credentials(&answer);
        self.store.rollback(mark);
        self.store.release(mark);
        let handed_out = self.handed_out(credentials, &call);
        analysis.tools.push(ToolFacts {
            exposes: registration.exposes,
            name: name.clone(),
            is_named: registration.name.is_some() || call.dispatched.is_some(),
            description,
            sdk: registration.sdk.clone(),
            lang: self.program.module(registration.module).lang,
            at,
            validates: registration.validates,
            params: call.schema.as_ref().map_or(params, schema_params),
            is_structural: registration.is_structural,
            is_resolved: registration.handler.as_ref().is_some_and(|handler| self.closure_of(handler).is_some()),
            guarded,
            is_incomplete,
            titles: self.found.spoken.titles(&name),
            promises: self.found.conduct.promises(&name),
            acts,
            way,
            handed_out,
        });
        if !is_route && registration.handler.as_ref().is_none_or(|handler| self.closure_of(handler).is_none()) {
            analysis.unresolved.push((name.clone(), at));
        }
        if is_incomplete && !is_route {
            analysis.exhausted.push(format!("`{name}` was not analysed to the end: {budget} steps"));
        }
        self.allow_replays(self.allowance());
        self.arrivals = Arrivals::of(&suspects);
        for suspect in suspects {
            let (class, guard) = (suspect.hit.rule.class(), suspect.hit.guard);
            let harms = self.confirm(&call, index, suspect, |_| None);
            // Whatever was tried is stopped on its way: something there is a check.
            if harms.is_empty() {
                let place = analysis.tools[index].guarded.entry(class).or_insert(None);
                *place = place.or(guard);
            }
            found.extend(harms);
        }
        self.observer.enter(Stage::Handlers, self.fuel_used);
        self.found.sources.clear();
        // What a handler registers while it runs refers to closures that are forgotten with the run.
        self.found.registrations.clear();
        self.store.truncate(cells, objs, closures, weight);
        self.trace.truncate(steps);
        self.forget_made(objs);
        self.field_vns.clear();
        Run { call, name: name.into(), reads, left, places }
    }

    /// Drops what is known of objects that a run made, of which there were so many before: the next run makes others with
    /// the same identities.
    pub(super) fn forget_made(&mut self, objs: usize) {
        self.forget_classes(objs);
        self.found.instances.retain(|_, value| match value.kind {
            Kind::Obj(id) => (id.0 as usize) < objs,
            _ => true,
        });
    }

    /// What does harm among the hits of a run, with the way to it.
    pub(super) fn suspects(&self, call: &HandlerCall<'_>, hits: Vec<Hit>) -> Vec<Suspect> {
        // Whoever types a command may name any file, host or option of theirs; but an operand that runs as code is
        // pasted from elsewhere.
        let is_command = call.registration.exposes == Exposes::Command;
        let is_of_interest =
            |hit: &Hit| !is_command || matches!(hit.rule, FlowRule::CommandInjection | FlowRule::CodeInjection);
        let bad = hits.into_iter().filter(|hit| hit.outcome == Outcome::Vulnerable && is_of_interest(hit));
        let mut suspects: Vec<Suspect> = bad
            .map(|mut hit| {
                // The file was opened here and filled elsewhere.
                if hit.limit == Some(Limit::OwnContent) && self.found.filled.contains(&hit.at) {
                    hit.limit = None;
                }
                let mut steps = self.trace.path(hit.step);
                steps.extend(ways_of_control(&hit, &steps));
                let source = self.origin(&hit, &steps);
                // Where several parameters meet, one may be checked and another not; an option is at the start of its
                // word.
                let is_of_parts = matches!(hit.rule.class(), "path" | "network");
                let is_met = |index: usize| is_of_parts && hit.taint.0 & Taint::source(index).0 != 0;
                let sources = self.found.sources.iter().enumerate();
                let others = sources.filter(|(index, other)| is_met(*index) && other.param != source.param);
                let others = others.map(|(_, other)| other.clone()).take(MAX_SOURCES).collect();
                Suspect { hit, steps, source, others }
            })
            .collect();
        suspects.sort_by_key(|suspect| (suspect.hit.at.file, suspect.hit.at.span.start, suspect.hit.rule));
        suspects
    }

    /// Where the way to a hit begins.
    fn origin(&self, hit: &Hit, steps: &[TraceStep]) -> SourceInfo {
        let of_step = |step: &TraceStep| {
            let (param, setter) = match &step.what {
                StepKind::Source(param, setter) => (param.clone(), setter.clone()),
                _ => (String::new(), None),
            };
            SourceInfo { param, at: step.at, setter }
        };
        let of_taint = || self.found.sources.get(hit.taint.0.trailing_zeros() as usize).cloned();
        let nowhere = || SourceInfo { param: String::new(), at: hit.at, setter: None };
        steps.first().map(of_step).or_else(of_taint).unwrap_or_else(nowhere)
    }

    /// Follows concrete inputs to a suspect; none when every one of them is stopped. Where a suspect is a file that the
    /// caller names, what becomes of its content is found beside it. `before` gives the call that keeps a source for this
    /// one.
    pub(super) fn confirm<'b>(
        &mut self,
        call: &HandlerCall<'_>,
        tool: usize,
        suspect: Suspect,
        before: impl Fn(&SourceInfo) -> Option<Before<'b>>,
    ) -> Vec<Found> {
        let Suspect { mut hit, mut steps, mut source, others } = suspect;
        self.observer.enter(Stage::Witnesses, self.fuel_used);
        let (mut verdict, mut witness) = self.replay(call, before(&source).as_ref(), &hit, &source.param);
        for other in others {
            if verdict != Replayed::Stopped {
                break;
            }
            (verdict, witness) = self.replay(call, before(&other).as_ref(), &hit, &other.param);
            if verdict != Replayed::Stopped {
                let what = StepKind::Source(other.param.clone(), other.setter.clone());
                let start = TraceStep { prev: 0, at: other.at, what };
                steps = std::iter::once(start).chain(steps.pop()).collect();
                source = other;
            }
        }
        if verdict == Replayed::Stopped && hit.is_redirected && hit.limit.is_none() {
            // Internal addresses are refused, and any other one may redirect to them.
            hit.witnesses = vec![PUBLIC_URL.to_owned()];
            (verdict, _) = self.replay(call, before(&source).as_ref(), &hit, &source.param);
            hit.example = Some(PUBLIC_URL.to_owned());
            hit.limit = Some(Limit::Redirected);
        }
        if verdict == Replayed::Stopped {
            return Vec::new();
        }
        if let Some(statement) = self.passes_check(call, before(&source).as_ref(), &hit, &source.param) {
            hit.rule = FlowRule::SqlInjection;
            hit.reason = "a statement that is not meant to run passes the check of the statement".to_owned();
            hit.example = Some(statement);
            hit.limit = Some(Limit::StatementsAreTaken);
            return vec![Found { tool, hit, steps, source, is_confirmed: true }];
        }
        // The usual input was stopped, and another one was not.
        hit.example = witness.or(hit.example);
        if verdict == Replayed::ArrivesWithEnding && hit.limit == Some(Limit::NotHandedOut) {
            hit.limit = Some(Limit::FixedEnd);
        }
        let mut run = Vec::new();
        if hit.limit == Some(Limit::NotHandedOut) && is_read_as_it_is(&hit.api) {
            let (is_handed_out, run_there) = self.hands_out(call, before(&source).as_ref(), hit.at);
            if is_handed_out {
                hit.limit = None;
            }
            run = run_there;
        }
        if source.param == REQUEST_STATE {
            hit.limit = hit.limit.or(Some(Limit::SetByServer));
        }
        if TRANSPORT.iter().any(|carrier| source.param.starts_with(carrier)) {
            hit.limit = hit.limit.or(Some(Limit::OfTransport));
        }
        if verdict == Replayed::CutShort {
            hit.limit = hit.limit.or(Some(Limit::NotFollowed));
        }
        let is_confirmed = matches!(verdict, Replayed::Arrives | Replayed::ArrivesWithEnding);
        let mut found: Vec<Found> = Vec::new();
        for (mut ran, way) in run {
            // What the file holds is the caller's as much as which file it is.
            let mut there = steps.clone();
            there.push(TraceStep { prev: 0, at: hit.at, what: StepKind::Through(hit.api.clone()) });
            there.extend(way.into_iter().filter(|step| !matches!(step.what, StepKind::Source(..))));
            ran.taint = hit.taint;
            ran.reason = format!("it names a file, and {}", ran.reason);
            ran.limit =
                ran.limit.or(hit.limit.filter(|limit| matches!(limit, Limit::SetByServer | Limit::OfTransport)));
            found.push(Found { tool, hit: ran, steps: there, source: source.clone(), is_confirmed: false });
        }
        found.push(Found { tool, hit, steps, source, is_confirmed });
        found
    }
}
