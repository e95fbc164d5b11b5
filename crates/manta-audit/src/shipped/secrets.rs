//! `exposed-secret` in the files of a server: credentials whose issuer gave them a shape.

use manta_core::{Confidence, FileId, FileKind, Finding, Location, ScanReport, Severity, SourceFile, Span};
use manta_detect::secrets;

use crate::memory::Memory;
use crate::rules;

/// Shapes that are made to be shown to browsers: finding one in a file is a question and not an answer.
const PUBLIC: &[&str] = &["google-api-key", "jwt", "sentry-token"];

/// Findings in one file, but for those whose place the report names already: what a client's configuration holds is
/// known there by its server and variable.
pub(super) fn findings(
    id: FileId,
    file: &SourceFile,
    report: &ScanReport,
    memory: &Memory,
    findings: &mut Vec<Finding>,
) {
    // Digests of lock files are no credentials, and there are many.
    if file.kind == FileKind::Manifest && !file.path.ends_with("package.json") {
        return;
    }
    let mut last: Option<&str> = None;
    for found in memory.in_file(secrets::find_issued, file) {
        let value = &file.text[found.range.clone()];
        let before = &file.text[..found.range.start];
        let is_documented = is_in_example(before) || file.path.ends_with(".json") && is_below_example(before);
        if is_sample(value) || last == Some(value) || is_documented {
            continue;
        }
        last = Some(value);
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let at = Location::new(id, Span::new(offset(found.range.start), offset(found.range.end)));
        let rule = rules::known("exposed-secret");
        let is_same = |known: &Location| known.file == id && known.span.contains(at.span);
        if report.findings.iter().any(|known| known.rule.id == rule.id && is_same(&known.location)) {
            continue;
        }
        // The value itself is never part of a message.
        let message = format!("the file holds a credential in plain text ({})", found.rule);
        let mut finding = Finding::at(rule, at, message);
        if PUBLIC.contains(&found.rule) {
            finding.severity = Severity::Low;
            finding.confidence = Confidence::Low;
        }
        finding.help = "revoke the credential, and read its successor from the environment".to_owned();
        findings.push(finding);
    }
}

/// Whether what follows stands in the example of a documentation comment, which shows what such a token looks like.
fn is_in_example(before: &str) -> bool {
    let comment = before.rfind("/**").map(|start| &before[start..]);
    comment.is_some_and(|comment| !comment.contains("*/") && comment.contains("@example"))
}

/// Whether what follows stands below a member `example` or `examples`, as in the description of an interface.
fn is_below_example(before: &str) -> bool {
    // The members whose values are open, and the text that was read last, which may be the name of the next one.
    let mut open: Vec<&str> = Vec::new();
    let mut last = "";
    let mut member = "";
    let mut at = 0;
    while let Some(found) = before[at..].find(['"', '{', '[', '}', ']', ':', ',']) {
        let start = at + found;
        at = start + 1;
        match before.as_bytes()[start] {
            b'"' => match end_of_string(&before[at..]) {
                Some(length) => {
                    last = &before[at..at + length];
                    at += length + 1;
                }
                None => break,
            },
            b':' => member = last,
            b'{' | b'[' => open.push(std::mem::take(&mut member)),
            b',' => member = "",
            _ => {
                open.pop();
            }
        }
    }
    open.into_iter().chain([member]).any(|name| matches!(name, "example" | "examples"))
}

/// Where a string of JSON ends whose first quote is gone.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| match byte {
        _ if is_escaped => {
            is_escaped = false;
            false
        }
        b'\\' => {
            is_escaped = true;
            false
        }
        byte => byte == b'"',
    })
}

/// A value of a documentation or a test: it says so, or its characters do.
fn is_sample(value: &str) -> bool {
    const WORDS: [&str; 12] = [
        "example",
        "sample",
        "dummy",
        "fake",
        "test",
        "your",
        "xxxx",
        "1234567",
        "abcdefg",
        "placeholder",
        "redacted",
        "...",
    ];
    let lower = value.to_ascii_lowercase();
    let body =
        value.strip_prefix("-----BEGIN").map_or(value, |rest| rest.split_once('\n').map_or("", |(_, body)| body));
    WORDS.iter().any(|word| lower.contains(word)) || body.len() < 16 || secrets::entropy(body) < 2.8
}

#[cfg(test)]
mod tests {
    use super::{is_below_example, is_in_example};

    #[test]
    fn examples_of_a_description_are_below_their_member() {
        assert!(is_below_example(r#"{"openapi": "3.0.0", "get": {"examples": {"200": {"value": "{\"key\": \"#));
        assert!(is_below_example(r#"{"schema": {"type": "string", "example": ""#));
        assert!(!is_below_example(r#"{"examples": {"a": "x"}, "servers": [{"token": ""#));
        assert!(!is_below_example(r#"{"example": "a", "token": ""#));
        assert!(!is_below_example(r#"{"title": "example", "token": ""#));
    }

    #[test]
    fn examples_end_with_their_comment() {
        assert!(is_in_example("/**\n * @example\n * token: \""));
        assert!(!is_in_example("/**\n * The token: \""));
        assert!(!is_in_example("/** @example x */\nconst token = \""));
        assert!(!is_in_example("const token = \""));
    }
}
