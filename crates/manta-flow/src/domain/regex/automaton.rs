//! From the tree to a deterministic automaton over whole subjects.
//!
//! A regex is turned into the language of *subjects* on which it succeeds, anchors and searching included. It exists in
//! two versions: [`Bound::Over`] accepts at least those subjects, [`Bound::Under`] at most those. What a successful test
//! proves is read from the first, what a failed test proves from the complement of the second.

use rustc_hash::FxHashMap;

use super::tree::{Assertion, Class, Node};
use super::{Anchoring, Unsupported};
use crate::domain::charset::CharSet;

/// Most states of either automaton; beyond, no fact is claimed.
const MAX_STATES: usize = 600;
/// Most operations visited while one automaton is built: a few milliseconds.
const FUEL: u32 = 500_000;
/// Longest counted repetition that is unrolled.
const MAX_UNROLL: u32 = 64;

/// The 128 ASCII characters and one symbol for all others.
pub(super) const SYMBOLS: usize = 129;
/// The symbol of everything outside ASCII.
const OTHER: usize = 128;

/// From which side the automaton approximates the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Over,
    Under,
}

impl Bound {
    fn opposite(self) -> Self {
        match self {
            Self::Over => Self::Under,
            Self::Under => Self::Over,
        }
    }

    fn set(self, class: Class) -> CharSet {
        match self {
            Self::Over => class.may,
            Self::Under => class.must,
        }
    }
}

/// A deterministic, complete automaton. State 0 is the start.
#[derive(Clone, Debug)]
pub(super) struct Dfa {
    /// The group of every symbol: symbols of one group are never told apart.
    pub(super) group_of: [u8; SYMBOLS],
    pub(super) groups: usize,
    /// `next[state * groups + group]`.
    next: Vec<u16>,
    pub(super) accepts: Vec<bool>,
}

impl Dfa {
    pub(super) fn states(&self) -> usize {
        self.accepts.len()
    }

    pub(super) fn step(&self, state: usize, symbol: usize) -> usize {
        usize::from(self.next[state * self.groups + usize::from(self.group_of[symbol])])
    }

    pub(super) fn step_group(&self, state: usize, group: usize) -> usize {
        usize::from(self.next[state * self.groups + group])
    }

    pub(super) fn run(&self, from: usize, text: &str) -> usize {
        text.chars().fold(from, |state, c| self.step(state, symbol_of(c)))
    }

    /// The same automaton accepting exactly what this one rejects.
    pub(super) fn complement(mut self) -> Self {
        self.accepts.iter_mut().for_each(|accepts| *accepts = !*accepts);
        self
    }

    /// The symbols of a group as a set.
    pub(super) fn group_set(&self, group: usize) -> CharSet {
        let members = (0..OTHER).filter(|&symbol| usize::from(self.group_of[symbol]) == group);
        let ascii = members.fold(CharSet::NONE, |set, symbol| {
            set.union(u8::try_from(symbol).map_or(CharSet::NONE, |byte| CharSet::range(byte, byte)))
        });
        if usize::from(self.group_of[OTHER]) == group { ascii.union(CharSet::NON_ASCII) } else { ascii }
    }
}

/// The symbol of a character.
pub(super) fn symbol_of(c: char) -> usize {
    if c.is_ascii() { c as usize } else { OTHER }
}

/// Builds the automaton of all subjects on which `node` succeeds.
pub(super) fn build(node: &Node, anchoring: Anchoring, bound: Bound) -> Result<Dfa, Unsupported> {
    let alphabet = Alphabet::of(node);
    let (body, aheads) = split_leading_aheads(node, anchoring);
    let mut dfa = determinize(&body, anchoring, bound, &alphabet)?;
    for (ahead, negative) in aheads {
        let at_start = Anchoring { start: true, end: false };
        let condition = if negative {
            determinize(&ahead, at_start, bound.opposite(), &alphabet)?.complement()
        } else {
            determinize(&ahead, at_start, bound, &alphabet)?
        };
        dfa = intersect(&dfa, &condition)?;
    }
    Ok(dfa)
}

