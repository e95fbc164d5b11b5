//! Clients that send credentials: to servers they do not verify, to hosts that the caller chooses.

use manta_core::{Finding, ParamSource, Step};
use manta_flow::engine::analysis::{ArgInfo, CallInfo};
use manta_flow::engine::credentials::Credential;
use manta_flow::engine::report::FlowRule;

use super::{Setup, arg, report};

/// Checks requests and clients.
pub(super) fn check(setup: &Setup<'_>, findings: &mut Vec<Finding>) {
    for call in setup.calls() {
        unverified(setup, call, findings);
    }
    for flow in setup.analysis.flows.iter().filter(|flow| matches!(flow.rule, FlowRule::Ssrf | FlowRule::WeakHostCheck))
    {
        let carries = setup.calls().any(|call| call.at == flow.at && carries_credentials(call));
        if !carries {
            continue;
        }
        let message = format!("a credential of the server goes to a host that `{}` decides", flow.source.0);
        let help = "compare the URL's origin with a fixed one before attaching the credential, and do not follow redirects with it";
        let trace: Vec<Step> = flow
            .trace
            .iter()
            .map(|(location, message)| Step { location: *location, message: message.clone() })
            .collect();
        if let Some(index) = report(findings, "credential-forwarding", flow.at, message, help, trace) {
            let tools: Vec<String> = flow.tools.iter().map(|tool| setup.analysis.tools[*tool].name.clone()).collect();
            let tool = flow.set_by.clone().or_else(|| tools.first().cloned()).unwrap_or_default();
            findings[index].source = Some(ParamSource { tool, param: flow.source.0.clone(), location: flow.source.1 });
            findings[index].tools = tools;
        }
    }
}

/// A request, or a client, that accepts any certificate and carries credentials.
fn unverified(setup: &Setup<'_>, call: &CallInfo, findings: &mut Vec<Finding>) {
    let python = ["requests", "httpx", "aiohttp"].iter().any(|root| call.api.starts_with(root));
    let off = Some(&ArgInfo::Bool(false));
    let is_off = if python {
        arg::lookup(&call.named, "verify") == off || arg::lookup(&call.named, "ssl") == off
    } else {
        arg::option(call, "rejectUnauthorized") == off
            || arg::option(call, "connect").and_then(|connect| arg::field(connect, "rejectUnauthorized")) == off
    };
    if !is_off || is_local(call) {
        return;
    }
    // An agent is made in one place and used in another: whoever uses it says what travels.
    let sends = carries_credentials(call)
        || call.made.is_some_and(|id| {
            setup
                .calls()
                .any(|user| arg::all(user).flat_map(arg::made).any(|made| made.id == id) && carries_credentials(user))
        });
    if !sends {
        return;
    }
    let message = "credentials go to a server whose certificate is not checked".to_owned();
    let help = "trust the authority that signed the certificate (`ca`, `verify=\"ca.pem\"`) instead of switching verification off";
    report(findings, "tls-verification-disabled", call.at, message, help, Vec::new());
}

/// Whether every address in a request is on this machine.
fn is_local(call: &CallInfo) -> bool {
    let addresses: Vec<&str> = call
        .args
        .iter()
        .flat_map(arg::texts)
        .chain(arg::option(call, "baseURL").into_iter().chain(arg::option(call, "base_url")).flat_map(arg::texts))
        .filter(|text| text.contains("://"))
        .collect();
    let local = ["://localhost", "://127.", "://[::1]"];
    !addresses.is_empty() && addresses.iter().all(|url| local.iter().any(|host| url.contains(host)))
}

/// Whether a request or client has a credential: a header that is one, an `auth` option, or one of the server's anywhere.
fn carries_credentials(call: &CallInfo) -> bool {
    let header = |headers: &ArgInfo| {
        let ArgInfo::Record(fields) = headers else { return false };
        fields.iter().any(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let is_credential = matches!(name.as_str(), "authorization" | "cookie" | "private-token")
                || ["api-key", "apikey", "auth-token", "access-token"].iter().any(|part| name.contains(part));
            is_credential && *value != ArgInfo::Null
        })
    };
    let of = |name: &str| arg::option(call, name).or_else(|| arg::lookup(&call.state, name));
    let by_header = of("headers").is_some_and(|headers| arg::alternatives(headers).into_iter().any(header));
    let is_own = |credential: &Credential| !matches!(credential, Credential::OfClient);
    let by_value = || arg::all(call).any(|value| arg::credentials(value).iter().any(is_own));
    by_header
        || by_value()
        || ["auth", "cookies"].iter().any(|name| of(name).is_some_and(|value| !arg::is_off(Some(value))))
}
