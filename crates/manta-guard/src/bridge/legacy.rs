//! A stateless client in front of a server that wants a session.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use manta_harden::approval::{self, TOOL_PATIENCE};
use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part};
use serde_json::{Value, json};

use super::{OWN, Out, PREFIX, STATELESS, renamed, with_members};
use crate::engine::plain_error;

/// Results that say how long they may be kept.
const CACHEABLE: &[&str] =
    &["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"];
/// Calls that may be answered with a question.
const MAY_ASK: &[&str] = &["tools/call", "prompts/get", "resources/read"];
/// Questions of one call that wait for their turn.
const MOST_QUEUED: usize = 16;
/// Questions of all calls that wait for their answer.
const MOST_ASKED: usize = 1024;
/// `Resource not found` before the stateless era, which forbids it.
const OLD_NOT_FOUND: i64 = -32002;

pub(super) struct ToLegacy {
    /// What the server answered to `initialize`.
    hello: Value,
    /// Requests that reached the server before its session was open, and are sent again when it refuses them.
    early: HashMap<Id, String>,
    /// Requests by the id that the server knows.
    calls: HashMap<Id, Call>,
    /// Calls that may ask, oldest first.
    order: Vec<Id>,
    /// Questions that went to the client as an answer, by the state it will bring back.
    asked: HashMap<String, Asked>,
    /// Streams for what the server says unasked.
    listeners: HashMap<Id, Filter>,
    level: Option<String>,
}

struct Call {
    /// The id under which the client waits.
    client: Id,
    method: String,
    /// What it asks for, as its retry has to ask for it again.
    asks: [u8; 32],
    /// The state of the question that is out.
    state: Option<String>,
    /// Questions that come after it: the server's id, method and parameters.
    queue: VecDeque<(Id, String, Value)>,
}

struct Asked {
    /// The call, as the server knows it.
    call: Id,
    /// The server's question.
    question: Id,
    asks: [u8; 32],
    /// What the server said in the end, when it did not wait for the answer.
    answer: Option<String>,
    /// Until when the client may come back.
    until: Instant,
}

struct Filter {
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: BTreeSet<String>,
}

impl ToLegacy {
    pub(super) fn new(hello: Value, early: HashMap<Id, String>) -> Self {
        Self {
            hello,
            early,
            calls: HashMap::new(),
            order: Vec::new(),
            asked: HashMap::new(),
            listeners: HashMap::new(),
            level: None,
        }
    }

