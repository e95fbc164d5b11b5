//! What is known about a rule before it finds anything.

use crate::inventory::SinkClass;
use crate::severity::{Confidence, Persona, Severity};

/// The description of a rule: a constant of the crate that implements it.
#[derive(Debug)]
pub struct RuleMeta {
    /// The name, kebab-case words that say what is wrong: `command-injection`. Never reused.
    pub id: &'static str,
    /// The headline a report prints before the tool: `Command injection`.
    pub title: &'static str,
    /// Former names that keep working.
    pub aliases: &'static [&'static str],
    /// The version of manta that brought the rule, `0.1`: whoever pins an older ruleset sees it, and it can't fail
    /// their run.
    pub since: &'static str,
    /// One line that completes "finds …".
    pub summary: &'static str,
    /// The usual severity; a finding may differ.
    pub severity: Severity,
    /// The usual confidence.
    pub confidence: Confidence,
    /// The usual persona.
    pub persona: Persona,
    /// The column of the tool table this rule fills, if it belongs to one.
    pub class: Option<SinkClass>,
    /// CWE numbers, most specific first.
    pub cwe: &'static [u16],
    /// The rule's page in Markdown: documentation, `manta explain` and SARIF help. Usually
    /// `include_str!("../../rules/<id>.md")`.
    pub page: &'static str,
}

impl RuleMeta {
    /// Whether the rule is called so now or was once.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || self.aliases.contains(&name)
    }

    /// The name fingerprints are made of: the oldest one, so that a rename keeps them.
    #[must_use]
    pub fn stable_id(&self) -> &'static str {
        self.aliases.first().copied().unwrap_or(self.id)
    }
}

impl PartialEq for RuleMeta {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for RuleMeta {}
