//! The engine as transcripts, and the relay over real processes.

mod support;
mod transcripts;
mod wire;
