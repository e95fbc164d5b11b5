//! Messages on standard input and output, framed as the base protocol of the Language Server Protocol says.
//!
//! Lengths are believed only up to a limit: what is at the other end may be no editor, and a number must not decide how
//! much memory is taken.

use std::io::{self, BufRead, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender};
use lsp_server::{Connection, Message};

use crate::exit::Failure;

/// Longest message: a document of the largest size a scan reads, with much of it escaped.
const LONGEST: u64 = 128 << 20;
/// Longest header of a message.
const LONGEST_HEADER: u64 = 4 << 10;

/// The threads that read and write, and what stopped the one that reads.
pub(super) struct Wire {
    writer: JoinHandle<io::Result<()>>,
    problem: Arc<Mutex<Option<String>>>,
}

/// Starts to read messages and to write them.
pub(super) fn open() -> (Connection, Wire) {
    let (to_server, receiver) = crossbeam_channel::bounded(0);
    let (sender, to_editor) = crossbeam_channel::bounded(0);
    let problem = Arc::new(Mutex::new(None));
    let found = Arc::clone(&problem);
    // Nobody waits for this thread: standard input may stay open for good. When it ends, the receiver learns it.
    thread::spawn(move || {
        if let Err(text) = read_all(&mut io::stdin().lock(), &to_server) {
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
        drop(to_server);
    });
    let writer = thread::spawn(move || write_all(&to_editor));
    (Connection { sender, receiver }, Wire { writer, problem })
}

impl Wire {
    /// Waits until everything is written. The connection has to be gone by now.
    ///
    /// # Errors
    /// When what the editor sent was no message, or it took none.
    pub(super) fn close(self) -> Result<(), Failure> {
        let failed = |problem: String| Failure::new(format!("failed to talk to the editor: {problem}"));
        let written = self.writer.join().unwrap_or_else(|_| Err(io::Error::other("internal error while writing")));
        if let Some(problem) = self.problem.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(failed(problem));
        }
        match written {
            // An editor that goes without a word is gone all the same.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(error.to_string())),
            _ => Ok(()),
        }
    }
}

/// Passes on what the editor says until it ends, or nobody listens any more.
fn read_all(from: &mut dyn BufRead, to: &Sender<Message>) -> Result<(), String> {
    while let Some(message) = read(from)? {
        let is_last = matches!(&message, Message::Notification(last) if last.method == "exit");
        if to.send(message).is_err() || is_last {
            break;
        }
    }
    Ok(())
}

fn write_all(messages: &Receiver<Message>) -> io::Result<()> {
    let mut to = io::stdout().lock();
    for message in messages {
        message.write(&mut to)?;
    }
    to.flush()
}

/// The next message; none at the end.
fn read(from: &mut dyn BufRead) -> Result<Option<Message>, String> {
    let Some(length) = header(from)? else { return Ok(None) };
    if length > LONGEST {
        return Err(format!("a message of {length} bytes is longer than {} MiB", LONGEST >> 20));
    }
    let mut bytes = Vec::new();
    // Memory is taken as bytes arrive, not as they are announced.
    from.take(length).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if (bytes.len() as u64) < length {
        return Err(format!("a message of {length} bytes ended after {}", bytes.len()));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| format!("a message is no JSON-RPC: {error}"))
}

/// The length that the header of the next message announces; none at the end.
fn header(from: &mut dyn BufRead) -> Result<Option<u64>, String> {
    let mut from = from.take(LONGEST_HEADER);
    let mut length = None;
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        let Some(line) = line.strip_suffix(b"\n") else {
            let is_end = line.is_empty() && length.is_none() && from.limit() > 0;
            return if is_end { Ok(None) } else { Err("the header of a message has no end".to_owned()) };
        };
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            return length.map(Some).ok_or_else(|| "a message has no Content-Length".to_owned());
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(format!("{line:?} is no header of a message"));
        };
        if name.eq_ignore_ascii_case("Content-Length") {
            let number = value.trim().parse().map_err(|_| format!("{:?} is no Content-Length", value.trim()))?;
            length = Some(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> String {
        read(&mut &*bytes).unwrap_err()
    }

    #[test]
    fn messages_follow_their_headers() {
        let body = r#"{"jsonrpc":"2.0","method":"exit"}"#;
        let framed = format!("content-length: {}\r\nContent-Type: x; charset=utf-8\r\n\r\n{body}", body.len());
        let bytes = format!("{framed}{framed}").into_bytes();
        let mut from = &bytes[..];
        for _ in 0..2 {
            assert!(matches!(read(&mut from), Ok(Some(Message::Notification(exit))) if exit.method == "exit"));
        }
        assert!(matches!(read(&mut from), Ok(None)));
    }

    #[test]
    fn what_is_no_message_is_named() {
        for (bytes, expected) in [
            (
                &b"Content-Length: 18446744073709551615\r\n\r\n{}"[..],
                "a message of 18446744073709551615 bytes is longer",
            ),
            (b"Content-Length: 99999999999999999999999\r\n\r\n", "\"99999999999999999999999\" is no Content-Length"),
            (b"Content-Length: -1\r\n\r\n", "\"-1\" is no Content-Length"),
            (b"Content-Length: 100000000\r\n\r\n{}", "a message of 100000000 bytes ended after 2"),
            (b"Content-Length: 2\r\n\r\n[]", "a message is no JSON-RPC"),
            (b"Content-Type: x\r\n\r\n", "a message has no Content-Length"),
            (b"\x1b[2J\r\n", "\"\\u{1b}[2J\" is no header"),
            (b"Content-Length: 2\r\n", "the header of a message has no end"),
            (&[b'x'; 5000], "the header of a message has no end"),
        ] {
            let found = problem(bytes);
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
