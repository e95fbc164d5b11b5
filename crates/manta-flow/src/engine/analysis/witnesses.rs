//! Concrete inputs in place of a parameter: whether one arrives, and whether the answer holds what it reads.

use super::HandlerCall;
use super::running::Suspect;
use super::state::Before;
use crate::engine::formats::Witness;
use crate::engine::interp::Interp;
use crate::engine::models::SinkKind;
use crate::engine::report::{FlowRule, Hit, Limit, Outcome, REPLAY_ROOT, Replay};
use crate::engine::sinks::PUBLIC_URL;
use crate::engine::store::ObjKind;
use crate::engine::trace::TraceStep;
use crate::engine::value::{Kind, Taint, Val};
use manta_core::Location;
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::rc::Rc;

/// A sink that data of a parameter came to: the tool that the parameter belongs to, if that is called before, its name,
/// and the sink.
type Target = (Option<Rc<str>>, String, (Location, FlowRule));

/// A concrete input: the tool that its parameter belongs to, if that is called before, the parameter, and what it is given.
type Input = (Option<Rc<str>>, String, Witness);

/// The hits of a run that are to be confirmed, and what was seen of inputs that were followed. One input is followed to
/// all sinks of its parameter at once.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// What no input arrived at yet.
    targets: Vec<Target>,
    followed: FxHashMap<Input, Vec<Followed>>,
}

/// What was seen of one input.
#[derive(Debug)]
struct Followed {
    targets: Vec<(Location, FlowRule)>,
    reached: Vec<(Location, FlowRule)>,
    /// The run ended early, which says nothing of what was not reached.
    is_cut: bool,
    /// It ended by itself, and would have ended so with any input.
    is_blind: bool,
}

impl Arrivals {
    pub(super) fn of(suspects: &[Suspect]) -> Self {
        let targets = suspects.iter().filter(|suspect| is_followed(suspect.hit.rule)).map(|suspect| {
            let source = &suspect.source;
            (source.setter.clone(), source.param.clone(), (suspect.hit.at, suspect.hit.rule))
        });
        Self { targets: targets.collect(), followed: FxHashMap::default() }
    }

    /// Whether an input arrived at a sink; none if it was not followed to that.
    fn arrived(&self, input: &Input, target: (Location, FlowRule)) -> Option<bool> {
        let seen = self.followed.get(input)?.iter().find(|seen| seen.targets.contains(&target))?;
        Some(seen.is_cut || seen.reached.contains(&target))
    }

    /// Whether it was seen to arrive, and not only that the run ended early.
    fn is_seen(&self, input: &Input, target: (Location, FlowRule)) -> bool {
        self.followed.get(input).is_some_and(|seen| seen.iter().any(|seen| seen.reached.contains(&target)))
    }

    /// Whether an input did not arrive for reasons that have nothing to do with it.
    fn is_blind(&self, input: &Input, target: (Location, FlowRule)) -> bool {
        let seen = self.followed.get(input).into_iter().flatten();
        seen.filter(|seen| seen.targets.contains(&target)).any(|seen| seen.is_blind)
    }

    /// This sink, and what else the same input may be followed to.
    fn along(&self, setter: Option<&Rc<str>>, param: &str, target: (Location, FlowRule)) -> Vec<(Location, FlowRule)> {
        let is_alike = |rule: FlowRule| rule == target.1 || rule.class() == target.1.class();
        let others = self.targets.iter().filter(|(of, name, other)| {
            of.as_ref() == setter && name == param && *other != target && is_alike(other.1)
        });
        let mut all: Vec<_> = others.map(|(.., other)| *other).chain([target]).collect();
        all.sort_unstable_by_key(|(at, rule)| (at.file, at.span.start, *rule));
        all.dedup();
        all
    }
}

/// A word that does nothing, wherever it stands.
const HARMLESS: &str = "abc";

/// Most inputs without harm that are followed to a sink.
const MOST_HARMLESS: usize = 8;

fn input(before: Option<&Before<'_>>, param: &str, witness: &Witness) -> Input {
    let setter = before.and_then(|before| before.setter).map(|(run, _)| run.name.clone());
    (setter, param.to_owned(), witness.clone())
}

/// Where a value may go is decided by comparisons that the string domain cannot always follow, and so is whether a value gets
/// to a command line at all: a check may say in many ways what it found. What a statement is made of is decided by its
/// characters alone.
fn is_followed(rule: FlowRule) -> bool {
    matches!(rule.class(), "path" | "network")
        || matches!(rule, FlowRule::CommandInjection | FlowRule::ArgumentInjection | FlowRule::UrlScheme)
}

