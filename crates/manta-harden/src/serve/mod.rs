//! A ready MCP server: files, search, fetch and commands, exactly as far as a policy grants them.
//!
//! It is the worked example of this crate. The tools have no other way to files, network or processes than
//! the handles that the policy's decision hands them ([`crate::policy::Handle`]), and everything around
//! them (what is listed, limits, the record of each call) is [`crate::rmcp::Guarded`].

mod bounded;
mod clients;
mod files;
mod http;
mod strict;
#[cfg(test)]
mod tests;
mod tools;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use bounded::TOO_LONG;
pub use clients::Client;
pub use http::{HttpOptions, serve_http};
use rmcp::ServiceExt as _;
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
pub(crate) use strict::REFUSED;

use crate::enforce::{Enforcer, SetupError};
use crate::policy::{Policy, PolicyError, PolicyFile};
use crate::rmcp::{Granted, Guarded};

/// What `manta serve` grants without a policy: reading below one directory.
pub const READ_ONLY: &str = include_str!("read_only.toml");

/// The tools. Useless without a [`Guarded`] around them: they act on nothing but the grant it brings.
#[derive(Debug, Clone)]
pub struct ToolServer {
    tools: Arc<Vec<tools::Definition>>,
    instructions: Option<String>,
}

/// Why the server could not be started, or ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// Policy, log or key.
    Setup(SetupError),
    /// The endpoint or the connection.
    Io(std::io::Error),
    /// An HTTP endpoint that anyone on the network could use.
    Unprotected(String),
    /// The SDK.
    Protocol(String),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Unprotected(message) | Self::Protocol(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ServeError {}

impl From<SetupError> for ServeError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<std::io::Error> for ServeError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// The policy for a directory when there is no file: reading, listing and searching it.
///
/// # Errors
/// [`PolicyError`] when the directory cannot be opened.
pub fn read_only(directory: &Path) -> Result<Policy, PolicyError> {
    let instead = Some("start it with a policy of your own (`--policy`)");
    Policy::compile(PolicyFile::built_in(directory, "built-in read-only policy", READ_ONLY, instead)?)
}

/// Where records go when the policy names no place: the user's state directory, one log per process.
#[must_use]
pub fn default_log() -> PathBuf {
    let state = crate::audit::state_directory().unwrap_or_else(std::env::temp_dir);
    let seconds = std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    state.join("manta/serve").join(format!("{seconds}-{}.jsonl", std::process::id()))
}

impl ToolServer {
    /// The tools that the policy grants.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let instructions = policy.file().spec().serve.instructions.clone();
        Self { tools: Arc::new(tools::granted(policy)), instructions }
    }

    /// Names of the tools that are offered.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.name)
    }
}

/// The guarded server for a policy; records go where it says, or to `default_log`.
///
/// # Errors
/// [`SetupError`].
pub fn guarded(policy: Policy, default_log: &Path) -> Result<Guarded<ToolServer>, SetupError> {
    let server = ToolServer::new(&policy);
    Ok(Guarded::new(server, Enforcer::new(policy, default_log)?))
}

/// Serves one client over standard input and output until it goes away.
///
/// # Errors
/// [`ServeError`].
pub fn serve_stdio(policy: Policy, default_log: &Path) -> Result<(), ServeError> {
    serve_handler_stdio(ToolServer::new(&policy), policy, default_log)
}

/// As [`serve_stdio`], with tools of your own.
///
/// # Errors
/// [`ServeError`].
pub fn serve_handler_stdio(handler: impl ServerHandler, policy: Policy, default_log: &Path) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guarded = Guarded::new(handler, Enforcer::new(policy, default_log)?).peer(stdio_peer());
    let log = Arc::clone(guarded.enforcer().log());
    let result = runtime.block_on(async {
        outlive_file_limits()?;
        let (reader, writer) = rmcp::transport::io::stdio_pipes();
        let running = guarded.serve((bounded::Bounded::new(reader), strict::ToNobody::new(writer))).await;
        let running = running.map_err(|error| ServeError::Protocol(error.to_string()))?;
        running.waiting().await.map_err(|error| ServeError::Protocol(error.to_string()))
    });
    // A client that leaves before or after the handshake is the usual end of a stdio server.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    log.close().map_err(|error| ServeError::Setup(error.into()))?;
    match result {
        Ok(_) => Ok(()),
        Err(ServeError::Protocol(message)) if message.contains("closed") => Ok(()),
        Err(error) => Err(error),
    }
}

/// A log at the limit on the size of files is a full disk, which refuses calls; the signal that comes with it would end them
/// all.
#[cfg(unix)]
fn outlive_file_limits() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

#[cfg(not(unix))]
fn outlive_file_limits() -> std::io::Result<()> {
    Ok(())
}

/// Who is at the other end of the pipes.
#[cfg(unix)]
fn stdio_peer() -> String {
    format!("stdio uid={}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn stdio_peer() -> String {
    "stdio".to_owned()
}

/// What is wrong with the message that a small request of our reader stands for.
pub(crate) fn flaw_of(request: &CustomRequest) -> String {
    match request.method.as_str() {
        TOO_LONG => format!("the message is longer than {} bytes and was not read", bounded::MAX_LINE),
        _ => strict::answer(request.params.as_ref()).1,
    }
}

impl ServerHandler for ToolServer {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info.server_info = Implementation::new("manta", env!("CARGO_PKG_VERSION"));
        info.instructions.clone_from(&self.instructions);
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.iter().map(tools::Definition::to_tool).collect()))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        match request.method.as_str() {
            bounded::TOO_LONG => Err(ErrorData::invalid_request(flaw_of(&request), None)),
            REFUSED => {
                let (code, why) = strict::answer(request.params.as_ref());
                Err(ErrorData::new(ErrorCode(code), why, None))
            }
            _ => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None)),
        }
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).map(tools::Definition::to_tool)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(definition) = self.tools.iter().find(|tool| tool.name == request.name) else {
            return Err(ErrorData::invalid_params("there is no such tool", None));
        };
        let Some(Granted(grant)) = context.extensions.get::<Granted>().cloned() else {
            return Err(ErrorData::internal_error("this server only works behind its policy", None));
        };
        let args = request.arguments.unwrap_or_default();
        Ok(CallToolResponse::Complete(definition.run(grant, args).await))
    }
}
