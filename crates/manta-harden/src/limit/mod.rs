//! Rate limits that mean what they say: never more than N calls in any window, never a legal call refused.
//!
//! Token buckets, fixed windows and two-bucket counters admit up to 2 N − 1 calls in some window, or refuse
//! calls that the limit allows. A ring with the times of the last N admissions is exact: a call at t is
//! admitted when fewer than N admissions lie in (t − W, t]. Refused calls do not count.
//!
//! Memory is bounded whatever keys an attacker invents (CWE-770): a key is forgotten once its window has
//! passed, and when the table is full of live keys, new ones share one ring, which can refuse too much but
//! never too little.

mod ring;
#[cfg(feature = "redis")]
mod shared;
mod table;

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(feature = "redis")]
pub use shared::{OnError, SharedLimiter, StoreAddress, StoreError};
use table::{ById, Table};

/// Time since some fixed point, never going back. Tests bring their own.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Duration;
}

/// The monotonic clock of the system, from the moment this value was made.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// At most `calls` in any window of length `per`, counted apart by `key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Name for messages and records.
    pub name: String,
    /// Most calls in any window; at most 65,536.
    pub calls: u32,
    /// Length of the window.
    pub per: Duration,
    /// What is counted apart. Empty: everything together.
    pub key: Vec<Part>,
    /// Most calls running at once under one key.
    pub concurrent: Option<u32>,
}

impl Limit {
    /// The project's rule: 10 calls per 60 s, tool and principal.
    #[must_use]
    pub fn per_tool() -> Self {
        Self::new("default", 10, Duration::from_secs(60), &[Part::Server, Part::Tool, Part::Principal])
    }

    /// A limit without a cap on concurrency.
    #[must_use]
    pub fn new(name: &str, calls: u32, per: Duration, key: &[Part]) -> Self {
        Self { name: name.to_owned(), calls, per, key: key.to_vec(), concurrent: None }
    }
}

/// One part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The server behind a guard.
    Server,
    /// The tool, prompt or resource.
    Tool,
    /// The authenticated subject, else the connection. Never `clientInfo`, which the peer chooses.
    Principal,
}

/// Who calls what.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The server, empty where there is only one.
    pub server: &'a str,
    /// The tool, prompt or resource.
    pub tool: &'a str,
    /// The authenticated subject, else the connection.
    pub principal: &'a str,
}

impl<'a> Key<'a> {
    /// The name under which the tool is counted. Some servers take `Read_File` for `read_file`; whoever varies the
    /// case under a rule for all tools must not get a window for each spelling.
    fn counted_tool(&self) -> Cow<'a, str> {
        match self.tool.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(self.tool.to_ascii_lowercase()),
            false => Cow::Borrowed(self.tool),
        }
    }
}

/// The answer to one call.
#[derive(Debug)]
pub enum Decision {
    /// The call may run. It counts as running until the permit is dropped.
    Admit(Permit),
    /// The call may not run.
    Deny(Refusal),
}

impl Decision {
    /// The permit, or why there is none.
    ///
    /// # Errors
    /// The refusal.
    pub fn into_result(self) -> Result<Permit, Refusal> {
        match self {
            Self::Admit(permit) => Ok(permit),
            Self::Deny(refusal) => Err(refusal),
        }
    }
}

/// Why a call was refused, in words that tell a model what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Name of the limit.
    pub limit: String,
    /// The tool that was called.
    pub tool: String,
    /// What was exhausted.
    pub reason: Reason,
    /// When the same call can be admitted at the earliest; `None` when that depends on others.
    pub retry_after: Option<Duration>,
}

/// What was exhausted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The window.
    Rate {
        /// Most calls in any window.
        calls: u32,
        /// Length of the window.
        per: Duration,
    },
    /// The calls running at once.
    Concurrency {
        /// Most calls running at once.
        most: u32,
    },
    /// The shared store could not say.
    Store {
        /// What is wrong with it.
        message: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Rate { calls, per } => {
                write!(f, "rate limit: {calls} calls in {} for tool {}", Seconds(*per), self.tool)?;
            }
            Reason::Concurrency { most } => {
                write!(f, "rate limit: {most} calls at once for tool {}; wait for one to finish", self.tool)?;
            }
            Reason::Store { message } => write!(f, "rate limit: the shared counter cannot be asked: {message}")?,
        }
        match self.retry_after {
            Some(wait) => write!(f, "; retry in {}", Seconds(wait)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// Seconds to the tenth, rounded up: who waits that long is not refused again.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_millis().div_ceil(100);
        match tenths % 10 {
            0 => write!(f, "{} s", tenths / 10),
            tenth => write!(f, "{}.{tenth} s", tenths / 10),
        }
    }
}

/// Keys are 64 bits of SipHash under a random key: fixed size, no allocation, and no peer can aim for a
/// collision. Two of ten thousand live keys meet by chance once in 10^11 tables, and then share a ring.
type Id = u64;

/// Counts admissions in this process.
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

struct Inner {
    clock: Box<dyn Clock>,
    hasher: RandomState,
    /// Live keys per limit.
    max_keys: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The latest time seen: a clock that steps back must not open a window.
    now: u64,
    /// By the limit's name. A server has a handful of limits, for which a scan is faster than a hash.
    tables: Vec<(String, Table)>,
    running: ById<u32>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(SystemClock::default())
    }
}

