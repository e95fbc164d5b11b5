//! Grades of the checks that are meant to pin the host of a URL.

use std::rc::Rc;

use super::{Host, UrlState, WeakHost};

/// What a host check compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The host of a parsed URL (`new URL(u).hostname`, `urlparse(u).hostname`), with or without port.
    Host,
    /// The text of the URL itself (also `href`, and `origin` for prefixes).
    Text,
}

/// How a host check compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostCheck<'a> {
    /// Equal to this constant, or a member of a list of constants.
    Equals(&'a str),
    /// `endsWith`.
    EndsWith(&'a str),
    /// `startsWith`.
    StartsWith(&'a str),
    /// `includes`, `in`, `indexOf(…) >= 0`.
    Includes(&'a str),
}

/// What a host check is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostGrade {
    /// The host is one the program chose.
    Strong,
    /// There is a way around it.
    Weak {
        /// What is wrong with it.
        why: WeakHost,
        /// A host (for [`Subject::Host`]) or URL that passes and leads elsewhere.
        bypass: String,
    },
    /// It says nothing about the host (a check for `https://`, say).
    None,
}

impl HostGrade {
    /// The fact about the host once the check succeeded.
    #[must_use]
    pub fn host(&self) -> Host {
        match self {
            Self::Strong => Host::AllowListed,
            Self::Weak { why, bypass } => Host::WeaklyChecked { why: *why, bypass: Rc::from(bypass.as_str()) },
            Self::None => Host::Tainted,
        }
    }
}

/// Grades one comparison.
#[must_use]
pub fn grade_host_check(subject: Subject, check: HostCheck<'_>) -> HostGrade {
    match (subject, check) {
        (_, HostCheck::Equals(_)) => HostGrade::Strong,
        (Subject::Host, HostCheck::EndsWith(suffix)) => suffix_of_host(suffix),
        (Subject::Host, HostCheck::StartsWith(prefix)) => prefix_of_host(prefix),
        (Subject::Text, HostCheck::StartsWith(prefix)) => prefix_of_url(prefix),
        (Subject::Text, HostCheck::EndsWith(suffix)) => {
            names_host(suffix, || weak(WeakHost::Substring, format!("https://evil.example/?{suffix}")))
        }
        (Subject::Host, HostCheck::Includes(text)) => {
            names_host(text, || weak(WeakHost::Substring, format!("{}.evil.example", text.trim_matches('.'))))
        }
        (Subject::Text, HostCheck::Includes(text)) => {
            names_host(text, || weak(WeakHost::Substring, format!("https://evil.example/?{text}")))
        }
    }
}

fn weak(why: WeakHost, bypass: String) -> HostGrade {
    HostGrade::Weak { why, bypass }
}

/// Only texts that name a host are host checks at all: `includes("/api/")` or `endsWith(".png")` are not.
fn names_host(text: &str, graded: impl FnOnce() -> HostGrade) -> HostGrade {
    let after_scheme = text.rsplit("://").next().unwrap_or_default();
    let host = after_scheme.split(['/', '?', ':']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    let is_host = labels.len() >= 2 || host == "localhost";
    if is_host { graded() } else { HostGrade::None }
}

fn suffix_of_host(suffix: &str) -> HostGrade {
    let labels = suffix.split('.').filter(|label| !label.is_empty()).count();
    match suffix.strip_prefix('.') {
        Some(_) if labels >= 2 => HostGrade::Strong,
        // `.com` or `.internal`: a whole top-level domain. Private ones are names the operator controls.
        Some(private @ ("internal" | "local" | "lan" | "corp" | "intranet" | "cluster.local")) => {
            let _ = private;
            HostGrade::Strong
        }
        Some(top) => weak(WeakHost::SuffixWithoutDot, format!("evil.{top}")),
        None => weak(WeakHost::SuffixWithoutDot, format!("evil{suffix}")),
    }
}

fn prefix_of_host(prefix: &str) -> HostGrade {
    weak(WeakHost::PrefixWithoutSlash, format!("{}.evil.example", prefix.trim_end_matches('.')))
}

fn prefix_of_url(prefix: &str) -> HostGrade {
    if matches!(UrlState::of_prefix(prefix, false).host, Host::Fixed(_)) {
        return HostGrade::Strong;
    }
    let authority = prefix.split_once("://").map_or("", |(_, authority)| authority);
    match authority {
        "" => HostGrade::None,
        // A port may follow, and a user name may have preceded: `https://x.com:` admits `https://x.com:@evil.example`.
        authority if authority.contains(':') => weak(WeakHost::PrefixWithoutSlash, format!("{prefix}@evil.example/")),
        _ => weak(WeakHost::PrefixWithoutSlash, format!("{}.evil.example/", prefix.trim_end_matches('.'))),
    }
}
