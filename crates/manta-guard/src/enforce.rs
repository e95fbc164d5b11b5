//! The decider of a guard with a policy: rules, limits and audit log of `manta-harden`, on the wire.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use manta_harden::audit::{self, AuditLog, CallInfo, DecisionInfo, ErrorClass, Told, Verdict};
use manta_harden::enforce::{Counter, span_of};
use manta_harden::limit::{self, Key, Permit};
use manta_harden::policy::spec::{self, Approve, Mode};
use manta_harden::policy::{self, Policy, PolicyFile};
use manta_harden::redact::Sensitive;
use manta_harden::trace::TraceParent;
use serde_json::{Map, json};

use crate::decide::{Admission, Call, Completion, Decider, Denial, Event, Outcome, READ_AGAIN, Target, Ticket};

/// The rules in force, which the connections that are still to come begin with.
#[derive(Clone)]
pub struct InForce(Arc<Mutex<(Arc<Policy>, Counter)>>);

impl InForce {
    /// The rules that a guard starts with.
    #[must_use]
    pub fn new(policy: Arc<Policy>, counter: Counter) -> Self {
        Self(Arc::new(Mutex::new((policy, counter))))
    }

    fn now(&self) -> (Arc<Policy>, Counter) {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&rules.0), rules.1.clone())
    }

    fn are_now(&self, policy: &Arc<Policy>, counter: &Counter) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Arc::clone(policy), counter.clone());
    }
}

/// Policy, limiter and log together.
pub struct Enforcer {
    policy: Arc<Policy>,
    counter: Counter,
    log: Option<Arc<AuditLog>>,
    /// Calls go on while the log can't be written (`audit.on_error = "pass"`).
    passes_unrecorded: bool,
    /// Identity of the server in records and limits.
    server: String,
    peer: String,
    open: HashMap<Ticket, Open>,
    next: Ticket,
    /// What the policy granted the call that is being decided, from `check` to `admit`.
    granted: Option<policy::Grant>,
    /// Arguments that a tool's own schema marks, by tool.
    marks: HashMap<String, Sensitive>,
    show: Option<fn(&Event)>,
    shadow: bool,
    /// Where new rules are put for the connections that are still to come.
    in_force: Option<InForce>,
    /// Shadow was asked for on the command line, whatever the policy says.
    dry_run: bool,
    /// The `[server.NAME]` whose rules these are.
    section: Option<String>,
    /// Why the policy is not read again, where the server could have written it.
    fixed: Option<String>,
    /// What has `approve = "once"` and a person agreed to. A tool and a prompt of one name are two things.
    approved: HashSet<(Target, String)>,
    /// What was told of lately, by kind.
    told: Told,
}

/// An admitted call.
struct Open {
    record: Option<audit::Call>,
    /// Frees its place under limits on concurrency when it is dropped.
    permit: Option<Permit>,
    /// Its place in a trace.
    span: Option<TraceParent>,
}

impl Enforcer {
    /// An enforcer; `log` is `None` only where the policy's author chose to keep no records.
    #[must_use]
    pub fn new(policy: Arc<Policy>, counter: Counter, log: Option<Arc<AuditLog>>, server: &str, peer: &str) -> Self {
        let on_error = policy.file().spec().audit.on_error;
        Self {
            passes_unrecorded: on_error == manta_harden::policy::spec::OnAuditError::Pass,
            shadow: policy.mode() == Mode::Shadow,
            policy,
            counter,
            log,
            server: server.to_owned(),
            peer: peer.to_owned(),
            open: HashMap::new(),
            next: 0,
            granted: None,
            marks: HashMap::new(),
            show: None,
            in_force: None,
            dry_run: false,
            section: None,
            fixed: None,
            approved: HashSet::new(),
            told: Told::default(),
        }
    }

    /// An enforcer of what is in force now. What it reads again is in force for all that come after it.
    #[must_use]
    pub fn of(in_force: &InForce, log: Option<Arc<AuditLog>>, server: &str, peer: &str) -> Self {
        let (policy, counter) = in_force.now();
        let mut enforcer = Self::new(policy, counter, log, server, peer);
        enforcer.in_force = Some(in_force.clone());
        enforcer
    }

