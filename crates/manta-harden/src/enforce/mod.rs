//! All checks around one call, in the one right order: policy, limits, audit intent, the call, audit outcome.
//!
//! The wrapper for rmcp and `manta serve` use it; a server on another SDK calls [`Enforcer::begin`] before
//! a tool runs and [`Running::finish`] after. Whatever goes wrong in between refuses the call.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::audit::{self, AuditError, AuditLog, CallInfo, DecisionInfo, ErrorClass, Outcome, Safety, Told, Verdict};
use crate::limit::{self, Key, Limit, Limiter, Permit};
use crate::policy::spec::{Approve, AuditMode, Mode, OnAuditError};
use crate::policy::{Decision, Denial, Grant, Policy, PolicyError};
use crate::redact::{Redactor, Sensitive};
use crate::trace::TraceParent;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `tools/call`.
    Tool,
    /// `prompts/get`.
    Prompt,
    /// `resources/read`; the name is the URI.
    Resource,
}

impl Subject {
    /// The JSON-RPC method.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Tool => "tools/call",
            Self::Prompt => "prompts/get",
            Self::Resource => "resources/read",
        }
    }
}

/// One call, as it arrived.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What is asked for.
    pub subject: Subject,
    /// Tool, prompt, or URI.
    pub name: &'a str,
    /// The arguments.
    pub args: &'a Map<String, Value>,
    /// Authenticated subject, else [`crate::policy::LOCAL`].
    pub principal: &'a str,
    /// Transport and address.
    pub peer: &'a str,
    /// Identity of the server, empty where there is only one.
    pub server: &'a str,
    /// Revision of the protocol.
    pub protocol: &'a str,
    /// JSON-RPC id as text.
    pub request_id: &'a str,
    /// `traceparent`, untrusted.
    pub trace: Option<&'a str>,
    /// Members that the tool's schema marks as sensitive.
    pub sensitive: Option<&'a Sensitive>,
    /// The same call was charged before and comes again with an answer to a question.
    pub is_retry: bool,
    /// A person was asked about this very call and agreed.
    pub is_approved: bool,
}

/// Why a call does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The policy denies it.
    Policy(Denial),
    /// A limit is exhausted.
    Limit(limit::Refusal),
    /// A person would have to be asked, and nobody can be.
    Approval(String),
    /// A person was asked and did not agree.
    Disapproved(String),
    /// It could not be recorded.
    Audit(AuditError),
}

impl Refused {
    /// Kebab-case class, for records and `_meta`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Policy(_) => "denied",
            Self::Limit(_) => "rate-limited",
            Self::Approval(_) => "approval-needed",
            Self::Disapproved(_) => "not-approved",
            Self::Audit(_) => "audit-unavailable",
        }
    }

    /// When the same call may be admitted, for limits.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limit(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// The rule that refused, when it was the policy.
    #[must_use]
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Policy(denial) => Some(denial),
            _ => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(denial) => match &denial.fix {
                Some(fix) => write!(f, "{denial}; to allow it: {fix}"),
                None => denial.fmt(f),
            },
            Self::Limit(refusal) => refusal.fmt(f),
            Self::Approval(tool) => write!(f, "calls of {tool} need a person's approval, and nobody can be asked here"),
            Self::Disapproved(tool) => write!(f, "a person was asked about this call of {tool} and did not agree"),
            // Where the log is and why it fails is for the operator, not for a model.
            Self::Audit(_) => f.write_str("the call could not be recorded, so it was not made; ask the operator"),
        }
    }
}

impl std::error::Error for Refused {}

/// Counts in this process or in a shared store, as each limit of a policy says. Cloning shares the counts.
#[derive(Debug, Clone)]
pub struct Counter {
    local: Limiter,
    #[cfg(feature = "redis")]
    shared: Option<Arc<limit::SharedLimiter>>,
    /// Names of the limits that are kept in the store.
    shared_names: Vec<String>,
    /// Others ask the store.
    is_here: bool,
}

/// Policy, limits and log of one server.
#[derive(Debug)]
pub struct Enforcer {
    policy: Policy,
    counter: Counter,
    log: Arc<AuditLog>,
    redactor: Redactor,
    /// `[audit] on_error = "pass"`.
    passes_unrecorded: bool,
    /// What was told of lately beside the calls.
    told: Mutex<Told>,
}

