//! The command line of manta: what was asked, which files it is about, and how it ends.
//!
//! Nothing here analyses or decides policy: the work is done by the crates below.
#![forbid(unsafe_code)]

pub mod analyse;
pub mod baseline;
pub mod collect;
pub mod commands;
pub mod dispose;
pub mod exit;
mod output;
mod progress;
mod suggest;
pub mod suppress;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use exit::{Exit, Failure};

/// Find, fix, guard and audit MCP servers.
#[derive(Debug, Parser)]
#[command(name = "manta", version, about, long_about = None, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  manta scan ./my-mcp-server           find what a caller of its tools could abuse
  manta tools server-1.2.0.tgz         list the tools of a published package
  manta explain path-traversal         what a rule means and how to repair it

Exit codes: 0 clean, 1 findings, 2 manta failed, 3 analysis incomplete or nothing to scan";

#[derive(Debug, Subcommand)]
enum Command {
    Scan(commands::scan::Args),
    Tools(commands::tools::Args),
    Explain(commands::explain::Args),
    Rules(commands::rules::Args),
    Baseline(commands::baseline::Args),
    Guard(commands::guard::Args),
    Doctor(commands::doctor::Args),
    Pin(commands::pin::Args),
    Learn(commands::learn::Args),
    Serve(commands::serve::Args),
    Policy(commands::policy::Args),
    Audit(commands::audit::Args),
    Completions(commands::completions::Args),
    Man(commands::completions::ManArgs),
}

/// Runs the command this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    // The guard starts this program again as the sandbox's first process, which must not have threads.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = manta_guard::sandbox::init::run_if_asked(&arguments) {
        return code;
    }
    // So does the library that runs commands for `manta serve`.
    manta_harden::command::init();
    let result = match Cli::parse().command {
        Command::Scan(args) => commands::scan::run(&args),
        Command::Tools(args) => commands::tools::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Rules(args) => commands::rules::run(&args),
        Command::Guard(args) => {
            return commands::guard::run(&args).unwrap_or_else(|failure| failure.print().into());
        }
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Pin(args) => commands::pin::run(&args),
        Command::Learn(args) => commands::learn::run(&args),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Policy(args) => commands::policy::run(&args),
        Command::Audit(args) => commands::audit::run(&args),
        Command::Baseline(args) => commands::baseline::run(&args),
        Command::Completions(args) => commands::completions::run(&args, Cli::command()),
        Command::Man(args) => commands::completions::man(&args, Cli::command()),
    };
    result.unwrap_or_else(|failure: Failure| failure.print()).into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
