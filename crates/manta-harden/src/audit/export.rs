//! Records in the formats of security monitoring: OCSF (class API Activity) and CEF.

use manta_core::Untrusted;
use serde_json::{Value, json};

use super::read::milliseconds;

/// Version of the OCSF schema that [`ocsf`] writes.
const OCSF_VERSION: &str = "1.8.0";

/// An `outcome` record as OCSF event of class 6003, API Activity, with the profiles `security_control` and `trace`.
/// `None` for other records: an intent is the same call, told earlier.
#[must_use]
pub fn ocsf(record: &Value) -> Option<Value> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| record.get(name).and_then(Value::as_u64).unwrap_or_default();
    if text("kind") != "outcome" {
        return None;
    }
    let (activity, activity_name) = match text("class") {
        "create" => (1, "Create"),
        "read" => (2, "Read"),
        "write" => (3, "Update"),
        "delete" => (4, "Delete"),
        _ => (99, "Other"), // programs, network, and tools of which the policy does not say what they do
    };
    let is_success = record.get("success").and_then(Value::as_bool).unwrap_or_default();
    let is_denied = matches!(text("decision"), "deny" | "refused" | "error");
    let error = &record["error"];
    let milliseconds = milliseconds(record)?;
    let mut event = json!({
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "activity_id": activity,
        "activity_name": activity_name,
        "type_uid": 6003 * 100 + activity,
        "type_name": format!("API Activity: {activity_name}"),
        "severity_id": if is_denied { 3 } else { 1 },
        "severity": if is_denied { "Medium" } else { "Informational" },
        "time": milliseconds,
        "duration": number("duration_us") / 1000,
        "metadata": {
            "version": OCSF_VERSION,
            "uid": format!("{}:{}", text("call"), number("seq")),
            "correlation_uid": text("call"),
            "product": { "name": "manta", "vendor_name": "Manta", "version": env!("CARGO_PKG_VERSION") },
            "profiles": ["security_control", "trace"],
        },
        "actor": { "user": { "name": text("principal") }, "app_name": text("peer") },
        "src_endpoint": { "name": text("peer") },
        "dst_endpoint": { "name": if text("server").is_empty() { "manta" } else { text("server") } },
        "api": {
            "operation": text("tool"),
            "service": { "name": text("server") },
            "request": { "uid": text("request_id") },
            "response": { "code": i32::from(!is_success) },
        },
        "status_id": if is_success { 1 } else { 2 },
        "status": if is_success { "Success" } else { "Failure" },
        "action_id": if is_denied { 2 } else { 1 },
        "action": if is_denied { "Denied" } else { "Allowed" },
        "disposition_id": if is_denied { 2 } else { 1 },
        "disposition": if is_denied { "Blocked" } else { "Allowed" },
        "policy": { "name": text("rule"), "uid": text("policy") },
        "unmapped": {
            "prev": text("prev"),
            "seq": number("seq"),
            "bytes_in": number("bytes_in"),
            "bytes_out": number("bytes_out"),
            "redactions": number("redactions"),
        },
    });
    // The schema knows absent members and no nulls.
    if let Some(params) = record.get("params").filter(|params| !params.is_null()) {
        event["api"]["request"]["data"] = params.clone();
    }
    if let Some(message) = error["message"].as_str() {
        event["api"]["response"]["error"] = error["code"].clone();
        event["api"]["response"]["error_message"] = json!(message);
        event["message"] = json!(message);
        event["status_detail"] = error["class"].clone();
    }
    let trace: Vec<&str> = text("trace").split('-').collect();
    if let [_, trace, span, _] = trace.as_slice() {
        // The caller's span: when it began and ended we don't know, and the schema wants that of a span.
        event["trace"] = json!({ "uid": trace });
        event["unmapped"]["parent_span"] = json!(span);
    }
    Some(event)
}

