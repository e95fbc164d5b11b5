//! The abstract interpreter and what it is used for: discover what a server exposes, run it on untrusted data, judge
//! what arrives at sinks.
//!
//! Reading order: [`program`] (modules, linked), [`value`] and `store` (what values are, where they live), `interp`
//! (statements and expressions), `objects`, `ops`, `builtins` (fields, operators, built-in methods), `calls` and
//! [`models`] (what lies outside), `register` and `schema` (SDKs), `sinks` (judgement), [`analysis`] (the driver).

mod addresses;
pub mod analysis;
mod answers;
mod api;
mod builtins;
mod calls;
mod characters;
pub mod config;
mod congruence;
pub mod controls;
pub mod credentials;
mod facts;
mod formats;
mod interp;
mod jsonrpc;
mod lifespan;
mod memo;
pub mod models;
mod objects;
mod ops;
pub mod program;
pub mod promises;
mod register;
pub mod report;
mod schema;
mod sinks;
mod slices;
pub mod spoken;
mod stage;
mod store;
mod trace;
mod url_text;
mod value;

pub use interp::Limits;
pub use stage::{Observer, Stage};
