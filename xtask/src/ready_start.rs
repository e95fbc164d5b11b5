//! `cargo xtask ready-start`: what a small scan costs, in instructions.
//!
//! Most of a small scan is what every scan does before it looks at any code: tables, patterns, models. That grows with every
//! rule and is never felt in one change, so it is held here, in the unoptimised program that the tests use anyway. A
//! new compiler may move the figure; a change of ours that does has to say why.

use std::path::Path;

use crate::built;
use crate::instructions::Counter;

/// What is scanned, and the most it may take, in millions of instructions: a quarter more than on the day this was written.
const MOST: &[(&str, u64)] = &[("examples/my-mcp-server", 46), ("examples/py-fastmcp", 60)];

/// Scans the smallest examples.
///
/// # Errors
/// When nothing counts instructions, or a scan takes more than it may.
pub(crate) fn ready_start(root: &Path) -> Result<String, String> {
    let manta = built::programs(root)?.join("manta");
    let counter = Counter::find(&manta)?;
    let mut report = Vec::new();
    for (example, most) in MOST {
        let target = root.join(example).display().to_string();
        let args = ["scan", "--jobs", "1", "-q", "-o", "json=/dev/null", &target].map(str::to_owned);
        let taken = counter.count(&manta, &args, "")? / 1_000_000;
        let told = format!("{example}: {taken} million instructions by {}, of at most {most}", counter.name());
        if taken > *most {
            return Err(format!("{told}; `cargo xtask bench-speed` and callgrind tell where they go"));
        }
        report.push(told);
    }
    Ok(report.join("\n"))
}
