//! How deep a file nests, before a recursive parser sees it.
//!
//! A parser that recurses overflows the stack on `((((…`, and an overflow cannot be caught. One scan over the bytes
//! gives an upper bound of the recursion: the open brackets, plus the tokens since the start of each open statement or
//! list element (operators, `else if`, arrow functions and the like chain without brackets). The scan knows strings,
//! templates, comments and regular expressions, so brackets inside them do not hide or fake nesting.

/// Nesting of brackets beyond this is refused; no program written by people or bundlers comes near.
const MAX_BRACKETS: usize = 1_000;
/// A chain without brackets beyond this many tokens is refused (ten thousand operands are about half of it).
const MAX_CHAIN: usize = 60_000;
/// Up to this many levels the caller's stack is enough (2 MiB, the default of a thread).
const INLINE_LEVELS: usize = 250;
/// Stack that one level needs at most in the parser and the scope analysis (measured: 1.4 KiB unoptimised).
const BYTES_PER_LEVEL: usize = 3 << 10;
/// Stack for lowering, which stops at a depth of its own (measured: 6 MiB unoptimised).
const BASE_BYTES: usize = 16 << 20;

/// Upper bounds of the recursion depth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nesting {
    /// Most brackets open at once.
    brackets: usize,
    /// Most tokens in all open statements together.
    chain: usize,
    /// All tokens. JSX text can look like strings and comments, so only this bounds a file read as JSX.
    tokens: usize,
}

impl Nesting {
    /// Whether the file is refused.
    pub(crate) fn is_excessive(self) -> bool {
        self.brackets > MAX_BRACKETS || self.chain > MAX_CHAIN
    }

    pub(crate) fn levels(self) -> usize {
        if self.brackets > MAX_BRACKETS { self.brackets } else { self.chain }
    }

    /// Size of the stack to run on, if the caller's may be too small.
    pub(crate) fn stack(self, jsx: bool) -> Option<usize> {
        let levels = if jsx { self.tokens.min(MAX_CHAIN) } else { self.brackets + self.chain };
        (levels > INLINE_LEVELS).then(|| BASE_BYTES + levels * BYTES_PER_LEVEL)
    }

    /// Whether a file may be read as JSX.
    pub(crate) fn allows_jsx(self) -> bool {
        self.tokens <= 4 * MAX_CHAIN
    }
}

/// Measures `text` in one scan.
pub(crate) fn measure(text: &str) -> Nesting {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        open: Vec::new(),
        top: Level { opener: 0, before: Before::Start, tokens: 0 },
        chain: 0,
        before: Before::Start,
        line_break: false,
        statement_end: false,
        worst: Nesting::default(),
    };
    scan.run();
    scan.worst
}

/// The token before the current position, as far as it decides what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing, an opening bracket or an operator: an operand follows.
    Start,
    /// An identifier, literal, `)` or `]`: an operator follows, or a new statement.
    Operand,
    /// A keyword after which an expression follows.
    Keyword,
    /// `if`, `for`, `while`, `with`: the next parentheses are followed by a statement.
    Control,
    /// The `)` of such parentheses.
    ControlEnd,
    /// The `}` of a block.
    BlockEnd,
    /// `=>`
    Arrow,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    opener: u8,
    /// What stood before the bracket.
    before: Before,
    /// Tokens of the open statement at this level.
    tokens: usize,
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    open: Vec<Level>,
    top: Level,
    /// Tokens of the open statements of all levels.
    chain: usize,
    before: Before,
    line_break: bool,
    /// A `;` was seen; the statement ends unless `else` follows.
    statement_end: bool,
    worst: Nesting,
}

