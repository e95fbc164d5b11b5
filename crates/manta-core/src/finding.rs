//! What a rule found: the place, the way there, what to do, and what became of the finding.

use crate::fingerprint::Fingerprint;
use crate::fix::Fix;
use crate::rule::RuleMeta;
use crate::severity::{Confidence, Persona, Severity};
use crate::source::Location;

/// One thing that is wrong at one place.
///
/// Every string may quote the scanned code, so renderers show all of them through [`crate::Untrusted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static RuleMeta,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// For whom.
    pub persona: Persona,
    /// Names of the tools (also resources and prompts) that reach this place, sorted. Empty for findings
    /// that belong to no tool.
    pub tools: Vec<String>,
    /// What is wrong here, in one sentence: lowercase, no full stop.
    pub message: String,
    /// What to do instead; may have several lines.
    pub help: String,
    /// The place: for a flow, the sink.
    pub location: Location,
    /// Where the dangerous value comes in.
    pub source: Option<ParamSource>,
    /// The numbered way from the source to the location, both included.
    pub trace: Vec<Step>,
    /// A repair, where one can be written down.
    pub fix: Option<Fix>,
    /// What it is about, where that isn't the code at its place: a tool as a whole, by name. Code that changes around it makes
    /// it no other finding.
    pub subject: Option<String>,
    /// The identity that survives moved lines; filled in by [`crate::fingerprint::assign`].
    pub fingerprint: Fingerprint,
    /// What became of it; decided by the binary, rendered by the reports.
    pub disposition: Disposition,
}

impl Finding {
    /// A finding of `rule` with its usual severity, confidence and persona.
    #[must_use]
    pub fn at(rule: &'static RuleMeta, location: Location, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            confidence: rule.confidence,
            persona: rule.persona,
            tools: Vec::new(),
            message: message.into(),
            help: String::new(),
            location,
            source: None,
            trace: Vec::new(),
            fix: None,
            subject: None,
            fingerprint: Fingerprint::default(),
            disposition: Disposition::Reported,
        }
    }

    /// Whether it is shown and may fail the run.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        self.disposition == Disposition::Reported
    }
}

/// The tool parameter a dangerous value came in through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamSource {
    /// Name of the tool, resource or prompt.
    pub tool: String,
    /// Name of the parameter; a nested one is dotted, `options.path`.
    pub param: String,
    /// Where the parameter is declared or first read.
    pub location: Location,
}

/// One numbered step of a trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Where.
    pub location: Location,
    /// What happens there: lowercase, no full stop.
    pub message: String,
}

/// What became of a finding. A finding is never deleted, only disposed of, and every hidden one is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Shown; may fail the run.
    Reported,
    /// Shown, but its rule is younger than the `ruleset` the user pinned, so it can't fail the run.
    Newer {
        /// The version that brought the rule.
        since: &'static str,
    },
    /// Silenced in the source or the configuration.
    Suppressed {
        /// The comment or configuration entry.
        by: Location,
        /// The reason given there.
        reason: String,
    },
    /// Known from a baseline.
    Baselined,
    /// Below `--min-severity`.
    BelowThreshold,
    /// Meant for another persona than the one asked for.
    OtherPersona,
    /// Its rule was left out with `--only` or `--skip`.
    NotSelected,
}

impl Disposition {
    /// Whether a report shows the finding in full.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        matches!(self, Self::Reported | Self::Newer { .. })
    }

    /// The word reports use for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Newer { .. } => "newer",
            Self::Suppressed { .. } => "suppressed",
            Self::Baselined => "baselined",
            Self::BelowThreshold => "below-threshold",
            Self::OtherPersona => "other-persona",
            Self::NotSelected => "not-selected",
        }
    }
}
