//! Special-purpose addresses: what a deny-list against server-side request forgery must cover, and what it misses.
//!
//! Ranges from the IANA special-purpose address registries (RFC 6890) and the metadata services of the large clouds.

use std::fmt;

/// A group of addresses that a request made on behalf of a stranger must not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecialRange {
    /// How messages call it.
    pub name: &'static str,
    /// Hosts in the range as a URL parser of the web platform prints them (IPv6 in brackets).
    pub canonical: &'static [&'static str],
    /// Other spellings that reach the range when the host is compared as written, not as parsed.
    pub spellings: &'static [&'static str],
}

/// All ranges. The position is the bit in a [`RangeSet`].
pub const RANGES: [SpecialRange; 12] = [
    SpecialRange {
        name: "127.0.0.0/8",
        canonical: &["127.0.0.1", "127.0.0.2", "127.1.2.3"],
        spellings: &["2130706433", "0x7f000001", "0177.0.0.1", "127.1"],
    },
    SpecialRange { name: "localhost", canonical: &["localhost"], spellings: &["LOCALHOST"] },
    SpecialRange {
        name: "10.0.0.0/8",
        canonical: &["10.0.0.1", "10.20.30.40"],
        spellings: &["167772161", "012.0.0.1"],
    },
    SpecialRange {
        name: "172.16.0.0/12",
        canonical: &["172.16.0.1", "172.20.0.1", "172.31.255.254"],
        spellings: &["2886729729"],
    },
    SpecialRange { name: "192.168.0.0/16", canonical: &["192.168.0.1", "192.168.200.3"], spellings: &["3232235521"] },
    SpecialRange {
        name: "169.254.0.0/16 (cloud metadata)",
        canonical: &["169.254.169.254", "169.254.170.2"],
        spellings: &["2852039166", "0xa9fea9fe"],
    },
    SpecialRange { name: "0.0.0.0/8", canonical: &["0.0.0.0"], spellings: &["0"] },
    SpecialRange { name: "100.64.0.0/10", canonical: &["100.64.0.1", "100.100.100.200"], spellings: &[] },
    SpecialRange { name: "::1", canonical: &["[::1]"], spellings: &["[0:0:0:0:0:0:0:1]"] },
    SpecialRange { name: "fc00::/7", canonical: &["[fc00::1]", "[fd12:3456::1]"], spellings: &["[FD00::1]"] },
    SpecialRange { name: "fe80::/10", canonical: &["[fe80::1]"], spellings: &["[FE80::1]"] },
    SpecialRange {
        name: "::ffff:0:0/96 (IPv4 in IPv6)",
        canonical: &["[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]"],
        spellings: &["[::ffff:127.0.0.1]"],
    },
];

/// Host names that lead to a metadata service. Only a deny-list of names can miss them; one that resolves first cannot.
pub const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata", "instance-data"];

/// Names that public DNS resolves to an internal address. A check of the text of a host always misses them.
pub const REBINDING_NAMES: [&str; 3] = ["127.0.0.1.nip.io", "localtest.me", "169.254.169.254.nip.io"];

/// A set of [`RANGES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct RangeSet(u16);

impl RangeSet {
    /// No range.
    pub const NONE: Self = Self(0);
    /// Every range.
    pub const ALL: Self = Self((1 << RANGES.len()) - 1);

    /// The set with the range at `index` added.
    #[must_use]
    pub const fn with(self, index: usize) -> Self {
        Self(self.0 | 1 << index)
    }

    /// Ranges in either.
    #[must_use]
    pub const fn union(self, with: Self) -> Self {
        Self(self.0 | with.0)
    }

    /// Ranges in both.
    #[must_use]
    pub const fn intersect(self, with: Self) -> Self {
        Self(self.0 & with.0)
    }

    /// Whether no range is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The ranges in it.
    pub fn ranges(self) -> impl Iterator<Item = &'static SpecialRange> {
        RANGES.iter().enumerate().filter(move |(index, _)| self.0 & 1 << index != 0).map(|(_, range)| range)
    }

    /// A host in one of the ranges.
    #[must_use]
    pub fn example(self) -> Option<&'static str> {
        self.ranges().next().map(|range| range.canonical[0])
    }
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

/// What a deny-list lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Ranges of which at least one address passes.
    pub ranges: RangeSet,
    /// One host per missed range, in the order of [`RANGES`].
    pub examples: Vec<String>,
    /// Whether names that resolve to internal addresses pass: true unless the resolved address is checked.
    pub names: bool,
}

/// What the deny-list `denies` misses when it is asked about hosts in this form.
///
/// `denies` must answer `true` only for hosts that are certainly rejected.
#[must_use]
pub fn missed(form: HostForm, denies: impl Fn(&str) -> bool) -> Missed {
    let mut found = Missed { ranges: RangeSet::NONE, examples: Vec::new(), names: form != HostForm::Resolved };
    for (index, range) in RANGES.iter().enumerate() {
        let spelled: &[&str] = match form {
            HostForm::Whatwg | HostForm::Resolved => &[],
            HostForm::Python | HostForm::Text => range.spellings,
        };
        // A resolved address is never a name.
        if form == HostForm::Resolved && range.name == "localhost" {
            continue;
        }
        let passes = |host: &&&str| !denies(&in_form(form, host));
        if let Some(host) = range.canonical.iter().chain(spelled).find(passes) {
            found.ranges = found.ranges.with(index);
            found.examples.push((*host).to_owned());
        }
    }
    found
}

fn in_form(form: HostForm, host: &str) -> String {
    match form {
        HostForm::Whatwg | HostForm::Text => host.to_owned(),
        HostForm::Python => host.trim_matches(['[', ']']).to_ascii_lowercase(),
        HostForm::Resolved => host.trim_matches(['[', ']']).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_prefix_list_misses_ipv6_and_carrier_nat() {
        let prefixes = ["127.", "10.", "192.168.", "169.254.", "localhost", "0."];
        let missed = missed(HostForm::Whatwg, |host| prefixes.iter().any(|prefix| host.starts_with(prefix)));
        let names: Vec<_> = missed.ranges.ranges().map(|range| range.name).collect();
        assert_eq!(
            names,
            ["172.16.0.0/12", "100.64.0.0/10", "::1", "fc00::/7", "fe80::/10", "::ffff:0:0/96 (IPv4 in IPv6)"]
        );
        assert!(missed.names);
    }

    #[test]
    fn one_prefix_of_the_twelve_bit_range_is_not_enough() {
        let missed = missed(HostForm::Resolved, |host| host.starts_with("172.16."));
        assert!(missed.examples.contains(&"172.20.0.1".to_owned()));
    }

    #[test]
    fn brackets_hide_the_loopback_of_ipv6_from_an_equality_test() {
        assert!(missed(HostForm::Whatwg, |host| host == "::1").ranges.ranges().any(|range| range.name == "::1"));
        assert!(!missed(HostForm::Resolved, |host| host == "::1").ranges.ranges().any(|range| range.name == "::1"));
    }
}
