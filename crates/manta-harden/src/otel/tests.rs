use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::SystemTime;

use serde_json::json;

use super::*;
use crate::audit::{CallInfo, DecisionInfo, ErrorClass, Outcome, Verdict};
use crate::redact::Redactor;

fn spec(endpoint: &str) -> OtelSpec {
    OtelSpec {
        endpoint: endpoint.to_owned(),
        headers_env: None,
        service: "manta".to_owned(),
        arguments: false,
        join: false,
    }
}

/// A collector that gives every request, head and body, to the test and answers with `status`.
fn collector(status: &'static str) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
            let (head, body) = loop {
                let length = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..length]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let head_lower = head.to_lowercase();
                let length = head_lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head.to_owned(), body.to_owned());
                }
            };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}").unwrap();
            sender.send((head, serde_json::from_str(&body).unwrap())).unwrap();
        }
    });
    (url, receiver)
}

fn ended(exporter: &Exporter, info: &CallInfo, outcome: &Outcome) {
    let (start, duration) = (SystemTime::now(), Duration::from_millis(15));
    exporter.ended(&Ended { info, outcome, start, duration });
}

fn info<'a>(method: &'a str, tool: &'a str) -> CallInfo<'a> {
    CallInfo {
        principal: "local".into(),
        peer: "stdio uid=0".into(),
        protocol: "2026-07-28".into(),
        request_id: "7".into(),
        method: method.into(),
        tool: tool.into(),
        params: Some(Redactor::new([0; 32]).redact(&json!({ "path": "a", "token": "hunter2" }))),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        decision: DecisionInfo {
            verdict: Verdict::Deny,
            rule: Some("tools.read_file".into()),
            ..DecisionInfo::default()
        },
        ..CallInfo::default()
    }
}

fn value<'a>(span: &'a Value, name: &str) -> Option<&'a str> {
    let attributes = span["attributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["key"] == name)?["value"]["stringValue"].as_str()
}

#[test]
fn calls_arrive_under_the_names_of_the_conventions() {
    let (url, requests) = collector("200 OK");
    let exporter = Exporter::start(&OtelSpec { arguments: true, ..spec(&url) }).unwrap();
    ended(&exporter, &info("tools/call", "read_file"), &Outcome::failure(ErrorClass::Server, "tool_error", "no"));
    ended(&exporter, &info("resources/read", "file:///a"), &Outcome::failure(ErrorClass::Server, "-32602", "no"));
    ended(&exporter, &info("prompts/get", "p"), &Outcome::success(5));
    drop(exporter);
    let (head, traces) = requests.recv().unwrap();
    assert!(
        head.starts_with("POST /v1/traces ") && head.to_lowercase().contains("content-type: application/json"),
        "{head}"
    );
    let spans = &traces["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let (call, resource, prompt) = (&spans[0], &spans[1], &spans[2]);
    assert_eq!(
        (&call["name"], &resource["name"], &prompt["name"]),
        (&json!("tools/call read_file"), &json!("resources/read"), &json!("prompts/get p"))
    );
    for (name, expected) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "read_file"),
        ("mcp.protocol.version", "2026-07-28"),
        ("jsonrpc.request.id", "7"),
        ("error.type", "tool_error"),
        ("network.transport", "pipe"),
        ("manta.decision", "deny"),
    ] {
        assert_eq!(value(call, name), Some(expected), "{name}");
    }
    assert!(
        !traces.to_string().contains("hunter2") && value(call, "gen_ai.tool.call.arguments").unwrap().contains("\"a\"")
    );
    assert_eq!(value(call, "rpc.response.status_code"), None);
    assert_eq!(value(resource, "rpc.response.status_code"), Some("-32602"));
    assert_eq!(value(resource, "mcp.resource.uri"), Some("file:///a"));
    assert_eq!((&call["status"]["code"], &prompt["status"]), (&json!(2), &json!({})));
    assert_eq!(call["links"][0]["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(call["traceId"], call["links"][0]["traceId"], "the caller does not choose our trace");
    let ids: std::collections::BTreeSet<_> =
        spans.as_array().unwrap().iter().map(|s| s["spanId"].to_string()).collect();
    assert_eq!(ids.len(), 3);

    let (head, metrics) = requests.recv().unwrap();
    assert!(head.starts_with("POST /v1/metrics "), "{head}");
    let duration = &metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    assert_eq!((&duration["name"], &duration["unit"]), (&json!("mcp.server.operation.duration"), &json!("s")));
    let point = &duration["histogram"]["dataPoints"][0];
    assert_eq!((&point["count"], &point["bucketCounts"][1]), (&json!("1"), &json!("1")));
    assert_eq!(value(point, "mcp.resource.uri"), None);
}

#[test]
fn arguments_stay_at_home_unless_asked_for() {
    let (url, requests) = collector("200 OK");
    let exporter = Exporter::start(&spec(&url)).unwrap();
    ended(&exporter, &info("tools/call", "t"), &Outcome::success(0));
    drop(exporter);
    assert!(!requests.recv().unwrap().1.to_string().contains("gen_ai.tool.call.arguments"));
}

#[test]
fn a_collector_that_refuses_or_is_away_costs_spans_and_says_so() {
    let (url, _requests) = collector("503 Service Unavailable");
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [url, format!("http://{away}")] {
        let exporter = Exporter::start(&spec(&url)).unwrap();
        let dropped = Arc::clone(&exporter.dropped);
        ended(&exporter, &info("tools/call", "t"), &Outcome::success(0));
        drop(exporter);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn callers_cannot_make_metrics_grow_and_traceparents_are_checked() {
    let mut metrics = Metrics::new();
    for number in 0..5000 {
        let tool = format!("made-up-{number}");
        let (info, outcome) = (info("tools/call", &tool), Outcome::success(0));
        let call = Ended { info: &info, outcome: &outcome, start: SystemTime::now(), duration: Duration::ZERO };
        metrics.count(&Span::of(&call, false));
    }
    let text = Resource { service: "m".to_owned() }.metrics(&metrics, 0).to_string();
    assert!(text.matches("bucketCounts").count() <= 1001 && text.contains("otel.metric.overflow"));
    for bad in [
        "",
        "00-x-y-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "zz",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        let info = CallInfo { trace: Some(bad.into()), ..info("tools/call", "t") };
        let outcome = Outcome::success(0);
        let call = Ended { info: &info, outcome: &outcome, start: SystemTime::now(), duration: Duration::ZERO };
        let span = Resource { service: "m".to_owned() }.spans(&[Span::of(&call, false)]);
        assert_eq!(span["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["links"], json!([]), "{bad}");
    }
}

#[test]
fn what_cannot_be_sent_to_is_an_error_at_start() {
    for endpoint in ["", "collector:4318", "ftp://x", "http://user:pass@127.0.0.1:4318"] {
        assert!(Exporter::start(&spec(endpoint)).is_err(), "{endpoint}");
    }
    let missing = OtelSpec { headers_env: Some("MANTA_NO_SUCH_VARIABLE".to_owned()), ..spec("http://127.0.0.1:4318") };
    assert!(Exporter::start(&missing).unwrap_err().contains("not set"));
}
