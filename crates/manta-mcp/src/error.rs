//! Why a frame was refused, in words its sender can act on.

use std::fmt;

/// The rule a frame broke. Each one is a message that two components would read differently, or
/// that could exhaust one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than [`crate::Limits::max_bytes`].
    TooLong,
    /// Not UTF-8: decoders replace, drop or refuse the bytes.
    NotUtf8,
    /// Starts with a byte-order mark, which some parsers skip and others refuse.
    ByteOrderMark,
    /// Not JSON (RFC 8259). Includes NaN, Infinity, comments and trailing commas, which some parsers accept.
    Syntax,
    /// Bytes after the message.
    TrailingData,
    /// A carriage return inside the frame: readers with universal newlines split the line there
    /// and would take the rest for a message of its own.
    CarriageReturn,
    /// Nested deeper than [`crate::Limits::max_depth`].
    TooDeep,
    /// An array of messages; batches left the protocol with revision 2025-06-18.
    Batch,
    /// The top level is not an object.
    NotAnObject,
    /// The same key twice in one object: first wins in some parsers, last wins in others.
    DuplicateKey,
    /// Two keys of one object that differ in letter case only; decoders that fold case see a duplicate.
    CaseTwin,
    /// A key equal to a protocol key except for letter case; decoders that fold case read it as that key.
    CaseVariant,
    /// A NUL character in a key, which ends the key for some decoders.
    NulInKey,
    /// A key named `__proto__`: copying it in JavaScript changes the object's prototype instead.
    PrototypeKey,
    /// A surrogate escape without its other half; decoders replace, keep or refuse it.
    LoneSurrogate,
    /// An integer outside ±(2^53 − 1), which JavaScript rounds.
    UnsafeInteger,
    /// A number too large for a double: infinity, an error or a big integer depending on the parser.
    NumberOverflow,
    /// The request id is not a string or a safe integer, or is too long.
    BadId,
    /// `jsonrpc` is not `"2.0"`, or members of a request and of a response are mixed or missing.
    NotJsonRpc,
    /// `params` is neither an object nor absent.
    ParamsNotObject,
    /// `_meta` of a request is neither an object nor absent: SDKs find no message in it, and some then answer nobody.
    MetaNotObject,
}

impl Refusal {
    /// Lowercase phrase for messages and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "frame is too long",
            Self::NotUtf8 => "frame is not UTF-8",
            Self::ByteOrderMark => "frame starts with a byte-order mark",
            Self::Syntax => "frame is not valid JSON",
            Self::TrailingData => "data after the message",
            Self::CarriageReturn => "carriage return inside the frame",
            Self::TooDeep => "nesting is too deep",
            Self::Batch => "batches are not allowed",
            Self::NotAnObject => "message is not an object",
            Self::DuplicateKey => "duplicate key",
            Self::CaseTwin => "two keys differ in letter case only",
            Self::CaseVariant => "key differs from a protocol key in letter case only",
            Self::NulInKey => "key contains a NUL character",
            Self::PrototypeKey => "key is `__proto__`",
            Self::LoneSurrogate => "string contains half a surrogate pair",
            Self::UnsafeInteger => "integer is outside the range every parser keeps exactly",
            Self::NumberOverflow => "number is too large for a double",
            Self::BadId => "request id is not a string or a safe integer",
            Self::NotJsonRpc => "not a JSON-RPC 2.0 message",
            Self::ParamsNotObject => "params is not an object",
            Self::MetaNotObject => "`_meta` is not an object",
        }
    }

    /// JSON-RPC code of the error to answer with: −32700 where no JSON value was read, else −32600.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::NotUtf8 | Self::ByteOrderMark | Self::Syntax | Self::TrailingData | Self::CarriageReturn => -32700,
            _ => -32600,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused frame: which rule, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameError {
    /// The rule.
    pub refusal: Refusal,
    /// Byte offset in the frame at which it was noticed.
    pub at: usize,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.refusal, self.at)
    }
}

impl std::error::Error for FrameError {}
