//! `manta rules`: every rule on a line.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use crate::analyse;
use crate::exit::{Exit, Failure};
use crate::output;

/// List the rules
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  manta rules\n  manta rules -o json")]
pub(crate) struct Args {
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: RulesFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum RulesFormat {
    /// For people
    #[default]
    Human,
    /// A list of objects
    Json,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    output::print(&match args.output {
        RulesFormat::Human => human(),
        RulesFormat::Json => json(),
    })?;
    Ok(Exit::Clean)
}

fn human() -> String {
    let rules = analyse::rules();
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for rule in &rules {
        let _ = writeln!(out, "{:width$}  {:8}  {:8}  finds {}", rule.id, rule.severity, rule.persona, rule.summary);
    }
    let _ = writeln!(out, "\n{} rules; `manta explain RULE` tells more about one", rules.len());
    out
}

fn json() -> String {
    #[derive(Serialize)]
    struct Rule {
        id: &'static str,
        title: &'static str,
        summary: &'static str,
        severity: &'static str,
        confidence: &'static str,
        persona: &'static str,
        cwe: Vec<String>,
        aliases: &'static [&'static str],
        /// The version of manta that brought it.
        since: &'static str,
    }
    let rules: Vec<Rule> = analyse::rules()
        .into_iter()
        .map(|rule| Rule {
            id: rule.id,
            title: rule.title,
            summary: rule.summary,
            severity: rule.severity.as_str(),
            confidence: rule.confidence.as_str(),
            persona: rule.persona.as_str(),
            cwe: rule.cwe.iter().map(|number| format!("CWE-{number}")).collect(),
            aliases: rule.aliases,
            since: rule.since,
        })
        .collect();
    manta_report::pretty_json(&rules)
}
