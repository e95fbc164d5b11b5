//! The hash that links one line to the next.

use sha2::{Digest as _, Sha256};

use crate::digest::Hex;

/// What the first record of a log has as `prev`.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// Number of a record. What no log comes to, and other readers of JSON would round, is none: the next one must be one more.
pub(super) fn seq_of(record: &serde_json::Value) -> Option<u64> {
    record.get("seq")?.as_u64().filter(|seq| *seq < 1 << 53)
}

/// A line's hash in the form in which the next line names it.
pub(super) type LineHash = Hex<64>;

/// The last record of a chain: what the next one must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    /// Number of the last record; 0 when there is none yet.
    pub(super) seq: u64,
    /// Hash of its line.
    pub(super) hash: LineHash,
}

impl Default for Tip {
    fn default() -> Self {
        Self { seq: 0, hash: Hex::of(&GENESIS) }
    }
}

/// SHA-256(0x00 ‖ line) without the line end: also the leaf hash of RFC 6962, so that a Merkle tree over a
/// log can be built later without hashing anything again.
pub(super) fn line_hash(line: &[u8]) -> LineHash {
    Hex::of(&Sha256::new().chain_update([0]).chain_update(line).finalize())
}
