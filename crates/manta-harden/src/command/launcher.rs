//! The child's side: a copy of this program that runs one command and leaves nothing behind.
//!
//! A server can't set limits on a child before it runs, close its stray descriptors, or adopt the
//! processes it leaves, without `unsafe` code or without touching its own children. A small process
//! in between can do all three to itself. It lives as long as its socket to the server: when the
//! server dies, the tree dies.

use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, WaitStatus, fchdir, getpid, getuid, kill_process,
    kill_process_group, pidfd_open, set_child_subreaper, setrlimit, setsid, wait, waitpid,
};
use serde::{Deserialize, Serialize};

use super::launch::Refused;
use super::set::{Invocation, Status};

/// The name under which this program is the launcher.
pub(super) const ARG0: &str = "manta-harden-launcher";

static READY: AtomicBool = AtomicBool::new(false);

pub(super) fn is_ready() -> bool {
    READY.load(Ordering::Acquire)
}

/// Makes this program able to run commands. Call it first in `main`, before threads start.
///
/// The library runs each command through a second process of this same program, which sets
/// limits, closes descriptors and ends whatever the command leaves behind. In that process `init`
/// never returns; in the server it does nothing else.
///
/// A program that is out to escape, rather than merely untidy, could kill that process, which runs
/// as the same user; run such programs in a sandbox.
pub fn init() {
    if std::env::args_os().next().is_some_and(|name| name == ARG0) {
        // No destructors and no unwinding matter here: everything to clean up is a process.
        std::process::exit(i32::from(serve_one().is_err()));
    }
    READY.store(true, Ordering::Release);
}

/// What the server sends. Descriptors travel beside it: the program, then the directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    arg0: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    cpu_seconds: u64,
    wall_ms: u64,
    memory: u64,
    file: u64,
    files: u64,
    processes: u64,
}

/// What the launcher answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) status: Status,
    pub(super) swept: u32,
}

impl Job {
    pub(super) fn new(invocation: &Invocation) -> Self {
        let spec = &invocation.command.spec;
        let defaults = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("LANG", "C.UTF-8"),
            ("HOME", "/nonexistent"),
            ("TMPDIR", "/tmp"),
        ];
        let mut env: Vec<(String, String)> = defaults.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        env.extend(spec.env.iter().cloned());
        Self {
            arg0: spec.exe.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            args: invocation.argv().to_vec(),
            env,
            cpu_seconds: spec.limits.cpu.as_secs() + u64::from(spec.limits.cpu.subsec_nanos() > 0),
            wall_ms: u64::try_from(spec.limits.wall.as_millis()).unwrap_or(u64::MAX),
            memory: spec.limits.memory,
            file: spec.limits.file,
            files: spec.limits.files,
            processes: spec.limits.processes,
        }
    }
}

fn serve_one() -> io::Result<()> {
    let mut control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (job, exe, cwd) = receive(&mut control)?;
    let answer: Result<Report, Refused> =
        run(&job, &exe, &cwd, &control).map_err(|(what, error)| Refused(format!("{what}: {}", error.kind())));
    control.write_all(&serde_json::to_vec(&answer)?)
}

/// One message with the length and the descriptors, then the job.
fn receive(control: &mut UnixStream) -> io::Result<(Job, OwnedFd, OwnedFd)> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let read = recvmsg(
        &*control,
        &mut [IoSliceMut::new(&mut length)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL,
    )?;
    let mut descriptors = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let (Some(exe), Some(cwd), 4) = (descriptors.next(), descriptors.next(), read.bytes) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut job = vec![0; u32::from_le_bytes(length) as usize];
    control.read_exact(&mut job)?;
    Ok((serde_json::from_slice(&job)?, exe, cwd))
}

