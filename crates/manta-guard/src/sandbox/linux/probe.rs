//! What this host really gives: every feature is tried in a process of its own, none is assumed.

use std::fmt;
use std::io;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::seccomp;
use crate::sandbox::{Launcher, Level, sys};

/// What was tried and what came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    /// Kernel release.
    pub kernel: String,
    /// Landlock version, 0 for none.
    pub landlock: u32,
    /// Making user, mount, PID, IPC and network namespaces worked; otherwise why not.
    pub namespaces: Result<(), String>,
    /// A seccomp program was accepted and refused the call it should.
    pub seccomp: Result<(), String>,
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
        match (&self.namespaces, &self.seccomp) {
            (Ok(()), Ok(())) => Level::A,
            (Err(_), Ok(())) if self.landlock >= 3 => Level::B,
            _ => Level::C,
        }
    }
}

impl Host {
    /// The same on one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let namespaces = self.namespaces.as_ref().map_or_else(|why| format!("no ({why})"), |()| "yes".to_owned());
        format!("kernel {}, Landlock {}, namespaces {namespaces}", self.kernel, self.landlock)
    }
}

/// For `manta doctor`: a line per feature, and what the best level means.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |result: &Result<(), String>| {
            result.as_ref().map_or_else(|why| format!("no: {why}"), |()| "yes".to_owned())
        };
        writeln!(f, "kernel           {}", self.kernel)?;
        writeln!(f, "user namespaces  {}", said(&self.namespaces))?;
        writeln!(f, "Landlock         {}", self.landlock_said())?;
        writeln!(f, "seccomp          {}", said(&self.seccomp))?;
        let best = self.best();
        let meaning = match best {
            Level::A => "everything below is enforced by the kernel",
            Level::B => "no host lists, no hidden names; metadata of other files can be changed",
            Level::C => "a hostile server is not confined",
        };
        writeln!(f, "level            {best:?}: {meaning}")?;
        if self.namespaces.is_err() {
            writeln!(
                f,
                "hint: on Ubuntu 24.04 an AppArmor profile may allow user namespaces to this program; in a container \
                 they need the engine's permission"
            )?;
        }
        Ok(())
    }
}

impl Host {
    fn landlock_said(&self) -> String {
        let missing = match self.landlock {
            0 => return "no".to_owned(),
            1..3 => "; too old, version 3 is needed",
            3 => "; TCP, devices, abstract sockets and signals are not covered",
            4..6 => "; abstract sockets and signals are not covered",
            6..9 => "; unix sockets with a path are not covered, seccomp refuses all unix sockets",
            _ => "",
        };
        format!("version {}{missing}", self.landlock)
    }
}

/// Runs in the child: writes a [`Host`] to standard output.
pub(in crate::sandbox) fn run_child() -> ExitCode {
    let host = Host {
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        landlock: sys::landlock_abi(),
        // In this order: the filter of the second probe would refuse the first.
        namespaces: sys::unshare(
            libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWNET,
        )
        .map_err(|error| error.to_string()),
        seccomp: try_seccomp(),
    };
    let written = serde_json::to_writer(io::stdout(), &host);
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn try_seccomp() -> Result<(), String> {
    let filter = seccomp::program(seccomp::Needs { inet: false, unix: false, apart: false });
    rustix::thread::set_no_new_privs(true)
        .map_err(io::Error::from)
        .and_then(|()| sys::install_filter(&filter))
        .map_err(|error| error.to_string())?;
    match sys::probe_call(libc::SYS_unshare, [0; 6]) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        _ => Err("the filter is installed and does not filter".to_owned()),
    }
}
