//! Asking a person before a call goes on.
//!
//! Up to 2025-11-25 the question is an `elicitation/create` request with an id nobody can guess. The call itself
//! is held here, byte for byte, so that what was approved is what runs. From 2026-07-28 on the call is answered
//! with the question, and the client sends it again with the answer: the retry must be the very request that was
//! asked about, and the state it brings along is good once. On the terminal the call is held as in the first case.
//!
//! An approval is good for one call and for a limited time, and every other check runs again after it. A client
//! that lets its model answer gives no person's consent: the record says where the answer came from.

use std::time::Instant;

use manta_harden::approval::{self, ASKED_PER, MOST_ASKED, PATIENCE};
use manta_mcp::{Direction, Frame, Id, Kind, Part};
use serde_json::{Value, json};

use super::{Engine, Sink, answer};
use crate::decide::{Call, Denial, Target};

/// What the states and ids of our questions begin with.
const TOKEN: &str = "manta-approve-";
/// Name of our question among those of a result.
const QUESTION: &str = "manta-approve";

/// Where a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Through their client.
    #[default]
    Client,
    /// On the terminal the guard was started from.
    Terminal,
}

/// A call that waits for an answer.
pub(super) struct Held {
    /// The client's frame.
    frame: String,
    pub(super) id: Id,
    target: Target,
    expires: Instant,
}

