//! `manta doctor`: what the sandbox can enforce on this host.

use manta_guard::command;

use crate::exit::{Exit, Failure};
use crate::output;

/// Say what the sandbox can enforce on this host, by trying it
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 level A, 1 level B or C, 2 the probe failed")]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: &Args) -> Result<Exit, Failure> {
    let (text, is_full) = command::doctor().map_err(Failure::new)?;
    output::print(&text)?;
    Ok(if is_full { Exit::Clean } else { Exit::Findings })
}
