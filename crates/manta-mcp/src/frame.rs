//! One message, read one way, with spans into the bytes that were read.

use std::borrow::Cow;
use std::ops::Range;

use crate::walk::Walker;
use crate::{FrameError, Id, text};

/// Bounds on one frame.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest frame in bytes. Default 16 MiB.
    pub max_bytes: usize,
    /// Deepest nesting of objects and arrays. Default 64.
    pub max_depth: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 16 << 20, max_depth: 64 }
    }
}

/// Which way the frame travels. Arguments are read by a server whose language nobody knows, so
/// requests are held to the common subset of all decoders; results may carry free data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

/// What kind of JSON-RPC message a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `method` and `id`.
    Request,
    /// `method` without `id`.
    Notification,
    /// `id` and `result`.
    Response,
    /// `id` (null when the request's was unreadable) and `error`.
    Error,
}

/// A range of bytes in the frame.
pub type Span = Range<u32>;

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident = $place:ident $key:literal,)*) => {
        /// A member the protocol gives a meaning to, whose span the walker keeps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Part { $($(#[$doc])* $name,)* }

        pub(crate) const PARTS: &[(Part, Place, &str)] = &[$((Part::$name, Place::$place, $key),)*];
    };
}

/// Where in the message a value stands; decides which keys are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Params,
    ParamsMeta,
    Result,
    /// Anything below, and members the protocol doesn't name.
    Data,
}

impl Place {
    /// What the protocol names there. [`PARTS`] lists the parts of a place one after the other.
    pub(crate) fn parts(self) -> &'static [(Part, Self, &'static str)] {
        const BOUNDS: [(usize, usize); Place::Data as usize + 1] = {
            let mut bounds = [(0, 0); Place::Data as usize + 1];
            let mut at = 0;
            while at < PARTS.len() {
                let (start, end) = &mut bounds[PARTS[at].1 as usize];
                assert!(*end == 0 || *end == at, "the parts of a place stand together");
                if *end == 0 {
                    *start = at;
                }
                *end = at + 1;
                at += 1;
            }
            bounds
        };
        let (start, end) = BOUNDS[self as usize];
        &PARTS[start..end]
    }
}

