//! What can be done with a path, each operation on descriptors only.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::fs::{Dir, Metadata, OpenOptions};
use serde::Serialize;

use super::error::{PathError, PathRule};
use super::input::RelPath;
use super::open::look;
use super::{Access, PathText, Root, Symlinks};

/// What an entry is. Links are reported as links, never as what they point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Regular file.
    File,
    /// Directory.
    Directory,
    /// Symbolic link.
    Symlink,
    /// FIFO, socket or device.
    Other,
}

/// One directory entry.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Relative to the root, with `/`; `.` for the root. A name that is not UTF-8 shows U+FFFD
    /// and can't be opened.
    pub path: String,
    /// Last component.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes; what that means for anything but a file is up to the file system.
    pub size: u64,
    /// Last change of the content, where the file system keeps it.
    #[serde(skip)]
    pub modified: Option<SystemTime>,
    /// Number of names the file has.
    pub links: u64,
    /// Permission bits on Unix (`0o644`), 0 elsewhere.
    pub mode: u32,
}

/// A directory's entries in the order of their names.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// The entries; denied names are left out.
    pub entries: Vec<Entry>,
    /// There were more than the limit.
    pub truncated: bool,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The file is new.
    pub created: bool,
}

/// The answer of [`Root::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPath {
    /// Relative to the root, normalised.
    pub relative: String,
    /// What is there now; `None` when nothing is.
    pub kind: Option<Kind>,
}

/// Most entries [`Root::list`] returns.
const MAX_LISTING: usize = 10_000;

impl Root {
    /// The content of a file.
    ///
    /// # Errors
    /// Names the rule that refused; [`PathRule::TooLarge`] also when the file grows meanwhile.
    pub fn read(&self, path: impl PathText) -> Result<Vec<u8>, PathError> {
        let path = self.admit(path.path_text(), Access::READ)?;
        let (file, meta) = self.open_checked(&path, self.max_file())?;
        let mut content = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
        // Files in /proc say 0 and deliver more; the cap holds for what is read.
        file.take(self.max_file() + 1).read_to_end(&mut content)?;
        if content.len() as u64 > self.max_file() {
            return Err(PathRule::TooLarge.into());
        }
        Ok(content)
    }

    /// The content of a text file.
    ///
    /// # Errors
    /// As [`Root::read`], and [`PathRule::NotText`] when it isn't UTF-8.
    pub fn read_to_string(&self, path: impl PathText) -> Result<String, PathError> {
        String::from_utf8(self.read(path)?).map_err(|_| PathRule::NotText.into())
    }

    /// At most `len` bytes from `offset` on, from a file of any size.
    ///
    /// # Errors
    /// Names the rule that refused; [`PathRule::TooLarge`] when `len` exceeds the root's limit.
    pub fn read_range(&self, path: impl PathText, offset: u64, len: u64) -> Result<Vec<u8>, PathError> {
        if len > self.max_file() {
            return Err(PathRule::TooLarge.into());
        }
        let path = self.admit(path.path_text(), Access::READ)?;
        let (mut file, _) = self.open_checked(&path, u64::MAX)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut content = Vec::new();
        file.take(len).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Replaces a file's content, or makes the file. Readers see the old content or the new, never
    /// a part; a link, hard or symbolic, is refused rather than written through.
    ///
    /// An existing file needs the right to write, a new one the right to create. Permission bits
    /// of an existing file are kept, without set-user-id.
    ///
    /// # Errors
    /// Names the rule that refused. On any error the old content is still there.
    pub fn write(&self, path: impl PathText, content: &[u8]) -> Result<Written, PathError> {
        let path = self.admit(path.path_text(), Access::default())?;
        self.check_frozen(&path)?;
        let (parent, name) = self.open_parent(&path)?;
        let existing = self.writable_leaf(&parent, name)?;
        let has = self.access();
        if !(if existing.is_some() { has.write } else { has.create }) {
            return Err(PathRule::NotGranted.into());
        }
        let temporary = self.temporary(&parent, content, existing.as_ref())?;
        // Without the right to replace, a file that appeared since must win.
        match has.write {
            true => temporary.replace(name)?,
            false => temporary.appear_as(name)?,
        }
        Ok(Written { created: existing.is_none() })
    }

    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    /// Names the rule that refused; [`PathRule::Exists`] when something has that name.
    pub fn create(&self, path: impl PathText, content: &[u8]) -> Result<(), PathError> {
        let path = self.admit(path.path_text(), Access { create: true, ..Access::default() })?;
        let (parent, name) = self.open_parent(&path)?;
        if parent.symlink_metadata(name).is_ok() {
            return Err(PathRule::Exists.into());
        }
        self.temporary(&parent, content, None)?.appear_as(name)
    }

    /// Makes one directory. Its parent must exist.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn create_dir(&self, path: impl PathText) -> Result<(), PathError> {
        let mut path = self.admit(path.path_text(), Access { create: true, ..Access::default() })?;
        path.wants_dir = false;
        let (parent, name) = self.open_parent(&path)?;
        Ok(parent.create_dir(name)?)
    }

