//! The command line of `manta guard`, shared by the `manta` program and the proxy alone.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use manta_harden::limit::{Limiter, SystemClock};
use manta_harden::policy::{Policy, PolicyFile};

use crate::audit;
use crate::config::GuardSpec;
use crate::decide::{Decider, Event};
use crate::egress::Hosts;
use crate::enforce::Enforcer;
use crate::engine::Engine;
use crate::http;
use crate::identity;
use crate::permissive::Permissive;
use crate::pin::{Integrity, LockFile, PinMode, Pins};
use crate::relay::Ended;
use crate::run;
use crate::sandbox::probe::Host;
use crate::sandbox::{Launcher, Level};
use crate::setup::{self, Request};

const USAGE: &str = "usage: manta guard [--policy FILE] [--audit FILE] [--read PATH]… [--write PATH]… [--exec PROGRAM]… [--host NAME[:PORT]]… [--env NAME]… \
                     [--http ADDR] [--dry-run] [--explain] -- COMMAND ARGS…";

/// Exit code for a guard that could not start.
const FAILED: u8 = 2;

/// What the command line says.
#[derive(Debug, Default)]
pub struct Options {
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// Directories to read.
    pub read: Vec<PathBuf>,
    /// Directories to change.
    pub write: Vec<PathBuf>,
    /// Programs the server may start.
    pub exec: Vec<String>,
    /// Hosts to reach.
    pub hosts: Vec<String>,
    /// Variables to pass on.
    pub pass_env: Vec<String>,
    /// Where records go, instead of what the policy says.
    pub audit: Option<PathBuf>,
    /// Serve over Streamable HTTP on this address instead of standard input and output.
    pub http: Option<String>,
    /// Record what would be refused instead of refusing it.
    pub dry_run: bool,
    /// Only say what would be enforced.
    pub explain: bool,
    /// The server's command.
    pub command: Vec<String>,
}

/// Parses, runs, and reports on standard error.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    match parse(arguments).and_then(|options| guard(&options)) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            // Nothing better can be done when standard error is gone.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::from(FAILED)
        }
    }
}

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
            "--http" => options.http = Some(value()?),
            "--dry-run" => options.dry_run = true,
            "--explain" => options.explain = true,
            _ => return Err(format!("unknown option {argument}\n{USAGE}")),
        }
    }
    if options.command.is_empty() { Err(USAGE.to_owned()) } else { Ok(options) }
}

/// Runs the guard and returns its exit code: the server's own when it ended by itself, else 0.
///
/// # Errors
/// A message for the person at the terminal.
pub fn guard(options: &Options) -> Result<u8, String> {
    let file = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let spec = match file.as_ref().and_then(|file| file.spec().guard.as_ref()) {
        Some(table) => GuardSpec::from_table(table)?,
        None => GuardSpec::default(),
    };
    let request = request(options)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    if !options.explain {
        fetch(&spec, &request, &launcher)?;
    }
    let mut setup = setup::setup(file.as_ref(), &spec, &request)?;
    if options.explain {
        return explain(&setup, &launcher);
    }
    let server = identity::of(&request.command, &request.cwd);
    let has_policy = file.is_some();
    let redacts = file.as_ref().is_some_and(|file| file.spec().redact.results);
    let lock = lock_path(file.as_ref(), &spec);
    let pins = match &lock {
        Some(path) => LockFile::load(path)?.server.remove(&server).unwrap_or_default(),
        None => Pins::new(),
    };
    let pin_mode = if lock.is_some() { spec.pin } else { PinMode::Off };
    let deciders = deciders(file, options, &server, &mut setup)?;
    if let Some(path) = &lock {
        setup.hide_own(path);
    }
    let settings = spec.engine(has_policy, redacts);
    if let Some(address) = &options.http {
        let guests = guests(&spec)?;
        let address = address.parse().map_err(|_| format!("--http: `{address}` is not ADDRESS:PORT"))?;
        let factory: http::Factory = Box::new(move || {
            let launched = run::start(&launcher, &setup).map_err(|error| error.to_string())?;
            let (sender, events) = tokio::sync::mpsc::unbounded_channel();
            let hosts = Hosts::new(&setup.hosts, sender)?;
            let engine = Engine::new(settings.clone(), deciders(), Integrity::new(pin_mode, pins.clone()), "local");
            Ok((launched, engine, hosts, events))
        });
        return run::over_http(address, guests, factory).map(|()| 0).map_err(|error| error.to_string());
    }
    let launched = run::start(&launcher, &setup).map_err(|error| error.to_string())?;
    for gap in &launched.reached.gaps {
        note(&format!("level {:?}: {gap}", launched.reached.level));
    }
    if launched.reached.level < setup.wanted() {
        note(&format!("level {:?} instead of {:?}: see --explain", launched.reached.level, setup.wanted()));
    }
    let integrity = Integrity::new(pin_mode, pins);
    let (ended, engine) =
        run::stdio(launched, settings, deciders(), integrity, &setup.hosts).map_err(|error| error.to_string())?;
    if let Some(path) = lock {
        save_pins(&path, &server, engine.integrity())?;
    }
    Ok(match ended {
        Ended::ByClient => 0,
        Ended::ByServer(code) => u8::try_from(code).unwrap_or(1),
    })
}

