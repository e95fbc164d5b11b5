use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

/// A clock that stands where the test put it.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn set(&self, milliseconds: u64) {
        self.0.store(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn key(principal: &str) -> Key<'_> {
    Key { server: "", tool: "t", principal }
}

fn admits(limiter: &Limiter, limit: &Limit, principal: &str) -> bool {
    matches!(limiter.check(&[limit], key(principal)), Decision::Admit(_))
}

#[test]
fn the_eleventh_call_waits_for_the_first_to_leave_the_window() {
    let clock = Hand::default();
    let limiter = Limiter::new(clock.clone());
    let limit = Limit::per_tool();
    for second in 0..10 {
        clock.set(second * 1000);
        assert!(admits(&limiter, &limit, "a"));
    }
    clock.set(47_600);
    let Decision::Deny(refusal) = limiter.check(&[&limit], key("a")) else { panic!("admitted") };
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(12_400)));
    assert_eq!(refusal.to_string(), "rate limit: 10 calls in 60 s for tool t; retry in 12.4 s");
    clock.set(59_999);
    assert!(!admits(&limiter, &limit, "a"));
    clock.set(60_000);
    assert!(admits(&limiter, &limit, "a"));
    assert!(!admits(&limiter, &limit, "a"));
}

#[test]
fn keys_do_not_share_and_cannot_be_confused() {
    let limiter = Limiter::new(Hand::default());
    let limit = Limit::new("l", 1, Duration::from_secs(1), &[Part::Tool, Part::Principal]);
    // Short ones and long ones, and some that are longer than what is remembered of the last.
    let (long, longer) = ("x".repeat(93), "x".repeat(94));
    let (most, more) = ("x".repeat(255), "x".repeat(256));
    for (tool, principal) in [
        ("ab", "c"),
        ("a", "bc"),
        ("abc", ""),
        ("", "abc"),
        (&long, "y"),
        ("y", &long),
        (&longer, "y"),
        ("y", &longer),
        (&longer, ""),
        ("", &longer),
        (&most, "y"),
        ("y", &most),
        (&more, "y"),
        (&more, ""),
        ("", &more),
    ] {
        let key = Key { server: "", tool, principal };
        assert!(matches!(limiter.check(&[&limit], key), Decision::Admit(_)), "{tool} {principal}");
        assert!(matches!(limiter.check(&[&limit], key), Decision::Deny(_)));
    }
}

#[test]
fn spellings_of_one_tool_share_a_window() {
    let limiter = Limiter::new(Hand::default());
    let limit = Limit::new("l", 1, Duration::from_secs(1), &[Part::Tool]);
    let spelled = |tool| Key { server: "", tool, principal: "p" };
    assert!(matches!(limiter.check(&[&limit], spelled("read_file")), Decision::Admit(_)));
    for same in ["Read_File", " read_file", "read_file\u{a0}", "\u{ff52}ead_file", "read\u{200b}_file"] {
        assert!(matches!(limiter.check(&[&limit], spelled(same)), Decision::Deny(_)), "{same:?}");
    }
    assert!(matches!(limiter.check(&[&limit], spelled("read-file")), Decision::Admit(_)));
}

#[test]
fn a_call_refused_by_one_limit_is_counted_by_none() {
    let limiter = Limiter::new(Hand::default());
    let mine = Limit::new("mine", 1, Duration::from_secs(1), &[Part::Principal]);
    let all = Limit::new("all", 3, Duration::from_secs(1), &[]);
    assert!(matches!(limiter.check(&[&all, &mine], key("a")), Decision::Admit(_)));
    for _ in 0..5 {
        assert!(matches!(limiter.check(&[&all, &mine], key("a")), Decision::Deny(_)));
    }
    assert_eq!(limiter.remaining(&all, key("a")), 2);
    assert!(matches!(limiter.check(&[&all, &mine], key("b")), Decision::Admit(_)));
    assert!(matches!(limiter.check(&[&all, &mine], key("c")), Decision::Admit(_)));
    let Decision::Deny(refusal) = limiter.check(&[&all, &mine], key("d")) else { panic!("admitted") };
    assert_eq!(refusal.limit, "all");
}

#[test]
fn a_permit_holds_its_place_until_it_is_dropped() {
    let limiter = Limiter::new(Hand::default());
    let mut limit = Limit::new("l", 100, Duration::from_secs(1), &[Part::Principal]);
    limit.concurrent = Some(2);
    let first = limiter.check(&[&limit], key("a")).into_result().unwrap();
    let _second = limiter.check(&[&limit], key("a")).into_result().unwrap();
    let refusal = limiter.check(&[&limit], key("a")).into_result().unwrap_err();
    assert_eq!(refusal.reason, Reason::Concurrency { most: 2 });
    assert!(limiter.check(&[&limit], key("b")).into_result().is_ok());
    drop(first);
    assert!(limiter.check(&[&limit], key("a")).into_result().is_ok());
}

