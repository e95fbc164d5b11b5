//! What listens for HTTP connections, on which interfaces, and what is wired to it.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::Location;
use manta_flow::engine::analysis::{ArgInfo, CallInfo};
use manta_flow::engine::config::FunctionFacts;

use super::{Setup, arg};

/// Where a listener can be reached from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// All interfaces, and nothing else.
    All,
    /// All interfaces unless configured otherwise.
    AllByDefault,
    /// This machine.
    Loopback,
    /// Not known, or one address of the administrator's choice.
    Unknown,
}

impl Binding {
    pub(super) fn is_all(self) -> bool {
        matches!(self, Self::All | Self::AllByDefault)
    }
}

/// A listener and the calls that set up what it serves.
pub(super) struct Listener<'a> {
    pub(super) call: &'a CallInfo,
    pub(super) binding: Binding,
    /// Whether the program names a host, and does not just leave it out.
    pub(super) is_explicit: bool,
    /// Whether it is one of a library that is known; what another one checks by itself is not known.
    pub(super) is_known: bool,
    /// Where a default of all interfaces is written, if not at the call.
    pub(super) default_at: Option<Location>,
    /// Calls on the application and on what is mounted in it, or that made them.
    pub(super) wiring: Vec<&'a CallInfo>,
}

impl<'a> Listener<'a> {
    /// Middleware and handlers that are wired in, with the call that does it and whether one is the last of its call.
    pub(super) fn functions(&self) -> Vec<(&'a CallInfo, &'a FunctionFacts, bool)> {
        let mut found = Vec::new();
        // Functions a server object is made with (`lifespan`) see no request.
        let wired = self.wiring.iter().filter(|call| !matches!(arg::last(&call.api), "FastMCP" | "MCPServer"));
        for call in wired {
            let count = call.args.len();
            for (index, value) in call.args.iter().enumerate() {
                let is_final =
                    index + 1 == count && !matches!(arg::last(&call.api), "use" | "add_middleware" | "addHook");
                found.extend(arg::functions(value).into_iter().map(|facts| (*call, facts, is_final)));
            }
            for (name, value) in &call.named {
                let is_final = matches!(name.as_str(), "endpoint" | "app" | "routes");
                found.extend(arg::functions(value).into_iter().map(|facts| (*call, facts, is_final)));
            }
        }
        found
    }

    /// Access paths wired in from outside the target, with the call that does it.
    pub(super) fn apis(&self) -> Vec<(&'a CallInfo, &'a str)> {
        let mut found = Vec::new();
        for call in &self.wiring {
            found.push((*call, call.api.as_str()));
            found.extend(arg::all(call).flat_map(arg::apis).map(|api| (*call, api)));
        }
        found
    }
}

/// Every HTTP listener that the program starts.
pub(super) fn find<'a>(setup: &Setup<'a>) -> Vec<Listener<'a>> {
    let options = command_line_options(setup);
    let calls: &'a [CallInfo] = &setup.analysis.calls;
    let mut found: Vec<Listener<'a>> = Vec::new();
    for call in calls {
        let known = host_of(call);
        let is_known = known.is_some();
        let unknown = || host_of_unknown_sdk(calls, call).map(|host| (Some(host), Binding::Unknown));
        let Some((host, default)) = known.or_else(unknown) else { continue };
        let binding = host.map_or(default, |host| binding(host, default, &options));
        let known = found.iter_mut().find(|listener| listener.call.at == call.at);
        if let Some(known) = known {
            // Met again with other values: the worse one counts.
            if binding.is_all() && !known.binding.is_all() {
                known.binding = binding;
            }
            continue;
        }
        let default_at = host.and_then(|host| default_place(calls, host));
        let wiring = wiring(calls, call);
        found.push(Listener { call, binding, is_explicit: host.is_some(), is_known, default_at, wiring });
    }
    found
}

