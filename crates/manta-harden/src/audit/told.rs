//! How often things happened beside the calls.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What was told of lately, by kind. A peer makes as many events as it likes: without a bound they would fill the disk, and
/// then no call is admitted any more (CWE-400, CWE-779). Calls themselves are recorded every one.
#[derive(Debug, Default)]
pub struct Told {
    since: Option<Instant>,
    kinds: HashMap<&'static str, u64>,
}

impl Told {
    /// Events of one kind that are told one by one within [`Told::PER`]; of the others it is told how many there were.
    pub const MOST: u64 = 1000;
    /// After so long counting begins anew.
    pub const PER: Duration = Duration::from_secs(60);

    /// Whether this one is told, and what is to be told of those before it that were not.
    pub fn hear(&mut self, kind: &'static str, now: Instant) -> (bool, Vec<(&'static str, String)>) {
        let is_over = self.since.is_none_or(|since| now.duration_since(since) >= Self::PER);
        let untold = if is_over { self.end() } else { Vec::new() };
        self.since.get_or_insert(now);
        let heard = self.kinds.entry(kind).or_default();
        *heard += 1;
        (*heard <= Self::MOST, untold)
    }

    /// What was not told one by one; counting begins anew.
    pub fn end(&mut self) -> Vec<(&'static str, String)> {
        self.since = None;
        let all = std::mem::take(&mut self.kinds).into_iter().filter(|(_, heard)| *heard > Self::MOST);
        let more = |heard: u64| format!("{} more in {} s", heard - Self::MOST, Self::PER.as_secs());
        all.map(|(kind, heard)| (kind, more(heard))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_events_is_counted_and_not_written_out() {
        let (mut told, start) = (Told::default(), Instant::now());
        let mut written = 0;
        for n in 0..50_000_u64 {
            let (is_told, untold) = told.hear("stray-answer", start + Duration::from_millis(n));
            assert!(untold.is_empty());
            written += u64::from(is_told);
        }
        assert_eq!(written, Told::MOST);
        assert!(told.hear("pin", start + Duration::from_secs(59)).0, "another kind is told");
        let (is_told, untold) = told.hear("stray-answer", start + Duration::from_secs(60));
        assert!(is_told);
        assert_eq!(untold, [("stray-answer", "49000 more in 60 s".to_owned())]);
        assert!(told.end().is_empty());
    }
}
