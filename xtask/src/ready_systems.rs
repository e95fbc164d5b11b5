//! `cargo xtask ready-systems`: the program compiles for the systems that the tests don't run on.
//!
//! Only compiled, neither linked nor run, so no toolchain of theirs is needed: where a build script asks for a C
//! compiler it gets one that does nothing.

use std::path::Path;
use std::process::Command;

/// What is compiled for, and what stands behind it.
const TARGETS: &[(&str, &str)] = &[("x86_64-apple-darwin", "macOS"), ("x86_64-pc-windows-gnu", "Windows")];

/// Compiles the program for each system whose standard library is installed, and names those that were not tried.
///
/// # Errors
/// What the compiler said, warnings included.
pub(crate) fn ready_systems(root: &Path) -> Result<String, String> {
    let mut report = Vec::new();
    for (target, system) in TARGETS {
        if !is_installed(target)? {
            report.push(format!("{system}: NOT CHECKED, `rustup target add {target}` first"));
            continue;
        }
        let variable = target.replace('-', "_");
        let output = Command::new("cargo")
            .args(["check", "-q", "-p", "manta", "--target", target])
            .env("CARGO_TARGET_DIR", root.join("target/systems"))
            .env(format!("CARGO_TARGET_{}_RUSTFLAGS", variable.to_uppercase()), "-Dwarnings")
            .env(format!("CC_{variable}"), "true")
            .env(format!("AR_{variable}"), "true")
            .current_dir(root)
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        if !output.status.success() {
            return Err(format!("{system}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        report.push(format!("{system}: compiles, without a warning"));
    }
    Ok(report.join("\n"))
}

fn is_installed(target: &str) -> Result<bool, String> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .map_err(|error| format!("rustc: {error}"))?;
    let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success() && Path::new(&libraries).is_dir())
}