const APPLICATIONS: [&str; 11] = [
    "express()",
    "createServer()",
    "createSecureServer()",
    "fastify()",
    "koa()",
    "createMcpExpressApp()",
    "restify",
    "polka()",
    "connect()",
    "http.Server()",
    "createMcpFastifyApp()",
];

/// Whether the call starts an HTTP listener: its host argument, and what holds without one.
fn host_of(call: &CallInfo) -> Option<(Option<&ArgInfo>, Binding)> {
    let api = call.api.as_str();
    let last = arg::last(api);
    let is_application =
        || APPLICATIONS.iter().any(|app| api.contains(app)) && !api.starts_with("net.") && !api.starts_with("tls.");
    match last {
        "listen" if is_application() => {
            let default = if api.contains("fastify") { Binding::Loopback } else { Binding::All };
            let default = if call.is_open { Binding::Unknown } else { default };
            let first = call.args.first();
            if first.is_some_and(|first| arg::texts(first).iter().any(|text| text.contains('/'))) {
                return None;
            }
            if let Some(ArgInfo::Record(_)) = first {
                return Some((arg::option(call, "host").or_else(|| arg::option(call, "hostname")), default));
            }
            let second = call.args.get(1).filter(|value| {
                !matches!(value, ArgInfo::Function(_) | ArgInfo::Null | ArgInfo::Number(_) | ArgInfo::Record(_))
            });
            Some((second, default))
        }
        "serve"
            if ["@hono/node-server", "srvx", "globalThis.Bun", "globalThis.Deno"]
                .iter()
                .any(|root| api.starts_with(root)) =>
        {
            Some((arg::option(call, "hostname").or_else(|| arg::option(call, "host")), Binding::All))
        }
        "start" if api.contains("FastMCP()") => {
            let kind = arg::texts(arg::option(call, "transportType")?);
            let is_http = kind.iter().any(|kind| matches!(*kind, "httpStream" | "sse"));
            let options = arg::option(call, "httpStream").or_else(|| arg::option(call, "sse"));
            is_http.then(|| (options.and_then(|options| arg::field(options, "host")), Binding::Unknown))
        }
        "run" | "run_async" | "run_http_async" | "run_sse_async" | "run_streamable_http_async"
            if api.contains("FastMCP()") || api.contains("MCPServer()") =>
        {
            let host = arg::lookup(&call.named, "host").or_else(|| arg::lookup(&call.state, "host"));
            let is_http = !matches!(last, "run" | "run_async") || speaks_http(call, host.is_some());
            is_http.then_some((host, Binding::Loopback))
        }
        "run" | "Config" if api.starts_with("uvicorn.") => {
            Some((arg::lookup(&call.named, "host").or_else(|| call.args.get(1)), Binding::Loopback))
        }
        "HTTPServer" | "ThreadingHTTPServer" | "TCPServer"
            if api.starts_with("http.server.") || api.starts_with("socketserver.") =>
        {
            // The address is a pair.
            let host = match call.args.first() {
                Some(ArgInfo::List(pair)) => pair.first(),
                _ => None,
            };
            Some((host, Binding::Unknown))
        }
        "run_app" if api.starts_with("aiohttp.web.") => Some((arg::lookup(&call.named, "host"), Binding::All)),
        _ => None,
    }
}

/// The address at which a server of an SDK that is not known listens: tools are given to it, and it is started with a
/// host and a port.
fn host_of_unknown_sdk<'a>(calls: &'a [CallInfo], call: &'a CallInfo) -> Option<&'a ArgInfo> {
    let server = call.on?;
    let host = arg::option(call, "hostname").or_else(|| arg::option(call, "host"))?;
    arg::option(call, "port")?;
    let takes_tools = |other: &CallInfo| {
        let method = arg::last(&other.api).replace('_', "").to_ascii_lowercase();
        let rest = ["register", "add", ""].iter().find_map(|verb| method.strip_prefix(verb));
        other.on == Some(server) && rest.is_some_and(|rest| matches!(rest, "tool" | "tools"))
    };
    calls.iter().any(takes_tools).then_some(host)
}

