//! Runs one guard per server and moves frames between them and the client.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use manta_mcp::Limits;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{Mux, Wire};
use crate::lines::{Line, Lines};
use crate::relay::StopSignals;
use crate::stream::{Outlet, Source, duplicate};

/// Wait before a server is started again: the first, and the longest. One that ran for the longest wait starts
/// over with the first.
const BACKOFF: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);
/// How long guards may take to end after the client has gone.
const GRACE: Duration = Duration::from_secs(25);
/// Backlog towards the client at which its servers are not read, and towards a server at which the client is not.
const HIGH_WATER: usize = 32 << 20;

/// One server of the policy.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Text before its names; `None` for the name itself.
    pub prefix: Option<String>,
    /// Arguments that make this program the guard of this server.
    pub arguments: Vec<String>,
}

/// What reaches the loop.
enum Event {
    Line(usize, Vec<u8>),
    Ended(usize),
    Start(usize),
}

struct Guard {
    child: Child,
    input: Outlet,
    /// Ends with the guard's output.
    reader: JoinHandle<()>,
    since: Instant,
}

impl Guard {
    fn hang_up(&self) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // One that has ended is started again with what is in force then.
        pid.map(|pid| kill_process(pid, Signal::HUP));
    }
}

struct Wires {
    client: Outlet,
    guards: Vec<Option<Guard>>,
}

impl Wire for Wires {
    fn to_client(&mut self, frame: &str) {
        self.client.push_line(frame);
    }

    fn to_server(&mut self, server: usize, frame: &str) {
        if let Some(guard) = &mut self.guards[server] {
            guard.input.push_line(frame);
        }
    }

    fn note(&mut self, text: &str) {
        note(text);
    }
}

/// Serves the client on this process's own standard streams until it closes its side.
///
/// # Errors
/// When the sections can't stand beside each other, or the streams can't be used.
pub fn run(sections: &[Section], limits: Limits) -> Result<(), String> {
    check_prefixes(sections)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(LocalSet::new().run_until(serve(sections, limits))).map_err(|error| error.to_string())
}

/// Where one prefix begins another, a server could take the names of the other.
fn check_prefixes(sections: &[Section]) -> Result<(), String> {
    let prefix = |section: &Section| match section.prefix.as_deref().unwrap_or(&section.name) {
        "" => String::new(),
        text => format!("{text}_"),
    };
    for (index, one) in sections.iter().enumerate() {
        for other in sections.iter().skip(index + 1) {
            let (a, b) = (prefix(one), prefix(other));
            if a.starts_with(&b) || b.starts_with(&a) {
                return Err(format!(
                    "names of [server.{}] and [server.{}] can't be told apart: give one of them another `prefix`",
                    one.name, other.name
                ));
            }
        }
    }
    Ok(())
}

async fn serve(sections: &[Section], limits: Limits) -> io::Result<()> {
    let names: Vec<_> = sections.iter().map(|section| (section.name.clone(), section.prefix.clone())).collect();
    let mut mux = Mux::new(&names, limits);
    let (events, mut happened) = mpsc::channel(64);
    let mut wires = Wires { client: Outlet::new(duplicate(io::stdout())?)?, guards: Vec::new() };
    for (index, section) in sections.iter().enumerate() {
        wires.guards.push(Some(start(index, section, limits, &events)?));
    }
    let mut input = Source::new(duplicate(io::stdin())?)?;
    let mut lines = Lines::new(limits.max_bytes);
    let mut buffer = vec![0; 64 << 10];
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = StopSignals::new()?;
    let mut reload = signal(SignalKind::hangup())?;
    let mut waits = vec![BACKOFF; sections.len()];
    loop {
        let is_full = wires.guards.iter().flatten().any(|guard| guard.input.backlog() > HIGH_WATER);
        tokio::select! {
            biased;
            count = input.read(&mut buffer), if !is_full => match count {
                Ok(count) if count > 0 => {
                    lines.feed(&buffer[..count]);
                    client_lines(&mut lines, &mut mux, &mut wires);
                }
                _ => break,
            },
            Some(event) = happened.recv(), if wires.client.backlog() < HIGH_WATER => match event {
                Event::Line(server, line) => mux.from_server(server, &line, &mut wires),
                Event::Ended(server) => {
                    if let Some(mut guard) = wires.guards[server].take() {
                        let lived = guard.since.elapsed();
                        let code = guard.child.wait().await.ok().and_then(|status| status.code());
                        waits[server] = if lived > BACKOFF_MOST { BACKOFF } else { (waits[server] * 2).min(BACKOFF_MOST) };
                        let wait = waits[server] / 2;
                        note(&format!("server `{}` has ended (exit code {code:?}); started again in {} s", sections[server].name, wait.as_secs_f32()));
                        let events = events.clone();
                        spawn_local(async move {
                            sleep(wait).await;
                            let _ = events.send(Event::Start(server)).await;
                        });
                    }
                    mux.server_ended(server, &mut wires);
                }
                Event::Start(server) => match start(server, &sections[server], limits, &events) {
                    Ok(guard) => {
                        wires.guards[server] = Some(guard);
                        mux.server_started(server, &mut wires);
                    }
                    Err(error) => note(&format!("server `{}`: {error}", sections[server].name)),
                },
            },
            () = wires.client.flush(), if wires.client.backlog() > 0 => {}
            _ = tick.tick() => mux.tick(std::time::Instant::now(), &mut wires),
            () = stop.received() => break,
            // Each guard reads its part of the policy; one that starts later reads it anyway.
            _ = reload.recv() => wires.guards.iter().flatten().for_each(Guard::hang_up),
        }
        flush(&mut wires);
        if wires.client.is_closed() {
            break;
        }
    }
    finish(wires, &mut mux, happened).await;
    Ok(())
}

