//! The command line of `manta guard`, shared by the `manta` program and the proxy alone.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use manta_harden::enforce::Counter;
use manta_harden::front::{Door, Gate, Keys};
use manta_harden::policy::spec::ServerSpec;
use manta_harden::policy::{LOCAL, Policy, PolicyFile};

use crate::audit;
use crate::config::GuardSpec;
use crate::decide::{Decider, Event};
use crate::egress::Hosts;
use crate::enforce::{Enforcer, InForce};
use crate::engine::{Engine, Settings};
use crate::http;
use crate::identity;
use crate::mux;
use crate::permissive::Permissive;
use crate::pin::{Integrity, LockFile, PinMode, Store};
use crate::preset::Fetch;
use crate::relay::Ended;
use crate::run;
use crate::sandbox::probe::Host;
use crate::sandbox::{Launcher, Level, Limits, Network, PROXY_PORT, Plan, launch};
use crate::setup::{self, Request};
use crate::upstream;
use crate::windows::Windows;

pub use crate::options::{NOT_LISTED, Options, PinAction};
pub use crate::sandbox::init::run_if_asked;

const USAGE: &str = "usage: manta guard [--policy FILE] [--audit FILE] [--read PATH]… [--write PATH]… [--exec PROGRAM]… [--host NAME[:PORT]]… [--env NAME]… \
                     [--http ADDR] [--dry-run] [--explain] {-- COMMAND ARGS… | --upstream URL}";

/// The word that makes this program the guard of one `[server.NAME]`.
pub const SECTION: &str = "__section";

/// Exit code for a guard that could not start.
const FAILED: u8 = 2;

/// Parses, runs, and reports on standard error.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    let asked = match arguments.first().map(String::as_str) {
        Some("-h" | "--help") => Some(USAGE),
        Some("-V" | "--version") => Some(concat!("manta-guard ", env!("CARGO_PKG_VERSION"))),
        _ => None,
    };
    if let Some(text) = asked {
        // Whoever asks and does not listen is not told.
        let _ = writeln!(std::io::stdout(), "{text}");
        return ExitCode::SUCCESS;
    }
    match parse(arguments).and_then(|options| guard(&options)) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            // Nothing better can be done when standard error is gone.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::from(FAILED)
        }
    }
}

/// Reads the command line of the guard alone.
fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("{argument} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--" => {
                options.command = rest.cloned().collect();
                break;
            }
            "--policy" => options.policy = Some(value()?.into()),
            "--audit" => options.audit = Some(value()?.into()),
            "--read" => options.read.push(value()?.into()),
            "--write" => options.write.push(value()?.into()),
            "--exec" => options.exec.push(value()?),
            "--host" => options.hosts.push(value()?),
            "--env" => options.pass_env.push(value()?),
            "--server" => options.server = Some(value()?),
            "--principal" => options.principal = Some(value()?),
            "--upstream" => options.upstream = Some(value()?),
            "--http" => options.http = Some(value()?),
            "--dry-run" => options.dry_run = true,
            "--explain" => options.explain = true,
            _ => return Err(format!("unknown option {argument}\n{USAGE}")),
        }
    }
    let named = [!options.command.is_empty(), options.upstream.is_some(), options.server.is_some()];
    match named.iter().filter(|is_given| **is_given).count() {
        0 if options.policy.is_none() => Err(USAGE.to_owned()),
        0 | 1 => Ok(options),
        _ => Err(format!("a command, --upstream and --server exclude each other\n{USAGE}")),
    }
}