impl Drop for Enforcer {
    fn drop(&mut self) {
        let untold = self.told.get_mut().unwrap_or_else(PoisonError::into_inner).end();
        self.tell(untold);
    }
}

/// Why an enforcer could not be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// The policy.
    Policy(PolicyError),
    /// The log.
    Audit(AuditError),
    /// A key file, or randomness for one.
    Key(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Key(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for SetupError {}

impl From<PolicyError> for SetupError {
    fn from(error: PolicyError) -> Self {
        Self::Policy(error)
    }
}

impl From<AuditError> for SetupError {
    fn from(error: AuditError) -> Self {
        Self::Audit(error)
    }
}

/// What `[audit]`, `[redact]` and `[otel]` say about a log at `path`, its key included, which is made at first use.
///
/// # Errors
/// [`SetupError`] when the directory or a key can't be made or read, when a collector can't be sent to, or for a
/// section that this build has no feature for.
pub fn log_options(policy: &Policy, path: &Path) -> Result<audit::Options, SetupError> {
    let spec = &policy.file().spec().audit;
    let directory = policy.file().directory();
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| SetupError::Key(format!("{}: {error}", parent.display())))?;
    }
    let mut options = audit::Options::new(policy.redactor(digest_key(path)?));
    options.safety = if spec.mode == AuditMode::Durable { Safety::Durable } else { Safety::Flush };
    options.rotate = spec.rotate.bytes();
    options.timeout = spec.timeout.get();
    options.checkpoint_every = spec.checkpoint_every;
    options.checkpoints = spec.checkpoints.as_ref().map(|path| directory.join(path));
    sign_with(&mut options, spec.signing_key.as_ref().map(|path| directory.join(path)))?;
    options.observer = observer(policy)?;
    Ok(options)
}

