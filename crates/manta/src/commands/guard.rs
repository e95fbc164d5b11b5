//! `manta guard`: run somebody else's server under a policy.

use std::path::PathBuf;
use std::process::ExitCode;

use manta_guard::command::{self, Options};

use crate::exit::Failure;

/// Run an MCP server in a sandbox, under a policy
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  manta guard --policy manta.toml -- npx -y some-mcp-server /data\n  manta guard --read ./docs -- python -m my_server\n  manta guard --policy manta.toml --explain -- node server.js\n  manta guard --policy manta.toml --upstream https://mcp.example.com/mcp"
)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    server: ServerArgs,

    /// Write records here instead of where the policy says
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,

    /// Serve the server over Streamable HTTP on this address instead of standard input and output
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,

    /// Record what would be refused instead of refusing it; the sandbox and the wire rules stay
    #[arg(long)]
    dry_run: bool,

    /// Print what would be enforced on this host, and start nothing
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Wrap(super::wrap::Args),
}

/// What a server that is started may reach; shared with `manta pin` and `manta scan --stdio`.
#[derive(Debug, clap::Args)]
pub(crate) struct Grants {
    /// Let the server read this file or directory (repeatable)
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,

    /// Let the server change this directory (repeatable)
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,

    /// Let the server start this program (repeatable)
    #[arg(long, value_name = "PROGRAM")]
    exec: Vec<String>,

    /// Let the server reach this host (repeatable)
    #[arg(long, value_name = "NAME[:PORT]")]
    host: Vec<String>,

    /// Pass this variable on to the server (repeatable)
    #[arg(long = "env", value_name = "NAME")]
    pass_env: Vec<String>,
}

impl Grants {
    pub(crate) fn options(&self) -> Options {
        Options {
            read: self.read.clone(),
            write: self.write.clone(),
            exec: self.exec.clone(),
            hosts: self.host.clone(),
            pass_env: self.pass_env.clone(),
            ..Options::default()
        }
    }

    /// Whether nothing is granted.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { read, write, exec, host, pass_env } = self;
        read.is_empty() && write.is_empty() && exec.is_empty() && host.is_empty() && pass_env.is_empty()
    }
}

/// How a server is started; shared with `manta pin`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// The policy file
    #[arg(short, long, value_name = "FILE")]
    policy: Option<PathBuf>,

    #[command(flatten)]
    grants: Grants,

    /// Guard the remote server at this URL (Streamable HTTP) instead of starting one
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    upstream: Option<String>,

    /// Guard this `[server.NAME]` of the policy; without it and without a command, all of them behind one endpoint
    #[arg(long, value_name = "NAME", conflicts_with_all = ["command", "upstream"], requires = "policy")]
    server: Option<String>,

    /// The server's command
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl ServerArgs {
    /// Whether they name a server, or a policy that does.
    pub(crate) fn names_one(&self) -> bool {
        !self.command.is_empty() || self.upstream.is_some() || self.server.is_some() || self.policy.is_some()
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            policy: self.policy.clone(),
            upstream: self.upstream.clone(),
            server: self.server.clone(),
            command: self.command.clone(),
            ..self.grants.options()
        }
    }
}

/// Runs the command. Ends with the server's own exit code when the server ended by itself.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if let Some(Command::Wrap(args)) = &args.command {
        return super::wrap::run(args).map(ExitCode::from);
    }
    if !args.server.names_one() {
        return Err(Failure::new("no server is named").hint("write `-- COMMAND …`, --upstream URL or --policy FILE"));
    }
    let options = Options {
        audit: args.audit.clone(),
        http: args.http.clone(),
        dry_run: args.dry_run,
        explain: args.explain,
        ..args.server.options()
    };
    command::guard(&options).map(ExitCode::from).map_err(Failure::new)
}