fn client_lines(lines: &mut Lines, mux: &mut Mux, wires: &mut Wires) {
    while let Some(line) = lines.next_line() {
        match line {
            Line::Frame(frame) => mux.from_client(frame, wires),
            Line::TooLong(seen) => {
                let text = crate::engine::plain_error(seen.id(), -32600, "the frame is too long");
                wires.to_client(&text);
            }
        }
    }
}

fn flush(wires: &mut Wires) {
    wires.client.flush_now();
    for guard in wires.guards.iter_mut().flatten() {
        guard.input.flush_now();
    }
}

/// Closes every guard's input, passes on what they still say, and waits for them.
async fn finish(mut wires: Wires, mux: &mut Mux, mut happened: mpsc::Receiver<Event>) {
    for guard in wires.guards.iter_mut().flatten() {
        guard.input.close();
    }
    let deadline = Instant::now() + GRACE;
    let mut left = wires.guards.iter().flatten().count();
    while left > 0 {
        match timeout(deadline.saturating_duration_since(Instant::now()), happened.recv()).await {
            Ok(Some(Event::Line(server, line))) => {
                mux.from_server(server, &line, &mut wires);
                wires.client.flush_now();
            }
            Ok(Some(Event::Ended(server))) => {
                left -= usize::from(wires.guards[server].take().is_some());
                mux.server_ended(server, &mut wires);
            }
            Ok(Some(Event::Start(_))) => {}
            Ok(None) | Err(_) => break,
        }
    }
    wires.client.flush_now();
    for mut guard in wires.guards.into_iter().flatten() {
        guard.reader.abort();
        let _ = guard.child.start_kill();
        let _ = guard.child.wait().await;
    }
}

fn start(index: usize, section: &Section, limits: Limits, events: &mpsc::Sender<Event>) -> io::Result<Guard> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(&section.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let gone = || io::Error::other("the guard has no streams");
    let input: OwnedFd = child.stdin.take().ok_or_else(gone)?.into_owned_fd()?;
    let output: OwnedFd = child.stdout.take().ok_or_else(gone)?.into_owned_fd()?;
    let mut source = Source::new(output)?;
    let events = events.clone();
    let reader = spawn_local(async move {
        let mut lines = Lines::new(limits.max_bytes);
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count) = source.read(&mut buffer).await {
            if count == 0 {
                break;
            }
            lines.feed(&buffer[..count]);
            while let Some(line) = lines.next_line() {
                // The guard behind holds its server to the same limit.
                let Line::Frame(frame) = line else { continue };
                if events.send(Event::Line(index, frame.to_vec())).await.is_err() {
                    return;
                }
            }
        }
        let _ = events.send(Event::Ended(index)).await;
    });
    Ok(Guard { child, input: Outlet::new(input)?, reader, since: Instant::now() })
}

fn note(text: &str) {
    // Standard error may be closed; there is no other place to say it.
    let _ = io::Write::write_all(&mut io::stderr(), format!("manta guard: {text}\n").as_bytes());
}
