//! Controls that are missing on the way from the transport to the end of a handler: `no-rate-limit`, `no-audit-log` and
//! `unbounded-input`.
//!
//! What counts is what is called and decided, not what things are named: the way of each tool is what its run met, and
//! what was wired around it while the program loaded. Where the way isn't known to its end, nothing is said.

use manta_core::{Finding, Step};
use manta_flow::engine::analysis::{Analysis, CallInfo, ParamFacts, ToolFacts};
use manta_flow::engine::models::{Exposes, SinkKind};
use manta_flow::engine::promises::Act;

use crate::rules;

/// Packages that limit how often, or how many at once.
const LIMITERS: [&str; 36] = [
    "express-rate-limit",
    "express-slow-down",
    "rate-limiter-flexible",
    "@fastify/rate-limit",
    "fastify-rate-limit",
    "hono-rate-limiter",
    "koa-ratelimit",
    "@upstash/ratelimit",
    "@nestjs/throttler",
    "@arcjet/node",
    "bottleneck",
    "limiter",
    "p-limit",
    "p-queue",
    "p-throttle",
    "async-sema",
    "async-mutex",
    "lodash.throttle",
    "lodash.throttle()",
    "slowapi",
    "limits",
    "ratelimit",
    "aiolimiter",
    "asyncio_throttle",
    "pyrate_limiter",
    "fastapi_limiter",
    "flask_limiter",
    "throttled",
    "token_bucket",
    "asyncio.Semaphore",
    "asyncio.BoundedSemaphore",
    "threading.Semaphore",
    "threading.BoundedSemaphore",
    "anyio.Semaphore",
    "anyio.CapacityLimiter",
    "fastmcp.server.middleware.rate_limiting",
];

/// Packages and classes that record every request of a server that uses them.
const RECORDERS: [&str; 8] = [
    "morgan",
    "pino-http",
    "express-winston",
    "koa-logger",
    "hono/logger",
    "fastmcp.server.middleware.logging",
    "opentelemetry",
    "@opentelemetry",
];

/// Last names of functions that write a record.
const RECORDS: [&str; 24] = [
    "log",
    "info",
    "debug",
    "warn",
    "warning",
    "error",
    "exception",
    "critical",
    "notice",
    "audit",
    "success",
    "print",
    "appendFile",
    "appendFileSync",
    "sendLoggingMessage",
    "send_log_message",
    "captureMessage",
    "capture_message",
    "captureException",
    "capture_exception",
    "startSpan",
    "startActiveSpan",
    "start_as_current_span",
    "msg",
];

/// Findings about missing controls.
pub(crate) fn findings(analysis: &Analysis) -> Vec<Finding> {
    let loaded = || analysis.calls.iter().filter(|call| !call.in_handler);
    let is_limited = loaded().any(|call| is_of(&call.api, &LIMITERS));
    let is_recorded = loaded().any(|call| is_of(&call.api, &RECORDERS) || logs_requests(call));
    let mut findings: Vec<Finding> = Vec::new();
    for tool in analysis.tools.iter().filter(|tool| is_known(tool)) {
        let Some((act, does)) = costs(tool) else { continue };
        let calls = &tool.way.calls;
        let mut missing: Vec<(&str, String, &str)> = Vec::new();
        if !is_limited && !tool.way.decides_by_clock && !calls.iter().any(|api| is_of(api, &LIMITERS)) {
            missing.push((
                "no-rate-limit",
                format!("`{}` {does}, and nothing on the way limits how often or how many at once", tool.name),
                "limit calls per caller and time, or how many run at once, before the handler",
            ));
        }
        if !is_recorded && !calls.iter().any(|api| is_record(api)) {
            missing.push((
                "no-audit-log",
                format!("`{}` {does}, and nothing on the way records that it was called", tool.name),
                "record tool, caller and outcome of every call, on standard error or in a log that the server can't change",
            ));
        }
        let unbounded: Vec<&str> = tool.params.iter().filter(|param| is_unbounded(param, tool)).map(name).collect();
        if !unbounded.is_empty() && !tool.way.decides_by_length {
            let list = unbounded.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            missing.push((
                "unbounded-input",
                format!("`{}` {does} and takes {list} of any length", tool.name),
                "declare a largest length in the schema, or compare the length before using the value",
            ));
        }
        for (id, message, help) in missing {
            // Several registrations of one tool (one per transport) are one tool.
            if !findings
                .iter()
                .any(|known| known.rule.id == id && known.location == tool.at && known.message == message)
            {
                findings.push(finding(id, tool, act, message, does, help));
            }
        }
    }
    findings
}

