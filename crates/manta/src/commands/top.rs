//! `manta top`: what happens behind a guard, while it happens, out of its audit log.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use manta_core::Untrusted;
use manta_harden::audit::{self, Entry};
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::output;

/// Durations that are kept per tool, newest last.
const KEPT: usize = 512;
/// Refusals that are shown.
const SHOWN: usize = 8;
/// Tools that are shown, the busiest first.
const ROWS: usize = 30;

/// Show calls, denials and limits as they happen
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  manta top manta-audit.jsonl")]
pub(crate) struct Args {
    /// The audit log of a guard or of `manta serve`
    log: PathBuf,

    /// Show what the log says now and end
    #[arg(long)]
    once: bool,
}

#[derive(Default)]
struct Tool {
    calls: u64,
    running: u64,
    denied: u64,
    failed: u64,
    /// In microseconds.
    durations: VecDeque<u64>,
    recent: VecDeque<Instant>,
}

#[derive(Default)]
struct View {
    tools: BTreeMap<(String, String), Tool>,
    /// Calls that have begun, with their tool.
    open: HashMap<String, (String, String)>,
    refusals: VecDeque<String>,
    records: u64,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let unreadable = |error: io::Error| Failure::new(format!("{}: {error}", args.log.display()));
    let view = RefCell::new(View::default());
    for entry in audit::read(&args.log).map_err(unreadable)? {
        view.borrow_mut().take(&entry.map_err(unreadable)?, None);
    }
    if args.once || !io::stdout().is_terminal() {
        output::print(&view.borrow().text())?;
        return Ok(Exit::Clean);
    }
    let painted = RefCell::new(None::<Instant>);
    let pause = || {
        let is_due = painted.borrow().is_none_or(|at| at.elapsed() >= Duration::from_millis(500));
        if is_due {
            // The screen may be gone; the next record notices.
            let _ = io::stdout().write_all(format!("\x1b[H\x1b[2J{}", view.borrow().text()).as_bytes());
            let _ = io::stdout().flush();
            *painted.borrow_mut() = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let mut see = |entry: &Entry| {
        view.borrow_mut().take(entry, Some(Instant::now()));
        true
    };
    audit::follow(&args.log, &pause, &mut see).map_err(unreadable)?;
    Ok(Exit::Clean)
}

impl View {
    fn take(&mut self, entry: &Entry, now: Option<Instant>) {
        let Some(record) = &entry.record else { return };
        self.records += 1;
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        if !matches!(text("kind").as_str(), "intent" | "outcome") {
            return;
        }
        let name = (text("server"), text("tool"));
        let is_denied = matches!(text("decision").as_str(), "deny" | "refused" | "error");
        let tool = self.tools.entry(name.clone()).or_default();
        if text("kind") == "intent" {
            tool.calls += 1;
            tool.recent.extend(now);
            if !is_denied {
                tool.running += 1;
                self.open.insert(text("call"), name);
            }
            return;
        }
        if self.open.remove(&text("call")).is_some() {
            tool.running = tool.running.saturating_sub(1);
        }
        if is_denied {
            tool.denied += 1;
            let rule = record.get("rule").and_then(Value::as_str).unwrap_or("");
            self.refusals.push_back(format!("{} {} {}: {rule}", text("timestamp"), text("principal"), name.1));
            while self.refusals.len() > SHOWN {
                self.refusals.pop_front();
            }
            return;
        }
        tool.failed += u64::from(record.get("success") == Some(&Value::Bool(false)));
        tool.durations.extend(record.get("duration_us").and_then(Value::as_u64));
        while tool.durations.len() > KEPT {
            tool.durations.pop_front();
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{:<28} {:<24} {:>8} {:>7} {:>7} {:>7} {:>7} {:>9} {:>9}\n",
            "server", "tool", "calls", "/min", "running", "denied", "failed", "p50 ms", "p99 ms"
        );
        let mut rows: Vec<_> = self.tools.iter().collect();
        rows.sort_by_key(|(name, tool)| (std::cmp::Reverse(tool.calls), (*name).clone()));
        for ((server, name), tool) in rows.iter().take(ROWS) {
            let recent = tool.recent.iter().filter(|at| at.elapsed() < Duration::from_secs(60)).count();
            let mut sorted: Vec<u64> = tool.durations.iter().copied().collect();
            sorted.sort_unstable();
            let at = |share: usize| match sorted.get(sorted.len() * share / 100) {
                Some(micros) => format!("{:.2}", Duration::from_micros(*micros).as_secs_f64() * 1e3),
                None => "-".to_owned(),
            };
            let _ = writeln!(
                text,
                "{:<28} {:<24} {:>8} {recent:>7} {:>7} {:>7} {:>7} {:>9} {:>9}",
                short(server, 28),
                short(name, 24),
                tool.calls,
                tool.running,
                tool.denied,
                tool.failed,
                at(50),
                at(99),
            );
        }
        if rows.len() > ROWS {
            let _ = writeln!(text, "… and {} tools more", rows.len() - ROWS);
        }
        let _ = writeln!(text, "{} records", self.records);
        if !self.refusals.is_empty() {
            text.push_str("\nlast refusals\n");
            for refusal in &self.refusals {
                let _ = writeln!(text, "  {}", short(refusal, 140));
            }
        }
        text
    }
}

/// Names come from clients: they can't drive this terminal, and they have an end.
fn short(text: &str, width: usize) -> String {
    let safe = Untrusted(text).for_terminal();
    if safe.chars().count() <= width { safe } else { safe.chars().take(width - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_how_they_end() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("audit.jsonl");
        let record = |kind: &str, call: &str, tool: &str, more: &str| {
            format!(
                "{{\"v\":1,\"kind\":\"{kind}\",\"call\":\"{call}\",\"server\":\"s\",\"principal\":\"p\",\"tool\":\"{tool}\",{more}}}\n"
            )
        };
        let lines = [
            record("intent", "1", "read", "\"decision\":\"allow\""),
            record("outcome", "1", "read", "\"decision\":\"allow\",\"success\":true,\"duration_us\":1500"),
            record("intent", "2", "read", "\"decision\":\"allow\""),
            record("intent", "3", "evil\\u001b[2J", "\"decision\":\"deny\",\"rule\":\"default\""),
            record("outcome", "3", "evil\\u001b[2J", "\"decision\":\"deny\",\"rule\":\"default\",\"success\":false"),
        ];
        std::fs::write(&log, lines.concat()).unwrap();
        let mut view = View::default();
        for entry in audit::read(&log).unwrap() {
            view.take(&entry.unwrap(), None);
        }
        let read = &view.tools[&("s".to_owned(), "read".to_owned())];
        assert_eq!((read.calls, read.running, read.denied), (2, 1, 0));
        let text = view.text();
        assert!(text.contains("1.50") && text.contains("last refusals") && !text.contains('\u{1b}'), "{text}");
    }
}
