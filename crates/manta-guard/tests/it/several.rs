//! Several servers behind one guard, frame by frame.

use manta_guard::mux::{Mux, Wire};
use manta_mcp::Limits;

#[derive(Default)]
struct Seen {
    client: Vec<String>,
    servers: Vec<(usize, String)>,
}

impl Wire for Seen {
    fn to_client(&mut self, frame: &str) {
        self.client.push(frame.to_owned());
    }

    fn to_server(&mut self, server: usize, frame: &str) {
        self.servers.push((server, frame.to_owned()));
    }

    fn note(&mut self, _: &str) {}
}

/// Whichever server says first that a task is its own is asked about it: another could answer in its place otherwise.
#[test]
fn a_server_can_not_take_the_task_of_another() {
    for begun in [r#""task":{"taskId":"t"}"#, r#""resultType":"task","taskId":"t""#] {
        let (mut mux, mut wire) =
            (Mux::new(&[("a".into(), None), ("b".into(), None)], Limits::default()), Seen::default());
        for (server, name) in ["a_x", "b_x"].into_iter().enumerate() {
            let call =
                format!(r#"{{"jsonrpc":"2.0","id":{server},"method":"tools/call","params":{{"name":"{name}"}}}}"#);
            mux.from_client(call.as_bytes(), &mut wire);
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{server},"result":{{{begun}}}}}"#);
            mux.from_server(server, answer.as_bytes(), &mut wire);
        }
        let mut asked = |mux: &mut Mux, id: u32| {
            wire.servers.clear();
            let ask = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tasks/result","params":{{"taskId":"t"}}}}"#);
            mux.from_client(ask.as_bytes(), &mut wire);
            wire.servers.first().map(|(server, _)| *server)
        };
        assert_eq!(asked(&mut mux, 7), Some(0), "{begun}");
        mux.server_ended(0, &mut Seen::default());
        assert_eq!(asked(&mut mux, 8), None, "what begins it anew is another process");
    }
}

/// A word about progress, a question or a resource is taken from whom it is about.
#[test]
fn a_server_does_not_speak_for_another() {
    let (mut mux, mut wire) = (Mux::new(&[("a".into(), None), ("b".into(), None)], Limits::default()), Seen::default());
    mux.from_client(br#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, &mut wire);
    let asked = std::mem::take(&mut wire.servers);
    for (server, uri) in ["file:///a", "file:///b"].into_iter().enumerate() {
        let (_, question) = asked.iter().find(|(to, _)| *to == server).unwrap();
        let id = serde_json::from_str::<serde_json::Value>(question).unwrap()["id"].to_string();
        let answer =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resources":[{{"uri":"{uri}","name":"r"}}]}}}}"#);
        mux.from_server(server, answer.as_bytes(), &mut wire);
    }
    for (id, name) in [(2, "a_x"), (3, "b_x")] {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","_meta":{{"progressToken":"t{id}"}}}}}}"#
        );
        mux.from_client(call.as_bytes(), &mut wire);
    }
    wire.client.clear();
    mux.from_server(0, br#"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}"#, &mut wire);
    let question: serde_json::Value = serde_json::from_str(&wire.client.pop().unwrap()).unwrap();
    let about = |method: &str, what: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{what}}}}}"#)
    };
    for (word, from_a, from_b) in [
        (about("progress", r#""progressToken":"t2","progress":1"#), true, false),
        (about("progress", r#""progressToken":"t3","progress":1"#), false, true),
        (about("progress", r#""progressToken":"over","progress":1"#), true, true),
        (about("resources/updated", r#""uri":"file:///a""#), true, false),
        (about("resources/updated", r#""uri":"file:///new""#), true, true),
        (about("cancelled", r#""requestId":7"#), true, false),
        (about("cancelled", &format!(r#""requestId":{}"#, question["id"])), false, false),
        (about("message", r#""level":"info","data":1"#), true, true),
    ] {
        for (server, passes) in [(0, from_a), (1, from_b)] {
            wire.client.clear();
            mux.from_server(server, word.as_bytes(), &mut wire);
            assert_eq!(wire.client.len(), usize::from(passes), "{server}: {word}");
            if word.contains("cancelled") && passes {
                // Under the name that the client knows the question by.
                assert!(wire.client[0].contains(&question["id"].to_string()), "{}", wire.client[0]);
            }
        }
    }
}
