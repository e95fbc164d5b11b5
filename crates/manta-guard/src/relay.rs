//! Drives the engine over two pairs of pipes.
//!
//! One task waits for everything at once. What one side doesn't take is queued; a long queue stops
//! the reading of the opposite stream, never of its own, so that no order of writing and reading
//! can lock the three processes up.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::time::Duration;

use manta_mcp::{FrameError, Id, Refusal};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};

use crate::bridge::{self, Bridge, Bridged};
use crate::decide::Event;
use crate::engine::{Engine, Sink};
use crate::lines::{Line, Lines};
use crate::sandbox::{Pipes, Process};
use crate::server_log::ServerLog;
use crate::stream::{Outlet, Source};

/// Queue length at which the reading of the opposite stream pauses.
const HIGH_WATER: usize = 32 << 20;

/// How long the server may stay silent after its input was closed: with nothing left to answer, and
/// with answers still owed.
const GRACE: Duration = Duration::from_secs(3);
pub(crate) const GRACE_IN_FLIGHT: Duration = Duration::from_secs(20);

/// How long after SIGTERM until the tree is killed for certain.
const KILL_AFTER: Duration = Duration::from_secs(4);

/// The client's streams.
pub struct Client {
    /// Frames from the client.
    pub input: OwnedFd,
    /// Frames to the client.
    pub output: OwnedFd,
    /// Where the server's standard error goes.
    pub log: OwnedFd,
}

/// Why a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client closed its side, or a signal asked for the end.
    ByClient,
    /// The server ended by itself, with this exit code (128 and the signal for a death by signal).
    ByServer(i32),
}

/// Relays until one side ends, then ends the other in good order. Needs a single-threaded runtime.
///
/// # Errors
/// Only when the streams can't be set up; a stream that fails later counts as ended.
pub async fn run(
    engine: &mut Engine,
    client: Client,
    pipes: Pipes,
    process: &mut Process,
    events: Receiver<Event>,
) -> io::Result<Ended> {
    let exited = crate::stream::watched(process.exit_watch()?)?;
    let max_line = engine.limits().max_bytes;
    let mut relay = Relay {
        from_client: Source::new(client.input)?,
        from_server: Source::new(pipes.stdout)?,
        log: ServerLog::new(pipes.stderr, client.log)?,
        out: Outlets {
            server: Outlet::new(pipes.stdin)?,
            client: Outlet::new(client.output)?,
            bridge: engine.bridge(),
        },
        client_lines: Lines::new(max_line),
        server_lines: Lines::new(max_line),
        ending: None,
        by_client: false,
        full_since: None,
    };
    relay.relay(engine, process, Rare::new(events, exited)?).await?;
    let code = process.wait();
    relay.drain_server(engine).await;
    if code != 0 && !relay.by_client {
        relay.log.explain_the_end();
    }
    let why = describe_exit(code);
    engine.server_closed(&why, &mut relay.out);
    engine.closed(&why);
    relay.out.client.flush_now();
    // A client that doesn't read its last answers must not keep the guard alive.
    let _ = timeout(GRACE, relay.drain_client()).await;
    Ok(if relay.by_client { Ended::ByClient } else { Ended::ByServer(code) })
}

struct Relay {
    from_client: Source,
    from_server: Source,
    log: ServerLog,
    out: Outlets,
    client_lines: Lines,
    server_lines: Lines,
    ending: Option<Ending>,
    by_client: bool,
    /// Since when as much is in flight as may be.
    full_since: Option<Instant>,
}

/// What is waited for besides the messages, all at once and for as long as nothing of it happens: to begin to wait for so
/// much costs more than to look at a message.
struct Rare {
    stop: StopSignals,
    reload: Signal,
    tick: Interval,
    exited: AsyncFd<OwnedFd>,
    /// What the egress proxy has to say.
    events: Receiver<Event>,
    answers: UnboundedReceiver<(Id, bool)>,
    asks: UnboundedSender<(Id, bool)>,
}

/// What of it happened.
enum Happened {
    Stop,
    Reload,
    Tick,
    Exited,
    Event(Event),
    /// A person answered a question on the terminal.
    Answer(Id, bool),
}

