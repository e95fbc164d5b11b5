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

use std::borrow::Borrow;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::paths::fold_spelling;
#[cfg(feature = "redis")]
pub use shared::{OnError, SharedLimiter, StoreAddress, StoreError};
use table::{ById, Place, Table};

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
    /// The tool or prompt in any spelling, or what a resource is counted as. Whoever varies the spelling under a rule
    /// for all tools does not get a window for each.
    pub tool: &'a str,
    /// The authenticated subject, else the connection.
    pub principal: &'a str,
}

/// The answer to one call.
#[derive(Debug)]
pub enum Decision {
    /// The call may run. It counts as running until the permit is dropped.
    Admit(Permit),
    /// The call may not run. Boxed, because most may, and an answer that fits into two registers is a cheap one.
    Deny(Box<Refusal>),
}

impl Decision {
    /// The permit, or why there is none.
    ///
    /// # Errors
    /// The refusal.
    pub fn into_result(self) -> Result<Permit, Refusal> {
        match self {
            Self::Admit(permit) => Ok(permit),
            Self::Deny(refusal) => Err(*refusal),
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

/// Which parts of a key a limit counts apart: a bit for each, for one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts(u8);

impl Parts {
    fn of(limit: &Limit) -> Self {
        Self(limit.key.iter().fold(0, |parts, part| parts | 1 << *part as u8))
    }

    const fn has(self, part: Part) -> bool {
        self.0 & 1 << part as u8 != 0
    }

    /// What of a key is counted apart.
    fn of_key(self, key: Key<'_>) -> [&str; 3] {
        let text = |part, text| if self.has(part) { text } else { "" };
        [text(Part::Server, key.server), text(Part::Tool, key.tool), text(Part::Principal, key.principal)]
    }
}

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
    /// By name and parts of the limit. A server has a handful of limits, for which a scan is faster than a hash.
    /// One key has one id in each, whatever else a call asks for.
    counted: Vec<Counted>,
    /// What the limits but the first of the call that is being checked led to.
    found: Vec<Found>,
}

/// What one limit has counted.
struct Counted {
    name: String,
    parts: Parts,
    table: Table,
    /// Calls that run now, of limits on concurrency.
    running: ById<u32>,
    /// The key that came last, with its id. Most calls come with the key of the one before, and to compare costs a
    /// quarter of a hash.
    last: Last,
}

/// A key and its id; of the key what its limit counts apart, one behind the other.
#[derive(Default)]
struct Last {
    text: String,
    /// Where the server ends, and the tool.
    ends: [usize; 2],
    id: Option<Id>,
}

impl Last {
    /// Keys longer than this are hashed every time.
    const LONGEST: usize = 256;

    #[inline(always)]
    fn id_of(&self, [server, tool, principal]: [&str; 3]) -> Option<Id> {
        let [server_end, tool_end] = self.ends;
        let (of_server, rest) = self.text.split_at_checked(server_end)?;
        let (of_tool, of_principal) = rest.split_at_checked(tool_end - server_end)?;
        self.id.filter(|_| same(of_principal, principal) && same(of_tool, tool) && same(of_server, server))
    }

    fn keep(&mut self, parts: [&str; 3], id: Id) {
        let [server, tool, _] = parts.map(str::len);
        if parts.iter().map(|part| part.len()).sum::<usize>() <= Self::LONGEST {
            self.text.clear();
            self.text.extend(parts);
            (self.ends, self.id) = ([server, server + tool], Some(id));
        }
    }
}

/// Whether two short texts are one: the library's comparison takes a call for each.
#[inline]
fn same(one: &str, other: &str) -> bool {
    let (words, bytes) = one.as_bytes().as_chunks::<8>();
    let (other_words, other_bytes) = other.as_bytes().as_chunks::<8>();
    let are_same = |(one, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*one) == u64::from_ne_bytes(*other);
    one.len() == other.len()
        && words.iter().zip(other_words).all(are_same)
        && bytes.iter().zip(other_bytes).all(|(one, other)| one == other)
}

/// Where one limit counts one call.
#[derive(Clone, Copy)]
struct Found {
    counted: usize,
    id: Id,
    place: Place,
    is_held: bool,
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
    pub fn check<L: Borrow<Limit>>(&self, limits: &[L], key: Key<'_>) -> Decision {
        let inner = &self.inner;
        let mut state = inner.lock();
        let now = state.advance(inner.clock.now());
        let Some((first, others)) = limits.split_first() else { return Decision::Admit(Permit::default()) };
        // Most calls are under one limit, which then needs no list.
        let first = match state.place(first.borrow(), key, now, inner) {
            Ok(at) => at,
            Err(refusal) => return Decision::Deny(refusal),
        };
        let mut found = std::mem::take(&mut state.found);
        found.clear();
        for limit in others {
            match state.place(limit.borrow(), key, now, inner) {
                Ok(at) => found.push(at),
                Err(refusal) => return Decision::Deny(refusal),
            }
        }
        let mut held = Vec::new();
        state.admit(&first, now, &mut held);
        found.iter().for_each(|at| state.admit(at, now, &mut held));
        state.found = found;
        Decision::Admit(Permit::places(inner, held))
    }

    /// Decides whether an admitted call may run again as the same call: it is not counted a second time, and has to
    /// find a place under the limits on concurrency.
    #[must_use]
    pub fn check_again<L: Borrow<Limit>>(&self, limits: &[L], key: Key<'_>) -> Decision {
        let inner = &self.inner;
        let mut state = inner.lock();
        let now = state.advance(inner.clock.now());
        let held = limits.iter().map(Borrow::borrow).filter(|limit| limit.concurrent.is_some());
        let found: Vec<(&Limit, Found)> = held.map(|limit| (limit, state.find(limit, key, now, inner))).collect();
        for (limit, at) in &found {
            if let Some(reason) = state.crowd(limit, at) {
                let (limit, tool) = (limit.name.clone(), key.tool.to_owned());
                return Decision::Deny(Box::new(Refusal { limit, tool, reason, retry_after: None }));
            }
        }
        let mut held = Vec::new();
        for (_, at) in &found {
            *state.counted[at.counted].running.entry(at.id).or_default() += 1;
            held.push((at.counted, at.id));
        }
        Decision::Admit(Permit::places(inner, held))
    }

    /// How many more calls the window of `limit` admits now.
    #[must_use]
    pub fn remaining(&self, limit: &Limit, key: Key<'_>) -> u32 {
        let inner = &self.inner;
        let mut state = inner.lock();
        let now = state.advance(inner.clock.now());
        let at = state.find(limit, key, now, inner);
        limit.calls.saturating_sub(state.counted[at.counted].table.used(at.place, now))
    }

    /// Keys that are remembered now, over all limits. For tests and metrics.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.inner.lock().counted.iter().map(|counted| counted.table.len()).sum()
    }
}

impl Inner {
    /// A panic while the lock was held leaves the counts as they were: still a valid state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, parts: Parts, key: Key<'_>) -> Id {
        let mut hash = self.hasher.build_hasher();
        let mut write = |text: &str| {
            // No text has this byte, so ("a", "bc") and ("ab", "c") differ.
            hash.write(text.as_bytes());
            hash.write_u8(0xff);
        };
        if parts.has(Part::Server) {
            write(key.server);
        }
        if parts.has(Part::Tool) {
            write(&fold_spelling(key.tool));
        }
        if parts.has(Part::Principal) {
            write(key.principal);
        }
        hash.finish()
    }
}

