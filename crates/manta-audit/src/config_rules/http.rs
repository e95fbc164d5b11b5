//! HTTP transports: reachable by whom, and guarded against pages that rebind a name to this machine.

use std::collections::BTreeSet;

use manta_core::{Finding, Location, Severity, Step};
use manta_flow::engine::analysis::{ArgInfo, CallInfo};
use manta_flow::engine::config::FunctionFacts;

use super::listeners::{Binding, Listener, SERVES, is_mcp_route};
use super::{Setup, arg, report};

const REBINDING_HELP: &str = "answer only requests whose `Host` (and `Origin`, if sent) is on a list: `createMcpExpressApp()` \
or `enableDnsRebindingProtection` with `allowedHosts` (TypeScript), `TransportSecuritySettings(allowed_hosts=[…])` or \
`TrustedHostMiddleware` (Python); or require a token";
const AUTH_HELP: &str = "listen on 127.0.0.1, or require a token: `requireBearerAuth` (TypeScript), `auth=` (Python)";

/// Checks every listener that serves MCP.
pub(super) fn check(setup: &Setup<'_>, listeners: &[Listener<'_>], findings: &mut Vec<Finding>) {
    for listener in listeners {
        let Some(transports) = transports(setup, listener, listeners) else { continue };
        let auth = authentication(setup, listener);
        if auth == Strength::Always {
            continue;
        }
        if listener.binding.is_all() && auth == Strength::None {
            unauthenticated(listener, &transports, findings);
        }
        let open: Vec<&CallInfo> = transports.iter().copied().filter(|call| !is_protected(call)).collect();
        let is_open = listener.is_known && (transports.is_empty() || !open.is_empty());
        if is_open && !validates_host(setup, listener) {
            rebinding(listener, &open, findings);
        }
    }
}

/// Whether a listener answers pages of any origin without a question.
pub(super) fn lets_in_any_page(setup: &Setup<'_>, listener: &Listener<'_>) -> bool {
    let asks = |facts: &FunctionFacts| {
        facts.refuses && (facts.decides_on.contains("origin") || facts.decides_on.contains("credential"))
    };
    let looks = listener.functions().into_iter().any(|(_, facts, _)| asks(facts));
    let is_checked = listener.apis().into_iter().any(|(_, api)| is_host_check(api));
    !looks && !is_checked && !by_framework(setup, listener) && authentication(setup, listener) == Strength::None
}

fn unauthenticated(listener: &Listener<'_>, transports: &[&CallInfo], findings: &mut Vec<Finding>) {
    let at = listener.call.at;
    let mut trace: Vec<Step> = listener
        .default_at
        .map(|at| Step { location: at, message: "the default is all interfaces".to_owned() })
        .into_iter()
        .collect();
    trace.extend(transports.iter().map(|call| step(call, "the MCP transport is made here")));
    trace.push(step(listener.call, "listens on all interfaces"));
    let message = "the MCP server listens on all network interfaces and asks nobody who they are".to_owned();
    if let Some(index) = report(findings, "unauthenticated-http", at, message, AUTH_HELP, trace) {
        // What an administrator can change by a setting is a lesser fault than what the code insists on.
        findings[index].severity =
            if listener.binding == Binding::All && listener.is_explicit { Severity::High } else { Severity::Medium };
    }
}

fn rebinding(listener: &Listener<'_>, open: &[&CallInfo], findings: &mut Vec<Finding>) {
    let at = open.first().map_or(listener.call.at, |call| call.at);
    let mut trace: Vec<Step> = Vec::new();
    for call in open {
        for route in routes_to(listener, call) {
            trace.push(step(route, "requests arrive here"));
        }
        trace.push(step(call, "the transport does not look at `Host` or `Origin`"));
    }
    // A transport that is made beforehand is not in the handler that gives it requests.
    for (call, ..) in listener.functions().into_iter().filter(|(_, facts, _)| serves(facts)) {
        if call.at != listener.call.at && trace.iter().all(|step| step.location != call.at) {
            trace.push(step(call, "requests arrive here"));
        }
    }
    for at in listener.functions().into_iter().flat_map(|(_, facts, _)| &facts.prefix_tests) {
        let message = "compares only how `Origin` begins, so `http://localhost.evil.example` passes".to_owned();
        trace.push(Step { location: *at, message });
    }
    let switched_off = |call: &&&CallInfo| call.named.iter().any(|(name, value)| is_switched_off(name, value));
    for call in listener.wiring.iter().filter(switched_off) {
        trace.push(step(call, "the check of `Host` and `Origin` is switched off here"));
    }
    trace.push(step(listener.call, "listens here, and nothing before the transport looks at `Host` or `Origin`"));
    trace.dedup();
    let message = "the HTTP transport answers whatever `Host` and `Origin` a request names, so a web page can reach it by DNS rebinding";
    report(findings, "dns-rebinding", at, message.to_owned(), REBINDING_HELP, trace);
}

