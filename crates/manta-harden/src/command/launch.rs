//! The server's side: start the launcher, hand it the program, collect what comes out.

use std::io::{self, IoSlice, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::error::{CommandError, CommandRule};
use super::launcher::{ARG0, Job, Report, is_ready};
use super::set::{Invocation, Output, Status};

/// How long the launcher may take to end a tree after the wall time.
const GRACE: Duration = Duration::from_secs(5);

pub(super) fn run(invocation: &Invocation) -> Result<Output, CommandError> {
    if !is_ready() {
        return Err(CommandError::new(
            CommandRule::NoLauncher,
            "`manta_harden::command::init()` must be the first call of `main`",
        ));
    }
    let started = Instant::now();
    let mut running = Running::start(invocation).map_err(|error| launch_error(&error))?;
    let collected = running.collect(invocation).map_err(|error| launch_error(&error))?;
    let report = match collected.report.as_deref().map(serde_json::from_slice) {
        Some(Ok(Ok(report))) => report,
        Some(Ok(Err(Refused(reason)))) => return Err(CommandError::new(CommandRule::Launch, reason)),
        // Cut short on purpose, or the launcher was killed: the tree's group is gone with `running`.
        _ if collected.over_budget => Report { status: Status::OutputLimit, swept: 0 },
        _ => return Err(CommandError::new(CommandRule::Launch, "the launcher ended without an answer")),
    };
    let status = if collected.over_budget { Status::OutputLimit } else { report.status };
    let [stdout, stderr] = collected.streams;
    Ok(Output { status, stdout, stderr, duration: started.elapsed(), swept: report.swept })
}

/// What the launcher answers instead of a report.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Refused(pub(super) String);

fn launch_error(error: &io::Error) -> CommandError {
    CommandError::new(CommandRule::Launch, format!("the program could not be started or watched: {}", error.kind()))
}

struct Running {
    launcher: Child,
    control: UnixStream,
}

#[derive(Default)]
struct Collected {
    streams: [Vec<u8>; 2],
    report: Option<Vec<u8>>,
    over_budget: bool,
}

impl Running {
    fn start(invocation: &Invocation) -> io::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        // A file that is open executes whatever happens to its name; so does our own.
        let launcher = Command::new("/proc/self/exe")
            .arg0(ARG0)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let running = Self { launcher, control };
        running.send(invocation)?;
        Ok(running)
    }

    /// One message: length, job, and the two descriptors.
    fn send(&self, invocation: &Invocation) -> io::Result<()> {
        let job = serde_json::to_vec(&Job::new(invocation))?;
        let length = u32::try_from(job.len()).map_err(|_| io::ErrorKind::InvalidInput)?.to_le_bytes();
        let descriptors = [invocation.command.exe.as_fd(), invocation.command.cwd.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let first = [IoSlice::new(&length)];
        retry_on_intr(|| sendmsg(&self.control, &first, &mut ancillary, SendFlags::NOSIGNAL))?;
        let mut rest = job.as_slice();
        while !rest.is_empty() {
            let sent = retry_on_intr(|| rustix::net::send(&self.control, rest, SendFlags::NOSIGNAL))?;
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Reads both streams within the budget until the launcher has answered and all ends are closed.
    fn collect(&mut self, invocation: &Invocation) -> io::Result<Collected> {
        let limits = &invocation.command.spec.limits;
        let deadline = Instant::now() + limits.wall + GRACE;
        let mut budget = limits.output;
        let mut collected = Collected::default();
        let (mut out, mut err) = (self.launcher.stdout.take(), self.launcher.stderr.take());
        let mut is_control_open = true;
        while out.is_some() || err.is_some() || is_control_open {
            let sources = [
                out.as_ref().map(|pipe| pipe.as_fd()),
                err.as_ref().map(|pipe| pipe.as_fd()),
                is_control_open.then(|| self.control.as_fd()),
            ];
            let Some(ready) = wait_for(sources, deadline)? else { break };
            let mut chunk = [0; 16 * 1024];
            if ready[0] && take(&mut out, &mut chunk, &mut collected.streams[0], &mut budget)?
                || ready[1] && take(&mut err, &mut chunk, &mut collected.streams[1], &mut budget)?
            {
                // Too much: the launcher ends the tree when our end closes, the rest is thrown away.
                collected.over_budget = true;
                let _ = self.control.shutdown(std::net::Shutdown::Write);
            }
            if ready[2] {
                match self.control.read(&mut chunk)? {
                    0 => is_control_open = false,
                    n => collected.report.get_or_insert_default().extend_from_slice(&chunk[..n]),
                }
            }
        }
        Ok(collected)
    }
}

/// Which of the sources have something to read; `None` when the deadline has passed.
fn wait_for(sources: [Option<BorrowedFd<'_>>; 3], deadline: Instant) -> io::Result<Option<[bool; 3]>> {
    let open: Vec<(usize, BorrowedFd<'_>)> =
        sources.iter().enumerate().filter_map(|(i, fd)| Some((i, (*fd)?))).collect();
    let mut polled: Vec<PollFd<'_>> = open.iter().map(|&(_, fd)| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return Ok(None) };
        if left.is_zero() {
            return Ok(None);
        }
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let mut ready = [false; 3];
    for (&(i, _), fd) in open.iter().zip(&polled) {
        ready[i] = !fd.revents().is_empty();
    }
    Ok(Some(ready))
}

/// Reads once; closes the source at its end. Says whether the budget is used up now.
fn take<R: io::Read>(
    source: &mut Option<R>,
    chunk: &mut [u8],
    into: &mut Vec<u8>,
    budget: &mut u64,
) -> io::Result<bool> {
    let Some(reader) = source else { return Ok(false) };
    let read = match reader.read(chunk) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
        read => read?,
    };
    if read == 0 {
        *source = None;
        return Ok(false);
    }
    let kept = read.min(usize::try_from(*budget).unwrap_or(usize::MAX));
    into.extend_from_slice(&chunk[..kept]);
    *budget -= kept as u64;
    Ok(kept < read)
}

impl Drop for Running {
    /// By now the launcher has ended its tree and is gone, or it hangs.
    fn drop(&mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            match self.launcher.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                _ => return,
            }
        }
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
    }
}
