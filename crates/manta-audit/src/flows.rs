//! Findings from flows: severity, confidence, message and help.

use manta_core::{Confidence, Finding, Location, ParamSource, Severity, Step};
use manta_flow::engine::analysis::{Analysis, Flow};
use manta_flow::engine::models::{Exposes, SinkKind};
use manta_flow::engine::report::FlowRule;

use crate::rules;

/// One finding per flow.
pub(crate) fn findings(analysis: &Analysis) -> Vec<Finding> {
    analysis.flows.iter().filter_map(|flow| finding(analysis, flow)).collect()
}

fn finding(analysis: &Analysis, flow: &Flow) -> Option<Finding> {
    let rule = rules::find(flow.rule.id())?;
    let mut finding = Finding::at(rule, flow.at, message(flow));
    finding.severity = severity(flow, rule.severity);
    finding.confidence = confidence(analysis, flow);
    finding.tools = flow.tools.iter().map(|index| analysis.tools[*index].name.clone()).collect();
    let tool = flow.set_by.clone().or_else(|| finding.tools.first().cloned()).unwrap_or_default();
    finding.source = Some(ParamSource { tool, param: flow.source.0.clone(), location: flow.source.1 });
    finding.trace = trace(flow);
    finding.help = rules::help(flow.rule, flow.kind).to_owned();
    Some(finding)
}

fn severity(flow: &Flow, usual: Severity) -> Severity {
    match flow.rule {
        _ if flow.limit.is_some() => Severity::Medium,
        // A file the caller chooses and fills can plant code.
        FlowRule::FileWrite => Severity::High,
        FlowRule::ArgumentInjection => Severity::High,
        // Choosing a member is not writing code; what it gives depends on the object.
        FlowRule::CodeInjection if flow.kind == SinkKind::Attribute => Severity::Medium,
        // A page has its own cookies and accounts, but not the server's files.
        FlowRule::CodeInjection if flow.kind == SinkKind::BrowserScript => Severity::Medium,
        _ => usual,
    }
}

fn confidence(analysis: &Analysis, flow: &Flow) -> Confidence {
    let tool = &analysis.tools[flow.tools[0]];
    if tool.is_structural || matches!(tool.exposes, Exposes::Route | Exposes::Command) {
        Confidence::Medium
    } else if flow.is_confirmed || !matches!(flow.rule.class(), "path" | "network") {
        // Followed with a concrete input, or judged by characters alone.
        Confidence::High
    } else {
        Confidence::Medium
    }
}

fn message(flow: &Flow) -> String {
    let param = match (&flow.source.0, &flow.set_by) {
        (param, None) if param.is_empty() => "the caller's input".to_owned(),
        (param, None) => format!("`{param}`"),
        (param, Some(setter)) if param.is_empty() => format!("what `{setter}` was given"),
        (param, Some(setter)) => format!("`{param}` of `{setter}`, which is kept,"),
    };
    let verb = match (flow.rule, flow.kind) {
        (FlowRule::CommandExecution, SinkKind::Argv) => "decides which program runs",
        (FlowRule::CommandExecution, _) => "is run as a command",
        (FlowRule::CommandInjection, _) => "becomes part of a shell command",
        (FlowRule::ArgumentInjection, _) => "becomes an option of a program",
        (FlowRule::CodeInjection, SinkKind::BrowserScript) => "becomes part of a script that a page runs",
        (FlowRule::CodeInjection, _) => "is run as code",
        (FlowRule::PathTraversal, _) => "decides which file is read",
        (FlowRule::FileWrite, _) => "decides which file is written",
        (FlowRule::PathPrefixBypass, _) => "passes a containment check that compares text",
        (FlowRule::SymlinkEscape, _) => "can name a symbolic link that leads outside",
        (FlowRule::Ssrf, _) => "decides where a request goes",
        (FlowRule::WeakHostCheck, _) => "passes a host check that can be bypassed",
        (FlowRule::RequestPath, _) => "decides which path of a service is called",
        (FlowRule::SqlInjection, _) => "becomes part of an SQL statement",
        (FlowRule::NosqlInjection, _) => "becomes part of a query",
        (FlowRule::TemplateInjection, _) => "is compiled as a template",
        (FlowRule::UnsafeDeserialization, _) => "is deserialised into live objects",
        (FlowRule::ArchiveExtraction, _) => "names an archive whose entries choose where they are written",
        (FlowRule::UnsafeRegex, _) => "is compiled as a regular expression",
        (FlowRule::PrototypePollution, _) => "can name an object's prototype",
        (FlowRule::UrlScheme, _) => "is opened whatever its scheme",
        (FlowRule::DangerousByDesign, _) => "is what the tool runs, by design",
    };
    let mut message = format!("{param} {verb} in {}", flow.api);
    if !flow.reason.is_empty() {
        message.push_str(": ");
        message.push_str(&flow.reason);
    }
    if let Some(example) = &flow.example {
        message.push_str(&format!(" (for example `{}`)", example.escape_debug()));
    }
    if let Some(limit) = flow.limit {
        message.push_str("; ");
        message.push_str(limit.explain());
    }
    message
}

fn trace(flow: &Flow) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (location, message) in &flow.trace {
        push(&mut steps, *location, message.clone());
    }
    for (location, message) in &flow.others {
        push(&mut steps, *location, message.clone());
    }
    for (location, message) in &flow.notes {
        steps.push(Step { location: *location, message: format!("this check does not stop it: {message}") });
    }
    steps.push(Step { location: flow.at, message: format!("reaches {}", flow.api) });
    steps
}

/// One step per place.
fn push(steps: &mut Vec<Step>, location: Location, message: String) {
    if steps.last().is_none_or(|last| last.location != location) {
        steps.push(Step { location, message });
    }
}
