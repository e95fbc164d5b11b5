//! Methods of built-in values: strings, sequences, mappings, functions, patterns. The names of both languages live in
//! one table where they do not clash; where they do, the module's language decides.

mod collections;
mod formatting;
mod patterns;
mod replacing;
mod splitting;
mod standard;
mod text;

pub(crate) use text::{is_composed, known_start};

use std::rc::Rc;
use std::sync::LazyLock;

use manta_core::Span;
use rustc_hash::FxHashSet;

use crate::domain::props::StrProps;
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::{Cond, Fact, Refinements};
use crate::engine::interp::{Args, Interp, key_name};
use crate::engine::objects::array_items;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Taint, Text, Val};
use crate::ir::{Lang, Symbol};

/// Methods that are called on values of unknown kind often enough that reading them is no field access.
const METHODS: &[&str] = &[
    "trim",
    "trimStart",
    "trimEnd",
    "toLowerCase",
    "toUpperCase",
    "toString",
    "startsWith",
    "endsWith",
    "includes",
    "indexOf",
    "lastIndexOf",
    "replace",
    "replaceAll",
    "split",
    "join",
    "slice",
    "substring",
    "substr",
    "concat",
    "map",
    "filter",
    "forEach",
    "some",
    "every",
    "find",
    "findIndex",
    "flatMap",
    "flat",
    "reduce",
    "push",
    "unshift",
    "pop",
    "shift",
    "sort",
    "reverse",
    "keys",
    "values",
    "entries",
    "match",
    "matchAll",
    "test",
    "exec",
    "search",
    "charAt",
    "charCodeAt",
    "codePointAt",
    "padStart",
    "padEnd",
    "repeat",
    "normalize",
    "localeCompare",
    "at",
    "then",
    "catch",
    "finally",
    "has",
    "get",
    "set",
    "add",
    "call",
    "apply",
    "bind",
    "toFixed",
    "hasOwnProperty",
    "toJSON",
    // Python
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "title",
    "capitalize",
    "casefold",
    "startswith",
    "endswith",
    "format",
    "format_map",
    "encode",
    "decode",
    "to_text",
    "isalnum",
    "isdigit",
    "isalpha",
    "isidentifier",
    "isdecimal",
    "isnumeric",
    "isascii",
    "splitlines",
    "partition",
    "rpartition",
    "rsplit",
    "removeprefix",
    "removesuffix",
    "zfill",
    "ljust",
    "rjust",
    "items",
    "append",
    "extend",
    "insert",
    "copy",
    "setdefault",
    "update",
    "find",
    "index",
    "count",
    "translate",
    "resolve",
    "absolute",
    "is_relative_to",
    "relative_to",
    "joinpath",
    "with_suffix",
    "with_name",
    "expanduser",
    "as_posix",
    "is_absolute",
    "exists",
    "is_file",
    "is_dir",
    "read_text",
    "write_text",
    "read_bytes",
    "write_bytes",
    "open",
    "mkdir",
    "unlink",
    "glob",
    "rglob",
    "iterdir",
    "rename",
    "touch",
    "rmdir",
    "stat",
    "model_dump",
    "dict",
    "model_dump_json",
    "json",
    "group",
    "groups",
];