/// Groups of symbols that no class of the expression, and no question asked later, tells apart.
struct Alphabet {
    group_of: [u8; SYMBOLS],
    groups: usize,
    /// One symbol of each group.
    sample: Vec<usize>,
}

impl Alphabet {
    fn of(node: &Node) -> Self {
        // Told apart for the questions about paths and URLs, and for line ends.
        let mut sets =
            vec![CharSet::of("."), CharSet::of("/"), CharSet::of("\n"), CharSet::of(":"), CharSet::of("?#\\")];
        collect_sets(node, &mut sets);
        sets.sort_unstable();
        sets.dedup();
        let mut alphabet = Self { group_of: [0; SYMBOLS], groups: 1, sample: Vec::new() };
        for set in sets {
            alphabet.split(|symbol| has(set, symbol));
        }
        alphabet.split(|symbol| symbol == OTHER);
        for symbol in 0..SYMBOLS {
            if usize::from(alphabet.group_of[symbol]) == alphabet.sample.len() {
                alphabet.sample.push(symbol);
            }
        }
        alphabet
    }

    /// Splits every group into the symbols that are in a set and those that are not, and numbers the groups in the
    /// order of their first symbols.
    fn split(&mut self, is_in: impl Fn(usize) -> bool) {
        const NONE: u8 = u8::MAX;
        let mut renamed = [[NONE; 2]; SYMBOLS];
        let mut groups = 0;
        for symbol in 0..SYMBOLS {
            let new = &mut renamed[usize::from(self.group_of[symbol])][usize::from(is_in(symbol))];
            if *new == NONE {
                *new = groups;
                groups += 1;
            }
            self.group_of[symbol] = *new;
        }
        self.groups = usize::from(groups);
    }
}

fn has(set: CharSet, symbol: usize) -> bool {
    match u8::try_from(symbol) {
        Ok(byte) if byte < 128 => set.contains(char::from(byte)),
        _ => set.has_non_ascii(),
    }
}

fn collect_sets(node: &Node, sets: &mut Vec<CharSet>) {
    let mut add = |class: &Class| sets.extend([class.may, class.must]);
    match node {
        Node::Empty => {}
        Node::Class(class) => add(class),
        Node::Assert(assertion) => match assertion {
            Assertion::LineStart(class)
            | Assertion::LineEnd(class)
            | Assertion::WordBoundary(class)
            | Assertion::NotWordBoundary(class) => add(class),
            Assertion::Start | Assertion::End | Assertion::EndOrFinalNewline => {}
        },
        Node::Concat(items) | Node::Alt(items) => items.iter().for_each(|item| collect_sets(item, sets)),
        Node::Repeat { node, .. } | Node::Ahead { node, .. } | Node::AtMost(node) => collect_sets(node, sets),
    }
}

/// Separates `^(?!a)(?=b)rest` into `^rest` and its conditions on the whole subject.
fn split_leading_aheads(node: &Node, anchoring: Anchoring) -> (Node, Vec<(Node, bool)>) {
    let Node::Concat(items) = node else { return (node.clone(), Vec::new()) };
    let mut at_start = anchoring.start;
    let mut aheads = Vec::new();
    let mut kept = Vec::new();
    let mut leading = true;
    for item in items {
        match item {
            Node::Assert(Assertion::Start) if leading => {
                at_start = true;
                kept.push(item.clone());
            }
            Node::Ahead { node, negative } if leading && at_start => aheads.push(((**node).clone(), *negative)),
            item => {
                leading = false;
                kept.push(item.clone());
            }
        }
    }
    (Node::Concat(kept), aheads)
}

// ---- non-deterministic automaton -----------------------------------------------------------------------------------

enum Op {
    /// Consumes one symbol.
    Take(CharSet, usize),
    /// Goes on at all of these.
    Split(Vec<usize>),
    /// Goes on if the position fulfils the condition.
    If(Assertion, usize),
    /// The expression has matched.
    Done,
    /// No way on.
    Dead,
}