/// An `outcome` record as one line of ArcSight's Common Event Format; `None` for other records.
#[must_use]
pub fn cef(record: &Value) -> Option<String> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("kind") != "outcome" {
        return None;
    }
    let is_success = record.get("success").and_then(Value::as_bool).unwrap_or_default();
    let decision = text("decision");
    let severity = if decision == "allow" { 3 } else { 6 };
    let milliseconds = milliseconds(record)?.to_string();
    let (seq, duration) = (record["seq"].to_string(), record["duration_us"].to_string());
    let params = record.get("params").map(Value::to_string).unwrap_or_default();
    let extension = [
        ("rt", milliseconds.as_str()),
        ("suser", text("principal")),
        ("shost", text("peer")),
        ("dhost", text("server")),
        ("act", decision),
        ("outcome", if is_success { "success" } else { "failure" }),
        ("reason", record["error"]["message"].as_str().unwrap_or_default()),
        ("externalId", seq.as_str()),
        ("request", text("tool")),
        ("cs1Label", "rule"),
        ("cs1", text("rule")),
        ("cs2Label", "policy"),
        ("cs2", text("policy")),
        ("cs3Label", "params"),
        ("cs3", params.as_str()),
        ("cn1Label", "durationMicroseconds"),
        ("cn1", duration.as_str()),
    ];
    let extension: Vec<String> = extension
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", cef_value(value)))
        .collect();
    let (method, name) = (cef_header(text("method")), cef_header(text("tool")));
    let version = env!("CARGO_PKG_VERSION");
    Some(format!("CEF:0|Manta|manta|{version}|{method}|{name}|{severity}|{}", extension.join(" ")))
}

/// In the header `|` and `\` are syntax; in both parts a line end would begin another event, of which Unicode has more than
/// two, and what nobody can see may drive a terminal.
fn cef_header(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ");
    Untrusted(&text).for_terminal()
}

fn cef_value(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r");
    Untrusted(&text).for_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Value {
        json!({
            "v": 1, "seq": 7, "kind": "outcome", "timestamp": "2026-11-24T11:20:42.000001Z", "call": "c", "server": "",
            "principal": "local", "peer": "stdio", "method": "tools/call", "tool": "a|b", "params": { "x": "1=2\n" },
            "decision": "deny", "class": "read", "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "rule": "tools.x", "policy": "sha256:0", "bytes_in": 1, "redactions": 0, "success": false,
            "error": { "class": "policy", "code": "denied", "message": "no\nCEF:0|forged" }, "duration_us": 1500, "bytes_out": 2,
            "prev": "0",
        })
    }

    #[test]
    fn ocsf_carries_the_required_attributes_of_its_class() {
        let event = ocsf(&outcome()).unwrap();
        for required in [
            "activity_id",
            "actor",
            "api",
            "category_uid",
            "class_uid",
            "metadata",
            "severity_id",
            "src_endpoint",
            "time",
            "type_uid",
        ] {
            assert!(!event[required].is_null(), "{required}");
        }
        assert_eq!(event["type_uid"], 600_302);
        assert_eq!(event["trace"]["uid"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(event["unmapped"]["parent_span"], "b7ad6b7169203331");
        assert_eq!((&event["status_id"], &event["action_id"], &event["duration"]), (&json!(2), &json!(2), &json!(1)));
        assert_eq!(event["time"], 1_795_519_242_000_u64);
    }

    #[test]
    fn cef_cannot_be_forged_from_inside_a_value() {
        let line = cef(&outcome()).unwrap();
        assert_eq!(line.lines().count(), 1);
        assert!(line.starts_with("CEF:0|Manta|manta|") && line.contains("|a\\|b|6|"), "{line}");
        assert!(line.contains("reason=no\\nCEF:0|forged") && line.contains("1\\=2"), "{line}");
    }

    #[test]
    fn nothing_invisible_is_exported() {
        let mut record = outcome();
        record["tool"] = json!("a\u{85}b\u{9b}31m");
        record["error"]["message"] = json!("x\u{1b}[2J\u{2028}CEF:0|forged\u{202e}");
        let line = cef(&record).unwrap();
        assert!(!line.chars().any(manta_core::untrusted::is_invisible), "{line:?}");
    }

    #[test]
    fn other_records_are_not_exported() {
        let mut record = outcome();
        record["kind"] = json!("intent");
        assert!(ocsf(&record).is_none() && cef(&record).is_none());
    }
}
