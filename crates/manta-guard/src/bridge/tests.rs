use super::*;

/// A bridge between a client and a server that are played by hand.
struct Stage(Bridge);

impl Stage {
    fn new() -> Self {
        Self(Bridge::new(true, Limits::default()))
    }

    /// The client (through the engine) says something; what reaches the server.
    fn client(&mut self, message: Value) -> Vec<Value> {
        self.0.to_server(&message.to_string());
        self.at_server()
    }

    /// The server says something; what reaches the client.
    fn server(&mut self, message: Value) -> Vec<Value> {
        self.0.from_server(message.to_string().as_bytes());
        self.at_client()
    }

    fn at_server(&mut self) -> Vec<Value> {
        self.0.out.server.drain(..).map(|text| serde_json::from_str(&text).unwrap()).collect()
    }

    fn at_client(&mut self) -> Vec<Value> {
        self.0.out.engine.drain(..).map(|text| serde_json::from_str(&text).unwrap()).collect()
    }
}

fn ask(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn result(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn error(id: &Value, code: i64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": "no" } })
}

/// A request of the stateless era.
fn stateless(id: impl Into<Value>, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        "io.modelcontextprotocol/clientInfo": { "name": "c", "version": "1" },
    });
    ask(id, method, params)
}

fn opening() -> Value {
    let client = json!({ "name": "c", "version": "1" });
    ask(
        0,
        "initialize",
        json!({ "protocolVersion": "2025-06-18", "capabilities": { "sampling": {} }, "clientInfo": client }),
    )
}

#[test]
fn where_both_speak_the_same_nothing_is_touched() {
    for (first, second) in [
        (opening(), ask(1, "tools/list", json!({}))),
        (stateless(0, "server/discover", json!({})), stateless(1, "tools/list", json!({}))),
    ] {
        let mut stage = Stage::new();
        assert_eq!(stage.client(first.clone()), [first]);
        let answer = result(&json!(0), json!({ "capabilities": {} }));
        assert_eq!(stage.server(answer.clone()), [answer]);
        assert!(stage.0.is_idle());
        assert_eq!(stage.client(second.clone()), [second]);
    }
    // An error that only the stateless era knows is no reason to doubt it.
    let mut stage = Stage::new();
    stage.client(stateless(0, "tools/list", json!({})));
    assert_eq!(stage.server(error(&json!(0), -32022))[0]["error"]["code"], -32022);
    assert!(stage.0.is_idle());
}

#[test]
fn a_server_that_knows_neither_opening_is_left_alone() {
    let mut stage = Stage::new();
    stage.client(opening());
    assert!(stage.server(error(&json!(0), -32601)).is_empty());
    let probe = stage.at_server().remove(0);
    assert_eq!(probe["method"], "server/discover");
    assert!(stage.client(ask(1, "tools/list", json!({}))).is_empty(), "held meanwhile");
    let said = stage.server(error(&probe["id"], -32601));
    assert_eq!(said, [error(&json!(0), -32601)], "the client hears what the server said");
    assert_eq!(stage.at_server()[0]["method"], "tools/list");
    assert!(stage.0.is_idle());
}

