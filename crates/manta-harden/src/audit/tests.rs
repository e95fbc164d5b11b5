use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::chain::Tip;
use super::record::{Body, CallFields, write_line};
use super::*;
use crate::redact::Redactor;

fn options() -> Options {
    Options::new(Redactor::new([1; 32]))
}

fn open(path: &Path) -> Arc<AuditLog> {
    Arc::new(AuditLog::open(path, options()).unwrap())
}

fn info(tool: &str) -> CallInfo<'_> {
    let params = Some(Redactor::new([1; 32]).redact(&json!({ "path": "a", "password": "hunter2" })));
    CallInfo {
        tool: tool.into(),
        principal: "local".into(),
        method: "tools/call".into(),
        params,
        ..CallInfo::default()
    }
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check(path: &Path) -> Report {
    verify(path, &VerifyOptions::default()).unwrap()
}

fn kinds(report: &Report) -> Vec<ProblemKind> {
    report.problems.iter().map(|problem| problem.kind).collect()
}

/// A log of four calls in a directory of its own.
fn sample() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = open(&path);
    for tool in ["a", "b", "c", "d"] {
        log.begin(info(tool)).unwrap().finish(Outcome::success(5)).unwrap();
    }
    drop(log);
    (directory, path)
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let mut lines: Vec<String> = fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_log_that_is_taken_away_or_cut_off_is_noticed_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let moved = directory.path().join("moved");
    let log = open(&path);
    let call = |tool: &str| log.begin(info(tool)).unwrap().finish(Outcome::success(1)).unwrap();
    call("before");
    fs::rename(&path, &moved).unwrap();
    std::thread::sleep(Duration::from_millis(1050));
    call("after-the-move");
    let records = lines(&path);
    assert_eq!(records[0]["kind"], "recovered", "{records:?}");
    assert!(records[0]["detail"]["reason"].as_str().unwrap().contains("moved"), "{records:?}");
    assert_eq!(records[1]["tool"], "after-the-move");
    assert_eq!(lines(&moved).last().unwrap()["tool"], "before", "nothing more goes there");

    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    std::thread::sleep(Duration::from_millis(1050));
    call("after-the-cut");
    let records = lines(&path);
    assert!(records[0]["detail"]["reason"].as_str().unwrap().contains("cut off"), "{records:?}");
    drop(log);
    assert!(!check(&path).problems.is_empty(), "what is gone is missed");
}

