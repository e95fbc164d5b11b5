//! Requests to the remote server, and what comes back for each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use manta_harden::net::{SafeClient, UrlArg};
use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part, one_line};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::Target;
use super::events::Events;
use crate::engine::plain_error;
use crate::mirror::Mirrors;
use crate::stream::Outlet;

const VERSION: &str = "mcp-protocol-version";
const SESSION: &str = "mcp-session-id";
const LAST_EVENT: &str = "last-event-id";
const EVENTS: &str = "text/event-stream";

/// How long the remote may take until it answers at all; what it then streams may take as long as it likes.
const FIRST_BYTE: Duration = Duration::from_secs(300);
/// Waits between attempts to resume a stream: the first, and the longest.
const RESUME: Duration = Duration::from_secs(1);
const RESUME_MOST: Duration = Duration::from_secs(30);
/// Attempts to resume the stream of one request before it counts as lost.
const RESUME_ATTEMPTS: u32 = 8;
/// Idle connections that are kept.
const IDLE: usize = 32;
/// Bytes the guard has not taken at which reading from the remote stops.
const HIGH_WATER: usize = 32 << 20;

/// One message for the remote.
pub(super) struct Message {
    pub(super) id: Option<Id>,
    pub(super) is_opening: bool,
    is_modern: bool,
    is_initialized: bool,
    lists_tools: bool,
    version: Option<String>,
    mirrored: Vec<(String, String)>,
    body: Bytes,
}

impl Message {
    pub(super) fn of(frame: &Frame<'_>, remote: &Remote) -> Self {
        let version = frame.string(Part::MetaProtocolVersion).map(|version| version.into_owned());
        let is_modern = version.is_some();
        let is_request = frame.kind() == Kind::Request;
        Self {
            id: frame.id().filter(|_| is_request).cloned(),
            is_opening: frame.method() == "initialize",
            is_modern,
            is_initialized: frame.method() == "notifications/initialized",
            lists_tools: frame.method() == "tools/list",
            version,
            mirrored: if is_modern { remote.mirrors.borrow().of(frame) } else { Vec::new() },
            body: Bytes::copy_from_slice(frame.text().as_bytes()),
        }
    }
}

/// The remote server.
pub(super) struct Remote {
    client: SafeClient,
    url: UrlArg,
    path: String,
    authority: HeaderValue,
    fixed: HeaderMap,
    max_message: usize,
    idle: RefCell<Vec<SendRequest<Full<Bytes>>>>,
    session: RefCell<Option<String>>,
    /// Revision that `initialize` agreed on.
    version: RefCell<Option<String>>,
    /// What opened the session, for opening it again.
    opening: RefCell<Option<(Bytes, Option<Bytes>)>>,
    is_modern: Cell<bool>,
    is_listening: Cell<bool>,
    mirrors: RefCell<Mirrors>,
    running: RefCell<HashMap<Id, AbortHandle>>,
    out: RefCell<Outlet>,
    written: Notify,
    more: Notify,
}

