//! What the engine asks before a call may pass, and tells when it is over.
//!
//! The engine knows the protocol; a [`Decider`] knows the policy, the limits and the audit log.
//! Keeping them apart lets the relay be tested against a decider of three lines.

use std::fmt;
use std::time::Duration;

use manta_harden::policy::Completes;
use manta_harden::trace::TraceParent;
use manta_mcp::Id;

/// What a guarded request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// `tools/call`
    Tool,
    /// `prompts/get`
    Prompt,
    /// `resources/read`
    Resource,
}

impl Target {
    /// The method that reaches it.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Tool => "tools/call",
            Self::Prompt => "prompts/get",
            Self::Resource => "resources/read",
        }
    }

    /// The word for messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
        }
    }
}

/// A request under policy.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Tool, prompt or resource.
    pub target: Target,
    /// Its name, or the URI of a resource.
    pub name: &'a str,
    /// Arguments as a tree; an empty object when there were none.
    pub arguments: &'a serde_json::Value,
    /// Bytes of the arguments as sent.
    pub arguments_len: usize,
    /// Who asks: the authenticated subject, else `local`.
    pub principal: &'a str,
    /// Request id.
    pub id: &'a Id,
    /// Protocol revision the client named, empty when unknown.
    pub protocol: &'a str,
    /// `traceparent` from `_meta`: untrusted, for the record only.
    pub trace: Option<&'a str>,
    /// The admitted call this one retries with the input the server asked for: the same call for
    /// limits and audit.
    pub retry_of: Option<Ticket>,
}

/// A request for values of an argument (`completion/complete`).
#[derive(Debug, Clone, Copy)]
pub struct Completion<'a> {
    /// The prompt or the template of resources that has the argument.
    pub of: Completes<'a>,
    /// The argument's name.
    pub argument: &'a str,
    /// What is there of its value.
    pub typed: &'a str,
    /// The other arguments.
    pub others: &'a serde_json::Map<String, serde_json::Value>,
    /// Who asks.
    pub principal: &'a str,
}

/// Why a call is refused, for the model, the person and the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denial {
    /// Rule id, such as `tools.read_file.args.path`.
    pub rule: String,
    /// What was asked and why it is refused; lowercase, one line.
    pub message: String,
    /// File and line of the rule, such as `manta.toml:12`.
    pub cite: Option<String>,
    /// The one line that would allow it.
    pub remedy: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The client would have to be able to ask its user (`elicitation`).
    pub needs_elicitation: bool,
}

impl Denial {
    /// A denial by a rule of the guard itself.
    #[must_use]
    pub fn new(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule: rule.into(), message: message.into(), ..Self::default() }
    }

    /// Says that the client would have to be able to ask its user.
    #[must_use]
    pub fn needs_elicitation(mut self) -> Self {
        self.needs_elicitation = true;
        self
    }

    /// Adds the line that would allow the call.
    #[must_use]
    pub fn remedy(mut self, line: impl Into<String>) -> Self {
        self.remedy = Some(line.into());
        self
    }
}

/// One paragraph an agent can act on.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        match &self.cite {
            Some(cite) => write!(f, " (rule {} at {cite})", self.rule)?,
            None => write!(f, " (rule {})", self.rule)?,
        }
        if let Some(after) = self.retry_after {
            write!(f, "; retry in {:.1} s", after.as_secs_f64())?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "; to allow it: {remedy}")?;
        }
        Ok(())
    }
}

/// Names an admitted call until it is over.
pub type Ticket = u64;

/// What an admitted call may use up.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Names the call.
    pub ticket: Ticket,
    /// Longest result in bytes, when the policy bounds it.
    pub max_result: Option<usize>,
    /// Longest time for an answer, when the policy bounds it.
    pub timeout: Option<Duration>,
    /// The `traceparent` that the server is told of, when it is not the caller's.
    pub traceparent: Option<TraceParent>,
}

