//! A client of one era in front of a server of the other, through the whole guard.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Guarded, OPEN};

fn stateless(id: u64, method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

fn ask(guarded: &mut Guarded, text: &str) -> Value {
    guarded.send(text);
    guarded.receive()
}

/// What the log says about the one call there was.
fn recorded(directory: &Path) -> (usize, usize) {
    let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    let count = |kind: &str| log.matches(&format!("\"kind\":\"{kind}\"")).count();
    (count("intent"), count("outcome"))
}

pub(crate) fn a_client_and_a_server_of_different_eras_stateless_in_front_of_sessions(directory: &Path) {
    let mut guarded = Guarded::start(directory, OPEN, &["sessions"]);
    let list = ask(&mut guarded, &stateless(1, "tools/list", json!({})));
    assert_eq!((&list["id"], &list["result"]["tools"][0]["name"]), (&json!(1), &json!("confirm")), "{list}");
    assert_eq!(list["result"]["resultType"], "complete");
    let discovered = ask(&mut guarded, &stateless(2, "server/discover", json!({})));
    assert_eq!(discovered["result"]["supportedVersions"], json!(["2026-07-28"]), "{discovered}");
    let asked = ask(&mut guarded, &stateless(3, "tools/call", json!({ "name": "confirm", "arguments": {} })));
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let name = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let retry = json!({
        "name": "confirm", "arguments": {}, "requestState": asked["result"]["requestState"],
        "inputResponses": { name: { "action": "accept", "content": {} } },
    });
    let done = ask(&mut guarded, &stateless(4, "tools/call", retry));
    assert_eq!(done["id"], 4);
    assert_eq!(done["result"]["content"][0]["text"], "\"q\" said \"accept\"", "{done}");
    assert_eq!(guarded.close(), 0);
    assert_eq!(recorded(directory), (1, 1), "a retry is the same call");
}

pub(crate) fn a_client_and_a_server_of_different_eras_sessions_in_front_of_stateless(directory: &Path) {
    let mut guarded = Guarded::start(directory, OPEN, &["stateless"]);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": { "elicitation": {} }, "clientInfo": { "name": "c", "version": "1" },
    });
    let opened =
        ask(&mut guarded, &json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string());
    assert_eq!(opened["result"]["protocolVersion"], "2025-11-25", "{opened}");
    guarded.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let list = ask(&mut guarded, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(list["result"]["tools"][0]["name"], "confirm", "{list}");
    let call =
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "confirm", "arguments": {} } });
    let question = ask(&mut guarded, &call.to_string());
    assert_eq!((&question["method"], &question["params"]["message"]), (&json!("elicitation/create"), &json!("sure?")));
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "accept", "content": {} } });
    let done = ask(&mut guarded, &answer.to_string());
    assert_eq!(done["id"], 2);
    assert_eq!(done["result"]["content"][0]["text"], "\"mine\" said accept", "{done}");
    assert_eq!(guarded.close(), 0);
    assert_eq!(recorded(directory), (1, 1));
}
