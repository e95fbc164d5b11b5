//! Prints random frames that the strict walker accepts, as they would be forwarded, one per line.
//! Other parsers must read each line as one message and as the same message: `cargo xtask ready-guard`
//! compares Node and Python on them. Usage: `accepted_frames ROUNDS`.
#![forbid(unsafe_code)]

use std::io::Write as _;

use manta_mcp::{Direction, Frame, Limits};

const SEEDS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"path":"/a","n":1.5e3,"l":[true,null,-0.0]}}}"#,
    r#"{"jsonrpc":"2.0","id":"xA","method":"prompts/get","params":{"name":"p\u00e9","arguments":{"k":"\ud83d\ude00"}}}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"file:///x","_meta":{"progressToken":1}}}"#,
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
    "\"name\":",
    "\"NAME\"",
    "null",
    "true",
    "1e999",
    "1E5",
    "-0",
    "0.1",
    "9007199254740993",
    "9007199254740991",
    "\r",
    "\t",
    " ",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{0b}",
    "\u{1c}",
    "__proto__",
    "\u{17f}",
    "\u{212a}",
    "\u{130}",
    "\0",
    "\"a\":1,\"A\":2,",
];

fn main() -> std::io::Result<()> {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(100_000_u32);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound as u64).expect("smaller than the bound")
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for _ in 0..rounds {
        let mut frame = SEEDS[below(SEEDS.len())].to_owned();
        for _ in 0..=below(3) {
            let mut at = below(frame.len() + 1);
            while !frame.is_char_boundary(at) {
                at -= 1;
            }
            frame.insert_str(at, TOKENS[below(TOKENS.len())]);
        }
        if let Ok(frame) = Frame::parse(frame.as_bytes(), Direction::ToServer, &Limits::default()) {
            writeln!(out, "{}", frame.wire_text())?;
        }
    }
    out.flush()
}
