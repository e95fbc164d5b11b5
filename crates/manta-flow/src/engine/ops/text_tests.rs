//! Tests of texts and collections: membership, what a text holds, how it begins and ends.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::address::is_in_network;
use crate::domain::path::Within;
use crate::domain::url::{Host, HostCheck, HostGrade, Subject, UrlState, grade_host_check};
use crate::domain::{CharSet, StrProps, path};
use crate::engine::addresses::known_text;
use crate::engine::characters::of_listed_characters;
use crate::engine::facts::{Cond, Fact, Note, NoteKind, both};
use crate::engine::interp::Interp;
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, Part, Transform, UrlPart, Val};
use crate::ir::Symbol;

impl Interp<'_> {
    /// `element in collection`, `collection.includes(element)`, `set.has(element)`.
    pub(crate) fn membership(&mut self, element: &Val, collection: &Val, span: Span) -> Val {
        if let Some(held) = self.collection_in(collection) {
            return self.membership(element, &held, span);
        }
        let element = &self.current(element);
        // `ip_address(a) in ip_network(n)` of known addresses.
        if let (Some(address), Some(network)) = (known_text(element), known_text(collection))
            && let Ok(address) = address.parse()
            && let Some(inside) = is_in_network(address, network)
        {
            return Val::bool(inside);
        }
        // `root in path.parents`: the path is below the root.
        if let Some(path) = self.parent_lists.get(&collection.vn).cloned()
            && self.taint_now(element).is_none()
        {
            return self.path_inside_test(&path, element, span);
        }
        // `".." in path.split("/")`: what has no such component climbs nowhere.
        if element.literal() == Some("..")
            && let Some(path) = self.component_lists.get(&collection.vn).cloned()
            && self.taint_now(&path).is_some()
        {
            let mut props = StrProps::default();
            props.path.dotdot = path::DotDot::No;
            let fact = Fact::props(props, self.here(span));
            let cond = Cond { when_false: self.implied_exactly(&path, fact), ..Cond::default() };
            return self.bool_with(None, cond);
        }
        // Substring search.
        let is_text = collection.alternatives().iter().all(|value| matches!(value.kind, Kind::Str))
            || (collection.is_tainted() && matches!(collection.kind, Kind::Unknown) && !element.is_tainted());
        if is_text {
            return self.contains_text(collection, element, span);
        }
        let (items, more) = match &collection.kind {
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                match obj.kind {
                    ObjKind::Array | ObjKind::Set => (obj.items.clone(), obj.more.clone()),
                    ObjKind::Instance(_) => {
                        let method = self.get_member(collection, Symbol::new("__contains__"), span);
                        if matches!(method.kind, Kind::Bound(_)) {
                            let args = crate::engine::interp::Args::of(vec![element.clone()]);
                            return self.call_value(&method, None, args, span);
                        }
                        (Vec::new(), Some(Val::unknown().tainted_by(collection)))
                    }
                    ObjKind::Plain | ObjKind::Dict | ObjKind::Map
                        if let Some(name) = element.literal()
                            && obj.doubts.is_some()
                            && let Some(has) = self.has_field(&obj, Symbol::new(name)) =>
                    {
                        return has;
                    }
                    _ => self.keys_of(collection),
                }
            }
            Kind::Union(_) => self.elements_of(collection, span),
            _ => (Vec::new(), Some(Val::unknown().tainted_by(collection))),
        };
        let literals: Option<Vec<_>> =
            if more.is_some() { None } else { items.iter().map(Val::literals).collect::<Option<Vec<_>>>() };
        if self.found.is_name(element.vn) {
            for lit in items.iter().filter_map(Val::literal).map(str::to_owned).collect::<Vec<_>>() {
                self.found.add_name(&lit);
            }
        }
        let literals: Option<Vec<_>> = literals.map(|lists| lists.into_iter().flatten().collect());
        if let (Some(list), Some(element)) = (&literals, element.literal()) {
            let is_there = list.iter().any(|item| &**item == element);
            let open = if is_there { self.doubt_of_element(collection, element, span) } else { None };
            return open.unwrap_or_else(|| Val::bool(is_there));
        }
        if let (Some(list), Some(default)) = (&literals, self.default_of_setting(element)) {
            let is_usual = default.literal().is_some_and(|text| list.iter().any(|item| &**item == text));
            return self.bool_with(None, Cond { by_default: Some(is_usual), ..Cond::default() });
        }
        if let Some(more) = &more
            && self.is_foreign(element, more)
            && items.iter().all(|item| item.literal() != element.literal())
        {
            return Val::bool(false);
        }
        self.note_words(items.iter().filter_map(Val::literal).filter(|_| element.is_tainted()));
        let is_controlled = items.iter().chain(&more).any(|item| self.taint_now(item).is_some());
        if self.taint_now(element).is_none() || is_controlled {
            return Val::any_bool();
        }
        let at = self.here(span);
        // `name in {".", ".."}`: what is not in there is none of them.
        let other = items
            .iter()
            .filter_map(Val::literal)
            .take(16)
            .fold(self.props(element), |other, text| other.refine_not(text));
        let of_character = self.none_of_characters(element, literals.as_deref().unwrap_or_default(), span);
        let fact = match literals {
            Some(list) if !list.is_empty() && self.is_character(element) => {
                Fact::props(of_listed_characters(&list), at)
            }
            Some(list) if !list.is_empty() => {
                Fact { is_listed: true, ..Fact::props(StrProps::one_of(list.iter().map(|lit| &**lit)), at) }
            }
            Some(_) => return Val::bool(false),
            None => Fact::listed(at),
        };
        let when_false = both(&self.implied_exactly(element, Fact::props(other, at)), &of_character);
        let cond = Cond { when_true: self.implied(element, fact), when_false, ..Cond::default() };
        self.bool_with(None, cond)
    }

    /// `value.includes(needle)` on strings.
    pub(crate) fn contains_text(&mut self, value: &Val, needle: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let (Some(text), Some(needle)) = (value.literal(), needle.literal()) {
            return Val::bool(text.contains(needle));
        }
        if let Some(inside) = self.relative_test(value, needle.literal(), self.here(span)) {
            return self.bool_with(None, inside);
        }
        // A charset that lacks a character of the needle decides.
        let Some(needle) = needle.literal().map(str::to_owned) else {
            return match value.literal() {
                Some(spelled) if self.taint_now(needle).is_some() => {
                    self.bool_with(None, self.part_of_spelled(spelled, needle, span))
                }
                _ => Val::any_bool(),
            };
        };
        if self.taint_now(value).is_none() {
            return Val::any_bool();
        }
        let at = self.here(span);
        if needle.len() > 2 {
            self.note_prefix(&needle);
        }
        let mut cond = Cond::default();
        let mut chars = needle.chars();
        if let (Some(only), None) = (chars.next(), chars.next()) {
            let charset = self.props(value).charset.minus(CharSet::single(only));
            cond.when_false = self.implied_exactly(value, Fact::props(StrProps::of_charset(charset), at));
        } else if needle == ".." || needle == "../" {
            let mut props = StrProps::default();
            props.path.dotdot = if needle == ".." { path::DotDot::No } else { path::DotDot::LastOnly };
            cond.when_false = self.implied_exactly(value, Fact::props(props, at));
        }
        let subject = self.host_subject(value);
        if let HostGrade::Weak { why, bypass } = grade_host_check(subject, HostCheck::Includes(&needle)) {
            let mut fact = Fact::props(StrProps::default(), at);
            fact.props.url.host = Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
            fact.notes.push(Note { at, text: why.explain().to_owned(), kind: NoteKind::WeakHost });
            cond.when_true = self.implied(value, fact);
        }
        // `ROOT in path`: an absolute path may hold the directory's name anywhere.
        let state = self.props(value).path;
        let is_directory = needle.starts_with('/') && needle.trim_matches('/').len() > 1 && !needle.ends_with('/');
        if is_directory && state.norm != path::Norm::Raw && state.abs == path::Abs::Abs {
            let reason = path::WeakContainment::NotAtStart;
            let mut fact = Fact::props(StrProps::default(), at);
            fact.props.path.within = Within::Weak { dir: Some(Rc::from(needle.as_str())), reason };
            let text = format!("`{}` passes the test", reason.bypass(&needle));
            fact.notes.push(Note { at, text, kind: NoteKind::PrefixWithoutSeparator });
            cond.when_true = both(&cond.when_true, &self.implied(value, fact));
        }
        self.bool_with(None, cond)
    }

    pub(crate) fn host_subject(&self, value: &Val) -> Subject {
        let mut derived = value.text.as_deref().and_then(|text| text.base);
        // Blanks and case aside, a text is what it was: `urlparse(url).hostname.lower()`, `url.strip()`.
        while let Some((base, Transform::Cosmetic)) = derived {
            derived = self.derivations.get(&base).copied();
        }
        match derived {
            Some((_, Transform::UrlPart(UrlPart::Host))) => Subject::Host,
            _ => Subject::Text,
        }
    }

    /// Whether one of a tuple's elements, which may be tuples again, passes.
    fn any_passes(&mut self, tuple: &Val, span: Span, test: impl FnMut(&mut Self, &Val) -> Val) -> Val {
        self.inside(|interp| interp.each_passes(tuple, false, span, test)).unwrap_or_else(Val::any_bool)
    }

    /// `value.startsWith(prefix)`.
    pub(crate) fn starts_with(&mut self, value: &Val, prefix: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let (Some(text), Some(prefix)) = (value.literal(), prefix.literal()) {
            return Val::bool(text.starts_with(prefix));
        }
        if let Kind::Union(prefixes) = &prefix.kind {
            let is_own =
                |prefix: &&Val| matches!(prefix.kind, Kind::Obj(_)) || prefix.literal().is_some_and(looks_like_url);
            let own: Vec<Val> = prefixes.iter().filter(is_own).cloned().collect();
            if !own.is_empty() {
                return self.starts_with_own(value, &own, span);
            }
        }
        if let Kind::Obj(id) = prefix.kind
            && self.store.obj(id).is_sequence()
        {
            // Python: a tuple of prefixes.
            return self.any_passes(prefix, span, |interp, prefix| interp.starts_with(value, prefix, span));
        }
        if self.found.replay.is_some()
            && value.is_tainted()
            && prefix.taint.is_none()
            && prefix.literal().is_none()
            && let Some(text) = value.literal()
        {
            return Val::bool(crate::engine::report::is_in_replay_root(text));
        }
        let first = prefix.literal().and_then(|prefix| prefix.chars().next());
        let is_own = self.taint_now(value).is_none();
        // A witness that begins the text is a part of its known start.
        if (is_own || self.found.replay.is_some())
            && let Some(Part::Lit(start)) = value.text.as_deref().and_then(|text| text.parts.first())
            && let Some(prefix) = prefix.literal()
        {
            if start.starts_with(prefix) {
                return Val::bool(true);
            }
            if !prefix.starts_with(&**start) {
                return Val::bool(false);
            }
        }
        if is_own {
            return Val::any_bool();
        }
        if !self.is_own_directory(prefix) {
            return Val::any_bool();
        }
        let at = self.here(span);
        if let Some(text) = prefix.literal() {
            self.note_prefix(text);
        }
        if let Some(inside) = self.relative_test(value, prefix.literal(), at) {
            return self.bool_with(None, inside);
        }
        let props = self.props(value);
        let mut cond = Cond::default();
        // The other outcome: the first character.
        if let (Some(first), Some(text)) = (first, prefix.literal())
            && text.chars().count() == 1
        {
            let mut without = props.clone();
            without.first = props.first.minus(CharSet::single(first));
            if first == '/' {
                without.path.abs = path::Abs::Rel;
            }
            cond.when_false = self.implied_exactly(value, Fact::props(without, at));
            // What does not start with a sign once blanks are cut off does not start with it before.
            if first.is_ascii_punctuation() {
                let mut trimmed = StrProps::default();
                trimmed.first = trimmed.first.minus(CharSet::single(first));
                let fact = Rc::new(Fact::props(trimmed, at));
                let mut derived = value.text.as_deref().and_then(|text| text.base);
                while let Some((base, Transform::Cosmetic)) = derived {
                    cond.when_false = both(&cond.when_false, &vec![(base, fact.clone())]);
                    derived = self.derivations.get(&base).copied();
                }
            }
        }
        // Where a path is normalised, `..` leads or is not there.
        let climbs = matches!(prefix.literal(), Some(".." | "../"));
        if climbs && props.path.norm != path::Norm::Raw {
            let mut without = StrProps::default();
            without.path.dotdot =
                if prefix.literal() == Some("..") { path::DotDot::No } else { path::DotDot::LastOnly };
            let fact = Fact::props(without, at);
            cond.when_false = both(&cond.when_false, &self.implied_exactly(value, fact));
            // The text that was normalised climbs no higher than where it starts, unless it starts at the root.
            if let Some((base, Transform::SamePath)) = value.text.as_deref().and_then(|text| text.base)
                && prefix.literal() == Some("..")
                && props.path.abs == path::Abs::Rel
            {
                let mut inside = StrProps::default();
                inside.path.within = Within::Strong { dir: None, real: false };
                cond.when_false = both(&cond.when_false, &vec![(base, Rc::new(Fact::props(inside, at)))]);
            }
        }
        let mut fact = Fact::props(StrProps::default(), at);
        match prefix.literal() {
            Some(text) if looks_like_url(text) || self.host_subject(value) == Subject::Host => {
                // What begins with a scheme is a whole address, also in lower case.
                let subject = if text.contains("://") { Subject::Text } else { self.host_subject(value) };
                match grade_host_check(subject, HostCheck::StartsWith(text)) {
                    HostGrade::Strong => fact.props.url = UrlState::of_prefix(text, false),
                    HostGrade::Weak { why, bypass } => {
                        fact.props.url.host = Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
                        fact.notes.push(Note { at, text: why.explain().to_owned(), kind: NoteKind::WeakHost });
                    }
                    HostGrade::None => fact.props.url = UrlState::of_prefix(text, false),
                }
            }
            literal => {
                let is_path = literal.is_none_or(|text| text.contains('/') || text.contains('\\'));
                if is_path && literal != Some("/") && !climbs {
                    let prefix_props = self.props(prefix);
                    let check = path::PrefixCheck { value: &props.path, prefix: &prefix_props, or_equal: false };
                    let graded = path::grade_prefix(check);
                    let dir = self.dir_name(prefix);
                    match &graded {
                        path::Containment::Useless { example } => fact.notes.push(Note {
                            at,
                            text: format!("the prefix is tested before `..` is resolved; `{example}` passes"),
                            kind: NoteKind::Other,
                        }),
                        path::Containment::Weak(reason) => {
                            let text = format!("`{}` passes the prefix test", reason.bypass(&dir));
                            let note = Note { at, text, kind: NoteKind::PrefixWithoutSeparator };
                            self.found.weak_checks.push((dir.clone(), note.clone()));
                            fact.notes.push(note);
                        }
                        path::Containment::Strong { .. } => {}
                    }
                    fact.props.path.within = graded.within(Some(Rc::from(dir.as_str())));
                }
            }
        }
        if let Some(text) = prefix.literal()
            && let Some(first) = text.chars().next()
        {
            fact.props.first = CharSet::single(first);
        }
        cond.when_true = self.implied(value, fact);
        if let Some(path) = before_separator(value, prefix) {
            let inner = self.starts_with(&path, prefix, span);
            let implied = inner.cond.as_deref().map(|inner| &inner.when_true[..]).unwrap_or_default().to_vec();
            cond.when_true = both(&cond.when_true, &implied);
        }
        self.bool_with(None, cond)
    }

    /// A test for a prefix that is the program's own unless the administrator has set another: what the program's own
    /// proves is what the server comes with.
    fn starts_with_own(&mut self, value: &Val, own: &[Val], span: Span) -> Val {
        let tests: Vec<Val> = own.iter().map(|prefix| self.starts_with(value, prefix, span)).collect();
        let conds = tests.iter().map(|test| test.cond.as_deref().cloned().unwrap_or_default());
        let cond = conds.reduce(|a, b| Cond::of_either((None, Some(&a)), (None, Some(&b))));
        self.bool_with(None, cond.unwrap_or_default())
    }

    /// A test of `path.relative(root, x)` for `..`: when it fails, `x` is inside. (On Windows the result may also be
    /// absolute, for another drive; POSIX is what we judge by.)
    pub(super) fn relative_test(&self, value: &Val, needle: Option<&str>, at: manta_core::Location) -> Option<Cond> {
        let target = self.relative_paths.get(&value.vn)?;
        if !needle?.starts_with("..") {
            return None;
        }
        let real = self.props(target).path.norm == path::Norm::Real;
        let mut fact = Fact::props(StrProps::default(), at);
        fact.props.path.within = Within::Strong { dir: None, real };
        Some(Cond { when_false: self.implied(target, fact), ..Cond::default() })
    }

    /// `value.endsWith(suffix)`.
    pub(crate) fn ends_with(&mut self, value: &Val, suffix: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let (Some(text), Some(suffix)) = (value.literal(), suffix.literal()) {
            return Val::bool(text.ends_with(suffix));
        }
        if self.is_foreign(value, suffix) {
            return Val::bool(false);
        }
        if let Kind::Obj(id) = suffix.kind
            && self.store.obj(id).is_sequence()
        {
            return self.any_passes(suffix, span, |interp, suffix| interp.ends_with(value, suffix, span));
        }
        if self.taint_now(value).is_none()
            && value.vn != 0
            && let Some(last) = suffix.literal().and_then(|suffix| suffix.chars().next_back())
        {
            // Learnt for the program's own directories: `d.endsWith(sep) ? d : d + sep`.
            let at = self.here(span);
            let mut fact = Fact::props(StrProps::default(), at);
            fact.props.last = CharSet::single(last);
            let cond = Cond { when_true: self.implied_exactly(value, fact), ..Cond::default() };
            return self.bool_with(None, cond);
        }
        if self.taint_now(value).is_none() || self.taint_now(suffix).is_some() {
            return Val::any_bool();
        }
        let at = self.here(span);
        let mut fact = Fact::props(StrProps::default(), at);
        if let (Some(text), Some(asked)) = (suffix.literal(), self.found.asked()) {
            asked.suffix(text);
        }
        let subject = self.host_subject(value);
        match suffix.literal() {
            Some(text) => {
                if let Some(last) = text.chars().next_back() {
                    fact.props.last = CharSet::single(last);
                }
                match grade_host_check(subject, HostCheck::EndsWith(text)) {
                    HostGrade::Strong => fact.props.url.host = Host::AllowListed,
                    HostGrade::Weak { why, bypass } => {
                        fact.props.url.host = Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
                        fact.notes.push(Note { at, text: why.explain().to_owned(), kind: NoteKind::WeakHost });
                    }
                    HostGrade::None => {}
                }
            }
            // A suffix the program computes pins the host. A configured value without its leading dot would not, but
            // what an operator configures is not seen here and is not the caller's.
            None if subject == Subject::Host => fact.props.url.host = Host::AllowListed,
            None => return Val::any_bool(),
        }
        let cond = Cond { when_true: self.implied(value, fact), ..Cond::default() };
        self.bool_with(None, cond)
    }

    /// Whether a path may stand for a directory that the program chose: what the caller had a part in lies in one.
    pub(crate) fn is_own_directory(&self, dir: &Val) -> bool {
        self.taint_now(dir).is_none()
            || self.found.replay.is_none() && matches!(self.props(dir).path.within, Within::Strong { .. })
    }

    /// How the program names a directory, for messages.
    pub(crate) fn dir_name(&self, dir: &Val) -> String {
        if let Some(text) = dir.literal() {
            return text.to_owned();
        }
        if let Some(text) = dir.text.as_deref()
            && let Some(Part::Lit(start)) = text.parts.first()
            && start.len() > 1
        {
            return start.to_string();
        }
        "/safe".to_owned()
    }
}

fn looks_like_url(text: &str) -> bool {
    text.contains("://") || matches!(text, "http" | "https" | "http:" | "https:")
}

/// The path in `(path + "/").startsWith(root + "/")`: it is below the root, or the root itself.
fn before_separator(value: &Val, prefix: &Val) -> Option<Val> {
    let is_separator = |text: &str| matches!(text, "/" | "\\");
    let [Part::Hole(path), Part::Lit(end)] = value.text.as_deref()?.parts.as_slice() else { return None };
    let ends = match (prefix.literal(), prefix.text.as_deref().and_then(|text| text.parts.last())) {
        (Some(prefix), _) => prefix.len() > 1 && prefix.ends_with(&**end),
        (None, Some(Part::Lit(last))) => last.ends_with(&**end),
        (None, _) => false,
    };
    (is_separator(end) && ends).then(|| path.clone())
}
