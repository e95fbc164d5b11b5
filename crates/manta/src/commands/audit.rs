//! `manta audit`: read and check audit logs.

use std::path::PathBuf;
use std::time::Duration;

use manta_core::Untrusted;
use manta_harden::audit::{self, Entry, Filter, PublicKey, VerifyOptions};
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::output;

/// Verify, show, follow and export audit logs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check every link of a log, its head and its checkpoints; exit code 1 when something is wrong
    Verify {
        /// The log; its rotated files are found by name
        log: PathBuf,
        /// Checkpoints that were kept elsewhere
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// Ed25519 public key in hexadecimal that every checkpoint must be signed with
        #[arg(long, value_name = "HEX")]
        public_key: Option<String>,
        /// The oldest files were removed on purpose
        #[arg(long)]
        allow_pruned: bool,
    },
    /// Show the last records, and new ones as they come
    Tail {
        /// The log
        log: PathBuf,
        /// How many records
        #[arg(short = 'n', long, default_value_t = 10)]
        lines: usize,
        /// Wait for more
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        filter: Which,
    },
    /// Show records, or all of one call
    Show {
        /// The log
        log: PathBuf,
        #[command(flatten)]
        filter: Which,
        /// Whole records as JSON lines
        #[arg(long)]
        json: bool,
    },
    /// Write records in the format of a monitoring system
    Export {
        /// The log
        log: PathBuf,
        #[command(flatten)]
        format: Format,
        #[command(flatten)]
        filter: Which,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Format {
    /// OCSF, class API Activity, as JSON lines
    #[arg(long)]
    ocsf: bool,
    /// ArcSight Common Event Format
    #[arg(long)]
    cef: bool,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Only this tool
    #[arg(long)]
    tool: Option<String>,
    /// Only this principal
    #[arg(long)]
    principal: Option<String>,
    /// Only this decision: allow, deny, would-deny, …
    #[arg(long)]
    decision: Option<String>,
    /// Only this kind: intent, outcome, …
    #[arg(long)]
    kind: Option<String>,
    /// Only this call
    #[arg(long)]
    call: Option<String>,
    /// Only calls that failed
    #[arg(long)]
    failed: bool,
    /// Not before this time, such as 2026-11-24 or 2026-11-24T10:00
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Which {
    fn filter(&self) -> Filter {
        Filter {
            tool: self.tool.clone(),
            principal: self.principal.clone(),
            decision: self.decision.clone(),
            kind: self.kind.clone(),
            call: self.call.clone(),
            success: self.failed.then_some(false),
            since: self.since.clone(),
            until: self.until.clone(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Verify { log, checkpoints, public_key, allow_pruned } => {
            let key = public_key.as_ref().map(|text| PublicKey::from_hex(text).ok_or("not a public key")).transpose();
            let options = VerifyOptions {
                checkpoints: checkpoints.clone(),
                public_key: key.map_err(Failure::new)?,
                allow_pruned: *allow_pruned,
            };
            verify(log, &options)
        }
        Command::Tail { log, lines, follow, filter } => tail(log, *lines, *follow, &filter.filter()),
        Command::Show { log, filter, json } => {
            let (filter, json) = (filter.filter(), *json);
            each(log, &filter, |entry| Some(if json { entry.to_json() } else { line(entry) }))
        }
        Command::Export { log, format, filter } => {
            let (filter, is_cef) = (filter.filter(), format.cef);
            each(log, &filter, |entry| {
                let record = entry.record.as_ref()?;
                if is_cef {
                    audit::cef(record)
                } else {
                    audit::ocsf(record).map(|event| audit::visible(&event.to_string()))
                }
            })
        }
    }
}

fn unreadable(log: &std::path::Path) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(format!("{}: {error}", log.display()))
}

fn verify(log: &std::path::Path, options: &VerifyOptions) -> Result<Exit, Failure> {
    let report = audit::verify(log, options).map_err(unreadable(log))?;
    let mut lines: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    if report.torn_tail > 0 {
        lines.push(format!("note: the last line is torn after {} bytes, as a crash leaves it", report.torn_tail));
    }
    if report.recovered > 0 {
        lines.push(format!("note: {} torn lines are named by the records after them", report.recovered));
    }
    if !report.is_anchored {
        let note = match options.public_key {
            Some(_) if report.checkpoints == 0 => "note: no checkpoint with that key's signature is here",
            _ => "note: its head is not here, so a missing end would not show, but for what checkpoints name",
        };
        lines.push(note.to_owned());
    }
    if options.public_key.is_some() && report.vouched < report.last_seq {
        lines.push(format!("note: signatures speak for records up to {}", report.vouched));
    }
    for call in &report.unfinished {
        lines.push(format!("note: call {call} has no outcome; its result is unknown"));
    }
    let verdict = if report.is_intact() { "intact" } else { "NOT intact" };
    lines.push(format!(
        "{}: {verdict}; {} records ({} to {}), {} checkpoints, {} problems; last hash {}",
        log.display(),
        report.records,
        report.first_seq,
        report.last_seq,
        report.checkpoints,
        report.problems.len(),
        report.last_hash,
    ));
    // One by one: a line end inside a name that the log gives must not begin a line that reads like a verdict.
    let text: String = lines.iter().map(|line| Untrusted(line).for_terminal() + "\n").collect();
    output::print(&text)?;
    match (report.is_intact(), report.records) {
        (false, _) => Ok(Exit::Findings),
        (true, 0) => Ok(Exit::Incomplete),
        // What is here fits together; whether it is all of it, nobody can say.
        _ if !report.is_anchored => Ok(Exit::Incomplete),
        _ => Ok(Exit::Clean),
    }
}

fn tail(log: &std::path::Path, lines: usize, follow: bool, filter: &Filter) -> Result<Exit, Failure> {
    let entries = audit::last(log, lines, filter).map_err(unreadable(log))?;
    let text: String = entries.iter().map(|entry| line(entry) + "\n").collect();
    output::print(&text)?;
    if follow {
        let pause = || std::thread::sleep(Duration::from_millis(200));
        let mut see = |entry: &Entry| {
            let is_wanted = entry.record.as_ref().is_some_and(|record| filter.admits(record));
            !is_wanted || output::print(&(line(entry) + "\n")).is_ok()
        };
        audit::follow(log, &pause, &mut see).map_err(unreadable(log))?;
    }
    Ok(Exit::Clean)
}

/// Prints what `form` makes of every wanted record. Lines that are no records are left to `verify`.
fn each(log: &std::path::Path, filter: &Filter, form: impl Fn(&Entry) -> Option<String>) -> Result<Exit, Failure> {
    for entry in audit::read(log).map_err(unreadable(log))? {
        let entry = entry.map_err(unreadable(log))?;
        let is_wanted = entry.record.as_ref().is_some_and(|record| filter.admits(record));
        if let Some(text) = is_wanted.then(|| form(&entry)).flatten() {
            output::print(&(text + "\n"))?;
        }
    }
    Ok(Exit::Clean)
}

/// One record on one line, for people: what comes from callers cannot drive their terminal.
fn line(entry: &Entry) -> String {
    let text = |name: &str| entry.text(name).unwrap_or_default();
    let record = entry.record.as_ref().unwrap_or(&Value::Null);
    let ended = match record.get("success").and_then(Value::as_bool) {
        Some(true) => format!("ok {} µs", record["duration_us"]),
        Some(false) => format!("failed: {}", record["error"]["message"].as_str().unwrap_or_default()),
        None => String::new(),
    };
    let params = record.get("params").filter(|params| !params.is_null()).map(Value::to_string).unwrap_or_default();
    let detail = record.get("detail").map(Value::to_string).unwrap_or_default();
    let line = format!(
        "{} {:>6} {:<8} {:<6} {} {} {params}{detail} {ended}",
        text("timestamp"),
        entry.seq().unwrap_or(0),
        text("kind"),
        text("decision"),
        text("principal"),
        text("tool"),
    );
    Untrusted(line.trim_end()).for_terminal()
}
