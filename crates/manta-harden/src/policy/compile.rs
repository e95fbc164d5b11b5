//! From the file as data to rules that decide: roots are opened, programs found, patterns compiled, and
//! every name that is used must exist.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use regex::RegexBuilder;
use toml::Spanned;

use super::args::{Arg, Check};
use super::decision::{HostSet, Rule};
use super::file::{PolicyError, PolicyFile, closest};
use super::spec::{
    Access as Default_, ArgKind, ArgSpec, CommandSpec, HostsSpec, KeyPart, LimitSpec, Named, Number, OperandSpec,
    RootMode, RootSpec, SubcommandSpec, ToolSpec,
};
use super::when::Condition;
use super::{Policy, Resources, Rules, ToolRule};
use crate::command::{self, CommandSet, Cwd, EndOfOptions, Flag, Grammar, Operand, Value};
use crate::limit::{Limit, Part};
use crate::net::UrlPolicy;
use crate::paths::{Access, Root, Roots, Symlinks};
use crate::redact::Redactor;

/// Arguments of a tool that says nothing about their size.
const MAX_ARGUMENTS: u64 = 1 << 20;
/// A pattern that compiles to more is refused: it would cost more than it protects.
const MAX_PATTERN: usize = 1 << 20;

type Result<T> = std::result::Result<T, PolicyError>;

/// Compiles the file, with the section of one server on top when there is one.
pub(super) fn compile(file: Arc<PolicyFile>, server: Option<&str>) -> Result<Policy> {
    let spec = file.spec();
    let compiler = Compiler::new(&file)?;
    let section = match server {
        Some(name) => Some(compiler.named("server", &spec.server, name, 0..0)?.get_ref()),
        None => None,
    };
    let prefix = |name: &str| {
        if section.is_some() { format!("server.{}.{name}", server.unwrap_or_default()) } else { name.to_owned() }
    };
    let mut tools = compiler.tools("tools", &spec.tools)?;
    let mut prompts = compiler.tools("prompts", &spec.prompts)?;
    if let Some(section) = section {
        tools.extend(compiler.tools(&prefix("tools"), &section.tools)?);
        prompts.extend(compiler.tools(&prefix("prompts"), &section.prompts)?);
    }
    let resources = match section.and_then(|section| section.resources.as_ref()) {
        Some(resources) => Some((prefix("resources"), resources)),
        None => spec.resources.as_ref().map(|resources| ("resources".to_owned(), resources)),
    };
    let resources = resources.map(|(name, spec)| compiler.resources(&name, spec)).transpose()?;
    let default = section.and_then(|section| section.default).unwrap_or(spec.default);
    let mode = section.and_then(|section| section.mode).unwrap_or(spec.mode);
    let unnamed = compiler.limits_of(None, 0..0)?;
    if let Some(oauth) = &spec.serve.oauth
        && let Some(hosts) = &oauth.get_ref().hosts
    {
        compiler.named("hosts", &spec.hosts, hosts, oauth.span())?;
    }
    let Compiler { roots, hosts, commands, .. } = compiler;
    let policy = Policy {
        is_default_allow: default == Default_::Allow,
        default_rule: Rule::new("default".to_owned(), Arc::from(file.cited()), 0),
        mode,
        roots,
        hosts,
        commands,
        tools: Rules::new(tools),
        prompts: Rules::new(prompts),
        resources,
        unnamed,
        reader: None,
        file,
    };
    Ok(policy)
}

struct Compiler<'a> {
    file: &'a PolicyFile,
    place: Arc<Path>,
    roots: BTreeMap<String, Root>,
    hosts: BTreeMap<String, Arc<HostSet>>,
    commands: Arc<CommandSet>,
    limits: BTreeMap<String, Limit>,
    /// Knows the names of secrets.
    redactor: Redactor,
}

