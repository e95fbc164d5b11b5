//! What a Python server makes when it starts, for its tools: `FastMCP(lifespan=…)`, and `ctx.….lifespan_context` in them.

use manta_core::Span;

use crate::engine::interp::{Args, Interp};
use crate::engine::value::{Kind, Val};
use crate::ir::{Lang, Symbol};

/// Fields of a request's context that hold it, by SDK: `mcp` 1, and `fastmcp`'s server.
const HOLDERS: [&str; 2] = ["lifespan_context", "lifespan_result"];

impl Interp<'_> {
    /// Remembers the context manager that a server is made with.
    pub(crate) fn note_lifespan(&mut self, args: &Args) {
        if let Some(lifespan) = args.named("lifespan").filter(|value| self.is_callable(value)) {
            self.found.lifespan = Some(lifespan.clone());
        }
    }

    /// What the context manager of the server gives, when `name` of something unknown stands for it.
    pub(crate) fn lifespan_context(&mut self, receiver: &Val, name: Symbol, span: Span) -> Option<Val> {
        let is_held = matches!(receiver.kind, Kind::Unknown | Kind::Api(..))
            && self.found.is_running_handler
            && self.lang() == Lang::Python
            && HOLDERS.contains(&name.as_str());
        if !is_held {
            return None;
        }
        if let Some(made) = &self.found.lifespan_made {
            return Some(made.clone());
        }
        let lifespan = self.found.lifespan.clone()?;
        let manager = self.call_value(&lifespan, None, Args::of(vec![Val::unknown()]), span);
        let made = self.enter_context(&manager, span);
        self.found.lifespan_made = Some(made.clone());
        Some(made)
    }
}
