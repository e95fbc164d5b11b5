//! Each tool is one entry of the inventory, where it was found more than once.
//!
//! Servers without an SDK that are made of one class run the tools each that the class registers at one place; and what a
//! dispatcher runs under a name may have been found by its shape as well, where it is written.

use super::{Analysis, CallInfo, Found, ToolFacts};
use crate::engine::jsonrpc::SDK;
use crate::engine::models::Exposes;
use crate::engine::program::Program;
use std::collections::{BTreeMap, BTreeSet};

/// Joins the entries for one tool, and points at what is left.
pub(super) fn join_repeated(program: &Program, analysis: &mut Analysis, found: &mut [Found], calls: &mut [CallInfo]) {
    let mut kept: Vec<ToolFacts> = Vec::with_capacity(analysis.tools.len());
    let mut by_place = BTreeMap::new();
    let mut moved = vec![0; analysis.tools.len()];
    let run_by = dispatchers(program, &analysis.tools);
    let all = std::mem::take(&mut analysis.tools).into_iter().enumerate();
    let (shapes, tools): (Vec<_>, Vec<_>) = all.partition(|(index, _)| run_by.contains_key(index));
    for (index, tool) in tools {
        // Elsewhere, what a loop registers under names that are not known stands at one place and is not one tool.
        moved[index] = match tool.sdk.as_str() {
            SDK => *by_place.entry((tool.at.file, tool.at.span.start, tool.name.clone())).or_insert(kept.len()),
            _ => kept.len(),
        };
        match kept.get_mut(moved[index]) {
            Some(known) => join(known, tool),
            None => kept.push(tool),
        }
    }
    for (index, shape) in shapes {
        moved[index] = moved[run_by[&index]];
        join(&mut kept[moved[index]], shape);
    }
    analysis.tools = kept;
    for found in found {
        found.tool = moved[found.tool];
    }
    for tool in calls.iter_mut().filter_map(|call| call.tool.as_mut()) {
        *tool = moved[*tool];
    }
    let mut seen = BTreeSet::new();
    analysis.unresolved.retain(|(name, at)| {
        let place = (at.file, at.span.start, name.clone());
        !by_place.contains_key(&place) || seen.insert(place)
    });
}

/// Tools found by their shape that a dispatcher of their package runs under the same name, with its entry for them.
fn dispatchers(program: &Program, tools: &[ToolFacts]) -> BTreeMap<usize, usize> {
    let place = |tool: &ToolFacts| Some((program.home_of_file(tool.at.file)?, tool.name.clone()));
    let of_kind = |is_structural: bool| {
        let is_one = move |tool: &ToolFacts| {
            tool.exposes == Exposes::Tool && tool.sdk != SDK && tool.is_structural == is_structural
        };
        tools.iter().enumerate().filter(move |(_, tool)| is_one(tool))
    };
    if of_kind(true).next().is_none() {
        return BTreeMap::new();
    }
    let dispatched: BTreeMap<_, usize> =
        of_kind(false).filter_map(|(index, tool)| Some((place(tool)?, index))).collect();
    of_kind(true).filter_map(|(index, shape)| Some((index, *dispatched.get(&place(shape)?)?))).collect()
}

/// What is known of either run of one tool.
fn join(known: &mut ToolFacts, other: ToolFacts) {
    known.is_resolved |= other.is_resolved;
    known.is_incomplete |= other.is_incomplete;
    for (class, place) in other.guarded {
        known.guarded.entry(class).or_insert(place);
    }
    for act in other.acts {
        if !known.acts.contains(&act) {
            known.acts.push(act);
        }
    }
    if known.handed_out.is_empty() {
        known.handed_out = other.handed_out;
    }
    if known.params.is_empty() {
        known.params = other.params;
    }
    known.way.calls.extend(other.way.calls);
    known.way.calls.sort();
    known.way.calls.dedup();
    known.way.decides_by_clock |= other.way.decides_by_clock;
    known.way.decides_by_length |= other.way.decides_by_length;
}
