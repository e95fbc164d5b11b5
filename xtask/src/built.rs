//! The programs of this repository, built as `cargo test --workspace` builds them: for any other selection cargo unites
//! other features, and compiles a good part of the workspace and of its dependencies once more.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Selects everything that the parts use; examples bring in what only tests depend on.
const SELECTION: &[&str] = &["--workspace", "--bins", "--examples"];

/// Builds the programs and examples; the directory they are in.
///
/// # Errors
/// What the compiler said.
pub(crate) fn programs(root: &Path) -> Result<PathBuf, String> {
    let output = Command::new("cargo").args(["build", "-q"]).args(SELECTION).current_dir(root).output();
    let output = output.map_err(|error| format!("cargo: {error}"))?;
    match output.status.success() {
        true => Ok(target(root).join("debug")),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}
