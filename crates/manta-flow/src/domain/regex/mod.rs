//! Regular expressions as checks and sanitizers: what does a successful or failed test prove?
//!
//! A pattern becomes the language of all subjects on which it succeeds, with anchors, flags, search or full match and
//! the dialect's small print (`$` before a final newline in Python, line-wise anchors with `m`) taken into account. Facts
//! are read off that language. An unsupported construct widens it or gives no fact; it is never guessed.
//!
//! ```
//! use manta_flow::domain::regex::{Dialect, Regex};
//!
//! let name = Regex::new("^[a-z0-9-]+$", &Dialect::JavaScript { flags: "" }).unwrap();
//! assert!(name.if_match().charset.excludes(";$` \n"));
//! let unanchored = Regex::new("[a-z0-9-]+", &Dialect::JavaScript { flags: "" }).unwrap();
//! assert!(unanchored.if_match().charset.contains(';'));
//! ```

use std::cell::OnceCell;
use std::rc::Rc;

use super::charset::CharSet;
use super::props::StrProps;
use super::url::{Host, HostGrade, Subject, WeakHost};
use replace::{depends_on_context, is_nullable};
use tree::Node;

pub use groups::{Group, groups};

mod automaton;
mod facts;
mod groups;
mod parse;
mod replace;
mod tree;

/// The syntax and semantics a pattern is read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect<'a> {
    /// A JavaScript regular expression; `test`, `exec`, `match` and `search` look anywhere in the subject.
    JavaScript {
        /// The flags, e.g. `"gi"`.
        flags: &'a str,
    },
    /// Python's `re`.
    Python {
        /// Which function is used.
        mode: PythonMode,
        /// The letters of the flags, e.g. `"im"` for `re.I | re.M`; `a` is `re.ASCII`, `x` is `re.VERBOSE`.
        flags: &'a str,
    },
    /// The Rust crate `regex`, searched anywhere (what pydantic's `pattern` uses).
    Rust,
}

/// The matching functions of Python's `re`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PythonMode {
    /// `re.match`: anchored at the start.
    Match,
    /// `re.fullmatch`: anchored at both ends.
    FullMatch,
    /// `re.search`, `re.findall`, `re.sub`: anywhere.
    Search,
}

/// The pattern is invalid, too large, or uses a construct no facts can be drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported;

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("regular expression not supported")
    }
}

impl std::error::Error for Unsupported {}

/// At which ends the function that is called pins the expression to the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchoring {
    start: bool,
    end: bool,
}

/// A parsed regular expression. Its automata are built when first needed and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    node: Node,
    anchoring: Anchoring,
    /// UTF-16 units one character of the pattern may stand for.
    units: u32,
    sticky: bool,
    stateful: bool,
    python: bool,
    automata: Automata,
}

/// Automata built so far; `None` inside when a limit was exceeded.
#[derive(Clone, Default)]
struct Automata {
    matching: OnceCell<Option<Rc<facts::Language>>>,
    certain: OnceCell<Option<Rc<facts::Language>>>,
    removed: OnceCell<CharSet>,
    removes_double_dots: OnceCell<bool>,
    /// As a check of a host, and of a text that begins with one.
    host_grades: [OnceCell<HostGrade>; 2],
    if_match: OnceCell<StrProps>,
    if_no_match: OnceCell<StrProps>,
}

/// What has been computed so far makes no difference.
impl PartialEq for Automata {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Automata {}

impl std::fmt::Debug for Automata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Automata")
    }
}

/// Everything a test with a regular expression proves, see [`Regex::facts`].
#[derive(Clone, Debug)]
pub struct RegexFacts {
    /// The subject after a successful test.
    pub if_match: StrProps,
    /// The subject after a failed test.
    pub if_no_match: StrProps,
    /// Text every matching subject starts with; empty if there is none.
    pub required_prefix: String,
    /// Text every matching subject ends with; empty if there is none.
    pub required_suffix: String,
}

