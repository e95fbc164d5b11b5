//! The shared limiter against a real `redis-server`, which must be in `PATH`.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use manta_harden::limit::{Decision, Key, Limit, Limiter, OnError, Part, SharedLimiter, StoreAddress};

/// A server of our own on a free port, without persistence: a restart loses everything.
struct Redis {
    port: u16,
    process: Child,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port)
    }

    fn start_at(port: u16) -> Self {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { port, process }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn limiter(&self, on_error: OnError) -> SharedLimiter {
        let mut address = StoreAddress::parse(&format!("redis://127.0.0.1:{}/1", self.port)).unwrap();
        address.timeout = Duration::from_millis(500);
        SharedLimiter::new(address, on_error, Limiter::default())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn admits(limiter: &SharedLimiter, limit: &Limit) -> bool {
    let key = Key { server: "", tool: "t", principal: "p" };
    matches!(limiter.check(&[limit], key), Decision::Admit(_))
}

/// Never more than N admissions in any window: each is compared with the N-th before it.
fn worst_window(mut admissions: Vec<Instant>, calls: usize) -> Duration {
    admissions.sort();
    admissions.windows(calls + 1).map(|window| window[calls] - window[0]).min().unwrap_or(Duration::MAX)
}

#[test]
#[ignore = "needs redis-server"]
fn several_replicas_share_one_limit_exactly() {
    let redis = Redis::start();
    let window = Duration::from_millis(400);
    let limit = Limit::new("shared", 10, window, &[Part::Tool, Part::Principal]);
    let admissions = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let limiter = redis.limiter(OnError::Deny); // a connection and a memory of its own, as a process has
                let until = Instant::now() + Duration::from_secs(3);
                while Instant::now() < until {
                    // The admission happened between these two moments; the earlier one makes the check stricter
                    // for the end of a window and the later one for its beginning. Both are within a millisecond.
                    if admits(&limiter, &limit) {
                        admissions.lock().unwrap().push(Instant::now());
                    }
                }
            });
        }
    });
    let admissions = admissions.into_inner().unwrap();
    let count = admissions.len();
    let worst = worst_window(admissions, 10);
    assert!(worst > window.saturating_sub(Duration::from_millis(60)), "11 admissions within {worst:?}");
    assert!(count >= 60, "legal calls were refused: {count} admissions in 3 s, 70 or more are legal");
    println!("ready: Redis: {count} admissions by 4 replicas in 3 s, shortest time for 11: {worst:?}");
}

#[test]
#[ignore = "needs redis-server"]
fn a_store_that_loses_its_history_is_not_an_unused_limit() {
    let mut redis = Redis::start();
    let window = Duration::from_secs(2);
    let limit = Limit::new("l", 3, window, &[]);
    let limiter = redis.limiter(OnError::Deny);
    assert_eq!((0..5).filter(|_| admits(&limiter, &limit)).count(), 3);
    redis.kill();
    assert!(!admits(&limiter, &limit), "nobody answers");
    let port = redis.port;
    drop(redis);
    let restarted = Instant::now();
    let _redis = Redis::start_at(port);
    std::thread::sleep(Duration::from_millis(600)); // the limiter does not ask again at once
    assert!(!admits(&limiter, &limit), "the new server knows nothing of the three calls");
    while !admits(&limiter, &limit) {
        assert!(restarted.elapsed() < Duration::from_secs(6), "never reliable again");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(restarted.elapsed() >= window, "reliable only after a whole window");
}

#[test]
#[ignore = "needs redis-server"]
fn with_on_error_local_this_process_goes_on_with_what_it_knows() {
    let mut redis = Redis::start();
    let limit = Limit::new("l", 3, Duration::from_secs(60), &[]);
    let limiter = redis.limiter(OnError::Local);
    assert_eq!((0..2).filter(|_| admits(&limiter, &limit)).count(), 2);
    redis.kill();
    assert_eq!((0..5).filter(|_| admits(&limiter, &limit)).count(), 1, "the two calls before count here too");
}

#[test]
#[ignore = "needs redis-server"]
fn several_limits_are_decided_and_counted_together() {
    let redis = Redis::start();
    let limiter = redis.limiter(OnError::Deny);
    let mine = Limit::new("mine", 1, Duration::from_secs(60), &[Part::Principal]);
    let all = Limit::new("all", 3, Duration::from_secs(60), &[]);
    let check = |principal: &str| limiter.check(&[&all, &mine], Key { server: "", tool: "t", principal });
    assert!(matches!(check("a"), Decision::Admit(_)));
    for _ in 0..5 {
        let Decision::Deny(refusal) = check("a") else { panic!("admitted") };
        assert_eq!(refusal.limit, "mine");
        assert!(refusal.retry_after.unwrap() > Duration::from_secs(59), "{refusal}");
    }
    assert!(matches!(check("b"), Decision::Admit(_)) && matches!(check("c"), Decision::Admit(_)));
    let Decision::Deny(refusal) = check("d") else { panic!("admitted") };
    assert_eq!(refusal.limit, "all");
}

/// Two replicas ask all the time while the server is killed and started again, empty.
fn while_redis_dies(on_error: OnError) -> (Vec<Instant>, Duration) {
    let mut redis = Redis::start();
    let window = Duration::from_millis(1000);
    let limit = Limit::new("shared", 10, window, &[Part::Tool]);
    let admissions = Mutex::new(Vec::new());
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let limiters = [redis.limiter(on_error), redis.limiter(on_error)];
        for limiter in limiters {
            let (admissions, limit, is_over) = (&admissions, &limit, &is_over);
            scope.spawn(move || {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    if admits(&limiter, limit) {
                        admissions.lock().unwrap().push(Instant::now());
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(1500));
            redis.kill();
            std::thread::sleep(Duration::from_millis(700));
            redis = Redis::start_at(redis.port);
        }
        std::thread::sleep(Duration::from_millis(4000));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    (admissions.into_inner().unwrap(), window)
}

#[test]
#[ignore = "needs redis-server"]
fn a_store_that_dies_and_comes_back_empty_never_opens_a_window() {
    let (admissions, window) = while_redis_dies(OnError::Deny);
    let (count, worst) = (admissions.len(), worst_window(admissions, 10));
    assert!(worst > window.saturating_sub(Duration::from_millis(80)), "11 admissions within {worst:?}");
    assert!(count >= 20, "it never recovered: {count} admissions");
    println!(
        "ready: Redis killed twice under load, on_error deny: {count} admissions, shortest time for 11: {worst:?}"
    );
}

#[test]
#[ignore = "needs redis-server"]
fn a_store_that_dies_leaves_each_process_with_its_own_limit() {
    let (admissions, window) = while_redis_dies(OnError::Local);
    // Two processes that count apart admit up to twice the limit, and no more.
    let (count, worst) = (admissions.len(), worst_window(admissions, 20));
    assert!(worst > window.saturating_sub(Duration::from_millis(80)), "21 admissions within {worst:?}");
    assert!(count >= 40, "calls were refused while there was a local limit: {count} admissions");
    println!(
        "ready: Redis killed twice under load, on_error local: {count} admissions, shortest time for 21: {worst:?}"
    );
}
