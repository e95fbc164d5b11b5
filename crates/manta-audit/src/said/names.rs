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

/// The servers of one target, as others see them.
pub(crate) struct Party<'s> {
    /// What the target is called.
    pub(crate) name: &'s str,
    pub(crate) speakers: &'s [Speaker],
}

/// Findings over targets that are different servers: each with the number of the party that it is about.
pub(crate) fn between(parties: &[Party<'_>]) -> Vec<(usize, Finding)> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, (usize, &Said)> = BTreeMap::new();
    for (index, party) in parties.iter().enumerate() {
        for said in party.speakers.iter().flat_map(|speaker| &speaker.entries).filter(|said| is_called(said)) {
            let (owner, first) = *seen.entry(skeleton(&said.name)).or_insert((index, said));
            if owner != index {
                findings.push((index, collision(said, first, parties[owner].name)));
            }
        }
        let own: Vec<&str> = entries(party).map(|said| said.name.as_str()).collect();
        let others = parties.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<(&str, &str)> = others
            .flat_map(|(_, other)| entries(other).map(move |said| (other.name, said.name.as_str())))
            .filter(|(_, name)| name.len() >= TELLING && is_compound(name) && !own.contains(name))
            .collect();
        let said = party.speakers.iter().flat_map(|speaker| speaker.entries.iter().chain(&speaker.own));
        findings.extend(said.filter_map(|said| Some((index, shadow(said, &others)?))));
    }
    findings
}

fn entries<'s>(party: &Party<'s>) -> impl Iterator<Item = &'s Said> {
    party.speakers.iter().flat_map(|speaker| &speaker.entries)
}

/// Whether a model calls it by a name that is known. A resource's address and a prompt's name are chosen by the user.
fn is_called(said: &Said) -> bool {
    said.kind == ToolKind::Tool && !said.name.is_empty() && !said.name.contains('*')
}

fn collision(said: &Said, first: &Said, whose: &str) -> Finding {
    let is_same_name = first.name == said.name;
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
    finding
}

/// The same name, or one that looks the same, twice: the model's call goes to whichever client or server wins.
fn collisions(speakers: &[Speaker]) -> Vec<Finding> {
    let mut seen: BTreeMap<String, (usize, &Said)> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, speaker) in speakers.iter().enumerate() {
        for said in speaker.entries.iter().filter(|said| is_called(said)) {
            let key = skeleton(&said.name);
            let Some((owner, first)) = seen.get(&key).copied() else {
                seen.insert(key, (index, said));
                continue;
            };
            // Code that registers a tool in two places (one per transport, one per version) is one server.
            if owner == index && (first.name == said.name || said.is_code) {
                continue;
            }
            // One repository often holds several builds of one server, and a list that is read beside code is what that
            // code said when it ran.
            if said.is_code || first.is_code {
                continue;
            }
            let whose = if owner == index { "the same server".to_owned() } else { whose(&speakers[owner]) };
            findings.push(collision(said, first, &whose));
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
        let names: Vec<String> = speakers.iter().map(whose).collect();
        let others: Vec<(&str, &str)> = speakers
            .iter()
            .zip(&names)
            .enumerate()
            .filter(|(other, _)| *other != index)
            .flat_map(|(_, (other, whose))| other.entries.iter().map(move |said| (whose.as_str(), said.name.as_str())))
            .filter(|(_, name)| name.len() >= TELLING && is_compound(name) && !own.contains(name))
            .collect();
        if others.is_empty() {
            continue;
        }
        for said in speaker.entries.iter().chain(&speaker.own) {
            findings.extend(shadow(said, &others));
        }
    }
    findings
}

/// A name that is no word of prose: `send_email`, `readFile`.
fn is_compound(name: &str) -> bool {
    name.contains(['_', '-']) || name.chars().skip(1).any(char::is_uppercase)
}

/// `others` are the names of tools, each with whose it is.
fn shadow(said: &Said, others: &[(&str, &str)]) -> Option<Finding> {
    for text in said.texts.iter().filter(|text| text.role == Role::Prose) {
        let Some((whose, name)) = others.iter().find(|(_, name)| mentions(&text.text, name)) else { continue };
        let message = format!(
            "the {} of {} speaks of `{name}`, a tool of {whose}: {}",
            text.field,
            said.called(),
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