struct Compiler {
    ops: Vec<Op>,
    bound: Bound,
}

impl Compiler {
    fn push(&mut self, op: Op) -> Result<usize, Unsupported> {
        if self.ops.len() >= MAX_STATES * 8 {
            return Err(Unsupported);
        }
        self.ops.push(op);
        Ok(self.ops.len() - 1)
    }

    /// Compiles `node` so that it continues at `next`; returns its entry.
    fn compile(&mut self, node: &Node, next: usize) -> Result<usize, Unsupported> {
        match node {
            Node::Empty => Ok(next),
            Node::Class(class) => self.push(Op::Take(self.bound.set(*class), next)),
            Node::Concat(items) => items.iter().rev().try_fold(next, |next, item| self.compile(item, next)),
            Node::Alt(branches) => {
                let entries: Result<Vec<usize>, Unsupported> =
                    branches.iter().map(|branch| self.compile(branch, next)).collect();
                self.push(Op::Split(entries?))
            }
            Node::Repeat { node, min, max } => self.repeat(node, *min, *max, next),
            Node::Assert(assertion) => self.push(Op::If(*assertion, next)),
            // A look-ahead only narrows: ignored from above, impossible from below.
            Node::Ahead { .. } if self.bound == Bound::Over => Ok(next),
            Node::AtMost(node) if self.bound == Bound::Over => self.compile(node, next),
            Node::Ahead { .. } | Node::AtMost(_) => self.push(Op::Dead),
        }
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>, next: usize) -> Result<usize, Unsupported> {
        let (min, max) = match self.bound {
            Bound::Over if min > MAX_UNROLL => (MAX_UNROLL, None),
            Bound::Over if max.is_some_and(|max| max > MAX_UNROLL) => (min, None),
            Bound::Under if min > MAX_UNROLL => return self.push(Op::Dead),
            Bound::Under => (min, max.map(|max| max.min(MAX_UNROLL))),
            Bound::Over => (min, max),
        };
        let mut entry = match max {
            None => {
                let again = self.push(Op::Split(Vec::new()))?;
                let body = self.compile(node, again)?;
                self.ops[again] = Op::Split(vec![body, next]);
                again
            }
            Some(max) => {
                let mut entry = next;
                for _ in min..max {
                    let body = self.compile(node, entry)?;
                    entry = self.push(Op::Split(vec![body, next]))?;
                }
                entry
            }
        };
        for _ in 0..min {
            entry = self.compile(node, entry)?;
        }
        Ok(entry)
    }
}

// ---- determinisation -----------------------------------------------------------------------------------------------

/// What still has to happen after `$` let a final newline pass.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Owed {
    Nothing,
    /// Exactly one newline, then the end.
    NewlineThenEnd,
    /// The end.
    End,
}

type Config = (usize, Owed);

struct Determinizer<'a> {
    ops: Vec<Op>,
    bound: Bound,
    alphabet: &'a Alphabet,
    /// Whether the previous symbol matters for a condition.
    looks_back: bool,
    /// Whether the next symbol, not only whether there is one, matters for a condition.
    looks_ahead: bool,
    /// Per operation and debt, the round of the closure that saw it last.
    seen: Vec<u32>,
    round: u32,
    fuel: u32,
    /// Where a search that has found a match goes on with anything: whoever is here needs nothing else.
    tail: Option<usize>,
}

/// The neighbour of a position: outside the subject, or a symbol.
type Neighbour = Option<usize>;

