//! Texts taken apart: at separators, into words.

use manta_core::Span;

use crate::domain::props::StrProps;
use crate::engine::interp::Interp;
use crate::engine::value::{Kind, Part, Val, Vn};

impl Interp<'_> {
    pub(crate) fn split_text(&mut self, value: &Val, separator: Option<&Val>, span: Span) -> Val {
        let value = self.as_text(&self.current(value));
        if separator.and_then(Val::literal) == Some("") && (value.literal().is_none() || !value.is_tainted()) {
            let (spelled, each) = self.characters_of(&value);
            return self.new_array(spelled, each);
        }
        let own = self.props(&value);
        let mut is_split_at_slashes = separator.and_then(Val::literal) == Some("/");
        let (props, text) = match separator.map(|separator| (&separator.kind, separator.literal())) {
            Some((_, Some(text))) => (own.split_removing(text), Some(text.to_owned())),
            Some((Kind::Regex(regex), _)) => {
                let lang = self.lang();
                let mode = crate::domain::regex::PythonMode::Search;
                match self.regex(&regex.pattern, &regex.flags, lang, mode) {
                    Some(regex) => {
                        let removed = regex.removed_characters();
                        is_split_at_slashes = removed.contains('/');
                        (StrProps::of_charset(own.charset.minus(removed)), None)
                    }
                    None => (own.slice(), None),
                }
            }
            _ => (own.slice(), None),
        };
        if let Some(literal) = value.literal()
            && !self.is_unformatted(&value, literal, text.as_deref())
        {
            let pieces: Vec<String> = match (separator.map(|separator| &separator.kind), &text) {
                (_, Some(separator)) if !separator.is_empty() => {
                    literal.split(separator.as_str()).map(str::to_owned).collect()
                }
                (Some(Kind::Regex(regex)), _) => {
                    crate::engine::calls::concrete_split(&regex.pattern, &regex.flags, literal).unwrap_or_default()
                }
                _ => Vec::new(),
            };
            if !pieces.is_empty() {
                let piece = |piece: String| {
                    let vn = self.store.fresh_vn();
                    Val { taint: value.taint, step: value.step, vn, ..Val::str(&piece) }
                };
                let pieces: Vec<Val> = pieces.into_iter().map(piece).collect();
                let behind = self.piece_behind(&value, literal, text.as_deref());
                return self.new_array(pieces, behind);
            }
        }
        let _ = span;
        let mut props = props;
        if matches!(text.as_deref(), Some("#" | "?")) {
            // What is left of a URL without fragment or query goes to the same place.
            props.url = own.url.clone();
        }
        let taint = self.taint_now(&value);
        if let (Some(asked), Some(text)) = (self.found.asked().filter(|_| taint.is_some()), &text) {
            asked.mark(text);
        }
        let vn = self.element_vn(value.vn);
        let piece = Val { taint, step: value.step, vn, ..Val::with_props(props.clone()) };
        // The first piece is a value of its own: a check of the program's name says nothing of its arguments.
        let vn = self.first_piece_vn(&value, text.as_deref());
        let mut first = Val { taint, step: value.step, vn, ..Val::with_props(props) };
        if text.as_deref() == Some(";") && is_one_statement(&value) {
            // Statements are run one by one: this is all of one that the program spells.
            first = Val { kind: Kind::Union([value.clone(), first.clone()].into()), text: None, ..first };
        }
        let mut pieces = leading_pieces(&value, text.as_deref());
        pieces.push(first);
        let list = self.new_array(pieces, Some(piece));
        if !is_split_at_slashes || value.vn == 0 {
            return list;
        }
        let vn = self.store.fresh_vn();
        self.component_lists.insert(vn, value);
        Val { vn, ..list }
    }

    /// Whether a witness is taken apart where the program expects a format that it doesn't have (`scheme://path`): then
    /// its pieces may be anything.
    fn is_unformatted(&self, value: &Val, literal: &str, separator: Option<&str>) -> bool {
        self.is_followed_without(value, literal, separator) && separator == Some("://")
    }

    /// What may stand behind a separator that a witness lacks: with `kind:name` the program means two pieces, and the
    /// first one is a piece of either.
    fn piece_behind(&mut self, value: &Val, literal: &str, separator: Option<&str>) -> Option<Val> {
        let parts = ["|", "=", ":", "::", "@", "?", "#", "&", "->", "=>"];
        let is_format = separator.is_some_and(|separator| parts.contains(&separator.trim()));
        if !is_format || !self.is_followed_without(value, literal, separator) {
            return None;
        }
        let vn = self.store.fresh_vn();
        Some(Val { taint: value.taint, step: value.step, vn, ..Val::with_props(StrProps::default()) })
    }

    fn is_followed_without(&self, value: &Val, literal: &str, separator: Option<&str>) -> bool {
        self.found.replay.is_some()
            && value.is_tainted()
            && separator.is_some_and(|separator| !literal.contains(separator))
    }

    /// A limited number of splits leaves separators in what is behind the first piece, or before it from the right.
    pub(super) fn unsplit(&mut self, value: &Val, pieces: &Val, from_right: bool) -> Val {
        if let (Kind::Obj(id), None) = (&pieces.kind, value.literal()) {
            let props = self.props(value).slice();
            let rest = self.text_val(props, value);
            let pieces = self.store.obj_mut(*id);
            if from_right {
                pieces.items = vec![rest];
            } else {
                pieces.items.truncate(1);
                pieces.more = Some(rest);
            }
        }
        pieces.clone()
    }

    /// The value number of the first piece of a text: one per text and separator, also after something was appended
    /// behind a separator.
    fn first_piece_vn(&mut self, value: &Val, separator: Option<&str>) -> Vn {
        let parts = value.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
        let whole = match (parts, separator) {
            ([Part::Hole(start), Part::Lit(next), ..], Some(separator)) if next.starts_with(separator) => start.vn,
            _ => value.vn,
        };
        if whole == 0 {
            return self.store.fresh_vn();
        }
        let key = (whole, separator.unwrap_or_default().into());
        if let Some(vn) = self.first_pieces.get(&key) {
            return *vn;
        }
        let vn = self.store.fresh_vn();
        self.first_pieces.insert(key, vn);
        vn
    }

    /// A command line taken apart into words.
    pub(crate) fn split_words(&mut self, value: &Val, span: Span) -> Val {
        if let Kind::Union(values) = &value.kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let lists: Vec<Val> = values.iter().map(|value| self.split_words(value, span)).collect();
            return self.join_all(lists).unwrap_or_else(Val::unknown);
        }
        if let Some(parts) = value.text.as_deref().map(|text| text.parts.to_vec())
            && parts.len() > 1
            && matches!(parts.first(), Some(Part::Lit(_)))
        {
            return self.split_parts(value, parts, span);
        }
        self.split_text(value, Some(&Val::str(" ")), span)
    }

    /// The words that constant text spells, a value in quotes being part of its word: `bash -c 'ls ${x}'`. Outside of
    /// quotes a value may be any number of words, and what follows is not told apart.
    fn split_parts(&mut self, value: &Val, parts: Vec<Part>, span: Span) -> Val {
        let mut words: Vec<Val> = Vec::new();
        let mut word: Vec<Val> = Vec::new();
        let mut text = String::new();
        let mut quote = None;
        let mut is_open = false;
        for part in parts {
            let literal = match part {
                Part::Lit(literal) => literal,
                Part::Hole(hole) if quote.is_some() => {
                    word.extend([Val::str(&std::mem::take(&mut text)), hole]);
                    continue;
                }
                Part::Hole(_) => {
                    is_open = true;
                    break;
                }
            };
            for c in literal.chars() {
                match quote {
                    Some(end) if c == end => quote = None,
                    None if c == '\'' || c == '"' => quote = Some(c),
                    None if c.is_whitespace() => {
                        if !text.is_empty() || !word.is_empty() {
                            word.push(Val::str(&std::mem::take(&mut text)));
                            words.push(self.concat(&std::mem::take(&mut word), span));
                        }
                    }
                    _ => text.push(c),
                }
            }
        }
        if is_open {
            let vn = self.element_vn(value.vn);
            let rest = Val { vn, ..Val::with_props(StrProps::default()).tainted_by(value) };
            return self.new_array(words, Some(rest));
        }
        if !text.is_empty() || !word.is_empty() {
            word.push(Val::str(&text));
            words.push(self.concat(&word, span));
        }
        self.new_array(words, None)
    }
}

/// The pieces that are complete before anything unknown begins: `/`, `api` of `/api/${id}` split at slashes.
fn leading_pieces(value: &Val, separator: Option<&str>) -> Vec<Val> {
    let parts = value.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
    let (Some(Part::Lit(start)), Some(separator)) = (parts.first(), separator.filter(|text| !text.is_empty())) else {
        return Vec::new();
    };
    let mut pieces: Vec<Val> = start.split(separator).map(Val::str).collect();
    // The last one goes on.
    pieces.pop();
    pieces
}

/// Whether a text is put together of pieces, the first of which is the program's, with no `;` in them but at the end.
fn is_one_statement(value: &Val) -> bool {
    let parts = value.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
    let literals = || parts.iter().filter_map(|part| if let Part::Lit(text) = part { Some(&**text) } else { None });
    let spelled: String = literals().collect();
    parts.len() > 1
        && matches!(parts.first(), Some(Part::Lit(_)))
        && !spelled.trim_end().trim_end_matches(';').contains(';')
}