impl Remote {
    pub(super) fn new(client: SafeClient, url: UrlArg, target: &Target, out: Outlet) -> Result<Self, String> {
        let (scheme, rest) = url.untrusted().split_once("://").ok_or("not a URL")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let path = rest[end..].split('#').next().unwrap_or("");
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        // The name the operator wrote: `localhost` stays that for the other side.
        let written = target.url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = written.split(['/', '?', '#']).next().unwrap_or("");
        let authority = HeaderValue::from_str(authority).map_err(|_| format!("{scheme}: the host can't be sent"))?;
        let mut fixed = HeaderMap::new();
        for (name, value) in &target.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let mut value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            fixed.append(name, value);
        }
        Ok(Self {
            client,
            path,
            url,
            authority,
            fixed,
            max_message: target.max_message,
            idle: RefCell::default(),
            session: RefCell::default(),
            version: RefCell::default(),
            opening: RefCell::default(),
            is_modern: Cell::new(false),
            is_listening: Cell::new(false),
            mirrors: RefCell::default(),
            running: RefCell::default(),
            out: RefCell::new(out),
            written: Notify::new(),
            more: Notify::new(),
        })
    }

    pub(super) fn note_modern(&self) {
        self.is_modern.set(true);
    }

    pub(super) fn is_modern(&self) -> bool {
        self.is_modern.get()
    }

    pub(super) fn started(&self, id: Id, task: AbortHandle) {
        let mut running = self.running.borrow_mut();
        running.retain(|_, task| !task.is_finished());
        running.insert(id, task);
    }

    /// Closing the stream of a request is how it is cancelled in the modern era.
    pub(super) fn cancel(&self, id: &Id) {
        if let Some(task) = self.running.borrow_mut().remove(id) {
            task.abort();
        }
    }

    /// Ends the session in good order.
    pub(super) async fn close(&self) {
        if self.session.borrow().is_some() {
            let request = self.request(Method::DELETE, Bytes::new(), &[]);
            let _ = timeout(Duration::from_secs(2), self.send(request)).await;
        }
    }

    /// Sends a message; whatever comes back goes to the guard. A request is always answered.
    pub(super) async fn exchange(self: Rc<Self>, message: Message) {
        if message.is_opening {
            *self.session.borrow_mut() = None;
            *self.version.borrow_mut() = None;
            *self.opening.borrow_mut() = Some((message.body.clone(), None));
        }
        let mut answered = self.attempt(&message).await;
        if let Err(Failure::SessionLost) = answered {
            answered = match self.reopen().await {
                Ok(()) => self.attempt(&message).await,
                Err(why) => Err(why),
            };
        }
        if let Err(why) = answered {
            let why = why.to_string();
            match &message.id {
                Some(id) => self.say(&plain_error(Some(id), -32603, &format!("the remote server: {why}"))).await,
                None => note(&why),
            }
        }
        if message.is_initialized {
            if let Some((_, initialized)) = &mut *self.opening.borrow_mut() {
                *initialized = Some(message.body.clone());
            }
            if !self.is_listening.replace(true) {
                let own = Rc::clone(&self);
                spawn_local(async move { own.listen().await });
            }
        }
    }

    async fn attempt(&self, message: &Message) -> Result<(), Failure> {
        let mut headers = message.mirrored.clone();
        if let Some(version) = &message.version {
            headers.push((VERSION.to_owned(), version.clone()));
        }
        let request = self.request(Method::POST, message.body.clone(), &headers);
        let response = self.send(request).await?;
        let had_session = self.session.borrow().is_some() && !message.is_modern;
        if message.is_opening {
            self.note_session(response.headers());
        }
        match (response.status(), &message.id) {
            (StatusCode::NOT_FOUND, _) if had_session && !message.is_opening => Err(Failure::SessionLost),
            (status, None) if status.is_success() => Ok(()),
            (status, None) => Err(Failure::Status(status)),
            (_, Some(id)) => self.answer(response, id, message).await,
        }
    }

    /// The answer to a request: one JSON text, or a stream that has it somewhere.
    async fn answer(&self, response: Response<Incoming>, id: &Id, message: &Message) -> Result<(), Failure> {
        let status = response.status();
        let kind = media_type(response.headers());
        if status.is_success() && kind == EVENTS {
            return self.follow(response, id, message).await;
        }
        if kind != "application/json" {
            return Err(Failure::Status(status));
        }
        let Some(body) = self.read(response.into_body(), id, message).await? else { return Ok(()) };
        let text = String::from_utf8(body).map_err(|_| Failure::NotOurs)?;
        let line = String::from_utf8_lossy(&one_line(text.trim().as_bytes())).into_owned();
        if line.contains(['\n', '\r']) {
            // A line break inside a string: no JSON, and the guard reads lines.
            return Err(Failure::NotOurs);
        }
        match Frame::parse(line.as_bytes(), Direction::ToClient, &self.limits()) {
            Ok(frame) if frame.id() == Some(id) && frame.method().is_empty() => {
                self.note_answer(&frame, message);
                self.say(&line).await;
                Ok(())
            }
            // An error without an id is still about this request: nothing else was asked on this connection.
            Ok(frame) if frame.kind() == Kind::Error && frame.id().is_none() => {
                let span = frame.span(Part::Id);
                let Some(span) = span else { return Err(Failure::Status(status)) };
                self.say(&frame.splice(&[(span, id.to_string())])).await;
                Ok(())
            }
            // The guard refuses frames with its own words, and knows whose answer this was to be.
            Err(_) if status.is_success() => {
                self.say(&line).await;
                if manta_mcp::scan::IdScanner::scan(line.as_bytes()).id() == Some(id) {
                    Ok(())
                } else {
                    Err(Failure::NotOurs)
                }
            }
            _ if status.is_success() => Err(Failure::NotOurs),
            _ => Err(Failure::Status(status)),
        }
    }

    /// Passes the events of a stream on until the answer to `id` has come. A stream that breaks before is
    /// resumed where the era knows how.
    async fn follow(&self, response: Response<Incoming>, id: &Id, message: &Message) -> Result<(), Failure> {
        let mut place = Place::default();
        let mut body = response.into_body();
        let mut attempts = 0;
        loop {
            if self.pass_on(&mut body, Some((id, message)), &mut place).await? {
                return Ok(());
            }
            let resumable = !message.is_modern && place.last.is_some();
            attempts += 1;
            if !resumable || attempts > RESUME_ATTEMPTS {
                return Err(Failure::StreamEnded);
            }
            sleep(place.wait(attempts)).await;
            let Ok(resumed) = self.send(self.resumption(&place)).await else { continue };
            if !resumed.status().is_success() || media_type(resumed.headers()) != EVENTS {
                return Err(Failure::StreamEnded);
            }
            body = resumed.into_body();
        }
    }

    /// What the server sends unasked (up to 2025-11-25), for as long as the session lasts.
    async fn listen(&self) {
        let mut place = Place::default();
        let mut attempts = 0;
        loop {
            match self.send(self.resumption(&place)).await {
                Ok(response) if response.status().is_success() && media_type(response.headers()) == EVENTS => {
                    attempts = 0;
                    let _ = self.pass_on(&mut response.into_body(), None, &mut place).await;
                }
                // Servers need not offer this stream.
                Ok(response) if response.status() == StatusCode::METHOD_NOT_ALLOWED => return,
                Ok(response) if response.status().is_client_error() && response.status() != StatusCode::NOT_FOUND => {
                    return;
                }
                Ok(_) | Err(_) => {}
            }
            attempts += 1;
            sleep(place.wait(attempts)).await;
        }
    }

    /// Passes events on; true when the awaited answer was among them.
    async fn pass_on(
        &self,
        body: &mut Incoming,
        awaited: Option<(&Id, &Message)>,
        place: &mut Place,
    ) -> Result<bool, Failure> {
        let mut events = Events::new(self.max_message);
        while let Some(Ok(frame)) = body.frame().await {
            let Some(data) = frame.data_ref() else { continue };
            let mut seen = Vec::new();
            events.feed(data, &mut |event| seen.push(event));
            for event in seen {
                // Not kept, and nobody can say whose it was.
                let Ok(event) = event else { return Err(Failure::TooLong) };
                place.last = event.id.or(place.last.take());
                place.retry = event.retry.or(place.retry);
                if event.data.is_empty() {
                    continue;
                }
                let parsed = Frame::parse(event.data.as_bytes(), Direction::ToClient, &self.limits());
                let is_answer = match (&parsed, awaited) {
                    (Ok(frame), Some((id, message))) if frame.id() == Some(id) && frame.method().is_empty() => {
                        self.note_answer(frame, message);
                        true
                    }
                    (Err(_), Some((id, _))) => manta_mcp::scan::IdScanner::scan(event.data.as_bytes()).id() == Some(id),
                    _ => false,
                };
                self.say(&event.data).await;
                if is_answer {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Opens a lost session again the way it was opened the first time; the guard never notices.
    async fn reopen(&self) -> Result<(), Failure> {
        let Some((opening, initialized)) = self.opening.borrow().clone() else { return Err(Failure::SessionLost) };
        *self.session.borrow_mut() = None;
        let response = self.send(self.request(Method::POST, opening, &[])).await?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status()));
        }
        self.note_session(response.headers());
        // Its answer was given to the client long ago.
        drop(response);
        if let Some(initialized) = initialized {
            self.send(self.request(Method::POST, initialized, &[])).await?;
        }
        note("the remote server had lost the session; it was opened again");
        Ok(())
    }

    fn note_session(&self, headers: &HeaderMap) {
        let session = headers.get(SESSION).and_then(|value| value.to_str().ok());
        let is_valid = |id: &&str| id.len() <= 1024 && id.bytes().all(|b| (0x21..0x7f).contains(&b));
        *self.session.borrow_mut() = session.filter(is_valid).map(str::to_owned);
    }

    fn note_answer(&self, frame: &Frame<'_>, message: &Message) {
        if message.is_opening {
            *self.version.borrow_mut() = frame.string(Part::ResultProtocolVersion).map(|version| version.into_owned());
        }
        if message.lists_tools
            && let Some(tools) = frame.value(Part::Tools)
        {
            self.mirrors.borrow_mut().learn(&tools);
        }
    }

    fn limits(&self) -> Limits {
        Limits { max_bytes: self.max_message, ..Limits::default() }
    }

    fn resumption(&self, place: &Place) -> Request<Full<Bytes>> {
        let mut headers = Vec::new();
        if let Some(last) = &place.last {
            headers.push((LAST_EVENT.to_owned(), last.clone()));
        }
        let mut request = self.request(Method::GET, Bytes::new(), &headers);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(EVENTS));
        request
    }

    fn request(&self, method: Method, body: Bytes, more: &[(String, String)]) -> Request<Full<Bytes>> {
        let is_post = method == Method::POST;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority.clone());
        headers.extend(self.fixed.clone());
        if is_post {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        }
        let is_modern = more.iter().any(|(name, _)| name == VERSION);
        let session = self.session.borrow().clone().filter(|_| !is_modern);
        let version = self.version.borrow().clone().filter(|_| !is_modern);
        let own = [session.map(|id| (SESSION.to_owned(), id)), version.map(|it| (VERSION.to_owned(), it))];
        for (name, value) in own.iter().flatten().chain(more) {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        request
    }

    /// Sends on a connection that is free, or on a new one. A kept connection may have been closed by the
    /// other side meanwhile: then nothing was sent, and a new one is tried.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        let mut request = request;
        loop {
            let kept = self.take_idle();
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            if connection.ready().await.is_err() {
                if is_kept {
                    continue;
                }
                return Err(Failure::Lost);
            }
            match timeout(FIRST_BYTE, connection.try_send_request(request)).await {
                Ok(Ok(response)) => {
                    if self.idle.borrow().len() < IDLE {
                        // Becomes ready again when its response has been read.
                        self.idle.borrow_mut().push(connection);
                    }
                    return Ok(response);
                }
                Ok(Err(mut error)) => match error.take_message().filter(|_| is_kept) {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::Lost),
                },
                Err(_) => return Err(Failure::Silent),
            }
        }
    }

    /// A connection whose last response has been read to its end.
    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|connection| !connection.is_closed());
        let free = idle.iter().position(SendRequest::is_ready)?;
        Some(idle.swap_remove(free))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let (stream, _) = self.client.dial(&self.url).await.map_err(|error| Failure::Connect(error.to_string()))?;
        let handshake = http1::Builder::new().max_buf_size(256 << 10).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|_| Failure::Lost)?;
        spawn_local(async move { drop(connection.await) });
        Ok(sender)
    }

    /// The whole body; `None` when it came as lines, one message each, and the answer was among them.
    async fn read(&self, mut body: Incoming, id: &Id, message: &Message) -> Result<Option<Vec<u8>>, Failure> {
        let mut bytes = Vec::new();
        let mut is_lines = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Failure::Lost)?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > self.max_message {
                return Err(Failure::TooLong);
            }
            bytes.extend_from_slice(data);
            // Whether a body is lines shows at the first of them: in formatted JSON it is no message.
            while is_lines != Some(false)
                && let Some(end) = memchr::memchr(b'\n', &bytes)
            {
                let line: Vec<u8> = bytes.drain(..=end).collect();
                let Ok(frame) = Frame::parse(&line, Direction::ToClient, &self.limits()) else {
                    is_lines = Some(false);
                    bytes.splice(..0, line);
                    break;
                };
                is_lines = Some(true);
                self.say(frame.text()).await;
                if frame.id() == Some(id) && frame.method().is_empty() {
                    self.note_answer(&frame, message);
                    return Ok(None);
                }
            }
        }
        if is_lines == Some(true) && bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Failure::StreamEnded);
        }
        Ok(Some(bytes))
    }

    /// Gives a line to the guard, and waits when it has taken too little of what came before.
    async fn say(&self, line: &str) {
        while self.out.borrow().backlog() > HIGH_WATER {
            self.written.notified().await;
        }
        let mut out = self.out.borrow_mut();
        out.push_line(line);
        out.flush_now();
        if out.backlog() > 0 {
            self.more.notify_one();
        }
    }

    /// Writes what the guard did not take at once.
    pub(super) async fn write_out(&self) {
        loop {
            self.more.notified().await;
            while self.out.borrow().backlog() > 0 {
                // The borrow lasts no longer than a look: the pipe is polled in short steps.
                sleep(Duration::from_millis(1)).await;
                self.out.borrow_mut().flush_now();
                self.written.notify_waiters();
            }
        }
    }
}

