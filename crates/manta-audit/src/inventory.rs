//! The inventory of a report: servers, tools, parameters, and what was not resolved.

use std::collections::{BTreeMap, BTreeSet};

use manta_core::{
    Enforcement, FileKind, Language, Location, ParamInfo, Power, ProjectInput, SaidText, ScanReport, Server, SinkClass,
    ToolInfo, ToolKind, Verdict,
};
use manta_flow::engine::analysis::{Analysis, ToolFacts};
use manta_flow::engine::models::{Exposes, SinkKind};
use manta_flow::engine::program::Program;

/// Fills in servers and completeness.
pub(crate) fn describe(analysis: &Analysis, program: &Program, input: &ProjectInput, report: &mut ScanReport) {
    let mut servers: BTreeMap<(String, Language), Server> = BTreeMap::new();
    let hits = hits(analysis);
    for (index, tool) in analysis.tools.iter().enumerate() {
        let Some(kind) = kind(tool.exposes) else { continue };
        let path = input.sources.get(tool.at.file).map_or("", |file| file.path.as_str());
        let language = language_of(path);
        let (root, name) = program.package_of(path);
        let server = servers.entry((root, language)).or_insert_with(|| Server {
            name: name.unwrap_or_default(),
            sdk: String::new(),
            language,
            tools: Vec::new(),
            texts: Vec::new(),
        });
        if server.sdk.is_empty() && !tool.is_structural {
            server.sdk = tool.sdk.clone();
        }
        let info = ToolInfo {
            kind,
            name: tool.name.clone(),
            location: tool.at,
            params: params(tool),
            description: tool.description.clone().unwrap_or_default(),
            texts: texts(tool),
            verdicts: verdicts(&hits, index, tool),
            powers: powers(tool),
        };
        let is_same = |known: &&mut ToolInfo| {
            tool.is_named && known.location == info.location && known.kind == kind && known.name == info.name
        };
        match server.tools.iter_mut().find(is_same) {
            Some(known) => join(known, info),
            None => server.tools.push(info),
        }
    }
    for own in &analysis.own_texts {
        let path = input.sources.get(own.at.file).map_or("", |file| file.path.as_str());
        let home = (program.package_of(path).0, language_of(path));
        if let Some(server) = servers.get_mut(&home) {
            server.texts.push(SaidText { field: own.field.to_owned(), text: own.text.clone(), location: own.at });
        }
    }
    report.servers = servers.into_values().collect();
    for server in &mut report.servers {
        if server.sdk.is_empty() {
            server.sdk = "object array".to_owned();
        }
    }
    for (name, at) in &analysis.unresolved {
        report.completeness.unresolved_handlers.push(format!("{name} ({})", place(input, *at)));
    }
    report.completeness.exhausted_budgets.extend(analysis.exhausted.iter().cloned());
}

/// A program that makes a server for each session or transport registers each of its tools as often: it is one tool.
fn join(known: &mut ToolInfo, again: ToolInfo) {
    for (class, verdict) in again.verdicts {
        let joined = known.verdicts.get(&class).map_or(verdict, |known| known.or_worse(verdict));
        known.verdicts.insert(class, joined);
    }
    for (power, at) in again.powers {
        known.powers.entry(power).or_insert(at);
    }
}

fn language_of(path: &str) -> Language {
    match FileKind::of(path) {
        FileKind::TypeScript => Language::TypeScript,
        FileKind::Python => Language::Python,
        _ => Language::JavaScript,
    }
}

/// Titles and promises of a tool.
fn texts(tool: &ToolFacts) -> Vec<SaidText> {
    let said = |field: &str, text: &str| SaidText { field: field.to_owned(), text: text.to_owned(), location: tool.at };
    let titles = tool.titles.iter().map(|title| said("title", title));
    let promises = [("readOnlyHint", tool.promises.read_only), ("openWorldHint", tool.promises.open_world)];
    let promises = promises.into_iter().filter_map(|(name, promise)| {
        Some(said(&format!("annotations.{name}"), if promise? { "true" } else { "false" }))
    });
    titles.chain(promises).collect()
}

fn place(input: &ProjectInput, at: Location) -> String {
    match input.sources.get(at.file) {
        Some(file) => format!("{}:{}", file.path, file.line_column(at.span.start).line),
        None => String::new(),
    }
}

fn kind(exposes: Exposes) -> Option<ToolKind> {
    match exposes {
        Exposes::Tool | Exposes::Handler => Some(ToolKind::Tool),
        Exposes::Resource => Some(ToolKind::Resource),
        Exposes::Prompt => Some(ToolKind::Prompt),
        Exposes::Completion | Exposes::Route | Exposes::Command => None,
    }
}

fn params(tool: &ToolFacts) -> Vec<ParamInfo> {
    let enforced = if tool.validates { Enforcement::Enforced } else { Enforcement::Advertised };
    tool.params
        .iter()
        .map(|param| ParamInfo {
            name: param.name.clone(),
            ty: param.ty.clone(),
            constraints: param.constraints.clone(),
            enforced,
            required: !param.is_optional,
            description: param.description.clone().unwrap_or_default(),
        })
        .collect()
}

/// What the handler was seen doing.
fn powers(tool: &ToolFacts) -> BTreeMap<Power, Location> {
    let power = |kind| {
        Some(match kind {
            SinkKind::FileRead => Power::ReadFiles,
            SinkKind::FileWrite | SinkKind::FileCreate | SinkKind::SourceFile | SinkKind::Extract => Power::WriteFiles,
            SinkKind::Shell | SinkKind::Argv | SinkKind::RemoteShell | SinkKind::Open | SinkKind::CommandTag => {
                Power::RunPrograms
            }
            SinkKind::Url | SinkKind::Host | SinkKind::Browse => Power::Network,
            SinkKind::Sql | SinkKind::Query => Power::Database,
            SinkKind::Code
            | SinkKind::Module
            | SinkKind::Deserialize
            | SinkKind::PageScript
            | SinkKind::BrowserScript
            | SinkKind::Kernel => Power::RunCode,
            SinkKind::Template | SinkKind::Regex | SinkKind::Attribute | SinkKind::Merge | SinkKind::Stdin => {
                return None;
            }
        })
    };
    let mut powers = BTreeMap::new();
    for act in &tool.acts {
        if let Some(power) = power(act.kind) {
            powers.entry(power).or_insert(act.at);
        }
    }
    powers
}

/// Classes of sinks that flows of each tool reach, by its number.
fn hits(analysis: &Analysis) -> BTreeSet<(usize, &str)> {
    analysis.flows.iter().flat_map(|flow| flow.tools.iter().map(|tool| (*tool, flow.rule.class()))).collect()
}

fn verdicts(hits: &BTreeSet<(usize, &str)>, index: usize, tool: &ToolFacts) -> BTreeMap<SinkClass, Verdict> {
    let mut verdicts = BTreeMap::new();
    for class in SinkClass::ALL {
        let verdict = if hits.contains(&(index, class.as_str())) {
            Verdict::Vulnerable
        } else if !tool.is_resolved || tool.is_incomplete {
            Verdict::Unknown
        } else if let Some(at) = tool.guarded.get(class.as_str()) {
            Verdict::Guarded { at: at.unwrap_or(tool.at) }
        } else {
            Verdict::NotReached
        };
        verdicts.insert(*class, verdict);
    }
    verdicts
}
