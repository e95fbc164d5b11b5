//! The rules of manta: from what the engine learnt to findings a reviewer can act on.
//!
//! [`audit`] is a pure function of a target's files: no file system, no clock, no environment. The binary collects the
//! files and hands over the front ends; whoever embeds the analysis (tests, an editor, a batch runner) does the same.
#![forbid(unsafe_code)]

mod conduct;
mod config_rules;
mod configured;
mod controls;
mod fixes;
mod flows;
mod inventory;
mod listings;
mod memory;
mod project;
pub mod rules;
mod said;
mod shipped;

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{ProjectInput, ScanReport, SkipReason, SkippedFile};
use manta_flow::engine::models::Models;
use manta_flow::engine::{Limits, Observer, Stage, analysis};
use manta_flow::frontend::FrontEnd;

pub use memory::Memory;
pub use rules::all as all_rules;

use crate::project::Extent;

/// Whether an agent reads the file as instructions, or runs what it says when a project is opened: such files are
/// part of a target although no server imports them.
#[must_use]
pub fn is_agent_file(path: &str) -> bool {
    shipped::agents::is_one(path)
}

/// What is the same for every target of a run.
#[derive(Debug, Default)]
pub struct Settings {
    /// Budgets of the engine.
    pub limits: Limits,
    /// Threads that read the files of a target; the result does not depend on it. 0 is taken for 1.
    pub threads: usize,
    /// Is told what the analysis is at.
    pub observer: Observer,
    /// The versions that packages have now, by the words of [`unpinned`], as far as somebody asked: findings about them
    /// have repairs.
    pub current: BTreeMap<String, String>,
    /// What earlier analyses of the same tree left behind.
    pub memory: Memory,
}

/// The packages of npm and PyPI that configurations of a target run in whatever version is the newest, as `npm:NAME` and
/// `pypi:NAME`.
#[must_use]
pub fn unpinned(input: &ProjectInput) -> BTreeSet<String> {
    configured::read(input, &mut ScanReport::new(input)).iter().flat_map(configured::packages::unpinned).collect()
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
        settings.observer.enter(Stage::Parsing, 0);
        let program = project::load(input, front_ends, settings, extent, &mut report);
        let loaded = program.map(|program| {
            let analysis = analysis::analyse(&program, models, settings.limits, &settings.observer);
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
    let steps = loaded.as_ref().map_or(0, |(_, analysis)| analysis.steps);
    settings.observer.enter(Stage::Judging, steps);
    if let Some((program, analysis)) = loaded {
        report.findings.extend(flows::findings(&analysis));
        report.findings.extend(config_rules::findings(&analysis, &program, &input.sources));
        report.findings.extend(conduct::findings(&analysis));
        report.findings.extend(controls::findings(&analysis));
        fixes::attach(&mut report.findings, &program, &input.sources);
        inventory::describe(&analysis, &program, input, &mut report);
    }
    let configs = configured::read(input, &mut report);
    let captures = listings::read(input, &mut report);
    let findings = listings::compare(&captures, &mut report);
    report.findings.extend(findings);
    listings::describe(&captures, &mut report);
    let speakers = said::speakers(&report, &captures);
    let findings = said::findings(&report, &speakers, &settings.memory);
    report.findings.extend(findings);
    let findings = configured::findings(&configs, input, &report, &settings.current);
    report.findings.extend(findings);
    let findings = shipped::findings(input, &report, &settings.memory);
    report.findings.extend(findings);
    report.settle();
    report
}
