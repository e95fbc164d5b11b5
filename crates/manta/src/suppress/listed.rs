//! Suppressions of the user's configuration: `[[scan.suppress]]`.

use std::collections::BTreeSet;

use manta_core::{Disposition, Location, ScanReport, Span};

use super::complaint;
use crate::config::Config;

/// Hides the findings that the configuration accepts. Returns the numbers of the entries that hid one.
pub(crate) fn obey(report: &mut ScanReport, config: &Config) -> BTreeSet<usize> {
    let mut used = BTreeSet::new();
    let Some((prefix, entries)) = config.suppressions(&report.target) else { return used };
    if entries.is_empty() {
        return used;
    }
    let file = config.file_in(report);
    for (number, entry) in entries.iter().enumerate() {
        let by = Location::new(file, span(entry));
        let entry = entry.get_ref();
        let sources = std::sync::Arc::clone(&report.sources);
        let path = |file| sources.get(file).map_or_else(String::new, |file| format!("{prefix}{}", file.path));
        for finding in &mut report.findings {
            let is_meant = finding.rule.is_called(&entry.rule)
                && entry.tool.as_ref().is_none_or(|tool| finding.tools.contains(tool))
                && entry.fingerprint.as_ref().is_none_or(|known| *known == finding.fingerprint.to_string())
                && entry.is_about(&path(finding.location.file));
            if is_meant {
                finding.disposition = Disposition::Suppressed { by, reason: entry.reason.clone() };
                used.insert(number);
            }
        }
    }
    used
}

/// Reports the entries that hid nothing.
pub(crate) fn complain(report: &mut ScanReport, config: &Config, used: &BTreeSet<usize>) {
    let Some((_, entries)) = config.suppressions(&report.target) else { return };
    // Where nothing was scanned, nothing can be said about a suppression.
    if used.len() == entries.len() || report.is_empty() {
        return;
    }
    let file = config.file_in(report);
    for (_, entry) in entries.iter().enumerate().filter(|(number, _)| !used.contains(number)) {
        let by = Location::new(file, span(entry));
        let problem = format!("the suppression of `{}` hides no finding", entry.get_ref().rule);
        report.findings.push(complaint(by, &problem, "remove it, or name another rule, path or tool"));
    }
    report.settle();
}

fn span<T>(entry: &toml::Spanned<T>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(entry.span().start), offset(entry.span().end))
}
