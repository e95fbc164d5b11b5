//! The runtime proxy: reads every message between a client and a server it did not write, applies
//! one policy, records what happened, and runs the server in a sandbox.
//!
//! [`engine::Engine`] is the protocol without I/O; [`relay`] drives it over pipes.

pub mod decide;
pub mod engine;
pub mod pin;
