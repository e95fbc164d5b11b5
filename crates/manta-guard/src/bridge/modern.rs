//! A client with a session in front of a server that knows none.

use std::collections::{BTreeSet, HashMap};

use manta_harden::approval::MOST_ROUNDS;
use manta_mcp::{Direction, Frame, Id, Kind, Limits, Part};
use serde_json::{Map, Value, json};

use super::{ClientSays, OWN, Out, PREFIX, WITH_SESSION, members_of, renamed, request, with_members};
use crate::engine::plain_error;

/// Revisions with a session.
const SESSIONS: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// What a server may ask a client for.
const QUESTIONS: &[&str] = &["elicitation/create", "sampling/createMessage", "roots/list"];

pub(super) struct ToModern {
    /// `_meta` of every request, as members.
    meta: String,
    /// The answer to `initialize`.
    hello: Value,
    /// Requests by the id that the server knows.
    calls: HashMap<Id, Call>,
    /// Calls that wait for the client's answers, by number.
    rounds: HashMap<u64, Round>,
    /// Our requests to the client: the round they belong to and their name in it.
    questions: HashMap<Id, (u64, String)>,
    level: Option<String>,
    /// The stream of what the server says unasked.
    listening: Option<Id>,
    uris: BTreeSet<String>,
    is_open: bool,
}

struct Call {
    /// The id under which the client waits.
    client: Id,
    /// As the client sent it, for asking again.
    text: String,
    rounds: u32,
}

struct Round {
    call: Call,
    /// `requestState`, as text.
    state: Option<String>,
    missing: usize,
    answers: Map<String, Value>,
}

impl ToModern {
    /// Answers the client's `initialize` from what the server said about itself.
    pub(super) fn open(id: &Id, opening: &Frame<'_>, hello: &Value, out: &mut Out) -> Self {
        let wanted = opening.string(Part::ProtocolVersion).unwrap_or_default();
        let version = if SESSIONS.contains(&&*wanted) { wanted.into_owned() } else { WITH_SESSION.to_owned() };
        let server = hello.get("_meta").and_then(|meta| meta.get(format!("{PREFIX}serverInfo")));
        let server = server.or_else(|| hello.get("serverInfo")).cloned();
        let mut answer = json!({
            "protocolVersion": version,
            "capabilities": hello.get("capabilities").cloned().unwrap_or_else(|| json!({})),
            "serverInfo": server.unwrap_or_else(|| json!({ "name": "unknown", "version": "0" })),
        });
        if let Some(instructions) = hello.get("instructions") {
            answer["instructions"] = instructions.clone();
        }
        out.answer(id, &answer);
        Self {
            meta: members_of(&ClientSays::of(opening).meta()),
            hello: answer,
            calls: HashMap::new(),
            rounds: HashMap::new(),
            questions: HashMap::new(),
            level: None,
            listening: None,
            uris: BTreeSet::new(),
            is_open: false,
        }
    }

    pub(super) fn to_server(&mut self, frame: &Frame<'_>, out: &mut Out) {
        match frame.kind() {
            Kind::Request => self.request(frame, out),
            Kind::Notification => self.notified(frame, out),
            Kind::Response | Kind::Error => self.answered_by_client(frame, out),
        }
    }

    fn request(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some(id) = frame.id().cloned() else { return };
        let uri = || frame.string(Part::Uri).unwrap_or_default().into_owned();
        match frame.method() {
            "ping" => out.answer(&id, &json!({})),
            "initialize" => out.answer(&id, &self.hello),
            "logging/setLevel" => {
                let params = frame.value(Part::Params).unwrap_or_default();
                self.level = params.get("level").and_then(Value::as_str).map(str::to_owned);
                out.answer(&id, &json!({}));
            }
            "resources/subscribe" => {
                self.uris.insert(uri());
                self.listen(out);
                out.answer(&id, &json!({}));
            }
            "resources/unsubscribe" => {
                self.uris.remove(&uri());
                self.listen(out);
                out.answer(&id, &json!({}));
            }
            _ => {
                out.to_server(self.stateless(frame));
                self.calls.insert(id.clone(), Call { client: id, text: frame.text().to_owned(), rounds: 0 });
            }
        }
    }

