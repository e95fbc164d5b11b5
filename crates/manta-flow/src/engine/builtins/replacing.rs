//! Parts of texts replaced, trimmed and filled in.

use manta_core::Span;

use crate::domain::CharSet;
use crate::domain::props::StrProps;
use crate::engine::formats::Changes;
use crate::engine::interp::Interp;
use crate::engine::value::{Kind, Part, RegexVal, Transform, Val};

use super::text::{is_composed, known_start};

const BLANKS: &str = " \t\n\r\x0b\x0c";

impl Interp<'_> {
    pub(super) fn js_replace(&mut self, value: &Val, pattern: &Val, replacement: &Val, all: bool, span: Span) -> Val {
        match &pattern.kind {
            Kind::Regex(regex) => self.regex_fill(regex, value, replacement, regex.flags.contains('g'), span),
            _ if self.is_callable(replacement) => {
                let inserted = self.inserted(value, replacement, span);
                self.replace_text(value, pattern, &inserted, all)
            }
            _ => self.replace_text(value, pattern, replacement, all),
        }
    }

    /// `text.replace(/^-+/, "")` of a composed text whose constant start goes on behind what is replaced.
    pub(crate) fn replaced_start(&mut self, value: &Val, regex: &RegexVal, with: &Val, span: Span) -> Option<Val> {
        let (start, with) = (known_start(value)?, with.literal().filter(|with| !with.contains('$'))?);
        leading_atom(&regex.pattern).filter(|_| regex.flags.is_empty())?;
        let behind = self.concrete_replace(regex, start, "", false)?;
        let replaced = if behind.len() < start.len() { format!("{with}{behind}") } else { behind.clone() };
        let rest = value.text.as_deref()?.parts.iter().skip(1).map(|part| match part {
            Part::Lit(text) => Val::str(text),
            Part::Hole(hole) => hole.clone(),
        });
        let pieces: Vec<Val> = std::iter::once(Val::str(&replaced)).chain(rest).collect();
        (!behind.is_empty()).then(|| self.concat(&pieces, span).tainted_by(value))
    }

    pub(super) fn replace_text(&mut self, value: &Val, needle: &Val, replacement: &Val, all: bool) -> Val {
        let value = self.current(value);
        if all
            && let (Some(needle), Some(with)) = (needle.literal(), replacement.literal())
            && is_escaping(needle, with)
            && let Some(pieces) = self.pieces(&value)
        {
            let (needle, with) = (Val::str(needle), Val::str(with));
            let escaped: Vec<Val> = pieces.iter().map(|piece| self.replace_text(piece, &needle, &with, all)).collect();
            return self.concat(&escaped, Span::default()).tainted_by(&value);
        }
        let own = self.props(&value);
        let inserted = self.props(replacement);
        if let (Some(text), Some(needle), Some(with)) = (value.literal(), needle.literal(), replacement.literal()) {
            let text = if all { text.replace(needle, with) } else { text.replacen(needle, with, 1) };
            return Val { taint: value.taint, step: value.step, vn: self.store.fresh_vn(), ..Val::str(&text) };
        }
        let props = match needle.literal() {
            Some(needle) if all && replacement.literal().is_some() => {
                own.replace_all_text(needle, replacement.literal().unwrap_or_default())
            }
            _ => own.replace_some(&inserted),
        };
        // Replacing a placeholder of a constant template by an untrusted value is a concatenation.
        if value.taint.is_none()
            && self.taint_now(replacement).is_some()
            && let (Some(text), Some(needle)) = (value.literal(), needle.literal())
            && !needle.is_empty()
        {
            let mut pieces = Vec::new();
            for (index, piece) in text.split(needle).enumerate() {
                if index > 0 {
                    pieces.push(replacement.clone());
                }
                pieces.push(Val::str(piece));
            }
            return self.concat(&pieces, Span::default());
        }
        if let Some(filled) = self.filled_template(&value, replacement) {
            return filled;
        }
        if let (Some(needle), Some(_)) = (needle.literal(), replacement.literal()) {
            self.note_changes(Changes { strips: needle.contains("../"), ..Changes::default() });
            return self.derived(props, &value, Transform::Without(CharSet::of(needle)));
        }
        let taint = self.taint_now(&value).union(self.taint_now(replacement));
        let step = if value.taint.is_some() { value.step } else { replacement.step };
        Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) }
    }

    /// What a text is put together from, where it is from several pieces and nothing more is known of the whole. What is
    /// done to single characters can be done to them one by one.
    pub(crate) fn pieces(&mut self, value: &Val) -> Option<Vec<Val>> {
        const MOST: usize = 64;
        let parts = value.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
        let has_hole = parts.iter().any(|part| matches!(part, Part::Hole(_)));
        if !(2..MOST).contains(&parts.len()) || !has_hole || self.store.fact(value.vn).is_some() {
            return None;
        }
        let piece = |part: &Part| match part {
            Part::Lit(text) => Val::arc_str(text.clone()),
            Part::Hole(hole) => hole.clone(),
        };
        Some(parts.iter().map(piece).collect())
    }

    /// `strip`, `lstrip`, `rstrip` of a concatenation: the pieces at its ends get shorter.
    pub(super) fn trimmed(&mut self, value: &Val, span: Span) -> Val {
        if let Kind::Union(values) = &value.kind
            && values.iter().any(is_composed)
        {
            let trimmed: Vec<Val> = values.clone().iter().map(|value| self.trimmed(value, span)).collect();
            return self.join_all(trimmed).unwrap_or_else(Val::unknown);
        }
        let parts = value.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
        match parts {
            [Part::Lit(start), .., Part::Lit(end)] => {
                let is_trimmed = !start.starts_with(char::is_whitespace) && !end.ends_with(char::is_whitespace);
                if is_trimmed { value.clone() } else { self.strip_ends(value, "strip", BLANKS, span) }
            }
            [start, .., end] if self.is_of_program(start) && self.is_of_program(end) => {
                self.strip_ends(value, "strip", BLANKS, span)
            }
            _ => self.same_text(value, |props| props.trim(), str::trim),
        }
    }

    fn is_of_program(&self, part: &Part) -> bool {
        !matches!(part, Part::Hole(hole) if self.taint_now(hole).is_some())
    }

    pub(super) fn strip_ends(&mut self, value: &Val, method: &str, characters: &str, span: Span) -> Val {
        let mut parts = value.text.as_deref().map(|text| text.parts.to_vec()).unwrap_or_default();
        let last = parts.len() - 1;
        for (at, is_left) in [(0, true), (last, false)] {
            if method == if is_left { "rstrip" } else { "lstrip" } {
                continue;
            }
            parts[at] = match &parts[at] {
                Part::Lit(text) if is_left => Part::Lit(text.trim_start_matches(|c| characters.contains(c)).into()),
                Part::Lit(text) => Part::Lit(text.trim_end_matches(|c| characters.contains(c)).into()),
                Part::Hole(hole) => {
                    let own = self.props(hole);
                    let props = if characters == BLANKS { own.trim() } else { own.slice() };
                    Part::Hole(self.text_val(props, hole))
                }
            };
        }
        let pieces: Vec<Val> = parts
            .into_iter()
            .map(|part| match part {
                Part::Lit(text) => Val::arc_str(text),
                Part::Hole(hole) => hole,
            })
            .collect();
        self.concat(&pieces, span)
    }

    /// A placeholder in a template that the program does not spell out (`path.replace("{id}", id)` with a path from a
    /// description) is replaced by an untrusted value: what is behind it stays the program's, and it may stand at the
    /// very beginning.
    pub(crate) fn filled_template(&mut self, template: &Val, replacement: &Val) -> Option<Val> {
        if self.taint_now(replacement).is_none() || self.found.replay.is_some() {
            return None;
        }
        let parts = template.text.as_deref().map(|text| text.parts.to_vec()).unwrap_or_default();
        let mut pieces: Vec<Val> = match (template.taint.is_none(), parts.as_slice()) {
            (true, _) => Vec::new(),
            (false, [_, _, ..]) if parts.len() < 24 => {
                let inserted = self.props(replacement);
                let piece = |interp: &mut Self, part: Part| match part {
                    Part::Lit(text) => Val::arc_str(text),
                    Part::Hole(hole) if interp.taint_now(&hole).is_none() => hole,
                    Part::Hole(hole) => {
                        let props = interp.props(&hole).replace_some(&inserted);
                        interp.text_val(props, &hole)
                    }
                };
                parts.into_iter().map(|part| piece(self, part)).collect()
            }
            _ => return None,
        };
        let rest = Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) };
        pieces.extend([replacement.clone(), rest]);
        Some(self.concat(&pieces, Span::default()))
    }
}

/// Whether replacing all of one character by a text escapes it: `\'`, `''`, `'\''`.
fn is_escaping(needle: &str, with: &str) -> bool {
    let mut characters = needle.chars();
    let only = characters.next().filter(|_| characters.next().is_none());
    only.is_some_and(|only| StrProps::top().escape_char(only, with).is_some())
}

/// The only atom of a pattern, repeated or not, at the start of a text: `^-+`, `^[/.]*`. Where its match ends within the
/// constant start of a composed text, it ends there whatever follows.
fn leading_atom(pattern: &str) -> Option<&str> {
    let atom = pattern.strip_prefix('^')?;
    let length = match atom.as_bytes() {
        [b'\\', escaped, ..] if escaped.is_ascii() => 2,
        [b'[', ..] => atom.find(']')? + 1,
        [plain, ..] if plain.is_ascii() && !b".$()|?*+{^".contains(plain) => 1,
        _ => return None,
    };
    matches!(&atom[length..], "" | "+" | "*" | "?").then_some(atom)
}