impl Interp<'_> {
    pub(crate) fn is_builtin_method(&self, name: Symbol) -> bool {
        static NAMES: LazyLock<FxHashSet<Symbol>> =
            LazyLock::new(|| METHODS.iter().copied().map(Symbol::new).collect());
        NAMES.contains(&name)
    }

    /// Methods every object has.
    pub(crate) fn is_object_method(&self, name: Symbol) -> bool {
        matches!(name.as_str(), "hasOwnProperty" | "toString" | "valueOf" | "toJSON" | "then" | "catch" | "finally")
    }

    /// Properties of the outside that are values of their own: `process.env.X`, attributes of a Python path.
    pub(crate) fn api_property(
        &mut self,
        api: ApiId,
        data: Option<ObjId>,
        receiver: &Val,
        name: Symbol,
    ) -> Option<Val> {
        let path = self.apis.name(api);
        if *path == *"collections.namedtuple()()" {
            return self.field_of_tuple(data?, name);
        }
        match (&*path, name.as_str()) {
            (
                "globalThis.process.env" | "process.env" | "os.environ" | "globalThis.Bun.env" | "globalThis.Deno.env",
                _,
            ) if self.lang() == Lang::JavaScript => Some(self.environment(name.as_str())),
            (_, name) if path.starts_with("ipaddress.") && path.ends_with("()") => {
                self.address_property(receiver, name)
            }
            ("globalThis.process", "platform") | ("process", "platform") => Some(Val::str("linux")),
            ("path" | "os.path", "sep") | ("os", "sep") => Some(Val::str("/")),
            ("path", "delimiter") | ("os", "pathsep") => Some(Val::str(":")),
            ("os", "EOL" | "linesep") => Some(Val::str("\n")),
            ("path", "posix" | "win32") => Some(receiver.clone()),
            ("globalThis.Number", "MAX_SAFE_INTEGER" | "MAX_VALUE" | "MIN_SAFE_INTEGER" | "EPSILON") => {
                Some(Val::of(Kind::Num(None)))
            }
            _ => None,
        }
    }

    /// A value the administrator sets: trusted, unknown, remembered by its path for rules about secrets.
    pub(crate) fn environment(&mut self, name: &str) -> Val {
        let root = self.apis.root(Symbol::new("$env"));
        let api = self.apis.step(root, ApiStep::Field(Symbol::new(name)));
        self.or_set(Val::of(Kind::Api(api, None)), Symbol::new(name))
    }

    /// A variable of the environment as the server found it, or what a handler has put into it.
    pub(crate) fn or_set(&mut self, given: Val, name: Symbol) -> Val {
        let set = self.found.environment.and_then(|id| self.store.obj(id).fields.get(&name).cloned());
        match set {
            Some(set) => self.join(&given, &set),
            None => given,
        }
    }

    /// A variable of the environment gets a value of the caller's.
    pub(crate) fn set_environment(&mut self, name: Symbol, value: &Val) {
        if let Some(environment) = self.found.environment.filter(|_| value.is_tainted()) {
            self.store.obj_mut(environment).fields.insert(name, value.clone());
        }
    }

    /// Calls of built-ins that need more than a model row says.
    pub(crate) fn builtin_call(
        &mut self,
        name: &str,
        _this: Option<&Val>,
        args: &Args,
        span: Span,
        data: Option<ObjId>,
    ) -> Option<Val> {
        if let Some(result) = self.standard_call(name, data, args, span) {
            return Some(result);
        }
        match name {
            "$env.get" | "os.environ.get" | "os.getenv" => {
                let key = args.get(0).cloned().unwrap_or_else(Val::unknown);
                let value = self.variable(&key);
                match args.get(1).cloned() {
                    Some(default) => Some(self.join(&value, &default)),
                    None => Some(value),
                }
            }
            // Comparing with a number works for numbers only (anything else raises, or becomes NaN).
            "builtins.min" | "builtins.max" | "globalThis.Math.min" | "globalThis.Math.max"
                if args.pos.iter().any(|value| matches!(value.kind, Kind::Num(_))) =>
            {
                Some(Val::of(Kind::Num(None)))
            }
            // As a key, a symbol is equal to itself only.
            "globalThis.Symbol" => {
                let at = self.here(span);
                Some(Val::str(&format!("@@{}:{}", at.file.0, at.span.start)))
            }
            "globalThis.Symbol.for" => {
                let name = args.get(0).and_then(Val::literal)?;
                Some(Val::str(&format!("@@{name}")))
            }
            "builtins.super" => Some(Val::unknown()),
            // The module, whose members are the entries.
            "builtins.globals" => Some(Val::of(Kind::Module(self.frame().module))),
            "builtins.locals" => Some(Val::unknown()),
            "globalThis.Object.defineProperty" => {
                let target = args.get(0).cloned()?;
                let key = args.get(1).cloned()?;
                let descriptor = args.get(2).cloned()?;
                if let Kind::Obj(id) = descriptor.kind {
                    let fields = self.store.obj_rc(id);
                    if let Some(value) = fields.fields.get(&Symbol::new("value")) {
                        self.set_index(&target, &key, value.clone(), span);
                    } else if let (Some(Val { kind: Kind::Fn(getter), .. }), Some(name), Kind::Obj(target)) =
                        (fields.fields.get(&Symbol::new("get")), key_name(&key), &target.kind)
                    {
                        let accessor = Val::of(Kind::Accessor(Some(*getter), None));
                        self.store.obj_mut(*target).fields.insert(name, accessor);
                    }
                }
                Some(target)
            }
            "globalThis.Reflect.apply" => {
                let function = args.get(0).cloned()?;
                let list = args.get(2).cloned().unwrap_or_else(Val::undefined);
                let (pos, rest) = self.elements_of(&list, span);
                Some(self.call_value(&function, args.get(1).cloned(), Args { pos, rest, ..Args::default() }, span))
            }
            "globalThis.Object.getOwnPropertyNames" | "globalThis.Reflect.ownKeys" => {
                let value = args.get(0).cloned()?;
                let (items, more) = self.keys_of(&value);
                Some(self.new_array(items, more))
            }
            "globalThis.Object.create" => {
                let id = self.store.new_obj(Obj::new(ObjKind::Plain));
                if let Some(proto) = args.get(0)
                    && matches!(proto.kind, Kind::Obj(_))
                {
                    self.copy_fields(&proto.clone(), id);
                }
                Some(Val::of(Kind::Obj(id)))
            }
            // What functions have in common is reached through any of them.
            "globalThis.Object.getPrototypeOf" | "globalThis.Reflect.getPrototypeOf"
                if args.get(0).is_some_and(|value| matches!(value.kind, Kind::Fn(_))) =>
            {
                args.get(0).cloned()
            }
            "globalThis.Object.getPrototypeOf" => {
                Some(Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Plain)))))
            }
            "globalThis.Array" => Some(self.new_array(array_items(args), args.rest.clone())),
            "globalThis.Promise.withResolvers" => {
                let cell = self.store.new_cell(Val::undefined());
                let mut parts = Obj::new(ObjKind::Plain);
                parts.fields.insert(Symbol::new("resolve"), Val::of(Kind::Resolver(cell)));
                parts.fields.insert(Symbol::new("reject"), Val::unknown());
                // Not settled yet: whoever waits for it looks again.
                parts.fields.insert(Symbol::new("promise"), Val::of(Kind::Resolver(cell)));
                Some(Val::of(Kind::Obj(self.store.new_obj(parts))))
            }
            "globalThis.String.raw" => {
                let all: Vec<Val> = args.pos.clone();
                Some(self.concat(&all, span))
            }
            "globalThis.String.fromCharCode" => {
                let (taint, step) = args.all().next().map_or((Taint::NONE, 0), |value| (value.taint, value.step));
                Some(Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()) })
            }
            "globalThis.isNaN"
            | "globalThis.Number.isNaN"
            | "globalThis.Number.isInteger"
            | "globalThis.Number.isFinite"
            | "globalThis.isFinite"
            | "globalThis.Number.isSafeInteger" => {
                let value = args.get(0).cloned()?;
                let at = self.here(span);
                let fact = Fact::props(StrProps::number(), at);
                let is_positive =
                    name.ends_with("isInteger") || name.ends_with("isSafeInteger") || name.ends_with("sFinite");
                let refinements = self.implied_exactly(&value, fact);
                let cond = if is_positive {
                    Cond { when_true: refinements, ..Cond::default() }
                } else {
                    Cond { when_false: refinements, ..Cond::default() }
                };
                Some(self.bool_with(None, cond))
            }
            _ => None,
        }
    }

    /// `receiver.name(args)` on a built-in value, or on a value of unknown kind.
    pub(crate) fn call_method(&mut self, receiver: &Val, name: Symbol, args: Args, span: Span) -> Val {
        if self.reads_answer(receiver, name) {
            return self.call_method(&Self::as_record(receiver), name, args, span);
        }
        if let Kind::Union(_) = &receiver.kind {
            let values: Vec<Val> = self.current(receiver).alternatives().to_vec();
            let values: Vec<Val> = values.into_iter().filter(|value| !value.is_nullish()).collect();
            let mut results = Vec::new();
            let joined = self.each_alternative(&values, |interp, value| {
                let result = interp.call_method(value, name, args.clone(), span);
                results.push(result.clone());
                result
            });
            let result = self.lifted(receiver, &values, &results, joined);
            return self.numbered_method(receiver, name, &args, result);
        }
        // Futures are what they come to: `executor.submit(f, x).result()`.
        if name.as_str() == "result" && args.is_empty() && self.is_plain_data(receiver) {
            return receiver.clone();
        }
        let result = match &receiver.kind {
            Kind::Obj(id) => self.object_method(receiver, *id, name, &args, span),
            Kind::Fn(id) => match name.as_str() {
                "call" => {
                    let this = args.get(0).cloned();
                    let rest = Args { pos: args.pos.iter().skip(1).cloned().collect(), ..args.clone() };
                    Some(self.call_closure(*id, this, rest, span))
                }
                "apply" => {
                    let this = args.get(0).cloned();
                    let list = args.get(1).cloned().unwrap_or_else(Val::undefined);
                    let (pos, rest) = self.elements_of(&list, span);
                    Some(self.call_closure(*id, this, Args { pos, rest, ..Args::default() }, span))
                }
                "bind" => Some(self.bind_function(*id, &args)),
                _ => None,
            },
            // `this.handle.bind(this)`: the method itself, whatever it was read from.
            Kind::Bound(method)
                if matches!(method.1.kind, Kind::Fn(_)) && matches!(name.as_str(), "call" | "apply" | "bind") =>
            {
                let function = method.1.clone();
                Some(self.call_method(&function, name, args.clone(), span))
            }
            Kind::Regex(regex) => {
                let regex = regex.clone();
                self.regex_method(&regex, name, &args, span)
            }
            Kind::Schema(schema) => {
                let schema = schema.clone();
                Some(self.schema_method(&schema, name, &args, span))
            }
            _ => None,
        };
        if let Some(result) = result {
            return result;
        }
        let header = if name.as_str() == "get" { args.get(0) } else { None };
        if let Some(header) = header.and_then(|header| self.header_of_request(receiver, header)) {
            return header;
        }
        if let Some(token) = self.client_token_method(receiver, name) {
            return token;
        }
        if let Some(result) = self.promise_method(receiver, name, &args, span) {
            return result;
        }
        let is_text = matches!(receiver.kind, Kind::Str | Kind::Num(_) | Kind::Bool(_))
            || (matches!(receiver.kind, Kind::Unknown) && self.is_builtin_method(name));
        if is_text && let Some(result) = self.text_method(receiver, name, &args, span) {
            return result;
        }
        if let Some(result) = self.sequence_method_of_unknown(receiver, name, &args, span) {
            return result;
        }
        if let Some(result) = self.structural_method(receiver, name, &args, span) {
            return result;
        }
        self.check_statement(name.as_str(), name.as_str(), &args, span);
        let mut all = args.clone();
        all.pos.push(Val { kind: Kind::Unknown, ..receiver.clone() });
        let target = Val::unknown();
        let result = self.call_unknown(&target, &all, span);
        self.note_answer(&result, receiver, name, &args);
        result
    }

    /// What is made of a value that is one of several, or a test of it: what it teaches of each alternative, the value
    /// itself learns.
    pub(super) fn lifted(&mut self, whole: &Val, values: &[Val], results: &[Val], joined: Val) -> Val {
        if whole.vn == 0 {
            return joined;
        }
        if !matches!(joined.kind, Kind::Bool(_)) {
            return self.made_of_all(whole, values, results).unwrap_or(joined);
        }
        let learnt = |outcome: bool| -> Refinements {
            let mut facts = Vec::new();
            for (value, result) in values.iter().zip(results) {
                // What cannot have this outcome, or is the program's own, needs nothing learnt.
                if result.truth() == Some(!outcome) || self.taint_now(value).is_none() {
                    continue;
                }
                let Some(cond) = &result.cond else { return Vec::new() };
                let side = if outcome { &cond.when_true } else { &cond.when_false };
                let Some((_, fact)) = side.iter().find(|(vn, _)| *vn == value.vn) else { return Vec::new() };
                facts.push(fact.clone());
            }
            let common = facts.into_iter().reduce(|one, other| Rc::new(one.or(&other)));
            common.map(|fact| (whole.vn, fact)).into_iter().collect()
        };
        let cond = Cond { when_true: learnt(true), when_false: learnt(false), ..Cond::default() };
        if cond.is_trivial() { joined } else { Val { cond: Some(Rc::new(cond)), ..joined } }
    }

    /// One text, where each alternative gave a text that was made of it in the same way: it is made so of the whole.
    fn made_of_all(&mut self, whole: &Val, values: &[Val], results: &[Val]) -> Option<Val> {
        let how = |(value, result): (&Val, &Val)| {
            let (base, how) = result.text.as_deref()?.base?;
            let is_open = matches!(result.kind, Kind::Str) && result.is_tainted() && result.literals().is_none();
            (is_open && base == value.vn && value.vn != 0).then_some(how)
        };
        let mut ways = values.iter().zip(results).map(how);
        let first = ways.next()??;
        if values.len() < 2 || !ways.all(|way| way == Some(first)) {
            return None;
        }
        let merged = self.merged(results)?;
        let text = Text { base: Some((whole.vn, first)), ..merged.text.as_deref()?.clone() };
        self.derivations.insert(merged.vn, (whole.vn, first));
        Some(Val { text: Some(Rc::new(text)), ..merged })
    }

    /// Python: texts, numbers and collections, none of which has a method of this name.
    fn is_plain_data(&self, value: &Val) -> bool {
        self.lang() == Lang::Python
            && match value.kind {
                Kind::Str | Kind::Num(_) | Kind::Bool(_) => true,
                Kind::Obj(id) => matches!(self.store.obj(id).kind, ObjKind::Dict | ObjKind::Array | ObjKind::Set),
                _ => false,
            }
    }

    /// What `Promise.reject` was given, of a promise that it made.
    fn rejected_with(&self, promise: &Val) -> Option<Val> {
        let Kind::Api(api, Some(data)) = promise.kind else { return None };
        let is_rejected = *self.apis.name(api) == *"globalThis.Promise.reject()";
        self.store.obj(data).items.first().filter(|_| is_rejected).cloned()
    }

    /// What a promise has been resolved with so far. To wait for one that was rejected brings nothing.
    pub(crate) fn settled(&mut self, promise: Val) -> Val {
        match &promise.kind {
            Kind::Resolver(cell) => self.store.cell(*cell).clone(),
            Kind::Union(variants) => {
                let is_kept = |one: &&Val| self.rejected_with(one).is_none();
                let kept: Vec<Val> = variants.iter().filter(is_kept).cloned().collect();
                if kept.len() == variants.len() {
                    return promise;
                }
                self.join_all(kept).unwrap_or_else(Val::undefined)
            }
            _ => promise,
        }
    }

    /// Promises are transparent: `then` calls with the value itself.
    pub(crate) fn promise_method(&mut self, receiver: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        if self.lang() != Lang::JavaScript {
            return None;
        }
        let receiver = &self.settled(receiver.clone());
        match name.as_str() {
            "then" => {
                let function = args.get(0)?.clone();
                let result = self.call_value(&function, None, Args::of(vec![receiver.clone()]), span);
                if let Some(handler) = args.pos.get(1).cloned() {
                    self.in_branch(|interp| {
                        interp.call_value(&handler, None, Args::of(vec![Val::unknown()]), span);
                    });
                }
                Some(result)
            }
            "catch" => {
                let function = args.get(0)?.clone();
                if let Some(reason) = self.rejected_with(receiver) {
                    return Some(self.call_value(&function, None, Args::of(vec![reason]), span));
                }
                let mut other = Val::undefined();
                self.in_branch(|interp| {
                    other = interp.call_value(&function, None, Args::of(vec![Val::unknown()]), span);
                });
                Some(self.join(receiver, &other))
            }
            "finally" => {
                let function = args.get(0)?.clone();
                self.call_value(&function, None, Args::default(), span);
                Some(receiver.clone())
            }
            _ => None,
        }
    }
}
