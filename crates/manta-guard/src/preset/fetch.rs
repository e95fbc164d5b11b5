//! What package managers do before a server runs, in sandboxes of their own.
//!
//! A manager downloads and starts in one go, so a server under it would need the network and a writable cache for as
//! long as it runs, and whatever could write there could change the code of every other program of the user. Here the
//! two are apart: nothing of a package runs where the network and the cache are, and the package's own program runs
//! from what is read-only by then, without its manager.

use std::path::PathBuf;

use super::{Preset, npx, prepare, uv};
use crate::sandbox::{Grant, Level, Limits, Network, PROXY_PORT, Plan};
use crate::setup::{Request, merged};

/// What has to be done in sandboxes of its own before the server's. They see the cache, the manager's configuration and
/// nothing of the policy.
pub(crate) struct Fetch {
    /// Tells, without the network, what is there already.
    pub(crate) found: Option<Plan>,
    /// Where it is not there: these in turn, the last of which tells.
    pub(crate) made: Vec<Plan>,
    /// What reads the answer, where the command depends on it.
    pub(crate) tool: Option<uv::Tool>,
}

/// For a command of npx whose package isn't in the cache, and every one of uv.
///
/// # Errors
/// A message that names the form to use, for commands of package managers that name no program to guard.
pub(crate) fn fetch(preset: Preset, request: &Request) -> Result<Option<Fetch>, String> {
    let (search, home) = (request.search(), request.home());
    let at = request.surroundings(&search, home.as_deref());
    let prepared = prepare(preset, &request.command, &at)?;
    let Some(home) = at.home else { return Ok(None) };
    match prepared.preset {
        Preset::Npx => npx::fetch(prepared, request, &at, home),
        Preset::Uvx => uv::fetch(prepared, request, &at, home).map(Some),
        _ => Ok(None),
    }
}

/// How the network is reached and whom to trust there, where the host says so by variables.
const OF_THE_NETWORK: &[&str] =
    &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"];
const CERTIFICATES: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"];

/// A sandbox with the network, for a package manager.
pub(super) fn plan(mut env: Vec<(String, String)>, mut grants: Vec<Grant>, tmp_exec: bool, request: &Request) -> Plan {
    let said = |names: &'static [&str]| {
        names.iter().filter_map(|name| Some(((*name).to_owned(), request.environment.get(*name)?.to_str()?.to_owned())))
    };
    grants.extend(said(CERTIFICATES).map(|(_, place)| Grant::read(place)));
    env.extend(said(OF_THE_NETWORK).chain(said(CERTIFICATES)));
    grants.extend(["/etc/resolv.conf", "/etc/passwd"].map(Grant::read));
    Plan {
        level: Level::A,
        command: Vec::new(),
        env,
        cwd: PathBuf::from("/tmp"),
        grants: merged(grants),
        hidden: Vec::new(),
        frozen: Vec::new(),
        network: Network::Any,
        // Name services are asked over unix sockets on some systems.
        proxy_port: PROXY_PORT,
        unix_sockets: true,
        tmp_bytes: 1 << 30,
        tmp_exec,
        limits: Limits::default(),
    }
}