impl Enforcer {
    /// Opens the log that `[audit]` names, or `default_log` when it names none.
    ///
    /// # Errors
    /// [`SetupError`]: without a log nothing may run.
    pub fn new(policy: Policy, default_log: &Path) -> Result<Self, SetupError> {
        let spec = &policy.file().spec().audit;
        let directory = policy.file().directory();
        let path = spec.path.as_ref().map_or_else(|| default_log.to_owned(), |path| directory.join(path));
        let options = log_options(&policy, &path)?;
        let redactor = options.redactor.clone();
        let passes_unrecorded = spec.on_error == OnAuditError::Pass;
        let log = Arc::new(AuditLog::open(path, options)?);
        let file = policy.file();
        log.event("policy", &json!({ "file": file.path().to_string_lossy(), "hash": file.hash() }))?;
        let counter = Counter::new(&policy)?;
        Ok(Self { policy, counter, log, redactor, passes_unrecorded, told: Mutex::default() })
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<AuditLog> {
        &self.log
    }

    /// Records what a client sent and nobody read as a call, such as a message with two readings. Of a flood it is told how
    /// many there were.
    pub fn event(&self, kind: &'static str, detail: &str) {
        let (is_told, untold) = self.told.lock().unwrap_or_else(PoisonError::into_inner).hear(kind, Instant::now());
        self.tell(untold);
        if is_told {
            // Events are not calls: the log's next call record reports that it can't be written.
            let _ = self.log.event(kind, &json!({ "peer": "client", "detail": detail }));
        }
    }

    fn tell(&self, untold: Vec<(&'static str, String)>) {
        for (kind, detail) in untold {
            let _ = self.log.event(kind, &json!({ "peer": "server", "detail": detail }));
        }
    }

    /// Takes secrets out of texts.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Whether a check may wait for more than a local file: then it belongs on a thread that may block.
    #[must_use]
    pub fn may_block(&self) -> bool {
        !self.counter.shared_names.is_empty() || self.policy.file().spec().audit.mode == AuditMode::Durable
    }

    /// Decides about one call and writes its intent. When this returns a [`Running`], the call may run.
    ///
    /// # Errors
    /// [`Refused`]; intent and outcome are in the log then.
    pub fn begin(&self, request: &Request<'_>) -> Result<Running, Refused> {
        let decision = match request.subject {
            Subject::Tool => self.policy.decide_for(request.principal, request.name, request.args),
            Subject::Prompt => self.policy.decide_prompt(request.principal, request.name, request.args),
            Subject::Resource => self.policy.decide_resource(request.name),
        };
        let grant = match decision {
            Decision::Allow(grant) => grant,
            Decision::Deny(denial) => return Err(self.refuse(request, Refused::Policy(denial))),
        };
        if grant.approve != Approve::Never && !request.is_approved {
            return Err(self.refuse(request, Refused::Approval(request.name.to_owned())));
        }
        let tool = grant.counted(request.name);
        let key = Key { server: request.server, tool, principal: request.principal };
        let (admission, counted_by) = match request.is_retry {
            true => (self.counter.check_again(&grant.limits, key), Some(LOCALLY)),
            false => self.counter.check(&grant.limits, key),
        };
        let (permit, exhausted) = match admission {
            limit::Decision::Admit(permit) => (Some(permit), None),
            limit::Decision::Deny(refusal) if self.policy.mode() == Mode::Shadow => (None, Some(refusal.limit)),
            limit::Decision::Deny(refusal) => return Err(self.refuse(request, Refused::Limit(*refusal))),
        };
        let verdict = match (&grant.would_deny, &exhausted, grant.approve) {
            (Some(_), _, _) | (_, Some(_), _) => Verdict::WouldDeny,
            (None, None, Approve::Never) => Verdict::Allow,
            (None, None, _) => Verdict::Approved,
        };
        let rule = match (&grant.would_deny, exhausted) {
            (Some(denial), _) => denial.rule.as_text().into(),
            (None, Some(limit)) => format!("limits.{limit}").into(),
            (None, None) => grant.rule.as_text().into(),
        };
        let mut info = self.info(request, verdict, Some(rule));
        info.decision.limit = counted_by;
        let record = match self.log.begin(info) {
            Ok(record) => Some(record),
            Err(_) if self.passes_unrecorded => None,
            Err(error) => return Err(Refused::Audit(error)),
        };
        Ok(Running { grant, record, _permit: permit, passes_unrecorded: self.passes_unrecorded })
    }

    /// Records that a person was asked about a call and did not agree.
    #[must_use]
    pub fn disapprove(&self, request: &Request<'_>) -> Refused {
        self.refuse(request, Refused::Disapproved(request.name.to_owned()))
    }

    /// Records a refusal. A refusal that cannot be recorded is one all the same.
    fn refuse(&self, request: &Request<'_>, refused: Refused) -> Refused {
        let rule = match &refused {
            Refused::Policy(denial) => Some(denial.rule.as_text().into()),
            Refused::Limit(refusal) => Some(format!("limits.{}", refusal.limit).into()),
            _ => None,
        };
        let verdict = if matches!(refused, Refused::Disapproved(_)) { Verdict::Refused } else { Verdict::Deny };
        let info = self.info(request, verdict, rule);
        let outcome = Outcome::failure(ErrorClass::Policy, refused.code(), refused.to_string());
        match self.log.refused(info, outcome) {
            Err(error) if !self.passes_unrecorded => Refused::Audit(error),
            _ => refused,
        }
    }

    fn info<'a>(&'a self, request: &Request<'a>, verdict: Verdict, rule: Option<Cow<'a, str>>) -> CallInfo<'a> {
        let nothing = Sensitive::default();
        let marks = [request.sensitive.unwrap_or(&nothing), self.policy.sensitive(request.name)];
        let redacted = self.redactor.redact_members(request.args, marks);
        let bytes_in = crate::digest::serialised_len(request.args).unwrap_or_default() as u64;
        CallInfo {
            server: request.server.into(),
            principal: request.principal.into(),
            peer: request.peer.into(),
            protocol: request.protocol.into(),
            request_id: request.request_id.into(),
            method: request.subject.method().into(),
            tool: request.name.into(),
            params: Some(redacted),
            bytes_in,
            trace: request.trace.map(Cow::Borrowed),
            span: span_of(&self.policy, request.trace),
            decision: DecisionInfo {
                verdict,
                rule,
                policy: self.policy.hash().into(),
                limit: None,
                class: (request.subject == Subject::Tool).then(|| self.policy.class(request.name)).flatten(),
            },
        }
    }
}

/// A call that may run. Dropping it records an abandoned call.
#[derive(Debug)]
#[must_use = "a call must be finished, or it is recorded as abandoned"]
pub struct Running {
    grant: Grant,
    record: Option<audit::Call>,
    /// `None` where a limit was exhausted and shadow mode let the call go on.
    _permit: Option<Permit>,
    passes_unrecorded: bool,
}

