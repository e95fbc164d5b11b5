//! Texts looked at character by character: `any(c in BAD for c in name)`, `[...name].every(isLetter)`,
//! `set(name) <= ALLOWED`.
//!
//! A loop over an untrusted text sees one character that stands for all. What is known of it when a test of every
//! character has passed is known of the text.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::{CharSet, StrProps};
use crate::engine::facts::{Cond, Fact, Refinements, both};
use crate::engine::interp::Interp;
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, Transform, Val, Vn};
use crate::ir::{BinaryOp, UnaryOp};

/// Longest text of the program's own that is taken for its characters.
const MAX_SPELLED: usize = 64;

impl Interp<'_> {
    /// The characters of a text: those that the program spells out, or one for all of them.
    pub(crate) fn characters_of(&mut self, text: &Val) -> (Vec<Val>, Option<Val>) {
        if let Some(spelled) = text.literal().filter(|spelled| spelled.len() <= MAX_SPELLED)
            && (!text.is_tainted() || self.is_witness(text))
        {
            let letters: Vec<char> = spelled.chars().collect();
            let of_text = |interp: &mut Self, letter: char| {
                let vn = if text.is_tainted() { interp.store.fresh_vn() } else { 0 };
                let letter = Val::str(letter.encode_utf8(&mut [0; 4]));
                Val { taint: text.taint, step: text.step, vn, ..letter }
            };
            return (letters.into_iter().map(|letter| of_text(self, letter)).collect(), None);
        }
        // A loop may gather them, so that nothing is said of the length.
        let character = StrProps::of_charset(self.props(text).charset);
        let vn = self.character_vn(text.vn);
        let step = text.step;
        (Vec::new(), Some(Val { taint: self.taint_now(text), step, vn, ..Val::with_props(character) }))
    }

    /// Another one for each loop: that one loop has met a bar says nothing of the characters that the next one meets.
    fn character_vn(&mut self, text: Vn) -> Vn {
        let vn = self.store.fresh_vn();
        if text != 0 {
            self.derivations.insert(vn, (text, Transform::Character));
            self.note_universal(vn);
        }
        vn
    }

    /// The text that a value is the character of.
    fn text_of_character(&self, character: Vn) -> Option<Vn> {
        self.derivations.get(&character).filter(|(_, how)| *how == Transform::Character).map(|(text, _)| *text)
    }

    /// Whether a value is a character of a text that is looked at one by one.
    pub(crate) fn is_character(&self, value: &Val) -> bool {
        self.text_of_character(value.vn).is_some()
    }

    /// What holds of texts when something holds of each of their characters.
    pub(crate) fn for_whole_texts(&self, of_each: Refinements) -> Refinements {
        let mut of_texts = Refinements::new();
        for (vn, fact) in &of_each {
            if let Some(text) = self.text_of_character(*vn) {
                let props = StrProps::of_charset(fact.props.charset);
                let fact = Fact { props, is_listed: false, at: fact.at, notes: Vec::new() };
                of_texts = both(&of_texts, &vec![(text, Rc::new(fact))]);
            }
        }
        if of_texts.is_empty() { of_each } else { both(&of_each, &of_texts) }
    }

    /// `needle in "abc"` where the program spells out the text: what it holds are its characters, and a character that
    /// it does not hold is none of them.
    pub(crate) fn part_of_spelled(&self, spelled: &str, needle: &Val, span: Span) -> Cond {
        let at = self.here(span);
        let characters = CharSet::of(spelled);
        let fact = |charset: CharSet| Fact::props(StrProps::of_charset(charset), at);
        Cond {
            when_true: self.implied_exactly(needle, fact(self.props(needle).charset.intersect(characters))),
            when_false: self.unless_character(needle, fact(self.props(needle).charset.minus(characters))),
            by_default: None,
        }
    }

    /// What is known of a value that none of a list of characters equals.
    pub(crate) fn none_of_characters(&self, element: &Val, list: &[std::sync::Arc<str>], span: Span) -> Refinements {
        let single = list.iter().filter(|text| text.chars().count() == 1);
        let excluded = single.fold(CharSet::NONE, |set, text| set.union(CharSet::of(text).intersect(CharSet::ASCII)));
        let charset = self.props(element).charset.minus(excluded);
        self.unless_character(element, Fact::props(StrProps::of_charset(charset), self.here(span)))
    }

    fn unless_character(&self, value: &Val, fact: Fact) -> Refinements {
        if self.is_character(value) { self.implied_exactly(value, fact) } else { Vec::new() }
    }

    /// Comparisons and operations of Python sets of characters, as tests: `set(name) <= ALLOWED`, `set(name) & BAD`,
    /// `set(name) - ALLOWED`. None when neither side is such a set.
    pub(crate) fn set_test(&mut self, op: BinaryOp, a: &Val, b: &Val, span: Span) -> Option<Val> {
        match op {
            BinaryOp::LtEq | BinaryOp::Lt if self.holds_characters(a) => Some(self.each_is_in(a, b, true, span)),
            BinaryOp::GtEq | BinaryOp::Gt if self.holds_characters(b) => Some(self.each_is_in(b, a, true, span)),
            BinaryOp::BitAnd if self.holds_characters(a) => Some(self.each_is_in(a, b, false, span)),
            BinaryOp::BitAnd if self.holds_characters(b) => Some(self.each_is_in(b, a, false, span)),
            BinaryOp::Sub if self.holds_characters(a) => {
                let all = self.each_is_in(a, b, true, span);
                Some(self.unary(UnaryOp::Not, all))
            }
            _ => None,
        }
    }

    /// `ALLOWED.issuperset(name)`, `set(name).issubset(ALLOWED)`, `BAD.isdisjoint(name)`.
    pub(crate) fn set_method_test(&mut self, set: &Val, method: &str, other: &Val, span: Span) -> Option<Val> {
        let is_untrusted = |interp: &Self, value: &Val| {
            interp.holds_characters(value) || matches!(value.kind, Kind::Str) && interp.taint_now(value).is_some()
        };
        match method {
            "issuperset" => Some(self.each_is_in(other, set, true, span)),
            "issubset" => Some(self.each_is_in(set, other, true, span)),
            "isdisjoint" => {
                let (each, among) = if is_untrusted(self, other) { (other, set) } else { (set, other) };
                let some = self.each_is_in(each, among, false, span);
                Some(self.unary(UnaryOp::Not, some))
            }
            _ => None,
        }
    }

    fn holds_characters(&self, value: &Val) -> bool {
        let Kind::Obj(id) = value.kind else { return false };
        let obj = self.store.obj(id);
        matches!(obj.kind, ObjKind::Set) && obj.more.as_ref().is_some_and(|value| self.is_character(value))
    }

    /// Whether all (or any) of the elements are in a collection.
    fn each_is_in(&mut self, elements: &Val, collection: &Val, is_all: bool, span: Span) -> Val {
        self.each_passes(elements, is_all, span, |interp, element| interp.membership(element, collection, span))
    }
}

/// What is known of a character, or of a text of some, that is in a list: what is gathered of them is no list.
pub(crate) fn of_listed_characters(list: &[std::sync::Arc<str>]) -> StrProps {
    StrProps::of_charset(list.iter().fold(CharSet::NONE, |set, text| set.union(CharSet::of(text))))
}
