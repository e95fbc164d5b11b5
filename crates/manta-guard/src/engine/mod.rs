//! The protocol side of the guard: one frame in, decisions out, no I/O.
//!
//! The engine reads frames of both directions, keeps what is in flight, asks the [`Decider`] about
//! calls and says through a [`Sink`] what goes where. It forwards original bytes. Whatever it
//! refuses gets an answer, so that no side waits forever. Transports drive it; tests do too.

mod answer;
mod approve;
mod burden;
mod clean;
mod client;
mod inspect;
mod lists;
mod schema;
mod server;
mod tasks;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use answer::{DENIED, META_PREFIX, frame_error, plain_error};
pub use approve::Channel;
pub use inspect::{Hidden, Injection, ResponseSettings};
use manta_mcp::scan::IdScanner;
use manta_mcp::{Direction, Frame, FrameError, Id, Kind, Limits};
pub use tasks::Tasks;
pub(crate) use tasks::begun_by;

use crate::bridge::Bridge;
use crate::decide::{Decider, Denial, Event, Outcome, Target, Ticket};
use crate::pin::Integrity;

/// Where the engine sends frames. Frames carry no line break.
pub trait Sink {
    /// To the server.
    fn to_server(&mut self, frame: &str);
    /// To the client. `answers` is the request this frame is the final answer to.
    fn to_client(&mut self, frame: &str, answers: Option<&Id>);
}

/// Whether something passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// It passes.
    #[default]
    Allow,
    /// It is refused.
    Deny,
}

/// What the engine enforces besides the policy's rules.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds on frames.
    pub limits: Limits,
    /// Most client requests without an answer. Default 1024.
    pub max_in_flight: usize,
    /// Methods that touch no tool, prompt or resource and that the guard doesn't know.
    pub unknown_methods: Pass,
    /// `sampling/createMessage` from the server.
    pub sampling: Pass,
    /// `elicitation/create` from the server.
    pub elicitation: Pass,
    /// `roots/list` from the server.
    pub roots: Pass,
    /// Check arguments and results against the server's own schemas.
    pub schemas: bool,
    /// What happens to results.
    pub responses: ResponseSettings,
    /// Orders to a model in descriptions and instructions.
    pub injection: Injection,
    /// Forms of the server that ask the user for a secret.
    pub secrets_in_forms: Pass,
    /// Where a person is asked about calls that need it.
    pub approve: Channel,
    /// Translate where client and server speak different eras. The transports do it, on the server's side.
    pub bridge: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_in_flight: 1024,
            unknown_methods: Pass::Allow,
            sampling: Pass::Allow,
            elicitation: Pass::Allow,
            roots: Pass::Allow,
            schemas: true,
            responses: ResponseSettings::default(),
            injection: Injection::default(),
            secrets_in_forms: Pass::Deny,
            approve: Channel::default(),
            bridge: true,
        }
    }
}

/// How long a cancelled request is kept in case its answer comes after all.
const CANCEL_GRACE: Duration = Duration::from_secs(10);

/// A client request the server hasn't answered.
struct InFlight {
    method: Method,
    ticket: Option<Ticket>,
    /// Longest result in bytes.
    max_result: Option<usize>,
    /// Name of the tool or prompt, URI of the resource.
    name: Box<str>,
    deadline: Option<Instant>,
    cancelled: bool,
    /// Questions of the server that were answered in this call.
    rounds: u32,
    request_digest: Option<[u8; 32]>,
    /// The call asked to go on in the background.
    as_task: bool,
    /// The task that is asked about.
    task: Option<Box<str>>,
}

/// A call that the server answered with a question.
struct Awaited {
    ticket: Ticket,
    rounds: u32,
    until: Instant,
}

/// The methods whose answers the guard looks into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Guarded(Target),
    ToolsList,
    PromptsList,
    ResourcesList,
    TemplatesList,
    Initialize,
    TasksList,
    /// What became of a task, which may hold its result.
    TaskState,
    Other,
}

