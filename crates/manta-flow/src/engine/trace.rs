//! How a value came to be: steps in an arena, each pointing to the one before.

use std::rc::Rc;

use manta_core::{FileId, Location, Span};
use rustc_hash::FxHashMap;

use crate::engine::value::StepId;

/// One propagation of untrusted data.
#[derive(Clone, Debug)]
pub(crate) struct TraceStep {
    pub(crate) prev: StepId,
    pub(crate) at: Location,
    pub(crate) what: StepKind,
}

/// What happened to the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StepKind {
    /// Enters the program as this parameter; of another tool, where it is kept from an earlier call.
    Source(String, Option<Rc<str>>),
    /// Is put into a larger string.
    Concat,
    /// Is assigned.
    Assign,
    /// Is put into a list.
    Element,
    /// Is passed to a function of the program.
    Argument(String),
    /// Is returned.
    Return,
    /// Passes through something outside the program.
    Through(String),
    /// Is used in what is called here.
    Call,
    /// Is kept after the call, and there when this tool is called.
    Kept(Rc<str>),
}

/// The arena.
#[derive(Debug)]
pub(crate) struct Trace {
    steps: Vec<TraceStep>,
    /// Steps by content: what happens again is the same step, and a call that is made again is the same call.
    index: FxHashMap<(StepId, Location, StepKind), StepId>,
}

impl Default for Trace {
    fn default() -> Self {
        let none = TraceStep { prev: 0, at: Location::new(FileId(0), Span::default()), what: StepKind::Assign };
        Self { steps: vec![none], index: FxHashMap::default() }
    }
}

impl Trace {
    pub(crate) fn add(&mut self, prev: StepId, at: Location, what: StepKind) -> StepId {
        // One step per place: re-assigning in a loop does not lengthen the story.
        if let Some(last) = self.steps.get(prev as usize)
            && prev != 0
            && last.at == at
            && last.what == what
        {
            return prev;
        }
        let id = StepId::try_from(self.steps.len()).expect("fuel ends a run long before 2^32 steps");
        let known = *self.index.entry((prev, at, what.clone())).or_insert(id);
        if known == id {
            self.steps.push(TraceStep { prev, at, what });
        }
        known
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.steps.truncate(len);
        self.index.retain(|_, id| (*id as usize) < len);
    }

    /// From the source to `last`, at most 64 steps.
    pub(crate) fn path(&self, last: StepId) -> Vec<TraceStep> {
        let mut path = Vec::new();
        let mut next = last;
        while next != 0 && path.len() < 64 {
            let step = &self.steps[next as usize];
            path.push(step.clone());
            next = step.prev;
        }
        path.reverse();
        path
    }

    /// The step before a step; 0 if it is the first.
    pub(crate) fn previous(&self, step: StepId) -> StepId {
        self.steps[step as usize].prev
    }

    /// The last step on the way to `last` that is older than `boundary`; 0 if there is none.
    pub(crate) fn before(&self, last: StepId, boundary: usize) -> StepId {
        let mut next = last;
        while next as usize >= boundary {
            next = self.steps[next as usize].prev;
        }
        next
    }
}
