//! Findings about how a server is set up: what listens where, who is let in, what clients trust, what is printed.
//!
//! They come from the calls that the engine met while modules loaded and handlers ran, with the values they really got,
//! and from the versions of the packages in use. Nothing here looks at text.

mod arg;
mod clients;
mod cors;
mod credentials;
mod http;
mod listeners;
mod output;
mod sessions;

use manta_core::{Finding, Location, RuleMeta, SourceMap, Step};
use manta_flow::engine::analysis::{Analysis, CallInfo};
use manta_flow::engine::program::Program;

use crate::rules;

/// What every rule looks at.
pub(crate) struct Setup<'a> {
    analysis: &'a Analysis,
    program: &'a Program,
    sources: &'a SourceMap,
}

/// Every finding about the setup of a target.
pub(crate) fn findings(analysis: &Analysis, program: &Program, sources: &SourceMap) -> Vec<Finding> {
    let setup = Setup { analysis, program, sources };
    let mut findings = Vec::new();
    let listeners = listeners::find(&setup);
    http::check(&setup, &listeners, &mut findings);
    cors::check(&setup, &mut findings);
    cors::check_open(&setup, &listeners, &mut findings);
    sessions::check(&setup, &mut findings);
    clients::check(&setup, &mut findings);
    credentials::check(&setup, &mut findings);
    output::check(&setup, &mut findings);
    findings
}

impl Setup<'_> {
    fn calls(&self) -> impl Iterator<Item = &CallInfo> {
        self.analysis.calls.iter()
    }

    fn path(&self, at: Location) -> &str {
        self.sources.get(at.file).map_or("", |file| file.path.as_str())
    }
}

/// A finding of the rule with this id, unless the same place already has one.
fn report(
    findings: &mut Vec<Finding>,
    id: &str,
    at: Location,
    message: String,
    help: &str,
    trace: Vec<Step>,
) -> Option<usize> {
    let rule: &'static RuleMeta = rules::find(id)?;
    if findings.iter().any(|finding| finding.rule.id == id && finding.location == at) {
        return None;
    }
    let mut finding = Finding::at(rule, at, message);
    help.clone_into(&mut finding.help);
    finding.trace = trace;
    findings.push(finding);
    Some(findings.len() - 1)
}
