//! The five principles as code that cannot be misused: what an MCP server in Rust needs so that a
//! prompt injection stays a sentence.
//!
//! A model hands on what it has read. Whoever writes a page, an issue or a mail that a model reads
//! can choose the arguments of a tool, so every argument is untrusted. This crate answers with
//! handles rather than verdicts: a [`paths::Root`] gives open files, `net::SafeClient` finished
//! responses, a [`command::CommandSet`] finished processes. There is no checked string to open,
//! resolve or parse again, so nothing can change between check and use.
//!
//! | principle | module | stops |
//! |---|---|---|
//! | files stay below a directory | [`paths`] | path traversal, links, races (CWE-22, 59, 367) |
//! | connections go where the policy says | [`net`] | server-side request forgery, rebinding (CWE-918, 350) |
//! | programs run by grammar, never by shell | [`command`] | command and argument injection (CWE-78, 88) |
//! | values and rates have bounds | [`values`], [`limit`] | improper input, exhaustion (CWE-20, 400, 770) |
//! | every call leaves a record, without secrets | [`audit`], [`redact`] | repudiation, leaks in logs (CWE-778, 532) |
//!
//! [`policy`] puts all of it into one TOML file, and feature `rmcp` around any handler of the official
//! SDK. The guide in `docs/secure-server-guide.md` walks the principles with the attack on each usual
//! half-fix; its code runs as tests of this crate.
//!
//! ```
//! use manta_harden::net::UrlPolicy;
//! use manta_harden::paths::{Access, Root};
//! # let dir = tempfile::tempdir()?;
//! # std::fs::write(dir.path().join("README.md"), "hello")?;
//! # let directory = dir.path();
//!
//! let project = Root::open(directory, Access::READ)?; // once, at start
//! assert!(project.read("README.md").is_ok());
//! assert!(project.read("../../etc/passwd").is_err());
//!
//! let policy = UrlPolicy::new().host("api.example.com")?;
//! assert!(policy.check("https://api.example.com@169.254.169.254/").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Built to be read.** No `unsafe` code; the default build has the file system, URL, pattern, hash
//! and serialisation crates and nothing asynchronous. Everything else is a feature that only adds:
//! `client` (HTTP), `front` (who is let in over HTTP), `rmcp`, `serve`, `redis` (shared limits), `signing` (audit checkpoints), `otel` (telemetry),
//! `cel` (conditions), `schema`.
//!
//! **Limits.** A program that [`command`] starts, and a server in another language, open and resolve by
//! themselves: put those in a sandbox as `manta guard` does. Paths resolve in one system call on Linux
//! from 5.6 and component by component elsewhere; commands run on Linux only.
#![forbid(unsafe_code)]

pub mod approval;
pub mod audit;
pub mod command;
mod digest;
pub mod enforce;
#[cfg(feature = "front")]
pub mod front;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod limit;
pub mod net;
#[cfg(feature = "otel")]
pub mod otel;
pub mod paths;
pub mod policy;
pub mod redact;
#[cfg(feature = "rmcp")]
pub mod rmcp;
#[cfg(feature = "serve")]
pub mod serve;
pub mod trace;
pub mod values;

/// Compiles and runs the guide's code as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/secure-server-guide.md")]
mod guide {}
