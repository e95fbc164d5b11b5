//! Opens the log a policy describes.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use manta_harden::audit::{AuditError, AuditLog, Options, Safety};
use manta_harden::policy::Policy;
use manta_harden::policy::spec::AuditMode;

/// Guards of the same policy that may run at the same time; each writes a log of its own.
const MAX_LOGS: u32 = 64;

/// Opens the log at `path`, or beside it when another guard is writing there.
///
/// # Errors
/// A message; nothing may run without its log.
pub fn open(path: &Path, policy: &Policy) -> Result<AuditLog, String> {
    for number in 1..=MAX_LOGS {
        let path = numbered(path, number);
        match AuditLog::open(&path, options(&path, policy)?) {
            Err(AuditError::Locked(_)) => {}
            other => return other.map_err(|error| error.to_string()),
        }
    }
    Err(format!("{}: {MAX_LOGS} other guards write logs there", path.display()))
}

fn options(path: &Path, policy: &Policy) -> Result<Options, String> {
    let spec = &policy.file().spec().audit;
    let mut options = Options::new(policy.redactor(key(path)?));
    options.safety = match spec.mode {
        AuditMode::Flush => Safety::Flush,
        AuditMode::Durable => Safety::Durable,
    };
    options.rotate = spec.rotate.bytes();
    options.timeout = spec.timeout.get();
    options.checkpoint_every = spec.checkpoint_every;
    options.checkpoints = spec.checkpoints.as_ref().map(|path| policy.file().directory().join(path));
    Ok(options)
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

/// The key of the log's digests, made at first use and kept beside it for its owner alone.
fn key(log: &Path) -> Result<[u8; 32], String> {
    let path = log.with_extension("key");
    let problem = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut key = [0; 32];
    match File::open(&path) {
        Ok(mut file) => file.read_exact(&mut key).map_err(problem)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key)).map_err(problem)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                fs::create_dir_all(parent).map_err(problem)?;
            }
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(problem)?;
            file.write_all(&key).map_err(problem)?;
        }
        Err(error) => return Err(problem(error)),
    }
    Ok(key)
}