    fn notified(&mut self, frame: &Frame<'_>, out: &mut Out) {
        match frame.method() {
            "notifications/initialized" => {
                self.is_open = true;
                self.listen(out);
            }
            "notifications/roots/list_changed" => {}
            "notifications/cancelled" => {
                let Some(id) = frame.raw(Part::RequestId).and_then(Id::from_json) else { return };
                self.rounds.retain(|_, round| round.call.client != id);
                let rounds = &self.rounds;
                self.questions.retain(|_, (number, _)| rounds.contains_key(number));
                let known = self.calls.iter().find(|(_, call)| call.client == id).map(|(known, _)| known.clone());
                match (known, frame.span(Part::RequestId)) {
                    (Some(known), Some(span)) => out.to_server(frame.splice(&[(span, known.to_string())])),
                    _ => out.to_server(frame.text()),
                }
            }
            _ => out.to_server(self.stateless(frame)),
        }
    }

    /// The client's message with what the stateless era wants in each.
    fn stateless(&self, frame: &Frame<'_>) -> String {
        let mut members = self.meta.clone();
        if let Some(level) = &self.level {
            members.push_str(&format!(",\"{PREFIX}logLevel\":{}", Value::from(level.as_str())));
        }
        let text = frame.text();
        if frame.raw(Part::MetaProtocolVersion).is_some() {
            return text.to_owned(); // it says so for itself
        }
        let object = |part| frame.span(part).filter(|span| text[span.clone()].starts_with('{'));
        match (object(Part::Meta), object(Part::Params)) {
            (Some(meta), _) => frame.splice(&[(meta.clone(), with_members(&text[meta], &members))]),
            (None, Some(params)) => {
                let meta = format!("\"_meta\":{{{members}}}");
                frame.splice(&[(params.clone(), with_members(&text[params], &meta))])
            }
            // No parameters, or `null`.
            (None, None) => {
                with_members(&frame.without(Part::Params), &format!("\"params\":{{\"_meta\":{{{members}}}}}"))
            }
        }
    }

