//! Spans and metrics as OTLP's JSON encoding has them: identifiers in hexadecimal, 64-bit numbers as text.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::audit::Ended;
use crate::trace::TraceParent;

/// Bounds of the duration histogram that the conventions advise, in seconds.
const BOUNDS: [f64; 14] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Most different attribute sets of one metric; what comes later is counted together, as the SDKs do.
const MOST_SERIES: usize = 1000;

/// One ended call.
#[derive(Debug)]
pub(super) struct Span {
    name: String,
    start: SystemTime,
    duration: Duration,
    attributes: Vec<(&'static str, Value)>,
    error: Option<String>,
    /// What the caller said it belongs to.
    caller: Option<TraceParent>,
    /// Its own place: in the caller's trace when it joins that, else in a new one. None without randomness, and then a
    /// collector refuses it.
    own: Option<TraceParent>,
}

impl Span {
    pub(super) fn of(call: &Ended<'_>, with_arguments: bool) -> Self {
        let info = call.info;
        let mut attributes = vec![("mcp.method.name", json!(info.method))];
        // A URI has too many values for a name (and for a metric).
        let target = match &*info.method {
            "tools/call" => {
                attributes.push(("gen_ai.operation.name", json!("execute_tool")));
                attributes.push(("gen_ai.tool.name", json!(info.tool)));
                Some(&info.tool)
            }
            "prompts/get" => {
                attributes.push(("gen_ai.prompt.name", json!(info.tool)));
                Some(&info.tool)
            }
            "resources/read" => {
                attributes.push(("mcp.resource.uri", json!(info.tool)));
                None
            }
            _ => None,
        };
        let mut text = |name: &'static str, value: &str| {
            if !value.is_empty() {
                attributes.push((name, json!(value)));
            }
        };
        text("mcp.protocol.version", &info.protocol);
        text("jsonrpc.request.id", &info.request_id);
        text("manta.principal", &info.principal);
        text("manta.decision", decision(info.decision.verdict));
        text("manta.rule", info.decision.rule.as_deref().unwrap_or_default());
        match info.peer.split_once(' ').map_or(&*info.peer, |(kind, _)| kind) {
            "stdio" => text("network.transport", "pipe"),
            "http" => {
                text("network.transport", "tcp");
                text("network.protocol.name", "http");
            }
            _ => {}
        }
        let error = call.outcome.error.as_ref().map(|(_, code, _)| code.clone());
        if let Some(code) = &error {
            text("error.type", code);
            // JSON-RPC codes are numbers; our own classes are words.
            if code.parse::<i64>().is_ok() {
                text("rpc.response.status_code", code);
            }
        }
        if let Some(params) = info.params.as_ref().filter(|_| with_arguments) {
            text("gen_ai.tool.call.arguments", &params.value.to_string());
        }
        let name = target.map_or_else(|| info.method.to_string(), |target| format!("{} {target}", info.method));
        Self {
            name,
            start: call.start,
            duration: call.duration,
            attributes,
            error,
            caller: info.trace.as_deref().and_then(TraceParent::parse),
            own: info.span.clone().or_else(|| TraceParent::below(None)),
        }
    }

    fn json(&self) -> Value {
        let end = self.start + self.duration;
        let parent =
            self.caller.as_ref().filter(|caller| self.own.as_ref().is_some_and(|own| own.trace() == caller.trace()));
        let linked = self.caller.iter().filter(|_| parent.is_none());
        let links = linked.map(|caller| json!({ "traceId": caller.trace(), "spanId": caller.span() }));
        json!({
            "traceId": self.own.as_ref().map_or("", TraceParent::trace),
            "spanId": self.own.as_ref().map_or("", TraceParent::span),
            "parentSpanId": parent.map_or("", TraceParent::span),
            "name": self.name,
            "kind": 2, // server
            "startTimeUnixNano": nanoseconds(self.start),
            "endTimeUnixNano": nanoseconds(end),
            "attributes": attributes(&self.attributes),
            "links": links.collect::<Vec<_>>(),
            "status": match &self.error {
                Some(error) => json!({ "code": 2, "message": error }),
                None => json!({}),
            },
        })
    }
}

