//! JSON as people write it: comments, trailing commas, single quotes and bare keys (JSON5) don't stop the reader.

use super::{Key, MAX_DEPTH, Node, Problem, Value, span};

/// Reads every document in the text, one after another (a capture often has one per line).
pub(super) fn read(text: &str) -> Result<Vec<Node>, Problem> {
    let mut reader = Reader { text, at: 0 };
    let mut documents = Vec::new();
    reader.skip_blank();
    while reader.at < text.len() {
        documents.push(reader.node(0)?);
        reader.skip_blank();
    }
    if documents.is_empty() {
        return Err(reader.problem("nothing but white space"));
    }
    Ok(documents)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { offset: self.at, message: message.into() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// White space and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{1e}');
            self.at += rest.len() - trimmed.len();
            let skipped = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else {
                return;
            };
            self.at += skipped;
        }
    }

    fn node(&mut self, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(self.problem(format!("nested deeper than {MAX_DEPTH}")));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"' | b'\'') => Value::Text(self.quoted()?),
            Some(_) => self.word()?,
            None => return Err(self.problem("a value is missing")),
        };
        Ok(Node { span: span(start, self.at), value })
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.skip_blank();
            if self.eat(b'}') {
                return Ok(Value::Map(members));
            }
            let start = self.at;
            let text = match self.peek() {
                Some(b'"' | b'\'') => self.quoted()?,
                _ => self.bare().filter(|name| !name.is_empty()).ok_or_else(|| self.problem("a key is missing"))?,
            };
            let key = Key { span: span(start, self.at), text };
            self.skip_blank();
            if !self.eat(b':') {
                return Err(self.problem("`:` is missing"));
            }
            self.skip_blank();
            members.push((key, self.node(depth + 1)?));
            self.skip_blank();
            if !self.eat(b',') && self.peek() != Some(b'}') {
                return Err(self.problem("`,` or `}` is missing"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip_blank();
            if self.eat(b']') {
                return Ok(Value::List(items));
            }
            items.push(self.node(depth + 1)?);
            self.skip_blank();
            if !self.eat(b',') && self.peek() != Some(b']') {
                return Err(self.problem("`,` or `]` is missing"));
            }
        }
    }

    fn quoted(&mut self) -> Result<String, Problem> {
        let quote = self.peek();
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(stop) = rest.find(['\\', '"', '\'']) else {
                return Err(self.problem("the text does not end"));
            };
            out.push_str(&rest[..stop]);
            let found = rest.as_bytes().get(stop).copied();
            self.at += stop + 1;
            if found == Some(b'\\') {
                self.escape(&mut out);
            } else if found == quote {
                return Ok(out);
            } else if let Some(other) = found {
                out.push(char::from(other));
            }
        }
    }

    /// What stands behind a backslash. An escape that says nothing stands for itself.
    fn escape(&mut self, out: &mut String) {
        let Some(c) = self.rest().chars().next() else { return };
        self.at += c.len_utf8();
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => out.push(self.unicode()),
            other => out.push(other),
        }
    }

    fn unicode(&mut self) -> char {
        let Some(high) = self.hex4() else { return '\u{fffd}' };
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).unwrap_or('\u{fffd}');
        }
        let before = self.at;
        if self.rest().starts_with("\\u") {
            self.at += 2;
            if let Some(low @ 0xdc00..0xe000) = self.hex4() {
                return char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}');
            }
        }
        self.at = before;
        '\u{fffd}'
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(value)
    }

    /// A key without quotes.
    fn bare(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-'))).unwrap_or(rest.len());
        let name = rest.get(..end)?.to_owned();
        self.at += end;
        Some(name)
    }

    /// `true`, `false`, `null` or a number.
    fn word(&mut self) -> Result<Value, Problem> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_')))
            .unwrap_or(rest.len());
        let value = match rest.get(..end).unwrap_or("") {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" | "undefined" => Value::Null,
            number if number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
                Value::Number(number.to_owned())
            }
            _ => return Err(self.problem("neither a value nor a bracket")),
        };
        self.at += end;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let mut documents = read(text).unwrap();
        assert_eq!(documents.len(), 1, "{text}");
        documents.remove(0)
    }

    #[test]
    fn values_know_their_bytes() {
        let text = "{\n  // where it listens\n  \"url\": \"http:\\/\\/a\\u0062\", /* and */ args: ['x', 1.5e3,],\n}";
        let node = one(text);
        let url = node.get("url").unwrap();
        assert_eq!(url.text(), Some("http://ab"));
        assert_eq!(&text[url.span.start as usize..url.span.end as usize], r#""http:\/\/a\u0062""#);
        let args = node.get("args").unwrap().items();
        assert_eq!(args[0].text(), Some("x"));
        assert_eq!(args[1].value, Value::Number("1.5e3".to_owned()));
    }

    #[test]
    fn escapes_are_read_as_a_browser_reads_them() {
        assert_eq!(one(r#""\ud83d\ude00\n\x""#).text(), Some("\u{1f600}\nx"));
        assert_eq!(one(r#""\ud83dx""#).text(), Some("\u{fffd}x"));
        assert_eq!(one(r#""\u12""#).text(), Some("\u{fffd}12"));
    }

    #[test]
    fn of_repeated_keys_the_last_one_counts_and_all_are_there() {
        let node = one(r#"{"a": 1, "a": "two"}"#);
        assert_eq!(node.text_of("a"), Some("two"));
        assert_eq!(node.members().len(), 2);
    }

    #[test]
    fn documents_may_follow_one_another() {
        assert_eq!(read("{\"a\":1}\n{\"a\":2}\n[]").unwrap().len(), 3);
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_with_a_place() {
        for (text, offset) in
            [("", 0), ("{\"a\" 1}", 5), ("[1 2]", 3), ("{\"a\":\"x", 6), ("[", 1), ("nope", 0), ("{:1}", 1)]
        {
            assert_eq!(read(text).unwrap_err().offset, offset, "{text}");
        }
        assert!(read(&"[".repeat(100_000)).unwrap_err().message.contains("deeper"));
    }
}
