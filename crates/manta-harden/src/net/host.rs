//! Rules about host names.

use std::net::{IpAddr, Ipv4Addr};

use manta_detect::address::classify;

use super::error::{UrlError, UrlRule};

/// One entry of an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostRule {
    /// `*`: every public name. Addresses are still checked, and IP literals still refused.
    Any,
    Exact(String),
    /// `*.example.com`, kept as `.example.com`: at least one label more.
    Suffix(String),
    Ip(IpAddr),
}

impl HostRule {
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        let invalid = |detail| UrlError::new(UrlRule::Policy, detail);
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Ok(ip) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Ok(Self::Ip(ip));
        }
        let lower = text.to_ascii_lowercase();
        let (is_suffix, name) = lower.strip_prefix("*.").map_or((false, lower.as_str()), |rest| (true, rest));
        if !is_host_name(name) {
            return Err(invalid("a host rule is a name in ASCII, `*.` and a name, or an IP address"));
        }
        if !is_suffix {
            return Ok(Self::Exact(name.to_owned()));
        }
        if !name.contains('.') || SHARED_SUFFIXES.contains(&name) || ANYWHERE.contains(&name) {
            return Err(invalid("anyone can register a name below this suffix"));
        }
        Ok(Self::Suffix(format!(".{name}")))
    }

    pub(super) fn matches_name(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => name == host,
            Self::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Self::Ip(_) => false,
        }
    }
}

/// Letters, digits and hyphens in labels of 1 to 63, 253 in all. The last label of a name is not
/// a number, or the name would be an IPv4 address in some form.
pub(super) fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label) && last.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Names that lead to the machine itself or to a cloud's metadata service.
pub(super) fn is_forbidden_name(host: &str) -> bool {
    const NAMES: &[&str] = &[
        "localhost",
        "localhost.localdomain",
        "ip6-localhost",
        "ip6-loopback",
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "instance-data",
        "instance-data.ec2.internal",
        "kubernetes.default.svc",
        "host.docker.internal",
        "gateway.docker.internal",
    ];
    NAMES.contains(&host) || host.ends_with(".localhost") || host.ends_with(".svc.cluster.local")
}

/// Whether `*` covers a name: one of the public name space that doesn't say itself that it leads elsewhere. Whoever connects
/// looks at the addresses as well; a program that resolves the name by itself, on another machine, may not.
pub(super) fn is_public_name(host: &str) -> bool {
    let is_below = |end: &&str| host.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    host.contains('.')
        && !NOT_PUBLIC.iter().any(is_below)
        && !ANYWHERE.iter().any(is_below)
        && spelled_addresses(host).all(|address| classify(address.into()).is_global())
}

/// Addresses that stand in a name, as services that answer with them expect: `10.0.0.1.x.example`, `app-10-0-0-1.x.example`.
fn spelled_addresses(host: &str) -> impl Iterator<Item = Ipv4Addr> {
    let parts: Vec<Option<u8>> = host.split(['.', '-']).map(|part| part.parse().ok()).collect();
    let quads: Vec<_> =
        parts.windows(4).filter_map(|quad| Some(Ipv4Addr::new(quad[0]?, quad[1]?, quad[2]?, quad[3]?))).collect();
    quads.into_iter()
}

/// Ends of names that no public name server answers for (RFC 6761, 6762, 8375, 9476; `internal` by ICANN), or that
/// networks use as if there were none.
const NOT_PUBLIC: &[&str] = &[
    "local",
    "localhost",
    "localdomain",
    "localdomain6",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "arpa",
    "test",
    "invalid",
    "onion",
    "alt",
];

/// Names that lead wherever their first labels say, this machine included.
const ANYWHERE: &[&str] = &[
    "nip.io",
    "sslip.io",
    "xip.io",
    "traefik.me",
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "lacolhost.com",
    "rbndr.us",
    "1u.ms",
];

/// Suffixes of more than one label below which strangers get names. Not the whole public-suffix
/// list: the ones that turn up in allow-lists of servers.
const SHARED_SUFFIXES: &[&str] = &[
    "co.uk",
    "org.uk",
    "ac.uk",
    "com.au",
    "co.jp",
    "co.kr",
    "co.in",
    "co.nz",
    "co.za",
    "com.br",
    "com.cn",
    "com.mx",
    "com.tr",
    "com.tw",
    "github.io",
    "gitlab.io",
    "githubusercontent.com",
    "herokuapp.com",
    "amazonaws.com",
    "s3.amazonaws.com",
    "elasticbeanstalk.com",
    "cloudfront.net",
    "azurewebsites.net",
    "azureedge.net",
    "cloudapp.net",
    "blob.core.windows.net",
    "web.core.windows.net",
    "appspot.com",
    "run.app",
    "web.app",
    "firebaseapp.com",
    "cloudfunctions.net",
    "vercel.app",
    "netlify.app",
    "pages.dev",
    "workers.dev",
    "r2.dev",
    "fly.dev",
    "onrender.com",
    "railway.app",
    "deno.dev",
    "ngrok.io",
    "ngrok.app",
    "ngrok-free.app",
    "ngrok.dev",
    "trycloudflare.com",
    "loca.lt",
    "serveo.net",
    "duckdns.org",
    "dyndns.org",
    "no-ip.org",
    "blogspot.com",
    "wordpress.com",
    "surge.sh",
    "glitch.me",
    "repl.co",
    "replit.app",
    "replit.dev",
    "hf.space",
    "streamlit.app",
    "gradio.live",
    "supabase.co",
    "translate.goog",
];
