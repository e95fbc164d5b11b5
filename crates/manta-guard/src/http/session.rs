//! One server process and its engine, spoken to by HTTP requests.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use manta_mcp::{Direction, Frame, FrameError, Id, Limits, Part, Refusal};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_local;
use tokio::time::interval;

use super::EventReceiver;
use super::body::OnTheWay;
use super::mailbox::{Outgoing, Sender, Streams, Waiting};
use crate::bridge::{self, Bridge, Bridged};
use crate::egress::{self, Hosts};
use crate::engine::{Counts, Engine, Sink};
use crate::lines::{Line, Lines};
use crate::mirror::Mirrors;
use crate::relay::GRACE_IN_FLIGHT;
use crate::sandbox::{Launched, Process};
use crate::server_log::ServerLog;
use crate::stream::{self, Outlet, Source};

/// Bytes the server has not taken at which requests are turned away.
const HIGH_WATER: usize = 32 << 20;

/// Bytes of requests that wait for their turn; beyond them a request is turned away.
const MAX_HELD: usize = 32 << 20;

/// Longest time that a request waits for its turn: those in flight may be subscriptions without an end.
const HELD_FOR: Duration = Duration::from_secs(30);

/// What HTTP requests ask of a session.
pub(super) enum Command {
    /// A request: what belongs to it goes to `reply`, its answer last.
    Request {
        bytes: Vec<u8>,
        id: Id,
        reply: Sender,
        is_modern: bool,
        /// The client takes nothing but the answer.
        answer_only: bool,
        /// What its headers say about arguments.
        params: Vec<(String, Option<String>)>,
    },
    /// A notification or an answer.
    Message(Vec<u8>),
    /// A stream for everything that belongs to no request.
    Listen(Sender),
}

/// A handle; the session ends when the last one is dropped.
#[derive(Clone)]
pub(super) struct Session {
    commands: mpsc::UnboundedSender<Command>,
    end: Rc<End>,
    /// Streams that its client can take up again.
    pub(super) streams: Rc<RefCell<Streams>>,
    pub(super) on_the_way: Rc<OnTheWay>,
}

struct End {
    has_ended: Cell<bool>,
    notify: Notify,
}

impl Session {
    pub(super) fn start(
        parts: (Launched, Engine, Hosts, EventReceiver),
        counts: Rc<RefCell<Counts>>,
    ) -> io::Result<Self> {
        let (Launched { pipes, process, listener, .. }, engine, hosts, events) = parts;
        let (commands, receiver) = mpsc::unbounded_channel();
        let streams: Rc<RefCell<Streams>> = Rc::default();
        let on_the_way = Rc::<OnTheWay>::default();
        let end = Rc::new(End { has_ended: Cell::new(false), notify: Notify::new() });
        if let Some(listener) = listener {
            spawn_local(egress::serve(listener, hosts));
        }
        let max_line = engine.limits().max_bytes;
        let reload = signal(SignalKind::hangup())?;
        let task = Task {
            from_server: Source::new(pipes.stdout)?,
            log: ServerLog::new(pipes.stderr, stream::duplicate(io::stderr())?)?,
            routes: Routes {
                bridge: engine.bridge(),
                server: Outlet::new(pipes.stdin)?,
                open: HashMap::new(),
                opened: 0,
                listener: None,
                waiting: Waiting::default(),
                mirrors: Mirrors::default(),
                next_id: 0,
            },
            engine,
            lines: Lines::new(max_line),
            commands: receiver,
            events,
            counts,
            counted: Counts::default(),
            streams: Rc::clone(&streams),
            on_the_way: Rc::clone(&on_the_way),
            held: VecDeque::new(),
            held_bytes: 0,
        };
        let ended = Rc::clone(&end);
        spawn_local(async move {
            task.run(process, reload).await;
            ended.has_ended.set(true);
            ended.notify.notify_waiters();
        });
        Ok(Self { commands, end, streams, on_the_way })
    }