#[cfg(unix)]
fn pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Whoever waits for the other end of a pipe waits for ever.
#[cfg(unix)]
#[test]
fn a_pipe_beside_the_log_keeps_nobody_waiting() {
    for beside in ["00000000000000000001", "checkpoints", "head", "lock"] {
        let (directory, path) = sample();
        let file = directory.path().join(format!("audit.jsonl.{beside}"));
        let _ = fs::remove_file(&file);
        pipe(&file);
        let refused = AuditLog::open(&path, options()).map(drop).unwrap_err().to_string();
        assert!(refused.contains(beside), "{refused}");
        match (beside, verify(&path, &VerifyOptions::default())) {
            ("lock", Ok(report)) => assert!(report.is_intact()),
            // As if there were none.
            ("head", Ok(report)) => assert!(!report.is_anchored),
            (_, Err(error)) => assert!(error.to_string().contains(beside), "{error}"),
            (_, Ok(report)) => panic!("{beside}: {report:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_or_a_pipe_in_place_of_the_log_stops_calls() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    pipe(&path);
    assert!(matches!(AuditLog::open(&path, options()), Err(AuditError::NotALog { .. })));
    fs::remove_file(&path).unwrap();
    let log = open(&path);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(directory.path().join("elsewhere"), &path).unwrap();
    std::thread::sleep(Duration::from_millis(1050));
    assert!(log.begin(info("x")).is_err());
    assert!(!directory.path().join("elsewhere").exists());
}

#[test]
fn what_nobody_can_see_is_written_as_escapes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = open(&path);
    let name = "a\u{2028}b\u{85}c\u{202e}d\u{7f}\u{e0041} é";
    log.begin(info(name)).unwrap().finish(Outcome::success(1)).unwrap();
    log.event("policy", &json!({ "x": name })).unwrap();
    drop(log);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.chars().any(|c| c != '\n' && manta_core::untrusted::is_invisible(c)), "{text:?}");
    assert_eq!(lines(&path)[1]["tool"], name, "the value is the same");
    assert!(check(&path).is_intact());
}

#[test]
fn one_call_leaves_two_records_that_stand_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = open(&path);
    let call = log.begin(info("read_file")).unwrap();
    let failure = Outcome::failure(ErrorClass::Server, "io", "token=ghp_0123456789abcdefghijABCDEFGHIJ012345");
    call.finish(failure).unwrap();
    let records = lines(&path);
    assert_eq!(
        records.iter().map(|r| r["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["started", "intent", "outcome"]
    );
    let outcome = &records[2];
    assert_eq!(
        (&outcome["tool"], &outcome["success"], &outcome["seq"]),
        (&json!("read_file"), &json!(false), &json!(3))
    );
    assert_eq!(outcome["params"], json!({ "path": "a", "password": "[redacted:key]" }));
    assert_eq!(outcome["error"]["class"], "server");
    assert!(outcome["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(outcome["call"], records[1]["call"]);
    assert!(!fs::read_to_string(&path).unwrap().contains("ghp_"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// Lines are written piece by piece; this is the whole line, written by serde.
fn whole(line: &Value, kind: &str, info: &CallInfo<'_>, call: &str, ended: Option<(&Outcome, u64)>) -> String {
    let mut whole = json!({
        "v": 1, "seq": 8, "kind": kind, "timestamp": line["timestamp"], "call": call,
        "server": info.server, "principal": info.principal, "peer": info.peer,
    });
    let members = whole.as_object_mut().unwrap();
    for (name, text) in [("protocol", &info.protocol), ("request_id", &info.request_id)] {
        if !text.is_empty() {
            members.insert(name.to_owned(), json!(text));
        }
    }
    members.insert("method".into(), json!(info.method));
    members.insert("tool".into(), json!(info.tool));
    members.insert("params".into(), json!(info.params.as_ref().map(|params| &params.value)));
    members.insert("decision".into(), json!("would-deny"));
    members.insert("rule".into(), json!(info.decision.rule));
    members.insert("policy".into(), json!(info.decision.policy));
    if let Some(limit) = &info.decision.limit {
        members.insert("limit".into(), json!(limit));
    }
    if let Some(trace) = &info.trace {
        members.insert("trace".into(), json!(trace));
    }
    members.insert("bytes_in".into(), json!(info.bytes_in));
    let redactions = info.params.as_ref().map_or(0, |params| params.count);
    members.insert("redactions".into(), json!(redactions + ended.map_or(0, |(outcome, _)| outcome.redactions)));
    if let Some((outcome, duration)) = ended {
        let error = outcome.error.as_ref();
        let error = error.map(|(class, code, message)| json!({ "class": class, "code": code, "message": message }));
        members.insert("success".into(), json!(error.is_none()));
        members.insert("error".into(), json!(error));
        members.insert("duration_us".into(), json!(duration));
        members.insert("bytes_out".into(), json!(outcome.bytes_out));
    }
    members.insert("prev".into(), json!("ab".repeat(32)));
    whole.to_string()
}

/// As serde wrote it, but with escapes for what nobody can see.
fn escaped(text: &str) -> String {
    let escape = |unit: u16| format!("\\u{unit:04x}");
    let one = |c: char| match manta_core::untrusted::is_invisible(c) {
        true => c.encode_utf16(&mut [0; 2]).iter().copied().map(escape).collect(),
        false => c.to_string(),
    };
    text.chars().map(one).collect()
}

proptest! {
    #[test]
    fn a_line_is_what_serde_would_write(
        texts in proptest::collection::vec("\\PC{0,12}|[\"\\\\\u{0}-\u{1f}\u{2028}]{0,4}", 10),
        bits in any::<u8>(),
        numbers in any::<[u32; 4]>(),
    ) {
        let text = |at: usize| texts[at].as_str().into();
        let has = |bit: u8| bits >> bit & 1 == 1;
        let params = json!({ &texts[0]: [&texts[1], numbers[0], null, 1.5], "password": "x" });
        let info = CallInfo {
            server: text(0), principal: text(1), peer: text(2), protocol: text(3), request_id: text(4),
            method: text(5), tool: text(6),
            params: has(0).then(|| Redactor::new([1; 32]).redact(&params)),
            bytes_in: numbers[1].into(),
            trace: has(1).then(|| text(7)),
            span: None,
            decision: DecisionInfo {
                verdict: Verdict::WouldDeny,
                rule: has(2).then(|| text(8)),
                policy: text(9),
                limit: has(3).then(|| text(1)),
                class: None,
            },
        };
        let outcome = match has(4) {
            true => Outcome::success(numbers[2].into()),
            false => Outcome { redactions: 3, ..Outcome::failure(ErrorClass::Server, &*texts[2], &*texts[3]) },
        };
        let ended = has(5).then_some((&outcome, u64::from(numbers[3])));
        let fields = CallFields::new("0123456789abcdef", &info);
        let after = Tip { seq: 7, hash: crate::digest::Hex::of(&[0xab; 32]) };
        let mut line = Vec::new();
        write_line(&mut line, &after, "outcome", Body::Call { fields: &fields, ended });
        let line = String::from_utf8(line).unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(line, escaped(&whole(&value, "outcome", &info, "0123456789abcdef", ended)));
    }
}

#[test]
fn a_call_that_never_ended_can_not_be_cut_off() {
    let (_directory, path) = sample();
    let log = open(&path);
    let running = log.begin(info("x")).unwrap();
    let last = lines(&path).pop().unwrap()["seq"].as_u64();
    assert_eq!(writer::Head::read(&path).map(|head| head.seq), last);
    // As if the program had died while the tool ran.
    std::mem::forget(running);
    drop(log);
    rewrite(&path, |lines| drop(lines.pop()));
    assert!(kinds(&check(&path)).contains(&ProblemKind::Truncated));
}

#[test]
fn what_is_put_off_is_there_once_nobody_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Options { notes_later: true, checkpoint_every: 5, ..options() }).unwrap());
    let mut calls = Vec::new();
    for _ in 0..7 {
        calls.push(log.begin(info("x")).unwrap());
        log.begin(info("y")).unwrap().finish(Outcome::success(0)).unwrap();
        log.refused(info("z"), Outcome::failure(ErrorClass::Policy, "denied", "no")).unwrap();
        log.note();
        let last = lines(&path).pop().unwrap()["seq"].as_u64();
        assert_eq!(writer::Head::read(&path).map(|head| head.seq), last);
        let report = check(&path);
        assert!(report.is_intact(), "{:?}", report.problems);
    }
    assert!(fs::read_to_string(path.with_extension("jsonl.checkpoints")).unwrap().lines().count() > 3);
    // As if the program had died now, and somebody had cut off the call.
    std::mem::forget((calls, Arc::clone(&log)));
    rewrite(&path, |lines| drop(lines.pop()));
    assert!(kinds(&check(&path)).contains(&ProblemKind::Truncated));
}

#[test]
fn a_text_that_was_clean_before_hides_none_that_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = open(&path);
    let secret = "token=ghp_0123456789abcdefghijABCDEFGHIJ012345";
    for tool in ["clean", "clean", secret, "clean", secret, secret] {
        log.begin(info(tool)).unwrap().finish(Outcome::success(0)).unwrap();
    }
    let tools: Vec<_> = lines(&path).iter().filter_map(|line| Some(line["tool"].as_str()?.to_owned())).collect();
    assert_eq!(tools.iter().filter(|tool| *tool == "clean").count(), 6);
    assert!(!tools.iter().any(|tool| tool.contains("ghp_")), "{tools:?}");
}

#[test]
fn an_untouched_log_is_intact() {
    let (_directory, path) = sample();
    let report = check(&path);
    assert!(report.is_intact() && report.is_anchored, "{:?}", report.problems);
    assert_eq!((report.records, report.last_seq, report.checkpoints, report.unfinished.len()), (10, 10, 1, 0));
}

#[test]
fn a_call_that_is_dropped_is_recorded_as_abandoned() {
    let (_directory, path) = sample();
    let log = open(&path);
    drop(log.begin(info("x")).unwrap());
    let last = lines(&path).pop().unwrap();
    assert_eq!((&last["kind"], &last["error"]["code"]), (&json!("outcome"), &json!("abandoned")));
}

#[test]
fn a_crash_leaves_an_intent_that_verify_names() {
    let (_directory, path) = sample();
    let log = open(&path);
    std::mem::forget(log.begin(info("x")).unwrap());
    assert_eq!(check(&path).unfinished.len(), 1);
}

#[test]
fn every_kind_of_tampering_is_found() {
    for (name, expected, change) in [
        (
            "edit",
            ProblemKind::Edited,
            (|l: &mut Vec<String>| l[3] = l[3].replace("local", "other")) as fn(&mut Vec<String>),
        ),
        ("remove", ProblemKind::Missing, |l| drop(l.remove(4))),
        ("remove first", ProblemKind::Missing, |l| drop(l.remove(0))),
        ("swap", ProblemKind::Missing, |l| l.swap(4, 5)),
        ("duplicate", ProblemKind::Reordered, |l| l.insert(4, l[3].clone())),
        ("truncate", ProblemKind::Truncated, |l| l.truncate(6)),
        ("truncate all but the first", ProblemKind::Truncated, |l| l.truncate(1)),
        ("garbage", ProblemKind::Garbage, |l| l.insert(3, "{}x".into())),
        ("edit last", ProblemKind::Edited, |l| {
            let n = l.len() - 1;
            l[n] = l[n].replace("stopped", "started");
        }),
    ] {
        let (_directory, path) = sample();
        rewrite(&path, change);
        let report = check(&path);
        assert!(kinds(&report).contains(&expected), "{name}: {:?}", report.problems);
    }
}

#[test]
fn a_piece_of_another_log_does_not_fit() {
    let (_one, path) = sample();
    let (_two, other) = sample();
    let foreign = fs::read_to_string(&other).unwrap().lines().nth(5).unwrap().to_owned();
    rewrite(&path, |lines| lines[5] = foreign);
    assert!(kinds(&check(&path)).contains(&ProblemKind::Edited));
}

#[test]
fn truncation_without_head_is_found_by_a_checkpoint_elsewhere() {
    let (_directory, path) = sample();
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    let own = path.with_extension("jsonl.checkpoints");
    fs::copy(&own, elsewhere.path()).unwrap();
    fs::remove_file(&own).unwrap();
    fs::remove_file(path.with_extension("jsonl.head")).unwrap();
    rewrite(&path, |lines| lines.truncate(5));
    let blind = check(&path);
    assert!(blind.is_intact() && !blind.is_anchored, "a chain alone cannot show a missing end");
    let options = VerifyOptions { checkpoints: Some(elsewhere.path().to_owned()), ..VerifyOptions::default() };
    assert_eq!(kinds(&verify(&path, &options).unwrap()), [ProblemKind::Truncated]);
}

/// Cut off right behind a checkpoint, nothing in the log and in its checkpoints shows what is missing: only the head does.
#[test]
fn without_its_head_nobody_says_that_a_log_is_whole() {
    let (_directory, path) = sample();
    drop(open(&path));
    fs::remove_file(path.with_extension("jsonl.head")).unwrap();
    rewrite(&path, |lines| lines.truncate(10));
    let checkpoints = path.with_extension("jsonl.checkpoints");
    fs::write(&checkpoints, fs::read_to_string(&checkpoints).unwrap().lines().next().unwrap().to_owned() + "\n")
        .unwrap();
    let report = check(&path);
    assert_eq!((report.is_intact(), report.is_anchored, report.vouched), (true, false, 10), "{:?}", report.problems);
}

#[test]
fn what_was_said_of_another_log_says_nothing_about_this_one() {
    let (directory, path) = sample();
    let (other_directory, other) = sample();
    let (renamed, checkpoints) = (other_directory.path().join("other.jsonl"), path.with_extension("jsonl.checkpoints"));
    fs::rename(&other, &renamed).unwrap();
    drop(open(&renamed)); // its checkpoints name it
    let foreign = fs::read_to_string(renamed.with_extension("jsonl.checkpoints")).unwrap();
    // One file for both is no contradiction.
    let own = fs::read_to_string(&checkpoints).unwrap();
    fs::write(&checkpoints, format!("{foreign}{own}")).unwrap();
    let report = check(&path);
    assert_eq!((report.is_intact(), report.checkpoints), (true, 1), "{:?}", report.problems);
    // Another log in its place, with all that belongs to it, is.
    for suffix in ["jsonl", "jsonl.head", "jsonl.checkpoints"] {
        fs::copy(renamed.with_extension(suffix), directory.path().join("audit").with_extension(suffix)).unwrap();
    }
    assert_eq!(kinds(&check(&path)), [ProblemKind::BadCheckpoint]);
}

/// A line without an end has no bound either, and other bytes are no reason to give up.
#[test]
fn what_is_no_text_is_reported_and_not_kept() {
    let (_directory, path) = sample();
    let whole = fs::read(&path).unwrap();
    for garbage in [vec![0; 5 << 20], vec![b'['; 3 << 20], b"\xff\xfe".repeat(1 << 20), b"\n\n\n".to_vec()] {
        fs::write(&path, [&whole[..], &garbage, b"\n"].concat()).unwrap();
        assert_eq!(kinds(&check(&path)), [ProblemKind::Garbage]);
        fs::write(&path, [&garbage[..], b"\n", &whole].concat()).unwrap();
        assert_eq!(kinds(&check(&path)), [ProblemKind::Garbage]);
    }
    fs::write(&path, &whole).unwrap();
    let checkpoints = path.with_extension("jsonl.checkpoints");
    fs::write(&checkpoints, [b"\xff\0\n".to_vec(), fs::read(&checkpoints).unwrap()].concat()).unwrap();
    let report = check(&path);
    assert_eq!((kinds(&report), report.checkpoints), (vec![ProblemKind::BadCheckpoint], 1));
}

#[test]
fn a_number_that_no_log_comes_to_is_none() {
    for last in ["18446744073709551615", "9007199254740992", "-1", "1e3"] {
        let (_directory, path) = sample();
        let whole = fs::read(&path).unwrap();
        let line = format!("{{\"v\":1,\"seq\":{last},\"prev\":\"0\"}}\n");
        fs::write(&path, [&whole[..], line.as_bytes(), &whole].concat()).unwrap();
        assert!(kinds(&check(&path)).contains(&ProblemKind::Garbage), "{last}");
        // Whoever goes on with such a log says what it found.
        fs::write(&path, [&whole[..], line.as_bytes()].concat()).unwrap();
        drop(open(&path));
        assert_eq!((check(&path).is_intact(), check(&path).recovered), (true, 1), "{last}");
    }
}

#[test]
fn opening_a_log_that_was_cut_off_writes_it_down() {
    let (_directory, path) = sample();
    rewrite(&path, |lines| lines.truncate(5));
    drop(open(&path));
    let report = check(&path);
    assert!(kinds(&report).contains(&ProblemKind::Truncated), "{:?}", report.problems);
}

#[test]
fn a_torn_line_stays_and_is_named() {
    let (_directory, path) = sample();
    for cut in [1, 5, 40] {
        let mut bytes = fs::read(&path).unwrap();
        let tail = bytes[..cut.min(bytes.len())].to_vec();
        bytes.extend_from_slice(&tail);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(check(&path).torn_tail, cut as u64);
        let log = open(&path);
        log.begin(info("after")).unwrap().finish(Outcome::success(0)).unwrap();
        drop(log);
        let report = check(&path);
        assert!(report.is_intact() && report.recovered > 0, "{cut}: {:?}", report.problems);
    }
}

#[test]
fn a_torn_checkpoint_hides_none_and_is_no_forgery() {
    let (_directory, path) = sample();
    let file = path.with_extension("jsonl.checkpoints");
    let line = fs::read_to_string(&file).unwrap();
    let before = check(&path).checkpoints;
    for cut in [1, 12, line.len() - 2] {
        fs::write(&file, format!("{}{line}", &line[..cut])).unwrap();
        let report = check(&path);
        assert_eq!((report.checkpoints, report.is_intact()), (before, true), "{cut}: {:?}", report.problems);
        fs::write(&file, format!("{}{}", &line[..cut], line.replace("\"hash\":\"", "\"hash\":\"0"))).unwrap();
        assert!(!check(&path).is_intact(), "another hash shows all the same");
    }
    fs::write(&file, format!("nonsense\n{line}")).unwrap();
    assert_eq!(kinds(&check(&path)), [ProblemKind::BadCheckpoint]);
}

/// What a crash leaves when it comes after any byte of a log, between the steps of a rotation too: all whole records
/// are still there after the next start, and what was torn has a name.
#[test]
fn a_crash_after_any_byte_loses_no_whole_record() {
    let rotating = || Options { rotate: 1200, ..options() };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, rotating()).unwrap());
    for tool in ["a", "b", "c", "d"] {
        log.begin(info(tool)).unwrap().finish(Outcome::success(5)).unwrap();
    }
    drop(log);
    let mut files = writer::rotated(&path).unwrap();
    assert!(files.len() >= 2, "{files:?}");
    files.push(path.clone());
    let (mut whole, mut head) = (0, String::new());
    for (at, file) in files.iter().enumerate() {
        let bytes = fs::read(file).unwrap();
        for end in 0..=bytes.len() {
            if end > 0 && bytes[end - 1] == b'\n' {
                // The head follows each record, never before it.
                let start = bytes[..end - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                whole += 1;
                head = format!("{whole:020} {}\n", super::chain::line_hash(&bytes[start..end - 1]).as_str());
            } else if end % 5 != 0 && end + 2 < bytes.len() {
                continue; // every fifth byte, and what is next to the end of a record
            }
            let crashed = tempfile::tempdir().unwrap();
            let there = |name: &Path| crashed.path().join(name.file_name().unwrap());
            files[..at].iter().for_each(|before| _ = fs::copy(before, there(before)).unwrap());
            fs::write(there(&path), &bytes[..end]).unwrap();
            if end == 0 && at % 2 == 1 {
                fs::remove_file(there(&path)).unwrap(); // renamed, and the new one not made yet
            }
            fs::write(there(&path.with_extension("jsonl.head")), &head).unwrap();
            let log = Arc::new(AuditLog::open(there(&path), rotating()).unwrap());
            log.begin(info("after")).unwrap().finish(Outcome::success(0)).unwrap();
            drop(log);
            let report = check(&there(&path));
            assert!(report.is_intact(), "{at} {end}: {:?}", report.problems);
            // A record that lacks nothing but its end is one.
            let lacks_its_end = bytes.get(end) == Some(&b'\n');
            let is_torn = end > 0 && bytes[end - 1] != b'\n' && !lacks_its_end;
            assert_eq!(report.recovered, u64::from(is_torn), "{at} {end}");
            let kept = whole + u64::from(lacks_its_end);
            assert!(report.records >= kept + 4, "{at} {end}: {} of {kept}", report.records);
        }
    }
}

#[test]
fn a_crash_in_the_first_record_is_recovered_and_other_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    fs::write(&path, r#"{"v":1,"seq":1,"ki"#).unwrap();
    drop(open(&path));
    assert!(check(&path).is_intact(), "{:?}", check(&path).problems);
    let notes = directory.path().join("notes.txt");
    fs::write(&notes, "my notes\n").unwrap();
    assert!(matches!(AuditLog::open(&notes, options()), Err(AuditError::NotALog { .. })));
    assert_eq!(fs::read_to_string(&notes).unwrap(), "my notes\n");
}

#[test]
fn rotation_keeps_the_chain_and_a_missing_file_shows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    for notes_later in [false, true] {
        let options = Options { rotate: 4096, notes_later, ..options() };
        let log = Arc::new(AuditLog::open(&path, options).unwrap());
        for call in 0..50 {
            log.begin(info("x")).unwrap().finish(Outcome::success(0)).unwrap();
            if call % 3 == 0 {
                log.note();
            }
        }
        drop(log);
    }
    drop(open(&path));
    let files = writer::rotated(&path).unwrap();
    assert!(files.len() > 3, "{files:?}");
    let report = check(&path);
    assert!(report.is_intact(), "{:?}", report.problems);
    assert!(report.records > 200);

    let kept = fs::read(&files[1]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    assert_eq!(kinds(&check(&path)), [ProblemKind::Missing]);
    fs::write(&files[1], kept).unwrap();
    fs::remove_file(&files[0]).unwrap();
    assert_eq!(kinds(&check(&path)), [ProblemKind::Missing]);
    let pruned = VerifyOptions { allow_pruned: true, ..VerifyOptions::default() };
    assert!(verify(&path, &pruned).unwrap().is_intact());

    // A crash between the two steps of a rotation.
    fs::remove_file(&files[1]).unwrap_or_default();
    let before = lines(files.last().unwrap()).pop().unwrap()["seq"].as_u64().unwrap();
    fs::remove_file(&path).unwrap();
    fs::remove_file(path.with_extension("jsonl.head")).unwrap();
    drop(open(&path));
    assert_eq!(lines(&path)[0]["seq"], before + 1);
}

#[test]
fn a_second_writer_is_refused_and_a_link_is_not_followed() {
    let (directory, path) = sample();
    let _log = open(&path);
    assert!(matches!(AuditLog::open(&path, options()), Err(AuditError::Locked(_))));
    let link = directory.path().join("link.jsonl");
    std::os::unix::fs::symlink("/tmp/elsewhere.jsonl", &link).unwrap();
    assert!(matches!(AuditLog::open(&link, options()), Err(AuditError::Io { .. })));
    assert!(!Path::new("/tmp/elsewhere.jsonl").exists());
}

/// Somebody who tidies up takes the lock away while it is held.
#[cfg(unix)]
#[test]
fn a_second_writer_is_refused_also_where_the_lock_was_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Options { rotate: 1200, ..options() }).unwrap());
    for _ in 0..4 {
        log.begin(info("a")).unwrap().finish(Outcome::success(5)).unwrap();
        fs::remove_file(path.with_extension("jsonl.lock")).unwrap();
        assert_eq!(AuditLog::open(&path, options()).unwrap_err(), AuditError::Locked(path.clone()));
    }
    let files = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let rotated = files.filter(|name| name.to_string_lossy().len() > 30).count();
    assert!(rotated > 0, "each file is claimed");
    drop(log);
    drop(open(&path));
    assert!(check(&path).is_intact(), "{:?}", check(&path).problems);
}

