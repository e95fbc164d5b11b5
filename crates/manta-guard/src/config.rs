//! `[guard]` of the policy file: how the server is run and what the protocol may do, apart from the
//! rules for tools.

use std::collections::BTreeMap;
use std::path::PathBuf;

use manta_harden::policy::spec::OAuthSpec;
use manta_harden::policy::{PolicyFile, Size};
use serde::Deserialize;

use crate::engine::{Channel, Hidden, Injection, Pass, ResponseSettings, Settings};
use crate::http::TlsSpec;
use crate::pin::PinMode;
use crate::preset::Preset;

/// The `[guard]` table. Everything has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "snake_case")]
pub struct GuardSpec {
    /// How the server is started: `auto` looks at the command.
    pub preset: Preset,
    /// The sandbox level to try first: `A`, `B` or `C`.
    pub sandbox: LevelSpec,
    /// The lowest level that is accepted; below it the guard refuses to start.
    pub require: LevelSpec,
    /// `none`, `proxy` (only the hosts of the policy) or `any`. Left out: `proxy` when the policy
    /// names hosts, else `none`.
    pub network: Option<NetworkSpec>,
    /// Variables set in the server's otherwise cleared environment.
    pub env: BTreeMap<String, String>,
    /// Variables passed on from the guard's own environment, by name. Secrets belong here.
    pub pass_env: Vec<String>,
    /// Working directory, relative to the policy file. Left out: the guard's own.
    pub cwd: Option<PathBuf>,
    /// More files and directories the server may read (code, configuration).
    pub read: Vec<PathBuf>,
    /// More files and directories the server may change (caches).
    pub write: Vec<PathBuf>,
    /// More programs, or directories of programs, the server may start.
    pub exec: Vec<PathBuf>,
    /// Hosts the server may reach besides those of the policy's tools, `name` or `name:port`.
    pub hosts: Vec<String>,
    /// Size of the private temporary directory.
    pub tmp: Size,
    /// Programs may be started from the private temporary directory.
    pub tmp_exec: bool,
    /// The server may make unix sockets.
    pub unix_sockets: bool,
    /// Most memory for data per process.
    pub memory: Option<Size>,
    /// Most processes and threads. At level B all of the user's are counted.
    pub processes: Option<u64>,
    /// Largest file a process may write.
    pub file: Option<Size>,
    /// Longest frame in either direction.
    pub max_message: Size,
    /// Most requests waiting for an answer.
    pub max_in_flight: usize,
    /// Methods the guard does not know.
    pub unknown_methods: Pass,
    /// Whether the server may ask the client's model.
    pub sampling: Option<Pass>,
    /// Whether the server may ask the user.
    pub elicitation: Pass,
    /// Whether the server may ask for the client's roots.
    pub roots: Pass,
    /// Enforce the server's own input and output schemas.
    pub schemas: bool,
    /// Invisible and direction-changing characters in descriptions and results.
    pub hidden: Hidden,
    /// Mark text results as untrusted.
    pub mark: bool,
    /// Orders to a model in descriptions and instructions: `pass`, `flag` or `deny`.
    pub injection: Injection,
    /// Whether the server may ask the user for a secret in a form.
    pub secrets_in_forms: Pass,
    /// Translate where a client and the server speak different eras of the protocol.
    pub bridge: bool,
    /// Where a person is asked about tools with `approve`: through their `client`, or on the `terminal`.
    pub approve: Channel,
    /// Pins of what the server says about its tools.
    pub pin: PinMode,
    /// The lock file, relative to the policy file.
    pub lock: PathBuf,
    /// Headers of every request to the server of `--upstream`, each with the variable that holds its value. They
    /// are the guard's own credentials; those of its clients are never handed on.
    pub upstream_headers: BTreeMap<String, String>,
    /// Address ranges that the name in `--upstream` may lead to although they are not public.
    pub upstream_private: Vec<String>,
    /// Host names under which `--http` is reached, besides loopback.
    pub http_hosts: Vec<String>,
    /// Origins that browsers may call `--http` from.
    pub http_origins: Vec<String>,
    /// Callers of `--http`, each with the variable that holds its key. A key is presented as a bearer token or in
    /// `X-Api-Key`; rules, limits and records then know the caller by that name.
    pub http_keys: BTreeMap<String, String>,
    /// Variable that holds the bearer token callers of `--http` must present.
    pub http_token_env: Option<String>,
    /// Admit callers of `--http` who bring an access token of this issuer; rules, limits and records know them by
    /// its `sub`.
    pub http_oauth: Option<OAuthSpec>,
    /// Speak TLS on `--http`, and tell callers by their certificates.
    pub http_tls: Option<TlsSpec>,
}

