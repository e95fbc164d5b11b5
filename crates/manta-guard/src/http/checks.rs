//! What a request must say about itself before its body counts.

use std::net::SocketAddr;

use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use manta_mcp::{Frame, Part};
use serde_json::Value;

use crate::mirror::{decoded, name_of};

/// Which protocol a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// Sessions, up to 2025-11-25.
    Legacy,
    /// Stateless, from 2026-07-28 on.
    Modern,
}

const VERSION_HEADER: &str = "mcp-protocol-version";
const METHOD_HEADER: &str = "mcp-method";
const NAME_HEADER: &str = "mcp-name";

const LEGACY: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Headers and body disagree (specification, 2026-07-28).
pub(super) const HEADER_MISMATCH: i32 = -32020;
const INVALID_PARAMS: i32 = -32602;

/// Under which names the front is reached, and from which pages.
pub(super) struct Access {
    hosts: Vec<String>,
    origins: Vec<String>,
    port: u16,
}

impl Access {
    pub(super) fn new(address: SocketAddr, mut hosts: Vec<String>, origins: Vec<String>) -> Self {
        hosts.extend(LOOPBACK.map(str::to_owned));
        if !address.ip().is_unspecified() {
            hosts.push(if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() });
        }
        Self { hosts, origins, port: address.port() }
    }

    /// Host and Origin, against DNS rebinding and pages of others.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let host = single(headers, HOST.as_str()).ok_or((StatusCode::BAD_REQUEST, "there must be one Host header"))?;
        if !self.hosts.iter().any(|known| known.eq_ignore_ascii_case(without_port(host))) {
            return Err((StatusCode::FORBIDDEN, "this host name is not served here"));
        }
        if !headers.contains_key(ORIGIN) {
            return Ok(());
        }
        let origin = single(headers, ORIGIN.as_str()).unwrap_or("");
        if self.is_own(origin, host) || self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return Ok(());
        }
        Err((StatusCode::FORBIDDEN, "this origin may not call"))
    }

    /// A page that came from here. Another port of this machine is somebody else.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        let Some((_, authority)) = origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        else {
            return false;
        };
        let own = LOOPBACK.map(|name| format!("{name}:{}", self.port));
        authority.eq_ignore_ascii_case(host) || own.iter().any(|own| own.eq_ignore_ascii_case(authority))
    }
}

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A header that must not be repeated: two components would read two values.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = single(headers, CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next()).unwrap_or("");
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// What a client wants its answers to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taste {
    /// One JSON text and nothing else.
    Json,
    /// Whichever suits.
    Either,
    /// Events, even of a single answer.
    Stream,
}

impl Taste {
    /// By quality (RFC 9110, section 12.5.1); of two that are wanted alike, a stream when it is named first.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let ranges: Vec<(usize, &str, u16)> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .enumerate()
            .map(|(place, range)| {
                let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
                (place, kind.trim(), quality(parameters))
            })
            .collect();
        // The most specific range speaks for a type.
        let wanted = |kind: &str| -> Option<(u16, usize)> {
            let family = format!("{}/*", kind.split('/').next().unwrap_or(""));
            let named = [kind, &family, "*/*"].into_iter().find_map(|name| {
                ranges.iter().find(|(_, range, _)| range.eq_ignore_ascii_case(name)).map(|found| (found, name == kind))
            });
            let ((place, _, quality), is_exact) = named?;
            (*quality > 0).then_some((*quality, if is_exact { *place } else { usize::MAX }))
        };
        match (wanted("text/event-stream"), wanted("application/json")) {
            (None, _) => Self::Json,
            (Some(_), None) => Self::Stream,
            (Some((stream, first)), Some((json, second))) if stream > json || (stream == json && first < second) => {
                Self::Stream
            }
            _ => Self::Either,
        }
    }
}

/// The weight among the parameters of a range, in thousandths; what can't be read counts as not wanted.
fn quality(parameters: &str) -> u16 {
    let weight = parameters.split(';').filter_map(|parameter| parameter.split_once('=')).find_map(|(name, value)| {
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().unwrap_or(0.0))
    });
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (weight.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u16;
    thousandths
}

/// Whether a client knows events that carry nothing but their name (from 2025-11-25 on). Before a session is open no header
/// says which revision it speaks, and what it asks for does: a server that takes long to start is worth waiting for again.
pub(super) fn knows_priming(headers: &HeaderMap, frame: Option<&Frame<'_>>) -> bool {
    let knows = |version: &str| version >= "2025-11-25";
    match (single(headers, VERSION_HEADER), frame) {
        (Some(version), _) => knows(version),
        (None, Some(frame)) if frame.method() == "initialize" => frame
            .value(Part::Params)
            .is_some_and(|params| params.get("protocolVersion").and_then(Value::as_str).is_some_and(knows)),
        (None, _) => false,
    }
}