#[test]
fn a_server_of_both_eras_that_refuses_a_malformed_request_is_not_taken_for_an_old_one() {
    let mut stage = Stage::new();
    let mut malformed = stateless(0, "server/discover", json!({}));
    malformed["params"]["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
    stage.client(malformed);
    assert!(stage.server(error(&json!(0), -32602)).is_empty());
    let probe = stage.at_server().remove(0);
    assert_eq!(
        stage.server(result(&probe["id"], json!({ "supportedVersions": [STATELESS] }))),
        [error(&json!(0), -32602)]
    );
    assert!(stage.0.is_idle());
}

/// A client with a session, and a server that has none.
fn to_modern() -> Stage {
    let mut stage = Stage::new();
    stage.client(opening());
    stage.server(error(&json!(0), -32601));
    let probe = stage.at_server().remove(0);
    assert_eq!(probe["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"], json!({ "sampling": {} }));
    let hello = json!({
        "resultType": "complete", "supportedVersions": [STATELESS], "ttlMs": 0, "cacheScope": "private",
        "capabilities": { "tools": { "listChanged": true }, "resources": { "subscribe": true } }, "instructions": "be kind",
        "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "s", "version": "2" } },
    });
    let said = stage.server(result(&probe["id"], hello));
    assert_eq!(said[0]["id"], 0);
    let opened = &said[0]["result"];
    assert_eq!(opened["protocolVersion"], "2025-06-18");
    assert_eq!((&opened["serverInfo"]["name"], &opened["instructions"]), (&json!("s"), &json!("be kind")));
    stage
}

#[test]
fn a_session_is_played_for_a_server_that_has_none() {
    let mut stage = to_modern();
    let listening = stage.client(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).remove(0);
    assert_eq!(listening["method"], "subscriptions/listen");
    assert_eq!(listening["params"]["notifications"], json!({ "toolsListChanged": true }));
    let acknowledged = json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {} });
    assert!(stage.server(acknowledged).is_empty());
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
    assert_eq!(stage.server(changed.clone()), [changed]);

    for params in
        [json!({ "name": "t", "arguments": { "a": 1 } }), json!({ "name": "t", "_meta": { "progressToken": 9 } })]
    {
        let sent = stage.client(ask(1, "tools/call", params.clone())).remove(0);
        let meta = &sent["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], STATELESS);
        assert_eq!(meta["progressToken"], params["_meta"]["progressToken"]);
        assert_eq!((&sent["id"], &sent["params"]["name"]), (&json!(1), &json!("t")));
        let answer = result(&json!(1), json!({ "resultType": "complete", "content": [] }));
        assert_eq!(stage.server(answer.clone()), [answer]);
    }
    let bare = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    assert_eq!(stage.client(bare)[0]["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], STATELESS);
    // What the stateless era does not have is answered here.
    assert!(stage.client(ask(3, "ping", json!({}))).is_empty());
    assert_eq!(stage.at_client(), [result(&json!(3), json!({}))]);
    assert!(stage.client(ask(4, "logging/setLevel", json!({ "level": "info" }))).is_empty());
    stage.at_client();
    let sent = stage.client(ask(5, "tools/call", json!({ "name": "t" }))).remove(0);
    assert_eq!(sent["params"]["_meta"]["io.modelcontextprotocol/logLevel"], "info");
    let sent = stage.client(ask(6, "resources/subscribe", json!({ "uri": "x:1" })));
    assert_eq!(sent[0]["method"], "notifications/cancelled");
    assert_eq!(sent[0]["params"]["requestId"], listening["id"]);
    assert_eq!(sent[1]["params"]["notifications"]["resourceSubscriptions"], json!(["x:1"]));
}

#[test]
fn questions_of_an_answer_become_requests_to_the_client() {
    let mut stage = to_modern();
    stage.client(ask("c", "tools/call", json!({ "name": "t", "arguments": { "a": [1, 2] } })));
    let question = |method: &str| json!({ "method": method, "params": { "message": "?" } });
    let asked = json!({
        "resultType": "input_required", "requestState": "s\"1",
        "inputRequests": { "one": question("elicitation/create"), "two": question("sampling/createMessage") },
    });
    let questions = stage.server(result(&json!("c"), asked));
    assert_eq!(questions.len(), 2);
    assert_eq!(questions[0]["params"]["message"], "?");
    assert!(stage.client(result(&questions[0]["id"], json!({ "action": "accept" }))).is_empty(), "one is missing");
    let again = stage.client(result(&questions[1]["id"], json!({ "role": "assistant" }))).remove(0);
    assert_eq!(again["params"]["arguments"], json!({ "a": [1, 2] }));
    assert_eq!(again["params"]["requestState"], "s\"1");
    assert_eq!(
        again["params"]["inputResponses"],
        json!({ "one": { "action": "accept" }, "two": { "role": "assistant" } })
    );
    assert_ne!(again["id"], "c", "a retry has a new id");
    // Cancelled by the id that the client knows.
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "c" } });
    assert_eq!(stage.client(cancel)[0]["params"]["requestId"], again["id"]);
    let done = stage.server(result(&again["id"], json!({ "resultType": "complete", "content": [] })));
    assert_eq!(done[0]["id"], "c");
}

