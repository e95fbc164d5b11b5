//! What an analysis is at, for whoever measures it.

use std::fmt;
use std::sync::Arc;

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Files are read.
    Reading,
    /// Files are parsed and lowered.
    Parsing,
    /// Modules are linked and run their top level, which registers tools.
    Loading,
    /// Handlers run on untrusted data.
    Handlers,
    /// Concrete inputs are followed to what was found.
    Witnesses,
    /// Findings are made of what was learnt.
    Judging,
    /// Nothing: the target is done.
    Done,
}

/// Is told whenever an analysis goes on to another stage, with the number of steps that were interpreted so far. Nobody by
/// default.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<dyn Fn(Stage, u64) + Send + Sync>>);

impl Observer {
    /// Tells `told`.
    pub fn new(told: impl Fn(Stage, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// The analysis goes on to `stage`.
    pub fn enter(&self, stage: Stage, steps: u64) {
        if let Some(told) = &self.0 {
            told(stage, steps);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
