//! Gives each finding exactly one disposition: shown, or hidden for a reason that is counted.

use std::fmt;
use std::str::FromStr;

use manta_core::{Confidence, Disposition, Finding, Persona, RuleMeta, ScanReport, Severity};

use crate::exit::{Exit, Failure};
use crate::suggest;

/// What the user wants to see, and what makes the run fail.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Findings below it are hidden.
    pub min_severity: Severity,
    /// The most demanding reader to show findings for.
    pub persona: Persona,
    /// Rules to run and no others; empty for all.
    pub only: Vec<&'static RuleMeta>,
    /// Rules not to run.
    pub skip: Vec<&'static RuleMeta>,
    /// Least severity that fails the run; `None` when nothing does.
    pub fail_on: Option<Severity>,
    /// Least confidence that fails the run.
    pub fail_confidence: Confidence,
    /// An analysis that could not look at everything is no reason to fail.
    pub allow_incomplete: bool,
    /// Findings of rules younger than it are shown and can't fail the run.
    pub ruleset: Ruleset,
}

/// What makes a run fail: a severity, or nothing. A type of its own, because an `Option` would mean an optional flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn(pub Option<Severity>);

impl FromStr for FailOn {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        if given == "never" {
            return Ok(Self(None));
        }
        given.parse().map(|severity| Self(Some(severity))).map_err(|error| format!("{error}, never"))
    }
}

/// The rules that may fail a run: those that a version of manta had. Usually all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ruleset {
    /// Major version, and minor version if not every one of the major counts.
    last: Option<(u32, Option<u32>)>,
}

impl Ruleset {
    /// Whether a rule that came with version `since` belongs to it.
    #[must_use]
    pub fn admits(self, since: &str) -> bool {
        let Some((major, minor)) = self.last else { return true };
        version(since).is_none_or(|since| match minor {
            Some(minor) => since <= (major, minor),
            None => since.0 <= major,
        })
    }

    /// Whether it names a version that is still to come, so that rules it wants may be missing.
    #[must_use]
    pub fn is_ahead_of(self, present: &str) -> bool {
        let present = version(present).unwrap_or_default();
        self.last.is_some_and(|(major, minor)| (major, minor.unwrap_or(0)) > present)
    }
}

/// Major and minor number of `1.4` or `1.4.2`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

impl FromStr for Ruleset {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let parts = given.split_once('.');
        let last = parts.and_then(|(major, minor)| {
            let minor = if minor == "x" { None } else { Some(minor.parse().ok()?) };
            Some((major.parse().ok()?, minor))
        });
        match last {
            Some(last) => Ok(Self { last: Some(last) }),
            None => Err(format!("`{given}` names no ruleset: write a version such as `0.1`, or `1.x`")),
        }
    }
}

impl fmt::Display for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            None => f.write_str("all"),
            Some((major, None)) => write!(f, "{major}.x"),
            Some((major, Some(minor))) => write!(f, "{major}.{minor}"),
        }
    }
}

impl Wishes {
    /// Whether the rule is wanted.
    #[must_use]
    pub fn selects(&self, rule: &RuleMeta) -> bool {
        let is_in = |list: &[&'static RuleMeta]| list.iter().any(|listed| listed.id == rule.id);
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.skip)
    }

    /// Disposes of every finding that has no disposition yet, and names the rules that were left out.
    pub fn dispose(&self, report: &mut ScanReport) {
        for finding in &mut report.findings {
            if finding.is_reported() {
                finding.disposition = self.disposition(finding);
            }
        }
        report.rules_not_run = report.rules.iter().filter(|rule| !self.selects(rule)).map(|rule| rule.id).collect();
    }

    fn disposition(&self, finding: &Finding) -> Disposition {
        if !self.selects(finding.rule) {
            Disposition::NotSelected
        } else if finding.persona > self.persona {
            Disposition::OtherPersona
        } else if finding.severity < self.min_severity {
            Disposition::BelowThreshold
        } else if !self.ruleset.admits(finding.rule.since) {
            Disposition::Newer { since: finding.rule.since }
        } else {
            Disposition::Reported
        }
    }

    /// The exit code for one target whose findings have been disposed of.
    #[must_use]
    pub fn exit(&self, report: &ScanReport) -> Exit {
        let fails = |finding: &Finding| {
            finding.is_reported()
                && self.fail_on.is_some_and(|least| finding.severity >= least)
                && finding.confidence >= self.fail_confidence
        };
        if report.findings.iter().any(fails) {
            Exit::Findings
        } else if report.is_empty() || !self.allow_incomplete && !report.completeness.is_complete() {
            Exit::Incomplete
        } else {
            Exit::Clean
        }
    }
}

