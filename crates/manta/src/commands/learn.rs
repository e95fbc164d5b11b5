//! `manta learn`: a policy out of an audit log.

use std::path::PathBuf;

use crate::exit::{Exit, Failure};
use crate::output;

/// Propose the smallest policy that would have passed an audit log
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  manta guard --policy allow-all.toml --dry-run -- CMD\n  manta learn manta-audit.jsonl > manta.toml"
)]
pub(crate) struct Args {
    /// Audit logs, oldest first
    #[arg(required = true, value_name = "AUDIT.jsonl")]
    logs: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut text = String::new();
    for log in &args.logs {
        let unreadable = |error| Failure::new(format!("{}: {error}", log.display()));
        text.push_str(&std::fs::read_to_string(log).map_err(unreadable)?);
        text.push('\n');
    }
    output::print(&manta_guard::learn::propose(&text).map_err(Failure::new)?)?;
    Ok(Exit::Clean)
}