    pub(super) fn send(&self, command: Command) {
        // A session that has ended drops the reply channel, which the request sees.
        let _ = self.commands.send(command);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.has_ended.get()
    }

    /// Lets go of the session and waits until its server has ended.
    pub(super) async fn ended(self) {
        let Self { commands, end, .. } = self;
        drop(commands);
        while !end.has_ended.get() {
            let _ = tokio::time::timeout(Duration::from_millis(100), end.notify.notified()).await;
        }
    }
}

struct Task {
    engine: Engine,
    from_server: Source,
    log: ServerLog,
    routes: Routes,
    lines: Lines,
    commands: mpsc::UnboundedReceiver<Command>,
    events: EventReceiver,
    counts: Rc<RefCell<Counts>>,
    counted: Counts,
    streams: Rc<RefCell<Streams>>,
    on_the_way: Rc<OnTheWay>,
    /// Requests that came while as many were in flight as may be. A crowd of callers shares one server, and each has
    /// nobody but the others to wait for.
    held: VecDeque<Asked>,
    held_bytes: usize,
}

/// A request of a client.
struct Asked {
    since: Instant,
    bytes: Vec<u8>,
    id: Id,
    open: Open,
    is_modern: bool,
    params: Vec<(String, Option<String>)>,
}

/// Where the engine's frames go.
struct Routes {
    bridge: Bridge,
    server: Outlet,
    open: HashMap<Id, Open>,
    /// Requests that were opened so far.
    opened: u64,
    listener: Option<Sender>,
    waiting: Waiting,
    mirrors: Mirrors,
    next_id: i64,
}

struct Open {
    reply: Sender,
    /// Its place in the order of requests.
    place: u64,
    answer_only: bool,
    /// The id the client used, when ours took its place.
    original: Option<Id>,
    progress: Option<String>,
    /// Its answer says which arguments headers repeat.
    lists_tools: bool,
    /// Its answer comes when the server or its client ends.
    is_subscription: bool,
}