impl<'a> Compiler<'a> {
    fn new(file: &'a PolicyFile) -> Result<Self> {
        let mut compiler = Self {
            file,
            place: Arc::from(file.cited()),
            roots: BTreeMap::new(),
            hosts: BTreeMap::new(),
            commands: Arc::default(),
            limits: BTreeMap::new(),
            redactor: Redactor::new([0; 32]).names(file.spec().redact.fields.iter().map(String::as_str)),
        };
        let spec = file.spec();
        for (name, root) in &spec.roots {
            let opened = compiler.root(name, root)?;
            compiler.roots.insert(name.clone(), opened);
        }
        for (name, hosts) in &spec.hosts {
            let set = compiler.host_set(name, hosts)?;
            compiler.hosts.insert(name.clone(), Arc::new(set));
        }
        let commands = spec.commands.iter().map(|(name, command)| compiler.command(name, command));
        let commands: Vec<(command::CommandSpec, Range<usize>)> = commands.collect::<Result<_>>()?;
        compiler.commands = Arc::new(compiler.command_set(commands)?);
        for (name, limit) in &spec.limits {
            let compiled = compiler.limit(name, limit)?;
            compiler.limits.insert(name.clone(), compiled);
        }
        compiler.limits.entry("default".to_owned()).or_insert_with(Limit::per_tool);
        Ok(compiler)
    }

    fn error(&self, span: &Range<usize>, message: impl Into<String>) -> PolicyError {
        self.file.error_at(span, message)
    }

    fn rule(&self, name: String, span: &Range<usize>) -> Rule {
        Rule::new(name, Arc::clone(&self.place), self.file.line(span))
    }

