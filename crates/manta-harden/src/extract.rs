//! Parameter types that were checked before the tool's code runs.
//!
//! A tool that takes a `String` can forget the check. One that takes [`WithinRoot<Project>`] can't
//! even be called with a path outside: deserialising it fails, and what arrives is not a text but
//! something that reads and writes below that root.
//!
//! ```
//! use std::sync::LazyLock;
//! use manta_harden::extract::{RootSource, WithinRoot};
//! use manta_harden::paths::{Access, Root};
//! use serde::Deserialize;
//!
//! struct Project;
//! impl RootSource for Project {
//!     fn root() -> &'static Root {
//!         static ROOT: LazyLock<Root> = LazyLock::new(|| Root::open(".", Access::READ).expect("the project exists"));
//!         &ROOT
//!     }
//! }
//!
//! #[derive(Deserialize)]
//! struct ReadFile {
//!     path: WithinRoot<Project>,
//! }
//!
//! let call: ReadFile = serde_json::from_str(r#"{ "path": "Cargo.toml" }"#)?;
//! assert!(call.path.read_to_string()?.contains("[package]"));
//! assert!(serde_json::from_str::<ReadFile>(r#"{ "path": "../../etc/passwd" }"#).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::marker::PhantomData;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::command::{CommandArg, CommandError, CommandSet, Invocation, Output};
use crate::net::{CheckedUrl, UrlArg, UrlPolicy};
use crate::paths::{Entry, Listing, PathArg, PathError, Root, Written};

/// Names the root that a [`WithinRoot`] is checked against.
pub trait RootSource {
    /// The root; the same one at every call.
    fn root() -> &'static Root;
}

/// A path below the root of `S`. Deserialising asks every rule about its text; each operation then
/// resolves it beneath the root's descriptor, so there is no moment between check and use.
pub struct WithinRoot<S> {
    path: PathArg,
    source: PhantomData<fn() -> S>,
}

impl<S: RootSource> WithinRoot<S> {
    /// Checks the text of a path.
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn new(path: PathArg) -> Result<Self, PathError> {
        S::root().check_text(&path)?;
        Ok(Self { path, source: PhantomData })
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &'static Root {
        S::root()
    }

    /// The path, for operations of [`Root`] that have no method here.
    #[must_use]
    pub const fn path(&self) -> &PathArg {
        &self.path
    }

    /// See [`Root::read`].
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn read(&self) -> Result<Vec<u8>, PathError> {
        S::root().read(&self.path)
    }

    /// See [`Root::read_to_string`].
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn read_to_string(&self) -> Result<String, PathError> {
        S::root().read_to_string(&self.path)
    }

    /// See [`Root::write`].
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn write(&self, content: &[u8]) -> Result<Written, PathError> {
        S::root().write(&self.path, content)
    }

    /// See [`Root::list`].
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn list(&self) -> Result<Listing, PathError> {
        S::root().list(&self.path)
    }

    /// See [`Root::stat`].
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn stat(&self) -> Result<Entry, PathError> {
        S::root().stat(&self.path)
    }
}

impl<'de, S: RootSource> Deserialize<'de> for WithinRoot<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(PathArg::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Names the policy that an [`AllowedUrl`] is checked against.
pub trait UrlSource {
    /// The policy; the same one at every call.
    fn policy() -> &'static UrlPolicy;
}

/// A URL that the policy of `S` admits. Fetch it with a client of the same policy, which checks
/// the addresses behind it.
pub struct AllowedUrl<S> {
    text: UrlArg,
    url: CheckedUrl,
    source: PhantomData<fn() -> S>,
}

impl<S> AllowedUrl<S> {
    /// The URL as it will be sent.
    #[must_use]
    pub const fn url(&self) -> &CheckedUrl {
        &self.url
    }

    /// What a client takes.
    #[must_use]
    pub const fn arg(&self) -> &UrlArg {
        &self.text
    }
}

impl<'de, S: UrlSource> Deserialize<'de> for AllowedUrl<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = UrlArg::deserialize(deserializer)?;
        let url = S::policy().check(text.untrusted()).map_err(D::Error::custom)?;
        Ok(Self { text, url, source: PhantomData })
    }
}

/// Names the commands that an [`AllowedCommand`] is checked against.
pub trait CommandSource {
    /// The commands; the same ones at every call.
    fn commands() -> &'static CommandSet;
}

/// A command line that the grammar of `S` admits: `{ "command": "git", "args": ["status"] }`.
pub struct AllowedCommand<S> {
    invocation: Invocation,
    source: PhantomData<fn() -> S>,
}

impl<S> AllowedCommand<S> {
    /// The command with its arguments as the program will receive them.
    #[must_use]
    pub const fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Runs to the end; blocks. See [`Invocation::run`].
    ///
    /// # Errors
    /// When the program could not be started.
    pub fn run(&self) -> Result<Output, CommandError> {
        self.invocation.run()
    }
}

impl<'de, S: CommandSource> Deserialize<'de> for AllowedCommand<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let call = CommandArg::deserialize(deserializer)?;
        let invocation = S::commands().check(&call.command, &call.args).map_err(D::Error::custom)?;
        Ok(Self { invocation, source: PhantomData })
    }
}

/// On the wire they are what they wrap; the schema a client sees says so.
#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};

    use super::{AllowedCommand, AllowedUrl, CommandArg, PathArg, UrlArg, WithinRoot};

    macro_rules! as_wrapped {
        ($($outer:ident => $inner:ty),*) => {$(
            impl<S> JsonSchema for $outer<S> {
                fn schema_name() -> Cow<'static, str> { <$inner>::schema_name() }
                fn inline_schema() -> bool { <$inner>::inline_schema() }
                fn json_schema(generator: &mut SchemaGenerator) -> Schema { <$inner>::json_schema(generator) }
            }
        )*};
    }
    as_wrapped!(WithinRoot => PathArg, AllowedUrl => UrlArg, AllowedCommand => CommandArg);
}
