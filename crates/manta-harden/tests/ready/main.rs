//! What needs more than Rust, or more than a second: a real Redis, and a thousand killed writers.
//!
//! `cargo test -p manta-harden --features redis,signing --test ready -- --ignored`, or `cargo xtask ready-harden`.
#![cfg(unix)]

mod crash;
#[cfg(feature = "redis")]
mod redis;
