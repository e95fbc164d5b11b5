//! One line on a terminal that says what long work is at; silent everywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use manta_core::Untrusted;

/// Work shorter than this shows no progress, so that a usual scan doesn't flicker.
const PATIENCE: Duration = Duration::from_millis(400);
/// Least time between two lines.
const INTERVAL: Duration = Duration::from_millis(80);

/// The progress of one command; wipes its line when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    is_on: bool,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Progress on standard error if that is a terminal and the user wants more than results.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { is_on: !quiet && io::stderr().is_terminal(), next: Instant::now() + PATIENCE, is_shown: false }
    }

    /// Says what is being done, if it is time to.
    pub(crate) fn at(&mut self, what: impl FnOnce() -> String) {
        if self.is_on && Instant::now() >= self.next {
            let text: String = Untrusted(&what()).for_terminal().chars().take(76).collect();
            let _ = write!(io::stderr(), "\r\x1b[2K{text}");
            self.is_shown = true;
            self.next = Instant::now() + INTERVAL;
        }
    }

    /// Wipes the line, so that results start on a clean one.
    pub(crate) fn clear(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
            self.is_shown = false;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
