//! The engine as transcripts, and the relay over real processes.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should panic")]

mod several;
mod support;
mod transcripts;
mod wire;
