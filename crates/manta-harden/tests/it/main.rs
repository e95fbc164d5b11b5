//! Attacks on the library's primitives, against the real file system and loopback sockets.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod command;
#[cfg(unix)]
mod paths;
#[cfg(target_os = "linux")]
mod race;
mod schema;
