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

use manta_core::{ProjectInput, ScanReport};
use manta_flow::engine::models::Models;
use manta_flow::engine::{Limits, analysis};
use manta_flow::frontend::FrontEnd;

pub use rules::all as all_rules;

/// What is the same for every target of a run.
#[derive(Debug, Default)]
pub struct Settings {
    /// Budgets of the engine.
    pub limits: Limits,
    /// Threads that read the files of a target; the result does not depend on it. 0 is taken for 1.
    pub threads: usize,
}

/// Audits one target.
#[must_use]
pub fn audit(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    models: &Models,
    settings: &Settings,
) -> ScanReport {
    let mut report = ScanReport::new(input);
    report.rules = rules::all();
    let program = project::load(input, front_ends, settings.threads, &mut report);
    let Some(program) = program else {
        report.settle();
        return report;
    };
    let analysis = analysis::analyse(&program, models, settings.limits);
    report.findings.extend(flows::findings(&analysis));
    report.findings.extend(config_rules::findings(&analysis, &program, &input.sources));
    fixes::attach(&mut report.findings, &program, &input.sources);
    inventory::describe(&analysis, &program, input, &mut report);
    report.settle();
    report
}
