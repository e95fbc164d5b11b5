//! Cross-origin answers for every origin: with the user's credentials, or of a server that asks for none.

use manta_core::{Finding, Location, Step};
use manta_flow::engine::analysis::{ArgInfo, CallInfo};

use super::listeners::Listener;
use super::{Setup, arg, http, report};

const HELP: &str = "list the origins that may read answers with credentials";
const OPEN_HELP: &str = "name the origins whose pages may read answers, or require a token";

/// Checks the cross-origin middleware that is wired in, and the headers that handlers write.
pub(super) fn check(setup: &Setup<'_>, findings: &mut Vec<Finding>) {
    for call in setup.calls().filter(|call| reflects_with_credentials(call)) {
        let message = "pages of every origin may read answers that carry the user's credentials".to_owned();
        report(findings, "permissive-cors", call.at, message, HELP, Vec::new());
    }
}

/// Checks listeners that let anybody in: a server on this machine, or in a network that strangers do not reach, is reached
/// by every page that its user visits, and without these headers such a page could at least not read what it answers.
pub(super) fn check_open(setup: &Setup<'_>, listeners: &[Listener<'_>], findings: &mut Vec<Finding>) {
    for listener in listeners {
        let says_so = |finding: &Finding| {
            let is_here = |at: Location| at == listener.call.at;
            matches!(finding.rule.id, "dns-rebinding" | "unauthenticated-http")
                && (is_here(finding.location) || finding.trace.iter().any(|step| is_here(step.location)))
        };
        if http::lets_in_any_page(setup, listener) && !findings.iter().any(says_so) {
            for at in opened(listener) {
                let message =
                    "pages of every origin may read what this server answers, and nobody is asked who they are";
                let served = Step { location: listener.call.at, message: "listens here".to_owned() };
                report(findings, "permissive-cors", at, message.to_owned(), OPEN_HELP, vec![served]);
            }
        }
    }
}

/// Where a listener gives every origin leave to read.
fn opened(listener: &Listener<'_>) -> Vec<Location> {
    let written = listener.functions().into_iter().flat_map(|(_, facts, _)| facts.opens.iter().copied());
    let wired = listener.wiring.iter().filter(|call| opens_to_all(call)).map(|call| call.at);
    written.chain(wired).collect()
}

/// Whether middleware answers every origin with `*`.
fn opens_to_all(call: &CallInfo) -> bool {
    let has_any = |origins: &ArgInfo| arg::alternatives(origins).into_iter().any(|one| arg::texts(one) == ["*"]);
    let apis: Vec<&str> = call.args.iter().flat_map(arg::apis).collect();
    if apis.iter().any(|api| arg::last(api) == "CORSMiddleware") {
        return arg::lookup(&call.named, "allow_origins").is_some_and(is_any_by_default);
    }
    match call.api.as_str() {
        // Without an origin it is `*`.
        "cors" => !call.is_open && arg::option(call, "origin").is_none_or(has_any),
        "@fastify/cors" | "@koa/cors" => arg::option(call, "origin").is_some_and(has_any),
        _ => false,
    }
}

fn reflects_with_credentials(call: &CallInfo) -> bool {
    let on = |name: &str| arg::option(call, name) == Some(&ArgInfo::Bool(true));
    match call.api.as_str() {
        // `true` reflects the origin of the request; `*` is refused by browsers together with credentials.
        "cors" | "@fastify/cors" | "@koa/cors" => {
            on("credentials") && arg::option(call, "origin").is_some_and(is_reflected_by_default)
        }
        _ if call.args.iter().flat_map(arg::apis).any(|api| arg::last(api) == "CORSMiddleware") => {
            // Starlette answers `*` with the origin of the request when credentials are allowed.
            on("allow_credentials") && arg::lookup(&call.named, "allow_origins").is_some_and(is_any_by_default)
        }
        _ => false,
    }
}

/// Whether a list of origins has `*` in it unless the administrator names others.
fn is_any_by_default(origins: &ArgInfo) -> bool {
    let is_known = |items: &&Vec<ArgInfo>| items.iter().all(|item| !arg::texts(item).is_empty());
    let lists = arg::alternatives(origins).into_iter().filter_map(|value| match value {
        ArgInfo::List(items) => Some(items),
        _ => None,
    });
    let usual = lists.into_iter().find(is_known);
    usual.is_some_and(|items| items.iter().any(|item| arg::texts(item).contains(&"*")))
}

/// Whether an option is `true` unless the administrator says otherwise.
fn is_reflected_by_default(origin: &ArgInfo) -> bool {
    let is_constant = |value: &&ArgInfo| matches!(value, ArgInfo::Bool(_) | ArgInfo::Text(_) | ArgInfo::List(_));
    arg::alternatives(origin).into_iter().find(is_constant) == Some(&ArgInfo::Bool(true))
}
