//! Where credentials go: `secret-exposure` and `token-passthrough`.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{Confidence, Finding, Location, Severity, Step};
use manta_flow::engine::analysis::{CallInfo, ToolFacts};
use manta_flow::engine::credentials::{Credential, HandedOut};

use super::{Setup, arg, report};

const RULE: &str = "secret-exposure";

/// Checks what tools answer, what is logged and what is sent.
pub(super) fn check(setup: &Setup<'_>, findings: &mut Vec<Finding>) {
    for tool in &setup.analysis.tools {
        answered(tool, findings);
    }
    for call in setup.calls() {
        logged(setup, call, findings);
        passed_on(setup, call, findings);
    }
}

/// One finding per place at which a tool answers, whatever it gives away there.
fn answered(tool: &ToolFacts, findings: &mut Vec<Finding>) {
    let mut places: BTreeMap<Location, Vec<&HandedOut>> = BTreeMap::new();
    // A client that gets back what it sent learns nothing.
    for out in tool.handed_out.iter().filter(|out| of_server(&out.credential).is_some()) {
        places.entry(out.at.unwrap_or(tool.at)).or_default().push(out);
    }
    for (at, given) in places {
        let what: Vec<String> = given.iter().filter_map(|out| of_server(&out.credential)).collect();
        let message = match what.as_slice() {
            [only] => format!("{only} is part of what the tool answers"),
            [first, rest @ ..] => format!("{first} and {} more are part of what the tool answers", rest.len()),
            [] => continue,
        };
        // Several tools may answer at one place.
        if let Some(known) = findings.iter_mut().find(|known| known.rule.id == RULE && known.location == at) {
            if !known.tools.contains(&tool.name) {
                known.tools.push(tool.name.clone());
            }
            continue;
        }
        let mut finding = Finding::at(crate::rules::known(RULE), at, message);
        finding.help = "answer with what the caller needs: whether it is set, or its last four characters".to_owned();
        finding.tools = vec![tool.name.clone()];
        finding.trace = vec![Step { location: tool.at, message: "the tool is registered here".to_owned() }];
        let through: BTreeSet<Location> = given.iter().flat_map(|out| out.through.iter().copied()).collect();
        let steps = through.into_iter().map(|at| Step { location: at, message: "it is returned here".to_owned() });
        finding.trace.extend(steps);
        finding.trace.push(Step { location: at, message: "the answer is returned here".to_owned() });
        findings.push(finding);
    }
}

fn logged(setup: &Setup<'_>, call: &CallInfo, findings: &mut Vec<Finding>) {
    if !is_log(&call.api) {
        return;
    }
    let Some(what) = held(call).iter().find_map(of_server) else { return };
    let message = format!("{what} is written to a log with {}", call.api);
    let help = "leave it out, or log whether it is set: logs are kept, sent and read by others";
    if let Some(index) = report(findings, RULE, call.at, message, help, Vec::new()) {
        findings[index].severity = Severity::Medium;
        findings[index].confidence = Confidence::Medium;
        findings[index].tools = tools(setup, call);
    }
}

/// A request of a tool that carries the client's token.
fn passed_on(setup: &Setup<'_>, call: &CallInfo, findings: &mut Vec<Finding>) {
    if call.tool.is_none() || !is_request(&call.api) {
        return;
    }
    let headers = arg::option(call, "headers").or_else(|| arg::lookup(&call.state, "headers"));
    let carries = headers.is_some_and(|headers| arg::credentials(headers).contains(&Credential::OfClient));
    if !carries {
        return;
    }
    let message = format!("the token that the client sent goes on to another service in {}", call.api);
    let help =
        "ask for a token of the server's own for the other service: by token exchange (RFC 8693) or client credentials";
    if let Some(index) = report(findings, "token-passthrough", call.at, message, help, Vec::new()) {
        findings[index].tools = tools(setup, call);
    }
}

/// The tools whose handlers made this call, or the same call at the same place.
fn tools(setup: &Setup<'_>, call: &CallInfo) -> Vec<String> {
    let same = setup.calls().filter(|other| other.at == call.at).filter_map(|other| other.tool);
    let same: BTreeSet<usize> = same.collect();
    same.iter().filter_map(|tool| setup.analysis.tools.get(*tool)).map(|tool| tool.name.clone()).collect()
}

fn held(call: &CallInfo) -> BTreeSet<Credential> {
    arg::all(call).flat_map(arg::credentials).collect()
}

/// A credential of the server in words.
fn of_server(credential: &Credential) -> Option<String> {
    Some(match credential {
        Credential::Variable(name) => format!("the server's `{name}`"),
        Credential::Environment => "any variable of the environment".to_owned(),
        Credential::Argument(name) => format!("the server's option `{name}`"),
        Credential::OfClient => return None,
    })
}

fn is_log(api: &str) -> bool {
    const LEVELS: [&str; 12] = [
        "log",
        "trace",
        "debug",
        "info",
        "notice",
        "warn",
        "warning",
        "error",
        "exception",
        "critical",
        "fatal",
        "success",
    ];
    const STREAMS: [&str; 5] = [
        "builtins.print",
        "sys.stderr.write",
        "sys.stdout.write",
        "globalThis.process.stderr.write",
        "globalThis.process.stdout.write",
    ];
    const LOGGERS: [&str; 6] = ["console", "log", "winston", "pino", "bunyan", "consola"];
    let of = api.rsplit_once('.').map_or("", |(of, _)| of).to_ascii_lowercase();
    let is_logger = LOGGERS.iter().any(|logger| of.contains(logger));
    STREAMS.contains(&api) || is_logger && LEVELS.contains(&arg::last(api))
}

fn is_request(api: &str) -> bool {
    const CLIENTS: [&str; 12] = [
        "globalThis.fetch",
        "axios",
        "got",
        "ky",
        "undici",
        "node-fetch",
        "superagent",
        "requests",
        "httpx",
        "aiohttp",
        "urllib",
        "https",
    ];
    CLIENTS
        .iter()
        .any(|client| api.strip_prefix(client).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '(', '/'])))
}
