//! Calls to what lies outside the target: models, effects, registrations, unknown code.

mod collections;
mod effects;
mod keepers;
mod listings;
pub(crate) mod matches;
mod options;
mod paths;
mod regexes;
mod urls;

use std::rc::Rc;

use manta_core::{Location, Span};

use crate::engine::api::{ApiId, ApiStep};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, SourceRow};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Taint, Val};
use crate::ir::{Lang, Symbol};

/// Methods that results of libraries are told apart with, each of which hands what is in one to a function: `either.fold(left,
/// right)`, `result.match(ok, error)`, `option.andThen(next)`.
const OF_RESULTS: [&str; 8] = ["match", "fold", "andThen", "chain", "bimap", "cata", "caseOf", "ifPresent"];

impl Interp<'_> {
    /// Calls something outside the target.
    pub(crate) fn call_api(
        &mut self,
        api: ApiId,
        data: Option<ObjId>,
        this: Option<Val>,
        args: Args,
        span: Span,
    ) -> Val {
        if let Some(result) = self.promised(api, this.as_ref(), &args, span) {
            return result;
        }
        let name = self.apis.name(api);
        self.note_lifespan(&args);
        if let Some(schema) = self.zod_call(&name, &args) {
            return self.schema_val(schema);
        }
        if let Some(valid) = data.and_then(|data| self.validated(&name, data, &args, span)) {
            return valid;
        }
        // `mcp.tool(name="x")(function)`: a decorator applied by hand.
        if self.apis.last(api) == ApiStep::Call
            && let Some(function) = args.pos.first().filter(|value| self.is_callable(value)).cloned()
            && let Some(registered) = self.register_decorated(api, data, &function, span)
        {
            return registered;
        }
        if !self.found.is_running_handler {
            self.note_mount(&name, data, &args);
        }
        self.note_hook(&name, data, &args);
        let models = self.models;
        let entry = self.model_index(api).map(|index| models.get(index));
        let mut result = self.command_line(&name, api, data, &args, span);
        if let Some(entry) = entry {
            for row in &entry.registers {
                self.register(row, data, &args, span);
            }
            for row in &entry.sinks {
                self.check_sink(row, &name, &args, this.as_ref(), data, span);
            }
            if let Some(source) = &entry.source
                && let Some(source) = self.read_source(source, span)
            {
                return source;
            }
            if result.is_none()
                && let Some(row) = &entry.effect
            {
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
                if let Some(text) = self.text_of_bytes(&name, data, &args, span) {
                    text
                } else if let Some(value) = self.address_method(api, data, this.as_ref(), &args) {
                    value
                } else if let Some(value) = self.value_method(api, this.as_ref(), &args, span) {
                    if let (Kind::Obj(id), true) = (&value.kind, self.is_setting(api)) {
                        self.store.obj_mut(*id).is_configured = true;
                    }
                    value
                } else if let Some(value) = self.builtin_call(&name, this.as_ref(), &args, span, data) {
                    value
                } else {
                    self.call_closures(&args, Some(&args), span);
                    let result = self.external_result(api, data, &args, span);
                    if let (ApiStep::Field(method), Some(this)) = (self.apis.last(api), &this)
                        && self.is_made_outside(this)
                    {
                        self.note_answer(&result, this, method, &args);
                    }
                    result
                }
            }
        };
        self.note_filling(this.as_ref(), data, &args);
        self.record_call(api, data, span, &args, &result);
        self.last_call_failed = false;
        if self.found.followed == Some(self.here(span)) {
            // A file's content, or a handle to read it from.
            let content = self.extra_source("content", span);
            let is_text = matches!(self.apis.last(api), ApiStep::Field(name) if name.as_str().starts_with("read"));
            return if is_text { Val { kind: Kind::Str, text: Some(Rc::default()), ..content } } else { content };
        }
        result
    }

    /// `fetch(url).then((answer) => answer.json())`: promises of what comes from outside are transparent as well.
    fn promised(&mut self, api: ApiId, this: Option<&Val>, args: &Args, span: Span) -> Option<Val> {
        let (ApiStep::Field(method), Some(this)) = (self.apis.last(api), this) else { return None };
        let is_chained = self.is_made_outside(this) && args.get(0).is_some_and(|value| self.is_callable(value));
        if is_chained { self.promise_method(this, method, args, span) } else { None }
    }

    /// What a source gives, where sources count.
    fn read_source(&mut self, source: &SourceRow, span: Span) -> Option<Val> {
        let counts = (self.found.is_running_handler || self.found.message.is_some()) && self.found.followed.is_none();
        if !counts {
            return None;
        }
        // The request of a handler for messages is the message.
        let message = self.found.message.clone().filter(|_| source.what == "HTTP request");
        Some(message.unwrap_or_else(|| self.extra_source(&source.what, span)))
    }

    /// A property that is untrusted by itself: `request.json`.
    pub(crate) fn source_read(&mut self, api: ApiId, span: Span) -> Option<Val> {
        if !self.found.is_running_handler && self.found.message.is_none() {
            return None;
        }
        let models = self.models;
        let index = self.model_index(api)?;
        models.get(index).read.as_ref().and_then(|source| self.read_source(source, span))
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
        let takes_function = args.pos.first().is_some_and(|value| self.is_callable(value));
        if takes_function && OF_RESULTS.contains(&name.as_str()) && this.is_tainted() && self.is_made_outside(this) {
            let given = Args { rest: Some(Val { kind: Kind::Unknown, ..this.clone() }), ..Args::default() };
            self.call_closures(args, Some(&given), span);
            return Some(Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(this) });
        }
        if !self.is_builtin_method(name) {
            return None;
        }
        let steps = self.apis.steps(receiver);
        // Blanks and case aside, a variable of the environment is what the administrator set, or nothing.
        if let [ApiStep::Root(root), ApiStep::Field(_)] = steps.as_slice()
            && root.as_str() == "$env"
            && COSMETIC.contains(&name.as_str())
            && this.text.is_none()
        {
            return Some(this.clone());
        }
        let is_value = steps.iter().any(|step| matches!(step, ApiStep::Call | ApiStep::Element))
            || matches!(steps.first(), Some(ApiStep::Root(root)) if root.as_str() == "$env")
            || self.apis.name(receiver).ends_with(".argv");
        if !is_value {
            return None;
        }
        let value =
            Val { kind: Kind::Unknown, vn: if this.vn == 0 { self.store.fresh_vn() } else { this.vn }, ..this.clone() };
        // Paths and stores have a `replace` too, of one argument or of none that is the caller's.
        let is_filled = name.as_str() == "replace"
            && matches!(args.pos.as_slice(), [_, filled, ..] if self.taint_now(filled).is_some() || self.is_callable(filled));
        match name.as_str() {
            "some" | "every" | "map" | "filter" | "find" | "forEach" | "flatMap" | "reduce" if takes_function => {
                self.sequence_method_of_unknown(&value, name, args, span)
            }
            "includes" | "has" | "indexOf" => self.sequence_method_of_unknown(&value, name, args, span),
            "then" | "catch" | "finally" | "get" | "set" | "open" | "exec" | "test" | "json" | "format" | "items"
            | "keys" | "values" | "entries" | "copy" | "update" | "add" | "glob" | "stat" | "rename" | "match"
            | "search" | "find" | "count" | "join" | "call" | "apply" | "bind" | "push" | "append" | "pop"
            | "index" | "group" | "groups" | "dict" | "insert" | "extend" | "sort" | "reverse" | "concat" | "touch"
            | "replace"
                if !is_filled
                    && (!value.is_tainted() || !matches!(name.as_str(), "replace" | "match" | "join" | "concat")) =>
            {
                None
            }
            // Of a promise, unless it is a path.
            "resolve" if self.lang() == Lang::JavaScript && !is_filled => None,
            _ => self.text_method(&value, name, args, span),
        }
    }

    /// Whether a value was made by a call to what lies outside the target.
    fn is_made_outside(&self, value: &Val) -> bool {
        let is_made = |api: ApiId| self.apis.steps(api).contains(&ApiStep::Call);
        matches!(value.kind, Kind::Api(api, _) if is_made(api))
    }

    /// The result of an external call: a path of its own, with the arguments and whatever gets assigned to it.
    pub(super) fn external_result(&mut self, api: ApiId, data: Option<ObjId>, args: &Args, span: Span) -> Val {
        let made = self.apis.step(api, ApiStep::Call);
        let made = self.models.canonical(&mut self.apis, made);
        let mut state = Obj::new(ObjKind::External);
        state.items = args.pos.clone();
        for (name, value) in &args.named {
            state.give(*name, value.clone());
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
            taint = if taint.is_some() { Taint::PARSED } else { Taint::NONE };
        }
        let value = Val { taint, step, vn: self.store.fresh_vn(), ..Val::of(Kind::Api(made, Some(state))) };
        self.through(value, span, &name)
    }

    /// Something called of which nothing is known.
    pub(crate) fn call_unknown(&mut self, target: &Val, args: &Args, span: Span) -> Val {
        // What is the caller's hands on what the caller sent: `request.on("data", (chunk) => { … })`.
        let mut given = args.clone();
        given.rest = given.rest.or_else(|| target.is_tainted().then(|| target.clone()));
        self.call_closures(args, Some(&given), span);
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
            let call = |interp: &mut Self| {
                interp.call_value(&function, None, args, span);
            };
            // No client has called a handler while modules load: it may register more, but what it writes is not there yet.
            let is_trial = !self.found.is_running_handler && self.is_for_clients(&function);
            if is_trial { self.in_trial(call) } else { self.in_branch(call) }
        }
    }

    /// Whether a function is registered for clients to call. A route is another matter: it may set the server up that it
    /// serves.
    fn is_for_clients(&self, function: &Val) -> bool {
        let closure = self.closure_of(function);
        closure.is_some()
            && self.found.registrations.iter().any(|registration| {
                !matches!(registration.exposes, Exposes::Route | Exposes::Command)
                    && registration.handler.as_ref().and_then(|handler| self.closure_of(handler)) == closure
            })
    }

    /// Runs something for what it shows only.
    fn in_trial(&mut self, run: impl FnOnce(&mut Self)) {
        let mark = self.store.mark();
        self.trials += 1;
        run(self);
        self.trials -= 1;
        self.store.rollback(mark);
        self.store.release(mark);
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

    /// The argument a selector names. Alternatives are separated by `|`; `1:text` is the argument where it is no function and
    /// no object.
    pub(crate) fn select(&mut self, selector: &str, args: &Args, this: Option<&Val>) -> Option<Val> {
        selector.split('|').find_map(|selector| {
            let (selector, is_text) = selector.strip_suffix(":text").map_or((selector, false), |rest| (rest, true));
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
            let is_other = matches!(value.kind, Kind::Fn(_) | Kind::Bound(_) | Kind::Obj(_)) || value.is_nullish();
            if is_text && is_other {
                return None;
            }
            if fields.is_some() && matches!(value.kind, Kind::Num(_) | Kind::Bool(_)) {
                return None;
            }
            for field in fields.into_iter().flat_map(|fields| fields.split('.')) {
                let made_with = match value.kind {
                    Kind::Api(_, Some(data)) => self.store.obj(data).given(field).cloned(),
                    _ => None,
                };
                value = made_with.unwrap_or_else(|| self.get_index(&value, &Val::str(field), Span::default()));
                let is_missing = |value: &Val| matches!(value.kind, Kind::Undefined | Kind::Method(_));
                if value.alternatives().iter().all(is_missing) {
                    return None;
                }
            }
            Some(value)
        })
    }
}

