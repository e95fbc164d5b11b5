//! Calls that take a large part of a run and have nothing of the caller's in them.
//!
//! Before they do their own work, tools open what they work on: an index is brought up to date, a catalogue is read, a
//! document is parsed, by the same code in every tool. Followed to the end, that takes all the steps there are for a tool,
//! and what the tool itself does is never seen. So when half of them are used, calls are given up that took more than their
//! part: what such a call has done until then is done, what it would have given is not known, and it is not entered again.
//! The report says which.
//!
//! Command lines do the same while modules load, and the server is started by the last of their branches. There, calls are
//! given up that have registered and started nothing, once a quarter of the steps is left. What a module calls itself is
//! not, since all else is inside of it.
//!
//! Whether a call concerns the caller is asked of its activation, and only when it has taken that much: nothing of the
//! caller's in its receiver, its variables and what it captured. Of several that are running, one inside the other, each
//! may take half of what the one around it may, so that the innermost is given up and the others go on; what was given up is
//! no burden on those around it.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::{Args, Interp};
use crate::engine::store::{Loc, Peek};
use crate::engine::value::{CellId, FnId, ModId, Val};
use crate::ir::FuncId;

/// What any call may take, in steps.
const LEAST: u64 = 16_384;
/// How often half is taken of half of what one run may take, at most.
const MOST_HALVED: u32 = 2;
/// How deep objects are searched for data of the caller's.
const DEPTH: usize = 2;
/// Most values looked at in such a search.
const MAX_SEARCHED: usize = 8_192;

/// Calls that were given up.
#[derive(Debug, Default)]
pub(crate) struct Dear {
    functions: FxHashSet<(ModId, FuncId)>,
    /// What is being given up: control goes back to the caller of this activation.
    leaving: Option<usize>,
    /// Steps after which each was given up, for the report.
    told: BTreeMap<String, u64>,
}

impl Dear {
    /// Whether control is on its way out of a call that is given up.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Lets everything be entered again: what was dear while modules loaded may be what a tool is for.
    pub(crate) fn forget(&mut self) {
        self.functions.clear();
    }

    /// What was given up, in words.
    pub(crate) fn tell(&self) -> impl Iterator<Item = String> {
        self.told.iter().map(|(name, steps)| {
            format!("{name}, which is given nothing of the caller's, was followed for {steps} steps only")
        })
    }
}

impl Interp<'_> {
    /// Looks for a call that takes too much; control leaves it when there is one.
    pub(super) fn give_up_dear_call(&mut self) {
        if self.fuel >= self.sparing_below {
            return;
        }
        let mut halved = 0;
        let mut dear = None;
        for at in 1..self.frames.len() {
            let Some(entered) = self.frames[at].entered else { continue };
            let used = self.fuel_used.saturating_sub(entered + self.frames[at].spared);
            // Those inside of it took less.
            if used < LEAST {
                break;
            }
            if self.is_needed(at) || self.is_constructor(at) {
                continue;
            }
            if used > (self.sparing_below >> halved).max(LEAST) {
                dear = Some((at, used));
            }
            halved = (halved + 1).min(MOST_HALVED);
        }
        let Some((at, used)) = dear else { return };
        let (module, func) = (self.frames[at].module, self.frames[at].func);
        let code = self.program.module(module);
        let name = code.func(func).name.map_or("a function", |name| name.as_str());
        self.dear.told.insert(format!("`{name}` in {}", code.path), used);
        self.dear.functions.insert((module, func));
        self.dear.leaving = Some(at);
        for around in &mut self.frames[..at] {
            around.spared += used;
        }
    }

    /// Whether an activation makes an object, which would lack what it was not given.
    fn is_constructor(&self, at: usize) -> bool {
        let frame = &self.frames[at];
        let name = self.program.module(frame.module).func(frame.func).name;
        name.is_some_and(|name| matches!(name.as_str(), "constructor" | "__init__"))
    }

    /// Whether an activation may not be left: for what it found while modules load, and for the caller's data afterwards.
    fn is_needed(&mut self, at: usize) -> bool {
        if self.is_loading {
            let is_called_by_module = self.frames[at - 1].entered.is_none();
            is_called_by_module || self.discoveries() > self.frames[at].discovered
        } else {
            self.concerns_caller(at)
        }
    }

    /// Whether something of the caller's is in an activation. One that has nothing yet may still get it.
    fn concerns_caller(&mut self, at: usize) -> bool {
        let frame = &self.frames[at];
        if frame.concerns_caller {
            return true;
        }
        let mut left = MAX_SEARCHED;
        let mut is_clean = |cell: &CellId| match self.store.peek(Loc::Cell(*cell)) {
            Peek::Cell(value, _) => self.is_clean_to(value, DEPTH, &mut left),
            _ => true,
        };
        let is_clean = frame.locals.iter().all(&mut is_clean)
            && frame.captures.iter().all(&mut is_clean)
            && frame.this.iter().all(|this| self.is_clean_to(this, DEPTH, &mut left));
        self.frames[at].concerns_caller = !is_clean;
        !is_clean
    }

    /// A call ended; gives what stands for its result if it was given up.
    pub(super) fn given_up(&mut self) -> Option<Val> {
        // The activation is gone, so that as many are left as it had below it.
        if self.dear.leaving != Some(self.frames.len()) {
            return None;
        }
        self.dear.leaving = None;
        self.last_call_failed = false;
        // Nothing of the caller's is in it.
        Some(Val { vn: self.store.fresh_vn(), ..Val::unknown() })
    }

    /// Whether a call is one that was given up before.
    pub(super) fn is_given_up(&self, id: FnId, this: Option<&Val>, args: &Args) -> bool {
        let closure = self.store.closure(id);
        let mut left = MAX_SEARCHED;
        self.dear.functions.contains(&(closure.module, closure.func))
            && args.all().chain(this).all(|value| self.is_clean_to(value, DEPTH, &mut left))
            && self.is_clean_closure(id, DEPTH, &mut left)
    }
}
