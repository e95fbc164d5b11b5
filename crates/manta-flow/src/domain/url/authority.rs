//! Which component of a URL each part falls into, and which of them decide the host.

use std::rc::Rc;

use super::Component;
use crate::domain::charset::CharSet;
use crate::domain::props::{Part, StrProps};

/// Characters that end the authority. The backslash does so for the special schemes of the URL standard.
const ENDS_AUTHORITY: [char; 4] = ['/', '?', '#', '\\'];

/// The component of every part, and the host as far as it is constant.
pub(super) struct Layout {
    pub(super) components: Vec<Component>,
    /// The host when it is spelled out by the program; holes show as `*`.
    pub(super) host_text: Option<Rc<str>>,
}

/// Walks the parts and finds where each begins.
pub(super) fn layout(parts: &[Part<'_>]) -> Layout {
    let mut at = Component::Whole;
    let mut seen = String::new();
    let mut authority: Option<String> = None;
    let mut components = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        components.push(component_at(at, index, parts));
        match part {
            Part::Lit(text) => at = walk(at, text, &mut seen, &mut authority),
            Part::Hole(props) | Part::Trusted(props) => {
                if at == Component::Authority {
                    authority.get_or_insert_default().push('*');
                    if leaves_authority(parts, index, props) {
                        at = Component::Path;
                    }
                } else if at == Component::Whole || at == Component::Scheme {
                    at = after_leading_value(parts, index);
                    seen.clear();
                }
            }
        }
    }
    let host_text = authority.map(|text| host_of(&text)).filter(|host| !host.is_empty());
    Layout { components, host_text: host_text.map(Rc::from) }
}

