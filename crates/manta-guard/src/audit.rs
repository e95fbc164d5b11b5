//! Opens the log a policy describes.

use std::path::{Path, PathBuf};

use manta_harden::audit::{AuditError, AuditLog, state_directory};
use manta_harden::enforce::log_options;
use manta_harden::policy::Policy;
use sha2::{Digest as _, Sha256};

/// Guards of the same policy that may run at the same time; each writes a log of its own.
const MAX_LOGS: u32 = 64;

/// Opens the log at `path`, or beside it when another guard is writing there.
///
/// With `notes_later`, whoever relays says when nobody waits for the note of how far it has come ([`AuditLog::note`]).
///
/// # Errors
/// A message; nothing may run without its log.
pub fn open(path: &Path, policy: &Policy, notes_later: bool) -> Result<AuditLog, String> {
    for number in 1..=MAX_LOGS {
        let path = numbered(path, number);
        let mut options = log_options(policy, &path).map_err(|error| error.to_string())?;
        options.notes_later = notes_later;
        match AuditLog::open(&path, options) {
            Err(AuditError::Locked(_)) => {}
            other => return other.map_err(|error| error.to_string()),
        }
    }
    Err(format!("{}: {MAX_LOGS} other guards write logs there", path.display()))
}

/// Whether files can be made in this directory.
#[must_use]
pub fn takes_files(directory: &Path) -> bool {
    use rustix::fs::Access;
    rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The log of a policy in the directory for the state of the user or the service, which no server is given.
///
/// # Errors
/// A message when there is no such directory.
pub fn elsewhere(policy: &Path) -> Result<PathBuf, String> {
    let state = state_directory().ok_or("there is neither STATE_DIRECTORY nor HOME")?;
    let policy = std::path::absolute(policy).map_err(|error| error.to_string())?;
    // One directory per policy, with a name that tells which.
    let digest = Sha256::digest(policy.as_os_str().as_encoded_bytes());
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let name = policy.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let directory = state.join("manta/guard").join(format!("{name}-{digest}"));
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(directory.join("manta-audit.jsonl"))
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
