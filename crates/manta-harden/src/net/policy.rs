//! Which URLs may be fetched, decided on the text, then on every address behind it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use manta_detect::address::{Class, classify};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::error::{UrlError, UrlRule};
use super::host::{HostRule, is_forbidden_name, is_host_name, is_public_name};

const MAX_URL: usize = 2048;
const MAX_ADDRESSES: usize = 16;

/// An allow-list of destinations: `https`, port 443, the named hosts, public addresses only.
///
/// ```
/// use manta_harden::net::{UrlPolicy, UrlRule};
/// let policy = UrlPolicy::new().host("api.example.com")?.host("*.cdn.example.com")?;
/// assert!(policy.check("https://api.example.com/v1?q=1").is_ok());
/// assert!(policy.check("https://eu.cdn.example.com/").is_ok());
///
/// let refused = |url: &str| policy.check(url).unwrap_err().rule();
/// assert_eq!(refused("http://api.example.com/"), UrlRule::Scheme);
/// assert_eq!(refused("https://api.example.com@evil.example/"), UrlRule::UserInfo);
/// assert_eq!(refused("https://api.example.com.evil.example/"), UrlRule::Host);
/// assert_eq!(refused("https://169.254.169.254/"), UrlRule::IpLiteral);
/// assert_eq!(refused("https://0x7f.1/"), UrlRule::OddForm);
/// # Ok::<(), manta_harden::net::UrlError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct UrlPolicy {
    hosts: Vec<HostRule>,
    http: bool,
    ports: Vec<u16>,
    admitted_ranges: Vec<(IpAddr, u8)>,
    nat64: Option<Ipv6Addr>,
}

impl UrlPolicy {
    /// Nothing is allowed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host: an exact name, `*.suffix` for at least one label more, an IP address, or `*`
    /// for any public name (whose addresses must be public too).
    ///
    /// # Errors
    /// [`UrlRule::Policy`] for anything else, and for suffixes below which anyone gets a name.
    pub fn host(mut self, rule: &str) -> Result<Self, UrlError> {
        self.hosts.push(HostRule::parse(rule)?);
        Ok(self)
    }

    /// Also admits `http`, on port 80. Anyone on the way can read and change what is fetched
    /// (CWE-319).
    #[must_use]
    pub const fn http(mut self, admit: bool) -> Self {
        self.http = admit;
        self
    }

    /// Also admits a port besides the scheme's own.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Admits a range of addresses (`10.1.2.0/24`, `::1/128`) although it isn't public. Every
    /// service in it can then be reached by whoever writes the URL and can name a listed host.
    ///
    /// # Errors
    /// [`UrlRule::Policy`] when `range` is not CIDR notation.
    pub fn dangerous_allow_range(mut self, range: &str) -> Result<Self, UrlError> {
        let invalid = UrlError::new(UrlRule::Policy, "an address range is written like 10.1.2.0/24");
        let (address, prefix) = range.split_once('/').ok_or(invalid.clone())?;
        let address: IpAddr = address.parse().map_err(|_| invalid.clone())?;
        let prefix: u8 = prefix.parse().map_err(|_| invalid.clone())?;
        if prefix > if address.is_ipv4() { 32 } else { 128 } {
            return Err(invalid);
        }
        self.admitted_ranges.push((address, prefix));
        Ok(self)
    }

    /// The network's NAT64 prefix (/96), usually `64:ff9b::`. Addresses in it follow the rule of
    /// the IPv4 address they carry; without this they are refused.
    #[must_use]
    pub const fn nat64(mut self, prefix: Ipv6Addr) -> Self {
        self.nat64 = Some(prefix);
        self
    }