/// Whether `mcp.run(…)` may start an HTTP transport.
fn speaks_http(call: &CallInfo, has_host: bool) -> bool {
    let Some(transport) = arg::lookup(&call.named, "transport").or_else(|| call.args.first()) else { return false };
    let texts = arg::texts(transport);
    if texts.iter().any(|text| *text != "stdio") {
        return true;
    }
    // Chosen by the administrator: an HTTP transport is on offer when a host is given.
    let is_open = arg::alternatives(transport).iter().any(|value| !matches!(value, ArgInfo::Text(_) | ArgInfo::Null));
    is_open && has_host
}

fn is_all_interfaces(host: &str) -> bool {
    matches!(host.trim(), "0.0.0.0" | "::" | "[::]" | "" | "*" | "0" | "::0")
}

fn is_loopback(host: &str) -> bool {
    matches!(host.trim(), "localhost" | "::1" | "[::1]") || host.trim().starts_with("127.")
}

/// Where a host argument binds to. `default` is what holds where it is left out, as an unset variable or option leaves it.
fn binding(host: &ArgInfo, default: Binding, options: &BTreeMap<String, Option<&ArgInfo>>) -> Binding {
    let mut texts: Vec<&str> = arg::texts(host);
    let (mut is_open, mut may_be_left_out) = (false, true);
    for value in arg::alternatives(host) {
        match value {
            ArgInfo::Text(_) | ArgInfo::Null => {}
            _ => {
                is_open = true;
                let api = arg::apis(value).into_iter().next();
                let option = api.and_then(|api| options.get(arg::last(api)));
                if let Some(Some(default)) = option {
                    texts.extend(arg::texts(default));
                }
                may_be_left_out &= api.is_some_and(|api| api.starts_with("$env.")) || option == Some(&None);
            }
        }
    }
    let all = texts.iter().any(|text| is_all_interfaces(text));
    let loopback = texts.iter().any(|text| is_loopback(text));
    match (all, loopback, is_open) {
        (true, false, false) => Binding::All,
        (true, false, true) => Binding::AllByDefault,
        // Both: the wide one is a choice, such as an explicit switch to remote access.
        (_, true, _) => Binding::Loopback,
        // An option that nobody gives, and nothing in its stead.
        (false, false, true) if texts.is_empty() && may_be_left_out && default == Binding::All => Binding::AllByDefault,
        _ => Binding::Unknown,
    }
}

/// Command-line options by the name the program reads them with, each with its default, if it has one.
fn command_line_options<'a>(setup: &Setup<'a>) -> BTreeMap<String, Option<&'a ArgInfo>> {
    let calls: &'a [CallInfo] = &setup.analysis.calls;
    let mut options: BTreeMap<String, Option<&ArgInfo>> = BTreeMap::new();
    let mut enter = |name: &str, default: Option<&'a ArgInfo>| {
        let known = options.entry(name.trim_start_matches('-').replace('-', "_")).or_default();
        *known = known.or(default);
    };
    for call in calls {
        match arg::last(&call.api) {
            "add_argument" | "option" => {
                let flags = call.args.iter().take(2).flat_map(arg::texts);
                let flag = flags
                    .flat_map(|text| text.split([' ', ',', '|']))
                    .find(|word| !word.is_empty() && (word.starts_with("--") || !word.starts_with('-')));
                let third = call.args.get(2).filter(|value| !matches!(value, ArgInfo::Function(_)));
                if let Some(flag) = flag {
                    enter(flag, arg::option(call, "default").or(third));
                }
            }
            // `parseArgs({ options: { host: { type: "string", default: "127.0.0.1" } } })`
            "parseArgs" => {
                let Some(ArgInfo::Record(fields)) = arg::option(call, "options") else { continue };
                for (name, option) in fields {
                    let ArgInfo::Record(option) = option else { continue };
                    enter(name, option.iter().find(|(field, _)| field == "default").map(|(_, value)| value));
                }
            }
            _ => {}
        }
    }
    options
}

