//! Splits a byte stream into frames without ever holding more than one frame's limit.

use manta_mcp::scan::IdScanner;

/// Where a stream of lines stands.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Start of the line being read.
    start: usize,
    /// Up to here the buffer is known to hold no line break.
    searched: usize,
    max_line: usize,
    /// A line that is too long: its id is looked for, its bytes are not kept.
    overlong: Option<IdScanner>,
}

/// A piece of the stream.
#[derive(Debug)]
pub enum Line<'a> {
    /// A line without its line feed.
    Frame(&'a [u8]),
    /// A line that was longer than the limit, and what was seen of it.
    TooLong(Box<IdScanner>),
}

impl Lines {
    /// Lines of at most `max_line` bytes.
    #[must_use]
    pub fn new(max_line: usize) -> Self {
        Self { buffer: Vec::with_capacity(64 << 10), start: 0, searched: 0, max_line, overlong: None }
    }

    /// Adds what was read from the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            self.searched = 0;
        } else if self.start > 64 << 10 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete line, if any. Empty lines are skipped.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        loop {
            let Some(offset) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
                self.searched = self.buffer.len();
                self.drop_overlong();
                return None;
            };
            let end = self.searched + offset;
            let (start, next) = (self.start, end + 1);
            self.start = next;
            self.searched = next;
            if let Some(mut scanner) = self.overlong.take() {
                scanner.feed(&self.buffer[start..end]);
                return Some(Line::TooLong(Box::new(scanner)));
            }
            if end - start > self.max_line {
                return Some(Line::TooLong(Box::new(IdScanner::scan(&self.buffer[start..end]))));
            }
            if self.buffer[start..end].iter().any(|byte| !byte.is_ascii_whitespace()) {
                return Some(Line::Frame(&self.buffer[start..end]));
            }
        }
    }

    /// What is left when the stream ends without a line feed.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Gives up the bytes of a line that has outgrown the limit.
    fn drop_overlong(&mut self) {
        if self.overlong.is_none() && self.buffer.len() - self.start <= self.max_line {
            return;
        }
        let scanner = self.overlong.get_or_insert_with(IdScanner::default);
        scanner.feed(&self.buffer[self.start..]);
        self.buffer.clear();
        self.start = 0;
        self.searched = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manta_mcp::Id;

    fn all(lines: &mut Lines) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line() {
            seen.push(match line {
                Line::Frame(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Line::TooLong(scanner) => format!("too long {:?}", scanner.id()),
            });
        }
        seen
    }

    #[test]
    fn lines_come_out_whole_whatever_the_pieces() {
        let stream = b"{\"a\":1}\n\n  \n{\"b\":2}\r\n{\"c\"";
        for size in 1..stream.len() {
            let mut lines = Lines::new(100);
            let mut seen = Vec::new();
            for piece in stream.chunks(size) {
                lines.feed(piece);
                seen.extend(all(&mut lines));
            }
            assert_eq!(seen, ["{\"a\":1}", "{\"b\":2}\r"], "pieces of {size}");
            assert_eq!(lines.rest(), b"{\"c\"");
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_keeps_its_id() {
        let mut lines = Lines::new(1000);
        lines.feed(br#"{"jsonrpc":"2.0","id":42,"method":"x","params":{"s":""#);
        for _ in 0..10_000 {
            assert!(lines.next_line().is_none());
            lines.feed(&[b'x'; 100]);
        }
        assert!(lines.buffer.capacity() < 256 << 10);
        lines.feed(b"\"}}\n{\"next\":1}\n");
        assert_eq!(all(&mut lines), [format!("too long {:?}", Some(&Id::Number(42))), "{\"next\":1}".to_owned()]);
    }
}
