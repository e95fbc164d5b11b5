//! The system calls without a safe wrapper: the only unsafe code of the workspace.
//!
//! Each function is one call, checks its result, and says why it is sound. All of them run in the
//! single-threaded init process (or, for the probes, in a process that has just been forked).
#![expect(
    unsafe_code,
    reason = "fork, unshare, seccomp, mount_setattr, closing by number, adopting a descriptor and two ioctls have no \
              safe wrapper"
)]

#[cfg(target_os = "linux")]
mod linux;

use std::ffi::c_long;
use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

#[cfg(target_os = "linux")]
pub(super) use linux::*;

/// Takes over a descriptor that was inherited by number.
pub(super) fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl only looks at the number.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) }.into())?;
    // SAFETY: the descriptor is open, and the caller is the only owner the number was given to.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes every descriptor from `first` on, except `keep`.
#[cfg(not(target_os = "linux"))]
pub(super) fn close_from(first: RawFd, keep: RawFd) -> io::Result<()> {
    let open = std::fs::read_dir("/dev/fd")?.flatten();
    let open: Vec<RawFd> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd >= first && *fd != keep) {
        // SAFETY: the init owns no descriptor object above the standard three besides `keep`. The one that
        // listed the directory is closed already, and closing its number again is an error without effect.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

fn check(result: c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