/// A time as one word; 584 years fit.
#[inline]
fn nanoseconds(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into())
}

impl State {
    #[inline(always)]
    fn advance(&mut self, now: Duration) -> u64 {
        self.now = self.now.max(nanoseconds(now));
        self.now
    }

    /// Where a call would be counted, if it may run.
    #[inline(always)]
    fn place(&mut self, limit: &Limit, key: Key<'_>, now: u64, inner: &Inner) -> Result<Found, Box<Refusal>> {
        let at = self.find(limit, key, now, inner);
        match self.obstacle(limit, &at, now) {
            None => Ok(at),
            Some((reason, retry_after)) => {
                let (limit, tool) = (limit.name.clone(), key.tool.to_owned());
                Err(Box::new(Refusal { limit, tool, reason, retry_after }))
            }
        }
    }

    #[inline(always)]
    fn find(&mut self, limit: &Limit, key: Key<'_>, now: u64, inner: &Inner) -> Found {
        let parts = Parts::of(limit);
        let known = self.counted.iter().position(|counted| counted.parts == parts && same(&counted.name, &limit.name));
        let counted = known.unwrap_or_else(|| {
            let (name, table) = (limit.name.clone(), Table::new(limit.calls, limit.per, inner.max_keys));
            self.counted.push(Counted { name, parts, table, running: ById::default(), last: Last::default() });
            self.counted.len() - 1
        });
        let Counted { table, last, .. } = &mut self.counted[counted];
        table.resize(limit.calls, limit.per);
        let apart = parts.of_key(key);
        let id = last.id_of(apart).unwrap_or_else(|| {
            let id = inner.id(parts, key);
            last.keep(apart, id);
            id
        });
        Found { counted, id, place: table.find(id, now), is_held: limit.concurrent.is_some() }
    }

