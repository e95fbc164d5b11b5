//! The runtime proxy and sandbox.
#![forbid(unsafe_code)]
