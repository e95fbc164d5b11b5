//! `manta/findings/v1`: everything a report knows, for programs. `schemas/findings-v1.schema.json` documents it;
//! the format only ever grows.
//!
//! These structs are the format, apart from the types of manta-core on purpose: a change there must not change
//! what others read.

use std::collections::BTreeMap;

use manta_core::{
    Confidence, ConfiguredServer, Finding, Fix, Location, ParamInfo, ParamSource, Persona, ScanReport, Server,
    Severity, SinkClass, ToolInfo, Verdict,
};
use serde::Serialize;

use crate::place::Place;
use crate::{Options, json_text, words};

/// The value of `schema` in every document.
pub const SCHEMA: &str = "manta/findings/v1";

/// One document: indented, or on a line of its own when the run has several (JSON Lines).
#[must_use]
pub fn render(report: &ScanReport, options: &Options) -> String {
    json_text::document(&Document::of(report, options), options)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    manta: Producer,
    target: &'a str,
    summary: SummaryOut,
    completeness: CompletenessOut<'a>,
    servers: Vec<ServerOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configured: Vec<ConfiguredOut<'a>>,
    findings: Vec<FindingOut<'a>>,
}

#[derive(Serialize)]
pub(crate) struct Producer {
    version: &'static str,
}

impl Producer {
    pub(crate) fn of(options: &Options) -> Self {
        Self { version: options.version }
    }
}

