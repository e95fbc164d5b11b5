//! Where a component `..` can arise in a concatenation.
//!
//! `a/${x}.json` has no `..` component even if `x` is `..`, and `.${x}` has one if `x` is `.`. A four-state automaton
//! over the current component decides it.

use super::{DotDot, Part, StrProps};

/// Whose `..` counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Every `..`.
    All,
    /// Only one that a hole contributes to.
    Holes,
}

const EMPTY: u8 = 0;
const DOT: u8 = 1;
const DOTDOT: u8 = 2;
const NAME: u8 = 3;

/// States the walk may be in: what the current component is so far (empty, `.`, `..`, anything else), each with a bit for
/// "by the program alone" and one for "a hole is part of it".
type States = u8;

const BY_PROGRAM: States = 0b0101_0101;
const FROM_HOLE: States = 0b1010_1010;

const fn state(kind: u8, from_hole: bool) -> States {
    1 << (2 * kind + from_hole as u8)
}

/// `..` components of a concrete text.
pub(super) fn dotdot_of_text(text: &str) -> DotDot {
    let mut components = text.rsplit('/');
    let last = components.next();
    if components.any(|component| component == "..") {
        DotDot::May
    } else if last == Some("..") {
        DotDot::LastOnly
    } else {
        DotDot::No
    }
}

/// `..` components of a concatenation. An unknown trusted part is taken to have none: nobody chooses it to climb.
pub(super) fn dotdot(parts: &[Part<'_>], count: Count) -> DotDot {
    let mut walk = Walk { states: state(EMPTY, false), climbed: false, count };
    for part in parts {
        match *part {
            Part::Lit(text) => walk.text(text, false),
            Part::Trusted(props) if props.is_finite() => walk.value(props),
            // Without a separator in it, it lengthens the component it stands in: the number in `${a}-${now}${b}`.
            Part::Trusted(props) if !props.charset.contains('/') => {
                let grown = longer(walk.states, NAME);
                walk.states = if props.is_nonempty() { grown } else { grown | walk.states };
            }
            Part::Trusted(_) => walk.states = state(NAME, false) | state(EMPTY, false),
            Part::Hole(props) => walk.value(props),
        }
    }
    if walk.climbed {
        DotDot::May
    } else if walk.counts(walk.states) {
        DotDot::LastOnly
    } else {
        DotDot::No
    }
}

struct Walk {
    states: States,
    climbed: bool,
    count: Count,
}

impl Walk {
    /// Whether one of these is a `..` that counts.
    fn counts(&self, states: States) -> bool {
        let counting = match self.count {
            Count::All => state(DOTDOT, false) | state(DOTDOT, true),
            Count::Holes => state(DOTDOT, true),
        };
        states & counting != 0
    }

    fn text(&mut self, text: &str, from_hole: bool) {
        for (index, component) in text.split('/').enumerate() {
            if index > 0 {
                self.climbed |= self.counts(self.states);
                self.states = state(EMPTY, false);
            }
            // Three characters make a name of whatever stood before them; more of them change nothing.
            for byte in component.bytes().take(3) {
                if from_hole {
                    self.states = self.states & FROM_HOLE | (self.states & BY_PROGRAM) << 1;
                }
                self.states = if byte == b'.' { longer(self.states, DOT) } else { longer(self.states, NAME) };
            }
        }
    }

    fn value(&mut self, props: &StrProps) {
        if let Some(lits) = &props.lits {
            let before = self.states;
            let mut after = 0;
            for lit in lits.iter() {
                self.states = before;
                self.text(lit, true);
                after |= self.states;
            }
            self.states = after;
            return;
        }
        let separates = props.charset.contains('/');
        // Without a separator in it the value only lengthens the current component.
        let mut after = if props.is_nonempty() { 0 } else { self.states };
        let touched = self.states & FROM_HOLE | (self.states & BY_PROGRAM) << 1;
        for &head in components(props, props.first.contains('.'), !separates && !props.last.contains('.')) {
            let grown = longer(touched, head);
            if head > EMPTY && (head == DOT || head == NAME || props.path.dotdot != DotDot::No) {
                after |= grown;
            }
            if separates && !(head == DOTDOT && props.path.dotdot != DotDot::May) {
                self.climbed |= self.counts(if head == EMPTY { self.states } else { grown });
            }
        }
        if separates {
            self.climbed |= props.path.dotdot == DotDot::May;
            for &tail in components(props, true, !props.last.contains('.')) {
                if tail != DOTDOT || props.path.dotdot != DotDot::No {
                    after |= state(tail, tail != EMPTY);
                }
            }
        }
        self.states = after;
    }
}

/// The states once a piece of that kind is appended.
fn longer(states: States, by: u8) -> States {
    (EMPTY..=NAME).fold(0, |longer, kind| {
        let here = states >> (2 * kind) & 0b11;
        longer | here << (2 * (kind + by).min(NAME))
    })
}

/// The kinds one end component of a value may have.
fn components(props: &StrProps, dot_first: bool, no_dot_last: bool) -> &'static [u8] {
    let dots = props.charset.contains('.') && dot_first && !no_dot_last;
    if dots { &[EMPTY, DOT, DOTDOT, NAME] } else { &[EMPTY, NAME] }
}
