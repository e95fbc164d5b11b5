//! `cargo xtask ready-bundles`: one server of ours through tsc, esbuild and rspack gives the same findings per tool.
//!
//! Most published packages are built, and what a build tool makes of a program must not change what is found in it.
//! Needs Node and npm; the tools are fetched into the target directory.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::built;

/// Builds every variant and compares its findings with those of the source.
///
/// # Errors
/// When a program is missing or a build fails, and when a variant gives other findings; all of them are named.
pub(crate) fn ready_bundles(root: &Path) -> Result<String, String> {
    let manta = built::programs(root)?.join("manta");
    let place = fetch(root)?;
    let variants = place.join("variants");
    run(Command::new("node").arg("build.mjs").arg(&variants).current_dir(&place))?;
    let expected = findings(&manta, &root.join("xtask/bundles"))?;
    if expected.len() < 4 {
        return Err(format!("the source itself gives only {expected:?}"));
    }
    let mut report = format!("source: {} findings\n", expected.len());
    let mut differences = String::new();
    for name in folders(&variants)? {
        let found = findings(&manta, &variants.join(&name))?;
        if found == expected {
            let _ = writeln!(report, "{name}: the same");
        } else {
            let missing: Vec<_> = expected.difference(&found).collect();
            let new: Vec<_> = found.difference(&expected).collect();
            let _ = writeln!(differences, "{name}: missing {missing:?}, new {new:?}");
        }
    }
    if differences.is_empty() { Ok(report) } else { Err(differences) }
}

/// Fetches the build tools, unless they are there; where they are.
pub(crate) fn fetch(root: &Path) -> Result<PathBuf, String> {
    let place = root.join("target/ready/bundles");
    copy(&root.join("xtask/bundles"), &place)?;
    if !place.join("node_modules/typescript").exists() {
        run(Command::new("npm").args(["install", "--no-fund", "--no-audit"]).current_dir(&place))?;
    }
    Ok(place)
}

/// Rule and tool of every finding of at least medium severity.
fn findings(manta: &Path, target: &Path) -> Result<BTreeSet<(String, String)>, String> {
    let output = Command::new(manta)
        .args(["scan", "-o", "json", "--min-severity", "medium"])
        .arg(target)
        .output()
        .map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("{}: {}", target.display(), String::from_utf8_lossy(&output.stderr)))?;
    let mut found = BTreeSet::new();
    for finding in report["findings"].as_array().into_iter().flatten() {
        for tool in finding["tools"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            found.insert((text(&finding["rule"]), text(tool)));
        }
    }
    Ok(found)
}

fn folders(place: &Path) -> Result<BTreeSet<String>, String> {
    let entries = fs::read_dir(place).map_err(|error| format!("cannot read {}: {error}", place.display()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| format!("cannot create {}: {error}", to.display()))?;
    for name in folders(from)? {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| format!("cannot copy {}: {error}", source.display()))?;
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&said)))
}