impl Rare {
    fn new(events: Receiver<Event>, exited: AsyncFd<OwnedFd>) -> io::Result<Self> {
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (asks, answers) = tokio::sync::mpsc::unbounded_channel();
        Ok(Self {
            stop: StopSignals::new()?,
            reload: signal(SignalKind::hangup())?,
            tick,
            exited,
            events,
            answers,
            asks,
        })
    }

    async fn next(&mut self, is_ending: bool) -> Happened {
        tokio::select! {
            biased;
            Some(event) = self.events.recv() => Happened::Event(event),
            Some((question, agreed)) = self.answers.recv() => Happened::Answer(question, agreed),
            _ = self.exited.readable() => Happened::Exited,
            () = self.stop.received(), if !is_ending => Happened::Stop,
            _ = self.reload.recv() => Happened::Reload,
            _ = self.tick.tick() => Happened::Tick,
        }
    }
}

/// Steps of an orderly end, each with the time at which the next one is taken.
#[derive(Clone, Copy)]
enum Ending {
    /// The client is gone; the server's input closes when it has taken what is queued.
    InputClosed(Instant),
    /// The server was asked to end.
    Terminated(Instant),
    /// Its tree was killed.
    Killed,
}

/// Longest time that a client's messages wait for a place among those in flight.
const FULL_FOR: Duration = Duration::from_secs(30);

/// Where the engine's frames go.
struct Outlets {
    server: Outlet,
    client: Outlet,
    bridge: Bridge,
}

impl Bridged for Outlets {
    fn bridge(&mut self) -> &mut Bridge {
        &mut self.bridge
    }

    fn write(&mut self, text: &str) {
        self.server.push_line(text);
    }
}

impl Sink for Outlets {
    fn to_server(&mut self, frame: &str) {
        bridge::to_server(self, frame);
    }

    fn to_client(&mut self, frame: &str, _answers: Option<&Id>) {
        self.client.push_line(frame);
    }
}

impl Relay {
    async fn relay(&mut self, engine: &mut Engine, process: &mut Process, mut rare: Rare) -> io::Result<()> {
        let mut buffers = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let mut terminal = Terminal { questions: None, answers: rare.asks.clone() };
        loop {
            let is_ending = self.ending.is_some();
            let mut next = pin!(rare.next(is_ending));
            let happened = loop {
                self.before_waiting(engine, &mut terminal);
                if self.ending.is_some() != is_ending {
                    break None; // a signal that asks for the end is not waited for any more
                }
                if let Some(happened) = self.messages(engine, process, &mut buffers, next.as_mut()).await {
                    break Some(happened);
                }
            };
            match happened {
                None => {}
                Some(Happened::Exited) => return Ok(()),
                Some(Happened::Stop) => self.client_ended(engine),
                Some(Happened::Reload) => engine.reload(),
                Some(Happened::Event(event)) => engine.record(&event),
                Some(Happened::Answer(question, agreed)) => {
                    engine.terminal_answered(&question, agreed, &mut self.out);
                    bridge::settle(engine, &mut self.out);
                    self.flush_now();
                }
                Some(Happened::Tick) => {
                    let now = std::time::Instant::now();
                    engine.tick(now, &mut self.out);
                    self.out.bridge.tick(now);
                    bridge::settle(engine, &mut self.out);
                    self.log.new_second();
                    self.client_frames(engine);
                }
            }
        }
    }

