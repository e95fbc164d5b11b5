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
mod together;

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{ProjectInput, ScanReport, SkipReason, SkippedFile, TextChange};
use manta_flow::engine::analysis::{Analysis, Glance};
use manta_flow::engine::models::Models;
use manta_flow::engine::program::Program;
use manta_flow::engine::{Limits, Observer, Stage, analysis};
use manta_flow::frontend::FrontEnd;

pub use manta_flow::engine::analysis::Kept;
pub use memory::Memory;
pub use rules::all as all_rules;
pub use together::together;

use crate::project::Extent;

/// Whether an agent reads the file as instructions, or runs what it says when a project is opened: such files are
/// part of a target although no server imports them.
#[must_use]
pub fn is_agent_file(path: &str) -> bool {
    shipped::agents::is_one(path)
}

/// Whether a file is there to hold credentials, as `.env` is: it is looked at for them, wherever it lies.
#[must_use]
pub fn is_credential_file(path: &str) -> bool {
    shipped::kept::is_one(path)
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
    let analyse = |program: &Program| analysis::analyse(program, models, settings.limits, &settings.observer);
    let (report, learnt) = learn(input, front_ends, settings, &analyse, &|analysis| analysis.tools.is_empty());
    settings.memory.forget_unsaid();
    judged(input, settings, report, learnt.as_ref().map(|(program, analysis)| (program, analysis)))
}

/// The same, with what glances at later edits need of it.
#[must_use]
pub fn audit_to_keep(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    models: &Models,
    settings: &Settings,
) -> (ScanReport, Option<Kept>) {
    let analyse = |program: &Program| analysis::analyse_to_keep(program, models, settings.limits, &settings.observer);
    let (report, learnt) = learn(input, front_ends, settings, &analyse, &|(analysis, _)| analysis.tools.is_empty());
    settings.memory.forget_unsaid();
    let report = judged(input, settings, report, learnt.as_ref().map(|(program, (analysis, _))| (program, analysis)));
    (report, learnt.map(|(program, (_, remains))| Kept::new(program, remains)))
}

/// A first look after a change, in the time that `is_time` gives: at the handlers that it may concern, nearest first. Of the
/// others, which are named beside the report as far as they have a name, it says nothing, and little of what is about no
/// tool. `kept` is of the state before the change, or nothing; afterwards it is of the state now, or nothing. Without it,
/// modules are loaded anew.
#[must_use]
pub fn glance(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    models: &Models,
    settings: &Settings,
    change: TextChange,
    is_time: &dyn Fn() -> bool,
    kept: &mut Option<Kept>,
) -> (ScanReport, Vec<Option<String>>) {
    if let Some(glance) = glance_at_kept(input, front_ends, models, settings, change, is_time, kept) {
        return glance;
    }
    let look = |program: &Program| {
        analysis::glance(program, models, settings.limits, &settings.observer, change.at(), is_time)
    };
    let is_empty = |glance: &Glance| glance.analysis.tools.is_empty() && glance.left.is_empty();
    let (report, learnt) = learn(input, front_ends, settings, &look, &is_empty);
    let report = judged(input, settings, report, learnt.as_ref().map(|(program, glance)| (program, &glance.analysis)));
    (report, learnt.map_or_else(Vec::new, |(_, glance)| glance.left))
}

/// The same without loading modules: none when the change may be to what they do when they load, and then nothing is kept any
/// more.
#[must_use]
pub fn glance_at_kept(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    models: &Models,
    settings: &Settings,
    change: TextChange,
    is_time: &dyn Fn() -> bool,
    kept: &mut Option<Kept>,
) -> Option<(ScanReport, Vec<Option<String>>)> {
    let at = |kept: &mut Kept| {
        let file = input.sources.get(change.file)?;
        let front_end = front_ends.iter().find(|front_end| front_end.claims(&file.path))?;
        let lowered = settings.memory.lower(front_end.as_ref(), change.file, &file.path, &file.text);
        // What could not be read is told by a whole analysis.
        let module = lowered.module.filter(|_| lowered.problems.is_empty())?;
        let Glance { analysis, left } =
            kept.glance(&module, change, models, settings.limits, &settings.observer, is_time)?;
        let report = ScanReport::new(input);
        Some((judged(input, settings, report, Some((kept.program(), &analysis))), left))
    };
    let glance = kept.as_mut().and_then(at);
    if glance.is_none() {
        *kept = None;
    }
    glance
}

/// What is told of a target without looking at what its code does: of its texts, its configurations and what lies beside it.
#[must_use]
pub fn around(input: &ProjectInput, settings: &Settings) -> ScanReport {
    judged(input, settings, ScanReport::new(input), None)
}

/// What the engine learns of the files of a target. Where there is no tool in what is imported, tools may be loaded from a
/// folder, by names that are computed.
fn learn<A>(
    input: &ProjectInput,
    front_ends: &[Box<dyn FrontEnd>],
    settings: &Settings,
    analyse: &dyn Fn(&Program) -> A,
    is_empty: &dyn Fn(&A) -> bool,
) -> (ScanReport, Option<(Program, A)>) {
    let load = |extent| {
        let mut report = ScanReport::new(input);
        report.rules = rules::all();
        settings.observer.enter(Stage::Parsing, 0);
        let program = project::load(input, front_ends, settings, extent, &mut report);
        let learnt = program.map(|program| {
            let analysis = analyse(&program);
            (program, analysis)
        });
        (report, learnt)
    };
    let (report, learnt) = load(Extent::Imported);
    let found_nothing = |learnt: &Option<(Program, A)>| learnt.as_ref().is_none_or(|(_, analysis)| is_empty(analysis));
    let is_left_out = |file: &SkippedFile| file.reason == SkipReason::NotImported;
    if found_nothing(&learnt) && report.completeness.files_skipped.iter().any(is_left_out) {
        let (all, learnt_of_all) = load(Extent::Everything);
        if !found_nothing(&learnt_of_all) {
            return (all, learnt_of_all);
        }
    }
    (report, learnt)
}

/// What the rules say of it, and of all that is not code.
fn judged(
    input: &ProjectInput,
    settings: &Settings,
    mut report: ScanReport,
    learnt: Option<(&Program, &Analysis)>,
) -> ScanReport {
    let steps = learnt.map_or(0, |(_, analysis)| analysis.steps);
    settings.observer.enter(Stage::Judging, steps);
    if let Some((program, analysis)) = learnt {
        report.findings.extend(flows::findings(analysis));
        report.findings.extend(config_rules::findings(analysis, program, &input.sources));
        report.findings.extend(conduct::findings(analysis));
        report.findings.extend(controls::findings(analysis));
        fixes::attach(&mut report.findings, program, &input.sources);
        inventory::describe(analysis, program, input, &mut report);
        report.findings.extend(together::toxic(&report));
    }
    settings.observer.enter(Stage::Around, steps);
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
    report.completeness.agent_files = shipped::agent_files(input);
    report.completeness.files_analysed += report.completeness.agent_files;
    let secrets = report.findings.iter().filter(|finding| finding.rule.id == "exposed-secret");
    report.credentials = secrets.map(|finding| finding.location).collect();
    settings.observer.enter(Stage::Judging, steps);
    report.settle();
    report
}
