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

/// Text of the current component so far: empty, `.`, `..`, anything else. With a flag whether a hole is part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    kind: u8,
    from_hole: bool,
}

impl State {
    fn program(kind: u8) -> Self {
        Self { kind, from_hole: false }
    }
}

const EMPTY: u8 = 0;
const DOT: u8 = 1;
const DOTDOT: u8 = 2;
const NAME: u8 = 3;

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
    let mut walk = Walk { states: vec![State::program(EMPTY)], climbed: false, count };
    for part in parts {
        match *part {
            Part::Lit(text) => walk.text(text, false),
            Part::Trusted(props) if props.is_finite() => walk.value(props),
            Part::Trusted(_) => walk.states = vec![State::program(NAME), State::program(EMPTY)],
            Part::Hole(props) => walk.value(props),
        }
    }
    if walk.climbed {
        DotDot::May
    } else if walk.states.iter().any(|state| walk.counts(*state)) {
        DotDot::LastOnly
    } else {
        DotDot::No
    }
}

struct Walk {
    states: Vec<State>,
    climbed: bool,
    count: Count,
}

impl Walk {
    fn counts(&self, state: State) -> bool {
        state.kind == DOTDOT && (self.count == Count::All || state.from_hole)
    }

    fn text(&mut self, text: &str, from_hole: bool) {
        for c in text.chars() {
            let mut next = Vec::new();
            for &state in &self.states {
                let moved = if c == '/' {
                    self.climbed |= self.counts(state);
                    State::program(EMPTY)
                } else {
                    let kind = if c == '.' { (state.kind + 1).min(NAME) } else { NAME };
                    State { kind, from_hole: state.from_hole || from_hole }
                };
                add(&mut next, moved);
            }
            self.states = next;
        }
    }

    fn value(&mut self, props: &StrProps) {
        if let Some(lits) = &props.lits {
            let before = self.states.clone();
            let mut after = Vec::new();
            for lit in lits.iter() {
                self.states.clone_from(&before);
                self.text(lit, true);
                self.states.iter().for_each(|&state| add(&mut after, state));
            }
            self.states = after;
            return;
        }
        let separates = props.charset.contains('/');
        let mut after = Vec::new();
        for state in self.states.clone() {
            // Without a separator in it the value only lengthens the current component.
            if !props.is_nonempty() {
                add(&mut after, state);
            }
            for head in components(props, props.first.contains('.'), !separates && !props.last.contains('.')) {
                let grown = State { kind: (state.kind + head).min(NAME), from_hole: true };
                if head > EMPTY && (head == DOT || head == NAME || props.path.dotdot != DotDot::No) {
                    add(&mut after, grown);
                }
                if separates && !(head == DOTDOT && props.path.dotdot != DotDot::May) {
                    let completed = if head == EMPTY { state } else { grown };
                    self.climbed |= self.counts(completed);
                }
            }
            if separates {
                self.climbed |= props.path.dotdot == DotDot::May;
                for tail in components(props, true, !props.last.contains('.')) {
                    if tail != DOTDOT || props.path.dotdot != DotDot::No {
                        add(&mut after, State { kind: tail, from_hole: tail != EMPTY });
                    }
                }
            }
        }
        self.states = after;
    }
}

/// The kinds one end component of a value may have.
fn components(props: &StrProps, dot_first: bool, no_dot_last: bool) -> Vec<u8> {
    let dots = props.charset.contains('.') && dot_first && !no_dot_last;
    if dots { vec![EMPTY, DOT, DOTDOT, NAME] } else { vec![EMPTY, NAME] }
}

fn add(states: &mut Vec<State>, state: State) {
    if !states.contains(&state) {
        states.push(state);
    }
}
