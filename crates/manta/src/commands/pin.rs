//! `manta pin`: what a server says about its tools, kept in `manta.lock`.

use manta_guard::command::{self, PinAction};

use super::guard::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::output;

/// Pin what a server says about its tools, or check it against the pins
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  manta pin --accept -- npx -y some-mcp-server\n  manta pin --check -- npx -y some-mcp-server\n\nExit codes: 0 as pinned, 1 something changed, 2 failed"
)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,

    /// Make what the server says now the pins
    #[arg(long, conflicts_with = "check")]
    accept: bool,

    /// Only compare (the default)
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let action = if args.accept { PinAction::Accept } else { PinAction::Check };
    let differences = command::pin(&args.server.options(), action).map_err(Failure::new)?;
    let mut text = String::new();
    for difference in &differences {
        text.push_str(difference);
        text.push('\n');
    }
    text.push_str(match (action, differences.is_empty()) {
        (PinAction::Accept, _) => "pinned\n",
        (PinAction::Check, true) => "as pinned\n",
        (PinAction::Check, false) => "not as pinned; review, then run `manta pin --accept`\n",
    });
    output::print(&text)?;
    Ok(if action == PinAction::Check && !differences.is_empty() { Exit::Findings } else { Exit::Clean })
}
