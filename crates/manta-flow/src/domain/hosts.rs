//! Special-purpose addresses: what a deny-list against server-side request forgery must cover, and what it misses.
//!
//! A deny-list is run against a sample of addresses and spellings. Ranges are from the IANA special-purpose address
//! registries (RFC 6890) and the documentation of the large clouds' metadata services.

use std::fmt;
use std::net::IpAddr;

/// A group of addresses that a request made on behalf of a stranger must not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecialRange {
    /// How messages call it.
    pub name: &'static str,
    /// Whether ordinary deployments have something to attack there; the others are for completeness.
    pub essential: bool,
    /// Hosts in the range as a URL parser of the web platform prints them (IPv6 in brackets).
    pub canonical: &'static [&'static str],
    /// Other spellings that reach the range when the host is compared as written, not as parsed.
    pub spellings: &'static [&'static str],
}

const fn range(
    name: &'static str,
    essential: bool,
    canonical: &'static [&'static str],
    spellings: &'static [&'static str],
) -> SpecialRange {
    SpecialRange { name, essential, canonical, spellings }
}

/// All ranges.
pub const RANGES: [SpecialRange; 12] = [
    range(
        "127.0.0.0/8",
        true,
        &["127.0.0.1", "127.0.0.2", "127.1.2.3"],
        &["2130706433", "0x7f000001", "0177.0.0.1", "127.1"],
    ),
    range("localhost", true, &["localhost"], &["LOCALHOST"]),
    range("10.0.0.0/8", true, &["10.0.0.1", "10.20.30.40"], &["167772161", "012.0.0.1"]),
    range("172.16.0.0/12", true, &["172.16.0.1", "172.20.0.1", "172.31.255.254"], &["2886729729"]),
    range("192.168.0.0/16", true, &["192.168.0.1", "192.168.200.3"], &["3232235521"]),
    range(
        "169.254.0.0/16 (cloud metadata)",
        true,
        &["169.254.169.254", "169.254.170.2"],
        &["2852039166", "0xa9fea9fe"],
    ),
    range("0.0.0.0/8", true, &["0.0.0.0"], &["0"]),
    range("100.64.0.0/10", false, &["100.64.0.1", "100.100.100.200"], &[]),
    range("::1", true, &["[::1]"], &["[0:0:0:0:0:0:0:1]"]),
    range("fc00::/7", false, &["[fc00::1]", "[fd12:3456::1]"], &["[FD00::1]"]),
    range("fe80::/10", false, &["[fe80::1]"], &["[FE80::1]"]),
    range("::ffff:0:0/96 (IPv4 in IPv6)", false, &["[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]"], &["[::ffff:127.0.0.1]"]),
];

/// Names that lead to an internal service although they look like public ones. Only a check of the resolved address
/// stops them; a check of the text of a host always misses some.
pub const INTERNAL_NAMES: [&str; 4] =
    ["metadata.google.internal", "169.254.169.254.nip.io", "localtest.me", "127.0.0.1.nip.io"];

/// The sampled addresses that pass a check, and so the ranges it misses.
///
/// One bit per address, so that the checks of a deny-list written as sixteen comparisons add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct RangeSet(u64);

impl RangeSet {
    /// No range.
    pub const NONE: Self = Self(0);

    /// Every range, in every spelling.
    #[must_use]
    pub fn all() -> Self {
        Self(samples().fold(0, |bits, (bit, ..)| bits | 1 << bit))
    }

    /// Ranges in either.
    #[must_use]
    pub const fn union(self, with: Self) -> Self {
        Self(self.0 | with.0)
    }

    /// Addresses in both.
    #[must_use]
    pub const fn intersect(self, with: Self) -> Self {
        Self(self.0 & with.0)
    }

    /// Whether no range is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Only the ranges where ordinary deployments have something to attack.
    #[must_use]
    pub fn essential(self) -> Self {
        Self(self.hosts().filter(|(_, range, _)| range.essential).fold(0, |bits, (bit, ..)| bits | 1 << bit))
    }

    /// The ranges of which at least one address is in it.
    pub fn ranges(self) -> impl Iterator<Item = &'static SpecialRange> {
        let mut last = "";
        self.hosts()
            .map(|(_, range, _)| range)
            .filter(move |range| std::mem::replace(&mut last, range.name) != range.name)
    }

    /// The addresses in it, grouped by range.
    pub fn examples(self) -> impl Iterator<Item = &'static str> {
        self.hosts().map(|(_, _, host)| host)
    }

    /// A host in one of the ranges.
    #[must_use]
    pub fn example(self) -> Option<&'static str> {
        self.examples().next()
    }

    fn hosts(self) -> impl Iterator<Item = (u32, &'static SpecialRange, &'static str)> {
        samples().filter(move |(bit, ..)| self.0 & 1 << bit != 0).map(|(bit, range, host, _)| (bit, range, host))
    }
}

