//! How deep a file nests, before a recursive parser sees it.
//!
//! A parser that recurses overflows the stack on `((((…`, and an overflow cannot be caught. One scan over the bytes
//! gives an upper bound of the recursion: the open brackets, plus the code since the start of each open statement or
//! list element (operators, `else if`, arrow functions and the like chain without brackets). The scan knows strings,
//! templates, comments and regular expressions, so brackets inside them neither hide nor fake nesting.
//!
//! It runs for every byte of every file, so it stops only at bytes that can matter and looks back when it must.

use memchr::{memchr, memchr3, memmem};

/// Nesting of brackets beyond this is refused; no program written by people or bundlers comes near (the deepest of
/// 6,700 files had 28).
const MAX_BRACKETS: usize = 1_000;
/// More bytes in open statements than this are refused (the most in 6,700 files was about 10,000).
const MAX_CHAIN: usize = 200_000;
/// Stack that one open bracket needs at most in the parser and the scope analysis (measured: 1.3 KiB unoptimised).
const STACK_PER_BRACKET: usize = 3 << 10;
/// The same for one byte of a chain (measured: 0.7 KiB for `A<A<A<…`).
const STACK_PER_BYTE: usize = 3 << 9;
/// Stack for lowering, which stops at a depth of its own (measured: 2 MiB unoptimised).
const STACK_TO_LOWER: usize = 8 << 20;
/// Up to this much the caller's stack is enough (a thread has 2 MiB by default).
const INLINE_STACK: usize = 3 << 19;

/// Upper bounds of the recursion depth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nesting {
    /// Most brackets open at once.
    brackets: usize,
    /// Most bytes in all open statements together.
    chain: usize,
    /// Bytes of the file. JSX text can look like strings and comments, so only this bounds a file read as JSX.
    bytes: usize,
}

impl Nesting {
    /// Whether the file is refused.
    pub(crate) fn is_excessive(self) -> bool {
        self.brackets > MAX_BRACKETS || self.chain > MAX_CHAIN
    }

    /// How deep, in words.
    pub(crate) fn describe(self) -> String {
        if self.brackets > MAX_BRACKETS {
            format!("{} brackets are open at once, the limit is {MAX_BRACKETS}", self.brackets)
        } else {
            format!("an expression or statement of {} bytes, the limit is {MAX_CHAIN}", self.chain)
        }
    }

    /// Size of the stack to run on, if the caller's may be too small.
    pub(crate) fn stack(self, jsx: bool) -> Option<usize> {
        let chain = if jsx { self.bytes.min(MAX_CHAIN) } else { self.chain };
        let bytes = self.brackets * STACK_PER_BRACKET + chain * STACK_PER_BYTE;
        (bytes > INLINE_STACK).then_some(STACK_TO_LOWER + bytes)
    }

    /// Whether a file may be read as JSX.
    pub(crate) fn allows_jsx(self) -> bool {
        self.bytes <= 4 * MAX_CHAIN
    }
}

/// Measures `text` in one scan.
pub(crate) fn measure(text: &str) -> Nesting {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        open: Vec::with_capacity(32),
        here: 0,
        chain: 0,
        last_opener: 0,
        last_comment: (0, 0),
        worst: Nesting { bytes: text.len(), ..Nesting::default() },
    };
    scan.run();
    scan.note_worst();
    scan.worst
}

/// An open bracket.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Where it is; `${` is at its `$`.
    at: usize,
    /// Bytes of the statement around it so far.
    outer: usize,
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    open: Vec<Level>,
    /// Bytes of the open statement at the innermost level.
    here: usize,
    /// Bytes of the open statements at all levels.
    chain: usize,
    /// Where the bracket was opened that was closed last.
    last_opener: usize,
    /// The last comment (or row of comments).
    last_comment: (usize, usize),
    worst: Nesting,
}

/// A statement shorter than this is not worth asking where it ends.
const SHORT: usize = 200;

