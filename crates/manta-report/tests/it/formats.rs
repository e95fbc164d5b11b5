//! What each format promises about the sample runs.

use manta_report::{Format, Options, render, tools};
use serde_json::Value;

use crate::samples;

pub(crate) const OPTIONS: Options = Options { version: "1.2.3", color: false, quiet: false, several: false };

fn human(report: &manta_core::ScanReport) -> String {
    render(Format::Human, std::slice::from_ref(report), &OPTIONS)
}

fn json(report: &manta_core::ScanReport) -> Value {
    serde_json::from_str(&render(Format::Json, std::slice::from_ref(report), &OPTIONS)).unwrap()
}

#[test]
fn people_read_a_review() {
    let expected = "\
🔍 Scanning MCP server ./my-mcp-server (TypeScript, 2 tools, 2 files)

[!] CRITICAL: Command execution in shell_exec
    the whole command comes from the caller
    ╭─ src/run.ts:3:35
    │ 3 │ return new Promise((resolve) => exec(command, (_, out) => resolve(out)));
    │   │                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ╰─
    parameter command of shell_exec (src/index.ts:3:41)
      1. parameter `command` of tool shell_exec  src/index.ts:3:41
         │ { name: \"shell_exec\", execute: async ({ command }) => run(command) },
      2. passed to run  src/index.ts:3:57
      3. run by a shell in child_process.exec  src/run.ts:3:35
         │ return new Promise((resolve) => exec(command, (_, out) => resolve(out)));
    help: run one fixed program with execFile and pass the parameter as an argument
    command-execution · CWE-78 · confidence high · manta explain command-execution

[!] HIGH: Path traversal in read_file
    any file can be read
    ╭─ src/index.ts:4:53
    │ 4 │ { name: \"read_file\", execute: async ({ path }) => fs.readFileSync(path, \"utf-8\") },
    │   │                                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ╰─
    path-traversal · CWE-22 · CWE-73 · confidence high · manta explain path-traversal

  tool         command      path         network   sql       code
  shell_exec   vulnerable   -            -         -         -
  read_file    -            vulnerable   -         guarded   -
✓ Scan complete — 2 vulnerabilities found
  2 tools, 2 of 2 handlers resolved, 2 files analysed
";
    assert_eq!(human(&samples::multi_file()), expected);
}

#[test]
fn a_count_of_nothing_never_stands_alone() {
    let clean = human(&samples::clean());
    let last = clean.lines().last().unwrap();
    assert_eq!(
        last,
        "✓ Scan complete — 0 vulnerabilities found (1 tool, 1 of 1 handler resolved, 1 file analysed, 3 left out)"
    );
    assert!(clean.contains("left out: 2 × test, 1 × type declaration"), "{clean}");
}

#[test]
fn incomplete_and_empty_scans_do_not_say_complete() {
    let incomplete = human(&samples::incomplete());
    assert!(incomplete.contains("⚠ Scan incomplete — 0 vulnerabilities found"), "{incomplete}");
    assert!(incomplete.contains("not analysed: huge.js: larger than 16 MiB"), "{incomplete}");
    assert!(incomplete.contains("handler not resolved: search (index.js:1)"), "{incomplete}");
    let nothing = human(&samples::nothing());
    assert!(nothing.contains("⚠ Nothing to scan — no MCP server found"), "{nothing}");
    for text in [incomplete, nothing] {
        assert!(!text.contains("Scan complete"), "{text}");
    }
}

const HIDDEN: &str = "not shown: 1 below the threshold (--min-severity info), 1 suppressed (--no-config), \
                      1 rule not run (--only, --skip)";

#[test]
fn hidden_findings_are_counted_with_the_way_to_see_them() {
    let text = human(&samples::hidden());
    assert!(text.ends_with(&format!("  {HIDDEN}\n")), "{text}");
    for format in [Format::Markdown, Format::Html, Format::Github] {
        let text = render(format, &[samples::hidden()], &OPTIONS);
        let plain = text.replace("\\", "").replace("%2C", ",").replace("%3A", ":");
        assert!(plain.contains(HIDDEN), "{format}: {text}");
    }
}

#[test]
fn quiet_keeps_headlines_and_the_last_line() {
    let options = Options { quiet: true, ..OPTIONS };
    assert_eq!(
        render(Format::Human, &[samples::multi_file()], &options),
        "[!] CRITICAL: Command execution in shell_exec\n[!] HIGH: Path traversal in read_file\n\
         ✓ Scan complete — 2 vulnerabilities found\n"
    );
}

#[test]
fn colour_only_adds_styles() {
    let options = Options { color: true, ..OPTIONS };
    for (name, report) in samples::all() {
        let coloured = render(Format::Human, std::slice::from_ref(&report), &options);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, human(&report), "{name}");
    }
}

#[test]
fn json_has_the_documented_fields() {
    let document = json(&samples::multi_file());
    assert_eq!(document["schema"], "manta/findings/v1");
    assert_eq!(document["summary"]["critical"], 1);
    assert_eq!(document["completeness"]["complete"], true);
    assert_eq!(document["servers"][0]["tools"][1]["verdicts"]["sql"]["verdict"], "guarded");
    assert_eq!(document["servers"][0]["tools"][1]["verdicts"]["sql"]["guard"]["line"], 3);
    let finding = &document["findings"][0];
    assert_eq!(finding["cwe"], serde_json::json!(["CWE-78"]));
    assert_eq!(
        finding["location"],
        serde_json::json!({"file": "src/run.ts", "line": 3, "column": 35, "end_line": 3, "end_column": 74})
    );
    assert_eq!(finding["source"]["param"], "command");
    assert_eq!(finding["trace"].as_array().unwrap().len(), 3);
    assert_eq!(finding["fingerprint"].as_str().unwrap().len(), 32);
}

#[test]
fn several_targets_are_several_sarif_runs() {
    let reports: Vec<_> = samples::all().into_iter().map(|(_, report)| report).collect();
    for count in 0..reports.len() {
        let text = render(Format::Sarif, &reports[..count], &OPTIONS);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["runs"].as_array().unwrap().len(), count);
    }
}

