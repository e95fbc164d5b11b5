//! Pieces of sequences and texts: indices and ranges.

use manta_core::Span;

use crate::domain::{CharSet, StrProps};
use crate::engine::interp::Interp;
use crate::engine::value::{Kind, ObjId, Part, Val};
use crate::ir::Symbol;

impl Interp<'_> {
    /// Python `value[lower:upper]`, JavaScript `slice`.
    pub(crate) fn slice(&mut self, value: &Val, lower: Option<&Val>, upper: Option<&Val>, span: Span) -> Val {
        match &value.kind {
            Kind::Obj(id) if self.store.obj(*id).is_sequence() => {
                let obj = self.store.obj_rc(*id);
                let len = i64::try_from(obj.items.len()).unwrap_or(i64::MAX);
                let clamp = |at: i64| if at < 0 { (len + at).max(0) } else { at.min(len) };
                let from = lower.map_or(Some(0), |at| key_index(at).map(|at| clamp(at as i64)));
                let to = upper.map_or(Some(len), |at| key_index(at).map(|at| clamp(at as i64)));
                match (from, to) {
                    (Some(from), Some(to)) => {
                        let (from, to) = (usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0));
                        let items = obj.items.get(from..to.max(from)).map(<[Val]>::to_vec).unwrap_or_default();
                        self.new_array(items, obj.more.clone())
                    }
                    _ => {
                        let all: Vec<Val> = obj.items.iter().cloned().chain(obj.more.clone()).collect();
                        let more = self.join_all(all);
                        self.new_array(Vec::new(), more)
                    }
                }
            }
            Kind::Union(values) => {
                let values: Vec<Val> = values.to_vec();
                let sliced: Vec<Val> = values.iter().map(|value| self.slice(value, lower, upper, span)).collect();
                self.join_all(sliced).unwrap_or_else(Val::unknown)
            }
            Kind::Str => {
                if let (Some(text), Some(from), Some(to)) =
                    (value.literal(), lower.map_or(Some(0), key_index), upper.map_or(Some(isize::MAX), key_index))
                {
                    return self.piece_of(value, &slice_text(text, from, to));
                }
                if let (Some(from), Some(to)) =
                    (lower.map_or(Some(0), key_index), upper.map_or(Some(isize::MAX), key_index))
                    && let Some(pieces) = slice_parts(value, from, to)
                {
                    return self.concat(&pieces, span);
                }
                let own = self.props(value);
                let mut props = own.slice();
                // What an end is cut off of goes to the same host.
                if lower.map_or(Some(0), key_index) == Some(0) && upper.and_then(key_index).is_some_and(|to| to < 0) {
                    props.url = own.url.clone();
                    // Without the slash at its end a path is the same: `dir.endsWith(sep) ? dir.slice(0, -1) : dir`.
                    if own.last == CharSet::single('/') && upper.and_then(key_index) == Some(-1) {
                        props.path = own.path.clone();
                    }
                }
                let piece = self.text_val(props, value);
                let end = Val::str("");
                self.numbered(Symbol::new("slice"), [value, lower.unwrap_or(&end), upper.unwrap_or(&end)], piece)
            }
            // A piece of a secret, shown to tell secrets apart, is no secret.
            Kind::Api(api, _) if self.credential_of(*api).is_some() => {
                Val { vn: self.store.fresh_vn(), ..Val::of(Kind::Str) }
            }
            _ => {
                let vn = self.store.fresh_vn();
                Val { vn, kind: value.kind.clone(), ..Val::unknown().tainted_by(value) }
            }
        }
    }

    /// A character of a text.
    pub(crate) fn character(&mut self, value: &Val, at: &Val) -> Val {
        if let (Some(text), Some(at)) = (value.literal(), key_index(at)) {
            let end = at.checked_add(1).filter(|end| *end != 0).unwrap_or(isize::MAX);
            return self.piece_of(value, &slice_text(text, at, end));
        }
        let props = StrProps { max_len: Some(1), ..self.props(value).slice() };
        self.text_val(props, value)
    }

    /// A known piece of a known text, which is as much the caller's as the text is.
    fn piece_of(&mut self, value: &Val, piece: &str) -> Val {
        if !value.is_tainted() {
            return Val::str(piece);
        }
        Val { taint: self.taint_now(value), step: value.step, vn: self.store.fresh_vn(), ..Val::str(piece) }
    }

    /// Takes an element out of a sequence: the last, or that at an index (Python `pop(i)`).
    pub(crate) fn pop_item(&mut self, id: ObjId, at: Option<&Val>) -> Val {
        let obj = self.store.obj(id);
        let len = isize::try_from(obj.items.len()).unwrap_or(isize::MAX);
        let is_all_known = obj.more.is_none();
        let place = match at {
            None => Some(len - 1),
            Some(at) => key_index(at).and_then(|at| match at {
                0.. => Some(at),
                _ => is_all_known.then_some(len + at),
            }),
        };
        match place.map(usize::try_from) {
            Some(Ok(place)) if place < obj.items.len() => self.store.obj_mut(id).items.remove(place),
            Some(_) => obj.more.clone().unwrap_or_else(Val::undefined),
            // Any of them; which are left is not known, so all are.
            None => {
                let any: Vec<Val> = obj.items.iter().chain(&obj.more).cloned().collect();
                self.join_all(any).unwrap_or_else(Val::undefined)
            }
        }
    }
}

/// The pieces left of a text put together from several, when both ends of the range lie in constant text.
fn slice_parts(value: &Val, from: isize, to: isize) -> Option<Vec<Val>> {
    let parts = value.text.as_deref().map(|text| text.parts.as_slice())?;
    let constant = |part: Option<&Part>| match part {
        Some(Part::Lit(text)) => text.chars().collect(),
        _ => Vec::new(),
    };
    let (first, last): (Vec<char>, Vec<char>) = (constant(parts.first()), constant(parts.last()));
    let skipped = usize::try_from(from).ok().filter(|skipped| *skipped <= first.len())?;
    if let Ok(end) = usize::try_from(to)
        && end <= first.len()
    {
        return Some(vec![Val::str(&first[skipped.min(end)..end].iter().collect::<String>())]);
    }
    let dropped = match to {
        isize::MAX => 0,
        _ => usize::try_from(to.checked_neg()?).ok().filter(|dropped| *dropped <= last.len())?,
    };
    if parts.len() < 2 {
        return None;
    }
    let inner = parts.iter().enumerate().map(|(index, part)| match part {
        Part::Lit(_) if index == 0 => Val::str(&first[skipped..].iter().collect::<String>()),
        Part::Lit(_) if index + 1 == parts.len() => Val::str(&last[..last.len() - dropped].iter().collect::<String>()),
        Part::Lit(text) => Val::str(text),
        Part::Hole(hole) => hole.clone(),
    });
    Some(inner.collect())
}

/// An integer index.
pub(crate) fn key_index(key: &Val) -> Option<isize> {
    match key.kind {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be a small integer")]
        Kind::Num(Some(value)) if value.fract() == 0.0 && value.abs() < 1e9 => Some(value as isize),
        _ => None,
    }
}

fn slice_text(text: &str, from: isize, to: isize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let len = isize::try_from(chars.len()).unwrap_or(isize::MAX);
    let clamp = |at: isize| if at < 0 { (len + at).max(0) } else { at.min(len) };
    let (from, to) = (clamp(from), clamp(to));
    if from >= to {
        return String::new();
    }
    chars[usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0)].iter().collect()
}
