//! Output formats of manta.
#![forbid(unsafe_code)]
