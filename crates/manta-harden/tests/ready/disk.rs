//! A disk that is really full: calls are refused, and nothing that was acknowledged is lost.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use manta_harden::audit::{AuditLog, CallInfo, Options, Outcome, VerifyOptions, read, verify};
use manta_harden::redact::Redactor;

/// `MANTA_SMALL_DISK` is a directory on a file system of about a megabyte.
#[test]
#[ignore = "needs a small file system"]
fn a_full_disk_refuses_calls_and_loses_no_record() {
    let disk = std::env::var_os("MANTA_SMALL_DISK").expect("a directory on a small file system");
    let disk = Path::new(&disk);
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 200_000]).unwrap();
    let path = disk.join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Options::new(Redactor::new([0; 32]))).unwrap());
    let mut acknowledged = HashSet::new();
    let mut refused = 0;
    for number in 0..1_000_000 {
        let tool = format!("before-{number}");
        match log.begin(CallInfo { tool: (&tool).into(), ..CallInfo::default() }) {
            Ok(call) => {
                acknowledged.insert(format!("intent {tool}"));
                if call.finish(Outcome::success(0)).is_ok() {
                    acknowledged.insert(format!("outcome {tool}"));
                }
            }
            Err(_) => refused += 1,
        }
        if refused == 100 {
            break;
        }
    }
    assert_eq!(refused, 100, "the disk never filled up: {} records", acknowledged.len());
    fs::remove_file(&filler).unwrap();
    for number in 0..100 {
        let tool = format!("after-{number}");
        log.begin(CallInfo { tool: (&tool).into(), ..CallInfo::default() })
            .unwrap()
            .finish(Outcome::success(0))
            .unwrap();
        acknowledged.extend([format!("intent {tool}"), format!("outcome {tool}")]);
    }
    log.close().unwrap();
    let report = verify(&path, &VerifyOptions::default()).unwrap();
    assert!(report.is_intact(), "{:#?}", report.problems);
    for entry in read(&path).unwrap() {
        let entry = entry.unwrap();
        if let (Some(kind), Some(tool)) = (entry.text("kind"), entry.text("tool")) {
            acknowledged.remove(&format!("{kind} {tool}"));
        }
    }
    assert!(acknowledged.is_empty(), "lost: {acknowledged:?}");
    println!(
        "ready: full disk: 100 of 100 calls refused, none of {} records lost, {} torn lines named, log intact",
        report.records, report.recovered
    );
}
