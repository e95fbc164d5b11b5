//! Answers of services: what a client of another library gets for a key is not made of the key.
//!
//! Of a call that is not known, the result is taken to be made of its arguments, since it may be a parser, a formatter, a
//! builder. A method of an object that is called as one asks for something (`client.get(id)`, `zot.item(key)`), with texts
//! for keys, is none of these: the text of its result may still hold the key, but the fields of it come from elsewhere.

use crate::engine::interp::{Args, Interp};
use crate::engine::value::{Kind, Taint, Val};
use crate::ir::Symbol;

/// Methods that ask for something, alone or before another word (`getObject`, `list_items`).
const LOOKUPS: [&str; 9] = ["get", "fetch", "list", "retrieve", "describe", "lookup", "info", "item", "export"];

/// Methods of a record, where an answer is one.
const OF_RECORDS: [&str; 6] = ["get", "items", "keys", "values", "json", "execute"];

impl Interp<'_> {
    /// Remembers the result of a method call of which nothing else is known, if it is an answer. Of an object that no
    /// class outside the target made, a longer name counts when the keys are named, as clients generated from a
    /// description have them (`getObject(Key=key)`).
    pub(crate) fn note_answer(&mut self, result: &Val, receiver: &Val, method: Symbol, args: &Args) {
        if result.taint.is_none() || result.vn == 0 || self.taint_now(receiver).is_some() {
            return;
        }
        let are_named = !args.named.is_empty() && args.pos.iter().all(|value| self.deep_taint(value, 2).0.is_none());
        let is_client = are_named || matches!(receiver.kind, Kind::Api(..));
        let name = method.as_str();
        let asks = LOOKUPS.iter().any(|verb| match name.strip_prefix(verb) {
            Some("") => true,
            Some(rest) => is_client && rest.starts_with(|c: char| c == '_' || c.is_uppercase()),
            None => false,
        });
        let is_key = |value: &Val| {
            let is_text = |value: &Val| match value.kind {
                Kind::Str | Kind::Num(_) | Kind::Bool(_) => true,
                Kind::Unknown => are_named,
                _ => value.is_nullish(),
            };
            value.alternatives().iter().all(is_text)
        };
        if asks && args.all().all(|value| is_key(value) || self.deep_taint(value, 2).0.is_none()) {
            self.answers.insert(result.vn);
        }
    }

    /// Whether the fields of a value come from a service.
    pub(crate) fn is_answer(&self, value: &Val) -> bool {
        value.vn != 0 && value.taint.is_some() && self.answers.contains(&value.vn)
    }

    /// An answer as the record that it is.
    pub(crate) fn as_record(value: &Val) -> Val {
        Val { taint: Taint::NONE, step: 0, vn: 0, ..value.clone() }
    }

    /// Whether a method reads what an answer holds.
    pub(crate) fn reads_answer(&self, receiver: &Val, method: Symbol) -> bool {
        OF_RECORDS.contains(&method.as_str()) && self.is_answer(receiver)
    }
}
