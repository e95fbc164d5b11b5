//! The rules of manta: from what the engine learnt to findings a reviewer can act on.
//!
//! [`audit`] is a pure function of a target's files: no file system, no clock, no environment. The binary collects the
//! files and hands over the front ends; whoever embeds the analysis (tests, an editor, a batch runner) does the same.
#![forbid(unsafe_code)]

mod config_rules;
mod fixes;
mod flows;
mod inventory;
mod project;
pub mod rules;

use manta_core::{ProjectInput, ScanReport, SkipReason, SkippedFile};
use manta_flow::engine::models::Models;
use manta_flow::engine::{Limits, analysis};
use manta_flow::frontend::FrontEnd;

pub use rules::all as all_rules;

use crate::project::Extent;

/// What is the same for every target of a run.
#[derive(Debug, Default)]
pub struct Settings {
    /// Budgets of the engine.
    pub limits: Limits,
}

/// Audits one target.
#[must_use]
pub fn audit(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    models: &Models,
    settings: &Settings,
) -> ScanReport {
    let load = |extent| {
        let mut report = ScanReport::new(input);
        report.rules = rules::all();
        let program = project::load(input, front_ends, extent, &mut report);
        let loaded = program.map(|program| {
            let analysis = analysis::analyse(&program, models, settings.limits);
            (program, analysis)
        });
        (report, loaded)
    };
    let (mut report, mut loaded) = load(Extent::Imported);
    let is_empty = loaded.as_ref().is_none_or(|(_, analysis)| analysis.tools.is_empty());
    let is_left_out = |file: &SkippedFile| file.reason == SkipReason::NotImported;
    if is_empty && report.completeness.files_skipped.iter().any(is_left_out) {
        // No tool in what is imported: tools may be loaded from a folder, by names that are computed.
        let (all, loaded_all) = load(Extent::Everything);
        if loaded_all.as_ref().is_some_and(|(_, analysis)| !analysis.tools.is_empty()) {
            (report, loaded) = (all, loaded_all);
        }
    }
    let Some((program, analysis)) = loaded else {
        report.settle();
        return report;
    };
    report.findings.extend(flows::findings(&analysis));
    report.findings.extend(config_rules::findings(&analysis, &program, &input.sources));
    fixes::attach(&mut report.findings, &program, &input.sources);
    inventory::describe(&analysis, &program, input, &mut report);
    report.settle();
    report
}
