//! Access paths into code outside the target.
//!
//! Whatever is imported from a package, or is a global, is represented by *how it was reached*: `child_process` →
//! `.exec`; `axios` → `.create` → `()` → `.get`. Models are written over these paths.

use std::collections::HashMap;

use crate::ir::Symbol;

/// Index of an access path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ApiId(pub(crate) u32);

/// One step of an access path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ApiStep {
    /// A package or the set of globals.
    Root(Symbol),
    /// `.name`.
    Field(Symbol),
    /// The result of a call or of `new`.
    Call,
    /// An element (`x[i]`, iteration).
    Element,
}

/// All access paths seen in a run.
#[derive(Debug, Default)]
pub(crate) struct ApiTable {
    nodes: Vec<(Option<ApiId>, ApiStep)>,
    index: HashMap<(Option<ApiId>, ApiStep), ApiId>,
}

/// Paths longer than this fold onto their last node: `x.then().then()…` chains of builders stay finite.
const MAX_DEPTH: usize = 12;

impl ApiTable {
    pub(crate) fn root(&mut self, name: Symbol) -> ApiId {
        self.intern(None, ApiStep::Root(name))
    }

    pub(crate) fn step(&mut self, from: ApiId, step: ApiStep) -> ApiId {
        if self.depth(from) >= MAX_DEPTH {
            return from;
        }
        self.intern(Some(from), step)
    }

    pub(crate) fn parent(&self, id: ApiId) -> Option<ApiId> {
        self.nodes[id.0 as usize].0
    }

    pub(crate) fn last(&self, id: ApiId) -> ApiStep {
        self.nodes[id.0 as usize].1
    }

    /// The steps from the root.
    pub(crate) fn steps(&self, id: ApiId) -> Vec<ApiStep> {
        let mut steps = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let (parent, step) = self.nodes[id.0 as usize];
            steps.push(step);
            next = parent;
        }
        steps.reverse();
        steps
    }

    /// The path as written in models: `axios.create().get`.
    pub(crate) fn name(&self, id: ApiId) -> String {
        let mut name = String::new();
        for step in self.steps(id) {
            match step {
                ApiStep::Root(root) => name.push_str(root.as_str()),
                ApiStep::Field(field) => {
                    name.push('.');
                    name.push_str(field.as_str());
                }
                ApiStep::Call => name.push_str("()"),
                ApiStep::Element => name.push_str("[]"),
            }
        }
        name
    }

    fn depth(&self, id: ApiId) -> usize {
        let mut depth = 0;
        let mut next = self.nodes[id.0 as usize].0;
        while let Some(id) = next {
            depth += 1;
            next = self.nodes[id.0 as usize].0;
        }
        depth
    }

    fn intern(&mut self, parent: Option<ApiId>, step: ApiStep) -> ApiId {
        let next = ApiId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 access paths"));
        let id = *self.index.entry((parent, step)).or_insert(next);
        if id == next {
            self.nodes.push((parent, step));
        }
        id
    }
}