fn determinize(node: &Node, anchoring: Anchoring, bound: Bound, alphabet: &Alphabet) -> Result<Dfa, Unsupported> {
    let mut compiler = Compiler { ops: Vec::new(), bound };
    let mut done = compiler.push(Op::Done)?;
    let mut tail = None;
    if !anchoring.end {
        let anything = compiler.push(Op::Dead)?;
        let rest = compiler.push(Op::Take(CharSet::ALL, anything))?;
        compiler.ops[anything] = Op::Split(vec![rest, done]);
        done = anything;
        tail = Some(anything);
    }
    let mut start = compiler.compile(node, done)?;
    if !anchoring.start {
        let head = compiler.push(Op::Dead)?;
        let skip = compiler.push(Op::Take(CharSet::ALL, head))?;
        compiler.ops[head] = Op::Split(vec![start, skip]);
        start = head;
    }
    let looks_back = compiler.ops.iter().any(|op| {
        matches!(op, Op::If(Assertion::LineStart(_) | Assertion::WordBoundary(_) | Assertion::NotWordBoundary(_), _))
    });
    let looks_ahead = compiler.ops.iter().any(|op| {
        matches!(op, Op::If(assertion, _) if !matches!(assertion, Assertion::Start | Assertion::End | Assertion::LineStart(_)))
    });
    let seen = vec![0; compiler.ops.len() * 3];
    Determinizer { ops: compiler.ops, bound, alphabet, looks_back, looks_ahead, seen, round: 0, fuel: FUEL, tail }
        .run(start)
}

