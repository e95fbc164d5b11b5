//! A stdio server over Streamable HTTP: both eras, on one endpoint.
//!
//! Up to revision 2025-11-25 a client opens a session with `initialize`; each session has a server
//! process and an engine of its own, so that nothing of one client reaches another. From 2026-07-28
//! on there are no sessions: requests name their revision in headers and body, which must agree, and
//! share one server process, under request ids of ours.
//!
//! Host and Origin are always checked (DNS rebinding). Another address than loopback needs a way to tell who
//! calls: keys, access tokens of an OAuth issuer, or certificates. None of them is handed on.

mod body;
mod checks;
mod connection;
mod mailbox;
mod session;
mod tls;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use manta_mcp::{Direction, Frame, Kind, Limits, one_line};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::decide::{Decider, Event};
use crate::engine::{Counts, Engine, Tasks, frame_error, plain_error};
use body::Body;
use checks::{Access, Era, Taste};
use connection::Connections;
use mailbox::{EventId, Reader, mailbox};
use manta_harden::front::{Caller, Door, Rejected, accept, check_form, is_last, listen};
use manta_harden::policy::LOCAL;
use session::{Command, Session};
pub use tls::{Tls, TlsSpec};

const SESSION_HEADER: &str = "mcp-session-id";
const LAST_EVENT_HEADER: &str = "last-event-id";

/// How long a client that takes either waits for an answer alone until a stream begins: one that breaks can be taken
/// up again, and what keeps it alive can be seen.
const UNTIL_STREAM: Duration = Duration::from_millis(250);
/// The same from 2026-07-28 on, where streams can't be taken up again, and errors have a status of their own.
const UNTIL_STREAM_MODERN: Duration = Duration::from_secs(5);

/// Largest request body.
const MAX_BODY: usize = 4 << 20;
/// Longest time for a request body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// Most sessions, each with a server process; as many processes for stateless requests, one per principal.
const MAX_SESSIONS: usize = 64;
/// Most sessions of one principal where there are several, so that nobody locks the others out.
const MAX_OF_ONE: usize = 32;
/// A session that was silent for so long ends.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// A session that was silent for so long may end when its principal wants another.
const LEFT: Duration = Duration::from_secs(60);

/// Makes what a session of a principal needs: a running server and its engine.
pub type Factory =
    Box<dyn Fn(&str) -> Result<(crate::sandbox::Launched, Engine, crate::egress::Hosts, EventReceiver), String>>;

/// What the egress proxy of a session has to say.
pub type EventReceiver = mpsc::Receiver<crate::decide::Event>;

/// Who may call.
#[derive(Debug, Clone)]
pub struct Guests {
    /// Host names besides loopback and the listening address.
    pub hosts: Vec<String>,
    /// Origins that browsers may call from.
    pub origins: Vec<String>,
    /// What callers present.
    pub door: Door,
    /// Encryption, with certificates of callers where they are asked for.
    pub tls: Option<Tls>,
}

impl Guests {
    fn are_known(&self) -> bool {
        !matches!(self.door, Door::Open) || self.tls.as_ref().is_some_and(|tls| tls.wants_certificates)
    }
}

/// Why a request goes no further.
struct Problem(StatusCode, i32, String);

impl From<Problem> for Response<Body> {
    fn from(Problem(status, code, why): Problem) -> Self {
        failure(status, code, &why)
    }
}

struct Server {
    factory: Factory,
    access: Access,
    door: Door,
    tls: Option<Tls>,
    /// What is refused before it comes to a session is recorded here.
    rules: RefCell<Box<dyn Decider>>,
    /// Callers have names.
    knows_callers: bool,
    /// Calls of theirs that go on in the background.
    tasks: Arc<Tasks>,
    sessions: RefCell<HashMap<String, Entry>>,
    /// The processes that stateless requests share, one per principal: what a server says unasked, and what it
    /// remembers, must not go from one to another.
    shared: RefCell<HashMap<String, Entry>>,
    requests: Cell<u64>,
    refused: Cell<u64>,
    connections: Connections,
    counts: Rc<RefCell<Counts>>,
}

struct Entry {
    session: Session,
    principal: String,
    last_used: Instant,
}

