//! What the policy says about one call.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::spec::{Approve, ToolClass};
use crate::command::Invocation;
use crate::limit::Limit;
use crate::net::{CheckedUrl, UrlPolicy};
use crate::paths::Root;

/// The answer to one call.
#[derive(Debug, Clone)]
pub enum Decision {
    /// The call may run.
    Allow(Grant),
    /// The call may not run.
    Deny(Denial),
}

impl Decision {
    /// The grant, or why there is none.
    ///
    /// # Errors
    /// The denial.
    pub fn into_result(self) -> Result<Grant, Denial> {
        match self {
            Self::Allow(grant) => Ok(grant),
            Self::Deny(denial) => Err(denial),
        }
    }

    /// Whether the call may run.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// What an admitted call may do, and what still has to be asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Grant {
    /// The rule that admits it.
    pub rule: Rule,
    /// What the tool does, when the policy says so.
    pub class: Option<ToolClass>,
    /// When a person must be asked.
    pub approve: Approve,
    /// Limits that must admit it too.
    pub limits: Arc<[Limit]>,
    /// What it is counted as when that is not its own name: the pattern that admits a resource. Under one prefix there
    /// are as many URIs as a caller likes, and a server may read many of them alike.
    pub counted_as: Option<Arc<str>>,
    /// Longest time it may take.
    pub timeout: Option<Duration>,
    /// Largest serialised result in bytes.
    pub max_result: Option<u64>,
    /// Shadow mode: what would have refused it.
    pub would_deny: Option<Denial>,
    /// What the arguments lead to: the checked thing itself, to be used instead of the text.
    pub handles: Vec<(String, Handle)>,
}

impl Grant {
    /// The name under which limits count it.
    #[must_use]
    pub fn counted<'a>(&'a self, name: &'a str) -> &'a str {
        self.counted_as.as_deref().unwrap_or(name)
    }

    /// The handle of an argument, by its name; elements of lists are `name.0`, `name.1`, ….
    #[must_use]
    pub fn handle(&self, argument: &str) -> Option<&Handle> {
        self.handles.iter().find(|(name, _)| name == argument).map(|(_, handle)| handle)
    }
}

/// What an argument leads to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Handle {
    /// A path below a root with no more rights than the rule gives. Opening it goes through the root,
    /// which checks again at that moment: what was there when the policy looked does not matter.
    Path {
        /// The root.
        root: Root,
        /// The path below it.
        relative: String,
    },
    /// A URL as it must be sent, and the policy under which it may be fetched.
    Url {
        /// The URL.
        url: CheckedUrl,
        /// Redirects must satisfy the same policy.
        policy: Arc<HostSet>,
    },
    /// A program that is open already, with its arguments in their one safe form.
    Command(Invocation),
}

/// A compiled `[hosts.NAME]`.
#[derive(Debug, Clone)]
pub struct HostSet {
    /// Its name.
    pub name: String,
    /// Which URLs are admitted.
    pub policy: UrlPolicy,
    /// Most redirects.
    pub redirects: u8,
    /// Largest body in bytes.
    pub max_body: u64,
    /// Longest time for the whole request.
    pub timeout: Duration,
}

/// A place in a policy file. Cloning it is cheap: every decision carries one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule(Arc<Place>);

/// What a [`Rule`] points to.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Dotted name, such as `tools.read_file.args.path`.
    pub name: String,
    /// The policy file.
    pub file: Arc<Path>,
    /// Line, from 1; 0 for what holds without a line, such as the default.
    pub line: usize,
    /// All three as one text: it stands in every record.
    text: String,
}

impl Rule {
    pub(super) fn new(name: String, file: Arc<Path>, line: usize) -> Self {
        let text = match line {
            0 => format!("{name} ({})", file.display()),
            line => format!("{name} ({}:{line})", file.display()),
        };
        Self(Arc::new(Place { name, file, line, text }))
    }

    /// Name, file and line, such as `tools.read_file.args.path (manta.toml:12)`.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.text
    }
}

impl std::ops::Deref for Rule {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a call was refused, in words that tell a model and a person what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The rule that refused.
    pub rule: Rule,
    /// What was asked and why it is refused.
    pub message: String,
    /// The one change to the policy that would allow it, when there is one.
    pub fix: Option<String>,
}

impl Denial {
    /// The policy file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.rule.file.to_path_buf()
    }

    /// Line of the rule, from 1; 0 for what holds without a line.
    #[must_use]
    pub fn line(&self) -> usize {
        self.rule.line
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied by {}: {}", self.rule, self.message)
    }
}

impl std::error::Error for Denial {}
