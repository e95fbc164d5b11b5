//! Public taint suites as oracles: test programs that are no MCP servers, each put behind a tool whose parameter is
//! what the suite calls a source. The adapters are ours; the suites stay in a local checkout.
//!
//! A suite disagrees with the scanner on purpose in places (`docs/accuracy.md` lists them), so the answer is a table
//! and the list of disagreements, never a pass or fail.

mod opengrep;
mod owasp;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::scan;

/// Measures the scanner on a public taint suite.
#[derive(clap::Args)]
pub(crate) struct OracleArgs {
    /// Which suite.
    #[arg(long, value_enum)]
    suite: Suite,
    /// Its checkout: the root of BenchmarkPython, or of Opengrep.
    #[arg(long)]
    dir: PathBuf,
    /// The scanner to measure (default: the one beside this program).
    #[arg(long)]
    manta: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// OWASP `BenchmarkPython`: command, path, code and SQL injection, deserialisation.
    OwaspPython,
    /// Opengrep's cross-function taint tests for Python, JavaScript and TypeScript.
    Opengrep,
}

/// One expectation of a suite.
struct Case {
    /// What is counted together.
    class: String,
    /// How a person finds it.
    name: String,
    /// Whether the suite calls it a flow.
    is_flow: bool,
    /// Whether the scanner does.
    is_found: bool,
}

/// What a suite came to.
#[derive(Default)]
struct Outcome {
    cases: Vec<Case>,
    /// Test programs that were not run, with the reason.
    left_out: Vec<(String, String)>,
}

/// Runs a suite.
///
/// # Errors
/// When the checkout or the scanner is missing, or a scan fails.
pub(crate) fn run(args: &OracleArgs) -> Result<String, String> {
    let manta = scan::manta_binary(args.manta.as_deref())?;
    let outcome = match args.suite {
        Suite::OwaspPython => owasp::run(&manta, &args.dir)?,
        Suite::Opengrep => opengrep::run(&manta, &args.dir)?,
    };
    Ok(print(&outcome))
}

/// True and false positive rates per class, then every disagreement.
fn print(outcome: &Outcome) -> String {
    let mut classes: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for case in &outcome.cases {
        for class in [case.class.as_str(), "~ all"] {
            let [found, flows, alarms, sound] = classes.entry(class).or_default();
            if case.is_flow {
                *flows += 1;
                *found += usize::from(case.is_found);
            } else {
                *sound += 1;
                *alarms += usize::from(case.is_found);
            }
        }
    }
    let mut text = String::from("class                    flows found    false alarms\n");
    for (class, [found, flows, alarms, sound]) in classes {
        let class = class.trim_start_matches("~ ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{class:<24} {found:>4} of {flows:<4}   {alarms:>4} of {sound}");
    }
    for (title, is_flow) in [("missed", true), ("false alarms", false)] {
        let differing = outcome.cases.iter().filter(|case| case.is_flow == is_flow && case.is_found != is_flow);
        let _ = writeln!(text, "\n{title}");
        for case in differing {
            let _ = writeln!(text, "  {} · {}", case.class, case.name);
        }
    }
    let _ = writeln!(text, "\nleft out ({})", outcome.left_out.len());
    for (name, reason) in &outcome.left_out {
        let _ = writeln!(text, "  {name}: {reason}");
    }
    text
}

/// Scans a generated project and gives its findings.
fn findings(manta: &Path, project: &Path) -> Result<Vec<scan::Finding>, String> {
    let report = scan::scan(manta, project).outcome?;
    if !report.completeness.complete {
        return Err(format!("{}: the scan is incomplete: {:?}", project.display(), report.completeness));
    }
    Ok(report.findings)
}

/// Reads a file of a checkout.
fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("read {}: {error}", path.display()))
}

/// Writes a file of a generated project.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder.and_then(|()| std::fs::write(path, text)).map_err(|error| format!("write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_disagreements_are_printed() {
        let case = |name: &str, is_flow, is_found| Case { class: "sql".into(), name: name.into(), is_flow, is_found };
        let cases = vec![case("hit", true, true), case("miss", true, false), case("alarm", false, true)];
        let text = print(&Outcome { cases, left_out: vec![("odd".into(), "no call".into())] });
        assert!(text.contains("sql                         1 of 2         1 of 1"), "{text}");
        assert!(text.contains("\nmissed\n  sql · miss\n"), "{text}");
        assert!(text.contains("\nfalse alarms\n  sql · alarm\n"), "{text}");
        assert!(text.contains("  odd: no call"), "{text}");
    }
}
