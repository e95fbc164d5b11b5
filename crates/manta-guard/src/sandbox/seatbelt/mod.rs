//! macOS: a profile for `sandbox-exec`. Weaker than level A, and said to be: it is level B.
//!
//! The interface is deprecated by its maker, undocumented in parts, and what the large browsers and build tools
//! confine their children with. There is no namespace of processes, no private temporary directory, and the egress
//! proxy listens on the host's loopback, where every other program of the user can use it too (it only leads to
//! the hosts of the policy). On other systems without it only level C remains.

#[cfg(not(target_os = "linux"))]
pub(super) mod init;
#[cfg(not(target_os = "linux"))]
pub mod probe;
mod profile;

#[cfg(not(target_os = "linux"))]
pub(super) use host::egress;
#[cfg(not(target_os = "linux"))]
pub(crate) use host::means;

/// The program that puts a profile on itself and becomes the server.
#[cfg(not(target_os = "linux"))]
const SANDBOX_EXEC: &str = "/usr/bin/sandbox-exec";

#[cfg(not(target_os = "linux"))]
mod host {
    use std::borrow::Cow;
    use std::io;
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;

    use crate::sandbox::means::{By, HostList, Means};
    use crate::sandbox::{Level, Network, PROXY_PORT, Plan, proxy_url};

    /// Without a network namespace every server needs a port of its own, which its environment then names.
    pub(in crate::sandbox) fn egress(plan: &Plan) -> io::Result<(Cow<'_, Plan>, Option<OwnedFd>)> {
        if plan.network != Network::Proxy {
            return Ok((Cow::Borrowed(plan), None));
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let (usual, ours) = (proxy_url(PROXY_PORT), proxy_url(port));
        let mut plan = plan.clone();
        for (_, value) in plan.env.iter_mut().filter(|(_, value)| *value == usual) {
            value.clone_from(&ours);
        }
        plan.proxy_port = port;
        Ok((Cow::Owned(plan), Some(listener.into())))
    }

    /// What enforces what at a level.
    pub(crate) fn means(level: Level) -> Result<Means, String> {
        const BY: &str = "sandbox-exec";
        match level {
            Level::A => {
                Err("level A needs Linux; here sandbox-exec gives level B: write `sandbox = \"B\"` under [guard]"
                    .to_owned())
            }
            Level::B => Ok(Means {
                files: By(BY, "names and attributes of the directories above a root can be read"),
                denied: By(BY, "names created later: argument check only"),
                frozen: By(BY, "names created later: argument check only"),
                metadata: By::fully(BY),
                no_network: By::fully(BY),
                hosts: HostList::Proxy(By(
                    "sandbox-exec + egress proxy",
                    "data can leave to a listed host; other programs of this user can use the proxy",
                )),
                sockets: By::fully(BY),
                programs: By(BY, "an allowed interpreter runs any code it is given"),
                processes: By::fully(BY),
                tree: By("process group", "a process that makes a session of its own outlives the server"),
            }),
            Level::C => Ok(Means {
                tree: By("process group", "a process that makes a session of its own outlives the server"),
                ..Means::none()
            }),
        }
    }
}
