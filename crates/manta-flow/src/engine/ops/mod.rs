//! Operators; concatenation, and what comparisons teach, are in the files of this folder.

mod compare;
mod concat;
mod text_tests;

use std::rc::Rc;

use manta_core::Span;

use crate::domain::StrProps;
use crate::engine::addresses::known_text;
use crate::engine::builtins::is_composed;
use crate::engine::facts::Cond;
use crate::engine::interp::{Args, Interp, unary_text};
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, Val};
use crate::ir::{BinaryOp, Lang, Symbol, UnaryOp};

impl Interp<'_> {
    pub(crate) fn unary(&mut self, op: UnaryOp, value: Val) -> Val {
        let _ = unary_text(op);
        match op {
            UnaryOp::Not => {
                let cond = Some(self.condition(&value).not()).filter(|cond| !cond.is_trivial()).map(Rc::new);
                Val { cond, ..Val::of(Kind::Bool(self.truth(&value).map(|truth| !truth))) }
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
        if let Some(result) = self.operator_method(op, a, b, span) {
            return result;
        }
        match op {
            BinaryOp::Add => self.add(a, b, span),
            BinaryOp::Eq | BinaryOp::Is => self.compare(BinaryOp::Eq, a, b, span),
            BinaryOp::NotEq => {
                let equal = self.binary(BinaryOp::Eq, a, b, span);
                self.unary(UnaryOp::Not, equal)
            }
            BinaryOp::IsNot => {
                let same = self.compare(BinaryOp::Eq, a, b, span);
                self.unary(UnaryOp::Not, same)
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
            BinaryOp::Mul
                if self.lang() == Lang::Python && matches!(a.kind, Kind::Obj(id) if self.store.obj(id).is_array()) =>
            {
                let (items, more) = self.elements_of(a, span);
                let any = self.join_all(items.into_iter().chain(more));
                self.new_array(Vec::new(), any)
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

    /// Python: an operator that the class of the left operand defines, or that of the right one where the left has none.
    fn operator_method(&mut self, op: BinaryOp, a: &Val, b: &Val, span: Span) -> Option<Val> {
        let names: (&str, &str) = match op {
            BinaryOp::Add => ("__add__", "__radd__"),
            BinaryOp::Sub => ("__sub__", "__rsub__"),
            BinaryOp::Mul => ("__mul__", "__rmul__"),
            BinaryOp::Div => ("__truediv__", "__rtruediv__"),
            BinaryOp::Mod => ("__mod__", "__rmod__"),
            BinaryOp::BitOr => ("__or__", "__ror__"),
            BinaryOp::BitAnd => ("__and__", "__rand__"),
            BinaryOp::Shl => ("__lshift__", "__rlshift__"),
            BinaryOp::Shr => ("__rshift__", "__rrshift__"),
            BinaryOp::Eq => ("__eq__", "__eq__"),
            _ => return None,
        };
        [(a, names.0, b), (b, names.1, a)].into_iter().find_map(|(own, name, other)| {
            let Kind::Obj(id) = own.kind else { return None };
            let ObjKind::Instance(class) = self.store.obj(id).kind else { return None };
            if self.lang() != Lang::Python {
                return None;
            }
            let (method, _) = self.find_method(class, Symbol::new(name))?;
            Some(self.call_value(&method, Some(own.clone()), Args::of(vec![other.clone()]), span))
        })
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
            (Kind::Union(values), _) => {
                let truths: Vec<Option<bool>> = values.iter().map(|value| self.instance_of(value, b).truth()).collect();
                match truths.first() {
                    Some(Some(first)) if truths.iter().all(|truth| *truth == Some(*first)) => Val::bool(*first),
                    _ => Val::any_bool(),
                }
            }
            (Kind::Obj(object), Kind::Obj(class)) => match self.store.obj(*object).kind {
                ObjKind::Instance(of) => Val::bool(self.is_subclass(of, *class, 0)),
                _ => Val::any_bool(),
            },
            // What is left out is of no class but its own and the one of everything.
            (Kind::Null | Kind::Undefined, Kind::Obj(class)) if self.class_val(*class).is_some() => Val::bool(false),
            (Kind::Null | Kind::Undefined, Kind::Api(api, _)) => {
                let name = self.apis.name(*api);
                let is_other = name.strip_prefix("builtins.").is_some_and(|class| class != "object");
                if is_other { Val::bool(false) } else { Val::any_bool() }
            }
            // A text is no instance of anything, nor is a number.
            (Kind::Str | Kind::Num(_) | Kind::Bool(_), Kind::Obj(class))
                if self.lang() == Lang::JavaScript && self.class_val(*class).is_some() =>
            {
                Val::bool(false)
            }
            (Kind::Str | Kind::Num(_) | Kind::Bool(_), Kind::Api(api, _))
                if self.lang() == Lang::JavaScript && is_error_class(&self.apis.name(*api)) =>
            {
                Val::bool(false)
            }
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
            (Kind::Str, Kind::Api(api, _)) if self.is_witness(a) && self.lang() == Lang::Python => {
                match self.apis.name(*api).strip_prefix("builtins.") {
                    Some("str" | "object") => Val::bool(true),
                    Some("int" | "float" | "bool" | "list" | "dict" | "tuple" | "set" | "bytes") => Val::bool(false),
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

    /// A boolean with what it implies.
    pub(crate) fn bool_with(&self, truth: Option<bool>, cond: Cond) -> Val {
        Val { cond: (!cond.is_trivial()).then(|| Rc::new(cond)), ..Val::of(Kind::Bool(truth)) }
    }

    fn is_path_like(&self, a: &Val, b: &Val) -> bool {
        let texty = |value: &Val| {
            value.alternatives().iter().any(|value| matches!(value.kind, Kind::Str))
                || (matches!(value.kind, Kind::Unknown) && value.is_tainted())
        };
        texty(a) || texty(b)
    }
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

/// Whether a class of JavaScript's own is one of errors.
pub(crate) fn is_error_class(name: &str) -> bool {
    name.strip_prefix("globalThis.").is_some_and(|class| !class.contains('.') && class.ends_with("Error"))
}
