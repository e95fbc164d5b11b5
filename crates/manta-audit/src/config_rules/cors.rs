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
            on("credentials") && arg::option(call, "origin") == Some(&ArgInfo::Bool(true))
        }
        _ if call.args.iter().flat_map(arg::apis).any(|api| arg::last(api) == "CORSMiddleware") => {
            // Starlette answers `*` with the origin of the request when credentials are allowed.
            let is_any = |value: &ArgInfo| matches!(value, ArgInfo::List(items) if items.iter().any(|item| *item == ArgInfo::Text("*".to_owned())));
            on("allow_credentials") && arg::lookup(&call.named, "allow_origins").is_some_and(is_any)
        }
        _ => false,
    }
}
