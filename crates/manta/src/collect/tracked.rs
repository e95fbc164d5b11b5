//! What git has of a directory, by the index of its repository and without running git.
//!
//! A file of credentials that lies beside the code and is in no commit is where it belongs; one that git has is published
//! with the next push.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// Larger indexes are of repositories with about a million files.
const LARGEST: u64 = 128 << 20;

/// The index of the repository in which a directory lies.
#[derive(Debug)]
pub(super) struct Index {
    bytes: Vec<u8>,
    /// The directory seen from the root of the repository, empty or ending in `/`.
    prefix: String,
}

impl Index {
    /// `None` when the directory lies in no repository, or its index can't be read: then nothing is known.
    pub(super) fn of(directory: &Path) -> Option<Self> {
        let directory = fs::canonicalize(directory).ok()?;
        let root = directory.ancestors().find(|above| above.join(".git").is_dir())?;
        let parts = directory.strip_prefix(root).ok()?.components();
        let prefix = parts.map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect();
        let mut bytes = Vec::new();
        File::open(root.join(".git/index")).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        // Since version 4, names are only what differs from the name before.
        let is_plain = bytes.starts_with(b"DIRC\0\0\0\x02") || bytes.starts_with(b"DIRC\0\0\0\x03");
        is_plain.then_some(Self { bytes, prefix })
    }

    /// Whether git has a file. An entry's name stands behind its length and ends with a zero.
    pub(super) fn has(&self, path: &str) -> bool {
        const LENGTH: usize = 0xfff;
        let name = format!("{}{path}\0", self.prefix).into_bytes();
        let is_length = |bytes: &[u8]| {
            let flags = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
            flags & LENGTH == (name.len() - 1).min(LENGTH)
        };
        // In version 3 there may be two more bytes of flags.
        let is_entry = |at: usize| {
            [2, 4]
                .iter()
                .any(|back| at.checked_sub(*back).and_then(|at| self.bytes.get(at..at + 2)).is_some_and(is_length))
        };
        memchr::memmem::find_iter(&self.bytes, &name).any(is_entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(names: &[&str]) -> Index {
        let mut bytes = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
        for name in names {
            bytes.extend([1; 60]);
            bytes.extend(u16::try_from(name.len()).expect("names are short").to_be_bytes());
            bytes.extend(name.as_bytes());
            bytes.push(0);
        }
        Index { bytes, prefix: "app/".to_owned() }
    }

    #[test]
    fn names_are_whole_and_below_the_directory() {
        let index = index(&["app/.env", "other/.env.local", "app/.envrc"]);
        assert!(index.has(".env") && index.has(".envrc"));
        assert!(!index.has(".env.local") && !index.has("env") && !index.has(".en"));
    }
}