    /// A name that must exist, or an error that suggests one that does.
    fn named<'m, T>(&self, table: &str, map: &'m BTreeMap<String, T>, name: &str, span: Range<usize>) -> Result<&'m T> {
        map.get(name).ok_or_else(|| {
            let error = match span.is_empty() {
                true => PolicyError::file(self.file.path(), format!("there is no [{table}.{name}]")),
                false => self.error(&span, format!("there is no [{table}.{name}]")),
            };
            match closest(name, map.keys().map(String::as_str)) {
                Some(best) => error.with_help(format!("did you mean `{best}`?")),
                None => error.with_help(format!("add a section [{table}.{name}]")),
            }
        })
    }

    fn root(&self, name: &str, spec: &Spanned<RootSpec>) -> Result<Root> {
        let (span, spec) = (spec.span(), spec.get_ref());
        let mut options = Root::options()
            .name(name)
            .symlinks(if spec.no_symlinks { Symlinks::Refuse } else { Symlinks::Inside })
            .same_device(spec.no_xdev)
            .portable(spec.portable)
            .read_hard_links(!spec.no_hard_links)
            .max_file(spec.max_file.bytes());
        let (protected, hidden) = self.file.own_files();
        options = protected.iter().fold(options, |options, path| options.protect(path));
        options = hidden.iter().fold(options, |options, path| options.hide(path));
        if let Some(frozen) = &spec.frozen {
            options = options.freeze(frozen);
        }
        if let Some(denied) = &spec.deny {
            options = options.deny(denied);
        }
        let directory = self.file.directory().join(&spec.at);
        options.open(&directory, access(spec.mode)).map_err(|error| {
            self.error(&span, format!("root `{name}`: {} cannot be opened: {error}", directory.display()))
        })
    }

    fn host_set(&self, name: &str, spec: &Spanned<HostsSpec>) -> Result<HostSet> {
        let (span, spec) = (spec.span(), spec.get_ref());
        let refuse = |error: &dyn std::fmt::Display| self.error(&span, format!("hosts `{name}`: {error}"));
        let mut policy = UrlPolicy::new();
        for scheme in &spec.schemes {
            match scheme.as_str() {
                "https" => {}
                "http" => policy = policy.http(true),
                other => return Err(refuse(&format!("scheme `{other}` is not known; use https or http"))),
            }
        }
        if !spec.schemes.iter().any(|scheme| scheme == "https") {
            return Err(refuse(&"https cannot be left out"));
        }
        for host in &spec.allow {
            policy = policy.host(host).map_err(|error| refuse(&format!("`{host}`: {error}")))?;
        }
        for port in &spec.ports {
            policy = policy.port(*port);
        }
        for range in &spec.private {
            policy = policy.dangerous_allow_range(range).map_err(|error| refuse(&format!("`{range}`: {error}")))?;
        }
        let (max_body, timeout) = (spec.max_body.bytes(), spec.timeout.get());
        Ok(HostSet { name: name.to_owned(), policy, redirects: spec.redirects, max_body, timeout })
    }

    fn command(&self, name: &str, spec: &Spanned<CommandSpec>) -> Result<(command::CommandSpec, Range<usize>)> {
        let (span, spec) = (spec.span(), spec.get_ref());
        let cwd = match &spec.cwd {
            Some(root) => Cwd::Root(self.named("roots", &self.roots, root, span.clone())?.clone()),
            None => Cwd::Dir(self.file.directory()),
        };
        let mut compiled = command::CommandSpec::new(name, &spec.exe, cwd);
        compiled.args_before.clone_from(&spec.args_before);
        compiled.env = spec.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        compiled.grammar = self.grammar(&spec.flags, &spec.operands, &span)?;
        compiled.grammar.operands_first = spec.operands_first;
        for (sub, grammar) in &spec.sub {
            let SubcommandSpec { args_before, flags, operands, operands_first } = grammar.get_ref();
            let mut compiled_sub = self.grammar(flags, operands, &grammar.span())?;
            compiled_sub.operands_first = *operands_first;
            compiled_sub.args_before.clone_from(args_before);
            compiled.grammar.sub.insert(sub.clone(), compiled_sub);
        }
        compiled.end_of_options = match spec.end_of_options.as_str() {
            "--" => EndOfOptions::DoubleDash,
            "--end-of-options" => EndOfOptions::Git,
            "none" => EndOfOptions::None,
            other => {
                return Err(
                    self.error(&span, format!("end_of_options `{other}`: write `--`, `--end-of-options` or `none`"))
                );
            }
        };
        (compiled.max_args, compiled.max_bytes, compiled.interpreter) =
            (spec.max_args, spec.max_bytes, spec.interpreter);
        let limits = &mut compiled.limits;
        limits.cpu = spec.limits.cpu.map_or(limits.cpu, |cpu| cpu.get());
        limits.wall = spec.limits.wall.map_or(limits.wall, |wall| wall.get());
        limits.memory = spec.limits.memory.map_or(limits.memory, |size| size.bytes());
        limits.file = spec.limits.file.map_or(limits.file, |size| size.bytes());
        limits.files = spec.limits.files.unwrap_or(limits.files);
        limits.processes = spec.limits.processes.unwrap_or(limits.processes);
        limits.output = spec.limits.output.map_or(limits.output, |size| size.bytes());
        Ok((compiled, span))
    }

    fn grammar(
        &self,
        flags: &BTreeMap<String, String>,
        operands: &[OperandSpec],
        span: &Range<usize>,
    ) -> Result<Grammar> {
        let mut grammar = Grammar::default();
        for (name, text) in flags {
            let flag = self.flag(text, span).map_err(|error| self.error(span, format!("flag `{name}`: {error}")))?;
            grammar.flags.insert(name.clone(), flag);
        }
        for spec in operands {
            let value = self.operand(spec, span)?;
            grammar.operands.push(Operand { value, min: spec.min, max: spec.max });
        }
        Ok(grammar)
    }

    /// `path ROOT`, or what the command module reads by itself: it knows no names of roots.
    fn flag(&self, text: &str, span: &Range<usize>) -> std::result::Result<Flag, String> {
        let (kind, most) = Flag::split_count(text);
        match kind.trim().strip_prefix("path ") {
            Some(root) => {
                let roots =
                    self.roots(&[root.trim().to_owned()], Access::READ, span).map_err(|error| error.to_string())?;
                Ok(Flag::with(Value::Path { roots, access: Access::READ }).up_to(most))
            }
            None => Flag::parse(text),
        }
    }

    fn operand(&self, spec: &OperandSpec, span: &Range<usize>) -> Result<Value> {
        let refuse = |error: String| self.error(span, format!("operand: {error}"));
        match (spec.kind.as_str(), &spec.pattern) {
            ("path", _) => {
                Ok(Value::Path { roots: self.roots(&spec.roots, Access::READ, span)?, access: Access::READ })
            }
            ("enum", _) => Ok(Value::Enum(spec.values.clone())),
            ("pattern", Some(pattern)) => Value::pattern(pattern).map_err(refuse),
            ("pattern", None) => Err(refuse("kind `pattern` needs a `pattern`".to_owned())),
            (other, _) => Value::parse(other).map_err(refuse),
        }
    }

    /// Programs are opened one by one, so that an error can name its line.
    fn command_set(&self, commands: Vec<(command::CommandSpec, Range<usize>)>) -> Result<CommandSet> {
        for (spec, span) in &commands {
            CommandSet::new([spec.clone()])
                .map_err(|error| self.error(span, format!("command `{}`: {error}", spec.name)))?;
            self.refuse_writable(spec, span)?;
        }
        CommandSet::new(commands.into_iter().map(|(spec, _)| spec))
            .map_err(|error| PolicyError::file(self.file.path(), error.to_string()))
    }

    /// Whoever may write a program decides what it does: no rule about its arguments holds it.
    fn refuse_writable(&self, spec: &command::CommandSpec, span: &Range<usize>) -> Result<()> {
        let real = spec.exe.canonicalize().unwrap_or_else(|_| spec.exe.clone());
        let is_writable = |root: &&Root| {
            let place = root.path().canonicalize();
            root.access().changes() && (spec.exe.starts_with(root.path()) || place.is_ok_and(|at| real.starts_with(at)))
        };
        match self.roots.values().find(is_writable).filter(|_| !spec.interpreter) {
            Some(root) => Err(self.error(
                span,
                format!(
                    "command `{}`: the program lies in root `{}`, where callers may write: they decide what it does; \
                     move it, or admit that with `interpreter = true`",
                    spec.name,
                    root.name()
                ),
            )),
            None => Ok(()),
        }
    }

    fn limit(&self, name: &str, spec: &Spanned<LimitSpec>) -> Result<Limit> {
        let (span, spec) = (spec.span(), spec.get_ref());
        if spec.calls > 65_536 {
            return Err(self.error(&span, format!("limit `{name}`: at most 65536 calls can be counted exactly")));
        }
        if spec.shared && self.file.spec().redis.is_none() {
            return Err(self.error(&span, format!("limit `{name}` is shared, and there is no [redis]")));
        }
        let parts = spec.key.iter().map(|part| match part {
            KeyPart::Tool => Part::Tool,
            KeyPart::Principal => Part::Principal,
            KeyPart::Server => Part::Server,
        });
        let mut limit = Limit::new(name, spec.calls, spec.per.get(), &parts.collect::<Vec<_>>());
        limit.concurrent = spec.concurrent;
        Ok(limit)
    }

    /// The limits of a tool: the ones it names, else `default`; and `global` for all.
    fn limits_of(&self, names: Option<&Vec<String>>, span: Range<usize>) -> Result<Arc<[Limit]>> {
        let default = vec!["default".to_owned()];
        let names = names.unwrap_or(&default);
        let mut limits: Vec<Limit> = names
            .iter()
            .map(|name| self.named("limits", &self.limits, name, span.clone()).cloned())
            .collect::<Result<_>>()?;
        if let Some(global) = self.limits.get("global").filter(|_| !names.iter().any(|name| name == "global")) {
            limits.push(global.clone());
        }
        Ok(limits.into())
    }

    fn tools(&self, prefix: &str, tools: &Named<ToolSpec>) -> Result<HashMap<String, ToolRule>> {
        tools.iter().map(|(name, spec)| Ok((name.clone(), self.tool(&format!("{prefix}.{name}"), spec)?))).collect()
    }

    fn tool(&self, name: &str, spec: &Spanned<ToolSpec>) -> Result<ToolRule> {
        let (span, spec) = (spec.span(), spec.get_ref());
        let when = spec.when.as_deref().map(Condition::parse).transpose();
        let when = when.map_err(|problem| self.error(&span, format!("when: {problem}")))?;
        let args = self.args(&format!("{name}.args"), &spec.args, false)?;
        for (arg, rule) in &args {
            if let Check::Command { args_in: Some(member), .. } = &rule.check
                && args.contains_key(member)
            {
                return Err(self
                    .error(&span, format!("`{member}` belongs to the command in `{arg}` and has a rule of its own")));
            }
        }
        Ok(ToolRule {
            rule: self.rule(name.to_owned(), &span),
            is_denied: spec.access == Some(Default_::Deny),
            class: spec.class,
            approve: spec.approve,
            passes_extra: spec.extra == super::spec::Extra::Pass,
            limits: self.limits_of(spec.limits.as_ref(), span.clone())?,
            principals: spec.principals.clone(),
            max_arguments: spec.max_arguments.map_or(MAX_ARGUMENTS, |size| size.bytes()),
            max_result: spec.max_result.map(|size| size.bytes()),
            timeout: spec.timeout.map(|timeout| timeout.get()),
            sensitive: super::args::sensitive(&args),
            args,
            when,
        })
    }

    /// `is_withheld` for members of something that is kept out of messages as a whole.
    fn args(&self, prefix: &str, specs: &Named<ArgSpec>, is_withheld: bool) -> Result<BTreeMap<String, Arg>> {
        let arg = |name: &String, spec| {
            let is_secret = is_withheld || self.redactor.is_secret_name(name);
            self.arg(format!("{prefix}.{name}"), spec, is_secret)
        };
        specs.iter().map(|(name, spec)| Ok((name.clone(), arg(name, spec)?))).collect()
    }

    fn arg(&self, name: String, spec: &Spanned<ArgSpec>, is_secret: bool) -> Result<Arg> {
        let (span, spec) = (spec.span(), spec.get_ref());
        if let Some(key) = misplaced(spec) {
            let message = format!("`{key}` means nothing for kind `{}`", kind_name(spec.kind));
            return Err(self.error(&span, message));
        }
        let is_withheld = is_secret || spec.sensitive;
        Ok(Arg {
            check: self.check(&name, spec, &span, is_withheld)?,
            rule: self.rule(name, &span),
            is_required: spec.required,
            is_nullable: spec.nullable,
            is_sensitive: spec.sensitive,
            is_withheld,
        })
    }

    fn check(&self, name: &str, spec: &ArgSpec, span: &Range<usize>, is_withheld: bool) -> Result<Check> {
        let needs = |key: &str| self.error(span, format!("kind `{}` needs `{key}`", kind_name(spec.kind)));
        Ok(match spec.kind {
            ArgKind::Path => {
                let names = spec.roots.clone().ok_or_else(|| needs("roots"))?;
                let wanted = access(spec.mode.unwrap_or_default());
                Check::Path { roots: self.roots(&names, wanted, span)?, names, wanted }
            }
            ArgKind::Url => {
                let names = spec.hosts.as_ref().ok_or_else(|| needs("hosts"))?;
                let set = |name: &String| self.named("hosts", &self.hosts, name, span.clone()).cloned();
                Check::Url { sets: names.iter().map(set).collect::<Result<_>>()? }
            }
            ArgKind::Command => {
                let names = spec.commands.clone().ok_or_else(|| needs("commands"))?;
                for name in &names {
                    self.named("commands", &self.file.spec().commands, name, span.clone())?;
                }
                Check::Command { commands: Arc::clone(&self.commands), names, args_in: spec.args_in.clone() }
            }
            ArgKind::String => Check::String {
                min: spec.min_len.unwrap_or(0),
                max: spec.max_len.unwrap_or(usize::MAX),
                pattern: spec.pattern.as_ref().map(|pattern| self.pattern(pattern, span)).transpose()?,
                charset: spec.charset.unwrap_or(super::spec::Charset::Text),
            },
            ArgKind::Int => Check::Int { min: self.int(spec.min, span)?, max: self.int(spec.max, span)? },
            ArgKind::Number => Check::Number { min: spec.min, max: spec.max },
            ArgKind::Bool => Check::Bool,
            ArgKind::Enum => Check::Enum(spec.values.clone().ok_or_else(|| needs("values"))?),
            ArgKind::List => Check::List {
                item: match &spec.items {
                    Some(items) => Some(Box::new(self.arg(format!("{name}.items"), items, is_withheld)?)),
                    None => None,
                },
                min: spec.min_len.unwrap_or(0),
                max: spec.max_len.unwrap_or(10_000),
            },
            ArgKind::Object => {
                let fields = spec.fields.as_ref().ok_or_else(|| needs("fields"))?;
                Check::Object(self.args(&format!("{name}.fields"), fields, is_withheld)?)
            }
            ArgKind::Any => Check::Any,
        })
    }

    /// The named roots together; none may grant less than the rule wants. A root inside one of them keeps its own
    /// rules for what lies in it, whether the rule names it or not: the outer one says nothing about that directory.
    fn roots(&self, names: &[String], wanted: Access, span: &Range<usize>) -> Result<Roots> {
        let mut roots = Vec::new();
        for name in names {
            let root = self.named("roots", &self.roots, name, span.clone())?;
            if !root.access().includes(wanted) {
                return Err(self.error(span, format!("root `{name}` does not grant what this `mode` wants")));
            }
            roots.push(root.clone());
        }
        if roots.is_empty() {
            return Err(self.error(span, "`roots` names no root"));
        }
        let named = roots.len();
        for inner in self.roots.values() {
            let is_inside = roots[..named].iter().any(|outer| inner.path().starts_with(outer.path()));
            match roots.iter().position(|known| known.path() == inner.path()) {
                None if is_inside => roots.push(inner.clone()),
                // Two that the rule does not name, in one place: what both grant.
                Some(known) if known >= named => roots[known] = roots[known].restrict(inner.access()),
                _ => {}
            }
        }
        Roots::new(roots).map_err(|error| self.error(span, format!("roots: {error}")))
    }

    fn int(&self, bound: Option<Number>, span: &Range<usize>) -> Result<Option<i64>> {
        match bound {
            None => Ok(None),
            Some(Number::Int(int)) => Ok(Some(int)),
            Some(Number::Float(_)) => Err(self.error(span, "bounds of an int are written without a decimal point")),
        }
    }

    fn pattern(&self, pattern: &str, span: &Range<usize>) -> Result<regex::Regex> {
        let refuse = |error: regex::Error| self.error(span, format!("pattern: {error}").replace('\n', " "));
        // Compiled alone first, so that `)|(?:` cannot close the group around it.
        RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().map_err(refuse)?;
        RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(MAX_PATTERN).build().map_err(refuse)
    }

    fn resources(&self, name: &str, spec: &Spanned<super::spec::ResourcesSpec>) -> Result<Resources> {
        let (span, spec) = (spec.span(), spec.get_ref());
        for pattern in spec.allow.iter().chain(&spec.deny) {
            if pattern.find('*').is_some_and(|star| star + 1 != pattern.len()) {
                return Err(self.error(&span, format!("`{pattern}`: a `*` can only stand at the end")));
            }
        }
        Ok(Resources {
            rule: self.rule(name.to_owned(), &span),
            allow: spec.allow.iter().map(|pattern| pattern.as_str().into()).collect(),
            deny: spec.deny.clone(),
            limits: self.limits_of(spec.limits.as_ref(), span.clone())?,
        })
    }
}

