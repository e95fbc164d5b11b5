//! When two values, or two calls, are taken for one and the same.

use std::rc::Rc;

use super::made::held;
use super::{DEPTH, MAX_SEARCHED, REACH, TWINS};
use crate::engine::interp::Interp;
use crate::engine::store::{Loc, Obj, ObjKind, Peek, is_same};
use crate::engine::value::{CellId, FnId, Kind, ObjId, Val};

impl Interp<'_> {
    /// Whether two values are the same but for the identity of what is none of the caller's: plain objects count by what
    /// they hold.
    pub(super) fn is_equivalent(&self, a: &Val, b: &Val, depth: usize) -> bool {
        if a.taint.is_some() && a.vn != b.vn {
            return false;
        }
        if let (Kind::Obj(x), Kind::Obj(y)) = (&a.kind, &b.kind)
            && x != y
            && a.taint == b.taint
            && depth > 0
        {
            let (Peek::Obj(x), Peek::Obj(y)) = (self.store.peek(Loc::Obj(*x)), self.store.peek(Loc::Obj(*y))) else {
                return false;
            };
            let is_plain = |obj: &Obj| matches!(obj.kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array);
            let same = |a: &Val, b: &Val| self.is_equivalent(a, b, depth - 1);
            let either = |a: &Option<Val>, b: &Option<Val>| match (a, b) {
                (Some(a), Some(b)) => same(a, b),
                (a, b) => a.is_none() && b.is_none(),
            };
            return is_plain(x)
                && is_as_sure(x, y)
                && std::mem::discriminant(&x.kind) == std::mem::discriminant(&y.kind)
                && x.fields.len() == y.fields.len()
                && x.items.len() == y.items.len()
                && x.fields.iter().zip(&y.fields).all(|((name, a), (other, b))| name == other && same(a, b))
                && x.items.iter().zip(&y.items).all(|(a, b)| same(a, b))
                && either(&x.any, &y.any)
                && either(&x.more, &y.more);
        }
        is_equal(a, b, &|a, b| self.is_equivalent(a, b, depth))
    }

    pub(super) fn is_clean_now(&self, loc: Loc) -> bool {
        match self.store.peek(loc) {
            Peek::Cell(value, _) => is_clean(value),
            Peek::Obj(obj) => values(obj).all(is_clean),
            Peek::Fact(_) => true,
        }
    }

    pub(super) fn is_deep_clean(&self, loc: Loc) -> bool {
        let mut left = MAX_SEARCHED;
        match self.store.peek(loc) {
            Peek::Cell(value, _) => self.is_clean_to(value, DEPTH, &mut left),
            Peek::Obj(obj) => values(obj).all(|value| self.is_clean_to(value, DEPTH, &mut left)),
            Peek::Fact(_) => true,
        }
    }

    pub(super) fn is_clean_inside(&self, value: &Val) -> bool {
        self.is_clean_to(value, DEPTH, &mut { MAX_SEARCHED })
    }

    /// Whether nothing of the caller's is in a value or what it reaches; false as well when that is too much to look at.
    pub(crate) fn is_clean_to(&self, value: &Val, depth: usize, left: &mut usize) -> bool {
        if value.taint.is_some() || *left == 0 {
            return false;
        }
        *left -= 1;
        match &value.kind {
            Kind::Obj(id) | Kind::Api(_, Some(id)) if depth > 0 => match self.store.peek(Loc::Obj(*id)) {
                Peek::Obj(obj) if matches!(obj.kind, ObjKind::Class(_)) => true,
                Peek::Obj(obj) => values(obj).all(|value| self.is_clean_to(value, depth - 1, left)),
                _ => true,
            },
            Kind::Union(values) => values.iter().all(|value| self.is_clean_to(value, depth, left)),
            Kind::Fn(id) if depth > 0 => self.is_clean_closure(*id, depth - 1, left),
            Kind::Bound(bound) => self.is_clean_to(&bound.0, depth, left) && self.is_clean_to(&bound.1, depth, left),
            Kind::Method(method) => self.is_clean_to(&method.0, depth, left),
            _ => true,
        }
    }

    /// Whether nothing of the caller's is in what a function holds.
    pub(crate) fn is_clean_closure(&self, id: FnId, depth: usize, left: &mut usize) -> bool {
        let closure = self.store.closure(id);
        held(closure).all(|value| self.is_clean_to(value, depth, left))
            && closure.captures.iter().all(|cell| match self.store.peek(Loc::Cell(*cell)) {
                Peek::Cell(value, _) => self.is_clean_to(value, depth, left),
                _ => true,
            })
    }

    // ------------------------------------------------------------------ what differs in data only

    /// Whether two functions have one body.
    pub(super) fn is_one_function(&self, a: FnId, b: FnId) -> bool {
        let (x, y) = (self.store.closure(a), self.store.closure(b));
        a == b || x.module == y.module && x.func == y.func
    }

    /// Whether a value says nothing that `known` do not say: a function of which [`TWINS`] are known already that differ
    /// from it in the server's data only (a handler that makes its client anew whenever it logs in again), or what came
    /// of one more call outside like another (every attempt of a request has an answer of its own).
    pub(crate) fn is_further_twin(&self, value: &Val, known: &[Val]) -> bool {
        match value.kind {
            Kind::Fn(id) => {
                let is_twin = |other: &&Val| matches!(other.kind, Kind::Fn(other) if self.are_twins(id, other));
                known.len() >= TWINS && known.iter().filter(is_twin).count() >= TWINS
            }
            Kind::Api(_, Some(_)) => known.iter().any(|other| self.is_alike(value, other, REACH)),
            _ => false,
        }
    }

    /// Whether two values differ in nothing that a finding could depend on: what is the caller's is one and the same,
    /// what the program says is equal, and of the server's own data nothing is known.
    fn is_alike(&self, a: &Val, b: &Val, depth: usize) -> bool {
        if is_same(a, b) {
            return true;
        }
        if a.taint.is_some() || b.taint.is_some() || self.answers.contains(&a.vn) != self.answers.contains(&b.vn) {
            return false;
        }
        let same = |a: &Val, b: &Val| self.is_alike(a, b, depth);
        match (&a.kind, &b.kind) {
            (Kind::Obj(x), Kind::Obj(y)) => x == y || depth > 0 && self.is_alike_inside(*x, *y, depth - 1),
            (Kind::Api(api, Some(x)), Kind::Api(other, Some(y))) => {
                api == other && (x == y || depth > 0 && self.is_alike_inside(*x, *y, depth - 1))
            }
            (Kind::Str, Kind::Str) => {
                a.literal() == b.literal() && (a.literal().is_some() || a.literals() == b.literals())
            }
            (Kind::Union(x), Kind::Union(y)) => {
                let has = |all: &[Val], one: &Val| all.iter().any(|other| same(one, other));
                x.iter().all(|one| has(y, one)) && y.iter().all(|one| has(x, one))
            }
            _ => is_equal(a, b, &same),
        }
    }

    fn is_alike_inside(&self, a: ObjId, b: ObjId, depth: usize) -> bool {
        let (Peek::Obj(x), Peek::Obj(y)) = (self.store.peek(Loc::Obj(a)), self.store.peek(Loc::Obj(b))) else {
            return false;
        };
        let has_same_kind = match (&x.kind, &y.kind) {
            (ObjKind::Instance(x), ObjKind::Instance(y)) => x == y,
            (ObjKind::Class(_), _) => false,
            (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y),
        };
        let same = |a: &Val, b: &Val| self.is_alike(a, b, depth);
        let either = |a: &Option<Val>, b: &Option<Val>| match (a, b) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        has_same_kind
            && x.is_configured == y.is_configured
            && is_as_sure(x, y)
            && x.fields.len() == y.fields.len()
            && x.items.len() == y.items.len()
            && x.items.iter().zip(&y.items).all(|(x, y)| same(x, y))
            && x.fields.iter().all(|(name, x)| y.fields.get(name).is_some_and(|y| same(x, y)))
            && either(&x.any, &y.any)
            && either(&x.more, &y.more)
    }

    /// Whether two functions have one body, and differ in the server's data only.
    pub(crate) fn are_twins(&self, a: FnId, b: FnId) -> bool {
        self.are_twins_to(a, b, REACH)
    }

    fn are_twins_to(&self, a: FnId, b: FnId, depth: usize) -> bool {
        let (x, y) = (self.store.closure(a), self.store.closure(b));
        let is_code =
            |value: &Val| matches!(value.kind, Kind::Fn(_) | Kind::Bound(_) | Kind::Method(_) | Kind::Api(..));
        let is_free = |value: &Val| self.is_clean_inside(value);
        // What is not set yet in one may be set in the other: what counts is what they call.
        let is_one = |a: &Val, b: &Val| match (&a.kind, &b.kind) {
            (Kind::Fn(a), Kind::Fn(b)) => a == b || depth > 0 && self.are_twins_to(*a, *b, depth - 1),
            (Kind::Obj(_), Kind::Obj(_)) => self.is_of_a_kind(a, b, DEPTH) && is_free(a) && is_free(b),
            _ if a.is_nullish() || b.is_nullish() => is_free(a) && is_free(b),
            _ if is_code(a) || is_code(b) => self.is_of_a_kind(a, b, DEPTH) && is_free(a) && is_free(b),
            _ => is_free(a) && is_free(b),
        };
        let is_one_cell = |(a, b): (&CellId, &CellId)| {
            a == b
                || match (self.store.peek(Loc::Cell(*a)), self.store.peek(Loc::Cell(*b))) {
                    (Peek::Cell(a, _), Peek::Cell(b, _)) => is_one(a, b),
                    _ => false,
                }
        };
        x.module == y.module
            && x.func == y.func
            && x.captures.len() == y.captures.len()
            && x.captures.iter().zip(y.captures.iter()).all(is_one_cell)
            && held(x).count() == held(y).count()
            && held(x).zip(held(y)).all(|(a, b)| is_one(a, b))
    }

    /// Whether two values, none of them the caller's, differ in data only: in texts and numbers, and in which of several
    /// objects of one class or one form they are.
    pub(super) fn is_of_a_kind(&self, a: &Val, b: &Val, depth: usize) -> bool {
        if a.taint.is_some() || b.taint.is_some() {
            return false;
        }
        if is_data(a) && is_data(b) {
            return true;
        }
        let same = |a: &Val, b: &Val| self.is_of_a_kind(a, b, depth);
        match (&a.kind, &b.kind) {
            (Kind::Obj(x), Kind::Obj(y)) => x == y || self.is_of_a_form(*x, *y, depth),
            (Kind::Fn(x), Kind::Fn(y)) => self.is_one_function(*x, *y),
            (Kind::Bound(x), Kind::Bound(y)) => same(&x.0, &y.0) && same(&x.1, &y.1),
            (Kind::Method(x), Kind::Method(y)) => x.1 == y.1 && same(&x.0, &y.0),
            (Kind::Api(x, _), Kind::Api(y, _)) => x == y,
            (Kind::Module(x), Kind::Module(y)) => x == y,
            (Kind::Schema(x), Kind::Schema(y)) => Rc::ptr_eq(x, y),
            (Kind::Union(x), Kind::Union(y)) => {
                let has = |all: &[Val], one: &Val| all.iter().any(|other| same(one, other));
                x.iter().all(|one| has(y, one)) && y.iter().all(|one| has(x, one))
            }
            _ => false,
        }
    }

    /// The same of arguments: what comes from outside the target is data as well.
    pub(super) fn is_argument_of_a_kind(&self, a: &Val, b: &Val, depth: usize) -> bool {
        let is_given = |value: &Val| {
            let is_one = |value: &Val| is_data(value) || matches!(value.kind, Kind::Api(..));
            value.taint.is_none() && (is_one(value) || value.alternatives().iter().all(is_one))
        };
        is_given(a) && is_given(b) || self.is_of_a_kind(a, b, depth)
    }

    fn is_of_a_form(&self, a: ObjId, b: ObjId, depth: usize) -> bool {
        let (Peek::Obj(x), Peek::Obj(y)) = (self.store.peek(Loc::Obj(a)), self.store.peek(Loc::Obj(b))) else {
            return false;
        };
        // What is there in one and not in the other was not set yet, or is not needed.
        let same = |a: &Val, b: &Val| a.is_nullish() == b.is_nullish() && self.is_of_a_kind(a, b, depth - 1);
        let either = |a: &Option<Val>, b: &Option<Val>| match (a, b) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let has_same_kind = match (&x.kind, &y.kind) {
            (ObjKind::Instance(x), ObjKind::Instance(y)) => x == y,
            (ObjKind::Class(_), _) => false,
            (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y),
        };
        has_same_kind
            && x.fields.len() == y.fields.len()
            && x.fields
                .iter()
                .all(|(name, value)| y.fields.get(name).is_some_and(|other| depth == 0 || same(value, other)))
            && (depth == 0
                || x.items.iter().all(|one| y.items.iter().any(|other| same(one, other)))
                    && y.items.iter().all(|one| x.items.iter().any(|other| same(one, other)))
                    && either(&x.any, &y.any)
                    && either(&x.more, &y.more))
    }

    /// What stands for all of these, which are of one kind.
    pub(super) fn generalised(&mut self, all: &[Val], depth: usize) -> Val {
        let Some((last, others)) = all.split_last() else { return Val::unknown() };
        if others.iter().all(|other| is_equal(other, last, &is_identical)) {
            return last.clone();
        }
        if all.iter().all(is_data) {
            let joined = self.join_all(all.to_vec()).unwrap_or_else(Val::unknown);
            return self.without_exact(&joined);
        }
        // Records that were made for whoever asked have fields in common, and nothing else.
        let ids: Option<Vec<ObjId>> = all
            .iter()
            .map(|value| match value.kind {
                Kind::Obj(id) => Some(id),
                _ => None,
            })
            .collect();
        let Some(ids) = ids.filter(|_| depth > 0) else { return last.clone() };
        let objs: Vec<Rc<Obj>> = ids.iter().map(|id| self.store.obj_rc(*id)).collect();
        let Some(mut general) = objs.last().map(|obj| (**obj).clone()) else { return last.clone() };
        if !matches!(general.kind, ObjKind::Plain | ObjKind::Dict) {
            return last.clone();
        }
        for (name, value) in &mut general.fields {
            let column: Vec<Val> = objs.iter().filter_map(|obj| obj.fields.get(name).cloned()).collect();
            *value = self.generalised(&column, depth - 1);
        }
        Val { kind: Kind::Obj(self.store.new_obj(general)), ..last.clone() }
    }

    /// Data like this, of which it is not known what it says.
    fn without_exact(&mut self, value: &Val) -> Val {
        let vn = self.store.fresh_vn();
        match &value.kind {
            Kind::Union(values) => {
                let values: Vec<Val> = values.iter().map(|value| self.without_exact(value)).collect();
                Val { vn, kind: Kind::Union(values.into()), cond: None, ..value.clone() }
            }
            Kind::Str => {
                let mut props = self.props(value);
                props.lits = None;
                Val { vn, ..Val::with_props(props) }
            }
            Kind::Bool(_) => Val { vn, ..Val::of(Kind::Bool(None)) },
            Kind::Num(_) => Val { vn, ..Val::of(Kind::Num(None)) },
            _ => Val { cond: None, ..value.clone() },
        }
    }

    /// Text, or a list of text.
    pub(super) fn is_plain_text(&self, value: &Val) -> bool {
        match value.kind {
            Kind::Str => value.cond.is_none(),
            Kind::Obj(id) => {
                let obj = self.store.obj(id);
                matches!(obj.kind, ObjKind::Array) && values(obj).all(|value| matches!(value.kind, Kind::Str))
            }
            _ => false,
        }
    }
}

