//! The calls that only Linux has.

use std::ffi::{CString, c_int, c_long};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::path::Path;

use rustix::process::Pid;

use super::check;

/// Result of [`fork`].
pub(in crate::sandbox) enum Fork {
    /// In the new process.
    Child,
    /// In the old one.
    Parent(Pid),
}

/// Splits the process in two. Callers must be single-threaded: the child then may use the whole
/// library, because no lock can be held by a thread that does not exist there.
pub(in crate::sandbox) fn fork() -> io::Result<Fork> {
    // SAFETY: the init process never starts a thread, so the child's memory is consistent.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(Pid::from_raw(pid).expect("fork returns a positive id to the parent"))),
    }
}

/// Leaves namespaces for new ones (`CLONE_NEW*`).
pub(in crate::sandbox) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: the call takes no pointer; without CLONE_FILES nobody else's descriptors are touched.
    check(unsafe { libc::unshare(flags) }.into())
}

/// Sets mount attributes of a whole tree.
pub(in crate::sandbox) fn mount_setattr_recursive(path: &Path, set: u64) -> io::Result<()> {
    let path = c_path(path)?;
    let attr = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: path is NUL-terminated and attr is a mount_attr of the size given; both outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    })
}

/// Installs a seccomp program for this process and all it starts. Needs `no_new_privs`.
pub(in crate::sandbox) fn install_filter(program: &[libc::sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program during the call and doesn't write to it.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0 as c_long, &raw const program) })
}

/// Closes every descriptor from `first` on, except `keep`.
pub(in crate::sandbox) fn close_from(first: RawFd, keep: RawFd) -> io::Result<()> {
    let range = |from: RawFd, to: libc::c_uint| {
        // SAFETY: the init owns no descriptor object above the standard three besides `keep`.
        check(unsafe { libc::syscall(libc::SYS_close_range, from as libc::c_uint, to, 0 as libc::c_uint) })
    };
    if keep > first {
        range(first, (keep - 1).cast_unsigned())?;
    }
    range(keep.max(first - 1) + 1, libc::c_uint::MAX)
}

/// Brings the loopback interface of this network namespace up.
pub(in crate::sandbox) fn loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l'.cast_signed() as libc::c_char;
    request.ifr_name[1] = b'o'.cast_signed() as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request names the interface, NUL-terminated, and outlives the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into())
}

/// A raw system call with up to six plain numbers, for probes. Pointers are never passed.
pub(in crate::sandbox) fn probe_call(number: c_long, arguments: [c_long; 6]) -> io::Result<c_long> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the callers pass flags, families and null pointers only; the kernel answers with an error at worst.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The Landlock version of this kernel, 0 when absent or disabled.
pub(in crate::sandbox) fn landlock_abi() -> u32 {
    let result = probe_call(libc::SYS_landlock_create_ruleset, [0, 0, 1, 0, 0, 0]);
    result.ok().and_then(|abi| u32::try_from(abi).ok()).unwrap_or(0)
}

/// Ends the process at once, without running exit handlers.
pub(in crate::sandbox) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit is always allowed.
    unsafe { libc::_exit(code) }
}

fn c_path(path: &Path) -> io::Result<CString> {
    use std::os::unix::ffi::OsStrExt as _;
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}