/// Where a stream stands.
#[derive(Default)]
struct Place {
    last: Option<String>,
    retry: Option<u64>,
}

impl Place {
    fn wait(&self, attempts: u32) -> Duration {
        let asked = self.retry.map(Duration::from_millis);
        let grown = RESUME * 2_u32.pow(attempts.saturating_sub(1).min(5));
        asked.unwrap_or(grown).min(RESUME_MOST)
    }
}

/// Why a request has no answer.
enum Failure {
    Connect(String),
    Lost,
    Silent,
    TooLong,
    NotOurs,
    StreamEnded,
    SessionLost,
    Status(StatusCode),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(why) => f.write_str(why),
            Self::Lost => f.write_str("the connection was lost"),
            Self::Silent => f.write_str("no answer in time"),
            Self::TooLong => f.write_str("the answer is too long or can't be read"),
            Self::NotOurs => f.write_str("it answered something else than was asked"),
            Self::StreamEnded => f.write_str("the stream ended before the answer"),
            Self::SessionLost => f.write_str("the session is lost"),
            Self::Status(status) if status.is_redirection() => {
                write!(f, "it redirects (HTTP {}), which is not followed", status.as_u16())
            }
            Self::Status(status) if matches!(status.as_u16(), 401 | 403) => {
                write!(f, "it wants other credentials (HTTP {}); see upstream_headers under [guard]", status.as_u16())
            }
            Self::Status(status) => write!(f, "HTTP {}", status.as_u16()),
        }
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

fn note(text: &str) {
    // The guard may be gone; then nobody reads this.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("manta upstream: {text}\n").as_bytes());
}