#[test]
fn a_call_that_goes_on_is_not_counted_twice_but_needs_a_place() {
    let limiter = Limiter::new(Hand::default());
    let mut limit = Limit::new("l", 2, Duration::from_secs(1), &[Part::Principal]);
    limit.concurrent = Some(1);
    for _ in 0..10 {
        assert!(limiter.check_again(&[&limit], key("a")).into_result().is_ok());
    }
    assert_eq!(limiter.remaining(&limit, key("a")), 2);
    let running = limiter.check(&[&limit], key("a")).into_result().unwrap();
    let refusal = limiter.check_again(&[&limit], key("a")).into_result().unwrap_err();
    assert_eq!(refusal.reason, Reason::Concurrency { most: 1 });
    drop(running);
    let again = limiter.check_again(&[&limit], key("a")).into_result().unwrap();
    assert!(limiter.check(&[&limit], key("a")).into_result().is_err(), "it takes the place of another");
    drop(again);
    assert!(limiter.check(&[&limit], key("a")).into_result().is_ok());
}

#[test]
fn a_clock_that_steps_back_opens_nothing() {
    let clock = Hand::default();
    let limiter = Limiter::new(clock.clone());
    let limit = Limit::new("l", 1, Duration::from_secs(1), &[]);
    clock.set(5_000);
    assert!(admits(&limiter, &limit, "a"));
    clock.set(0);
    assert!(!admits(&limiter, &limit, "a"));
    clock.set(5_999);
    assert!(!admits(&limiter, &limit, "a"));
    clock.set(6_000);
    assert!(admits(&limiter, &limit, "a"));
}

#[test]
fn a_limit_named_twice_for_one_call_counts_it_twice() {
    let limiter = Limiter::new(Hand::default());
    let limit = Limit::new("l", 4, Duration::from_secs(1), &[Part::Principal]);
    assert!(limiter.check(&[&limit, &limit], key("a")).into_result().is_ok());
    assert_eq!((limiter.remaining(&limit, key("a")), limiter.keys()), (2, 1));
}

#[test]
fn zero_calls_admits_none() {
    let limiter = Limiter::new(Hand::default());
    assert!(!admits(&limiter, &Limit::new("l", 0, Duration::from_secs(1), &[]), "a"));
}

#[test]
fn a_flood_of_keys_is_bounded_and_never_over_admits() {
    let clock = Hand::default();
    let limiter = Limiter::with_max_keys(clock.clone(), 100);
    let limit = Limit::new("l", 2, Duration::from_secs(1), &[Part::Principal]);
    let flood: usize = (0..10_000).filter(|i| admits(&limiter, &limit, &i.to_string())).count();
    assert_eq!(limiter.keys(), 100);
    assert_eq!(flood, 102, "100 keys of their own and the two places of the shared ring");
    assert!(admits(&limiter, &limit, "7"), "a key that was there before the flood keeps its places");

    // Half of the rings expire, but what the shared ring counted is still inside its window.
    clock.set(999);
    assert!(!admits(&limiter, &limit, "5000"));
    clock.set(1_000);
    assert!(admits(&limiter, &limit, "5000"));
    assert!(limiter.keys() <= 100);
}

#[test]
fn a_key_of_the_shared_ring_does_not_start_anew_when_space_appears() {
    let clock = Hand::default();
    let limiter = Limiter::with_max_keys(clock.clone(), 1);
    let limit = Limit::new("l", 2, Duration::from_millis(100), &[Part::Principal]);
    assert!(admits(&limiter, &limit, "first"));
    clock.set(50);
    assert!(admits(&limiter, &limit, "late") && admits(&limiter, &limit, "late"));
    clock.set(100); // "first" has expired and frees the only ring
    assert!(!admits(&limiter, &limit, "late"));
    clock.set(150);
    assert!(admits(&limiter, &limit, "late"));
}

#[test]
fn a_changed_limit_keeps_what_was_counted() {
    let clock = Hand::default();
    let limiter = Limiter::new(clock.clone());
    let limit = |calls| Limit::new("l", calls, Duration::from_secs(1), &[]);
    for millisecond in 0..5 {
        clock.set(millisecond);
        assert!(admits(&limiter, &limit(5), "a"));
    }
    assert!(!admits(&limiter, &limit(3), "a"));
    clock.set(1_001); // two have left; three are in the window
    assert!(!admits(&limiter, &limit(3), "a"));
    clock.set(1_002);
    assert!(admits(&limiter, &limit(3), "a"));
}