    /// Also shows events to a person.
    #[must_use]
    pub fn showing(mut self, show: fn(&Event)) -> Self {
        self.show = Some(show);
        self
    }

    /// Records refusals instead of enforcing them, whatever the policy's mode.
    #[must_use]
    pub fn shadow(mut self, on: bool) -> Self {
        self.dry_run = on;
        self.shadow |= on;
        self
    }

    /// Enforces the rules of one `[server.NAME]`, also after the policy was read again.
    #[must_use]
    pub fn section(mut self, section: Option<String>) -> Self {
        self.section = section;
        self
    }

    /// Never reads the policy again, for the reason given.
    #[must_use]
    pub fn fixed(mut self, why: Option<String>) -> Self {
        self.fixed = why;
        self
    }

    fn decide(&self, call: &Call<'_>) -> policy::Decision {
        let none = Map::new();
        let arguments = call.arguments.as_object().unwrap_or(&none);
        match call.target {
            Target::Tool => self.policy.decide_for(call.principal, call.name, arguments),
            Target::Prompt => self.policy.decide_prompt(call.principal, call.name, arguments),
            Target::Resource => self.policy.decide_resource(call.name),
        }
    }

    fn info<'a>(&'a self, call: &Call<'a>, decision: DecisionInfo<'a>) -> CallInfo<'a> {
        let params = self.log.as_ref().map(|log| {
            let (nothing, none) = (Sensitive::default(), Map::new());
            let marks = [self.marks.get(call.name).unwrap_or(&nothing), self.policy.sensitive(call.name)];
            log.redactor().redact_members(call.arguments.as_object().unwrap_or(&none), marks)
        });
        CallInfo {
            server: (&self.server).into(),
            principal: call.principal.into(),
            peer: (&self.peer).into(),
            protocol: call.protocol.into(),
            request_id: call.id.to_string().into(),
            method: call.target.method().into(),
            tool: call.name.into(),
            params,
            bytes_in: call.arguments_len as u64,
            trace: call.trace.map(Cow::Borrowed),
            span: None,
            decision,
        }
    }

    /// Counts a call under the limits of the rule that admits it, under the name that its client knows; what no rule
    /// admits is not counted. `again`: it was counted before, and only its place among the running calls was given up.
    ///
    /// # Errors
    /// A denial when a limit is exhausted.
    pub(crate) fn count(&self, call: &Call<'_>, known_as: &str, again: bool) -> Result<Option<Permit>, Denial> {
        match self.decide(call).into_result() {
            Ok(grant) => self.admitted(&Call { name: known_as, ..*call }, &grant, again),
            Err(_) => Ok(None),
        }
    }

    fn admitted(&self, call: &Call<'_>, grant: &policy::Grant, again: bool) -> Result<Option<Permit>, Denial> {
        let key = Key { server: &self.server, tool: grant.counted(call.name), principal: call.principal };
        let decision = match again {
            true => self.counter.check_again(&grant.limits, key),
            false => self.counter.check(&grant.limits, key).0,
        };
        match decision.into_result() {
            Ok(permit) => Ok(Some(permit)),
            Err(_) if self.shadow => Ok(None),
            Err(refusal) => Err(limit_denial(&refusal)),
        }
    }

    fn decision<'a>(&'a self, verdict: Verdict, rule: Option<Cow<'a, str>>) -> DecisionInfo<'a> {
        DecisionInfo { verdict, rule, policy: self.policy.hash().into(), limit: None, class: None }
    }

    fn tell(&self, event: &Event) {
        if let Some(log) = &self.log {
            // Events are not calls: the log's next call record reports that it can't be written.
            let _ = log.event(event.kind, &json!({ "peer": event.peer, "detail": event.detail }));
        }
        if let Some(show) = self.show {
            show(event);
        }
    }

    fn tell_more(&self, untold: Vec<(&'static str, String)>) {
        for (kind, detail) in untold {
            self.tell(&Event { kind, peer: "guard", detail });
        }
    }

    fn recorded<T>(&self, written: Result<T, audit::AuditError>) -> Result<Option<T>, Denial> {
        match written {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.passes_unrecorded => Ok(None),
            Err(error) => {
                Err(Denial::new("audit", format!("audit_unavailable: {error}"))
                    .remedy("on_error = \"pass\" under [audit]"))
            }
        }
    }
}

