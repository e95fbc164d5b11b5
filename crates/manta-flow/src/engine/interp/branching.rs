//! Where paths part and meet again: alternatives, joins, and what is known on each path.

use std::rc::Rc;

use super::growth::{distinct, is_repetition, shortest};
use super::{Interp, arc};
use crate::domain::path::Within;
use crate::domain::url::Host;
use crate::domain::{CharSet, StrProps};
use crate::engine::facts::{Cond, Fact, Refinements, either};
use crate::engine::store::{Content, Loc, Obj, ObjKind, Snapshot, is_same};
use crate::engine::value::{Kind, Part, Taint, Text, Val, own_props};
use crate::ir::{Expr, ExprId};

/// Most alternatives of one value; beyond, they are merged.
const MAX_ALTERNATIVES: usize = 12;

/// Most modules that one computed import, and functions that one look-up in a table, may mean.
const MAX_APIECE: usize = 64;

impl Interp<'_> {
    /// Runs several alternatives from the same state and joins their effects. Each returns whether it ends normally.
    pub(crate) fn branches(&mut self, alternatives: &mut [&mut dyn FnMut(&mut Self) -> bool]) -> bool {
        let mark = self.store.mark();
        let mut ends = Vec::new();
        let last = alternatives.len().saturating_sub(1);
        for (index, alternative) in alternatives.iter_mut().enumerate() {
            if alternative(self) {
                // `if (bad) return …`: what is left is the only way on.
                if index == last && ends.is_empty() {
                    self.store.release(mark);
                    return true;
                }
                ends.push(self.store.snapshot(mark));
            }
            self.store.rollback(mark);
        }
        let alive = !ends.is_empty();
        self.store.release(mark);
        self.join_into_store(ends);
        alive
    }

    /// The outcome of a test unless the administrator configures otherwise; none when it asks for something else.
    pub(super) fn by_default(&self, value: &Val, test: ExprId) -> Option<bool> {
        if value.is_tainted() {
            return None;
        }
        self.condition(value).by_default.or_else(|| self.is_option(value, test).then_some(false))
    }

    /// Whether an expression reads an option of the administrator's: a variable of the environment, or a member that no
    /// code of the target gives a value.
    pub(crate) fn is_option(&self, value: &Val, expr: ExprId) -> bool {
        match &value.kind {
            Kind::Api(api, _) => self.apis.name(*api).starts_with("$env."),
            Kind::Unknown => {
                !value.is_tainted() && value.text.is_none() && matches!(self.code().expr(expr), Expr::Member { .. })
            }
            _ => false,
        }
    }

    /// Writes the join of several end states that all start from the current one.
    pub(crate) fn join_into_store(&mut self, mut ends: Vec<Snapshot>) {
        if ends.len() <= 1 {
            if let Some(only) = ends.pop() {
                self.store.apply(only);
            }
            return;
        }
        let mut locs: Vec<Loc> = ends.iter().flat_map(|end| end.changes.iter().map(|(loc, _)| *loc)).collect();
        locs.sort_unstable();
        locs.dedup();
        self.charge(locs.len());
        let mut writes = Vec::with_capacity(locs.len());
        for loc in locs {
            let base = self.store.content(loc);
            let mut joined: Option<Content> = None;
            for (index, end) in ends.iter().enumerate() {
                let content = end.get(loc).unwrap_or(&base);
                joined = Some(match joined {
                    None => content.clone(),
                    Some(before) => self.join_content(before, content, &ends[..index], end),
                });
            }
            if let Some(content) = joined {
                writes.push((loc, content));
            }
        }
        for (loc, content) in writes {
            self.store.write(loc, content);
        }
    }

    fn join_content(&mut self, a: Content, b: &Content, paths_a: &[Snapshot], path_b: &Snapshot) -> Content {
        match (a, b) {
            (Content::Cell(x, version), Content::Cell(y, _)) => {
                if is_same(&x, y) {
                    return Content::Cell(x, version);
                }
                let cond = self.told_apart(&x, y, paths_a, path_b);
                let mut x = self.materialise(&x, paths_a);
                if let [path_a] = paths_a {
                    x = self.with_elements_of(&x, path_a).unwrap_or(x);
                }
                let mut y = self.materialise(y, std::slice::from_ref(path_b));
                y = self.with_elements_of(&y, path_b).unwrap_or(y);
                let joined = self.join(&x, &y);
                let version = self.store.fresh_version();
                Content::Cell(if cond.is_some() { Val { cond, ..joined } } else { joined }, version)
            }
            (Content::Obj(x), Content::Obj(y)) => {
                if Rc::ptr_eq(&x, y) {
                    return Content::Obj(x);
                }
                let mut joined = self.join_obj(&x, y, paths_a, path_b);
                joined.doubts = self.doubts_of_joined((&x, paths_a), (y, path_b));
                joined.version = self.store.fresh_version();
                Content::Obj(Rc::new(joined))
            }
            (Content::Fact(Some(x)), Content::Fact(Some(y))) => {
                Content::Fact(Some(if Rc::ptr_eq(&x, y) { x } else { Rc::new(x.or(y)) }))
            }
            (Content::Fact(_), Content::Fact(_)) => Content::Fact(None),
            (other, _) => other,
        }
    }

    /// What the truth of a variable tells of the path that set it: `ok = False` … `ok = True` in a branch with a check,
    /// `error = None` beside `error = "outside"`.
    fn told_apart(&self, a: &Val, b: &Val, paths_a: &[Snapshot], path_b: &Snapshot) -> Option<Rc<Cond>> {
        let tells = |value: &Val| value.truth().is_some() || value.cond.is_some();
        if !(tells(a) && tells(b)) || (a.truth().is_some() && a.truth() == b.truth()) {
            return None;
        }
        let cond = self.outcome_cond(&[a.clone(), b.clone()], &learnt(paths_a, path_b))?;
        Some(Rc::new(cond))
    }

    fn join_obj(&mut self, a: &Obj, b: &Obj, paths_a: &[Snapshot], path_b: &Snapshot) -> Obj {
        let mut joined = a.clone();
        let is_record = |obj: &Obj| matches!(obj.kind, ObjKind::Plain | ObjKind::Dict) && obj.any.is_none();
        let are_records = is_record(a) && is_record(b);
        for (key, ours) in a.fields.iter().filter(|(key, _)| are_records && !b.fields.contains_key(*key)) {
            let value = self.join_missing(ours, paths_a, path_b, false);
            joined.fields.insert(*key, value);
        }
        for (key, theirs) in &b.fields {
            let ours = a.fields.get(key).cloned().or_else(|| a.any.clone());
            let value = match ours {
                Some(ours) if is_same(&ours, theirs) => continue,
                Some(ours) => {
                    let ours = self.materialise(&ours, paths_a);
                    let theirs = self.materialise(theirs, std::slice::from_ref(path_b));
                    self.join(&ours, &theirs)
                }
                None if are_records => self.join_missing(theirs, paths_a, path_b, true),
                None => theirs.clone(),
            };
            joined.fields.insert(*key, value);
        }
        joined.any = match (&a.any, &b.any) {
            (Some(x), Some(y)) => Some(self.join(x, y)),
            (x, y) => x.clone().or_else(|| y.clone()),
        };
        let more = match (&a.more, &b.more) {
            (Some(x), Some(y)) => Some(self.join(x, y)),
            (x, y) => x.clone().or_else(|| y.clone()),
        };
        if a.items.len() == b.items.len() {
            joined.items = a.items.iter().zip(&b.items).map(|(x, y)| self.join(x, y)).collect();
        } else {
            // `if (x) args.push("--x", x)`: what only one path appended is kept in its place, as if it were always
            // there. Argument lists stay readable that way: a value keeps the option it follows.
            let common = a.items.iter().zip(&b.items).take_while(|(x, y)| is_same(x, y)).count();
            let mut items: Vec<Val> = a.items.clone();
            items.extend(b.items[common..].iter().cloned());
            items.truncate(512);
            joined.items = items;
        }
        joined.more = more;
        joined.is_configured = a.is_configured && b.is_configured;
        joined
    }

    /// A field that only one of the paths set.
    fn join_missing(&mut self, value: &Val, paths_a: &[Snapshot], path_b: &Snapshot, is_b: bool) -> Val {
        let paths = if is_b { std::slice::from_ref(path_b) } else { paths_a };
        let value = self.materialise(value, paths);
        let missing = Val::undefined();
        let cond = match is_b {
            true => self.told_apart(&missing, &value, paths_a, path_b),
            false => self.told_apart(&value, &missing, paths_a, path_b),
        };
        let joined = self.join(&missing, &value);
        Val { cond: cond.or(joined.cond.clone()), ..joined }
    }

    /// The value with the facts that its own path established folded in, for joins of values that differ.
    fn materialise(&self, value: &Val, paths: &[Snapshot]) -> Val {
        if value.vn == 0 || paths.len() != 1 {
            return value.clone();
        }
        match paths[0].get(Loc::Fact(value.vn)) {
            Some(Content::Fact(Some(fact))) => self.refined(value, fact),
            _ => match self.store.fact(value.vn) {
                Some(fact) => self.refined(value, fact),
                None => value.clone(),
            },
        }
    }

    /// A list with what its own path established of its elements folded into them; none where that is nothing. A list of
    /// its own, for the other path knows less of the one it comes from.
    fn with_elements_of(&mut self, value: &Val, path: &Snapshot) -> Option<Val> {
        let fact_of = |element: &Val| match path.get(Loc::Fact(element.vn)) {
            Some(Content::Fact(Some(fact))) if element.vn != 0 && fact.is_named() => Some(fact.clone()),
            _ => None,
        };
        match &value.kind {
            Kind::Union(values) => {
                let refined: Vec<Option<Val>> = values.iter().map(|value| self.with_elements_of(value, path)).collect();
                if refined.iter().all(Option::is_none) {
                    return None;
                }
                let values: Vec<Val> = values
                    .iter()
                    .zip(refined)
                    .map(|(value, refined)| refined.unwrap_or_else(|| value.clone()))
                    .collect();
                let taint = values.iter().fold(Taint::NONE, |taint, value| taint.union(value.taint));
                Some(Val { kind: Kind::Union(values.into()), taint, vn: 0, ..value.clone() })
            }
            Kind::Obj(id) => {
                let obj = match path.get(Loc::Obj(*id)) {
                    Some(Content::Obj(obj)) => obj.clone(),
                    _ => self.store.obj_rc(*id),
                };
                let is_list = matches!(obj.kind, ObjKind::Array | ObjKind::Set);
                if !is_list || !obj.items.iter().chain(&obj.more).any(|element| fact_of(element).is_some()) {
                    return None;
                }
                let refine = |element: &Val| {
                    fact_of(element).map_or_else(|| element.clone(), |fact| self.refined(element, &fact))
                };
                let items: Vec<Val> = obj.items.iter().map(refine).collect();
                let more = obj.more.as_ref().map(refine);
                let taint = items.iter().chain(&more).fold(Taint::NONE, |taint, element| taint.union(element.taint));
                let list = self.store.new_obj(Obj { items, more, ..(*obj).clone() });
                Some(Val { kind: Kind::Obj(list), taint, vn: 0, ..value.clone() })
            }
            _ => None,
        }
    }

    /// The value with a fact folded into its text.
    pub(crate) fn refined(&self, value: &Val, fact: &Fact) -> Val {
        let mut refined = value.clone();
        if fact.is_listed {
            refined.taint = Taint::NONE;
        }
        if let Kind::Union(values) = &value.kind {
            // Of what is known of the whole, pieces say nothing.
            let says_how_it_is_spelled = fact.props.charset != CharSet::ALL
                || fact.props.first != CharSet::ALL
                || fact.props.url.host != Host::Tainted
                || fact.props.path.within != Within::None;
            let refine = |value: &Val| {
                let value = self.refined(value, fact);
                if says_how_it_is_spelled { as_a_whole(value) } else { value }
            };
            refined.kind = Kind::Union(values.iter().map(refine).collect());
            return refined;
        }
        if matches!(value.kind, Kind::Str | Kind::Unknown | Kind::Num(_) | Kind::Api(..)) {
            let mut text = value.text.as_deref().cloned().unwrap_or_default();
            text.known = text.props().refine(&fact.props).into();
            if matches!(value.kind, Kind::Unknown) && fact.props.lits.is_some() {
                refined.kind = Kind::Str;
            }
            refined.text = Some(Rc::new(text));
        }
        refined
    }

    /// The value as it is now: facts known at this point folded in.
    pub(crate) fn current(&self, value: &Val) -> Val {
        let own = match self.store.fact(value.vn) {
            Some(fact) => self.refined(value, fact),
            None => value.clone(),
        };
        match &own.kind {
            Kind::Union(values) if values.iter().any(|value| self.store.fact(value.vn).is_some()) => {
                let values: Vec<Val> = values.iter().map(|value| self.current(value)).collect();
                let taint = values.iter().fold(Taint::NONE, |taint, value| taint.union(value.taint));
                Val {
                    kind: Kind::Union(values.into()),
                    taint: if own.taint.is_none() { own.taint } else { taint },
                    ..own
                }
            }
            _ => own,
        }
    }

    /// The properties of the value as a string, facts included.
    pub(crate) fn props(&self, value: &Val) -> StrProps {
        let own = match &value.kind {
            Kind::Union(values) => values
                .iter()
                .filter(|value| !value.is_nullish())
                .map(|value| self.props(value))
                .reduce(|a, b| a.join(&b))
                .unwrap_or_default(),
            _ => own_props(value),
        };
        match self.store.fact(value.vn) {
            Some(fact) => own.refine(&fact.props),
            None => own,
        }
    }

    /// Whether the caller controls the value, given what is known now.
    pub(crate) fn taint_now(&self, value: &Val) -> Taint {
        if self.store.fact(value.vn).is_some_and(|fact| fact.is_listed) {
            return Taint::NONE;
        }
        match &value.kind {
            Kind::Union(values) => values.iter().fold(Taint::NONE, |taint, value| taint.union(self.taint_now(value))),
            _ => value.taint,
        }
    }

    /// Either value.
    pub(crate) fn join(&mut self, a: &Val, b: &Val) -> Val {
        if is_same(a, b) {
            return a.clone();
        }
        // Nothing is learnt from "or missing": a string that may be absent is a string. What the program says (`"bad
        // port"`, or none when there is nothing to say) is more than that: whether it is there decides what follows.
        let may_be_absent =
            |value: &Val| matches!(value.kind, Kind::Unknown) || matches!(value.kind, Kind::Str) && !is_said(value);
        if a.is_nullish() && may_be_absent(b) {
            return b.clone();
        }
        if b.is_nullish() && may_be_absent(a) {
            return a.clone();
        }
        // What has grown comes last, so that it is seen to be a repetition: `if (user) command += …`.
        let (ours, theirs) = match a.is_tainted() && shortest(b.alternatives()) < shortest(a.alternatives()) {
            true => (b.alternatives(), a.alternatives()),
            false => (a.alternatives(), b.alternatives()),
        };
        let mut values: Vec<Val> = Vec::with_capacity(ours.len() + theirs.len());
        for (index, value) in ours.iter().chain(theirs).enumerate() {
            let value = if value.vn == a.vn || value.vn == b.vn { self.current(value) } else { value.clone() };
            // The alternatives of one value differ from each other.
            let is_new = index < ours.len()
                || !values.iter().any(|known| is_same(known, &value))
                    && !is_repetition(&value, &values)
                    && !self.is_further_twin(&value, &values);
            if is_new {
                values.push(value);
            }
        }
        // As known now: what a check found to be the program's own is nobody else's.
        let taint = values.iter().fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = if a.taint.is_some() { a.step } else { b.step };
        if let (Kind::Bool(_), Kind::Bool(_)) = (&a.kind, &b.kind) {
            let cond = Cond::of_either((a.truth(), a.cond.as_deref()), (b.truth(), b.cond.as_deref()));
            return Val { taint, step, ..self.bool_with(None, cond) };
        }
        let are_plain_text = values.iter().all(|value| {
            matches!(value.kind, Kind::Str | Kind::Num(_))
                && value.text.as_deref().is_none_or(|text| {
                    !text.parts.iter().any(|part| matches!(part, Part::Hole(hole) if hole.is_tainted()))
                })
        });
        let same_taint = values.windows(2).all(|pair| pair[0].taint == pair[1].taint);
        // The root of all directories contains nothing, which is not to be lost in a directory that may be set instead.
        let is_root = |value: &Val| value.taint.is_none() && value.literal() == Some("/");
        let keeps_root = values.iter().any(is_root) && values.iter().any(|value| value.literals().is_none());
        if are_plain_text
            && !(keeps_root && values.len() <= MAX_ALTERNATIVES)
            && (same_taint || values.len() > MAX_ALTERNATIVES)
        {
            if values.iter().all(|value| matches!(value.kind, Kind::Num(_))) {
                return Val { taint, step, ..Val::of(Kind::Num(None)) };
            }
            let props = values.iter().map(|value| self.props(value)).reduce(|a, b| a.join(&b)).unwrap_or_default();
            let base = |value: &Val| value.text.as_deref().and_then(|text| text.base);
            let first = base(&values[0]);
            let common = first.filter(|_| values.iter().all(|value| base(value) == first));
            let shape = self.path_shape_of(&values);
            // A program looked for in several places keeps its name.
            let parts = match crate::engine::sinks::common_program(&self.apis, &values) {
                Some(program) => {
                    let dir = Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) };
                    vec![Part::Hole(dir), Part::Lit(arc(&format!("/{program}")))]
                }
                None => Vec::new(),
            };
            let text = Text { known: props.into(), parts: parts.into(), base: common, shape };
            let vn = self.store.fresh_vn();
            self.note_joined(vn, &values);
            return Val { taint, step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
        }
        // The modules of a folder are one apiece, and so are the handlers of a table.
        let most = if values.iter().all(is_code) { MAX_APIECE } else { MAX_ALTERNATIVES };
        if values.len() > most {
            let (texts, others): (Vec<Val>, Vec<Val>) =
                values.into_iter().partition(|value| matches!(value.kind, Kind::Str | Kind::Num(_) | Kind::Unknown));
            let mut kept = others;
            self.found.is_table_cut |= kept.iter().skip(most - 1).any(is_code);
            kept.truncate(most - 1);
            let texts = distinct(&texts);
            if kept.len() + texts.len() <= most {
                kept.extend(texts);
            } else {
                kept.extend(self.merged(&texts));
            }
            values = kept;
        }
        if values.len() == 1
            && let Some(only) = values.pop()
        {
            return Val { taint, ..only };
        }
        let vn = self.store.fresh_vn();
        Val { kind: Kind::Union(values.into()), taint, vn, step, text: None, cond: None }
    }

    /// One text for all of these.
    pub(crate) fn merged(&mut self, texts: &[Val]) -> Option<Val> {
        let props = texts.iter().map(|value| self.props(value)).reduce(|a, b| a.join(&b))?;
        let taint = texts.iter().fold(Taint::NONE, |taint, value| taint.union(value.taint));
        let step = texts.iter().find(|value| value.is_tainted()).map_or(0, |value| value.step);
        Some(Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) })
    }

    pub(crate) fn join_all(&mut self, values: impl IntoIterator<Item = Val>) -> Option<Val> {
        let mut joined: Option<Val> = None;
        for value in values {
            joined = Some(match joined {
                None => value,
                Some(before) => self.join(&before, &value),
            });
        }
        joined
    }

    /// As many values as one look-up may give; where functions are left out, the report says so.
    pub(crate) fn first_apiece(&mut self, mut values: Vec<Val>) -> Vec<Val> {
        self.found.is_table_cut |= values.iter().skip(MAX_APIECE).any(is_code);
        values.truncate(MAX_APIECE);
        values
    }

    pub(crate) fn assume(&mut self, refinements: &Refinements) {
        for (vn, fact) in refinements {
            self.found.note_test(*vn, fact);
            self.store.assume(*vn, fact);
        }
    }

    /// Whether the refinements contradict what is known: the branch cannot be taken.
    pub(super) fn is_impossible(&self, refinements: &Refinements) -> bool {
        refinements.iter().any(|(vn, fact)| {
            fact.props.lits.is_some()
                && self.store.fact(*vn).is_some_and(|known| known.props.refine(&fact.props).is_bottom())
        })
    }
}