impl<'a> Document<'a> {
    fn of(report: &'a ScanReport, options: &Options) -> Self {
        Self {
            schema: SCHEMA,
            manta: Producer::of(options),
            target: &report.target,
            summary: SummaryOut::of(report),
            completeness: CompletenessOut::of(report),
            servers: report.servers.iter().map(|server| ServerOut::of(server, report)).collect(),
            configured: report.configured.iter().map(|server| ConfiguredOut::of(server, report)).collect(),
            findings: report.shown().into_iter().map(|finding| FindingOut::of(finding, report)).collect(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SummaryOut {
    findings: usize,
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    info: usize,
    newer: usize,
    suppressed: usize,
    baselined: usize,
    below_threshold: usize,
    other_persona: usize,
    not_selected: usize,
    rules_not_run: usize,
    tools: usize,
}

impl SummaryOut {
    pub(crate) fn of(report: &ScanReport) -> Self {
        let summary = report.summary();
        let of = |severity| summary.by_severity.get(&severity).copied().unwrap_or(0);
        Self {
            findings: summary.reported() + summary.newer,
            critical: of(Severity::Critical),
            high: of(Severity::High),
            medium: of(Severity::Medium),
            low: of(Severity::Low),
            info: of(Severity::Info),
            newer: summary.newer,
            suppressed: summary.suppressed,
            baselined: summary.baselined,
            below_threshold: summary.below_threshold,
            other_persona: summary.other_persona,
            not_selected: summary.not_selected,
            rules_not_run: summary.rules_not_run,
            tools: report.tools().count(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct CompletenessOut<'a> {
    complete: bool,
    files_analysed: usize,
    files_skipped: Vec<SkippedOut<'a>>,
    unresolved_handlers: &'a [String],
    exhausted_budgets: &'a [String],
    notes: &'a [String],
}

#[derive(Serialize)]
struct SkippedOut<'a> {
    file: &'a str,
    reason: String,
    on_purpose: bool,
}

impl<'a> CompletenessOut<'a> {
    pub(crate) fn of(report: &'a ScanReport) -> Self {
        let completeness = &report.completeness;
        let skipped = completeness.files_skipped.iter().map(|file| SkippedOut {
            file: &file.path,
            reason: file.reason.to_string(),
            on_purpose: file.reason.is_on_purpose(),
        });
        Self {
            complete: completeness.is_complete(),
            files_analysed: completeness.files_analysed,
            files_skipped: skipped.collect(),
            unresolved_handlers: &completeness.unresolved_handlers,
            exhausted_budgets: &completeness.exhausted_budgets,
            notes: &completeness.notes,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ServerOut<'a> {
    name: &'a str,
    sdk: &'a str,
    language: String,
    tools: Vec<ToolOut<'a>>,
}

impl<'a> ServerOut<'a> {
    pub(crate) fn of(server: &'a Server, report: &ScanReport) -> Self {
        Self {
            name: &server.name,
            sdk: &server.sdk,
            language: server.language.as_str().to_lowercase(),
            tools: server.tools.iter().map(|tool| ToolOut::of(tool, report)).collect(),
        }
    }
}

#[derive(Serialize)]
struct ConfiguredOut<'a> {
    client: &'a str,
    name: &'a str,
    location: Place,
}

impl<'a> ConfiguredOut<'a> {
    fn of(server: &'a ConfiguredServer, report: &ScanReport) -> Self {
        Self { client: &server.client, name: &server.name, location: Place::of(server.location, report) }
    }
}

#[derive(Serialize)]
struct ToolOut<'a> {
    kind: &'static str,
    name: &'a str,
    description: &'a str,
    location: Place,
    params: Vec<ParamOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdicts: Option<BTreeMap<&'static str, VerdictOut>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    powers: Vec<&'static str>,
}

impl<'a> ToolOut<'a> {
    fn of(tool: &'a ToolInfo, report: &ScanReport) -> Self {
        // The inventory without judgement, `manta tools`, has no verdicts at all.
        let verdicts = (!tool.verdicts.is_empty()).then(|| {
            let verdict = |class: &SinkClass| tool.verdicts.get(class).copied().unwrap_or(Verdict::Unknown);
            let classes = SinkClass::ALL.iter();
            classes.map(|class| (class.as_str(), VerdictOut::of(verdict(class), report))).collect()
        });
        Self {
            kind: tool.kind.as_str(),
            name: &tool.name,
            description: &tool.description,
            location: Place::of(tool.location, report),
            params: tool.params.iter().map(ParamOut::of).collect(),
            verdicts,
            powers: tool.powers.keys().map(|power| power.as_str()).collect(),
        }
    }
}

#[derive(Serialize)]
struct ParamOut<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: &'a str,
    required: bool,
    constraints: &'a [String],
    enforced: &'static str,
    description: &'a str,
}

impl<'a> ParamOut<'a> {
    fn of(param: &'a ParamInfo) -> Self {
        Self {
            name: &param.name,
            ty: &param.ty,
            required: param.required,
            constraints: &param.constraints,
            enforced: param.enforced.as_str(),
            description: &param.description,
        }
    }
}

#[derive(Serialize)]
struct VerdictOut {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<Place>,
}

impl VerdictOut {
    fn of(verdict: Verdict, report: &ScanReport) -> Self {
        let guard = match verdict {
            Verdict::Guarded { at } => Some(Place::of(at, report)),
            Verdict::Vulnerable | Verdict::NotReached | Verdict::Unknown => None,
        };
        Self { verdict: verdict.as_str(), guard }
    }
}

#[derive(Serialize)]
struct FindingOut<'a> {
    rule: &'static str,
    title: &'static str,
    severity: Severity,
    confidence: Confidence,
    persona: Persona,
    disposition: &'static str,
    cwe: Vec<String>,
    tools: &'a [String],
    message: &'a str,
    help: &'a str,
    location: Place,
    source: Option<SourceOut<'a>>,
    trace: Vec<StepOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<FixOut<'a>>,
    fingerprint: String,
}

impl<'a> FindingOut<'a> {
    fn of(finding: &'a Finding, report: &ScanReport) -> Self {
        let step = |location: Location, message: &'a str| {
            let Place { file, line, column, .. } = Place::of(location, report);
            StepOut { file, line, column, message }
        };
        Self {
            rule: finding.rule.id,
            title: finding.rule.title,
            severity: finding.severity,
            confidence: finding.confidence,
            persona: finding.persona,
            disposition: finding.disposition.as_str(),
            cwe: finding.rule.cwe.iter().map(|number| words::cwe(*number)).collect(),
            tools: &finding.tools,
            message: &finding.message,
            help: &finding.help,
            location: Place::of(finding.location, report),
            source: finding.source.as_ref().map(|source| SourceOut::of(source, report)),
            trace: finding.trace.iter().map(|at| step(at.location, &at.message)).collect(),
            fix: finding.fix.as_ref().map(|fix| FixOut::of(fix, report)),
            fingerprint: finding.fingerprint.to_string(),
        }
    }
}

#[derive(Serialize)]
struct FixOut<'a> {
    title: &'a str,
    safety: &'static str,
    reason: &'a str,
    edits: Vec<EditOut<'a>>,
}

#[derive(Serialize)]
struct EditOut<'a> {
    location: Place,
    text: &'a str,
}

impl<'a> FixOut<'a> {
    fn of(fix: &'a Fix, report: &ScanReport) -> Self {
        let edits = fix.edits.iter().map(|edit| EditOut { location: Place::of(edit.at, report), text: &edit.text });
        Self { title: &fix.title, safety: fix.safety.as_str(), reason: &fix.reason, edits: edits.collect() }
    }
}

#[derive(Serialize)]
struct SourceOut<'a> {
    tool: &'a str,
    param: &'a str,
    location: Place,
}

impl<'a> SourceOut<'a> {
    fn of(source: &'a ParamSource, report: &ScanReport) -> Self {
        Self { tool: &source.tool, param: &source.param, location: Place::of(source.location, report) }
    }
}

#[derive(Serialize)]
struct StepOut<'a> {
    file: String,
    line: u32,
    column: u32,
    message: &'a str,
}
