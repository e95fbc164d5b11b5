//! The command line of `manta guard`, shared by the `manta` program and the proxy alone.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use manta_harden::policy::PolicyFile;

use crate::config::GuardSpec;
use crate::pin::Integrity;
use crate::permissive::Permissive;
use crate::relay::Ended;
use crate::run;
use crate::sandbox::Launcher;
use crate::setup::{self, Request};

const USAGE: &str = "usage: manta guard [--policy FILE] [--read PATH]… [--write PATH]… [--host NAME[:PORT]]… [--env NAME]… \
                     [--explain] -- COMMAND ARGS…";

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
    /// Hosts to reach.
    pub hosts: Vec<String>,
    /// Variables to pass on.
    pub pass_env: Vec<String>,
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
            "--read" => options.read.push(value()?.into()),
            "--write" => options.write.push(value()?.into()),
            "--host" => options.hosts.push(value()?),
            "--env" => options.pass_env.push(value()?),
            "--explain" => options.explain = true,
            _ => return Err(format!("unknown option {argument}\n{USAGE}")),
        }
    }
    if options.command.is_empty() { Err(USAGE.to_owned()) } else { Ok(options) }
}

/// Runs the guard.
///
/// # Errors
/// A message for the person at the terminal.
pub fn guard(options: &Options) -> Result<u8, String> {
    let policy = options.policy.as_ref().map(PolicyFile::load).transpose().map_err(|error| error.to_string())?;
    let spec = match policy.as_ref().and_then(|policy| policy.spec().guard.as_ref()) {
        Some(table) => GuardSpec::from_table(table)?,
        None => GuardSpec::default(),
    };
    let request = Request {
        command: options.command.clone(),
        cwd: std::env::current_dir().map_err(|error| format!("working directory: {error}"))?,
        environment: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect::<BTreeMap<_, _>>(),
        read: options.read.clone(),
        write: options.write.clone(),
        hosts: options.hosts.clone(),
        pass_env: options.pass_env.clone(),
    };
    let setup = setup::setup(policy.as_ref(), &spec, &request)?;
    let launcher = Launcher::current().map_err(|error| error.to_string())?;
    if options.explain {
        for control in setup.controls(setup.wanted()) {
            let _ = writeln!(std::io::stdout(), "{control}");
        }
        return Ok(0);
    }
    let launched = run::start(&launcher, &setup).map_err(|error| error.to_string())?;
    let settings = spec.engine(policy.is_some(), false);
    let show = |event: &crate::decide::Event| {
        let _ = writeln!(std::io::stderr(), "manta guard: {} ({}): {}", event.kind, event.peer, event.detail);
    };
    let decider = Box::new(Permissive { show: Some(show), ..Permissive::default() });
    let (ended, _) = run::stdio(launched, settings, decider, Integrity::off(), &setup.hosts).map_err(|error| error.to_string())?;
    Ok(match ended {
        Ended::ByClient => 0,
        Ended::ByServer(code) => u8::try_from(code).unwrap_or(1),
    })
}