    /// Decides on the text alone; no name is resolved.
    ///
    /// Two parsers read the host, a strict one here and the WHATWG one of the `url` crate; where
    /// they differ the URL is refused, because a third one will connect (CWE-436).
    ///
    /// # Errors
    /// Names the rule that refused.
    pub fn check(&self, text: &str) -> Result<CheckedUrl, UrlError> {
        let written = WrittenUrl::read(text)?;
        if written.scheme != "https" && !(self.http && written.scheme == "http") {
            return Err(UrlError::new(UrlRule::Scheme, "only https is allowed unless the policy says otherwise"));
        }
        let mut url = Url::parse(text).map_err(|_| UrlError::new(UrlRule::Syntax, "not a valid URL"))?;
        if url.scheme() != written.scheme {
            return Err(UrlError::new(UrlRule::Syntax, "not a valid URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::new(UrlRule::UserInfo, "a URL must not carry a user name or password"));
        }
        url.set_fragment(None);
        let host = self.check_host(&mut url, &written)?;
        let port = url.port_or_known_default().unwrap_or(0);
        let own_port = if url.scheme() == "https" { 443 } else { 80 };
        if port != own_port && !self.ports.contains(&port) {
            return Err(UrlError::new(UrlRule::Port, "the policy does not allow this port"));
        }
        Ok(CheckedUrl { url, host, port })
    }

    fn check_host(&self, url: &mut Url, written: &WrittenUrl<'_>) -> Result<CheckedHost, UrlError> {
        let odd = UrlError::new(UrlRule::OddForm, "the host is written in a form that parsers read differently");
        let name = match url.host() {
            Some(Host::Ipv4(ip)) => return self.check_literal(ip.into(), written, odd),
            Some(Host::Ipv6(ip)) => return self.check_literal(ip.into(), written, odd),
            Some(Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name).to_owned(),
            None => return Err(UrlError::new(UrlRule::Syntax, "the URL names no host")),
        };
        if !written.host.strip_suffix('.').unwrap_or(written.host).eq_ignore_ascii_case(&name) || !is_host_name(&name) {
            return Err(odd);
        }
        if is_forbidden_name(&name) {
            return Err(UrlError::new(
                UrlRule::Metadata,
                "this name leads to the machine itself or its cloud's metadata",
            ));
        }
        // Where private addresses are admitted, private names are meant as well.
        let is_covered = |rule: &HostRule| {
            rule.matches_name(&name)
                && (*rule != HostRule::Any || !self.admitted_ranges.is_empty() || is_public_name(&name))
        };
        if !self.hosts.iter().any(is_covered) {
            return Err(UrlError::new(UrlRule::Host, "the policy does not allow this host"));
        }
        url.set_host(Some(&name)).map_err(|_| odd)?;
        Ok(CheckedHost::Name(name))
    }

    fn check_literal(&self, ip: IpAddr, written: &WrittenUrl<'_>, odd: UrlError) -> Result<CheckedHost, UrlError> {
        let plain = written.host.trim_start_matches('[').trim_end_matches(']');
        if plain.parse::<IpAddr>() != Ok(ip) {
            return Err(odd);
        }
        let is_listed =
            |rule: &HostRule| matches!(rule, HostRule::Ip(listed) if listed.to_canonical() == ip.to_canonical());
        if !self.hosts.iter().any(is_listed) {
            return Err(UrlError::new(UrlRule::IpLiteral, "the policy does not allow this IP address as host"));
        }
        Ok(CheckedHost::Ip(ip))
    }

    /// Decides on what the host's name resolved to. Every answer must be public: an attacker who
    /// controls a name answers with one public and one private address and waits (DNS rebinding,
    /// CWE-350; CVE-2026-77265).
    ///
    /// # Errors
    /// [`UrlRule::Address`] for the first that is not, [`UrlRule::Resolution`] for none or too many.
    pub fn check_addresses(&self, url: &CheckedUrl, answers: &[IpAddr]) -> Result<Vec<PublicAddr>, UrlError> {
        if answers.is_empty() || answers.len() > MAX_ADDRESSES {
            return Err(UrlError::new(UrlRule::Resolution, "the name has no address, or more than 16"));
        }
        if let CheckedHost::Ip(literal) = url.host
            && answers.iter().any(|answer| answer.to_canonical() != literal.to_canonical())
        {
            return Err(UrlError::new(UrlRule::Resolution, "an IP address resolved to something else"));
        }
        answers
            .iter()
            .map(|&ip| self.admit(ip).map(|()| PublicAddr(SocketAddr::new(ip.to_canonical(), url.port))))
            .collect()
    }

    fn admit(&self, ip: IpAddr) -> Result<(), UrlError> {
        let ip = ip.to_canonical();
        let class = match (self.nat64, ip) {
            (Some(prefix), IpAddr::V6(v6)) if v6.to_bits() >> 32 == prefix.to_bits() >> 32 => {
                classify(Ipv4Addr::from_bits((v6.to_bits() & u128::from(u32::MAX)) as u32).into())
            }
            _ => classify(ip),
        };
        match class {
            Class::Global => Ok(()),
            _ if self.admitted_ranges.iter().any(|&range| contains(range, ip)) => Ok(()),
            class => Err(UrlError::new(UrlRule::Address(class), "the host's address is not public")),
        }
    }
}

fn contains((network, prefix): (IpAddr, u8), ip: IpAddr) -> bool {
    let (difference, width) = match (network, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()) << 96, 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    difference.leading_zeros().min(width) >= u32::from(prefix)
}

/// The parts of a URL as written, read by rules so strict that parsers can't disagree.
struct WrittenUrl<'a> {
    scheme: String,
    host: &'a str,
}

impl<'a> WrittenUrl<'a> {
    fn read(text: &'a str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL {
            return Err(UrlError::new(UrlRule::TooLong, "the URL is longer than 2048 bytes"));
        }
        // Browsers drop tabs and line feeds and turn `\` into `/`; others don't.
        if text.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
            return Err(UrlError::new(UrlRule::Characters, "the URL contains a space, control character or backslash"));
        }
        let (scheme, rest) =
            text.split_once("://").ok_or(UrlError::new(UrlRule::Syntax, "a URL starts with https://"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // Up to the first slash: parsers that end the authority there only read `https://good?@evil/` as user
        // `good?` at `evil`.
        if rest.split('/').next().is_some_and(|widest| widest.contains('@')) {
            return Err(UrlError::new(UrlRule::UserInfo, "a URL must not carry a user name or password"));
        }
        let host = match authority.strip_prefix('[').and_then(|v6| v6.find(']')) {
            Some(end) => &authority[..end + 2],
            None => authority.split(':').next().unwrap_or_default(),
        };
        let port = authority[host.len()..].strip_prefix(':').unwrap_or(&authority[host.len()..]);
        let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(is_host_byte) || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(UrlError::new(UrlRule::Characters, "a host has ASCII letters, digits, `-` and `.` only"));
        }
        Ok(Self { scheme: scheme.to_ascii_lowercase(), host })
    }
}