pub(super) fn names_modern(headers: &HeaderMap) -> bool {
    single(headers, VERSION_HEADER).is_some_and(|version| version >= "2026-07-28")
}

/// The era of a request; in the modern one, headers must say what the body says.
pub(super) fn era(headers: &HeaderMap, frame: &Frame<'_>) -> Result<Era, (i32, String)> {
    let header = single(headers, VERSION_HEADER);
    if headers.contains_key(VERSION_HEADER) && header.is_none() {
        return Err((HEADER_MISMATCH, format!("{VERSION_HEADER} is repeated or not text")));
    }
    let body = frame.string(Part::MetaProtocolVersion);
    let is_modern = body.is_some() || names_modern(headers);
    let is_request = frame.kind() == manta_mcp::Kind::Request;
    let name = name_of(frame);
    if !(is_modern && is_request) {
        // Nobody has to say them here. What is said all the same, somebody on the way may have believed.
        for (header, said) in [(METHOD_HEADER, Some(frame.method())), (NAME_HEADER, name.as_deref())] {
            if headers.contains_key(header) {
                mirrored(headers, header, said)?;
            }
        }
    }
    if !is_modern {
        return match header {
            Some(version) if !LEGACY.contains(&version) => Err((-32600, "unsupported protocol version".to_owned())),
            _ => Ok(Era::Legacy),
        };
    }
    if is_request {
        // Its own code: nothing contradicts the header, what the body must have is missing.
        if body.is_none() {
            return Err((INVALID_PARAMS, "params._meta must name the protocol version".to_owned()));
        }
        if header != body.as_deref() {
            return Err((HEADER_MISMATCH, format!("{VERSION_HEADER} differs from the body")));
        }
        mirrored(headers, METHOD_HEADER, Some(frame.method()))?;
        let is_named = matches!(frame.method(), "tools/call" | "prompts/get" | "resources/read");
        if is_named || headers.contains_key(NAME_HEADER) {
            mirrored(headers, NAME_HEADER, name.as_deref())?;
        }
    }
    Ok(Era::Modern)
}

fn mirrored(headers: &HeaderMap, name: &str, expected: Option<&str>) -> Result<(), (i32, String)> {
    let value = single(headers, name).and_then(decoded);
    if value.is_some() && value.as_deref() == expected {
        return Ok(());
    }
    Err((HEADER_MISMATCH, format!("{name} is missing, repeated or differs from the body")))
}

/// Headers that repeat arguments, decoded.
pub(super) fn params(headers: &HeaderMap) -> Vec<(String, Option<String>)> {
    let ours = headers.iter().filter(|(name, _)| name.as_str().starts_with("mcp-param-"));
    ours.map(|(name, value)| (name.as_str().to_owned(), value.to_str().ok().and_then(decoded))).collect()
}

