//! An identity for findings that survives unrelated edits.
//!
//! Baselines, code scanning services and suppressions recognise a finding by it. It is made of the rule, the
//! file, the code around the place without its white space (or the name of what the finding is about), and an ordinal
//! among equals; never of a line number. The hash is SHA-256 because a scanned tree may be written by somebody who would like a new finding
//! to look like an old, accepted one.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::finding::Finding;
use crate::source::{SourceFile, SourceMap, Span};

/// How many characters of code on each side of the place, in its line, belong to the identity. Enough to tell
/// two calls in a minified line apart, few enough that an edit elsewhere in that line doesn't matter.
const CONTEXT: usize = 48;

/// 128 bits, shown as 32 hexadecimal digits. The default value means "not yet assigned".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Gives every finding its fingerprint. Findings that look alike are numbered in source order, so call this
/// once with all findings of a target; their order in the slice doesn't matter and isn't changed.
pub fn assign(findings: &mut [Finding], sources: &SourceMap) {
    let mut in_source_order: Vec<usize> = (0..findings.len()).collect();
    in_source_order.sort_by_key(|&at| findings.get(at).map(|finding| finding.location));
    let mut seen: HashMap<String, usize> = HashMap::new();
    for at in in_source_order {
        let Some(finding) = findings.get_mut(at) else { continue };
        let identity = identity(finding, sources);
        let ordinal = seen.get(&identity).copied().unwrap_or_default();
        finding.fingerprint = hash(&identity, ordinal);
        seen.insert(identity, ordinal + 1);
    }
}

/// The parts, each with its length before it, so that no part can pretend to be two.
fn identity(finding: &Finding, sources: &SourceMap) -> String {
    let file = sources.get(finding.location.file);
    let path = file.map_or("", |file| file.path.as_str());
    let around = || file.map_or(String::new(), |file| context(file, finding.location.span));
    let context = finding.subject.clone().unwrap_or_else(around);
    let (tool, param) =
        finding.source.as_ref().map_or(("", ""), |source| (source.tool.as_str(), source.param.as_str()));
    let mut identity = String::new();
    for part in [finding.rule.stable_id(), path, &context, tool, param] {
        let _ = write!(identity, "{}:{part}", part.len());
    }
    identity
}

/// The code of a place and a little of its line on both sides, without white space.
fn context(file: &SourceFile, span: Span) -> String {
    let line = file.line_span(file.line_column(span.start).line);
    let before = file.slice(Span::new(line.start, span.start));
    let after = file.slice(Span::new(span.end, line.end.max(span.end)));
    let marks = before.char_indices().rev().filter(|(_, character)| !character.is_whitespace());
    let start = marks.take(CONTEXT).last().map_or(before.len(), |(at, _)| at);
    let mut context = String::with_capacity(before.len() - start + file.slice(span).len() + CONTEXT);
    context.extend(code(before[start..].chars()));
    context.extend(code(file.slice(span).chars()));
    context.extend(code(after.chars()).take(CONTEXT));
    context
}

fn code(characters: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    characters.filter(|character| !character.is_whitespace())
}

fn hash(identity: &str, ordinal: usize) -> Fingerprint {
    let digest = Sha256::new().chain_update(identity).chain_update(ordinal.to_string()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(digest.get(..16).expect("SHA-256 has 32 bytes"));
    Fingerprint(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleMeta;
    use crate::severity::{Confidence, Persona, Severity};
    use crate::source::{FileId, Location, SourceFile};

    static RULE: RuleMeta = RuleMeta {
        id: "command-injection",
        title: "Command injection",
        aliases: &[],
        since: "0.1",
        summary: "",
        severity: Severity::Critical,
        confidence: Confidence::High,
        persona: Persona::Regular,
        class: None,
        cwe: &[78],
        page: "",
    };

    fn fingerprints(text: &str, needle: &str) -> Vec<Fingerprint> {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new("a.js", text));
        let mut findings: Vec<_> = text
            .match_indices(needle)
            .map(|(at, found)| {
                let start = u32::try_from(at).unwrap();
                let span = Span::new(start, start + u32::try_from(found.len()).unwrap());
                Finding::at(&RULE, Location::new(FileId(0), span), "")
            })
            .collect();
        assign(&mut findings, &sources);
        findings.into_iter().map(|finding| finding.fingerprint).collect()
    }

    #[test]
    fn moving_and_indenting_keeps_it() {
        let before = fingerprints("a();\nexec(cmd);\n", "exec(cmd)");
        let after = fingerprints("// new\n\na();\nif (x) {\n\texec( cmd );\n}\n", "exec( cmd )");
        assert_eq!(before, after);
    }

    #[test]
    fn equal_lines_are_numbered() {
        let two = fingerprints("exec(cmd);\nexec(cmd);\n", "exec(cmd)");
        assert_ne!(two[0], two[1]);
        assert_eq!(two[0], fingerprints("exec(cmd);\n", "exec(cmd)")[0]);
    }

    #[test]
    fn another_call_is_another_finding() {
        assert_ne!(fingerprints("exec(cmd);", "exec(cmd)"), fingerprints("exec(arg);", "exec(arg)"));
    }

    #[test]
    fn what_is_about_a_tool_is_known_by_the_tool() {
        let about = |text: &str, subject: &str| {
            let mut sources = SourceMap::default();
            sources.add(SourceFile::new("a.js", text));
            let end = u32::try_from(text.len()).unwrap();
            let mut finding = Finding::at(&RULE, Location::new(FileId(0), Span::new(0, end)), "");
            finding.subject = Some(subject.to_owned());
            assign(std::slice::from_mut(&mut finding), &sources);
            finding.fingerprint
        };
        assert_eq!(about("server.tool('a', run)", "a"), about("server.tool('a', () => run(1))", "a"));
        assert_ne!(about("server.tool('a', run)", "a"), about("server.tool('a', run)", "b"));
    }
}
