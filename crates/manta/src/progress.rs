//! One line on a terminal that says how far long work is: a bar, a count, what is at work, and when it will be done.
//! Silent everywhere else.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use manta_core::Untrusted;

/// Work shorter than this shows no progress, so that a usual scan doesn't flicker.
const PATIENCE: Duration = Duration::from_millis(400);
/// Least time between two lines.
const INTERVAL: Duration = Duration::from_millis(80);
/// Characters of the bar.
const BAR: usize = 20;
/// Characters of a line; terminals are rarely narrower.
const WIDTH: usize = 76;

/// The progress of one command; wipes its line when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    is_on: bool,
    began: Instant,
    next: Instant,
    is_shown: bool,
    /// Targets of earlier portions.
    before: usize,
    /// All targets.
    total: usize,
}

impl Progress {
    /// Progress on standard error if that is a terminal and the user wants more than results.
    pub(crate) fn new(quiet: bool) -> Self {
        let began = Instant::now();
        let is_on = !quiet && io::stderr().is_terminal();
        Self { is_on, began, next: began + PATIENCE, is_shown: false, before: 0, total: 0 }
    }

    /// Says how many targets there are, and how many of them are done.
    pub(crate) fn portion(&mut self, before: usize, total: usize) {
        (self.before, self.total) = (before, total);
    }

    /// Says what is being done, if it is time to: `started` targets of this portion have been begun.
    pub(crate) fn at(&mut self, started: usize, what: impl FnOnce() -> String) {
        if self.is_on && Instant::now() >= self.next {
            let line = line(self.before + started, self.total, self.began.elapsed(), &what());
            let _ = write!(io::stderr(), "\r\x1b[2K{line}");
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

/// `[######--------------]  3/10  a-server  12s left`. One target has no bar: how far it is isn't known.
fn line(started: usize, total: usize, elapsed: Duration, what: &str) -> String {
    let what = Untrusted(what).for_terminal();
    if total < 2 {
        return format!("scanning {what} ({} s)", elapsed.as_secs()).chars().take(WIDTH).collect();
    }
    let done = started.saturating_sub(1).min(total);
    let full = BAR * done / total;
    let bar: String = (0..BAR).map(|at| if at < full { '#' } else { '-' }).collect();
    let left = if done == 0 {
        String::new()
    } else {
        let rest = elapsed.as_secs_f64() / done as f64 * (total - done) as f64;
        format!("  {rest:.0} s left")
    };
    let head = format!("[{bar}] {started}/{total}");
    let room = WIDTH.saturating_sub(head.len() + left.len() + 2);
    let what: String = what.chars().take(room).collect();
    format!("{head}  {what}{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_stays_one_line() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(line(1, 1, elapsed, "a"), "scanning a (10 s)");
        assert_eq!(line(1, 4, elapsed, "a"), "[--------------------] 1/4  a");
        assert_eq!(line(3, 4, elapsed, "a\u{1b}"), "[##########----------] 3/4  a⟨U+001B⟩  10 s left");
        assert!(line(3, 4, elapsed, &"x".repeat(500)).chars().count() <= WIDTH);
    }
}
