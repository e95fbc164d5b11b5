//! Concatenation, and the text that a value is written as.

use std::cell::OnceCell;
use std::rc::Rc;

use manta_core::Span;

use crate::domain::StrProps;
use crate::engine::builtins::is_composed;
use crate::engine::facts::Cond;
use crate::engine::interp::{Interp, arc, number_text, shortest_of};
use crate::engine::store::{Obj, ObjKind, is_same};
use crate::engine::trace::StepKind;
use crate::engine::value::{Kind, MAX_TEXT, Part, Taint, Text, Val, concatenated};
use crate::ir::{Lang, Symbol};

/// Most pieces kept of one concatenation.
const MAX_PARTS: usize = 48;
/// Most combinations of alternatives spelled out by one concatenation.
const MAX_COMBINATIONS: usize = 12;
/// Most alternatives that one concatenation spells out one by one.
const MAX_CHOICES: usize = 24;

/// Pieces of a concatenation; constant ones that follow each other become one.
#[derive(Default)]
struct Pieces {
    parts: Vec<Part>,
    /// Constant text since the last part.
    text: String,
}

impl Pieces {
    fn text(&mut self, text: &str) {
        if self.text.len() + text.len() > MAX_TEXT {
            self.end_text();
        }
        if text.len() > MAX_TEXT {
            self.parts.push(Part::Hole(Val::str(text)));
        } else {
            self.text.push_str(text);
        }
    }

    fn hole(&mut self, value: Val) {
        self.end_text();
        self.parts.push(Part::Hole(value));
    }

    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Lit(text) => self.text(text),
                Part::Hole(hole) => self.hole(hole.clone()),
            }
        }
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Lit(arc(&self.text)));
            self.text.clear();
        }
    }

    fn into_parts(mut self) -> Vec<Part> {
        self.end_text();
        self.parts
    }
}

/// How many texts values with alternatives spell together.
fn combinations(values: &[Val]) -> usize {
    let apart = (0..values.len()).filter(|index| earlier(values, *index).is_none());
    apart.map(|index| values[index].alternatives().len()).fold(1, usize::saturating_mul)
}

/// Where the value at `index` stands before: it is the same text there, so its alternatives are one choice and not two.
fn earlier(values: &[Val], index: usize) -> Option<usize> {
    let vn = values[index].vn;
    let is_choice = vn != 0 && values[index].alternatives().len() > 1;
    values[..index].iter().position(|value| is_choice && value.vn == vn)
}