    /// Waits for messages and for room for them, and does what there is to do then; gives back what else happened.
    async fn messages(
        &mut self,
        engine: &mut Engine,
        process: &mut Process,
        (from_client, from_server): &mut (Vec<u8>, Vec<u8>),
        next: Pin<&mut impl Future<Output = Happened>>,
    ) -> Option<Happened> {
        // What is refused is answered here and now, and one that reads no answers must not fill the memory with them.
        let has_space = self.out.server.backlog() < HIGH_WATER && self.out.client.backlog() < HIGH_WATER;
        let read_client = self.ending.is_none() && has_space && self.takes_more(engine);
        let read_server = !self.from_server.has_ended() && self.out.client.backlog() < HIGH_WATER;
        let deadline = match self.ending {
            Some(Ending::InputClosed(at) | Ending::Terminated(at)) => Some(at),
            Some(Ending::Killed) | None => None,
        };
        tokio::select! {
            biased;
            count = self.from_client.read(from_client), if read_client => match count {
                Ok(count) if count > 0 => self.client_bytes(&from_client[..count], engine),
                _ => self.client_ended(engine),
            },
            count = self.from_server.read(from_server), if read_server => {
                if let Ok(count) = count {
                    self.server_bytes(&from_server[..count], engine);
                }
            }
            () = self.out.server.flush(), if self.out.server.backlog() > 0 => self.close_input_if_drained(),
            () = self.out.client.flush(), if self.out.client.backlog() > 0 => {}
            () = self.log.pass_on(), if !self.log.has_ended() => {}
            () = until(deadline), if deadline.is_some() => self.next_step(process),
            happened = next => return Some(happened),
        }
        None
    }

    fn before_waiting(&mut self, engine: &mut Engine, terminal: &mut Terminal) {
        for (question, text) in engine.take_prompts() {
            terminal.ask(question, text);
        }
        // A client that stopped reading is gone, whatever its other stream says.
        if self.out.client.is_closed() && self.ending.is_none() {
            self.client_ended(engine);
        }
        engine.settled();
    }

    /// Whether the client's next message is read. A client that asks for more than may be in flight waits, as it does for
    /// a server that reads slowly; but not while those in flight may be waiting for it, and not for ever: then the engine
    /// says that there is too much.
    fn takes_more(&mut self, engine: &Engine) -> bool {
        if engine.has_room() || engine.awaits_client() {
            self.full_since = None;
            return true;
        }
        self.full_since.get_or_insert_with(Instant::now).elapsed() > FULL_FOR
    }

    fn client_bytes(&mut self, bytes: &[u8], engine: &mut Engine) {
        self.client_lines.feed(bytes);
        self.client_frames(engine);
    }

    /// What the client has said already, as far as it may be taken now.
    fn client_frames(&mut self, engine: &mut Engine) {
        while (self.ending.is_some() || self.takes_more(engine))
            && let Some(line) = self.client_lines.next_line()
        {
            match line {
                Line::Frame(frame) => engine.from_client(frame, &mut self.out),
                Line::TooLong(seen) => engine.refuse_from_client(too_long(engine), &seen, &mut self.out),
            }
            bridge::settle(engine, &mut self.out);
        }
        self.flush_now();
    }

    fn server_bytes(&mut self, bytes: &[u8], engine: &mut Engine) {
        self.server_lines.feed(bytes);
        while let Some(line) = self.server_lines.next_line() {
            match line {
                Line::Frame(frame) => bridge::from_server(engine, frame, &mut self.out),
                Line::TooLong(seen) => engine.refuse_from_server(too_long(engine), &seen, &mut self.out),
            }
        }
        if let Some(Ending::InputClosed(at)) = &mut self.ending {
            *at = Instant::now() + grace(engine);
        }
        self.client_frames(engine);
    }

    fn client_ended(&mut self, engine: &mut Engine) {
        self.ending = Some(Ending::InputClosed(Instant::now()));
        self.client_frames(engine);
        // A last frame without a line feed is still a frame.
        let rest = self.client_lines.rest().to_vec();
        if !rest.iter().all(u8::is_ascii_whitespace) {
            engine.from_client(&rest, &mut self.out);
            bridge::settle(engine, &mut self.out);
        }
        self.by_client = true;
        self.ending = Some(Ending::InputClosed(Instant::now() + grace(engine)));
        self.flush_now();
        self.close_input_if_drained();
    }

    fn close_input_if_drained(&mut self) {
        if self.ending.is_some() && self.out.server.backlog() == 0 {
            self.out.server.close();
        }
    }

    fn next_step(&mut self, process: &mut Process) {
        self.ending = Some(match self.ending {
            Some(Ending::InputClosed(_)) | None => {
                self.out.server.close();
                process.terminate();
                Ending::Terminated(Instant::now() + KILL_AFTER)
            }
            Some(Ending::Terminated(_) | Ending::Killed) => {
                process.kill();
                Ending::Killed
            }
        });
    }

