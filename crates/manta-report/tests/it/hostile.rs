//! Nothing a scanned tree can write breaks out of a format.

use manta_core::untrusted::is_invisible;
use manta_report::{Format, render, tools};
use serde_json::Value;

use crate::formats::OPTIONS;
use crate::samples::{self, HOSTILE};

#[test]
fn no_format_prints_an_invisible_character() {
    let report = [samples::hostile()];
    let mut outputs: Vec<String> = Format::ALL.iter().map(|format| render(*format, &report, &OPTIONS)).collect();
    outputs.push(tools::human(&report[0], &OPTIONS));
    outputs.push(tools::json(&report[0], &OPTIONS));
    for output in outputs {
        let found: Vec<_> = output.chars().filter(|character| *character != '\n' && is_invisible(*character)).collect();
        assert!(found.is_empty(), "{found:?} in {output:?}");
        assert!(output.len() > 200, "the report is there: {output}");
    }
}

#[test]
fn no_line_of_text_starts_a_workflow_command() {
    let report = [samples::hostile()];
    // A build log is read by the runner whatever format was asked for.
    for text in [render(Format::Human, &report, &OPTIONS), tools::human(&report[0], &OPTIONS)] {
        let commands: Vec<_> = text.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        assert!(commands.is_empty(), "{commands:?}");
    }
}

#[test]
fn github_prints_only_its_own_commands() {
    let text = render(Format::Github, &[samples::hostile()], &OPTIONS);
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        assert!(line.starts_with("::error title=") || line.starts_with("::warning title=manta::"), "{line}");
    }
    let properties = text.lines().next().unwrap().split("::").nth(1).unwrap();
    for property in properties.strip_prefix("error ").unwrap().split(',') {
        let name = property.split_once('=').unwrap().0;
        assert!(["title", "file", "line", "endLine", "col", "endColumn"].contains(&name), "{property}");
    }
}

#[test]
fn markup_has_only_our_elements() {
    let junit = render(Format::Junit, &[samples::hostile()], &OPTIONS);
    let document = roxmltree::Document::parse(&junit).unwrap();
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let name = element.tag_name().name();
        assert!(["testsuites", "testsuite", "testcase", "failure", "error"].contains(&name), "{name}");
    }
    let html = render(Format::Html, &[samples::hostile()], &OPTIONS);
    assert!(!html.contains("<script"), "{html}");
    let page = html.strip_prefix("<!doctype html>").unwrap();
    roxmltree::Document::parse(page).unwrap_or_else(|error| panic!("{error}: {page}"));
}

#[test]
fn markdown_has_no_construct_of_theirs() {
    let text = render(Format::Markdown, &[samples::hostile()], &OPTIONS);
    let mut is_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if !is_code {
            let ours = ["<details>", "</details>", "<summary><b>CRITICAL</b>", "</summary>"];
            let rest = ours.iter().fold(line.to_owned(), |line, tag| line.replace(tag, ""));
            assert!(!rest.contains('<'), "{line}");
            assert!(!rest.contains("`*") && !rest.contains("]("), "{line}");
        }
    }
    assert!(!is_code, "every fence is closed");
}

#[test]
fn json_values_are_exact() {
    let document: Value = serde_json::from_str(&render(Format::Json, &[samples::hostile()], &OPTIONS)).unwrap();
    assert_eq!(document["target"], HOSTILE);
    assert_eq!(document["findings"][0]["tools"][0], HOSTILE);
    assert_eq!(document["servers"][0]["tools"][0]["params"][0]["name"], HOSTILE);
}

#[test]
fn sarif_addresses_are_uris() {
    let document: Value = serde_json::from_str(&render(Format::Sarif, &[samples::hostile()], &OPTIONS)).unwrap();
    let location = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let uri = location["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.chars().all(|character| character.is_ascii_alphanumeric() || "-._~/%".contains(character)), "{uri}");
}