parts! {
    /// `jsonrpc`
    JsonRpc = Top "jsonrpc",
    /// `id`
    Id = Top "id",
    /// `method`
    Method = Top "method",
    /// `params`
    Params = Top "params",
    /// `result`
    Result = Top "result",
    /// `error`
    Error = Top "error",
    /// `params.name`: of a tool or a prompt
    Name = Params "name",
    /// `params.arguments`
    Arguments = Params "arguments",
    /// `params.uri`
    Uri = Params "uri",
    /// `params._meta`
    Meta = Params "_meta",
    /// `params.requestId` of `notifications/cancelled`
    RequestId = Params "requestId",
    /// `params.progressToken` of `notifications/progress`
    ProgressToken = Params "progressToken",
    /// `params.inputResponses` of a retry
    InputResponses = Params "inputResponses",
    /// `params.requestState` of a retry
    RequestState = Params "requestState",
    /// `params.protocolVersion` of `initialize`
    ProtocolVersion = Params "protocolVersion",
    /// `params.capabilities` of `initialize`
    ClientCapabilities = Params "capabilities",
    /// `params.taskId` of `tasks/…`
    TaskId = Params "taskId",
    /// `params.task` of a call that asks to go on in the background
    AsTask = Params "task",
    /// `params.inputRequests` of a notification about a task
    NotedQuestions = Params "inputRequests",
    /// `params.result` of a notification about a task
    NotedResult = Params "result",
    /// `params.clientInfo` of `initialize`
    ClientInfo = Params "clientInfo",
    /// `params._meta.progressToken`
    MetaProgressToken = ParamsMeta "progressToken",
    /// `params._meta["io.modelcontextprotocol/subscriptionId"]`: the id of the request that listens
    MetaSubscriptionId = ParamsMeta "io.modelcontextprotocol/subscriptionId",
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`
    MetaProtocolVersion = ParamsMeta "io.modelcontextprotocol/protocolVersion",
    /// `params._meta["io.modelcontextprotocol/clientCapabilities"]`
    MetaClientCapabilities = ParamsMeta "io.modelcontextprotocol/clientCapabilities",
    /// `params._meta.traceparent`
    MetaTraceparent = ParamsMeta "traceparent",
    /// `result.content`
    Content = Result "content",
    /// `result.structuredContent`
    StructuredContent = Result "structuredContent",
    /// `result.isError`
    IsError = Result "isError",
    /// `result.resultType`
    ResultType = Result "resultType",
    /// `result.task` of a call that goes on in the background
    Task = Result "task",
    /// `result.tasks` of `tasks/list`
    Tasks = Result "tasks",
    /// `result.inputRequests`
    InputRequests = Result "inputRequests",
    /// `result.requestState`
    ResultState = Result "requestState",
    /// `result.tools`
    Tools = Result "tools",
    /// `result.prompts`
    Prompts = Result "prompts",
    /// `result.resources`
    Resources = Result "resources",
    /// `result.resourceTemplates`
    ResourceTemplates = Result "resourceTemplates",
    /// `result.instructions`
    Instructions = Result "instructions",
    /// `result.protocolVersion`
    ResultProtocolVersion = Result "protocolVersion",
    /// `result.cacheScope`
    CacheScope = Result "cacheScope",
    /// `result.nextCursor` of a list
    NextCursor = Result "nextCursor",
}

/// A message with exactly one reading, and the spans of its parts.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    text: &'a str,
    kind: Kind,
    id: Option<Id>,
    method: Option<Cow<'a, str>>,
    spans: Box<[Span; PARTS.len()]>,
    has_line_separators: bool,
}

impl<'a> Frame<'a> {
    /// Reads `bytes` as one message (with or without its final line break).
    ///
    /// # Errors
    /// The first rule the frame breaks, see [`crate::Refusal`]. Never panics, whatever the bytes.
    pub fn parse(bytes: &'a [u8], direction: Direction, limits: &Limits) -> Result<Self, FrameError> {
        Walker::walk(bytes, direction, limits)
    }

    pub(crate) fn new(
        text: &'a str,
        kind: Kind,
        id: Option<Id>,
        method: Option<Cow<'a, str>>,
        spans: Box<[Span; PARTS.len()]>,
    ) -> Self {
        let has_line_separators = !text.is_ascii() && text.contains(text::LINE_SEPARATORS);
        Self { text, kind, id, method, spans, has_line_separators }
    }

    /// The frame as it was sent, without its line break.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What to forward: the original bytes, except that characters which some readers take for the
    /// end of the line are escaped.
    #[must_use]
    pub fn wire_text(&self) -> Cow<'a, str> {
        if self.has_line_separators {
            Cow::Owned(text::escape_line_separators(self.text))
        } else {
            Cow::Borrowed(self.text)
        }
    }

    /// Kind of message.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Request id; `None` for notifications and for errors with a null id.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Decoded `method`, empty for responses.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("")
    }

    /// Where a part stands in [`Frame::text`].
    #[must_use]
    pub fn span(&self, part: Part) -> Option<Range<usize>> {
        let span = &self.spans[part as usize];
        (span.start < span.end).then_some(span.start as usize..span.end as usize)
    }

    /// JSON text of a part, as sent.
    #[must_use]
    pub fn raw(&self, part: Part) -> Option<&'a str> {
        self.span(part).map(|span| &self.text[span])
    }

    /// A part that is a string, decoded; `None` when absent or of another type.
    #[must_use]
    pub fn string(&self, part: Part) -> Option<Cow<'a, str>> {
        text::decode_string(self.raw(part)?)
    }

    /// A part as a tree; `None` when absent.
    #[must_use]
    pub fn value(&self, part: Part) -> Option<serde_json::Value> {
        // The walker accepts a subset of what serde_json accepts, so parsing again can't fail.
        serde_json::from_str(self.raw(part)?).ok()
    }

    /// The frame without the member that a part is the value of, and without the comma that joins it. The text
    /// itself when there is no such part.
    #[must_use]
    pub fn without(&self, part: Part) -> Cow<'a, str> {
        let Some(value) = self.span(part) else { return self.wire_text() };
        let bytes = self.text.as_bytes();
        // Back over the colon and the quotes of the key; a quote inside a key is behind a backslash.
        let is_space = |at: usize| matches!(bytes[at], b' ' | b'\t' | b'\n');
        let skip_back = |mut at: usize| {
            while at > 0 && is_space(at - 1) {
                at -= 1;
            }
            at
        };
        let closing = skip_back(skip_back(value.start) - 1) - 1;
        let mut start = closing;
        loop {
            start = self.text[..start].rfind('"').unwrap_or(0);
            let backslashes = bytes[..start].iter().rev().take_while(|byte| **byte == b'\\').count();
            if backslashes % 2 == 0 {
                break;
            }
        }
        let before = skip_back(start);
        let (mut from, mut to) = (start, value.end);
        if before > 0 && bytes[before - 1] == b',' {
            from = before - 1;
        } else {
            while to < bytes.len() && is_space(to) {
                to += 1;
            }
            if bytes.get(to) == Some(&b',') {
                to += 1;
            }
        }
        let rest = format!("{}{}", &self.text[..from], &self.text[to..]);
        Cow::Owned(if self.has_line_separators { text::escape_line_separators(&rest) } else { rest })
    }

    /// The frame with the text of some parts replaced. `edits` need not be sorted and must not overlap.
    #[must_use]
    pub fn splice(&self, edits: &[(Range<usize>, String)]) -> String {
        let mut sorted: Vec<&(Range<usize>, String)> = edits.iter().collect();
        sorted.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, replacement) in sorted {
            out.push_str(&self.text[at..range.start]);
            out.push_str(replacement);
            at = range.end;
        }
        out.push_str(&self.text[at..]);
        if self.has_line_separators { text::escape_line_separators(&out) } else { out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_taken_out_with_its_comma() {
        for (frame, rest) in [
            (r#"{"a":1,"params":{"requestState":"x","name":"t"}}"#, r#"{"a":1,"params":{"name":"t"}}"#),
            (r#"{"a":1,"params":{"name":"t" , "requestState" : "x" }}"#, r#"{"a":1,"params":{"name":"t"  }}"#),
            (r#"{"a":1,"params":{"requestState":{"k":[1,"]"]}}}"#, r#"{"a":1,"params":{}}"#),
            (r#"{"a":1,"params":{"n":1,"request\u0053tate":"x","m":2}}"#, r#"{"a":1,"params":{"n":1,"m":2}}"#),
            (r#"{"a":1,"params":{"n\"":"\"requestState\":1"}}"#, r#"{"a":1,"params":{"n\"":"\"requestState\":1"}}"#),
        ] {
            let frame = frame.replacen("\"a\":1", r#""jsonrpc":"2.0","method":"m","id":1"#, 1);
            let rest = rest.replacen("\"a\":1", r#""jsonrpc":"2.0","method":"m","id":1"#, 1);
            let parsed = Frame::parse(frame.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
            let out = parsed.without(Part::RequestState);
            assert_eq!(out, rest);
            assert!(Frame::parse(out.as_bytes(), Direction::ToServer, &Limits::default()).is_ok());
        }
    }
}
