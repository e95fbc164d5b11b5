//! Programs that may be run, each with the only ways it may be called.
//!
//! Quoting for a shell, or a pattern over the joined line, loses to the next special character
//! (CWE-78); an argument vector without a grammar loses to `--upload-pack=…` (CWE-88;
//! CVE-2025-68144 in the reference git server). Here there is no shell, the program was opened when
//! the server started, every flag and operand has a type, and the process tree is gone at the end.
//!
//! ```no_run
//! use manta_harden::command::{self, CommandSet, CommandSpec, Cwd, EndOfOptions, Flag, Grammar, Operand, Value};
//! use manta_harden::paths::{Access, Root, Roots};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     command::init(); // first, always
//!     let project = Root::open(".", Access::READ)?;
//!     let log = Grammar {
//!         flags: [("--max-count".to_owned(), Flag::parse("int 1..1000")?)].into(),
//!         operands: vec![Operand { value: Value::GitRef, min: 0, max: 1 }],
//!         ..Grammar::default()
//!     };
//!     let mut git = CommandSpec::new("git", "/usr/bin/git", Cwd::Root(project));
//!     git.grammar.sub.insert("log".to_owned(), log);
//!     git.end_of_options = EndOfOptions::Git;
//!     let commands = CommandSet::new([git])?;
//!
//!     let output = commands.run("git", &["log", "--max-count", "5", "main"])?;
//!     assert!(commands.run("git", &["log", "--output=/etc/cron.d/x"]).is_err());
//! #   Ok(())
//! }
//! ```
//!
//! | attack | what stops it |
//! |---|---|
//! | `; rm -rf`, `$(…)`, backquotes | no shell: arguments are a vector from end to end |
//! | unknown, abbreviated or bundled flag | exact match with the list |
//! | operand that begins with `-` | refused, and `--` or `--end-of-options` before operands |
//! | `@file` | refused |
//! | interpreter or wrapper as "command", a flag that runs what it is told (`-exec`, `--rsh`, `git -c`) | refused when the set is built, with the reason |
//! | program replaced under its name | executed by descriptor |
//! | `LD_PRELOAD`, `GIT_*`, `PATH` | environment cleared |
//! | daemon, double fork, `setsid` | launcher as subreaper; swept |
//! | fork bomb, endless output, endless run | limits set before the program starts |
//!
//! Linux only for now; elsewhere [`CommandSet::run`] answers [`CommandRule::Unsupported`].

mod error;
mod grammar;
mod interpreters;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(target_os = "linux")]
mod launcher;
mod runs;
mod set;
mod value;

pub use error::{CommandError, CommandRule};
pub use grammar::{EndOfOptions, Flag, Grammar, Operand};
#[cfg(target_os = "linux")]
pub use launcher::init;
pub use set::{CommandArg, CommandSet, CommandSpec, Cwd, Invocation, Limits, Output, Status};
pub use value::Value;

/// Nothing to prepare on this system, where commands don't run.
#[cfg(not(target_os = "linux"))]
pub fn init() {}
