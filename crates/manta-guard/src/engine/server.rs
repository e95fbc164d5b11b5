//! What the server sends.

use std::time::Instant;

use manta_harden::approval::{MOST_ROUNDS, TOOL_PATIENCE};
use manta_mcp::{Frame, Part};
use serde_json::Value;

use super::client::is_for_servers;
use super::inspect::has_result;
use super::tasks::{Begun, begun_by};
use super::{Awaited, DENIED, Engine, InFlight, Sink, answer, is_modern, shown, with_state};
use crate::decide::{Outcome, Target};

impl Engine {
    pub(super) fn server_notification(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) {
        if !self.passes_as_notification(frame.method()) {
            return self.event("notification-refused", "server", shown(frame.method()));
        }
        // What is said of tasks of others is said to them. Their servers may not know one caller from another.
        if frame.method().starts_with("notifications/tasks")
            && !self.tasks.admits(&self.principal, frame.string(Part::TaskId).as_deref())
        {
            return self.event("notification-refused", "server", "about a task that is not this caller's".to_owned());
        }
        if let Err(denial) = self.check_noted(frame) {
            if !self.decider.is_shadow() {
                return self.event("notification-refused", "server", denial.to_string());
            }
            self.event("would-deny", "server", denial.to_string());
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
        self.tell_of_task(&entry, frame, &inspected.outcome);
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
            let key = with_state(digest, frame.value(Part::ResultState));
            let awaited = Awaited { ticket, rounds: entry.rounds + 1, until: Instant::now() + TOOL_PATIENCE };
            if let Some(before) = self.awaited_retries.insert(key, awaited) {
                // The same question to the same call made twice: one retry is good for one of them.
                let why = Outcome::Unanswered("the same call was made again".to_owned());
                let _ = self.decider.finished(before.ticket, &why, 0, 0);
            }
        }
    }

    /// Remembers which call a task goes on with.
    fn note_task(&mut self, entry: &InFlight, frame: &Frame<'_>) {
        if entry.target() != Some(Target::Tool) || entry.task.is_some() {
            return;
        }
        if let Some(task) = begun_by(frame) {
            let begun = Begun { tool: entry.name.clone(), max_result: entry.max_result };
            self.tasks.begin(&self.principal, &task, begun);
        }
    }

    /// What came of a call in the background: the call itself is in the log as one that ended when it began.
    fn tell_of_task(&mut self, entry: &InFlight, frame: &Frame<'_>, outcome: &Outcome) {
        let is_over = entry.target().is_some() || has_result(frame);
        if let Some(task) = entry.task.as_ref().filter(|_| is_over || matches!(outcome, Outcome::BadResponse(_))) {
            self.tell_of_result(&entry.name, task, outcome);
        }
    }

    pub(super) fn tell_of_result(&mut self, tool: &str, task: &str, outcome: &Outcome) {
        let detail = format!("tool {} as task {}: {outcome:?}", shown(tool), shown(task));
        self.event("task-result", "server", detail);
    }
}
