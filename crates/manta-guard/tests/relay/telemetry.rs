//! What a collector of OpenTelemetry hears of a guarded call.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::Guarded;

/// A collector: its port, and what is posted to it, each with its path.
fn collector() -> (u16, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, posted) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
            while reader.read_line(&mut line).unwrap_or(0) > 0 && line.trim_end() != "" {
                if path.is_empty() {
                    path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                }
                if let Some((name, value)) =
                    line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                {
                    length = value.trim().parse().unwrap_or_else(|_| panic!("{name}: {value}"));
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = sender.send((path, serde_json::from_slice(&body).unwrap()));
        }
    });
    (port, posted)
}

fn attribute<'a>(span: &'a Value, name: &str) -> Option<&'a str> {
    let all = span["attributes"].as_array().unwrap();
    all.iter().find(|attribute| attribute["key"] == name)?["value"]["stringValue"].as_str()
}

pub(crate) fn a_collector_hears_of_calls_and_of_the_traces_they_belong_to(directory: &Path) {
    let (port, posted) = collector();
    let policy = format!(
        "{}\n[tools.forbidden]\naccess = \"deny\"\n[otel]\nendpoint = \"http://127.0.0.1:{port}\"\n",
        super::OPEN
    );
    let mut guarded = Guarded::start(directory, &policy, &[]);
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let call = |id: u32, tool: &str, meta: Value| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": { "text": "hi" }, "_meta": meta } }).to_string()
    };
    let traced = json!({ "traceparent": format!("00-{trace}-{parent}-01"), "tracestate": "vendor=1" });
    for (id, tool, meta) in
        [(1, "echo", traced), (2, "forbidden", json!({})), (3, "echo", json!({ "traceparent": "00-not-a-trace" }))]
    {
        guarded.send(&call(id, tool, meta));
        assert_eq!(guarded.receive()["id"], id);
    }
    assert_eq!(guarded.close(), 0);
    let mut spans = Vec::new();
    while spans.len() < 3 {
        let (path, body) = posted.recv_timeout(Duration::from_secs(10)).expect("the collector hears of every call");
        if path == "/v1/traces" {
            spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone());
        }
    }
    assert_eq!(spans[0]["name"], "tools/call echo");
    assert_eq!(spans[0]["links"], json!([{ "traceId": trace, "spanId": parent }]));
    assert_eq!(attribute(&spans[0], "mcp.method.name"), Some("tools/call"));
    assert_eq!(
        (attribute(&spans[1], "error.type"), attribute(&spans[1], "manta.decision")),
        (Some("denied"), Some("deny"))
    );
    assert_eq!(spans[2]["links"], json!([]), "what is no trace is no link");
    let log = std::fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    let records = log.lines().filter(|line| line.contains(&format!("\"trace\":\"00-{trace}-{parent}-01\""))).count();
    assert_eq!(records, 2, "intent and outcome name the trace: {log}");
}

pub(crate) fn a_guard_that_joins_a_trace_stands_between_caller_and_server(directory: &Path) {
    let (port, posted) = collector();
    let policy = format!("{}\n[otel]\nendpoint = \"http://127.0.0.1:{port}\"\njoin = true\n", super::OPEN);
    let mut guarded = Guarded::start(directory, &policy, &[]);
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let params = |more: Value| {
        let mut params = json!({ "name": "meta", "arguments": {} });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let mut heard = Vec::new();
    for (id, more) in [
        (1, json!({ "_meta": { "traceparent": format!("00-{trace}-{parent}-01"), "other": 1 } })),
        (2, json!({ "_meta": { "other": 1 } })),
        (3, json!({})),
    ] {
        guarded
            .send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params(more) }).to_string());
        let answer = guarded.receive();
        let meta: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(meta["other"] == 1, id < 3, "{meta}");
        heard.push(meta["traceparent"].as_str().unwrap().to_owned());
    }
    assert_eq!(guarded.close(), 0);
    assert!(heard[0].starts_with(&format!("00-{trace}-")) && !heard[0].contains(parent), "{}", heard[0]);
    let mut spans = Vec::new();
    while spans.len() < 3 {
        let (path, body) = posted.recv_timeout(Duration::from_secs(10)).expect("the collector hears of every call");
        if path == "/v1/traces" {
            spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone());
        }
    }
    for (span, told) in spans.iter().zip(&heard) {
        let own = format!("00-{}-{}-01", span["traceId"].as_str().unwrap(), span["spanId"].as_str().unwrap());
        assert_eq!(own, *told, "the server is told of the very span that is exported");
        assert_eq!(span["links"], json!([]));
    }
    assert_eq!((&spans[0]["parentSpanId"], &spans[1]["parentSpanId"]), (&json!(parent), &json!("")));
}
