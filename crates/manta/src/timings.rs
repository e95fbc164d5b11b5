//! What a scan takes, part by part: processor time where the system tells it, else time.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use manta_flow::engine::{Observer, Stage};

use crate::output;

/// What was measured so far, of all threads together.
#[derive(Debug, Clone)]
pub(crate) struct Timings {
    started: Instant,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What each thread is at, since when, and after how many steps.
    now: HashMap<ThreadId, (Stage, Duration, u64)>,
    spent: BTreeMap<Stage, (Duration, u64)>,
}

impl Timings {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), seen: Arc::default() }
    }

    /// Tells these timings what goes on.
    pub(crate) fn observer(&self) -> Observer {
        let (started, seen) = (self.started, Arc::clone(&self.seen));
        Observer::new(move |stage, steps| {
            let now = spent_by_thread().unwrap_or_else(|| started.elapsed());
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = &mut *seen;
            let before = seen.now.insert(thread::current().id(), (stage, now, steps));
            if let Some((before, since, steps_before)) = before {
                let spent = seen.spent.entry(before).or_default();
                spent.0 += now.saturating_sub(since);
                spent.1 += steps.saturating_sub(steps_before);
            }
        })
    }

    /// Says it on standard error.
    pub(crate) fn print(&self) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (stage, (time, steps)) in &seen.spent {
            let name = match stage {
                Stage::Reading => "reading files",
                Stage::Parsing => "parsing and lowering",
                Stage::Loading => "running modules",
                Stage::Handlers => "running handlers",
                Stage::Witnesses => "following witnesses",
                Stage::Judging => "judging",
                Stage::Around => "looking around the code",
                Stage::Done => continue,
            };
            let steps = if *steps == 0 { String::new() } else { format!(", {steps} steps") };
            output::remark(&format!("{name}: {:.1} ms{steps}", time.as_secs_f64() * 1e3));
        }
        output::remark(&format!("in all: {:.1} ms on the clock", self.started.elapsed().as_secs_f64() * 1e3));
    }
}

/// Processor time of this thread, where the system tells it.
fn spent_by_thread() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
