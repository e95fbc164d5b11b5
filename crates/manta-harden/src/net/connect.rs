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
        #[cfg(unix)]
        if let Some(listed) = std::fs::read("/etc/hosts").ok().and_then(|text| listed(&text, host)) {
            return Ok(listed);
        }
        // A dot at the end keeps search domains out: `api.example.com` must not become
        // `api.example.com.corp.internal`.
        let mut answers: Vec<IpAddr> = (format!("{host}."), 0).to_socket_addrs()?.map(|address| address.ip()).collect();
        answers.dedup();
        Ok(answers)
    }
}

/// What a file of hosts says about a name. Whoever owns the machine puts names there that no name server knows, and every
/// other program believes them; the system's own look-up does not find them under the absolute form of a name.
#[cfg(unix)]
fn listed(text: &[u8], host: &str) -> Option<Vec<IpAddr>> {
    let host = host.trim_end_matches('.');
    let text = String::from_utf8_lossy(text);
    let addresses = text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    });
    Some(addresses.collect()).filter(|addresses: &Vec<IpAddr>| !addresses.is_empty())
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_owner_of_the_machine_listed_are_found() {
        let text = b"# 10.0.0.9 db.corp.example\n127.0.0.1\tlocalhost\n10.0.0.1  DB.corp.example db # first\n\xff\n\
                     fe80::1%lo0 db.corp.example\n::1 db.corp.example\n10.0.0.2 other.db.corp.example\n";
        let (four, six): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), "::1".parse().unwrap());
        assert_eq!(listed(text, "db.corp.example"), Some(vec![four, six]));
        assert_eq!(listed(text, "db.corp.example."), Some(vec![four, six]));
        for other in ["corp.example", "first", "10.0.0.1", "localhost.localdomain", ""] {
            assert_eq!(listed(text, other), None, "{other}");
        }
    }
}