/// Counts since start, for metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Frames read from the client.
    pub from_client: u64,
    /// Frames read from the server.
    pub from_server: u64,
    /// Calls forwarded.
    pub admitted: u64,
    /// Calls refused.
    pub denied: u64,
    /// Frames refused in either direction.
    pub refused_frames: u64,
    /// Answers dropped because nobody asked.
    pub stray_answers: u64,
    /// Calls without an answer from the server.
    pub unanswered: u64,
}

/// One client talking to one server.
pub struct Engine {
    settings: Settings,
    decider: Box<dyn Decider>,
    integrity: Integrity,
    schemas: schema::Schemas,
    principal: Arc<str>,
    protocol: Arc<str>,
    in_flight: HashMap<Id, InFlight>,
    server_requests: HashMap<Id, ()>,
    /// Digests of calls the server answered with `input_required`, each good for one retry.
    awaited_retries: HashMap<[u8; 32], Awaited>,
    counts: Counts,
    server_gone: bool,
    /// The client declared that it can ask its user.
    can_elicit: bool,
    /// Calls that go on in the background.
    tasks: Arc<Tasks>,
    /// Calls that wait for a person, by the id of the question.
    held: HashMap<Id, approve::Held>,
    /// Calls that were answered with a question, by the state of their retry: what was asked, and until when.
    asked: HashMap<String, ([u8; 32], Instant)>,
    /// When a person was asked lately.
    asked_at: VecDeque<Instant>,
    /// Questions for the terminal.
    prompts: Vec<(Id, String)>,
    /// What was said already of what calls fail over.
    hinted: Vec<&'static str>,
}

impl Engine {
    /// An engine for one connection of `principal`.
    #[must_use]
    pub fn new(settings: Settings, decider: Box<dyn Decider>, integrity: Integrity, principal: &str) -> Self {
        Self {
            settings,
            decider,
            integrity,
            schemas: schema::Schemas::default(),
            principal: principal.into(),
            protocol: "".into(),
            in_flight: HashMap::new(),
            server_requests: HashMap::new(),
            awaited_retries: HashMap::new(),
            counts: Counts::default(),
            server_gone: false,
            can_elicit: false,
            held: HashMap::new(),
            asked: HashMap::new(),
            asked_at: VecDeque::new(),
            prompts: Vec::new(),
            hinted: Vec::new(),
            tasks: Arc::default(),
        }
    }

    /// Shares what is known of tasks with the other connections of a guard.
    #[must_use]
    pub fn sharing(mut self, tasks: Arc<Tasks>) -> Self {
        self.tasks = tasks;
        self
    }

