//! The five principles as code that cannot be misused.
#![forbid(unsafe_code)]

mod digest;
pub mod policy;
pub mod paths;
