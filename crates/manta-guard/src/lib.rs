//! The runtime proxy: reads every message between a client and a server it did not write, applies
//! one policy, records what happened, and runs the server in a sandbox.
//!
//! [`engine::Engine`] is the protocol without I/O; [`relay`] drives it over pipes.

#[cfg(target_os = "linux")]
pub mod audit;
mod bridge;
#[cfg(target_os = "linux")]
pub mod command;
#[cfg(target_os = "linux")]
pub mod config;
pub mod decide;
#[cfg(target_os = "linux")]
pub mod egress;
pub mod enforce;
pub mod engine;
#[cfg(target_os = "linux")]
pub mod http;
pub mod identity;
#[cfg(target_os = "linux")]
pub mod inventory;
pub mod learn;
pub mod lines;
#[cfg(target_os = "linux")]
mod mirror;
#[cfg(target_os = "linux")]
pub mod mux;
#[cfg(target_os = "linux")]
pub mod npx;
pub mod permissive;
pub mod pin;
#[cfg(target_os = "linux")]
pub mod preset;
#[cfg(target_os = "linux")]
pub mod relay;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod setup;
#[cfg(target_os = "linux")]
mod stream;
#[cfg(target_os = "linux")]
pub mod upstream;
