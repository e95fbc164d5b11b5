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
            if found.rule == hidden::CONTROL && !drives(&text.text) {
                // What a converter of documents leaves behind, or an escape that was meant to be read as one.
                finding.severity = Severity::Low;
                finding.persona = Persona::Pedantic;
            }
            if found.rule == hidden::ZERO_WIDTH && spelled.is_none() {
                finding.confidence = Confidence::Medium;
            }
            findings.push(finding);
        }
    }
    findings
}

/// Whether control characters do something to a terminal, or are enough to carry a text.
fn drives(text: &str) -> bool {
    /// Fewer spell nothing.
    const TELLING: usize = 16;
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    // A sequence begins with an escape and a bracket or a letter, or with one character for both; a backspace overwrites.
    let begins = |c: char| matches!(c, '\u{8}' | '\u{90}' | '\u{9b}'..='\u{9f}');
    let escapes = text.match_indices('\u{1b}').any(|(at, escape)| {
        text[at + escape.len()..]
            .starts_with(|c: char| matches!(c, '[' | ']' | '(' | ')' | '#' | '7' | '8' | 'A'..='Z' | '\\'..='_' | 'c'))
    });
    // `ESC` and a blank, as in a table of signals, does nothing.
    escapes || text.contains(begins) || text.chars().filter(|c| is_control(*c)).count() >= TELLING
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

#[cfg(test)]
mod tests {
    use super::drives;

    #[test]
    fn sequences_of_terminals_are_told_from_stray_characters() {
        for text in [
            "\u{1b}[8mhidden",
            "\u{1b}]8;;x\u{7}",
            "\u{9b}2J",
            "safe\u{8}\u{8}\u{8}\u{8}",
            "\u{1b}c",
            &"\u{1}\u{2}".repeat(8),
        ] {
            assert!(drives(text), "{text:?}");
        }
        for text in ["send \u{3} to stop", "high \u{1a} low", "OE \u{1b} R/W?", "a\u{7}"] {
            assert!(!drives(text), "{text:?}");
        }
    }
}
