//! What a handler is called with.

use std::rc::Rc;

use manta_core::{Location, Span};

use crate::engine::interp::Interp;
use crate::engine::report::{REQUEST_STATE, SourceInfo};
use crate::engine::trace::StepKind;
use crate::engine::value::{Taint, Val};
use crate::ir::Symbol;

/// Sources are bits of a word: the last half of them is left to arguments and their own fields.
const ROOM_FOR_DEEP_FIELDS: usize = 32;

impl Interp<'_> {
    /// An untrusted field gets a source of its own, so that a finding names the parameter, and an input for it is not one
    /// for its neighbours. Fields of what is in a list (`files[…].path`) and deeper ones get one while there is room.
    pub(crate) fn named_source(&mut self, name: Symbol, taint: Taint, step: u32, depth: usize) -> (Taint, u32) {
        let is_too_deep = depth > 2 && self.found.sources.len() >= ROOM_FOR_DEEP_FIELDS;
        if is_too_deep || taint.is_none() {
            return (taint, step);
        }
        let parent = self.found.sources.get(taint.0.trailing_zeros() as usize).cloned();
        let Some(parent) = parent else { return (taint, step) };
        let param = if depth <= 1 || parent.param.is_empty() || parent.param == "arguments" {
            name.as_str().to_owned()
        } else {
            format!("{}.{name}", parent.param)
        };
        self.source_of(parent.setter, param, parent.at)
    }

    /// A field read from an untrusted object of unknown shape.
    pub(crate) fn name_source(&mut self, receiver: &Val, name: Symbol, value: Val, at: Location) -> Val {
        // A copy of the arguments (`{ ...args }`) is as untrusted as what it was made from.
        let taint = if receiver.taint.is_some() { receiver.taint } else { value.taint };
        let index = taint.0.trailing_zeros() as usize;
        let is_root = taint.0.count_ones() == 1
            && self.found.sources.get(index).is_some_and(|source| source.param == "arguments");
        if !is_root
            || self.is_builtin_method(name)
                && !matches!(
                    name.as_str(),
                    "path"
                        | "url"
                        | "command"
                        | "format"
                        | "index"
                        | "replace"
                        | "match"
                        | "search"
                        | "count"
                        | "filter"
                        | "sort"
                        | "title"
                        | "values"
                        | "keys"
                        | "items"
                        | "find"
                        | "add"
                        | "set"
                        | "get"
                        | "copy"
                        | "update"
                        | "dict"
                        | "json"
                        | "group"
                        | "groups"
                        | "open"
                        | "rename"
                        | "resolve"
                        | "glob"
                        | "split"
                        | "join"
                        | "test"
                        | "exec"
                )
        {
            return value;
        }
        // Destructuring has no place of its own; the registration is the next best.
        let at = if at.span == Span::default() { self.found.sources[index].at } else { at };
        // What another tool was given and kept is that tool's.
        let setter = self.found.sources[index].setter.clone();
        let (taint, step) = self.source_of(setter.clone(), name.as_str().to_owned(), at);
        self.replayed_of(setter.as_deref(), Val { taint, step, ..value }, name.as_str())
    }

    /// The argument called `name` among those of unknown name: one value of `**arguments`.
    pub(crate) fn named_of(&mut self, rest: &Val, name: Symbol) -> Val {
        if !rest.is_tainted() {
            return rest.clone();
        }
        let at = self.here(Span::default());
        let value = self.name_source(rest, name, rest.clone(), at);
        Val { vn: self.store.fresh_vn(), ..value }
    }

    /// `request.state` of the HTTP request under way: middleware of the server fills it.
    pub(crate) fn state_of_request(&mut self, receiver: &Val, name: Symbol, at: Location) -> Option<Val> {
        let index = receiver.taint.0.trailing_zeros() as usize;
        let is_request = self.found.sources.get(index).is_some_and(|source| source.param.starts_with("HTTP request"));
        if !is_request || name.as_str() != "state" {
            return None;
        }
        let (taint, step) = self.source(REQUEST_STATE.to_owned(), at);
        Some(Val { taint, step, ..Val::unknown() })
    }

    /// A new source of the current run.
    pub(crate) fn source(&mut self, param: String, at: Location) -> (Taint, u32) {
        self.source_of(self.found.setter.clone(), param, at)
    }

    /// The same, of a call before.
    fn source_of(&mut self, setter: Option<Rc<str>>, param: String, at: Location) -> (Taint, u32) {
        let is_of_no_matter = self.found.setter.is_some()
            && self.found.setter == setter
            && param != "arguments"
            && !self.found.kept_params.iter().any(|kept| kept.starts_with(&param));
        if self.found.followed.is_some() || is_of_no_matter {
            return (Taint::NONE, 0);
        }
        let known = self.found.sources.iter().position(|source| source.is(&param, setter.as_deref()));
        let index = known.unwrap_or_else(|| {
            self.found.sources.push(SourceInfo { param: param.clone(), at, setter: setter.clone() });
            self.found.sources.len() - 1
        });
        let step = self.trace.add(0, at, StepKind::Source(param, setter));
        (Taint::source(index), step)
    }
}
