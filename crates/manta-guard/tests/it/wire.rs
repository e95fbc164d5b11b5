//! Random traffic through the engine: no panic, and never a frame that was not read one way.

use manta_mcp::{Direction, Frame, Limits};

use crate::support::Harness;

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
    ];
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let mut guard = Harness::new();
    for round in 0..60_000 {
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
