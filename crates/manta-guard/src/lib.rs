//! The runtime proxy: reads every message between a client and a server it did not write, applies
//! one policy, records what happened, and runs the server in a sandbox.
//!
//! [`engine::Engine`] is the protocol without I/O; [`relay`] drives it over pipes.

pub mod decide;
pub mod engine;
pub mod pin;
pub mod lines;
#[cfg(target_os = "linux")]
pub mod relay;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
mod stream;
#[cfg(target_os = "linux")]
pub mod config;
#[cfg(target_os = "linux")]
pub mod egress;
#[cfg(target_os = "linux")]
pub mod npx;
#[cfg(target_os = "linux")]
pub mod preset;
#[cfg(target_os = "linux")]
pub mod run;
#[cfg(target_os = "linux")]
pub mod setup;
pub mod permissive;
#[cfg(target_os = "linux")]
pub mod command;
pub mod enforce;
#[cfg(target_os = "linux")]
pub mod audit;
#[cfg(target_os = "linux")]
pub mod http;
pub mod identity;
#[cfg(target_os = "linux")]
pub mod inventory;
pub mod learn;
