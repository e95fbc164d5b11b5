//! The policy file as data: one struct per TOML table, field docs are the reference for editors.
//!
//! Nothing here opens a file or decides anything. [`super::Policy`] compiles these types;
//! `manta guard` reads the same ones to derive kernel rules, so that one line means the same
//! in both places.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::units::{Period, Size};

/// A map whose values remember where in the file they stand, so that a denial can cite the line.
pub type Named<T> = BTreeMap<String, Spanned<T>>;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "MantaPolicy"))]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Format of this file. Only `1` exists.
    pub version: u32,
    /// `enforce` refuses; `shadow` decides and records, and refuses nothing.
    #[serde(default)]
    pub mode: Mode,
    /// What happens to tools, prompts and resources that no section names.
    #[serde(default)]
    pub default: Access,
    /// Directories that `path` arguments may reach, by name.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, RootSpec>"))]
    pub roots: Named<RootSpec>,
    /// Sets of hosts that `url` arguments may reach, by name.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, HostsSpec>"))]
    pub hosts: Named<HostsSpec>,
    /// Programs that `command` arguments may run, each with its argument grammar, by name.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, CommandSpec>"))]
    pub commands: Named<CommandSpec>,
    /// Rate limits by name. `default` holds for every tool that names none, `global` for all
    /// calls together. Without a `default` it is 10 calls per 60 s, tool and principal.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, LimitSpec>"))]
    pub limits: Named<LimitSpec>,
    /// The server that limits with `shared = true` are kept in.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RedisSpec>"))]
    pub redis: Option<Spanned<RedisSpec>>,
    /// The audit log.
    #[serde(default)]
    pub audit: AuditSpec,
    /// What is hidden before anything is written or returned.
    #[serde(default)]
    pub redact: RedactSpec,
    /// Where ended calls are reported as OpenTelemetry spans and metrics.
    #[cfg_attr(feature = "schema", schemars(with = "Option<OtelSpec>"))]
    pub otel: Option<Spanned<OtelSpec>>,
    /// Tools that may be called, and with what.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, ToolSpec>"))]
    pub tools: Named<ToolSpec>,
    /// Prompts that may be fetched; their arguments follow the same rules as a tool's.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, ToolSpec>"))]
    pub prompts: Named<ToolSpec>,
    /// Resources that may be read.
    #[cfg_attr(feature = "schema", schemars(with = "Option<ResourcesSpec>"))]
    pub resources: Option<Spanned<ResourcesSpec>>,
    /// Settings of `manta serve` that are no rules.
    #[serde(default)]
    pub serve: ServeSpec,
    /// Several servers behind one guard, by name. A section's `tools` add to the ones above.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, ServerSpec>"))]
    pub server: Named<ServerSpec>,
    /// Settings of `manta guard`; read with [`super::Policy::section`], checked there.
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    pub guard: Option<toml::Table>,
    /// Settings of `manta scan`; not part of the policy.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "scan_schema"))]
    pub scan: Option<toml::Table>,
    /// Calls with the expected decision, run by `manta policy test`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<CaseSpec>"))]
    pub test: Vec<Spanned<CaseSpec>>,
}

/// The scanner describes its settings beside this schema.
#[cfg(feature = "schema")]
fn scan_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "$ref": "manta-scan.schema.json" })
}

/// Whether a refusal takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Refuse what the rules refuse.
    #[default]
    Enforce,
    /// Decide and record, refuse nothing.
    Shadow,
}

/// What happens where no rule speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Refuse.
    #[default]
    Deny,
    /// Let pass.
    Allow,
}

/// `[roots.NAME]`: authority over one directory.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RootSpec {
    /// The directory, relative to this file. It is opened once, at start.
    pub at: String,
    /// What may be done below it.
    #[serde(default)]
    pub mode: RootMode,
    /// Names that are refused anywhere below it (compared after case folding), such as `.git`.
    /// Left out, the library's list of places where credentials and hooks live applies.
    pub deny: Option<Vec<String>>,
    /// Names that can be read and not changed. Left out, the library's list of files that editors,
    /// agents and shells obey applies (`.vscode`, `.mcp.json`, `.envrc`, …). This file and the audit
    /// log are always among them.
    pub frozen: Option<Vec<String>>,
    /// Refuse every symbolic link, also those that stay inside.
    #[serde(default)]
    pub no_symlinks: bool,
    /// Refuse to cross into another file system.
    #[serde(default)]
    pub no_xdev: bool,
    /// Also refuse names that another operating system would read differently
    /// (`:`, `\`, trailing dots, `CON`, `~1`). On by default.
    #[serde(default = "yes")]
    pub portable: bool,
    /// Refuse to read a file that has a second hard link. Writing one is always refused.
    #[serde(default)]
    pub no_hard_links: bool,
    /// Largest file that may be read or written.
    #[serde(default = "max_file")]
    pub max_file: Size,
}

