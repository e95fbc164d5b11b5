//! Asking a person through their own client before a call goes on.
//!
//! The question is an `elicitation/create` request with an id nobody can guess. The call itself is
//! held here, byte for byte, so that what was approved is what runs; an approval is good for one
//! call and for a limited time, and every other check runs again after it. A client that lets its
//! model answer gives no person's consent: the record says that the answer came through the client.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use manta_mcp::{Direction, Frame, Id, Kind};
use serde_json::{Value, json};

use super::{Engine, Sink, answer};
use crate::decide::{Call, Denial, Target};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most characters of the arguments that are shown.
const SHOWN: usize = 400;

/// A call that waits for an answer.
pub(super) struct Held {
    /// The client's frame.
    frame: String,
    pub(super) id: Id,
    target: Target,
    expires: Instant,
}

impl Engine {
    /// Holds a call and asks for it.
    ///
    /// # Errors
    /// A denial when this client can't be asked.
    pub(super) fn ask(&mut self, call: &Call<'_>, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<(), Denial> {
        if super::is_modern(&self.protocol) || !self.can_elicit {
            let message = format!(
                "{} {} needs a person's approval, and this client can't be asked",
                call.target.noun(),
                call.name
            );
            return Err(Denial::new("approve", message));
        }
        if self.held.len() >= self.settings.max_in_flight {
            return Err(Denial::new("approve", "too many calls wait for approval"));
        }
        let question = Id::Text(format!("manta-approve-{:016x}{:016x}", random(), random()).into());
        let arguments: String = call.arguments.to_string().chars().take(SHOWN).collect();
        let shown = manta_core::Untrusted(&arguments).for_terminal();
        let message = format!("Allow {} `{}` with {shown}?", call.target.noun(), super::shown(call.name));
        let schema = json!({
            "type": "object",
            "properties": { "approve": { "type": "boolean", "title": "Allow this call once" } },
            "required": ["approve"]
        });
        let params = json!({ "message": message, "requestedSchema": schema });
        let held = Held {
            frame: frame.text().to_owned(),
            id: call.id.clone(),
            target: call.target,
            expires: Instant::now() + PATIENCE,
        };
        let text =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{question},\"method\":\"elicitation/create\",\"params\":{params}}}");
        self.held.insert(question, held);
        sink.to_client(&text, None);
        Ok(())
    }

    /// The client's answer to a question of ours; `false` when it is not one.
    pub(super) fn answered(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> bool {
        let Some(held) = frame.id().and_then(|id| self.held.remove(id)) else { return false };
        let result = frame.value(manta_mcp::Part::Result).unwrap_or(Value::Null);
        let agreed = frame.kind() == Kind::Response
            && result.get("action").and_then(Value::as_str) == Some("accept")
            && result.pointer("/content/approve") == Some(&Value::Bool(true));
        if !agreed {
            self.decline(&held, "a person was asked and did not agree", sink);
            return true;
        }
        let limits = self.settings.limits;
        let again = held.frame.clone();
        match Frame::parse(again.as_bytes(), Direction::ToServer, &limits) {
            Ok(frame) => {
                self.event("approved", "client", format!("{} request {}", held.target.noun(), held.id));
                self.guarded(held.target, &frame, held.id, true, sink);
            }
            Err(_) => self.decline(&held, "the held call can't be read any more", sink),
        }
        true
    }

    /// Refuses calls nobody answered for.
    pub(super) fn expire_questions(&mut self, now: Instant, sink: &mut dyn Sink) {
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

/// Unpredictable to a peer: a keyed hash of nothing under fresh random keys.
fn random() -> u64 {
    RandomState::new().hash_one(Instant::now().elapsed())
}