fn step(call: &CallInfo, message: &str) -> Step {
    Step { location: call.at, message: message.to_owned() }
}

/// Whether a function hands requests to a transport.
fn serves(facts: &FunctionFacts) -> bool {
    SERVES.iter().any(|name| facts.names.contains(*name))
}

// ---------------------------------------------------------------------- transports

/// Constructors of server-side HTTP transports that get requests from the program; version 2 of the SDK serves what a
/// factory makes and leaves `Host` and `Origin` to whatever stands before it.
fn is_transport(api: &str) -> bool {
    let is_mcp = api.starts_with("@modelcontextprotocol/") || api.starts_with("mcp.");
    is_mcp
        && matches!(
            arg::last(api),
            "StreamableHTTPServerTransport"
                | "SSEServerTransport"
                | "NodeStreamableHTTPServerTransport"
                | "WebStandardStreamableHTTPServerTransport"
                | "SseServerTransport"
                | "StreamableHTTPSessionManager"
                | "StreamableHTTPServerTransportOptions"
                | "createMcpHandler"
        )
        && !api.contains("/client/")
        && !api.contains(".client.")
}

/// The transports behind a listener (none of their own for frameworks that make them inside); none when it does not
/// serve MCP.
fn transports<'a>(setup: &Setup<'a>, listener: &Listener<'a>, all: &[Listener<'a>]) -> Option<Vec<&'a CallInfo>> {
    if !listener.is_known {
        return Some(Vec::new());
    }
    let calls: &'a [CallInfo] = &setup.analysis.calls;
    let every: Vec<&CallInfo> = once_per_place(calls.iter().filter(|call| is_transport(&call.api)));
    let functions = listener.functions();
    let spans: Vec<Location> = functions.iter().flat_map(|(_, facts, _)| facts.functions.iter().copied()).collect();
    let made: BTreeSet<u32> = listener.wiring.iter().filter_map(|call| call.made).collect();
    let own: Vec<&CallInfo> = every
        .iter()
        .copied()
        .filter(|call| {
            spans.iter().any(|span| contains(*span, call.at)) || call.made.is_some_and(|id| made.contains(&id))
        })
        .collect();
    if !own.is_empty() {
        return Some(own);
    }
    let is_framework = listener.wiring.iter().any(|call| {
        FRAMEWORK_APPS.contains(&arg::last(&call.api))
            || call.api.contains("FastMCP()")
            || call.api.contains("MCPServer()")
    }) || factories(listener)
        .any(|facts| FRAMEWORK_APPS.iter().any(|name| facts.names.contains(*name)));
    // Without an SDK the program's own handler of messages is what its only listener serves.
    let is_home_made = all.len() == 1 && setup.analysis.tools.iter().any(|tool| tool.sdk == "json-rpc");
    if is_framework || is_home_made || listener.wiring.iter().any(|call| is_mcp_route(call)) {
        return Some(Vec::new());
    }
    let near = |call: &&&CallInfo| call.at.file == listener.call.at.file;
    let same_file: Vec<&CallInfo> = every.iter().filter(near).copied().collect();
    let uses = |name: &str| functions.iter().any(|(_, facts, _)| facts.names.contains(name));
    let has_handler = same_file.iter().any(|call| arg::last(&call.api) == "createMcpHandler");
    let is_served = SERVES.into_iter().any(uses) || uses("fetch") && has_handler;
    if is_served {
        return Some(if same_file.is_empty() { every } else { same_file });
    }
    // An application that is not known: the only listener of a file that makes transports serves them.
    let is_only = all.iter().filter(|other| other.call.at.file == listener.call.at.file).count() == 1;
    (is_only && (functions.is_empty() && !same_file.is_empty() || has_handler)).then_some(same_file)
}