    #[inline(always)]
    fn obstacle(&self, limit: &Limit, at: &Found, now: u64) -> Option<(Reason, Option<Duration>)> {
        if let Some(reason) = self.crowd(limit, at) {
            return Some((reason, None));
        }
        let wait = self.counted[at.counted].table.wait(at.place, now)?;
        Some((Reason::Rate { calls: limit.calls, per: limit.per }, Some(Duration::from_nanos(wait))))
    }

    /// Whether too many calls run already.
    fn crowd(&self, limit: &Limit, at: &Found) -> Option<Reason> {
        let most = limit.concurrent?;
        let running = self.counted[at.counted].running.get(&at.id).copied().unwrap_or_default();
        (running >= most).then_some(Reason::Concurrency { most })
    }

    #[inline(always)]
    fn admit(&mut self, at: &Found, now: u64, held: &mut Vec<(usize, Id)>) {
        let counted = &mut self.counted[at.counted];
        counted.table.admit(at.place, at.id, now);
        if at.is_held {
            *counted.running.entry(at.id).or_default() += 1;
            held.push((at.counted, at.id));
        }
    }
}

/// The right to run one call. Dropping it frees its place under the limits on concurrency; of most calls there is none, and
/// then it is one empty word.
#[derive(Default)]
#[must_use = "the call counts as running only while the permit lives"]
pub struct Permit(
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "held for its Drop"))] Option<Box<Held>>,
);

/// What a running call takes up.
enum Held {
    /// Under limits on concurrency of one limiter: the limits and the keys under which it runs there.
    Places(Arc<Inner>, Vec<(usize, Id)>),
    /// In two limiters.
    #[cfg(feature = "redis")]
    #[expect(dead_code, reason = "held for their Drop")]
    Both(Permit, Permit),
}

impl Permit {
    fn places(inner: &Arc<Inner>, held: Vec<(usize, Id)>) -> Self {
        Self((!held.is_empty()).then(|| Box::new(Held::Places(Arc::clone(inner), held))))
    }

    /// Both rights in one.
    #[cfg(feature = "redis")]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (held, None) | (None, held) => Self(held),
            (mine, theirs) => Self(Some(Box::new(Held::Both(Self(mine), Self(theirs))))),
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        #[cfg_attr(not(feature = "redis"), expect(irrefutable_let_patterns, reason = "there is another with `redis`"))]
        let Self::Places(inner, held) = self else { return };
        let mut state = inner.lock();
        for (counted, id) in held {
            let running = &mut state.counted[*counted].running;
            if let Some(calls) = running.get_mut(id) {
                *calls -= 1;
                if *calls == 0 {
                    running.remove(id);
                }
            }
        }
    }
}

/// Whether bytes are one answer of a store.
#[cfg(all(feature = "redis", feature = "fuzzing"))]
pub(crate) fn is_store_reply(bytes: &[u8]) -> bool {
    shared::is_reply(bytes)
}

#[cfg(test)]
mod tests;
