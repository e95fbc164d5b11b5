//! Random traffic through the engine: no panic, and never a frame that was not read one way.
//!
//! `MANTA_FUZZ=1000000 cargo test -p manta-guard --test it random_traffic` sends more of it.

use manta_guard::engine::{Hidden, ResponseSettings, Settings};
use manta_guard::pin::Integrity;
use manta_mcp::{Direction, Frame, Limits};

use crate::support::{Harness, call, json};

/// A frame that came in over several lines, as a formatted body may, reaches the other side as one line.
#[test]
fn a_frame_leaves_on_one_line() {
    let mut guard = Harness::with(Settings::default(), Integrity::off(), |_| {});
    guard.engine.from_client(b"{\"jsonrpc\":\"2.0\",\n\"id\":1,\n\"method\":\"ping\"}", &mut guard.wire);
    let (server, _) = guard.take();
    assert_eq!(server, [r#"{"jsonrpc":"2.0", "id":1, "method":"ping"}"#]);
}

/// A client drops an answer that is none of the protocol's, and waits for one until it gives up.
#[test]
fn an_answer_that_is_none_of_the_protocols_becomes_one() {
    let mut guard = Harness::with(Settings::default(), Integrity::off(), |_| {});
    for (id, answer) in (1..).zip([
        r#""result":null"#,
        r#""result":[]"#,
        r#""result":"x""#,
        r#""result":7"#,
        r#""error":null"#,
        r#""error":"x""#,
        r#""error":{}"#,
        r#""error":{"code":"-1","message":"x"}"#,
        r#""error":{"code":1.5,"message":"x"}"#,
        r#""error":{"code":-1}"#,
    ]) {
        guard.client(&call(id, "t"));
        guard.log();
        let (_, client) = guard.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#));
        assert_eq!(json(&client[0])["result"]["isError"], true, "{answer}: {client:?}");
        assert!(guard.log().iter().any(|line| line.contains("BadResponse")), "{answer}");
        guard.client(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        let (_, client) = guard.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#));
        assert!(json(&client[0])["error"]["code"].is_i64(), "{answer}: {client:?}");
    }
    for answer in [r#""result":{}"#, r#""error":{"code":-1,"message":"x","data":null,"more":1}"#] {
        guard.client(r#"{"jsonrpc":"2.0","id":99,"method":"ping"}"#);
        let answer = format!(r#"{{"jsonrpc":"2.0","id":99,{answer}}}"#);
        assert_eq!(guard.server(&answer).1, [answer]);
    }
}

/// What the kernel refuses a server, only the server knows; its words stay with the client, and the option is told once.
#[test]
fn a_call_that_fails_over_the_sandbox_gets_a_hint_once() {
    let mut guard = Harness::new();
    let mut ids = 1..;
    let mut fails = |guard: &mut Harness, is_error: bool, text: &str| {
        let id = ids.next().unwrap();
        guard.client(&call(id, "save"));
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{text}"}}],"isError":{is_error}}}}}"#
        );
        assert_eq!(guard.server(&answer).1, [answer]);
        guard.log().iter().filter(|line| *line == "event sandbox-hint server").count()
    };
    assert_eq!(fails(&mut guard, false, "EROFS: read-only file system, open '/x'"), 0, "it did not fail");
    assert_eq!(fails(&mut guard, true, "no such note"), 0);
    assert_eq!(fails(&mut guard, true, "EROFS: read-only file system, open '/x'"), 1);
    assert_eq!(fails(&mut guard, true, "EROFS: read-only file system, open '/y'"), 0, "it was said");
    assert_eq!(fails(&mut guard, true, "getaddrinfo EAI_AGAIN api.example.com"), 1, "something else helps here");
}

#[test]
fn random_traffic_never_panics_and_only_strict_frames_come_out() {
    let seeds = [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"path":"/a"}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"t","inputSchema":{"type":"object"}},{"name":"forbidden"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}],"structuredContent":{"a":1}}}"#,
        r#"{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}}}}"#,
        r#"{"jsonrpc":"2.0","id":3,"result":{"instructions":"do \u200b this","protocolVersion":"2025-11-25"}}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"dangerous","requestState":"manta-approve-1","inputResponses":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"tasks/result","params":{"taskId":"t"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"t"},"content":[{"type":"text","text":"\ud83d\ude00 \u200b"}],"requestState":"\u200b"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"\u202e{\"a\":1}"}}"#,
    ];
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let rounds = std::env::var("MANTA_FUZZ").map_or(60_000, |rounds| rounds.parse().unwrap());
    let responses = ResponseSettings { redact_secrets: true, hidden: Hidden::Strip, mark: true };
    let settings = Settings { responses, ..Settings::default() };
    let mut guard = Harness::with(settings, Integrity::off(), |_| {});
    for round in 0..rounds {
        let mut frame = seeds[next(seeds.len())].as_bytes().to_vec();
        if next(3) > 0 {
            for _ in 0..=next(3) {
                let at = next(frame.len());
                match next(3) {
                    0 => frame[at] = u8::try_from(next(256)).unwrap(),
                    1 => drop(frame.remove(at)),
                    _ => frame.insert(at, b"{}[],:\"\\0\r"[next(10)]),
                }
            }
        }
        if next(2) == 0 {
            guard.engine.from_client(&frame, &mut guard.wire);
        } else {
            guard.engine.from_server(&frame, &mut guard.wire);
        }
        let (server, client) = guard.take();
        for (frames, direction) in [(server, Direction::ToServer), (client, Direction::ToClient)] {
            for frame in frames {
                assert!(!frame.contains(['\n', '\r']), "{frame}");
                let strict = Frame::parse(frame.as_bytes(), direction, &Limits::default());
                assert!(strict.is_ok(), "round {round}: {frame}: {:?}", strict.err());
            }
        }
        guard.log();
    }
    assert!(guard.engine.in_flight() <= 1024);
}