/// A sandbox level in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum LevelSpec {
    /// Environment, limits and process tree only.
    C,
    /// Landlock and seccomp.
    B,
    /// Namespaces as well.
    A,
}

/// The server's network in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkSpec {
    /// None.
    None,
    /// The egress proxy.
    Proxy,
    /// All of it.
    Any,
}

impl Default for GuardSpec {
    fn default() -> Self {
        let engine = Settings::default();
        Self {
            preset: Preset::Auto,
            sandbox: LevelSpec::A,
            require: LevelSpec::B,
            network: None,
            env: BTreeMap::new(),
            pass_env: Vec::new(),
            cwd: None,
            read: Vec::new(),
            write: Vec::new(),
            exec: Vec::new(),
            hosts: Vec::new(),
            tmp: Size(256 << 20),
            tmp_exec: false,
            unix_sockets: false,
            memory: None,
            processes: None,
            file: None,
            max_message: Size(engine.limits.max_bytes as u64),
            max_in_flight: engine.max_in_flight,
            unknown_methods: engine.unknown_methods,
            sampling: None,
            elicitation: engine.elicitation,
            roots: engine.roots,
            schemas: engine.schemas,
            hidden: Hidden::default(),
            mark: false,
            injection: engine.injection,
            secrets_in_forms: engine.secrets_in_forms,
            approve: engine.approve,
            bridge: engine.bridge,
            pin: PinMode::Record,
            lock: PathBuf::from("manta.lock"),
            upstream_headers: BTreeMap::new(),
            upstream_private: Vec::new(),
            http_hosts: Vec::new(),
            http_origins: Vec::new(),
            http_keys: BTreeMap::new(),
            http_token_env: None,
            http_oauth: None,
            http_tls: None,
        }
    }
}

impl GuardSpec {
    /// Reads the table.
    ///
    /// # Errors
    /// A message that names the unknown or wrong key.
    pub fn from_table(table: &toml::Table) -> Result<Self, String> {
        table.clone().try_into().map_err(|error: toml::de::Error| format!("[guard]: {}", error.message()))
    }

    /// The settings of a policy, or of one of its servers, whose own come on top.
    ///
    /// # Errors
    /// As [`Self::from_table`]; where there is no such server.
    pub fn for_server(file: &PolicyFile, name: Option<&str>) -> Result<Self, String> {
        let mut table = file.spec().guard.clone().unwrap_or_default();
        let Some(name) = name else { return Self::from_table(&table) };
        let section = file.spec().server.get(name).ok_or_else(|| format!("there is no [server.{name}]"))?.get_ref();
        table.extend(section.guard.clone().unwrap_or_default());
        let mut spec = Self::from_table(&table).map_err(|why| format!("[server.{name}]: {why}"))?;
        spec.env.extend(section.env.clone());
        spec.pass_env.extend(section.pass_env.iter().cloned());
        spec.cwd = section.cwd.as_ref().map(PathBuf::from).or(spec.cwd);
        Ok(spec)
    }

    /// What the engine enforces. `has_policy` is false when everything is allowed.
    #[must_use]
    pub fn engine(&self, has_policy: bool, redact_results: bool) -> Settings {
        // A policy that doesn't mention sampling has not granted a server the use of the client's model.
        let sampling = self.sampling.unwrap_or(if has_policy { Pass::Deny } else { Pass::Allow });
        let max_bytes = usize::try_from(self.max_message.0).unwrap_or(usize::MAX);
        Settings {
            limits: manta_mcp::Limits { max_bytes, ..manta_mcp::Limits::default() },
            max_in_flight: self.max_in_flight,
            unknown_methods: self.unknown_methods,
            sampling,
            elicitation: self.elicitation,
            roots: self.roots,
            schemas: self.schemas,
            injection: self.injection,
            secrets_in_forms: self.secrets_in_forms,
            approve: self.approve,
            bridge: self.bridge,
            responses: ResponseSettings { redact_secrets: redact_results, hidden: self.hidden, mark: self.mark },
        }
    }
}
