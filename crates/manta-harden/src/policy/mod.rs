//! One TOML file says what a server may do: per tool, per argument, limits, audit, redaction.
//!
//! [`PolicyFile`] is the file as data; [`Policy`] is the file compiled, with roots and programs open.
//! A decision is native code: one look-up and one comparison per argument. What no rule names is
//! refused, a denial cites file and line, and unknown keys are errors with a suggestion, because a rule
//! with a typing mistake in it must not silently protect nothing.
//!
//! ```
//! use manta_harden::policy::Policy;
//! use serde_json::json;
//!
//! let directory = tempfile::tempdir()?;
//! std::fs::write(directory.path().join("manta.toml"), r#"
//!     version = 1
//!     [roots.project]
//!     at = "."
//!     [tools.read_file.args]
//!     path = { kind = "path", roots = ["project"], required = true }
//! "#)?;
//! let policy = Policy::load(directory.path().join("manta.toml"))?;
//!
//! let args = |path: &str| json!({ "path": path }).as_object().unwrap().clone();
//! assert!(policy.decide("read_file", &args("manta.toml")).is_allowed());
//!
//! let denial = policy.decide("read_file", &args("../../etc/passwd")).into_result().unwrap_err();
//! assert_eq!((denial.rule.name.as_str(), denial.line()), ("tools.read_file.args.path", 6));
//! assert!(!policy.decide("delete_file", &args("a")).is_allowed(), "what no rule names is refused");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod args;
mod compile;
mod complete;
mod decision;
mod explain;
mod file;
pub mod spec;
mod units;
mod uri;
mod when;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::{Map, Value};

pub(crate) use args::shown;
use args::{Arg, Found, check_members};
pub use complete::Completes;
pub use decision::{Decision, Denial, Grant, Handle, HostSet, Place, Rule};
#[cfg(feature = "schema")]
pub use explain::schema;
pub use explain::{CaseResult, TEMPLATE};
pub use file::{PolicyError, PolicyFile};
use spec::{Approve, Mode, ToolClass};
pub use units::{Period, Size};

use crate::command::CommandSet;
use crate::digest::at_most;
use crate::limit::Limit;
use crate::paths::{Reader, Root, fold_spelling};
use crate::redact::{Redactor, Sensitive};

/// A compiled policy. Roots and programs are open; nothing in it changes any more.
#[derive(Debug)]
pub struct Policy {
    file: Arc<PolicyFile>,
    /// What decides where no section does.
    default_rule: Rule,
    mode: Mode,
    is_default_allow: bool,
    roots: BTreeMap<String, Root>,
    hosts: BTreeMap<String, Arc<HostSet>>,
    commands: Arc<CommandSet>,
    tools: Rules,
    prompts: Rules,
    resources: Option<Resources>,
    /// Limits of what no section names, when that is allowed.
    unnamed: Arc<[Limit]>,
    /// Who reads the paths of calls, when it is another program.
    reader: Option<Reader>,
}

/// The sections of a table, by name.
#[derive(Debug)]
struct Rules {
    by_name: HashMap<String, ToolRule>,
    /// Their names by the form under which a server may take other spellings for them.
    by_spelling: HashMap<String, String>,
}

/// What a table says about a name.
#[derive(Debug, Clone, Copy)]
enum Match<'a> {
    /// Its own section, or the one for all others.
    Rule(&'a ToolRule),
    /// It is another spelling of a name with a section of its own. Neither that section nor the one for all others is
    /// about it: what is denied to `wipe` must not be had as `Wipe`, from a server that takes one for the other (CWE-178).
    Respelled(&'a str, &'a ToolRule),
    /// Nothing.
    Nothing,
}

impl Rules {
    fn new(by_name: HashMap<String, ToolRule>) -> Self {
        let names = by_name.keys().filter(|name| *name != "*");
        let by_spelling = names.map(|name| (fold_spelling(name).into_owned(), name.clone())).collect();
        Self { by_name, by_spelling }
    }

    fn find(&self, name: &str) -> Match<'_> {
        if let Some(rule) = self.by_name.get(name) {
            return Match::Rule(rule);
        }
        let twin = self.by_spelling.get(&*fold_spelling(name));
        match twin.and_then(|twin| Some((twin, self.by_name.get(twin)?))) {
            Some((twin, rule)) => Match::Respelled(twin, rule),
            None => self.by_name.get("*").map_or(Match::Nothing, Match::Rule),
        }
    }

    fn tells_principals_apart(&self) -> bool {
        self.by_name.values().any(|rule| rule.principals.is_some())
    }
}

