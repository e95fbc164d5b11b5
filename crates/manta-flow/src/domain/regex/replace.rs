//! Regular expressions in replacements: what is certainly gone afterwards, and what is properly escaped.

use super::automaton::Bound;
use super::tree::{Assertion, Node};
use super::{Anchoring, Regex, automata_of};
use crate::domain::charset::CharSet;
use crate::domain::path::{DotDot, Norm};
use crate::domain::props::{Quoting, StrProps};

impl Regex {
    /// The value after every match (`global`) or the first one has been replaced by `replacement`.
    ///
    /// Only a pattern that consumes a character wherever it stands removes it: `[^a-z]`, `[;&|]+`, `\s+`. Removing a
    /// sequence such as `\.\.\/`, or replacing once, proves nothing.
    #[must_use]
    pub fn replace(&self, subject: &StrProps, replacement: &str, global: bool) -> StrProps {
        if let (true, Some(stripped)) = (replacement.is_empty(), self.strip(subject, global)) {
            return stripped;
        }
        let inserted = StrProps::exact(replacement);
        let removed = self.removed_characters();
        if global && removed.is_empty() && self.removes_double_dots() {
            return match self.insertion(replacement) {
                Insertion::Text(text) => subject.without_double_dots(&text),
                Insertion::Escape | Insertion::Unknown => subject.replace_some(&inserted),
            };
        }
        if !global || removed.is_empty() {
            return subject.replace_some(&inserted);
        }
        match self.insertion(replacement) {
            Insertion::Text(text) => {
                if let Some(quoted) = self.doubling(subject, removed, &text) {
                    return quoted;
                }
                subject.replace_all_chars(removed, &text)
            }
            Insertion::Escape => {
                let escaped = subject.replace_some(&StrProps::exact("\\"));
                StrProps { quoted: subject.quoted.backslash(removed, subject.charset), ..escaped }
            }
            Insertion::Unknown => subject.replace_some(&inserted),
        }
    }

    /// Whether every match is one character that the replacement escapes. Such a replacement does the same to a text and
    /// to each of its pieces.
    #[must_use]
    pub fn escapes(&self, replacement: &str) -> bool {
        match self.insertion(replacement) {
            Insertion::Escape => true,
            Insertion::Text(text) => self.doubling(&StrProps::top(), self.removed_characters(), &text).is_some(),
            Insertion::Unknown => false,
        }
    }

    /// Characters of which no occurrence survives the replacement of all matches by nothing.
    ///
    /// They are the ones the expression, applied at their position, matches whatever follows. The non-ASCII bit means
    /// that all characters outside ASCII go.
    #[must_use]
    pub fn removed_characters(&self) -> CharSet {
        *self.automata.removed.get_or_init(|| self.compute_removed())
    }

    /// Whether replacing all matches by text without dots leaves no `..`.
    ///
    /// So it is if the expression matches at every `..`, and matches nothing that does not start with `..`: then what
    /// stands left of a match is never a dot, and of a run of dots at most one is left.
    fn removes_double_dots(&self) -> bool {
        *self.automata.removes_double_dots.get_or_init(|| self.compute_removes_double_dots())
    }

    fn compute_removes_double_dots(&self) -> bool {
        if self.sticky || depends_on_context(&self.node) || is_nullable(&self.node) {
            return false;
        }
        let here = Anchoring { start: true, end: false };
        let certain = automata_of(&self.node, here, Bound::Under);
        let possible = automata_of(&self.node, here, Bound::Over);
        let matches_all = certain.is_some_and(|language| language.certain_prefix(".."));
        matches_all && possible.is_some_and(|language| language.required_prefix().starts_with(".."))
    }

    fn compute_removed(&self) -> CharSet {
        if self.sticky || depends_on_context(&self.node) || is_nullable(&self.node) {
            return CharSet::NONE;
        }
        let here = Anchoring { start: true, end: false };
        let Some(language) = automata_of(&self.node, here, Bound::Under) else { return CharSet::NONE };
        language.certain_starts()
    }

    /// Removal at the ends: `^\/+`, `[\s.]+$`, `^-+|-+$`, and of leading `../` from a normalised path.
    fn strip(&self, subject: &StrProps, global: bool) -> Option<StrProps> {
        let branches = match &self.node {
            // Without `g` only one of the alternatives is replaced.
            Node::Alt(branches) if global => branches.as_slice(),
            Node::Alt(_) => return None,
            only => std::slice::from_ref(only),
        };
        let mut stripped = subject.clone();
        for branch in branches {
            let Node::Concat(items) = branch else { return None };
            stripped = match items.as_slice() {
                [Node::Assert(Assertion::Start), run] if run_of_class(run).is_some() => {
                    stripped.strip_chars(run_of_class(run)?, true, false)
                }
                [run, Node::Assert(Assertion::End)] if run_of_class(run).is_some() => {
                    stripped.strip_chars(run_of_class(run)?, false, true)
                }
                [Node::Assert(Assertion::Start), Node::Repeat { node, max: None, .. }] => {
                    strip_parents(&stripped, node)?
                }
                _ => return None,
            };
        }
        Some(stripped)
    }

