//! What this host really gives: every feature is tried in a process of its own, none is assumed.

use std::io;
use std::process::{Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use super::{Launcher, Level, seccomp, sys};

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
        let output = Command::new(&launcher.program).arg("__probe").stdin(Stdio::null()).output()?;
        serde_json::from_slice(&output.stdout).map_err(io::Error::other)
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

/// Runs in the child: writes a [`Host`] to standard output.
pub(super) fn run_child() -> ExitCode {
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
    let filter = seccomp::program(seccomp::Sockets { inet: false, unix: false });
    rustix::thread::set_no_new_privs(true)
        .map_err(io::Error::from)
        .and_then(|()| sys::install_filter(&filter))
        .map_err(|error| error.to_string())?;
    match sys::probe_call(libc::SYS_unshare, [0; 6]) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        _ => Err("the filter is installed and does not filter".to_owned()),
    }
}
