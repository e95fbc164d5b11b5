//! What needs more than Rust, or more than a second: a real Redis, a thousand killed writers, a full disk, other
//! people's tables and lists. Lines that begin with `ready:` are the result.
//!
//! `cargo xtask ready-harden` runs all of it.
#![cfg(unix)]

mod addresses;
mod commands;
mod crash;
mod disk;
#[cfg(feature = "redis")]
mod redis;