/// What `manta pin` does with differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinAction {
    /// Report them; nothing is written.
    Check,
    /// Make what the server says now the pins.
    Accept,
}

/// Starts the server in its sandbox, asks what it offers and compares with the lock file. Returns the
/// differences, one per line.
///
/// # Errors
/// A message for the person at the terminal.
pub fn pin(options: &Options, action: PinAction) -> Result<Vec<String>, String> {
    let file = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let spec = match file.as_ref().and_then(|file| file.spec().guard.as_ref()) {
        Some(table) => GuardSpec::from_table(table)?,
        None => GuardSpec::default(),
    };
    let request = request(options)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    fetch(&spec, &request, &launcher)?;
    let setup = setup::setup(file.as_ref(), &spec, &request)?;
    let server = identity::of(&request.command, &request.cwd);
    let path = file.as_ref().map_or_else(|| request.cwd.clone(), PolicyFile::directory).join(&spec.lock);
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
            lock.version = 1;
            lock.server.insert(server, integrity.seen().clone());
            lock.save(&path)?;
        }
    }
    Ok(problems)
}

/// What this host gives, probed: one line per feature.
///
/// # Errors
/// A message when the probe can't be run.
pub fn doctor() -> Result<(String, Level), String> {
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    let host = Host::probe(&launcher).map_err(|error| format!("probe this host: {error}"))?;
    let said =
        |result: &Result<(), String>| result.as_ref().map_or_else(|why| format!("no: {why}"), |()| "yes".to_owned());
    let landlock = match host.landlock {
        0 => "no".to_owned(),
        abi => {
            let missing = match abi {
                ..3 => "; too old, version 3 is needed",
                3 => "; TCP, devices, abstract sockets and signals are not covered",
                4..6 => "; abstract sockets and signals are not covered",
                6..9 => "; unix sockets with a path are not covered, seccomp refuses all unix sockets",
                _ => "",
            };
            format!("version {abi}{missing}")
        }
    };
    let best = host.best();
    let meaning = match best {
        Level::A => "everything below is enforced by the kernel",
        Level::B => "no host lists, no hidden names; metadata of other files can be changed",
        Level::C => "a hostile server is not confined",
    };
    let hint = match &host.namespaces {
        Ok(()) => String::new(),
        Err(_) => {
            "\nhint: on Ubuntu 24.04 an AppArmor profile may allow user namespaces to this program; in a container \
                   they need the engine's permission"
                .to_owned()
        }
    };
    let text = format!(
        "kernel           {}\nuser namespaces  {}\nLandlock         {landlock}\nseccomp          {}\nlevel            {best:?}: {meaning}{hint}\n",
        host.kernel,
        said(&host.namespaces),
        said(&host.seccomp),
    );
    Ok((text, best))
}

/// Fills the package manager's cache in a sandbox of its own, before the server's sandbox is made.
fn fetch(spec: &GuardSpec, request: &Request, launcher: &Launcher) -> Result<(), String> {
    let search = request.environment.get("PATH").cloned().unwrap_or_default();
    let home = request.environment.get("HOME").map(PathBuf::from);
    match crate::preset::fetch_plan(spec.preset, &request.command, &search, &request.cwd, home.as_deref()) {
        Some(plan) => run::to_the_end(launcher, &plan).map_err(|why| format!("fetch the package: {why}")),
        None => Ok(()),
    }
}