impl Regex {
    /// Parses `pattern`.
    ///
    /// # Errors
    /// [`Unsupported`] when the pattern is invalid in that dialect, longer than 4,096 characters, nested deeper than 64
    /// groups, or uses set notation (`[a&&b]`).
    pub fn new(pattern: &str, dialect: &Dialect<'_>) -> Result<Self, Unsupported> {
        let node = parse::parse(pattern, dialect)?;
        let start_only = Anchoring { start: true, end: false };
        let nowhere = Anchoring { start: false, end: false };
        let (anchoring, units, flags) = match *dialect {
            Dialect::JavaScript { flags } => (nowhere, if flags.contains(['u', 'v']) { 2 } else { 1 }, flags),
            Dialect::Python { mode: PythonMode::Match, .. } => (start_only, 2, ""),
            Dialect::Python { mode: PythonMode::FullMatch, .. } => (Anchoring { start: true, end: true }, 2, ""),
            Dialect::Python { mode: PythonMode::Search, .. } | Dialect::Rust => (nowhere, 2, ""),
        };
        Ok(Self {
            node,
            anchoring,
            units,
            sticky: flags.contains('y'),
            stateful: flags.contains(['g', 'y']),
            python: matches!(dialect, Dialect::Python { .. }),
            automata: Automata::default(),
        })
    }

    /// Whether `test` and `exec` of a shared regex object start where the last call ended (JavaScript `g`, `y`). A
    /// failed test then proves nothing unless the object is fresh.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.stateful
    }

    /// Everything at once; use the single accessors when only one is needed.
    #[must_use]
    pub fn facts(&self) -> RegexFacts {
        RegexFacts {
            if_match: self.if_match(),
            if_no_match: self.if_no_match(),
            required_prefix: self.required_prefix(),
            required_suffix: self.required_suffix(),
        }
    }

    /// What is known of a subject after a successful test.
    #[must_use]
    pub fn if_match(&self) -> StrProps {
        let compute = || {
            if !self.ties_to_ends() {
                return StrProps { min_len: u32::from(!is_nullable(&self.node)), ..StrProps::top() };
            }
            self.matching().map_or_else(StrProps::top, |language| language.props(self.units))
        };
        self.automata.if_match.get_or_init(compute).clone()
    }

    /// What is known of a subject after a failed test.
    #[must_use]
    pub fn if_no_match(&self) -> StrProps {
        let compute = || {
            let failing = self.certain().map(facts::Language::complement);
            failing.map_or_else(StrProps::top, |language| language.props(2))
        };
        self.automata.if_no_match.get_or_init(compute).clone()
    }

    /// Text every matching subject starts with; empty if there is none.
    #[must_use]
    pub fn required_prefix(&self) -> String {
        self.matching().map(|language| language.required_prefix()).unwrap_or_default()
    }

    /// Text every matching subject ends with; empty if there is none.
    #[must_use]
    pub fn required_suffix(&self) -> String {
        self.matching().map(|language| language.required_suffix()).unwrap_or_default()
    }

    /// Whether a successful test is tied to the start of the subject: what precedes the match is empty.
    #[must_use]
    pub fn is_anchored_start(&self) -> bool {
        self.anchoring.start || anchored(&self.node, true)
    }

    /// Whether a successful test is tied to the end of the subject (a final newline in Python aside).
    #[must_use]
    pub fn is_anchored_end(&self) -> bool {
        self.anchoring.end || anchored(&self.node, false)
    }

    /// Whether the test certainly succeeds on `text`; used to run deny-lists against examples.
    #[must_use]
    pub fn surely_matches(&self, text: &str) -> bool {
        self.certain().is_some_and(|language| language.accepts(text))
    }

    /// Whether the test may succeed on `text`.
    #[must_use]
    pub fn may_match(&self, text: &str) -> bool {
        self.matching().is_none_or(|language| language.accepts(text))
    }

    /// A subject that starts with `prefix` and certainly passes the test, as short as possible.
    #[must_use]
    pub fn passing_with_prefix(&self, prefix: &str) -> Option<String> {
        self.certain()?.complete(prefix)
    }

    /// What a successful test is worth as a check of a host.
    #[must_use]
    pub fn grade_host(&self, subject: Subject) -> HostGrade {
        let known = &self.automata.host_grades[usize::from(subject == Subject::Text)];
        known.get_or_init(|| self.compute_host_grade(subject)).clone()
    }

    fn compute_host_grade(&self, subject: Subject) -> HostGrade {
        let Some(language) = self.matching() else { return HostGrade::None };
        let host = match subject {
            Subject::Host => language.bare_host(),
            Subject::Text => language.props(self.units).url.host,
        };
        if matches!(host, Host::Fixed(_) | Host::AllowListed) {
            return HostGrade::Strong;
        }
        match (self.mentions_host(), self.host_bypass(subject)) {
            (true, Some(bypass)) => HostGrade::Weak { why: WeakHost::Regex, bypass },
            _ => HostGrade::None,
        }
    }

    /// Whether the pattern spells a host name with a dot in it, so that it was meant as a check of one.
    fn mentions_host(&self) -> bool {
        let mut text = String::new();
        spelled(&self.node, &mut text);
        text.split(['/', ':', '*']).any(|piece| {
            let labels: Vec<&str> = piece.split('.').collect();
            let is_label = |label: &&str| !label.is_empty() && label.chars().any(|c| c.is_ascii_alphabetic());
            labels.iter().filter(|label| is_label(label)).count() >= 2
        })
    }

    fn host_bypass(&self, subject: Subject) -> Option<String> {
        let elsewhere: &[&str] = match subject {
            Subject::Host => &["evil.example", "evil", "x"],
            Subject::Text => {
                &["https://evil.example/", "https://evil.example/?", "http://evil.example/", "https://evil"]
            }
        };
        if let Some(found) = elsewhere.iter().find_map(|prefix| self.passing_with_prefix(prefix)) {
            return Some(found);
        }
        let prefix = self.required_prefix();
        const ENDINGS: [&str; 8] =
            [".evil.example/", "@evil.example/", "evil.example/", ".evil.example", "/", "@", "evil", "x"];
        ENDINGS.iter().find_map(|ending| self.passing_with_prefix(&format!("{prefix}{ending}")))
    }

    /// Whether anything ties a match to the ends of the subject. If not, any text may surround it, and a successful test
    /// proves next to nothing.
    fn ties_to_ends(&self) -> bool {
        self.anchoring.start || self.anchoring.end || depends_on_context(&self.node)
    }

    /// The subjects on which the test may succeed.
    fn matching(&self) -> Option<&facts::Language> {
        // A sticky regex matches at `lastIndex`, which is somewhere.
        let build = || automata_of(&self.node, self.anchoring, automaton::Bound::Over);
        self.automata.matching.get_or_init(build).as_deref()
    }

    /// The subjects on which the test certainly succeeds.
    fn certain(&self) -> Option<&facts::Language> {
        let build = || automata_of(&self.node, self.anchoring, automaton::Bound::Under);
        if self.sticky { None } else { self.automata.certain.get_or_init(build).as_deref() }
    }
}

