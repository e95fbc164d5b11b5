//! Servers without an SDK that are made of one class: each of them runs the tools that its class registers at one place,
//! and each tool is one entry of the inventory.

use super::{Analysis, CallInfo, Found, ToolFacts};
use crate::engine::jsonrpc::SDK;
use std::collections::{BTreeMap, BTreeSet};

/// Joins the entries of such servers for one tool, and points at what is left.
pub(super) fn join_repeated(analysis: &mut Analysis, found: &mut [Found], calls: &mut [CallInfo]) {
    let mut kept: Vec<ToolFacts> = Vec::with_capacity(analysis.tools.len());
    let mut by_place = BTreeMap::new();
    let mut moved = Vec::with_capacity(analysis.tools.len());
    for tool in std::mem::take(&mut analysis.tools) {
        // Elsewhere, what a loop registers under names that are not known stands at one place and is not one tool.
        let index = match tool.sdk.as_str() {
            SDK => *by_place.entry((tool.at.file, tool.at.span.start, tool.name.clone())).or_insert(kept.len()),
            _ => kept.len(),
        };
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
    analysis.unresolved.retain(|(name, at)| {
        let place = (at.file, at.span.start, name.clone());
        !by_place.contains_key(&place) || seen.insert(place)
    });
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
