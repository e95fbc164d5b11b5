//! A first look after an edit: the handlers that it is most likely about, as many as there is time for.
//!
//! An editor wants to know what a keystroke did before the whole server has been looked at again. Which handlers an edit
//! can concern is told by imports: one that is written around the edit, then those in its file, then those in files that
//! import it, nearest first. Whatever a glance finds, the whole analysis has the last word.

use std::collections::VecDeque;

use manta_core::Location;

use super::running::Job;
use super::{Analysis, Found, finished};
use crate::engine::interp::{Interp, Limits};
use crate::engine::models::Models;
use crate::engine::program::{Link, Program};
use crate::engine::report::Registration;
use crate::engine::stage::{Observer, Stage};
use crate::engine::value::ModId;

/// What a glance is.
#[derive(Debug, Default)]
pub struct Glance {
    /// Of the tools that were looked at.
    pub analysis: Analysis,
    /// Names of the handlers that were not; none for one that goes by several names, or by none.
    pub left: Vec<Option<String>>,
}

/// Analyses the handlers that an edit at a place may concern: the nearest, and more while `is_time` says that there is time
/// for one.
#[must_use]
pub fn glance(
    program: &Program,
    models: &Models,
    limits: Limits,
    observer: &Observer,
    edit: Location,
    is_time: &dyn Fn() -> bool,
) -> Glance {
    let mut interp = Interp::new(program, models, limits);
    interp.observer = observer.clone();
    observer.enter(Stage::Loading, 0);
    interp.load_program();
    observer.enter(Stage::Handlers, interp.fuel_used);
    let registrations = interp.settled_registrations();
    look(&mut interp, &registrations, edit, is_time)
}

/// The same where modules are loaded.
pub(super) fn look(
    interp: &mut Interp<'_>,
    registrations: &[Registration],
    edit: Location,
    is_time: &dyn Fn() -> bool,
) -> Glance {
    let distances = distances(interp.program, edit);
    let mut waiting: Vec<(Option<usize>, &Registration)> =
        registrations.iter().map(|one| (interp.distance(one, edit, &distances), one)).collect();
    waiting.sort_by_key(|(distance, _)| distance.unwrap_or(usize::MAX));
    let mut waiting = waiting.into_iter().peekable();
    let mut analysis = Analysis::default();
    let mut found: Vec<Found> = Vec::new();
    let start = interp.fuel_used;
    let mut is_first = true;
    while is_first || is_time() {
        let Some((_, registration)) = waiting.next_if(|(distance, _)| distance.is_some()) else { break };
        let jobs: Vec<Job<'_>> = interp.jobs_of(registration);
        let all = jobs.len() as u64;
        for (turn, job) in (1..).zip(jobs) {
            interp.allow(turn, all, start);
            interp.run_job(job, &mut analysis, &mut found);
        }
        is_first = false;
    }
    let left = waiting.map(|(_, registration)| registration.name.clone()).collect();
    Glance { analysis: finished(interp, analysis, found), left }
}

/// For each module, over how many imports it depends on the one that was edited.
fn distances(program: &Program, edit: Location) -> Vec<Option<usize>> {
    let mut importers: Vec<Vec<usize>> = vec![Vec::new(); program.len()];
    let mut distances = vec![None; program.len()];
    let mut queue = VecDeque::new();
    for (id, module) in program.modules() {
        let index = id.0 as usize;
        for link in program.links_of(id) {
            if let Link::Module(target) = link {
                importers[target.0 as usize].push(index);
            }
        }
        if module.file == edit.file {
            distances[index] = Some(0);
            queue.push_back((index, 0));
        }
    }
    while let Some((index, distance)) = queue.pop_front() {
        for importer in &importers[index] {
            if distances[*importer].is_none() {
                distances[*importer] = Some(distance + 1);
                queue.push_back((*importer, distance + 1));
            }
        }
    }
    distances
}

impl Interp<'_> {
    /// How far a handler is from an edit; none when it can't see it.
    fn distance(&self, registration: &Registration, edit: Location, distances: &[Option<usize>]) -> Option<usize> {
        let closure = registration.handler.as_ref().and_then(|handler| self.closure_of(handler));
        let function = closure.map(|id| {
            let closure = self.store.closure(id);
            (closure.module, self.program.module(closure.module).func(closure.func).span)
        });
        let of = |module: ModId| distances[module.0 as usize];
        let (own, registered) = (function.and_then(|(module, _)| of(module)), of(registration.module));
        let is_around = function.is_some_and(|(_, span)| own == Some(0) && span.contains(edit.span))
            || registration.at.file == edit.file && registration.at.span.contains(edit.span);
        if is_around {
            return Some(0);
        }
        own.into_iter().chain(registered).min().map(|distance| distance + 1)
    }
}