impl Decider for Enforcer {
    fn check(&mut self, call: &Call<'_>) -> Result<(), Denial> {
        self.granted = None;
        let mut grant = self.decide(call).into_result().map_err(denial)?;
        let would_deny = grant.would_deny.take();
        self.granted = Some(grant);
        would_deny.map_or(Ok(()), |refused| Err(denial(refused)))
    }

    fn needs_approval(&mut self, call: &Call<'_>) -> bool {
        match self.granted.as_ref().map_or(Approve::Never, |grant| grant.approve) {
            Approve::Never => false,
            Approve::Once => !self.approved.contains(&(call.target, call.name.to_owned())),
            Approve::Always => true,
        }
    }

    fn admit(&mut self, call: &Call<'_>) -> Result<Admission, Denial> {
        if self.granted.as_ref().is_some_and(|grant| grant.approve == Approve::Once) {
            // Admitted means that somebody agreed: `once` is for the rest of the connection.
            self.approved.insert((call.target, call.name.to_owned()));
        }
        let grant = self.granted.take();
        let max_result =
            grant.as_ref().and_then(|grant| grant.max_result).and_then(|bytes| usize::try_from(bytes).ok());
        let timeout = grant.as_ref().and_then(|grant| grant.timeout);
        if let Some(ticket) = call.retry_of.filter(|ticket| self.open.contains_key(ticket)) {
            // Counted and recorded when it began; only its place among the running calls was given up.
            if let Some(permit) = grant.as_ref().map(|grant| self.admitted(call, grant, true)).transpose()?.flatten() {
                drop(self.open.get_mut(&ticket).map(|open| open.permit.replace(permit)));
            }
            let traceparent = self.open.get(&ticket).and_then(|open| open.span.clone());
            return Ok(Admission { ticket, max_result, timeout, traceparent });
        }
        let mut rule = grant.as_ref().map(|grant| Cow::Borrowed(grant.rule.as_text()));
        let mut verdict = Verdict::Allow;
        let (mut permit, mut counted_by) = (None, None);
        if let Some(grant) = &grant {
            let key = Key { server: &self.server, tool: grant.counted(call.name), principal: call.principal };
            let (decision, by) = self.counter.check(&grant.limits, key);
            counted_by = by;
            match decision.into_result() {
                Ok(admitted) => permit = Some(admitted),
                Err(refusal) => {
                    let refused = limit_denial(&refusal);
                    if !self.is_shadow() {
                        return Err(refused);
                    }
                    (verdict, rule) = (Verdict::WouldDeny, Some(refused.rule.into()));
                }
            }
        }
        let decision = DecisionInfo { limit: counted_by, ..self.decision(verdict, rule) };
        let span = span_of(&self.policy, call.trace);
        let record = match self.log.clone() {
            Some(log) => {
                let info = CallInfo { span: span.clone(), ..self.info(call, decision) };
                self.recorded(log.begin(info))?
            }
            None => None,
        };
        self.next += 1;
        self.open.insert(self.next, Open { record, permit, span: span.clone() });
        Ok(Admission { ticket: self.next, max_result, timeout, traceparent: span })
    }

    fn refused(&mut self, call: &Call<'_>, denial: &Denial, enforced: bool) -> Result<(), Denial> {
        let Some(log) = self.log.clone() else { return Ok(()) };
        let rule = match &denial.cite {
            Some(cite) => format!("{} ({cite})", denial.rule),
            None => denial.rule.clone(),
        };
        if !enforced {
            let fields = json!({
                "tool": call.name, "method": call.target.method(), "rule": rule, "message": denial.message,
                "request_id": call.id.to_string(), "principal": call.principal,
            });
            return self.recorded(log.event("would-deny", &fields)).map(drop);
        }
        let decision = self.decision(Verdict::Deny, Some(rule.into()));
        let info = self.info(call, decision);
        let outcome = audit::Outcome::failure(ErrorClass::Policy, "denied", denial.message.clone());
        self.recorded(log.refused(info, outcome)).map(drop)
    }

