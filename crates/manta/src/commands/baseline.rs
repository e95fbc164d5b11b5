//! `manta baseline`: accepts the findings there are, so that later runs fail only on new ones.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use manta_core::Persona;

use crate::analyse::Analysis;
use crate::baseline::Baseline;
use crate::commands::settings::{self, SettingsArgs};
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

    #[command(flatten)]
    settings: SettingsArgs,

    /// Threads for several targets; one per core if not given
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let configs = args.settings.configs()?;
    let analysis = Analysis::new(&args.settings.models(&configs))?;
    let mut baseline = Baseline::default();
    let mut progress = Progress::new(false);
    let threads = super::threads(args.jobs);
    let targets = targets::paths(&args.targets);
    let mut hidden = 0;
    let (is_one, mut used) = (targets.len() == 1, BTreeSet::new());
    let scan = |target: &_, threads| settings::scan(target, &configs, &analysis, threads);
    let exit = super::for_each_target(&targets, threads, &mut progress, scan, |(mut report, config)| {
        // What is hidden by a suppression with a reason is not accepted a second time.
        args.settings.suppress(&mut report, config.as_deref(), is_one, &mut used);
        baseline.accept(&report);
        hidden += report.shown().iter().filter(|finding| finding.persona != Persona::Regular).count();
        Ok(if report.is_empty() || !report.completeness.is_complete() { Exit::Incomplete } else { Exit::Clean })
    })?;
    let name = args.output.display();
    fs::write(&args.output, baseline.to_json())
        .map_err(|error| Failure::new(format!("failed to write {name}: {error}")))?;
    let of_them = match hidden {
        0 => String::new(),
        _ => format!(", {hidden} of them such as only the auditor's report shows"),
    };
    output::print(&format!("{} findings accepted in {name}{of_them}\n", baseline.len()))?;
    Ok(exit)
}
