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
