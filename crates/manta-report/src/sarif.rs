//! SARIF 2.1.0 (OASIS Standard, 27 March 2020), with what code scanning services read: `security-severity`,
//! `partialFingerprints`, code flows, CWE taxa, and every rule with its help, fired or not.

use manta_core::{
    Confidence, Disposition, Edit, Finding, Fix, Location, RuleMeta, ScanReport, Severity, Step, Untrusted,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::place::Place;
use crate::{Frame, Options, json_text, words};

/// The name of the directory that results are relative to.
const ROOT: &str = "%SRCROOT%";

/// One document holds one run per target.
pub(crate) const FRAME: Frame = Frame {
    before: "{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n  \"version\": \"2.1.0\",\n  \"runs\": [\n",
    between: ",\n",
    after: "\n  ]\n}\n",
};

/// One run, indented as it stands in the document. Strings in JSON have no line ends, so lines can be indented
/// blindly.
pub(crate) fn render(report: &ScanReport, options: &Options) -> String {
    let run = json_text::pretty(&run(report, options));
    let lines: Vec<String> = run.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

fn run(report: &ScanReport, options: &Options) -> Value {
    let cwe = cwe_numbers(report);
    let results: Vec<Value> = report
        .shown()
        .into_iter()
        .chain(report.findings.iter().filter(|finding| is_suppressed(finding)))
        .map(|finding| result(finding, report, &cwe))
        .collect();
    json!({
        "tool": { "driver": {
            "name": "manta",
            "version": options.version,
            "semanticVersion": options.version,
            "informationUri": "https://github.com/manta-security/manta",
            "rules": rules(report).into_iter().map(|meta| rule(meta, &cwe)).collect::<Vec<_>>(),
            "supportedTaxonomies": [{ "name": "CWE", "index": 0 }],
        }},
        "automationDetails": { "id": format!("manta/{}/", shown(&report.target)) },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { ROOT: { "description": { "text": "the root of the checkout" } } },
        "invocations": [invocation(report)],
        "taxonomies": [taxonomy(&cwe)],
        "results": results,
        "properties": {
            "target": shown(&report.target),
            "complete": report.completeness.is_complete(),
            "filesAnalysed": report.completeness.files_analysed,
            "filesSkipped": report.completeness.files_skipped.len(),
            "tools": report.tools().map(|tool| shown(&tool.name)).collect::<Vec<_>>(),
        },
    })
}

fn is_suppressed(finding: &Finding) -> bool {
    matches!(finding.disposition, Disposition::Suppressed { .. })
}

/// Every rule of the report, and those of findings should one be missing from the list.
fn rules(report: &ScanReport) -> Vec<&'static RuleMeta> {
    let mut rules = report.rules.clone();
    for finding in &report.findings {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    rules
}

fn cwe_numbers(report: &ScanReport) -> Vec<u16> {
    let mut numbers: Vec<u16> = rules(report).iter().flat_map(|rule| rule.cwe).copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn rule(meta: &'static RuleMeta, cwe: &[u16]) -> Value {
    let tags = meta.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}"));
    let tags: Vec<String> = std::iter::once("security".to_owned()).chain(tags).collect();
    let relationships = meta.cwe.iter().map(|number| json!({ "target": taxon(*number, cwe), "kinds": ["superset"] }));
    let mut rule = json!({
        "id": meta.id,
        "deprecatedIds": meta.aliases,
        "shortDescription": { "text": meta.title },
        "fullDescription": { "text": format!("Finds {}.", meta.summary) },
        "help": { "text": meta.page, "markdown": meta.page },
        "defaultConfiguration": { "level": level(meta.severity) },
        "relationships": relationships.collect::<Vec<_>>(),
        "properties": {
            "tags": tags,
            "precision": precision(meta.confidence),
            "security-severity": security_severity(meta.severity),
            "persona": meta.persona,
        },
    });
    // The standard wants a name to differ from the identifier, and validators ignore case.
    let name = pascal_case(meta.id);
    if !name.eq_ignore_ascii_case(meta.id) {
        rule["name"] = json!(name);
    }
    rule
}

fn pascal_case(id: &str) -> String {
    let words = id.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

fn taxonomy(cwe: &[u16]) -> Value {
    let taxa = cwe.iter().map(|number| {
        json!({ "id": number.to_string(), "helpUri": format!("https://cwe.mitre.org/data/definitions/{number}.html") })
    });
    json!({
        "name": "CWE",
        "organization": "MITRE",
        "shortDescription": { "text": "The MITRE Common Weakness Enumeration" },
        "informationUri": "https://cwe.mitre.org/",
        "isComprehensive": false,
        "taxa": taxa.collect::<Vec<_>>(),
    })
}

fn taxon(number: u16, cwe: &[u16]) -> Value {
    let index = cwe.binary_search(&number).expect("the numbers of all rules were collected");
    json!({ "id": number.to_string(), "index": index, "toolComponent": { "name": "CWE", "index": 0 } })
}

fn result(finding: &Finding, report: &ScanReport, cwe: &[u16]) -> Value {
    let index =
        rules(report).iter().position(|rule| *rule == finding.rule).expect("rules() holds every finding's rule");
    let mut main = location(finding.location, report, None);
    main["logicalLocations"] = finding
        .tools
        .iter()
        .map(|tool| json!({ "name": shown(tool), "fullyQualifiedName": format!("tool/{}", shown(tool)), "kind": "function" }))
        .collect();
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": level(finding.severity),
        "kind": "fail",
        "message": { "text": message(finding, report) },
        "locations": [main],
        "partialFingerprints": { "manta/v1": finding.fingerprint.to_string() },
        "taxa": finding.rule.cwe.iter().map(|number| taxon(*number, cwe)).collect::<Vec<_>>(),
        "properties": {
            "tools": finding.tools.iter().map(|tool| shown(tool)).collect::<Vec<_>>(),
            "severity": finding.severity,
            "confidence": finding.confidence,
            "persona": finding.persona,
            "security-severity": security_severity(finding.severity),
            "disposition": finding.disposition.as_str(),
        },
    });
    if let Some(source) = &finding.source {
        result["relatedLocations"] =
            json!([location(source.location, report, Some(&format!("parameter {} of {}", source.param, source.tool)))]);
        result["properties"]["source"] = json!({ "tool": shown(&source.tool), "param": shown(&source.param) });
    }
    if !finding.trace.is_empty() {
        result["codeFlows"] = json!([code_flow(finding, report)]);
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([repair(fix, report)]);
    }
    if let Disposition::Suppressed { by, reason } = &finding.disposition {
        // SARIF knows comments in the code and everything else.
        let is_in_source = report.sources.get(by.file).is_some_and(|file| file.kind.is_source());
        let kind = if is_in_source { "inSource" } else { "external" };
        result["suppressions"] =
            json!([{ "kind": kind, "justification": shown(reason), "location": location(*by, report, None) }]);
    }
    result
}

/// All edits of a repair stand in one file.
fn repair(fix: &Fix, report: &ScanReport) -> Value {
    let replacement = |edit: &Edit| {
        let place = location(edit.at, report, None);
        json!({
            "deletedRegion": place["physicalLocation"]["region"],
            "insertedContent": { "text": edit.text },
        })
    };
    let artifact = fix.edits.first().map(|edit| location(edit.at, report, None));
    let reason =
        if fix.reason.is_empty() { String::new() } else { format!(" ({}: {})", fix.safety.as_str(), fix.reason) };
    json!({
        "description": { "text": format!("{}{reason}", fix.title) },
        "artifactChanges": [{
            "artifactLocation": artifact.map(|place| place["physicalLocation"]["artifactLocation"].clone()),
            "replacements": fix.edits.iter().map(replacement).collect::<Vec<_>>(),
        }],
    })
}

fn message(finding: &Finding, report: &ScanReport) -> String {
    let file = Place::of(finding.location, report).file;
    let headline = words::headline(finding, &file);
    let help = if finding.help.is_empty() { String::new() } else { format!("\nHelp: {}", finding.help) };
    Untrusted(&format!("{headline}: {}{help}", finding.message)).for_terminal_lines()
}

fn code_flow(finding: &Finding, report: &ScanReport) -> Value {
    let step = |(number, step): (usize, &Step)| {
        json!({
            "executionOrder": number,
            "importance": "essential",
            "location": location(step.location, report, Some(&step.message)),
        })
    };
    json!({ "threadFlows": [{ "locations": (1..).zip(&finding.trace).map(step).collect::<Vec<_>>() }] })
}

fn location(at: Location, report: &ScanReport, message: Option<&str>) -> Value {
    let place = Place::of(at, report);
    let base = report.base.as_deref().unwrap_or("");
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&format!("{base}{}", place.file)), "uriBaseId": ROOT },
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        },
    });
    if let Some(message) = message {
        location["message"] = json!({ "text": shown(message) });
    }
    location
}

