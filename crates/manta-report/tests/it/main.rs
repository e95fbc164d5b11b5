//! Every format × every sample run, and each format against the rules of its medium.
#![expect(clippy::unwrap_used, reason = "a test that can't go on may panic")]

mod formats;
mod hostile;
mod samples;
mod schemas;
