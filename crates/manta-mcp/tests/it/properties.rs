//! Random frames: no panic, and nothing is accepted that another parser reads differently.

use manta_mcp::{Direction, Frame, Limits, Part, scan::IdScanner};

/// A small deterministic generator (xorshift64*), so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

const SEEDS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"path":"/a","n":1.5e3,"l":[true,null]}}}"#,
    r#"{"jsonrpc":"2.0","id":"x\u0041","method":"initialize","params":{"_meta":{"progressToken":1},"capabilities":{}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#,
    r#"{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"a\n\ud83d\ude00"}],"isError":false}}"#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#,
];

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\"id\"",
    "\"Id\"",
    "\"method\"",
    "\"params\"",
    "\"name\"",
    "\"NAME\"",
    "null",
    "true",
    "1e999",
    "-0",
    "9007199254740993",
    "\r",
    "\n",
    "\t",
    " ",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    "__proto__",
    "\u{17f}",
    "\u{212a}",
    "\0",
    "\"a\":1,\"a\":2",
];

fn mutate(random: &mut Random, frame: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(frame.len() + 1);
        match random.below(4) {
            0 if at < frame.len() => frame[at] = u8::try_from(random.below(256)).unwrap(),
            1 if at < frame.len() => drop(frame.remove(at)),
            2 => {
                let end = at + random.below(frame.len() - at + 1).min(40);
                let piece = frame[at..end].to_vec();
                let to = random.below(frame.len() + 1);
                frame.splice(to..to, piece);
            }
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                frame.splice(at..at, token.bytes());
            }
        }
    }
}

#[test]
fn accepted_frames_are_json_and_mean_what_the_spans_say() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for round in 0..200_000 {
        let mut frame = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        mutate(&mut random, &mut frame);
        let direction = if random.below(2) == 0 { Direction::ToServer } else { Direction::ToClient };
        // Must not panic on anything.
        let scanner = IdScanner::scan(&frame);
        let Ok(parsed) = Frame::parse(&frame, direction, &Limits::default()) else { continue };
        accepted += 1;
        let shown = String::from_utf8_lossy(&frame).into_owned();
        let tree: serde_json::Value = serde_json::from_slice(&frame).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(tree.get("method").and_then(|m| m.as_str()).unwrap_or(""), parsed.method(), "{shown}");
        let name = tree.pointer("/params/name").and_then(|name| name.as_str());
        assert_eq!(name, parsed.string(Part::Name).as_deref(), "{shown}");
        assert_eq!(tree.pointer("/params/arguments"), parsed.value(Part::Arguments).as_ref(), "{shown}");
        let rewritten: serde_json::Value = serde_json::from_str(&parsed.wire_text()).unwrap();
        assert_eq!(tree, rewritten, "{shown}");
        if let Some(found) = scanner.id() {
            assert_eq!(Some(found), parsed.id(), "{shown}");
        }
    }
    assert!(accepted > 10_000, "the generator must also produce acceptable frames, got {accepted}");
}

#[test]
fn every_truncation_is_refused() {
    for seed in SEEDS {
        for end in 0..seed.len() {
            for direction in [Direction::ToServer, Direction::ToClient] {
                assert!(Frame::parse(&seed.as_bytes()[..end], direction, &Limits::default()).is_err());
            }
        }
    }
}
