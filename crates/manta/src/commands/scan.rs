//! `manta scan`: what a caller of a server's tools could abuse.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use manta_core::{Confidence, Persona, RuleMeta, Severity};

use crate::analyse;
use crate::baseline::Baseline;
use crate::collect::{self, Limits};
use crate::dispose::{self, Wishes};
use crate::exit::{Exit, Failure};
use crate::output::{self, Color, Output, Writers};
use crate::progress::Progress;
use crate::suppress;

/// Find what a caller of a server's tools could abuse
///
/// Reads the source of MCP servers and reports every way a tool parameter reaches something dangerous without a
/// check that really stops it. Nothing is executed and nothing leaves this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Directories, source files or archives (.tgz, .tar.gz, .tar, .zip, .whl)
    #[arg(default_value = ".", value_name = "TARGET")]
    targets: Vec<String>,

    /// Scan the targets listed in this file instead, one per line; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "targets")]
    targets_from: Option<String>,

    /// Output format, to a file if one is given: human, json, sarif, github,
    /// gitlab, markdown, html, junit; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    output: Vec<Output>,

    /// Least severity that makes the exit code 1: info, low, medium, high, critical, or never
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = fail_on)]
    fail_on: FailOn,

    /// Least confidence that makes the exit code 1: low, medium, high
    #[arg(long, value_name = "CONFIDENCE", default_value = "low")]
    fail_confidence: Confidence,

    /// Hide findings below this severity; they are counted
    #[arg(long, value_name = "SEVERITY", default_value = "info")]
    min_severity: Severity,

    /// Run only these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    only: Vec<String>,

    /// Leave out these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    skip: Vec<String>,

    /// Who reads the report: regular, pedantic, or auditor, who also sees dangerous powers behind a real gate
    #[arg(long, default_value = "regular")]
    persona: Persona,

    /// Also read models of sinks, checks and registrations (*.toml) from this directory; may be repeated
    #[arg(long, value_name = "DIR")]
    models: Vec<PathBuf>,

    /// Hide the findings in this file, which `manta baseline` writes; they are counted
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Hide the findings that were there at this commit: what is left is what a change brings; they are counted
    #[arg(long, value_name = "REF")]
    diff: Option<String>,

    /// Obey suppressions in the scanned code, which otherwise count only for the tree you stand in
    #[arg(long)]
    trust_config: bool,

    /// Print only headlines and the result
    #[arg(short, long)]
    quiet: bool,

    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,

    /// Threads, which change nothing but the time it takes; one per core if not given
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

const EXAMPLES: &str = "\
Examples:
  manta scan                                      the server in this directory
  manta scan server-1.2.0.tgz                     a published package, without unpacking it
  manta scan -o human -o sarif=manta.sarif        a report to read and one for code scanning
  ls *.tgz | manta scan --targets-from - -o json  many packages, one line of JSON each
  manta scan --fail-on medium --min-severity low  stricter
  manta scan --only path-traversal,ssrf           two rules
  manta scan --diff origin/main                   only what this branch brings
  manta scan --persona auditor                    everything a reviewer wants to know

Exit codes: 0 clean, 1 findings at or above --fail-on, 2 manta failed, 3 analysis incomplete or nothing to scan";

/// `--fail-on`: a severity or `never`. A type of its own, because an `Option` would mean an optional flag.
#[derive(Debug, Clone, Copy)]
struct FailOn(Option<Severity>);

fn fail_on(given: &str) -> Result<FailOn, String> {
    if given == "never" {
        return Ok(FailOn(None));
    }
    given.parse().map(|severity| FailOn(Some(severity))).map_err(|error| format!("{error}, never"))
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let wishes = args.wishes()?;
    let rules = analyse::rules();
    let analysis = analyse::Analysis::new(&args.models)?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?.unwrap_or_default();
    let mut seen = BTreeSet::new();
    let listed = args.targets_from.as_deref().map(listed).transpose()?;
    let targets = listed.as_ref().unwrap_or(&args.targets);
    let mut writers = Writers::open(&args.output, args.color, args.quiet, listed.is_some() || targets.len() > 1)?;
    let mut progress = Progress::new(args.quiet);
    let threads = super::threads(args.jobs);
    let exit = super::for_each_target(targets, threads, &analysis, &mut progress, |mut report| {
        if args.trust_config || is_own(&report.target) {
            suppress::obey(&mut report, &rules);
        } else {
            suppress::note(&mut report);
        }
        wishes.dispose(&mut report);
        baseline.dispose(&mut report, &mut seen);
        if let Some(revision) = &args.diff {
            at_revision(&report.target, revision, &analysis)?.dispose(&mut report, &mut BTreeSet::new());
        }
        writers.write(&report)?;
        Ok(wishes.exit(&report))
    })?;
    writers.finish()?;
    let gone = baseline.gone(&seen);
    if gone > 0 && !args.quiet {
        output::remark(&format!("{gone} findings of the baseline are gone; `manta baseline` writes it anew"));
    }
    Ok(exit)
}

/// What a scan of the target would have found at a commit.
fn at_revision(target: &str, revision: &str, analysis: &analyse::Analysis) -> Result<Baseline, Failure> {
    let input = collect::collect_revision(target, revision, &Limits::default())?;
    let report = super::on_deep_stack(|| Ok(analysis.run(&input)))?;
    let mut baseline = Baseline::default();
    baseline.accept(&report);
    Ok(baseline)
}

/// Whether the user stands in the tree: code that lies anywhere else may have come from anybody.
fn is_own(target: &str) -> bool {
    let here = env::current_dir().and_then(|directory| directory.canonicalize());
    let there = Path::new(target).canonicalize();
    here.is_ok_and(|here| there.is_ok_and(|there| here.starts_with(there)))
}

/// The targets in a file, one per line; blank lines don't count.
fn listed(file: &str) -> Result<Vec<String>, Failure> {
    let text = if file == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
    let text = text.map_err(|error| Failure::new(format!("failed to read {file}: {error}")))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

impl Args {
    fn wishes(&self) -> Result<Wishes, Failure> {
        let rules = analyse::rules();
        let named = |names: &[String]| -> Result<Vec<&'static RuleMeta>, Failure> {
            names.iter().map(|name| dispose::rule(name, &rules)).collect()
        };
        Ok(Wishes {
            min_severity: self.min_severity,
            persona: self.persona,
            only: named(&self.only)?,
            skip: named(&self.skip)?,
            fail_on: self.fail_on.0,
            fail_confidence: self.fail_confidence,
        })
    }
}
