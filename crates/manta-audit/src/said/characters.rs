//! `hidden-characters`: what a model reads and a person doesn't see.

use manta_core::{Confidence, Finding, Persona, ScanReport, Severity};
use manta_detect::{disguise, hidden};

use super::{Said, quoted};
use crate::rules;

/// One finding per text and kind of character.
pub(super) fn findings(said: &Said, report: &ScanReport) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for text in &said.texts {
        if hidden::is_plain(&text.text) {
            continue;
        }
        let mut kinds: Vec<&str> = Vec::new();
        let disguised = disguise::find(&text.text).into_iter().filter(|found| found.rule == disguise::LOOK_ALIKE);
        for found in hidden::find(&text.text).into_iter().chain(disguised) {
            if kinds.contains(&found.rule) {
                continue;
            }
            kinds.push(found.rule);
            let passage = &text.text[found.range];
            let at = said.place(text, passage, report);
            let spelled = hidden::decode(&text.text).filter(|_| is_channel(found.rule));
            let says = match &spelled {
                Some(spelled) => format!(" that spell {}", quoted(spelled)),
                None if found.rule == disguise::LOOK_ALIKE => format!(" in {}", quoted(passage)),
                None => String::new(),
            };
            let message = format!("the {} of {} holds {}{says}", text.field, said.called(), what(found.rule));
            let mut finding = said.finding(rules::known("hidden-characters"), at, message);
            finding.severity = severity(found.rule, spelled.is_some());
            finding.help = "remove the characters; write what is meant in letters everybody sees".to_owned();
            if found.rule == hidden::PRIVATE {
                // Fonts with icons use them.
                finding.persona = Persona::Auditor;
            }
            if found.rule == hidden::ZERO_WIDTH && spelled.is_none() {
                finding.confidence = Confidence::Medium;
            }
            findings.push(finding);
        }
    }
    findings
}

/// Characters that can carry a text of their own.
fn is_channel(kind: &str) -> bool {
    matches!(kind, hidden::TAG | hidden::VARIATION | hidden::ZERO_WIDTH)
}

fn severity(kind: &str, spells: bool) -> Severity {
    match kind {
        _ if spells => Severity::Critical,
        hidden::TAG | hidden::BIDI | hidden::CONTROL => Severity::High,
        hidden::PRIVATE => Severity::Low,
        _ => Severity::Medium,
    }
}

fn what(kind: &str) -> &'static str {
    match kind {
        hidden::BIDI => "characters that change the direction of reading",
        hidden::TAG => "invisible tag characters",
        hidden::VARIATION => "variation selectors that select nothing",
        hidden::CONTROL => "control characters, which drive terminals",
        hidden::PRIVATE => "private-use characters",
        hidden::ZERO_WIDTH => "characters without width",
        _ => "letters of another script that look Latin",
    }
}