/// A URL that a policy admitted. `Display` gives the re-serialised form, without fragment: that is
/// what is sent and logged, never the caller's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedUrl {
    url: Url,
    host: CheckedHost,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CheckedHost {
    Name(String),
    Ip(IpAddr),
}

impl CheckedUrl {
    /// Lower-case name without trailing dot, or the IP address without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            CheckedHost::Name(name) => name.clone(),
            CheckedHost::Ip(ip) => ip.to_string(),
        }
    }

    /// The address, when the host is one.
    #[must_use]
    pub const fn ip_literal(&self) -> Option<IpAddr> {
        match self.host {
            CheckedHost::Ip(ip) => Some(ip),
            CheckedHost::Name(_) => None,
        }
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The parsed URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port are the same.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.url.scheme() == other.url.scheme() && self.host == other.host && self.port == other.port
    }
}

impl fmt::Display for CheckedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// An address that was checked. Connect to exactly this and then call [`PublicAddr::verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAddr(SocketAddr);

impl PublicAddr {
    /// Where to connect.
    #[must_use]
    pub const fn socket_addr(self) -> SocketAddr {
        self.0
    }

    /// Compares with the other end of the connection that was made.
    ///
    /// # Errors
    /// [`UrlRule::Peer`] when it is another address: a proxy, a redirecting socket library.
    pub fn verify(self, peer: SocketAddr) -> Result<(), UrlError> {
        match peer.ip().to_canonical() == self.0.ip() && peer.port() == self.0.port() {
            true => Ok(()),
            false => Err(UrlError::new(UrlRule::Peer, "connected to another address than the checked one")),
        }
    }
}

/// Untrusted text that means a URL. Only a [`UrlPolicy`] or a client turns it into something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UrlArg(String);

impl UrlArg {
    /// Wraps text from outside.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it arrived, for logs. Fetching it directly is CWE-918.
    #[must_use]
    pub fn untrusted(&self) -> &str {
        &self.0
    }
}
