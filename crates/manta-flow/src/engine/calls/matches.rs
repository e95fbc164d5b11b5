//! What a successful match hands out: the whole of it, and its groups.

use crate::domain::StrProps;
use crate::domain::regex::{Dialect, PythonMode, groups};
use crate::engine::calls::concrete_captures;
use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, RegexVal, Val};
use crate::ir::{Lang, Symbol};

/// Marks an array that is a match object of Python.
const MATCH: &str = "$match";

/// Marks an object that is surely there, where others may be missing.
pub(crate) const PRESENT: &str = "$present";

impl Interp<'_> {
    /// The result of `exec`, `match`, `re.match`: an array of the whole match and its groups, with the groups by name;
    /// `test` is what the match as a test says.
    pub(crate) fn match_result(&mut self, regex: &RegexVal, mode: PythonMode, value: &Val, test: &Val) -> Val {
        let Some((pieces, names)) = self.matched_pieces(regex, mode, value) else {
            return self.unknown_match(value, test);
        };
        let mut by_name = Obj::new(ObjKind::Plain);
        for (name, at) in names {
            by_name.fields.insert(Symbol::new(&name), pieces[at].clone());
        }
        let by_name = Val::of(Kind::Obj(self.store.new_obj(by_name)));
        let list = self.new_array(pieces, None);
        self.with_groups(list, by_name, test)
    }

    fn with_groups(&mut self, list: Val, by_name: Val, test: &Val) -> Val {
        if let Kind::Obj(id) = list.kind {
            let mark = if self.lang() == Lang::Python { MATCH } else { "groups" };
            let fields = &mut self.store.obj_mut(id).fields;
            fields.insert(Symbol::new(mark), by_name);
            // Of a concrete text it is known that there is a match.
            if test.truth() == Some(true) {
                fields.insert(Symbol::new(PRESENT), Val::bool(true));
            }
        }
        Val { cond: test.cond.clone(), ..list }
    }

    /// A match of which it is not known what groups there are.
    fn unknown_match(&mut self, value: &Val, test: &Val) -> Val {
        let piece = Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(value) };
        if self.lang() == Lang::Python {
            return Val { cond: test.cond.clone(), ..piece };
        }
        let list = self.new_array(Vec::new(), Some(piece.clone()));
        self.with_groups(list, piece, test)
    }

    /// Any one of the matches that `findall` and `match` with the flag `g` list.
    pub(crate) fn any_match(&mut self, regex: &RegexVal, value: &Val) -> Val {
        let Some((mut pieces, _)) = self.matched_pieces(regex, PythonMode::Search, value) else {
            return Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(value) };
        };
        if self.lang() == Lang::Python && pieces.len() > 1 {
            pieces.remove(0);
        } else {
            pieces.truncate(1);
        }
        if pieces.len() == 1 { pieces.remove(0) } else { self.new_array(pieces, None) }
    }

    /// The whole match and the groups, and which of them have names. None when that can't be told.
    fn matched_pieces(
        &mut self,
        regex: &RegexVal,
        mode: PythonMode,
        value: &Val,
    ) -> Option<(Vec<Val>, Vec<(String, usize)>)> {
        let value = &self.current(value);
        let is_python = self.lang() == Lang::Python;
        let groups = groups(&regex.pattern, &regex.flags, is_python)?;
        self.note_pattern(regex, mode, value, !groups.is_empty());
        let names =
            groups.iter().enumerate().filter_map(|(at, group)| Some((group.name?.to_owned(), at + 1))).collect();
        let placed = match mode {
            PythonMode::Match => format!(r"\A(?:{})", regex.pattern),
            PythonMode::FullMatch => format!(r"\A(?:{})\z", regex.pattern),
            PythonMode::Search => regex.pattern.to_string(),
        };
        let concrete = value.literal().and_then(|text| concrete_captures(&placed, &regex.flags, text));
        if let Some(texts) = concrete.filter(|texts| texts.len() == groups.len() + 1) {
            let pieces = texts.into_iter().map(|text| match text {
                Some(text) => Val { vn: self.store.fresh_vn(), ..Val::str(&text) }.tainted_by(value),
                None if is_python => Val::null(),
                None => Val::undefined(),
            });
            return Some((pieces.collect(), names));
        }
        let patterns: Vec<&str> =
            std::iter::once(&*regex.pattern).chain(groups.iter().map(|group| group.pattern)).collect();
        let own = self.props(value).slice();
        let pieces = patterns.iter().map(|pattern| {
            let props = self.whole_match(pattern, &regex.flags).map_or_else(|| own.clone(), |props| props.refine(&own));
            self.text_val(props, value)
        });
        Some((pieces.collect(), names))
    }

    /// Pieces are taken out of a text of the caller's.
    fn note_pattern(&mut self, regex: &RegexVal, mode: PythonMode, text: &Val, has_groups: bool) {
        if !has_groups || self.found.replay.is_some() || self.taint_now(text).is_none() {
            return;
        }
        let lang = self.lang();
        if let (Some(pattern), Some(asked)) = (self.regex(&regex.pattern, &regex.flags, lang, mode), self.found.asked())
        {
            asked.pattern(&pattern);
        }
    }

    /// What is known of a text that is all of a match.
    fn whole_match(&mut self, pattern: &str, flags: &str) -> Option<StrProps> {
        let anchored = format!("^(?:{pattern})$");
        let regex = match self.lang() {
            Lang::Python => self.parsed_regex(pattern, &Dialect::Python { mode: PythonMode::FullMatch, flags }),
            Lang::JavaScript => {
                let flags: String = flags.chars().filter(|flag| !"gmyd".contains(*flag)).collect();
                self.parsed_regex(&anchored, &Dialect::JavaScript { flags: &flags })
            }
        };
        regex.map(|regex| regex.if_match())
    }

    /// `m.group()`, `m.group(1)`, `m.group("name")`, `m.groups()`, `m.groupdict()`. None when the array is no match.
    pub(crate) fn match_method(&mut self, id: ObjId, method: &str, args: &Args) -> Option<Val> {
        let obj = self.store.obj_rc(id);
        let by_name = obj.fields.get(&Symbol::new(MATCH))?.clone();
        let group = |key: &Val| match (&key.kind, &by_name.kind) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a group's number is small")]
            (Kind::Num(Some(at)), _) if *at >= 0.0 => obj.items.get(*at as usize).cloned(),
            (Kind::Str, Kind::Obj(names)) => {
                let fields = self.store.obj_rc(*names);
                key.literal().and_then(|name| fields.fields.get(&Symbol::new(name)).cloned())
            }
            _ => None,
        };
        Some(match method {
            "group" | "__getitem__" => match args.pos.as_slice() {
                [] => obj.items.first().cloned()?,
                [key] => group(key)?,
                keys => {
                    let found: Vec<Val> = keys.iter().filter_map(group).collect();
                    self.new_array(found, None)
                }
            },
            "groups" => self.new_array(obj.items.iter().skip(1).cloned().collect(), None),
            "groupdict" => by_name,
            "start" | "end" => Val::of(Kind::Num(None)),
            _ => return None,
        })
    }
}
