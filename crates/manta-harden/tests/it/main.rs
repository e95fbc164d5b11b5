//! Attacks on the library's primitives, against the real file system and loopback sockets.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic, but clippy knows only the tests themselves")]

#[cfg(feature = "client")]
mod client;
#[cfg(unix)]
mod command;
mod net;
#[cfg(unix)]
mod paths;
#[cfg(target_os = "linux")]
mod race;
mod robust;
mod schema;

/// Processor time that this thread has used, which does not depend on what else the machine does; the time of day where it
/// is not told.
fn cpu_time() -> std::time::Duration {
    #[cfg(unix)]
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into();
    #[cfg(not(unix))]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap()
}
