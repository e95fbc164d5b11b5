//! What the server sends.

use std::time::Instant;

use manta_harden::approval::{MOST_ROUNDS, TOOL_PATIENCE};
use manta_mcp::{Frame, Id, Part};
use serde_json::Value;

use super::client::is_for_servers;
use super::{Awaited, DENIED, Engine, InFlight, Sink, answer, is_modern, shown, with_state};
use crate::decide::{Outcome, Target};

impl Engine {
    pub(super) fn server_notification(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        if !self.passes_as_notification(frame.method()) {
            return self.event("notification-refused", "server", shown(frame.method()));
        }
        match self.clean_part(frame, Part::Params) {
            Ok((text, _)) => sink.to_client(&text, None),
            Err(denial) => self.event("notification-refused", "server", denial.message),
        }
    }

    pub(super) fn server_request(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        let id = frame.id().expect("requests have an id").clone();
        if is_modern(&self.protocol) {
            self.event("server-request", "server", shown(frame.method()));
            let message = "servers send no requests in this revision";
            return sink.to_server(&answer::error(Some(&id), -32601, message, None));
        }
        if is_for_servers(frame.method()) {
            self.event("server-request-refused", "server", shown(frame.method()));
            return sink.to_server(&answer::error(Some(&id), -32601, "method not found", None));
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

    pub(super) fn server_response(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
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
        // So does one that asks without end: what is answered then is a call of its own, counted and recorded.
        let can_retry = entry.request_digest.is_some()
            && entry.rounds < MOST_ROUNDS
            && self.awaited_retries.len() < self.settings.max_in_flight;
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
        if let (Some(digest), Some(ticket)) = (entry.request_digest, entry.ticket) {
            let key = with_state(digest, frame.raw(Part::ResultState));
            let awaited = Awaited { ticket, rounds: entry.rounds + 1, until: Instant::now() + TOOL_PATIENCE };
            if let Some(before) = self.awaited_retries.insert(key, awaited) {
                // The same question to the same call made twice: one retry is good for one of them.
                let why = Outcome::Unanswered("the same call was made again".to_owned());
                let _ = self.decider.finished(before.ticket, &why, 0, 0);
            }
        }
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
}
