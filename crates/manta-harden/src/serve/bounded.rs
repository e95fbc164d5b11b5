//! Lines of bounded length, and an answer for those that are longer.
//!
//! The SDK drops a line beyond its limit and says so in a log; the client then waits for an answer that
//! never comes. Here the id is taken out of such a line, and a small request with that id goes on in its
//! place, which the wrapper answers with an error that names the limit (CWE-400).

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use manta_mcp::Refusal;
use regex::bytes::Regex;
use tokio::io::{AsyncRead, ReadBuf};

use super::strict::{self, NOBODY};

/// Longest line that is passed on.
pub(super) const MAX_LINE: usize = 8 << 20;
/// The method of the small request. It exists for nobody else: from outside it is answered the same way.
pub(crate) const TOO_LONG: &str = "manta/message-too-long";
/// After one of these there is a session, or none is needed.
const OPENS: [&[u8]; 2] = [b"\"notifications/initialized\"", b"\"io.modelcontextprotocol/protocolVersion\""];
/// How much of a long line's beginning and end is searched for the id.
const EDGE: usize = 4096;

/// A reader that never passes on more than [`MAX_LINE`] bytes without a line end.
pub(super) struct Bounded<R> {
    inner: R,
    /// The line that is being read; of one that is too long, its first and last bytes.
    line: Vec<u8>,
    is_too_long: bool,
    /// The client has said who it is, so that requests are answered.
    is_open: bool,
    /// Whole lines that wait to be read, from `position` on.
    whole: Vec<u8>,
    position: usize,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, line: Vec::new(), is_too_long: false, is_open: false, whole: Vec::new(), position: 0 }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
        self.is_too_long |= self.line.len() > MAX_LINE;
        if self.is_too_long && self.line.len() > 2 * EDGE {
            let tail = self.line.len() - EDGE;
            self.line.drain(EDGE..tail);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_too_long) {
            self.whole.extend(replacement(&line));
        } else {
            self.pass(&line);
        }
        self.whole.push(b'\n');
    }

    /// A line that is flawed is answered in place of being read; before there is a session nobody could answer.
    fn pass(&mut self, line: &[u8]) {
        match strict::flaw(line) {
            None => {
                self.is_open |= OPENS.iter().any(|mark| line.windows(mark.len()).any(|window| window == *mark));
                self.whole.extend_from_slice(line);
            }
            Some(refusal) if self.is_open => {
                let has_id = !matches!(refusal, Refusal::BadId | Refusal::Batch | Refusal::NotAnObject);
                let id = has_id.then(|| id_in(line)).flatten();
                self.whole.extend(strict::request(refusal, id.as_deref().unwrap_or(NOBODY)));
            }
            Some(_) => {}
        }
    }
}

/// A request with the id of a line of which only the edges are left; nothing for a notification.
fn replacement(edges: &[u8]) -> Vec<u8> {
    let Some(id) = id_in(edges) else { return Vec::new() };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{TOO_LONG}"}}"#).into_bytes()
}

/// The id in a line that can't be read as a whole.
fn id_in(edges: &[u8]) -> Option<String> {
    static ID: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?-u)"id"[ \t]*:[ \t]*("[!#-\[\]-~ ]{0,256}"|-?[0-9]{1,18})[ \t\r]*[,}]"#)
            .expect("a valid pattern")
    });
    // Before the parameters, or after them. Who writes a false id into the parameters is answered under it.
    let head = &edges[..edges.len().min(EDGE)];
    let params = head.windows(8).position(|window| window == b"\"params\"").unwrap_or(head.len());
    let found = ID.captures(&head[..params]).or_else(|| ID.captures_iter(edges).last());
    found.and_then(|captures| captures.get(1)).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned())
}

impl<R: AsyncRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        while this.position == this.whole.len() {
            this.whole.clear();
            this.position = 0;
            let mut chunk = [0; 16 << 10];
            let mut buffer = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                // The end. A last line without its end is passed on as it is.
                if this.line.is_empty() || this.is_too_long {
                    return Poll::Ready(Ok(()));
                }
                let line = std::mem::take(&mut this.line);
                this.pass(&line);
                break;
            }
            this.take(buffer.filled());
        }
        let most = out.remaining().min(this.whole.len() - this.position);
        out.put_slice(&this.whole[this.position..this.position + most]);
        this.position += most;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn pass(input: &[u8]) -> String {
        let mut out = Vec::new();
        Bounded::new(input).read_to_end(&mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn ordinary_lines_pass_unchanged() {
        let (one, two) = (r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#, r#"{"jsonrpc":"2.0","method":"b"}"#);
        for text in ["".to_owned(), format!("{one}\n"), format!("{one}\n\n{two}\n"), format!("{one}\n{two}")] {
            assert_eq!(pass(text.as_bytes()).await, text);
        }
    }

    #[tokio::test]
    async fn a_flawed_line_becomes_a_request_for_its_answer() {
        let open = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        for (line, expected) in [
            (r#"{"id":7,"method":"x","params":{"a":NaN}}"#, strict::request(Refusal::Syntax, "7")),
            (r#"{"id":7,"method":"x","method":"y"}"#, strict::request(Refusal::DuplicateKey, "7")),
            (r#"{"jsonrpc":"2.0","id":1e2,"method":"x"}"#, strict::request(Refusal::BadId, NOBODY)),
            (r#"{"id":1e2,"method":"x"}"#, strict::request(Refusal::NotJsonRpc, NOBODY)),
            (r#"[{"id":7,"method":"x"}]"#, strict::request(Refusal::Batch, NOBODY)),
            ("{", strict::request(Refusal::Syntax, NOBODY)),
        ] {
            let passed = pass(format!("{open}\n{line}\n").as_bytes()).await;
            assert_eq!(passed, format!("{open}\n{}\n", String::from_utf8(expected).unwrap()));
            assert_eq!(pass(format!("{line}\n").as_bytes()).await, "\n", "before there is a session");
        }
    }

    #[tokio::test]
    async fn a_long_line_becomes_a_small_request_with_its_id() {
        let long = "x".repeat(MAX_LINE + 1);
        let small = |id: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{TOO_LONG}\"}}\n");
        for (line, expected) in [
            (format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"params\":{{\"id\":9,\"x\":\"{long}\"}}}}\n"), small("7")),
            (format!("{{\"params\":{{\"id\":9,\"x\":\"{long}\"}},\"id\":\"abc\"}}\n"), small("\"abc\"")),
            (format!("{{\"method\":\"notifications/x\",\"params\":\"{long}\"}}\n"), "\n".to_owned()),
        ] {
            assert_eq!(pass(line.as_bytes()).await, expected);
        }
        let around = r#"{"jsonrpc":"2.0","method":"a"}"#;
        let between = format!("{around}\n{long}\n{around}\n");
        assert_eq!(pass(between.as_bytes()).await, format!("{around}\n\n{around}\n"));
    }
}
