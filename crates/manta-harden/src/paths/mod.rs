//! Authority over a directory, as a value.
//!
//! A server that checks a path and then opens it by name can be raced, and one that compares
//! strings can be talked out of its directory (CWE-22, CWE-59, CWE-367; CVE-2025-53109 and
//! CVE-2025-53110 in the reference filesystem server). A [`Root`] holds the directory open and
//! resolves every path beneath that descriptor, so the check and the use are one system call.
//!
//! ```
//! use manta_harden::paths::{Access, PathRule, Root};
//! # let project = tempfile::tempdir()?;
//! let root = Root::open(project.path(), Access::READ_WRITE_CREATE)?;
//! root.write("notes/today.md", b"hello").unwrap_err(); // `notes` does not exist yet
//! root.create_dir("notes")?;
//! root.write("notes/today.md", b"hello")?;
//! assert_eq!(root.read("notes/today.md")?, b"hello");
//!
//! let refused = root.read("../../etc/passwd").unwrap_err();
//! assert_eq!(refused.rule(), PathRule::Parent);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | attack | what stops it |
//! |---|---|
//! | `../`, absolute path, sibling prefix | component-wise parse; `openat2` with `RESOLVE_BENEATH` |
//! | link to the outside, swapped in during the check | resolution in the kernel, no second look-up |
//! | `/proc/self/root`, other magic links | `RESOLVE_NO_MAGICLINKS` |
//! | write through a hard link | link count on the descriptor; files are replaced, never truncated |
//! | FIFO, device, huge file | non-blocking open, type and size read from the descriptor |
//! | `.GIT/hooks`, `GIT~1`, `.g\u{200c}it` | names compared after folding, on the path and on what it led to |
//! | write to `.vscode`, `.mcp.json`, the server's own policy | readable and frozen |
//! | NUL, controls, `C:\`, `CON` | refused as text, on every platform |
//!
//! All calls block; in async code run them on a blocking thread. On Linux links are followed while
//! they stay inside; on other systems, and where a filter removes `openat2`, every link is refused.

mod error;
mod input;
mod open;
mod ops;
mod pattern;
mod reader;
mod roots;
mod search;
mod walk;

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::MetadataExt as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use serde::{Deserialize, Serialize};

pub use error::{PathError, PathRule};
pub use input::{DEFAULT_DENIED, DEFAULT_FROZEN, DeniedNames};
use input::{RelPath, check_characters};
pub(crate) use input::{fold_name, fold_spelling, is_ignorable};
use open::{Opened, Target, Walk, open_following_links, open_without_links, real_path};
pub use ops::{CheckedPath, Entry, Kind, Listing, Written};
pub use reader::Reader;
pub(crate) use reader::separator;
pub use roots::Roots;
pub use search::{Found, Glob, Hit, Query};
pub use walk::{WalkLimits, Walker};

/// What may be done below a root. Every right stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// Open files and list directories.
    pub read: bool,
    /// Replace the content of files that exist.
    pub write: bool,
    /// Make files and directories that don't.
    pub create: bool,
    /// Remove, and rename away.
    pub delete: bool,
}

impl Access {
    /// Read only.
    pub const READ: Self = Self { read: true, write: false, create: false, delete: false };
    /// Read, and change existing files.
    pub const READ_WRITE: Self = Self { write: true, ..Self::READ };
    /// Read, change and create.
    pub const READ_WRITE_CREATE: Self = Self { create: true, ..Self::READ_WRITE };
    /// Everything.
    pub const ALL: Self = Self { delete: true, ..Self::READ_WRITE_CREATE };
    /// Nothing but removing; useful in [`Root::check`].
    pub const DELETE: Self = Self { read: false, write: false, create: false, delete: true };

    /// Whether anything but reading is among the rights.
    #[must_use]
    pub const fn changes(self) -> bool {
        self.write || self.create || self.delete
    }

    /// Whether every right in `wanted` is granted here.
    #[must_use]
    pub const fn includes(self, wanted: Self) -> bool {
        (self.read || !wanted.read)
            && (self.write || !wanted.write)
            && (self.create || !wanted.create)
            && (self.delete || !wanted.delete)
    }
}

/// Whether reads may pass symbolic links. Writes, creations, renames and removals never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Symlinks {
    /// Links that stay below the root are followed (Linux with openat2 only).
    #[default]
    Inside,
    /// Every link is refused.
    Refuse,
}

/// How a root is opened; see [`Root::options`].
#[derive(Debug, Clone)]
pub struct RootOptions {
    name: String,
    denied: Vec<String>,
    frozen: Vec<String>,
    protected: Vec<PathBuf>,
    hidden: Vec<PathBuf>,
    symlinks: Symlinks,
    same_device: bool,
    portable: bool,
    read_hard_links: bool,
    max_file: u64,
    portable_walk: bool,
}

