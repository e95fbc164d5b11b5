//! Language-neutral IR, value domains and abstract interpreter.
//!
//! Front ends lower source files to [`ir::Module`]s; the engine interprets them abstractly, discovers which tools a
//! server registers, runs every handler with untrusted arguments and reports what reaches a sink.
#![forbid(unsafe_code)]

pub mod builder;
pub mod domain;
pub mod engine;
pub mod frontend;
pub mod ir;
pub mod print;
pub mod symbol;