/// How an admitted call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A result without `isError`.
    Success,
    /// A result with `isError: true`.
    ToolError,
    /// A JSON-RPC error.
    ProtocolError {
        /// Its code.
        code: i64,
        /// Its message, untrusted.
        message: String,
    },
    /// The server's answer was refused by the guard.
    BadResponse(String),
    /// The server asks for more input before it answers; the client retries.
    InputRequired,
    /// The client cancelled and no answer came.
    Cancelled,
    /// No answer within the call's time.
    TimedOut,
    /// The server or the guard ended first: the result is unknown.
    Unanswered(String),
}

/// Something worth a record that is not a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened, such as `frame-refused`.
    pub kind: &'static str,
    /// Which side caused it: `client` or `server`.
    pub peer: &'static str,
    /// Details; may quote untrusted text, already made visible.
    pub detail: String,
}

/// What there is to tell of a policy that is in force now.
pub(crate) const READ_AGAIN: &str = "the policy was read again";

/// Policy, limits and audit behind one interface.
pub trait Decider {
    /// Whether the policy refuses this call. No side effect.
    ///
    /// # Errors
    /// The denial to answer with.
    fn check(&mut self, call: &Call<'_>) -> Result<(), Denial>;

    /// Whether a person must agree to the call that [`Decider::check`] just passed.
    fn needs_approval(&mut self, _call: &Call<'_>) -> bool {
        false
    }

    /// Charges the limits and writes the intent; from here on the call will be forwarded.
    ///
    /// # Errors
    /// A denial when a limit is exhausted or the record can't be written.
    fn admit(&mut self, call: &Call<'_>) -> Result<Admission, Denial>;

    /// Records a refusal. `enforced` is false in shadow mode, where the call goes on.
    ///
    /// # Errors
    /// A denial when the record can't be written: then the call must not go on in any mode.
    fn refused(&mut self, call: &Call<'_>, denial: &Denial, enforced: bool) -> Result<(), Denial>;

    /// Writes how an admitted call ended. [`Outcome::InputRequired`] is not an end: the ticket stays
    /// good for the retry.
    ///
    /// # Errors
    /// A denial when the record can't be written: then the answer must not be passed on.
    fn finished(&mut self, ticket: Ticket, outcome: &Outcome, bytes: usize, redactions: usize) -> Result<(), Denial>;

    /// Whether lists of this principal's, or of anybody's, may show this tool, prompt or resource.
    fn is_visible(&self, to: Option<&str>, target: Target, name: &str) -> bool;

    /// Whether lists are the same for all principals.
    fn shows_all_the_same(&self) -> bool {
        true
    }

    /// Whether the server may propose values for what is typed of an argument. Without a policy it may.
    ///
    /// # Errors
    /// The denial to answer with.
    fn check_completion(&self, _completion: &Completion<'_>) -> Result<(), Denial> {
        Ok(())
    }

    /// A tool as the server lists it: its schema may mark arguments that no record should show.
    fn listed(&mut self, _tool: &serde_json::Value) {}

    /// Whether the policy lets a server send a person to this address. Without a policy it does.
    ///
    /// # Errors
    /// Why not.
    fn check_url(&self, _url: &str) -> Result<(), String> {
        Ok(())
    }

    /// Records something that is not a call.
    fn event(&mut self, event: &Event);

    /// Everything that there was to forward is forwarded: what nobody has to wait for is done now.
    fn settled(&mut self) {}

    /// Reads the policy again, and says what came of it. Calls in flight end under the rules they began with.
    ///
    /// # Errors
    /// A message when the new policy can't be used; the old one stays in force then.
    fn reload(&mut self) -> Result<&'static str, String> {
        Ok(READ_AGAIN)
    }

    /// Reads the policy again; what is told of it.
    fn reload_and_tell(&mut self) -> String {
        match self.reload() {
            Ok(what) => what.to_owned(),
            Err(why) => format!("{why}; the rules from before stay in force"),
        }
    }

    /// Whether refusals are only recorded.
    fn is_shadow(&self) -> bool {
        false
    }
}
