//! What an analysis is at, for whoever measures it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// What lies around the code is looked at: texts for models, configurations, shipped files.
    Around,
    /// Nothing: the target is done.
    Done,
}

/// Is told whenever an analysis goes on to another stage, with the number of steps that were interpreted so far. Nobody by
/// default. It may also say that nobody wants the result any more.
#[derive(Clone, Default)]
pub struct Observer {
    told: Option<Arc<dyn Fn(Stage, u64) + Send + Sync>>,
    stop: Option<Arc<AtomicBool>>,
}

impl Observer {
    /// Tells `told`.
    pub fn new(told: impl Fn(Stage, u64) + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(told)), stop: None }
    }

    /// The same, and an analysis ends as soon as it can once `stop` is set; its result says nothing then.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Whether nobody wants the result any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// The analysis goes on to `stage`.
    pub fn enter(&self, stage: Stage, steps: u64) {
        if let Some(told) = &self.told {
            told(stage, steps);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("told", &self.told.is_some()).field("stop", &self.stop).finish()
    }
}
