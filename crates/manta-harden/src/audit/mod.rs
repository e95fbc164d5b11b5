//! The record of every call: written before it runs and after, chained, never lossy, fail closed.
//!
//! A call writes an *intent* before execution and an *outcome* after it, so that a crash cannot hide a
//! call (CWE-778). Each line is JSON and carries the hash of the line before (`prev`), so that an edited,
//! removed, inserted or reordered line shows. A file next to the log (`.head`) says how far the log has
//! come, and signed checkpoints, best kept on another machine, show a log that was cut off or rewritten as
//! a whole: a chain alone shows neither.
//!
//! When a record cannot be written the call must not run: [`AuditLog::begin`] is an error then, and stays
//! one until records can be written again.

mod chain;
mod checkpoint;
mod export;
mod file;
mod read;
mod record;
mod time;
mod told;
mod verify;
mod writer;

pub use checkpoint::Checkpoint;
#[cfg(feature = "signing")]
pub use checkpoint::{PublicKey, SigningKey};
pub use export::{cef, ocsf};
pub(crate) use file::{private, read_beside};
pub use read::{Entry, Filter, follow, last, read, visible};
pub use record::{CallInfo, DecisionInfo, Ended, ErrorClass, Observer, Outcome, Verdict};
pub use time::rfc3339 as timestamp;
pub use told::Told;
pub use verify::{Problem, ProblemKind, Report, VerifyOptions, verify};
pub use writer::{AuditError, AuditLog, Call, Options, Safety};

/// The directory for what programs remember: of a service, the first of `$STATE_DIRECTORY` (systemd.exec(5)); else the
/// user's own (XDG Base Directory Specification), `$XDG_STATE_HOME` or `~/.local/state`. None without a home.
#[must_use]
pub fn state_directory() -> Option<std::path::PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from).filter(|path| path.is_absolute());
    let of_service = std::env::var("STATE_DIRECTORY").ok().and_then(|list| Some(list.split(':').next()?.into()));
    let of_service = of_service.filter(|path: &std::path::PathBuf| path.is_absolute());
    of_service.or_else(|| named("XDG_STATE_HOME")).or_else(|| Some(named("HOME")?.join(".local/state")))
}

#[cfg(test)]
mod tests;
