//! `encoded-instructions`: text that only a model decodes, and text pushed out of sight.

use manta_core::{Confidence, Finding, ScanReport};
use manta_detect::{disguise, injection};
use manta_mcp::listing::{Role, Text};

use super::{Said, quoted};
use crate::memory::Memory;
use crate::rules;

/// One finding per disguised passage.
pub(super) fn findings(said: &Said, report: &ScanReport, memory: &Memory) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in &said.texts {
        for found in memory.said("disguise", disguise::find, &text.text) {
            let passage = &text.text[found.range.clone()];
            let place = said.place(text, passage, report);
            let finding = match found.rule {
                disguise::ENCODED => {
                    let Some((hidden, encoding)) = disguise::decode(passage) else { continue };
                    let message = format!(
                        "the {} of {} hides a text in {encoding}: {}",
                        text.field,
                        said.called(),
                        quoted(&hidden)
                    );
                    said.finding(rules::known("encoded-instructions"), place, message)
                }
                disguise::PADDING => {
                    let behind = quoted(&text.text[found.range.end..]);
                    let message = format!("the {} of {} pushes text out of sight: {behind}", text.field, said.called());
                    let mut finding = said.finding(rules::known("encoded-instructions"), place, message);
                    finding.confidence = Confidence::Medium;
                    finding
                }
                _ => continue,
            };
            findings.push(with_help(finding));
        }
    }
    findings
}

/// One finding per passage that a page doesn't show.
pub(super) fn unseen(said: &Said, report: &ScanReport) -> Vec<Finding> {
    passages(said).map(|(text, passage)| unshown(said, report, text, passage)).collect()
}

/// The same for files of instructions, in which comments are for their authors: those that give orders nobody honest gives.
pub(super) fn unseen_orders(said: &Said, report: &ScanReport) -> Vec<Finding> {
    let orders = |passage: &str| injection::phrases(passage).iter().any(|found| injection::is_strong(found.rule));
    passages(said)
        .filter(|(_, passage)| orders(passage))
        .map(|(text, passage)| unshown(said, report, text, passage))
        .collect()
}

fn passages(said: &Said) -> impl Iterator<Item = (&Text, &str)> {
    let prose = said.texts.iter().filter(|text| text.role == Role::Prose);
    prose.flat_map(|text| disguise::unseen(&text.text).into_iter().map(move |range| (text, &text.text[range])))
}

fn unshown(said: &Said, report: &ScanReport, text: &Text, passage: &str) -> Finding {
    let message =
        format!("the {} of {} has text that a page does not show: {}", text.field, said.called(), quoted(passage));
    let mut finding = said.finding(rules::known("encoded-instructions"), said.place(text, passage, report), message);
    finding.confidence = Confidence::Medium;
    with_help(finding)
}

fn with_help(mut finding: Finding) -> Finding {
    finding.help = "write what is meant in plain sight, or leave it out".to_owned();
    finding
}
