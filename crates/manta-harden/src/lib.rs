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
#[cfg(all(unix, feature = "rmcp"))]
pub mod rmcp;
pub mod net;
pub mod command;
#[cfg(all(unix, feature = "serve"))]
pub mod serve;
pub mod values;

/// Compiles and runs the guide's code as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/secure-server-guide.md")]
mod guide {}
