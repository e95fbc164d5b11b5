//! How a value came to be: steps in an arena, each pointing to the one before.

use manta_core::{FileId, Location, Span};

use crate::engine::value::StepId;

/// One propagation of untrusted data.
#[derive(Clone, Debug)]
pub(crate) struct TraceStep {
    pub(crate) prev: StepId,
    pub(crate) at: Location,
    pub(crate) what: StepKind,
}

/// What happened to the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    /// Enters the program as this parameter.
    Source(String),
    /// Is put into a larger string.
    Concat,
    /// Is assigned.
    Assign,
    /// Is passed to a function of the program.
    Argument(String),
    /// Is returned.
    Return,
    /// Passes through something outside the program.
    Through(String),
    /// Is used in what is called here.
    Call,
}

/// The arena.
#[derive(Debug)]
pub(crate) struct Trace {
    steps: Vec<TraceStep>,
}

impl Default for Trace {
    fn default() -> Self {
        let none = TraceStep { prev: 0, at: Location::new(FileId(0), Span::default()), what: StepKind::Assign };
        Self { steps: vec![none] }
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
        self.steps.push(TraceStep { prev, at, what });
        StepId::try_from(self.steps.len() - 1).expect("fuel ends a run long before 2^32 steps")
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.steps.truncate(len);
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
}
