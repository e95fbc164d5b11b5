//! Trace context as it travels in `_meta.traceparent` (W3C Trace Context, version 00; SEP-414).
//!
//! It comes from the caller and decides nothing. With `[otel] join` a call's span becomes part of the caller's trace,
//! and a server behind the guard is told of the guard's span in place of the caller's.

use std::fmt;

/// Trace, span and flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    trace: String,
    span: String,
    flags: String,
}

impl TraceParent {
    /// Reads a `traceparent`; `None` for what is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, span, flags] = parts.as_slice() else { return None };
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let is_some = |text: &str| text.bytes().any(|b| b != b'0');
        let is_valid = *version == "00"
            && is_hex(trace, 32)
            && is_hex(span, 16)
            && is_hex(flags, 2)
            && is_some(trace)
            && is_some(span);
        is_valid.then(|| Self { trace: (*trace).into(), span: (*span).into(), flags: (*flags).into() })
    }

    /// A span of its own below `parent`, or the first of a new trace; `None` without randomness.
    #[must_use]
    pub fn below(parent: Option<&Self>) -> Option<Self> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).ok()?;
        let (trace, span) = bytes.split_at(16);
        let (trace, flags) = match parent {
            Some(parent) => (parent.trace.clone(), parent.flags.clone()),
            None => (crate::digest::hex(trace), "01".to_owned()),
        };
        Some(Self { trace, span: crate::digest::hex(span), flags })
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn trace(&self) -> &str {
        &self.trace
    }

    /// 16 hexadecimal digits.
    #[must_use]
    pub fn span(&self) -> &str {
        &self.span
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{}", self.trace, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_below_another_is_of_its_trace_and_what_is_none_begins_one() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let caller = TraceParent::parse(text).unwrap();
        assert_eq!(caller.to_string(), text);
        let own = TraceParent::below(Some(&caller)).unwrap();
        assert_eq!((own.trace(), own.flags.as_str()), (caller.trace(), "00"), "sampling is the caller's word");
        assert_ne!(own.span(), caller.span());
        let first = TraceParent::below(None).unwrap();
        assert_eq!(TraceParent::parse(&first.to_string()), Some(first));
        for none in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-00",
            "00-00000000000000000000000000000000-b7ad6b7169203331-00",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\"",
        ] {
            assert_eq!(TraceParent::parse(none), None, "{none}");
        }
    }
}