/// Serves until the process is asked to end. `rules` are read again for the sessions that are still to come; those that are
/// open read theirs themselves.
///
/// # Errors
/// When the address can't be listened on, or is open to others and nothing says who calls.
pub async fn serve(address: SocketAddr, guests: Guests, factory: Factory, rules: Box<dyn Decider>) -> io::Result<()> {
    let knows_callers = guests.are_known();
    if !address.ip().is_loopback() && !knows_callers {
        let why = "another address than loopback needs to know who calls: set http_keys, http_oauth, or http_tls with \
                   clients, under [guard]";
        return Err(io::Error::other(why));
    }
    let listener = listen(address)?;
    let access = Access::new(listener.local_addr()?, guests.hosts, guests.origins);
    let server = Rc::new(Server {
        factory,
        access,
        door: guests.door,
        tls: guests.tls,
        rules: RefCell::new(rules),
        knows_callers,
        tasks: Arc::new(Tasks::of_known_callers()),
        sessions: RefCell::default(),
        shared: RefCell::default(),
        requests: Cell::new(0),
        refused: Cell::new(0),
        connections: Connections::default(),
        counts: Rc::default(),
    });
    // For whoever chose port 0, and whoever waits for it to serve.
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    let _ = writeln!(io::stderr(), "manta guard: listening on {scheme}://{}/mcp", listener.local_addr()?);
    let mut sweep = tokio::time::interval(Duration::from_secs(60));
    let mut stop = crate::relay::StopSignals::new()?;
    let mut reload = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            accepted = accept(&listener) => {
                match accepted {
                    Ok(stream) => connection::take(&server, stream),
                    Err(error) => server.connections.report(&error),
                }
            }
            _ = sweep.tick() => {
                server.sessions.borrow_mut().retain(|_, entry| entry.last_used.elapsed() < IDLE);
                server.shared.borrow_mut().retain(|_, entry| entry.last_used.elapsed() < IDLE);
            }
            _ = reload.recv() => {
                let mut rules = server.rules.borrow_mut();
                let detail = rules.reload_and_tell();
                rules.event(&Event { kind: "reload", peer: "guard", detail });
            }
            () = stop.received() => break,
        }
    }
    let mut sessions: Vec<Session> = server.sessions.borrow_mut().drain().map(|(_, entry)| entry.session).collect();
    sessions.extend(server.shared.borrow_mut().drain().map(|(_, entry)| entry.session));
    for session in sessions {
        session.ended().await;
    }
    Ok(())
}

impl Server {
    async fn answer(&self, request: Request<Incoming>, certificate: Option<String>) -> Response<Body> {
        self.requests.set(self.requests.get() + 1);
        let is_last = is_last(request.headers());
        let mut response = self.respond(request, certificate).await;
        if is_last {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn respond(&self, request: Request<Incoming>, certificate: Option<String>) -> Response<Body> {
        if request.method() == Method::GET && request.uri().path() == "/healthz" {
            // For whoever watches over this process, under whatever name: it tells nothing.
            return text("ok\n".to_owned());
        }
        let form = check_form(request.uri(), request.headers());
        if let Err((status, why)) = form.and_then(|()| self.access.check(request.headers())) {
            self.refused.set(self.refused.get() + 1);
            return failure(status, -32600, why);
        }
        if request.method() == Method::GET
            && let Some(metadata) = self.door.metadata(request.uri().path())
        {
            return json(StatusCode::OK, metadata.to_string());
        }
        let Caller { principal, until } = match self.door.admit(request.headers()).await {
            // Where nothing else is presented, the certificate says who calls.
            Ok(caller) if matches!(self.door, Door::Open) => {
                Caller { principal: certificate.unwrap_or_else(|| LOCAL.to_owned()), ..caller }
            }
            Ok(caller) => caller,
            Err(rejected) => return self.refusal(rejected),
        };
        let mut response = self.dispatch(request, &principal).await;
        if let Some(until) = until {
            response.body_mut().end_at(until);
        }
        response
    }

    async fn dispatch(&self, request: Request<Incoming>, principal: &str) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => text(self.metrics()),
            (&Method::POST, "/mcp" | "/") => self.post(request, principal).await,
            (&Method::GET, "/mcp" | "/") => self.listen(&request, principal),
            (&Method::DELETE, "/mcp" | "/") => self.end_session(&request, principal),
            (_, "/mcp" | "/") => not_allowed(),
            _ => failure(StatusCode::NOT_FOUND, -32600, "no such path"),
        }
    }