impl Task {
    async fn run(mut self, mut process: Process, mut reload: Signal) {
        let mut buffer = vec![0; 64 << 10];
        let mut tick = interval(Duration::from_secs(1));
        // Set when nobody can ask any more: whoever waits for an answer still gets it.
        let mut ends_at: Option<Instant> = None;
        while ends_at.is_none_or(|end| self.routes.is_awaited() && Instant::now() < end) {
            tokio::select! {
                command = self.commands.recv(), if ends_at.is_none() => match command {
                    Some(command) => self.command(command),
                    None => ends_at = Some(Instant::now() + GRACE_IN_FLIGHT),
                },
                () = self.on_the_way.less(), if self.on_the_way.is_much() => {}
                count = self.from_server.read(&mut buffer), if !self.on_the_way.is_much() => match count {
                    Ok(count) if count > 0 => self.server_bytes(&buffer[..count]),
                    _ => break,
                },
                () = self.log.pass_on(), if !self.log.has_ended() => {}
                Some(event) = self.events.recv() => self.engine.record(&event),
                () = self.routes.server.flush(), if self.routes.server.backlog() > 0 => {}
                _ = reload.recv() => {
                    self.engine.reload();
                    process.hang_up();
                }
                _ = tick.tick() => self.tick(),
            }
        }
        self.routes.server.close();
        process.terminate();
        let code = tokio::task::spawn_blocking(move || process.wait()).await.unwrap_or(-1);
        self.engine.server_closed(&format!("the server has ended ({code})"), &mut self.routes);
        self.engine.closed("the session has ended");
        self.publish_counts();
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Request { bytes, id, reply, is_modern, answer_only, params } => {
                let (place, original, progress) = (0, None, None);
                let (lists_tools, is_subscription) = (false, false);
                let open = Open { reply, place, answer_only, original, progress, lists_tools, is_subscription };
                self.request(Asked { since: Instant::now(), bytes, id, open, is_modern, params });
            }
            Command::Message(bytes) if self.cancels_held(&bytes) => {}
            Command::Message(bytes) => self.engine.from_client(&bytes, &mut self.routes),
            Command::Listen(sender) => {
                // What nobody has seen yet, and it alone, moves to the new stream.
                let unread = self.routes.listener.take().map(|before| before.take_unread()).unwrap_or_default();
                let waiting = self.routes.waiting.take().into_iter().map(|text| Outgoing { text, is_answer: false });
                for message in unread.into_iter().chain(waiting) {
                    sender.send(message);
                }
                self.routes.listener = Some(sender);
            }
        }
        // The terminal belongs to whoever started the guard, not to a caller somewhere: nobody agrees there.
        for (question, _) in self.engine.take_prompts() {
            self.engine.terminal_answered(&question, false, &mut self.routes);
        }
        bridge::settle(&mut self.engine, &mut self.routes);
        self.take_held();
        self.routes.server.flush_now();
    }

    /// Sends a request on its way, or lets it wait for its turn. Answers and notifications never wait: those in flight
    /// may be waiting for them.
    fn request(&mut self, asked: Asked) {
        let size = asked.bytes.len();
        if (self.engine.has_room() && self.held.is_empty()) || self.held_bytes + size > MAX_HELD {
            return self.send(asked); // where there is no room, the engine says so
        }
        self.held_bytes += size;
        self.held.push_back(asked);
    }

    /// Sends on what waited, as far as there is room now or it has waited for too long, which the engine then says.
    fn take_held(&mut self) {
        while let Some(asked) =
            self.held.pop_front_if(|asked| self.engine.has_room() || asked.since.elapsed() > HELD_FOR)
        {
            self.held_bytes -= asked.bytes.len();
            // Whoever has gone meanwhile is asked nothing for.
            if !asked.open.reply.is_closed() {
                self.send(asked);
            }
        }
    }

    /// Whether a message takes back a request that still waits, which then never reaches the server. Stateless clients
    /// say so by closing the stream.
    fn cancels_held(&mut self, bytes: &[u8]) -> bool {
        let of_session = |asked: &Asked, id: &Id| !asked.is_modern && asked.id == *id;
        let Some(at) = cancelled(bytes).and_then(|id| self.held.iter().position(|asked| of_session(asked, &id))) else {
            return false;
        };
        let Some(asked) = self.held.remove(at) else { return false };
        self.held_bytes -= asked.bytes.len();
        let text = crate::engine::plain_error(Some(&asked.id), -32603, "the client cancelled the request");
        asked.open.reply.send(Outgoing { text, is_answer: true });
        true
    }

    /// Clients that share a process choose ids independently, so theirs are replaced on the way.
    fn send(&mut self, asked: Asked) {
        let Asked { bytes, id, mut open, is_modern, params, .. } = asked;
        let Ok(frame) = Frame::parse(&bytes, Direction::ToServer, &Limits::default()) else { return };
        let refuse = |open: Open, code: i32, why: &str| {
            let text = crate::engine::plain_error(Some(&id), code, why);
            open.reply.send(Outgoing { text, is_answer: true });
        };
        if self.routes.server.backlog() > HIGH_WATER {
            // A server that reads nothing must not fill the guard's memory.
            let why = "the server does not take requests now";
            self.engine.event("request-refused", "client", super::about(&frame, why));
            return refuse(open, -32603, why);
        }
        if is_modern && let Err(why) = self.routes.mirrors.check(&frame, &params) {
            self.engine.event("request-refused", "client", super::about(&frame, &why));
            return refuse(open, super::checks::HEADER_MISMATCH, &why);
        }
        open.lists_tools = frame.method() == "tools/list";
        open.is_subscription = frame.method() == "subscriptions/listen";
        open.progress = frame.raw(Part::MetaProgressToken).map(str::to_owned);
        if !is_modern {
            if self.routes.open.contains_key(&id) {
                self.engine.event("id-reused", "client", id.to_string());
                return refuse(open, -32600, "request id is already in use");
            }
            self.routes.insert(id, open);
            return self.engine.from_client(&bytes, &mut self.routes);
        }
        self.routes.next_id += 1;
        let ours = Id::Number(self.routes.next_id);
        let span = frame.span(Part::Id).expect("requests have an id");
        let mut edits = vec![(span, ours.to_string())];
        if let Some(token) = frame.span(Part::MetaProgressToken) {
            // Tokens are chosen by clients as well: two may choose the same.
            edits.push((token, ours.to_string()));
        }
        let text = frame.splice(&edits);
        open.original = Some(id);
        self.routes.insert(ours, open);
        self.engine.from_client(text.as_bytes(), &mut self.routes);
    }

    fn server_bytes(&mut self, bytes: &[u8]) {
        self.lines.feed(bytes);
        let too_long = FrameError { refusal: Refusal::TooLong, at: self.engine.limits().max_bytes };
        while let Some(line) = self.lines.next_line() {
            match line {
                Line::Frame(frame) => bridge::from_server(&mut self.engine, frame, &mut self.routes),
                Line::TooLong(seen) => self.engine.refuse_from_server(too_long, &seen, &mut self.routes),
            }
        }
        self.take_held();
        self.routes.server.flush_now();
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.engine.tick(now, &mut self.routes);
        self.streams.borrow_mut().tidy(now);
        self.log.new_second();
        self.routes.bridge.tick(now);
        // In the modern era closing the stream cancels the request; a legacy client says so itself.
        let gone: Vec<Id> = self
            .routes
            .open
            .iter()
            .filter(|(_, open)| open.reply.is_closed() && open.original.is_some())
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.routes.open.remove(&id);
            let cancel = format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{id},\"reason\":\"the client closed the stream\"}}}}"
            );
            self.engine.from_client(cancel.as_bytes(), &mut self.routes);
        }
        bridge::settle(&mut self.engine, &mut self.routes);
        self.take_held();
        self.routes.server.flush_now();
        self.publish_counts();
    }

    /// Adds what this session counted since the last time.
    fn publish_counts(&mut self) {
        let (now, before) = (self.engine.counts(), self.counted);
        let mut sum = self.counts.borrow_mut();
        sum.from_client += now.from_client - before.from_client;
        sum.from_server += now.from_server - before.from_server;
        sum.admitted += now.admitted - before.admitted;
        sum.denied += now.denied - before.denied;
        sum.refused_frames += now.refused_frames - before.refused_frames;
        sum.stray_answers += now.stray_answers - before.stray_answers;
        sum.unanswered += now.unanswered - before.unanswered;
        self.counted = now;
    }
}