    /// Counts since start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Requests of the client that wait for an answer.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether one more request of the client may be in flight.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.server_gone || self.in_flight.len() < self.settings.max_in_flight
    }

    /// Whether something in flight waits for the client to answer a question.
    #[must_use]
    pub fn awaits_client(&self) -> bool {
        !self.server_requests.is_empty() || !self.held.is_empty()
    }

    /// Limits on frames, for the transport that splits them.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// A bridge as the settings want it.
    pub(crate) fn bridge(&self) -> Bridge {
        Bridge::new(self.settings.bridge, self.settings.limits)
    }

    /// Pins as they are now, for writing back what was recorded.
    #[must_use]
    pub fn integrity(&self) -> &Integrity {
        &self.integrity
    }

    /// One frame from the client.
    pub fn from_client(&mut self, line: &[u8], sink: &mut dyn Sink) {
        let line = &*one_line(line);
        self.counts.from_client += 1;
        let limits = self.settings.limits;
        match Frame::parse(line, Direction::ToServer, &limits) {
            Err(error) => self.refuse_from_client(error, &IdScanner::scan(line), sink),
            Ok(frame) => match frame.kind() {
                Kind::Request => self.client_request(&frame, sink),
                Kind::Notification => self.client_notification(&frame, sink),
                Kind::Response | Kind::Error => self.client_response(&frame, sink),
            },
        }
    }

    /// One frame from the server.
    pub fn from_server(&mut self, line: &[u8], sink: &mut dyn Sink) {
        let line = &*one_line(line);
        self.counts.from_server += 1;
        let limits = self.settings.limits;
        match Frame::parse(line, Direction::ToClient, &limits) {
            Err(error) => self.refuse_from_server(error, &IdScanner::scan(line), sink),
            Ok(frame) => match frame.kind() {
                Kind::Request => self.server_request(&frame, sink),
                Kind::Notification => self.server_notification(&frame, sink),
                Kind::Response | Kind::Error => self.server_response(&frame, sink),
            },
        }
    }

    /// A frame of the client that was not kept or not read; `seen` is what is known of it.
    pub fn refuse_from_client(&mut self, error: FrameError, seen: &IdScanner, sink: &mut dyn Sink) {
        self.counts.refused_frames += 1;
        self.event("frame-refused", "client", error.to_string());
        let is_answer = seen.id().is_some_and(|id| self.server_requests.contains_key(id));
        if !seen.has_method() && is_answer {
            let id = seen.id().expect("checked just above").clone();
            self.server_requests.remove(&id);
            sink.to_server(&answer::frame_error(Some(&id), error));
        } else {
            // An id that is in flight belongs to another request; answering it would end that one.
            let id = seen.id().filter(|id| !self.in_flight.contains_key(id));
            sink.to_client(&answer::frame_error(id, error), id);
        }
    }

    /// A frame of the server that was not kept or not read.
    pub fn refuse_from_server(&mut self, error: FrameError, seen: &IdScanner, sink: &mut dyn Sink) {
        self.counts.refused_frames += 1;
        self.event("frame-refused", "server", error.to_string());
        let Some(id) = seen.id() else { return };
        if seen.has_method() {
            sink.to_server(&answer::frame_error(Some(id), error));
        } else if let Some(entry) = self.in_flight.remove(id) {
            self.finish_unanswered(&entry, &Outcome::BadResponse(error.to_string()));
            if !entry.cancelled {
                let denial = Denial::new("wire", format!("the server's answer was refused: {error}"));
                sink.to_client(&answer::refusal(entry.target(), id, &denial, &self.protocol), Some(id));
            }
        }
    }

    /// The server is gone: every request that waits gets an answer and a record.
    pub fn server_closed(&mut self, why: &str, sink: &mut dyn Sink) {
        self.server_gone = true;
        self.drop_questions(why, sink);
        for (id, entry) in std::mem::take(&mut self.in_flight) {
            self.counts.unanswered += 1;
            self.finish_unanswered(&entry, &Outcome::Unanswered(why.to_owned()));
            if !entry.cancelled {
                sink.to_client(&answer::server_gone(&id, why), Some(&id));
            }
        }
    }

    /// The guard ends or the client is gone: what is still in flight is recorded as unanswered.
    pub fn closed(&mut self, why: &str) {
        self.keep_pins(true);
        for (_, Awaited { ticket, .. }) in std::mem::take(&mut self.awaited_retries) {
            let _ = self.decider.finished(ticket, &Outcome::Unanswered("the client never retried".to_owned()), 0, 0);
        }
        for (_, entry) in std::mem::take(&mut self.in_flight) {
            self.counts.unanswered += 1;
            self.finish_unanswered(&entry, &Outcome::Unanswered(why.to_owned()));
        }
    }

    fn keep_pins(&mut self, is_end: bool) {
        for problem in self.integrity.keep(is_end) {
            self.event("pin", "server", problem);
        }
    }

    /// Ends requests whose time is over. Call it about once a second.
    pub fn tick(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.keep_pins(false);
        self.expire_questions(now, sink);
        for (_, Awaited { ticket, .. }) in self.awaited_retries.extract_if(|_, awaited| awaited.until <= now) {
            // The answer went out long ago; there is nothing left to hold back.
            let _ = self.decider.finished(ticket, &Outcome::Unanswered("the client never retried".to_owned()), 0, 0);
        }
        let expired: Vec<Id> = self
            .in_flight
            .iter()
            .filter(|(_, entry)| entry.deadline.is_some_and(|deadline| deadline <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in expired {
            let Some(entry) = self.in_flight.remove(&id) else { continue };
            if entry.cancelled {
                self.finish_unanswered(&entry, &Outcome::Cancelled);
                continue;
            }
            self.finish_unanswered(&entry, &Outcome::TimedOut);
            sink.to_server(&answer::cancelled(&id, "timed out"));
            let denial = Denial::new("timeout", "the server did not answer in the time the policy allows");
            sink.to_client(&answer::refusal(entry.target(), &id, &denial, &self.protocol), Some(&id));
        }
    }

    /// What there was to forward is on its way. Call it before waiting for anything.
    pub fn settled(&mut self) {
        self.decider.settled();
    }

    /// Reads the policy again, and says in the log and to the person what came of it.
    pub fn reload(&mut self) {
        let detail = self.decider.reload_and_tell();
        self.event("reload", "guard", detail);
    }

    /// Records something that happened beside the wire.
    pub fn record(&mut self, event: &Event) {
        self.decider.event(event);
    }

    fn finish(&mut self, entry: &InFlight, outcome: &Outcome, bytes: usize, redactions: usize) -> Result<(), Denial> {
        match entry.ticket {
            Some(ticket) => self.decider.finished(ticket, outcome, bytes, redactions),
            None => Ok(()),
        }
    }

    /// For endings without an answer that could be held back; a record that can't be written then
    /// was already reported when it failed.
    fn finish_unanswered(&mut self, entry: &InFlight, outcome: &Outcome) {
        let _ = self.finish(entry, outcome, 0, 0);
    }

    /// Schemas that bind nobody, because they can't be checked.
    fn say_unchecked(&mut self) {
        for what in self.schemas.take_unsaid() {
            self.event("schema-unchecked", "server", format!("{what}: the tool's own schema can't be checked"));
        }
    }

    pub(crate) fn event(&mut self, kind: &'static str, peer: &'static str, detail: String) {
        self.decider.event(&Event { kind, peer, detail });
    }
}

impl InFlight {
    fn plain(method: Method) -> Self {
        Self {
            method,
            ticket: None,
            max_result: None,
            name: "".into(),
            deadline: None,
            cancelled: false,
            rounds: 0,
            request_digest: None,
            as_task: false,
            task: None,
        }
    }

    fn target(&self) -> Option<Target> {
        match self.method {
            Method::Guarded(target) => Some(target),
            _ => None,
        }
    }
}

/// Revisions from 2026-07-28 on have no sessions and no requests from the server. Revisions are
/// dates, so they sort as text.
fn is_modern(protocol: &str) -> bool {
    protocol >= "2026-07-28"
}

/// A retry is recognised by its request and the server's opaque state; it is good once.
/// The state is compared as a value: a client gives back what it read, in its own spelling.
fn with_state(request: [u8; 32], state: Option<serde_json::Value>) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    hash.update(request);
    hash.update(state.map(|state| manta_mcp::canonical::to_string(&state)).unwrap_or_default());
    hash.finalize().into()
}

/// Text from a peer, safe to print and to log, at most 200 characters.
pub(crate) fn shown(text: &str) -> String {
    let short: Cow<'_, str> = if text.chars().nth(200).is_some() {
        Cow::Owned(text.chars().take(200).chain(['…']).collect())
    } else {
        Cow::Borrowed(text)
    };
    manta_core::Untrusted(&short).for_terminal()
}

/// A frame leaves on one line, whatever brought it. Carriage returns are not taken out: a line of stdio has none.
fn one_line(frame: &[u8]) -> Cow<'_, [u8]> {
    if frame.contains(&b'\n') { manta_mcp::one_line(frame) } else { Cow::Borrowed(frame) }
}