/// A compiled `[tools.NAME]`.
#[derive(Debug)]
struct ToolRule {
    rule: Rule,
    is_denied: bool,
    class: Option<ToolClass>,
    approve: Approve,
    passes_extra: bool,
    limits: Arc<[Limit]>,
    principals: Option<Vec<String>>,
    max_arguments: u64,
    max_result: Option<u64>,
    timeout: Option<Duration>,
    args: BTreeMap<String, Arg>,
    when: Option<when::Condition>,
    sensitive: Sensitive,
}

impl ToolRule {
    fn is_for(&self, principal: &str) -> bool {
        self.principals.as_ref().is_none_or(|admitted| admitted.iter().any(|other| other == principal))
    }
}

/// A compiled `[resources]`.
#[derive(Debug)]
struct Resources {
    rule: Rule,
    allow: Vec<Arc<str>>,
    deny: Vec<String>,
    limits: Arc<[Limit]>,
}

/// The principal of a caller that nobody authenticated: the user who started the program.
pub const LOCAL: &str = "local";

impl Policy {
    /// Reads, parses and compiles a file.
    ///
    /// # Errors
    /// [`PolicyError`] with file, line and column.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        Self::compile(PolicyFile::load(path)?)
    }

    /// Compiles a parsed file: opens its roots and programs.
    ///
    /// # Errors
    /// [`PolicyError`] for a name that does not exist, a root that cannot be opened, a pattern that is none.
    pub fn compile(file: PolicyFile) -> Result<Self, PolicyError> {
        compile::compile(Arc::new(file), None)
    }

    /// The same file with `[server.NAME]` on top: its tools replace those of the same name.
    ///
    /// # Errors
    /// As [`Policy::compile`], and when there is no such section.
    pub fn for_server(&self, name: &str) -> Result<Self, PolicyError> {
        compile::compile(Arc::clone(&self.file), Some(name))
    }

    /// The same policy for calls whose paths are opened by another program, which reads them by itself.
    #[must_use]
    pub fn read_by(mut self, reader: Option<Reader>) -> Self {
        self.reader = reader;
        self
    }

    /// Who reads the paths of calls, when it is another program.
    #[must_use]
    pub fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }

    /// The file as data.
    #[must_use]
    pub fn file(&self) -> &PolicyFile {
        &self.file
    }

    /// `sha256:…` of the file, for audit records.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.file.hash()
    }

    /// Whether refusals take effect.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// An opened root by name.
    #[must_use]
    pub fn root(&self, name: &str) -> Option<&Root> {
        self.roots.get(name)
    }

    /// All opened roots by name.
    #[must_use]
    pub fn roots(&self) -> &BTreeMap<String, Root> {
        &self.roots
    }

    /// All host sets by name.
    #[must_use]
    pub fn hosts(&self) -> &BTreeMap<String, Arc<HostSet>> {
        &self.hosts
    }

    /// All commands.
    #[must_use]
    pub fn commands(&self) -> &CommandSet {
        &self.commands
    }

    /// The redactor that `[redact]` describes; `key` belongs to one log.
    #[must_use]
    pub fn redactor(&self, key: [u8; 32]) -> Redactor {
        let spec = &self.file.spec().redact;
        Redactor::new(key)
            .names(spec.fields.iter().map(String::as_str))
            .finds_secrets(spec.secrets)
            .max_value(spec.max_value.as_len())
    }

    /// Arguments of a tool that the policy marks with `sensitive = true`.
    #[must_use]
    pub fn sensitive(&self, tool: &str) -> &Sensitive {
        static NOTHING: LazyLock<Sensitive> = LazyLock::new(Sensitive::default);
        match self.tools.find(tool) {
            Match::Rule(rule) | Match::Respelled(_, rule) => &rule.sensitive,
            Match::Nothing => &NOTHING,
        }
    }

    /// Whether a tool may be shown in a list of this principal's, or of anybody's. Its arguments can still be refused.
    #[must_use]
    pub fn shows_tool(&self, to: Option<&str>, tool: &str) -> bool {
        self.shows(&self.tools, to, tool)
    }

    /// Whether a prompt may be shown in a list of this principal's, or of anybody's.
    #[must_use]
    pub fn shows_prompt(&self, to: Option<&str>, prompt: &str) -> bool {
        self.shows(&self.prompts, to, prompt)
    }

    /// Whether lists are the same for all principals: one that isn't must not be handed on to another.
    #[must_use]
    pub fn shows_all_the_same(&self) -> bool {
        self.mode == Mode::Shadow || ![&self.tools, &self.prompts].iter().any(|rules| rules.tells_principals_apart())
    }

    /// Whether a resource may be shown in a list.
    #[must_use]
    pub fn shows_resource(&self, uri: &str) -> bool {
        self.mode == Mode::Shadow || self.decide_resource(uri).is_allowed()
    }

    /// Names that have a section of their own among the tools, sorted.
    #[must_use]
    pub fn tool_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.tools.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Decides about one call by [`LOCAL`].
    #[must_use]
    pub fn decide(&self, tool: &str, args: &Map<String, Value>) -> Decision {
        self.decide_for(LOCAL, tool, args)
    }

    /// Decides about one call by an authenticated principal. Limits and approval are for the caller to ask;
    /// the grant names them.
    #[must_use]
    pub fn decide_for(&self, principal: &str, tool: &str, args: &Map<String, Value>) -> Decision {
        self.decide_in("tools", &self.tools, principal, tool, args)
    }

    /// Decides about fetching a prompt.
    #[must_use]
    pub fn decide_prompt(&self, principal: &str, prompt: &str, args: &Map<String, Value>) -> Decision {
        self.decide_in("prompts", &self.prompts, principal, prompt, args)
    }

    /// Decides about reading a resource. A URI that an allowed prefix holds may have no `..` in it, plain or in
    /// disguise: nobody knows how the server reads that (CWE-22).
    #[must_use]
    pub fn decide_resource(&self, uri: &str) -> Decision {
        let Some(resources) = &self.resources else {
            return self.unnamed("resources", uri);
        };
        let is_allowed = |pattern: &&Arc<str>| match pattern.strip_suffix('*') {
            Some(prefix) => uri.strip_prefix(prefix).is_some_and(|rest| !uri::climbs(prefix, rest)),
            None => uri == &***pattern,
        };
        let read = uri::read(uri);
        // What is denied is denied in every spelling; what can't be read is no better.
        let is_denied = |pattern: &String| match (pattern.strip_suffix('*'), &read) {
            (_, None) => true,
            (Some(prefix), Some(read)) => read.starts_with(&uri::read(prefix).unwrap_or_default()),
            (None, Some(read)) => uri::read(pattern).as_ref() == Some(read),
        };
        if let Some(pattern) = resources.allow.iter().find(is_allowed)
            && !resources.deny.iter().any(is_denied)
        {
            let grant = self.grant(resources.rule.clone(), Arc::clone(&resources.limits));
            return Decision::Allow(Grant { counted_as: Some(Arc::clone(pattern)), ..grant });
        }
        let message = format!("resource {} is not among those that may be read", shown(uri));
        let fix = Some("add the URI, or a prefix of it with `*`, to `allow`".to_owned());
        self.refuse(Denial { rule: resources.rule.clone(), message, fix }, Arc::clone(&resources.limits))
    }

    /// What a tool does, when the policy says so.
    #[must_use]
    pub fn class(&self, tool: &str) -> Option<ToolClass> {
        match self.tools.find(tool) {
            Match::Rule(rule) => rule.class,
            Match::Respelled(..) | Match::Nothing => None,
        }
    }

    /// When a person must be asked about a call; [`Approve::Never`] too for a call that is refused anyway.
    #[must_use]
    pub fn approval(&self, principal: &str, tool: &str, args: &Map<String, Value>) -> Approve {
        match self.tools.find(tool) {
            Match::Nothing | Match::Rule(ToolRule { approve: Approve::Never, .. }) => Approve::Never,
            Match::Rule(_) | Match::Respelled(..) => match self.decide_for(principal, tool, args) {
                Decision::Allow(grant) => grant.approve,
                Decision::Deny(_) => Approve::Never,
            },
        }
    }

    fn shows(&self, rules: &Rules, to: Option<&str>, name: &str) -> bool {
        self.mode == Mode::Shadow
            || match rules.find(name) {
                Match::Rule(rule) => !rule.is_denied && to.is_none_or(|principal| rule.is_for(principal)),
                Match::Respelled(..) => false,
                Match::Nothing => self.is_default_allow,
            }
    }

    fn decide_in(
        &self,
        table: &str,
        rules: &Rules,
        principal: &str,
        name: &str,
        args: &Map<String, Value>,
    ) -> Decision {
        let rule = match rules.find(name) {
            Match::Rule(rule) => rule,
            Match::Respelled(twin, rule) => return self.respelled(table, name, twin, rule),
            Match::Nothing => return self.unnamed(table, name),
        };
        let mut found = Found { reader: self.reader.as_ref(), ..Found::default() };
        match rule.check(principal, name, args, &mut found) {
            Err(denial) => self.refuse(denial, Arc::clone(&rule.limits)),
            Ok(()) => Decision::Allow(Grant {
                class: rule.class,
                approve: rule.approve,
                timeout: rule.timeout,
                max_result: rule.max_result,
                handles: found.handles,
                ..self.grant(rule.rule.clone(), Arc::clone(&rule.limits))
            }),
        }
    }

    fn respelled(&self, table: &str, name: &str, twin: &str, rule: &ToolRule) -> Decision {
        let message = format!("{} is another spelling of `{twin}`, which has rules of its own", shown(name));
        let fix = Some(format!("call `{twin}`; or add a section [{table}.{name}]")).filter(|_| is_plain(name));
        self.refuse(Denial { rule: rule.rule.clone(), message, fix }, Arc::clone(&rule.limits))
    }

    fn unnamed(&self, table: &str, name: &str) -> Decision {
        let rule = self.default_rule.clone();
        if self.is_default_allow {
            let grant = self.grant(rule, Arc::clone(&self.unnamed));
            return Decision::Allow(Grant { counted_as: (table == "resources").then(|| "*".into()), ..grant });
        }
        let message = format!("no section [{table}] names {}", shown(name));
        let fix = Some(if table == "resources" {
            "add a section [resources]".to_owned()
        } else {
            format!("add a section [{table}.{name}]")
        });
        self.refuse(Denial { rule, message, fix: fix.filter(|_| is_plain(name)) }, Arc::clone(&self.unnamed))
    }

    fn grant(&self, rule: Rule, limits: Arc<[Limit]>) -> Grant {
        let (class, approve, timeout, max_result) = (None, Approve::Never, None, None);
        let (counted_as, would_deny, handles) = (None, None, Vec::new());
        Grant { rule, class, approve, limits, counted_as, timeout, max_result, would_deny, handles }
    }

    fn refuse(&self, denial: Denial, limits: Arc<[Limit]>) -> Decision {
        let denial = Denial { fix: self.file.remedy(denial.fix), ..denial };
        match self.mode {
            Mode::Enforce => Decision::Deny(denial),
            Mode::Shadow => {
                let grant = self.grant(denial.rule.clone(), limits);
                Decision::Allow(Grant { would_deny: Some(denial), ..grant })
            }
        }
    }
}

