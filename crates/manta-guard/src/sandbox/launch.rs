//! The guard's side of a launch: starts the init process, hands it the plan, hears what it reached.

use std::fmt;
use std::io::{self, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair,
};
use serde::de::DeserializeOwned;

use super::{Message, Plan, Reached, platform};

/// How long the init may take until the server runs.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Received descriptors are not for the programs that the guard starts; where the flag is missing none is sent.
#[cfg(target_os = "linux")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// Which program is the init: this one, unless a test or an embedder says otherwise.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// A program whose `main` calls [`super::init::run_if_asked`] first.
    pub program: PathBuf,
}

impl Launcher {
    /// The running program itself.
    ///
    /// # Errors
    /// When the system doesn't say which file that is.
    pub fn current() -> io::Result<Self> {
        Ok(Self { program: std::env::current_exe()? })
    }

    /// What a child of this program finds out about the host, which is tried there because it can't be undone.
    pub(super) fn ask_child<T: DeserializeOwned>(&self) -> io::Result<T> {
        let output = Command::new(&self.program).arg("__probe").stdin(Stdio::null()).output()?;
        serde_json::from_slice(&output.stdout).map_err(io::Error::other)
    }
}

/// The server's standard streams, seen from the guard.
#[derive(Debug)]
pub struct Pipes {
    /// Its standard input.
    pub stdin: OwnedFd,
    /// Its standard output.
    pub stdout: OwnedFd,
    /// Its standard error.
    pub stderr: OwnedFd,
}

/// The server's process tree. Dropping it ends the tree.
#[derive(Debug)]
pub struct Process {
    /// Ends when the whole tree has ended.
    init: Child,
    /// The init ends the tree when the other end of this closes.
    control: UnixStream,
    /// The server is a guard, which reads its policy again when it is told to.
    is_guard: bool,
}

impl Process {
    /// Asks the server to end (SIGTERM); its tree is ended two seconds later.
    pub fn terminate(&mut self) {
        let _ = self.control.write_all(&[super::init::TERMINATE]);
    }

    /// The same for a server that is a guard in front of others.
    #[must_use]
    pub(crate) fn of_guard(mut self) -> Self {
        self.is_guard = true;
        self
    }

    /// Passes SIGHUP on to a guard. To any other server it would mean something of its own.
    pub(crate) fn hang_up(&mut self) {
        if self.is_guard {
            let _ = self.control.write_all(&[super::init::HANG_UP]);
        }
    }

    /// Ends the tree now.
    pub fn kill(&mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
    }

    /// A descriptor that becomes readable when the tree has ended.
    ///
    /// # Errors
    /// When the process table has no room for it.
    #[cfg(target_os = "linux")]
    pub fn exit_watch(&self) -> io::Result<OwnedFd> {
        let pid = i32::try_from(self.init.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the init process has no id"))?;
        Ok(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::NONBLOCK)?)
    }

    /// A descriptor that becomes readable when the init has ended, which then closes its end of the line.
    ///
    /// # Errors
    /// When the process table has no room for it.
    #[cfg(not(target_os = "linux"))]
    pub fn exit_watch(&self) -> io::Result<OwnedFd> {
        Ok(self.control.try_clone()?.into())
    }

    /// Exit code of the server (128 and the signal for a death by signal). Waits until the tree has ended.
    pub fn wait(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        match self.init.wait() {
            Ok(status) => status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1),
            Err(_) => -1,
        }
    }

    /// Process id of the init.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.init.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = self.init.wait();
    }
}

/// A running server.
#[derive(Debug)]
pub struct Launched {
    /// Its streams.
    pub pipes: Pipes,
    /// Its processes.
    pub process: Process,
    /// Listening socket inside the server's network namespace, with [`super::Network::Proxy`].
    pub listener: Option<OwnedFd>,
    /// What was reached.
    pub reached: Reached,
}

/// Why a server was not started.
#[derive(Debug)]
pub enum LaunchError {
    /// The guard's own part failed.
    Io(io::Error),
    /// The init could not reach the level or run the command.
    Refused(String),
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "start the sandbox: {error}"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for LaunchError {}

impl<E: Into<io::Error>> From<E> for LaunchError {
    fn from(error: E) -> Self {
        Self::Io(error.into())
    }
}

/// Starts a server as planned. Takes a few milliseconds.
///
/// # Errors
/// When the level can't be reached or the command can't be run; nothing is left running then.
pub fn launch(launcher: &Launcher, plan: &Plan) -> Result<Launched, LaunchError> {
    let (plan, egress) = platform::egress(plan)?;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
    rustix::io::fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
    let mut control = UnixStream::from(ours);
    control.set_read_timeout(Some(START_TIMEOUT))?;
    let mut init = Command::new(&launcher.program)
        .args(["__init", &theirs.as_raw_fd().to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(theirs);
    match hand_over(&mut control, &plan) {
        Ok((reached, listener)) => {
            let piped = "the command was spawned with pipes";
            let pipes = Pipes {
                stdin: init.stdin.take().expect(piped).into(),
                stdout: init.stdout.take().expect(piped).into(),
                stderr: init.stderr.take().expect(piped).into(),
            };
            Ok(Launched {
                pipes,
                process: Process { init, control, is_guard: false },
                listener: listener.or(egress),
                reached,
            })
        }
        Err(error) => {
            let _ = init.kill();
            let _ = init.wait();
            Err(error)
        }
    }
}

fn hand_over(control: &mut UnixStream, plan: &Plan) -> Result<(Reached, Option<OwnedFd>), LaunchError> {
    let text = serde_json::to_vec(plan).map_err(io::Error::other)?;
    let len = u32::try_from(text.len()).map_err(io::Error::other)?;
    control.write_all(&len.to_le_bytes())?;
    control.write_all(&text)?;
    let mut listener = None;
    let mut received = Vec::new();
    loop {
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            match serde_json::from_slice(&line).map_err(io::Error::other)? {
                Message::Listener => {}
                Message::Started(reached) => return Ok((reached, listener)),
                Message::Failed(why) => return Err(LaunchError::Refused(why)),
            }
        }
        if receive(control, &mut received, &mut listener)? == 0 {
            return Err(LaunchError::Refused("the init process ended before the server ran".to_owned()));
        }
    }
}

fn receive(control: &UnixStream, received: &mut Vec<u8>, listener: &mut Option<OwnedFd>) -> io::Result<usize> {
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    // A signal that has a handler, such as one to read the policy again, is no reason not to start.
    let mut take = || recvmsg(control, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, CLOSE_ON_EXEC);
    let result = rustix::io::retry_on_intr(&mut take)?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
            *listener = descriptors.next();
        }
    }
    received.extend_from_slice(&bytes[..result.bytes]);
    Ok(result.bytes)
}
