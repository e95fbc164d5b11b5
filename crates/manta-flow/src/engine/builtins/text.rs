//! Methods of texts.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::props::StrProps;
use crate::domain::{CharSet, path};
use crate::engine::api::ApiStep;
use crate::engine::facts::{Cond, Fact};
use crate::engine::interp::{Args, Interp};
use crate::engine::slices::key_index;
use crate::engine::value::{Kind, Part, RegexVal, Transform, Val, Vn};
use crate::ir::Symbol;

impl Interp<'_> {
    pub(crate) fn js_text_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        let props = |interp: &Self| interp.props(value);
        Some(match name.as_str() {
            // `buffer.toString("base64")`: bytes are texts here, and the encoding says which characters come out.
            "toString" if encoded_as(first.as_ref()).is_some() && value.literal().is_none() => {
                let charset = encoded_as(first.as_ref())?;
                self.text_val(StrProps::of_charset(charset), value)
            }
            // Whoever has this method is a number.
            "toFixed" | "toPrecision" | "toExponential" if value.is_tainted() && value.text.is_none() => {
                self.text_val(StrProps { max_len: None, ..StrProps::number() }, value)
            }
            "toString" | "valueOf" | "toFixed" | "toJSON" | "normalize" | "toWellFormed"
                if !matches!(value.kind, Kind::Unknown) || name.as_str() == "toString" =>
            {
                self.to_text(value)
            }
            "trim" => self.trimmed(value, span),
            "trimStart" | "trimEnd" => self.same_text(value, |props| props.trim(), str::trim),
            "toLowerCase" | "toLocaleLowerCase" => self.same_text(value, StrProps::lower, |text| text),
            "toUpperCase" | "toLocaleUpperCase" => self.text_op(value, StrProps::upper),
            "startsWith" => self.starts_with(value, &first?, span),
            "endsWith" => self.ends_with(value, &first?, span),
            "includes" => self.contains_text(value, &first?, span),
            "indexOf" if let Some(at) = first_index(value, first.as_ref()?) => Val::num(at),
            "indexOf" | "search" | "lastIndexOf" => {
                let needle = first?;
                if let Some(position) = self.exact_position(value, &needle, name.as_str() == "lastIndexOf") {
                    return Some(Val::num(position));
                }
                let test = match &needle.kind {
                    Kind::Regex(regex) => {
                        let regex = regex.clone();
                        self.js_regex_test(&regex, value, span)
                    }
                    _ => self.contains_text(value, &needle, span),
                };
                let vn = self.store.fresh_vn();
                if name.as_str() == "indexOf" {
                    self.searches.insert(vn, (value.clone(), needle));
                }
                Val { vn, cond: test.cond, ..Val::of(Kind::Num(None)) }
            }
            "replace" | "replaceAll" => {
                let pattern = first?;
                let replacement = args.get(1).cloned().unwrap_or_else(Val::unknown);
                self.js_replace(value, &pattern, &replacement, name.as_str() == "replaceAll", span)
            }
            "split" => {
                if matches!(value.kind, Kind::Unknown) && !value.is_tainted() {
                    return None;
                }
                self.split_text(value, first.as_ref(), span)
            }
            "slice" | "substring" | "substr" => {
                let second = match (name.as_str(), args.get(1)) {
                    // Its second argument is a length.
                    ("substr", Some(length)) => Some(match (first.as_ref().and_then(key_index), key_index(length)) {
                        (Some(from @ 0..), Some(length @ 0..)) => Val::of(Kind::Num(Some((from + length) as f64))),
                        _ => Val::of(Kind::Num(None)),
                    }),
                    (_, second) => second.cloned(),
                };
                return Some(self.slice(&self.as_text(value), first.as_ref(), second.as_ref(), span));
            }
            "charAt" | "at" => match &first {
                Some(at) => self.character(value, at),
                None => self.character(value, &Val::of(Kind::Num(Some(0.0)))),
            },
            "padStart" | "padEnd" | "repeat" => {
                let added = first.map_or_else(|| StrProps::exact(" "), |value| self.props(&value));
                let props = props(self).replace_some(&added);
                self.text_val(props, value)
            }
            "concat" => {
                if !matches!(value.kind, Kind::Str) {
                    return None;
                }
                let mut all = vec![value.clone()];
                all.extend(args.pos.iter().cloned());
                self.concat(&all, span)
            }
            "match" | "matchAll" => match first?.kind {
                Kind::Regex(regex) => {
                    let test = self.js_regex_test(&regex, value, span);
                    if test.truth() == Some(false) {
                        return Some(Val::null());
                    }
                    let mode = crate::domain::regex::PythonMode::Search;
                    if name.as_str() == "matchAll" {
                        let each = self.match_result(&regex, mode, value, &Val::any_bool());
                        self.new_array(Vec::new(), Some(each))
                    } else if regex.flags.contains('g') {
                        let each = self.any_match(&regex, value);
                        let list = self.new_array(Vec::new(), Some(each));
                        Val { cond: test.cond, ..list }
                    } else {
                        self.match_result(&regex, mode, value, &test)
                    }
                }
                _ => return None,
            },
            "charCodeAt" | "codePointAt" | "localeCompare" => Val::of(Kind::Num(None)),
            _ => return None,
        })
    }

    /// Where a known text holds another one, or matches a pattern: -1 when nowhere.
    fn exact_position(&self, value: &Val, needle: &Val, is_last: bool) -> Option<f64> {
        let text = value.literal()?;
        let at = match &needle.kind {
            Kind::Regex(regex) => crate::engine::calls::concrete_find(&regex.pattern, &regex.flags, text)?,
            _ if is_last => text.rfind(needle.literal()?),
            _ => text.find(needle.literal()?),
        };
        let units = at.map(|at| text[..at].encode_utf16().count());
        Some(units.map_or(-1.0, |units| f64::from(u32::try_from(units).unwrap_or(u32::MAX))))
    }

    pub(crate) fn py_text_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "strip" | "lstrip" | "rstrip" => match &first {
                None if name.as_str() == "strip" => self.trimmed(value, span),
                None => self.same_text(value, |props| props.trim(), str::trim),
                Some(characters) if is_composed(value) => {
                    let characters = characters.literal().unwrap_or_default().to_owned();
                    self.strip_ends(value, name.as_str(), &characters, span)
                }
                Some(characters) => {
                    let own = self.props(value);
                    let props = match characters.literal() {
                        Some(set) => {
                            own.strip_chars(CharSet::of(set), name.as_str() != "rstrip", name.as_str() != "lstrip")
                        }
                        None => own.slice(),
                    };
                    self.text_val(props, value)
                }
            },
            "lower" | "casefold" => self.same_text(value, StrProps::lower, |text| text),
            "upper" | "title" | "capitalize" | "swapcase" => self.text_op(value, StrProps::upper),
            "startswith" => self.starts_with(value, &first?, span),
            "endswith" => self.ends_with(value, &first?, span),
            "__contains__" => self.contains_text(value, &first?, span),
            "find" | "index" if let Some(at) = first_index(value, first.as_ref()?) => Val::num(at),
            "find" | "index" | "rfind" | "count" => {
                let needle = first?;
                let test = self.contains_text(value, &needle, span);
                let vn = self.store.fresh_vn();
                if matches!(name.as_str(), "find" | "index") {
                    self.searches.insert(vn, (value.clone(), needle));
                }
                Val { vn, cond: test.cond, ..Val::of(Kind::Num(None)) }
            }
            "replace" if args.pos.len() >= 2 => {
                let replacement = args.get(1).cloned().unwrap_or_else(Val::unknown);
                self.replace_text(value, &first?, &replacement, args.get(2).is_none())
            }
            "split" | "rsplit" | "splitlines" | "partition" | "rpartition" => {
                let default = Val::str(if name.as_str() == "splitlines" { "\n" } else { " " });
                let pieces = self.split_text(value, Some(&first.unwrap_or(default)), span);
                let is_limited =
                    name.as_str().ends_with("partition") || args.get(1).or(args.named("maxsplit")).is_some();
                if is_limited { self.unsplit(value, &pieces, name.as_str().starts_with('r')) } else { pieces }
            }
            "join" => {
                let separator = value.literal().unwrap_or("").to_owned();
                self.join_array(&first?, &separator)
            }
            "format" => self.brace_format(value, args, span),
            "format_map" => {
                let fields = match first?.kind {
                    Kind::Obj(id) => self.store.obj_rc(id).fields.clone().into_iter().collect(),
                    _ => Vec::new(),
                };
                let args = Args { named: fields, named_rest: args.get(0).cloned(), ..Args::default() };
                self.brace_format(value, &args, span)
            }
            "encode" | "decode" | "__str__" | "as_posix" | "expandtabs" | "to_text" => self.to_text(value),
            "removeprefix" | "removesuffix" | "zfill" | "ljust" | "rjust" | "center" | "translate" => {
                let props = self.props(value).slice();
                let props =
                    if matches!(name.as_str(), "zfill") { props.replace_some(&StrProps::exact("0")) } else { props };
                self.text_val(props, value)
            }
            "isalnum" | "isalpha" | "isdigit" | "isdecimal" | "isnumeric" | "isidentifier" | "isascii" | "isupper"
            | "islower" => self.char_class_test(value, name.as_str(), span),
            // pathlib: paths are strings here.
            "resolve" if self.found.replay.is_some() && value.literal().is_some() => {
                self.path_operation(crate::engine::models::Effect::PathResolve, &[self.as_text(value)], span)
            }
            "resolve" => {
                let value = self.as_text(value);
                let resolved = self.path_derived(&value, |props| path::absolute(props, path::Norm::Real));
                self.through(resolved, span, "Path.resolve")
            }
            "absolute" => {
                let value = self.as_text(value);
                self.path_derived(&value, |props| {
                    let mut props = props.clone();
                    props.path.abs = path::Abs::Abs;
                    props
                })
            }
            "expanduser" | "expandvars" => self.expand_path(&self.as_text(value)),
            "joinpath" => {
                let mut operands = vec![self.as_text(value)];
                operands.extend(self.spread_args(args));
                self.path_join(&operands, span)
            }
            "with_suffix" | "with_name" | "with_stem" => {
                let given = first?;
                let parent = self.path_parent(value);
                if self.taint_now(&given).is_some() {
                    self.path_join(&[parent, given], span)
                } else {
                    let value = self.as_text(value);
                    self.path_derived(&value, StrProps::clone)
                }
            }
            "is_relative_to" => self.path_inside_test(value, &first?, span),
            "relative_to" => {
                // Raises unless inside: coming back is the proof.
                let test = self.path_inside_test(value, &first?, span);
                if test.truth() == Some(false) {
                    self.raise_here();
                }
                if let Some(cond) = test.cond.clone() {
                    self.assume(&cond.when_true);
                }
                let mut props = self.props(value).slice();
                props.path.abs = path::Abs::Rel;
                if self.props(value).path.norm != path::Norm::Raw {
                    props.path.dotdot = path::DotDot::No;
                }
                self.text_val(props, value)
            }
            "is_absolute" => {
                let at = self.here(span);
                let mut yes = Fact::props(StrProps::default(), at);
                yes.props.path.abs = path::Abs::Abs;
                let mut no = Fact::props(StrProps::default(), at);
                no.props.path.abs = path::Abs::Rel;
                if let Some(text) = self.current(value).literal() {
                    return Some(Val::bool(text.starts_with('/')));
                }
                let cond = Cond {
                    when_true: self.implied_exactly(value, yes),
                    when_false: self.implied_exactly(value, no),
                    ..Cond::default()
                };
                self.bool_with(None, cond)
            }
            "exists" | "is_file" | "is_dir" | "is_symlink" | "is_mount" => Val::any_bool(),
            "model_dump" | "dict" | "copy" => value.clone(),
            // One target, or it is the `replace` of a date or of something else that has fields.
            "rename" | "replace" if args.pos.len() != 1 && args.named("target").is_none() && args.rest.is_none() => {
                return None;
            }
            "read_text" | "write_text" | "read_bytes" | "write_bytes" | "open" | "mkdir" | "unlink" | "glob"
            | "rglob" | "iterdir" | "rename" | "touch" | "rmdir" | "stat" | "replace" | "symlink_to"
            | "hardlink_to" | "chmod" | "lstat" | "samefile" => return self.path_method(value, name, args, span),
            _ => return None,
        })
    }

    /// A pathlib method that touches the file system: judged by its model row.
    fn path_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        if matches!(value.kind, Kind::Unknown) && !value.is_tainted() {
            return None;
        }
        let root = self.apis.root(Symbol::new("pathlib"));
        let class = self.apis.step(root, ApiStep::Field(Symbol::new("Path")));
        let made = self.apis.step(class, ApiStep::Call);
        let api = self.apis.step(made, ApiStep::Field(name));
        let this = self.as_text(value);
        let result = self.call_api(api, None, Some(this.clone()), args.clone(), span, false);
        Some(match name.as_str() {
            // Entries below a directory are paths again, contained where the directory is.
            "iterdir" | "glob" | "rglob" => {
                let mut props = self.props(&this).slice();
                props.path = self.props(&this).path;
                let entry = Val { vn: self.store.fresh_vn(), ..Val::with_props(props) };
                self.new_array(Vec::new(), Some(entry))
            }
            "rename" | "replace" => args.get(0).cloned().unwrap_or(result),
            _ => result,
        })
    }

    pub(crate) fn as_text(&self, value: &Val) -> Val {
        if matches!(value.kind, Kind::Unknown) { Val { kind: Kind::Str, ..value.clone() } } else { value.clone() }
    }

    /// A function that changes the text slightly, after which checks of the result still speak of the argument's file
    /// or host.
    fn same_text(
        &mut self,
        value: &Val,
        props: impl Fn(&StrProps) -> StrProps,
        concrete: impl Fn(&str) -> &str,
    ) -> Val {
        if let Some(text) = value.literal() {
            let changed = props(&StrProps::exact(text));
            let text = changed.as_literal().map_or_else(|| concrete(text).to_owned(), str::to_owned);
            return Val { taint: value.taint, step: value.step, vn: value.vn, ..Val::str(&text) };
        }
        let value = self.current(value);
        let own = self.props(&value);
        let changed = props(&own);
        if own.path.norm != path::Norm::Raw && value.vn != 0 {
            let kept = StrProps { path: own.path.clone(), ..changed };
            return self.derived(kept, &value, Transform::SamePath);
        }
        // Lower-casing keeps the host and, on file systems that matter, not the file: no path facts carry over.
        let base = value.text.as_deref().and_then(|text| text.base);
        let own = (value.vn != 0 && value.is_tainted()).then_some((value.vn, Transform::Cosmetic));
        let mut result = self.text_val(changed, &value);
        if let Some(base) = base.or(own)
            && let Some(text) = &result.text
        {
            result.text = Some(Rc::new(crate::engine::value::Text { base: Some(base), ..(**text).clone() }));
        }
        result
    }

    fn text_op(&mut self, value: &Val, props: impl Fn(&StrProps) -> StrProps) -> Val {
        let own = self.props(value);
        let changed = props(&own);
        if let (Some(text), Some(_)) = (changed.as_literal(), value.literal()) {
            return Val { taint: value.taint, step: value.step, vn: value.vn, ..Val::str(text) };
        }
        self.text_val(changed, value)
    }

    fn char_class_test(&mut self, value: &Val, name: &str, span: Span) -> Val {
        let value = &self.current(value);
        // Python's classes include letters and digits of all scripts.
        let letters = CharSet::ALNUM.minus(CharSet::DIGITS).union(CharSet::NON_ASCII);
        let charset = match name {
            "isalnum" => CharSet::ALNUM.union(CharSet::NON_ASCII),
            "isalpha" => letters,
            "isdigit" | "isdecimal" | "isnumeric" => CharSet::DIGITS.union(CharSet::NON_ASCII),
            "isidentifier" => CharSet::WORD.union(CharSet::NON_ASCII),
            "isascii" => CharSet::ASCII,
            _ => return Val::any_bool(),
        };
        if let Some(text) = value.literal() {
            return Val::bool(charset.admits(text) && (!text.is_empty() || name == "isascii"));
        }
        if self.taint_now(value).is_none() {
            return Val::any_bool();
        }
        let at = self.here(span);
        let mut props = StrProps::of_charset(charset);
        if name != "isascii" {
            props.min_len = 1;
        }
        let fact = Fact::props(props, at);
        let cond = Cond { when_true: self.implied(value, fact), ..Cond::default() };
        self.bool_with(None, cond)
    }

    /// `path.is_relative_to(dir)`.
    pub(crate) fn path_inside_test(&mut self, value: &Val, dir: &Val, span: Span) -> Val {
        let value = &self.current(value);
        if self.found.replay.is_some()
            && value.is_tainted()
            && let Some(text) = value.literal()
        {
            let inside = match dir.literal().filter(|_| dir.taint.is_none()) {
                Some(dir) => text == dir || text.starts_with(&format!("{}/", dir.trim_end_matches('/'))),
                None => crate::engine::report::is_in_replay_root(text),
            };
            return Val::bool(inside);
        }
        if self.taint_now(value).is_none() || !self.is_own_directory(dir) {
            return Val::any_bool();
        }
        let at = self.here(span);
        let state = self.props(value).path;
        let mut fact = Fact::props(StrProps::default(), at);
        let is_normal = state.norm != path::Norm::Raw || state.dotdot == path::DotDot::No;
        if is_normal {
            let name = self.dir_name(dir);
            fact.props.path.within =
                path::Within::Strong { dir: Some(Rc::from(name.as_str())), real: state.norm == path::Norm::Real };
        } else {
            fact.notes.push(crate::engine::facts::Note {
                at,
                text: "the path is compared before `..` is resolved".to_owned(),
                kind: crate::engine::facts::NoteKind::Other,
            });
        }
        let cond = Cond { when_true: self.implied(value, fact), ..Cond::default() };
        self.bool_with(None, cond)
    }

    pub(crate) fn split_text(&mut self, value: &Val, separator: Option<&Val>, span: Span) -> Val {
        let value = self.as_text(&self.current(value));
        if separator.and_then(Val::literal) == Some("") && (value.literal().is_none() || !value.is_tainted()) {
            let (spelled, each) = self.characters_of(&value);
            return self.new_array(spelled, each);
        }
        let own = self.props(&value);
        let (props, text) = match separator.map(|separator| (&separator.kind, separator.literal())) {
            Some((_, Some(text))) => (own.split_removing(text), Some(text.to_owned())),
            Some((Kind::Regex(regex), _)) => {
                let lang = self.lang();
                let mode = crate::domain::regex::PythonMode::Search;
                match self.regex(&regex.pattern, &regex.flags, lang, mode) {
                    Some(regex) => (StrProps::of_charset(own.charset.minus(regex.removed_characters())), None),
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
        self.new_array(pieces, Some(piece))
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
    fn unsplit(&mut self, value: &Val, pieces: &Val, from_right: bool) -> Val {
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

    fn js_replace(&mut self, value: &Val, pattern: &Val, replacement: &Val, all: bool, span: Span) -> Val {
        match &pattern.kind {
            Kind::Regex(regex) => self.regex_fill(regex, value, replacement, regex.flags.contains('g'), span),
            _ if self.is_callable(replacement) => {
                let inserted = self.inserted(value, replacement, span);
                self.replace_text(value, pattern, &inserted, all)
            }
            _ => self.replace_text(value, pattern, replacement, all),
        }
    }

    /// `text.replace(/^-+/, "")` of a composed text whose constant start goes on behind what is replaced.
    pub(crate) fn replaced_start(&mut self, value: &Val, regex: &RegexVal, with: &Val, span: Span) -> Option<Val> {
        let (start, with) = (known_start(value)?, with.literal().filter(|with| !with.contains('$'))?);
        leading_atom(&regex.pattern).filter(|_| regex.flags.is_empty())?;
        let behind = self.concrete_replace(regex, start, "", false)?;
        let replaced = if behind.len() < start.len() { format!("{with}{behind}") } else { behind.clone() };
        let rest = value.text.as_deref()?.parts.iter().skip(1).map(|part| match part {
            Part::Lit(text) => Val::str(text),
            Part::Hole(hole) => hole.clone(),
        });
        let pieces: Vec<Val> = std::iter::once(Val::str(&replaced)).chain(rest).collect();
        (!behind.is_empty()).then(|| self.concat(&pieces, span).tainted_by(value))
    }

    fn replace_text(&mut self, value: &Val, needle: &Val, replacement: &Val, all: bool) -> Val {
        let value = self.current(value);
        let own = self.props(&value);
        let inserted = self.props(replacement);
        if let (Some(text), Some(needle), Some(with)) = (value.literal(), needle.literal(), replacement.literal()) {
            let text = if all { text.replace(needle, with) } else { text.replacen(needle, with, 1) };
            return Val { taint: value.taint, step: value.step, vn: self.store.fresh_vn(), ..Val::str(&text) };
        }
        let props = match needle.literal() {
            Some(needle) if all && replacement.literal().is_some() => {
                own.replace_all_text(needle, replacement.literal().unwrap_or_default())
            }
            _ => own.replace_some(&inserted),
        };
        // Replacing a placeholder of a constant template by an untrusted value is a concatenation.
        if value.taint.is_none()
            && self.taint_now(replacement).is_some()
            && let (Some(text), Some(needle)) = (value.literal(), needle.literal())
            && !needle.is_empty()
        {
            let mut pieces = Vec::new();
            for (index, piece) in text.split(needle).enumerate() {
                if index > 0 {
                    pieces.push(replacement.clone());
                }
                pieces.push(Val::str(piece));
            }
            return self.concat(&pieces, Span::default());
        }
        if let Some(filled) = self.filled_template(&value, replacement) {
            return filled;
        }
        if let (Some(needle), Some(_)) = (needle.literal(), replacement.literal()) {
            return self.derived(props, &value, Transform::Without(CharSet::of(needle)));
        }
        let taint = self.taint_now(&value).union(self.taint_now(replacement));
        let step = if value.taint.is_some() { value.step } else { replacement.step };
        Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) }
    }

    /// `strip`, `lstrip`, `rstrip` of a concatenation: the pieces at its ends get shorter.
    fn trimmed(&mut self, value: &Val, span: Span) -> Val {
        const BLANKS: &str = " \t\n\r\x0b\x0c";
        let parts = value.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
        match parts {
            [Part::Lit(start), .., Part::Lit(end)] => {
                let is_trimmed = !start.starts_with(char::is_whitespace) && !end.ends_with(char::is_whitespace);
                if is_trimmed { value.clone() } else { self.strip_ends(value, "strip", BLANKS, span) }
            }
            _ => self.same_text(value, |props| props.trim(), str::trim),
        }
    }

    fn strip_ends(&mut self, value: &Val, method: &str, characters: &str, span: Span) -> Val {
        let mut parts = value.text.as_deref().map(|text| text.parts.to_vec()).unwrap_or_default();
        let last = parts.len() - 1;
        for (at, is_left) in [(0, true), (last, false)] {
            if method == if is_left { "rstrip" } else { "lstrip" } {
                continue;
            }
            parts[at] = match &parts[at] {
                Part::Lit(text) if is_left => Part::Lit(text.trim_start_matches(|c| characters.contains(c)).into()),
                Part::Lit(text) => Part::Lit(text.trim_end_matches(|c| characters.contains(c)).into()),
                Part::Hole(hole) => {
                    let props = self.props(hole).slice();
                    Part::Hole(self.text_val(props, hole))
                }
            };
        }
        let pieces: Vec<Val> = parts
            .into_iter()
            .map(|part| match part {
                Part::Lit(text) => Val::arc_str(text),
                Part::Hole(hole) => hole,
            })
            .collect();
        self.concat(&pieces, span)
    }

    /// A placeholder in a template that the program does not spell out (`path.replace("{id}", id)` with a path from a
    /// description) is replaced by an untrusted value: what is behind it stays the program's, and it may stand at the
    /// very beginning.
    pub(crate) fn filled_template(&mut self, template: &Val, replacement: &Val) -> Option<Val> {
        if self.taint_now(replacement).is_none() || self.found.replay.is_some() {
            return None;
        }
        let parts = template.text.as_deref().map(|text| text.parts.to_vec()).unwrap_or_default();
        let mut pieces: Vec<Val> = match (template.taint.is_none(), parts.as_slice()) {
            (true, _) => Vec::new(),
            (false, [_, _, ..]) if parts.len() < 24 => {
                let inserted = self.props(replacement);
                let piece = |interp: &mut Self, part: Part| match part {
                    Part::Lit(text) => Val::arc_str(text),
                    Part::Hole(hole) if interp.taint_now(&hole).is_none() => hole,
                    Part::Hole(hole) => {
                        let props = interp.props(&hole).replace_some(&inserted);
                        interp.text_val(props, &hole)
                    }
                };
                parts.into_iter().map(|part| piece(self, part)).collect()
            }
            _ => return None,
        };
        let rest = Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) };
        pieces.extend([replacement.clone(), rest]);
        Some(self.concat(&pieces, Span::default()))
    }
}

