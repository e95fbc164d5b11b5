//! What tools promise and accept, compared with what their code was seen doing: `misleading-annotation` and
//! `loose-schema`.

use manta_core::{Confidence, Finding, ParamSource, Persona};
use manta_flow::engine::analysis::{Analysis, Flow, ToolFacts};
use manta_flow::engine::models::{Exposes, SinkKind};
use manta_flow::engine::promises::Act;

use crate::rules;

/// Findings about the conduct of tools.
pub(crate) fn findings(analysis: &Analysis) -> Vec<Finding> {
    let is_tool = |tool: &&ToolFacts| matches!(tool.exposes, Exposes::Tool | Exposes::Handler);
    let mut findings: Vec<Finding> = Vec::new();
    for tool in analysis.tools.iter().filter(is_tool) {
        // Several registrations of one tool (one per transport) are one promise.
        let promise = misleading(analysis, tool);
        findings.extend(promise.filter(|finding| !findings.iter().any(|known| known.location == finding.location)));
    }
    findings.extend(analysis.flows.iter().filter_map(|flow| loose(analysis, flow)));
    findings
}

fn act<'t>(tool: &'t ToolFacts, kinds: &[SinkKind]) -> Option<&'t Act> {
    tool.acts.iter().find(|act| kinds.contains(&act.kind))
}

/// Ways to change files; what is written need not be the caller's.
const WRITES: [SinkKind; 3] = [SinkKind::FileWrite, SinkKind::FileCreate, SinkKind::Extract];

/// A promise that the code breaks.
fn misleading(analysis: &Analysis, tool: &ToolFacts) -> Option<Finding> {
    let (promise, act, does) = if tool.promises.read_only == Some(true) {
        let (act, does) = act(tool, &WRITES)
            .map(|act| (act, "writes files"))
            .or_else(|| act(tool, &[SinkKind::Shell]).map(|act| (act, "runs a command in a shell")))
            .or_else(|| act(tool, &[SinkKind::Argv, SinkKind::RemoteShell]).map(|act| (act, "starts a program")))?;
        ("`readOnlyHint` is true", act, does)
    } else if tool.promises.open_world == Some(false) {
        let act = act(tool, &[SinkKind::Url, SinkKind::Host, SinkKind::Browse])?;
        ("`openWorldHint` is false", act, "reaches the network")
    } else {
        return None;
    };
    let message = format!("{promise}, but the handler {does} with {}", act.api);
    let mut finding = Finding::at(rules::known("misleading-annotation"), act.at, message);
    finding.tools = vec![tool.name.clone()];
    finding.source = None;
    finding.trace = vec![
        manta_core::Step { location: tool.at, message: format!("{promise} here") },
        manta_core::Step { location: act.at, message: format!("{does} here") },
    ];
    // A program may only read, as `git log` does; which of them do is known to a reviewer. Without a say of the caller
    // a written file is often a cache or a database that was configured.
    let is_program = matches!(act.kind, SinkKind::Argv | SinkKind::RemoteShell | SinkKind::Shell);
    let is_own_file = WRITES.contains(&act.kind) && !decides(analysis, tool, "path");
    if is_program || is_own_file {
        finding.persona = Persona::Auditor;
        finding.confidence = Confidence::Low;
    }
    finding.help = "say what the tool does: clients skip their question for tools that only read".to_owned();
    Some(finding)
}

/// A parameter that decides about a command, file or address, and whose schema takes any text.
fn loose(analysis: &Analysis, flow: &Flow) -> Option<Finding> {
    let tool = match &flow.set_by {
        Some(setter) => analysis.tools.iter().find(|tool| tool.name == *setter)?,
        None => analysis.tools.get(*flow.tools.first()?)?,
    };
    let param = tool.params.iter().find(|param| param.name == flow.source.0)?;
    let is_free = param.constraints.is_empty() && matches!(param.ty.as_str(), "string" | "str" | "any" | "string[]");
    let what = match flow.rule.class() {
        "command" => "a command",
        "path" => "a path",
        "network" => "an address",
        _ => return None,
    };
    if !is_free {
        return None;
    }
    let message = format!("`{}` becomes {what}, and its schema takes any {}", param.name, param.ty);
    let mut finding = Finding::at(rules::known("loose-schema"), flow.source.1, message);
    finding.tools = vec![tool.name.clone()];
    finding.subject = Some(tool.name.clone());
    finding.source = Some(ParamSource { tool: tool.name.clone(), param: param.name.clone(), location: flow.source.1 });
    finding.help = "say what is accepted: a pattern, a list of values, a largest length".to_owned();
    Some(finding)
}

/// Whether a parameter of the tool arrives at a sink of the class.
fn decides(analysis: &Analysis, tool: &ToolFacts, class: &str) -> bool {
    let index = analysis.tools.iter().position(|known| std::ptr::eq(known, tool));
    tool.guarded.contains_key(class)
        || index.is_some_and(|index| {
            analysis.flows.iter().any(|flow| flow.rule.class() == class && flow.tools.contains(&index))
        })
}