    fn refusal(&self, rejected: Rejected) -> Response<Body> {
        self.refused.set(self.refused.get() + 1);
        let status = StatusCode::from_u16(rejected.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        let mut response = failure(status, -32600, rejected.sentence());
        if let Ok(challenge) = HeaderValue::try_from(self.door.challenge(rejected)) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    async fn post(&self, request: Request<Incoming>, principal: &str) -> Response<Body> {
        let (head, body) = request.into_parts();
        if !checks::is_json(&head.headers) {
            return failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, -32600, "the content type is not application/json");
        }
        // A body has an end in time as well as in length.
        let collected = match tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(collected)) => collected,
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return failure(StatusCode::PAYLOAD_TOO_LARGE, -32600, "the body is too large");
            }
            Ok(Err(_)) => return failure(StatusCode::BAD_REQUEST, -32600, "the body is malformed or was cut off"),
            Err(_) => return failure(StatusCode::REQUEST_TIMEOUT, -32600, "the body took too long"),
        };
        let body = collected.to_bytes();
        let bytes = one_line(body.trim_ascii());
        let frame = match Frame::parse(&bytes, Direction::ToServer, &Limits::default()) {
            Ok(frame) => frame,
            Err(error) => {
                let seen = manta_mcp::scan::IdScanner::scan(&bytes);
                self.counts.borrow_mut().refused_frames += 1;
                self.record("frame-refused", error.to_string());
                return json(StatusCode::BAD_REQUEST, frame_error(seen.id(), error));
            }
        };
        let era = match checks::era(&head.headers, &frame) {
            Ok(era) => era,
            Err((code, why)) => {
                self.record("request-refused", about(&frame, &why));
                return json(StatusCode::BAD_REQUEST, plain_error(frame.id(), code, &why));
            }
        };
        let session = match era {
            Era::Modern => self.shared_session(principal),
            Era::Legacy if frame.method() == "initialize" => {
                return self.open_session(&head.headers, &frame, &bytes, principal).await;
            }
            Era::Legacy => self.known_session(&head.headers, principal),
        };
        match session {
            Ok(session) => exchange(&session, &head.headers, &frame, &bytes, era).await,
            Err(problem) => {
                self.record("request-refused", about(&frame, &problem.2));
                problem.into()
            }
        }
    }

    /// What a client asked for and no session ever saw.
    fn record(&self, kind: &'static str, detail: String) {
        self.rules.borrow_mut().event(&Event { kind, peer: "client", detail });
    }

    /// A new session: a server process of its own, named by a random number.
    async fn open_session(
        &self,
        headers: &hyper::HeaderMap,
        frame: &Frame<'_>,
        bytes: &[u8],
        principal: &str,
    ) -> Response<Body> {
        if self.is_full(principal) && !self.make_room(principal) {
            return failure(StatusCode::SERVICE_UNAVAILABLE, -32603, "too many sessions");
        }
        let (session, name) = match self.start(principal).and_then(|session| Ok((session, random_name()?))) {
            Ok(started) => started,
            Err(problem) => return problem.into(),
        };
        self.sessions.borrow_mut().insert(
            name.clone(),
            Entry { session: session.clone(), principal: principal.to_owned(), last_used: Instant::now() },
        );
        let mut response = exchange(&session, headers, frame, bytes, Era::Legacy).await;
        if let Ok(value) = HeaderValue::from_str(&name) {
            response.headers_mut().insert(SESSION_HEADER, value);
        }
        response
    }

    fn is_full(&self, principal: &str) -> bool {
        let sessions = self.sessions.borrow();
        let own = sessions.values().filter(|entry| entry.principal == principal).count();
        sessions.len() >= MAX_SESSIONS || (self.knows_callers && own >= MAX_OF_ONE)
    }

    /// Ends the session that its own principal has left alone for the longest time: clients that come back
    /// without saying goodbye must not lock themselves out.
    fn make_room(&self, principal: &str) -> bool {
        let mut sessions = self.sessions.borrow_mut();
        let idle =
            sessions.iter().filter(|(_, entry)| entry.principal == principal && entry.last_used.elapsed() > LEFT);
        let oldest = idle.min_by_key(|(_, entry)| entry.last_used).map(|(name, _)| name.clone());
        oldest.is_some_and(|name| sessions.remove(&name).is_some())
    }

    fn known_session(&self, headers: &hyper::HeaderMap, principal: &str) -> Result<Session, Problem> {
        let name = headers.get(SESSION_HEADER).and_then(|name| name.to_str().ok());
        let Some(name) = name else {
            return Err(Problem(StatusCode::BAD_REQUEST, -32600, "the session header is missing".to_owned()));
        };
        let mut sessions = self.sessions.borrow_mut();
        let known = sessions.get_mut(name).filter(|entry| !entry.session.has_ended() && entry.principal == principal);
        let Some(entry) = known else {
            return Err(Problem(StatusCode::NOT_FOUND, -32600, "no such session".to_owned()));
        };
        entry.last_used = Instant::now();
        Ok(entry.session.clone())
    }

    fn shared_session(&self, principal: &str) -> Result<Session, Problem> {
        let mut shared = self.shared.borrow_mut();
        if let Some(entry) = shared.get_mut(principal).filter(|entry| !entry.session.has_ended()) {
            entry.last_used = Instant::now();
            return Ok(entry.session.clone());
        }
        shared.remove(principal);
        if shared.len() >= MAX_SESSIONS {
            // Principals come and go; whoever was silent for longest makes room.
            let left = shared.iter().filter(|(_, entry)| entry.last_used.elapsed() > LEFT);
            let oldest = left.min_by_key(|(_, entry)| entry.last_used).map(|(name, _)| name.clone());
            let oldest =
                oldest.ok_or(Problem(StatusCode::SERVICE_UNAVAILABLE, -32603, "too many callers".to_owned()))?;
            shared.remove(&oldest);
        }
        let session = self.start(principal)?;
        let entry = Entry { session: session.clone(), principal: principal.to_owned(), last_used: Instant::now() };
        shared.insert(principal.to_owned(), entry);
        Ok(session)
    }

    fn start(&self, principal: &str) -> Result<Session, Problem> {
        let started = (self.factory)(principal).and_then(|(launched, mut engine, hosts, events)| {
            if self.knows_callers {
                engine = engine.sharing(Arc::clone(&self.tasks));
            }
            let parts = (launched, engine, hosts, events);
            Session::start(parts, Rc::clone(&self.counts)).map_err(|error| error.to_string())
        });
        started.map_err(|why| Problem(StatusCode::BAD_GATEWAY, -32603, why))
    }

    /// The stream for messages of the server that belong to no request.
    fn listen(&self, request: &Request<Incoming>, principal: &str) -> Response<Body> {
        let headers = request.headers();
        if checks::names_modern(headers) {
            return not_allowed();
        }
        if Taste::of(headers) == Taste::Json {
            return failure(StatusCode::NOT_ACCEPTABLE, -32600, "the client does not accept an event stream");
        }
        let session = match self.known_session(headers, principal) {
            Ok(session) => session,
            Err(problem) => return problem.into(),
        };
        if headers.contains_key(LAST_EVENT_HEADER) {
            let last = checks::single(headers, LAST_EVENT_HEADER).and_then(EventId::parse);
            let reader = last.and_then(|last| session.streams.borrow_mut().take_up(last));
            return match reader {
                Some(reader) => event_stream(Body::events(reader, None, &session.on_the_way)),
                None => failure(StatusCode::BAD_REQUEST, -32600, "what came after that event is not kept here"),
            };
        }
        let (sender, reader) = mailbox();
        let response = lasting_stream(&session, checks::knows_priming(headers, None), reader);
        session.send(Command::Listen(sender));
        response
    }

    fn end_session(&self, request: &Request<Incoming>, principal: &str) -> Response<Body> {
        if checks::names_modern(request.headers()) {
            return not_allowed();
        }
        if let Err(problem) = self.known_session(request.headers(), principal) {
            return problem.into();
        }
        let name = request.headers().get(SESSION_HEADER).and_then(|name| name.to_str().ok()).unwrap_or("");
        self.sessions.borrow_mut().remove(name);
        empty(StatusCode::NO_CONTENT)
    }

    fn metrics(&self) -> String {
        let counts = *self.counts.borrow();
        let lines = [
            ("manta_guard_http_requests_total", self.requests.get()),
            ("manta_guard_http_refused_total", self.refused.get()),
            ("manta_guard_sessions", self.sessions.borrow().len() as u64),
            ("manta_guard_connections", self.connections.open() as u64),
            ("manta_guard_frames_from_client_total", counts.from_client),
            ("manta_guard_frames_from_server_total", counts.from_server),
            ("manta_guard_frames_refused_total", counts.refused_frames),
            ("manta_guard_calls_admitted_total", counts.admitted),
            ("manta_guard_calls_denied_total", counts.denied),
            ("manta_guard_calls_unanswered_total", counts.unanswered),
            ("manta_guard_stray_answers_total", counts.stray_answers),
        ];
        lines.iter().fold(String::new(), |mut text, (name, value)| {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            text.push_str(&format!("# TYPE {name} {kind}\n{name} {value}\n"));
            text
        })
    }
}