impl Limiter {
    /// Live keys per limit unless [`Limiter::with_max_keys`] says otherwise.
    pub const MAX_KEYS: usize = 10_000;

    /// An empty limiter.
    #[must_use]
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self::with_max_keys(clock, Self::MAX_KEYS)
    }

    /// An empty limiter that keeps at most `max_keys` live keys per limit, and fewer where a limit admits
    /// so many calls that its rings would hold more than four million times.
    #[must_use]
    pub fn with_max_keys(clock: impl Clock + 'static, max_keys: usize) -> Self {
        let (clock, hasher) = (Box::new(clock), RandomState::new());
        Self { inner: Arc::new(Inner { clock, hasher, max_keys, state: Mutex::default() }) }
    }

    /// Decides about one call under several limits: all must admit it, and only then all count it.
    #[must_use]
    pub fn check(&self, limits: &[&Limit], key: Key<'_>) -> Decision {
        let inner = &self.inner;
        let mut state = inner.lock();
        let now = state.advance(inner.clock.now());
        let ids = limits.iter().map(|limit| inner.id(limit, key));
        for (limit, id) in limits.iter().zip(ids.clone()) {
            if let Some((reason, retry_after)) = state.obstacle(limit, id, now, inner.max_keys) {
                let (limit, tool) = (limit.name.clone(), key.tool.to_owned());
                return Decision::Deny(Refusal { limit, tool, reason, retry_after });
            }
        }
        let mut held = Vec::new();
        for (limit, id) in limits.iter().zip(ids) {
            state.table(limit, inner.max_keys).admit(id, now);
            if limit.concurrent.is_some() {
                *state.running.entry(id).or_default() += 1;
                held.push(id);
            }
        }
        Decision::Admit(Permit { held, inner: Some(Arc::clone(inner)), also: None })
    }

    /// How many more calls the window of `limit` admits now.
    #[must_use]
    pub fn remaining(&self, limit: &Limit, key: Key<'_>) -> u32 {
        let inner = &self.inner;
        let mut state = inner.lock();
        let now = state.advance(inner.clock.now());
        let id = inner.id(limit, key);
        let used = state.table(limit, inner.max_keys).used(id, now);
        limit.calls.saturating_sub(used)
    }

    /// Keys that are remembered now, over all limits. For tests and metrics.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.inner.lock().tables.iter().map(|(_, table)| table.len()).sum()
    }
}

impl Inner {
    /// A panic while the lock was held leaves the counts as they were: still a valid state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, limit: &Limit, key: Key<'_>) -> Id {
        let part = |part: &Part| limit.key.contains(part);
        // Lengths are part of the hash of a str, so ("a", "bc") and ("ab", "c") differ.
        let parts = (
            limit.name.as_str(),
            part(&Part::Server).then_some(key.server),
            part(&Part::Tool).then(|| key.counted_tool()),
            part(&Part::Principal).then_some(key.principal),
        );
        self.hasher.hash_one(parts)
    }
}

impl State {
    /// Nanoseconds; 584 years fit.
    fn advance(&mut self, now: Duration) -> u64 {
        self.now = self.now.max(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        self.now
    }

    fn table(&mut self, limit: &Limit, max_keys: usize) -> &mut Table {
        let known = self.tables.iter().position(|(name, _)| *name == limit.name);
        let index = known.unwrap_or_else(|| {
            self.tables.push((limit.name.clone(), Table::new(limit.calls, limit.per, max_keys)));
            self.tables.len() - 1
        });
        let table = &mut self.tables[index].1;
        table.resize(limit.calls, limit.per);
        table
    }

    fn obstacle(&mut self, limit: &Limit, id: Id, now: u64, max_keys: usize) -> Option<(Reason, Option<Duration>)> {
        if let Some(most) = limit.concurrent
            && self.running.get(&id).is_some_and(|running| *running >= most)
        {
            return Some((Reason::Concurrency { most }, None));
        }
        let wait = self.table(limit, max_keys).wait(id, now)?;
        Some((Reason::Rate { calls: limit.calls, per: limit.per }, Some(Duration::from_nanos(wait))))
    }
}

/// The right to run one call. Dropping it frees its place under the limits on concurrency.
#[must_use = "the call counts as running only while the permit lives"]
pub struct Permit {
    held: Vec<Id>,
    inner: Option<Arc<Inner>>,
    /// Permits of other limiters that are held along.
    #[expect(dead_code, reason = "held for its Drop")]
    also: Option<Box<(Permit, Permit)>>,
}

impl Permit {
    /// Both rights in one.
    #[cfg(feature = "redis")]
    pub(crate) fn and(self, other: Self) -> Self {
        Self { held: Vec::new(), inner: None, also: Some(Box::new((self, other))) }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (false, Some(inner)) = (self.held.is_empty(), &self.inner) else { return };
        let mut state = inner.lock();
        for id in &self.held {
            if let Some(running) = state.running.get_mut(id) {
                *running -= 1;
                if *running == 0 {
                    state.running.remove(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
