//! Asking a person before a call (`approve = "once"` or `"always"`).
//!
//! In the era of sessions the question is an `elicitation/create` request and the call waits. In the
//! stateless era the answer to the call is the question, and the call comes again with what the person
//! said. Either way the question belongs to one principal, one tool and exactly these arguments, is good
//! once, and every other check runs after it. A client that lets its model answer gives no person's
//! consent: that is between the person and the client.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::approval::{self, ASKED_PER, MOST_ASKED, PATIENCE, TOOL_PATIENCE};
use crate::limit::{Decision, Key, Limit, Limiter, Part};

/// Name of our question among the input requests.
const QUESTION: &str = "manta-approval";

/// An open question that only a retry of the same call can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Ours: may the call run?
    Approval,
    /// The tool's own, and which one of this call; the call may run already.
    Tool(u32),
}

/// Who called what with which arguments and metadata, and the state that was handed out.
type Id = [u8; 32];

/// What a question is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) principal: &'a str,
    pub(super) tool: &'a str,
    pub(super) args: &'a Map<String, Value>,
    /// What of `_meta` counts, see [`approval::bound_meta`].
    pub(super) meta: &'a Map<String, Value>,
}

impl Asking<'_> {
    pub(super) fn id(&self, state: Option<&str>) -> Id {
        let whole = json!([self.principal, self.tool, self.args, self.meta, state]);
        Sha256::digest(whole.to_string().as_bytes()).into()
    }
}

/// Questions that wait for an answer, and tools that were approved once.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    /// With the time until which an answer counts.
    open: Mutex<VecDeque<(Id, Question, Instant)>>,
    approved: Mutex<HashSet<(String, String)>>,
    limiter: Limiter,
}

/// What became of asking.
pub(super) enum Asked {
    /// A person agreed.
    Yes,
    /// A person was asked and did not agree, or did not answer in time.
    No,
    /// This client can't be asked.
    Nobody,
    /// The question goes to the client as the answer to the call.
    Later(InputRequiredResult),
}

impl Approvals {
    /// More open questions than any client has; the oldest is forgotten, and its retry is a new call.
    const MOST_OPEN: usize = 1000;
    /// More approved tools than anybody has; beyond it everybody is asked again.
    const MOST_APPROVED: usize = 10_000;

    pub(super) fn put(&self, id: Id, question: Question, now: Instant) {
        let patience = if question == Question::Approval { PATIENCE } else { TOOL_PATIENCE };
        let mut open = lock(&self.open);
        open.push_back((id, question, now + patience));
        if open.len() > Self::MOST_OPEN {
            open.pop_front();
        }
    }

    /// The question under that id, if it is still open. Once answered it is closed.
    pub(super) fn take(&self, id: &Id, now: Instant) -> Option<Question> {
        let mut open = lock(&self.open);
        open.retain(|(_, _, until)| *until > now);
        let position = open.iter().position(|(other, ..)| other == id)?;
        open.remove(position).map(|(_, question, _)| question)
    }

    pub(super) fn was_approved(&self, principal: &str, tool: &str) -> bool {
        lock(&self.approved).contains(&(principal.to_owned(), tool.to_owned()))
    }

    pub(super) fn remember(&self, principal: &str, tool: &str) {
        let mut approved = lock(&self.approved);
        if approved.len() >= Self::MOST_APPROVED {
            approved.clear();
        }
        approved.insert((principal.to_owned(), tool.to_owned()));
    }

    /// Asks for one call. Who is asked too often agrees to anything, so that has a limit of its own.
    pub(super) async fn ask(&self, asking: Asking<'_>, context: &RequestContext<RoleServer>) -> Asked {
        let Asking { principal, tool, args, .. } = asking;
        let limit = Limit::new("approvals", MOST_ASKED, ASKED_PER, &[Part::Principal]);
        let key = Key { server: "", tool, principal };
        if !can_be_asked(context) || matches!(self.limiter.check(&[&limit], key), Decision::Deny(_)) {
            return Asked::Nobody;
        }
        if context.meta.protocol_version().is_some() {
            let Ok(state) = approval::token() else { return Asked::Nobody };
            self.put(asking.id(Some(&state)), Question::Approval, Instant::now());
            let request = json!({ QUESTION: { "method": "elicitation/create", "params": question(tool, args) } });
            return match serde_json::from_value::<InputRequests>(request) {
                Ok(requests) => Asked::Later(InputRequiredResult::new(Some(requests), Some(state))),
                Err(_) => Asked::Nobody,
            };
        }
        let Ok(params) = serde_json::from_value::<ElicitRequestParams>(question(tool, args)) else {
            return Asked::Nobody;
        };
        match tokio::time::timeout(PATIENCE, context.peer.create_elicitation(params)).await {
            Ok(Ok(result)) => {
                let agreed = result.action == ElicitationAction::Accept
                    && result
                        .content
                        .as_ref()
                        .is_some_and(|content| content.get("approve") == Some(&Value::Bool(true)));
                if agreed { Asked::Yes } else { Asked::No }
            }
            _ => Asked::No,
        }
    }
}

/// Whether the client can put a form before its user.
pub(super) fn can_be_asked(context: &RequestContext<RoleServer>) -> bool {
    let capabilities = context.client_capabilities().and_then(|can| serde_json::to_value(can).ok());
    approval::takes_forms(&capabilities.unwrap_or_default())
}

/// Whether a retry says that a person agreed.
pub(super) fn agrees(responses: Option<&InputResponses>) -> bool {
    responses.and_then(|responses| responses.get(QUESTION)).is_some_and(approval::is_yes)
}

fn question(tool: &str, args: &Map<String, Value>) -> Value {
    let shown = approval::summary(args);
    let tool = manta_core::Untrusted(tool).for_agent(128);
    json!({
        "mode": "form",
        "message": format!("Allow the tool {tool} with {shown}?"),
        "requestedSchema": {
            "type": "object",
            "properties": { "approve": { "type": "boolean", "title": "Allow this call" } },
            "required": ["approve"],
        },
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_approval_is_for_one_call_of_one_principal_and_runs_out() {
        let (approvals, now) = (Approvals::default(), Instant::now());
        let args = Map::from_iter([("to".to_owned(), json!("a"))]);
        let none = Map::new();
        let asking = |principal, tool, args| Asking { principal, tool, args, meta: &none };
        let asked = |who, tool, args, state: &str| asking(who, tool, args).id(Some(state));
        let mine = asked("alice", "send", &args, "s");
        approvals.put(mine, Question::Approval, now);
        for other in [
            asked("bob", "send", &args, "s"),
            asked("alice", "delete", &args, "s"),
            asked("alice", "send", &Map::new(), "s"),
            asked("alice", "send", &args, "t"),
            // Texts that run into each other are still other texts.
            asked("alices", "end", &args, "s"),
            asking("alice", "send", &args).id(None),
            Asking { meta: &args, ..asking("alice", "send", &args) }.id(Some("s")),
        ] {
            assert_eq!(approvals.take(&other, now), None);
        }
        assert_eq!(approvals.take(&mine, now), Some(Question::Approval));
        assert_eq!(approvals.take(&mine, now), None, "good once");
        approvals.put(mine, Question::Approval, now);
        assert_eq!(approvals.take(&mine, now + PATIENCE), None, "and for a while");
        approvals.put(mine, Question::Tool(1), now);
        assert_eq!(approvals.take(&mine, now + PATIENCE), Some(Question::Tool(1)));
        approvals.put(mine, Question::Tool(1), now);
        assert_eq!(approvals.take(&mine, now + TOOL_PATIENCE + Duration::from_secs(1)), None);
    }
}
