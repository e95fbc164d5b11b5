//! The rules of manta.
#![forbid(unsafe_code)]