impl Running {
    /// What the call may do, with handles to what its arguments lead to.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Records how the call ended. Only then may the answer be given away.
    ///
    /// # Errors
    /// [`Refused::Audit`].
    pub fn finish(mut self, outcome: Outcome) -> Result<(), Refused> {
        match self.record.take().map(|record| record.finish(outcome)) {
            Some(Err(error)) if !self.passes_unrecorded => Err(Refused::Audit(error)),
            _ => Ok(()),
        }
    }
}

impl Counter {
    /// Nothing is counted yet.
    ///
    /// # Errors
    /// [`SetupError`] for a store that can't be meant.
    pub fn new(policy: &Policy) -> Result<Self, SetupError> {
        Self::with(policy, Limiter::default(), false)
    }

    /// Counts what is counted in this process alone, in front of others who ask the store.
    ///
    /// # Errors
    /// As [`Counter::new`].
    pub fn here(policy: &Policy) -> Result<Self, SetupError> {
        Self::with(policy, Limiter::default(), true)
    }

    /// The same counts under another policy.
    ///
    /// # Errors
    /// As [`Counter::new`].
    pub fn under(&self, policy: &Policy) -> Result<Self, SetupError> {
        Self::with(policy, self.local.clone(), self.is_here)
    }

    fn with(policy: &Policy, local: Limiter, is_here: bool) -> Result<Self, SetupError> {
        let spec = policy.file().spec();
        let shared_names: Vec<String> =
            spec.limits.iter().filter(|(_, limit)| limit.get_ref().shared).map(|(name, _)| name.clone()).collect();
        #[cfg(feature = "redis")]
        let shared = if is_here { None } else { shared(policy, &shared_names, &local)?.map(Arc::new) };
        #[cfg(not(feature = "redis"))]
        if let Some(name) = shared_names.first() {
            let error =
                policy.file().error_at(&spec.limits[name].span(), "shared limits need a build with feature `redis`");
            return Err(error.into());
        }
        Ok(Self {
            local,
            #[cfg(feature = "redis")]
            shared,
            shared_names,
            is_here,
        })
    }

    /// Asks the store about its limits and this process about the others; also says who counted. A call that the second refuses was
    /// counted by the first, which can refuse too much, never too little; so the cheap one goes first.
    #[must_use]
    pub fn check(&self, limits: &[Limit], key: Key<'_>) -> (limit::Decision, Option<Cow<'static, str>>) {
        if self.shared_names.is_empty() {
            return (self.local.check(limits, key), Some(LOCALLY));
        }
        self.check_apart(limits, key)
    }

    /// Whether a call that was counted may go on as the same call: places under limits on concurrency are taken
    /// anew, and those are counted here in any case.
    #[must_use]
    pub fn check_again(&self, limits: &[Limit], key: Key<'_>) -> limit::Decision {
        self.local.check_again(limits, key)
    }

    fn check_apart(&self, limits: &[Limit], key: Key<'_>) -> (limit::Decision, Option<Cow<'static, str>>) {
        let is_shared = |limit: &&Limit| self.shared_names.contains(&limit.name);
        let local: Vec<&Limit> = limits.iter().filter(|limit| !is_shared(limit)).collect();
        let decision = self.local.check(&local, key);
        #[cfg(feature = "redis")]
        if let (Some(shared), limit::Decision::Admit(permit)) = (&self.shared, &decision) {
            let theirs: Vec<&Limit> = limits.iter().filter(is_shared).collect();
            if !theirs.is_empty() {
                let (second, error) = shared.check_saying(&theirs, key);
                let said = error.map_or(Cow::Borrowed("shared"), |error| format!("fallback: {error}").into());
                let _ = permit;
                return match second {
                    limit::Decision::Admit(other) => {
                        let limit::Decision::Admit(mine) = decision else { unreachable!("matched above") };
                        (limit::Decision::Admit(mine.and(other)), Some(said))
                    }
                    refused => (refused, Some(said)),
                };
            }
        }
        (decision, Some(LOCALLY))
    }
}

/// Who counted, where nobody was asked.
const LOCALLY: Cow<'static, str> = Cow::Borrowed("local");

