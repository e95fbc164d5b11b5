//! Rings by key, in bounded memory.

use std::collections::HashMap;
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

/// The rings of one limit, in the order of their last admissions, so that what expires next is always in front.
pub(super) struct Table {
    calls: usize,
    window: u64,
    max_keys: usize,
    /// Where the ring of a key stands.
    places: ById<usize>,
    slots: Vec<Slot>,
    /// Slots whose key was forgotten.
    free: Vec<usize>,
    /// The slot with the earliest last admission, and the one with the latest.
    front: usize,
    back: usize,
    /// Shared by keys that came when the table was full.
    overflow: Ring,
}

/// A ring, and its neighbours in the order of last admissions.
struct Slot {
    id: Id,
    ring: Ring,
    before: usize,
    after: usize,
}

/// No slot.
const NONE: usize = usize::MAX;

/// Which ring counts a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Its own.
    Own(usize),
    /// The one that keys share which came when the table was full.
    Shared,
    /// It gets its own with its first admission.
    New,
}

impl Table {
    pub(super) fn new(calls: u32, per: Duration, max_keys: usize) -> Self {
        let mut table = Self {
            calls: 0,
            window: 0,
            max_keys,
            places: ById::default(),
            slots: Vec::new(),
            free: Vec::new(),
            front: NONE,
            back: NONE,
            overflow: Ring::default(),
        };
        table.resize(calls, per);
        table
    }

    /// Takes over a changed limit without forgetting what was admitted.
    #[inline]
    pub(super) fn resize(&mut self, calls: u32, per: Duration) {
        let calls = calls.min(MAX_CALLS) as usize;
        let window = super::nanoseconds(per);
        if calls != self.calls {
            for ring in self.slots.iter_mut().map(|slot| &mut slot.ring).chain([&mut self.overflow]) {
                ring.resize(calls);
            }
        }
        (self.calls, self.window) = (calls, window);
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Which ring counts this key. It holds until the next key is looked for.
    #[inline]
    pub(super) fn find(&mut self, id: Id, now: u64) -> Place {
        // Most calls come with the key of the one before.
        if self.slots.get(self.back).is_some_and(|slot| slot.id == id) {
            return Place::Own(self.back);
        }
        if let Some(&slot) = self.places.get(&id) {
            return Place::Own(slot);
        }
        let is_full = self.places.len() >= self.capacity() && {
            self.forget(now, usize::MAX);
            self.places.len() >= self.capacity()
        };
        // While the shared ring counts anything, a new key may be among what it counts. Giving such a
        // key a ring of its own would forget its calls and admit up to twice the limit.
        let is_shared = || self.overflow.newest().is_some_and(|time| time.saturating_add(self.window) > now);
        if is_full || is_shared() { Place::Shared } else { Place::New }
    }

    /// The time until a call is admitted; `None` when it is admitted now.
    #[inline]
    pub(super) fn wait(&self, place: Place, now: u64) -> Option<u64> {
        match self.ring(place) {
            Some(ring) => ring.wait(now, self.window, self.calls),
            None => (self.calls == 0).then_some(self.window),
        }
    }

    /// Counts an admission that [`Table::wait`] allowed at the same time.
    #[inline]
    pub(super) fn admit(&mut self, place: Place, id: Id, now: u64) {
        let calls = self.calls;
        match place {
            Place::Shared => self.overflow.push(now, calls),
            Place::Own(slot) => {
                self.slots[slot].ring.push(now, calls);
                self.move_to_back(slot);
            }
            Place::New => {
                let slot = self.slot_of(id);
                self.slots[slot].ring.push(now, calls);
                self.move_to_back(slot);
            }
        }
        self.forget(now, SWEEP);
    }

    /// Admissions inside the window.
    pub(super) fn used(&self, place: Place, now: u64) -> u32 {
        self.ring(place).map_or(0, |ring| ring.used(now, self.window))
    }

    #[inline]
    fn ring(&self, place: Place) -> Option<&Ring> {
        match place {
            Place::Own(slot) => Some(&self.slots[slot].ring),
            Place::Shared => Some(&self.overflow),
            Place::New => None,
        }
    }

    fn capacity(&self) -> usize {
        self.max_keys.min(MAX_TIMES / self.calls.max(1)).max(1)
    }

    /// The slot of a key, made and put in front where it has none. The limit may have been named twice for one
    /// call, and the first of the two made it.
    fn slot_of(&mut self, id: Id) -> usize {
        if let Some(&slot) = self.places.get(&id) {
            return slot;
        }
        let new = Slot { id, ring: Ring::default(), before: NONE, after: self.front };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = new;
                slot
            }
            None => {
                self.slots.push(new);
                self.slots.len() - 1
            }
        };
        match self.front {
            NONE => self.back = slot,
            front => self.slots[front].before = slot,
        }
        self.front = slot;
        self.places.insert(id, slot);
        slot
    }

    fn move_to_back(&mut self, slot: usize) {
        if self.back == slot {
            return;
        }
        self.unlink(slot);
        (self.slots[slot].before, self.slots[slot].after) = (self.back, NONE);
        match self.back {
            NONE => self.front = slot,
            back => self.slots[back].after = slot,
        }
        self.back = slot;
    }

    fn unlink(&mut self, slot: usize) {
        let (before, after) = (self.slots[slot].before, self.slots[slot].after);
        match before {
            NONE => self.front = after,
            before => self.slots[before].after = after,
        }
        match after {
            NONE => self.back = before,
            after => self.slots[after].before = before,
        }
    }

    /// Drops up to `most` keys whose last admission has left the window.
    fn forget(&mut self, now: u64, most: usize) {
        for _ in 0..most {
            let front = self.front;
            let Some(slot) = self.slots.get(front) else { return };
            if slot.ring.newest().is_some_and(|time| time.saturating_add(self.window) > now) {
                return;
            }
            self.places.remove(&slot.id);
            self.unlink(front);
            self.slots[front].ring = Ring::default();
            self.free.push(front);
        }
    }
}