    fn finished(&mut self, ticket: Ticket, outcome: &Outcome, bytes: usize, redactions: usize) -> Result<(), Denial> {
        if *outcome == Outcome::InputRequired {
            // Nothing runs while a person thinks, and a client that never comes back must not block the others.
            if let Some(open) = self.open.get_mut(&ticket) {
                open.permit = None;
            }
            return Ok(());
        }
        let Some(Open { record: Some(record), .. }) = self.open.remove(&ticket) else { return Ok(()) };
        let mut written = outcome_record(outcome);
        written.bytes_out = bytes as u64;
        written.redactions = redactions as u64;
        self.recorded(record.finish(written)).map(drop)
    }

    fn settled(&mut self) {
        if let Some(log) = &self.log {
            log.note();
        }
    }

    fn is_visible(&self, to: Option<&str>, target: Target, name: &str) -> bool {
        match target {
            _ if self.shadow => true,
            Target::Tool => self.policy.shows_tool(to, name),
            Target::Prompt => self.policy.shows_prompt(to, name),
            Target::Resource => self.policy.shows_resource(name),
        }
    }

    fn shows_all_the_same(&self) -> bool {
        self.shadow || self.policy.shows_all_the_same()
    }

    fn check_completion(&self, asked: &Completion<'_>) -> Result<(), Denial> {
        let decision =
            self.policy.decide_completion(asked.principal, asked.of, asked.argument, asked.typed, asked.others);
        let refused = match decision.into_result() {
            Ok(grant) => grant.would_deny,
            Err(denial) => Some(denial),
        };
        refused.filter(|_| !self.shadow).map_or(Ok(()), |refused| Err(denial(refused)))
    }

    fn listed(&mut self, tool: &serde_json::Value) {
        // Names come from the server; what it lists without end is not remembered.
        const MOST: usize = 4096;
        let (Some(name), Some(schema)) = (tool.get("name").and_then(|name| name.as_str()), tool.get("inputSchema"))
        else {
            return;
        };
        if self.marks.len() < MOST || self.marks.contains_key(name) {
            self.marks.insert(name.to_owned(), Sensitive::from_schema(schema));
        }
    }

    fn check_url(&self, url: &str) -> Result<(), String> {
        let names_none = self.policy.hosts().is_empty();
        if names_none && self.policy.file().spec().default == spec::Access::Allow {
            return Ok(());
        }
        let mut why = "the policy names no hosts; add a section [hosts.NAME]".to_owned();
        for hosts in self.policy.hosts().values() {
            match hosts.policy.check(url) {
                Ok(_) => return Ok(()),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }

    fn event(&mut self, event: &Event) {
        let (is_told, untold) = self.told.hear(event.kind, Instant::now());
        self.tell_more(untold);
        if is_told {
            self.tell(event);
        }
    }

    fn reload(&mut self) -> Result<&'static str, String> {
        if let Some(why) = &self.fixed {
            return Err(why.clone());
        }
        let file = PolicyFile::load(self.policy.file().path()).map_err(|error| error.to_string())?;
        crate::command::check(&file)?;
        let new = Policy::compile(file.guarding_as(self.policy.file())).map_err(|error| error.to_string())?;
        let new = match &self.section {
            Some(section) => new.for_server(section).map_err(|error| error.to_string())?,
            None => new,
        };
        let new = new.read_by(self.policy.reader().cloned());
        let counter = self.counter.under(&new).map_err(|error| error.to_string())?;
        let (before, after) = (self.policy.hash().to_owned(), new.hash().to_owned());
        if before == after {
            return Ok(READ_AGAIN);
        }
        if let Some(log) = &self.log {
            let record = json!({ "before": before, "after": after });
            self.recorded(log.event("policy", &record)).map_err(|denial| denial.message)?;
        }
        // A running process can't be given more, and what it was given stays until it ends.
        let narrows = format!("{:?}", spec_of(&self.policy)) == format!("{:?}", spec_of(&new));
        self.shadow = self.dry_run || new.mode() == Mode::Shadow;
        self.policy = Arc::new(new);
        self.counter = counter;
        if let Some(in_force) = &self.in_force {
            in_force.are_now(&self.policy, &self.counter);
        }
        Ok(if narrows {
            READ_AGAIN
        } else {
            "rules are in force; roots, hosts and [guard] take effect at the next start"
        })
    }

    fn is_shadow(&self) -> bool {
        self.shadow
    }
}

impl Drop for Enforcer {
    fn drop(&mut self) {
        let untold = self.told.end();
        self.tell_more(untold);
    }
}

/// The parts of a policy that became rules of the kernel when the server was started.
fn spec_of(policy: &Policy) -> impl std::fmt::Debug + '_ {
    let spec = policy.file().spec();
    (
        spec.roots.values().map(toml::Spanned::get_ref).collect::<Vec<_>>(),
        spec.hosts.values().map(toml::Spanned::get_ref).collect::<Vec<_>>(),
        spec.commands.keys().collect::<Vec<_>>(),
        &spec.guard,
    )
}