/// What a refused message asked for, and why it was refused.
fn about(frame: &Frame<'_>, why: &str) -> String {
    let name = crate::mirror::name_of(frame).unwrap_or_default();
    let asked = format!("{} {}", frame.method(), name.chars().take(128).collect::<String>());
    format!("{}: {why}", crate::engine::shown(asked.trim_end()))
}

/// Hands a message to the session; a request is answered with what comes back for it.
async fn exchange(
    session: &Session,
    headers: &hyper::HeaderMap,
    frame: &Frame<'_>,
    bytes: &[u8],
    era: Era,
) -> Response<Body> {
    if frame.kind() != Kind::Request {
        // Stateless clients share a process under ids that are not theirs: a message about a request by its id
        // would be about somebody else's. They cancel by closing the stream, and are asked nothing.
        let is_about_ids = frame.method() == "notifications/cancelled" || frame.kind() != Kind::Notification;
        if era == Era::Modern && is_about_ids {
            return empty(StatusCode::ACCEPTED);
        }
        session.send(Command::Message(bytes.to_vec()));
        return empty(StatusCode::ACCEPTED);
    }
    let (reply, mut reader) = mailbox();
    let id = frame.id().expect("requests have an id").clone();
    let taste = Taste::of(headers);
    session.send(Command::Request {
        bytes: bytes.to_vec(),
        id: id.clone(),
        reply,
        is_modern: era == Era::Modern,
        answer_only: taste == Taste::Json,
        params: checks::params(headers),
    });
    let ended = || json(StatusCode::BAD_GATEWAY, plain_error(Some(&id), -32603, "the server has ended"));
    if taste == Taste::Json {
        while let Some((message, _)) = reader.next().await {
            if message.is_answer {
                return answer(session, checks::status_of(&message.text, era), message.text);
            }
        }
        return ended();
    }
    let patience = match (taste, era) {
        (_, Era::Modern) => UNTIL_STREAM_MODERN,
        (Taste::Either, Era::Legacy) => UNTIL_STREAM,
        (_, Era::Legacy) => Duration::ZERO,
    };
    if !patience.is_zero() {
        // In time or not, what is there then decides.
        let _ = tokio::time::timeout(patience, reader.wait()).await;
    }
    // One message and no more is simply an answer; a stream is for what comes before it, and for who prefers one.
    let status = reader.look(|first| first.is_answer.then(|| checks::status_of(&first.text, era)));
    if let Some(status) = status.flatten().filter(|status| taste == Taste::Either || *status != StatusCode::OK)
        && let Some((message, _)) = reader.next_now()
    {
        return answer(session, status, message.text);
    }
    match era {
        _ if reader.is_over() => ended(),
        Era::Legacy => lasting_stream(session, checks::knows_priming(headers, Some(frame)), reader),
        Era::Modern => event_stream(Body::events(reader, None, &session.on_the_way)),
    }
}

