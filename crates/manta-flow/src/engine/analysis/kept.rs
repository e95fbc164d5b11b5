//! What a whole analysis leaves for glances at later edits: the program, and its state before any handler runs.
//!
//! An edit inside a function that nothing called while modules loaded, or only to see what it shows, changes nothing of that
//! state: the same modules did the same. So the module is replaced in it, and the handlers that the edit may concern run at once. Whether an edit is
//! such a one is decided from the code: the same functions in the same order with the same variables around them, the same
//! imports and exports, and the edit in the body of one that left nothing.

use std::sync::{Arc, LazyLock};

use manta_core::TextChange;

use super::glance::{self, Glance};
use crate::engine::interp::{Dear, Interp, Limits};
use crate::engine::memo::Memo;
use crate::engine::models::Models;
use crate::engine::program::Program;
use crate::engine::report::Registration;
use crate::engine::stage::{Observer, Stage};
use crate::engine::value::ModId;
use crate::ir::{Export, FuncId, Module};

/// What a state is about while nobody looks at its program.
static NOTHING: LazyLock<(Program, Models)> = LazyLock::new(|| (Program::empty(), Models::default()));

/// The state of a program before any handler runs.
pub struct Remains {
    interp: Interp<'static>,
    registrations: Vec<Registration>,
}

impl Remains {
    pub(super) fn of(interp: Interp<'_>, registrations: Vec<Registration>) -> Self {
        Self { interp: interp.over(&NOTHING.0, &NOTHING.1), registrations }
    }
}

/// A program with its state.
pub struct Kept {
    program: Program,
    remains: Option<Remains>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Kept {
    /// What an analysis of a program left.
    #[must_use]
    pub fn new(program: Program, remains: Remains) -> Self {
        Self { program, remains: Some(remains) }
    }

    /// The program as it is now.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Analyses the handlers that a change may concern, as [`glance::glance`] does; none when the change may be to more
    /// than what handlers do, and then nothing is kept any more.
    pub fn glance(
        &mut self,
        module: &Arc<Module>,
        change: TextChange,
        models: &Models,
        limits: Limits,
        observer: &Observer,
        is_time: &dyn Fn() -> bool,
    ) -> Option<Glance> {
        let Remains { interp, mut registrations } = self.remains.take()?;
        let id = self.program.find(&module.path)?;
        let edited = edited(self.program.module(id), module, change)?;
        if interp.ran.contains(&(id, edited)) {
            return None;
        }
        self.program.replace(id, Arc::clone(module));
        for registration in registrations.iter_mut().filter(|one| one.at.file == change.file) {
            registration.at = change.place(registration.at)?;
        }
        let mut interp = interp.over(&self.program, models);
        interp.observer = observer.clone();
        interp.limits = limits;
        interp.start_anew(id);
        observer.enter(Stage::Handlers, 0);
        let glance = glance::look(&mut interp, &registrations, change.at(), is_time);
        self.remains = Some(Remains::of(interp, registrations));
        Some(glance)
    }
}

impl Interp<'_> {
    /// Forgets what earlier runs of handlers learnt, and what is known of the code of a module.
    fn start_anew(&mut self, module: ModId) {
        self.fuel_used = 0;
        self.out_of_fuel = false;
        self.is_heavy = false;
        self.memo = Memo::default();
        self.dear = Dear::default();
        self.found.calls.clear();
        self.found.recorded.clear();
        self.found.call_parts = 0;
        self.found.depth_exceeded = false;
        self.found.is_table_cut = false;
        self.found.function_facts.retain(|(other, _), _| *other != module);
        self.schema_makers.retain(|(other, _), _| *other != module);
        self.registration_spans.remove(&module);
        self.set_later.remove(&module);
    }
}

/// The function in whose body all of a change is; none when anything else may be different.
fn edited(old: &Module, new: &Module, change: TextChange) -> Option<FuncId> {
    let slots = |module: &Module| module.commonjs.map(|slots| (slots.module, slots.exports));
    let are_same = old.funcs.len() == new.funcs.len()
        && old.classes.len() == new.classes.len()
        && slots(old) == slots(new)
        && old.imports.len() == new.imports.len()
        && old.imports.iter().zip(&new.imports).all(|(a, b)| a.request == b.request && a.type_only == b.type_only)
        && old.exports.len() == new.exports.len()
        && old.exports.iter().zip(&new.exports).all(|(a, b)| is_same_export(a, b))
        && old.funcs[0].slots == new.funcs[0].slots
        && old.funcs.iter().zip(&new.funcs).all(|(a, b)| a.captures == b.captures && a.name == b.name);
    if !are_same {
        return None;
    }
    let innermost = |module: &Module, at: manta_core::Span| {
        let around = module.funcs.iter().enumerate().skip(1).filter(|(_, func)| func.span.contains(at));
        around.min_by_key(|(_, func)| func.span.end - func.span.start).map(|(index, _)| index)
    };
    let (before, after) = (innermost(old, change.old)?, innermost(new, change.new)?);
    // Its parameters and what decorates it are looked at when it is made.
    let is_inside = |module: &Module, at: manta_core::Span| {
        module.funcs[before].body.first().is_some_and(|first| first.span.start <= at.start)
    };
    let is_body = before == after && is_inside(old, change.old) && is_inside(new, change.new);
    is_body.then(|| FuncId(u32::try_from(before).unwrap_or(0)))
}

fn is_same_export(a: &Export, b: &Export) -> bool {
    match (a, b) {
        (Export::Local { name, slot }, Export::Local { name: other, slot: place }) => name == other && slot == place,
        (Export::From { name, import, imported }, Export::From { name: other, import: from, imported: what }) => {
            name == other && import == from && imported == what
        }
        (Export::Star { import }, Export::Star { import: from }) => import == from,
        _ => false,
    }
}