#[cfg(feature = "redis")]
fn shared(policy: &Policy, names: &[String], local: &Limiter) -> Result<Option<limit::SharedLimiter>, SetupError> {
    use crate::policy::spec::OnLimitError;
    let spec = policy.file().spec();
    let (Some(redis), false) = (&spec.redis, names.is_empty()) else { return Ok(None) };
    let refuse = |message: String| SetupError::Policy(policy.file().error_at(&redis.span(), message));
    let redis = redis.get_ref();
    let mut address = limit::StoreAddress::parse(&redis.url).map_err(|error| refuse(error.to_string()))?;
    address.prefix.clone_from(&redis.prefix);
    address.timeout = redis.timeout.get();
    if let Some(variable) = &redis.password_env {
        let password = std::env::var(variable).map_err(|_| refuse(format!("the variable {variable} is not set")))?;
        address = address.password(password);
    }
    // One store, one answer when it is away: the strictest of its limits decides.
    let all_local = names.iter().all(|name| spec.limits[name].get_ref().on_error == OnLimitError::Local);
    let on_error = if all_local { limit::OnError::Local } else { limit::OnError::Deny };
    Ok(Some(limit::SharedLimiter::new(address, on_error, local.clone())))
}

/// The span of a call of its own in the trace of its caller, where the policy wants that.
#[must_use]
pub fn span_of(policy: &Policy, caller: Option<&str>) -> Option<TraceParent> {
    let joins = policy.file().spec().otel.as_ref().is_some_and(|spec| spec.get_ref().join);
    if joins { TraceParent::below(caller.and_then(TraceParent::parse).as_ref()) } else { None }
}

/// What sees ended calls besides the log, when `[otel]` asks for it.
fn observer(policy: &Policy) -> Result<Option<Box<dyn audit::Observer>>, SetupError> {
    let Some(spec) = &policy.file().spec().otel else { return Ok(None) };
    #[cfg(feature = "otel")]
    let exporter = crate::otel::Exporter::start(spec.get_ref());
    #[cfg(not(feature = "otel"))]
    let exporter = Err::<Unable, _>("[otel] needs a build with feature `otel`");
    match exporter {
        Ok(exporter) => Ok(Some(Box::new(exporter))),
        Err(message) => Err(policy.file().error_at(&spec.span(), message).into()),
    }
}

/// An exporter that this build does not have.
#[cfg(not(feature = "otel"))]
#[derive(Debug)]
enum Unable {}

#[cfg(not(feature = "otel"))]
impl audit::Observer for Unable {
    fn ended(&self, _: &audit::Ended<'_>) {
        match *self {}
    }
}

