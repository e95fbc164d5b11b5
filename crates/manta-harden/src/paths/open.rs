//! Opening beneath a directory: one system call on Linux, one step per component elsewhere.
//!
//! The check is the open. A path that was resolved, compared with the root and opened again leaks
//! whenever a directory is swapped for a link in between (CWE-367); here the kernel refuses to
//! leave the root while it resolves.

use std::ffi::OsStr;
use std::io;

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{Dir, OpenOptions};

use super::error::{PathError, PathRule};
use super::input::RelPath;

/// What the path must lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Something readable: a regular file once checked.
    File,
    Directory,
    /// Whatever it is, only to be looked at: it is not opened for reading.
    #[cfg(target_os = "linux")]
    Any,
}

/// How links and mounts on the way are treated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    pub(super) same_device: bool,
    /// Use the component walk although the system has openat2; for tests of the walk.
    pub(super) portable_walk: bool,
}

/// The opened object, still unchecked for its type.
pub(super) type Opened = cap_std::fs::File;

/// Opens `path` below `dir` without passing any symbolic link.
///
/// # Errors
/// [`PathRule::Symlink`] when a component is a link, wherever it points.
pub(super) fn open_without_links(dir: &Dir, path: &RelPath, target: Target, walk: Walk) -> Result<Opened, PathError> {
    #[cfg(target_os = "linux")]
    if !walk.portable_walk
        && let Some(opened) = linux::open(dir, path, target, walk, rustix::fs::ResolveFlags::NO_SYMLINKS)
    {
        return opened.map_err(|errno| match errno {
            rustix::io::Errno::XDEV => PathRule::OtherDevice.into(),
            errno => classify(errno.into()),
        });
    }
    let _ = walk.portable_walk;
    open_by_component(dir, path, target).map_err(classify)
}

/// Opens `path` below `dir`, following links that stay below it. `None` where the system cannot
/// do that safely; the caller then refuses the link.
pub(super) fn open_following_links(
    dir: &Dir,
    path: &RelPath,
    target: Target,
    walk: Walk,
) -> Option<Result<Opened, PathError>> {
    #[cfg(target_os = "linux")]
    if !walk.portable_walk {
        let opened = linux::open(dir, path, target, walk, rustix::fs::ResolveFlags::empty())?;
        return Some(opened.map_err(|errno| match errno {
            rustix::io::Errno::XDEV => PathRule::Symlink.into(),
            errno => classify(errno.into()),
        }));
    }
    let _ = (dir, path, target, walk.same_device);
    None
}

/// A handle to look at whatever `path` is, in one step. `None` where a link is on the way, where nothing is there, and
/// where the system cannot do that.
pub(super) fn look(dir: &Dir, path: &RelPath, walk: Walk) -> Option<Opened> {
    #[cfg(target_os = "linux")]
    if !walk.portable_walk {
        return linux::open(dir, path, Target::Any, walk, rustix::fs::ResolveFlags::NO_SYMLINKS)?.ok();
    }
    let _ = (dir, path, walk.same_device);
    None
}

/// Where the opened object really is, relative to `dir`: needed only after links were followed,
/// to ask again whether its real name is denied. Any doubt is a refusal.
#[cfg(target_os = "linux")]
pub(super) fn real_path(dir: &Dir, opened: &Opened) -> Result<String, PathError> {
    use std::os::fd::AsRawFd as _;
    let of = |fd: i32| std::fs::read_link(format!("/proc/self/fd/{fd}"));
    let (root, path) = (of(dir.as_raw_fd())?, of(opened.as_raw_fd())?);
    let below = path.strip_prefix(root).map_err(|_| PathRule::Symlink)?;
    below.to_str().map(str::to_owned).ok_or_else(|| PathRule::Symlink.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn real_path(_: &Dir, _: &Opened) -> Result<String, PathError> {
    Err(PathRule::Symlink.into())
}

/// The walk for systems without openat2: each directory is opened from the one before, refusing
/// links, so there is no moment at which a name is trusted without being held open.
fn open_by_component(dir: &Dir, path: &RelPath, target: Target) -> io::Result<Opened> {
    let Some((parent, leaf)) = path.split_leaf() else {
        return dir.try_clone().map(into_file);
    };
    let mut current: Option<Dir> = None;
    for name in parent.components() {
        current = Some(current.as_ref().unwrap_or(dir).open_dir_nofollow(name)?);
    }
    let parent = current.as_ref().unwrap_or(dir);
    match target {
        Target::Directory => parent.open_dir_nofollow(leaf).map(into_file),
        _ => open_leaf(parent, leaf.as_ref()),
    }
}

/// Opens one name for reading without following it and without waiting on a FIFO.
fn open_leaf(parent: &Dir, name: &OsStr) -> io::Result<Opened> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    parent.open_with(name, &options)
}

fn into_file(dir: Dir) -> Opened {
    cap_std::fs::File::from_std(dir.into_std_file())
}

/// Names the rule behind an error of the operating system.
fn classify(error: io::Error) -> PathError {
    #[cfg(unix)]
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::LOOP) => return PathRule::Symlink.into(),
        Some(rustix::io::Errno::NXIO) => return PathRule::NotRegular.into(),
        _ => {}
    }
    PathError::from(error)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering};

    use cap_std::fs::Dir;
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::Errno;

    use super::super::input::RelPath;
    use super::{Opened, Target, Walk};

    /// Set once openat2 turned out to be missing (before 5.6, or a seccomp filter).
    static MISSING: AtomicBool = AtomicBool::new(false);

    /// `None` when the system call does not exist here.
    pub(super) fn open(
        dir: &Dir,
        path: &RelPath,
        target: Target,
        walk: Walk,
        extra: ResolveFlags,
    ) -> Option<Result<Opened, Errno>> {
        if MISSING.load(Ordering::Relaxed) {
            return None;
        }
        // NONBLOCK: a FIFO without a writer must not hang the server. It means nothing for the
        // regular files that pass the check afterwards. NOCTTY: a terminal must not become ours.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = match target {
            Target::File => flags,
            Target::Directory => flags | OFlags::DIRECTORY,
            Target::Any => OFlags::PATH | OFlags::CLOEXEC,
        };
        let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | extra;
        resolve.set(ResolveFlags::NO_XDEV, walk.same_device);
        // EAGAIN: a rename raced with the resolution and the kernel could not prove safety.
        for _ in 0..8 {
            match openat2(dir, path.as_str(), flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::NOSYS | Errno::PERM) => {
                    MISSING.store(true, Ordering::Relaxed);
                    return None;
                }
                Ok(fd) => return Some(Ok(Opened::from_std(fd.into()))),
                Err(errno) => return Some(Err(errno)),
            }
        }
        Some(Err(Errno::AGAIN))
    }
}
