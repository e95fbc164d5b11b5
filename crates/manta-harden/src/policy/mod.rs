//! One TOML file says what a server may do: per tool, per argument, limits, audit, redaction.
//!
//! [`PolicyFile`] is the file as data. Keys that do not exist are errors with a suggestion,
//! because a rule with a typing mistake in it must not silently protect nothing.

mod file;
pub mod spec;
mod units;

pub use file::{PolicyError, PolicyFile};
pub use units::{Period, Size};