#[test]
fn several_targets_are_one_json_document_per_line() {
    let reports: Vec<_> = samples::all().into_iter().map(|(_, report)| report).collect();
    let text = render(Format::Json, &reports, &Options { several: true, ..OPTIONS });
    assert_eq!(text.lines().count(), reports.len());
    for line in text.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn json_lists_what_is_shown_and_counts_the_rest() {
    let document = json(&samples::hidden());
    assert_eq!(document["findings"], serde_json::json!([]));
    assert_eq!(document["summary"]["suppressed"], 1);
    assert_eq!(document["summary"]["below_threshold"], 1);
}

#[test]
fn sarif_keeps_suppressed_results_and_marks_them() {
    let text = render(Format::Sarif, &[samples::hidden()], &OPTIONS);
    let document: Value = serde_json::from_str(&text).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["suppressions"][0]["justification"], "only in tests");
}

#[test]
fn github_annotates_the_file_of_the_checkout() {
    let text = render(Format::Github, &[samples::multi_file()], &OPTIONS);
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with(
            "::error title=CRITICAL%3A Command execution in shell_exec,file=my-mcp-server/src/run.ts,line=3,"
        ),
        "{first}"
    );
    assert!(first.contains("%0A3. run by a shell"), "{first}");
    let archive = render(Format::Github, &[samples::clean()], &OPTIONS);
    assert!(!archive.contains("file="), "{archive}");
}

#[test]
fn gitlab_gets_one_list_over_all_targets() {
    let reports: Vec<_> = samples::all().into_iter().map(|(_, report)| report).collect();
    for reports in [&reports[2..4], &reports[..]] {
        let list: Vec<Value> = serde_json::from_str(&render(Format::Gitlab, reports, &OPTIONS)).unwrap();
        let findings: usize = reports.iter().map(|report| report.shown().len()).sum();
        assert_eq!(list.len(), findings);
        assert!(list.iter().all(|entry| entry["location"]["positions"]["begin"]["line"].is_u64()));
    }
}

#[test]
fn junit_counts_add_up() {
    for (name, report) in samples::all() {
        let text = render(Format::Junit, std::slice::from_ref(&report), &OPTIONS);
        let document = roxmltree::Document::parse(&text).unwrap();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        let count = |tag| suite.descendants().filter(|node| node.has_tag_name(tag)).count().to_string();
        assert_eq!(suite.attribute("tests"), Some(count("testcase").as_str()), "{name}");
        assert_eq!(suite.attribute("failures"), Some(count("failure").as_str()), "{name}");
        assert_eq!(suite.attribute("errors"), Some(count("error").as_str()), "{name}");
    }
}

/// A table that says `vulnerable` above "0 vulnerabilities found" would contradict itself.
#[test]
fn tables_say_what_is_not_shown() {
    for format in [Format::Human, Format::Markdown, Format::Html] {
        let text = render(format, &[samples::hidden()], &OPTIONS);
        assert!(
            text.contains("not shown") && !text.contains(">vulnerable<") && !text.contains("**vulnerable**"),
            "{text}"
        );
        let shown = render(format, &[samples::multi_file()], &OPTIONS);
        assert!(shown.contains("vulnerable") && !shown.contains("not shown"), "{shown}");
    }
}

#[test]
fn pages_show_table_and_path() {
    let html = render(Format::Html, &[samples::multi_file()], &OPTIONS);
    for expected in ["<td class=\"vulnerable\">", "src/run.ts:3:35", "passed to run", "show-critical"] {
        assert!(html.contains(expected), "{expected}");
    }
    let markdown = render(Format::Markdown, &[samples::multi_file()], &OPTIONS);
    assert!(markdown.contains("| read\\_file | – | **vulnerable** |"), "{markdown}");
    assert!(markdown.contains("3. run by a shell in child\\_process\\.exec"), "{markdown}");
}

#[test]
fn the_inventory_says_what_is_enforced() {
    let text = tools::human(&samples::multi_file(), &OPTIONS);
    assert!(text.contains("tool shell_exec  src/index.ts:3:41"), "{text}");
    assert!(text.contains("command: string, max 100  [not enforced]"), "{text}");
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    for format in Format::ALL {
        for (name, report) in samples::all() {
            let reports = [report];
            assert_eq!(render(*format, &reports, &OPTIONS), render(*format, &reports, &OPTIONS), "{format} {name}");
        }
    }
}