/// Runs the guard and returns its exit code: the server's own when it ended by itself, else 0.
///
/// # Errors
/// A message for the person at the terminal.
pub fn guard(options: &Options) -> Result<u8, String> {
    let file = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let (spec, options) = &settings(file.as_ref(), options)?;
    if options.command.is_empty() && options.upstream.is_none() {
        return several(file.as_ref(), spec, options);
    }
    let mut request = request(options)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    fetch(spec, &mut request, &launcher, options.explain)?;
    let mut setup = plan(file.as_ref(), spec, options, &request)?;
    if options.explain {
        return explain(&setup, &launcher);
    }
    let server = identity::of(identified(options), &request.cwd);
    let has_policy = file.is_some();
    let redacts = file.as_ref().is_some_and(|file| file.spec().redact.results);
    let lock = file.as_ref().filter(|_| spec.pin != PinMode::Off).map(|file| lock_path(file, spec));
    if let Some(lock) = lock.as_ref().filter(|lock| setup.may_change(lock)) {
        // It is covered by name, which only works with what is there.
        LockFile::begin(lock)?;
    }
    let in_place = lock.as_ref().is_some_and(|lock| setup.may_change(lock));
    let store = lock.clone().map(|path| Store { path, server: server.clone(), in_place });
    let pin_mode = if lock.is_some() { spec.pin } else { PinMode::Off };
    // Read anew for every connection: what one has pinned holds for the next.
    let integrity = move || {
        let pins = store.as_ref().map(Store::load).transpose()?.unwrap_or_default();
        Ok::<_, String>(Integrity::new(pin_mode, pins).kept_in(store.clone()))
    };
    // A broken lock shows before anything is started.
    integrity()?;
    let guests = options.http.is_some().then(|| guests(file.as_ref(), spec)).transpose()?;
    // The guard's own files are nothing for a tool, and its key nothing for the server.
    let key = spec.http_tls.as_ref().zip(file.as_ref()).map(|(tls, file)| file.directory().join(&tls.key));
    let file = file.map(|file| lock.iter().fold(file, |file, lock| file.protect(lock)));
    let file = file.map(|file| key.iter().fold(file, |file, key| file.hide(key)));
    if let Some(policy) = options.policy.as_ref().and_then(|path| std::path::absolute(path).ok()) {
        setup.hide_own(&policy);
        if setup.may_change(&policy) {
            let policy = policy.display();
            note(&format!(
                "{policy} lies where the server may write; once edited, it is covered only at the next start"
            ));
        }
    }
    let deciders = deciders(file, options, &server, &mut setup)?;
    if let Some(key) = &key {
        setup.hide_own(key);
    }
    if let Some(path) = &lock {
        setup.hide_own(path);
    }
    let settings = spec.engine(has_policy, redacts);
    if let (Some(address), Some(guests)) = (&options.http, guests) {
        let address = address.parse().map_err(|_| format!("--http: `{address}` is not ADDRESS:PORT"))?;
        let rules = deciders();
        let factory: http::Factory = Box::new(move |principal| {
            let launched = run::start(&launcher, &setup).map_err(|error| error.to_string())?;
            let (sender, events) = tokio::sync::mpsc::channel(crate::egress::MAX_TOLD);
            let hosts = Hosts::new(&setup.hosts, sender)?;
            let engine = Engine::new(settings.clone(), deciders(), integrity()?, principal);
            Ok((launched, engine, hosts, events))
        });
        return run::over_http(address, guests, factory, rules).map(|()| 0).map_err(|error| error.to_string());
    }
    let principal = options.principal.as_deref().unwrap_or(LOCAL);
    let engine = || Ok(Engine::new(settings, deciders(), integrity()?, principal));
    over_stdio(&launcher, &setup, engine)
}

/// Starts the server, relays until one side ends, and says what the server may have missed.
fn over_stdio(
    launcher: &Launcher,
    setup: &setup::Setup,
    engine: impl FnOnce() -> Result<Engine, String>,
) -> Result<u8, String> {
    let launched = run::start(launcher, setup).map_err(|error| error.to_string())?;
    for gap in &launched.reached.gaps {
        note(&format!("level {:?}: {gap}", launched.reached.level));
    }
    if launched.reached.level < setup.wanted() {
        note(&format!("level {:?} instead of {:?}: see --explain", launched.reached.level, setup.wanted()));
    }
    // What is hidden may be gone when it ends.
    let missed = setup.missed();
    let ended = run::stdio(launched, engine()?, &setup.hosts).map_err(|error| error.to_string())?;
    Ok(match ended {
        Ended::ByClient => 0,
        Ended::ByServer(code) => {
            missed.iter().for_each(|line| note(line));
            u8::try_from(code).unwrap_or(1)
        }
    })
}

