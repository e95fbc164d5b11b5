//! Baselines: findings that are known and accepted, so that a run fails only on new ones.
//!
//! A finding is recognised by its fingerprint, which survives moved lines. The file also names rule and place, so that
//! a reviewer sees in a diff what is being accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use manta_core::{Disposition, ScanReport};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The value of `schema` in the file.
const SCHEMA: &str = "manta/baseline/v1";

/// A set of accepted findings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    schema: String,
    findings: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    file: String,
    rule: String,
    tools: Vec<String>,
    fingerprint: String,
}

impl Baseline {
    /// Reads a baseline file.
    ///
    /// # Errors
    /// When it can't be read or isn't a baseline of this version.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::new(format!("failed to read {name}: {error}")).hint("`manta baseline` writes one")
        })?;
        let file: File =
            serde_json::from_str(&text).map_err(|error| Failure::new(format!("{name} is no baseline: {error}")))?;
        if file.schema != SCHEMA {
            return Err(Failure::new(format!("{name} has the schema `{}`, not `{SCHEMA}`", file.schema)));
        }
        let entries = file.findings.into_iter().map(|entry| (entry.fingerprint.clone(), entry));
        Ok(Self { entries: entries.collect() })
    }

    /// Adds every finding of a report that is shown.
    pub fn accept(&mut self, report: &ScanReport) {
        for finding in report.shown() {
            let file = report.sources.get(finding.location.file).map_or("", |file| &file.path);
            let fingerprint = finding.fingerprint.to_string();
            let entry = Entry {
                file: file.to_owned(),
                rule: finding.rule.id.to_owned(),
                tools: finding.tools.clone(),
                fingerprint: fingerprint.clone(),
            };
            self.entries.insert(fingerprint, entry);
        }
    }

    /// Disposes of the findings of a report that are in the baseline, and notes how many of the baseline's were seen.
    pub fn dispose(&self, report: &mut ScanReport, seen: &mut BTreeSet<String>) {
        for finding in &mut report.findings {
            let fingerprint = finding.fingerprint.to_string();
            if self.entries.contains_key(&fingerprint) {
                // One that is hidden for another reason isn't gone either.
                seen.insert(fingerprint);
                if finding.disposition.is_shown() {
                    finding.disposition = Disposition::Baselined;
                }
            }
        }
    }

    /// How many accepted findings `seen` lacks: they are gone, and the baseline can be written anew.
    #[must_use]
    pub fn gone(&self, seen: &BTreeSet<String>) -> usize {
        self.entries.keys().filter(|fingerprint| !seen.contains(*fingerprint)).count()
    }

    /// Number of accepted findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The file, sorted by place so that diffs stay small.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut findings: Vec<Entry> = self.entries.values().cloned().collect();
        findings.sort();
        manta_report::pretty_json(&File { schema: SCHEMA.to_owned(), findings })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use manta_core::{Confidence, FileId, Finding, Location, Persona, RuleMeta, Severity, SourceFile, SourceMap, Span};

    use super::*;

    static RULE: RuleMeta = RuleMeta {
        id: "ssrf",
        title: "Server-side request forgery",
        aliases: &[],
        since: "0.1",
        summary: "",
        severity: Severity::High,
        confidence: Confidence::High,
        persona: Persona::Regular,
        class: None,
        cwe: &[918],
        page: "",
    };

    /// A report with a finding at every `fetch(…)` of the text.
    fn report(text: &str) -> ScanReport {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.js", text));
        let at = |start: usize, found: &str| {
            let start = u32::try_from(start).unwrap();
            Location::new(FileId(0), Span::new(start, start + u32::try_from(found.len()).unwrap()))
        };
        let findings = text.match_indices("fetch(").map(|(start, found)| Finding::at(&RULE, at(start, found), ""));
        let mut report =
            ScanReport { findings: findings.collect(), sources: Arc::new(sources), ..ScanReport::default() };
        report.settle();
        report
    }

    #[test]
    fn known_findings_are_hidden_new_ones_shown_and_gone_ones_counted() {
        let mut baseline = Baseline::default();
        baseline.accept(&report("fetch(a);\nfetch(b);\n"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("baseline.json");
        fs::write(&path, baseline.to_json()).unwrap();
        let baseline = Baseline::read(&path).unwrap();
        assert_eq!(baseline.len(), 2);

        let mut later = report("// moved\n\nfetch(b);\nfetch(c);\n");
        let mut seen = BTreeSet::new();
        baseline.dispose(&mut later, &mut seen);
        let dispositions: Vec<_> = later.findings.iter().map(|finding| finding.disposition.as_str()).collect();
        assert_eq!(dispositions, ["baselined", "reported"]);
        assert_eq!(baseline.gone(&seen), 1);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("baseline.json");
        for text in ["", "{}", r#"{"schema": "manta/baseline/v2", "findings": []}"#] {
            fs::write(&path, text).unwrap();
            assert!(Baseline::read(&path).is_err(), "{text}");
        }
    }
}
