//! `manta completions` and `manta man`: what shells and `man` want to know about the command line.

use clap::Command;
use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::output;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  manta completions bash > /etc/bash_completion.d/manta")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, of one command if it is named
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  manta man scan | man -l -")]
pub(crate) struct ManArgs {
    /// The command
    command: Option<String>,
}

/// Runs `manta completions`.
pub(crate) fn run(args: &Args, mut command: Command) -> Result<Exit, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut command, "manta", &mut out);
    output::print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Clean)
}

/// Runs `manta man`.
pub(crate) fn man(args: &ManArgs, mut command: Command) -> Result<Exit, Failure> {
    command.build();
    let page = match &args.command {
        None => command,
        Some(name) => command
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::new(format!("there is no command `{name}`")).hint("`manta --help` lists them"))?,
    };
    let mut out = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut out)
        .map_err(|error| Failure::new(format!("failed to render the page: {error}")))?;
    output::print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Clean)
}