impl Default for RootOptions {
    fn default() -> Self {
        Self {
            name: "root".to_owned(),
            denied: DEFAULT_DENIED.iter().map(|&name| name.to_owned()).collect(),
            frozen: DEFAULT_FROZEN.iter().map(|&name| name.to_owned()).collect(),
            protected: Vec::new(),
            hidden: Vec::new(),
            symlinks: Symlinks::default(),
            same_device: false,
            portable: true,
            read_hard_links: true,
            max_file: 10 << 20,
            portable_walk: false,
        }
    }
}

impl RootOptions {
    /// What policies and logs call this root. Default `root`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Names refused anywhere below the root, in place of [`DEFAULT_DENIED`]. They are compared
    /// after case folding and Unicode normalisation.
    #[must_use]
    pub fn deny<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.denied = names.into_iter().map(Into::into).collect();
        self
    }

    /// Names that can be read and not changed anywhere below the root, in place of
    /// [`DEFAULT_FROZEN`]; compared like denied ones.
    #[must_use]
    pub fn freeze<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.frozen = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a file or directory that can be read and not changed: the server's own policy, its
    /// log. Files beside it whose names go on with a dot (`audit.jsonl.head`) belong to it. One
    /// outside the root does no harm.
    #[must_use]
    pub fn protect(mut self, path: impl Into<PathBuf>) -> Self {
        self.protected.push(path.into());
        self
    }

    /// Adds a file or directory that can neither be read nor changed, such as a key of the server's
    /// own. One outside the root does no harm.
    #[must_use]
    pub fn hide(mut self, path: impl Into<PathBuf>) -> Self {
        self.hidden.push(path.into());
        self
    }

    /// Whether reads may pass links that stay inside. Default [`Symlinks::Inside`].
    #[must_use]
    pub const fn symlinks(mut self, symlinks: Symlinks) -> Self {
        self.symlinks = symlinks;
        self
    }

    /// Refuse to cross into another file system mounted below the root. Default `false`.
    #[must_use]
    pub const fn same_device(mut self, only: bool) -> Self {
        self.same_device = only;
        self
    }

    /// Refuse names that Windows reads differently. Default `true`; turn it off only for trees
    /// that hold such names and never leave Unix.
    #[must_use]
    pub const fn portable(mut self, portable: bool) -> Self {
        self.portable = portable || cfg!(windows);
        self
    }

    /// Whether a file with a second hard link may be read. Default `true`: package managers link
    /// whole trees. Writing one is refused always.
    #[must_use]
    pub const fn read_hard_links(mut self, admit: bool) -> Self {
        self.read_hard_links = admit;
        self
    }

    /// Largest file that may be read or written, in bytes. Default 10 MiB.
    #[must_use]
    pub const fn max_file(mut self, bytes: u64) -> Self {
        self.max_file = bytes;
        self
    }

    /// Resolve component by component although the system has openat2; for tests.
    #[doc(hidden)]
    #[must_use]
    pub const fn portable_walk(mut self, on: bool) -> Self {
        self.portable_walk = on;
        self
    }

    /// Opens `dir`, which the operator chose. The directory is held open from here on: renaming
    /// it or putting a link in its place later changes nothing.
    ///
    /// # Errors
    /// When `dir` can't be opened as a directory.
    pub fn open(self, dir: impl AsRef<Path>, access: Access) -> Result<Root, PathError> {
        let given = std::path::absolute(dir.as_ref())?;
        let real = given.canonicalize()?;
        let handle = Dir::open_ambient_dir(&real, ambient_authority())?;
        let device = handle.dir_metadata()?.dev();
        let denied = DeniedNames::new(self.denied.iter().map(String::as_str));
        let frozen = DeniedNames::new(self.frozen.iter().map(String::as_str));
        let protected = self.protected.iter().filter_map(|path| below(path, &real)).collect();
        let hidden = self.hidden.iter().filter_map(|path| below(path, &real)).collect();
        let dir = Arc::new(handle);
        let (options, other_roots) = (self, Vec::new());
        let inner = Inner { given, real, dir, device, denied, frozen, protected, hidden, options, other_roots };
        Ok(Root(Arc::new(inner), access))
    }
}