/// Starts the server in its sandbox and asks for everything it lists; nothing is called.
///
/// # Errors
/// A message for the person at the terminal.
pub fn list(options: &Options) -> Result<serde_json::Value, String> {
    let file = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let spec = match file.as_ref().and_then(|file| file.spec().guard.as_ref()) {
        Some(table) => GuardSpec::from_table(table)?,
        None => GuardSpec::default(),
    };
    let request = request(options)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    fetch(&spec, &request, &launcher)?;
    let setup = setup::setup(file.as_ref(), &spec, &request)?;
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
    })
}

/// Prints what would be enforced here, level by level as the host gives it.
fn explain(setup: &setup::Setup, launcher: &Launcher) -> Result<u8, String> {
    let host = Host::probe(launcher).map_err(|error| format!("probe this host: {error}"))?;
    let level = setup.wanted().min(host.best());
    let mut out = std::io::stdout().lock();
    let write = |out: &mut dyn std::io::Write| -> std::io::Result<()> {
        writeln!(
            out,
            "level {level:?} (wanted {:?}, required {:?})   kernel {}, Landlock {}, namespaces {}",
            setup.wanted(),
            setup.require,
            host.kernel,
            host.landlock,
            host.namespaces.as_ref().map_or_else(|why| format!("no ({why})"), |()| "yes".to_owned())
        )?;
        writeln!(out, "{:<30} {:<44} {:<34} gap", "control", "wanted", "enforced by")?;
        for control in setup.controls(level) {
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

fn audit_path(file: &PolicyFile, options: &Options) -> PathBuf {
    let path =
        options.audit.clone().or_else(|| file.spec().audit.path.as_ref().map(|path| file.directory().join(path)));
    let path = path.unwrap_or_else(|| file.directory().join("manta-audit.jsonl"));
    std::path::absolute(&path).unwrap_or(path)
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
    let path = audit_path(&file, options);
    let policy = Arc::new(Policy::compile(file).map_err(|error| error.to_string())?);
    let log = Arc::new(audit::open(&path, &policy)?);
    setup.hide_own(&path);
    let cwd = std::env::current_dir().unwrap_or_default();
    let ran = serde_json::json!({ "server": server, "command": options.command, "code": identity::code_digest(&options.command, &cwd) });
    log.event("server", &log.redactor().redact(&ran).value).map_err(|error| error.to_string())?;
    let transport = if options.http.is_some() { "http" } else { "stdio" };
    let peer = format!("{transport} uid={}", rustix::process::getuid().as_raw());
    let limiter = Limiter::new(SystemClock::default());
    let (server, dry_run) = (server.to_owned(), options.dry_run);
    Ok(Box::new(move || {
        let enforcer = Enforcer::new(Arc::clone(&policy), limiter.clone(), Some(Arc::clone(&log)), &server, &peer);
        Box::new(enforcer.showing(show).shadow(dry_run))
    }))
}

fn guests(spec: &GuardSpec) -> Result<http::Guests, String> {
    let token = match &spec.http_token_env {
        Some(name) => Some(std::env::var(name).map_err(|_| format!("http_token_env: `{name}` is not set"))?),
        None => None,
    };
    Ok(http::Guests { hosts: spec.http_hosts.clone(), origins: spec.http_origins.clone(), token })
}

fn lock_path(file: Option<&PolicyFile>, spec: &GuardSpec) -> Option<PathBuf> {
    let path = file.filter(|_| spec.pin != PinMode::Off).map(|file| file.directory().join(&spec.lock));
    path.map(|path| std::path::absolute(&path).unwrap_or(path))
}

/// Writes pins of what was seen for the first time.
fn save_pins(path: &Path, server: &str, integrity: &Integrity) -> Result<(), String> {
    if integrity.pins().is_empty() {
        return Ok(());
    }
    // Read again: another guard may have written meanwhile.
    let mut lock = LockFile::load(path)?;
    if lock.server.get(server) == Some(integrity.pins()) {
        return Ok(());
    }
    lock.server.insert(server.to_owned(), integrity.pins().clone());
    lock.save(path)
}

fn show(event: &Event) {
    note(&format!("{} ({}): {}", event.kind, event.peer, event.detail));
}

fn note(text: &str) {
    // Standard error may be closed; there is no other place to say it.
    let _ = writeln!(std::io::stderr(), "manta guard: {text}");
}
