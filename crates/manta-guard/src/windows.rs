//! Limits of several servers over HTTP.
//!
//! Each session has guards of its own for its servers, in processes of their own, and what they count is what that
//! session does. A caller who opens another session must not get another window with it, so the front counts the calls of
//! all sessions, by the same rules. What rules refuse is refused, and recorded, by the server's guard and not counted here.

use std::collections::HashMap;

use manta_harden::limit::Permit;
use serde_json::Value;

use crate::decide::{Admission, Call, Decider, Denial, Event, Outcome, READ_AGAIN, Target, Ticket};
use crate::enforce::Enforcer;

/// The limits of every server behind one front, for one session.
pub(crate) struct Windows {
    /// What stands before a server's names, and its rules.
    sections: Vec<(String, Enforcer)>,
    /// Calls that run or wait for an answer of their client, with their place under limits on concurrency.
    open: HashMap<Ticket, Option<Permit>>,
    next: Ticket,
    show: fn(&Event),
}

impl Windows {
    /// Rules by what stands before the names of each server.
    #[must_use]
    pub(crate) fn new(sections: Vec<(String, Enforcer)>, show: fn(&Event)) -> Self {
        Self { sections, open: HashMap::new(), next: 0, show }
    }

    /// The server that a name belongs to, and the name that its rules know.
    fn of<'a>(&self, target: Target, name: &'a str) -> Option<(usize, &'a str)> {
        let sections = self.sections.iter().enumerate();
        if target == Target::Resource {
            return sections
                .into_iter()
                .find(|(_, (_, rules))| rules.is_visible(None, target, name))
                .map(|(at, _)| (at, name));
        }
        let fitting = sections.filter_map(|(at, (prefix, _))| Some((at, name.strip_prefix(prefix.as_str())?)));
        fitting.min_by_key(|(_, own)| own.len())
    }

    fn count(&self, call: &Call<'_>, again: bool) -> Result<Option<Permit>, Denial> {
        match self.of(call.target, call.name) {
            // Under the client's name: two servers may call their tools alike.
            Some((at, name)) => self.sections[at].1.count(&Call { name, ..*call }, call.name, again),
            None => Ok(None),
        }
    }
}

impl Decider for Windows {
    fn check(&mut self, _call: &Call<'_>) -> Result<(), Denial> {
        Ok(())
    }

    fn admit(&mut self, call: &Call<'_>) -> Result<Admission, Denial> {
        let known = call.retry_of.filter(|ticket| self.open.contains_key(ticket));
        let permit = self.count(call, known.is_some())?;
        let ticket = known.unwrap_or(self.next + 1);
        self.next = self.next.max(ticket);
        self.open.insert(ticket, permit);
        Ok(Admission { ticket, max_result: None, timeout: None, traceparent: None })
    }

    fn refused(&mut self, call: &Call<'_>, denial: &Denial, enforced: bool) -> Result<(), Denial> {
        match self.of(call.target, call.name) {
            Some((at, name)) => self.sections[at].1.refused(&Call { name, ..*call }, denial, enforced),
            None => Ok(()),
        }
    }

    fn finished(&mut self, ticket: Ticket, outcome: &Outcome, _bytes: usize, _redactions: usize) -> Result<(), Denial> {
        if *outcome == Outcome::InputRequired {
            // Nothing runs while a person thinks.
            self.open.insert(ticket, None);
        } else {
            self.open.remove(&ticket);
        }
        Ok(())
    }

    fn is_visible(&self, _to: Option<&str>, _target: Target, _name: &str) -> bool {
        true
    }

    fn listed(&mut self, tool: &Value) {
        let Some((at, own)) = tool["name"].as_str().and_then(|name| self.of(Target::Tool, name)) else { return };
        let mut tool = tool.clone();
        tool["name"] = own.into();
        self.sections[at].1.listed(&tool);
    }

    fn event(&mut self, event: &Event) {
        (self.show)(event);
    }

    fn reload(&mut self) -> Result<&'static str, String> {
        self.sections.iter_mut().try_fold(READ_AGAIN, |_, (_, rules)| rules.reload())
    }
}
