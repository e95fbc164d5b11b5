//! Methods of texts.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::props::StrProps;
use crate::domain::url::Host;
use crate::domain::{CharSet, path};
use crate::engine::api::ApiStep;
use crate::engine::facts::{Cond, Fact};
use crate::engine::interp::{Args, Interp};
use crate::engine::slices::key_index;
use crate::engine::value::{Kind, Part, Transform, Val};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    pub(crate) fn text_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let result = match self.lang() {
            Lang::JavaScript => self.js_text_method(value, name, args, span),
            Lang::Python => self.py_text_method(value, name, args, span),
        }?;
        Some(self.numbered_method(value, name, args, result))
    }

    fn js_text_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        let props = |interp: &Self| interp.props(value);
        Some(match name.as_str() {
            // `buffer.toString("base64")`: bytes are texts here, and the encoding says which characters come out.
            "toString" if encoded_as(first.as_ref()).is_some() && value.literal().is_none() => {
                let charset = encoded_as(first.as_ref())?;
                self.base64(value, charset)
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
                    self.note_search(vn, value, needle);
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

    fn py_text_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
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
                    self.note_search(vn, value, needle);
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
            // `name.encode().hex()`.
            "hex" if self.lang() == Lang::Python => self.text_val(StrProps::of_charset(CharSet::HEX), value),
            "encode" | "decode" | "__str__" | "as_posix" | "expandtabs" | "to_text" => self.to_text(value),
            "removeprefix" | "removesuffix"
                if let (Some(text), Some(part)) = (value.literal(), first.as_ref().and_then(Val::literal)) =>
            {
                let rest = match name.as_str() {
                    "removeprefix" => text.strip_prefix(part),
                    _ => text.strip_suffix(part),
                };
                self.text_val(StrProps::exact(rest.unwrap_or(text)), value)
            }
            "removeprefix" | "removesuffix" | "zfill" | "ljust" | "rjust" | "center" | "translate" => {
                let props = self.props(value).slice();
                let props =
                    if matches!(name.as_str(), "zfill") { props.replace_some(&StrProps::exact("0")) } else { props };
                self.text_val(props, value)
            }
            "isalnum" | "isalpha" | "isdigit" | "isdecimal" | "isnumeric" | "isidentifier" | "isascii" => {
                self.char_class_test(value, name.as_str(), span)
            }
            "isupper" => cased(&self.current(value), char::is_uppercase, char::is_lowercase),
            "islower" => cased(&self.current(value), char::is_lowercase, char::is_uppercase),
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
            "exists" | "is_file" | "is_dir" | "is_symlink" | "is_mount" => self.exists_test(value, span),
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
        let result = self.call_api(api, None, Some(this.clone()), args.clone(), span);
        Some(match name.as_str() {
            // Entries below a directory are paths again, contained where the directory is; below the caller's they are
            // the caller's.
            "iterdir" | "glob" | "rglob" if !this.is_tainted() => {
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
    pub(super) fn same_text(
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
        let base = base.filter(|(_, how)| *how != Transform::Cosmetic);
        let own = (value.vn != 0 && value.is_tainted()).then_some((value.vn, Transform::Cosmetic));
        let mut result = self.text_val(changed, &value);
        if let Some(base) = base.or(own)
            && let Some(text) = &result.text
        {
            self.derivations.insert(result.vn, base);
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

    /// `os.path.exists(path)`, `path.is_file()`, `existsSync(path)`: what is found on this machine is no address of another,
    /// for readers that take either (`pandas.read_csv`).
    pub(crate) fn exists_test(&mut self, value: &Val, span: Span) -> Val {
        let value = &self.current(value);
        // What the program made of it is a path already, of which more is known by how it was made.
        let is_made = !matches!(value.kind, Kind::Str | Kind::Unknown)
            || value.text.as_deref().is_some_and(|text| text.parts.len() > 1 || text.base.is_some());
        if is_made || self.taint_now(value).is_none() {
            return Val::any_bool();
        }
        let mut props = StrProps::default();
        props.url.host = Host::AllowListed;
        let fact = Fact::props(props, self.here(span));
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
        if let Some(dir) = dir.literal() {
            self.note_prefix(dir);
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
}

/// `text.isupper()`, `text.islower()`: one letter that is so, and none that is the other.
fn cased(text: &Val, is_so: fn(char) -> bool, is_other: fn(char) -> bool) -> Val {
    text.literal().map_or_else(Val::any_bool, |text| Val::bool(text.chars().any(is_so) && !text.chars().any(is_other)))
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

/// The characters of an encoding of bytes as text; none for one that may give any.
fn encoded_as(encoding: Option<&Val>) -> Option<CharSet> {
    Some(match encoding?.literal()? {
        "base64" => CharSet::ALNUM.union(CharSet::of("+/=")),
        "base64url" => CharSet::ALNUM.union(CharSet::of("-_")),
        "hex" => CharSet::HEX,
        _ => return None,
    })
}

/// The constant text that a composed one begins with.
pub(crate) fn known_start(value: &Val) -> Option<&str> {
    match value.text.as_deref()?.parts.as_slice() {
        [Part::Lit(start), _, ..] => Some(start),
        _ => None,
    }
}
