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
            processes: By::fully("PID namespace, seccomp"),
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
            processes: without_pid_namespace(super::sys::landlock_abi()),
            tree: By::fully("subreaper and sweep"),
        },
        Level::C => Means { tree: By::fully("subreaper and sweep"), ..Means::none() },
    })
}

/// The Landlock version that keeps signals inside (Linux 6.12).
const SIGNALS: u32 = 6;

/// What remains open at level B under a kernel with this version of Landlock.
fn gap_at_b(landlock: u32) -> Option<&'static str> {
    (landlock < SIGNALS)
        .then_some("signals to the user's other processes are not stopped: this kernel is older than 6.12")
}

fn without_pid_namespace(landlock: u32) -> By {
    gap_at_b(landlock).map_or(By::fully("seccomp, Landlock scopes"), |gap| By("seccomp, Landlock", gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_kernel_leaves_open_is_said() {
        for (landlock, gap) in [(3, true), (5, true), (6, false), (9, false)] {
            let By(_, said) = without_pid_namespace(landlock);
            assert_eq!((said.contains("signals"), gap_at_b(landlock).is_some()), (gap, gap), "version {landlock}");
        }
    }
}