/// Where `path` lies below `root`, links in its directory resolved.
fn below(path: &Path, root: &Path) -> Option<RelPath> {
    let path = std::path::absolute(path).ok()?;
    let directory = path.parent()?.canonicalize().ok()?;
    let relative = directory.join(path.file_name()?);
    Some(RelPath::parse_listed(&relative.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/")))
}

/// Authority over one directory: which one, and what may be done there. Cloning shares the directory.
#[derive(Debug, Clone)]
pub struct Root(Arc<Inner>, Access);

#[derive(Debug, Clone)]
struct Inner {
    /// The directory as the operator wrote it, and with links resolved: callers may use either.
    given: PathBuf,
    real: PathBuf,
    dir: Arc<Dir>,
    device: u64,
    denied: DeniedNames,
    frozen: DeniedNames,
    protected: Vec<RelPath>,
    hidden: Vec<RelPath>,
    options: RootOptions,
    /// Directories below this one that another root of the same [`Roots`] governs.
    other_roots: Vec<RelPath>,
}

impl Root {
    /// Opens `dir` with the default options: [`DEFAULT_DENIED`] names, links followed inside for
    /// reads, 10 MiB per file.
    ///
    /// # Errors
    /// When `dir` can't be opened as a directory.
    pub fn open(dir: impl AsRef<Path>, access: Access) -> Result<Self, PathError> {
        RootOptions::default().open(dir, access)
    }

    /// Options to change before opening.
    #[must_use]
    pub fn options() -> RootOptions {
        RootOptions::default()
    }

    /// The name policies and logs use.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.options.name
    }

    /// The directory with links resolved. For display and for children's working directory; never
    /// join an untrusted path to it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.real
    }

    /// What is granted.
    #[must_use]
    pub fn access(&self) -> Access {
        self.1
    }

    /// Largest file, in bytes.
    #[must_use]
    pub fn max_file(&self) -> u64 {
        self.0.options.max_file
    }

    /// The same directory with fewer rights: those that both grant.
    #[must_use]
    pub fn restrict(&self, to: Access) -> Self {
        let have = self.access();
        let access = Access {
            read: have.read && to.read,
            write: have.write && to.write,
            create: have.create && to.create,
            delete: have.delete && to.delete,
        };
        Self(Arc::clone(&self.0), access)
    }

    /// The same directory, refusing every link.
    #[must_use]
    pub fn without_links(&self) -> Self {
        let mut root = (*self.0).clone();
        root.options.symlinks = Symlinks::Refuse;
        Self(Arc::new(root), self.1)
    }

    /// Asks every rule about the path's text; no system call is made.
    ///
    /// # Errors
    /// Names the rule that refuses.
    pub fn check_text(&self, path: impl PathText) -> Result<(), PathError> {
        self.admit(path.path_text(), Access::default()).map(|_| ())
    }

    /// A handle on the directory itself, for a child's working directory.
    pub(crate) fn directory(&self) -> std::io::Result<File> {
        self.0.dir.try_clone().map(Dir::into_std_file)
    }

    /// Opens a regular file for reading. Everything that follows should use this handle.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn open_file(&self, path: impl PathText) -> Result<File, PathError> {
        let path = self.admit(path.path_text(), Access::READ)?;
        self.open_checked(&path, self.max_file()).map(|(file, _)| file)
    }

    /// Opens a directory, for code that walks it by itself. The handle is the directory that was checked, whatever
    /// happens to its name; on Linux, `/proc/self/fd/N` is a path to it.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn open_directory(&self, path: impl PathText) -> Result<File, PathError> {
        let path = self.admit(path.path_text(), Access::READ)?;
        self.open_dir(&path, self.0.options.symlinks).map(Dir::into_std_file)
    }

    fn open_checked(&self, path: &RelPath, max: u64) -> Result<(File, Metadata), PathError> {
        if path.wants_dir {
            return Err(PathRule::WrongKind.into());
        }
        let opened = self.open_object(path, Target::File, self.0.options.symlinks)?;
        let meta = opened.metadata()?;
        if meta.is_dir() {
            return Err(PathRule::WrongKind.into());
        }
        self.check_regular(&meta)?;
        if meta.nlink() > 1 && !self.0.options.read_hard_links {
            return Err(PathRule::HardLink.into());
        }
        if meta.len() > max {
            return Err(PathRule::TooLarge.into());
        }
        Ok((opened.into_std(), meta))
    }

    fn open_dir(&self, path: &RelPath, symlinks: Symlinks) -> Result<Dir, PathError> {
        let opened = self.open_object(path, Target::Directory, symlinks)?;
        if self.0.options.same_device {
            self.check_device(&opened.metadata()?)?;
        }
        Ok(Dir::from_std_file(opened.into_std()))
    }

    /// Straight when there is no link on the way. A link is followed only inside, and then the
    /// rules about names are asked again with the object's real path.
    fn open_object(&self, path: &RelPath, target: Target, symlinks: Symlinks) -> Result<Opened, PathError> {
        let walk = self.walk_rules();
        let direct = open_without_links(&self.0.dir, path, target, walk);
        match &direct {
            Err(error) if error.rule() == PathRule::Symlink && symlinks == Symlinks::Inside => {}
            _ => return direct,
        }
        let Some(opened) = open_following_links(&self.0.dir, path, target, walk) else { return direct };
        let opened = opened?;
        let real = RelPath::parse_listed(&real_path(&self.0.dir, &opened)?);
        self.check_names(&real)?;
        Ok(opened)
    }

    fn walk_rules(&self) -> Walk {
        Walk { same_device: self.0.options.same_device, portable_walk: self.0.options.portable_walk }
    }

    fn check_regular(&self, meta: &Metadata) -> Result<(), PathError> {
        self.check_device(meta)?;
        if meta.is_file() { Ok(()) } else { Err(PathRule::NotRegular.into()) }
    }

    fn check_device(&self, meta: &Metadata) -> Result<(), PathError> {
        let crossed = self.0.options.same_device && meta.dev() != self.0.device;
        if crossed { Err(PathRule::OtherDevice.into()) } else { Ok(()) }
    }

    /// Reads the text and asks everything that needs no system call.
    fn admit(&self, text: &str, wanted: Access) -> Result<RelPath, PathError> {
        let path = self.relative(text)?;
        self.check_names(&path)?;
        if !self.access().includes(wanted) {
            return Err(PathRule::NotGranted.into());
        }
        if wanted.changes() {
            self.check_frozen(&path)?;
        }
        Ok(path)
    }

    /// Refuses a change to what must stay as it is, and to directories above it: renamed, they
    /// would take it along.
    fn check_frozen(&self, path: &RelPath) -> Result<(), PathError> {
        let is_protected = |file: &RelPath| path.starts_with(file) || file.starts_with(path) || path.goes_on(file);
        let is_above_hidden = |file: &RelPath| file.starts_with(path);
        match path.components().any(|name| self.0.frozen.contains(name))
            || self.0.protected.iter().any(is_protected)
            || self.0.hidden.iter().any(is_above_hidden)
        {
            true => Err(PathRule::Frozen.into()),
            false => Ok(()),
        }
    }

    fn check_names(&self, path: &RelPath) -> Result<(), PathError> {
        self.0.denied.check(path.components())?;
        if self.0.hidden.iter().any(|file| path.starts_with(file)) {
            return Err(PathRule::DeniedName.into());
        }
        match self.0.other_roots.iter().any(|other| path.starts_with(other)) {
            true => Err(PathRule::OtherRoot.into()),
            false => Ok(()),
        }
    }

    /// An absolute path is taken by whole components, so `/srv/app-secret` is not below `/srv/app`.
    fn relative(&self, text: &str) -> Result<RelPath, PathError> {
        let portable = self.0.options.portable;
        if !Path::new(text).is_absolute() {
            return RelPath::parse(text, portable);
        }
        check_characters(text, portable && !cfg!(windows))?;
        let below = self.strip(Path::new(text)).ok_or(PathRule::OutsideRoot)?;
        let below = below.to_str().ok_or(PathRule::OutsideRoot)?;
        let below = if cfg!(windows) { Cow::Owned(below.replace('\\', "/")) } else { Cow::Borrowed(below) };
        // `strip_prefix` drops a trailing slash, and the root itself leaves nothing.
        let ending = if text.ends_with(['/', std::path::MAIN_SEPARATOR]) { "/" } else { "" };
        let below = if below.is_empty() { ".".into() } else { format!("{below}{ending}") };
        RelPath::parse(&below, portable)
    }

    fn strip<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.strip_prefix(&self.0.real).or_else(|_| path.strip_prefix(&self.0.given)).ok()
    }
}

/// Untrusted text that means a path. It can do nothing until a [`Root`] takes it.
///
/// As the type of a tool's parameter it makes the check impossible to forget: there is no way to
/// the text that std's file functions would accept without saying so (`untrusted`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PathArg(String);

impl PathArg {
    /// Wraps text from outside.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it arrived, for logs. Opening it directly is CWE-22.
    #[must_use]
    pub fn untrusted(&self) -> &str {
        &self.0
    }
}

/// What [`Root`]'s methods take as a path.
pub trait PathText {
    /// The text as it arrived.
    fn path_text(&self) -> &str;
}

impl PathText for &str {
    fn path_text(&self) -> &str {
        self
    }
}

impl PathText for &String {
    fn path_text(&self) -> &str {
        self
    }
}

impl PathText for &PathArg {
    fn path_text(&self) -> &str {
        &self.0
    }
}
