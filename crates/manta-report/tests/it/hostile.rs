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

/// Elements of a document with their depth; what is inside is the stranger's.
fn elements(xml: &str) -> Vec<(usize, String)> {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let depth = |node: roxmltree::Node<'_, '_>| node.ancestors().count();
    let all = document.descendants().filter(roxmltree::Node::is_element);
    all.map(|node| (depth(node), node.tag_name().name().to_owned())).collect()
}

/// A document as its keys and the kinds of its values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => 0.into(),
        other => other.clone(),
    }
}

/// Lines of Markdown outside of code, without words: what is left is what a renderer acts on.
fn constructs(markdown: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in markdown.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
            lines.push("```".to_owned());
        } else if !is_code {
            let line = line.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").replace("&#64;", "");
            let mut kept = String::new();
            let mut chars = line.chars();
            while let Some(c) = chars.next() {
                match c {
                    // Escaped: a letter like any other.
                    '\\' => drop(chars.next()),
                    '<' | '>' | '`' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => kept.push(c),
                    _ => {}
                }
            }
            lines.push(kept);
        }
    }
    assert!(!is_code, "every fence is closed: {markdown}");
    lines
}

/// Whatever a stranger writes, a report has the structure it has for a harmless word.
#[test]
fn nobody_changes_the_structure_of_a_report() {
    let harmless = [samples::written_by("word")];
    let of = |format, report: &[manta_core::ScanReport]| render(format, report, &OPTIONS);
    for stranger in samples::STRANGERS {
        let report = [samples::written_by(stranger)];
        let same = |what: &str, is_same: bool| assert!(is_same, "{what} breaks on {stranger:?}");
        let (junit, expected) = (of(Format::Junit, &report), of(Format::Junit, &harmless));
        same("JUnit", elements(&junit) == elements(&expected));
        for format in [Format::Json, Format::Sarif, Format::Gitlab] {
            let read =
                |text: &str| shape(&serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")));
            same(format.as_str(), read(&of(format, &report)) == read(&of(format, &harmless)));
        }
        same("GitHub", of(Format::Github, &report).lines().count() == of(Format::Github, &harmless).lines().count());
        let lines = |text: &str| constructs(text).into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>();
        same("Markdown", lines(&of(Format::Markdown, &report)) == lines(&of(Format::Markdown, &harmless)));
        let page = of(Format::Html, &report);
        let page = page.strip_prefix("<!doctype html>").unwrap();
        let document = roxmltree::Document::parse(page).unwrap_or_else(|error| panic!("{error}: {page}"));
        for element in document.descendants().filter(roxmltree::Node::is_element) {
            let foreign = ["script", "svg", "img", "iframe", "object", "embed", "base", "meta", "form", "link"];
            let is_ours = !foreign.contains(&element.tag_name().name()) || element.has_tag_name("meta");
            let is_inert = element.attributes().all(|attribute| {
                !attribute.name().starts_with("on") && !attribute.value().trim_start().starts_with("javascript:")
            });
            same("HTML", is_ours && is_inert);
        }
        for format in Format::ALL {
            let text = of(*format, &report);
            // A tab in a page, or in XML, is a blank.
            let is_blank = |character: char| {
                character == '\n' || character == '\t' && matches!(format, Format::Html | Format::Junit)
            };
            let seen = text.chars().find(|character| !is_blank(*character) && is_invisible(*character));
            assert!(seen.is_none(), "{format} shows {seen:?} for {stranger:?}");
        }
        for text in [of(Format::Human, &report), tools::human(&report[0], &OPTIONS)] {
            let commands = text.lines().any(|line| line.trim_start().starts_with("::") || line.contains("##["));
            same("a build log", !commands);
        }
    }
}
