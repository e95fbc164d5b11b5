//! What a user sees: output, errors and exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs manta in `directory` with nothing of this machine's environment.
pub(crate) fn manta(directory: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_manta")).args(args).current_dir(directory).env_clear().output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn nothing_to_scan_is_no_success() {
    let empty = tempfile::tempdir().unwrap();
    for format in ["human", "json", "sarif", "github", "gitlab", "markdown", "html", "junit"] {
        let output = manta(empty.path(), &["scan", "-o", format]);
        assert_eq!(output.status.code(), Some(3), "{format}");
        assert!(!output.stdout.is_empty(), "{format}");
    }
    let text = stdout(&manta(empty.path(), &["scan"]));
    assert_eq!(
        text,
        "🔍 Scanning MCP server . (0 tools, 0 files)\n\n\
         ⚠ Nothing to scan — no MCP server found (0 tools, 0 of 0 handlers resolved, 0 files analysed)\n"
    );
}

#[test]
fn a_missing_target_is_a_failure_and_the_others_are_scanned() {
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir(empty.path().join("there")).unwrap();
    let output = manta(empty.path(), &["scan", "missing", "there"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: failed to read missing: "), "{}", stderr(&output));
    assert!(stdout(&output).contains("Scanning MCP server there"));
}

#[test]
fn mistakes_on_the_command_line_fail_with_a_hint() {
    let empty = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (vec!["scan", "-o", "xml"], "`xml` is none of human, json, sarif, github, gitlab, markdown, html, junit"),
        (vec!["scan", "-o", "json="], "there is no file after `=`"),
        (vec!["scan", "-o", "json", "-o", "human"], "json can't share standard output with another format"),
        (vec!["scan", "--fail-on", "bad"], "`bad` is none of info, low, medium, high, critical, never"),
        (vec!["scan", "--only", "no-such-rule"], "there is no rule `no-such-rule`"),
        (vec!["explain", "no-such-rule"], "there is no rule `no-such-rule`"),
        (vec!["scan", "-o", "json=no/such/dir/x.json"], "failed to write no/such/dir/x.json"),
    ] {
        let output = manta(empty.path(), &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

/// As a pipeline's step does whose output is kept in a file.
#[test]
fn standard_output_by_its_path_empties_nothing() {
    let tree = tempfile::tempdir().unwrap();
    let kept = tree.path().join("log");
    let status = Command::new(env!("CARGO_BIN_EXE_manta"))
        .args(["scan", "-o", "human", "-o", "github=/dev/stdout"])
        .current_dir(tree.path())
        .env_clear()
        .stdout(fs::File::create(&kept).unwrap())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(3));
    let text = fs::read_to_string(kept).unwrap();
    assert!(text.starts_with('🔍') && text.contains("\n::"), "{text:?}");
}

#[test]
fn several_formats_in_one_run() {
    let empty = tempfile::tempdir().unwrap();
    let output = manta(empty.path(), &["scan", "-o", "human", "-o", "json=a.json", "-o", "sarif=b.sarif"]);
    assert_eq!(output.status.code(), Some(3));
    for file in ["a.json", "b.sarif"] {
        let text = fs::read_to_string(empty.path().join(file)).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}

#[test]
fn targets_come_from_a_list_and_leave_in_its_order() {
    let root = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..50).map(|number| format!("s{number:02}")).collect();
    for name in &names {
        fs::create_dir(root.path().join(name)).unwrap();
    }
    fs::write(root.path().join("list"), names.join("\n")).unwrap();
    let output = manta(root.path(), &["scan", "--targets-from", "list", "-o", "json", "--jobs", "4"]);
    let targets: Vec<String> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["target"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(targets, names);
}

#[test]
fn a_hostile_target_name_does_not_reach_the_terminal() {
    let empty = tempfile::tempdir().unwrap();
    let output = manta(empty.path(), &["scan", "\u{1b}[31mred"]);
    assert!(stderr(&output).contains("⟨U+001B⟩[31mred"), "{}", stderr(&output));
}

#[test]
fn every_command_explains_itself() {
    let empty = tempfile::tempdir().unwrap();
    for args in [vec!["--help"], vec!["scan", "--help"], vec!["tools", "--help"], vec!["explain", "--help"]] {
        let output = manta(empty.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(stdout(&output).contains("Example"), "{args:?}");
    }
    for args in [vec!["rules"], vec!["completions", "bash"], vec!["man"], vec!["man", "scan"]] {
        let output = manta(empty.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(stdout(&output).contains("rules"), "{args:?}");
    }
}

fn git(directory: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let done = Command::new("git")
        .args(identity)
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_diff_shows_what_a_change_brings_and_counts_the_rest() {
    let tree = tempfile::tempdir().unwrap();
    let tool = |name: &str| {
        format!("@mcp.tool()\ndef {name}(command: str) -> str:\n    return subprocess.getoutput(command)\n\n")
    };
    let head = "import subprocess\nfrom mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP('s')\n\n";
    let server = tree.path().join("server");
    fs::create_dir(&server).unwrap();
    fs::write(server.join("server.py"), format!("{head}{}", tool("old"))).unwrap();
    git(tree.path(), &["init", "-q"]);
    git(tree.path(), &["add", "."]);
    git(tree.path(), &["commit", "-qm", "first"]);
    fs::write(server.join("server.py"), format!("{head}# moved\n\n{}{}", tool("old"), tool("new"))).unwrap();

    let path = std::env::var("PATH").unwrap();
    let scan = |revision: &str| {
        Command::new(env!("CARGO_BIN_EXE_manta"))
            .args(["scan", "server", "--diff", revision])
            .current_dir(tree.path())
            .env_clear()
            .env("PATH", &path)
            .output()
            .unwrap()
    };
    let output = scan("HEAD");
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Command execution in new"), "{text}");
    assert!(!text.contains("Command execution in old"), "{text}");
    assert!(text.contains("1 in the baseline"), "{text}");

    let output = scan("no-such-branch");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no commit `no-such-branch`"), "{}", stderr(&output));
}

/// Variables that git has, or that lie in no repository, are read; what git is not given is where it belongs.
#[test]
fn credentials_in_files_of_variables_count_where_they_are_published() {
    let tree = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = tree.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let value = ["q8Zr71kLmN", "02xP4v"].concat();
    let variables = format!("PORT=3000\nAPI_TOKEN={value}\n");
    for name in [".env", "deploy/prod.env", ".env.example", "tests/.env"] {
        write(name, &variables);
    }
    write(
        "server.py",
        "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('s')\n@mcp.tool()\ndef a() -> str:\n    return 'a'\n",
    );
    let places = || {
        let output = manta(tree.path(), &["scan", "-o", "json", "."]);
        assert!(!stdout(&output).contains(&value), "the value is never printed");
        let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let secrets = findings.filter(|finding| finding["rule"] == "exposed-secret");
        secrets.map(|finding| finding["location"]["file"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(places(), [".env", "deploy/prod.env"]);
    git(tree.path(), &["init", "-q"]);
    assert_eq!(places(), [".env", "deploy/prod.env"], "a repository without an index says nothing");
    git(tree.path(), &["add", "server.py", "deploy"]);
    assert_eq!(places(), ["deploy/prod.env"]);
    let output = manta(tree.path(), &["scan", ".env"]);
    assert!(stdout(&output).contains("credential in plain text"), "named, it is read: {}", stdout(&output));
}

/// A word that is wrong in the guard's settings is found before there is a guard to refuse it.
#[cfg(all(feature = "guard", unix))]
#[test]
fn a_policy_is_checked_with_the_settings_of_the_guard() {
    let directory = tempfile::tempdir().unwrap();
    for (settings, wrong) in [
        ("[guard]\nsandboxx = \"B\"", Some("sandboxx")),
        ("[guard]\nelicitation = \"denied\"", Some("denied")),
        ("[guard]\nmax_in_flight = -1", Some("-1")),
        (
            "[server.a]\ncommand = [\"x\"]\n[server.a.guard]\nhiden = \"strip\"",
            Some("[server.a]: [guard]: unknown field `hiden`"),
        ),
        ("[guard]\nsampling = \"deny\"\n[server.a]\ncommand = [\"x\"]\nguard.hidden = \"strip\"", None),
    ] {
        fs::write(directory.path().join("manta.toml"), format!("version = 1\n{settings}\n")).unwrap();
        let output = manta(directory.path(), &["policy", "check"]);
        assert_eq!(output.status.success(), wrong.is_none(), "{settings}: {}", stderr(&output));
        assert!(wrong.is_none_or(|wrong| stderr(&output).contains(wrong)), "{settings}: {}", stderr(&output));
    }
}

/// Whether a log is whole can only be said with its head or its checkpoints, and a script asks the exit code.
#[cfg(feature = "guard")]
#[test]
fn what_verify_cannot_know_is_no_success() {
    use manta_harden::audit::{AuditLog, CallInfo, Options, Outcome};
    use manta_harden::redact::Redactor;
    use std::sync::Arc;

    let directory = tempfile::tempdir().unwrap();
    let options = Options::new(Redactor::new([1; 32]));
    let log = Arc::new(AuditLog::open(directory.path().join("audit.jsonl"), options).unwrap());
    for tool in ["a", "b"] {
        log.begin(CallInfo { tool: tool.into(), ..CallInfo::default() }).unwrap().finish(Outcome::success(5)).unwrap();
    }
    drop(log);
    let verify = || manta(directory.path(), &["audit", "verify", "audit.jsonl"]);
    assert_eq!(verify().status.code(), Some(0), "{}", stdout(&verify()));
    for beside in ["audit.jsonl.head", "audit.jsonl.checkpoints"] {
        fs::remove_file(directory.path().join(beside)).unwrap();
    }
    assert_eq!(verify().status.code(), Some(3));
    assert!(stdout(&verify()).contains("a missing end would not show"), "{}", stdout(&verify()));
    let text = fs::read_to_string(directory.path().join("audit.jsonl")).unwrap();
    fs::write(directory.path().join("audit.jsonl"), text.replace("\"b\"", "\"c\"")).unwrap();
    assert_eq!(verify().status.code(), Some(1));
}

/// A log may come from whoever it accuses.
#[cfg(feature = "guard")]
#[test]
fn no_log_drives_its_reader() {
    let directory = tempfile::tempdir().unwrap();
    let hostile = "\u{9b}2J\u{85}\u{2028}\u{202e}\\u001b[2J\\naudit.jsonl: intact; 9 records";
    let record = |seq: u64, kind: &str, call: &str| {
        format!(
            "{{\t\"seq\":{seq},\"kind\":\"{kind}\",\"prev\":\"0\",\"timestamp\":\"2026-11-24T11:20:42.000001Z\",\
             \"call\":\"{call}{hostile}\",\"tool\":\"t{hostile}\",\"params\":{{\"x\":\"{hostile}\"}},\
             \"error\":{{\"message\":\"{hostile}\"}}}}\n"
        )
    };
    let log = [record(1, "intent", "a"), record(2, "intent", "b"), record(3, "outcome", "a")].concat();
    fs::write(directory.path().join("audit.jsonl"), log).unwrap();
    for args in
        [&["verify"][..], &["tail"], &["show"], &["show", "--json"], &["export", "--cef"], &["export", "--ocsf"]]
    {
        let told = stdout(&manta(directory.path(), &[&["audit"], args, &["audit.jsonl"]].concat()));
        let is_seen = |c: char| c == '\n' || !manta_core::untrusted::is_invisible(c);
        assert!(!told.is_empty() && told.chars().all(is_seen), "{args:?}: {told:?}");
        assert!(!told.lines().any(|line| line.starts_with("audit.jsonl: intact")), "{args:?}: {told}");
        if args.contains(&"--json") {
            let told: Vec<serde_json::Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!(
                told.len() == 3
                    && told[0]["call"].as_str().unwrap().starts_with("a\u{9b}2J\u{85}\u{2028}\u{202e}\u{1b}")
            );
        }
    }
}
