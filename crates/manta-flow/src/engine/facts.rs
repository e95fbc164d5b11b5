//! What conditions teach about values.
//!
//! A condition is kept as what it *implies*: the refinements that hold when it is true and those that hold when it is
//! false. `&&`, `||`, `!` combine implications, so guards need no syntax of their own: an early return, a throwing
//! validator and a predicate function all end as facts about a value number.

use std::rc::Rc;

use crate::domain::StrProps;
use crate::engine::value::Vn;
use manta_core::Location;

/// A refinement of one value.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// Properties that the text is known to have.
    pub(crate) props: StrProps,
    /// Equal to (an element of) something the caller does not control.
    pub(crate) is_listed: bool,
    /// Where the check stands, for "guarded at".
    pub(crate) at: Option<Location>,
    /// Weak checks met, as evidence for findings.
    pub(crate) notes: Vec<Note>,
}

/// A check that did not convince, with the input that passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) at: Location,
    pub(crate) text: String,
    pub(crate) kind: NoteKind,
}

/// What a weak check was about; some become rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum NoteKind {
    PrefixWithoutSeparator,
    WeakHost,
    Regex,
    Other,
}

impl Fact {
    pub(crate) fn props(props: StrProps, at: Location) -> Self {
        Self { props, is_listed: false, at: Some(at), notes: Vec::new() }
    }

    pub(crate) fn listed(at: Location) -> Self {
        Self { props: StrProps::default(), is_listed: true, at: Some(at), notes: Vec::new() }
    }

    /// Both hold.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut notes = self.notes.clone();
        for note in &other.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        Self {
            props: self.props.refine(&other.props),
            is_listed: self.is_listed || other.is_listed,
            at: self.at.or(other.at),
            notes,
        }
    }

    /// Whether the value is one the program names.
    fn is_named(&self) -> bool {
        self.is_listed || self.props.lits.is_some()
    }

    /// One of the two holds.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let notes = self.notes.iter().filter(|note| other.notes.contains(note)).cloned().collect();
        let mut props = self.props.join(&other.props);
        // `real === root || real.startsWith(root + sep)`: where the program names the path itself, no containment is
        // needed, so the check of the other side is what both guarantee.
        match (self.is_named(), other.is_named()) {
            (true, false) => props.path.within = other.props.path.within.clone(),
            (false, true) => props.path.within = self.props.path.within.clone(),
            _ => {}
        }
        Self { props, is_listed: self.is_listed && other.is_listed, at: self.at.or(other.at), notes }
    }
}

/// Refinements by value number; sorted, one entry per value.
pub(crate) type Refinements = Vec<(Vn, Rc<Fact>)>;

/// What a condition implies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cond {
    pub(crate) when_true: Refinements,
    pub(crate) when_false: Refinements,
    /// The outcome when the option of the administrator's that it asks for is not set.
    pub(crate) when_unset: Option<bool>,
}

impl Cond {
    pub(crate) fn is_trivial(&self) -> bool {
        self.when_true.is_empty() && self.when_false.is_empty() && self.when_unset.is_none()
    }

    pub(crate) fn not(&self) -> Self {
        Self {
            when_true: self.when_false.clone(),
            when_false: self.when_true.clone(),
            when_unset: self.when_unset.map(|outcome| !outcome),
        }
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            when_true: both(&self.when_true, &other.when_true),
            when_false: either(&self.when_false, &other.when_false),
            when_unset: decided(self.when_unset, other.when_unset, false),
        }
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            when_true: either(&self.when_true, &other.when_true),
            when_false: both(&self.when_false, &other.when_false),
            when_unset: decided(self.when_unset, other.when_unset, true),
        }
    }
}

/// The outcome of two tests together, where `wins` on one side decides.
fn decided(a: Option<bool>, b: Option<bool>, wins: bool) -> Option<bool> {
    if a == Some(wins) || b == Some(wins) { Some(wins) } else { a.and(b) }
}

/// Refinements when both sides hold.
pub(crate) fn both(a: &Refinements, b: &Refinements) -> Refinements {
    let mut all = a.clone();
    for (vn, fact) in b {
        match all.binary_search_by_key(vn, |(vn, _)| *vn) {
            Ok(at) => all[at].1 = Rc::new(all[at].1.and(fact)),
            Err(at) => all.insert(at, (*vn, fact.clone())),
        }
    }
    all
}

/// Refinements when at least one side holds.
pub(crate) fn either(a: &Refinements, b: &Refinements) -> Refinements {
    let mut common = Vec::new();
    for (vn, fact) in a {
        if let Ok(at) = b.binary_search_by_key(vn, |(vn, _)| *vn) {
            common.push((*vn, Rc::new(fact.or(&b[at].1))));
        }
    }
    common
}
