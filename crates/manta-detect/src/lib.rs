//! Pure text detectors: hidden characters, secret shapes, injection phrasing.
#![forbid(unsafe_code)]
pub mod address;
