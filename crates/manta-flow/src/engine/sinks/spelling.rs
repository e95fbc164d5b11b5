//! How a value is spelled at a sink: its fixed pieces and its holes.

use std::rc::Rc;

use super::{Piece, Spelled};
use crate::domain::CharSet;
use crate::engine::interp::Interp;
use crate::engine::value::{Kind, Part, PathShape, Taint, Val};

impl Interp<'_> {
    /// The pieces of a string value; none when nothing of it is untrusted.
    pub(super) fn spell(&mut self, value: &Val) -> Option<Spelled> {
        if matches!(value.kind, Kind::Num(_) | Kind::Bool(_)) {
            return None;
        }
        let value = &self.to_text(value);
        let parts: Vec<Part> = match value.text.as_deref() {
            Some(text) if self.store.fact(value.vn).is_none() => text.parts.to_vec(),
            _ => Vec::new(),
        };
        self.spell_as(value, parts)
    }

    /// A text that is put together, piece by piece, though something is known of it as a whole; `None` if what is known is
    /// about its characters, which no piece shows.
    pub(super) fn spell_apart(&mut self, value: &Val) -> Option<Spelled> {
        let value = &self.to_text(value);
        let fact = self.store.fact(value.vn)?;
        let parts = value.text.as_deref()?.parts.to_vec();
        let says_more = fact.props.charset != CharSet::ALL || fact.props.lits.is_some();
        let dotdot = fact.props.path.dotdot;
        let mut spelled = if says_more || parts.len() < 2 { None } else { self.spell_as(value, parts) }?;
        // What climbs nowhere has no piece that does.
        for piece in &mut spelled.pieces {
            if let Piece::Hole(props) = piece {
                props.path.dotdot = props.path.dotdot.min(dotdot);
            }
        }
        Some(spelled)
    }

    fn spell_as(&mut self, value: &Val, parts: Vec<Part>) -> Option<Spelled> {
        let value = &self.current(value);
        let taint = self.taint_now(value);
        if taint.is_none() {
            return None;
        }
        let is_literal = parts.iter().all(|part| matches!(part, Part::Lit(_)));
        if parts.is_empty() || is_literal {
            let props = self.props(value);
            return Some(Spelled {
                pieces: vec![Piece::Hole(props)],
                taint,
                step: value.step,
                is_whole: true,
                holes: vec![value.clone()],
                shape: PathShape::default(),
            });
        }
        let mut holes = Vec::new();
        let whole_taint = taint;
        let mut taint = Taint::NONE;
        let mut pieces = Vec::new();
        for part in &parts {
            match part {
                Part::Lit(text) => pieces.push(Piece::Lit(Rc::from(&**text))),
                Part::Hole(hole) => {
                    let own = self.taint_now(hole);
                    let props = self.props(hole);
                    // A number is a number: it opens nothing.
                    if own.is_some() && !matches!(hole.kind, Kind::Num(_) | Kind::Bool(_)) {
                        taint = taint.union(own);
                        holes.push(hole.clone());
                        pieces.push(Piece::Hole(props));
                    } else {
                        pieces.push(Piece::Trusted(props));
                    }
                }
            }
        }
        // Under replay the caller's text is a literal among the others (which may be of other parameters), so only the
        // whole still knows where it is from.
        if self.found.replay.is_some() {
            taint = whole_taint;
        }
        if taint.is_none() {
            return None;
        }
        let is_whole = matches!(pieces.as_slice(), [Piece::Hole(_)]);
        Some(Spelled { pieces, taint, step: value.step, is_whole, holes, shape: PathShape::default() })
    }
}