/// Methods of a text that change nothing but blanks at its ends and the case of its letters.
const COSMETIC: [&str; 9] =
    ["strip", "lstrip", "rstrip", "lower", "upper", "casefold", "trim", "toLowerCase", "toUpperCase"];

/// Constructors of the SDKs: what they are given is what the model gets.
pub(crate) fn is_answer(api: &str) -> bool {
    ["mcp.", "fastmcp.", "@modelcontextprotocol/"].iter().any(|root| api.starts_with(root))
}

/// A pattern in the syntax of the crate that runs it on concrete texts; none when it can't.
fn runnable_regex(pattern: &str, flags: &str) -> Option<fancy_regex::Regex> {
    if pattern.len() > 1_024 {
        return None;
    }
    let letters: String = flags.chars().filter(|flag| matches!(flag, 'i' | 'm' | 's' | 'x')).collect();
    let inline = if letters.is_empty() { pattern.to_owned() } else { format!("(?{letters}){pattern}") };
    fancy_regex::Regex::new(&inline).ok()
}

/// Where a pattern first matches a concrete text: none of the outer kind when the pattern can't be run.
pub(crate) fn concrete_find(pattern: &str, flags: &str, text: &str) -> Option<Option<usize>> {
    if text.len() > 4_096 {
        return None;
    }
    let found = runnable_regex(pattern, flags)?.find(text).ok()?;
    Some(found.map(|found| found.start()))
}

