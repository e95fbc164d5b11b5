//! Splitting a concrete URL, for witnesses that are followed through a program.

/// The parts of a URL as a WHATWG parser or `urlparse` shows them, for the plain forms witnesses have.
pub(crate) struct UrlText {
    pub(crate) scheme: String,
    pub(crate) userinfo: String,
    pub(crate) host: String,
    pub(crate) hostname: String,
    pub(crate) port: String,
    pub(crate) path: String,
    pub(crate) origin: String,
}

pub(crate) fn split(text: &str) -> UrlText {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (hostname, port) = match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => (&host[..at], &host[at + 1..]),
        _ => (host, ""),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    UrlText {
        scheme: scheme.to_ascii_lowercase(),
        userinfo: userinfo.to_owned(),
        host: host.to_ascii_lowercase(),
        hostname: hostname.to_ascii_lowercase(),
        port: port.to_owned(),
        path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        origin: format!("{}://{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase()),
    }
}