    fn flush_now(&mut self) {
        self.out.server.flush_now();
        self.out.client.flush_now();
    }

    /// What the server wrote before it ended.
    async fn drain_server(&mut self, engine: &mut Engine) {
        let mut buffer = vec![0; 64 << 10];
        while !self.from_server.has_ended() {
            match timeout(Duration::from_millis(500), self.from_server.read(&mut buffer)).await {
                Ok(Ok(count)) => self.server_bytes(&buffer[..count], engine),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        while !self.log.has_ended() && timeout(Duration::from_millis(50), self.log.pass_on()).await.is_ok() {}
    }

    async fn drain_client(&mut self) {
        while self.out.client.backlog() > 0 {
            self.out.client.flush().await;
        }
    }
}

/// The terminal the guard was started from, where a person can be asked whatever the client is.
struct Terminal {
    questions: Option<std::sync::mpsc::Sender<(Id, String)>>,
    answers: UnboundedSender<(Id, bool)>,
}

impl Terminal {
    /// Asks in a thread of its own, one question after the other: a terminal can only be waited for.
    fn ask(&mut self, question: Id, text: String) {
        let answers = self.answers.clone();
        let questions = self.questions.get_or_insert_with(|| {
            let (sender, questions) = std::sync::mpsc::channel::<(Id, String)>();
            std::thread::spawn(move || {
                for (question, text) in questions {
                    // Without a terminal nobody agrees.
                    let agreed = ask_on_terminal(&text).unwrap_or(false);
                    if answers.send((question, agreed)).is_err() {
                        return;
                    }
                }
            });
            sender
        });
        let _ = questions.send((question, text));
    }
}

fn ask_on_terminal(text: &str) -> io::Result<bool> {
    ask_on(std::fs::File::options().read(true).write(true).open("/dev/tty")?, text)
}

fn ask_on(mut terminal: std::fs::File, text: &str) -> io::Result<bool> {
    use std::io::{BufRead as _, Write as _};
    // What was typed before the question was there is no answer to it: a second `y` must not agree to the next call.
    rustix::termios::tcflush(&terminal, rustix::termios::QueueSelector::IFlush)?;
    write!(terminal, "manta guard: {text} [y/N] ")?;
    let mut answer = String::new();
    io::BufReader::new(terminal).read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(crate) fn new() -> io::Result<Self> {
        // A log at the limit on the size of files is a full disk, which refuses calls; the signal would end them all. One
        // that is listened for has its usual meaning for the server again.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A timer is made only where there is something to wait for.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn grace(engine: &Engine) -> Duration {
    if engine.in_flight() == 0 { GRACE } else { GRACE_IN_FLIGHT }
}

fn too_long(engine: &Engine) -> FrameError {
    FrameError { refusal: Refusal::TooLong, at: engine.limits().max_bytes }
}

fn describe_exit(code: i32) -> String {
    match code {
        0 => "the server has ended".to_owned(),
        129.. => format!("the server was killed by signal {}", code - 128),
        code => format!("the server has ended with exit code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    use super::*;

    #[test]
    fn what_was_typed_before_the_question_is_no_answer() {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let theirs = File::from(ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap());
        let mut person = File::from(ours);
        for (typed_before, answer, agreed) in [("", "y", true), ("y\ny\n", "n", false), ("y", "", false)] {
            person.write_all(typed_before.as_bytes()).unwrap();
            let asked = theirs.try_clone().unwrap();
            let question = std::thread::spawn(move || ask_on(asked, "really?").unwrap());
            let mut seen = Vec::new();
            while !seen.ends_with(b"[y/N] ") {
                let mut piece = [0; 256];
                let count = person.read(&mut piece).unwrap();
                seen.extend_from_slice(&piece[..count]);
            }
            person.write_all(format!("{answer}\n").as_bytes()).unwrap();
            assert_eq!(question.join().unwrap(), agreed, "{typed_before:?}");
        }
    }
}
