//! `tool-shadowing` and `name-collision`: servers that speak of, or pose as, each other's tools.

use std::collections::BTreeMap;

use manta_core::{Confidence, Finding, Severity, ToolKind};
use manta_mcp::listing::Role;

use super::{Said, Speaker, quoted};
use crate::rules;

/// Shortest tool name whose mention is no accident.
const TELLING: usize = 5;

/// Findings over all servers of a target.
pub(super) fn findings(speakers: &[Speaker]) -> Vec<Finding> {
    let mut findings = collisions(speakers);
    findings.extend(shadows(speakers));
    findings
}

/// The same name, or one that looks the same, twice: the model's call goes to whichever client or server wins.
fn collisions(speakers: &[Speaker]) -> Vec<Finding> {
    let mut seen: BTreeMap<(ToolKind, String), (usize, &Said)> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, speaker) in speakers.iter().enumerate() {
        for said in speaker.entries.iter().filter(|said| !said.name.is_empty() && !said.name.contains('*')) {
            // A resource's address and a prompt's name are chosen by the user, not by the model.
            if said.kind != ToolKind::Tool {
                continue;
            }
            let key = (said.kind, skeleton(&said.name));
            let Some((owner, first)) = seen.get(&key).copied() else {
                seen.insert(key, (index, said));
                continue;
            };
            let is_same_name = first.name == said.name;
            // Code that registers a tool in two places (one per transport, one per version) is one server.
            if owner == index && (is_same_name || said.is_code) {
                continue;
            }
            // One repository often holds several builds of one server, and a list that is read beside code is what that
            // code said when it ran.
            if said.is_code || first.is_code {
                continue;
            }
            let whose = if owner == index { "the same server".to_owned() } else { whose(&speakers[owner]) };
            let message = if is_same_name {
                format!("{} has the name of a tool of {whose}", said.called())
            } else {
                format!("{} looks like `{}` of {whose}", said.called(), first.name)
            };
            let mut finding = said.finding(rules::known("name-collision"), said.at, message);
            if !is_same_name && !said.name.eq_ignore_ascii_case(&first.name) {
                finding.severity = Severity::High;
            }
            finding.help = "give tools names of their own, for example with the server's name as a prefix".to_owned();
            findings.push(finding);
        }
    }
    findings
}

/// What a name looks like: case, separators and letters of other scripts don't count.
fn skeleton(name: &str) -> String {
    manta_detect::disguise::skeleton(name)
}

/// Text of one server that tells how to use a tool of another one.
fn shadows(speakers: &[Speaker]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Code in one tree is one server, and a list that is read beside it is what that code said when it ran.
    if speakers.iter().any(Speaker::is_code) {
        return findings;
    }
    for (index, speaker) in speakers.iter().enumerate() {
        let own: Vec<&str> = speaker.entries.iter().map(|said| said.name.as_str()).collect();
        let others: Vec<(&Speaker, &str)> = speakers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .flat_map(|(_, other)| other.entries.iter().map(move |said| (other, said.name.as_str())))
            .filter(|(_, name)| name.len() >= TELLING && is_compound(name) && !own.contains(name))
            .collect();
        if others.is_empty() {
            continue;
        }
        for said in speaker.entries.iter().chain([&speaker.own]) {
            findings.extend(shadow(said, &others));
        }
    }
    findings
}

/// A name that is no word of prose: `send_email`, `readFile`.
fn is_compound(name: &str) -> bool {
    name.contains(['_', '-']) || name.chars().skip(1).any(char::is_uppercase)
}

fn shadow(said: &Said, others: &[(&Speaker, &str)]) -> Option<Finding> {
    for text in said.texts.iter().filter(|text| text.role == Role::Prose) {
        let Some((other, name)) = others.iter().find(|(_, name)| mentions(&text.text, name)) else { continue };
        let message = format!(
            "the {} of {} speaks of `{name}`, a tool of {}: {}",
            text.field,
            said.called(),
            whose(other),
            quoted(&text.text)
        );
        let at = manta_core::Location::new(said.file, text.at);
        let mut finding = said.finding(rules::known("tool-shadowing"), at, message);
        finding.confidence = Confidence::Medium;
        finding.help = "describe only what the server's own tools do".to_owned();
        return Some(finding);
    }
    None
}

fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
}

fn whose(speaker: &Speaker) -> String {
    if speaker.name.is_empty() { "another server".to_owned() } else { format!("server `{}`", speaker.name) }
}
