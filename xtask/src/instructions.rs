//! Counting instructions of whole programs, which a busy machine doesn't change as it changes times.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What counts instructions here.
#[derive(Clone, Copy)]
pub(crate) enum Counter {
    Perf,
    Valgrind,
}

impl Counter {
    /// Perf where the processor lets it, else valgrind.
    ///
    /// # Errors
    /// When neither counts anything of `program --version`.
    pub(crate) fn find(program: &Path) -> Result<Self, String> {
        let version = ["--version".to_owned()];
        for counter in [Self::Perf, Self::Valgrind] {
            if counter.count(program, &version, "").is_ok() {
                return Ok(counter);
            }
        }
        Err("neither perf (with hardware counters) nor valgrind can count instructions here".to_owned())
    }

    /// Which program counts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Perf => "perf",
            Self::Valgrind => "valgrind",
        }
    }

    /// Instructions of a whole run of a program.
    ///
    /// # Errors
    /// When the counter can't be started or gives no number.
    pub(crate) fn count(self, program: &Path, args: &[String], stdin: &str) -> Result<u64, String> {
        let mut command = match self {
            Self::Perf => {
                let mut command = Command::new("perf");
                command.args(["stat", "-x,", "-e", "instructions:u", "--"]);
                command
            }
            Self::Valgrind => {
                let mut command = Command::new("valgrind");
                command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
                command
            }
        };
        command.arg(program).args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", self.name()))?;
        if let Some(mut pipe) = child.stdin.take() {
            // The program may end without reading its input.
            let _ = pipe.write_all(stdin.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let count = match self {
            Self::Perf => said.lines().find_map(|line| line.split_once(',').and_then(|(count, _)| count.parse().ok())),
            Self::Valgrind => {
                let line = said.lines().find_map(|line| line.split_once("Collected :"));
                line.and_then(|(_, count)| count.trim().parse().ok())
            }
        };
        count.ok_or_else(|| format!("{} counted nothing: {}", self.name(), said.lines().last().unwrap_or_default()))
    }
}
