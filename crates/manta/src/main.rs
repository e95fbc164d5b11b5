//! The `manta` command.
#![forbid(unsafe_code)]

fn main() {}