    /// What the replacement text of this dialect inserts.
    fn insertion(&self, replacement: &str) -> Insertion {
        let whole_match: &[&str] = if self.python { &["\\\\\\g<0>"] } else { &["\\$&"] };
        let first_group: &[&str] = if self.python { &["\\\\\\1", "\\\\\\g<1>"] } else { &["\\$1"] };
        let one_character = matches!(self.node, Node::Class(_));
        if whole_match.contains(&replacement) || first_group.contains(&replacement) {
            // Of a longer match only the first character would be escaped.
            return if one_character { Insertion::Escape } else { Insertion::Unknown };
        }
        if self.python {
            return match replacement.contains('\\') {
                false => Insertion::Text(replacement.to_owned()),
                true => Insertion::Unknown,
            };
        }
        match replacement.replace("$$", "").contains('$') {
            false => Insertion::Text(replacement.replace("$$", "$")),
            true => Insertion::Unknown,
        }
    }

    /// Recognises the escaping of one character by text that contains it again: `\'`, `''`, `'\''`.
    fn doubling(&self, subject: &StrProps, removed: CharSet, text: &str) -> Option<StrProps> {
        let mut characters = removed.ascii_chars();
        let (Some(c), None, false) = (characters.next(), characters.next(), removed.has_non_ascii()) else {
            return None;
        };
        let single = matches!(&self.node, Node::Class(class) if class.may == removed);
        single.then(|| subject.escape_char(c, text)).flatten()
    }
}

/// The characters that certainly belong to a run such as `[\s.]+`.
fn run_of_class(node: &Node) -> Option<CharSet> {
    match node {
        Node::Repeat { node, min: 0 | 1, max: None } => match **node {
            Node::Class(class) => Some(class.must),
            _ => None,
        },
        _ => None,
    }
}

/// `normalize(p).replace(/^(\.\.(\/|$))+/, "")`: in a normalised path `..` stands only at the start, so none is left. A
/// pattern that needs the separator leaves a final `..`.
fn strip_parents(subject: &StrProps, step: &Node) -> Option<StrProps> {
    if subject.path.norm == Norm::Raw {
        return None;
    }
    let whole = Anchoring { start: true, end: true };
    let steps = automata_of(step, whole, Bound::Under)?;
    if !steps.accepts("../") {
        return None;
    }
    let mut stripped = subject.slice();
    stripped.path.norm = subject.path.norm;
    stripped.path.abs = subject.path.abs;
    stripped.path.dotdot = if steps.accepts("..") { DotDot::No } else { DotDot::LastOnly };
    Some(stripped.refine(&StrProps::top()))
}

enum Insertion {
    /// Constant text.
    Text(String),
    /// A backslash and the match.
    Escape,
    /// The match in some other arrangement.
    Unknown,
}

impl StrProps {
    /// All occurrences of `c` replaced by `text`, when that is one of the usual escapings of `c`.
    #[must_use]
    pub fn escape_char(&self, c: char, text: &str) -> Option<Self> {
        if self.lits.is_some() {
            return None;
        }
        let replaced = self.replace_some(&Self::exact(text));
        let quoted = match text {
            "'\\''" | "'\"'\"'" if c == '\'' => Quoting::ShellSingle(self.quoted.backslashed()),
            _ if text == format!("\\{c}") => self.quoted.backslash(CharSet::single(c), self.charset),
            _ if text == format!("{c}{c}") && c != '\\' => Quoting::Doubled(CharSet::single(c)),
            _ => return None,
        };
        Some(Self { quoted, ..replaced })
    }
}

/// Whether a match depends on more than the text from its start on.
pub(super) fn depends_on_context(node: &Node) -> bool {
    match node {
        Node::Assert(_) => true,
        Node::Empty | Node::Class(_) => false,
        Node::Concat(items) | Node::Alt(items) => items.iter().any(depends_on_context),
        Node::Repeat { node, .. } | Node::Ahead { node, .. } | Node::AtMost(node) => depends_on_context(node),
    }
}

pub(super) fn is_nullable(node: &Node) -> bool {
    match node {
        Node::Empty | Node::Assert(_) | Node::Ahead { .. } => true,
        Node::Class(_) => false,
        Node::Concat(items) => items.iter().all(is_nullable),
        Node::Alt(branches) => branches.iter().any(is_nullable),
        Node::Repeat { node, min, .. } => *min == 0 || is_nullable(node),
        Node::AtMost(node) => is_nullable(node),
    }
}
