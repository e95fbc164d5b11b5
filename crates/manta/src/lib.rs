//! The command line of manta: what was asked, which files it is about, and how it ends.
//!
//! Nothing here analyses or decides policy: the work is done by the crates below.
#![forbid(unsafe_code)]

pub mod analyse;
pub mod baseline;
pub mod collect;
pub mod commands;
pub mod config;
pub mod dispose;
pub mod exit;
mod output;
mod pins;
mod progress;
mod suggest;
pub mod suppress;
mod targets;
mod timings;
mod watch;

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
    Scan(Box<commands::scan::Args>),
    Tools(commands::tools::Args),
    Explain(commands::explain::Args),
    Rules(commands::rules::Args),
    Baseline(commands::baseline::Args),
    Fix(commands::fix::Args),
    Lsp(commands::lsp::Args),
    Diff(commands::diff::Args),
    #[cfg(feature = "guard")]
    Guard(commands::guard::Args),
    #[cfg(feature = "guard")]
    Doctor(commands::doctor::Args),
    Pin(commands::pin::Args),
    #[cfg(feature = "guard")]
    Learn(commands::learn::Args),
    #[cfg(feature = "guard")]
    Serve(commands::serve::Args),
    #[cfg(feature = "guard")]
    Mcp(commands::mcp::Args),
    #[cfg(feature = "guard")]
    Policy(commands::policy::Args),
    #[cfg(feature = "guard")]
    Audit(commands::audit::Args),
    #[cfg(feature = "guard")]
    Top(commands::top::Args),
    Completions(commands::completions::Args),
    Man(commands::completions::ManArgs),
}

/// The definition of the command line, for documentation.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command this process was started with.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(feature = "guard")]
    if let Some(code) = started_by_ourselves() {
        return code;
    }
    let result = match Cli::parse().command {
        Command::Scan(args) => commands::scan::run(&args),
        Command::Tools(args) => commands::tools::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Rules(args) => commands::rules::run(&args),
        #[cfg(feature = "guard")]
        Command::Guard(args) => {
            return commands::guard::run(&args).unwrap_or_else(|failure| failure.print().into());
        }
        #[cfg(feature = "guard")]
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Pin(args) => commands::pin::run(&args),
        #[cfg(feature = "guard")]
        Command::Learn(args) => commands::learn::run(&args),
        #[cfg(feature = "guard")]
        Command::Serve(args) => commands::serve::run(&args),
        #[cfg(feature = "guard")]
        Command::Mcp(args) => commands::mcp::run(&args),
        #[cfg(feature = "guard")]
        Command::Policy(args) => commands::policy::run(&args),
        #[cfg(feature = "guard")]
        Command::Audit(args) => commands::audit::run(&args),
        #[cfg(feature = "guard")]
        Command::Top(args) => commands::top::run(&args),
        Command::Baseline(args) => commands::baseline::run(&args),
        Command::Fix(args) => commands::fix::run(&args),
        Command::Lsp(args) => commands::lsp::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Completions(args) => commands::completions::run(&args, Cli::command()),
        Command::Man(args) => commands::completions::man(&args, Cli::command()),
    };
    result.unwrap_or_else(|failure: Failure| failure.print()).into()
}

/// The guard starts this program again as the sandbox's first process, which must not have threads; so does the library
/// that runs commands for `manta serve`.
#[cfg(feature = "guard")]
fn started_by_ourselves() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let code = manta_guard::command::run_if_asked(&arguments);
    if code.is_none() {
        manta_harden::command::init();
    }
    code
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
