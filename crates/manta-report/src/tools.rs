//! The inventory without judgement, `manta tools`: what a server registers and whether its SDK really enforces the
//! schema it advertises.

use std::fmt::Write as _;

use manta_core::{Enforcement, ParamInfo, ScanReport, Server, ToolInfo, Untrusted};
use serde::Serialize;

use crate::json::{CompletenessOut, Producer, ServerOut};
use crate::paint::Paint;
use crate::place::Place;
use crate::words::count;
use crate::{Options, json_text};

/// The value of `schema` in the JSON form.
pub const SCHEMA: &str = "manta/tools/v1";

/// Longest description printed for people, in characters.
const DESCRIPTION: usize = 160;

/// The inventory of a target as text for people.
#[must_use]
pub fn human(report: &ScanReport, options: &Options) -> String {
    target(report, Paint { color: options.color })
}

/// The inventory of a target as `manta/tools/v1`.
#[must_use]
pub fn json(report: &ScanReport, options: &Options) -> String {
    json_text::document(&Document::of(report, options), options)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    manta: Producer,
    target: &'a str,
    completeness: CompletenessOut<'a>,
    servers: Vec<ServerOut<'a>>,
}

impl<'a> Document<'a> {
    fn of(report: &'a ScanReport, options: &Options) -> Self {
        Self {
            schema: SCHEMA,
            manta: Producer::of(options),
            target: &report.target,
            completeness: CompletenessOut::of(report),
            servers: report.servers.iter().map(|server| ServerOut::of(server, report)).collect(),
        }
    }
}

fn target(report: &ScanReport, paint: Paint) -> String {
    let mut out = String::new();
    for server in &report.servers {
        out.push_str(&heading(server, report, paint));
        for tool in &server.tools {
            out.push_str(&entry(tool, report, paint));
        }
        out.push('\n');
    }
    let completeness = &report.completeness;
    for handler in &completeness.unresolved_handlers {
        let _ = writeln!(out, "{} {}", paint.warning("handler not resolved:"), Untrusted(handler).for_terminal());
    }
    for file in completeness.files_skipped.iter().filter(|file| !file.reason.is_on_purpose()) {
        let (path, reason) = (Untrusted(&file.path).for_terminal(), file.reason.to_string());
        let _ = writeln!(out, "{} {path}: {}", paint.warning("not analysed:"), Untrusted(&reason).for_terminal());
    }
    let files = count(completeness.files_analysed, "file");
    let entries = count(report.tools().count(), "entry");
    let _ =
        writeln!(out, "{}", paint.dim(&format!("{entries} in {files}, {} left out", completeness.files_skipped.len())));
    out
}

fn heading(server: &Server, report: &ScanReport, paint: Paint) -> String {
    let name = if server.name.is_empty() { &report.target } else { &server.name };
    let (name, sdk) = (Untrusted(name).for_terminal(), Untrusted(&server.sdk).for_terminal());
    format!("{} ({}, {sdk})\n\n", paint.bold(&name), server.language.as_str())
}

fn entry(tool: &ToolInfo, report: &ScanReport, paint: Paint) -> String {
    let Place { file, line, column, .. } = Place::of(tool.location, report);
    let name = Untrusted(&tool.name).for_terminal();
    let place = format!("{}:{line}:{column}", Untrusted(&file).for_terminal());
    let mut out = format!("  {} {}  {}\n", tool.kind.as_str(), paint.bold(&name), paint.accent(&place));
    if !tool.description.trim().is_empty() {
        let _ = writeln!(out, "      {}", paint.dim(&shortened(&tool.description)));
    }
    for param in &tool.params {
        let _ = writeln!(out, "      {}", parameter(param, paint));
    }
    out
}

fn parameter(param: &ParamInfo, paint: Paint) -> String {
    let name = Untrusted(&param.name).for_terminal();
    let ty = if param.ty.is_empty() { "any".to_owned() } else { Untrusted(&param.ty).for_terminal() };
    let optional = if param.required { "" } else { "?" };
    let mut out = format!("{}{optional}: {ty}", paint.bold(&name));
    for constraint in &param.constraints {
        let _ = write!(out, ", {}", Untrusted(constraint).for_terminal());
    }
    let enforced = match param.enforced {
        Enforcement::Enforced => paint.good("enforced"),
        Enforcement::Advertised => paint.bad("not enforced"),
        Enforcement::Unknown => paint.warning("enforcement unknown"),
    };
    let _ = write!(out, "  [{enforced}]");
    out
}

fn shortened(description: &str) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(DESCRIPTION).collect();
    let mark = if cut.len() < line.len() { "…" } else { "" };
    format!("{}{mark}", Untrusted(&cut).for_terminal())
}
