//! What the client sends.

use std::sync::Arc;
use std::time::Instant;

use manta_detect::disguise::skeleton;
use manta_harden::policy::Completes;
use manta_mcp::{Direction, Frame, Id, Part, fold_key};
use serde_json::{Map, Value};

use super::approve::whole_request;
use super::{Awaited, CANCEL_GRACE, Engine, InFlight, Method, Pass, Sink, answer, is_modern, shown, with_state};
use crate::bridge::with_members;
use crate::decide::{Admission, Call, Completion, Denial, Target};

impl Engine {
    pub(super) fn client_request(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
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
            method if self.is_of_others(method, frame) => {
                self.event(
                    "method-refused",
                    "client",
                    format!("{} of a task that is not this caller's", shown(method)),
                );
                let message = "no such task";
                return sink.to_client(&answer::error(Some(&id), -32602, message, None), Some(&id));
            }
            "tasks/list" => Method::TasksList,
            "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result" => return self.ask_of_task(frame, id, sink),
            "completion/complete" | "resources/subscribe" | "subscriptions/listen" if self.names_hidden(frame) => {
                self.event("method-refused", "client", format!("{} of what the policy hides", frame.method()));
                let message = "nothing of that name";
                return sink.to_client(&answer::error(Some(&id), -32602, message, None), Some(&id));
            }
            "completion/complete" => match self.check_completion(frame) {
                Ok(()) => Method::Other,
                Err(denial) => {
                    self.event("method-refused", "client", format!("completion/complete: {denial}"));
                    let message = format!("denied by manta guard: {denial}");
                    return sink.to_client(&answer::error(Some(&id), -32602, &message, Some(&denial)), Some(&id));
                }
            },
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

    /// Whether a request that reads no content is about a prompt or a resource that the policy does not show: its
    /// answer would tell what is in there, or when it changes.
    fn names_hidden(&self, frame: &Frame<'_>) -> bool {
        let is_hidden = |target, name: &str| !self.decider.is_visible(Some(&self.principal), target, name);
        let params = frame.value(Part::Params).unwrap_or(Value::Null);
        let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
        // A server whose decoder ignores case would read these as the members that are looked at here.
        const READ: &[&str] =
            &["ref", "argument", "context", "name", "value", "arguments", "notifications", "resourceSubscriptions"];
        let is_twin = |key: &String| READ.iter().any(|read| read != key && fold_key(read).eq(fold_key(key)));
        let places = ["", "/ref", "/argument", "/context", "/notifications"];
        let objects = places.iter().filter_map(|place| params.pointer(place).and_then(Value::as_object));
        if objects.flat_map(Map::keys).any(is_twin) {
            return true;
        }
        match frame.method() {
            "resources/subscribe" => text("/uri").is_some_and(|uri| is_hidden(Target::Resource, uri)),
            "completion/complete" => match (text("/ref/name"), text("/ref/uri")) {
                (Some(name), None) => is_hidden(Target::Prompt, name),
                (None, Some(uri)) => is_hidden(Target::Resource, uri),
                // Both, or neither in something that is there: nobody knows what the server makes of it.
                _ => params.get("ref").is_some(),
            },
            _ => {
                let uris = params.pointer("/notifications/resourceSubscriptions").and_then(Value::as_array);
                uris.into_iter().flatten().any(|uri| uri.as_str().is_none_or(|uri| is_hidden(Target::Resource, uri)))
            }
        }
    }

    /// What is typed of an argument leads no further than a call with it would: the values that a server proposes say
    /// what is there.
    fn check_completion(&self, frame: &Frame<'_>) -> Result<(), Denial> {
        let params = frame.value(Part::Params).unwrap_or(Value::Null);
        let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
        let of = match (text("/ref/name"), text("/ref/uri")) {
            (Some(name), _) => Completes::Prompt(name),
            (_, Some(uri)) => Completes::Template(uri),
            // Nothing that a server could propose values for.
            _ => return Ok(()),
        };
        let unclear = || Denial::new("wire", "a completion names one argument and what is typed of it");
        let nothing = Map::new();
        let others = match params.pointer("/context/arguments") {
            None | Some(Value::Null) => &nothing,
            Some(others) => others.as_object().ok_or_else(unclear)?,
        };
        let (argument, typed) = match params.get("argument") {
            None => return Ok(()),
            Some(_) => (text("/argument/name").ok_or_else(unclear)?, text("/argument/value").ok_or_else(unclear)?),
        };
        self.decider.check_completion(&Completion { of, argument, typed, others, principal: &self.principal })
    }

    /// A call: policy, pins, schema, limits, record, and only then the server.
    pub(super) fn guarded(
        &mut self,
        target: Target,
        frame: &Frame<'_>,
        id: Id,
        is_approved: bool,
        sink: &mut dyn Sink,
    ) {
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
        match self.approved_retry(frame) {
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
        let awaited = frame.raw(Part::InputResponses).and_then(|_| {
            let digest = with_state(whole_request(frame), frame.value(Part::RequestState));
            let is_open = |awaited: &Awaited| awaited.until > Instant::now();
            self.awaited_retries.remove(&digest).filter(is_open).map(|awaited| (digest, awaited))
        });
        let (retry_of, rounds) = awaited.as_ref().map_or((None, 0), |(_, it)| (Some(it.ticket), it.rounds));
        let (principal, protocol) = (Arc::clone(&self.principal), Arc::clone(&self.protocol));
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
                // The call itself goes on waiting for its answer.
                self.awaited_retries.extend(awaited);
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
            rounds,
            // Only the modern era answers with a question, and the digest costs a microsecond.
            request_digest: is_modern(&self.protocol).then(|| whole_request(frame)),
            as_task: frame.raw(Part::AsTask).is_some(),
            task: None,
        };
        self.in_flight.insert(id.clone(), entry);
        match admission.traceparent {
            None => sink.to_server(&frame.wire_text()),
            Some(span) => sink.to_server(&with_traceparent(frame, &span.to_string())),
        }
    }

    /// Whether a request is about a task that another caller, or nobody that this guard knows of, has begun.
    fn is_of_others(&self, method: &str, frame: &Frame<'_>) -> bool {
        let is_about_one = method.starts_with("tasks/") && method != "tasks/list";
        is_about_one && !self.tasks.admits(&self.principal, frame.string(Part::TaskId).as_deref())
    }

    /// What a call that went on in the background comes to is looked at as the call's own result.
    fn ask_of_task(&mut self, frame: &Frame<'_>, id: Id, sink: &mut dyn Sink) {
        let task = frame.string(Part::TaskId);
        let begun = task.as_ref().and_then(|task| self.tasks.begun(&self.principal, task));
        let is_result = frame.method() == "tasks/result";
        let method = match is_result && begun.is_some() {
            true => Method::Guarded(Target::Tool),
            false => Method::TaskState,
        };
        if is_result && begun.is_none() {
            let task = shown(task.as_deref().unwrap_or(""));
            self.event(
                "task-unknown",
                "client",
                format!("no call is known to have begun {task}: no rule of a tool holds"),
            );
        }
        let mut entry = InFlight { task: task.map(|task| task.as_ref().into()), ..InFlight::plain(method) };
        if let Some(begun) = begun {
            (entry.name, entry.max_result) = (begun.tool, begun.max_result);
        }
        self.in_flight.insert(id, entry);
        sink.to_server(&frame.wire_text());
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
        self.say_unchecked();
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

    pub(super) fn client_notification(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
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

    /// Whether a method may come without an id. A request of the protocol without one is a call that leaves
    /// no trace; all notifications of the protocol begin alike.
    pub(super) fn passes_as_notification(&self, method: &str) -> bool {
        method.starts_with("notifications/")
            || (self.settings.unknown_methods == Pass::Allow && !is_request(method) && !is_disguised(method))
    }

    pub(super) fn client_response(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
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

    /// Remembers the revision: from `initialize`, or from every request in the modern era.
    fn note_protocol(&mut self, frame: &Frame<'_>) {
        if frame.method() == "initialize" {
            let capabilities = frame.value(Part::ClientCapabilities).unwrap_or(Value::Null);
            self.can_elicit = manta_harden::approval::takes_forms(&capabilities);
        }
        let part = if frame.method() == "initialize" { Part::ProtocolVersion } else { Part::MetaProtocolVersion };
        if let Some(version) = frame.string(part)
            && version.len() <= 32
            && *self.protocol != *version
        {
            self.protocol = version.into();
        }
    }
}

/// The frame with another `traceparent`, or with its first. It has parameters: it was read for them.
fn with_traceparent(frame: &Frame<'_>, traceparent: &str) -> String {
    let text = frame.text();
    let member = format!("\"traceparent\":\"{traceparent}\"");
    let object = |part| frame.span(part).filter(|span| text[span.clone()].starts_with('{'));
    if let Some(span) = frame.span(Part::MetaTraceparent) {
        return frame.splice(&[(span, format!("\"{traceparent}\""))]);
    }
    match (object(Part::Meta), object(Part::Params)) {
        (Some(meta), _) => frame.splice(&[(meta.clone(), with_members(&text[meta], &member))]),
        (None, Some(params)) if frame.raw(Part::Meta).is_none() => {
            frame.splice(&[(params.clone(), with_members(&text[params], &format!("\"_meta\":{{{member}}}")))])
        }
        _ => frame.wire_text().into_owned(),
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
/// or punctuation, or takes letters for those that look like them.
fn is_disguised(method: &str) -> bool {
    let plain = |text: &str| -> String { fold_key(&skeleton(text)).filter(|c| c.is_alphanumeric()).collect() };
    if method.len() > 100 || is_request(method) {
        return false;
    }
    let folded = plain(method);
    [GUARDED_METHODS, KNOWN_METHODS, SERVER_METHODS].into_iter().flatten().any(|known| plain(known) == folded)
}

/// Whether a request that a server makes is one that only clients make, or would be taken for one of its own by a
/// reader that ignores case and punctuation. Questions about tasks and signs of life go both ways.
pub(super) fn is_for_servers(method: &str) -> bool {
    let goes_both_ways = SERVER_METHODS.contains(&method) || method == "ping" || method.starts_with("tasks/");
    is_disguised(method) || (is_request(method) && !goes_both_ways)
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

fn target_of(method: &str) -> Option<Target> {
    [Target::Tool, Target::Prompt, Target::Resource].into_iter().find(|target| target.method() == method)
}
