//! `manta serve`: a secure MCP server for files, search, fetch and commands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use manta_harden::policy::{Policy, PolicyFile};
use manta_harden::serve::{self, Client, HttpOptions, ServeError};

use crate::exit::{Exit, Failure};
use crate::output;

/// Serve files, search, fetch and commands over MCP, as far as a policy grants them
///
/// Without a policy: read, list and search the current directory, nothing else.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  manta serve                                    read-only, this directory, stdio\n  manta serve --policy manta.toml\n  MANTA_TOKEN=… manta serve --policy manta.toml --http 127.0.0.1:8080\n  manta serve --policy manta.toml --print-config claude"
)]
pub(crate) struct Args {
    /// What the server may do
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Directory to serve read-only when there is no policy
    #[arg(long, value_name = "DIR", default_value = ".", conflicts_with = "policy")]
    root: PathBuf,
    /// Serve over Streamable HTTP instead of stdio
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// File with the bearer token that HTTP clients must send (else the variable MANTA_TOKEN)
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// Audit log, when the policy names none
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Print the configuration for a client and exit
    #[arg(long, value_name = "CLIENT", value_parser = client)]
    print_config: Option<Client>,
}

fn client(name: &str) -> Result<Client, String> {
    let names = Client::ALL.map(Client::name).join(", ");
    Client::ALL.into_iter().find(|client| client.name() == name).ok_or(format!("known clients: {names}"))
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(client) = args.print_config {
        return print_config(args, client);
    }
    let log = args.audit.clone().unwrap_or_else(serve::default_log);
    let policy = match &args.policy {
        Some(path) => PolicyFile::load(path).and_then(|file| {
            let file = file.log_at(&log);
            Policy::compile(args.token_file.iter().fold(file, |file, token| file.hide(token)))
        }),
        None => serve::read_only(&args.root),
    };
    let policy = policy.map_err(|error| Failure::new(error.to_string()))?;
    let result = match args.http {
        None => serve::serve_stdio(policy, &log),
        Some(address) => {
            let options = HttpOptions { address, token: token(args)? };
            serve::serve_http(policy, &log, &options, |address| {
                output::remark(&format!("listening on http://{address}"))
            })
        }
    };
    match result {
        Ok(()) => Ok(Exit::Clean),
        Err(error @ ServeError::Unprotected(_)) => Err(Failure::new(error.to_string())
            .hint("MANTA_TOKEN, --token-file or [serve.oauth] in the policy say who may come in")),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

fn token(args: &Args) -> Result<Option<String>, Failure> {
    let Some(file) = &args.token_file else { return Ok(std::env::var("MANTA_TOKEN").ok()) };
    let text = std::fs::read_to_string(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    Ok(Some(text.trim().to_owned()))
}

/// Absolute paths, because clients start servers from directories of their own.
fn print_config(args: &Args, client: Client) -> Result<Exit, Failure> {
    let absolute = |path: &Path| {
        let path = path.canonicalize().map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok::<_, Failure>(path.to_string_lossy().into_owned())
    };
    let config = match args.http {
        Some(address) => {
            let has_token = args.token_file.is_some() || std::env::var_os("MANTA_TOKEN").is_some();
            let config = client.remote_config(&format!("http://{address}/mcp"), has_token);
            config.ok_or_else(|| {
                Failure::new(format!("{} knows no remote servers", client.file()))
                    .hint("leave out --http, or add the server in the client's settings")
            })?
        }
        None => {
            let program = std::env::current_exe().map_err(|error| Failure::new(error.to_string()))?;
            let mut arguments = match &args.policy {
                Some(policy) => vec!["serve".to_owned(), "--policy".to_owned(), absolute(policy)?],
                None => vec!["serve".to_owned(), "--root".to_owned(), absolute(&args.root)?],
            };
            if let Some(log) = &args.audit {
                let log = std::path::absolute(log).map_err(|error| Failure::new(error.to_string()))?;
                arguments.extend(["--audit".to_owned(), log.to_string_lossy().into_owned()]);
            }
            client.config(&program.to_string_lossy(), &arguments)
        }
    };
    let text = serde_json::to_string_pretty(&config).map_err(|error| Failure::new(error.to_string()))?;
    output::remark(&format!("goes into {}", client.file()));
    output::print(&format!("{text}\n"))?;
    Ok(Exit::Clean)
}