fn access(mode: RootMode) -> Access {
    match mode {
        RootMode::Read => Access::READ,
        RootMode::Write => Access::READ_WRITE,
        RootMode::Create => Access::READ_WRITE_CREATE,
        RootMode::Delete => Access::ALL,
    }
}

/// A key that another kind would understand. Ignoring it would let a rule promise what it does not hold.
fn misplaced(spec: &ArgSpec) -> Option<&'static str> {
    use ArgKind::{Any, Bool, Command, Enum, Int, List, Number, Object, Path, String, Url};
    let kind = spec.kind;
    let _ = (Any, Bool);
    [
        ("roots", spec.roots.is_some(), kind == Path),
        ("mode", spec.mode.is_some(), kind == Path),
        ("hosts", spec.hosts.is_some(), kind == Url),
        ("commands", spec.commands.is_some(), kind == Command),
        ("args_in", spec.args_in.is_some(), kind == Command),
        ("min", spec.min.is_some(), matches!(kind, Int | Number)),
        ("max", spec.max.is_some(), matches!(kind, Int | Number)),
        ("min_len", spec.min_len.is_some(), matches!(kind, String | List)),
        ("max_len", spec.max_len.is_some(), matches!(kind, String | List)),
        ("pattern", spec.pattern.is_some(), kind == String),
        ("charset", spec.charset.is_some(), kind == String),
        ("values", spec.values.is_some(), kind == Enum),
        ("items", spec.items.is_some(), kind == List),
        ("fields", spec.fields.is_some(), kind == Object),
    ]
    .into_iter()
    .find(|(_, is_given, is_known)| *is_given && !is_known)
    .map(|(key, _, _)| key)
}

fn kind_name(kind: ArgKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
