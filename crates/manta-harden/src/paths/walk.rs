//! Going through a tree by descriptors, within limits, without passing a link.

use std::time::{Duration, Instant};

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;

use super::error::{PathError, PathRule};
use super::input::RelPath;
use super::ops::{Entry, Kind};
use super::{Access, PathText, Root};

/// Where a walk stops (CWE-400, CWE-674). Reaching a limit is reported, never silent.
#[derive(Debug, Clone, Copy)]
pub struct WalkLimits {
    /// Levels below the start; 1 is its direct entries. At most 64, each holds a descriptor.
    pub depth: usize,
    /// Entries in all.
    pub entries: usize,
    /// Time in all.
    pub time: Duration,
}

impl Default for WalkLimits {
    /// 32 levels, 100,000 entries, 10 s.
    fn default() -> Self {
        Self { depth: 32, entries: 100_000, time: Duration::from_secs(10) }
    }
}

impl Root {
    /// Everything below a directory, parents before children, names in order.
    ///
    /// Denied names are left out with all below them; links are reported and not followed.
    ///
    /// # Errors
    /// Names the rule that refused the start. The iterator goes on after a directory that can't be
    /// read, and ends with [`PathRule::TooMany`] at a limit.
    pub fn walk(&self, path: impl PathText, limits: WalkLimits) -> Result<Walker, PathError> {
        let path = self.admit(path.path_text(), Access::READ)?;
        let start = self.open_dir(&path, self.0.options.symlinks)?;
        let mut walker = Walker {
            root: self.clone(),
            stack: Vec::new(),
            left: limits.entries,
            depth: limits.depth.min(64),
            deadline: Instant::now() + limits.time,
            is_over: false,
            was_cut: false,
            pending: None,
        };
        walker.enter(start, &path)?;
        Ok(walker)
    }
}

/// A walk under way; see [`Root::walk`].
#[derive(Debug)]
pub struct Walker {
    root: Root,
    stack: Vec<Level>,
    left: usize,
    depth: usize,
    deadline: Instant,
    is_over: bool,
    was_cut: bool,
    /// What went wrong below the entry that was handed out last.
    pending: Option<PathError>,
}

#[derive(Debug)]
struct Level {
    dir: Dir,
    path: RelPath,
    entries: std::vec::IntoIter<Entry>,
}

impl Walker {
    fn enter(&mut self, dir: Dir, path: &RelPath) -> Result<(), PathError> {
        let listing = self.root.entries(&dir, path, self.left)?;
        self.was_cut |= listing.truncated;
        self.stack.push(Level { dir, path: path.clone(), entries: listing.entries.into_iter() });
        Ok(())
    }

    /// Goes down into `entry`. A directory that has vanished since is passed over; one that can't
    /// be read, or is a link by now, is an error of its own after the entry.
    fn descend(&mut self, entry: &Entry) -> Result<(), PathError> {
        let Some(level) = self.stack.last() else { return Ok(()) };
        if self.stack.len() >= self.depth {
            self.was_cut = true;
            return Ok(());
        }
        let below = level.path.join(&entry.name);
        let dir = match level.dir.open_dir_nofollow(&entry.name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        if self.root.check_device(&dir.dir_metadata()?).is_err() {
            return Ok(());
        }
        self.enter(dir, &below)
    }

    fn stop(&mut self, rule: PathRule) -> Option<Result<Entry, PathError>> {
        self.is_over = true;
        Some(Err(rule.into()))
    }
}

impl Iterator for Walker {
    type Item = Result<Entry, PathError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.pending.take() {
            return Some(Err(error));
        }
        while !self.is_over {
            if Instant::now() > self.deadline {
                return self.stop(PathRule::TooMany);
            }
            let Some(level) = self.stack.last_mut() else {
                // Everything within the limits was seen; say so if there was more.
                self.is_over = true;
                return self.was_cut.then(|| Err(PathRule::TooMany.into()));
            };
            let Some(entry) = level.entries.next() else {
                self.stack.pop();
                continue;
            };
            let Some(left) = self.left.checked_sub(1) else { return self.stop(PathRule::TooMany) };
            self.left = left;
            if entry.kind == Kind::Directory {
                self.pending = self.descend(&entry).err();
            }
            return Some(Ok(entry));
        }
        None
    }
}