#[test]
fn a_disk_that_fails_refuses_calls_and_heals() {
    [false, true].into_iter().for_each(fails_and_heals);
}

fn fails_and_heals(notes_later: bool) {
    // Every write to this device fails with "no space left".
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Options { notes_later, ..options() }).unwrap());
    log.begin(info("x")).unwrap().finish(Outcome::success(0)).unwrap();
    log.replace_file(fs::OpenOptions::new().read(true).write(true).open("/dev/full").unwrap());
    for _ in 0..3 {
        let error = log.begin(info("x")).map(drop).unwrap_err();
        assert!(error.to_string().contains("space"), "{error}");
    }
    assert_eq!(check(&path).records, 3);
    log.replace_file(fs::OpenOptions::new().read(true).append(true).open(&path).unwrap());
    log.begin(info("y")).unwrap().finish(Outcome::success(0)).unwrap();
    drop(log);
    let report = check(&path);
    assert!(report.is_intact(), "{:?}", report.problems);
    assert!(
        lines(&path)
            .iter()
            .any(|line| line["kind"] == "recovered" && line["detail"]["reason"].as_str().unwrap().contains("space"))
    );
}

#[test]
fn many_threads_in_both_modes_lose_nothing() {
    for (safety, notes_later) in [(Safety::Flush, false), (Safety::Durable, false), (Safety::Flush, true)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let options = Options { safety, notes_later, rotate: 20_000, ..options() };
        let log = Arc::new(AuditLog::open(&path, options).unwrap());
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let log = &log;
                scope.spawn(move || {
                    for _ in 0..25 {
                        log.begin(info(&format!("t{thread}"))).unwrap().finish(Outcome::success(0)).unwrap();
                        if thread % 2 == 0 {
                            log.note();
                        }
                    }
                });
            }
        });
        drop(log);
        let report = check(&path);
        assert!(report.is_intact() && report.unfinished.is_empty(), "{:?}", report.problems);
        let outcomes = read(&path).unwrap().filter(|e| e.as_ref().unwrap().text("kind") == Some("outcome")).count();
        assert_eq!(outcomes, 200);
    }
}