impl Scan<'_> {
    fn run(&mut self) {
        if self.bytes.starts_with(b"#!") {
            self.line_comment();
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.line_break = true;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'#' | b'@' | b'\\' | b'0'..=b'9' | 0x80.. => self.word(),
                b'"' | b'\'' => self.string(byte),
                b'`' => {
                    self.token();
                    self.at += 1;
                    self.template();
                }
                b'(' | b'[' | b'{' => self.opening(byte),
                b')' | b']' | b'}' => self.closing(byte),
                b';' => {
                    self.statement_end = true;
                    self.before = Before::Start;
                    self.at += 1;
                }
                b',' => {
                    self.end_statement();
                    self.before = Before::Start;
                    self.at += 1;
                }
                b'/' => self.slash(),
                _ => {
                    let arrow = byte == b'>' && self.at > 0 && self.bytes[self.at - 1] == b'=';
                    self.token();
                    self.before = if arrow { Before::Arrow } else { Before::Start };
                    self.at += 1;
                }
            }
        }
    }

    /// Counts a token of the open statement.
    fn token(&mut self) {
        if self.statement_end {
            self.statement_end = false;
            self.end_statement();
        }
        self.line_break = false;
        self.top.tokens += 1;
        self.chain += 1;
        self.worst.tokens += 1;
        self.worst.chain = self.worst.chain.max(self.chain);
    }

    fn end_statement(&mut self) {
        self.chain -= self.top.tokens;
        self.top.tokens = 0;
    }

    fn word(&mut self) {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| is_word_byte(*byte)) {
            self.at += 1;
        }
        // A byte that is neither letter nor operator (`#`, `@`, a backslash) is a token of its own.
        self.at = self.at.max(start + 1);
        let word = &self.bytes[start..self.at];
        if self.statement_end {
            self.statement_end = false;
            if !continues_statement(word) {
                self.end_statement();
            }
        }
        let may_start = self.before == Before::BlockEnd || (self.line_break && self.before == Before::Operand);
        if may_start && !continues_statement(word) {
            self.end_statement();
        }
        self.token();
        let member = start > 0 && self.bytes[start - 1] == b'.';
        self.before = if member { Before::Operand } else { after_word(word) };
    }

    fn string(&mut self, quote: u8) {
        self.token();
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'\n' => break,
                _ if byte == quote => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.before = Before::Operand;
    }

    /// The rest of a template literal up to its end or the next `${`.
    fn template(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'`' => {
                    self.at += 1;
                    break;
                }
                b'$' if self.bytes.get(self.at + 1) == Some(&b'{') => {
                    self.at += 1;
                    self.opening(b'$');
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.before = Before::Operand;
    }

    fn opening(&mut self, opener: u8) {
        self.token();
        self.at += 1;
        self.open.push(self.top);
        self.top = Level { opener, before: self.before, tokens: 0 };
        self.before = Before::Start;
        self.worst.brackets = self.worst.brackets.max(self.open.len());
    }

    fn closing(&mut self, closer: u8) {
        self.at += 1;
        self.statement_end = false;
        let Some(outer) = self.open.pop() else {
            self.before = Before::Operand;
            return;
        };
        let closed = std::mem::replace(&mut self.top, outer);
        self.chain -= closed.tokens;
        self.line_break = false;
        self.before = match (closer, closed.opener) {
            (b'}', b'$') => {
                self.template();
                return;
            }
            (b')', _) if closed.before == Before::Control => Before::ControlEnd,
            (b'}', _) if is_block(closed.before) => Before::BlockEnd,
            _ => Before::Operand,
        };
    }

    fn slash(&mut self) {
        match self.bytes.get(self.at + 1) {
            Some(b'/') => self.line_comment(),
            Some(b'*') => self.block_comment(),
            _ if self.before == Before::Operand => {
                self.token();
                self.before = Before::Start;
                self.at += 1;
            }
            _ => self.regex(),
        }
    }

    fn line_comment(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| *byte != b'\n') {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) {
        self.at += 2;
        while self.at < self.bytes.len() && !self.bytes[self.at..].starts_with(b"*/") {
            self.line_break |= self.bytes[self.at] == b'\n';
            self.at += 1;
        }
        self.at += 2;
    }

    fn regex(&mut self) {
        self.token();
        let start = self.at;
        self.at += 1;
        let mut in_class = false;
        loop {
            match self.bytes.get(self.at) {
                None | Some(b'\n') => {
                    // Not a regular expression after all.
                    self.at = start + 1;
                    self.before = Before::Start;
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
        self.before = Before::Operand;
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// Keywords are matched as byte patterns, which compile to a decision tree; this runs for every word of a file.
#[rustfmt::skip]
fn after_word(word: &[u8]) -> Before {
    match word {
        [b'i', b'f']
        | [b'f', b'o', b'r']
        | [b'w', b'i', b't', b'h']
        | [b'w', b'h', b'i', b'l', b'e'] => Before::Control,
        [b'r', b'e', b't', b'u', b'r', b'n']
        | [b't', b'y', b'p', b'e', b'o', b'f']
        | [b'c', b'a', b's', b'e']
        | [b'd', b'o']
        | [b'e', b'l', b's', b'e']
        | [b'i', b'n']
        | [b'i', b'n', b's', b't', b'a', b'n', b'c', b'e', b'o', b'f']
        | [b'n', b'e', b'w']
        | [b'v', b'o', b'i', b'd']
        | [b'd', b'e', b'l', b'e', b't', b'e']
        | [b't', b'h', b'r', b'o', b'w']
        | [b'o', b'f']
        | [b'y', b'i', b'e', b'l', b'd']
        | [b'a', b'w', b'a', b'i', b't']
        | [b't', b'r', b'y']
        | [b'f', b'i', b'n', b'a', b'l', b'l', b'y']
        | [b'd', b'e', b'f', b'a', b'u', b'l', b't']
        | [b'e', b'x', b't', b'e', b'n', b'd', b's'] => Before::Keyword,
        _ => Before::Operand,
    }
}

/// Words that carry an expression or statement on after an operand or a block.
#[rustfmt::skip]
fn continues_statement(word: &[u8]) -> bool {
    matches!(
        word,
        [b'e', b'l', b's', b'e']
        | [b'c', b'a', b't', b'c', b'h']
        | [b'f', b'i', b'n', b'a', b'l', b'l', b'y']
        | [b'w', b'h', b'i', b'l', b'e']
        | [b'i', b'n']
        | [b'o', b'f']
        | [b'i', b'n', b's', b't', b'a', b'n', b'c', b'e', b'o', b'f']
        | [b'a', b's']
        | [b's', b'a', b't', b'i', b's', b'f', b'i', b'e', b's']
        | [b'f', b'r', b'o', b'm']
    )
}

/// Whether a brace after this token opens a block (and not an object).
fn is_block(before: Before) -> bool {
    // An operand before a brace is `)` of a parameter list, a class name or the name of a namespace.
    matches!(before, Before::Operand | Before::ControlEnd | Before::BlockEnd | Before::Arrow | Before::Keyword)
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
        for text in ["(/*)*/".repeat(50), "(')',".repeat(50), "[`]`,".repeat(50)] {
            let expected = text.matches(['(', '[']).count();
            assert_eq!(brackets(&text), expected, "{text}");
        }
        assert_eq!(brackets(&"`${".repeat(50)), 50);
        assert_eq!(brackets(&"(a)/2/(".repeat(50)), 50);
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
            assert!(chain(&text.repeat(500)) < 60, "{text}: {}", chain(&text.repeat(500)));
        }
    }
}
