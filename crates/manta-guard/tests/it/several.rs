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
