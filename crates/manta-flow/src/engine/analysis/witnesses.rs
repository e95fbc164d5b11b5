//! Concrete inputs in place of a parameter: whether one arrives, and whether the answer holds what it reads.

use super::HandlerCall;
use super::state::Before;
use crate::engine::interp::Interp;
use crate::engine::report::{FlowRule, Hit, Replay};
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, Val};
use manta_core::Location;

/// What became of concrete inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replayed {
    /// Judged by characters alone, or there is no time.
    NothingToFollow,
    /// None arrives.
    Stopped,
    /// One arrives.
    Arrives,
    /// One arrives, but only with the ending (`.csv`) that the program asks for.
    ArrivesWithEnding,
}

/// Whether a read gives the bytes of the file, and not what a library makes of them (a workbook, an image, a repository).
pub(super) fn is_read_as_it_is(api: &str) -> bool {
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

impl<'p> Interp<'p> {
    /// Follows concrete inputs to see whether one of them arrives; which one, if it is not the first.
    pub(super) fn replay(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
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
        // Who asks for encryption asks for nothing else yet.
        let encrypted = witnesses.iter().filter_map(|witness| witness.strip_prefix("http://"));
        witnesses.extend(encrypted.map(|rest| format!("https://{rest}")).collect::<Vec<_>>());
        let first = witnesses.first().cloned().unwrap_or_default();
        // Behind anything else an option is none.
        let is_option = hit.rule == FlowRule::ArgumentInjection && first.starts_with('-');
        let prefixes = if is_option { Vec::new() } else { self.found.prefixes.clone() };
        for prefix in prefixes {
            // A scheme that is asked for takes the place of the witness's own.
            let rest = first.split_once("://").map_or(first.as_str(), |(_, rest)| rest);
            witnesses.push(if prefix.ends_with("://") {
                format!("{prefix}{rest}")
            } else {
                format!("{prefix}{first}")
            });
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
                setter: before.and_then(|before| before.setter).map(|(run, _)| run.name.clone()),
                witness: witness.clone(),
                at: hit.at,
                rule: hit.rule,
                reached: false,
            });
            let mark = self.store.mark();
            self.call_after(before, call);
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
    pub(super) fn hands_out(&mut self, call: &HandlerCall<'_>, before: Option<&Before<'_>>, sink: Location) -> bool {
        if self.replay_budget == 0 {
            return false;
        }
        let steps = self.trace.len();
        self.start_run();
        let budget = self.limits.fuel_per_tool.min(400_000);
        self.fuel = budget;
        self.found.followed = Some(sink);
        let mark = self.store.mark();
        let answer = self.call_after(before, call);
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
}
