//! The automaton of the shell grammar: contexts of holes, and the words of every simple command.

use std::collections::VecDeque;

use crate::domain::props::{Part, Quoting, StrProps};

/// The quoting around a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// No quotes: the value is split and expanded.
    Unquoted,
    /// Between `"`.
    DoubleQuoted,
    /// Between `'`.
    SingleQuoted,
    /// Between `$'` and `'`.
    AnsiQuoted,
    /// Behind `#`.
    Comment,
    /// In a here-document.
    HereDoc {
        /// Whether variables and commands are expanded in it: its delimiter was not quoted.
        expands: bool,
    },
    /// Between `${` and `}`.
    Expansion,
    /// Between `$((` and `))`.
    Arithmetic,
}

/// The place of a hole in its simple command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// The name of the command.
    Command,
    /// The value of a variable assignment.
    Assignment,
    /// An argument.
    Argument,
    /// The file of a redirection.
    Redirection,
    /// Text that is no word: a comment or here-document.
    Text,
}

/// One hole and where it stands.
pub(super) struct Site {
    pub(super) part: usize,
    pub(super) context: Context,
    pub(super) position: Position,
    /// Whether nothing of the word precedes it.
    pub(super) word_start: bool,
    /// Whether an unquoted `$` stands right before it.
    pub(super) after_dollar: bool,
    /// Whether an unquoted `:` or `=` stands right before it (tilde expansion in assignments).
    pub(super) after_colon: bool,
    /// Whether the constant text after it starts with `"`, or another value follows directly.
    pub(super) before_quote: bool,
    /// Whether another untrusted value follows somewhere.
    pub(super) more_follow: bool,
    /// The line that ends the here-document around it.
    pub(super) delimiter: String,
    /// Index of the command, and of the word in it.
    pub(super) word: Option<(usize, usize)>,
}

/// A piece of a word after quote removal.
enum Piece {
    Text(String),
    Hole(StrProps),
    Trusted(StrProps),
}

impl Piece {
    fn as_part(&self) -> Part<'_> {
        match self {
            Self::Text(text) => Part::Lit(text),
            Self::Hole(props) => Part::Hole(props),
            Self::Trusted(props) => Part::Trusted(props),
        }
    }
}

/// The words of a simple command, assignments and redirections left out.
#[derive(Default)]
pub(super) struct Command {
    words: Vec<Vec<Piece>>,
}

impl Command {
    pub(super) fn words(&self) -> Vec<Vec<Part<'_>>> {
        self.words.iter().map(|word| word.iter().map(Piece::as_part).collect()).collect()
    }
}

/// The result of lexing.
pub(super) struct Lexed {
    pub(super) sites: Vec<Site>,
    pub(super) commands: Vec<Command>,
}

/// Walks the command string.
pub(super) fn lex(parts: &[Part<'_>]) -> Lexed {
    let mut lexer = Lexer {
        frames: vec![Frame::command(Closer::End)],
        lexed: Lexed { sites: Vec::new(), commands: Vec::new() },
        pending: VecDeque::new(),
    };
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Lit(text) => {
                let chars: Vec<char> = text.chars().collect();
                let mut at = 0;
                while at < chars.len() {
                    at += lexer.step(&chars[at..]);
                }
            }
            Part::Hole(props) => lexer.hole(index, props, true, &parts[index + 1..]),
            Part::Trusted(props) => lexer.hole(index, props, false, &parts[index + 1..]),
        }
    }
    while !lexer.frames.is_empty() {
        lexer.close_frame();
    }
    lexer.lexed
}

/// What ends a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closer {
    End,
    Parenthesis,
    Backtick,
}

enum Kind {
    /// A list of commands.
    Commands(Closer),
    Double,
    Single,
    Ansi,
    Expansion,
    Arithmetic {
        depth: u32,
    },
    Comment,
    HereDoc {
        delimiter: String,
        expands: bool,
        line: String,
    },
}

struct Frame {
    kind: Kind,
    /// Of a list of commands: the one being read.
    command: Command,
    word: Option<Vec<Piece>>,
    /// Sites in the current word, to be told where it ends up.
    sites_in_word: Vec<usize>,
    /// Sites in the words of the current command.
    sites_in_command: Vec<usize>,
    /// The last unquoted character of the current word.
    last: Option<char>,
    redirects: bool,
    assigns: bool,
    /// The word that follows names the end of a here-document.
    wants_delimiter: bool,
    quoted_word: bool,
}

