//! What a call of a modelled function does, by the effects of its row.

use std::rc::Rc;

use manta_core::Span;
use percent_encoding::percent_decode_str;

use crate::domain::{CharSet, StrProps, path};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::{Cond, Fact};
use crate::engine::formats::Changes;
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Effect, EffectRow};
use crate::engine::store::{Closure, Obj, ObjKind};
use crate::engine::value::{FnId, Kind, ObjId, Taint, Text, Val};
use crate::ir::{BinaryOp, Lang, Symbol, UnaryOp};

impl Interp<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm per effect of the closed set; each delegates")]
    pub(super) fn effect(
        &mut self,
        row: &EffectRow,
        api: ApiId,
        this: Option<&Val>,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let arg = self.select(&row.arg, args, this).unwrap_or_else(Val::undefined);
        let name = || Symbol::new(row.call.first().map_or("", String::as_str));
        if let (Some(read), [_]) = (self.characters_read(row.effect, api), args.pos.as_slice()) {
            self.must_consist_of(&arg, read, span);
        }
        Some(match row.effect {
            Effect::Identity => arg,
            Effect::Clean | Effect::Uuid | Effect::Environment | Effect::Present | Effect::Handle => {
                self.call_closures(args, None, span);
                let (made, state) = self.made_by(api, args);
                if row.effect == Effect::Handle && self.found.is_running_handler {
                    let at = self.here(span);
                    self.found.opened.insert(state, at);
                }
                Val::of(Kind::Api(made, Some(state)))
            }
            Effect::Streams => {
                let (made, state) = self.made_by(api, args);
                let stream = |name: &str| ApiStep::Field(Symbol::new(name));
                let [input, output, errors] =
                    ["stdin", "stdout", "stderr"].map(|name| self.apis.step(made, stream(name)));
                let input = Val::of(Kind::Api(input, Some(state)));
                self.new_array(vec![input, Val::of(Kind::Api(output, None)), Val::of(Kind::Api(errors, None))], None)
            }
            Effect::HandsOver => {
                let (made, state) = self.made_by(api, args);
                let made = Val::of(Kind::Api(made, Some(state)));
                let given = Args { pos: vec![Val::null(), made.clone()], ..Args::default() };
                if let Some(callback) = args.pos.iter().rev().find(|value| self.is_callable(value)).cloned() {
                    self.in_branch(|interp| {
                        interp.call_value(&callback, None, given, span);
                    });
                }
                made
            }
            Effect::Inspect => {
                let made = self.external_result(api, None, args, span);
                Val { taint: Taint::NONE, step: 0, ..made }
            }
            Effect::Unknown | Effect::Schema => return None,
            Effect::Carries => self.external_result(api, None, args, span),
            Effect::Put => {
                self.put(this, args, arg);
                this.cloned().unwrap_or_else(Val::undefined)
            }
            Effect::Take => self.take(this, args),
            Effect::RunsWith => {
                self.put(this, args, arg);
                let function = args.get(1).cloned().unwrap_or_else(Val::unknown);
                let rest = Args { pos: args.pos.iter().skip(2).cloned().collect(), ..Args::default() };
                self.call_value(&function, None, rest, span)
            }
            Effect::Listen => self.listen(this, args, span),
            Effect::Emit => self.emit(this, args, span),
            Effect::Settle => {
                let (items, more) = self.elements_of(&arg, span);
                let outcomes: Vec<Val> = items.into_iter().map(|item| self.outcome(item)).collect();
                let more = more.map(|more| self.outcome(more));
                self.new_array(outcomes, more)
            }
            Effect::Import => self.dynamic_import(&arg, span),
            Effect::Modules => return self.modules_listed(args),
            Effect::Boolean => Val::any_bool(),
            Effect::Exists => self.exists_test(&arg, span),
            Effect::IsArray => self.is_array(&arg),
            Effect::Members => self.members_of(&arg, args.get(1), span),
            Effect::MemberNames => match self.member_names(&arg) {
                Some(names) => self.new_array(names, None),
                None => return None,
            },
            Effect::Number => Val::of(Kind::Num(None)),
            Effect::Asserts => {
                let [one, other] = [0, 1].map(|at| args.get(at).cloned().unwrap_or_else(Val::undefined));
                let claim = match (&*row.arg, &other.kind) {
                    ("equal" | "unequal", _) => self.compare(BinaryOp::Eq, &one, &other, span),
                    ("match" | "no-match", Kind::Regex(regex)) => self.js_regex_test(regex, &one, span),
                    ("match" | "no-match", _) => Val::any_bool(),
                    _ => one,
                };
                let is_denied = matches!(&*row.arg, "unequal" | "no-match");
                let claim = if is_denied { self.unary(UnaryOp::Not, claim) } else { claim };
                match self.outcomes(&claim).0 {
                    Some(facts) => self.assume(&facts),
                    None => self.raise_here(),
                }
                Val::undefined()
            }
            Effect::Never => {
                let made = self.apis.step(api, ApiStep::Call);
                Val::of(Kind::Api(made, None))
            }
            Effect::PathJoin | Effect::PathResolve => {
                let operands = self.spread_args(args);
                self.path_operation(row.effect, &operands, span)
            }
            Effect::PythonPathJoin => {
                let mut operands: Vec<Val> = Vec::new();
                if row.arg == "this" {
                    operands.extend(this.cloned());
                }
                operands.extend(self.spread_args(args));
                match operands.as_slice() {
                    [] => Val::str("."),
                    [only] if matches!(only.kind, Kind::Str) => only.clone(),
                    [only] => self.to_text(only),
                    _ => self.path_join(&operands, span),
                }
            }
            Effect::PathNormalize => self.path_derived(&arg, path::normalize),
            Effect::PathAbsolute => self.path_derived(&arg, |props| path::absolute(props, path::Norm::Lexical)),
            // The witness is followed as if no links were there; what links do is judged apart. It exists, so the
            // case of a file that is yet to be made is not followed.
            Effect::RealPath if self.found.replay.is_some() && arg.literal().is_some() => {
                self.expect_success();
                self.path_derived(&arg, |props| path::absolute(props, path::Norm::Lexical))
            }
            Effect::RealPath => self.path_derived(&arg, |props| path::absolute(props, path::Norm::Real)),
            Effect::PathBasename => {
                let props = self.props(&arg).basename();
                self.text_val(props, &arg)
            }
            Effect::PathDirname => self.path_parent(&arg),
            Effect::PathExtension if arg.literal().is_some() && self.lang() == Lang::JavaScript => {
                let name = arg.literal().unwrap_or_default().rsplit('/').next().unwrap_or_default();
                let extension = name.rfind('.').filter(|at| *at > 0).map_or("", |at| &name[at..]);
                Val { taint: arg.taint, step: arg.step, vn: self.store.fresh_vn(), ..Val::str(extension) }
            }
            // Python gives both: what stands before the extension lies where the file does.
            Effect::PathExtension if self.lang() == Lang::Python => {
                let own = self.props(&arg);
                let mut stem = own.slice();
                stem.path = own.path.clone();
                let charset = own.charset.minus(crate::domain::CharSet::of("/"));
                let stem = self.text_val(stem, &arg);
                let extension = self.text_val(StrProps::of_charset(charset), &arg);
                self.new_array(vec![stem, extension], None)
            }
            Effect::PathExtension => {
                let charset = self.props(&arg).charset.minus(crate::domain::CharSet::of("/"));
                self.text_val(StrProps::of_charset(charset), &arg)
            }
            Effect::PathParse => self.path_parsed(&arg),
            Effect::PathsBelow => {
                let path = self.path_below(&arg, args.pos.first(), span);
                self.new_array(Vec::new(), Some(path))
            }
            Effect::PathsLike => {
                let path = self.path_like(&arg, args, span);
                self.new_array(Vec::new(), Some(path))
            }
            Effect::PathWalk => {
                let path = self.path_below(&arg, None, span);
                let names = [0, 1].map(|_| self.new_array(Vec::new(), Some(Val::unknown())));
                let found = self.new_array([vec![path], names.to_vec()].concat(), None);
                self.new_array(Vec::new(), Some(found))
            }
            Effect::PathEntries => {
                let path = self.path_below(&arg, None, span);
                let mut entry = Obj { any: Some(Val::unknown()), ..Obj::new(ObjKind::Plain) };
                entry.fields.insert(Symbol::new("path"), path);
                let entry = Val::of(Kind::Obj(self.store.new_obj(entry)));
                self.new_array(Vec::new(), Some(entry))
            }
            Effect::PathExpand => self.expand_path(&arg),
            Effect::PathRelative => self.path_relative(args, span),
            Effect::PathIsAbsolute => self.path_is_absolute(&arg, span),
            Effect::PathCommon | Effect::PathCommonPrefix => {
                self.path_common(args, row.effect == Effect::PathCommon, span)
            }
            Effect::PathInside => {
                let at = self.here(span);
                let mut fact = Fact::props(StrProps::default(), at);
                fact.props.path.within = path::Within::Strong { dir: None, real: false };
                let cond = Cond { when_true: self.implied(&arg, fact), ..Cond::default() };
                self.bool_with(None, cond)
            }
            Effect::SafeFilename => {
                let charset = crate::domain::CharSet::ALL.minus(crate::domain::CharSet::of("/\\"));
                let mut props = StrProps::of_charset(charset);
                props.path.dotdot = path::DotDot::No;
                props.path.abs = path::Abs::Rel;
                self.text_val(props, &arg)
            }
            Effect::UrlParse => self.url_parse(args, span),
            Effect::UrlJoin => self.url_join(args, span),
            Effect::UrlUnparse => return self.url_unparse(&arg, span),
            Effect::EncodeComponent => {
                let props = self.props(&arg).encode_uri_component();
                self.text_val(props, &arg)
            }
            Effect::EncodeUri => {
                let props = self.props(&arg).encode_uri();
                self.text_val(props, &arg)
            }
            Effect::PythonQuote => {
                let safe = args.named("safe").or_else(|| args.pos.get(1));
                let kept = match safe.map(Val::literal) {
                    None => crate::domain::CharSet::of("/"),
                    Some(Some(text)) => crate::domain::CharSet::of(text),
                    Some(None) => crate::domain::CharSet::ASCII,
                };
                let unreserved = crate::domain::CharSet::ALNUM.union(crate::domain::CharSet::of("_.-~"));
                let props = self.props(&arg).percent_encode(unreserved.union(kept));
                self.text_val(props, &arg)
            }
            Effect::EncodeQuery => {
                let (taint, step) = self.deep_taint(&arg, 3);
                let charset = crate::domain::CharSet::ALNUM.union(crate::domain::CharSet::of("-._~%+=&*!'()"));
                let made = self.apis.step(api, ApiStep::Call);
                let text = Text { known: StrProps::of_charset(charset).into(), ..Text::default() };
                let state = self.store.new_obj(Obj::new(ObjKind::External));
                Val {
                    taint,
                    step,
                    vn: self.store.fresh_vn(),
                    text: Some(Rc::new(text)),
                    ..Val::of(Kind::Api(made, Some(state)))
                }
            }
            Effect::Decode => self.decoded(api, &arg),
            Effect::Digest if self.found.followed.is_some() => Val::unknown(),
            Effect::Digest => self.text_val(StrProps::of_charset(crate::domain::CharSet::ALNUM), &arg),
            Effect::Base64 => self.base64(&arg, CharSet::BASE64),
            Effect::ShellQuote => {
                let props = self.props(&arg).shell_quote();
                let quoted = self.text_val(props, &arg);
                if quoted.is_tainted() {
                    self.encoded.insert(quoted.vn, arg.clone());
                }
                self.through(quoted, span, "shell quoting")
            }
            Effect::ShellJoin => {
                let (items, more) = self.elements_of(&arg, span);
                let mut words = Vec::new();
                for item in items.iter().chain(&more) {
                    if !words.is_empty() {
                        words.push(Val::str(" "));
                    }
                    let word = if item.is_tainted() {
                        let props = self.props(item).shell_quote();
                        self.text_val(props, item)
                    } else {
                        item.clone()
                    };
                    words.push(word);
                }
                self.concat(&words, span)
            }
            Effect::ShellSplit => {
                let text = self.current(&arg);
                self.split_words(&text, span)
            }
            Effect::ToNumber => match arg.literal().and_then(|text| text.trim().parse::<f64>().ok()) {
                Some(number) => Val { taint: arg.taint, step: arg.step, ..Val::num(number) },
                _ => Val { taint: arg.taint, step: arg.step, ..Val::of(Kind::Num(None)) },
            },
            Effect::Length => {
                if let Kind::Obj(id) = arg.kind
                    && let Some(length) = self.doubtful_length(id)
                {
                    return Some(Val { taint: arg.taint, step: arg.step, ..length });
                }
                let length = match arg.kind {
                    Kind::Obj(id) if self.found.replay.is_some() => self.exact_length(id).map(f64::from),
                    _ => None,
                };
                Val { taint: arg.taint, step: arg.step, ..Val::of(Kind::Num(length)) }
            }
            Effect::ToText => match args.pos.first() {
                Some(value) => {
                    let value = value.clone();
                    self.to_text(&value)
                }
                None => Val::str(""),
            },
            Effect::ToBool => Val { kind: Kind::Bool(self.truth(&arg)), taint: Taint::NONE, ..arg },
            Effect::JsonText => {
                let (taint, step) = self.deep_taint(&arg, 4);
                let is_text = matches!(arg.kind, Kind::Str);
                let props = if is_text { self.props(&arg).json_stringify() } else { StrProps::json_value() };
                let text = Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) };
                self.note_written(&text, &arg);
                text
            }
            // A text that a parser accepts is of one format; whatever else it is, it is not any file.
            Effect::Parse if self.found.followed.is_some() => {
                let taint = if arg.is_tainted() { Taint::PARSED } else { Taint::NONE };
                Val { taint, step: arg.step, vn: self.store.fresh_vn(), ..Val::unknown() }
            }
            Effect::Repr => match arg.kind {
                Kind::Num(_) | Kind::Bool(_) | Kind::Null => self.to_text(&arg),
                _ => {
                    let (taint, step) = self.deep_taint(&arg, 4);
                    let props = self.props(&arg).json_stringify();
                    let text = Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) };
                    self.note_written(&text, &arg);
                    text
                }
            },
            // A line or a chunk that came in: the message under which the handler runs.
            Effect::Parse if !arg.is_tainted() && arg.literal().is_none() => {
                self.found.message.clone().unwrap_or_else(Val::unknown)
            }
            Effect::Parse => match self.structure_written(arg.vn) {
                Some(written) => self.copy_of(&written, 4),
                None => Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(&arg) },
            },
            Effect::HtmlEscape => {
                let props = self.props(&arg).html_escape();
                self.text_val(props, &arg)
            }
            Effect::SqlQuote => {
                let mut props = self.props(&arg);
                props.quoted = crate::domain::Quoting::Sql;
                self.text_val(props, &arg)
            }
            Effect::RegexEscape => {
                let mut props = self.props(&arg).slice();
                props.quoted = crate::domain::Quoting::Backslash(crate::domain::CharSet::of("\\^$.|?*+()[]{}-"));
                self.text_val(props, &arg)
            }
            Effect::Function => arg,
            Effect::CallsBack => {
                let function = args.pos.iter().find(|value| matches!(value.kind, Kind::Fn(_) | Kind::Bound(_)));
                match function.cloned() {
                    Some(function) => {
                        let args = Args { rest: Some(Val::unknown()), ..Args::default() };
                        self.call_value(&function, None, args, span)
                    }
                    None => return None,
                }
            }
            Effect::Lends => {
                let at = args.pos.iter().position(|value| self.is_callable(value))?;
                let lent = this.cloned().unwrap_or_else(Val::unknown);
                let given = Args {
                    pos: std::iter::once(lent).chain(args.pos[at + 1..].iter().cloned()).collect(),
                    rest: args.rest.clone(),
                    named: args.named.clone(),
                    named_rest: args.named_rest.clone(),
                    of_list: None,
                };
                self.call_value(&args.pos[at], None, given, span)
            }
            Effect::Calls => {
                let at = row.arg.parse::<usize>().unwrap_or(0);
                let rest = Args {
                    pos: args.pos.iter().skip(at + 1).cloned().collect(),
                    rest: args.rest.clone(),
                    named: args.named.clone(),
                    named_rest: args.named_rest.clone(),
                    of_list: None,
                };
                self.call_value(&arg, None, rest, span)
            }
            Effect::Starts => {
                let at = row.arg.parse::<usize>().unwrap_or(0);
                let given = Args {
                    pos: args.pos.iter().skip(at + 1).cloned().collect(),
                    rest: args.rest.clone(),
                    ..Args::default()
                };
                self.call_aside(&arg, given, span);
                self.nothing()
            }
            Effect::Partial => self.partial(&arg, args),
            Effect::OneOf => {
                let is_sequence = |value: &Val| match &value.kind {
                    Kind::Obj(id) => self.store.obj(*id).is_sequence(),
                    _ => false,
                };
                if !is_sequence(&arg) {
                    return None;
                }
                let (items, more) = self.elements_of(&arg, span);
                let default = args.get(1).cloned();
                let open = match (&arg.kind, &default) {
                    (Kind::Obj(id), Some(default)) if default.is_nullish() => self.open_cond(*id).cloned(),
                    _ => None,
                };
                let first = self.join_all(items.into_iter().chain(more).chain(default))?;
                match open {
                    Some(filled) => self.maybe_element(first, &filled, true),
                    None => first,
                }
            }
            Effect::Gather => {
                if self.lang() == Lang::Python {
                    let items = args.pos.clone();
                    return Some(self.new_array(items, args.rest.clone()));
                }
                let (items, more) = self.elements_of(&arg, span);
                self.new_array(items, more)
            }
            Effect::Keys => {
                let filled = self.value_holds_any(&arg);
                let (items, more) = self.keys_of(&arg);
                self.filled_array(items, more, filled)
            }
            Effect::Values => {
                let filled = self.value_holds_any(&arg);
                let (items, more) = self.values_of(&arg);
                self.filled_array(items, more, filled)
            }
            Effect::Entries => self.entries_of(&arg),
            Effect::FromEntries => self.from_entries(&arg, span),
            Effect::Assign => {
                let target = arg.clone();
                if let Kind::Obj(id) = target.kind {
                    for source in args.pos.iter().skip(1) {
                        self.copy_fields(source, id);
                    }
                } else if let Kind::Api(_, Some(id)) = target.kind {
                    for source in args.pos.iter().skip(1) {
                        self.copy_fields(source, id);
                    }
                }
                target
            }
            Effect::List => {
                if args.pos.is_empty() {
                    return Some(self.new_array(Vec::new(), None));
                }
                let (items, more) = self.elements_of(&arg, span);
                let list = match args.get(1).cloned() {
                    // `Array.from(xs, f)`.
                    Some(function) if matches!(function.kind, Kind::Fn(_)) => {
                        let mapped: Vec<Val> = items
                            .into_iter()
                            .chain(more)
                            .map(|item| self.call_value(&function, None, Args::of(vec![item]), span))
                            .collect();
                        let joined = self.join_all(mapped);
                        self.new_array(Vec::new(), joined)
                    }
                    _ => self.new_array(items, more),
                };
                Val { vn: arg.vn, taint: arg.taint.union(list.taint), ..list }
            }
            Effect::ArrayOf => self.new_array(args.pos.clone(), args.rest.clone()),
            Effect::Map => self.new_map(&arg, span),
            Effect::Set => {
                let (items, more) = self.elements_of(&arg, span);
                let is_configured = self.is_empty_by_default(arg.alternatives());
                let obj = Obj { items, more, is_configured, ..Obj::new(ObjKind::Set) };
                Val { taint: arg.taint, step: arg.step, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            // `defaultdict(list)`: what is not there yet is made when it is asked for.
            Effect::DefaultDict => {
                let missing = (!arg.is_nullish()).then(|| self.call_value(&arg, None, Args::default(), span));
                let id = self.store.new_obj(Obj { any: missing, ..Obj::new(ObjKind::Dict) });
                if let Some(source) = args.get(1) {
                    self.copy_fields(&source.clone(), id);
                }
                Val::of(Kind::Obj(id))
            }
            Effect::FromKeys => {
                let (keys, more) = self.elements_of(&arg, span);
                let value = args.get(1).cloned().unwrap_or_else(Val::null);
                let table = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Dict))));
                for key in keys.into_iter().chain(more) {
                    self.set_index(&table, &key, value.clone(), span);
                }
                table
            }
            Effect::Dict => {
                let mut obj = Obj::new(ObjKind::Dict);
                for (name, value) in &args.named {
                    obj.fields.insert(*name, value.clone());
                }
                obj.any = args.named_rest.clone();
                let id = self.store.new_obj(obj);
                // `ChainMap(first, second)`: what the first has comes before what others have.
                for source in args.pos.iter().rev() {
                    match source.kind {
                        // `dict(pairs)`
                        Kind::Obj(pairs) if self.store.obj(pairs).is_sequence() => {
                            let made = self.from_entries(source, span);
                            self.copy_fields(&made, id);
                        }
                        _ => self.copy_fields(source, id),
                    }
                }
                // A copy of the environment is the environment.
                if self.is_environment(&arg) {
                    self.store.obj_mut(id).any = Some(arg.clone());
                }
                Val { taint: arg.taint, ..Val::of(Kind::Obj(id)) }
            }
            Effect::Record => {
                let obj = match args.pos.first().map(|value| &value.kind) {
                    Some(Kind::Obj(id)) => (*self.store.obj_rc(*id)).clone(),
                    _ => Obj::new(ObjKind::Plain),
                };
                Val::of(Kind::Obj(self.with_named(obj, args)))
            }
            Effect::Bind => {
                let named = Val::of(Kind::Obj(self.with_named(Obj::new(ObjKind::Dict), args)));
                let passed = self.new_array(args.pos.clone(), args.rest.clone());
                let mut bound = Obj::new(ObjKind::Plain);
                for (name, value) in [("args", &passed), ("kwargs", &named), ("arguments", &named)] {
                    bound.fields.insert(Symbol::new(name), value.clone());
                }
                Val::of(Kind::Obj(self.store.new_obj(bound)))
            }
            Effect::Chain => {
                let (mut all, mut more) = (Vec::new(), None);
                for list in self.spread_args(args) {
                    let (items, rest) = self.elements_of(&list, span);
                    if more.is_none() {
                        all.extend(items);
                        more = rest;
                    } else {
                        let joined = self.join_all(items.into_iter().chain(rest).chain(more));
                        more = joined;
                    }
                }
                self.new_array(all, more)
            }
            Effect::Promise => {
                let cell = self.store.new_cell(Val::undefined());
                let resolve = Val::of(Kind::Resolver(cell));
                let reject = Val::unknown();
                self.call_value(&arg, None, Args::of(vec![resolve, reject]), span);
                let value = self.store.cell(cell).clone();
                // A promise that is put away is settled by whoever answers: a peer on a socket, another process.
                if matches!(value.kind, Kind::Undefined)
                    && self.found.is_running_handler
                    && self.found.kept_resolvers.contains(&cell)
                {
                    return Some(self.extra_source("answer of a peer", span));
                }
                value
            }
            Effect::RegexNew => {
                let flags = args.get(1).cloned().unwrap_or_else(|| Val::str(""));
                match (&arg.kind, arg.literal()) {
                    (Kind::Regex(_), _) => arg,
                    (_, Some(pattern)) => {
                        let flags = self.regex_flags(&flags);
                        Val::of(Kind::Regex(Rc::new(crate::engine::value::RegexVal {
                            pattern: Rc::<str>::from(pattern).to_string().into(),
                            flags: flags.into(),
                        })))
                    }
                    _ => return None,
                }
            }
            Effect::PyRegex => {
                let function = match self.apis.last(api) {
                    ApiStep::Field(name) => name,
                    _ => name(),
                };
                return self.python_regex(function, args, span);
            }
            Effect::Thread => {
                self.run_thread(args, span);
                self.external_result(api, None, args, span)
            }
            Effect::ThreadStart => {
                if let Some(thread @ Val { kind: Kind::Obj(_), .. }) = this {
                    let run = self.get_member(thread, Symbol::new("run"), span);
                    if matches!(run.kind, Kind::Bound(_)) {
                        self.call_aside(&run, Args::default(), span);
                    }
                }
                Val::null()
            }
            Effect::Schedules => {
                // `setTimeout(f, 100, argument)`
                match args.pos.as_slice() {
                    [function, _, given @ ..] if !given.is_empty() && self.is_callable(function) => {
                        let (function, given) = (function.clone(), given.to_vec());
                        self.call_aside(&function, Args::of(given), span);
                    }
                    _ => self.call_closures(args, None, span),
                }
                Val::unknown()
            }
            Effect::GetAttr => {
                let object = args.get(0).cloned().unwrap_or_else(Val::unknown);
                let key = args.get(1).cloned().unwrap_or_else(Val::unknown);
                match key.literal() {
                    Some(name) => self.get_member(&object, Symbol::new(name), span),
                    None => self.member_by_key(&object, &key, span),
                }
            }
            Effect::SetAttr => {
                let object = args.get(0).cloned().unwrap_or_else(Val::unknown);
                if let (Some(name), Some(value)) =
                    (args.get(1).and_then(|key| key.literal().map(Symbol::new)), args.get(2).cloned())
                {
                    self.set_member(&object, name, value, span);
                } else if let (Kind::Obj(id), Some(key), Some(value)) = (&object.kind, args.get(1), args.get(2)) {
                    let names = self.props(key);
                    self.write_any(*id, value, |name| names.admits(name.as_str()));
                }
                Val::null()
            }
            Effect::IsInstance => {
                let class = args.get(1).cloned().unwrap_or_else(Val::unknown);
                self.binary(crate::ir::BinaryOp::InstanceOf, &arg, &class, span)
            }
            Effect::IsCallable => {
                let mut known = arg.alternatives().iter().map(|one| self.is_surely_callable(one));
                let first = known.next().flatten();
                Val::of(Kind::Bool(first.filter(|_| known.all(|other| other == first))))
            }
            Effect::Enumerate => {
                let (items, more) = self.elements_of(&arg, span);
                let items: Vec<Val> = items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let index = Val::num(f64::from(u32::try_from(index).unwrap_or(0)));
                        self.new_array(vec![index, item], None)
                    })
                    .collect();
                let more = more.map(|item| self.new_array(vec![Val::of(Kind::Num(None)), item], None));
                self.new_array(items, more)
            }
            Effect::Zip => {
                let mut columns = Vec::new();
                for list in &args.pos {
                    let (items, more) = self.elements_of(list, span);
                    let element = self.join_all(items.into_iter().chain(more)).unwrap_or_else(Val::unknown);
                    columns.push(element);
                }
                let row = self.new_array(columns, None);
                self.new_array(Vec::new(), Some(row))
            }
            Effect::PyMap | Effect::PyFilter => {
                let function = arg.clone();
                let list = args.get(1).cloned().unwrap_or_else(Val::unknown);
                let name = if row.effect == Effect::PyMap { "map" } else { "filter" };
                self.array_callback(&list, name, &function, span)
            }
            Effect::AnyAll => {
                let is_all = matches!(self.apis.last(api), ApiStep::Field(name) if name.as_str() == "all");
                self.any_all(&arg, is_all, span)
            }
            Effect::Enter => self.enter_context(&arg, span),
            Effect::IpAddress => {
                match self.reads_as_address(api, &arg) {
                    Some(true) => self.expect_success(),
                    Some(false) => self.raise_here(),
                    None => {}
                }
                let made = self.apis.step(api, ApiStep::Call);
                Val {
                    vn: arg.vn,
                    text: arg.text.clone(),
                    taint: arg.taint,
                    step: arg.step,
                    ..Val::of(Kind::Api(made, None))
                }
            }
            Effect::Resolve => {
                let name = self.apis.name(api);
                self.resolve_host(&name, &arg, args, span)
            }
            Effect::IsIp => self.is_ip(api, &arg),
        })
    }

    /// What a call makes, and what it was given.
    fn made_by(&mut self, api: ApiId, args: &Args) -> (ApiId, ObjId) {
        let made = self.apis.step(api, ApiStep::Call);
        let made = self.models.canonical(&mut self.apis, made);
        let mut state = Obj { items: args.pos.clone(), ..Obj::new(ObjKind::External) };
        for (name, value) in &args.named {
            state.give(*name, value.clone());
        }
        (made, self.store.new_obj(state))
    }

    /// Positional arguments; an open-ended rest counts once.
    pub(crate) fn spread_args(&self, args: &Args) -> Vec<Val> {
        args.pos.iter().chain(&args.rest).cloned().collect()
    }

    /// What a thread does: its target is called with the arguments given for it. Threads of no target have a `run`.
    fn run_thread(&mut self, args: &Args, span: Span) {
        // `Thread(group, target, name, args, kwargs)`, `Timer(seconds, function, args, kwargs)`.
        let named = |names: [&str; 2]| names.into_iter().find_map(|name| args.named(name).cloned());
        let Some(target) = named(["target", "function"]).or_else(|| args.get(1).cloned()) else { return };
        let is_timer = args.named("function").is_some() || args.pos.get(1).is_some() && args.pos.get(3).is_none();
        let at = if is_timer { 2 } else { 3 };
        let given = args.named("args").or_else(|| args.pos.get(at)).cloned();
        let by_name = args.named("kwargs").or_else(|| args.pos.get(at + 1)).cloned();
        let (pos, rest) = given.map_or_else(Default::default, |given| self.elements_of(&given, span));
        let named = match by_name.map(|by_name| by_name.kind) {
            Some(Kind::Obj(id)) => {
                let fields = self.store.obj_rc(id).fields.clone();
                fields.into_iter().collect()
            }
            _ => Vec::new(),
        };
        self.call_aside(&target, Args { pos, rest, named, ..Args::default() }, span);
    }

    /// Calls what runs by itself, in a thread or later: whether it fails is nothing to those who go on.
    fn call_aside(&mut self, function: &Val, args: Args, span: Span) {
        self.in_branch(|interp| {
            interp.call_value(function, None, args, span);
        });
    }

    /// Bytes, which are texts here, as base64 with the characters of `charset`.
    pub(crate) fn base64(&mut self, bytes: &Val, charset: CharSet) -> Val {
        let encoded = self.text_val(StrProps::of_charset(charset), bytes);
        if encoded.is_tainted() {
            self.encoded.insert(encoded.vn, bytes.clone());
        }
        encoded
    }

    /// A copy of a structure, down to some depth.
    fn copy_of(&mut self, value: &Val, depth: usize) -> Val {
        let Kind::Obj(id) = value.kind else { return value.clone() };
        let mut obj = (*self.store.obj_rc(id)).clone();
        if depth == 0 || !matches!(obj.kind, ObjKind::Plain | ObjKind::Dict | ObjKind::Array) {
            return value.clone();
        }
        for inner in obj.fields.values_mut().chain(&mut obj.items).chain(&mut obj.any).chain(&mut obj.more) {
            *inner = self.copy_of(inner, depth - 1);
        }
        Val { kind: Kind::Obj(self.store.new_obj(obj)), ..value.clone() }
    }

    /// What a text stands for. Of one that was encoded here that is known, and of a witness where it is written as URLs are.
    fn decoded(&mut self, api: ApiId, text: &Val) -> Val {
        const OF_BASE64: [&str; 4] = ["atob", "b64decode", "urlsafe_b64decode", "standard_b64decode"];
        let is_base64 = matches!(self.apis.last(api), ApiStep::Field(name) if OF_BASE64.contains(&name.as_str()));
        if let Some(said) = self.encoded.get(&text.vn).filter(|_| is_base64 && text.vn != 0) {
            return said.clone();
        }
        // `decodeURI` leaves what separates: `%2f` stays.
        const OF_URLS: [&str; 4] = ["decodeURIComponent", "unescape", "unquote", "unquote_plus"];
        let is_of_urls = matches!(self.apis.last(api), ApiStep::Field(name) if OF_URLS.contains(&name.as_str()));
        if is_of_urls && self.taint_now(text).is_some() {
            self.note_changes(Changes { decodes: true, ..Changes::default() });
            if self.found.replay.is_some()
                && let Some(written) = text.literal()
                && let Ok(plain) = percent_decode_str(written).decode_utf8()
            {
                return Val { taint: text.taint, step: text.step, vn: self.store.fresh_vn(), ..Val::str(&plain) };
            }
        }
        let plain = self.text_val(StrProps::default(), text);
        match self.apis.last(api) {
            ApiStep::Field(name) => self.numbered(name, [text], plain),
            _ => plain,
        }
    }

    fn partial(&mut self, function: &Val, args: &Args) -> Val {
        let Kind::Fn(id) = function.kind else {
            return match &function.kind {
                Kind::Bound(bound) => {
                    let inner = self.partial(&bound.1, args);
                    Val::of(Kind::Bound(Rc::new((bound.0.clone(), inner))))
                }
                _ => function.clone(),
            };
        };
        let closure = self.store.closure(id).clone();
        let bound: Vec<Val> = closure.bound.iter().cloned().chain(args.pos.iter().skip(1).cloned()).collect();
        let named: Vec<(Symbol, Val)> = closure.bound_named.iter().cloned().chain(args.named.iter().cloned()).collect();
        let closure = Closure { bound: bound.into(), bound_named: named.into(), ..closure };
        Val::of(Kind::Fn(self.store.new_closure(closure)))
    }

    /// `f.bind(this, …args)`.
    pub(crate) fn bind_function(&mut self, id: FnId, args: &Args) -> Val {
        let closure = self.store.closure(id).clone();
        let bound: Vec<Val> = closure.bound.iter().cloned().chain(args.pos.iter().skip(1).cloned()).collect();
        let closure = Closure { bound: bound.into(), ..closure };
        let function = Val::of(Kind::Fn(self.store.new_closure(closure)));
        match args.pos.first() {
            Some(this) if !this.is_nullish() => Val::of(Kind::Bound(Rc::new((this.clone(), function)))),
            _ => function,
        }
    }

    /// An object with the named arguments as fields.
    fn with_named(&mut self, obj: Obj, args: &Args) -> ObjId {
        let id = self.store.new_obj(obj);
        for (name, value) in &args.named {
            self.store.obj_mut(id).fields.insert(*name, value.clone());
        }
        match args.named_rest.clone() {
            Some(fields @ Val { kind: Kind::Obj(_), .. }) => self.copy_fields(&fields, id),
            Some(any) => self.store.obj_mut(id).any = Some(any),
            None => {}
        }
        id
    }
}

