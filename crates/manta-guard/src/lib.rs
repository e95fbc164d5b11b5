//! The runtime proxy: reads every message between a client and a server it did not write, applies
//! one policy, records what happened, and runs the server in a sandbox.
//!
//! [`engine::Engine`] is the protocol without I/O; [`relay`] drives it over pipes.

#[cfg(unix)]
pub mod audit;
#[cfg(unix)]
mod bridge;
#[cfg(unix)]
mod code;
#[cfg(unix)]
pub mod command;
#[cfg(not(unix))]
#[path = "elsewhere.rs"]
pub mod command;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod controls;
#[cfg(unix)]
pub mod decide;
#[cfg(unix)]
pub mod egress;
#[cfg(unix)]
pub mod enforce;
#[cfg(unix)]
pub mod engine;
#[cfg(all(unix, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(unix)]
pub mod http;
#[cfg(unix)]
pub mod identity;
#[cfg(unix)]
pub mod inventory;
pub mod learn;
#[cfg(unix)]
pub mod lines;
#[cfg(unix)]
mod mirror;
#[cfg(unix)]
pub mod mux;
pub mod options;
#[cfg(unix)]
pub mod permissive;
#[cfg(unix)]
pub mod pin;
#[cfg(unix)]
pub mod preset;
#[cfg(unix)]
pub mod relay;
#[cfg(unix)]
pub mod run;
#[cfg(unix)]
pub mod sandbox;
#[cfg(unix)]
mod server_log;
#[cfg(unix)]
pub mod setup;
#[cfg(unix)]
mod stream;
#[cfg(unix)]
pub mod upstream;
#[cfg(unix)]
mod windows;