/// All sampled hosts with their bit, their range, and whether they are canonical.
fn samples() -> impl Iterator<Item = (u32, &'static SpecialRange, &'static str, bool)> {
    let of_range = |range: &'static SpecialRange| {
        let canonical = range.canonical.iter().map(move |host| (range, *host, true));
        canonical.chain(range.spellings.iter().map(move |host| (range, *host, false)))
    };
    (0u32..).zip(RANGES.iter().flat_map(of_range)).map(|(bit, (range, host, canonical))| (bit, range, host, canonical))
}

impl fmt::Display for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges().enumerate() {
            write!(f, "{}{}", if index > 0 { ", " } else { "" }, range.name)?;
        }
        Ok(())
    }
}

/// What form of the host a deny-list looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostForm {
    /// Printed by a WHATWG URL parser: IPv4 canonical, IPv6 in brackets, lower case (Node's `URL.hostname`).
    Whatwg,
    /// As written, lower-cased, brackets removed (Python's `urlparse(u).hostname`).
    Python,
    /// An address after name resolution, without brackets.
    Resolved,
    /// The text of the URL or host as it came.
    Text,
}

/// The addresses a deny-list lets through when it is asked about hosts in this form.
///
/// `denies` must answer `true` only for hosts that are certainly rejected. Whatever the list, names that resolve to an
/// internal address ([`INTERNAL_NAMES`]) pass unless the form is [`HostForm::Resolved`].
#[must_use]
pub fn missed(form: HostForm, denies: impl Fn(&str) -> bool) -> RangeSet {
    let mut passing = RangeSet::NONE;
    for (bit, _, host, canonical) in samples() {
        let asked = match form {
            HostForm::Whatwg => canonical.then(|| host.to_owned()),
            HostForm::Text => Some(host.to_owned()),
            HostForm::Python => Some(host.trim_matches(['[', ']']).to_ascii_lowercase()),
            HostForm::Resolved => address(host).filter(|_| canonical).map(|address| address.to_string()),
        };
        if asked.is_some_and(|asked| !denies(&asked)) {
            passing.0 |= 1 << bit;
        }
    }
    passing
}

/// The address a host spells in its standard form, with or without brackets.
#[must_use]
pub fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::python_property;

    fn names(set: RangeSet) -> Vec<&'static str> {
        set.ranges().map(|range| range.name).collect()
    }

    #[test]
    fn all_samples_fit_the_set() {
        assert!(samples().count() <= 64);
        assert_eq!(names(RangeSet::all()).len(), RANGES.len());
        assert_eq!(missed(HostForm::Text, |_| false), RangeSet::all());
        assert!(missed(HostForm::Text, |_| true).is_empty());
    }

    #[test]
    fn the_usual_prefix_list_misses_ipv6_and_carrier_nat() {
        let prefixes = ["127.", "10.", "192.168.", "169.254.", "localhost", "0."];
        let missed = missed(HostForm::Whatwg, |host| prefixes.iter().any(|prefix| host.starts_with(prefix)));
        assert_eq!(
            names(missed),
            ["172.16.0.0/12", "100.64.0.0/10", "::1", "fc00::/7", "fe80::/10", "::ffff:0:0/96 (IPv4 in IPv6)"]
        );
        assert_eq!(names(missed.essential()), ["172.16.0.0/12", "::1"]);
    }

    #[test]
    fn checks_add_up_address_by_address() {
        let each = |second: u8| missed(HostForm::Resolved, move |host| host.starts_with(&format!("172.{second}.")));
        assert!(names(each(16)).contains(&"172.16.0.0/12"));
        let all = (16..32).map(each).reduce(RangeSet::intersect).expect("sixteen checks");
        assert!(!names(all).contains(&"172.16.0.0/12"));
    }

    #[test]
    fn the_form_of_the_host_matters() {
        let loopback = |form| missed(form, |host| host == "::1" || host == "127.0.0.1" || host == "localhost");
        assert!(names(loopback(HostForm::Whatwg)).contains(&"::1"), "the web platform keeps the brackets");
        assert!(!names(loopback(HostForm::Resolved)).contains(&"::1"));
        let dotted = missed(HostForm::Python, |host| host.starts_with("127."));
        assert!(dotted.examples().any(|host| host == "2130706433"));
    }

    #[test]
    fn library_predicates_cover_what_they_promise() {
        let missed = |name: &str| {
            missed(HostForm::Resolved, |host| address(host).is_some_and(|host| python_property(host, name)))
        };
        assert!(missed("is_private").essential().is_empty());
        assert_eq!(names(missed("is_private")), ["100.64.0.0/10"]);
        assert!(!missed("is_loopback").essential().is_empty());
    }
}
