//! The servers in `examples/`: what the first command of the README shows.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::{manta, stdout};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `tool: rule` of every finding of an example, sorted, and the exit code.
fn findings(example: &str) -> (Vec<String>, Option<i32>) {
    let output = manta(&root(), &["scan", "-o", "json", &format!("examples/{example}")]);
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(document["completeness"]["complete"], true, "{document:#}");
    let findings = document["findings"].as_array().unwrap().iter();
    let mut found: Vec<String> = findings
        .map(|finding| {
            let tools = finding["tools"].as_array().unwrap().iter().map(|tool| tool.as_str().unwrap());
            format!("{}: {}", tools.collect::<Vec<_>>().join(", "), finding["rule"].as_str().unwrap())
        })
        .collect();
    found.sort();
    (found, output.status.code())
}

#[test]
fn the_plain_array_has_two_vulnerabilities() {
    let output = manta(&root(), &["scan", "examples/my-mcp-server"]);
    let text = stdout(&output);
    for line in [
        "🔍 Scanning MCP server examples/my-mcp-server (TypeScript, 2 tools, 3 files)",
        "[!] CRITICAL: Command execution in shell_exec",
        "[!] HIGH: Path traversal in read_file",
        "✓ Scan complete — 2 vulnerabilities found",
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line} is in\n{text}");
    }
    assert_eq!(output.status.code(), Some(1));
    let expected = ["read_file: path-traversal", "shell_exec: command-execution"];
    assert_eq!(findings("my-mcp-server"), (expected.map(str::to_owned).to_vec(), Some(1)));
}

#[test]
fn the_repair_of_the_tutorials_is_no_repair_and_the_right_one_is() {
    let (found, exit) = findings("tutorial-fix");
    assert!(found.contains(&"read_file: path-prefix-bypass".to_owned()), "{found:?}");
    assert!(!found.iter().any(|finding| finding.starts_with("read_file_safely")), "{found:?}");
    assert_eq!(exit, Some(1));
}

#[test]
fn a_schema_the_sdk_enforces_is_a_check() {
    let expected = ["fetch_page: ssrf", "git_log: command-injection"];
    assert_eq!(findings("sdk-server"), (expected.map(str::to_owned).to_vec(), Some(1)));
}

#[test]
fn python_is_read_the_same_way() {
    let (found, exit) = findings("py-fastmcp");
    for expected in
        ["shell_exec: command-execution", "read_file: path-traversal", "read_file_prefix: path-prefix-bypass"]
    {
        assert!(found.contains(&expected.to_owned()), "{expected} is in {found:?}");
    }
    assert!(!found.iter().any(|finding| finding.starts_with("read_file_safely")), "{found:?}");
    assert_eq!(exit, Some(1));
}

/// After a change of wording: `UPDATE_README=1 cargo test -p manta --test it readme` writes it anew.
#[test]
fn the_readme_shows_what_the_command_prints() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("```text\n").unwrap();
    let (shown, after) = rest.split_once("```").unwrap();
    let printed = stdout(&manta(&root(), &["scan", "examples/my-mcp-server"]));
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}```text\n{printed}```{after}")).unwrap();
    } else {
        assert_eq!(shown, printed);
    }
}

/// Prose goes stale; commands in it shouldn't.
#[test]
fn commands_in_the_documents_work() {
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    for document in ["README.md", "CONTRIBUTING.md", "examples/README.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            if let Some(args) = command.strip_prefix("cargo run --release -- ") {
                let args: Vec<&str> = args.split_whitespace().collect();
                let code = manta(&root(), &args).status.code();
                assert!(matches!(code, Some(0 | 1)), "{document}: {command} ends with {code:?}");
            } else {
                assert!(ci.contains(command), "{document}: {command} is a step of .ci/run");
            }
        }
    }
}