fn finding(id: &str, tool: &ToolFacts, act: &Act, message: String, does: &str, help: &str) -> Finding {
    let mut finding = Finding::at(rules::known(id), tool.at, message);
    finding.tools = vec![tool.name.clone()];
    finding.subject = Some(tool.name.clone());
    finding.trace = vec![
        Step { location: tool.at, message: "the tool is registered here".to_owned() },
        Step { location: act.at, message: format!("{does} here with {}", act.api) },
    ];
    help.clone_into(&mut finding.help);
    finding
}

/// Whether the whole way of a tool was followed.
fn is_known(tool: &ToolFacts) -> bool {
    matches!(tool.exposes, Exposes::Tool | Exposes::Handler) && tool.is_resolved && !tool.is_incomplete
}

/// What a call of the tool costs somebody, the dearest first.
fn costs(tool: &ToolFacts) -> Option<(&Act, &'static str)> {
    let classes: [(&[SinkKind], &'static str); 5] = [
        (&[SinkKind::Shell, SinkKind::Argv, SinkKind::RemoteShell], "starts a program"),
        (
            &[SinkKind::Code, SinkKind::Module, SinkKind::Kernel, SinkKind::PageScript, SinkKind::BrowserScript],
            "runs code",
        ),
        (&[SinkKind::FileWrite, SinkKind::FileCreate, SinkKind::Extract], "writes files"),
        (&[SinkKind::Url, SinkKind::Host, SinkKind::Browse], "calls out"),
        (&[SinkKind::Sql, SinkKind::Query], "asks a database"),
    ];
    classes.into_iter().find_map(|(kinds, does)| Some((tool.acts.iter().find(|act| kinds.contains(&act.kind))?, does)))
}

/// Whether an access path starts with one of the names, and goes on with another name if at all.
fn is_of(api: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        api.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || "-_".contains(c)))
    })
}

fn is_record(api: &str) -> bool {
    let last = api.trim_end_matches("()").rsplit('.').next().unwrap_or(api);
    let is_number = ["globalThis.Math.", "math.", "cmath.", "numpy."].iter().any(|root| api.starts_with(root));
    RECORDS.contains(&last) && !is_number || is_of(api, &RECORDERS)
}

/// `fastify({ logger: true })` and middleware of one's own choice that says it logs.
fn logs_requests(call: &CallInfo) -> bool {
    call.api.starts_with("fastify") && !call.args.is_empty() || call.api.ends_with("LoggingMiddleware")
}

fn name(param: &ParamFacts) -> &str {
    &param.name
}

/// Whether nothing that is enforced says how long a text or list may be.
fn is_unbounded(param: &ParamFacts, tool: &ToolFacts) -> bool {
    let is_long = matches!(param.ty.as_str(), "string" | "str" | "any" | "bytes" | "array" | "list")
        || param.ty.ends_with("[]")
        || param.ty.starts_with("list[");
    // Every other constraint leaves texts of a known form.
    let is_open = |constraint: &str| matches!(constraint, "min" | "nonempty") || constraint.starts_with("starts with");
    let is_bound = |constraint: &String| !is_open(constraint);
    is_long && !(tool.validates && param.constraints.iter().any(is_bound))
}
