//! `kill -9` at random moments: no acknowledged record is lost, and every log verifies.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use manta_harden::audit::{AuditLog, CallInfo, Options, Outcome, VerifyOptions, read, verify};
use manta_harden::redact::Redactor;

const LOG: &str = "MANTA_TEST_LOG";

/// The writer that gets killed: two threads make calls and say on standard output which ones are recorded.
#[test]
#[ignore = "started by the test below"]
fn child() {
    let Ok(path) = std::env::var(LOG) else { return };
    let options = Options { rotate: 20_000, checkpoint_every: 7, ..Options::new(Redactor::new([0; 32])) };
    let log = Arc::new(AuditLog::open(path, options).expect("the log opens after every crash"));
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let log = &log;
            scope.spawn(move || {
                for number in 0.. {
                    let tool = format!("{}-{thread}-{number}", std::process::id());
                    let call = log.begin(CallInfo { tool: (&tool).into(), ..CallInfo::default() }).expect("recorded");
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack intent {tool}").and_then(|()| out.flush()).expect("the parent reads");
                    drop(out);
                    call.finish(Outcome::success(0)).expect("recorded");
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack outcome {tool}").and_then(|()| out.flush()).expect("the parent reads");
                }
            });
        }
    });
}

#[test]
#[ignore = "takes a minute"]
fn a_thousand_kills_lose_no_acknowledged_record() {
    let rounds: u64 = std::env::var("MANTA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let mut acknowledged: Vec<String> = Vec::new();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "crash::child", "--nocapture"])
            .env(LOG, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            // The last line may be torn like the log's; what is whole was acknowledged.
            let mut reader = BufReader::new(output);
            let mut lines = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 0 {
                if let Some(ack) = line.strip_suffix('\n').and_then(|line| line.split("ack ").nth(1)) {
                    lines.push(ack.to_owned());
                }
                line.clear();
            }
            lines
        });
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        std::thread::sleep(Duration::from_micros(2_000 + state % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
    }

    let report = verify(&path, &VerifyOptions::default()).unwrap();
    assert!(report.is_intact(), "{:#?}", report.problems);
    let mut recorded = std::collections::HashSet::new();
    for entry in read(&path).unwrap() {
        let entry = entry.unwrap();
        if let (Some(kind), Some(tool)) = (entry.text("kind"), entry.text("tool")) {
            recorded.insert(format!("{kind} {tool}"));
        }
    }
    let lost: Vec<&String> = acknowledged.iter().filter(|ack| !recorded.contains(*ack)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged records lost: {lost:?}", lost.len(), acknowledged.len());
    assert!(acknowledged.len() as u64 > rounds, "the writers wrote something: {}", acknowledged.len());
    println!(
        "ready: {rounds} kills: {} acknowledged records, 0 lost; {} torn lines named; {} calls with unknown result",
        acknowledged.len(),
        report.recovered,
        report.unfinished.len()
    );
}