#[test]
fn a_question_that_is_refused_ends_its_call_and_endless_ones_end_too() {
    let mut stage = to_modern();
    stage.client(ask(1, "tools/call", json!({ "name": "t" })));
    let asked = json!({ "resultType": "input_required", "inputRequests": { "q": { "method": "elicitation/create", "params": {} } } });
    let question = stage.server(result(&json!(1), asked)).remove(0);
    assert!(stage.client(error(&question["id"], -31403)).is_empty());
    assert_eq!(stage.at_client()[0]["error"]["message"], "no");
    stage.client(ask(2, "tools/call", json!({ "name": "t" })));
    let bad = json!({ "resultType": "input_required", "inputRequests": { "q": { "method": "tools/call" } } });
    assert!(stage.server(result(&json!(2), bad))[0]["error"].is_object());
    stage.client(ask(3, "tools/call", json!({ "name": "t" })));
    let mut id = json!(3);
    for round in 0..100 {
        let said = stage.server(result(&id, json!({ "resultType": "input_required", "requestState": "s" })));
        if !said.is_empty() {
            assert_eq!((&said[0]["id"], round < 32), (&json!(3), true), "{said:?}");
            return;
        }
        id = stage.at_server()[0]["id"].clone();
    }
    panic!("the server asks without end");
}

/// A stateless client, and a server that wants a session.
fn to_legacy(first: &Value) -> Stage {
    let mut stage = Stage::new();
    stage.client(first.clone());
    assert!(stage.server(error(&first["id"], -32602)).is_empty());
    let probe = stage.at_server().remove(0);
    assert_eq!(probe["method"], "server/discover");
    assert!(stage.server(error(&probe["id"], -32601)).is_empty());
    let probe = stage.at_server().remove(0);
    assert_eq!(probe["method"], "initialize");
    assert_eq!(probe["params"]["capabilities"], json!({ "elicitation": {} }));
    let hello = json!({
        "protocolVersion": WITH_SESSION, "capabilities": { "tools": {}, "logging": {} }, "instructions": "be kind",
        "serverInfo": { "name": "s", "version": "2" },
    });
    stage.server(result(&probe["id"], hello));
    stage
}