    /// Makes a directory and those above it that are missing.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn create_dir_all(&self, path: impl PathText) -> Result<(), PathError> {
        let path = self.admit(path.path_text(), Access { create: true, ..Access::default() })?;
        let mut so_far = RelPath::parse_listed("");
        for name in path.components() {
            let parent = self.open_dir(&so_far, Symlinks::Refuse)?;
            match parent.create_dir(name) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => so_far = so_far.join(name),
            }
        }
        self.open_dir(&so_far, Symlinks::Refuse).map(|_| ())
    }

    /// The entries of a directory, at most 10,000.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn list(&self, path: impl PathText) -> Result<Listing, PathError> {
        let path = self.admit(path.path_text(), Access::READ)?;
        let dir = self.open_dir(&path, self.0.options.symlinks)?;
        self.entries(&dir, &path, MAX_LISTING)
    }

    pub(super) fn entries(&self, dir: &Dir, path: &RelPath, most: usize) -> Result<Listing, PathError> {
        let mut entries = Vec::new();
        let mut truncated = false;
        for found in dir.entries()? {
            let name = found?.file_name();
            let shown = name.to_string_lossy();
            let below = path.join(&shown);
            if self.check_names(&below).is_err() {
                continue;
            }
            if entries.len() == most {
                truncated = true;
                break;
            }
            // Gone since it was listed: as if it had gone before.
            let Ok(meta) = dir.symlink_metadata(&name) else { continue };
            entries.push(Entry::new(&below, &meta));
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Listing { entries, truncated })
    }

    /// What is at `path`. The last component is not followed when it is a link.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn stat(&self, path: impl PathText) -> Result<Entry, PathError> {
        let path = self.admit(path.path_text(), Access::READ)?;
        let Some((parent, name)) = path.split_leaf() else {
            return Ok(Entry::new(&path, &self.0.dir.dir_metadata()?));
        };
        let meta = self.open_dir(&parent, self.0.options.symlinks)?.symlink_metadata(name)?;
        self.check_device(&meta)?;
        if path.wants_dir && !meta.is_dir() {
            return Err(PathRule::WrongKind.into());
        }
        Ok(Entry::new(&path, &meta))
    }

    /// Gives an entry another name below the same root. Nothing is overwritten. Needs the rights
    /// to delete (the old name) and to create (the new one).
    ///
    /// # Errors
    /// Names the rule that refused; [`PathRule::Exists`] when the new name is taken.
    pub fn rename(&self, from: impl PathText, to: impl PathText) -> Result<(), PathError> {
        let wanted = Access { create: true, ..Access::DELETE };
        let from = self.admit(from.path_text(), wanted)?;
        let mut to = self.admit(to.path_text(), wanted)?;
        to.wants_dir = false;
        let (old_parent, old_name) = self.removable(&from)?;
        let (new_parent, new_name) = self.open_parent(&to)?;
        if new_parent.symlink_metadata(new_name).is_ok() {
            return Err(PathRule::Exists.into());
        }
        rename_without_replacing(&old_parent, old_name, &new_parent, new_name)
    }

    /// Removes a file, a link (never what it points to) or an empty directory.
    ///
    /// # Errors
    /// Names the rule that refused; [`PathRule::NotEmpty`] for a directory with entries.
    pub fn remove(&self, path: impl PathText) -> Result<(), PathError> {
        let path = self.admit(path.path_text(), Access::DELETE)?;
        let (parent, name) = self.removable(&path)?;
        let meta = parent.symlink_metadata(name)?;
        match meta.is_dir() {
            true => parent.remove_dir(name)?,
            false if path.wants_dir => return Err(PathRule::WrongKind.into()),
            false => parent.remove_file_or_symlink(name)?,
        }
        Ok(())
    }

    /// Decides without handing out anything: would `wanted` be granted for `path` now?
    ///
    /// For a guard in front of somebody else's server, which opens the path again: there the
    /// sandbox enforces and this explains. In your own server use the operation itself.
    ///
    /// # Errors
    /// Names the rule that refuses. A missing file is no error when `wanted.create`.
    pub fn check(&self, path: impl PathText, wanted: Access) -> Result<CheckedPath, PathError> {
        let path = self.admit(path.path_text(), wanted)?;
        let changes = wanted.changes();
        if !changes && let Some(there) = look(&self.0.dir, &path, self.walk_rules()) {
            let meta = there.metadata()?;
            let kind = Kind::of(&meta);
            if kind == Kind::Other {
                return Err(PathRule::NotRegular.into());
            }
            self.check_device(&meta)?;
            return Ok(CheckedPath { relative: path.into_relative(), kind: Some(kind) });
        }
        let symlinks = if changes { Symlinks::Refuse } else { self.0.options.symlinks };
        let relative = path.as_str().to_owned();
        // The lowest directory that is there. What exists of the way to a new file must still be inside; a loop, because
        // a path may have two thousand components and a thread little stack.
        let mut way = path.clone();
        let meta = loop {
            let Some((above, name)) = way.split_leaf() else {
                return Ok(CheckedPath { relative, kind: Some(Kind::Directory) });
            };
            match self.open_dir(&above, symlinks) {
                Err(error) if error.rule() == PathRule::NotFound && wanted.create => way = above,
                opened => break opened.map(|parent| parent.symlink_metadata(name))?,
            }
        };
        let is_missing_above = way.as_str() != path.as_str();
        let meta = match meta {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && wanted.create => {
                return Ok(CheckedPath { relative, kind: None });
            }
            // It was made a moment ago.
            Ok(meta) if is_missing_above && meta.is_dir() => return Ok(CheckedPath { relative, kind: None }),
            Ok(meta) if is_missing_above && meta.is_file() => return Err(PathRule::WrongKind.into()),
            found => found?,
        };
        let kind = Kind::of(&meta);
        match kind {
            Kind::Other => return Err(PathRule::NotRegular.into()),
            // Opening says whether the link stays inside and what it leads to.
            Kind::Symlink if !changes => return self.check_link_target(&path, relative),
            Kind::Symlink if wanted.write || wanted.create => return Err(PathRule::Symlink.into()),
            Kind::File if wanted.write && meta.nlink() > 1 => return Err(PathRule::HardLink.into()),
            _ => self.check_device(&meta)?,
        }
        Ok(CheckedPath { relative, kind: Some(kind) })
    }

    fn check_link_target(&self, path: &RelPath, relative: String) -> Result<CheckedPath, PathError> {
        let opened = self.open_object(path, super::Target::File, self.0.options.symlinks)?;
        let kind = Kind::of(&opened.metadata()?);
        if kind == Kind::Other {
            return Err(PathRule::NotRegular.into());
        }
        Ok(CheckedPath { relative, kind: Some(kind) })
    }

    /// The directory that holds the last component, reached without passing a link.
    fn open_parent<'a>(&self, path: &'a RelPath) -> Result<(Dir, &'a str), PathError> {
        if path.wants_dir && !path.is_root() {
            return Err(PathRule::WrongKind.into());
        }
        let (parent, name) = path.split_leaf().ok_or(PathRule::RootItself)?;
        Ok((self.open_dir(&parent, Symlinks::Refuse)?, name))
    }

    /// The same for something that is about to lose its name.
    fn removable<'a>(&self, path: &'a RelPath) -> Result<(Dir, &'a str), PathError> {
        let (parent, name) = path.split_leaf().ok_or(PathRule::RootItself)?;
        if self.0.other_roots.iter().any(|other| other.starts_with(path)) {
            return Err(PathRule::OtherRoot.into());
        }
        Ok((self.open_dir(&parent, Symlinks::Refuse)?, name))
    }

    /// The entry that a write would replace, or `None`.
    fn writable_leaf(&self, parent: &Dir, name: &str) -> Result<Option<Metadata>, PathError> {
        let meta = match parent.symlink_metadata(name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        if meta.is_symlink() {
            return Err(PathRule::Symlink.into());
        }
        if meta.is_dir() {
            return Err(PathRule::WrongKind.into());
        }
        self.check_regular(&meta)?;
        if meta.nlink() > 1 {
            return Err(PathRule::HardLink.into());
        }
        Ok(Some(meta))
    }

    fn temporary<'a>(
        &self,
        parent: &'a Dir,
        content: &[u8],
        like: Option<&Metadata>,
    ) -> Result<Temporary<'a>, PathError> {
        if content.len() as u64 > self.max_file() {
            return Err(PathRule::TooLarge.into());
        }
        let (temporary, mut file) = Temporary::new(parent)?;
        file.write_all(content)?;
        keep_permissions(&file, like)?;
        // Otherwise a crash after the rename could leave an empty file under the old name.
        file.sync_data()?;
        Ok(temporary)
    }
}

