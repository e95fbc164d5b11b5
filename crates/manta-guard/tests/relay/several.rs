//! Several servers behind one guard.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Guarded;
use super::http::{Front, text_of};

fn policy() -> String {
    let program = std::env::current_exe().unwrap();
    let program = program.to_str().unwrap();
    format!(
        r#"
version = 1
[limits.default]
calls = 1000
per = "60s"
[server.one]
command = ["{program}", "server"]
tools.echo.args.text = {{ kind = "string", charset = "any" }}
tools.die = {{}}
tools.silence = {{}}
[server.two]
command = ["{program}", "server"]
prefix = "zwei"
env = {{ WHO = "two" }}
tools.environment = {{}}
tools.echo.args.text = {{ kind = "string", max_len = 5 }}
"#
    )
}

fn start(directory: &Path, policy: &str) -> Guarded {
    fs::write(directory.join("manta.toml"), policy).unwrap();
    let mut command = Command::new(super::GUARD);
    command.args(["--policy", "manta.toml"]).current_dir(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut guarded = Guarded::around(command.spawn().unwrap());
    guarded.send(r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#);
    let opened = guarded.receive();
    assert_eq!((&opened["id"], &opened["result"]["serverInfo"]["name"]), (&json!("open"), &json!("manta-guard")));
    guarded.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    guarded
}

fn tools(guarded: &mut Guarded) -> Vec<String> {
    guarded.send(r#"{"jsonrpc":"2.0","id":"list","method":"tools/list"}"#);
    loop {
        let answer = guarded.receive();
        if answer["id"] == "list" {
            let names = answer["result"]["tools"].as_array().unwrap().iter();
            return names.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        }
    }
}

pub(crate) fn each_server_has_its_names_its_rules_and_its_sandbox(directory: &Path) {
    let mut guarded = start(directory, &policy());
    assert_eq!(guarded.call("one_echo", &json!({ "text": "longer than five" })), "longer than five");
    assert_eq!(guarded.call("zwei_echo", &json!({ "text": "short" })), "short");
    assert!(
        guarded.call("zwei_echo", &json!({ "text": "longer than five" })).contains("server.two.tools.echo.args.text")
    );
    assert!(guarded.call("zwei_environment", &json!({})).contains("WHO=two"));
    assert!(guarded.call("one_environment", &json!({})).starts_with("denied by manta guard"));
    assert!(guarded.call("nobody_echo", &json!({})).contains("no server behind this guard"));
    assert_eq!(tools(&mut guarded), ["one_echo", "zwei_echo"]);
    // What was never listed can be called only while nobody has seen the list.
    assert_eq!(guarded.call("zwei_echo", &json!({ "text": "short" })), "short");
    assert!(guarded.call("zwei_environment", &json!({})).contains("was not listed"));
    assert_eq!(guarded.close(), 0);
}

pub(crate) fn a_server_that_dies_is_started_again_and_its_calls_are_answered(directory: &Path) {
    let mut guarded = start(directory, &policy());
    let (silent, deadly) = (guarded.post("one_silence", &json!({})), guarded.post("one_die", &json!({})));
    let mut lost: Vec<Value> = (0..2).map(|_| guarded.receive()).collect();
    lost.sort_by_key(|answer| answer["id"].as_u64());
    assert_eq!((&lost[0]["id"], &lost[1]["id"]), (&json!(silent), &json!(deadly)));
    assert!(lost.iter().all(|answer| answer["error"]["code"] == -32603), "{lost:?}");
    assert_eq!(guarded.call("zwei_echo", &json!({ "text": "alive" })), "alive", "the other goes on");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let id = guarded.post("one_echo", &json!({ "text": "back" }));
        let answer = loop {
            let answer = guarded.receive();
            if answer["id"] == id {
                break answer;
            }
        };
        if answer["result"]["content"][0]["text"] == "back" {
            break;
        }
        assert!(answer["error"]["message"].as_str().unwrap().contains("started again"), "{answer}");
        assert!(std::time::Instant::now() < deadline, "it never comes back");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(guarded.close(), 0);
}

/// Each server's guard lets its own callers wait; those of the others do not notice.
pub(crate) fn more_calls_than_a_server_may_have_in_flight_wait_for_their_turn(directory: &Path) {
    let slow =
        "tools.slow.args = { ms = { kind = \"number\" }, text = { kind = \"string\" } }\nguard.max_in_flight = 3\n";
    let mut guarded = start(directory, &policy().replace("tools.silence = {}\n", slow));
    for _ in 0..60 {
        guarded.post("one_slow", &json!({ "ms": 20, "text": "done" }));
    }
    let quick = guarded.post("zwei_echo", &json!({ "text": "quick" }));
    let messages = std::iter::repeat_with(|| guarded.receive()).filter(|message| !message["id"].is_null());
    let answers: Vec<Value> = messages.take(61).collect();
    let place = answers.iter().position(|answer| answer["id"] == quick).unwrap();
    assert!(place < 30, "it waited for {place} calls of the other server");
    for answer in answers.iter().filter(|answer| answer["id"] != quick) {
        assert_eq!(answer["result"]["content"][0]["text"], "done", "{answer}");
    }
    assert_eq!(guarded.close(), 0);
}

pub(crate) fn another_session_of_several_servers_is_no_other_window_either(directory: &Path) {
    let audit = "[audit]\npath = \"records/log.jsonl\"\n";
    fs::create_dir(directory.join("records")).unwrap();
    let front = Front::start(
        directory,
        &policy().replace("calls = 1000", "calls = 3").replace("[limits", &format!("{audit}[limits")),
    );
    let answers: Vec<String> = (0..5)
        .map(|id| {
            let session = front.open();
            text_of(&front.call(&session, id, "one_echo", &json!({ "text": "ran" })))
        })
        .collect();
    assert_eq!(answers[..3], ["ran", "ran", "ran"]);
    for refused in &answers[3..] {
        assert!(refused.contains("rate limit: 3 calls"), "{refused}");
    }
    let session = front.open();
    let refused_by_its_rule = front.call(&session, 6, "zwei_echo", &json!({ "text": "longer than five" }));
    assert!(refused_by_its_rule.body.contains("server.two.tools.echo.args.text"), "{}", refused_by_its_rule.body);
    for id in 7..10 {
        assert_eq!(text_of(&front.call(&session, id, "zwei_echo", &json!({ "text": "ran" }))), "ran");
    }
    assert!(front.call(&session, 10, "zwei_echo", &json!({ "text": "ran" })).body.contains("rate limit"));
    let log = fs::read_to_string(directory.join("records/log.jsonl")).unwrap();
    assert_eq!(
        log.lines().filter(|line| line.contains("\"outcome\"") && line.contains("limits.default")).count(),
        3,
        "{log}"
    );
}

pub(crate) fn names_that_could_mean_two_servers_are_refused(directory: &Path) {
    fs::write(directory.join("manta.toml"), policy().replace("prefix = \"zwei\"", "prefix = \"one_two\"")).unwrap();
    let output = Command::new(super::GUARD)
        .args(["--policy", "manta.toml"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't be told apart"));
}

/// The same policy with nothing but `environment` for the second server.
fn narrowed() -> String {
    policy().replace("tools.echo.args.text = { kind = \"string\", max_len = 5 }\n", "")
}

pub(crate) fn several_servers_read_the_policy_again(directory: &Path) {
    let mut guarded = start(directory, &policy());
    assert_eq!(guarded.call("zwei_echo", &json!({ "text": "x" })), "x");
    for policy in [narrowed(), "nonsense = true\n".to_owned()] {
        fs::write(directory.join("manta.toml"), policy).unwrap();
        super::hang_up(&guarded.process);
        assert!(guarded.call("zwei_echo", &json!({ "text": "x" })).starts_with("denied by manta guard"));
        assert_eq!(guarded.call("one_echo", &json!({ "text": "x" })), "x");
    }
    assert_eq!(guarded.close(), 0);
}

pub(crate) fn several_servers_over_http_read_the_policy_again(directory: &Path) {
    let audit = "[audit]\npath = \"records/log.jsonl\"\n";
    fs::create_dir(directory.join("records")).unwrap();
    let with_records = |policy: String| policy.replace("[limits", &format!("{audit}[limits"));
    let front = Front::start(directory, &with_records(policy()));
    let before = front.open();
    let says = |session: &str, id: u32, tool: &str| text_of(&front.call(session, id, tool, &json!({ "text": "x" })));
    assert_eq!(says(&before, 1, "zwei_echo"), "x");
    front.reload(directory, &with_records(narrowed()));
    for session in [&before, &front.open()] {
        assert!(says(session, 2, "zwei_echo").starts_with("denied by manta guard"));
        assert_eq!(says(session, 3, "one_echo"), "x");
    }
}
