//! What this host really gives: a profile is tried, not assumed.

use std::fmt;
use std::io;
use std::process::{Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use super::SANDBOX_EXEC;
use crate::sandbox::{Launcher, Level};

/// What was tried and what came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    /// Release of the system.
    pub system: String,
    /// A profile was accepted and refused what it should; otherwise why not.
    pub seatbelt: Result<(), String>,
}

impl Host {
    /// Tries everything in child processes of `launcher`.
    ///
    /// # Errors
    /// When the child can't be started or doesn't answer.
    pub fn probe(launcher: &Launcher) -> io::Result<Self> {
        launcher.ask_child()
    }

    /// The best level this host gives.
    #[must_use]
    pub fn best(&self) -> Level {
        if self.seatbelt.is_ok() { Level::B } else { Level::C }
    }

    /// The same on one line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{}, sandbox-exec {}", self.system, self.said())
    }

    fn said(&self) -> String {
        self.seatbelt.as_ref().map_or_else(|why| format!("no: {why}"), |()| "yes".to_owned())
    }
}

/// For `manta doctor`: a line per feature, and what the best level means.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "system           {}", self.system)?;
        writeln!(f, "sandbox-exec     {}", self.said())?;
        let meaning = match self.best() {
            Level::A | Level::B => "weaker than Linux: no namespaces, the egress proxy is on the host's loopback",
            Level::C => "a hostile server is not confined",
        };
        writeln!(f, "level            {:?}: {meaning}", self.best())
    }
}

/// Runs in the child: writes a [`Host`] to standard output.
pub(in crate::sandbox) fn run_child() -> ExitCode {
    let name = rustix::system::uname();
    let system = format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy());
    let host = Host { system, seatbelt: try_profile() };
    let written = serde_json::to_writer(io::stdout(), &host);
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One profile that admits everything must let a program run, and one that forbids reading must not.
fn try_profile() -> Result<(), String> {
    let runs = |profile: &str| {
        let mut command = Command::new(SANDBOX_EXEC);
        command.args(["-p", profile, "/bin/cat", "/etc/hosts"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let missing = |error: io::Error| format!("{SANDBOX_EXEC}: {error}");
    if !runs("(version 1)(allow default)").map_err(missing)?.success() {
        return Err("no profile is accepted".to_owned());
    }
    let refusing = "(version 1)(allow default)(deny file-read-data (literal \"/private/etc/hosts\"))";
    match runs(refusing).map_err(missing)?.success() {
        true => Err("a profile is accepted and does not refuse".to_owned()),
        false => Ok(()),
    }
}
