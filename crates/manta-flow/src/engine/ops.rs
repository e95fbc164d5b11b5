//! Operators, concatenation, and what comparisons teach.

use std::cell::OnceCell;
use std::rc::Rc;

use manta_core::Span;

use crate::domain::address::is_in_network;
use crate::domain::path::{PathState, Within};
use crate::domain::url::{Host, HostCheck, HostGrade, Scheme, Subject, UrlState, grade_host_check};
use crate::domain::{CharSet, StrProps, path};
use crate::engine::addresses::known_text;
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::builtins::is_composed;
use crate::engine::facts::{Cond, Fact, Note, NoteKind, Refinements, both};
use crate::engine::interp::{Interp, arc, number_text, unary_text};
use crate::engine::store::ObjKind;
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, MAX_TEXT, Part, Taint, Text, Transform, UrlPart, Val, Vn, concatenated};
use crate::ir::{BinaryOp, Lang, Symbol, UnaryOp};

/// Most pieces kept of one concatenation.
const MAX_PARTS: usize = 48;
/// Most combinations of alternatives spelled out by one concatenation.
const MAX_COMBINATIONS: usize = 12;

/// Pieces of a concatenation; constant ones that follow each other become one.
#[derive(Default)]
struct Pieces {
    parts: Vec<Part>,
    /// Constant text since the last part.
    text: String,
}

impl Pieces {
    fn text(&mut self, text: &str) {
        if self.text.len() + text.len() > MAX_TEXT {
            self.end_text();
        }
        if text.len() > MAX_TEXT {
            self.parts.push(Part::Hole(Val::str(text)));
        } else {
            self.text.push_str(text);
        }
    }

    fn hole(&mut self, value: Val) {
        self.end_text();
        self.parts.push(Part::Hole(value));
    }

    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Lit(text) => self.text(text),
                Part::Hole(hole) => self.hole(hole.clone()),
            }
        }
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Lit(arc(&self.text)));
            self.text.clear();
        }
    }

    fn into_parts(mut self) -> Vec<Part> {
        self.end_text();
        self.parts
    }
}

