//! What a client may see: lists without the tools, prompts and resources the policy does not grant,
//! each item compared with its pin.

use std::borrow::Cow;
use std::collections::HashSet;

use manta_mcp::{Frame, Part};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Engine, Hidden, Method};
use crate::decide::Target;
use crate::pin::Item;

/// What a list method lists.
struct List {
    part: Part,
    item: Item,
    target: Target,
    key: &'static str,
}

impl Engine {
    /// Where the list stands, and the frame as the client may see it where something was dropped from the list or changed.
    pub(super) fn filter_list(&mut self, method: Method, frame: &Frame<'_>) -> (Part, Option<String>) {
        let list = list_of(method);
        let Some(raw) = frame.raw(list.part) else { return (list.part, None) };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
            self.event("list-refused", "server", "the list is not an array".to_owned());
            return (list.part, Some(self.replace_list(&list, frame, &[])));
        };
        let total = items.len();
        let mut names = HashSet::new();
        let kept: Vec<Cow<'_, str>> =
            items.iter().filter_map(|item| self.list_item(&list, item.get(), &mut names)).collect();
        if frame.raw(Part::NextCursor).is_none_or(|cursor| cursor == "null") {
            self.integrity.list_ended(list.item);
        }
        let unchanged = kept.len() == total && kept.iter().all(|kept| matches!(kept, Cow::Borrowed(_)));
        let is_for_all = self.decider.shows_all_the_same() || frame.span(Part::CacheScope).is_none();
        (list.part, (!unchanged || !is_for_all).then(|| self.replace_list(&list, frame, &kept)))
    }

    /// One item: `None` hides it, a different text replaces it. Of two items with one name only the first
    /// is shown: which of them a call would reach, nobody can tell.
    fn list_item<'r>(&mut self, list: &List, raw: &'r str, names: &mut HashSet<String>) -> Option<Cow<'r, str>> {
        let item: Value = serde_json::from_str(raw).ok()?;
        let name = item.get(list.key).and_then(Value::as_str)?.to_owned();
        let what = format!("{} {}", list.target.noun(), super::shown(&name));
        if list.part != Part::Resources && !names.insert(name.clone()) {
            self.event("name-twice", "server", format!("{what} is listed twice"));
            return None;
        }
        if !self.decider.is_visible(None, list.target, &name) {
            return None;
        }
        // What others see is pinned and learnt too: who lists first must not decide what was there.
        let is_for_caller = self.decider.is_visible(Some(&self.principal), list.target, &name);
        if let Some(problem) = self.integrity.inspect(list.item, &name, &item) {
            self.event("pin", "server", problem);
            if !self.decider.is_shadow() {
                return None;
            }
        }
        if self.suspect(&what, raw) {
            return None;
        }
        if list.part == Part::Tools {
            self.schemas.learn(&item);
            self.decider.listed(&item);
        }
        let responses = self.settings.responses;
        let cleaned = responses.clean(raw, &[]);
        if cleaned.hidden > 0 {
            self.event("hidden-characters", "server", format!("{} in the description of {what}", cleaned.hidden));
            if responses.hidden == Hidden::Deny && !self.decider.is_shadow() {
                return None;
            }
        }
        is_for_caller.then(|| cleaned.text.map_or(Cow::Borrowed(raw), Cow::Owned))
    }

    fn replace_list(&self, list: &List, frame: &Frame<'_>, items: &[Cow<'_, str>]) -> String {
        let span = frame.span(list.part).expect("the caller found the list");
        let mut edits = vec![(span, format!("[{}]", items.join(",")))];
        // What one caller may see must not be served to another from a cache.
        if let Some(scope) = frame.span(Part::CacheScope) {
            edits.push((scope, "\"private\"".to_owned()));
        }
        frame.splice(&edits)
    }
}

/// What the answer to a method lists; tools, unless it is another of the methods that list.
fn list_of(method: Method) -> List {
    let (part, item, target, key) = match method {
        Method::PromptsList => (Part::Prompts, Item::Prompt, Target::Prompt, "name"),
        Method::ResourcesList => (Part::Resources, Item::Resource, Target::Resource, "uri"),
        Method::TemplatesList => (Part::ResourceTemplates, Item::Template, Target::Resource, "uriTemplate"),
        _ => (Part::Tools, Item::Tool, Target::Tool, "name"),
    };
    List { part, item, target, key }
}
