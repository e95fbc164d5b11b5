//! Where remembered calls are looked for.
//!
//! A logger is called with a hundred messages and a parser with every line, so that of the last calls of a function hardly
//! one is the one that is asked for. Calls are therefore kept by a print of what they were given: what any call that is the
//! same, or the same under other names, has in common with them. Whoever asks finds the few that may be it, and where
//! there are none, that is known without comparing anything.

use std::hash::{Hash as _, Hasher as _};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHasher};

use super::{Callee, Key, Known};
use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Age, Loc, ObjKind, Store};
use crate::engine::value::{FnId, Kind, ObjId, Part, Val};

/// Most calls remembered of one function, for what is told from several.
const MAX_RECENT: usize = 12;
/// Most calls remembered of those with one print.
const MAX_ALIKE: usize = 4;
/// Most prints of one function.
const MAX_PRINTS: usize = 96;
/// How often calls with one print are compared in vain before that is given up.
const MISSES: u32 = 6;
/// How many prints of a function may be new before it is one that is never asked for the same again.
const MISSES_OF_FUNCTION: u32 = 48;

/// Calls of one function.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The last of them, in the order in which they were made.
    pub(super) recent: Vec<Rc<Known>>,
    by_print: FxHashMap<Print, Alike>,
    sought: Sought,
}

/// Calls that were given the same, as far as a print tells.
#[derive(Debug, Default)]
struct Alike {
    known: Vec<Rc<Known>>,
    sought: Sought,
}

/// What receiver and arguments of a call have in common with those of any call that is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Print(u64);

/// How often calls were found under other names, and how often not.
#[derive(Clone, Copy, Debug, Default)]
struct Sought {
    found: u32,
    missed: u32,
}

impl Sought {
    fn note(&mut self, is_found: bool) {
        if is_found {
            self.found += 1;
        } else {
            self.missed += 1;
        }
    }

    /// Whether another search is likely to save what it costs.
    fn is_promising(self, misses: u32) -> bool {
        self.missed < misses + 2 * self.found
    }
}

impl Calls {
    /// Calls with a print, the last one first.
    pub(super) fn alike(&self, print: Print) -> impl Iterator<Item = &Rc<Known>> {
        self.by_print.get(&print).into_iter().flat_map(|alike| alike.known.iter().rev())
    }

    /// Whether looking for a call with a print under other names, or keeping what that takes, is worth it.
    pub(super) fn is_worth_naming(&self, print: Print) -> bool {
        self.sought.is_promising(MISSES_OF_FUNCTION)
            && self.by_print.get(&print).is_none_or(|alike| alike.sought.is_promising(MISSES))
    }

    /// A call with a print was looked for under other names.
    pub(super) fn note_search(&mut self, print: Print, is_found: bool) {
        let alike = self.by_print.get_mut(&print).filter(|alike| !alike.known.is_empty());
        // What was never given before says nothing of the print, and much of the function.
        if is_found || alike.is_none() {
            self.sought.note(is_found);
        }
        if let Some(alike) = alike {
            alike.sought.note(is_found);
        }
    }

    pub(super) fn remember(&mut self, known: Known) {
        let (print, known) = (known.print, Rc::new(known));
        if self.recent.len() >= MAX_RECENT {
            self.recent.remove(0);
        }
        self.recent.push(Rc::clone(&known));
        if self.by_print.len() >= MAX_PRINTS && !self.by_print.contains_key(&print) {
            self.by_print.clear();
        }
        let alike = self.by_print.entry(print).or_default();
        if alike.known.len() >= MAX_ALIKE {
            alike.known.remove(0);
        }
        alike.known.push(known);
    }

    /// What is kept of a call is another now; none where it is kept no more.
    pub(super) fn replace(&mut self, known: &Rc<Known>, by: Option<Known>) {
        let by = by.map(Rc::new);
        let alike = self.by_print.get_mut(&known.print).map(|alike| &mut alike.known);
        let lists = [Some(&mut self.recent), alike];
        for list in lists.into_iter().flatten() {
            if let Some(at) = list.iter().position(|one| Rc::ptr_eq(one, known)) {
                match &by {
                    Some(by) => list[at] = Rc::clone(by),
                    None => drop(list.remove(at)),
                }
            }
        }
    }
}

