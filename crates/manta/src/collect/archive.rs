//! Reads archives in memory: `.tgz` and `.tar.gz` (npm, Python sdists), `.tar`, and `.zip` in its many names (wheels,
//! `.mcpb` and `.dxt` bundles). Nothing is unpacked to disk, so an entry can't be written anywhere; entries that try
//! to leave the archive are refused all the same, because they tell about their author.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use manta_core::SkipReason;

use super::limits::{Limits, megabytes};
use super::{Collection, walk};

/// Whether a file is to be opened as an archive, by its name.
pub(super) fn is_named_like_one(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".tgz", ".tar.gz", ".tar", ".zip", ".whl", ".mcpb", ".dxt"].iter().any(|suffix| name.ends_with(suffix))
}

/// Reads the archive at `path`.
pub(super) fn read(path: &Path, collection: &mut Collection<'_>) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let limit = collection.limits.archive_bytes;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        collection.skip("", SkipReason::TooLarge(format!("the archive is larger than {}", megabytes(limit))));
        return Ok(());
    }
    read_bytes(&bytes, collection)
}

/// Reads an archive of any kind; its first bytes say which.
pub(super) fn read_bytes(bytes: &[u8], collection: &mut Collection<'_>) -> Result<(), String> {
    let mut budget = Budget::new(bytes.len() as u64, collection.limits);
    let mut entries = Entries { collection, found: Vec::new() };
    if bytes.starts_with(&[0x1f, 0x8b]) {
        entries.tar(MultiGzDecoder::new(bytes), &mut budget);
    } else if bytes.starts_with(b"PK") {
        entries.zip(bytes, &mut budget)?;
    } else if bytes.get(257..262) == Some(b"ustar") {
        entries.tar(bytes, &mut budget);
    } else {
        return Err("neither gzip, tar nor zip".to_owned());
    }
    entries.finish();
    Ok(())
}

/// How much an archive may still unpack to.
struct Budget {
    left: u64,
    /// The limit in words, for the report.
    name: String,
}

impl Budget {
    fn new(packed: u64, limits: &Limits) -> Self {
        let by_ratio = packed.saturating_mul(limits.expansion_ratio).max(Limits::RATIO_FREE_BYTES);
        if by_ratio < limits.expanded_bytes {
            let name = format!("unpacks to more than {} times its size", limits.expansion_ratio);
            Self { left: by_ratio, name }
        } else {
            let name = format!("unpacks to more than {}", megabytes(limits.expanded_bytes));
            Self { left: limits.expanded_bytes, name }
        }
    }
}

/// A reader that takes what it delivers out of a budget, and fails when that is used up.
struct Metered<'b, R> {
    inner: R,
    budget: &'b mut Budget,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.budget.left.checked_sub(read as u64) {
            Some(left) => self.budget.left = left,
            None => return Err(io::Error::other(self.budget.name.clone())),
        }
        Ok(read)
    }
}

/// Entries found so far, under the names they have in the archive.
struct Entries<'c, 'l> {
    collection: &'c mut Collection<'l>,
    found: Vec<(String, Vec<u8>)>,
}

impl Entries<'_, '_> {
    /// Reads as many entries as can be read; what ends it early is recorded.
    fn tar(&mut self, reader: impl Read, budget: &mut Budget) {
        let mut archive = tar::Archive::new(Metered { inner: reader, budget });
        if let Err(error) = self.tar_entries(&mut archive) {
            self.broken(&error);
        }
    }

    fn tar_entries(&mut self, archive: &mut tar::Archive<impl Read>) -> io::Result<()> {
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if !self.collection.count_entry(&name) {
                return Ok(());
            }
            let kind = entry.header().entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                self.collection.skip(name, SkipReason::Symlink);
            } else if kind.is_file() || kind.is_contiguous() {
                let size = entry.size();
                self.entry(name, size, &mut entry)?;
            }
        }
        Ok(())
    }

    fn zip(&mut self, bytes: &[u8], budget: &mut Budget) -> Result<(), String> {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        for index in 0..archive.len() {
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    self.broken(&io::Error::other(error.to_string()));
                    continue;
                }
            };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if !self.collection.count_entry(&name) {
                return Ok(());
            }
            if entry.is_symlink() {
                self.collection.skip(name, SkipReason::Symlink);
            } else if entry.is_file() {
                let size = entry.size();
                let result = self.entry(name.clone(), size, &mut Metered { inner: &mut entry, budget });
                if let Err(error) = result {
                    self.collection.skip(name, SkipReason::Unreadable(error.to_string()));
                    if budget.left == 0 {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes one file in if its name and size allow it.
    fn entry(&mut self, name: String, size: u64, reader: &mut impl Read) -> io::Result<()> {
        let Some(name) = inside(&name) else {
            self.collection.skip(name, SkipReason::Unreadable("refused: the entry would leave the archive".to_owned()));
            return Ok(());
        };
        // Names can only be judged once the directory all entries share is known; but what no name makes relevant
        // needn't be unpacked.
        if matches!(super::names::place(&name), super::names::Place::Irrelevant) {
            return Ok(());
        }
        if size > self.collection.limits.file_bytes {
            let limit = megabytes(self.collection.limits.file_bytes);
            self.collection.skip(name, SkipReason::TooLarge(format!("larger than {limit}")));
            return Ok(());
        }
        let mut bytes = Vec::new();
        reader.take(self.collection.limits.file_bytes + 1).read_to_end(&mut bytes)?;
        if self.collection.admits(&name, bytes.len() as u64) {
            self.collection.bytes += bytes.len() as u64;
            self.found.push((name, bytes));
        }
        Ok(())
    }

    fn broken(&mut self, error: &io::Error) {
        let reason = format!("the archive could not be read to its end: {error}");
        self.collection.skip("", SkipReason::Unreadable(reason));
    }

    /// Drops the directory that all entries share (`package/` in npm archives, `name-1.0/` in sdists) and hands the
    /// files over.
    fn finish(self) {
        let shared = shared_directory(self.found.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
        // Counted while unpacking; counted again where every other file is.
        self.collection.bytes = 0;
        for (name, bytes) in self.found {
            let path = shared.as_ref().map_or(name.as_str(), |shared| &name[shared.len()..]).to_owned();
            if let Some(set_aside) = self.collection.place(&path)
                && walk::fits(&path, bytes.len() as u64, set_aside.as_ref(), self.collection)
            {
                self.collection.add(path, bytes, set_aside);
            }
        }
    }
}

/// The name with `/` between its parts; `None` if it is absolute or climbs out.
fn inside(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let has_drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with('/') || has_drive {
        return None;
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.contains(&"..") && !parts.is_empty()).then(|| parts.join("/"))
}

/// The first directory, `/` included, if every name begins with it.
fn shared_directory<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut shared = None;
    for name in names {
        let directory = &name[..=name.find('/')?];
        if *shared.get_or_insert(directory) != directory {
            return None;
        }
    }
    shared
}
