//! The server's file tree at level A: built from nothing, holding only what was granted.
//!
//! A fresh tmpfs becomes the root. Each grant is bound at its own path, read-only unless it may be
//! written, never with set-user-id programs or devices. What is not granted does not exist there,
//! so that even calls which Landlock does not cover (stat, chmod, connecting a unix socket) have
//! nothing to name.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, unmount,
};
use rustix::process::{chdir, pivot_root};

use crate::sandbox::sys;
use crate::sandbox::{Access, Exec, Grant, Plan};

/// Mount attributes of `mount_setattr(2)`.
const READ_ONLY: u64 = 0x1;
const NO_SUID: u64 = 0x2;
const NO_DEV: u64 = 0x4;
const NO_EXEC: u64 = 0x8;

const OLD: &str = "/old";
const NEW: &str = "/new";

/// Devices every runtime expects, none of which stores anything.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Most symbolic links followed on the way to one grant.
const MAX_LINKS: u32 = 40;

/// Builds the tree and makes it this process's root. Needs fresh user, mount and PID namespaces,
/// and to be the first process of the latter.
pub(super) fn enter(plan: &Plan) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .map_err(step("make mounts private"))?;
    // The staging area hides the host's /tmp in this namespace only, and becomes the root for a moment.
    tmpfs("/tmp", "mode=755")?;
    fs::create_dir("/tmp/old")?;
    fs::create_dir("/tmp/new")?;
    pivot_root("/tmp", "/tmp/old").map_err(step("pivot"))?;
    chdir("/")?;
    tmpfs(NEW, "mode=755")?;
    essentials(plan)?;
    let mut grants: Vec<&Grant> = plan.grants.iter().collect();
    grants.sort_by_key(|grant| grant.path.as_os_str().len());
    let mut bound = Vec::new();
    for grant in grants {
        let Some(target) = locate(&grant.path, &bound)? else { continue };
        if grant.access == Access::List {
            // What is granted in it will stand there, and nothing else.
            fs::create_dir_all(under(NEW, &target))?;
            continue;
        }
        bind(grant, &target)?;
        bound.push(target);
    }
    // The working directory keeps its name even when nothing in it is granted.
    if !under(NEW, &plan.cwd).is_dir() {
        fs::create_dir_all(under(NEW, &plan.cwd))?;
    }
    // Before anything is covered: a mount taken here carries along what lies over it.
    for frozen in &plan.frozen {
        freeze(frozen)?;
    }
    for hidden in &plan.hidden {
        cover(hidden)?;
    }
    unmount(OLD, UnmountFlags::DETACH).map_err(step("detach the old tree"))?;
    chdir(NEW)?;
    pivot_root(".", ".").map_err(step("pivot into the new tree"))?;
    unmount(".", UnmountFlags::DETACH).map_err(step("detach the staging area"))?;
    chdir("/")?;
    // Last: from here on nothing can be added to the root itself.
    mount_attributes(Path::new("/"), READ_ONLY | NO_SUID | NO_DEV)
}

fn essentials(plan: &Plan) -> io::Result<()> {
    fs::create_dir(format!("{NEW}/proc"))?;
    // Refused where the host hides parts of its own; the caller reports the gap.
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if mount("proc", format!("{NEW}/proc"), "proc", flags, None::<&CStr>).is_ok() {
        // Run by root, the server's user owns the kernel's own settings below /proc/sys.
        mount_attributes(Path::new("/new/proc"), READ_ONLY | NO_SUID | NO_DEV | NO_EXEC)?;
    }
    fs::create_dir(format!("{NEW}/tmp"))?;
    let size = plan.tmp_bytes;
    tmpfs(format!("{NEW}/tmp"), &format!("mode=1777,size={size}"))?;
    if !plan.tmp_exec {
        mount_attributes(Path::new("/new/tmp"), NO_SUID | NO_DEV | NO_EXEC)?;
    }
    fs::create_dir(format!("{NEW}/dev"))?;
    for device in DEVICES {
        let source = format!("{OLD}{device}");
        if fs::symlink_metadata(&source).is_ok_and(|found| found.file_type().is_char_device()) {
            let target = format!("{NEW}{device}");
            fs::write(&target, "")?;
            mount_bind_recursive(source.as_str(), target.as_str()).map_err(step("bind a device"))?;
        }
    }
    fs::create_dir(format!("{NEW}/dev/shm"))?;
    tmpfs(format!("{NEW}/dev/shm"), &format!("mode=1777,size={size}"))?;
    mount_attributes(Path::new("/new/dev/shm"), NO_SUID | NO_DEV | NO_EXEC)?;
    for (link, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, format!("{NEW}/dev/{link}"))?;
    }
    Ok(())
}

