//! What enforces each part of a policy at a level, as the platform says it of itself.

/// What enforces something, and what remains open (empty for nothing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct By(pub(crate) &'static str, pub(crate) &'static str);

impl By {
    /// Nothing remains open.
    pub(super) const fn fully(what: &'static str) -> Self {
        Self(what, "")
    }
}

/// What becomes of a list of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostList {
    /// The egress proxy is the only way out.
    Proxy(By),
    /// Nothing keeps the server from other hosts.
    Open,
    /// The server is not started, and why.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux has a level that can't keep to a list")
    )]
    Refused(&'static str),
}

/// What enforces what, line by line of `manta guard --explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) files: By,
    pub(crate) denied: By,
    pub(crate) frozen: By,
    pub(crate) metadata: By,
    pub(crate) no_network: By,
    pub(crate) hosts: HostList,
    pub(crate) sockets: By,
    pub(crate) programs: By,
    pub(crate) processes: By,
    pub(crate) tree: By,
}

impl Means {
    /// Nothing against a hostile server: level C everywhere.
    pub(super) const fn none() -> Self {
        const OPEN: By = By("-", "not enforced");
        const NAMES: By = By("argument check", "argument check only: the server can open any file of this user");
        Self {
            files: By("argument check only", "the server can open any file of this user"),
            denied: NAMES,
            frozen: NAMES,
            metadata: By("-", "chmod, utime and xattr on the user's other files are not stopped"),
            no_network: OPEN,
            hosts: HostList::Open,
            sockets: OPEN,
            programs: OPEN,
            processes: OPEN,
            tree: OPEN,
        }
    }
}