impl Determinizer<'_> {
    fn run(mut self, start: usize) -> Result<Dfa, Unsupported> {
        let groups = self.alphabet.groups;
        let mut ids: FxHashMap<(Vec<Config>, Neighbour), u16> = FxHashMap::default();
        let mut queue: Vec<(Vec<Config>, Neighbour, bool)> = vec![(vec![(start, Owed::Nothing)], None, true)];
        ids.insert((queue[0].0.clone(), None), 0);
        let mut dfa = Dfa { group_of: self.alphabet.group_of, groups, next: Vec::new(), accepts: Vec::new() };
        let mut at = 0;
        while at < queue.len() {
            let (kernel, previous, begin) = queue[at].clone();
            at += 1;
            dfa.accepts.push(self.accepts(&kernel, previous, begin));
            // Unless a condition looks at it, every symbol finds the same operations.
            let mut closed = Vec::new();
            for group in 0..groups {
                let symbol = self.alphabet.sample[group];
                let visits = u32::try_from(closed.len() + kernel.len()).map_err(|_| Unsupported)?;
                self.fuel = self.fuel.checked_sub(visits).ok_or(Unsupported)?;
                if group == 0 || self.looks_ahead {
                    closed = self.closure(&kernel, previous, begin, Some(symbol));
                }
                let stepped = self.step(&closed, symbol);
                let remembered = self.looks_back.then_some(symbol);
                // A later position with no remembered symbol must not look like the beginning.
                let key = (stepped, Some(remembered.unwrap_or(usize::MAX)));
                let fresh = u16::try_from(ids.len()).map_err(|_| Unsupported)?;
                let id = *ids.entry(key.clone()).or_insert(fresh);
                if id == fresh {
                    if ids.len() > MAX_STATES {
                        return Err(Unsupported);
                    }
                    queue.push((key.0, remembered, false));
                }
                dfa.next.push(id);
            }
        }
        Ok(dfa)
    }

    fn accepts(&mut self, kernel: &[Config], previous: Neighbour, begin: bool) -> bool {
        let closed = self.closure(kernel, previous, begin, None);
        closed.iter().any(|(op, owed)| matches!(self.ops[*op], Op::Done) && *owed != Owed::NewlineThenEnd)
    }

    fn step(&self, closed: &[Config], symbol: usize) -> Vec<Config> {
        let mut stepped: Vec<Config> = Vec::new();
        for &(op, owed) in closed {
            let Op::Take(set, next) = &self.ops[op] else { continue };
            let owed = match owed {
                Owed::Nothing => Owed::Nothing,
                Owed::NewlineThenEnd if symbol == '\n' as usize => Owed::End,
                Owed::NewlineThenEnd | Owed::End => continue,
            };
            if has(*set, symbol) {
                stepped.push((*next, owed));
            }
        }
        if let Some(tail) = self.tail.filter(|&tail| stepped.contains(&(tail, Owed::Nothing))) {
            return vec![(tail, Owed::Nothing)];
        }
        stepped.sort_unstable();
        stepped.dedup();
        stepped
    }

    /// Everything reachable without consuming, given what stands on both sides of the position.
    fn closure(&mut self, kernel: &[Config], previous: Neighbour, begin: bool, next: Neighbour) -> Vec<Config> {
        let mut closed: Vec<Config> = Vec::new();
        let mut work: Vec<Config> = kernel.to_vec();
        self.round += 1;
        let mut visits = 0;
        while let Some((op, owed)) = work.pop() {
            visits += 1;
            if std::mem::replace(&mut self.seen[op * 3 + owed as usize], self.round) == self.round {
                continue;
            }
            match &self.ops[op] {
                Op::Split(targets) => work.extend(targets.iter().map(|&target| (target, owed))),
                Op::If(assertion, target) => {
                    if let Some(owed) = self.holds(*assertion, previous, begin, next, owed) {
                        work.push((*target, owed));
                    }
                }
                Op::Take(..) | Op::Done => closed.push((op, owed)),
                Op::Dead => {}
            }
        }
        self.fuel = self.fuel.saturating_sub(visits);
        closed
    }

    /// Whether the condition holds here, and what it leaves to be fulfilled.
    fn holds(
        &self,
        assertion: Assertion,
        previous: Neighbour,
        begin: bool,
        next: Neighbour,
        owed: Owed,
    ) -> Option<Owed> {
        let holds = match assertion {
            Assertion::Start => begin,
            Assertion::End => next.is_none(),
            Assertion::EndOrFinalNewline => {
                if next == Some('\n' as usize) && owed == Owed::Nothing {
                    return Some(Owed::NewlineThenEnd);
                }
                next.is_none() || owed == Owed::NewlineThenEnd
            }
            Assertion::LineStart(ends) => begin || previous.is_some_and(|symbol| has(self.bound.set(ends), symbol)),
            Assertion::LineEnd(ends) => next.is_none_or(|symbol| has(self.bound.set(ends), symbol)),
            Assertion::WordBoundary(word) => self.boundary(word, if begin { None } else { previous }, next, true),
            Assertion::NotWordBoundary(word) => self.boundary(word, if begin { None } else { previous }, next, false),
        };
        holds.then_some(owed)
    }

    /// Whether "one side is a word character, the other is not" is `wanted` here; decided by the bound when unknown.
    fn boundary(&self, word: Class, previous: Neighbour, next: Neighbour, wanted: bool) -> bool {
        let is_word = |side: Neighbour| match side {
            None => Some(false),
            Some(symbol) if has(word.must, symbol) => Some(true),
            Some(symbol) if !has(word.may, symbol) => Some(false),
            Some(_) => None,
        };
        // Before Python 3.14 `\B` does not match in the empty subject, elsewhere it does.
        if !wanted && previous.is_none() && next.is_none() {
            return self.bound == Bound::Over;
        }
        match (is_word(previous), is_word(next)) {
            (Some(a), Some(b)) => (a != b) == wanted,
            _ => self.bound == Bound::Over,
        }
    }
}

/// The automaton of subjects that both accept. Both must share their alphabet.
fn intersect(a: &Dfa, b: &Dfa) -> Result<Dfa, Unsupported> {
    let mut ids: FxHashMap<(usize, usize), u16> = FxHashMap::from_iter([((0, 0), 0)]);
    let mut queue = vec![(0, 0)];
    let mut both = Dfa { group_of: a.group_of, groups: a.groups, next: Vec::new(), accepts: Vec::new() };
    let mut at = 0;
    while at < queue.len() {
        let (x, y) = queue[at];
        at += 1;
        both.accepts.push(a.accepts[x] && b.accepts[y]);
        for group in 0..a.groups {
            let pair = (a.step_group(x, group), b.step_group(y, group));
            let fresh = u16::try_from(ids.len()).map_err(|_| Unsupported)?;
            let id = *ids.entry(pair).or_insert(fresh);
            if id == fresh {
                if ids.len() > MAX_STATES {
                    return Err(Unsupported);
                }
                queue.push(pair);
            }
            both.next.push(id);
        }
    }
    Ok(both)
}