/// Starts the server in its sandbox, asks what it offers and compares with the lock file. Returns the
/// differences, one per line.
///
/// # Errors
/// A message for the person at the terminal.
pub fn pin(options: &Options, action: PinAction) -> Result<Vec<String>, String> {
    let file = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let (spec, options) = &settings(file.as_ref(), options)?;
    let mut request = request(options)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    fetch(spec, &mut request, &launcher, false)?;
    let mut setup = plan(file.as_ref(), spec, options, &request)?;
    let server = identity::of(identified(options), &request.cwd);
    let path = file.as_ref().map_or_else(|| request.cwd.join(&spec.lock), |file| lock_path(file, spec));
    setup.hide_own(&path);
    let mut lock = LockFile::load(&path)?;
    let known = lock.server.get(&server).cloned().unwrap_or_default();
    let is_known = !known.is_empty();
    let mut integrity = Integrity::new(PinMode::Record, known);
    let launched = run::start(&launcher, &setup).map_err(|error| error.to_string())?;
    crate::inventory::inspect(launched, &mut integrity)?;
    let mut problems = integrity.differences();
    match action {
        PinAction::Check if !is_known => problems.insert(0, format!("{server} has no pins in {}", path.display())),
        PinAction::Check => {}
        PinAction::Accept => {
            lock.server.insert(server, integrity.seen().clone());
            lock.save(&path)?;
        }
    }
    Ok(problems)
}

/// What this host gives, probed: one line per feature, and whether nothing of level A is missing.
///
/// # Errors
/// A message when the probe can't be run.
pub fn doctor() -> Result<(String, bool), String> {
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    let host = Host::probe(&launcher).map_err(|error| format!("probe this host: {error}"))?;
    Ok((host.to_string(), host.best() == Level::A))
}

/// `[guard]`, and on top of it what the section of one server says.
/// Whether the guard's own settings in a policy, those of every `[server.NAME]` included, are such that it would start
/// with them. What they are about, such as programs and keys, may be missing where a policy is only checked.
///
/// # Errors
/// A message that names the section and what is wrong with it.
pub fn check(file: &PolicyFile) -> Result<(), String> {
    GuardSpec::for_server(file, None)?;
    file.spec().server.keys().try_for_each(|name| GuardSpec::for_server(file, Some(name)).map(drop))
}

fn settings(file: Option<&PolicyFile>, options: &Options) -> Result<(GuardSpec, Options), String> {
    let mut options = options.clone();
    let spec = file.map(|file| GuardSpec::for_server(file, options.server.as_deref())).transpose()?.unwrap_or_default();
    let Some(name) = &options.server else { return Ok((spec, options)) };
    let section = file.and_then(|file| file.spec().server.get(name));
    let section = section.ok_or_else(|| format!("there is no [server.{name}]"))?.get_ref();
    options.command.clone_from(&section.command);
    options.upstream.clone_from(&section.url);
    if options.command.is_empty() == options.upstream.is_none() {
        return Err(format!("[server.{name}] needs either a `command` or a `url`"));
    }
    Ok((spec, options))
}

