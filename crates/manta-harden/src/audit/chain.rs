//! The hash that links one line to the next.

use sha2::{Digest as _, Sha256};

use crate::digest::hex;

/// What the first record of a log has as `prev`.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The last record of a chain: what the next one must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tip {
    /// Number of the last record; 0 when there is none yet.
    pub(super) seq: u64,
    /// Hash of its line.
    pub(super) hash: String,
}

impl Default for Tip {
    fn default() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// SHA-256(0x00 ‖ line) without the line end: also the leaf hash of RFC 6962, so that a Merkle tree over a
/// log can be built later without hashing anything again.
pub(super) fn line_hash(line: &[u8]) -> String {
    hex(&Sha256::new().chain_update([0]).chain_update(line).finalize())
}
