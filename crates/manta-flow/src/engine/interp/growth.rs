//! Texts that grow piece by piece: `command += " " + word`, in a loop.
//!
//! Every round of a loop would make a further alternative, and too many of them are merged into one text of which nothing
//! is known but its characters: the quotes that the program writes around a value would count as the value's own. So a
//! text is left out that is another one with a piece behind it which stands behind a shorter text already: what that
//! piece does there has been seen. And where there are too many, those are left out that say nothing new about where the
//! caller's data stands.

use super::Interp;
use crate::engine::store::is_same;
use crate::engine::value::{Kind, Part, Val};

/// Bytes of the constant text before a value, and behind it, that tell where it stands.
const BEFORE: usize = 12;
const BEHIND: usize = 4;

impl Interp<'_> {
    /// A value without those of its alternatives that say nothing new about where the caller's data stands.
    pub(crate) fn condensed(&mut self, value: &Val) -> Val {
        let kept = distinct(value.alternatives());
        match kept.as_slice() {
            [only] => only.clone(),
            _ if kept.len() < value.alternatives().len() => {
                Val { kind: Kind::Union(kept.into()), vn: self.store.fresh_vn(), ..value.clone() }
            }
            _ => value.clone(),
        }
    }
}

/// Texts without those in which every value of the caller's stands as it does in one that is kept, the shortest first:
/// between the same words of the program's.
pub(super) fn distinct(values: &[Val]) -> Vec<Val> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|index| parts(&values[*index]).len());
    let mut kept: Vec<usize> = Vec::new();
    let mut seen: Vec<Place<'_>> = Vec::new();
    let mut all: Vec<Vec<Place<'_>>> = values.iter().map(|value| places(parts(value))).collect();
    let has_places = all.iter().any(|places| !places.is_empty());
    let mut has_constant = false;
    for index in order {
        let places = std::mem::take(&mut all[index]);
        let is_known = |place: &Place<'_>| seen.iter().any(|known| known.is_like(place));
        // Of those that are the program's alone, one stands for all where others are the caller's.
        let is_new = match places.is_empty() {
            true => !(has_places && has_constant),
            false => !places.iter().all(is_known),
        };
        if is_new {
            has_constant |= places.is_empty();
            kept.push(index);
            seen.extend(places);
        }
    }
    kept.sort_unstable();
    kept.into_iter().map(|index| values[index].clone()).collect()
}

/// Where a value of the caller's stands in a text.
struct Place<'v> {
    before: &'v str,
    value: &'v Val,
    behind: &'v str,
    /// Nothing is before it.
    is_first: bool,
}

impl Place<'_> {
    fn is_like(&self, other: &Self) -> bool {
        let (before, of_other) = (self.before.as_bytes(), other.before.as_bytes());
        let shared = before.len().min(of_other.len()).min(BEFORE);
        let is_led_alike = before[before.len() - shared..] == of_other[of_other.len() - shared..];
        let (behind, of_other) = (self.behind.as_bytes(), other.behind.as_bytes());
        let shared = behind.len().min(of_other.len()).min(BEHIND);
        self.is_first == other.is_first
            && self.before.is_empty() == other.before.is_empty()
            && is_led_alike
            && behind[..shared] == of_other[..shared]
            && is_same(self.value, other.value)
    }
}

fn places(parts: &[Part]) -> Vec<Place<'_>> {
    let places = parts.iter().enumerate().filter_map(|(index, part)| match part {
        Part::Hole(value) if value.is_tainted() => Some(Place {
            before: constant(index.checked_sub(1).and_then(|before| parts.get(before))),
            value,
            behind: constant(parts.get(index + 1)),
            is_first: index == 0,
        }),
        _ => None,
    });
    places.collect()
}

fn constant(part: Option<&Part>) -> &str {
    match part {
        Some(Part::Lit(text)) => text,
        _ => "",
    }
}

/// Whether a text is one of `known` with a piece behind it that is known behind a shorter one.
pub(super) fn is_repetition(text: &Val, known: &[Val]) -> bool {
    let whole = parts(text);
    // A text of the program's alone is left out beside those of the caller's only, where there are so many.
    let is_constant = whole.len() == 1 && text.taint.is_none() && known.iter().any(Val::is_tainted);
    if !is_constant && (whole.len() < 3 || !text.is_tainted()) {
        return false;
    }
    let begins: Vec<(&Val, Vec<Part>)> =
        known.iter().filter_map(|start| Some((start, added(parts(start), whole)?))).collect();
    begins.iter().any(|(start, piece)| {
        let shorter = begins.iter().filter(|(other, _)| added(parts(other), parts(start)).is_some());
        shorter.into_iter().any(|(shorter, _)| {
            known.iter().filter_map(|other| added(parts(shorter), parts(other))).any(|other| are_alike(&other, piece))
        })
    })
}