impl ToolRule {
    fn check(
        &self,
        principal: &str,
        name: &str,
        args: &Map<String, Value>,
        found: &mut Found<'_>,
    ) -> Result<(), Denial> {
        self.check_caller(principal, name)?;
        let deny = |message: String, fix: Option<String>| Denial { rule: self.rule.clone(), message, fix };
        if !fits(args, self.max_arguments) {
            return Err(deny(format!("the arguments are larger than {}", Size(self.max_arguments)), None));
        }
        if self.passes_extra {
            let is_named = |name: &String| self.args.contains_key(name) || args::is_argument_vector(&self.args, name);
            if let Some((extra, twin)) =
                args.keys().filter(|name| !is_named(name)).find_map(|name| Some((name, args::twin(&self.args, name)?)))
            {
                return Err(deny(format!("{} differs from `{twin}` in letter case only", shown(extra)), None));
            }
            let named = args.iter().filter(|(name, _)| is_named(name));
            let named: Map<String, Value> = named.map(|(name, value)| (name.clone(), value.clone())).collect();
            check_members(&self.args, &named, None, found, |arg, _| self.complain(arg, true))?;
        } else {
            check_members(&self.args, args, None, found, |arg, is_missing| self.complain(arg, is_missing))?;
        }
        let Some(condition) = &self.when else { return Ok(()) };
        condition
            .check(name, principal, args)
            .map_err(|problem| deny(format!("the condition `{}` {problem}", condition.text()), None))
    }

    fn complain(&self, arg: &str, is_missing: bool) -> Denial {
        match (is_missing, self.args.get(arg)) {
            (true, Some(rule)) => {
                Denial { rule: rule.rule.clone(), message: format!("`{arg}` is required"), fix: None }
            }
            _ => Denial {
                rule: self.rule.clone(),
                message: format!("no rule names the argument {}", shown(arg)),
                fix: Some(format!("add a rule for it under {}.args, or extra = \"pass\"", self.rule.name)),
            },
        }
    }
}

/// A name that can stand in a section of the file as it is.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) && name.len() <= 128
}

/// Whether the serialised arguments have at most `most` bytes. Most calls are far below, which a glance at
/// the lengths shows; only the others are serialised, and no further than the limit.
fn fits(args: &Map<String, Value>, most: u64) -> bool {
    at_most(args, 64).is_some_and(|bytes| bytes <= most) || is_within(args, most)
}

fn is_within(args: &Map<String, Value>, most: u64) -> bool {
    struct Counter(u64);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len() as u64).ok_or(std::io::ErrorKind::FileTooLarge)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Counter(most), args).is_ok()
}

#[cfg(test)]
mod tests;