/// What may be done below a root, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RootMode {
    /// Read files, list directories.
    #[default]
    #[serde(rename = "r")]
    Read,
    /// And change files that exist.
    #[serde(rename = "r+")]
    Write,
    /// And create files and directories.
    #[serde(rename = "rw", alias = "rwc")]
    Create,
    /// And delete and rename.
    #[serde(rename = "rwd", alias = "rwcd")]
    Delete,
}

/// `[hosts.NAME]`: where a URL may lead.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HostsSpec {
    /// Exact names, or `*.suffix` for at least one label more.
    pub allow: Vec<String>,
    /// Schemes.
    #[serde(default = "https_only")]
    pub schemes: Vec<String>,
    /// Ports besides the usual one of the scheme.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Redirects that are followed, each checked like a new URL.
    #[serde(default = "redirects")]
    pub redirects: u8,
    /// Largest response body, after decompression.
    #[serde(default = "max_body")]
    pub max_body: Size,
    /// Longest time for the whole request.
    #[serde(default = "request_timeout")]
    pub timeout: Period,
    /// Address ranges (CIDR) that may be reached although they are not public, such as
    /// `127.0.0.1/32`. Empty by default, which is what stops server-side request forgery.
    #[serde(default)]
    pub private: Vec<String>,
}

/// `[commands.NAME]`: one program and the only ways it may be called.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    /// Absolute path of the program, opened once at start.
    pub exe: String,
    /// Arguments that always come first.
    #[serde(default)]
    pub args_before: Vec<String>,
    /// Environment variables that are set; all others are cleared.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Name of the root that is the working directory.
    pub cwd: Option<String>,
    /// What is put before operands: `--`, `--end-of-options` or `none`.
    #[serde(default = "double_dash")]
    pub end_of_options: String,
    /// Most arguments.
    #[serde(default = "max_args")]
    pub max_args: usize,
    /// Most bytes of arguments.
    #[serde(default = "max_bytes")]
    pub max_bytes: usize,
    /// Admit a program, or a flag of one (`find -exec`), that runs whatever it is told (shell, `env`, `xargs`).
    #[serde(default)]
    pub interpreter: bool,
    /// Flags when there are no subcommands: name to value grammar, such as `"int 1..1000"`,
    /// `"path project"`, or `"word x8"` for a flag that may be given eight times.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
    /// Operands when there are no subcommands.
    #[serde(default)]
    pub operands: Vec<OperandSpec>,
    /// Put operands before flags, as `find` wants it.
    #[serde(default)]
    pub operands_first: bool,
    /// Subcommands; when there are any, the first argument must be one of them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, SubcommandSpec>"))]
    pub sub: Named<SubcommandSpec>,
    /// Limits on the running process.
    #[serde(default)]
    pub limits: ProcessLimits,
}

/// `[commands.NAME.sub.SUB]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SubcommandSpec {
    /// Arguments that always follow the subcommand, such as `--no-ext-diff`.
    #[serde(default)]
    pub args_before: Vec<String>,
    /// Flag name to value grammar, such as `"none"` or `"int 1..1000"`.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
    /// What may follow the flags, in order.
    #[serde(default)]
    pub operands: Vec<OperandSpec>,
    /// Put operands before flags.
    #[serde(default)]
    pub operands_first: bool,
}

/// One run of operands of the same kind.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OperandSpec {
    /// `path`, `git-ref`, `int`, `word`, `enum`, `pattern` or `text`.
    pub kind: String,
    /// Roots of a `path`.
    #[serde(default)]
    pub roots: Vec<String>,
    /// Allowed values of an `enum`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Anchored regular expression of a `pattern`.
    pub pattern: Option<String>,
    /// Fewest.
    #[serde(default)]
    pub min: usize,
    /// Most.
    #[serde(default = "one")]
    pub max: usize,
}

/// Limits on a running process. What is left out has a default of the command module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProcessLimits {
    /// Processor time.
    pub cpu: Option<Period>,
    /// Time by the clock.
    pub wall: Option<Period>,
    /// Address space.
    pub memory: Option<Size>,
    /// Largest file it may write.
    pub file: Option<Size>,
    /// Open files.
    pub files: Option<u64>,
    /// Processes of this user.
    pub processes: Option<u64>,
    /// Standard output and standard error together.
    pub output: Option<Size>,
}

