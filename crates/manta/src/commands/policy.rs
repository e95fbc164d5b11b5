//! `manta policy`: check, explain, begin and test the file that says what a server may do.

use std::path::{Path, PathBuf};

use manta_core::Untrusted;
use manta_harden::policy::{LOCAL, Policy, TEMPLATE};
use serde_json::{Map, Value};

use crate::exit::{Exit, Failure};
use crate::output;
use crate::targets::Target;

/// Check, explain, begin and test a policy
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether a policy holds: names, patterns, roots, programs
    Check(Given),
    /// Say what a policy decides about a tool or a call, and by which line
    #[command(after_help = "Example:\n  manta policy explain read_file '{\"path\": \"../x\"}'")]
    Explain {
        #[command(flatten)]
        file: File,
        /// The tool; all tools when left out
        tool: Option<String>,
        /// The call's arguments as JSON
        args: Option<String>,
        /// Who calls
        #[arg(long, default_value = LOCAL)]
        principal: String,
    },
    /// Print a policy to start from: a commented one, or what a scan of the server says about its tools
    #[command(after_help = "Example:\n  manta policy init --from-scan ./server > manta.toml")]
    Init {
        /// Scan this server (a directory, file or archive) and propose a rule for every parameter
        #[arg(long, value_name = "TARGET")]
        from_scan: Option<String>,
    },
    /// Run the `[[test]]` table of a policy
    Test(Given),
    /// Print the JSON Schema for editors
    Schema,
}

#[derive(Debug, clap::Args)]
struct File {
    /// The policy
    #[arg(long = "policy", short, value_name = "FILE", default_value = "manta.toml")]
    path: PathBuf,
    /// With the section `[server.NAME]` on top
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
}

/// A policy that may be named without `--policy`.
#[derive(Debug, clap::Args)]
struct Given {
    #[command(flatten)]
    file: File,
    /// The policy, named like this
    #[arg(value_name = "FILE", conflicts_with = "path")]
    given: Option<PathBuf>,
}

impl Given {
    fn file(&self) -> File {
        let path = self.given.clone().unwrap_or_else(|| self.file.path.clone());
        File { path, server: self.file.server.clone() }
    }
}

impl File {
    fn load(&self) -> Result<Policy, Failure> {
        let failure = |error: manta_harden::policy::PolicyError| Failure::new(error.to_string());
        let policy = Policy::load(&self.path).map_err(failure)?;
        match &self.server {
            Some(name) => policy.for_server(name).map_err(failure),
            None => Ok(policy),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check(given) => check(&given.file()),
        Command::Explain { file, tool, args, principal } => explain(file, tool.as_deref(), args.as_deref(), principal),
        Command::Init { from_scan: None } => {
            output::print(TEMPLATE)?;
            Ok(Exit::Clean)
        }
        Command::Init { from_scan: Some(target) } => from_scan(target),
        Command::Test(given) => test(&given.file()),
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&manta_harden::policy::schema());
            output::print(&format!("{}\n", schema.map_err(|error| Failure::new(error.to_string()))?))?;
            Ok(Exit::Clean)
        }
    }
}

/// Exit code 3 when there was no tool to make rules for, or the scan is incomplete.
fn from_scan(target: &str) -> Result<Exit, Failure> {
    let analysis = crate::analyse::Analysis::new(&[])?;
    let mut progress = crate::progress::Progress::new(false);
    let one = std::num::NonZeroUsize::MIN;
    super::for_each_target(
        &[Target::Path(target.to_owned())],
        super::threads(Some(one)),
        &mut progress,
        |target, threads| super::analysed(target, &analysis, threads),
        |report| {
            output::print(&super::derive::propose(&report))?;
            let is_done = report.tools().next().is_some() && report.completeness.is_complete();
            Ok(if is_done { Exit::Clean } else { Exit::Incomplete })
        },
    )
}

fn check(file: &File) -> Result<Exit, Failure> {
    let policy = file.load()?;
    manta_guard::command::check(policy.file()).map_err(|why| Failure::new(format!("{}: {why}", shown(&file.path))))?;
    // Every section for one server must hold too.
    for name in policy.file().spec().server.keys() {
        policy.for_server(name).map_err(|error| Failure::new(error.to_string()))?;
    }
    let counts = format!(
        "{}: holds; {} tools, {} roots, {} host sets, {} commands; {}\n",
        shown(&file.path),
        policy.tool_names().len(),
        policy.roots().len(),
        policy.hosts().len(),
        policy.commands().names().count(),
        policy.hash(),
    );
    output::print(&counts)?;
    Ok(Exit::Clean)
}

fn explain(file: &File, tool: Option<&str>, args: Option<&str>, principal: &str) -> Result<Exit, Failure> {
    let policy = file.load()?;
    let text = match (tool, args) {
        (None, _) => policy.tool_names().into_iter().map(|tool| policy.explain_tool(tool)).collect(),
        (Some(tool), None) => policy.explain_tool(tool),
        (Some(tool), Some(json)) => {
            let args: Map<String, Value> = serde_json::from_str(json)
                .map_err(|error| Failure::new(format!("the arguments are no JSON object: {error}")))?;
            policy.explain_call(principal, tool, &args)
        }
    };
    output::print(&Untrusted(&text).for_terminal_lines())?;
    Ok(Exit::Clean)
}

fn test(file: &File) -> Result<Exit, Failure> {
    let policy = file.load()?;
    let results = policy.run_tests();
    let mut text = String::new();
    for result in &results {
        let mark = if result.passed { "ok  " } else { "FAIL" };
        text.push_str(&format!("{mark} {}:{} {}\n", file.path.display(), result.line, result.name));
        if !result.passed {
            text.push_str(&format!("     {}\n", result.detail));
        }
    }
    let failed = results.iter().filter(|result| !result.passed).count();
    text.push_str(&format!("{} cases, {failed} failed\n", results.len()));
    output::print(&Untrusted(&text).for_terminal_lines())?;
    match (results.is_empty(), failed) {
        (true, _) => Ok(Exit::Incomplete),
        (false, 0) => Ok(Exit::Clean),
        _ => Ok(Exit::Findings),
    }
}

fn shown(path: &Path) -> String {
    Untrusted(&path.to_string_lossy()).for_terminal()
}