#[test]
fn a_session_is_opened_for_a_client_that_knows_none() {
    let mut stage = to_legacy(&stateless(0, "server/discover", json!({})));
    assert_eq!(stage.at_server()[0]["method"], "notifications/initialized");
    let mut stage = to_legacy(&stateless(7, "tools/list", json!({})));
    let sent = stage.at_server();
    assert_eq!((&sent[0]["method"], &sent[1]["method"]), (&json!("notifications/initialized"), &json!("tools/list")));
    let list = stage.server(result(&json!(7), json!({ "tools": [] }))).remove(0);
    assert_eq!(list["result"], json!({ "resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": [] }));
    assert!(stage.client(stateless(8, "server/discover", json!({}))).is_empty());
    let discovered = stage.at_client().remove(0);
    assert_eq!(discovered["result"]["supportedVersions"], json!([STATELESS]));
    assert_eq!(discovered["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "s");
    stage.client(stateless(9, "resources/read", json!({ "uri": "x:1" })));
    assert_eq!(stage.server(error(&json!(9), -32002))[0]["error"]["code"], -32602);
    stage.client(stateless(10, "tools/call", json!({ "name": "t" })));
    assert_eq!(stage.server(result(&json!(10), json!({})))[0]["result"], json!({ "resultType": "complete" }));
}

#[test]
fn requests_of_the_server_become_the_answer_and_the_retry_its_answer() {
    let mut stage = to_legacy(&stateless(0, "tools/list", json!({})));
    stage.at_server();
    stage.client(stateless(1, "tools/call", json!({ "name": "t" })));
    let question = |id: u64| ask(id, "elicitation/create", json!({ "message": format!("{id}?") }));
    let asked = stage.server(question(100)).remove(0);
    assert_eq!((&asked["id"], &asked["result"]["resultType"]), (&json!(1), &json!("input_required")));
    let (name, request) = asked["result"]["inputRequests"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(request, &json!({ "method": "elicitation/create", "params": { "message": "100?" } }));
    assert!(stage.server(question(101)).is_empty(), "one after the other");
    let retry = |id: u64, state: &Value| {
        let responses = json!({ name.clone(): { "action": "accept" } });
        stateless(id, "tools/call", json!({ "name": "t", "requestState": state, "inputResponses": responses }))
    };
    let answered = stage.client(retry(2, &asked["result"]["requestState"])).remove(0);
    assert_eq!(answered, result(&json!(100), json!({ "action": "accept" })));
    let next = stage.at_client().remove(0);
    assert_eq!((&next["id"], &next["result"]["inputRequests"][name]["params"]["message"]), (&json!(2), &json!("101?")));
    stage.client(retry(3, &next["result"]["requestState"]));
    let done = stage.server(result(&json!(1), json!({ "content": [] }))).remove(0);
    assert_eq!((&done["id"], &done["result"]["resultType"]), (&json!(3), &json!("complete")));
    // A state is good once.
    assert!(stage.client(retry(4, &next["result"]["requestState"])).is_empty());
    assert_eq!(stage.at_client()[0]["error"]["code"], -32602);
    // Nobody to ask.
    assert!(stage.server(question(102)).is_empty());
    assert_eq!(stage.at_server()[0]["error"]["code"], -32603);
    stage.server(ask(103, "ping", json!({})));
    assert_eq!(stage.at_server(), [result(&json!(103), json!({}))]);
}

#[test]
fn a_state_goes_on_with_the_call_it_was_given_for_and_no_other() {
    let mut stage = to_legacy(&stateless(0, "tools/list", json!({})));
    stage.at_server();
    stage.client(stateless(1, "tools/call", json!({ "name": "delete", "arguments": { "x": 1 } })));
    let asked = stage.server(ask(100, "elicitation/create", json!({ "message": "?" }))).remove(0);
    let state = &asked["result"]["requestState"];
    let retry = |id: u64, method: &str, mut params: Value| {
        params["requestState"] = state.clone();
        params["inputResponses"] = json!({ "manta-bridge": { "action": "accept" } });
        stateless(id, method, params)
    };
    for (id, method, params) in [
        (2, "tools/call", json!({ "name": "harmless", "arguments": { "x": 1 } })),
        (3, "tools/call", json!({ "name": "delete", "arguments": { "x": 2 } })),
        (4, "tools/call", json!({ "name": "delete" })),
        (5, "prompts/get", json!({ "name": "delete", "arguments": { "x": 1 } })),
        (6, "resources/read", json!({ "uri": "delete" })),
    ] {
        assert!(stage.client(retry(id, method, params)).is_empty());
        assert_eq!(stage.at_client()[0]["error"]["code"], -32602, "{id}");
    }
    let same = json!({ "name": "delete", "arguments": { "x": 1 } });
    assert_eq!(stage.client(retry(7, "tools/call", same)), [result(&json!(100), json!({ "action": "accept" }))]);
}

#[test]
fn a_client_that_never_comes_back_leaves_nothing_behind() {
    let mut stage = to_legacy(&stateless(0, "tools/list", json!({})));
    stage.at_server();
    stage.server(result(&json!(0), json!({ "tools": [] })));
    stage.client(stateless(1, "tools/call", json!({ "name": "t" })));
    stage.server(ask(100, "elicitation/create", json!({ "message": "?" })));
    stage.0.tick(Instant::now() + Duration::from_secs(60));
    assert!(stage.at_server().is_empty());
    stage.0.tick(Instant::now() + Duration::from_secs(601));
    let told = stage.at_server();
    assert_eq!((&told[0]["id"], &told[0]["error"]["code"]), (&json!(100), &json!(-32603)));
    assert_eq!((&told[1]["method"], &told[1]["params"]["requestId"]), (&json!("notifications/cancelled"), &json!(1)));
    let Phase::ToLegacy(bridge) = &stage.0.phase else { panic!("it was one") };
    assert!(bridge.is_empty());
}

#[test]
fn an_answer_that_did_not_wait_is_told_when_the_client_comes_back() {
    let mut stage = to_legacy(&stateless(0, "tools/list", json!({})));
    stage.at_server();
    stage.client(stateless(1, "tools/call", json!({ "name": "t" })));
    let asked = stage.server(ask(100, "roots/list", json!({}))).remove(0);
    assert!(stage.server(result(&json!(1), json!({ "content": ["gave up"] }))).is_empty());
    let params = json!({ "name": "t", "requestState": asked["result"]["requestState"], "inputResponses": {} });
    stage.client(stateless(2, "tools/call", params));
    let done = stage.at_client().remove(0);
    assert_eq!((&done["id"], &done["result"]["content"][0]), (&json!(2), &json!("gave up")));
}

#[test]
fn what_changes_reaches_those_who_listen() {
    let mut stage = to_legacy(&stateless(0, "tools/list", json!({})));
    stage.at_server();
    let wanted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["x:1"] });
    let sent = stage.client(stateless("l", "subscriptions/listen", json!({ "notifications": wanted })));
    assert_eq!((&sent[0]["method"], &sent[0]["params"]["uri"]), (&json!("resources/subscribe"), &json!("x:1")));
    let first = stage.at_client().remove(0);
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "l");
    let said = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
    let changed = stage.server(said("notifications/tools/list_changed", json!({}))).remove(0);
    assert_eq!(changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "l");
    assert!(stage.server(said("notifications/prompts/list_changed", json!({}))).is_empty());
    assert_eq!(stage.server(said("notifications/resources/updated", json!({ "uri": "x:1" }))).len(), 1);
    assert!(stage.server(said("notifications/resources/updated", json!({ "uri": "x:2" }))).is_empty());
    assert!(
        stage.server(said("notifications/message", json!({ "level": "info" }))).is_empty(),
        "nobody asked for logs"
    );
    let cancel = said("notifications/cancelled", json!({ "requestId": "l" }));
    assert_eq!(stage.client(cancel)[0]["method"], "resources/unsubscribe");
    assert!(stage.server(said("notifications/tools/list_changed", json!({}))).is_empty());
}

#[test]
fn a_silent_server_is_asked_in_the_other_era() {
    let mut stage = Stage::new();
    stage.client(stateless(0, "tools/list", json!({})));
    stage.0.tick(Instant::now());
    assert!(stage.at_server().is_empty());
    stage.0.tick(Instant::now() + SILENCE * 2);
    let probe = stage.at_server().remove(0);
    assert_eq!(probe["method"], "initialize");
    stage.server(result(&probe["id"], json!({ "protocolVersion": WITH_SESSION, "capabilities": {} })));
    let sent = stage.at_server();
    assert_eq!((&sent[1]["method"], &sent[1]["id"]), (&json!("tools/list"), &json!(0)), "asked again");
}

#[test]
fn members_are_put_into_objects_of_every_form() {
    assert_eq!(with_members("{}", "\"a\":1"), "{\"a\":1}");
    assert_eq!(with_members("{ }", "\"a\":1"), "{\"a\":1 }");
    assert_eq!(with_members("{\"b\":2}", "\"a\":1"), "{\"a\":1,\"b\":2}");
}
