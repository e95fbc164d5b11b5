//! Which internet addresses are public, and what the others are for.
//!
//! One table for the scanner, the library and the guard, so that a URL the scan calls safe is one
//! the guard lets through. `std` keeps `Ipv4Addr::is_global` unstable and knows few IPv6 forms;
//! a hand-written list that forgets one range is the usual way into a cloud metadata service
//! (CWE-918, server-side request forgery).
//!
//! Sources, read 2026-11: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), IANA
//! IPv6 Global Unicast Address Assignments, IANA multicast registries; 168.63.129.16 from the
//! documentation of Azure. Where the registries mark a few addresses inside a special block as
//! globally reachable (192.0.0.9, 2001:1::1, …), the whole block is refused here: no web server
//! lives there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for. Only [`Class::Global`] may be reached on behalf of an untrusted caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// Public, globally routable unicast.
    Global,
    /// `0.0.0.0/8`, `::`: this network; Linux connects it to loopback.
    ThisNetwork,
    /// RFC 1918 and IPv6 unique local or (deprecated) site local.
    Private,
    /// `100.64.0.0/10`: between a carrier and its customers.
    Shared,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// `169.254.0.0/16`, `fe80::/10`: the link, and most cloud metadata services.
    LinkLocal,
    /// A platform address of a cloud provider outside the ranges above.
    CloudPlatform,
    /// Assigned to protocols, anycast relays and name-server sinks; not for hosts.
    Protocol,
    /// RFC 2544 benchmarking.
    Benchmarking,
    /// For use in examples.
    Documentation,
    /// An IPv6 form that carries an IPv4 address through a relay or translator (6to4, Teredo,
    /// NAT64, v4-compatible): where a packet ends up is decided elsewhere.
    Transition,
    /// Groups, not hosts.
    Multicast,
    /// Reserved for the future, limited broadcast, or never allocated.
    Reserved,
}

impl Class {
    /// Whether an untrusted caller may reach an address of this class.
    #[must_use]
    pub const fn is_global(self) -> bool {
        matches!(self, Self::Global)
    }

