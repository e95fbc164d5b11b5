//! `manta baseline`: accepts the findings there are, so that later runs fail only on new ones.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::analyse::Analysis;
use crate::baseline::Baseline;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::Progress;
use crate::targets;

/// Write the findings there are into a file, so that `manta scan --baseline FILE` reports only new ones
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  manta baseline\n  manta scan --baseline manta-baseline.json")]
pub(crate) struct Args {
    /// Directories, source files or archives (.tgz, .tar.gz, .tar, .zip, .whl)
    #[arg(default_value = ".", value_name = "TARGET")]
    targets: Vec<String>,

    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = "manta-baseline.json")]
    output: PathBuf,

    /// Threads for several targets; one per core if not given
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let analysis = Analysis::new(&[])?;
    let mut baseline = Baseline::default();
    let mut progress = Progress::new(false);
    let threads = super::threads(args.jobs);
    let targets = targets::paths(&args.targets);
    let scan = |target: &_, threads| super::analysed(target, &analysis, threads);
    let exit = super::for_each_target(&targets, threads, &mut progress, scan, |report| {
        baseline.accept(&report);
        Ok(if report.is_empty() || !report.completeness.is_complete() { Exit::Incomplete } else { Exit::Clean })
    })?;
    let name = args.output.display();
    fs::write(&args.output, baseline.to_json())
        .map_err(|error| Failure::new(format!("failed to write {name}: {error}")))?;
    output::print(&format!("{} findings accepted in {name}\n", baseline.len()))?;
    Ok(exit)
}
