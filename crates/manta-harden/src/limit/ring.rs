//! The times of the last N admissions.

/// Grows to N entries, then overwrites the oldest.
#[derive(Debug, Default)]
pub(super) struct Ring {
    times: Vec<u64>,
    /// Where the oldest stands once the ring is full.
    oldest: usize,
}

impl Ring {
    /// Notes an admission at `now`, which is not before the last one.
    pub(super) fn push(&mut self, now: u64, capacity: usize) {
        if self.times.len() < capacity {
            self.times.push(now);
        } else if let Some(slot) = self.times.get_mut(self.oldest) {
            *slot = now;
            self.oldest = if self.oldest + 1 < capacity { self.oldest + 1 } else { 0 };
        }
    }

    /// The time until a call is admitted; `None` when it is admitted now.
    ///
    /// The window (now − W, now] is half-open: what happened exactly W ago is outside.
    pub(super) fn wait(&self, now: u64, window: u64, capacity: usize) -> Option<u64> {
        if capacity == 0 {
            return Some(window);
        }
        if self.times.len() < capacity {
            return None;
        }
        let free_at = self.times[self.oldest].saturating_add(window);
        (free_at > now).then(|| free_at - now)
    }

    /// Admissions inside the window.
    pub(super) fn used(&self, now: u64, window: u64) -> u32 {
        let live = self.times.iter().filter(|time| time.saturating_add(window) > now).count();
        u32::try_from(live).unwrap_or(u32::MAX)
    }

    /// The latest admission.
    pub(super) fn newest(&self) -> Option<u64> {
        let last = self.oldest.checked_sub(1).unwrap_or(self.times.len().checked_sub(1)?);
        self.times.get(last).copied()
    }

    /// Keeps the newest `capacity` times, for a limit that changed while it was in use.
    pub(super) fn resize(&mut self, capacity: usize) {
        self.times.rotate_left(self.oldest);
        self.oldest = 0;
        self.times.drain(..self.times.len().saturating_sub(capacity));
    }
}
