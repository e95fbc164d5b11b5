//! What a server says to a model beside the descriptions of its tools: titles, and what it says of itself.
//!
//! A model reads the instructions that a server is made with before anything else, so they are the best place for an order.

use std::collections::BTreeMap;

use manta_core::{Location, Span};

use crate::engine::interp::{Args, Interp};
use crate::engine::register::said;
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// Members of what a server is made with that reach the model.
const OWN: [&str; 3] = ["instructions", "title", "description"];

/// A text that a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnText {
    /// `instructions`, `title`, `description`.
    pub field: &'static str,
    /// The text as far as it is constant; what is computed stands as `…`.
    pub text: String,
    /// Where the server is made, or else where something is registered with it.
    pub at: Location,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    titles: BTreeMap<String, Vec<String>>,
    own: Vec<(ObjId, OwnText)>,
}

impl Spoken {
    /// Titles of the tools of this name.
    pub(crate) fn titles(&self, tool: &str) -> Vec<String> {
        self.titles.get(tool).cloned().unwrap_or_default()
    }

    pub(super) fn entitle(&mut self, tool: &str, titles: &[String]) {
        let known = self.titles.entry(tool.to_owned()).or_default();
        for title in titles {
            if !known.contains(title) {
                known.push(title.clone());
            }
        }
    }

    /// What servers say of themselves; `made_at` knows where one was made.
    pub(crate) fn take_own(&mut self, made_at: impl Fn(ObjId) -> Option<Location>) -> Vec<OwnText> {
        let own = std::mem::take(&mut self.own).into_iter();
        own.map(|(server, text)| OwnText { at: made_at(server).unwrap_or(text.at), ..text }).collect()
    }
}

impl Interp<'_> {
    /// Something is registered with a server: what that was made with is what it says of itself.
    pub(crate) fn note_server(&mut self, server: Option<ObjId>, span: Span) {
        let Some(server) = server.filter(|_| !self.found.is_running_handler) else { return };
        if self.found.spoken.own.iter().any(|(known, _)| *known == server) {
            return;
        }
        let made = self.store.obj_rc(server);
        let at = self.here(span);
        for field in OWN {
            let given = made.given(field).and_then(said);
            let inside = made.items.iter().filter_map(|item| self.text_in(item, field));
            let texts: Vec<String> = given.into_iter().chain(inside).collect();
            let own = texts.into_iter().map(|text| (server, OwnText { field, text, at }));
            self.found.spoken.own.extend(own);
        }
    }

    /// Titles in the arguments of a registration.
    pub(crate) fn titles_among(&self, args: &Args) -> Vec<String> {
        let named = args.named("title").and_then(said);
        let values = args.pos.iter().chain(args.named.iter().map(|(_, value)| value));
        named.into_iter().chain(values.flat_map(|value| self.titles_in(value))).collect()
    }

    /// The title of a tool that is an object, and the one in its annotations.
    pub(crate) fn titles_in(&self, tool: &Val) -> Vec<String> {
        let annotated = self.member_in(tool, "annotations").and_then(|inner| self.text_in(&inner, "title"));
        self.text_in(tool, "title").into_iter().chain(annotated).collect()
    }

    fn text_in(&self, value: &Val, name: &str) -> Option<String> {
        self.member_in(value, name).as_ref().and_then(said)
    }

    /// A member of an object, or an argument that something outside the target was made with.
    pub(crate) fn member_in(&self, value: &Val, name: &str) -> Option<Val> {
        match &value.kind {
            Kind::Obj(id) => self.store.obj(*id).fields.get(&Symbol::new(name)).cloned(),
            // `ToolAnnotations(readOnlyHint=True)` keeps its arguments.
            Kind::Api(_, Some(data)) => self.store.obj(*data).given(name).cloned(),
            _ => None,
        }
    }
}
