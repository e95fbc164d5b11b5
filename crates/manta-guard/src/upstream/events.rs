//! Server-sent events as they arrive (HTML standard, section 9.2.6), within a limit.

use std::borrow::Cow;

use manta_mcp::one_line;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its data, on one line: a line break between tokens of JSON means nothing.
    pub(crate) data: String,
    /// Position in the stream, for resuming it.
    pub(crate) id: Option<String>,
    /// How long to wait before resuming, in milliseconds.
    pub(crate) retry: Option<u64>,
}

/// Splits a stream into events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    /// The last byte was a carriage return, so a line feed now ends nothing.
    after_return: bool,
    max: usize,
    /// Too long, not UTF-8, or with a line break inside a string, which is no JSON.
    is_unreadable: bool,
}

impl Events {
    /// Events of at most `max` bytes; the data of longer and broken ones is dropped and the event marked by `Err`.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// Takes the next bytes; gives each event that is complete to `see`, `Err` for one that can't be read.
    pub(crate) fn feed(&mut self, bytes: &[u8], see: &mut dyn FnMut(Result<Event, ()>)) {
        for &byte in bytes {
            let ends = match byte {
                b'\n' if std::mem::take(&mut self.after_return) => continue,
                b'\n' | b'\r' => true,
                _ => false,
            };
            self.after_return = byte == b'\r';
            if ends {
                self.end_of_line(see);
            } else if self.line.len() + self.event.data.len() < self.max {
                self.line.push(byte);
            } else {
                self.is_unreadable = true;
            }
        }
    }

    fn end_of_line(&mut self, see: &mut dyn FnMut(Result<Event, ()>)) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.event);
            if let Cow::Owned(line) = one_line(event.data.as_bytes()) {
                self.is_unreadable |= line.contains(&b'\n');
                event.data = String::from_utf8(line).unwrap_or_default();
            }
            let (had_data, was_unreadable) =
                (std::mem::take(&mut self.has_data), std::mem::take(&mut self.is_unreadable));
            if was_unreadable {
                see(Err(()));
            } else if had_data || event.id.is_some() || event.retry.is_some() {
                see(Ok(event));
            }
            return;
        }
        let Ok(line) = std::str::from_utf8(&line) else {
            self.is_unreadable = true;
            return;
        };
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "retry" => self.event.retry = value.parse().ok(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(stream: &[u8], size: usize, max: usize) -> Vec<Result<String, ()>> {
        let mut events = Events::new(max);
        let mut seen = Vec::new();
        for piece in stream.chunks(size) {
            events.feed(piece, &mut |event| seen.push(event.map(|event| event.data)));
        }
        seen
    }

    #[test]
    fn events_come_out_whole_whatever_the_pieces_and_line_ends() {
        let stream =
            b": comment\r\n\r\nevent: message\ndata: {\"a\":\ndata: 1}\nid: 7\n\ndata:x\r\rdata: y\n\ndata: unfinished";
        for size in 1..stream.len() {
            assert_eq!(
                all(stream, size, 1000),
                [Ok("{\"a\": 1}".to_owned()), Ok("x".to_owned()), Ok("y".to_owned())],
                "pieces of {size}"
            );
        }
        let mut events = Events::new(100);
        let mut seen = Vec::new();
        events.feed(b"id: 9\nretry: 50\ndata: z\n\n", &mut |event| seen.push(event));
        assert_eq!(seen, [Ok(Event { data: "z".into(), id: Some("9".into()), retry: Some(50) })]);
    }

    #[test]
    fn a_line_break_inside_a_string_makes_no_message_of_two_lines() {
        let stream = b"data: {\"a\":\"x\ndata: y\"}\n\ndata: {\"b\":\ndata: 1}\n\n";
        assert_eq!(all(stream, 7, 1000), [Err(()), Ok("{\"b\": 1}".to_owned())]);
    }

    #[test]
    fn an_event_without_end_takes_bounded_memory() {
        let mut events = Events::new(1000);
        let mut seen = 0;
        events.feed(b"data: ", &mut |_| seen += 1);
        for _ in 0..1000 {
            events.feed(&[b'x'; 1000], &mut |_| seen += 1);
        }
        assert!(events.line.capacity() < 4096);
        let mut last = None;
        events.feed(b"\n\n", &mut |event| last = Some(event));
        assert_eq!((seen, last), (0, Some(Err(()))));
    }
}