/// A new file under a name of our own, removed again unless it takes its place.
struct Temporary<'a> {
    parent: &'a Dir,
    name: String,
}

impl<'a> Temporary<'a> {
    fn new(parent: &'a Dir) -> Result<(Self, cap_std::fs::File), PathError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        for _ in 0..16 {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".manta-{}-{number}.tmp", std::process::id());
            // create_new is O_EXCL: a link somebody put there first is an error, not a target.
            match parent.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
                Ok(file) => return Ok((Self { parent, name }, file)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PathRule::Exists.into())
    }

    /// Takes `name`, whatever has it.
    fn replace(mut self, name: &str) -> Result<(), PathError> {
        self.parent.rename(&self.name, self.parent, name)?;
        self.name.clear();
        Ok(())
    }

    /// Takes `name` only if nothing has it.
    fn appear_as(self, name: &str) -> Result<(), PathError> {
        Ok(self.parent.hard_link(&self.name, self.parent, name)?)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            // Nothing to be done about a failure; the name says whose file it is.
            let _ = self.parent.remove_file(&self.name);
        }
    }
}

#[cfg(unix)]
fn keep_permissions(file: &cap_std::fs::File, like: Option<&Metadata>) -> std::io::Result<()> {
    use cap_std::fs::PermissionsExt as _;
    let Some(like) = like else { return Ok(()) };
    let mode = like.permissions().mode() & 0o777;
    file.set_permissions(cap_std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_permissions(_: &cap_std::fs::File, _: Option<&Metadata>) -> std::io::Result<()> {
    Ok(())
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_without_replacing(from: &Dir, old: &str, to: &Dir, new: &str) -> Result<(), PathError> {
    use rustix::fs::{RenameFlags, renameat_with};
    match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        // Some file systems don't know the flag; the name was free a moment ago.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => Ok(from.rename(old, to, new)?),
        done => done.map_err(|errno| std::io::Error::from(errno).into()),
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_without_replacing(from: &Dir, old: &str, to: &Dir, new: &str) -> Result<(), PathError> {
    Ok(from.rename(old, to, new)?)
}

impl Kind {
    fn of(meta: &Metadata) -> Self {
        match () {
            () if meta.is_symlink() => Self::Symlink,
            () if meta.is_dir() => Self::Directory,
            () if meta.is_file() => Self::File,
            () => Self::Other,
        }
    }
}

impl Entry {
    fn new(path: &RelPath, meta: &Metadata) -> Self {
        let text = path.as_str();
        let name = text.rsplit('/').next().unwrap_or(text);
        #[cfg(unix)]
        let mode = cap_std::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777;
        #[cfg(not(unix))]
        let mode = 0;
        Self {
            path: text.to_owned(),
            name: name.to_owned(),
            kind: Kind::of(meta),
            size: meta.len(),
            modified: meta.modified().ok().map(cap_std::time::SystemTime::into_std),
            links: meta.nlink(),
            mode,
        }
    }
}