/// Where the default of an environment variable in a host argument is written: `os.getenv("HOST", "0.0.0.0")`.
fn default_place(calls: &[CallInfo], host: &ArgInfo) -> Option<Location> {
    let variables: Vec<&str> = arg::apis(host).into_iter().filter_map(|api| api.strip_prefix("$env.")).collect();
    let is_default = |call: &&CallInfo| {
        matches!(call.api.as_str(), "os.getenv" | "os.environ.get" | "$env.get")
            && call.args.first().is_some_and(|name| arg::texts(name).iter().any(|name| variables.contains(name)))
            && call.args.get(1).is_some_and(|text| arg::texts(text).into_iter().any(is_all_interfaces))
    };
    calls.iter().find(is_default).map(|call| call.at)
}

pub(super) use manta_flow::engine::config::SERVES;

/// Whether a route is mounted under a path that names the protocol: `app.route("/api/mcp", …)`.
pub(super) fn is_mcp_route(call: &CallInfo) -> bool {
    let is_path = |text: &str| text.starts_with('/') && text.split('/').any(|part| matches!(part, "mcp" | "sse"));
    matches!(arg::last(&call.api), "use" | "get" | "post" | "all" | "route" | "register")
        // `app.route("/mcp").post(…)` gets its handlers later.
        && (call.args.len() > 1 || arg::last(&call.api) == "route")
        && call.args.first().is_some_and(|path| arg::texts(path).into_iter().any(is_path))
}

/// Whether requests to the protocol pass what `app.use("/path", …)` mounts: the path leads to them, or what is mounted
/// there serves them. A password before a page of its own says nothing of the protocol beside it.
fn is_on_the_way(calls: &[CallInfo], mount: &CallInfo) -> bool {
    let prefix = match mount.args.first() {
        Some(ArgInfo::Text(path)) if arg::last(&mount.api) == "use" && mount.args.len() > 1 => {
            path.trim_end_matches('/')
        }
        _ => return true,
    };
    let leads_to = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let mounted: BTreeSet<u32> = mount.args.iter().flat_map(arg::made).map(|made| made.id).collect();
    calls.iter().any(|call| {
        let serves = call
            .args
            .iter()
            .flat_map(arg::functions)
            .any(|facts| SERVES.iter().any(|name| facts.names.contains(*name)));
        let is_below = call.on.is_some_and(|id| mounted.contains(&id));
        let has_path = || call.args.first().is_some_and(|path| arg::texts(path).into_iter().any(leads_to));
        (serves || is_mcp_route(call)) && (is_below || has_path())
    })
}

/// Identities that a call connects: what it is called on, what it makes, what it is given.
fn identities(call: &CallInfo) -> impl Iterator<Item = u32> {
    let given = arg::all(call).flat_map(arg::made).map(|made| made.id);
    call.on.into_iter().chain(call.made).chain(given)
}

/// Calls that concern what a listener serves: on the application, on what is mounted there, and those that made them.
fn wiring<'a>(calls: &'a [CallInfo], listener: &'a CallInfo) -> Vec<&'a CallInfo> {
    let mut known: BTreeSet<u32> = identities(listener).collect();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    loop {
        let before = taken.len();
        for (index, call) in calls.iter().enumerate() {
            // A transport made for a request belongs to the handler that makes it, and is found by its place.
            let concerns = call.on.or(call.made).is_some_and(|id| known.contains(&id))
                || call.made.is_some_and(|id| known.contains(&id));
            if concerns && !call.in_handler && is_on_the_way(calls, call) && taken.insert(index) {
                known.extend(identities(call));
            }
        }
        if taken.len() == before {
            break;
        }
    }
    let mut wiring: Vec<&CallInfo> = taken.into_iter().map(|index| &calls[index]).collect();
    if !wiring.iter().any(|call| std::ptr::eq(*call, listener)) {
        wiring.push(listener);
    }
    wiring
}