/// The address of a host of somebody else's that begins, or ends, as a text of the program's does: it passes a comparison
/// that is made of texts and not of labels. None for a text that no such host has at an end.
fn passing_host(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://").unwrap_or(("https", text));
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let is_host = is_name(host) && host.contains('.') && host.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_host.then(|| match text.contains("://") {
        true => format!("{scheme}://{host}.evil.example/"),
        false => format!("{scheme}://evil{host}/"),
    })
}

/// Whether what comes to such a sink runs.
fn is_run(kind: SinkKind) -> bool {
    matches!(kind, SinkKind::Code | SinkKind::Module | SinkKind::Deserialize | SinkKind::Template)
}

/// Whether a value in a file decides which other file is used.
fn leads_on(rule: FlowRule) -> bool {
    matches!(rule, FlowRule::PathTraversal | FlowRule::FileWrite)
}

/// What became of concrete inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replayed {
    /// Judged by characters alone.
    NothingToFollow,
    /// The limit of steps ended it before anything was seen.
    CutShort,
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
    // What a program prints that reads a file (`cat`, `grep`).
    const RUNNERS: [&str; 6] = ["child_process", "subprocess", "asyncio", "execa", "cross-spawn", "os"];
    let (root, name) = (api.split('.').next().unwrap_or_default(), api.rsplit('.').next().unwrap_or_default());
    let runs = RUNNERS.contains(&root) && (root != "os" || name == "popen");
    runs || READS.contains(&name)
        || matches!(name, "open" | "openSync" | "open_file" | "file") && OPENERS.contains(&root)
}

impl<'p> Interp<'p> {
    /// Gives the present tool its steps for following witnesses.
    pub(super) fn allow_replays(&mut self, steps: u64) {
        self.replay_budget = steps;
        self.replay_reserve = steps / 2;
    }

