//! `[scan]` of `manta.toml`: what it changes, for whom it counts, and what is said about what it hides.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::cli::{manta, stdout};

/// A server with two tools that run any command.
fn server(directory: &Path) {
    let tool = |name: &str| {
        format!("@mcp.tool()\ndef {name}(command: str) -> str:\n    return subprocess.getoutput(command)\n\n")
    };
    let head = "import subprocess\nfrom mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP('s')\n\n";
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("server.py"), format!("{head}{}{}", tool("first"), tool("second"))).unwrap();
}

/// A tree of the user's own with a configuration.
fn tree(config: &str) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    server(tree.path());
    fs::write(tree.path().join("manta.toml"), config).unwrap();
    tree
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const ACCEPTED: &str = "\
[[scan.suppress]]
rule = \"command-execution\"
path = \"server.py\"
tool = \"first\"
reason = \"the operator is the only caller\"
";

#[test]
fn accepted_findings_are_hidden_counted_and_shown_again_on_demand() {
    let tree = tree(ACCEPTED);
    let output = manta(tree.path(), &["scan"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Command execution in second") && !text.contains("Command execution in first"), "{text}");
    assert!(text.contains("1 suppressed (--no-config)"), "{text}");
    let text = stdout(&manta(tree.path(), &["scan", "--no-config"]));
    assert!(text.contains("Command execution in first"), "{text}");
    let sarif = stdout(&manta(tree.path(), &["scan", "-o", "sarif"]));
    assert!(sarif.contains("the operator is the only caller") && sarif.contains("\"external\""), "{sarif}");
}

#[test]
fn a_suppression_that_hides_nothing_is_a_finding() {
    let config = "[[scan.suppress]]\nrule = \"ssrf\"\nreason = \"internal tool\"\n";
    let tree = tree(&format!("version = 1\n{config}"));
    let text = stdout(&manta(tree.path(), &["scan"]));
    assert!(text.contains("the suppression of `ssrf` hides no finding"), "{text}");
    assert!(text.contains("manta.toml:2:"), "{text}");
}

#[test]
fn the_command_line_outweighs_the_file_and_the_file_what_is_usual() {
    let tree = tree("[scan]\nfail_on = \"never\"\nskip = [\"command-execution\"]\n");
    let output = manta(tree.path(), &["scan"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("2 of rules not selected (--only, --skip)"), "{}", stdout(&output));
    let output = manta(tree.path(), &["scan", "--skip", "ssrf", "--fail-on", "high"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("Command execution in first"), "{}", stdout(&output));
}

#[test]
fn an_older_ruleset_shows_younger_rules_and_does_not_fail() {
    let tree = tree("[scan]\nruleset = \"0.0\"\n");
    let output = manta(tree.path(), &["scan"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("newer than the ruleset (since 0.1)"), "{text}");
    assert_eq!(manta(tree.path(), &["scan", "--ruleset", "0.x"]).status.code(), Some(1));
    let output = manta(tree.path(), &["scan", "--ruleset", "9.x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("ruleset 9.x is younger than manta"), "{}", error(&output));
}

#[test]
fn what_is_excluded_is_counted() {
    let tree = tree("[scan]\nexclude = [\"legacy\"]\n");
    server(&tree.path().join("legacy"));
    let text = stdout(&manta(tree.path(), &["scan"]));
    assert!(text.contains("1 × excluded by the configuration"), "{text}");
    assert!(!text.contains("legacy/server.py"), "{text}");
}

#[test]
fn the_file_of_a_scanned_tree_silences_nothing() {
    let theirs = tree(&format!("[scan]\nfail_on = \"never\"\nexclude = [\"server.py\"]\n{ACCEPTED}"));
    let ours = tempfile::tempdir().unwrap();
    let target = theirs.path().to_str().unwrap();
    let output = manta(ours.path(), &["scan", target]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Command execution in first") && text.contains("Command execution in second"), "{text}");
    assert!(text.contains("settings in manta.toml of the scanned tree were not obeyed (--trust-config"), "{text}");

    let trusting = manta(ours.path(), &["scan", "--trust-config", target]);
    assert_eq!(trusting.status.code(), Some(3), "everything is excluded: {}", stdout(&trusting));

    // Our own file says nothing about their tree but what we want of every run.
    fs::write(ours.path().join("manta.toml"), format!("[scan]\nmin_severity = \"low\"\n{ACCEPTED}")).unwrap();
    let text = stdout(&manta(ours.path(), &["scan", target]));
    assert!(text.contains("Command execution in first"), "{text}");
    // Named on purpose, it does.
    let output = manta(ours.path(), &["scan", "--config", "manta.toml", target]);
    assert!(!stdout(&output).contains("Command execution in first"), "{}", stdout(&output));
}

#[test]
fn a_setting_that_does_not_exist_fails_the_run() {
    let tree = tree("[scan]\nmin-severity = \"low\"\n");
    let output = manta(tree.path(), &["scan"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error(&output).contains("a setting that does not exist: `scan.min-severity`"), "{}", error(&output));
    assert!(error(&output).contains("hint: did you mean `scan.min_severity`?"), "{}", error(&output));
    assert_eq!(manta(tree.path(), &["scan", "--no-config"]).status.code(), Some(1));
}

#[test]
fn a_baseline_accepts_what_a_scan_would_report() {
    let tree = tree(&format!("[scan]\nexclude = [\"old/**\"]\n\n{ACCEPTED}"));
    server(&tree.path().join("old"));
    // `tool in file` of the accepted findings of one rule; those that only an auditor sees are accepted as well.
    let accepted = || -> Vec<String> {
        let text = fs::read_to_string(tree.path().join("manta-baseline.json")).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        let all = file["findings"].as_array().unwrap().iter();
        all.filter(|entry| entry["rule"] == "command-execution")
            .map(|entry| format!("{} in {}", entry["tools"][0].as_str().unwrap(), entry["file"].as_str().unwrap()))
            .collect()
    };
    let text = stdout(&manta(tree.path(), &["baseline"]));
    assert!(text.contains("only the auditor's report shows"), "{text}");
    assert_eq!(accepted(), ["second in server.py"]);
    let output = manta(tree.path(), &["scan", "--baseline", "manta-baseline.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    // Without the configuration everything is accepted.
    manta(tree.path(), &["baseline", "--no-config"]);
    assert_eq!(accepted().len(), 4, "{:?}", accepted());
}
