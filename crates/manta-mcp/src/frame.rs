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
    /// `params.clientInfo` of `initialize`
    ClientInfo = Params "clientInfo",
    /// `params._meta.progressToken`
    MetaProgressToken = ParamsMeta "progressToken",
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