/// The request that a message takes back.
fn cancelled(bytes: &[u8]) -> Option<Id> {
    let frame = Frame::parse(bytes, Direction::ToServer, &Limits::default()).ok()?;
    let id = frame.raw(Part::RequestId).filter(|_| frame.method() == "notifications/cancelled")?;
    Id::from_json(id)
}

impl Routes {
    fn insert(&mut self, id: Id, mut open: Open) {
        self.opened += 1;
        open.place = self.opened;
        self.open.insert(id, open);
    }

    /// Whether somebody waits for an answer that may come.
    fn is_awaited(&self) -> bool {
        self.open.values().any(|open| !open.is_subscription && !open.reply.is_closed())
    }

    /// Where a message goes that answers nothing: to the request whose progress it reports, else to
    /// the youngest open request, else to the listening stream, else it waits for one.
    fn unasked(&mut self, frame: &str) {
        let message = |text: String| Outgoing { text, is_answer: false };
        let target = match self.addressee(frame) {
            Some(about) => {
                // About a request that is over, or that never was: it belongs to nobody else.
                if let Some((open, text)) = about {
                    open.reply.send(message(text));
                }
                return;
            }
            None => {
                let streaming = self.open.values().filter(|open| !open.answer_only && !open.reply.is_closed());
                let youngest = streaming.max_by_key(|open| open.place);
                youngest.map(|open| &open.reply).or(self.listener.as_ref())
            }
        };
        let is_sent = target.is_some_and(|target| target.send(message(frame.to_owned())));
        if !is_sent {
            self.waiting.put(frame);
        }
    }

