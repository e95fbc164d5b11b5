//! `manta scan`: what a caller of a server's tools could abuse.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manta_core::{Confidence, Persona, ScanReport, Severity};

use crate::analyse;
use crate::baseline::Baseline;
use crate::collect::{self, Limits};
use crate::commands::settings::{self, SettingsArgs};
use crate::config::{self, Config};
use crate::dispose::{self, FailOn, Ruleset, Wishes};
use crate::exit::{Exit, Failure};
use crate::output::{self, Color, Output, Writers};
use crate::progress::Progress;
use crate::targets::{self, Target};
use crate::timings::Timings;
use crate::watch;

/// Find what a caller of a server's tools could abuse
///
/// Reads the source of MCP servers and reports every way a tool parameter reaches something dangerous without a
/// check that really stops it. Nothing is executed and nothing leaves this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Directories, source files, archives (.tgz, .tar.gz, .tar, .zip, .whl), captured lists of tools, configurations
    /// of clients, `-` for standard input; with --online also npm:NAME[@VERSION] and pypi:NAME[==VERSION]
    /// [default: the working directory]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// Scan the targets listed in this file instead, one per line; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "targets")]
    targets_from: Option<String>,

    /// Start this server in the guard's sandbox, list what it offers (nothing is called) and scan that; may be repeated
    #[cfg(feature = "guard")]
    #[arg(long, value_name = "COMMAND")]
    stdio: Vec<String>,

    /// Ask the server at this address (Streamable HTTP) what it offers (nothing is called) and scan that; may be repeated
    #[cfg(feature = "guard")]
    #[arg(long, value_name = "URL")]
    url: Vec<String>,

    /// Start servers of --stdio and connect to those of --url without asking
    #[cfg(feature = "guard")]
    #[arg(short, long)]
    yes: bool,

    #[cfg(feature = "guard")]
    #[command(flatten, next_help_heading = "Grants for servers of --stdio")]
    grants: super::guard::Grants,

    /// Scan the configurations of every client below your home directory, or below this one
    #[arg(long, value_name = "HOME", num_args = 0..=1, default_missing_value = "~")]
    clients: Option<PathBuf>,

    /// Say what the servers of several targets are to each other, which one client runs side by side: tools that together
    /// read private data and carry it out, names that collide, texts about another server's tools
    #[arg(long, conflicts_with = "targets_from")]
    together: bool,

    /// Fetch npm: and pypi: targets, with your own npm and pip; nothing of a package is run
    #[arg(long)]
    online: bool,

    /// Output format, to a file if one is given: human, json, sarif, github,
    /// gitlab, markdown, html, junit; may be repeated
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    output: Vec<Output>,

    /// Least severity that makes the exit code 1: info, low, medium, high, critical, or never [default: high]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,

    /// Least confidence that makes the exit code 1: low, medium, high [default: low]
    #[arg(long, value_name = "CONFIDENCE")]
    fail_confidence: Option<Confidence>,

    /// End with 0 instead of 3 where not everything could be looked at, for pipelines of servers of which that is known
    #[arg(long)]
    allow_incomplete: bool,

    /// Only rules that this version of manta had can make the exit code 1 (`1.4`, or `1.x` for every 1); findings of
    /// younger rules are shown
    #[arg(long, value_name = "VERSION")]
    ruleset: Option<Ruleset>,

    /// Hide findings below this severity; they are counted [default: info]
    #[arg(long, value_name = "SEVERITY")]
    min_severity: Option<Severity>,

    /// Run only these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    only: Option<Vec<String>>,

    /// Leave out these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    skip: Option<Vec<String>>,

    /// Who reads the report: regular, pedantic, or auditor, who also sees dangerous powers behind a real gate
    /// [default: regular]
    #[arg(long)]
    persona: Option<Persona>,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Hide the findings in this file, which `manta baseline` writes; they are counted
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Hide the findings that were there at this commit: what is left is what a change brings; they are counted
    #[arg(long, value_name = "REF")]
    diff: Option<String>,

    /// Scan again whenever a file of a target changes, until interrupted
    #[arg(long, conflicts_with_all = ["targets_from", "clients"])]
    watch: bool,

    /// Print only headlines and the result
    #[arg(short, long)]
    quiet: bool,

    /// Say on standard error what took how long
    #[arg(long)]
    timings: bool,

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
  manta scan tools.json                           a captured tools/list
  manta scan --stdio 'npx -y some-mcp-server'     what a running server says of itself
  manta scan --stdio mcp-server-git --exec git    the same, and it may start git
  manta scan --url http://127.0.0.1:8000/mcp      the same for one that runs already
  manta scan . --stdio 'node dist/index.js'       the code, and whether the server that runs is what it says
  manta scan --watch                              again whenever a file changes
  manta scan --clients                            what your clients are configured to start
  manta scan --online npm:some-mcp-server@1.2.0   a published package
  manta scan --together ./files ./browser         two servers, and what they add up to

