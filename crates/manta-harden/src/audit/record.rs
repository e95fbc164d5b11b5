//! What a record says.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use manta_core::untrusted::is_invisible;
use serde::Serialize;
use serde_json::Value;

use super::chain::Tip;
use super::time::push_rfc3339;
use crate::policy::spec::ToolClass;
use crate::redact::{Redacted, Redactor};

/// Who calls what, as known before the call.
#[derive(Debug, Clone, Default)]
pub struct CallInfo<'a> {
    /// Identity of the server, empty where there is only one.
    pub server: Cow<'a, str>,
    /// Authenticated subject, else `local`.
    pub principal: Cow<'a, str>,
    /// Transport and address, such as `stdio uid=1000` or `http 127.0.0.1:5000`.
    pub peer: Cow<'a, str>,
    /// Revision of the protocol.
    pub protocol: Cow<'a, str>,
    /// JSON-RPC id as text.
    pub request_id: Cow<'a, str>,
    /// JSON-RPC method.
    pub method: Cow<'a, str>,
    /// Name of the tool or prompt, or URI of the resource.
    pub tool: Cow<'a, str>,
    /// The parameters, already redacted: there is no other way to give them.
    pub params: Option<Redacted>,
    /// Bytes of the request.
    pub bytes_in: u64,
    /// `traceparent` from `_meta`: chosen by the peer, so it is recorded and never obeyed.
    pub trace: Option<Cow<'a, str>>,
    /// The span of this call, when it joins the caller's trace: for telemetry, not for the record.
    pub span: Option<crate::trace::TraceParent>,
    /// What was decided before execution.
    pub decision: DecisionInfo<'a>,
}

/// What the policy and the limits said.
#[derive(Debug, Clone, Default)]
pub struct DecisionInfo<'a> {
    /// Allow, deny, …
    pub verdict: Verdict,
    /// Rule with file and line, such as `tools.read_file.args.path (manta.toml:12)`.
    pub rule: Option<Cow<'a, str>>,
    /// `sha256:…` of the policy file.
    pub policy: Cow<'a, str>,
    /// Who answered about the limit and what remains, such as `local 7`.
    pub limit: Option<Cow<'a, str>>,
    /// What the policy says that the tool does.
    pub class: Option<ToolClass>,
}

impl CallInfo<'_> {
    /// The same with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> CallInfo<'static> {
        fn own(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        let decision = DecisionInfo {
            verdict: self.decision.verdict,
            rule: self.decision.rule.map(own),
            policy: own(self.decision.policy),
            limit: self.decision.limit.map(own),
            class: self.decision.class,
        };
        CallInfo {
            server: own(self.server),
            principal: own(self.principal),
            peer: own(self.peer),
            protocol: own(self.protocol),
            request_id: own(self.request_id),
            method: own(self.method),
            tool: own(self.tool),
            params: self.params,
            bytes_in: self.bytes_in,
            trace: self.trace.map(own),
            span: self.span,
            decision,
        }
    }
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
    pub info: &'a CallInfo<'a>,
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

/// How every line begins.
pub(super) const LINE_START: &[u8] = b"{\"v\":1,\"seq\":";

/// What one line says between its time and the hash of the line before.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// `intent`, or with an ending `outcome`.
    Call {
        /// What both records of a call say, serialised once.
        fields: &'a CallFields,
        /// How the call ended, and after how many microseconds.
        ended: Option<(&'a Outcome, u64)>,
    },
    /// `started`, `stopped`, `rotate`, `recovered`, `policy`. Apart, so that no member can pose as one of ours.
    Event {
        /// What is told.
        detail: &'a Value,
    },
}

/// Adds the line that follows another one, without its end.
pub(super) fn write_line(out: &mut Vec<u8>, after: &Tip, kind: &str, body: Body<'_>) {
    let start = out.len();
    out.extend_from_slice(LINE_START);
    put(out, &(after.seq + 1));
    put_text(out, ",\"kind\":", kind);
    out.extend_from_slice(b",\"timestamp\":\"");
    push_rfc3339(out, SystemTime::now());
    out.push(b'"');
    match body {
        Body::Call { fields, ended } => {
            out.extend_from_slice(&fields.text);
            out.extend_from_slice(b",\"redactions\":");
            put(out, &(fields.redactions + ended.map_or(0, |(outcome, _)| outcome.redactions)));
            if let Some((outcome, duration_us)) = ended {
                put_outcome(out, outcome, duration_us);
            }
        }
        Body::Event { detail } => {
            out.extend_from_slice(b",\"detail\":");
            put(out, detail);
        }
    }
    out.extend_from_slice(b",\"prev\":\"");
    out.extend_from_slice(after.hash.as_str().as_bytes());
    out.extend_from_slice(b"\"}");
    escape_invisible(out, start);
}

