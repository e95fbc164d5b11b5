//! Following a witness: whether one concrete input gets to the sink.

use manta_core::{Location, Span};

use super::{Piece, Spelled};
use crate::engine::interp::{Interp, arc};
use crate::engine::report::{FlowRule, Replay};
use crate::engine::value::{Kind, Taint, Val};

impl Interp<'_> {
    /// During a replay nothing is judged; it is only seen whether the witness, or a value computed from it in ways that
    /// are not followed exactly, arrives at the sink in question.
    pub(super) fn replay_reached(&mut self, spelled: &Spelled, span: Span) -> bool {
        if self.found.replay.is_none() {
            return false;
        }
        let at = self.here(span);
        // A call before is followed for what it leaves behind.
        if self.found.setter.is_some() {
            return true;
        }
        let source = self.witness_source().map(Taint::source);
        if source.is_some_and(|source| spelled.taint.0 & source.0 == 0) {
            // Another parameter at the same sink.
            return true;
        }
        let mut holes = spelled.holes.iter();
        let text: Option<String> = spelled
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Lit(text) => Some(text.to_string()),
                Piece::Hole(props) => {
                    let hole = holes.next();
                    let is_of_another =
                        source.zip(hole).is_some_and(|(source, hole)| self.taint_now(hole).0 & source.0 == 0);
                    props.as_literal().or(is_of_another.then_some("x")).map(str::to_owned)
                }
                // What the program adds, such as a random name, does no harm.
                Piece::Trusted(props) => Some(props.as_literal().unwrap_or("x").to_owned()),
            })
            .collect();
        let not_taken = self.is_not_taken();
        if let Some(replay) = &mut self.found.replay
            && !not_taken
        {
            // A concrete value that lost what made it harmful was sanitised. An input of several pieces passes for what it
            // says beside the harmful one, so that one has to be seen.
            let is_harmful = |rule: FlowRule| match text.as_deref() {
                Some(text) => {
                    replay.is_used.set(true);
                    replay.is_harmful(rule, text)
                }
                None => replay.witness.is_alone(),
            };
            let is_new = |target: &&(Location, FlowRule)| target.0 == at && !replay.reached.contains(target);
            let here: Vec<_> =
                replay.targets.iter().filter(is_new).filter(|(_, rule)| is_harmful(*rule)).copied().collect();
            replay.reached.extend(here);
            self.is_decided |= replay.reached.len() == replay.targets.len();
        }
        true
    }

    /// Whether a witness takes the place of this parameter.
    pub(crate) fn is_replayed(&self, param: &str) -> bool {
        let setter = self.found.setter.as_deref();
        self.found.replay.as_ref().is_some_and(|replay| replay.param == param && replay.setter.as_deref() == setter)
    }

    /// The source whose place a witness takes.
    fn witness_source(&self) -> Option<usize> {
        let replay = self.found.replay.as_ref()?;
        self.found.sources.iter().position(|source| source.is(&replay.param, replay.setter.as_deref()))
    }

    /// Whether a witness takes the place of one of these sources.
    pub(crate) fn is_of_witness(&self, taint: Taint) -> bool {
        let source = self.witness_source();
        taint.is_some() && source.is_none_or(|source| taint.0 & Taint::source(source).0 != 0)
    }

    /// The witness in place of the parameter under replay.
    pub(crate) fn replayed(&mut self, value: Val, param: &str) -> Val {
        self.replayed_of(self.found.setter.clone().as_deref(), value, param)
    }

    /// The same, for a parameter of a call before.
    pub(crate) fn replayed_of(&mut self, setter: Option<&str>, value: Val, param: &str) -> Val {
        let is_it = |replay: &&Replay| replay.param == param && replay.setter.as_deref() == setter;
        let Some(replay) = self.found.replay.as_ref().filter(is_it) else { return value };
        replay.is_used.set(true);
        let as_it_is =
            Val { taint: value.taint, step: value.step, vn: value.vn, ..Val::arc_str(arc(&replay.witness.text)) };
        // What is known to be a text is no list.
        if !replay.witness.is_listed || !matches!(value.kind, Kind::Unknown) {
            return as_it_is;
        }
        let element = Val { vn: self.store.fresh_vn(), ..as_it_is };
        Val { taint: value.taint, step: value.step, vn: value.vn, ..self.new_array(vec![element], None) }
    }
}
