//! The five principles as code that cannot be misused.
#![forbid(unsafe_code)]

pub mod audit;
mod digest;
#[cfg(unix)]
pub mod enforce;
pub mod limit;
pub mod paths;
pub mod policy;
pub mod redact;
pub mod net;
pub mod command;
pub mod values;
