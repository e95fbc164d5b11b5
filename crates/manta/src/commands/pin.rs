//! `manta pin`: what a server says and can do, written down, so that a change is seen.

use std::fs;
use std::path::{Path, PathBuf};

use super::diff;
use crate::analyse::Analysis;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::pins::Pins;
use crate::progress::Progress;
use crate::targets::Target;

/// Pin what servers say and can do, or check it against the pins
///
/// Of targets as `manta scan` takes them, tools, texts, parameters and capabilities are pinned in a file. Of a server that
/// is started (`-- COMMAND`) or reached (--upstream), what it lists is pinned in `manta.lock`, which `manta guard` obeys.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Directories, archives, captured lists of tools, packages (with --online); for a check, all that are pinned if none
    /// is named
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// Make what there is now the pins; usual for targets
    #[arg(long, conflicts_with = "check")]
    accept: bool,

    /// Only compare; usual for servers
    #[arg(long)]
    check: bool,

    /// The file with the pins of targets
    #[arg(long, value_name = "FILE", default_value = "manta-pins.json")]
    pins: PathBuf,

    /// Fetch npm: and pypi: targets, with your own npm and pip; nothing of a package is run
    #[arg(long)]
    online: bool,

    #[cfg(feature = "guard")]
    #[command(flatten)]
    server: super::guard::ServerArgs,
}

const EXAMPLES: &str = "\
Examples:
  manta pin ./my-mcp-server tools.json
  manta pin --check
  manta pin --accept -- npx -y some-mcp-server
  manta pin --check -- npx -y some-mcp-server

Exit codes: 0 as pinned, 1 something changed, 2 failed, 3 as pinned as far as is known, but a target is incomplete";

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    #[cfg(feature = "guard")]
    if args.server.names_one() {
        if !args.targets.is_empty() {
            return Err(
                Failure::new("targets and a server to start are pinned apart").hint("run `manta pin` once for each")
            );
        }
        return running(args);
    }
    let mut pins = Pins::read(&args.pins)?;
    let name = args.pins.display();
    let named: Vec<String> = match args.targets.as_slice() {
        [] if args.check => pins.targets().map(str::to_owned).collect(),
        [] => vec![".".to_owned()],
        named => named.to_vec(),
    };
    if named.is_empty() {
        return Err(Failure::new(format!("{name} holds no pins")).hint("`manta pin TARGET` writes them"));
    }
    let targets = named.iter().map(|given| Target::named(given, args.online)).collect::<Result<Vec<_>, _>>()?;
    let analysis = Analysis::new(&[])?;
    let mut progress = Progress::new(false);
    let mut text = String::new();
    let scan = |target: &Target, threads| super::analysed(target, &analysis, threads);
    let exit = super::for_each_target(&targets, super::threads(None), &mut progress, scan, |report| {
        let target = manta_core::Untrusted(&report.target).for_terminal();
        let known = if diff::is_whole(&report) { Exit::Clean } else { Exit::Incomplete };
        if known == Exit::Incomplete {
            text.push_str(&format!("{target}: incomplete or without tools; `manta scan` says what is missing\n"));
        }
        if !args.check {
            pins.accept(&report);
            text.push_str(&format!("{target}: {} entries pinned in {name}\n", report.tools().count()));
            return Ok(known);
        }
        let Some(pinned) = pins.report(&report.target) else {
            text.push_str(&format!("{target}: has no pins in {name}\n"));
            return Ok(Exit::Findings);
        };
        let changes = diff::changes(&pinned, &report);
        for change in &changes {
            text.push_str(&format!("{target}: {}\n", change.line()));
        }
        if changes.is_empty() {
            text.push_str(&format!("{target}: as pinned\n"));
        }
        Ok(if changes.is_empty() { known } else { Exit::Findings })
    })?;
    if exit == Exit::Findings {
        text.push_str("not as pinned; review, then run `manta pin` on what is accepted\n");
    }
    if !args.check {
        write(&args.pins, &pins)?;
    }
    output::print(&text)?;
    Ok(exit)
}

fn write(path: &Path, pins: &Pins) -> Result<(), Failure> {
    fs::write(path, pins.to_json())
        .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))
}

/// Pins a server that is started or reached, in the lock of the guard.
#[cfg(feature = "guard")]
fn running(args: &Args) -> Result<Exit, Failure> {
    use manta_guard::command::{self, PinAction};

    let action = if args.accept { PinAction::Accept } else { PinAction::Check };
    let differences = command::pin(&args.server.options(), action).map_err(Failure::new)?;
    let mut text = String::new();
    for difference in &differences {
        text.push_str(difference);
        text.push('\n');
    }
    text.push_str(match (action, differences.is_empty()) {
        (PinAction::Accept, _) => "pinned\n",
        (PinAction::Check, true) => "as pinned\n",
        (PinAction::Check, false) => "not as pinned; review, then run `manta pin --accept`\n",
    });
    output::print(&text)?;
    Ok(if action == PinAction::Check && !differences.is_empty() { Exit::Findings } else { Exit::Clean })
}