    /// Nothing waits for anybody.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.order.is_empty() && self.asked.is_empty()
    }

    pub(super) fn to_server(&mut self, frame: &Frame<'_>, out: &mut Out) {
        match frame.kind() {
            Kind::Request => self.request(frame, out),
            Kind::Notification if frame.method() == "notifications/cancelled" => self.cancelled(frame, out),
            Kind::Notification => out.to_server(frame.text()),
            // Stateless clients answer nothing but by calling again; this is the engine's refusal of a question.
            Kind::Response | Kind::Error => out.to_server(frame.text()),
        }
    }

    fn request(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some(id) = frame.id().cloned() else { return };
        match frame.method() {
            "server/discover" => return out.answer(&id, &self.discovered()),
            "subscriptions/listen" => return self.listen(&id, frame, out),
            _ => {}
        }
        if let Some(state) = frame.string(Part::RequestState).filter(|state| state.starts_with(OWN)) {
            return self.retried(&id, &state, frame, out);
        }
        self.set_level(frame, out);
        let method = frame.method().to_owned();
        if MAY_ASK.contains(&frame.method()) {
            self.order.push(id.clone());
        }
        let asks = asks(frame);
        self.calls.insert(id.clone(), Call { client: id, method, asks, state: None, queue: VecDeque::new() });
        out.to_server(frame.text());
    }

    /// What `server/discover` would say.
    fn discovered(&self) -> Value {
        let mut result = json!({
            "resultType": "complete",
            "supportedVersions": [STATELESS],
            "capabilities": self.hello.get("capabilities").cloned().unwrap_or_else(|| json!({})),
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": { format!("{PREFIX}serverInfo"): self.hello.get("serverInfo").cloned().unwrap_or_default() },
        });
        if let Some(instructions) = self.hello.get("instructions") {
            result["instructions"] = instructions.clone();
        }
        result
    }

    /// Log messages come only to those who ask; in the stateless era every request says so for itself.
    fn set_level(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let meta = frame.value(Part::Meta).unwrap_or_default();
        let level = meta.get(format!("{PREFIX}logLevel")).and_then(Value::as_str).map(str::to_owned);
        let can_log = self.hello.pointer("/capabilities/logging").is_some();
        if can_log && level.is_some() && level != self.level {
            let id = out.id("level-");
            out.request(&id, "logging/setLevel", &json!({ "level": level }));
            self.level = level;
        }
    }

    fn listen(&mut self, id: &Id, frame: &Frame<'_>, out: &mut Out) {
        let params = frame.value(Part::Params).unwrap_or_default();
        let wanted = params.get("notifications").cloned().unwrap_or_else(|| json!({}));
        let wants = |key: &str| wanted.get(key) == Some(&Value::Bool(true));
        let uris = wanted.get("resourceSubscriptions").and_then(Value::as_array);
        let filter = Filter {
            tools: wants("toolsListChanged"),
            prompts: wants("promptsListChanged"),
            resources: wants("resourcesListChanged"),
            uris: uris.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        };
        for uri in &filter.uris {
            let own = out.id("subscribe-");
            out.request(&own, "resources/subscribe", &json!({ "uri": uri }));
        }
        let params = json!({ "notifications": wanted, "_meta": { format!("{PREFIX}subscriptionId"): id_value(id) } });
        out.to_engine(notification("notifications/subscriptions/acknowledged", &params));
        self.listeners.insert(id.clone(), filter);
    }

    /// The client comes back with what a person, or its model, said.
    fn retried(&mut self, id: &Id, state: &str, frame: &Frame<'_>, out: &mut Out) {
        // The rules looked at this request, and the record is about it: it must be the call that the answer is for.
        let is_same = |asked: &Asked| asked.asks == asks(frame) && asked.until > Instant::now();
        if !self.asked.get(state).is_some_and(is_same) {
            let why = "this requestState is unknown, too old, of another call, or was used before";
            return out.to_engine(plain_error(Some(id), -32602, why));
        }
        let Some(asked) = self.asked.remove(state) else { return };
        if let Some(answer) = asked.answer {
            return out.to_engine(answer.replacen(PLACE, &id.to_string(), 1));
        }
        let answers = frame.value(Part::InputResponses).unwrap_or_default();
        match answers.get(QUESTION) {
            Some(answer) => {
                out.to_server(format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{answer}}}", asked.question));
            }
            None => out.to_server(plain_error(Some(&asked.question), -32603, "the client gave no answer")),
        }
        let Some(call) = self.calls.get_mut(&asked.call) else { return };
        call.client = id.clone();
        call.state = None;
        if let Some((question, method, params)) = call.queue.pop_front() {
            self.ask(&asked.call, question, &method, &params, out);
        }
    }

    /// Gives up on clients that never came back: the server is told that nobody answers, and to stop.
    pub(super) fn tick(&mut self, now: Instant, out: &mut Out) {
        for (_, asked) in self.asked.extract_if(|_, asked| asked.until <= now) {
            self.order.retain(|other| *other != asked.call);
            let Some(call) = self.calls.remove(&asked.call).filter(|_| asked.answer.is_none()) else { continue };
            for question in std::iter::once(asked.question).chain(call.queue.into_iter().map(|(id, ..)| id)) {
                out.to_server(plain_error(Some(&question), -32603, "the client did not come back"));
            }
            out.to_server(format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{}}}}}",
                asked.call
            ));
        }
    }

    fn cancelled(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some(id) = frame.raw(Part::RequestId).and_then(Id::from_json) else { return };
        if let Some(filter) = self.listeners.remove(&id) {
            for uri in &filter.uris {
                let own = out.id("unsubscribe-");
                out.request(&own, "resources/unsubscribe", &json!({ "uri": uri }));
            }
            return;
        }
        let known = self.calls.iter().find(|(_, call)| call.client == id).map(|(known, _)| known.clone());
        match (known, frame.span(Part::RequestId)) {
            (Some(known), Some(span)) => out.to_server(frame.splice(&[(span, known.to_string())])),
            _ => out.to_server(frame.text()),
        }
    }

    pub(super) fn from_server(&mut self, frame: &Frame<'_>, out: &mut Out) {
        match frame.kind() {
            Kind::Request => self.question(frame, out),
            Kind::Notification => self.notified(frame, out),
            Kind::Response | Kind::Error => self.answered(frame, out),
        }
    }

    /// A request of the server. Over two pipes nothing says which call it is about; the youngest that can be
    /// answered with a question carries it.
    fn question(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some(question) = frame.id().cloned() else { return };
        if frame.method() == "ping" {
            return out.to_server(format!("{{\"jsonrpc\":\"2.0\",\"id\":{question},\"result\":{{}}}}"));
        }
        let is_free = |id: &&Id| self.calls.get(*id).is_some_and(|call| call.state.is_none());
        let call = self.order.iter().rev().find(is_free).or(self.order.last()).cloned();
        let params = frame.value(Part::Params).unwrap_or_else(|| json!({}));
        let Some(call) = call else {
            return out.to_server(plain_error(Some(&question), -32603, "there is no call to ask about"));
        };
        match self.calls.get_mut(&call) {
            Some(known) if known.state.is_some() && known.queue.len() < MOST_QUEUED => {
                known.queue.push_back((question, frame.method().to_owned(), params));
            }
            Some(known) if known.state.is_none() => self.ask(&call, question, frame.method(), &params, out),
            _ => out.to_server(plain_error(Some(&question), -32603, "too many questions at once")),
        }
    }

    fn ask(&mut self, call: &Id, question: Id, method: &str, params: &Value, out: &mut Out) {
        let Some(known) = self.calls.get_mut(call) else { return };
        let token = approval::token().ok().filter(|_| self.asked.len() < MOST_ASKED);
        let Some(token) = token else {
            return out.to_server(plain_error(Some(&question), -32603, "nobody can be asked now"));
        };
        let state = format!("{OWN}{token}");
        let result = json!({
            "resultType": "input_required",
            "inputRequests": { QUESTION: { "method": method, "params": params } },
            "requestState": state,
        });
        out.answer(&known.client, &result);
        known.state = Some(state.clone());
        let until = Instant::now() + TOOL_PATIENCE;
        let (call, asks) = (call.clone(), known.asks);
        self.asked.insert(state, Asked { call, question, asks, answer: None, until });
    }

    /// What the server says unasked goes to those who listen for it.
    fn notified(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let params = frame.value(Part::Params).unwrap_or_else(|| json!({}));
        let uri = params.get("uri").and_then(Value::as_str).unwrap_or_default();
        let wants: fn(&Filter, &str) -> bool = match frame.method() {
            "notifications/tools/list_changed" => |filter, _| filter.tools,
            "notifications/prompts/list_changed" => |filter, _| filter.prompts,
            "notifications/resources/list_changed" => |filter, _| filter.resources,
            "notifications/resources/updated" => |filter, uri| filter.uris.contains(uri),
            "notifications/message" if self.level.is_none() => return,
            _ => return out.to_engine(frame.text()),
        };
        for id in self.listeners.iter().filter(|(_, filter)| wants(filter, uri)).map(|(id, _)| id) {
            let mut params = params.clone();
            params["_meta"][format!("{PREFIX}subscriptionId")] = id_value(id);
            out.to_engine(notification(frame.method(), &params));
        }
    }

    fn answered(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some(id) = frame.id() else { return out.to_engine(frame.text()) };
        if let Some(text) = self.early.remove(id) {
            return self.early_answered(id, &text, frame, out);
        }
        self.order.retain(|other| other != id);
        let Some(call) = self.calls.remove(id) else {
            // Answers to requests of ours say nothing to anybody.
            if !matches!(id, Id::Text(text) if text.starts_with(OWN)) {
                out.to_engine(frame.text());
            }
            return;
        };
        match call.state.and_then(|state| self.asked.get_mut(&state)) {
            // The server did not wait. The client hears of it when it comes back.
            Some(asked) => asked.answer = Some(translated(frame, &call.method, PLACE)),
            None => out.to_engine(translated(frame, &call.method, &call.client.to_string())),
        }
    }
}

