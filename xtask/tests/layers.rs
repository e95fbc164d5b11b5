//! The house of ARCHITECTURE.md as a test: which crate may stand on which.
//!
//! Arrows point down, never sideways. A new crate without a row fails, so that its place is decided
//! when it is born.

use std::process::Command;

use serde_json::Value;

/// Each crate and the crates of this workspace it may use; `*` is all of them.
const LAYERS: &[(&str, &[&str])] = &[
    ("manta-detect", &[]),
    ("manta-core", &["manta-detect"]),
    ("manta-mcp", &["manta-core"]),
    ("manta-flow", &["manta-core", "manta-detect"]),
    ("manta-harden", &["manta-core", "manta-detect", "manta-mcp"]),
    ("manta-js", &["manta-core", "manta-flow"]),
    ("manta-py", &["manta-core", "manta-flow"]),
    ("manta-audit", &["manta-core", "manta-detect", "manta-mcp", "manta-flow"]),
    ("manta-report", &["manta-core", "manta-detect"]),
    ("manta-guard", &["manta-core", "manta-detect", "manta-mcp", "manta-harden"]),
    ("manta", &["*"]),
    ("manta-testkit", &["manta-core", "manta-mcp", "manta-flow", "manta-js", "manta-py"]),
    ("manta-fuzz", &["*"]),
    ("xtask", &["*"]),
];

/// What would bring an event loop into code that must stay a pure function, or a parser's types above its crate:
/// outside crates and the only crates of ours that may ask for them.
const RESERVED: &[(&str, &[&str])] = &[
    ("tokio", &["manta-harden", "manta-guard", "manta"]),
    ("hyper", &["manta-harden", "manta-guard", "manta"]),
    ("clap", &["manta", "xtask"]),
    ("oxc", &["manta-js"]),
    ("ruff", &["manta-py"]),
];

#[test]
fn crates_depend_only_downwards() {
    for Crate { name, dependencies } in crates() {
        let row = LAYERS.iter().find(|(layer, _)| *layer == name);
        let (_, allowed) = row.unwrap_or_else(|| panic!("`{name}` has no row in LAYERS"));
        for (target, is_ours) in dependencies {
            let is_allowed = allowed.contains(&"*") || allowed.contains(&target.as_str());
            assert!(!is_ours || is_allowed, "`{name}` may not depend on `{target}`");
        }
    }
}

#[test]
fn event_loops_parsers_and_command_lines_stay_where_they_belong() {
    for Crate { name, dependencies } in crates() {
        for (target, _) in dependencies {
            let family = target.split(['_', '-']).next().unwrap_or(&target);
            let row = RESERVED.iter().find(|(reserved, _)| *reserved == family);
            let is_allowed = row.is_none_or(|(_, owners)| owners.contains(&name.as_str()));
            assert!(is_allowed, "`{name}` may not depend on `{target}`");
        }
    }
}

/// A crate of this workspace.
struct Crate {
    name: String,
    /// What it depends on outside tests, and whether that is in this workspace.
    dependencies: Vec<(String, bool)>,
}

fn crates() -> Vec<Crate> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version=1"];
    let output = Command::new(env!("CARGO")).args(arguments).output().expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let list = |value: &Value| value.as_array().expect("metadata has lists").clone();
    let name = |value: &Value| value["name"].as_str().expect("packages have names").to_owned();
    let crates: Vec<Crate> = list(&metadata["packages"])
        .iter()
        .map(|package| {
            let outside_tests = list(&package["dependencies"]).into_iter().filter(|used| used["kind"] != "dev");
            let dependencies = outside_tests.map(|used| (name(&used), used["path"].is_string())).collect();
            Crate { name: name(package), dependencies }
        })
        .collect();
    assert!(crates.len() > 1, "metadata lists the workspace");
    crates
}
