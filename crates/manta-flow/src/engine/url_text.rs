//! Splitting a concrete URL, for witnesses that are followed through a program.

use crate::ir::Lang;

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

/// Splits a URL as the parser of a language does: JavaScript's resolves `..` behind a host, and leaves a path alone that has
/// none (`notes:../x`); Python's leaves every path alone.
///
/// Source: WHATWG URL, "opaque path" and "shorten a URL's path".
pub(crate) fn split(text: &str, lang: Lang) -> UrlText {
    let text = text.trim_start_matches(is_skipped);
    let (scheme, rest) = around_scheme(text).unwrap_or(("", text));
    if let Some((scheme, path)) = without_host(text) {
        return UrlText::of_path(scheme, path);
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (hostname, port) = match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => (&host[..at], &host[at + 1..]),
        _ => (host, ""),
    };
    let path = before_query(path);
    let path = match lang {
        _ if path.is_empty() => "/".to_owned(),
        Lang::JavaScript if !scheme.is_empty() => without_dots(path),
        _ => path.to_owned(),
    };
    UrlText {
        scheme: scheme.to_ascii_lowercase(),
        userinfo: userinfo.to_owned(),
        host: host.to_ascii_lowercase(),
        hostname: hostname.to_ascii_lowercase(),
        port: port.to_owned(),
        path,
        origin: format!("{}://{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase()),
    }
}

impl UrlText {
    fn of_path(scheme: &str, path: &str) -> Self {
        let nothing = String::new;
        Self {
            scheme: scheme.to_ascii_lowercase(),
            userinfo: nothing(),
            host: nothing(),
            hostname: nothing(),
            port: nothing(),
            path: before_query(path).to_owned(),
            origin: "null".to_owned(),
        }
    }
}

fn before_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Whether a reference names a host of its own.
pub(crate) fn names_host(reference: &str) -> bool {
    around_scheme(reference).is_some()
}

/// What stands before and behind `://`, where that ends a scheme: what has a slash before it is a path.
fn around_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://").filter(|(scheme, _)| !scheme.contains('/'))
}

/// What parsers of both languages take off the start of a URL: control characters and blanks.
fn is_skipped(c: char) -> bool {
    c <= ' '
}

/// Scheme and path of a URL without a host, of a scheme that needs none.
fn without_host(text: &str) -> Option<(&str, &str)> {
    const WITH_HOST: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "file"];
    let (scheme, path) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let is_opaque =
        is_scheme && !path.starts_with('/') && !WITH_HOST.iter().any(|one| scheme.eq_ignore_ascii_case(one));
    is_opaque.then_some((scheme, path))
}

/// A path in which every `..` has taken away what stands before it, written as in URLs or not.
fn without_dots(path: &str) -> String {
    let is = |segment: &str, dots: &str| segment.to_ascii_lowercase().replace("%2e", ".") == dots;
    let segments: Vec<&str> = path.split(['/', '\\']).skip(1).collect();
    let mut kept: Vec<&str> = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let is_up = is(segment, "..");
        if is_up {
            kept.pop();
        }
        if !is_up && !is(segment, ".") {
            kept.push(segment);
        } else if at + 1 == segments.len() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_the_parser_of_the_language_makes_of_them() {
        for (text, javascript, python) in [
            ("notes:../../etc/passwd", "../../etc/passwd", "../../etc/passwd"),
            ("notes://x/../../etc/passwd", "/etc/passwd", "/../../etc/passwd"),
            ("https://x/a/%2E%2e/b/./c/..", "/b/", "/a/%2E%2e/b/./c/.."),
            ("notes://x/..%2f..%2fetc", "/..%2f..%2fetc", "/..%2f..%2fetc"),
            ("https://x?a=/../b", "/", "/"),
        ] {
            assert_eq!(split(text, Lang::JavaScript).path, javascript, "{text}");
            assert_eq!(split(text, Lang::Python).path, python, "{text}");
        }
    }

    #[test]
    fn a_host_is_not_looked_for_where_there_is_none() {
        let url = split("notes:a@b/c", Lang::JavaScript);
        assert_eq!((url.scheme.as_str(), url.host.as_str(), url.path.as_str()), ("notes", "", "a@b/c"));
        assert_eq!(split("https://u@Example.com:8/x", Lang::Python).hostname, "example.com");
        assert_eq!(split("/etc/passwd", Lang::Python).path, "/etc/passwd");
    }

    #[test]
    fn a_scheme_stands_at_the_start() {
        for (text, scheme, hostname) in [
            ("https://a.example/http://10.0.0.1/", "https", "a.example"),
            ("/api/http://10.0.0.1/", "", ""),
            ("x/api/http://10.0.0.1/", "", "x"),
            ("\t http://10.0.0.1/", "http", "10.0.0.1"),
            ("git+ssh://a.example/x", "git+ssh", "a.example"),
        ] {
            let parts = split(text, Lang::Python);
            assert_eq!((&*parts.scheme, &*parts.hostname), (scheme, hostname), "{text}");
        }
    }
}