/// Methods of the SDK's servers that make the application they serve.
const FRAMEWORK_APPS: [&str; 3] = ["sse_app", "streamable_http_app", "http_app"];

/// Functions of the program that make the application when the listener starts: a class derived from the SDK's server
/// has such methods of its own (`uvicorn.run(server.streamable_http_app)`).
fn factories<'a>(listener: &Listener<'a>) -> impl Iterator<Item = &'a FunctionFacts> {
    listener.call.args.first().into_iter().flat_map(arg::functions)
}

fn once_per_place<'a>(calls: impl Iterator<Item = &'a CallInfo>) -> Vec<&'a CallInfo> {
    let mut seen = BTreeSet::new();
    calls.filter(|call| seen.insert(call.at)).collect()
}

fn contains(outer: Location, inner: Location) -> bool {
    outer.file == inner.file && outer.span.contains(inner.span)
}

/// Route registrations whose handler makes the transport, or hands requests to the one handler of a second-version SDK.
fn routes_to<'a>(listener: &Listener<'a>, transport: &CallInfo) -> Vec<&'a CallInfo> {
    let is_handler = arg::last(&transport.api) == "createMcpHandler";
    let hands_on = |call: &CallInfo| {
        is_handler && call.args.iter().flat_map(arg::functions).any(|facts| facts.names.contains("fetch"))
    };
    let leads = |call: &&CallInfo| contains(call.at, transport.at) || hands_on(call);
    listener.wiring.iter().copied().filter(|call| call.at != listener.call.at).filter(leads).collect()
}

/// Whether the transport itself checks, by its options.
fn is_protected(call: &CallInfo) -> bool {
    if call.api.starts_with("mcp.") {
        let settings = arg::lookup(&call.named, "security_settings");
        return call.is_open || settings.is_some_and(enforces);
    }
    let is_on = !arg::is_off_by_default(arg::option(call, "enableDnsRebindingProtection"));
    let has_list = ["allowedHosts", "allowedOrigins"].iter().any(|name| !arg::is_off(arg::option(call, name)));
    // Options that are not known get the benefit of the doubt.
    let is_open = call.is_open
        || call.args.last().is_some_and(|value| matches!(value, ArgInfo::Unknown) && !call.api.contains("SSE"));
    is_on && has_list || is_open
}

/// Whether `TransportSecuritySettings(…)` is on.
fn enforces(settings: &ArgInfo) -> bool {
    let is_null = arg::alternatives(settings).into_iter().all(|value| *value == ArgInfo::Null);
    let is_off = arg::field(settings, PROTECTION).is_some_and(|value| is_switched_off(PROTECTION, value));
    !is_null && !is_off
}

/// The switch of `TransportSecuritySettings`.
const PROTECTION: &str = "enable_dns_rebinding_protection";

fn is_switched_off(name: &str, value: &ArgInfo) -> bool {
    name == PROTECTION && *value == ArgInfo::Bool(false)
}

// ---------------------------------------------------------------------- what stands before the transport

/// Whether something before the transport looks at `Host` or `Origin` and refuses.
fn validates_host(setup: &Setup<'_>, listener: &Listener<'_>) -> bool {
    let own = listener.functions().into_iter().any(|(_, facts, _)| {
        facts.refuses && (facts.decides_on.contains("host") || facts.decides_on.contains("origin"))
    });
    // Without middleware, a guard is a function that the handler asks.
    let is_guard = |call: &CallInfo| {
        call.api.starts_with("@modelcontextprotocol/node")
            && is_host_check(&call.api)
            && call.at.file == listener.call.at.file
    };
    own || setup.analysis.calls.iter().any(is_guard)
        || listener.apis().into_iter().any(|(_, api)| is_host_check(api))
        || by_framework(setup, listener)
}