    /// A noun phrase for messages, such as `loopback`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "public",
            Self::ThisNetwork => "this-network",
            Self::Private => "private",
            Self::Shared => "carrier-shared",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::CloudPlatform => "cloud-platform",
            Self::Protocol => "protocol-assignment",
            Self::Benchmarking => "benchmarking",
            Self::Documentation => "documentation",
            Self::Transition => "IPv4-in-IPv6 transition",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What `address` is for.
///
/// A v4-mapped address (`::ffff:a.b.c.d`) is classified as the IPv4 address it is: the kernel
/// sends it over IPv4. Every other embedding is refused as [`Class::Transition`] or by the block
/// it lies in.
///
/// ```
/// use manta_detect::address::{Class, classify};
/// assert_eq!(classify("169.254.169.254".parse()?), Class::LinkLocal);
/// assert_eq!(classify("::ffff:127.0.0.1".parse()?), Class::Loopback);
/// assert_eq!(classify("64:ff9b::a9fe:a9fe".parse()?), Class::Transition);
/// assert!(classify("1.1.1.1".parse()?).is_global());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

/// First and last address of every IPv4 block that isn't public: sorted and disjoint.
const V4: [(u32, u32, Class); 19] = [
    v4([0, 0, 0, 0], 8, Class::ThisNetwork),
    v4([10, 0, 0, 0], 8, Class::Private),
    v4([100, 64, 0, 0], 10, Class::Shared),
    v4([127, 0, 0, 0], 8, Class::Loopback),
    v4([168, 63, 129, 16], 32, Class::CloudPlatform),
    v4([169, 254, 0, 0], 16, Class::LinkLocal),
    v4([172, 16, 0, 0], 12, Class::Private),
    v4([192, 0, 0, 0], 24, Class::Protocol),
    v4([192, 0, 2, 0], 24, Class::Documentation),
    v4([192, 31, 196, 0], 24, Class::Protocol),  // AS112-v4
    v4([192, 52, 193, 0], 24, Class::Protocol),  // AMT
    v4([192, 88, 99, 0], 24, Class::Transition), // 6to4 relay anycast
    v4([192, 168, 0, 0], 16, Class::Private),
    v4([192, 175, 48, 0], 24, Class::Protocol), // direct delegation AS112
    v4([198, 18, 0, 0], 15, Class::Benchmarking),
    v4([198, 51, 100, 0], 24, Class::Documentation),
    v4([203, 0, 113, 0], 24, Class::Documentation),
    v4([224, 0, 0, 0], 4, Class::Multicast),
    v4([240, 0, 0, 0], 4, Class::Reserved), // includes 255.255.255.255
];

const fn v4(octets: [u8; 4], prefix: u32, class: Class) -> (u32, u32, Class) {
    let first = u32::from_be_bytes(octets);
    let host_bits = if prefix == 32 { 0 } else { u32::MAX >> prefix };
    (first, first | host_bits, class)
}

fn classify_v4(address: Ipv4Addr) -> Class {
    let bits = address.to_bits();
    let next = V4.partition_point(|&(first, ..)| first <= bits);
    match next.checked_sub(1).map(|i| V4[i]) {
        Some((_, last, class)) if bits <= last => class,
        _ => Class::Global,
    }
}

/// Outside `2000::/3`: only to name the class; everything there is refused anyway.
const V6_SPECIAL: [(u128, u32, Class); 12] = [
    (0, 128, Class::ThisNetwork),
    (1, 128, Class::Loopback),
    (0, 96, Class::Transition),                                // v4-compatible, RFC 4291
    (0x0064_ff9b << 96, 96, Class::Transition),                // NAT64, RFC 6052
    (0x0064_ff9b_0001 << 80, 48, Class::Transition),           // local NAT64, RFC 8215
    (0x0000_0000_0000_0000_ffff << 48, 80, Class::Transition), // SIIT ::ffff:0:a.b.c.d, RFC 2765
    (0x0100 << 112, 64, Class::Reserved),                      // discard-only
    (0x5f00 << 112, 16, Class::Protocol),                      // SRv6 SIDs
    (0xfc00 << 112, 7, Class::Private),                        // unique local
    (0xfe80 << 112, 10, Class::LinkLocal),
    (0xfec0 << 112, 10, Class::Private), // site local, deprecated
    (0xff00 << 112, 8, Class::Multicast),
];

/// Inside `2000::/3`.
const V6_GLOBAL_EXCEPTIONS: [(u128, u32, Class); 6] = [
    (0x2001_0000 << 96, 32, Class::Transition), // Teredo
    (0x2001 << 112, 23, Class::Protocol),       // IETF assignments, ORCHIDv2
    (0x2001_0db8 << 96, 32, Class::Documentation),
    (0x2002 << 112, 16, Class::Transition),        // 6to4
    (0x2620_004f_8000 << 80, 48, Class::Protocol), // direct delegation AS112
    (0x3fff << 112, 20, Class::Documentation),
];

fn classify_v6(address: Ipv6Addr) -> Class {
    if let Some(v4) = address.to_ipv4_mapped() {
        return classify_v4(v4);
    }
    let bits = address.to_bits();
    if !within(bits, 0x2000 << 112, 3) {
        return lookup(&V6_SPECIAL, bits).unwrap_or(Class::Reserved);
    }
    if let Some(class) = lookup(&V6_GLOBAL_EXCEPTIONS, bits) {
        return class;
    }
    // ISATAP (RFC 5214) tunnels to the IPv4 address in the interface identifier.
    match (bits >> 32) as u32 {
        0x0000_5efe | 0x0200_5efe => classify_v4(Ipv4Addr::from_bits(bits as u32)),
        _ => Class::Global,
    }
}

fn lookup(table: &[(u128, u32, Class)], bits: u128) -> Option<Class> {
    table.iter().find(|&&(network, prefix, _)| within(bits, network, prefix)).map(|&(.., class)| class)
}

const fn within(bits: u128, network: u128, prefix: u32) -> bool {
    (bits ^ network).leading_zeros() >= prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Class {
        classify(text.parse().unwrap())
    }

    #[test]
    fn v4_table_is_sorted_and_disjoint() {
        for pair in V4.windows(2) {
            assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn every_v4_block_ends_where_its_registry_says() {
        for (before, first, last, after) in [
            ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0"),
            ("192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", ""),
        ] {
            for outside in [before, after].into_iter().filter(|text| !text.is_empty()) {
                assert_eq!(class(outside), Class::Global, "{outside}");
                assert_eq!(class(&format!("::ffff:{outside}")), Class::Global, "{outside} mapped");
            }
            for inside in [first, last] {
                assert!(!class(inside).is_global(), "{inside}");
                assert_eq!(class(&format!("::ffff:{inside}")), class(inside), "{inside} mapped");
            }
        }
    }

    #[test]
    fn v6_forms_are_named() {
        for (text, expected) in [
            ("::", Class::ThisNetwork),
            ("::1", Class::Loopback),
            ("::7f00:1", Class::Transition),
            ("::ffff:0:127.0.0.1", Class::Transition),
            ("64:ff9b::7f00:1", Class::Transition),
            ("64:ff9b:1:ffff::1", Class::Transition),
            ("100::1", Class::Reserved),
            ("2001:0:53aa:64c::1", Class::Transition),
            ("2001:1::1", Class::Protocol),
            ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Class::Protocol),
            ("2001:200::1", Class::Global),
            ("2001:db7:ffff::", Class::Global),
            ("2001:db8::1", Class::Documentation),
            ("2001:db9::", Class::Global),
            ("2002:7f00:1::", Class::Transition),
            ("2003::1", Class::Global),
            ("2606:4700:4700::1111", Class::Global),
            ("2620:4f:8000::1", Class::Protocol),
            ("2620:4f:8001::1", Class::Global),
            ("2a00:1450::5efe:7f00:1", Class::Loopback),
            ("2a00:1450::200:5efe:a00:1", Class::Private),
            ("2a00:1450::5efe:808:808", Class::Global),
            ("3fff:fff:ffff::", Class::Documentation),
            ("3fff:1000::", Class::Global),
            ("1fff:ffff::", Class::Reserved),
            ("4000::", Class::Reserved),
            ("5f00::1", Class::Protocol),
            ("fc00::1", Class::Private),
            ("fd00:ec2::254", Class::Private),
            ("fe80::1", Class::LinkLocal),
            ("febf:ffff::", Class::LinkLocal),
            ("fec0::1", Class::Private),
            ("ff02::1", Class::Multicast),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }
}
