//! What tools promise about themselves (`annotations`), and what their handlers were seen doing: two things that a
//! rule compares.

use std::collections::BTreeMap;

use manta_core::{Location, Span};

use crate::engine::interp::{Args, Interp};
use crate::engine::models::SinkKind;
use crate::engine::value::{Kind, Val};
use crate::ir::Symbol;

/// `annotations` of a tool, as far as they are constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// `readOnlyHint`: it changes nothing.
    pub read_only: Option<bool>,
    /// `openWorldHint`: it reaches beyond a closed world.
    pub open_world: Option<bool>,
}

/// Something a handler does, whoever decided about its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What it is.
    pub kind: SinkKind,
    /// Where.
    pub at: Location,
    /// By which function.
    pub api: String,
}

/// Promises by tool, and acts of the handler that runs.
#[derive(Debug, Default)]
pub(crate) struct Conduct {
    promises: BTreeMap<String, Promises>,
    acts: Vec<Act>,
}

impl Conduct {
    /// What a tool of this name promises. Of two tools with one name and different promises, nothing is known.
    pub(crate) fn promises(&self, tool: &str) -> Promises {
        self.promises.get(tool).copied().unwrap_or_default()
    }

    fn promise(&mut self, tool: String, promises: Promises) {
        let known = self.promises.entry(tool).or_insert(promises);
        if *known != promises {
            *known = Promises::default();
        }
    }

    /// Remembers an act, the first of its kind.
    pub(crate) fn act(&mut self, kind: SinkKind, at: Location, api: &str) {
        if !self.acts.iter().any(|act| act.kind == kind) {
            self.acts.push(Act { kind, at, api: api.to_owned() });
        }
    }

    /// Puts the acts before those of the present call, which are returned.
    pub(crate) fn put_back(&mut self, before: Vec<Act>) -> Vec<Act> {
        let own = std::mem::replace(&mut self.acts, before);
        for act in &own {
            self.act(act.kind, act.at, &act.api);
        }
        own
    }

    /// The acts of the run that ends.
    pub(crate) fn take_acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }
}

impl Interp<'_> {
    /// Reads the annotations among the arguments of a registration, an argument of their own or a member of one, and the
    /// titles.
    pub(crate) fn note_promises(&mut self, name: Option<&Val>, handler: Option<&Val>, args: &Args) {
        let values: Vec<Val> = args.pos.iter().chain(args.named.iter().map(|(_, value)| value)).cloned().collect();
        let promises = values.iter().find_map(|value| self.promises_in(value));
        let titles = self.titles_among(args);
        if promises.is_none() && titles.is_empty() {
            return;
        }
        let named = match name {
            Some(name) => self.tool_names(name),
            None => handler.and_then(|handler| self.function_name(handler)).into_iter().collect(),
        };
        self.note_of(named, promises, &titles);
    }

    fn note_of(&mut self, tools: Vec<String>, promises: Option<Promises>, titles: &[String]) {
        for tool in tools {
            if !titles.is_empty() {
                self.found.spoken.entitle(&tool, titles);
            }
            if let Some(promises) = promises {
                self.found.conduct.promise(tool, promises);
            }
        }
    }

    /// The same for a tool that is an object with name and annotations.
    pub(crate) fn note_promises_of(&mut self, tool: &Val, span: Span) {
        let (promises, titles) = (self.promises_in(tool), self.titles_in(tool));
        if promises.is_none() && titles.is_empty() {
            return;
        }
        let name = match &tool.kind {
            Kind::Api(_, Some(data)) => self.store.obj(*data).fields.get(&Symbol::new("$name")).cloned(),
            _ => Some(self.get_member(tool, Symbol::new("name"), span)),
        };
        let named = name.map(|name| self.tool_names(&name)).unwrap_or_default();
        self.note_of(named, promises, &titles);
    }

    fn promises_in(&self, value: &Val) -> Option<Promises> {
        let annotations = self.member_in(value, "annotations").unwrap_or_else(|| value.clone());
        let hint = |names: [&str; 2]| {
            names.into_iter().find_map(|name| self.member_in(&annotations, name)).and_then(|value| value.truth())
        };
        let promises = Promises {
            read_only: hint(["readOnlyHint", "read_only_hint"]),
            open_world: hint(["openWorldHint", "open_world_hint"]),
        };
        (promises != Promises::default()).then_some(promises)
    }
}
