//! The init on Linux: enters namespaces, brings loopback up and hands the egress listener over, builds the file
//! tree, forks; the child raises the fence and becomes the server; the parent reaps orphans and ends the tree.
//!
//! Single-threaded from start to end, which is what makes `fork` sound.

use std::fs::{self, File};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, wait, waitpid};

use super::{fence, mounts};
use crate::sandbox::init::{FAILED, GRACE, HANG_UP, TERMINATE, context, forget_stdio, nothing, tell};
use crate::sandbox::sys::{self, Fork};
use crate::sandbox::{Level, Message, Network, Plan, Reached};

/// Confines and starts the server, and stays until it has ended.
pub(in crate::sandbox) fn run(plan: &Plan, control: &mut UnixStream) -> io::Result<u8> {
    if plan.level != Level::A {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        return start(plan, control, Vec::new());
    }
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let isolate_network = plan.network != Network::Any;
    let mut flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC;
    if isolate_network {
        flags |= libc::CLONE_NEWNET;
    }
    sys::unshare(flags).map_err(|error| context("namespaces", &error))?;
    map_ids(uid, gid).map_err(|error| context("user namespace", &error))?;
    // Before the fork: the tree that the child builds becomes the root of both, and has no devices at first.
    let nothing = nothing()?;
    match sys::fork()? {
        Fork::Parent(first) => {
            forget_stdio(&nothing)?;
            // The first process of the namespace speaks to the guard; a copy here would keep the line open.
            let (unused, _) = UnixStream::pair()?;
            drop(std::mem::replace(control, unused));
            Ok(exit_code(wait_for(first)?))
        }
        Fork::Child => {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            let code = first_process(plan, control, isolate_network).unwrap_or_else(|error| {
                tell(control, &Message::Failed(error.to_string()));
                FAILED
            });
            sys::exit_now(code.into());
        }
    }
}

/// The first process of the PID namespace: when it ends, the kernel ends everything in it.
fn first_process(plan: &Plan, control: &mut UnixStream, isolate_network: bool) -> io::Result<u8> {
    let mut gaps = Vec::new();
    if isolate_network {
        let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)?;
        sys::loopback_up(socket.as_fd()).map_err(|error| context("loopback", &error))?;
    }
    if plan.network == Network::Proxy {
        let listener =
            TcpListener::bind(("127.0.0.1", plan.proxy_port)).map_err(|error| context("egress listener", &error))?;
        send_listener(control, listener.into())?;
    }
    mounts::enter(plan).map_err(|error| context("file tree", &error))?;
    if !fs::exists("/proc/self").unwrap_or(false) {
        gaps.push("no /proc: mounting it is not allowed here".to_owned());
    }
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    start(plan, control, gaps)
}

/// Starts the server and stays until the tree has ended.
fn start(plan: &Plan, control: &mut UnixStream, mut gaps: Vec<String>) -> io::Result<u8> {
    let landlock = sys::landlock_abi();
    if landlock == 0 && plan.level == Level::A {
        gaps.push("no Landlock: the mount namespace confines alone".to_owned());
    }
    if plan.level == Level::B {
        gaps.extend(super::gap_at_b(landlock).map(str::to_owned));
    }
    rustix::io::fcntl_setfd(&*control, rustix::io::FdFlags::CLOEXEC)?;
    let (mut failed, report) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map(|(r, w)| (File::from(r), File::from(w)))?;
    let server = match sys::fork()? {
        Fork::Child => {
            let error = become_server(plan);
            let _ = (&report).write_all(error.to_string().as_bytes());
            sys::exit_now(FAILED.into());
        }
        Fork::Parent(server) => server,
    };
    drop(report);
    forget_stdio(&nothing()?)?;
    let mut problem = String::new();
    failed.read_to_string(&mut problem).map_err(|error| context("the server's report", &error))?;
    if problem.is_empty() {
        tell(control, &Message::Started(Reached { level: plan.level, landlock, gaps }));
    } else {
        tell(control, &Message::Failed(problem));
    }
    let code = supervise(server, control)?;
    if plan.level != Level::A {
        sweep();
    }
    Ok(code)
}

/// Never returns unless something failed.
fn become_server(plan: &Plan) -> io::Error {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if let Err(error) = std::env::set_current_dir(&plan.cwd) {
        return context(&format!("working directory {}", plan.cwd.display()), &error);
    }
    if let Err(error) = fence::raise(plan) {
        return context("fence", &error);
    }
    let [program, arguments @ ..] = plan.command.as_slice() else {
        return io::Error::other("the command is empty");
    };
    let error = Command::new(program).args(arguments).env_clear().envs(plan.env.iter().cloned()).exec();
    context(&format!("cannot run {program}"), &error)
}

/// Waits until the server ends or the guard wants it to, reaping orphans meanwhile.
fn supervise(server: Pid, control: &mut UnixStream) -> io::Result<u8> {
    let pidfd = pidfd_open(server, PidfdFlags::empty())?;
    let mut kill_at: Option<Instant> = None;
    loop {
        let mut fds = [
            PollFd::new(&pidfd, PollFlags::IN),
            PollFd::new(&*control, if kill_at.is_none() { PollFlags::IN } else { PollFlags::empty() }),
        ];
        let timeout = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let (ended, spoke) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
        if ended {
            let status = waitpid(Some(server), WaitOptions::NOHANG)?;
            return Ok(status.map_or(FAILED, |(_, status)| exit_code(status)));
        }
        reap_orphans(server);
        if spoke && kill_at.is_none() {
            let mut byte = [0];
            let asked = control.read(&mut byte)?;
            if asked == 1 && byte[0] == HANG_UP {
                let _ = kill_process(server, Signal::HUP);
            } else if asked == 1 && byte[0] == TERMINATE {
                let _ = kill_process(server, Signal::TERM);
                kill_at = Some(Instant::now() + GRACE);
            } else {
                // The guard is gone.
                let _ = kill_process(server, Signal::KILL);
                kill_at = Some(Instant::now());
            }
        }
        if kill_at.is_some_and(|at| at <= Instant::now()) {
            let _ = kill_process(server, Signal::KILL);
        }
    }
}

/// Collects children other than the server, which end up here when their parents die.
fn reap_orphans(server: Pid) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    loop {
        // Looks first, so that the server's own status is left for its waiter.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Ok(Some(_)) = waitid(WaitId::All, options) else { return };
        let pidfd_says_server = waitid(WaitId::Pid(server), options).is_ok_and(|status| status.is_some());
        if pidfd_says_server || wait(WaitOptions::NOHANG).is_err() {
            return;
        }
    }
}

/// Ends every descendant: as the subreaper this process inherits those whose parents died, so
/// repeating until no child is left reaches all of them.
fn sweep() {
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::NOHANG) {
            Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn children() -> Vec<Pid> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| parent_of(*pid) == Some(own))
        .filter_map(Pid::from_raw)
        .collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may itself contain anything.
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(1)?.parse().ok()
}

fn map_ids(uid: u32, gid: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

fn wait_for(pid: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// As shells do: 128 and the signal's number for a death by signal.
fn exit_code(status: WaitStatus) -> u8 {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED)
}

fn send_listener(control: &UnixStream, listener: OwnedFd) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Message::Listener)?;
    line.push(b'\n');
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    let sent = sendmsg(control, &[IoSlice::new(&line)], &mut ancillary, SendFlags::empty())?;
    if sent == line.len() { Ok(()) } else { Err(io::Error::other("the listener was not sent whole")) }
}
