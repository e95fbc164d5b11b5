//! From a checked URL to a connection, without asking for the name twice.

use std::io;
use std::net::{IpAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::error::{UrlError, UrlRule};
use super::policy::{CheckedUrl, PublicAddr, UrlPolicy};

/// Addresses of a name that are tried before giving up.
pub(super) const MAX_TRIED: usize = 4;

/// Where names are looked up. Called at most once per connection, so an answer that changes
/// between check and use (DNS rebinding) changes nothing.
pub trait Resolve: Send + Sync {
    /// All addresses of `host`, which is a name, never a literal. May block.
    ///
    /// # Errors
    /// Whatever the look-up says.
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        // A dot at the end keeps search domains out: `api.example.com` must not become
        // `api.example.com.corp.internal`.
        let mut answers: Vec<IpAddr> = (format!("{host}."), 0).to_socket_addrs()?.map(|address| address.ip()).collect();
        answers.dedup();
        Ok(answers)
    }
}

/// Resolves once, checks every answer.
///
/// # Errors
/// Names the rule that refused.
pub fn resolve(policy: &UrlPolicy, url: &CheckedUrl, resolver: &dyn Resolve) -> Result<Vec<PublicAddr>, UrlError> {
    let answers = match url.ip_literal() {
        Some(ip) => vec![ip],
        None => resolver
            .resolve(&url.host())
            .map_err(|_| UrlError::new(UrlRule::Resolution, "the name could not be resolved"))?,
    };
    policy.check_addresses(url, &answers)
}

/// Resolves, checks, connects to one of the checked addresses and verifies the other end. Blocks.
///
/// # Errors
/// Names the rule that refused; [`UrlRule::Connect`] when nothing answered within `timeout`.
pub fn connect(
    policy: &UrlPolicy,
    url: &CheckedUrl,
    resolver: &dyn Resolve,
    timeout: Duration,
) -> Result<TcpStream, UrlError> {
    let deadline = Instant::now() + timeout;
    for address in resolve(policy, url, resolver)?.into_iter().take(MAX_TRIED) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let Ok(stream) = TcpStream::connect_timeout(&address.socket_addr(), left) else { continue };
        let peer = stream.peer_addr().map_err(|_| UrlError::new(UrlRule::Peer, "the connection was lost"))?;
        address.verify(peer)?;
        return Ok(stream);
    }
    Err(UrlError::new(UrlRule::Connect, "no connection to any of the host's addresses"))
}