/// The definition itself: a list of all admissions, counted anew each time.
fn reference(admitted: &mut Vec<u64>, now: u64, calls: usize, window: u64) -> bool {
    let live = admitted.iter().filter(|time| **time + window > now).count();
    if live < calls {
        admitted.push(now);
    }
    live < calls
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn agrees_with_the_definition(
        calls in 1u32..12,
        window in 1u64..200,
        gaps in proptest::collection::vec((0u64..40, 0usize..3), 1..400),
    ) {
        let clock = Hand::default();
        let limiter = Limiter::new(clock.clone());
        let limit = Limit::new("l", calls, Duration::from_millis(window), &[Part::Principal]);
        let mut admitted = [Vec::new(), Vec::new(), Vec::new()];
        let mut now = 0;
        for (gap, who) in gaps {
            now += gap;
            clock.set(now);
            let expected = reference(&mut admitted[who], now, calls as usize, window);
            prop_assert_eq!(admits(&limiter, &limit, ["a", "b", "c"][who]), expected, "at {}", now);
        }
    }

    /// More keys than there is room for: nobody gets more than the limit, and who has a ring gets all of it.
    #[test]
    fn a_crowd_of_keys_stays_within_memory_and_limit(
        calls in 1u32..4,
        window in 1u64..60,
        max_keys in 1usize..5,
        steps in proptest::collection::vec((0u64..20, 0usize..9), 1..500),
    ) {
        let clock = Hand::default();
        let limiter = Limiter::with_max_keys(clock.clone(), max_keys);
        let limit = Limit::new("l", calls, Duration::from_millis(window), &[Part::Principal]);
        let mut admitted = vec![Vec::<u64>::new(); 9];
        let mut now = 0;
        for (gap, who) in steps {
            now += gap;
            clock.set(now);
            let live = |times: &Vec<u64>| times.iter().filter(|time| **time + window > now).count();
            let others = admitted.iter().enumerate().filter(|(other, times)| *other != who && live(times) > 0).count();
            let mine = live(&admitted[who]);
            let is_admitted = admits(&limiter, &limit, &who.to_string());
            prop_assert!(!(is_admitted && mine >= calls as usize), "{who} at {now}");
            if others == 0 && mine < calls as usize {
                prop_assert!(is_admitted, "{} alone at {}", who, now);
            }
            prop_assert!(limiter.keys() <= max_keys);
            if is_admitted {
                admitted[who].push(now);
            }
        }
    }

    #[test]
    fn retry_after_is_exact(calls in 1u32..6, window in 1u64..100, gaps in proptest::collection::vec(0u64..30, 1..60)) {
        let clock = Hand::default();
        let limiter = Limiter::new(clock.clone());
        let limit = Limit::new("l", calls, Duration::from_millis(window), &[]);
        let mut now = 0;
        for gap in gaps {
            now += gap;
            clock.set(now);
            let Decision::Deny(refusal) = limiter.check(&[&limit], key("a")) else { continue };
            let wait = u64::try_from(refusal.retry_after.unwrap().as_millis()).unwrap();
            clock.set(now + wait - 1);
            prop_assert!(!admits(&limiter, &limit, "a"));
            now += wait;
            clock.set(now);
            prop_assert!(admits(&limiter, &limit, "a"));
        }
    }
}

/// A million events of three kinds of traffic, against a reference that keeps the whole history.
#[test]
fn a_million_events_agree_with_brute_force() {
    let clock = Hand::default();
    let limiter = Limiter::new(clock.clone());
    let limit = Limit::per_tool();
    let window = 60_000;
    let mut admitted: std::collections::VecDeque<u64> = std::collections::VecDeque::new();
    let (mut now, mut state) = (0u64, 0x9e37_79b9_7f4a_7c15u64);
    for event in 0..1_000_000u64 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        now += match event / 100_000 % 3 {
            0 => state % 12_000,                                    // slower and faster than the limit
            1 => u64::from(state.is_multiple_of(97)) * 59_990,      // bursts around the edge of the window
            _ => [0, 1, 5_999, 6_000, 6_001][(state % 5) as usize], // exactly at the mean rate
        };
        clock.set(now);
        while admitted.front().is_some_and(|time| time + window <= now) {
            admitted.pop_front();
        }
        let expected = admitted.len() < 10;
        assert_eq!(admits(&limiter, &limit, "a"), expected, "event {event} at {now} ms");
        if expected {
            admitted.push_back(now);
        }
    }
}

#[test]
fn threads_together_stay_within_the_limit() {
    let limiter = Limiter::new(Hand::default());
    let limit = Limit::new("l", 1000, Duration::from_secs(60), &[]);
    let admitted: usize = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..1000).filter(|_| admits(&limiter, &limit, "a")).count())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(admitted, 1000);
}