fn component_at(at: Component, index: usize, parts: &[Part<'_>]) -> Component {
    let names_scheme = matches!(parts.get(index + 1), Some(Part::Lit(text)) if text.starts_with("://"));
    match at {
        Component::Whole | Component::Scheme if names_scheme => Component::Scheme,
        Component::Scheme => Component::Whole,
        at => at,
    }
}

/// After a value that starts the URL: its own scheme and host have passed, unless `://` follows it.
fn after_leading_value(parts: &[Part<'_>], index: usize) -> Component {
    match parts.get(index + 1) {
        Some(Part::Lit(text)) if text.starts_with("://") => Component::Scheme,
        // `${base}${x}`: a trusted base without a trailing slash leaves the host open to `x`; one with it does not.
        // Bases are written both ways, so the path is assumed and only a finding with a proven host is made.
        _ => Component::Path,
    }
}

/// Where a text leads. Before the authority only what ends it matters, and behind it two characters, so that most of a
/// long text is passed over.
fn walk(mut at: Component, text: &str, seen: &mut String, authority: &mut Option<String>) -> Component {
    let mut rest = text;
    loop {
        let before_authority = matches!(at, Component::Whole | Component::Scheme);
        if before_authority && !seen.starts_with(ENDS_AUTHORITY) {
            let ends = |byte: u8| ENDS_AUTHORITY.contains(&char::from(byte));
            let ordinary = rest.bytes().position(ends).unwrap_or(rest.len());
            if ordinary > 0 {
                at = Component::Scheme;
            }
            seen.push_str(&rest[..ordinary]);
            rest = &rest[ordinary..];
        }
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { return at };
        at = step(at, c, seen, authority);
        rest = chars.as_str();
        if matches!(at, Component::Path | Component::Query | Component::Fragment) {
            return behind_authority(at, rest);
        }
    }
}

fn behind_authority(at: Component, text: &str) -> Component {
    let has = |mark: u8| memchr::memchr(mark, text.as_bytes()).is_some();
    match at {
        Component::Path | Component::Query if has(b'#') => Component::Fragment,
        Component::Path if has(b'?') => Component::Query,
        at => at,
    }
}

fn step(at: Component, c: char, seen: &mut String, authority: &mut Option<String>) -> Component {
    match at {
        Component::Whole | Component::Scheme => {
            seen.push(c);
            if seen.ends_with("//") && (seen.len() == 2 || seen.ends_with("://")) {
                return Component::Authority;
            }
            let relative = seen.starts_with(ENDS_AUTHORITY) && seen.len() > 1 && !seen.contains(':');
            match c {
                '?' => Component::Query,
                '#' => Component::Fragment,
                '/' if seen.len() > 1 && !seen.ends_with(":/") => Component::Path,
                _ if relative => Component::Path,
                _ => Component::Scheme,
            }
        }
        Component::Authority => match c {
            '?' => Component::Query,
            '#' => Component::Fragment,
            '/' | '\\' => Component::Path,
            c => {
                authority.get_or_insert_default().push(c);
                Component::Authority
            }
        },
        at => behind_authority(at, c.encode_utf8(&mut [0; 4])),
    }
}

/// Whether the value at `index` in the authority always ends it: `https://host${pathWithLeadingSlash}`.
fn leaves_authority(parts: &[Part<'_>], index: usize, props: &StrProps) -> bool {
    let _ = (parts, index);
    props.is_nonempty() && props.first.is_subset(CharSet::of("/?#"))
}

/// A value for the hole at `index` that moves the request to a host of its choice; `None` if there is none.
pub(super) fn takes_over(parts: &[Part<'_>], index: usize, props: &StrProps) -> Option<String> {
    if props.is_finite() || props.charset.is_empty() {
        return None;
    }
    let (before, after) = (literal_before(parts, index), literal_after(parts, index));
    let ends_host = props.charset.meets(CharSet::of("/?#\\"));
    let example = |candidates: &[&str]| {
        let fitting = candidates.iter().find_map(|text| props.witness(text));
        Some(fitting.unwrap_or_else(|| candidates[candidates.len() - 1].to_owned()))
    };
    // `user:${password}@host`: ending the authority early makes the user name, or what follows a new `@`, the host.
    if after.contains('@') {
        let attacks: &[&str] = match before.is_empty() {
            true => &["evil.example/", "evil.example?", "x/", "/"],
            false => &["@evil.example/", "@evil.example?", "@x/", "/"],
        };
        return if ends_host { example(attacks) } else { None };
    }
    if in_port(&before) {
        return if props.charset.contains('@') { example(&["80@evil.example", "@evil.example", "@x"]) } else { None };
    }
    if registrable_suffix(&after) {
        return if ends_host { example(&["evil.example/", "evil.example?", "evil.example#", "x/"]) } else { None };
    }
    let host_before = before.rsplit('@').next().unwrap_or_default();
    if host_before.is_empty() {
        return example(&["169.254.169.254", "evil.example", "localhost", "evil", "x"]);
    }
    // The value continues a host name that the program began.
    if props.first.is_subset(CharSet::of("/?#")) {
        return None;
    }
    example(&[".evil.example", "@evil.example", "evil.example", ".x", "@x", "x"])
}

/// Text of the authority before the part, holes as `*`.
fn literal_before(parts: &[Part<'_>], index: usize) -> String {
    let mut text = String::new();
    for part in &parts[..index] {
        match part {
            Part::Lit(lit) => text.push_str(lit),
            Part::Hole(_) | Part::Trusted(_) => text.push('*'),
        }
    }
    let from = text.find("//").map_or(0, |at| at + 2);
    text[from..].to_owned()
}

/// Text of the authority after the part up to its end, holes as `*`.
fn literal_after(parts: &[Part<'_>], index: usize) -> String {
    let mut text = String::new();
    for part in &parts[index + 1..] {
        match part {
            Part::Lit(lit) => text.push_str(lit),
            Part::Hole(_) | Part::Trusted(_) => text.push('*'),
        }
    }
    text.split(ENDS_AUTHORITY).next().unwrap_or_default().to_owned()
}

fn in_port(before: &str) -> bool {
    let host_and_port = before.rsplit('@').next().unwrap_or_default();
    let without_brackets = host_and_port.rsplit(']').next().unwrap_or_default();
    let port = without_brackets.split_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.chars().all(|c| c.is_ascii_digit() || c == '*')) && !host_and_port.starts_with(':')
}

/// Whether `.example.com` follows: a name the program's author registered, whatever stands before it.
fn registrable_suffix(after: &str) -> bool {
    // Second levels under which strangers register names.
    const PUBLIC: [&str; 12] = [
        "co.uk",
        "com.au",
        "co.jp",
        "com.br",
        "co.in",
        "com.cn",
        "github.io",
        "amazonaws.com",
        "cloudfront.net",
        "herokuapp.com",
        "vercel.app",
        "netlify.app",
    ];
    let host = after.split(':').next().unwrap_or_default();
    let Some(name) = host.strip_prefix('.') else { return false };
    name.contains('.') && !name.contains('*') && !PUBLIC.contains(&name)
}

/// The host part of an authority: without user information and port.
fn host_of(authority: &str) -> String {
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(v6) => format!("[{}]", v6.split(']').next().unwrap_or_default()),
        None => host.split(':').next().unwrap_or_default().to_ascii_lowercase(),
    }
}

/// The host that every URL starting with `prefix` has.
pub(super) fn fixed_host(prefix: &str, complete: bool) -> Option<Rc<str>> {
    let (scheme, rest) = prefix.split_once("://")?;
    if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return None;
    }
    let (authority, ended) = match rest.find(ENDS_AUTHORITY) {
        Some(end) => (&rest[..end], true),
        None => (rest, complete),
    };
    let host = host_of(authority);
    (ended && !host.is_empty()).then(|| Rc::from(host))
}