fn is_host_check(api: &str) -> bool {
    const CHECKS: [&str; 8] = [
        "hostHeaderValidation",
        "localhostHostValidation",
        "originValidation",
        "localhostOriginValidation",
        "TrustedHostMiddleware",
        "TransportSecurityMiddleware",
        "HostOriginGuardMiddleware",
        "csrf",
    ];
    CHECKS.contains(&arg::last(api))
}

/// What SDKs and frameworks check by option or default.
fn by_framework(setup: &Setup<'_>, listener: &Listener<'_>) -> bool {
    listener.wiring.iter().any(|call| {
        let last = arg::last(&call.api);
        if last.starts_with("createMcp") && last.ends_with("App") {
            let host = arg::option(call, "host");
            let is_wide =
                host.is_some_and(|host| arg::texts(host).iter().any(|text| matches!(*text, "0.0.0.0" | "::")));
            return !is_wide || !arg::is_off(arg::option(call, "allowedHosts"));
        }
        let settings = |name: &str| arg::lookup(&call.named, name).or_else(|| arg::lookup(&call.state, name));
        let by_option = settings("transport_security").is_some_and(enforces)
            || settings("host_origin_protection").is_some_and(|value| !arg::is_off(Some(value)))
            || (call.api.contains("FastMCP()")
                && settings("allowed_hosts").is_some_and(|value| !arg::is_off(Some(value))));
        by_option || by_default(setup, listener, call)
    })
}

/// `mcp` 1.23 and later: FastMCP on loopback checks `Host` and `Origin` unless told otherwise.
fn by_default(setup: &Setup<'_>, listener: &Listener<'_>, call: &CallInfo) -> bool {
    let is_sdk =
        call.api.starts_with("mcp.server.") && (call.api.contains("FastMCP()") || call.api.contains("MCPServer()"));
    let host = arg::lookup(&call.state, "host").or_else(|| arg::lookup(&call.named, "host"));
    let is_loopback = host.is_none_or(|_| listener.binding == Binding::Loopback);
    let is_told = arg::lookup(&call.state, "transport_security").is_some();
    is_sdk && is_loopback && !is_told && setup.least_version(call.at, "mcp").is_some_and(|version| version >= (1, 23))
}

impl Setup<'_> {
    /// The lowest version of a package that the declared range allows; none when no bound is given.
    fn least_version(&self, at: Location, package: &str) -> Option<(u32, u32)> {
        let range = self.program.dependency_of(self.path(at), package)?;
        range.split(',').filter_map(lower_bound).max()
    }
}

/// `>=1.23.1`, `==1.23`, `~=1.23`, `^1.23`, `1.23.0`; upper bounds say nothing.
fn lower_bound(part: &str) -> Option<(u32, u32)> {
    let part = part.trim();
    if part.starts_with('<') || part.starts_with('!') {
        return None;
    }
    let digits = part.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut numbers =
        digits.split('.').map(|number| number.chars().take_while(char::is_ascii_digit).collect::<String>());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
    Some((major, minor))
}

/// How surely requests are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Not at all.
    None,
    /// In some configurations, or inside a handler.
    Sometimes,
    /// On the way to the transport, always.
    Always,
}

