//! Session identifiers that can be guessed.

use manta_core::Finding;

use super::{Setup, arg, report};

/// Sources of numbers that an outsider can predict.
const PREDICTABLE: [&str; 5] = ["now", "random", "getTime", "hrtime", "uptime"];
/// Sources that nobody can predict.
const UNPREDICTABLE: [&str; 5] = ["randomUUID", "randomBytes", "getRandomValues", "randomInt", "v4"];

/// Checks the generators handed to transports.
pub(super) fn check(setup: &Setup<'_>, findings: &mut Vec<Finding>) {
    for call in setup.calls() {
        let Some(generator) = arg::option(call, "sessionIdGenerator") else { continue };
        let uses = |names: &[&str], facts: &manta_flow::engine::config::FunctionFacts| {
            names.iter().any(|name| facts.names.contains(*name))
        };
        let is_predictable = arg::functions(generator)
            .into_iter()
            .any(|facts| uses(&PREDICTABLE, facts) && !uses(&UNPREDICTABLE, facts));
        if is_predictable {
            let message = "the session identifier can be guessed: it comes from the time or `Math.random`".to_owned();
            report(findings, "session-fixation", call.at, message, "use `randomUUID` of `node:crypto`", Vec::new());
        }
    }
}
