//! Messages that mean one thing, and an answer for those that don't.
//!
//! The SDK says nothing about a line that is no JSON, takes the last of two equal keys, and reads `1e2` as the id 100.
//! Whoever wrote the line waits, and what a proxy in front of this server read may be something else (CWE-436). Lines
//! are held to the same rules as in the guard; like a line that is too long, one that breaks them becomes a small
//! request that is answered with the reason.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use manta_mcp::scan::IdScanner;
use manta_mcp::{Direction, Frame, Limits, Refusal};
use serde_json::{Value, json};
use tokio::io::AsyncWrite;

use super::bounded::MAX_LINE;

/// The method of the small request; `params` has code and message of the answer.
pub(crate) const REFUSED: &str = "manta/refused";
/// Its id where the line has none: the answer goes to `null`.
pub(super) const NOBODY: &str = "\"manta/nobody\"";

/// What is wrong with a line; `None` for one that has one reading.
pub(super) fn flaw(line: &[u8]) -> Option<Refusal> {
    read(line).err()
}

/// The message of a line, which may be blank and then has none.
fn read(line: &[u8]) -> Result<Option<Frame<'_>>, Refusal> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let limits = Limits { max_bytes: MAX_LINE, ..Limits::default() };
    Frame::parse(line, Direction::ToServer, &limits).map(Some).map_err(|error| error.refusal)
}

/// The method that the body of a request over HTTP names, empty where it names none, or the error that answers a body
/// without one reading. Bodies may be formatted: line breaks between tokens are blanks, and inside of strings they are
/// no JSON.
pub(super) fn method_of(body: &[u8]) -> Result<String, Value> {
    let text: Vec<u8> = body.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect();
    let refusal = match read(&text) {
        Ok(frame) => return Ok(frame.map_or_else(String::new, |frame| frame.method().to_owned())),
        Err(refusal) => refusal,
    };
    let seen = IdScanner::scan(&text);
    let id = seen.id().map_or(Value::Null, |id| serde_json::from_str(&id.to_string()).unwrap_or_default());
    Err(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": refusal.code(), "message": refusal.as_str() } }))
}

/// The small request, with the id as it was written.
pub(super) fn request(refusal: Refusal, id: &str) -> Vec<u8> {
    let params = json!({ "code": refusal.code(), "message": refusal.as_str() });
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{REFUSED}","params":{params}}}"#).into_bytes()
}

/// Code and message of the answer to a small request. From outside it can only choose the words of its own answer.
pub(crate) fn answer(params: Option<&Value>) -> (i32, String) {
    let code = if params.is_some_and(|params| params["code"] == -32700) { -32700 } else { -32600 };
    let message = params.and_then(|params| params["message"].as_str()).unwrap_or("not a message of the protocol");
    (code, message.chars().take(100).collect())
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
        for line in [
            "",
            "  ",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":[{"b":null},1e2,-0]}}"#,
            r#"{"jsonrpc":"2.0","id":"x","method":"x","params":{"id":1.5}}"#,
            "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\r",
        ] {
            assert_eq!(flaw(line.as_bytes()), None, "{line}");
        }
        let of = |member: &str| flaw(format!(r#"{{"jsonrpc":"2.0","method":"x",{member}}}"#).as_bytes());
        let deep = format!("\"params\":{{\"a\":{}1{}}}", "[".repeat(80), "]".repeat(80));
        for (member, expected) in [
            (r#""id":1,"params":{"a":NaN}"#, Refusal::Syntax),
            (r#""id":1,"params":{"a":1e400}"#, Refusal::NumberOverflow),
            (r#""id":1,"params":{"a":"\ud800"}"#, Refusal::LoneSurrogate),
            (r#""id":1,"id":2"#, Refusal::DuplicateKey),
            (r#""id":1,"params":{"name":"a","n\u0061me":"b"}"#, Refusal::DuplicateKey),
            (r#""id":1,"params":{"name":"a","Name":"b"}"#, Refusal::CaseTwin),
            (r#""id":1e2"#, Refusal::BadId),
            (r#""id":[1]"#, Refusal::BadId),
            (r#""id":18446744073709551615"#, Refusal::UnsafeInteger),
            (deep.as_str(), Refusal::TooDeep),
        ] {
            assert_eq!(of(member), Some(expected), "{member}");
        }
        for (line, expected) in [
            ("{", Refusal::Syntax),
            ("{}{}", Refusal::TrailingData),
            ("\u{feff}{}", Refusal::ByteOrderMark),
            ("[]", Refusal::Batch),
            ("null", Refusal::NotAnObject),
        ] {
            assert_eq!(flaw(line.as_bytes()), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_body_may_be_formatted_and_has_one_reading() {
        let body =
            |members: &str| format!("{{\r\n  \"jsonrpc\": \"2.0\",\n  \"method\": \"x\",\r  {members}\r\n}}\r\n");
        assert_eq!(method_of(body("\"id\": 1").as_bytes()), Ok("x".to_owned()));
        assert_eq!(method_of(b""), Ok(String::new()));
        for (members, id, code) in [
            ("\"id\": 1, \"params\": {\"name\": \"a\", \"name\": \"b\"}", json!(1), -32600),
            ("\"id\": \"a\\u0022\", \"params\": {\"a\": \"b\rc\"}", json!("a\""), -32700),
            ("\"id\": 1e2", Value::Null, -32600),
        ] {
            let error = method_of(body(members).as_bytes()).unwrap_err();
            assert_eq!((&error["id"], &error["error"]["code"]), (&id, &json!(code)), "{members}");
        }
        assert_eq!(method_of(b"[]").unwrap_err()["error"]["message"], Refusal::Batch.as_str());
    }

    #[test]
    fn the_answer_says_what_was_found() {
        let request: Value = serde_json::from_slice(&request(Refusal::Syntax, "7")).unwrap();
        assert_eq!(answer(request.get("params")), (-32700, Refusal::Syntax.as_str().to_owned()));
        assert_eq!(answer(None).0, -32600);
        assert_eq!(answer(Some(&json!({ "code": 0, "message": "x".repeat(500) }))), (-32600, "x".repeat(100)));
    }
}