Exit codes: 0 clean, 1 findings at or above --fail-on, 2 manta failed, 3 analysis incomplete or nothing to scan";

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.watch {
        return once(args);
    }
    let written: Vec<&Path> = args.output.iter().filter_map(Output::file).collect();
    watch::run(&args.watched()?, &written, || once(args))
}

/// One scan of all targets.
fn once(args: &Args) -> Result<Exit, Failure> {
    let configs = args.settings.configs()?;
    let usual = args.wishes(configs.own().map(|config| &config.scan))?;
    if usual.ruleset.is_ahead_of(env!("CARGO_PKG_VERSION")) {
        let version = env!("CARGO_PKG_VERSION");
        output::remark(&format!("ruleset {} is younger than manta {version}: every rule counts", usual.ruleset));
    }
    let timings = args.timings.then(Timings::start);
    let observer = timings.as_ref().map(Timings::observer).unwrap_or_default();
    let analysis = analyse::Analysis::new(&args.settings.models(&configs))?.observed(observer);
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?.unwrap_or_default();
    let mut seen = BTreeSet::new();
    let targets = args.targets()?;
    let is_one = targets.len() == 1;
    if args.together && is_one {
        return Err(Failure::new("--together is about several targets").hint("name every server that the client runs"));
    }
    let mut used = BTreeSet::new();
    let is_listed = args.targets_from.is_some();
    let mut writers = Writers::open(&args.output, args.color, args.quiet, is_listed || !is_one)?;
    let mut progress = Progress::new(args.quiet);
    let scan = |target: &Target, threads| settings::scan(target, &configs, &analysis, threads);
    let mut finish = |mut report: ScanReport, config: Option<Arc<Config>>| {
        args.settings.suppress(&mut report, config.as_deref(), is_one, &mut used);
        let wishes = args.wishes(config.as_ref().map(|config| &config.scan))?;
        wishes.dispose(&mut report);
        baseline.dispose(&mut report, &mut seen);
        if let Some(revision) = &args.diff {
            at_revision(&report.target, revision, &analysis)?.dispose(&mut report, &mut BTreeSet::new());
        }
        writers.write(&report)?;
        Ok(wishes.exit(&report))
    };
    let mut held = Vec::new();
    let each = |(report, config)| {
        if args.together {
            held.push((report, config));
            return Ok(Exit::Clean);
        }
        finish(report, config)
    };
    let mut exit = super::for_each_target(&targets, super::threads(args.jobs), &mut progress, scan, each)?;
    let (mut reports, configs_of): (Vec<_>, Vec<_>) = held.into_iter().unzip();
    manta_audit::together(&mut reports);
    for (report, config) in reports.into_iter().zip(configs_of) {
        exit = exit.and(finish(report, config)?);
    }
    writers.finish()?;
    if let Some(timings) = timings {
        timings.print();
    }
    let gone = baseline.gone(&seen);
    if gone > 0 && !args.quiet {
        output::remark(&format!("{gone} findings of the baseline are gone; `manta baseline` writes it anew"));
    }
    let suppressions = configs.own().map_or(0, |config| config.scan.suppress.len());
    if !is_one && used.len() < suppressions && !args.quiet {
        let unused = suppressions - used.len();
        output::remark(&format!("{unused} suppressions of the configuration hid no finding in any target"));
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

/// The targets in a file, one per line; blank lines don't count.
fn listed(file: &str) -> Result<Vec<String>, Failure> {
    let text = if file == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(file) };
    let text = text.map_err(|error| Failure::new(format!("failed to read {file}: {error}")))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

impl Args {
    /// Everything this run is about; the working directory when nothing is named.
    fn targets(&self) -> Result<Vec<Target>, Failure> {
        let listed = self.targets_from.as_deref().map(listed).transpose()?;
        let given = listed.as_ref().unwrap_or(&self.targets);
        let named = given.iter().map(|given| Target::named(given, self.online));
        let mut targets = named.collect::<Result<Vec<_>, _>>()?;
        #[cfg(feature = "guard")]
        {
            let running = self.running(&mut targets)?;
            targets.extend(running);
        }
        if let Some(home) = &self.clients {
            let own = || env::home_dir().ok_or_else(|| Failure::new("there is no home directory"));
            let is_own = home == Path::new("~");
            let (home, whose) =
                if is_own { (own()?, targets::Home::Own) } else { (home.clone(), targets::Home::Named) };
            targets.push(targets::configurations(&home, whose, &Limits::default())?);
        }
        if targets.is_empty() && listed.is_none() {
            targets.push(Target::Path(".".to_owned()));
        }
        Ok(targets)
    }

    /// What running servers list. One that is named beside one target of code is compared with that code.
    #[cfg(feature = "guard")]
    fn running(&self, code: &mut Vec<Target>) -> Result<Vec<Target>, Failure> {
        let consent = if self.yes { targets::Consent::Given } else { targets::Consent::Asked };
        if self.stdio.is_empty() && !self.grants.is_empty() {
            return Err(
                Failure::new("grants are for a server that is started").hint("name it with --stdio 'COMMAND …'")
            );
        }
        let commands = self.stdio.iter().map(|line| targets::Running::Command(line));
        let urls = self.url.iter().map(|url| targets::Running::Url(url));
        let grants = self.grants.options();
        let listings = commands.chain(urls).map(|server| targets::listing(server, &grants, consent));
        let mut listings = listings.collect::<Result<Vec<_>, _>>()?;
        if let ([_], [_]) = (code.as_slice(), listings.as_slice())
            && let (Some(code), Some(listing)) = (code.pop(), listings.pop())
        {
            return Ok(vec![Target::Compared(Box::new(code), Box::new(listing))]);
        }
        Ok(listings.into_iter().map(Target::Ready).collect())
    }

    /// The paths whose change is worth another scan.
    fn watched(&self) -> Result<Vec<PathBuf>, Failure> {
        let named: Vec<PathBuf> = self.targets.iter().map(PathBuf::from).collect();
        if let Some(other) = named.iter().find(|path| !path.exists()) {
            return Err(Failure::new(format!("{} can't be watched: it is no file or directory", other.display())));
        }
        let mut watched = if named.is_empty() { vec![PathBuf::from(".")] } else { named };
        watched.push(self.settings.config.clone().unwrap_or_else(|| PathBuf::from(config::NAME)));
        watched.extend(self.baseline.clone());
        watched.extend(self.settings.models.iter().cloned());
        Ok(watched)
    }

    /// What the command line says, then what the configuration says, then what is usual.
    fn wishes(&self, scan: Option<&config::Scan>) -> Result<Wishes, Failure> {
        let rules = analyse::rules();
        let unset = config::Scan::default();
        let scan = scan.unwrap_or(&unset);
        let named = |given: Option<&Vec<String>>, set: Option<&Vec<String>>| {
            let names = given.or(set).into_iter().flatten();
            names.map(|name| dispose::rule(name, &rules)).collect::<Result<Vec<_>, Failure>>()
        };
        Ok(Wishes {
            min_severity: self.min_severity.or(scan.min_severity).unwrap_or(Severity::Info),
            persona: self.persona.or(scan.persona).unwrap_or(Persona::Regular),
            only: named(self.only.as_ref(), scan.only.as_ref())?,
            skip: named(self.skip.as_ref(), scan.skip.as_ref())?,
            fail_on: self.fail_on.or(scan.fail_on).unwrap_or(FailOn(Some(Severity::High))).0,
            fail_confidence: self.fail_confidence.or(scan.fail_confidence).unwrap_or(Confidence::Low),
            allow_incomplete: self.allow_incomplete || scan.allow_incomplete.unwrap_or(false),
            ruleset: self.ruleset.or(scan.ruleset).unwrap_or_default(),
        })
    }
}
