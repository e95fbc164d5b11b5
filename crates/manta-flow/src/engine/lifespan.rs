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
    pub(crate) fn lifespan_context(&self, receiver: &Val, name: Symbol) -> Option<Val> {
        let is_held = matches!(receiver.kind, Kind::Unknown | Kind::Api(..))
            && self.found.is_running_handler
            && self.lang() == Lang::Python
            && HOLDERS.contains(&name.as_str());
        if !is_held {
            return None;
        }
        self.found.lifespan_made.clone()
    }

    /// Runs it, once: what it gives outlives the calls of tools, and one tool may set what another uses.
    pub(crate) fn start_lifespan(&mut self) {
        let Some(lifespan) = self.found.lifespan.clone() else { return };
        let Some(module) = self.closure_of(&lifespan).map(|id| self.store.closure(id).module) else { return };
        self.fuel = self.limits.fuel_per_tool;
        let made = self.in_module(module, |interp| {
            let manager = interp.call_value(&lifespan, None, Args::of(vec![Val::unknown()]), Span::default());
            interp.enter_context(&manager, Span::default())
        });
        self.found.lifespan_made = Some(made);
    }
}
