//! Everything in this crate around a server on the official SDK, in two lines.
//!
//! ```no_run
//! # use std::path::Path;
//! # use rmcp::{ServerHandler, ServiceExt as _};
//! # use manta_harden::{enforce::Enforcer, policy::Policy, rmcp::Guarded};
//! # async fn run(handler: impl ServerHandler) -> Result<(), Box<dyn std::error::Error>> {
//! let enforcer = Enforcer::new(Policy::load("manta.toml")?, Path::new("audit.jsonl"))?;
//! Guarded::new(handler, enforcer).serve(tokio::io::join(tokio::io::stdin(), tokio::io::stdout())).await?.waiting().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Guarded`] is itself a [`ServerHandler`], so one type serves stdio and Streamable HTTP and both eras of
//! the protocol. (A second wrapper at the level of `Service` would see notifications too, and decides
//! nothing about them.) Every method of the trait is delegated by hand: one that rmcp adds later falls back
//! to the SDK's default, "method not found", and a test fails until somebody has decided about it.
//!
//! A tool that takes [`Granted`], [`WithinRoot`], [`AllowedUrl`] or [`AllowedCommand`] as a parameter
//! cannot run without the policy's decision: behind a bare handler the extractor is an error.

mod approve;
mod extract;
mod guarded;
mod schemas;
#[cfg(test)]
mod tests;

pub use extract::{AllowedCommand, AllowedUrl, ArgumentName, Granted, WithinRoot, names};
pub use guarded::{Guarded, META_PREFIX, Principal};