/// The rule of that name, present or former.
///
/// # Errors
/// When no rule is called so.
pub fn rule(name: &str, rules: &[&'static RuleMeta]) -> Result<&'static RuleMeta, Failure> {
    if let Some(rule) = rules.iter().find(|rule| rule.is_called(name)) {
        return Ok(rule);
    }
    let failure = Failure::new(format!("there is no rule `{name}`"));
    Err(match suggest::nearest(name, rules.iter().map(|rule| rule.id)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`manta rules` lists them"),
    })
}

#[cfg(test)]
mod tests {
    use manta_core::{FileId, Location, SkipReason, SkippedFile, Span};

    use super::*;

    static RULE: RuleMeta = RuleMeta {
        id: "path-traversal",
        title: "Path traversal",
        aliases: &["directory-traversal"],
        since: "0.1",
        summary: "",
        severity: Severity::High,
        confidence: Confidence::Medium,
        persona: Persona::Regular,
        class: None,
        cwe: &[22],
        page: "",
    };

    fn report(change: impl FnOnce(&mut Finding)) -> ScanReport {
        let mut finding = Finding::at(&RULE, Location::new(FileId(0), Span::default()), "");
        change(&mut finding);
        ScanReport { findings: vec![finding], rules: vec![&RULE], ..ScanReport::default() }
    }

    fn wishes() -> Wishes {
        Wishes {
            min_severity: Severity::Info,
            persona: Persona::Regular,
            only: Vec::new(),
            skip: Vec::new(),
            fail_on: Some(Severity::High),
            fail_confidence: Confidence::Low,
            allow_incomplete: false,
            ruleset: Ruleset::default(),
        }
    }

    fn outcome(wishes: &Wishes, mut report: ScanReport) -> (&'static str, Exit) {
        wishes.dispose(&mut report);
        (report.findings[0].disposition.as_str(), wishes.exit(&report))
    }

    #[test]
    fn a_finding_fails_the_run_only_when_it_is_bad_and_sure_enough() {
        assert_eq!(outcome(&wishes(), report(|_| {})), ("reported", Exit::Findings));
        assert_eq!(
            outcome(&wishes(), report(|finding| finding.severity = Severity::Medium)),
            ("reported", Exit::Clean)
        );
        let sure = Wishes { fail_confidence: Confidence::High, ..wishes() };
        assert_eq!(outcome(&sure, report(|_| {})), ("reported", Exit::Clean));
        let never = Wishes { fail_on: None, ..wishes() };
        assert_eq!(outcome(&never, report(|_| {})), ("reported", Exit::Clean));
    }

    #[test]
    fn hidden_findings_never_fail_the_run() {
        let cases = [
            (Wishes { min_severity: Severity::Critical, ..wishes() }, "below-threshold"),
            (Wishes { skip: vec![&RULE], ..wishes() }, "not-selected"),
        ];
        for (wishes, expected) in cases {
            assert_eq!(outcome(&wishes, report(|_| {})), (expected, Exit::Clean));
        }
        let for_auditors = report(|finding| finding.persona = Persona::Auditor);
        assert_eq!(outcome(&wishes(), for_auditors), ("other-persona", Exit::Clean));
    }

    #[test]
    fn findings_outweigh_an_incomplete_analysis_which_outweighs_nothing() {
        let incomplete = |mut report: ScanReport| {
            let reason = SkipReason::Unparsed("broken".to_owned());
            report.completeness.files_skipped.push(SkippedFile { path: "a.ts".to_owned(), reason });
            report
        };
        assert_eq!(outcome(&wishes(), incomplete(report(|_| {}))).1, Exit::Findings);
        assert_eq!(
            outcome(&wishes(), incomplete(report(|finding| finding.severity = Severity::Low))).1,
            Exit::Incomplete
        );
        let patient = Wishes { allow_incomplete: true, ..wishes() };
        assert_eq!(outcome(&patient, incomplete(report(|finding| finding.severity = Severity::Low))).1, Exit::Clean);
        assert_eq!(outcome(&patient, incomplete(report(|_| {}))).1, Exit::Findings);
        assert_eq!(patient.exit(&ScanReport::default()), Exit::Incomplete, "nothing to scan is a mistake");
        assert_eq!(wishes().exit(&ScanReport::default()), Exit::Incomplete);
        assert_eq!(Exit::Incomplete.and(Exit::Findings), Exit::Findings);
        assert_eq!(Exit::Failed.and(Exit::Findings), Exit::Failed);
    }

    #[test]
    fn a_rule_younger_than_the_ruleset_is_shown_and_fails_nothing() {
        static YOUNG: RuleMeta = RuleMeta { since: "1.4", ..RULE };
        let young = || {
            let mut report = report(|_| {});
            report.findings[0].rule = &YOUNG;
            report
        };
        for (ruleset, expected) in [
            ("1.3", ("newer", Exit::Clean)),
            ("0.x", ("newer", Exit::Clean)),
            ("1.4", ("reported", Exit::Findings)),
            ("1.x", ("reported", Exit::Findings)),
            ("2.0", ("reported", Exit::Findings)),
        ] {
            let wishes = Wishes { ruleset: ruleset.parse().unwrap(), ..wishes() };
            assert_eq!(outcome(&wishes, young()), expected, "{ruleset}");
        }
        assert_eq!(outcome(&wishes(), young()), ("reported", Exit::Findings));
        for wrong in ["", "1", "x.1", "1.y", "latest", "1.2.3"] {
            assert!(wrong.parse::<Ruleset>().is_err(), "{wrong}");
        }
        assert!("1.x".parse::<Ruleset>().unwrap().is_ahead_of("0.1.0"));
        assert!(!"0.x".parse::<Ruleset>().unwrap().is_ahead_of("0.1.0"));
    }

    #[test]
    fn every_rule_says_since_when_and_none_comes_from_the_future() {
        for rule in crate::analyse::rules() {
            let since = version(rule.since).unwrap_or_else(|| panic!("{} since {}", rule.id, rule.since));
            assert!(since <= version(env!("CARGO_PKG_VERSION")).unwrap(), "{} since {}", rule.id, rule.since);
        }
    }

    #[test]
    fn former_names_still_select_a_rule() {
        assert_eq!(rule("directory-traversal", &[&RULE]).unwrap().id, "path-traversal");
        assert!(rule("path-traversel", &[&RULE]).is_err());
    }
}
