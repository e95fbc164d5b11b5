//! URLs: who chooses the host a request goes to?
//!
//! A value placed after `https://api.example/` cannot change the host; one appended right after `https://api.example`
//! can. This module finds the component each value falls into, keeps the state of whole URLs, and grades host checks.

use std::rc::Rc;

use super::charset::CharSet;
use super::hosts::{self, HostForm, RangeSet};
use super::props::{Part, StrProps};

mod authority;
mod check;

pub use check::{HostCheck, HostGrade, Subject, grade_host_check};

/// What is known of a string as a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlState {
    /// The scheme.
    pub scheme: Scheme,
    /// Who chose the host.
    pub host: Host,
    /// Whether internal addresses were ruled out.
    pub internal: Internal,
}

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Any scheme, `file:` included.
    Unknown,
    /// `http` or `https`.
    Web,
    /// Only `https`.
    Https,
    /// One fixed scheme that is neither.
    Other,
}

/// Who chose the host of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// Nobody restricted it.
    Tainted,
    /// A check was made that an input can get around.
    WeaklyChecked {
        /// What is wrong with the check.
        why: WeakHost,
        /// A URL or host that passes and leads elsewhere.
        bypass: Rc<str>,
    },
    /// One of a list that the program trusts.
    AllowListed,
    /// Always this one.
    Fixed(Rc<str>),
}

/// Why a host check is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WeakHost {
    /// `endsWith("x.com")` also accepts `evilx.com`.
    SuffixWithoutDot,
    /// `startsWith("https://x.com")` also accepts `https://x.com.evil.example`.
    PrefixWithoutSlash,
    /// `includes("x.com")` accepts it anywhere.
    Substring,
    /// A regular expression that does not pin the host down.
    Regex,
}

impl WeakHost {
    /// One clause for a message.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            Self::SuffixWithoutDot => "the suffix does not start with a dot, so a longer name also ends with it",
            Self::PrefixWithoutSlash => "the prefix does not end the host, so a longer name also starts with it",
            Self::Substring => "the text may occur anywhere in the URL",
            Self::Regex => "the pattern does not pin the host down",
        }
    }
}

/// Whether requests to internal addresses were ruled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Internal {
    /// No check.
    Unchecked,
    /// A deny-list that misses these ranges.
    Weak(RangeSet),
    /// All special ranges are denied.
    Denied,
}

/// The component a value falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Component {
    /// The value is the whole URL or its start.
    Whole,
    /// Before `://`.
    Scheme,
    /// Between `//` and the first `/`, `?` or `#`: user, host and port.
    Authority,
    /// Below a fixed host.
    Path,
    /// After `?`.
    Query,
    /// After `#`.
    Fragment,
}

/// What one value can do to the URL it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlHole {
    /// Index of the part.
    pub part: usize,
    /// Where it falls.
    pub component: Component,
    /// Whether it chooses the host, and how well that was checked.
    pub host: Host,
    /// A URL or piece that sends the request elsewhere, when `host` allows that.
    pub example: Option<String>,
    /// A value that climbs to another path of the same host.
    pub traversal: Option<String>,
    /// Whether it can start a query or fragment from within the path, or add parameters.
    pub adds_query: bool,
}

