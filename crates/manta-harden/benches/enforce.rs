//! What deciding, counting and recording a call costs: `cargo bench -p manta-harden --bench enforce`.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use manta_harden::audit::{AuditLog, CallInfo, Options, Outcome};
use manta_harden::enforce::{Enforcer, Request, Subject};
use manta_harden::limit::{Key, Limit, Limiter, Part};
use manta_harden::policy::{Grant, Handle, Policy};
use manta_harden::redact::Redactor;
use serde_json::{Map, Value, json};

fn main() {
    // Enough calls per sample that neither the clock nor a cold cache is what is measured.
    divan::Divan::from_args().sample_size(1_000).main();
}

const KEY: Key<'_> = Key { server: "", tool: "read_file", principal: "local" };

#[divan::bench]
fn clock_alone() -> std::time::Instant {
    std::time::Instant::now()
}

#[divan::bench]
fn limiter_check(bencher: Bencher) {
    let limiter = Limiter::default();
    // A window so short that every call is admitted, which is the path that matters.
    let limit = Limit::new("bench", 10, std::time::Duration::from_nanos(1), &[Part::Tool, Part::Principal]);
    bencher.bench(|| limiter.check(black_box(&[&limit]), black_box(KEY)));
}

/// A key that is known already, as that of most calls; the other one is new every time.
#[divan::bench]
fn limiter_check_of_a_known_key(bencher: Bencher) {
    let limiter = Limiter::default();
    let limit = Limit::new("bench", 1 << 16, std::time::Duration::from_millis(1), &[Part::Tool, Part::Principal]);
    bencher.bench(|| limiter.check(black_box(&[&limit]), black_box(KEY)));
}

#[divan::bench]
fn policy_four_scalars(bencher: Bencher) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("manta.toml");
    let rules = "a = { kind = 'int', max = 9 }\nb = { kind = 'string', charset = 'any' }\nc = { kind = 'bool' }\nd = { kind = 'enum', values = ['x', 'y'] }\n";
    std::fs::write(&file, format!("version = 1\n[tools.t.args]\n{rules}")).unwrap();
    let policy = Policy::load(file).unwrap();
    let args = json!({ "a": 1, "b": "text", "c": true, "d": "y" }).as_object().unwrap().clone();
    bencher.bench(|| policy.decide(black_box("t"), black_box(&args)).is_allowed());
}

/// A policy with one root, and a file below it.
fn project() -> (tempfile::TempDir, Policy) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("p/a/b/c")).unwrap();
    std::fs::write(directory.path().join("p/a/b/c/f"), "x").unwrap();
    let file = directory.path().join("manta.toml");
    let limit = "[limits.default]\ncalls = 10\nper = '1ms'\n";
    let tool = "[tools.read_file.args]\npath = { kind = 'path', roots = ['p'] }\n";
    std::fs::write(&file, format!("version = 1\n[roots.p]\nat = 'p'\n{limit}{tool}")).unwrap();
    let policy = Policy::load(file).unwrap();
    (directory, policy)
}

fn open(grant: &Grant) -> std::fs::File {
    let Some(Handle::Path { root, relative }) = grant.handle("path") else { panic!("a path was granted") };
    root.open_file(relative).unwrap()
}

#[divan::bench]
fn path_call_bare_open(bencher: Bencher) {
    let (directory, _policy) = project();
    let path = directory.path().join("p/a/b/c/f");
    bencher.bench(|| std::fs::File::open(black_box(&path)).unwrap());
}

/// What the policy and the root add to opening a file.
#[divan::bench]
fn path_call_decided_and_opened(bencher: Bencher) {
    let (_directory, policy) = project();
    let args = json!({ "path": "a/b/c/f" }).as_object().unwrap().clone();
    bencher.bench(|| open(&policy.decide(black_box("read_file"), black_box(&args)).into_result().unwrap()));
}

/// The same with everything: limit, intent, outcome.
#[divan::bench]
fn path_call_with_limit_and_two_records(bencher: Bencher) {
    let (directory, policy) = project();
    let enforcer = Enforcer::new(policy, &directory.path().join("audit.jsonl")).unwrap();
    let args = json!({ "path": "a/b/c/f" }).as_object().unwrap().clone();
    let request = Request {
        subject: Subject::Tool,
        name: "read_file",
        args: &args,
        principal: "local",
        peer: "stdio",
        server: "",
        protocol: "2026-07-28",
        request_id: "1",
        trace: None,
        sensitive: None,
        is_retry: true, // recorded like any other call, and not counted, so that every call runs
        is_approved: false,
    };
    bencher.bench(|| {
        let running = enforcer.begin(black_box(&request)).unwrap();
        let file = open(running.grant());
        running.finish(Outcome::success(1)).unwrap();
        file
    });
}

fn params() -> Value {
    json!({ "path": "src/lib.rs", "query": "how does the limiter bound its memory", "limit": 10 })
}

#[divan::bench]
fn redact_small_params(bencher: Bencher) {
    let redactor = Redactor::new([0; 32]);
    let params = params();
    bencher.bench(|| redactor.redact(black_box(&params)));
}

/// Two records: the intent and the outcome of one call.
#[divan::bench]
fn audit_one_call_flush(bencher: Bencher) {
    let directory = tempfile::tempdir().unwrap();
    let redactor = Redactor::new([0; 32]);
    let params = redactor.redact(&params());
    let log = Arc::new(AuditLog::open(directory.path().join("a.jsonl"), Options::new(redactor)).unwrap());
    let info = CallInfo {
        tool: "read_file".into(),
        principal: "local".into(),
        method: "tools/call".into(),
        params: Some(params),
        ..CallInfo::default()
    };
    bencher.bench(|| log.begin(info.clone()).unwrap().finish(Outcome::success(100)).unwrap());
}

#[divan::bench]
fn bare_write_of_two_lines(bencher: Bencher) {
    use std::io::Write as _;
    let directory = tempfile::tempdir().unwrap();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(directory.path().join("a")).unwrap();
    let line = [b'x'; 400];
    bencher.bench_local(|| {
        file.write_all(&line).unwrap();
        file.write_all(&line).unwrap();
    });
}

#[divan::bench]
fn bare_clone_of_args(bencher: Bencher) {
    let args: Map<String, Value> = params().as_object().unwrap().clone();
    bencher.bench(|| black_box(&args).clone());
}
