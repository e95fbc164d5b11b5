//! A tool that is registered more than once at one place, by servers made of one class: one entry of the inventory.

use super::{Analysis, CallInfo, Found, ToolFacts};
use std::collections::{BTreeMap, BTreeSet};

/// Joins entries for one tool of one registration, and points at what is left.
pub(super) fn join_repeated(analysis: &mut Analysis, found: &mut [Found], calls: &mut [CallInfo]) {
    let mut kept: Vec<ToolFacts> = Vec::with_capacity(analysis.tools.len());
    let mut by_place = BTreeMap::new();
    let mut moved = Vec::with_capacity(analysis.tools.len());
    for tool in std::mem::take(&mut analysis.tools) {
        let place = (tool.at.file, tool.at.span.start, tool.exposes, tool.name.clone());
        let index = *by_place.entry(place).or_insert(kept.len());
        moved.push(index);
        match kept.get_mut(index) {
            Some(known) => join(known, tool),
            None => kept.push(tool),
        }
    }
    analysis.tools = kept;
    for found in found {
        found.tool = moved[found.tool];
    }
    for tool in calls.iter_mut().filter_map(|call| call.tool.as_mut()) {
        *tool = moved[*tool];
    }
    let mut seen = BTreeSet::new();
    analysis.unresolved.retain(|(name, at)| seen.insert((name.clone(), at.file, at.span.start)));
    analysis.exhausted.dedup();
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
