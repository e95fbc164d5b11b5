//! Runs a server so that it can only do what was granted, whatever its code does.
//!
//! [`launch`] starts this same program again as a small single-threaded *init* process, which
//! confines itself step by step ([`init`]) and then starts the server. Three levels say what stands
//! between the server and the host; the level that was reached is reported, never assumed:
//!
//! | level | made of |
//! |---|---|
//! | A | user, mount, PID, network and IPC namespaces, Landlock, seccomp |
//! | B | Landlock, seccomp; no network unless all of it is allowed. On macOS a `sandbox-exec` profile |
//! | C | cleared environment, limits, process tree; nothing against a hostile server |

pub mod init;
mod launch;
mod limits;
#[cfg(target_os = "linux")]
mod linux;
mod means;
#[cfg(any(not(target_os = "linux"), test))]
mod seatbelt;
mod sys;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use seatbelt as platform;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use launch::{LaunchError, Launched, Launcher, Pipes, Process, launch};
pub(crate) use means::{By, HostList, Means};
pub(crate) use platform::means;
pub use platform::probe;

/// What stands between the server and the host. `A` is the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Environment, limits and process tree only.
    C,
    /// Landlock and seccomp.
    B,
    /// Namespaces, Landlock and seccomp.
    A,
}

/// The server's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// None at all.
    #[default]
    None,
    /// Only the guard's egress proxy. Needs level A.
    Proxy,
    /// Unrestricted.
    Any,
}

/// What may be done below a grant, from least to most. The same steps as a root of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// See the names in this one directory.
    List,
    /// Read files, list directories.
    Read,
    /// And change existing files.
    Write,
    /// And create.
    Create,
    /// And delete and rename.
    Delete,
}

/// What code below a grant may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exec {
    /// Nothing: no program is started from there, at level A no library loaded.
    No,
    /// Libraries may be loaded by a running program.
    Load,
    /// Programs may be started.
    Run,
}

/// A file or directory the server may use, with everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Absolute path.
    pub path: PathBuf,
    /// What may be done there.
    pub access: Access,
    /// What its code may be used for.
    pub exec: Exec,
}

impl Grant {
    /// May be read.
    #[must_use]
    pub fn read(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::Read, exec: Exec::No }
    }

    /// May be read, and libraries in it loaded.
    #[must_use]
    pub fn load(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::Read, exec: Exec::Load }
    }

    /// May be read, and programs in it started.
    #[must_use]
    pub fn run(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::Read, exec: Exec::Run }
    }

    /// May be changed in every way.
    #[must_use]
    pub fn write(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::Delete, exec: Exec::No }
    }
}

/// Bounds on each process of the server; `None` leaves the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest file a process may write, in bytes.
    pub file_bytes: Option<u64>,
    /// Open descriptors per process.
    pub files: Option<u64>,
    /// Processes and threads. At level B the kernel counts all of the user's.
    pub processes: Option<u64>,
    /// Memory for data (heap and private mappings) per process, in bytes.
    pub data_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: Some(1 << 30), files: Some(4096), processes: None, data_bytes: None }
    }
}

/// Everything the init process needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The level to reach; the init fails rather than reach less.
    pub level: Level,
    /// Program (absolute) and arguments.
    pub command: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Files and directories.
    pub grants: Vec<Grant>,
    /// Paths inside grants that are covered. Level A only.
    pub hidden: Vec<PathBuf>,
    /// Paths inside writable grants that can be read and not changed. Level A only.
    pub frozen: Vec<PathBuf>,
    /// Network.
    pub network: Network,
    /// Port of the egress proxy on loopback, for [`Network::Proxy`].
    pub proxy_port: u16,
    /// The server may make unix sockets.
    pub unix_sockets: bool,
    /// Size of the private temporary directories of level A, in bytes.
    pub tmp_bytes: u64,
    /// Programs may be run from the private temporary directory.
    pub tmp_exec: bool,
    /// Limits.
    pub limits: Limits,
}

impl Plan {
    /// Whether what is granted below a private directory is less than everything. Landlock adds rights up on the way to
    /// a file, so that directory can't be the server's own then.
    pub(crate) fn holds_less_below(&self, private: &str) -> bool {
        let is_below = |grant: &&Grant| grant.path.starts_with(private) && grant.path != std::path::Path::new(private);
        // What may only be read is held by its mount.
        self.grants.iter().filter(is_below).any(|grant| (Access::Write..Access::Delete).contains(&grant.access))
    }
}

/// Port of the egress proxy inside the server's network namespace.
pub const PROXY_PORT: u16 = 3128;

/// What the server's environment says of the egress proxy.
pub(crate) fn proxy_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// What the init process reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The level.
    pub level: Level,
    /// Landlock version in force, 0 for none.
    pub landlock: u32,
    /// What the level promises and this host could not give.
    pub gaps: Vec<String>,
}

/// Messages from the init process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Message {
    /// The listening socket of the egress proxy comes with this message.
    Listener,
    /// The server runs.
    Started(Reached),
    /// It does not, and why.
    Failed(String),
}
