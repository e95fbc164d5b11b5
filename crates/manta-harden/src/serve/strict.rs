//! Lines that mean one thing, and an answer for those that don't.
//!
//! The SDK says nothing about a line that is no JSON, takes the last of two equal keys, and reads `1e2` as the id 100.
//! Whoever wrote the line waits, and what a proxy in front of this server read may be something else (CWE-436).
//! Like a line that is too long, such a one becomes a small request that is answered with the reason.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use tokio::io::AsyncWrite;

/// The method of the small request; `params.why` says which of [`Flaw`].
pub(crate) const REFUSED: &str = "manta/refused";
/// Its id where the line has none: the answer goes to `null`.
pub(super) const NOBODY: &str = "\"manta/nobody\"";
/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not UTF-8.
    Encoding,
    /// No JSON.
    Syntax,
    /// Two keys of an object are equal, or differ in case only.
    Twins,
    /// Nested too deeply.
    Depth,
    /// No object: batches are not allowed.
    Shape,
    /// An id that is no string and no whole number.
    Id,
}

impl Flaw {
    const ALL: [Self; 6] = [Self::Encoding, Self::Syntax, Self::Twins, Self::Depth, Self::Shape, Self::Id];

    /// JSON-RPC code and message of the answer.
    pub(crate) const fn answer(self) -> (i32, &'static str) {
        match self {
            Self::Encoding => (-32700, "the message is not UTF-8"),
            Self::Syntax => (-32700, "the message is not valid JSON"),
            Self::Twins => (-32600, "two keys of an object are equal or differ in letter case only"),
            Self::Depth => (-32600, "the message is nested too deeply"),
            Self::Shape => (-32600, "the message is not one object; batches are not allowed"),
            Self::Id => (-32600, "the id is no string and no whole number"),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Syntax => "syntax",
            Self::Twins => "twins",
            Self::Depth => "depth",
            Self::Shape => "shape",
            Self::Id => "id",
        }
    }

    /// The flaw that a small request names. From outside it can only choose its own answer.
    pub(crate) fn of(params: Option<&serde_json::Value>) -> Self {
        let why = params.and_then(|params| params.get("why")?.as_str()).unwrap_or_default();
        Self::ALL.into_iter().find(|flaw| flaw.word() == why).unwrap_or(Self::Syntax)
    }

    /// The small request, with the id as it was written.
    pub(super) fn request(self, id: &str) -> Vec<u8> {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{REFUSED}","params":{{"why":"{}"}}}}"#, self.word())
            .into_bytes()
    }
}

/// What is wrong with a line; `None` for one that has one reading.
pub(super) fn flaw(line: &[u8]) -> Option<Flaw> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let Ok(text) = std::str::from_utf8(line) else { return Some(Flaw::Encoding) };
    if text.starts_with('\u{feff}') {
        return Some(Flaw::Syntax);
    }
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Once { depth: 0, found: &mut found, is_id: false }.deserialize(&mut reader);
    match read.and_then(|()| reader.end()) {
        Err(_) => Some(found.unwrap_or(Flaw::Syntax)),
        Ok(()) => None,
    }
}

/// Reads a value without keeping it, and stops at the first flaw.
struct Once<'a> {
    depth: usize,
    found: &'a mut Option<Flaw>,
    is_id: bool,
}