impl Interp<'_> {
    /// The string that `values` spell together.
    pub(crate) fn concat(&mut self, values: &[Val], span: Span) -> Val {
        if combinations(values) > MAX_COMBINATIONS {
            let mut condensed: Vec<Val> = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                condensed.push(match earlier(values, index) {
                    Some(same) => condensed[same].clone(),
                    None => self.condensed(value),
                });
            }
            if combinations(&condensed) < combinations(values) {
                return self.concat(&condensed, span);
            }
            // Too many to spell out: each once, beside the shortest of the others. What they are made of says where it
            // stands.
            let choices: usize = values.iter().map(|value| value.alternatives().len() - 1).sum();
            if choices < MAX_CHOICES && values.iter().flat_map(Val::alternatives).any(is_composed) {
                let usual: Vec<Val> = values.iter().map(|value| shortest_of(value).clone()).collect();
                let mut rows = vec![usual.clone()];
                let apart = (0..values.len()).filter(|index| earlier(values, *index).is_none());
                for index in apart {
                    let is_there = |at: usize| at == index || earlier(values, at) == Some(index);
                    let others = values[index].alternatives().iter().filter(|choice| !is_same(choice, &usual[index]));
                    rows.extend(others.map(|choice| {
                        let usual = usual.iter().enumerate();
                        usual.map(|(at, value)| if is_there(at) { choice.clone() } else { value.clone() }).collect()
                    }));
                }
                let joined: Vec<Val> = rows.iter().map(|row| self.concat_plain(row, span)).collect();
                return self.join_all(joined).unwrap_or_else(Val::unknown);
            }
        }
        if (2..=MAX_COMBINATIONS).contains(&combinations(values)) {
            let values: Vec<Val> = values.iter().map(|value| self.current(value)).collect();
            let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
            for (index, value) in values.iter().enumerate() {
                if let Some(same) = earlier(&values, index) {
                    rows.iter_mut().for_each(|row| row.push(row[same].clone()));
                    continue;
                }
                rows = rows
                    .into_iter()
                    .flat_map(|row| {
                        value.alternatives().iter().map(move |choice| {
                            let mut row = row.clone();
                            row.push(choice.clone());
                            row
                        })
                    })
                    .collect();
            }
            let joined: Vec<Val> = rows.iter().map(|row| self.concat_plain(row, span)).collect();
            return self.join_all(joined).unwrap_or_else(Val::unknown);
        }
        self.concat_plain(values, span)
    }

    fn concat_plain(&mut self, values: &[Val], span: Span) -> Val {
        let mut pieces = Pieces::default();
        let mut taint = Taint::NONE;
        let mut step = 0;
        for value in values {
            // What an object writes itself as.
            let written = matches!(value.kind, Kind::Obj(_)).then(|| self.to_text(value));
            let value = written.as_ref().unwrap_or(value);
            // A number is a number wherever it is written.
            let is_number = matches!(value.kind, Kind::Num(_) | Kind::Bool(_));
            let value_taint = if is_number { Taint::NONE } else { self.taint_now(value) };
            if value_taint.is_some() && taint.is_none() {
                step = value.step;
            }
            taint = taint.union(value_taint);
            self.add_parts(&mut pieces, value);
        }
        let mut parts = pieces.into_parts();
        if parts.len() > MAX_PARTS {
            let props = concatenated(&parts, |hole| self.props(hole));
            let vn = self.store.fresh_vn();
            let text = Text { known: OnceCell::from(props), ..Text::default() };
            let tail = Val { taint, step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
            parts = vec![Part::Hole(tail)];
        }
        let literal: Option<String> =
            parts.iter().map(|part| if let Part::Lit(text) = part { Some(&**text) } else { None }).collect();
        if let Some(literal) = literal {
            return Val { taint, step, ..Val::str(&literal) };
        }
        if let [Part::Hole(only)] = parts.as_slice()
            && matches!(only.kind, Kind::Str)
            && only.vn != 0
        {
            return only.clone();
        }
        let props = self.parts_props(&parts);
        // What is done on behalf of something else has no place of its own.
        if taint.is_some() && span != Span::default() {
            let at = self.here(span);
            step = self.trace.add(step, at, StepKind::Concat);
        }
        let vn = if taint.is_some() { self.written_vn(&parts) } else { self.store.fresh_vn() };
        let text = Text { known: props, parts: parts.into(), ..Text::default() };
        Val { taint, step, vn, text: Some(Rc::new(text)), ..Val::of(Kind::Str) }
    }

    fn add_parts(&mut self, pieces: &mut Pieces, value: &Val) {
        match &value.kind {
            Kind::Str => {
                if let Some(text) = value.literal() {
                    pieces.text(text);
                    return;
                }
                let text = value.text.as_deref();
                let is_plain = text.is_some_and(|text| !text.parts.is_empty() && !text.is_contained())
                    && self.store.fact(value.vn).is_none();
                if is_plain && let Some(text) = text {
                    pieces.parts(&text.parts);
                    return;
                }
                let value = self.current(value);
                pieces.hole(value);
            }
            Kind::Num(Some(number)) => pieces.text(&number_text(*number)),
            Kind::Bool(Some(flag)) => {
                let text = match (self.lang(), flag) {
                    (Lang::JavaScript, true) => "true",
                    (Lang::JavaScript, false) => "false",
                    (Lang::Python, true) => "True",
                    (Lang::Python, false) => "False",
                };
                pieces.text(text);
            }
            Kind::Undefined => pieces.text("undefined"),
            Kind::Null => pieces.text(if self.lang() == Lang::Python { "None" } else { "null" }),
            Kind::Obj(_) => {
                let text = self.to_text(value);
                match text.literal() {
                    Some(text) => pieces.text(text),
                    None => {
                        if let Some(inner) = text.text.as_deref()
                            && !inner.parts.is_empty()
                            && inner.parts.len() < MAX_PARTS
                        {
                            pieces.parts(&inner.parts);
                        } else {
                            pieces.hole(text);
                        }
                    }
                }
            }
            _ => {
                let props = self.props(value);
                let value = self.current(value);
                let text = Text { known: props.into(), ..value.text.as_deref().cloned().unwrap_or_default() };
                pieces.hole(Val { text: Some(Rc::new(text)), ..value });
            }
        }
    }

    /// The properties of a concatenation as far as they have to be computed now, because something is known of a hole at
    /// this point; else they follow from the parts at any time.
    fn parts_props(&self, parts: &[Part]) -> OnceCell<StrProps> {
        let is_known = |value: &Val| self.store.fact(value.vn).is_some();
        let is_anything_known = parts.iter().any(|part| match part {
            Part::Hole(hole) => is_known(hole) || hole.alternatives().iter().any(is_known),
            Part::Lit(_) => false,
        });
        if is_anything_known { concatenated(parts, |hole| self.props(hole)).into() } else { OnceCell::new() }
    }

    /// The text a value has when it is used as a string.
    pub(crate) fn to_text(&mut self, value: &Val) -> Val {
        match &value.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                if let Some(href) = obj.fields.get(&Symbol::new("href")).cloned() {
                    return href;
                }
                if obj.is_sequence()
                    && let Some(text) = self.inside(|interp| interp.join_array(value, ","))
                {
                    return text;
                }
                let name = Symbol::new(if self.lang() == Lang::Python { "__str__" } else { "toString" });
                let method = match obj.kind {
                    ObjKind::Instance(_) => self.get_member(value, name, Span::default()),
                    ObjKind::Plain => obj.fields.get(&name).cloned().unwrap_or_else(Val::undefined),
                    _ => Val::undefined(),
                };
                if let Kind::Bound(_) | Kind::Fn(_) = method.kind {
                    let this = Some(value.clone());
                    return self.call_value(&method, this, crate::engine::interp::Args::default(), Span::default());
                }
                if self.is_written_as_object(&obj) {
                    return Val::str("[object Object]");
                }
                if let Some(inner) = obj.fields.get(&Symbol::new("value")).cloned()
                    && matches!(obj.kind, ObjKind::External)
                {
                    return inner;
                }
                let (taint, step) = self.deep_taint(value, 2);
                let text = Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) };
                if !matches!(obj.kind, ObjKind::Instance(_)) {
                    self.note_written(&text, value);
                }
                text
            }
            Kind::Num(Some(number)) => Val { taint: value.taint, step: value.step, ..Val::str(&number_text(*number)) },
            Kind::Num(None) => {
                Val { taint: value.taint, step: value.step, vn: value.vn, ..Val::with_props(StrProps::number()) }
            }
            Kind::Union(values) => {
                let values: Vec<Val> = values.to_vec();
                if values.iter().all(|value| matches!(value.kind, Kind::Str)) {
                    return value.clone();
                }
                let texts: Vec<Val> =
                    values.iter().filter(|value| !value.is_nullish()).map(|value| self.to_text(value)).collect();
                self.join_all(texts).unwrap_or_else(Val::unknown)
            }
            Kind::Unknown => Val { kind: Kind::Str, ..value.clone() },
            Kind::Bool(Some(flag)) => {
                let text = if self.lang() == Lang::Python {
                    if *flag { "True" } else { "False" }
                } else if *flag {
                    "true"
                } else {
                    "false"
                };
                Val::str(text)
            }
            _ => value.clone(),
        }
    }

    /// Whether an object has nothing to say for itself where JavaScript wants a text: what stands in its fields is not in it.
    fn is_written_as_object(&self, obj: &Obj) -> bool {
        const OWN_WORDS: [&str; 2] = ["toString", "valueOf"];
        let has_own = OWN_WORDS.iter().any(|name| obj.fields.contains_key(&Symbol::new(name)));
        let is_known = obj.any.as_ref().is_none_or(Val::is_tainted);
        self.lang() == Lang::JavaScript && matches!(obj.kind, ObjKind::Plain) && is_known && !has_own
    }

    /// The elements of a sequence with a separator between them; any number of them when the sequence is open.
    pub(crate) fn join_array(&mut self, list: &Val, separator: &str) -> Val {
        let (items, more) = self.elements_of(list, Span::default());
        self.charge(items.len());
        let mut pieces = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                pieces.push(Val::str(separator));
            }
            let text = self.to_text(item);
            pieces.push(text);
        }
        if let Some(more) = more {
            let mut text = self.to_text(&more);
            if separator.is_empty() {
                // Any number of them, one behind the other.
                let any_number = StrProps::of_charset(self.props(&text).charset);
                text = self.text_val(any_number, &text);
            }
            if !pieces.is_empty() {
                pieces.push(Val::str(separator));
            }
            pieces.push(text.clone());
            // A second one stands for all others, so that what lies between two elements is seen.
            pieces.push(Val::str(separator));
            pieces.push(text);
        }
        if pieces.is_empty() {
            return Val::str("");
        }
        let joined = self.concat(&pieces, Span::default());
        match self.open_list(list) {
            // Empty, or what the program says.
            Some(filled) if joined.truth() == Some(true) => {
                Val { cond: Some(Rc::new(filled)), ..self.join(&Val::str(""), &joined) }
            }
            Some(filled) => Val { cond: Some(Rc::new(Cond { when_false: Vec::new(), ..filled })), ..joined },
            None => joined,
        }
    }
}
