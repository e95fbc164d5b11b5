//! What a record says.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::chain::Tip;
use super::time::rfc3339;
use crate::policy::spec::ToolClass;
use crate::redact::{Redacted, Redactor};

/// Format of the lines.
pub(super) const VERSION: u32 = 1;

/// Who calls what, as known before the call.
#[derive(Debug, Clone, Default)]
pub struct CallInfo {
    /// Identity of the server, empty where there is only one.
    pub server: String,
    /// Authenticated subject, else `local`.
    pub principal: String,
    /// Transport and address, such as `stdio uid=1000` or `http 127.0.0.1:5000`.
    pub peer: String,
    /// Revision of the protocol.
    pub protocol: String,
    /// JSON-RPC id as text.
    pub request_id: String,
    /// JSON-RPC method.
    pub method: String,
    /// Name of the tool or prompt, or URI of the resource.
    pub tool: String,
    /// The parameters, already redacted: there is no other way to give them.
    pub params: Option<Redacted>,
    /// Bytes of the request.
    pub bytes_in: u64,
    /// `traceparent` from `_meta`: chosen by the peer, so it is recorded and never obeyed.
    pub trace: Option<String>,
    /// What was decided before execution.
    pub decision: DecisionInfo,
}

/// What the policy and the limits said.
#[derive(Debug, Clone, Default)]
pub struct DecisionInfo {
    /// Allow, deny, …
    pub verdict: Verdict,
    /// Rule with file and line, such as `tools.read_file.args.path (manta.toml:12)`.
    pub rule: Option<String>,
    /// `sha256:…` of the policy file.
    pub policy: String,
    /// Who answered about the limit and what remains, such as `local 7`.
    pub limit: Option<String>,
    /// What the policy says that the tool does.
    pub class: Option<ToolClass>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The call may run.
    #[default]
    Allow,
    /// The call may not run.
    Deny,
    /// A person was asked and agreed.
    Approved,
    /// A person was asked and refused, or nobody answered.
    Refused,
    /// Shadow mode: it would have been refused and ran.
    WouldDeny,
    /// The decision itself failed, which refuses the call.
    Error,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The caller's: bad arguments, gave up.
    Client,
    /// The tool's or its server's.
    Server,
    /// Nobody's: the policy or a limit refused.
    Policy,
    /// Ours.
    Internal,
}

/// How a call ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Class, code and message of the failure; `None` for success.
    pub error: Option<(ErrorClass, String, String)>,
    /// Bytes of the answer.
    pub bytes_out: u64,
    /// Values replaced in the answer.
    pub redactions: u64,
}

impl Outcome {
    /// The call did what it should.
    #[must_use]
    pub fn success(bytes_out: u64) -> Self {
        Self { bytes_out, ..Self::default() }
    }

    /// The call failed. The message is redacted when it is written.
    #[must_use]
    pub fn failure(class: ErrorClass, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error: Some((class, code.into(), message.into())), ..Self::default() }
    }
}

/// A call that ended and whose records are in the log.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Who called what, as recorded: cleaned and redacted.
    pub info: &'a CallInfo,
    /// How it ended, as recorded.
    pub outcome: &'a Outcome,
    /// When it began.
    pub start: SystemTime,
    /// How long it took; nothing for a call that was refused.
    pub duration: Duration,
}

/// Sees every call that ended, after its record was written. It must not block: the answer waits for it.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// A call ended.
    fn ended(&self, call: &Ended<'_>);
}

/// One line, in the order in which it is written.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    v: u32,
    seq: u64,
    kind: &'a str,
    timestamp: String,
    #[serde(flatten)]
    body: Body<'a>,
    prev: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn new(after: &'a Tip, kind: &'a str, body: Body<'a>) -> Self {
        let timestamp = rfc3339(SystemTime::now());
        Self { v: VERSION, seq: after.seq + 1, kind, timestamp, body, prev: &after.hash }
    }
}

/// What differs between kinds.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Body<'a> {
    Call(&'a CallFields<'a>),
    /// `started`, `stopped`, `rotate`, `recovered`, `policy`. Apart, so that no member can pose as one of ours.
    Event {
        detail: &'a Value,
    },
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct CallFields<'a> {
    call: &'a str,
    server: &'a str,
    principal: &'a str,
    peer: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    protocol: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    method: &'a str,
    tool: &'a str,
    params: Option<&'a Value>,
    decision: Verdict,
    rule: Option<&'a str>,
    policy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<ToolClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    bytes_in: u64,
    redactions: u64,
    #[serde(flatten)]
    outcome: Option<OutcomeFields<'a>>,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct OutcomeFields<'a> {
    success: bool,
    error: Option<ErrorFields<'a>>,
    duration_us: u64,
    bytes_out: u64,
}

#[derive(Clone, Copy, Serialize)]
struct ErrorFields<'a> {
    class: ErrorClass,
    code: &'a str,
    message: &'a str,
}

impl<'a> CallFields<'a> {
    pub(super) fn intent(call: &'a str, info: &'a CallInfo) -> Self {
        Self {
            call,
            server: &info.server,
            principal: &info.principal,
            peer: &info.peer,
            protocol: &info.protocol,
            request_id: &info.request_id,
            method: &info.method,
            tool: &info.tool,
            params: info.params.as_ref().map(|params| &params.value),
            decision: info.decision.verdict,
            rule: info.decision.rule.as_deref(),
            policy: &info.decision.policy,
            limit: info.decision.limit.as_deref(),
            class: info.decision.class,
            trace: info.trace.as_deref(),
            bytes_in: info.bytes_in,
            redactions: info.params.as_ref().map_or(0, |params| params.count),
            outcome: None,
        }
    }

    pub(super) fn outcome(mut self, outcome: &'a Outcome, duration_us: u64) -> Self {
        self.redactions += outcome.redactions;
        let error = outcome.error.as_ref().map(|(class, code, message)| ErrorFields { class: *class, code, message });
        self.outcome =
            Some(OutcomeFields { success: error.is_none(), error, duration_us, bytes_out: outcome.bytes_out });
        self
    }
}

/// What comes from outside and is no parameter: no secrets, and no longer than a record may carry.
pub(super) fn clean_info(mut info: CallInfo, redactor: &Redactor) -> CallInfo {
    for text in [
        &mut info.server,
        &mut info.principal,
        &mut info.peer,
        &mut info.protocol,
        &mut info.request_id,
        &mut info.method,
        &mut info.tool,
    ] {
        clean(text, redactor);
    }
    if let Some(trace) = &mut info.trace {
        clean(trace, redactor);
    }
    info
}

/// Most texts stay as they are, and are not copied.
fn clean(text: &mut String, redactor: &Redactor) {
    if let std::borrow::Cow::Owned(cleaned) = redactor.message(text) {
        *text = cleaned;
    }
}

pub(super) fn clean_outcome(mut outcome: Outcome, redactor: &Redactor) -> Outcome {
    if let Some((_, code, message)) = &mut outcome.error {
        clean(code, redactor);
        clean(message, redactor);
    }
    outcome
}