impl Scan<'_> {
    fn run(&mut self) {
        if self.bytes.starts_with(b"#!") {
            self.line_comment();
        }
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(stop) = rest.iter().position(|byte| STOPS[*byte as usize]) else {
                self.count(rest.len());
                return;
            };
            self.count(stop);
            self.at += stop;
            let byte = rest[stop];
            match byte {
                b'\n' => self.line_break(),
                b'"' | b'\'' => self.string(byte),
                b'`' => {
                    self.at += 1;
                    self.template();
                }
                b'(' | b'[' | b'{' => self.opening(),
                b')' | b']' => self.closing(),
                b'}' => self.closing_brace(),
                b'/' => self.slash(),
                b';' if self.next_word(self.at + 1) == b"else" => self.at += 1,
                // `;` and `,`
                _ => {
                    self.end_statement();
                    self.at += 1;
                }
            }
        }
    }

    fn count(&mut self, bytes: usize) {
        self.here += bytes;
        self.chain += bytes;
    }

    fn end_statement(&mut self) {
        self.note_worst();
        self.chain -= self.here;
        self.here = 0;
    }

    /// Called whenever the chain is about to shrink.
    fn note_worst(&mut self) {
        self.worst.chain = self.worst.chain.max(self.chain);
    }

    /// A new line ends a statement when an operand stands before it and a word that does not carry on follows.
    fn line_break(&mut self) {
        let end = self.at;
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| *byte > b' ').unwrap_or(rest.len());
        if self.here < SHORT {
            return;
        }
        let end = self.code_end(end);
        let operand = match self.bytes[..end].last() {
            Some(b')') => !self.is_control(self.last_opener),
            Some(b']' | b'}' | b'"' | b'\'' | b'`') => true,
            Some(byte) if is_word_byte(*byte) => !is_keyword(self.word_before(end)),
            _ => false,
        };
        let next = self.next_word(self.at);
        if operand && !next.is_empty() && !continues_statement(next) {
            self.end_statement();
        }
    }

    fn string(&mut self, quote: u8) {
        self.count(1);
        self.at += 1;
        while let Some(found) = self.bytes.get(self.at..).and_then(|rest| memchr3(quote, b'\\', b'\n', rest)) {
            self.at += found + 1;
            if self.bytes[self.at - 1] != b'\\' {
                return;
            }
            self.at += 1;
        }
        self.at = self.bytes.len();
    }

    /// The rest of a template literal up to its end or the next `${`.
    fn template(&mut self) {
        self.count(1);
        while let Some(found) = self.bytes.get(self.at..).and_then(|rest| memchr3(b'\\', b'`', b'$', rest)) {
            self.at += found;
            match self.bytes[self.at] {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    return;
                }
                _ if self.bytes.get(self.at + 1) == Some(&b'{') => {
                    self.opening();
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
    }

    fn opening(&mut self) {
        self.count(1);
        self.open.push(Level { at: self.at, outer: self.here });
        self.here = 0;
        self.worst.brackets = self.worst.brackets.max(self.open.len());
        self.at += 1;
    }

    fn closing(&mut self) {
        self.at += 1;
        if let Some(level) = self.open.pop() {
            self.note_worst();
            self.chain -= self.here;
            self.here = level.outer;
            self.last_opener = level.at;
        }
    }

    fn closing_brace(&mut self) {
        self.closing();
        if self.bytes.get(self.last_opener) == Some(&b'$') {
            self.last_opener = 0;
            self.template();
        } else if self.here >= SHORT {
            // After a block (or what looks like one) a word starts a new statement.
            let next = self.next_word(self.at);
            if !next.is_empty() && !continues_statement(next) {
                self.end_statement();
            }
        }
    }

    fn slash(&mut self) {
        match self.bytes.get(self.at + 1) {
            Some(b'/') => self.comment(Self::line_comment),
            Some(b'*') => self.comment(Self::block_comment),
            _ if self.is_division() => {
                self.count(1);
                self.at += 1;
            }
            _ => self.regex(),
        }
    }

    fn comment(&mut self, skip: fn(&mut Self)) {
        let start = self.code_end(self.at);
        skip(self);
        self.last_comment = (start, self.at);
    }

    fn line_comment(&mut self) {
        self.at = memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |length| self.at + length);
    }

    fn block_comment(&mut self) {
        let start = self.at + 2;
        self.at = memmem::find(&self.bytes[start..], b"*/").map_or(self.bytes.len(), |length| start + length + 2);
    }

    fn regex(&mut self) {
        self.count(1);
        let start = self.at;
        self.at += 1;
        let mut in_class = false;
        loop {
            match self.bytes.get(self.at) {
                None | Some(b'\n') => {
                    self.at = start + 1; // not a regular expression after all
                    return;
                }
                Some(b'\\') => self.at += 1,
                Some(b'[') => in_class = true,
                Some(b']') => in_class = false,
                Some(b'/') if !in_class => break,
                Some(_) => {}
            }
            self.at += 1;
        }
        self.at += 1;
    }

    // ---- looking around --------------------------------------------------------------------------------------

    /// Whether `/` at the current position divides: an operand stands before it.
    fn is_division(&self) -> bool {
        let end = self.code_end(self.at);
        match self.bytes[..end].last() {
            None => false,
            Some(b')') => !self.is_control(self.last_opener),
            Some(b']' | b'"' | b'\'' | b'`') => true,
            Some(b'}') => self.is_object(self.last_opener),
            Some(b'+' | b'-') => end >= 2 && self.bytes[end - 2] == self.bytes[end - 1],
            Some(byte) if is_word_byte(*byte) => !is_keyword(self.word_before(end)),
            Some(_) => false,
        }
    }

    /// Whether the parenthesis at `at` belongs to `if`, `for`, `while` or `with`.
    fn is_control(&self, at: usize) -> bool {
        matches!(self.word_before(self.code_end(at)), b"if" | b"for" | b"while" | b"with" | b"await")
    }

    /// Whether the brace at `at` opens an object (and not a block).
    fn is_object(&self, at: usize) -> bool {
        let end = self.code_end(at);
        match self.bytes[..end].last() {
            Some(b'=' | b'(' | b',' | b':' | b'?' | b'[' | b'&' | b'|' | b'+') => true,
            Some(byte) if is_word_byte(*byte) => matches!(self.word_before(end), b"return" | b"typeof" | b"in" | b"of"),
            _ => false,
        }
    }

    /// The end of the code before `at`, without white space and comments.
    fn code_end(&self, at: usize) -> usize {
        let at = at.min(self.bytes.len());
        let end = self.bytes[..at].trim_ascii_end().len();
        if end == self.last_comment.1 { self.last_comment.0 } else { end }
    }

    /// The word that ends at `end`; a property name is not reported as a word.
    fn word_before(&self, end: usize) -> &[u8] {
        let start = self.bytes[..end].iter().rposition(|byte| !is_word_byte(*byte)).map_or(0, |before| before + 1);
        let is_property = start > 0 && self.bytes[start - 1] == b'.';
        if is_property { b"" } else { &self.bytes[start..end] }
    }

    /// The word that starts at or after `at`, behind white space.
    fn next_word(&self, at: usize) -> &[u8] {
        let rest = self.bytes.get(at..).unwrap_or_default().trim_ascii_start();
        let end = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
        &rest[..end]
    }
}