fn automata_of(node: &Node, anchoring: Anchoring, bound: automaton::Bound) -> Option<Rc<facts::Language>> {
    automaton::build(node, anchoring, bound).ok().map(|dfa| Rc::new(facts::Language::new(dfa)))
}

/// Whether every branch begins (or ends) with an anchor of the whole subject.
fn anchored(node: &Node, at_start: bool) -> bool {
    use tree::Assertion;
    match node {
        Node::Assert(Assertion::Start) => at_start,
        Node::Assert(Assertion::End | Assertion::EndOrFinalNewline) => !at_start,
        Node::Concat(items) => {
            let edge = if at_start { items.first() } else { items.last() };
            edge.is_some_and(|item| anchored(item, at_start))
        }
        Node::Alt(branches) => branches.iter().all(|branch| anchored(branch, at_start)),
        Node::Repeat { node, min, .. } => *min > 0 && anchored(node, at_start),
        Node::AtMost(node) => anchored(node, at_start),
        Node::Empty | Node::Class(_) | Node::Assert(_) | Node::Ahead { .. } => false,
    }
}

/// The constant characters of a pattern in order; everything else as `*`.
fn spelled(node: &Node, text: &mut String) {
    match node {
        Node::Class(class) => {
            let mut members = class.may.to_lower().ascii_chars();
            match (members.next(), members.next()) {
                (Some(c), None) if !class.may.has_non_ascii() => text.push(c),
                // An unescaped dot was most likely meant as one.
                _ if class.may.ascii_len() > 120 => text.push('.'),
                _ => text.push('*'),
            }
        }
        Node::Concat(items) => items.iter().for_each(|item| spelled(item, text)),
        Node::Alt(branches) => branches.iter().for_each(|branch| {
            spelled(branch, text);
            text.push('*');
        }),
        Node::Repeat { node, .. } => {
            spelled(node, text);
            text.push('*');
        }
        Node::AtMost(node) => spelled(node, text),
        Node::Empty | Node::Assert(_) | Node::Ahead { .. } => {}
    }
}
