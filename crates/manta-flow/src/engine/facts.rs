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
    pub(crate) fn is_named(&self) -> bool {
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
        // `name is None or name in names`: missing, or one of theirs.
        let is_listed = self.is_named() && other.is_named() && (self.is_listed || other.is_listed);
        Self { props, is_listed, at: self.at.or(other.at), notes }
    }
}

/// Refinements by value number; sorted, one entry per value.
pub(crate) type Refinements = Vec<(Vn, Rc<Fact>)>;

/// What a condition implies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cond {
    pub(crate) when_true: Refinements,
    pub(crate) when_false: Refinements,
    /// What the condition is unless the administrator configures otherwise; none when the configuration alone does not
    /// decide it. A server is judged as it comes: `ALLOW_ALL !== "1" && !isAllowed(x)` is a check.
    pub(crate) by_default: Option<bool>,
}

impl Cond {
    pub(crate) fn is_trivial(&self) -> bool {
        self.when_true.is_empty() && self.when_false.is_empty() && self.by_default.is_none()
    }

    pub(crate) fn not(&self) -> Self {
        Self {
            when_true: self.when_false.clone(),
            when_false: self.when_true.clone(),
            by_default: self.by_default.map(|value| !value),
        }
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self {
            when_true: both(&self.when_true, &other.when_true),
            when_false: self.one_of(other, true, |cond| &cond.when_false),
            by_default: combined(self.by_default, other.by_default, false),
        }
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            when_true: self.one_of(other, false, |cond| &cond.when_true),
            when_false: both(&self.when_false, &other.when_false),
            by_default: combined(self.by_default, other.by_default, true),
        }
    }

    /// What one of two conditions teaches when it is not known which: the answer of a check that was made against one
    /// list or another. Each comes with its truth, where that is known.
    pub(crate) fn of_either(a: (Option<bool>, Option<&Self>), b: (Option<bool>, Option<&Self>)) -> Self {
        let of = |outcome: bool| {
            let side = |(truth, cond): (Option<bool>, Option<&Self>)| {
                let refinements = cond.map(|cond| if outcome { &cond.when_true } else { &cond.when_false });
                (truth != Some(!outcome)).then(|| refinements.cloned().unwrap_or_default())
            };
            match (side(a), side(b)) {
                (Some(a), Some(b)) => either(&a, &b),
                (one, other) => one.or(other).unwrap_or_default(),
            }
        };
        let by_default = |cond: Option<&Self>| cond.and_then(|cond| cond.by_default);
        Self {
            when_true: of(true),
            when_false: of(false),
            by_default: by_default(a.1).filter(|_| by_default(a.1) == by_default(b.1)),
        }
    }

    /// What holds when at least one of the two sides has an outcome; a side that is `never` without it by default
    /// leaves it to the other.
    fn one_of(&self, other: &Self, never: bool, outcome: impl Fn(&Self) -> &Refinements) -> Refinements {
        match (self.by_default, other.by_default) {
            (Some(value), _) if value == never => outcome(other).clone(),
            (_, Some(value)) if value == never => outcome(self).clone(),
            _ => either(outcome(self), outcome(other)),
        }
    }
}

/// The default of `a && b` (`decides` is false) or `a || b` (`decides` is true).
fn combined(a: Option<bool>, b: Option<bool>, decides: bool) -> Option<bool> {
    match (a, b) {
        (Some(value), _) | (_, Some(value)) if value == decides => Some(decides),
        (Some(_), Some(_)) => Some(!decides),
        _ => None,
    }
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