fn run(job: &Job, exe: &OwnedFd, cwd: &OwnedFd, control: &UnixStream) -> Result<Report, (&'static str, io::Error)> {
    let deadline = Instant::now() + Duration::from_millis(job.wall_ms);
    confine(job, cwd).map_err(|error| ("limits could not be set", error))?;
    let child = Command::new(format!("/proc/self/fd/{}", exe.as_raw_fd()))
        .arg0(&job.arg0)
        .args(&job.args)
        .env_clear()
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| ("the program could not be executed", error))?;
    let pid = Pid::from_child(&child);
    let watched = watch(pid, control, deadline).map_err(|error| ("the program could not be watched", error));
    // While the child is not reaped its group can't be anybody else's.
    let _ = kill_process_group(pid, Signal::KILL);
    let status = reap(pid).map_err(|error| ("the program could not be reaped", error))?;
    let swept = sweep();
    Ok(Report { status: watched?.unwrap_or(status), swept })
}

/// Everything that holds for this process and therefore for what it starts.
fn confine(job: &Job, cwd: &OwnedFd) -> io::Result<()> {
    // Descriptors the server forgot to mark: sockets, keys, other tenants' files (CWE-403).
    close_fds::set_fds_cloexec(3, &[]);
    // Out of the server's session: no `/dev/tty` to read the user's keys from or type into.
    setsid()?;
    fchdir(cwd)?;
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, job.file)?;
    limit(Resource::Nofile, job.files.max(16))?;
    limit(Resource::Cpu, job.cpu_seconds.max(1))?;
    limit(Resource::As, job.memory)?;
    // The limit counts all processes of the user, so those that exist are added. Root has none.
    if !getuid().is_root() {
        limit(Resource::Nproc, count_tasks().saturating_add(job.processes))?;
    }
    rustix::thread::set_no_new_privs(true)?;
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Waits for the child, the server or the clock. `None` when the child ended by itself.
fn watch(pid: Pid, control: &UnixStream, deadline: Instant) -> io::Result<Option<Status>> {
    let child = pidfd_open(pid, PidfdFlags::empty())?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Some(Status::TimedOut));
        }
        let timeout = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut polled = [PollFd::new(&child, PollFlags::IN), PollFd::from_borrowed_fd(control.as_fd(), PollFlags::IN)];
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if !polled[0].revents().is_empty() {
            return Ok(None);
        }
        // The server sends nothing more, so this is its end closing: no longer interested, or gone.
        if !polled[1].revents().is_empty() {
            return Ok(Some(Status::OutputLimit));
        }
    }
}

fn reap(pid: Pid) -> io::Result<Status> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(describe(status)),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn describe(status: WaitStatus) -> Status {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, Some(signal)) => Status::Signalled(signal),
        (None, None) => Status::Signalled(0),
    }
}

/// Ends every process that is left. As subreaper this process inherits all orphans of the tree,
/// also those that called `setsid` or forked twice. Only direct children are killed: their numbers
/// can't be reused before they are reaped, and killing them makes their children ours.
fn sweep() -> u32 {
    let mut swept = 0;
    let deadline = Instant::now() + Duration::from_secs(4);
    while Instant::now() < deadline {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => swept += 1,
                Ok(None) => break,
                // No children: nothing is left.
                Err(_) => return swept,
            }
        }
        for pid in children() {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    swept
}

/// Direct children, from `/proc/*/stat`.
fn children() -> Vec<Pid> {
    let me = getpid().as_raw_pid();
    let parent = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // `pid (name) state ppid …`; the name may hold anything, so count from its end.
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse::<i32>().ok()
    };
    numbered("/proc").filter(|&pid| parent(pid) == Some(me)).filter_map(Pid::from_raw).collect()
}

/// Processes and threads of this user.
fn count_tasks() -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let me = getuid().as_raw();
    let is_mine = |pid: &i32| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|meta| meta.uid() == me);
    numbered("/proc").filter(is_mine).map(|pid| numbered(&format!("/proc/{pid}/task")).count() as u64).sum()
}

fn numbered(dir: &str) -> impl Iterator<Item = i32> + use<> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