#[test]
fn filters_and_tail_find_records() {
    let (_directory, path) = sample();
    let filter = Filter { tool: Some("c".into()), kind: Some("outcome".into()), ..Filter::default() };
    let found = last(&path, 10, &filter).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(last(&path, 3, &Filter::default()).unwrap().len(), 3);
    let future = Filter { since: Some("9999".into()), ..Filter::default() };
    assert!(last(&path, 3, &future).unwrap().is_empty());
}

#[test]
fn following_sees_new_records_across_a_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Options { rotate: 1500, ..options() }).unwrap());
    let mut seen = Vec::new();
    let work = || {
        log.begin(info("x")).unwrap().finish(Outcome::success(0)).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    };
    follow(&path, &work, &mut |entry| {
        seen.push(entry.seq().unwrap());
        seen.len() < 20
    })
    .unwrap();
    assert_eq!(seen, (2..22).collect::<Vec<_>>());
}

#[cfg(feature = "signing")]
#[test]
fn signatures_show_forged_checkpoints() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let key = SigningKey::from_hex(&"07".repeat(32)).unwrap();
    let with_key = Options { signing_key: Some(key.clone()), checkpoint_every: 4, ..options() };
    let log = Arc::new(AuditLog::open(&path, with_key).unwrap());
    for _ in 0..10 {
        log.begin(info("x")).unwrap().finish(Outcome::success(0)).unwrap();
    }
    drop(log);
    let options = VerifyOptions { public_key: Some(key.public()), ..VerifyOptions::default() };
    let report = verify(&path, &options).unwrap();
    assert!(report.is_intact() && report.checkpoints >= 5, "{report:?}");
    let other =
        VerifyOptions { public_key: SigningKey::from_hex(&"08".repeat(32)).map(|key| key.public()), ..options.clone() };
    assert!(kinds(&verify(&path, &other).unwrap()).contains(&ProblemKind::BadCheckpoint));

    // A forger who rewrites log, head and checkpoints can do all but sign.
    let own = path.with_extension("jsonl.checkpoints");
    let text = fs::read_to_string(&own).unwrap().replacen("\"hash\":\"", "\"hash\":\"0", 1);
    fs::write(&own, text).unwrap();
    assert_eq!(kinds(&verify(&path, &options).unwrap()), [ProblemKind::BadCheckpoint]);
    // Who is asked for signatures is not content with their absence.
    fs::remove_file(&own).unwrap();
    let report = verify(&path, &options).unwrap();
    assert_eq!((report.is_intact(), report.is_anchored, report.vouched), (true, false, 0));
    assert!(verify(&path, &VerifyOptions::default()).unwrap().is_anchored, "nobody asked for them");
    assert!(format!("{key:?}").contains("***"));
}
