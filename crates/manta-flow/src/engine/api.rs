//! Access paths into code outside the target.
//!
//! Whatever is imported from a package, or is a global, is represented by *how it was reached*: `child_process` →
//! `.exec`; `axios` → `.create` → `()` → `.get`. Models are written over these paths.

use std::rc::Rc;

use rustc_hash::FxHashMap;

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
    nodes: Vec<Node>,
    index: FxHashMap<(Option<ApiId>, ApiStep), ApiId>,
}

/// One access path: its last step, what comes before, and what is asked for again and again.
#[derive(Debug)]
struct Node {
    parent: Option<ApiId>,
    step: ApiStep,
    depth: usize,
    name: Rc<str>,
    canonical: Option<ApiId>,
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
        self.node(id).parent
    }

    pub(crate) fn last(&self, id: ApiId) -> ApiStep {
        self.node(id).step
    }

    /// The steps from the root.
    pub(crate) fn steps(&self, id: ApiId) -> Vec<ApiStep> {
        let mut steps = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let node = self.node(id);
            steps.push(node.step);
            next = node.parent;
        }
        steps.reverse();
        steps
    }

    /// The path as written in models: `axios.create().get`.
    pub(crate) fn name(&self, id: ApiId) -> Rc<str> {
        self.node(id).name.clone()
    }

    /// What aliases make of this path, once it has been looked up.
    pub(crate) fn canonical(&self, id: ApiId) -> Option<ApiId> {
        self.node(id).canonical
    }

    pub(crate) fn set_canonical(&mut self, id: ApiId, canonical: ApiId) {
        self.nodes[id.0 as usize].canonical = Some(canonical);
    }

    fn node(&self, id: ApiId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn depth(&self, id: ApiId) -> usize {
        self.node(id).depth
    }

    fn intern(&mut self, parent: Option<ApiId>, step: ApiStep) -> ApiId {
        if let Some(known) = self.index.get(&(parent, step)) {
            return *known;
        }
        let id = ApiId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 access paths"));
        let before = parent.map_or("", |parent| &*self.node(parent).name);
        let name: Rc<str> = match step {
            ApiStep::Root(root) => Rc::from(root.as_str()),
            ApiStep::Field(field) => format!("{before}.{field}").into(),
            ApiStep::Call => format!("{before}()").into(),
            ApiStep::Element => format!("{before}[]").into(),
        };
        let depth = parent.map_or(0, |parent| self.depth(parent) + 1);
        self.nodes.push(Node { parent, step, depth, name, canonical: None });
        self.index.insert((parent, step), id);
        id
    }
}
