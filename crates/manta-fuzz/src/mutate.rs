//! Mutations that need no fuzzer: the same for the same seed, so that what a test finds can be found again.

/// A small generator of pseudo-random numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; every seed gives another sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let wide = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
        usize::try_from(wide).unwrap_or(usize::MAX) % end.max(1)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// Pieces with a meaning in one of the languages that are read.
const PIECES: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "\x1b[31m",
    "\\",
    "\"",
    "'",
    "`",
    "${",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    "..",
    "../",
    "/",
    "//",
    "/*",
    "*/",
    "#",
    "?",
    "@",
    ":",
    ";",
    ",",
    "=",
    "=>",
    "--",
    "-",
    "%",
    "%2e%2e%2f",
    "*",
    "+",
    "{1,999}",
    "(?=",
    "(?!",
    "(a|b)*",
    "[^",
    "\\d",
    "\\b",
    "$",
    "^",
    "|",
    "&&",
    "$(",
    "async ",
    "await ",
    "yield ",
    "lambda: ",
    "for x in y:\n ",
    "if ",
    "else:\n ",
    "class A:\n ",
    "def f():\n ",
    "return ",
    "import ",
    "export * from './a'",
    "require('./a')",
    "null",
    "true",
    "1e999",
    "-0",
    "\u{1f600}",
    "\u{d7ff}",
    "[[a]]",
    "a.b=1",
];

/// A variation of `seeds`: one of them after a few small changes, sometimes spliced with another.
#[must_use]
pub fn variation(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = random.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..=random.below(6) {
        change(&mut data, seeds, random);
    }
    data.truncate(1 << 14);
    data
}

fn change(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(data.len() + 1);
    let end = at + random.below((data.len() - at).min(64) + 1);
    match random.below(8) {
        0 => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => drop(data.drain(at..end)),
        2 => {
            let part = data[at..end].to_vec();
            for _ in 0..=random.below(8) {
                data.splice(at..at, part.iter().copied());
            }
        }
        3 => {
            let other = random.pick(seeds).cloned().unwrap_or_default();
            let from = random.below(other.len() + 1);
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
        4 => data.truncate(at),
        5 => data.insert(at, u8::try_from(random.below(256)).unwrap_or(0)),
        _ => {
            let piece = random.pick(PIECES).copied().unwrap_or_default();
            let times = if random.below(16) == 0 { 64 } else { 1 };
            data.splice(at..end, piece.repeat(times).into_bytes());
        }
    }
}
