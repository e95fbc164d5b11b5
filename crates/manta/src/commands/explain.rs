//! `manta explain`: the page of a rule, from the binary.

use crate::exit::{Exit, Failure};
use crate::output::{self, Color};
use crate::{analyse, dispose};

/// Explain a rule: why it is bad, how to repair it, what isn't flagged
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  manta explain path-prefix-bypass")]
pub(crate) struct Args {
    /// Id of the rule, as reports print it
    #[arg(value_name = "RULE")]
    rule: String,

    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let rule = dispose::rule(&args.rule, &analyse::rules())?;
    output::print(&manta_report::page::render(rule, args.color.is_on()))?;
    Ok(Exit::Clean)
}