    /// Follows concrete inputs to see whether one of them arrives; which one, if it is not the first.
    pub(super) fn replay(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
        hit: &Hit,
        param: &str,
    ) -> (Replayed, Option<String>) {
        if !is_followed(hit.rule) || hit.witnesses.is_empty() || param.is_empty() {
            return (Replayed::NothingToFollow, None);
        }
        // As it is, and in the formats the program asks for (`mysql://…`, `….png`).
        let plain = hit.witnesses.iter().take(9).cloned();
        let mut witnesses: Vec<String> = plain.collect();
        // Who asks for encryption asks for nothing else yet.
        let encrypted = witnesses.iter().filter_map(|witness| witness.strip_prefix("http://"));
        witnesses.extend(encrypted.map(|rest| format!("https://{rest}")).collect::<Vec<_>>());
        let first = witnesses.first().cloned().unwrap_or_default();
        // Behind anything else an option is none.
        let is_option = hit.rule == FlowRule::ArgumentInjection && first.starts_with('-');
        let prefixes = if is_option { Vec::new() } else { self.found.formats.prefixes.clone() };
        // Behind a host that the program asks for nothing is a host.
        let names_host = |prefix: &String| {
            hit.rule.class() == "network" && prefix.split_once("://").is_some_and(|(_, host)| !host.is_empty())
        };
        for prefix in prefixes.into_iter().filter(|prefix| !names_host(prefix)) {
            // A scheme that is asked for takes the place of the witness's own.
            let rest = first.split_once("://").map_or(first.as_str(), |(_, rest)| rest);
            // Below a directory that stands for the program's own it leads nowhere else.
            let stays = prefix == REPLAY_ROOT && rest.starts_with('/');
            if !stays {
                let is_scheme = prefix.ends_with("//");
                witnesses.push(if is_scheme { format!("{prefix}{rest}") } else { format!("{prefix}{first}") });
            }
            if hit.rule.class() == "path" {
                // Through the directory that is asked for, and out of it.
                witnesses.push(format!("{prefix}/../../../../../../../../etc/passwd"));
            }
        }
        if hit.rule.class() == "path" {
            let plain = hit.witnesses.iter().take(4);
            witnesses.extend(plain.flat_map(|witness| self.found.formats.changes.disguises(witness)));
        }
        let without_ending = witnesses.len();
        // Below a directory an absolute path leads nowhere else, and a relative one does.
        let of_kind = |start: &str| witnesses.iter().find(|witness| witness.starts_with(start) && **witness != first);
        let through = self.found.formats.prefixes.iter().map(|prefix| format!("{prefix}/../"));
        let starts: Vec<String> = ["../", "x/../", "/../"].into_iter().map(str::to_owned).chain(through).collect();
        let kinds = starts.iter().filter_map(|start| of_kind(start));
        let plain: Vec<String> = std::iter::once(&first).chain(kinds).cloned().collect();
        for suffix in self.found.formats.suffixes.clone() {
            witnesses.extend(plain.iter().map(|plain| format!("{plain}{suffix}")));
        }
        // As they are, and as a piece of what the program takes apart.
        let with_ending = witnesses.len();
        // An option is one where its word begins, which a piece seldom does.
        let is_of_pieces = matches!(hit.rule.class(), "path" | "network") || hit.rule == FlowRule::CommandInjection;
        let wholes = if is_of_pieces { self.found.formats.wholes(&plain) } else { Vec::new() };
        let alone = witnesses.iter().map(|witness| Witness::alone(witness));
        let lists = self.found.formats.lists(&plain);
        for (index, witness) in alone.chain(lists).chain(wholes).enumerate() {
            // There are many of these, and other sinks have their inputs too.
            if !witness.is_alone() && self.replay_budget < self.replay_reserve {
                break;
            }
            match self.arrives_as(call, before, hit, param, &witness) {
                None => return (Replayed::CutShort, None),
                Some(false) => {
                    let input = input(before, param, &witness);
                    if self.arrivals.is_blind(&input, (hit.at, hit.rule)) {
                        break;
                    }
                }
                Some(true) => {
                    let is_ended = (without_ending..with_ending).contains(&index);
                    let how = if is_ended { Replayed::ArrivesWithEnding } else { Replayed::Arrives };
                    return (how, (index > 0).then_some(witness.text));
                }
            }
        }
        // Where others are refused, a host that is named alike may pass.
        let texts = self.found.formats.prefixes.iter().chain(&self.found.formats.suffixes);
        let alike: Vec<String> = texts.filter_map(|text| passing_host(text)).collect();
        let is_of_hosts = hit.rule.class() == "network" && !alike.is_empty();
        if is_of_hosts && self.arrives(call, before, hit, param, PUBLIC_URL) == Some(false) {
            for witness in alike {
                if self.arrives(call, before, hit, param, &witness) == Some(true) {
                    return (Replayed::Arrives, Some(witness));
                }
            }
        }
        // Characters are judged exactly without any input, so that inputs count against a verdict only where others arrive.
        let is_of_characters = hit.rule == FlowRule::CommandInjection;
        match is_of_characters && !self.is_open_to_any(call, before, hit, param) {
            true => (Replayed::NothingToFollow, None),
            false => (Replayed::Stopped, None),
        }
    }

    /// Whether an input that does no harm gets to a sink of commands.
    fn is_open_to_any(&mut self, call: &HandlerCall<'_>, before: Option<&Before<'_>>, hit: &Hit, param: &str) -> bool {
        let formats = &self.found.formats;
        let begun = formats.prefixes.iter().map(|prefix| format!("{prefix}{HARMLESS}"));
        let ended = formats.suffixes.iter().map(|suffix| format!("{HARMLESS}{suffix}"));
        let plain = [HARMLESS.to_owned(), format!("/{HARMLESS}"), "1".to_owned()];
        let inputs: Vec<String> = plain.into_iter().chain(begun).chain(ended).take(MOST_HARMLESS).collect();
        inputs.iter().any(|input| self.arrives(call, before, hit, param, input) == Some(true))
    }

    /// Whether one input arrives at a hit; none where a limit ended it before that was seen.
    pub(super) fn arrives(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
        hit: &Hit,
        param: &str,
        witness: &str,
    ) -> Option<bool> {
        self.arrives_as(call, before, hit, param, &Witness::alone(witness))
    }

    /// The same, of an input that may do harm with a piece of it only.
    fn arrives_as(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
        hit: &Hit,
        param: &str,
        witness: &Witness,
    ) -> Option<bool> {
        let input = input(before, param, witness);
        let target = (hit.at, hit.rule);
        if self.arrivals.arrived(&input, target).is_none() {
            if self.replay_budget == 0 {
                return None;
            }
            let steps = self.trace.len();
            self.follow_input(call, before, &input, target);
            self.trace.truncate(steps);
        }
        let is_seen = self.arrivals.is_seen(&input, target);
        (is_seen || self.arrivals.arrived(&input, target) == Some(false)).then_some(is_seen)
    }