impl Engine {
    /// Asks for a call, and holds it where the era wants that.
    ///
    /// # Errors
    /// A denial when nobody can be asked.
    pub(super) fn ask(&mut self, call: &Call<'_>, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<(), Denial> {
        let is_modern = super::is_modern(&self.protocol);
        let by_terminal = self.settings.approve == Channel::Terminal;
        let can_ask = match is_modern {
            true => declares_elicitation(frame),
            false => self.can_elicit,
        };
        if !by_terminal && !can_ask {
            let message = format!(
                "{} {} needs a person's approval, and this client can't be asked",
                call.target.noun(),
                call.name
            );
            let remedy = "approve = \"terminal\" under [guard]";
            return Err(Denial::new("approve", message).remedy(remedy).needs_elicitation());
        }
        if self.held.len() + self.asked.len() >= self.settings.max_in_flight {
            return Err(Denial::new("approve", "too many calls wait for approval"));
        }
        let now = Instant::now();
        while self.asked_at.front().is_some_and(|at| now.duration_since(*at) >= ASKED_PER) {
            self.asked_at.pop_front();
        }
        if self.asked_at.len() >= MOST_ASKED as usize {
            // Who is asked too often agrees to anything.
            let wait = self.asked_at.front().map(|at| ASKED_PER.saturating_sub(now.duration_since(*at)));
            return Err(Denial { retry_after: wait, ..Denial::new("approve", "a person was asked too often lately") });
        }
        let token =
            approval::token().map_err(|error| Denial::new("approve", format!("nobody can be asked: {error}")))?;
        let token = format!("{TOKEN}{token}");
        self.asked_at.push_back(now);
        let none = serde_json::Map::new();
        let arguments = approval::summary(call.arguments.as_object().unwrap_or(&none));
        let message = format!("Allow {} `{}` with {arguments}?", call.target.noun(), super::shown(call.name));
        let expires = now + PATIENCE;
        if is_modern && !by_terminal {
            if frame.raw(Part::RequestState).is_some() || frame.raw(Part::InputResponses).is_some() {
                let why = "an answer to another question can't be combined with an approval; call again without it";
                return Err(Denial::new("approve", why));
            }
            let digest = whole_request(frame);
            self.asked.insert(token.clone(), (digest, expires));
            let question = json!({ "method": "elicitation/create", "params": form(&message) });
            let result = json!({
                "resultType": "input_required",
                "inputRequests": { QUESTION: question },
                "requestState": token
            });
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", call.id);
            sink.to_client(&text, Some(call.id));
            return Ok(());
        }
        let question = Id::Text(token.into());
        let held = Held { frame: frame.text().to_owned(), id: call.id.clone(), target: call.target, expires };
        self.held.insert(question.clone(), held);
        if by_terminal {
            self.prompts.push((question, message));
        } else {
            let params = form(&message);
            let text = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{question},\"method\":\"elicitation/create\",\"params\":{params}}}"
            );
            sink.to_client(&text, None);
        }
        Ok(())
    }

    /// Questions for the terminal that were not shown yet: each with the id to answer it under.
    pub fn take_prompts(&mut self) -> Vec<(Id, String)> {
        std::mem::take(&mut self.prompts)
    }

    /// What was said on the terminal.
    pub fn terminal_answered(&mut self, question: &Id, agreed: bool, sink: &mut dyn Sink) {
        match self.held.remove(question) {
            Some(held) if held.expires <= Instant::now() => self.decline(&held, "nobody answered in time", sink),
            Some(held) => self.decided(held, agreed, "terminal", sink),
            None => {}
        }
    }

    /// Whether a request is the retry of a call that was asked about; then the frame to go on with.
    ///
    /// # Errors
    /// A denial when the state is not one that was given out for this very request, or the answer is not yes.
    pub(super) fn approved_retry(&mut self, frame: &Frame<'_>) -> Result<Option<String>, Denial> {
        let Some(state) = frame.string(Part::RequestState).filter(|state| state.starts_with(TOKEN)) else {
            return Ok(None);
        };
        let known = self.asked.remove(&*state).filter(|(_, expires)| *expires > Instant::now());
        let Some((asked, _)) = known else {
            return Err(Denial::new("approve", "this approval is unknown, too old, or was used already"));
        };
        if asked != whole_request(frame) {
            return Err(Denial::new("approve", "this is not the call that was asked about"));
        }
        let answers = frame.value(Part::InputResponses).unwrap_or(Value::Null);
        if !approval::is_yes(answers.get(QUESTION).unwrap_or(&Value::Null)) {
            return Err(Denial::new("approve", "a person was asked and did not agree"));
        }
        self.event("approved", "client", format!("{} request by retry", frame.method()));
        // The guard's own two members go; nothing else was sent with them.
        let limits = self.settings.limits;
        let first = frame.without(Part::RequestState);
        let second = Frame::parse(first.as_bytes(), Direction::ToServer, &limits)
            .map(|frame| frame.without(Part::InputResponses).into_owned());
        second.map(Some).map_err(|_| Denial::new("approve", "the retried call can't be read any more"))
    }

    /// The client's answer to a question of ours; `false` when it is not one.
    pub(super) fn answered(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> bool {
        let Some(held) = frame.id().and_then(|id| self.held.remove(id)) else { return false };
        if held.expires <= Instant::now() {
            self.decline(&held, "nobody answered in time", sink);
            return true;
        }
        let result = frame.value(Part::Result).unwrap_or(Value::Null);
        self.decided(held, frame.kind() == Kind::Response && approval::is_yes(&result), "client", sink);
        true
    }

    fn decided(&mut self, held: Held, agreed: bool, by: &'static str, sink: &mut dyn Sink) {
        if !agreed {
            return self.decline(&held, "a person was asked and did not agree", sink);
        }
        let limits = self.settings.limits;
        let again = held.frame.clone();
        match Frame::parse(again.as_bytes(), Direction::ToServer, &limits) {
            Ok(frame) => {
                self.event("approved", by, format!("{} request {}", held.target.noun(), held.id));
                self.guarded(held.target, &frame, held.id, true, sink);
            }
            Err(_) => self.decline(&held, "the held call can't be read any more", sink),
        }
    }

    /// Refuses calls nobody answered for.
    pub(super) fn expire_questions(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.asked.retain(|_, (_, expires)| *expires > now);
        let expired: Vec<Held> = self.held.extract_if(|_, held| held.expires <= now).map(|(_, held)| held).collect();
        for held in expired {
            self.decline(&held, "nobody answered in time", sink);
        }
    }

    /// Refuses every held call: there is nobody left to run it.
    pub(super) fn drop_questions(&mut self, why: &str, sink: &mut dyn Sink) {
        for (_, held) in std::mem::take(&mut self.held) {
            self.decline(&held, why, sink);
        }
    }

    /// The client takes a call back that waits for an answer; `false` when there is none of that id.
    pub(super) fn withdraw_question(&mut self, id: &Id) -> bool {
        let question = self.held.iter().find(|(_, held)| held.id == *id).map(|(question, _)| question.clone());
        let Some(held) = question.and_then(|question| self.held.remove(&question)) else { return false };
        self.counts.denied += 1;
        self.event("not-approved", "client", format!("{} request {id}: cancelled", held.target.noun()));
        true
    }

    /// Whether a call with this id waits for an answer.
    pub(super) fn is_held(&self, id: &Id) -> bool {
        self.held.values().any(|held| held.id == *id)
    }

    fn decline(&mut self, held: &Held, why: &str, sink: &mut dyn Sink) {
        self.counts.denied += 1;
        self.event("not-approved", "client", format!("{} request {}: {why}", held.target.noun(), held.id));
        let denial = Denial::new("approve", why);
        sink.to_client(&answer::refusal(Some(held.target), &held.id, &denial, &self.protocol), Some(&held.id));
    }
}

/// What an approval, or a question of the server, is about: everything that a request asks for. What may differ when it
/// comes again is how it is answered and traced, and the two members that make it a retry.
pub(super) fn whole_request(frame: &Frame<'_>) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut params = frame.value(Part::Params).unwrap_or(Value::Null);
    if let Some(members) = params.as_object_mut() {
        members.remove("requestState");
        members.remove("inputResponses");
        if let Some(Value::Object(meta)) = members.remove("_meta") {
            members.insert("_meta".to_owned(), Value::Object(approval::bound_meta(&meta)));
        }
    }
    let mut hash = Sha256::new();
    hash.update(frame.method());
    hash.update([0]);
    hash.update(manta_mcp::canonical::to_string(&params));
    hash.finalize().into()
}

fn form(message: &str) -> Value {
    let schema = json!({
        "type": "object",
        "properties": { "approve": { "type": "boolean", "title": "Allow this call once" } },
        "required": ["approve"]
    });
    json!({ "mode": "form", "message": message, "requestedSchema": schema })
}

/// In the modern era each request says what its client can do.
fn declares_elicitation(frame: &Frame<'_>) -> bool {
    approval::takes_forms(&frame.value(Part::MetaClientCapabilities).unwrap_or(Value::Null))
}
