//! What a run is about: paths, packages of a registry, what a running server says, the configurations of clients.

mod clients;
mod packages;
#[cfg(feature = "guard")]
mod running;

use manta_core::ProjectInput;

use crate::collect::{self, Limits};
use crate::exit::Failure;

pub(crate) use clients::{Home, configurations};
pub(crate) use packages::Package;
#[cfg(feature = "guard")]
pub(crate) use running::{Consent, Running, listing};

/// One target of a run.
#[derive(Debug)]
pub(crate) enum Target {
    /// A path, or `-` for standard input; read when its turn comes.
    Path(String),
    /// A package of a registry, fetched when its turn comes.
    Package(packages::Package),
    /// Read already.
    Ready(ProjectInput),
    /// Code, and what the server that is said to run it listed.
    #[cfg(feature = "guard")]
    Compared(Box<Target>, Box<ProjectInput>),
}

impl Target {
    /// The target that a word of the command line names. Packages are fetched only where the user allowed it.
    pub(crate) fn named(given: &str, is_online: bool) -> Result<Self, Failure> {
        match packages::Package::parse(given)? {
            None => Ok(Self::Path(given.to_owned())),
            Some(package) if is_online => Ok(Self::Package(package)),
            Some(_) => Err(Failure::new(format!("{given} is a package of a registry, and nothing is fetched unasked"))
                .hint("add --online")),
        }
    }

    /// How the user named it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Package(package) => &package.given,
            Self::Ready(input) => &input.target,
            #[cfg(feature = "guard")]
            Self::Compared(code, _) => code.name(),
        }
    }

    /// Reads it.
    pub(crate) fn collect(&self, limits: &Limits) -> Result<ProjectInput, Failure> {
        match self {
            Self::Path(path) => {
                let mut input = collect::collect(path, limits)?;
                // A configuration that is the whole target is one of this machine.
                if input.sources.len() == 1 {
                    input.writable = clients::writable(&input.sources);
                }
                Ok(input)
            }
            Self::Package(package) => package.collect(limits),
            Self::Ready(input) => Ok(input.clone()),
            #[cfg(feature = "guard")]
            Self::Compared(code, listing) => {
                let mut input = code.collect(limits)?;
                for (_, file) in listing.sources.iter() {
                    // A name that no file of the target has.
                    let path = format!("{} (running)/{}", listing.target, file.path);
                    let id = std::sync::Arc::make_mut(&mut input.sources)
                        .add(manta_core::SourceFile::new(path, &*file.text));
                    input.captured.insert(id);
                }
                input.skipped.extend(listing.skipped.iter().cloned());
                Ok(input)
            }
        }
    }
}

/// Paths as targets, for commands that know no others.
pub(crate) fn paths(given: &[String]) -> Vec<Target> {
    given.iter().cloned().map(Target::Path).collect()
}
