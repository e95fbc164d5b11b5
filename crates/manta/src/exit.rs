//! How a command ends: the exit codes, the same whatever the output format, and errors for whoever can act.

use std::fmt;
use std::io::{self, Write as _};

use manta_core::Untrusted;

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Nothing to complain about.
    Clean = 0,
    /// Findings at or above `--fail-on` and `--fail-confidence`.
    Findings = 1,
    /// Manta failed: bad arguments, an unreadable target, a full disk.
    Failed = 2,
    /// The analysis is incomplete, or there was nothing to scan.
    Incomplete = 3,
}

impl Exit {
    /// The code for two targets of one run: a failure outweighs findings, which outweigh an incomplete analysis.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let weight = |exit| match exit {
            Self::Clean => 0,
            Self::Incomplete => 1,
            Self::Findings => 2,
            Self::Failed => 3,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

/// Why a command failed, and what the user can do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure with a lowercase message that reads well after "error:".
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in which file it happened.
    #[must_use]
    pub fn within(self, file: &str) -> Self {
        Self { message: format!("{file}: {}", self.message), ..self }
    }

    /// Writes the failure to standard error. Nothing can be done when that fails too.
    #[must_use]
    pub fn print(&self) -> Exit {
        let mut text = format!("error: {}\n", Untrusted(self.message.trim_end()).for_terminal_lines());
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {}\n", Untrusted(hint).for_terminal()));
        }
        let _ = io::stderr().write_all(text.as_bytes());
        Exit::Failed
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
