//! The command from outside: what is read of a target, and what a user sees.
#![expect(clippy::unwrap_used, reason = "a test that can't go on may panic")]

#[cfg(feature = "guard")]
mod book;
mod cli;
mod clients;
mod collect;
mod config;
#[cfg(feature = "guard")]
mod documented;
mod examples;
mod fix;
mod hostile;
mod live;
mod lsp;
mod mcp;
mod together;