impl Interp<'_> {
    /// What a call is kept by.
    pub(super) fn print(&self, callee: Callee, this: Option<&Val>, args: &Args) -> (Key, Print) {
        let mut printer = Printer { hasher: FxHasher::default(), store: &self.store, old: self.memo.base };
        (args.pos.len(), args.named.len(), this.is_some()).hash(&mut printer.hasher);
        args.named.iter().for_each(|(name, _)| name.hash(&mut printer.hasher));
        args.all().chain(this).for_each(|value| printer.value(value));
        (self.key(callee), Print(printer.hasher.finish()))
    }

    fn key(&self, callee: Callee) -> Key {
        match callee {
            Callee::Function(id, running) => {
                let closure = self.store.closure(id);
                Key::Function(closure.module, closure.func, running)
            }
            Callee::Class(id) => Key::Class(id),
        }
    }
}

/// Takes the print of values: what has one name in every run by its name, and else what it is.
struct Printer<'s> {
    hasher: FxHasher,
    store: &'s Store,
    old: Age,
}

impl Printer<'_> {
    fn value(&mut self, value: &Val) {
        value.taint.0.hash(&mut self.hasher);
        // What the caller gives as it is has a name that other code may know it by.
        let is_named = value.taint.is_some() && matches!(value.kind, Kind::Unknown | Kind::Api(..));
        if is_named || self.old.is_older(Loc::Fact(value.vn)) {
            value.vn.hash(&mut self.hasher);
        }
        std::mem::discriminant(&value.kind).hash(&mut self.hasher);
        match &value.kind {
            Kind::Bool(known) => known.hash(&mut self.hasher),
            Kind::Num(known) => known.map(f64::to_bits).hash(&mut self.hasher),
            Kind::Obj(id) => self.obj(*id),
            Kind::Fn(id) => self.function(*id),
            Kind::Bound(bound) => {
                self.value(&bound.0);
                self.value(&bound.1);
            }
            Kind::Method(method) => {
                method.1.hash(&mut self.hasher);
                self.value(&method.0);
            }
            Kind::Api(api, about) => (api, about.is_some()).hash(&mut self.hasher),
            Kind::Module(module) => module.hash(&mut self.hasher),
            Kind::Regex(regex) => regex.pattern.hash(&mut self.hasher),
            Kind::Union(values) => values.iter().for_each(|value| self.value(value)),
            Kind::Str => self.text(value),
            Kind::Unknown | Kind::Undefined | Kind::Null => {}
            Kind::Schema(_) | Kind::Accessor(..) | Kind::Resolver(_) => {}
        }
    }

    fn obj(&mut self, id: ObjId) {
        if self.old.is_older(Loc::Obj(id)) {
            id.hash(&mut self.hasher);
            return;
        }
        // What it holds may be of no concern to the call.
        let kind = &self.store.obj(id).kind;
        std::mem::discriminant(kind).hash(&mut self.hasher);
        if let ObjKind::Instance(class) = kind {
            self.old.is_older(Loc::Obj(*class)).then_some(class).hash(&mut self.hasher);
        }
    }

    fn function(&mut self, id: FnId) {
        if self.old.is_older_closure(id) {
            id.hash(&mut self.hasher);
        } else {
            let closure = self.store.closure(id);
            (closure.module, closure.func).hash(&mut self.hasher);
        }
    }

    fn text(&mut self, value: &Val) {
        if let Some(literal) = value.literal() {
            literal.hash(&mut self.hasher);
            return;
        }
        for part in value.text.iter().flat_map(|text| text.parts.iter()) {
            match part {
                Part::Lit(text) => text.hash(&mut self.hasher),
                Part::Hole(hole) => self.value(hole),
            }
        }
    }
}