fn denial(refused: policy::Denial) -> Denial {
    let cite = match refused.line() {
        0 => refused.file().display().to_string(),
        line => format!("{}:{line}", refused.file().display()),
    };
    Denial {
        rule: refused.rule.name.clone(),
        message: refused.message,
        cite: Some(cite),
        remedy: refused.fix,
        ..Denial::default()
    }
}

fn limit_denial(refusal: &limit::Refusal) -> Denial {
    let mut reason = refusal.clone();
    reason.retry_after = None;
    Denial {
        rule: format!("limits.{}", refusal.limit),
        message: reason.to_string(),
        retry_after: refusal.retry_after,
        ..Denial::default()
    }
}

fn outcome_record(outcome: &Outcome) -> audit::Outcome {
    let failure = |class, code: &str, message: &str| audit::Outcome::failure(class, code, message);
    match outcome {
        Outcome::Success | Outcome::InputRequired => audit::Outcome::success(0),
        Outcome::ToolError => failure(ErrorClass::Server, "tool_error", "the tool returned an error"),
        Outcome::ProtocolError { code, message } => failure(ErrorClass::Server, &code.to_string(), message),
        Outcome::BadResponse(why) => failure(ErrorClass::Server, "bad_response", why),
        Outcome::Cancelled => failure(ErrorClass::Client, "cancelled", "the client cancelled"),
        Outcome::TimedOut => failure(ErrorClass::Server, "timeout", "no answer in the time the policy allows"),
        Outcome::Unanswered(why) => failure(ErrorClass::Server, "unanswered", why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreeing_to_a_tool_once_is_no_agreement_to_a_prompt_of_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("manta.toml");
        std::fs::write(&file, "version = 1\n[tools.x]\napprove = \"once\"\n[prompts.x]\napprove = \"once\"\n").unwrap();
        let policy = Arc::new(Policy::load(file).unwrap());
        let counter = Counter::new(&policy).unwrap();
        let mut enforcer = Enforcer::new(policy, counter, None, "server", "test");
        let (arguments, id) = (json!({}), manta_mcp::Id::Number(1));
        let call = |target| Call {
            target,
            name: "x",
            arguments: &arguments,
            arguments_len: 2,
            principal: "local",
            id: &id,
            protocol: "",
            trace: None,
            retry_of: None,
        };
        let (tool, prompt) = (call(Target::Tool), call(Target::Prompt));
        let mut asks = |call: &Call<'_>| {
            enforcer.check(call).unwrap();
            let asks = enforcer.needs_approval(call);
            enforcer.admit(call).unwrap();
            asks
        };
        assert_eq!([&tool, &tool, &prompt, &prompt].map(&mut asks), [true, false, true, false]);
    }
}