impl Interp<'_> {
    // ------------------------------------------------------------------ concatenation

    /// The string that `values` spell together.
    pub(crate) fn concat(&mut self, values: &[Val], span: Span) -> Val {
        let combinations: usize =
            values.iter().map(|value| value.alternatives().len()).fold(1, |all, count| all.saturating_mul(count));
        if combinations > 1 && combinations <= MAX_COMBINATIONS {
            let values: Vec<Val> = values.iter().map(|value| self.current(value)).collect();
            let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
            for value in &values {
                rows = rows
                    .into_iter()
                    .flat_map(|row| {
                        value.alternatives().iter().map(move |choice| {
                            let mut row = row.clone();
                            row.push(choice.clone());
                            row
                        })
                    })
                    .collect();
            }
            let joined: Vec<Val> = rows.iter().map(|row| self.concat_plain(row, span)).collect();
            return self.join_all(joined).unwrap_or_else(Val::unknown);
        }
        self.concat_plain(values, span)
    }

    fn concat_plain(&mut self, values: &[Val], span: Span) -> Val {
        let mut pieces = Pieces::default();
        let mut taint = Taint::NONE;
        let mut step = 0;
        for value in values {
            // What an object writes itself as.
            let written = matches!(value.kind, Kind::Obj(_)).then(|| self.to_text(value));
            let value = written.as_ref().unwrap_or(value);
            // A number is a number wherever it is written.
            let is_number = matches!(value.kind, Kind::Num(_) | Kind::Bool(_));
            let value_taint = if is_number { Taint::NONE } else { self.taint_now(value) };
            if value_taint.is_some() && taint.is_none() {
                step = value.step;
            }
            taint = taint.union(value_taint);
            self.add_parts(&mut pieces, value);
        }
        let mut parts = pieces.into_parts();
        if parts.len() > MAX_PARTS {
            let props = concatenated(&parts, |hole| self.props(hole));
            let vn = self.store.fresh_vn();
            let text = Text { known: OnceCell::from(props), ..Text::default() };
            let tail = Val { taint, step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
            parts = vec![Part::Hole(tail)];
        }
        let literal: Option<String> =
            parts.iter().map(|part| if let Part::Lit(text) = part { Some(&**text) } else { None }).collect();
        if let Some(literal) = literal {
            return Val { taint, step, ..Val::str(&literal) };
        }
        if let [Part::Hole(only)] = parts.as_slice()
            && matches!(only.kind, Kind::Str)
            && only.vn != 0
        {
            return only.clone();
        }
        let props = self.parts_props(&parts);
        if taint.is_some() {
            let at = self.here(span);
            step = self.trace.add(step, at, StepKind::Concat);
        }
        let text = Text { known: props, parts: parts.into(), ..Text::default() };
        Val { taint, step, vn: self.store.fresh_vn(), text: Some(Rc::new(text)), ..Val::of(Kind::Str) }
    }

    fn add_parts(&mut self, pieces: &mut Pieces, value: &Val) {
        match &value.kind {
            Kind::Str => {
                if let Some(text) = value.literal() {
                    pieces.text(text);
                    return;
                }
                let text = value.text.as_deref();
                let is_plain = text.is_some_and(|text| !text.parts.is_empty() && !text.is_contained())
                    && self.store.fact(value.vn).is_none();
                if is_plain && let Some(text) = text {
                    pieces.parts(&text.parts);
                    return;
                }
                let value = self.current(value);
                pieces.hole(value);
            }
            Kind::Num(Some(number)) => pieces.text(&number_text(*number)),
            Kind::Bool(Some(flag)) => {
                let text = match (self.lang(), flag) {
                    (Lang::JavaScript, true) => "true",
                    (Lang::JavaScript, false) => "false",
                    (Lang::Python, true) => "True",
                    (Lang::Python, false) => "False",
                };
                pieces.text(text);
            }
            Kind::Undefined => pieces.text("undefined"),
            Kind::Null => pieces.text(if self.lang() == Lang::Python { "None" } else { "null" }),
            Kind::Obj(_) => {
                let text = self.to_text(value);
                match text.literal() {
                    Some(text) => pieces.text(text),
                    None => {
                        if let Some(inner) = text.text.as_deref()
                            && !inner.parts.is_empty()
                            && inner.parts.len() < MAX_PARTS
                        {
                            pieces.parts(&inner.parts);
                        } else {
                            pieces.hole(text);
                        }
                    }
                }
            }
            _ => {
                let props = self.props(value);
                let value = self.current(value);
                let text = Text { known: props.into(), ..value.text.as_deref().cloned().unwrap_or_default() };
                pieces.hole(Val { text: Some(Rc::new(text)), ..value });
            }
        }
    }

    /// The properties of a concatenation as far as they have to be computed now, because something is known of a hole at
    /// this point; else they follow from the parts at any time.
    fn parts_props(&self, parts: &[Part]) -> OnceCell<StrProps> {
        let is_known = |value: &Val| self.store.fact(value.vn).is_some();
        let is_anything_known = parts.iter().any(|part| match part {
            Part::Hole(hole) => is_known(hole) || hole.alternatives().iter().any(is_known),
            Part::Lit(_) => false,
        });
        if is_anything_known { concatenated(parts, |hole| self.props(hole)).into() } else { OnceCell::new() }
    }

    /// The text a value has when it is used as a string.
    pub(crate) fn to_text(&mut self, value: &Val) -> Val {
        match &value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                if let Some(href) = obj.fields.get(&Symbol::new("href")).cloned() {
                    return href;
                }
                if obj.is_sequence() {
                    return self.join_array(value, ",");
                }
                if let ObjKind::Instance(_) = obj.kind {
                    let name = if self.lang() == Lang::Python { "__str__" } else { "toString" };
                    let method = self.get_member(value, Symbol::new(name), Span::default());
                    if let Kind::Bound(_) = method.kind {
                        return self.call_value(&method, None, super::interp::Args::default(), Span::default());
                    }
                }
                if let Some(inner) = obj.fields.get(&Symbol::new("value")).cloned()
                    && matches!(obj.kind, ObjKind::External)
                {
                    return inner;
                }
                let (taint, step) = self.deep_taint(value, 2);
                let text = Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) };
                if !matches!(obj.kind, ObjKind::Instance(_)) {
                    self.note_written(&text, value);
                }
                text
            }
            Kind::Num(Some(number)) => Val { taint: value.taint, step: value.step, ..Val::str(&number_text(*number)) },
            Kind::Num(None) => {
                Val { taint: value.taint, step: value.step, vn: value.vn, ..Val::with_props(StrProps::number()) }
            }
            Kind::Union(values) => {
                let values: Vec<Val> = values.to_vec();
                if values.iter().all(|value| matches!(value.kind, Kind::Str)) {
                    return value.clone();
                }
                let texts: Vec<Val> =
                    values.iter().filter(|value| !value.is_nullish()).map(|value| self.to_text(value)).collect();
                self.join_all(texts).unwrap_or_else(Val::unknown)
            }
            Kind::Unknown => Val { kind: Kind::Str, ..value.clone() },
            Kind::Bool(Some(flag)) => {
                let text = if self.lang() == Lang::Python {
                    if *flag { "True" } else { "False" }
                } else if *flag {
                    "true"
                } else {
                    "false"
                };
                Val::str(text)
            }
            _ => value.clone(),
        }
    }

    /// The elements of a sequence with a separator between them; any number of them when the sequence is open.
    pub(crate) fn join_array(&mut self, list: &Val, separator: &str) -> Val {
        let (items, more) = self.elements_of(list, Span::default());
        let mut pieces = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                pieces.push(Val::str(separator));
            }
            let text = self.to_text(item);
            pieces.push(text);
        }
        if let Some(more) = more {
            let mut text = self.to_text(&more);
            if separator.is_empty() {
                // Any number of them, one behind the other.
                let any_number = StrProps::of_charset(self.props(&text).charset);
                text = Val { vn: self.store.fresh_vn(), ..self.text_val(any_number, &text) };
            }
            if !pieces.is_empty() {
                pieces.push(Val::str(separator));
            }
            pieces.push(text.clone());
            // A second one stands for all others, so that what lies between two elements is seen.
            pieces.push(Val::str(separator));
            pieces.push(text);
        }
        if pieces.is_empty() {
            return Val::str("");
        }
        self.concat(&pieces, Span::default())
    }

    // ------------------------------------------------------------------ operators

    pub(crate) fn unary(&mut self, op: UnaryOp, value: Val) -> Val {
        let _ = unary_text(op);
        match op {
            UnaryOp::Not => {
                let cond = Some(self.condition(&value).not()).filter(|cond| !cond.is_trivial()).map(Rc::new);
                Val { cond, ..Val::of(Kind::Bool(value.truth().map(|truth| !truth))) }
            }
            UnaryOp::Neg | UnaryOp::Plus | UnaryOp::BitNot => match value.kind {
                Kind::Num(Some(number)) if op == UnaryOp::Neg => Val::num(-number),
                Kind::Num(Some(number)) if op == UnaryOp::Plus => Val::num(number),
                _ => Val { taint: value.taint, step: value.step, ..Val::of(Kind::Num(None)) },
            },
            UnaryOp::TypeOf => {
                let name = match &value.kind {
                    // What is put together is a text, and so is a witness.
                    Kind::Str if !value.is_tainted() || is_composed(&value) => "string",
                    Kind::Str if self.found.replay.is_some() && value.literal().is_some() => "string",
                    Kind::Num(_) => "number",
                    Kind::Bool(_) => "boolean",
                    Kind::Undefined => "undefined",
                    Kind::Fn(_) | Kind::Bound(_) | Kind::Method(_) => "function",
                    Kind::Obj(id) if !matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => "object",
                    _ => {
                        let vn = self.store.fresh_vn();
                        self.typeofs.insert(vn, value);
                        return Val { vn, ..Val::with_props(StrProps::default()) };
                    }
                };
                Val::str(name)
            }
            UnaryOp::Void => Val::undefined(),
            UnaryOp::Delete => Val::bool(true),
        }
    }

    pub(crate) fn binary(&mut self, op: BinaryOp, a: &Val, b: &Val, span: Span) -> Val {
        if self.lang() == Lang::Python
            && let Some(test) = self.set_test(op, a, b, span)
        {
            return test;
        }
        match op {
            BinaryOp::Add => self.add(a, b, span),
            BinaryOp::Eq | BinaryOp::Is => self.compare(BinaryOp::Eq, a, b, span),
            BinaryOp::NotEq | BinaryOp::IsNot => {
                let equal = self.compare(BinaryOp::Eq, a, b, span);
                self.unary(UnaryOp::Not, equal)
            }
            BinaryOp::In => self.membership(a, b, span),
            BinaryOp::NotIn => {
                let inside = self.membership(a, b, span);
                self.unary(UnaryOp::Not, inside)
            }
            BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => self.order(op, a, b),
            BinaryOp::InstanceOf => self.instance_of(a, b),
            BinaryOp::Mod if self.lang() == Lang::Python && matches!(a.kind, Kind::Str) => {
                self.percent_format(a, b, span)
            }
            BinaryOp::Div if self.lang() == Lang::Python && self.is_path_like(a, b) => {
                self.path_join(&[a.clone(), b.clone()], span)
            }
            BinaryOp::BitOr if self.lang() == Lang::Python => {
                if let (Kind::Obj(x), Kind::Obj(_)) = (&a.kind, &b.kind)
                    && matches!(self.store.obj(*x).kind, ObjKind::Dict)
                {
                    let id = self.store.new_obj(crate::engine::store::Obj::new(ObjKind::Dict));
                    self.copy_fields(a, id);
                    self.copy_fields(b, id);
                    return Val::of(Kind::Obj(id)).tainted_by(a).tainted_by(b);
                }
                Val::unknown().tainted_by(a).tainted_by(b)
            }
            BinaryOp::Mul if self.lang() == Lang::Python && matches!(a.kind, Kind::Str | Kind::Obj(_)) => {
                Val { kind: Kind::Unknown, vn: self.store.fresh_vn(), ..a.clone() }
            }
            _ => match (&a.kind, &b.kind) {
                (Kind::Num(Some(x)), Kind::Num(Some(y))) => {
                    arithmetic(op, *x, *y).map_or_else(|| Val::of(Kind::Num(None)), Val::num)
                }
                _ => Val::of(Kind::Num(None)),
            },
        }
    }

    fn add(&mut self, a: &Val, b: &Val, span: Span) -> Val {
        match (&a.kind, &b.kind) {
            (Kind::Num(Some(x)), Kind::Num(Some(y))) => return Val::num(x + y),
            (Kind::Num(_), Kind::Num(_)) => return Val::of(Kind::Num(None)),
            (Kind::Obj(x), _) if self.lang() == Lang::Python && self.store.obj(*x).is_sequence() => {
                let (mut items, more) = self.elements_of(a, span);
                let (theirs, rest) = self.elements_of(b, span);
                let more = if more.is_some() {
                    let all: Vec<Val> = more.into_iter().chain(theirs).chain(rest).collect();
                    self.join_all(all)
                } else {
                    items.extend(theirs);
                    rest
                };
                return self.new_array(items, more);
            }
            _ => {}
        }
        let is_text = |value: &Val| value.alternatives().iter().any(|value| matches!(value.kind, Kind::Str));
        if is_text(a) || is_text(b) || a.is_tainted() || b.is_tainted() {
            return self.concat(&[a.clone(), b.clone()], span);
        }
        Val::unknown()
    }

    fn order(&mut self, op: BinaryOp, a: &Val, b: &Val) -> Val {
        if let (Kind::Num(Some(x)), Kind::Num(Some(y))) = (&a.kind, &b.kind) {
            return Val::bool(match op {
                BinaryOp::Lt => x < y,
                BinaryOp::LtEq => x <= y,
                BinaryOp::Gt => x > y,
                _ => x >= y,
            });
        }
        // `s.indexOf(x) >= 0`, `> -1`: the search carries the condition "found".
        if let (Some(cond), Kind::Num(Some(bound))) = (&a.cond, &b.kind) {
            // A length (which has a text) is at least one, or nothing is there; a position may also be the first.
            let is_length = a.text.is_some();
            let (is_found, is_exact) = match (op, *bound) {
                (BinaryOp::GtEq, 0.0) | (BinaryOp::Gt, -1.0) if !is_length => (true, true),
                (BinaryOp::GtEq, 1.0) | (BinaryOp::Gt, 0.0) => (true, is_length),
                (BinaryOp::Lt, 0.0) | (BinaryOp::LtEq, -1.0) if !is_length => (false, true),
                (BinaryOp::Lt, 1.0) | (BinaryOp::LtEq, 0.0) => (false, is_length),
                _ => return Val::any_bool(),
            };
            let found = if is_exact { (**cond).clone() } else { Cond { when_false: Vec::new(), ..(**cond).clone() } };
            return self.bool_with(None, if is_found { found } else { found.not() });
        }
        Val::any_bool()
    }

    fn instance_of(&mut self, a: &Val, b: &Val) -> Val {
        match (&a.kind, &b.kind) {
            (Kind::Obj(object), Kind::Obj(class)) => match self.store.obj(*object).kind {
                ObjKind::Instance(of) => Val::bool(self.is_subclass(of, *class, 0)),
                _ => Val::any_bool(),
            },
            // `isinstance(ip_address(a), IPv6Address)` of a known address.
            (_, Kind::Api(api, _)) if known_text(a).is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok()) => {
                let is_v6 = known_text(a).is_some_and(|text| text.contains(':'));
                match &*self.apis.name(*api) {
                    "ipaddress.IPv6Address" => Val::bool(is_v6),
                    "ipaddress.IPv4Address" => Val::bool(!is_v6),
                    "builtins.str" => Val::bool(true),
                    _ => Val::any_bool(),
                }
            }
            (Kind::Str, Kind::Api(api, _)) if !a.is_tainted() => {
                Val::of(Kind::Bool(if &*self.apis.name(*api) == "builtins.str" { Some(true) } else { None }))
            }
            _ => Val::any_bool(),
        }
    }

    fn is_subclass(&self, class: crate::engine::value::ObjId, of: crate::engine::value::ObjId, depth: usize) -> bool {
        class == of
            || depth < 16
                && self.class_val(class).is_some_and(|class| {
                    class.bases.iter().any(|base| match base.kind {
                        Kind::Obj(base) => self.is_subclass(base, of, depth + 1),
                        _ => false,
                    })
                })
    }

    // ------------------------------------------------------------------ comparisons

    /// A boolean with what it implies.
    pub(crate) fn bool_with(&self, truth: Option<bool>, cond: Cond) -> Val {
        Val { cond: (!cond.is_trivial()).then(|| Rc::new(cond)), ..Val::of(Kind::Bool(truth)) }
    }

    /// `a == b`.
    pub(crate) fn compare(&mut self, _op: BinaryOp, a: &Val, b: &Val, span: Span) -> Val {
        let (a, b) = (&self.current(a), &self.current(b));
        // Constant outcomes.
        if let (Some(x), Some(y)) = (a.literal(), b.literal()) {
            return Val::bool(x == y);
        }
        if let (Some(xs), Some(ys)) = (a.literals(), b.literals())
            && !xs.iter().any(|x| ys.contains(x))
        {
            return Val::bool(false);
        }
        if self.is_foreign(a, b) || self.is_foreign(b, a) {
            return Val::bool(false);
        }
        // A witness is a POSIX path, and is followed where such paths are.
        if self.found.replay.is_some() && (self.asks_for_windows(a, b) || self.asks_for_windows(b, a)) {
            return Val::bool(false);
        }
        if let Some(usual) = self.equal_by_default(a, b).or_else(|| self.equal_by_default(b, a)) {
            return self.bool_with(None, Cond { by_default: Some(usual), ..Cond::default() });
        }
        match (&a.kind, &b.kind) {
            (Kind::Num(Some(x)), Kind::Num(Some(y))) => {
                if let (Some(cond), true) = (&a.cond, *y == -1.0) {
                    return Val { cond: Some(Rc::new(cond.not())), ..Val::bool((x - y).abs() < f64::EPSILON) };
                }
                return Val::bool((x - y).abs() < f64::EPSILON);
            }
            (Kind::Bool(Some(x)), Kind::Bool(Some(y))) => return Val::bool(x == y),
            (Kind::Null | Kind::Undefined, Kind::Null | Kind::Undefined) => return Val::bool(true),
            (Kind::Api(x, None), Kind::Api(y, None)) => return Val::of(Kind::Bool((x == y).then_some(true))),
            (Kind::Fn(x), Kind::Fn(y)) => return Val::of(Kind::Bool((x == y).then_some(true))),
            _ => {}
        }
        for (search, bound) in [(a, b), (b, a)] {
            // `indexOf(…) === 0`: found at the very beginning.
            if let (Kind::Num(Some(0.0)), Some((text, part))) = (&bound.kind, self.searches.get(&search.vn).cloned()) {
                return self.starts_with(&text, &part, span);
            }
            // `indexOf(…) === -1`.
            if let (Some(cond), Kind::Num(Some(bound))) = (&search.cond, &bound.kind)
                && matches!(search.kind, Kind::Num(_))
            {
                if *bound == -1.0 {
                    return self.bool_with(None, cond.not());
                }
                // `passed.length === 0`: nothing passed the test.
                if *bound == 0.0 && search.text.is_some() {
                    return self.bool_with(None, cond.not());
                }
                if *bound == 0.0 {
                    return self.bool_with(None, Cond { when_true: cond.when_true.clone(), ..Cond::default() });
                }
            }
        }
        // Comparisons with true, false, null test the other side's truth.
        for (value, constant) in [(a, b), (b, a)] {
            match constant.kind {
                Kind::Bool(Some(flag)) => {
                    let cond = value.cond.as_deref().cloned().unwrap_or_default();
                    let truth = match value.kind {
                        Kind::Bool(truth) => truth.map(|truth| truth == flag),
                        _ => None,
                    };
                    return self.bool_with(truth, if flag { cond } else { cond.not() });
                }
                Kind::Null | Kind::Undefined => {
                    let truth = match &value.kind {
                        // The result of a match may be none.
                        Kind::Obj(_) if value.cond.is_some() => None,
                        Kind::Obj(_) | Kind::Fn(_) | Kind::Bound(_) | Kind::Num(_) | Kind::Bool(_) => Some(false),
                        Kind::Str if value.taint.is_none() || value.literal().is_some() => Some(false),
                        _ => None,
                    };
                    let mut cond = value.cond.as_deref().map(Cond::not).unwrap_or_default();
                    cond.when_true = both(&cond.when_true, &self.nothing_to_fear(value));
                    return self.bool_with(truth, cond);
                }
                _ => {}
            }
        }
        for (common, other) in [(a, b), (b, a)] {
            if let Some((target, by_component)) = self.common_paths.get(&common.vn).cloned()
                && self.is_own_directory(other)
            {
                if self.found.replay.is_some()
                    && let Some(text) = target.literal()
                {
                    return Val::bool(super::report::is_in_replay_root(text));
                }
                let at = self.here(span);
                let state = self.props(&target).path;
                let mut fact = Fact::props(StrProps::default(), at);
                let graded = path::grade_common_prefix(&state, by_component);
                fact.props.path.within = graded.within(None);
                let cond = Cond { when_true: self.implied(&target, fact), ..Cond::default() };
                return self.bool_with(None, cond);
            }
            if let Some(inside) = self.relative_test(common, other.literal(), self.here(span)) {
                return self.bool_with(None, inside);
            }
            // `path.relative(root, x) === ""`: `x` is the directory itself.
            if let (Some(target), Some("")) = (self.relative_paths.get(&common.vn), other.literal()) {
                let real = self.props(target).path.norm == path::Norm::Real;
                let mut fact = Fact::props(StrProps::default(), self.here(span));
                fact.props.path.within = Within::Strong { dir: None, real };
                let cond = Cond { when_true: self.implied(target, fact), ..Cond::default() };
                return self.bool_with(None, cond);
            }
            if let (Some(value), Some(name)) = (self.typeofs.get(&common.vn), other.literal()) {
                return self.bool_with(None, self.type_test(value, name, self.here(span)));
            }
        }
        let mut cond = Cond::default();
        // `process.env.ALLOW === "true"`: not so unless somebody set it.
        let asks = |value: &Val, constant: &Val| {
            let is_variable =
                |value: &Val| matches!(&value.kind, Kind::Api(api, _) if self.apis.name(*api).starts_with("$env."));
            value.alternatives().iter().any(is_variable)
                && constant.literals().is_some_and(|texts| {
                    !value
                        .alternatives()
                        .iter()
                        .any(|value| value.literals().is_some_and(|own| own.iter().any(|own| texts.contains(own))))
                })
        };
        if self.taint_now(a).is_none() && self.taint_now(b).is_none() && (asks(a, b) || asks(b, a)) {
            cond.by_default = Some(false);
        }
        for (value, other) in [(a, b), (b, a)] {
            if self.found.is_name(value.vn)
                && let Some(names) = other.literals()
            {
                for name in names {
                    self.found.add_name(&name);
                }
            }
            if self.taint_now(value).is_none() || self.taint_now(other).is_some() {
                continue;
            }
            let at = self.here(span);
            for text in other.literals().iter().flat_map(|lits| lits.iter()) {
                self.found.hint_extension(text);
            }
            let fact = match other.literals() {
                Some(lits) => Fact::props(StrProps::one_of(lits.iter().map(|lit| &**lit)), at),
                None => Fact::listed(at),
            };
            cond.when_true = both(&cond.when_true, &self.implied(value, fact));
            if let Some(text) = other.literal() {
                let fact = Fact::props(self.props(value).refine_not(text), at);
                cond.when_false = both(&cond.when_false, &self.implied_exactly(value, fact));
            }
        }
        self.bool_with(None, cond)
    }

    /// `typeof value === name`. What is no text is no option: argument lists take nothing but texts.
    fn type_test(&self, value: &Val, name: &str, at: manta_core::Location) -> Cond {
        let fact = |props: StrProps| self.implied_exactly(value, Fact::props(props, at));
        match name {
            "number" | "bigint" => Cond { when_true: fact(StrProps::number()), ..Cond::default() },
            "boolean" => Cond { when_true: fact(StrProps::one_of(["true", "false"])), ..Cond::default() },
            "undefined" => Cond { when_true: self.nothing_to_fear(value), ..Cond::default() },
            "string" => {
                let mut other = StrProps::default();
                other.first = other.first.minus(CharSet::of("-"));
                // What else the schema admits.
                let others = value.alternatives().iter().filter(|value| !matches!(value.kind, Kind::Str));
                let is_number = |value: &Val| matches!(value.kind, Kind::Num(_) | Kind::Bool(_));
                if matches!(value.kind, Kind::Union(_)) && others.clone().all(is_number) {
                    other = others.map(|value| self.props(value)).reduce(|a, b| a.join(&b)).unwrap_or(other);
                }
                Cond { when_false: fact(other), ..Cond::default() }
            }
            _ => Cond::default(),
        }
    }

    /// Whether a comparison asks if the server runs on Windows.
    fn asks_for_windows(&self, platform: &Val, name: &Val) -> bool {
        let is_platform = |api: ApiId| {
            let path = self.apis.name(api);
            let path = path.trim_start_matches("globalThis.").trim_start_matches("node:");
            matches!(
                path,
                "process.platform" | "os.platform()" | "os.type()" | "sys.platform" | "os.name" | "platform.system()"
            )
        };
        matches!(platform.kind, Kind::Api(api, _) if is_platform(api))
            && name.literal().is_some_and(|name| matches!(name, "win32" | "Windows_NT" | "Windows" | "nt"))
    }

    /// Whether a setting equals a constant when nobody sets it.
    fn equal_by_default(&self, setting: &Val, constant: &Val) -> Option<bool> {
        let default = self.default_of_setting(setting)?;
        match (&default.kind, &constant.kind) {
            (Kind::Undefined, Kind::Undefined | Kind::Null) => Some(true),
            (Kind::Undefined, Kind::Bool(Some(_)) | Kind::Num(Some(_))) => Some(false),
            (Kind::Undefined, Kind::Str) => constant.literals().map(|_| false),
            (Kind::Str, Kind::Str) => Some(default.literal()? == constant.literal()?),
            _ => None,
        }
    }

    /// The value an environment variable or option has when nobody sets it: none at all, or the one constant the program
    /// falls back to. None for anything else.
    fn default_of_setting(&self, value: &Val) -> Option<Val> {
        let is_setting = |value: &Val| match value.kind {
            Kind::Api(api, _) => self.is_setting(api),
            Kind::Obj(id) => self.store.obj(id).is_configured,
            _ => false,
        };
        match &value.kind {
            Kind::Union(values) => {
                let (settings, others): (Vec<&Val>, Vec<&Val>) = values.iter().partition(|value| is_setting(value));
                match (settings.is_empty(), others.as_slice()) {
                    (false, [only])
                        if only.literal().is_some()
                            || matches!(only.kind, Kind::Bool(Some(_)) | Kind::Num(Some(_))) =>
                    {
                        Some((*only).clone())
                    }
                    _ => None,
                }
            }
            _ => is_setting(value).then(Val::undefined),
        }
    }

    /// Whether an access path starts in the environment.
    pub(crate) fn is_setting(&self, api: ApiId) -> bool {
        matches!(self.apis.steps(api).first(), Some(ApiStep::Root(root)) if root.as_str() == "$env")
    }

    /// Whether a list has no element unless the administrator configures some: `(process.env.HOSTS ?? "").split(",")`
    /// without blanks is empty, or what the environment says.
    pub(crate) fn is_empty_by_default(&self, lists: &[Val]) -> bool {
        let is_configured = |list: &Val| matches!(list.kind, Kind::Obj(id) if self.store.obj(id).is_configured);
        let is_empty = |list: &Val| match list.kind {
            Kind::Obj(id) => {
                let list = self.store.obj(id);
                list.is_sequence() && list.items.is_empty() && list.more.is_none()
            }
            _ => list.is_nullish(),
        };
        lists.iter().any(is_configured) && lists.iter().all(|list| is_configured(list) || is_empty(list))
    }

    /// What a value implies as a condition: an environment variable is not set by default.
    pub(crate) fn condition(&self, value: &Val) -> Cond {
        match value.cond.as_deref() {
            Some(cond) => cond.clone(),
            None => {
                let by_default = self
                    .default_of_setting(value)
                    .and_then(|default| default.truth())
                    .filter(|_| value.truth().is_none());
                Cond { by_default, when_false: self.nothing_to_fear(value), ..Cond::default() }
            }
        }
    }

    /// What is known of a value of the caller's that counts as false: it is missing, empty or zero.
    fn nothing_to_fear(&self, value: &Val) -> Refinements {
        const FALSE: [&str; 11] = ["", "0", "-0", "NaN", "false", "null", "undefined", "False", "None", "[]", "{}"];
        let is_text = |value: &Val| matches!(value.kind, Kind::Str | Kind::Unknown) || value.is_nullish();
        if value.vn == 0
            || !value.is_tainted()
            || value.literal().is_some()
            || !value.alternatives().iter().all(is_text)
        {
            return Vec::new();
        }
        let props = StrProps::one_of(FALSE);
        vec![(value.vn, Rc::new(Fact { props, is_listed: false, at: None, notes: Vec::new() }))]
    }

    /// While a witness is followed: a concrete value of the caller's, compared with something that the administrator
    /// chose and we do not know, is not that. (The stand-in directory is.)
    pub(crate) fn is_foreign(&self, value: &Val, other: &Val) -> bool {
        self.found.replay.is_some()
            && value.is_tainted()
            && value.literal().is_some_and(|text| !super::report::is_in_replay_root(text))
            && other.taint.is_none()
            && other.literals().is_none()
            && matches!(other.kind, Kind::Str | Kind::Unknown | Kind::Api(..) | Kind::Union(_))
    }

    /// The fact about a value and what it means for the value it was derived from.
    pub(crate) fn implied(&self, value: &Val, fact: Fact) -> Refinements {
        let mut all: Refinements = Vec::new();
        if let Some((base, transform)) = value.text.as_deref().and_then(|text| text.base) {
            let own = |props: StrProps| Fact { props, is_listed: false, at: fact.at, notes: fact.notes.clone() };
            let for_base = match transform {
                Transform::SamePath if fact.is_listed || !matches!(fact.props.path.within, Within::None) => {
                    if fact.is_listed {
                        Some(Fact::listed(
                            fact.at.unwrap_or(manta_core::Location::new(self.code().file, Span::default())),
                        ))
                    } else {
                        let within = fact.props.path.within.clone();
                        let mut props = StrProps::default();
                        props.path = PathState { within, ..props.path };
                        Some(own(props))
                    }
                }
                Transform::SamePath => (!fact.notes.is_empty()).then(|| own(StrProps::default())),
                Transform::Cosmetic if fact.is_listed || fact.props.lits.is_some() => {
                    let mut listed = own(StrProps::default());
                    listed.is_listed = true;
                    listed.props.url.host = Host::AllowListed;
                    Some(listed)
                }
                Transform::UrlPart(UrlPart::Host) | Transform::Cosmetic => {
                    let host = if fact.is_listed || fact.props.lits.is_some() {
                        Host::AllowListed
                    } else {
                        fact.props.url.host.clone()
                    };
                    let mut props = StrProps::default();
                    props.url = UrlState { host, ..props.url };
                    Some(own(props))
                }
                Transform::UrlPart(UrlPart::Scheme) => fact.props.lits.as_deref().map(|lits| {
                    let is_web = lits.iter().all(|lit| matches!(&**lit, "http:" | "https:" | "http" | "https"));
                    let is_https = lits.iter().all(|lit| matches!(&**lit, "https:" | "https"));
                    let mut props = StrProps::default();
                    let scheme = if is_https {
                        Scheme::Https
                    } else if is_web {
                        Scheme::Web
                    } else {
                        Scheme::Other
                    };
                    props.url = UrlState { scheme, ..props.url };
                    own(props)
                }),
                Transform::UrlPart(UrlPart::Whole) => Some(fact.clone()),
                Transform::UrlPart(_) => None,
                // One character says nothing of the others; see `for_whole_texts`.
                Transform::Character => None,
                Transform::Without(removed) => {
                    all = self.implied_with_removed(base, removed, &fact);
                    None
                }
            };
            if let Some(fact) = for_base {
                let fact = Rc::new(fact);
                all.push((base, fact.clone()));
                // Further back, as long as each step keeps the file or is the whole URL.
                let mut at = base;
                for _ in 0..8 {
                    match self.derivations.get(&at) {
                        Some((before, Transform::SamePath)) if matches!(transform, Transform::SamePath) => {
                            at = *before;
                        }
                        Some((before, Transform::UrlPart(UrlPart::Whole)))
                            if !matches!(transform, Transform::SamePath) =>
                        {
                            at = *before;
                        }
                        _ => break,
                    }
                    all.push((at, fact.clone()));
                }
                all.sort_by_key(|(vn, _)| *vn);
                all.dedup_by_key(|(vn, _)| *vn);
            }
        }
        if value.vn != 0 {
            all = both(&all, &vec![(value.vn, Rc::new(fact))]);
        }
        all
    }

    /// `name.replace("-", "").isalnum()`: what is left has only these characters, so the text had only these and what was
    /// replaced.
    fn implied_with_removed(&self, base: Vn, mut removed: CharSet, fact: &Fact) -> Refinements {
        let mut all = Vec::new();
        let mut at = base;
        for _ in 0..8 {
            let props = StrProps::of_charset(fact.props.charset.union(removed));
            all.push((at, Rc::new(Fact { props, is_listed: false, at: fact.at, notes: Vec::new() })));
            let Some((before, Transform::Without(more))) = self.derivations.get(&at) else { break };
            (at, removed) = (*before, removed.union(*more));
        }
        all.sort_by_key(|(vn, _)| *vn);
        all.dedup_by_key(|(vn, _)| *vn);
        all
    }

    /// The fact about the value alone.
    pub(crate) fn implied_exactly(&self, value: &Val, fact: Fact) -> Refinements {
        if value.vn == 0 { Vec::new() } else { vec![(value.vn, Rc::new(fact))] }
    }

    /// `element in collection`, `collection.includes(element)`, `set.has(element)`.
    pub(crate) fn membership(&mut self, element: &Val, collection: &Val, span: Span) -> Val {
        let element = &self.current(element);
        // `ip_address(a) in ip_network(n)` of known addresses.
        if let (Some(address), Some(network)) = (known_text(element), known_text(collection))
            && let Ok(address) = address.parse()
            && let Some(inside) = is_in_network(address, network)
        {
            return Val::bool(inside);
        }
        // `root in path.parents`: the path is below the root.
        if let Some(path) = self.parent_lists.get(&collection.vn).cloned()
            && self.taint_now(element).is_none()
        {
            return self.path_inside_test(&path, element, span);
        }
        // Substring search.
        let is_text = collection.alternatives().iter().all(|value| matches!(value.kind, Kind::Str))
            || (collection.is_tainted() && matches!(collection.kind, Kind::Unknown) && !element.is_tainted());
        if is_text {
            return self.contains_text(collection, element, span);
        }
        let (items, more) = match &collection.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                match obj.kind {
                    ObjKind::Array | ObjKind::Set => (obj.items.clone(), obj.more.clone()),
                    ObjKind::Instance(_) => {
                        let method = self.get_member(collection, Symbol::new("__contains__"), span);
                        if matches!(method.kind, Kind::Bound(_)) {
                            let args = super::interp::Args::of(vec![element.clone()]);
                            return self.call_value(&method, None, args, span);
                        }
                        (Vec::new(), Some(Val::unknown().tainted_by(collection)))
                    }
                    _ => self.keys_of(collection),
                }
            }
            Kind::Union(_) => self.elements_of(collection, span),
            _ => (Vec::new(), Some(Val::unknown().tainted_by(collection))),
        };
        let literals: Option<Vec<_>> =
            if more.is_some() { None } else { items.iter().map(Val::literals).collect::<Option<Vec<_>>>() };
        if self.found.is_name(element.vn) {
            for lit in items.iter().filter_map(Val::literal).map(str::to_owned).collect::<Vec<_>>() {
                self.found.add_name(&lit);
            }
        }
        let literals: Option<Vec<_>> = literals.map(|lists| lists.into_iter().flatten().collect());
        if let (Some(list), Some(element)) = (&literals, element.literal()) {
            return Val::bool(list.iter().any(|item| &**item == element));
        }
        if let (Some(list), Some(default)) = (&literals, self.default_of_setting(element)) {
            let is_usual = default.literal().is_some_and(|text| list.iter().any(|item| &**item == text));
            return self.bool_with(None, Cond { by_default: Some(is_usual), ..Cond::default() });
        }
        if let Some(more) = &more
            && self.is_foreign(element, more)
            && items.iter().all(|item| item.literal() != element.literal())
        {
            return Val::bool(false);
        }
        for text in items.iter().filter_map(Val::literal).filter(|_| element.is_tainted()) {
            self.found.hint_extension(text);
        }
        let is_controlled = items.iter().chain(&more).any(|item| self.taint_now(item).is_some());
        if self.taint_now(element).is_none() || is_controlled {
            return Val::any_bool();
        }
        let at = self.here(span);
        // `name in {".", ".."}`: what is not in there is none of them.
        let other = items
            .iter()
            .filter_map(Val::literal)
            .take(16)
            .fold(self.props(element), |other, text| other.refine_not(text));
        let of_character = self.none_of_characters(element, literals.as_deref().unwrap_or_default(), span);
        let fact = match literals {
            Some(list) if !list.is_empty() && self.is_character(element) => {
                Fact::props(Self::of_listed_characters(&list), at)
            }
            Some(list) if !list.is_empty() => {
                Fact { is_listed: true, ..Fact::props(StrProps::one_of(list.iter().map(|lit| &**lit)), at) }
            }
            Some(_) => return Val::bool(false),
            None => Fact::listed(at),
        };
        let when_false = both(&self.implied_exactly(element, Fact::props(other, at)), &of_character);
        let cond = Cond { when_true: self.implied(element, fact), when_false, ..Cond::default() };
        self.bool_with(None, cond)
    }

    /// `value.includes(needle)` on strings.
    pub(crate) fn contains_text(&mut self, value: &Val, needle: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let (Some(text), Some(needle)) = (value.literal(), needle.literal()) {
            return Val::bool(text.contains(needle));
        }
        if let Some(inside) = self.relative_test(value, needle.literal(), self.here(span)) {
            return self.bool_with(None, inside);
        }
        // A charset that lacks a character of the needle decides.
        let Some(needle) = needle.literal().map(str::to_owned) else {
            return match value.literal() {
                Some(spelled) if self.taint_now(needle).is_some() => {
                    self.bool_with(None, self.part_of_spelled(spelled, needle, span))
                }
                _ => Val::any_bool(),
            };
        };
        if self.taint_now(value).is_none() {
            return Val::any_bool();
        }
        let at = self.here(span);
        if needle.len() > 2 {
            self.found.hint(&needle, true);
        }
        let mut cond = Cond::default();
        let mut chars = needle.chars();
        if let (Some(only), None) = (chars.next(), chars.next()) {
            let charset = self.props(value).charset.minus(CharSet::single(only));
            cond.when_false = self.implied_exactly(value, Fact::props(StrProps::of_charset(charset), at));
        } else if needle == ".." || needle == "../" {
            let mut props = StrProps::default();
            props.path.dotdot = if needle == ".." { path::DotDot::No } else { path::DotDot::LastOnly };
            cond.when_false = self.implied_exactly(value, Fact::props(props, at));
        }
        let subject = self.host_subject(value);
        if let HostGrade::Weak { why, bypass } = grade_host_check(subject, HostCheck::Includes(&needle)) {
            let mut fact = Fact::props(StrProps::default(), at);
            fact.props.url.host = Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
            fact.notes.push(Note { at, text: why.explain().to_owned(), kind: NoteKind::WeakHost });
            cond.when_true = self.implied(value, fact);
        }
        self.bool_with(None, cond)
    }

    pub(crate) fn host_subject(&self, value: &Val) -> Subject {
        match value.text.as_deref().and_then(|text| text.base) {
            Some((_, Transform::UrlPart(UrlPart::Host) | Transform::Cosmetic)) => Subject::Host,
            _ => Subject::Text,
        }
    }

    /// `value.startsWith(prefix)`.
    pub(crate) fn starts_with(&mut self, value: &Val, prefix: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let (Some(text), Some(prefix)) = (value.literal(), prefix.literal()) {
            return Val::bool(text.starts_with(prefix));
        }
        if let Kind::Obj(id) = prefix.kind
            && self.store.obj(id).is_sequence()
        {
            // Python: a tuple of prefixes.
            let (items, more) = self.elements_of(prefix, span);
            let mut cond: Option<Cond> = None;
            let mut truth = Some(false);
            for item in items.into_iter().chain(more) {
                let test = self.starts_with(value, &item, span);
                truth = if test.truth() == Some(true) || truth == Some(true) {
                    Some(true)
                } else if test.truth().is_none() {
                    None
                } else {
                    truth
                };
                let own = test.cond.as_deref().cloned().unwrap_or_default();
                cond = Some(cond.map_or_else(|| own.clone(), |before| before.or(&own)));
            }
            return self.bool_with(truth, cond.unwrap_or_default());
        }
        if self.found.replay.is_some()
            && value.is_tainted()
            && prefix.taint.is_none()
            && prefix.literal().is_none()
            && let Some(text) = value.literal()
        {
            return Val::bool(super::report::is_in_replay_root(text));
        }
        let first = prefix.literal().and_then(|prefix| prefix.chars().next());
        let is_own = self.taint_now(value).is_none();
        // A witness that begins the text is a part of its known start.
        if (is_own || self.found.replay.is_some())
            && let Some(Part::Lit(start)) = value.text.as_deref().and_then(|text| text.parts.first())
            && let Some(prefix) = prefix.literal()
        {
            if start.starts_with(prefix) {
                return Val::bool(true);
            }
            if !prefix.starts_with(&**start) {
                return Val::bool(false);
            }
        }
        if is_own {
            return Val::any_bool();
        }
        if !self.is_own_directory(prefix) {
            return Val::any_bool();
        }
        let at = self.here(span);
        if let Some(text) = prefix.literal() {
            self.found.hint(text, true);
        }
        if let Some(inside) = self.relative_test(value, prefix.literal(), at) {
            return self.bool_with(None, inside);
        }
        let props = self.props(value);
        let mut cond = Cond::default();
        // The other outcome: the first character.
        if let (Some(first), Some(text)) = (first, prefix.literal())
            && text.chars().count() == 1
        {
            let mut without = props.clone();
            without.first = props.first.minus(CharSet::single(first));
            if first == '/' {
                without.path.abs = path::Abs::Rel;
            }
            cond.when_false = self.implied_exactly(value, Fact::props(without, at));
            // What does not start with a sign once blanks are cut off does not start with it before.
            if let Some((base, Transform::Cosmetic)) = value.text.as_deref().and_then(|text| text.base)
                && first.is_ascii_punctuation()
            {
                let mut trimmed = StrProps::default();
                trimmed.first = trimmed.first.minus(CharSet::single(first));
                let fact = Rc::new(Fact::props(trimmed, at));
                cond.when_false = both(&cond.when_false, &vec![(base, fact)]);
            }
        }
        // Where a path is normalised, `..` leads or is not there.
        let climbs = matches!(prefix.literal(), Some(".." | "../"));
        if climbs && props.path.norm != path::Norm::Raw {
            let mut without = StrProps::default();
            without.path.dotdot =
                if prefix.literal() == Some("..") { path::DotDot::No } else { path::DotDot::LastOnly };
            let fact = Fact::props(without, at);
            cond.when_false = both(&cond.when_false, &self.implied_exactly(value, fact));
        }
        let mut fact = Fact::props(StrProps::default(), at);
        match prefix.literal() {
            Some(text) if looks_like_url(text) => {
                match grade_host_check(self.host_subject(value), HostCheck::StartsWith(text)) {
                    HostGrade::Strong => fact.props.url = UrlState::of_prefix(text, false),
                    HostGrade::Weak { why, bypass } => {
                        fact.props.url.host = Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
                        fact.notes.push(Note { at, text: why.explain().to_owned(), kind: NoteKind::WeakHost });
                    }
                    HostGrade::None => fact.props.url = UrlState::of_prefix(text, false),
                }
            }
            literal => {
                let is_path = literal.is_none_or(|text| text.contains('/') || text.contains('\\'));
                if is_path && literal != Some("/") && !climbs {
                    let prefix_props = self.props(prefix);
                    let check = path::PrefixCheck { value: &props.path, prefix: &prefix_props, or_equal: false };
                    let graded = path::grade_prefix(check);
                    let dir = self.dir_name(prefix);
                    match &graded {
                        path::Containment::Useless { example } => fact.notes.push(Note {
                            at,
                            text: format!("the prefix is tested before `..` is resolved; `{example}` passes"),
                            kind: NoteKind::Other,
                        }),
                        path::Containment::Weak(reason) => {
                            let text = format!("`{}` passes the prefix test", reason.bypass(&dir));
                            let note = Note { at, text, kind: NoteKind::PrefixWithoutSeparator };
                            self.found.weak_checks.push((dir.clone(), note.clone()));
                            fact.notes.push(note);
                        }
                        path::Containment::Strong { .. } => {}
                    }
                    fact.props.path.within = graded.within(Some(Rc::from(dir.as_str())));
                }
            }
        }
        if let Some(text) = prefix.literal()
            && let Some(first) = text.chars().next()
        {
            fact.props.first = CharSet::single(first);
        }
        cond.when_true = self.implied(value, fact);
        self.bool_with(None, cond)
    }

    /// A test of `path.relative(root, x)` for `..`: when it fails, `x` is inside. (On Windows the result may also be
    /// absolute, for another drive; POSIX is what we judge by.)
    fn relative_test(&self, value: &Val, needle: Option<&str>, at: manta_core::Location) -> Option<Cond> {
        let target = self.relative_paths.get(&value.vn)?;
        if !needle?.starts_with("..") {
            return None;
        }
        let real = self.props(target).path.norm == path::Norm::Real;
        let mut fact = Fact::props(StrProps::default(), at);
        fact.props.path.within = Within::Strong { dir: None, real };
        Some(Cond { when_false: self.implied(target, fact), ..Cond::default() })
    }

    /// `value.endsWith(suffix)`.
    pub(crate) fn ends_with(&mut self, value: &Val, suffix: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let (Some(text), Some(suffix)) = (value.literal(), suffix.literal()) {
            return Val::bool(text.ends_with(suffix));
        }
        if self.is_foreign(value, suffix) {
            return Val::bool(false);
        }
        if let Kind::Obj(id) = suffix.kind
            && self.store.obj(id).is_sequence()
        {
            let (items, more) = self.elements_of(suffix, span);
            let mut cond: Option<Cond> = None;
            let mut truth = Some(false);
            for item in items.into_iter().chain(more) {
                let test = self.ends_with(value, &item, span);
                truth = if test.truth() == Some(true) || truth == Some(true) {
                    Some(true)
                } else if test.truth().is_none() {
                    None
                } else {
                    truth
                };
                let own = test.cond.as_deref().cloned().unwrap_or_default();
                cond = Some(cond.map_or_else(|| own.clone(), |before| before.or(&own)));
            }
            return self.bool_with(truth, cond.unwrap_or_default());
        }
        if self.taint_now(value).is_none()
            && value.vn != 0
            && let Some(last) = suffix.literal().and_then(|suffix| suffix.chars().next_back())
        {
            // Learnt for the program's own directories: `d.endsWith(sep) ? d : d + sep`.
            let at = self.here(span);
            let mut fact = Fact::props(StrProps::default(), at);
            fact.props.last = CharSet::single(last);
            let cond = Cond { when_true: self.implied_exactly(value, fact), ..Cond::default() };
            return self.bool_with(None, cond);
        }
        if self.taint_now(value).is_none() || self.taint_now(suffix).is_some() {
            return Val::any_bool();
        }
        let at = self.here(span);
        let mut fact = Fact::props(StrProps::default(), at);
        if let Some(text) = suffix.literal() {
            self.found.hint(text, false);
        }
        let subject = self.host_subject(value);
        match suffix.literal() {
            Some(text) => {
                if let Some(last) = text.chars().next_back() {
                    fact.props.last = CharSet::single(last);
                }
                match grade_host_check(subject, HostCheck::EndsWith(text)) {
                    HostGrade::Strong => fact.props.url.host = Host::AllowListed,
                    HostGrade::Weak { why, bypass } => {
                        fact.props.url.host = Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
                        fact.notes.push(Note { at, text: why.explain().to_owned(), kind: NoteKind::WeakHost });
                    }
                    HostGrade::None => {}
                }
            }
            // A suffix the program computes pins the host. A configured value without its leading dot would not, but
            // what an operator configures is not seen here and is not the caller's.
            None if subject == Subject::Host => fact.props.url.host = Host::AllowListed,
            None => return Val::any_bool(),
        }
        let cond = Cond { when_true: self.implied(value, fact), ..Cond::default() };
        self.bool_with(None, cond)
    }

    /// Whether a path may stand for a directory that the program chose: what the caller had a part in lies in one.
    pub(crate) fn is_own_directory(&self, dir: &Val) -> bool {
        self.taint_now(dir).is_none()
            || self.found.replay.is_none() && matches!(self.props(dir).path.within, Within::Strong { .. })
    }

    /// How the program names a directory, for messages.
    pub(crate) fn dir_name(&self, dir: &Val) -> String {
        if let Some(text) = dir.literal() {
            return text.to_owned();
        }
        if let Some(text) = dir.text.as_deref()
            && let Some(Part::Lit(start)) = text.parts.first()
            && start.len() > 1
        {
            return start.to_string();
        }
        "/safe".to_owned()
    }

    fn is_path_like(&self, a: &Val, b: &Val) -> bool {
        let texty = |value: &Val| {
            value.alternatives().iter().any(|value| matches!(value.kind, Kind::Str))
                || (matches!(value.kind, Kind::Unknown) && value.is_tainted())
        };
        texty(a) || texty(b)
    }
}

fn looks_like_url(text: &str) -> bool {
    text.contains("://") || matches!(text, "http" | "https" | "http:" | "https:")
}

fn arithmetic(op: BinaryOp, x: f64, y: f64) -> Option<f64> {
    Some(match op {
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        BinaryOp::Div if y != 0.0 => x / y,
        BinaryOp::FloorDiv if y != 0.0 => (x / y).floor(),
        BinaryOp::Mod if y != 0.0 => x % y,
        BinaryOp::Pow => x.powf(y),
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor | BinaryOp::Shl | BinaryOp::Shr => {
            // Addresses are taken apart as unsigned 32-bit numbers.
            if x < 0.0 || y < 0.0 || x > f64::from(u32::MAX) || y > f64::from(u32::MAX) {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
            let (x, y) = (x as u32, y as u32);
            f64::from(match op {
                BinaryOp::BitAnd => x & y,
                BinaryOp::BitOr => x | y,
                BinaryOp::BitXor => x ^ y,
                BinaryOp::Shl => x.checked_shl(y).unwrap_or(0),
                _ => x.checked_shr(y).unwrap_or(0),
            })
        }
        _ => return None,
    })
}
