//! A decider of three rules and a sink that remembers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use manta_guard::decide::{Admission, Call, Completion, Decider, Denial, Event, Outcome, Target, Ticket};
use manta_guard::engine::{Engine, Settings, Sink};
use manta_guard::pin::Integrity;
use manta_mcp::Id;
use serde_json::Value;

/// What a decider was told, in order.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) log: Vec<String>,
}

/// Refuses tools called `forbidden`, hides them, and those called `others` from whoever asks, bounds results of `small` to 100 bytes and answers of
/// `slow` to nothing.
pub(crate) struct Rules {
    pub(crate) told: Rc<RefCell<Told>>,
    next: Ticket,
    pub(crate) shadow: bool,
    pub(crate) audit_fails: bool,
    /// Refuses the next retry.
    pub(crate) crowded: bool,
}

impl Rules {
    pub(crate) fn new(told: &Rc<RefCell<Told>>) -> Self {
        Self { told: Rc::clone(told), next: 0, shadow: false, audit_fails: false, crowded: false }
    }

    fn note(&self, text: String) {
        self.told.borrow_mut().log.push(text);
    }
}

impl Decider for Rules {
    fn check(&mut self, call: &Call<'_>) -> Result<(), Denial> {
        if call.name.starts_with("forbidden") {
            return Err(Denial::new("tools.forbidden", "this tool is not granted").remedy("[tools.forbidden]"));
        }
        Ok(())
    }

    fn needs_approval(&mut self, call: &Call<'_>) -> bool {
        call.name == "dangerous"
    }

    fn admit(&mut self, call: &Call<'_>) -> Result<Admission, Denial> {
        if let Some(ticket) = call.retry_of {
            if std::mem::take(&mut self.crowded) {
                return Err(Denial::new("limits.default", "too many at once"));
            }
            self.note(format!("retry of {ticket}"));
            return Ok(Admission { ticket, max_result: None, timeout: None, traceparent: None });
        }
        if self.audit_fails {
            return Err(Denial::new("audit", "audit_unavailable"));
        }
        self.next += 1;
        self.note(format!("admit {} {}", call.name, call.arguments));
        let timeout = (call.name == "slow").then_some(Duration::ZERO);
        Ok(Admission {
            ticket: self.next,
            max_result: (call.name == "small").then_some(100),
            timeout,
            traceparent: None,
        })
    }

    fn refused(&mut self, call: &Call<'_>, denial: &Denial, enforced: bool) -> Result<(), Denial> {
        self.note(format!("{} {} by {}", if enforced { "refuse" } else { "would refuse" }, call.name, denial.rule));
        Ok(())
    }

    fn finished(&mut self, ticket: Ticket, outcome: &Outcome, _bytes: usize, _redactions: usize) -> Result<(), Denial> {
        self.note(format!("finish {ticket} {outcome:?}"));
        Ok(())
    }

    fn is_visible(&self, to: Option<&str>, _target: Target, name: &str) -> bool {
        self.shadow || !name.starts_with("forbidden") && (to.is_none() || !name.starts_with("others"))
    }

    fn check_completion(&self, asked: &Completion<'_>) -> Result<(), Denial> {
        let others = asked.others.values().filter_map(Value::as_str);
        match others.chain([asked.typed]).any(|text| text.starts_with("/etc")) {
            true => Err(Denial::new("prompts.p.args.path", "outside")),
            false => Ok(()),
        }
    }

    fn event(&mut self, event: &Event) {
        self.note(format!("event {} {}", event.kind, event.peer));
    }

    fn is_shadow(&self) -> bool {
        self.shadow
    }
}

/// Frames by direction.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) server: Vec<String>,
    pub(crate) client: Vec<String>,
}

impl Sink for Wire {
    fn to_server(&mut self, frame: &str) {
        self.server.push(frame.to_owned());
    }

    fn to_client(&mut self, frame: &str, _answers: Option<&Id>) {
        self.client.push(frame.to_owned());
    }
}

/// An engine between two lists of frames.
pub(crate) struct Harness {
    pub(crate) engine: Engine,
    pub(crate) wire: Wire,
    pub(crate) told: Rc<RefCell<Told>>,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default(), Integrity::off(), |_| {})
    }

    pub(crate) fn with(settings: Settings, integrity: Integrity, change: impl FnOnce(&mut Rules)) -> Self {
        Self::of("local", settings, integrity, change, |engine| engine)
    }

    /// The same for a caller of that name.
    pub(crate) fn of(
        principal: &str,
        settings: Settings,
        integrity: Integrity,
        change: impl FnOnce(&mut Rules),
        finish: impl FnOnce(Engine) -> Engine,
    ) -> Self {
        let told = Rc::default();
        let mut rules = Rules::new(&told);
        change(&mut rules);
        let engine = finish(Engine::new(settings, Box::new(rules), integrity, principal));
        Self { engine, wire: Wire::default(), told }
    }

    /// Sends a frame from the client; returns what went to the server and to the client.
    pub(crate) fn client(&mut self, frame: &str) -> (Vec<String>, Vec<String>) {
        self.engine.from_client(frame.as_bytes(), &mut self.wire);
        self.take()
    }

    /// Sends a frame from the server.
    pub(crate) fn server(&mut self, frame: &str) -> (Vec<String>, Vec<String>) {
        self.engine.from_server(frame.as_bytes(), &mut self.wire);
        self.take()
    }

    pub(crate) fn take(&mut self) -> (Vec<String>, Vec<String>) {
        (std::mem::take(&mut self.wire.server), std::mem::take(&mut self.wire.client))
    }

    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.told.borrow_mut().log)
    }
}

pub(crate) fn call(id: u32, tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"x":1}}}}}}"#)
}

pub(crate) fn json(frame: &str) -> Value {
    serde_json::from_str(frame).unwrap()
}
