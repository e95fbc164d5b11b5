//! Requests that two HTTP programs would read differently.

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, ORIGIN, TRANSFER_ENCODING};
use hyper::{StatusCode, Uri};

/// Headers of which there is one: of two, a proxy may look at the first and a server obey the last (CWE-436).
const SINGLE: &[&str] = &[
    "host",
    "origin",
    "mcp-session-id",
    "mcp-protocol-version",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "last-event-id",
];

/// Why a request is refused before anything in it counts.
///
/// A target in absolute form names its host itself, and that one is meant (RFC 9112, section 3.2.2): it must be the one
/// that the `Host` check sees. A body in an encoding or a character set that nobody here reads would be read as another
/// one.
///
/// # Errors
/// Status and sentence of the answer.
pub fn check_form(uri: &Uri, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    if let Some(authority) = uri.authority()
        && headers.get(HOST).is_none_or(|host| !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()))
    {
        return Err((StatusCode::BAD_REQUEST, "the target names another host than the Host header"));
    }
    if headers.get(HOST).is_some_and(|host| !is_name_and_port(host.as_bytes())) {
        return Err((StatusCode::BAD_REQUEST, "the Host header is no name and port"));
    }
    if headers.get(ORIGIN).is_some_and(|origin| !is_origin(origin.as_bytes())) {
        return Err((StatusCode::FORBIDDEN, "the Origin header is none that browsers send"));
    }
    if SINGLE.iter().any(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        return Err((StatusCode::BAD_REQUEST, "a header that must not be repeated"));
    }
    // One coding, which hyper has taken off. Of two it takes off the last and hands on the body in the first.
    if headers.get(TRANSFER_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err((StatusCode::NOT_IMPLEMENTED, "a body in this transfer coding is not read here"));
    }
    let is_plain = |value: &hyper::header::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| !is_plain(encoding)) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "an encoded body is not read here"));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').skip(1).any(|parameter| !is_utf8(parameter)) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be UTF-8"));
    }
    Ok(())
}

/// A name and a port (RFC 9110, section 7.2). Of `evil@localhost`, one reader takes the first part for the host; of
/// `localhost:80.evil.example` another takes what stands before the colon.
fn is_name_and_port(host: &[u8]) -> bool {
    let is_host_byte = |b: &u8| b.is_ascii_alphanumeric() || b"-._[]:".contains(b);
    let after_brackets = host.iter().rposition(|b| *b == b']').map_or(host, |end| &host[end + 1..]);
    let port = after_brackets.iter().position(|b| *b == b':').map_or(&b""[..], |colon| &after_brackets[colon + 1..]);
    let port = std::str::from_utf8(port).unwrap_or("none");
    let is_port = port.is_empty() || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    host.iter().all(is_host_byte) && is_port
}

/// `null`, or a scheme, a name and a port (RFC 6454, section 7): a reader that looks at the host only would not see the rest.
fn is_origin(origin: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(origin) else { return false };
    let rest = text.split_once("://").map(|(_, rest)| rest);
    text == "null" || rest.is_some_and(|rest| is_name_and_port(rest.as_bytes()))
}

/// Whether the connection has to end with the answer to this request. A request may have said its length as well as
/// sent its body in chunks; hyper has dropped the length, and a proxy that believed it takes what follows for another
/// request than we do (RFC 9112, section 6.1).
#[must_use]
pub fn is_last(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
}

/// Whether a parameter of a content type leaves it UTF-8.
fn is_utf8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return true };
    let value = value.trim().trim_matches('"');
    let is_it = ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known));
    !name.trim().eq_ignore_ascii_case("charset") || is_it
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(uri: &str, headers: &[(&'static str, &str)]) -> Option<u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check_form(&uri.parse().unwrap(), &map).err().map(|(status, _)| status.as_u16())
    }

    #[test]
    fn requests_with_two_readings_are_refused() {
        let host = ("host", "127.0.0.1:8080");
        for headers in [
            &[host][..],
            &[host, ("content-type", "application/json; charset=UTF-8")],
            &[host, ("content-type", "application/json;charset=\"utf-8\";x=y"), ("content-encoding", "identity")],
            &[host, ("accept", "a"), ("accept", "b")],
        ] {
            assert_eq!(status("/mcp", headers), None, "{headers:?}");
        }
        assert_eq!(status("http://127.0.0.1:8080/mcp", &[host]), None);
        assert_eq!(status("http://evil.example/mcp", &[host]), Some(400));
        assert_eq!(status("http://evil.example/mcp", &[]), Some(400));
        assert_eq!(status("/mcp", &[("host", "evil.example:80@127.0.0.1:8080")]), Some(400));
        assert_eq!(status("/mcp", &[host, ("host", "evil.example")]), Some(400));
        let own = ("origin", "http://127.0.0.1:8080");
        assert_eq!(status("/mcp", &[host, own, ("origin", "http://evil.example")]), Some(400));
        assert_eq!(status("/mcp", &[host, ("mcp-session-id", "a"), ("mcp-session-id", "b")]), Some(400));
        assert_eq!(status("/mcp", &[host, ("content-encoding", "gzip")]), Some(415));
        let coding = |value| status("/mcp", &[host, ("transfer-encoding", value)]);
        assert_eq!(coding("Chunked"), None);
        for other in ["gzip, chunked", "chunked, chunked", "identity", ""] {
            assert_eq!(coding(other), Some(501), "{other}");
        }
        assert_eq!(status("/mcp", &[host, ("content-type", "application/json; charset=utf-7")]), Some(415));
    }

    #[test]
    fn hosts_and_origins_are_names_and_ports() {
        for host in
            ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "[::1]", "mcp.example.com", "localhost:"]
        {
            assert_eq!(status("/mcp", &[("host", host)]), None, "{host}");
        }
        for host in ["127.0.0.1:8080.evil.example", "localhost:99999", "localhost:80:80", "[::1]x:8a", "localhost:-1"] {
            assert_eq!(status("/mcp", &[("host", host)]), Some(400), "{host}");
        }
        let origin = |origin| status("/mcp", &[("host", "localhost:8080"), ("origin", origin)]);
        for known in ["null", "http://localhost:8080", "https://[::1]:1", "vscode-webview://0abc", "file://"] {
            assert_eq!(origin(known), None, "{known}");
        }
        for odd in [
            "http://localhost:8080/",
            "http://u@localhost:8080",
            "http://localhost:8080, http://evil.example",
            "*",
            "localhost",
        ] {
            assert_eq!(origin(odd), Some(403), "{odd}");
        }
    }
}