    fn fuel_per_witness(&self) -> u64 {
        self.replay_budget.min(self.limits.fuel_per_witness)
    }

    /// Calls a handler with a concrete input in place of a parameter, and keeps where that arrives.
    fn follow_input(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
        input: &Input,
        target: (Location, FlowRule),
    ) {
        let (setter, param, witness) = input;
        let targets = self.arrivals.along(setter.as_ref(), param, target);
        self.is_replaying = true;
        self.start_run();
        self.is_replaying = false;
        // A replay follows one value; what does not arrive within this budget may arrive.
        let budget = self.fuel_per_witness();
        self.fuel = budget;
        self.sparing_below = budget / 2;
        self.found.replay = Some(Replay {
            param: param.clone(),
            setter: setter.clone(),
            witness: witness.clone(),
            targets: targets.clone(),
            reached: Vec::new(),
            is_used: Cell::new(false),
        });
        let mark = self.store.mark();
        self.call_after(before, call);
        self.store.rollback(mark);
        self.store.release(mark);
        self.replay_budget = self.replay_budget.saturating_sub(budget - self.fuel);
        let replay = self.found.replay.take();
        let is_used = replay.as_ref().is_none_or(|replay| replay.is_used.get());
        let reached = replay.map(|replay| replay.reached).unwrap_or_default();
        self.arrivals.targets.retain(|(of, name, other)| of != setter || name != param || !reached.contains(other));
        let is_cut = self.out_of_fuel && !self.is_decided;
        let seen = Followed { targets, reached, is_cut, is_blind: !is_used && !is_cut };
        self.arrivals.followed.entry(input.clone()).or_default().push(seen);
    }

    /// Where what is read at `sink` goes: whether the tool's answer holds it as it is, and not only what a parser made of
    /// it, and where it runs (as code, as a template, as a pickled object) or names another file, with the way there.
    pub(super) fn hands_out(
        &mut self,
        call: &HandlerCall<'_>,
        before: Option<&Before<'_>>,
        sink: Location,
    ) -> (bool, Vec<(Hit, Vec<TraceStep>)>) {
        if self.replay_budget == 0 {
            return (false, Vec::new());
        }
        let steps = self.trace.len();
        self.start_run();
        let budget = self.fuel_per_witness();
        self.fuel = budget;
        self.sparing_below = budget / 2;
        self.found.followed = Some(sink);
        let mark = self.store.mark();
        let answer = self.call_after(before, call);
        let is_handed_out = self.holds_content(&answer, 8);
        let acts = |hit: &Hit| hit.outcome == Outcome::Vulnerable && (is_run(hit.kind) || leads_on(hit.rule));
        let run = std::mem::take(&mut self.found.hits).into_iter().filter(acts);
        let run = run.map(|mut hit| {
            if !is_run(hit.kind) {
                hit.limit = Some(Limit::InFile);
            }
            let steps = self.trace.path(hit.step);
            (hit, steps)
        });
        let run = run.collect();
        self.store.rollback(mark);
        self.store.release(mark);
        self.trace.truncate(steps);
        self.found.followed = None;
        self.replay_budget = self.replay_budget.saturating_sub(budget - self.fuel);
        (is_handed_out, run)
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
            _ => value.taint.0 & !Taint::PARSED.0 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manta_core::{FileId, Span};

    #[test]
    fn an_input_that_nothing_asked_for_speaks_for_all_others_at_its_sinks() {
        let at = |start| (Location::new(FileId(0), Span::new(start, start + 1)), FlowRule::PathTraversal);
        let input = |text: &str| input(None, "path", &Witness::alone(text));
        let seen = |is_blind| Followed { targets: vec![at(1)], reached: Vec::new(), is_cut: false, is_blind };
        let mut arrivals = Arrivals::default();
        arrivals.followed.insert(input("/etc/passwd"), vec![seen(true)]);
        arrivals.followed.insert(input("../x"), vec![seen(false)]);
        assert!(arrivals.is_blind(&input("/etc/passwd"), at(1)));
        assert!(!arrivals.is_blind(&input("/etc/passwd"), at(2)), "it was not followed there");
        assert!(!arrivals.is_blind(&input("../x"), at(1)));
    }
}