/// A stream that can be taken up again when it breaks (up to 2025-11-25).
fn lasting_stream(session: &Session, knows_priming: bool, reader: Reader) -> Response<Body> {
    let begin = session.streams.borrow_mut().keep(&reader);
    // Older clients take an event without data for a broken message.
    let prime = Some(begin).filter(|_| knows_priming);
    event_stream(Body::events(reader, prime, &session.on_the_way))
}

fn random_name() -> Result<String, Problem> {
    manta_harden::approval::token()
        .map_err(|_| Problem(StatusCode::INTERNAL_SERVER_ERROR, -32603, "no random numbers".to_owned()))
}

fn event_stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("cache-control", HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What the server answered, as one text.
fn answer(session: &Session, status: StatusCode, text: String) -> Response<Body> {
    as_json(status, Body::counted(text, &session.on_the_way))
}

fn json(status: StatusCode, text: String) -> Response<Body> {
    as_json(status, Body::text(text))
}

fn as_json(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn failure(status: StatusCode, code: i32, why: &str) -> Response<Body> {
    json(status, plain_error(None, code, why))
}

fn text(text: String) -> Response<Body> {
    let mut response = Response::new(Body::text(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::text(String::new()));
    *response.status_mut() = status;
    response
}

fn not_allowed() -> Response<Body> {
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, -32600, "method not allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}