/// `[limits.NAME]`: at most `calls` in any window of length `per`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// Most calls in any window.
    #[serde(default = "calls")]
    pub calls: u32,
    /// Length of the window.
    #[serde(default = "per")]
    pub per: Period,
    /// What is counted apart.
    #[serde(default = "tool_and_principal")]
    pub key: Vec<KeyPart>,
    /// Most calls running at once.
    pub concurrent: Option<u32>,
    /// Count in the `[redis]` server, together with other replicas.
    #[serde(default)]
    pub shared: bool,
    /// What happens while that server cannot answer.
    #[serde(default)]
    pub on_error: OnLimitError,
}

impl Default for LimitSpec {
    /// 10 calls per 60 s, tool and principal: the project's rule.
    fn default() -> Self {
        Self {
            calls: calls(),
            per: per(),
            key: tool_and_principal(),
            concurrent: None,
            shared: false,
            on_error: OnLimitError::Deny,
        }
    }
}

/// One part of the key of a limit. `clientInfo` is not among them: it is self-reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeyPart {
    /// The tool, prompt or resource.
    Tool,
    /// The authenticated subject, else the connection.
    Principal,
    /// The server behind the guard.
    Server,
}

/// What a shared limit does while its store cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnLimitError {
    /// Refuse the call.
    #[default]
    Deny,
    /// Count in this process: with k processes up to k times the limit.
    Local,
}

/// `[redis]`: a Redis or Valkey server that several replicas share.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RedisSpec {
    /// `redis://host:port/db`. Credentials come from the variable that `password_env` names.
    pub url: String,
    /// Environment variable that holds the password.
    pub password_env: Option<String>,
    /// Put before every key.
    #[serde(default = "redis_prefix")]
    pub prefix: String,
    /// Longest time for one answer.
    #[serde(default = "redis_timeout")]
    pub timeout: Period,
}

/// `[audit]`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AuditSpec {
    /// The file, relative to this one. Left out, the program that loads the policy chooses.
    pub path: Option<String>,
    /// How safe a record is before the call goes on.
    pub mode: AuditMode,
    /// What happens to calls while the log cannot be written.
    pub on_error: OnAuditError,
    /// Size at which a new file is begun.
    pub rotate: Size,
    /// Longest time a call waits for its record.
    pub timeout: Period,
    /// Records between two signed checkpoints.
    pub checkpoint_every: u64,
    /// File that holds the Ed25519 seed (32 bytes, hexadecimal) for checkpoints.
    pub signing_key: Option<String>,
    /// Where checkpoints go besides the log's directory; another file system is best.
    pub checkpoints: Option<String>,
}

impl Default for AuditSpec {
    fn default() -> Self {
        Self {
            path: None,
            mode: AuditMode::Flush,
            on_error: OnAuditError::Deny,
            rotate: Size(64 << 20),
            timeout: Period::from_secs(5),
            checkpoint_every: 1000,
            signing_key: None,
            checkpoints: None,
        }
    }
}

/// How safe a record is before the call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AuditMode {
    /// Handed to the kernel: survives a crash of the program.
    #[default]
    Flush,
    /// On the disk: survives a power failure.
    Durable,
}

/// What happens to calls while the log cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnAuditError {
    /// Refuse them.
    #[default]
    Deny,
    /// Let them pass unrecorded; the next record that can be written counts them.
    Pass,
}

/// `[otel]`: export in OTLP over HTTP. What the audit log takes is exported, after redaction.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OtelSpec {
    /// Base URL of the collector, such as `http://127.0.0.1:4318`; `/v1/traces` and `/v1/metrics` follow.
    pub endpoint: String,
    /// Variable that holds headers for the collector, as `name=value,name=value`.
    pub headers_env: Option<String>,
    /// `service.name` of what is reported.
    #[serde(default = "service_name")]
    pub service: String,
    /// Also export the arguments of calls, as they are in the audit log.
    #[serde(default)]
    pub arguments: bool,
    /// Be part of the caller's trace (`traceparent`) instead of only naming it, and hand the guard's own span on to
    /// the server behind it.
    #[serde(default)]
    pub join: bool,
}

