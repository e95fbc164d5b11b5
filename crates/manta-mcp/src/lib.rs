//! The Model Context Protocol as attackers send it.
//!
//! [`Frame::parse`] reads one JSON-RPC message strictly: either every parser a client or a server
//! may use (Node, Python, Go, Rust) reads the same thing, or the frame is refused with a reason and
//! an offset. The frame keeps spans into the original bytes, so that a proxy can check the parts it
//! cares about and forward what was sent, not what it understood.
//!
//! [`scan::IdScanner`] finds the request id of a frame that was refused or is too long to keep, so
//! that the caller gets an answer instead of silence. [`canonical`] writes a value in the one form
//! of RFC 8785, for digests.
//!
//! The other half reads leniently, for scans: [`document`] keeps the place of every value of a JSON, TOML or YAML
//! file, and [`listing`] finds what a server says about itself in whatever shape it was captured.
#![forbid(unsafe_code)]

pub mod canonical;
pub mod clients;
pub mod document;
mod error;
mod frame;
mod id;
pub mod listing;
pub mod scan;
mod text;
mod walk;

pub use error::{FrameError, Refusal};
pub use frame::{Direction, Frame, Kind, Limits, Part, Span};
pub use id::Id;
pub use text::{decode_string, escape_line_separators, fold_key, one_line};
