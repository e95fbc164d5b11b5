//! Calls to what lies outside the target: models, effects, registrations, unknown code.

use std::rc::Rc;

use manta_core::{Location, Span};

use crate::domain::path::Operand;
use crate::domain::props::Part as DomainPart;
use crate::domain::regex::{Dialect, Regex};
use crate::domain::{StrProps, path};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::{Cond, Fact, Note, NoteKind};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Effect, EffectRow, RegisterRow};
use crate::engine::store::{Closure, Obj, ObjKind};
use crate::engine::value::{FnId, Kind, ObjId, Part, PathShape, Taint, Text, Transform, UrlPart, Val};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    /// Calls something outside the target.
    pub(crate) fn call_api(
        &mut self,
        api: ApiId,
        data: Option<ObjId>,
        this: Option<Val>,
        args: Args,
        span: Span,
        is_new: bool,
    ) -> Val {
        let name = self.apis.name(api);
        if let Some(schema) = self.zod_call(&name, &args) {
            return self.schema_val(schema);
        }
        // `mcp.tool(name="x")(function)`: a decorator applied by hand.
        if self.apis.last(api) == ApiStep::Call
            && let Some(function) = args.pos.first().filter(|value| self.is_callable(value)).cloned()
            && let Some(registered) = self.register_decorated(api, data, &function, span)
        {
            return registered;
        }
        // `mcp.tool(name="x")(f)`: the decorator applied by hand.
        if matches!(self.apis.last(api), ApiStep::Call)
            && let Some(function) = args.pos.first().filter(|value| self.is_callable(value)).cloned()
            && let Some(registered) = self.register_decorated(api, data, &function, span)
        {
            return registered;
        }
        let entry = self.model_index(api).map(|index| self.models.get(index).clone());
        let mut result = None;
        if let Some(entry) = entry {
            for row in &entry.registers {
                self.register(row, api, data, &args, span);
            }
            for row in &entry.sinks {
                self.check_sink(row, &name, &args, this.as_ref(), data, span);
            }
            if let Some(source) = &entry.source
                && self.found.is_running_handler
                && self.found.followed.is_none()
            {
                return self.extra_source(&source.what, span);
            }
            if let Some(row) = &entry.effect {
                result = self.effect(row, api, this.as_ref(), &args, span);
            }
            if result.is_none() && !entry.sinks.is_empty() {
                self.call_closures(&args, None, span);
                // What comes back from a sink is not the caller's text, but a handle to chain on.
                let value = self.external_result(api, data, &args, span);
                result = Some(Val { taint: Taint::NONE, step: 0, ..value });
            }
        }
        let result = match result {
            Some(result) => result,
            None => {
                self.structural_call(&name, api, data, &args, span);
                if let ApiStep::Field(method) = self.apis.last(api) {
                    self.check_statement(method.as_str(), &name, &args, span);
                }
                if let Some(value) = self.value_method(api, this.as_ref(), &args, span) {
                    value
                } else if let Some(value) = self.builtin_call(&name, this.as_ref(), &args, span, is_new) {
                    value
                } else {
                    self.call_closures(&args, Some(&args), span);
                    self.external_result(api, data, &args, span)
                }
            }
        };
        self.note_filling(this.as_ref(), data, &args);
        self.record_call(name, data, span, &args, &result);
        self.last_call_failed = false;
        if self.found.followed == Some(self.here(span)) {
            // A file's content, or a handle to read it from.
            let content = self.extra_source("content", span);
            let is_text = matches!(self.apis.last(api), ApiStep::Field(name) if name.as_str().starts_with("read"));
            return if is_text { Val { kind: Kind::Str, text: Some(Rc::default()), ..content } } else { content };
        }
        result
    }

    /// `file.write(text)`, `json.dump(value, file)`: the file gets something of the caller's.
    fn note_filling(&mut self, this: Option<&Val>, data: Option<ObjId>, args: &Args) {
        if self.found.opened.is_empty() {
            return;
        }
        let handle = |value: &Val| match value.kind {
            Kind::Api(_, Some(data)) => Some(data),
            _ => None,
        };
        let handles: Vec<ObjId> = args.all().filter_map(handle).chain(data).chain(this.and_then(handle)).collect();
        let opened: Vec<Location> = handles.iter().filter_map(|id| self.found.opened.get(id).copied()).collect();
        if opened.is_empty() {
            return;
        }
        let is_callers = args.all().any(|value| handle(value).is_none() && self.deep_taint(value, 4).0.is_some());
        // A writer made for the file alone (`csv.writer(file)`) gets its content later.
        let is_wrapped = args.pos.len() == 1 && args.pos.first().and_then(handle).is_some();
        if is_callers || is_wrapped {
            self.found.filled.extend(opened);
        }
    }

    /// A method on a *value* that came from outside (`process.argv.slice(2).some(…)`, `env.DIRS.split(",")`): if the name
    /// is one of a string or list, that is what it is taken for. Functions of packages are no such values.
    fn value_method(&mut self, api: ApiId, this: Option<&Val>, args: &Args, span: Span) -> Option<Val> {
        let this = this?;
        let Kind::Api(receiver, _) = this.kind else { return None };
        let ApiStep::Field(name) = self.apis.last(api) else { return None };
        if !self.is_builtin_method(name) {
            return None;
        }
        let steps = self.apis.steps(receiver);
        let is_value = steps.iter().any(|step| matches!(step, ApiStep::Call | ApiStep::Element))
            || matches!(steps.first(), Some(ApiStep::Root(root)) if root.as_str() == "$env")
            || self.apis.name(receiver).ends_with(".argv");
        if !is_value {
            return None;
        }
        let value =
            Val { kind: Kind::Unknown, vn: if this.vn == 0 { self.store.fresh_vn() } else { this.vn }, ..this.clone() };
        let takes_function = args.pos.first().is_some_and(|value| self.is_callable(value));
        match name.as_str() {
            "some" | "every" | "map" | "filter" | "find" | "forEach" | "flatMap" | "reduce" if takes_function => {
                self.sequence_method_of_unknown(&value, name, args, span)
            }
            "includes" | "has" | "indexOf" => self.sequence_method_of_unknown(&value, name, args, span),
            "then" | "catch" | "finally" | "get" | "set" | "open" | "exec" | "test" | "json" | "format" | "items"
            | "keys" | "values" | "entries" | "copy" | "update" | "add" | "glob" | "stat" | "rename" | "resolve"
            | "match" | "search" | "find" | "count" | "join" | "call" | "apply" | "bind" | "push" | "append"
            | "pop" | "index" | "group" | "groups" | "dict" | "insert" | "extend" | "sort" | "reverse" | "concat"
            | "touch" | "replace"
                if !value.is_tainted() || !matches!(name.as_str(), "replace" | "match" | "join" | "concat") =>
            {
                None
            }
            _ => match self.lang() {
                Lang::JavaScript => self.js_text_method(&value, name, args, span),
                Lang::Python => self.py_text_method(&value, name, args, span),
            },
        }
    }

    /// The result of an external call: a path of its own, with the arguments and whatever gets assigned to it.
    fn external_result(&mut self, api: ApiId, data: Option<ObjId>, args: &Args, span: Span) -> Val {
        let made = self.apis.step(api, ApiStep::Call);
        let made = self.models.canonical(&mut self.apis, made);
        let mut state = Obj::new(ObjKind::External);
        state.items = args.pos.clone();
        for (name, value) in &args.named {
            state.fields.insert(Symbol::new(&format!("${name}")), value.clone());
        }
        if let Some(data) = data {
            state.fields.insert(Symbol::new("$of"), Val::of(Kind::Obj(data)));
        }
        let state = self.store.new_obj(state);
        let mut taint = Taint::NONE;
        let mut step = 0;
        for value in args.all() {
            let (own, at) = self.deep_taint(value, 2);
            if own.is_some() && taint.is_none() {
                step = at;
            }
            taint = taint.union(own);
        }
        let name = self.apis.name(api);
        if self.found.followed.is_some() && !is_answer(&name) {
            // What a library makes of a file's content is not the content.
            taint = Taint::NONE;
        }
        let value = Val { taint, step, vn: self.store.fresh_vn(), ..Val::of(Kind::Api(made, Some(state))) };
        self.through(value, span, &name)
    }

    /// Something called of which nothing is known.
    pub(crate) fn call_unknown(&mut self, target: &Val, args: &Args, span: Span) -> Val {
        self.call_closures(args, Some(args), span);
        let mut result = Val::unknown();
        for value in args.all() {
            let (taint, step) = self.deep_taint(value, 2);
            result.taint = result.taint.union(taint);
            if result.step == 0 {
                result.step = step;
            }
        }
        result = result.tainted_by(target);
        if result.is_tainted() {
            result.vn = self.store.fresh_vn();
        }
        result
    }

    /// Unknown code may call the functions it is given, with anything; untrusted data in the other arguments may reach
    /// them.
    pub(crate) fn call_closures(&mut self, args: &Args, propagate: Option<&Args>, span: Span) {
        let mut functions: Vec<Val> = Vec::new();
        for value in args.all() {
            self.collect_functions(value, &mut functions, 1);
        }
        if functions.is_empty() {
            return;
        }
        let mut unknown = Val::unknown();
        if let Some(args) = propagate {
            for value in args.all() {
                if !matches!(value.kind, Kind::Fn(_)) {
                    unknown = unknown.tainted_by(value);
                }
            }
        }
        for function in functions {
            // While modules load, a callback tells us what it registers; running it again for every event it is
            // attached to tells nothing new.
            if !self.found.is_running_handler
                && let Some(id) = self.closure_of(&function)
            {
                let closure = self.store.closure(id);
                let runs = self.callback_runs.entry((closure.module, closure.func)).or_insert(0);
                *runs += 1;
                if *runs > 2 {
                    continue;
                }
            }
            let args = Args { rest: Some(unknown.clone()), ..Args::default() };
            let mut this = Some(function);
            if let Some(function) = this.take() {
                self.in_branch(|interp| {
                    interp.call_value(&function, None, args.clone(), span);
                });
            }
        }
    }

    /// Runs something that may or may not happen.
    pub(crate) fn in_branch(&mut self, run: impl FnOnce(&mut Self)) {
        let mark = self.store.mark();
        run(self);
        let end = super::interp::without_facts(&self.store.snapshot(mark));
        self.store.rollback(mark);
        self.store.release(mark);
        self.join_into_store(vec![super::store::Snapshot::default(), end]);
    }

    fn collect_functions(&self, value: &Val, into: &mut Vec<Val>, depth: usize) {
        if into.len() >= 16 {
            return;
        }
        match &value.kind {
            Kind::Fn(_) | Kind::Bound(_) => into.push(value.clone()),
            Kind::Obj(id) if depth > 0 => {
                let obj = self.store.obj(*id);
                if matches!(obj.kind, ObjKind::Plain | ObjKind::Array | ObjKind::Dict) {
                    for field in obj.fields.values().chain(&obj.items) {
                        self.collect_functions(field, into, depth - 1);
                    }
                }
            }
            _ => {}
        }
    }

    /// The argument a selector names. Alternatives are separated by `|`.
    pub(crate) fn select(&mut self, selector: &str, args: &Args, this: Option<&Val>) -> Option<Val> {
        selector.split('|').find_map(|selector| {
            let (head, fields) = match selector.split_once('.') {
                Some((head, fields)) if !head.is_empty() => (head, Some(fields)),
                _ => (selector, None),
            };
            let base = if head == "this" {
                this.cloned()
            } else if head == "*" {
                let all: Vec<Val> = args.all().cloned().collect();
                self.join_all(all)
            } else if head == "last" {
                args.pos.last().cloned()
            } else if let Some(name) = head.strip_prefix("kw:") {
                args.named(name).cloned().or_else(|| args.named_rest.clone())
            } else {
                head.parse::<usize>().ok().and_then(|index| args.get(index).cloned())
            }?;
            let mut value = base;
            for field in fields.into_iter().flat_map(|fields| fields.split('.')) {
                value = self.get_index(&value, &Val::str(field), Span::default());
                if matches!(value.kind, Kind::Undefined | Kind::Method(_)) {
                    return None;
                }
            }
            Some(value)
        })
    }

    // ------------------------------------------------------------------ effects

    #[expect(clippy::too_many_lines, reason = "one arm per effect of the closed set; each delegates")]
    fn effect(&mut self, row: &EffectRow, api: ApiId, this: Option<&Val>, args: &Args, span: Span) -> Option<Val> {
        let arg = self.select(&row.arg, args, this).unwrap_or_else(Val::undefined);
        let name = || Symbol::new(row.call.first().map_or("", String::as_str));
        Some(match row.effect {
            Effect::Identity => arg,
            Effect::Clean | Effect::Environment | Effect::Handle => {
                self.call_closures(args, None, span);
                let made = self.apis.step(api, ApiStep::Call);
                let mut state = Obj { items: args.pos.clone(), ..Obj::new(ObjKind::External) };
                for (name, value) in &args.named {
                    state.fields.insert(Symbol::new(&format!("${name}")), value.clone());
                }
                let state = self.store.new_obj(state);
                if row.effect == Effect::Handle && self.found.is_running_handler {
                    let at = self.here(span);
                    self.found.opened.insert(state, at);
                }
                Val::of(Kind::Api(made, Some(state)))
            }
            Effect::Unknown | Effect::Schema => return None,
            Effect::Carries => self.external_result(api, None, args, span),
            Effect::Boolean => Val::any_bool(),
            Effect::Number => Val::of(Kind::Num(None)),
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
            Effect::PathNormalize => {
                let props = path::normalize(&self.props(&arg));
                self.path_derived(props, &arg)
            }
            Effect::PathAbsolute => {
                let props = path::absolute(&self.props(&arg), path::Norm::Lexical);
                self.path_derived(props, &arg)
            }
            // The witness is followed as if no links were there; what links do is judged apart.
            Effect::RealPath if self.found.replay.is_some() && arg.literal().is_some() => arg,
            Effect::RealPath => {
                let props = path::absolute(&self.props(&arg), path::Norm::Real);
                self.path_derived(props, &arg)
            }
            Effect::PathBasename => {
                let props = self.props(&arg).basename();
                self.text_val(props, &arg)
            }
            Effect::PathDirname => self.path_parent(&arg),
            Effect::PathExtension => {
                let charset = self.props(&arg).charset.minus(crate::domain::CharSet::of("/"));
                self.text_val(StrProps::of_charset(charset), &arg)
            }
            Effect::PathExpand => {
                let props = self.props(&arg).slice();
                self.text_val(props, &arg)
            }
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
            Effect::EncodeComponent => {
                let props = self.props(&arg).encode_uri_component();
                self.text_val(props, &arg)
            }
            Effect::EncodeUri => {
                let props = self.props(&arg).encode_uri();
                self.text_val(props, &arg)
            }
            Effect::EncodeQuery => {
                let (taint, step) = self.deep_taint(&arg, 3);
                let charset = crate::domain::CharSet::ALNUM.union(crate::domain::CharSet::of("-._~%+=&*!'()"));
                let made = self.apis.step(api, ApiStep::Call);
                let text = Text { props: StrProps::of_charset(charset), ..Text::default() };
                let state = self.store.new_obj(Obj::new(ObjKind::External));
                Val {
                    taint,
                    step,
                    vn: self.store.fresh_vn(),
                    text: Some(Rc::new(text)),
                    ..Val::of(Kind::Api(made, Some(state)))
                }
            }
            Effect::Decode => self.text_val(StrProps::default(), &arg),
            Effect::Digest if self.found.followed.is_some() => Val::unknown(),
            Effect::Digest => self.text_val(StrProps::of_charset(crate::domain::CharSet::ALNUM), &arg),
            Effect::ShellQuote => {
                let props = self.props(&arg).shell_quote();
                let quoted = self.text_val(props, &arg);
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
            Effect::ToText => match args.pos.first() {
                Some(value) => {
                    let value = value.clone();
                    self.to_text(&value)
                }
                None => Val::str(""),
            },
            Effect::ToBool => Val { kind: Kind::Bool(arg.truth()), taint: Taint::NONE, ..arg },
            Effect::JsonText => {
                let (taint, step) = self.deep_taint(&arg, 4);
                let props =
                    if matches!(arg.kind, Kind::Str) { self.props(&arg).json_stringify() } else { StrProps::default() };
                Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) }
            }
            // A text that a parser accepts is of one format; whatever else it is, it is not any file.
            Effect::Parse if self.found.followed.is_some() => Val::unknown(),
            Effect::Parse => Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(&arg) },
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
            Effect::Calls => {
                let at = row.arg.parse::<usize>().unwrap_or(0);
                let rest = Args {
                    pos: args.pos.iter().skip(at + 1).cloned().collect(),
                    rest: args.rest.clone(),
                    named: args.named.clone(),
                    named_rest: args.named_rest.clone(),
                };
                self.call_value(&arg, None, rest, span)
            }
            Effect::Partial => self.partial(&arg, args),
            Effect::Gather => {
                if self.lang() == Lang::Python {
                    let items = args.pos.clone();
                    return Some(self.new_array(items, args.rest.clone()));
                }
                let (items, more) = self.elements_of(&arg, span);
                self.new_array(items, more)
            }
            Effect::Keys => {
                let (items, more) = self.keys_of(&arg);
                self.new_array(items, more)
            }
            Effect::Values => {
                let (items, more) = self.values_of(&arg);
                self.new_array(items, more)
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
                let obj = Obj { items, more, ..Obj::new(ObjKind::Set) };
                Val { taint: arg.taint, step: arg.step, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Effect::Dict => {
                let mut obj = Obj::new(ObjKind::Dict);
                for (name, value) in &args.named {
                    obj.fields.insert(*name, value.clone());
                }
                obj.any = args.named_rest.clone();
                let id = self.store.new_obj(obj);
                if let Some(source) = args.pos.first() {
                    self.copy_fields(&source.clone(), id);
                }
                Val { taint: arg.taint, ..Val::of(Kind::Obj(id)) }
            }
            Effect::Promise => {
                let cell = self.store.new_cell(Val::undefined());
                let resolve = Val::of(Kind::Resolver(cell));
                self.call_value(&arg, None, Args::of(vec![resolve, Val::unknown()]), span);
                self.store.cell(cell).clone()
            }
            Effect::RegexNew => {
                let flags = args.get(1).cloned().unwrap_or_else(|| Val::str(""));
                match (&arg.kind, arg.literal()) {
                    (Kind::Regex(_), _) => arg,
                    (_, Some(pattern)) => {
                        let flags = self.regex_flags(&flags);
                        Val::of(Kind::Regex(Rc::new(super::value::RegexVal {
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
            Effect::Schedules => {
                self.call_closures(args, None, span);
                Val::unknown()
            }
            Effect::GetAttr => {
                let object = args.get(0).cloned().unwrap_or_else(Val::unknown);
                let key = args.get(1).cloned().unwrap_or_else(Val::unknown);
                match key.literal() {
                    Some(name) => self.get_member(&object, Symbol::new(name), span),
                    None => self.get_index(&object, &key, span),
                }
            }
            Effect::SetAttr => {
                let object = args.get(0).cloned().unwrap_or_else(Val::unknown);
                if let (Some(name), Some(value)) =
                    (args.get(1).and_then(|key| key.literal().map(Symbol::new)), args.get(2).cloned())
                {
                    self.set_member(&object, name, value, span);
                }
                Val::null()
            }
            Effect::IsInstance => {
                let class = args.get(1).cloned().unwrap_or_else(Val::unknown);
                self.binary(crate::ir::BinaryOp::InstanceOf, &arg, &class, span)
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
            Effect::IpAddress => {
                let made = self.apis.step(api, ApiStep::Call);
                Val {
                    vn: arg.vn,
                    text: arg.text.clone(),
                    taint: arg.taint,
                    step: arg.step,
                    ..Val::of(Kind::Api(made, None))
                }
            }
            Effect::Resolve => self.resolve_host(&arg, span),
            Effect::IsIp => self.is_ip(&arg),
        })
    }

    /// Positional arguments; an open-ended rest counts once.
    pub(crate) fn spread_args(&self, args: &Args) -> Vec<Val> {
        args.pos.iter().chain(&args.rest).cloned().collect()
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

    // ------------------------------------------------------------------ paths

    fn path_operands(&mut self, operands: &[Val]) -> Vec<(Option<String>, StrProps, bool)> {
        operands
            .iter()
            .map(|value| {
                let value = self.current(value);
                let literal = value.literal().filter(|_| value.taint.is_none()).map(str::to_owned);
                (literal, self.props(&value), self.taint_now(&value).is_some())
            })
            .collect()
    }

    /// Node `path.join` and `path.resolve`.
    pub(crate) fn path_operation(&mut self, effect: Effect, values: &[Val], span: Span) -> Val {
        if let Some(at) = values.iter().position(|value| matches!(value.kind, Kind::Union(_)))
            && values.iter().filter(|value| matches!(value.kind, Kind::Union(_))).count() == 1
        {
            let alternatives: Vec<Val> = self.current(&values[at]).alternatives().to_vec();
            let results: Vec<Val> = alternatives
                .into_iter()
                .filter(|value| !value.is_nullish())
                .map(|choice| {
                    let mut values = values.to_vec();
                    values[at] = choice;
                    self.path_operation(effect, &values, span)
                })
                .collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        let mut described = self.path_operands(values);
        if self.found.replay.is_some() {
            if effect == Effect::PathResolve {
                // The working directory is a directory of the administrator's like any other.
                described.insert(0, (Some(super::report::REPLAY_ROOT.to_owned()), StrProps::default(), false));
            }
            // Following a witness: directories of the administrator's become one concrete directory.
            for (literal, props, is_tainted) in &mut described {
                if literal.is_none() {
                    let text = if *is_tainted { props.as_literal() } else { Some(super::report::REPLAY_ROOT) };
                    *literal = text.map(str::to_owned);
                }
            }
        }
        let operands: Vec<Operand<'_>> = described
            .iter()
            .map(|(literal, props, is_tainted)| match literal {
                Some(text) => Operand::new(DomainPart::Lit(text)),
                None if *is_tainted => Operand::new(DomainPart::Hole(props)),
                None => Operand::new(DomainPart::Trusted(props)),
            })
            .collect();
        let all_known = described.iter().all(|(literal, _, _)| literal.is_some());
        let mut props = match effect {
            Effect::PathJoin => path::join(&operands),
            Effect::PathResolve => path::resolve(&operands),
            _ => path::python_join(&operands),
        };
        if !all_known && props.lits.is_none() && values.iter().all(|value| self.taint_now(value).is_none()) {
            props.path.dotdot = path::DotDot::No;
        }
        self.path_result(effect, props, values, span)
    }

    /// How a path is put together, as far as it is known.
    pub(crate) fn path_shape(&self, value: &Val) -> PathShape {
        if let Kind::Union(values) = &value.kind {
            return self.path_shape_of(values);
        }
        let Some(text) = value.text.as_deref() else { return PathShape::default() };
        let is_caller = |part: &Part| matches!(part, Part::Hole(hole) if hole.is_tainted());
        let (Some(first), Some(at)) = (text.parts.first(), text.parts.iter().rposition(is_caller)) else {
            return text.shape;
        };
        let is_rooted = match first {
            Part::Lit(text) => is_directory(text),
            Part::Hole(hole) if hole.is_tainted() => self.path_shape(hole).is_rooted,
            Part::Hole(hole) => !self.is_working_directory(hole),
        };
        let is_end_fixed = match &text.parts[at..] {
            [Part::Hole(last)] => self.path_shape(last).is_end_fixed,
            [_, rest @ ..] => {
                let tail: String =
                    rest.iter().map(|part| if let Part::Lit(text) = part { text } else { "x" }).collect();
                let ends = tail.rsplit(['/', '.']).next().is_some_and(|end| !end.is_empty() && end.len() < tail.len());
                let is_fixed = matches!(&text.parts[at], Part::Hole(last) if self.path_shape(last).is_end_fixed);
                ends || is_fixed && !tail.contains('/')
            }
            [] => false,
        };
        PathShape { is_rooted, is_end_fixed }
    }

    /// What the caller's alternatives have in common.
    pub(crate) fn path_shape_of(&self, values: &[Val]) -> PathShape {
        let callers = values.iter().filter(|value| value.is_tainted());
        callers.map(|value| self.path_shape(value)).reduce(PathShape::and).unwrap_or_default()
    }

    /// The shape of `path.join(…)`.
    fn joined_shape(&self, values: &[Val]) -> PathShape {
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return PathShape::default() };
        PathShape {
            is_rooted: if first.is_tainted() {
                self.path_shape(first).is_rooted
            } else {
                !self.is_working_directory(first)
            },
            is_end_fixed: if last.is_tainted() {
                self.path_shape(last).is_end_fixed
            } else {
                values.len() > 1 && last.literal().is_none_or(|name| !matches!(name, "" | "." | ".."))
            },
        }
    }

    /// Where relative paths are looked up anyway, which contains nothing.
    fn is_working_directory(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Api(api, _) => matches!(
                self.apis.name(*api).trim_start_matches("globalThis."),
                "process.cwd()" | "os.getcwd()" | "pathlib.Path.cwd()" | "os.homedir()" | "pathlib.Path.home()"
            ),
            _ => value.literal().is_some_and(|text| !is_directory(text)),
        }
    }

    fn path_result(&mut self, effect: Effect, props: StrProps, values: &[Val], span: Span) -> Val {
        let tainted: Vec<&Val> = values.iter().filter(|value| self.taint_now(value).is_some()).collect();
        if let Some(text) = props.as_literal() {
            let taint = tainted.iter().fold(Taint::NONE, |taint, value| taint.union(self.taint_now(value)));
            let step = tainted.last().map_or(0, |value| value.step);
            let vn = if taint.is_some() { self.store.fresh_vn() } else { 0 };
            return Val { taint, step, vn, ..Val::str(text) };
        }
        let Some(last) = tainted.last() else {
            return Val { vn: self.store.fresh_vn(), ..Val::with_props(props) };
        };
        let taint = tainted.iter().fold(Taint::NONE, |taint, value| taint.union(self.taint_now(value)));
        let base = match (effect, values) {
            (Effect::PathResolve, [only]) if only.vn != 0 => Some((only.vn, Transform::SamePath)),
            (Effect::PythonPathJoin, _) | (_, _) => None,
        };
        let name = match effect {
            Effect::PathResolve => "path.resolve",
            _ => "path join",
        };
        // A witness stays concrete: joined as the real function would.
        let shape = self.joined_shape(values);
        let text = Text { props, parts: Vec::new(), base, shape };
        let value =
            Val { taint, step: last.step, vn: self.store.fresh_vn(), text: Some(Rc::new(text)), ..Val::of(Kind::Str) };
        self.through(value, span, name)
    }

    /// Python `os.path.join`, `Path / x`.
    pub(crate) fn path_join(&mut self, values: &[Val], span: Span) -> Val {
        self.path_operation(Effect::PythonPathJoin, values, span)
    }

    /// A path computed by a function that keeps the file it means.
    pub(crate) fn path_derived(&mut self, props: StrProps, from: &Val) -> Val {
        if let Some(text) = props.as_literal() {
            return Val { taint: from.taint, step: from.step, vn: from.vn, ..Val::str(text) };
        }
        if let Kind::Union(values) = &from.kind {
            let values: Vec<Val> = values.to_vec();
            let norm = props.path.norm;
            let results: Vec<Val> = values
                .iter()
                .filter(|value| !value.is_nullish())
                .map(|value| {
                    let props = path::absolute(&self.props(value), norm);
                    self.path_derived(props, value)
                })
                .collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        self.derived(props, from, Transform::SamePath)
    }

    /// The parent directory: contained when the path is strictly below its root, which checks rarely say; a path known
    /// to be inside keeps that, since only the root itself would leave.
    pub(crate) fn path_parent(&mut self, value: &Val) -> Val {
        let own = self.props(value);
        let mut props = own.slice();
        props.path = own.path.clone();
        if own.path.norm == path::Norm::Raw && own.path.dotdot != path::DotDot::No {
            props.path.within = path::Within::None;
        }
        let mut parent = self.text_val(props, value);
        if let Some(text) = value.literal() {
            let dir = text.rsplit_once('/').map_or(".", |(dir, _)| if dir.is_empty() { "/" } else { dir });
            parent = Val { taint: value.taint, step: value.step, vn: self.store.fresh_vn(), ..Val::str(dir) };
        }
        parent
    }

    fn path_relative(&mut self, args: &Args, _span: Span) -> Val {
        let python = self.lang() == Lang::Python;
        let (from, to) = if python {
            (args.get(1).cloned(), args.get(0).cloned())
        } else {
            (args.get(0).cloned(), args.get(1).cloned())
        };
        let Some(to) = to else { return Val::unknown() };
        let to = self.current(&to);
        let _ = from;
        if self.found.replay.is_some()
            && let Some(text) = to.literal()
            && to.is_tainted()
        {
            let relative = if super::report::is_in_replay_root(text) { "inside" } else { "../../etc/passwd" };
            return Val { taint: to.taint, step: to.step, vn: self.store.fresh_vn(), ..Val::str(relative) };
        }
        let mut relative = self.text_val(StrProps::default(), &to);
        if let Some(text) = &relative.text {
            // The result is a way to say where `to` is: a check of it is a check of `to`.
            let base = if to.vn != 0 { Some((to.vn, Transform::SamePath)) } else { None };
            relative.text = Some(Rc::new(Text { base, ..(**text).clone() }));
        }
        if relative.vn != 0 {
            self.relative_paths.insert(relative.vn, to);
        }
        relative
    }

    fn path_is_absolute(&mut self, value: &Val, span: Span) -> Val {
        let value = self.current(value);
        if let Some(text) = value.literal() {
            return Val::bool(text.starts_with('/'));
        }
        let at = self.here(span);
        if let Some(target) = self.relative_paths.get(&value.vn).cloned() {
            // `!rel.startsWith("..") && !path.isAbsolute(rel)`.
            let _ = target;
            return self.bool_with(None, Cond::default());
        }
        let mut yes = Fact::props(StrProps::default(), at);
        yes.props.path.abs = path::Abs::Abs;
        let mut no = Fact::props(StrProps::default(), at);
        no.props.path.abs = path::Abs::Rel;
        let cond = Cond {
            when_true: self.implied_exactly(&value, yes),
            when_false: self.implied_exactly(&value, no),
            ..Cond::default()
        };
        self.bool_with(None, cond)
    }

    fn path_common(&mut self, args: &Args, by_component: bool, span: Span) -> Val {
        let list = args.get(0).cloned().unwrap_or_else(Val::unknown);
        let (items, _) = self.elements_of(&list, span);
        let tainted = items.iter().find(|item| self.taint_now(item).is_some()).cloned();
        let Some(tainted) = tainted else { return Val::with_props(StrProps::default()) };
        let mut common = self.text_val(StrProps::default(), &tainted);
        common.taint = Taint::NONE;
        self.common_paths.insert(common.vn, (tainted, by_component));
        common
    }

    // ------------------------------------------------------------------ regular expressions

    pub(crate) fn regex(
        &self,
        pattern: &str,
        flags: &str,
        lang: Lang,
        mode: crate::domain::regex::PythonMode,
    ) -> Option<Regex> {
        let dialect = match lang {
            Lang::JavaScript => Dialect::JavaScript { flags },
            Lang::Python => Dialect::Python { mode, flags },
        };
        Regex::new(pattern, &dialect).ok()
    }

    /// The properties of strings that pass a schema's pattern.
    pub(crate) fn regex_full_match(&self, pattern: &str, flags: &str, lang: Lang) -> Option<StrProps> {
        let dialect = match lang {
            Lang::JavaScript => Dialect::JavaScript { flags },
            Lang::Python => Dialect::Rust,
        };
        Regex::new(pattern, &dialect).ok().map(|regex| regex.if_match())
    }

    /// `regex.test(value)` and its relatives: a boolean with what it implies.
    pub(crate) fn regex_test(&mut self, regex: &Regex, value: &Val, span: Span) -> Val {
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
        let at = self.here(span);
        let facts = regex.facts();
        let mut yes = Fact::props(facts.if_match, at);
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

    fn regex_flags(&self, flags: &Val) -> String {
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
    fn python_regex(&mut self, function: Symbol, args: &Args, span: Span) -> Option<Val> {
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
                Some(Val {
                    kind: Kind::Unknown,
                    cond: test.cond,
                    taint: value.taint,
                    step: value.step,
                    vn: self.store.fresh_vn(),
                    text: None,
                })
            }
            "sub" | "subn" => {
                let replacement = args.get(0)?.clone();
                let value = args.get(1).or_else(|| args.named("string"))?.clone();
                let result = self.regex_replace(pattern, flags, Lang::Python, &value, &replacement, true, span);
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
                let piece = Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(&value) };
                Some(self.new_array(Vec::new(), Some(piece)))
            }
            _ => None,
        }
    }

    /// Replacement of what a pattern matches.
    #[expect(clippy::too_many_arguments, reason = "a regex is a pattern, flags and a dialect")]
    pub(crate) fn regex_replace(
        &mut self,
        pattern: &str,
        flags: &str,
        lang: Lang,
        value: &Val,
        replacement: &Val,
        global: bool,
        span: Span,
    ) -> Val {
        let value = self.current(value);
        if let Kind::Union(values) = &value.kind {
            let values: Vec<Val> = values.to_vec();
            let results: Vec<Val> = values
                .iter()
                .map(|value| self.regex_replace(pattern, flags, lang, value, replacement, global, span))
                .collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        let own = self.props(&value);
        if let Some(text) = value.literal()
            && let Some(regex) = self.regex(pattern, flags, lang, crate::domain::regex::PythonMode::Search)
            && !regex.may_match(text)
        {
            return value;
        }
        if let (Some(text), Some(with)) = (value.literal(), replacement.literal())
            && let Some(replaced) = concrete_replace(pattern, flags, lang, text, with, global)
        {
            let vn = self.store.fresh_vn();
            return Val { taint: value.taint, step: value.step, vn, ..Val::str(&replaced) };
        }
        let props =
            match (self.regex(pattern, flags, lang, crate::domain::regex::PythonMode::Search), replacement.literal()) {
                (Some(regex), Some(text)) => regex.replace(&own, text, global),
                (_, Some(text)) => own.replace_some(&StrProps::exact(text)),
                (Some(regex), None) => {
                    // A function or value: what it inserts is unknown, but what was removed is removed.
                    let inserted = self.props(replacement);
                    let _ = regex;
                    if matches!(replacement.kind, Kind::Fn(_)) {
                        self.call_value(
                            &replacement.clone(),
                            None,
                            Args { rest: Some(value.clone()), ..Args::default() },
                            span,
                        );
                        StrProps::default()
                    } else {
                        own.replace_some(&inserted)
                    }
                }
                _ => StrProps::default(),
            };
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

    // ------------------------------------------------------------------ URLs

    /// `new URL(text, base?)`, `urlparse(text)`: an object of parts that remember the URL they come from.
    pub(crate) fn url_parse(&mut self, args: &Args, span: Span) -> Val {
        let Some(text) = args.get(0).cloned() else { return Val::unknown() };
        let mut text = self.to_text(&text);
        if let Some(base) = args.get(1).cloned()
            && self.lang() == Lang::JavaScript
        {
            text = self.url_join(&Args::of(vec![base, text]), span);
        }
        let text = self.current(&text);
        if args.get(1).is_none() && self.lang() == Lang::JavaScript && text.is_tainted() && text.vn != 0 {
            // `new URL(x)` throws unless `x` starts with a scheme (after blanks and controls, which it drops).
            let at = self.here(span);
            let mut fact = Fact::props(StrProps::default(), at);
            let letters = crate::domain::CharSet::ALNUM.minus(crate::domain::CharSet::DIGITS);
            fact.props.first = letters.union(crate::domain::CharSet::of(" \t\n\r"));
            self.store.assume(text.vn, &Rc::new(fact));
        }
        if let Kind::Union(values) = &text.kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let results: Vec<Val> =
                values.iter().map(|value| self.url_parse(&Args::of(vec![value.clone()]), span)).collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        let mut obj = Obj::new(ObjKind::Plain);
        let taint = text.taint;
        let concrete = text.literal().map(super::url_text::split);
        let mut field = |interp: &mut Self, names: &[&str], part: UrlPart, known: Option<&str>| {
            let value = match known {
                Some(known) => Val { taint, step: text.step, vn: interp.store.fresh_vn(), ..Val::str(known) },
                None if part == UrlPart::Whole => Val { kind: Kind::Str, ..text.clone() },
                None => interp.derived(StrProps::default(), &text, Transform::UrlPart(part)),
            };
            for name in names {
                obj.fields.insert(Symbol::new(name), value.clone());
            }
        };
        let known = concrete.as_ref();
        let python = self.lang() == Lang::Python;
        field(self, &["href"], UrlPart::Whole, None);
        field(self, &["hostname", "raw_host"], UrlPart::Host, known.map(|url| url.hostname.as_str()));
        field(self, &["host", "netloc"], UrlPart::Host, known.map(|url| url.host.as_str()));
        field(self, &["origin"], UrlPart::Host, known.map(|url| url.origin.as_str()));
        let scheme = known.map(|url| if python { url.scheme.clone() } else { format!("{}:", url.scheme) });
        field(self, &["protocol", "scheme"], UrlPart::Scheme, scheme.as_deref());
        field(self, &["pathname", "path"], UrlPart::Path, known.map(|url| url.path.as_str()));
        field(self, &["port"], UrlPart::Other, known.map(|url| url.port.as_str()));
        field(self, &["search", "query", "hash", "fragment", "params"], UrlPart::Other, None);
        field(self, &["username", "password"], UrlPart::Other, known.map(|url| url.userinfo.as_str()));
        let search = Val { taint, step: text.step, vn: self.store.fresh_vn(), ..Val::unknown() };
        obj.fields.insert(Symbol::new("searchParams"), search);
        if python {
            obj.items = ["scheme", "netloc", "path", "params", "query", "fragment"]
                .iter()
                .filter_map(|name| obj.fields.get(&Symbol::new(name)).cloned())
                .collect();
        }
        let value =
            Val { taint, step: text.step, vn: self.store.fresh_vn(), ..Val::of(Kind::Obj(self.store.new_obj(obj))) };
        self.through(value, span, "URL parsing")
    }

    /// `new URL(reference, base)`, `urljoin(base, reference)`: an absolute reference wins.
    pub(crate) fn url_join(&mut self, args: &Args, span: Span) -> Val {
        let base = args.get(0).cloned().unwrap_or_else(Val::unknown);
        let reference = args.get(1).cloned().unwrap_or_else(Val::unknown);
        if self.taint_now(&reference).is_none() {
            return self.concat(&[base, reference], span);
        }
        let own = self.props(&reference);
        // A reference that surely starts as a path cannot replace the host; `//host` and `scheme:` can.
        let text = self.current(&reference);
        let starts = match text.text.as_deref().and_then(|text| text.parts.first().cloned()) {
            Some(Part::Lit(start)) => start.to_string(),
            _ => String::new(),
        };
        let is_rooted = starts.starts_with('/') && !starts.starts_with("//") && starts.len() > 1;
        let is_relative =
            !starts.is_empty() && !starts.contains(':') && !starts.starts_with('/') && starts.contains('/');
        let is_harmless = own.charset.excludes("/:\\");
        if is_rooted || is_relative || is_harmless || own.is_finite() {
            return self.concat(&[base, reference], span);
        }
        reference
    }

    /// A name's address: literal addresses stay what they are, names give an address of unknown value.
    fn resolve_host(&mut self, host: &Val, _span: Span) -> Val {
        let host = self.current(host);
        let address = match host.literal() {
            Some(text) if text.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() => host.clone(),
            _ => self.derived(StrProps::default(), &host, Transform::UrlPart(UrlPart::Other)),
        };
        let mut record = Obj::new(ObjKind::Plain);
        record.fields.insert(Symbol::new("address"), address.clone());
        record.fields.insert(Symbol::new("family"), Val::of(Kind::Num(None)));
        let record = Val { taint: host.taint, step: host.step, ..Val::of(Kind::Obj(self.store.new_obj(record))) };
        if self.lang() == Lang::Python {
            let sockaddr = self.new_array(vec![address.clone(), Val::of(Kind::Num(None))], None);
            let info =
                self.new_array(vec![Val::unknown(), Val::unknown(), Val::unknown(), Val::unknown(), sockaddr], None);
            // A literal address is its own only address.
            return if host.literal().is_some() {
                self.new_array(vec![info], None)
            } else {
                self.new_array(Vec::new(), Some(info))
            };
        }
        record
    }

    fn is_ip(&mut self, value: &Val) -> Val {
        let value = self.current(value);
        match value.literal() {
            Some(text) => match text.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V4(_)) => Val::num(4.0),
                Ok(std::net::IpAddr::V6(_)) => Val::num(6.0),
                Err(_) => Val::num(0.0),
            },
            None => Val::of(Kind::Num(None)),
        }
    }

    // ------------------------------------------------------------------ collections

    pub(crate) fn entries_of(&mut self, value: &Val) -> Val {
        match value.kind {
            Kind::Obj(id) if !self.store.obj(id).is_sequence() => {
                let obj = self.store.obj_rc(id);
                let pairs: Vec<Val> = obj
                    .fields
                    .iter()
                    .map(|(key, value)| self.new_array(vec![Val::str(key.as_str()), value.clone()], None))
                    .collect();
                let more = obj.any.clone().map(|any| {
                    let key = Val {
                        taint: any.taint,
                        step: any.step,
                        vn: self.store.fresh_vn(),
                        ..Val::with_props(StrProps::default())
                    };
                    self.new_array(vec![key, any], None)
                });
                self.new_array(pairs, more)
            }
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(id);
                let pairs: Vec<Val> = obj
                    .items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| {
                        let index = Val::num(f64::from(u32::try_from(index).unwrap_or(0)));
                        self.new_array(vec![index, value.clone()], None)
                    })
                    .collect();
                let more = obj.more.clone().map(|more| self.new_array(vec![Val::of(Kind::Num(None)), more], None));
                self.new_array(pairs, more)
            }
            Kind::Module(_) => {
                let (keys, _) = self.keys_of(value);
                let (values, _) = self.values_of(value);
                let pairs =
                    keys.into_iter().zip(values).map(|(key, value)| self.new_array(vec![key, value], None)).collect();
                self.new_array(pairs, None)
            }
            _ => {
                let key = Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) }.tainted_by(value);
                let item = Val { vn: self.store.fresh_vn(), ..Val::unknown() }.tainted_by(value);
                let pair = self.new_array(vec![key, item], None);
                self.new_array(Vec::new(), Some(pair))
            }
        }
    }

    fn from_entries(&mut self, value: &Val, span: Span) -> Val {
        let (items, more) = self.elements_of(value, span);
        let id = self.store.new_obj(Obj::new(ObjKind::Plain));
        let object = Val::of(Kind::Obj(id));
        for pair in items.into_iter().chain(more) {
            let (parts, rest) = self.elements_of(&pair, span);
            let key = parts.first().cloned().or_else(|| rest.clone()).unwrap_or_else(Val::unknown);
            let item = parts.get(1).cloned().or(rest).unwrap_or_else(Val::unknown);
            self.set_index(&object, &key, item, span);
        }
        Val { taint: value.taint, step: value.step, ..object }
    }

    fn new_map(&mut self, entries: &Val, span: Span) -> Val {
        let id = self.store.new_obj(Obj::new(ObjKind::Map));
        let map = Val::of(Kind::Obj(id));
        if !matches!(entries.kind, Kind::Undefined | Kind::Null) {
            let (items, more) = self.elements_of(entries, span);
            for pair in items.into_iter().chain(more) {
                let (parts, rest) = self.elements_of(&pair, span);
                let key = parts.first().cloned().or_else(|| rest.clone()).unwrap_or_else(Val::unknown);
                let item = parts.get(1).cloned().or(rest).unwrap_or_else(Val::unknown);
                self.set_index(&map, &key, item, span);
            }
        }
        map
    }

    /// Python `any(...)`, `all(...)` over a comprehension of conditions.
    fn any_all(&mut self, list: &Val, is_all: bool, span: Span) -> Val {
        let (items, more) = self.elements_of(list, span);
        let mut cond: Option<Cond> = None;
        let mut truths = Vec::new();
        let is_open = more.is_some();
        for item in items.into_iter().chain(more) {
            truths.push(item.truth());
            let own = item.cond.as_deref().cloned().unwrap_or_default();
            cond = Some(match cond {
                None => own,
                Some(before) if is_all => before.and(&own),
                Some(before) => before.or(&own),
            });
        }
        let mut cond = cond.unwrap_or_default();
        let truth = if is_all {
            if truths.contains(&Some(false)) {
                Some(false)
            } else if truths.iter().all(|t| *t == Some(true)) {
                Some(true)
            } else {
                None
            }
        } else if truths.contains(&Some(true)) {
            Some(true)
        } else if truths.iter().all(|t| *t == Some(false)) {
            Some(false)
        } else {
            None
        };
        if is_open {
            // "Some element passes" needs the passing outcome only; "none passes" holds for the one we know.
            if is_all {
                cond.when_false = Vec::new();
            }
        }
        self.bool_with(truth, cond)
    }

    pub(crate) fn extra_source(&mut self, what: &str, span: Span) -> Val {
        let at: Location = self.here(span);
        let index = self.found.sources.len();
        self.found.sources.push(super::report::SourceInfo { param: what.to_owned(), at });
        let step = self.trace.add(0, at, super::trace::StepKind::Source(what.to_owned()));
        Val { taint: Taint::source(index), step, vn: self.store.fresh_vn(), ..Val::unknown() }
    }

    pub(crate) fn register_row(&self, row: &RegisterRow) -> RegisterRow {
        row.clone()
    }
}

/// Whether a path that begins so begins with a directory of the program's choice.
fn is_directory(text: &str) -> bool {
    !text.starts_with("file:") && !text.trim_start_matches(['.', '/']).is_empty()
}

/// Constructors of the SDKs: what they are given is what the model gets.
fn is_answer(api: &str) -> bool {
    ["mcp.", "fastmcp.", "@modelcontextprotocol/"].iter().any(|root| api.starts_with(root))
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

/// The replacement on a concrete text, when the pattern can be run.
fn concrete_replace(pattern: &str, flags: &str, lang: Lang, text: &str, with: &str, global: bool) -> Option<String> {
    if text.len() > 4_096 || pattern.len() > 1_024 {
        return None;
    }
    let letters: String = flags.chars().filter(|flag| matches!(flag, 'i' | 'm' | 's' | 'x')).collect();
    let inline = if letters.is_empty() { pattern.to_owned() } else { format!("(?{letters}){pattern}") };
    let regex = fancy_regex::Regex::new(&inline).ok()?;
    // `$1`, `$&` and `\1` become the reference syntax of the crate.
    let mut template = String::new();
    let marker = if lang == Lang::Python { '\\' } else { '$' };
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