impl Frame {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            command: Command::default(),
            word: None,
            sites_in_word: Vec::new(),
            sites_in_command: Vec::new(),
            last: None,
            redirects: false,
            assigns: false,
            wants_delimiter: false,
            quoted_word: false,
        }
    }

    fn command(closer: Closer) -> Self {
        Self::new(Kind::Commands(closer))
    }
}

struct Lexer {
    frames: Vec<Frame>,
    lexed: Lexed,
    /// Here-documents whose body starts after the next newline: delimiter, and whether it was quoted.
    pending: VecDeque<(String, bool)>,
}

impl Lexer {
    fn top(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::command(Closer::End));
        }
        self.frames.last_mut().expect("a frame was pushed if there was none")
    }

    /// The innermost list of commands: the frame that owns the current word.
    fn owner(&mut self) -> &mut Frame {
        let at = self.frames.iter().rposition(|frame| matches!(frame.kind, Kind::Commands(_))).unwrap_or(0);
        &mut self.frames[at]
    }

    /// Consumes some characters of constant text; returns how many.
    fn step(&mut self, rest: &[char]) -> usize {
        let c = rest[0];
        match &mut self.top().kind {
            Kind::Commands(closer) => {
                let closer = *closer;
                self.in_commands(closer, rest)
            }
            Kind::Single => {
                if c == '\'' {
                    self.close_frame()
                } else {
                    self.push_text(c)
                }
                1
            }
            Kind::Ansi => match c {
                '\'' => {
                    self.close_frame();
                    1
                }
                '\\' if rest.len() > 1 => {
                    self.push_text(rest[1]);
                    2
                }
                _ => {
                    self.push_text(c);
                    1
                }
            },
            Kind::Double => self.in_double(rest),
            Kind::Expansion => self.in_expansion(rest),
            Kind::Arithmetic { .. } => self.in_arithmetic(rest),
            Kind::Comment => {
                if c == '\n' {
                    self.close_frame();
                    return 0;
                }
                1
            }
            Kind::HereDoc { .. } => {
                self.in_here_doc(c);
                1
            }
        }
    }

    fn in_commands(&mut self, closer: Closer, rest: &[char]) -> usize {
        match rest[0] {
            ')' if closer == Closer::Parenthesis => self.close_frame(),
            '`' if closer == Closer::Backtick => self.close_frame(),
            '\\' if rest.len() > 1 => {
                if rest[1] != '\n' {
                    self.push_text(rest[1]);
                    self.owner().quoted_word = true;
                }
                return 2;
            }
            '\'' => self.open_quote(Kind::Single),
            '"' => self.open_quote(Kind::Double),
            '$' | '`' => return self.open_expansion(rest, true),
            '#' if self.owner().word.is_none() => self.frames.push(Frame::new(Kind::Comment)),
            ' ' | '\t' => self.end_word(),
            '\n' => {
                self.end_command();
                self.start_here_docs();
            }
            ';' | '&' | '|' | '(' | ')' if !self.is_redirection_ampersand(rest) => self.end_command(),
            '<' | '>' => return self.redirection(rest),
            c => self.push_text(c),
        }
        1
    }

    /// `>&` and `&>` belong to a redirection.
    fn is_redirection_ampersand(&mut self, rest: &[char]) -> bool {
        rest[0] == '&' && rest.get(1) == Some(&'>')
    }

    fn redirection(&mut self, rest: &[char]) -> usize {
        // A number right before it is a descriptor, not a word.
        let descriptor = matches!(self.owner().word.as_deref(), Some([Piece::Text(text)]) if text.chars().all(|c| c.is_ascii_digit()));
        if descriptor {
            self.owner().word = None;
        }
        self.end_word();
        if matches!(rest, ['<' | '>', '(', ..]) {
            self.owner().word.get_or_insert_default();
            self.frames.push(Frame::command(Closer::Parenthesis));
            return 2;
        }
        let length = rest.iter().take(3).take_while(|c| matches!(**c, '<' | '>' | '&' | '|' | '-')).count();
        let operator: String = rest[..length].iter().collect();
        self.owner().redirects = true;
        self.owner().wants_delimiter = operator == "<<" || operator == "<<-";
        length
    }

    fn open_quote(&mut self, kind: Kind) {
        let owner = self.owner();
        owner.word.get_or_insert_default();
        owner.quoted_word = true;
        owner.last = None;
        self.frames.push(Frame::new(kind));
    }

    /// `$…` and backticks; `quotes` when `$'…'` is quoting here.
    fn open_expansion(&mut self, rest: &[char], quotes: bool) -> usize {
        let (frame, length) = match rest {
            ['`', ..] => (Frame::command(Closer::Backtick), 1),
            ['$', '(', '(', ..] => (Frame::new(Kind::Arithmetic { depth: 0 }), 3),
            ['$', '(', ..] => (Frame::command(Closer::Parenthesis), 2),
            ['$', '{', ..] => (Frame::new(Kind::Expansion), 2),
            ['$', '\'', ..] if quotes => (Frame::new(Kind::Ansi), 2),
            _ => {
                self.push_text('$');
                return 1;
            }
        };
        let owner = self.owner();
        owner.word.get_or_insert_default();
        owner.last = None;
        self.push_piece(Piece::Trusted(StrProps::top()));
        self.frames.push(frame);
        length
    }

    fn in_double(&mut self, rest: &[char]) -> usize {
        match rest {
            ['"', ..] => {
                self.close_frame();
                1
            }
            ['\\', c @ ('"' | '\\' | '$' | '`'), ..] => {
                self.push_text(*c);
                2
            }
            ['\\', '\n', ..] => 2,
            ['$' | '`', ..] => self.open_expansion(rest, false),
            [c, ..] => {
                self.push_text(*c);
                1
            }
            [] => 1,
        }
    }

    fn in_expansion(&mut self, rest: &[char]) -> usize {
        match rest[0] {
            '}' => self.close_frame(),
            '\'' => self.frames.push(Frame::new(Kind::Single)),
            '"' => self.frames.push(Frame::new(Kind::Double)),
            '\\' => return 2.min(rest.len()),
            '$' | '`' => return self.open_expansion(rest, false),
            _ => {}
        }
        1
    }

    fn in_arithmetic(&mut self, rest: &[char]) -> usize {
        let Kind::Arithmetic { depth } = &mut self.top().kind else { return 1 };
        match rest {
            ['(', ..] => *depth += 1,
            [')', ..] if *depth > 0 => *depth -= 1,
            [')', ..] => {
                self.close_frame();
                return 2.min(rest.len());
            }
            ['$' | '`', ..] => return self.open_expansion(rest, false),
            _ => {}
        }
        1
    }

    fn in_here_doc(&mut self, c: char) {
        let Kind::HereDoc { delimiter, line, .. } = &mut self.top().kind else { return };
        if c != '\n' {
            line.push(c);
            return;
        }
        let ended = line.trim_start_matches('\t') == delimiter;
        line.clear();
        if ended {
            self.close_frame();
            self.start_here_docs();
        }
    }

    fn start_here_docs(&mut self) {
        if let Some((delimiter, quoted)) = self.pending.pop_front() {
            self.frames.push(Frame::new(Kind::HereDoc { delimiter, expands: !quoted, line: String::new() }));
        }
    }

    fn push_text(&mut self, c: char) {
        let unquoted = matches!(self.top().kind, Kind::Commands(_));
        let owner = self.owner();
        owner.last = unquoted.then_some(c);
        match owner.word.get_or_insert_default().last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.push_piece(Piece::Text(c.to_string())),
        }
    }

    fn push_piece(&mut self, piece: Piece) {
        self.owner().word.get_or_insert_default().push(piece);
    }

    /// A value that is not constant; `rest` is what follows it.
    fn hole(&mut self, part: usize, props: &StrProps, tainted: bool, rest: &[Part<'_>]) {
        let mut end = String::new();
        let context = match &mut self.top().kind {
            Kind::Commands(_) => Context::Unquoted,
            Kind::Double => Context::DoubleQuoted,
            Kind::Single => Context::SingleQuoted,
            Kind::Ansi => Context::AnsiQuoted,
            Kind::Expansion => Context::Expansion,
            Kind::Arithmetic { .. } => Context::Arithmetic,
            Kind::Comment => Context::Comment,
            Kind::HereDoc { expands, line, delimiter } => {
                end.clone_from(delimiter);
                line.push('\0');
                Context::HereDoc { expands: *expands }
            }
        };
        let in_text = matches!(context, Context::Comment | Context::HereDoc { .. });
        let in_word =
            matches!(context, Context::Unquoted | Context::DoubleQuoted | Context::SingleQuoted | Context::AnsiQuoted)
                && self.quotes_belong_to_word();
        let owner = self.owner();
        let site = Site {
            part,
            context,
            position: if in_text { Position::Text } else { owner.position() },
            word_start: owner.word.as_deref().is_none_or(<[_]>::is_empty),
            after_dollar: context == Context::Unquoted && owner.last == Some('$'),
            after_colon: context == Context::Unquoted && matches!(owner.last, Some(':' | '=')),
            before_quote: match rest.first() {
                Some(Part::Lit(text)) => text.starts_with('"'),
                next => next.is_some(),
            },
            more_follow: rest.iter().any(|part| matches!(part, Part::Hole(_))),
            delimiter: end,
            word: None,
        };
        if tainted {
            self.lexed.sites.push(site);
        }
        if !in_word {
            return;
        }
        let index = self.lexed.sites.len().checked_sub(1).filter(|_| tainted);
        let owner = self.owner();
        owner.sites_in_word.extend(index);
        owner.last = None;
        let props = without_shell_quoting(props, context);
        self.push_piece(if tainted { Piece::Hole(props) } else { Piece::Trusted(props) });
    }

    /// Whether the quotes around the position are part of a word, not of an expansion.
    fn quotes_belong_to_word(&self) -> bool {
        let outside =
            self.frames.iter().rev().find(|frame| !matches!(frame.kind, Kind::Double | Kind::Single | Kind::Ansi));
        outside.is_some_and(|frame| matches!(frame.kind, Kind::Commands(_)))
    }

    fn end_word(&mut self) {
        let owner = self.owner();
        let Some(word) = owner.word.take() else { return };
        owner.last = None;
        let sites = std::mem::take(&mut owner.sites_in_word);
        let quoted = std::mem::take(&mut owner.quoted_word);
        if std::mem::take(&mut owner.redirects) {
            if std::mem::take(&mut owner.wants_delimiter) {
                let text: String =
                    word.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" }).collect();
                self.pending.push_back((text, quoted));
            }
            return;
        }
        let starts_assignment = matches!(word.first(), Some(Piece::Text(text)) if is_assignment(text));
        if std::mem::take(&mut owner.assigns) || (owner.command.words.is_empty() && starts_assignment) {
            return;
        }
        let (command, index) = (self.lexed.commands.len(), self.owner().command.words.len());
        for site in &sites {
            // The number of the command is settled when it ends.
            self.lexed.sites[*site].word = Some((command, index));
        }
        let owner = self.owner();
        owner.sites_in_command.extend(sites);
        // `sudo FOO=bar cmd` and reserved words in front of a command: the command proper starts later.
        let is_reserved = matches!(word.as_slice(), [Piece::Text(text)] if RESERVED.contains(&text.as_str()));
        if !(owner.command.words.is_empty() && is_reserved) {
            owner.command.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let owner = self.owner();
        let command = std::mem::take(&mut owner.command);
        let sites = std::mem::take(&mut owner.sites_in_command);
        owner.redirects = false;
        let number = self.lexed.commands.len();
        for site in sites {
            if let Some((command, _)) = &mut self.lexed.sites[site].word {
                *command = number;
            }
        }
        self.lexed.commands.push(command);
    }

    fn close_frame(&mut self) {
        if matches!(self.top().kind, Kind::Commands(_)) {
            self.end_command();
        }
        self.frames.pop();
    }
}

/// Words that are followed by a command.
const RESERVED: [&str; 12] =
    ["if", "then", "else", "elif", "while", "until", "do", "!", "{", "exec", "command", "builtin"];

impl Frame {
    fn position(&mut self) -> Position {
        if self.redirects {
            return Position::Redirection;
        }
        if !self.command.words.is_empty() {
            return Position::Argument;
        }
        if self.assigns {
            return Position::Assignment;
        }
        let assigns = matches!(self.word.as_deref(), Some([Piece::Text(text), ..]) if is_assignment(text));
        self.assigns = assigns;
        if assigns { Position::Assignment } else { Position::Command }
    }
}

/// `NAME=` or `NAME=value`.
fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The value once the shell has removed its quoting.
fn without_shell_quoting(props: &StrProps, context: Context) -> StrProps {
    let quoted = match props.quoted {
        Quoting::ShellWord if context == Context::Unquoted => Quoting::None,
        Quoting::ShellSingle(escaped) if context == Context::SingleQuoted => match escaped.is_empty() {
            true => Quoting::None,
            false => Quoting::Backslash(escaped),
        },
        Quoting::Backslash(_) if matches!(context, Context::Unquoted | Context::DoubleQuoted | Context::AnsiQuoted) => {
            Quoting::None
        }
        kept => kept,
    };
    StrProps { quoted, ..props.clone() }
}