/// What the holes of a URL put together from `parts` can do.
#[must_use]
pub fn analyze(parts: &[Part<'_>]) -> Vec<UrlHole> {
    judge_holes(parts, &authority::layout(parts))
}

fn judge_holes(parts: &[Part<'_>], layout: &authority::Layout) -> Vec<UrlHole> {
    parts
        .iter()
        .enumerate()
        .filter_map(|(index, part)| match part {
            Part::Hole(props) => Some(judge_hole(parts, index, props, layout)),
            Part::Lit(_) | Part::Trusted(_) => None,
        })
        .collect()
}

fn judge_hole(parts: &[Part<'_>], part: usize, props: &StrProps, layout: &authority::Layout) -> UrlHole {
    let component = layout.components[part];
    let fixed = || Host::Fixed(layout.host_text.clone().unwrap_or_else(|| Rc::from("")));
    let (host, example) = match component {
        Component::Whole => whole_host(props),
        Component::Scheme if props.charset.excludes(":/?#\\") => (fixed(), None),
        Component::Scheme => whole_host(props),
        Component::Authority => match authority::takes_over(parts, part, props) {
            Some(example) => (Host::Tainted, Some(example)),
            None => (fixed(), None),
        },
        Component::Path | Component::Query | Component::Fragment => (fixed(), None),
    };
    let in_path = component == Component::Path;
    let climbs = in_path && props.path.dotdot != super::path::DotDot::No && !props.is_finite();
    let traversal = climbs
        .then(|| ["../../admin", "/../../admin", ".."].into_iter().find_map(|text| props.witness(text)))
        .flatten();
    let adds_query = !props.is_finite()
        && match component {
            Component::Path => !props.charset.excludes("?#"),
            Component::Query => !props.charset.excludes("&#"),
            _ => false,
        };
    UrlHole { part, component, host, example, traversal, adds_query }
}

fn whole_host(props: &StrProps) -> (Host, Option<String>) {
    if props.is_finite() && props.url.host == Host::Tainted {
        return (Host::AllowListed, None);
    }
    match &props.url.host {
        Host::Tainted => {
            // Without these no text is an absolute URL, and nothing else reaches another host.
            let absolute = props.charset.contains(':') || props.charset.contains('/');
            if !absolute {
                return (Host::Fixed(Rc::from("")), None);
            }
            const TARGETS: [&str; 5] = [
                "http://169.254.169.254/latest/meta-data/",
                "http://169.254.169.254/",
                "https://evil.example/",
                "//evil.example/",
                "file:///etc/passwd",
            ];
            let example = TARGETS.into_iter().find_map(|target| props.witness(target));
            (Host::Tainted, example.or_else(|| Some(TARGETS[1].to_owned())))
        }
        weak @ Host::WeaklyChecked { bypass, .. } => (weak.clone(), Some(bypass.to_string())),
        safe => (safe.clone(), None),
    }
}

/// The URL state of a concatenation.
pub(super) fn state_of(parts: &[Part<'_>]) -> UrlState {
    let layout = authority::layout(parts);
    let hosts = judge_holes(parts, &layout);
    let worst = hosts
        .iter()
        .map(|hole| hole.host.clone())
        .filter(|host| !matches!(host, Host::Fixed(_)))
        .reduce(|a, b| a.join(&b));
    let host = match (worst, layout.host_text) {
        (Some(host), _) => host,
        (None, Some(text)) => Host::Fixed(text),
        // A trusted base: unknown, but nobody outside chose it.
        (None, None) if parts.iter().any(|part| matches!(part, Part::Trusted(_))) => Host::AllowListed,
        (None, None) => Host::Tainted,
    };
    let internal = match parts.first().and_then(Part::props) {
        Some(props) if matches!(parts, [Part::Hole(_), ..]) => props.url.internal,
        _ => Internal::Unchecked,
    };
    let scheme = match parts.first() {
        Some(Part::Hole(props) | Part::Trusted(props)) if !matches!(parts.get(1), Some(Part::Lit(text)) if text.starts_with(':')) => {
            props.url.scheme
        }
        Some(Part::Lit(text)) => scheme_of(text),
        _ => Scheme::Unknown,
    };
    UrlState { scheme, host, internal }
}

fn scheme_of(text: &str) -> Scheme {
    match text.split_once("://") {
        Some((name, _)) if name.eq_ignore_ascii_case("https") => Scheme::Https,
        Some((name, _)) if name.eq_ignore_ascii_case("http") => Scheme::Web,
        Some((name, _)) if CharSet::ALNUM.union(CharSet::of("+.-")).admits(name) => Scheme::Other,
        _ => Scheme::Unknown,
    }
}

impl UrlState {
    /// Nothing known.
    pub const UNKNOWN: Self = Self { scheme: Scheme::Unknown, host: Host::Tainted, internal: Internal::Unchecked };

    /// What the given texts have in common as URLs.
    #[must_use]
    pub fn of_literals(lits: &[Rc<str>]) -> Self {
        let state = |text: &Rc<str>| Self::of_prefix(text, true);
        lits.iter().map(state).reduce(|a, b| a.join(&b)).unwrap_or(Self::UNKNOWN)
    }

    /// What a URL that starts with `prefix` is bound to. `complete`: `prefix` is all of it.
    ///
    /// `https://x.com/` fixes the host, `https://x.com` alone does not.
    #[must_use]
    pub fn of_prefix(prefix: &str, complete: bool) -> Self {
        let host = authority::fixed_host(prefix, complete).map_or(Host::Tainted, Host::Fixed);
        Self { scheme: scheme_of(prefix), host, internal: Internal::Unchecked }
    }

    /// What either state guarantees.
    #[must_use]
    pub fn join(&self, with: &Self) -> Self {
        let scheme = match (self.scheme, with.scheme) {
            (a, b) if a == b => a,
            (Scheme::Web | Scheme::Https, Scheme::Web | Scheme::Https) => Scheme::Web,
            _ => Scheme::Unknown,
        };
        Self { scheme, host: self.host.join(&with.host), internal: self.internal.join(with.internal) }
    }

    /// What both states together guarantee.
    #[must_use]
    pub fn meet(&self, with: &Self) -> Self {
        Self {
            scheme: self.scheme.max(with.scheme),
            host: self.host.meet(&with.host),
            internal: self.internal.meet(with.internal),
        }
    }
}

impl Host {
    /// What either guarantees.
    #[must_use]
    pub fn join(&self, with: &Self) -> Self {
        match (self, with) {
            (a, b) if a == b => a.clone(),
            (Self::Tainted, _) | (_, Self::Tainted) => Self::Tainted,
            (a, b) if a.rank() == 1 && b.rank() == 1 => {
                if a.key() >= b.key() {
                    a.clone()
                } else {
                    b.clone()
                }
            }
            (weak @ Self::WeaklyChecked { .. }, _) | (_, weak @ Self::WeaklyChecked { .. }) => weak.clone(),
            _ => Self::AllowListed,
        }
    }

    /// The better of two guarantees that both hold.
    #[must_use]
    pub fn meet(&self, with: &Self) -> Self {
        let better = (self.rank(), std::cmp::Reverse(self.key())) >= (with.rank(), std::cmp::Reverse(with.key()));
        if better { self.clone() } else { with.clone() }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Tainted => 0,
            Self::WeaklyChecked { .. } => 1,
            Self::AllowListed => 2,
            Self::Fixed(_) => 3,
        }
    }

    /// Orders hosts of the same rank, so that join and meet do not depend on the order of their operands.
    fn key(&self) -> (u8, &str) {
        match self {
            Self::Tainted | Self::AllowListed => (0, ""),
            Self::WeaklyChecked { why, bypass } => (*why as u8, bypass),
            Self::Fixed(host) => (0, host),
        }
    }
}

impl Internal {
    /// What either guarantees.
    #[must_use]
    pub fn join(self, with: Self) -> Self {
        match (self, with) {
            (Self::Unchecked, _) | (_, Self::Unchecked) => Self::Unchecked,
            (Self::Denied, Self::Denied) => Self::Denied,
            (Self::Weak(a), Self::Weak(b)) => Self::Weak(a.union(b)),
            (Self::Weak(a), Self::Denied) | (Self::Denied, Self::Weak(a)) => Self::Weak(a),
        }
    }

    /// What both together guarantee: each check removes what it covers.
    #[must_use]
    pub fn meet(self, with: Self) -> Self {
        match (self, with) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Unchecked, other) | (other, Self::Unchecked) => other,
            (Self::Weak(a), Self::Weak(b)) => Self::of_missed(a.intersect(b)),
        }
    }

    /// The state after one check of a deny-list that rejects the hosts `denies` is true for. Checks that follow each
    /// other are combined by [`meet`](Self::meet). A check that rejects nothing special leaves the host unchecked.
    #[must_use]
    pub fn after_denying(form: HostForm, denies: impl Fn(&str) -> bool) -> Self {
        let missed = hosts::missed(form, denies);
        if missed == hosts::missed(form, |_| false) { Self::Unchecked } else { Self::of_missed(missed) }
    }

    /// The state after a deny-list that misses `missed`.
    #[must_use]
    pub fn of_missed(missed: RangeSet) -> Self {
        if missed.is_empty() { Self::Denied } else { Self::Weak(missed) }
    }
}
