//! What deciding, counting and recording a call costs: `cargo bench -p manta-harden --bench enforce`.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use manta_harden::audit::{AuditLog, CallInfo, Options, Outcome};
use manta_harden::limit::{Key, Limit, Limiter, Part};
use manta_harden::policy::Policy;
use manta_harden::redact::Redactor;
use serde_json::{Map, Value, json};

fn main() {
    divan::main();
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
