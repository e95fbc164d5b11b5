//! Finding the request id of a frame that can't be parsed or kept.
//!
//! A refused frame still has a caller who waits. The scanner reads any bytes, in pieces of any
//! size, in constant memory, and remembers only the top-level `id` and whether there was a
//! `method`. When there is any doubt which id was meant, it answers none.

use crate::Id;

/// Longest key or id text that is kept, in bytes; six per character of an escaped id.
const CAPTURE: usize = Id::MAX_LEN * 6 + 2;

/// Streaming search for the top-level `id`.
#[derive(Debug, Default)]
pub struct IdScanner {
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// At depth 1: whether the next string is a key.
    expects_key: bool,
    /// Text of the key or `id` value being read.
    capture: Vec<u8>,
    capturing: Capturing,
    key_is_id: bool,
    ids: Vec<Id>,
    doubtful: bool,
    has_method: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Capturing {
    #[default]
    Nothing,
    Key,
    Id,
}

impl IdScanner {
    /// Reads a whole frame at once.
    #[must_use]
    pub fn scan(frame: &[u8]) -> Self {
        let mut scanner = Self::default();
        scanner.feed(frame);
        scanner
    }

    /// Continues with the next piece of the frame.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.in_string {
                self.string_byte(byte);
            } else {
                self.structure_byte(byte);
            }
        }
    }

    /// The request id, when exactly one was seen and it has an accepted form.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        match self.ids.as_slice() {
            [id] if !self.doubtful => Some(id),
            _ => None,
        }
    }

    /// Whether a top-level `method` was seen: the frame is a request or a notification.
    #[must_use]
    pub fn has_method(&self) -> bool {
        self.has_method
    }

    fn string_byte(&mut self, byte: u8) {
        self.keep(byte);
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.in_string = false;
            if self.capturing == Capturing::Key {
                self.end_of_key();
            }
        }
    }

    fn structure_byte(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 && self.expects_key {
                    self.start(Capturing::Key);
                }
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.expects_key = self.depth == 1 && byte == b'{';
            }
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_of_value();
                }
                self.depth = self.depth.saturating_sub(1);
                self.expects_key = false;
            }
            b',' if self.depth == 1 => {
                self.end_of_value();
                self.expects_key = true;
            }
            b':' if self.depth == 1 && self.key_is_id => {
                self.key_is_id = false;
                self.start(Capturing::Id);
            }
            _ => self.keep(byte),
        }
    }

    fn start(&mut self, what: Capturing) {
        self.capture.clear();
        self.capturing = what;
    }

    fn keep(&mut self, byte: u8) {
        if self.capturing == Capturing::Nothing || self.depth > 1 {
            return;
        }
        if self.capture.len() < CAPTURE {
            self.capture.push(byte);
        } else {
            self.doubtful |= self.capturing == Capturing::Id;
        }
    }

    fn end_of_key(&mut self) {
        self.capturing = Capturing::Nothing;
        self.expects_key = false;
        self.key_is_id = self.capture == b"\"id\"";
        self.has_method |= self.capture == b"\"method\"";
        // `"i\u0064"` and `"ID"` are `id` for some readers.
        self.doubtful |=
            self.capture.contains(&b'\\') || (!self.key_is_id && self.capture.eq_ignore_ascii_case(b"\"id\""));
    }

    fn end_of_value(&mut self) {
        if self.capturing != Capturing::Id {
            return;
        }
        self.capturing = Capturing::Nothing;
        match std::str::from_utf8(&self.capture).ok().and_then(|text| Id::from_json(text.trim())) {
            Some(id) => self.ids.push(id),
            None => self.doubtful = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(frame: &str) -> Option<Id> {
        IdScanner::scan(frame.as_bytes()).id().cloned()
    }

    #[test]
    fn the_top_level_id_is_found_in_broken_frames() {
        assert_eq!(id_of(r#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"id":9,"a":[[["#), Some(Id::Number(7)));
        assert_eq!(id_of(r#"{"method":"x","params":{"id":"no"},"id":"yes"}"#), Some(Id::Text("yes".into())));
        assert_eq!(id_of(r#"{"method":"x","params":"\"id\":3","id" : -4 }"#), Some(Id::Number(-4)));
    }

    #[test]
    fn doubt_means_no_id() {
        for frame in [
            r#"{"id":1,"id":2}"#,
            r#"{"id":1,"i\u0064":2}"#,
            r#"{"id":1,"ID":2}"#,
            r#"{"id":1.5}"#,
            r#"{"id":[1]}"#,
            r#"[{"id":1}]"#,
            r#"{"params":{"id":1}}"#,
            "",
        ] {
            assert_eq!(id_of(frame), None, "{frame}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_answer() {
        let frame = r#"{"a":"\\\"","id":"q\u0041","method":"tools/call","params":{}}"#;
        let whole = IdScanner::scan(frame.as_bytes());
        let mut pieces = IdScanner::default();
        for byte in frame.bytes() {
            pieces.feed(&[byte]);
        }
        assert_eq!(whole.id(), Some(&Id::Text("qA".into())));
        assert_eq!(pieces.id(), whole.id());
        assert!(pieces.has_method());
    }
}