/// `[redact]`: what is replaced in records, and on request in results.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RedactSpec {
    /// Field names besides the built-in ones, compared without case, `-` and `_`.
    pub fields: Vec<String>,
    /// Replace secrets that are recognised by their shape.
    pub secrets: bool,
    /// Longest string that is kept; a longer one becomes its length and a keyed digest.
    pub max_value: Size,
    /// Also replace secrets in what a tool returns.
    pub results: bool,
}

impl Default for RedactSpec {
    fn default() -> Self {
        Self { fields: Vec::new(), secrets: true, max_value: Size(1024), results: false }
    }
}

/// `[tools.NAME]` or `[prompts.NAME]`. A name may be `*` once, for all that have no section.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ToolSpec {
    /// `deny` refuses the tool whatever the rest says, and hides it from lists.
    pub access: Option<Access>,
    /// What the tool does, for approvals and audit exports.
    pub class: Option<ToolClass>,
    /// Ask a person before the call.
    pub approve: Approve,
    /// What happens to arguments that no rule names. `pass` lets them through unchecked.
    pub extra: Extra,
    /// Names of limits; `["default"]` when left out.
    pub limits: Option<Vec<String>>,
    /// A condition in CEL over `args`, `tool` and `principal` (feature `cel`).
    pub when: Option<String>,
    /// Principals that may call it; everybody when left out.
    pub principals: Option<Vec<String>>,
    /// Largest serialised arguments.
    pub max_arguments: Option<Size>,
    /// Largest serialised result.
    pub max_result: Option<Size>,
    /// Longest time the call may take.
    pub timeout: Option<Period>,
    /// One rule per argument.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, ArgSpec>"))]
    pub args: Named<ArgSpec>,
}

/// What a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ToolClass {
    /// Reads.
    Read,
    /// Changes what exists.
    Write,
    /// Makes something new.
    Create,
    /// Removes.
    Delete,
    /// Runs programs.
    Execute,
    /// Talks to other hosts.
    Network,
}

/// When a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Approve {
    /// Never.
    #[default]
    Never,
    /// At the first call of this tool in a session.
    Once,
    /// At every call.
    Always,
}

/// What happens to arguments that no rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Extra {
    /// The call is refused.
    #[default]
    Deny,
    /// They go through unchecked.
    Pass,
}

/// What an argument means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ArgKind {
    /// A file or directory below one of `roots`.
    Path,
    /// A URL to one of `hosts`.
    Url,
    /// A program and its arguments that one of `commands` admits.
    Command,
    /// Text.
    String,
    /// A whole number.
    Int,
    /// Any number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of `values`.
    Enum,
    /// An array whose elements all follow `items`.
    List,
    /// An object whose members follow `fields`.
    Object,
    /// Anything; still bounded by `max_arguments`.
    Any,
}

/// `NAME = { kind = "…", … }` below `args`, `items` or `fields`.
///
/// A key that means nothing for the kind is an error when the policy is loaded.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ArgSpec {
    /// What the argument means.
    pub kind: ArgKind,
    /// Refuse the call when the argument is missing.
    #[serde(default)]
    pub required: bool,
    /// Also admit `null`.
    #[serde(default)]
    pub nullable: bool,
    /// Replace the value in records whatever it is.
    #[serde(default)]
    pub sensitive: bool,
    /// `path`: names of roots.
    pub roots: Option<Vec<String>>,
    /// `path`: what the tool does there; at most what the root admits.
    pub mode: Option<RootMode>,
    /// `url`: names of host sets.
    pub hosts: Option<Vec<String>>,
    /// `command`: names of commands.
    pub commands: Option<Vec<String>>,
    /// `command`: the argument that holds the program's arguments, when this one holds only the
    /// program's name.
    pub args_in: Option<String>,
    /// `int`, `number`: smallest value.
    pub min: Option<Number>,
    /// `int`, `number`: largest value.
    pub max: Option<Number>,
    /// `string`: fewest characters. `list`: fewest elements.
    pub min_len: Option<usize>,
    /// `string`: most characters. `list`: most elements.
    pub max_len: Option<usize>,
    /// `string`: regular expression that the whole text must match (linear time, no look-around).
    pub pattern: Option<String>,
    /// `string`: characters that may occur.
    pub charset: Option<Charset>,
    /// `enum`: allowed values.
    pub values: Option<Vec<String>>,
    /// `list`: rule for every element.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Box<ArgSpec>>"))]
    pub items: Option<Box<Spanned<ArgSpec>>>,
    /// `object`: rules for members; others are refused.
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, ArgSpec>>"))]
    pub fields: Option<Named<ArgSpec>>,
}