/// Bytes at which the scan stops.
static STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let bytes = b"\n\"'`()[]{}/;,";
    let mut index = 0;
    while index < bytes.len() {
        stops[bytes[index] as usize] = true;
        index += 1;
    }
    stops
};

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// Keywords that an expression or statement follows.
fn is_keyword(word: &[u8]) -> bool {
    let keywords = "if for while with return typeof case do else in instanceof new void delete throw of yield await try \
                    finally default extends";
    keywords.split_ascii_whitespace().any(|keyword| keyword.as_bytes() == word)
}

/// Words that carry a statement on after an operand or a block.
fn continues_statement(word: &[u8]) -> bool {
    let words = "else catch finally while in of instanceof as satisfies from";
    words.split_ascii_whitespace().any(|keyword| keyword.as_bytes() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brackets(text: &str) -> usize {
        measure(text).brackets
    }

    fn chain(text: &str) -> usize {
        measure(text).chain
    }

    #[test]
    fn brackets_inside_literals_and_comments_do_not_count() {
        for text in
            ["'(((' + \"[[[\"", "`(((`", "// (((\n/* [[[ */", "x = /[(/]((/", "return /((/", "if (a) /\\((/.test(b)"]
        {
            assert!(brackets(text) <= 1, "{text}: {}", brackets(text));
        }
    }

    #[test]
    fn literals_and_comments_do_not_hide_nesting() {
        for text in ["(/*)*/".repeat(50), "(')',".repeat(50), "[`]`,".repeat(50), "(a)/2/(".repeat(50)] {
            let unclosed = text.matches("([").count() + 50;
            assert_eq!(brackets(&text), unclosed, "{text}");
        }
        assert_eq!(brackets(&"`${".repeat(50)), 50);
        assert_eq!(brackets(&"(/[)]/.x,".repeat(50)), 50);
        assert_eq!(brackets(&"(a/* ) *//2,".repeat(50)), 50);
        assert_eq!(brackets(&"{x}/)/.y;{".repeat(50)), 50);
    }

    #[test]
    fn chains_without_brackets_count() {
        let chains = [
            "!",
            "a+",
            "a=>",
            "async a=>",
            "a?b:",
            "a=",
            "if(a)b;else ",
            "if(a){}else ",
            "new ",
            "a.b().",
            "a||\n",
            "l:",
        ];
        for text in chains {
            assert!(chain(&text.repeat(500)) >= 500, "{text}: {}", chain(&text.repeat(500)));
        }
    }

    #[test]
    fn statements_in_a_row_do_not_add_up() {
        let statements =
            ["a.b(c);", "a.b(c)\n", "if (a) { b }\n", "if(a){b}", "const a = 1\n", "function f() {}\n", "a=1,"];
        for text in statements {
            assert!(chain(&text.repeat(500)) < 2 * SHORT, "{text}: {}", chain(&text.repeat(500)));
        }
    }
}