/// A relative path as a URI reference: what isn't unreserved in RFC 3986 is percent-encoded, byte by byte.
fn uri(path: &str) -> String {
    const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, &RESERVED).to_string()
}

/// What kept the analysis from being complete, as notifications, so that a viewer shows it.
fn invocation(report: &ScanReport) -> Value {
    let completeness = &report.completeness;
    let failed = completeness.files_skipped.iter().filter(|file| !file.reason.is_on_purpose());
    let warnings = failed
        .map(|file| format!("not analysed: {}: {}", file.path, file.reason))
        .chain(completeness.unresolved_handlers.iter().map(|tool| format!("handler not resolved: {tool}")))
        .chain(completeness.exhausted_budgets.iter().map(|budget| format!("limit reached: {budget}")))
        .map(|text| ("warning", text));
    let notes = completeness.notes.iter().map(|note| ("note", note.clone()));
    let notifications: Vec<Value> = warnings
        .chain(notes)
        .map(|(level, text)| json!({ "level": level, "message": { "text": shown(&text) } }))
        .collect();
    json!({ "executionSuccessful": true, "toolExecutionNotifications": notifications })
}

fn shown(text: &str) -> String {
    Untrusted(text).for_terminal()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

const fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "very-high",
        Confidence::Medium => "high",
        Confidence::Low => "medium",
    }
}

/// A number in the bands GitHub maps to critical (over 9.0), high (7.0), medium (4.0) and low.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