/// A bound of a number: an integer or a float in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Number {
    /// Written without a decimal point.
    Int(i64),
    /// Written with one.
    Float(f64),
}

/// Characters that a string may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Charset {
    /// Any but control, direction-changing and invisible characters; the default.
    Text,
    /// The same on one line: no line feed, no tab.
    Line,
    /// Printable ASCII.
    Ascii,
    /// Letters and digits of ASCII, `_`, `-` and `.`, not starting with `-` or `.`.
    Identifier,
    /// Anything that JSON can carry.
    Any,
}

/// `[resources]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ResourcesSpec {
    /// URIs that may be read: exact, or a prefix followed by `*`.
    pub allow: Vec<String>,
    /// URIs that may not, although a line above admits them.
    pub deny: Vec<String>,
    /// Names of limits; `["default"]` when left out.
    pub limits: Option<Vec<String>>,
}

/// `[serve]`: how `manta serve` presents itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ServeSpec {
    /// Text given to the client as the server's instructions.
    pub instructions: Option<String>,
    /// Host names under which the HTTP endpoint is reached, besides loopback.
    pub allowed_hosts: Vec<String>,
    /// Origins that browsers may call from.
    pub allowed_origins: Vec<String>,
    /// Over HTTP, admit who brings an access token of this issuer.
    #[cfg_attr(feature = "schema", schemars(with = "Option<OAuthSpec>"))]
    pub oauth: Option<Spanned<OAuthSpec>>,
}

/// `[serve.oauth]`: the server as an OAuth resource server.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OAuthSpec {
    /// The authorization server whose tokens count, exactly as its tokens and its metadata name it.
    pub issuer: String,
    /// This server's own URL, which a token must name as its audience.
    pub audience: String,
    /// Scopes that a token must have, all of them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Where the issuer's keys are; found through its metadata when left out.
    pub jwks: Option<String>,
    /// Name of the host set under which issuer and keys are reached. Left out: exactly their hosts, over
    /// https, at public addresses.
    pub hosts: Option<String>,
}

/// `[server.NAME]`: one server behind the guard.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ServerSpec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// A remote server instead.
    pub url: Option<String>,
    /// Working directory, relative to this file.
    pub cwd: Option<String>,
    /// Variables that are set in the child's otherwise cleared environment.
    pub env: BTreeMap<String, String>,
    /// Variables that are passed on from the guard's own environment, by name.
    pub pass_env: Vec<String>,
    /// Put before the names of this server's tools; the section's name when left out.
    pub prefix: Option<String>,
    /// Overrides the file's `mode`.
    pub mode: Option<Mode>,
    /// Overrides the file's `default`.
    pub default: Option<Access>,
    /// Rules for this server only; a name that is also above is replaced.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, ToolSpec>"))]
    pub tools: Named<ToolSpec>,
    /// The same for prompts.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, ToolSpec>"))]
    pub prompts: Named<ToolSpec>,
    /// Replaces the file's `[resources]`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<ResourcesSpec>"))]
    pub resources: Option<Spanned<ResourcesSpec>>,
    /// Guard settings for this server; read with [`super::Policy::section`].
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    pub guard: Option<toml::Table>,
}

/// `[[test]]`: a call and what must become of it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CaseSpec {
    /// What the case shows.
    pub name: Option<String>,
    /// The tool that is called.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, serde_json::Value>"))]
    pub args: toml::Table,
    /// Who calls.
    pub principal: Option<String>,
    /// The decision that must come out.
    pub expect: Access,
    /// The rule that must be cited, such as `tools.read_file.args.path`.
    pub rule: Option<String>,
}

fn service_name() -> String {
    "manta".to_owned()
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

fn max_file() -> Size {
    Size(10 << 20)
}

fn max_body() -> Size {
    Size(10 << 20)
}

fn redirects() -> u8 {
    5
}

fn request_timeout() -> Period {
    Period::from_secs(30)
}

fn https_only() -> Vec<String> {
    vec!["https".to_owned()]
}

fn double_dash() -> String {
    "--".to_owned()
}

fn max_args() -> usize {
    32
}

fn max_bytes() -> usize {
    8192
}

fn calls() -> u32 {
    10
}

fn per() -> Period {
    Period::from_secs(60)
}

fn tool_and_principal() -> Vec<KeyPart> {
    vec![KeyPart::Tool, KeyPart::Principal]
}

fn redis_prefix() -> String {
    "manta".to_owned()
}

fn redis_timeout() -> Period {
    Period::from_millis(250)
}
