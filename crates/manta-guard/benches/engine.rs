//! What the guard does for a call besides moving it: reading both frames, deciding, counting, recording. No pipes and
//! no processes, so that the figure is the guard's own, and a profiler sees nothing else.
//!
//! `cargo bench -p manta-guard --bench engine [-- BYTES CALLS | long CALLS | bare BYTES CALLS]`; `long` shows what stays in
//! memory after many calls of many principals, `bare` makes calls without a clock, for a profiler. Figures of one run may be
//! compared with each other, not with another run's.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures has nobody to report errors to")]
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::sync::Arc;

use manta_guard::decide::Decider;
use manta_guard::enforce::Enforcer;
use manta_guard::engine::{Engine, Settings, Sink};
use manta_guard::permissive::Permissive;
use manta_guard::pin::Integrity;
use manta_harden::audit::AuditLog;
use manta_harden::enforce::{Counter, log_options};
use manta_harden::policy::Policy;
use manta_mcp::Id;

const POLICY: &str = r#"
version = 1
[limits.default]
calls = 65536
per = "100ms"
[audit]
rotate = "64MiB"
[tools.echo.args]
text = { kind = "string", max_len = 1000000 }
"#;

/// Counts what comes out.
#[derive(Default)]
struct Nowhere {
    to_server: usize,
    to_client: usize,
}

impl Sink for Nowhere {
    fn to_server(&mut self, frame: &str) {
        self.to_server += usize::from(frame.contains("tools/call"));
    }

    fn to_client(&mut self, frame: &str, _: Option<&Id>) {
        self.to_client += usize::from(frame.contains("hello"));
    }
}

/// A log, and what decides with it.
struct Stage {
    directory: tempfile::TempDir,
    policy: Arc<Policy>,
    counter: Counter,
    log: Arc<AuditLog>,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("manta.toml");
        std::fs::write(&file, POLICY).unwrap();
        let policy = Policy::load(file).unwrap();
        let path = directory.path().join("audit.jsonl");
        let mut options = log_options(&policy, &path).unwrap();
        options.notes_later = true;
        let log = Arc::new(AuditLog::open(&path, options).unwrap());
        let counter = Counter::new(&policy).unwrap();
        Self { directory, policy: Arc::new(policy), counter, log }
    }

    fn decider(&self) -> Box<dyn Decider> {
        let (policy, log) = (Arc::clone(&self.policy), Arc::clone(&self.log));
        Box::new(Enforcer::new(policy, self.counter.clone(), Some(log), "server", "stdio uid=1000"))
    }
}

fn engine(decider: Box<dyn Decider>, principal: &str) -> Engine {
    let mut engine = Engine::new(Settings::default(), decider, Integrity::off(), principal);
    let hello = r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":"open","result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
    engine.from_client(hello.as_bytes(), &mut Nowhere::default());
    engine.from_server(answer.as_bytes(), &mut Nowhere::default());
    engine
}

/// Text as tools hand it on: prose and a piece of a program, so many bytes of it.
fn text(bytes: usize) -> String {
    let piece = "hello: the server reads `config/settings.json` and lists 42 users (see https://example.com/docs/a1b2); \
                 for (const user of users) { if (user.isActive) total += user.count; } \
                 const token = await session.tokenFor(user.id, { expiresIn: 3600 }); ";
    piece.chars().cycle().take(bytes).collect::<String>().replace('"', "'")
}

/// A call and its answer.
fn call(engine: &mut Engine, id: usize, text: &str, sink: &mut Nowhere) {
    let request = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",\"arguments\":{{\"text\":\"{text}\"}}}}}}"
    );
    engine.from_client(request.as_bytes(), sink);
    engine.settled();
    let answer = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}}}}"
    );
    engine.from_server(answer.as_bytes(), sink);
    engine.settled();
}

fn measure(name: &str, mut engine: Engine, bytes: usize, calls: usize) {
    let mut sink = Nowhere::default();
    let text = text(bytes);
    (0..1000).for_each(|id| call(&mut engine, id, &text, &mut sink));
    let mut best = f64::INFINITY;
    for sample in 0..10 {
        let before = processor_time();
        (0..calls / 10).for_each(|id| call(&mut engine, sample * calls + id, &text, &mut sink));
        best = best.min((processor_time() - before) / (calls / 10) as f64);
    }
    assert_eq!(sink.to_server, sink.to_client, "every call was answered");
    println!("  {name:<30} {:>7.2} µs", best * 1e6);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => [(100, 100_000), (4 << 10, 20_000), (64 << 10, 2_000)]
            .into_iter()
            .for_each(|(bytes, calls)| compare(bytes, calls)),
        ["long", calls] => long(calls.parse().unwrap()),
        ["bare", bytes, calls] => bare(bytes.parse().unwrap(), calls.parse().unwrap()),
        [bytes, calls] => compare(bytes.parse().unwrap(), calls.parse().unwrap()),
        other => panic!("{other:?}"),
    }
}

fn compare(bytes: usize, calls: usize) {
    println!("{calls} calls of {bytes} B through the engine: processor time of a call, the best of ten samples");
    measure("frames alone", engine(Box::new(Permissive::default()), "local"), bytes, calls);
    let stage = Stage::new();
    measure("policy, limit, record", engine(stage.decider(), "local"), bytes, calls);
}

/// Calls with policy, limit and record, and nothing else.
fn bare(bytes: usize, calls: usize) {
    let (stage, text) = (Stage::new(), text(bytes));
    let (mut engine, mut sink) = (engine(stage.decider(), "local"), Nowhere::default());
    (0..calls).for_each(|id| call(&mut engine, id, &text, &mut sink));
    assert_eq!(sink.to_server, sink.to_client, "every call was answered");
}

/// Calls of ever new principals, each with its connection, through one limiter and one log.
fn long(calls: usize) {
    const OF_ONE: usize = 100;
    println!("{calls} calls, {OF_ONE} of each principal, through one limiter and one log: resident after each tenth");
    let (stage, text) = (Stage::new(), text(100));
    let mut sink = Nowhere::default();
    let begun = std::time::Instant::now();
    for principal in 0..calls / OF_ONE {
        let mut engine = engine(stage.decider(), &format!("principal-{principal}"));
        (0..OF_ONE).for_each(|id| call(&mut engine, id, &text, &mut sink));
        if (principal + 1) % (calls / OF_ONE / 10).max(1) == 0 {
            print!(" {:.1}", resident() as f64 / 1024.0);
            std::io::stdout().flush().unwrap();
            // What was rotated away is nobody's memory; the disk of whoever measures is not for it.
            for entry in std::fs::read_dir(stage.directory.path()).unwrap().flatten() {
                if entry.file_name().to_string_lossy().starts_with("audit.jsonl.0") {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
        }
    }
    assert_eq!((sink.to_server, sink.to_client), (calls / OF_ONE * OF_ONE, calls / OF_ONE * OF_ONE));
    println!(" MiB; {:.0} calls/s", calls as f64 / begun.elapsed().as_secs_f64());
}

/// Seconds that this thread has run.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Kibibytes that this process holds in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
