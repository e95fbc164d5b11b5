//! The init on macOS: lowers the limits, starts the server under its profile in a process group of its own, and
//! ends the group when the server ends, when the guard says so, or when the guard is gone.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{SANDBOX_EXEC, profile};
use crate::sandbox::init::{FAILED, GRACE, HANG_UP, TERMINATE, context, forget_stdio, nothing, tell};
use crate::sandbox::{Level, Message, Plan, Reached, limits};

/// How often the server's end is looked for: there is no descriptor that tells it.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Confines and starts the server, and stays until it has ended.
pub(in crate::sandbox) fn run(plan: &Plan, control: &mut UnixStream) -> io::Result<u8> {
    limits::set(&plan.limits)?;
    rustix::io::fcntl_setfd(&*control, rustix::io::FdFlags::CLOEXEC)?;
    let mut server =
        command(plan)?.spawn().map_err(|error| context(&format!("cannot run {}", plan.command[0]), &error))?;
    forget_stdio(&nothing()?)?;
    let group = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    let group = group.ok_or_else(|| io::Error::other("the server has no process id"))?;
    tell(control, &Message::Started(Reached { level: plan.level, landlock: 0, gaps: Vec::new() }));
    let status = supervise(&mut server, group, control)?;
    let _ = kill_process_group(group, Signal::KILL);
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}

fn command(plan: &Plan) -> io::Result<Command> {
    let [program, arguments @ ..] = plan.command.as_slice() else {
        return Err(io::Error::other("the command is empty"));
    };
    let mut command = match plan.level {
        Level::A => return Err(io::Error::other("level A needs Linux")),
        Level::B => {
            let mut confined = Command::new(SANDBOX_EXEC);
            confined.args(["-p", &profile::text(plan)?, program]);
            confined
        }
        Level::C => Command::new(program),
    };
    command.args(arguments).env_clear().envs(plan.env.iter().cloned()).current_dir(&plan.cwd).process_group(0);
    Ok(command)
}

/// Waits until the server ends or the guard wants it to.
fn supervise(server: &mut Child, group: Pid, control: &mut UnixStream) -> io::Result<ExitStatus> {
    let mut kill_at: Option<Instant> = None;
    loop {
        if let Some(status) = server.try_wait()? {
            return Ok(status);
        }
        if kill_at.is_some_and(|at| at <= Instant::now()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if kill_at.is_some() {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        let mut fds = [PollFd::new(&*control, PollFlags::IN)];
        match poll(&mut fds, Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut byte = [0];
        let asked = control.read(&mut byte)?;
        if asked == 1 && byte[0] == HANG_UP {
            let _ = kill_process(group, Signal::HUP);
            continue;
        }
        let orderly = asked == 1 && byte[0] == TERMINATE;
        // Anything else means that the guard is gone.
        let _ = kill_process_group(group, if orderly { Signal::TERM } else { Signal::KILL });
        kill_at = Some(Instant::now() + if orderly { GRACE } else { Duration::ZERO });
    }
}
