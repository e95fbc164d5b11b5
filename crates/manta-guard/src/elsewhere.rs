//! The guard's commands on systems where it can't run: each says so, and what to do.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value;

pub use crate::options::{NOT_LISTED, Options, PinAction};

/// Why nothing is done here.
const MISSING: &str = "the guard runs on Linux, and on macOS with a weaker sandbox: this system has neither the \
                       streams nor the sandbox it needs. On Windows, run it and the server inside WSL 2";

/// Nothing is started again here.
#[must_use]
pub fn run_if_asked(_: &[String]) -> Option<ExitCode> {
    None
}

/// Says what is missing.
#[must_use]
pub fn main(_: &[String]) -> ExitCode {
    // Nothing better can be done when standard error is gone.
    let _ = writeln!(std::io::stderr(), "error: {MISSING}");
    ExitCode::from(2)
}

/// Settings of a guard that can't run here are checked where it can.
///
/// # Errors
/// Never.
pub fn check(_: &manta_harden::policy::PolicyFile) -> Result<(), String> {
    Ok(())
}

/// See [`MISSING`].
///
/// # Errors
/// Always.
pub fn guard(_: &Options) -> Result<u8, String> {
    Err(MISSING.to_owned())
}

/// See [`MISSING`].
///
/// # Errors
/// Always.
pub fn pin(_: &Options, _: PinAction) -> Result<Vec<String>, String> {
    Err(MISSING.to_owned())
}

/// See [`MISSING`].
///
/// # Errors
/// Always.
pub fn list(_: &Options) -> Result<Value, String> {
    Err(MISSING.to_owned())
}

/// See [`MISSING`].
///
/// # Errors
/// Always.
pub fn doctor() -> Result<(String, bool), String> {
    Err(MISSING.to_owned())
}
