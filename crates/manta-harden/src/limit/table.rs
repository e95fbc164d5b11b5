//! Rings by key, in bounded memory.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use super::Id;
use super::ring::Ring;

/// Times that all rings of one limit may hold together (32 MiB).
const MAX_TIMES: usize = 4 << 20;
/// Largest number of calls that a ring remembers.
const MAX_CALLS: u32 = 1 << 16;
/// Keys that are forgotten per admission: two for one keeps the table as small as what is live.
const SWEEP: usize = 2;

/// Ids are keyed hashes already; hashing them again would cost more than the whole check.
#[derive(Default)]
pub(super) struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte); // never called: ids are whole words
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// A map from ids.
pub(super) type ById<T> = HashMap<Id, T, BuildHasherDefault<Taken>>;

pub(super) struct Table {
    calls: usize,
    window: u64,
    max_keys: usize,
    rings: ById<Ring>,
    /// Admissions in the order of time, so that the front is what expires next. An entry that is not the
    /// newest of its key says nothing any more.
    order: VecDeque<(u64, Id)>,
    /// Shared by keys that came when the table was full.
    overflow: Ring,
}

impl Table {
    pub(super) fn new(calls: u32, per: Duration, max_keys: usize) -> Self {
        let mut table = Self {
            calls: 0,
            window: 0,
            max_keys,
            rings: ById::default(),
            order: VecDeque::new(),
            overflow: Ring::default(),
        };
        table.resize(calls, per);
        table
    }

    /// Takes over a changed limit without forgetting what was admitted.
    pub(super) fn resize(&mut self, calls: u32, per: Duration) {
        let calls = calls.min(MAX_CALLS) as usize;
        let window = u64::try_from(per.as_nanos()).unwrap_or(u64::MAX);
        if calls != self.calls {
            for ring in self.rings.values_mut().chain([&mut self.overflow]) {
                ring.resize(calls);
            }
        }
        (self.calls, self.window) = (calls, window);
    }

    pub(super) fn len(&self) -> usize {
        self.rings.len()
    }

    /// The time until a call under this key is admitted; `None` when it is admitted now.
    pub(super) fn wait(&mut self, id: Id, now: u64) -> Option<u64> {
        let (calls, window) = (self.calls, self.window);
        match self.ring(id, now) {
            Some(ring) => ring.wait(now, window, calls),
            None => (calls == 0).then_some(window),
        }
    }

    /// Counts an admission that [`Table::wait`] allowed at the same time.
    pub(super) fn admit(&mut self, id: Id, now: u64) {
        let calls = self.calls;
        let is_own = match self.rings.get_mut(&id) {
            Some(ring) => {
                ring.push(now, calls);
                true
            }
            None => match self.ring(id, now) {
                Some(overflow) => {
                    overflow.push(now, calls);
                    false
                }
                None => {
                    self.rings.entry(id).or_default().push(now, calls);
                    true
                }
            },
        };
        if is_own {
            self.order.push_back((now, id));
        }
        self.forget(now, SWEEP);
    }

    pub(super) fn used(&mut self, id: Id, now: u64) -> u32 {
        let window = self.window;
        self.ring(id, now).map_or(0, |ring| ring.used(now, window))
    }

    /// The ring that counts this key: its own, or the shared one; `None` when it may get its own.
    fn ring(&mut self, id: Id, now: u64) -> Option<&mut Ring> {
        if !self.rings.contains_key(&id) {
            let is_full = self.rings.len() >= self.capacity() && {
                self.forget(now, usize::MAX);
                self.rings.len() >= self.capacity()
            };
            // While the shared ring counts anything, a new key may be among what it counts. Giving such a
            // key a ring of its own would forget its calls and admit up to twice the limit.
            return (is_full || self.overflow.newest().is_some_and(|time| time.saturating_add(self.window) > now))
                .then_some(&mut self.overflow);
        }
        self.rings.get_mut(&id)
    }

    fn capacity(&self) -> usize {
        self.max_keys.min(MAX_TIMES / self.calls.max(1)).max(1)
    }

    /// Drops up to `most` keys whose last admission has left the window.
    fn forget(&mut self, now: u64, most: usize) {
        for _ in 0..most {
            let Some(&(time, id)) = self.order.front() else { return };
            if time.saturating_add(self.window) > now {
                return;
            }
            self.order.pop_front();
            if self.rings.get(&id).and_then(Ring::newest).is_some_and(|newest| newest <= time) {
                self.rings.remove(&id);
            }
        }
    }
}
