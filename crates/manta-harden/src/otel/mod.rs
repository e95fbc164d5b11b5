//! Ended calls as OpenTelemetry spans and metrics, in OTLP over HTTP with JSON (feature `otel`).
//!
//! Names follow the semantic conventions for MCP (status: development). Telemetry is for looking at a
//! system that works: it may be lost, and then says how much was. What must not be lost is in the audit log,
//! and only what the log has taken is exported, after the same redaction. A `traceparent` of the caller
//! becomes a link; it chooses neither our trace nor whether a call is seen.

mod model;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;

use crate::audit::{Ended, Observer};
use crate::net::{ClientLimits, Method, Request, SafeClient, UrlArg, UrlPolicy};
use crate::policy::spec::OtelSpec;
use model::{Metrics, Resource, Span};

/// Calls that wait for export; more are counted and dropped, so that a collector that hangs costs nothing.
const QUEUE: usize = 4096;
/// Most spans of one request.
const BATCH: usize = 512;
/// Longest time a span waits.
const INTERVAL: Duration = Duration::from_secs(2);

/// Sends what ended to a collector, from a thread of its own. Dropping it sends what is left.
#[derive(Debug)]
pub struct Exporter {
    queue: Option<SyncSender<Span>>,
    dropped: Arc<AtomicU64>,
    worker: Option<JoinHandle<()>>,
    with_arguments: bool,
}

impl Exporter {
    /// Starts exporting to the collector that `[otel]` names.
    ///
    /// # Errors
    /// What is wrong with the section, or that no thread could be started.
    pub fn start(spec: &OtelSpec) -> Result<Self, String> {
        let sink = Sink::new(spec)?;
        let (queue, ended) = sync_channel(QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&dropped);
        let worker = std::thread::Builder::new()
            .name("manta-otel".to_owned())
            .spawn(move || run(&ended, &sink, &counter))
            .map_err(|error| format!("[otel]: {error}"))?;
        Ok(Self { queue: Some(queue), dropped, worker: Some(worker), with_arguments: spec.arguments })
    }

    /// Spans that were not delivered.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Observer for Exporter {
    fn ended(&self, call: &Ended<'_>) {
        let span = Span::of(call, self.with_arguments);
        let is_queued = self.queue.as_ref().is_some_and(|queue| queue.try_send(span).is_ok());
        if !is_queued {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.queue = None; // the worker sends what it has and ends
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// Where telemetry goes.
struct Sink {
    client: SafeClient,
    base: String,
    headers: Vec<(String, String)>,
    resource: Resource,
}

impl Sink {
    fn new(spec: &OtelSpec) -> Result<Self, String> {
        let refuse = |why: String| format!("[otel] endpoint {}: {why}", spec.endpoint);
        let url = Url::parse(&spec.endpoint).map_err(|error| refuse(error.to_string()))?;
        let host = url.host_str().ok_or_else(|| refuse("it names no host".to_owned()))?;
        // The operator's own address, wherever it is: a collector is usually near and private.
        let mut policy = UrlPolicy::new().http(true);
        policy = policy.host(host.trim_matches(['[', ']'])).map_err(|error| refuse(error.to_string()))?;
        for anywhere in ["0.0.0.0/0", "::/0"] {
            policy = policy.dangerous_allow_range(anywhere).map_err(|error| refuse(error.to_string()))?;
        }
        if let Some(port) = url.port() {
            policy = policy.port(port);
        }
        let limits =
            ClientLimits { total: Duration::from_secs(5), redirects: 0, body: 1 << 16, ..ClientLimits::default() };
        let sink = Self {
            client: SafeClient::new(policy).limits(limits),
            base: spec.endpoint.trim_end_matches('/').to_owned(),
            headers: headers(spec)?,
            resource: Resource { service: spec.service.clone() },
        };
        // What cannot be sent must show at start, not as silence.
        sink.request("/v1/traces", &Value::Null).map_err(refuse)?;
        Ok(sink)
    }

    fn request(&self, path: &str, body: &Value) -> Result<Request, String> {
        let url = format!("{}{path}", self.base);
        self.client.policy().check(&url).map_err(|error| error.to_string())?;
        let mut request = Request::new(Method::POST, &UrlArg::new(url)).body(body.to_string());
        let kind = [("content-type".to_owned(), "application/json".to_owned())];
        for (name, value) in kind.iter().chain(&self.headers) {
            request = request.header(name, value).map_err(|error| error.to_string())?;
        }
        Ok(request)
    }

    async fn send(&self, path: &str, body: &Value) -> bool {
        let Ok(request) = self.request(path, body) else { return false };
        self.client.send(request).await.is_ok_and(|response| (200..300).contains(&response.status))
    }
}

/// `name=value,…` from the variable that the policy names: credentials don't belong into a policy.
fn headers(spec: &OtelSpec) -> Result<Vec<(String, String)>, String> {
    let Some(variable) = &spec.headers_env else { return Ok(Vec::new()) };
    let text = std::env::var(variable).map_err(|_| format!("[otel]: the variable {variable} is not set"))?;
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    let pairs = text.split(',').filter(|part| !part.trim().is_empty()).map(pair);
    pairs.collect::<Option<_>>().ok_or_else(|| format!("[otel]: {variable} is not a list of name=value"))
}

fn run(ended: &Receiver<Span>, sink: &Sink, dropped: &AtomicU64) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let mut metrics = Metrics::new();
    loop {
        let (batch, is_over) = gather(ended);
        if !batch.is_empty() {
            batch.iter().for_each(|span| metrics.count(span));
            let mut delivered = runtime.block_on(sink.send("/v1/traces", &sink.resource.spans(&batch)));
            if !delivered && !is_over {
                std::thread::sleep(Duration::from_millis(500));
                delivered = runtime.block_on(sink.send("/v1/traces", &sink.resource.spans(&batch)));
            }
            if !delivered {
                dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
            // Cumulative, so that one that is lost is made up for by the next.
            let body = sink.resource.metrics(&metrics, dropped.load(Ordering::Relaxed));
            runtime.block_on(sink.send("/v1/metrics", &body));
        }
        if is_over {
            return;
        }
    }
}

/// What ended within one interval, and whether nothing more will come.
fn gather(ended: &Receiver<Span>) -> (Vec<Span>, bool) {
    let mut batch = Vec::new();
    let deadline = Instant::now() + INTERVAL;
    while batch.len() < BATCH {
        match ended.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(span) => batch.push(span),
            Err(RecvTimeoutError::Timeout) => return (batch, false),
            Err(RecvTimeoutError::Disconnected) => return (batch, true),
        }
    }
    (batch, false)
}