/// How many pieces a text has, and how many bytes between them.
fn length(text: &Val) -> (usize, usize) {
    let parts = parts(text);
    (parts.len(), parts.iter().map(|part| constant(Some(part)).len()).sum())
}

/// The length of the shortest of several texts.
pub(super) fn shortest(texts: &[Val]) -> (usize, usize) {
    texts.iter().map(length).min().unwrap_or_default()
}

/// The shortest of the alternatives of a value.
pub(crate) fn shortest_of(value: &Val) -> &Val {
    value.alternatives().iter().min_by_key(|text| length(text)).unwrap_or(value)
}

fn parts(text: &Val) -> &[Part] {
    text.text.as_deref().map_or(&[], |text| text.parts.as_slice())
}

/// What a text has behind another one; none where it does not begin with that, or has nothing more.
fn added(start: &[Part], whole: &[Part]) -> Option<Vec<Part>> {
    let (last, before) = start.split_last()?;
    if whole.len() < start.len() || !are_alike(before, &whole[..before.len()]) {
        return None;
    }
    let rest = &whole[start.len()..];
    match (last, &whole[before.len()]) {
        // Constant texts that follow each other are one.
        (Part::Lit(last), Part::Lit(there)) => {
            let more = there.strip_prefix(&**last)?;
            let more = (!more.is_empty()).then(|| Part::Lit(more.into()));
            let piece: Vec<Part> = more.into_iter().chain(rest.iter().cloned()).collect();
            (!piece.is_empty()).then_some(piece)
        }
        (last, there) => (is_alike(last, there) && !rest.is_empty()).then(|| rest.to_vec()),
    }
}

fn are_alike(a: &[Part], b: &[Part]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_alike(a, b))
}

fn is_alike(a: &Part, b: &Part) -> bool {
    match (a, b) {
        (Part::Lit(a), Part::Lit(b)) => a == b,
        (Part::Hole(a), Part::Hole(b)) => is_same(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::is_repetition;
    use crate::domain::StrProps;
    use crate::engine::value::{Kind, Part, Taint, Text, Val};

    fn hole(vn: u32) -> Val {
        Val { vn, taint: Taint::source(0), ..Val::with_props(StrProps::default()) }
    }

    fn text(parts: &[Part]) -> Val {
        let text = Text { parts: parts.to_vec().into(), ..Text::default() };
        Val { taint: Taint::source(0), vn: 99, text: Some(Rc::new(text)), ..Val::of(Kind::Str) }
    }

    fn spelled(pieces: &[(&str, u32)]) -> Val {
        let mut parts = vec![Part::Lit("ls".into())];
        for (before, value) in pieces {
            parts.push(Part::Lit((*before).into()));
            parts.push(Part::Hole(hole(*value)));
        }
        // As concatenation has it: what is constant and stands together is one.
        if parts.len() > 1
            && let [Part::Lit(first), Part::Lit(second), ..] = parts.as_slice()
        {
            parts.splice(..2, [Part::Lit(format!("{first}{second}").into())]);
        }
        text(&parts)
    }

    #[test]
    fn a_piece_that_was_added_before_is_left_out() {
        let (one, two) = ((" -- ", 1), (" -x ", 2));
        let known = [spelled(&[]), spelled(&[one]), spelled(&[two])];
        assert!(is_repetition(&spelled(&[one, one]), &known));
        assert!(is_repetition(&spelled(&[one, two]), &known));
        assert!(is_repetition(&spelled(&[two, one]), &known));
    }

    #[test]
    fn what_is_new_is_kept() {
        let (one, two) = ((" -- ", 1), (" -x ", 2));
        let known = [spelled(&[]), spelled(&[one])];
        assert!(!is_repetition(&spelled(&[two]), &known));
        assert!(!is_repetition(&spelled(&[one, two]), &known), "another piece");
        assert!(!is_repetition(&spelled(&[one, (" -- ", 3)]), &known), "another value");
        assert!(!is_repetition(&spelled(&[one, one]), &known[1..]), "seen once");
    }
}
