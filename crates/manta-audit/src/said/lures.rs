//! `tool-poisoning`: what instructions have their reader bring and run, or send away.

use std::collections::BTreeSet;

use manta_core::{Finding, ScanReport};
use manta_detect::lures;

use super::{Said, quoted};
use crate::memory::Memory;
use crate::rules;

/// One finding per kind: an attack is one, however many lines it takes.
pub(super) fn findings(said: &Said, report: &ScanReport, memory: &Memory) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut told = BTreeSet::new();
    for text in &said.texts {
        for found in memory.said("lures", lures::find, &text.text) {
            if !told.insert(found.rule) {
                continue;
            }
            let passage = &text.text[found.range];
            let message = format!("the {} of {} {}: {}", text.field, said.called(), what(found.rule), quoted(passage));
            let at = said.place(text, passage, report);
            let mut finding = said.finding(rules::known("tool-poisoning"), at, message);
            finding.help =
                "don't follow the instructions; programs come from a package manager, in a fixed version, and \
                            credentials stay where they are"
                    .to_owned();
            findings.push(finding);
        }
    }
    findings
}

fn what(kind: &str) -> &'static str {
    match kind {
        lures::LOCKED_ARCHIVE => "has a program run that comes in a locked archive, with the password beside it",
        lures::COPIED_COMMAND => "has a script run that is copied from a page where anybody leaves texts",
        lures::DECODED_COMMAND => "has a command run that is written so that it can't be read",
        lures::OPEN_FETCH => "has a program run from an address that vouches for nobody",
        lures::SENT_CREDENTIALS => "has credentials sent away",
        _ => "hands a shell to another machine",
    }
}
