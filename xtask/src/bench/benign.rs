//! `cargo xtask bench-benign`: what the scanner says at high or critical about servers that are
//! believed to be sound.
//!
//! Each line is a false alarm or a real flaw; only a person can tell, so every one is listed with
//! its place. A real one is told to its maintainers privately.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::scan::{self, Finding, Scan};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct BenignArgs {
    /// Directories whose sub-directories are one server each (repeatable).
    #[arg(long, required = true, num_args = 1..)]
    dir: Vec<PathBuf>,
    /// The scanner [default: the `manta` built beside this program].
    #[arg(long)]
    manta: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// One server and what was said about it.
struct ServerRun {
    name: String,
    scan: Scan,
}

/// Scans every server and lists the alarms.
///
/// # Errors
/// When the scanner or a directory is not there, or there is no server. A scan that crashes or hangs
/// is a part of the report.
pub(crate) fn run(args: &BenignArgs) -> Result<String, String> {
    let manta = scan::manta_binary(args.manta.as_deref())?;
    let mut servers = Vec::new();
    for dir in &args.dir {
        servers.extend(folders(dir)?);
    }
    if servers.is_empty() {
        return Err("no server to scan".into());
    }
    let scan_one = |(name, tree): (String, PathBuf)| ServerRun { name, scan: scan::scan(&manta, &tree) };
    let runs: Vec<ServerRun> = servers.into_iter().map(scan_one).collect();
    Ok(if args.json { as_json(&runs) } else { as_text(&runs) })
}

/// The sub-directories of `dir` by name, sorted.
fn folders(dir: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let unreadable = |error| format!("cannot read {}: {error}", dir.display());
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            folders.push((name, path));
        }
    }
    folders.sort();
    Ok(folders)
}

/// The findings that would fail a user's build.
fn alarms(scan: &Scan) -> impl Iterator<Item = &Finding> {
    scan.findings().iter().filter(|finding| matches!(finding.severity.as_str(), "high" | "critical"))
}

fn as_text(runs: &[ServerRun]) -> String {
    let mut text = String::new();
    for ServerRun { name, scan } in runs {
        let state = scan.trouble().unwrap_or_default();
        let (tools, alarms_here) = (scan.tools(), alarms(scan).count());
        let _ = writeln!(text, "{name:50} {tools:4} tools {alarms_here:3} alarms {:>9.1?}  {state}", scan.took);
        for finding in alarms(scan) {
            let Finding { rule, severity, location, tools, message, .. } = finding;
            let _ =
                writeln!(text, "    {severity} {rule} · {}:{} · {tools:?} · {message}", location.file, location.line);
        }
    }
    let Totals { servers, loud, alarms, toolless, failed, time } = Totals::of(runs);
    let quiet = servers - loud - failed;
    let per_ten = alarms_per_ten(alarms, servers);
    let _ = writeln!(
        text,
        "\n{servers} servers: {quiet} quiet, {loud} with alarms, {failed} failed; {toolless} without a tool found\n\
         {alarms} alarms at high or critical, {per_ten:.1} per 10 servers before triage; {time:.1?} in all"
    );
    text
}

/// Sums over all servers.
struct Totals {
    servers: usize,
    loud: usize,
    alarms: usize,
    toolless: usize,
    failed: usize,
    time: Duration,
}

impl Totals {
    fn of(runs: &[ServerRun]) -> Self {
        let count = |is: &dyn Fn(&Scan) -> bool| runs.iter().filter(|run| is(&run.scan)).count();
        Self {
            servers: runs.len(),
            loud: count(&|scan| alarms(scan).next().is_some()),
            alarms: runs.iter().map(|run| alarms(&run.scan).count()).sum(),
            toolless: count(&|scan| scan.outcome.is_ok() && scan.tools() == 0),
            failed: count(&|scan| scan.outcome.is_err()),
            time: runs.iter().map(|run| run.scan.took).sum(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred servers at most")]
fn alarms_per_ten(alarms: usize, servers: usize) -> f64 {
    alarms as f64 * 10.0 / servers as f64
}

fn as_json(runs: &[ServerRun]) -> String {
    let server = |ServerRun { name, scan }: &ServerRun| {
        let alarms: Vec<Value> = alarms(scan)
            .map(|Finding { rule, severity, location, tools, message, .. }| {
                json!({"rule": rule, "severity": severity, "file": location.file, "line": location.line,
                       "tools": tools, "message": message})
            })
            .collect();
        json!({"name": name, "tools": scan.tools(), "alarms": alarms, "error": scan.outcome.as_ref().err(),
               "ms": scan.took.as_secs_f64() * 1e3})
    };
    let totals = Totals::of(runs);
    let report = json!({
        "servers": runs.iter().map(server).collect::<Vec<_>>(),
        "alarms": totals.alarms, "loud": totals.loud, "failed": totals.failed, "without_tools": totals.toolless,
        "alarms_per_10_servers": alarms_per_ten(totals.alarms, totals.servers),
    });
    format!("{report:#}\n")
}

#[cfg(test)]
mod tests {
    use super::super::scan::Report;
    use super::*;

    fn server(severities: &[&str]) -> ServerRun {
        let finding = |&severity: &&str| Finding { severity: severity.into(), ..Finding::default() };
        let findings = severities.iter().map(finding).collect();
        let scan = Scan { outcome: Ok(Report { findings, ..Report::default() }), took: Duration::ZERO };
        ServerRun { name: "s".into(), scan }
    }

    #[test]
    fn only_high_and_critical_findings_are_alarms() {
        let failed = Scan { outcome: Err("timed out".into()), took: Duration::ZERO };
        let runs = [
            server(&["critical", "high", "medium", "low"]),
            server(&["medium"]),
            ServerRun { name: "f".into(), scan: failed },
        ];
        let totals = Totals::of(&runs);
        assert_eq!((totals.alarms, totals.loud, totals.failed, totals.toolless), (2, 1, 1, 2));
        assert!((alarms_per_ten(totals.alarms, totals.servers) - 20.0 / 3.0).abs() < 1e-9);
        assert!(as_text(&runs).contains("FAILED: timed out"));
    }
}
