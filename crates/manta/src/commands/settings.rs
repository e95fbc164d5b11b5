//! Which settings and suppressions count: the options that `manta scan` and `manta baseline` share, so that what one
//! accepts is what the other reports.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manta_core::ScanReport;
use manta_flow::engine::Stage;

use crate::analyse::{self, Analysis};
use crate::collect::Limits;
use crate::config::{self, Config, Configs};
use crate::exit::Failure;
use crate::suppress;
use crate::targets::Target;

/// Where settings come from.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    /// Also read models of sinks, checks and registrations (*.toml) from this directory; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(super) models: Vec<PathBuf>,

    /// Take settings and suppressions from `[scan]` of this file instead of the manta.toml you stand beside
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Obey suppressions in the scanned code and its manta.toml, which otherwise count only for the tree you stand in
    #[arg(long)]
    trust_config: bool,

    /// Obey no manta.toml and no suppressions: show everything
    #[arg(long, conflicts_with_all = ["config", "trust_config"])]
    no_config: bool,
}

/// Reads and analyses one target as the configuration that counts for it wants.
pub(super) fn scan(
    target: &Target,
    configs: &Configs,
    analysis: &Analysis,
    threads: usize,
) -> Result<(ScanReport, Option<Arc<Config>>), Failure> {
    analysis.observer().enter(Stage::Reading, 0);
    let mut input = target.collect(&Limits::default())?;
    let config = configs.of(&input)?;
    if let Some(config) = &config {
        config.exclude(&mut input);
    }
    let report = analysis.run_on(&input, threads);
    analysis.observer().enter(Stage::Done, 0);
    Ok((report, config))
}

/// Whether the user stands in the tree: code that lies anywhere else may have come from anybody.
fn is_own(target: &str) -> bool {
    let here = env::current_dir().and_then(|directory| directory.canonicalize());
    let there = Path::new(target).canonicalize();
    here.is_ok_and(|here| there.is_ok_and(|there| here.starts_with(there)))
}

impl SettingsArgs {
    /// The configuration files that count.
    pub(super) fn configs(&self) -> Result<Configs, Failure> {
        if self.no_config {
            return Ok(Configs::default());
        }
        Configs::find(self.config.as_deref(), self.trust_config)
    }

    /// Directories of models: those of the user's own configuration, then those of the command line.
    pub(super) fn models(&self, configs: &Configs) -> Vec<PathBuf> {
        configs.own().into_iter().flat_map(|config| &config.scan.models).chain(&self.models).cloned().collect()
    }

    /// Obeys the suppressions that count, and says that others are there. `used` collects the entries of the user's own
    /// configuration that hid something; with one target, those that did not are findings.
    pub(super) fn suppress(
        &self,
        report: &mut ScanReport,
        config: Option<&Config>,
        is_one: bool,
        used: &mut BTreeSet<usize>,
    ) {
        let is_obeyed = !self.no_config && (self.trust_config || is_own(&report.target));
        if is_obeyed {
            suppress::obey(report, &analyse::rules());
        } else if !self.no_config {
            suppress::note(report);
        }
        if let Some(config) = config {
            let hiding = suppress::listed::obey(report, config);
            if is_one || config.is_of_target() {
                suppress::listed::complain(report, config, &hiding);
            } else {
                used.extend(hiding);
            }
        }
        if !self.no_config {
            config::note(report, config);
        }
    }
}