/// Every `[server.NAME]` of the policy, each behind a guard of its own.
fn several(file: Option<&PolicyFile>, spec: &GuardSpec, options: &Options) -> Result<u8, String> {
    let servers = file.map(|file| &file.spec().server).filter(|servers| !servers.is_empty());
    let servers = servers.ok_or_else(|| format!("the policy names no [server.NAME]\n{USAGE}"))?;
    let arguments = |name: &str| {
        let mut arguments = vec![SECTION.to_owned()];
        let mut add = |option: &str, value: Option<String>| {
            arguments.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        add("--policy", path(&options.policy));
        add("--audit", path(&options.audit));
        add("--server", Some(name.to_owned()));
        add("--principal", options.principal.clone());
        arguments.extend(options.dry_run.then(|| "--dry-run".to_owned()));
        arguments
    };
    let sections = servers.iter().map(|(name, section)| mux::Section {
        name: name.clone(),
        prefix: section.get_ref().prefix.clone(),
        arguments: arguments(name),
    });
    let sections: Vec<_> = sections.collect();
    if options.explain {
        for section in &sections {
            write_out(&format!("[server.{}]\n", section.name))?;
            guard(&Options { server: Some(section.name.clone()), ..options.clone() })?;
        }
        return Ok(0);
    }
    if let (Some(address), Some(file)) = (&options.http, file) {
        return all_over_http(file, spec, options, address);
    }
    let max_bytes = usize::try_from(spec.max_message.0).unwrap_or(usize::MAX);
    mux::run(&sections, manta_mcp::Limits { max_bytes, ..manta_mcp::Limits::default() }).map(|()| 0)
}

fn write_out(text: &str) -> Result<(), String> {
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

/// How the server is started, or how the remote one is reached.
fn plan(
    file: Option<&PolicyFile>,
    spec: &GuardSpec,
    options: &Options,
    request: &Request,
) -> Result<setup::Setup, String> {
    let Some(url) = &options.upstream else { return setup::setup(file, spec, request) };
    let headers = spec.upstream_headers.iter().map(|(name, variable)| {
        let value = request.environment.get(variable).and_then(|value| value.to_str());
        let value = value.ok_or_else(|| format!("upstream_headers: `{variable}` is not set"))?;
        Ok((name.clone(), value.to_owned()))
    });
    let target = upstream::Target {
        url: url.clone(),
        private: spec.upstream_private.clone(),
        headers: headers.collect::<Result<_, String>>()?,
        max_message: usize::try_from(spec.max_message.0).unwrap_or(usize::MAX),
    };
    setup::remote(spec, request, &target)
}

/// What tells one server from another: its command, or where it is.
fn identified(options: &Options) -> &[String] {
    options.upstream.as_ref().map_or(&options.command, std::slice::from_ref)
}

/// Lets a package manager do its part in sandboxes of its own, before the server's is made. Where that tells which program is
/// meant, it is the server's command from here on. Nothing is fetched for a mere `--explain`.
fn fetch(spec: &GuardSpec, request: &mut Request, launcher: &Launcher, is_explained: bool) -> Result<(), String> {
    if request.command.is_empty() {
        return Ok(());
    }
    let Some(Fetch { found, made, tool }) = crate::preset::fetch(spec.preset, request)? else { return Ok(()) };
    // What is there already needs no network; why it is not there is no news.
    let quiet = std::fs::File::create("/dev/null").map_err(|error| error.to_string())?;
    let known = found.and_then(|plan| run::to_the_end(launcher, &plan, quiet).ok());
    let known = known.zip(tool.as_ref()).and_then(|(said, tool)| tool.run_command(&said).ok());
    let command = match (known, &tool) {
        (Some(command), _) => command,
        (None, Some(tool)) if is_explained || made.is_empty() => return Err(tool.missing()),
        (None, None) if is_explained => return Ok(()),
        (None, tool) => {
            let mut said = String::new();
            for plan in &made {
                said = run::to_the_end(launcher, plan, std::io::stderr())
                    .map_err(|why| format!("fetch what the server needs: {why}"))?;
            }
            let Some(tool) = tool else { return Ok(()) };
            tool.run_command(&said)?
        }
    };
    request.command = command;
    request.stands = tool.as_ref().and_then(|tool| tool.stands().map(PathBuf::from));
    Ok(())
}

/// Starts the server in its sandbox, or reaches the remote one, and asks for everything it lists; nothing is called.
///
/// # Errors
/// A message for the person at the terminal.
pub fn list(options: &Options) -> Result<serde_json::Value, String> {
    let file = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let spec = match file.as_ref().and_then(|file| file.spec().guard.as_ref()) {
        Some(table) => GuardSpec::from_table(table)?,
        None => GuardSpec::default(),
    };
    let mut request = request(options)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    fetch(&spec, &mut request, &launcher, false)?;
    let setup = plan(file.as_ref(), &spec, options, &request)?;
    let launched = run::start(&launcher, &setup).map_err(|error| error.to_string())?;
    crate::inventory::list(launched)
}

fn request(options: &Options) -> Result<Request, String> {
    Ok(Request {
        command: options.command.clone(),
        cwd: std::env::current_dir().map_err(|error| format!("working directory: {error}"))?,
        environment: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
        read: options.read.clone(),
        write: options.write.clone(),
        exec: options.exec.clone(),
        hosts: options.hosts.clone(),
        pass_env: options.pass_env.clone(),
        stands: None,
    })
}

/// Prints what would be enforced here, level by level as the host gives it.
fn explain(setup: &setup::Setup, launcher: &Launcher) -> Result<u8, String> {
    let host = Host::probe(launcher).map_err(|error| format!("probe this host: {error}"))?;
    let level = setup.wanted().min(host.best());
    let controls = setup.controls(level)?;
    let mut out = std::io::stdout().lock();
    let write = |out: &mut dyn std::io::Write| -> std::io::Result<()> {
        writeln!(
            out,
            "level {level:?} (wanted {:?}, required {:?})   {}",
            setup.wanted(),
            setup.require,
            host.summary()
        )?;
        writeln!(out, "{:<30} {:<44} {:<34} gap", "control", "wanted", "enforced by")?;
        for control in &controls {
            writeln!(out, "{control}")?;
        }
        Ok(())
    };
    write(&mut out).map_err(|error| error.to_string())?;
    if level < setup.require {
        return Err(format!("this host gives level {level:?}, the policy requires {:?}", setup.require));
    }
    setup.at_level(level).map(|_| 0)
}

/// Where records go: to the place that was named, else beside the policy, else among what the user or the service keeps.
/// Never where the server may write: it could change what is told of it.
fn audit_path(file: &PolicyFile, options: &Options, setup: &setup::Setup) -> Result<PathBuf, String> {
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let named = |path: &String| absolute(file.directory().join(path));
    let checkpoints = file.spec().audit.checkpoints.as_ref().map(named);
    let log = options.audit.clone().map(absolute).or_else(|| file.spec().audit.path.as_ref().map(named));
    if let Some(own) = log.iter().chain(&checkpoints).find(|path| setup.may_change(path)) {
        let own = own.display();
        return Err(format!("{own}: the server may change this directory; let records go elsewhere ([audit])"));
    }
    let beside = absolute(file.directory().join("manta-audit.jsonl"));
    let may_change = setup.may_change(&beside);
    let is_there = beside.parent().is_some_and(audit::takes_files);
    match log {
        Some(log) => Ok(log),
        None if is_there && !may_change => Ok(beside),
        None => {
            let why = if may_change {
                "the server may change the policy's directory"
            } else {
                "nothing can be written beside the policy"
            };
            let refuse =
                |more: String| format!("{why}, {more}; say where records go (`path` under [audit], or --audit)");
            let log = audit::elsewhere(file.path()).map_err(|error| refuse(format!("and {error}")))?;
            if setup.may_change(&log) {
                return Err(refuse(format!("and {}", log.display())));
            }
            note(&format!("{why}; records go to {}", log.display()));
            Ok(log)
        }
    }
}

/// Makes deciders that share policy, limits and log: one per connection.
fn deciders(
    file: Option<PolicyFile>,
    options: &Options,
    server: &str,
    setup: &mut setup::Setup,
) -> Result<Box<dyn Fn() -> Box<dyn Decider>>, String> {
    let Some(file) = file else {
        return Ok(Box::new(|| Box::new(Permissive { show: Some(show), ..Permissive::default() })));
    };
    let path = audit_path(&file, options, setup)?;
    let file = file.log_at(&path);
    let text = |error: manta_harden::policy::PolicyError| error.to_string();
    let mut policy = Policy::compile(file).map_err(text)?;
    if let Some(section) = &options.server {
        policy = policy.for_server(section).map_err(text)?;
    }
    let policy = Arc::new(policy.read_by(Some(setup.reader())));
    // The one relay of standard streams says when it waits; behind HTTP there are several that write.
    let log = Arc::new(audit::open(&path, &policy, options.http.is_none())?);
    setup.hide_own(&path);
    let cwd = std::env::current_dir().unwrap_or_default();
    let code = identity::code_digest(&options.command, &cwd);
    let ran =
        serde_json::json!({ "server": server, "command": identified(options), "code": code, "given": setup.given });
    log.event("server", &log.redactor().redact(&ran).value).map_err(|error| error.to_string())?;
    let transport = if options.http.is_some() { "http" } else { "stdio" };
    let peer = format!("{transport} uid={}", rustix::process::getuid().as_raw());
    let counter = Counter::new(&policy).map_err(|error| error.to_string())?;
    let own = std::path::absolute(policy.file().path()).unwrap_or_default();
    let fixed =
        setup.may_change(&own).then(|| "the server may write where the policy lies; start the guard again".to_owned());
    let (server, dry_run, section) = (server.to_owned(), options.dry_run, options.server.clone());
    let in_force = InForce::new(policy, counter);
    Ok(Box::new(move || {
        let enforcer = Enforcer::of(&in_force, Some(Arc::clone(&log)), &server, &peer);
        Box::new(enforcer.showing(show).shadow(dry_run).section(section.clone()).fixed(fixed.clone()))
    }))
}

/// Serves all servers of the policy on one address: each session has guards of its own for them.
fn all_over_http(file: &PolicyFile, spec: &GuardSpec, options: &Options, address: &str) -> Result<u8, String> {
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    let request = request(options)?;
    let own = launcher.program.to_string_lossy().into_owned();
    let policy = options.policy.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    // Our own code in front of guards that confine: it needs what they need.
    let environment = request.environment.iter();
    let env = environment.filter_map(|(name, value)| Some((name.clone(), value.to_str()?.to_owned())));
    let plan = Plan {
        level: Level::C,
        command: Vec::new(),
        env: env.collect(),
        cwd: request.cwd.clone(),
        grants: Vec::new(),
        hidden: Vec::new(),
        frozen: Vec::new(),
        network: Network::Any,
        proxy_port: PROXY_PORT,
        unix_sockets: true,
        tmp_bytes: 0,
        tmp_exec: false,
        limits: Limits::default(),
    };
    let (audit, dry_run) = (options.audit.clone(), options.dry_run);
    // The guards of the servers translate for themselves.
    let settings = Settings { schemas: false, bridge: false, ..spec.engine(false, false) };
    let windows = windows(file, options)?;
    let rules = Box::new(windows());
    let factory: http::Factory = Box::new(move |principal| {
        let mut command = [&own, SECTION, "--policy", &policy, "--principal", principal].map(str::to_owned).to_vec();
        if let Some(path) = &audit {
            command.extend(["--audit".to_owned(), path.to_string_lossy().into_owned()]);
        }
        command.extend(dry_run.then(|| "--dry-run".to_owned()));
        let plan = Plan { command, ..plan.clone() };
        let mut launched = launch(&launcher, &plan).map_err(|error| error.to_string())?;
        launched.process = launched.process.of_guard();
        let (sender, events) = tokio::sync::mpsc::channel(crate::egress::MAX_TOLD);
        let engine = Engine::new(settings.clone(), Box::new(windows()), Integrity::off(), principal);
        Ok((launched, engine, Hosts::new(&[], sender)?, events))
    });
    let address = address.parse().map_err(|_| format!("--http: `{address}` is not ADDRESS:PORT"))?;
    run::over_http(address, guests(Some(file), spec)?, factory, rules).map(|()| 0).map_err(|error| error.to_string())
}

/// Counts what all sessions do under the limits of every `[server.NAME]`. What is refused so is recorded by the front
/// itself, where no server can write.
fn windows(file: &PolicyFile, options: &Options) -> Result<impl Fn() -> Windows + use<>, String> {
    let spec = &file.spec().audit;
    let named = options.audit.clone().or_else(|| spec.path.as_ref().map(|path| file.directory().join(path)));
    let path = match named {
        Some(path) => std::path::absolute(&path).unwrap_or(path),
        None => audit::elsewhere(file.path())
            .map_err(|why| format!("{why}; say where records go (`path` under [audit], or --audit)"))?,
    };
    let text = |error: manta_harden::policy::PolicyError| error.to_string();
    let all = Policy::compile(file.clone().log_at(&path)).map_err(text)?;
    let log = Arc::new(audit::open(&path, &all, false)?);
    note(&format!("what limits refuse is recorded in {}", log.path().display()));
    let counter = Counter::here(&all).map_err(|error| error.to_string())?;
    let section = |(name, section): (&String, &toml::Spanned<ServerSpec>)| {
        let policy = all.for_server(name).map_err(text)?;
        let in_force = InForce::new(Arc::new(policy), counter.clone());
        Ok((name.clone(), mux::prefix_of(name, section.get_ref().prefix.as_deref()), in_force))
    };
    let sections: Vec<_> = file.spec().server.iter().map(section).collect::<Result<_, String>>()?;
    let dry_run = options.dry_run;
    Ok(move || {
        let rules = sections.iter().map(|(name, prefix, in_force)| {
            let enforcer = Enforcer::of(in_force, Some(Arc::clone(&log)), name, "http");
            (prefix.clone(), enforcer.shadow(dry_run).section(Some(name.clone())))
        });
        Windows::new(rules.collect(), show)
    })
}

/// Who may call over HTTP. Keys and an issuer exclude each other: which of two credentials counts, nobody should
/// have to think about. Certificates of clients may be asked for besides.
fn guests(file: Option<&PolicyFile>, spec: &GuardSpec) -> Result<http::Guests, String> {
    let read =
        |setting: &str, name: &String| std::env::var(name).map_err(|_| format!("{setting}: `{name}` is not set"));
    let token = spec.http_token_env.as_ref().map(|name| Ok(("token".to_owned(), read("http_token_env", name)?)));
    let keys = spec.http_keys.iter().map(|(principal, name)| Ok((principal.clone(), read("http_keys", name)?)));
    let keys: Vec<(String, String)> = keys.chain(token).collect::<Result<_, String>>()?;
    let door = match (&spec.http_oauth, keys.is_empty()) {
        (None, true) => Door::Open,
        (None, false) => Door::Keys(Keys::new(keys).map_err(|why| format!("[guard]: {why}"))?),
        (Some(_), false) => return Err("[guard]: keys and http_oauth exclude each other".to_owned()),
        (Some(oauth), true) => {
            let file = file.cloned().ok_or("http_oauth needs a policy file")?;
            let policy = Policy::compile(file).map_err(|error| error.to_string())?;
            Door::OAuth(Gate::of(oauth, &policy).map_err(|why| format!("[guard.http_oauth] {why}"))?)
        }
    };
    let base = file.map(PolicyFile::directory).unwrap_or_default();
    let tls = spec.http_tls.as_ref().map(|tls| http::Tls::load(tls, &base)).transpose()?;
    Ok(http::Guests { hosts: spec.http_hosts.clone(), origins: spec.http_origins.clone(), door, tls })
}

/// Where pins are kept: where `lock` says, or with the records where nothing can be written there. A lock that is there is
/// obeyed, whether it can be written or not.
fn lock_path(file: &PolicyFile, spec: &GuardSpec) -> PathBuf {
    let named = file.directory().join(&spec.lock);
    let named = std::path::absolute(&named).unwrap_or(named);
    if named.exists() || named.parent().is_some_and(audit::takes_files) {
        return named;
    }
    let elsewhere = audit::elsewhere(file.path()).ok().zip(spec.lock.file_name());
    elsewhere.map_or(named, |(log, name)| log.with_file_name(name))
}

fn show(event: &Event) {
    note(&format!("{} ({}): {}", event.kind, event.peer, event.detail));
}

fn note(text: &str) {
    // Standard error may be closed; there is no other place to say it.
    let _ = writeln!(std::io::stderr(), "manta guard: {text}");
}
