//! Parameter types that exist only when the policy has admitted the call.

use std::marker::PhantomData;
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};

use crate::command::Invocation;
use crate::net::CheckedUrl;
use crate::paths::Root;
use crate::policy::{Grant, Handle, HostSet};

/// The policy's grant for this call, put there by [`super::Guarded`].
#[derive(Debug, Clone)]
pub struct Granted(pub Arc<Grant>);

/// Names an argument at the level of types.
pub trait ArgumentName: Send + Sync + 'static {
    /// As the tool's schema has it.
    const NAME: &'static str;
}

/// The names that most tools use.
pub mod names {
    /// `path`.
    #[derive(Debug, Clone, Copy)]
    pub struct Path;
    /// `url`.
    #[derive(Debug, Clone, Copy)]
    pub struct Url;
    /// `command`.
    #[derive(Debug, Clone, Copy)]
    pub struct Command;

    impl super::ArgumentName for Path {
        const NAME: &'static str = "path";
    }
    impl super::ArgumentName for Url {
        const NAME: &'static str = "url";
    }
    impl super::ArgumentName for Command {
        const NAME: &'static str = "command";
    }
}

/// A path argument, below its root. Stops CWE-22: there is no text to open, only a root to ask.
#[derive(Debug, Clone)]
pub struct WithinRoot<N = names::Path> {
    /// The root, with the rights that the rule gives.
    pub root: Root,
    /// The path below it.
    pub relative: String,
    name: PhantomData<N>,
}

/// A URL argument, to be fetched with the library's client. Stops CWE-918.
#[derive(Debug, Clone)]
pub struct AllowedUrl<N = names::Url> {
    /// The URL.
    pub url: CheckedUrl,
    /// What redirects must satisfy too.
    pub policy: Arc<HostSet>,
    name: PhantomData<N>,
}

/// A command argument, ready to run. Stops CWE-78 and CWE-88.
#[derive(Debug, Clone)]
pub struct AllowedCommand<N = names::Command> {
    /// The open program with its arguments in their one safe form.
    pub invocation: Invocation,
    name: PhantomData<N>,
}

impl<C: AsRequestContext> FromContextPart<C> for Granted {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        context
            .as_request_context()
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ErrorData::internal_error("this tool only runs inside manta_harden::rmcp::Guarded", None))
    }
}

/// The handle of an argument, or what the author of the policy must add.
fn handle<C: AsRequestContext, T>(
    context: &mut C,
    name: &str,
    kind: &str,
    take: impl Fn(&Handle) -> Option<T>,
) -> Result<T, ErrorData> {
    let Granted(grant) = Granted::from_context_part(context)?;
    grant.handle(name).and_then(take).ok_or_else(|| {
        ErrorData::invalid_params(
            format!("the argument `{name}` is missing, or no rule says that it is a {kind}"),
            None,
        )
    })
}

impl<C: AsRequestContext, N: ArgumentName> FromContextPart<C> for WithinRoot<N> {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        handle(context, N::NAME, "path", |handle| match handle {
            Handle::Path { root, relative } => {
                Some(Self { root: root.clone(), relative: relative.clone(), name: PhantomData })
            }
            _ => None,
        })
    }
}

impl<C: AsRequestContext, N: ArgumentName> FromContextPart<C> for AllowedUrl<N> {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        handle(context, N::NAME, "url", |handle| match handle {
            Handle::Url { url, policy } => {
                Some(Self { url: url.clone(), policy: Arc::clone(policy), name: PhantomData })
            }
            _ => None,
        })
    }
}

impl<C: AsRequestContext, N: ArgumentName> FromContextPart<C> for AllowedCommand<N> {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        handle(context, N::NAME, "command", |handle| match handle {
            Handle::Command(invocation) => Some(Self { invocation: invocation.clone(), name: PhantomData }),
            _ => None,
        })
    }
}