impl ToLegacy {
    /// A request that came before the session was open: refused for that, it is sent again.
    fn early_answered(&mut self, id: &Id, text: &str, frame: &Frame<'_>, out: &mut Out) {
        let sent = Frame::parse(text.as_bytes(), Direction::ToServer, &Limits::default());
        match sent {
            Ok(sent) if frame.kind() == Kind::Error => self.request(&sent, out),
            Ok(sent) => out.to_engine(translated(frame, sent.method(), &id.to_string())),
            Err(_) => out.to_engine(frame.text()),
        }
    }
}

/// Name of the question among those of a result.
const QUESTION: &str = "manta-bridge";
/// Stands for an id that is not known yet. No JSON text has it outside a string, and ids come first.
const PLACE: &str = "\"manta-bridge-place\"";

/// An answer as the stateless era writes it.
fn translated(frame: &Frame<'_>, method: &str, id: &str) -> String {
    let mut edits = Vec::new();
    edits.extend(frame.span(Part::Id).map(|span| (span, id.to_owned())));
    if let Some(span) = frame.span(Part::Result).filter(|_| frame.raw(Part::ResultType).is_none()) {
        let members = match CACHEABLE.contains(&method) {
            true => "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"",
            false => "\"resultType\":\"complete\"",
        };
        edits.push((span.clone(), with_members(&frame.text()[span], members)));
    }
    if super::code(frame) == OLD_NOT_FOUND
        && let (Some(span), Some(mut error)) = (frame.span(Part::Error), frame.value(Part::Error))
    {
        error["code"] = (-32602).into();
        edits.push((span, error.to_string()));
    }
    match edits.is_empty() {
        true => renamed(frame, frame.id().unwrap_or(&Id::Number(0))),
        false => frame.splice(&edits),
    }
}

fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

fn id_value(id: &Id) -> Value {
    match id {
        Id::Number(number) => (*number).into(),
        Id::Text(text) => text.as_ref().into(),
    }
}

/// Method, name and arguments of a request, whatever else it says.
fn asks(frame: &Frame<'_>) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let arguments = frame.value(Part::Arguments).unwrap_or_default();
    let mut hash = Sha256::new();
    for piece in [
        frame.method(),
        &frame.string(Part::Name).unwrap_or_default(),
        &frame.string(Part::Uri).unwrap_or_default(),
        &manta_mcp::canonical::to_string(&arguments),
    ] {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    hash.finalize().into()
}
