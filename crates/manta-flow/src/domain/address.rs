//! What libraries say of an internet address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address lies in a network (`10.0.0.0/8`); none when the text is something else.
#[must_use]
pub fn is_in_network(address: IpAddr, network: &str) -> Option<bool> {
    let (base, bits) = network.split_once('/')?;
    let (base, bits) = (base.parse().ok()?, bits.parse::<u32>().ok()?);
    Some(match (address, base) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            is_same_prefix(a.to_bits().into(), b.to_bits().into(), 32_u32.checked_sub(bits)?)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => is_same_prefix(a.to_bits(), b.to_bits(), 128_u32.checked_sub(bits)?),
        _ => false,
    })
}

fn is_same_prefix(a: u128, b: u128, shift: u32) -> bool {
    a.checked_shr(shift) == b.checked_shr(shift)
}

/// The address that a 6to4 prefix embeds (RFC 3056).
#[must_use]
pub fn six_to_four(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [prefix, high, low, ..] = address.segments();
    (prefix == 0x2002).then(|| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

fn is_in_any(address: IpAddr, networks: &[&str]) -> bool {
    networks.iter().any(|network| is_in_network(address, network) == Some(true))
}

/// What a property of CPython's `ipaddress` says of an address (3.13; RFC 6890 and the IANA registries it was made from).
#[must_use]
pub fn python_property(address: IpAddr, name: &str) -> bool {
    const PRIVATE: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "::/127",
        "::ffff:0:0/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "fc00::/7",
        "fe80::/10",
    ];
    const NOT_PRIVATE: &[&str] = &[
        "192.0.0.9/32",
        "192.0.0.10/32",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:20::/28",
        "2001:30::/28",
    ];
    const RESERVED: &[&str] = &[
        "240.0.0.0/4",
        "::/8",
        "100::/8",
        "200::/7",
        "400::/6",
        "800::/5",
        "1000::/4",
        "4000::/3",
        "6000::/3",
        "8000::/3",
        "a000::/3",
        "c000::/3",
        "e000::/4",
        "f000::/5",
        "f800::/6",
        "fe00::/9",
    ];
    let is_private = || is_in_any(address, PRIVATE) && !is_in_any(address, NOT_PRIVATE);
    match name {
        "is_private" => is_private(),
        "is_global" => !is_private() && !is_in_any(address, &["100.64.0.0/10"]),
        "is_loopback" => address.is_loopback(),
        "is_link_local" => is_in_any(address, &["169.254.0.0/16", "fe80::/10"]),
        "is_multicast" => address.is_multicast(),
        "is_unspecified" => address.is_unspecified(),
        "is_site_local" => is_in_any(address, &["fec0::/10"]),
        _ => is_in_any(address, RESERVED),
    }
}

/// What `range()` of ipaddr.js says (2.x), for the ranges that are told apart by code that asks.
#[must_use]
pub fn range_name(address: IpAddr) -> &'static str {
    const RANGES: &[(&str, &[&str])] = &[
        ("unspecified", &["0.0.0.0/8", "::/128"]),
        ("broadcast", &["255.255.255.255/32"]),
        ("multicast", &["224.0.0.0/4", "ff00::/8"]),
        ("linkLocal", &["169.254.0.0/16", "fe80::/10"]),
        ("loopback", &["127.0.0.0/8", "::1/128"]),
        ("carrierGradeNat", &["100.64.0.0/10"]),
        ("private", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
        ("uniqueLocal", &["fc00::/7"]),
        ("ipv4Mapped", &["::ffff:0:0/96"]),
        ("6to4", &["2002::/16"]),
        ("teredo", &["2001::/32"]),
        (
            "reserved",
            &[
                "192.0.0.0/24",
                "192.0.2.0/24",
                "198.18.0.0/15",
                "198.51.100.0/24",
                "203.0.113.0/24",
                "240.0.0.0/4",
                "2001:db8::/32",
            ],
        ),
    ];
    RANGES.iter().find(|(_, networks)| is_in_any(address, networks)).map_or("unicast", |(name, _)| name)
}
