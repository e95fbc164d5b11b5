//! `exposed-secret` in the files of a server: credentials whose issuer gave them a shape.

use std::ops::Range;

use manta_core::{Confidence, FileId, FileKind, Finding, Location, ScanReport, Severity, SourceFile, Span};
use manta_detect::secrets;

use super::kept;
use crate::memory::Memory;
use crate::rules;

/// Shapes that are made to be shown to browsers: finding one in a file is a question and not an answer, as it is where
/// documentation shows what a credential looks like.
const PUBLIC: &[&str] = &["google-api-key", "jwt", "sentry-token"];

/// What is told by its name and its randomness only.
const GUESSED: &[&str] = &["assigned-secret", "url-password"];

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
    let is_kept = kept::is_one(&file.path);
    let found =
        if is_kept { kept::credentials(&file.path, &file.text) } else { memory.in_file(secrets::find_in_code, file) };
    let mut last: Option<&str> = None;
    let examples = if file.path.ends_with(".json") { examples(&file.text) } else { Vec::new() };
    for found in found {
        let value = &file.text[found.range.clone()];
        if is_sample(value) || last == Some(value) {
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
        let is_documented = is_in_example(&file.text[..found.range.start])
            || examples.iter().any(|example| example.contains(&found.range.start));
        if PUBLIC.contains(&found.rule) || is_documented {
            finding.severity = Severity::Low;
            finding.confidence = Confidence::Low;
        } else if GUESSED.contains(&found.rule) {
            finding.severity = Severity::Medium;
            finding.confidence = Confidence::Medium;
        }
        finding.help = match is_kept {
            true => {
                "revoke the credential, and keep this file out of what is published: list it in .gitignore and in \
                     what the package leaves out"
            }
            false => "revoke the credential, and read its successor from the environment",
        }
        .to_owned();
        findings.push(finding);
    }
}

/// Whether what follows stands in the example of a documentation comment, which shows what such a token looks like.
fn is_in_example(before: &str) -> bool {
    let comment = before.rfind("/**").map(|start| &before[start..]);
    comment.is_some_and(|comment| !comment.contains("*/") && comment.contains("@example"))
}

/// What stands below members `example` and `examples` of a file of JSON, as in the description of an interface. Of a file
/// that is no JSON, what reads like them.
fn examples(text: &str) -> Vec<Range<usize>> {
    let is_example = |name: &str| matches!(name, "example" | "examples");
    let mut found = Vec::new();
    // Where the outermost open example began, and how many brackets are open around it and in all.
    let mut example: Option<(usize, usize)> = None;
    let mut depth = 0_usize;
    // The text that was read last, which may be the name of the next member, and the name of the one that is read.
    let mut last = "";
    let mut member = "";
    let mut at = 0;
    while let Some(step) = text[at..].find(['"', '{', '[', '}', ']', ':', ',']) {
        let start = at + step;
        at = start + 1;
        match text.as_bytes()[start] {
            b'"' => {
                let Some(length) = end_of_string(&text[at..]) else { break };
                if example.is_none() && is_example(member) {
                    found.push(at..at + length);
                }
                last = &text[at..at + length];
                at += length + 1;
            }
            b':' => member = last,
            b',' => member = "",
            b'{' | b'[' => {
                if example.is_none() && is_example(std::mem::take(&mut member)) {
                    example = Some((start, depth));
                }
                depth += 1;
            }
            _ => {
                depth = depth.saturating_sub(1);
                if let Some((start, _)) = example.take_if(|(_, around)| *around == depth) {
                    found.push(start..at);
                }
            }
        }
    }
    found.extend(example.map(|(start, _)| start..text.len()));
    found
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
    /// A password in an address may be this short.
    const SHORTEST: usize = 8;
    let lower = value.to_ascii_lowercase();
    /// The lines of a key have 64 characters, and the shortest key is one of them.
    const SHORTEST_LINE: usize = 24;
    let (body, shortest) = match value.strip_prefix("-----BEGIN") {
        Some(rest) => (rest.split_once("-----").map_or("", |(_, body)| longest_line(body)), SHORTEST_LINE),
        None => (value, SHORTEST),
    };
    WORDS.iter().any(|word| lower.contains(word))
        || is_counted(&lower)
        || body.len() < shortest
        || secrets::entropy(body) < 2.8
}

/// The longest line of base64 in the body of a key. A message that says how a key begins and ends has words between the
/// two; lines of a key in a program often end with `\n` in so many letters.
fn longest_line(body: &str) -> &str {
    let is_of_line = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let lines = body.split("\\n").flat_map(|line| line.split(|c: char| !is_of_line(c)));
    lines.max_by_key(|line| line.len()).unwrap_or_default()
}

/// Whether the end of a value is made of letters and digits in their order: `abc123xyz789`.
fn is_counted(value: &str) -> bool {
    let end = value.rsplit(['_', '-']).next().unwrap_or(value).as_bytes();
    let runs = end.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let counted: usize = runs.map(<[u8]>::len).filter(|length| *length > 2).sum();
    end.len() > 5 && counted * 5 >= end.len() * 4
}

#[cfg(test)]
mod tests {
    use super::{examples, is_counted, is_in_example, is_sample};

    #[test]
    fn a_key_has_a_line_between_its_ends() {
        let key = |body: &str| format!("-----BEGIN PRIVATE KEY-----{body}-----END PRIVATE KEY-----");
        let line = "MC4CAQAwBQYDK2VwBCIEIMr9uTqlL3ZzpKxQ0vW8eJdB5nYfGh2c";
        for body in [format!("\n{line}\n"), format!("\\n{line}\\n"), format!("\r\n{line}\r\n")] {
            assert!(!is_sample(&key(&body)), "{body}");
        }
        assert!(!is_sample(&format!("-----BEGIN PRIVATE KEY-----\n{line}")), "cut off");
        for body in [" and end with ", "", "\n", " followed by its lines and then "] {
            assert!(is_sample(&key(body)), "{body}");
        }
    }

    #[test]
    fn letters_in_their_order_are_a_sample() {
        assert!(is_counted("sk_live_abc123def456") && is_counted("sk-0123456789abcdef"));
        assert!(!is_counted("sk_live_4ec39hqlyjwdarjt") && !is_counted("abc"));
    }

    #[test]
    fn examples_of_a_description_are_below_their_member() {
        let is_below = |text: &str| {
            let at = text.find("KEY").expect("the text has one");
            examples(text).iter().any(|example| example.contains(&at))
        };
        assert!(is_below(r#"{"openapi": "3.0.0", "get": {"examples": {"200": {"value": "{\"key\": \"KEY\"}"}}}}"#));
        assert!(is_below(r#"{"schema": {"type": "string", "example": "KEY"}}"#));
        assert!(is_below(r#"{"examples": [{"token": "KEY"#), "and is cut off");
        assert!(!is_below(r#"{"examples": {"a": "x"}, "servers": [{"token": "KEY"}]}"#));
        assert!(!is_below(r#"{"example": "a", "token": "KEY"}"#));
        assert!(!is_below(r#"{"title": "example", "token": "KEY"}"#));
    }

    #[test]
    fn examples_end_with_their_comment() {
        assert!(is_in_example("/**\n * @example\n * token: \""));
        assert!(!is_in_example("/**\n * The token: \""));
        assert!(!is_in_example("/** @example x */\nconst token = \""));
        assert!(!is_in_example("const token = \""));
    }
}
