//! Runs what is registered, each with untrusted arguments, and judges what is found.

use super::arguments::schema_params;
use super::flows::ways_of_control;
use super::witnesses::{Replayed, is_read_as_it_is};
use super::{Analysis, ToolFacts};
use crate::engine::interp::Interp;
use crate::engine::models::Exposes;
use crate::engine::report::{FlowRule, Hit, Limit, Outcome, REQUEST_STATE, Registration, TRANSPORT};
use crate::engine::stage::Stage;
use crate::engine::trace::{StepKind, TraceStep};
use crate::engine::value::{Kind, Taint};
use manta_core::{FileId, Location};
use std::collections::BTreeMap;

/// Most further parameters of a flow that are followed when the first one is stopped.
const MAX_SOURCES: usize = 4;

impl<'p> Interp<'p> {
    pub(super) fn run_registration(
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
}
