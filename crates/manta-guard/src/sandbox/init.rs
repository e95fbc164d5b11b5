//! The process between the guard and the server: `manta __init FD`.
//!
//! Single-threaded from start to end. It reads the plan, closes every other descriptor, leaves the terminal's
//! session, confines the server as the system can ([`super::platform`]), and stays until the whole tree has
//! ended: because the server did, because the guard says so, or because the guard is gone.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use super::{Message, Plan, platform, sys};

/// Largest plan that is read.
const MAX_PLAN: u32 = 16 << 20;

/// Exit code when the server could not be started.
pub(super) const FAILED: u8 = 125;

/// How long the tree may take to end after SIGTERM.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// The guard asks for an orderly end with this byte.
pub(super) const TERMINATE: u8 = b'T';

/// The guard passes SIGHUP on with this byte, to a server that is a guard itself.
pub(super) const HANG_UP: u8 = b'H';

/// Runs the init process when `arguments` (without the program's name) ask for it. A program that
/// launches servers calls this first in `main`, before it starts any thread.
#[must_use]
pub fn run_if_asked(arguments: &[String]) -> Option<ExitCode> {
    match arguments {
        [command, fd] if command == "__init" => Some(run(fd)),
        [command] if command == "__probe" => Some(platform::probe::run_child()),
        [command, rest @ ..] if command == crate::command::SECTION => Some(crate::command::main(rest)),
        [command] if command == crate::upstream::COMMAND => Some(crate::upstream::run()),
        _ => None,
    }
}

fn run(fd: &str) -> ExitCode {
    let Some(mut control) = fd.parse().ok().and_then(|fd: RawFd| sys::adopt(fd).ok()).map(UnixStream::from) else {
        return ExitCode::from(FAILED);
    };
    match prepare(&mut control) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            tell(&mut control, &Message::Failed(error.to_string()));
            ExitCode::from(FAILED)
        }
    }
}

fn prepare(control: &mut UnixStream) -> io::Result<u8> {
    let plan = read_plan(control).map_err(|error| context("the plan", &error))?;
    sys::close_from(3, control.as_raw_fd()).map_err(|error| context("inherited files", &error))?;
    let _ = rustix::process::setsid();
    platform::init::run(&plan, control)
}

/// What stands in for the server's pipes: a file that holds nothing.
pub(super) fn nothing() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/null").map_err(|error| context("/dev/null", &error))
}

/// Lets go of the server's pipes, so that their other ends see when the server closes them.
pub(super) fn forget_stdio(nothing: &File) -> io::Result<()> {
    rustix::stdio::dup2_stdin(nothing)?;
    rustix::stdio::dup2_stdout(nothing)?;
    rustix::stdio::dup2_stderr(nothing)?;
    Ok(())
}

fn read_plan(control: &mut UnixStream) -> io::Result<Plan> {
    let mut len = [0; 4];
    control.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len);
    if len > MAX_PLAN {
        return Err(io::Error::other("the plan is too long"));
    }
    let mut text = vec![0; len as usize];
    control.read_exact(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

pub(super) fn tell(control: &mut UnixStream, message: &Message) {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    // When the guard is gone there is nobody left to tell.
    let _ = control.write_all(&line);
}

pub(super) fn context(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
