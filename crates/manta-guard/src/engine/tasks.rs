//! Calls that go on in the background: whose they are, and which rules their results are held to.
//!
//! Up to 2025-11-25 a call asks to become a task and its result is fetched with `tasks/result`; from 2026-07-28 on a server
//! may answer any call with a task, and what became of it stands in the answer to `tasks/get`.
//!
//! A server that is reached over one connection or one credential can't tell the guard's callers apart, so the guard does:
//! where it knows who calls, a task is there for the caller whose call it was (CWE-639), and none that the guard did not
//! see begin is there for anybody.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use manta_mcp::{Frame, Id, Part};
use serde_json::Value;

/// Tasks of one caller that are remembered; the oldest is forgotten first.
const MOST_OF_ONE: usize = 1024;
/// Callers with tasks; whoever began none for the longest time is forgotten first.
const MOST_CALLERS: usize = 4096;

/// The tasks behind one guard, shared by its connections.
#[derive(Debug, Default)]
pub struct Tasks {
    tells_apart: bool,
    callers: Mutex<HashMap<Arc<str>, Own>>,
}

/// The tasks of one caller.
#[derive(Debug)]
struct Own {
    tasks: HashMap<Box<str>, Begun>,
    order: VecDeque<Box<str>>,
    last: Instant,
}

/// The call that a task goes on with.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) tool: Box<str>,
    pub(super) max_result: Option<usize>,
}

impl Tasks {
    /// Tasks behind a guard that knows who calls.
    #[must_use]
    pub fn of_known_callers() -> Self {
        Self { tells_apart: true, ..Self::default() }
    }

    /// Whether a caller may ask about a task. Without known callers there is one, and a task may be older than the guard.
    pub(super) fn admits(&self, caller: &str, task: Option<&str>) -> bool {
        !self.tells_apart || task.is_some_and(|task| self.begun(caller, task).is_some())
    }

    pub(super) fn begun(&self, caller: &str, task: &str) -> Option<Begun> {
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.get(caller)?.tasks.get(task).cloned()
    }

    pub(super) fn begin(&self, caller: &Arc<str>, task: &str, begun: Begun) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(caller) {
            let silent = callers.iter().min_by_key(|(_, own)| own.last).map(|(caller, _)| Arc::clone(caller));
            silent.and_then(|silent| callers.remove(&silent));
        }
        let own = callers.entry(Arc::clone(caller)).or_insert_with(|| Own {
            tasks: HashMap::new(),
            order: VecDeque::new(),
            last: Instant::now(),
        });
        own.last = Instant::now();
        if own.tasks.insert(task.into(), begun).is_none() {
            own.order.push_back(task.into());
        }
        if own.order.len() > MOST_OF_ONE {
            own.order.pop_front().and_then(|oldest| own.tasks.remove(&oldest));
        }
    }
}

/// The task that an answer says its call has become.
pub(crate) fn begun_by(frame: &Frame<'_>) -> Option<Box<str>> {
    let task = match frame.value(Part::Task) {
        Some(task) => task.get("taskId").and_then(Value::as_str).map(str::to_owned),
        None if frame.string(Part::ResultType).as_deref() == Some("task") => {
            let result = frame.value(Part::Result);
            result.as_ref().and_then(|result| result.get("taskId")).and_then(Value::as_str).map(str::to_owned)
        }
        None => None,
    };
    task.filter(|id| id.len() <= Id::MAX_LEN).map(String::into_boxed_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Begun {
        Begun { tool: "t".into(), max_result: None }
    }

    #[test]
    fn a_task_is_there_for_the_caller_whose_call_it_was() {
        let tasks = Tasks::of_known_callers();
        tasks.begin(&"alice".into(), "1", begun());
        assert!(tasks.admits("alice", Some("1")));
        for (caller, task) in [("bob", Some("1")), ("alice", Some("2")), ("alice", None)] {
            assert!(!tasks.admits(caller, task), "{caller} {task:?}");
            assert!(Tasks::default().admits(caller, task), "there is only one");
        }
    }

    #[test]
    fn what_is_remembered_has_a_bound_for_each_and_for_all() {
        let tasks = Tasks::of_known_callers();
        tasks.begin(&"bob".into(), "b", begun());
        for n in 0..=MOST_OF_ONE {
            tasks.begin(&"alice".into(), &n.to_string(), begun());
        }
        assert!(!tasks.admits("alice", Some("0")) && tasks.admits("alice", Some("1")));
        assert!(tasks.admits("bob", Some("b")), "one who begins many costs others nothing");
        for n in 0..MOST_CALLERS {
            tasks.begin(&n.to_string().into(), "x", begun());
        }
        assert!(!tasks.admits("bob", Some("b")));
        assert_eq!(tasks.callers.lock().unwrap().len(), MOST_CALLERS);
    }
}
