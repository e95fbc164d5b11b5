//! Functions over regular expressions.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::regex::{Dialect, PythonMode, Regex};
use crate::domain::url::Scheme;
use crate::domain::{StrProps, path};
use crate::engine::calls::{concrete_matches, concrete_split};
use crate::engine::facts::{Cond, Fact, Note, NoteKind};
use crate::engine::formats::Changes;
use crate::engine::interp::{Args, Interp};
use crate::engine::value::{Kind, RegexVal, Transform, Val};
use crate::ir::{Lang, Symbol};

/// Most patterns that are kept parsed.
const MAX_PATTERNS: usize = 1_024;

/// Most places of one text that a function fills one by one.
const MOST_PLACES: usize = 32;

impl Interp<'_> {
    pub(crate) fn regex(
        &mut self,
        pattern: &str,
        flags: &str,
        lang: Lang,
        mode: crate::domain::regex::PythonMode,
    ) -> Option<Rc<Regex>> {
        let dialect = match lang {
            Lang::JavaScript => Dialect::JavaScript { flags },
            Lang::Python => Dialect::Python { mode, flags },
        };
        self.parsed_regex(pattern, &dialect)
    }

    /// A pattern, parsed once: its automata are built on first use and cost as much as a page of code.
    pub(super) fn parsed_regex(&mut self, pattern: &str, dialect: &Dialect<'_>) -> Option<Rc<Regex>> {
        let key = format!("{dialect:?} {pattern}");
        if let Some(known) = self.regexes.get(&key) {
            return known.clone();
        }
        let regex = Regex::new(pattern, dialect).ok().map(Rc::new);
        if self.regexes.len() < MAX_PATTERNS {
            self.regexes.insert(key, regex.clone());
        }
        regex
    }

    /// The properties of strings that pass a schema's pattern.
    pub(crate) fn regex_full_match(&mut self, pattern: &str, flags: &str, lang: Lang) -> Option<StrProps> {
        let dialect = match lang {
            Lang::JavaScript => Dialect::JavaScript { flags },
            Lang::Python => Dialect::Rust,
        };
        self.parsed_regex(pattern, &dialect).map(|regex| regex.if_match())
    }

    /// `regex.test(value)` and its relatives: a boolean with what it implies.
    pub(crate) fn regex_test(&mut self, regex: &Rc<Regex>, value: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if let Some(text) = value.literal() {
            if regex.surely_matches(text) {
                return Val::bool(true);
            }
            if !regex.may_match(text) {
                return Val::bool(false);
            }
            return Val::any_bool();
        }
        if self.taint_now(value).is_none() {
            return Val::any_bool();
        }
        if let Some(asked) = self.found.asked() {
            asked.test(regex);
        }
        let at = self.here(span);
        let facts = regex.facts();
        let if_match =
            if self.is_character(value) { StrProps::of_charset(facts.if_match.charset) } else { facts.if_match };
        let mut yes = Fact::props(if_match, at);
        let subject = self.host_subject(value);
        match regex.grade_host(subject) {
            crate::domain::url::HostGrade::Strong => yes.props.url.host = crate::domain::url::Host::AllowListed,
            crate::domain::url::HostGrade::Weak { why, bypass } => {
                yes.notes.push(Note {
                    at,
                    text: format!("{}; `{bypass}` passes", why.explain()),
                    kind: NoteKind::WeakHost,
                });
                yes.props.url.host = crate::domain::url::Host::WeaklyChecked { why, bypass: Rc::from(bypass.as_str()) };
            }
            crate::domain::url::HostGrade::None => {
                if !regex.is_anchored_start() || !regex.is_anchored_end() {
                    yes.notes.push(Note {
                        at,
                        text: "the pattern is not anchored at both ends".to_owned(),
                        kind: NoteKind::Regex,
                    });
                }
            }
        }
        let no = Fact::props(facts.if_no_match, at);
        let cond = Cond {
            when_true: self.implied(value, yes),
            when_false: self.implied_exactly(value, no),
            ..Cond::default()
        };
        self.bool_with(None, cond)
    }

    pub(super) fn regex_flags(&self, flags: &Val) -> String {
        match &flags.kind {
            Kind::Str => flags.literal().unwrap_or_default().to_owned(),
            Kind::Api(api, _) => {
                let name = self.apis.name(*api);
                python_flag(name.rsplit('.').next().unwrap_or_default()).to_owned()
            }
            _ => String::new(),
        }
    }

    /// `re.match(pattern, text)` and the like.
    pub(super) fn python_regex(&mut self, function: Symbol, args: &Args, span: Span) -> Option<Val> {
        let pattern = args.get(0)?.clone();
        let (pattern, mut flags) = match &pattern.kind {
            Kind::Regex(regex) => (regex.pattern.to_string(), regex.flags.to_string()),
            _ => (pattern.literal()?.to_owned(), String::new()),
        };
        let takes_replacement = matches!(function.as_str(), "sub" | "subn");
        let flag_at = if takes_replacement { 4 } else { 2 };
        if let Some(given) = args.named("flags").or_else(|| args.pos.get(flag_at)) {
            flags = self.regex_flags(&given.clone());
        }
        let rest = Args { pos: args.pos.iter().skip(1).cloned().collect(), ..args.clone() };
        self.python_regex_call(&pattern, &flags, function, &rest, span)
    }

    /// A method of a compiled Python pattern.
    pub(crate) fn python_regex_call(
        &mut self,
        pattern: &str,
        flags: &str,
        function: Symbol,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        use crate::domain::regex::PythonMode;
        let mode = match function.as_str() {
            "match" => PythonMode::Match,
            "fullmatch" => PythonMode::FullMatch,
            _ => PythonMode::Search,
        };
        match function.as_str() {
            "match" | "fullmatch" | "search" => {
                let value = args.get(0).or_else(|| args.named("string"))?.clone();
                let test = match self.regex(pattern, flags, Lang::Python, mode) {
                    Some(regex) => self.regex_test(&regex, &value, span),
                    None => Val::any_bool(),
                };
                if test.truth() == Some(false) {
                    return Some(Val::null());
                }
                let regex = RegexVal { pattern: pattern.into(), flags: flags.into() };
                Some(self.match_result(&regex, mode, &value, &test))
            }
            "sub" | "subn" => {
                let replacement = args.get(0)?.clone();
                let value = args.get(1).or_else(|| args.named("string"))?.clone();
                let regex = RegexVal { pattern: pattern.into(), flags: flags.into() };
                let result = self.regex_fill(&regex, &value, &replacement, true, span);
                if function.as_str() == "subn" {
                    return Some(self.new_array(vec![result, Val::of(Kind::Num(None))], None));
                }
                Some(result)
            }
            "split" => {
                let value = args.get(0).or_else(|| args.named("string"))?.clone();
                let props = match self.regex(pattern, flags, Lang::Python, mode) {
                    Some(regex) => {
                        let removed = regex.removed_characters();
                        StrProps::of_charset(self.props(&value).charset.minus(removed))
                    }
                    None => self.props(&value).slice(),
                };
                let piece = self.text_val(props, &value);
                Some(self.new_array(Vec::new(), Some(piece)))
            }
            "findall" | "finditer" => {
                let value = args.get(0).or_else(|| args.named("string"))?.clone();
                let regex = RegexVal { pattern: pattern.into(), flags: flags.into() };
                let piece = if function.as_str() == "findall" {
                    self.any_match(&regex, &value)
                } else {
                    self.match_result(&regex, mode, &value, &Val::any_bool())
                };
                Some(self.new_array(Vec::new(), Some(piece)))
            }
            _ => None,
        }
    }

    /// The replacement on a concrete text, when the pattern can be run.
    pub(crate) fn concrete_replace(
        &mut self,
        regex: &RegexVal,
        text: &str,
        with: &str,
        global: bool,
    ) -> Option<String> {
        let (pattern, flags) = (&*regex.pattern, &*regex.flags);
        if text.len() > 4_096 || pattern.len() > 1_024 || with.len() > 1_024 {
            return None;
        }
        let letters: String = flags.chars().filter(|flag| matches!(flag, 'i' | 'm' | 's' | 'x')).collect();
        let inline = if letters.is_empty() { pattern.to_owned() } else { format!("(?{letters}){pattern}") };
        let known = self.runnable.get(&inline).cloned();
        let regex = known.unwrap_or_else(|| {
            let regex = fancy_regex::Regex::new(&inline).ok().map(Rc::new);
            if self.runnable.len() < MAX_PATTERNS {
                self.runnable.insert(inline, regex.clone());
            }
            regex
        });
        let regex = regex?;
        // A backtracking engine at work, if within bounds.
        self.charge(1_024);
        // `$1`, `$&` and `\1` become the reference syntax of the crate.
        let mut template = String::new();
        let marker = if self.lang() == Lang::Python { '\\' } else { '$' };
        let mut chars = with.chars().peekable();
        while let Some(c) = chars.next() {
            match (c == marker, chars.peek()) {
                (true, Some(digit)) if digit.is_ascii_digit() => {
                    template.push_str(&format!("${{{digit}}}"));
                    chars.next();
                }
                (true, Some('&')) => {
                    template.push_str("${0}");
                    chars.next();
                }
                _ if c == '$' => template.push_str("$$"),
                _ => template.push(c),
            }
        }
        let limit = if global { 0 } else { 1 };
        regex.try_replacen(text, limit, template.as_str()).ok().map(std::borrow::Cow::into_owned)
    }

    /// What a function puts in place of a match.
    pub(crate) fn inserted(&mut self, value: &Val, function: &Val, span: Span) -> Val {
        // A part of a known text is not the text.
        let is_part = value.literal().is_some();
        let part = if is_part { Val::with_props(StrProps::default()).tainted_by(value) } else { value.clone() };
        let args = Args { rest: Some(part), ..Args::default() };
        let inserted = self.call_value(function, None, args, span);
        Val { kind: Kind::Str, vn: self.store.fresh_vn(), ..self.to_text(&inserted) }
    }

    /// `"{name} -l".replace(/\{(\w+)\}/g, (all, name) => values[name])`: a text that is known, so the function is asked for
    /// each of its places.
    fn filled_by(&mut self, regex: &RegexVal, value: &Val, function: &Val, global: bool, span: Span) -> Option<Val> {
        let text = value.literal().filter(|_| self.lang() == Lang::JavaScript)?.to_owned();
        let mut matches = concrete_matches(&regex.pattern, &regex.flags, &text)?;
        matches.truncate(if global { usize::MAX } else { 1 });
        if matches.len() > MOST_PLACES {
            return None;
        }
        let (mut pieces, mut from) = (Vec::new(), 0);
        for (at, groups) in matches {
            pieces.push(Val::str(&text[from..at.start]));
            let group =
                |text: Option<String>| text.map_or_else(Val::undefined, |text| Val::str(&text).tainted_by(value));
            let mut pos: Vec<Val> = groups.into_iter().map(group).collect();
            pos.push(Val::of(Kind::Num(None)));
            pos.push(value.clone());
            let inserted = self.call_value(function, None, Args::of(pos), span);
            pieces.push(self.to_text(&inserted));
            from = at.end;
        }
        pieces.push(Val::str(&text[from..]));
        Some(self.concat(&pieces, span).tainted_by(value))
    }

    /// Replacement of what a pattern matches by a value, or by what a function gives.
    pub(crate) fn regex_fill(
        &mut self,
        regex: &RegexVal,
        value: &Val,
        replacement: &Val,
        global: bool,
        span: Span,
    ) -> Val {
        if self.is_callable(replacement)
            && let Some(filled) = self.filled_by(regex, value, replacement, global, span)
        {
            return filled;
        }
        let replacement =
            &if self.is_callable(replacement) { self.inserted(value, replacement, span) } else { replacement.clone() };
        let strips = regex.pattern.contains(r"\.\.") && regex.pattern.contains('/');
        self.note_changes(Changes { strips, ..Changes::default() });
        // Filling the places of a template that the program spells out is a concatenation.
        if value.taint.is_none()
            && self.taint_now(replacement).is_some()
            && let Some(pieces) = value.literal().and_then(|text| concrete_split(&regex.pattern, &regex.flags, text))
        {
            let filled = pieces.iter().enumerate().flat_map(|(index, piece)| {
                let before = (index > 0).then(|| replacement.clone());
                before.into_iter().chain([Val::str(piece)])
            });
            let filled: Vec<Val> = filled.collect();
            return self.concat(&filled, span);
        }
        if value.taint.is_none()
            && let Some(filled) = self.filled_template(value, replacement)
        {
            return filled;
        }
        if self.lang() == Lang::JavaScript
            && let Some(stripped) = self.replaced_start(value, regex, replacement, span)
        {
            return stripped;
        }
        self.regex_replace(regex, value, replacement, global, span)
    }

    /// Replacement of what a pattern matches by a value.
    fn regex_replace(&mut self, regex: &RegexVal, value: &Val, replacement: &Val, global: bool, span: Span) -> Val {
        let value = self.current(value);
        if let Kind::Union(values) = &value.kind {
            let values: Vec<Val> = values.to_vec();
            let results: Vec<Val> =
                values.iter().map(|value| self.regex_replace(regex, value, replacement, global, span)).collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        let parsed = self.regex(&regex.pattern, &regex.flags, self.lang(), PythonMode::Search);
        if global
            && let (Some(parsed), Some(with)) = (&parsed, replacement.literal())
            && parsed.escapes(with)
            && let Some(pieces) = self.pieces(&value)
        {
            let escaped: Vec<Val> =
                pieces.iter().map(|piece| self.regex_replace(regex, piece, replacement, global, span)).collect();
            return self.concat(&escaped, span).tainted_by(&value);
        }
        let own = self.props(&value);
        if let (Some(text), Some(parsed)) = (value.literal(), &parsed)
            && !parsed.may_match(text)
        {
            return value;
        }
        if let (Some(text), Some(with)) = (value.literal(), replacement.literal())
            && let Some(replaced) = self.concrete_replace(regex, text, with, global)
        {
            let vn = self.store.fresh_vn();
            return Val { taint: value.taint, step: value.step, vn, ..Val::str(&replaced) };
        }
        let mut props = match (&parsed, replacement.literal()) {
            (Some(parsed), Some(text)) => parsed.replace(&own, text, global),
            (None, Some(text)) => own.replace_some(&StrProps::exact(text)),
            // What a value inserts is unknown, but what was removed is removed.
            (Some(_), None) => own.replace_some(&self.props(replacement)),
            (None, None) => StrProps::default(),
        };
        // Escaping what has no place in a scheme leaves the scheme.
        if own.url.scheme != Scheme::Unknown
            && parsed.is_some_and(|parsed| {
                let removed = parsed.removed_characters();
                !removed.is_empty() && removed.excludes(":/") && removed.minus(crate::domain::CharSet::ALNUM) == removed
            })
        {
            props.url.scheme = own.url.scheme;
        }
        // Cosmetic changes of an absolute, normalised path (quotes, drive letters, doubled separators) leave it the same
        // file, so a check of the result is a check of the path. Raw paths get no such trust: a replacement can make
        // or hide a `..` there.
        let is_normal = own.path.norm != path::Norm::Raw && self.taint_now(replacement).is_none();
        let replaced = if is_normal {
            let mut kept = props;
            kept.path = own.path.clone();
            self.derived(kept, &value, Transform::SamePath)
        } else {
            self.text_val(props, &value)
        };
        let replaced = Val { taint: replaced.taint.union(self.taint_now(replacement)), ..replaced };
        self.through(replaced, span, "replace")
    }
}

fn python_flag(name: &str) -> &'static str {
    match name {
        "I" | "IGNORECASE" => "i",
        "M" | "MULTILINE" => "m",
        "S" | "DOTALL" => "s",
        "X" | "VERBOSE" => "x",
        "A" | "ASCII" => "a",
        _ => "",
    }
}