#[cfg(feature = "signing")]
fn sign_with(options: &mut audit::Options, file: Option<PathBuf>) -> Result<(), SetupError> {
    let Some(file) = file else { return Ok(()) };
    let refuse = |message: &str| SetupError::Key(format!("signing key {}: {message}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| refuse(&error.to_string()))?;
    let key = audit::SigningKey::from_hex(&text).ok_or_else(|| refuse("not 64 hexadecimal digits"))?;
    options.signing_key = Some(key);
    Ok(())
}

#[cfg(not(feature = "signing"))]
fn sign_with(_: &mut audit::Options, file: Option<PathBuf>) -> Result<(), SetupError> {
    match file {
        None => Ok(()),
        Some(_) => Err(SetupError::Key("signed checkpoints need a build with feature `signing`".to_owned())),
    }
}

/// The key of a log's digests, kept next to it with mode 0600; made at first use.
fn digest_key(log: &Path) -> Result<[u8; 32], SetupError> {
    use std::io::Write as _;
    let mut name = log.as_os_str().to_owned();
    name.push(".key");
    let path = PathBuf::from(name);
    let refuse = |error: &dyn fmt::Display| SetupError::Key(format!("digest key {}: {error}", path.display()));
    let read = || audit::read_beside(&path, 1 << 10).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    match read() {
        Ok(text) => crate::digest::unhex(text.trim()).ok_or_else(|| refuse(&"not 64 hexadecimal digits")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 40];
            getrandom::fill(&mut key).map_err(|error| refuse(&error))?;
            let (key, name) = key.split_at(32);
            // Written whole under another name first: of two programs that start together both must get the same
            // key, and neither half of one.
            let temporary = path.with_extension(format!("key.{}", crate::digest::hex(name)));
            let file = audit::private().write(true).create_new(true).open(&temporary);
            let written = file.and_then(|mut file| file.write_all(crate::digest::hex(key).as_bytes()));
            let linked = written.and_then(|()| std::fs::hard_link(&temporary, &path));
            let _ = std::fs::remove_file(&temporary);
            match linked {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refuse(&error)),
            }
            let text = read().map_err(|error| refuse(&error))?;
            crate::digest::unhex(text.trim()).ok_or_else(|| refuse(&"not 64 hexadecimal digits"))
        }
        Err(error) => Err(refuse(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
version = 1
[roots.here]
at = "."
[limits.default]
calls = 2
per = "1h"
[tools.read.args]
path = { kind = "path", roots = ["here"] }
[tools.ask]
approve = "always"
"#;

    fn enforcer(text: &str) -> (tempfile::TempDir, Enforcer) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("manta.toml");
        std::fs::write(&file, text).unwrap();
        let log = directory.path().join("log/audit.jsonl");
        let enforcer = Enforcer::new(Policy::load(file).unwrap(), &log).unwrap();
        (directory, enforcer)
    }

    fn call(enforcer: &Enforcer, name: &str, args: Value) -> Result<(), Refused> {
        let args = args.as_object().unwrap().clone();
        let request = Request {
            subject: Subject::Tool,
            name,
            args: &args,
            principal: "local",
            peer: "test",
            server: "",
            protocol: "2025-11-25",
            request_id: "1",
            trace: None,
            sensitive: None,
            is_retry: false,
            is_approved: false,
        };
        enforcer.begin(&request)?.finish(Outcome::success(0))
    }

    fn records(enforcer: &Enforcer) -> Vec<Value> {
        let text = std::fs::read_to_string(enforcer.log().path()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_call_is_decided_counted_and_recorded() {
        let (_directory, enforcer) = enforcer(POLICY);
        call(&enforcer, "read", json!({ "path": "manta.toml" })).unwrap();
        let denied = call(&enforcer, "read", json!({ "path": "../x", "token": "hunter2" })).unwrap_err();
        assert_eq!(denied.code(), "denied");
        call(&enforcer, "read", json!({ "path": "manta.toml" })).unwrap();
        let limited = call(&enforcer, "read", json!({ "path": "manta.toml" })).unwrap_err();
        assert!(limited.retry_after().is_some() && limited.to_string().contains("2 calls in 3600 s"), "{limited}");
        assert_eq!(call(&enforcer, "ask", json!({})).unwrap_err().code(), "approval-needed");

        let records = records(&enforcer);
        let outcomes: Vec<&Value> = records.iter().filter(|record| record["kind"] == "outcome").collect();
        assert_eq!(outcomes.len(), 5);
        assert_eq!(outcomes[1]["decision"], "deny");
        assert!(outcomes[1]["rule"].as_str().unwrap().contains("manta.toml:"));
        assert_eq!(outcomes[1]["params"]["token"], "[redacted:key]");
        assert_eq!(outcomes[3]["error"]["code"], "rate-limited");
        assert!(outcomes.iter().all(|record| record["policy"] == enforcer.policy().hash()));
        let report = audit::verify(enforcer.log().path(), &audit::VerifyOptions::default()).unwrap();
        assert!(report.is_intact(), "{:?}", report.problems);
    }

    #[test]
    fn refusals_do_not_use_up_the_limit() {
        let (_directory, enforcer) = enforcer(POLICY);
        for _ in 0..10 {
            call(&enforcer, "read", json!({ "path": "../x" })).unwrap_err();
        }
        call(&enforcer, "read", json!({ "path": "manta.toml" })).unwrap();
    }

    #[test]
    fn in_shadow_mode_a_limit_is_recorded_and_refuses_nothing() {
        let (_directory, enforcer) = enforcer(&POLICY.replace("version = 1", "version = 1\nmode = \"shadow\""));
        for _ in 0..3 {
            call(&enforcer, "read", json!({ "path": "manta.toml" })).unwrap();
        }
        let last = records(&enforcer).pop().unwrap();
        assert_eq!((&last["decision"], &last["rule"]), (&json!("would-deny"), &json!("limits.default")));
    }

    #[cfg(not(feature = "redis"))]
    #[test]
    fn a_shared_limit_without_the_feature_is_an_error_and_no_silent_local_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("manta.toml");
        std::fs::write(&file, "version = 1\n[redis]\nurl = \"redis://localhost\"\n[limits.default]\nshared = true\n")
            .unwrap();
        let error = Enforcer::new(Policy::load(file).unwrap(), &directory.path().join("a")).unwrap_err();
        assert!(error.to_string().contains("feature `redis`"), "{error}");
    }
}
