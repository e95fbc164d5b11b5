//! Records of calls: what is left out of them, and logs that somebody else may have written.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use manta_harden::audit::{AuditLog, CallInfo, Options, Outcome, VerifyOptions, cef, ocsf, read, verify};
use manta_harden::redact::Redactor;
use serde_json::Value;

use crate::{seeds, text};

/// A value that none of the shapes of secrets knows.
const SECRET: &str = "hunter2-correct-horse";

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new([7; 32]));

pub(crate) fn redaction_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        r#"{"path":"a","token":"t","nested":{"api_key":["x",{"y":"z"}]},"env":[{"name":"DB_PASSWORD","value":"v"}]}"#,
        r#"{"argv":["curl","-u","bob:pw","--password","x","--token=y","https://u:p@h.example/?access_token=q"]}"#,
        r#"{"body":"{\"password\":\"x\",\"inner\":\"{\\\"secret\\\":1}\"}","list":["[redacted:key]","AKIAIOSFODNN7EXAMPLF"]}"#,
        r#"{"note":"hunter2-correct-horse is no secret here","path":"a"}"#,
        r#"["-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----","ZXlKaGJHY2lPaUp1YjI1bEluMA=="]"#,
    ])
}

/// A JSON value; what stands under a secret name is nowhere in the record, wherever that name stands.
pub(crate) fn redaction(data: &[u8]) {
    let Ok(value) = serde_json::from_str::<Value>(&text(data)) else { return };
    let once = REDACTOR.redact(&value);
    let again = REDACTOR.redact(&once.value);
    assert_eq!(once.value, again.value, "a record is not changed by redacting it again");
    if once.value.to_string().contains(SECRET) {
        return; // it stands there by itself, where it is no secret: fuzzers learn it from the comparison below
    }
    let planted = plant(&value);
    let record = REDACTOR.redact(&planted).value.to_string();
    assert!(!record.contains(SECRET), "{planted} gives {record}");
}

/// The value with a secret beside everything in it.
fn plant(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: serde_json::Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), plant(value))).collect();
            members.insert("password".to_owned(), Value::String(SECRET.to_owned()));
            Value::Object(members)
        }
        Value::Array(items) => Value::Array(items.iter().map(plant).collect()),
        other => other.clone(),
    }
}

/// Beginning, two calls of two records each, end.
const RECORDS: u64 = 6;

static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("there is a directory for temporary files");
    let path = directory.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Options::new(REDACTOR.clone())).expect("a log can be begun"));
    for tool in ["read", "write"] {
        let info = CallInfo { tool: tool.into(), principal: "local".into(), ..CallInfo::default() };
        let call = log.begin(info).expect("there is room");
        call.finish(Outcome::success(1)).expect("there is room");
    }
    log.close().expect("there is room");
    std::fs::read(&path).expect("it was written")
});

pub(crate) fn audit_log_seeds() -> Vec<Vec<u8>> {
    vec![LOG.clone(), b"{\"v\":1,\"seq\":1,\"kind\":\"intent\",\"prev\":\"\"}\n".to_vec()]
}

/// A log: an edit of ours is found, and every reader ends.
pub(crate) fn audit_log(data: &[u8]) {
    let directory = tempfile::tempdir().expect("there is a directory for temporary files");
    let path = directory.path().join("audit.jsonl");
    std::fs::write(&path, data).expect("there is room");
    if let Ok(report) = verify(&path, &VerifyOptions::default()) {
        // The last record is vouched for by what comes after it, which is not here.
        let vouched = LOG[..LOG.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let is_ours = data.starts_with(&LOG[..64]) && report.is_intact() && report.records >= RECORDS;
        assert!(!is_ours || data.starts_with(&LOG[..vouched]), "an edit is found");
        black_box(report.unfinished.len());
    }
    for entry in read(&path).into_iter().flatten().flatten() {
        let Some(record) = &entry.record else { continue };
        black_box(ocsf(record));
        if let Some(line) = cef(record) {
            assert!(!line.contains(['\n', '\r']), "one event is one line");
        }
    }
    black_box(manta_guard::learn::propose(&text(data)).is_ok());
}
