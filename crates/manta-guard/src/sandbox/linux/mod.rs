//! Linux: namespaces, Landlock and seccomp, by an ordinary user.

mod fence;
pub(super) mod init;
mod mounts;
pub mod probe;
mod seccomp;

use std::borrow::Cow;
use std::io;
use std::os::fd::OwnedFd;

use super::means::{By, HostList, Means};
use super::{Level, Plan};

/// The init makes the egress listener itself, inside the server's network namespace.
pub(super) fn egress(plan: &Plan) -> io::Result<(Cow<'_, Plan>, Option<OwnedFd>)> {
    Ok((Cow::Borrowed(plan), None))
}

/// What enforces what at a level.
pub(crate) fn means(level: Level) -> Result<Means, String> {
    Ok(match level {
        Level::A => Means {
            files: By::fully("mount namespace + Landlock"),
            denied: By("mount namespace", "names created later: argument check only"),
            frozen: By("read-only binds", "names created later: argument check only"),
            metadata: By::fully("read-only binds"),
            no_network: By::fully("network namespace"),
            hosts: HostList::Proxy(By("network namespace + egress proxy", "data can leave to a listed host")),
            sockets: By::fully("seccomp"),
            programs: By("Landlock execute", "an allowed interpreter runs any code it is given"),
            processes: By::fully("seccomp, Landlock scopes"),
            tree: By::fully("PID namespace"),
        },
        Level::B => Means {
            files: By::fully("Landlock"),
            denied: By("argument check", "argument check only: Landlock can't take back what a root grants"),
            frozen: By("argument check", "argument check only: Landlock can't take back what a root grants"),
            metadata: By("-", "chmod, utime and xattr on the user's other files are not stopped"),
            no_network: By::fully("seccomp, Landlock"),
            hosts: HostList::Refused(
                "a list of hosts needs level A: without a network namespace a server could reach any host; use \
                 network = \"none\" or \"any\" under [guard]",
            ),
            sockets: By::fully("seccomp"),
            programs: By("Landlock execute", "an allowed interpreter runs any code it is given"),
            processes: By::fully("seccomp, Landlock scopes"),
            tree: By::fully("subreaper and sweep"),
        },
        Level::C => Means { tree: By::fully("subreaper and sweep"), ..Means::none() },
    })
}