/// How a verdict is written in records.
fn decision(verdict: crate::audit::Verdict) -> &'static str {
    use crate::audit::Verdict;
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Approved => "approved",
        Verdict::Refused => "refused",
        Verdict::WouldDeny => "would-deny",
        Verdict::Error => "error",
    }
}

/// Durations of all calls so far, by what they were.
#[derive(Debug)]
pub(super) struct Metrics {
    since: SystemTime,
    series: BTreeMap<Vec<(&'static str, String)>, Histogram>,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    count: u64,
    sum: f64,
    buckets: [u64; BOUNDS.len() + 1],
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self { since: SystemTime::now(), series: BTreeMap::new() }
    }

    pub(super) fn count(&mut self, span: &Span) {
        const KEPT: &[&str] = &[
            "mcp.method.name",
            "gen_ai.operation.name",
            "gen_ai.tool.name",
            "gen_ai.prompt.name",
            "mcp.protocol.version",
            "network.transport",
            "error.type",
            "rpc.response.status_code",
        ];
        let kept = span.attributes.iter().filter(|(name, _)| KEPT.contains(name));
        let mut key: Vec<_> =
            kept.map(|(name, value)| (*name, value.as_str().unwrap_or_default().to_owned())).collect();
        // Names of tools that don't exist come from callers.
        if self.series.len() >= MOST_SERIES && !self.series.contains_key(&key) {
            key = vec![("otel.metric.overflow", "true".to_owned())];
        }
        let seconds = span.duration.as_secs_f64();
        let histogram = self.series.entry(key).or_default();
        histogram.count += 1;
        histogram.sum += seconds;
        histogram.buckets[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
    }
}

/// Who reports.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) service: String,
}

impl Resource {
    fn json(&self) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        json!({ "attributes": attributes(&[("service.name", json!(self.service)), ("service.version", json!(version))]) })
    }

    fn scope() -> Value {
        json!({ "name": "manta", "version": env!("CARGO_PKG_VERSION") })
    }

    pub(super) fn spans(&self, spans: &[Span]) -> Value {
        let spans: Vec<Value> = spans.iter().map(Span::json).collect();
        json!({ "resourceSpans": [{ "resource": self.json(), "scopeSpans": [{ "scope": Self::scope(), "spans": spans }] }] })
    }

    pub(super) fn metrics(&self, metrics: &Metrics, dropped: u64) -> Value {
        let (since, now) = (nanoseconds(metrics.since), nanoseconds(SystemTime::now()));
        let points = metrics.series.iter().map(|(key, histogram)| {
            let key: Vec<_> = key.iter().map(|(name, value)| (*name, json!(value))).collect();
            json!({
                "attributes": attributes(&key),
                "startTimeUnixNano": since,
                "timeUnixNano": now,
                "count": histogram.count.to_string(),
                "sum": histogram.sum,
                "bucketCounts": histogram.buckets.iter().map(u64::to_string).collect::<Vec<_>>(),
                "explicitBounds": BOUNDS,
            })
        });
        let durations = json!({
            "name": "mcp.server.operation.duration",
            "unit": "s",
            "histogram": { "aggregationTemporality": 2, "dataPoints": points.collect::<Vec<_>>() },
        });
        let lost = json!({ "startTimeUnixNano": since, "timeUnixNano": now, "asInt": dropped.to_string() });
        let lost = json!({
            "name": "manta.telemetry.dropped",
            "unit": "{span}",
            "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [lost] },
        });
        let scope = json!({ "scope": Self::scope(), "metrics": [durations, lost] });
        json!({ "resourceMetrics": [{ "resource": self.json(), "scopeMetrics": [scope] }] })
    }
}

fn attributes(pairs: &[(&str, Value)]) -> Vec<Value> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    pairs.iter().map(|(name, value)| json!({ "key": name, "value": { "stringValue": text(value) } })).collect()
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