/// The first match of a pattern in a concrete text, and its groups. None when the pattern can't be run or finds nothing.
pub(crate) fn concrete_captures(pattern: &str, flags: &str, text: &str) -> Option<Vec<Option<String>>> {
    if text.len() > 4_096 {
        return None;
    }
    let captures = runnable_regex(pattern, flags)?.captures(text).ok()??;
    Some((0..captures.len()).map(|at| captures.get(at).map(|found| found.as_str().to_owned())).collect())
}

/// The matches of a pattern in a concrete text, where each stands, and its groups; none when the pattern can't be run.
pub(crate) fn concrete_matches(pattern: &str, flags: &str, text: &str) -> Option<Vec<ConcreteMatch>> {
    if text.len() > 4_096 {
        return None;
    }
    let regex = runnable_regex(pattern, flags)?;
    let mut matches = Vec::new();
    for captures in regex.captures_iter(text) {
        let captures = captures.ok()?;
        let groups = (0..captures.len()).map(|at| captures.get(at).map(|found| found.as_str().to_owned()));
        matches.push((captures.get(0)?.range(), groups.collect()));
    }
    Some(matches)
}

/// Where a match stands, and its groups, the whole first.
pub(crate) type ConcreteMatch = (std::ops::Range<usize>, Vec<Option<String>>);

/// The pieces between the matches of a pattern in a concrete text. (Captures, which JavaScript puts between them, are
/// left out.)
pub(crate) fn concrete_split(pattern: &str, flags: &str, text: &str) -> Option<Vec<String>> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    for (at, _) in concrete_matches(pattern, flags, text)?.into_iter().filter(|(at, _)| !at.is_empty()) {
        pieces.push(text[from..at.start].to_owned());
        from = at.end;
    }
    pieces.push(text[from..].to_owned());
    Some(pieces)
}