    /// Opens the stream for what changed, and closes the one before it.
    fn listen(&mut self, out: &mut Out) {
        if !self.is_open {
            return;
        }
        if let Some(old) = self.listening.take() {
            out.to_server(format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{old}}}}}"
            ));
        }
        let changes =
            |kind: &str| self.hello.pointer(&format!("/capabilities/{kind}/listChanged")) == Some(&Value::Bool(true));
        let mut wanted = Map::new();
        for kind in ["tools", "prompts", "resources"] {
            if changes(kind) {
                wanted.insert(format!("{kind}ListChanged"), true.into());
            }
        }
        if !self.uris.is_empty() {
            wanted.insert("resourceSubscriptions".into(), self.uris.iter().cloned().collect());
        }
        if wanted.is_empty() {
            return;
        }
        let id = out.id("listen-");
        let meta = format!("{{\"notifications\":{},\"_meta\":{{{}}}}}", Value::Object(wanted), self.meta);
        out.to_server(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"subscriptions/listen\",\"params\":{meta}}}"
        ));
        self.listening = Some(id);
    }

    pub(super) fn from_server(&mut self, frame: &Frame<'_>, out: &mut Out) {
        match frame.kind() {
            Kind::Request => {
                let message = "servers send no requests in this revision";
                out.to_server(plain_error(frame.id(), -32601, message));
            }
            Kind::Notification if frame.method() == "notifications/subscriptions/acknowledged" => {}
            Kind::Notification => out.to_engine(frame.text()),
            Kind::Response | Kind::Error => self.answered(frame, out),
        }
    }

    fn answered(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some(id) = frame.id() else { return out.to_engine(frame.text()) };
        let Some(call) = self.calls.remove(id) else {
            if self.listening.as_ref() == Some(id) {
                self.listening = None;
            } else if !matches!(id, Id::Text(text) if text.starts_with(OWN)) {
                out.to_engine(frame.text());
            }
            return;
        };
        if frame.string(Part::ResultType).as_deref() == Some("input_required") {
            return self.ask(call, frame, out);
        }
        out.to_engine(renamed(frame, &call.client));
    }

    /// The questions of an answer, as requests to the client.
    fn ask(&mut self, call: Call, frame: &Frame<'_>, out: &mut Out) {
        let state = frame.raw(Part::ResultState).map(str::to_owned);
        let questions = frame.value(Part::InputRequests).and_then(|questions| match questions {
            Value::Object(questions) => Some(questions),
            _ => None,
        });
        let questions = questions.unwrap_or_default();
        if call.rounds >= MOST_ROUNDS {
            return out.to_engine(plain_error(Some(&call.client), -32603, "the server asks without end"));
        }
        let method = |question: &Value| question.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(unknown) = questions.values().map(method).find(|method| !QUESTIONS.contains(&method.as_str())) {
            let shown = manta_core::Untrusted(&unknown).for_agent(40);
            return out.to_engine(plain_error(Some(&call.client), -32603, &format!("the server asks for {shown}")));
        }
        let round = Round { call, state, missing: questions.len(), answers: Map::new() };
        if round.missing == 0 {
            return self.again(round, out);
        }
        out.next += 1;
        let number = out.next;
        for (name, question) in questions {
            let id = out.id("question-");
            let params = question.get("params").cloned().unwrap_or_else(|| json!({}));
            out.to_engine(request(&id, &method(&question), &params));
            self.questions.insert(id, (number, name));
        }
        self.rounds.insert(number, round);
    }

    fn answered_by_client(&mut self, frame: &Frame<'_>, out: &mut Out) {
        let Some((number, name)) = frame.id().and_then(|id| self.questions.remove(id)) else { return };
        let Some(mut round) = self.rounds.remove(&number) else { return };
        if frame.kind() == Kind::Error {
            // The engine refused the question, or the client can't answer it: the call can't go on.
            self.questions.retain(|_, (other, _)| *other != number);
            let error = frame.value(Part::Error).unwrap_or_default();
            let why = error.get("message").and_then(Value::as_str).unwrap_or("the question was not answered");
            return out.to_engine(plain_error(Some(&round.call.client), -32603, why));
        }
        round.answers.insert(name, frame.value(Part::Result).unwrap_or_else(|| json!({})));
        round.missing -= 1;
        if round.missing == 0 { self.again(round, out) } else { drop(self.rounds.insert(number, round)) }
    }

    /// The call once more, with what the client said.
    fn again(&mut self, round: Round, out: &mut Out) {
        let Round { call, state, answers, .. } = round;
        let id = out.id("again-");
        let Ok(frame) = Frame::parse(call.text.as_bytes(), Direction::ToServer, &Limits::default()) else { return };
        let mut members = format!("\"inputResponses\":{}", Value::Object(answers));
        if let Some(state) = state {
            members.push_str(&format!(",\"requestState\":{state}"));
        }
        let (Some(place), Some(params)) = (frame.span(Part::Id), frame.span(Part::Params)) else { return };
        let with_answers = with_members(&frame.text()[params.clone()], &members);
        let text = frame.splice(&[(place, id.to_string()), (params, with_answers)]);
        match Frame::parse(text.as_bytes(), Direction::ToServer, &Limits::default()) {
            Ok(frame) => out.to_server(self.stateless(&frame)),
            Err(_) => {
                return out.to_engine(plain_error(Some(&call.client), -32603, "the call can't be sent again"));
            }
        }
        self.calls.insert(id, Call { rounds: call.rounds + 1, ..call });
    }
}
