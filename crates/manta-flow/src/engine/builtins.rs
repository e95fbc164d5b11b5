//! Methods of built-in values: strings, sequences, mappings, functions, patterns. The names of both languages live in
//! one table where they do not clash; where they do, the module's language decides.

use std::rc::Rc;
use std::sync::LazyLock;

use manta_core::Span;
use rustc_hash::FxHashSet;

use crate::domain::props::StrProps;
use crate::domain::{CharSet, path};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::facts::{Cond, Fact, Refinements};
use crate::engine::interp::{Args, Interp, key_name};
use crate::engine::objects::key_index;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Part, Taint, Transform, Val, Vn};
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
    "encode",
    "decode",
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
        _data: Option<ObjId>,
        receiver: &Val,
        name: Symbol,
    ) -> Option<Val> {
        let path = self.apis.name(api);
        match (&*path, name.as_str()) {
            (
                "globalThis.process.env" | "process.env" | "os.environ" | "globalThis.Bun.env" | "globalThis.Deno.env",
                _,
            ) if self.lang() == Lang::JavaScript => Some(self.environment(name.as_str())),
            (
                _,
                "is_private" | "is_loopback" | "is_link_local" | "is_reserved" | "is_multicast" | "is_unspecified"
                | "is_global",
            ) if path.ends_with("ip_address()") || path.ends_with("IPv4Address()") => {
                Some(self.address_property(receiver, name.as_str()))
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

    /// `ipaddress.ip_address(text).is_private` and the like, exact for a concrete address.
    fn address_property(&self, address: &Val, name: &str) -> Val {
        let text = address.text.as_deref().and_then(|text| text.props.as_literal().map(str::to_owned));
        let Some(Ok(address)) = text.map(|text| text.parse::<std::net::IpAddr>()) else { return Val::any_bool() };
        let std::net::IpAddr::V4(v4) = address else { return Val::any_bool() };
        Val::bool(match name {
            "is_private" => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
            "is_loopback" => v4.is_loopback(),
            "is_link_local" => v4.is_link_local(),
            "is_multicast" => v4.is_multicast(),
            "is_unspecified" => v4.is_unspecified(),
            "is_global" => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
            _ => false,
        })
    }

    /// A value the administrator sets: trusted, unknown, remembered by its path for rules about secrets.
    pub(crate) fn environment(&mut self, name: &str) -> Val {
        let root = self.apis.root(Symbol::new("$env"));
        let api = self.apis.step(root, ApiStep::Field(Symbol::new(name)));
        Val::of(Kind::Api(api, None))
    }

    /// Calls of built-ins that need more than a model row says.
    pub(crate) fn builtin_call(
        &mut self,
        name: &str,
        _this: Option<&Val>,
        args: &Args,
        span: Span,
        _is_new: bool,
    ) -> Option<Val> {
        match name {
            "$env.get" | "os.environ.get" | "os.getenv" => {
                let key = args.get(0).and_then(|key| key.literal().map(str::to_owned)).unwrap_or_default();
                let value = self.environment(&key);
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
            "globalThis.Object.getPrototypeOf" => {
                Some(Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Plain)))))
            }
            "globalThis.String.raw" => {
                let all: Vec<Val> = args.pos.clone();
                Some(self.concat(&all, span))
            }
            "globalThis.String.fromCharCode" => {
                let (taint, step) = args.pos.first().map_or((Taint::NONE, 0), |value| (value.taint, value.step));
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
        if let Kind::Union(_) = &receiver.kind {
            let values: Vec<Val> = self.current(receiver).alternatives().to_vec();
            let values: Vec<Val> = values.into_iter().filter(|value| !value.is_nullish()).collect();
            let mut results = Vec::new();
            let joined = self.each_alternative(&values, |interp, value| {
                let result = interp.call_method(value, name, args.clone(), span);
                results.push(result.clone());
                result
            });
            return self.lifted(receiver, &values, &results, joined);
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
        if let Some(result) = self.promise_method(receiver, name, &args, span) {
            return result;
        }
        let is_text = matches!(receiver.kind, Kind::Str | Kind::Num(_) | Kind::Bool(_))
            || (matches!(receiver.kind, Kind::Unknown) && self.is_builtin_method(name));
        if is_text {
            let found = match self.lang() {
                Lang::JavaScript => self.js_text_method(receiver, name, &args, span),
                Lang::Python => self.py_text_method(receiver, name, &args, span),
            };
            if let Some(result) = found {
                return result;
            }
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
        self.call_unknown(&target, &all, span)
    }

    /// A test of a value that is one of several: what it teaches of each alternative, the value itself learns.
    fn lifted(&self, whole: &Val, values: &[Val], results: &[Val], joined: Val) -> Val {
        if whole.vn == 0 || !matches!(joined.kind, Kind::Bool(_)) {
            return joined;
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

    /// Promises are transparent: `then` calls with the value itself.
    fn promise_method(&mut self, receiver: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        if self.lang() != Lang::JavaScript {
            return None;
        }
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

    // ------------------------------------------------------------------ text

    pub(crate) fn js_text_method(&mut self, value: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        let props = |interp: &Self| interp.props(value);
        Some(match name.as_str() {
            "toString" | "valueOf" | "toFixed" | "toJSON" | "normalize" | "toWellFormed"
                if !matches!(value.kind, Kind::Unknown) || name.as_str() == "toString" =>
            {
                self.to_text(value)
            }
            "trim" | "trimStart" | "trimEnd" => self.same_text(value, |props| props.trim(), str::trim),
            "toLowerCase" | "toLocaleLowerCase" => self.same_text(value, StrProps::lower, |text| text),
            "toUpperCase" | "toLocaleUpperCase" => self.text_op(value, StrProps::upper),
            "startsWith" => self.starts_with(value, &first?, span),
            "endsWith" => self.ends_with(value, &first?, span),
            "includes" => self.contains_text(value, &first?, span),
            "indexOf" if let Some(at) = concrete_index(value, first.as_ref()) => Val::num(at),
            "indexOf" | "search" | "lastIndexOf" => {
                let needle = first.as_ref()?;
                if let Some(position) = self.exact_position(value, needle, name.as_str() == "lastIndexOf") {
                    return Some(Val::num(position));
                }
                let test = match first.as_ref().map(|value| &value.kind) {
                    Some(Kind::Regex(regex)) => {
                        let regex = regex.clone();
                        self.js_regex_test(&regex, value, span)
                    }
                    _ => self.contains_text(value, &first?, span),
                };
                Val { cond: test.cond, ..Val::of(Kind::Num(None)) }
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
                let second = args.get(1).cloned();
                return Some(self.slice(&self.as_text(value), first.as_ref(), second.as_ref(), span));
            }
            "charAt" | "at" => {
                let props = StrProps { max_len: Some(1), ..props(self).slice() };
                self.text_val(props, value)
            }
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
                    let piece = Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(value) };
                    let list = self.new_array(Vec::new(), Some(piece));
                    Val { cond: test.cond, ..list }
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
                None => self.same_text(value, |props| props.trim(), str::trim),
                Some(characters) if self.is_composed(value) => {
                    let characters = characters.literal().unwrap_or_default().to_owned();
                    self.strip_ends(value, name.as_str(), &characters, span)
                }
                Some(_) => {
                    let props = self.props(value).slice();
                    self.text_val(props, value)
                }
            },
            "lower" | "casefold" => self.same_text(value, StrProps::lower, |text| text),
            "upper" | "title" | "capitalize" | "swapcase" => self.text_op(value, StrProps::upper),
            "startswith" => self.starts_with(value, &first?, span),
            "endswith" => self.ends_with(value, &first?, span),
            "__contains__" => self.contains_text(value, &first?, span),
            "find" | "index" | "rfind" | "count" => {
                let test = self.contains_text(value, &first?, span);
                Val { cond: test.cond, ..Val::of(Kind::Num(None)) }
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
                Val { vn: self.store.fresh_vn(), ..Val::with_props(StrProps::default()).tainted_by(&first?) }
            }
            "encode" | "decode" | "__str__" | "as_posix" | "expandtabs" => self.to_text(value),
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
                let props = path::absolute(&self.props(value), path::Norm::Real);
                let value = self.as_text(value);
                let resolved = self.path_derived(props, &value);
                self.through(resolved, span, "Path.resolve")
            }
            "absolute" => {
                let value = self.as_text(value);
                let mut props = self.props(&value);
                props.path.abs = path::Abs::Abs;
                self.path_derived(props, &value)
            }
            "expanduser" | "expandvars" => {
                let props = self.props(value).slice();
                self.text_val(props, value)
            }
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
                    let props = self.props(value);
                    let value = self.as_text(value);
                    self.path_derived(props, &value)
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
                None => super::report::is_in_replay_root(text),
            };
            return Val::bool(inside);
        }
        if self.taint_now(value).is_none() || self.taint_now(dir).is_some() {
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
        if let Some(literal) = value.literal() {
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
                return self.new_array(pieces, None);
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
        let first = Val { taint, step: value.step, vn, ..Val::with_props(props) };
        self.new_array(vec![first], Some(piece))
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
        if let Some(parts) = value.text.as_deref().map(|text| text.parts.clone())
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
            Kind::Regex(regex) => {
                let global = regex.flags.contains('g');
                let (pattern, flags) = (regex.pattern.clone(), regex.flags.clone());
                self.regex_replace(&pattern, &flags, Lang::JavaScript, value, replacement, global, span)
            }
            _ => self.replace_text(value, pattern, replacement, all),
        }
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
        let taint = self.taint_now(&value).union(self.taint_now(replacement));
        let step = if value.taint.is_some() { value.step } else { replacement.step };
        Val { taint, step, vn: self.store.fresh_vn(), ..Val::with_props(props) }
    }

    /// Whether a text is known as a concatenation.
    fn is_composed(&self, value: &Val) -> bool {
        value.text.as_deref().is_some_and(|text| text.parts.len() > 1)
    }

    /// `strip`, `lstrip`, `rstrip` of a concatenation: the pieces at its ends get shorter.
    fn strip_ends(&mut self, value: &Val, method: &str, characters: &str, span: Span) -> Val {
        let mut parts = value.text.as_deref().map(|text| text.parts.clone()).unwrap_or_default();
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
    fn filled_template(&mut self, template: &Val, replacement: &Val) -> Option<Val> {
        if self.taint_now(replacement).is_none() || self.found.replay.is_some() {
            return None;
        }
        let parts = template.text.as_deref().map(|text| text.parts.clone()).unwrap_or_default();
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

    // ------------------------------------------------------------------ formatting

    /// `"… %s …" % values`.
    pub(crate) fn percent_format(&mut self, format: &Val, values: &Val, span: Span) -> Val {
        let Some(text) = format.literal().map(str::to_owned) else {
            return self.concat(&[format.clone(), values.clone()], span);
        };
        let (items, more) = match values.kind {
            Kind::Obj(id) if self.store.obj(id).is_sequence() => self.elements_of(values, span),
            _ => (vec![values.clone()], None),
        };
        let mut items = items.into_iter();
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('%') {
            pieces.push(Val::str(&rest[..at]));
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('%') {
                pieces.push(Val::str("%"));
                rest = after;
                continue;
            }
            let (key, after) = match after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
                Some((key, after)) => (Some(key), after),
                None => (None, after),
            };
            let conversion = after.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(after.len().saturating_sub(1));
            let kind = after[conversion.min(after.len())..].chars().next().unwrap_or('s');
            let value = match key {
                Some(key) => self.get_index(values, &Val::str(key), span),
                None => items.next().or_else(|| more.clone()).unwrap_or_else(Val::unknown),
            };
            let value = if matches!(kind, 'd' | 'i' | 'f' | 'x' | 'g') {
                Val { taint: value.taint, step: value.step, ..Val::of(Kind::Num(None)) }
            } else {
                value
            };
            pieces.push(value);
            rest = after.get(conversion + kind.len_utf8()..).unwrap_or("");
        }
        pieces.push(Val::str(rest));
        self.concat(&pieces, span)
    }

    /// `"… {} {name} …".format(…)`.
    fn brace_format(&mut self, format: &Val, args: &Args, span: Span) -> Val {
        let Some(text) = format.literal().map(str::to_owned) else {
            if let Some(formats) = format.literals().filter(|formats| formats.len() <= 4) {
                let results: Vec<Val> =
                    formats.iter().map(|format| self.brace_format(&Val::str(format), args, span)).collect();
                return self.join_all(results).unwrap_or_else(Val::unknown);
            }
            let mut all = vec![format.clone()];
            all.extend(args.all().cloned());
            return self.concat(&all, span);
        };
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        let mut next = 0;
        while let Some(at) = rest.find('{') {
            pieces.push(Val::str(&rest[..at].replace("}}", "}")));
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('{') {
                pieces.push(Val::str("{"));
                rest = after;
                continue;
            }
            let Some((field, after)) = after.split_once('}') else { break };
            let name = field.split([':', '!']).next().unwrap_or_default();
            let head = name.split(['.', '[']).next().unwrap_or_default();
            let value = if head.is_empty() {
                next += 1;
                args.get(next - 1).cloned()
            } else if let Ok(index) = head.parse::<usize>() {
                args.get(index).cloned()
            } else {
                args.named(head).cloned().or_else(|| args.named_rest.clone())
            };
            pieces.push(value.unwrap_or_else(Val::unknown));
            rest = after;
        }
        pieces.push(Val::str(&rest.replace("}}", "}")));
        self.concat(&pieces, span)
    }

    // ------------------------------------------------------------------ patterns

    fn js_regex_test(&mut self, regex: &crate::engine::value::RegexVal, value: &Val, span: Span) -> Val {
        let mode = crate::domain::regex::PythonMode::Search;
        match self.regex(&regex.pattern, &regex.flags, Lang::JavaScript, mode) {
            Some(parsed) => self.regex_test(&parsed, value, span),
            None => Val::any_bool(),
        }
    }

    fn regex_method(
        &mut self,
        regex: &crate::engine::value::RegexVal,
        name: Symbol,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let first = args.get(0).cloned();
        if self.lang() == Lang::Python {
            let (pattern, flags) = (regex.pattern.clone(), regex.flags.clone());
            return self.python_regex_call(&pattern, &flags, name, args, span);
        }
        match name.as_str() {
            "test" => {
                let value = self.as_text(&first?);
                Some(self.js_regex_test(regex, &value, span))
            }
            "exec" => {
                let value = self.as_text(&first?);
                let test = self.js_regex_test(regex, &value, span);
                if test.truth() == Some(false) {
                    return Some(Val::null());
                }
                let piece = Val { vn: self.store.fresh_vn(), ..Val::unknown().tainted_by(&value) };
                let list = self.new_array(Vec::new(), Some(piece));
                Some(Val { cond: test.cond, ..list })
            }
            "source" | "flags" | "toString" => Some(Val::str(&regex.pattern)),
            _ => None,
        }
    }

    // ------------------------------------------------------------------ sequences and mappings

    fn object_method(&mut self, receiver: &Val, id: ObjId, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let kind = self.store.obj(id).kind.clone();
        match kind {
            ObjKind::Array | ObjKind::Set => self.sequence_method(receiver, id, name, args, span),
            ObjKind::Dict | ObjKind::Map => self.mapping_method(receiver, id, name, args, span),
            ObjKind::Plain | ObjKind::External | ObjKind::Instance(_) | ObjKind::Class(_) => match name.as_str() {
                "hasOwnProperty" => Some(self.membership(&args.get(0)?.clone(), receiver, span)),
                "toString" | "toJSON" | "valueOf" | "geturl" => Some(self.to_text(receiver)),
                "_replace" => {
                    let copy = self.store.new_obj((*self.store.obj_rc(id)).clone());
                    for (name, value) in &args.named {
                        self.store.obj_mut(copy).fields.insert(*name, value.clone());
                    }
                    self.store.obj_mut(copy).fields.shift_remove(&Symbol::new("href"));
                    Some(Val { kind: Kind::Obj(copy), ..receiver.clone() })
                }
                "model_dump" | "dict" | "to_dict" | "asdict" => {
                    let copy = self.store.new_obj(Obj::new(ObjKind::Dict));
                    self.copy_fields(receiver, copy);
                    Some(Val { kind: Kind::Obj(copy), ..receiver.clone() })
                }
                _ => None,
            },
        }
    }

    fn mapping_method(&mut self, receiver: &Val, id: ObjId, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "get" | "pop" => {
                let key = first?;
                if self.found.is_name(key.vn) && key.literal().is_none() {
                    let keys: Vec<String> =
                        self.store.obj(id).fields.keys().map(|key| key.as_str().to_owned()).collect();
                    for key in keys {
                        self.found.add_name(&key);
                    }
                }
                let value = self.get_index(receiver, &key, span);
                let value = if matches!(value.kind, Kind::Method(_)) { Val::undefined() } else { value };
                match args.get(1).cloned() {
                    Some(default) if matches!(value.kind, Kind::Undefined) => default,
                    Some(default) if matches!(value.kind, Kind::Unknown | Kind::Str) => {
                        if default.taint.is_none() && value.is_tainted() { value } else { self.join(&value, &default) }
                    }
                    _ if matches!(value.kind, Kind::Undefined) => {
                        if self.lang() == Lang::Python {
                            Val::null()
                        } else {
                            Val::undefined()
                        }
                    }
                    _ => value,
                }
            }
            "set" => {
                let key = first?;
                let value = args.get(1).cloned().unwrap_or_else(Val::undefined);
                self.set_index(receiver, &key, value, span);
                receiver.clone()
            }
            "setdefault" => {
                let key = first?;
                let value = args.get(1).cloned().unwrap_or_else(Val::null);
                let before = self.get_index(receiver, &key, span);
                if before.is_nullish() {
                    self.set_index(receiver, &key, value.clone(), span);
                    value
                } else {
                    before
                }
            }
            "has" | "__contains__" => self.membership(&first?, receiver, span),
            "keys" => {
                let (items, more) = self.keys_of(receiver);
                self.new_array(items, more)
            }
            "values" => {
                let (items, more) = self.values_of(receiver);
                self.new_array(items, more)
            }
            "items" | "entries" => self.entries_of(receiver),
            "update" => {
                if let Some(source) = first {
                    self.copy_fields(&source, id);
                }
                for (name, value) in &args.named {
                    self.store.obj_mut(id).fields.insert(*name, value.clone());
                }
                Val::null()
            }
            "copy" => {
                let copy = self.store.new_obj((*self.store.obj_rc(id)).clone());
                Val { kind: Kind::Obj(copy), ..receiver.clone() }
            }
            "forEach" => {
                let function = first?;
                let (keys, _) = self.keys_of(receiver);
                let (values, more) = self.values_of(receiver);
                for (key, value) in keys.into_iter().zip(values) {
                    self.call_value(&function, None, Args::of(vec![value, key]), span);
                }
                if let Some(more) = more {
                    self.in_branch(|interp| {
                        interp.call_value(&function, None, Args::of(vec![more, Val::unknown()]), span);
                    });
                }
                Val::undefined()
            }
            "delete" | "clear" => Val::any_bool(),
            "size" => Val::of(Kind::Num(None)),
            _ => return None,
        })
    }

    fn sequence_method(&mut self, receiver: &Val, id: ObjId, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "push" | "append" | "add" => {
                for value in &args.pos {
                    self.push_array(id, value.clone());
                }
                if let Some(rest) = args.rest.clone() {
                    self.add_more(id, rest);
                }
                if name.as_str() == "add" { receiver.clone() } else { Val::of(Kind::Num(None)) }
            }
            "unshift" => {
                for value in args.pos.iter().rev() {
                    self.store.obj_mut(id).items.insert(0, value.clone());
                }
                if let Some(rest) = args.rest.clone() {
                    self.add_more(id, rest);
                }
                Val::of(Kind::Num(None))
            }
            "insert" => {
                let value = args.get(1).cloned()?;
                match key_index(&first?).and_then(|at| usize::try_from(at).ok()) {
                    Some(at) if at <= self.store.obj(id).items.len() => {
                        self.store.obj_mut(id).items.insert(at, value);
                    }
                    _ => self.add_more(id, value),
                }
                Val::null()
            }
            "extend" | "update" => {
                self.extend_array(id, &first?, span);
                Val::null()
            }
            "pop" => self
                .store
                .obj_mut(id)
                .items
                .pop()
                .or_else(|| self.store.obj(id).more.clone())
                .unwrap_or_else(Val::undefined),
            "shift" | "popleft" => {
                if self.store.obj(id).items.is_empty() {
                    self.store.obj(id).more.clone().unwrap_or_else(Val::undefined)
                } else {
                    self.store.obj_mut(id).items.remove(0)
                }
            }
            "concat" | "union" => {
                let mut list = receiver.clone();
                for value in &args.pos {
                    let is_list = matches!(value.kind, Kind::Obj(other) if self.store.obj(other).is_sequence())
                        || matches!(value.kind, Kind::Unknown | Kind::Api(..));
                    let (mut items, more) = self.elements_of(&list, span);
                    let (theirs, rest) =
                        if is_list { self.elements_of(value, span) } else { (vec![value.clone()], None) };
                    let more = match more {
                        Some(more) => self.join_all(std::iter::once(more).chain(theirs).chain(rest)),
                        None => {
                            items.extend(theirs);
                            rest
                        }
                    };
                    list = self.new_array(items, more);
                }
                list
            }
            "slice" => {
                let second = args.get(1).cloned();
                return Some(self.slice(receiver, first.as_ref(), second.as_ref(), span));
            }
            "splice" => {
                for value in args.pos.iter().skip(2) {
                    self.add_more(id, value.clone());
                }
                let all: Vec<Val> = self.store.obj(id).items.clone();
                let joined = self.join_all(all);
                self.new_array(Vec::new(), joined)
            }
            "join" => {
                let separator = first.map_or_else(|| ",".to_owned(), |value| value.literal().unwrap_or(" ").to_owned());
                self.join_array(receiver, &separator)
            }
            "includes" | "has" | "__contains__" => self.membership(&first?, receiver, span),
            "indexOf" | "index" | "lastIndexOf" => {
                let test = self.membership(&first?, receiver, span);
                Val { cond: test.cond, ..Val::of(Kind::Num(None)) }
            }
            "map" | "filter" | "forEach" | "flatMap" | "find" | "findLast" | "findIndex" | "some" | "every"
            | "reduce" | "reduceRight" => {
                if name.as_str().starts_with("reduce") {
                    return Some(self.reduce(receiver, &first?, args.get(1).cloned(), span));
                }
                return Some(self.array_callback(receiver, name.as_str(), &first?, span));
            }
            "flat" => {
                let (items, more) = self.elements_of(receiver, span);
                let mut flat = Vec::new();
                let mut open = Vec::new();
                for item in items {
                    let is_list = matches!(item.kind, Kind::Obj(inner) if self.store.obj(inner).is_sequence());
                    if is_list {
                        let (inner, rest) = self.elements_of(&item, span);
                        flat.extend(inner);
                        open.extend(rest);
                    } else {
                        flat.push(item);
                    }
                }
                if let Some(more) = more {
                    let (inner, rest) = self.elements_of(&more, span);
                    open.extend(inner);
                    open.extend(rest);
                }
                let more = self.join_all(open);
                self.new_array(flat, more)
            }
            "sort" | "reverse" | "toSorted" | "toReversed" | "fill" | "copy" => {
                let obj = self.store.obj_rc(id);
                let copy = self.store.new_obj((*obj).clone());
                if matches!(name.as_str(), "sort" | "reverse" | "fill") {
                    return Some(receiver.clone());
                }
                Val { kind: Kind::Obj(copy), ..receiver.clone() }
            }
            "keys" => self.new_array(Vec::new(), Some(Val::of(Kind::Num(None)))),
            "values" => receiver.clone(),
            "entries" => self.entries_of(receiver),
            "at" => self.get_index(receiver, &first?, span),
            "then" => return self.promise_method(receiver, name, args, span),
            "toString" => self.join_array(receiver, ","),
            "clear" | "remove" | "discard" | "delete" | "count" => Val::null(),
            _ => return None,
        })
    }

    /// `xs.map(f)` and friends: `f` runs for each known element, then once for all others.
    pub(crate) fn array_callback(&mut self, list: &Val, name: &str, function: &Val, span: Span) -> Val {
        let (items, more) = self.elements_of(list, span);
        let (items, more) = if items.len() > 96 || !self.admits_rounds(items.len()) {
            let joined = self.join_all(items.into_iter().chain(more));
            (Vec::new(), joined)
        } else {
            (items, more)
        };
        let outer_rounds = self.enter_loop(items.len());
        let mut kept = Vec::new();
        let mut results = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let index = Val::num(f64::from(u32::try_from(index).unwrap_or(0)));
            let result = self.call_value(function, None, Args::of(vec![item.clone(), index, list.clone()]), span);
            if name == "filter" && result.truth() != Some(false) {
                kept.push(self.with_outcome(item, &result));
            }
            if name == "find" || name == "findLast" {
                let truth = result.truth();
                if truth != Some(false) {
                    kept.push(item.clone());
                }
                if truth == Some(true) && kept.len() == 1 {
                    self.leave_loop(outer_rounds);
                    return item.clone();
                }
            }
            results.push(result);
        }
        self.leave_loop(outer_rounds);
        let mut open = None;
        let mut open_kept = None;
        if let Some(more) = &more {
            let mut result = Val::unknown();
            let args = Args::of(vec![more.clone(), Val::of(Kind::Num(None)), list.clone()]);
            self.in_branch(|interp| result = interp.call_value(function, None, args, span));
            open_kept = (result.truth() != Some(false)).then(|| self.with_outcome(more, &result));
            open = Some(result);
        }
        // That something passed says what the test says of it.
        let evidence = match name {
            "filter" | "find" | "findLast" => {
                let answers = self.new_array(results.clone(), open.clone());
                let some = self.quantified(&answers, false, span);
                some.cond.map(|cond| cond.when_true.clone()).unwrap_or_default()
            }
            _ => Refinements::new(),
        };
        match name {
            "map" => self.new_array(results, open),
            "flatMap" => {
                let mut flat = Vec::new();
                let mut rest = Vec::new();
                for result in results {
                    if matches!(result.kind, Kind::Obj(id) if self.store.obj(id).is_sequence()) {
                        let (inner, more) = self.elements_of(&result, span);
                        flat.extend(inner);
                        rest.extend(more);
                    } else {
                        flat.push(result);
                    }
                }
                if let Some(result) = open {
                    let (inner, more) = self.elements_of(&result, span);
                    rest.extend(inner);
                    rest.extend(more);
                }
                let rest = self.join_all(rest);
                self.new_array(flat, rest)
            }
            "filter" => {
                // Known elements stay one by one, also those whose presence is in doubt.
                let list = self.new_array(kept, open_kept);
                if let (Kind::Obj(id), false) = (&list.kind, evidence.is_empty()) {
                    self.evidence.insert(*id, evidence);
                }
                list
            }
            "find" | "findLast" => {
                let found = self.join_all(kept.into_iter().chain(open_kept)).unwrap_or_else(Val::undefined);
                if !evidence.is_empty() {
                    return Val { cond: Some(Rc::new(Cond { when_true: evidence, ..Cond::default() })), ..found };
                }
                // That something was found means that some element passed.
                let passed = self.new_array(results, open);
                let cond = self.quantified(&passed, false, span).cond;
                if found.cond.is_none() && !found.is_nullish() { Val { cond, ..found } } else { found }
            }
            "some" | "every" => {
                let list = self.new_array(results, open);
                self.quantified(&list, name == "every", span)
            }
            "findIndex" | "findLastIndex" => {
                let passed = self.new_array(results, open);
                let cond = self.quantified(&passed, false, span).cond;
                Val { cond, ..Val::of(Kind::Num(None)) }
            }
            _ => Val::undefined(),
        }
    }

    /// The element as it is when the callback's answer was true.
    fn with_outcome(&self, item: &Val, result: &Val) -> Val {
        let Some(cond) = &result.cond else { return item.clone() };
        match cond.when_true.iter().find(|(vn, _)| *vn == item.vn && item.vn != 0) {
            Some((_, fact)) => self.refined(item, fact),
            None => item.clone(),
        }
    }

    fn quantified(&mut self, results: &Val, is_all: bool, span: Span) -> Val {
        let (items, more) = self.elements_of(results, span);
        let is_open = more.is_some();
        let mut cond: Option<Cond> = None;
        let mut truths = Vec::new();
        for item in items.into_iter().chain(more) {
            truths.push(item.truth());
            let own = item.cond.as_deref().cloned().unwrap_or_default();
            cond = Some(match cond {
                None => own,
                Some(before) if is_all => before.and(&own),
                Some(before) => before.or(&own),
            });
        }
        let truth = if is_all {
            if truths.contains(&Some(false)) {
                Some(false)
            } else if truths.iter().all(|truth| *truth == Some(true)) {
                Some(true)
            } else {
                None
            }
        } else if truths.contains(&Some(true)) && !is_open {
            Some(true)
        } else if truths.iter().all(|truth| *truth == Some(false)) {
            // Also when there is no element at all.
            Some(false)
        } else {
            None
        };
        self.bool_with(truth, cond.unwrap_or_default())
    }

    fn reduce(&mut self, list: &Val, function: &Val, initial: Option<Val>, span: Span) -> Val {
        let (items, more) = self.elements_of(list, span);
        let mut all = items.into_iter();
        let mut result = match initial {
            Some(initial) => initial,
            None => all.next().or_else(|| more.clone()).unwrap_or_else(Val::undefined),
        };
        for item in all.take(96) {
            result = self.call_value(function, None, Args::of(vec![result, item]), span);
        }
        if let Some(more) = more {
            let next = self.call_value(function, None, Args::of(vec![result.clone(), more]), span);
            result = self.join(&result, &next);
        }
        result
    }

    /// Sequence methods on values that may be sequences.
    pub(crate) fn sequence_method_of_unknown(
        &mut self,
        receiver: &Val,
        name: Symbol,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let first = args.get(0).cloned();
        Some(match name.as_str() {
            "map" | "filter" | "forEach" | "flatMap" | "find" | "some" | "every" => {
                let function = first?;
                if !matches!(function.kind, Kind::Fn(_) | Kind::Bound(_)) {
                    return None;
                }
                let result = self.array_callback(receiver, name.as_str(), &function, span);
                if matches!(name.as_str(), "map" | "filter" | "flatMap") {
                    Val { taint: result.taint.union(receiver.taint), ..result }
                } else {
                    result
                }
            }
            "reduce" => self.reduce(receiver, &first?, args.get(1).cloned(), span),
            "join" if receiver.is_tainted() && self.lang() == Lang::JavaScript => {
                let separator = first.map_or_else(|| ",".to_owned(), |value| value.literal().unwrap_or(" ").to_owned());
                self.join_array(receiver, &separator)
            }
            "includes" | "has" | "indexOf" => {
                let test = self.membership(&first?, receiver, span);
                if name.as_str() == "indexOf" { Val { cond: test.cond, ..Val::of(Kind::Num(None)) } } else { test }
            }
            "get" if receiver.is_tainted() => self.get_index(receiver, &first?, span),
            "items" | "entries" if receiver.is_tainted() => self.entries_of(receiver),
            "keys" if receiver.is_tainted() => {
                let (items, more) = self.keys_of(receiver);
                self.new_array(items, more)
            }
            "values" if receiver.is_tainted() => {
                let (items, more) = self.values_of(receiver);
                self.new_array(items, more)
            }
            "concat" if receiver.is_tainted() => {
                let (items, more) = self.elements_of(receiver, span);
                let theirs: Vec<Val> = args.pos.clone();
                let joined = self.join_all(items.into_iter().chain(more).chain(theirs));
                self.new_array(Vec::new(), joined)
            }
            _ => return None,
        })
    }
}

/// `text.indexOf(part)` of known texts; -1 when it is not in there.
fn concrete_index(text: &Val, part: Option<&Val>) -> Option<f64> {
    let (text, part) = (text.literal()?, part?.literal()?);
    let at = text.find(part).map(|at| text[..at].encode_utf16().count());
    Some(at.map_or(-1.0, |at| f64::from(u32::try_from(at).unwrap_or(u32::MAX))))
}