/// `text.indexOf(part)`, where the text is known or begins with what is looked for in its known part; -1 when it is
/// nowhere in a known text.
fn first_index(text: &Val, part: &Val) -> Option<f64> {
    let part = part.literal()?;
    let (start, is_whole) = match text.literal() {
        Some(text) => (text, true),
        None => (known_start(text)?, false),
    };
    match start.find(part) {
        Some(at) => Some(f64::from(u32::try_from(start[..at].encode_utf16().count()).unwrap_or(u32::MAX))),
        None => is_whole.then_some(-1.0),
    }
}

/// Whether a text is known as a concatenation.
pub(crate) fn is_composed(value: &Val) -> bool {
    value.text.as_deref().is_some_and(|text| text.parts.len() > 1)
}

/// The constant text that a composed one begins with.
fn known_start(value: &Val) -> Option<&str> {
    match value.text.as_deref()?.parts.as_slice() {
        [Part::Lit(start), _, ..] => Some(start),
        _ => None,
    }
}

/// The only atom of a pattern, repeated or not, at the start of a text: `^-+`, `^[/.]*`. Where its match ends within the
/// constant start of a composed text, it ends there whatever follows.
fn leading_atom(pattern: &str) -> Option<&str> {
    let atom = pattern.strip_prefix('^')?;
    let length = match atom.as_bytes() {
        [b'\\', escaped, ..] if escaped.is_ascii() => 2,
        [b'[', ..] => atom.find(']')? + 1,
        [plain, ..] if plain.is_ascii() && !b".$()|?*+{^".contains(plain) => 1,
        _ => return None,
    };
    matches!(&atom[length..], "" | "+" | "*" | "?").then_some(atom)
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

/// The characters of an encoding of bytes as text; none for one that may give any.
fn encoded_as(encoding: Option<&Val>) -> Option<CharSet> {
    Some(match encoding?.literal()? {
        "base64" => CharSet::ALNUM.union(CharSet::of("+/=")),
        "base64url" => CharSet::ALNUM.union(CharSet::of("-_")),
        "hex" => CharSet::HEX,
        _ => return None,
    })
}
