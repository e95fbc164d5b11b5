//! Parser of regular expressions in the dialects of JavaScript, Python and Rust.
//!
//! It accepts what the engines accept as far as facts can be drawn from it. A pattern that is invalid or uses set
//! notation this parser does not know is [`Unsupported`], and then no fact is claimed.

use super::tree::{Assertion, Class, Node};
use super::{Dialect, Unsupported};
use crate::domain::charset::CharSet;

/// Deepest nesting of groups; also bounds the recursion of everything that walks the tree.
const MAX_DEPTH: u32 = 64;
/// Longest pattern that is looked at, in characters.
const MAX_PATTERN: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    JavaScript,
    Python,
    Rust,
}

#[derive(Clone, Copy)]
struct Flags {
    ignore_case: bool,
    multiline: bool,
    dot_all: bool,
    /// JavaScript `u` or `v`; elsewhere Unicode character classes.
    unicode: bool,
    verbose: bool,
}

/// Parses `pattern`.
pub(super) fn parse(pattern: &str, dialect: &Dialect<'_>) -> Result<Node, Unsupported> {
    let chars: Vec<char> = pattern.chars().take(MAX_PATTERN + 1).collect();
    if chars.len() > MAX_PATTERN {
        return Err(Unsupported);
    }
    let (engine, letters) = match *dialect {
        Dialect::JavaScript { flags } => (Engine::JavaScript, flags),
        Dialect::Python { flags, .. } => (Engine::Python, flags),
        Dialect::Rust => (Engine::Rust, ""),
    };
    let flags = Flags {
        ignore_case: letters.contains('i'),
        multiline: letters.contains('m'),
        dot_all: letters.contains('s'),
        unicode: match engine {
            Engine::JavaScript => letters.contains(['u', 'v']),
            Engine::Python => !letters.contains('a'),
            Engine::Rust => true,
        },
        verbose: engine == Engine::Python && letters.contains('x'),
    };
    let set_notation = engine == Engine::Rust || (engine == Engine::JavaScript && letters.contains('v'));
    let mut parser = Parser { chars, at: 0, engine, flags, set_notation, depth: 0 };
    let node = parser.alternation()?;
    if parser.at < parser.chars.len() { Err(Unsupported) } else { Ok(node) }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    engine: Engine,
    flags: Flags,
    /// `[a&&b]`, `[[a]--b]` have a meaning.
    set_notation: bool,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn take_until(&mut self, end: char) -> Result<String, Unsupported> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some(c) if c == end => return Ok(text),
                Some(c) => text.push(c),
                None => return Err(Unsupported),
            }
        }
    }

    fn alternation(&mut self) -> Result<Node, Unsupported> {
        let mut branches = vec![self.concatenation()?];
        while self.take("|") {
            branches.push(self.concatenation()?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alt(branches) })
    }

    fn concatenation(&mut self) -> Result<Node, Unsupported> {
        let mut items = Vec::new();
        loop {
            self.skip_verbose();
            match self.peek() {
                None | Some('|' | ')') => break,
                Some(_) => {}
            }
            let atom = self.atom()?;
            items.push(self.quantified(atom)?);
        }
        Ok(match items.len() {
            0 => Node::Empty,
            1 => items.remove(0),
            _ => Node::Concat(items),
        })
    }

    fn skip_verbose(&mut self) {
        while self.flags.verbose {
            match self.peek() {
                Some(c) if c.is_whitespace() => self.at += 1,
                Some('#') => while !matches!(self.next(), None | Some('\n')) {},
                _ => return,
            }
        }
    }

    fn quantified(&mut self, mut node: Node) -> Result<Node, Unsupported> {
        loop {
            self.skip_verbose();
            let Some((min, max)) = self.quantifier()? else { return Ok(node) };
            if max.is_some_and(|max| max < min) {
                return Err(Unsupported);
            }
            node = Node::Repeat { node: Box::new(node), min, max };
            let possessive = self.engine == Engine::Python && self.peek() == Some('+');
            if possessive {
                self.at += 1;
                node = Node::AtMost(Box::new(node));
            } else {
                self.take("?");
            }
        }
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, Unsupported> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(bounds))
    }

    /// `{n}`, `{n,}`, `{n,m}`, in Python also `{,m}`. Anything else leaves the brace as a literal.
    fn counted(&mut self) -> Result<Option<(u32, Option<u32>)>, Unsupported> {
        let start = self.at;
        self.at += 1;
        let min = self.number();
        let comma = self.take(",");
        let max = if comma { self.number() } else { min };
        let valid = match self.engine {
            Engine::Python => min.is_some() || (comma && max.is_some()),
            Engine::JavaScript | Engine::Rust => min.is_some(),
        };
        if valid && self.take("}") {
            return Ok(Some((min.unwrap_or(0), max)));
        }
        self.at = start;
        let literal_allowed =
            self.engine == Engine::Python || (self.engine == Engine::JavaScript && !self.flags.unicode);
        if literal_allowed { Ok(None) } else { Err(Unsupported) }
    }

    fn number(&mut self) -> Option<u32> {
        let mut value: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.at += 1;
            value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit));
        }
        value
    }

    fn atom(&mut self) -> Result<Node, Unsupported> {
        match self.next().ok_or(Unsupported)? {
            '(' => self.group(),
            '[' => Ok(Node::Class(self.bracket()?)),
            '.' => Ok(Node::Class(self.dot())),
            '^' => Ok(Node::Assert(self.line_start())),
            '$' => Ok(Node::Assert(self.line_end())),
            '\\' => self.escape(),
            '*' | '+' | '?' => Err(Unsupported),
            c => Ok(Node::Class(self.literal(c))),
        }
    }

    fn literal(&self, c: char) -> Class {
        let class = Class::range(c as u32, c as u32, self.greatest());
        self.folded(class)
    }

    fn folded(&self, class: Class) -> Class {
        if self.flags.ignore_case { class.fold_case(self.flags.unicode) } else { class }
    }

    /// The greatest value of what one class matches: a UTF-16 unit in JavaScript without `u`, else a code point.
    fn greatest(&self) -> u32 {
        if self.engine == Engine::JavaScript && !self.flags.unicode { 0xFFFF } else { 0x0010_FFFF }
    }

    fn dot(&self) -> Class {
        match self.engine {
            _ if self.flags.dot_all => Class::ALL,
            // U+2028 and U+2029 are line ends as well.
            Engine::JavaScript => Class::and_some_non_ascii(CharSet::ASCII.minus(CharSet::NEWLINES)),
            Engine::Python | Engine::Rust => Class::exact(CharSet::ALL.minus(CharSet::of("\n"))),
        }
    }

    fn line_ends(&self) -> Class {
        match self.engine {
            Engine::JavaScript => Class::and_some_non_ascii(CharSet::NEWLINES),
            Engine::Python | Engine::Rust => Class::exact(CharSet::of("\n")),
        }
    }

    fn line_start(&self) -> Assertion {
        if self.flags.multiline { Assertion::LineStart(self.line_ends()) } else { Assertion::Start }
    }

    fn line_end(&self) -> Assertion {
        match self.engine {
            _ if self.flags.multiline => Assertion::LineEnd(self.line_ends()),
            Engine::Python => Assertion::EndOrFinalNewline,
            Engine::JavaScript | Engine::Rust => Assertion::End,
        }
    }

    fn group(&mut self) -> Result<Node, Unsupported> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unsupported);
        }
        let outer = self.flags;
        let node = self.group_body()?;
        self.depth -= 1;
        // Flags of a group end with it; a bare `(?i)` in the middle lasts to the end of the enclosing group.
        if !matches!(node, GroupBody::FlagsOnly) {
            self.flags = outer;
        }
        Ok(match node {
            GroupBody::Node(node) => node,
            GroupBody::FlagsOnly => Node::Empty,
        })
    }

    fn group_body(&mut self) -> Result<GroupBody, Unsupported> {
        if !self.take("?") {
            return self.closed();
        }
        if self.take(":") {
            return self.closed();
        }
        if self.take("=") {
            return self.wrapped(|node| Node::Ahead { node: Box::new(node), negative: false });
        }
        if self.take("!") {
            return self.wrapped(|node| Node::Ahead { node: Box::new(node), negative: true });
        }
        if self.take("<=") || self.take("<!") {
            return self.wrapped(|_| Node::AtMost(Box::new(Node::Empty)));
        }
        if self.engine == Engine::Python && self.take(">") {
            return self.wrapped(|node| Node::AtMost(Box::new(node)));
        }
        if self.take("#") {
            self.take_until(')')?;
            return Ok(GroupBody::Node(Node::Empty));
        }
        if self.take("P=") {
            self.take_until(')')?;
            return Ok(GroupBody::Node(Node::AtMost(Box::new(Node::anything()))));
        }
        if self.take("P<") || self.take("<") {
            self.take_until('>')?;
            return self.closed();
        }
        self.inline_flags()
    }

    fn closed(&mut self) -> Result<GroupBody, Unsupported> {
        self.wrapped(|node| node)
    }

    fn wrapped(&mut self, wrap: impl FnOnce(Node) -> Node) -> Result<GroupBody, Unsupported> {
        let node = self.alternation()?;
        if self.take(")") { Ok(GroupBody::Node(wrap(node))) } else { Err(Unsupported) }
    }

    /// `(?i)`, `(?i-m:…)`.
    fn inline_flags(&mut self) -> Result<GroupBody, Unsupported> {
        let mut on = true;
        let before = self.flags;
        loop {
            match self.next().ok_or(Unsupported)? {
                '-' => on = false,
                'i' => self.flags.ignore_case = on,
                'm' => self.flags.multiline = on,
                's' => self.flags.dot_all = on,
                'x' if self.engine != Engine::JavaScript => self.flags.verbose = on,
                'a' if self.engine == Engine::Python => self.flags.unicode = false,
                'u' if self.engine != Engine::JavaScript => self.flags.unicode = on,
                ':' => return self.closed(),
                // Before Python 3.11 and in Rust this form may only change what follows it in the group.
                ')' if self.engine != Engine::JavaScript => return Ok(GroupBody::FlagsOnly),
                _ => {
                    self.flags = before;
                    return Err(Unsupported);
                }
            }
        }
    }

    fn bracket(&mut self) -> Result<Class, Unsupported> {
        let negated = self.take("^");
        let mut class = Class::NONE;
        let mut first = true;
        loop {
            // In Python and Rust a `]` right after the opening bracket is a member.
            let literal_bracket = first && self.engine != Engine::JavaScript;
            if self.peek() == Some(']') && !literal_bracket {
                self.at += 1;
                break;
            }
            first = false;
            class = class.union(self.class_item()?);
        }
        let class = self.folded(class);
        Ok(if negated { class.complement() } else { class })
    }

    fn class_item(&mut self) -> Result<Class, Unsupported> {
        let uses_sets = self.looking_at("[") || self.looking_at("&&") || self.looking_at("--") || self.looking_at("~~");
        if self.set_notation && uses_sets {
            return Err(Unsupported);
        }
        let low = self.class_atom()?;
        let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
        let (Item::Code(low_code), true) = (low, is_range) else { return Ok(self.item_class(low)) };
        self.at += 1;
        match self.class_atom()? {
            Item::Code(high) if high >= low_code => Ok(Class::range(low_code, high, self.greatest())),
            Item::Code(_) => Err(Unsupported),
            // `[a-\d]`: three members in JavaScript without `u`, an error elsewhere.
            Item::Class(class) => {
                let dash = self.item_class(Item::Code('-' as u32));
                Ok(self.item_class(low).union(dash).union(class))
            }
        }
    }

    fn item_class(&self, item: Item) -> Class {
        match item {
            Item::Code(code) => Class::range(code, code, self.greatest()),
            Item::Class(class) => class,
        }
    }

    fn class_atom(&mut self) -> Result<Item, Unsupported> {
        match self.next().ok_or(Unsupported)? {
            '\\' => match self.peek().ok_or(Unsupported)? {
                'b' => {
                    self.at += 1;
                    Ok(Item::Code(8))
                }
                _ => self.class_escape(),
            },
            c => Ok(Item::Code(c as u32)),
        }
    }

    /// An escape outside brackets; the backslash has been read.
    fn escape(&mut self) -> Result<Node, Unsupported> {
        let c = self.peek().ok_or(Unsupported)?;
        let python_or_rust = self.engine != Engine::JavaScript;
        let assertion = match c {
            'b' if self.chars.get(self.at + 1) != Some(&'{') => Some(Assertion::WordBoundary(self.word())),
            'B' => Some(Assertion::NotWordBoundary(self.word())),
            'A' if python_or_rust => Some(Assertion::Start),
            'Z' if self.engine == Engine::Python => Some(Assertion::End),
            'z' if python_or_rust => Some(Assertion::End),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.at += 1;
            return Ok(Node::Assert(assertion));
        }
        let back_reference = c.is_ascii_digit() && c != '0' || (c == 'k' && self.chars.get(self.at + 1) == Some(&'<'));
        if back_reference {
            if c == 'k' {
                self.take_until('>')?;
            } else {
                self.number();
            }
            // The text of a group, or an octal escape: in any case some string.
            return Ok(Node::AtMost(Box::new(Node::anything())));
        }
        let item = self.class_escape()?;
        let class = self.item_class(item);
        Ok(Node::Class(self.folded(class)))
    }

    /// An escape that stands for one character or a class; the backslash has been read.
    fn class_escape(&mut self) -> Result<Item, Unsupported> {
        let c = self.next().ok_or(Unsupported)?;
        let class = match c {
            'd' => Some(self.digit()),
            'D' => Some(self.digit().complement()),
            'w' => Some(self.word()),
            'W' => Some(self.word().complement()),
            's' => Some(self.space()),
            'S' => Some(self.space().complement()),
            'p' | 'P' if self.engine == Engine::Rust || self.js_unicode() => {
                let property = self.property()?;
                Some(if c == 'P' { property.complement() } else { property })
            }
            _ => None,
        };
        if let Some(class) = class {
            return Ok(Item::Class(class));
        }
        Ok(Item::Code(match c {
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            'a' if self.engine != Engine::JavaScript => 7,
            'c' if self.engine == Engine::JavaScript => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => letter as u32 % 32,
                _ => return Err(Unsupported),
            },
            '0' if self.peek().is_none_or(|c| !c.is_ascii_digit()) => 0,
            'x' => self.hex_escape(2)?,
            'u' => self.hex_escape(4)?,
            'U' if self.engine != Engine::JavaScript => self.hex_escape(8)?,
            c if c.is_ascii_alphanumeric() && (self.engine != Engine::JavaScript || self.flags.unicode) => {
                return Err(Unsupported);
            }
            c if c.is_ascii_digit() => return Err(Unsupported),
            c => c as u32,
        }))
    }

    fn js_unicode(&self) -> bool {
        self.engine == Engine::JavaScript && self.flags.unicode
    }

    fn hex_escape(&mut self, digits: usize) -> Result<u32, Unsupported> {
        let braces = self.engine == Engine::Rust || self.js_unicode();
        let text = if braces && self.take("{") {
            self.take_until('}')?
        } else {
            let text: String = self.chars[self.at.min(self.chars.len())..].iter().take(digits).collect();
            if text.chars().count() < digits {
                return Err(Unsupported);
            }
            self.at += digits;
            text
        };
        let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
        if valid { u32::from_str_radix(&text, 16).map_err(|_| Unsupported) } else { Err(Unsupported) }
    }

    /// `\p{…}`: the few that are plain in ASCII; all others may be anything.
    fn property(&mut self) -> Result<Class, Unsupported> {
        let name = if self.take("{") { self.take_until('}')? } else { self.next().ok_or(Unsupported)?.to_string() };
        let name = name.rsplit('=').next().unwrap_or_default();
        Ok(match name {
            "L" | "Letter" | "Alphabetic" | "Alpha" => Class::and_some_non_ascii(CharSet::ALPHA),
            "Lu" | "Uppercase_Letter" | "Uppercase" => Class::and_some_non_ascii(CharSet::UPPER),
            "Ll" | "Lowercase_Letter" | "Lowercase" => Class::and_some_non_ascii(CharSet::LOWER),
            "N" | "Number" | "Nd" | "Decimal_Number" => Class::and_some_non_ascii(CharSet::DIGITS),
            "M" | "Mark" | "Mn" | "Mc" => Class::and_some_non_ascii(CharSet::NONE),
            "Zs" | "Space_Separator" | "Z" => Class::and_some_non_ascii(CharSet::of(" ")),
            "White_Space" => Class::and_some_non_ascii(CharSet::SPACE),
            "Cc" | "Control" => Class::and_some_non_ascii(CharSet::range(0, 31).union(CharSet::range(127, 127))),
            "ASCII" => Class::exact(CharSet::ASCII),
            "Any" => Class::ALL,
            "Emoji" => {
                Class { may: CharSet::DIGITS.union(CharSet::of("#*")).union(CharSet::NON_ASCII), must: CharSet::NONE }
            }
            "Han" | "Hiragana" | "Katakana" | "Hangul" | "Cyrillic" | "Greek" | "Arabic" | "Hebrew" => {
                Class::and_some_non_ascii(CharSet::NONE)
            }
            _ => Class { may: CharSet::ALL, must: CharSet::NONE },
        })
    }

    fn digit(&self) -> Class {
        self.ascii_unless_unicode(CharSet::DIGITS)
    }

    fn word(&self) -> Class {
        match self.engine {
            // With `i` and `u` two characters outside ASCII fold into it.
            Engine::JavaScript if self.flags.unicode && self.flags.ignore_case => {
                Class::and_some_non_ascii(CharSet::WORD)
            }
            Engine::JavaScript => Class::exact(CharSet::WORD),
            Engine::Python | Engine::Rust => self.ascii_unless_unicode(CharSet::WORD),
        }
    }

    fn space(&self) -> Class {
        match self.engine {
            Engine::JavaScript => Class::and_some_non_ascii(CharSet::SPACE),
            Engine::Python if self.flags.unicode => {
                Class::and_some_non_ascii(CharSet::SPACE.union(CharSet::range(0x1c, 0x1f)))
            }
            Engine::Python | Engine::Rust => self.ascii_unless_unicode(CharSet::SPACE),
        }
    }

    fn ascii_unless_unicode(&self, set: CharSet) -> Class {
        if self.engine != Engine::JavaScript && self.flags.unicode {
            Class::and_some_non_ascii(set)
        } else {
            Class::exact(set)
        }
    }
}

enum GroupBody {
    Node(Node),
    FlagsOnly,
}

#[derive(Clone, Copy)]
enum Item {
    Code(u32),
    Class(Class),
}
