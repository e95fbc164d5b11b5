//! One file per command: what it accepts and what it does.

#[cfg(feature = "guard")]
pub(crate) mod audit;
pub(crate) mod baseline;
pub(crate) mod completions;
#[cfg(feature = "guard")]
pub(crate) mod derive;
pub(crate) mod diff;
#[cfg(feature = "guard")]
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod fix;
#[cfg(feature = "guard")]
pub(crate) mod guard;
#[cfg(feature = "guard")]
pub(crate) mod learn;
pub(crate) mod lsp;
#[cfg(feature = "guard")]
pub(crate) mod mcp;
pub(crate) mod pin;
#[cfg(feature = "guard")]
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod scan;
#[cfg(feature = "guard")]
pub(crate) mod serve;
mod settings;
pub(crate) mod tools;
#[cfg(feature = "guard")]
pub(crate) mod top;
#[cfg(feature = "guard")]
pub(crate) mod wrap;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use manta_core::ScanReport;
use manta_flow::engine::Stage;

use crate::analyse::Analysis;
use crate::collect::Limits;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::targets::Target;

/// Parsers and the interpreter recurse as deeply as the code they read nests, which an attacker decides; they have
/// limits of their own, and this leaves them room to reach those.
const STACK_BYTES: usize = 64 << 20;
/// Targets per thread between two outputs: reports are written in order, and only so many are kept waiting.
const BATCH: usize = 16;
/// How often the waiting thread looks whether the work is done; a workless scan should not feel it.
const TICK: Duration = Duration::from_micros(200);

/// The number of threads: as asked for, or one per core.
fn threads(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// Runs what analyses code on a thread with enough stack for it.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| Failure::new(format!("failed to start a thread: {error}")))?;
        worker.join().unwrap_or_else(|_| Err(Failure::new("manta failed, which is a defect of manta")))
    })
}

/// Works on every target, and hands the results over in the order of the targets. `work` is given a number of threads
/// that it may use. A target that can't be read is reported and doesn't stop the others.
fn for_each_target<T: Send>(
    targets: &[Target],
    threads: usize,
    progress: &mut Progress,
    work: impl Fn(&Target, usize) -> Result<T, Failure> + Sync,
    mut each: impl FnMut(T) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Clean;
    let size = threads.saturating_mul(BATCH);
    for (number, batch) in targets.chunks(size).enumerate() {
        progress.portion(number * size, targets.len());
        for result in in_parallel(batch, threads, progress, &work) {
            exit = exit.and(match result {
                Ok(result) => each(result)?,
                Err(failure) => failure.print(),
            });
        }
    }
    Ok(exit)
}

/// The results for `targets`, in their order.
fn in_parallel<T: Send>(
    targets: &[Target],
    threads: usize,
    progress: &mut Progress,
    work: &(impl Fn(&Target, usize) -> Result<T, Failure> + Sync),
) -> Vec<Result<T, Failure>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<_>>> = targets.iter().map(|_| Mutex::new(None)).collect();
    // Threads that have no target of their own read files of those that are scanned.
    let within = threads / targets.len().max(1);
    let worker = || {
        while let Some((target, slot)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            targets.get(index).zip(results.get(index))
        } {
            let result = work(target, within);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, worker);
        let workers: Vec<_> = (0..threads.min(targets.len())).filter_map(|number| spawn(number).ok()).collect();
        if workers.is_empty() {
            worker();
        }
        while workers.iter().any(|worker| !worker.is_finished()) {
            let started = next.load(Ordering::Relaxed).clamp(1, targets.len());
            progress.at(started, || targets[started - 1].name().to_owned());
            thread::park_timeout(TICK);
        }
        for worker in workers {
            // A panic is a defect of manta, and shows as a target without a result below.
            let _ = worker.join();
        }
    });
    progress.clear();
    let unfinished =
        |target: &Target| Failure::new(format!("manta failed on {}, which is a defect of manta", target.name()));
    let taken = results.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    taken.zip(targets).map(|(result, target)| result.unwrap_or_else(|| Err(unfinished(target)))).collect()
}

/// Reads and analyses one target.
fn analysed(target: &Target, analysis: &Analysis, threads: usize) -> Result<ScanReport, Failure> {
    analysis.observer().enter(Stage::Reading, 0);
    let input = target.collect(&Limits::default())?;
    let report = analysis.run_on(&input, threads);
    analysis.observer().enter(Stage::Done, 0);
    Ok(report)
}
