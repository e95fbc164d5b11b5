//! `exposed-secret` in configurations: credentials that anybody who reads the file has.

use manta_core::{Finding, Span};
use manta_detect::secrets;
use manta_mcp::clients::{Configured, Word};

use super::Config;
use crate::rules;

pub(super) fn findings(config: &Config, server: &Configured, findings: &mut Vec<Finding>) {
    let mut report = |at: Span, what: &str, kind: &str, place: &str| {
        // The value itself is never part of a message.
        let message = format!("{what} of server `{}` holds a credential in plain text ({kind})", server.name);
        let mut finding = config.finding(rules::known("exposed-secret"), server, at, message);
        finding.help = format!(
            "keep the value outside the file and refer to it{place}; change the credential if the file was shared"
        );
        findings.push(finding);
    };
    for (name, word) in &server.env {
        if let Some(kind) = kind(name, &word.text) {
            report(
                word.at,
                &format!("variable `{name}`"),
                kind,
                &format!(": \"${{{name}}}\" or the client's input prompt"),
            );
        }
    }
    for (name, word) in &server.headers {
        if let Some(kind) = kind(name, &word.text) {
            report(word.at, &format!("header `{name}`"), kind, " as a variable, for example \"Bearer ${TOKEN}\"");
        }
    }
    for (name, word) in &server.auth {
        if let Some(kind) = kind(name, &word.text) {
            report(word.at, &format!("setting `{name}`"), kind, " as a variable, or let the client ask for it");
        }
    }
    let mut before = "";
    for word in &server.command {
        if let Some(kind) = in_argument(before, word) {
            report(
                word.at,
                "the command line",
                kind,
                " through the environment; arguments are visible to every process",
            );
        }
        before = &word.text;
    }
    if let Some(word) = &server.url
        && let Some(found) = secrets::find(&word.text).first()
    {
        report(word.at, "the address", found.rule, " in a header; addresses end up in logs");
    } else if let Some(word) = &server.url
        && let Some(name) = secret_query(&word.text)
    {
        report(
            word.at,
            &format!("the address (`{name}`)"),
            "assigned-secret",
            " in a header; addresses end up in logs",
        );
    }
}

/// What kind of credential a named value is.
fn kind(name: &str, value: &str) -> Option<&'static str> {
    secrets::of_variable(name, value).map(|found| found.rule)
}

/// `--token VALUE` and `--token=VALUE`, or a value whose shape is enough.
fn in_argument(before: &str, word: &Word) -> Option<&'static str> {
    if secrets::is_reference(&word.text) {
        return None;
    }
    if let Some(found) = secrets::find(&word.text).first() {
        return Some(found.rule);
    }
    let option = before.strip_prefix("--")?;
    if word.text.starts_with('-') {
        return None;
    }
    kind(option, &word.text)
}

/// `?api_key=…`: the name of the parameter.
fn secret_query(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_named =
            ["key", "token", "secret", "password"].iter().any(|word| name.to_ascii_lowercase().contains(word));
        (is_named && value.len() >= 12 && !secrets::is_reference(value) && secrets::entropy(value) > 3.0)
            .then_some(name)
    })
}