/// Conversions that raise on what they can't read: coming back from one says what its argument consists of.
impl Interp<'_> {
    /// The characters that a conversion reads.
    fn characters_read(&self, effect: Effect, api: ApiId) -> Option<CharSet> {
        if self.lang() != Lang::Python {
            return None;
        }
        // White space around, and digits of all scripts with lines between them.
        let number = CharSet::SPACE.union(CharSet::DIGITS).union(CharSet::NON_ASCII).union(CharSet::of("+-_"));
        match (effect, &*self.apis.name(api)) {
            (Effect::ToNumber, "builtins.int") => Some(number),
            (Effect::ToNumber, "builtins.float") => Some(number.union(CharSet::of(".eEinfatyINFATY"))),
            (Effect::Uuid, _) => Some(number.union(CharSet::HEX).union(CharSet::of("ABCDEF{}:urnidxX"))),
            _ => None,
        }
    }

    fn must_consist_of(&mut self, value: &Val, read: CharSet, span: Span) {
        let value = self.current(value);
        match value.literal() {
            Some(text) if self.found.replay.is_some() && !read.admits(text) => self.raise_here(),
            Some(_) => {}
            None if self.taint_now(&value).is_some() => {
                let fact = Fact::props(StrProps::of_charset(read), self.here(span));
                let fact = self.implied_exactly(&value, fact);
                self.assume(&fact);
            }
            None => {}
        }
    }
}