impl Once<'_> {
    fn stop<E: serde::de::Error>(self, flaw: Flaw) -> Result<(), E> {
        *self.found = Some(flaw);
        Err(E::custom("a flaw"))
    }

    /// A value that is neither an object nor a list.
    fn scalar<E: serde::de::Error>(self, can_be_id: bool) -> Result<(), E> {
        match (self.depth, self.is_id && !can_be_id) {
            (0, _) => self.stop(Flaw::Shape),
            (_, true) => self.stop(Flaw::Id),
            _ => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar(false)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.scalar(true)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.scalar(i64::try_from(number).is_ok())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar(false)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar(true)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match self.depth {
            0 => return self.stop(Flaw::Shape),
            MAX_DEPTH => return self.stop(Flaw::Depth),
            _ if self.is_id => return self.stop(Flaw::Id),
            depth => {
                while items
                    .next_element_seed(Once { depth: depth + 1, found: &mut *self.found, is_id: false })?
                    .is_some()
                {}
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        if self.depth == MAX_DEPTH {
            return self.stop(Flaw::Depth);
        }
        if self.is_id {
            return self.stop(Flaw::Id);
        }
        let mut keys = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            let is_id = self.depth == 0 && key == "id";
            keys.push(key.to_ascii_lowercase());
            members.next_value_seed(Once { depth: self.depth + 1, found: &mut *self.found, is_id })?;
        }
        keys.sort_unstable();
        match keys.windows(2).any(|pair| pair[0] == pair[1]) {
            true => {
                *self.found = Some(Flaw::Twins);
                Err(A::Error::custom("a flaw"))
            }
            false => Ok(()),
        }
    }
}

/// A writer that sends what is meant for nobody to `null`.
pub(super) struct ToNobody<W> {
    inner: W,
    out: Vec<u8>,
    sent: usize,
}

impl<W> ToNobody<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, out: Vec::new(), sent: 0 }
    }
}

impl<W: AsyncWrite + Unpin> ToNobody<W> {
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(context, &self.out[self.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.out.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for ToNobody<W> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        // The SDK writes whole messages, each with its id near the beginning.
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains(NOBODY) => {
                let named = text.replace(&format!("\"id\":{NOBODY}"), "\"id\":null");
                this.out.extend_from_slice(named.as_bytes());
            }
            _ => this.out.extend_from_slice(bytes),
        }
        if let Poll::Ready(Err(error)) = this.drain(context) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        Pin::new(&mut this.inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        Pin::new(&mut this.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_reading_or_a_flaw() {
        for line in
            ["", "  ", "{}", r#"{"id":1,"a":[{"b":null},1e2,-0]}"#, r#"{"id":"x","params":{"id":1.5}}"#, "{\"a\":1}\r"]
        {
            assert_eq!(flaw(line.as_bytes()), None, "{line}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(80), "]".repeat(80));
        for (line, expected) in [
            ("{", Flaw::Syntax),
            ("{} x", Flaw::Syntax),
            ("{}{}", Flaw::Syntax),
            (r#"{"a":1e400}"#, Flaw::Syntax),
            (r#"{"a":NaN}"#, Flaw::Syntax),
            (r#"{"a":"\ud800"}"#, Flaw::Syntax),
            ("\u{feff}{}", Flaw::Syntax),
            (r#"{"id":1,"id":2}"#, Flaw::Twins),
            (r#"{"params":{"name":"a","n\u0061me":"b"}}"#, Flaw::Twins),
            (r#"{"params":{"name":"a","Name":"b"}}"#, Flaw::Twins),
            ("[]", Flaw::Shape),
            ("1", Flaw::Shape),
            ("null", Flaw::Shape),
            (r#"{"id":1e2}"#, Flaw::Id),
            (r#"{"id":-0}"#, Flaw::Id),
            (r#"{"id":[1]}"#, Flaw::Id),
            (r#"{"id":{}}"#, Flaw::Id),
            (r#"{"id":18446744073709551615}"#, Flaw::Id),
            (deep.as_str(), Flaw::Depth),
        ] {
            assert_eq!(flaw(line.as_bytes()), Some(expected), "{line}");
        }
        assert_eq!(flaw(b"{\"a\":\"\xff\"}"), Some(Flaw::Encoding));
        for flaw in Flaw::ALL {
            let request: serde_json::Value = serde_json::from_slice(&flaw.request("7")).unwrap();
            assert_eq!(Flaw::of(request.get("params")), flaw);
        }
    }
}