fn authentication(setup: &Setup<'_>, listener: &Listener<'_>) -> Strength {
    if !listener.is_known {
        return by_option(listener);
    }
    let mut strength = by_provider(listener);
    // A factory that reads the verifier of the SDK's server asks for a token where one is set.
    if factories(listener).any(|facts| facts.names.iter().any(|name| name.ends_with("token_verifier"))) {
        strength = strength.max(Strength::Sometimes);
    }
    let functions = listener.functions();
    // A handler that asks before it serves is as good as one that stands before it, unless another serves too.
    let all_ask = functions.iter().all(|(_, facts, is_final)| !is_final || !serves(facts) || facts.asks_first);
    for (call, facts, is_final) in functions {
        // What a single route asks for says nothing about the others, unless it is the transport's.
        let is_on_the_way = !is_final || serves(facts);
        if is_on_the_way && facts.refuses && facts.decides_on.contains("credential") {
            let always = (!is_final || facts.asks_first && all_ask)
                && !is_conditional(setup, call, listener)
                && !facts.is_off_by_default
                && !call.args.iter().any(|value| arg::is_passed_by_default(value, facts));
            strength = strength.max(if always { Strength::Always } else { Strength::Sometimes });
        }
    }
    for call in listener.wiring.iter().filter(|call| wires(arg::last(&call.api))) {
        let named = call.named.iter().filter(|(name, _)| matches!(name.as_str(), "middleware" | "dependencies"));
        let mut given = call.args.iter().chain(named.map(|(_, value)| value)).flat_map(arg::apis);
        if given.any(is_authenticator) {
            let may_pass = |value: &ArgInfo| {
                arg::apis(value).into_iter().any(is_authenticator) && arg::lets_pass_by_default(value)
            };
            let always = !is_conditional(setup, call, listener) && !call.args.iter().any(may_pass);
            strength = strength.max(if always { Strength::Always } else { Strength::Sometimes });
        }
    }
    strength
}

/// A server of an SDK that is not known may ask for what it is told of: `auth`, `apiKey`, `bearerToken`, middleware.
fn by_option(listener: &Listener<'_>) -> Strength {
    let speaks = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["auth", "token", "apikey", "api_key", "secret", "middleware"].iter().any(|word| name.contains(word))
    };
    let is_told = |call: &&CallInfo| {
        let mut told = speaks(arg::last(&call.api)) || call.named.iter().any(|(name, _)| speaks(name));
        for value in arg::all(call) {
            arg::walk(value, &mut |value| {
                told |= matches!(value, ArgInfo::Record(fields) if fields.iter().any(|(name, _)| speaks(name)));
            });
        }
        told
    };
    if listener.wiring.iter().any(is_told) { Strength::Sometimes } else { Strength::None }
}

/// Python frameworks take an authentication provider.
fn by_provider(listener: &Listener<'_>) -> Strength {
    let mut strength = Strength::None;
    // The server's own option: parts of a provider that may not be used take such options too.
    let servers = listener.wiring.iter().filter(|call| call.api.contains("FastMCP") || call.api.contains("MCPServer"));
    for call in servers {
        for name in ["auth", "token_verifier", "auth_server_provider", "auth_provider", "authenticate"] {
            let option = arg::lookup(&call.named, name)
                .or_else(|| arg::lookup(&call.state, name))
                .or_else(|| call.state_args.iter().find_map(|value| arg::field(value, name)));
            let Some(value) = option.filter(|value| !arg::is_off(Some(value))) else { continue };
            strength = strength.max(if arg::may_be_off(value) { Strength::None } else { Strength::Always });
        }
    }
    strength
}

/// Methods that put middleware before a transport.
fn wires(method: &str) -> bool {
    const METHODS: [&str; 20] = [
        "use",
        "get",
        "post",
        "put",
        "delete",
        "all",
        "options",
        "route",
        "register",
        "addHook",
        "add_middleware",
        "Middleware",
        "Mount",
        "Route",
        "Starlette",
        "FastAPI",
        "http_app",
        "run",
        "run_http_async",
        "include_router",
    ];
    METHODS.contains(&method)
}

/// Middleware of packages that authenticates, by its name: there are too many packages to list.
fn is_authenticator(api: &str) -> bool {
    let name = api.to_ascii_lowercase();
    let speaks = [
        "bearerauth",
        "requireauth",
        "authmiddleware",
        "authenticationmiddleware",
        "jwt",
        "passport",
        "basicauth",
        "basic-auth",
        "clerk",
        "bearer",
    ];
    let is_router = name.contains("mcpauthrouter") || name.contains("metadata");
    !name.starts_with("$env") && !is_router && speaks.iter().any(|word| name.contains(word))
}

/// Whether a call is made only under a condition under which the listener is not.
fn is_conditional(setup: &Setup<'_>, call: &CallInfo, listener: &Listener<'_>) -> bool {
    if call.at.file != listener.call.at.file {
        return false;
    }
    let path = setup.path(call.at);
    let around = setup.program.enclosing(path, call.at.span);
    around.branches.iter().any(|branch| !branch.contains(listener.call.at.span))
}
