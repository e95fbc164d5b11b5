//! From hits to flows: hits of several tools at one sink become one flow, with the path of the first.

use super::{Flow, Found};
use crate::engine::interp::Interp;
use crate::engine::models::SinkKind;
use crate::engine::report::{FlowRule, Hit, Limit};
use crate::engine::trace::{StepKind, TraceStep};
use manta_core::Location;
use std::collections::BTreeSet;

/// How control got to the sink from where the value was last passed on. A call that is written around the next one, as
/// `new Promise((resolve) => …)` is, leads nowhere else and says nothing.
pub(super) fn ways_of_control(hit: &Hit, steps: &[TraceStep]) -> Vec<TraceStep> {
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
pub(super) fn collect_flows(interp: &Interp<'_>, found: Vec<Found>) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    let mut built: Vec<Option<Location>> = Vec::new();
    // Where the caller runs whole commands by another tool, breaking out of one there gains nothing.
    let by_design = found.iter().map(|found| &found.hit).filter(|hit| hit.rule == FlowRule::DangerousByDesign);
    let given: BTreeSet<String> = by_design.filter_map(|hit| hit.elsewhere.clone()).collect();
    for Found { tool, mut hit, steps, source, is_confirmed } in found {
        if hit.rule == FlowRule::CommandInjection && hit.elsewhere.as_ref().is_some_and(|there| given.contains(there)) {
            hit.limit = Some(Limit::AlreadyGiven);
        }
        if matches!(hit.rule, FlowRule::SqlInjection | FlowRule::NosqlInjection)
            && interp.found.given_whole.contains(&hit.at)
        {
            hit.limit = hit.limit.or(Some(Limit::AlreadyGiven));
        }
        let built_at = built_at(hit.rule, &steps);
        let is_alike = |flow: &Flow| flow.at == hit.at && flow.rule == hit.rule;
        // Several ways of one parameter are one flow.
        let is_another_way = |flow: &Flow| flow.tools.contains(&tool) && flow.source.0 == source.param;
        let known = (0..flows.len()).find(|&index| {
            let flow = &flows[index];
            is_alike(flow) && (built[index] == built_at || is_another_way(flow))
        });
        if let Some(flow) = known.and_then(|index| flows.get_mut(index)) {
            if !flow.tools.contains(&tool) {
                flow.tools.push(tool);
            }
            flow.is_confirmed |= is_confirmed;
            flow.limit = flow.limit.and(hit.limit);
            // A helper around the sink is called in several places, and each of them is to be mended.
            let told = |at: Location| flow.trace.iter().chain(&flow.others).any(|(known, _)| *known == at);
            let joins = |step: &&TraceStep| {
                matches!(step.what, StepKind::Argument(_) | StepKind::Concat | StepKind::Call) && !told(step.at)
            };
            if let Some(step) = steps.iter().rev().find(joins)
                && flow.others.len() < MAX_OTHERS
            {
                flow.others
                    .push((step.at, format!("{} comes this way", named(&source.param, source.setter.as_deref()))));
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
            source: (source.param, source.at),
            set_by: source.setter.as_deref().map(str::to_owned),
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
            flow.limit = flow.limit.or(Some(Limit::AlreadyGiven));
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

/// A parameter, and the tool that it is one of, if that is another one.
fn named(param: &str, setter: Option<&str>) -> String {
    match setter {
        Some(setter) => format!("`{param}` of `{setter}`"),
        None => format!("`{param}`"),
    }
}

fn describe(what: &StepKind) -> String {
    match what {
        StepKind::Source(param, setter) => format!("{} comes from the caller", named(param, setter.as_deref())),
        StepKind::Kept(tool) => format!("is kept, and there when `{tool}` is called"),
        StepKind::Concat => "becomes part of a larger string".to_owned(),
        StepKind::Assign => "is assigned".to_owned(),
        StepKind::Element => "is put into a list".to_owned(),
        StepKind::Argument(function) => format!("is passed to {function}"),
        StepKind::Return => "is returned".to_owned(),
        StepKind::Through(what) => format!("passes through {what}"),
        StepKind::Call => "is used in the function called here".to_owned(),
    }
}