/// What was learnt on the paths that were joined before, and on one more.
pub(crate) fn learnt(before: &[Snapshot], path: &Snapshot) -> [Refinements; 2] {
    let facts = |path: &Snapshot| path.facts().map(|(vn, fact)| (vn, fact.clone())).collect::<Refinements>();
    let one_of = before.iter().map(facts).reduce(|one, other| either(&one, &other));
    [one_of.unwrap_or_default(), facts(path)]
}

/// A module or a function of the target.
fn is_code(value: &Val) -> bool {
    matches!(value.kind, Kind::Module(_) | Kind::Fn(_) | Kind::Bound(_))
}

/// A text of which something is known as a whole, and no longer of the pieces it was put together from.
fn as_a_whole(mut value: Val) -> Val {
    let is_open = |text: &Rc<Text>| text.parts.iter().any(|part| matches!(part, Part::Hole(hole) if hole.is_tainted()));
    if let Some(text) = value.text.as_mut().filter(|text| is_open(text)) {
        Rc::make_mut(text).parts = Vec::new().into();
    }
    value
}

/// A text that the program says: `"bad port"`, `"port " + n`, also with the caller's words in it while a witness is
/// followed: no witness has a blank, messages do.
fn is_said(value: &Val) -> bool {
    let is_composed = |text: &Text| text.parts.iter().any(|part| matches!(part, Part::Lit(_)));
    match value.taint.is_none() {
        true => value.literals().is_some() || value.text.as_deref().is_some_and(is_composed),
        false => value.literal().is_some_and(|text| text.contains(' ')),
    }
}
