//! Servers that one client runs side by side: what their tools add up to, and what one says of another's.
//!
//! Powers come from what the engine saw the code do and who decides about it, never from words. Of a server that is known
//! by a list only, no powers are known.

use manta_core::{Finding, Location, Persona, Power, ScanReport, SinkClass, Step, ToolInfo, ToolKind, Verdict};

use crate::rules;
use crate::said::{self, names};

/// Adds to each report what its servers are to the servers of the others, all of which one client runs.
pub fn together(reports: &mut [ScanReport]) {
    let speakers: Vec<Vec<said::Speaker>> = reports.iter().map(|report| said::speakers(report, &[])).collect();
    let parties = reports.iter().zip(&speakers);
    let parties: Vec<names::Party<'_>> =
        parties.map(|(report, speakers)| names::Party { name: &report.target, speakers }).collect();
    let mut found = names::between(&parties);
    let combined = (0..reports.len()).filter_map(|index| Some((index, combined(reports, index)?)));
    found.extend(combined);
    for (index, finding) in found {
        reports[index].findings.push(finding);
    }
    for report in reports {
        report.settle();
    }
}

/// The same over several targets, about the one that has the way out. That they are used together was said, so it is no
/// question for auditors only.
fn combined(reports: &[ScanReport], index: usize) -> Option<Finding> {
    // One that is such a combination by itself says so.
    if toxic(&reports[index]).is_some() {
        return None;
    }
    let mut others = reports.iter().enumerate().filter(|(other, _)| *other != index);
    let reader = others.find_map(|(_, other)| Some(format!("`{}` of {}", reads(other)?.0.name, other.target)))?;
    let (sender, sent) = sends(&reports[index])?;
    let mut finding = combination(&reader, sender, sent);
    finding.persona = Persona::Regular;
    finding.tools = vec![sender.name.clone()];
    Some(finding)
}

/// Private data, text from strangers and a way out, in the tools of one target. For auditors: many useful servers are such
/// a combination.
pub(crate) fn toxic(report: &ScanReport) -> Option<Finding> {
    let (reader, read) = reads(report)?;
    let (sender, sent) = sends(report)?;
    let mut finding = combination(&format!("`{}`", reader.name), sender, sent);
    finding.tools = vec![reader.name.clone(), sender.name.clone()];
    finding.tools.dedup();
    let message = "private data is read here".to_owned();
    finding.trace.insert(0, Step { location: read, message });
    Some(finding)
}

fn combination(reader: &str, sender: &ToolInfo, sent: Location) -> Finding {
    let message = format!(
        "{reader} reads private data, and `{}` brings in text from strangers and carries data out",
        sender.name
    );
    let mut finding = Finding::at(rules::known("toxic-combination"), sender.location, message);
    let message = "an address of the caller's is reached here".to_owned();
    finding.trace = vec![Step { location: sent, message }];
    finding.help =
        "divide the tools between servers that are never used together, or let the second reach named hosts only"
            .to_owned();
    finding
}

/// A tool that reads data which its caller chooses, and where.
fn reads(report: &ScanReport) -> Option<(&ToolInfo, Location)> {
    report.tools().find_map(|tool| {
        let place = [Power::ReadFiles, Power::Database].iter().find_map(|power| tool.powers.get(power))?;
        let is_chosen = decides(tool, SinkClass::Path) || decides(tool, SinkClass::Sql);
        (is_chosen && tool.kind != ToolKind::Prompt).then_some((tool, *place))
    })
}

/// A tool that reaches addresses which its caller chooses, and where.
fn sends(report: &ScanReport) -> Option<(&ToolInfo, Location)> {
    report.tools().find_map(|tool| {
        let place = tool.powers.get(&Power::Network)?;
        decides(tool, SinkClass::Network).then_some((tool, *place))
    })
}

/// Whether a parameter of the tool arrives at a sink of the class, checked or not.
fn decides(tool: &ToolInfo, class: SinkClass) -> bool {
    matches!(tool.verdicts.get(&class), Some(Verdict::Vulnerable | Verdict::Guarded { .. }))
}
