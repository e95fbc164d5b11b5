//! How much of a target is read. Each limit is named in the report when it is reached.

/// Bounds on one target. The defaults keep a whole scan below 1 GiB of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest source file, in bytes. Syntax trees take some twenty times the size of their source.
    pub file_bytes: u64,
    /// All files together, in bytes.
    pub total_bytes: u64,
    /// Directory entries or archive members, read or not.
    pub entries: usize,
    /// Directories inside one another.
    pub depth: usize,
    /// Size of an archive as it lies on disk, in bytes.
    pub archive_bytes: u64,
    /// What an archive may unpack to, in bytes, read or not.
    pub expanded_bytes: u64,
    /// How many times larger an archive may unpack to than it is; counted above [`Limits::RATIO_FREE_BYTES`].
    pub expansion_ratio: u64,
}

impl Limits {
    /// Archives that unpack to less than this are never refused for their ratio: a small file of zeros is no bomb.
    pub const RATIO_FREE_BYTES: u64 = 16 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 16 << 20,
            total_bytes: 128 << 20,
            entries: 200_000,
            depth: 64,
            archive_bytes: 256 << 20,
            expanded_bytes: 512 << 20,
            expansion_ratio: 200,
        }
    }
}

/// `16 MiB`.
pub(super) fn megabytes(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{} MiB", bytes >> 20) }
}