fn tmpfs(at: impl AsRef<Path>, options: &str) -> io::Result<()> {
    let options = std::ffi::CString::new(options).expect("options hold no NUL");
    mount("tmpfs", at.as_ref(), "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
        .map_err(step("mount a tmpfs"))
}

/// Finds where a granted path really is, rebuilding the symbolic links on the way, so that the path
/// works under the name it was granted. `None` when it doesn't exist.
fn locate(path: &Path, bound: &[PathBuf]) -> io::Result<Option<PathBuf>> {
    let mut links = 0;
    let mut rest: Vec<std::ffi::OsString> = components(path);
    let mut at = PathBuf::from("/");
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let Ok(found) = fs::symlink_metadata(under(OLD, &next)) else { return Ok(None) };
        if !found.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Ok(None);
        }
        let target = fs::read_link(under(OLD, &next))?;
        let is_there = bound.iter().any(|bound| next.starts_with(bound));
        let copy = under(NEW, &next);
        if !is_there && fs::symlink_metadata(&copy).is_err() {
            make_parents(&copy)?;
            symlink(&target, &copy)?;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        rest.extend(components(&target));
    }
    Ok(Some(at))
}

/// Components of a path, last first.
fn components(path: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    names.reverse();
    names
}

fn bind(grant: &Grant, real: &Path) -> io::Result<()> {
    let (source, target) = (under(OLD, real), under(NEW, real));
    if fs::metadata(&source)?.is_dir() {
        fs::create_dir_all(&target)?;
    } else if fs::symlink_metadata(&target).is_err() {
        make_parents(&target)?;
        fs::write(&target, "")?;
    }
    mount_bind_recursive(&source, &target).map_err(step("bind a grant"))?;
    let mut attributes = NO_SUID | NO_DEV;
    if grant.access == Access::Read {
        attributes |= READ_ONLY;
    }
    if grant.exec == Exec::No {
        attributes |= NO_EXEC;
    }
    mount_attributes(&target, attributes)
}

/// Binds a name over itself, read-only: neither its content nor the name itself can be changed then.
fn freeze(path: &Path) -> io::Result<()> {
    let target = under(NEW, path);
    if !fs::symlink_metadata(&target).is_ok_and(|found| found.is_dir() || found.is_file()) {
        return Ok(());
    }
    mount_bind_recursive(&target, &target).map_err(step("bind a frozen name"))?;
    mount_attributes(&target, READ_ONLY)
}

/// Puts something empty and unreadable over a denied name.
fn cover(path: &Path) -> io::Result<()> {
    let target = under(NEW, path);
    let Ok(found) = fs::symlink_metadata(&target) else { return Ok(()) };
    if found.is_symlink() {
        return Ok(());
    }
    if found.is_dir() {
        mount(
            "tmpfs",
            &target,
            "tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV | MountFlags::RDONLY,
            Some(c"mode=0,size=4k"),
        )
        .map_err(step("cover a denied directory"))
    } else {
        mount_bind_recursive(under(NEW, Path::new("/dev/null")), &target).map_err(step("cover a denied file"))?;
        mount_attributes(&target, READ_ONLY)
    }
}

fn mount_attributes(path: &Path, attributes: u64) -> io::Result<()> {
    if path == Path::new("/") {
        // The root alone: the binds below it have their own attributes.
        return rustix::mount::mount_remount(
            path,
            MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV,
            c"",
        )
        .map_err(step("make the root read-only"));
    }
    sys::mount_setattr_recursive(path, attributes)
        .map_err(|error| io::Error::new(error.kind(), format!("restrict {}: {error}", path.display())))
}

fn make_parents(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn under(top: &str, path: &Path) -> PathBuf {
    Path::new(top).join(path.strip_prefix("/").unwrap_or(path))
}

fn step(what: &'static str) -> impl Fn(rustix::io::Errno) -> io::Error {
    move |error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("{what}: {error}"))
    }
}
