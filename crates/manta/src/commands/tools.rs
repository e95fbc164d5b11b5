//! `manta tools`: the inventory of a server, without judgement.

use std::num::NonZeroUsize;

use clap::ValueEnum;
use manta_report::{Options, tools};

use crate::analyse::Analysis;
use crate::exit::{Exit, Failure};
use crate::output::{self, Color};
use crate::progress::Progress;
use crate::targets;

/// List the tools, resources and prompts of a server
///
/// Shows every tool, resource and prompt with its SDK, location, parameters and declared constraints, and whether
/// the SDK really enforces them. Judges nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Directories, source files or archives (.tgz, .tar.gz, .tar, .zip, .whl)
    #[arg(default_value = ".", value_name = "TARGET")]
    targets: Vec<String>,

    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: ToolsFormat,

    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,

    /// Threads for several targets; one per core if not given
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

const EXAMPLES: &str = "\
Examples:
  manta tools ./my-mcp-server
  manta tools -o json server-1.2.0.tgz

Exit codes: 0 something was found, 2 manta failed, 3 analysis incomplete or no server found";

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ToolsFormat {
    /// For people
    #[default]
    Human,
    /// manta/tools/v1
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let options = Options {
        version: env!("CARGO_PKG_VERSION"),
        color: args.color.is_on(),
        quiet: false,
        several: args.targets.len() > 1,
    };
    let analysis = Analysis::new(&[])?;
    let mut progress = Progress::new(false);
    super::for_each_target(
        &targets::paths(&args.targets),
        super::threads(args.jobs),
        &mut progress,
        |target, threads| super::analysed(target, &analysis, threads),
        |mut report| {
            for tool in report.servers.iter_mut().flat_map(|server| &mut server.tools) {
                tool.verdicts.clear();
            }
            output::print(&match args.output {
                ToolsFormat::Human => tools::human(&report, &options),
                ToolsFormat::Json => tools::json(&report, &options),
            })?;
            let is_done = report.tools().next().is_some() && report.completeness.is_complete();
            Ok(if is_done { Exit::Clean } else { Exit::Incomplete })
        },
    )
}