    /// The request a message says it is about, by its progress or its subscription; `None` when it says nothing.
    fn addressee(&self, frame: &str) -> Option<Option<(&Open, String)>> {
        let parsed = Frame::parse(frame.as_bytes(), Direction::ToClient, &Limits::default()).ok()?;
        if let Some(token) = parsed.raw(Part::ProgressToken) {
            return Some(self.by_progress(frame, token));
        }
        let (span, listener) = (parsed.span(Part::MetaSubscriptionId)?, parsed.raw(Part::MetaSubscriptionId)?);
        // Servers write the id of the request as it is, or as text.
        let (id, is_text) = match Id::from_json(listener)? {
            Id::Text(text) if !self.open.contains_key(&Id::Text(text.clone())) => (Id::from_json(&text)?, true),
            id => (id, false),
        };
        let open = self.open.get(&id)?;
        let Some(original) = &open.original else { return Some(Some((open, frame.to_owned()))) };
        let chosen = match original {
            Id::Number(number) if is_text => format!("\"{number}\""),
            id => id.to_string(),
        };
        Some(Some((open, parsed.splice(&[(span, chosen)]))))
    }

    /// The request a progress token belongs to, and the frame with the token its client chose.
    fn by_progress(&self, frame: &str, token: &str) -> Option<(&Open, String)> {
        let replaced = Id::from_json(token).and_then(|id| self.open.get(&id)).filter(|open| open.original.is_some());
        if let Some((open, chosen)) = replaced.and_then(|open| Some((open, open.progress.as_deref()?))) {
            let parsed = Frame::parse(frame.as_bytes(), Direction::ToClient, &Limits::default()).ok()?;
            let span = parsed.span(Part::ProgressToken)?;
            return Some((open, parsed.splice(&[(span, chosen.to_owned())])));
        }
        let open =
            self.open.values().find(|open| open.original.is_none() && open.progress.as_deref() == Some(token))?;
        Some((open, frame.to_owned()))
    }
}

impl Bridged for Routes {
    fn bridge(&mut self) -> &mut Bridge {
        &mut self.bridge
    }

    fn write(&mut self, text: &str) {
        self.server.push_line(text);
    }
}

impl Sink for Routes {
    fn to_server(&mut self, frame: &str) {
        bridge::to_server(self, frame);
    }

    fn to_client(&mut self, frame: &str, answers: Option<&Id>) {
        let Some(id) = answers else { return self.unasked(frame) };
        let Some(open) = self.open.remove(id) else { return };
        if open.lists_tools
            && let Ok(parsed) = Frame::parse(frame.as_bytes(), Direction::ToClient, &Limits::default())
            && let Some(tools) = parsed.value(Part::Tools)
        {
            self.mirrors.learn(&tools);
        }
        let text = match &open.original {
            Some(original) => with_id(frame, original),
            None => frame.to_owned(),
        };
        open.reply.send(Outgoing { text, is_answer: true });
    }
}

/// The frame with the id its client used.
fn with_id(frame: &str, id: &Id) -> String {
    match Frame::parse(frame.as_bytes(), Direction::ToClient, &Limits::default()) {
        Ok(parsed) => match parsed.span(Part::Id) {
            Some(span) => parsed.splice(&[(span, id.to_string())]),
            None => frame.to_owned(),
        },
        Err(_) => frame.to_owned(),
    }
}