/// Everything an object holds.
pub(super) fn values(obj: &Obj) -> impl Iterator<Item = &Val> {
    obj.fields.values().chain(&obj.any).chain(&obj.items).chain(&obj.more)
}

/// Whether nothing of the caller's is in a value itself.
pub(super) fn is_clean(value: &Val) -> bool {
    value.taint.is_none() && value.alternatives().iter().all(|value| value.taint.is_none())
}

/// What a function works on, and does not call.
fn is_data(value: &Val) -> bool {
    match &value.kind {
        Kind::Unknown | Kind::Undefined | Kind::Null | Kind::Bool(_) | Kind::Num(_) | Kind::Str | Kind::Regex(_) => {
            true
        }
        Kind::Union(values) => values.iter().all(is_data),
        _ => false,
    }
}

/// Whether two values are one and the same, as far as they themselves go.
pub(super) fn is_identical(a: &Val, b: &Val) -> bool {
    a.vn == b.vn && is_equal(a, b, &is_identical)
}

fn is_equal(a: &Val, b: &Val, is_one: &dyn Fn(&Val, &Val) -> bool) -> bool {
    if a.taint != b.taint || a.cond.is_some() || b.cond.is_some() {
        return false;
    }
    let has_same_kind = match (&a.kind, &b.kind) {
        (Kind::Unknown, Kind::Unknown)
        | (Kind::Undefined, Kind::Undefined)
        | (Kind::Null, Kind::Null)
        | (Kind::Str, Kind::Str) => true,
        (Kind::Bool(x), Kind::Bool(y)) => x == y,
        (Kind::Num(x), Kind::Num(y)) => x.map(f64::to_bits) == y.map(f64::to_bits),
        (Kind::Obj(x), Kind::Obj(y)) => x == y,
        (Kind::Fn(x), Kind::Fn(y)) => x == y,
        (Kind::Bound(x), Kind::Bound(y)) => Rc::ptr_eq(x, y) || is_one(&x.0, &y.0) && is_one(&x.1, &y.1),
        (Kind::Method(x), Kind::Method(y)) => Rc::ptr_eq(x, y) || x.1 == y.1 && is_one(&x.0, &y.0),
        (Kind::Api(x, m), Kind::Api(y, n)) => x == y && m == n,
        (Kind::Module(x), Kind::Module(y)) => x == y,
        (Kind::Regex(x), Kind::Regex(y)) => x.pattern == y.pattern && x.flags == y.flags,
        (Kind::Schema(x), Kind::Schema(y)) => Rc::ptr_eq(x, y),
        (Kind::Union(x), Kind::Union(y)) => {
            Rc::ptr_eq(x, y) || x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| is_one(x, y))
        }
        _ => false,
    };
    has_same_kind
        && match (&a.text, &b.text) {
            (None, None) => true,
            (Some(x), Some(y)) if Rc::ptr_eq(x, y) => true,
            (Some(x), Some(y)) => match (a.literal(), b.literal()) {
                (Some(x), Some(y)) => x == y,
                (None, None) => x.base == y.base && x.shape == y.shape && x.props() == y.props(),
                _ => false,
            },
            _ => false,
        }
}

/// Whether the same of two objects is in doubt.
pub(super) fn is_as_sure(a: &Obj, b: &Obj) -> bool {
    match (&a.doubts, &b.doubts) {
        (Some(a), Some(b)) => Rc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}
