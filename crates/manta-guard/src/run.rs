//! Starts a server under a plan and relays until it ends: `manta guard -- CMD` without its command line.

use std::fmt;
use std::io::{self, Read as _};

use crate::decide::Decider;
use crate::egress::{self, Hosts};
use crate::engine::Engine;
use crate::http;
use crate::relay::{self, Client, Ended};
use crate::sandbox::{LaunchError, Launched, Launcher, Level, Plan, launch};
use crate::server_log;
use crate::setup::{AllowedHost, Setup};
use crate::stream;

/// Why a guard did not run.
#[derive(Debug)]
pub enum RunError {
    /// No level that the policy accepts can be reached here, with what stopped each.
    Sandbox {
        /// The lowest accepted level.
        required: Level,
        /// What was tried and what failed.
        tried: Vec<(Level, String)>,
    },
    /// Streams or the runtime could not be set up.
    Io(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sandbox { required, tried } => {
                write!(f, "the server was not started: level {required:?} is required")?;
                for (level, why) in tried {
                    write!(f, "\n  level {level:?}: {why}")?;
                }
                Ok(())
            }
            Self::Io(error) => write!(f, "set up the relay: {error}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Launches at the wanted level, or the best one that is still accepted.
///
/// # Errors
/// [`RunError::Sandbox`] when every accepted level failed.
pub fn start(launcher: &Launcher, setup: &Setup) -> Result<Launched, RunError> {
    let mut tried = Vec::new();
    for level in [Level::A, Level::B, Level::C] {
        if level > setup.wanted() || level < setup.require {
            continue;
        }
        let launched = setup.at_level(level).and_then(|plan| {
            launch(launcher, &plan).map_err(|error| match error {
                LaunchError::Refused(why) => why,
                error @ LaunchError::Io(_) => error.to_string(),
            })
        });
        match launched {
            Ok(launched) => return Ok(launched),
            Err(why) => tried.push((level, why)),
        }
    }
    Err(RunError::Sandbox { required: setup.require, tried })
}

/// Runs a plan to its end: for fetching packages. Returns what it said, at most the first 64 KiB.
///
/// # Errors
/// A message when it can't be started or fails.
pub fn to_the_end(
    launcher: &Launcher,
    plan: &Plan,
    mut log: impl io::Write + io::IsTerminal,
) -> Result<String, String> {
    let Launched { pipes, mut process, .. } = launch(launcher, plan).map_err(|error| error.to_string())?;
    drop(pipes.stdin);
    let mut output = std::fs::File::from(pipes.stdout);
    let drain = std::thread::spawn(move || {
        let mut said = Vec::new();
        // A pipe that breaks has said what it had to say.
        let _ = (&mut output).take(64 << 10).read_to_end(&mut said);
        let _ = io::copy(&mut output, &mut io::sink());
        String::from_utf8_lossy(&said).into_owned()
    });
    server_log::pass_on_to_the_end(pipes.stderr, &mut log);
    let said = drain.join().unwrap_or_default();
    match process.wait() {
        0 => Ok(said),
        code => Err(format!("{} ended with exit code {code}", plan.command.join(" "))),
    }
}

/// Relays between this process's own standard streams and the server until one side ends.
///
/// # Errors
/// [`RunError`] when nothing could be relayed.
pub fn stdio(launched: Launched, mut engine: Engine, hosts: &[AllowedHost]) -> Result<Ended, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Launched { pipes, mut process, listener, .. } = launched;
    let client = Client {
        input: stream::duplicate(io::stdin())?,
        output: stream::duplicate(io::stdout())?,
        log: stream::duplicate(io::stderr())?,
    };
    let (sender, events) = tokio::sync::mpsc::channel(egress::MAX_TOLD);
    let hosts = Hosts::new(hosts, sender).map_err(io::Error::other)?;
    let ended = runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        if let Some(listener) = listener {
            tokio::task::spawn_local(egress::serve(listener, hosts));
        }
        relay::run(&mut engine, client, pipes, &mut process, events).await
    }))?;
    Ok(ended)
}

/// As many open connections as the system admits: shells commonly start programs with room for a thousand. The
/// server's own limit is set when it is started.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    // Fewer connections are no reason not to serve.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, ..now });
}

/// Serves the server over Streamable HTTP until a signal asks for the end.
///
/// # Errors
/// When the address can't be used.
pub fn over_http(
    address: std::net::SocketAddr,
    guests: http::Guests,
    factory: http::Factory,
    rules: Box<dyn Decider>,
) -> Result<(), RunError> {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = tokio::task::LocalSet::new();
    Ok(runtime.block_on(served.run_until(http::serve(address, guests, factory, rules)))?)
}
