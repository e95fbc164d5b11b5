//! Findings, and what keeps them apart.

use std::rc::Rc;

use manta_core::{Location, Span};

use super::{Judged, Spelled};
use crate::domain::path;
use crate::engine::facts::NoteKind;
use crate::engine::interp::Interp;
use crate::engine::models::SinkKind;
use crate::engine::report::{FlowRule, Hit, Limit, Outcome};
use crate::engine::trace::StepKind;
use crate::engine::value::{PathShape, Val};

impl Interp<'_> {
    pub(super) fn hit(&mut self, kind: SinkKind, api: &str, spelled: &Spelled, judged: Judged, span: Span) {
        if self.is_not_taken() {
            return;
        }
        let mut notes: Vec<(Location, String, NoteKind)> = Vec::new();
        let mut guard = None;
        for hole in &spelled.holes {
            if let Some(fact) = self.store.fact(hole.vn) {
                guard = guard.or(fact.at);
                for note in &fact.notes {
                    notes.push((note.at, note.text.clone(), note.kind));
                }
            }
        }
        if notes.is_empty() && judged.rule == FlowRule::PathPrefixBypass {
            let within = |hole: &Val| self.props(hole).path.within;
            let dirs: Vec<Option<Rc<str>>> = spelled
                .holes
                .iter()
                .filter_map(|hole| match within(hole) {
                    path::Within::Weak { dir, .. } => Some(dir),
                    _ => None,
                })
                .collect();
            let is_of = |dir: &str| dirs.iter().any(|own| own.as_deref().is_none_or(|own| own == dir));
            let met = self.found.weak_checks.iter().filter(|(dir, _)| is_of(dir));
            notes.extend(met.map(|(_, note)| (note.at, note.text.clone(), note.kind)));
            notes.dedup();
        }
        let step = if spelled.step != 0 { spelled.step } else { spelled.holes.first().map_or(0, |hole| hole.step) };
        let at = self.here(span);
        let hit = Hit {
            rule: judged.rule,
            kind,
            outcome: judged.outcome,
            at,
            api: api.to_owned(),
            taint: spelled.taint,
            step,
            calls: self.frames.iter().filter_map(|frame| frame.called_at).collect(),
            example: judged.example,
            reason: judged.reason,
            notes,
            guard,
            witnesses: judged.witnesses,
            limit: judged.limit.or_else(|| limit(judged.rule, kind, spelled.shape)),
            elsewhere: judged.elsewhere,
            is_redirected: judged.is_redirected,
        };
        let is_alike = |known: &&Hit| {
            known.at == hit.at && known.rule == hit.rule && known.outcome == hit.outcome && known.taint == hit.taint
        };
        let alike: Vec<&Hit> = self.found.hits.iter().filter(is_alike).take(MAX_WAYS).collect();
        let is_known = match hit.outcome {
            Outcome::Guarded => !alike.is_empty(),
            // A helper around the sink is called in several places, and each of them is to be mended.
            Outcome::Vulnerable => {
                alike.len() == MAX_WAYS || {
                    let way = (!alike.is_empty()).then(|| self.way_to(&hit));
                    alike.iter().any(|known| Some(self.way_to(known)) == way)
                }
            }
        };
        if !is_known && self.found.hits.len() < 4_000 {
            self.found.hits.push(hit);
        }
    }

    /// Where a value was passed to functions, and last put into a larger text, and how control came to the sink: one of
    /// several values is passed without a step of its own. The last call may always be the same: what a decorator wraps
    /// is called from one place.
    fn way_to<'h>(&self, hit: &'h Hit) -> (Vec<Location>, Option<Location>, &'h [Location]) {
        let steps = self.trace.path(hit.step);
        let passed = steps.iter().filter(|step| matches!(step.what, StepKind::Argument(_))).map(|step| step.at);
        let last = steps.iter().rev().find(|step| matches!(step.what, StepKind::Concat));
        (passed.collect(), last.map(|step| step.at), &hit.calls)
    }
}

/// Most ways of one parameter to one sink that are told apart.
const MAX_WAYS: usize = 4;

/// What keeps the harm of a flow small. A path that leaves the directory the program names for it is never limited: it
/// was meant to stay inside.
fn limit(rule: FlowRule, kind: SinkKind, shape: PathShape) -> Option<Limit> {
    match (rule, kind) {
        (FlowRule::PathTraversal | FlowRule::FileWrite, _) if shape.is_rooted => None,
        (FlowRule::PathTraversal | FlowRule::FileWrite, _) if shape.is_end_fixed => Some(Limit::FixedEnd),
        // Decided when the content is followed.
        (FlowRule::PathTraversal, _) => Some(Limit::NotHandedOut),
        (FlowRule::FileWrite, SinkKind::FileCreate) => Some(Limit::OwnContent),
        (FlowRule::Ssrf, SinkKind::Browse) => Some(Limit::Browser),
        _ => None,
    }
}
