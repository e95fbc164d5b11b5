//! The protocol side of the guard: one frame in, decisions out, no I/O.
//!
//! The engine reads frames of both directions, keeps what is in flight, asks the [`Decider`] about
//! calls and says through a [`Sink`] what goes where. It forwards original bytes. Whatever it
//! refuses gets an answer, so that no side waits forever. Transports drive it; tests do too.

mod answer;
mod approve;
mod clean;
mod inspect;
mod lists;
mod schema;

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use manta_mcp::scan::IdScanner;
use manta_mcp::{Direction, Frame, FrameError, Id, Kind, Limits, Part};
use serde_json::Value;

pub use answer::{DENIED, META_PREFIX, frame_error, plain_error};
pub use approve::Channel;
pub use inspect::{Hidden, Injection, ResponseSettings};

use crate::decide::{Admission, Call, Decider, Denial, Event, Outcome, Target, Ticket};
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
    request_digest: Option<[u8; 32]>,
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
    principal: String,
    protocol: String,
    in_flight: HashMap<Id, InFlight>,
    server_requests: HashMap<Id, ()>,
    /// Digests of calls the server answered with `input_required`, each good for one retry.
    awaited_retries: HashMap<[u8; 32], (Ticket, Instant)>,
    counts: Counts,
    server_gone: bool,
    /// The client declared that it can ask its user.
    can_elicit: bool,
    /// Tools whose calls go on in the background, and the size their results may have, by task.
    tasks: HashMap<Box<str>, (Box<str>, Option<usize>)>,
    /// Calls that wait for a person, by the id of the question.
    held: HashMap<Id, approve::Held>,
    /// Calls that were answered with a question, by the state of their retry: what was asked, and until when.
    asked: HashMap<String, ([u8; 32], Instant)>,
    /// Questions for the terminal.
    prompts: Vec<(Id, String)>,
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
            principal: principal.to_owned(),
            protocol: String::new(),
            in_flight: HashMap::new(),
            server_requests: HashMap::new(),
            awaited_retries: HashMap::new(),
            counts: Counts::default(),
            server_gone: false,
            can_elicit: false,
            held: HashMap::new(),
            asked: HashMap::new(),
            prompts: Vec::new(),
            tasks: HashMap::new(),
        }
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

    /// Limits on frames, for the transport that splits them.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Pins as they are now, for writing back what was recorded.
    #[must_use]
    pub fn integrity(&self) -> &Integrity {
        &self.integrity
    }

    /// One frame from the client.
    pub fn from_client(&mut self, line: &[u8], sink: &mut dyn Sink) {
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
        for (_, (ticket, _)) in std::mem::take(&mut self.awaited_retries) {
            let _ = self.decider.finished(ticket, &Outcome::Unanswered("the client never retried".to_owned()), 0, 0);
        }
        for (_, entry) in std::mem::take(&mut self.in_flight) {
            self.counts.unanswered += 1;
            self.finish_unanswered(&entry, &Outcome::Unanswered(why.to_owned()));
        }
    }

    /// Ends requests whose time is over. Call it about once a second.
    pub fn tick(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.expire_questions(now, sink);
        for (ticket, _) in self.awaited_retries.extract_if(|_, (_, expires)| *expires <= now).map(|(_, entry)| entry) {
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

    /// Reads the policy again, and says in the log and to the person what came of it.
    pub fn reload(&mut self) {
        let detail = match self.decider.reload() {
            Ok(()) => "the policy was read again".to_owned(),
            Err(why) => why,
        };
        self.event("reload", "guard", detail);
    }

    /// Records something that happened beside the wire.
    pub fn record(&mut self, event: &Event) {
        self.decider.event(event);
    }

    fn client_request(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let id = frame.id().expect("requests have an id").clone();
        if self.in_flight.contains_key(&id) || self.is_held(&id) {
            self.event("id-reused", "client", id.to_string());
            let message = "request id is already in use";
            return sink.to_client(&answer::error(Some(&id), -32600, message, None), Some(&id));
        }
        if self.server_gone {
            return sink.to_client(&answer::server_gone(&id, "the server has ended"), Some(&id));
        }
        if self.in_flight.len() >= self.settings.max_in_flight {
            let denial = Denial::new("guard.max_in_flight", "too many requests are waiting for an answer");
            return sink
                .to_client(&answer::refusal(target_of(frame.method()), &id, &denial, &self.protocol), Some(&id));
        }
        self.note_protocol(frame);
        let method = match frame.method() {
            "tools/call" => return self.guarded(Target::Tool, frame, id, false, sink),
            "prompts/get" => return self.guarded(Target::Prompt, frame, id, false, sink),
            "resources/read" => return self.guarded(Target::Resource, frame, id, false, sink),
            "tools/list" => Method::ToolsList,
            "prompts/list" => Method::PromptsList,
            "resources/list" => Method::ResourcesList,
            "resources/templates/list" => Method::TemplatesList,
            "initialize" | "server/discover" => Method::Initialize,
            "tasks/result" => return self.task_result(frame, id, sink),
            known if KNOWN_METHODS.contains(&known) => Method::Other,
            disguised if is_disguised(disguised) => {
                self.event("method-refused", "client", shown(disguised));
                return sink.to_client(&answer::error(Some(&id), -32601, "method not found", None), Some(&id));
            }
            unknown if self.settings.unknown_methods == Pass::Deny => {
                self.event("method-refused", "client", shown(unknown));
                let denial = Denial::new("guard.unknown_methods", "the guard does not know this method")
                    .remedy("unknown_methods = \"allow\" under [guard]");
                return sink.to_client(&answer::error(Some(&id), -32601, "method not found", Some(&denial)), Some(&id));
            }
            _ => Method::Other,
        };
        self.in_flight.insert(id, InFlight::plain(method));
        sink.to_server(&frame.wire_text());
    }

    /// A call: policy, pins, schema, limits, record, and only then the server.
    fn guarded(&mut self, target: Target, frame: &Frame<'_>, id: Id, is_approved: bool, sink: &mut dyn Sink) {
        let name_part = if target == Target::Resource { Part::Uri } else { Part::Name };
        let Some(name) = frame.string(name_part) else {
            let message = format!("{} needs a string in params", target.method());
            return sink.to_client(&answer::error(Some(&id), -32602, &message, None), Some(&id));
        };
        let arguments = match frame.value(Part::Arguments) {
            None | Some(Value::Null) => Value::Object(serde_json::Map::new()),
            Some(arguments @ Value::Object(_)) => arguments,
            Some(_) => {
                let message = "arguments is not an object";
                return sink.to_client(&answer::error(Some(&id), -32602, message, None), Some(&id));
            }
        };
        match self.approved_retry(frame, || request_digest(target, &name, &arguments)) {
            Ok(None) => {}
            Ok(Some(text)) => {
                let limits = self.settings.limits;
                return match Frame::parse(text.as_bytes(), Direction::ToServer, &limits) {
                    Ok(frame) => self.guarded(target, &frame, id, true, sink),
                    Err(error) => sink.to_client(&answer::frame_error(Some(&id), error), Some(&id)),
                };
            }
            Err(denial) => {
                self.counts.denied += 1;
                self.event("not-approved", "client", format!("{} {}: {denial}", target.noun(), shown(&name)));
                return sink.to_client(&answer::refusal(Some(target), &id, &denial, &self.protocol), Some(&id));
            }
        }
        let trace = frame.string(Part::MetaTraceparent);
        let retry_of = frame.raw(Part::InputResponses).and_then(|_| {
            let digest = with_state(request_digest(target, &name, &arguments), frame.raw(Part::RequestState));
            self.awaited_retries.remove(&digest).map(|(ticket, _)| ticket)
        });
        let principal = self.principal.clone();
        let protocol = self.protocol.clone();
        let call = Call {
            target,
            name: &name,
            arguments: &arguments,
            arguments_len: frame.raw(Part::Arguments).map_or(0, str::len),
            principal: &principal,
            id: &id,
            protocol: &protocol,
            trace: trace.as_deref(),
            retry_of,
        };
        let admitted = match self.check(&call) {
            Ok(()) if !is_approved && call.retry_of.is_none() && self.decider.needs_approval(&call) => {
                match self.ask(&call, frame, sink) {
                    Ok(()) => return,
                    Err(denial) => self.decider.refused(&call, &denial, true).and(Err(denial)),
                }
            }
            Ok(()) => self.admit(&call),
            Err(denial) => Err(denial),
        };
        let admission = match admitted {
            Ok(admission) => admission,
            Err(denial) => {
                self.counts.denied += 1;
                return sink.to_client(&answer::refusal(Some(target), &id, &denial, &self.protocol), Some(&id));
            }
        };
        self.counts.admitted += 1;
        let entry = InFlight {
            method: Method::Guarded(target),
            ticket: Some(admission.ticket),
            max_result: admission.max_result,
            name: name.as_ref().into(),
            deadline: admission.timeout.map(|timeout| Instant::now() + timeout),
            cancelled: false,
            // Only the modern era answers with a question, and the digest costs a microsecond.
            request_digest: is_modern(&self.protocol).then(|| request_digest(target, &name, &arguments)),
        };
        self.in_flight.insert(id.clone(), entry);
        sink.to_server(&frame.wire_text());
    }

    /// What a call that went on in the background comes to is looked at as the call's own result.
    fn task_result(&mut self, frame: &Frame<'_>, id: Id, sink: &mut dyn Sink) {
        let entry = match frame.string(Part::TaskId).and_then(|task| self.tasks.get(&*task)) {
            Some((name, max_result)) => InFlight {
                name: name.clone(),
                max_result: *max_result,
                ..InFlight::plain(Method::Guarded(Target::Tool))
            },
            None => InFlight::plain(Method::Other),
        };
        self.in_flight.insert(id, entry);
        sink.to_server(&frame.wire_text());
    }

    /// Remembers which tool a task belongs to.
    fn note_task(&mut self, entry: &InFlight, frame: &Frame<'_>) {
        let Some(task) = frame.value(Part::Task).filter(|_| entry.target() == Some(Target::Tool)) else { return };
        if let Some(id) = task.get("taskId").and_then(Value::as_str).filter(|id| id.len() <= Id::MAX_LEN) {
            if self.tasks.len() >= self.settings.max_in_flight {
                self.tasks.clear();
            }
            self.tasks.insert(id.into(), (entry.name.clone(), entry.max_result));
        }
    }

    /// The deciding checks without side effects, cheap and certain first.
    fn check(&mut self, call: &Call<'_>) -> Result<(), Denial> {
        let verdict =
            self.decider.check(call).and_then(|()| self.integrity.check_call(call.target, call.name)).and_then(|()| {
                match call.target {
                    Target::Tool if self.settings.schemas => self.schemas.check_input(call.name, call.arguments),
                    _ => Ok(()),
                }
            });
        let Err(denial) = verdict else { return Ok(()) };
        let shadow = self.decider.is_shadow();
        self.decider.refused(call, &denial, !shadow)?;
        if shadow { Ok(()) } else { Err(denial) }
    }

    /// Limits and the record of the intent.
    fn admit(&mut self, call: &Call<'_>) -> Result<Admission, Denial> {
        match self.decider.admit(call) {
            Ok(admission) => Ok(admission),
            Err(denial) => {
                self.decider.refused(call, &denial, true)?;
                Err(denial)
            }
        }
    }

    fn client_notification(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        if !self.passes_as_notification(frame.method()) {
            // Nobody waits for an answer. A server that dispatches by the method alone would have run it.
            return self.event("notification-refused", "client", shown(frame.method()));
        }
        if frame.method() == "notifications/cancelled"
            && let Some(id) = frame.raw(Part::RequestId).and_then(Id::from_json)
            && self.withdraw_question(&id)
        {
            return;
        }
        if frame.method() == "notifications/cancelled"
            && let Some(id) = frame.raw(Part::RequestId).and_then(Id::from_json)
            && let Some(entry) = self.in_flight.get_mut(&id)
        {
            entry.cancelled = true;
            entry.deadline = Some(Instant::now() + CANCEL_GRACE);
        }
        if !self.server_gone {
            sink.to_server(&frame.wire_text());
        }
    }

    fn server_notification(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        if !self.passes_as_notification(frame.method()) {
            return self.event("notification-refused", "server", shown(frame.method()));
        }
        match self.clean_part(frame, Part::Params) {
            Ok((text, _)) => sink.to_client(&text, None),
            Err(denial) => self.event("notification-refused", "server", denial.message),
        }
    }

    /// Whether a method may come without an id. A request of the protocol without one is a call that leaves
    /// no trace; all notifications of the protocol begin alike.
    fn passes_as_notification(&self, method: &str) -> bool {
        method.starts_with("notifications/")
            || (self.settings.unknown_methods == Pass::Allow && !is_request(method) && !is_disguised(method))
    }

    fn client_response(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        if self.answered(frame, sink) {
            return;
        }
        let asked = frame.id().is_some_and(|id| self.server_requests.remove(id).is_some());
        if asked {
            sink.to_server(&frame.wire_text());
        } else {
            self.counts.stray_answers += 1;
            self.event("stray-answer", "client", frame.id().map_or_else(|| "null".to_owned(), Id::to_string));
        }
    }

    fn server_request(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let id = frame.id().expect("requests have an id").clone();
        if is_modern(&self.protocol) {
            self.event("server-request", "server", shown(frame.method()));
            let message = "servers send no requests in this revision";
            return sink.to_server(&answer::error(Some(&id), -32601, message, None));
        }
        let params = frame.value(Part::Params).unwrap_or(Value::Null);
        let cleaned = self.check_question(frame.method(), &params).and_then(|()| self.clean_part(frame, Part::Params));
        let text = match cleaned {
            Ok((text, _)) => text,
            Err(denial) => {
                self.event("server-request-refused", "server", format!("{}: {denial}", shown(frame.method())));
                return sink.to_server(&answer::error(Some(&id), DENIED, &denial.to_string(), Some(&denial)));
            }
        };
        let is_full = self.server_requests.len() >= self.settings.max_in_flight;
        if is_full || self.server_requests.insert(id.clone(), ()).is_some() {
            self.event("id-reused", "server", id.to_string());
            return sink.to_server(&answer::error(Some(&id), -32600, "request id is already in use", None));
        }
        sink.to_client(&text, None);
    }

    fn server_response(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let Some(id) = frame.id() else {
            // An error with a null id concerns a frame the server couldn't read; nobody waits for it.
            self.event("error-without-id", "server", shown(frame.text().get(..200).unwrap_or(frame.text())));
            return match self.clean_part(frame, Part::Error) {
                Ok((text, _)) => sink.to_client(&text, None),
                Err(denial) => self.event("frame-refused", "server", denial.message),
            };
        };
        let Some(entry) = self.in_flight.remove(id) else {
            self.counts.stray_answers += 1;
            return self.event("stray-answer", "server", id.to_string());
        };
        self.note_task(&entry, frame);
        let mut inspected = self.inspect(&entry, frame);
        // A question without a ticket to hold it open (an older era's server) ends the call.
        let can_retry = entry.request_digest.is_some() && self.awaited_retries.len() < self.settings.max_in_flight;
        if inspected.outcome == Outcome::InputRequired && !can_retry {
            inspected.outcome = Outcome::Success;
        }
        if let Err(denial) = self.finish(&entry, &inspected.outcome, frame.text().len(), inspected.redactions) {
            let text = answer::refusal(entry.target(), id, &denial, &self.protocol);
            return sink.to_client(&text, Some(id));
        }
        if inspected.outcome == Outcome::InputRequired {
            self.await_retry(&entry, frame);
        }
        // A cancelled request may still be answered; the client ignores it, a stale id must not stay open.
        sink.to_client(&inspected.text, Some(id));
    }

    fn await_retry(&mut self, entry: &InFlight, frame: &Frame<'_>) {
        const RETRY_WITHIN: Duration = Duration::from_secs(600);
        if let (Some(digest), Some(ticket)) = (entry.request_digest, entry.ticket) {
            let key = with_state(digest, frame.raw(Part::ResultState));
            self.awaited_retries.insert(key, (ticket, Instant::now() + RETRY_WITHIN));
        }
    }

    /// Remembers the revision: from `initialize`, or from every request in the modern era.
    fn note_protocol(&mut self, frame: &Frame<'_>) {
        if frame.method() == "initialize" {
            let capabilities = frame.value(Part::ClientCapabilities).unwrap_or(Value::Null);
            self.can_elicit = capabilities.get("elicitation").is_some();
        }
        let part = if frame.method() == "initialize" { Part::ProtocolVersion } else { Part::MetaProtocolVersion };
        if let Some(version) = frame.string(part)
            && version.len() <= 32
            && self.protocol != version
        {
            self.protocol = version.into_owned();
        }
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

    fn event(&mut self, kind: &'static str, peer: &'static str, detail: String) {
        self.decider.event(&Event { kind, peer, detail });
    }
}

/// Requests whose parameters or answers the guard looks into.
const GUARDED_METHODS: &[&str] = &[
    "tools/call",
    "prompts/get",
    "resources/read",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "initialize",
    "server/discover",
];

/// Requests that servers make.
const SERVER_METHODS: &[&str] = &["sampling/createMessage", "elicitation/create", "roots/list"];

fn is_request(method: &str) -> bool {
    [GUARDED_METHODS, KNOWN_METHODS, SERVER_METHODS].iter().any(|methods| methods.contains(&method))
}

/// Whether a method that is none of the protocol's becomes one for a reader that ignores case, white space
/// or punctuation.
fn is_disguised(method: &str) -> bool {
    let plain = |text: &str| -> String { manta_mcp::fold_key(text).filter(|c| c.is_alphanumeric()).collect() };
    if method.len() > 100 || is_request(method) {
        return false;
    }
    let folded = plain(method);
    [GUARDED_METHODS, KNOWN_METHODS, SERVER_METHODS].into_iter().flatten().any(|known| plain(known) == folded)
}

/// Methods of any revision that touch no tool, prompt or resource content.
const KNOWN_METHODS: &[&str] = &[
    "ping",
    "completion/complete",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "subscriptions/listen",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "tasks/list",
    "tasks/result",
];

impl InFlight {
    fn plain(method: Method) -> Self {
        Self {
            method,
            ticket: None,
            max_result: None,
            name: "".into(),
            deadline: None,
            cancelled: false,
            request_digest: None,
        }
    }

    fn target(&self) -> Option<Target> {
        match self.method {
            Method::Guarded(target) => Some(target),
            _ => None,
        }
    }
}

fn target_of(method: &str) -> Option<Target> {
    [Target::Tool, Target::Prompt, Target::Resource].into_iter().find(|target| target.method() == method)
}

/// Revisions from 2026-07-28 on have no sessions and no requests from the server. Revisions are
/// dates, so they sort as text.
fn is_modern(protocol: &str) -> bool {
    protocol >= "2026-07-28"
}

fn request_digest(target: Target, name: &str, arguments: &Value) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for piece in [target.method(), name, &manta_mcp::canonical::to_string(arguments)] {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    hash.finalize().into()
}

/// A retry is recognised by its request and the server's opaque state; it is good once.
fn with_state(request: [u8; 32], state: Option<&str>) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    hash.update(request);
    hash.update(state.unwrap_or(""));
    hash.finalize().into()
}

/// Text from a peer, safe to print and to log, at most 200 characters.
fn shown(text: &str) -> String {
    let short: Cow<'_, str> = if text.chars().nth(200).is_some() {
        Cow::Owned(text.chars().take(200).chain(['…']).collect())
    } else {
        Cow::Borrowed(text)
    };
    manta_core::Untrusted(&short).for_terminal()
}