/// HTTP status for an answer: errors of the modern era that concern the request itself have one.
pub(super) fn status_of(text: &str, era: Era) -> StatusCode {
    let code = (era == Era::Modern && text.contains("\"error\""))
        .then(|| serde_json::from_str::<serde_json::Value>(text).ok())
        .flatten()
        .and_then(|answer| answer.pointer("/error/code").and_then(serde_json::Value::as_i64));
    match code {
        Some(-32601) => StatusCode::NOT_FOUND,
        Some(-32020 | -32021 | -32022 | -32602) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manta_mcp::{Direction, Limits};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn host_and_origin_are_always_checked() {
        let address = "127.0.0.1:8080".parse().unwrap();
        let access = Access::new(address, vec!["mcp.example".into()], vec!["https://app.example".into()]);
        let status =
            |pairs: &[(&'static str, &str)]| access.check(&headers(pairs)).err().map(|(status, _)| status.as_u16());
        assert_eq!(status(&[("host", "127.0.0.1:8080")]), None);
        assert_eq!(status(&[("host", "LOCALHOST")]), None);
        assert_eq!(status(&[("host", "[::1]:8080")]), None);
        assert_eq!(status(&[("host", "evil.example")]), Some(403));
        assert_eq!(status(&[("host", "127.0.0.1.evil.example")]), Some(403));
        assert_eq!(status(&[]), Some(400));
        assert_eq!(status(&[("host", "localhost"), ("host", "evil.example")]), Some(400));
        assert_eq!(status(&[("host", "localhost"), ("origin", "https://evil.example")]), Some(403));
        assert_eq!(status(&[("host", "localhost"), ("origin", "null")]), Some(403));
        assert_eq!(status(&[("host", "localhost"), ("origin", "https://app.example")]), None);
        assert_eq!(status(&[("host", "localhost"), ("origin", "http://localhost:8080")]), None);
        assert_eq!(status(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")]), None);
        assert_eq!(status(&[("host", "mcp.example"), ("origin", "https://mcp.example")]), None);
        // Another program of this machine, whose pages are not ours.
        assert_eq!(status(&[("host", "localhost:8080"), ("origin", "http://localhost:3000")]), Some(403));
        assert_eq!(status(&[("host", "mcp.example"), ("origin", "https://mcp.example:444")]), Some(403));
        assert_eq!(status(&[("host", "mcp.example"), ("origin", "file://mcp.example")]), Some(403));
    }

    #[test]
    fn a_stream_is_for_who_accepts_it_and_preferred_by_who_names_it_first() {
        let taste = |accept: &[&str]| {
            let pairs: Vec<(&'static str, &str)> = accept.iter().map(|value| ("accept", *value)).collect();
            Taste::of(&headers(&pairs))
        };
        // As the official clients write it.
        assert_eq!(taste(&["application/json, text/event-stream"]), Taste::Either);
        assert_eq!(taste(&["application/json", "text/event-stream"]), Taste::Either);
        assert_eq!(taste(&["*/*"]), Taste::Either);
        assert_eq!(taste(&["text/event-stream, application/json"]), Taste::Stream);
        assert_eq!(taste(&["TEXT/Event-Stream"]), Taste::Stream);
        assert_eq!(taste(&["application/json;q=0.5, text/event-stream;q=0.9"]), Taste::Stream);
        assert_eq!(taste(&["text/event-stream;q=0.5, application/json"]), Taste::Either);
        assert_eq!(taste(&["text/event-stream, application/json;q=0"]), Taste::Stream);
        assert_eq!(taste(&["application/json"]), Taste::Json);
        assert_eq!(taste(&["application/json, text/event-stream;q=0"]), Taste::Json);
        assert_eq!(taste(&["application/json, text/event-stream; q=x"]), Taste::Json);
        assert_eq!(taste(&["text/html"]), Taste::Json);
        assert_eq!(taste(&[]), Taste::Json);
    }

    #[test]
    fn modern_headers_must_say_what_the_body_says() {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"schön","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let frame = Frame::parse(body.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
        let version = ("mcp-protocol-version", "2026-07-28");
        let good = [version, ("mcp-method", "tools/call"), ("mcp-name", "=?base64?c2Now7Zu?=")];
        assert_eq!(era(&headers(&good), &frame), Ok(Era::Modern));
        for (index, wrong) in ["2025-11-25", "tools/list", "other"].iter().enumerate() {
            let mut pairs = good;
            pairs[index].1 = wrong;
            assert_eq!(era(&headers(&pairs), &frame).unwrap_err().0, HEADER_MISMATCH, "{wrong}");
            let missing: Vec<_> =
                good.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, pair)| *pair).collect();
            assert_eq!(era(&headers(&missing), &frame).unwrap_err().0, HEADER_MISMATCH);
            let bare =
                Frame::parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, Direction::ToServer, &Limits::default());
            assert_eq!(era(&headers(&good), &bare.unwrap()).unwrap_err().0, INVALID_PARAMS);
            let mut twice = good.to_vec();
            twice.push(good[index]);
            assert_eq!(era(&headers(&twice), &frame).unwrap_err().0, HEADER_MISMATCH);
        }
    }

    #[test]
    fn headers_that_need_not_be_there_say_nothing_else_either() {
        let parsed =
            |body: &'static str| Frame::parse(body.as_bytes(), Direction::ToServer, &Limits::default()).unwrap();
        let call = parsed(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wipe"}}"#);
        let note = parsed(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
        let list = parsed(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        let (old, new) = (("mcp-protocol-version", "2025-11-25"), ("mcp-protocol-version", "2026-07-28"));
        let task = parsed(
            r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t-1","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        let (called, listed) = (("mcp-method", "tools/call"), ("mcp-method", "tools/list"));
        let asked = ("mcp-method", "tasks/get");
        for (said, frame, agrees) in [
            (&[old][..], &call, true),
            (&[old, called, ("mcp-name", "wipe")], &call, true),
            (&[old, called, ("mcp-name", "read")], &call, false),
            (&[old, listed], &call, false),
            (&[new, ("mcp-method", "notifications/cancelled")], &note, true),
            (&[new, called], &note, false),
            (&[old, called], &note, false),
            (&[new, listed], &list, true),
            (&[new, listed, ("mcp-name", "read")], &list, false),
            (&[new, asked, ("mcp-name", "t-1")], &task, true),
            (&[new, asked, ("mcp-name", "t-2")], &task, false),
        ] {
            assert_eq!(era(&headers(said), frame).is_ok(), agrees, "{said:?}");
        }
    }
}
