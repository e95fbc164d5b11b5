//! Opens the log a policy describes.

use std::path::{Path, PathBuf};

use manta_harden::audit::{AuditError, AuditLog};
use manta_harden::enforce::log_options;
use manta_harden::policy::Policy;

/// Guards of the same policy that may run at the same time; each writes a log of its own.
const MAX_LOGS: u32 = 64;

/// Opens the log at `path`, or beside it when another guard is writing there.
///
/// # Errors
/// A message; nothing may run without its log.
pub fn open(path: &Path, policy: &Policy) -> Result<AuditLog, String> {
    for number in 1..=MAX_LOGS {
        let path = numbered(path, number);
        let options = log_options(policy, &path).map_err(|error| error.to_string())?;
        match AuditLog::open(&path, options) {
            Err(AuditError::Locked(_)) => {}
            other => return other.map_err(|error| error.to_string()),
        }
    }
    Err(format!("{}: {MAX_LOGS} other guards write logs there", path.display()))
}

/// `audit.jsonl`, `audit.2.jsonl`, …
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let extension = path.extension().map_or_else(String::new, |extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}.{number}{extension}"))
}