/// Writes as `\u` escapes what nobody can see, from `start` on: some readers end a line at U+2028 or U+0085, and a
/// terminal turns text around at U+202E (CWE-117). Outside strings a record is ASCII, so escapes stand in strings only.
fn escape_invisible(out: &mut Vec<u8>, start: usize) {
    use std::io::Write as _;
    // Without a way out in the middle, which lets the compiler look at many bytes at once.
    if out[start..].iter().fold(true, |plain, byte| plain & (*byte < 0x7f)) {
        return;
    }
    let line = out.split_off(start);
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            if !is_invisible(character) {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a Vec takes everything");
            }
        }
    }
}

fn put(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("records have string keys and no failing serialisers");
}

/// What intent and outcome of a call have in common, as text: `,"call":…` and so on.
#[derive(Debug)]
pub(super) struct CallFields {
    text: Vec<u8>,
    redactions: u64,
}

impl CallFields {
    pub(super) fn new(call: &str, info: &CallInfo<'_>) -> Self {
        let mut text = Vec::with_capacity(640); // most calls fit, without growing step by step
        let decision = &info.decision;
        put_text(&mut text, ",\"call\":", call);
        put_text(&mut text, ",\"server\":", &info.server);
        put_text(&mut text, ",\"principal\":", &info.principal);
        put_text(&mut text, ",\"peer\":", &info.peer);
        for (name, value) in [(",\"protocol\":", &info.protocol), (",\"request_id\":", &info.request_id)] {
            if !value.is_empty() {
                put_text(&mut text, name, value);
            }
        }
        put_text(&mut text, ",\"method\":", &info.method);
        put_text(&mut text, ",\"tool\":", &info.tool);
        put_member(&mut text, ",\"params\":", &info.params.as_ref().map(|params| &params.value));
        put_member(&mut text, ",\"decision\":", &decision.verdict);
        match &decision.rule {
            Some(rule) => put_text(&mut text, ",\"rule\":", rule),
            None => text.extend_from_slice(b",\"rule\":null"),
        }
        put_text(&mut text, ",\"policy\":", &decision.policy);
        if let Some(limit) = &decision.limit {
            put_text(&mut text, ",\"limit\":", limit);
        }
        if let Some(class) = &decision.class {
            put_member(&mut text, ",\"class\":", class);
        }
        if let Some(trace) = &info.trace {
            put_text(&mut text, ",\"trace\":", trace);
        }
        put_member(&mut text, ",\"bytes_in\":", &info.bytes_in);
        Self { text, redactions: info.params.as_ref().map_or(0, |params| params.count) }
    }
}

/// How a call ended: `,"success":…` and so on.
fn put_outcome(out: &mut Vec<u8>, outcome: &Outcome, duration_us: u64) {
    match &outcome.error {
        None => out.extend_from_slice(b",\"success\":true,\"error\":null"),
        Some((class, code, message)) => {
            put_member(out, ",\"success\":false,\"error\":{\"class\":", class);
            put_text(out, ",\"code\":", code);
            put_text(out, ",\"message\":", message);
            out.push(b'}');
        }
    }
    put_member(out, ",\"duration_us\":", &duration_us);
    put_member(out, ",\"bytes_out\":", &outcome.bytes_out);
}

/// A member, its name with comma, quotes and colon.
fn put_member(out: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    out.extend_from_slice(name.as_bytes());
    put(out, value);
}

/// The same for a text. Most need no escapes, and are copied as they stand.
fn put_text(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(name.as_bytes());
    // As in `escape_invisible`.
    let needs_escape = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |any, byte| any | needs_escape(byte)) {
        return put(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Texts of the last call that needed no cleaning. Most calls come the same way as the one before, and looking for
/// secrets costs more than the rest of a record.
#[derive(Debug, Default)]
pub(super) struct Known([String; 6]);

/// What comes from outside and is no parameter: no secrets, and no longer than a record may carry.
pub(super) fn clean_info<'a>(mut info: CallInfo<'a>, redactor: &Redactor, known: &mut Known) -> CallInfo<'a> {
    let recurring =
        [&mut info.server, &mut info.principal, &mut info.peer, &mut info.protocol, &mut info.method, &mut info.tool];
    for (text, known) in recurring.into_iter().zip(&mut known.0) {
        if **text == **known {
            continue;
        }
        match changed(text, redactor) {
            Some(cleaned) => *text = Cow::Owned(cleaned),
            None => {
                known.clear();
                known.push_str(text);
            }
        }
    }
    clean(&mut info.request_id, redactor);
    if let Some(trace) = &mut info.trace {
        clean(trace, redactor);
    }
    info
}

/// Most texts stay as they are, and are not copied.
fn clean(text: &mut Cow<'_, str>, redactor: &Redactor) {
    if let Some(cleaned) = changed(text, redactor) {
        *text = Cow::Owned(cleaned);
    }
}

fn changed(text: &str, redactor: &Redactor) -> Option<String> {
    match redactor.message(text) {
        Cow::Owned(cleaned) => Some(cleaned),
        Cow::Borrowed(_) => None,
    }
}

pub(super) fn clean_outcome(mut outcome: Outcome, redactor: &Redactor) -> Outcome {
    if let Some((_, code, message)) = &mut outcome.error {
        for text in [code, message] {
            if let Some(cleaned) = changed(text, redactor) {
                *text = cleaned;
            }
        }
    }
    outcome
}
