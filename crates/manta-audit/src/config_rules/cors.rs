//! Cross-origin answers with credentials for every origin.

use manta_core::Finding;
use manta_flow::engine::analysis::{ArgInfo, CallInfo};

use super::{Setup, arg, report};

const HELP: &str = "list the origins that may read answers with credentials";

/// Checks the cross-origin middleware that is wired in.
pub(super) fn check(setup: &Setup<'_>, findings: &mut Vec<Finding>) {
    for call in setup.calls().filter(|call| reflects_with_credentials(call)) {
        let message = "pages of every origin may read answers that carry the user's credentials".to_owned();
        report(findings, "permissive-cors", call.at, message, HELP, Vec::new());
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
