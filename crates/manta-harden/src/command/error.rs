//! Why a command was refused or could not run.

use std::fmt;

use crate::net::UrlRule;
use crate::paths::PathRule;

/// The rule that refused. [`fmt::Display`] gives its kebab-case name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommandRule {
    /// No command of that name.
    UnknownCommand,
    /// The first argument is none of the subcommands, or there is none.
    Subcommand,
    /// A flag that isn't listed, also as abbreviation or bundle (CWE-88).
    UnknownFlag,
    /// A flag more often than its entry admits.
    RepeatedFlag,
    /// A flag without the value it needs, or with one it doesn't take.
    FlagValue,
    /// An operand or value that begins with `-` (CWE-88).
    LeadingDash,
    /// An operand or value that begins with `@`: many programs read arguments or data from the
    /// file named after it.
    ResponseFile,
    /// A value outside its type.
    Value,
    /// More or fewer operands than the entry admits.
    Operands,
    /// A NUL or other control character (CWE-158).
    Characters,
    /// More arguments or bytes than the entry admits.
    TooMany,
    /// A path that no root grants.
    Path(PathRule),
    /// A URL that the policy refuses.
    Url(UrlRule),
    /// The program runs whatever it is told: a shell, a language, a wrapper (CWE-78).
    Interpreter,
    /// The program can't be opened, or is no executable file.
    Executable,
    /// The entry itself contradicts itself.
    Policy,
    /// [`super::init`] was not called, so a process tree could not be ended.
    NoLauncher,
    /// The process could not be started or watched.
    Launch,
    /// Running commands is not supported on this system.
    Unsupported,
}

impl CommandRule {
    /// Kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown-command",
            Self::Subcommand => "subcommand",
            Self::UnknownFlag => "unknown-flag",
            Self::RepeatedFlag => "repeated-flag",
            Self::FlagValue => "flag-value",
            Self::LeadingDash => "leading-dash",
            Self::ResponseFile => "response-file",
            Self::Value => "argument-value",
            Self::Operands => "operands",
            Self::Characters => "argument-characters",
            Self::TooMany => "too-many-arguments",
            Self::Path(_) => "argument-path",
            Self::Url(_) => "argument-url",
            Self::Interpreter => "interpreter",
            Self::Executable => "executable",
            Self::Policy => "policy",
            Self::NoLauncher => "no-launcher",
            Self::Launch => "launch",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for CommandRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refused or failed command. The message names the argument by position and never repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    rule: CommandRule,
    position: Option<usize>,
    detail: String,
}

impl CommandError {
    pub(super) fn new(rule: CommandRule, detail: impl Into<String>) -> Self {
        Self { rule, position: None, detail: detail.into() }
    }

    pub(super) fn at(mut self, position: usize) -> Self {
        self.position.get_or_insert(position);
        self
    }

    /// The rule that refused.
    #[must_use]
    pub const fn rule(&self) -> CommandRule {
        self.rule
    }

    /// Index of the argument that was refused, from 0.
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        self.position
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "argument {}: {} ({}", position + 1, self.detail, self.rule)?,
            None => write!(f, "{} ({}", self.detail, self.rule)?,
        }
        match self.rule {
            CommandRule::Path(rule) => write!(f, ": {rule})"),
            CommandRule::Url(rule) => write!(f, ": {rule})"),
            _ => f.write_str(")"),
        }
    }
}

impl std::error::Error for CommandError {}
