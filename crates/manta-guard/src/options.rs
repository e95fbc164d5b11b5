//! What can be asked of the guard, on every system.

use std::path::PathBuf;

/// Where a listing names the lists that the server did not give: an array of texts beside `tools`, `prompts` and the rest.
pub const NOT_LISTED: &str = "notListed";

/// What the command line says.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// Directories to read.
    pub read: Vec<PathBuf>,
    /// Directories to change.
    pub write: Vec<PathBuf>,
    /// Programs the server may start.
    pub exec: Vec<String>,
    /// Hosts to reach.
    pub hosts: Vec<String>,
    /// Variables to pass on.
    pub pass_env: Vec<String>,
    /// Where records go, instead of what the policy says.
    pub audit: Option<PathBuf>,
    /// Guard the remote server at this URL instead of starting one.
    pub upstream: Option<String>,
    /// Guard this `[server.NAME]` of the policy. Without it, and without a command, all of them.
    pub server: Option<String>,
    /// Who calls, where that is not the user who started the guard.
    pub principal: Option<String>,
    /// Serve over Streamable HTTP on this address instead of standard input and output.
    pub http: Option<String>,
    /// Record what would be refused instead of refusing it.
    pub dry_run: bool,
    /// Only say what would be enforced.
    pub explain: bool,
    /// The server's command.
    pub command: Vec<String>,
}

/// What `manta pin` does with differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinAction {
    /// Report them; nothing is written.
    Check,
    /// Make what the server says now the pins.
    Accept,
}
