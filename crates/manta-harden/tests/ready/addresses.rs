//! Addresses and URLs against other people's code and lists. `cargo xtask ready-harden` installs them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};

use manta_detect::address::classify;
use manta_harden::net::UrlPolicy;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn wide(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }
}

/// 100,000 random addresses, and every place where our table changes its mind with its neighbours.
fn addresses() -> Vec<IpAddr> {
    let mut random = Random(0x853c_49e6_748f_ea9b);
    let mut ips: Vec<IpAddr> = Vec::new();
    for _ in 0..50_000 {
        let v4 = Ipv4Addr::from_bits(random.next() as u32);
        // A random IPv6 address inside the block that is in use; elsewhere there is nothing to find.
        ips.extend([IpAddr::V4(v4), Ipv6Addr::from_bits((random.wide() >> 3) | (1 << 125)).into()]);
    }
    for _ in 0..10_000 {
        let v4 = Ipv4Addr::from_bits(random.next() as u32);
        let embedded = u128::from(v4.to_bits());
        for prefix in ["::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "::", "2001:db8::", "fe80::5efe:0:0"] {
            let prefix: Ipv6Addr = prefix.parse().unwrap();
            ips.push(Ipv6Addr::from_bits(prefix.to_bits() | embedded).into());
        }
        ips.push(Ipv6Addr::from_bits((0x2002 << 112) | (embedded << 80) | 1).into());
    }
    let v4 = |bits: u32| IpAddr::V4(Ipv4Addr::from_bits(bits));
    for prefix in 0..=0x00ff_ffff_u32 {
        let first = prefix << 8;
        if prefix % 1024 == 0 || classify(v4(first)) != classify(v4(first.wrapping_sub(1))) {
            ips.extend(
                [first.wrapping_sub(2), first.wrapping_sub(1), first, first | 1, first | 0xfe, first | 0xff].map(v4),
            );
        }
    }
    for single in [[168, 63, 129, 16], [169, 254, 169, 254], [192, 0, 0, 8], [192, 0, 0, 170], [255, 255, 255, 255]] {
        let bits = u32::from_be_bytes(single);
        ips.extend([bits.wrapping_sub(1), bits, bits.wrapping_add(1)].map(v4));
    }
    // The same for IPv6, at 16 bits everywhere and at 32 bits inside 2001::/16, which is cut into the smallest pieces.
    let v6 = |bits: u128| IpAddr::V6(Ipv6Addr::from_bits(bits));
    let steps = (0..=0xffff_u128).map(|high| (high << 112, 1_u128 << 112));
    let steps = steps.chain((0..=0xffff_u128).map(|second| ((0x2001 << 112) | (second << 96), 1 << 96)));
    for (number, (first, width)) in steps.enumerate() {
        if number % 32 == 0 || classify(v6(first)) != classify(v6(first.wrapping_sub(width))) {
            let inside = first | (width >> 16).wrapping_mul(0xdb8);
            ips.extend([first.wrapping_sub(1), first, first | 1, inside, first | (width - 1)].map(v6));
        }
    }
    ips
}

/// Each oracle reads one address a line and answers one digit per opinion; its first line names them.
#[test]
#[ignore = "needs Python, Node and packages"]
fn never_looser_than_any_other_table() {
    let oracles = std::env::var("MANTA_ORACLES").expect("commands that judge addresses, one a line");
    let ips = addresses();
    let lines: String = ips.iter().map(|ip| format!("{ip}\n")).collect();
    for oracle in oracles.lines() {
        let mut words = oracle.split('\t');
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{oracle}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let input = lines.clone();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let names = answers.next().unwrap().unwrap();
        let names: Vec<&str> = names.split(',').collect();
        let mut stricter = vec![0_usize; names.len()];
        let mut compared = 0;
        for (ip, answer) in ips.iter().zip(answers) {
            compared += 1;
            let ours = classify(*ip).is_global();
            for (column, digit) in answer.unwrap().bytes().enumerate() {
                assert!(digit == b'1' || !ours, "{ip} is public here and not for {}", names[column]);
                stricter[column] += usize::from(digit == b'1' && !ours);
            }
        }
        writer.join().unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(compared, ips.len(), "{oracle}");
        for (name, stricter) in names.iter().zip(stricter) {
            println!("ready: {compared} addresses: stricter than {name} on {stricter}, looser on none");
        }
    }
}

/// Public lists of URLs that get past filters, one JSON string per line in the files that
/// `MANTA_URL_VECTORS` names (separated by `:`), tried as they are and with `https` for their scheme.
/// Nothing may pass but a host on the list, and of that no other reading may exist.
#[test]
#[ignore = "needs packages with lists"]
fn public_bypass_lists() {
    let files = std::env::var_os("MANTA_URL_VECTORS").expect("files with URLs, one JSON string a line");
    let policy = ["example.com", "google.com", "*.whitelisted.com", "whitelisted-domain.com", "domain.com"];
    let policy = policy.into_iter().fold(UrlPolicy::new(), |policy, host| policy.host(host).unwrap());
    let any = UrlPolicy::new().host("*").unwrap();
    for file in std::env::split_paths(&files) {
        let (mut tried, mut admitted, mut names) = (0, Vec::new(), Vec::new());
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let text: String = serde_json::from_str(line).unwrap();
            let secure = text.split_once(':').map(|(_, rest)| format!("https:{rest}")).unwrap_or_default();
            for url in [text, secure] {
                tried += 1;
                if let Ok(checked) = policy.check(&url) {
                    let authority = url.split("//").nth(1).unwrap().split(['/', '?', '#']).next().unwrap();
                    assert!(authority.to_lowercase().starts_with(&checked.host()), "{url} became {checked}");
                    admitted.push(url.clone());
                }
                if let Ok(checked) = any.check(&url) {
                    names.push(checked.host());
                }
            }
        }
        names.sort();
        names.dedup();
        assert!(tried > 100, "{} is no list", file.display());
        println!(
            "ready: {}: {tried} tried, on the list {admitted:?}; with any name allowed, left to the address check: {names:?}",
            file.display()
        );
    }
}
